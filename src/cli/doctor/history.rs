//! Whether the database is sound, for its owner alone, and can be written.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::{Check, Outcome};
use crate::app::App;
use crate::causes::chain;
use crate::domain::application::ApplicationId;
use crate::domain::coverage::Coverage;
use crate::store::query::{self, PendingAlert};
use crate::store::{self, Store};

/// So many octets there must be room for.
const ROOM: usize = 4 << 20;

/// Importer numbers may be social security numbers, so the file is for its owner alone.
pub(super) fn of_mode(path: &Path) -> Check {
    use std::os::unix::fs::PermissionsExt;
    const NAME: &str = "database file";
    match std::fs::metadata(path) {
        Ok(file) if file.permissions().mode() & 0o077 != 0 => Check::warning(
            NAME,
            format!("{} can be read by others", path.display()),
            format!("chmod 600 {}", path.display()),
        ),
        Ok(_) => Check::good(NAME, path.display().to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Check::good(NAME, format!("{}, not made yet", path.display()))
        }
        Err(error) => Check::fault(
            NAME,
            format!("cannot look at {}: {error}", path.display()),
            "give yourself access to it, or name another file with --database",
        ),
    }
}

/// What keeps the daemon from writing the database, and the files that SQLite keeps beside it.
pub(super) fn of_rights(path: &Path) -> Option<Check> {
    let folder = folder_above(path);
    let (why, hint) = match try_to_write(path, folder) {
        Ok(()) => return None,
        Err(error) if is_full(&error) => (
            "there is no room left for it".to_owned(),
            format!("free some space: df -h {}", folder.display()),
        ),
        Err(error) => (error.to_string(), rights(path, folder, &error)),
    };
    Some(Check::fault("database", format!("{} cannot be written: {why}", path.display()), hint))
}

fn rights(path: &Path, folder: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ReadOnlyFilesystem => {
            "the disk is mounted for reading only; name another file with --database".to_owned()
        }
        _ if path.exists() => {
            format!("chmod u+rwx {}; chmod u+rw {}", folder.display(), path.display())
        }
        _ => format!("chmod u+rwx {}", folder.display()),
    }
}

/// No room, none left for this user, or no file may become so large.
fn is_full(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// Opens the file, and writes as much beside it as a busy day brings, into a file without a name.
fn try_to_write(path: &Path, folder: &Path) -> std::io::Result<()> {
    use std::io::Write;
    if path.exists() {
        std::fs::OpenOptions::new().append(true).open(path)?;
    }
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![0; ROOM])?;
    file.flush()
}

/// The folder of a file, or the nearest one above that is there.
fn folder_above(path: &Path) -> &Path {
    let mut folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
    folders.find(|folder| folder.is_dir()).unwrap_or(Path::new("."))
}

pub(super) fn of_refusal(error: &store::Error) -> Check {
    Check::fault("database", chain(error), error.hint())
}

pub(super) fn of_integrity(store: &Store) -> Check {
    match store.integrity_fault() {
        Ok(None) => Check::good("database", "sound, and of this version's schema"),
        Ok(Some(fault)) => Check::fault(
            "database",
            format!("the file is damaged: {}", fault.replace("*** in database main ***", "")),
            format!(
                "stop acewatch, keep a copy of {0}, and put back the last backup; without one, save what can be read: sqlite3 {0} .recover",
                store.path().display()
            ),
        ),
        Err(error) => of_refusal(&error),
    }
}

pub(super) fn of_database(app: &App, now: DateTime<Utc>) -> Vec<Check> {
    let integrity = of_integrity(&app.store);
    let is_sound = integrity.outcome == Outcome::Good;
    let mut checks = vec![integrity];
    if !is_sound {
        return checks;
    }
    checks.push(of_summaries(app, now).unwrap_or_else(|error| {
        Check::fault(
            "summaries",
            format!("{error:#}"),
            "keep a copy of the database, and put back the last good one",
        )
    }));
    let counts = query::pending_alerts(app.store.read())
        .and_then(|alerts| Ok((alerts, app.n_unreadable()?)));
    match counts {
        Ok((alerts, n_unreadable)) => {
            checks.push(of_alerts(&alerts));
            if 0 < n_unreadable {
                checks.push(Check::warning(
                    "unreadable mails",
                    format!("{n_unreadable} could not be fetched; they are tried again now and then"),
                    "look at them with your mail program; saved as a file, `acewatch import FILE` reads them",
                ));
            }
        }
        Err(error) => checks.push(of_refusal(&error)),
    }
    checks
}

/// Folds every history anew and holds the cached facts against it.
pub(super) fn of_summaries(app: &App, now: DateTime<Utc>) -> anyhow::Result<Check> {
    let summaries = query::summaries(app.store.read(), None)?;
    // The facts compared do not depend on what was read.
    let coverage = Coverage::default();
    let mut differing = Vec::new();
    for cached in &summaries {
        let (history, _) = app.standing(&cached.application, &coverage, now)?;
        let is_same = cached.stage == history.stage()
            && cached.submitted_at == history.submitted_at
            && cached.acknowledged_at == history.acknowledged_at
            && cached.first_reply_at == history.first_reply_at
            && cached.decided_at == history.decided_at;
        if !is_same {
            let ApplicationId(id) = cached.application.id;
            differing.push(id.to_string());
        }
    }
    let n = summaries.len();
    if differing.is_empty() {
        let plural = if n == 1 { "" } else { "s" };
        return Ok(Check::good(
            "summaries",
            format!("{n} application{plural}, all as their histories say"),
        ));
    }
    let listed = differing.iter().take(20).cloned().collect::<Vec<_>>().join(", ");
    Ok(Check::fault(
        "summaries",
        format!(
            "{} of {n} applications are cached otherwise than their histories say: {listed}",
            differing.len()
        ),
        "`acewatch show` with `--at` computes from the history; keep a copy of the database and report this",
    ))
}

pub(super) fn of_alerts(pending: &[PendingAlert]) -> Check {
    let refused: Vec<&str> =
        pending.iter().filter_map(|alert| alert.last_error.as_deref()).collect();
    match (pending.len(), refused.last()) {
        (0, _) => Check::good("alerts", "all delivered"),
        (n, None) => Check::good(
            "alerts",
            format!("{n} wait for `acewatch run`, or for the end of quiet hours"),
        ),
        (n, Some(error)) => Check::warning(
            "alerts",
            format!("{n} are undelivered; the last attempt: {error}"),
            "see the line about notifications; they are kept and tried again",
        ),
    }
}
