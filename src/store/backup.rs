//! A copy of the database that others may write to meanwhile, by SQLite's online backup.
//!
//! All pages are copied in one step and so from one snapshot; in WAL mode that holds up no writer.

use std::io;
use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::{APPLICATION_ID, Store, identity, with_suffix};
use crate::replace::{Replacement, folder_of};

/// Why there is no copy. What was at its place before is still there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is a file of that name.
    #[error("the file exists already")]
    Exists,
    /// Nothing can be put into the folder.
    #[error("cannot write in its folder")]
    Folder(#[source] io::Error),
    /// The copy cannot be given its name.
    #[error("cannot put the copy in its place")]
    File(#[source] io::Error),
    /// The pages cannot be written.
    #[error("cannot write the copy")]
    Copy(#[source] rusqlite::Error),
    /// The copy cannot be read.
    #[error("cannot read the copy")]
    Read(#[source] rusqlite::Error),
    /// The copy is damaged, most likely because the database is.
    #[error("the copy is not sound: {0}")]
    Unsound(String),
}

/// What a copy holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Copied {
    /// Registered applications.
    pub applications: usize,
    /// Mails.
    pub messages: usize,
    /// Events of all applications.
    pub events: usize,
    /// Size of the file.
    pub bytes: u64,
}

/// Copies the database to `file`, for its owner alone, and replaces what is there only if `replace`
/// says so. The copy gets its name when it is complete, checked and on the disk.
///
/// # Errors
///
/// See [`Error`].
pub fn copy(store: &Store, file: &Path, replace: bool) -> Result<Copied, Error> {
    // Asked first, because a large copy takes a while; and again when it gets its name.
    if !replace && file.symlink_metadata().is_ok() {
        return Err(Error::Exists);
    }
    let replacement = Replacement::of(file).map_err(Error::Folder)?;
    write(store, replacement.draft()).map_err(Error::Copy)?;
    let copied = check(replacement.draft())?;
    replacement.put(replace).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists if !replace => Error::Exists,
        _ => Error::File(error),
    })?;
    Ok(copied)
}

/// Whether `file` is the database, one of the files that SQLite and the daemon keep beside it, or
/// another name of one of them.
pub fn belongs_to(file: &Path, database: &Path) -> bool {
    let named = |path: &Path| {
        let folder = folder_of(path).canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    };
    let real = database.canonicalize().unwrap_or_else(|_| database.to_owned());
    [database, &real].iter().any(|database| {
        ["", "-wal", "-shm", "-journal", ".lock", ".outbox.lock"].iter().any(|suffix| {
            let own = with_suffix(database, suffix);
            let is_same_name = named(file).is_some_and(|name| named(&own) == Some(name));
            is_same_name || identity(file).is_some_and(|it| identity(&own) == Some(it))
        })
    })
}

fn write(store: &Store, draft: &Path) -> Result<(), rusqlite::Error> {
    let mut copy = Connection::open(draft)?;
    // A draft needs no journal, which could be left behind.
    copy.pragma_update(None, "journal_mode", "MEMORY")?;
    {
        let backup = Backup::new(store.read(), &mut copy)?;
        // Only in the instant in which another process recovers or empties the WAL is it not our turn.
        let mut n_attempts = 0;
        loop {
            match backup.step(-1)? {
                StepResult::Done => break,
                _ if n_attempts < 100 => {
                    n_attempts += 1;
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                _ => {
                    return Err(rusqlite::Error::SqliteFailure(
                        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                        None,
                    ));
                }
            }
        }
    }
    // One file that needs no other beside it, wherever it is opened.
    copy.pragma_update(None, "journal_mode", "DELETE")?;
    copy.close().map_err(|(_, error)| error)
}

fn check(draft: &Path) -> Result<Copied, Error> {
    let copy = Connection::open(draft).map_err(Error::Read)?;
    let verdict: String =
        copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(Error::Read)?;
    if verdict != "ok" {
        return Err(Error::Unsound(verdict));
    }
    let mark: i64 =
        copy.query_row("PRAGMA application_id", [], |row| row.get(0)).map_err(Error::Read)?;
    if mark != APPLICATION_ID {
        return Err(Error::Unsound("it does not bear acewatch's mark".to_owned()));
    }
    let (applications, messages, events) = copy
        .query_row(
            "SELECT (SELECT count(*) FROM applications), (SELECT count(*) FROM messages),
                    (SELECT count(*) FROM events)",
            [],
            |row| {
                let count =
                    |i: usize| row.get(i).map(|n: i64| usize::try_from(n).unwrap_or_default());
                Ok((count(0)?, count(1)?, count(2)?))
            },
        )
        .map_err(Error::Read)?;
    let bytes = draft.metadata().map_err(Error::File)?.len();
    Ok(Copied { applications, messages, events, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_s_own_files_are_known_under_every_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let database = path("acewatch.db");
        drop(Store::open(&database).unwrap());
        std::os::unix::fs::symlink(&database, path("symbolic")).unwrap();
        std::fs::hard_link(&database, path("hard")).unwrap();
        for own in ["acewatch.db", "acewatch.db-wal", "acewatch.db-shm", "symbolic", "hard"] {
            assert!(belongs_to(&path(own), &database), "{own}");
        }
        assert!(belongs_to(&database, &path("symbolic")));
        assert!(!belongs_to(&path("other.db"), &database));
        assert!(!belongs_to(Path::new("nowhere/acewatch.db"), &database));
    }
}
