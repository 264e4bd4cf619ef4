//! CBP's mails that no rule knows are told once a day; those that are nobody's business never.

use std::path::Path;

use acewatch::app::{App, By, Incoming, Origin, Ruling};
use acewatch::config::{self, Environment};
use acewatch::domain::application::ApplicationId;
use acewatch::domain::message::FolderRole;
use acewatch::domain::rules::Rules;
use acewatch::store::Store;
use acewatch::store::record::NewApplication;
use chrono::{DateTime, Utc};

use crate::support::OFFICE;
use crate::support::mail::{ACME, from_cbp};

const ME: By = By { who: "ops", why: None };

const SUBJECT: &str = "RE: ACE Account Application - Acme Imports LLC - 12-345678900";

/// Monday 10:00 in the reader's zone, and the first minute of notices on the days after it.
const MONDAY: &str = "2026-05-04T16:00:00Z";
const TUESDAY: &str = "2026-05-05T14:00:00Z";
const WEDNESDAY: &str = "2026-05-06T14:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn app() -> App {
    let settings =
        config::parse(OFFICE, Path::new("t.toml"), &Environment::from_process()).unwrap();
    let mut app = App::new(Store::in_memory().unwrap(), settings, Rules::read(None).unwrap());
    let new = NewApplication::by_mail(ACME.company, ACME.number.parse().unwrap());
    app.register(&[(new, Some(at("2026-05-01T16:00:00Z")))], at(MONDAY)).unwrap();
    app
}

fn receive(app: &mut App, subject: &str, text: &str, when: &str) {
    let mail = from_cbp(subject, text, &format!("{}@cbp.dhs.gov", text.len()), "none@x", at(when));
    let mails = [Incoming { bytes: mail.as_bytes(), received_at: at(when) }];
    let origin = Origin { mailbox: "office", folder: "INBOX", role: FolderRole::Inbox };
    app.ingest(origin, &mails, None, at(when)).unwrap();
}

/// The alerts of the day that are there after the deadlines were looked at.
fn told(app: &mut App, now: &str) -> Vec<(String, String)> {
    app.evaluate(at(now)).unwrap();
    let mut statement = app
        .store
        .read()
        .prepare("SELECT key, title FROM alerts WHERE kind = 'unrecognised' AND withdrawn_at IS NULL ORDER BY id")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn one(day: &str, title: &str) -> (String, String) {
    (format!("unrecognised/2026-05-{day}"), title.to_owned())
}

#[test]
fn what_no_rule_knows_is_told_each_morning_until_somebody_has_looked() {
    let mut app = app();
    receive(&mut app, SUBJECT, "Completion code 7.", MONDAY);
    assert_eq!(told(&mut app, "2026-05-04T16:01:00Z"), []);
    assert_eq!(told(&mut app, "2026-05-05T13:59:00Z"), []);
    let tuesday = one("05", "1 mail from CBP not recognised");
    assert_eq!(told(&mut app, TUESDAY), std::slice::from_ref(&tuesday));
    receive(&mut app, SUBJECT, "Completion code 71.", "2026-05-05T15:00:00Z");
    assert_eq!(told(&mut app, "2026-05-05T23:00:00Z"), std::slice::from_ref(&tuesday));
    let wednesday = one("06", "2 mails from CBP not recognised");
    assert_eq!(told(&mut app, WEDNESDAY), [tuesday.clone(), wednesday.clone()]);

    for mail in app.unrecognised().unwrap() {
        let ruling = Ruling::Belongs(vec![ApplicationId(1)]);
        app.rule(&[(mail.id, ruling)], ME, at(WEDNESDAY)).unwrap();
    }
    assert!(app.unrecognised().unwrap().is_empty());
    // What was not shown yet tells nothing any more.
    assert_eq!(told(&mut app, "2026-05-06T15:00:00Z"), std::slice::from_ref(&tuesday));
    assert_eq!(told(&mut app, "2026-05-07T14:00:00Z"), [tuesday]);
}

#[test]
fn who_agrees_with_a_guess_changes_nothing_in_the_history() {
    let mut app = app();
    receive(&mut app, SUBJECT, "Completion code 7.", MONDAY);
    let count = |app: &App| -> i64 {
        app.store.read().query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap()
    };
    let n_events = count(&app);
    app.rule(&[(1, Ruling::Belongs(vec![ApplicationId(1)]))], ME, at(MONDAY)).unwrap();
    assert_eq!(count(&app), n_events);
    assert!(app.unrecognised().unwrap().is_empty());
}

#[test]
fn mail_about_other_business_neither_matches_nor_nags() {
    let mut app = app();
    for (subject, text) in [
        ("CSMS # 68234511 - ACE Portal Deployment", "Accounts approved before Friday stay."),
        ("ACE PRODUCTION Outage", "ACE will be unavailable on Sunday."),
        ("AES Commodity Filing Response", "ITN X20260514123456. Shipment added."),
        ("ACE Reports: scheduled delivery of AR-007", "Attached is your scheduled report."),
        ("Your one-time code", "Your code is 448213. It expires in 10 minutes."),
        ("Trade newsletter", "Read about new account types in the portal."),
        ("Filer code request", "Your request for a filer code has been approved."),
    ] {
        receive(&mut app, subject, text, MONDAY);
    }
    let effects: Vec<String> = {
        let mut statement = app.store.read().prepare("SELECT effect FROM messages").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(effects, ["ignored"; 7]);
    assert_eq!(told(&mut app, TUESDAY), []);
    let sql =
        "SELECT count(*) FROM alerts WHERE kind NOT IN ('verification_code', 'due', 'overdue')";
    let n: i64 = app.store.read().query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(n, 0);
}

#[test]
fn mail_as_if_to_a_list_that_names_a_registered_number_is_for_a_person() {
    let mut app = app();
    let mail = from_cbp(SUBJECT, "Three steps remain.", "list@cbp.dhs.gov", "none@x", at(MONDAY))
        .replace("MIME-Version", "List-Id: <ace.cbp.dhs.gov>\r\nMIME-Version");
    let mails = [Incoming { bytes: mail.as_bytes(), received_at: at(MONDAY) }];
    let origin = Origin { mailbox: "office", folder: "INBOX", role: FolderRole::Inbox };
    assert_eq!(app.ingest(origin, &mails, None, at(MONDAY)).unwrap().review, 1);
}

#[test]
fn mails_are_kept_for_their_time_and_no_imagined_later_ends_it() {
    let mut app = app();
    receive(&mut app, SUBJECT, "Your application has been received.", MONDAY);
    let is_kept = |app: &App| {
        let sql = "SELECT count(*) FROM messages WHERE raw IS NOT NULL";
        app.store.read().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap() == 1
    };
    assert!(is_kept(&app));
    let later = |days| at(MONDAY) + chrono::Duration::days(days);
    // `--at` only asks how things will stand.
    app.evaluate(later(1000)).unwrap();
    app.prune(later(399)).unwrap();
    assert!(is_kept(&app));
    app.prune(later(401)).unwrap();
    assert!(!is_kept(&app));
}
