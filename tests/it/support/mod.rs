//! What the tests stand on: private servers, the program in a bare environment, mails, and waiting.

pub mod courier;
pub mod cyrus;
pub mod desktop;
pub mod dovecot;
pub mod imap;
pub mod keyring;
pub mod mail;
pub mod oauth;
pub mod program;
pub mod provider;
pub mod proxy;
pub mod recorder;
pub mod server;
pub mod smtp;
pub mod terminal;
pub mod tls;
pub mod unpacked;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};

/// Longest wait for something that should happen at once. Generous, because the machine may be busy
/// with other tests; a test that passes never waits that long.
pub const PATIENCE: Duration = Duration::from_secs(45);

/// The configuration of a broker whose mailbox no test contacts.
pub const OFFICE: &str = r#"
time-zone = "America/Denver"
[[mailbox]]
name = "office"
host = "imap.broker.example"
user = "ops@broker.example"
password-environment = "ACEWATCH_TEST_PASSWORD"
[trust]
authserv-id = ["mx.broker.example"]
own-addresses = ["ops@broker.example"]
"#;

/// Returns the present instant, for mails that must be fresh: the real servers know no other time.
#[expect(clippy::disallowed_methods, reason = "the tests of real servers run in real time")]
pub fn now() -> DateTime<Utc> {
    DateTime::from(SystemTime::now())
}

/// Asks `found` again and again until it answers with a value, and returns the value.
///
/// # Panics
///
/// Panics with `what` and the last explanation when that has not happened within [`PATIENCE`].
#[track_caller]
pub fn until<T>(what: &str, mut found: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match found() {
            Ok(value) => return value,
            Err(last) if deadline < Instant::now() => panic!("waited in vain until {what}: {last}"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// Returns the path of a program the tests need.
///
/// # Panics
///
/// Panics with the name of the Debian package where the program is missing; nothing is skipped.
#[track_caller]
pub fn needed(program: &str, package: &str) -> PathBuf {
    // An ordinary Debian user's path leaves out where servers are.
    let path = format!("{}:/usr/local/sbin:/usr/sbin:/sbin", std::env::var("PATH").unwrap());
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| {
            panic!("{program} is missing: install the package {package}, or run scripts/test")
        })
}

/// Runs `command` to its end and returns its standard output.
///
/// # Panics
///
/// Panics with its standard error when it fails.
#[track_caller]
pub fn output_of(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?} failed: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Sends `signal` ("TERM", "STOP", …) to `child`.
pub fn signal(child: &Child, signal: &str) {
    // The shell's own kill: the program of that name is in a package that a container may lack.
    let line = format!("kill -{signal} {}", child.id());
    output_of(Command::new("sh").args(["-c", &line]));
}

/// Lets `time` pass, for faults that strike at a random moment. Nothing may be expected after it.
pub fn pass(time: Duration) {
    std::thread::sleep(time);
}

/// Waits until `child` has ended, at most `limit`.
pub fn ended(child: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + limit;
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return Some(status),
            None if deadline < Instant::now() => return None,
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// A server process that ends with the test.
#[derive(Debug)]
pub struct Server(pub Child);

impl Drop for Server {
    fn drop(&mut self) {
        // A stopped process does not take TERM, and a master should take its children along.
        if self.0.try_wait().is_ok_and(|status| status.is_none()) {
            signal(&self.0, "CONT");
            signal(&self.0, "TERM");
            if ended(&mut self.0, Duration::from_secs(5)).is_none() {
                let _ = self.0.kill();
                let _ = self.0.wait();
            }
        }
    }
}

/// Returns the directory of the build, where evidence for a reader is left.
pub fn target_directory() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap()
}

/// Makes a directory that goes away with its value.
///
/// Directly below `/tmp`: sockets want a short path, and another user may have to reach it.
pub fn scratch() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("acewatch-").tempdir_in("/tmp").unwrap()
}
