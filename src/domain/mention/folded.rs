//! A text made ready for the search: one byte for each visible character, the way back to the
//! original's bytes, and web and mail addresses hidden, whose digits are never importer numbers.

use crate::domain::importer::folding::{LONG_DASH, OTHER_LETTER, OTHER_SIGN, fold, is_invisible};

/// A text with one byte per visible character, so that a search can step back and forth freely.
pub(super) struct Folded {
    pub(super) bytes: Vec<u8>,
    /// Where the original's offsets stop running in step: (index in `bytes`, byte in the text).
    /// Sparse, because most mail is ASCII and a hostile one may be large.
    anchors: Vec<(usize, usize)>,
}

impl Folded {
    pub(super) fn of(text: &str) -> Self {
        let mut folded = Self { bytes: Vec::with_capacity(text.len()), anchors: Vec::new() };
        let mut in_step = true;
        for (at, char) in text.char_indices() {
            if is_invisible(char) {
                in_step = false;
                continue;
            }
            if !in_step {
                folded.anchors.push((folded.bytes.len(), at));
            }
            folded.bytes.push(fold(char));
            in_step = char.len_utf8() == 1;
        }
        folded
    }

    /// The byte of the original text at which the character at `at` begins.
    pub(super) fn original(&self, at: usize) -> usize {
        let anchor = self.anchors.partition_point(|(index, _)| *index <= at).checked_sub(1);
        match anchor.and_then(|anchor| self.anchors.get(anchor)) {
            Some((index, byte)) => byte + (at - index),
            None => at,
        }
    }

    /// The byte of the original text after the character before `end`.
    pub(super) fn original_end(&self, text: &str, end: usize) -> usize {
        let last = self.original(end.saturating_sub(1));
        let length =
            text.get(last..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        last + length
    }

    pub(super) fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The byte `back` places before `at`.
    pub(super) fn before(&self, at: usize, back: usize) -> Option<u8> {
        at.checked_sub(back).and_then(|at| self.byte(at))
    }

    pub(super) fn is_digit(&self, at: usize) -> bool {
        self.byte(at).is_some_and(|byte| byte.is_ascii_digit())
    }

    pub(super) fn is_word(&self, at: usize) -> bool {
        self.byte(at).is_some_and(is_word)
    }

    /// How many letters, digits and underscores follow from `at`.
    pub(super) fn run(&self, at: usize) -> usize {
        self.rest(at).iter().take_while(|byte| is_word(**byte)).count()
    }

    /// How many digits follow from `at`, counted up to twelve: more is never of interest.
    pub(super) fn digit_run(&self, at: usize) -> usize {
        self.rest(at).iter().take(12).take_while(|byte| byte.is_ascii_digit()).count()
    }

    pub(super) fn blanks(&self, at: usize) -> usize {
        self.rest(at).iter().take(3).take_while(|byte| **byte == b' ').count()
    }

    pub(super) fn rest(&self, at: usize) -> &[u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// The word of exactly `length` letters and digits at `at`, with nothing glued to it.
    pub(super) fn word(&self, at: usize, length: usize) -> Option<&str> {
        let word = self.bytes.get(at..at + length)?;
        let whole = word.iter().all(u8::is_ascii_alphanumeric) && !self.is_word(at + length);
        whole.then(|| std::str::from_utf8(word).ok()).flatten()
    }

    pub(super) fn digits(&self, at: usize, length: usize) -> Option<&str> {
        self.word(at, length).filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// What separates two groups of one number: (length, whether it is an unspaced dash).
    pub(super) fn separator(&self, at: usize) -> Option<(usize, bool)> {
        match (self.byte(at)?, self.byte(at + 1), self.byte(at + 2)) {
            (b'-' | LONG_DASH, Some(b' '), _) => Some((2, false)),
            (b'-' | LONG_DASH, ..) => Some((1, true)),
            (b' ', Some(b'-' | LONG_DASH), Some(b' ')) => Some((3, false)),
            (b' ', Some(b'-' | LONG_DASH), _) => Some((2, false)),
            (b' ', ..) => Some((1, false)),
            _ => None,
        }
    }

    /// Hides web and mail addresses, whose digits are never importer numbers.
    ///
    /// Each walk to the left stops at the sign that starts the next one, so that the whole stays
    /// linear.
    pub(super) fn hide_addresses(&mut self) {
        let mut at = 0;
        let mut hidden = 0;
        while at < self.bytes.len() {
            let span = match self.byte(at) {
                Some(b'@') => self.mail_address(at, hidden),
                Some(b':') if self.rest(at).starts_with(b"://") => {
                    Some((self.back_while(at, hidden, is_host), self.address_end(at)))
                }
                Some(b'/') => self.bare_address(at, hidden),
                Some(b'w' | b'W')
                    if !at.checked_sub(1).is_some_and(|at| self.is_word(at))
                        && self
                            .rest(at)
                            .get(..4)
                            .is_some_and(|w| w.eq_ignore_ascii_case(b"www.")) =>
                {
                    Some((at, self.address_end(at)))
                }
                _ => None,
            };
            match span {
                Some((start, end)) => {
                    if let Some(bytes) = self.bytes.get_mut(start..end) {
                        bytes.fill(OTHER_SIGN);
                    }
                    at = end.max(at + 1);
                    hidden = at;
                }
                None => at += 1,
            }
        }
    }

    fn mail_address(&self, at: usize, floor: usize) -> Option<(usize, usize)> {
        let start = self
            .back_while(at, floor, |byte| is_word(byte) || b".!#$%&'*+-/=?^`{|}~".contains(&byte));
        let host = self.rest(at + 1).iter().take_while(|byte| is_host(**byte)).count();
        let end = at + 1 + host;
        // `mailto:` links carry a subject.
        let end = if self.byte(end) == Some(b'?') { self.address_end(end) } else { end };
        (start < at && host > 0).then_some((start, end))
    }

    /// A host name and a path without a scheme, `ace.example.gov/s/123456789`.
    fn bare_address(&self, at: usize, floor: usize) -> Option<(usize, usize)> {
        let start = self.back_while(at, floor, is_host);
        let host = self.bytes.get(start..at)?;
        let dot = host.iter().rposition(|byte| *byte == b'.')?;
        let top = host.get(dot + 1..)?;
        // Lower case only: "Acme Co.Ltd/12-3456789" is a company, not a host.
        let is_address = dot > 0 && top.len() > 1 && top.iter().all(u8::is_ascii_lowercase);
        is_address.then(|| (start, self.address_end(at)))
    }

    fn back_while(&self, at: usize, floor: usize, fits: impl Fn(u8) -> bool) -> usize {
        let before = self.bytes.get(floor..at).unwrap_or_default();
        at - before.iter().rev().take_while(|byte| fits(**byte)).count()
    }

    fn address_end(&self, at: usize) -> usize {
        let ends = |byte: &&u8| !matches!(**byte, b' ' | b'\n' | b'<' | b'>' | b'"');
        at + self.rest(at).iter().take_while(ends).count()
    }
}

pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == OTHER_LETTER
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
}
