//! The mail servers in Debian, under one face: what a test of their common behaviour asks of them.

use chrono::{DateTime, Utc};

use super::courier::{Courier, Idle};
use super::cyrus::{self, Cyrus, USUAL};
use super::dovecot::{self, Dovecot, PASSWORD};
use super::imap::Imap;
use super::program::Transport;

/// Which server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Folders beside INBOX, special uses.
    Dovecot,
    /// Everything below INBOX, no special uses, no UIDNEXT.
    Courier,
    /// Folders beside INBOX, special uses, a new mailbox where one was removed.
    Cyrus,
}

/// A running server with one mailbox of three folders.
#[derive(Debug)]
pub enum MailServer {
    /// See [`Kind::Dovecot`].
    Dovecot(Dovecot),
    /// See [`Kind::Courier`].
    Courier(Courier),
    /// See [`Kind::Cyrus`].
    Cyrus(Cyrus),
}

impl MailServer {
    /// Starts a server with an empty mailbox.
    pub fn start(kind: Kind) -> MailServer {
        match kind {
            Kind::Dovecot => MailServer::Dovecot(Dovecot::start()),
            Kind::Courier => MailServer::Courier(Courier::start(Idle::Monitored)),
            Kind::Cyrus => MailServer::Cyrus(Cyrus::start(USUAL)),
        }
    }

    /// Stops the server; clients see their connections close.
    pub fn stop(&mut self) {
        match self {
            MailServer::Dovecot(server) => server.stop(),
            MailServer::Courier(server) => server.stop(),
            MailServer::Cyrus(server) => server.stop(),
        }
    }

    /// Starts the server again at the same ports.
    pub fn start_again(&mut self) {
        match self {
            MailServer::Dovecot(server) => server.start_again(),
            MailServer::Courier(server) => server.start_again(),
            MailServer::Cyrus(server) => server.start_again(),
        }
    }

    /// Delivers a mail that was received now. `folder` is INBOX, or a name at the top of the account
    /// as IMAP writes it; [`MailServer::name_of`] says what the server calls it.
    pub fn deliver(&self, folder: &str, mail: &str) {
        self.deliver_at(folder, mail, super::now());
    }

    /// Delivers a mail with the time of receipt `received_at`.
    pub fn deliver_at(&self, folder: &str, mail: &str, received_at: DateTime<Utc>) {
        match self {
            MailServer::Dovecot(server) => server.deliver_at(folder, mail, received_at),
            MailServer::Courier(server) => server.deliver_at(folder, mail, received_at),
            MailServer::Cyrus(server) => server.deliver_at(folder, mail, received_at),
        }
    }

    /// Returns the whole name of a folder.
    pub fn name_of(&self, folder: &str) -> String {
        match self {
            MailServer::Courier(_) if folder != "INBOX" => format!("INBOX.{folder}"),
            _ => folder.to_owned(),
        }
    }

    /// Makes a folder.
    pub fn make(&self, folder: &str) {
        self.client().command(&format!("CREATE \"{}\"", self.name_of(folder)));
    }

    /// Makes `folder` an empty one with another UIDVALIDITY, in which UIDs begin at 1.
    pub fn make_anew(&self, folder: &str) {
        let name = self.name_of(folder);
        let before = self.client().uid_validity(&name);
        match (self, folder) {
            (MailServer::Cyrus(server), "INBOX") => server.remove_mailbox(),
            (_, "INBOX") => panic!("INBOX cannot be removed from {self:?}"),
            // Dovecot and Courier make a UIDVALIDITY of the time in seconds.
            _ => super::until("the folder has another UIDVALIDITY", || {
                let mut client = self.client();
                client.command(&format!("DELETE \"{name}\""));
                client.command(&format!("CREATE \"{name}\""));
                match client.uid_validity(&name) {
                    same if same == before => Err(same.to_string()),
                    _ => Ok(()),
                }
            }),
        }
        assert_ne!(self.client().uid_validity(&name), before);
    }

    /// Returns the flags of every mail in every folder.
    pub fn flags(&self) -> Vec<String> {
        self.client().flags()
    }

    /// Returns a connection of another mail program.
    pub fn client(&self) -> Imap {
        Imap::log_in(self.ports().0, self.user(), PASSWORD)
    }

    /// Returns how the server words that a password is wrong.
    pub fn refusal(&self) -> &'static str {
        match self {
            MailServer::Dovecot(_) => "Authentication failed",
            MailServer::Courier(_) => "Login failed.",
            MailServer::Cyrus(_) => "authentication failure",
        }
    }

    /// Returns the table of the mailbox with the additional lines `more`. It is polled so rarely that
    /// within a test only IDLE brings mail.
    pub fn mailbox(&self, transport: Transport, more: &str) -> String {
        let ca_file = match self {
            MailServer::Dovecot(server) => server.ca_file(),
            MailServer::Courier(server) => server.ca_file(),
            MailServer::Cyrus(server) => server.ca_file(),
        };
        let more = format!("ca-file = \"{}\"\n{more}", ca_file.display());
        transport.table(self.ports(), self.user(), &more)
    }

    fn user(&self) -> &'static str {
        match self {
            MailServer::Dovecot(_) | MailServer::Courier(_) => dovecot::USER,
            MailServer::Cyrus(_) => cyrus::USER,
        }
    }

    /// Of IMAP in the clear, and over TLS.
    fn ports(&self) -> (u16, u16) {
        match self {
            MailServer::Dovecot(server) => (server.imap_port, server.imaps_port),
            MailServer::Courier(server) => (server.imap_port, server.imaps_port),
            MailServer::Cyrus(server) => (server.imap_port, server.imaps_port),
        }
    }
}
