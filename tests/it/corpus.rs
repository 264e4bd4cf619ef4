//! The example mails, judged end to end: parsed, authenticated, classified, matched.
//!
//! Each corpus is a folder with `apps.csv`, `mail/*.eml` and `expected.jsonl`. The mails are
//! fictitious, written from public descriptions: CBP's wordings are not public. What a mail may do
//! to an application must always be right; its kind, nearly always. `ACEWATCH_CORPUS` names another
//! folder to judge instead of `sample`.

mod score;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use acewatch::app::{App, Incoming, Origin};
use acewatch::config::{self, Environment};
use acewatch::domain::application::{ApplicationId, Route};
use acewatch::domain::intake::Examined;
use acewatch::domain::message::{FolderRole, Message};
use acewatch::domain::rules::Rules;
use acewatch::store::record::NewApplication;
use acewatch::store::{Store, query};
use chrono::{DateTime, Utc};
use serde_json::Value;

use score::{Answer, Judged};

const SETTINGS: &str = r#"
time-zone = "America/New_York"
[trust]
authserv-id = ["mx.broker.example"]
own-addresses = ["ops@broker.example", "ace@broker.example", "mkowalski@broker.example"]
"#;

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
                    liquidated_on: None,
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

fn accepted(expected: &Value) -> Vec<String> {
    match expected {
        Value::String(one) => vec![one.clone()],
        several => strings(several),
    }
}

/// Goes through the mails in order of arrival. With `record_all` each is recorded after it was
/// judged, as in a mailbox; otherwise only those that later ones refer to.
fn judge(name: &str, record_all: bool) -> Vec<Judged> {
    let folder = corpus(name);
    let mut app = app_with(&folder);
    let mut judged = Vec::new();
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
        let found = app.explain("import", &message).unwrap();
        judged.push(compare(&format!("{name}/{file}"), &line, &found, &app));
        if record_all || line["prelude"] == true {
            let origin = Origin { mailbox: "test", folder: "test", role };
            let mails = [Incoming { bytes: &bytes, received_at }];
            app.ingest(origin, &mails, None, received_at).unwrap();
        }
        expectations.push((bytes, line));
    }
    let wrong = wrong_guesses(&app, &expectations);
    assert!(wrong.is_empty(), "{name}: {wrong:#?}");
    judged
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
        if line["application"].as_str() != Some(&number) || line["authenticity"] == "unverified" {
            wrong.push(format!("{}: a good guess of {number}: {line}", line["file"]));
        }
    }
    wrong
}

fn compare(name: &str, line: &Value, found: &Examined, app: &App) -> Judged {
    let number = found.found.application.map(|ApplicationId(id)| {
        let summary = query::summary_of(app.store.read(), ApplicationId(id)).unwrap().unwrap();
        summary.application.number.to_string()
    });
    let effect = found.effect.as_str();
    let kind = found.classification.kind.as_str();
    let is_recorded = effect == "recorded";
    let verdict = found.authenticity.verdict.as_str();
    let mut faults = Vec::new();
    let mut wrong_moves = Vec::new();
    for (what, got) in
        [("effect", effect), ("authenticity", verdict), ("match", found.found.outcome.as_str())]
    {
        let wanted = &line[what];
        if !wanted.is_null() && !accepts(wanted, Some(got)) {
            faults.push(format!("{what} {got} instead of {wanted}"));
            if is_recorded && what != "match" {
                wrong_moves.push(format!("recorded although {what} {wanted} is right"));
            }
        }
    }
    if is_recorded
        && line["application"].is_string()
        && !accepts(&line["application"], number.as_deref())
    {
        let fault = format!("application {number:?} instead of {}", line["application"]);
        faults.push(fault.clone());
        wrong_moves.push(fault);
    }
    let is_decision = |kind: &str| matches!(kind, "approval" | "rejection");
    if is_recorded
        && is_decision(kind)
        && !line["kind"].is_null()
        && !accepts(&line["kind"], Some(kind))
    {
        wrong_moves.push(format!("recorded as {kind}, which it is not"));
    }
    let allowed: Vec<String> = [strings(&line["numbers"]), strings(&line["numbers_ok"])].concat();
    let missing: Vec<String> =
        strings(&line["numbers"]).into_iter().filter(|n| !found.numbers.contains(n)).collect();
    let surplus: Vec<&String> = found.numbers.iter().filter(|n| !allowed.contains(n)).collect();
    if !missing.is_empty() || !surplus.is_empty() {
        faults.push(format!("numbers: missing {missing:?}, surplus {surplus:?}"));
    }
    let reason = found.classification.reason.map(|reason| reason.as_str());
    Judged {
        name: format!("{name} [{}]", line["why"].as_str().unwrap_or("")),
        kind: Answer { right: accepted(&line["kind"]), found: kind.to_owned() },
        is_reason_right: accepts(&line["reason"], reason),
        effect: Answer { right: accepted(&line["effect"]), found: effect.to_owned() },
        faults,
        wrong_move: (!wrong_moves.is_empty()).then(|| wrong_moves.join("; ")),
        because: format!(
            "{}/{} ({}; {})",
            kind,
            reason.unwrap_or("none"),
            found.classification.because.join("; "),
            found.because
        ),
    }
}

/// What a mail may do must always be right; its kind, nearly always.
fn assert_right(title: &str, mails: &[Judged]) {
    let faulty: Vec<_> = mails.iter().filter(|mail| !mail.faults.is_empty()).collect();
    assert!(faulty.is_empty(), "{title}: {faulty:#?}");
    let moved: Vec<_> = mails.iter().filter(|mail| mail.wrong_move.is_some()).collect();
    assert!(moved.is_empty(), "{title}: {moved:#?}");
    let n_kinds = mails.iter().filter(|mail| !mail.kind.right.is_empty()).count();
    let wrong: Vec<_> = mails.iter().filter(|mail| !mail.is_kind_right()).collect();
    assert!(wrong.len() * 20 <= n_kinds, "{title}: {wrong:#?}");
}

/// `cargo test -q --test it corpus -- --nocapture` prints the tables.
#[test]
fn the_example_mails_are_judged_right() {
    let names = ["sample", "june", "august", "november"];
    let corpora = names.map(|name| (name, judge(name, true)));
    let mut report = String::new();
    for (name, mails) in &corpora {
        report.push_str(&score::report(name, mails));
    }
    let all: Vec<Judged> = corpora.iter().flat_map(|(_, mails)| mails.clone()).collect();
    report.push_str(&score::report("all together", &all));
    println!("{report}");
    for (name, mails) in &corpora {
        assert_right(name, mails);
    }
}

#[test]
fn the_sample_mails_are_judged_right_when_few_are_recorded() {
    assert_right("sample", &judge("sample", false));
}
