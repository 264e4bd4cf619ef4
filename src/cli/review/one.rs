//! One mail of the queue: what it says, what is made of it and why, what was decided about it.

use serde_json::json;

use super::super::Context;
use super::super::failure::Failure;
use super::super::render::{self, Masking, styled};
use super::decided;
use super::list::{Group, mail_json};
use crate::app::{App, Waiting};
use crate::domain::application::ApplicationId;
use crate::domain::kind::Kind;
use crate::domain::message::{FolderRole, Message};
use crate::store::decision;
use crate::store::query::{self, StoredMessage};

/// So many lines and characters of a mail's text are shown.
const LINES: usize = 30;
const CHARACTERS: usize = 2000;

/// Prints one mail.
pub(super) fn run(cx: &Context, message: i64, as_json: bool) -> Result<(), Failure> {
    let app = cx.app_to_read().or_else(|_| cx.app_to_look())?;
    let masking = &cx.masking(&app)?;
    let waiting = app.looked_at(stored(&app, message)?)?;
    let excerpt = excerpt(&waiting.mail, masking);
    if as_json {
        let mut document = mail_json(&waiting, masking);
        if let Some(object) = document.as_object_mut() {
            object.shift_insert(0, "schema".to_owned(), json!("acewatch.review.message/1"));
            object.insert("review".to_owned(), json!(waiting.mail.review));
            object.insert("effect".to_owned(), json!(waiting.mail.effect));
            object.insert("text".to_owned(), json!(excerpt.map(|lines| lines.join("\n"))));
            let decisions: Vec<_> = decision::of_message(app.store.read(), message)?
                .iter()
                .map(|one| decided::decision_json(one, masking))
                .collect();
            object.insert("decisions".to_owned(), json!(decisions));
        }
        return render::print_json(&document);
    }
    render::print(&text(&app, &waiting, excerpt, masking)?)
}

/// The mail of a number.
pub(super) fn stored(app: &App, message: i64) -> Result<StoredMessage, Failure> {
    query::message(app.store.read(), message)?.ok_or_else(|| {
        Failure::new(format!("there is no message {message}"))
            .hint("`acewatch review` lists the mails that wait")
    })
}

/// The applications that a mail may be about, a line each.
pub(super) fn candidates(
    app: &App,
    mail: &StoredMessage,
    masking: &Masking,
) -> Result<String, Failure> {
    const SHOWN: usize = 12;
    let mut text = String::new();
    for id in mail.candidates.iter().take(SHOWN) {
        if let Some(summary) = query::summary_of(app.store.read(), *id)? {
            text.push_str(&format!(
                "  {}  {}  {}  {}, {}\n",
                id.0,
                masking.text(&summary.application.company),
                masking.number(&summary.application.number),
                summary.application.route.as_str(),
                summary.stage.as_str().replace('_', " "),
            ));
        }
    }
    if let Some(n_more @ 1..) = mail.candidates.len().checked_sub(SHOWN) {
        text.push_str(&format!("  … and {n_more} more\n"));
    }
    Ok(text)
}

fn text(
    app: &App,
    waiting: &Waiting,
    excerpt: Option<Vec<String>>,
    masking: &Masking,
) -> Result<String, Failure> {
    let mail = &waiting.mail;
    let id = mail.id;
    let folder = match mail.role.as_str() {
        "junk" => "found in Junk".to_owned(),
        _ => masking.text(&mail.folder),
    };
    let mut text = format!(
        "{}\nfrom {}, {}, {folder}\n",
        styled(&masking.text(&mail.subject), render::STRONG),
        masking.text(&mail.sender),
        render::moment(mail.received_at, &app.settings.time_zone),
    );
    let heading = |name: &str| format!("\n{}\n", styled(name, render::STRONG));
    text.push_str(&heading("What it seems to be"));
    let reason = mail.reason.as_deref().map_or_else(String::new, |r| format!(" ({r})"));
    let kind = format!("{}{reason}", mail.kind).replace('_', " ");
    text.push_str(&format!("  {kind}, {}\n", mail.authenticity.replace('_', " ")));
    for sentence in &mail.because {
        text.push_str(&format!("  - {}\n", masking.text(sentence)));
    }
    text.push_str(&heading("What it may be about"));
    text.push_str(&candidates(app, mail, masking)?);
    text.push_str(&format!("  - {}\n", masking.text(&mail.match_because)));
    text.push_str(&heading("What it says"));
    match excerpt {
        Some(lines) => lines.iter().for_each(|line| text.push_str(&format!("  | {line}\n"))),
        None => text.push_str("  its text is not kept; read it in the mailbox\n"),
    }
    let decisions = decided::history(app, id, masking)?;
    if !decisions.is_empty() {
        text.push_str(&heading("What was decided"));
        text.push_str(&decisions);
    }
    text.push_str(&heading("What to do"));
    text.push_str(&match (mail.review.as_deref(), waiting.meant().as_slice()) {
        (Some("open"), _) if Group::of(waiting) == Group::Forged => {
            format!("  `acewatch review dismiss {id}`: a forgery moves nothing\n")
        }
        (Some("open"), []) if Group::of(waiting) == Group::Unmatched => {
            format!("  `acewatch review assign {id} APP`, or `acewatch review dismiss {id}`\n")
        }
        (Some("open"), []) => {
            format!("  `acewatch review accept {id} APP`, or `acewatch review dismiss {id}`\n")
        }
        (Some("open"), meant) => {
            let ids: Vec<String> = meant.iter().map(|ApplicationId(id)| id.to_string()).collect();
            format!(
                "  `acewatch review accept {id}` records it for {}; else `assign {id} APP` or `dismiss {id}`\n",
                ids.join(" and "),
            )
        }
        (Some(_), _) => format!("  nothing; `acewatch review undo {id}` takes the decision back\n"),
        (None, _) => format!("  nothing: its effect was {}\n", mail.effect),
    });
    Ok(text)
}

/// The beginning of a mail's text, safe to show; `None` where it is not kept.
fn excerpt(mail: &StoredMessage, masking: &Masking) -> Option<Vec<String>> {
    let raw = mail.raw.as_deref()?;
    if mail.kind == Kind::VerificationCode.as_str() {
        return None;
    }
    let role = match mail.role.as_str() {
        "sent" => FolderRole::Sent,
        "junk" => FolderRole::Junk,
        _ => FolderRole::Inbox,
    };
    let message = Message::parse(raw, role, mail.received_at);
    let forwarded = message.forwarded.iter().map(|inner| inner.text.as_str());
    let parts = std::iter::once(message.text.as_str())
        .chain(std::iter::once(message.quoted.as_str()).filter(|_| message.forwarded_inline))
        .chain(forwarded);
    let whole: Vec<&str> = parts.filter(|part| !part.trim().is_empty()).collect();
    let whole = whole.join("\n\n");
    // Masked before it is cut: half a number would pass for none.
    let masked = masking.plain(&whole);
    let mut lines: Vec<String> = Vec::new();
    let mut left = CHARACTERS;
    let mut is_blank = true;
    for line in masked.lines() {
        if line.trim().is_empty() && is_blank {
            continue;
        }
        is_blank = line.trim().is_empty();
        if lines.len() == LINES || left == 0 {
            lines.push("…".to_owned());
            break;
        }
        let line = render::shortened(&render::escaped(line.trim_end()), left.min(160));
        left = left.saturating_sub(line.chars().count());
        lines.push(line);
    }
    Some(lines)
}
