//! `acewatch backup`: a copy of the history, made while the daemon goes on writing.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::failure::Failure;
use super::{Context, render};
use crate::replace::folder_of;
use crate::store::Store;
use crate::store::backup::{self, Error};

/// Copy the history to FILE, also while `acewatch run` writes
///
/// The copy is one consistent file for its owner alone. It is checked before it gets its name, so
/// that FILE is never half a copy. `acewatch doctor --database FILE` looks at it again.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The copy
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace FILE if it is there
    #[arg(long)]
    force: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Makes the copy.
///
/// # Errors
///
/// FILE is there, belongs to the database itself, or cannot be written.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let database = cx.database();
    let shown = render::escaped(&args.file.display().to_string());
    if backup::belongs_to(&args.file, &database) {
        return Err(Failure::usage(format!("{shown} belongs to the database itself"))
            .hint("name another file, best on another disk"));
    }
    let Some(store) = Store::open_existing(&database)? else {
        return Err(Failure::new(format!("there is no database {}", database.display()))
            .hint("name the one to copy with --database"));
    };
    let copied = backup::copy(&store, &args.file, args.force).map_err(|error| {
        let hint = hint(&error, &args.file);
        Failure::new(format!("cannot back up to {shown}")).because(error).hint(hint)
    })?;
    if args.json {
        return render::print_json(&json!({
            "schema": "acewatch.backup/1",
            "file": args.file,
            "applications": copied.applications, "messages": copied.messages,
            "events": copied.events, "bytes": copied.bytes,
        }));
    }
    render::print(&format!(
        "backed up {}, {} and {} to {shown} ({} kB)\n",
        render::counted(copied.applications, "application"),
        render::counted(copied.messages, "mail"),
        render::counted(copied.events, "event"),
        copied.bytes.div_ceil(1000),
    ))
}

fn hint(error: &Error, file: &Path) -> String {
    match error {
        Error::Exists => "name another file, or replace it with --force".to_owned(),
        Error::Folder(_) | Error::File(_) | Error::Copy(_) => {
            let folder = folder_of(file);
            format!("look at the rights and the free space of {}", folder.display())
        }
        Error::Read(_) | Error::Unsound(_) => "run `acewatch doctor`".to_owned(),
    }
}
