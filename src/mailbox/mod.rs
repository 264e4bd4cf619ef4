//! The mailboxes: one task each, which owns its connection and tells the main task what it saw.
//!
//! ```text
//! watch ── connect ── session ── wire ── TLS ── TCP
//!   └── reading (folder → batches) ── domain::cursor (what is new?)
//! ```
//!
//! A mailbox task reads and reports; it knows nothing of the database. Three habits keep it honest:
//!
//! - **Read-only.** Folders are opened with EXAMINE and mails fetched with BODY.PEEK (RFC 3501
//!   §6.3.2, §6.4.5): no flag is set, nothing is marked as read, nothing moves.
//! - **Every command has an outcome.** The IMAP crate's convenience calls answer `Ok` on NO, on BAD
//!   and on a connection that has ended; a watcher that trusts them misses mail in silence. All
//!   commands go through [`session::Session::exec`], and every wait has a limit with a name.
//! - **What is new is decided by EXAMINE and the cursor** ([`crate::domain::cursor`]), never by what
//!   IDLE said. IDLE only says when to look. Looking happens at each poll interval anyway, and where
//!   the two disagree the task says that push is not to be trusted here.
//!
//! A cursor moves only after the main task has committed the mails that it covers, so a crash at any
//! moment means reading some mails again, which changes nothing.

mod access;
pub mod backoff;
pub mod connect;
mod distrust;
pub mod files;
pub mod folders;
mod mbox;
pub mod nudge;
pub mod probe;
pub mod reading;
pub mod session;
pub mod survey;
mod uids;
pub mod unreadable;
mod wanted;
pub mod watch;
pub mod wire;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::oneshot;

use crate::causes;
use crate::config::{Limits, MailboxSettings};
use crate::domain::cursor::Cursor;
use crate::domain::message::FolderRole;
use crate::oauth::{News, Patience};
use crate::secret::{Kind, SecretError};
use backoff::Failure;
use distrust::distrust;
use unreadable::Unreadable;

/// Says by its header block, as fetched, whether a mail's body is needed.
pub type Interest = Arc<dyn Fn(&[u8], FolderRole) -> bool + Send + Sync>;

/// What a mailbox task starts from.
pub struct Start {
    /// The mailbox.
    pub settings: MailboxSettings,
    /// The limits of all waits.
    pub limits: Limits,
    /// How far each folder has been read, by its decoded name. A folder without a cursor is read
    /// from the look-back on.
    pub cursors: BTreeMap<String, Cursor>,
    /// When each folder was last looked at, by its decoded name; empty at first.
    pub looked: BTreeMap<String, DateTime<Utc>>,
    /// The mails that could not be read.
    pub unreadable: Unreadable,
    /// Which mails are fetched whole.
    pub interest: Interest,
    /// The present time.
    pub clock: fn() -> DateTime<Utc>,
}

/// One mail as the server has it.
#[derive(Clone, Debug)]
pub struct RawMail {
    /// Its UID in its folder.
    pub uid: u32,
    /// INTERNALDATE: when the server took it in (RFC 3501 §2.3.3).
    pub received_at: DateTime<Utc>,
    /// Its octets.
    pub bytes: Vec<u8>,
    /// Whether `bytes` is only the beginning, because the mail is larger than `max-message`.
    pub truncated: bool,
}

/// Mails of one folder, and the cursor to commit with them.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The mailbox's name.
    pub mailbox: String,
    /// The folder's decoded name.
    pub folder: String,
    /// What mails in it are to us.
    pub role: FolderRole,
    /// To be recorded in the same transaction as the mails.
    pub cursor: Cursor,
    /// The mails, at most 200 or about 8 MB.
    pub mails: Vec<RawMail>,
    /// UIDs that could not be read, and why. The cursor passes over them.
    pub unreadable: Vec<(u32, String)>,
    /// UIDs that could not be read before and were tried again.
    pub retried: Vec<u32>,
}

/// How news of mail comes in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// The server tells (IDLE, RFC 2177).
    Push,
    /// Only by looking at each poll interval: no IDLE, or one that did not tell.
    Poll,
}

/// One folder that has been read up to the present.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FolderCoverage {
    /// The folder's decoded name.
    pub folder: String,
    /// What mails in it are to us.
    pub role: FolderRole,
    /// The start of the look-back where the folder was read anew; `None` where the reading
    /// continued from a cursor and coverage has no gap.
    pub from: Option<DateTime<Utc>>,
}

/// What a mailbox task tells the main task.
#[derive(Debug)]
pub enum Report {
    /// Mails to record. The answer is true once they are committed; only then does the task move
    /// its cursor. After false, or no answer, it keeps the old one and tries again later.
    Batch(Batch, oneshot::Sender<bool>),
    /// Every configured folder has been read up to `started_at`. The answer is true once that is
    /// recorded; otherwise the task begins again, and says so again.
    Complete {
        /// The mailbox's name.
        mailbox: String,
        /// When this pass began.
        started_at: DateTime<Utc>,
        /// The folders, in the order in which they were read.
        folders: Vec<FolderCoverage>,
        /// How news of mail comes in from now on.
        mode: Mode,
        /// Where the answer goes.
        answer: oneshot::Sender<bool>,
    },
    /// There is something to tell of the permission to read the mailbox.
    Access {
        /// The mailbox's name.
        mailbox: String,
        /// What.
        news: News,
    },
    /// The mailbox cannot be read. The task tries again by itself.
    Trouble {
        /// The mailbox's name.
        mailbox: String,
        /// The whole chain of causes in one line, without secrets.
        error: String,
        /// What a person can do about it.
        hint: Option<String>,
        /// Whether the server refused the login, and not for the first time in a row. A single
        /// refusal may be a server in trouble.
        refused_login: bool,
    },
}

/// What a server said, in its words, made fit for one line.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct Answer(String);

impl Answer {
    /// Takes a server's words: control characters become spaces, and no more than 400 characters
    /// are kept.
    #[must_use]
    pub fn new(words: &str) -> Answer {
        let shown = words.chars().map(|c| if c.is_control() { ' ' } else { c });
        Answer(shown.take(400).collect::<String>().trim().to_owned())
    }

    /// Whether the words ask for patience: too many sessions, quota, a server in trouble.
    #[must_use]
    pub fn is_throttling(&self) -> bool {
        // RFC 5530 §3 and RFC 7889 name the codes; the phrases are Gmail's, Yahoo's and Dovecot's.
        const SIGNS: [&str; 9] = [
            "[unavailable]",
            "[limit]",
            "[overquota]",
            "[inuse]",
            "too many simultaneous connections",
            "too many connections",
            "maximum number of connections",
            "bandwidth limits",
            "rate limit",
        ];
        let words = self.0.to_lowercase();
        SIGNS.iter().any(|sign| words.contains(sign))
    }

    /// Whether the server speaks of a fault of its own (RFC 5530 §3). As the answer to a login that
    /// says nothing about the password; as the answer to a FETCH it may be one broken mail.
    #[must_use]
    pub fn is_server_fault(&self) -> bool {
        self.0.to_lowercase().contains("[serverbug]")
    }

    /// Whether the login worked and the account does not: Microsoft 365 says so where licence,
    /// scope or user do not fit.
    #[must_use]
    pub fn is_about_the_account(&self) -> bool {
        self.0.to_lowercase().contains("user is authenticated but not connected")
    }
}

/// Why a mailbox cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The host has no address, or nobody could be asked.
    #[error("cannot find the server {host}")]
    Unresolved {
        /// As configured.
        host: String,
        /// The resolver's error.
        #[source]
        source: std::io::Error,
    },
    /// No connection to any of the host's addresses.
    #[error("cannot connect to {host}:{port}")]
    Unreachable {
        /// As configured.
        host: String,
        /// As configured.
        port: u16,
        /// The last attempt's error.
        #[source]
        source: std::io::Error,
    },
    /// The TLS handshake failed; a certificate that does not fit is among the sources.
    #[error("no secure connection to {host}")]
    Tls {
        /// As configured.
        host: String,
        /// As rustls says it.
        #[source]
        source: std::io::Error,
    },
    /// TLS cannot even be attempted: no trust anchors, or a name that cannot be one.
    #[error("cannot set up TLS for {host}")]
    TlsSetup {
        /// As configured.
        host: String,
        /// What is wrong.
        #[source]
        source: Answer,
    },
    /// The file of additional trust anchors cannot be read.
    #[error("cannot read the CA file {}", path.display())]
    CaFile {
        /// As configured.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Answer,
    },
    /// Unencrypted connections are made to this computer only.
    #[error("refusing an unencrypted connection to {host}, which is not this computer")]
    NotLoopback {
        /// As configured.
        host: String,
    },
    /// STARTTLS is configured and the server refuses it or mixed other data into it.
    #[error("the server does not start TLS")]
    NoStartTls {
        /// What it said instead.
        #[source]
        source: Answer,
    },
    /// The server does not greet us as RFC 3501 §7.1 has it.
    #[error("the server does not let us in")]
    Greeting {
        /// What it said.
        #[source]
        source: Answer,
    },
    /// The secret cannot be had.
    #[error("cannot read the secret of the mailbox")]
    Secret {
        /// Why.
        #[source]
        source: SecretError,
    },
    /// Only a person can make the secret readable, and may not be there yet.
    #[error("waiting for {}", why.awaited().unwrap_or("the secret"))]
    Awaited {
        /// What is waited for.
        why: SecretError,
    },
    /// The server offers no way to log in with the kind of secret configured.
    #[error("the server offers no login with {wanted}")]
    NoLogin {
        /// A password, or an access token.
        wanted: &'static str,
    },
    /// The server refused user and secret.
    #[error("the server refused the login")]
    RefusedLogin {
        /// What was sent.
        kind: Kind,
        /// What it said.
        #[source]
        source: Answer,
    },
    /// The server asks for patience.
    #[error("the server asks to be left alone for a while")]
    Throttled {
        /// What it said.
        #[source]
        source: Answer,
    },
    /// The server took the login but serves no mailbox for it.
    #[error("the server took the login but gives no access to the mailbox")]
    Account {
        /// What it said.
        #[source]
        source: Answer,
    },
    /// NO or BAD.
    #[error("the server refused {command}")]
    Refused {
        /// The command's name.
        command: &'static str,
        /// What the server said.
        #[source]
        source: Answer,
    },
    /// BYE.
    #[error("the server closed the connection during {command}")]
    Bye {
        /// The command's name.
        command: &'static str,
        /// What the server said.
        #[source]
        source: Answer,
    },
    /// The connection ended without a word.
    #[error("the connection ended during {command}")]
    Closed {
        /// The command's name.
        command: &'static str,
    },
    /// Nothing, or next to nothing, came for the time allowed.
    #[error("no answer to {command} for {}", seconds(limit))]
    Silent {
        /// The command's name, or the step of the connection.
        command: &'static str,
        /// The limit that ran out.
        limit: Duration,
    },
    /// The connection failed.
    #[error("the connection failed during {command}")]
    Io {
        /// The command's name.
        command: &'static str,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
    /// The answer breaks the protocol or a limit.
    #[error("the answer to {command} cannot be understood")]
    Garbled {
        /// The command's name.
        command: &'static str,
        /// In what way.
        #[source]
        source: Answer,
    },
    /// A folder named in the configuration does not exist.
    #[error("{0}")]
    NoFolder(folders::Absent),
    /// The main task could not commit a batch.
    #[error("the mails read could not be recorded")]
    NotRecorded,
    /// The main task is gone.
    #[error("nobody takes the mails read")]
    NobodyListens,
}

impl From<SecretError> for Error {
    fn from(error: SecretError) -> Error {
        match error.awaited() {
            Some(_) => Error::Awaited { why: error },
            None => Error::Secret { source: error },
        }
    }
}

impl Error {
    /// Says what kind of failure this is for the pause that follows.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Error::Unresolved { .. } | Error::Unreachable { .. } => Failure::Unreachable,
            Error::Secret { source: SecretError::OAuth { source } } => match source.patience() {
                Patience::Unreachable => Failure::Unreachable,
                Patience::Passing => Failure::Passing,
                Patience::Lasting => Failure::Lasting,
                Patience::SignIn => Failure::SignIn,
            },
            Error::Secret { .. } => Failure::Passing,
            Error::Tls { .. }
            | Error::Greeting { .. }
            | Error::Refused { .. }
            | Error::Bye { .. }
            | Error::Closed { .. }
            | Error::Silent { .. }
            | Error::Io { .. }
            | Error::Garbled { .. }
            | Error::NotRecorded
            | Error::NobodyListens => Failure::Passing,
            Error::RefusedLogin { .. } => Failure::RefusedLogin,
            Error::Throttled { .. } => Failure::Throttled,
            Error::Awaited { .. } => Failure::Awaited,
            Error::TlsSetup { .. }
            | Error::CaFile { .. }
            | Error::NotLoopback { .. }
            | Error::NoStartTls { .. }
            | Error::NoLogin { .. }
            | Error::Account { .. }
            | Error::NoFolder(_) => Failure::Lasting,
        }
    }

    /// Says what a person can do about it, if anything.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Error::Unresolved { host, .. } => {
                return Some(format!(
                    "check the spelling of `host` and the network: getent hosts {host}"
                ));
            }
            Error::Unreachable { .. } => "check `host`, `port` and the network",
            Error::Tls { source, .. } => {
                return Some(distrust(source).map_or_else(
                    || {
                        "check `host`, `port` and `tls`; acewatch does not go on without TLS"
                            .to_owned()
                    },
                    |distrust| distrust.hint,
                ));
            }
            Error::TlsSetup { .. } => "install the package ca-certificates, or give a `ca-file`",
            Error::CaFile { .. } => {
                "`ca-file` must be readable and contain certificates in PEM form"
            }
            Error::NotLoopback { .. } => "set `tls` to `implicit` or `starttls`",
            Error::NoStartTls { .. } => "try `tls = \"implicit\"`",
            Error::Secret { source } | Error::Awaited { why: source } => {
                return Some(source.hint());
            }
            Error::NoLogin { .. } => {
                "if `tls` is \"none\", write \"starttls\" or \"implicit\"; otherwise check whether the \
                 provider wants a password, or OAuth ([mailbox.oauth], `token-command`)"
            }
            Error::RefusedLogin { kind: Kind::AccessToken, .. } => {
                "the token is another account's or may not read mail: sign in as `user` with \
                 `acewatch sign-in`, or see what the `token-command` prints"
            }
            Error::RefusedLogin { kind: Kind::Password, .. } => {
                "check `user` and the secret; many providers want an app password. \
                 Run `acewatch doctor` after changing it"
            }
            Error::Throttled { .. } => {
                "close other mail programs on this account, or wait; acewatch uses one connection"
            }
            Error::Account { .. } => {
                "the account's IMAP access, licence or token scope does not fit; ask its administrator"
            }
            Error::NoFolder(_) => "write one of those in `folders` or `sent`",
            Error::Greeting { .. }
            | Error::Refused { .. }
            | Error::Bye { .. }
            | Error::Closed { .. }
            | Error::Silent { .. }
            | Error::Io { .. }
            | Error::Garbled { .. }
            | Error::NotRecorded
            | Error::NobodyListens => return None,
        };
        Some(hint.to_owned())
    }

    /// The error and all its causes in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let reason = match self {
            Error::Tls { source, .. } => distrust(source),
            _ => None,
        };
        let line = match reason {
            Some(distrust) => format!("{self}: {}", distrust.why),
            None => causes::chain(self),
        };
        line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    }
}

fn seconds(limit: &Duration) -> String {
    format!("{} s", limit.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &str, throttling: bool, account: bool) {
        let answer = Answer::new(words);
        assert_eq!(
            (answer.is_throttling(), answer.is_about_the_account()),
            (throttling, account),
            "{words}"
        );
    }

    #[test]
    fn throttling_and_accounts_are_told_from_wrong_passwords() {
        check("NO [AUTHENTICATIONFAILED] Authentication failed.", false, false);
        check("NO [UNAVAILABLE] Temporary authentication failure.", true, false);
        check("NO [ALERT] Too many simultaneous connections. (Failure)", true, false);
        check("NO [LIMIT] slow down", true, false);
        check("NO [OVERQUOTA] Account exceeded command or bandwidth limits.", true, false);
        check("BAD User is authenticated but not connected.", false, true);
    }

    #[test]
    fn a_chain_is_one_line_without_control_characters() {
        let kind = Kind::Password;
        let err = Error::RefusedLogin { kind, source: Answer::new("NO bad\u{1b}[31m\r\npassword") };
        assert_eq!(err.chain(), "the server refused the login: NO bad [31m  password");
    }
}
