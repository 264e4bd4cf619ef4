//! Servers that cannot be installed beside Dovecot: `scripts/test` unpacks their Debian packages into
//! the build directory, and each test runs a copy of its own.
//!
//! A copy, because the tests may run as root, the servers then run as `nobody`, and nobody can reach
//! into somebody's clone.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Server, ended, output_of};

/// Copies the files of the unpacked server `name` to `to`; `change` may alter their contents.
///
/// # Panics
///
/// Panics when `scripts/test` has not unpacked it.
pub fn copy(name: &str, to: &Path, change: impl Fn(&[u8]) -> Vec<u8>) {
    let from = Path::new(env!("CARGO_TARGET_TMPDIR")).join("servers").join(name);
    assert!(
        from.join("complete").exists(),
        "{name} is not in {}: run scripts/test, which unpacks it there",
        from.display()
    );
    copy_directory(&from, to, &change);
}

fn copy_directory(from: &Path, to: &Path, change: &impl Fn(&[u8]) -> Vec<u8>) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let source = entry.unwrap().path();
        let target = to.join(source.file_name().unwrap());
        if source.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&source).unwrap(), target).unwrap();
        } else if source.is_dir() {
            copy_directory(&source, &target, change);
        } else {
            fs::write(&target, change(&fs::read(&source).unwrap())).unwrap();
            fs::set_permissions(&target, fs::metadata(&source).unwrap().permissions()).unwrap();
        }
    }
}

/// Returns the directories below `root` that have shared libraries, for `LD_LIBRARY_PATH`.
pub fn library_path(root: &Path) -> String {
    let triple = format!("{}-linux-gnu", std::env::consts::ARCH);
    ["usr/lib".to_owned(), format!("usr/lib/{triple}"), format!("lib/{triple}")]
        .map(|directory| root.join(directory).display().to_string())
        .join(":")
}

/// A server process that takes the processes it has started along when it ends.
#[derive(Debug)]
pub struct Family(Server);

impl Family {
    /// Starts `command`, its output going to the end of `log`.
    pub fn start(command: &mut Command, log: &PathBuf) -> Family {
        let log = fs::OpenOptions::new().append(true).create(true).open(log).unwrap();
        command.process_group(0).stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        Family(Server(command.spawn().unwrap()))
    }

    /// Says whether its first process has ended.
    pub fn has_ended(&mut self) -> bool {
        self.0.0.try_wait().unwrap().is_some()
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        let group = self.0.0.id();
        let send = |signal: &str| {
            let line = format!("kill -{signal} -{group} 2>/dev/null || true");
            output_of(Command::new("sh").args(["-c", &line]));
        };
        send("TERM");
        ended(&mut self.0.0, std::time::Duration::from_secs(3));
        // Whom it has started may be in the middle of something.
        send("KILL");
    }
}
