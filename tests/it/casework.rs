//! What people say about an application: snoozes, acknowledgements, notes and corrections, over a
//! month of a daemon that looks every hour.

use std::path::Path;

use acewatch::app::{App, Incoming, Origin};
use acewatch::config::{self, Environment};
use acewatch::domain::application::{ApplicationId, Route, Stage};
use acewatch::domain::edit::Edit;
use acewatch::domain::event::EventKind;
use acewatch::domain::message::FolderRole;
use acewatch::domain::rules::Rules;
use acewatch::store::record::NewApplication;
use acewatch::store::{Store, query, record};
use chrono::{DateTime, Duration, Utc};

use crate::support::OFFICE;
use crate::support::mail::{ACME, Importer, JUNIPER, approval, from_cbp};

fn app() -> App {
    let settings =
        config::parse(OFFICE, Path::new("t.toml"), &Environment::from_process()).unwrap();
    App::new(Store::in_memory().unwrap(), settings, Rules::read(None).unwrap())
}

/// Monday noon in New York.
fn monday() -> DateTime<Utc> {
    "2026-05-04T16:00:00Z".parse().unwrap()
}

fn day(n: i64) -> DateTime<Utc> {
    monday() + Duration::days(n)
}

fn new(importer: Importer) -> NewApplication {
    NewApplication::by_mail(importer.company, importer.number.parse().unwrap())
}

fn register(app: &mut App, importer: Importer) -> ApplicationId {
    app.register(&[(new(importer), Some(monday()))], monday()).unwrap()[0].unwrap()
}

fn ingest(app: &mut App, mail: &str, at: DateTime<Utc>) {
    let origin = Origin { mailbox: "office", folder: "INBOX", role: FolderRole::Inbox };
    let mails = [Incoming { bytes: mail.as_bytes(), received_at: at }];
    app.ingest(origin, &mails, None, at).unwrap();
}

fn stage(app: &App, id: ApplicationId) -> Stage {
    query::summary_of(app.store.read(), id).unwrap().unwrap().stage
}

/// Reads and evaluates every hour for `days`, shows what waits at once, and does what `said` has for
/// the hour. Returns each alert that was shown, in the order of showing.
fn month(app: &mut App, days: i64, mut said: impl FnMut(&mut App, i64)) -> Vec<String> {
    let from = Some(monday() - Duration::days(60));
    let mut shown = Vec::new();
    for hour in 0..days * 24 {
        let now = monday() + Duration::hours(hour);
        app.complete("office", &[("INBOX", from), ("Sent", from)], now, "push", true).unwrap();
        said(app, hour);
        app.evaluate(now).unwrap();
        let pending = query::pending_alerts(app.store.read()).unwrap();
        let ids: Vec<i64> = pending.iter().map(|p| p.id).collect();
        app.store
            .write(|tx| {
                record::attempted(tx, "desktop", &ids, "digest", now)?;
                record::delivered(tx, "desktop", &ids, now)
            })
            .unwrap();
        let day = now.format("%-d %b");
        shown.extend(pending.iter().map(|p| format!("{day} {}", p.alert.title)));
    }
    shown
}

#[test]
fn a_month_of_silence_is_told_step_by_step() {
    let mut app = app();
    register(&mut app, ACME);
    let shown = month(&mut app, 28, |_, _| {});
    insta::assert_snapshot!("a_month_of_silence", shown.join("\n"));
}

#[test]
fn a_month_with_a_snooze_and_an_acknowledgement_is_told_once_each() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let shown = month(&mut app, 28, |app, hour| {
        let now = monday() + Duration::hours(hour);
        match hour {
            // From Wednesday over two weekends to Monday, with the reason put right on the way.
            48 => app.snooze(id, day(14), Some("on holiday".to_owned()), now).unwrap(),
            72 => app.snooze(id, day(14), Some("on leave".to_owned()), now).unwrap(),
            // Two days after the alert that told of it.
            384 => app.acknowledge(id, now).unwrap(),
            _ => {}
        }
    });
    insta::assert_snapshot!("a_month_with_a_snooze_and_an_acknowledgement", shown.join("\n"));
    let summary = query::summary_of(app.store.read(), id).unwrap().unwrap();
    assert_eq!(summary.snoozed_until, None);
}

#[test]
fn the_summary_says_until_when_and_the_end_is_told_without_another_event() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let from = Some(monday() - Duration::days(60));
    app.complete("office", &[("INBOX", from), ("Sent", from)], day(16), "push", true).unwrap();
    app.evaluate(day(16)).unwrap();
    let pending = |app: &App| -> Vec<String> {
        let pending = query::pending_alerts(app.store.read()).unwrap();
        pending.into_iter().map(|p| p.alert.title).collect()
    };
    assert!(!pending(&app).is_empty());
    // What nobody had seen yet is not shown during the snooze, nor after it.
    app.snooze(id, day(18), Some("on leave".to_owned()), day(16)).unwrap();
    let summary = query::summary_of(app.store.read(), id).unwrap().unwrap();
    assert_eq!((summary.snoozed_until, summary.attention.as_str()), (Some(day(18)), "overdue"));
    assert_eq!(pending(&app), Vec::<String>::new());
    assert_eq!(query::to_evaluate(app.store.read(), day(18)).unwrap(), [id]);
    app.complete("office", &[("INBOX", None)], day(18), "push", true).unwrap();
    for _ in 0..2 {
        app.evaluate(day(18)).unwrap();
        assert_eq!(pending(&app), [format!("{}: snooze over, receipt overdue", ACME.company)]);
    }
    // An answer before it was shown takes it back.
    ingest(&mut app, &approval(ACME, day(18)), day(18));
    assert_eq!(pending(&app), [format!("{}: approved by CBP", ACME.company)]);
}

#[test]
fn a_mail_is_told_during_a_snooze_and_ends_it() {
    let mut app = app();
    let id = register(&mut app, ACME);
    app.snooze(id, day(30), Some("on leave".to_owned()), day(1)).unwrap();
    ingest(&mut app, &approval(ACME, day(2)), day(2));
    assert_eq!(query::pending_alerts(app.store.read()).unwrap().len(), 1);
    let summary = query::summary_of(app.store.read(), id).unwrap().unwrap();
    assert_eq!((summary.stage, summary.snoozed_until), (Stage::Approved, None));
}

/// A mail of CBP's that names nothing but a ticket.
fn with_ticket(ticket: &str, at: DateTime<Utc>) -> String {
    from_cbp(
        &format!("Case {ticket}"),
        "Your ACE account application has been approved.\r\n",
        &format!("{ticket}@cbp.example"),
        "none@broker.example",
        at,
    )
}

#[test]
fn a_ticket_noted_on_the_telephone_leads_the_mail_and_can_be_taken_back() {
    let mut app = app();
    let id = register(&mut app, ACME);
    assert_eq!(app.ticket_of("inc0012345").as_deref(), Some("INC0012345"));
    assert_eq!(app.ticket_of("12345"), None);
    app.note(id, EventKind::Call, "they will call back", Some("INC0012345"), day(1)).unwrap();
    let events = query::events(app.store.read(), id).unwrap();
    let call = events.last().unwrap();
    assert_eq!(call.kind, EventKind::Call);
    assert_eq!(call.text.as_deref(), Some("they will call back (ticket INC0012345)"));
    let remove = Edit { tickets_removed: vec!["inc0012345".to_owned()], ..Edit::default() };
    app.edit(id, &remove, day(1)).unwrap();
    assert!(app.edit(id, &remove, day(1)).is_err());
    ingest(&mut app, &with_ticket("INC0012345", day(2)), day(2));
    assert_eq!(stage(&app, id), Stage::Submitted);
    // Noted after the mail came, it finds the mail that waits.
    app.note(id, EventKind::Note, "see the ticket", Some("INC0012345"), day(3)).unwrap();
    assert_eq!(stage(&app, id), Stage::Approved);
}

#[test]
fn a_corrected_number_finds_the_mail_that_waits_and_stays_from_then_on() {
    let mut app = app();
    let wrong = NewApplication { number: "98-765432100".parse().unwrap(), ..new(ACME) };
    let id = app.register(&[(wrong, Some(monday()))], monday()).unwrap()[0].unwrap();
    ingest(&mut app, &approval(ACME, day(2)), day(2));
    assert_eq!(stage(&app, id), Stage::Submitted);
    let right = Edit { number: ACME.number.parse().ok(), ..Edit::default() };
    assert_eq!(app.edit(id, &right, day(3)).unwrap().len(), 1);
    assert_eq!(stage(&app, id), Stage::Approved);
    assert_eq!(query::n_review(app.store.read()).unwrap(), 0);
    assert_eq!(app.edit(id, &right, day(3)).unwrap(), Vec::<String>::new());
    let again = Edit { number: "98-765432100".parse().ok(), ..Edit::default() };
    let refused = app.edit(id, &again, day(3)).unwrap_err().to_string();
    assert!(refused.contains("mails were recorded for it"), "{refused}");
}

#[test]
fn a_new_name_finds_the_mail_that_waits() {
    let mut app = app();
    let wrong = NewApplication { company: "Completely Different Inc".to_owned(), ..new(ACME) };
    let id = app.register(&[(wrong, Some(monday()))], monday()).unwrap()[0].unwrap();
    let named = from_cbp(
        &format!("ACE Account Application - {}", ACME.company),
        "Your ACE account application has been approved.\r\n",
        "named@cbp.example",
        "none@broker.example",
        day(2),
    );
    ingest(&mut app, &named, day(2));
    assert_eq!(stage(&app, id), Stage::Submitted);
    let alias = Edit { aliases_added: vec![ACME.company.to_owned()], ..Edit::default() };
    app.edit(id, &alias, day(3)).unwrap();
    assert_eq!(stage(&app, id), Stage::Approved);
}

#[test]
fn no_two_applications_get_one_number_on_one_route_and_nothing_of_a_refused_edit_stays() {
    let mut app = app();
    register(&mut app, ACME);
    let id = register(&mut app, JUNIPER);
    let edit = Edit {
        company: Some("Juniper".to_owned()),
        number: ACME.number.parse().ok(),
        ..Edit::default()
    };
    let refused = app.edit(id, &edit, day(1)).unwrap_err().to_string();
    assert!(refused.contains("application 1 has this importer number"), "{refused}");
    let elsewhere = Edit { route: Some(Route::WebImporter), ..edit };
    app.edit(id, &elsewhere, day(1)).unwrap();
    let summary = query::summary_of(app.store.read(), id).unwrap().unwrap();
    assert_eq!(summary.application.number.to_string(), ACME.number);
    let events = query::events(app.store.read(), id).unwrap();
    assert_eq!(events.iter().filter(|e| e.kind == EventKind::Edited).count(), 1);
}

#[test]
fn names_follow_an_edit() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let found = |app: &App, part: &str| query::with_name_part(app.store.read(), part).unwrap();
    let edit = Edit { aliases_added: vec!["Fictitious Trade".to_owned()], ..Edit::default() };
    app.edit(id, &edit, day(1)).unwrap();
    assert_eq!(found(&app, "fictitious"), [id]);
    let edit = Edit { aliases_removed: vec!["FICTITIOUS TRADE".to_owned()], ..Edit::default() };
    app.edit(id, &edit, day(1)).unwrap();
    assert_eq!(found(&app, "fictitious"), []);
}

/// The lines that hold a word.
fn told_of(shown: &[String], what: &str) -> Vec<String> {
    shown.iter().filter(|line| line.contains(what)).cloned().collect()
}

#[test]
fn who_was_told_before_the_date_was_moved_is_told_again_at_the_new_one() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let shown = month(&mut app, 21, |app, hour| {
        let now = monday() + Duration::hours(hour);
        // The first response is overdue on Tuesday, and on Wednesday CBP asks for patience.
        if hour == 9 * 24 {
            let until = "2026-05-18T04:00:00Z".parse().unwrap();
            app.extend(id, until, Some("high volume".to_owned()), now).unwrap();
        }
    });
    assert_eq!(
        told_of(&shown, "first response"),
        [
            "12 May Acme Imports LLC: first response overdue since 11 May",
            "19 May Acme Imports LLC: first response due since 18 May",
            "21 May Acme Imports LLC: first response overdue since 20 May",
            "23 May Acme Imports LLC: first response overdue for 2 days",
        ]
    );
}

#[test]
fn what_waited_while_the_date_was_moved_is_told_with_the_new_one() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let from = Some(monday() - Duration::days(60));
    let mut waiting = |days: i64, until: Option<&str>| {
        let now = day(days);
        app.complete("office", &[("INBOX", from), ("Sent", from)], now, "push", true).unwrap();
        app.evaluate(now).unwrap();
        if let Some(until) = until {
            app.extend(id, until.parse().unwrap(), Some("high volume".to_owned()), now).unwrap();
        }
        let pending = query::pending_alerts(app.store.read()).unwrap();
        let told = pending.iter().map(|p| (p.alert.title.clone(), p.created_at));
        told.filter(|(title, _)| title.contains("response")).collect::<Vec<_>>()
    };
    // Nobody is at the screen, and before anybody is, CBP asks for patience.
    let [(title, _)] = &waiting(8, None)[..] else { panic!() };
    assert_eq!(title, "Acme Imports LLC: first response overdue since 11 May");
    assert_eq!(waiting(8, Some("2026-05-18T04:00:00Z")), []);
    let [(title, raised_at)] = &waiting(17, None)[..] else { panic!() };
    assert_eq!(title, "Acme Imports LLC: first response overdue since 20 May");
    assert_eq!(*raised_at, day(17));
}

#[test]
fn who_hears_only_now_that_something_is_overdue_needs_no_reminder_of_it() {
    let mut app = app();
    register(&mut app, ACME);
    let from = Some(monday() - Duration::days(60));
    let mut look = |days: i64| {
        app.complete("office", &[("INBOX", from), ("Sent", from)], day(days), "push", true)
            .unwrap();
        app.evaluate(day(days)).unwrap();
        let pending = query::pending_alerts(app.store.read()).unwrap();
        pending.iter().map(|p| p.alert.title.clone()).collect::<Vec<_>>()
    };
    // Raised on Tuesday, and not shown before the day of the first reminder was over, too.
    let overdue = ["receipt", "first response", "decision"].map(|what| what.to_owned());
    for days in [15, 17] {
        let waiting = look(days);
        let what = |title: &String| {
            title.split(": ").nth(1).unwrap().split(" overdue since").next().unwrap().to_owned()
        };
        assert_eq!(waiting.iter().map(what).collect::<Vec<_>>(), overdue, "{waiting:?}");
    }
}

#[test]
fn a_clock_that_is_put_back_tells_nothing_twice() {
    let mut app = app();
    register(&mut app, ACME);
    let shown = month(&mut app, 10, |_, _| {});
    // The same days again, by a clock that was put back.
    let again = month(&mut app, 10, |_, _| {});
    assert!(!told_of(&shown, "overdue").is_empty());
    assert_eq!(again, Vec::<String>::new());
}

#[test]
fn an_approval_is_followed_until_somebody_logs_in_and_an_account_in_use_stays_so() {
    let mut app = app();
    let id = register(&mut app, ACME);
    let shown = month(&mut app, 70, |app, hour| {
        let now = monday() + Duration::hours(hour);
        match hour {
            // Friday noon.
            96 => ingest(app, &approval(ACME, now), now),
            // Nobody logs in for two weeks and a half.
            450 => app
                .add_event(id, EventKind::Milestone, Some("first-login".to_owned()), now)
                .unwrap(),
            _ => {}
        }
    });
    insta::assert_snapshot!("an_approval_and_what_follows", shown.join("\n"));
}

#[test]
fn a_refund_that_is_lost_soon_comes_first_and_is_pressing() {
    let mut app = app();
    let soon = NewApplication { liquidated_on: "2026-03-09".parse().ok(), ..new(JUNIPER) };
    let rows = [(new(ACME), Some(monday())), (soon, Some(monday()))];
    app.register(&rows, monday()).unwrap();
    let mut urgencies = Vec::new();
    let shown = month(&mut app, 28, |app, _| {
        let pending = query::pending_alerts(app.store.read()).unwrap();
        urgencies.extend(pending.iter().map(|p| (p.alert.title.clone(), p.alert.urgency())));
    });
    let about =
        |name: &str| -> Vec<&String> { shown.iter().filter(|l| l.contains(name)).collect() };
    insta::assert_snapshot!("a_refund_that_is_lost_soon", told_of(&shown, "Juniper").join("\n"));
    assert!(about("Acme").iter().all(|line| !line.contains("refund")));
    let summaries = query::summaries(app.store.read(), None).unwrap();
    let order: Vec<&str> = summaries.iter().map(|s| s.application.company.as_str()).collect();
    assert_eq!(order, [JUNIPER.company, ACME.company]);
}
