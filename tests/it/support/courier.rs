//! A private Courier: its own directory, ports, certificate and mailbox, gone at the end of the test.
//!
//! Courier has its paths compiled in. In the copy that a test runs they are made relative, `/run/courier`
//! to `./un/courier` and so on, which is as long; the working directory is the test's own.
//!
//! Everything lies below INBOX here, special uses are unknown, EXAMINE names no UIDNEXT, and UIDs that
//! have been given out are written down by SELECT alone.

use std::cell::Cell;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use acewatch::mailbox::folders::decoded;
use chrono::{DateTime, Utc};
use regex::bytes::Regex;

use super::dovecot::{Account, PASSWORD, USER, accepts, certify, free_ports, greets};
use super::unpacked::{Family, copy, library_path};
use super::{needed, output_of, scratch, until};

/// A running Courier with one mailbox: INBOX, INBOX.Sent and INBOX.Junk.
#[derive(Debug)]
pub struct Courier {
    directory: tempfile::TempDir,
    account: Account,
    idle: Idle,
    /// Port of IMAP in the clear and by STARTTLS.
    pub imap_port: u16,
    /// Port of IMAP over TLS.
    pub imaps_port: u16,
    n_delivered: Cell<u32>,
    processes: Vec<Family>,
}

/// How IDLE learns of new mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Idle {
    /// The file alteration monitor tells (`IMAP_ENHANCEDIDLE=1`).
    Monitored,
    /// The server looks (`IMAP_ENHANCEDIDLE=0`, as Debian has it) every two seconds instead of every 60.
    Polled,
}

impl Courier {
    /// Starts a server with an empty mailbox.
    pub fn start(idle: Idle) -> Courier {
        let directory = scratch();
        let account = Account::for_mail();
        copy("courier", directory.path(), relative);
        symlink("usr", directory.path().join("sr")).unwrap();
        for part in ["un/courier/authdaemon", "tc/courier", "home"] {
            fs::create_dir_all(directory.path().join(part)).unwrap();
        }
        for folder in ["INBOX", "Sent", "Junk"] {
            for part in ["tmp", "new", "cur"] {
                fs::create_dir_all(maildir(directory.path(), folder).join(part)).unwrap();
            }
        }
        certify(directory.path());
        let both =
            ["leaf.pem", "leaf.key"].map(|name| fs::read(directory.path().join(name)).unwrap());
        fs::write(directory.path().join("imapd.pem"), both.concat()).unwrap();
        let mut server = Courier {
            directory,
            account,
            idle,
            imap_port: 0,
            imaps_port: 0,
            n_delivered: Cell::new(0),
            processes: Vec::new(),
        };
        server.account.own(server.directory.path());
        server.configure();
        for _ in 0..5 {
            (server.imap_port, server.imaps_port) = free_ports();
            server.account.own(server.directory.path());
            if server.launch() {
                return server;
            }
        }
        panic!("Courier does not start:\n{}", server.log());
    }

    /// Stops the server; clients see their connections close.
    pub fn stop(&mut self) {
        self.processes.clear();
    }

    /// Starts the server again at the same ports.
    pub fn start_again(&mut self) {
        until("Courier runs again", || match self.launch() {
            true => Ok(()),
            false => Err(self.log()),
        });
    }

    /// Delivers a mail as a delivery agent does. `folder` is its name below INBOX, or INBOX.
    pub fn deliver_at(&self, folder: &str, mail: &str, received_at: DateTime<Utc>) {
        let number = self.n_delivered.get() + 1;
        self.n_delivered.set(number);
        // Courier numbers new mails in the order of the times in their names.
        let name = format!("{}.M{number:06}.test", super::now().timestamp());
        self.deliver_as(&name, folder, mail, received_at);
    }

    /// Delivers a mail under the file name `name`.
    pub fn deliver_as(&self, name: &str, folder: &str, mail: &str, received_at: DateTime<Utc>) {
        let maildir = maildir(self.directory.path(), folder);
        let draft = maildir.join("tmp").join(name);
        let mut file = fs::File::create(&draft).unwrap();
        // On its disk Courier wants lines as Unix has them, and adds the CR itself.
        file.write_all(mail.replace("\r\n", "\n").as_bytes()).unwrap();
        file.set_modified(received_at.into()).unwrap();
        self.account.own(&draft);
        fs::rename(draft, maildir.join("new").join(name)).unwrap();
    }

    /// Returns the server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Returns the authority's certificate, for `ca-file`.
    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes the configuration, and the account's database.
    fn configure(&self) {
        let directory = self.directory.path().display();
        let id = |flag: &str| {
            let mut command = Command::new("id");
            command.arg(flag);
            self.account.run(&mut command);
            output_of(&mut command).trim().to_owned()
        };
        let (user, group) = (id("-u"), id("-g"));
        let mut openssl = Command::new(needed("openssl", "openssl"));
        let hash = output_of(openssl.args(["passwd", "-5", PASSWORD]));
        let hash = hash.trim();
        fs::write(
            self.path("tc/courier/authdaemonrc"),
            "authmodulelist=\"authuserdb\"\nauthmodulelistorig=\"authuserdb\"\ndaemons=2\n\
             authdaemonvar=./un/courier/authdaemon\nDEBUG_LOGIN=0\nDEFAULTOPTIONS=\"\"\n",
        )
        .unwrap();
        let known =
            format!("{USER}\tuid={user}|gid={group}|home={directory}/home|mail={directory}/mail");
        // STARTTLS is served by the user `courier`, whom only an installation makes. A library that
        // answers for /etc/passwd says that it is us.
        let passwd = format!("courier:x:{user}:{group}::{directory}/home:/bin/false\n");
        fs::write(self.path("passwd"), passwd).unwrap();
        fs::write(self.path("group"), format!("courier:x:{group}:\n")).unwrap();
        for (name, line) in
            [("userdb", known), ("userdbshadow", format!("{USER}\tsystempw={hash}"))]
        {
            let mut make = self.command("usr/lib/courier/courier-authlib/makedatprog");
            make.args(["-", "tc/courier/draft", &format!("tc/courier/{name}.dat")]);
            let mut child = make.stdin(Stdio::piped()).spawn().unwrap();
            // A line with a single dot is the end.
            write!(child.stdin.take().unwrap(), "{line}\n.\n").unwrap();
            assert!(child.wait().unwrap().success(), "makedatprog");
        }
    }

    /// Starts all processes; false where one of the ports is taken.
    fn launch(&mut self) -> bool {
        self.processes.clear();
        let log = self.path("log");
        // The monitor's socket has a name for the whole machine.
        let client = format!("acewatch-{}", self.imap_port);
        let mut monitor = self.command("usr/libexec/gam_server");
        monitor.args(["--notimeout", &client]);
        let mut passwords = self.command("usr/lib/courier/courier-authlib/authdaemond");
        let authdaemonrc = fs::read_to_string(self.path("tc/courier/authdaemonrc")).unwrap();
        for line in authdaemonrc.lines() {
            let (name, value) = line.split_once('=').unwrap();
            passwords.env(name, value.trim_matches('"'));
        }
        let imap = |port: u16, through: &[&str], is_tls: bool| {
            let mut listener = self.command("usr/sbin/couriertcpd");
            let port = port.to_string();
            listener
                .args(["-address=127.0.0.1", "-nodnslookup", "-noidentlookup"])
                .args(["-maxprocs=40", "-maxperip=40", &port])
                .args(through)
                .args([
                    self.path("usr/lib/courier/courier/imaplogin"),
                    self.path("usr/bin/imapd"),
                    "Maildir".into(),
                ])
                .env("GAM_CLIENT_ID", &client)
                .env("MAILDIRPATH", "Maildir")
                .env(
                    "IMAP_CAPABILITY",
                    // As Debian's /etc/courier/imapd has it.
                    "IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT \
                     THREAD=REFERENCES SORT QUOTA IDLE",
                )
                .env("IMAP_KEYWORDS", "1")
                .env("IMAP_ACL", "1")
                .env("IMAP_USELOCKS", "1")
                .env("IMAP_TRASHFOLDERNAME", "Trash")
                .env("IMAP_MAILBOX_SANITY_CHECK", "1")
                .env("COURIERTLS", self.path("usr/bin/couriertls"))
                .env("TLS_CERTFILE", self.path("imapd.pem"))
                .env("TLS_VERIFYPEER", "NONE");
            match is_tls {
                true => listener.env("IMAP_TLS", "1"),
                false => listener.env("IMAP_STARTTLS", "YES"),
            };
            match self.idle {
                Idle::Monitored => listener.env("IMAP_ENHANCEDIDLE", "1"),
                Idle::Polled => {
                    listener.env("IMAP_ENHANCEDIDLE", "0").env("IMAP_IDLE_TIMEOUT", "2")
                }
            };
            listener
        };
        let couriertls = self.path("usr/bin/couriertls").display().to_string();
        let plain = imap(self.imap_port, &[], false);
        let tls = imap(self.imaps_port, &[&couriertls, "-server", "-tcpd"], true);
        for mut command in [monitor, passwords, plain, tls] {
            self.processes.push(Family::start(&mut command, &log));
        }
        let runs = until("Courier greets or gives up", || {
            if self.processes.iter_mut().any(Family::has_ended) {
                return Ok(false);
            }
            let is_asked = self.path("un/courier/authdaemon/socket").exists();
            match is_asked && greets(self.imap_port) && accepts(self.imaps_port) {
                true => Ok(true),
                false => Err("no greeting yet".to_owned()),
            }
        });
        if !runs {
            self.processes.clear();
        }
        runs
    }

    /// One of Courier's programs, in the working directory to which its paths are relative.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.path(program));
        self.account.run(&mut command);
        command
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LD_LIBRARY_PATH", library_path(self.directory.path()))
            .env("LD_PRELOAD", "libnss_wrapper.so")
            .env("NSS_WRAPPER_PASSWD", self.path("passwd"))
            .env("NSS_WRAPPER_GROUP", self.path("group"));
        command
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Courier's log:\n{}", self.log());
        }
    }
}

/// Returns a file of Courier's with the paths of the machine made relative.
fn relative(bytes: &[u8]) -> Vec<u8> {
    let paths = Regex::new("/[reu](un/courier|tc/courier|sr/lib/courier)").unwrap();
    paths.replace_all(bytes, &b"./$1"[..]).into_owned()
}

fn maildir(directory: &Path, folder: &str) -> PathBuf {
    let mail = directory.join("mail");
    // The names on its disk are in UTF-8.
    if folder == "INBOX" { mail } else { mail.join(format!(".{}", decoded(folder))) }
}
