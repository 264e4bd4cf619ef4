//! The database: the only memory, and the only interface between the daemon and the commands.
//!
//! SQLite in WAL mode, so that `status` reads while the daemon writes. There is one writer at a
//! time: every write takes the lock at its beginning (`BEGIN IMMEDIATE`), because a transaction
//! that first reads and then wants to write fails at once if another one was faster, without
//! waiting its turn. `synchronous = FULL`, because an event that was shown to a person must
//! survive a power cut.
//!
//! [`record`] writes, [`query`] reads, [`decision`] does both for what people decide, [`edit`] for what
//! they correct, [`receipt`] for the receipts of CBP's machine, [`notice`] for what stands on the desktop, [`sign_in`] for permissions to read mailboxes;
//! none judges.

pub mod backup;
pub mod calendar;
pub mod decision;
pub mod edit;
pub mod kept;
pub mod notice;
pub mod query;
pub mod receipt;
pub mod record;
pub mod sign_in;

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

/// The migrations in order; a released one is never changed.
const MIGRATIONS: [(&str, &str); 12] = [
    ("0001_initial", include_str!("../../migrations/0001_initial.sql")),
    ("0002_unreadable", include_str!("../../migrations/0002_unreadable.sql")),
    ("0003_deliveries", include_str!("../../migrations/0003_deliveries.sql")),
    ("0004_kept_mails", include_str!("../../migrations/0004_kept_mails.sql")),
    ("0005_dkim", include_str!("../../migrations/0005_dkim.sql")),
    ("0006_decisions", include_str!("../../migrations/0006_decisions.sql")),
    ("0007_receipts", include_str!("../../migrations/0007_receipts.sql")),
    ("0008_snoozes", include_str!("../../migrations/0008_snoozes.sql")),
    ("0009_windows", include_str!("../../migrations/0009_windows.sql")),
    ("0010_calendars", include_str!("../../migrations/0010_calendars.sql")),
    ("0011_notices", include_str!("../../migrations/0011_notices.sql")),
    ("0012_sign_ins", include_str!("../../migrations/0012_sign_ins.sql")),
];

/// Marks a file as ours ("ACEW"), so that a foreign database is never touched.
const APPLICATION_ID: i64 = 0x4143_4557;

/// How long a writer waits for another one.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// So many octets must find room before a disk counts as no longer full.
const BALLAST: usize = 1 << 16;

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
    /// SQLite's check of the file finds it damaged.
    #[error("the database {} is damaged: {fault}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        fault: String,
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

impl Error {
    /// What a person can do about it.
    pub fn hint(&self) -> &'static str {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        match self {
            Error::Newer { .. } => {
                "install the newer acewatch, or name another file with --database"
            }
            Error::Foreign(_) => {
                "name another file with --database; if this one was acewatch's, it is damaged: put back the last backup"
            }
            Error::Gone(_) => "start acewatch again; it goes on with the file that is there now",
            Error::Value { .. } => "run `acewatch doctor`",
            _ if self.is_damage() => {
                "stop acewatch, keep a copy of the file, and put back the last backup; `acewatch doctor` says more"
            }
            _ if self.is(&[DatabaseBusy, DatabaseLocked]) => {
                "another program holds the database: wait until it is done, or end it"
            }
            Error::Open { .. } | Error::Sqlite(_) | Error::Damaged { .. } => {
                "look at the rights of the database and its folder, and at the free space of the disk"
            }
        }
    }

    /// Whether the file's content is at fault, so that writing to it may damage more.
    pub fn is_damage(&self) -> bool {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        matches!(self, Error::Damaged { .. }) || self.is(&[DatabaseCorrupt, NotADatabase])
    }

    /// Whether the file, its folder or its disk let nothing be written.
    fn is_about_writing(&self) -> bool {
        use rusqlite::ErrorCode::{
            CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure,
        };
        let system = self.source_of_kind::<std::io::Error>().map(std::io::Error::kind);
        self.is(&[CannotOpen, DiskFull, PermissionDenied, ReadOnly, SystemIoFailure])
            || matches!(
                system,
                Some(std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem)
            )
    }

    fn is(&self, codes: &[rusqlite::ErrorCode]) -> bool {
        self.source_of_kind::<rusqlite::Error>()
            .and_then(rusqlite::Error::sqlite_error_code)
            .is_some_and(|code| codes.contains(&code))
    }

    fn source_of_kind<E: std::error::Error + 'static>(&self) -> Option<&E> {
        match self {
            Error::Open { source, .. } => source.downcast_ref(),
            Error::Sqlite(error) => (error as &(dyn std::error::Error + 'static)).downcast_ref(),
            _ => None,
        }
    }
}

/// An open database.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Device and inode of the file; `None` in memory.
    identity: Option<(u64, u64)>,
    /// Those of the files beside it that SQLite works with.
    beside: Vec<(PathBuf, (u64, u64))>,
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
        // SQLite is content with a file that it may only read, until something is to be written.
        if connection.is_readonly("main").map_err(|error| open(error.into()))? {
            let refused = std::io::Error::from(std::io::ErrorKind::PermissionDenied);
            return Err(open(refused.into()));
        }
        let path = path.to_owned();
        let mut store = Store { connection, identity: identity(&path), path, beside: Vec::new() };
        store.configure().map_err(|error| store.told_apart(error))?;
        store.migrate()?;
        store.beside = ["-wal", "-shm"]
            .into_iter()
            .map(|suffix| with_suffix(&store.path, suffix))
            .filter_map(|path| identity(&path).map(|identity| (path, identity)))
            .collect();
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
            Err(error) if error.is_about_writing() => match Store::open_read_only(path) {
                Ok(store) => Ok(Some(store)),
                Err(_) => Err(error),
            },
            opened => opened.map(Some),
        }
    }

    /// Opens a database in a folder in which nothing can be written, as it stands on disk.
    fn open_read_only(path: &Path) -> Result<Store, Error> {
        // What a running daemon has not yet merged into the file cannot be left out.
        let is_merged = with_suffix(path, "-wal").metadata().map_or(true, |wal| wal.len() == 0);
        // The three characters that mean something in the path of a URI (RFC 3986, section 3.3).
        let name = path.display().to_string();
        let name = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
        let uri = format!("file:{name}?immutable={}", u8::from(is_merged));
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(uri, flags)?;
        let path = path.to_owned();
        let store = Store { connection, identity: identity(&path), path, beside: Vec::new() };
        match usize::try_from(store.version()?) {
            Ok(version) if version == MIGRATIONS.len() => Ok(store),
            _ => Err(Error::Foreign(store.path)),
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
            beside: Vec::new(),
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
        // After an update a command may have changed the schema under a daemon that is still the old program.
        require_known(&tx, &self.path).map_err(E::from)?;
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
    /// What SQLite keeps beside the old file goes with it. SQLite would leave it there, and apply
    /// the last writes to the one file to the other.
    ///
    /// # Errors
    ///
    /// The file is gone, or another one has taken its place.
    pub fn require_file(&self) -> Result<(), Error> {
        if identity(&self.path) == self.identity {
            return Ok(());
        }
        for (path, known) in &self.beside {
            if identity(path) == Some(*known)
                && let Err(error) = std::fs::remove_file(path)
            {
                tracing::error!(%error, "delete {} before the next start", path.display());
            }
        }
        Err(Error::Gone(self.path.clone()))
    }

    /// Makes sure that the file is sound: what is written to a damaged one may damage more.
    ///
    /// # Errors
    ///
    /// It is not.
    pub fn require_sound(&self) -> Result<(), Error> {
        let fault: String =
            self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        match fault.as_str() {
            "ok" => Ok(()),
            _ => Err(Error::Damaged { path: self.path.clone(), fault }),
        }
    }

    /// Makes sure that no newer program has changed the schema since.
    ///
    /// # Errors
    ///
    /// One has; what this program would write might no longer fit.
    pub fn require_known(&self) -> Result<(), Error> {
        require_known(&self.connection, &self.path)
    }

    /// Writes as much as a batch of mail would, and takes it out again, to see whether the database
    /// can be written.
    ///
    /// # Errors
    ///
    /// It cannot.
    pub fn try_write(&mut self) -> Result<(), Error> {
        self.write(|tx| record::fact(tx, "ballast", &" ".repeat(BALLAST)))?;
        self.write(|tx| record::fact(tx, "ballast", ""))?;
        Ok(())
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
        // A foreign or newer file must not even be switched to WAL, so its mark is looked at first; nor is what a
        // newer program left in its WAL merged into it.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        let (mark, n_tables): (i64, i64) = self.connection.query_row(
            "SELECT (SELECT application_id FROM pragma_application_id),
                    (SELECT count(*) FROM sqlite_schema)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if mark != APPLICATION_ID && (mark != 0 || n_tables != 0) {
            return Err(Error::Foreign(self.path.clone()));
        }
        self.require_known()?;
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        // Plans must not depend on the values bound, or each new value compiles the statement anew.
        self.connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        self.connection.set_prepared_statement_cache_capacity(64);
        self.switch_to_wal()?;
        self.connection.execute_batch(
            "PRAGMA synchronous = FULL;
             PRAGMA foreign_keys = ON;
             PRAGMA trusted_schema = OFF;
             PRAGMA cache_size = -1024;",
        )?;
        Ok(())
    }

    /// A copy that was put back is not in WAL mode, and to change the mode SQLite wants the file for
    /// itself at once: it does not wait for another process that is about to do the same.
    fn switch_to_wal(&self) -> Result<(), Error> {
        use rusqlite::ErrorCode::{DatabaseBusy, DatabaseLocked};
        const ATTEMPTS: usize = 40;
        const PAUSE: Duration = Duration::from_millis(50);
        let switch = || self.connection.execute_batch("PRAGMA journal_mode = WAL");
        for _ in 1..ATTEMPTS {
            match switch().map_err(Error::from) {
                Err(error) if error.is(&[DatabaseBusy, DatabaseLocked]) => {
                    std::thread::sleep(PAUSE);
                }
                done => return done,
            }
        }
        Ok(switch()?)
    }

    fn migrate(&mut self) -> Result<(), Error> {
        if usize::try_from(self.version()?).ok() == Some(MIGRATIONS.len()) {
            return Ok(());
        }
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Asked again under the lock: another process may have been faster, and newer.
        require_known(&tx, &self.path)?;
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

fn require_known(connection: &Connection, path: &Path) -> Result<(), Error> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match usize::try_from(version).is_ok_and(|version| version <= MIGRATIONS.len()) {
        true => Ok(()),
        false => {
            let path = path.to_owned();
            Err(Error::Newer { path, found: version, known: MIGRATIONS.len() })
        }
    }
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|file| (file.dev(), file.ino()))
}

/// The path with something put to its end.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
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
    fn a_copy_that_another_is_about_to_write_is_opened_when_it_is_done() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("acewatch.db");
        drop(Store::open(&path).unwrap());
        let other = Connection::open(&path).unwrap();
        other.execute_batch("PRAGMA journal_mode = DELETE; BEGIN IMMEDIATE").unwrap();
        other.query_row("SELECT count(*) FROM messages", [], |_| Ok(())).unwrap();
        let opened = std::thread::spawn(move || Store::open(&path).map(drop));
        std::thread::sleep(Duration::from_millis(200));
        assert!(!opened.is_finished(), "it is waited for");
        other.execute_batch("COMMIT").unwrap();
        opened.join().unwrap().unwrap();
    }

    #[test]
    fn a_new_database_is_for_its_owner_alone_and_opens_again() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sub/acewatch.db");
        drop(Store::open(&path).unwrap());
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let version = Store::open(&path).unwrap().version().unwrap();
        assert_eq!(usize::try_from(version).unwrap(), MIGRATIONS.len());
        assert_eq!(Store::open(&path).unwrap().integrity_fault().unwrap(), None);
    }

    #[test]
    fn the_tickets_of_an_older_database_still_lead_to_their_applications() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("older.db");
        let older = Connection::open(&path).unwrap();
        for (_, sql) in MIGRATIONS.iter().take_while(|(name, _)| *name != "0008_snoozes") {
            older.execute_batch(sql).unwrap();
        }
        older
            .execute_batch(&format!(
                "PRAGMA application_id = {APPLICATION_ID};
                 PRAGMA user_version = 7;
                 INSERT INTO applications (company, number, route, created_at)
                 VALUES ('Acme Imports LLC', '12-345678900', 'email', 0);
                 INSERT INTO messages (digest, mailbox, folder, role, received_at, recorded_at, sender,
                                       subject, kind, authenticity, outcome, effect)
                 VALUES ('', '', '', '', 0, 0, '', '', '', '', '', '');
                 INSERT INTO tickets VALUES ('INC0012345', 1, 1);"
            ))
            .unwrap();
        drop(older);
        let mut store = Store::open(&path).unwrap();
        let of = crate::domain::application::ApplicationId(1);
        let found = |store: &Store| edit::with_ticket(store.read(), "INC0012345").unwrap();
        assert_eq!(found(&store), [of]);
        // What a person says stays when the mail is taken back.
        store.write(|tx| record::ticket(tx, "INC0012345", of, None)).unwrap();
        store.write(|tx| record::unlearn(tx, 1)).unwrap();
        assert_eq!(found(&store), [of]);
        assert_eq!(store.integrity_fault().unwrap(), None);
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

    #[test]
    fn a_path_may_hold_what_means_something_in_a_uri() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("100% a?mode=memory#b.db");
        drop(Store::open(&path).unwrap());
        Store::open_read_only(&path).unwrap();
    }
}
