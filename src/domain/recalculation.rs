//! What another calendar does to the dates of an application.
//!
//! A closure that becomes known, another zone or another cut-off move the deadlines of what is
//! open. Somebody may have told a client the old date, so the history says which dates moved, from
//! where to where, and because of which days. Windows that are closed, or stand still, keep theirs
//! untold: no date of theirs counts.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::calendar::{Calendar, Counted};
use super::window::{Deadline, Window};

/// So many days are named as the cause; more are counted.
const NAMED: usize = 5;

/// Writes which dates of running windows moved between two calendars, and why; `None` if none did.
/// The windows are those of one history under either calendar.
pub fn recalculated(
    (before, old): (&[Window], &Calendar),
    (after, new): (&[Window], &Calendar),
) -> Option<String> {
    let mut told = Vec::new();
    let mut causes = Causes::default();
    for window in after.iter().filter(|window| window.is_running()) {
        let same =
            |other: &&Window| other.name() == window.name() && other.opened_at == window.opened_at;
        let Some(earlier) = before.iter().find(same) else { continue };
        let moved: Vec<String> = earlier
            .deadlines()
            .zip(window.deadlines())
            // Hours are over when they are over, whatever day that is called.
            .filter(|((_, was), (_, is))| was.day() != is.day() && was.at != is.at)
            .map(|((_, was), (word, is))| {
                causes.add(was, is);
                format!("{word} {}, was {}", long(is.day()), long(was.day()))
            })
            .collect();
        if !moved.is_empty() {
            told.push(format!("{}: {}", window.name().replace('_', " "), moved.join("; ")));
        }
    }
    if told.is_empty() {
        return None;
    }
    let causes = causes.told(old, new);
    let because =
        if causes.is_empty() { String::new() } else { format!(" ({})", causes.join(", ")) };
    Some(format!("{}{because}", told.join(". ")))
}

/// What made dates move.
#[derive(Default)]
struct Causes {
    /// Days that one of the calendars leaves out of a count.
    left_out: BTreeSet<NaiveDate>,
    /// Whether a count began on another day.
    is_other_day: bool,
}

impl Causes {
    fn add(&mut self, was: &Deadline, is: &Deadline) {
        let left_out = |counted: &Counted| -> Vec<NaiveDate> {
            counted.skipped.iter().map(|day| day.date).collect()
        };
        self.left_out.extend(was.counts().chain(is.counts()).flat_map(left_out));
        let begins =
            |deadline: &Deadline| deadline.extended.as_ref().unwrap_or(&deadline.counted).from;
        self.is_other_day |= begins(was) != begins(is);
    }

    fn told(&self, old: &Calendar, new: &Calendar) -> Vec<String> {
        let (was, is) = (old.inputs(), new.inputs());
        let mut causes: Vec<String> = Vec::new();
        if self.is_other_day && was.zone != is.zone {
            causes.push(format!("days are those of {} now", is.zone));
        }
        if self.is_other_day && was.cut_off != is.cut_off {
            causes.push(match is.cut_off {
                Some(hour) => format!("the cut-off is {} now", hour.format("%H:%M")),
                None => "there is no cut-off any more".to_owned(),
            });
        }
        let days: Vec<String> = self
            .left_out
            .iter()
            .filter(|date| old.is_business_day(**date) != new.is_business_day(**date))
            .map(|date| match new.why_closed(*date) {
                Some(because) => format!("{} {because}", long(*date)),
                None => format!("{} no longer closed", long(*date)),
            })
            .collect();
        causes.extend(days.iter().take(NAMED).cloned());
        if NAMED < days.len() {
            causes.push(format!("and {} more days", days.len() - NAMED));
        }
        causes
    }
}

fn long(date: NaiveDate) -> String {
    date.format("%a %-d %b %Y").to_string()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveTime, Utc};
    use proptest::prelude::*;

    use super::*;
    use crate::domain::application::{History, Route};
    use crate::domain::calendar::{Choices, Closure};
    use crate::domain::event::{Event, EventKind, Source};
    use crate::domain::expectation::Windows;
    use crate::domain::window::windows;
    use crate::domain::zone::Zone;

    fn event(id: i64, (when, kind): (&str, EventKind)) -> Event {
        Event::new(id, when.parse().unwrap(), kind, Source::Message)
    }

    fn history(events: &[(&str, EventKind)]) -> History {
        let numbered = events.iter().zip(1..).map(|(written, id)| event(id, *written));
        History::of(&numbered.collect::<Vec<_>>())
    }

    fn closing(days: &[(&str, &str)]) -> Calendar {
        let closure = |(day, because): &(&str, &str)| Closure {
            date: day.parse().unwrap(),
            because: (*because).to_owned(),
        };
        Calendar::new(Zone::new_york(), days.iter().map(closure).collect(), None)
    }

    fn told(events: &[(&str, EventKind)], old: &Calendar, new: &Calendar) -> Option<String> {
        let history = history(events);
        let of =
            |calendar: &Calendar| windows(&history, Windows::default().of(Route::Email), calendar);
        recalculated((&of(old), old), (&of(new), new))
    }

    const SENT: (&str, EventKind) = ("2026-05-14T15:00:00Z", EventKind::Submitted);
    const RECEIPT: (&str, EventKind) = ("2026-05-14T15:01:00Z", EventKind::Receipt);
    const REPLY: (&str, EventKind) = ("2026-05-15T15:01:00Z", EventKind::Reply);

    #[test]
    fn a_closure_that_becomes_known_moves_the_dates_it_lies_before() {
        let snow = closing(&[("2026-05-21", "snow in Washington")]);
        let plain = closing(&[]);
        assert_eq!(
            told(&[SENT, RECEIPT], &plain, &snow).unwrap(),
            "first response: overdue Fri 22 May 2026, was Thu 21 May 2026. \
             decision: due Fri 22 May 2026, was Thu 21 May 2026 \
             (Thu 21 May 2026 closed: snow in Washington)"
        );
        assert_eq!(
            told(&[SENT, RECEIPT, REPLY], &snow, &plain).unwrap(),
            "decision: due Thu 21 May 2026, was Fri 22 May 2026 (Thu 21 May 2026 no longer closed)"
        );
        let holiday = closing(&[("2026-05-15", ""), ("2026-05-18", "a\u{1b}b")]);
        assert_eq!(
            told(&[SENT], &plain, &holiday).unwrap(),
            "acknowledgement: due Tue 19 May 2026, was Fri 15 May 2026; \
             overdue Thu 21 May 2026, was Tue 19 May 2026. \
             first response: due Thu 21 May 2026, was Tue 19 May 2026; \
             overdue Tue 26 May 2026, was Thu 21 May 2026 \
             (Fri 15 May 2026 closed by the configuration, Mon 18 May 2026 closed: a\u{1b}b)"
        );
    }

    #[test]
    fn what_moves_no_date_is_not_told() {
        let plain = closing(&[]);
        for days in [
            // Far away, on a weekend, a holiday, and in the middle of a span of calendar days.
            vec![("2027-01-11", "")],
            vec![("2026-05-16", "")],
            vec![("2026-05-25", "")],
            vec![("2026-05-22", "")],
        ] {
            assert_eq!(told(&[SENT, RECEIPT, REPLY], &plain, &closing(&days)), None, "{days:?}");
        }
        let snow = closing(&[("2026-05-21", "snow")]);
        let ice = closing(&[("2026-05-21", "ice")]);
        assert_eq!(told(&[SENT], &snow, &ice), None);
        // Closed, standing still, or ended.
        let approved = ("2026-05-15T15:00:00Z", EventKind::Approved);
        let closed = ("2026-05-15T16:00:00Z", EventKind::Closed);
        let rejected = ("2026-05-15T15:00:00Z", EventKind::Rejected);
        let asked = ("2026-05-15T15:00:00Z", EventKind::InformationRequest);
        assert_eq!(told(&[SENT, approved, closed], &plain, &snow), None);
        assert_eq!(told(&[SENT, rejected], &plain, &snow), None);
        let told = told(&[SENT, asked], &plain, &snow).unwrap();
        assert!(told.starts_with("your answer: ") && !told.contains("decision"), "{told}");
    }

    #[test]
    fn a_zone_and_a_cut_off_are_named_where_the_count_begins_on_another_day() {
        // Thursday evening in New York, afternoon in Honolulu.
        let evening = [("2026-05-15T02:00:00Z", EventKind::Submitted)];
        let plain = closing(&[]);
        let tokyo = Calendar::new(Zone::named("Asia/Tokyo").unwrap(), Vec::new(), None);
        let five = Calendar::new(Zone::new_york(), Vec::new(), NaiveTime::from_hms_opt(17, 0, 0));
        let text = told(&evening, &plain, &tokyo).unwrap();
        assert!(
            text.starts_with("acknowledgement: due Mon 18 May 2026, was Fri 15 May 2026; "),
            "{text}"
        );
        assert!(text.ends_with(" (days are those of Asia/Tokyo now)"), "{text}");
        let text = told(&evening, &plain, &five).unwrap();
        assert!(text.ends_with(" (the cut-off is 17:00 now)"), "{text}");
        let text = told(&evening, &five, &plain).unwrap();
        assert!(text.ends_with(" (there is no cut-off any more)"), "{text}");
        // In the morning neither makes a difference.
        let morning = [("2026-05-14T13:00:00Z", EventKind::Submitted)];
        assert_eq!(told(&morning, &plain, &tokyo), None);
        assert_eq!(told(&morning, &plain, &five), None);
    }

    #[test]
    fn hours_and_the_day_that_cbp_named_are_moved_by_no_closure() {
        let plain = closing(&[]);
        let approved = ("2026-05-20T15:00:00Z", EventKind::Approved);
        let snow = closing(&[("2026-05-21", "snow")]);
        // The second mail is awaited for 24 hours, wherever the clock stands.
        let tokyo = Calendar::new(Zone::named("Asia/Tokyo").unwrap(), Vec::new(), None);
        for other in [&snow, &tokyo] {
            let told = told(&[SENT, approved], &plain, other);
            assert!(!told.as_deref().unwrap_or_default().contains("second approval"), "{told:?}");
        }
        let mut events =
            vec![event(1, SENT), event(2, ("2026-05-15T12:00:00Z", EventKind::Extended))];
        events[1].until = Some("2026-06-05T03:59:59Z".parse().unwrap());
        events[1].text = Some("so they said".to_owned());
        let history = History::of(&events);
        let of =
            |calendar: &Calendar| windows(&history, Windows::default().of(Route::Email), calendar);
        let on_the_day = closing(&[("2026-06-04", "moving")]);
        assert_eq!(recalculated((&of(&plain), &plain), (&of(&on_the_day), &on_the_day)), None);
        let after = closing(&[("2026-06-05", "moving")]);
        let told = recalculated((&of(&plain), &plain), (&of(&after), &after)).unwrap();
        assert!(
            told.contains("first response: overdue Tue 9 Jun 2026, was Mon 8 Jun 2026"),
            "{told}"
        );
        assert!(!told.contains(": due"), "{told}");
        assert!(told.ends_with(" (Fri 5 Jun 2026 closed: moving)"), "{told}");
    }

    #[test]
    fn inauguration_day_is_named() {
        let sent = [("2033-01-13T15:00:00Z", EventKind::Submitted)];
        let plain = closing(&[]);
        let choices = Choices { inauguration_day: true, ..Choices::default() };
        let text = told(&sent, &plain, &closing(&[]).deciding(choices)).unwrap();
        assert!(
            text.ends_with(" (Thu 20 Jan 2033 Inauguration Day (by your configuration))"),
            "{text}"
        );
    }

    #[test]
    fn many_days_are_counted() {
        let days: Vec<String> = (1..=9).map(|day| format!("2026-06-{day:02}")).collect();
        let days: Vec<(&str, &str)> = days.iter().map(|day| (day.as_str(), "moving")).collect();
        let sent = [("2026-05-29T15:00:00Z", EventKind::Submitted)];
        let text = told(&sent, &closing(&[]), &closing(&days)).unwrap();
        assert!(text.contains("Mon 1 Jun 2026 closed: moving, "), "{text}");
        assert!(text.ends_with(", Fri 5 Jun 2026 closed: moving, and 2 more days)"), "{text}");
    }

    proptest! {
        #[test]
        fn what_is_told_is_what_moved(
            sent in 0i64..60, receipt in 0i64..10,
            old in proptest::collection::btree_set(0u64..60, 0..6),
            new in proptest::collection::btree_set(0u64..60, 0..6),
        ) {
            let start: DateTime<Utc> = "2026-11-20T17:00:00Z".parse().unwrap();
            let sent = start + chrono::Duration::days(sent);
            let receipt = (sent + chrono::Duration::days(receipt)).to_rfc3339();
            let history = history(&[
                (&sent.to_rfc3339(), EventKind::Submitted), (&receipt, EventKind::Receipt),
            ]);
            let calendar = |days: &BTreeSet<u64>| {
                let first = start.date_naive();
                let closure = |n: &u64| Closure {
                    date: first + chrono::Days::new(*n), because: "x".to_owned(),
                };
                Calendar::new(Zone::new_york(), days.iter().map(closure).collect(), None)
            };
            let (old, new) = (calendar(&old), calendar(&new));
            let of = |calendar| windows(&history, Windows::default().of(Route::Email), calendar);
            let (before, after) = (of(&old), of(&new));
            let dates = |windows: &[Window]| -> Vec<NaiveDate> {
                windows
                    .iter()
                    .filter(|window| window.is_running())
                    .flat_map(|w| [Some(&w.due), Some(&w.overdue), w.critical.as_ref()])
                    .flatten()
                    .map(Deadline::day)
                    .collect()
            };
            let n_moved = dates(&before).iter().zip(dates(&after)).filter(|(a, b)| **a != *b).count();
            let text = recalculated((&before, &old), (&after, &new));
            prop_assert_eq!(text.as_ref().map_or(0, |text| text.matches(", was ").count()), n_moved);
            // Every change has a cause.
            prop_assert!(text.is_none_or(|text| text.ends_with(')')));
        }
    }
}
