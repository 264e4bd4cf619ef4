//! Subject lines: made of a company and a number, found fault with, and read back with prefixes.
#![no_main]

use acewatch::domain::subject_line::{composed, lint};
use acewatch::domain::importer::ImporterNumber;
use acewatch::domain::mention::mentions;
use acewatch::domain::message::{FolderRole, Message};
use acewatch_fuzz::{assert_is_safe_to_show, check_growth};
use chrono::DateTime;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (company, rest) = text.split_once('\n').unwrap_or((&text, "36-702918500"));
    let (number, line) = rest.split_once('\n').unwrap_or((rest, company));
    if let Ok(number) = number.parse() {
        make(company, &number);
    }
    read(line.as_bytes());
    check_growth(line.as_bytes(), read);
});

/// Shorter lines are kept whole.
const LONG: usize = 10_000;

/// A line with which nothing is wrong leads back to its number and no other.
fn make(company: &str, number: &ImporterNumber) {
    for is_fallback in [false, true] {
        let line = composed(company, number, is_fallback);
        if !lint(&line, is_fallback).is_empty() {
            continue;
        }
        for prefix in ["", "RE: ", "[EXTERNAL] Automatic reply: ", "FW: AW: "] {
            let message = parsed(&format!("{prefix}{line}"));
            let alone = parsed(&line);
            let expected = alone.subject_without_prefixes();
            assert_eq!(message.subject_without_prefixes(), expected, "{prefix}");
        }
        let found = mentions(&line);
        let well_shaped: Vec<_> = found.iter().filter(|mention| mention.is_well_shaped()).collect();
        assert!(!well_shaped.is_empty(), "{line:?}");
        for mention in well_shaped {
            assert!(mention.readings().iter().any(|reading| reading.covers(number)), "{line:?}");
        }
    }
}

fn read(data: &[u8]) {
    let line = String::from_utf8_lossy(data);
    for fault in lint(&line, false).iter().chain(&lint(&line, true)) {
        assert!(!fault.fault.as_str().is_empty() && !fault.because.is_empty());
    }
    let message = parsed(&line);
    assert_is_safe_to_show(&message.subject);
    let bare = message.subject_without_prefixes();
    assert!(message.subject.ends_with(bare));
    // What is decoded may itself look encoded, and would be decoded once more; and what is too long
    // was cut elsewhere.
    if !bare.contains("=?") && line.len() < LONG {
        assert_eq!(parsed(bare).subject_without_prefixes(), bare, "a prefix is left");
    }
}

fn parsed(line: &str) -> Message {
    let line: String =
        line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    let mail = format!("Subject: {line}\n\n");
    Message::parse(mail.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH)
}
