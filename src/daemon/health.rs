//! How the database fares, as far as the daemon can tell: a fault is said once, tried again until it
//! is over, and told on the desktop where it lasts, because no alert can be recorded meanwhile.
//!
//! `status` cannot be told through the database. The words stand in the daemon's lock file, whose
//! room was taken when all was well, so that they fit on a full disk too.

use std::fs::File;
use std::os::unix::fs::FileExt;

use chrono::{DateTime, Utc};

use crate::causes::chain;
use crate::notify::{Notice, Urgency};
use crate::store;

/// Room for the words of each kind in the lock file.
const ROOM: usize = 1024;
/// Where it says what is the matter with the database.
pub(super) const DATABASE: u64 = 0;
/// Where it says why a changed configuration is not in force.
pub(super) const CONFIGURATION: u64 = 1024;

/// The database's health since the start.
#[derive(Debug)]
pub(super) struct Health {
    note: Note,
    fault: Option<Fault>,
}

#[derive(Debug)]
struct Fault {
    text: String,
    since: DateTime<Utc>,
    is_on_the_desktop: bool,
}

impl Health {
    pub(super) fn new(note: Note) -> Health {
        note.write("");
        Health { note, fault: None }
    }

    /// Hears that something could not be done; says whether going on is of any use.
    pub(super) fn failed(&mut self, error: &anyhow::Error, now: DateTime<Utc>) -> bool {
        let Some(cause) = error.chain().find_map(|cause| cause.downcast_ref::<store::Error>())
        else {
            tracing::error!("{error:#}");
            return true;
        };
        let text = told(cause);
        match &mut self.fault {
            Some(fault) if fault.text == text => tracing::debug!("{error:#}"),
            known => {
                tracing::error!("{error:#}; hint: {}", cause.hint());
                let since = known.as_ref().map_or(now, |fault| fault.since);
                let is_on_the_desktop = known.as_ref().is_some_and(|fault| fault.is_on_the_desktop);
                self.note.write(&text);
                *known = Some(Fault { text, since, is_on_the_desktop });
            }
        }
        !cause.is_damage()
    }

    /// What is at fault now.
    pub(super) fn fault(&self) -> Option<&str> {
        self.fault.as_ref().map(|fault| fault.text.as_str())
    }

    /// Hears that something was written; says whether that is news.
    pub(super) fn worked(&mut self) -> bool {
        if self.fault.take().is_none() {
            return false;
        }
        tracing::info!("the database can be written again");
        self.note.write("");
        true
    }

    /// What a person must be told of a fault that has lasted for `patience`.
    pub(super) fn notice(&self, patience: chrono::Duration, now: DateTime<Utc>) -> Option<Notice> {
        let fault = self.fault.as_ref()?;
        let is_time = !fault.is_on_the_desktop && fault.since + patience <= now;
        is_time.then(|| Notice {
            key: "database".to_owned(),
            urgency: Urgency::Critical,
            title: "acewatch cannot write its history".to_owned(),
            body: format!("No mail is recorded until it can. {}. `acewatch doctor`", fault.text),
            replaces: None,
            buttons: Vec::new(),
        })
    }

    /// Hears that the notice was shown.
    pub(super) fn shown(&mut self) {
        if let Some(fault) = &mut self.fault {
            fault.is_on_the_desktop = true;
        }
    }
}

/// A line in the lock file.
#[derive(Debug)]
pub(super) struct Note {
    file: Option<File>,
    place: u64,
}

impl Note {
    /// A note in `file`, which its owner has locked.
    pub(super) fn in_file(file: &File, place: u64) -> Note {
        Note { file: file.try_clone().ok(), place }
    }

    pub(super) fn write(&self, text: &str) {
        let mut bytes = text.as_bytes().to_vec();
        bytes.resize(ROOM, b' ');
        let written = self.file.as_ref().map(|file| file.write_all_at(&bytes, self.place));
        if let Some(Err(error)) = written {
            tracing::debug!(%error, "cannot leave a note for `status`");
        }
    }
}

/// What the daemon that has locked `file` says in this place; `None` where all is well.
pub(super) fn read(file: &File, place: u64) -> Option<String> {
    let mut bytes = [0; ROOM];
    let mut n_bytes = 0;
    while let Some(rest) = bytes.get_mut(n_bytes..).filter(|rest| !rest.is_empty()) {
        let at = place.saturating_add(u64::try_from(n_bytes).unwrap_or(u64::MAX));
        match file.read_at(rest, at) {
            Ok(0) | Err(_) => break,
            Ok(n) => n_bytes += n,
        }
    }
    let text = String::from_utf8_lossy(bytes.get(..n_bytes)?).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn told(error: &store::Error) -> String {
    format!("{}; hint: {}", chain(error), error.hint())
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    fn full() -> anyhow::Error {
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        let error = store::Error::Sqlite(rusqlite::Error::SqliteFailure(code, None));
        Err::<(), _>(error).context("cannot record mail").unwrap_err()
    }

    #[test]
    fn a_fault_is_noted_told_once_when_it_lasts_and_forgotten_when_it_is_over() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let noted = || read(&File::open(file.path()).unwrap(), DATABASE).unwrap_or_default();
        let mut health = Health::new(Note::in_file(file.as_file(), DATABASE));
        let start = DateTime::UNIX_EPOCH;
        let hour = chrono::Duration::hours(1);
        assert_eq!((noted().as_str(), health.worked()), ("", false));
        assert!(health.failed(&full(), start));
        assert!(health.failed(&full(), start + hour));
        assert!(noted().contains("full"), "{}", noted());
        assert_eq!(health.notice(hour, start + hour / 2), None);
        assert!(health.notice(hour, start + hour).is_some());
        health.shown();
        assert_eq!(health.notice(hour, start + hour), None);
        assert!(health.worked() && !health.worked());
        assert_eq!((noted().as_str(), health.fault()), ("", None));
        let other = Note::in_file(file.as_file(), CONFIGURATION);
        other.write("line 3");
        let text = read(&File::open(file.path()).unwrap(), CONFIGURATION);
        assert_eq!((noted().as_str(), text.as_deref()), ("", Some("line 3")));
    }
}
