//! What people decide about mails: it is kept with who and why, it stands, and it is learnt from.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use acewatch::app::{App, By, Incoming, Origin, Ruling, Tally};
use acewatch::config::{self, Environment};
use acewatch::domain::application::{ApplicationId, Stage};
use acewatch::domain::message::FolderRole;
use acewatch::domain::rules::Rules;
use acewatch::store::record::NewApplication;
use acewatch::store::{Store, decision, query};
use chrono::{DateTime, Duration, Utc};

use crate::support::OFFICE;
use crate::support::mail::{ACME, Importer, JUNIPER, PELICAN, approval, from_cbp};
use crate::support::program::{Ended, Program};

const ME: By = By { who: "ops", why: None };

const RECEIVED: &str = "We received your application.\r\n";
const APPROVED: &str = "Your ACE portal account has been approved and created.\r\n";

fn app() -> App {
    let settings =
        config::parse(OFFICE, Path::new("t.toml"), &Environment::from_process()).unwrap();
    App::new(Store::in_memory().unwrap(), settings, Rules::read(None).unwrap())
}

/// Monday noon in New York.
fn monday() -> DateTime<Utc> {
    "2026-05-04T16:00:00Z".parse().unwrap()
}

fn ingest_as(app: &mut App, role: FolderRole, mail: &str) -> Tally {
    let mails = [Incoming { bytes: mail.as_bytes(), received_at: monday() }];
    app.ingest(Origin { mailbox: "office", folder: "F", role }, &mails, None, monday()).unwrap()
}

fn ingest(app: &mut App, mail: &str) -> Tally {
    ingest_as(app, FolderRole::Inbox, mail)
}

fn register(app: &mut App, company: &str, number: &str) -> ApplicationId {
    let new = NewApplication::by_mail(company, number.parse().unwrap());
    app.register(&[(new, Some(monday()))], monday()).unwrap()[0].unwrap()
}

fn add(app: &mut App, Importer { company, number }: Importer) -> ApplicationId {
    register(app, company, number)
}

fn stage(app: &App, id: ApplicationId) -> Stage {
    query::summary_of(app.store.read(), id).unwrap().unwrap().stage
}

fn cbp(subject: &str, text: &str, id: &str, thread: &str) -> String {
    from_cbp(subject, text, &format!("{id}@cbp.dhs.gov"), thread, monday())
}

fn unverified(mail: &str) -> String {
    mail.replace("Authentication-Results: mx.broker.example", "X-None: none")
}

fn only_waiting(app: &App) -> i64 {
    let waiting = query::review(app.store.read()).unwrap();
    assert_eq!(waiting.len(), 1, "{waiting:?}");
    waiting[0].id
}

fn belongs(app: &mut App, message: i64, id: ApplicationId) -> Option<String> {
    app.rule(&[(message, Ruling::Belongs(vec![id]))], ME, monday()).unwrap()[0].learnt.clone()
}

#[test]
fn a_good_guess_is_what_would_be_recorded_now_by_thread_or_number() {
    let mut app = app();
    let (acme, juniper) = (add(&mut app, ACME), add(&mut app, JUNIPER));
    // Nobody knows yet which application this one and its answer are about.
    ingest(&mut app, &cbp("Your form", RECEIVED, "a", "none@x"));
    ingest(
        &mut app,
        &cbp("Re: Your form", "We are looking at your form.\r\n", "b", "a@cbp.dhs.gov"),
    );
    // Not vouched for; two applications; a contradiction; a forwarded decision, and a receipt.
    ingest(&mut app, &unverified(&approval(ACME, monday())));
    ingest(&mut app, &cbp("12-345678900, 47-120935500", APPROVED, "c", "none@x"));
    ingest(&mut app, &cbp("Juniper Lamp Works 12-345678900", APPROVED, "d", "none@x"));
    ingest(&mut app, &cbp("FW: 12-345678900", APPROVED, "e", "none@x"));
    ingest(&mut app, &cbp("FW: 47-120935500", RECEIVED, "f", "none@x"));
    let good = |app: &App| -> Vec<i64> {
        app.waiting().unwrap().iter().filter(|w| w.is_good).map(|w| w.mail.id).collect()
    };
    assert_eq!(query::n_review(app.store.read()).unwrap(), 7);
    assert_eq!(good(&app), [7], "of all these only the receipt that was passed on");
    belongs(&mut app, 1, acme);
    assert_eq!(good(&app), [2, 7], "the answer stands in a known thread now");
    let done = app.accept_good(By { who: "ops", why: None }, monday()).unwrap();
    assert_eq!(done.iter().map(|d| d.message).collect::<Vec<_>>(), [2, 7]);
    assert_eq!(stage(&app, juniper), Stage::Acknowledged);
    assert_eq!(stage(&app, acme), Stage::Replied);
    let kept = decision::of_message(app.store.read(), 2).unwrap();
    assert_eq!((kept[0].who.as_str(), kept[0].what.as_str()), ("ops", "accepted"));
    assert!(kept[0].why.contains("thread"), "{kept:?}");
    let events = query::events(app.store.read(), acme).unwrap();
    assert!(events.iter().any(|e| e.decided.as_ref().is_some_and(|by| by.who == "ops")));
    // One step back takes both, the next one the assignment before them.
    assert_eq!(app.undo_last(ME, monday()).unwrap().len(), 2);
    assert_eq!((stage(&app, acme), stage(&app, juniper)), (Stage::Acknowledged, Stage::Submitted));
    assert_eq!(app.undo_last(ME, monday()).unwrap().len(), 1);
    assert_eq!(stage(&app, acme), Stage::Submitted);
    assert!(app.undo_last(ME, monday()).unwrap().is_empty());
    assert_eq!(query::n_review(app.store.read()).unwrap(), 7);
}

#[test]
fn nothing_is_decided_where_one_of_several_cannot_be() {
    let mut app = app();
    let acme = add(&mut app, ACME);
    ingest(&mut app, &unverified(&approval(ACME, monday())));
    let rulings = [(1, Ruling::Belongs(vec![acme])), (99, Ruling::Dismissed)];
    assert!(app.rule(&rulings, ME, monday()).is_err());
    assert_eq!(stage(&app, acme), Stage::Submitted);
    assert!(decision::all(app.store.read(), None).unwrap().is_empty());
}

#[test]
fn a_mail_that_gives_the_number_of_each_is_about_all_and_a_bare_ein_is_about_one() {
    let mut app = app();
    let (acme, juniper) = (add(&mut app, ACME), add(&mut app, JUNIPER));
    register(&mut app, "Acme Imports LLC", "12-345678901");
    ingest(&mut app, &cbp("12-345678900 and 47-120935500", APPROVED, "a", "none@x"));
    ingest(&mut app, &cbp("12-3456789", APPROVED, "b", "none@x"));
    ingest(&mut app, &cbp("Acme Imports LLC", APPROVED, "c", "none@x"));
    let meant: Vec<_> = app.waiting().unwrap().iter().map(|w| w.meant()).collect();
    assert_eq!(meant, [vec![acme, juniper], vec![], vec![]]);
}

#[test]
fn what_a_person_rejected_does_not_come_back() {
    let mut app = app();
    let (acme, juniper) = (add(&mut app, ACME), add(&mut app, JUNIPER));
    let mail = approval(ACME, monday());
    // Its copies in other mailboxes have other bytes.
    let copy = |n: u32| mail.replace("id dd3ffe04388a392c", &format!("id {n:016}"));
    ingest(&mut app, &mail);
    assert_eq!(stage(&app, acme), Stage::Approved);
    app.rule(&[(1, Ruling::Undone)], ME, monday()).unwrap();
    for look in [mail.clone(), copy(1)] {
        ingest(&mut app, &look);
        assert_eq!(stage(&app, acme), Stage::Submitted, "after it was taken back");
    }
    add(&mut app, PELICAN);
    assert_eq!(stage(&app, acme), Stage::Submitted, "after another registration");
    assert_eq!(only_waiting(&app), 1);
    app.rule(&[(1, Ruling::Dismissed)], ME, monday()).unwrap();
    ingest(&mut app, &copy(2));
    // The folder of sent mail is ours, but what was put aside stays there.
    ingest_as(&mut app, FolderRole::Sent, &mail);
    assert_eq!(stage(&app, acme), Stage::Submitted, "after it was dismissed");
    assert_eq!(query::n_review(app.store.read()).unwrap(), 0);
    app.rule(&[(1, Ruling::Belongs(vec![juniper]))], ME, monday()).unwrap();
    ingest(&mut app, &copy(3));
    assert_eq!((stage(&app, acme), stage(&app, juniper)), (Stage::Submitted, Stage::Approved));
}

#[test]
fn a_name_is_learnt_from_an_assignment_and_forgotten_with_it() {
    let mut app = app();
    let acme = add(&mut app, ACME);
    add(&mut app, JUNIPER);
    ingest(&mut app, &cbp("ACE account application - ACME IMPORT L.L.C.", RECEIVED, "a", "none@x"));
    let first = only_waiting(&app);
    assert_eq!(belongs(&mut app, first, acme).as_deref(), Some("ACME IMPORT L.L.C."));
    let learnt = decision::learnt_names(app.store.read(), acme).unwrap();
    assert_eq!((learnt.len(), learnt[0].message), (1, first));
    let next = |app: &mut App, id: &str| {
        ingest(app, &cbp("Acme Import, LLC: status", "We are looking at it.\r\n", id, "none@x"))
    };
    assert_eq!(next(&mut app, "b").recorded, 1, "the name leads to it now");
    // Never against a number, nor inside a longer name.
    let other = cbp("Acme Import LLC 47-120935500", APPROVED, "c", "none@x");
    assert_eq!(ingest(&mut app, &other).review, 1);
    let longer = cbp("Acme Import LLC of Texas", APPROVED, "d", "none@x");
    assert_eq!(ingest(&mut app, &longer).review, 1);
    app.rule(&[(first, Ruling::Undone)], ME, monday()).unwrap();
    assert!(decision::learnt_names(app.store.read(), acme).unwrap().is_empty());
    assert_eq!(next(&mut app, "e").review, 1, "the name is forgotten");
    assert_eq!(stage(&app, acme), Stage::Submitted, "and what it alone had led here waits again");
}

#[test]
fn a_learnt_name_is_forgotten_alone_and_where_the_company_files_again() {
    let mut app = app();
    let acme = add(&mut app, ACME);
    let mail = |n: &str| cbp("Acme Import LLC", RECEIVED, n, "none@x");
    ingest(&mut app, &mail("a"));
    assert!(belongs(&mut app, 1, acme).is_some());
    app.rule(&[(1, Ruling::AliasForgotten)], ME, monday()).unwrap();
    assert_eq!(stage(&app, acme), Stage::Acknowledged);
    assert!(app.rule(&[(1, Ruling::AliasForgotten)], ME, monday()).is_err());
    ingest(&mut app, &mail("b"));
    let second = only_waiting(&app);
    assert!(belongs(&mut app, second, acme).is_some());
    // Two applications of one company: its name tells nothing any more.
    register(&mut app, "Acme Imports LLC", "12-345678901");
    assert!(decision::learnt_names(app.store.read(), acme).unwrap().is_empty());
    assert_eq!(ingest(&mut app, &mail("c")).review, 1);
}

#[test]
fn no_name_is_learnt_that_could_be_mistaken() {
    let check = |subject: &str, text: &str, change: &dyn Fn(String) -> String| {
        let mut app = app();
        let acme = add(&mut app, ACME);
        add(&mut app, JUNIPER);
        let mail = change(cbp(subject, text, "a", "none@x"));
        assert_eq!(ingest(&mut app, &mail).review, 1, "{subject}");
        let message = only_waiting(&app);
        assert_eq!(belongs(&mut app, message, acme), None, "{subject}");
    };
    let same = |mail: String| mail;
    check("Acme Import LLC", RECEIVED, &|mail| unverified(&mail));
    check("FW: Acme Import LLC", RECEIVED, &same);
    check("Acme Import LLC 99-888777600", RECEIVED, &same);
    check("Acme Import LLC 47-120935500, 12-345678900", RECEIVED, &same);
    check("Juniper Lamp", RECEIVED, &same);
    check("Global Imports", RECEIVED, &same);
    check("Acme Import LLC", "Company: Verbena Soap Works\r\nWe received it.\r\n", &same);
}

#[test]
fn a_receipt_from_before_the_registration_is_matched_by_add() {
    let program = Program::new();
    fs::write(program.path("config/acewatch/config.toml"), OFFICE).unwrap();
    fs::create_dir(program.path("INBOX")).unwrap();
    let receipt = cbp("Acme Imports LLC, 12-345678900", RECEIVED, "a", "none@x");
    fs::write(program.path("INBOX/1.eml"), receipt).unwrap();
    program.ok(&["import", "INBOX"]);
    assert_eq!(program.json(&["review", "--json"])["count"], 1);
    program.ok(&["add", "--company", ACME.company, "--number", ACME.number]);
    assert_eq!(program.json(&["review", "--json"])["count"], 0);
    let show = program.json(&["show", "--json", "acme"]);
    assert!(!show["acknowledged_at"].is_null(), "{show}");
}

/// Two hundred mails that wait for different reasons.
fn two_hundred() -> Program {
    let program = Program::new();
    fs::write(program.path("config/acewatch/config.toml"), OFFICE).unwrap();
    let mut clients = "company,number,route,tags\n".to_owned();
    for n in 0..60 {
        writeln!(clients, "Verbena {} Works LLC,75-26{n:05}00,email,tag{}", letters(n), n % 3)
            .unwrap();
    }
    fs::write(program.path("clients.csv"), clients).unwrap();
    program.ok(&["add", "--from", "clients.csv", "--at", NOW]);
    let folder = program.path("INBOX");
    fs::create_dir(&folder).unwrap();
    let number = |n: usize| format!("75-26{:05}00", n % 60);
    for n in 0..200 {
        let at = monday() + Duration::hours(n as i64);
        let mail = |subject: &str, text: &str| {
            from_cbp(subject, text, &format!("m{n}@cbp.dhs.gov"), "none@x", at)
        };
        let mail = match n % 8 {
            0 => unverified(&mail(&number(n), APPROVED)),
            1 => unverified(&mail(&number(n), RECEIVED)),
            2 => mail(&format!("{} and {}", number(n), number(n + 1)), APPROVED),
            3 => mail(&format!("Verbena {} Works {}", letters((n + 7) % 60), number(n)), RECEIVED),
            4 => mail(&format!("FW: {}", number(n)), RECEIVED),
            5 => mail("Your ACE account", "Please send us page two of the form.\r\n"),
            6 => mail("99-888777600", "Your application has been rejected.\r\n"),
            _ => mail(&format!("FW: {}", number(n)), APPROVED),
        };
        fs::write(folder.join(format!("{n:03}.eml")), mail).unwrap();
    }
    program.ok(&["import", "INBOX", "--at", NOW]);
    program
}

/// A word for a number, so that no two companies share a name.
fn letters(n: usize) -> String {
    const WORDS: [&str; 8] = ["Soap", "Lamp", "Felt", "Glass", "Brick", "Cedar", "Rope", "Tile"];
    format!("{} {}", WORDS[n % 8], WORDS[n / 8])
}

const NOW: &str = "2026-05-14T18:00:00Z";

/// What the commands print; who sits there and where is not the test's business.
fn told(program: &Program, commands: &[&[&str]]) -> String {
    let me = crate::support::output_of(std::process::Command::new("id").arg("-un"));
    let mut text = String::new();
    for arguments in commands {
        let at: Vec<&str> = arguments.iter().copied().chain(["--at", NOW]).collect();
        let Ended { code, stdout, stderr } = program.run(&at);
        writeln!(text, "$ acewatch {}\n{stdout}{stderr}exit code {code:?}\n", arguments.join(" "))
            .unwrap();
    }
    text.replace(&format!("by {}", me.trim()), "by ops")
        .replace(&format!("  {}  ", me.trim()), "  ops  ")
}

#[test]
fn two_hundred_mails_are_seen_on_a_screen_and_decided_in_a_few_steps() {
    let program = two_hundred();
    let screen = program.ok(&["review", "--at", NOW]);
    assert!(screen.lines().count() < 50, "{screen}");
    assert!(screen.lines().all(|line| line.chars().count() <= 120), "{screen}");
    let text = told(
        &program,
        &[
            &["review"],
            &["review", "3"],
            &["review", "accept", "--all-good"],
            &["review", "accept", "--all-good", "--yes"],
            &["review", "accept", "3"],
            &["review", "accept", "4"],
            &["review", "accept", "4", "4", "12"],
            &["review", "dismiss", "6", "14-30", "--reason", "no client of ours"],
            &["review", "undo", "--last"],
            &["review", "dismiss", "6", "--reason", "no client of ours"],
            &["review", "unverified", "tag1"],
            &["review", "6"],
            &["show", "3"],
            &["review", "--decided"],
            &["review", "nothing of this kind"],
            &["review", "accept", "1-x"],
        ],
    );
    insta::assert_snapshot!("two_hundred_mails", text);
}
