//! What is recorded, and what a second look changes: nothing.

use std::path::Path;

use acewatch::app::{App, By, Incoming, Origin, Progress, Ruling, Tally};
use acewatch::config::{self, Environment};
use acewatch::domain::application::{ApplicationId, Stage};
use acewatch::domain::cursor::Cursor;
use acewatch::domain::event::EventKind;
use acewatch::domain::intake::Effect;
use acewatch::domain::message::{FolderRole, Message};
use acewatch::domain::rules::Rules;
use acewatch::store::notice::{self, State};
use acewatch::store::record::{Account, NewApplication};
use acewatch::store::{Store, query, record};
use chrono::{DateTime, Duration, Utc};

use crate::support::OFFICE;
use crate::support::mail::{ACME, Importer, JUNIPER, approval, from_cbp, submission};

const ACCOUNT: Account = Account { host: "imap.broker.example", user: "ops@broker.example" };

const ME: By = By { who: "ops", why: None };

fn app() -> App {
    let settings =
        config::parse(OFFICE, Path::new("t.toml"), &Environment::from_process()).unwrap();
    App::new(Store::in_memory().unwrap(), settings, Rules::read(None).unwrap())
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Monday noon in New York.
fn monday() -> DateTime<Utc> {
    at("2026-05-04T16:00:00Z")
}

fn ingest(
    app: &mut App,
    role: FolderRole,
    mails: &[(&str, DateTime<Utc>)],
    now: DateTime<Utc>,
) -> Tally {
    let mails: Vec<Incoming> = mails
        .iter()
        .map(|(text, at)| Incoming { bytes: text.as_bytes(), received_at: *at })
        .collect();
    app.ingest(Origin { mailbox: "office", folder: "F", role }, &mails, None, now).unwrap()
}

fn register(app: &mut App, importer: Importer) -> ApplicationId {
    let new = NewApplication {
        company: importer.company.to_owned(),
        number: importer.number.parse().unwrap(),
        route: acewatch::domain::application::Route::Email,
        aliases: Vec::new(),
        tags: Vec::new(),
        contact: None,
        notes: None,
        liquidated_on: None,
    };
    app.register(&[(new, Some(monday()))], monday()).unwrap()[0].unwrap()
}

fn stage(app: &App, id: ApplicationId) -> Stage {
    query::summary_of(app.store.read(), id).unwrap().unwrap().stage
}

/// Everything in the database as text, row by row.
fn dump(app: &App) -> String {
    let db = app.store.read();
    let mut tables = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
        .unwrap();
    let names: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut text = String::new();
    for name in names {
        let mut rows = db.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let n_columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for column in 0..n_columns {
                let value = row.get_ref(column).unwrap();
                match value {
                    rusqlite::types::ValueRef::Blob(bytes)
                    | rusqlite::types::ValueRef::Text(bytes) => {
                        text.push_str(&String::from_utf8_lossy(bytes));
                    }
                    other => text.push_str(&format!("{other:?}")),
                }
                text.push('|');
            }
            text.push('\n');
        }
    }
    text
}

#[test]
fn the_same_mail_twice_changes_nothing() {
    let mut app = app();
    let (sent, approved) = (submission(ACME, monday()), approval(ACME, monday()));
    let first = ingest(&mut app, FolderRole::Sent, &[(&sent, monday())], monday());
    ingest(&mut app, FolderRole::Inbox, &[(&approved, monday())], monday());
    assert_eq!(first.recorded, 1);
    let before = dump(&app);
    let again = ingest(
        &mut app,
        FolderRole::Inbox,
        &[(&approved, monday()), (&approved, monday())],
        monday(),
    );
    assert_eq!((again.duplicate, again.recorded), (2, 0));
    assert_eq!(dump(&app), before);
}

#[test]
fn our_submission_registers_its_application_by_itself() {
    let mut app = app();
    ingest(&mut app, FolderRole::Sent, &[(&submission(ACME, monday()), monday())], monday());
    let all = query::summaries(app.store.read(), None).unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].application.company, ACME.company);
    assert_eq!(all[0].application.number.to_string(), ACME.number);
    assert_eq!(all[0].submitted_at, Some(monday()));
}

#[test]
fn a_copy_in_another_mailbox_is_not_a_second_approval() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let mail = approval(ACME, monday());
    let copy = mail.replace("id dd3ffe04388a392c", "id 0123456789abcdef");
    ingest(&mut app, FolderRole::Inbox, &[(&mail, monday()), (&copy, monday())], monday());
    let events = query::events(app.store.read(), id).unwrap();
    assert_eq!(events.iter().filter(|e| e.kind.as_str() == "approved").count(), 1);
    assert_eq!(query::pending_alerts(app.store.read()).unwrap().len(), 1);
}

#[test]
fn a_forged_copy_does_not_make_the_genuine_mail_vanish() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let genuine = approval(ACME, monday());
    let forged = genuine.replace("dmarc=pass", "dmarc=fail").replace("dkim=pass", "dkim=fail");
    let tally =
        ingest(&mut app, FolderRole::Inbox, &[(&forged, monday()), (&genuine, monday())], monday());
    assert_eq!((tally.quarantined, tally.recorded), (1, 1));
    assert_eq!(stage(&app, id), Stage::Approved);
}

#[test]
fn a_mail_that_came_before_its_application_was_registered_is_matched_then() {
    let mut app = app();
    let tally =
        ingest(&mut app, FolderRole::Inbox, &[(&approval(ACME, monday()), monday())], monday());
    assert_eq!(tally.review, 1);
    register(&mut app, JUNIPER);
    assert_eq!(query::n_review(app.store.read()).unwrap(), 1);
    let id = register(&mut app, ACME);
    assert_eq!(stage(&app, id), Stage::Approved);
    assert_eq!(query::n_review(app.store.read()).unwrap(), 0);
}

#[test]
fn a_person_can_assign_and_take_back() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let unverified = approval(ACME, monday())
        .replace("Authentication-Results: mx.broker.example", "X-None: none");
    ingest(&mut app, FolderRole::Inbox, &[(&unverified, monday())], monday());
    assert_eq!(stage(&app, id), Stage::Submitted);
    let message = query::review(app.store.read()).unwrap()[0].id;
    app.rule(&[(message, Ruling::Belongs(vec![id]))], ME, monday()).unwrap();
    assert_eq!(stage(&app, id), Stage::Approved);
    assert_eq!(query::n_review(app.store.read()).unwrap(), 0);
    app.rule(&[(message, Ruling::Undone)], ME, monday()).unwrap();
    assert_eq!(stage(&app, id), Stage::Submitted);
    assert_eq!(query::n_review(app.store.read()).unwrap(), 1);
    app.rule(&[(message, Ruling::Dismissed)], ME, monday()).unwrap();
    assert_eq!(query::n_review(app.store.read()).unwrap(), 0);
    assert!(app.rule(&[(message, Ruling::Dismissed)], ME, monday()).is_err());
    // The next look at the mailbox does not bring it back.
    let again = ingest(&mut app, FolderRole::Inbox, &[(&unverified, monday())], monday());
    assert_eq!(again.duplicate, 1);
    assert_eq!(stage(&app, id), Stage::Submitted);
}

#[test]
fn a_forgery_cannot_be_assigned() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let forged = approval(ACME, monday()).replace("dmarc=pass", "dmarc=fail");
    ingest(&mut app, FolderRole::Inbox, &[(&forged, monday())], monday());
    assert!(app.rule(&[(1, Ruling::Belongs(vec![id]))], ME, monday()).is_err());
    assert_eq!(stage(&app, id), Stage::Submitted);
}

#[test]
fn a_code_is_told_once_and_stored_nowhere() {
    let mut app = app();
    register(&mut app, ACME);
    let code = from_cbp(
        "Your verification code is 338105",
        "338105 - enter it within ten minutes.\n",
        "code@cbp",
        "none@x",
        monday(),
    );
    ingest(&mut app, FolderRole::Inbox, &[(&code, monday())], monday() + Duration::minutes(1));
    assert!(!dump(&app).contains("338105"));
    let alerts = query::pending_alerts(app.store.read()).unwrap();
    assert_eq!(alerts.iter().filter(|p| p.alert.kind.as_str() == "verification_code").count(), 1);
    assert!(alerts.iter().all(|p| !format!("{p:?}").contains("338105")));
}

#[test]
fn a_code_that_has_expired_is_no_news() {
    let mut app = app();
    let code = from_cbp(
        "Your verification code",
        "338105 - enter it within ten minutes.\n",
        "code@cbp",
        "none@x",
        monday(),
    );
    ingest(&mut app, FolderRole::Inbox, &[(&code, monday())], monday() + Duration::hours(5));
    assert!(query::pending_alerts(app.store.read()).unwrap().is_empty());
}

#[test]
fn the_cursor_is_recorded_with_its_mails() {
    let mut app = app();
    let cursor = Cursor { uid_validity: 7, uid_next: 42 };
    let mail = approval(ACME, monday());
    app.ingest(
        Origin { mailbox: "office", folder: "INBOX", role: FolderRole::Inbox },
        &[Incoming { bytes: mail.as_bytes(), received_at: monday() }],
        Some(Progress {
            account: ACCOUNT,
            look_back: 60,
            cursor: &cursor,
            unreadable: &[(40, "cut off".to_owned())],
            retried: &[],
        }),
        monday(),
    )
    .unwrap();
    let cursors =
        |app: &App, look_back| query::cursors(app.store.read(), ACCOUNT, look_back).unwrap();
    // Until the whole mailbox has been read, the reading is as good as not begun.
    assert_eq!(cursors(&app, 60), []);
    app.complete("office", &[("INBOX", Some(monday()))], monday(), "push", true).unwrap();
    assert_eq!(cursors(&app, 60), [("INBOX".to_owned(), cursor)]);
    // Who wants to look further back begins anew.
    assert_eq!(cursors(&app, 90), []);
    assert_eq!(app.n_unreadable().unwrap(), 1);
    // Of an account that is no longer configured nothing is told.
    let configured = std::mem::take(&mut app.settings.mailboxes);
    assert_eq!(app.n_unreadable().unwrap(), 0);
    app.settings.mailboxes = configured;
    // A folder that is gone is forgotten as a whole: if it comes back, it is read anew.
    app.complete("office", &[("Entries", None)], monday(), "push", true).unwrap();
    assert_eq!((cursors(&app, 60), app.n_unreadable().unwrap()), (vec![], 0));
}

#[test]
fn a_mail_that_cannot_be_read_is_kept_until_it_can() {
    let mut app = app();
    let mut tried = |uid_validity, unreadable: &[(u32, String)], retried: &[u32], at| {
        let cursor = Cursor { uid_validity, uid_next: 42 };
        let progress =
            Progress { account: ACCOUNT, look_back: 60, cursor: &cursor, unreadable, retried };
        let origin = Origin { mailbox: "office", folder: "INBOX", role: FolderRole::Inbox };
        app.ingest(origin, &[], Some(progress), at).unwrap();
        let kept = query::unreadable(app.store.read(), ACCOUNT).unwrap();
        kept.iter().map(|mail| (mail.uid, mail.tries, mail.last_tried)).collect::<Vec<_>>()
    };
    let later = monday() + Duration::hours(1);
    let bad = |uid| (uid, "cut off".to_owned());
    assert_eq!(
        tried(7, &[bad(20), bad(21)], &[], monday()),
        [(20, 1, monday()), (21, 1, monday())]
    );
    // One is read at the second attempt, the other is not.
    assert_eq!(tried(7, &[bad(20)], &[20, 21], later), [(20, 2, later)]);
    // Under another UIDVALIDITY the folder is read anew, and with it the mail.
    assert_eq!(tried(8, &[], &[], later), []);
}

#[test]
fn a_mail_that_stays_unreadable_is_told_once() {
    let mut app = app();
    let cursor = Cursor { uid_validity: 7, uid_next: 42 };
    let origin = Origin { mailbox: "office", folder: "INBOX", role: FolderRole::Inbox };
    let hour = Duration::hours(1);
    let bad = |uid| (uid, "cut off".to_owned());
    for (n, unreadable) in [vec![bad(20)], vec![bad(20), bad(21)]].iter().enumerate() {
        let progress =
            Progress { account: ACCOUNT, look_back: 60, cursor: &cursor, unreadable, retried: &[] };
        let at = monday() + hour * i32::try_from(n).unwrap() / 2;
        app.ingest(origin, &[], Some(progress), at).unwrap();
        app.evaluate(at).unwrap();
        assert_eq!(alerts(&app), []);
    }
    for minutes in [60, 61, 300] {
        app.evaluate(monday() + Duration::minutes(minutes)).unwrap();
    }
    let [alert] = query::pending_alerts(app.store.read()).unwrap().try_into().unwrap();
    assert_eq!(alert.alert.title, "acewatch cannot read 2 mails in the mailbox office");
    assert_eq!(alert.created_at, monday() + hour);
}

#[test]
fn what_found_its_application_is_no_longer_told_as_a_mail_to_review() {
    let mut app = app();
    let at = monday() + Duration::days(1);
    let told = |app: &App| -> Vec<String> {
        let pending = query::pending_alerts(app.store.read()).unwrap();
        pending.into_iter().map(|alert| alert.alert.kind.as_str().to_owned()).collect()
    };
    ingest(&mut app, FolderRole::Inbox, &[(&approval(ACME, at), at)], at);
    assert_eq!(told(&app), ["review"]);
    register(&mut app, ACME);
    assert_eq!(told(&app), ["approval"]);
}

#[test]
fn a_deadline_is_told_once_and_only_where_the_mailbox_was_read() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let two_weeks_on = monday() + Duration::days(16);
    app.evaluate(two_weeks_on).unwrap();
    let attention =
        |app: &App| query::summary_of(app.store.read(), id).unwrap().unwrap().attention.as_str();
    assert_eq!(attention(&app), "unknown");
    assert!(query::pending_alerts(app.store.read()).unwrap().is_empty());
    let from = Some(monday() - Duration::days(60));
    app.complete("office", &[("INBOX", from), ("Sent", from)], two_weeks_on, "push", true).unwrap();
    app.evaluate(two_weeks_on).unwrap();
    assert_eq!(attention(&app), "overdue");
    let n_alerts = query::pending_alerts(app.store.read()).unwrap().len();
    assert!(0 < n_alerts);
    app.evaluate(two_weeks_on).unwrap();
    app.evaluate(two_weeks_on + Duration::minutes(1)).unwrap();
    assert_eq!(query::pending_alerts(app.store.read()).unwrap().len(), n_alerts);
}

#[test]
fn a_deadline_that_was_met_in_time_is_withdrawn_before_it_is_told() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let later = monday() + Duration::days(16);
    let from = Some(monday() - Duration::days(60));
    app.complete("office", &[("INBOX", from)], later, "push", true).unwrap();
    app.evaluate(later).unwrap();
    ingest(&mut app, FolderRole::Inbox, &[(&approval(ACME, later), later)], later);
    assert_eq!(stage(&app, id), Stage::Approved);
    let kinds: Vec<&str> = query::pending_alerts(app.store.read())
        .unwrap()
        .iter()
        .map(|p| p.alert.kind.as_str())
        .collect();
    assert_eq!(kinds, ["approval"]);
}

#[test]
fn blindness_that_ended_before_anybody_could_be_told_is_not_told_after_a_suspend() {
    let mut app = app();
    let hours = Duration::hours;
    app.trouble("office", "connection refused", None, monday()).unwrap();
    app.trouble("office", "connection refused", None, monday() + hours(2)).unwrap();
    assert_eq!(query::pending_alerts(app.store.read()).unwrap().len(), 1);
    app.woke(monday() + hours(9)).unwrap();
    app.complete("office", &[("INBOX", None)], monday() + hours(10), "push", true).unwrap();
    assert!(query::pending_alerts(app.store.read()).unwrap().is_empty());
}

#[test]
fn blindness_is_told_once_after_an_hour_and_its_end_too() {
    let mut app = app();
    let kinds = |app: &App| -> Vec<String> {
        query::pending_alerts(app.store.read())
            .unwrap()
            .iter()
            .map(|p| p.alert.kind.as_str().to_owned())
            .collect()
    };
    app.trouble("office", "connection refused", None, monday()).unwrap();
    app.trouble("office", "connection refused", None, monday() + Duration::minutes(59)).unwrap();
    assert!(kinds(&app).is_empty());
    app.evaluate(monday() + Duration::minutes(61)).unwrap();
    app.evaluate(monday() + Duration::minutes(90)).unwrap();
    assert_eq!(kinds(&app), ["blind"]);
    let shown = query::pending_alerts(app.store.read()).unwrap()[0].id;
    app.store.write(|tx| record::delivered(tx, "desktop", &[shown], monday())).unwrap();
    let back = monday() + Duration::hours(3);
    app.complete("office", &[("INBOX", None)], back, "push", true).unwrap();
    assert_eq!(kinds(&app), ["blind_over"]);
}

#[test]
fn trouble_that_nobody_was_told_of_ends_without_a_word() {
    let mut app = app();
    app.trouble("office", "connection refused", None, monday()).unwrap();
    app.evaluate(monday() + Duration::minutes(61)).unwrap();
    let back = monday() + Duration::hours(3);
    app.complete("office", &[("INBOX", None)], back, "push", true).unwrap();
    assert!(query::pending_alerts(app.store.read()).unwrap().is_empty());
}

#[test]
fn the_cached_summary_is_what_the_events_say() {
    let mut app = app();
    ingest(
        &mut app,
        FolderRole::Sent,
        &[(&submission(ACME, monday()), monday()), (&submission(JUNIPER, monday()), monday())],
        monday(),
    );
    let tuesday = monday() + Duration::days(1);
    ingest(&mut app, FolderRole::Inbox, &[(&approval(JUNIPER, tuesday), tuesday)], tuesday);
    let coverage = app.coverage().unwrap();
    for summary in query::summaries(app.store.read(), None).unwrap() {
        let (history, evaluation) = app.standing(&summary.application, &coverage, tuesday).unwrap();
        assert_eq!(summary.stage, history.stage());
        assert_eq!(summary.attention, evaluation.attention);
        assert_eq!(summary.submitted_at, history.submitted_at);
        assert_eq!(summary.decided_at, history.decided_at);
        assert_eq!(summary.next_deadline, evaluation.next_deadline);
    }
}

#[test]
fn a_closure_that_is_added_later_moves_the_open_deadlines() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let open = |settings: &str| {
        let settings =
            config::parse(settings, Path::new("t.toml"), &Environment::from_process()).unwrap();
        App::new(Store::open(&path).unwrap(), settings, Rules::read(None).unwrap())
    };
    let mut app = open(OFFICE);
    let id = register(&mut app, ACME);
    app.evaluate(monday()).unwrap();
    let deadline = |app: &App| {
        query::summary_of(app.store.read(), id).unwrap().unwrap().next_deadline.unwrap()
    };
    let before = deadline(&app);
    drop(app);
    let mut app = open(&format!("{OFFICE}[calendar]\nclosures = [\"2026-05-05\"]\n"));
    app.evaluate(monday()).unwrap();
    assert_eq!(deadline(&app) - before, Duration::days(1));
}

#[test]
fn a_submission_later_today_counts_when_its_hour_has_come() {
    let mut app = app();
    let morning = monday() - Duration::hours(4);
    let new = NewApplication {
        company: ACME.company.to_owned(),
        number: ACME.number.parse().unwrap(),
        route: acewatch::domain::application::Route::Email,
        aliases: Vec::new(),
        tags: Vec::new(),
        contact: None,
        notes: None,
        liquidated_on: None,
    };
    let id = app.register(&[(new, Some(monday()))], morning).unwrap()[0].unwrap();
    assert_eq!(stage(&app, id), Stage::Draft);
    app.evaluate(monday()).unwrap();
    assert_eq!(stage(&app, id), Stage::Submitted);
}

#[test]
fn a_full_disk_is_said_loses_nothing_and_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let settings =
        config::parse(OFFICE, Path::new("t.toml"), &Environment::from_process()).unwrap();
    let store = Store::open(&folder.path().join("a.db")).unwrap();
    let mut app = App::new(store, settings, Rules::read(None).unwrap());
    let before = dump(&app);
    let limit = |app: &App, pages: i64| {
        app.store
            .read()
            .query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))
            .unwrap();
    };
    // SQLite keeps the pages it has and takes no more: what a full disk is to it.
    limit(&app, 1);
    let mails: Vec<String> =
        (0..200).map(|n| submission(ACME, monday() + Duration::seconds(n))).collect();
    let incoming: Vec<Incoming> = mails
        .iter()
        .map(|text| Incoming { bytes: text.as_bytes(), received_at: monday() })
        .collect();
    let origin = Origin { mailbox: "office", folder: "Sent", role: FolderRole::Sent };
    let error = app.ingest(origin, &incoming, None, monday()).unwrap_err();
    assert!(format!("{error:#}").contains("full"), "{error:#}");
    assert_eq!(dump(&app), before);
    limit(&app, 1_000_000);
    assert_eq!(app.ingest(origin, &incoming, None, monday()).unwrap().read, 200);
}

/// A daemon's life: the mailbox is read every five minutes, the clock looked at every minute.
fn live(app: &mut App, from: DateTime<Utc>, until: DateTime<Utc>) {
    let mut now = from;
    let mut read = Some(from - Duration::days(60));
    while now < until {
        app.complete("office", &[("INBOX", read.take())], now, "poll", true).unwrap();
        app.evaluate(now).unwrap();
        // The minute before the next reading.
        app.evaluate(now + Duration::minutes(29)).unwrap();
        now += Duration::minutes(30);
    }
}

fn alerts(app: &App) -> Vec<(String, String)> {
    let mut found = app
        .store
        .read()
        .prepare(
            "SELECT key, datetime(created_at, 'unixepoch') FROM alerts ORDER BY created_at, key",
        )
        .unwrap()
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    for (key, _) in &mut found {
        // window/ID/NAME/OPENED/WHAT
        if let ["window", _, name, _, what] = *key.split('/').collect::<Vec<_>>() {
            *key = format!("{name} {what}");
        }
    }
    found
}

#[test]
fn every_deadline_is_told_on_its_night_by_a_daemon_that_reads_now_and_then() {
    let mut app = app();
    register(&mut app, ACME);
    live(&mut app, monday(), monday() + Duration::days(24));
    let told = alerts(&app);
    let expected = [
        ("acknowledgement due", "2026-05-06"),
        ("acknowledgement overdue", "2026-05-08"),
        ("first_response overdue", "2026-05-12"),
        ("decision overdue", "2026-05-19"),
        ("decision critical", "2026-05-27"),
    ];
    for (what, night) in expected {
        assert!(
            told.iter().any(|(key, at)| key == what && at.starts_with(night)),
            "{what} {night}: {told:#?}"
        );
    }
}

#[test]
fn a_question_that_nobody_answers_is_told_of_too() {
    let mut app = app();
    register(&mut app, ACME);
    let asked = from_cbp(
        "RE: Acme Imports LLC 12-345678900",
        "Please send us the missing signature page.\r\n",
        "ask@cbp.example",
        "none@x",
        monday(),
    );
    ingest(&mut app, FolderRole::Inbox, &[(&asked, monday())], monday());
    live(&mut app, monday(), monday() + Duration::days(12));
    let told: Vec<String> = alerts(&app).into_iter().map(|(key, _)| key).collect();
    assert!(told.contains(&"your_answer due".to_owned()), "{told:?}");
    assert!(told.contains(&"your_answer overdue".to_owned()), "{told:?}");
}

#[test]
fn a_reading_that_was_cut_off_proves_nothing_about_the_gap() {
    let mut app = app();
    let cursor = |uid_validity| Cursor { uid_validity, uid_next: 9 };
    let progress = |app: &mut App, uid_validity| {
        let cursor = cursor(uid_validity);
        let progress = Progress {
            account: ACCOUNT,
            look_back: 60,
            cursor: &cursor,
            unreadable: &[],
            retried: &[],
        };
        let origin = Origin { mailbox: "office", folder: "INBOX", role: FolderRole::Inbox };
        app.ingest(origin, &[], Some(progress), monday()).unwrap();
    };
    progress(&mut app, 1);
    app.complete("office", &[("INBOX", Some(monday()))], monday(), "push", true).unwrap();
    assert_eq!(query::cursors(app.store.read(), ACCOUNT, 60).unwrap().len(), 1);
    // Another UIDVALIDITY: the folder is read anew, and the process dies before it is complete.
    progress(&mut app, 2);
    assert!(query::cursors(app.store.read(), ACCOUNT, 60).unwrap().is_empty());
}

#[test]
fn coverage_of_a_wrong_clock_is_taken_back() {
    let mut app = app();
    let far = monday() + Duration::days(10_000);
    app.complete("office", &[("INBOX", Some(monday()))], far, "push", true).unwrap();
    app.complete("office", &[("INBOX", None)], monday() + Duration::hours(1), "push", true)
        .unwrap();
    assert_eq!(app.coverage().unwrap().known_until(), Some(monday() + Duration::hours(1)));
}

#[test]
fn another_suffix_a_closed_application_and_a_stranger_s_report_go_to_a_person() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let mail =
        |subject: &str, text: &str, id: &str| from_cbp(subject, text, id, "none@x", monday());
    let check = |app: &mut App, mail: &str, expected: (u32, u32)| {
        let tally = ingest(app, FolderRole::Inbox, &[(mail, monday())], monday());
        assert_eq!((tally.recorded, tally.review), expected, "{mail}");
    };
    let approved = "Your ACE portal account has been approved and created.\r\n";
    check(&mut app, &mail("12-345678901", approved, "a@cbp"), (0, 1));
    check(&mut app, &mail("Acme Imports 12345678901", approved, "b@cbp"), (0, 1));
    let report = "\
From: Mail Delivery System <mailer-daemon@stranger.example>\r\n\
Subject: Undelivered\r\n\
Message-ID: <report@stranger.example>\r\n\
Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; stranger.example\r\n\r\n\
Final-Recipient: rfc822; ACE.Applications@cbp.dhs.gov\r\nAction: failed\r\nStatus: 5.1.1\r\n\
--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: Acme Imports LLC 12-345678900\r\n\r\nx\r\n--b--\r\n";
    check(&mut app, report, (0, 1));
    // Our own server's name is as easily written into From.
    let from_outside =
        "Received: from evil.example (evil.example [203.0.113.5]) by mx.broker.example; x\r\n";
    let pretended = report.replace("stranger.example", "broker.example");
    check(&mut app, &format!("{from_outside}{pretended}"), (0, 1));
    assert_eq!(stage(&app, id), Stage::Submitted);
    app.add_event(id, EventKind::Closed, None, monday()).unwrap();
    check(&mut app, &approval(ACME, monday()), (0, 1));
    assert_eq!(stage(&app, id), Stage::Closed);
}

#[test]
fn nothing_that_cbp_did_not_send_moves_an_application() {
    const FROM: &str = "From: \"LOMAX, REGINA\" <regina.lomax@cbp.dhs.gov>";
    let genuine = approval(ACME, monday());
    let results_at = genuine.find("Authentication-Results").unwrap();
    let (above, results) = genuine.split_at(results_at);
    let (results, below) = results.split_at(results.find("From: ").unwrap());
    let hop = "Received: from evil.example (evil.example [203.0.113.5]) by mx.evil.example; x\r\n";
    let from = |from: &str| genuine.replace(FROM, from);
    for (what, mail) in [
        ("no results", format!("{above}{below}")),
        ("results of the sender's", format!("{above}{hop}{results}{below}")),
        ("results of another server", genuine.replace("Results: mx.broker", "Results: mx.evil")),
        ("in our name", from("From: Ops <ops@broker.example>")),
        ("in our name, as CBP", from("From: ACE Applications <ops@broker.example>")),
        ("a colleague", from("From: D. Lund <dlund@broker.example>")),
        ("the name only", from("From: \"ACE.Applications@cbp.dhs.gov\" <x@evil.example>")),
        ("a look-alike", from("From: R. Lomax <r@cbp.dhs.gov.evil.example>")),
        ("another script", from("From: R. Lomax <r@\u{441}bp.dhs.gov>")),
        ("two senders", from("From: r@cbp.dhs.gov, x@evil.example")),
        ("two From fields", from("From: x@evil.example\r\nFrom: r@cbp.dhs.gov")),
        ("a group", from("From: CBP: r@cbp.dhs.gov;")),
        ("answers elsewhere", from(&format!("Reply-To: x@evil.example\r\n{FROM}"))),
        ("a sister agency", from("From: A. Officer <a@fema.dhs.gov>")),
    ] {
        assert_ne!(mail, genuine, "{what}");
        let mut app = app();
        let id = register(&mut app, ACME);
        let tally = ingest(&mut app, FolderRole::Inbox, &[(&mail, monday())], monday());
        assert_eq!((tally.read, tally.recorded), (1, 0), "{what}\n{mail}");
        assert_eq!(stage(&app, id), Stage::Submitted, "{what}");
    }
    // What we wrote ourselves is never CBP's word, whatever it says.
    let mut app = app();
    let id = register(&mut app, ACME);
    let mail = from("From: Ops <ops@broker.example>");
    ingest(&mut app, FolderRole::Sent, &[(&mail, monday())], monday());
    assert_eq!(stage(&app, id), Stage::Submitted);
}

#[test]
fn a_colleague_s_forward_waits_with_the_right_guess_and_proves_nothing() {
    let results = "Authentication-Results: mx.broker.example; dmarc=pass header.from=cbp.dhs.gov";
    let inner = format!(
        "From: ACE Applications <ACE.Applications@cbp.dhs.gov>\r\nSent: Monday, May 4, 2026\r\n\
         To: Ops\r\nSubject: Acme Imports LLC {}\r\n\r\nYour ACE portal account has been approved.\r\n",
        ACME.number
    );
    let outer = |subject: &str, rest: &str| {
        format!(
            "{results}\r\nReceived: from mx.broker.example by mailstore.broker.example; x\r\n\
             From: D. Lund <dlund@broker.example>\r\nTo: ops@broker.example\r\n\
             Subject: {subject}\r\nMessage-ID: <{}@broker.example>\r\n{rest}",
            subject.len() + rest.len()
        )
    };
    let attached = |subject: &str, head: &str| {
        let rest = format!(
            "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nsee\r\n\
             --b\r\nContent-Type: message/rfc822\r\n\r\n{head}{inner}--b--\r\n"
        );
        outer(subject, &rest)
    };
    let signed = "DKIM-Signature: v=1; a=rsa-sha256; d=cbp.dhs.gov; s=x; h=from; bh=x; b=x\r\n";
    for mail in [
        outer("FW: good news", &format!("\r\nlook\r\n\r\n{inner}")),
        outer(
            "Fwd: good news",
            &format!("\r\nlook\r\n\r\n---------- Forwarded message ---------\r\n{inner}"),
        ),
        attached("see attached", ""),
        attached("FW: good news", &format!("{results}\r\n{signed}")),
    ] {
        let mut app = app();
        let id = register(&mut app, ACME);
        register(&mut app, JUNIPER);
        let tally = ingest(&mut app, FolderRole::Inbox, &[(&mail, monday())], monday());
        assert_eq!((tally.recorded, tally.review), (0, 1), "{mail}");
        let stored = query::message(app.store.read(), 1).unwrap().unwrap();
        assert_eq!((stored.authenticity.as_str(), stored.application), ("unverified", Some(id)));
        app.rule(&[(1, Ruling::Belongs(vec![id]))], ME, monday()).unwrap();
        assert_eq!(stage(&app, id), Stage::Approved, "{mail}");
    }
}

#[test]
fn a_rejection_after_an_approval_goes_to_a_person_in_whatever_order_they_are_read() {
    let rejected = |at| {
        from_cbp("12-345678900", "Your application has been rejected.\r\n", "r@cbp", "none@x", at)
    };
    let (early, late) = (monday(), monday() + Duration::days(3));
    for is_swapped in [false, true] {
        let mut app = app();
        let id = register(&mut app, ACME);
        let (yes, no) = (approval(ACME, early), rejected(late));
        let mut mails = vec![(yes.as_str(), early), (no.as_str(), late)];
        if is_swapped {
            mails.reverse();
        }
        let tally = ingest(&mut app, FolderRole::Inbox, &mails, late);
        assert_eq!((tally.recorded, tally.review), (1, 1), "{is_swapped}");
        let expected = if is_swapped { Stage::Rejected } else { Stage::Approved };
        assert_eq!(stage(&app, id), expected);
    }
}

#[test]
fn a_mail_application_does_not_move_one_through_the_web_form() {
    let mut app = app();
    let new = NewApplication {
        company: ACME.company.to_owned(),
        number: ACME.number.parse().unwrap(),
        route: acewatch::domain::application::Route::WebImporter,
        aliases: Vec::new(),
        tags: Vec::new(),
        contact: None,
        notes: None,
        liquidated_on: None,
    };
    let web = app.register(&[(new, None)], monday()).unwrap()[0].unwrap();
    ingest(&mut app, FolderRole::Sent, &[(&submission(ACME, monday()), monday())], monday());
    assert_eq!(stage(&app, web), Stage::Draft);
    assert_eq!(query::summaries(app.store.read(), None).unwrap().len(), 2);
}

#[test]
fn our_submission_counts_although_its_copy_in_the_inbox_was_read_first() {
    let mut app = app();
    let mail = submission(ACME, monday());
    ingest(&mut app, FolderRole::Inbox, &[(&mail, monday())], monday());
    ingest(&mut app, FolderRole::Sent, &[(&mail, monday())], monday());
    assert_eq!(query::summaries(app.store.read(), None).unwrap().len(), 1);
}

#[test]
fn a_message_id_alone_makes_no_copy() {
    let mut app = app();
    let (acme, juniper) = (register(&mut app, ACME), register(&mut app, JUNIPER));
    let receipt = from_cbp(
        "12-345678900",
        "We received your application.\r\n",
        "same@cbp",
        "none@x",
        monday(),
    );
    let approval = from_cbp(
        "47-120935500",
        "Your account has been approved and created.\r\n",
        "same@cbp",
        "none@x",
        monday(),
    );
    ingest(&mut app, FolderRole::Inbox, &[(&receipt, monday()), (&approval, monday())], monday());
    assert_eq!((stage(&app, acme), stage(&app, juniper)), (Stage::Acknowledged, Stage::Approved));
}

#[test]
fn a_mail_that_was_recorded_is_explained_as_what_it_was() {
    let mut app = app();
    register(&mut app, ACME);
    let mail = approval(ACME, monday());
    ingest(&mut app, FolderRole::Inbox, &[(&mail, monday())], monday());
    let message = Message::parse(mail.as_bytes(), FolderRole::Inbox, monday());
    let examined = app.explain("import", &message).unwrap();
    assert_eq!(examined.effect, Effect::Recorded, "{}", examined.because);
}

/// A database as the version before `[[window]]` left it: one application whose answer is late, of
/// which a person was told, and a mail that nobody has been told of yet.
fn older_database(path: &Path) {
    const OLDER: [&str; 8] = [
        include_str!("../../migrations/0001_initial.sql"),
        include_str!("../../migrations/0002_unreadable.sql"),
        include_str!("../../migrations/0003_deliveries.sql"),
        include_str!("../../migrations/0004_kept_mails.sql"),
        include_str!("../../migrations/0005_dkim.sql"),
        include_str!("../../migrations/0006_decisions.sql"),
        include_str!("../../migrations/0007_receipts.sql"),
        include_str!("../../migrations/0008_snoozes.sql"),
    ];
    let older = rusqlite::Connection::open(path).unwrap();
    for sql in OLDER {
        older.execute_batch(sql).unwrap();
    }
    let mark: i64 = Store::in_memory()
        .unwrap()
        .read()
        .query_row("PRAGMA application_id", [], |row| row.get(0))
        .unwrap();
    let (sent, told) = (monday().timestamp(), (monday() + Duration::days(8)).timestamp());
    let receipt = sent + 60;
    let request = sent + 24 * 3600;
    older
        .execute_batch(&format!(
            "PRAGMA application_id = {mark};
             PRAGMA user_version = 8;
             INSERT INTO applications (company, number, route, created_at, stage, attention,
                                       next_evaluation_at, evaluated_at)
             VALUES ('Acme Imports LLC', '12-345678900', 'email', {sent}, 'acknowledged', 'overdue',
                     {told} + 86400, {told}),
                    ('Juniper Trading', '12-345679900', 'email', {sent}, 'information_requested',
                     'action_needed', {told} + 86400, {told});
             INSERT INTO events (application, at, recorded_at, kind, source)
             VALUES (1, {sent}, {sent}, 'submitted', 'command'),
                    (1, {receipt}, {receipt}, 'receipt', 'command'),
                    (2, {sent}, {sent}, 'submitted', 'command'),
                    (2, {request}, {request}, 'information_request', 'command');
             INSERT INTO alerts (key, kind, application, title, body, created_at, delivered_at)
             VALUES ('window/1/first_response/{receipt}/due', 'due', 1, 't', 'b', {told}, {told}),
                    ('window/1/first_response/{receipt}/overdue', 'overdue', 1, 't', 'b', {told}, {told}),
                    ('window/2/your_answer/{request}/due', 'due', 2, 't', 'b', {told}, {told}),
                    ('mail/review/x', 'review', NULL, 'To review', 'b', {told}, NULL);
             INSERT INTO deliveries (alert, channel, delivered_at, attempts, attempted_at)
             VALUES (1, 'desktop', {told}, 1, {told}), (2, 'desktop', {told}, 1, {told}),
                    (3, 'desktop', {told}, 1, {told});"
        ))
        .unwrap();
}

#[test]
fn after_an_upgrade_nothing_is_told_again_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("older.db");
    older_database(&path);
    let settings =
        config::parse(OFFICE, Path::new("t.toml"), &Environment::from_process()).unwrap();
    let mut app = App::new(Store::open(&path).unwrap(), settings, Rules::read(None).unwrap());
    let now = monday() + Duration::days(8) + Duration::hours(1);
    let from = Some(monday() - Duration::days(60));
    app.evaluate(now).unwrap();
    app.complete("office", &[("INBOX", from), ("Sent", from)], now, "push", true).unwrap();
    app.evaluate(now).unwrap();
    let waiting = app.pending_alerts("desktop", now).unwrap();
    let waiting: Vec<&str> = waiting.iter().map(|p| p.alert.key.as_str()).collect();
    assert_eq!(waiting, ["mail/review/x"]);
    let told = notice::told(app.store.read(), ApplicationId(1)).unwrap();
    let states: Vec<_> = told.iter().map(|told| (told.kind.as_str(), told.state)).collect();
    assert_eq!(states, [("due", State::Delivered), ("overdue", State::Delivered)]);
    // Nor was it settled while nobody knew yet what the mailboxes hold.
    assert_eq!(told[1].settled_at, None);
    let events = query::events(app.store.read(), ApplicationId(1)).unwrap();
    assert_eq!(events.len(), 2, "another version moves no dates");
}
