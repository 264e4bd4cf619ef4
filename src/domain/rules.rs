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

mod file;
mod reading;
mod text;

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};
use serde::Deserialize;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::kind::{Kind, Reason};

use file::*;
pub use text::fold;
use text::{sentences, split_clauses};

const BUILT_IN: &str = include_str!("../../config/rules.toml");

/// The rules in force, in the order in which they are tried; by default none.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    spellings: BTreeMap<String, String>,
    boilerplate: Boilerplate,
    findings: Vec<Finding>,
    rules: Vec<Rule>,
    reasons: Vec<ReasonRule>,
    tickets: Vec<Pattern>,
    /// The user's own file.
    user: Option<String>,
    /// What the user should know of it.
    warnings: Vec<String>,
    /// The built-in rules that it switches off.
    disabled: Vec<String>,
}

/// Where a rule comes from.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Origin {
    /// It came with the program.
    #[default]
    BuiltIn,
    /// The user wrote it.
    User,
    /// The user wrote it in the place of the built-in rule of its name.
    Replacement,
}

impl Origin {
    /// Whether the user wrote it.
    pub fn is_users(self) -> bool {
        self != Origin::BuiltIn
    }
}

/// One rule: the kind it gives, and the conditions that must all hold.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The name under which `explain` cites the rule.
    pub id: String,
    /// The kind of a mail that fits.
    pub kind: Kind,
    /// Who wrote it.
    pub origin: Origin,
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

/// Which findings hold for one mail; each is looked for when a rule first asks.
struct Found<'a> {
    findings: &'a [Finding],
    evidence: &'a Evidence<'a>,
    spoken: Vec<OnceCell<Option<Spoken>>>,
}

/// What does not speak: small print, signatures, set phrases.
#[derive(Clone, Debug, Default)]
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
    /// A rule or finding that cannot be cited.
    #[error("a rule or finding stands there without an `id`")]
    Id,
    /// A rule of the user's that would decide about every mail.
    #[error("rule `{rule}` gives no condition, and would fit every mail")]
    Condition {
        /// The rule's id.
        rule: String,
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
    /// `disabled = true` takes it out. One that cites what no version before may have had and this
    /// one has not, is set aside and told by [`Rules::warnings`]: an update must not end the watch.
    ///
    /// # Errors
    ///
    /// The first fault of either text, naming the rule.
    pub fn read(user: Option<&str>) -> Result<Rules, RulesError> {
        Rules::read_over(BUILT_IN, user)
    }

    /// The text of the user's rules file, if there is one.
    pub fn user(&self) -> Option<&str> {
        self.user.as_deref()
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
        let found = Found {
            findings: &self.findings,
            evidence,
            spoken: self.findings.iter().map(|_| OnceCell::new()).collect(),
        };
        self.rules.iter().find_map(|rule| rule.fit(evidence, &found).map(|fit| (rule, fit)))
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
        let mut found = Vec::new();
        let mut known = BTreeSet::new();
        for pattern in self.tickets.iter().filter_map(Pattern::regex) {
            for hit in pattern.find_iter(text.as_bytes()) {
                let ticket = text.get(hit.range()).unwrap_or_default().to_ascii_uppercase();
                if known.insert(ticket.clone()) {
                    found.push(ticket);
                }
            }
        }
        found
    }

    /// All rules in the order in which they are tried.
    pub fn all(&self) -> &[Rule] {
        &self.rules
    }

    /// The ids of the built-in rules that the user's file switches off.
    pub fn disabled(&self) -> &[String] {
        &self.disabled
    }

    /// What the user should know of the own file: rules set aside, patterns that can never fit.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }
}

impl Rule {
    fn fit(&self, evidence: &Evidence, found: &Found) -> Option<Fit> {
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
            why = Some(self.found.iter().find_map(|index| found.words(*index))?);
        }
        if !self.needs.is_empty() {
            let also = self.needs.iter().find_map(|index| found.words(*index))?;
            why = why.map(|phrase: String| format!("{phrase} … {also}"));
        }
        if self.not_found.iter().any(|index| found.holds(*index))
            || evidence.sentences.iter().any(|sentence| self.unless.is_match(sentence))
        {
            return None;
        }
        Some(Fit { phrase: why.unwrap_or_else(|| "nothing more particular fits".to_owned()) })
    }
}

impl Found<'_> {
    fn holds(&self, index: usize) -> bool {
        self.place(index).is_some()
    }

    fn words(&self, index: usize) -> Option<String> {
        let spoken = self.place(index)?;
        self.findings.get(index).map(|finding| finding.cue.words(self.evidence, &spoken))
    }

    fn place(&self, index: usize) -> Option<Spoken> {
        let finding = self.findings.get(index)?;
        let look = || finding.cue.spoken_in(self.evidence.sentences);
        *self.spoken.get(index)?.get_or_init(look)
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
        let may_end_early =
            self.not_before.shared.sources.iter().any(|source| source.contains('$'));
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
#[derive(Clone, Debug, Default)]
struct Patterns {
    /// Sets of the same patterns are compiled once.
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    sources: Vec<String>,
    set: OnceLock<Option<RegexSet>>,
    /// Each by itself, for those that were found and had to say where.
    single: Vec<OnceLock<Option<Regex>>>,
}

impl Patterns {
    fn new(sources: Vec<String>) -> Patterns {
        let single = sources.iter().map(|_| OnceLock::new()).collect();
        Patterns { shared: Arc::new(Shared { sources, set: OnceLock::new(), single }) }
    }

    fn is_empty(&self) -> bool {
        self.shared.sources.is_empty()
    }

    /// None where there is no pattern, or one that is not valid, which was ruled out when the
    /// rules were read.
    fn set(&self) -> Option<&RegexSet> {
        if self.is_empty() {
            return None;
        }
        self.shared.set.get_or_init(|| compile_set("", &self.shared.sources).ok()).as_ref()
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
        let source = self.shared.sources.get(index)?;
        let single = self.shared.single.get(index)?;
        let regex = single.get_or_init(|| compile("", source).ok()).as_ref()?;
        let hit = regex.find(text.as_bytes())?;
        Some((hit.start(), String::from_utf8_lossy(hit.as_bytes()).into_owned()))
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
    let patterns = Patterns::new(sources.clone());
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

fn compile_set(rule: &str, sources: &[String]) -> Result<RegexSet, RulesError> {
    // The last pattern, which no text without NUL fits, begins with any byte: it keeps the regex
    // crate from building a table of the words that the others begin with, of up to 2 MB.
    RegexSetBuilder::new(sources.iter().map(String::as_str).chain([NO_PREFIX]))
        .unicode(false)
        .build()
        .map_err(|error| RulesError::Pattern {
            rule: rule.to_owned(),
            pattern: sources.join(" | "),
            why: error.to_string(),
        })
}

fn compile(rule: &str, pattern: &str) -> Result<Regex, RulesError> {
    RegexBuilder::new(pattern).unicode(false).build().map_err(|error| RulesError::Pattern {
        rule: rule.to_owned(),
        pattern: pattern.to_owned(),
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn short_forms_are_written_out() {
        let rules = Rules::read(None).unwrap();
        let check = |text: &str, expected: &str| {
            assert_eq!(rules.clauses(text, &[]), [expected], "{text}");
        };
        check("We can't say they've got it", "we cannot say they have got it");
        check("We can\u{b4}t say so", "we cannot say so");
        check("We can\u{2bc}t say so", "we cannot say so");
        check("Acct RCVD thx", "account received thanks");
        check("STATUS=NOT_APPROVED", "status=not approved");
        check("Lindqvist's app", "lindqvist's app");
    }

    #[test]
    fn a_pattern_may_be_written_on_several_lines() {
        let user = "[[rule]]\nid = \"mine\"\nkind = \"bulletin\"\n\
                    sentence = [\'\'\'\n  \\bzyzz\n  |yva\\b\'\'\']\n";
        let rules = Rules::read(Some(user)).unwrap();
        let mine = rules.rules.first().unwrap();
        assert_eq!(mine.cue.sentence.shared.sources, ["\\bzyzz|yva\\b".to_owned()]);
    }

    #[test]
    fn folding_leaves_no_typography() {
        assert_eq!(fold("Can\u{2019}t\u{a0} \u{2013} CAF\u{c9}"), "can't - cafe");
    }
}
