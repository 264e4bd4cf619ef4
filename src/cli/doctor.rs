//! `acewatch doctor`: looks at everything that must work, and says what to do about what does not.
//!
//! Nothing is changed but what opening the database changes. A check that cannot be made because
//! an earlier one failed is left out: the earlier one says what to do.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Datelike, Utc};
use serde_json::{Value, json};

use super::Context;
use super::failure::{FAILED, Failure};
use super::render::{self, Masking};
use crate::app::App;
use crate::config::{self, MailboxSettings, Settings};
use crate::domain::alert::AlertKind;
use crate::domain::application::ApplicationId;
use crate::domain::coverage::Coverage;
use crate::domain::rules::Rules;
use crate::mailbox::probe::{self, ProbeStep};
use crate::notify::{NotifyError, desktop};
use crate::store::query::{self, MailboxState, PendingAlert};
use crate::store::{self, Store};
use crate::{clock, daemon};

/// How long all mailboxes together may take. Every step has its own limit; this one holds for a
/// server that stays just below each of them.
const LONGEST_PROBE: Duration = Duration::from_mins(3);

/// The year in which acewatch was made: a clock before it is wrong.
const FIRST_YEAR: i32 = 2026;

/// Check everything that must work, and say what to do
///
/// Looks at configuration, rules, calendar, clock, database, daemon and notification server, and
/// tries to log in to each mailbox. Nothing is read from the mailboxes and nothing is shown on the
/// desktop. The exit code is 1 if anything is at fault.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Checks.
///
/// # Errors
///
/// Silently where a check found a fault.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let now = clock::now();
    let masking = &Masking { reveal: cx.global.reveal, ..Masking::default() };
    let (mut checks, settings) = local(cx, now);
    if !args.json {
        // Told before the servers are asked, because a server may take a minute to not answer.
        render::print(&text(&checks, masking))?;
    }
    if let Some(settings) = settings {
        let remote = remote(&settings);
        if !args.json {
            render::print(&text(&remote, masking))?;
        }
        checks.extend(remote);
    }
    match args.json {
        true => render::print_json(&document(&checks, masking))?,
        false => render::print(&summary(&checks))?,
    }
    match checks.iter().any(|check| check.outcome == Outcome::Fault) {
        true => Err(Failure::silent(FAILED)),
        false => Ok(()),
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Check {
    /// What, for people and programs: `database`, `mailbox office: login`.
    name: String,
    outcome: Outcome,
    /// What was found.
    detail: String,
    /// What to do about it; every fault has one.
    hint: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Outcome {
    /// All is well.
    Good,
    /// It works, and not as one would expect.
    Warning,
    /// It does not work.
    Fault,
}

impl Outcome {
    fn as_str(self) -> &'static str {
        match self {
            Outcome::Good => "ok",
            Outcome::Warning => "warning",
            Outcome::Fault => "fault",
        }
    }
}

impl Check {
    fn good(name: impl Into<String>, detail: impl Into<String>) -> Check {
        Check { name: name.into(), outcome: Outcome::Good, detail: detail.into(), hint: None }
    }

    fn warning(
        name: impl Into<String>,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Check {
        Check { outcome: Outcome::Warning, hint: Some(hint.into()), ..Check::good(name, detail) }
    }

    fn fault(name: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) -> Check {
        Check { outcome: Outcome::Fault, ..Check::warning(name, detail, hint) }
    }
}

/// The checks that ask nobody else; the settings if they can be used.
fn local(cx: &Context, now: DateTime<Utc>) -> (Vec<Check>, Option<Settings>) {
    let mut checks = Vec::new();
    let usual = config::default_path(&cx.environment);
    let settings = match config::load(cx.global.config.as_deref(), &cx.environment) {
        Ok(settings) => {
            checks.extend(of_settings(&settings, &usual));
            Some(settings)
        }
        Err(error) => {
            let hint = error.hint().to_owned();
            checks.push(Check::fault("configuration", chain(&error), hint));
            None
        }
    };
    let rules_path = config::rules_path(&cx.environment);
    let rules = read_rules(&rules_path);
    checks.push(match &rules {
        Ok(rules) if !rules.warnings().is_empty() => Check::warning(
            "rules",
            rules.warnings().join("; "),
            format!("mend {}; `acewatch rules check` looks at it", rules_path.display()),
        ),
        Ok(_) if rules_path.exists() => {
            Check::good("rules", format!("the built-in ones and {}", rules_path.display()))
        }
        Ok(_) => Check::good("rules", "the built-in ones"),
        Err(error) => Check::fault(
            "rules",
            format!("{error:#}"),
            format!(
                "mend {}, or move it away to go on with the built-in rules",
                rules_path.display()
            ),
        ),
    });
    if let Some(settings) = &settings {
        checks.push(of_calendar(settings, now));
    }

    let path = cx.database();
    // Before the database is opened: closing a file lets go of all locks that the process has on it.
    if let Err(error) = try_rights(&path) {
        checks.push(Check::fault(
            "database",
            format!("{} cannot be written: {error}", path.display()),
            format!("look at the rights and the free space of {}", folder_above(&path).display()),
        ));
    }
    let opened = Store::open_existing(&path);
    if opened.is_ok() {
        checks.push(of_mode(&path));
    }
    let mut states = Vec::new();
    match (opened, settings.clone(), rules) {
        (Ok(None), ..) => {}
        (Err(error), ..) => checks.push(of_refusal(&error)),
        (Ok(Some(store)), Some(settings), Ok(rules)) => {
            let app = App::new(store, settings, rules);
            states = query::mailboxes(app.store.read()).unwrap_or_default();
            checks.extend(of_database(&app, now));
        }
        // Without settings the history can still be looked at, though not evaluated.
        (Ok(Some(store)), ..) => checks.push(of_integrity(&store)),
    }
    checks.push(of_clock(now, &states));
    checks.push(of_daemon(daemon::is_running(&path), settings.as_ref()));
    if let Some(fault) = daemon::database_fault(&path) {
        checks.push(Check::fault("daemon's database", fault, "the daemon tries again by itself"));
    }
    if let Some((detail, hint)) = super::service::look() {
        checks.push(match hint {
            None => Check::good("service", detail),
            Some(hint) => Check::fault("service", detail, hint),
        });
    }
    if let Some(why) = daemon::refused_configuration(&path) {
        checks.push(Check::fault(
            "daemon's configuration",
            format!("it goes on with the old one: {why}"),
            "mend the file, then `systemctl --user reload acewatch` (or SIGHUP)",
        ));
    }
    (checks, settings)
}

fn of_settings(settings: &Settings, usual: &Path) -> Vec<Check> {
    let mut checks = vec![match &settings.path {
        Some(path) => Check::good("configuration", path.display().to_string()),
        None => Check::warning(
            "configuration",
            "there is none, all settings are the defaults",
            format!("write {}, beginning with a table [[mailbox]]", usual.display()),
        ),
    }];
    for warning in &settings.warnings {
        let hint = "change it in the configuration if it is not what you mean";
        checks.push(Check::warning("configuration", warning, hint));
    }
    checks.push(match settings.mailboxes.as_slice() {
        [] => Check::warning(
            "mailboxes",
            "none is configured, only imported mail is looked at",
            "add a table [[mailbox]] with `host` and `user` to the configuration",
        ),
        some => Check::good(
            "mailboxes",
            some.iter().map(|mailbox| mailbox.name.as_str()).collect::<Vec<_>>().join(", "),
        ),
    });
    checks.push(match settings.trust.authserv_ids.as_slice() {
        [] if settings.dkim.is_some() => Check::good(
            "trust",
            "no authserv-id is configured; DKIM signatures are verified here",
        ),
        [] => Check::fault(
            "trust",
            "no authserv-id is configured, so that no mail is ever authentic and all of CBP's goes to review",
            "open a mail from CBP in your mail program, show its source, and put the first word after the topmost \
             \"Authentication-Results:\" into `authserv-id` under [trust]; write \"-\" for Microsoft 365, which has none. If your server writes no such header, write `dkim = true` instead",
        ),
        ids => {
            let also = match settings.dkim {
                Some(_) => "; where it says nothing, DKIM signatures are verified here",
                None => "",
            };
            Check::good("trust", format!("the word of {} counts{also}", ids.join(", ")))
        }
    });
    if settings.trust.own_addresses.is_empty() {
        checks.push(Check::warning(
            "own addresses",
            "none are known, so that your submissions are not told from other mail in the Sent folder",
            "list the addresses from which you write in `own-addresses` under [trust]",
        ));
    }
    checks
}

fn read_rules(path: &Path) -> anyhow::Result<Rules> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    Rules::read(text.as_deref()).with_context(|| path.display().to_string())
}

fn of_calendar(settings: &Settings, now: DateTime<Utc>) -> Check {
    let own = &settings.calendar;
    let calendar = own.calendar();
    let today = calendar.day_of(now);
    let next = today
        .checked_add_months(chrono::Months::new(12))
        .and_then(|until| calendar.holidays(today, until).into_iter().next());
    let next = next.map_or_else(
        || "no holiday within a year".to_owned(),
        |day| format!("the next day off is {}, {}", render::day(day.date), day.because),
    );
    let detail = format!(
        "{}, where today is {}; {next}; times are shown in {}",
        own.zone,
        render::day(today),
        settings.time_zone
    );
    let known_until = calendar.known_until();
    match known_until.checked_add_months(chrono::Months::new(12)) {
        Some(aged) if aged < today => Check::warning(
            "calendar",
            format!(
                "{detail}; closures by Executive Order are known only up to {}",
                render::day(known_until)
            ),
            "update acewatch; or add the closures since to `[calendar] closures` and set `known-until`"
                .to_owned(),
        ),
        _ => Check::good("calendar", detail),
    }
}

/// Importer numbers may be social security numbers, so the file is for its owner alone.
fn of_mode(path: &Path) -> Check {
    use std::os::unix::fs::PermissionsExt;
    const NAME: &str = "database file";
    match std::fs::metadata(path) {
        Ok(file) if file.permissions().mode() & 0o077 != 0 => Check::warning(
            NAME,
            format!("{} can be read by others", path.display()),
            format!("chmod 600 {}", path.display()),
        ),
        Ok(_) => Check::good(NAME, path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Check::good(NAME, format!("{}, not made yet", path.display()))
        }
        Err(error) => Check::fault(
            NAME,
            format!("cannot look at {}: {error}", path.display()),
            "give yourself access to it, or name another file with --database",
        ),
    }
}

/// Whether the daemon could write the database, and the files that SQLite keeps beside it.
fn try_rights(path: &Path) -> std::io::Result<()> {
    if path.exists() {
        std::fs::OpenOptions::new().append(true).open(path)?;
    }
    tempfile::tempfile_in(folder_above(path)).map(drop)
}

/// The folder of a file, or the nearest one above that is there.
fn folder_above(path: &Path) -> &Path {
    let mut folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    folders.find(|folder| folder.is_dir()).unwrap_or(Path::new("."))
}

fn of_refusal(error: &store::Error) -> Check {
    Check::fault("database", chain(error), error.hint())
}

fn of_integrity(store: &Store) -> Check {
    match store.integrity_fault() {
        Ok(None) => Check::good("database", "sound, and of this version's schema"),
        Ok(Some(fault)) => Check::fault(
            "database",
            format!("the file is damaged: {fault}"),
            format!(
                "stop acewatch, keep a copy of {0}, and put back the last backup; without one, save what can be read: sqlite3 {0} .recover",
                store.path().display()
            ),
        ),
        Err(error) => of_refusal(&error),
    }
}

fn of_database(app: &App, now: DateTime<Utc>) -> Vec<Check> {
    let integrity = of_integrity(&app.store);
    let is_sound = integrity.outcome == Outcome::Good;
    let mut checks = vec![integrity];
    if !is_sound {
        return checks;
    }
    checks.push(of_summaries(app, now).unwrap_or_else(|error| {
        Check::fault(
            "summaries",
            format!("{error:#}"),
            "keep a copy of the database, and put back the last good one",
        )
    }));
    let counts = query::pending_alerts(app.store.read())
        .and_then(|alerts| Ok((alerts, app.n_unreadable()?)));
    match counts {
        Ok((alerts, n_unreadable)) => {
            checks.push(of_alerts(&alerts));
            if 0 < n_unreadable {
                checks.push(Check::warning(
                    "unreadable mails",
                    format!("{n_unreadable} could not be fetched; they are tried again now and then"),
                    "look at them with your mail program; saved as a file, `acewatch import FILE` reads them",
                ));
            }
        }
        Err(error) => checks.push(of_refusal(&error)),
    }
    checks
}

/// Folds every history anew and holds the cached facts against it.
fn of_summaries(app: &App, now: DateTime<Utc>) -> anyhow::Result<Check> {
    let summaries = query::summaries(app.store.read(), None)?;
    // The facts compared do not depend on what was read.
    let coverage = Coverage::default();
    let mut differing = Vec::new();
    for cached in &summaries {
        let (history, _) = app.standing(&cached.application, &coverage, now)?;
        let is_same = cached.stage == history.stage()
            && cached.submitted_at == history.submitted_at
            && cached.acknowledged_at == history.acknowledged_at
            && cached.first_reply_at == history.first_reply_at
            && cached.decided_at == history.decided_at;
        if !is_same {
            let ApplicationId(id) = cached.application.id;
            differing.push(id.to_string());
        }
    }
    let n = summaries.len();
    if differing.is_empty() {
        let plural = if n == 1 { "" } else { "s" };
        return Ok(Check::good(
            "summaries",
            format!("{n} application{plural}, all as their histories say"),
        ));
    }
    let listed = differing.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
    Ok(Check::fault(
        "summaries",
        format!(
            "{} of {n} applications are cached otherwise than their histories say: {listed}",
            differing.len()
        ),
        "`acewatch show` with `--at` computes from the history; keep a copy of the database and report this",
    ))
}

fn of_alerts(pending: &[PendingAlert]) -> Check {
    let refused: Vec<&str> =
        pending.iter().filter_map(|alert| alert.last_error.as_deref()).collect();
    match (pending.len(), refused.last()) {
        (0, _) => Check::good("alerts", "all delivered"),
        (n, None) => Check::good(
            "alerts",
            format!("{n} wait for `acewatch run`, or for the end of quiet hours"),
        ),
        (n, Some(error)) => Check::warning(
            "alerts",
            format!("{n} are undelivered; the last attempt: {error}"),
            "see the line about notifications; they are kept and tried again",
        ),
    }
}

fn of_clock(now: DateTime<Utc>, states: &[MailboxState]) -> Check {
    let last = states.iter().filter_map(|state| state.last_complete_check).max();
    let shown = now.format("%Y-%m-%d %H:%M UTC");
    let hint = "set the computer's clock: timedatectl set-ntp true";
    if now.year() < FIRST_YEAR {
        return Check::fault("clock", format!("it says {shown}, before acewatch was made"), hint);
    }
    match last.filter(|last| now + chrono::Duration::hours(1) < *last) {
        Some(last) => Check::fault(
            "clock",
            format!(
                "it says {shown}, and a mailbox was read at {}",
                last.format("%Y-%m-%d %H:%M UTC")
            ),
            hint,
        ),
        None => Check::good("clock", shown.to_string()),
    }
}

fn of_daemon(is_running: bool, settings: Option<&Settings>) -> Check {
    let has_mailboxes = settings.is_none_or(|settings| !settings.mailboxes.is_empty());
    match (is_running, has_mailboxes) {
        (true, _) => Check::good("daemon", "running"),
        (false, true) => Check::warning(
            "daemon",
            "not running, so that nobody watches",
            "acewatch service install, or `acewatch run` in a terminal",
        ),
        (false, false) => Check::good("daemon", "not running, and there is no mailbox to watch"),
    }
}

/// The checks that ask servers, within their limits.
fn remote(settings: &Settings) -> Vec<Check> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let hint = "free some memory and file descriptors (ulimit -n)";
            return vec![Check::fault("runtime", format!("cannot be started: {error}"), hint)];
        }
    };
    let mut checks = Vec::new();
    checks.push(runtime.block_on(of_notifications(settings)));
    let probes = settings.mailboxes.iter().map(|mailbox| of_mailbox(mailbox, settings));
    for steps in runtime.block_on(futures_util::future::join_all(probes)) {
        checks.extend(steps);
    }
    // A resolver that hangs would keep an ordinary end waiting.
    runtime.shutdown_background();
    checks
}

async fn of_notifications(settings: &Settings) -> Check {
    const NAME: &str = "notifications";
    if !settings.notify.desktop {
        return Check::good(NAME, "switched off by `desktop = false`");
    }
    match desktop::probe(settings.limits.notify_timeout).await {
        Ok(server) if settings.notify.urgency.get(&AlertKind::VerificationCode) == Some(&None) => {
            Check::warning(
                NAME,
                format!("{server}; log-in codes are not shown"),
                "a code is worth nothing ten minutes later: remove `verification-code = \"off\"` from [notify.urgency], or have a channel carry them",
            )
        }
        Ok(server) => Check::good(NAME, server),
        Err(error) => {
            let hint = match &error {
                NotifyError::NoSessionBus => {
                    "log in to a desktop on this computer, or set `desktop = false` under [notify] and look at `acewatch status`"
                }
                NotifyError::NoServer => {
                    "start a notification server such as dunst or mako; GNOME, KDE and Xfce bring their own"
                }
                NotifyError::TimedOut | NotifyError::Refused(_) => {
                    "start the notification server anew"
                }
            };
            Check::fault(NAME, error.to_string(), hint)
        }
    }
}

async fn of_mailbox(mailbox: &MailboxSettings, settings: &Settings) -> Vec<Check> {
    let probing = probe::probe(mailbox, &settings.limits);
    match tokio::time::timeout(LONGEST_PROBE, probing).await {
        Ok(steps) => steps.into_iter().map(|step| of_step(&mailbox.name, step)).collect(),
        Err(_) => vec![Check::fault(
            format!("mailbox {}", mailbox.name),
            format!(
                "{}:{} gave no answer within {} seconds",
                mailbox.host,
                mailbox.port,
                LONGEST_PROBE.as_secs()
            ),
            "try again later; if it stays like this, ask whoever runs the server",
        )],
    }
}

fn of_step(mailbox: &str, step: ProbeStep) -> Check {
    let name = format!("mailbox {mailbox}: {}", step.name);
    match (step.outcome, step.hint) {
        (Ok(found), None) => Check::good(name, found),
        (Ok(found), Some(hint)) => Check::warning(name, found, hint),
        (Err(why), hint) => {
            let hint = hint.unwrap_or_else(|| {
                format!(
                    "compare the mailbox {mailbox} in the configuration with what its provider says"
                )
            });
            Check::fault(name, why, hint)
        }
    }
}

fn document(checks: &[Check], masking: &Masking) -> Value {
    let list: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name,
                "outcome": check.outcome.as_str(),
                "detail": masking.plain(&check.detail),
                "hint": check.hint.as_deref().map(|hint| masking.plain(hint)),
            })
        })
        .collect();
    json!({
        "schema": "acewatch.doctor/1",
        "ok": checks.iter().all(|check| check.outcome != Outcome::Fault),
        "checks": list,
    })
}

fn text(checks: &[Check], masking: &Masking) -> String {
    let mut text = String::new();
    for Check { name, outcome, detail, hint } in checks {
        let style = match outcome {
            Outcome::Good => render::GOOD,
            Outcome::Warning => render::WARN,
            Outcome::Fault => render::ALARM,
        };
        let word = render::styled(&format!("{:<7}", outcome.as_str()), style);
        let _ = writeln!(text, "{word}  {}: {}", masking.text(name), masking.text(detail));
        if let Some(hint) = hint {
            let _ = writeln!(text, "         hint: {}", masking.text(hint));
        }
    }
    text
}

fn summary(checks: &[Check]) -> String {
    let n = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    let counted = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (n(Outcome::Fault), n(Outcome::Warning)) {
        (0, 0) => "\neverything works\n".to_owned(),
        (faults, warnings) => {
            format!("\n{}, {}\n", counted(faults, "fault"), counted(warnings, "warning"))
        }
    }
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(line, ": {error}");
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Environment;
    use crate::domain::application::Route;
    use crate::domain::event::EventKind;
    use crate::store::record::NewApplication;

    fn environment(home: &Path) -> Environment {
        Environment {
            config_home: home.join("config"),
            data_home: home.join("data"),
            credentials_directory: None,
            system_zone: Some("America/Denver".to_owned()),
        }
    }

    fn settings(home: &Path, text: &str) -> Settings {
        config::parse(text, &home.join("config.toml"), &environment(home)).unwrap()
    }

    fn at(written: &str) -> DateTime<Utc> {
        written.parse().unwrap()
    }

    fn check(found: &Check, outcome: Outcome, detail: &str) {
        assert_eq!(found.outcome, outcome, "{found:?}");
        assert!(found.detail.contains(detail), "{found:?}");
        assert_eq!(found.hint.is_none(), outcome == Outcome::Good, "{found:?}");
    }

    #[test]
    fn old_closures_are_warned_of_until_the_user_knows_the_new_ones() {
        let home = tempfile::tempdir().unwrap();
        let calendar = |text: &str, now: &str| of_calendar(&settings(home.path(), text), at(now));
        check(
            &calendar("", "2027-11-22T18:00:00Z"),
            Outcome::Good,
            "the next day off is Thu 25 Nov",
        );
        let old = "closures by Executive Order are known only up to Sun 22 Nov 2026";
        check(&calendar("", "2027-11-23T18:00:00Z"), Outcome::Warning, old);
        let known = "[calendar]\nknown-until = \"2027-06-30\"";
        check(&calendar(known, "2027-11-23T18:00:00Z"), Outcome::Good, "today is Tue 23 Nov 2027");
    }

    #[test]
    fn rights_are_tried_without_a_trace() {
        let home = tempfile::tempdir().unwrap();
        try_rights(&home.path().join("data/acewatch/acewatch.db")).unwrap();
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
        let known = home.path().join("known.db");
        std::fs::write(&known, "kept").unwrap();
        try_rights(&known).unwrap();
        assert_eq!(std::fs::read_to_string(&known).unwrap(), "kept");
        assert!(try_rights(home.path()).is_err(), "a folder is no database");
    }

    #[test]
    fn a_missing_authserv_id_is_a_fault_because_nothing_would_be_authentic() {
        let home = tempfile::tempdir().unwrap();
        let of = |text: &str| {
            let checks = of_settings(&settings(home.path(), text), home.path());
            checks.into_iter().find(|check| check.name == "trust").unwrap()
        };
        check(&of(""), Outcome::Fault, "no authserv-id");
        check(
            &of("[trust]\nauthserv-id = [\"mx.broker.example\"]\n"),
            Outcome::Good,
            "mx.broker.example",
        );
    }

    #[test]
    fn a_clock_before_its_time_or_before_the_last_check_is_a_fault() {
        let now = at("2026-05-20T12:00:00Z");
        let read_at = |last: &str| MailboxState {
            name: "office".to_owned(),
            mode: None,
            last_complete_check: Some(at(last)),
            failing_since: None,
            error: None,
            hint: None,
        };
        check(&of_clock(now, &[]), Outcome::Good, "2026-05-20 12:00 UTC");
        check(&of_clock(now, &[read_at("2026-05-20T12:30:00Z")]), Outcome::Good, "");
        check(&of_clock(now, &[read_at("2026-05-21T12:30:00Z")]), Outcome::Fault, "2026-05-21");
        check(&of_clock(at("1970-01-01T00:00:09Z"), &[]), Outcome::Fault, "1970");
    }

    #[test]
    fn a_file_that_is_none_of_ours_is_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("other.db");
        std::fs::write(&path, "a text, long enough not to be taken for an empty database").unwrap();
        let error = Store::open(&path).unwrap_err();
        check(&of_refusal(&error), Outcome::Fault, "other.db");
    }

    #[test]
    fn a_database_that_others_can_read_is_a_warning() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("acewatch.db");
        check(&of_mode(&path), Outcome::Good, "not made yet");
        drop(Store::open(&path).unwrap());
        check(&of_mode(&path), Outcome::Good, "acewatch.db");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        check(&of_mode(&path), Outcome::Warning, "can be read by others");
    }

    #[test]
    fn a_summary_that_differs_from_its_history_is_a_fault() {
        let home = tempfile::tempdir().unwrap();
        let now = at("2026-05-20T12:00:00Z");
        let store = Store::in_memory().unwrap();
        let mut app = App::new(store, settings(home.path(), ""), Rules::read(None).unwrap());
        let new = NewApplication {
            company: "Acme Imports LLC".to_owned(),
            number: "12-345678900".parse().unwrap(),
            route: Route::Email,
            aliases: Vec::new(),
            tags: Vec::new(),
            contact: None,
            notes: None,
            liquidated_on: None,
        };
        let ids = app.register(&[(new, Some(at("2026-05-19T12:00:00Z")))], now).unwrap();
        app.add_event(ids[0].unwrap(), EventKind::Approved, None, now).unwrap();
        check(&of_summaries(&app, now).unwrap(), Outcome::Good, "1 application, all");
        for found in of_database(&app, now) {
            check(&found, Outcome::Good, "");
        }
        app.store
            .write(|tx| -> Result<(), store::Error> {
                tx.execute("UPDATE applications SET decided_at = NULL", [])?;
                Ok(())
            })
            .unwrap();
        check(&of_summaries(&app, now).unwrap(), Outcome::Fault, "1 of 1 applications");
    }

    #[test]
    fn a_step_that_failed_always_says_what_to_do() {
        let step = |outcome: Result<&str, &str>, hint: Option<&str>| ProbeStep {
            name: "login",
            outcome: outcome.map(str::to_owned).map_err(str::to_owned),
            hint: hint.map(str::to_owned),
        };
        check(&of_step("office", step(Ok("as ops"), None)), Outcome::Good, "as ops");
        check(&of_step("office", step(Ok("as ops"), Some("do"))), Outcome::Warning, "as ops");
        check(&of_step("office", step(Err("refused"), Some("do"))), Outcome::Fault, "refused");
        check(&of_step("office", step(Err("refused"), None)), Outcome::Fault, "refused");
    }

    #[test]
    fn a_server_that_is_not_there_is_found_out_within_the_limits() {
        let home = tempfile::tempdir().unwrap();
        // Port 9 of this computer: nobody listens, and nobody is asked to wait.
        let settings = settings(
            home.path(),
            "[[mailbox]]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nuser = \"ops@broker.example\"\npassword-file = \"secret\"\n\
             [notify]\ndesktop = false\n",
        );
        let checks = remote(&settings);
        let names: Vec<(&str, &str)> =
            checks.iter().map(|check| (check.name.as_str(), check.outcome.as_str())).collect();
        assert_eq!(
            names,
            [
                ("notifications", "ok"),
                ("mailbox ops: secret", "fault"),
                ("mailbox ops: connection", "fault"),
            ]
        );
        assert!(checks.iter().all(|check| check.outcome != Outcome::Fault || check.hint.is_some()));
    }

    #[test]
    fn the_document_is_ok_unless_something_is_at_fault() {
        let masking = &Masking::default();
        let warned = [Check::good("a", "fine"), Check::warning("b", "odd", "look")];
        assert_eq!(
            document(&warned, masking),
            json!({ "schema": "acewatch.doctor/1", "ok": true, "checks": [
                { "name": "a", "outcome": "ok", "detail": "fine", "hint": null },
                { "name": "b", "outcome": "warning", "detail": "odd", "hint": "look" },
            ] })
        );
        assert_eq!(document(&[Check::fault("c", "bad", "mend")], masking)["ok"], json!(false));
        assert_eq!(summary(&warned), "\n0 faults, 1 warning\n");
        assert_eq!(summary(&[Check::good("a", "fine")]), "\neverything works\n");
    }

    #[test]
    fn a_server_s_words_reach_the_terminal_escaped() {
        let shown = text(&[Check::fault("a", "NO \u{1b}[2J", "b")], &Masking::default());
        assert!(!anstream::adapter::strip_str(&shown).to_string().contains('\u{1b}'));
        assert!(shown.contains("\\u{1b}[2J"), "{shown}");
    }
}
