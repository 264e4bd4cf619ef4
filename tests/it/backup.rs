//! `acewatch backup`: a copy that is whole, private, and never in the way of anything.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rusqlite::Connection;

use crate::support::dovecot::Dovecot;
use crate::support::mail::{ACME, JUNIPER, approval};
use crate::support::program::{Ended, Program, fact};
use crate::support::{now, until};

fn count(database: &Path, table: &str) -> i64 {
    let db = Connection::open(database).unwrap();
    db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

/// A home with one registered application and no mailbox.
fn program() -> Program {
    let program = Program::new();
    program.configure("");
    program.add(ACME);
    program
}

/// Checks that the command failed so, and that nothing was left behind beside `files`.
#[track_caller]
fn check_refused(program: &Program, arguments: &[&str], code: i32, said: &str) -> Ended {
    let list = || {
        let mut names: Vec<_> =
            fs::read_dir(program.path("")).unwrap().map(|entry| entry.unwrap().path()).collect();
        names.sort();
        names
    };
    let before = list();
    let ended = program.run(arguments);
    assert_eq!(ended.code, Some(code), "{ended:#?}");
    assert!(ended.stderr.contains(said), "{said}: {ended:#?}");
    assert_eq!(list(), before);
    ended
}

#[test]
fn a_backup_is_made_while_the_daemon_writes_and_holds_what_was_there() {
    let server = Dovecot::start();
    let program = Program::watching(&server);
    program.add(ACME);
    let daemon = program.daemon();
    server.deliver("INBOX", &approval(ACME, now()));
    program.until("the approval is seen", |status| fact(status, ACME, "stage") == "approved");

    let told = program.json(&["backup", "--json", "copy.db"]);
    let copy = program.path("copy.db");
    assert_eq!(told["schema"], "acewatch.backup/1");
    assert_eq!(told["applications"], 1);
    assert_eq!(told["messages"], 1);
    assert_eq!(told["events"], count(&copy, "events"));
    assert_eq!(told["bytes"], copy.metadata().unwrap().len());
    assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);

    // The doctor looks at it as at any database.
    let ended = program.run(&["doctor", "--json", "--database", "copy.db"]);
    let checks: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    for name in ["database", "summaries", "database file"] {
        let check = checks["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
        assert_eq!(check.unwrap()["outcome"], "ok", "{checks:#}");
    }
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn backups_and_writers_do_not_hold_each_other_up() {
    let program = program();
    let table: String = (0..400)
        .map(|i| format!("Backed Up {i} LLC,{:02}-{:07}00\n", 10 + i % 80, 1_000_000 + i))
        .collect();
    fs::write(program.path("clients.csv"), format!("company,number\n{table}")).unwrap();
    std::thread::scope(|scope| {
        let adding = scope.spawn(|| program.ok(&["add", "--from", "clients.csv"]));
        // All or nothing was registered at once, so a copy has one or all of them.
        until("a copy has all of them", || {
            let told = program.json(&["backup", "--json", "--force", "copy.db"]);
            match told["applications"].as_i64() {
                Some(401) => Ok(()),
                Some(1) => Err("not yet".to_owned()),
                other => panic!("half a transaction: {other:?}"),
            }
        });
        adding.join().unwrap();
    });
}

#[test]
fn an_older_copy_is_replaced_only_if_asked_and_only_as_a_whole() {
    let program = program();
    program.ok(&["backup", "copy.db"]);
    let before = fs::read(program.path("copy.db")).unwrap();
    program.add(JUNIPER);
    check_refused(&program, &["backup", "copy.db"], 1, "--force");
    assert_eq!(fs::read(program.path("copy.db")).unwrap(), before);
    program.ok(&["backup", "copy.db", "--force"]);
    assert_eq!(count(&program.path("copy.db"), "applications"), 2);
}

#[test]
fn a_copy_is_never_put_over_the_database() {
    let program = program();
    let database = program.database();
    let content = || fs::read(&database).unwrap();
    let before = content();
    symlink(&database, program.path("symbolic")).unwrap();
    fs::hard_link(&database, program.path("hard")).unwrap();
    for own in [
        "data/acewatch/acewatch.db",
        "data/../data/acewatch/acewatch.db",
        "data/acewatch/acewatch.db-wal",
        "data/acewatch/acewatch.db-shm",
        "data/acewatch/acewatch.db.lock",
        "symbolic",
        "hard",
    ] {
        let ended = check_refused(&program, &["backup", "--force", own], 2, "the database itself");
        assert!(ended.stderr.contains("hint: "), "{ended:#?}");
    }
    assert_eq!(content(), before);
}

#[test]
fn what_stands_in_the_way_is_named() {
    let program = program();
    check_refused(&program, &["backup", "missing/copy.db"], 1, "No such file or directory");
    check_refused(&program, &["backup", "--force", "data"], 1, "cannot put the copy in its place");
    check_refused(&program, &["backup", "data"], 1, "exists already");
    let nothing = ["backup", "copy.db", "--database", "none.db"];
    check_refused(&program, &nothing, 1, "there is no database none.db");
    let text = program.path("config/acewatch/config.toml").display().to_string();
    check_refused(&program, &["backup", "copy.db", "--database", &text], 2, "not a database");
}

#[test]
fn without_room_there_is_no_copy_and_nothing_is_left_of_it() {
    let program = program();
    // A limit on the size of files stands in for a full disk; without the trap, it would kill.
    let program = program.through(&["sh", "-c", "trap '' XFSZ; ulimit -f 128; exec \"$@\"", "sh"]);
    check_refused(&program, &["backup", "copy.db"], 1, "look at the rights and the free space");
}

#[test]
fn a_damaged_database_gives_no_backup() {
    let program = program();
    let database = program.database();
    let mut content = fs::read(&database).unwrap();
    for page in 3..content.len() / 4096 {
        content[page * 4096..page * 4096 + 64].fill(0xff);
    }
    fs::write(&database, content).unwrap();
    check_refused(&program, &["backup", "copy.db"], 1, "put back the last backup");
}
