//! Questions to whoever sits at the terminal.
//!
//! They go to standard error and are answered on standard input. Where either is no terminal nobody is
//! asked: what has a usual answer takes it, and what has none ends the command with the flag to give.

use std::io::{IsTerminal, Write};

use crate::cli::failure::Failure;
use crate::cli::{hidden, render};
use crate::secret::{Kind, Secret};

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    /// Whether somebody sits there and wants to be asked.
    pub is_possible: bool,
}

impl Ask {
    /// Asks, unless nobody is there or `yes` was given.
    pub(super) fn new(yes: bool) -> Ask {
        let is_terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        Ask { is_possible: is_terminal && !yes }
    }

    /// A text on one line; Enter takes what is usual. `flag` answers it without asking.
    pub(super) fn line(
        self,
        question: &str,
        usual: Option<&str>,
        flag: &str,
    ) -> Result<String, Failure> {
        if !self.is_possible {
            return usual.map(str::to_owned).ok_or_else(|| missing(flag));
        }
        let shown = usual.map(|usual| format!(" [{}]", render::escaped(usual))).unwrap_or_default();
        loop {
            let answer = answer(&format!("{question}{shown}: "))?;
            match (answer.as_str(), usual) {
                ("", Some(usual)) => return Ok(usual.to_owned()),
                ("", None) => {}
                (answer, _) => return Ok(answer.to_owned()),
            }
        }
    }

    /// Yes or no; Enter, or nobody, is `usual`.
    pub(super) fn agrees(self, question: &str, usual: bool) -> Result<bool, Failure> {
        if !self.is_possible {
            return Ok(usual);
        }
        let shown = if usual { "Y/n" } else { "y/N" };
        loop {
            match answer(&format!("{question} [{shown}] "))?.to_ascii_lowercase().as_str() {
                "" => return Ok(usual),
                "y" | "yes" => return Ok(true),
                "n" | "no" => return Ok(false),
                _ => anstream::eprintln!("Type y or n."),
            }
        }
    }

    /// One of several, by its number from 1; Enter, or nobody, is the first. Answers from 0.
    pub(super) fn choice(self, question: &str, choices: &[String]) -> Result<usize, Failure> {
        if !self.is_possible {
            return Ok(0);
        }
        let mut text = format!("{question}\n");
        for (n, choice) in choices.iter().enumerate() {
            text.push_str(&format!("  {}) {}\n", n + 1, render::escaped(choice)));
        }
        anstream::eprint!("{text}");
        loop {
            match answer("Number [1]: ")?.as_str() {
                "" => return Ok(0),
                written => match written.parse::<usize>() {
                    Ok(n) if (1..=choices.len()).contains(&n) => return Ok(n - 1),
                    _ => anstream::eprintln!("Type a number from 1 to {}.", choices.len()),
                },
            }
        }
    }

    /// A password, which is not shown.
    pub(super) fn password(self, question: &str) -> Result<Secret, Failure> {
        if !self.is_possible {
            return Err(missing("--password-stdin"));
        }
        loop {
            match self.password_or_nothing(question)? {
                Some(secret) => return Ok(secret),
                None => anstream::eprintln!("It is empty."),
            }
        }
    }

    /// The same; Enter alone is nothing.
    pub(super) fn password_or_nothing(self, question: &str) -> Result<Option<Secret>, Failure> {
        let typed = hidden::ask(&format!("{question} (not shown): "))
            .map_err(|error| Failure::new("the password cannot be asked for").because(error))?;
        // Google and Apple show theirs in groups, and a copied one has a space at its end.
        let trimmed = typed.trim();
        Ok((!trimmed.is_empty()).then(|| Secret::new(trimmed.to_owned(), Kind::Password)))
    }
}

fn answer(prompt: &str) -> Result<String, Failure> {
    anstream::eprint!("{prompt}");
    let flushed = std::io::stderr().flush();
    let mut line = String::new();
    match flushed.and_then(|()| std::io::stdin().read_line(&mut line)) {
        Ok(0) => Err(Failure::new("nobody answers any more; nothing was written")),
        Ok(_) => Ok(line.trim().to_owned()),
        Err(error) => Err(Failure::new("cannot read the answer").because(error)),
    }
}

fn missing(flag: &str) -> Failure {
    Failure::usage(format!("`{flag}` is missing, and nobody is there to be asked"))
        .hint("give it, or run `acewatch init` on a terminal and without --yes")
}
