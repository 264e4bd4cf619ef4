//! A rules file as it is written, and what it is meant to be.

use super::*;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RuleFile {
    pub(super) spellings: BTreeMap<String, String>,
    pub(super) words: BTreeMap<String, String>,
    pub(super) sets: BTreeMap<String, Vec<String>>,
    pub(super) tickets: Vec<String>,
    pub(super) boilerplate: BoilerplateEntry,
    pub(super) finding: Vec<FindingEntry>,
    pub(super) rule: Vec<RuleEntry>,
    pub(super) reason: Vec<ReasonEntry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct BoilerplateEntry {
    pub(super) rest: Vec<String>,
    pub(super) sentence: Vec<String>,
    pub(super) phrase: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct FindingEntry {
    pub(super) id: String,
    pub(super) sentence: Vec<String>,
    pub(super) not_before: Vec<String>,
    pub(super) not: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub(super) struct RuleEntry {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) review: bool,
    pub(super) last_resort: bool,
    pub(super) disabled: bool,
    pub(super) from: Vec<String>,
    pub(super) header: Vec<String>,
    pub(super) subject: Vec<String>,
    pub(super) sentence: Vec<String>,
    pub(super) not_before: Vec<String>,
    pub(super) not: Vec<String>,
    pub(super) unless: Vec<String>,
    pub(super) found: Vec<String>,
    pub(super) needs: Vec<String>,
    pub(super) not_found: Vec<String>,
    pub(super) automatic: Option<bool>,
    pub(super) thread: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReasonEntry {
    pub(super) reason: String,
    pub(super) sentence: Vec<String>,
    pub(super) not: Vec<String>,
}

/// What patterns may refer to: `@set`, all patterns of a set, and `<word>`, one of several words.
pub(super) struct Names {
    pub(super) sets: BTreeMap<String, Vec<String>>,
    pub(super) words: BTreeMap<String, String>,
    /// Whether every pattern is compiled at once, to find those that are not valid.
    pub(super) is_checked: bool,
    /// What is read already: the same exceptions stand in several findings.
    pub(super) known: RefCell<BTreeMap<Vec<String>, Patterns>>,
}

impl Names {
    pub(super) fn new(
        sets: BTreeMap<String, Vec<String>>,
        words: BTreeMap<String, String>,
        is_checked: bool,
    ) -> Names {
        Names { sets, words, is_checked, known: RefCell::default() }
    }
}

impl RuleFile {
    pub(super) fn parse(text: &str) -> Result<RuleFile, RulesError> {
        toml::from_str(text).map_err(|error| RulesError::Form(error.to_string()))
    }
}

impl FindingEntry {
    pub(super) fn patterns(&self) -> impl Iterator<Item = &String> {
        [&self.sentence, &self.not_before, &self.not].into_iter().flatten()
    }
}

impl RuleEntry {
    /// Whether it asks for anything that most mails have not.
    pub(super) fn has_condition(&self) -> bool {
        [&self.from, &self.header, &self.subject, &self.sentence, &self.found]
            .iter()
            .any(|condition| !condition.is_empty())
    }

    pub(super) fn patterns(&self) -> impl Iterator<Item = &String> {
        [&self.from, &self.subject, &self.sentence, &self.not_before, &self.not, &self.unless]
            .into_iter()
            .flatten()
    }

    pub(super) fn cites(&self, finding: &String) -> bool {
        [&self.found, &self.needs, &self.not_found].into_iter().any(|list| list.contains(finding))
    }

    pub(super) fn named(self, names: &Names, findings: &[Finding]) -> Result<Rule, RulesError> {
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
            origin: Origin::default(),
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
    pub(super) fn named(self, names: &Names) -> Result<ReasonRule, RulesError> {
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
    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty() && self.sentence.is_empty() && self.phrase.is_empty()
    }

    pub(super) fn joined(mut self, other: BoilerplateEntry) -> BoilerplateEntry {
        self.rest.extend(other.rest);
        self.sentence.extend(other.sentence);
        self.phrase.extend(other.phrase);
        self
    }

    pub(super) fn named(self, names: &Names) -> Result<Boilerplate, RulesError> {
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
