//! The database: the only memory, and the only interface between the daemon and the commands.
//!
//! SQLite in WAL mode, so that `status` reads while the daemon writes. There is one writer at a
//! time: every write takes the lock at its beginning (`BEGIN IMMEDIATE`), because a transaction
//! that first reads and then wants to write fails at once if another one was faster, without
//! waiting its turn. `synchronous = FULL`, because an event that was shown to a person must
//! survive a power cut.
//!
//! [`record`] writes, [`query`] reads; neither decides anything.

pub mod query;
pub mod record;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

/// The migrations in order; a released one is never changed.
const MIGRATIONS: [(&str, &str); 1] =
    [("0001_initial", include_str!("../../migrations/0001_initial.sql"))];

/// Marks a file as ours ("ACEW"), so that a foreign database is never touched.
const APPLICATION_ID: i64 = 0x4143_4557;

/// How long a writer waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// What can go wrong with the database.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened or created.
    #[error("cannot open the database {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite or the system says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// It is some other program's.
    #[error("{} is not a database of acewatch", .0.display())]
    Foreign(PathBuf),
    /// A newer version of acewatch wrote it.
    #[error("the database {} has schema {found}, and this version of acewatch knows up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest schema known here.
        known: usize,
    },
    /// It was deleted or replaced while it was open.
    #[error("the database {} was deleted or replaced while acewatch was running", .0.display())]
    Gone(PathBuf),
    /// A statement failed.
    #[error("the database refused")]
    Sqlite(#[from] rusqlite::Error),
    /// A row holds what no version of acewatch writes.
    #[error("the database holds an unknown {what} `{value}`")]
    Value {
        /// The column.
        what: &'static str,
        /// Its content.
        value: String,
    },
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Device and inode of the file; `None` in memory.
    identity: Option<(u64, u64)>,
}

impl Store {
    /// Opens the database for reading and writing, makes it if it is missing, and brings it up to
    /// date.
    ///
    /// # Errors
    ///
    /// A foreign or newer file is refused and left untouched.
    pub fn open(path: &Path) -> Result<Store, Error> {
        let open = |source: Box<dyn std::error::Error + Send + Sync>| Error::Open {
            path: path.to_owned(),
            source,
        };
        prepare_file(path).map_err(|error| open(error.into()))?;
        let connection = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(|error| open(error.into()))?;
        let identity = identity(path);
        let mut store = Store { connection, path: path.to_owned(), identity };
        store.configure().map_err(|error| store.told_apart(error))?;
        store.migrate()?;
        Ok(store)
    }

    /// Opens the database if it is there, without making or changing anything on disk but what
    /// SQLite needs to read.
    ///
    /// # Errors
    ///
    /// As for [`Store::open`]; an older file is brought up to date.
    pub fn open_existing(path: &Path) -> Result<Option<Store>, Error> {
        if let Ok(false) = path.try_exists() {
            return Ok(None);
        }
        match Store::open(path) {
            Err(error) if is_about_rights(&error) => match Store::open_read_only(path) {
                Ok(store) => Ok(Some(store)),
                Err(_) => Err(error),
            },
            opened => opened.map(Some),
        }
    }

    /// Opens a database in a folder in which nothing can be written, as it stands on disk.
    fn open_read_only(path: &Path) -> Result<Store, Error> {
        let mut wal = path.as_os_str().to_owned();
        wal.push("-wal");
        // What a running daemon has not yet merged into the file cannot be left out.
        let is_merged = !Path::new(&wal).exists();
        let uri = format!("file:{}?immutable={}", path.display(), u8::from(is_merged));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri, flags)?;
        let store = Store { connection, path: path.to_owned(), identity: identity(path) };
        match usize::try_from(store.version()?) {
            Ok(version) if version == MIGRATIONS.len() => Ok(store),
            _ => Err(Error::Foreign(path.to_owned())),
        }
    }

    /// A database in memory that stands in for a missing file, for commands that only read.
    ///
    /// # Errors
    ///
    /// Only where SQLite has no memory.
    pub fn missing(path: &Path) -> Result<Store, Error> {
        let store = Store::in_memory()?;
        Ok(Store { path: path.to_owned(), ..store })
    }

    /// A database in memory, for commands that must leave nothing behind.
    ///
    /// # Errors
    ///
    /// Only where SQLite has no memory.
    pub fn in_memory() -> Result<Store, Error> {
        let mut store = Store {
            connection: Connection::open_in_memory()?,
            path: PathBuf::from(":memory:"),
            identity: None,
        };
        store.configure()?;
        store.migrate()?;
        Ok(store)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `work` in one transaction: all of it is recorded, or nothing.
    ///
    /// # Errors
    ///
    /// Those of `work`, after which nothing of it remains, and those of the commit.
    pub fn write<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        let tx = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(Error::from)?;
        let done = work(&tx)?;
        tx.commit().map_err(Error::from)?;
        Ok(done)
    }

    /// The connection, for reading.
    pub fn read(&self) -> &Connection {
        &self.connection
    }

    /// Makes sure that the file is still the one that was opened: what is written to a deleted file
    /// is lost, and SQLite does not notice.
    ///
    /// # Errors
    ///
    /// The file is gone, or another one has taken its place.
    pub fn require_file(&self) -> Result<(), Error> {
        match identity(&self.path) == self.identity {
            true => Ok(()),
            false => Err(Error::Gone(self.path.clone())),
        }
    }

    /// A number that changes whenever another process has written.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn data_version(&self) -> Result<i64, Error> {
        Ok(self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }

    /// Frees what SQLite keeps to answer the next question faster.
    pub fn shrink(&self) {
        self.connection.flush_prepared_statement_cache();
        if let Err(error) = self.connection.execute_batch("PRAGMA shrink_memory") {
            tracing::debug!(%error, "SQLite keeps its memory");
        }
    }

    /// What SQLite's own check of the file says; `None` when all is well.
    ///
    /// # Errors
    ///
    /// Those of SQLite.
    pub fn integrity_fault(&self) -> Result<Option<String>, Error> {
        let verdict: String =
            self.connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
        Ok((verdict != "ok").then_some(verdict))
    }

    fn configure(&mut self) -> Result<(), Error> {
        self.connection.busy_timeout(BUSY_TIMEOUT)?;
        // A foreign file must not even be switched to WAL, so its mark is looked at first.
        let (mark, n_tables): (i64, i64) = self.connection.query_row(
            "SELECT (SELECT application_id FROM pragma_application_id),
                    (SELECT count(*) FROM sqlite_schema)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if mark != APPLICATION_ID && (mark != 0 || n_tables != 0) {
            return Err(Error::Foreign(self.path.clone()));
        }
        let version = self.version()?;
        if MIGRATIONS.len() < usize::try_from(version).unwrap_or(usize::MAX) {
            return Err(Error::Newer {
                path: self.path.clone(),
                found: version,
                known: MIGRATIONS.len(),
            });
        }
        // Plans must not depend on the values bound, or each new value compiles the statement anew.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        self.connection.set_prepared_statement_cache_capacity(64);
        self.connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA cache_size = -1024;",
        )?;
        Ok(())
    }

    fn migrate(&mut self) -> Result<(), Error> {
        if usize::try_from(self.version()?).ok() == Some(MIGRATIONS.len()) {
            return Ok(());
        }
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Asked again under the lock: another process may have been faster.
        let version: i64 = tx.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        let done = usize::try_from(version).unwrap_or(usize::MAX);
        for (n, (name, sql)) in MIGRATIONS.iter().enumerate().skip(done) {
            if 0 < version {
                tracing::info!(migration = name, "changing the database's schema");
            }
            tx.execute_batch(sql)?;
            tx.pragma_update(None, "user_version", i64::try_from(n + 1).unwrap_or(i64::MAX))?;
        }
        tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        tx.commit()?;
        Ok(())
    }

    fn version(&self) -> Result<i64, Error> {
        Ok(self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
    }

    /// SQLite calls a file that is none of its own "not a database".
    fn told_apart(&self, error: Error) -> Error {
        match error {
            Error::Sqlite(error)
                if error.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) =>
            {
                Error::Foreign(self.path.clone())
            }
            Error::Sqlite(error) => Error::Open { path: self.path.clone(), source: error.into() },
            other => other,
        }
    }
}

/// Whether the file, or its folder, may only be read.
fn is_about_rights(error: &Error) -> bool {
    use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
    let source: &(dyn std::error::Error + 'static) = match error {
        Error::Open { source, .. } => source.as_ref(),
        other => other,
    };
    match (source.downcast_ref::<rusqlite::Error>(), source.downcast_ref::<std::io::Error>()) {
        (Some(error), _) => {
            matches!(error.sqlite_error_code(), Some(CannotOpen | PermissionDenied | ReadOnly))
        }
        (_, Some(error)) => matches!(
            error.kind(),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem
        ),
        _ => false,
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// Makes the file for its owner alone: importer numbers may be social security numbers.
fn prepare_file(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_database_is_for_its_owner_alone_and_opens_again() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/acewatch.db");
        drop(Store::open(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(Store::open(&path).unwrap().version().unwrap(), 1);
        assert_eq!(Store::open(&path).unwrap().integrity_fault().unwrap(), None);
    }

    #[test]
    fn a_newer_or_foreign_file_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let newer = folder.path().join("newer.db");
        drop(Store::open(&newer).unwrap());
        Connection::open(&newer).unwrap().pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(Store::open(&newer), Err(Error::Newer { found: 99, .. })));

        let other = folder.path().join("other.db");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
        let before = std::fs::read(&other).unwrap();
        assert!(matches!(Store::open(&other), Err(Error::Foreign(_))));
        assert_eq!(std::fs::read(&other).unwrap(), before);

        let text = folder.path().join("text.db");
        std::fs::write(&text, "not a database, but long enough to have a header").unwrap();
        assert!(matches!(Store::open(&text), Err(Error::Foreign(_))));
    }

    #[test]
    fn an_error_in_a_transaction_leaves_nothing_behind() {
        let mut store = Store::in_memory().unwrap();
        let failed: Result<(), Error> = store.write(|tx| {
            tx.execute("INSERT INTO facts (name, value) VALUES ('a', 'b')", [])?;
            Err(Error::Value { what: "test", value: String::new() })
        });
        assert!(failed.is_err());
        let n: i64 =
            store.read().query_row("SELECT count(*) FROM facts", [], |row| row.get(0)).unwrap();
        assert_eq!(n, 0);
    }
}
