//! Importer numbers, and how people type them.
//!
//! CBP files an importer under one of three numbers (CBP Form 5106; CATAIR; 19 CFR 24.5):
//! an employer identification number with a suffix of two characters (`NN-NNNNNNNXX`), a social
//! security number (`NNN-NN-NNNN`), or a number that CBP assigned (`YYDDPP-NNNNN`). None of them
//! has a check digit, and without their dashes they cannot be told apart: nine digits are an EIN
//! or an SSN, eleven are an EIN with its suffix or a CBP-assigned number.
//!
//! What a person *enters* is read by [`str::parse`]: it is one number, so the likelier reading is
//! taken and anything odd is refused with a hint. What stands in a *text* is another matter
//! ([`mentions`](super::mention::mentions)). Numbers reach us through word processors and mail
//! clients, so every Unicode dash and blank, full-width digits and invisible characters inside a
//! number are understood in both cases.

pub(super) mod folding;
pub(super) mod label;

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use folding::{LONG_DASH, fold, is_invisible};
use label::{FILLERS, Kind, Label, label_of};

/// The number of record of an importer.
///
/// Ordered by kind, then by digits. `Debug` masks social security numbers; `Display` does not.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ImporterNumber {
    /// An employer identification number with its suffix, `12-345678900`.
    Ein(Canonical),
    /// A social security number, `123-45-6789`.
    Ssn(Canonical),
    /// A number CBP assigned because the importer has neither of the others, `252303-00418`.
    CbpAssigned(Canonical),
}

/// The canonical spelling inside an [`ImporterNumber`]; only this module makes one.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Canonical(String);

/// Why an entry is no importer number. Never repeats the digits, which may be an SSN.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum NumberError {
    /// Nothing was entered.
    #[error("the importer number is missing; {EXPECTED}")]
    Empty,
    /// A word or sign that belongs to no written form.
    #[error("{0:?} is not part of an importer number; {EXPECTED}")]
    Unexpected(String),
    /// Too few, too many or strangely grouped characters.
    #[error("{count} characters grouped like this are no importer number; {EXPECTED}")]
    Shape {
        /// Letters and digits found, label not counted.
        count: usize,
    },
    /// A run of digits one short of a number, as spreadsheets make of `02-3456789`.
    #[error("{count} digits are one short; a spreadsheet may have dropped a leading zero")]
    LostZero {
        /// Digits found.
        count: usize,
    },
    /// A letter where only digits can be.
    #[error("{found:?} stands where a digit belongs{}", hint(likely.as_ref()))]
    Letter {
        /// The letter found.
        found: char,
        /// The digit it is usually mistaken for.
        likely: Option<char>,
    },
    /// A suffix with one of the letters CBP does not use (O, I, Z).
    #[error("a suffix has no letter O, I or Z (got {suffix:?}){}", hint(Some(likely)))]
    SuffixLetter {
        /// The suffix as entered.
        suffix: String,
        /// The same with 0, 1 and 2 in place of these letters.
        likely: String,
    },
    /// A social security number that is never issued.
    #[error("no such social security number is issued: {0}")]
    ImpossibleSsn(&'static str),
    /// The label names one kind of number and the grouping shows another.
    #[error("the label says {label}, but the digits are grouped like another kind of number")]
    Contradiction {
        /// The kind of number the label names.
        label: &'static str,
    },
}

const EXPECTED: &str = "write an EIN with its suffix (12-345678900), an SSN (123-45-6789) or a \
                        CBP-assigned number (252303-00418)";

fn hint(likely: Option<&impl fmt::Display>) -> String {
    likely.map_or_else(String::new, |likely| format!("; did you mean {likely}?"))
}

impl FromStr for ImporterNumber {
    type Err = NumberError;

    /// Reads one number as a person enters it, with or without label (`EIN …`, `IR# …`).
    ///
    /// An EIN without suffix gets the suffix `00`: CBP's rule for importer security filings is to
    /// fill a missing suffix with zeros. Nine bare digits are such an EIN unless labelled as SSN;
    /// eleven bare digits are an EIN with its suffix unless labelled as CBP-assigned.
    fn from_str(entered: &str) -> Result<Self, NumberError> {
        let (label, groups) = entered_groups(entered)?;
        let parts: Vec<&str> = groups.iter().map(String::as_str).collect();
        let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        let joined = parts.concat();
        match lengths.as_slice() {
            [] => Err(NumberError::Empty),
            [9] if label == Some(Kind::Ssn) => ssn(&joined),
            [3, 2, 4] if label.is_none_or(|kind| kind == Kind::Ssn) => ssn(&joined),
            [11] | [6, 5] if label == Some(Kind::CbpAssigned) => cbp_assigned(&joined),
            [6, 5] if label.is_none() => cbp_assigned(&joined),
            // Letters in the district and port leave only one reading.
            [11] if label.is_none() && ein(&joined).is_err() && cbp_assigned(&joined).is_ok() => {
                cbp_assigned(&joined)
            }
            [9] | [2, 7] | [11] | [2, 9] | [9, 2] | [2, 7, 2]
                if label.is_none_or(|kind| kind == Kind::Ein) =>
            {
                ein(&joined)
            }
            [9] | [2, 7] | [11] | [2, 9] | [9, 2] | [2, 7, 2] | [3, 2, 4] | [6, 5] => {
                Err(NumberError::Contradiction { label: label.map_or("another kind", Kind::name) })
            }
            [count @ (8 | 10)] if all_digits(&joined).is_ok() => {
                Err(NumberError::LostZero { count: *count })
            }
            _ => Err(NumberError::Shape { count: joined.len() }),
        }
    }
}

impl fmt::Display for ImporterNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.canonical())
    }
}

impl fmt::Debug for ImporterNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImporterNumber({})", self.masked())
    }
}

impl ImporterNumber {
    /// Reads a number in its canonical spelling and no other, as the database keeps it; much
    /// faster than reading what a person wrote.
    pub fn from_canonical(text: &str) -> Option<ImporterNumber> {
        let is = |shape: &str| {
            shape.len() == text.len()
                && shape.bytes().zip(text.bytes()).all(|(wanted, byte)| match wanted {
                    b'9' => byte.is_ascii_digit(),
                    b'X' => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
                    wanted => byte == wanted,
                })
        };
        let canonical = Canonical(text.to_owned());
        match () {
            () if is("99-9999999XX") => Some(ImporterNumber::Ein(canonical)),
            () if is("999-99-9999") => Some(ImporterNumber::Ssn(canonical)),
            () if is("99XXXX-99999") => Some(ImporterNumber::CbpAssigned(canonical)),
            () => None,
        }
    }

    /// The number as it may be shown: an SSN keeps only its last four digits, `***-**-6789`.
    pub fn masked(&self) -> String {
        match self {
            Self::Ssn(Canonical(ssn)) => format!("***-**-{}", last_four(ssn)),
            Self::Ein(_) | Self::CbpAssigned(_) => self.to_string(),
        }
    }

    /// Whether this is a social security number, which must not be shown.
    pub fn is_ssn(&self) -> bool {
        matches!(self, Self::Ssn(_))
    }

    /// The EIN without its suffix, `12-3456789`; `None` for the other kinds.
    ///
    /// All numbers with the same EIN form one family; each suffix is an importer record of its own.
    pub fn ein(&self) -> Option<&str> {
        match self {
            Self::Ein(Canonical(ein)) => ein.get(..10),
            Self::Ssn(_) | Self::CbpAssigned(_) => None,
        }
    }

    /// The two characters after the EIN; `None` for the other kinds.
    pub fn suffix(&self) -> Option<&str> {
        match self {
            Self::Ein(Canonical(ein)) => ein.get(10..),
            Self::Ssn(_) | Self::CbpAssigned(_) => None,
        }
    }

    /// The number without its dashes; unmasked.
    pub fn digits(&self) -> String {
        self.canonical().replace('-', "")
    }

    /// A remark about an EIN whose first two digits the IRS is not known to use.
    ///
    /// Never a reason to refuse: the IRS has added prefixes before (81 to 88, 92, 93 and 99).
    pub fn warning(&self) -> Option<String> {
        let prefix = self.ein()?.get(..2)?;
        UNUSED_PREFIXES.contains(&prefix).then(|| {
            format!("no EIN beginning with {prefix} is known to be issued; check the number")
        })
    }

    fn canonical(&self) -> &str {
        let (Self::Ein(Canonical(text))
        | Self::Ssn(Canonical(text))
        | Self::CbpAssigned(Canonical(text))) = self;
        text
    }
}

/// EIN prefixes missing from the IRS's list of prefixes by campus.
const UNUSED_PREFIXES: [&str; 17] = [
    "00", "07", "08", "09", "17", "18", "19", "28", "29", "49", "69", "70", "78", "79", "89", "96",
    "97",
];

/// Splits an entry into what its label says and its groups of letters and digits.
fn entered_groups(entered: &str) -> Result<(Option<Kind>, Vec<String>), NumberError> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for char in entered.trim_end_matches(['.', ' ']).chars().filter(|char| !is_invisible(*char)) {
        let byte = fold(char);
        // `EIN12-3456789`: the label's letters end where the first digit begins.
        let begins = byte.is_ascii_digit() && !word.is_empty() && is_label_word(&word);
        if begins || !byte.is_ascii_alphanumeric() {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
        }
        match byte {
            _ if byte.is_ascii_alphanumeric() => word.push(char::from(byte.to_ascii_uppercase())),
            b'#' => words.push("#".to_owned()),
            LONG_DASH | b' ' | b'\n' | b'-' | b'/' | b'+' | b'(' | b')' | b',' | b':' | b'='
            | b'"' | b'\'' => {}
            // `No.`: a stop ends a label word, never a group of digits.
            b'.' if words
                .last()
                .is_none_or(|last| !last.contains(|c: char| c.is_ascii_digit())) => {}
            _ => return Err(NumberError::Unexpected(char.to_string())),
        }
    }
    words.extend((!word.is_empty()).then_some(word));

    let first = words.iter().position(|word| word.contains(|char: char| char.is_ascii_digit()));
    let Some((before, groups)) = words.split_at_checked(first.unwrap_or(words.len())) else {
        return Err(NumberError::Empty);
    };
    let mut label = None;
    if let Some(last) = before.last() {
        match label_of(before) {
            Some(Label::Kind(kind)) => label = Some(kind),
            Some(Label::Importer) => {}
            _ if before.iter().all(|word| FILLERS.contains(&word.as_str())) => {}
            Some(Label::Other | Label::Foreign) | None => {
                return Err(NumberError::Unexpected(last.clone()));
            }
        }
    }
    let mut kept = Vec::new();
    for group in groups {
        // CBP itself writes `IR# 12-3456789 (EIN)`.
        match group.as_str() {
            "SUFFIX" | "#" | "WITH" => {}
            "EIN" => label = label.or(Some(Kind::Ein)),
            "SSN" => label = label.or(Some(Kind::Ssn)),
            "CAN" | "CAIN" => label = label.or(Some(Kind::CbpAssigned)),
            _ => kept.push(group.clone()),
        }
    }
    Ok((label, kept))
}

fn is_label_word(word: &str) -> bool {
    ["EIN", "FEIN", "IRS", "IOR", "SSN", "CAIN", "NO"].contains(&word)
}

/// Reads nine digits, or nine digits and a suffix, as an EIN.
pub(super) fn ein(run: &str) -> Result<ImporterNumber, NumberError> {
    let (digits, suffix) =
        run.split_at_checked(9).ok_or(NumberError::Shape { count: run.len() })?;
    all_digits(digits)?;
    let suffix = if suffix.is_empty() { "00" } else { suffix };
    if suffix.len() != 2 || !suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(NumberError::Shape { count: run.len() });
    }
    let suffix = suffix.to_ascii_uppercase();
    let likely: String = suffix.chars().map(|char| likely_digit(char).unwrap_or(char)).collect();
    // B, S and L are letters in their own right in a suffix; O, I and Z are not used.
    if suffix.contains(['O', 'I', 'Z']) {
        return Err(NumberError::SuffixLetter { suffix, likely });
    }
    Ok(ImporterNumber::Ein(Canonical(dashed_ein(digits) + &suffix)))
}

/// Reads nine digits as a social security number that can have been issued.
pub(super) fn ssn(run: &str) -> Result<ImporterNumber, NumberError> {
    let shape = NumberError::Shape { count: run.len() };
    let (area, rest) = run.split_at_checked(3).ok_or(shape.clone())?;
    let (group, serial) = rest.split_at_checked(2).ok_or(shape.clone())?;
    if serial.len() != 4 {
        return Err(shape);
    }
    all_digits(run)?;
    let impossible = match (area, group, serial) {
        ("000" | "666", ..) => Some("it never begins with 000 or 666"),
        _ if area.starts_with('9') => Some("numbers beginning with 9 are ITINs"),
        (_, "00", _) => Some("its middle group is never 00"),
        (_, _, "0000") => Some("its last group is never 0000"),
        _ => None,
    };
    match impossible {
        Some(reason) => Err(NumberError::ImpossibleSsn(reason)),
        None => Ok(ImporterNumber::Ssn(Canonical(format!("{area}-{group}-{serial}")))),
    }
}

/// Reads eleven characters as a CBP-assigned number; district and port may hold letters.
pub(super) fn cbp_assigned(run: &str) -> Result<ImporterNumber, NumberError> {
    let run = run.to_ascii_uppercase();
    let shape = NumberError::Shape { count: run.len() };
    let (office, serial) = run.split_at_checked(6).ok_or(shape.clone())?;
    let (year, port) = office.split_at_checked(2).ok_or(shape.clone())?;
    if serial.len() != 5 || !port.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(shape);
    }
    all_digits(year)?;
    all_digits(serial)?;
    // A typing mistake is likelier than an office code with one of these.
    if let Some(found) = port.chars().find(|char| likely_digit(*char).is_some()) {
        return Err(NumberError::Letter { found, likely: likely_digit(found) });
    }
    Ok(ImporterNumber::CbpAssigned(Canonical(format!("{office}-{serial}"))))
}

pub(super) fn all_digits(run: &str) -> Result<(), NumberError> {
    match run.chars().find(|char| !char.is_ascii_digit()) {
        Some(found) => Err(NumberError::Letter { found, likely: likely_digit(found) }),
        None => Ok(()),
    }
}

fn likely_digit(letter: char) -> Option<char> {
    match letter {
        'O' => Some('0'),
        'I' => Some('1'),
        'Z' => Some('2'),
        _ => None,
    }
}

pub(super) fn dashed_ein(digits: &str) -> String {
    let (prefix, rest) = digits.split_at_checked(2).unwrap_or((digits, ""));
    format!("{prefix}-{rest}")
}

pub(super) fn last_four(digits: &str) -> &str {
    digits.get(digits.len().saturating_sub(4)..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check_entry(entered: &str, expected: &str) {
        let read: Result<ImporterNumber, _> = entered.parse();
        let got = read.map_or_else(|err| format!("error: {err}"), |number| number.to_string());
        if expected.starts_with("error:") {
            assert!(got.starts_with(expected), "{entered:?} gave {got:?}");
        } else {
            assert_eq!(got, expected, "{entered:?}");
        }
    }

    #[test]
    fn an_entry_is_read_in_every_written_form() {
        for (entered, expected) in [
            ("12-345678900", "12-345678900"),
            ("12-3456789", "12-345678900"),
            ("123456789", "12-345678900"),
            ("12345678901", "12-345678901"),
            ("12-3456789-01", "12-345678901"),
            ("12-3456789 01", "12-345678901"),
            ("12-3456789/01", "12-345678901"),
            ("12-3456789 (01)", "12-345678901"),
            ("12-3456789 + 01", "12-345678901"),
            ("12 3456789 01", "12-345678901"),
            ("123456789-a1", "12-3456789A1"),
            ("12-3456789ab", "12-3456789AB"),
            ("12-3456789 suffix 01", "12-345678901"),
            ("12-3456789, suffix: 01", "12-345678901"),
            ("12\u{2013}3456789\u{2011}01", "12-345678901"),
            ("12\u{a0}3456789\u{202f}01", "12-345678901"),
            ("12\u{ad}-\u{200b}3456789", "12-345678900"),
            ("１２－３４５６７８９００", "12-345678900"),
            ("  12-3456789.", "12-345678900"),
            ("EIN 12-3456789", "12-345678900"),
            ("EIN: 123456789", "12-345678900"),
            ("EIN12-3456789", "12-345678900"),
            ("FEIN:12-3456789", "12-345678900"),
            ("IRS# 12-345678900", "12-345678900"),
            ("IR# 12-3456789 (EIN)", "12-345678900"),
            ("IOR number 12345678900", "12-345678900"),
            ("Importer of record no. 12-3456789", "12-345678900"),
            ("Employer Identification Number 12-3456789", "12-345678900"),
            ("Tax ID 123456789", "12-345678900"),
            ("123-45-6789", "123-45-6789"),
            ("SSN 123456789", "123-45-6789"),
            ("SSN: 123-45-6789", "123-45-6789"),
            ("IR# 123-45-6789 (SSN)", "123-45-6789"),
            ("123456789 (SSN)", "123-45-6789"),
            ("252303-00418", "252303-00418"),
            ("25ab03-00418", "25AB03-00418"),
            ("25AB0300418", "25AB03-00418"),
            ("CAN# 25230300418", "252303-00418"),
            ("CBP-assigned number 25230300418", "252303-00418"),
            ("25230300418", "25-230300418"),
        ] {
            check_entry(entered, expected);
        }
    }

    #[test]
    fn an_entry_that_is_no_number_is_refused_with_a_hint() {
        for (entered, expected) in [
            ("", "error: the importer number is missing"),
            (" - ", "error: the importer number is missing"),
            ("EIN", "error: the importer number is missing"),
            ("12-345678", "error: 8 characters"),
            ("12-34567890", "error: 10 characters"),
            ("2538174600", "error: 10 digits are one short; a spreadsheet"),
            ("25381746", "error: 8 digits are one short"),
            ("866-530-4172", "error: 10 characters"),
            (
                "12-3456789OO",
                "error: a suffix has no letter O, I or Z (got \"OO\"); did you mean 00?",
            ),
            (
                "12-3456789 oi",
                "error: a suffix has no letter O, I or Z (got \"OI\"); did you mean 01?",
            ),
            (
                "12-3456789-Z1",
                "error: a suffix has no letter O, I or Z (got \"Z1\"); did you mean 21?",
            ),
            ("12-345678O", "error: 'O' stands where a digit belongs; did you mean 0?"),
            ("12-34567B9", "error: 'B' stands where a digit belongs"),
            ("2523O3-00418", "error: 'O' stands where a digit belongs; did you mean 0?"),
            ("Acme 12-3456789", "error: \"ACME\" is not part of an importer number"),
            ("DUNS 123456789", "error: \"DUNS\" is not part of an importer number"),
            ("12.3456789", "error: \".\" is not part of an importer number"),
            ("12_3456789", "error: \"_\" is not part of an importer number"),
            ("000-12-3456", "error: no such social security number"),
            ("666-12-3456", "error: no such social security number"),
            ("912-12-3456", "error: no such social security number"),
            ("123-00-3456", "error: no such social security number"),
            ("123-45-0000", "error: no such social security number"),
            ("EIN 123-45-6789", "error: the label says EIN"),
            ("SSN 12-3456789", "error: the label says SSN"),
            ("CAN# 12-3456789", "error: the label says CBP-assigned"),
        ] {
            check_entry(entered, expected);
        }
    }

    #[test]
    fn an_unknown_prefix_is_warned_about_and_accepted() {
        for (entered, warned) in [
            ("00-123456700", true),
            ("49-123456700", true),
            ("12-345678900", false),
            ("000101-00418", false),
        ] {
            let number: ImporterNumber = entered.parse().unwrap();
            assert_eq!(number.warning().is_some(), warned, "{entered}");
        }
    }

    #[test]
    fn a_social_security_number_shows_only_when_displayed() {
        let ssn: ImporterNumber = "123-45-6789".parse().unwrap();
        assert_eq!(ssn.masked(), "***-**-6789");
        assert_eq!(ssn.digits(), "123456789");
        assert_eq!(format!("{ssn:?}"), "ImporterNumber(***-**-6789)");
        assert_eq!(ssn.to_string(), "123-45-6789");
    }

    #[test]
    fn the_parts_of_a_number_are_told_apart() {
        let number: ImporterNumber = "12-3456789A1".parse().unwrap();
        assert_eq!((number.ein(), number.suffix()), (Some("12-3456789"), Some("A1")));
        let ssn: ImporterNumber = "123-45-6789".parse().unwrap();
        assert_eq!((ssn.ein(), ssn.suffix()), (None, None));
    }

    proptest! {
        #[test]
        fn no_entry_is_too_strange(
            entered in "(\\PC|[0-9 /()+#@.:\n-]|EIN|www\\.|12-3456789){0,60}",
        ) {
            // What is read is written so that it is read alike.
            if let Ok(number) = entered.parse::<ImporterNumber>() {
                prop_assert_eq!(number.to_string().parse(), Ok(number));
            }
        }
    }
}
