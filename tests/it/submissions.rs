//! Our own submissions: looked at when they are sent, sent again, and confirmed one by one or once
//! for all.

use std::path::Path;

use acewatch::app::{App, By, Incoming, Origin, Ruling, Tally};
use acewatch::config::{self, Environment};
use acewatch::domain::alert::AlertKind;
use acewatch::domain::application::{ApplicationId, Stage};
use acewatch::domain::message::FolderRole;
use acewatch::domain::rules::Rules;
use acewatch::domain::window::Verdict;
use acewatch::store::{Store, query};
use chrono::{DateTime, Duration, Utc};

use crate::support::OFFICE;
use crate::support::mail::{Importer, JUNIPER, PELICAN, from_cbp, submission};

const MARLOW: Importer = Importer { company: "Marlow Tin Works LLC", number: "36-702918500" };

fn app() -> App {
    let office = OFFICE.replace(
        "own-addresses = [\"ops@broker.example\"]",
        "own-addresses = [\"ops@broker.example\", \"desk@broker.example\"]",
    );
    let settings =
        config::parse(&office, Path::new("t.toml"), &Environment::from_process()).unwrap();
    assert!(settings.trust.is_own_address("desk@broker.example"));
    App::new(Store::in_memory().unwrap(), settings, Rules::read(None).unwrap())
}

/// Monday noon in New York.
fn monday() -> DateTime<Utc> {
    "2026-05-04T16:00:00Z".parse().unwrap()
}

fn hours(n: i64) -> DateTime<Utc> {
    monday() + Duration::hours(n)
}

fn take(
    app: &mut App,
    role: FolderRole,
    mail: &str,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Tally {
    let mails = [Incoming { bytes: mail.as_bytes(), received_at: at }];
    app.ingest(Origin { mailbox: "office", folder: "F", role }, &mails, None, now).unwrap()
}

fn send(app: &mut App, importer: Importer, sender: &str, at: DateTime<Utc>) {
    let mail = submission(importer, at)
        .replace("ops@broker.example", sender)
        .replace("<submission.", &format!("<submission.{}.", at.timestamp()));
    assert_eq!(take(app, FolderRole::Sent, &mail, at, at).recorded, 1);
}

/// CBP's machine confirms what was sent at `sent_at`.
fn confirm(app: &mut App, importer: Importer, sent_at: DateTime<Utc>) {
    let at = sent_at + Duration::minutes(1);
    let Importer { company, number } = importer;
    let answered = format!("submission.{}.{number}@mail.broker.example", sent_at.timestamp());
    let mail = from_cbp(
        &format!("Automatic reply: ACE Account Application - {company} - {number}"),
        "We have received your ACE application. You can expect a response within 3-5 business days.\r\n",
        &format!("receipt.{}.{number}@cbp.dhs.gov", sent_at.timestamp()),
        &answered,
        at,
    )
    .replace("MIME-Version", "Auto-Submitted: auto-generated\r\nMIME-Version");
    assert_eq!(take(app, FolderRole::Inbox, &mail, at, at).recorded, 1);
}

/// The mailbox has been read all the time up to `until`.
fn watched(app: &mut App, until: DateTime<Utc>) {
    let from = monday() - Duration::days(30);
    let mailbox = app.settings.mailboxes[0].name.clone();
    app.complete(&mailbox, &[("INBOX", Some(from))], until, "poll", true).unwrap();
}

fn id_of(app: &App, importer: Importer) -> ApplicationId {
    let number = importer.number.parse().unwrap();
    query::with_number(app.store.read(), &number).unwrap()[0]
}

/// What the two windows of an application say, evaluated anew.
fn verdicts(app: &App, importer: Importer, now: DateTime<Utc>) -> (Verdict, Verdict) {
    let id = id_of(app, importer);
    let application = query::summary_of(app.store.read(), id).unwrap().unwrap().application;
    let (_, evaluation) = app.standing(&application, &app.coverage().unwrap(), now).unwrap();
    let of = |name| {
        let found = evaluation.windows.iter().find(|(window, _)| window.name() == name);
        found.map(|(_, verdict)| *verdict).unwrap()
    };
    (of("acknowledgement"), of("first_response"))
}

fn alerts(app: &App) -> Vec<(AlertKind, String)> {
    query::pending_alerts(app.store.read())
        .unwrap()
        .into_iter()
        .map(|pending| (pending.alert.kind, pending.alert.body))
        .collect()
}

fn without_pdf(importer: Importer, at: DateTime<Utc>) -> String {
    submission(importer, at).replace("application/pdf", "text/csv").replace(".pdf", ".csv")
}

#[test]
fn a_submission_without_its_form_is_told_once_and_at_once() {
    let mut app = app();
    take(&mut app, FolderRole::Sent, &without_pdf(PELICAN, monday()), monday(), hours(0));
    let told = "Send it again: CBP has not acted on it yet.\nIn the mail to CBP no PDF is attached. The right subject: `acewatch subject 1`";
    assert_eq!(alerts(&app), [(AlertKind::FaultySubmission, told.to_owned())]);
    app.evaluate(hours(1)).unwrap();
    assert_eq!(alerts(&app).len(), 1);
    // Sent again before anybody was told, there is nothing to tell.
    send(&mut app, PELICAN, "ops@broker.example", hours(1));
    assert_eq!(alerts(&app), []);
}

#[test]
fn a_faulty_submission_of_last_month_is_no_news() {
    let mut app = app();
    let month = Duration::days(30);
    take(&mut app, FolderRole::Sent, &without_pdf(PELICAN, monday()), monday(), monday() + month);
    let faulty = |(kind, _): &(AlertKind, String)| *kind == AlertKind::FaultySubmission;
    assert!(!alerts(&app).iter().any(faulty));
    assert_eq!(query::summaries(app.store.read(), None).unwrap().len(), 1);
}

#[test]
fn a_submission_that_names_nobody_waits_for_review_and_is_told() {
    let mut app = app();
    let mail = submission(PELICAN, monday())
        .replace(
            "Subject: ACE Account Application - Pelican Dock Supply Co - 54-820736100",
            "Subject: Returned Form: application.pdf",
        )
        .replace(", importer number 54-820736100", "");
    let tally = take(&mut app, FolderRole::Sent, &mail, monday(), monday());
    assert_eq!(tally.review, 1);
    let told = "In your mail the subject is only what the form's button writes, the subject has no importer number. If CBP has not answered it yet, send it again: `acewatch subject` prints the right subject. See `acewatch review`.";
    assert_eq!(alerts(&app), [(AlertKind::Review, told.to_owned())]);
    let review = query::review(app.store.read()).unwrap();
    assert!(review[0].because.iter().any(|why| why.contains("Returned Form")), "{review:?}");
}

#[test]
fn one_receipt_for_the_sender_stands_for_its_other_applications() {
    let mut app = app();
    send(&mut app, PELICAN, "ops@broker.example", hours(0));
    confirm(&mut app, PELICAN, hours(0));
    send(&mut app, JUNIPER, "Ops@Broker.example", hours(1));
    send(&mut app, MARLOW, "desk@broker.example", hours(2));
    let later = monday() + Duration::days(4);
    watched(&mut app, later);
    app.evaluate(later).unwrap();
    assert_eq!(verdicts(&app, PELICAN, later).0, Verdict::Answered);
    assert_eq!(verdicts(&app, JUNIPER, later), (Verdict::NotExpected, Verdict::Due));
    // Another address of ours has had no receipt at all.
    assert_eq!(verdicts(&app, MARLOW, later).0, Verdict::Overdue);
    // The first response counts on.
    let much_later = monday() + Duration::days(9);
    watched(&mut app, much_later);
    assert_eq!(verdicts(&app, JUNIPER, much_later), (Verdict::NotExpected, Verdict::Overdue));
}

#[test]
fn where_each_submission_is_confirmed_a_receipt_that_does_not_come_is_missed() {
    let mut app = app();
    for (importer, hour) in [(PELICAN, 0), (JUNIPER, 1)] {
        send(&mut app, importer, "ops@broker.example", hours(hour));
        confirm(&mut app, importer, hours(hour));
    }
    send(&mut app, MARLOW, "ops@broker.example", hours(2));
    let later = monday() + Duration::days(4);
    watched(&mut app, later);
    assert_eq!(verdicts(&app, MARLOW, later).0, Verdict::Overdue);
}

#[test]
fn a_second_receipt_and_its_undoing_change_what_is_expected_of_the_others() {
    let mut app = app();
    send(&mut app, PELICAN, "ops@broker.example", hours(0));
    confirm(&mut app, PELICAN, hours(0));
    send(&mut app, MARLOW, "ops@broker.example", hours(1));
    send(&mut app, JUNIPER, "ops@broker.example", hours(2));
    let attention = |app: &App| {
        let id = id_of(app, MARLOW);
        query::summary_of(app.store.read(), id).unwrap().unwrap().attention.as_str()
    };
    let later = monday() + Duration::days(3) + Duration::hours(13);
    watched(&mut app, later);
    app.evaluate(later).unwrap();
    assert_eq!(attention(&app), "due", "no receipt expected, the first response due");
    confirm(&mut app, JUNIPER, hours(2));
    app.evaluate(later).unwrap();
    assert_eq!(attention(&app), "overdue", "each gets its own");
    let message = query::last_message(app.store.read()).unwrap();
    app.rule(&[(message, Ruling::Undone)], By { who: "ops", why: None }, later).unwrap();
    app.evaluate(later).unwrap();
    assert_eq!(attention(&app), "due", "that was no receipt");
}

#[test]
fn what_is_sent_again_is_one_application_with_two_attempts() {
    let mut app = app();
    send(&mut app, PELICAN, "ops@broker.example", hours(0));
    let again = monday() + Duration::days(4);
    watched(&mut app, again);
    assert_eq!(verdicts(&app, PELICAN, again).0, Verdict::Overdue);
    send(&mut app, PELICAN, "ops@broker.example", again);
    let all = query::summaries(app.store.read(), None).unwrap();
    assert_eq!(
        (all.len(), all[0].stage, all[0].submitted_at),
        (1, Stage::Submitted, Some(monday()))
    );
    assert_eq!(verdicts(&app, PELICAN, again).0, Verdict::Waiting);
}
