//! What people do about an application of their own accord: remarks, what they know of, what they
//! put off, and corrections.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};

use super::judge::Judge;
use super::{App, command};
use crate::domain::application::ApplicationId;
use crate::domain::edit::{Edit, NotThere};
use crate::domain::event::{EventKind, NewEvent};
use crate::store::{self, edit, notice, query, record};

impl App {
    /// The ticket number in what a person wrote, as it is found in mails; `None` where it is none
    /// or several.
    pub fn ticket_of(&self, written: &str) -> Option<String> {
        match <[String; 1]>::try_from(self.rules.get().tickets(&written.to_ascii_uppercase())) {
            Ok([one]) => Some(one),
            Err(_) => None,
        }
    }

    /// Adds an event of the user's to an application's history.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn add_event(
        &mut self,
        id: ApplicationId,
        kind: EventKind,
        text: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.note_down(id, &command(now, kind, text), None, now)
    }

    /// Adds a remark or a telephone call; its ticket number, one of [`App::ticket_of`], leads mails
    /// to the application from now on.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn note(
        &mut self,
        id: ApplicationId,
        kind: EventKind,
        text: &str,
        ticket: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let said = ticket.map(|ticket| format!("{text} (ticket {ticket})"));
        let said = said.unwrap_or_else(|| text.to_owned());
        self.note_down(id, &command(now, kind, Some(said)), ticket, now)
    }

    /// Stops the reminders of what is overdue, as far as anybody can know what is, and settles the
    /// alerts that were told.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn acknowledge(&mut self, id: ApplicationId, now: DateTime<Utc>) -> Result<()> {
        let until = self.coverage()?.known_until();
        let event = NewEvent { until, ..command(now, EventKind::Acknowledged, None) };
        self.note_down(id, &event, None, now)
    }

    /// Tells nothing of what the clock raises until an instant; one that has come ends the snooze.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn snooze(
        &mut self,
        id: ApplicationId,
        until: DateTime<Utc>,
        reason: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let event = NewEvent { until: Some(until), ..command(now, EventKind::Snoozed, reason) };
        self.note_down(id, &event, None, now)
    }

    /// Puts off what is awaited of an application now; until an instant that has come already means
    /// no longer.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn extend(
        &mut self,
        id: ApplicationId,
        until: DateTime<Utc>,
        reason: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let event = NewEvent { until: Some(until), ..command(now, EventKind::Extended, reason) };
        self.note_down(id, &event, None, now)
    }

    fn note_down(
        &mut self,
        id: ApplicationId,
        event: &NewEvent,
        ticket: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        store
            .write(|tx| -> Result<(), store::Error> {
                record::event(tx, id, event, None, now)?;
                if event.kind == EventKind::Acknowledged {
                    notice::settle_all(tx, id, now)?;
                }
                let mut touched = BTreeSet::from([id]);
                if let Some(ticket) = ticket {
                    record::ticket(tx, ticket, id, None)?;
                    judge.match_again(tx, &mut touched)?;
                }
                touched.into_iter().try_for_each(|id| judge.sum_up(tx, id))
            })
            .context("cannot record it")
    }

    /// Corrects what is registered, and looks again at the mails that wait, which may be about the
    /// application under its new name. Says what has changed; nothing may.
    ///
    /// The number is what mails were matched by, so it can be corrected only before any was.
    ///
    /// # Errors
    ///
    /// What is to be removed is not there, the number cannot be changed, or another application
    /// has the number on that route. Those of the database.
    pub fn edit(
        &mut self,
        id: ApplicationId,
        edit: &Edit,
        now: DateTime<Utc>,
    ) -> Result<Vec<String>> {
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        store.write(|tx| -> Result<Vec<String>> {
            let Some(summary) = query::summary_of(tx, id)? else {
                bail!("there is no application {}", id.0);
            };
            let before = summary.application;
            let (after, mut changes) = edit.applied_to(&before)?;
            if after.number != before.number && edit::has_mail(tx, id)? {
                bail!(
                    "the importer number of application {0} stays, because mails were recorded for it under that number: register the right one with `acewatch add`, and end this one with `acewatch close {0} --reason duplicate`",
                    id.0
                );
            }
            if let Some(ApplicationId(twin)) = edit::twin(tx, &after)? {
                bail!("application {twin} has this importer number on this route already");
            }
            for written in &edit.tickets_removed {
                let ticket = written.to_ascii_uppercase();
                if !edit::forget_ticket(tx, &ticket, id)? {
                    return Err(NotThere { what: "ticket", written: written.clone() }.into());
                }
                changes.push(format!("ticket removed: {ticket}"));
            }
            if changes.is_empty() {
                return Ok(changes);
            }
            edit::application(tx, &after)?;
            let event = command(now, EventKind::Edited, Some(changes.join("; ")));
            record::event(tx, id, &event, None, now)?;
            let mut touched = BTreeSet::from([id]);
            judge.match_again(tx, &mut touched)?;
            judge.match_those(tx, &edit::waiting_for(tx, id)?, &mut touched)?;
            touched.into_iter().try_for_each(|id| judge.sum_up(tx, id))?;
            Ok(changes)
        })
    }
}
