//! Importer numbers as they turn up in a text.
//!
//! Without their dashes the three kinds of number ([`ImporterNumber`]) cannot be told apart, and a
//! bare run of digits proves nothing by itself. So what stands in a text is only a [`Mention`]: it
//! lists its [`Reading`]s, and whoever knows the registered numbers decides.

mod folded;
mod search;

use std::fmt;

use super::importer::{ImporterNumber, cbp_assigned, dashed_ein, ein, last_four, ssn};
use folded::Folded;

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
            Shape::Bare11(run) => {
                [ein(run), cbp_assigned(run)].into_iter().flatten().map(Reading::Exact).collect()
            }
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
        let ssn = mention.readings().into_iter().find_map(|reading| match reading {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Writes mentions as `[kind] reading|reading`, `!` marking the well-shaped.
    fn check(text: &str, expected: &[&str]) {
        let got: Vec<String> = mentions(text)
            .iter()
            .map(|mention| {
                assert_eq!(text.get(mention.start..mention.end), Some(mention.text.as_str()));
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
        assert_eq!(mask_ssns(text, |number| *number == ssn), "SSN ***-**-6789, ***-**-6789");
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
            ("é 12-3456789 é 98-7654321 é", &["!12-3456789", "!98-7654321"]),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn bare_or_blank_separated_digits_are_only_possible_numbers() {
        for (text, expected) in [
            ("RIDGEWAY LANTERN CO (54820736100)", &["54-820736100|548207-36100"][..]),
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
        check("12-345678900 ops@broker.example 98-7654321", &["!12-345678900", "!98-7654321"]);
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
        let strange: Vec<String> =
            forms.iter().map(|form| form.chars().map(wide).collect()).collect();
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
