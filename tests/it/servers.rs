//! The same behaviour on every mail server in Debian, and what is particular to Courier and Cyrus.

use serde_json::Value;

use crate::support::courier::{Courier, Idle};
use crate::support::cyrus::{Cyrus, Naming};
use crate::support::mail::{ACME, Importer, JUNIPER, PELICAN, approval, submission};
use crate::support::now;
use crate::support::program::{Program, Transport, fact};
use crate::support::server::{Kind, MailServer};

/// Makes a test on each server of a function of the same name.
macro_rules! on_each_server {
    ($($test:ident)*) => {
        mod dovecot { $( #[test] fn $test() { super::$test(super::Kind::Dovecot); } )* }
        mod courier { $( #[test] fn $test() { super::$test(super::Kind::Courier); } )* }
        mod cyrus { $( #[test] fn $test() { super::$test(super::Kind::Cyrus); } )* }
    };
}

on_each_server! {
    a_check_finds_mail_and_the_next_only_what_is_new
    the_sent_folder_and_the_junk_folder_are_found
    every_transport_works
    new_mail_arrives_through_idle
    nothing_is_marked_seen
    a_wrong_password_is_an_error_in_the_server_s_words
    a_folder_made_anew_loses_and_doubles_nothing
    a_folder_with_a_foreign_name_is_read
    a_restart_during_idle_is_noticed_and_recovered_from
}

/// A program that watches `server` over TLS, with the additional lines `more` in the mailbox's table.
fn watching(server: &MailServer, more: &str) -> Program {
    let program = Program::new();
    program.configure(&server.mailbox(Transport::Implicit, more));
    program
}

/// Returns what stays the same in the history of an application however often the mailbox is read.
fn history(program: &Program, importer: Importer) -> Value {
    program.json(&["show", "--json", importer.number])["events"].clone()
}

#[track_caller]
fn check_approved(program: &Program, importer: Importer) {
    assert_eq!(program.fact(importer, "stage"), "approved");
    let events = history(program, importer);
    let n = events.as_array().unwrap().iter().filter(|event| event["kind"] == "approved").count();
    assert_eq!(n, 1, "{events:#}");
}

/// Returns whether the daemon waits in IDLE and trusts it.
fn is_pushed(status: &Value) -> bool {
    status["watch"]["state"] == "watching" && status["watch"]["mailboxes"][0]["mode"] == "push"
}

fn is_approved(status: &Value, importer: Importer) -> bool {
    fact(status, importer, "stage") == "approved"
}

fn a_check_finds_mail_and_the_next_only_what_is_new(kind: Kind) {
    let server = MailServer::start(kind);
    server.deliver("INBOX", &approval(ACME, now()));
    let program = watching(&server, "");
    program.add(ACME);
    program.add(JUNIPER);
    program.ok(&["check"]);
    check_approved(&program, ACME);
    let before = history(&program, ACME);

    server.deliver("INBOX", &approval(JUNIPER, now()));
    let said = program.ok(&["check"]);

    check_approved(&program, JUNIPER);
    assert_eq!(history(&program, ACME), before);
    assert!(said.contains("1 new mails of interest, 1 recorded"), "{said}");
}

fn the_sent_folder_and_the_junk_folder_are_found(kind: Kind) {
    let server = MailServer::start(kind);
    let an_hour_ago = now() - chrono::Duration::hours(1);
    server.deliver_at("Sent", &submission(ACME, an_hour_ago), an_hour_ago);
    server.deliver_at("Sent", &submission(JUNIPER, an_hour_ago), an_hour_ago);
    server.deliver("INBOX", &approval(ACME, now()));
    server.deliver("Junk", &approval(JUNIPER, now()));
    let program = watching(&server, "");
    program.ok(&["check"]);
    check_approved(&program, ACME);
    check_approved(&program, JUNIPER);
}

fn every_transport_works(kind: Kind) {
    let server = MailServer::start(kind);
    server.deliver("INBOX", &approval(ACME, now()));
    for transport in [Transport::Implicit, Transport::StartTls, Transport::Plain] {
        let program = Program::new();
        program.configure(&server.mailbox(transport, ""));
        program.add(ACME);
        program.ok(&["check"]);
        check_approved(&program, ACME);
    }
}

fn new_mail_arrives_through_idle(kind: Kind) {
    let server = MailServer::start(kind);
    let program = watching(&server, "");
    for importer in [ACME, JUNIPER] {
        program.add(importer);
    }
    let daemon = program.daemon();
    program.until("the mailbox is watched by IDLE", is_pushed);
    for importer in [ACME, JUNIPER] {
        server.deliver("INBOX", &approval(importer, now()));
        program.until("the approval is seen", |status| is_approved(status, importer));
    }
    assert!(is_pushed(&program.status()));
    assert_eq!(daemon.stop().code(), Some(0));
    check_approved(&program, ACME);
}

fn nothing_is_marked_seen(kind: Kind) {
    let server = MailServer::start(kind);
    server.deliver("Sent", &submission(ACME, now()));
    server.deliver("INBOX", &approval(ACME, now()));
    server.deliver("Junk", &approval(JUNIPER, now()));
    let program = watching(&server, "");
    program.add(PELICAN);
    program.ok(&["check"]);
    let daemon = program.daemon();
    program.until("the mailbox is watched by IDLE", is_pushed);
    server.deliver("INBOX", &approval(PELICAN, now()));
    program.until("all is read", |status| is_approved(status, PELICAN));
    daemon.stop();

    // \Recent goes to whoever opens the folder by SELECT; it is still there after EXAMINE.
    assert_eq!(server.flags(), ["\\Recent"; 4]);
}

fn a_wrong_password_is_an_error_in_the_server_s_words(kind: Kind) {
    let server = MailServer::start(kind);
    let program = watching(&server, "").with("ACEWATCH_TEST_PASSWORD", "not-the-pass-word-42");
    let ended = program.run(&["check"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    for words in ["refused the login", server.refusal()] {
        assert!(ended.stderr.contains(words), "{ended:#?}");
    }
}

fn a_folder_made_anew_loses_and_doubles_nothing(kind: Kind) {
    let server = MailServer::start(kind);
    server.make("Entries");
    server.deliver("Entries", &approval(ACME, now()));
    server.deliver("Entries", &approval(PELICAN, now()));
    let program =
        watching(&server, &format!("folders = [\"INBOX\", \"{}\"]", server.name_of("Entries")));
    for importer in [ACME, JUNIPER, PELICAN] {
        program.add(importer);
    }
    program.ok(&["check"]);
    let before = history(&program, ACME);

    // The new mail gets the UID of another: who trusted the cursor alone would miss it.
    server.make_anew("Entries");
    server.deliver("Entries", &approval(JUNIPER, now()));
    program.ok(&["check"]);
    check_approved(&program, JUNIPER);
    server.deliver("Entries", &approval(ACME, now()));
    program.ok(&["check"]);

    assert_eq!(history(&program, ACME), before);
    check_approved(&program, PELICAN);
}

fn a_folder_with_a_foreign_name_is_read(kind: Kind) {
    let server = MailServer::start(kind);
    // "Zölle & Abgaben"
    let raw = "Z&APY-lle &- Abgaben";
    server.make(raw);
    server.deliver(raw, &approval(ACME, now()));
    let name = server.name_of("Zölle & Abgaben");
    let program = watching(&server, &format!("folders = [\"INBOX\", \"{name}\"]"));
    program.add(ACME);
    program.ok(&["check"]);
    check_approved(&program, ACME);
}

fn a_restart_during_idle_is_noticed_and_recovered_from(kind: Kind) {
    let mut server = MailServer::start(kind);
    let program = watching(&server, "");
    program.add(ACME);
    let daemon = program.daemon();
    program.until("the mailbox is watched by IDLE", is_pushed);

    server.stop();
    let status = program.until("the fault is in the status", |status| {
        status["watch"]["mailboxes"][0]["error"].is_string()
    });
    assert_ne!(status["watch"]["state"], "watching");

    server.start_again();
    server.deliver("INBOX", &approval(ACME, now()));
    program.until("the approval is seen", |status| is_approved(status, ACME));
    let status = program.until("all is well again", is_pushed);
    assert_eq!(status["watch"]["mailboxes"][0]["error"], Value::Null);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn cyrus_names_its_folders_in_four_ways() {
    let namings = [(true, false), (false, true), (false, false)];
    for (is_alternative, has_slash) in namings {
        for has_special_use in [true, false] {
            let naming = Naming { is_alternative, has_slash, has_special_use };
            let server = MailServer::Cyrus(Cyrus::start(naming));
            let delimiter = if has_slash { "/" } else { "." };
            let above = if is_alternative { String::new() } else { format!("INBOX{delimiter}") };
            let an_hour_ago = now() - chrono::Duration::hours(1);
            server.deliver_at(&format!("{above}Sent"), &submission(ACME, an_hour_ago), an_hour_ago);
            server.deliver_at(&format!("{above}Junk"), &approval(ACME, now()), now());
            let program = watching(&server, "");
            program.ok(&["check"]);
            check_approved(&program, ACME);
        }
    }
}

#[test]
fn courier_without_its_monitor_tells_in_idle_too() {
    let server = MailServer::Courier(Courier::start(Idle::Polled));
    let program = watching(&server, "");
    program.add(ACME);
    let _daemon = program.daemon();
    program.until("the mailbox is watched by IDLE", is_pushed);
    server.deliver("INBOX", &approval(ACME, now()));
    program.until("the approval is seen", |status| is_approved(status, ACME));
    assert!(is_pushed(&program.status()));
}

/// Courier writes down the UIDs it has given out when a folder is selected. What came since, and has
/// been seen through EXAMINE alone, is numbered anew by each EXAMINE, in the order of the times in the
/// file names: a delivery that took long gets the number of one that overtook it.
#[test]
fn a_mail_that_takes_the_uid_of_another_on_courier_is_read() {
    let server = Courier::start(Idle::Monitored);
    let began = now().timestamp();
    let server = MailServer::Courier(server);
    server.client().command("SELECT INBOX");
    let program = watching(&server, "");
    program.add(ACME);
    program.add(JUNIPER);
    program.ok(&["check"]);
    let MailServer::Courier(courier) = &server else { panic!("it is Courier") };
    courier.deliver_as(&format!("{}.M2.test", began + 1), "INBOX", &approval(ACME, now()), now());
    program.ok(&["check"]);
    check_approved(&program, ACME);

    courier.deliver_as(&format!("{began}.M1.test"), "INBOX", &approval(JUNIPER, now()), now());
    program.ok(&["check"]);

    check_approved(&program, JUNIPER);
    check_approved(&program, ACME);
}

/// In a folder that nobody has ever selected, Courier has another UIDVALIDITY at each EXAMINE.
#[test]
fn a_folder_on_courier_that_nobody_has_selected_is_read_once() {
    let server = MailServer::start(Kind::Courier);
    server.deliver("INBOX", &approval(ACME, now()));
    let program = watching(&server, "");
    for importer in [ACME, JUNIPER, PELICAN] {
        program.add(importer);
    }
    let before = server.client().uid_validity("INBOX");
    program.ok(&["check"]);
    crate::support::until("the UIDVALIDITY is another", || {
        match server.client().uid_validity("INBOX") {
            same if same == before => Err(same.to_string()),
            _ => Ok(()),
        }
    });
    let history_before = history(&program, ACME);
    server.deliver("INBOX", &approval(JUNIPER, now()));
    program.ok(&["check"]);
    let daemon = program.daemon();
    program.until("the mailbox is watched by IDLE", is_pushed);
    server.deliver("INBOX", &approval(PELICAN, now()));
    program.until("the third is seen", |status| is_approved(status, PELICAN));
    daemon.stop();
    for importer in [ACME, JUNIPER, PELICAN] {
        check_approved(&program, importer);
    }
    assert_eq!(history(&program, ACME), history_before);
}

#[test]
fn a_mailbox_on_cyrus_that_is_removed_and_made_anew_is_read_anew() {
    let server = MailServer::start(Kind::Cyrus);
    server.deliver("INBOX", &approval(ACME, now()));
    let program = watching(&server, "");
    program.add(ACME);
    program.add(JUNIPER);
    let _daemon = program.daemon();
    program.until("the approval is seen", |status| is_pushed(status) && is_approved(status, ACME));
    let before = history(&program, ACME);

    server.make_anew("INBOX");
    server.deliver("INBOX", &approval(JUNIPER, now()));

    program.until("the second is seen", |status| is_approved(status, JUNIPER));
    assert_eq!(history(&program, ACME), before);
}
