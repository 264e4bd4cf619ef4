//! Looking up which application a mail may be about costs the same among 300 and among 330,000.

use std::path::Path;

use acewatch::app::{App, Incoming, Origin};
use acewatch::config::{self, Environment};
use acewatch::domain::message::FolderRole;
use acewatch::domain::rules::Rules;
use acewatch::store::Store;
use acewatch::store::query::{self, CANDIDATES};
use rusqlite::{Connection, StatementStatus, named_params};

use crate::support::OFFICE;
use crate::support::mail::from_cbp;

/// An office with so many applications, each with an EIN, a name and a thread of its own; every
/// hundredth has a sibling with another suffix.
fn office(n: u32) -> App {
    let settings =
        config::parse(OFFICE, Path::new("t.toml"), &Environment::from_process()).unwrap();
    let mut store = Store::in_memory().unwrap();
    store
        .write(|tx| {
            tx.execute_batch(&format!(
                "CREATE TEMP TABLE n AS
                     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {n})
                     SELECT i FROM n;
                 INSERT INTO applications (company, number, route, ein, created_at, stage)
                     SELECT 'Verbena ' || (i - i % 100 / 99) || ' Works LLC',
                            printf('%02d-%07d%02d', 10 + (i - i % 100 / 99) / 10000000,
                                   i - i % 100 / 99, i % 100 / 99),
                            'email', printf('10-%07d', i - i % 100 / 99), 0, 'submitted' FROM n;
                 INSERT INTO names SELECT 'verbena ' || (i - i % 100 / 99) || ' works', i FROM n;
                 INSERT INTO messages (digest, mailbox, folder, role, received_at, recorded_at,
                                       sender, subject, kind, authenticity, outcome, effect)
                     VALUES ('d', 'm', 'f', 'sent', 0, 0, '', '', 'submission', 'own', 'matched',
                             'recorded');
                 INSERT INTO threads SELECT 'thread' || i || '@broker.example', i, 1 FROM n;
                 INSERT INTO tickets SELECT 'INC' || printf('%07d', i), i, 1 FROM n;
                 DROP TABLE n;"
            ))?;
            Ok::<_, acewatch::store::Error>(())
        })
        .unwrap();
    App::new(store, settings, Rules::read(None).unwrap())
}

/// How many steps SQLite takes to look up a mail's keys, how many rows of a table it scans, and how
/// many candidates it finds.
fn cost(db: &Connection) -> (i32, i32, usize) {
    let mut statement = db.prepare(CANDIDATES).unwrap();
    let mut rows = statement
        .query(named_params! {
            ":threads": r#"["thread7@broker.example","strange@x"]"#,
            ":tickets": r#"["INC0000008","INC9999999"]"#,
            ":names": r#"["verbena 9 works","soap","works","verbena 98 works"]"#,
            ":exact": r#"["10-000001000","10-999999900"]"#,
            ":eins": r#"["10-0000098","10-9999999"]"#,
        })
        .unwrap();
    let mut n = 0;
    while rows.next().unwrap().is_some() {
        n += 1;
    }
    drop(rows);
    let status = |which| statement.get_status(which);
    (status(StatementStatus::VmStep), status(StatementStatus::FullscanStep), n)
}

#[test]
fn a_key_is_looked_up_and_never_searched() {
    let app = office(1);
    let db = app.store.read();
    let mut plan = db.prepare(&format!("EXPLAIN QUERY PLAN {CANDIDATES}")).unwrap();
    let no_key: Option<&str> = None;
    let lines: Vec<String> = plan
        .query_map(
            named_params! {
                ":threads": no_key, ":tickets": no_key, ":names": no_key, ":exact": no_key,
                ":eins": no_key,
            },
            |row| row.get("detail"),
        )
        .unwrap()
        .map(Result::unwrap)
        .collect();
    // What may be scanned is what the mail itself brings, and what was found for it.
    let small = ["json_each", "by_thread", "by_ticket", "found"];
    for line in &lines {
        let scanned = line.strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
        assert!(scanned.is_none_or(|table| small.contains(&table)), "{lines:#?}");
    }
    for table in ["applications", "names", "threads", "tickets"] {
        assert!(lines.iter().any(|l| l.starts_with(&format!("SEARCH {table} "))), "{lines:#?}");
    }
}

#[test]
fn among_330_000_applications_a_mail_finds_its_own_at_the_cost_of_300() {
    let (few, many) = (office(300), office(330_000));
    let (few_cost, many_cost) = (cost(few.store.read()), cost(many.store.read()));
    assert_eq!(few_cost.2, 6, "one by thread, ticket and number each, one by name, two by EIN");
    // An index of more levels may cost a step more.
    assert!(many_cost.0 <= few_cost.0 + 20, "{many_cost:?} instead of {few_cost:?}");
    assert_eq!((many_cost.1, many_cost.2), (0, few_cost.2), "rows scanned, candidates");
    // And a whole mail is taken in by it.
    let mut app = many;
    let at = "2026-05-04T16:00:00Z".parse().unwrap();
    let mail = from_cbp("10-000001000", "We received your application.\r\n", "a@cbp", "none@x", at);
    let mails = [Incoming { bytes: mail.as_bytes(), received_at: at }];
    let origin = Origin { mailbox: "office", folder: "F", role: FolderRole::Inbox };
    assert_eq!(app.ingest(origin, &mails, None, at).unwrap().recorded, 1);
    assert_eq!(query::n_review(app.store.read()).unwrap(), 0);
}
