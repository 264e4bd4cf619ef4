//! The tests that need the whole program, in one binary so that it is linked once.
//!
//! Some start real servers: Dovecot, Courier, Cyrus, a session bus, GNOME Keyring, dunst on a screen that nobody sees. A server that
//! is missing fails the test with the name of its package; `scripts/test` installs what is missing.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test that stumbles has failed, and should say where"
)]

mod backup;
mod bounces;
mod candidates;
mod casework;
mod channels;
mod cli;
mod corpus;
mod crash;
mod deadlines;
mod decisions;
mod desktop;
mod docs;
mod doctor;
mod draft;
mod faults;
mod fifty;
mod hostile;
mod init;
mod keyring;
mod mailbox;
mod notices;
mod oauth;
mod outbox_crash;
mod prompt;
mod providers;
mod recalculation;
mod rules;
mod screenshots;
mod second_thoughts;
mod secrets;
mod servers;
mod service;
mod storage;
mod store;
mod submissions;
mod support;
mod tidy;
mod unrecognised;
mod upgrade;
mod year;
