//! A span of time as people write it: `3bd`, `14d`, `24h`.

use std::fmt;
use std::str::FromStr;

/// What the number of a [`Span`] counts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum CountUnit {
    /// Business days as 19 CFR 101.1 defines them.
    Business,
    /// Civil days, whatever they are.
    Calendar,
    /// Hours by the clock, whatever day it is.
    Hours,
}

impl CountUnit {
    /// The word for it in commands and JSON: `business`, `calendar` or `hours`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Business => "business",
            Self::Calendar => "calendar",
            Self::Hours => "hours",
        }
    }
}

/// A span of time, written `3bd` (business days), `14d` (calendar days) or `24h` (hours).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Span {
    /// How many.
    pub n: u32,
    /// Of which kind.
    pub unit: CountUnit,
}

impl Span {
    /// The longest span that can be written: in days, about three years.
    pub const LONGEST: u32 = 1_000;
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.unit {
            CountUnit::Business => write!(f, "{}bd", self.n),
            CountUnit::Calendar => write!(f, "{}d", self.n),
            CountUnit::Hours => write!(f, "{}h", self.n),
        }
    }
}

impl FromStr for Span {
    type Err = SpanError;

    /// Reads `3bd`, `14d` or `24h`: digits and a unit, nothing else.
    fn from_str(written: &str) -> Result<Self, SpanError> {
        let (digits, unit) = if let Some(digits) = written.strip_suffix("bd") {
            (digits, CountUnit::Business)
        } else if let Some(digits) = written.strip_suffix('d') {
            (digits, CountUnit::Calendar)
        } else if let Some(digits) = written.strip_suffix('h') {
            (digits, CountUnit::Hours)
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
    #[error(
        "`{0}` is no span: write `3bd` for business days, `14d` for calendar days, `24h` for hours"
    )]
    Malformed(String),
    /// More than [`Span::LONGEST`].
    #[error("`{0}` is too long: {max} are the most", max = Span::LONGEST)]
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
            ("24h", 24, CountUnit::Hours),
            ("1000bd", 1_000, CountUnit::Business),
        ] {
            assert_eq!(span(written), Span { n, unit });
            assert_eq!(span(written).to_string(), written);
        }
        assert_eq!(span("007d").to_string(), "7d");
        let malformed = "|3|bd|d|h|3 bd| 3bd|+3bd|-3d|3BD|3bdd|3w|3b|\u{663}d";
        for written in malformed.split('|') {
            assert_eq!(written.parse::<Span>(), Err(SpanError::Malformed(written.to_owned())));
        }
        for written in ["1001d", "4294967296bd", "99999999999999999999d"] {
            assert_eq!(written.parse::<Span>(), Err(SpanError::TooLong(written.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reading_of_a_span(written in "\\PC*|[0-9]{0,30}(b?d|h)?") {
            if let Ok(span) = written.parse::<Span>() {
                prop_assert_eq!(span.to_string().parse(), Ok(span));
            }
        }
    }
}
