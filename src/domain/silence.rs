//! When the clock keeps silent about an application, because a person said so.
//!
//! To acknowledge what is overdue stops its reminders until something new comes. A snooze stops
//! everything that the clock raises until an instant, after which one alert tells what is still
//! late. Neither changes what a window says, nor holds back a mail. Both are told in one way: all
//! deadlines of a window before some instant are silent, and stay so.

use chrono::{DateTime, Utc};

use super::window::Window;

/// What a person acknowledged or put off.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Silence {
    acknowledged: Option<Acknowledged>,
    snooze: Option<Snooze>,
}

/// A person knows what is overdue.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Acknowledged {
    at: DateTime<Utc>,
    /// Up to when it was known what had come: nobody acknowledges what they could not know.
    known_until: DateTime<Utc>,
    /// When something new came.
    ended_at: Option<DateTime<Utc>>,
}

/// A person does not want to hear of it before some instant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Snooze {
    /// When it is over.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: Option<String>,
}

impl Silence {
    /// A person acknowledged what was known to be overdue.
    pub(super) fn acknowledge(&mut self, at: DateTime<Utc>, known_until: Option<DateTime<Utc>>) {
        let known_until = known_until.unwrap_or(DateTime::<Utc>::MIN_UTC);
        self.acknowledged = Some(Acknowledged { at, known_until, ended_at: None });
    }

    /// A person put it off; until an instant that has come already means no longer.
    pub(super) fn snooze(
        &mut self,
        at: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
        reason: Option<String>,
    ) {
        match until.filter(|until| at < *until) {
            Some(until) => {
                self.snooze = Some(Snooze { until, reason });
                // Who wants to hear of it then has not acknowledged it for good.
                self.acknowledged = None;
            }
            None => self.end_snooze(at),
        }
    }

    /// CBP answered.
    pub(super) fn end(&mut self, at: DateTime<Utc>) {
        self.end_snooze(at);
        self.end_acknowledgement(at);
    }

    /// Something new is to be heard of.
    pub(super) fn end_acknowledgement(&mut self, at: DateTime<Utc>) {
        if let Some(Acknowledged { ended_at: end @ None, .. }) = &mut self.acknowledged {
            *end = Some(at);
        }
    }

    fn end_snooze(&mut self, at: DateTime<Utc>) {
        if let Some(snooze) = self.snooze.as_mut().filter(|snooze| at < snooze.until) {
            snooze.until = at;
        }
    }

    /// The snooze that holds at `now`.
    pub fn snooze_at(&self, now: DateTime<Utc>) -> Option<&Snooze> {
        self.snooze.as_ref().filter(|snooze| now < snooze.until)
    }

    /// When the last snooze was over, if it is.
    pub(super) fn snooze_over(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.snooze.as_ref().map(|snooze| snooze.until).filter(|until| *until <= now)
    }

    /// Whether nothing is told of a deadline of a window that was at `deadline`.
    pub(super) fn covers(&self, window: &Window, deadline: DateTime<Utc>) -> bool {
        self.snooze.as_ref().is_some_and(|snooze| deadline < snooze.until)
            || self.acknowledged_until(window).is_some_and(|until| deadline < until)
    }

    /// Since when a person has known that a window is overdue, and has heard nothing new.
    pub fn acknowledged_at(&self, window: &Window, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.acknowledged_until(window).filter(|until| now <= *until)?;
        self.acknowledged.as_ref().map(|acknowledged| acknowledged.at)
    }

    /// Up to when an acknowledgement stands for a window: until something new comes, or until the
    /// window is critical, of which the person did not know.
    pub(super) fn acknowledged_until(&self, window: &Window) -> Option<DateTime<Utc>> {
        let Acknowledged { at, known_until, ended_at } = self.acknowledged.as_ref()?;
        let overdue_at = window.overdue.at;
        let is_known = overdue_at <= *known_until || !window.rule.needs_proof();
        if *at <= overdue_at || !is_known {
            return None;
        }
        let ended_at = ended_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
        let critical_at = window.critical.as_ref().map(|deadline| deadline.at);
        let critical_at = critical_at.filter(|critical_at| at <= critical_at);
        Some(critical_at.map_or(ended_at, |critical_at| ended_at.min(critical_at)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::application::{Application, History, Route};
    use crate::domain::calendar::Calendar;
    use crate::domain::coverage::{Coverage, Watched};
    use crate::domain::evaluation::{Evaluation, evaluate};
    use crate::domain::event::{Event, EventKind, Source};
    use crate::domain::expectation::Windows;
    use crate::domain::zone::Zone;
    use EventKind::*;
    use proptest::prelude::*;

    static CALENDAR: std::sync::LazyLock<Calendar> =
        std::sync::LazyLock::new(|| Calendar::new(Zone::new_york(), Vec::new(), None));

    /// An event of May 2026: the instant, the kind, and up to when it holds.
    type Written<'a> = (&'a str, EventKind, Option<&'a str>);

    /// An instant of May 2026, given as `6T12`; beyond the 31st it counts on.
    fn may(text: &str) -> DateTime<Utc> {
        let (day, hour) = text.split_once('T').unwrap();
        let start: DateTime<Utc> = "2026-05-01T00:00:00Z".parse().unwrap();
        let days = chrono::Duration::days(day.parse::<i64>().unwrap() - 1);
        start + days + chrono::Duration::hours(hour.parse().unwrap())
    }

    fn event(id: usize, at: DateTime<Utc>, kind: EventKind, until: Option<DateTime<Utc>>) -> Event {
        Event { until, ..Event::new(id as i64, at, kind, Source::Message) }
    }

    fn history(written: &[Written]) -> Vec<Event> {
        let events = written.iter().enumerate();
        events.map(|(id, (at, kind, until))| event(id, may(at), *kind, until.map(may))).collect()
    }

    /// How it stands, seen with the events up to `now` and nothing unread.
    fn standing(events: &[Event], now: DateTime<Utc>) -> Evaluation {
        let seen: Vec<Event> = events.iter().filter(|e| e.at <= now).cloned().collect();
        let read = Watched { from: may("-99T0"), until: may("999T0") };
        let application = Application::example();
        evaluate(
            &application,
            &History::of(&seen),
            Windows::default().of(Route::Email),
            &Coverage::common(&[vec![read]]),
            &CALENDAR,
            &["2bd".parse().unwrap(), "7d".parse().unwrap()],
            now,
        )
    }

    fn keys(evaluation: &Evaluation) -> Vec<String> {
        evaluation.alerts.iter().map(|alert| alert.key.clone()).collect()
    }

    /// Every alert of the time up to the day `last`, in the order in which they come, each once: the
    /// hour at which it first holds, and what makes it the same one.
    fn told(written: &[Written], last: &str) -> Vec<String> {
        let events = history(written);
        let (mut known, mut told) = (Vec::new(), Vec::new());
        // A day ends there at four o'clock here, and the user does what they do at noon.
        let hours = (0..40 * 24).filter(|hour| matches!(hour % 24, 3 | 4 | 11 | 12 | 13));
        let times = hours.map(|hour| may("1T0") + chrono::Duration::hours(hour));
        for now in times.take_while(|now| *now <= may(last)) {
            for key in keys(&standing(&events, now)) {
                if !known.contains(&key) {
                    let since = (now - may("1T0")).num_hours();
                    let what = match *key.split('/').collect::<Vec<_>>() {
                        ["window", _, window, _, what] => format!("{window} {what}"),
                        _ => "snooze over".to_owned(),
                    };
                    told.push(format!("{}T{} {what}", since / 24 + 1, since % 24));
                    known.push(key);
                }
            }
        }
        told
    }

    const SENT: [Written; 2] = [("1T15", Submitted, None), ("1T16", Receipt, None)];

    fn check(said: &[Written], last: &str, expected: &[&str]) {
        let written: Vec<Written> = SENT.iter().chain(said).copied().collect();
        assert_eq!(told(&written, last), expected, "{said:?}");
    }

    #[test]
    fn who_says_nothing_hears_everything() {
        check(
            &[],
            "28T0",
            &[
                "7T4 first_response due",
                "9T4 first_response overdue",
                "13T4 first_response reminder-1",
                "16T4 decision overdue",
                "20T4 decision reminder-1",
                "23T4 decision critical",
                "27T4 decision reminder-2",
            ],
        );
    }

    #[test]
    fn what_was_acknowledged_is_told_again_only_when_it_is_critical() {
        let before = ["7T4 first_response due", "9T4 first_response overdue"];
        let told = |after: &[&'static str]| [&before[..], after].concat();
        check(
            &[("10T12", Acknowledged, Some("10T12"))],
            "28T0",
            &told(&[
                "16T4 decision overdue",
                "20T4 decision reminder-1",
                "23T4 decision critical",
                "27T4 decision reminder-2",
            ]),
        );
        check(
            &[("17T12", Acknowledged, Some("17T12"))],
            "28T0",
            &told(&[
                "13T4 first_response reminder-1",
                "16T4 decision overdue",
                "23T4 decision critical",
                "27T4 decision reminder-2",
            ]),
        );
        // Nobody had read the mailboxes for days: what they did not know, they did not acknowledge.
        check(
            &[("17T12", Acknowledged, Some("12T12"))],
            "21T0",
            &told(&[
                "13T4 first_response reminder-1",
                "16T4 decision overdue",
                "20T4 decision reminder-1",
            ]),
        );
        check(
            &[("17T12", Acknowledged, None)],
            "21T0",
            &told(&[
                "13T4 first_response reminder-1",
                "16T4 decision overdue",
                "20T4 decision reminder-1",
            ]),
        );
    }

    #[test]
    fn an_answer_and_a_resubmission_end_what_was_acknowledged() {
        let before = [
            "7T4 first_response due",
            "9T4 first_response overdue",
            "13T4 first_response reminder-1",
            "16T4 decision overdue",
        ];
        let told = |after: &[&'static str]| [&before[..], after].concat();
        let acknowledged = ("17T12", Acknowledged, Some("17T12"));
        // The reminder of the 20th falls into the silence, and does not come afterwards.
        check(
            &[acknowledged, ("21T12", Reply, None)],
            "28T0",
            &told(&["23T4 decision critical", "27T4 decision reminder-2"]),
        );
        check(
            &[acknowledged, ("18T12", Reply, None)],
            "21T0",
            &told(&["20T4 decision reminder-1"]),
        );
        check(
            &[acknowledged, ("18T12", Submitted, None)],
            "21T0",
            &told(&["20T4 decision reminder-1"]),
        );
        check(
            &[acknowledged, ("18T12", Rejected, None), ("18T15", Submitted, None)],
            "27T0",
            &told(&["20T4 acknowledgement due", "22T4 acknowledgement overdue"]),
        );
    }

    #[test]
    fn a_snooze_is_silent_and_one_alert_tells_of_what_fell_into_it() {
        let snoozed = ("6T12", Snoozed, Some("18T12"));
        check(
            &[snoozed],
            "24T0",
            &["18T12 snooze over", "20T4 decision reminder-1", "23T4 decision critical"],
        );
        // Past the critical date, too.
        check(&[("6T12", Snoozed, Some("25T12"))], "26T0", &["25T12 snooze over"]);
        check(&[snoozed, ("12T12", Snoozed, Some("12T12"))], "13T3", &["12T12 snooze over"]);
        check(&[snoozed, ("17T12", Snoozed, Some("19T12"))], "20T0", &["19T12 snooze over"]);
        // Nothing was late when it was over.
        check(&[("2T12", Snoozed, Some("4T12"))], "7T5", &["7T4 first_response due"]);
        check(&[snoozed, ("10T12", Closed, None)], "26T0", &[]);
    }

    #[test]
    fn an_answer_ends_a_snooze_and_a_receipt_does_not() {
        let snoozed = ("6T12", Snoozed, Some("18T12"));
        check(
            &[snoozed, ("10T12", Reply, None)],
            "21T0",
            &["10T12 snooze over", "16T4 decision overdue", "20T4 decision reminder-1"],
        );
        check(&[snoozed, ("10T12", Receipt, None)], "19T0", &["18T12 snooze over"]);
        check(
            &[snoozed, ("10T12", Approved, None)],
            "20T0",
            &[
                "11T13 second_approval due",
                "13T13 second_approval overdue",
                "16T4 second_approval reminder-1",
            ],
        );
        let again = ("11T12", Submitted, None);
        check(&[snoozed, ("10T12", Rejected, None), again], "14T0", &["13T4 acknowledgement due"]);
    }

    #[test]
    fn the_last_word_counts() {
        let acknowledged = |at| (at, Acknowledged, Some(at));
        check(
            &[acknowledged("10T12"), ("10T13", Snoozed, Some("14T12"))],
            "21T0",
            &[
                "7T4 first_response due",
                "9T4 first_response overdue",
                "14T12 snooze over",
                "16T4 decision overdue",
                "20T4 decision reminder-1",
            ],
        );
        check(
            &[("6T12", Snoozed, Some("18T12")), acknowledged("17T12")],
            "28T0",
            &["23T4 decision critical", "27T4 decision reminder-2"],
        );
        // What became critical within the snooze had not been acknowledged.
        check(
            &[("6T12", Snoozed, Some("25T12")), acknowledged("17T12")],
            "28T0",
            &["25T12 snooze over", "27T4 decision reminder-2"],
        );
    }

    #[test]
    fn the_alert_after_a_snooze_is_of_the_most_urgent_and_says_what_to_do() {
        let events = history(&[SENT[0], SENT[1], ("6T12", Snoozed, Some("18T12"))]);
        let evaluation = standing(&events, may("18T12"));
        let [alert] = &evaluation.alerts[..] else { panic!("{:?}", evaluation.alerts) };
        assert_eq!(alert.kind.as_str(), "overdue");
        assert_eq!(alert.title, "Acme Imports LLC: snooze over, first response overdue");
        assert_eq!(
            alert.body,
            "Write to ACE.Support@cbp.dhs.gov or call 1-866-530-4172.\nExpected by Wed 6 May: `acewatch show 7`"
        );
        assert_eq!(standing(&events, may("18T11")).snoozed_until, Some(may("18T12")));
        assert_eq!(standing(&events, may("18T12")).snoozed_until, None);
        assert_eq!(standing(&events, may("18T11")).attention.as_str(), "overdue");
    }

    #[test]
    fn it_is_acknowledged_while_all_that_is_overdue_is() {
        let events = history(&[SENT[0], SENT[1], ("10T12", Acknowledged, Some("10T12"))]);
        let acked = |at: &str| standing(&events, may(at)).acked_at.is_some();
        assert!(!acked("10T11") && acked("10T12") && acked("16T3") && !acked("16T4"));
    }

    fn any_history() -> impl Strategy<Value = Vec<Event>> {
        let kinds = [
            Submitted,
            Receipt,
            Reply,
            InformationRequest,
            Answered,
            Approved,
            Rejected,
            Undeliverable,
            Milestone,
            Closed,
            Reopened,
            Note,
            Acknowledged,
            Acknowledged,
            Snoozed,
            Snoozed,
            Snoozed,
        ];
        let any = (0_i64..1500, prop::sample::select(kinds.to_vec()), -50_i64..600);
        prop::collection::vec(any, 0..7).prop_map(|said| {
            let said = said.into_iter().enumerate().map(|(id, (hours, kind, more))| {
                let at = may("1T17") + chrono::Duration::hours(hours);
                let until = Some(at + chrono::Duration::hours(more));
                event(id + 9, at, kind, until.filter(|_| kind == Acknowledged || kind == Snoozed))
            });
            history(&SENT).into_iter().chain(said).collect()
        })
    }

    /// What is told of silence: the window, what, and the hour since the beginning of May.
    const EVERYTHING: [(&str, &str, i64); 7] = [
        ("first_response", "due", 6 * 24 + 4),
        ("first_response", "overdue", 8 * 24 + 4),
        ("first_response", "reminder-1", 12 * 24 + 4),
        ("decision", "overdue", 15 * 24 + 4),
        ("decision", "reminder-1", 19 * 24 + 4),
        ("decision", "critical", 22 * 24 + 4),
        ("decision", "reminder-2", 26 * 24 + 4),
    ];

    /// Of this nothing is told, because the first response is overdue by then.
    const DECISION_DUE: i64 = 8 * 24 + 4;

    /// The same with a snooze and an acknowledgement, reckoned one by one.
    fn expected((from, until): (i64, i64), acked: i64) -> Vec<String> {
        let hour = |window: &str, what: &str| {
            if (window, what) == ("decision", "due") {
                return DECISION_DUE;
            }
            let found = EVERYTHING.iter().find(|(w, k, _)| (*w, *k) == (window, what));
            found.map_or(i64::MAX, |(_, _, hour)| *hour)
        };
        let is_acked = |window: &str| hour(window, "overdue") <= acked;
        let is_hidden = |window: &str, at: i64| {
            let critical = hour(window, "critical");
            let is_known = is_acked(window) && acked < at;
            let is_news = acked < critical && critical <= at;
            let is_put_off = acked < from && from <= at;
            (from <= at && at < until) || (is_known && !is_news && !is_put_off)
        };
        let shown = EVERYTHING.iter().filter(|(window, _, at)| !is_hidden(window, *at));
        let mut told: Vec<(i64, String)> =
            shown.map(|(window, what, at)| (*at, format!("{window} {what}"))).collect();
        let is_late = ["first_response", "decision"].iter().any(|window| {
            let critical = hour(window, "critical");
            let is_news = acked < critical && critical < until;
            let is_known = from < acked && acked <= until && is_acked(window) && !is_news;
            hour(window, "due") <= until && !is_known
        });
        if is_late {
            told.push((until, "snooze over".to_owned()));
        }
        told.sort_by_key(|(at, _)| *at);
        told.iter().map(|(at, what)| format!("{}T{} {what}", at / 24 + 1, at % 24)).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn each_is_told_once_and_at_its_hour(from in 1_i64..26, long in 1_i64..20, acked in 1_i64..29) {
            let noon = |day: i64| format!("{}T12", day + 1);
            let (begins, ends, known) = (noon(from), noon(from + long), format!("{}T13", acked + 1));
            let mut written: Vec<Written> = SENT.to_vec();
            written.push((&begins, Snoozed, Some(&ends)));
            written.push((&known, Acknowledged, Some(&known)));
            let hours = |day: i64| day * 24 + 12;
            let mut expected = expected((hours(from), hours(from + long)), acked * 24 + 13);
            expected.retain(|line| line.split('T').next().unwrap().parse::<i64>().unwrap() <= 29);
            prop_assert_eq!(told(&written, "30T0"), expected);
        }
    }

    proptest! {
        #[test]
        fn the_answer_does_not_change_before_it_says_so(
            events in any_history(), hours in 0_i64..1500, later in 0_i64..400,
        ) {
            let now = may("1T17") + chrono::Duration::hours(hours);
            let then = now + chrono::Duration::hours(later);
            let (first, second) = (standing(&events, now), standing(&events, then));
            let is_news = events.iter().any(|event| now < event.at && event.at <= then);
            if !is_news && first.next_at.is_none_or(|next| then < next) {
                prop_assert_eq!(first.attention, second.attention);
                prop_assert_eq!(first.snoozed_until, second.snoozed_until);
                prop_assert_eq!(first.acked_at, second.acked_at);
                prop_assert_eq!(keys(&first), keys(&second));
            }
        }

        #[test]
        fn a_snooze_hides_every_deadline_and_changes_no_verdict(
            events in any_history(), hours in 0_i64..1500,
        ) {
            let now = may("1T17") + chrono::Duration::hours(hours);
            let heard: Vec<Event> = events
                .iter()
                .filter(|event| !matches!(event.kind, Snoozed | Acknowledged))
                .cloned()
                .collect();
            let (silent, loud) = (standing(&events, now), standing(&heard, now));
            prop_assert_eq!(&silent.windows, &loud.windows);
            prop_assert_eq!(silent.attention, loud.attention);
            if silent.snoozed_until.is_some() {
                prop_assert!(silent.alerts.iter().all(|alert| !alert.kind.is_of_the_clock()));
            }
            let known = keys(&loud);
            let new = keys(&silent).into_iter().filter(|key| !known.contains(key)).count();
            prop_assert!(new <= 1);
        }
    }
}
