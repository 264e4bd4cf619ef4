//! The way of an alert from its row to the desktop.
//!
//! That a notice is about to be handed over is recorded before, and that it was shown after. A kill
//! between the two leaves an attempt of which nobody can say whether it was seen: the alert is then
//! shown once more. Where that was cut off as well, it is not shown a third time as if it were new;
//! one notice, not before a pause, says what may have been missed. So nothing is lost, nothing
//! comes more than twice, and a program that dies of its notices does not fill the screen.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::open_lock;
use crate::app::{App, DESKTOP};
use crate::domain::alert::{Alert, AlertKind, digest};
use crate::notify::channel::Message;
use crate::notify::{Desktop, Notice, NotifyError, Urgency};
use crate::store::query::{self, PendingAlert};
use crate::store::{self, record};

/// After so many attempts without word an alert is one that may have been missed.
const DOUBTFUL: u32 = 2;
/// So many times the pause between two attempts goes by before it is told.
pub(super) const PATIENCE: i32 = 10;

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
/// notice.
///
/// # Errors
///
/// Those of the database. A desktop that cannot be reached is part of the answer.
pub async fn deliver(app: &mut App, desktop: &mut Desktop, now: DateTime<Utc>) -> Result<Delivery> {
    Outbox::new(app.settings.notify.retry).attempt(app, desktop, now).await
}

/// What the daemon remembers between two attempts.
#[derive(Debug)]
pub(super) struct Outbox {
    retry: Duration,
    not_before: Option<Instant>,
    last_error: Option<String>,
    /// Alerts that were shown and could not be marked yet.
    shown: Vec<i64>,
    /// Those of the notice that the desktop has taken and not answered for.
    unanswered: Vec<i64>,
}

/// What is to be told at once, and the rows it stands for.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) message: Message,
    pub(super) ids: Vec<i64>,
}

impl Outbox {
    pub(super) fn new(retry: Duration) -> Outbox {
        Outbox {
            retry,
            not_before: None,
            last_error: None,
            shown: Vec::new(),
            unanswered: Vec::new(),
        }
    }

    pub(super) fn retry_now(&mut self) {
        self.not_before = None;
    }

    /// Tries to deliver, unless the last attempt failed a moment ago.
    pub(super) async fn deliver(
        &mut self,
        app: &mut App,
        desktop: &mut Desktop,
        now: DateTime<Utc>,
    ) -> Result<()> {
        if self.not_before.is_some_and(|not_before| Instant::now() < not_before) {
            return Ok(());
        }
        match self.attempt(app, desktop, now).await {
            Ok(delivery) => {
                self.not_before = delivery.error.as_ref().map(|_| Instant::now() + self.retry);
                if delivery.error != self.last_error {
                    if let Some(error) = &delivery.error {
                        tracing::warn!(waiting = delivery.waiting, "alerts wait: {error}");
                    }
                    self.last_error = delivery.error;
                }
                if 0 < delivery.shown {
                    tracing::info!(shown = delivery.shown, "alerts shown");
                }
                Ok(())
            }
            Err(error) => {
                self.not_before = Some(Instant::now() + self.retry);
                Err(error.context("cannot deliver alerts"))
            }
        }
    }

    async fn attempt(
        &mut self,
        app: &mut App,
        desktop: &mut Desktop,
        now: DateTime<Utc>,
    ) -> Result<Delivery> {
        let mut delivery = Delivery::default();
        let answer = desktop.answer().await;
        match answer {
            Some(Ok(_)) => self.shown.append(&mut self.unanswered),
            Some(Err(NotifyError::TimedOut)) => {}
            Some(Err(_)) => {
                let in_vain = std::mem::take(&mut self.unanswered);
                app.store.write(|tx| record::attempted_in_vain(tx, DESKTOP, &in_vain))?;
            }
            None => {}
        }
        delivery.shown += self.mark(app, now)?;
        let has_none = app.pending_alerts(DESKTOP, now)?.is_empty();
        delivery.waiting = usize::try_from(query::n_pending_alerts(app.store.read())?).unwrap_or(0);
        if has_none || !app.settings.notify.desktop {
            return Ok(delivery);
        }
        if let Some(Err(error @ NotifyError::TimedOut)) = answer {
            // What hangs shows everything it was given once it goes on: nothing more is given to it.
            delivery.error = Some(error.to_string());
            return Ok(delivery);
        }
        // One process at a time: two would show the same alerts.
        let Some(_turn) = turn(app.store.path()) else { return Ok(delivery) };
        let hours = app.hours();
        let ready: Vec<PendingAlert> = app
            .pending_alerts(DESKTOP, now)?
            .into_iter()
            .filter(|p| hours.allow(p.alert.kind, &app.calendar, now))
            .collect();
        let patience = chrono::Duration::from_std(self.retry).unwrap_or_default() * PATIENCE;
        for outgoing in outgoing(&ready, app.settings.notify.digest_over, patience, now) {
            // One attempt tells for all: each could wait as long as the first one.
            if let Err(error) = self.show(app, desktop, outgoing, now).await? {
                delivery.error = Some(error.to_string());
                break;
            }
            delivery.shown += self.mark(app, now)?;
        }
        delivery.waiting = usize::try_from(query::n_pending_alerts(app.store.read())?).unwrap_or(0);
        if let Some(error) = &delivery.error {
            // Written when it changes: a server without a desktop tries for years.
            let news: Vec<i64> = ready
                .iter()
                .filter(|p| p.last_error.as_ref() != Some(error))
                .map(|p| p.id)
                .collect();
            if !news.is_empty() {
                app.store.write(|tx| record::not_delivered(tx, DESKTOP, &news, error))?;
            }
        }
        Ok(delivery)
    }

    /// Hands one notice over; the outer error is the database's.
    async fn show(
        &mut self,
        app: &mut App,
        desktop: &mut Desktop,
        Outgoing { message, ids }: Outgoing,
        now: DateTime<Utc>,
    ) -> Result<Result<(), NotifyError>> {
        // Asked before anything is written, because where there is no desktop there is none for years.
        if let Err(error) = desktop.ready().await {
            return Ok(Err(error));
        }
        app.store.write(|tx| record::attempted(tx, DESKTOP, &ids, now))?;
        let Message { key, urgency, title, body, .. } = message;
        match desktop.show(&Notice { key, urgency, title, body, replaces: None }).await {
            Ok(_) => {
                self.shown.extend(ids);
                Ok(Ok(()))
            }
            Err(error) => {
                match desktop.awaits_answer() {
                    true => self.unanswered = ids,
                    false => app.store.write(|tx| record::attempted_in_vain(tx, DESKTOP, &ids))?,
                }
                Ok(Err(error))
            }
        }
    }

    /// Marks what was shown; says how many alerts.
    fn mark(&mut self, app: &mut App, now: DateTime<Utc>) -> Result<usize> {
        if self.shown.is_empty() {
            return Ok(0);
        }
        app.store.write(|tx| record::delivered(tx, DESKTOP, &self.shown, now))?;
        Ok(std::mem::take(&mut self.shown).len())
    }
}

/// The right to show alerts, for as long as it is kept; `None` while another process has it.
fn turn(database: &Path) -> Option<File> {
    match open_lock(&store::with_suffix(database, ".outbox.lock")) {
        Ok(file) => file.try_lock().is_ok().then_some(file),
        // Where no file can be made nobody else has made one either.
        Err(_) => tempfile::tempfile().ok(),
    }
}

/// What is to be told of these alerts. Codes stand alone: they are worth nothing ten minutes later.
pub(super) fn outgoing(
    ready: &[PendingAlert],
    digest_over: u32,
    patience: chrono::Duration,
    now: DateTime<Utc>,
) -> Vec<Outgoing> {
    let (doubtful, fresh): (Vec<&PendingAlert>, Vec<&PendingAlert>) =
        ready.iter().partition(|p| DOUBTFUL <= p.attempts);
    let (single, many): (Vec<&PendingAlert>, Vec<&PendingAlert>) =
        fresh.into_iter().partition(|p| p.alert.kind == AlertKind::VerificationCode);
    let mut found: Vec<Outgoing> = single.into_iter().map(one).collect();
    match usize::try_from(digest_over).is_ok_and(|over| over < many.len()) {
        true => found.push(together("digest", &many)),
        false => found.extend(many.into_iter().map(one)),
    }
    let is_time = |p: &&PendingAlert| {
        // A time of trial in the future comes from a wrong clock.
        p.attempted_at.is_none_or(|at| at + patience <= now || now < at)
    };
    let missed: Vec<&PendingAlert> = doubtful.into_iter().filter(is_time).collect();
    if !missed.is_empty() {
        let Outgoing { mut message, ids } = together("missed", &missed);
        message.title = format!("Perhaps you missed: {}", message.title);
        message.body.push_str("\nacewatch was cut off twice while it told this.");
        found.push(Outgoing { message, ids });
    }
    found
}

fn one(pending: &PendingAlert) -> Outgoing {
    let alert = &pending.alert;
    let message = Message {
        key: alert.key.clone(),
        urgency: alert.urgency(),
        title: alert.title.clone(),
        body: alert.body.clone(),
        alerts: vec![(alert.clone(), pending.created_at)],
    };
    Outgoing { message, ids: vec![pending.id] }
}

fn together(name: &str, many: &[&PendingAlert]) -> Outgoing {
    let alerts: Vec<&Alert> = many.iter().map(|p| &p.alert).collect();
    let (title, body) = digest(&alerts);
    let urgency = alerts.iter().map(|alert| alert.urgency()).max();
    let message = Message {
        // The same alerts tried again are the same notice; others must not replace it.
        key: format!("{name}/{}", many.iter().map(|p| p.id).min().unwrap_or_default()),
        urgency: urgency.unwrap_or(Urgency::Normal),
        title,
        body,
        alerts: many.iter().map(|p| (p.alert.clone(), p.created_at)).collect(),
    };
    Outgoing { message, ids: many.iter().map(|p| p.id).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn pending(n: usize, kind: AlertKind) -> Vec<PendingAlert> {
        (0..n)
            .map(|i| PendingAlert {
                id: i64::try_from(i).unwrap(),
                alert: Alert {
                    key: format!("{kind:?}{i}"),
                    kind,
                    application: None,
                    title: format!("title {i}"),
                    body: String::new(),
                    is_pressing: false,
                },
                created_at: START,
                last_error: None,
                attempts: 0,
                attempted_at: None,
            })
            .collect()
    }

    fn sizes(ready: &[PendingAlert], now: DateTime<Utc>) -> Vec<usize> {
        let patience = chrono::Duration::minutes(5);
        outgoing(ready, 3, patience, now).iter().map(|outgoing| outgoing.ids.len()).collect()
    }

    #[test]
    fn more_alerts_than_wanted_at_once_become_one_digest_and_codes_stand_alone() {
        assert_eq!(sizes(&pending(3, AlertKind::Overdue), START), [1, 1, 1]);
        assert_eq!(sizes(&pending(4, AlertKind::Overdue), START), [4]);
        let mut mixed = pending(4, AlertKind::Overdue);
        mixed.extend(pending(2, AlertKind::VerificationCode));
        assert_eq!(sizes(&mixed, START), [1, 1, 4]);
    }

    #[test]
    fn what_may_have_been_missed_is_told_in_one_notice_after_a_pause() {
        let mut alerts = pending(4, AlertKind::Approval);
        for alert in &mut alerts[..2] {
            (alert.attempts, alert.attempted_at) = (2, Some(START));
        }
        alerts[2].attempts = 1;
        let minute = chrono::Duration::minutes(1);
        assert_eq!(sizes(&alerts, START + minute * 4), [1, 1]);
        assert_eq!(sizes(&alerts, START + minute * 5), [1, 1, 2]);
        assert_eq!(sizes(&alerts, START - minute), [1, 1, 2]);
        let missed = outgoing(&alerts[..2], 3, minute, START + minute).pop().unwrap();
        assert_eq!(missed.message.title, "Perhaps you missed: 2 approved");
        assert_eq!(
            missed.message.body,
            "title 0\ntitle 1\nacewatch was cut off twice while it told this."
        );
    }
}
