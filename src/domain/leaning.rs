//! Which kind the words of a mail lean to, where no rule knows its wording.
//!
//! Rules foresee; people write what nobody foresaw. `config/leanings.tsv` says of single words and
//! of pairs how much each speaks for each kind. It is computed from the wordings that the tests
//! hold, by multinomial logistic regression; whoever adds wordings computes it anew:
//! `ACEWATCH_LEARN=1 cargo test --lib the_leanings_are_what_the_wordings_teach`.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::kind::Kind;

const LEANINGS: &str = include_str!("../../config/leanings.tsv");

/// The kinds among which the words decide, in the order of the columns.
const KINDS: [Kind; 5] =
    [Kind::Approval, Kind::Rejection, Kind::InformationRequest, Kind::Receipt, Kind::Reply];

/// So many units of the table make one unit of log odds.
const SCALE: f64 = 10.0;

/// What the words of a mail speak for.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaning {
    /// The kind that is most likely by the words.
    pub kind: Kind,
    /// How likely, from 0 to 1.
    pub likelihood: f64,
    /// The words that speak for it most, the strongest first.
    pub words: Vec<String>,
    /// How likely each of the kinds is, in their order.
    all: [f64; 5],
}

impl Leaning {
    /// Weighs the words of clauses as [`super::rules::Rules::clauses`] gives them; nothing where
    /// the table knows none of them.
    pub fn of(clauses: &[String]) -> Option<Leaning> {
        let known: Vec<(String, [f64; 5])> = features(clauses)
            .into_iter()
            .filter_map(|feature| weights_of(&feature).map(|row| (feature, row)))
            .collect();
        let likelihoods = likelihoods(known.iter().map(|(_, row)| row));
        let all = likelihoods;
        let (column, likelihood) =
            likelihoods.into_iter().enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
        let weight = |row: &[f64; 5]| row.get(column).copied().unwrap_or(0.0);
        let mut words: Vec<&(String, [f64; 5])> = known.iter().collect();
        words.sort_by(|(_, a), (_, b)| weight(b).total_cmp(&weight(a)));
        let words = words.into_iter().take(3).map(|(feature, _)| feature.clone()).collect();
        let kind = *KINDS.get(column)?;
        (!known.is_empty()).then_some(Leaning { kind, likelihood, words, all })
    }

    /// How likely a kind is, from 0 to 1.
    pub fn of_kind(&self, kind: Kind) -> f64 {
        let mut all = KINDS.iter().zip(self.all);
        all.find(|(known, _)| **known == kind).map_or(0.0, |(_, likelihood)| likelihood)
    }
}

/// What the table says of a word or pair. Its lines are in order, so it is searched as it stands,
/// and costs no memory until then.
fn weights_of(feature: &str) -> Option<[f64; 5]> {
    let mut lines = LEANINGS;
    while !lines.is_empty() {
        let middle = lines.floor_char_boundary(lines.len() / 2);
        let (before, after) = lines.split_at_checked(middle)?;
        let (earlier, begun) = before.rsplit_once('\n').map_or(("", before), |parts| parts);
        let later = after.split_once('\n').map_or("", |(_, later)| later);
        let line = lines.get(before.len() - begun.len()..lines.len() - later.len())?;
        let (found, weights) = row(line.trim_end())?;
        lines = match feature.cmp(found) {
            Ordering::Equal => return Some(weights),
            Ordering::Less => earlier,
            Ordering::Greater => later,
        };
    }
    None
}

/// A line of the table: the word or pair, and what it speaks for.
fn row(line: &str) -> Option<(&str, [f64; 5])> {
    let (feature, weights) = line.split_once('\t')?;
    let mut row = [0.0; 5];
    for (weight, written) in row.iter_mut().zip(weights.split(' ')) {
        *weight = written.parse::<f64>().ok()? / SCALE;
    }
    Some((feature, row))
}

/// The words and pairs of words in clauses; `9` stands for whatever holds a digit, `^` for the
/// beginning and `|` for the end of a clause. At most the first few thousand words count.
fn features(clauses: &[String]) -> BTreeSet<String> {
    const READ: usize = 4000;
    let mut found = BTreeSet::new();
    let mut previous = "^".to_owned();
    let words = clauses.iter().flat_map(|clause| words(clause).chain(["|".to_owned()]));
    for word in words.take(READ) {
        found.insert(format!("{previous} {word}"));
        if word != "|" {
            found.insert(word.clone());
        }
        previous = word;
    }
    found
}

fn words(clause: &str) -> impl Iterator<Item = String> {
    clause.split(' ').flat_map(|token| {
        let is_number = token.contains(|c: char| c.is_ascii_digit());
        let mut found: Vec<String> = match is_number {
            true => vec!["9".to_owned()],
            false => token
                .split(|c: char| !c.is_ascii_lowercase())
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect(),
        };
        if token.ends_with('?') {
            found.push("?".to_owned());
        }
        found
    })
}

/// The likelihood of each kind. Long mails count no more than short ones: the sum is divided by
/// the square root of the number of words.
fn likelihoods<'a>(rows: impl Iterator<Item = &'a [f64; 5]> + Clone) -> [f64; 5] {
    let damping = 1.0 / ((rows.clone().count() + 1) as f64).sqrt();
    let mut odds = [0.0; 5];
    for row in rows {
        for (sum, weight) in odds.iter_mut().zip(row) {
            *sum += weight * damping;
        }
    }
    let odds = odds.map(f64::exp);
    let total: f64 = odds.iter().sum();
    odds.map(|odd| odd / total)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::rules::Rules;
    use std::collections::BTreeMap;

    fn clauses(text: &str) -> Vec<String> {
        Rules::read(None).unwrap().clauses(text, &[])
    }

    #[test]
    fn words_lean_to_a_kind() {
        let check = |text: &str, expected: Kind| {
            assert_eq!(Leaning::of(&clauses(text)).unwrap().kind, expected, "{text}");
        };
        check("The company may log in to its new account.", Kind::Approval);
        check("We have refused it and closed the request.", Kind::Rejection);
        check("Please send us the missing page.", Kind::InformationRequest);
        check("Your form was received and filed.", Kind::Receipt);
        check("The review is still going on.", Kind::Reply);
    }

    #[test]
    fn unknown_words_lean_to_nothing() {
        assert_eq!(Leaning::of(&["zyzzyva qwertz".to_owned()]), None);
        assert_eq!(Leaning::of(&[]), None);
    }

    #[test]
    fn every_row_of_the_table_is_read() {
        for line in LEANINGS.lines() {
            let (feature, weights) = row(line).unwrap();
            assert_eq!(weights_of(feature), Some(weights), "{feature}");
            assert_eq!(weights_of(&format!("{feature}~")), None);
        }
        assert!(LEANINGS.lines().count() > 1000);
        assert_eq!(weights_of(""), None);
    }

    #[test]
    fn the_leanings_are_what_the_wordings_teach() {
        let learnt = learnt();
        if std::env::var_os("ACEWATCH_LEARN").is_some() {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/leanings.tsv");
            std::fs::write(path, learnt).unwrap();
        } else {
            // The last unit of a weight may be rounded otherwise by another machine's `exp`.
            let weights = |text: &str| -> BTreeMap<String, [f64; 5]> {
                text.lines().filter_map(row).map(|(word, row)| (word.to_owned(), row)).collect()
            };
            let (table, learnt) = (weights(LEANINGS), weights(&learnt));
            let differs = |word: &&String| match (table.get(*word), learnt.get(*word)) {
                (Some(a), Some(b)) => a.iter().zip(b).any(|(a, b)| 0.11 < (a - b).abs()),
                _ => true,
            };
            let n_other = table.keys().chain(learnt.keys()).filter(differs).count();
            assert!(n_other * 100 <= table.len(), "{n_other} of {} rows differ", table.len());
        }
    }

    /// The table as the wordings give it.
    fn learnt() -> String {
        const ROUNDS: usize = 12;
        const LEAST: usize = 2;
        let rules = Rules::read(None).unwrap();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut examples: Vec<(usize, Vec<String>)> = Vec::new();
        let wordings = include_str!("../../tests/data/wordings.tsv").lines().filter_map(|line| {
            let (kind, rest) = line.split_once('\t')?;
            Some((kind, rest.split_once('\t')?.1))
        });
        let traps = include_str!("../../tests/data/traps.tsv").lines();
        for (kind, text) in wordings.chain(traps.filter_map(|line| line.split_once('\t'))) {
            // What is none of the five is nothing that moves an application.
            let kind = Kind::parse(kind).unwrap();
            let column = KINDS.iter().position(|k| *k == kind).unwrap_or(KINDS.len() - 1);
            let text = text.replace("\\n", "\n");
            let clauses = rules.clauses(text.strip_prefix("Subject: ").unwrap_or(&text), &[]);
            let features: Vec<String> = features(&clauses).into_iter().collect();
            for feature in &features {
                *seen.entry(feature.clone()).or_default() += 1;
            }
            examples.push((column, features));
        }
        let mut table: BTreeMap<String, [f64; 5]> = BTreeMap::new();
        for (_, features) in &mut examples {
            features.retain(|feature| seen[feature] >= LEAST);
        }
        for round in 0..ROUNDS {
            let rate = 0.5 / (1.0 + round as f64 / 8.0);
            // Neighbours in the file are alike: a stride that is prime to the number of examples
            // visits all of them in another order.
            let n = examples.len();
            let stride = if n.is_multiple_of(389) { 397 } else { 389 };
            for (column, features) in (0..n).map(|i| &examples[(i * stride + round) % n]) {
                let rows: Vec<[f64; 5]> =
                    features.iter().map(|f| table.get(f).copied().unwrap_or_default()).collect();
                let likely = likelihoods(rows.iter());
                let damping = 1.0 / ((features.len() + 1) as f64).sqrt();
                for feature in features {
                    let row = table.entry(feature.clone()).or_default();
                    for (k, weight) in row.iter_mut().enumerate() {
                        let wanted = if k == *column { 1.0 } else { 0.0 };
                        *weight -= (likely[k] - wanted) * damping * rate;
                    }
                }
            }
        }
        let mut written = String::new();
        for (feature, row) in table {
            let units = row.map(|weight| (weight * SCALE).round() as i32);
            if units.iter().any(|unit| unit.abs() >= 3) {
                let units = units.map(|unit| unit.to_string()).join(" ");
                written.push_str(&format!("{feature}\t{units}\n"));
            }
        }
        written
    }
}
