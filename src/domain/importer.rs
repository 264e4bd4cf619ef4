//! Importer numbers: as people type them, and as they turn up in a text.
//!
//! CBP files an importer under one of three numbers (CBP Form 5106; CATAIR; 19 CFR 24.5):
//! an employer identification number with a suffix of two characters (`NN-NNNNNNNXX`), a social
//! security number (`NNN-NN-NNNN`), or a number that CBP assigned (`YYDDPP-NNNNN`). None of them
//! has a check digit, and without their dashes they cannot be told apart: nine digits are an EIN
//! or an SSN, eleven are an EIN with its suffix or a CBP-assigned number. Two rules follow.
//!
//! * What a person *enters* is read by [`str::parse`]: it is one number, so the likelier reading
//!   is taken and anything odd is refused with a hint.
//! * What stands in a *text* is only a [`Mention`]: it lists its [`Reading`]s, and whoever knows
//!   the registered numbers decides. A bare run of digits proves nothing by itself.
//!
//! Numbers reach us through word processors and mail clients, so every Unicode dash and blank,
//! full-width digits and invisible characters inside a number are understood in both cases.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

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
    #[error(
        "a suffix has no letter O, I or Z (got {suffix:?}){}",
        hint(Some(likely))
    )]
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
                Err(NumberError::Contradiction {
                    label: label.map_or("another kind", Kind::name),
                })
            }
            [count @ (8 | 10)] if all_digits(&joined).is_ok() => {
                Err(NumberError::LostZero { count: *count })
            }
            _ => Err(NumberError::Shape {
                count: joined.len(),
            }),
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

/// The kinds of number, as labels name them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Ein,
    Ssn,
    CbpAssigned,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Ein => "EIN",
            Self::Ssn => "SSN",
            Self::CbpAssigned => "CBP-assigned",
        }
    }
}

/// What the words before digits say about them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Label {
    /// An importer number of this kind.
    Kind(Kind),
    /// An importer number of any kind: CBP writes `IR#` before all three.
    Importer,
    /// Probably something else; an EIN in its dashes is still believed.
    Other,
    /// Something else, even where nine digits are dashed like an EIN.
    Foreign,
}

/// Labels as upper-case words; the longest that fits decides.
#[rustfmt::skip]
const LABELS: &[(Label, &[&str])] = &[
    (Label::Kind(Kind::Ein), &[
        "EIN", "EINS", "FEIN", "E I N", "IRS", "EMPLOYER ID", "EMPLOYER IDENTIFICATION",
    ]),
    (Label::Kind(Kind::Ssn), &["SSN", "S S N", "SS #", "SOCIAL SECURITY"]),
    (Label::Kind(Kind::CbpAssigned), &[
        "CAIN", "CAN #", "CAN NUMBER", "CBP ASSIGNED", "CUSTOMS ASSIGNED",
    ]),
    (Label::Importer, &[
        "IR #", "IR NO", "IR NUMBER", "IOR", "IMPORTER OF RECORD", "IMPORTER #", "IMPORTER ID",
        "IMPORTER NO", "IMPORTER NUMBER", "IMPORTER IDENTIFICATION", "TAX ID",
        "TAX IDENTIFICATION", "TAXPAYER ID", "TAXPAYER IDENTIFICATION",
    ]),
    (Label::Foreign, &["CSMS", "DUNS", "D U N S", "FAX", "PHONE", "TEL", "TELEPHONE"]),
    (Label::Other, &[
        "ABA", "AMOUNT", "BOND", "CASE", "CLAIM", "CONTAINER", "ENTRY", "EUR",
        "INVOICE", "ITN", "ORDER", "PO", "ROUTING", "SRN", "TICKET", "TOTAL", "TRACKING", "USD",
        "ZIP",
    ]),
];

/// Words that may stand between a label and the digits.
const FILLERS: [&str; 12] = [
    "#", "CODE", "ID", "IS", "NO", "NOS", "NR", "NUM", "NUMBER", "NUMBERS", "OF", "WAS",
];

/// What the label at the end of a row of upper-case words says, fillers after it left out.
///
/// Two labels together, "EIN/SSN", leave the kind open.
fn label_of(words: &[String]) -> Option<Label> {
    let mut words = words;
    loop {
        if let Some((label, before)) = last_label(words) {
            let before = before.strip_suffix(&["OR".to_owned()]).unwrap_or(before);
            return match (label, last_label(before)) {
                (Label::Kind(kind), Some((Label::Kind(other), _))) if kind != other => {
                    Some(Label::Importer)
                }
                _ => Some(label),
            };
        }
        let (last, before) = words.split_last()?;
        if !FILLERS.contains(&last.as_str()) {
            return None;
        }
        words = before;
    }
}

/// The longest label that ends a row of words, and the words before it.
fn last_label(words: &[String]) -> Option<(Label, &[String])> {
    let ends = |phrase: &str| {
        let tail = words.iter().rev().take(n_words(phrase));
        tail.eq(phrase.rsplit(' '))
    };
    let fitting = LABELS.iter().flat_map(|(label, phrases)| {
        phrases
            .iter()
            .filter(|phrase| ends(phrase))
            .map(|phrase| (n_words(phrase), *label))
    });
    let (length, label) = fitting.max_by_key(|(length, _)| *length)?;
    Some((label, words.get(..words.len().checked_sub(length)?)?))
}

fn n_words(phrase: &str) -> usize {
    phrase.split(' ').count()
}

/// Splits an entry into what its label says and its groups of letters and digits.
fn entered_groups(entered: &str) -> Result<(Option<Kind>, Vec<String>), NumberError> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for char in entered
        .trim_end_matches(['.', ' '])
        .chars()
        .filter(|char| !is_invisible(*char))
    {
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

    let first = words
        .iter()
        .position(|word| word.contains(|char: char| char.is_ascii_digit()));
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
fn ein(run: &str) -> Result<ImporterNumber, NumberError> {
    let (digits, suffix) = run
        .split_at_checked(9)
        .ok_or(NumberError::Shape { count: run.len() })?;
    all_digits(digits)?;
    let suffix = if suffix.is_empty() { "00" } else { suffix };
    if suffix.len() != 2 || !suffix.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(NumberError::Shape { count: run.len() });
    }
    let suffix = suffix.to_ascii_uppercase();
    let likely: String = suffix
        .chars()
        .map(|char| likely_digit(char).unwrap_or(char))
        .collect();
    // B, S and L are letters in their own right in a suffix; O, I and Z are not used.
    if suffix.contains(['O', 'I', 'Z']) {
        return Err(NumberError::SuffixLetter { suffix, likely });
    }
    Ok(ImporterNumber::Ein(Canonical(dashed_ein(digits) + &suffix)))
}

/// Reads nine digits as a social security number that can have been issued.
fn ssn(run: &str) -> Result<ImporterNumber, NumberError> {
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
        None => Ok(ImporterNumber::Ssn(Canonical(format!(
            "{area}-{group}-{serial}"
        )))),
    }
}

/// Reads eleven characters as a CBP-assigned number; district and port may hold letters.
fn cbp_assigned(run: &str) -> Result<ImporterNumber, NumberError> {
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
        return Err(NumberError::Letter {
            found,
            likely: likely_digit(found),
        });
    }
    Ok(ImporterNumber::CbpAssigned(Canonical(format!(
        "{office}-{serial}"
    ))))
}

fn all_digits(run: &str) -> Result<(), NumberError> {
    match run.chars().find(|char| !char.is_ascii_digit()) {
        Some(found) => Err(NumberError::Letter {
            found,
            likely: likely_digit(found),
        }),
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

fn dashed_ein(digits: &str) -> String {
    let (prefix, rest) = digits.split_at_checked(2).unwrap_or((digits, ""));
    format!("{prefix}-{rest}")
}

fn last_four(digits: &str) -> &str {
    digits
        .get(digits.len().saturating_sub(4)..)
        .unwrap_or_default()
}

/// Stands for a letter or digit outside ASCII: never part of a number, but a neighbour to one.
const OTHER_LETTER: u8 = 1;
/// Stands for an en dash, em dash or bar: it joins digits like a hyphen, and separates words.
const LONG_DASH: u8 = 2;
/// Stands for anything else outside ASCII, and for hidden addresses.
const OTHER_SIGN: u8 = 3;

/// The byte by which a character takes part in the search.
fn fold(char: char) -> u8 {
    match char {
        '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => b'\n',
        '\u{2010}' | '\u{2011}' | '\u{2012}' | '\u{2212}' | '\u{fe63}' => b'-',
        '\u{2013}'..='\u{2015}' | '\u{fe58}' => LONG_DASH,
        '\u{ff01}'..='\u{ff5e}' => {
            u8::try_from(u32::from(char) - 0xff01 + 0x21).unwrap_or(OTHER_SIGN)
        }
        '\u{2116}' => b'#',
        '\u{2018}' | '\u{2019}' => b'\'',
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => b'"',
        '\u{20a0}'..='\u{20cf}' | '\u{a2}'..='\u{a5}' => b'$',
        _ if char.is_whitespace() => b' ',
        _ if char.is_ascii_control() => OTHER_SIGN,
        _ if char.is_ascii() => u8::try_from(char).unwrap_or(OTHER_SIGN),
        _ if char.is_alphanumeric() => OTHER_LETTER,
        _ => OTHER_SIGN,
    }
}

/// Characters without width that mail programs leave inside words and numbers.
pub(super) fn is_invisible(char: char) -> bool {
    matches!(
        char,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
    )
}

/// A text with one byte per visible character, so that a search can step back and forth freely.
struct Folded {
    bytes: Vec<u8>,
    /// Where the original's offsets stop running in step: (index in `bytes`, byte in the text).
    /// Sparse, because most mail is ASCII and a hostile one may be large.
    anchors: Vec<(usize, usize)>,
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
    fn of(text: &str) -> Self {
        let mut folded = Self {
            bytes: Vec::with_capacity(text.len()),
            anchors: Vec::new(),
        };
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
    fn original(&self, at: usize) -> usize {
        let anchor = self
            .anchors
            .partition_point(|(index, _)| *index <= at)
            .checked_sub(1);
        match anchor.and_then(|anchor| self.anchors.get(anchor)) {
            Some((index, byte)) => byte + (at - index),
            None => at,
        }
    }

    /// The byte of the original text after the character before `end`.
    fn original_end(&self, text: &str, end: usize) -> usize {
        let last = self.original(end.saturating_sub(1));
        let length = text
            .get(last..)
            .and_then(|rest| rest.chars().next())
            .map_or(0, char::len_utf8);
        last + length
    }

    fn byte(&self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    /// The byte `back` places before `at`.
    fn before(&self, at: usize, back: usize) -> Option<u8> {
        at.checked_sub(back).and_then(|at| self.byte(at))
    }

    fn is_digit(&self, at: usize) -> bool {
        self.byte(at).is_some_and(|byte| byte.is_ascii_digit())
    }

    fn is_word(&self, at: usize) -> bool {
        self.byte(at).is_some_and(is_word)
    }

    /// How many letters, digits and underscores follow from `at`.
    fn run(&self, at: usize) -> usize {
        self.rest(at)
            .iter()
            .take_while(|byte| is_word(**byte))
            .count()
    }

    /// How many digits follow from `at`, counted up to twelve: more is never of interest.
    fn digit_run(&self, at: usize) -> usize {
        self.rest(at)
            .iter()
            .take(12)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    }

    fn blanks(&self, at: usize) -> usize {
        self.rest(at)
            .iter()
            .take(3)
            .take_while(|byte| **byte == b' ')
            .count()
    }

    fn rest(&self, at: usize) -> &[u8] {
        self.bytes.get(at..).unwrap_or_default()
    }

    /// The word of exactly `length` letters and digits at `at`, with nothing glued to it.
    fn word(&self, at: usize, length: usize) -> Option<&str> {
        let word = self.bytes.get(at..at + length)?;
        let whole = word.iter().all(u8::is_ascii_alphanumeric) && !self.is_word(at + length);
        whole.then(|| std::str::from_utf8(word).ok()).flatten()
    }

    fn digits(&self, at: usize, length: usize) -> Option<&str> {
        self.word(at, length)
            .filter(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// What separates two groups of one number: (length, whether it is an unspaced dash).
    fn separator(&self, at: usize) -> Option<(usize, bool)> {
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
    fn hide_addresses(&mut self) {
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
        let start = self.back_while(at, floor, |byte| {
            is_word(byte) || b".!#$%&'*+-/=?^`{|}~".contains(&byte)
        });
        let host = self
            .rest(at + 1)
            .iter()
            .take_while(|byte| is_host(**byte))
            .count();
        let end = at + 1 + host;
        // `mailto:` links carry a subject.
        let end = if self.byte(end) == Some(b'?') {
            self.address_end(end)
        } else {
            end
        };
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

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == OTHER_LETTER
}

fn is_host(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check_entry(entered: &str, expected: &str) {
        let read: Result<ImporterNumber, _> = entered.parse();
        let got = read.map_or_else(|err| format!("error: {err}"), |number| number.to_string());
        if expected.starts_with("error:") {
            assert!(got.starts_with(expected), "{entered:?} gave {got:?}");
        } else {
            assert_eq!(got, expected, "{entered:?}");
        }
    }

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
            (
                "2538174600",
                "error: 10 digits are one short; a spreadsheet",
            ),
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
            (
                "12-345678O",
                "error: 'O' stands where a digit belongs; did you mean 0?",
            ),
            ("12-34567B9", "error: 'B' stands where a digit belongs"),
            (
                "2523O3-00418",
                "error: 'O' stands where a digit belongs; did you mean 0?",
            ),
            (
                "Acme 12-3456789",
                "error: \"ACME\" is not part of an importer number",
            ),
            (
                "DUNS 123456789",
                "error: \"DUNS\" is not part of an importer number",
            ),
            (
                "12.3456789",
                "error: \".\" is not part of an importer number",
            ),
            (
                "12_3456789",
                "error: \"_\" is not part of an importer number",
            ),
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
        let text = "SSN 123-45-6789, 123456789";
        for shown in [format!("{ssn:?}"), format!("{:?}", mentions(text))] {
            assert!(
                !shown.contains("123-45") && !shown.contains("12345"),
                "{shown}"
            );
        }
        assert_eq!(mask_ssns(text, |_| false), "SSN ***-**-6789, 123456789");
        assert_eq!(
            mask_ssns(text, |number| *number == ssn),
            "SSN ***-**-6789, ***-**-6789"
        );
        assert_eq!(mask_ssns("EIN 12-3456789", |_| true), "EIN 12-3456789");
    }

    #[test]
    fn the_parts_of_a_number_are_told_apart() {
        let number: ImporterNumber = "12-3456789A1".parse().unwrap();
        assert_eq!(
            (number.ein(), number.suffix()),
            (Some("12-3456789"), Some("A1"))
        );
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
            let _ = text.parse::<ImporterNumber>();
            let _ = mask_ssns(&text, |_| true);
        }
    }
}
