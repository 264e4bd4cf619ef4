//! The channels beside the desktop: each carries one message at a time, in a task of its own, so that
//! a mail server that hangs delays neither the mailboxes nor the other channels.
//!
//! What becomes of a message is recorded by the main task, which alone knows the database. An attempt
//! is recorded before the message is given out, as on the desktop (see [`super::outbox`]).

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use anyhow::Result;
use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::outgoing::{Manner, Outgoing, outgoing};
use crate::app::App;
use crate::notify::channel::{Channel, ChannelError};
use crate::store::query::PendingAlert;
use crate::store::record;

/// The longest pause after a failure that may pass, and the pause after one that does not.
const LONGEST: Duration = Duration::from_hours(1);

/// All channels.
#[derive(Debug)]
pub(super) struct Lines {
    lines: Vec<Line>,
    tasks: JoinSet<Carried>,
    retry: Duration,
}

/// One channel.
#[derive(Debug)]
struct Line {
    channel: Channel,
    is_busy: bool,
    not_before: Option<Instant>,
    n_failures: u32,
    last_error: Option<ChannelError>,
}

/// What became of a message.
#[derive(Debug)]
pub(super) struct Carried {
    channel: String,
    ids: Vec<i64>,
    outcome: Result<(), ChannelError>,
}

impl Lines {
    pub(super) fn new(channels: &[Channel], retry: Duration) -> Lines {
        let mut lines = Lines { lines: Vec::new(), tasks: JoinSet::new(), retry };
        lines.change(channels, retry);
        lines
    }

    /// Goes on with other channels. What is under way is carried to its end as it began.
    pub(super) fn change(&mut self, channels: &[Channel], retry: Duration) {
        let is_busy = |name: &str| self.lines.iter().any(|l| l.is_busy && l.channel.name == name);
        let line = |channel: &Channel| Line {
            channel: channel.clone(),
            is_busy: is_busy(&channel.name),
            not_before: None,
            n_failures: 0,
            last_error: None,
        };
        self.lines = channels.iter().map(line).collect();
        self.retry = retry;
    }

    /// Gives every channel that is free and has something to tell its next message.
    pub(super) fn start(&mut self, app: &mut App, now: DateTime<Utc>) -> Result<()> {
        let hours = app.hours();
        for line in &mut self.lines {
            if line.is_busy || line.not_before.is_some_and(|at| Instant::now() < at) {
                continue;
            }
            let channel = &line.channel;
            let ready: Vec<PendingAlert> = app
                .pending_alerts(&channel.name, now)?
                .into_iter()
                .filter(|p| channel.carries(p.alert.kind))
                .filter(|p| hours.allow(p.alert.kind, &app.calendar, now))
                .collect();
            let manner = Manner {
                digest_over: channel.digest_over,
                room: u32::MAX,
                retry: self.retry,
                urgencies: &app.settings.notify.urgency,
            };
            let next = outgoing(&ready, &manner, now).into_iter().next();
            let Some(Outgoing { message, ids }) = next else { continue };
            app.store.write(|tx| record::attempted(tx, &channel.name, &ids, &message.key, now))?;
            line.is_busy = true;
            let channel = channel.clone();
            self.tasks.spawn(async move {
                // A library that panics must not leave its channel waiting for an answer for ever.
                let carried = AssertUnwindSafe(channel.carry(&message, now)).catch_unwind().await;
                let outcome = carried.unwrap_or_else(|_| {
                    Err(ChannelError::Unclear("it broke off in the program itself".to_owned()))
                });
                Carried { channel: channel.name, ids, outcome }
            });
        }
        Ok(())
    }

    /// Waits until a message has been carried, or not; for ever where none is under way.
    pub(super) async fn next(&mut self) -> Carried {
        match self.tasks.join_next().await {
            Some(Ok(carried)) => carried,
            // None is under way; and none is ended but by the end of all.
            Some(Err(_)) | None => std::future::pending().await,
        }
    }

    /// Whether a message is under way.
    pub(super) fn is_busy(&self) -> bool {
        self.lines.iter().any(|line| line.is_busy)
    }

    /// Records what became of a message; says how many alerts it told, or why none.
    pub(super) fn settle(
        &mut self,
        app: &mut App,
        Carried { channel, ids, outcome }: Carried,
        now: DateTime<Utc>,
    ) -> Result<Result<usize, String>> {
        let Some(line) = self.lines.iter_mut().find(|line| line.channel.name == channel) else {
            // It was under way when another configuration came, which has no such channel.
            if outcome.is_ok() {
                app.store.write(|tx| record::delivered(tx, &channel, &ids, now))?;
            }
            return Ok(Ok(0));
        };
        line.is_busy = false;
        let name = &line.channel.name;
        match outcome {
            Ok(()) => {
                if line.last_error.take().is_some() {
                    tracing::info!(channel = %name, "alerts are taken again");
                }
                (line.n_failures, line.not_before) = (0, None);
                app.store.write(|tx| record::delivered(tx, name, &ids, now))?;
                tracing::info!(channel = %name, alerts = ids.len(), "alerts told");
                Ok(Ok(ids.len()))
            }
            Err(error) => {
                let pause = match error {
                    ChannelError::Lasting(_) => LONGEST,
                    ChannelError::Passing(_) | ChannelError::Unclear(_) => {
                        self.retry.saturating_mul(1 << line.n_failures.min(7)).min(LONGEST)
                    }
                };
                line.n_failures = line.n_failures.saturating_add(1);
                line.not_before = Some(Instant::now() + pause);
                if line.last_error.as_ref() != Some(&error) {
                    tracing::warn!(channel = %name, waiting = ids.len(), "alerts wait: {error}");
                }
                let text = error.to_string();
                let is_unclear = matches!(error, ChannelError::Unclear(_));
                line.last_error = Some(error);
                app.store.write(|tx| -> Result<(), crate::store::Error> {
                    if !is_unclear {
                        record::attempted_in_vain(tx, name, &ids)?;
                    }
                    record::not_delivered(tx, name, &ids, &text)
                })?;
                Ok(Err(format!("{name}: {text}")))
            }
        }
    }

    pub(super) fn retry_now(&mut self) {
        for line in &mut self.lines {
            line.not_before = None;
        }
    }
}
