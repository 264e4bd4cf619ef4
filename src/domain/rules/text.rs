//! Text as the rules read it: folded to plain small letters, and cut into clauses.

/// Folds a text for the rules: lower case, plain ASCII letters, straight quotes and dashes, single
/// blanks; so that patterns need to know neither case nor typography.
pub fn fold(text: &str) -> String {
    use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};
    let mut folded = String::with_capacity(text.len());
    // An accent typed for an apostrophe would come apart into a blank and a mark.
    let letters = text.chars().map(|c| if c == '\u{b4}' { '\'' } else { c });
    for c in letters.nfkd().filter(|c| !is_combining_mark(*c)) {
        match c {
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{2bc}' | '`' => {
                folded.push('\'')
            }
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

/// Splits a text into its sentences, each folded: at most a thousand, from its first 64 KiB.
///
/// A line that was only wrapped continues its sentence; a short line, as in a list or a form, is a
/// sentence of its own.
pub(super) fn sentences(text: &str) -> Vec<String> {
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

/// Ends a sentence at `.`, `!` or `?` before a blank, unless the stop belongs to an abbreviation.
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
                let word = || paragraph.get(start..at).and_then(|s| s.rsplit(' ').next());
                let is_short =
                    |word: &str| ABBREVIATIONS.contains(&word.trim_start_matches(['(', '"', '\'']));
                at_end && !word().is_some_and(is_short)
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
pub(super) fn split_clauses(sentence: &str) -> Vec<String> {
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
    // A label and its value belong together; a statement and its explanation do not, unless the
    // statement is conditional: "you get two mails if the account is created: a link and a code".
    const WORDS_OF_A_STATEMENT: usize = 5;
    const HEDGES: [&str; 5] = [" if ", " once ", " when ", " unless ", " until "];
    let hedge = HEDGES.iter().filter_map(|word| sentence.find(word)).min();
    let explained = sentence.match_indices(": ").map(|(at, _)| at + 1).filter(|at| {
        let (left, right) = sentence.split_at_checked(*at).unwrap_or((sentence, ""));
        !is_conditional
            && hedge.is_none_or(|hedge| *at <= hedge)
            && left.split(' ').nth(WORDS_OF_A_STATEMENT - 1).is_some()
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
