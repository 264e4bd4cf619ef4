//! A page that goes through days or weeks: its commands are run in their order, and what they print
//! is what stands below them.
//!
//! Comments that no reader sees say what happens between: `<!-- at 2026-05-04T14:00:00Z -->` puts the
//! clock forward, delivers the mails of tests/data/docs/PAGE/ that are dated until then, and has them
//! read, as the daemon would have; `unread` for `at` does only the first. `<!-- types: QUESTION => ANSWER | … -->` stands before a command that
//! asks. A line `…` in a listing stands for any lines. A listing `text notice` is a notice that the desktop
//! was shown when the clock was last put forward, a listing `csv FILE` a file that the reader has. What the
//! text names in backticks is run in a copy of the home as it is at that point.

use std::collections::BTreeSet;
use std::fs;

use chrono::{DateTime, Utc};

use crate::support::desktop::Desktop;
use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::recorder::Recorder;

use super::brokerage;
use super::home::Home;
use super::page::{self, Page, Part, Span};
use super::practice;

/// What stands in the configuration of a walk besides the mailbox. Its waits are those of a reader
/// who looks at the clock of the page.
const CONFIGURATION: &str = r#"
[trust]
authserv-id = ["mx.DOMAIN"]
own-addresses = ["USER"]

[notify]
quiet-hours = ""
per-minute = 100
"#;

struct Walk {
    home: Home,
    server: Dovecot,
    /// The mails that are still to come: when, in which folder, what.
    mails: Vec<(DateTime<Utc>, String, String)>,
    recorder: Recorder,
    /// The address of the page's reader.
    user: &'static str,
    /// How many notices there were before the clock was last put forward.
    n_notices: usize,
    answers: Vec<(String, String)>,
    // Last, so that the bus outlives its server.
    _desktop: Desktop,
}

/// Goes through the page `name`, whose reader has the address `user`, and compares what it says, or writes what it should say.
pub fn walk(name: &str, user: &'static str) {
    let page = Page::read(name);
    let mut walk = Walk::new(&page, user);
    let mut told = String::new();
    let mut spans = page.spans().into_iter().peekable();
    for part in &page.parts {
        let number = match part {
            Part::Text(number, _) | Part::Listing(number, ..) => *number,
        };
        while let Some(span) = spans.next_if(|span| span.number < number) {
            walk.try_span(&span);
        }
        match part {
            Part::Text(number, line) => {
                if let Some(directive) = line.strip_prefix("<!-- ") {
                    let directive = directive.strip_suffix(" -->").unwrap();
                    walk.follow(&page.place(*number), directive);
                }
                told.push_str(&format!("{line}\n"));
            }
            Part::Listing(number, words, lines) => {
                let lines = walk.listing(&page.place(*number), words, lines);
                told.push_str(&format!("```{words}\n"));
                told.extend(lines.iter().map(|line| format!("{line}\n")));
                told.push_str("```\n");
            }
        }
    }
    let path = page::root().join(name);
    let text = fs::read_to_string(&path).unwrap();
    spans.for_each(|span| walk.try_span(&span));
    if name == OF_TODAY {
        return;
    }
    if is_written() {
        return fs::write(&path, &told).unwrap();
    }
    if let Some((i, (stands, should))) =
        text.lines().zip(told.lines()).enumerate().find(|(_, (stands, should))| stands != should)
    {
        panic!(
            "{name}:{}: here stands\n{stands}\nand it should be\n{should}\n(ACEWATCH_DOCS=write puts it there)",
            i + 1
        );
    }
    assert_eq!(text.lines().count(), told.lines().count(), "{name} is longer or shorter");
    assert!(walk.mails.is_empty(), "{name}: mails that are never delivered");
}

/// A page whose dates are those of the day: its commands are run, and nothing is compared.
const OF_TODAY: &str = "docs/first-run.md";

/// The mails of a page, from tests/data/docs, or of the brokerage.
fn mails_of(page: &Page) -> Vec<(DateTime<Utc>, String, String)> {
    match page.name.as_str() {
        "docs/broker.md" => return brokerage::mails(),
        OF_TODAY => return practice::mails(),
        _ => {}
    }
    let stem = page.name.trim_start_matches("docs/").trim_end_matches(".md");
    let mut mails = Vec::new();
    for entry in fs::read_dir(page::root().join("tests/data/docs").join(stem)).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let date = text.lines().find_map(|line| line.strip_prefix("Date: ")).unwrap();
        let at = DateTime::parse_from_rfc2822(date).unwrap().to_utc();
        let folder = if text.contains("Authentication-Results:") { "INBOX" } else { "Sent" };
        mails.push((at, folder.to_owned(), text));
    }
    mails
}

impl Walk {
    fn new(page: &Page, user: &'static str) -> Walk {
        let mut desktop = Desktop::absent();
        desktop.log_in();
        let recorder = Recorder::start(&desktop.bus_address());
        let server = Dovecot::start();
        let mut home = Home::new();
        home.bus = desktop.bus_address();
        // Nobody finds this server by the DNS.
        home.init = format!(
            "--host localhost --port {} --ca-file {}",
            server.imaps_port,
            server.ca_file().display()
        );
        let (_, domain) = user.split_once('@').unwrap();
        let mut mails = mails_of(page);
        mails.sort();
        if page.name == "docs/broker.md" {
            home.write("clients.csv", &brokerage::table());
            home.write("mail.eml", &brokerage::mails()[0].2);
        }
        // What everybody has in a mailbox: mail of others, for which the own server vouches.
        for n in 1..=12 {
            server.deliver(
                "INBOX",
                &format!(
                    "Received: from mail.shop{n}.example (mail.shop{n}.example [198.51.100.7])\r\n by mx.{domain} with ESMTPS id {n}; Mon, 4 May 2026 13:25:20 +0000\r\nAuthentication-Results: mx.{domain}; dmarc=pass header.from=shop{n}.example\r\nFrom: news@shop{n}.example\r\nTo: {user}\r\nSubject: Lamps\r\n\r\nBuy.\r\n"
                ),
            );
        }
        Walk {
            home,
            server,
            mails,
            recorder,
            user,
            n_notices: 0,
            answers: Vec::new(),
            _desktop: desktop,
        }
    }

    /// Does what a comment says.
    #[track_caller]
    fn follow(&mut self, place: &str, directive: &str) {
        let (word, rest) = directive.split_once(' ').unwrap();
        match word {
            "at" => {
                self.put_forward(place, rest);
                self.read(rest);
            }
            "today" => {
                self.configure();
                self.home.ok("mkdir -p practice/server/mail/new && touch practice/approval.eml && cp .config/acewatch/config.toml practice");
                self.deliver(crate::support::now());
            }
            "meanwhile" => drop(self.home.ok(rest)),
            "unread" => self.put_forward(place, rest),
            "types:" => {
                self.answers = rest
                    .split(" | ")
                    .map(|pair| pair.split_once(" => ").unwrap())
                    .map(|(question, answer)| {
                        (question.to_owned(), answer.replace("PASSWORD", PASSWORD))
                    })
                    .collect();
            }
            _ => panic!("{place}: {word} is unknown"),
        }
    }

    fn put_forward(&mut self, place: &str, at: &str) {
        assert!(at.parse::<DateTime<Utc>>().is_ok(), "{place}: {at} is no time");
        self.configure();
        self.home.at = Some(at.to_owned());
    }

    fn configure(&self) {
        let (_, domain) = self.user.split_once('@').unwrap();
        let more = CONFIGURATION.replace("DOMAIN", domain).replace("USER", self.user);
        self.home.configure(&self.server, self.user, &more);
    }

    fn read(&mut self, at: &str) {
        self.deliver(at.parse().unwrap());
        self.n_notices = self.recorder.notices().len();
        self.home.ok("acewatch check");
    }

    /// Delivers the mails that have come until `now`.
    fn deliver(&mut self, now: DateTime<Utc>) {
        while self.mails.first().is_some_and(|(date, _, _)| *date <= now) {
            let (date, folder, text) = self.mails.remove(0);
            self.server.deliver_at(&folder, &text.replace('\n', "\r\n"), date);
        }
    }

    /// Runs the command in a span, if it is one, in a copy of the home as it is at this point.
    #[track_caller]
    fn try_span(&self, span: &Span) {
        if is_written() {
            return;
        }
        let faults = super::commands_of(span).and_then(|commands| {
            commands.iter().find_map(|words| super::try_one(&self.home, words)).map_or(Ok(()), Err)
        });
        if let Err(fault) = faults {
            panic!("{}: {fault}", span.place);
        }
    }

    /// Does what a listing shows, and returns its lines as they should be.
    #[track_caller]
    fn listing(&mut self, place: &str, words: &str, lines: &[String]) -> Vec<String> {
        if words == "text notice" {
            return self.notice(lines);
        }
        if let Some(file) = words.strip_prefix("csv ") {
            self.home.write(file, &(lines.join("\n") + "\n"));
        }
        if words.is_empty() && !lines.iter().any(|line| line.starts_with("$ ")) {
            let fault = super::try_script(&self.home.copy(), lines);
            assert_eq!(fault, None, "{place}");
        }
        let mut told = Vec::new();
        let mut rest = lines.iter().peekable();
        while let Some(line) = rest.next() {
            told.push(line.clone());
            let Some(command) = line.strip_prefix("$ ") else { continue };
            let mut stands = Vec::new();
            while rest.peek().is_some_and(|line| !line.starts_with("$ ")) {
                stands.extend(rest.next().cloned());
            }
            if super::is_other(command) {
                told.extend(stands);
                continue;
            }
            // A file that the reader has is one that the page shows.
            if let Some(file) = command.strip_prefix("cat ~/")
                && !self.home.path(file).exists()
            {
                self.home.write(file, &(stands.join("\n") + "\n"));
            }
            let printed = self.run(place, command, &stands);
            let is_same = fits(&stands.iter().map(String::as_str).collect::<Vec<_>>(), &printed);
            told.extend(if is_same { stands } else { printed });
        }
        told
    }

    #[track_caller]
    fn run(&mut self, place: &str, command: &str, stands: &[String]) -> Vec<String> {
        let text = if self.answers.is_empty() {
            let ended = self.home.run(command);
            // What is to fail is shown with its error; a monitoring check answers by its exit code.
            let may_fail = stands.first().is_some_and(|line| line.starts_with("error: "))
                || command.contains("status --check")
                || is_written();
            assert!(ended.code == Some(0) || may_fail, "{place}: {command}: {ended:#?}");
            ended.stdout + &ended.stderr
        } else {
            let words = page::words(command);
            let mut terminal = self.home.at_a_terminal(&words[1..]);
            for (question, answer) in std::mem::take(&mut self.answers) {
                terminal.answer(&question, &answer);
            }
            let (code, screen) = terminal.end();
            assert_eq!(code, Some(0), "{place}: {command}: {screen}");
            assert!(!screen.contains(PASSWORD), "{place}: {screen}");
            screen
        };
        let (_, domain) = self.user.split_once('@').unwrap();
        let hidden = ["[[mailbox]] port = ", "[[mailbox]] ca-file = "];
        let text = self.home.shown(&text).replace("localhost", &format!("imap.{domain}"));
        let lines = text.trim_end().lines().map(|line| line.trim_end().to_owned());
        lines.filter(|line| !hidden.iter().any(|hidden| line.contains(hidden))).collect()
    }

    /// A notice of those that were shown last; all of them where it is none.
    fn notice(&self, lines: &[String]) -> Vec<String> {
        let notices = self.recorder.notices();
        let shown: Vec<String> = notices[self.n_notices..]
            .iter()
            .map(|asked| format!("{}\n{}", asked.title, asked.body))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        match shown.contains(&lines.join("\n")) {
            true => lines.to_vec(),
            false => shown.join("\n\n").lines().map(str::to_owned).collect(),
        }
    }
}

/// Whether the page is to be written, for somebody to read what came out.
fn is_written() -> bool {
    std::env::var_os("ACEWATCH_DOCS").is_some()
}

/// Whether what stands in a page is what was printed; `…` stands for any lines.
fn fits(stands: &[&str], printed: &[String]) -> bool {
    match stands {
        [] => printed.is_empty(),
        ["…"] => true,
        ["…", rest @ ..] => (0..=printed.len()).any(|n| fits(rest, &printed[n..])),
        [line, rest @ ..] => {
            printed.first().is_some_and(|p| p == line) && fits(rest, &printed[1..])
        }
    }
}

#[test]
fn left_out_lines_are_any_lines() {
    let printed = ["a", "b", "c"].map(str::to_owned);
    for (stands, expected) in [
        (&["a", "b", "c"][..], true),
        (&["a", "…"], true),
        (&["…", "c"], true),
        (&["a", "…", "b", "c"], true),
        (&["…", "b"], false),
        (&["a", "b"], false),
    ] {
        assert_eq!(fits(stands, &printed), expected, "{stands:?}");
    }
}
