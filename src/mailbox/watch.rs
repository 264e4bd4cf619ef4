//! The mailbox task: look, report, wait until there is something to look at, look again.
//!
//! ```text
//! connect ─► read every folder ─► Complete ─► wait: IDLE, poll interval, nudge ─┐
//!    ▲               ▲                                                          │
//!    │ pause         └──────────────────────────────────────────────────────────┘
//!    └── any error ─► Trouble
//! ```
//!
//! Whatever ends an IDLE, the next step is an EXAMINE. All folders are read at each poll interval,
//! whether IDLE told of anything or not; where that finds mail of which IDLE had not told, push is
//! not trusted and [`Mode::Poll`] is reported until IDLE tells of mail again. IDLE goes on meanwhile:
//! it does no harm.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout};

use super::access;
use super::backoff::{Backoff, Failure, Logins};
use super::connect::{connect, early_secret, greet, late_secret, login};
use super::folders::{Absent, Folder, INBOX, Resolved, decoded, need_list, resolve};
use super::nudge::Nudged;
use super::reading::{read, try_again};
use super::session::{Idled, Session};
use super::{Error, FolderCoverage, Mode, Report, Start};
use crate::domain::cursor::{Plan, Selected};
use crate::domain::message::FolderRole;
use crate::keyring;
use crate::oauth::Life;

/// After so many IDLEs in a row that told of mail only when they were ended, or not, push is not
/// trusted.
const LATE: u32 = 2;
/// The most connections of one pass, where mails end them.
const CONNECTIONS: u32 = 10;
/// How often a keyring that is locked is looked at.
const UNLOCK_LOOK: Duration = Duration::from_secs(3);
/// False calls in a row slow the watch down by `backoff-min` each, up to so many times.
const FALSE_CALLS: u32 = 15;

/// Reads every folder once over one connection: `acewatch check`.
///
/// # Errors
/// See [`Error`]. What was committed before it stays so, and the cursors in `start` say how far.
pub async fn pass(start: &mut Start, reports: &mpsc::Sender<Report>) -> Result<(), Error> {
    let mut n_connections = 1;
    let mut told = BTreeSet::new();
    let mut anew = BTreeMap::new();
    loop {
        match connected_pass(start, reports, &mut told, &mut anew).await {
            // It remembers at which mails the connection died, and this time gets further.
            Err(err)
                if err.failure() == Failure::Passing
                    && start.unreadable.is_suspicious()
                    && n_connections < CONNECTIONS =>
            {
                n_connections += 1;
            }
            done => return done,
        }
    }
}

/// One connection of a pass; `told` and `anew` are as in [`Task`].
async fn connected_pass(
    start: &mut Start,
    reports: &mpsc::Sender<Report>,
    told: &mut BTreeSet<String>,
    anew: &mut BTreeMap<String, DateTime<Utc>>,
) -> Result<(), Error> {
    let session = match connect(&start.settings, &start.limits).await {
        Err(err) if access::is_worth_another(&start.settings, &err).await => {
            connect(&start.settings, &start.limits).await
        }
        done => done,
    };
    access::tell(&start.settings, reports).await;
    let mut session = session?;
    let glance = glance(&mut session, start).await?;
    let Resolved { folders, .. } = find_folders(&mut session, start, told).await?;
    let mode = if offers_push(&session, start) { Mode::Push } else { Mode::Poll };
    let round = read_all(&mut session, &folders, glance, start, reports, anew).await?;
    complete(start, reports, round, mode).await?;
    for folder in &folders {
        try_again(&mut session, folder, start, reports).await?;
    }
    session.logout().await;
    Ok(())
}

/// Watches a mailbox until `shutdown` becomes true or its sender goes.
///
/// Errors become [`Report::Trouble`] and a pause, never an end. `nudge` makes the task look at once,
/// as after a suspend; it does not shorten the pause after a refused login.
pub async fn watch(
    start: Start,
    reports: mpsc::Sender<Report>,
    nudged: Nudged,
    mut shutdown: watch::Receiver<bool>,
) {
    let limits = &start.limits;
    let backoff = Backoff::new(limits.backoff_min, limits.backoff_max, limits.refused_login_retry);
    let mut task = Task {
        start,
        reports,
        nudged,
        backoff,
        logins: Logins::default(),
        told: BTreeSet::new(),
        anew: BTreeMap::new(),
        push: Push::Trusted { n_late: 0 },
        has_completed: false,
        life: None,
    };
    tokio::select! {
        // Dropping the task drops its connection. A batch in hand is committed or read again.
        _ = shutdown.wait_for(|is_over| *is_over) => {}
        () = task.run() => {}
    }
}

/// Whether IDLE has done what it is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Push {
    /// It has told of mail, or nothing speaks against it.
    Trusted { n_late: u32 },
    /// Mail was found of which it had not told.
    Distrusted,
    /// The server refuses it.
    Refused,
}

/// One mailbox, across connections.
struct Task {
    start: Start,
    reports: mpsc::Sender<Report>,
    nudged: Nudged,
    backoff: Backoff,
    logins: Logins,
    /// Missing special uses already warned of.
    told: BTreeSet<String>,
    /// Folders read anew since the last complete pass, and from when.
    anew: BTreeMap<String, DateTime<Utc>>,
    push: Push,
    /// Whether every folder was read over the present connection.
    has_completed: bool,
    /// How long the token lives by which it was logged in.
    life: Option<Life>,
}

/// INBOX as it was when a connection began.
struct Glance {
    at: DateTime<Utc>,
    selected: Selected,
}

/// What reading all folders once came to.
struct Round {
    started_at: DateTime<Utc>,
    folders: Vec<FolderCoverage>,
    /// Whether there was anything new in the folder that is idled on.
    is_moved: bool,
    /// How many mails there were in it.
    exists: u32,
}

/// Why the wait between two rounds ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Woken {
    /// IDLE told.
    Told,
    /// IDLE told only when it was ended.
    ToldLate,
    /// IDLE was quiet up to the end of the wait.
    Quiet,
    /// There was no IDLE, or it was cut short.
    Unknown,
}

impl Task {
    async fn run(&mut self) {
        loop {
            let err = match self.connection().await {
                Ok(never) => match never {},
                Err(err) => err,
            };
            if matches!(err, Error::NobodyListens) {
                return;
            }
            let settings = &self.start.settings;
            if self.has_completed && access::has_run_out(settings, &err, self.life).await {
                tracing::debug!(mailbox = %settings.name, "the access token ran out: logging in anew");
                continue;
            }
            let pause = self.backoff.after(err.failure(), random());
            let refused_login = 1 < self.backoff.refusals();
            let error = err.chain();
            tracing::debug!(
                mailbox = %self.start.settings.name, %error, pause = pause.as_secs(),
                "trying again after a pause"
            );
            let trouble = Report::Trouble {
                mailbox: self.start.settings.name.clone(),
                error,
                hint: err.hint(),
                refused_login,
            };
            if self.reports.send(trouble).await.is_err() {
                return;
            }
            match err.failure() {
                Failure::Unreachable | Failure::Passing | Failure::SignIn => {
                    let _ = timeout(pause, self.nudged.any()).await;
                }
                Failure::RefusedLogin | Failure::Throttled | Failure::Lasting => {
                    sleep(pause).await;
                }
                Failure::Awaited => {
                    let _ = timeout(pause, self.unlocked()).await;
                }
            }
        }
    }

    /// Waits until a person has made the secret readable. It is asked for again and again: a keyring
    /// that comes with its bus has nothing yet by which to tell, and asking takes a millisecond.
    async fn unlocked(&self) {
        let Start { settings, limits, .. } = &self.start;
        loop {
            sleep(UNLOCK_LOOK).await;
            let looked = settings.secret.look(keyring::Start::Never, limits.command_timeout).await;
            if looked.is_ok() {
                return;
            }
        }
    }

    /// Connects and logs in, with a new token where one was refused that should be good.
    async fn log_in(&mut self) -> Result<Session, Error> {
        let done = match self.log_in_once().await {
            Err(err) if access::is_worth_another(&self.start.settings, &err).await => {
                self.log_in_once().await
            }
            done => done,
        };
        access::tell(&self.start.settings, &self.reports).await;
        self.life = self.start.settings.secret.oauth().and_then(|oauth| oauth.life());
        done
    }

    /// Connects and logs in; a login is counted once the server has greeted us, because a server
    /// out of reach is asked for none.
    async fn log_in_once(&mut self) -> Result<Session, Error> {
        let Start { settings, limits, .. } = &self.start;
        let pause = self.logins.pause(Instant::now().into_std());
        if !pause.is_zero() {
            tracing::warn!(
                mailbox = %settings.name, pause = pause.as_secs(),
                "so many logins in so short a time: waiting before the next one"
            );
            sleep(pause).await;
        }
        // The server is not called while nobody could log in to it.
        settings.secret.look(keyring::Start::IfItCan, limits.command_timeout).await?;
        let early = early_secret(settings, limits).await?;
        let (nudged, limit) = (&mut self.nudged, limits.done_timeout);
        let greeted = hurried(nudged, limit, "the connection", greet(settings, limits)).await?;
        let secret = late_secret(early, settings, limits).await?;
        self.logins.count(Instant::now().into_std());
        let login = login(greeted, settings, limits, &secret);
        let mut session = hurried(nudged, limit, "the login", login).await?;
        session.hurry_when(nudged.clone());
        Ok(session)
    }

    /// Lives one connection to its end.
    async fn connection(&mut self) -> Result<Infallible, Error> {
        self.has_completed = false;
        let mut session = self.log_in().await?;
        let connected = Instant::now();
        self.backoff.logged_in();
        if self.push == Push::Refused {
            self.push = Push::Trusted { n_late: 0 };
        }
        let mut glance = glance(&mut session, &self.start).await?;
        let mut found = find_folders(&mut session, &mut self.start, &mut self.told).await?;
        let mut woken = Woken::Unknown;
        let mut n_false_calls = 0u32;
        loop {
            let next_look = Instant::now() + self.start.settings.poll_interval;
            // Whatever the nudges so far were about, this look answers them.
            self.nudged.forget();
            let Resolved { folders, missing } = &found;
            let round = read_all(
                &mut session,
                folders,
                glance.take(),
                &mut self.start,
                &self.reports,
                &mut self.anew,
            )
            .await?;
            let (is_moved, exists) = (round.is_moved, round.exists);
            self.judge_push(woken, is_moved);
            let mode = match self.push {
                Push::Trusted { .. } if offers_push(&session, &self.start) => Mode::Push,
                Push::Trusted { .. } | Push::Distrusted | Push::Refused => Mode::Poll,
            };
            complete(&self.start, &self.reports, round, mode).await?;
            self.anew.clear();
            self.has_completed = true;
            self.backoff.worked(connected.elapsed());
            access::renew_ahead(&self.start.settings, &self.start.limits);
            access::tell(&self.start.settings, &self.reports).await;
            for folder in folders {
                try_again(&mut session, folder, &mut self.start, &self.reports).await?;
            }
            // Some providers make the folder for junk when they put the first mail there.
            if !missing.is_empty() {
                let now = find_folders(&mut session, &mut self.start, &mut self.told).await?;
                if now != found {
                    (found, woken) = (now, Woken::Unknown);
                    continue;
                }
            }
            // Some servers say EXISTS at the start of every IDLE; that must not become a storm.
            let is_false_call = woken == Woken::Told && !is_moved;
            n_false_calls = if is_false_call { n_false_calls + 1 } else { 0 };
            if 1 < n_false_calls {
                let pause = self.start.limits.backoff_min * n_false_calls.min(FALSE_CALLS);
                sleep_until(next_look.min(Instant::now() + pause)).await;
            }
            woken = self.wait(&mut session, folders, exists, next_look).await?;
        }
    }

    /// Waits until there is reason to look, at most until `next_look`. When the folder that is idled
    /// on was read, it had `exists` mails.
    async fn wait(
        &mut self,
        session: &mut Session,
        folders: &[Folder],
        exists: u32,
        next_look: Instant,
    ) -> Result<Woken, Error> {
        let renew = self.start.limits.idle_renew;
        let mut woken = Woken::Unknown;
        loop {
            let is_refused = self.push == Push::Refused;
            let inbox =
                idled_on(folders).filter(|_| !is_refused && offers_push(session, &self.start));
            let until = next_look.min(Instant::now() + renew);
            let Some(inbox) = inbox else {
                tokio::select! {
                    () = self.nudged.any() => return Ok(Woken::Unknown),
                    () = sleep_until(until) => {}
                }
                if next_look <= Instant::now() {
                    return Ok(Woken::Unknown);
                }
                // Keeps the server from ending the session (RFC 3501 §5.4) and shows that it lives.
                session.noop().await?;
                continue;
            };
            // What came since the folder was last examined would be told of by nobody. After a
            // quiet IDLE, which is being renewed, it should have been told of.
            let selected = session.examine(&inbox.raw).await?;
            let is_news = match selected.uid_next {
                Some(_) => {
                    Plan::after(self.start.cursors.get(&inbox.name), &selected) != Plan::Nothing
                }
                None => selected.exists != exists,
            };
            if is_news {
                return Ok(woken);
            }
            let mut is_nudged = false;
            let idled = session
                .idle(async {
                    tokio::select! {
                        () = self.nudged.any() => is_nudged = true,
                        () = sleep_until(until) => {}
                    }
                })
                .await;
            match idled {
                Ok(Idled::Told) => return Ok(Woken::Told),
                Ok(Idled::ToldLate) if is_nudged => return Ok(Woken::Unknown),
                Ok(Idled::ToldLate) => return Ok(Woken::ToldLate),
                Ok(Idled::Quiet) if is_nudged => return Ok(Woken::Unknown),
                Ok(Idled::Quiet) if next_look <= Instant::now() => return Ok(Woken::Quiet),
                Ok(Idled::Quiet) => {
                    woken = Woken::Quiet;
                    // A server that ends each IDLE at once is not to be asked in a tight loop.
                    if Instant::now() < until {
                        sleep(self.start.limits.backoff_min).await;
                    }
                }
                Err(Error::Refused { source, .. }) => {
                    tracing::warn!(
                        mailbox = %self.start.settings.name, answer = %source,
                        "the server offers push and refuses it"
                    );
                    self.push = Push::Refused;
                }
                Err(err) => return Err(err),
            }
        }
    }

    /// Draws conclusions from how the wait ended and whether there was anything new after it.
    fn judge_push(&mut self, woken: Woken, is_moved: bool) {
        let mailbox = &self.start.settings.name;
        self.push = match (self.push, woken) {
            (Push::Refused, _) => Push::Refused,
            (_, Woken::Told) => Push::Trusted { n_late: 0 },
            // Once may be a mail that came between the end of an IDLE and the look after it.
            (Push::Trusted { n_late }, Woken::Quiet | Woken::ToldLate) if is_moved => {
                if n_late + 1 < LATE {
                    Push::Trusted { n_late: n_late + 1 }
                } else {
                    let woken = if woken == Woken::Quiet { "does not tell" } else { "tells late" };
                    tracing::warn!(%mailbox, "push {woken} of mail that the poll found");
                    Push::Distrusted
                }
            }
            (push, _) => push,
        };
    }
}

/// Waits for `step`, after a doubt no longer than `limit`: what was begun before a suspend, or in
/// another network, seldom ends.
async fn hurried<T>(
    nudged: &mut Nudged,
    limit: Duration,
    command: &'static str,
    step: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::pin!(step);
    tokio::select! {
        biased;
        done = &mut step => return done,
        () = nudged.doubt() => {}
    }
    timeout(limit, step).await.unwrap_or(Err(Error::Silent { command, limit }))
}

/// Forgets how far the folders were read that are gone, with whose coverage it is over too: one that
/// comes back is read anew.
fn forget_absent(start: &mut Start, folders: &[Folder]) {
    start.cursors.retain(|name, _| folders.iter().any(|folder| folder.name == *name));
}

/// Looks at INBOX before the folders are listed, where that may spare looking afterwards.
///
/// After a LIST, Dovecot 2.3 takes a Maildir for changed and reads all of it at the next EXAMINE:
/// 50 ms for 100,000 mails, against 4 ms before.
async fn glance(session: &mut Session, start: &Start) -> Result<Option<Glance>, Error> {
    if !start.cursors.contains_key(INBOX) {
        return Ok(None);
    }
    let at = (start.clock)();
    match session.examine(INBOX).await {
        Ok(selected) => Ok(Some(Glance { at, selected })),
        // It may be configured no more, and closed to us.
        Err(Error::Refused { .. }) => Ok(None),
        Err(err) => Err(err),
    }
}

/// Finds out which folders to read. A special use without a folder is warned of once.
async fn find_folders(
    session: &mut Session,
    start: &mut Start,
    told: &mut BTreeSet<String>,
) -> Result<Resolved, Error> {
    let settings = &start.settings;
    let sent = settings.sent.as_ref();
    let listed =
        if need_list(&settings.folders, sent) { session.list().await? } else { Vec::new() };
    let resolved = resolve(&settings.folders, sent, &listed).map_err(Error::NoFolder)?;
    // A mailbox of which only Sent is there is not being watched.
    if !resolved.missing.is_empty()
        && resolved.folders.iter().all(|folder| folder.role == FolderRole::Sent)
    {
        return Err(Error::NoFolder(Absent {
            names: resolved.missing,
            existing: listed.iter().map(|folder| decoded(&folder.raw)).collect(),
        }));
    }
    for missing in &resolved.missing {
        if told.insert(missing.clone()) {
            tracing::warn!(
                mailbox = %settings.name, special_use = %missing,
                "the server has no such folder; name it in the configuration, or leave it out"
            );
        }
    }
    forget_absent(start, &resolved.folders);
    Ok(resolved)
}

/// Reads every folder up to the present.
async fn read_all(
    session: &mut Session,
    folders: &[Folder],
    glance: Option<Glance>,
    start: &mut Start,
    reports: &mpsc::Sender<Report>,
    anew: &mut BTreeMap<String, DateTime<Utc>>,
) -> Result<Round, Error> {
    let started_at = glance.as_ref().map_or_else(start.clock, |glance| glance.at);
    let mut round = Round { started_at, folders: Vec::new(), is_moved: false, exists: 0 };
    for folder in folders {
        let seen = glance.as_ref().filter(|_| folder.raw == INBOX).map(|glance| glance.selected);
        let reading = read(session, folder, seen, start, reports).await?;
        if let Some(from) = reading.from {
            anew.insert(folder.name.clone(), from);
        }
        if idled_on(folders) == Some(folder) {
            round.is_moved = reading.is_moved;
            round.exists = reading.exists;
        }
        round.folders.push(FolderCoverage {
            folder: folder.name.clone(),
            role: folder.role,
            from: anew.get(&folder.name).copied(),
        });
    }
    Ok(round)
}

async fn complete(
    start: &Start,
    reports: &mpsc::Sender<Report>,
    round: Round,
    mode: Mode,
) -> Result<(), Error> {
    let (recorded, answer) = oneshot::channel();
    let report = Report::Complete {
        mailbox: start.settings.name.clone(),
        started_at: round.started_at,
        folders: round.folders,
        mode,
        answer: recorded,
    };
    reports.send(report).await.map_err(|_| Error::NobodyListens)?;
    match answer.await {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(Error::NotRecorded),
    }
}

fn offers_push(session: &Session, start: &Start) -> bool {
    start.settings.idle && session.can("IDLE")
}

/// The folder in which news is waited for: the first inbox folder.
fn idled_on(folders: &[Folder]) -> Option<&Folder> {
    folders.iter().find(|folder| folder.role == FolderRole::Inbox).or(folders.first())
}

/// A random number from the keys the standard library seeds its hash maps with.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::super::nudge::Nudger;
    use super::super::reading::tests::start;
    use super::*;
    use crate::config::Tls;
    use crate::domain::cursor::Cursor;
    use crate::secret::SecretSource;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    /// How the server of a test behaves.
    #[derive(Clone, Copy)]
    struct Manner {
        capabilities: &'static str,
        login: &'static str,
        /// What IDLE is answered with.
        idle: &'static str,
        /// After how many EXAMINEs new mail is there.
        new_mail_after: u32,
        /// Whether more of it comes after as many EXAMINEs again, and again.
        keeps_coming: bool,
        /// Whether EXAMINE names UIDNEXT.
        names_uid_next: bool,
    }

    const WELL: Manner = Manner {
        capabilities: "IMAP4rev1 IDLE",
        login: "@ OK [CAPABILITY IMAP4rev1 IDLE] in\r\n",
        idle: "+ idling\r\n",
        new_mail_after: u32::MAX,
        keeps_coming: false,
        names_uid_next: true,
    };

    /// Serves any number of connections; returns the port and the count of logins.
    async fn serve(manner: Manner) -> (u16, Arc<AtomicU32>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let logins = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&logins);
        tokio::spawn(async move {
            let mut n_examined = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let mut stream = BufReader::new(stream);
                let greeting = format!("* OK [CAPABILITY {}] hi\r\n", manner.capabilities);
                let _ = stream.write_all(greeting.as_bytes()).await;
                let (mut line, mut idle_tag) = (String::new(), String::new());
                while 0 < stream.read_line(&mut line).await.unwrap_or(0) {
                    let mut words = line.split_ascii_whitespace();
                    let tag = words.next().unwrap_or("").to_owned();
                    let answer = match words.next().unwrap_or("DONE") {
                        "LOGIN" => {
                            counted.fetch_add(1, Ordering::Relaxed);
                            manner.login.to_owned()
                        }
                        "EXAMINE" => {
                            n_examined += 1;
                            let after = manner.new_mail_after;
                            let n_new = match manner.keeps_coming {
                                true => (n_examined - 1) / (after * 4),
                                false => u32::from(after < n_examined),
                            };
                            let (exists, next) = (3 + n_new, 9 + n_new);
                            let next = match manner.names_uid_next {
                                true => format!("* OK [UIDNEXT {next}] n\r\n"),
                                false => String::new(),
                            };
                            format!(
                                "* {exists} EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n{next}@ OK x\r\n"
                            )
                        }
                        "IDLE" => {
                            idle_tag = tag.clone();
                            manner.idle.to_owned()
                        }
                        "DONE" => format!("{idle_tag} OK x\r\n"),
                        _ => "@ OK x\r\n".to_owned(),
                    };
                    let answer = answer.replace('@', &tag);
                    if stream.write_all(answer.as_bytes()).await.is_err() || answer.contains("BYE")
                    {
                        break;
                    }
                    line.clear();
                }
            }
        });
        (port, logins)
    }

    /// A mailbox on that port, times in hundredths of what they are in life.
    fn quick(port: u16) -> Start {
        let mut start = start(Some(Cursor { uid_validity: 7, uid_next: 9 }));
        start.settings.port = port;
        start.settings.tls = Tls::None;
        start.settings.secret = SecretSource::Command(vec!["echo".to_owned(), "x".to_owned()]);
        start.settings.poll_interval = Duration::from_millis(100);
        start.limits.idle_renew = Duration::from_millis(40);
        start.limits.backoff_min = Duration::from_millis(10);
        start.limits.refused_login_retry = Duration::from_millis(50);
        start
    }

    /// Takes the next report, which must be that everything has been read.
    async fn completed(receiver: &mut mpsc::Receiver<Report>) {
        match receiver.recv().await {
            Some(Report::Complete { answer, .. }) => answer.send(true).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Watches a server of such manners and returns the first `n` reports, in short.
    async fn check(manner: Manner, n: usize, expected: &[&str]) -> u32 {
        let (port, logins) = serve(manner).await;
        let (sender, mut receiver) = mpsc::channel(4);
        let (stop, shutdown) = watch::channel(false);
        let task = tokio::spawn(watch(quick(port), sender, Nudged::never(), shutdown));
        let mut seen = Vec::new();
        while seen.len() < n {
            seen.push(match receiver.recv().await.unwrap() {
                Report::Batch(batch, committed) => {
                    committed.send(true).unwrap();
                    format!("batch to {}", batch.cursor.uid_next)
                }
                Report::Complete { mode, answer, .. } => {
                    answer.send(true).unwrap();
                    format!("complete {mode:?}")
                }
                Report::Trouble { error, refused_login, .. } => format!("{error} {refused_login}"),
                Report::Access { news, .. } => format!("{news:?}"),
            });
        }
        assert_eq!(seen, expected);
        stop.send(true).unwrap();
        task.await.unwrap();
        logins.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_quiet_mailbox_is_complete_at_each_poll_over_one_connection() {
        assert_eq!(check(WELL, 3, &["complete Push"; 3]).await, 1);
    }

    #[tokio::test]
    async fn mail_that_push_did_not_tell_of_is_found_by_the_poll_and_said_at_the_second_time() {
        let (port, _) = serve(Manner { new_mail_after: 2, keeps_coming: true, ..WELL }).await;
        let (sender, mut receiver) = mpsc::channel(4);
        let (_stop, shutdown) = watch::channel(false);
        tokio::spawn(watch(quick(port), sender, Nudged::never(), shutdown));
        let (mut n_found, mut trusted_after) = (0, Vec::new());
        loop {
            match receiver.recv().await.unwrap() {
                Report::Batch(_, committed) => {
                    n_found += 1;
                    committed.send(true).unwrap();
                }
                Report::Complete { mode: Mode::Push, answer, .. } => {
                    trusted_after.push(n_found);
                    answer.send(true).unwrap();
                }
                Report::Complete { mode: Mode::Poll, .. } => break,
                other => panic!("{other:?}"),
            }
        }
        // On a machine with much to do more than one may come between two looks.
        assert!(2 <= n_found, "{n_found}");
        assert!(trusted_after.contains(&0) && trusted_after.contains(&1), "{trusted_after:?}");
    }

    #[tokio::test]
    async fn without_uidnext_mail_that_came_before_idle_is_looked_for_at_once() {
        let manner = Manner { new_mail_after: 1, names_uid_next: false, ..WELL };
        let (port, _) = serve(manner).await;
        let (sender, mut receiver) = mpsc::channel(4);
        let (_stop, shutdown) = watch::channel(false);
        let mut start = quick(port);
        start.cursors.clear();
        start.settings.poll_interval = Duration::from_secs(3600);
        start.limits.idle_renew = Duration::from_secs(3600);
        tokio::spawn(watch(start, sender, Nudged::never(), shutdown));
        match receiver.recv().await {
            Some(Report::Batch(_, committed)) => committed.send(true).unwrap(),
            other => panic!("{other:?}"),
        }
        completed(&mut receiver).await;
        completed(&mut receiver).await;
    }

    #[tokio::test]
    async fn mail_that_push_tells_of_is_read_at_once() {
        let manner = Manner { new_mail_after: 2, idle: "+ idling\r\n* 4 EXISTS\r\n", ..WELL };
        check(manner, 3, &["complete Push", "batch to 10", "complete Push"]).await;
    }

    #[tokio::test]
    async fn false_calls_slow_the_watch_down() {
        let manner = Manner { idle: "+ idling\r\n* 3 EXISTS\r\n", ..WELL };
        let (port, _) = serve(manner).await;
        let (sender, mut receiver) = mpsc::channel(4);
        let (_stop, shutdown) = watch::channel(false);
        let mut start = quick(port);
        start.settings.poll_interval = Duration::from_secs(3600);
        start.limits.backoff_min = Duration::from_secs(3600);
        tokio::spawn(watch(start, sender, Nudged::never(), shutdown));
        for _ in 0..3 {
            completed(&mut receiver).await;
        }
        let fourth = timeout(Duration::from_millis(200), receiver.recv()).await;
        assert!(fourth.is_err(), "{fourth:?}");
    }

    #[tokio::test]
    async fn a_server_without_push_is_polled() {
        let manner = Manner {
            capabilities: "IMAP4rev1",
            login: "@ OK [CAPABILITY IMAP4rev1] in\r\n",
            new_mail_after: 1,
            ..WELL
        };
        check(manner, 3, &["complete Poll", "batch to 10", "complete Poll"]).await;
    }

    #[tokio::test]
    async fn a_server_that_refuses_the_push_it_offers_is_polled_over_the_same_connection() {
        let manner = Manner { idle: "@ NO not now\r\n", ..WELL };
        let logins = check(manner, 3, &["complete Push", "complete Poll", "complete Poll"]).await;
        assert_eq!(logins, 1);
    }

    #[tokio::test]
    async fn one_refused_login_is_no_wrong_password_yet() {
        let manner = Manner { login: "@ NO [AUTHENTICATIONFAILED] no\r\n", ..WELL };
        let told = "the server refused the login: NO [AUTHENTICATIONFAILED] no";
        let (first, then) = (format!("{told} false"), format!("{told} true"));
        let logins = check(manner, 3, &[&first, &then, &then]).await;
        assert_eq!(logins, 3);
    }

    #[tokio::test]
    async fn a_connection_lost_in_idle_is_made_again() {
        let manner = Manner { idle: "+ idling\r\n* BYE AccessTokenExpired\r\n", ..WELL };
        let lost = "the server closed the connection during IDLE: BYE AccessTokenExpired false";
        let logins = check(manner, 3, &["complete Push", lost, "complete Push"]).await;
        assert_eq!(logins, 2);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_trouble_and_not_an_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let (sender, mut receiver) = mpsc::channel(4);
        let (stop, shutdown) = watch::channel(false);
        let task = tokio::spawn(watch(quick(port), sender, Nudged::never(), shutdown));
        for _ in 0..3 {
            let Some(Report::Trouble { error, hint, refused_login, .. }) = receiver.recv().await
            else {
                panic!("no trouble");
            };
            assert!(error.starts_with("cannot connect to localhost:"), "{error}");
            assert!(hint.is_some() && !refused_login);
        }
        stop.send(true).unwrap();
        task.await.unwrap();
    }

    #[tokio::test]
    async fn a_nudge_looks_at_once() {
        let (port, _) = serve(WELL).await;
        let (sender, mut receiver) = mpsc::channel(4);
        let (_stop, shutdown) = watch::channel(false);
        let (nudger, nudged) = Nudger::new();
        let mut start = quick(port);
        start.settings.poll_interval = Duration::from_secs(3600);
        start.limits.idle_renew = Duration::from_secs(3600);
        tokio::spawn(watch(start, sender, nudged, shutdown));
        completed(&mut receiver).await;
        nudger.look();
        completed(&mut receiver).await;
    }
}
