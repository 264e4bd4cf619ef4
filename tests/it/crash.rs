//! The daemon is killed at random moments while mail arrives, commands write and notices go out.
//!
//! `ACEWATCH_KILLS=1000` kills so often, and `ACEWATCH_SEED=7` chooses other moments and mails.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::support::desktop::Desktop;
use crate::support::dovecot::Dovecot;
use crate::support::mail::from_cbp;
use crate::support::program::Program;
use crate::support::{now, pass, until};

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn up_to(&mut self, longest: Duration) -> Duration {
        Duration::from_micros(self.below(longest.as_micros().try_into().unwrap()))
    }
}

fn wanted(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

fn company(n: u64) -> String {
    format!("Restarted Imports {n} LLC")
}

fn number(n: u64) -> String {
    format!("{:02}-{:07}00", 10 + n % 80, 1_000_000 + n)
}

/// The approval of the application `n`; its Message-ID names it.
fn approval(n: u64) -> String {
    let (company, number) = (company(n), number(n));
    from_cbp(
        &format!("RE: ACE Account Application - {company} - {number}"),
        "Your application for an ACE Portal account has been approved and the account has been created.\r\n",
        &format!("approval.{n}@cbp.example"),
        "none@broker.example",
        now(),
    )
}

/// A mail that is none of acewatch's business, and moves the cursor all the same.
fn newsletter(n: u64) -> String {
    format!(
        "From: Shop <news@shop.example>\r\nTo: ops@broker.example\r\nSubject: Offer {n}\r\n\
         Message-ID: <offer.{n}@shop.example>\r\n\r\nHave a look.\r\n"
    )
}

/// The mails delivered so far.
struct Post<'a> {
    server: &'a Dovecot,
    n_delivered: u64,
}

impl Post<'_> {
    /// Delivers a handful of mails, and now and then a heap of them.
    fn bring(&mut self, chance: &mut Chance) {
        let n = if chance.below(20) == 0 { 10 } else { 1 };
        for _ in 0..n {
            self.n_delivered += 1;
            self.server.deliver("INBOX", &approval(self.n_delivered));
            if chance.below(3) == 0 {
                self.server.deliver("INBOX", &newsletter(self.n_delivered));
            }
        }
    }
}

/// Registers an application of which nothing was heard for five weeks.
fn add_late(program: &Program, n: u64) {
    let submitted = (now() - chrono::Duration::days(35)).to_rfc3339();
    let (company, number) = (company(n), number(n));
    program.ok(&["add", "--company", &company, "--number", &number, "--submitted", &submitted]);
}

#[test]
fn a_daemon_killed_at_any_moment_loses_nothing_and_does_nothing_twice() {
    let n_kills = wanted("ACEWATCH_KILLS", 200);
    let seed = wanted("ACEWATCH_SEED", 2026);
    println!("ACEWATCH_KILLS={n_kills} ACEWATCH_SEED={seed}");
    let mut chance = Chance(seed);
    let server = Dovecot::start();
    let desktop = Desktop::start();
    let program =
        Program::watching(&server).with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    // Each alert is to be a notice of its own, so that it can be counted.
    let config = program.path("config/acewatch/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("retry = \"1s\"", "retry = \"1s\"\ndigest-over = 100000\nper-minute = 100000"),
    )
    .unwrap();

    let n_applications = 2 * n_kills + 100;
    let mut table = "company,number,submitted_at\n".to_owned();
    let yesterday = (now() - chrono::Duration::hours(20)).to_rfc3339();
    for n in 1..=n_applications {
        writeln!(table, "{},{},{yesterday}", company(n), number(n)).unwrap();
    }
    fs::write(program.path("clients.csv"), table).unwrap();
    program.ok(&["add", "--from", "clients.csv"]);
    let mut n_late = 0;
    for _ in 0..4 {
        n_late += 1;
        add_late(&program, n_applications + n_late);
    }

    let mut post = Post { server: &server, n_delivered: 0 };
    let started = Instant::now();
    let mut n_ready = 0;
    // From the start of a process to the first mail recorded and told, as the machine has it today.
    let mut span = Duration::from_millis(1);
    for n in 0..n_kills {
        let log_before = fs::read_to_string(program.path("daemon.log")).unwrap_or_default().len();
        let is_before = chance.below(2) == 0;
        if is_before {
            post.bring(&mut chance);
        }
        let daemon = program.daemon();
        if n % 10 == 0 {
            // Without a life that is long enough the work would grow until none of the short ones is.
            let born = Instant::now();
            let n_delivered = post.n_delivered;
            program.until("what came is recorded", |status| {
                status["watch"]["state"] == "watching"
                    && status["counts"]["approved"].as_u64() == Some(n_delivered)
            });
            span = born.elapsed().clamp(Duration::from_millis(100), Duration::from_millis(400));
            desktop.clear();
        }
        pass(chance.up_to(span));
        if n % 12 == 0 {
            n_late += 1;
            add_late(&program, n_applications + n_late);
        }
        if !is_before {
            post.bring(&mut chance);
            pass(chance.up_to(span));
        }
        if daemon.log()[log_before..].contains("watching") {
            n_ready += 1;
        }
        daemon.kill();
    }
    let took = started.elapsed();

    let daemon = program.daemon();
    let n_delivered = i64::try_from(post.n_delivered).unwrap();
    program.until("everything is recorded and told", |status| {
        status["counts"]["approved"].as_i64() == Some(n_delivered)
            && status["counts"]["undelivered_alerts"] == 0
    });
    assert_eq!(daemon.stop().code(), Some(0));

    let db = Connection::open(program.database()).unwrap();
    let text = |sql: &str| -> Vec<String> {
        let mut rows = db.prepare(sql).unwrap();
        rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(text("PRAGMA integrity_check"), ["ok"]);
    assert_eq!(text("SELECT CAST(\"table\" AS TEXT) FROM pragma_foreign_key_check"), [""; 0]);

    // Each relevant mail once, and nothing else.
    let mut expected: Vec<String> =
        (1..=post.n_delivered).map(|n| format!("approval.{n}@cbp.example")).collect();
    expected.sort();
    assert_eq!(text("SELECT message_id FROM messages ORDER BY message_id"), expected);
    // Each of them one approval of its application, each application one submission.
    assert_eq!(
        text(
            "SELECT m.message_id FROM events e JOIN messages m ON m.id = e.message
             JOIN applications a ON a.id = e.application
             WHERE e.kind = 'approved' AND m.message_id = 'approval.' || a.id || '@cbp.example'
             ORDER BY m.message_id"
        ),
        expected
    );
    let n_events: i64 = db.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(n_events, i64::try_from(n_applications + n_late).unwrap() + n_delivered);

    // The cached summaries are what the events say.
    let ended = program.run(&["doctor", "--json"]);
    let checks: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    for name in ["database", "summaries"] {
        let check = checks["checks"].as_array().unwrap().iter().find(|check| check["name"] == name);
        assert_eq!(check.unwrap()["outcome"], "ok", "{checks:#}");
    }

    // No alert lost, and none shown more often than once and, after a kill at the wrong moment, again.
    assert_eq!(
        text("SELECT key FROM alerts WHERE delivered_at IS NULL AND withdrawn_at IS NULL"),
        [""; 0]
    );
    let told: BTreeSet<String> =
        text("SELECT title FROM alerts WHERE delivered_at IS NOT NULL AND kind <> 'reminder'")
            .into_iter()
            .collect();
    for n in 1..=post.n_delivered {
        assert!(told.contains(&format!("{}: approved by CBP", company(n))), "{n}");
    }
    for n in n_applications + 1..=n_applications + n_late {
        let silence = format!("{}: decision critical since", company(n));
        assert!(told.iter().any(|title| title.starts_with(&silence)), "{silence}: {told:#?}");
    }
    let shown = until("every notice is in the record", || {
        let mut shown: BTreeMap<String, usize> = BTreeMap::new();
        for notice in desktop.shown() {
            *shown.entry(notice.title).or_default() += 1;
        }
        // What was cut off twice is told in the text of another notice.
        let in_text = |title: &str| desktop.shown().iter().any(|n| n.body.contains(title));
        let lost: Vec<&String> =
            told.iter().filter(|title| !shown.contains_key(*title) && !in_text(title)).collect();
        if lost.is_empty() { Ok(shown) } else { Err(format!("not shown: {lost:#?}")) }
    });
    let again: Vec<_> = shown.iter().filter(|(_, n)| 1 < **n).collect();
    println!(
        "{n_kills} kills in {took:.1?}, {n_ready} of them after the daemon was ready; {n_delivered} mails, \
         {} alerts, {} shown again, at most {} times; span {span:?}",
        told.len(),
        again.len(),
        again.iter().map(|(_, n)| **n).max().unwrap_or(1)
    );
    let too_often: Vec<_> =
        again.iter().filter(|(title, n)| told.contains(*title) && 2 < **n).collect();
    assert!(too_often.is_empty(), "shown too often: {too_often:#?}");
}
