//! `acewatch rules replay`: what other rules make of the mails that are kept.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::app::{App, Change, Mode, Replayed};
use crate::cli::failure::Failure;
use crate::cli::render::{self, Masking, rfc3339, styled};
use crate::cli::{Context, parse_time};
use crate::domain::application::ApplicationId;
use crate::store::query;

/// Read the kept mails again by the rules of today, and show what would change
///
/// With --apply it is changed: what a mail was taken for is taken back in the history of its
/// application, and what it is now is entered. What you decided about a mail stays. No notices of
/// old mails are shown.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Change what is shown
    #[arg(long)]
    apply: bool,
    /// See what the rules of FILE would change, instead of your own
    #[arg(long, value_name = "FILE", conflicts_with = "apply")]
    rules: Option<PathBuf>,
    /// Read only the mails received from TIME on (RFC 3339, or YYYY-MM-DD)
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Reads the mails again.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let other = args.rules.as_deref().map(|file| super::read_aloud(cx, Some(file))).transpose()?;
    let mut app = if args.apply { cx.app()? } else { cx.app_to_read()? };
    let masking = &cx.masking(&app)?;
    let now = cx.now(&app)?;
    let since = args
        .since
        .as_deref()
        .map(|text| parse_time(text, |date| app.calendar.start_of(date)))
        .transpose()?;
    let mode = if args.apply { Mode::Apply } else { Mode::Preview(other.as_ref()) };
    let replayed = app.replay(mode, since, now)?;
    if args.json {
        return render::print_json(&document(&replayed, args.apply, masking));
    }
    render::print(&text(&app, &replayed, args, masking)?)
}

fn text(app: &App, replayed: &Replayed, args: &Args, masking: &Masking) -> Result<String, Failure> {
    let mut text = format!("{} read again", render::counted(replayed.n_read, "mail"));
    if 0 < replayed.n_not_kept {
        text.push_str(&format!("; {} cannot be: not kept", replayed.n_not_kept));
    }
    text.push('\n');
    for change in &replayed.changes {
        let stored = &change.stored;
        text.push_str(&format!(
            "\n{}  {}  {}\n    {} → {}\n    {}\n",
            styled(&stored.id.to_string(), render::STRONG),
            render::moment(stored.received_at, &app.settings.time_zone),
            masking.text(&stored.subject),
            before(app, change, masking)?,
            after(app, change, masking)?,
            styled(
                &change
                    .now
                    .classification
                    .because
                    .first()
                    .map_or_else(String::new, |why| masking.text(why)),
                render::FAINT
            ),
        ));
    }
    text.push('\n');
    if !replayed.decided.is_empty() {
        let ids: Vec<String> = replayed.decided.iter().map(ToString::to_string).collect();
        text.push_str(&format!("left as you decided: {}\n", ids.join(", ")));
    }
    let n = replayed.changes.len();
    text.push_str(&match (n, args.apply) {
        (0, _) => "nothing changes\n".to_owned(),
        (_, true) => format!("{} changed\n", render::counted(n, "mail")),
        (_, false) if args.rules.is_some() => format!(
            "{} would change, once these rules are your rules.toml\n",
            render::counted(n, "mail")
        ),
        (_, false) => format!(
            "{} would change: `acewatch rules replay --apply`\n",
            render::counted(n, "mail")
        ),
    });
    Ok(text)
}

fn before(app: &App, change: &Change, masking: &Masking) -> Result<String, Failure> {
    let stored = &change.stored;
    state(app, &stored.kind, stored.reason.as_deref(), &stored.effect, stored.application, masking)
}

fn after(app: &App, change: &Change, masking: &Masking) -> Result<String, Failure> {
    let now = &change.now;
    let (kind, reason) = (now.classification.kind, now.classification.reason);
    let application = change.application;
    let reason = reason.map(|reason| reason.as_str());
    state(app, kind.as_str(), reason, now.effect.as_str(), application, masking)
}

fn state(
    app: &App,
    kind: &str,
    reason: Option<&str>,
    effect: &str,
    application: Option<ApplicationId>,
    masking: &Masking,
) -> Result<String, Failure> {
    let reason = reason.map_or_else(String::new, |reason| format!(" ({reason})"));
    let company = match application {
        Some(id) => query::summary_of(app.store.read(), id)?
            .map(|s| format!(" for {} {}", id.0, masking.text(&s.application.company))),
        None => None,
    };
    let company = company.unwrap_or_default();
    Ok(format!("{kind}{reason}, {effect}{company}").replace('_', " "))
}

fn document(replayed: &Replayed, is_applied: bool, masking: &Masking) -> Value {
    let id = |application: Option<ApplicationId>| application.map(|ApplicationId(id)| id);
    let change = |change: &Change| {
        let (stored, now) = (&change.stored, &change.now);
        json!({
            "message": stored.id,
            "received_at": rfc3339(stored.received_at),
            "subject": masking.plain(&stored.subject),
            "from": masking.plain(&stored.sender),
            "before": {
                "kind": stored.kind, "reason": stored.reason, "effect": stored.effect,
                "application": id(stored.application), "rule": stored.rule,
            },
            "after": {
                "kind": now.classification.kind.as_str(),
                "reason": now.classification.reason.map(|reason| reason.as_str()),
                "effect": now.effect.as_str(),
                "application": id(change.application), "rule": now.classification.rule,
            },
            "because": now.classification.because.iter().map(|b| masking.plain(b)).collect::<Vec<_>>(),
        })
    };
    json!({
        "schema": "acewatch.rules_replay/1",
        "applied": is_applied,
        "read": replayed.n_read,
        "not_kept": replayed.n_not_kept,
        "changes": replayed.changes.iter().map(change).collect::<Vec<_>>(),
        "decided_by_a_person": replayed.decided,
    })
}
