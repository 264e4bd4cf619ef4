//! Every command that a document shows works.
//!
//! What the text has in backticks (`acewatch …`) is run in a copy of one prepared home ([`office`]),
//! with `APP`, `FILE` and the like filled in ([`spelling`]); the listings of a page are run one after
//! another in a second copy. Some pages are walks ([`walk`]): their commands are run in their order at
//! the page's own time, and what they print is what stands there. `ACEWATCH_DOCS=write` writes it
//! there. docs/rules.md has a test of its own for its listings.

mod brokerage;
mod home;
mod office;
mod page;
mod practice;
mod spelling;
mod walk;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Mutex;

use acewatch::cli::Cli;
use acewatch::config::{self, Environment};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::support::dovecot::{Dovecot, USER};
use home::Home;
use page::{Page, Part, Span};

/// Pages that are walks, and run in their own homes.
const WALKS: [&str; 3] = ["docs/broker.md", "docs/first-run.md", "docs/importer.md"];

/// Commands that are not run, but must be understood, and why. The beginning of the command, or a
/// flag anywhere in it.
const NOT_RUN: &[(&str, &str)] = &[
    ("run", "it watches until somebody ends it"),
    ("service", "it asks or changes the systemd of whoever runs the test"),
    ("secret", "it wants a keyring; tests/it/keyring.rs has one"),
    ("sign-in", "it wants a provider; tests/it/oauth.rs has one"),
    ("--open", "it opens a mail program"),
    ("init --address", "it asks at a terminal; tests/it/init.rs answers"),
];

/// Other programs in listings that are not run, and why.
const OTHERS: &[(&str, &str)] = &[
    ("sudo", "needs rights"),
    ("systemctl", "changes the services of whoever runs the test"),
    ("systemd-analyze", "asks the systemd of whoever runs the test"),
    ("loginctl", "changes the account of whoever runs the test"),
    ("journalctl", "reads the log of whoever runs the test"),
    ("cargo", "builds"),
    ("rustup", "installs"),
    ("scripts/", "starts servers of its own"),
    ("alias", "is the reader's shell's"),
    ("unalias", "is the reader's shell's"),
];

/// Commands whose exit code is an answer.
const ANSWERS: &[(&str, &[i32])] = &[("status --check", &[0, 1, 2, 3])];

#[test]
fn every_command_in_the_documents_works() {
    let pages = page::all();
    let mut faults = Vec::new();
    // Each command once, with the places where it stands.
    let mut commands: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    // The listings of a page are run one after another.
    let mut scripts: Vec<Vec<(String, Vec<String>)>> = Vec::new();
    for page in pages.iter().filter(|page| !WALKS.contains(&page.name.as_str())) {
        for span in page.spans() {
            match commands_of(&span) {
                Ok(found) => found.into_iter().for_each(|words| {
                    commands.entry(words).or_default().push(span.place.clone());
                }),
                Err(error) => faults.push(format!("{}: {error}", span.place)),
            }
        }
        let mut of_page = Vec::new();
        for part in &page.parts {
            let Part::Listing(number, words, lines) = part else { continue };
            let typed: Vec<String> = lines
                .iter()
                .filter_map(|line| line.strip_prefix("$ "))
                .map(str::to_owned)
                .collect();
            let is_session = !typed.is_empty() && page.name != "docs/rules.md";
            if is_session || words.is_empty() {
                of_page.push((page.place(*number), if is_session { typed } else { lines.clone() }));
            }
        }
        scripts.push(of_page);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(100 < commands.len(), "only {} commands were found", commands.len());

    let server = Dovecot::start();
    let office = office::home(&server);
    let work: Mutex<Vec<_>> =
        Mutex::new(commands.iter().filter(|(words, _)| is_run(words)).collect());
    let told = Mutex::new(faults);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((words, places)) = work.lock().unwrap().pop() else { return };
                    let said = try_one(&office, words);
                    told.lock()
                        .unwrap()
                        .extend(said.map(|s| format!("{}: {s}", places.join(", "))));
                }
            });
        }
    });
    let mut faults = told.into_inner().unwrap();
    for of_page in &scripts {
        let home = office.copy();
        for (place, lines) in of_page {
            faults.extend(try_script(&home, lines).map(|said| format!("{place}: {said}")));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn an_importer_s_weeks_are_as_the_page_tells_them() {
    walk::walk("docs/importer.md", "dana@blueheron.example");
}

#[test]
fn the_first_half_hour_can_be_walked_through() {
    walk::walk("docs/first-run.md", USER);
}

#[test]
fn a_broker_s_monday_is_as_the_page_tells_it() {
    walk::walk("docs/broker.md", USER);
}

#[test]
fn every_configuration_in_the_documents_can_be_used() {
    let mut n_found = 0;
    for page in page::all() {
        for part in &page.parts {
            let Part::Listing(number, words, lines) = part else { continue };
            if words != "toml config" {
                continue;
            }
            let text = lines.join("\n");
            let read = config::parse(&text, Path::new("config.toml"), &Environment::from_process());
            assert!(read.is_ok(), "{}: {read:?}", page.place(*number));
            n_found += 1;
        }
    }
    assert!(1 < n_found);
}

/// Returns the commands that a span means, as they can be run.
fn commands_of(span: &Span) -> Result<Vec<Vec<String>>, String> {
    let names: Vec<String> =
        Cli::command().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    let as_root = span.text.strip_prefix("sudo ");
    let written = spelling::commands(as_root.unwrap_or(&span.text), &names);
    let written = written.map_err(|error| format!("{}: {error}", span.text))?;
    let commands: Result<Vec<_>, _> = written.into_iter().map(understood).collect();
    // What needs rights must be understood all the same.
    if as_root.is_some() { commands.map(|_| Vec::new()) } else { commands }
}

/// Returns a command as it can be run: with what it takes at least, where the page only mentions it.
fn understood(words: Vec<String>) -> Result<Vec<String>, String> {
    let parsed =
        |words: &[String]| match Cli::try_parse_from([&["acewatch".to_owned()], words].concat()) {
            Err(error) if error.use_stderr() => Err(error),
            _ => Ok(()),
        };
    match parsed(&words) {
        Ok(()) => Ok(words),
        Err(error) if error.kind() == ErrorKind::MissingRequiredArgument => {
            let completed = spelling::completed(&words).filter(|words| parsed(words).is_ok());
            completed.ok_or_else(|| format!("acewatch {}\n{error}", words.join(" ")))
        }
        Err(error) => Err(format!("acewatch {}\n{error}", words.join(" "))),
    }
}

/// Whether a command, in words after `acewatch`, is run or only understood.
fn is_run(words: &[String]) -> bool {
    let line = words.join(" ");
    let stands = |what: &str| match what.starts_with("--") {
        true => words.iter().any(|word| word == what),
        false => line == what || line.starts_with(&format!("{what} ")),
    };
    !NOT_RUN.iter().any(|(what, _)| stands(what))
}

/// Whether a line of a listing is left out: a program that is not run, or a command that is not.
fn is_other(line: &str) -> bool {
    let words = page::words(line);
    let first = words.first().map(String::as_str).unwrap_or_default();
    OTHERS.iter().any(|(program, _)| first.starts_with(program))
        || first == "acewatch" && !is_run(&words[1..])
}

/// Runs one command in a copy of `home`, unless it is one that is only understood; says what is wrong.
fn try_one(home: &Home, words: &[String]) -> Option<String> {
    if !is_run(words) {
        return None;
    }
    let home = home.copy();
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let ended = home.run(&format!("acewatch {}", quoted.join(" ")));
    let line = words.join(" ");
    let expected = ANSWERS
        .iter()
        .find(|(what, _)| line.starts_with(what))
        .map_or(&[0][..], |(_, codes)| codes);
    let is_good = ended.code.is_some_and(|code| expected.contains(&code));
    (!is_good)
        .then(|| format!("acewatch {line}: {:?}\n{}{}", ended.code, ended.stdout, ended.stderr))
}

/// Runs the lines of a listing in `home`, as one script; says what is wrong.
fn try_script(home: &Home, lines: &[String]) -> Option<String> {
    let mut script = "set -e\n".to_owned();
    for line in lines {
        let mut words = page::words(line.split(" #").next().unwrap_or_default());
        if words.is_empty() || line.starts_with('#') {
            continue;
        }
        let is_root = words[0] == "sudo";
        if is_root {
            words.remove(0);
        }
        if words[0].starts_with("scripts/") && !page::root().join(&words[0]).exists() {
            return Some(format!("{} is not there", words[0]));
        }
        let arguments = match words[0].as_str() {
            "acewatch" => Some(1),
            "cargo" => words.iter().position(|word| word == "--").map(|i| i + 1),
            _ => None,
        };
        if let Some(from) = arguments {
            let words = [&["acewatch".to_owned()], &words[from..]].concat();
            if let Err(error) = Cli::try_parse_from(&words)
                && error.use_stderr()
            {
                return Some(format!("{line}\n{error}"));
            }
        }
        if !is_root && !is_other(line) {
            script.push_str(&format!("{line}\n"));
        }
    }
    let ended = home.run(&script);
    (ended.code != Some(0))
        .then(|| format!("{script}{:?}\n{}{}", ended.code, ended.stdout, ended.stderr))
}

fn quoted(word: &str) -> String {
    // A leading ~ is the shell's to read.
    match word.strip_prefix("~/") {
        Some(rest) => format!("~/'{rest}'"),
        None => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

#[test]
fn every_document_is_named_where_its_readers_begin() {
    let begin = ["README.md", "CONTRIBUTING.md"]
        .map(|name| std::fs::read_to_string(page::root().join(name)).unwrap())
        .concat();
    let missing: BTreeSet<String> = page::all()
        .into_iter()
        .map(|page: Page| page.name)
        .filter(|name| name != "README.md" && !begin.contains(&format!("({name})")))
        .collect();
    assert!(missing.is_empty(), "neither README.md nor CONTRIBUTING.md leads to {missing:?}");
}
