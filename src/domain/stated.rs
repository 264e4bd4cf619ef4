//! The company that a mail states, in the places where a company stands.
//!
//! When a person says which application a mail is about, the name in it is learnt. A wrong name
//! would move wrong applications for years, so only such words are taken that stand where a
//! company stands: in the subject between its marks, after a label ("Company: …") in the text, or
//! in "the application of …". Names elsewhere may be anybody's, the broker's own among them.

use std::sync::LazyLock;

use regex::Regex;

use super::company::{CompanyName, company_key, has_legal_form};
use super::mention::mentions;

/// The one company that subject and new text state; `None` where there is none, or several.
///
/// Written forms of one name count once. A name that says too little to tell a company by, a
/// single word or common words of trade, is none.
pub fn stated_company(subject: &str, text: &str) -> Option<CompanyName> {
    let mut found = stated(subject, text).into_iter();
    match (found.next(), found.next()) {
        (Some(name), None) if is_telling(&name.key) => Some(name),
        _ => None,
    }
}

/// Whether what is stated may be another name of a company that is registered under these: it has a
/// legal form, or one of its telling words is theirs, too. Else it may be any capitalised words that
/// stand where a company does ("Missing Page", "Company: Not Available"), and would lead every mail
/// with these words to the application.
pub fn may_be_a_name_of(name: &CompanyName, registered: &[&str]) -> bool {
    let words = |key: &str| -> Vec<String> { key.split(' ').map(str::to_owned).collect() };
    let theirs: Vec<String> =
        registered.iter().flat_map(|written| words(&company_key(written))).collect();
    has_legal_form(&name.written)
        || words(&name.key).iter().any(|word| tells(word) && theirs.contains(word))
}

/// Most bytes of the text that are looked at.
const MOST_TEXT: usize = 20_000;
/// Most words of a name; Form 5106 holds 32 characters per line.
const MOST_WORDS: usize = 8;

static LABEL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?mi)^[ \t>*-]*(?:company(?: name)?|name of (?:the )?company|applicant(?: name)?|client|importer(?: name| of record)?|account name|legal name|business name|top account)[ \t]*[:#][ \t]*([^\n]+)$",
    )
    .ok()
});

static SENTENCE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?:application|account|request)s?\s+(?:of|for|from)\s+([^\n;:|]{2,120})")
        .ok()
});

/// Every name that is stated, each key once.
fn stated(subject: &str, text: &str) -> Vec<CompanyName> {
    let text = text.get(..text.floor_char_boundary(MOST_TEXT)).unwrap_or(text);
    // Mail programs wrap a sentence anywhere, and a label begins a line.
    let flowing = text.replace('\n', " ");
    let captured = |regex: &LazyLock<Option<Regex>>, text: &str| -> Vec<String> {
        regex
            .iter()
            .flat_map(|regex| regex.captures_iter(text))
            .filter_map(|found| found.get(1).map(|name| name.as_str().to_owned()))
            .collect()
    };
    let in_subject = pieces(subject).into_iter().filter_map(|piece| name_in(&piece));
    let in_lines = captured(&LABEL, text);
    let in_lines = in_lines.iter().filter_map(|line| pieces(line).into_iter().next());
    let in_lines = in_lines.filter_map(|piece| name_in(&piece));
    let in_sentences = captured(&SENTENCE, &flowing);
    let in_sentences = in_sentences.iter().filter_map(|rest| pieces(rest).into_iter().next());
    let in_sentences = in_sentences.filter_map(|piece| name_in(&leading_name(&piece)));
    let mut found: Vec<CompanyName> = Vec::new();
    for name in in_subject.chain(in_lines).chain(in_sentences) {
        if !found.iter().any(|known| known.key == name.key) {
            found.push(name);
        }
    }
    found
}

/// A text cut where a name ends: at numbers and at marks, but not before a legal form.
fn pieces(text: &str) -> Vec<String> {
    let mut cut = String::new();
    let mut from = 0;
    for mention in mentions(text) {
        cut.push_str(text.get(from..mention.start).unwrap_or(""));
        cut.push('|');
        from = mention.end;
    }
    cut.push_str(text.get(from..).unwrap_or(""));
    for dash in [" - ", " – ", " — "] {
        cut = cut.replace(dash, "|");
    }
    let mut found: Vec<String> = Vec::new();
    for piece in cut.split(['|', ':', ';', '(', ')', '[', ']', '"', '“', '”', '#']) {
        for (place, part) in piece.split(',').enumerate() {
            let is_form = !part.trim().is_empty() && company_key(&format!("xx {part}")) == "xx";
            match found.last_mut() {
                Some(last) if 0 < place && is_form => {
                    last.push(',');
                    last.push_str(part);
                }
                _ => found.push(part.to_owned()),
            }
        }
    }
    found
}

/// The words of a sentence up to the first that no name holds.
fn leading_name(piece: &str) -> String {
    let goes_on = |word: &&str| {
        let is_link = matches!(*word, "of" | "and" | "&" | "de" | "the");
        is_link || word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
    };
    let mut words: Vec<&str> = Vec::new();
    for word in piece.split_whitespace().take_while(goes_on) {
        words.push(word);
        // "… of Acme Imports. We will …": an abbreviation is short.
        if word.ends_with('.')
            && 5 < word.chars().count()
            && !word.trim_end_matches('.').contains('.')
        {
            break;
        }
    }
    words.join(" ")
}

/// What is left of a piece without the words that stand around names, if that is a name.
fn name_in(piece: &str) -> Option<CompanyName> {
    let mut words: Vec<&str> = piece.split_whitespace().collect();
    let is_around = |word: &str| {
        let word = bare(word);
        word.is_empty() || AROUND.contains(&word.as_str())
    };
    while words.last().is_some_and(|word| is_around(word)) {
        words.pop();
    }
    while words.first().is_some_and(|word| is_around(word)) {
        words.remove(0);
    }
    let is_link = |word: &str| matches!(word, "of" | "and" | "&" | "de" | "the" | "la" | "du");
    let is_name = words.iter().all(|word| {
        is_link(word) || word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
    });
    let has_letters = words.iter().any(|word| word.chars().any(char::is_alphabetic));
    if words.is_empty() || MOST_WORDS < words.len() || !is_name || !has_letters {
        return None;
    }
    let written = words.join(" ");
    let written = written.trim_end_matches([',', '!', '?', ' ']).to_owned();
    let name = CompanyName::new(written);
    (!name.key.is_empty()).then_some(name)
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// Whether a name tells a company: two words at least, one of them no common word of trade.
fn is_telling(key: &str) -> bool {
    let words: Vec<&str> = key.split(' ').collect();
    2 <= words.len() && words.iter().any(|word| tells(word))
}

/// Whether a word is more than a common word of trade, or one that stands around names.
fn tells(word: &str) -> bool {
    2 < word.chars().filter(|c| c.is_alphabetic()).count()
        && !COMMON.contains(&word)
        && !AROUND.contains(&word)
}

/// Words that stand around a name and are no part of it.
#[rustfmt::skip]
const AROUND: [&str; 79] = [
    "a", "about", "account", "accounts", "ace", "an", "and", "answer", "applicant", "application",
    "applications", "approval", "approved", "are", "attached", "by", "cbp", "client", "closed",
    "company", "complete", "confirmation", "created", "customs", "decision", "denied", "document",
    "documents", "ein", "email", "external", "final", "follow-up", "for", "form", "from", "fw",
    "fwd", "has", "have", "in", "incomplete", "information", "ior", "ior#", "ir", "is", "importer",
    "mail", "message", "missing", "name", "new", "no", "notice", "notification", "number", "of",
    "on", "pending", "please", "portal", "question", "re", "received", "regarding", "rejected",
    "reply", "request", "required", "response", "returned", "status", "submission", "the", "to",
    "update", "was", "your",
];

/// Words that many companies have in their names.
#[rustfmt::skip]
const COMMON: [&str; 34] = [
    "american", "and", "border", "broker", "brokerage", "brokers", "co", "corporation",
    "department", "distribution", "enterprises", "exports", "global", "group", "holding",
    "holdings", "import", "imports", "industries", "international", "logistics", "national",
    "office", "products", "protection", "security", "service", "services", "solutions", "supply",
    "team", "trade", "trading", "usa",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(subject: &str, text: &str, expected: Option<&str>) {
        let found = stated_company(subject, text);
        assert_eq!(found.as_ref().map(|name| name.written.as_str()), expected, "{subject} {text}");
    }

    #[test]
    fn a_company_is_found_where_one_stands() {
        for (subject, expected) in [
            ("ACME IMPORT L.L.C., 12-3456789", "ACME IMPORT L.L.C."),
            ("ACE Account Application - ACME IMPORT, L.L.C. - 12-345678900", "ACME IMPORT, L.L.C."),
            (
                "ACE portal account application for Acme Import LLC (IOR# 12-345678900)",
                "Acme Import LLC",
            ),
            ("Approved: Acme Import LLC", "Acme Import LLC"),
            ("Status update - Acme Import", "Acme Import"),
            ("12-345678900 / Bank of Acme", "Bank of Acme"),
        ] {
            let expected = expected.trim_start_matches("/ ");
            let found = stated_company(subject, "").map(|name| name.key);
            assert_eq!(found, Some(company_key(expected)), "{subject}");
        }
        check(
            "Your request",
            "Hello,\nCompany: Acme Import LLC\nNumber: 12-3456789",
            Some("Acme Import LLC"),
        );
        check(
            "ACE",
            "We have the application of Acme\nImport LLC and look at it.",
            Some("Acme Import LLC"),
        );
        check(
            "Acme Import LLC",
            "the account for ACME IMPORT L.L.C. was made",
            Some("Acme Import LLC"),
        );
    }

    #[test]
    fn what_is_no_company_or_one_of_several_is_not_learnt() {
        for (subject, text) in [
            ("Your ACE portal account application", "We received your application."),
            ("Please see the attached form", "Dear Lindqvist Brokers LLC,\nthank you."),
            ("Approved", "the application for an ACE account"),
            ("Global Trading", ""),
            ("Metro", ""),
            ("Acme Import LLC", "Company: Juniper Lamps Inc"),
            ("12-345678900", ""),
            ("", ""),
            ("we got the mail of acme import", ""),
            ("Customs and Border Protection", ""),
        ] {
            check(subject, text, None);
        }
    }

    #[test]
    fn only_what_looks_like_the_company_may_be_another_name_of_it() {
        let registered = ["Acme Imports LLC", "Red Fox Trading"];
        for (name, expected) in [
            ("ACME IMPORT", true),
            ("Red Foxes of Fox", true),
            ("Juniper Home Goods LLC", true),
            ("Bluebird Ceramics, S.A. de C.V.", true),
            ("Missing Page", false),
            ("Not Available", false),
            ("Hello 3", false),
            ("Second Trading Imports Reminder", false),
        ] {
            assert_eq!(may_be_a_name_of(&CompanyName::new(name), &registered), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_without_harm(subject in "\\PC{0,80}", text in "(\\PC|\n|Company: ){0,120}") {
            if let Some(name) = stated_company(&subject, &text) {
                prop_assert_eq!(company_key(&name.written), name.key);
            }
        }
    }
}
