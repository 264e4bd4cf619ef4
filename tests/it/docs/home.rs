//! A home in which the commands of a page run as a reader types them: by a shell, as `acewatch`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::terminal::Terminal;
use crate::support::{Server, ended, output_of, scratch};

/// What stands before the real program: the page's time, and the server that its `init` would find.
const WRAPPER: &str = r#"#!/bin/sh
case " $* " in
*" --at "*) exec "$ACEWATCH" "$@" ;;
esac
case $1 in
init) shift; exec "$ACEWATCH" init $ACEWATCH_INIT "$@" ;;
*) exec "$ACEWATCH" ${ACEWATCH_AT:+--at "$ACEWATCH_AT"} "$@" ;;
esac
"#;

/// Longest time a command may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A home directory with the usual folders, `~/.config` and `~/.local/share`.
pub struct Home {
    directory: tempfile::TempDir,
    /// The present time of its commands; none for the real one.
    pub at: Option<String>,
    /// What `init` is given besides the words of the page.
    pub init: String,
    /// The address of the session bus; empty for none.
    pub bus: String,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new() -> Home {
        let directory = scratch();
        let home = Home { directory, at: None, init: String::new(), bus: String::new() };
        for folder in ["bin", ".config/acewatch", ".local/share", "run"] {
            fs::create_dir_all(home.path(folder)).unwrap();
        }
        let wrapper = home.path("bin/acewatch");
        fs::write(&wrapper, WRAPPER).unwrap();
        fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
        home
    }

    /// A home with a copy of all that is in this one.
    pub fn copy(&self) -> Home {
        let home = Home {
            directory: scratch(),
            at: self.at.clone(),
            init: self.init.clone(),
            bus: self.bus.clone(),
        };
        let from = format!("{}/.", self.directory.path().display());
        output_of(Command::new("cp").args(["-a", &from]).arg(home.directory.path()));
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Writes a configuration with the mailbox on `server`, and `more`.
    pub fn configure(&self, server: &Dovecot, user: &str, more: &str) {
        let text = format!(
            "[[mailbox]]\nhost = \"localhost\"\nport = {}\nuser = \"{}\"\n\
             ca-file = \"{}\"\npassword-environment = \"ACEWATCH_TEST_PASSWORD\"\n\
             look-back = \"3600d\"\n{more}",
            server.imaps_port,
            user,
            server.ca_file().display(),
        );
        self.write(".config/acewatch/config.toml", &text);
    }

    /// Runs `script` with a shell, to its end.
    #[track_caller]
    pub fn run(&self, script: &str) -> Ended {
        let outputs = scratch();
        let file = |name| fs::File::create(outputs.path().join(name)).unwrap();
        let mut command = self.command("sh");
        command.args(["-c", script]).stdin(Stdio::null());
        command.stdout(file("stdout")).stderr(file("stderr"));
        let mut child = Server(command.spawn().unwrap());
        let status = ended(&mut child.0, LIMIT).unwrap_or_else(|| panic!("{script} hangs"));
        let read = |name| fs::read(outputs.path().join(name)).unwrap();
        let text = |name| String::from_utf8_lossy(&read(name)).into_owned();
        Ended { code: status.code(), stdout: text("stdout"), stderr: text("stderr") }
    }

    /// Runs `script`, which must succeed.
    #[track_caller]
    pub fn ok(&self, script: &str) -> String {
        let ended = self.run(script);
        assert_eq!(ended.code, Some(0), "{script}: {ended:#?}");
        ended.stdout
    }

    /// Starts `words` at a terminal.
    pub fn at_a_terminal(&self, words: &[String]) -> Terminal {
        let mut command = self.command("acewatch");
        command.args(words);
        Terminal::start(&command)
    }

    fn command(&self, program: &str) -> Command {
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", format!("{}:{path}", self.path("bin").display()))
            .env("LANG", "C.UTF-8")
            .env("TZ", "America/New_York")
            .env("HOME", self.directory.path())
            .env("USER", "dana")
            .env("LOGNAME", "dana")
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.bus)
            .env("COLUMNS", "110")
            .env("ACEWATCH", env!("CARGO_BIN_EXE_acewatch"))
            .env("ACEWATCH_TEST_PASSWORD", PASSWORD)
            .env("ACEWATCH_INIT", &self.init)
            .env("ACEWATCH_AT", self.at.as_deref().unwrap_or_default());
        command
    }

    /// Returns `text` as it would read in the home of somebody called Dana.
    pub fn shown(&self, text: &str) -> String {
        let text = text.replace(&self.directory.path().display().to_string(), "/home/dana");
        // Whose decision it is, the system says: the name of whoever runs the test.
        let name = output_of(Command::new("id").arg("-un"));
        let name = name.trim();
        let width = name.len().max(3);
        text.replace(&format!("decided by {name}:"), "decided by desk:")
            .replace(&format!("  {name:width$}  "), "  desk  ")
            .replace(&format!("  {:width$}  ", "WHO"), "  WHO   ")
    }
}
