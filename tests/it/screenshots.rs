//! Pictures of each kind of notice for `docs/notifications.md`, made by the real program on a real
//! desktop. `scripts/screenshots` makes them all; else a few are made, as a trial.

use std::fs;
use std::path::PathBuf;

use chrono::{DateTime, Duration, Utc};
use rusqlite::Connection;

use crate::notices::program_in;
use crate::support::desktop::Desktop;
use crate::support::dovecot::Dovecot;
use crate::support::mail::{ACME, JUNIPER, PELICAN, from_cbp, submission};
use crate::support::program::Program;
use crate::support::{target_directory, until};

const SUBJECT: &str = "RE: ACE Account Application - Acme Imports LLC - 12-345678900";

/// Friday 1 May 2026, nine o'clock in Denver.
fn start() -> DateTime<Utc> {
    "2026-05-01T15:00:00Z".parse().unwrap()
}

fn after(days: i64) -> DateTime<Utc> {
    start() + Duration::days(days)
}

/// A program that knows three applications of the start, in the session of `desktop`; its mailbox is
/// known to have been read until the end of the year.
fn program(desktop: &Desktop) -> Program {
    let program = program_in(desktop, "per-minute = 100");
    for importer in [ACME, JUNIPER, PELICAN] {
        let at = start().to_rfc3339();
        let (company, number) = (importer.company, importer.number);
        let words = ["add", "--company", company, "--number", number, "--submitted", &at];
        program.ok(&[&words[..], &["--at", &at]].concat());
    }
    let db = Connection::open(program.database()).unwrap();
    for folder in ["INBOX", "Sent"] {
        db.execute(
            "INSERT INTO coverage (host, user, folder, from_at, until_at)
             VALUES ('localhost', 'ops@broker.example', ?1, ?2, ?3)",
            rusqlite::params![folder, after(-30).timestamp(), after(200).timestamp()],
        )
        .unwrap();
    }
    program
}

/// One pass as of an instant. The mailbox cannot be read, which is another matter.
fn check(program: &Program, at: DateTime<Utc>) {
    let ended = program.run(&["check", "--at", &at.to_rfc3339()]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
}

fn import(program: &Program, folder: &str, mail: &str, at: DateTime<Utc>) {
    fs::write(program.path("mail.eml"), mail).unwrap();
    let at = at.to_rfc3339();
    program.ok(&["import", "--folder", folder, "mail.eml", "--at", &at]);
}

fn cbp(program: &Program, text: &str, at: DateTime<Utc>) {
    let mail = from_cbp(SUBJECT, text, "one@cbp.dhs.gov", "none@broker.example", at);
    import(program, "INBOX", &mail, at);
}

/// Has only the alert of this kind told.
fn only(program: &Program, kind: &str) {
    let db = Connection::open(program.database()).unwrap();
    let others = "UPDATE alerts SET delivered_at = 1, withdrawn_at = 1
                  WHERE delivered_at IS NULL
                    AND id <> (SELECT max(id) FROM alerts
                               WHERE kind = ?1 AND delivered_at IS NULL AND withdrawn_at IS NULL)";
    let found: i64 = db
        .query_row(
            "SELECT count(*) FROM alerts WHERE kind = ?1 AND withdrawn_at IS NULL",
            [kind],
            |row| row.get(0),
        )
        .unwrap();
    let all: Vec<String> = db
        .prepare("SELECT kind || ' ' || title FROM alerts")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(0 < found, "no {kind}: {all:#?}");
    db.execute(others, [kind]).unwrap();
}

/// Has the mailbox read by OAuth 2.0 from now on.
fn by_oauth(program: &Program) {
    let path = program.path("config/acewatch/config.toml");
    let password = "password-environment = \"ACEWATCH_TEST_PASSWORD\"";
    let oauth = "oauth = { client-id = \"x\", authorization-url = \"https://id.example/a\", \
                 token-url = \"https://id.example/t\", store = \"file\" }";
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(password), "{text}");
    fs::write(path, text.replace(password, oauth)).unwrap();
}

fn evaluated(program: &Program, at: DateTime<Utc>) {
    // Without a session nothing is shown.
    let words = ["check", "--at", &at.to_rfc3339()].map(str::to_owned);
    let quiet = program.path("no-session");
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = program.run_with(
        &words,
        "DBUS_SESSION_BUS_ADDRESS",
        &format!("unix:path={}", quiet.display()),
    );
    assert_eq!(ended.code, Some(1), "{ended:#?}");
}

/// What leads to a notice of a kind, up to the moment at which it is shown.
fn scene(kind: &str, program: &Program) -> DateTime<Utc> {
    let receipt =
        "We have received your application and will respond within 3-5 business days.\r\n";
    let at = match kind {
        "verification_code" => {
            let mail = from_cbp(
                "Your ACE verification code",
                "Your one-time verification code is 482913. It expires in 10 minutes.\r\n",
                "code@cbp.dhs.gov",
                "none@broker.example",
                after(1),
            );
            import(program, "INBOX", &mail, after(1));
            after(1)
        }
        "suspicious" => {
            let mail = from_cbp(SUBJECT, "Pay the fee.\r\n", "x@evil.example", "none@x", after(1));
            import(
                program,
                "INBOX",
                &mail.replace("dmarc=pass", "dmarc=fail").replace("dkim=pass", "dkim=fail"),
                after(1),
            );
            after(1)
        }
        "bounce" => {
            let sent = after(3) + Duration::hours(1);
            import(program, "Sent", &submission(PELICAN, sent), sent);
            let noticed = sent + Duration::minutes(1);
            import(program, "INBOX", include_str!("../data/bounces/postfix.eml"), noticed);
            noticed
        }
        "faulty_submission" => {
            let bare = submission(ACME, after(0)).replace("application/pdf", "text/plain");
            import(program, "Sent", &bare.replace("application.pdf", "note.txt"), after(0));
            after(0) + Duration::minutes(5)
        }
        "rejection" => {
            cbp(
                program,
                "Your application has been rejected because the name does not match our records.\r\n",
                after(3),
            );
            after(3)
        }
        "information_request" => {
            cbp(
                program,
                "Please provide a copy of the power of attorney so that we can continue processing.\r\n",
                after(3),
            );
            after(3)
        }
        "approval" => {
            cbp(
                program,
                "Your application for an ACE Portal account has been approved and the account has been created.\r\n",
                after(4),
            );
            after(4)
        }
        "review" => {
            let mail = from_cbp(
                SUBJECT,
                "Your application has been approved.\r\n",
                "y@cbp",
                "none@x",
                after(3),
            );
            let unsigned =
                mail.replace("dmarc=pass", "dmarc=none").replace("dkim=pass", "dkim=none");
            import(program, "INBOX", &unsigned, after(3));
            after(3)
        }
        "reply" => {
            cbp(
                program,
                "Hello, the lantern is lit and the boats may follow it home.\r\n",
                after(3),
            );
            after(3)
        }
        "unrecognised" => {
            cbp(
                program,
                "Hello, the lantern is lit and the boats may follow it home.\r\n",
                after(3),
            );
            after(4)
        }
        "blind" => {
            evaluated(program, after(1));
            after(1) + Duration::hours(2)
        }
        "unreadable" => {
            let db = Connection::open(program.database()).unwrap();
            db.execute(
                "INSERT INTO unreadable
                    (host, user, folder, uid_validity, uid, first_seen, last_tried, why)
                 VALUES ('localhost', 'ops@broker.example', 'INBOX', 1, 7, ?1, ?1, 'NO')",
                [after(1).timestamp()],
            )
            .unwrap();
            after(1) + Duration::hours(2)
        }
        "sign_in" | "sign_in_soon" => {
            by_oauth(program);
            if kind == "sign_in_soon" {
                let db = Connection::open(program.database()).unwrap();
                db.execute(
                    "INSERT INTO sign_ins (host, user, signed_in_at, sign_in_before)
                     VALUES ('localhost', 'ops@broker.example', ?1, ?2)",
                    [after(-86).timestamp(), after(4).timestamp()],
                )
                .unwrap();
                // What cannot even be looked for is no reason to sign in.
                fs::write(program.path("data/acewatch/oauth"), "").unwrap();
            }
            after(1)
        }
        "due" => after(4),
        "overdue" => after(6),
        "reminder" => {
            // Whoever hears only now that it is overdue is not reminded in the same breath.
            evaluated(program, after(10));
            after(12)
        }
        "critical" => {
            cbp(program, receipt, start() + Duration::minutes(9));
            after(24)
        }
        "cliff" => {
            program.ok(&["edit", "1", "--liquidated", "2026-03-01", "--at", &start().to_rfc3339()]);
            after(12)
        }
        "digest" => {
            cbp(
                program,
                "Your application has been rejected because the name does not match our records.\r\n",
                after(3),
            );
            return after(12);
        }
        other => panic!("{other}"),
    };
    evaluated(program, at);
    only(program, kind);
    at
}

/// The kinds but for the all-clear, and a digest.
const SCENES: [&str; 20] = [
    "verification_code",
    "suspicious",
    "bounce",
    "faulty_submission",
    "rejection",
    "information_request",
    "approval",
    "cliff",
    "critical",
    "overdue",
    "reminder",
    "due",
    "review",
    "reply",
    "unrecognised",
    "sign_in",
    "sign_in_soon",
    "blind",
    "unreadable",
    "digest",
];

/// Where the pictures are wanted.
fn folder() -> PathBuf {
    let wanted = std::env::var_os("ACEWATCH_SCREENSHOTS");
    wanted.map_or_else(|| target_directory().to_owned(), PathBuf::from)
}

/// Whether a picture of this kind is wanted.
fn wanted(kind: &str) -> bool {
    let is_trial = std::env::var_os("ACEWATCH_SCREENSHOTS").is_none();
    match std::env::var("ACEWATCH_SCENE") {
        Ok(only) => only == kind,
        Err(_) => !is_trial || ["overdue", "digest"].contains(&kind),
    }
}

/// A mailbox that somebody was told of can be read again.
fn all_clear(desktop: &Desktop) {
    let server = Dovecot::start();
    let program =
        Program::watching(&server).with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    program.ok(&["status"]);
    program.add(ACME);
    let since = (after(1) - Duration::hours(3)).timestamp();
    let db = Connection::open(program.database()).unwrap();
    db.execute("INSERT INTO mailboxes (name, failing_since) VALUES ('office', ?1)", [since])
        .unwrap();
    db.execute(
        "INSERT INTO alerts (key, kind, title, body, created_at, delivered_at)
         VALUES ('mailbox/office/blind/' || ?1, 'blind', '', '', ?1, ?1)",
        [since],
    )
    .unwrap();
    program.ok(&["check", "--at", &after(1).to_rfc3339()]);
    until("it is on the screen", || match desktop.n_displayed() {
        1 => Ok(()),
        n => Err(format!("{n} notices")),
    });
}

#[test]
fn pictures_of_each_kind() {
    let folder = folder();
    let desktop = Desktop::start();
    if wanted("blind_over") {
        all_clear(&desktop);
        desktop.picture(&folder.join("blind-over.png"));
    }
    for kind in SCENES.into_iter().filter(|kind| wanted(kind)) {
        desktop.clear();
        until("the screen is empty", || match desktop.n_displayed() {
            0 => Ok(()),
            n => Err(format!("{n} notices")),
        });
        let program = program(&desktop);
        let at = scene(kind, &program);
        check(&program, at);
        until("it is on the screen", || match desktop.n_displayed() {
            1 => Ok(()),
            n => Err(format!("{kind}: {n} notices")),
        });
        desktop.picture(&folder.join(format!("{}.png", kind.replace('_', "-"))));
    }
}

#[test]
fn a_picture_on_another_server() {
    let mut desktop = Desktop::absent();
    desktop.log_in();
    desktop.start_notification_daemon();
    let program = program(&desktop);
    let at = scene("overdue", &program);
    check(&program, at);
    desktop.picture(&folder().join("overdue-notification-daemon.png"));
}
