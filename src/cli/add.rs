//! `acewatch add`: register applications, one from the command line or many from a table.

mod table;

use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Datelike, Duration, NaiveDate, Utc};
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::failure::Failure;
use super::render::{self, Masking};
use super::{Context, parse_time};
use crate::app::App;
use crate::domain::application::{ApplicationId, Route};
use crate::domain::calendar::Calendar;
use crate::domain::company::company_key;
use crate::domain::importer::{ImporterNumber, NumberError};
use crate::store::query::{self, Summary};
use crate::store::record::NewApplication;

/// Register an application, or many from a table
///
/// Give --company and --number for one. With --from, every row of a CSV file is one; its header
/// row has any of company, number, route, submitted_at, aliases, tags, contact, notes, liquidated_on
/// in any order, and `;` separates aliases and tags. Either all rows are registered, or none and every
/// faulty row is named. What is registered already is left as it is.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The company's name as CBP has it on file (Form 5106)
    #[arg(long, value_name = "NAME", required_unless_present = "from", conflicts_with = "from")]
    company: Option<String>,
    /// The importer number: EIN with suffix (without: 00), SSN, or CBP-assigned
    #[arg(long, value_name = "NUMBER", required_unless_present = "from", conflicts_with = "from")]
    number: Option<String>,
    /// How it is sent
    #[arg(long, value_parser = PossibleValuesParser::new(Route::ALL.map(Route::as_str)), default_value = "email", conflicts_with = "from")]
    route: String,
    /// When it was sent, if it was: RFC 3339 or YYYY-MM-DD
    #[arg(long, value_name = "TIME", conflicts_with = "from")]
    submitted: Option<String>,
    /// Another name of the company; may be repeated
    #[arg(long = "alias", value_name = "NAME", conflicts_with = "from")]
    aliases: Vec<String>,
    /// A label of your own; may be repeated
    #[arg(long = "tag", value_name = "TAG", conflicts_with = "from")]
    tags: Vec<String>,
    /// Whom to ask
    #[arg(long, value_name = "TEXT", conflicts_with = "from")]
    contact: Option<String>,
    /// A remark
    #[arg(long, value_name = "TEXT", conflicts_with = "from")]
    notes: Option<String>,
    /// The earliest day on which an entry of the company was liquidated: its refund is lost 80 days
    /// later
    #[arg(long, value_name = "DATE", conflicts_with = "from")]
    liquidated: Option<String>,
    /// Register the rows of a CSV file; `-` is standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Registers.
///
/// # Errors
///
/// An entry that cannot be used, after which nothing is registered.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let mut app = cx.app()?;
    let now = cx.now(&app)?;
    let limits = Limits { calendar: &app.calendar, now };
    let rows = match &args.from {
        Some(path) => from_table(path, &limits)?,
        None => vec![from_arguments(args, &limits)?],
    };
    let new: Vec<(NewApplication, Option<DateTime<Utc>>)> =
        rows.iter().map(|row| (row.new.clone(), row.submitted_at)).collect();
    let ids = app.register(&new, now)?;
    app.evaluate(now)?;

    let masking = &cx.masking(&app)?;
    let mut registered = Vec::with_capacity(rows.len());
    let doubtful: Vec<String> = rows
        .iter()
        .filter_map(|row| Some(format!("{}{}", row.place(), row.new.number.warning()?)))
        .collect();
    for warning in doubtful.iter().take(WARNINGS_SHOWN) {
        tracing::warn!("{warning}");
    }
    if WARNINGS_SHOWN < doubtful.len() {
        tracing::warn!("and {} more numbers to check", doubtful.len() - WARNINGS_SHOWN);
    }
    for (row, id) in rows.iter().zip(ids) {
        let summary = match id {
            Some(id) => query::summary_of(app.store.read(), id)?,
            None => known(&app, &row.new)?,
        };
        let Some(summary) = summary else { continue };
        let company = &summary.application.company;
        if company_key(company) != company_key(&row.new.company) {
            tracing::warn!(
                "{}the number of {} is registered for {} already, which is left as it is",
                row.place(),
                masking.text(&row.new.company),
                masking.text(company),
            );
        }
        registered.push(Registered { summary, is_new: id.is_some() });
    }
    // Of an EIN every digit is shown.
    match rows.iter().filter(|row| row.is_bare).count() {
        0 => {}
        1 => tracing::warn!("nine digits alone are taken for an EIN; {SSN_FORM}"),
        n => tracing::warn!("{n} numbers of nine digits alone are taken for EINs; {SSN_FORM}"),
    }
    match args.json {
        true => render::print_json(&document(&registered, masking)),
        false => render::print(&report(&registered, args.from.is_some(), masking)),
    }
}

/// How a number is written that is not to be shown.
const SSN_FORM: &str = "a social security number is written 123-45-6789, and masked";

/// So many doubtful numbers of a table are named.
const WARNINGS_SHOWN: usize = 10;

/// What an application that is to be registered is held against.
struct Limits<'a> {
    calendar: &'a Calendar,
    now: DateTime<Utc>,
}

/// An application to register, and where it was read.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Row {
    /// The line of the table, from 1; `None` for one from the command line.
    line: Option<usize>,
    /// Whether its number is nine digits without a sign of whose they are.
    is_bare: bool,
    new: NewApplication,
    submitted_at: Option<DateTime<Utc>>,
}

impl Row {
    fn place(&self) -> String {
        self.line.map_or_else(String::new, |line| format!("line {line}: "))
    }
}

struct Registered {
    summary: Summary,
    is_new: bool,
}

/// The application that bears the number on the same route already.
fn known(app: &App, new: &NewApplication) -> Result<Option<Summary>, Failure> {
    let db = app.store.read();
    for id in query::with_number(db, &new.number)? {
        match query::summary_of(db, id)? {
            Some(summary) if summary.application.route == new.route => return Ok(Some(summary)),
            _ => {}
        }
    }
    Ok(None)
}

fn from_arguments(args: &Args, limits: &Limits) -> Result<Row, Failure> {
    let refused =
        |what: &str, why: &str| Failure::usage(format!("the {what} cannot be used: {why}"));
    let number = number_of(args.number.as_deref().unwrap_or_default())
        .map_err(|why| refused("importer number", &why))?;
    let company = company_of(args.company.as_deref().unwrap_or_default())
        .map_err(|why| refused("company", &why))?;
    let submitted_at = args
        .submitted
        .as_deref()
        .map(|written| {
            submitted_at(written, limits).map_err(|why| refused("time of the submission", &why))
        })
        .transpose()?;
    let liquidated_on = args
        .liquidated
        .as_deref()
        .map(|written| {
            liquidated_on(written, limits.now)
                .map_err(|why| refused("day of the liquidation", &why))
        })
        .transpose()?;
    let all = |texts: &[String]| listed(texts.iter().map(String::as_str));
    let text = |text: &Option<String>| text.as_deref().and_then(filled);
    Ok(Row {
        line: None,
        is_bare: is_bare(args.number.as_deref().unwrap_or_default()),
        new: NewApplication {
            company,
            number,
            route: Route::parse(&args.route).unwrap_or_default(),
            aliases: all(&args.aliases),
            tags: all(&args.tags),
            contact: text(&args.contact),
            notes: text(&args.notes),
            liquidated_on,
        },
        submitted_at,
    })
}

fn from_table(path: &Path, limits: &Limits) -> Result<Vec<Row>, Failure> {
    let is_stdin = path == Path::new("-");
    let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
    let bytes = if is_stdin {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes =
        bytes.map_err(|error| Failure::new(format!("cannot read {name}")).because(error))?;
    let text = table::text_of(bytes).map_err(|line| {
        Failure::new(format!("{name}: line {line} is not UTF-8 text; nothing was registered"))
            .hint("save the table as \"CSV UTF-8\"")
    })?;
    table::rows_of(&text, limits).map_err(|faults| {
        let mut message = format!("cannot use {name}; nothing was registered");
        for table::Fault { line, why } in &faults {
            let _ = write!(message, "\n  line {line}: {why}");
        }
        Failure::new(message)
    })
}

pub(super) fn company_of(written: &str) -> Result<String, String> {
    let written = written.trim();
    if written.is_empty() {
        Err("it is missing".to_owned())
    } else if written.chars().any(char::is_control) {
        Err("it has line breaks or control characters".to_owned())
    } else if company_key(written).is_empty() {
        Err(format!("{} is no name", quoted(written)))
    } else {
        Ok(written.to_owned())
    }
}

/// Reads a number. What is wrong is said without its digits, which may be those of an SSN.
pub(super) fn number_of(written: &str) -> Result<ImporterNumber, String> {
    let is_scientific = written
        .to_ascii_uppercase()
        .split_once("E+")
        .is_some_and(|(mantissa, _)| mantissa.ends_with(|c: char| c.is_ascii_digit()));
    if is_scientific {
        return Err("a spreadsheet has rounded the number (5.48E+10); format the column as text and enter it again".to_owned());
    }
    written.parse().map_err(|error: NumberError| error.to_string())
}

/// Whether a number may as well be a social security number as an EIN.
fn is_bare(written: &str) -> bool {
    let written = written.trim();
    written.len() == 9 && written.bytes().all(|byte| byte.is_ascii_digit())
}

/// Reads when an application was sent.
///
/// A date stands for the first instant of that day in the calendar's zone. The day is day 0 of
/// every count and must not move: the beginning of a day lies before any cut-off hour, and before
/// every receipt that came on the same day, which noon would not.
fn submitted_at(written: &str, limits: &Limits) -> Result<DateTime<Utc>, String> {
    let Limits { calendar, now } = limits;
    let at = parse_time(written, |date: NaiveDate| calendar.start_of(date)).map_err(|_| {
        format!("{} is no time; write 2026-05-04 or 2026-05-04T13:05:00Z", quoted(written))
    })?;
    // The day has begun elsewhere already: a date may be ahead of the calendar's zone by hours.
    if *now + Duration::days(1) < at {
        return Err(format!("{} is in the future", quoted(written)));
    }
    if at.year() < 2000 {
        return Err(format!("{} is before there was an ACE", quoted(written)));
    }
    Ok(at)
}

/// The day of a liquidation, which may be known ahead.
pub(super) fn liquidated_on(written: &str, now: DateTime<Utc>) -> Result<NaiveDate, String> {
    let day = NaiveDate::parse_from_str(written.trim(), "%Y-%m-%d")
        .map_err(|_| format!("{} is no date; write 2026-05-04", quoted(written)))?;
    match (day - now.date_naive()).num_days() {
        -3660..=1100 => Ok(day),
        _ => Err(format!("{} is more than ten years ago or three ahead", quoted(written))),
    }
}

/// What somebody wrote, fit to be repeated: it may be a number in the wrong place.
fn quoted(written: &str) -> String {
    let start: String = written.chars().take(60).collect();
    format!("{:?}", Masking::default().text(&start))
}

fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The filled ones of several texts, each once, in their order.
pub(super) fn listed<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for text in texts.filter_map(filled) {
        if !kept.contains(&text) {
            kept.push(text);
        }
    }
    kept
}

fn document(registered: &[Registered], masking: &Masking) -> Value {
    let n_added = registered.iter().filter(|one| one.is_new).count();
    let applications: Vec<Value> = registered
        .iter()
        .map(|Registered { summary, is_new }| {
            let application = &summary.application;
            let ApplicationId(id) = application.id;
            json!({
                "id": id,
                "company": masking.plain(&application.company),
                "importer_number": masking.number(&application.number),
                "route": application.route.as_str(),
                "added": is_new,
            })
        })
        .collect();
    json!({
        "schema": "acewatch.add/1",
        "added": n_added,
        "unchanged": registered.len() - n_added,
        "applications": applications,
    })
}

fn report(registered: &[Registered], is_table: bool, masking: &Masking) -> String {
    let n_added = registered.iter().filter(|one| one.is_new).count();
    if is_table {
        return counted(n_added, registered.len() - n_added);
    }
    let lines = registered.iter().map(|Registered { summary, is_new }| {
        let application = &summary.application;
        let ApplicationId(id) = application.id;
        format!(
            "{}{id}  {}  {}\n",
            if *is_new { "" } else { "registered already: " },
            masking.number(&application.number),
            masking.text(&application.company),
        )
    });
    lines.collect()
}

fn counted(n_added: usize, n_unchanged: usize) -> String {
    let plural = if n_added == 1 { "" } else { "s" };
    let unchanged = match n_unchanged {
        0 => String::new(),
        1 => ", 1 was registered already".to_owned(),
        n => format!(", {n} were registered already"),
    };
    format!("registered {n_added} application{plural}{unchanged}\n")
}

#[cfg(test)]
mod tests {
    use crate::domain::zone::Zone;
    use chrono::NaiveTime;

    use super::*;

    fn calendar(cut_off: Option<u32>) -> Calendar {
        let cut_off = cut_off.and_then(|hour| NaiveTime::from_hms_opt(hour, 0, 0));
        Calendar::new(Zone::new_york(), Vec::new(), cut_off)
    }

    fn now() -> DateTime<Utc> {
        "2026-05-20T15:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_date_is_day_zero_whatever_the_cut_off_hour() {
        for cut_off in [None, Some(1), Some(9), Some(17), Some(23)] {
            let calendar = calendar(cut_off);
            let limits = Limits { calendar: &calendar, now: now() };
            // The second one is the day on which summer time begins.
            for date in ["2026-05-06", "2026-03-08", "2026-05-20"] {
                let at = submitted_at(date, &limits).unwrap();
                assert_eq!(calendar.day_of(at).to_string(), date, "{cut_off:?}");
            }
        }
    }

    #[test]
    fn a_submission_may_be_a_day_ahead_and_no_more() {
        let calendar = calendar(None);
        let limits = Limits { calendar: &calendar, now: now() };
        assert!(submitted_at("2026-05-21", &limits).is_ok());
        assert!(submitted_at("2026-05-21T15:00:00Z", &limits).is_ok());
        assert!(submitted_at("2026-05-21T15:00:01Z", &limits).is_err());
        assert!(submitted_at("2026-05-22", &limits).is_err());
    }

    #[test]
    fn the_answer_counts_what_is_new() {
        assert_eq!(counted(11, 1), "registered 11 applications, 1 was registered already\n");
        assert_eq!(counted(1, 0), "registered 1 application\n");
        assert_eq!(counted(0, 12), "registered 0 applications, 12 were registered already\n");
    }
}
