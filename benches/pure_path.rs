//! Mails per second through the pure path, on one core: parse, authenticate, classify, match.
//!
//! ```text
//! cargo bench --bench pure_path
//! ```
//!
//! The mails are those of `tests/corpus`, each with the applications that bear one of its keys. The
//! same mails go through mail-parser alone in the same run; what the path costs beyond that is
//! ours, and their ratio does not depend on the machine. Then come mails of 50 MB, which is
//! `max-message`, of the forms that cost most, and the most memory that any of it took.
#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement that stumbles has failed, and should say where"
)]

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use acewatch::domain::application::{ApplicationId, Route, Stage};
use acewatch::domain::authenticity::Trust;
use acewatch::domain::company::CompanyName;
use acewatch::domain::intake::{Examined, examine, keys_of};
use acewatch::domain::matching::{Candidate, Keys};
use acewatch::domain::mention::Reading;
use acewatch::domain::message::{FolderRole, Message};
use acewatch::domain::rules::Rules;
use chrono::{DateTime, Utc};
use criterion::{Criterion, Throughput};
use mail_parser::MessageParser;

/// One mail of a corpus, and the applications registered there.
struct Mail<'a> {
    bytes: Vec<u8>,
    folder: FolderRole,
    received_at: DateTime<Utc>,
    registered: &'a Registered,
}

/// The applications of a corpus, found by their keys as the database finds them.
#[derive(Default)]
struct Registered {
    candidates: Vec<Candidate>,
    by_ein: BTreeMap<String, Vec<usize>>,
    by_number: BTreeMap<String, Vec<usize>>,
    by_name: BTreeMap<String, Vec<usize>>,
}

impl Registered {
    fn read(folder: &Path) -> Registered {
        let mut registered = Registered::default();
        let mut reader = csv::Reader::from_path(folder.join("apps.csv")).unwrap();
        let rows = reader.deserialize::<BTreeMap<String, String>>().map(Result::unwrap);
        for (place, row) in rows.enumerate() {
            let candidate = Candidate {
                id: ApplicationId(i64::try_from(place).unwrap()),
                company: row["company"].clone(),
                number: row["number"].parse().unwrap(),
                names: CompanyName::parts(&row["company"]),
                route: Route::parse(&row["route"]).unwrap_or_default(),
                stage: Stage::Submitted,
                is_rejected_later: false,
                by_thread: false,
                by_ticket: false,
            };
            let number = &candidate.number;
            registered.by_number.entry(number.to_string()).or_default().push(place);
            if let Some(ein) = number.ein() {
                registered.by_ein.entry(ein.to_owned()).or_default().push(place);
            }
            for name in &candidate.names {
                registered.by_name.entry(name.clone()).or_default().push(place);
            }
            registered.candidates.push(candidate);
        }
        registered
    }

    fn bearing(&self, keys: &Keys) -> Vec<Candidate> {
        let mut places = BTreeSet::new();
        for reading in keys.readings() {
            let ein = match &reading {
                Reading::Exact(number) => number.ein().map(str::to_owned),
                Reading::Family(ein) => Some(ein.clone()),
            };
            places.extend(self.by_number.get(&reading.to_string()).into_iter().flatten());
            places.extend(ein.and_then(|ein| self.by_ein.get(&ein)).into_iter().flatten());
        }
        for name in &keys.names {
            places.extend(self.by_name.get(name).into_iter().flatten());
        }
        places.into_iter().map(|place: &usize| self.candidates[*place].clone()).collect()
    }
}

fn mails<'a>(folder: &Path, registered: &'a Registered) -> Vec<Mail<'a>> {
    let expected = fs::read_to_string(folder.join("expected.jsonl")).unwrap();
    let lines = expected.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            Mail {
                bytes: fs::read(folder.join(line["file"].as_str().unwrap())).unwrap(),
                folder: match line["folder"].as_str() {
                    Some("Sent") => FolderRole::Sent,
                    Some("Junk") => FolderRole::Junk,
                    _ => FolderRole::Inbox,
                },
                received_at: line["received_at"].as_str().unwrap().parse().unwrap(),
                registered,
            }
        })
        .collect()
}

fn judged(mail: &Mail, rules: &Rules, trust: &Trust) -> Examined {
    let message = Message::parse(&mail.bytes, mail.folder, mail.received_at);
    let keys = keys_of(&message, rules);
    let candidates = mail.registered.bearing(&keys);
    examine(&message, &keys, &candidates, &[], rules, trust)
}

/// Time spent and rounds made, over all of a benchmark's samples.
#[derive(Default)]
struct Spent(Cell<(Duration, u64)>);

impl Spent {
    fn rounds(&self, n_rounds: u64, mut round: impl FnMut()) -> Duration {
        let start = Instant::now();
        for _ in 0..n_rounds {
            round();
        }
        let took = start.elapsed();
        let (before, n_before) = self.0.get();
        self.0.set((before + took, n_before + n_rounds));
        took
    }

    fn per_round(&self) -> f64 {
        let (took, n_rounds) = self.0.get();
        took.as_secs_f64() / n_rounds as f64
    }
}

/// A mail of 50 MB: `unit` again and again.
fn huge(before: &str, unit: &str) -> Vec<u8> {
    let from = "From: ACE Applications <ACE.Applications@cbp.dhs.gov>\r\n";
    format!("{from}{before}{}", unit.repeat(50_000_000 / unit.len())).into_bytes()
}

fn most_memory() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("VmHWM: unknown");
    line.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let rules = Rules::read(None).unwrap();
    let own = ["ops@broker.example", "ace@broker.example", "mkowalski@broker.example"];
    let trust =
        Trust::of_cbp(vec!["mx.broker.example".to_owned()], own.map(str::to_owned).to_vec());
    let mut folders: Vec<_> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("expected.jsonl").exists())
        .collect();
    folders.sort();
    let registered: Vec<Registered> = folders.iter().map(|f| Registered::read(f)).collect();
    let mails: Vec<Mail> =
        folders.iter().zip(&registered).flat_map(|(folder, known)| mails(folder, known)).collect();
    let n_bytes: usize = mails.iter().map(|mail| mail.bytes.len()).sum();

    let mut criterion = Criterion::default().configure_from_args();
    let (path, parser) = (Spent::default(), Spent::default());
    let mut group = criterion.benchmark_group("corpus");
    group.throughput(Throughput::Elements(mails.len() as u64));
    group.bench_function("pure path", |bencher| {
        bencher.iter_custom(|n_rounds| {
            path.rounds(n_rounds, || {
                for mail in &mails {
                    black_box(judged(mail, &rules, &trust));
                }
            })
        });
    });
    group.bench_function("mail-parser alone", |bencher| {
        bencher.iter_custom(|n_rounds| {
            parser.rounds(n_rounds, || {
                for mail in &mails {
                    black_box(MessageParser::default().parse(&mail.bytes));
                }
            })
        });
    });
    group.finish();
    println!(
        "{} mails of {} bytes on average: {:.0} a second, {:.1} times as long as mail-parser alone; {} at most\n",
        mails.len(),
        n_bytes / mails.len(),
        mails.len() as f64 / path.per_round(),
        path.per_round() / parser.per_round(),
        most_memory(),
    );

    let mut group = criterion.benchmark_group("50 MB");
    group.sample_size(10);
    for (name, before, unit) in [
        ("text", "\r\n", "Your form 12-345678900 was received. "),
        ("lines", "\r\n", "x\r\n"),
        ("HTML", "Content-Type: text/html\r\n\r\n", "<p>Your <b>form</b>&nbsp;</p>"),
        (
            "attachment",
            "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n",
            "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5\r\n",
        ),
        ("header", "", "X: y\r\n"),
        ("senders", "From: a ", "<a@x.example>"),
        ("parts", "Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\nx\r\n"),
        ("nesting", "", "Content-Type: message/rfc822\r\n\r\n"),
    ] {
        let mail = Mail {
            bytes: huge(before, unit),
            folder: FolderRole::Inbox,
            received_at: DateTime::UNIX_EPOCH,
            registered: &registered[0],
        };
        group.throughput(Throughput::Bytes(mail.bytes.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| black_box(judged(&mail, &rules, &trust)));
        });
    }
    group.finish();
    println!("{} at most, the mail itself included", most_memory());
    criterion.final_summary();
}
