//! `acewatch explain`: what acewatch makes of one mail, and why.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Context;
use super::failure::Failure;
use super::import::{say_whose_mail_it_may_be, whose_mail};
use super::render::{self, Masking, rfc3339, styled};
use super::subject::faults_json;
use crate::app::App;
use crate::clock;
use crate::dkim;
use crate::domain::application::ApplicationId;
use crate::domain::authenticity::Verdict;
use crate::domain::intake::Examined;
use crate::domain::message::{Message, file_received_at};
use crate::mailbox::files::{self, LocalMail};
use crate::store::query::{self, StoredMessage};

/// Say what acewatch makes of mails, and why; change nothing
///
/// Takes mail files (.eml, mbox, Maildir), or the number of a message that `show` or `review`
/// prints.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files with mails, or a message's number
    #[arg(value_name = "FILE|MESSAGE", required = true)]
    what: Vec<String>,
    /// Take the mails as lying in this folder, such as Sent; otherwise a directory's name tells
    #[arg(long, value_name = "NAME")]
    folder: Option<String>,
    /// Take the mails as of this mailbox, whose own server may be believed there alone
    #[arg(long, value_name = "NAME")]
    mailbox: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Explains the mails in the order given.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let app = cx.app_to_read()?;
    let masking = &cx.masking(&app)?;
    let mailbox = whose_mail(&app.settings, args.mailbox.as_deref())?;
    let mut is_unverified = false;
    let mut documents = Vec::new();
    let mut text = String::new();
    let mut failed = Vec::new();
    for what in &args.what {
        let path = PathBuf::from(what);
        if let (Ok(id), false) = (what.parse::<i64>(), path.exists()) {
            let stored = query::message(app.store.read(), id)?
                .ok_or_else(|| Failure::new(format!("there is no message {id}")))?;
            text.push_str(&stored_text(&app, &stored, masking));
            documents.push(stored_json(&stored, masking));
            continue;
        }
        for mail in files::read(&[path], args.folder.as_deref()) {
            match mail {
                Ok(mail) => {
                    let mut message = parsed(&mail);
                    message.dkim = dkim::verdict(&app.settings, &mailbox, &message, &mail.bytes);
                    let examined = app.explain(&mailbox, &message)?;
                    is_unverified |= examined.authenticity.verdict == Verdict::Unverified;
                    let file = mail.path.display().to_string();
                    text.push_str(&explained_text(&app, &file, &message, &examined, masking));
                    documents.push(explained_json(&file, &message, &examined, masking));
                }
                Err(error) => {
                    let (file, why) = (error.path.display().to_string(), error.fault.to_string());
                    failed.push(format!("{}: {}", render::escaped(&file), render::escaped(&why)));
                    documents.push(json!({ "file": file, "error": why }));
                }
            }
        }
    }
    if args.json {
        render::print_json(&json!({ "schema": "acewatch.explanation/1", "messages": documents }))?;
    } else {
        render::print(&text)?;
    }
    if is_unverified {
        say_whose_mail_it_may_be(&app.settings, args.mailbox.as_deref());
    }
    match failed.as_slice() {
        [] => Ok(()),
        failed => Err(Failure::new(format!("cannot read {}", failed.join(", "))).hint(
            "give saved mails (.eml), mbox files or Maildirs, `-` for standard input, or the number \
             of a recorded mail",
        )),
    }
}

/// A local mail as a message: received when its newest Received line says, else its Date.
pub(crate) fn parsed(mail: &LocalMail) -> Message {
    let received_at = file_received_at(&mail.bytes).unwrap_or_else(clock::now);
    Message::parse(&mail.bytes, mail.role, received_at)
}

fn explained_json(file: &str, message: &Message, examined: &Examined, masking: &Masking) -> Value {
    let found = &examined.found;
    let because: Vec<String> = examined
        .classification
        .because
        .iter()
        .chain(std::iter::once(&examined.because))
        .map(|line| masking.plain(line))
        .collect();
    json!({
        "file": file,
        "message_id": message.message_id.as_deref().map(|id| masking.plain(id)),
        "subject": masking.plain(&message.subject),
        "from": masking.plain(&message.sender_line()),
        "received_at": rfc3339(message.received_at),
        "authenticity": {
            "verdict": examined.authenticity.verdict.as_str(),
            "because": masking.plain(&examined.authenticity.because),
        },
        "kind": examined.classification.kind.as_str(),
        "reason": examined.classification.reason.map(|reason| reason.as_str()),
        "because": because,
        "importer_numbers": examined.numbers.iter().map(|n| masking.written(n)).collect::<Vec<_>>(),
        "match": {
            "outcome": found.outcome.as_str(),
            "by": found.by.map(|key| key.as_str()),
            "application": found.application.map(|ApplicationId(id)| id),
            "candidates": found.candidates.iter().map(|ApplicationId(id)| *id).collect::<Vec<_>>(),
            "because": masking.plain(&found.because),
        },
        "faults": faults_json(&examined.faults, masking),
        "effect": examined.effect.as_str(),
    })
}

fn stored_json(stored: &StoredMessage, masking: &Masking) -> Value {
    json!({
        "file": null,
        "message": stored.id,
        "message_id": stored.message_id.as_deref().map(|id| masking.plain(id)),
        "subject": masking.plain(&stored.subject),
        "from": masking.plain(&stored.sender),
        "received_at": rfc3339(stored.received_at),
        "authenticity": {
            "verdict": stored.authenticity,
            "because": stored.because.first().map(|line| masking.plain(line)),
        },
        "kind": stored.kind,
        "reason": stored.reason,
        "because": stored.because.iter().skip(1).map(|line| masking.plain(line)).collect::<Vec<_>>(),
        "importer_numbers": stored.numbers.iter().map(|n| masking.written(n)).collect::<Vec<_>>(),
        "match": match_json(stored, masking),
        "faults": null,
        "effect": stored.effect,
    })
}

/// The answer of the matching as it was kept.
pub(crate) fn match_json(stored: &StoredMessage, masking: &Masking) -> Value {
    json!({
        "outcome": stored.outcome,
        "by": stored.matched_by,
        "application": stored.application.map(|ApplicationId(id)| id),
        "candidates": stored.candidates.iter().map(|ApplicationId(id)| *id).collect::<Vec<_>>(),
        "because": masking.plain(&stored.match_because),
    })
}

fn explained_text(
    app: &App,
    file: &str,
    message: &Message,
    examined: &Examined,
    masking: &Masking,
) -> String {
    let found = &examined.found;
    let mut lines = vec![
        ("file", render::escaped(file)),
        ("subject", masking.text(&message.subject)),
        ("from", masking.text(&message.sender_line())),
        ("received", render::moment(message.received_at, &app.settings.time_zone)),
        (
            "authenticity",
            format!(
                "{}: {}",
                examined.authenticity.verdict.as_str(),
                masking.text(&examined.authenticity.because)
            ),
        ),
    ];
    let kind = examined.classification.kind.as_str().replace('_', " ");
    let reason = examined
        .classification
        .reason
        .map_or_else(String::new, |r| format!(" ({})", r.as_str().replace('_', " ")));
    let because: Vec<String> =
        examined.classification.because.iter().map(|b| masking.text(b)).collect();
    lines.push(("kind", format!("{kind}{reason}: {}", because.join("; "))));
    if !examined.faults.is_empty() {
        let faults: Vec<String> =
            examined.faults.iter().map(|found| masking.text(&found.because)).collect();
        lines.push(("faults", faults.join("; ")));
    }
    if !examined.numbers.is_empty() {
        let numbers: Vec<String> = examined.numbers.iter().map(|n| masking.written(n)).collect();
        lines.push(("numbers", numbers.join(", ")));
    }
    let which = found
        .application
        .map_or_else(String::new, |ApplicationId(id)| format!(" (application {id})"));
    lines.push((
        "match",
        format!(
            "{}{which}: {}",
            found.outcome.as_str().replace('_', " "),
            masking.text(&found.because)
        ),
    ));
    lines.push((
        "effect",
        format!("{}: {}", examined.effect.as_str(), masking.text(&examined.because)),
    ));
    table(&lines)
}

fn stored_text(app: &App, stored: &StoredMessage, masking: &Masking) -> String {
    let mut because = stored.because.iter().map(|line| masking.text(line));
    let authenticity = because.next().unwrap_or_default();
    let which = stored
        .application
        .map_or_else(String::new, |ApplicationId(id)| format!(" (application {id})"));
    table(&[
        ("message", format!("{} in {}", stored.id, masking.text(&stored.folder))),
        ("subject", masking.text(&stored.subject)),
        ("from", masking.text(&stored.sender)),
        ("received", render::moment(stored.received_at, &app.settings.time_zone)),
        ("authenticity", format!("{}: {authenticity}", stored.authenticity)),
        (
            "kind",
            format!(
                "{}: {}",
                stored.kind.replace('_', " "),
                because.collect::<Vec<_>>().join("; ")
            ),
        ),
        (
            "match",
            format!(
                "{}{which}: {}",
                stored.outcome.replace('_', " "),
                masking.text(&stored.match_because)
            ),
        ),
        (
            "effect",
            stored.review.as_ref().map_or(stored.effect.clone(), |review| {
                format!("{}, review {review}", stored.effect)
            }),
        ),
    ])
}

fn table(lines: &[(&str, String)]) -> String {
    let mut text: String = lines
        .iter()
        .map(|(name, value)| {
            format!("{}  {value}\n", styled(&format!("{name:<12}"), render::FAINT))
        })
        .collect();
    text.push('\n');
    text
}
