//! What each check says, without the machine.

use std::path::Path;

use super::history::{of_database, of_mode, of_refusal, of_rights, of_summaries};
use super::machine::{of_clock, of_service};
use super::mailbox::of_step;
use super::settings::{of_calendar, of_settings};
use super::*;
use crate::cli::service::Seen;
use crate::config::Environment;
use crate::domain::event::EventKind;
use crate::domain::rules::Rules;
use crate::mailbox::probe::ProbeStep;
use crate::store;
use crate::store::query::MailboxState;
use crate::store::record::NewApplication;

fn environment(home: &Path) -> Environment {
    Environment {
        config_home: home.join("config"),
        data_home: home.join("data"),
        credentials_directory: None,
        system_zone: Some("America/Denver".to_owned()),
    }
}

fn settings(home: &Path, text: &str) -> Settings {
    config::parse(text, &home.join("config.toml"), &environment(home)).unwrap()
}

fn at(written: &str) -> DateTime<Utc> {
    written.parse().unwrap()
}

fn check(found: &Check, outcome: Outcome, detail: &str) {
    assert_eq!(found.outcome, outcome, "{found:?}");
    assert!(found.detail.contains(detail), "{found:?}");
    assert_eq!(found.hint.is_none(), outcome == Outcome::Good, "{found:?}");
}

#[test]
fn old_closures_are_warned_of_until_the_user_knows_the_new_ones() {
    let home = tempfile::tempdir().unwrap();
    let calendar = |text: &str, now: &str| of_calendar(&settings(home.path(), text), at(now));
    check(&calendar("", "2027-11-22T18:00:00Z"), Outcome::Good, "the next day off is Thu 25 Nov");
    let old = "closures by Executive Order are known only up to Sun 22 Nov 2026";
    check(&calendar("", "2027-11-23T18:00:00Z"), Outcome::Warning, old);
    let known = "[calendar]\nknown-until = \"2027-06-30\"";
    check(&calendar(known, "2027-11-23T18:00:00Z"), Outcome::Good, "today is Tue 23 Nov 2027");
}

#[test]
fn rights_are_tried_without_a_trace() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(of_rights(&home.path().join("data/acewatch/acewatch.db")), None);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    let known = home.path().join("known.db");
    std::fs::write(&known, "kept").unwrap();
    assert_eq!(of_rights(&known), None);
    assert_eq!(std::fs::read_to_string(&known).unwrap(), "kept");
    assert!(of_rights(home.path()).is_some(), "a folder is no database");
}

#[test]
fn a_missing_authserv_id_is_a_fault_because_nothing_would_be_authentic() {
    let home = tempfile::tempdir().unwrap();
    let of = |text: &str| {
        let checks = of_settings(&settings(home.path(), text), home.path());
        checks.into_iter().find(|check| check.name == "trust").unwrap()
    };
    check(&of(""), Outcome::Fault, "no authserv-id");
    check(
        &of("[trust]\nauthserv-id = [\"mx.broker.example\"]\n"),
        Outcome::Good,
        "mx.broker.example",
    );
}

#[test]
fn a_clock_before_its_time_or_before_the_last_check_is_a_fault() {
    let now = at("2026-05-20T12:00:00Z");
    let read_at = |last: &str| MailboxState {
        name: "office".to_owned(),
        mode: None,
        last_complete_check: Some(at(last)),
        failing_since: None,
        error: None,
        hint: None,
    };
    check(&of_clock(now, &[]), Outcome::Good, "2026-05-20 12:00 UTC");
    check(&of_clock(now, &[read_at("2026-05-20T12:30:00Z")]), Outcome::Good, "");
    check(&of_clock(now, &[read_at("2026-05-21T12:30:00Z")]), Outcome::Fault, "2026-05-21");
    check(&of_clock(at("1970-01-01T00:00:09Z"), &[]), Outcome::Fault, "1970");
}

#[test]
fn a_file_that_is_none_of_ours_is_named() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("other.db");
    std::fs::write(&path, "a text, long enough not to be taken for an empty database").unwrap();
    let error = Store::open(&path).unwrap_err();
    check(&of_refusal(&error), Outcome::Fault, "other.db");
}

#[test]
fn a_database_that_others_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("acewatch.db");
    check(&of_mode(&path), Outcome::Good, "not made yet");
    drop(Store::open(&path).unwrap());
    check(&of_mode(&path), Outcome::Good, "acewatch.db");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    check(&of_mode(&path), Outcome::Warning, "can be read by others");
}

#[test]
fn a_summary_that_differs_from_its_history_is_a_fault() {
    let home = tempfile::tempdir().unwrap();
    let now = at("2026-05-20T12:00:00Z");
    let store = Store::in_memory().unwrap();
    let mut app = App::new(store, settings(home.path(), ""), Rules::read(None).unwrap());
    let new = NewApplication::by_mail("Acme Imports LLC", "12-345678900".parse().unwrap());
    let ids = app.register(&[(new, Some(at("2026-05-19T12:00:00Z")))], now).unwrap();
    app.add_event(ids[0].unwrap(), EventKind::Approved, None, now).unwrap();
    check(&of_summaries(&app, now).unwrap(), Outcome::Good, "1 application, all");
    for found in of_database(&app, now) {
        check(&found, Outcome::Good, "");
    }
    app.store
        .write(|tx| -> Result<(), store::Error> {
            tx.execute("UPDATE applications SET decided_at = NULL", [])?;
            Ok(())
        })
        .unwrap();
    check(&of_summaries(&app, now).unwrap(), Outcome::Fault, "1 of 1 applications");
}

#[test]
fn a_step_that_failed_always_says_what_to_do() {
    let step = |outcome: Result<&str, &str>, hint: Option<&str>| ProbeStep {
        name: "login",
        outcome: outcome.map(str::to_owned).map_err(str::to_owned),
        hint: hint.map(str::to_owned),
    };
    check(&of_step("office", step(Ok("as ops"), None)), Outcome::Good, "as ops");
    check(&of_step("office", step(Ok("as ops"), Some("do"))), Outcome::Warning, "as ops");
    check(&of_step("office", step(Err("refused"), Some("do"))), Outcome::Fault, "refused");
    check(&of_step("office", step(Err("refused"), None)), Outcome::Fault, "refused");
}

#[test]
fn a_server_that_is_not_there_is_found_out_within_the_limits() {
    let home = tempfile::tempdir().unwrap();
    // Port 9 of this computer: nobody listens, and nobody is asked to wait.
    let settings = settings(
        home.path(),
        "[[mailbox]]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nuser = \"ops@broker.example\"\npassword-file = \"secret\"\n\
         [notify]\ndesktop = false\n",
    );
    let checks = remote(&settings, at("2026-05-20T12:00:00Z"));
    let names: Vec<(&str, &str)> =
        checks.iter().map(|check| (check.name.as_str(), check.outcome.as_str())).collect();
    assert_eq!(
        names,
        [
            ("notifications", "warning"),
            ("mailbox ops: secret", "fault"),
            ("mailbox ops: connection", "fault"),
        ]
    );
    assert!(checks.iter().all(|check| check.outcome != Outcome::Fault || check.hint.is_some()));
}

#[test]
fn the_document_is_ok_unless_something_is_at_fault() {
    let masking = &Masking::default();
    let warned = [Check::good("a", "fine"), Check::warning("b", "odd", "look")];
    assert_eq!(
        document(&warned, masking),
        json!({ "schema": "acewatch.doctor/1", "ok": true, "checks": [
            { "name": "a", "outcome": "ok", "detail": "fine", "hint": null },
            { "name": "b", "outcome": "warning", "detail": "odd", "hint": "look" },
        ] })
    );
    assert_eq!(document(&[Check::fault("c", "bad", "mend")], masking)["ok"], json!(false));
    assert_eq!(summary(&warned), "\n0 faults, 1 warning\n");
    assert_eq!(summary(&[Check::good("a", "fine")]), "\neverything works\n");
}

#[test]
fn a_server_s_words_reach_the_terminal_escaped() {
    let shown = text(&[Check::fault("a", "NO \u{1b}[2J", "b")], &Masking::default());
    assert!(!anstream::adapter::strip_str(&shown).to_string().contains('\u{1b}'));
    assert!(shown.contains("\\u{1b}[2J"), "{shown}");
}

#[test]
fn a_service_that_ends_with_the_session_is_a_warning_only_where_somebody_is_told_elsewhere() {
    let home = tempfile::tempdir().unwrap();
    let of = |text: &str, lingers| {
        let seen = Seen { words: "running".to_owned(), fault: None, lingers };
        of_service(Some(seen), Some(&settings(home.path(), text))).unwrap()
    };
    check(&of("", Some(false)), Outcome::Good, "running");
    let channel = "[[channel]]\nkind = \"command\"\ncommand = [\"cat\"]\n";
    check(&of(channel, Some(true)), Outcome::Good, "running");
    check(&of(channel, None), Outcome::Good, "running");
    check(&of(channel, Some(false)), Outcome::Warning, "ends when you log out");
    check(&of("[notify]\ndesktop = false\n", Some(false)), Outcome::Warning, "ends when");
    assert_eq!(of_service(None, None), None);
}
