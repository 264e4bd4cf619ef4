//! Where the log goes: to the journal with its fields where systemd runs the daemon, else to standard
//! error.
//!
//! A log line names mailboxes, applications and mails by what `status` and `show` call them. It never
//! holds a secret, a subject, a company or an importer number.

use std::os::unix::fs::MetadataExt;

use tracing::Level;
use tracing_journald::{Priority, PriorityMappings};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What stands before the names of our fields in the journal: `ACEWATCH_MAILBOX`.
const PREFIX: &str = "ACEWATCH";

/// Starts the log of this process, whose level follows `quiet`, `verbose` and `RUST_LOG`.
pub(super) fn start(quiet: bool, verbose: u8, is_daemon: bool) {
    let level = match (quiet, verbose, is_daemon) {
        (true, _, _) => LevelFilter::ERROR,
        (false, 0, false) => LevelFilter::WARN,
        (false, 0, true) | (false, 1, false) => LevelFilter::INFO,
        (false, 1, true) | (false, 2, _) => LevelFilter::DEBUG,
        (false, _, _) => LevelFilter::TRACE,
    };
    let wanted = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let wanted = wanted.unwrap_or_else(|| Targets::new().with_default(level));
    let filter = FilterFn::new(move |event| {
        is_loggable(event.target(), *event.level())
            && wanted.would_enable(event.target(), event.level())
    });
    let is_for_the_journal = is_for_the_journal();
    // Where the journal cannot be reached its stream, which standard error is, still works.
    if is_for_the_journal
        && is_daemon
        && let Ok(journal) = tracing_journald::layer()
    {
        let journal = journal
            .with_field_prefix(Some(PREFIX.to_owned()))
            .with_syslog_identifier("acewatch".to_owned())
            .with_priority_mappings(PriorityMappings {
                info: Priority::Informational,
                debug: Priority::Debug,
                ..PriorityMappings::new()
            });
        drop(tracing_subscriber::registry().with(journal.with_filter(filter)).try_init());
        return;
    }
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false);
    // The journal keeps its own time.
    let started = match is_for_the_journal || !is_daemon {
        true => {
            tracing_subscriber::registry().with(log.without_time().with_filter(filter)).try_init()
        }
        false => tracing_subscriber::registry().with(log.with_filter(filter)).try_init(),
    };
    drop(started);
}

/// Whether standard error is the journal's: systemd tells every process which stream it gave it, and
/// the processes that it starts with another one inherit the word (systemd.exec(5)).
fn is_for_the_journal() -> bool {
    let stream = std::env::var("JOURNAL_STREAM").unwrap_or_default();
    // The name of what standard error is; opening it opens nothing of a socket.
    std::fs::metadata("/proc/self/fd/2")
        .is_ok_and(|file| is_stream(&stream, (file.dev(), file.ino())))
}

/// Whether `JOURNAL_STREAM`, as "DEVICE:INODE", means this file.
fn is_stream(stream: &str, (device, inode): (u64, u64)) -> bool {
    stream.split_once(':').is_some_and(|(d, i)| d.parse() == Ok(device) && i.parse() == Ok(inode))
}

/// The IMAP crates write passwords into their trace logs, so these are cut off here whatever
/// `RUST_LOG` asks for.
fn is_loggable(target: &str, level: Level) -> bool {
    let is_talkative =
        ["async_imap", "imap_proto", "rustls", "zbus"].iter().any(|name| target.starts_with(name));
    !is_talkative || level <= Level::WARN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_hold_a_password_is_never_logged() {
        assert!(!is_loggable("async_imap::imap_stream", Level::TRACE));
        assert!(!is_loggable("imap_proto", Level::DEBUG));
        assert!(is_loggable("async_imap::client", Level::WARN));
        assert!(is_loggable("acewatch::daemon", Level::TRACE));
    }

    #[test]
    fn the_journal_is_meant_only_where_standard_error_is_its_stream() {
        assert!(is_stream("10:12345", (10, 12345)));
        for other in ["10:12346", "11:12345", "10", "", "10:12345:1", "a:b"] {
            assert!(!is_stream(other, (10, 12345)), "{other}");
        }
    }
}
