//! `acewatch note`: write down what happened outside of the mail.

use super::close::Target;
use super::failure::Failure;
use super::{Context, render};
use crate::domain::application::ApplicationId;
use crate::domain::event::EventKind;
use crate::store::edit;

/// Write down a remark, or a telephone call
///
/// It stands in the application's history from now on.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The application's id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
    /// What there is to say
    #[arg(value_name = "TEXT")]
    text: String,
    /// A ticket number of CBP's; mails that name it belong to the application from now on
    #[arg(long, value_name = "NUMBER")]
    ticket: Option<String>,
    /// It was said on the telephone
    #[arg(long)]
    call: bool,
}

/// Writes it down.
///
/// # Errors
///
/// The text is empty, or the ticket is none that could be found in a mail.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let mut app = cx.app()?;
    let at = cx.now(&app)?;
    let masking = cx.masking(&app)?;
    let target = Target::of(&mut app, &args.application, at, &masking)?;
    let text = args.text.trim();
    if text.is_empty() {
        return Err(Failure::usage("the note is empty").hint("say it in a few words"));
    }
    let ticket = match &args.ticket {
        Some(written) => Some(target.app.ticket_of(written).ok_or_else(|| {
            Failure::usage(format!("{:?} is no ticket number", masking.plain(written))).hint(
                "write it as CBP's mails do, such as INC0012345; \
                 other forms need a pattern under `tickets` in rules.toml",
            )
        })?),
        None => None,
    };
    let id = target.summary.application.id;
    let kind = if args.call { EventKind::Call } else { EventKind::Note };
    target.app.note(id, kind, text, ticket.as_deref(), at)?;
    let Some(ticket) = ticket else {
        return render::print(&format!("noted: {}\n", target.name));
    };
    let all = edit::with_ticket(target.app.store.read(), &ticket)?;
    let others: Vec<String> = all
        .iter()
        .filter(|other| **other != id)
        .map(|ApplicationId(other)| format!("#{other}"))
        .collect();
    if !others.is_empty() {
        tracing::warn!(
            "{ticket} leads to {}, too: a mail that names nothing else goes to review",
            others.join(", ")
        );
    }
    render::print(&format!("noted, and mails with {ticket} belong to it: {}\n", target.name))
}
