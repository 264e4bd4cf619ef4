//! `acewatch rules`: teach acewatch a wording, and see what it changes before it does.

mod replay;
mod test;

use std::path::{Path, PathBuf};

use serde_json::json;

use super::Context;
use super::failure::Failure;
use super::render::{self, Cell, rfc3339, styled};
use crate::config;
use crate::domain::application::ApplicationId;
use crate::domain::rules::{Origin, Rules};

/// Try, check and list the rules by which kinds of mail are told apart
///
/// Your own rules are in ~/.config/acewatch/rules.toml, also with --config; docs/rules.md shows how one
/// is written.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    Test(test::Args),
    Replay(replay::Args),
    /// Say whether a rules file can be used, and what in it never fits
    Check {
        /// The file; otherwise your own rules.toml
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
    },
    /// List the rules in the order in which they are tried
    List {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// List CBP's mails whose wording no rule knows and that you have not decided about
    Unrecognised {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
}

/// Carries out the action.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    match &args.action {
        Action::Test(args) => test::run(cx, args),
        Action::Replay(args) => replay::run(cx, args),
        Action::Check { file } => check(cx, file.as_deref()),
        Action::List { json } => list(cx, *json),
        Action::Unrecognised { json } => unrecognised(cx, *json),
    }
}

/// The rules of a file, or those in force.
fn read(cx: &Context, file: Option<&Path>) -> Result<Rules, Failure> {
    let own = config::rules_path(&cx.environment);
    let path = file.unwrap_or(&own);
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() => None,
        Err(error) => {
            return Err(Failure::configuration(format!("cannot read {}", path.display()), error));
        }
    };
    Rules::read(text.as_deref()).map_err(|error| {
        Failure::configuration(format!("cannot use the rules of {}", path.display()), error)
    })
}

/// The built-in rules alone.
fn read_built_in() -> Result<Rules, Failure> {
    Rules::read(None)
        .map_err(|error| Failure::configuration("cannot use the built-in rules".to_owned(), error))
}

/// The same, with what is odd in them told.
fn read_aloud(cx: &Context, file: Option<&Path>) -> Result<Rules, Failure> {
    let rules = read(cx, file)?;
    for warning in rules.warnings() {
        tracing::warn!("{}", render::escaped(warning));
    }
    Ok(rules)
}

fn check(cx: &Context, file: Option<&Path>) -> Result<(), Failure> {
    let own = config::rules_path(&cx.environment);
    let shown = render::escaped(&file.unwrap_or(&own).display().to_string());
    if file.is_none() && !own.exists() {
        return render::print(&format!("{shown} is not there: the built-in rules are in force\n"));
    }
    let rules = read(cx, file)?;
    let count = |origin: Origin| rules.all().iter().filter(|rule| rule.origin == origin).count();
    let mut parts = vec![render::counted(count(Origin::User), "new rule")];
    for (n, what) in [
        (count(Origin::Replacement), "in the place of a built-in one"),
        (rules.disabled().len(), "built-in switched off"),
    ] {
        if 0 < n {
            parts.push(format!("{n} {what}"));
        }
    }
    let mut text = format!("{shown} can be used: {}\n", parts.join(", "));
    for warning in rules.warnings() {
        text.push_str(&format!(
            "  {} {}\n",
            styled("note:", render::WARN),
            render::escaped(warning)
        ));
    }
    render::print(&text)
}

fn list(cx: &Context, as_json: bool) -> Result<(), Failure> {
    let rules = read_aloud(cx, None)?;
    if as_json {
        return render::print_json(&json!({
            "schema": "acewatch.rules/1",
            "rules": rules.all().iter().map(|rule| json!({
                "id": rule.id,
                "kind": rule.kind.as_str(),
                "origin": origin(rule.origin),
                "review": rule.review,
            })).collect::<Vec<_>>(),
            "disabled": rules.disabled(),
            "warnings": rules.warnings(),
        }));
    }
    let mut rows = vec![["RULE", "KIND", ""].map(|name| Cell::styled(name, render::FAINT))];
    rows.extend(rules.all().iter().map(|rule| {
        [
            Cell::plain(render::escaped(&rule.id)),
            Cell::plain(rule.kind.as_str().replace('_', " ")),
            match rule.origin {
                Origin::BuiltIn => Cell::default(),
                Origin::User => Cell::styled("yours", render::STRONG),
                Origin::Replacement => {
                    Cell::styled("yours, instead of the built-in one", render::STRONG)
                }
            },
        ]
    }));
    let mut text = render::table(&rows);
    for id in rules.disabled() {
        text.push_str(&format!(" switched off: {}\n", render::escaped(id)));
    }
    render::print(&text)
}

fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::BuiltIn => "built_in",
        Origin::User => "user",
        Origin::Replacement => "replacement",
    }
}

fn unrecognised(cx: &Context, as_json: bool) -> Result<(), Failure> {
    let app = cx.app_to_look()?;
    let masking = &cx.masking(&app)?;
    let mails = app.unrecognised()?;
    if as_json {
        return render::print_json(&json!({
            "schema": "acewatch.unrecognised/1",
            "count": mails.len(),
            "messages": mails.iter().map(|mail| json!({
                "message": mail.id,
                "received_at": rfc3339(mail.received_at),
                "from": masking.plain(&mail.sender),
                "subject": masking.plain(&mail.subject),
                "kind": mail.kind,
                "authenticity": mail.authenticity,
                "effect": mail.effect,
                "application": mail.application.map(|ApplicationId(id)| id),
            })).collect::<Vec<_>>(),
        }));
    }
    if mails.is_empty() {
        return render::print("every mail from CBP was recognised, or you have decided about it\n");
    }
    let mut text = String::new();
    for mail in &mails {
        let what = match (mail.effect.as_str(), mail.application) {
            ("recorded", Some(ApplicationId(id))) => format!("recorded for application {id}"),
            ("review", _) => "waits in `acewatch review`".to_owned(),
            (effect, _) => effect.to_owned(),
        };
        text.push_str(&format!(
            "{}  {}  {}\n    from {}; taken for: {}, {what}\n",
            styled(&mail.id.to_string(), render::STRONG),
            render::moment(mail.received_at, &app.settings.time_zone),
            masking.text(&mail.subject),
            masking.text(&mail.sender),
            mail.kind.replace('_', " "),
        ));
    }
    text.push_str(
        "\nread them; `acewatch review accept M` says that one was taken for the right thing, and \
         `acewatch rules test M` begins a rule for its wording (docs/rules.md)\n",
    );
    render::print(&text)
}
