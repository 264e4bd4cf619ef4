//! The way of an alert from its row to the desktop, and what becomes of it there.
//!
//! That a notice is about to be handed over is recorded before, and that it was accepted after. A kill
//! between the two leaves an attempt of which nobody can say whether it was seen: the alert is then
//! shown once more. Where that was cut off as well, it is not shown a third time as if it were new;
//! one notice, not before a pause, says what may have been missed. So nothing is lost, nothing
//! comes more than twice, and a program that dies of its notices does not fill the screen.
//!
//! Nothing here waits: the desktop is asked, and what it says comes as a reason to wake.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::open_lock;
use super::outgoing::{Manner, Outgoing, outgoing};
use crate::app::{App, DESKTOP, buttons_of, replaced_by};
use crate::domain::notice::{NoticeId, urgency_of};
use crate::notify::channel::Message;
use crate::notify::desktop::{Closing, Heard};
use crate::notify::open::Opener;
use crate::notify::{Desktop, Notice, NotifyError};
use crate::store::notice::{self, Standing, State};
use crate::store::query::{self, PendingAlert};
use crate::store::{self, record};

/// The pause before a server that came back is given what the last one did not take.
const SOON: Duration = Duration::from_secs(5);

/// So much of what people did with notices is kept while the database fails.
const N_UNRECORDED: usize = 64;

/// What became of the alerts that were to be shown.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Delivery {
    /// Alerts that reached the desktop.
    pub shown: usize,
    /// Alerts that have not, held back or failed.
    pub waiting: usize,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Shows the alerts that have not reached a person and may be shown now; many at once become one
/// notice. Must be called within a runtime of tokio. Some desktops take the notices away when the one
/// that is returned goes.
///
/// # Errors
///
/// Those of the database. A desktop that cannot be reached is part of the answer.
pub async fn deliver(app: &mut App, now: DateTime<Utc>) -> Result<(Delivery, Desktop)> {
    let mut outbox = Outbox::new(app.settings.limits.notify_timeout, app.settings.notify.retry);
    outbox.start(app, now)?;
    while outbox.is_busy() {
        let heard = outbox.next().await;
        outbox.heed(app, heard, now)?;
        outbox.start(app, now)?;
    }
    let delivery = Delivery {
        shown: outbox.n_shown,
        waiting: usize::try_from(query::n_pending_alerts(app.store.read())?).unwrap_or(0),
        error: outbox.last_error.map(|error| error.to_string()),
    };
    Ok((delivery, outbox.desktop))
}

/// What the daemon remembers between two attempts.
#[derive(Debug)]
pub(super) struct Outbox {
    desktop: Desktop,
    opener: Opener,
    retry: Duration,
    not_before: Option<Instant>,
    last_error: Option<NotifyError>,
    /// Who shows notices, and whether they are known to answer.
    server: Option<String>,
    is_ready: bool,
    step: Step,
    /// The right to show alerts, while one is under way.
    turn: Option<File>,
    /// Alerts that were accepted and could not be marked yet.
    accepted: Option<Accepted>,
    /// Notices that are being taken back.
    leaving: BTreeSet<NoticeId>,
    /// Whether the last notice was not taken.
    has_failed: bool,
    /// What was heard and could not be recorded yet.
    unrecorded: Vec<Heard>,
    /// Whether the notice of which no alert knows was accepted.
    is_aside_shown: bool,
    n_shown: usize,
}

/// What is under way.
#[derive(Debug)]
enum Step {
    Nothing,
    /// The server was asked whether it is there.
    Asked,
    /// A notice was handed over.
    Showing {
        ids: Vec<i64>,
        /// The server that it was handed to.
        to: Option<String>,
        replaces: Option<NoticeId>,
        is_late: bool,
    },
    /// A notice of which no alert knows.
    Aside {
        is_late: bool,
    },
}

#[derive(Debug)]
struct Accepted {
    ids: Vec<i64>,
    notice: NoticeId,
    replaces: Option<NoticeId>,
}

impl Outbox {
    /// Must be called within a runtime of tokio.
    pub(super) fn new(limit: Duration, retry: Duration) -> Outbox {
        Outbox {
            desktop: Desktop::new(limit),
            opener: Opener::default(),
            retry,
            not_before: None,
            last_error: None,
            server: None,
            is_ready: false,
            step: Step::Nothing,
            turn: None,
            accepted: None,
            leaving: BTreeSet::new(),
            has_failed: false,
            unrecorded: Vec::new(),
            is_aside_shown: false,
            n_shown: 0,
        }
    }

    /// Goes on with another pause between two attempts, and tries at once.
    pub(super) fn change(&mut self, retry: Duration) {
        self.retry = retry;
        self.not_before = None;
    }

    pub(super) fn retry_now(&mut self) {
        self.not_before = None;
    }

    /// Looks for a session, so that what becomes of notices is heard and a login is noticed.
    pub(super) fn look(&self, app: &App) {
        if app.settings.notify.desktop {
            self.desktop.look();
        }
    }

    /// Waits for what the desktop says next; giving up the wait loses nothing.
    pub(super) async fn next(&mut self) -> Heard {
        self.desktop.next().await
    }

    /// Whether something will be heard within bounded time.
    pub(super) fn is_busy(&self) -> bool {
        let is_late = match &self.step {
            Step::Nothing => return !self.leaving.is_empty(),
            Step::Asked => false,
            Step::Showing { is_late, .. } | Step::Aside { is_late } => *is_late,
        };
        !is_late
    }

    /// Shows a notice that no alert stands for, as soon as the desktop is free; to be called again
    /// until it says that it was shown.
    pub(super) fn tell(&mut self, notice: Notice) -> bool {
        if std::mem::take(&mut self.is_aside_shown) {
            return true;
        }
        match (&self.step, self.is_ready) {
            (Step::Nothing, true) => {
                self.desktop.show(notice);
                self.step = Step::Aside { is_late: false };
            }
            (Step::Nothing, false) => self.ask(),
            _ => {}
        }
        false
    }

    /// Does the next thing there is to do, if nothing is under way.
    pub(super) fn start(&mut self, app: &mut App, now: DateTime<Utc>) -> Result<()> {
        self.mark(app, now)?;
        let unrecorded = std::mem::take(&mut self.unrecorded);
        unrecorded.into_iter().map(|heard| self.heed(app, heard, now)).fold(Ok(()), Result::and)?;
        if !app.settings.notify.desktop {
            // Where nobody wants to be told, `status` tells what there is.
            app.pending_alerts(DESKTOP, now)?;
            return Ok(());
        }
        if !matches!(self.step, Step::Nothing) {
            return Ok(());
        }
        let ready = ready(app, now)?;
        let standing = match &self.server {
            Some(server) => {
                app.settle_old_codes(now)?;
                notice::standing(app.store.read(), server)?
            }
            None => Vec::new(),
        };
        let minute = chrono::Duration::minutes(1);
        let n_shown = notice::n_shown(app.store.read(), now - minute, now)?;
        let manner = Manner {
            digest_over: app.settings.notify.digest_over,
            room: app.settings.notify.per_minute.saturating_sub(n_shown),
            retry: self.retry,
            urgencies: &app.settings.notify.urgency,
        };
        let next = outgoing(&ready, &manner, now);
        self.take_back_settled(&standing, &next);
        let is_time = self.not_before.is_none_or(|not_before| not_before <= Instant::now());
        let Some(next) = next.into_iter().next().filter(|_| is_time) else { return Ok(()) };
        // Asked before anything is written, because where there is no desktop there is none for years.
        if !self.is_ready {
            self.ask();
            return Ok(());
        }
        // One process at a time: two would show the same alerts.
        let Some(turn) = turn(app.store.path()) else { return Ok(()) };
        // Another one may have shown them while it had its turn.
        let Outgoing { message, ids } = next;
        let still = ready_ids(app, now)?;
        if !ids.iter().all(|id| still.contains(id)) {
            return Ok(());
        }
        app.store.write(|tx| record::attempted(tx, DESKTOP, &ids, &message.key, now))?;
        let replaces = replaced(&standing, &message);
        self.desktop.show(Notice {
            buttons: buttons_of(message.parts.iter().map(|part| &part.alert)),
            key: message.key,
            urgency: message.urgency,
            title: message.title,
            body: message.body,
            replaces: replaces.clone(),
        });
        self.step = Step::Showing { ids, to: self.server.clone(), replaces, is_late: false };
        self.turn = Some(turn);
        Ok(())
    }

    /// Records what the desktop said, and does what a person wants by a button. What a person did is
    /// kept for the next time where it cannot be recorded.
    pub(super) fn heed(&mut self, app: &mut App, heard: Heard, now: DateTime<Utc>) -> Result<()> {
        let is_of_a_person = matches!(heard, Heard::Closed(..) | Heard::Pressed(..));
        let kept = (is_of_a_person && self.unrecorded.len() < N_UNRECORDED).then(|| heard.clone());
        let done = self.take(app, heard, now);
        if done.is_err() {
            self.unrecorded.extend(kept);
        }
        done
    }

    fn take(&mut self, app: &mut App, heard: Heard, now: DateTime<Utc>) -> Result<()> {
        match heard {
            Heard::Server(server) => {
                match (&self.server, &server) {
                    // One that ends over what it is given must not be fed as fast as it comes back.
                    (_, Some(_)) if self.has_failed => {
                        let soon = Instant::now() + SOON;
                        self.not_before = self.not_before.map(|not_before| not_before.min(soon));
                    }
                    // It came, or it is a bus on which one may be started.
                    (_, Some(_)) | (None, None) => self.not_before = None,
                    (Some(_), None) => {}
                }
                self.is_ready = false;
                self.leaving.clear();
                self.server = server;
                let server = self.server.as_deref();
                if notice::has_strange(app.store.read(), server)? {
                    app.store.write(|tx| notice::lose_strange(tx, server, now))?;
                }
            }
            Heard::Ready => {
                self.is_ready = true;
                self.step = Step::Nothing;
            }
            Heard::Unready(error) => {
                self.step = Step::Nothing;
                let waiting = ready(app, now)?;
                self.failed(app, error, &waiting)?;
            }
            Heard::Shown(notice) => {
                let step = std::mem::replace(&mut self.step, Step::Nothing);
                self.turn = None;
                self.has_failed = false;
                self.is_aside_shown = matches!(step, Step::Aside { .. });
                if let Step::Showing { ids, replaces, .. } = step {
                    self.accepted = Some(Accepted { ids, notice, replaces });
                    self.last_error = None;
                    return self.mark(app, now);
                }
            }
            Heard::Failed(error) => {
                let step = std::mem::replace(&mut self.step, Step::Nothing);
                self.turn = None;
                self.has_failed = true;
                self.is_ready = false;
                let mut has_successor = false;
                if let Step::Showing { ids, to, .. } = step {
                    app.store.write(|tx| record::attempted_in_vain(tx, DESKTOP, &ids))?;
                    has_successor = self.server.is_some() && self.server != to;
                }
                let waiting = ready(app, now)?;
                self.failed(app, error, &waiting)?;
                if has_successor {
                    self.not_before = Some(Instant::now() + SOON.min(self.retry));
                }
            }
            Heard::Late => {
                if let Step::Showing { is_late, .. } | Step::Aside { is_late } = &mut self.step {
                    *is_late = true;
                }
                // What hangs shows everything it was given once it goes on: nothing more is given.
                let waiting = ready(app, now)?;
                self.failed(app, NotifyError::TimedOut, &waiting)?;
            }
            Heard::Closed(notice, why) => {
                let state = match why {
                    Closing::ByUser => State::Closed,
                    Closing::Expired => State::Expired,
                    // Its end as ours is told by the answer to our call.
                    Closing::ByCall if self.leaving.contains(&notice) => return Ok(()),
                    Closing::ByCall | Closing::Undefined => State::Lost,
                };
                note(app, &notice, state, now)?;
            }
            Heard::TakenBack(notice) => {
                if self.leaving.remove(&notice) {
                    note(app, &notice, State::TakenBack, now)?;
                }
            }
            Heard::Pressed(notice, button) => {
                if let Some(command) = app.pressed(&notice, &button, now)? {
                    self.opener.open(&command);
                }
                // Some servers leave it where it is, and it has been answered.
                if notice::is_ours(app.store.read(), &notice)? {
                    self.desktop.take_back(notice);
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self) {
        self.desktop.ask();
        self.step = Step::Asked;
    }

    fn failed(
        &mut self,
        app: &mut App,
        error: NotifyError,
        waiting: &[PendingAlert],
    ) -> Result<()> {
        self.not_before = Some(Instant::now() + self.retry);
        let text = error.to_string();
        // Written when it changes: a server without a desktop tries for years.
        let news: Vec<i64> =
            waiting.iter().filter(|p| p.last_error.as_ref() != Some(&text)).map(|p| p.id).collect();
        if !news.is_empty() {
            app.store.write(|tx| record::not_delivered(tx, DESKTOP, &news, &text))?;
        }
        if self.last_error.as_ref() != Some(&error) {
            if !waiting.is_empty() {
                tracing::warn!(waiting = waiting.len(), "alerts wait: {error}");
            }
            self.last_error = Some(error);
        }
        Ok(())
    }

    /// Marks what was accepted.
    fn mark(&mut self, app: &mut App, now: DateTime<Utc>) -> Result<()> {
        let Some(Accepted { ids, notice, replaces }) = &self.accepted else { return Ok(()) };
        app.store.write(|tx| notice::accepted(tx, ids, notice, replaces.as_ref(), now))?;
        tracing::info!(shown = ids.len(), "alerts shown");
        self.n_shown += ids.len();
        self.accepted = None;
        Ok(())
    }

    /// Takes back what no longer holds, but for what a notice is about to replace.
    fn take_back_settled(&mut self, standing: &[Standing], next: &[Outgoing]) {
        let replaced: Vec<NoticeId> =
            next.iter().filter_map(|outgoing| replaced(standing, &outgoing.message)).collect();
        for Standing { notice, is_settled, .. } in standing {
            let is_leaving = self.leaving.contains(notice) || replaced.contains(notice);
            if *is_settled && !is_leaving {
                self.leaving.insert(notice.clone());
                self.desktop.take_back(notice.clone());
            }
        }
    }
}

/// The notice on the screen that this message takes the place of.
fn replaced(standing: &[Standing], message: &Message) -> Option<NoticeId> {
    let [part] = message.parts.as_slice() else { return None };
    let old = standing.iter().find(|old| replaced_by(&part.alert, &old.alerts, old.is_settled));
    old.map(|old| old.notice.clone())
}

/// The alerts that the desktop is to show now.
fn ready(app: &mut App, now: DateTime<Utc>) -> Result<Vec<PendingAlert>> {
    let pending = app.pending_alerts(DESKTOP, now)?;
    let (hours, chosen) = (app.hours(), &app.settings.notify.urgency);
    let is_ready = |p: &PendingAlert| {
        urgency_of(&p.alert, chosen).is_some() && hours.allow(p.alert.kind, &app.calendar, now)
    };
    Ok(pending.into_iter().filter(is_ready).collect())
}

fn ready_ids(app: &mut App, now: DateTime<Utc>) -> Result<BTreeSet<i64>> {
    Ok(ready(app, now)?.into_iter().map(|p| p.id).collect())
}

/// Records what became of a notice, if it is one of ours.
fn note(app: &mut App, id: &NoticeId, state: State, now: DateTime<Utc>) -> Result<()> {
    if notice::is_ours(app.store.read(), id)? {
        app.store.write(|tx| notice::changed(tx, id, state, None, now))?;
    }
    Ok(())
}

/// The right to show alerts, for as long as it is kept; `None` while another process has it.
fn turn(database: &Path) -> Option<File> {
    match open_lock(&store::with_suffix(database, ".outbox.lock")) {
        Ok(file) => file.try_lock().is_ok().then_some(file),
        // Where no file can be made nobody else has made one either.
        Err(_) => tempfile::tempfile().ok(),
    }
}
