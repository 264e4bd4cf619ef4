//! acewatch watches mailboxes for CBP's answers to ACE account applications.
//!
//! ```text
//! mailbox → parse → authenticate → classify → match → record → evaluate windows → alert
//! ```
//!
//! A mailbox task reads mails over IMAP and sends them, in batches, to the main task. There
//! [`app::App::ingest`] takes each through the pure core: bytes become a
//! [`domain::message::Message`]; the word of our own server says whether it is authentic
//! ([`domain::authenticity`]); rules say what it is ([`domain::classification`]); exact keys say
//! which application it is about ([`domain::matching`]); and [`domain::intake`] says what follows.
//! The database records mails, events, summaries, alerts and the cursor in one transaction.
//!
//! The clock is the other source of change: [`domain::evaluation`] says at any instant which
//! windows are due or overdue, as far as the mailboxes are known to have been read
//! ([`domain::coverage`]), and which alerts hold. An alert is first a row and then a notice; it is
//! marked as delivered after the notification server took it.
//!
//! The core ([`domain`]) knows nobody: no clock, file, database or network. The database file is
//! the only interface between the daemon and the commands.

pub mod domain;

pub mod config;

pub mod provider;

pub mod discovery;

pub mod secret;

pub mod keyring;

pub mod oauth;

pub mod store;

pub mod app;

pub mod dkim;

pub mod mailbox;

pub mod notify;

pub mod daemon;

pub mod clock;

pub mod causes;

pub mod memory;

pub mod replace;

pub mod network;

pub mod bus;
pub mod http;

pub mod dns;

pub mod program;

pub mod shell;

pub mod systemd;

pub mod cli;
