//! `acewatch calendar --submitted`: what would be awaited, and until when, if it were sent then.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::cli::failure::Failure;
use crate::cli::render;
use crate::config::Settings;
use crate::domain::application::{History, Route};
use crate::domain::calendar::{Calendar, Caveats};
use crate::domain::event::{Event, EventKind, Source};
use crate::domain::window::{Window, spelled, windows};

/// Prints the windows that a submission at `at` would open.
///
/// # Errors
///
/// Standard output cannot be written.
pub(super) fn print(
    settings: &Settings,
    calendar: &Calendar,
    at: DateTime<Utc>,
    route: Route,
    is_json: bool,
) -> Result<(), Failure> {
    let opened = opened(settings, calendar, at, route);
    match is_json {
        true => render::print_json(&document(calendar, at, route, &opened)),
        false => render::print(&text(calendar, at, route, &opened)),
    }
}

fn opened(
    settings: &Settings,
    calendar: &Calendar,
    at: DateTime<Utc>,
    route: Route,
) -> Vec<Window> {
    let sent = Event::new(1, at, EventKind::Submitted, Source::Command);
    windows(&History::of(&[sent]), settings.windows.of(route), calendar)
}

/// What is to be known of all the dates together.
fn caveats(calendar: &Calendar, opened: &[Window]) -> Caveats {
    calendar.caveats(opened.iter().flat_map(Window::running_counts))
}

fn document(calendar: &Calendar, at: DateTime<Utc>, route: Route, opened: &[Window]) -> Value {
    let caveats = caveats(calendar, opened);
    let windows = opened.iter().map(|window| {
        let dates = window.deadlines().map(|(name, deadline)| {
            let counted = &deadline.counted;
            json!({
                "name": name,
                "at": render::rfc3339(deadline.at),
                "unit": counted.span.unit.as_str(),
                "days": counted.span.n,
                "result": deadline.day().to_string(),
                "skipped": super::days(&counted.skipped),
                "warnings": super::warnings(calendar, counted),
            })
        });
        json!({
            "name": window.name(),
            "dates": dates.collect::<Vec<_>>(),
        })
    });
    // The keys of a count are there too, so that one reader serves all.
    json!({
        "schema": "acewatch.calendar/1",
        "from": calendar.day_of(at).to_string(),
        "unit": null,
        "days": null,
        "result": null,
        "skipped": [],
        "submitted_at": render::rfc3339(at),
        "route": route.as_str(),
        "zone": calendar.zone().name(),
        "explained": format!("sent on {}; that day is day 0", calendar.day_explained(at)),
        "windows": windows.collect::<Vec<_>>(),
        "remarks": super::remarks(&caveats),
        "warnings": caveats.warning().into_iter().collect::<Vec<_>>(),
    })
}

fn text(calendar: &Calendar, at: DateTime<Utc>, route: Route, opened: &[Window]) -> String {
    let mut text = format!(
        "route {}, sent on {}; that day is day 0\n",
        route.as_str(),
        calendar.day_explained(at)
    );
    for window in opened {
        text.push_str(&format!("\n{}\n", render::styled(&window.rule.awaits, render::STRONG)));
        for (name, deadline) in window.deadlines() {
            text.push_str(&format!(
                "  {name:<8}  {}  {}\n",
                render::day(deadline.day()),
                // The reasons of closures come from the configuration.
                render::escaped(&spelled(&deadline.counted))
            ));
        }
    }
    for line in caveats(calendar, opened).lines() {
        text.push_str(&format!("\n{}\n", render::styled(&line, render::WARN)));
    }
    text
}
