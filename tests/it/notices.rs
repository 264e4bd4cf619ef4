//! What becomes of notices: honest states, answers that take the place of questions, buttons, and
//! servers that come, go and misbehave.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde_json::Value;

use crate::support::desktop::Desktop;
use crate::support::mail::{ACME, JUNIPER};
use crate::support::program::{Daemon, Program};
use crate::support::recorder::{Asked, Mood, Recorder};
use crate::support::{now, scratch, until};

/// A mailbox that nobody serves: port 9 is "discard", and nothing listens there.
const UNREACHABLE: &str = r#"
    [[mailbox]]
    name = "office"
    host = "localhost"
    port = 9
    tls = "none"
    user = "ops@broker.example"
    password-environment = "ACEWATCH_TEST_PASSWORD"
"#;

/// A program in the session of `desktop`; `notify` is added to its [notify].
pub fn program_in(desktop: &Desktop, notify: &str) -> Program {
    let program = Program::new().with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    program.configure(UNREACHABLE);
    let config = program.path("config/acewatch/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("retry = \"1s\"", &format!("retry = \"1s\"\n{notify}")))
        .unwrap();
    program
}

/// Raises an alert as a mail would; returns its title.
pub fn raise(program: &Program, n: usize, kind: &str, application: Option<i64>) -> String {
    let db = Connection::open(program.database()).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(30)).unwrap();
    let title = format!("{kind} {n}");
    db.execute(
        "INSERT INTO alerts (key, kind, application, title, body, created_at)
         VALUES (?1, ?2, ?3, ?4, 'Smith & Sons <Import>', ?5)",
        rusqlite::params![format!("mail/{kind}/{n}"), kind, application, title, now().timestamp()],
    )
    .unwrap();
    title
}

/// Registers an application and returns its id.
fn register(program: &Program) -> i64 {
    program.add(ACME);
    program.status()["applications"][0]["id"].as_i64().unwrap()
}

/// Waits until `n` notices were asked for, and returns them.
#[track_caller]
fn asked(recorder: &Recorder, n: usize) -> Vec<Asked> {
    until(&format!("{n} notices"), || match recorder.notices() {
        notices if notices.len() == n => Ok(notices),
        notices => Err(format!("{notices:#?}")),
    })
}

/// Waits until `show --json` has these states of what was told, in order.
#[track_caller]
fn told(program: &Program, application: i64, expected: &[&str]) -> Value {
    until(&format!("{expected:?}"), || {
        let shown = program.json(&["show", "--json", &application.to_string()]);
        let states: Vec<&str> = shown["told"]
            .as_array()
            .unwrap()
            .iter()
            .map(|t| t["state"].as_str().unwrap())
            .collect();
        if states == expected { Ok(shown) } else { Err(format!("{:#}", shown["told"])) }
    })
}

fn started(desktop: &Desktop, notify: &str) -> (Program, i64, Daemon) {
    let program = program_in(desktop, notify);
    let id = register(&program);
    // All is evaluated, so that a raised alert is not taken back in the daemon's first breath.
    program.run(&["check"]);
    let daemon = program.daemon();
    (program, id, daemon)
}

fn session() -> Desktop {
    let mut desktop = Desktop::absent();
    desktop.log_in();
    desktop
}

#[test]
fn what_became_of_a_notice_is_told_and_what_nobody_saw_is_listed() {
    let desktop = session();
    let recorder = Recorder::start(&desktop.bus_address());
    let (program, id, daemon) = started(&desktop, "");
    raise(&program, 1, "approval", Some(id));
    let first = asked(&recorder, 1).remove(0);
    assert_eq!(first.body, "Smith &amp; Sons &lt;Import&gt;");
    assert_eq!(first.buttons, ["default", "show", "done"]);
    told(&program, id, &["accepted"]);
    // A notice whose time is over may have been seen by nobody.
    recorder.closes(first.id, 1);
    told(&program, id, &["expired"]);
    let status = program.status();
    assert_eq!(status["counts"]["undelivered_alerts"], 0);
    assert_eq!(status["unacknowledged"][0]["title"], "approval 1", "{status:#}");
    let text = program.ok(&["status"]);
    assert!(text.contains("1 notice shown and neither closed nor answered"), "{text}");

    raise(&program, 2, "approval", Some(id));
    let second = asked(&recorder, 2).remove(1);
    told(&program, id, &["expired", "accepted"]);
    recorder.closes(second.id, 2);
    // A signal about somebody else's notice, or of somebody else, changes nothing.
    recorder.closes(77, 2);
    let shown = told(&program, id, &["expired", "closed"]);
    assert_eq!(shown["told"][1]["channel"], "desktop");
    let text = program.ok(&["show", &id.to_string()]);
    assert!(text.contains("What you were told") && text.contains("closed by you"), "{text}");
    assert_eq!(program.status()["counts"]["unacknowledged"], 1);
    // A person may say that they know.
    program.ok(&["ack", &id.to_string()]);
    assert_eq!(program.status()["counts"]["unacknowledged"], 0);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn what_no_longer_holds_leaves_the_screen_and_nobody_else_s_notice_is_touched() {
    let desktop = session();
    let recorder = Recorder::start(&desktop.bus_address());
    let (program, id, daemon) = started(&desktop, "per-minute = 100");
    let settle = |key: &str| {
        let db = Connection::open(program.database()).unwrap();
        db.execute("UPDATE alerts SET settled_at = 1 WHERE key = ?1", [key]).unwrap();
    };
    raise(&program, 1, "rejection", Some(id));
    let first = asked(&recorder, 1).remove(0);
    assert_eq!(first.urgency, 2);
    told(&program, id, &["accepted"]);
    // An answer takes the place of the question that it settles.
    settle("mail/rejection/1");
    raise(&program, 2, "approval", Some(id));
    until("the answer is shown", || match recorder.notices().as_slice() {
        [.., last] if last.title == "approval 2" => Ok(()),
        notices => Err(format!("{notices:#?}")),
    });
    let shown = recorder.notices().pop().unwrap();
    // It was taken back where the wake fell between the two.
    let is_replaced = shown.replaces == first.id || recorder.taken_back() == [first.id];
    assert!(is_replaced, "{shown:?} {:?}", recorder.taken_back());
    // What is settled by a command leaves by itself.
    program.ok(&["close", &id.to_string(), "--reason", "withdrawn"]);
    until("it is taken back", || match recorder.taken_back() {
        ids if ids.contains(&shown.id) => Ok(()),
        ids => Err(format!("{ids:?}")),
    });
    let shown = program.json(&["show", "--json", &id.to_string()]);
    assert_eq!(shown["told"].as_array().unwrap().len(), 2, "{:#}", shown["told"]);

    // Another server has given out other ids: nothing of the old ones is closed there.
    program.ok(&["reopen", &id.to_string()]);
    raise(&program, 3, "rejection", Some(id));
    until("it stands", || match recorder.notices().as_slice() {
        [.., last] if last.title == "rejection 3" => Ok(()),
        notices => Err(format!("{notices:#?}")),
    });
    told_last(&program, id, "accepted");
    drop(recorder);
    told_last(&program, id, "lost");
    let recorder = Recorder::start(&desktop.bus_address());
    program.ok(&["close", &id.to_string(), "--reason", "withdrawn"]);
    raise(&program, 4, "review", None);
    asked(&recorder, 1);
    assert_eq!(recorder.taken_back(), [0; 0]);
    assert_eq!(recorder.notices()[0].replaces, 0);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[track_caller]
fn told_last(program: &Program, id: i64, expected: &str) {
    until(expected, || {
        let shown = program.json(&["show", "--json", &id.to_string()]);
        let last = shown["told"].as_array().unwrap().last().unwrap()["state"].clone();
        if last == expected { Ok(()) } else { Err(format!("{:#}", shown["told"])) }
    });
}

#[test]
fn buttons_show_put_off_and_acknowledge_and_each_is_recorded() {
    let desktop = session();
    let recorder = Recorder::start(&desktop.bus_address());
    let folder = scratch();
    let opened: PathBuf = folder.path().join("opened");
    let show = format!(
        "show-command = [\"sh\", \"-c\", \"echo \\\"$1\\\" >> '{}'\", \"show\", \"{{application}}\"]",
        opened.display()
    );
    let (program, id, daemon) = started(&desktop, &show);
    raise(&program, 1, "overdue", Some(id));
    let first = asked(&recorder, 1).remove(0);
    assert_eq!(first.buttons, ["default", "show", "snooze", "done"]);
    told(&program, id, &["accepted"]);
    recorder.presses(first.id, "default");
    let shown = told(&program, id, &["acted"]);
    assert_eq!(shown["told"][0]["action"], "show");
    until("the program ran", || match fs::read_to_string(&opened) {
        Ok(text) if text == format!("{id}\n") => Ok(()),
        other => Err(format!("{other:?}")),
    });

    raise(&program, 2, "overdue", Some(id));
    let second = asked(&recorder, 2).remove(1);
    told(&program, id, &["acted", "accepted"]);
    recorder.presses(second.id, "snooze");
    let shown = told(&program, id, &["acted", "acted"]);
    let event = shown["events"].as_array().unwrap().last().unwrap();
    assert_eq!((&event["kind"], &event["source"]), (&"snoozed".into(), &"notice".into()));
    let until_at: DateTime<Utc> = event["until"].as_str().unwrap().parse().unwrap();
    assert!(now() < until_at && until_at < now() + chrono::Duration::hours(34), "{until_at}");

    raise(&program, 3, "rejection", Some(id));
    let third = asked(&recorder, 3).remove(2);
    told(&program, id, &["acted", "acted", "accepted"]);
    recorder.presses(third.id, "done");
    let shown = told(&program, id, &["acted", "acted", "acted"]);
    let event = shown["events"].as_array().unwrap().last().unwrap();
    assert_eq!((&event["kind"], &event["source"]), (&"acknowledged".into(), &"notice".into()));
    assert_eq!(shown["events"].as_array().unwrap().len(), 3, "{:#}", shown["events"]);
    assert_eq!(program.status()["counts"]["unacknowledged"], 0);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_server_started_anew_gives_the_old_ids_to_others_whose_buttons_are_not_ours() {
    let desktop = session();
    let recorder = Recorder::start(&desktop.bus_address());
    let folder = scratch();
    let opened: PathBuf = folder.path().join("opened");
    let show = format!(
        "show-command = [\"sh\", \"-c\", \"echo \\\"$1\\\" >> '{}'\", \"show\", \"{{application}}\"]",
        opened.display()
    );
    let (program, id, daemon) = started(&desktop, &show);
    program.add(JUNIPER);
    raise(&program, 1, "approval", Some(id));
    asked(&recorder, 1);
    raise(&program, 2, "approval", Some(id));
    let old = asked(&recorder, 2).remove(1);
    told(&program, id, &["accepted", "accepted"]);
    drop(recorder);
    told(&program, id, &["lost", "lost"]);
    let recorder = Recorder::start(&desktop.bus_address());
    // Another program's notice.
    recorder.presses(old.id, "default");
    raise(&program, 3, "approval", Some(id + 1));
    let second = asked(&recorder, 1).remove(0);
    told(&program, id + 1, &["accepted"]);
    recorder.presses(second.id, "default");
    told(&program, id + 1, &["acted"]);
    until("the program ran", || match fs::read_to_string(&opened) {
        Ok(text) if text == format!("{}\n", id + 1) => Ok(()),
        other => Err(format!("{other:?}")),
    });
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_server_without_buttons_and_markup_is_given_neither() {
    let desktop = session();
    let recorder = Recorder::with(&desktop.bus_address(), &["body"], None);
    let (program, id, daemon) = started(&desktop, "");
    raise(&program, 1, "overdue", Some(id));
    let notice = asked(&recorder, 1).remove(0);
    assert_eq!(notice.buttons, [""; 0]);
    assert_eq!(notice.body, "Smith & Sons <Import>");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_session_and_a_server_that_come_later_are_noticed_and_one_that_refuses_is_asked_again() {
    let mut desktop = Desktop::absent();
    // So long a pause that only what the bus says can be the reason.
    let program = program_in(&desktop, "");
    let config = program.path("config/acewatch/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("retry = \"1s\"", "retry = \"1h\"")).unwrap();
    register(&program);
    let daemon = program.daemon();
    raise(&program, 1, "review", None);
    until("it is known that there is no session", || {
        let log = daemon.log();
        if log.contains("no session bus") { Ok(()) } else { Err(log) }
    });
    desktop.log_in();
    until("it is known that there is no server", || {
        let log = daemon.log();
        if log.contains("no notification server") { Ok(()) } else { Err(log) }
    });
    let begun = std::time::Instant::now();
    let recorder = Recorder::start(&desktop.bus_address());
    asked(&recorder, 1);
    // Within a moment on a free machine; without the bus's word it would take an hour.
    println!("shown {:?} after the server came", begun.elapsed());
    // Started anew, as after a crash of the desktop.
    drop(recorder);
    raise(&program, 2, "review", None);
    let recorder = Recorder::start(&desktop.bus_address());
    assert_eq!(asked(&recorder, 1)[0].title, "review 2");
    drop(recorder);

    // The session ends, bus and all, and another one begins.
    desktop.log_out();
    desktop.log_in();
    let recorder = Recorder::start(&desktop.bus_address());
    raise(&program, 3, "review", None);
    assert_eq!(asked(&recorder, 1)[0].title, "review 3");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_server_that_hangs_or_refuses_holds_nothing_up_and_loses_nothing() {
    let desktop = session();
    let recorder = Recorder::start(&desktop.bus_address());
    let (program, _, daemon) = started(&desktop, "");
    recorder.be(Mood::Refusing);
    raise(&program, 1, "review", None);
    until("the refusal is told", || {
        let log = daemon.log();
        if log.contains("refused: org.freedesktop.DBus.Error.Failed: no room") {
            Ok(())
        } else {
            Err(log)
        }
    });
    recorder.be(Mood::Hanging);
    asked(&recorder, 1);
    raise(&program, 2, "review", None);
    until("it is late", || {
        let log = daemon.log();
        if log.contains("did not answer in time") { Ok(()) } else { Err(log) }
    });
    assert_eq!(program.status()["counts"]["undelivered_alerts"], 2);
    // Commands are answered meanwhile, and no copy is handed over.
    assert_eq!(recorder.notices().len(), 1);
    recorder.be(Mood::Willing);
    program.until("both are told", |status| status["counts"]["undelivered_alerts"] == 0);
    let titles: Vec<String> = recorder.notices().into_iter().map(|n| n.title).collect();
    assert_eq!(titles, ["review 1", "review 2"]);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn no_more_than_three_notices_come_in_a_minute_also_over_a_restart_but_codes_do() {
    let desktop = session();
    let recorder = Recorder::start(&desktop.bus_address());
    let (program, _, daemon) = started(&desktop, "");
    for n in 1..=3 {
        raise(&program, n, "review", None);
        asked(&recorder, n);
        let delivered = |status: &Value| status["counts"]["undelivered_alerts"] == 0;
        program.until("it is recorded", delivered);
    }
    raise(&program, 4, "review", None);
    raise(&program, 5, "review", None);
    assert_eq!(daemon.stop().code(), Some(0));
    let daemon = program.daemon();
    raise(&program, 6, "verification_code", None);
    assert_eq!(asked(&recorder, 4)[3].title, "verification_code 6");
    program.until("two wait", |status| status["counts"]["undelivered_alerts"] == 2);
    // The minute goes by.
    let db = Connection::open(program.database()).unwrap();
    db.execute("UPDATE deliveries SET attempted_at = attempted_at - 60 WHERE alert = 1", [])
        .unwrap();
    let last = asked(&recorder, 5).pop().unwrap();
    assert_eq!((last.title.as_str(), last.body.as_str()), ("2 to review", "review 4\nreview 5"));
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_kind_that_is_off_is_not_shown_and_not_counted_and_others_are_as_strong_as_wanted() {
    let desktop = session();
    let recorder = Recorder::start(&desktop.bus_address());
    let wanted = "[notify.urgency]\nreview = \"off\"\nreply = \"critical\"\n\
                  verification-code = \"off\"\n[watch]\ntick = \"1s\"\n";
    let program = program_in(&desktop, "");
    let config = program.path("config/acewatch/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    let tick = text.find("[watch]").unwrap();
    let text = format!(
        "{}{wanted}{}",
        &text[..tick],
        &text[tick..].replace("[watch]", "").replacen("tick = \"1s\"", "", 1)
    );
    fs::write(&config, text).unwrap();
    register(&program);
    let daemon = program.daemon();
    raise(&program, 1, "review", None);
    raise(&program, 2, "reply", None);
    let notice = asked(&recorder, 1).remove(0);
    assert_eq!((notice.title.as_str(), notice.urgency), ("reply 2", 2));
    program.until("nothing waits", |status| status["counts"]["undelivered_alerts"] == 0);
    assert_eq!(recorder.notices().len(), 1);
    let checks = program.run(&["doctor"]);
    assert!(checks.stdout.contains("log-in codes are not shown"), "{checks:#?}");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn months_of_notices_leave_no_connections_and_no_tasks_behind() {
    let desktop = session();
    let recorder = Recorder::start(&desktop.bus_address());
    let (program, _, daemon) = started(&desktop, "per-minute = 1000\ndigest-over = 1000");
    let things = |what: &str| {
        let path = format!("/proc/{}/{what}", daemon.process().id());
        fs::read_dir(path).unwrap().count()
    };
    raise(&program, 1, "review", None);
    asked(&recorder, 1);
    let before = (things("fd"), things("task"));
    for n in 2..=200 {
        raise(&program, n, "review", None);
    }
    for notice in asked(&recorder, 200) {
        recorder.closes(notice.id, 1);
    }
    program.until("all are recorded as they are", |status| {
        status["counts"]["undelivered_alerts"] == 0
            && status["unacknowledged"]
                .as_array()
                .unwrap()
                .iter()
                .all(|notice| notice["state"] == "expired")
    });
    let after = (things("fd"), things("task"));
    println!("open files and threads: {before:?} after one notice, {after:?} after 200");
    // The connections of so many notices are kept.
    assert!(after.0 <= before.0 + 33 && after.1 <= before.1 + 2, "{before:?} {after:?}");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn dunst_says_what_becomes_of_notices_also_while_it_keeps_them_back() {
    let desktop = Desktop::start();
    let (program, id, daemon) = started(&desktop, "per-minute = 100\nshow-command = [\"true\"]");
    raise(&program, 1, "approval", Some(id));
    told(&program, id, &["accepted"]);
    desktop.control(&["close"]);
    told(&program, id, &["closed"]);
    raise(&program, 2, "approval", Some(id));
    told(&program, id, &["closed", "accepted"]);
    desktop.control(&["action", "0"]);
    told(&program, id, &["closed", "acted"]);
    until("it has left the screen", || match desktop.n_displayed() {
        0 => Ok(()),
        n => Err(n.to_string()),
    });
    // "Do not disturb" for hours: it was taken, and nobody has seen it.
    desktop.control(&["set-paused", "true"]);
    raise(&program, 3, "rejection", Some(id));
    told(&program, id, &["closed", "acted", "accepted"]);
    let status = program.status();
    assert_eq!(status["unacknowledged"][0]["title"], "rejection 3", "{status:#}");
    assert_eq!(desktop.n_displayed(), 0);
    program.ok(&["close", &id.to_string(), "--reason", "withdrawn"]);
    told(&program, id, &["closed", "acted", "taken_back"]);
    desktop.control(&["set-paused", "false"]);
    assert_eq!(desktop.shown().len(), 2, "{:#?}", desktop.shown());
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn another_real_server_shows_and_closes_notices() {
    let mut desktop = Desktop::absent();
    desktop.log_in();
    desktop.start_notification_daemon();
    let (program, id, daemon) = started(&desktop, "per-minute = 100");
    raise(&program, 1, "rejection", Some(id));
    told(&program, id, &["accepted"]);
    desktop.screenshot("notification-daemon");
    program.ok(&["close", &id.to_string(), "--reason", "withdrawn"]);
    told(&program, id, &["taken_back"]);
    raise(&program, 2, "approval", Some(id));
    // It does not say when the time of a notice is over: whether it was seen nobody knows.
    told(&program, id, &["taken_back", "accepted"]);
    assert_eq!(program.status()["counts"]["unacknowledged"], 1);
    assert_eq!(daemon.stop().code(), Some(0));
}
