//! The words before a number that say which kind it is: EIN, SSN, `IR#`, or DUNS and fax.
//!
//! They are the same where a person enters a number and where one stands in a text; what follows
//! from them is decided there.

/// The kinds of number, as labels name them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// An employer identification number.
    Ein,
    /// A social security number.
    Ssn,
    /// A number that CBP assigned.
    CbpAssigned,
}

impl Kind {
    /// The word for it in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ein => "EIN",
            Self::Ssn => "SSN",
            Self::CbpAssigned => "CBP-assigned",
        }
    }
}

/// What the words before digits say about them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Label {
    /// An importer number of this kind.
    Kind(Kind),
    /// An importer number of any kind: CBP writes `IR#` before all three.
    Importer,
    /// Probably something else; an EIN in its dashes is still believed.
    Other,
    /// Something else, even where nine digits are dashed like an EIN.
    Foreign,
}

/// Labels as upper-case words; the longest that fits decides.
#[rustfmt::skip]
const LABELS: &[(Label, &[&str])] = &[
    (Label::Kind(Kind::Ein), &[
        "EIN", "EINS", "FEIN", "E I N", "IRS", "EMPLOYER ID", "EMPLOYER IDENTIFICATION",
    ]),
    (Label::Kind(Kind::Ssn), &["SSN", "S S N", "SS #", "SOCIAL SECURITY"]),
    (Label::Kind(Kind::CbpAssigned), &[
        "CAIN", "CAN #", "CAN NUMBER", "CBP ASSIGNED", "CUSTOMS ASSIGNED",
    ]),
    (Label::Importer, &[
        "IR #", "IR NO", "IR NUMBER", "IOR", "IMPORTER OF RECORD", "IMPORTER #", "IMPORTER ID",
        "IMPORTER NO", "IMPORTER NUMBER", "IMPORTER IDENTIFICATION", "TAX ID",
        "TAX IDENTIFICATION", "TAXPAYER ID", "TAXPAYER IDENTIFICATION",
    ]),
    (Label::Foreign, &["CSMS", "DUNS", "D U N S", "FAX", "PHONE", "TEL", "TELEPHONE"]),
    (Label::Other, &[
        "ABA", "AMOUNT", "BOND", "CALL", "CASE", "CLAIM", "CONFIRMATION", "CONTAINER", "ENTRY", "EUR",
        "INVOICE", "ITN", "ORDER", "PO", "REF", "REFERENCE", "ROUTING", "SRN", "SUBMISSION", "TICKET",
        "TOTAL", "TRACKING", "USD",
        "ZIP",
    ]),
];

/// Words that may stand between a label and the digits.
pub(crate) const FILLERS: [&str; 12] =
    ["#", "CODE", "ID", "IS", "NO", "NOS", "NR", "NUM", "NUMBER", "NUMBERS", "OF", "WAS"];

/// What the label at the end of a row of upper-case words says, fillers after it left out.
///
/// Two labels together, "EIN/SSN", leave the kind open.
pub(crate) fn label_of(words: &[String]) -> Option<Label> {
    let mut words = words;
    loop {
        if let Some((label, before)) = last_label(words) {
            let before = before.strip_suffix(&["OR".to_owned()]).unwrap_or(before);
            return match (label, last_label(before)) {
                (Label::Kind(kind), Some((Label::Kind(other), _))) if kind != other => {
                    Some(Label::Importer)
                }
                _ => Some(label),
            };
        }
        let (last, before) = words.split_last()?;
        if !FILLERS.contains(&last.as_str()) {
            return None;
        }
        words = before;
    }
}

/// The longest label that ends a row of words, and the words before it.
fn last_label(words: &[String]) -> Option<(Label, &[String])> {
    let ends = |phrase: &str| {
        let tail = words.iter().rev().take(n_words(phrase));
        tail.eq(phrase.rsplit(' '))
    };
    let fitting = LABELS.iter().flat_map(|(label, phrases)| {
        phrases.iter().filter(|phrase| ends(phrase)).map(|phrase| (n_words(phrase), *label))
    });
    let (length, label) = fitting.max_by_key(|(length, _)| *length)?;
    Some((label, words.get(..words.len().checked_sub(length)?)?))
}

fn n_words(phrase: &str) -> usize {
    phrase.split(' ').count()
}
