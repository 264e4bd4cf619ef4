//! The rules by which a mail's kind is told, as values.
//!
//! CBP's wordings are not public and change without notice, so they are data: `config/rules.toml`
//! holds them, a user's own `rules.toml` goes on top, and this file only knows how to read and
//! apply them. A mail says several things: "your form has arrived" in one sentence and "approved
//! accounts get a separate mail" in the next. So three steps lead to its kind:
//!
//! 1. the text is cut into clauses, short forms are written out, and small print and set phrases
//!    are taken out ([`Rules::clauses`]);
//! 2. each *finding* ("the account exists", "something is wanted") looks at one clause at a time,
//!    where what stands before or beside its words can take them back: "once it is approved";
//! 3. the first *rule* whose findings and other conditions hold gives the kind.
//!
//! Patterns are compiled when they are first needed: most calls of the program read no new mail.
//! They work on bytes and know ASCII only, which folded text is wherever a pattern looks: the
//! automata of the Unicode classes cost a hundred times the memory.

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use super::kind::{Kind, Reason};

const BUILT_IN: &str = include_str!("../../config/rules.toml");

/// The rules in force, in the order in which they are tried.
#[derive(Clone, Debug)]
pub struct Rules {
    spellings: BTreeMap<String, String>,
    boilerplate: Boilerplate,
    findings: Vec<Finding>,
    rules: Vec<Rule>,
    reasons: Vec<ReasonRule>,
    tickets: Vec<Pattern>,
}

/// One rule: the kind it gives, and the conditions that must all hold.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The name under which `explain` cites the rule.
    pub id: String,
    /// The kind of a mail that fits.
    pub kind: Kind,
    /// Whether a person must look even if the mail is authentic and matched.
    pub review: bool,
    /// Whether the words of the mail may decide otherwise, because the rule knows nothing of them.
    pub is_last_resort: bool,
    from: Patterns,
    header: Vec<(String, Pattern)>,
    subject: Patterns,
    cue: Cue,
    unless: Patterns,
    found: Vec<usize>,
    needs: Vec<usize>,
    not_found: Vec<usize>,
    automatic: Option<bool>,
    thread: Option<bool>,
}

/// Something that a mail says, in whichever words; rules combine them by name.
#[derive(Clone, Debug)]
struct Finding {
    id: String,
    cue: Cue,
}

/// Words that mean something in a clause, unless others take it back.
#[derive(Clone, Debug)]
struct Cue {
    sentence: Patterns,
    not_before: Patterns,
    not: Patterns,
}

/// Where a cue's words stand: the clause, and the pattern that found them.
#[derive(Clone, Copy, Debug)]
struct Spoken {
    clause: usize,
    pattern: usize,
}

/// What does not speak: small print, signatures, set phrases.
#[derive(Clone, Debug)]
struct Boilerplate {
    rest: Patterns,
    sentence: Patterns,
    phrase: Option<Pattern>,
}

/// What a rule is tried on: folded texts (see [`fold`]) and the facts of the envelope.
#[derive(Clone, Debug)]
pub struct Evidence<'a> {
    /// The sender's address in lower case.
    pub from: &'a str,
    /// Header names and values from the top, as received.
    pub headers: &'a [(String, String)],
    /// The subject without reply prefixes, folded.
    pub subject: &'a str,
    /// What the mail says, as [`Rules::clauses`] gives it.
    pub sentences: &'a [String],
    /// Whether a machine wrote the mail (RFC 3834).
    pub automatic: bool,
    /// Whether the mail stands in the thread of one of our submissions.
    pub in_thread: bool,
}

/// Why a rule fits: the words that decided, folded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Fit {
    /// The phrase found, or the condition that held where no phrase was asked for.
    pub phrase: String,
}

/// What is wrong with a rules file.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file is not TOML of the expected form; the text names line and key.
    #[error("{0}")]
    Form(String),
    /// A pattern is not a regular expression that can be used.
    #[error("rule `{rule}`: the pattern {pattern:?} is not valid: {why}")]
    Pattern {
        /// The rule's id.
        rule: String,
        /// The pattern as written.
        pattern: String,
        /// What the regex compiler says.
        why: String,
    },
    /// A rule cites a set that no file defines.
    #[error("rule `{rule}`: there is no set `@{set}`")]
    Set {
        /// The rule's id.
        rule: String,
        /// The set's name.
        set: String,
    },
    /// A rule or finding cites a name that no file defines.
    #[error("rule `{rule}`: there is no {what} `{name}`")]
    Name {
        /// The rule's id.
        rule: String,
        /// "finding" or "word".
        what: &'static str,
        /// The name as written.
        name: String,
    },
    /// A kind or reason that the program does not know.
    #[error("rule `{rule}`: unknown {what} `{value}`")]
    Value {
        /// The rule's id.
        rule: String,
        /// "kind" or "reason".
        what: &'static str,
        /// The value as written.
        value: String,
    },
}

impl Rules {
    /// Reads the built-in rules with the text of a user's rules file, if there is one, on top.
    ///
    /// A user's rules are tried first; one with the id of a built-in rule replaces it, and
    /// `disabled = true` takes it out.
    ///
    /// # Errors
    ///
    /// The first fault of either text, naming the rule.
    pub fn read(user: Option<&str>) -> Result<Rules, RulesError> {
        Rules::read_over(BUILT_IN, user)
    }

    /// The same with another text in the place of the built-in rules.
    pub(crate) fn read_over(built_in: &str, user: Option<&str>) -> Result<Rules, RulesError> {
        let built_in = RuleFile::parse(built_in)?;
        let user = user.map(RuleFile::parse).transpose()?;
        // The built-in patterns are proved by a test, and checking them takes a tenth of a second.
        let is_checked = user.is_some();
        let user = user.unwrap_or_default();
        let mut sets = built_in.sets;
        sets.extend(user.sets);
        let mut words = built_in.words;
        words.extend(user.words);
        let names = Names { sets, words, is_checked, known: RefCell::default() };
        let findings: Vec<Finding> = on_top(user.finding, built_in.finding, |entry| &entry.id)
            .into_iter()
            .map(|entry| {
                let cue =
                    Cue::named(&entry.id, entry.sentence, entry.not_before, entry.not, &names)?;
                Ok(Finding { id: entry.id, cue })
            })
            .collect::<Result<_, RulesError>>()?;
        let rules = on_top(user.rule, built_in.rule, |entry| &entry.id)
            .into_iter()
            .filter(|rule| !rule.disabled)
            .map(|rule| rule.named(&names, &findings))
            .collect::<Result<_, _>>()?;
        let reasons = user
            .reason
            .into_iter()
            .chain(built_in.reason)
            .map(|reason| reason.named(&names))
            .collect::<Result<_, _>>()?;
        let tickets = user
            .tickets
            .iter()
            .chain(&built_in.tickets)
            .map(|pattern| Pattern::new("tickets", pattern.clone(), &names))
            .collect::<Result<_, _>>()?;
        let boilerplate = built_in.boilerplate.joined(user.boilerplate).named(&names)?;
        let mut spellings = built_in.spellings;
        spellings.extend(user.spellings);
        Ok(Rules { spellings, boilerplate, findings, rules, reasons, tickets })
    }

    /// Cuts a text into clauses that mean what they say: folded, without small print and set
    /// phrases, and with the companies' names replaced, because "Denied Brands LLC" denies nothing.
    ///
    /// At most a thousand sentences are read, from the first 64 KiB.
    pub fn clauses(&self, text: &str, companies: &[String]) -> Vec<String> {
        let mut clauses = Vec::new();
        for sentence in sentences(text) {
            let sentence = self.written_out(&sentence);
            if self.boilerplate.rest.is_match(&sentence) {
                break;
            }
            if !self.boilerplate.sentence.is_match(&sentence) {
                clauses.extend(split_clauses(&self.bare(&sentence, companies)));
            }
        }
        clauses
    }

    /// A folded text with short forms written out: "can't", "acct", "rcvd"; an underscore, which
    /// joins the words of a machine's values, becomes a blank.
    fn written_out(&self, text: &str) -> String {
        let mut written = String::with_capacity(text.len());
        let is_within = |c: char| c.is_ascii_alphanumeric() || c == '\'';
        for part in text.split_inclusive(|c: char| !is_within(c)) {
            let word = part.trim_end_matches(|c: char| !is_within(c));
            let after = part.strip_prefix(word).unwrap_or("");
            let whole = (word, "");
            let (stem, ending) = match word.find('\'') {
                _ if self.spellings.contains_key(word) => whole,
                Some(at) if word.ends_with("n't") => {
                    word.split_at_checked(at.saturating_sub(1)).unwrap_or(whole)
                }
                Some(at) => word.split_at_checked(at).unwrap_or(whole),
                None => whole,
            };
            for piece in [stem, ending] {
                written.push_str(self.spellings.get(piece).map_or(piece, String::as_str));
            }
            written.push_str(if after == "_" { " " } else { after });
        }
        written
    }

    /// A folded text without set phrases and with the companies' names replaced.
    pub fn bare(&self, text: &str, companies: &[String]) -> String {
        let mut text = text.to_owned();
        for name in companies.iter().flat_map(|company| spoken_names(company)) {
            text = text.replace(&name, "the company");
        }
        match self.boilerplate.phrase.as_ref().and_then(Pattern::regex) {
            Some(phrase) => String::from_utf8_lossy(&phrase.replace_all(text.as_bytes(), &b""[..]))
                .trim_start_matches([',', ' '])
                .to_owned(),
            None => text,
        }
    }

    /// The first rule that fits, and the words that made it fit.
    pub fn first_fit(&self, evidence: &Evidence) -> Option<(&Rule, Fit)> {
        let found: Vec<Option<Spoken>> =
            self.findings.iter().map(|finding| finding.cue.spoken_in(evidence.sentences)).collect();
        self.rules.iter().find_map(|rule| {
            let phrase_of = |index: usize| {
                let spoken = found.get(index)?.as_ref()?;
                self.findings.get(index).map(|finding| finding.cue.words(evidence, spoken))
            };
            rule.fit(evidence, &phrase_of).map(|fit| (rule, fit))
        })
    }

    /// The reason that a rejection or a request states, if it states one we know.
    pub fn reason(&self, sentences: &[String]) -> Option<(Reason, Fit)> {
        self.reasons.iter().find_map(|rule| {
            sentences
                .iter()
                .filter(|sentence| !rule.not.is_match(sentence))
                .find_map(|sentence| rule.sentence.find(sentence))
                .map(|(_, phrase)| (rule.reason, Fit { phrase }))
        })
    }

    /// The ticket numbers in a text, upper case, in order of appearance.
    pub fn tickets(&self, text: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for pattern in self.tickets.iter().filter_map(Pattern::regex) {
            for hit in pattern.find_iter(text.as_bytes()) {
                let ticket = text.get(hit.range()).unwrap_or_default().to_ascii_uppercase();
                if !found.contains(&ticket) {
                    found.push(ticket);
                }
            }
        }
        found
    }

    /// The ids of all rules in the order in which they are tried.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.id.as_str())
    }
}

impl Rule {
    /// `phrase_of` gives the words that made a finding hold.
    fn fit(&self, evidence: &Evidence, phrase_of: &dyn Fn(usize) -> Option<String>) -> Option<Fit> {
        let mut why = None;
        if self.automatic.is_some_and(|wanted| wanted != evidence.automatic)
            || self.thread.is_some_and(|wanted| wanted != evidence.in_thread)
        {
            return None;
        }
        if !self.from.is_empty() {
            why = Some(format!("from {}", self.from.find(evidence.from)?.1));
        }
        if !self.header.is_empty() {
            let (name, value) = evidence.headers.iter().find(|(name, value)| {
                let value = value.to_ascii_lowercase();
                self.header.iter().any(|(wanted, pattern)| {
                    name.eq_ignore_ascii_case(wanted) && pattern.is_match(&value)
                })
            })?;
            why = Some(format!("header {name}: {}", value.trim()));
        }
        if !self.subject.is_empty() {
            why = Some(self.subject.find(evidence.subject)?.1);
        }
        if !self.cue.sentence.is_empty() {
            why = Some(self.cue.words(evidence, &self.cue.spoken_in(evidence.sentences)?));
        }
        if !self.found.is_empty() {
            why = Some(self.found.iter().find_map(|index| phrase_of(*index))?);
        }
        if !self.needs.is_empty() {
            let also = self.needs.iter().find_map(|index| phrase_of(*index))?;
            why = why.map(|phrase: String| format!("{phrase} … {also}"));
        }
        if self.not_found.iter().any(|index| phrase_of(*index).is_some())
            || evidence.sentences.iter().any(|sentence| self.unless.is_match(sentence))
        {
            return None;
        }
        Some(Fit { phrase: why.unwrap_or_else(|| "nothing more particular fits".to_owned()) })
    }
}

impl Cue {
    fn named(
        id: &str,
        sentence: Vec<String>,
        not_before: Vec<String>,
        not: Vec<String>,
        names: &Names,
    ) -> Result<Cue, RulesError> {
        Ok(Cue {
            sentence: patterns(id, sentence, names)?,
            not_before: patterns(id, not_before, names)?,
            not: patterns(id, not, names)?,
        })
    }

    /// Where the words stand: in the first clause that means them, not hedged by what stands
    /// before them, and not taken back by anything beside them.
    fn spoken_in(&self, clauses: &[String]) -> Option<Spoken> {
        // Where a hedge is found depends on where the words are, and that costs a compilation.
        let may_end_early = self.not_before.sources.iter().any(|source| source.contains('$'));
        clauses.iter().enumerate().find_map(|(at, clause)| {
            if !self.sentence.is_match(clause) || self.not.is_match(clause) {
                return None;
            }
            let mut patterns = self.sentence.matches(clause).into_iter();
            let pattern = match may_end_early || self.not_before.is_match(clause) {
                false => patterns.next(),
                true => patterns.find(|pattern| {
                    self.sentence.found_by(*pattern, clause).is_some_and(|(start, phrase)| {
                        let until_cue = clause.get(..start + phrase.len()).unwrap_or(clause);
                        !self.not_before.is_match(until_cue)
                    })
                }),
            }?;
            Some(Spoken { clause: at, pattern })
        })
    }

    /// The words that a place stands for.
    fn words(&self, evidence: &Evidence, spoken: &Spoken) -> String {
        let clause = evidence.sentences.get(spoken.clause).map_or("", String::as_str);
        self.sentence.found_by(spoken.pattern, clause).map_or_else(String::new, |(_, words)| words)
    }
}

/// A user's entries, then the built-in ones whose names they do not bear.
fn on_top<T>(user: Vec<T>, built_in: Vec<T>, id: fn(&T) -> &String) -> Vec<T> {
    let replaced: Vec<String> = user.iter().map(|entry| id(entry).clone()).collect();
    let kept = built_in.into_iter().filter(|entry| !replaced.contains(id(entry)));
    user.into_iter().chain(kept).collect()
}

/// How a mail may name a company: in full, and without its legal form where two words remain.
fn spoken_names(company: &str) -> Vec<String> {
    const LEGAL_FORMS: [&str; 12] = [
        "inc",
        "incorporated",
        "llc",
        "l.l.c",
        "corp",
        "corporation",
        "ltd",
        "limited",
        "co",
        "company",
        "llp",
        "plc",
    ];
    let full = fold(company);
    let mut words: Vec<&str> = full.split(' ').collect();
    while words.last().is_some_and(|word| LEGAL_FORMS.contains(&word.trim_matches(['.', ',']))) {
        words.pop();
    }
    let short = words.join(" ").trim_end_matches([',', '.']).to_owned();
    let is_name = |name: &String| name.contains(' ') && 6 < name.len();
    [full, short].into_iter().filter(is_name).collect()
}

/// Folds a text for the rules: lower case, plain ASCII letters, straight quotes and dashes, single
/// blanks; so that patterns need to know neither case nor typography.
pub fn fold(text: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    let mut folded = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '`' | '\u{b4}' => folded.push('\''),
            '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{ab}' | '\u{bb}' => folded.push('"'),
            '\u{2010}'..='\u{2015}' | '\u{2212}' => folded.push('-'),
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{feff}' => {}
            c if c.is_whitespace() => {
                if !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            c => folded.extend(c.to_lowercase()),
        }
    }
    folded.trim().to_owned()
}

/// Splits a text into its sentences, each folded: at most a thousand of them, from its first 64 KiB.
///
/// A line that was only wrapped continues its sentence; a short line, as in a list or a form, is a
/// sentence of its own.
fn sentences(text: &str) -> Vec<String> {
    const WRAPPED: usize = 50;
    const READ: usize = 64 << 10;
    let text = text.get(..text.floor_char_boundary(READ)).unwrap_or(text);
    let mut paragraphs: Vec<String> = vec![String::new()];
    let mut previous = 0;
    for line in text.lines() {
        let line = line.trim();
        let continues = previous >= WRAPPED
            || (previous > 0 && line.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit()));
        if line.is_empty() || !continues {
            paragraphs.push(String::new());
        }
        if let Some(paragraph) = paragraphs.last_mut() {
            paragraph.push_str(line);
            paragraph.push(' ');
        }
        previous = line.chars().count();
    }
    paragraphs.iter().flat_map(|paragraph| split_sentences(&fold(paragraph))).take(1000).collect()
}

/// Ends a sentence at `.`, `!` or `?` before a blank, unless the full stop belongs to an abbreviation.
fn split_sentences(paragraph: &str) -> Vec<String> {
    const ABBREVIATIONS: [&str; 16] = [
        "inc", "co", "corp", "ltd", "no", "mr", "ms", "mrs", "dr", "u.s", "st", "e.g", "i.e",
        "approx", "ref", "nr",
    ];
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = paragraph.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let at_end = chars.peek().is_none_or(|(_, next)| *next == ' ');
        let ends = match c {
            '!' | '?' => at_end,
            '.' => {
                let word =
                    paragraph.get(start..at).and_then(|s| s.rsplit(' ').next()).unwrap_or("");
                at_end && !ABBREVIATIONS.contains(&word.trim_start_matches(['(', '"', '\'']))
            }
            _ => false,
        };
        if ends {
            let end = at + c.len_utf8();
            found.extend(paragraph.get(start..end).map(|s| s.trim().to_owned()));
            start = end;
        }
    }
    found.extend(paragraph.get(start..).map(|s| s.trim().to_owned()));
    found.retain(|sentence| sentence.chars().any(char::is_alphanumeric));
    found
}

/// Cuts a sentence where a negation or a condition ends: "it was late, but the account is open".
///
/// A sentence that begins with a condition is cut at "but" alone: "once it is signed, and the
/// account is open" stays conditional to its end.
fn split_clauses(sentence: &str) -> Vec<String> {
    const CONTRASTS: [&str; 7] =
        [" but ", " however", ", yet ", " although ", ", though ", "; ", " whereas "];
    const SEQUELS: [&str; 12] = [
        ", so ",
        " - ",
        ", and i ",
        ", and we ",
        ", and the ",
        ", and your ",
        ", and have ",
        ", i ",
        ", we ",
        ", therefore ",
        ", hence ",
        ", your ",
    ];
    const CONDITIONS: [&str; 14] = [
        "if ",
        "once ",
        "when ",
        "whenever ",
        "until ",
        "unless ",
        "as soon as ",
        "before ",
        "should ",
        "after ",
        "provided ",
        "only ",
        "in case ",
        "upon ",
    ];
    let is_conditional = CONDITIONS.iter().any(|word| sentence.starts_with(word));
    let mut cuts: Vec<usize> = CONTRASTS
        .iter()
        .chain(if is_conditional { [].iter() } else { SEQUELS.iter() })
        .flat_map(|mark| sentence.match_indices(mark).map(|(at, _)| at))
        .collect();
    // A label and its value belong together; a statement and its explanation do not.
    const WORDS_OF_A_STATEMENT: usize = 5;
    let explained = sentence.match_indices(": ").map(|(at, _)| at + 1).filter(|at| {
        let (left, right) = sentence.split_at_checked(*at).unwrap_or((sentence, ""));
        !is_conditional
            && WORDS_OF_A_STATEMENT <= left.split(' ').count()
            && !right.trim_start().starts_with(|c: char| c.is_ascii_digit())
    });
    cuts.extend(explained);
    cuts.sort_unstable();
    cuts.push(sentence.len());
    let mut start = 0;
    let mut clauses = Vec::new();
    for cut in cuts {
        let clause = sentence.get(start..cut).unwrap_or("").trim_matches([' ', ',', ';', '-']);
        if clause.chars().any(char::is_alphanumeric) {
            clauses.push(clause.to_owned());
        }
        start = cut;
    }
    clauses
}

#[derive(Clone, Debug)]
struct ReasonRule {
    reason: Reason,
    sentence: Patterns,
    not: Patterns,
}

/// One pattern, compiled at its first use.
#[derive(Clone, Debug)]
struct Pattern {
    source: String,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    fn new(rule: &str, source: String, names: &Names) -> Result<Pattern, RulesError> {
        if names.is_checked {
            compile(rule, &source)?;
        }
        Ok(Pattern { source, regex: OnceLock::new() })
    }

    /// None where the pattern is not valid, which was ruled out when the rules were read.
    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| compile("", &self.source).ok()).as_ref()
    }

    fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text.as_bytes()))
    }
}

/// Several patterns of which one must be found; compiled at first use, and as a set, so that a
/// mail is read once.
#[derive(Clone, Debug)]
struct Patterns {
    set: Arc<OnceLock<Option<RegexSet>>>,
    sources: Arc<[String]>,
}

impl Patterns {
    fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }

    /// None where there is no pattern, or one that is not valid, which was ruled out when the
    /// rules were read.
    fn set(&self) -> Option<&RegexSet> {
        if self.is_empty() {
            return None;
        }
        self.set.get_or_init(|| compile_set("", &self.sources).ok()).as_ref()
    }

    fn is_match(&self, text: &str) -> bool {
        self.set().is_some_and(|set| set.is_match(text.as_bytes()))
    }

    /// Where the first pattern of the list that fits is found, and the words it found.
    fn find(&self, text: &str) -> Option<(usize, String)> {
        self.matches(text).first().and_then(|index| self.found_by(*index, text))
    }

    /// The patterns that fit, in the order of the list.
    fn matches(&self, text: &str) -> Vec<usize> {
        self.set().map_or_else(Vec::new, |set| set.matches(text.as_bytes()).iter().collect())
    }

    /// Where one pattern is found, and the words it found.
    fn found_by(&self, index: usize, text: &str) -> Option<(usize, String)> {
        // Compiled on use: a hit is rare, and keeping each pattern compiled twice would cost the
        // idle daemon its memory.
        let regex = compile("", self.sources.get(index)?).ok()?;
        let hit = regex.find(text.as_bytes())?;
        Some((hit.start(), String::from_utf8_lossy(hit.as_bytes()).into_owned()))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RuleFile {
    spellings: BTreeMap<String, String>,
    words: BTreeMap<String, String>,
    sets: BTreeMap<String, Vec<String>>,
    tickets: Vec<String>,
    boilerplate: BoilerplateEntry,
    finding: Vec<FindingEntry>,
    rule: Vec<RuleEntry>,
    reason: Vec<ReasonEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct BoilerplateEntry {
    rest: Vec<String>,
    sentence: Vec<String>,
    phrase: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct FindingEntry {
    id: String,
    sentence: Vec<String>,
    not_before: Vec<String>,
    not: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct RuleEntry {
    id: String,
    kind: String,
    review: bool,
    last_resort: bool,
    disabled: bool,
    from: Vec<String>,
    header: Vec<String>,
    subject: Vec<String>,
    sentence: Vec<String>,
    not_before: Vec<String>,
    not: Vec<String>,
    unless: Vec<String>,
    found: Vec<String>,
    needs: Vec<String>,
    not_found: Vec<String>,
    automatic: Option<bool>,
    thread: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ReasonEntry {
    reason: String,
    sentence: Vec<String>,
    not: Vec<String>,
}

/// What patterns may refer to: `@set`, all patterns of a set, and `<word>`, one of several words.
struct Names {
    sets: BTreeMap<String, Vec<String>>,
    words: BTreeMap<String, String>,
    /// Whether every pattern is compiled at once, to find those that are not valid.
    is_checked: bool,
    /// What is read already: the same exceptions stand in several findings.
    known: RefCell<BTreeMap<Vec<String>, Patterns>>,
}

impl RuleFile {
    fn parse(text: &str) -> Result<RuleFile, RulesError> {
        toml::from_str(text).map_err(|error| RulesError::Form(error.to_string()))
    }
}

impl RuleEntry {
    fn named(self, names: &Names, findings: &[Finding]) -> Result<Rule, RulesError> {
        let id = self.id;
        let places = |cited: &[String]| {
            let place = |name: &String| {
                findings.iter().position(|finding| finding.id == *name).ok_or_else(|| {
                    RulesError::Name { rule: id.clone(), what: "finding", name: name.clone() }
                })
            };
            cited.iter().map(place).collect::<Result<Vec<usize>, RulesError>>()
        };
        let header = self
            .header
            .iter()
            .map(|line| {
                let (name, pattern) = line.split_once(':').unwrap_or((line, ""));
                Ok((name.trim().to_owned(), Pattern::new(&id, pattern.trim().to_owned(), names)?))
            })
            .collect::<Result<_, RulesError>>()?;
        Ok(Rule {
            kind: Kind::parse(&self.kind).ok_or_else(|| RulesError::Value {
                rule: id.clone(),
                what: "kind",
                value: self.kind.clone(),
            })?,
            review: self.review,
            is_last_resort: self.last_resort,
            from: patterns(&id, self.from, names)?,
            header,
            subject: patterns(&id, self.subject, names)?,
            cue: Cue::named(&id, self.sentence, self.not_before, self.not, names)?,
            unless: patterns(&id, self.unless, names)?,
            found: places(&self.found)?,
            needs: places(&self.needs)?,
            not_found: places(&self.not_found)?,
            automatic: self.automatic,
            thread: self.thread,
            id,
        })
    }
}

impl ReasonEntry {
    fn named(self, names: &Names) -> Result<ReasonRule, RulesError> {
        let id = format!("reason {}", self.reason);
        Ok(ReasonRule {
            reason: Reason::parse(&self.reason).ok_or_else(|| RulesError::Value {
                rule: id.clone(),
                what: "reason",
                value: self.reason.clone(),
            })?,
            sentence: patterns(&id, self.sentence, names)?,
            not: patterns(&id, self.not, names)?,
        })
    }
}

impl BoilerplateEntry {
    fn joined(mut self, other: BoilerplateEntry) -> BoilerplateEntry {
        self.rest.extend(other.rest);
        self.sentence.extend(other.sentence);
        self.phrase.extend(other.phrase);
        self
    }

    fn named(self, names: &Names) -> Result<Boilerplate, RulesError> {
        let phrases = expanded("boilerplate", self.phrase, names)?;
        let phrase = match phrases.is_empty() {
            true => None,
            false => Some(Pattern::new("boilerplate", phrases.join("|"), names)?),
        };
        Ok(Boilerplate {
            rest: patterns("boilerplate", self.rest, names)?,
            sentence: patterns("boilerplate", self.sentence, names)?,
            phrase,
        })
    }
}

fn patterns(rule: &str, written: Vec<String>, names: &Names) -> Result<Patterns, RulesError> {
    let sources = expanded(rule, written, names)?;
    if let Some(same) = names.known.borrow().get(&sources) {
        return Ok(same.clone());
    }
    if names.is_checked {
        for source in &sources {
            compile(rule, source)?;
        }
        compile_set(rule, &sources)?;
    }
    let patterns = Patterns { set: Arc::default(), sources: sources.clone().into() };
    names.known.borrow_mut().insert(sources, patterns.clone());
    Ok(patterns)
}

/// The patterns with the sets and words that they refer to in the place of their names.
///
/// A long pattern may be written on several lines: breaks and indents are no part of it.
fn expanded(rule: &str, written: Vec<String>, names: &Names) -> Result<Vec<String>, RulesError> {
    let mut sources = Vec::new();
    for pattern in written {
        match pattern.strip_prefix('@') {
            Some(name) => {
                let set = names.sets.get(name).ok_or_else(|| RulesError::Set {
                    rule: rule.to_owned(),
                    set: name.to_owned(),
                })?;
                sources.extend(set.iter().cloned());
            }
            None => sources.push(pattern),
        }
    }
    sources.into_iter().map(|source| spelled_out(rule, &source, names)).collect()
}

/// Puts alternatives in the place of each `<word>`, also of those in the alternatives themselves.
fn spelled_out(rule: &str, pattern: &str, names: &Names) -> Result<String, RulesError> {
    const NESTING: usize = 4;
    let mut pattern = unwrapped(pattern);
    for _ in 0..NESTING {
        let Some((before, rest)) = pattern.split_once('<') else { break };
        let mut spelled = before.to_owned();
        for part in rest.split('<') {
            let (name, after) = part.split_once('>').unwrap_or((part, ""));
            let word = names.words.get(name).ok_or_else(|| RulesError::Name {
                rule: rule.to_owned(),
                what: "word",
                name: name.to_owned(),
            })?;
            spelled.push_str("(?:");
            spelled.push_str(&unwrapped(word));
            spelled.push(')');
            spelled.push_str(after);
        }
        pattern = spelled;
    }
    Ok(pattern)
}

/// A pattern without the breaks and indents of its lines.
fn unwrapped(pattern: &str) -> String {
    match pattern.contains('\n') {
        true => pattern.lines().map(str::trim_start).collect(),
        false => pattern.to_owned(),
    }
}

/// Matches nothing that occurs in a mail.
const NO_PREFIX: &str = r"(?s:.)\x00\x00";

/// So much memory may the automaton of one set take that is built while it is used, in bytes.
const DFA_LIMIT: usize = 8 << 10;

fn compile_set(rule: &str, sources: &[String]) -> Result<RegexSet, RulesError> {
    // The last pattern, which no text without NUL fits, begins with any byte: it keeps the regex
    // crate from building a table of the words that the others begin with, of up to 2 MB.
    RegexSetBuilder::new(sources.iter().map(String::as_str).chain([NO_PREFIX]))
        .unicode(false)
        .dfa_size_limit(DFA_LIMIT)
        .build()
        .map_err(|error| RulesError::Pattern {
            rule: rule.to_owned(),
            pattern: sources.join(" | "),
            why: error.to_string(),
        })
}

fn compile(rule: &str, pattern: &str) -> Result<Regex, RulesError> {
    RegexBuilder::new(pattern).unicode(false).dfa_size_limit(1 << 20).build().map_err(|error| {
        RulesError::Pattern {
            rule: rule.to_owned(),
            pattern: pattern.to_owned(),
            why: error.to_string(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_valid_and_named_once() {
        // With a user's file beside them, even an empty one, every pattern is checked.
        let rules = Rules::read(Some("")).unwrap();
        let mut ids: Vec<&str> = rules.ids().collect();
        let n_rules = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), n_rules);
    }

    #[test]
    fn a_users_rule_is_tried_first_and_replaces_the_one_of_its_name() {
        let user = "[[rule]]\nid = \"approval.words\"\nkind = \"approval\"\nsentence = ['\\bgreen light\\b']\n";
        let rules = Rules::read(Some(user)).unwrap();
        assert_eq!(rules.ids().next(), Some("approval.words"));
        assert_eq!(rules.ids().filter(|id| *id == "approval.words").count(), 1);
    }

    #[test]
    fn a_broken_users_file_is_named_by_rule_or_line() {
        let check = |text: &str, expected: &str| {
            let error = Rules::read(Some(text)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("[[rule]]\nid = \"mine\"\nkind = \"approved\"\n", "unknown kind `approved`");
        check("[[rule]]\nid = \"mine\"\nkind = \"reply\"\nsentence = ['(']\n", "rule `mine`");
        check(
            "[[rule]]\nid = \"mine\"\nkind = \"reply\"\nnot = ['@no-such']\n",
            "no set `@no-such`",
        );
        check(
            "[[rule]]\nid = \"mine\"\nkind = \"reply\"\nnot = ['<no-such> x']\n",
            "no word `no-such`",
        );
        check(
            "[[rule]]\nid = \"mine\"\nkind = \"reply\"\nfound = ['no-such']\n",
            "no finding `no-such`",
        );
        check("[[rule]]\nid = \"mine\"\nsubjects = []\n", "line 3");
    }

    #[test]
    fn sentences_end_at_stops_and_short_lines_but_not_at_wraps_or_abbreviations() {
        let text =
            "Acme Imports Inc. has been\napproved. Thank you!\nTop account: ACME\nUser: A-1\n";
        assert_eq!(
            sentences(text),
            [
                "acme imports inc. has been approved.",
                "thank you!",
                "top account: acme",
                "user: a-1"
            ]
        );
    }

    #[test]
    fn a_clause_ends_where_its_negation_or_condition_ends() {
        let check =
            |sentence: &str, expected: &[&str]| assert_eq!(split_clauses(sentence), expected);
        check(
            "it was not easy, but the account is open",
            &["it was not easy", "but the account is open"],
        );
        check("nothing is missing; we go on", &["nothing is missing", "we go on"]);
        check("if it is signed, the account is open", &["if it is signed, the account is open"]);
        check(
            "we could not do more: the form was empty",
            &["we could not do more:", "the form was empty"],
        );
        check("status: approved", &["status: approved"]);
    }

    #[test]
    fn small_print_set_phrases_and_company_names_do_not_speak() {
        let rules = Rules::read(None).unwrap();
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(rules.clauses(text, &["Denied Brands, LLC".to_owned()]), expected, "{text}");
        };
        check(
            "Denied Brands, LLC is in.\nDenied Brands is in.",
            &["the company is in.", "the company is in."],
        );
        check("It came.\n\nCONFIDENTIALITY NOTICE: keep it.\n\nRejected.", &["it came."]);
        check("It came.\n\nDo not reply to this mail.", &["it came."]);
        check("Please be advised that it came.", &["it came."]);
    }

    #[test]
    fn folding_leaves_no_typography() {
        assert_eq!(fold("Can\u{2019}t\u{a0} \u{2013} CAF\u{c9}"), "can't - cafe");
    }
}
