//! Words of the commands that a person is told to type, as a shell and the program take them.

/// A text in quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// The last argument of a command, without quotes where it needs none.
#[must_use]
pub fn argument(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@._+-:".contains(c);
    let word = match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => quoted(text),
    };
    // It would be read as an option.
    if text.starts_with('-') { format!("-- {word}") } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_reaches_the_program_as_it_is() {
        for (text, expected) in [
            ("office", "office"),
            ("ops+ace@broker.example", "ops+ace@broker.example"),
            ("the office", "'the office'"),
            ("Dana's", r"'Dana'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
            ("-x", "-- -x"),
            ("-x y", "-- '-x y'"),
            ("", "''"),
        ] {
            assert_eq!(argument(text), expected);
        }
    }
}
