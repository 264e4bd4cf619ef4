//! What the disk and other programs do to the database, and how the daemon comes through it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rusqlite::Connection;

use crate::support::dovecot::Dovecot;
use crate::support::mail::{ACME, Importer, JUNIPER, PELICAN, approval};
use crate::support::program::{Daemon, Program, fact};
use crate::support::{needed, now, output_of, until};

/// Starts acewatch so that a file which may not grow is an error to it and not its end.
const UNDER_A_LIMIT: [&str; 4] = ["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"];

/// Lets the files that `daemon` writes grow up to `octets`: to a program, a disk that is full.
fn limit_files(daemon: &Daemon, octets: &str) {
    let pid = daemon.process().id().to_string();
    // Only the soft limit, which may be raised again.
    let limit = format!("--fsize={octets}:");
    output_of(Command::new(needed("prlimit", "util-linux")).args(["--pid", &pid, &limit]));
}

/// Makes a program with three companies registered.
fn program(server: &Dovecot) -> Program {
    let program = Program::watching(server);
    for importer in [ACME, JUNIPER, PELICAN] {
        program.add(importer);
    }
    program
}

#[track_caller]
fn watching(program: &Program) -> Daemon {
    let daemon = program.daemon();
    program.until("the mailbox is watched", |status| status["watch"]["state"] == "watching");
    daemon
}

#[track_caller]
fn approved(program: &Program, importers: &[Importer]) {
    program.until("they are approved", |status| {
        importers.iter().all(|importer| fact(status, *importer, "stage") == "approved")
    });
}

/// Checks that the database is sound and has each of these approvals once.
#[track_caller]
fn check_once(database: &Path, importers: &[Importer]) {
    let db = Connection::open(database).unwrap();
    let verdict: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    for (table, filter) in [("messages", "1"), ("events", "kind = 'approved'")] {
        let n: usize = db
            .query_row(&format!("SELECT count(*) FROM {table} WHERE {filter}"), [], |row| {
                row.get::<_, i64>(0)
            })
            .unwrap()
            .try_into()
            .unwrap();
        assert_eq!(n, importers.len(), "{table}");
    }
}

#[test]
fn a_full_disk_is_said_once_loses_nothing_and_is_survived() {
    let server = Dovecot::start();
    let program = program(&server).through(&UNDER_A_LIMIT);
    let daemon = watching(&program);
    limit_files(&daemon, "16384");
    server.deliver("INBOX", &approval(ACME, now()));
    let status =
        program.until("the status says so", |status| !status["watch"]["database_error"].is_null());
    assert_eq!(status["watch"]["state"], "degraded");
    let told = status["watch"]["database_error"].as_str().unwrap();
    assert!(told.contains("free space"), "{told}");
    assert!(program.ok(&["status"]).contains("free space"));
    assert_eq!(program.run(&["status", "--check"]).code, Some(1));

    // However often it is tried again, it is said once.
    server.deliver("INBOX", &approval(JUNIPER, now()));
    let n_logins = server.n_logins() + 4;
    until("it was tried again", || match n_logins <= server.n_logins() {
        true => Ok(()),
        false => Err(daemon.log()),
    });
    assert_eq!(daemon.log().matches("ERROR").count(), 1, "{}", daemon.log());
    assert_eq!(daemon.log().matches("WARN").count(), 0, "{}", daemon.log());
    assert_eq!(daemon.log().matches("taken in").count(), 0, "{}", daemon.log());
    assert_eq!(fact(&program.status(), ACME, "stage"), "submitted");

    limit_files(&daemon, "unlimited");
    approved(&program, &[ACME, JUNIPER]);
    let status = program.until("all is well", |status| status["watch"]["state"] == "watching");
    assert!(status["watch"]["database_error"].is_null());
    assert_eq!(daemon.log().matches("can be written again").count(), 1, "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
    check_once(&program.database(), &[ACME, JUNIPER]);
}

#[test]
fn a_status_needs_no_room_on_the_disk() {
    let server = Dovecot::start();
    let program = program(&server);
    let program = program.through(&["sh", "-c", "trap '' XFSZ; ulimit -f 16; exec \"$@\"", "sh"]);
    assert!(program.ok(&["status"]).contains(ACME.company));
    let ended = program.run(&["run"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("free space"), "{ended:#?}");
}

#[test]
fn a_lasting_fault_is_told_on_the_desktop_though_no_alert_can_be_recorded() {
    let server = Dovecot::start();
    let desktop = crate::support::desktop::Desktop::start();
    let program = program(&server)
        .through(&UNDER_A_LIMIT)
        .with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    let config = program.path("config/acewatch/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("[watch]", "[watch]\nblind-after = \"2s\"")).unwrap();
    let daemon = program.daemon();
    program
        .until("the mailbox was read", |status| !status["watch"]["last_complete_check"].is_null());
    limit_files(&daemon, "16384");
    server.deliver("INBOX", &approval(ACME, now()));
    let cannot = || {
        let shown = desktop.shown();
        shown.iter().filter(|notice| notice.title.contains("cannot write its history")).count()
    };
    until("it is shown", || if cannot() == 1 { Ok(()) } else { Err(daemon.log()) });
    limit_files(&daemon, "unlimited");
    approved(&program, &[ACME]);
    assert_eq!(cannot(), 1);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_database_that_may_only_be_read_is_no_database_for_a_daemon_and_one_for_a_status() {
    let server = Dovecot::start();
    let mut program = program(&server);
    if output_of(Command::new("id").arg("-u")).trim() == "0" {
        // So that rights mean to the superuser what they mean to others.
        program = program.through(&["setpriv", "--bounding-set=-dac_override,-dac_read_search"]);
    }
    let database = program.database();
    let folder = database.parent().unwrap();
    let set = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    // Without the lock file, as after a first `add`, and with it.
    for has_lock in [false, true] {
        for (file_mode, folder_mode) in [(0o400, 0o700), (0o600, 0o500), (0o400, 0o500)] {
            set(&database, file_mode);
            set(folder, folder_mode);
            let ended = program.run(&["run"]);
            let told = program.run(&["status"]);
            set(folder, 0o700);
            set(&database, 0o600);
            let case = format!("{file_mode:o} {folder_mode:o}, lock file: {has_lock}");
            assert_eq!(ended.code, Some(1), "{case}: {ended:#?}");
            assert!(ended.stderr.contains("rights"), "{case}: {ended:#?}");
            assert_eq!(told.code, Some(0), "{case}: {told:#?}");
            assert!(told.stdout.contains(ACME.company), "{case}: {told:#?}");
        }
        server.deliver("INBOX", &approval(if has_lock { JUNIPER } else { ACME }, now()));
        let daemon = program.daemon();
        approved(&program, if has_lock { &[ACME, JUNIPER] } else { &[ACME] });
        assert_eq!(daemon.stop().code(), Some(0));
    }
    check_once(&database, &[ACME, JUNIPER]);
}

#[test]
fn another_writer_is_waited_for_however_long_it_takes() {
    let server = Dovecot::start();
    let program = program(&server);
    let daemon = watching(&program);
    let other = Connection::open(program.database()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    server.deliver("INBOX", &approval(ACME, now()));
    let status =
        program.until("the status says so", |status| !status["watch"]["database_error"].is_null());
    assert!(status["watch"]["database_error"].as_str().unwrap().contains("another program"));
    assert_eq!(fact(&status, ACME, "stage"), "submitted");
    other.execute_batch("ROLLBACK").unwrap();
    approved(&program, &[ACME]);
    program.until("all is well", |status| status["watch"]["database_error"].is_null());
    assert_eq!(daemon.log().matches("ERROR").count(), 1, "{}", daemon.log());
    assert_eq!(daemon.stop().code(), Some(0));
    check_once(&program.database(), &[ACME]);
}

#[test]
fn a_daemon_whose_database_was_deleted_says_so_and_leaves() {
    let server = Dovecot::start();
    let program = program(&server);
    let daemon = watching(&program);
    fs::remove_file(program.database()).unwrap();
    assert_eq!(daemon.end().code(), Some(1));
    let log = fs::read_to_string(program.path("daemon.log")).unwrap();
    assert!(log.contains("was deleted or replaced"), "{log}");
    assert!(!program.database().exists());
    // What was written after the deletion is no part of the next database.
    let daemon = program.daemon();
    program.until("it watches again", |status| status["watch"]["state"] == "watching");
    assert_eq!(program.status()["counts"]["applications"], 0);
    assert_eq!(daemon.stop().code(), Some(0));
    check_once(&program.database(), &[]);
}

#[test]
fn a_backup_put_back_under_the_running_daemon_is_what_the_next_one_goes_on_with() {
    let server = Dovecot::start();
    let program = program(&server);
    let daemon = watching(&program);
    server.deliver("INBOX", &approval(ACME, now()));
    approved(&program, &[ACME]);
    program.ok(&["backup", "copy.db"]);
    server.deliver("INBOX", &approval(JUNIPER, now()));
    server.deliver("INBOX", &approval(PELICAN, now()));
    approved(&program, &[JUNIPER, PELICAN]);

    fs::rename(program.path("copy.db"), program.database()).unwrap();
    assert_eq!(daemon.end().code(), Some(1));
    // What the old daemon had not merged into its file belongs to that file, which is gone.
    let db = Connection::open(program.database()).unwrap();
    let n: i64 = db.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap();
    assert_eq!(n, 1);
    drop(db);
    let daemon = program.daemon();
    approved(&program, &[ACME, JUNIPER, PELICAN]);
    assert_eq!(daemon.stop().code(), Some(0));
    check_once(&program.database(), &[ACME, JUNIPER, PELICAN]);
}

#[test]
fn a_second_daemon_is_sent_away_and_the_first_goes_on() {
    let server = Dovecot::start();
    let program = program(&server);
    let daemon = watching(&program);
    let second = program.run(&["run"]);
    assert_eq!(second.code, Some(1), "{second:#?}");
    assert!(second.stderr.contains("another acewatch is already running"), "{second:#?}");
    server.deliver("INBOX", &approval(ACME, now()));
    approved(&program, &[ACME]);
    assert_eq!(daemon.stop().code(), Some(0));
    check_once(&program.database(), &[ACME]);
}

#[test]
fn a_damaged_database_is_left_as_it_is() {
    let server = Dovecot::start();
    let program = program(&server);
    program.ok(&["check"]);
    let database = program.database();
    let sound = fs::read(&database).unwrap();
    let n_pages = sound.len() / 4096;
    let check = |what: &str, content: Vec<u8>, code: i32| {
        fs::write(&database, &content).unwrap();
        let ended = program.run(&["run"]);
        assert_eq!(ended.code, Some(code), "{what}: {ended:#?}");
        assert!(ended.stderr.contains("put back the last backup"), "{what}: {ended:#?}");
        let ended = program.run(&["doctor"]);
        assert_eq!(ended.code, Some(1), "{what}: {ended:#?}");
        assert!(ended.stdout.contains("put back the last backup"), "{what}: {ended:#?}");
        assert!(fs::read(&database).unwrap() == content, "{what}: it was changed");
    };
    let spoilt = |page: usize| {
        let mut content = sound.clone();
        content[page * 4096..(page + 1) * 4096].fill(0xa5);
        content
    };
    // The first page tells that it is a database, and whose.
    check("the first page", spoilt(0), 2);
    for page in [1, n_pages / 2, n_pages - 1] {
        check(&format!("page {page}"), spoilt(page), 1);
    }
    check("half a file", sound[..n_pages / 2 * 4096].to_vec(), 1);
    fs::write(&database, &sound).unwrap();
    program.ok(&["check"]);
}

#[test]
fn what_a_power_cut_leaves_of_the_last_writes_is_read_again() {
    let server = Dovecot::start();
    let program = program(&server);
    let mut wal = program.database().into_os_string();
    wal.push("-wal");
    let importers = [ACME, JUNIPER, PELICAN];
    // The length at which the log of the last writes ends: nothing, within its head, within a
    // page, almost all.
    for (n, importer) in importers.iter().enumerate() {
        let daemon = watching(&program);
        server.deliver("INBOX", &approval(*importer, now()));
        approved(&program, &importers[..=n]);
        daemon.kill();
        let length = fs::metadata(&wal).unwrap().len();
        assert!(0 < length);
        let file = fs::File::options().write(true).open(&wal).unwrap();
        file.set_len([17, length / 2 + 5, length - 1][n]).unwrap();
        program.ok(&["check"]);
        approved(&program, &importers[..=n]);
    }
    check_once(&program.database(), &importers);
}
