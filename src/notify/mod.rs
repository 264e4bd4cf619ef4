//! Notices: what acewatch says to a person, and the ways it is carried there.
//!
//! A notice is made from an alert, which is a row in the database and outlives every attempt to
//! deliver it. This module therefore keeps nothing that must survive: it carries one notice, within
//! a bounded time, and answers whether it arrived. Trying again is the outbox's work.
//!
//! The words of a notice come in part from mails, and mails are hostile. Whatever leaves here has no
//! control characters, no marks that turn the direction of text round, and a bounded length.

pub mod channel;
mod command;
pub mod desktop;
mod mail;
pub mod open;
mod webhook;

pub use desktop::Desktop;

pub use crate::domain::alert::Urgency;
use crate::domain::notice::NoticeId;

/// One thing to tell a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notice {
    /// The alert's identity; a notice with the key of an earlier one replaces it.
    pub key: String,
    /// How much the notice may disturb.
    pub urgency: Urgency,
    /// One line that stands alone.
    pub title: String,
    /// Plain text below the title; line breaks are kept, markup is not interpreted.
    pub body: String,
    /// The notice on the screen that this one replaces.
    pub replaces: Option<NoticeId>,
    /// The buttons below it, where the server has them.
    pub buttons: Vec<desktop::Button>,
}

/// Why a notice was not delivered.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotifyError {
    /// Nobody is logged in to a desktop, or its bus cannot be reached from here.
    #[error("no session bus can be reached")]
    NoSessionBus,
    /// The bus is there, but nothing on it shows notices.
    #[error("no notification server answers on the session bus")]
    NoServer,
    /// The server took the notice and did not answer within the limit.
    #[error("the notification server did not answer in time")]
    TimedOut,
    /// The server answered with an error, given as it worded it.
    #[error("the notification server refused: {0}")]
    Refused(String),
}

/// Returns `text` as one line of at most `limit` characters that is safe to show.
pub fn safe_line(text: &str, limit: usize) -> String {
    let words: Vec<&str> =
        text.split(is_unsafe_space).map(str::trim).filter(|word| !word.is_empty()).collect();
    shortened(words.join(" ").chars().filter(|&character| !is_deceptive(character)), limit)
}

/// Returns `text` with its line breaks, at most `limit` characters long and safe to show.
pub fn safe_text(text: &str, limit: usize) -> String {
    let characters = text
        .trim()
        .chars()
        .map(|character| if character == '\t' { ' ' } else { character })
        .filter(|&character| character == '\n' || !is_deceptive(character));
    shortened(characters, limit)
}

/// Characters that end a line or jump within it; in a single line each is a space.
fn is_unsafe_space(character: char) -> bool {
    matches!(character, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Characters that are not seen and change how others are: C0 and C1 controls, and the marks that
/// override the direction of text (UAX #9), with which "gpj.exe" reads as "exe.jpg".
fn is_deceptive(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// Keeps the first `limit` characters; an ellipsis in the last place says that there were more.
fn shortened(characters: impl Iterator<Item = char>, limit: usize) -> String {
    let mut characters = characters.fuse();
    let mut kept: String = characters.by_ref().take(limit).collect();
    if characters.next().is_some() && kept.pop().is_some() {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_line(text: &str, expected: &str) {
        assert_eq!(safe_line(text, 20), expected, "{text:?}");
    }

    fn check_text(text: &str, expected: &str) {
        assert_eq!(safe_text(text, 20), expected, "{text:?}");
    }

    #[test]
    fn a_title_is_one_line_without_controls() {
        check_line("Acme Imports LLC", "Acme Imports LLC");
        check_line("Acme\r\n Imports\tLLC\n", "Acme Imports LLC");
        check_line("Ac\0me \u{1b}[31mred\u{9b}0m", "Acme [31mred0m");
        check_line("a\u{202e}cba\u{2066}", "acba");
        check_line("\n\t ", "");
    }

    #[test]
    fn a_body_keeps_its_lines() {
        check_text("one\ntwo\r\n\u{7}three\n", "one\ntwo\nthree");
        check_text("a\tb\u{2029}c", "a bc");
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis_and_stays_within_the_limit() {
        check_text("12345678901234567890", "12345678901234567890");
        check_text("123456789012345678901", "1234567890123456789…");
        check_line(&"ä".repeat(40), &format!("{}…", "ä".repeat(19)));
        assert_eq!(safe_text("abc", 0), "");
    }

    #[test]
    fn errors_are_fragments() {
        for error in [
            NotifyError::NoSessionBus,
            NotifyError::NoServer,
            NotifyError::TimedOut,
            NotifyError::Refused("quota".to_owned()),
        ] {
            let shown = error.to_string();
            assert!(shown.starts_with(char::is_lowercase) && !shown.ends_with('.'), "{shown}");
        }
    }
}
