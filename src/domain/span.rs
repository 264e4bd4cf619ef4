//! A number of days as people write it: `3bd`, `14d`.

use std::fmt;
use std::str::FromStr;

/// What the number of a [`Span`] counts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CountUnit {
    /// Business days as 19 CFR 101.1 defines them.
    Business,
    /// Civil days, whatever they are.
    Calendar,
}

impl CountUnit {
    /// The word for it in commands and JSON: `business` or `calendar`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Business => "business",
            Self::Calendar => "calendar",
        }
    }
}

/// A number of days, written `3bd` (business days) or `14d` (calendar days).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Span {
    /// How many.
    pub n: u32,
    /// Of which kind.
    pub unit: CountUnit,
}

impl Span {
    /// The longest span that can be written: about three years.
    pub const LONGEST: u32 = 1_000;
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            CountUnit::Business => write!(f, "{}bd", self.n),
            CountUnit::Calendar => write!(f, "{}d", self.n),
        }
    }
}

impl FromStr for Span {
    type Err = SpanError;

    /// Reads `3bd` or `14d`: digits and a unit, nothing else.
    fn from_str(written: &str) -> Result<Self, SpanError> {
        let (digits, unit) = if let Some(digits) = written.strip_suffix("bd") {
            (digits, CountUnit::Business)
        } else if let Some(digits) = written.strip_suffix('d') {
            (digits, CountUnit::Calendar)
        } else {
            return Err(SpanError::Malformed(written.to_owned()));
        };
        // Checked apart from parsing, which would take a sign and could not tell a number
        // that is too large from one that is none.
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SpanError::Malformed(written.to_owned()));
        }
        match digits.parse() {
            Ok(n) if n <= Self::LONGEST => Ok(Self { n, unit }),
            _ => Err(SpanError::TooLong(written.to_owned())),
        }
    }
}

/// Why a text is not a [`Span`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SpanError {
    /// Not a number with a unit.
    #[error("`{0}` is no number of days: write `3bd` for business days, `14d` for calendar days")]
    Malformed(String),
    /// More than [`Span::LONGEST`].
    #[error("`{0}` is too long: {max} days are the most", max = Span::LONGEST)]
    TooLong(String),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(written: &str) -> Span {
        written.parse().unwrap()
    }

    #[test]
    fn a_span_is_written_as_it_is_read() {
        for (written, n, unit) in [
            ("3bd", 3, CountUnit::Business),
            ("14d", 14, CountUnit::Calendar),
            ("0d", 0, CountUnit::Calendar),
            ("1000bd", 1_000, CountUnit::Business),
        ] {
            assert_eq!(span(written), Span { n, unit });
            assert_eq!(span(written).to_string(), written);
        }
        assert_eq!(span("007d").to_string(), "7d");
        let malformed = "|3|bd|d|3 bd| 3bd|+3bd|-3d|3BD|3bdd|3w|3b|\u{663}d";
        for written in malformed.split('|') {
            assert_eq!(written.parse::<Span>(), Err(SpanError::Malformed(written.to_owned())));
        }
        for written in ["1001d", "4294967296bd", "99999999999999999999d"] {
            assert_eq!(written.parse::<Span>(), Err(SpanError::TooLong(written.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reading_of_a_span(written in "\\PC*|[0-9]{0,30}b?d?") {
            if let Ok(span) = written.parse::<Span>() {
                prop_assert_eq!(span.to_string().parse(), Ok(span));
            }
        }
    }
}
