//! The daemon is killed while it hands a notice over: before the server answers, and after.
//!
//! `ACEWATCH_OUTBOX_KILLS=200` kills so often.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::notices::{program_in, raise};
use crate::support::desktop::Desktop;
use crate::support::pass;
use crate::support::program::Daemon;
use crate::support::recorder::{Asked, Recorder};
use crate::support::until;

#[test]
fn a_daemon_killed_between_a_notice_and_its_record_loses_none_and_shows_none_a_third_time() {
    let wanted = std::env::var("ACEWATCH_OUTBOX_KILLS");
    let n_kills: usize = wanted.map_or(200, |text| text.parse().unwrap());
    let mut desktop = Desktop::absent();
    desktop.log_in();
    // The daemon that is to be killed, with how many there were before it.
    let victim: Arc<Mutex<(usize, Option<Daemon>)>> = Arc::default();
    let is_over = Arc::new(AtomicBool::new(false));
    let n_before = Arc::new(AtomicUsize::new(0));
    let kill = {
        let (victim, is_over, n_before) =
            (Arc::clone(&victim), Arc::clone(&is_over), Arc::clone(&n_before));
        move |_: &Asked| {
            if is_over.load(Ordering::SeqCst) {
                return;
            }
            let nth = victim.lock().unwrap().0;
            let victim = Arc::clone(&victim);
            // Only the daemon that asked, and once.
            let strike = move || {
                let mut victim = victim.lock().unwrap();
                if victim.0 == nth {
                    victim.1.take().into_iter().for_each(Daemon::kill);
                }
            };
            if nth.is_multiple_of(2) {
                n_before.fetch_add(1, Ordering::SeqCst);
                strike();
            } else {
                // From the moment of the answer to a while after it was recorded.
                let moment = Duration::from_micros((nth as u64 * 7919) % 12_000);
                std::thread::spawn(move || {
                    pass(moment);
                    strike();
                });
            }
        }
    };
    let recorder = Recorder::with(&desktop.bus_address(), &["body"], Some(Arc::new(kill)));
    let program = program_in(&desktop, "per-minute = 100000\ndigest-over = 100000");
    program.ok(&["status"]);
    program.ok(&["add", "--company", "Acme Imports LLC", "--number", "12-345678900"]);
    let titles: Vec<String> = (0..n_kills).map(|n| raise(&program, n, "review", None)).collect();

    let started = Instant::now();
    for nth in 1..=n_kills {
        {
            // It is there before it can be told of.
            let mut victim = victim.lock().unwrap();
            *victim = (nth, Some(program.daemon()));
        }
        until("it is killed", || match victim.lock().unwrap().1 {
            None => Ok(()),
            Some(_) => Err("it lives".to_owned()),
        });
    }
    let took = started.elapsed();
    is_over.store(true, Ordering::SeqCst);
    let daemon = program.daemon();
    program.until("everything is told", |status| status["counts"]["undelivered_alerts"] == 0);
    assert_eq!(daemon.stop().code(), Some(0));

    let mut shown: BTreeMap<String, usize> = BTreeMap::new();
    for notice in recorder.notices() {
        *shown.entry(notice.title).or_default() += 1;
    }
    let mut missed = recorder.notices();
    missed.retain(|notice| notice.title.starts_with("Perhaps you missed"));
    // Killed twice before it could ask, a daemon leaves an alert that only such a notice tells of,
    // and counts where there are more than five.
    let in_text = |title: &String| {
        missed.iter().any(|m| m.body.contains(title) || m.body.contains(" more: "))
    };
    let times = |title: &String| shown.get(title).copied().unwrap_or(0);
    let lost: Vec<&String> =
        titles.iter().filter(|title| times(title) == 0 && !in_text(title)).collect();
    let most = titles.iter().map(times).max().unwrap();
    let twice = titles.iter().filter(|title| times(title) == 2).count();
    println!(
        "{n_kills} kills in {took:.1?}, {} before and {} after the answer; {} alerts, {} lost, \
         {twice} shown twice, at most {most} times, {} notices of what may have been missed",
        n_before.load(Ordering::SeqCst),
        n_kills - n_before.load(Ordering::SeqCst),
        titles.len(),
        lost.len(),
        missed.len(),
    );
    assert!(lost.is_empty(), "{lost:?}");
    assert!(most <= 2, "{shown:#?}");
}
