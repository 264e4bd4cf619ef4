//! `acewatch calendar`: the days without business, and how a date is computed.

use std::fmt::Write;

use chrono::{Months, NaiveDate};
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Context, parse_time, render};
use crate::clock;
use crate::domain::calendar::{Calendar, Counted, Skipped};
use crate::domain::span::{CountUnit, Span};

/// Show holidays and closures, or compute a date
///
/// With --days: counts that many days from --from, or from today, and names every day that did
/// not count. The day itself is day 0. A span of calendar days that would end on a day without
/// business ends on the next business day.
///
/// Without --days: lists the federal holidays and the closures on weekdays in the twelve months
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
    /// Print JSON
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

/// Prints the count or the list.
///
/// # Errors
///
/// The configuration or `--at` cannot be used.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let settings = cx.settings()?.calendar;
    let calendar = Calendar::new(settings.zone, settings.closures, settings.cut_off);
    let from = match (args.from, &cx.global.at) {
        (Some(from), _) => from,
        // `--at DATE` means that date whatever the zone and the cut-off hour are.
        (None, Some(at)) => date(at).or_else(|_| {
            parse_time(at, |date| calendar.start_of(date)).map(|at| calendar.day_of(at))
        })?,
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
                true => render::print_json(&count_document(&counted)),
                false => render::print(&count_text(&counted)),
            }
        }
        None => {
            let until = from.checked_add_months(Months::new(12)).unwrap_or(NaiveDate::MAX);
            let closed = calendar.holidays(from, until);
            match args.json {
                true => render::print_json(&list_document(from, until, &closed)),
                false => render::print(&list_text(from, until, &closed)),
            }
        }
    }
}

fn date(written: &str) -> Result<NaiveDate, String> {
    NaiveDate::parse_from_str(written, "%Y-%m-%d")
        .map_err(|_| "a date is written like 2026-05-04".to_owned())
}

fn count_document(counted: &Counted) -> Value {
    json!({
        "schema": "acewatch.calendar/1",
        "from": counted.from.to_string(),
        "unit": counted.span.unit.as_str(),
        "days": counted.span.n,
        "result": counted.result.to_string(),
        "skipped": days(&counted.skipped),
    })
}

/// The list has the keys of a count too, so that one reader serves both.
fn list_document(from: NaiveDate, until: NaiveDate, closed: &[Skipped]) -> Value {
    json!({
        "schema": "acewatch.calendar/1",
        "from": from.to_string(),
        "until": until.to_string(),
        "unit": null,
        "days": null,
        "result": null,
        "skipped": [],
        "closed": days(closed),
    })
}

fn days(skipped: &[Skipped]) -> Vec<Value> {
    let day = |day: &Skipped| json!({ "date": day.date.to_string(), "because": day.because });
    skipped.iter().map(day).collect()
}

fn count_text(counted: &Counted) -> String {
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
    text
}

fn list_text(from: NaiveDate, until: NaiveDate, closed: &[Skipped]) -> String {
    let mut text = format!(
        "no business, besides weekends, from {} to {}:\n\n",
        render::day(from),
        render::day(until)
    );
    text.push_str(&lines(closed));
    text
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
    use crate::domain::zone::Zone;

    fn day(written: &str) -> NaiveDate {
        date(written).unwrap()
    }

    fn counted(from: &str, span: &str) -> Counted {
        Calendar::new(Zone::new_york(), Vec::new(), None).count(day(from), span.parse().unwrap())
    }

    fn check(from: &str, span: &str, expected: &str) {
        let shown = anstream::adapter::strip_str(&count_text(&counted(from, span))).to_string();
        assert_eq!(shown, expected, "{from} {span}");
    }

    #[test]
    fn the_document_of_a_count_is_that_of_the_contract() {
        assert_eq!(
            count_document(&counted("2026-05-21", "3bd")),
            json!({
                "schema": "acewatch.calendar/1", "from": "2026-05-21", "unit": "business", "days": 3,
                "result": "2026-05-27",
                "skipped": [
                    { "date": "2026-05-23", "because": "Saturday" },
                    { "date": "2026-05-24", "because": "Sunday" },
                    { "date": "2026-05-25", "because": "Memorial Day" },
                ],
            })
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
    }

    #[test]
    fn the_list_names_holidays_and_closures_and_escapes_their_reasons() {
        let closed =
            [Skipped { date: day("2026-12-24"), because: "closed: \u{1b}[31mEO".to_owned() }];
        let text = list_text(day("2026-11-01"), day("2027-11-01"), &closed);
        assert!(text.contains("Thu 24 Dec 2026  closed: \\u{1b}[31mEO\n"), "{text}");
    }

    #[test]
    fn the_last_date_there_is_ends_the_list() {
        let calendar = Calendar::new(Zone::new_york(), Vec::new(), None);
        assert!(calendar.holidays(NaiveDate::MAX, NaiveDate::MAX).len() < 2);
    }
}
