//! What earlier versions left on disks is opened by this one, and what later ones left is refused and not touched.
//!
//! `tests/data/releases` has a folder for each version, made by its own program (`scripts/release-fixture`). Those
//! before 0.1.0 were never released; they stand for databases with a long way to go.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use acewatch::config::{self, Environment};
use acewatch::store::Store;
use rusqlite::Connection;
use serde_json::Value;

use crate::support::dovecot::Dovecot;
use crate::support::mail::{ACME, approval};
use crate::support::program::{Program, fact};
use crate::support::{now, scratch};

/// Columns that only say when something is looked at next; a new version looks at once.
const OF_THE_MOMENT: [&str; 2] = ["next_evaluation_at", "evaluated_at"];

/// A mailbox that nobody serves: port 9 is "discard", and nothing listens there.
const UNREACHABLE: &str = r#"
    [[mailbox]]
    host = "localhost"
    port = 9
    tls = "none"
    user = "ops@broker.example"
    password-environment = "ACEWATCH_TEST_PASSWORD"
"#;

/// The folders of all versions, and their names.
fn versions() -> Vec<(String, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/releases");
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .collect();
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Makes the database of a version again.
fn restore(version: &Path, database: &Path) {
    fs::create_dir_all(database.parent().unwrap()).unwrap();
    let sql = fs::read_to_string(version.join("database.sql")).unwrap();
    let connection = Connection::open(database).unwrap();
    // A dump has the tables in the order of their names.
    connection.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    connection.execute_batch(&sql).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL").unwrap();
}

/// The names in the first column of the answer.
fn names(database: &Connection, sql: &str) -> Vec<String> {
    let mut statement = database.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn tables(database: &Connection) -> Vec<String> {
    names(
        database,
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'",
    )
}

fn columns(database: &Connection, table: &str) -> Vec<String> {
    names(database, &format!("SELECT name FROM pragma_table_info('{table}')"))
}

/// The rows of a table as text.
fn rows(database: &Connection, table: &str, columns: &[String]) -> BTreeSet<String> {
    let quoted: Vec<String> = columns.iter().map(|name| format!("quote({name})")).collect();
    let sql = format!("SELECT {} FROM {table}", quoted.join(" || ', ' || "));
    names(database, &sql).into_iter().collect()
}

#[test]
fn what_each_earlier_version_recorded_is_still_there() {
    for (version, folder) in versions() {
        let home = scratch();
        let (before, after) = (home.path().join("before.db"), home.path().join("after.db"));
        restore(&folder, &before);
        restore(&folder, &after);
        let store = Store::open(&after).unwrap();
        assert_eq!(store.integrity_fault().unwrap(), None, "{version}");
        let before = Connection::open(&before).unwrap();
        let kept = tables(store.read());
        for table in tables(&before) {
            assert!(kept.contains(&table), "{version}: the table {table} is gone");
            let known = columns(store.read(), &table);
            let mut common = columns(&before, &table);
            common.retain(|name| known.contains(name) && !OF_THE_MOMENT.contains(&name.as_str()));
            let (old, new) = (rows(&before, &table, &common), rows(store.read(), &table, &common));
            let lost: Vec<_> = old.difference(&new).collect();
            assert!(lost.is_empty(), "{version}: {table} lost {lost:#?}");
        }
    }
}

#[test]
fn a_database_that_grew_has_the_shape_of_a_new_one() {
    // It has not where a migration was changed after a version with it had been in use.
    let shape = |store: &Store| {
        let sql = "SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema";
        names(store.read(), sql).into_iter().collect::<BTreeSet<String>>()
    };
    let new = shape(&Store::in_memory().unwrap());
    for (version, folder) in versions() {
        let home = scratch();
        let path = home.path().join("acewatch.db");
        restore(&folder, &path);
        let grown = shape(&Store::open(&path).unwrap());
        let differ: Vec<_> = grown.symmetric_difference(&new).collect();
        assert!(differ.is_empty(), "{version}: {differ:#?}");
    }
}

#[test]
fn what_each_earlier_version_said_of_an_application_this_one_says_too() {
    for (version, folder) in versions() {
        let program = Program::new();
        program.configure("");
        restore(&folder, &program.database());
        let shown: Vec<Value> =
            serde_json::from_slice(&fs::read(folder.join("shown.json")).unwrap()).unwrap();
        assert!(3 < shown.len(), "{version}");
        let status = program.status();
        for then in shown {
            let id = then["id"].to_string();
            let now = program.json(&["show", &id, "--json"]);
            for name in ["company", "number", "route", "stage"] {
                assert_eq!(now[name], then[name], "{version}: {name} of application {id}");
            }
            let (events, before) = (events(&now), events(&then));
            assert!(before.is_subset(&events), "{version}: {before:#?} became {events:#?}");
            let listed = status["applications"].as_array().unwrap();
            let is_closed = then["stage"] == "closed";
            assert!(
                is_closed || listed.iter().any(|one| one["id"] == then["id"]),
                "{version}: {id}"
            );
        }
        // Deadlines are reckoned and told as for one's own.
        let doctor = program.run(&["doctor"]);
        assert!(doctor.stdout.contains("ok       database: sound"), "{version}: {doctor:#?}");
    }
}

/// When what happened.
fn events(application: &Value) -> BTreeSet<String> {
    let events = application["events"].as_array().unwrap();
    assert!(!events.is_empty());
    events.iter().map(|event| format!("{} {}", event["at"], event["kind"])).collect()
}

#[test]
fn the_configuration_of_each_release_is_understood() {
    for (version, folder) in versions() {
        let path = folder.join("config.toml");
        let text = fs::read_to_string(&path).unwrap();
        match config::parse(&text, &path, &Environment::from_process()) {
            Ok(_) => {}
            // Before the first release keys were renamed; each says what took its place.
            Err(error) if version.starts_with("before-") => {
                assert!(!error.hint().is_empty(), "{version}: {error}");
            }
            Err(error) => panic!("{version}: {error}; {}", error.hint()),
        }
    }
}

/// Every file in a folder with its octets.
fn octets(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_database_of_a_later_version_is_refused_and_left_as_it_is() {
    let program = Program::new();
    program.configure(UNREACHABLE);
    program.add(ACME);
    let later = Connection::open(program.database()).unwrap();
    later
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE later (a);
             INSERT INTO later VALUES ('x'); PRAGMA user_version = 999;",
        )
        .unwrap();
    // As if the later version had been killed: its last writes are only in the file beside.
    let home = program.database().parent().unwrap().to_owned();
    let copy = program.path("copy");
    fs::create_dir(&copy).unwrap();
    for name in ["acewatch.db", "acewatch.db-wal"] {
        fs::copy(home.join(name), copy.join(name)).unwrap();
    }
    drop(later);
    let database = copy.join("acewatch.db");
    let database = database.to_str().unwrap();
    let before = octets(&copy);
    assert_eq!(before.len(), 2);
    for command in [
        &["status"][..],
        &["check"],
        &["run"],
        &["add", "--company", "Juniper Trading LLC", "--number", "12-3456799"],
        &["show", "1"],
        &["backup", "copy.db"],
        &["review"],
    ] {
        let ended = program.run(&[&["--database", database], command].concat());
        assert!(ended.code != Some(0), "{command:?}: {ended:#?}");
        let says =
            ended.stderr.contains("has schema 999, and this version of acewatch knows up to");
        assert!(says, "{command:?}: {ended:#?}");
        assert!(ended.stderr.contains("install the newer acewatch"), "{command:?}: {ended:#?}");
    }
    let doctor = program.run(&["--database", database, "doctor"]);
    assert!(doctor.stdout.contains("has schema 999"), "{doctor:#?}");
    let after = octets(&copy);
    let is_the_database = |(path, _): &&(PathBuf, Vec<u8>)| before.iter().any(|(p, _)| p == path);
    let kept: Vec<_> = after.iter().filter(is_the_database).cloned().collect();
    assert!(kept == before, "the database was changed");
}

#[test]
fn a_daemon_whose_database_a_newer_program_has_changed_leaves_it_to_that() {
    let server = Dovecot::start();
    let program = Program::watching(&server);
    program.add(ACME);
    let daemon = program.daemon();
    program.until("it watches", |status| status["watch"]["state"] == "watching");
    let newer = Connection::open(program.database()).unwrap();
    newer.pragma_update(None, "user_version", 999).unwrap();
    // Between the update and the daemon's next look nothing is written by what it no longer knows.
    server.deliver("INBOX", &approval(ACME, now()));
    assert_eq!(daemon.end().code(), Some(1));
    let log = fs::read_to_string(program.path("daemon.log")).unwrap();
    assert!(log.contains("has schema 999"), "{log}");
    let n: i64 = newer.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(n, 0, "{log}");
    // The next one, which knows it, reads what came.
    let known: i64 = Store::in_memory()
        .unwrap()
        .read()
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .unwrap();
    newer.pragma_update(None, "user_version", known).unwrap();
    let daemon = program.daemon();
    program.until("the approval is seen", |status| fact(status, ACME, "stage") == "approved");
    assert_eq!(daemon.stop().code(), Some(0));
}
