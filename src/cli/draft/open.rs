//! The way to the mail program, by the desktop.

use std::ffi::OsStr;
use std::time::Duration;

use crate::cli::desktop;
use crate::cli::failure::Failure;
use crate::replace;

/// How long xdg-open may take to find the mail program. What still runs then has found it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens a mail by way of a file for its owner alone, because everybody can read a command line.
///
/// The file is left to the mail program, which may read it much later; where there is a directory
/// of the session, it ends with that.
///
/// # Errors
///
/// There is no desktop or no `xdg-open`, or it failed.
pub(super) fn open_mail(bytes: &[u8], name: &str) -> Result<(), Failure> {
    let session = std::env::var_os("XDG_RUNTIME_DIR").filter(|path| !path.is_empty());
    let parent = session.map_or_else(std::env::temp_dir, Into::into);
    let written = || -> std::io::Result<std::path::PathBuf> {
        let directory = tempfile::Builder::new().prefix("acewatch-draft-").tempdir_in(&parent)?;
        let path = directory.path().join(name);
        replace::write(&path, bytes)?;
        let _: std::path::PathBuf = directory.keep();
        Ok(path)
    };
    let path = written().map_err(|error| {
        Failure::new(format!("cannot write the draft below {}", parent.display()))
            .because(error)
            .hint("name a file with --output")
    })?;
    open(path.as_os_str()).inspect_err(|_| {
        // Nobody will read it.
        if let Some(directory) = path.parent() {
            let _: std::io::Result<()> = std::fs::remove_dir_all(directory);
        }
    })
}

/// Opens a file or a URI with the program that the desktop has for it.
///
/// # Errors
///
/// As for [`open_mail`].
pub(super) fn open(what: &OsStr) -> Result<(), Failure> {
    if !desktop::is_there() {
        return Err(Failure::new("there is no desktop here to open the draft on")
            .hint("write it to a file with --output, and open that on your desktop"));
    }
    let mut child = match desktop::open(what) {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failure::new("there is no program `xdg-open`")
                .hint("install xdg-utils, or write the draft to a file with --output"));
        }
        Err(error) => return Err(Failure::new("cannot start `xdg-open`").because(error)),
    };
    let pause = Duration::from_millis(20);
    let mut waited = Duration::ZERO;
    while waited < PATIENCE {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(()),
            Ok(Some(status)) => {
                return Err(Failure::new(format!(
                    "`xdg-open` could not open the draft ({status})"
                ))
                .hint(
                    "choose a mail program in the desktop's settings, try --mailto, or write \
                         the draft to a file with --output",
                ));
            }
            Ok(None) => std::thread::sleep(pause),
            Err(error) => return Err(Failure::new("cannot wait for `xdg-open`").because(error)),
        }
        waited += pause;
    }
    Ok(())
}
