//! What the history says when another calendar moves the dates of an open application.

use std::cell::Cell;
use std::ops::Deref;

use rusqlite::Transaction;

use super::judge::Judge;
use crate::domain::application::{Application, History};
use crate::domain::calendar::Calendar;
use crate::domain::evaluation::Evaluation;
use crate::domain::event::{EventKind, NewEvent, Source};
use crate::domain::recalculation::recalculated;
use crate::domain::window::{Window, windows};
use crate::store::query;
use crate::store::{self, Store, calendar, record};

/// The fact that names the calendar of the process that read its configuration last.
const IN_FORCE: &str = "calendar";

/// The calendar of this process.
#[derive(Debug)]
pub struct InForce {
    calendar: Calendar,
    /// Whether this process has said which one it is. If another one is named later, another
    /// process has read a newer configuration: a daemon that still runs with the old one must not
    /// move the dates back in everybody's history.
    is_claimed: Cell<bool>,
}

impl Deref for InForce {
    type Target = Calendar;

    fn deref(&self) -> &Calendar {
        &self.calendar
    }
}

impl From<Calendar> for InForce {
    fn from(calendar: Calendar) -> InForce {
        InForce { calendar, is_claimed: Cell::new(false) }
    }
}

impl InForce {
    /// Says once that this calendar is in force.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub(super) fn claim(&self, store: &mut Store) -> Result<(), store::Error> {
        if !self.is_claimed.get() {
            store.write(|tx| -> Result<_, store::Error> {
                let id = calendar::id_of(tx, self.inputs())?;
                record::fact(tx, IN_FORCE, &id.to_string())
            })?;
            // Not before it is there for good.
            self.is_claimed.set(true);
        }
        Ok(())
    }
}

impl Judge<'_> {
    /// Records which dates are others than by the calendar with which they were last computed.
    ///
    /// Each application remembers that calendar by itself: whoever evaluates it first, a daemon, a
    /// command or a mail that comes in, tells of it, and nobody else does, wherever a change that
    /// concerns many was interrupted. What was never evaluated before has nothing to compare with.
    pub(super) fn tell_recalculation(
        &self,
        tx: &Transaction,
        application: &Application,
        history: &History,
        evaluation: &Evaluation,
    ) -> Result<(), store::Error> {
        let in_force = self.calendar.inputs();
        let id = calendar::id_of(tx, in_force)?;
        let last = calendar::last_of(tx, application.id)?;
        let named = id.to_string();
        let is_superseded = || -> Result<bool, store::Error> {
            let is_claimed = self.calendar.is_claimed.get();
            Ok(is_claimed && query::fact(tx, IN_FORCE)?.is_some_and(|named_now| named_now != named))
        };
        if last == Some(id) || is_superseded()? {
            return Ok(());
        }
        record::fact(tx, IN_FORCE, &named)?;
        let after: Vec<Window> = evaluation.windows.iter().map(|(w, _)| w.clone()).collect();
        if let (Some(last), true) = (last, after.iter().any(Window::is_running))
            && let Some(inputs) = calendar::inputs(tx, last, in_force)?
        {
            let last = Calendar::of(inputs);
            let before = windows(history, self.settings.windows.of(application.route), &last);
            if let Some(text) = recalculated((&before, &last), (&after, self.calendar)) {
                let event = NewEvent {
                    at: self.now,
                    kind: EventKind::Recalculated,
                    source: Source::Clock,
                    text: Some(text),
                    until: None,
                    undoes: None,
                };
                record::event(tx, application.id, &event, None, self.now)?;
            }
        }
        calendar::used(tx, application.id, id)
    }
}
