//! The calendar changes while applications are open: their dates move, and their history says so once.

use std::fs;
use std::path::{Path, PathBuf};

use acewatch::app::App;
use acewatch::config::{self, Environment};
use acewatch::domain::application::ApplicationId;
use acewatch::domain::event::{EventKind, Source};
use acewatch::domain::rules::Rules;
use acewatch::store::record::NewApplication;
use acewatch::store::{Store, query};
use chrono::{DateTime, Duration, Utc};

use crate::support::OFFICE;
use crate::support::mail::{ACME, Importer, JUNIPER, PELICAN};
use crate::support::program::Program;

/// Monday noon in New York.
fn monday() -> DateTime<Utc> {
    "2026-05-04T16:00:00Z".parse().unwrap()
}

fn hours(n: i64) -> DateTime<Utc> {
    monday() + Duration::hours(n)
}

/// A database that one configuration after the other is used with.
struct Office {
    folder: tempfile::TempDir,
}

impl Office {
    fn new() -> Office {
        Office { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("a.db")
    }

    /// A process that reads its configuration now.
    fn with(&self, calendar: &str) -> App {
        let text = format!("{OFFICE}[calendar]\n{calendar}\n");
        let settings =
            config::parse(&text, Path::new("t.toml"), &Environment::from_process()).unwrap();
        App::new(Store::open(&self.path()).unwrap(), settings, Rules::read(None).unwrap())
    }
}

fn register(app: &mut App, importer: Importer) -> ApplicationId {
    let new = NewApplication::by_mail(importer.company, importer.number.parse().unwrap());
    app.register(&[(new, Some(monday()))], monday()).unwrap()[0].unwrap()
}

/// What the history says of dates that moved.
fn told(app: &App, id: ApplicationId) -> Vec<String> {
    let events = query::events(app.store.read(), id).unwrap();
    events
        .into_iter()
        .filter(|event| event.kind == EventKind::Recalculated)
        .inspect(|event| assert_eq!(event.source, Source::Clock))
        .map(|event| event.text.unwrap())
        .collect()
}

fn n_told(app: &App, id: ApplicationId) -> usize {
    told(app, id).len()
}

const SNOW: &str = "closures = [{ date = \"2026-05-05\", because = \"snow in Washington\" }]";
const MORE_SNOW: &str = "closures = [\"2026-05-05\", \"2026-05-06\"]";
const ELSEWHERE: &str = "closures = [\"2026-12-24\"]";

#[test]
fn a_closure_that_is_added_while_nobody_runs_is_told_once_in_each_history_it_concerns() {
    let office = Office::new();
    let mut app = office.with("");
    let [open, closed] = [ACME, JUNIPER].map(|importer| register(&mut app, importer));
    app.add_event(closed, EventKind::Closed, None, hours(1)).unwrap();
    app.evaluate(hours(1)).unwrap();
    drop(app);

    let mut app = office.with(SNOW);
    app.evaluate(hours(2)).unwrap();
    assert_eq!(
        told(&app, open),
        ["acknowledgement: due Wed 6 May 2026, was Tue 5 May 2026; \
          overdue Fri 8 May 2026, was Thu 7 May 2026. \
          first response: due Fri 8 May 2026, was Thu 7 May 2026; \
          overdue Tue 12 May 2026, was Mon 11 May 2026 \
          (Tue 5 May 2026 closed: snow in Washington)"]
    );
    assert_eq!(n_told(&app, closed), 0);
    let deadline = |app: &App| {
        query::summary_of(app.store.read(), open).unwrap().unwrap().next_deadline.unwrap()
    };
    assert_eq!(deadline(&app), "2026-05-07T03:59:59Z".parse::<DateTime<Utc>>().unwrap());
    app.evaluate(hours(3)).unwrap();
    drop(app);
    let mut app = office.with(SNOW);
    app.evaluate(hours(4)).unwrap();
    assert_eq!(n_told(&app, open), 1);

    // Taken back, it is told, too.
    drop(app);
    let mut app = office.with("");
    app.evaluate(hours(5)).unwrap();
    assert!(told(&app, open)[1].ends_with(" (Tue 5 May 2026 no longer closed)"));
}

#[test]
fn what_moves_nothing_is_not_told_and_neither_is_the_first_calendar_that_is_known() {
    let office = Office::new();
    let mut app = office.with("");
    let id = register(&mut app, ACME);
    app.evaluate(monday()).unwrap();
    drop(app);
    let mut app = office.with(ELSEWHERE);
    app.evaluate(hours(1)).unwrap();
    assert_eq!(n_told(&app, id), 0);
    drop(app);

    // As an earlier version left it: nobody knows by which calendar the dates were computed.
    let db = rusqlite::Connection::open(office.path()).unwrap();
    db.execute_batch("UPDATE applications SET calendar = NULL; DELETE FROM calendars").unwrap();
    drop(db);
    let mut app = office.with(SNOW);
    app.evaluate(hours(2)).unwrap();
    assert_eq!(n_told(&app, id), 0);
    drop(app);
    let mut app = office.with("");
    app.evaluate(hours(3)).unwrap();
    assert_eq!(n_told(&app, id), 1);
}

#[test]
fn whoever_comes_first_tells_of_it_and_each_application_from_the_dates_it_had() {
    let office = Office::new();
    let mut app = office.with("");
    let [first, second] = [ACME, JUNIPER].map(|importer| register(&mut app, importer));
    app.evaluate(monday()).unwrap();
    drop(app);

    // A note is all that happens under this calendar: only one application is evaluated.
    let mut app = office.with(SNOW);
    app.add_event(first, EventKind::Note, Some("called".to_owned()), hours(1)).unwrap();
    assert_eq!((n_told(&app, first), n_told(&app, second)), (1, 0));
    // What is registered now has these dates from the start.
    let third = register(&mut app, PELICAN);
    drop(app);

    let mut app = office.with(MORE_SNOW);
    app.evaluate(hours(2)).unwrap();
    let was = |id| {
        let text = told(&app, id).pop().unwrap();
        text.split(';').next().unwrap().to_owned()
    };
    let moved = "acknowledgement: due Thu 7 May 2026, was";
    assert_eq!(was(first), format!("{moved} Wed 6 May 2026"));
    assert_eq!(was(second), format!("{moved} Tue 5 May 2026"));
    assert_eq!(was(third), format!("{moved} Wed 6 May 2026"));
    assert_eq!((n_told(&app, first), n_told(&app, second), n_told(&app, third)), (2, 1, 1));
}

#[test]
fn a_daemon_that_still_has_the_old_configuration_moves_nothing_back() {
    let office = Office::new();
    let mut daemon = office.with("");
    let id = register(&mut daemon, ACME);
    daemon.evaluate(monday()).unwrap();
    let mut command = office.with(SNOW);
    command.add_event(id, EventKind::Note, Some("called".to_owned()), hours(1)).unwrap();
    assert_eq!(n_told(&command, id), 1);
    for hour in 2..5 {
        daemon.evaluate(hours(hour)).unwrap();
        daemon.add_event(id, EventKind::Note, None, hours(hour)).unwrap();
        command.evaluate(hours(hour)).unwrap();
    }
    assert_eq!(n_told(&daemon, id), 1);
    // Started anew, it has the new configuration, or the user has changed their mind.
    drop(daemon);
    let mut daemon = office.with(SNOW);
    daemon.evaluate(hours(6)).unwrap();
    assert_eq!(n_told(&daemon, id), 1);
    drop(daemon);
    let mut daemon = office.with("");
    daemon.evaluate(hours(7)).unwrap();
    assert_eq!(n_told(&daemon, id), 2);
}

#[test]
fn a_person_reads_which_dates_moved_and_what_is_not_known_yet() {
    let program = Program::new();
    let configure = |calendar: &str| {
        let text = format!("{OFFICE}[calendar]\n{calendar}\n");
        fs::write(program.path("config/acewatch/config.toml"), text).unwrap();
    };
    let submitted = ["--submitted", "2026-12-21T22:30:00Z", "--at", "2026-12-21T23:00:00Z"];
    let add = ["add", "--company", ACME.company, "--number", ACME.number];
    configure("cut-off = \"17:00\"");
    program.ok(&[&add[..], &submitted[..]].concat());
    let before = program.ok(&["show", "1", "--at", "2026-12-22T15:00:00Z"]);
    configure(
        "cut-off = \"17:00\"\nclosures = [{ date = \"2026-12-24\", because = \"Executive Order of 18 December\" }]",
    );
    program.ok(&["note", "1", "the order is out", "--at", "2026-12-22T15:00:00Z"]);
    let after = program.ok(&["show", "1", "--at", "2026-12-22T16:00:00Z"]);
    insta::assert_snapshot!("dates_that_moved", format!("{before}\n{after}"));
    let json = program.json(&["show", "1", "--json", "--at", "2026-12-22T16:00:00Z"]);
    let events = json["events"].as_array().unwrap();
    let moved = events.iter().find(|event| event["kind"] == "recalculated").unwrap();
    assert_eq!(moved["source"], "clock");
}
