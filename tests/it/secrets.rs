//! Passwords from files, commands and systemd credentials: read anew at each login.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::program::{Program, Transport, mailbox};

#[test]
fn every_place_of_a_password_is_read_anew_at_each_login() {
    let server = Dovecot::start();
    let program = Program::new();
    let program = {
        let credentials = program.path("run");
        program.with("CREDENTIALS_DIRECTORY", credentials)
    };
    let file = program.path("run/imap-office");
    let write = |password: &str| {
        fs::write(&file, password).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    };
    for place in [
        format!("password-file = \"{}\"", file.display()),
        format!("password-command = [\"cat\", \"{}\"]", file.display()),
        "credential = \"imap-office\"".to_owned(),
    ] {
        let table = mailbox(&server, Transport::Implicit);
        let usual = "password-environment = \"ACEWATCH_TEST_PASSWORD\"";
        program.configure(&table.replace(usual, &place));
        write(&format!("{PASSWORD}\nits note\n"));
        program.ok(&["check"]);
        write("yesterday's");
        let refused = program.run(&["check"]);
        assert_eq!(refused.code, Some(1), "{place}: {refused:?}");
        assert!(refused.stderr.contains("the server refused the login"), "{place}: {refused:?}");
        assert!(!format!("{refused:?}").contains("yesterday's"), "{place}: {refused:?}");
        write(PASSWORD);
        program.ok(&["check"]);
        fs::remove_file(&file).unwrap();
        assert_eq!(program.run(&["check"]).code, Some(1), "{place}");
    }
}

#[test]
fn a_running_daemon_takes_a_password_that_was_changed_in_its_file() {
    let server = Dovecot::start();
    let program = Program::new();
    let file = program.path("office.secret");
    let write = |password: &str, mode| {
        fs::write(&file, password).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
    };
    let table = mailbox(&server, Transport::Implicit);
    let place = format!("password-file = \"{}\"", file.display());
    let usual = "password-environment = \"ACEWATCH_TEST_PASSWORD\"";
    program.configure_scaled("1h", &table.replace(usual, &place));
    write(PASSWORD, 0o640);
    let _daemon = program.daemon();
    let status = program.until("the file is refused", |status| {
        status["watch"]["mailboxes"][0]["error"]
            .as_str()
            .is_some_and(|error| error.contains("others can access"))
    });
    let hint = format!("run `chmod 600 '{}'`", file.display());
    assert_eq!(status["watch"]["mailboxes"][0]["hint"], hint);
    write("yesterday's", 0o600);
    program.until("the login is refused", |status| {
        status["watch"]["mailboxes"][0]["error"]
            .as_str()
            .is_some_and(|error| error.contains("refused the login"))
    });
    write(PASSWORD, 0o600);
    program.until("the mailbox is watched", |status| status["watch"]["state"] == "watching");
}
