//! The search for a number at one place of a text: its groups, its suffix, and what around it
//! makes the digits an importer number or part of something else.

use super::Shape;
use super::folded::{Folded, is_word};
use crate::domain::importer::folding::{LONG_DASH, OTHER_LETTER};
use crate::domain::importer::label::{Kind, Label, label_of};
use crate::domain::importer::{all_digits, cbp_assigned, dashed_ein, ein, ssn};

/// A number found in a folded text.
pub(super) struct Seen {
    pub(super) shape: Shape,
    pub(super) end: usize,
    pub(super) labelled: bool,
    pub(super) dashed: bool,
}

/// Digits at one place before label and neighbours were looked at.
struct Core {
    kind: Option<Kind>,
    digits: String,
    end: usize,
    dashed: bool,
    /// Grouped by blanks, which makes its neighbours across a blank matter too.
    blank: bool,
}

impl Folded {
    /// The importer number that begins at `at`, if there is one.
    pub(super) fn number_at(&self, at: usize) -> Option<Seen> {
        let core = self.core(at)?;
        let before = self.label_before(at);
        let is_introduced = matches!(before, Some(Label::Kind(_) | Label::Importer));
        let is_believed =
            core.dashed && (core.digits.len() == 11 || before != Some(Label::Foreign));
        if before.is_some() && !is_introduced && !is_believed {
            return None;
        }
        let label = if is_introduced { before } else { self.label_after(core.end) };
        let labelled = label.is_some();
        let suffixed = match core.kind {
            Some(Kind::Ein) => self.suffix_after(core.end, true),
            None if core.digits.len() == 9 && label != Some(Label::Kind(Kind::Ssn)) => {
                self.suffix_after(core.end, labelled)
            }
            _ => None,
        };
        let (run, end) = match suffixed {
            Some((suffix, end)) if core.digits.len() == 9 => (core.digits + &suffix, end),
            _ => (core.digits, core.end),
        };
        let grouped = core.kind.is_some() || end > core.end;
        let shape = shape(&run, core.kind.or(grouped.then_some(Kind::Ein)), label)?;
        let is_suffixed = matches!(shape, Shape::EinWithSuffix(_));
        let stands_free = (is_introduced || self.begins_well(at, core.dashed, is_suffixed))
            && self.ends_well(end, core.dashed)
            && !(core.blank && self.is_among_numbers(at, end));
        stands_free.then_some(Seen { shape, end, labelled, dashed: core.dashed })
    }

    /// The digits at `at` by their grouping, a glued suffix included.
    fn core(&self, at: usize) -> Option<Core> {
        // The separator and the group after it, for a first group of `length`.
        let next = |at: usize, length: usize| {
            let (gap, dashed) = self.separator(at + length)?;
            Some((at + length + gap, dashed, self.byte(at + length) == Some(b' ') && gap == 1))
        };
        match self.run(at).min(12) {
            2 => {
                let prefix = self.digits(at, 2)?;
                let (second, dashed, blank) = next(at, 2)?;
                let rest = self.digits(second, 7).or_else(|| self.word(second, 9))?;
                let core = (prefix.to_owned() + rest, second + rest.len());
                Some(Core { kind: Some(Kind::Ein), digits: core.0, end: core.1, dashed, blank })
            }
            3 => {
                let area = self.digits(at, 3)?;
                let (second, first_dashed, first_blank) = next(at, 3)?;
                let group = self.digits(second, 2)?;
                let (third, last_dashed, last_blank) = next(second, 2)?;
                let serial = self.digits(third, 4)?;
                Some(Core {
                    kind: Some(Kind::Ssn),
                    digits: [area, group, serial].concat(),
                    end: third + 4,
                    dashed: first_dashed && last_dashed,
                    blank: first_blank || last_blank,
                })
            }
            6 => {
                let office = self.word(at, 6)?;
                let (second, dashed, blank) = next(at, 6)?;
                let serial = self.digits(second, 5)?;
                Some(Core {
                    kind: Some(Kind::CbpAssigned),
                    digits: office.to_owned() + serial,
                    end: second + 5,
                    dashed,
                    blank,
                })
            }
            length @ (9 | 11) => {
                let run = self.word(at, length)?;
                let digits = run.to_owned();
                Some(Core { kind: None, digits, end: at + length, dashed: false, blank: false })
            }
            _ => None,
        }
    }

    /// The suffix written apart from an EIN that ends at `end`, and where it ends.
    ///
    /// Nine bare digits without a label are not certain to be an EIN and take only `00` across a
    /// blank.
    fn suffix_after(&self, end: usize, is_certain: bool) -> Option<(String, usize)> {
        self.named_suffix(end).or_else(|| {
            let blanks = self.blanks(end);
            let sign = self.byte(end + blanks)?;
            let after = end + blanks + 1;
            let gap = self.blanks(after);
            let tight = blanks == 0 && gap == 0;
            match sign {
                b'(' => {
                    let (suffix, at) = self.pair(after + gap, false)?;
                    let close = at + self.blanks(at);
                    (self.byte(close) == Some(b')')).then_some((suffix, close + 1))
                }
                b'-' | LONG_DASH | b'/' | b'+' if tight => {
                    self.pair(after, sign == b'-').filter(|(_, at)| self.ends_well(*at, true))
                }
                b'-' | LONG_DASH | b'/' | b'+' => {
                    self.pair(after + gap, false).filter(|pair| self.ends_clause(pair, is_certain))
                }
                _ if blanks > 0 => {
                    let pair = self.pair(end + blanks, false);
                    pair.filter(|pair| self.ends_clause(pair, is_certain))
                }
                _ => None,
            }
        })
    }

    /// A suffix introduced by its name: `, suffix 00`, `(suffix: 00)`, `with suffix A1`.
    fn named_suffix(&self, end: usize) -> Option<(String, usize)> {
        let is_gap = |byte: &u8| b" \n,;(:=#\"'".contains(byte);
        let skip = |at: usize| at + self.rest(at).iter().take(4).take_while(|b| is_gap(b)).count();
        let takes = |at: usize, word: &str| {
            let found = self.word(at, word.len())?.eq_ignore_ascii_case(word);
            found.then(|| skip(at + word.len()))
        };
        let first = skip(end);
        if first == end {
            return None;
        }
        let at = ["with", "and"].iter().find_map(|word| takes(first, word)).unwrap_or(first);
        let at = takes(at, "suffix").or_else(|| takes(at, "sfx"))?;
        let at =
            ["is", "no", "code", "number"].iter().find_map(|word| takes(at, word)).unwrap_or(at);
        let (suffix, after) = self.pair(at, true)?;
        let opened = self.bytes.get(end..at).unwrap_or_default().contains(&b'(');
        match self.byte(after) {
            Some(b')') if opened => Some((suffix, after + 1)),
            _ => self.ends_well(after, true).then_some((suffix, after)),
        }
    }

    /// Two characters that can be a suffix; two letters only where `letters` allows them.
    fn pair(&self, at: usize, letters: bool) -> Option<(String, usize)> {
        let pair = self.word(at, 2)?;
        let has_digit = pair.bytes().any(|byte| byte.is_ascii_digit());
        let is_upper = pair.bytes().all(|byte| byte.is_ascii_uppercase());
        let fits = has_digit || (letters && is_upper);
        let used = !pair.to_ascii_uppercase().contains(['O', 'I', 'Z']);
        (fits && used).then(|| (pair.to_owned(), at + 2))
    }

    /// Whether a suffix set off by blanks is one, and not the first word of what follows.
    fn ends_clause(&self, (suffix, end): &(String, usize), is_certain: bool) -> bool {
        if suffix == "00" {
            return self.ends_well(*end, true);
        }
        let blanks = self.blanks(*end);
        let next = self.byte(end + blanks);
        let follows_digit = |at: usize| self.is_digit(at + self.blanks(at));
        is_certain
            && match next {
                None | Some(b'\n') => true,
                Some(b',' | b';' | b'.' | b')' | b']' | b'"' | b'!' | b'?' | b':') => {
                    blanks == 0 && !self.is_digit(end + 1)
                }
                Some(b'-' | LONG_DASH | b'|') => blanks > 0 && !follows_digit(end + blanks + 1),
                Some(_) => false,
            }
    }

    /// Whether nothing before `at` makes the digits part of something larger.
    fn begins_well(&self, at: usize, dashed: bool, is_suffixed: bool) -> bool {
        let further = self.before(at, 2);
        let after_digit = further.is_some_and(|byte| byte.is_ascii_digit());
        let after_word = further.is_some_and(is_word);
        match self.before(at, 1) {
            None => true,
            Some(byte) if is_word(byte) => false,
            Some(b'$' | b'+' | b'@' | b'\\' | b'%') => false,
            // "Acme Imports LLC-12-345678900", but not "CASE-12-3456789".
            Some(b'-') => !after_word || (dashed && is_suffixed && !after_digit),
            Some(LONG_DASH | b'.') => !after_digit,
            Some(b':') => dashed || !after_digit,
            Some(b'/') => !after_word || dashed,
            Some(b'#') => further != Some(b'&'),
            Some(b',') => dashed || !self.is_short_group_before(at - 1),
            Some(_) => true,
        }
    }

    /// Whether nothing after `end` makes the digits part of something larger.
    fn ends_well(&self, end: usize, dashed: bool) -> bool {
        let next = self.byte(end + 1);
        let then_digit = next.is_some_and(|byte| byte.is_ascii_digit());
        let then_word = next.is_some_and(is_word);
        match self.byte(end) {
            None => true,
            Some(byte) if is_word(byte) => false,
            Some(b'@' | b'%' | b'\\') => false,
            Some(b'$' | b'=' | b'+') => dashed,
            // "12-345678900-Acme Imports", but not "12-3456789-1".
            Some(b'-') => !then_word || (dashed && self.letters(end + 1) >= 3),
            Some(LONG_DASH | b':') => !then_digit,
            // A decimal, a file name or a host name; a sentence begins with a capital.
            Some(b'.') => !then_digit && !next.is_some_and(|byte| byte.is_ascii_lowercase()),
            Some(b'/') => dashed || !then_word,
            Some(b',') => dashed || !(1..=3).contains(&self.digit_run(end + 1)),
            Some(_) => true,
        }
    }

    fn letters(&self, at: usize) -> usize {
        self.rest(at)
            .iter()
            .take(3)
            .take_while(|b| b.is_ascii_alphabetic() || **b == OTHER_LETTER)
            .count()
    }

    /// Whether one to three digits end at `at`: the first group of an amount like `1,234`.
    fn is_short_group_before(&self, at: usize) -> bool {
        let before = self.bytes.get(at.saturating_sub(4)..at).unwrap_or_default();
        (1..=3).contains(&before.iter().rev().take_while(|byte| byte.is_ascii_digit()).count())
    }

    /// Whether another number stands on either side, as in `+49 12 3456789`.
    fn is_among_numbers(&self, at: usize, end: usize) -> bool {
        let before = self.bytes.get(at.saturating_sub(3)..at).unwrap_or_default();
        let last = before.iter().rev().find(|byte| **byte != b' ');
        last.is_some_and(|byte| byte.is_ascii_digit() || *byte == b'+')
            && self.before(at, 1) == Some(b' ')
            || self.blanks(end) > 0 && self.is_digit(end + self.blanks(end))
    }

    /// What the words before `at` call the digits there.
    ///
    /// A label may stand at the end of the line above, where mail programs wrap.
    fn label_before(&self, at: usize) -> Option<Label> {
        const REACH: usize = 64;
        let window = self.bytes.get(at.saturating_sub(REACH)..at)?;
        let mut words: Vec<String> = vec![String::new()];
        let mut n_breaks = 0;
        for byte in window.iter().rev() {
            match byte {
                b'\n' if n_breaks == 1 => break,
                b'\n' => n_breaks += 1,
                b'#' | b',' | b';' | b'!' | b'?' => {
                    words.extend([char::from(*byte).to_string(), String::new()]);
                    continue;
                }
                _ => {}
            }
            match words.last_mut() {
                Some(word) if is_word(*byte) => {
                    word.insert(0, char::from(byte.to_ascii_uppercase()));
                }
                Some(word) if !word.is_empty() => words.push(String::new()),
                _ => {}
            }
        }
        words.retain(|word| !word.is_empty());
        words.reverse();
        label_of(&words)
    }

    /// A label in parentheses after the digits, as CBP writes it: `IR# 12-3456789 (EIN)`.
    fn label_after(&self, end: usize) -> Option<Label> {
        let open = end + self.blanks(end);
        if self.byte(open) != Some(b'(') {
            return None;
        }
        let length = self.run(open + 1).min(5);
        let word = self.word(open + 1, length)?;
        if self.byte(open + 1 + length) != Some(b')') {
            return None;
        }
        match word.to_ascii_uppercase().as_str() {
            "EIN" | "FEIN" | "IRS" => Some(Label::Kind(Kind::Ein)),
            "SSN" => Some(Label::Kind(Kind::Ssn)),
            "CAN" | "CAIN" => Some(Label::Kind(Kind::CbpAssigned)),
            "IOR" => Some(Label::Importer),
            _ => None,
        }
    }
}

/// What a run of characters is, given its grouping and its label; the grouping counts for more.
fn shape(run: &str, grouping: Option<Kind>, label: Option<Label>) -> Option<Shape> {
    let named = match label {
        Some(Label::Kind(kind)) => Some(kind),
        _ => None,
    };
    // Office and suffix hold capitals; "12-3456789th" or "25abcd12345" is no number in a text,
    // but "12-3456789a1" is.
    let is_capital = !run.bytes().any(|byte| byte.is_ascii_lowercase());
    match (grouping.or(named), run.len()) {
        (Some(Kind::Ein), 9) if grouping.is_some() || all_digits(run).is_ok() => {
            Some(Shape::EinWithoutSuffix(dashed_ein(run)))
        }
        (Some(Kind::Ein), 11) => ein(run).ok().map(Shape::EinWithSuffix),
        (Some(Kind::Ssn), 9) => ssn(run).ok().map(Shape::Ssn),
        (Some(Kind::CbpAssigned), 11) if is_capital => {
            cbp_assigned(run).ok().map(Shape::CbpAssigned)
        }
        (None, 9) if all_digits(run).is_ok() => Some(Shape::Bare9(run.to_owned())),
        (None, 11) if is_capital && (ein(run).is_ok() || cbp_assigned(run).is_ok()) => {
            Some(Shape::Bare11(run.to_owned()))
        }
        _ => None,
    }
}
