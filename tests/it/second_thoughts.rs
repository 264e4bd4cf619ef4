//! What a person decided, other rules, and applications that are registered late, one after the
//! other: whatever comes first, none of them may undo what another one settled.

use std::fs;
use std::path::Path;

use acewatch::app::{App, By, Incoming, Mode, Origin, Ruling, Tally};
use acewatch::config::{self, Environment, Settings};
use acewatch::domain::application::{ApplicationId, Stage};
use acewatch::domain::message::FolderRole;
use acewatch::domain::rules::Rules;
use acewatch::store::query::{self, StoredMessage};
use acewatch::store::record::NewApplication;
use acewatch::store::{Store, receipt};
use chrono::{DateTime, Utc};

use crate::support::OFFICE;
use crate::support::mail::{ACME, Importer, JUNIPER, approval, from_cbp, submission};
use crate::support::program::Program;

const ME: By = By { who: "ops", why: None };
const SUBJECT: &str = "RE: ACE Account Application - 12-345678900";
const CODE_7: &str = "Completion code 7.\r\n";

/// A mailbox beside the office's, at a server that writes no results, so that a stranger's stay on top.
const SECOND: &str = r#"
[[mailbox]]
name = "second"
host = "imap.other.example"
user = "ops@other.example"
password-environment = "ACEWATCH_TEST_PASSWORD"
authserv-id = []
"#;

fn settings(text: &str) -> Settings {
    config::parse(text, Path::new("t.toml"), &Environment::from_process()).unwrap()
}

fn app_with(text: &str) -> App {
    App::new(Store::in_memory().unwrap(), settings(text), Rules::read(None).unwrap())
}

fn app() -> App {
    app_with(OFFICE)
}

/// The same history under a rule of the user's, which makes `kind` of a completion code.
fn taught(app: App, kind: &str) -> App {
    let rule = format!(
        "[[rule]]\nid = \"user.code\"\nkind = \"{kind}\"\nsentence = ['\\bcompletion code 7\\b']\n"
    );
    App::new(app.store, app.settings, Rules::read(Some(&rule)).unwrap())
}

/// Monday noon in New York.
fn monday() -> DateTime<Utc> {
    "2026-05-04T16:00:00Z".parse().unwrap()
}

fn ingest_at(app: &mut App, origin: Origin, mail: &str) -> Tally {
    let mails = [Incoming { bytes: mail.as_bytes(), received_at: monday() }];
    app.ingest(origin, &mails, None, monday()).unwrap()
}

fn ingest_as(app: &mut App, role: FolderRole, mail: &str) -> Tally {
    ingest_at(app, Origin { mailbox: "office", folder: "F", role }, mail)
}

fn ingest_from(app: &mut App, mailbox: &str, mail: &str) -> Tally {
    ingest_at(app, Origin { mailbox, folder: "INBOX", role: FolderRole::Inbox }, mail)
}

fn ingest(app: &mut App, mail: &str) -> Tally {
    ingest_as(app, FolderRole::Inbox, mail)
}

fn add(app: &mut App, Importer { company, number }: Importer) -> ApplicationId {
    let new = NewApplication::by_mail(company, number.parse().unwrap());
    app.register(&[(new, Some(monday()))], monday()).unwrap()[0].unwrap()
}

fn cbp(subject: &str, text: &str, id: &str) -> String {
    from_cbp(subject, text, &format!("{id}@cbp.dhs.gov"), "none@x", monday())
}

/// The same mail as another mailbox has it.
fn copy(mail: &str) -> String {
    format!("X-Mailbox: another\r\n{mail}")
}

fn unverified(mail: &str) -> String {
    mail.replace("Authentication-Results: mx.broker.example", "X-None: none")
}

fn replay(app: &mut App) {
    app.replay(Mode::Apply, None, monday()).unwrap();
}

fn rule(app: &mut App, message: i64, ruling: Ruling) {
    app.rule(&[(message, ruling)], ME, monday()).unwrap();
}

fn stage(app: &App, id: ApplicationId) -> Stage {
    query::summary_of(app.store.read(), id).unwrap().unwrap().stage
}

fn mail(app: &App, message: i64) -> StoredMessage {
    query::message(app.store.read(), message).unwrap().unwrap()
}

fn pending(app: &App) -> Vec<String> {
    let alerts = query::pending_alerts(app.store.read()).unwrap();
    alerts.into_iter().map(|alert| alert.alert.title).collect()
}

#[test]
fn a_server_is_believed_in_its_own_mailbox_alone_also_when_mails_are_read_again() {
    let mut app = app_with(&format!("{OFFICE}{SECOND}"));
    let id = add(&mut app, ACME);
    let tally = ingest_from(&mut app, "second", &approval(ACME, monday()));
    assert_eq!((tally.review, stage(&app, id)), (1, Stage::Submitted));
    replay(&mut app);
    assert_eq!(stage(&app, id), Stage::Submitted);
    // Gone from the configuration, it is not the other one's.
    let (trust, own) = ("authserv-id = [\"mx.broker.example\"]", "user = \"ops@broker.example\"");
    assert!(OFFICE.contains(trust) && OFFICE.contains(own), "{OFFICE}");
    let office = OFFICE.replace(trust, "").replace(own, &format!("{own}\n{trust}"));
    app.settings = settings(&office);
    replay(&mut app);
    assert_eq!(stage(&app, id), Stage::Submitted);
    // Somebody says that its server is the same: what was kept is judged by that.
    app.settings = settings(&format!("{OFFICE}{SECOND}").replace("authserv-id = []", ""));
    replay(&mut app);
    assert_eq!(stage(&app, id), Stage::Approved);
}

#[test]
fn a_file_is_judged_anew_once_its_mailbox_is_known() {
    for (mailbox, is_decided, expected) in [
        ("import", false, Stage::Submitted),
        ("second", false, Stage::Submitted),
        ("office", false, Stage::Approved),
        // What a person put aside stays there.
        ("office", true, Stage::Submitted),
    ] {
        let mut app = app_with(&format!("{OFFICE}{SECOND}"));
        let id = add(&mut app, ACME);
        let mail = approval(ACME, monday());
        assert_eq!(ingest_from(&mut app, "import", &mail).review, 1);
        let waiting = query::review(app.store.read()).unwrap()[0].id;
        if is_decided {
            app.rule(&[(waiting, Ruling::Dismissed)], ME, monday()).unwrap();
        }
        assert_eq!(ingest_from(&mut app, mailbox, &mail).duplicate, 1);
        assert_eq!(stage(&app, id), expected, "{mailbox} {is_decided}");
        let n_left = query::review(app.store.read()).unwrap().len();
        assert_eq!(n_left == 1, expected == Stage::Submitted && !is_decided, "{mailbox}");
    }
}

#[test]
fn a_copy_does_not_do_what_a_person_put_aside_when_other_rules_read_it() {
    let mut app = app();
    let acme = add(&mut app, ACME);
    let first = cbp(SUBJECT, CODE_7, "a");
    ingest(&mut app, &first);
    assert_eq!(ingest(&mut app, &copy(&first)).ignored, 1);
    rule(&mut app, 1, Ruling::Undone);
    rule(&mut app, 1, Ruling::Dismissed);
    let mut app = taught(app, "approval");
    replay(&mut app);
    assert_eq!(stage(&app, acme), Stage::Submitted);
    assert_eq!(query::n_review(app.store.read()).unwrap(), 0);
    // One that comes only now is for a person: it may be another mail after all.
    assert_eq!(ingest(&mut app, &copy(&copy(&first))).review, 1);
    assert!(!app.waiting().unwrap()[0].is_good);
    assert_eq!(stage(&app, acme), Stage::Submitted);
}

#[test]
fn a_replay_takes_back_no_alert_of_another_mail_with_the_same_message_id() {
    let mut app = app();
    let acme = add(&mut app, ACME);
    let genuine = approval(ACME, monday());
    ingest(&mut app, &genuine);
    let told = pending(&app);
    assert_eq!(told.len(), 1, "{told:?}");
    let id = mail(&app, 1).message_id.unwrap();
    ingest(&mut app, &unverified(&from_cbp(SUBJECT, CODE_7, &id, "none@x", monday())));
    let mut app = taught(app, "rejection");
    replay(&mut app);
    assert_eq!(mail(&app, 2).kind, "rejection");
    assert_eq!(pending(&app), told);
    assert_eq!(stage(&app, acme), Stage::Approved);
}

#[test]
fn a_mail_that_finds_its_application_is_kept_as_what_it_was_taken_for_then() {
    let mut app = app();
    ingest(&mut app, &cbp(SUBJECT, CODE_7, "a"));
    assert!(mail(&app, 1).is_unrecognised);
    let mut app = taught(app, "approval");
    let acme = add(&mut app, ACME);
    assert_eq!(stage(&app, acme), Stage::Approved);
    let found = mail(&app, 1);
    assert_eq!((found.kind.as_str(), found.rule.as_deref()), ("approval", Some("user.code")));
    assert!(!found.is_unrecognised);
    // So a replay has nothing to do, and does not take the alert back.
    let told = pending(&app);
    let replayed = app.replay(Mode::Apply, None, monday()).unwrap();
    assert!(replayed.changes.is_empty(), "{replayed:?}");
    assert_eq!(pending(&app), told);
}

#[test]
fn nobody_is_told_any_more_what_a_person_took_back_or_put_aside() {
    let mut app = app();
    add(&mut app, ACME);
    ingest(&mut app, &approval(ACME, monday()));
    assert_eq!(pending(&app).len(), 1);
    rule(&mut app, 1, Ruling::Undone);
    assert!(pending(&app).is_empty(), "{:?}", pending(&app));
    ingest(&mut app, &unverified(&cbp(SUBJECT, CODE_7, "b")));
    assert_eq!(pending(&app).len(), 1);
    rule(&mut app, 2, Ruling::Dismissed);
    assert!(pending(&app).is_empty(), "{:?}", pending(&app));
}

#[test]
fn a_mail_with_a_history_is_not_forgotten_when_it_turns_up_in_sent() {
    let mut app = app();
    let acme = add(&mut app, ACME);
    let first = cbp(SUBJECT, CODE_7, "a");
    ingest(&mut app, &first);
    let mut app = taught(app, "unrelated");
    replay(&mut app);
    assert_eq!(mail(&app, 1).effect, "ignored");
    assert_eq!(ingest_as(&mut app, FolderRole::Sent, &first).duplicate, 1);
    assert_eq!(query::events(app.store.read(), acme).unwrap().len(), 3);
}

#[test]
fn what_followed_from_a_wrong_assignment_goes_back_with_it() {
    let mut app = app();
    let (acme, juniper) = (add(&mut app, ACME), add(&mut app, JUNIPER));
    let stated = "Company: Blue Heron Coffee Co\r\n";
    ingest(&mut app, &cbp("Your form", &format!("{stated}We received your application.\r\n"), "a"));
    rule(&mut app, 1, Ruling::Belongs(vec![acme]));
    let approved = "Your ACE portal account has been approved and created.\r\n";
    // By the name that was learnt; in the thread of the mail assigned; and by the number alone.
    assert_eq!(ingest(&mut app, &cbp("Hello", &format!("{stated}{approved}"), "b")).recorded, 1);
    let answer = from_cbp("Re: Your form", approved, "c@cbp.dhs.gov", "a@cbp.dhs.gov", monday());
    assert_eq!(ingest(&mut app, &answer).recorded, 1);
    assert_eq!(ingest(&mut app, &cbp(SUBJECT, "We received it.\r\n", "d")).recorded, 1);
    assert_eq!(stage(&app, acme), Stage::Approved);
    let done = app.rule(&[(1, Ruling::Belongs(vec![juniper]))], ME, monday()).unwrap();
    assert_eq!(done[0].followers, [2, 3]);
    assert_eq!(
        (stage(&app, acme), stage(&app, juniper)),
        (Stage::Acknowledged, Stage::Acknowledged)
    );
    let waiting = app.waiting().unwrap();
    let suggested: Vec<_> = waiting.iter().map(|w| (w.mail.id, w.suggestion())).collect();
    assert_eq!(suggested, [(2, Some(juniper)), (3, Some(juniper))]);
    assert!(!pending(&app).iter().any(|title| title.contains("Approved")), "{:?}", pending(&app));
    // A person's word on one of them is that person's, whatever becomes of the first.
    rule(&mut app, 3, Ruling::Belongs(vec![juniper]));
    let done = app.rule(&[(1, Ruling::Undone)], ME, monday()).unwrap();
    assert!(done[0].followers.is_empty());
    assert_eq!(stage(&app, juniper), Stage::Approved);
}

#[test]
fn a_mail_and_what_followed_from_it_are_taken_back_in_one_step() {
    let mut app = app();
    let acme = add(&mut app, ACME);
    ingest(&mut app, &cbp("Your form", "We received your application.\r\n", "a"));
    rule(&mut app, 1, Ruling::Belongs(vec![acme]));
    let text = "We are looking at your form.\r\n";
    ingest(&mut app, &from_cbp("Re: Your form", text, "b@cbp.dhs.gov", "a@cbp.dhs.gov", monday()));
    ingest(&mut app, &from_cbp("Re: Your form", text, "c@cbp.dhs.gov", "b@cbp.dhs.gov", monday()));
    assert_eq!(stage(&app, acme), Stage::Replied);
    let rulings = [(1, Ruling::Undone), (2, Ruling::Undone)];
    let done = app.rule(&rulings, ME, monday()).unwrap();
    assert_eq!(done.iter().flat_map(|d| d.followers.clone()).collect::<Vec<_>>(), [3]);
    assert_eq!(stage(&app, acme), Stage::Submitted);
    assert_eq!(query::n_review(app.store.read()).unwrap(), 3);
}

#[test]
fn capitalised_words_of_a_subject_become_no_name() {
    let mut app = app();
    let acme = add(&mut app, ACME);
    ingest(&mut app, &cbp("Second Reminder", "Company: Not Available\r\nWe received it.\r\n", "a"));
    ingest(&mut app, &cbp("Missing Page", "We received your application.\r\n", "b"));
    for message in [1, 2] {
        let belongs = [(message, Ruling::Belongs(vec![acme]))];
        assert_eq!(app.rule(&belongs, ME, monday()).unwrap()[0].learnt, None);
    }
    let text = "Your ACE portal account has been approved and created.\r\n";
    assert_eq!(ingest(&mut app, &cbp("Missing Page", text, "c")).review, 1);
    assert_ne!(stage(&app, acme), Stage::Approved);
}

#[test]
fn a_mail_that_is_known_for_a_forgery_by_now_is_no_guess_to_accept() {
    let program = Program::new();
    let config = program.path("config/acewatch/config.toml");
    fs::write(&config, OFFICE.replace("mx.broker.example", "mx.elsewhere.example")).unwrap();
    program.ok(&["add", "--company", ACME.company, "--number", ACME.number]);
    let forged = cbp(SUBJECT, "Your account has been created.\r\n", "a");
    fs::write(program.path("a.eml"), forged.replace("dmarc=pass", "dmarc=fail")).unwrap();
    program.ok(&["import", "a.eml"]);
    fs::write(&config, OFFICE).unwrap();
    let list = program.json(&["review", "--json"]);
    assert_eq!(list["messages"][0]["group"], "forged", "{list:#}");
    assert_eq!(list["messages"][0]["accept_records"], serde_json::json!([]));
    assert!(program.ok(&["review"]).contains("dismiss M: a forgery moves nothing"));
    assert!(program.ok(&["review", "1"]).contains("`acewatch review dismiss 1`: a forgery"));
    program.ok(&["review", "dismiss", "1"]);
}

#[test]
fn a_receipt_counts_for_its_sender_whoever_recorded_it() {
    let mut app = app();
    for importer in [ACME, JUNIPER] {
        let sent = submission(importer, monday());
        assert_eq!(ingest_as(&mut app, FolderRole::Sent, &sent).recorded, 1);
    }
    let receipt =
        cbp(&format!("Automatic reply: {SUBJECT}"), "We received your application.\r\n", "a");
    let receipt = format!("Auto-Submitted: auto-replied\r\n{receipt}");
    assert_eq!(ingest(&mut app, &receipt).recorded, 1);
    let counts = |app: &App| receipt::any(app.store.read()).unwrap();
    assert!(counts(&app));
    rule(&mut app, 3, Ruling::Undone);
    assert!(!counts(&app));
    rule(&mut app, 3, Ruling::Belongs(vec![ApplicationId(1)]));
    assert!(counts(&app));
}

#[test]
fn a_mail_that_a_person_decided_about_is_forgotten_when_it_turns_out_to_be_a_code() {
    for ruling in [Ruling::Belongs(vec![ApplicationId(1)]), Ruling::Dismissed] {
        let mut app = app();
        add(&mut app, ACME);
        ingest(&mut app, &unverified(&cbp(SUBJECT, CODE_7, "a")));
        let mut app = taught(app, "verification_code");
        rule(&mut app, 1, ruling);
        let code = mail(&app, 1);
        assert_eq!((code.kind.as_str(), code.raw), ("verification_code", None));
        assert!(!code.because.iter().any(|line| line.contains("code 7")), "{:?}", code.because);
        assert!(!code.subject.contains("12-345678900"), "{}", code.subject);
    }
}

#[test]
fn a_file_of_a_mail_that_a_server_has_sent_is_the_same_mail() {
    let mut app = app();
    let id = add(&mut app, ACME);
    let mail = approval(ACME, monday()).replace("\r\n", "\n").replace('\n', "\r\n");
    assert_eq!(ingest(&mut app, &mail).recorded, 1);
    // Whatever a file's origin is worth, nobody is asked about it again.
    let tally = ingest_from(&mut app, "import", &mail.replace("\r\n", "\n"));
    assert_eq!((tally.duplicate, tally.review), (1, 0));
    assert_eq!(stage(&app, id), Stage::Approved);
}
