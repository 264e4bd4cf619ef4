//! Programs of others: whether they are there, and what they are not to inherit.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

/// Where the program of this name is in `$PATH`, if it may be run.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    find_in(&std::env::var_os("PATH").unwrap_or_default(), name)
}

/// The same with another `path`, written as `$PATH` is. A name with a slash is the program's own place.
#[must_use]
pub fn find_in(path: &OsStr, name: &str) -> Option<PathBuf> {
    match name.contains('/') {
        true => Some(PathBuf::from(name)).filter(|file| is_program(file)),
        false => std::env::split_paths(path)
            .map(|folder| folder.join(name))
            .find(|file| is_program(file)),
    }
}

fn is_program(path: &Path) -> bool {
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

/// Begins a command that inherits the environment but for what would let it speak to systemd in the
/// daemon's name.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    for name in ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"] {
        command.env_remove(name);
    }
    command
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_program_is_a_file_that_may_be_run() {
        let home = tempfile::tempdir().unwrap();
        let folder = |name: &str| home.path().join(name);
        for (place, mode) in [("a/data", 0o644), ("b/tool", 0o755), ("b/own", 0o700)] {
            let file = folder(place);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        }
        fs::create_dir(folder("a/tool")).unwrap();
        symlink(folder("b/tool"), folder("a/link")).unwrap();
        symlink(folder("missing"), folder("a/gone")).unwrap();
        let path = std::env::join_paths([folder("nowhere"), folder("a"), folder("b")]).unwrap();
        for (name, expected) in [
            ("tool", true),
            ("own", true),
            ("link", true),
            ("data", false),
            ("gone", false),
            ("missing", false),
            ("", false),
        ] {
            assert_eq!(find_in(&path, name).is_some(), expected, "{name}");
        }
        for (place, expected) in [("b/tool", true), ("a/tool", false), ("a/data", false)] {
            assert_eq!(
                find_in(OsStr::new(""), folder(place).to_str().unwrap()).is_some(),
                expected,
                "{place}"
            );
        }
        assert!(find("sh").is_some());
    }

    #[tokio::test]
    async fn a_program_does_not_speak_to_systemd_in_our_name() {
        let words = command("env");
        let gone: Vec<_> = words.as_std().get_envs().filter(|(_, value)| value.is_none()).collect();
        assert_eq!(gone.len(), 3);
    }
}
