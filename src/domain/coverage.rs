//! The spans of time in which the mailboxes are known to have been read completely.
//!
//! A verdict that nothing came rests on proof that somebody looked. Each folder has its own
//! spans; what all of them share is what is known.

use chrono::{DateTime, Utc};

/// A span of time, both ends included.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Watched {
    /// From here on every mail received is known.
    pub from: DateTime<Utc>,
    /// Up to here.
    pub until: DateTime<Utc>,
}

/// What is known of every configured folder together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Coverage {
    spans: Vec<Watched>,
}

impl Coverage {
    /// What the spans of all folders have in common; nothing where there is no folder.
    pub fn common(folders: &[Vec<Watched>]) -> Coverage {
        let mut folders = folders.iter().map(|spans| merged(spans.clone()));
        let Some(first) = folders.next() else { return Coverage::default() };
        let spans = folders.fold(first, |common, folder| {
            let mut shared = Vec::new();
            for a in &common {
                for b in &folder {
                    let both = Watched { from: a.from.max(b.from), until: a.until.min(b.until) };
                    if both.from <= both.until {
                        shared.push(both);
                    }
                }
            }
            merged(shared)
        });
        Coverage { spans }
    }

    /// Whether every mail received between the two instants is known.
    pub fn proves(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> bool {
        self.spans.iter().any(|span| span.from <= from && until <= span.until)
    }

    /// Up to when the mailboxes are known to have been read, whatever gaps lie before.
    pub fn known_until(&self) -> Option<DateTime<Utc>> {
        self.spans.last().map(|span| span.until)
    }

    /// The spans, in order.
    pub fn spans(&self) -> &[Watched] {
        &self.spans
    }
}

/// Joins spans that touch or overlap, and sorts them.
pub fn merged(mut spans: Vec<Watched>) -> Vec<Watched> {
    spans.sort();
    let mut joined: Vec<Watched> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.from <= last.until => last.until = last.until.max(span.until),
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeZone;
    use proptest::prelude::*;

    fn hour(n: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 5, 4, 0, 0, 0).unwrap() + chrono::Duration::hours(n)
    }

    fn span(from: i64, until: i64) -> Watched {
        Watched { from: hour(from), until: hour(until) }
    }

    #[test]
    fn a_folder_that_was_not_read_leaves_a_gap() {
        let coverage = Coverage::common(&[vec![span(0, 10), span(20, 30)], vec![span(0, 30)]]);
        assert!(coverage.proves(hour(1), hour(10)));
        assert!(!coverage.proves(hour(1), hour(21)));
        assert!(coverage.proves(hour(20), hour(30)));
        assert_eq!(coverage.known_until(), Some(hour(30)));
    }

    #[test]
    fn without_folders_nothing_is_proved() {
        assert!(!Coverage::common(&[]).proves(hour(0), hour(0)));
        assert!(!Coverage::common(&[vec![span(0, 5)], vec![]]).proves(hour(1), hour(2)));
    }

    proptest! {
        #[test]
        fn what_is_common_is_proved_by_every_folder(
            a in prop::collection::vec((0_i64..50, 0_i64..20), 0..6),
            b in prop::collection::vec((0_i64..50, 0_i64..20), 0..6),
            from in 0_i64..70, long in 0_i64..20,
        ) {
            let spans = |v: &[(i64, i64)]| v.iter().map(|(f, l)| span(*f, f + l)).collect::<Vec<_>>();
            let both = Coverage::common(&[spans(&a), spans(&b)]);
            let one = Coverage::common(&[spans(&a)]);
            let other = Coverage::common(&[spans(&b)]);
            let (f, u) = (hour(from), hour(from + long));
            prop_assert_eq!(both.proves(f, u), one.proves(f, u) && other.proves(f, u));
        }
    }
}
