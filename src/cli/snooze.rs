//! `acewatch ack` and `acewatch snooze`: hear no more of what is known, for good or for a while.

use chrono::{DateTime, Duration, Utc};

use super::close::Target;
use super::failure::Failure;
use super::{Context, parse_time, reason_of, render};
use crate::domain::application::ApplicationId;
use crate::domain::window::Verdict;
use crate::store::notice;

/// Stop the reminders of what is overdue now, and count the notices about it as seen
///
/// A window that is overdue later, one that becomes critical, CBP's answer, or sending the
/// application again are told as ever.
#[derive(Debug, clap::Args)]
pub struct AckArgs {
    /// The application's id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
}

/// Hear nothing of an application's deadlines until a date
///
/// CBP's mails are told as ever, and its answer ends the snooze. When the time is over and
/// something is still due or overdue, one alert says so.
#[derive(Debug, clap::Args)]
pub struct SnoozeArgs {
    /// The application's id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
    /// Until when: YYYY-MM-DD for the beginning of work on that day, or RFC 3339
    #[arg(long, value_name = "TIME", required_unless_present = "end", conflicts_with = "end")]
    until: Option<String>,
    /// Why, for the history
    #[arg(long, value_name = "TEXT", required_unless_present = "end")]
    reason: Option<String>,
    /// Hear of them again from now on
    #[arg(long)]
    end: bool,
}

/// Acknowledges.
///
/// # Errors
///
/// Nothing is overdue, and nothing was told that nobody is known to have seen.
pub(crate) fn ack(cx: &Context, args: &AckArgs) -> Result<(), Failure> {
    let mut app = cx.app()?;
    let at = cx.now(&app)?;
    let masking = cx.masking(&app)?;
    let target = Target::of(&mut app, &args.application, at, &masking)?;
    let evaluation = &target.evaluation;
    if let Some(acked_at) = evaluation.acked_at {
        let since = render::moment(acked_at, &target.app.settings.time_zone);
        return render::print(&format!("acknowledged already on {since}: {}\n", target.name));
    }
    let overdue: Vec<&str> = evaluation
        .windows
        .iter()
        .filter(|(_, verdict)| *verdict == Verdict::Overdue)
        .map(|(window, _)| window.rule.awaits.as_str())
        .collect();
    let id = target.summary.application.id;
    if overdue.is_empty() && notice::is_unacknowledged(target.app.store.read(), id)? {
        let told = format!("the notices about it count as seen: {}\n", target.name);
        target.app.acknowledge(id, at)?;
        return render::print(&told);
    }
    if overdue.is_empty() {
        let ApplicationId(id) = id;
        return Err(Failure::new(format!("nothing is overdue of {}", target.name))
            .hint(format!("`acewatch snooze {id} --until DATE --reason TEXT` keeps what is to come silent for a while")));
    }
    let told = format!("no more reminders of {}: {}\n", overdue.join(" and "), target.name);
    target.app.acknowledge(id, at)?;
    render::print(&told)
}

/// Begins a snooze, moves its end, or ends it.
///
/// # Errors
///
/// The time is past or too far away, no reason is given, or there is nothing to put off or to end.
pub(crate) fn snooze(cx: &Context, args: &SnoozeArgs) -> Result<(), Failure> {
    let mut app = cx.app()?;
    let at = cx.now(&app)?;
    let masking = cx.masking(&app)?;
    let until = match &args.until {
        Some(written) => {
            let hours = app.hours();
            Some(parse_time(written, |day| hours.beginning_of(day))?)
        }
        None => None,
    };
    let target = Target::of(&mut app, &args.application, at, &masking)?;
    let id = target.summary.application.id;
    let reason = reason_of(args.reason.as_deref())?;
    let zone = target.app.settings.time_zone.clone();
    let Some(until) = until else {
        if target.evaluation.snoozed_until.is_none() {
            return Err(Failure::new(format!("{} is not snoozed", target.name)));
        }
        target.app.snooze(id, at, reason, at)?;
        return render::print(&format!("snooze ended: {}\n", target.name));
    };
    let moment = render::moment(until, &zone);
    check(until, at, &moment)?;
    if target.history.closed_at.is_some() {
        let ApplicationId(id) = id;
        return Err(Failure::new(format!("{} is closed, and silent anyway", target.name))
            .hint(format!("`acewatch reopen {id}` follows it again")));
    }
    target.app.snooze(id, until, reason, at)?;
    render::print(&format!("snoozed until {moment}: {}\n", target.name))
}

/// A typing error must not keep an application silent for good.
fn check(until: DateTime<Utc>, at: DateTime<Utc>, moment: &str) -> Result<(), Failure> {
    // The database counts in seconds.
    if until.timestamp() <= at.timestamp() {
        return Err(Failure::usage(format!("cannot snooze until {moment}: that is past"))
            .hint("name a later day, or an hour of this one as in 2026-05-04T13:05:00Z"));
    }
    if at + Duration::days(366) < until {
        return Err(Failure::usage(format!("cannot snooze until {moment}: that is over a year"))
            .hint("`acewatch close` stops following an application"));
    }
    Ok(())
}
