//! What the example mails were judged to be, as tables that a person reads.
//!
//! A mail for which several answers are right counts in the row of the one that was given, and
//! else in the row of the first.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use acewatch::domain::kind::Kind;

const EFFECTS: [&str; 4] = ["recorded", "review", "quarantined", "ignored"];

/// An answer and those that would have been right; none if nothing was judged.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub right: Vec<String>,
    pub found: String,
}

impl Answer {
    fn is_right(&self) -> bool {
        self.right.is_empty() || self.right.contains(&self.found)
    }

    /// The row that the mail counts in.
    fn row(&self) -> Option<&str> {
        match self.right.contains(&self.found) {
            true => Some(&self.found),
            false => self.right.first().map(String::as_str),
        }
    }
}

/// One mail and what became of it.
#[derive(Clone, Debug, Default)]
pub struct Judged {
    /// The corpus, the file and what it is about.
    pub name: String,
    pub kind: Answer,
    pub is_reason_right: bool,
    pub effect: Answer,
    /// What is wrong besides the kind: effect, authenticity, match, application, numbers.
    pub faults: Vec<String>,
    /// How it moved an application that it should not have moved, or not in this way.
    pub wrong_move: Option<String>,
    /// What decided.
    pub because: String,
}

impl Judged {
    pub fn is_kind_right(&self) -> bool {
        self.kind.is_right() && (self.kind.right.is_empty() || self.is_reason_right)
    }

    /// Recorded, but as something else than it is.
    fn is_recorded_otherwise(&self) -> bool {
        self.effect.found == "recorded" && !self.kind.is_right()
    }

    fn complaint(&self) -> Option<String> {
        let mut faults = self.faults.clone();
        if !self.kind.is_right() {
            faults.push(format!(
                "kind {} instead of {}",
                self.kind.found,
                self.kind.right.join("|")
            ));
        } else if !self.is_kind_right() {
            faults.push("another reason".to_owned());
        }
        (!faults.is_empty())
            .then(|| format!("{}: {} — {}", self.name, faults.join("; "), self.because))
    }
}

/// The report on some mails.
pub fn report(title: &str, mails: &[Judged]) -> String {
    let kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    let n_kinds = mails.iter().filter(|mail| !mail.kind.right.is_empty()).count();
    let n_wrong_kinds = mails.iter().filter(|mail| !mail.is_kind_right()).count();
    let n_faulty = mails.iter().filter(|mail| !mail.faults.is_empty()).count();
    let wrong_moves: Vec<String> = mails
        .iter()
        .filter_map(|m| m.wrong_move.as_ref().map(|how| format!("{}: {how}", m.name)))
        .collect();
    let mut text = format!(
        "\n# {title}\n\n{} mails; {} effects, matches and numbers right; {} of {n_kinds} kinds and \
         reasons right; {} wrong moves; {} recorded as another kind\n",
        mails.len(),
        mails.len() - n_faulty,
        n_kinds - n_wrong_kinds,
        wrong_moves.len(),
        mails.iter().filter(|mail| mail.is_recorded_otherwise()).count(),
    );
    let answers: Vec<&Answer> = mails.iter().map(|mail| &mail.kind).collect();
    text.push_str("\n## Kinds\n\n");
    text.push_str(&confusion(&kinds, &answers));
    text.push('\n');
    text.push_str(&precision(&kinds, &answers));
    text.push_str("\n## Effects\n\n");
    let answers: Vec<&Answer> = mails.iter().map(|mail| &mail.effect).collect();
    text.push_str(&confusion(&EFFECTS, &answers));
    let misses: Vec<String> = mails.iter().filter_map(Judged::complaint).collect();
    for (heading, lines) in [("Wrong moves", wrong_moves), ("Misses", misses)] {
        let _ = write!(text, "\n## {heading}\n\n");
        if lines.is_empty() {
            text.push_str("none\n");
        }
        for line in lines {
            let _ = writeln!(text, "- {line}");
        }
    }
    text
}

/// Expected rows, found columns.
fn confusion(names: &[&str], answers: &[&Answer]) -> String {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for answer in answers {
        if let Some(row) = answer.row() {
            *counts.entry((row, &answer.found)).or_default() += 1;
        }
    }
    let used: BTreeSet<&str> = counts.keys().flat_map(|(row, column)| [*row, *column]).collect();
    let names: Vec<&str> = names.iter().copied().filter(|name| used.contains(name)).collect();
    let header = std::iter::once("expected \\ found".to_owned())
        .chain(names.iter().map(|name| (*name).to_owned()))
        .collect();
    let rows = names.iter().map(|row| {
        let cells = names.iter().map(|column| match counts.get(&(*row, *column)) {
            Some(n) => n.to_string(),
            None => String::new(),
        });
        std::iter::once((*row).to_owned()).chain(cells).collect()
    });
    table(std::iter::once(header).chain(rows).collect())
}

/// How many of those found are right, and how many of the right ones were found.
fn precision(names: &[&str], answers: &[&Answer]) -> String {
    let share = |part: usize, of: usize| match of {
        0 => String::new(),
        _ => format!("{:.1} % ({part}/{of})", part as f64 * 100.0 / of as f64),
    };
    let judged: Vec<&&Answer> = answers.iter().filter(|answer| answer.row().is_some()).collect();
    let rows = names.iter().map(|name| {
        let n_right = judged.iter().filter(|a| a.row() == Some(name) && a.found == *name).count();
        let n_found = judged.iter().filter(|a| a.found == *name).count();
        let n_expected = judged.iter().filter(|a| a.row() == Some(name)).count();
        vec![(*name).to_owned(), share(n_right, n_found), share(n_right, n_expected)]
    });
    let header = ["kind", "precision", "recall"].map(str::to_owned).to_vec();
    table(std::iter::once(header).chain(rows).collect())
}

/// A Markdown table with columns of even width.
fn table(rows: Vec<Vec<String>>) -> String {
    let n_columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..n_columns)
        .map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0).max(3))
        .collect();
    let mut text = String::new();
    for (n, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            let _ = write!(text, "| {cell:<width$} ");
        }
        text.push_str("|\n");
        if n == 0 {
            for width in &widths {
                let _ = write!(text, "|{}", "-".repeat(width + 2));
            }
            text.push_str("|\n");
        }
    }
    text
}
