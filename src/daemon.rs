//! The event loop: few tasks, one channel, one enum of reasons to wake, one `now` per wake.
//!
//! Each mailbox has a task that owns its connection and may be stuck in a dead socket for a minute;
//! the main task owns the database and must still raise a deadline while the network is down.
//! Between them is one channel. No mailbox error ends the process: it becomes a report, a gap in
//! coverage, and, if it lasts, an alert.
//!
//! Store calls are made from the main task alone, which shares its thread with no mailbox, so a
//! slow disk delays nobody's connection.

mod health;
mod lines;
mod outbox;
mod outgoing;
mod watchers;

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout};

use crate::app::{App, Incoming, OnDemand, Origin, Progress, Tally};
use crate::clock;
use crate::config::{MailboxSettings, Settings};
use crate::domain::interest::Interest;
use crate::mailbox::nudge::Nudger;
use crate::mailbox::unreadable::Unreadable;
use crate::mailbox::{self, Batch, Mode, Report, Start};
use crate::memory;
use crate::network::Network;
use crate::notify::desktop::Heard;
use crate::store;
use crate::store::query;
use crate::store::record::Account;
use health::{Health, Note};
use lines::{Carried, Lines};
use outbox::Outbox;
pub use outbox::{Delivery, deliver};
use watchers::Watchers;

/// How often the daemon looks whether the wall clock jumped or a command wrote to the database.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// So many heartbeats that did not come mean that the machine slept or this process was stopped; a
/// jump of the wall clock by as much means that, too, or a corrected clock.
const JUMP: u32 = 4;

/// So long after the last report the work it brought counts as done.
const REST: Duration = Duration::from_secs(5);

/// How long the desktop may take to answer for a notice at the end.
const FAREWELL: Duration = Duration::from_millis(500);

/// Everything that makes the main task do something.
enum Wake {
    /// A mailbox has something to tell.
    Report(Report),
    /// A mailbox task has ended, which none does before the end of all.
    Ended(Option<String>),
    /// Time has passed: deadlines and undelivered alerts are looked at.
    Tick,
    /// Look whether the clock jumped or another process wrote.
    Heartbeat,
    /// A channel has taken a message, or not.
    Carried(Carried),
    /// The desktop says something.
    Desktop(Heard),
    /// The mailboxes have been silent for a while.
    Rest,
    /// The configuration is to be read anew.
    Reload,
    /// Leave.
    Shutdown,
}

/// What came of one complete pass over all mailboxes.
#[derive(Debug, Default)]
pub struct Pass {
    /// What became of the mails.
    pub tally: Tally,
    /// The mailboxes that could not be read, with the reason and what to do.
    pub failed: Vec<(String, mailbox::Error)>,
    /// What became of the alerts.
    pub delivery: Delivery,
}

/// Keeps a second daemon from the same database for as long as it lives.
#[derive(Debug)]
pub struct Lock {
    file: File,
    /// When the daemon before this one was last seen alive: how the file was dated.
    last_alive: Option<DateTime<Utc>>,
}

impl Lock {
    /// Takes the lock beside the database.
    ///
    /// # Errors
    ///
    /// Another daemon holds it, or the file cannot be made.
    pub fn take(database: &Path) -> Result<Lock> {
        let path = lock_path(database);
        let file = open_lock(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let last_alive = file.metadata().and_then(|found| found.modified()).ok().map(Into::into);
        // `status` holds the lock for an instant to see whether it is free.
        for _ in 0..20 {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { file, last_alive }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(50)),
                Err(TryLockError::Error(error)) => {
                    return Err(error).with_context(|| format!("cannot lock {}", path.display()));
                }
            }
        }
        anyhow::bail!(
            "another acewatch is already running with the database {}",
            database.display()
        )
    }

    /// Dates the file, for the next daemon to know until when this one was there.
    fn alive(&self, now: DateTime<Utc>) {
        // A file system that cannot do that makes the next daemon believe that nobody was there.
        let _ = self.file.set_modified(now.into());
    }

    /// Whether no daemon was there for so long.
    fn was_off_for(&self, patience: Duration, now: DateTime<Utc>) -> bool {
        let gap = self.last_alive.and_then(|last| (now - last).to_std().ok());
        gap.is_none_or(|gap| patience < gap)
    }
}

/// Whether a daemon is running with this database.
pub fn is_running(database: &Path) -> bool {
    let path = lock_path(database);
    match File::open(&path) {
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}

/// What the running daemon has to say about the database that it cannot say through it; `None`
/// where all is well, or none is running.
pub fn database_fault(database: &Path) -> Option<String> {
    if !is_running(database) {
        return None;
    }
    health::read(&File::open(lock_path(database)).ok()?, health::DATABASE)
}

/// Why the running daemon goes on with an older configuration than the one in the file; `None` where
/// it does not, or none is running.
pub fn refused_configuration(database: &Path) -> Option<String> {
    if !is_running(database) {
        return None;
    }
    health::read(&File::open(lock_path(database)).ok()?, health::CONFIGURATION)
}

/// Reads the configuration and the rules, or says in a line what is wrong with them and what to do.
pub type Reload<'a> = dyn Fn() -> Result<(Settings, OnDemand), String> + 'a;

/// Watches all mailboxes until a signal says to leave. At SIGHUP it goes on with what `reload` gives; where that
/// cannot be used, with what it had.
///
/// # Errors
///
/// Only what keeps the daemon from starting.
pub async fn run(mut app: App, reload: &Reload<'_>) -> Result<()> {
    let lock = Lock::take(app.store.path())?;
    app.store.require_sound()?;
    let mut health = Health::new(Note::in_file(&lock.file, health::DATABASE));
    let refusal = Note::in_file(&lock.file, health::CONFIGURATION);
    refusal.write("");
    let mut refused = None;
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot wait for signals")?;
    let on_terminal = std::io::stderr().is_terminal();
    let (nudger, nudged) = Nudger::new();
    let mut watchers = Watchers::start(&app, &nudged)?;
    let mut outbox = Outbox::new(app.settings.limits.notify_timeout, app.settings.notify.retry);
    let mut lines = Lines::new(&app.settings.channels, app.settings.notify.retry);
    let mut tick = every(app.settings.watch.tick);
    let beats_each = HEARTBEAT.min(app.settings.notify.retry.max(Duration::from_millis(200)));
    let mut heartbeat = interval(beats_each);
    heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut beat = Beat::new(beats_each * JUMP, clock::now());
    let mut network = Network::now();
    let mut troubles = BTreeMap::new();
    let mut rest_at = None;
    tracing::info!(database = %app.store.path().display(), "{}", watching(&app));
    // Trouble before the machine was switched off is no blindness when it is switched on. A daemon that
    // only starts again and again must not forget how long it has been blind.
    if lock.was_off_for(app.settings.watch.blind_after, clock::now())
        && let Err(error) = app.woke(clock::now())
    {
        heed(&mut health, error, clock::now())?;
    }
    tell_systemd(&[sd_notify::NotifyState::Ready]);
    loop {
        let wake = tokio::select! {
            biased;
            _ = terminate.recv() => Wake::Shutdown,
            _ = interrupt.recv() => Wake::Shutdown,
            _ = heartbeat.tick() => Wake::Heartbeat,
            // A terminal that is closed sends the same signal.
            _ = hangup.recv() => if on_terminal { Wake::Shutdown } else { Wake::Reload },
            Some(report) = watchers.inbox.recv() => Wake::Report(report),
            Some(ended) = watchers.tasks.join_next() => Wake::Ended(ended.err().map(|e| e.to_string())),
            heard = outbox.next() => Wake::Desktop(heard),
            carried = lines.next() => Wake::Carried(carried),
            _ = tick.tick() => Wake::Tick,
            () = sleep_until(rest_at.unwrap_or_else(Instant::now)), if rest_at.is_some() => Wake::Rest,
        };
        let now = clock::now();
        match wake {
            Wake::Shutdown => break,
            Wake::Ended(why) => {
                // A mailbox that nobody reads any more must not look like a quiet one.
                let why = why.unwrap_or_else(|| "it ended by itself".to_owned());
                anyhow::bail!("the task of a mailbox is gone: {why}");
            }
            Wake::Report(report) => {
                let condition = condition(&report);
                match (take(&mut app, report, None, now), condition) {
                    (Ok(_), Some((mailbox, trouble))) => log(mailbox, trouble, &mut troubles),
                    (Ok(_), None) => {}
                    // What cannot be recorded is said by itself.
                    (Err(error), _) => heed(&mut health, error, now)?,
                }
                settle(&mut app, &mut health, now)?;
                rest_at = Some(Instant::now() + REST);
            }
            Wake::Carried(carried) => {
                if let Err(error) = lines.settle(&mut app, carried, now) {
                    heed(&mut health, error, now)?;
                }
            }
            Wake::Desktop(heard) => {
                if let Err(error) = outbox.heed(&mut app, heard, now) {
                    heed(&mut health, error, now)?;
                }
            }
            Wake::Rest => {
                rest_at = None;
                app.rest();
                memory::give_back();
            }
            Wake::Tick => {
                settle(&mut app, &mut health, now)?;
                if app.waits_for_proof(now) {
                    nudger.look();
                }
                let line = status_line(&app, health.fault(), refused.as_deref());
                tell_systemd(&[sd_notify::NotifyState::Status(&line)]);
            }
            Wake::Reload => {
                tell_systemd(&reloading());
                match reload() {
                    Ok((settings, rules)) => {
                        watchers.end(&mut app).await;
                        app.change(settings, rules);
                        watchers = Watchers::start(&app, &nudged)?;
                        outbox.change(app.settings.notify.retry);
                        lines.change(&app.settings.channels, app.settings.notify.retry);
                        tick = every(app.settings.watch.tick);
                        refusal.write("");
                        refused = None;
                        tracing::info!("the configuration was read anew: {}", watching(&app));
                        settle(&mut app, &mut health, now)?;
                    }
                    Err(why) => {
                        tracing::error!("the old configuration stays in force: {why}");
                        refusal.write(&why);
                        refused = Some(why);
                    }
                }
                let line = status_line(&app, health.fault(), refused.as_deref());
                tell_systemd(&[
                    sd_notify::NotifyState::Ready,
                    sd_notify::NotifyState::Status(&line),
                ]);
            }
            Wake::Heartbeat => {
                lock.alive(now);
                if beat.has_jumped(now) {
                    tracing::info!(
                        "time jumped, as after a suspend: looking at every mailbox at once"
                    );
                    nudger.doubt();
                    if let Err(error) = app.woke(now) {
                        heed(&mut health, error, now)?;
                    }
                    settle(&mut app, &mut health, now)?;
                    outbox.retry_now();
                    lines.retry_now();
                }
                let network_now = Network::now();
                if network != network_now {
                    tracing::info!("the network changed: looking at every mailbox at once");
                    network = network_now;
                    nudger.doubt();
                }
                app.store.require_file()?;
                // Whoever starts the daemon anew starts the newer program.
                app.store.require_known()?;
                match app.store.data_version() {
                    Ok(version) if beat.saw(version) => settle(&mut app, &mut health, now)?,
                    Ok(_) => {}
                    Err(error) => heed(&mut health, error.into(), now)?,
                }
                if health.fault().is_some() {
                    match app.store.try_write() {
                        Ok(()) => {
                            health.worked();
                            nudger.look();
                            outbox.retry_now();
                        }
                        Err(error) => heed(&mut health, error.into(), now)?,
                    }
                }
                let patience = app.settings.watch.blind_after;
                let patience =
                    chrono::Duration::from_std(patience).unwrap_or(chrono::Duration::MAX);
                outbox.look(&app);
                if let Some(notice) = health.notice(patience, now)
                    && app.settings.notify.desktop
                    && outbox.tell(notice)
                {
                    health.shown();
                }
                tell_systemd(&[sd_notify::NotifyState::Watchdog]);
            }
        }
        if let Err(error) = lines.start(&mut app, now) {
            heed(&mut health, error, now)?;
        }
        if let Err(error) = outbox.start(&mut app, now) {
            heed(&mut health, error, now)?;
        }
    }
    tracing::info!("leaving");
    tell_systemd(&[sd_notify::NotifyState::Stopping]);
    // What was just handed to the desktop is answered for within a moment.
    let answered = async {
        while outbox.is_busy() {
            let heard = outbox.next().await;
            if let Err(error) = outbox.heed(&mut app, heard, clock::now()) {
                tracing::error!("{error:#}");
            }
        }
    };
    let _ = timeout(FAREWELL, answered).await;
    // On a thread of its own, so that a statement that waits for its turn does not delay it.
    tokio::spawn(async move {
        either(&mut terminate, &mut interrupt).await;
        tracing::warn!("leaving at once");
        std::process::exit(1);
    });
    watchers.end(&mut app).await;
    Ok(())
}

/// Reads all mailboxes once, at the same time, and records, evaluates and tells.
///
/// `at` stands in for the present time; what was read counts as read up to the earlier of the two,
/// because nobody can have read the future.
///
/// # Errors
///
/// Those of the database. A mailbox that cannot be read is part of the answer.
pub async fn check(app: &mut App, at: Option<DateTime<Utc>>) -> Result<Pass> {
    let now = || at.unwrap_or_else(clock::now);
    let mut pass = read(app, at).await?;
    if at.is_none() {
        app.prune(now())?;
    }
    let (delivery, _desktop) = deliver(app, now()).await?;
    pass.delivery = delivery;
    // A daemon that runs beside this tells its channels by itself.
    if !is_running(app.store.path()) {
        let told = carry_once(app, now()).await?;
        pass.delivery.shown += told.shown;
        pass.delivery.error = pass.delivery.error.or(told.error);
    }
    pass.delivery.waiting =
        usize::try_from(query::n_pending_alerts(app.store.read())?).unwrap_or(0);
    Ok(pass)
}

/// The same without telling anybody.
///
/// # Errors
///
/// As for [`check`].
pub async fn read(app: &mut App, at: Option<DateTime<Utc>>) -> Result<Pass> {
    let now = || at.unwrap_or_else(clock::now);
    let (reports, mut inbox) = mpsc::channel(16);
    let mut tasks = tokio::task::JoinSet::new();
    for settings in &app.settings.mailboxes {
        let mut start = start(app, settings)?;
        let reports = reports.clone();
        tasks.spawn(async move {
            let outcome = mailbox::watch::pass(&mut start, &reports).await;
            (start.settings.name, outcome)
        });
    }
    drop(reports);
    let mut pass = Pass::default();
    while let Some(report) = inbox.recv().await {
        match take(app, report, at, now()) {
            Ok(tally) => pass.tally = sum(pass.tally, tally),
            Err(error) => tracing::error!("{error:#}"),
        }
    }
    while let Some(joined) = tasks.join_next().await {
        let (name, outcome) = joined.context("a mailbox task ended")?;
        if let Err(error) = outcome {
            app.trouble(&name, &error.chain(), error.hint().as_deref(), now())?;
            pass.failed.push((name, error));
        }
    }
    app.evaluate(now())?;
    Ok(pass)
}

/// Has every channel tell what there is, until it fails or all is told.
async fn carry_once(app: &mut App, now: DateTime<Utc>) -> Result<Delivery> {
    let mut lines = Lines::new(&app.settings.channels, Duration::from_hours(1));
    let mut delivery = Delivery::default();
    lines.start(app, now)?;
    while lines.is_busy() {
        let carried = lines.next().await;
        match lines.settle(app, carried, now)? {
            Ok(n_told) => delivery.shown += n_told,
            Err(error) => delivery.error = Some(error),
        }
        lines.start(app, now)?;
    }
    Ok(delivery)
}

/// What the last heartbeat saw.
struct Beat {
    /// What counts as a jump.
    jump: Duration,
    wall: DateTime<Utc>,
    monotonic: Instant,
    data_version: Option<i64>,
}

impl Beat {
    fn new(jump: Duration, now: DateTime<Utc>) -> Beat {
        Beat { jump, wall: now, monotonic: Instant::now(), data_version: None }
    }

    /// Whether the wall clock went on much further, or less far, than the monotonic one, which
    /// stands still during a suspend; or the monotonic one did, because this process stood still.
    fn has_jumped(&mut self, now: DateTime<Utc>) -> bool {
        let elapsed = self.monotonic.elapsed();
        let apart = (now - self.wall) - chrono::Duration::from_std(elapsed).unwrap_or_default();
        self.wall = now;
        self.monotonic = Instant::now();
        self.jump < elapsed || apart.abs().to_std().is_ok_and(|apart| self.jump < apart)
    }

    /// Whether another process wrote since.
    fn saw(&mut self, data_version: i64) -> bool {
        let is_news = self.data_version.is_some_and(|last| last != data_version);
        self.data_version = Some(data_version);
        is_news
    }
}

/// What a mailbox task starts from.
fn start(app: &App, settings: &MailboxSettings) -> Result<Start> {
    let cursors: BTreeMap<_, _> =
        query::cursors(app.store.read(), account(settings), look_back(settings))?
            .into_iter()
            .collect();
    let unreadable = query::unreadable(app.store.read(), account(settings))?;
    let interest = Interest::new(app.settings.trust_in(&settings.name).into_owned());
    Ok(Start {
        settings: settings.clone(),
        limits: app.settings.limits.clone(),
        cursors,
        looked: BTreeMap::new(),
        unreadable: Unreadable::new(unreadable),
        interest: Arc::new(move |header, role| interest.may_concern(header, role)),
        clock: clock::now,
    })
}

/// Does what a mailbox reports. After a fault of the database the mailbox keeps its old cursor: the
/// mails are read again when the fault is gone.
fn take(
    app: &mut App,
    report: Report,
    at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<Tally> {
    match report {
        Report::Batch(batch, answer) => {
            let done = ingest(app, &batch, now);
            // The task may be gone; then it reads the batch again, which changes nothing.
            let _ = answer.send(done.is_ok());
            done
        }
        Report::Complete { mailbox, started_at, folders, mode, answer } => {
            let folders: Vec<_> = folders.iter().map(|f| (f.folder.as_str(), f.from)).collect();
            let read_until = at.map_or(started_at, |at| at.min(started_at));
            let done = app.complete(&mailbox, &folders, read_until, mode_name(mode), at.is_none());
            let _ = answer.send(done.is_ok());
            done.map(|()| Tally::default())
        }
        Report::Access { mailbox, news } => {
            app.access(&mailbox, &news, now)?;
            Ok(Tally::default())
        }
        Report::Trouble { mailbox, error, hint, refused_login } => {
            app.trouble(&mailbox, &error, hint.as_deref(), now)?;
            if refused_login {
                app.refused_login(&mailbox, now)?;
            }
            Ok(Tally::default())
        }
    }
}

/// What a report says of a mailbox as a whole: what its trouble is, or that it has none.
fn condition(report: &Report) -> Option<(String, Option<String>)> {
    match report {
        Report::Trouble { mailbox, error, .. } => Some((mailbox.clone(), Some(error.clone()))),
        Report::Complete { mailbox, .. } => Some((mailbox.clone(), None)),
        Report::Batch(..) | Report::Access { .. } => None,
    }
}

/// Says in the log when a mailbox gets into trouble, another one than last, and when it is out of it.
fn log(mailbox: String, trouble: Option<String>, troubles: &mut BTreeMap<String, String>) {
    match trouble {
        Some(error) if troubles.get(&mailbox) != Some(&error) => {
            tracing::warn!(mailbox, "cannot read the mailbox {mailbox}: {error}");
            troubles.insert(mailbox, error);
        }
        Some(_) => {}
        None => {
            if troubles.remove(&mailbox).is_some() {
                tracing::info!(mailbox, "the mailbox {mailbox} is read again");
            }
        }
    }
}

/// Goes on after an error, unless the database is damaged: what is written to it then may damage
/// more, and only a person can put back a good one.
fn heed(health: &mut Health, error: anyhow::Error, now: DateTime<Utc>) -> Result<()> {
    if health.failed(&error, now) { Ok(()) } else { Err(error) }
}

fn ingest(app: &mut App, batch: &Batch, now: DateTime<Utc>) -> Result<Tally> {
    let settings = app.settings.mailboxes.iter().find(|m| m.name == batch.mailbox);
    let settings = settings.context("a mail of a mailbox that is not configured")?.clone();
    let mails: Vec<Incoming> = batch
        .mails
        .iter()
        // A server whose clock is ahead must not date an answer into the future.
        .map(|mail| Incoming {
            bytes: &mail.bytes,
            received_at: mail.received_at.min(clock::now()),
        })
        .collect();
    let progress = Progress {
        account: account(&settings),
        look_back: look_back(&settings),
        cursor: &batch.cursor,
        unreadable: &batch.unreadable,
        retried: &batch.retried,
    };
    let origin = Origin { mailbox: &batch.mailbox, folder: &batch.folder, role: batch.role };
    app.ingest(origin, &mails, Some(progress), now)
}

fn account(settings: &MailboxSettings) -> Account<'_> {
    Account { host: &settings.host, user: &settings.user }
}

fn look_back(settings: &MailboxSettings) -> i64 {
    i64::try_from(settings.look_back.as_secs()).unwrap_or(i64::MAX)
}

fn settle(app: &mut App, health: &mut Health, now: DateTime<Utc>) -> Result<()> {
    let done = app.evaluate(now).and_then(|()| app.prune(now));
    done.or_else(|error| heed(health, error, now))
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Push => "push",
        Mode::Poll => "poll",
    }
}

fn sum(a: Tally, b: Tally) -> Tally {
    Tally {
        read: a.read + b.read,
        recorded: a.recorded + b.recorded,
        review: a.review + b.review,
        quarantined: a.quarantined + b.quarantined,
        ignored: a.ignored + b.ignored,
        duplicate: a.duplicate + b.duplicate,
    }
}

/// What `systemctl status` shows of the daemon, in a line.
fn status_line(app: &App, fault: Option<&str>, refused: Option<&str>) -> String {
    let failing: Vec<(String, Option<String>)> = query::mailboxes(app.store.read())
        .unwrap_or_default()
        .into_iter()
        .filter(|state| state.failing_since.is_some())
        .map(|state| (state.name, state.error))
        .filter(|(name, _)| app.settings.mailboxes.iter().any(|mailbox| mailbox.name == *name))
        .collect();
    let line = match (fault, failing.first()) {
        (Some(fault), _) => fault.to_owned(),
        (None, None) => watching(app),
        (None, Some((_, error))) => {
            let names: Vec<&str> = failing.iter().map(|(name, _)| name.as_str()).collect();
            // One cause is told with them; of several, `acewatch status` tells.
            let is_same = failing.iter().all(|(_, other)| other == error);
            let why = error.as_deref().filter(|_| is_same);
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            format!("cannot read {}{why}", names.join(", "))
        }
    };
    match refused {
        Some(why) => format!("{line}; the old configuration stays in force: {why}"),
        None => line,
    }
}

fn watching(app: &App) -> String {
    match app.settings.mailboxes.len() {
        1 => "watching 1 mailbox".to_owned(),
        n => format!("watching {n} mailboxes"),
    }
}

fn every(span: Duration) -> Interval {
    let mut interval = interval(span.max(Duration::from_secs(1)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// That a reload begins; systemd wants to know when, by its own clock.
fn reloading() -> Vec<sd_notify::NotifyState<'static>> {
    let now = sd_notify::NotifyState::monotonic_usec_now().ok();
    std::iter::once(sd_notify::NotifyState::Reloading).chain(now).collect()
}

fn tell_systemd(state: &[sd_notify::NotifyState]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "cannot tell systemd");
    }
}

async fn either(a: &mut Signal, b: &mut Signal) {
    tokio::select! {
        _ = a.recv() => {}
        _ = b.recv() => {}
    }
}

fn lock_path(database: &Path) -> PathBuf {
    store::with_suffix(database, ".lock")
}

fn open_lock(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_is_kept_out_and_a_first_one_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("acewatch.db");
        assert!(!is_running(&database));
        let lock = Lock::take(&database).unwrap();
        assert!(is_running(&database));
        assert!(Lock::take(&database).is_err());
        drop(lock);
        assert!(!is_running(&database));
    }

    #[test]
    fn a_daemon_knows_how_long_none_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("acewatch.db");
        let (start, hour) = (DateTime::UNIX_EPOCH, Duration::from_hours(1));
        let later = |minutes| start + chrono::Duration::minutes(minutes);
        Lock::take(&database).unwrap().alive(start);
        let lock = Lock::take(&database).unwrap();
        assert!(!lock.was_off_for(hour, later(60)));
        assert!(lock.was_off_for(hour, later(61)));
        // By a clock that was put back nobody can say.
        assert!(lock.was_off_for(hour, later(-1)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_ran_on_while_the_machine_slept_is_noticed() {
        let start = DateTime::UNIX_EPOCH;
        let mut beat = Beat::new(Duration::from_secs(20), start);
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(!beat.has_jumped(start + chrono::Duration::seconds(5)));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert!(beat.has_jumped(start + chrono::Duration::hours(2)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(
            beat.has_jumped(start + chrono::Duration::hours(2) + chrono::Duration::seconds(30))
        );
    }
}
