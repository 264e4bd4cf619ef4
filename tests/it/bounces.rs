//! A submission that comes back, in the forms in which mail servers say so.
//!
//! One mail per server and form in `tests/data/bounces`, written after their real ones.

use std::path::Path;

use acewatch::app::{App, Incoming, Origin};
use acewatch::config::{self, Environment};
use acewatch::domain::alert::AlertKind;
use acewatch::domain::application::Stage;
use acewatch::domain::message::FolderRole;
use acewatch::domain::rules::Rules;
use acewatch::store::{Store, query};
use chrono::{DateTime, Utc};

use crate::support::OFFICE;
use crate::support::mail::{PELICAN, submission};

/// What becomes of the mail, and of the application.
const EXPECTED: [(&str, &str, Stage); 30] = [
    ("exchange-online", "recorded", Stage::Undeliverable),
    ("exchange-online-words", "recorded", Stage::Undeliverable),
    ("exchange-online-without-copy", "recorded", Stage::Undeliverable),
    ("exchange-online-headers-in-words", "recorded", Stage::Undeliverable),
    ("exchange-delay", "ignored", Stage::Submitted),
    ("exchange-relayed", "ignored", Stage::Submitted),
    ("exchange-2003", "recorded", Stage::Undeliverable),
    ("postfix", "recorded", Stage::Undeliverable),
    ("postfix-delay", "ignored", Stage::Submitted),
    ("sendmail", "recorded", Stage::Undeliverable),
    ("sendmail-old", "recorded", Stage::Undeliverable),
    ("sendmail-warning", "ignored", Stage::Submitted),
    ("exim", "recorded", Stage::Undeliverable),
    ("exim-report", "recorded", Stage::Undeliverable),
    ("exim-delay", "ignored", Stage::Submitted),
    ("gmail", "recorded", Stage::Undeliverable),
    ("gmail-old", "recorded", Stage::Undeliverable),
    ("gmail-alias", "recorded", Stage::Undeliverable),
    ("gmail-other-recipient", "ignored", Stage::Submitted),
    ("qmail", "recorded", Stage::Undeliverable),
    ("qmail-long", "recorded", Stage::Undeliverable),
    ("yahoo", "recorded", Stage::Undeliverable),
    ("proofpoint", "recorded", Stage::Undeliverable),
    ("courier", "recorded", Stage::Undeliverable),
    ("domino", "recorded", Stage::Undeliverable),
    ("zoho", "recorded", Stage::Undeliverable),
    ("dma", "recorded", Stage::Undeliverable),
    // They return nothing of the mail, so that nobody can tell which one it was.
    ("mimecast", "review", Stage::Submitted),
    ("mimecast-report", "review", Stage::Submitted),
    // A made-up Message-ID, and a server that is none of ours: anybody can write that.
    ("stranger", "review", Stage::Submitted),
];

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn found(name: &str) -> (String, Stage, Vec<AlertKind>) {
    let settings =
        config::parse(OFFICE, Path::new("t.toml"), &Environment::from_process()).unwrap();
    let mut app = App::new(Store::in_memory().unwrap(), settings, Rules::read(None).unwrap());
    let mut take = |text: &str, role, at: DateTime<Utc>| {
        let mails = [Incoming { bytes: text.as_bytes(), received_at: at }];
        app.ingest(Origin { mailbox: "office", folder: "F", role }, &mails, None, at).unwrap();
    };
    let sent = at("2026-05-04T16:00:00Z");
    take(&submission(PELICAN, sent), FolderRole::Sent, sent);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bounces");
    let bounce = std::fs::read_to_string(path.join(name).with_extension("eml")).unwrap();
    take(&bounce, FolderRole::Inbox, at("2026-05-04T16:00:09Z"));
    let db = app.store.read();
    let stage = query::summaries(db, None).unwrap()[0].stage;
    let effect = query::message(db, 2).unwrap().unwrap().effect;
    let alerts = query::pending_alerts(db).unwrap().iter().map(|p| p.alert.kind).collect();
    (effect, stage, alerts)
}

#[test]
fn bounces_of_all_servers_are_told_at_once_and_delays_are_not() {
    let wrong: Vec<String> = EXPECTED
        .iter()
        .filter_map(|(name, effect, stage)| {
            let alerts: &[AlertKind] = match *effect {
                "recorded" => &[AlertKind::Bounce],
                "review" => &[AlertKind::Review],
                _ => &[],
            };
            let found = found(name);
            let is_right = found == ((*effect).to_owned(), *stage, alerts.to_vec());
            (!is_right).then(|| format!("{name}: {found:?} instead of {effect} and {stage:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_mail_of_the_folder_is_in_the_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/bounces");
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut expected: Vec<String> = EXPECTED.iter().map(|(name, ..)| (*name).to_owned()).collect();
    names.sort();
    expected.sort();
    assert_eq!(names, expected);
}
