//! What went wrong, for a person: the only place that knows prefixes, hints and exit codes.

use std::fmt::Write;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::store;

/// It failed.
pub const FAILED: u8 = 1;
/// The command line or the configuration is wrong.
pub const USAGE: u8 = 2;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// A command that failed: exit code 1.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure { code: FAILED, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// A command line that cannot be carried out: exit code 2.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { code: USAGE, ..Failure::new(message) }
    }

    /// A configuration that cannot be used: exit code 2.
    pub fn configuration(message: impl Into<String>, cause: impl std::error::Error) -> Failure {
        Failure::usage(message).because(cause)
    }

    /// An exit code that is itself the answer, with everything said already.
    pub fn silent(code: u8) -> Failure {
        Failure { code, ..Failure::new("") }
    }

    /// Adds an error and its sources.
    #[must_use]
    pub fn because(mut self, error: impl std::error::Error) -> Failure {
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            self.causes.push(error.to_string());
            cause = error.source();
        }
        self
    }

    /// Adds what a person can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hints.push(hint.into());
        self
    }

    /// Says what went wrong on standard error, and gives the exit code.
    pub fn report(&self) -> ExitCode {
        if !self.message.is_empty() {
            anstream::eprint!("{}", self.text());
        }
        ExitCode::from(self.code)
    }

    /// All of it in a line, for a log.
    pub(crate) fn line(&self) -> String {
        let mut line = self.message.clone();
        for cause in &self.causes {
            let _ = write!(line, ": {cause}");
        }
        for hint in self.hints.iter().filter(|hint| !hint.is_empty()) {
            let _ = write!(line, "; hint: {hint}");
        }
        super::render::escaped(&line)
    }

    fn text(&self) -> String {
        let mut text = format!("error: {}\n", super::render::escaped_lines(&self.message));
        for cause in &self.causes {
            let _ = writeln!(text, "  caused by: {}", super::render::escaped_lines(cause));
        }
        for hint in &self.hints {
            let _ = write!(text, "\nhint: {}\n", super::render::escaped_lines(hint));
        }
        text
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        let hint = error.hint().to_owned();
        let failure = Failure::configuration("the configuration cannot be used", error);
        if hint.is_empty() { failure } else { failure.hint(hint) }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Failure {
        let hint = error.hint();
        let failure = match error {
            store::Error::Newer { .. } | store::Error::Foreign(_) => {
                Failure::usage(error.to_string())
            }
            _ => Failure::new("cannot use the database").because(error),
        };
        failure.hint(hint)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        let of_database = error
            .chain()
            .find_map(|cause| cause.downcast_ref::<store::Error>())
            .map(store::Error::hint);
        let mut chain = error.chain();
        let message = chain.next().map(ToString::to_string).unwrap_or_default();
        let mut failure = Failure::new(message);
        failure.causes = chain.map(ToString::to_string).collect();
        failure.hints.extend(of_database.map(str::to_owned));
        failure
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        match error.kind() {
            // A reader that has seen enough, such as `head`, is no failure.
            std::io::ErrorKind::BrokenPipe => Failure::silent(0),
            _ => Failure::new("cannot write the output").because(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_reads_from_what_to_why_to_what_to_do() {
        let error = std::io::Error::other("permission denied");
        let failure =
            Failure::new("cannot read apps.csv").because(error).hint("check the file's mode");
        assert_eq!(
            failure.text(),
            "error: cannot read apps.csv\n  caused by: permission denied\n\nhint: check the file's mode\n"
        );
    }

    #[test]
    fn control_characters_of_others_never_reach_the_terminal() {
        assert!(!Failure::new("NO \u{1b}[31mred").text().contains('\u{1b}'));
    }
}
