//! `acewatch calendar`: the days without business, and how a date is computed.

mod forecast;

use std::fmt::Write;

use chrono::{Months, NaiveDate};
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Context, parse_time, render};
use crate::clock;
use crate::domain::application::Route;
use crate::domain::calendar::{Calendar, Caveats, Counted, NotKnown, Skipped};
use crate::domain::span::{CountUnit, Span};

/// Show holidays and closures, or how dates are computed
///
/// With --days: counts that many days from --from, or from today, and names every day that did
/// not count. The day itself is day 0. A span of calendar days that would end on a day without
/// business ends on the next business day.
///
/// With --submitted: says when CBP's answers would be due and overdue if an application were sent
/// then, or now, and how each date comes about.
///
/// Without either: lists the federal holidays and the closures on weekdays in the twelve months
/// from --from, or from today.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The day to begin with, instead of today in the calendar's zone
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<NaiveDate>,
    /// How many days to count
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=i64::from(Span::LONGEST)))]
    days: Option<u32>,
    /// What counts as a day
    #[arg(long, value_enum, default_value = "business", requires = "days")]
    unit: Unit,
    /// What would be awaited after a submission at this time, or now
    #[arg(long, value_name = "TIME", num_args = 0..=1, conflicts_with_all = ["from", "days"])]
    submitted: Option<Option<String>>,
    /// How it would be sent
    #[arg(long, value_parser = PossibleValuesParser::new(Route::ALL.map(Route::as_str)), default_value = "email", requires = "submitted")]
    route: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Unit {
    /// Weekdays that are no holiday and no closure
    Business,
    /// All days
    Calendar,
}

/// Prints the count, the expectations or the list.
///
/// # Errors
///
/// The configuration, `--at` or `--submitted` cannot be used.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let settings = cx.settings()?;
    let calendar = settings.calendar.calendar();
    let instant = |written: &str| parse_time(written, |date| calendar.start_of(date));
    if let Some(submitted) = &args.submitted {
        let at = match submitted.as_ref().or(cx.global.at.as_ref()) {
            Some(written) => instant(written)?,
            None => clock::now(),
        };
        let route = Route::parse(&args.route).unwrap_or_default();
        return forecast::print(&settings, &calendar, at, route, args.json);
    }
    let from = match (args.from, &cx.global.at) {
        (Some(from), _) => from,
        // `--at DATE` means that date whatever the zone and the cut-off hour are.
        (None, Some(at)) => date(at).or_else(|_| instant(at).map(|at| calendar.day_of(at)))?,
        (None, None) => calendar.day_of(clock::now()),
    };
    match args.days {
        Some(n) => {
            let unit = match args.unit {
                Unit::Business => CountUnit::Business,
                Unit::Calendar => CountUnit::Calendar,
            };
            let counted = calendar.count(from, Span { n, unit });
            match args.json {
                true => render::print_json(&count_document(&calendar, &counted)),
                false => render::print(&count_text(&calendar, &counted)),
            }
        }
        None => {
            let until = from.checked_add_months(Months::new(12)).unwrap_or(NaiveDate::MAX);
            match args.json {
                true => render::print_json(&list_document(&calendar, from, until)),
                false => render::print(&list_text(&calendar, from, until)),
            }
        }
    }
}

fn date(written: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(written, "%Y-%m-%d")
        .map_err(|_| "a date is written like 2026-05-04".to_owned())
}

fn count_document(calendar: &Calendar, counted: &Counted) -> Value {
    let caveats = calendar.caveats([counted]);
    json!({
        "schema": "acewatch.calendar/1",
        "from": counted.from.to_string(),
        "unit": counted.span.unit.as_str(),
        "days": counted.span.n,
        "result": counted.result.to_string(),
        "skipped": days(&counted.skipped),
        "remarks": remarks(&caveats),
        "warnings": warnings(calendar, counted),
    })
}

/// The list has the keys of a count too, so that one reader serves both.
fn list_document(calendar: &Calendar, from: NaiveDate, until: NaiveDate) -> Value {
    let counting = calendar.remarks(from, until);
    json!({
        "schema": "acewatch.calendar/1",
        "from": from.to_string(),
        "until": until.to_string(),
        "unit": null,
        "days": null,
        "result": null,
        "skipped": [],
        "closed": days(&calendar.holidays(from, until)),
        "known_until": calendar.known_until().to_string(),
        "remarks": days(&counting),
        "warnings": calendar.caveats_between(from, until).warning().into_iter().collect::<Vec<_>>(),
    })
}

fn days(skipped: &[Skipped]) -> Vec<Value> {
    let day = |day: &Skipped| json!({ "date": day.date.to_string(), "because": day.because });
    skipped.iter().map(day).collect()
}

fn remarks(caveats: &Caveats) -> Vec<Value> {
    let remark =
        |(date, what): (&NaiveDate, &String)| json!({ "date": date.to_string(), "because": what });
    caveats.remarks.iter().map(remark).collect()
}

/// What may move the end of a count, and to where.
fn warnings(calendar: &Calendar, counted: &Counted) -> Vec<String> {
    let moved = calendar.not_known(counted).map(|NotKnown { result, .. }| {
        format!("; if they are closed, it ends on {}", render::day(result))
    });
    let warning = calendar.caveats([counted]).warning();
    warning.into_iter().map(|warning| warning + &moved.clone().unwrap_or_default()).collect()
}

fn count_text(calendar: &Calendar, counted: &Counted) -> String {
    let Span { n, unit } = counted.span;
    let mut text = format!(
        "{n} {} day{} from {}: {}\n",
        unit.as_str(),
        if n == 1 { "" } else { "s" },
        render::day(counted.from),
        render::styled(&render::day(counted.result), render::STRONG),
    );
    if !counted.skipped.is_empty() {
        text.push_str(match unit {
            CountUnit::Business => "\nnot counted:\n",
            CountUnit::Calendar | CountUnit::Hours => "\nnot ended on:\n",
        });
        text.push_str(&lines(&counted.skipped));
    }
    let remarks: Vec<Skipped> = calendar
        .caveats([counted])
        .remarks
        .into_iter()
        .map(|(date, because)| Skipped { date, because })
        .collect();
    if !remarks.is_empty() {
        text.push_str("\ncounted all the same:\n");
        text.push_str(&lines(&remarks));
    }
    text.push_str(&warned(warnings(calendar, counted)));
    text
}

fn list_text(calendar: &Calendar, from: NaiveDate, until: NaiveDate) -> String {
    let mut text = format!(
        "no business, besides weekends, from {} to {}:\n\n",
        render::day(from),
        render::day(until)
    );
    text.push_str(&lines(&calendar.holidays(from, until)));
    let counting = calendar.remarks(from, until);
    if !counting.is_empty() {
        text.push_str("\ncounted all the same:\n");
        text.push_str(&lines(&counting));
    }
    text.push_str(&warned(calendar.caveats_between(from, until).warning()));
    text
}

fn warned(warnings: impl IntoIterator<Item = String>) -> String {
    let line = |warning: String| format!("\n{}\n", render::styled(&warning, render::WARN));
    warnings.into_iter().map(line).collect()
}

fn lines(skipped: &[Skipped]) -> String {
    let mut text = String::new();
    for Skipped { date, because } in skipped {
        // The reasons of closures come from the configuration. Days are up to 15 characters long.
        let _ = writeln!(text, "  {:<15}  {}", render::day(*date), render::escaped(because));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::Closure;
    use crate::domain::zone::Zone;

    fn day(written: &str) -> NaiveDate {
        date(written).unwrap()
    }

    fn federal() -> Calendar {
        Calendar::new(Zone::new_york(), Vec::new(), None)
    }

    fn counted(from: &str, span: &str) -> Counted {
        federal().count(day(from), span.parse().unwrap())
    }

    fn check(from: &str, span: &str, expected: &str) {
        let shown =
            anstream::adapter::strip_str(&count_text(&federal(), &counted(from, span))).to_string();
        assert_eq!(shown, expected, "{from} {span}");
    }

    #[test]
    fn the_document_of_a_count_is_that_of_the_contract() {
        assert_eq!(
            count_document(&federal(), &counted("2026-05-21", "3bd")),
            json!({
                "schema": "acewatch.calendar/1", "from": "2026-05-21", "unit": "business", "days": 3,
                "result": "2026-05-27",
                "skipped": [
                    { "date": "2026-05-23", "because": "Saturday" },
                    { "date": "2026-05-24", "because": "Sunday" },
                    { "date": "2026-05-25", "because": "Memorial Day" },
                ],
                "remarks": [],
                "warnings": [],
            })
        );
        let warned = count_document(&federal(), &counted("2026-12-21", "3bd"));
        assert_eq!(
            warned["warnings"],
            json!([
                "closures by Executive Order for 24 December 2026 are not known yet (announced about a week ahead); add them to `[calendar] closures`, or set `known-until` if there are none; if they are closed, it ends on Mon 28 Dec 2026"
            ])
        );
        let remarked = count_document(&federal(), &counted("2015-12-22", "2bd"));
        assert_eq!(
            remarked["remarks"],
            json!([{ "date": "2015-12-24", "because": "half day by Executive Order 13713, which counts" }])
        );
    }

    #[test]
    fn a_person_reads_the_result_and_then_each_day_left_out() {
        check(
            "2026-05-21",
            "3bd",
            "3 business days from Thu 21 May 2026: Wed 27 May 2026\n\nnot counted:\n  \
             Sat 23 May 2026  Saturday\n  Sun 24 May 2026  Sunday\n  Mon 25 May 2026  Memorial Day\n",
        );
        check(
            "2026-05-09",
            "14d",
            "14 calendar days from Sat 9 May 2026: Tue 26 May 2026\n\nnot ended on:\n  \
             Sat 23 May 2026  Saturday\n  Sun 24 May 2026  Sunday\n  Mon 25 May 2026  Memorial Day\n",
        );
        check("2026-05-19", "1bd", "1 business day from Tue 19 May 2026: Wed 20 May 2026\n");
        check(
            "2021-01-19",
            "1bd",
            "1 business day from Tue 19 Jan 2021: Wed 20 Jan 2021\n\ncounted all the same:\n  \
             Wed 20 Jan 2021  Inauguration Day, a holiday in and around Washington only, which counts\n",
        );
    }

    #[test]
    fn the_list_names_holidays_and_closures_and_escapes_their_reasons() {
        let because = "\u{1b}[31mEO".to_owned();
        let closures = vec![Closure { date: day("2026-12-24"), because }];
        let calendar = Calendar::new(Zone::new_york(), closures, None);
        let text = list_text(&calendar, day("2026-11-01"), day("2027-11-01"));
        assert!(text.contains("Thu 24 Dec 2026  closed: \\u{1b}[31mEO\n"), "{text}");
    }

    #[test]
    fn the_last_date_there_is_ends_the_list() {
        let calendar = Calendar::new(Zone::new_york(), Vec::new(), None);
        assert!(calendar.holidays(NaiveDate::MAX, NaiveDate::MAX).len() < 2);
    }
}
