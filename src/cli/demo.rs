//! `acewatch demo`: the whole path on a built-in sample mailbox.
//!
//! The mails are the files of `demo/`. They are templates: wherever `{{date}}` stands, the time at
//! which `MAILS` says the mail arrived is written. That time is counted back from now in business
//! days of the calendar, so that every promise has run as far on a Sunday after Thanksgiving as it
//! has on any Tuesday, and the table is always the same. From there on nothing is special: the
//! mails go through [`App::ingest`] like those of a real mailbox, into a database of their own.
//!
//! Nothing of the user's is read or written: no configuration, no rules, no database, no network.
//! Only the desktop is real.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;

use super::failure::Failure;
use super::render::{self, Masking, styled};
use super::{Context, show, status};
use crate::app::{App, Incoming, Origin, Tally};
use crate::config::{self, Environment};
use crate::daemon::{self, Delivery};
use crate::domain::application::ApplicationId;
use crate::domain::calendar::Calendar;
use crate::domain::intake::Effect;
use crate::domain::message::FolderRole::{self, Inbox, Junk, Sent};
use crate::domain::rules::Rules;
use crate::notify::{Desktop, NotifyError};
use crate::store::Store;
use crate::store::query::{self, StoredMessage};

/// Show the whole path on a built-in sample mailbox
///
/// Reads the sample mails of a fictitious customs broker into a database that is deleted at the
/// end, prints the overview and one application's history, and raises a desktop alert. Needs no
/// account and no configuration, and leaves yours alone.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// The configuration of the demonstration. The mailbox is never contacted; it stands here because
/// coverage is proved mailbox by mailbox.
const CONFIGURATION: &str = r#"
[[mailbox]]
name = "demo"
host = "demo.example"
user = "ops@broker.example"
password-environment = "ACEWATCH_DEMO_PASSWORD"

[trust]
authserv-id = ["mx.broker.example"]
own-addresses = ["ops@broker.example"]

[notify]
quiet-hours = ""
working-days-only = false

[limits]
notify-timeout = "2s"
"#;

/// The name of the mailbox in [`CONFIGURATION`].
const MAILBOX: &str = "demo";

/// How far back the folders count as read; the oldest sample is younger, whatever the holidays.
const LOOK_BACK: chrono::Duration = chrono::Duration::days(60);

/// How long all notices together may take.
const DELIVERY_LIMIT: Duration = Duration::from_secs(3);

/// How long a notice stays at least: some desktops take it away with the program that showed it.
const NOTICE_STAYS: Duration = Duration::from_millis(1500);

/// One mail of the sample mailbox.
#[derive(Clone, Copy)]
struct Sample {
    folder: FolderRole,
    /// Business days before now.
    days_before: usize,
    /// Hour and minute in the calendar's zone.
    time: (u32, u32),
    /// The mail, with `{{date}}` for the time it arrived.
    template: &'static str,
}

const fn sample(
    folder: FolderRole,
    days_before: usize,
    time: (u32, u32),
    template: &'static str,
) -> Sample {
    Sample { folder, days_before, time, template }
}

/// The sample mailbox in the order of arrival.
#[rustfmt::skip]
const MAILS: [Sample; 31] = [
    sample(Sent, 12, (9, 12), include_str!("../../demo/01-blue-heron-submission.eml")),
    sample(Inbox, 12, (9, 14), include_str!("../../demo/02-blue-heron-receipt.eml")),
    sample(Sent, 10, (11, 5), include_str!("../../demo/03-lindqvist-submission.eml")),
    sample(Sent, 9, (10, 20), include_str!("../../demo/04-quillfeather-submission.eml")),
    sample(Inbox, 9, (10, 21), include_str!("../../demo/05-quillfeather-receipt.eml")),
    sample(Inbox, 9, (14, 40), include_str!("../../demo/06-blue-heron-request.eml")),
    sample(Sent, 8, (10, 2), include_str!("../../demo/07-blue-heron-answer.eml")),
    sample(Sent, 7, (13, 30), include_str!("../../demo/08-vela-submission.eml")),
    sample(Sent, 6, (9, 45), include_str!("../../demo/09-cedar-submission.eml")),
    sample(Inbox, 5, (8, 0), include_str!("../../demo/10-bulletin.eml")),
    sample(Sent, 4, (9, 30), include_str!("../../demo/11-northgate-submission.eml")),
    sample(Inbox, 4, (9, 33), include_str!("../../demo/12-northgate-receipt.eml")),
    sample(Inbox, 4, (18, 0), include_str!("../../demo/13-export-filing.eml")),
    sample(Inbox, 3, (11, 15), include_str!("../../demo/14-lindqvist-rejection.eml")),
    sample(Sent, 3, (14, 0), include_str!("../../demo/15-saltmarsh-submission.eml")),
    sample(Inbox, 3, (14, 1), include_str!("../../demo/16-saltmarsh-bounce.eml")),
    sample(Inbox, 3, (16, 2), include_str!("../../demo/17-code.eml")),
    sample(Sent, 2, (9, 5), include_str!("../../demo/18-granite-submission.eml")),
    sample(Inbox, 2, (10, 10), include_str!("../../demo/19-vela-rejection.eml")),
    sample(Inbox, 2, (11, 30), include_str!("../../demo/20-blue-heron-approval.eml")),
    sample(Junk, 2, (13, 0), include_str!("../../demo/21-spoof.eml")),
    sample(Inbox, 2, (13, 20), include_str!("../../demo/22-cedar-request.eml")),
    sample(Inbox, 2, (15, 5), include_str!("../../demo/23-blue-heron-account.eml")),
    sample(Sent, 1, (9, 0), include_str!("../../demo/24-vela-resubmission.eml")),
    sample(Sent, 1, (9, 5), include_str!("../../demo/25-tumbleweed-submission.eml")),
    sample(Sent, 1, (9, 7), include_str!("../../demo/26-tumbleweed-second-submission.eml")),
    sample(Inbox, 1, (12, 10), include_str!("../../demo/27-granite-reply.eml")),
    sample(Sent, 1, (14, 15), include_str!("../../demo/28-holt-submission.eml")),
    sample(Sent, 1, (15, 40), include_str!("../../demo/29-ironbark-submission.eml")),
    sample(Inbox, 1, (15, 41), include_str!("../../demo/30-ironbark-receipt.eml")),
    sample(Inbox, 1, (16, 20), include_str!("../../demo/31-tumbleweed-approval.eml")),
];

/// Plays the demonstration.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    // Declared before the database in it, so that it is removed after that is closed.
    let directory =
        tempfile::Builder::new().prefix("acewatch-demo-").tempdir().map_err(|error| {
            Failure::new("cannot make a directory for the demonstration").because(error)
        })?;
    let store = Store::open(&directory.path().join("acewatch.db"))?;
    let mut app = app_with(store, &cx.environment)?;
    let now = cx.now(&app)?;
    let tally = play(&mut app, now)?;
    let masking = &cx.masking(&app)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start").because(error))?;
    let (delivery, desktop) = runtime.block_on(deliver(&mut app, now))?;
    if args.json {
        render::print_json(&json!({
            "schema": "acewatch.demo/1",
            "generated_at": render::rfc3339(now),
            "mails": tally.read, "recorded": tally.recorded, "review": tally.review,
            "quarantined": tally.quarantined, "ignored": tally.ignored,
            "applications": app.overview(now, None)?.len(),
            "alerts": { "shown": delivery.shown, "waiting": delivery.waiting, "error": delivery.error },
        }))?;
    } else {
        render::print(&text(&app, tally, &delivery, now, masking)?)?;
    }
    if 0 < delivery.shown {
        runtime.block_on(async { tokio::time::sleep(NOTICE_STAYS).await });
    }
    drop(desktop);
    // A question that the notification server never answers must not keep the command.
    runtime.shutdown_timeout(Duration::from_millis(100));
    Ok(())
}

/// The program on `store`, with the configuration of the demonstration and the built-in rules.
fn app_with(store: Store, environment: &Environment) -> Result<App, Failure> {
    let settings = config::parse(CONFIGURATION, Path::new("demo.toml"), environment)?;
    let rules = Rules::read(None)
        .map_err(|error| Failure::configuration("cannot use the built-in rules", error))?;
    Ok(App::new(store, settings, rules))
}

/// Takes the sample mailbox in, as the daemon does with a real one.
fn play(app: &mut App, now: DateTime<Utc>) -> Result<Tally, Failure> {
    let mut total = Tally::default();
    // The submissions first: they register the applications that the answers are about.
    for role in [Sent, Inbox, Junk] {
        let mails: Vec<(String, DateTime<Utc>)> = MAILS
            .iter()
            .filter(|sample| sample.folder == role)
            .map(|sample| sample.mail(&app.calendar, now))
            .collect();
        let mails: Vec<Incoming> = mails
            .iter()
            .map(|(text, received_at)| Incoming {
                bytes: text.as_bytes(),
                received_at: *received_at,
            })
            .collect();
        let origin = Origin { mailbox: MAILBOX, folder: folder_name(role), role };
        total += app.ingest(origin, &mails, None, now)?;
    }
    let from = now.checked_sub_signed(LOOK_BACK);
    let folders = [Sent, Inbox, Junk].map(|role| (folder_name(role), from));
    app.complete(MAILBOX, &folders, now, "poll", true)?;
    app.evaluate(now)?;
    Ok(total)
}

fn folder_name(role: FolderRole) -> &'static str {
    match role {
        Sent => "Sent",
        Inbox => "INBOX",
        Junk => "Junk",
    }
}

impl Sample {
    /// The mail as it would lie in the folder, and when it arrived there.
    fn mail(&self, calendar: &Calendar, now: DateTime<Utc>) -> (String, DateTime<Utc>) {
        let day = business_day_before(calendar, calendar.day_of(now), self.days_before);
        let (hour, minute) = self.time;
        let into_the_day = chrono::Duration::minutes(i64::from(hour * 60 + minute));
        // Clocks change on Sundays, which are no business days.
        let start = calendar.start_of(day);
        let received_at = start.checked_add_signed(into_the_day).unwrap_or(start);
        let date = received_at.with_timezone(calendar.zone()).format("%a, %d %b %Y %H:%M:%S %z");
        (self.template.replace("{{date}}", &date.to_string()), received_at)
    }
}

/// The `n`th business day before `day`, which may itself be any day.
fn business_day_before(calendar: &Calendar, day: NaiveDate, n: usize) -> NaiveDate {
    std::iter::successors(day.pred_opt(), NaiveDate::pred_opt)
        .filter(|date| calendar.is_business_day(*date))
        .take(n)
        .last()
        .unwrap_or(day)
}

/// Shows the alerts on the desktop, in bounded time.
async fn deliver(
    app: &mut App,
    now: DateTime<Utc>,
) -> Result<(Delivery, Option<Desktop>), Failure> {
    let delivered = tokio::time::timeout(DELIVERY_LIMIT, daemon::deliver(app, now)).await;
    match delivered {
        Ok(delivered) => {
            let (delivery, desktop) = delivered?;
            Ok((delivery, Some(desktop)))
        }
        Err(_) => {
            let delivery = Delivery {
                waiting: query::pending_alerts(app.store.read())?.len(),
                error: Some(NotifyError::TimedOut.to_string()),
                ..Delivery::default()
            };
            Ok((delivery, None))
        }
    }
}

/// Everything that is printed.
fn text(
    app: &App,
    tally: Tally,
    delivery: &Delivery,
    now: DateTime<Utc>,
    masking: &Masking,
) -> Result<String, Failure> {
    let mut text = format!(
        "This is a demonstration: {} sample mails, read into a database that is deleted at the end.\n\
         Companies and numbers are invented, and nothing of yours was read.\n\n",
        tally.read
    );
    text.push_str(status::overview_text(app, now, masking, None)?.trim_end());
    if let Some(id) = most_told(app, now)? {
        let _ = write!(text, "\n\n{}\n\n", heading(&format!("acewatch show {}", id.0)));
        text.push_str(show::application_text(app, id, now, masking)?.trim_end());
    }
    let _ = write!(
        text,
        "\n\n{}\n{}",
        heading("What moved no application"),
        doubtful(app, tally, masking)?
    );
    let _ = write!(text, "\n{}\n{}\n", heading("Alerts"), outcome(delivery));
    let _ = write!(
        text,
        "\n{}\n  `acewatch init` sets up your own mailbox: it asks, tries everything, and changes nothing there.\n",
        heading("Next"),
    );
    Ok(text)
}

fn heading(text: &str) -> String {
    styled(text, render::STRONG)
}

/// The application with the longest history.
fn most_told(app: &App, now: DateTime<Utc>) -> Result<Option<ApplicationId>, Failure> {
    let mut longest = None;
    for summary in app.overview(now, None)? {
        let id = summary.application.id;
        let n_events = query::events(app.store.read(), id)?.len();
        if longest.is_none_or(|(most, _)| most < n_events) {
            longest = Some((n_events, id));
        }
    }
    Ok(longest.map(|(_, id)| id))
}

/// What became of the mails that are in no application's history, and why.
fn doubtful(app: &App, tally: Tally, masking: &Masking) -> Result<String, Failure> {
    let mut messages = Vec::new();
    // Ids count from one in a new database.
    for id in 1..=i64::from(tally.read) {
        messages.extend(query::message(app.store.read(), id)?);
    }
    let with = |effect: Effect| messages.iter().filter(move |m| m.effect == effect.as_str());
    let mut lines = String::new();
    for message in with(Effect::Quarantined) {
        lines.push_str(&told("quarantined", message, message.because.first(), masking));
    }
    for message in with(Effect::Review) {
        lines.push_str(&told("to review", message, message.because.last(), masking));
    }
    for message in with(Effect::Ignored) {
        let kind = message.kind.replace('_', " ");
        lines.push_str(&told("ignored", message, Some(&kind), masking));
    }
    Ok(lines)
}

fn told(
    effect: &str,
    message: &StoredMessage,
    because: Option<&String>,
    masking: &Masking,
) -> String {
    let because = because.map_or_else(String::new, |because| masking.text(because));
    let because = styled(&format!("({because})"), render::FAINT);
    format!("  {effect:<11}  {} {because}\n", masking.text(&message.subject))
}

/// What became of the alerts.
fn outcome(delivery: &Delivery) -> String {
    match (&delivery.error, delivery.shown) {
        (None, 0) => "  There was nothing to alert about.".to_owned(),
        (None, n) => format!("  A desktop alert was shown; it stands for {n} alerts."),
        (Some(error), _) => format!(
            "  No desktop alert: {}. The {} alerts stay in the database, and `acewatch run` would try again.",
            render::escaped(error),
            delivery.waiting
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::application::Stage;
    use crate::domain::evaluation::Attention;

    /// The table that every demonstration shows.
    const TABLE: [(&str, Stage, Attention); 12] = [
        ("11-222333300", Stage::Approved, Attention::None),
        ("250401-00777", Stage::Rejected, Attention::ActionNeeded),
        ("44-555666600", Stage::Acknowledged, Attention::Overdue),
        ("99-000111200", Stage::Submitted, Attention::None),
        ("22-333444400", Stage::InformationRequested, Attention::ActionNeeded),
        ("33-444555500", Stage::Acknowledged, Attention::Due),
        ("55-666777700", Stage::Undeliverable, Attention::ActionNeeded),
        ("77-888999900", Stage::Replied, Attention::None),
        ("66-777888800", Stage::Submitted, Attention::None),
        ("66-777888801", Stage::Submitted, Attention::None),
        ("123-45-6789", Stage::Submitted, Attention::None),
        ("88-999000100", Stage::Acknowledged, Attention::None),
    ];

    const TALLY: Tally =
        Tally { read: 31, recorded: 26, review: 1, quarantined: 1, ignored: 3, duplicate: 0 };

    fn app() -> App {
        let environment = Environment {
            config_home: "/nowhere".into(),
            data_home: "/nowhere".into(),
            credentials_directory: None,
            system_zone: Some("America/Denver".to_owned()),
        };
        app_with(Store::in_memory().unwrap(), &environment).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    /// Plays the demonstration at `now`; the rules stay, because warming them up takes longest.
    fn check(app: &mut App, now: DateTime<Utc>) {
        app.store = Store::in_memory().unwrap();
        assert_eq!(play(app, now).unwrap(), TALLY, "{now}");
        let mut table: Vec<_> = app
            .overview(now, None)
            .unwrap()
            .into_iter()
            .map(|s| (s.application.id, s.application.number.to_string(), s.stage, s.attention))
            .collect();
        table.sort();
        let table: Vec<_> = table
            .iter()
            .map(|(_, number, stage, attention)| (number.as_str(), *stage, *attention))
            .collect();
        assert_eq!(table, TABLE, "{now}");
    }

    #[test]
    fn the_table_is_the_same_through_thanksgiving_and_at_the_edges_of_a_day() {
        let mut app = app();
        for day in 0..13 {
            check(&mut app, at("2025-11-22T05:00:00Z") + chrono::Duration::days(day));
        }
        // Both changes of the clock, and a holiday on a Saturday.
        for last_second in ["2026-03-09T03:59:59Z", "2026-07-05T03:59:59Z", "2026-11-02T04:59:59Z"]
        {
            check(&mut app, at(last_second));
        }
    }

    #[test]
    fn the_table_is_the_same_through_christmas_with_its_closures_and_new_year() {
        let mut app = app();
        for day in 0..20 {
            check(&mut app, at("2025-12-19T17:00:00Z") + chrono::Duration::days(day));
        }
    }

    #[test]
    fn the_mails_stand_in_the_order_of_arrival_and_have_all_arrived() {
        let app = app();
        let now = at("2026-01-01T05:00:01Z");
        let arrived: Vec<_> =
            MAILS.iter().map(|sample| sample.mail(&app.calendar, now).1).collect();
        assert!(arrived.is_sorted());
        assert!(now - LOOK_BACK < arrived[0] && arrived[MAILS.len() - 1] < now);
    }

    #[test]
    fn a_mail_bears_the_time_at_which_it_arrived() {
        let app = app();
        for sample in MAILS {
            let (text, received_at) = sample.mail(&app.calendar, at("2026-07-06T12:00:00Z"));
            assert!(!text.contains("{{"), "{text}");
            let date = text.lines().find_map(|line| line.strip_prefix("Date: ")).unwrap();
            assert_eq!(DateTime::parse_from_rfc2822(date).unwrap(), received_at);
        }
    }

    #[test]
    fn business_days_are_counted_back_from_any_day() {
        let calendar = app().calendar;
        let check = |day: &str, n: usize, expected: &str| {
            let day: NaiveDate = day.parse().unwrap();
            assert_eq!(
                business_day_before(&calendar, day, n),
                expected.parse().unwrap(),
                "{day} {n}"
            );
        };
        check("2026-05-05", 1, "2026-05-04");
        check("2026-05-04", 1, "2026-05-01");
        check("2026-05-03", 1, "2026-05-01");
        check("2025-12-29", 1, "2025-12-23");
        check("2025-12-29", 0, "2025-12-29");
        assert_eq!(business_day_before(&calendar, NaiveDate::MIN, 3), NaiveDate::MIN);
    }

    #[test]
    fn the_text_names_what_was_done_and_hides_what_it_must() {
        let mut app = app();
        let now = at("2026-05-20T15:00:00Z");
        let tally = play(&mut app, now).unwrap();
        let delivery = Delivery { shown: 0, waiting: 9, error: Some("no session bus".to_owned()) };
        let text = text(&app, tally, &delivery, now, &Masking::default()).unwrap();
        for words in [
            "31 sample mails",
            "Blue Heron Coffee Importers LLC",
            "***-**-6789",
            "quarantined  RE: Quillfeather",
            "to review    Tumbleweed Toys LLC",
            "ignored      AES Direct Filing",
            "No desktop alert: no session bus",
            "acewatch init",
        ] {
            assert!(text.contains(words), "{words}\n{text}");
        }
        assert!(!text.contains("123-45-6789"));
    }
}
