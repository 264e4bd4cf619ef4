//! `acewatch import`: mail from files, through the same path as mail from a server.

use std::path::PathBuf;

use serde_json::json;

use super::Context;
use super::failure::{FAILED, Failure};
use super::render;
use crate::app::{Incoming, Origin, Tally};
use crate::clock;
use crate::config::{IMPORT, MailboxSettings, Settings};
use crate::domain::message::{FolderRole, file_received_at};
use crate::mailbox::files;

/// Read mail from .eml files, mbox files and Maildirs
///
/// What was read before changes nothing. Importing does not prove that the mailbox was read: only
/// `run` and `check` do.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files and directories; `-` is standard input
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
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

/// Mails recorded in one transaction.
const BATCH: usize = 100;

/// The mailbox whose mail a file holds, as far as anybody says.
pub(super) fn whose_mail(settings: &Settings, said: Option<&str>) -> Result<String, Failure> {
    let Some(name) = said else { return Ok(IMPORT.to_owned()) };
    let names: Vec<&str> = settings.mailboxes.iter().map(|known| known.name.as_str()).collect();
    if names.contains(&name) {
        return Ok(name.to_owned());
    }
    let hint = match names.as_slice() {
        [] => "none is configured; leave `--mailbox` out".to_owned(),
        names => format!("there are {}", render::escaped(&names.join(", "))),
    };
    Err(Failure::usage(format!("there is no mailbox {name:?}")).hint(hint))
}

/// Says why CBP's mail in a file may be believed less than in its mailbox.
pub(super) fn say_whose_mail_it_may_be(settings: &Settings, said: Option<&str>) {
    let is_believed_elsewhere = |known: &MailboxSettings| {
        known.authserv_ids.iter().any(|id| !settings.trust.authserv_ids.contains(id))
    };
    if said.is_none() && settings.mailboxes.iter().any(is_believed_elsewhere) {
        anstream::eprintln!(
            "Not every mailbox believes the same servers, and a file does not say whose it is; \
             `--mailbox NAME` does."
        );
    }
}

/// One mail of a file.
struct Mail {
    folder: String,
    role: FolderRole,
    received_at: chrono::DateTime<chrono::Utc>,
    bytes: Vec<u8>,
}

/// Imports the mails.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let mut app = cx.app()?;
    let now = cx.now(&app)?;
    let mailbox = whose_mail(&app.settings, args.mailbox.as_deref())?;
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    let mut batch: Vec<Mail> = Vec::new();
    let mut record = |batch: &mut Vec<Mail>, app: &mut crate::app::App| -> Result<(), Failure> {
        if let Some(first) = batch.first() {
            let mails: Vec<Incoming> = batch
                .iter()
                .map(|mail| Incoming { bytes: &mail.bytes, received_at: mail.received_at })
                .collect();
            let origin = Origin { mailbox: &mailbox, folder: &first.folder, role: first.role };
            tally += app.ingest(origin, &mails, None, now)?;
        }
        batch.clear();
        Ok(())
    };
    for mail in files::read(&args.paths, args.folder.as_deref()) {
        match mail {
            Ok(mail) => {
                let is_other_folder = batch
                    .first()
                    .is_some_and(|first| first.folder != mail.folder || first.role != mail.role);
                if is_other_folder || BATCH <= batch.len() {
                    record(&mut batch, &mut app)?;
                }
                batch.push(Mail {
                    received_at: file_received_at(&mail.bytes).unwrap_or_else(clock::now),
                    folder: mail.folder,
                    role: mail.role,
                    bytes: mail.bytes,
                });
            }
            Err(error) => {
                failed.push((error.path.display().to_string(), error.fault.to_string()));
            }
        }
    }
    record(&mut batch, &mut app)?;
    app.evaluate(now)?;
    if args.json {
        render::print_json(&json!({
            "schema": "acewatch.import/1",
            "read": tally.read, "recorded": tally.recorded, "review": tally.review,
            "quarantined": tally.quarantined, "ignored": tally.ignored, "duplicate": tally.duplicate,
            "failed": failed.iter().map(|(file, error)| json!({ "file": file, "error": error })).collect::<Vec<_>>(),
        }))?;
    } else {
        render::print(&format!(
            "read {} mails: {} recorded, {} to review, {} quarantined, {} ignored, {} known already\n",
            tally.read,
            tally.recorded,
            tally.review,
            tally.quarantined,
            tally.ignored,
            tally.duplicate,
        ))?;
        for (file, error) in &failed {
            anstream::eprintln!(
                "cannot read {}: {}",
                render::escaped(file),
                render::escaped(error)
            );
        }
    }
    if 0 < tally.review {
        say_whose_mail_it_may_be(&app.settings, args.mailbox.as_deref());
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::silent(FAILED)) }
}
