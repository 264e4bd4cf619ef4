//! What systemd knows of the service, and what is asked of it: through `systemctl` and `loginctl`, as a
//! person at a terminal would.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The service.
pub const UNIT: &str = "acewatch.service";

/// Whose service it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// One user's, in the user's manager.
    User,
    /// The machine's.
    System,
}

/// Why systemd could not be asked, or refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program of systemd's cannot be run.
    #[error("cannot run {program}")]
    Program {
        /// Which.
        program: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It ended with a fault.
    #[error("`{command}` failed: {said}")]
    Refused {
        /// What was asked.
        command: String,
        /// What it said.
        said: String,
    },
}

/// What systemd says of the service.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct State {
    /// The unit file, where there is one.
    pub file: Option<PathBuf>,
    /// The drop-ins in force.
    pub drop_ins: Vec<PathBuf>,
    /// "enabled", "disabled", "static" …; empty where there is no unit file.
    pub enabled: String,
    /// "active", "activating", "inactive", "failed" …
    pub active: String,
    /// "running", "auto-restart", "dead" …
    pub detail: String,
    /// Since when it is as it is, as systemd writes it.
    pub since: String,
    /// What the daemon last said of itself.
    pub status: String,
    /// How often it was started again by itself.
    pub n_restarts: u32,
    /// "exited", "killed" or "dumped", and the code or signal; of the last run that has ended.
    pub exit: Option<(String, i32)>,
    /// Whether files on the disk are newer than what systemd has read.
    pub needs_reload: bool,
}

impl State {
    /// Whether it runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.active.as_str(), "active" | "reloading")
    }

    /// Reads the answer of `systemctl show`, one `Name=value` a line.
    fn read(text: &str) -> State {
        let value = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.split_once('='));
            values.find(|(known, _)| *known == name).map_or("", |(_, value)| value)
        };
        // CLD_EXITED, CLD_KILLED and CLD_DUMPED of waitid(2).
        let how = match value("ExecMainCode") {
            "1" => Some("exited"),
            "2" => Some("killed"),
            "3" => Some("dumped"),
            _ => None,
        };
        let code = value("ExecMainStatus").parse().ok();
        State {
            file: Some(value("FragmentPath")).filter(|path| !path.is_empty()).map(PathBuf::from),
            drop_ins: value("DropInPaths").split_whitespace().map(PathBuf::from).collect(),
            enabled: value("UnitFileState").to_owned(),
            active: value("ActiveState").to_owned(),
            detail: value("SubState").to_owned(),
            since: value("StateChangeTimestamp").to_owned(),
            status: value("StatusText").to_owned(),
            n_restarts: value("NRestarts").parse().unwrap_or_default(),
            exit: how.map(str::to_owned).zip(code),
            needs_reload: value("NeedDaemonReload") == "yes",
        }
    }
}

/// Asks for the state of the service.
///
/// # Errors
///
/// systemd cannot be asked.
pub fn state(scope: Scope) -> Result<State, Error> {
    const PROPERTIES: &str = "FragmentPath,DropInPaths,UnitFileState,ActiveState,SubState,\
        StateChangeTimestamp,StatusText,NRestarts,ExecMainCode,ExecMainStatus,NeedDaemonReload";
    systemctl(scope, &["show", "--property", PROPERTIES, UNIT]).map(|text| State::read(&text))
}

/// The folders in which the manager looks for unit files, what it takes first at the beginning.
///
/// # Errors
///
/// systemd cannot be asked.
pub fn unit_folders(scope: Scope) -> Result<Vec<PathBuf>, Error> {
    let text = systemctl(scope, &["show", "--property", "UnitPath"])?;
    let folders = text.lines().find_map(|line| line.strip_prefix("UnitPath=")).unwrap_or_default();
    Ok(folders.split_whitespace().map(PathBuf::from).collect())
}

/// Has `systemctl` do something, and returns what it printed.
///
/// # Errors
///
/// It cannot be run, or fails.
pub fn systemctl(scope: Scope, words: &[&str]) -> Result<String, Error> {
    let mut all = match scope {
        Scope::User => vec!["--user"],
        Scope::System => vec!["--system"],
    };
    all.extend_from_slice(words);
    run("systemctl", &all)
}

/// Whether the services of this user go on when nobody is logged in; `None` where nobody can say.
#[must_use]
pub fn lingers(user: &str) -> Option<bool> {
    // loginctl knows only users who are logged in or linger.
    if Path::new("/var/lib/systemd/linger").join(user).exists() {
        return Some(true);
    }
    let text = run("loginctl", &["show-user", "--property", "Linger", user]).ok()?;
    match text.trim() {
        "Linger=yes" => Some(true),
        "Linger=no" => Some(false),
        _ => None,
    }
}

/// Lets the services of this user go on when nobody is logged in.
///
/// # Errors
///
/// Who may not decide that is refused.
pub fn linger(user: &str) -> Result<(), Error> {
    run("loginctl", &["--no-ask-password", "enable-linger", user]).map(drop)
}

/// Whether a service with the settings of this drop-in starts here, found out by starting one that
/// does nothing.
#[must_use]
pub fn bears(drop_in: &str) -> bool {
    let mut words: Vec<&str> = vec!["--user", "--quiet", "--wait", "--collect"];
    for setting in settings(drop_in) {
        words.extend(["--property", setting]);
    }
    words.extend(["--", "true"]);
    run("systemd-run", &words).is_ok()
}

/// The settings of a drop-in that can be tried without knowing whose they are.
fn settings(drop_in: &str) -> impl Iterator<Item = &str> {
    drop_in
        .lines()
        .filter(|line| line.contains('=') && !line.starts_with(['#', ';']))
        // %h and %t are not put in by systemd-run.
        .filter(|line| !line.contains('%'))
}

/// The command with which a program for a person is started: by the user's manager where it started
/// us, so that the program has the desktop's environment instead of our sandbox and limits, and outlives us.
#[must_use]
pub fn outside(command: &[String]) -> Vec<String> {
    // Set for the process that the manager itself started (systemd.exec(5)), and inherited by others.
    let told = std::env::var("SYSTEMD_EXEC_PID").ok().and_then(|id| id.parse().ok());
    let is_of_user = has_user_manager(std::env::var_os("XDG_RUNTIME_DIR").as_ref());
    match told == Some(std::process::id()) && is_of_user {
        true => by_manager(command),
        false => command.to_vec(),
    }
}

fn by_manager(command: &[String]) -> Vec<String> {
    // Some terminals leave their window to another process and end: it is not ended with them.
    let before =
        ["systemd-run", "--user", "--quiet", "--collect", "--property=KillMode=process", "--"];
    before.into_iter().map(str::to_owned).chain(command.iter().cloned()).collect()
}

/// Whether this user has a manager that could be asked.
#[must_use]
pub fn has_user_manager(runtime_directory: Option<&OsString>) -> bool {
    runtime_directory.is_some_and(|directory| Path::new(directory).join("systemd").is_dir())
}

fn run(program: &'static str, words: &[&str]) -> Result<String, Error> {
    let output = Command::new(program)
        .args(words)
        .env("LC_ALL", "C.UTF-8")
        .env("SYSTEMD_COLORS", "0")
        .stdin(Stdio::null())
        .output()
        .map_err(|source| Error::Program { program, source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    let said = if said.is_empty() { output.status.to_string() } else { said };
    Err(Error::Refused { command: format!("{program} {}", words.join(" ")), said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_of_systemctl_is_read() {
        let text = "ExecMainCode=1\nExecMainStatus=2\nNRestarts=3\nActiveState=failed\nSubState=failed\n\
            FragmentPath=/home/dana/.config/systemd/user/acewatch.service\nStatusText=a=b\n\
            DropInPaths=/a/x.conf /a/y.conf\nUnitFileState=enabled\nNeedDaemonReload=no\n";
        let state = State::read(text);
        assert_eq!(state.exit, Some(("exited".to_owned(), 2)));
        assert_eq!((state.n_restarts, state.drop_ins.len()), (3, 2));
        assert_eq!((state.status.as_str(), state.is_running()), ("a=b", false));
        assert!(State::read("").file.is_none());
        assert_eq!(State::read("ExecMainCode=0\nExecMainStatus=0\n").exit, None);
    }

    #[test]
    fn who_was_not_started_by_a_manager_starts_programs_itself() {
        let command = ["xdg-open", "https://mail.example/"].map(str::to_owned);
        assert_eq!(outside(&command), command);
        let asked = by_manager(&command);
        assert_eq!((asked[0].as_str(), &asked[asked.len() - 2..]), ("systemd-run", &command[..]));
    }

    #[test]
    fn of_a_drop_in_all_is_tried_but_what_depends_on_the_user() {
        let text =
            "# a=b\n[Service]\nPrivateUsers=yes\nCapabilityBoundingSet=\nReadWritePaths=%h %t\n";
        let tried: Vec<&str> = settings(text).collect();
        assert_eq!(tried, ["PrivateUsers=yes", "CapabilityBoundingSet="]);
    }
}
