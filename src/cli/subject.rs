//! `acewatch subject`: the subject line under which an application is found again.
//!
//! CBP's receipts and answers repeat the subject of the application, so that a good one is what
//! later tells whose answer it is. The form's own button wants "company name and EIN"; a mail
//! written by hand wants "company name and importer number" with the suffix. CBP itself writes
//! numbers of the other kinds as `IR# 123-45-6789 (SSN)` and `IR# 252303-00418 (CAN)`
//! (CSMS 19-000326).

use serde_json::{Value, json};

use super::Context;
use super::failure::{FAILED, Failure};
use super::render::{self, Masking};
use crate::domain::company::company_key;
use crate::domain::importer::{ImporterNumber, NumberError};
use crate::domain::mention::{Mention, Reading, Shape, mentions};
use crate::domain::message::{FolderRole, Message};

/// Longest subject, in characters. Outlook keeps no more than 255 of a subject; what it cuts off
/// is the number.
const LONGEST: usize = 255;

/// Print the right subject line of an application, or say what is wrong with one
///
/// The mail of the form's own button is to name the company and its EIN; with --fallback the line
/// is the one for a mail written by hand, with the full importer number. An EIN without suffix
/// means the suffix 00. Nothing needs to be registered for this.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The company's name as CBP has it on file (Form 5106)
    #[arg(long, value_name = "NAME", required_unless_present = "lint", conflicts_with = "lint")]
    company: Option<String>,
    /// The importer number
    #[arg(long, value_name = "NUMBER", required_unless_present = "lint", conflicts_with = "lint")]
    number: Option<String>,
    /// For a mail written by hand, where the form's button does not work
    #[arg(long)]
    fallback: bool,
    /// Say what is wrong with a subject line; the exit code is 1 if anything is
    #[arg(long, value_name = "LINE")]
    lint: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What is wrong with a subject line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fault {
    /// A word for programs.
    pub name: &'static str,
    /// What is wrong, and what to do about it.
    pub because: String,
}

/// Prints the line or the faults.
///
/// # Errors
///
/// A number or a name that cannot be used, or, silently, a faulty line.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let masking = &Masking { reveal: cx.global.reveal, ..Masking::default() };
    let (line, is_asked) = match (&args.lint, &args.company, &args.number) {
        (Some(line), _, _) => (line.clone(), true),
        (None, company, number) => {
            let written = number.as_deref().unwrap_or_default();
            let number: ImporterNumber = written.parse().map_err(|error: NumberError| {
                Failure::usage("the importer number cannot be used").because(error)
            })?;
            if let Some(warning) = number.warning() {
                tracing::warn!("{warning}");
            }
            if number.is_ssn() && !masking.reveal {
                tracing::warn!("the social security number is masked; --reveal shows it");
            }
            let company = company.as_deref().unwrap_or_default();
            (composed(company, &number, args.fallback), false)
        }
    };
    let faults = lint(&line, args.fallback);
    match (is_asked, faults.as_slice()) {
        (false, [fault, ..]) => {
            return Err(Failure::usage("no good subject line can be made of this company's name")
                .hint(fault.because.clone()));
        }
        _ if args.json => render::print_json(&document(&line, &faults, masking))?,
        (false, []) => render::print(&format!("{}\n", masking.text(&line)))?,
        (true, _) => render::print(&report(&line, &faults, masking))?,
    }
    if faults.is_empty() { Ok(()) } else { Err(Failure::silent(FAILED)) }
}

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
pub fn lint(line: &str, is_fallback: bool) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |name, because: String| faults.push(Fault { name, because });
    if line.trim().is_empty() {
        fault("empty", "the subject is empty: write the company's name and its number".to_owned());
        return faults;
    }
    if line.chars().any(char::is_control) || render::escaped(line) != line {
        let because = "it has control or invisible characters: type the line anew, on one line";
        fault("control_characters", because.to_owned());
    }
    let n_chars = line.chars().count();
    if LONGEST < n_chars {
        let because =
            format!("it has {n_chars} characters, and mail programs cut it off after {LONGEST}");
        fault("too_long", because);
        return faults;
    }
    if let Some(prefix) = prefix_of(line) {
        let because = format!(
            "it begins with {prefix:?}: an application is a new mail, no reply and no forward"
        );
        fault("prefix", because);
    }
    let is_generic = line.to_lowercase().contains("returned form");
    if is_generic {
        let because = "\"Returned Form\" is what the form's button writes by itself: put the company's name and its number in its place";
        fault("generic", because.to_owned());
    }
    let found = mentions(line);
    if let Some((name, because)) = number_fault(line, &found, is_fallback) {
        fault(name, because);
    }
    if !is_generic && !has_company(line, &found) {
        fault("no_company", "it names no company: write its name as CBP has it on file".to_owned());
    }
    faults
}

/// What is wrong with the number in a line, if anything is.
fn number_fault(
    line: &str,
    found: &[Mention],
    is_fallback: bool,
) -> Option<(&'static str, String)> {
    let shaped: Vec<&Mention> = found.iter().filter(|mention| mention.is_well_shaped()).collect();
    let Some(first) = shaped.first() else {
        return Some(missing_number(line, found));
    };
    let readings: Vec<Vec<Reading>> = shaped.iter().map(|mention| mention.readings()).collect();
    if readings.iter().any(|others| Some(others) != readings.first()) {
        let because = "it has several importer numbers: one application is about one number";
        return Some(("several_numbers", because.to_owned()));
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
        return Some(("malformed_number", error.to_string()));
    }
    let is_labelled_ein = line.get(..first.start).is_some_and(|before| {
        before.to_lowercase().trim_end_matches([' ', ':', '#', '.']).ends_with("ein")
    });
    (is_fallback || !is_labelled_ein).then(|| {
        let because = format!(
            "the suffix is missing: write {ein}00, or whatever suffix the importer record has"
        );
        ("no_suffix", because)
    })
}

/// Tells a number that is there and badly written from one that is not there at all.
fn missing_number(line: &str, found: &[Mention]) -> (&'static str, String) {
    if !found.is_empty() {
        let because = "digits without dashes can be numbers of two kinds: write 12-345678900 for an EIN with its suffix, 252303-00418 for a CBP-assigned number";
        return ("bare_number", because.to_owned());
    }
    let is_part = |c: char| c.is_alphanumeric() || c == '-' || c == '\u{2013}';
    let n_digits = |word: &str| word.chars().filter(char::is_ascii_digit).count();
    let malformed = line
        .split(|c: char| !is_part(c))
        .filter(|word| (6..=13).contains(&n_digits(word)))
        .find_map(|word| word.parse::<ImporterNumber>().err());
    match malformed {
        Some(error) => ("malformed_number", error.to_string()),
        None => {
            let because = "it has no importer number: write it like 12-345678900, with its suffix";
            ("no_number", because.to_owned())
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

fn document(line: &str, faults: &[Fault], masking: &Masking) -> Value {
    let faults: Vec<Value> = faults
        .iter()
        .map(|fault| json!({ "name": fault.name, "because": masking.plain(&fault.because) }))
        .collect();
    json!({
        "schema": "acewatch.subject/1",
        "subject": masking.plain(line),
        "ok": faults.is_empty(),
        "faults": faults,
    })
}

fn report(line: &str, faults: &[Fault], masking: &Masking) -> String {
    if faults.is_empty() {
        return format!("nothing is wrong with {:?}\n", masking.text(line));
    }
    let lines = faults.iter().map(|fault| {
        let name = render::styled(fault.name, render::ALARM);
        format!("{name}: {}\n", masking.text(&fault.because))
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &[&str]) {
        let names: Vec<&str> = lint(line, false).iter().map(|fault| fault.name).collect();
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
        assert_eq!(faults.iter().map(|fault| fault.name).collect::<Vec<_>>(), ["no_suffix"]);
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
    fn a_social_security_number_is_masked_in_every_answer() {
        let masking = &Masking::default();
        let line = "Marlow Tins, IR# 123-45-6789 (SSN)";
        assert!(!document(line, &[], masking).to_string().contains("123-45"));
        assert!(!report(line, &[], masking).contains("123-45"));
    }

    proptest::proptest! {
        #[test]
        fn any_line_gets_an_answer(line in ".{0,300}", is_fallback: bool) {
            lint(&line, is_fallback);
        }
    }
}
