//! `acewatch draft`: a mail to CBP that only needs to be looked at and sent, or what to have ready
//! for a call.

mod eml;
mod open;

use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};

use super::failure::{FAILED, Failure};
use super::render::{self, Masking};
use super::{Context, select};
use crate::app::App;
use crate::domain::application::{Application, ApplicationId};
use crate::domain::company::company_key;
use crate::domain::coverage::Coverage;
use crate::domain::draft::{
    Case, DraftKind, LONGEST_MAILTO, Letter, Mail, Thread, Unfit, card, check, check_unnamed, mail,
    mailto, remarks,
};
use crate::domain::evaluation::Attention;
use crate::domain::event::Event;
use crate::replace::Replacement;
use crate::store::query::Summary;
use crate::store::{edit, query};

/// Write a mail to CBP about an application, or what to have ready for a call
///
/// A follow-up asks CBP's support politely how the application stands, in the thread of your
/// submission or, where somebody at CBP has written, in answer to that mail. A resubmission sends
/// the application again; the form is yours to attach. An escalation is a card for a telephone
/// call, or with --mail a mail that says all that has happened. Nothing is sent: the draft is
/// printed, written to a file or opened in your mail program.
#[derive(Debug, clap::Args)]
#[command(allow_missing_positional = true)]
pub struct Args {
    /// The application's id, its importer number, or a part of its company's name; may be repeated
    #[arg(value_name = "APP", required_unless_present = "all_overdue")]
    applications: Vec<String>,
    /// What to write
    #[arg(
        value_name = "KIND",
        required = true,
        value_parser = PossibleValuesParser::new(DraftKind::ALL.map(DraftKind::as_str))
    )]
    kind: String,
    /// Write one for each application that is overdue now and for which it makes sense
    #[arg(long, conflicts_with = "applications")]
    all_overdue: bool,
    /// Write the escalation as a mail
    #[arg(long)]
    mail: bool,
    /// Write it to FILE; where FILE is a directory, each goes into a file of its own there
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "output")]
    force: bool,
    /// Print a mailto: URI (RFC 6068) instead of the mail itself; with --open, open that
    #[arg(long, conflicts_with_all = ["output", "json"])]
    mailto: bool,
    /// Open it in your mail program
    #[arg(long, conflicts_with_all = ["output", "json"])]
    open: bool,
    /// Print one JSON document
    #[arg(long, conflicts_with = "output")]
    json: bool,
}

/// A draft, and what the person should know of it.
struct Draft {
    application: Application,
    kind: DraftKind,
    from: String,
    medium: Medium,
    remarks: Vec<String>,
}

enum Medium {
    Mail(Mail),
    /// The card's text.
    Call(String),
}

/// Writes the drafts.
///
/// # Errors
///
/// A draft makes no sense as the application stands, would show a social security number, or
/// cannot be written or opened. Of several, the others are written all the same.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let app = cx.app_to_look()?;
    let masking = &cx.masking(&app)?;
    let now = cx.now(&app)?;
    let Some(kind) = DraftKind::parse(&args.kind) else {
        return Err(Failure::usage("no such kind of draft"));
    };
    let is_call = kind == DraftKind::Escalation && !args.mail;
    if args.mail && kind != DraftKind::Escalation {
        return Err(Failure::usage("--mail is for an escalation; a follow-up is a mail already"));
    }
    if is_call && (args.mailto || args.open) {
        return Err(Failure::usage("a call card is no mail")
            .hint("add --mail for the mail, or leave out --mailto and --open"));
    }
    // What goes into a file is for its owner alone.
    let in_full = Masking { reveal: true, ..Masking::default() };
    let card_masking = is_call.then_some(if args.output.is_some() { &in_full } else { masking });
    let coverage = app.coverage()?;
    let waiting = waiting(&app)?;
    let desk = Desk { app: &app, coverage: &coverage, waiting: &waiting, card_masking, now };
    let mut drafts = Vec::new();
    let mut unfit = Vec::new();
    for summary in asked_for(cx, &app, args, masking, now)? {
        match desk.draft(&summary.application, kind, !args.all_overdue)? {
            Ok(draft) => drafts.push(draft),
            Err(reason) => unfit.push((summary.application, reason)),
        }
    }
    match (drafts.as_slice(), unfit.as_slice()) {
        ([], [(application, reason)]) if !args.all_overdue => {
            return Err(refused(application, kind, reason, masking));
        }
        ([], []) => tracing::warn!("no application is overdue"),
        _ => {}
    }

    for (application, reason) in &unfit {
        let Unfit { because, instead } = reason;
        let instead = if instead.is_empty() { String::new() } else { format!("; {instead}") };
        tracing::warn!("left out {}: {because}{instead}", name(application, masking));
    }
    for draft in &drafts {
        let several = if drafts.len() + unfit.len() == 1 {
            String::new()
        } else {
            format!("{}: ", name(&draft.application, masking))
        };
        for remark in &draft.remarks {
            tracing::warn!("{several}{}", masking.text(remark));
        }
    }
    if args.json {
        let drafts: Vec<Value> = drafts.iter().map(|draft| document(draft, masking)).collect();
        render::print_json(&json!({ "schema": "acewatch.draft/1", "drafts": drafts }))?;
    } else {
        deliver(args, &drafts, masking)?;
    }
    // What was left out of all that are overdue was not asked for by name.
    if unfit.is_empty() || args.all_overdue { Ok(()) } else { Err(Failure::silent(FAILED)) }
}

fn asked_for(
    cx: &Context,
    app: &App,
    args: &Args,
    masking: &Masking,
    now: DateTime<Utc>,
) -> Result<Vec<Summary>, Failure> {
    let mut found: Vec<Summary> = Vec::new();
    if args.all_overdue {
        found = app.overview(now, cx.at(app)?)?;
        found.retain(|summary| summary.attention == Attention::Overdue);
        return Ok(found);
    }
    for written in &args.applications {
        let summary = select::application(app, written, masking)?;
        if !found.iter().any(|known| known.application.id == summary.application.id) {
            found.push(summary);
        }
    }
    Ok(found)
}

/// The applications that mails in review may be about, once for each mail.
fn waiting(app: &App) -> Result<Vec<ApplicationId>, Failure> {
    let mails = query::review(app.store.read())?;
    let about = |mail: query::StoredMessage| {
        let mut about = mail.candidates;
        about.extend(mail.application);
        about.sort();
        about.dedup();
        about
    };
    Ok(mails.into_iter().flat_map(about).collect())
}

/// What all drafts are written with.
struct Desk<'a> {
    app: &'a App,
    coverage: &'a Coverage,
    waiting: &'a [ApplicationId],
    /// How a call card is shown; `None` for mails.
    card_masking: Option<&'a Masking>,
    now: DateTime<Utc>,
}

impl Desk<'_> {
    fn draft(
        &self,
        application: &Application,
        kind: DraftKind,
        is_named: bool,
    ) -> Result<Result<Draft, Unfit>, Failure> {
        let Desk { app, card_masking, now, .. } = *self;
        let db = app.store.read();
        let is_call = card_masking.is_some();
        let (history, evaluation) = app.standing(application, self.coverage, now)?;
        let events = query::events(db, application.id)?;
        let (thread, sender) = thread_of(app, &events, now)?;
        let trust = &app.settings.trust;
        let case = Case {
            application,
            history: &history,
            events: &events,
            windows: &evaluation.windows,
            tickets: &edit::tickets(db, application.id)?,
            thread: &thread,
            contact: &app.settings.contact,
            applications_address: trust.application_addresses.first().map_or("", String::as_str),
            calendar: &app.calendar,
            reader: &app.settings.time_zone,
            now,
        };
        let unnamed = || if is_named { Ok(()) } else { check_unnamed(kind, &case) };
        if let Err(reason) = check(kind, is_call, &case).and_then(|()| unnamed()) {
            return Ok(Err(reason));
        }
        let mut remarks = remarks(kind, is_call, &case);
        let n_waiting = self.waiting.iter().filter(|id| **id == application.id).count();
        if 0 < n_waiting {
            let mails = render::counted(n_waiting, "mail");
            remarks.push(format!("`acewatch review` first: {mails} in it may be about this"));
        }
        let medium = match card_masking {
            Some(masking) => {
                let number = masking.number(&application.number);
                Medium::Call(card(&case, &number, &|text| masking.text(text)))
            }
            None => Medium::Mail(mail(kind, &case)),
        };
        let from = match (sender, trust.own_addresses.first()) {
            (Some(sender), _) => sender,
            (None, Some(own)) => own.clone(),
            (None, None) if is_call => String::new(),
            (None, None) => {
                return Err(Failure::usage(
                    "no address of yours is known, so the mail has no sender",
                )
                .hint("set `own-addresses` under [trust] in the configuration"));
            }
        };
        Ok(Ok(Draft { application: application.clone(), kind, from, medium, remarks }))
    }
}

/// The mails that a draft continues, and which of our addresses sent the application.
fn thread_of(
    app: &App,
    events: &[Event],
    now: DateTime<Utc>,
) -> Result<(Thread, Option<String>), Failure> {
    use crate::domain::event::EventKind;
    let db = app.store.read();
    let trust = &app.settings.trust;
    let undone: Vec<i64> = events.iter().filter_map(|event| event.undoes).collect();
    let mut seen: Vec<&Event> =
        events.iter().filter(|event| event.at <= now && !undone.contains(&event.id)).collect();
    seen.sort_by_key(|event| (event.at, event.id));
    let (mut thread, mut sender) = (Thread::default(), None);
    for event in seen {
        let Some(message) = event.message else { continue };
        let Some(mail) = query::message(db, message)? else { continue };
        let address = address_of(&mail.sender);
        if event.kind == EventKind::Submitted {
            // What was sent anew after a rejection is another conversation.
            thread = Thread { submission: mail.message_id, letter: None };
            sender = Some(address).filter(|address| trust.is_own_address(address));
        } else if event.kind.is_answer()
            && mail.authenticity == "authentic"
            && trust.is_cbp_address(&address)
            && !is_machine(&address)
        {
            let (message_id, subject) = (mail.message_id, mail.subject);
            thread.letter = Some(Letter { address, message_id, subject });
        }
    }
    Ok((thread, sender))
}

/// The address of a sender as it is kept, `Name <address>`.
fn address_of(sender: &str) -> String {
    let bracketed = sender.rsplit_once('<').map(|(_, rest)| rest.trim_end_matches('>'));
    bracketed.unwrap_or(sender).trim().to_owned()
}

/// Whether nobody reads what is sent to an address.
fn is_machine(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    let local: String = local.chars().filter(char::is_ascii_alphanumeric).collect();
    let local = local.to_ascii_lowercase();
    ["noreply", "donotreply"].iter().any(|word| local.contains(word))
}

fn refused(
    application: &Application,
    kind: DraftKind,
    reason: &Unfit,
    masking: &Masking,
) -> Failure {
    Failure::new(format!(
        "a {} makes no sense for {}: {}",
        kind.as_str(),
        name(application, masking),
        reason.because
    ))
    .hint(reason.instead.clone())
}

fn name(application: &Application, masking: &Masking) -> String {
    let ApplicationId(id) = application.id;
    format!("{} (#{id})", masking.text(&application.company))
}

fn document(draft: &Draft, masking: &Masking) -> Value {
    let ApplicationId(id) = draft.application.id;
    let remarks: Vec<String> = draft.remarks.iter().map(|remark| masking.plain(remark)).collect();
    let (medium, mail, text) = match &draft.medium {
        Medium::Mail(mail) => ("mail", Some(mail), masking.plain(&mail.text)),
        Medium::Call(text) => ("call", None, text.clone()),
    };
    let field = |field: &dyn Fn(&Mail) -> Option<String>| {
        mail.and_then(field).map(|text| masking.plain(&text))
    };
    json!({
        "application": id,
        "kind": draft.kind.as_str(),
        "medium": medium,
        "from": mail.map(|_| &draft.from),
        "to": field(&|mail| Some(mail.to.clone())),
        "cc": field(&|mail| mail.cc.clone()),
        "subject": field(&|mail| Some(mail.subject.clone())),
        "in_reply_to": field(&|mail| mail.in_reply_to.clone()),
        "references": mail.map(|mail| mail.references.iter().map(|id| masking.plain(id)).collect::<Vec<_>>()),
        "text": text,
        "remarks": remarks,
    })
}

fn deliver(args: &Args, drafts: &[Draft], masking: &Masking) -> Result<(), Failure> {
    if drafts.is_empty() {
        return Ok(());
    }
    let is_several = 1 < drafts.len() || args.all_overdue;
    let to_screen = args.output.is_none() && !args.open;
    let is_card = matches!(drafts, [Draft { medium: Medium::Call(_), .. }, ..]);
    if is_several && to_screen && !is_card && !args.mailto {
        return Err(Failure::usage("several mails do not fit into one output")
            .hint("name a directory with --output: each is written to a file of its own"));
    }
    if let Some(output) = &args.output {
        return write_all(args, drafts, output, is_several, masking);
    }
    for (n, draft) in drafts.iter().enumerate() {
        match &draft.medium {
            Medium::Call(text) => {
                let rule = if n == 0 { "" } else { "\n----\n\n" };
                render::print(&format!("{rule}{text}"))?;
            }
            Medium::Mail(mail) => show(args, draft, mail, masking)?,
        }
    }
    Ok(())
}

/// Prints or opens one mail, whose number must be complete.
fn show(args: &Args, draft: &Draft, mail: &Mail, masking: &Masking) -> Result<(), Failure> {
    let is_shown = !args.open || args.mailto;
    if draft.application.number.is_ssn() && is_shown && !masking.reveal {
        return Err(Failure::new(format!(
            "the mail about {} has a social security number in full",
            name(&draft.application, masking)
        ))
        .hint("--output FILE writes it to a file for you alone, --reveal prints it"));
    }
    if args.mailto {
        let Some(uri) = mailto(mail) else {
            return Err(Failure::new(format!(
                "the mail is too long for a mailto: URI, which has at most {LONGEST_MAILTO} characters"
            ))
            .hint("leave --mailto out: --output FILE writes the mail itself"));
        };
        return match args.open {
            true if draft.application.number.is_ssn() => Err(Failure::usage(
                "a social security number does not go onto a command line, which all users can read",
            )
            .hint("leave --mailto out: then the mail is opened as a file for you alone")),
            true => open::open(uri.as_ref()),
            false => render::print(&format!("{uri}\n")),
        };
    }
    let bytes = eml::written(mail, &draft.from)?;
    match args.open {
        true => open::open_mail(&bytes, &file_name(draft)),
        false => render::print_bytes(&bytes),
    }
}

fn write_all(
    args: &Args,
    drafts: &[Draft],
    output: &Path,
    is_several: bool,
    masking: &Masking,
) -> Result<(), Failure> {
    let shown = render::escaped(&output.display().to_string());
    if is_several && !output.is_dir() {
        return Err(Failure::usage(format!("{shown} is no directory"))
            .hint("make it: several drafts are written to one file each"));
    }
    let mut is_whole = true;
    for draft in drafts {
        let bytes = match &draft.medium {
            Medium::Mail(mail) => eml::written(mail, &draft.from)?,
            Medium::Call(text) => text.clone().into_bytes(),
        };
        let path = if output.is_dir() { output.join(file_name(draft)) } else { output.to_owned() };
        let shown = render::escaped(&path.display().to_string());
        if write(&path, &bytes, args.force)? {
            render::print(&format!("{shown}: {}\n", name(&draft.application, masking)))?;
        } else if is_several {
            // Somebody may have written on in it. Whoever repeats the command wants the others.
            tracing::warn!("{shown} is there already, and stays as it is; --force replaces it");
            is_whole = false;
        } else {
            return Err(Failure::new(format!("{shown} is there already"))
                .hint("name another file, or replace it with --force"));
        }
    }
    if is_whole || args.all_overdue { Ok(()) } else { Err(Failure::silent(FAILED)) }
}

/// The name of a draft's file: the id first, so that a directory lists them in order.
fn file_name(draft: &Draft) -> String {
    let ApplicationId(id) = draft.application.id;
    let key: String = company_key(&draft.application.company)
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .take(40)
        .collect();
    let company: Vec<&str> = key.split('-').filter(|word| !word.is_empty()).collect();
    let name = [vec![draft.kind.as_str()], company].concat().join("-");
    let extension = if matches!(draft.medium, Medium::Mail(_)) { "eml" } else { "txt" };
    format!("{id}-{name}.{extension}")
}

/// Writes a file whole or not at all, for its owner alone. Says whether it has these bytes now: unless forced
/// to, it replaces none that has others.
fn write(path: &Path, bytes: &[u8], force: bool) -> Result<bool, Failure> {
    use std::io::{ErrorKind, Write};
    let failed = |error: std::io::Error| {
        Failure::new(format!("cannot write {}", render::escaped(&path.display().to_string())))
            .because(error)
            .hint("look at the directory's rights and free space")
    };
    let replacement = Replacement::of(path).map_err(failed)?;
    replacement.file().write_all(bytes).map_err(failed)?;
    match replacement.put(force) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            Ok(std::fs::read(path).is_ok_and(|there| there == bytes))
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_sender_stands_in_brackets_or_alone() {
        for (sender, expected) in [
            ("LOMAX, REGINA <regina.lomax@cbp.dhs.gov>", "regina.lomax@cbp.dhs.gov"),
            ("a <b@c.example> <d@cbp.dhs.gov>", "d@cbp.dhs.gov"),
            ("ops@broker.example", "ops@broker.example"),
        ] {
            assert_eq!(address_of(sender), expected);
        }
        assert!(is_machine("Do_Not.Reply@cbp.dhs.gov") && is_machine("no-reply@cbp.dhs.gov"));
        assert!(!is_machine("regina.lomax@cbp.dhs.gov"));
    }

    #[test]
    fn a_file_is_for_its_owner_and_is_not_replaced_unasked() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.eml");
        assert!(write(&path, b"one", false).unwrap());
        assert!(write(&path, b"one", false).unwrap());
        assert!(!write(&path, b"two", false).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"one");
        assert!(write(&path, b"two", true).unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
    }
}
