//! `acewatch check`: one complete pass.

use super::Context;
use super::failure::Failure;
use super::render;
use crate::config::Settings;
use crate::daemon;
use crate::domain::evaluation::Attention;
use serde_json::json;

/// Read all mailboxes once, record, evaluate and alert, then exit
///
/// Fails if a mailbox could not be read; the others are read all the same.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Makes one pass.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let settings = cx.settings()?;
    require_mailbox(&settings)?;
    let mut app = cx.app_with(settings)?;
    let at = cx.at(&app)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start").because(error))?;
    let secrets = app.settings.mailboxes.iter().map(|mailbox| &mailbox.secret);
    runtime.block_on(super::secret::ask_to_unlock(secrets));
    let pass = runtime.block_on(daemon::check(&mut app, at))?;
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    let tally = pass.tally;
    if args.json {
        render::print_json(&json!({
            "schema": "acewatch.check/1",
            "read": tally.read, "recorded": tally.recorded, "review": tally.review,
            "quarantined": tally.quarantined, "ignored": tally.ignored, "duplicate": tally.duplicate,
            "alerts": { "shown": pass.delivery.shown, "waiting": pass.delivery.waiting, "error": pass.delivery.error },
            "failed": pass.failed.iter().map(|(name, error)| json!({
                "mailbox": name, "error": error.chain(), "hint": error.hint(),
            })).collect::<Vec<_>>(),
        }))?;
    } else {
        let n_read = app.settings.mailboxes.len().saturating_sub(pass.failed.len());
        let mut text = format!(
            "read {n_read} of {} mailboxes: {} new mails of interest, {} recorded, {} to review, {} quarantined\n",
            app.settings.mailboxes.len(),
            tally.read.saturating_sub(tally.duplicate),
            tally.recorded,
            tally.review,
            tally.quarantined,
        );
        let now = cx.now(&app)?;
        let n_late = app
            .overview(now, None)?
            .iter()
            .filter(|s| matches!(s.attention, Attention::Overdue | Attention::ActionNeeded))
            .count();
        if 0 < n_late {
            text.push_str(&format!(
                "{} overdue or your turn: `acewatch status`\n",
                render::counted(n_late, "application")
            ));
        }
        if let Some(error) = &pass.delivery.error {
            text.push_str(&format!(
                "{} waiting: {error}\n",
                render::counted(pass.delivery.waiting, "alert")
            ));
        }
        render::print(&text)?;
    }
    let mut failures = pass.failed.into_iter();
    let Some((name, error)) = failures.next() else { return Ok(()) };
    let hint = error.hint();
    let mut failure = Failure::new(format!("cannot read the mailbox {name}")).because(error);
    if let Some(hint) = hint {
        failure = failure.hint(hint);
    }
    for (name, error) in failures {
        failure = failure.hint(format!("cannot read the mailbox {name} either: {}", error.chain()));
    }
    Err(failure)
}

/// There must be something to read.
pub(crate) fn require_mailbox(settings: &Settings) -> Result<(), Failure> {
    if !settings.mailboxes.is_empty() {
        return Ok(());
    }
    let place = settings.path.as_ref().map_or_else(
        || "there is no configuration file".to_owned(),
        |path| format!("{} names no mailbox", path.display()),
    );
    Err(Failure::usage(format!("{place}, so there is nothing to watch"))
        .hint("`acewatch init` sets one up; `acewatch demo` needs none"))
}
