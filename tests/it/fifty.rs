//! Fifty mailboxes in one process, most of them in trouble: nobody's fault is another's.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::Value;

use crate::support::dovecot::Dovecot;
use crate::support::mail::{ACME, approval};
use crate::support::program::{Program, fact};
use crate::support::proxy::{Fault, Proxy};
use crate::support::{now, until};

/// What becomes of the connections of each tenth mailbox, and whether mail is seen all the same.
const FAULTS: [(Fault, bool); 10] = [
    (Fault::None, true),
    (Fault::None, true),
    (Fault::Throttle(20_000), true),
    (Fault::CutInLiteral(100), true),
    (Fault::StallInLiteral(300), true),
    (Fault::Drop, false),
    (Fault::Stall, false),
    (Fault::Cut, false),
    (Fault::Reset, false),
    (Fault::Refuse, false),
];

fn user(nth: usize) -> String {
    format!("desk{nth:02}@broker.example")
}

fn table(nth: usize, port: u16) -> String {
    format!(
        r#"
        [[mailbox]]
        name = "desk{nth:02}"
        host = "localhost"
        port = {port}
        tls = "none"
        user = "{}"
        password-environment = "ACEWATCH_TEST_PASSWORD"
        folders = ["INBOX"]
        sent = ""
        poll-interval = "1h"
        "#,
        user(nth)
    )
}

/// Returns the users whose INBOX has been read beyond `uid`.
fn read_beyond(program: &Program, uid: u32) -> BTreeSet<String> {
    let database = rusqlite::Connection::open(program.path("data/acewatch/acewatch.db")).unwrap();
    let mut statement = database
        .prepare("SELECT user FROM cursors WHERE folder = 'INBOX' AND uid_next > ?1")
        .unwrap();
    let users = statement.query_map([uid], |row| row.get(0)).unwrap();
    users.map(Result::unwrap).collect()
}

fn n_watched(status: &Value) -> usize {
    let mailboxes = status["watch"]["mailboxes"].as_array().unwrap();
    mailboxes
        .iter()
        .filter(|mailbox| mailbox["error"].is_null() && mailbox["last_complete_check"].is_string())
        .count()
}

#[test]
fn fifty_mailboxes_with_ten_faults_do_not_disturb_each_other() {
    let server = Dovecot::start();
    let proxies: Vec<Proxy> = (0..50).map(|_| Proxy::to(server.imap_port)).collect();
    let tables: Vec<String> =
        proxies.iter().enumerate().map(|(nth, proxy)| table(nth, proxy.port)).collect();
    let program = Program::new();
    program.configure_scaled("1h", &tables.concat());
    program.add(ACME);
    let daemon = program.daemon();
    let start = Instant::now();
    program.until("all are watched", |status| n_watched(status) == 50);
    eprintln!("measured: fifty mailboxes watched after {:.1} s", start.elapsed().as_secs_f64());

    for (nth, proxy) in proxies.iter().enumerate() {
        proxy.set(FAULTS[nth % 10].0);
    }
    let start = Instant::now();
    server.deliver("INBOX", &approval(ACME, now()));
    let expected: BTreeSet<String> = (0..50).filter(|nth| FAULTS[nth % 10].1).map(user).collect();
    let healthy: BTreeSet<String> =
        (0..50).filter(|nth| FAULTS[nth % 10].0 == Fault::None).map(user).collect();
    until("the healthy mailboxes have read the new mail", || {
        let seen = read_beyond(&program, 1);
        if healthy.is_subset(&seen) { Ok(()) } else { Err(format!("{seen:?}")) }
    });
    let took = start.elapsed();
    eprintln!("measured: ten healthy mailboxes had read it after {:.1} s", took.as_secs_f64());
    assert!(took.as_secs() < 60, "{took:?}");
    until("those with a passing fault have read it, too", || {
        let seen = read_beyond(&program, 1);
        if expected == seen { Ok(()) } else { Err(format!("{seen:?}")) }
    });
    program.until("the others are said to be in trouble", |status| {
        let n_held = proxies.iter().map(Proxy::n_held).max();
        assert!(n_held <= Some(1), "more than one connection for a mailbox");
        n_watched(status) == 25
    });
    assert_eq!(fact(&program.status(), ACME, "stage"), "approved");

    for proxy in &proxies {
        proxy.set(Fault::None);
    }
    let start = Instant::now();
    until("all have read it", || match read_beyond(&program, 1).len() {
        50 => Ok(()),
        n => Err(n.to_string()),
    });
    eprintln!("measured: all fifty recovered after {:.1} s", start.elapsed().as_secs_f64());
    program.until("all are watched again", |status| n_watched(status) == 50);
    assert!(proxies.iter().all(|proxy| proxy.n_held() == 1), "not one connection each");
    for (proxy, _) in proxies.iter().zip(FAULTS.iter().cycle()).filter(|(_, f)| f.0 == Fault::None)
    {
        assert_eq!((proxy.n_all(), proxy.n_most()), (1, 1), "a healthy connection was given up");
    }
    let peak = daemon.peak_memory();
    eprintln!("measured: peak memory of fifty mailboxes: {peak} MB");
    assert!(peak < 100, "{peak} MB");
    assert_eq!(daemon.stop().code(), Some(0));
}
