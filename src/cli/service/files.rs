//! The unit and its drop-in as files: what is written, and how what we wrote is told from a person's.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::replace::{Replacement, folder_of};
use crate::systemd::{Scope, UNIT};

const USER_UNIT: &str = include_str!("../../../systemd/acewatch.service");
const SYSTEM_UNIT: &str = include_str!("../../../systemd/acewatch-system.service");
/// What needs a user namespace.
pub(super) const HARDENING: &str =
    include_str!("../../../systemd/acewatch.service.d/hardening.conf");

/// What the first line of our files begins with; the checksum of the rest follows.
const MARK: &str =
    "# Written by `acewatch service install`. Changes belong into a drop-in. Checksum: ";

/// The unit file of a scope; `config_home` is the user's.
pub(super) fn unit_path(scope: Scope, config_home: &Path) -> PathBuf {
    match scope {
        Scope::User => config_home.join("systemd/user").join(UNIT),
        Scope::System => Path::new("/etc/systemd/system").join(UNIT),
    }
}

/// Our drop-in beside a unit file.
pub(super) fn hardening_path(unit: &Path) -> PathBuf {
    let mut folder = unit.as_os_str().to_owned();
    folder.push(".d");
    Path::new(&folder).join("hardening.conf")
}

/// The unit file that starts `command`.
pub(super) fn unit(scope: Scope, command: &str) -> String {
    let text = match scope {
        Scope::User => USER_UNIT,
        Scope::System => SYSTEM_UNIT,
    };
    let lines = text.lines().map(|line| match line.starts_with("ExecStart=") {
        true => format!("ExecStart={command}\n"),
        false => format!("{line}\n"),
    });
    sealed(&lines.collect::<String>())
}

/// The command line of the service; `None` where a word cannot stand in a unit file.
pub(super) fn command(program: &Path, words: &[&Path]) -> Option<String> {
    let mut line = word(program.to_str()?)?;
    for path in words {
        line.push(' ');
        // A dollar sign begins a variable everywhere but in the program's own name.
        line.push_str(&word(path.to_str()?)?.replace('$', "$$"));
    }
    line.push_str(" run");
    Some(line)
}

/// A word as systemd.syntax(7) and the specifiers of systemd.unit(5) want it.
fn word(text: &str) -> Option<String> {
    if text.chars().any(char::is_control) {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:,@".contains(c);
    if text.chars().all(plain) {
        return Some(text.to_owned());
    }
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    Some(format!("\"{text}\""))
}

/// The text with a first line by which it is known again.
pub(super) fn sealed(text: &str) -> String {
    format!("{MARK}{}\n{text}", checksum(text))
}

/// Whether a file is as we wrote it.
pub(super) fn is_ours(text: &str) -> bool {
    let Some((first, rest)) = text.split_once('\n') else { return false };
    first.strip_prefix(MARK).is_some_and(|sum| sum == checksum(rest))
}

fn checksum(text: &str) -> String {
    let sum = Sha256::digest(text.as_bytes());
    sum.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// What stands in a file; `None` where there is none. What is no text is nobody's of ours.
pub(super) fn found(path: &Path) -> io::Result<Option<String>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        // A link that leads nowhere is there, too.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(path.is_symlink().then(String::new))
        }
        Err(error) => Err(error),
    }
}

/// Writes a file that everybody may read.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder_of(path))?;
    let replacement = Replacement::of(path)?;
    replacement.file().write_all(text.as_bytes())?;
    replacement.file().set_permissions(fs::Permissions::from_mode(0o644))?;
    replacement.put(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_person_changed_is_not_taken_for_ours() {
        let text = unit(Scope::User, "/usr/bin/acewatch run");
        assert!(is_ours(&text));
        assert!(text.contains("\nExecStart=/usr/bin/acewatch run\n"));
        assert_eq!(text.matches("ExecStart=").count(), 1);
        assert!(!is_ours(&text.replace("RestartSec=10s", "RestartSec=1s")));
        assert!(!is_ours(USER_UNIT) && !is_ours("") && !is_ours(MARK));
    }

    #[test]
    fn a_path_with_what_systemd_reads_otherwise_is_quoted() {
        let line = |program: &str| command(Path::new(program), &[]);
        assert_eq!(line("/usr/bin/acewatch").unwrap(), "/usr/bin/acewatch run");
        assert_eq!(line("/a b/100%/\"x\"").unwrap(), r#""/a b/100%%/\"x\"" run"#);
        assert_eq!(line("/a\nb"), None);
        let config = [Path::new("--config"), Path::new("/home/d/$x")];
        assert_eq!(command(Path::new("/p"), &config).unwrap(), "/p --config \"/home/d/$$x\" run");
    }
}
