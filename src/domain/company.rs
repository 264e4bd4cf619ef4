//! Company names: one key for all the ways in which one name is written.
//!
//! CBP compares an applicant's name with the one on file (CBP Form 5106), but people write the
//! same company with and without its legal form, with `&` or "and", in capitals, without accents.
//! [`company_key`] makes these equal and keeps apart what is really different: it never compares
//! parts of words or bags of words, so "Meta Imports" is not "Metaverse Imports", and "Union
//! Pacific Trading" is not "Union Carbide Trading".
//!
//! A name is weak evidence. Candidates are looked up, never loaded: [`names_in`] lists the keys
//! that a text may contain, and the caller asks an index of registered keys which of them exist.
//! Two companies that differ only in their legal form have one key; the caller then finds two
//! applications and must not choose.

use std::collections::HashMap;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::importer::folding::is_invisible;

/// A company name as it was written, and the key by which it is compared.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CompanyName {
    /// The name as written, for showing.
    pub written: String,
    /// The name as compared; see [`company_key`].
    pub key: String,
}

impl CompanyName {
    /// Takes a name as written.
    pub fn new(written: impl Into<String>) -> Self {
        let written = written.into();
        let key = company_key(&written);
        Self { written, key }
    }

    /// The keys under which a name can be registered: the whole first, then its parts.
    ///
    /// Form 5106 has a field for DBA ("doing business as"), AKA and DIV names, and people write
    /// them into the company name: `Ptarmigan Wool Co. DBA "Snowfeather"` has the parts
    /// "ptarmigan wool" and "snowfeather".
    ///
    /// The legal name before the marker and a trading name of two or more words are as safe to
    /// match by as any name. A trading name of one word ("Metro") may occur in any text, so a
    /// match by it is weak. Left out, because others may bear them too: the name of a division
    /// (often a plain word like "Toys"), the parent after "a division of", and parts of a single
    /// word of fewer than four letters.
    pub fn parts(written: &str) -> Vec<String> {
        let words = joined(tokens(written, usize::MAX).iter().map(|token| token.word.as_str()));
        let is_slashed = written.to_lowercase().contains("t/a");
        let mut keys = vec![key_of(&words).0];
        for part in names_of(&words, is_slashed) {
            let key = key_of(part).0;
            let is_telling = key.contains(' ') || key.chars().count() > 3;
            if is_telling && n_letters(&key) > 0 && !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys.retain(|key| !key.is_empty());
        keys
    }
}

/// The form of a company name that is equal for equal companies.
///
/// Compatibility forms, accents, case and punctuation are folded; `&` and `+` become "and"; single
/// letters in a row become one word (L.L.C., A/S, J. P.); "the" before and legal forms after the
/// name are dropped, as is an "and" left dangling ("Chase & Co."). Something always remains:
/// "The Limited" is `limited`. A text without letters and digits has the empty key, which names
/// nothing and must not be registered. The key of a key is itself.
pub fn company_key(written: &str) -> String {
    key_of(&joined(tokens(written, usize::MAX).iter().map(|token| token.word.as_str()))).0
}

/// Whether a name says itself that it is a company's: it ends in a legal form.
pub fn has_legal_form(written: &str) -> bool {
    key_of(&joined(tokens(written, usize::MAX).iter().map(|token| token.word.as_str()))).1
}

/// The keys of everything in a text that may be a registered name, each once, in order.
///
/// They are meant for looking up in an index, see the module's comment. Every row of up to ten
/// words is a candidate, within a sentence and a line; a line of 60 characters or more is taken to
/// be wrapped by a mail program and goes on in the next. An initial counts as a word ("L.L.C." as
/// three). Only the first 400 words are looked at, so there are never more than 4,000 keys. Not
/// listed are keys with fewer than three letters: they are too short to tell a company.
///
/// A name within a longer one is found too: "Acme Imports" in "Acme Imports of Texas". See
/// [`sightings`] for telling these apart.
pub fn names_in(text: &str) -> Vec<String> {
    sightings(text).into_iter().map(|sighting| sighting.key).collect()
}

/// A possible name in a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sighting {
    /// The key to look up.
    pub key: String,
    /// Whether the name seems to be part of a longer one wherever it occurs: "of", "and" or a
    /// capitalised word touches it or its legal form without punctuation, or a legal form follows
    /// after more capitalised words: "Acme Imports LLC of Texas", "Acme Imports (Texas) LLC". Such
    /// a match is a guess.
    pub is_partial: bool,
}

/// Like [`names_in`], and says of each key whether it may be part of a longer name.
pub fn sightings(text: &str) -> Vec<Sighting> {
    let tokens = tokens(text, MOST_WORDS);
    let mut found: Vec<Sighting> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for (start, first) in tokens.iter().enumerate() {
        let row = tokens.get(start..).unwrap_or_default();
        let before = start.checked_sub(1).and_then(|before| tokens.get(before));
        let begins_within =
            before.is_some_and(|before| first.gap == Gap::Blank && before.leads_on());
        // Of the rows with one key the longest tells what follows the name: its own legal form
        // does not make it longer.
        let mut here: Vec<Sighting> = Vec::new();
        for length in 1..=row.len().min(LONGEST_NAME) {
            let Some((window, after)) = row.split_at_checked(length) else {
                break;
            };
            let Some(last) = window.last() else { break };
            if (length > 1 && last.gap == Gap::End) || last.word.len() > LONGEST_WORD {
                break;
            }
            let (key, has_form) = key_of(&joined(window.iter().map(|token| token.word.as_str())));
            if n_letters(&key) < 3 {
                continue;
            }
            let is_partial = begins_within || goes_on(after, has_form);
            match here.iter_mut().find(|sighting| sighting.key == key) {
                Some(sighting) => sighting.is_partial = is_partial,
                None => here.push(Sighting { key, is_partial }),
            }
        }
        for sighting in here {
            match places.get(&sighting.key).and_then(|place| found.get_mut(*place)) {
                Some(known) => known.is_partial &= sighting.is_partial,
                None => {
                    places.insert(sighting.key.clone(), found.len());
                    found.push(sighting);
                }
            }
        }
    }
    found
}

/// Whether a name probably goes on in the words after it.
fn goes_on(after: &[Token], has_form: bool) -> bool {
    let Some(next) = after.first() else { return false };
    let is_name = |token: &Token| token.is_name_like() && !is_of_a_sentence(&token.word);
    if next.gap == Gap::Blank && has_form {
        // What is complete goes on only with another name: "informed Acme LLC of the result".
        return match next.word.as_str() {
            "of" | "and" => after.get(1).is_some_and(|then| {
                then.gap == Gap::Blank && !then.is_number() && !is_of_a_sentence(&then.word)
            }),
            _ => is_name(next),
        };
    }
    let names = after.iter().take_while(|token| token.gap != Gap::End && is_name(token)).count();
    let has_form_later = 0 < names
        && names <= MOST_BETWEEN
        && after.get(names).is_some_and(|then| then.gap != Gap::End && then.is_form());
    (next.gap == Gap::Blank && next.follows_on()) || (!has_form && has_form_later)
}

/// Words that go on with a sentence and with no name, however they are written.
fn is_of_a_sentence(word: &str) -> bool {
    const WORDS: [&str; 34] = [
        "a",
        "all",
        "an",
        "any",
        "are",
        "as",
        "at",
        "been",
        "by",
        "from",
        "had",
        "has",
        "have",
        "in",
        "is",
        "it",
        "its",
        "may",
        "no",
        "not",
        "on",
        "our",
        "please",
        "regarding",
        "that",
        "the",
        "this",
        "to",
        "was",
        "we",
        "were",
        "will",
        "with",
        "your",
    ];
    WORDS.contains(&word)
}

/// Most words between a name and a legal form that makes a longer name of it.
const MOST_BETWEEN: usize = 3;
/// Most words in a name that is looked for; Form 5106 holds 32 characters per line.
const LONGEST_NAME: usize = 10;
/// Longest word of a name, in bytes; a hostile mail may hold a word of megabytes.
const LONGEST_WORD: usize = 64;
/// Most words of a text that are looked at; a name stands in the subject or the first lines.
const MOST_WORDS: usize = 400;
/// From this length on a line break is taken for a wrap (RFC 5322 §2.1.1 and RFC 3676 §4.2 advise
/// breaking before 78 characters).
const WRAPPED: usize = 60;

/// Legal forms as they look after folding, without their punctuation.
///
/// Only forms that are hardly ever part of a name proper; stacked ones ("GmbH & Co. KG", "Pty Ltd")
/// are dropped one after the other.
#[rustfmt::skip]
const LEGAL_FORMS: &[&[&str]] = &[
    // English-speaking countries.
    &["llc"], &["lc"], &["inc"], &["incorporated"], &["corp"], &["corporation"], &["co"],
    &["company"], &["ltd"], &["limited"], &["lp"], &["llp"], &["lllp"], &["plc"], &["pllc"],
    &["ulc"], &["pty"], &["pte"], &["pvt"], &["limited", "liability", "company"],
    &["limited", "partnership"], &["public", "limited", "company"], &["private", "limited"],
    &["proprietary", "limited"],
    // German, Dutch and the Nordic languages.
    &["gmbh"], &["ag"], &["kg"], &["kgaa"], &["ohg"], &["ug"], &["bv"], &["nv"], &["ab"], &["as"],
    &["asa"], &["aps"], &["oy"], &["oyj"],
    // Romance languages.
    &["sa"], &["sas"], &["sarl"], &["srl"], &["spa"], &["sl"], &["ltda"], &["sa", "de", "cv"],
    &["sab", "de", "cv"], &["sapi", "de", "cv"], &["s", "de", "rl"],
    &["s", "de", "rl", "de", "cv"],
    // Central Europe; single letters in a row, as in "sp. z o.o.", have become one word.
    &["kft"], &["zrt"], &["sro"], &["sp", "zoo"], &["sp", "z", "oo"],
    // Asia.
    &["kk"], &["gk"], &["bhd"], &["sdn", "bhd"],
];

/// Words between two names of one company, and whether the name after them is its own.
const MARKERS: &[(&str, bool)] = &[
    ("dba", true),
    ("doing business as", true),
    ("aka", true),
    ("also known as", true),
    ("fka", true),
    ("formerly known as", true),
    ("formerly", true),
    ("ta", true),
    ("trading as", true),
    ("a division of", false),
    ("division of", false),
    ("div of", false),
    ("div", false),
];

/// Capitalised words that stand beside a name and do not belong to it.
const OUTSIDERS: [&str; 26] = [
    "account",
    "ace",
    "action",
    "aka",
    "applicant",
    "application",
    "approved",
    "attention",
    "client",
    "company",
    "dba",
    "dear",
    "denied",
    "ein",
    "for",
    "form",
    "fw",
    "fwd",
    "hello",
    "importer",
    "ior",
    "re",
    "received",
    "rejected",
    "status",
    "update",
];

/// What stands between a word and the one before it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Gap {
    /// Blanks alone, or a wrapped line.
    Blank,
    /// Punctuation that a name may contain: a comma, parenthesis, quotation mark or dash.
    Mark,
    /// The end of a sentence or line: no name goes across it.
    End,
}

/// One folded word of a text.
struct Token {
    word: String,
    gap: Gap,
    is_capitalised: bool,
}

impl Token {
    /// Whether a name after this word, and only a blank away, probably began earlier.
    fn leads_on(&self) -> bool {
        self.word == "and" || self.is_name_like()
    }

    /// Whether a name before this word, and only a blank away, probably goes on.
    fn follows_on(&self) -> bool {
        self.word == "and" || self.word == "of" || self.is_name_like()
    }

    fn is_name_like(&self) -> bool {
        self.is_capitalised && !self.is_form() && !OUTSIDERS.contains(&self.word.as_str())
    }

    fn is_form(&self) -> bool {
        LEGAL_FORMS.iter().any(|form| **form == [self.word.as_str()])
    }

    fn is_number(&self) -> bool {
        self.word.starts_with(|c: char| c.is_ascii_digit())
    }
}

/// The first `most` words of a text, folded, with what separates them.
///
/// Each character is folded for itself, so that the words of a part are the same words wherever
/// the part stands: a name is found in a text by the key it has alone.
fn tokens(text: &str, most: usize) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut open = Token { word: String::new(), gap: Gap::End, is_capitalised: false };
    let mut n_line = 0;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if tokens.len() >= most {
            return tokens;
        }
        n_line += 1;
        for piece in std::iter::once(char).nfkd().filter(|piece| !leaves_no_trace(*piece)) {
            if piece.is_alphanumeric() {
                if open.word.is_empty() {
                    open.is_capitalised = char.is_uppercase();
                }
                piece.to_lowercase().for_each(|lower| fold_into(&mut open.word, lower));
                continue;
            }
            let ended = open.word.chars().count();
            close(&mut tokens, &mut open);
            if matches!(piece, '&' | '+') {
                open.word.push_str("and");
                close(&mut tokens, &mut open);
            }
            let next = chars.peek().copied();
            open.gap = open.gap.max(match piece {
                '\n' if n_line > WRAPPED && next.is_some_and(char::is_alphanumeric) => Gap::Blank,
                '\n' | ';' | ':' | '|' | '!' | '?' | '\u{2028}' | '\u{2029}' => Gap::End,
                // "Inc. Please" and "St. Louis" go on; after a longer word a stop ends a sentence.
                '.' if ended > 3 && next.is_none_or(char::is_whitespace) => Gap::End,
                '-' if next.is_some_and(char::is_whitespace) => Gap::Mark,
                '.' | '-' | '&' | '+' => Gap::Blank,
                _ if piece.is_whitespace() => Gap::Blank,
                _ => Gap::Mark,
            });
        }
        if char == '\n' {
            n_line = 0;
        }
    }
    close(&mut tokens, &mut open);
    tokens.truncate(most);
    tokens
}

/// Puts the open word, if there is one, to the others.
fn close(tokens: &mut Vec<Token>, open: &mut Token) {
    if !open.word.is_empty() {
        let next = Token { word: String::new(), gap: Gap::Blank, is_capitalised: false };
        tokens.push(std::mem::replace(open, next));
    }
}

/// Adds a lower-case letter without what has no decomposition in Unicode.
fn fold_into(word: &mut String, letter: char) {
    match letter {
        'æ' => word.push_str("ae"),
        'œ' => word.push_str("oe"),
        'ø' => word.push('o'),
        'ß' => word.push_str("ss"),
        'þ' => word.push_str("th"),
        'ð' | 'đ' => word.push('d'),
        'ħ' => word.push('h'),
        'ı' => word.push('i'),
        'ł' => word.push('l'),
        'ŋ' => word.push('n'),
        'ŧ' => word.push('t'),
        'ς' => word.push('σ'),
        // Lower-casing leaves the dot of İ behind.
        _ if is_combining_mark(letter) => {}
        _ => word.push(letter),
    }
}

/// Makes one word of single letters in a row: "l l c", "a s", "j p".
fn joined<'a>(words: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut is_after_letter = false;
    for word in words {
        let mut chars = word.chars();
        let is_letter = chars.next().is_some_and(char::is_alphabetic) && chars.next().is_none();
        match joined.last_mut() {
            Some(last) if is_letter && is_after_letter => last.push_str(word),
            _ => joined.push(word.to_owned()),
        }
        is_after_letter = is_letter;
    }
    joined
}

/// The key of folded and joined words, and whether a legal form ended them.
fn key_of(words: &[String]) -> (String, bool) {
    let mut rest = words;
    let mut has_form = false;
    loop {
        rest = match rest {
            [first, after @ ..] if !after.is_empty() && (first == "the" || first == "and") => after,
            [before @ .., last] if !before.is_empty() && (last == "and" || last == "the") => before,
            _ => {
                let length = LEGAL_FORMS
                    .iter()
                    .filter(|form| ends_with(rest, form))
                    .map(|form| form.len())
                    .filter(|length| *length < rest.len())
                    .max();
                let left = length.and_then(|length| rest.get(..rest.len() - length));
                let Some(left) = left else {
                    return (rest.join(" "), has_form);
                };
                has_form = true;
                left
            }
        };
    }
}

/// The rows of words between markers that are names of the company itself.
fn names_of(words: &[String], is_slashed: bool) -> Vec<&[String]> {
    let mut names = Vec::new();
    let mut begin = 0;
    let mut at = 0;
    let mut is_own = true;
    while let Some(rest) = words.get(at..).filter(|rest| !rest.is_empty()) {
        // "TA" is a marker only where it was written "t/a".
        let marker = MARKERS
            .iter()
            .find(|(marker, _)| starts_with(rest, marker) && (is_slashed || *marker != "ta"));
        let Some((marker, names_company)) = marker else {
            at += 1;
            continue;
        };
        names.extend(words.get(begin..at).filter(|_| is_own));
        is_own = *names_company;
        at += n_words(marker);
        begin = at;
    }
    names.extend(words.get(begin..).filter(|_| is_own));
    names
}

fn starts_with(words: &[String], phrase: &str) -> bool {
    words.iter().take(n_words(phrase)).eq(phrase.split(' '))
}

fn ends_with(words: &[String], phrase: &[&str]) -> bool {
    words.iter().rev().take(phrase.len()).eq(phrase.iter().rev())
}

fn n_words(phrase: &str) -> usize {
    phrase.split(' ').count()
}

fn n_letters(key: &str) -> usize {
    key.chars().filter(|char| char.is_alphabetic()).count()
}

/// Whether a character neither stands in a key nor parts two words.
fn leaves_no_trace(char: char) -> bool {
    is_apostrophe(char) || is_invisible(char) || is_combining_mark(char)
}

/// Signs that disappear inside a word: "Macy's" is "macys".
fn is_apostrophe(char: char) -> bool {
    matches!(char, '\'' | '`' | '\u{b4}' | '\u{2bc}' | '\u{2018}' | '\u{2019}' | '\u{ff07}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(written: &str, expected: &str) {
        assert_eq!(company_key(written), expected, "{written:?}");
    }

    #[test]
    fn ways_of_writing_one_name_have_one_key() {
        for (written, expected) in [
            ("Acme Imports LLC", "acme imports"),
            ("ACME IMPORTS, L.L.C.", "acme imports"),
            ("Acme Imports L L C", "acme imports"),
            ("The Acme Imports Inc.", "acme imports"),
            ("Acme  Imports\u{a0}Incorporated", "acme imports"),
            ("Acme Imports Corp", "acme imports"),
            ("Acme Imports Co., Ltd.", "acme imports"),
            ("Acme Imports Company Limited", "acme imports"),
            ("Acme Imports Limited Liability Company", "acme imports"),
            ("Acme Imports Pty Ltd", "acme imports"),
            ("Acme Imports Pte. Ltd.", "acme imports"),
            ("Acme Imports LLP", "acme imports"),
            ("Acme Imports PLLC", "acme imports"),
            ("Acme Imports PLC", "acme imports"),
            ("Acme Imports S.A. de C.V.", "acme imports"),
            ("Acme Imports S. de R.L. de C.V.", "acme imports"),
            ("Acme Imports S.A.", "acme imports"),
            ("Acme Imports SARL", "acme imports"),
            ("Acme Imports S.p.A.", "acme imports"),
            ("Acme Imports B.V.", "acme imports"),
            ("Acme Imports GmbH & Co. KG", "acme imports"),
            ("Acme Imports s.r.o.", "acme imports"),
            ("Acme Imports sp. z o.o.", "acme imports"),
            ("Acme Imports Sp. z.o.o.", "acme imports"),
            ("Acme Imports K.K.", "acme imports"),
            ("Acme Imports Kft.", "acme imports"),
            ("Acme Imports Oy", "acme imports"),
            ("Acme Imports ApS", "acme imports"),
            ("Ａｃｍｅ Imports", "acme imports"),
            ("Ac\u{ad}me Im\u{200b}ports", "acme imports"),
            ("JPMorgan Chase & Co.", "jpmorgan chase"),
            ("JPMorgan Chase", "jpmorgan chase"),
            ("Procter & Gamble Co.", "procter and gamble"),
            ("Procter and Gamble", "procter and gamble"),
            ("Procter＆Gamble", "procter and gamble"),
            ("Pomelo & Thyme Foods, Inc.", "pomelo and thyme foods"),
            ("Østerby Skibsudstyr A/S", "osterby skibsudstyr"),
            ("OSTERBY SKIBSUDSTYR AS", "osterby skibsudstyr"),
            ("Société Générale d'Été", "societe generale dete"),
            ("Straße Łódź Æther Ðelta", "strasse lodz aether delta"),
            ("STRASSE Lodz AETHER delta", "strasse lodz aether delta"),
            ("Cafe\u{301} Rouge", "cafe rouge"),
            ("İstanbul Ithalat", "istanbul ithalat"),
            ("Macy’s", "macys"),
            ("Coca-Cola", "coca cola"),
            ("J.P. Wool", "jp wool"),
            ("J P Wool", "jp wool"),
            ("Wool Company, The", "wool"),
            ("Ελλάς", "ελλασ"),
        ] {
            check(written, expected);
        }
    }

    #[test]
    fn something_always_remains_of_a_name() {
        for (written, expected) in [
            ("The Limited", "limited"),
            ("Co Company", "co"),
            ("Company", "company"),
            ("The", "the"),
            ("The The", "the"),
            ("& Co.", "co"),
            ("LLC Inc", "llc"),
            ("", ""),
            (" .,- ", ""),
        ] {
            check(written, expected);
        }
    }

    #[test]
    fn different_names_have_different_keys() {
        for (one, other) in [
            ("Meta Imports LLC", "Metaverse Imports Inc"),
            ("Acme Imports", "Acme Imports of Texas"),
            ("Acme Imports", "Acme Exports"),
            ("Union Pacific Trading", "Union Carbide Trading"),
            ("Mallard & Finch Outfitters Ltd", "Mallard Finch Outdoor LP"),
            ("Limited Edition Toys", "Edition Toys"),
            ("Co-Op Foods", "Op Foods"),
        ] {
            assert_ne!(company_key(one), company_key(other), "{one:?} {other:?}");
        }
    }

    #[test]
    fn a_name_with_a_trading_name_has_several_keys() {
        for (written, expected) in [
            (
                "Ptarmigan Wool Co. DBA \"Snowfeather\"",
                &["ptarmigan wool co dba snowfeather", "ptarmigan wool", "snowfeather"][..],
            ),
            ("Wool LLC d/b/a Snow Hat", &["wool llc dba snow hat", "wool", "snow hat"]),
            ("Wool Works t/a Snow", &["wool works ta snow", "wool works", "snow"]),
            ("Tokyo TA Works", &["tokyo ta works"]),
            ("Wool doing business as Snow", &["wool doing business as snow", "wool", "snow"]),
            (
                "Wool Works, formerly Felt Works",
                &["wool works formerly felt works", "wool works", "felt works"],
            ),
            ("Wool Works DIV Toys", &["wool works div toys", "wool works"]),
            ("Toy Works, a division of Wool Inc", &["toy works a division of wool", "toy works"]),
            ("Wool Works AKA WW", &["wool works aka ww", "wool works"]),
            ("Ridgeway Lantern Co", &["ridgeway lantern"]),
            ("3M", &["3m"]),
            ("DBA", &["dba"]),
            ("!", &[]),
        ] {
            assert_eq!(CompanyName::parts(written), expected, "{written:?}");
        }
    }

    #[test]
    fn a_name_keeps_what_was_written() {
        let name = CompanyName::new("Acme Imports, LLC");
        assert_eq!(
            (name.written.as_str(), name.key.as_str()),
            ("Acme Imports, LLC", "acme imports")
        );
    }

    #[test]
    fn a_name_is_found_where_it_stands_in_a_text() {
        for (text, name) in [
            ("RE: Ridgeway Lantern Co, EIN 54-8207361", "Ridgeway Lantern Co"),
            ("Pomelo & Thyme Foods, Inc. 68-139470200", "Pomelo and Thyme Foods Inc"),
            ("Applicant: Basalt Bicycle Works LLC,84-6602173-00", "Basalt Bicycle Works"),
            ("Top account: RIDGEWAY LANTERN CO (54820736100)", "Ridgeway Lantern Co"),
            ("Cinder Path Running Inc: request finished", "Cinder Path Running Inc"),
            ("Status – Ptarmigan Wool Co. DBA “Snowfeather” 91–407326100", "Snowfeather"),
            (
                "Status – Ptarmigan Wool Co. DBA “Snowfeather” 91–407326100",
                "Ptarmigan Wool Co. DBA \"Snowfeather\"",
            ),
            ("Østerby Skibsudstyr A/S, 252303-00418", "Osterby Skibsudstyr"),
            ("for St. Louis Felt S.A. de C.V. today", "St. Louis Felt"),
            ("the application of galena glass company is", "Galena Glass Company"),
            (
                "Your form came in; it is the one of the company known as Galena\nGlass Company.",
                "Galena Glass",
            ),
        ] {
            assert!(names_in(text).contains(&company_key(name)), "{text:?}");
        }
    }

    #[test]
    fn no_name_is_found_where_none_stands() {
        for (text, name) in [
            ("Acme\nImports", "Acme Imports"),
            ("We met Acme. Imports rose", "Acme Imports"),
            ("Metaverse Imports Inc", "Meta Imports"),
            ("Union Carbide Trading", "Union Pacific Trading"),
            ("IT is a 12 of 1234567", "It"),
            ("account 1234567", "1234567"),
        ] {
            assert!(!names_in(text).contains(&company_key(name)), "{text:?}");
        }
    }

    #[test]
    fn a_name_inside_a_longer_one_is_partial() {
        for (text, name, expected) in [
            ("Acme Imports of Texas", "Acme Imports", true),
            ("Acme Imports of Texas", "Acme Imports of Texas", false),
            ("Acme Imports Logistics LLC", "Acme Imports", true),
            ("Great Acme Imports LLC", "Acme Imports", true),
            ("Mallard & Finch Outfitters Ltd", "Finch Outfitters", true),
            ("Dear Acme Imports LLC 12-345678900", "Acme Imports", false),
            ("Acme Imports LLC Approved", "Acme Imports", false),
            ("Acme Imports 12-345678900", "Acme Imports", false),
            ("Acme Imports - Approved", "Acme Imports", false),
            ("Acme Imports has an account", "Acme Imports", false),
            ("Acme Imports of Texas. Acme Imports, too", "Acme Imports", false),
            ("Acme Imports LLC of Texas Holdings", "Acme Imports LLC", true),
            ("Acme Imports L.L.C. of Texas", "Acme Imports LLC", true),
            ("acme imports llc of texas", "Acme Imports LLC", true),
            ("Global Acme Imports LLC", "Acme Imports LLC", true),
            ("Acme Imports LLC Holdings", "Acme Imports LLC", true),
            ("Acme Imports (Texas) LLC", "Acme Imports LLC", true),
            ("Acme Imports, West Coast Division Inc.", "Acme Imports LLC", true),
            ("Acme Imports LLC and Juniper Lamp Works Inc", "Acme Imports LLC", true),
            ("ACME IMPORTS LLC HAS BEEN APPROVED", "Acme Imports LLC", false),
            ("we informed Acme Imports LLC of the result", "Acme Imports LLC", false),
            ("Acme Imports LLC and we need a form", "Acme Imports LLC", false),
            ("Acme Imports LLC of 12-345678900", "Acme Imports LLC", false),
            ("Acme Imports, LLC, EIN 12-3456789", "Acme Imports LLC", false),
            ("Acme Imports LLC, Juniper Lamp Works Inc", "Acme Imports LLC", false),
        ] {
            let key = company_key(name);
            let found = sightings(text).into_iter().find(|sighting| sighting.key == key);
            assert_eq!(found.map(|sighting| sighting.is_partial), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn the_keys_of_a_text_are_bounded_and_differ() {
        let text: String = (0..100_000).map(|n| format!("Word{n} ")).collect();
        let names = names_in(&text);
        assert!(names.len() <= MOST_WORDS * LONGEST_NAME, "{}", names.len());
        let mut sorted = names.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len());
        assert!(names_in(&"x".repeat(5_000_000)).is_empty());
    }

    #[test]
    fn no_character_changes_a_key_that_is_folded_again() {
        // Left out are the large blocks of East Asian signs, which fold to themselves.
        let chars = ('\0'..='\u{33ff}').chain('\u{a000}'..='\u{abff}');
        for char in chars.chain('\u{f900}'..='\u{1ffff}') {
            let key = company_key(&format!("a{char}b {char}"));
            assert_eq!(company_key(&key), key, "{}", char.escape_unicode());
        }
    }

    proptest! {
        #[test]
        fn the_key_of_a_key_is_itself(written in "\\PC{0,40}") {
            let key = company_key(&written);
            prop_assert_eq!(company_key(&key), key);
        }

        #[test]
        fn the_key_of_a_key_of_a_likely_name_is_itself(
            words in proptest::collection::vec(
                "the|and|&|co\\.|llc|a|b|of|acme|Øre|s\\.|de|cv|ltd|z|o|sp", 0..8,
            ),
        ) {
            let key = company_key(&words.join(" "));
            prop_assert_eq!(company_key(&key), key.clone());
            prop_assert_eq!(key.is_empty(), words.is_empty());
        }

        #[test]
        fn a_name_is_found_by_its_key_in_any_sentence(
            words in proptest::collection::vec("[A-Z][a-zé]{2,8}", 1..6),
            form in "( LLC| Inc\\.|, Inc\\.| Co\\., Ltd\\.|)",
            after in "(, EIN 12-3456789| 12-345678900| \\(12|: done)",
        ) {
            let name = words.join(" ") + &form;
            let text = format!("Hello,\nabout {name}{after}");
            prop_assert!(names_in(&text).contains(&company_key(&name)), "{}", text);
        }

        #[test]
        fn any_text_is_taken_without_harm(text in "\\PC{0,200}") {
            let names = names_in(&text);
            prop_assert!(names.iter().all(|name| company_key(name) == *name));
            let _ = CompanyName::parts(&text);
        }
    }
}
