//! Reading a mailbox, in what only Dovecot can show; what every server must show is in `servers`.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::support::dovecot::{Dovecot, PASSWORD, USER};
use crate::support::mail::{ACME, Importer, JUNIPER, approval};
use crate::support::program::{Program, Transport, fact, mailbox, mailbox_trusting};
use crate::support::{now, output_of};

/// Returns what stays the same in the history of an application however often the mailbox is read.
fn history(program: &Program, importer: Importer) -> Value {
    program.json(&["show", "--json", importer.number])["events"].clone()
}

#[track_caller]
fn check_stage(program: &Program, importer: Importer, expected: &str) {
    assert_eq!(program.fact(importer, "stage"), expected);
}

/// Returns whether the daemon waits in IDLE, in every folder it should.
fn is_pushed(status: &Value) -> bool {
    status["watch"]["state"] == "watching" && status["watch"]["mailboxes"][0]["mode"] == "push"
}

#[test]
fn a_mail_older_than_the_first_look_back_is_left_alone() {
    let server = Dovecot::start();
    let long_ago = now() - chrono::Duration::days(90);
    server.deliver_at("INBOX", &approval(ACME, long_ago), long_ago);
    let program = Program::watching(&server);
    program.add(ACME);
    program.ok(&["check"]);
    check_stage(&program, ACME, "submitted");
}

#[test]
fn without_idle_the_mailbox_is_polled() {
    let server = Dovecot::without_idle();
    let program = Program::new();
    program.configure(&mailbox(&server, Transport::Implicit).replace("\"1h\"", "\"1s\""));
    program.add(ACME);
    let _daemon = program.daemon();
    program
        .until("the mailbox is polled", |status| status["watch"]["mailboxes"][0]["mode"] == "poll");
    server.deliver("INBOX", &approval(ACME, now()));
    program.until("the approval is seen", |status| fact(status, ACME, "stage") == "approved");
}

#[test]
fn a_second_check_reads_no_mail_and_changes_nothing() {
    let server = Dovecot::start();
    server.deliver("INBOX", &approval(ACME, now()));
    let program = Program::watching(&server);
    program.add(ACME);
    program.ok(&["check"]);
    let before = (history(&program, ACME), program.status()["applications"].clone());
    let n_sessions = server.sessions().len();

    program.ok(&["check"]);

    let after = (history(&program, ACME), program.status()["applications"].clone());
    assert_eq!(after, before);
    let sessions = server.sessions();
    assert!(n_sessions < sessions.len(), "the second check did not ask the server");
    for session in &sessions[n_sessions..] {
        assert_eq!((session.n_headers, session.n_bodies), (0, 0));
    }
}

#[test]
fn a_new_uidvalidity_neither_loses_nor_doubles_a_mail() {
    let server = Dovecot::start();
    server.deliver("INBOX", &approval(ACME, now()));
    let program = Program::watching(&server);
    program.add(ACME);
    program.add(JUNIPER);
    program.ok(&["check"]);
    let before = history(&program, ACME);

    // The new mail gets a UID below the cursor: who trusted the cursor alone would miss it.
    server.renumber("INBOX");
    server.deliver("INBOX", &approval(JUNIPER, now()));
    program.ok(&["check"]);

    assert_eq!(history(&program, ACME), before);
    check_stage(&program, JUNIPER, "approved");
    assert_eq!(program.status()["counts"]["applications"], 2);
}

#[test]
fn a_uidvalidity_that_changes_under_a_running_daemon_is_noticed() {
    let server = Dovecot::start();
    server.deliver("INBOX", &approval(ACME, now()));
    let program = Program::watching(&server);
    program.add(ACME);
    program.add(JUNIPER);
    let _daemon = program.daemon();
    program.until("the approval is seen", |status| {
        is_pushed(status) && fact(status, ACME, "stage") == "approved"
    });
    let before = history(&program, ACME);

    server.renumber("INBOX");
    server.deliver("INBOX", &approval(JUNIPER, now()));

    program.until("the second is seen", |status| fact(status, JUNIPER, "stage") == "approved");
    assert_eq!(history(&program, ACME), before);
}

#[test]
fn a_mailbox_moved_to_another_host_is_read_anew_and_nothing_counts_twice() {
    let (old, new) = (Dovecot::start(), Dovecot::start());
    let (mail, at) = (approval(ACME, now()), now() - chrono::Duration::days(2));
    old.deliver_at("INBOX", &mail, at);
    // Moved mail keeps its bytes; when it arrived, not every move keeps.
    new.deliver("INBOX", &mail);
    new.deliver("INBOX", &approval(JUNIPER, now()));
    let program = Program::watching(&old);
    program.add(ACME);
    program.add(JUNIPER);
    program.ok(&["check"]);
    let before = history(&program, ACME);
    let n_alerts = program.status()["counts"]["undelivered_alerts"].clone();

    let moved = mailbox(&new, Transport::Plain).replace("\"localhost\"", "\"127.0.0.1\"");
    program.configure(&moved);
    program.ok(&["check"]);

    assert_eq!(history(&program, ACME), before);
    check_stage(&program, JUNIPER, "approved");
    let counts = program.status()["counts"].clone();
    // One alert for the new approval, none again for the old one.
    assert_eq!(counts["undelivered_alerts"].as_i64(), n_alerts.as_i64().map(|n| n + 1), "{counts}");
}

#[test]
fn a_mail_that_lies_in_two_folders_counts_once() {
    let server = Dovecot::start();
    let mail = approval(ACME, now());
    server.deliver("INBOX", &mail);
    server.deliver("Junk", &mail);
    let program = Program::watching(&server);
    program.add(ACME);
    program.ok(&["check"]);
    let events = history(&program, ACME);
    let n_approvals =
        events.as_array().unwrap().iter().filter(|event| event["kind"] == "approved").count();
    assert_eq!(n_approvals, 1, "{events:#}");
}

#[test]
fn a_refused_login_is_said_and_the_secret_is_not() {
    const WRONG: &str = "not-the-pass-word-42";
    let server = Dovecot::start();
    let program =
        Program::watching(&server).with("ACEWATCH_TEST_PASSWORD", WRONG).with("RUST_LOG", "trace");
    let ended = program.run(&["check", "-vv"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("refused the login"), "{ended:#?}");
    // Nor in the form in which AUTHENTICATE PLAIN carries it: base64 of NUL user NUL password.
    let encode = "printf '\\0%s\\0%s' \"$0\" \"$1\" | base64 -w0";
    let encoded = output_of(Command::new("sh").args(["-c", encode, USER, WRONG]));
    for secret in [WRONG, encoded.trim()] {
        assert!(!ended.stderr.contains(secret) && !ended.stdout.contains(secret), "{ended:#?}");
    }
}

#[test]
fn the_accepted_secret_is_not_logged_or_stored_either() {
    let server = Dovecot::start();
    server.deliver("INBOX", &approval(ACME, now()));
    let program = Program::watching(&server).with("RUST_LOG", "trace");
    let ended = program.run(&["check", "-vv"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(!ended.stderr.contains(PASSWORD) && !ended.stdout.contains(PASSWORD));
    for entry in fs::read_dir(program.path("data/acewatch")).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let found = bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes());
        assert!(!found, "the password is in {}", path.display());
    }
}

#[test]
fn a_pinned_certificate_needs_no_authority() {
    let server = Dovecot::start();
    server.deliver("INBOX", &approval(ACME, now()));
    let pin = format!("pin-sha256 = \"{}\"", server.fingerprint());
    for transport in [Transport::Implicit, Transport::StartTls] {
        let program = Program::new();
        program.configure(&mailbox_trusting(&server, transport, &pin));
        program.add(ACME);
        program.ok(&["check"]);
        check_stage(&program, ACME, "approved");
    }
}

#[test]
fn a_certificate_that_is_not_trusted_gets_no_login() {
    let server = Dovecot::start();
    let another = Dovecot::start();
    let wrong_pin = format!("pin-sha256 = \"{}\"", another.fingerprint());
    let wrong_authority = format!("ca-file = \"{}\"", another.ca_file().display());
    for trust in ["", &wrong_pin, &wrong_authority] {
        for transport in [Transport::Implicit, Transport::StartTls] {
            let program = Program::new();
            program.configure(&mailbox_trusting(&server, transport, trust));
            let ended = program.run(&["check"]);
            assert_eq!(ended.code, Some(1), "{trust} {transport:?}: {ended:#?}");
            assert!(ended.stderr.contains("certificate"), "{trust} {transport:?}: {ended:#?}");
        }
    }
    assert_eq!(server.n_logins(), 0);
    assert!(!server.log().contains("auth failed"), "the password was sent");
}

#[test]
fn a_certificate_for_another_host_gets_no_login() {
    let server = Dovecot::start();
    let program = Program::new();
    // The certificate is for localhost and 127.0.0.1; this is the same server by another address.
    let table = mailbox(&server, Transport::Implicit).replace("\"localhost\"", "\"127.0.0.2\"");
    program.configure(&table);
    let ended = program.run(&["check"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("certificate"), "{ended:#?}");
    assert_eq!(server.n_logins(), 0);
}

#[test]
fn an_administrator_s_kick_costs_no_mail() {
    let server = Dovecot::start();
    let program = Program::watching(&server);
    program.add(ACME);
    let _daemon = program.daemon();
    program.until("the mailbox is watched by IDLE", is_pushed);
    server.kick();
    server.deliver("INBOX", &approval(ACME, now()));
    program.until("the approval is seen", |status| fact(status, ACME, "stage") == "approved");
}

#[test]
fn a_check_names_the_server_that_cannot_be_reached() {
    let mut server = Dovecot::start();
    let program = Program::watching(&server);
    server.stop();
    let ended = program.run(&["check"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("localhost"), "{ended:#?}");
}
