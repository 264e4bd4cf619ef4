//! `acewatch review`: the mails that acewatch will not decide alone.

use serde_json::json;

use super::failure::Failure;
use super::render::{self, Masking, rfc3339, styled};
use super::{Context, explain, select};
use crate::app::{App, Ruling};
use crate::domain::application::ApplicationId;
use crate::store::query::{self, StoredMessage};

/// List the mails that wait for you, or decide about one
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Record a mail as what it seems to be
    ///
    /// Without APP it is recorded for the application suggested, or, if it is about several, for
    /// all of them.
    Accept {
        /// The message's number
        #[arg(value_name = "M")]
        message: i64,
        /// The application
        #[arg(value_name = "APP")]
        application: Option<String>,
    },
    /// Record a mail for an application, whatever it was taken for before
    Assign {
        /// The message's number
        #[arg(value_name = "M")]
        message: i64,
        /// The application
        #[arg(value_name = "APP")]
        application: String,
    },
    /// Take a mail off the list; nothing follows from it
    Dismiss {
        /// The message's number
        #[arg(value_name = "M")]
        message: i64,
    },
    /// Take back what was made of a mail, and put it on the list again
    Undo {
        /// The message's number
        #[arg(value_name = "M")]
        message: i64,
    },
}

/// Lists or decides.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let Some(action) = &args.action else { return list(cx, args.json) };
    let mut app = cx.app()?;
    let masking = &cx.masking(&app)?;
    let now = cx.now(&app)?;
    let (message, ruling, done) = match action {
        Action::Accept { message, application: None } => {
            let stored = stored(&app, *message)?;
            // A recorded mail in words that no rule knows wants to be looked at, too.
            if stored.review.as_deref() != Some("open") && !stored.is_unrecognised {
                return Err(Failure::new(format!("message {message} does not wait for review"))
                    .hint(format!(
                        "`acewatch review assign {message} APP` records it for another application"
                    )));
            }
            let ids = match stored.application {
                Some(id) => vec![id],
                None => stored.candidates.clone(),
            };
            if ids.is_empty() {
                return Err(Failure::new(format!("message {message} fits no application"))
                    .hint(format!("name one: `acewatch review accept {message} APP`")));
            }
            if 1 < ids.len() && stored.outcome == "contradiction" {
                return Err(Failure::new(format!(
                    "message {message} contradicts itself: {}",
                    stored.match_because
                ))
                .hint(format!(
                    "name the application it is about: `acewatch review accept {message} APP`\n{}",
                    candidates(&app, &stored, masking)?
                )));
            }
            (*message, Ruling::Belongs(ids), "recorded")
        }
        Action::Accept { message, application: Some(application) }
        | Action::Assign { message, application } => {
            let summary = select::application(&app, application, masking)?;
            (*message, Ruling::Belongs(vec![summary.application.id]), "recorded")
        }
        Action::Dismiss { message } => (*message, Ruling::Dismissed, "dismissed"),
        Action::Undo { message } => (*message, Ruling::Undone, "taken back, and on the list again"),
    };
    let ids = match &ruling {
        Ruling::Belongs(ids) => ids.clone(),
        Ruling::Dismissed | Ruling::Undone => Vec::new(),
    };
    app.rule(message, &ruling, now)?;
    let mut text = format!("message {message}: {done}\n");
    for id in ids {
        if let Some(summary) = query::summary_of(app.store.read(), id)? {
            text.push_str(&format!(
                "  {} {}: {}\n",
                id.0,
                masking.text(&summary.application.company),
                summary.stage.as_str().replace('_', " "),
            ));
        }
    }
    render::print(&text)
}

fn stored(app: &App, message: i64) -> Result<StoredMessage, Failure> {
    query::message(app.store.read(), message)?.ok_or_else(|| {
        Failure::new(format!("there is no message {message}"))
            .hint("`acewatch review` lists the mails that wait")
    })
}

fn list(cx: &Context, as_json: bool) -> Result<(), Failure> {
    let app = cx.app_to_look()?;
    let masking = &cx.masking(&app)?;
    let waiting = query::review(app.store.read())?;
    if as_json {
        let messages: Vec<_> = waiting
            .iter()
            .map(|mail| {
                json!({
                    "message": mail.id,
                    "received_at": rfc3339(mail.received_at),
                    "from": masking.plain(&mail.sender),
                    "subject": masking.plain(&mail.subject),
                    "kind": mail.kind,
                    "authenticity": mail.authenticity,
                    "match": explain::match_json(mail, masking),
                    "because": mail.because.iter().map(|line| masking.plain(line)).collect::<Vec<_>>(),
                    "suggestion": suggestion(mail).map(|ApplicationId(id)| id),
                })
            })
            .collect();
        return render::print_json(&json!({
            "schema": "acewatch.review/1",
            "count": messages.len(),
            "messages": messages,
        }));
    }
    if waiting.is_empty() {
        return render::print("nothing waits for you\n");
    }
    let mut text = String::new();
    for mail in &waiting {
        text.push_str(&format!(
            "{}  {}  {}\n    from {}, {}\n    seems to be: {}; authenticity: {}\n",
            styled(&mail.id.to_string(), render::STRONG),
            render::moment(mail.received_at, &app.settings.time_zone),
            masking.text(&mail.subject),
            masking.text(&mail.sender),
            if mail.role == "junk" {
                "found in Junk".to_owned()
            } else {
                masking.text(&mail.folder)
            },
            mail.kind.replace('_', " "),
            mail.authenticity,
        ));
        if let Some(why) = mail.because.last() {
            text.push_str(&format!("    why here: {}\n", masking.text(why)));
        }
        text.push_str(&candidates(&app, mail, masking)?);
        text.push('\n');
    }
    text.push_str("decide with `acewatch review accept M [APP]`, `assign M APP`, `dismiss M`; `acewatch explain M` says more\n");
    render::print(&text)
}

fn candidates(app: &App, mail: &StoredMessage, masking: &Masking) -> Result<String, Failure> {
    let mut text = String::new();
    for id in &mail.candidates {
        if let Some(summary) = query::summary_of(app.store.read(), *id)? {
            text.push_str(&format!(
                "    may be {}: {} {}\n",
                id.0,
                masking.text(&summary.application.company),
                masking.number(&summary.application.number),
            ));
        }
    }
    Ok(text)
}

/// The application that `accept` would record the mail for, if it is one.
fn suggestion(mail: &StoredMessage) -> Option<ApplicationId> {
    match (mail.application, mail.candidates.as_slice()) {
        (Some(id), _) => Some(id),
        (None, [one]) => Some(*one),
        _ => None,
    }
}
