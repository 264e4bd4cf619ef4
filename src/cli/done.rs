//! `acewatch done`: tick a step after the approval that only the user knows of.

use std::collections::BTreeSet;

use clap::builder::PossibleValuesParser;

use super::close::Target;
use super::failure::Failure;
use super::{Context, render};
use crate::domain::application::{LOGIN, MILESTONES, Stage};
use crate::domain::event::{Event, EventKind};
use crate::store::query;

/// Tick a step that follows the approval
///
/// An account that nobody logs in to is locked again, and refunds need steps of their own.
/// Ticking a step twice changes nothing, except `login`: each one begins the 45 days anew.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The application's id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
    /// The step
    #[arg(value_parser = PossibleValuesParser::new(MILESTONES))]
    milestone: String,
}

/// Ticks the step.
///
/// # Errors
///
/// No application, or more than one, fits.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let mut app = cx.app()?;
    let at = cx.now(&app)?;
    let masking = cx.masking(&app)?;
    let mut target = Target::of(&mut app, &args.application, at, &masking)?;
    let milestone = &args.milestone;
    let events = query::events(target.app.store.read(), target.summary.application.id)?;
    let before = ticked(&events, milestone).filter(|_| milestone != LOGIN);
    if let Some(ticked) = before {
        let day = target.app.calendar.day_of(ticked.at);
        return render::print(&format!(
            "{milestone} was done already on {}: {}\n",
            render::day(day),
            target.name
        ));
    }
    if !matches!(target.summary.stage, Stage::Approved | Stage::Active) {
        // The approval may have come by telephone; the user knows better.
        tracing::warn!("no approval of {} is recorded", target.name);
    }
    target.record(EventKind::Milestone, Some(milestone.clone()))?;
    render::print(&format!("{milestone} is done: {}\n", target.name))
}

/// The event by which a milestone was ticked, unless it was taken back.
fn ticked<'a>(events: &'a [Event], milestone: &str) -> Option<&'a Event> {
    let undone: BTreeSet<i64> = events.iter().filter_map(|event| event.undoes).collect();
    events.iter().find(|event| {
        event.kind == EventKind::Milestone
            && event.text.as_deref() == Some(milestone)
            && !undone.contains(&event.id)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Source;
    use chrono::DateTime;

    fn event(id: i64, kind: EventKind, text: Option<&str>, undoes: Option<i64>) -> Event {
        Event {
            text: text.map(str::to_owned),
            undoes,
            ..Event::new(id, DateTime::UNIX_EPOCH, kind, Source::Command)
        }
    }

    #[test]
    fn a_step_is_ticked_once_and_again_after_it_was_taken_back() {
        let login = event(1, EventKind::Milestone, Some("first-login"), None);
        let note = event(2, EventKind::Note, Some("ach-refund"), None);
        let undo = event(3, EventKind::Undone, None, Some(1));
        let check = |events: &[Event], milestone: &str, expected: Option<i64>| {
            assert_eq!(ticked(events, milestone).map(|event| event.id), expected, "{milestone}");
        };
        check(&[login.clone(), note.clone()], "first-login", Some(1));
        check(&[login.clone(), note.clone()], "ach-refund", None);
        check(&[login, note, undo], "first-login", None);
    }
}
