//! `acewatch extend`: CBP named a later date.

use chrono::{DateTime, Duration, Utc};

use super::close::Target;
use super::failure::Failure;
use super::{Context, parse_time, reason_of, render};
use crate::domain::application::ApplicationId;

/// Put off what an application awaits, because CBP named a later date
///
/// What runs now and would be due before that day is due on it, and overdue as much later as ever.
/// Both dates say so. What begins later, such as the wait for the answer to a new submission, is
/// counted as ever. To hear nothing for a while and change no date, use `acewatch snooze`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The application's id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
    /// The day that CBP named: YYYY-MM-DD, or an RFC 3339 time on it
    #[arg(long, value_name = "TIME", required_unless_present = "end", conflicts_with = "end")]
    until: Option<String>,
    /// Why, for example who said it
    #[arg(long, value_name = "TEXT", required_unless_present = "end")]
    reason: Option<String>,
    /// Take it back: the dates are counted as ever
    #[arg(long)]
    end: bool,
}

/// Puts off, or takes it back.
///
/// # Errors
///
/// The day is past or too far away, no reason is given, or nothing is awaited that could be put off.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let mut app = cx.app()?;
    let at = cx.now(&app)?;
    let masking = cx.masking(&app)?;
    let calendar = app.calendar.clone();
    let target = Target::of(&mut app, &args.application, at, &masking)?;
    let id = target.summary.application.id;
    let reason = reason_of(args.reason.as_deref())?;
    let running: Vec<_> = target
        .evaluation
        .windows
        .iter()
        .map(|(window, _)| window)
        .filter(|window| window.is_running())
        .collect();
    let Some(written) = &args.until else {
        if running.iter().all(|window| window.extension.is_none()) {
            return Err(Failure::new(format!("nothing of {} was extended", target.name)));
        }
        target.app.extend(id, at, reason, at)?;
        return render::print(&format!("extension taken back: {}\n", target.name));
    };
    let until = parse_time(written, |day| calendar.start_of(day))?;
    check(
        until,
        at,
        &render::day(calendar.day_of(until)),
        calendar.day_of(at) < calendar.day_of(until),
    )?;
    let day = calendar.day_of(until);
    let ApplicationId(number) = id;
    if running.is_empty() {
        return Err(Failure::new(format!("nothing is awaited of {}", target.name))
            .hint(format!("`acewatch show {number}` says how it stands")));
    }
    let moved: Vec<&str> = running
        .iter()
        .filter(|window| window.due.day() < day || window.extension.is_some())
        .map(|window| window.rule.awaits.as_str())
        .collect();
    if moved.is_empty() {
        return Err(Failure::new(format!(
            "nothing of {} is due before {}",
            target.name,
            render::day(day)
        ))
        .hint(format!("`acewatch show {number}` lists the dates")));
    }
    let told = format!("extended to {}: {}: {}\n", render::day(day), moved.join(", "), target.name);
    target.app.extend(id, until, reason, at)?;
    render::print(&told)
}

/// A typing error must not put an application off for good.
fn check(
    until: DateTime<Utc>,
    at: DateTime<Utc>,
    day: &str,
    is_ahead: bool,
) -> Result<(), Failure> {
    if !is_ahead {
        return Err(Failure::usage(format!("cannot extend to {day}: that day has come"))
            .hint("name a later day; `--end` takes an extension back"));
    }
    if at + Duration::days(366) < until {
        return Err(Failure::usage(format!("cannot extend to {day}: that is over a year"))
            .hint("`acewatch close` stops following an application"));
    }
    Ok(())
}
