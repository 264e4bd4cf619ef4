//! The example mails, judged end to end: parsed, authenticated, classified, matched.
//!
//! Each corpus is a folder with `apps.csv`, `mail/*.eml` and `expected.jsonl`. The mails are
//! fictitious, written from public descriptions: CBP's wordings are not public. What a mail may do
//! to an application must always be right; its kind, nearly always. `ACEWATCH_CORPUS` names another
//! folder to judge instead of `sample`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use acewatch::app::{App, Incoming, Origin};
use acewatch::config::{self, Environment};
use acewatch::domain::application::{ApplicationId, Route};
use acewatch::domain::message::{FolderRole, Message};
use acewatch::domain::rules::Rules;
use acewatch::store::record::NewApplication;
use acewatch::store::{Store, query};
use chrono::{DateTime, Utc};
use serde_json::Value;

const SETTINGS: &str = r#"
time-zone = "America/New_York"
[trust]
authserv-id = ["mx.broker.example"]
own-addresses = ["ops@broker.example", "ace@broker.example", "mkowalski@broker.example"]
"#;

/// What went wrong, by what was judged.
#[derive(Debug, Default)]
struct Score {
    n_mails: usize,
    n_kinds: usize,
    wrong: Vec<String>,
    wrong_kinds: Vec<String>,
}

fn corpus(name: &str) -> PathBuf {
    match std::env::var_os("ACEWATCH_CORPUS").filter(|_| name == "sample") {
        Some(other) => PathBuf::from(other),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name),
    }
}

fn app_with(folder: &Path) -> App {
    let environment = Environment::from_process();
    let settings = config::parse(SETTINGS, Path::new("test.toml"), &environment).unwrap();
    let mut app = App::new(Store::in_memory().unwrap(), settings, Rules::read(None).unwrap());
    let mut reader = csv::Reader::from_path(folder.join("apps.csv")).unwrap();
    let rows: Vec<BTreeMap<String, String>> =
        reader.deserialize().collect::<Result<_, _>>().unwrap();
    let new: Vec<_> = rows
        .iter()
        .map(|row| {
            let of = |name: &str| row.get(name).cloned().unwrap_or_default();
            let submitted = DateTime::parse_from_rfc3339(&of("submitted_at"))
                .map(|at| at.to_utc())
                .or_else(|_| {
                    DateTime::parse_from_rfc3339(&format!("{}T12:00:00Z", of("submitted_at")))
                        .map(|at| at.to_utc())
                });
            let list = |name: &str| -> Vec<String> {
                of(name)
                    .split(';')
                    .map(str::trim)
                    .filter(|s| !s.is_empty())
                    .map(str::to_owned)
                    .collect()
            };
            (
                NewApplication {
                    company: of("company"),
                    number: of("number").parse().unwrap(),
                    route: Route::parse(&of("route")).unwrap_or_default(),
                    aliases: list("aliases"),
                    tags: list("tags"),
                    contact: None,
                    notes: None,
                },
                submitted.ok(),
            )
        })
        .collect();
    app.register(&new, "2026-01-01T00:00:00Z".parse().unwrap()).unwrap();
    app
}

fn accepts(expected: &Value, found: Option<&str>) -> bool {
    match expected {
        Value::Array(several) => several.iter().any(|one| accepts(one, found)),
        Value::String(any) if any == "any" => true,
        Value::Null => found.is_none(),
        Value::String(one) => Some(one.as_str()) == found,
        _ => false,
    }
}

fn strings(value: &Value) -> Vec<String> {
    value.as_array().map_or_else(Vec::new, |list| {
        list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
    })
}

/// Goes through the mails in order of arrival. With `record_all` each is recorded after it was
/// judged, as in a mailbox; otherwise only those that later ones refer to.
fn score(folder: &Path, record_all: bool) -> Score {
    let mut app = app_with(folder);
    let mut score = Score::default();
    let mut expectations = Vec::new();
    let expected = std::fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    for line in expected.lines().filter(|line| !line.trim().is_empty()) {
        let line: Value = serde_json::from_str(line).unwrap();
        let file = line["file"].as_str().unwrap();
        let bytes = std::fs::read(folder.join(file)).unwrap();
        let role = match line["folder"].as_str() {
            Some("Sent") => FolderRole::Sent,
            Some("Junk") => FolderRole::Junk,
            _ => FolderRole::Inbox,
        };
        let received_at: DateTime<Utc> = line["received_at"].as_str().unwrap().parse().unwrap();
        let message = Message::parse(&bytes, role, received_at);
        let found = app.explain(&message).unwrap();
        let number = found.found.application.map(|ApplicationId(id)| {
            query::summary_of(app.store.read(), ApplicationId(id))
                .unwrap()
                .unwrap()
                .application
                .number
                .to_string()
        });
        let (kind, reason) =
            (found.classification.kind.as_str(), found.classification.reason.map(|r| r.as_str()));
        let mut faults = Vec::new();
        let mut judge = |what: &str, wanted: &Value, got: Option<&str>, is_judged: bool| {
            if is_judged && !accepts(wanted, got) {
                faults.push(format!("{what} {} instead of {wanted}", got.unwrap_or("none")));
            }
        };
        judge("effect", &line["effect"], Some(found.effect.as_str()), !line["effect"].is_null());
        judge(
            "authenticity",
            &line["authenticity"],
            Some(found.authenticity.verdict.as_str()),
            !line["authenticity"].is_null(),
        );
        judge(
            "match",
            &line["match"],
            Some(found.found.outcome.as_str()),
            !line["match"].is_null(),
        );
        if line["application"].is_string() && found.effect.as_str() == "recorded" {
            judge("application", &line["application"], number.as_deref(), true);
        }
        let allowed: Vec<String> =
            [strings(&line["numbers"]), strings(&line["numbers_ok"])].concat();
        let missing: Vec<String> =
            strings(&line["numbers"]).into_iter().filter(|n| !found.numbers.contains(n)).collect();
        let surplus: Vec<&String> = found.numbers.iter().filter(|n| !allowed.contains(n)).collect();
        if !missing.is_empty() || !surplus.is_empty() {
            faults.push(format!("numbers: missing {missing:?}, surplus {surplus:?}"));
        }
        score.n_mails += 1;
        let why = found.classification.because.join("; ");
        if !faults.is_empty() {
            score.wrong.push(format!(
                "{file} [{}]: {} — {} ({why}; {})",
                line["why"].as_str().unwrap_or(""),
                faults.join("; "),
                kind,
                found.because
            ));
        }
        if !line["kind"].is_null() {
            score.n_kinds += 1;
            let is_wrong_reason =
                !accepts(&line["reason"], reason) && accepts(&line["kind"], Some(kind));
            if !accepts(&line["kind"], Some(kind)) || is_wrong_reason {
                score.wrong_kinds.push(format!(
                    "{file} [{}] {}: {kind}/{} instead of {}/{} — {why}",
                    line["why"].as_str().unwrap_or(""),
                    line["severity"].as_str().unwrap_or(""),
                    reason.unwrap_or("none"),
                    line["kind"],
                    line["reason"]
                ));
            }
        }
        if record_all || line["prelude"] == true {
            let origin = Origin { mailbox: "test", folder: "test", role };
            let mails = [Incoming { bytes: &bytes, received_at }];
            app.ingest(origin, &mails, None, received_at).unwrap();
        }
        expectations.push((bytes, line));
    }
    score.wrong.extend(wrong_guesses(&app, &expectations));
    score
}

/// The good guesses among the mails that wait which are none: accepted unseen, they would be wrong.
fn wrong_guesses(app: &App, expectations: &[(Vec<u8>, Value)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for waiting in app.waiting().unwrap().iter().filter(|waiting| waiting.is_good) {
        let (_, line) = expectations
            .iter()
            .find(|(bytes, _)| waiting.mail.raw.as_ref() == Some(bytes))
            .expect("a mail that waits is one of the corpus");
        let summary = query::summary_of(app.store.read(), waiting.suggestion().unwrap()).unwrap();
        let number = summary.unwrap().application.number.to_string();
        println!("good guess: {} for {number}", line["file"]);
        if line["application"].as_str() != Some(&number) || line["authenticity"] == "unverified" {
            wrong.push(format!("{}: a good guess of {number}: {line}", line["file"]));
        }
    }
    wrong
}

fn check(name: &str, record_all: bool) {
    let score = score(&corpus(name), record_all);
    let n_right = score.n_kinds - score.wrong_kinds.len();
    println!(
        "{name}: {} of {} effects right, {n_right} of {} kinds\n{}\n--- kinds\n{}",
        score.n_mails - score.wrong.len(),
        score.n_mails,
        score.n_kinds,
        score.wrong.join("\n"),
        score.wrong_kinds.join("\n"),
    );
    assert!(score.wrong.is_empty(), "{}: {:#?}", name, score.wrong);
    assert!(score.n_kinds * 95 <= n_right * 100, "{}: {:#?}", name, score.wrong_kinds);
}

#[test]
fn the_sample_mails_are_judged_right() {
    check("sample", false);
}

#[test]
fn the_sample_mails_are_judged_right_when_all_are_recorded() {
    check("sample", true);
}

#[test]
fn the_mails_of_june_are_judged_right() {
    check("june", true);
}

#[test]
fn the_mails_of_august_are_judged_right() {
    check("august", true);
}
