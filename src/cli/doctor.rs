//! `acewatch doctor`: looks at everything that must work, and says what to do about what does not.
//!
//! Nothing is changed but what opening the database changes. A check that cannot be made because
//! an earlier one failed is left out: the earlier one says what to do.

mod channel;
mod history;
mod machine;
mod mailbox;
mod rights;
mod settings;

use std::fmt::Write;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::Context;
use super::failure::{FAILED, Failure};
use super::render::{self, Masking};
use crate::app::App;
use crate::causes::chain;
use crate::config::{self, Settings};
use crate::store::Store;
use crate::store::query;
use crate::{clock, daemon};

/// Check everything that must work, and say what to do
///
/// Looks at configuration, rules, who may change them, calendar, clock, database, daemon, service and notification server,
/// tries to log in to each mailbox, and calls the servers of the channels. Of the mailboxes only the
/// header fields of the youngest mails are read; nothing is sent or shown. The exit code is 1 if
/// anything is at fault.
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
        let remote = remote(&settings, now);
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
        // What others say may have several lines.
        let detail: String = detail.into();
        let detail = detail.lines().map(str::trim).filter(|line| !line.is_empty());
        let detail = detail.collect::<Vec<_>>().join(" ");
        Check { name: name.into(), outcome: Outcome::Good, detail, hint: None }
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
            checks.extend(settings::of_settings(&settings, &usual));
            Some(settings)
        }
        Err(error) => {
            let hint = error.hint().to_owned();
            checks.push(Check::fault("configuration", chain(&error), hint));
            None
        }
    };
    let rules_path = config::rules_path(&cx.environment);
    let rules = settings::read_rules(&rules_path);
    checks.push(settings::of_rules(&rules_path, &rules));
    let configuration = cx.global.config.as_ref().unwrap_or(&usual);
    checks.extend(rights::of_files(&[configuration, &rules_path], settings.as_ref()));
    if let Some(settings) = &settings {
        checks.push(settings::of_calendar(settings, now));
    }

    let path = cx.database();
    // Before the database is opened: closing a file lets go of all locks that the process has on it.
    checks.extend(history::of_rights(&path));
    let opened = Store::open_existing(&path);
    if opened.is_ok() {
        checks.push(history::of_mode(&path));
    }
    let mut states = Vec::new();
    match (opened, settings.clone(), rules) {
        (Ok(None), ..) => {}
        (Err(error), ..) => checks.push(history::of_refusal(&error)),
        (Ok(Some(store)), Some(settings), Ok(rules)) => {
            let app = App::new(store, settings, rules);
            states = query::mailboxes(app.store.read()).unwrap_or_default();
            checks.extend(history::of_database(&app, now));
            checks
                .extend(super::sign_in::standings(&app, now).into_iter().map(mailbox::of_sign_in));
        }
        // Without settings the history can still be looked at, though not evaluated.
        (Ok(Some(store)), ..) => checks.push(history::of_integrity(&store)),
    }
    checks.push(machine::of_clock(now, &states));
    checks.push(machine::of_daemon(daemon::is_running(&path), settings.as_ref()));
    if let Some(fault) = daemon::database_fault(&path) {
        checks.push(Check::fault("daemon's database", fault, "the daemon tries again by itself"));
    }
    checks.extend(machine::of_service(super::service::look(), settings.as_ref()));
    if let Some(why) = daemon::refused_configuration(&path) {
        checks.push(Check::fault(
            "daemon's configuration",
            format!("it goes on with the old one: {why}"),
            "mend the file, then `systemctl --user reload acewatch` (or SIGHUP)",
        ));
    }
    (checks, settings)
}

/// The checks that ask servers, within their limits.
fn remote(settings: &Settings, now: DateTime<Utc>) -> Vec<Check> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let hint = "free some memory and file descriptors (ulimit -n)";
            return vec![Check::fault("runtime", format!("cannot be started: {error}"), hint)];
        }
    };
    let mut checks = vec![runtime.block_on(machine::of_notifications(settings))];
    let probes = settings.mailboxes.iter().map(|one| mailbox::of_mailbox(one, settings, now));
    for steps in runtime.block_on(futures_util::future::join_all(probes)) {
        checks.extend(steps);
    }
    let calls = settings.channels.iter().map(channel::of_channel);
    checks.extend(runtime.block_on(futures_util::future::join_all(calls)));
    // A resolver that hangs would keep an ordinary end waiting.
    runtime.shutdown_background();
    checks
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

#[cfg(test)]
mod tests;
