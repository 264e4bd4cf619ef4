//! What happens at the button "Show": a program of the user's, or a terminal with a command of acewatch.
//!
//! The program runs on its own: nobody waits for it but a task that takes note of its end.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::safe_line;
use crate::{program, systemd};

/// So many programs may be open at once: a button that is pressed again and again must not fill the
/// machine.
const N_OPEN: usize = 8;

/// Terminals by the order in which they are looked for, and what stands before the command.
const TERMINALS: [(&str, &[&str]); 10] = [
    ("xdg-terminal-exec", &[]),
    ("x-terminal-emulator", &["-e"]),
    ("gnome-terminal", &["--"]),
    ("ptyxis", &["--"]),
    ("konsole", &["-e"]),
    ("xfce4-terminal", &["-x"]),
    ("foot", &[]),
    ("alacritty", &["-e"]),
    ("kitty", &[]),
    ("xterm", &["-e"]),
];

/// Runs the command in its arguments and keeps the terminal open until somebody has read it. The words
/// of the command are never read by the shell.
const UNTIL_READ: &str =
    "\"$@\"; printf '\\nPress Enter to close this window.'; IFS= read -r answer";

/// Opens programs for a person.
#[derive(Debug)]
pub struct Opener {
    room: Arc<Semaphore>,
}

impl Default for Opener {
    fn default() -> Opener {
        Opener { room: Arc::new(Semaphore::new(N_OPEN)) }
    }
}

impl Opener {
    /// Starts a program, within a runtime of tokio. What fails is said in the log: there is nobody
    /// else to be told.
    pub fn open(&self, command: &[String]) {
        let Some(name) = command.first() else { return };
        let name = safe_line(name, 80);
        let command = systemd::outside(command);
        let Some((first, arguments)) = command.split_first() else { return };
        let Ok(place) = Arc::clone(&self.room).try_acquire_owned() else {
            tracing::warn!("cannot show it: {N_OPEN} windows are open already");
            return;
        };
        let started = program::command(first)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A key pressed in the daemon's own terminal is not meant for it.
            .process_group(0)
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            Err(error) => {
                tracing::warn!("cannot run {name}: {error}");
                return;
            }
        };
        tokio::spawn(async move {
            match child.wait().await {
                Ok(status) if !status.success() => tracing::warn!("{name} ended with {status}"),
                Ok(_) => {}
                Err(error) => tracing::warn!("cannot wait for {name}: {error}"),
            }
            drop(place);
        });
    }
}

/// The user's command for an application.
pub fn filled_in(command: &[String], application: i64) -> Vec<String> {
    let id = application.to_string();
    command.iter().map(|word| word.replace("{application}", &id)).collect()
}

/// A command that shows `words` of acewatch, with this configuration and database, in a terminal;
/// `None` where there is none in `path`, as `$PATH` has it.
pub fn in_terminal(
    path: &std::ffi::OsStr,
    program: &Path,
    config: Option<&Path>,
    database: &Path,
    words: &[String],
) -> Option<Vec<String>> {
    let (terminal, before) =
        TERMINALS.iter().find(|(name, _)| program::find_in(path, name).is_some())?;
    let text = |path: &Path| path.to_str().map(str::to_owned);
    let mut command = vec![(*terminal).to_owned()];
    command.extend(before.iter().map(|word| (*word).to_owned()));
    command.extend(["sh", "-c", UNTIL_READ, "acewatch"].map(str::to_owned));
    command.push(text(program)?);
    if let Some(config) = config {
        command.extend(["--config".to_owned(), text(&absolute(config))?]);
    }
    command.extend(["--database".to_owned(), text(&absolute(database))?]);
    command.extend(words.iter().cloned());
    Some(command)
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_first_terminal_in_the_path_runs_the_command_and_waits_to_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let command = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            in_terminal(
                folder.path().as_os_str(),
                Path::new("/usr/bin/acewatch"),
                Some(Path::new("/etc/ace/config.toml")),
                Path::new("/var/ace/acewatch.db"),
                &words,
            )
        };
        for (name, mode) in [("xdg-terminal-exec", 0o644), ("xterm", 0o755), ("konsole", 0o755)] {
            // What nobody may run is not taken for a terminal.
            assert_eq!(command(&["status"]).is_some(), name == "konsole");
            let file = folder.path().join(name);
            std::fs::write(&file, "").unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
        }
        assert_eq!(
            command(&["show", "7"]).unwrap(),
            [
                "konsole",
                "-e",
                "sh",
                "-c",
                UNTIL_READ,
                "acewatch",
                "/usr/bin/acewatch",
                "--config",
                "/etc/ace/config.toml",
                "--database",
                "/var/ace/acewatch.db",
                "show",
                "7"
            ]
        );
    }

    #[test]
    fn the_application_is_put_into_the_user_s_command_word_by_word() {
        let command = ["xdg-open", "https://mail.example/?q={application}&x"].map(str::to_owned);
        assert_eq!(filled_in(&command, 12), ["xdg-open", "https://mail.example/?q=12&x"]);
    }

    #[tokio::test]
    async fn a_program_runs_on_its_own_and_its_end_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ran");
        let script = format!("echo x >> '{}'", file.display());
        let opener = Opener::default();
        for n in 0..3 * N_OPEN {
            opener.open(&["sh", "-c", &script].map(str::to_owned));
            while std::fs::read_to_string(&file).unwrap_or_default().lines().count() <= n {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            while opener.room.available_permits() < N_OPEN {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        }
        opener.open(&["/nowhere/at-all".to_owned()]);
        assert_eq!(opener.room.available_permits(), N_OPEN);
    }
}
