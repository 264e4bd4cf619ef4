//! Importer numbers as they turn up in a text.
//!
//! Without their dashes the three kinds of number ([`ImporterNumber`]) cannot be told apart, and a
//! bare run of digits proves nothing by itself. So what stands in a text is only a [`Mention`]: it
//! lists its [`Reading`]s, and whoever knows the registered numbers decides.

mod folded;

use std::fmt;

use super::importer::folding::{LONG_DASH, OTHER_LETTER};
use super::importer::label::{Kind, Label, label_of};
use super::importer::{
    ImporterNumber, all_digits, cbp_assigned, dashed_ein, ein, last_four, ssn,
};
use folded::{Folded, is_word};

/// Digits seen in a text that may be an importer number.
///
/// `Debug` hides all but the last four characters of what may be an SSN.
#[derive(Clone, Eq, PartialEq)]
pub struct Mention {
    /// The characters as written, suffix included, label not.
    pub text: String,
    /// What the digits look like.
    pub shape: Shape,
    /// First byte in the text that was searched.
    pub start: usize,
    /// First byte after it in the text that was searched.
    pub end: usize,
    /// Whether a word like EIN, SSN or `IR#` says what the digits are.
    pub labelled: bool,
    /// Whether it is grouped by unspaced dashes as one of the canonical forms is.
    pub dashed: bool,
}

/// What the digits of a [`Mention`] look like.
#[derive(Clone, Eq, PartialEq)]
pub enum Shape {
    /// An EIN with its suffix.
    EinWithSuffix(ImporterNumber),
    /// An EIN alone, written `12-3456789`.
    EinWithoutSuffix(String),
    /// A social security number.
    Ssn(ImporterNumber),
    /// A CBP-assigned number.
    CbpAssigned(ImporterNumber),
    /// Nine digits that nothing tells apart: an EIN or an SSN.
    Bare9(String),
    /// Eleven characters that nothing tells apart: an EIN with its suffix or a CBP-assigned number.
    Bare11(String),
}

/// One number, or group of numbers, that a [`Mention`] may stand for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reading {
    /// Exactly this number.
    Exact(ImporterNumber),
    /// Some number with this EIN (`12-3456789`): the text does not say which suffix.
    Family(String),
}

impl Reading {
    /// Whether the reading stands, or may stand, for `number`.
    pub fn covers(&self, number: &ImporterNumber) -> bool {
        match self {
            Self::Exact(read) => read == number,
            Self::Family(ein) => number.ein() == Some(ein),
        }
    }

    /// The reading as it may be shown: a family as its EIN, an SSN masked.
    pub fn masked(&self) -> String {
        match self {
            Self::Exact(number) => number.masked(),
            Self::Family(ein) => ein.clone(),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(number) => number.fmt(f),
            Self::Family(ein) => f.pad(ein),
        }
    }
}

impl Mention {
    /// Whether the text itself shows that this is meant as an importer number.
    ///
    /// Anything else (bare digits, digits grouped by blanks) counts only if a reading of it is
    /// registered.
    pub fn is_well_shaped(&self) -> bool {
        self.dashed || self.labelled
    }

    /// Every number this may stand for, the likeliest first; never empty.
    pub fn readings(&self) -> Vec<Reading> {
        match &self.shape {
            Shape::EinWithSuffix(number) | Shape::Ssn(number) | Shape::CbpAssigned(number) => {
                vec![Reading::Exact(number.clone())]
            }
            Shape::EinWithoutSuffix(ein) => vec![Reading::Family(ein.clone())],
            Shape::Bare9(digits) => std::iter::once(Reading::Family(dashed_ein(digits)))
                .chain(ssn(digits).ok().map(Reading::Exact))
                .collect(),
            Shape::Bare11(run) => [ein(run), cbp_assigned(run)]
                .into_iter()
                .flatten()
                .map(Reading::Exact)
                .collect(),
        }
    }

    /// The numbers it may stand for, where an EIN without suffix stands for its `00` alone.
    ///
    /// For a search among registered numbers use [`Mention::readings`]: a bare EIN may mean any
    /// suffix that is registered.
    pub fn candidates(&self) -> Vec<ImporterNumber> {
        self.readings()
            .into_iter()
            .filter_map(|reading| match reading {
                Reading::Exact(number) => Some(number),
                Reading::Family(family) => ein(&family.replace('-', "")).ok(),
            })
            .collect()
    }
}

impl fmt::Debug for Mention {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mention")
            .field("shape", &self.shape)
            .field("bytes", &(self.start..self.end))
            .field("labelled", &self.labelled)
            .field("dashed", &self.dashed)
            .finish()
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EinWithSuffix(number) => write!(f, "EinWithSuffix({number:?})"),
            Self::EinWithoutSuffix(ein) => write!(f, "EinWithoutSuffix({ein})"),
            Self::Ssn(number) => write!(f, "Ssn({number:?})"),
            Self::CbpAssigned(number) => write!(f, "CbpAssigned({number:?})"),
            Self::Bare9(digits) => write!(f, "Bare9(*****{})", last_four(digits)),
            Self::Bare11(run) => write!(f, "Bare11({run})"),
        }
    }
}

/// Finds every group of digits that may be an importer number, in order and without overlap.
///
/// Not counted: digits inside a web or mail address; digits with a letter, digit or underscore on
/// either side; parts of longer dashed groups (telephone, entry and ticket numbers, UUIDs, dates,
/// ZIP+4); amounts; and digits that a word before them names as something else (DUNS, telephone,
/// tracking number, for bare digits also entry, bond, case, invoice and the like).
///
/// A suffix may follow an EIN directly, after a dash, slash, plus sign, in parentheses, after the
/// word "suffix", or after a blank. An ordinary number may follow after a blank too ("12-3456789
/// 10 days"), therefore a suffix set off by blanks must contain a digit, and unless it is `00` it
/// must end its clause: the end of the text or line, closing punctuation or a spaced dash follows.
/// A suffix of two letters is taken only when glued or dashed on, or after the word "suffix",
/// because "(TX)" is a state.
///
/// Takes time linear in the length of the text.
pub fn mentions(text: &str) -> Vec<Mention> {
    let mut folded = Folded::of(text);
    folded.hide_addresses();
    let mut found = Vec::new();
    let mut at = 0;
    while at < folded.bytes.len() {
        if !folded.is_digit(at) {
            at += 1;
            continue;
        }
        match folded.number_at(at) {
            Some(seen) => {
                let start = folded.original(at);
                let end = folded.original_end(text, seen.end);
                found.push(Mention {
                    text: text.get(start..end).unwrap_or_default().to_owned(),
                    shape: seen.shape,
                    start,
                    end,
                    labelled: seen.labelled,
                    dashed: seen.dashed,
                });
                at = seen.end.max(at + 1);
            }
            // A digit in the middle of a word or number begins nothing: go on after the whole run.
            None => at += folded.run(at).max(1),
        }
    }
    found
}

/// Replaces every social security number in a text by its mask, `***-**-6789`.
///
/// Covers dashed and labelled ones, and bare nine digits if `is_registered` knows them as an SSN.
pub fn mask_ssns(text: &str, is_registered: impl Fn(&ImporterNumber) -> bool) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut done = 0;
    for mention in mentions(text) {
        let ssn = mention
            .readings()
            .into_iter()
            .find_map(|reading| match reading {
                Reading::Exact(number) if number.is_ssn() => Some(number),
                Reading::Exact(_) | Reading::Family(_) => None,
            });
        let Some(ssn) = ssn else { continue };
        if matches!(mention.shape, Shape::Ssn(_)) || is_registered(&ssn) {
            masked.push_str(text.get(done..mention.start).unwrap_or_default());
            masked.push_str(&ssn.masked());
            done = mention.end;
        }
    }
    masked.push_str(text.get(done..).unwrap_or_default());
    masked
}

/// A number found in a folded text.
struct Seen {
    shape: Shape,
    end: usize,
    labelled: bool,
    dashed: bool,
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
    fn number_at(&self, at: usize) -> Option<Seen> {
        let core = self.core(at)?;
        let before = self.label_before(at);
        let is_introduced = matches!(before, Some(Label::Kind(_) | Label::Importer));
        let is_believed =
            core.dashed && (core.digits.len() == 11 || before != Some(Label::Foreign));
        if before.is_some() && !is_introduced && !is_believed {
            return None;
        }
        let label = if is_introduced {
            before
        } else {
            self.label_after(core.end)
        };
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
        stands_free.then_some(Seen {
            shape,
            end,
            labelled,
            dashed: core.dashed,
        })
    }

    /// The digits at `at` by their grouping, a glued suffix included.
    fn core(&self, at: usize) -> Option<Core> {
        // The separator and the group after it, for a first group of `length`.
        let next = |at: usize, length: usize| {
            let (gap, dashed) = self.separator(at + length)?;
            Some((
                at + length + gap,
                dashed,
                self.byte(at + length) == Some(b' ') && gap == 1,
            ))
        };
        match self.run(at).min(12) {
            2 => {
                let prefix = self.digits(at, 2)?;
                let (second, dashed, blank) = next(at, 2)?;
                let rest = self.digits(second, 7).or_else(|| self.word(second, 9))?;
                let core = (prefix.to_owned() + rest, second + rest.len());
                Some(Core {
                    kind: Some(Kind::Ein),
                    digits: core.0,
                    end: core.1,
                    dashed,
                    blank,
                })
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
                Some(Core {
                    kind: None,
                    digits,
                    end: at + length,
                    dashed: false,
                    blank: false,
                })
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
                b'-' | LONG_DASH | b'/' | b'+' if tight => self
                    .pair(after, sign == b'-')
                    .filter(|(_, at)| self.ends_well(*at, true)),
                b'-' | LONG_DASH | b'/' | b'+' => self
                    .pair(after + gap, false)
                    .filter(|pair| self.ends_clause(pair, is_certain)),
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
        let is_gap = |byte: &u8| b" ,;(:=#\"'".contains(byte);
        let skip = |at: usize| {
            at + self
                .rest(at)
                .iter()
                .take(4)
                .take_while(|b| is_gap(b))
                .count()
        };
        let takes = |at: usize, word: &str| {
            let found = self.word(at, word.len())?.eq_ignore_ascii_case(word);
            found.then(|| skip(at + word.len()))
        };
        let first = skip(end);
        if first == end {
            return None;
        }
        let at = ["with", "and"]
            .iter()
            .find_map(|word| takes(first, word))
            .unwrap_or(first);
        let at = takes(at, "suffix").or_else(|| takes(at, "sfx"))?;
        let at = ["is", "no", "code", "number"]
            .iter()
            .find_map(|word| takes(at, word))
            .unwrap_or(at);
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
            .take_while(|b| b.is_ascii_alphabetic() || **b == 1)
            .count()
    }

    /// Whether one to three digits end at `at`: the first group of an amount like `1,234`.
    fn is_short_group_before(&self, at: usize) -> bool {
        let before = self.bytes.get(at.saturating_sub(4)..at).unwrap_or_default();
        (1..=3).contains(
            &before
                .iter()
                .rev()
                .take_while(|byte| byte.is_ascii_digit())
                .count(),
        )
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes mentions as `[kind] reading|reading`, `!` marking the well-shaped.
    fn check(text: &str, expected: &[&str]) {
        let got: Vec<String> = mentions(text)
            .iter()
            .map(|mention| {
                assert_eq!(
                    text.get(mention.start..mention.end),
                    Some(mention.text.as_str())
                );
                let readings: Vec<String> =
                    mention.readings().iter().map(ToString::to_string).collect();
                let mark = if mention.is_well_shaped() { "!" } else { "" };
                format!("{mark}{}", readings.join("|"))
            })
            .collect();
        assert_eq!(got, expected, "{text:?}");
    }
    #[test]
    fn a_social_security_number_in_a_text_shows_only_when_displayed() {
        let ssn: ImporterNumber = "123-45-6789".parse().unwrap();
        let text = "SSN 123-45-6789, 123456789";
        let shown = format!("{:?}", mentions(text));
        assert!(!shown.contains("123-45") && !shown.contains("12345"), "{shown}");
        assert_eq!(mask_ssns(text, |_| false), "SSN ***-**-6789, 123456789");
        assert_eq!(
            mask_ssns(text, |number| *number == ssn),
            "SSN ***-**-6789, ***-**-6789"
        );
        assert_eq!(mask_ssns("EIN 12-3456789", |_| true), "EIN 12-3456789");
    }

    #[test]
    fn an_ein_without_suffix_covers_its_family() {
        let number: ImporterNumber = "12-3456789A1".parse().unwrap();
        let family = Reading::Family("12-3456789".to_owned());
        assert!(family.covers(&number) && !family.covers(&"12-345678800".parse().unwrap()));
        assert!(!family.covers(&"123-45-6789".parse().unwrap()));
    }

    #[test]
    fn dashed_and_labelled_numbers_are_well_shaped() {
        for (text, expected) in [
            ("Ridgeway Lantern Co, EIN 54-8207361", &["!54-8207361"][..]),
            ("Foods, Inc. 68-139470200", &["!68-139470200"]),
            ("LLC, 84-6602173-00", &["!84-660217300"]),
            ("Status “Snowfeather” 91–407326100", &["!91-407326100"]),
            ("LLC (47\u{2011}915036800) ended", &["!47-915036800"]),
            ("A/S, 252303-00418", &["!252303-00418"]),
            ("Number 252303-00418 is no longer", &["!252303-00418"]),
            ("IR# 12-3456789 (EIN)", &["!12-3456789"]),
            ("IR# 123-45-6789 (SSN)", &["!123-45-6789"]),
            ("IR# 252303-00418 (CAN)", &["!252303-00418"]),
            ("EIN 123456789", &["!12-3456789"]),
            ("EIN: 12345678900", &["!12-345678900"]),
            ("ein=123456789a1", &["!12-3456789A1"]),
            ("FEIN:123456789", &["!12-3456789"]),
            ("EIN12-3456789", &["!12-3456789"]),
            ("EIN123456789", &["!12-3456789"]),
            ("under EIN\r\n123456789", &["!12-3456789"]),
            ("IRS# 12345678900", &["!12-345678900"]),
            ("IOR number 12345678900", &["!12-345678900|123456-78900"]),
            ("IOR number 123456789", &["!12-3456789|123-45-6789"]),
            ("CAN # 25230300418", &["!252303-00418"]),
            ("25230300418 (CAN)", &["!252303-00418"]),
            ("SSN 123456789", &["!123-45-6789"]),
            ("SSN 912345678", &[]),
            ("EIN/SSN: 123456789", &["!12-3456789|123-45-6789"]),
            ("SSN or EIN 123456789", &["!12-3456789|123-45-6789"]),
            ("EIN:12-3456789;suffix:01", &["!12-345678901"]),
            ("EIN\t12-3456789\tsuffix\t01", &["!12-345678901"]),
            ("12-3456789 - 98-7654321", &["!12-3456789", "!98-7654321"]),
            ("(12-3456789)", &["!12-3456789"]),
            ("*12-3456789*", &["!12-3456789"]),
            ("is 12-345678900.", &["!12-345678900"]),
            ("is 12-345678900.Please", &["!12-345678900"]),
            ("Acme LLC-12-345678900", &["!12-345678900"]),
            ("Acme LLC—12-345678900", &["!12-345678900"]),
            ("Acme LLC/12-345678900", &["!12-345678900"]),
            ("12-345678900-Acme Imports", &["!12-345678900"]),
            ("12-345678900—approved", &["!12-345678900"]),
            ("12-3456789,98-7654321", &["!12-3456789", "!98-7654321"]),
            ("12-3456789/98-7654321", &["!12-3456789", "!98-7654321"]),
            ("12-3456789ab", &["!12-3456789AB"]),
            ("case 12-345678900", &["!12-345678900"]),
            ("１２－３４５６７８９００", &["!12-345678900"]),
            ("1\u{200b}2-34\u{ad}5678\u{2060}900", &["!12-345678900"]),
            (
                "é 12-3456789 é 98-7654321 é",
                &["!12-3456789", "!98-7654321"],
            ),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn bare_or_blank_separated_digits_are_only_possible_numbers() {
        for (text, expected) in [
            (
                "RIDGEWAY LANTERN CO (54820736100)",
                &["54-820736100|548207-36100"][..],
            ),
            ("123456789", &["12-3456789|123-45-6789"]),
            ("912345678", &["91-2345678"]),
            ("123456789A1", &["12-3456789A1"]),
            ("25AB0300418", &["25AB03-00418"]),
            ("123456789a1", &[]),
            ("123456789O1", &[]),
            ("12 3456789", &["12-3456789"]),
            ("12 3456789 00", &["12-345678900"]),
            ("12 - 3456789", &["12-3456789"]),
            ("123 45 6789", &["123-45-6789"]),
            ("123456789-01", &["12-345678901"]),
            ("123456789 00", &["12-345678900"]),
            ("123456789 10", &["12-3456789|123-45-6789"]),
            ("123456789/00", &["12-345678900"]),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn a_suffix_is_taken_and_an_ordinary_number_is_not() {
        for (text, expected) in [
            ("12-3456789-00", "12-345678900"),
            ("12-3456789 00", "12-345678900"),
            ("12-3456789 00 was rejected", "12-345678900"),
            ("12-3456789/00", "12-345678900"),
            ("12-3456789(00)", "12-345678900"),
            ("12-3456789 (00)", "12-345678900"),
            ("12-3456789 ( 01 ) was", "12-345678901"),
            ("12-3456789 + 00", "12-345678900"),
            ("12-3456789+01 is", "12-345678901"),
            ("12-3456789 - 00", "12-345678900"),
            ("12-3456789 01", "12-345678901"),
            ("12-3456789 01\nDear", "12-345678901"),
            ("12-3456789 01, approved", "12-345678901"),
            ("12-3456789 01 – approved", "12-345678901"),
            ("12-3456789 A1.", "12-3456789A1"),
            ("12-3456789-AB", "12-3456789AB"),
            ("12-3456789 suffix 01 belongs", "12-345678901"),
            ("12-3456789, suffix: AB", "12-3456789AB"),
            ("12-3456789 (suffix 01)", "12-345678901"),
            ("12-3456789 with suffix no 01", "12-345678901"),
            ("12-3456789 10 days", "12-3456789"),
            ("12-3456789 05 May 2026", "12-3456789"),
            ("12-3456789 05/06/2026", "12-3456789"),
            ("12-3456789 10:30", "12-3456789"),
            ("12-3456789 10% duty", "12-3456789"),
            ("12-3456789 10.5", "12-3456789"),
            ("12-3456789 10 - 15 days", "12-3456789"),
            ("12-3456789 - 10 items", "12-3456789"),
            ("12-3456789 + 10 others", "12-3456789"),
            ("12-3456789 2026", "12-3456789"),
            ("12-3456789/2026", "12-3456789"),
            ("12-3456789 (10 days)", "12-3456789"),
            ("12-3456789 (TX)", "12-3456789"),
            ("12-3456789 TX", "12-3456789"),
            ("12-3456789 is", "12-3456789"),
            ("12-3456789 (O1)", "12-3456789"),
            ("12-3456789\n00", "12-3456789"),
            ("12-3456789, 12 others", "12-3456789"),
            ("12-3456789 suffix as agreed", "12-3456789"),
        ] {
            check(text, &[&format!("!{expected}")]);
        }
    }

    #[test]
    fn what_only_looks_like_a_number_is_no_mention() {
        for text in [
            "866-530-4172",
            "1-866-530-4172",
            "(317) 298-1200",
            "3172981200",
            "+12345678900",
            "+1 12 3456789",
            "Fax 12-3456789",
            "entry 123-4567890-1",
            "entry XX1-2345678-9",
            "112-3456789-0",
            "A12-3456789-0",
            "12-3456789-0",
            "AES ITN: X20260513883201",
            "ITN 20260513883201",
            "CSMS # 68228015",
            "CSMS 18-000216 and 19-000326",
            "18-000216",
            "018421",
            "2026-04-30",
            "2026-04-30 12:00",
            "30.04.2026",
            "20260430",
            "12345-6789",
            "Laredo, TX 12345-6789",
            "INC0771904 INC123456789",
            "$123456789",
            "$ 1,123456789",
            "123456789.00",
            "123,456,789",
            "123456789,50",
            "USD 123456789",
            "€12345678900",
            "123e4567-e89b-12d3-a456-426614174000",
            "12345678-1234-1234-1234-123456789012",
            "<123456789.2026@mail.example>",
            "mailto:ops@broker.example?subject=12-345678900",
            "12-345678900@mail.example",
            "https://ace.example/app/12-345678900?id=123456789",
            "see www.example.com/12-345678900",
            "ace.example.gov/s/12-345678900",
            "DUNS 123456789",
            "DUNS: 12-3456789",
            "D-U-N-S number 123456789",
            "tracking number 123456789",
            "bond no. 123456789",
            "1234567890",
            "123456789012",
            "X123456789",
            "123456789X",
            "_123456789",
            "12-3456789_final.pdf",
            "12-345678900.pdf",
            "é12-3456789",
            "12-3456789é",
            "12-3456789OO",
            "12-3456789-OO",
            "12-3456789-10-2026",
            "000-12-3456",
            "912-12-3456",
            "&#123456789;",
            "٣12-3456789",
            "abc+12345678901/def",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn addresses_hide_only_themselves() {
        check(
            "12-345678900 ops@broker.example 98-7654321",
            &["!12-345678900", "!98-7654321"],
        );
        check("<https://ace.example/1> 12-345678900", &["!12-345678900"]);
        check("12-345678900,ops@broker.example", &["!12-345678900"]);
    }

    #[test]
    fn a_bare_ein_stands_for_its_family_and_its_zero_suffix() {
        let found = mentions("12-3456789");
        assert_eq!(found[0].candidates(), ["12-345678900".parse().unwrap()]);
        assert_eq!(mentions("123456789")[0].candidates().len(), 2);
    }

    #[test]
    fn hostile_lengths_take_linear_time() {
        // A quadratic search would take hours over these, not the blink that the suite allows.
        for unit in [
            "1",
            "12-",
            "12-3456789 ",
            "a@",
            "a.a/",
            "12 3456789(",
            "EIN ",
            "http://",
            "w",
            "\u{200b}1",
            "é",
        ] {
            let found = mentions(&unit.repeat(40_000));
            assert_eq!(found.is_empty(), !unit.contains("3456789"), "{unit:?}");
        }
    }

    fn any_number() -> impl Strategy<Value = ImporterNumber> {
        prop_oneof![
            "[0-9]{9}([0-9][0-9]|[0-9][A-HJ-NP-Y]|[A-HJ-NP-Y][0-9]|[A-HJ-NP-Y]{2})"
                .prop_map(|run| ein(&run).unwrap()),
            "[1-5][0-9]{2}[1-9][0-9][0-9]{3}[1-9]".prop_map(|run| ssn(&run).unwrap()),
            "[0-9]{2}([0-9]{4}|[A-HJ-NP-Y0-9]{4})[0-9]{5}"
                .prop_map(|run| cbp_assigned(&run).unwrap()),
        ]
    }

    /// Every form in which a number is written so that it is told from all others.
    fn forms(number: &ImporterNumber) -> Vec<String> {
        let canonical = number.to_string();
        let mut forms = vec![canonical.clone(), format!("IR# {canonical}")];
        if let (Some(ein), Some(suffix)) = (number.ein(), number.suffix()) {
            let bare = ein.replace('-', "");
            forms.extend([
                format!("{ein}-{suffix}"),
                format!("{ein}, suffix {suffix}"),
                format!("EIN {bare}{suffix}"),
            ]);
            if suffix.bytes().any(|byte| byte.is_ascii_digit()) {
                forms
                    .extend(["/", " / ", " ", "+", " + "].map(|sep| format!("{ein}{sep}{suffix}")));
                forms.push(format!("{ein} ({suffix})"));
                forms.push(format!("{} {suffix}", ein.replace('-', " ")));
            }
        }
        if number.is_ssn() {
            forms.push(format!("SSN {}", number.digits()));
        }
        let wide = |c: char| match c {
            '0'..='9' => char::from_u32(u32::from(c) + 0xfee0).unwrap(),
            '-' => '\u{2011}',
            ' ' => '\u{a0}',
            _ => c,
        };
        let strange: Vec<String> = forms
            .iter()
            .map(|form| form.chars().map(wide).collect())
            .collect();
        forms.extend(strange);
        forms
    }

    proptest! {
        #[test]
        fn a_number_in_any_form_is_found_and_reads_back(number in any_number()) {
            for form in forms(&number) {
                prop_assert_eq!(form.parse::<ImporterNumber>(), Ok(number.clone()), "{}", form);
                for text in [form.clone(), format!("Größe; {form}"), format!("({form}).\nDear")] {
                    let found = mentions(&text);
                    prop_assert_eq!(found.len(), 1, "{}", text);
                    let expected = [Reading::Exact(number.clone())];
                    prop_assert_eq!(&found[0].readings(), &expected, "{}", text);
                }
            }
        }

        #[test]
        fn undashed_digits_keep_every_reading(number in any_number()) {
            let found = mentions(&number.digits());
            prop_assert_eq!(found.len(), 1);
            prop_assert!(found[0].readings().iter().any(|reading| reading.covers(&number)));
        }

        #[test]
        fn any_text_is_searched_without_harm(
            text in "(\\PC|[0-9 /()+#@.:\n-]|EIN|www\\.|12-3456789){0,60}",
        ) {
            let mut last = 0;
            for mention in mentions(&text) {
                prop_assert!(mention.start >= last && mention.end > mention.start);
                prop_assert_eq!(text.get(mention.start..mention.end), Some(mention.text.as_str()));
                prop_assert!(!mention.readings().is_empty());
                last = mention.end;
            }
            let _ = mask_ssns(&text, |_| true);
        }
    }
}
