//! `acewatch import`: mail from files, through the same path as mail from a server.

use std::path::PathBuf;

use serde_json::json;

use super::Context;
use super::failure::{FAILED, Failure};
use super::render;
use crate::app::{Incoming, Origin, Tally};
use crate::clock;
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
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Mails recorded in one transaction.
const BATCH: usize = 100;

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
    let mut tally = Tally::default();
    let mut failed = Vec::new();
    let mut batch: Vec<Mail> = Vec::new();
    let mut record = |batch: &mut Vec<Mail>, app: &mut crate::app::App| -> Result<(), Failure> {
        if let Some(first) = batch.first() {
            let mails: Vec<Incoming> = batch
                .iter()
                .map(|mail| Incoming { bytes: &mail.bytes, received_at: mail.received_at })
                .collect();
            let origin = Origin { mailbox: "import", folder: &first.folder, role: first.role };
            add(&mut tally, app.ingest(origin, &mails, None, now)?);
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
    if failed.is_empty() { Ok(()) } else { Err(Failure::silent(FAILED)) }
}

fn add(sum: &mut Tally, more: Tally) {
    sum.read += more.read;
    sum.recorded += more.recorded;
    sum.review += more.review;
    sum.quarantined += more.quarantined;
    sum.ignored += more.ignored;
    sum.duplicate += more.duplicate;
}
