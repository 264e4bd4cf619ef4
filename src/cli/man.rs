//! `acewatch man`: the manual pages, from the same words as `--help`.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::CommandFactory;
use clap_mangen::Man;

use super::failure::Failure;
use super::{Cli, render};

/// Show the manual page of acewatch or of one of its commands
///
/// At a terminal `man` shows it; elsewhere it is printed as it is written for `man`, in roff. Packages write
/// all of them with --output into a folder such as /usr/share/man/man1.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The command, as it is typed: `review accept`
    #[arg(conflicts_with = "output")]
    command: Vec<String>,
    /// Write the pages of all commands into DIRECTORY
    #[arg(short, long, value_name = "DIRECTORY")]
    output: Option<PathBuf>,
}

/// Prints a page, or writes all.
///
/// # Errors
///
/// There is no such command, or the pages cannot be written.
pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    match &args.output {
        Some(directory) => {
            let n = write_all(directory).map_err(|error| {
                Failure::new(format!("cannot write to {}", directory.display())).because(error)
            })?;
            render::print(&format!(
                "{} written to {}\n",
                render::counted(n, "page"),
                directory.display()
            ))
        }
        None => {
            let page = page(&args.command)?;
            let mut out = std::io::stdout().lock();
            if out.is_terminal() {
                match shown(&page) {
                    Ok(true) => return Ok(()),
                    Ok(false) => {}
                    Err(error) => anstream::eprintln!(
                        "hint: install man-db, which shows the page as it is meant ({error})"
                    ),
                }
            }
            out.write_all(&page)?;
            Ok(out.flush()?)
        }
    }
}

/// Has `man` show a page, and says whether it did; it brings its own words where it could not.
fn shown(page: &[u8]) -> std::io::Result<bool> {
    let mut man = Command::new("man").args(["-l", "-"]).stdin(Stdio::piped()).spawn()?;
    if let Some(mut stdin) = man.stdin.take() {
        // Who has seen enough ends it before it has read all.
        let _ = stdin.write_all(page);
    }
    Ok(man.wait()?.success())
}

/// The commands, each with its full name and the options that it shares with all.
fn commands() -> clap::Command {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    root
}

fn page(words: &[String]) -> Result<Vec<u8>, Failure> {
    let root = commands();
    let mut command = &root;
    for word in words {
        command = command.find_subcommand(word).ok_or_else(|| {
            let known = command.get_subcommands().filter(|known| !known.is_hide_set());
            let known: Vec<&str> = known.map(clap::Command::get_name).collect();
            let name = command.get_bin_name().unwrap_or("acewatch").to_owned();
            let failure = Failure::usage(format!("{name} has no command {word:?}"));
            match known.is_empty() {
                true => failure.hint(format!("acewatch man {}", words_of(&name))),
                false => failure.hint(format!("there are: {}", known.join(", "))),
            }
        })?;
    }
    let mut page = Vec::new();
    rendered(command, &mut page)?;
    Ok(page)
}

fn words_of(name: &str) -> &str {
    name.strip_prefix("acewatch ").unwrap_or_default()
}

fn rendered(command: &clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    // "acewatch review accept" has the page acewatch-review-accept(1).
    let name = command.get_bin_name().unwrap_or("acewatch").replace(' ', "-");
    // A page is the same whenever it is made: no date.
    Man::new(command.clone().display_name(name)).manual("acewatch").render(page)
}

fn write_all(directory: &Path) -> std::io::Result<usize> {
    fs::create_dir_all(directory)?;
    let root = commands();
    let mut waiting = vec![&root];
    let mut n_pages = 0;
    while let Some(command) = waiting.pop() {
        let name = command.get_bin_name().unwrap_or("acewatch").replace(' ', "-");
        let mut page = Vec::new();
        rendered(command, &mut page)?;
        fs::write(directory.join(format!("{name}.1")), page)?;
        n_pages += 1;
        waiting.extend(command.get_subcommands().filter(|command| !command.is_hide_set()));
    }
    Ok(n_pages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        String::from_utf8(page(&words).unwrap()).unwrap()
    }

    #[test]
    fn a_page_has_the_name_the_options_and_the_words_of_the_help() {
        let page = text(&["review", "accept"]);
        assert!(page.contains(".TH acewatch-review-accept 1"), "{page}");
        assert!(page.contains("\\-\\-all\\-good"), "{page}");
        assert!(page.contains("\\-\\-config"), "{page}");
        assert!(text(&[]).contains("acewatch\\-review(1)"), "{}", text(&[]));
    }

    #[test]
    fn an_unknown_command_is_answered_with_those_there_are() {
        let failure = format!("{:?}", page(&["reveiw".to_owned()]).unwrap_err());
        assert!(failure.contains("reveiw") && failure.contains("review, rules"), "{failure}");
    }

    #[test]
    fn every_command_has_a_page_and_none_is_empty() {
        let folder = tempfile::tempdir().unwrap();
        let n_pages = write_all(folder.path()).unwrap();
        let files: Vec<_> = fs::read_dir(folder.path()).unwrap().map(Result::unwrap).collect();
        assert_eq!(files.len(), n_pages);
        let names: Vec<String> =
            files.iter().map(|file| file.file_name().into_string().unwrap()).collect();
        for name in ["acewatch.1", "acewatch-run.1", "acewatch-rules-replay.1"] {
            assert!(names.iter().any(|known| known == name), "{name} is not in {names:?}");
        }
        assert!(names.iter().all(|name| !name.contains("help")), "{names:?}");
        for file in files {
            let page = fs::read_to_string(file.path()).unwrap();
            assert!(page.contains(".SH SYNOPSIS") && page.contains(".SH DESCRIPTION"), "{page}");
        }
    }
}
