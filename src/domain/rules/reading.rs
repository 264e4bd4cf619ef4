//! The user's rules on top of the built-in ones.
//!
//! The user's file is older than the program after each update. What it says of built-in rules,
//! findings and sets that are gone is told and left out; what it says wrongly is refused.

use std::collections::BTreeSet;

use super::*;

impl Rules {
    /// Reads a user's rules over other texts than the built-in one.
    pub(super) fn read_over(built_in: &str, user: Option<&str>) -> Result<Rules, RulesError> {
        let text = user.map(str::to_owned);
        let user = user.map(RuleFile::parse).transpose()?.unwrap_or_default();
        let built_in = RuleFile::parse(built_in)?;
        let mut warnings = remarks(&user, &built_in);
        // The built-in patterns are proved by a test, and checking them takes a tenth of a second;
        // but a user's words and sets may stand in any of them.
        let reaches_all = !user.sets.is_empty() || !user.words.is_empty();
        let mut sets = built_in.sets;
        sets.extend(user.sets);
        let mut words = built_in.words;
        words.extend(user.words);
        let users = Names::new(sets.clone(), words.clone(), true);
        let ours = Names::new(sets, words, reaches_all);

        let has_no_id = user.rule.iter().any(|rule| rule.id.is_empty())
            || user.finding.iter().any(|finding| finding.id.is_empty());
        if has_no_id {
            return Err(RulesError::Id);
        }
        let finding = |entry: FindingEntry, names: &Names| {
            let FindingEntry { id, sentence, not_before, not } = entry;
            let cue = Cue::named(&id, sentence, not_before, not, names)?;
            Ok(Finding { id, cue })
        };
        let mut findings = Vec::new();
        for entry in user.finding {
            findings.extend(usable(finding(entry, &users), &mut warnings)?);
        }
        let of_user: BTreeSet<String> = findings.iter().map(|found| found.id.clone()).collect();
        for entry in built_in.finding.into_iter().filter(|entry| !of_user.contains(&entry.id)) {
            findings.push(finding(entry, &ours)?);
        }

        let built_in_ids: BTreeSet<String> =
            built_in.rule.iter().map(|rule| rule.id.clone()).collect();
        let mut rules: Vec<Rule> = Vec::new();
        let mut disabled = Vec::new();
        for entry in user.rule {
            if entry.disabled {
                disabled.push(entry.id);
                continue;
            }
            if !entry.has_condition() {
                return Err(RulesError::Condition { rule: entry.id });
            }
            if let Some(mut rule) = usable(entry.named(&users, &findings), &mut warnings)? {
                rule.origin = match built_in_ids.contains(&rule.id) {
                    true => Origin::Replacement,
                    false => Origin::User,
                };
                rules.push(rule);
            }
        }
        let replaced: BTreeSet<String> =
            rules.iter().map(|rule| &rule.id).chain(&disabled).cloned().collect();
        for entry in built_in.rule.into_iter().filter(|entry| !replaced.contains(&entry.id)) {
            rules.push(entry.named(&ours, &findings)?);
        }

        let mut reasons = Vec::new();
        for entry in user.reason {
            reasons.extend(usable(entry.named(&users), &mut warnings)?);
        }
        for entry in built_in.reason {
            reasons.push(entry.named(&ours)?);
        }
        let mut tickets = Vec::new();
        for pattern in user.tickets {
            tickets.push(Pattern::new("tickets", pattern, &users)?);
        }
        for pattern in built_in.tickets {
            tickets.push(Pattern::new("tickets", pattern, &ours)?);
        }
        let of_boilerplate = if user.boilerplate.is_empty() { &ours } else { &users };
        let boilerplate = built_in.boilerplate.joined(user.boilerplate).named(of_boilerplate)?;
        let mut spellings = built_in.spellings;
        spellings.extend(user.spellings);
        disabled.retain(|id| built_in_ids.contains(id));
        Ok(Rules {
            spellings,
            boilerplate,
            findings,
            rules,
            reasons,
            tickets,
            user: text,
            warnings,
            disabled,
        })
    }
}

/// What was read, or nothing where it cites what is not there any more, which is then told.
fn usable<T>(
    read: Result<T, RulesError>,
    warnings: &mut Vec<String>,
) -> Result<Option<T>, RulesError> {
    match read {
        Ok(entry) => Ok(Some(entry)),
        Err(error @ (RulesError::Set { .. } | RulesError::Name { .. })) => {
            warnings.push(format!("{error}, so it is set aside"));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// What a user should know of a file that can be used.
fn remarks(user: &RuleFile, built_in: &RuleFile) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut seen = BTreeSet::new();
    for rule in &user.rule {
        let id = &rule.id;
        if rule.disabled && !built_in.rule.iter().any(|known| known.id == *id) {
            remarks.push(format!(
                "rule `{id}` is to be switched off, and there is no built-in rule of that name"
            ));
        }
        if !seen.insert(id) {
            remarks.push(format!("two rules are called `{id}`"));
        }
        for pattern in rule.patterns() {
            if can_never_fit(pattern) {
                remarks.push(never(&format!("rule `{id}`"), pattern));
            }
        }
    }
    for finding in &user.finding {
        let id = &finding.id;
        let is_cited = user.rule.iter().any(|rule| rule.cites(id));
        if !is_cited && !built_in.finding.iter().any(|known| known.id == *id) {
            remarks
                .push(format!("finding `{id}` is cited by no rule and replaces no built-in one"));
        }
        for pattern in finding.patterns() {
            if can_never_fit(pattern) {
                remarks.push(never(&format!("finding `{id}`"), pattern));
            }
        }
    }
    remarks
}

fn never(whose: &str, pattern: &str) -> String {
    format!(
        "{whose}: the pattern {pattern:?} has capitals or accents, and texts are folded to small plain letters first"
    )
}

/// Whether a pattern asks for letters that no folded text has.
fn can_never_fit(pattern: &str) -> bool {
    let names_others = pattern.starts_with('@') || pattern.contains("(?i");
    let mut letters = pattern.chars();
    while let (Some(c), false) = (letters.next(), names_others) {
        match c {
            // What follows is a class or an assertion, not a letter.
            '\\' => drop(letters.next()),
            c if c.is_ascii_uppercase() || (!c.is_ascii() && c.is_alphabetic()) => return true,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(rules: &Rules) -> Vec<&str> {
        rules.all().iter().map(|rule| rule.id.as_str()).collect()
    }

    #[test]
    fn the_built_in_rules_are_valid_and_named_once() {
        // Read as a user's, every pattern is checked.
        let with_conditions = BUILT_IN.replace("last-resort = true", "from = ['.']");
        let rules = Rules::read_over("", Some(&with_conditions)).unwrap();
        assert_eq!(rules.warnings(), [""; 0]);
        let mut ids = ids(&rules);
        let n_rules = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), n_rules);
    }

    #[test]
    fn a_users_rule_is_tried_first_and_replaces_the_one_of_its_name() {
        let user = "[[rule]]\nid = \"approval.words\"\nkind = \"approval\"\n\
                    sentence = ['\\bgreen light\\b']\n";
        let rules = Rules::read(Some(user)).unwrap();
        assert_eq!(ids(&rules).first(), Some(&"approval.words"));
        assert_eq!(ids(&rules).iter().filter(|id| **id == "approval.words").count(), 1);
        assert_eq!(rules.all()[0].origin, Origin::Replacement);
        let off = "[[rule]]\nid = \"approval.words\"\ndisabled = true\n";
        let rules = Rules::read(Some(off)).unwrap();
        assert!(!ids(&rules).contains(&"approval.words"));
        assert_eq!(rules.disabled(), ["approval.words"]);
    }

    #[test]
    fn a_broken_users_file_is_named_by_rule_or_line() {
        let check = |text: &str, expected: &str| {
            let error = Rules::read(Some(text)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(
            "[[rule]]\nid = \"mine\"\nkind = \"approved\"\nfrom = ['x']\n",
            "unknown kind `approved`",
        );
        check("[[rule]]\nid = \"mine\"\nkind = \"reply\"\nsentence = ['(']\n", "rule `mine`");
        check("[[rule]]\nid = \"mine\"\nsubjects = []\n", "line 3");
        check("[[rule]]\nkind = \"reply\"\nfrom = ['x']\n", "without an `id`");
        check("[[rule]]\nid = \"mine\"\nkind = \"approval\"\nunless = ['x']\n", "every mail");
    }

    #[test]
    fn what_an_update_took_away_is_told_and_set_aside() {
        let check = |text: &str, expected: &str, kept: &[&str]| {
            let rules = Rules::read(Some(text)).unwrap();
            assert!(rules.warnings().concat().contains(expected), "{:?}", rules.warnings());
            let users = rules.all().iter().filter(|rule| rule.origin.is_users());
            assert_eq!(users.map(|rule| rule.id.as_str()).collect::<Vec<_>>(), kept, "{text}");
            // The built-in rules are all there, also the one that was to be replaced.
            assert!(ids(&rules).contains(&"approval.words"), "{text}");
        };
        let rule = |id: &str, what: &str| {
            format!("[[rule]]\nid = \"{id}\"\nkind = \"reply\"\nsentence = ['a']\n{what}\n")
        };
        check(&rule("mine", "not = ['@gone']"), "no set `@gone`", &[]);
        check(&rule("mine", "not = ['<gone> x']"), "no word `gone`", &[]);
        check(&rule("mine", "found = ['gone']"), "no finding `gone`", &[]);
        check(&rule("approval.words", "not-found = ['gone']"), "no finding `gone`", &[]);
        let both = rule("mine", "needs = ['gone']") + &rule("other", "");
        check(&both, "rule `mine`: there is no finding `gone`, so it is set aside", &["other"]);
        let cascade = "[[finding]]\nid = \"odd\"\nsentence = ['@gone']\n".to_owned()
            + &rule("mine", "found = ['odd']");
        check(&cascade, "no finding `odd`", &[]);
        check("[[rule]]\nid = \"gone\"\ndisabled = true\n", "no built-in rule of that name", &[]);
        check(
            "[[finding]]\nid = \"gone\"\nsentence = ['a']\n",
            "finding `gone` is cited by no rule",
            &[],
        );
    }

    #[test]
    fn a_pattern_that_can_never_fit_is_told() {
        let check = |pattern: &str, is_told: bool| {
            let text = format!(
                "[[rule]]\nid = \"mine\"\nkind = \"reply\"\nsentence = ['''{pattern}''']\n"
            );
            let rules = Rules::read(Some(&text)).unwrap();
            assert_eq!(!rules.warnings().is_empty(), is_told, "{pattern}");
        };
        check("Approved", true);
        check("gew\u{e4}hrt", true);
        check(r"\Bapproved\S", false);
        check("(?i)Approved", false);
        check("@negated", false);
    }
}
