//! A private submission server: aiosmtpd over TLS, which puts each mail into a Maildir.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use super::dovecot::{accepts, certify, free_ports};
use super::{Server, scratch, until};

/// Debian's Python; another one lacks the package.
const PYTHON: &str = "/usr/bin/python3";

/// A server, at first not running.
#[derive(Debug)]
pub struct Smtp {
    directory: tempfile::TempDir,
    /// Its port, SMTP over TLS.
    pub port: u16,
    server: Option<Server>,
}

impl Smtp {
    /// Returns a server that does not run yet.
    pub fn absent() -> Smtp {
        let directory = scratch();
        certify(directory.path());
        Smtp { directory, port: free_ports().0, server: None }
    }

    /// Starts it.
    pub fn start(&mut self) {
        let path = |name: &str| self.directory.path().join(name);
        let log = fs::File::create(path("log")).unwrap();
        let mut command = Command::new(PYTHON);
        command
            .args(["-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Mailbox"])
            .arg("-l")
            .arg(format!("localhost:{}", self.port))
            .args(["--smtpscert", "leaf.pem", "--smtpskey", "leaf.key", "mails"])
            .current_dir(self.directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        self.server = Some(Server(command.spawn().unwrap()));
        until("the submission server listens", || match accepts(self.port) {
            true => Ok(()),
            false => Err(format!(
                "{}\n(aiosmtpd is in the package python3-aiosmtpd)",
                fs::read_to_string(path("log")).unwrap_or_default()
            )),
        });
    }

    /// The certificate to trust.
    pub fn ca_file(&self) -> String {
        self.directory.path().join("ca.pem").display().to_string()
    }

    /// The mails taken so far, oldest first.
    pub fn mails(&self) -> Vec<String> {
        let mut files: Vec<_> = match fs::read_dir(self.directory.path().join("mails/new")) {
            Ok(entries) => entries.map(|entry| entry.unwrap().path()).collect(),
            Err(_) => Vec::new(),
        };
        files.sort();
        files.iter().map(|path: &std::path::PathBuf| read(path)).collect()
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}
