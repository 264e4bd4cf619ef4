//! The desktop's own programs: `xdg-open`, with an argument list and no shell.

use std::ffi::OsStr;
use std::io;
use std::process::{Child, Command, Stdio};

/// Whether there is a desktop on which something could be opened.
pub(super) fn is_there() -> bool {
    let has = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    has("DISPLAY") || has("WAYLAND_DISPLAY")
}

/// Has the desktop open a file or a URI. What is returned runs, on some desktops, as long as the program
/// that it started.
///
/// # Errors
///
/// There is no `xdg-open`, or it cannot be started.
pub(super) fn open(what: impl AsRef<OsStr>) -> io::Result<Child> {
    Command::new("xdg-open")
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}
