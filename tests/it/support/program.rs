//! The program as a user runs it, in an environment that has nothing but what a test gives it.

use std::ffi::OsString;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use serde_json::Value;

use super::dovecot::{Dovecot, PASSWORD};
use super::terminal::Terminal;
use super::{Server, ended, scratch, signal, until};

/// Longest time a command may take; none of them waits for anything longer than a connection.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// A home with its own configuration, database and environment.
#[derive(Debug)]
pub struct Program {
    home: tempfile::TempDir,
    environment: Vec<(OsString, OsString)>,
    /// A program, with its arguments, that becomes acewatch after it has changed something of itself.
    through: Vec<OsString>,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub struct Ended {
    /// Exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Program {
    /// Makes an empty home.
    pub fn new() -> Program {
        let home = scratch();
        for directory in ["config/acewatch", "data", "run"] {
            fs::create_dir_all(home.path().join(directory)).unwrap();
        }
        Program { home, environment: Vec::new(), through: Vec::new() }
            .with("ACEWATCH_TEST_PASSWORD", PASSWORD)
    }

    /// Makes a home whose configuration has one mailbox, reached over TLS, on `server`.
    pub fn watching(server: &Dovecot) -> Program {
        let program = Program::new();
        program.configure(&mailbox(server, Transport::Implicit));
        program
    }

    /// Adds a variable to the environment, or changes it.
    pub fn with(mut self, name: &str, value: impl Into<OsString>) -> Program {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Runs acewatch by way of `command`, which must replace itself by what follows it.
    pub fn through(mut self, command: &[&str]) -> Program {
        self.through = command.iter().map(Into::into).collect();
        self
    }

    /// Returns where the database is.
    pub fn database(&self) -> PathBuf {
        self.path("data/acewatch/acewatch.db")
    }

    /// Writes the configuration file: `mailboxes`, and what every test wants of the rest.
    pub fn configure(&self, mailboxes: &str) {
        let waits = r#"
            [watch]
            tick = "1s"

            [limits]
            backoff-min = "1s"
            backoff-max = "2s"
            notify-timeout = "2s"
            "#;
        self.write_configuration(waits, mailboxes);
    }

    /// Writes the configuration file with every wait so short that a fault and its end fit into a
    /// few seconds: the promises in minutes, in seconds.
    pub fn configure_scaled(&self, blind_after: &str, mailboxes: &str) {
        let waits = format!(
            r#"
            [watch]
            tick = "1s"
            blind-after = "{blind_after}"

            [limits]
            connect-timeout = "2s"
            command-timeout = "2s"
            done-timeout = "1s"
            idle-renew = "2s"
            backoff-min = "100ms"
            backoff-max = "1s"
            refused-login-retry = "3s"
            unreadable-retry = "1s"
            notify-timeout = "2s"
            max-message = "1MB"
            "#
        );
        self.write_configuration(&waits, mailboxes);
    }

    fn write_configuration(&self, waits: &str, mailboxes: &str) {
        let text = format!(
            r#"
            time-zone = "America/Denver"

            [trust]
            authserv-id = ["mx.broker.example"]
            own-addresses = ["ops@broker.example"]

            [notify]
            quiet-hours = ""
            working-days-only = false
            retry = "1s"
            {waits}
            {mailboxes}
            "#
        );
        fs::write(self.path("config/acewatch/config.toml"), text).unwrap();
    }

    /// Returns a path in the home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    ///
    /// Panics when it takes longer than a minute: no command may hang.
    #[track_caller]
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_with(arguments, "ACEWATCH_NOTHING", "")
    }

    /// The same with another value of a variable.
    #[track_caller]
    pub fn run_with(&self, arguments: &[&str], name: &str, value: &str) -> Ended {
        let outputs = scratch();
        let (stdout, stderr) = (outputs.path().join("stdout"), outputs.path().join("stderr"));
        let mut child = self.spawn(arguments, &stdout, &stderr, Some((name, value)));
        let status = ended(&mut child.0, COMMAND_LIMIT);
        let read = |path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        let (stdout, stderr) = (read(&stdout), read(&stderr));
        let Some(status) = status else { panic!("{arguments:?} hangs; it said {stdout}{stderr}") };
        Ended { code: status.code(), stdout, stderr }
    }

    /// Runs a command that must succeed, and returns its standard output.
    #[track_caller]
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:#?}");
        ended.stdout
    }

    /// Runs a command that must succeed, and returns the JSON it prints.
    #[track_caller]
    pub fn json(&self, arguments: &[&str]) -> Value {
        let stdout = self.ok(arguments);
        serde_json::from_str(&stdout)
            .unwrap_or_else(|error| panic!("{arguments:?} prints no JSON: {error}\n{stdout}"))
    }

    /// Returns `status --json`.
    #[track_caller]
    pub fn status(&self) -> Value {
        self.json(&["status", "--json"])
    }

    /// Registers an application that was submitted an hour ago.
    #[track_caller]
    pub fn add(&self, importer: super::mail::Importer) {
        let submitted = (super::now() - chrono::Duration::hours(1)).to_rfc3339();
        self.ok(&[
            "add",
            "--company",
            importer.company,
            "--number",
            importer.number,
            "--submitted",
            &submitted,
        ]);
    }

    /// Returns one fact of a registered application as `status --json` has it.
    #[track_caller]
    pub fn fact(&self, importer: super::mail::Importer, name: &str) -> Value {
        fact(&self.status(), importer, name)
    }

    /// Starts the daemon.
    pub fn daemon(&self) -> Daemon {
        let log = self.path("daemon.log");
        Daemon { child: self.spawn(&["run"], &self.path("daemon.out"), &log, None), log }
    }

    /// Starts a command that goes on while the test does something; its standard error is the log.
    pub fn begin(&self, arguments: &[&str]) -> Daemon {
        let log = self.path("begun.log");
        let _ = fs::remove_file(&log);
        Daemon { child: self.spawn(arguments, &self.path("begun.out"), &log, None), log }
    }

    /// Waits until `status --json` shows what `holds` looks for.
    #[track_caller]
    pub fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        until(what, || {
            let status = self.status();
            if holds(&status) { Ok(status) } else { Err(format!("{status:#}")) }
        })
    }

    /// Runs a command at a terminal, where it asks questions.
    pub fn at_a_terminal(&self, arguments: &[&str]) -> Terminal {
        Terminal::start(&self.command(arguments))
    }

    /// Returns a command in this home's environment, to be started in another way.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut words = self.through.clone();
        words.push(env!("CARGO_BIN_EXE_acewatch").into());
        let mut command = Command::new(&words[0]);
        command
            .args(&words[1..])
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LANG", "C.UTF-8")
            .env("HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.path("config"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("XDG_STATE_HOME", self.path("data"))
            .env("XDG_CACHE_HOME", self.path("data"))
            .env("XDG_RUNTIME_DIR", self.path("run"))
            .env("COLUMNS", "120")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null());
        command
    }

    fn spawn(
        &self,
        arguments: &[&str],
        stdout: &Path,
        stderr: &Path,
        more: Option<(&str, &str)>,
    ) -> Server {
        let mut command = self.command(arguments);
        command
            .envs(more)
            .stdout(fs::File::create(stdout).unwrap())
            .stderr(fs::OpenOptions::new().append(true).create(true).open(stderr).unwrap());
        Server(command.spawn().unwrap())
    }
}

/// Returns one fact of an application from a `status --json` document; null where it is not there.
pub fn fact(status: &Value, importer: super::mail::Importer, name: &str) -> Value {
    status["applications"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|application| application["importer_number"] == importer.number)
        .map_or(Value::Null, |application| application[name].clone())
}

/// How a mailbox is reached.
#[derive(Clone, Copy, Debug)]
pub enum Transport {
    /// TLS from the first byte.
    Implicit,
    /// TLS after STARTTLS.
    StartTls,
    /// No TLS, which only the loopback interface allows.
    Plain,
}

impl Transport {
    /// Returns the table of a mailbox at one of these ports, in the clear and over TLS, with `more`
    /// lines.
    pub fn table(self, (imap_port, imaps_port): (u16, u16), user: &str, more: &str) -> String {
        let (tls, port) = match self {
            Transport::Implicit => ("implicit", imaps_port),
            Transport::StartTls => ("starttls", imap_port),
            Transport::Plain => ("none", imap_port),
        };
        format!(
            r#"
            [[mailbox]]
            name = "office"
            host = "localhost"
            port = {port}
            tls = "{tls}"
            user = "{user}"
            password-environment = "ACEWATCH_TEST_PASSWORD"
            poll-interval = "1h"
            {more}
            "#
        )
    }
}

/// Returns the table of one mailbox on `server`, with the server's authority trusted.
pub fn mailbox(server: &Dovecot, transport: Transport) -> String {
    let trust = format!("ca-file = \"{}\"", server.ca_file().display());
    mailbox_trusting(server, transport, &trust)
}

/// Returns the table of one mailbox on `server`, with the lines `trust` about its certificate. It is
/// polled so rarely that within a test only IDLE brings mail.
pub fn mailbox_trusting(server: &Dovecot, transport: Transport, trust: &str) -> String {
    transport.table((server.imap_port, server.imaps_port), super::dovecot::USER, trust)
}

/// The daemon in the background. It ends with its value, by SIGTERM and, where that fails, SIGKILL.
#[derive(Debug)]
pub struct Daemon {
    child: Server,
    log: PathBuf,
}

impl Daemon {
    /// Asks the daemon to leave, and returns how it did.
    ///
    /// # Panics
    ///
    /// Panics when it is still there after the five seconds it has, and some grace on a busy machine.
    #[track_caller]
    pub fn stop(mut self) -> ExitStatus {
        signal(&self.child.0, "TERM");
        ended(&mut self.child.0, Duration::from_secs(8))
            .unwrap_or_else(|| panic!("SIGTERM does not end the daemon:\n{}", self.log()))
    }

    /// Sends the daemon a signal ("STOP", "CONT").
    pub fn signal(&self, name: &str) {
        signal(&self.child.0, name);
    }

    /// Returns the most memory the daemon has had so far, in MB.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.0.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Ends the daemon as a power failure does.
    pub fn kill(mut self) {
        self.child.0.kill().unwrap();
        let status = self.child.0.wait().unwrap();
        assert_eq!(status.signal(), Some(9), "the daemon had ended before:\n{}", self.log());
    }

    /// Returns its process, for signals and limits.
    pub fn process(&self) -> &Child {
        &self.child.0
    }

    /// Waits until the daemon ends by itself, and returns how it did.
    #[track_caller]
    pub fn end(mut self) -> ExitStatus {
        ended(&mut self.child.0, COMMAND_LIMIT)
            .unwrap_or_else(|| panic!("the daemon goes on:\n{}", self.log()))
    }

    /// Returns what the daemon has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the daemon's log:\n{}", self.log());
        }
    }
}
