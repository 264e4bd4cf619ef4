//! The subject line under which an application is found again.
//!
//! CBP's receipts and answers repeat the subject of the application, so that a good one is what
//! later tells whose answer it is. The form's own button wants "company name and EIN"; a mail
//! written by hand wants "company name and importer number" with the suffix. CBP itself writes
//! numbers of the other kinds as `IR# 123-45-6789 (SSN)` and `IR# 252303-00418 (CAN)`
//! (CSMS 19-000326).

use super::company::company_key;
use super::importer::folding::is_invisible;
use super::importer::{ImporterNumber, NumberError};
use super::mention::{Mention, Reading, Shape, mentions};
use super::message::{FolderRole, Message};
use super::submission::{Fault, Finding};

/// Longest subject, in characters. Outlook keeps no more than 255 of a subject; what it cuts off
/// is the number.
const LONGEST: usize = 255;

/// The subject line of an application.
pub fn composed(company: &str, number: &ImporterNumber, is_fallback: bool) -> String {
    let company = company.split_whitespace().collect::<Vec<_>>().join(" ");
    match (number, is_fallback) {
        (ImporterNumber::Ein(_), true) => format!("{company} {number}"),
        // Without its suffix an EIN means the suffix 00, and the answer would be another record's.
        (ImporterNumber::Ein(_), false) => match (number.ein(), number.suffix()) {
            (Some(ein), Some("00")) => format!("{company}, EIN {ein}"),
            _ => format!("{company}, EIN {number}"),
        },
        (ImporterNumber::Ssn(_), _) => format!("{company}, IR# {number} (SSN)"),
        (ImporterNumber::CbpAssigned(_), _) => format!("{company}, IR# {number} (CAN)"),
    }
}

/// Finds what is wrong with a subject line, the worst first.
///
/// A line that calls its number an EIN may leave out the suffix, unless it is one of a mail
/// written by hand (`is_fallback`).
pub fn lint(line: &str, is_fallback: bool) -> Vec<Finding> {
    let mut faults = Vec::new();
    let mut fault = |fault, because: String| faults.push(Finding { fault, because });
    if line.trim().is_empty() {
        fault(
            Fault::Empty,
            "the subject is empty: write the company's name and its number".to_owned(),
        );
        return faults;
    }
    let is_hidden =
        |c: char| c.is_control() || is_invisible(c) || matches!(c, '\u{2028}' | '\u{2029}');
    if line.chars().any(is_hidden) {
        let because = "it has control or invisible characters: type the line anew, on one line";
        fault(Fault::ControlCharacters, because.to_owned());
    }
    let n_chars = line.chars().count();
    if LONGEST < n_chars {
        let because =
            format!("it has {n_chars} characters, and mail programs cut it off after {LONGEST}");
        fault(Fault::TooLong, because);
        return faults;
    }
    if let Some(prefix) = prefix_of(line) {
        let because = format!(
            "it begins with {prefix:?}: an application is a new mail, no reply and no forward"
        );
        fault(Fault::Prefix, because);
    }
    let is_generic = line.to_lowercase().contains("returned form");
    if is_generic {
        let because = "\"Returned Form\" is what the form's button writes by itself: put the company's name and its number in its place";
        fault(Fault::Generic, because.to_owned());
    }
    let found = mentions(line);
    if let Some((name, because)) = number_fault(line, &found, is_fallback) {
        fault(name, because);
    }
    for (name, because) in unlikely(line, &found) {
        fault(name, because);
    }
    if !is_generic && !has_company(line, &found) {
        fault(
            Fault::NoCompany,
            "it names no company: write its name as CBP has it on file".to_owned(),
        );
    }
    faults
}

/// What is wrong with the number in a line, if anything is.
fn number_fault(line: &str, found: &[Mention], is_fallback: bool) -> Option<(Fault, String)> {
    let shaped: Vec<&Mention> = found.iter().filter(|mention| mention.is_well_shaped()).collect();
    let Some(first) = shaped.first() else {
        return Some(missing_number(line, found));
    };
    let readings: Vec<Vec<Reading>> = shaped.iter().map(|mention| mention.readings()).collect();
    if readings.iter().any(|others| Some(others) != readings.first()) {
        let because = "it has several importer numbers: one application is about one number";
        return Some((Fault::SeveralNumbers, because.to_owned()));
    }
    let Shape::EinWithoutSuffix(ein) = &first.shape else {
        return None;
    };
    // `12-3456789 0O`: what looks like a suffix is none.
    let next = line.get(first.end..).and_then(|rest| rest.split_whitespace().next());
    if let Some(next) = next.filter(|next| next.chars().count() == 2)
        && let Err(error @ NumberError::SuffixLetter { .. }) =
            format!("{ein}{next}").parse::<ImporterNumber>()
    {
        return Some((Fault::MalformedNumber, error.to_string()));
    }
    let is_labelled_ein = line.get(..first.start).is_some_and(|before| {
        before.to_lowercase().trim_end_matches([' ', ':', '#', '.']).ends_with("ein")
    });
    (is_fallback || !is_labelled_ein).then(|| {
        let because = format!(
            "the suffix is missing: write {ein}00, or whatever suffix the importer record has"
        );
        (Fault::NoSuffix, because)
    })
}

/// What makes one doubt the number in a line, however well it is written.
fn unlikely(line: &str, found: &[Mention]) -> Vec<(Fault, String)> {
    let shaped = found.iter().find(|mention| mention.is_well_shaped());
    let Some(mention) = shaped else { return Vec::new() };
    let mut doubts = Vec::new();
    if let Some(number) = mention.candidates().first() {
        if let Some(because) = number.warning().or_else(|| example(number)) {
            doubts.push((Fault::UnlikelyNumber, because));
        }
        // CBP itself writes `(SSN)` behind one, so that whoever labels it means it.
        let is_labelled =
            line.split(|c: char| !c.is_alphanumeric()).any(|word| word.eq_ignore_ascii_case("ssn"));
        if number.is_ssn() && !is_labelled {
            let because = "it has a number in the form of a social security number: an EIN is written 12-345678900; if the importer has no EIN, write (SSN) behind the number";
            doubts.push((Fault::Ssn, because.to_owned()));
        }
    }
    doubts
}

/// A remark about a number that was typed to try something. 12-3456789 counts as a real one: it is
/// the example of every guide, and whoever tries acewatch out takes it.
fn example(number: &ImporterNumber) -> Option<String> {
    let digits = number.digits();
    let digits = digits.get(..9)?;
    let is_one_digit = digits.bytes().all(|digit| digits.starts_with(char::from(digit)));
    (number.ein().is_some() && is_one_digit)
        .then(|| "nobody has this number: write the importer's own".to_owned())
}

/// Tells a number that is there and badly written from one that is not there at all.
fn missing_number(line: &str, found: &[Mention]) -> (Fault, String) {
    if !found.is_empty() {
        let because = "digits without dashes can be numbers of two kinds: write 12-345678900 for an EIN with its suffix, 252303-00418 for a CBP-assigned number";
        return (Fault::BareNumber, because.to_owned());
    }
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '\u{2013}';
    let n_digits = |word: &str| word.chars().filter(char::is_ascii_digit).count();
    let malformed = line
        .split(|c: char| !is_part(c))
        .filter(|word| (6..=13).contains(&n_digits(word)))
        .find_map(|word| word.parse::<ImporterNumber>().err());
    match malformed {
        Some(error) => (Fault::MalformedNumber, error.to_string()),
        None => {
            let because = "it has no importer number: write it like 12-345678900, with its suffix";
            (Fault::NoNumber, because.to_owned())
        }
    }
}

/// Whether anything is left that can be a name when numbers and what announces them are taken out.
fn has_company(line: &str, found: &[Mention]) -> bool {
    const OTHER_WORDS: [&str; 26] = [
        "account",
        "ace",
        "application",
        "assigned",
        "can",
        "cbp",
        "company",
        "ein",
        "fein",
        "for",
        "form",
        "importer",
        "ior",
        "ir",
        "irs",
        "name",
        "new",
        "no",
        "number",
        "of",
        "our",
        "portal",
        "request",
        "ssn",
        "suffix",
        "tax",
    ];
    let mut rest = String::new();
    let mut done = 0;
    for mention in found {
        rest.push_str(line.get(done..mention.start).unwrap_or_default());
        rest.push(' ');
        done = mention.end;
    }
    rest.push_str(line.get(done..).unwrap_or_default());
    let rest = without_prefixes(&rest);
    let telling: Vec<&str> = rest
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| word.chars().any(char::is_alphabetic))
        .filter(|word| !OTHER_WORDS.contains(&word.to_lowercase().as_str()))
        .collect();
    company_key(&telling.join(" ")).chars().filter(|c| c.is_alphabetic()).count() > 1
}

/// What stands before the subject proper: `RE:`, `FW:`, `[EXTERNAL]`.
fn prefix_of(line: &str) -> Option<String> {
    let line = line.trim();
    let rest = without_prefixes(line);
    let prefix = line.strip_suffix(rest.as_str())?.trim();
    (!prefix.is_empty()).then(|| prefix.to_owned())
}

/// The line as it is compared when CBP's answer comes back with prefixes of its own.
fn without_prefixes(line: &str) -> String {
    let one_line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    // Read as a mail's subject, so that exactly those prefixes are found that matching takes off.
    let mail = format!("Subject: {one_line}\r\n\r\n");
    let message = Message::parse(mail.as_bytes(), FolderRole::Sent, chrono::DateTime::UNIX_EPOCH);
    message.subject_without_prefixes().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&str]) {
        let names: Vec<&str> = lint(line, false).iter().map(|found| found.fault.as_str()).collect();
        assert_eq!(names, expected, "{line:?}");
    }

    fn check_composed(company: &str, number: &str, expected: [&str; 2]) {
        let number: ImporterNumber = number.parse().unwrap();
        for (is_fallback, expected) in [(false, expected[0]), (true, expected[1])] {
            let line = composed(company, &number, is_fallback);
            assert_eq!(line, expected);
            assert_eq!(lint(&line, is_fallback), [], "{line}");
        }
    }

    #[test]
    fn the_button_s_mail_names_the_ein_and_the_fallback_the_full_number() {
        check_composed(
            "Ridgeway Lantern Co",
            "54-820736100",
            ["Ridgeway Lantern Co, EIN 54-8207361", "Ridgeway Lantern Co 54-820736100"],
        );
        check_composed(
            "Pomelo & Thyme Foods, Inc.",
            "681394702",
            [
                "Pomelo & Thyme Foods, Inc., EIN 68-1394702",
                "Pomelo & Thyme Foods, Inc. 68-139470200",
            ],
        );
    }

    #[test]
    fn a_suffix_other_than_zeros_is_never_left_out() {
        check_composed(
            "Basalt  Bicycle Works LLC ",
            "84-660217301",
            ["Basalt Bicycle Works LLC, EIN 84-660217301", "Basalt Bicycle Works LLC 84-660217301"],
        );
    }

    #[test]
    fn numbers_of_the_other_kinds_are_written_as_cbp_writes_them() {
        let line = "Østerby Skibsudstyr A/S, IR# 252303-00418 (CAN)";
        check_composed("Østerby Skibsudstyr A/S", "252303-00418", [line, line]);
        let line = "Marlow Tins, IR# 123-45-6789 (SSN)";
        check_composed("Marlow Tins", "123-45-6789", [line, line]);
    }

    #[test]
    fn good_lines_have_no_fault() {
        check("Ridgeway Lantern Co, EIN 54-8207361", &[]);
        check("Galena Glass Company - 36-702918500", &[]);
        check("Juneberry Linen LLC 22-6148039 00", &[]);
        check("ACE application for Verbena Soap Works LLC, EIN: 75-2604817", &[]);
        check("EIN 75-2604817 Verbena Soap Works LLC", &[]);
    }

    #[test]
    fn what_is_missing_is_named() {
        check("", &["empty"]);
        check("  ", &["empty"]);
        check("Ridgeway Lantern Co", &["no_number"]);
        check("54-820736100", &["no_company"]);
        check("ACE Portal Account Application, EIN 54-8207361", &["no_company"]);
        check("Returned Form: application.pdf", &["generic", "no_number"]);
        check("Basalt Bicycle Works LLC 84-6602173", &["no_suffix"]);
        check("ACE account application", &["no_number", "no_company"]);
    }

    #[test]
    fn a_fallback_line_needs_the_suffix_even_after_the_word_ein() {
        let faults = lint("Ridgeway Lantern Co, EIN 54-8207361", true);
        assert_eq!(faults.iter().map(|found| found.fault).collect::<Vec<_>>(), [Fault::NoSuffix]);
        assert!(faults[0].because.contains("54-820736100"), "{faults:?}");
    }

    #[test]
    fn badly_written_numbers_are_told_from_missing_ones() {
        check("Ridgeway Lantern Co 54-82073610O", &["malformed_number"]);
        check("Ridgeway Lantern Co 54-8207361 0O", &["malformed_number"]);
        check("Ridgeway Lantern Co, EIN 54-8207361 Z1", &["malformed_number"]);
        check("Ridgeway Lantern Co 54-820736", &["malformed_number"]);
        check("Ridgeway Lantern Co 54-82O7361", &["malformed_number"]);
        check("Ridgeway Lantern Co 54820736100", &["bare_number"]);
        let because = &lint("Ridgeway Lantern Co 54-82073610O", false)[0].because;
        assert!(because.contains("did you mean 00"), "{because}");
    }

    #[test]
    fn one_application_is_about_one_number() {
        check("Basalt Bicycle Works LLC 84-660217300 and 84-660217301", &["several_numbers"]);
        check("Basalt Bicycle Works LLC 84-660217300 (84-660217300)", &[]);
    }

    #[test]
    fn an_application_is_a_new_mail() {
        check("RE: Galena Glass Company 36-702918500", &["prefix"]);
        check("[EXTERNAL] Fwd: Galena Glass Company 36-702918500", &["prefix"]);
        check("FW: 36-702918500", &["prefix", "no_company"]);
    }

    #[test]
    fn lines_that_would_not_arrive_as_they_are_have_faults() {
        check("Galena Glass\r\nBcc: x 36-702918500", &["control_characters"]);
        check("Galena\u{202e} Glass 36-702918500", &["control_characters"]);
        check(&format!("{} 36-702918500", "Galena ".repeat(40)), &["too_long"]);
    }

    #[test]
    fn numbers_that_cannot_be_meant_are_doubted() {
        check("Ridgeway Lantern Co 00-000000000", &["unlikely_number"]);
        check("Ridgeway Lantern Co 49-820736100", &["unlikely_number"]);
        check("Ridgeway Lantern Co, EIN 12-3456789", &[]);
        check("Ridgeway Lantern Co 11-111111100", &["unlikely_number"]);
        check("Marlow Tins 123-45-6789", &["ssn"]);
        check("Marlow Tins, IR# 123-45-6789 (SSN)", &[]);
        check("Østerby Skibsudstyr A/S, IR# 252303-00418 (CAN)", &[]);
    }

    proptest::proptest! {
        #[test]
        fn any_line_gets_an_answer(line in ".{0,300}", is_fallback: bool) {
            lint(&line, is_fallback);
        }
    }
}
