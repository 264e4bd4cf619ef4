//! The way from a mail to a person: Dovecot, the daemon, and the notification server dunst.

use crate::support::desktop::{Desktop, Shown};
use crate::support::dovecot::Dovecot;
use crate::support::mail::{ACME, JUNIPER, PELICAN, approval};
use crate::support::program::{Program, fact};
use crate::support::{now, signal, until};

/// Makes a program that watches `server` in the session of `desktop`, with three companies registered.
fn program_in(desktop: &Desktop, server: &Dovecot) -> Program {
    let program = Program::watching(server).with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    for importer in [ACME, JUNIPER, PELICAN] {
        program.add(importer);
    }
    program
}

/// Waits until a notice names `company`, and returns all that do.
#[track_caller]
fn notices_of(desktop: &Desktop, company: &str) -> Vec<Shown> {
    until(&format!("a notice names {company}"), || {
        let shown = desktop.shown();
        let names = |notice: &Shown| format!("{} {}", notice.title, notice.body).contains(company);
        let found: Vec<Shown> = shown.iter().filter(|notice| names(notice)).cloned().collect();
        if found.is_empty() { Err(format!("{shown:#?}")) } else { Ok(found) }
    })
}

#[test]
fn an_approval_becomes_exactly_one_notice_also_after_a_restart() {
    let server = Dovecot::start();
    let desktop = Desktop::start();
    let program = program_in(&desktop, &server);
    let daemon = program.daemon();
    program.until("the mailbox is watched", |status| status["watch"]["state"] == "watching");
    server.deliver("INBOX", &approval(ACME, now()));

    let notices = notices_of(&desktop, ACME.company);
    assert_eq!(notices.len(), 1, "{notices:#?}");
    assert_eq!(notices[0].program, "acewatch");
    desktop.screenshot("approval-notice");
    program.until("it is delivered", |status| status["counts"]["undelivered_alerts"] == 0);
    assert_eq!(daemon.stop().code(), Some(0));

    // After the restart a second approval arrives. By the time its notice is on the screen, a
    // repeat of the first would have been there too.
    let daemon = program.daemon();
    program.until("the mailbox is watched", |status| status["watch"]["state"] == "watching");
    server.deliver("INBOX", &approval(JUNIPER, now()));
    assert_eq!(notices_of(&desktop, JUNIPER.company).len(), 1);
    assert_eq!(notices_of(&desktop, ACME.company).len(), 1);

    // And once more without a farewell.
    program.until("it is delivered", |status| status["counts"]["undelivered_alerts"] == 0);
    daemon.kill();
    server.deliver("INBOX", &approval(PELICAN, now()));
    program.ok(&["check"]);
    assert_eq!(notices_of(&desktop, PELICAN.company).len(), 1);
    assert_eq!(desktop.shown().len(), 3, "{:#?}", desktop.shown());
}

#[test]
fn without_a_session_the_alert_is_kept_and_delivered_at_the_next_login() {
    let server = Dovecot::start();
    let mut desktop = Desktop::absent();
    let program = program_in(&desktop, &server);
    server.deliver("INBOX", &approval(ACME, now()));
    let daemon = program.daemon();
    program.until("the alert is counted as undelivered", |status| {
        status["counts"]["undelivered_alerts"] == 1 && fact(status, ACME, "stage") == "approved"
    });

    // A bus without a notification server on it is no better.
    desktop.log_in();
    server.deliver("INBOX", &approval(JUNIPER, now()));
    program.until("both are undelivered", |status| status["counts"]["undelivered_alerts"] == 2);

    desktop.start_dunst();
    program.until("both are delivered", |status| status["counts"]["undelivered_alerts"] == 0);
    assert_eq!(notices_of(&desktop, ACME.company).len(), 1);
    assert_eq!(notices_of(&desktop, JUNIPER.company).len(), 1);
    assert_eq!(desktop.shown().len(), 2, "{:#?}", desktop.shown());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_check_without_a_session_succeeds_and_keeps_the_alert() {
    let server = Dovecot::start();
    let desktop = Desktop::absent();
    let program = program_in(&desktop, &server);
    server.deliver("INBOX", &approval(ACME, now()));
    program.ok(&["check"]);
    let status = program.status();
    assert_eq!(fact(&status, ACME, "stage"), "approved");
    assert_eq!(status["counts"]["undelivered_alerts"], 1);
}

#[test]
fn a_notification_server_that_hangs_holds_nothing_else_up() {
    let server = Dovecot::start();
    let desktop = Desktop::start();
    let program = program_in(&desktop, &server);
    let daemon = program.daemon();
    program.until("the mailbox is watched", |status| status["watch"]["state"] == "watching");

    signal(&desktop.dunst().0, "STOP");
    server.deliver("INBOX", &approval(ACME, now()));
    program.until("the alert is undelivered", |status| status["counts"]["undelivered_alerts"] == 1);
    server.deliver("INBOX", &approval(JUNIPER, now()));
    program.until("mail is still read", |status| fact(status, JUNIPER, "stage") == "approved");

    signal(&desktop.dunst().0, "CONT");
    program.until("both are delivered", |status| status["counts"]["undelivered_alerts"] == 0);
    notices_of(&desktop, ACME.company);
    notices_of(&desktop, JUNIPER.company);
    // The call that was not answered was waited for, not made again.
    assert_eq!(desktop.shown().len(), 2, "{:#?}", desktop.shown());
    assert_eq!(desktop.n_displayed(), 2);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn an_alert_that_was_cut_off_twice_is_not_shown_a_third_time_as_if_it_were_new() {
    let server = Dovecot::start();
    let mut desktop = Desktop::absent();
    let program = program_in(&desktop, &server);
    server.deliver("INBOX", &approval(ACME, now()));
    program.ok(&["check"]);
    let attempts = || -> u32 {
        let database = rusqlite::Connection::open(program.database()).unwrap();
        database.query_row("SELECT sum(attempts) FROM deliveries", [], |row| row.get(0)).unwrap()
    };
    // Nobody took it, and that is no attempt.
    assert_eq!(attempts(), 0);
    let database = rusqlite::Connection::open(program.database()).unwrap();
    database.execute("UPDATE deliveries SET attempts = 2, attempted_at = 0", []).unwrap();
    desktop.log_in();
    desktop.start_dunst();
    program.ok(&["check"]);
    program.ok(&["check"]);
    assert_eq!(program.status()["counts"]["undelivered_alerts"], 0);
    let [notice] = notices_of(&desktop, ACME.company).try_into().unwrap();
    assert_eq!(notice.title, "Perhaps you missed: 1 approved");
}

#[test]
fn a_hanging_notification_server_does_not_delay_the_end() {
    let server = Dovecot::start();
    let desktop = Desktop::start();
    let program = program_in(&desktop, &server);
    let daemon = program.daemon();
    signal(&desktop.dunst().0, "STOP");
    server.deliver("INBOX", &approval(ACME, now()));
    program.until("the alert is undelivered", |status| status["counts"]["undelivered_alerts"] == 1);
    assert_eq!(daemon.stop().code(), Some(0));
}
