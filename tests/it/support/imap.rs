//! An IMAP client of a few lines, with which a test does what the watched program must not: it makes
//! folders, removes them, and puts mails into them.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

use chrono::{DateTime, Utc};

/// A connection that is logged in.
#[derive(Debug)]
pub struct Imap {
    stream: BufReader<TcpStream>,
    n_commands: u32,
}

impl Imap {
    /// Logs in without TLS.
    pub fn log_in(port: u16, user: &str, password: &str) -> Imap {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut imap = Imap { stream: BufReader::new(stream), n_commands: 0 };
        imap.line();
        imap.command(&format!("LOGIN \"{user}\" \"{password}\""));
        imap
    }

    /// Runs a command that must succeed, and returns the lines before its end.
    #[track_caller]
    pub fn command(&mut self, command: &str) -> Vec<String> {
        self.n_commands += 1;
        let tag = format!("t{} ", self.n_commands);
        self.stream.get_mut().write_all(format!("{tag}{command}\r\n").as_bytes()).unwrap();
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            match line.strip_prefix(&tag) {
                Some(outcome) if outcome.starts_with("OK") => return lines,
                Some(outcome) => panic!("{command}: {outcome}"),
                None => lines.push(line),
            }
        }
    }

    /// Puts a mail into a folder, as if it had been received at `received_at`.
    pub fn append(&mut self, folder: &str, mail: &str, received_at: DateTime<Utc>) {
        let date = received_at.format("%d-%b-%Y %H:%M:%S +0000");
        let octets = mail.len();
        self.command(&format!("APPEND \"{folder}\" \"{date}\" {{{octets}+}}\r\n{mail}"));
    }

    /// Returns the flags of every mail in every folder, as the server lists them.
    pub fn flags(&mut self) -> Vec<String> {
        let listed = self.command("LIST \"\" \"*\"");
        let mut flags = Vec::new();
        for line in listed.iter().filter(|line| !line.to_lowercase().contains("\\noselect")) {
            // * LIST (\HasNoChildren) "/" "Sent", and Cyrus writes Sent without quotation marks.
            let (_, name) = line.split_once("\" ").unwrap();
            let examined = self.command(&format!("EXAMINE {name}"));
            if examined.iter().any(|line| line == "* 0 EXISTS") {
                continue;
            }
            let fetched = self.command("FETCH 1:* (FLAGS)");
            flags.extend(fetched.iter().filter(|line| line.contains("FETCH")).map(|line| {
                let (_, rest) = line.split_once("FLAGS (").unwrap();
                rest.split(')').next().unwrap().to_owned()
            }));
        }
        flags
    }

    /// Returns the UIDVALIDITY of a folder.
    pub fn uid_validity(&mut self, folder: &str) -> u32 {
        let lines = self.command(&format!("EXAMINE \"{folder}\""));
        let line = lines.iter().find_map(|line| line.split_once("[UIDVALIDITY ")).unwrap();
        line.1.split(']').next().unwrap().parse().unwrap()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the server has closed the connection");
        line.trim_end().to_owned()
    }
}
