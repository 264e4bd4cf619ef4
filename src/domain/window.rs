//! Expectations with a deadline, and what each says now.
//!
//! A window opens on one event and closes on another; it is *due* after one span and *overdue*
//! after a longer one. Spans of days end with the last second of a day in the calendar's zone,
//! because CBP promises days, not hours. Time that CBP spent waiting for us does not count against
//! it: the dates of what it owes move on by the days that a request was open. A person may put the
//! dates off, because CBP named another one.

use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::application::History;
use super::calendar::{Calendar, Counted, Skipped};
use super::coverage::Coverage;
use super::expectation::{Moment, Owes, WindowRule};
use super::span::{CountUnit, Span};

/// What a window says now.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// What is awaited came, or is awaited no more.
    Answered,
    /// CBP waits for us.
    Paused,
    /// There is time.
    Waiting,
    /// The answer was promised by now.
    Due,
    /// A deadline passed while nobody read the mailbox, so nobody can say.
    Unknown,
    /// It is late.
    Overdue,
    /// It is not expected to come.
    NotExpected,
}

impl Verdict {
    /// The name used in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Answered => "answered",
            Verdict::Paused => "paused",
            Verdict::Waiting => "waiting",
            Verdict::Due => "due",
            Verdict::Unknown => "unknown",
            Verdict::Overdue => "overdue",
            Verdict::NotExpected => "not_expected",
        }
    }
}

/// A deadline and the count that led to it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Deadline {
    /// The last second of the day; of a span of hours, its end.
    pub at: DateTime<Utc>,
    /// How the day was counted.
    pub counted: Counted,
    /// How it moved on by the days for which the window stood still.
    pub resumed: Option<Counted>,
    /// How it was counted from the day to which a person put the window off.
    pub extended: Option<Counted>,
}

impl Deadline {
    /// The day in the calendar's zone.
    pub fn day(&self) -> NaiveDate {
        let last = self.extended.as_ref().or(self.resumed.as_ref());
        last.unwrap_or(&self.counted).result
    }

    /// The counts that led to it, one after the other.
    pub fn counts(&self) -> impl Iterator<Item = &Counted> {
        let (counted, extended) = match &self.extended {
            // A day that CBP named is no count.
            Some(extended) => (None, Some(extended).filter(|extended| extended.span.n > 0)),
            None => (Some(&self.counted), self.resumed.as_ref()),
        };
        counted.into_iter().chain(extended)
    }
}

/// A person put off what was awaited then, because CBP named another day.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Extension {
    /// When it was said.
    pub at: DateTime<Utc>,
    /// Up to when nothing is due.
    pub until: DateTime<Utc>,
    /// Why.
    pub reason: String,
}

/// One expectation of one application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Window {
    /// What is awaited, and how its dates are counted.
    pub rule: Arc<WindowRule>,
    /// What it opened on.
    pub opened_on: Moment,
    /// When it opened.
    pub opened_at: DateTime<Utc>,
    /// When it is due.
    pub due: Deadline,
    /// When it is overdue.
    pub overdue: Deadline,
    /// When it is a case for a call.
    pub critical: Option<Deadline>,
    /// When it closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Whether it stands still because CBP waits for us.
    pub is_paused: bool,
    /// The whole days for which it stood still.
    pub paused_days: u32,
    /// By whom it was put off, and why.
    pub extension: Option<Extension>,
    /// Why what is awaited need not come.
    pub not_expected: Option<String>,
}

impl Window {
    /// Its name in the contract.
    pub fn name(&self) -> &str {
        &self.rule.name
    }

    /// What the window says at `now`, given what is known to have been read.
    pub fn verdict(&self, coverage: &Coverage, now: DateTime<Utc>) -> Verdict {
        if self.closed_at.is_some() {
            return Verdict::Answered;
        }
        if self.is_paused {
            return Verdict::Paused;
        }
        if self.not_expected.is_some() {
            return Verdict::NotExpected;
        }
        let is_known = |deadline: &Deadline| self.is_proved(coverage, deadline.at);
        match (self.due.at < now, self.overdue.at < now) {
            (_, true) if is_known(&self.overdue) => Verdict::Overdue,
            (true, false) if is_known(&self.due) => Verdict::Due,
            (false, false) => Verdict::Waiting,
            _ => Verdict::Unknown,
        }
    }

    /// Whether the window is open and its critical deadline has passed, as far as is known.
    pub fn is_critical(&self, coverage: &Coverage, now: DateTime<Utc>) -> bool {
        self.verdict(coverage, now) == Verdict::Overdue
            && self
                .critical
                .as_ref()
                .is_some_and(|critical| critical.at < now && self.is_proved(coverage, critical.at))
    }

    /// Whether it is known what came from the opening of the window up to an instant.
    pub(super) fn is_proved(&self, coverage: &Coverage, until: DateTime<Utc>) -> bool {
        !self.rule.needs_proof() || coverage.proves(self.opened_at, until)
    }

    /// The earliest deadline of an open window that has passed and that reading on can prove.
    pub fn proof_needed(&self, coverage: &Coverage, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // What came before anybody read the mailboxes is not proved by reading on.
        let is_too_old = coverage.spans().last().is_some_and(|span| self.opened_at < span.from);
        if !self.is_running() || !self.rule.needs_proof() || is_too_old {
            return None;
        }
        self.deadlines()
            .map(|(_, deadline)| deadline.at)
            .find(|at| *at < now && !coverage.proves(self.opened_at, *at))
    }

    /// The first deadline after `now` of an open window.
    pub fn next_deadline(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !self.is_running() {
            return None;
        }
        self.deadlines().map(|(_, deadline)| deadline.at).find(|at| now <= *at)
    }

    /// Whether nothing closes it, and only another event of the kind it opened on begins it anew.
    pub fn recurs(&self) -> bool {
        self.rule.closes_on.is_empty()
    }

    /// Of one that recurs, until when it is worth a word: what was not done a week after the last
    /// date is not done because of a notice.
    pub(super) fn past_at(&self) -> Option<DateTime<Utc>> {
        let (_, last) = self.deadlines().last().filter(|_| self.recurs() && self.is_running())?;
        Some(last.at + Duration::days(7))
    }

    /// Whether that time is over.
    pub(super) fn is_past(&self, now: DateTime<Utc>) -> bool {
        self.past_at().is_some_and(|past_at| past_at < now)
    }

    /// Its deadlines with their names, in order.
    pub fn deadlines(&self) -> impl Iterator<Item = (&'static str, &Deadline)> {
        let critical = self.critical.as_ref().map(|critical| ("critical", critical));
        [("due", &self.due), ("overdue", &self.overdue)].into_iter().chain(critical)
    }

    /// Whether its dates count.
    pub fn is_running(&self) -> bool {
        self.closed_at.is_none() && !self.is_paused && self.not_expected.is_none()
    }

    /// How the dates came about, a sentence each; or why they do not count.
    pub fn explained(&self, calendar: &Calendar) -> Vec<String> {
        let opened_on = calendar.day_explained(self.opened_at);
        let when = self.opened_on.told();
        let mut lines = vec![format!("opened on {opened_on}, when {when}; that day is day 0")];
        if let Some(because) = &self.not_expected {
            lines.push(because.clone());
            return lines;
        }
        if let Some(Extension { at, until, reason }) = &self.extension {
            let (said, until) = (calendar.day_of(*at), calendar.day_of(*until));
            lines.push(format!("extended on {} to {}: {reason}", long(said), long(until)));
        }
        for (word, deadline) in self.deadlines() {
            lines.push(match deadline.counted.span.unit {
                CountUnit::Hours if deadline.extended.is_none() => {
                    let local = deadline.at.with_timezone(calendar.zone());
                    let hour = local.format("%H:%M");
                    format!("{word} at {hour} on {}: {}", long(deadline.day()), counted(deadline))
                }
                _ => format!("{word} when {} ends: {}", long(deadline.day()), counted(deadline)),
            });
        }
        lines
    }

    /// The counts of its dates, as far as they matter.
    pub fn running_counts(&self) -> impl Iterator<Item = &Counted> {
        let deadlines = self.deadlines().filter(|_| self.is_running());
        deadlines.flat_map(|(_, deadline)| deadline.counts())
    }
}

/// The windows of an application, in the order of the rules; closed ones included.
pub fn windows(history: &History, rules: &[Arc<WindowRule>], calendar: &Calendar) -> Vec<Window> {
    rules.iter().filter_map(|rule| window(history, rule, calendar)).collect()
}

fn window(history: &History, rule: &Arc<WindowRule>, calendar: &Calendar) -> Option<Window> {
    let opened = rule.opens_on.iter().find_map(|on| Some((*on, history.at(*on)?)));
    let (opened_on, opened_at) = opened?;
    // What came in an attempt counts, even where its date is earlier than that of the submission;
    // what opens later waits for what comes later.
    let after = (!opened_on.begins_an_attempt()).then_some(opened_at);
    let closed_at = rule
        .closes_on
        .iter()
        .filter_map(|moment| match after {
            Some(after) => history.first_after(*moment, after),
            None => history.at(*moment),
        })
        .chain(history.closed_at)
        .chain(history.undeliverable_at)
        .min()
        // One that closes before it opened was never open for any time.
        .map(|at| at.max(opened_at));
    let pauses: Vec<Pause> = match rule.owes {
        Owes::Cbp => history
            .requests
            .iter()
            .filter_map(|pause| within(*pause, (opened_at, closed_at)))
            .collect(),
        Owes::You => Vec::new(),
    };
    let paused: Duration =
        pauses.iter().filter_map(|(from, until)| until.map(|until| until - *from)).sum();
    let paused_days = u32::try_from(paused.num_days()).unwrap_or(0);
    let is_open_at = |at: DateTime<Utc>| {
        let is_paused =
            pauses.iter().any(|(from, until)| *from <= at && until.is_none_or(|until| at < until));
        opened_at < at && closed_at.is_none_or(|closed_at| at < closed_at) && !is_paused
    };
    // The last word counts, also where it takes the earlier one back.
    let last = history.extensions.iter().rev().find(|extension| is_open_at(extension.at));
    let extension = last.filter(|extension| extension.at < extension.until);
    let until = extension.map(|extension| calendar.day_of(extension.until));
    let deadline = |span: Span| deadline(rule, (opened_at, paused_days), (span, until), calendar);
    let not_expected = history.receipt_elsewhere.as_ref().filter(|_| rule.awaits_receipt());
    Some(Window {
        rule: Arc::clone(rule),
        opened_on,
        opened_at,
        due: deadline(rule.due),
        overdue: deadline(rule.overdue),
        critical: rule.critical.map(deadline),
        closed_at,
        is_paused: pauses.last().is_some_and(|(_, until)| until.is_none()),
        paused_days,
        extension: extension.cloned(),
        not_expected: not_expected.map(|elsewhere| elsewhere.explained(calendar)),
    })
}

/// From when until when CBP waited for us.
type Pause = (DateTime<Utc>, Option<DateTime<Utc>>);

/// The part of a pause within the time for which a window was open.
fn within(
    (from, until): Pause,
    (opened_at, closed_at): (DateTime<Utc>, Option<DateTime<Utc>>),
) -> Option<Pause> {
    let is_over = until.is_some_and(|until| until <= opened_at);
    let is_later = closed_at.is_some_and(|closed_at| closed_at <= from);
    let until = until.into_iter().chain(closed_at).min();
    (!is_over && !is_later).then_some((from.max(opened_at), until))
}

fn deadline(
    rule: &WindowRule,
    (opened_at, paused_days): (DateTime<Utc>, u32),
    (span, until): (Span, Option<NaiveDate>),
    calendar: &Calendar,
) -> Deadline {
    let count = |from: NaiveDate, span: Span| match rule.lapses {
        true => calendar.count_before_loss(from, span),
        false => calendar.count(from, span),
    };
    let counted = count(calendar.day_of(opened_at), span);
    let pause = Span { n: paused_days, unit: CountUnit::Calendar };
    let resumed = (0 < paused_days).then(|| calendar.count(counted.result, pause));
    // Put off is what was to be due then; what comes after it keeps its distance.
    let later = Span { n: span.n.saturating_sub(rule.due.n), unit: span.unit };
    let extended = until.map(|until| match later.n {
        0 => Counted { from: until, span: later, result: until, skipped: Vec::new() },
        _ => count(until, later),
    });
    let before = Deadline { at: opened_at, counted, resumed, extended: None };
    let hours = |span: Span| Duration::hours(i64::from(span.n));
    let before = match span.unit {
        CountUnit::Hours => {
            let at = opened_at + hours(span) + Duration::days(i64::from(paused_days));
            let counted = Counted { result: calendar.day_of(at), ..before.counted };
            Deadline { at, counted, resumed: None, extended: None }
        }
        _ => Deadline { at: calendar.last_instant_of(before.day()), ..before },
    };
    let after = extended.map(|extended| match span.unit {
        CountUnit::Hours => {
            let at = calendar.last_instant_of(extended.from) + hours(later);
            let extended = Counted { result: calendar.day_of(at), ..extended };
            (at, extended)
        }
        _ => (calendar.last_instant_of(extended.result), extended),
    });
    match after {
        // Nobody gets less time by asking for more.
        Some((at, extended)) if before.at < at => {
            Deadline { at, extended: Some(extended), ..before }
        }
        _ => before,
    }
}

/// Writes how a deadline was counted: "3 business days, leaving out Mon 25 May (Memorial Day)".
fn counted(deadline: &Deadline) -> String {
    if let Some(extended) = &deadline.extended {
        return match extended.span.n {
            0 => "the day to which it was extended".to_owned(),
            _ => format!("{} after {}", spelled(extended), long(extended.from)),
        };
    }
    let mut text = spelled(&deadline.counted);
    if let Some(resumed) = &deadline.resumed {
        let (days, left_out) = (days_of(resumed), left_out_of(resumed));
        text.push_str(&format!(", and {days} for which CBP waited for you{left_out}"));
    }
    text
}

/// Writes a count with the days left out, weekends summed up.
pub fn spelled(counted: &Counted) -> String {
    format!("{}{}", days_of(counted), left_out_of(counted))
}

fn days_of(counted: &Counted) -> String {
    let unit = match (counted.span.unit, counted.span.n) {
        (CountUnit::Business, 1) => "business day",
        (CountUnit::Business, _) => "business days",
        (CountUnit::Calendar, 1) => "calendar day",
        (CountUnit::Calendar, _) => "calendar days",
        (CountUnit::Hours, 1) => "hour",
        (CountUnit::Hours, _) => "hours",
    };
    format!("{} {unit}", counted.span.n)
}

fn left_out_of(counted: &Counted) -> String {
    let is_weekend = |day: &&Skipped| matches!(day.because.as_str(), "Saturday" | "Sunday");
    let n_weekend = counted.skipped.iter().filter(is_weekend).count();
    let mut left_out: Vec<String> = counted
        .skipped
        .iter()
        .filter(|day| !is_weekend(day))
        .map(|day| format!("{} ({})", day.date.format("%a %-d %b"), day.because))
        .collect();
    match n_weekend {
        0 => {}
        1 => left_out.push("1 weekend day".to_owned()),
        n => left_out.push(format!("{n} weekend days")),
    }
    // Before what is lost on a day, the days after the result were left out.
    let word = match counted.skipped.first() {
        Some(first) if counted.result < first.date => "ending before",
        _ => "leaving out",
    };
    match left_out.is_empty() {
        true => String::new(),
        false => format!(", {word} {}", left_out.join(", ")),
    }
}

fn long(date: NaiveDate) -> String {
    date.format("%a %-d %b %Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::application::Route;
    use crate::domain::coverage::Watched;
    use crate::domain::event::{Event, EventKind, Source};
    use crate::domain::expectation::Windows;
    use chrono::TimeZone;

    fn calendar() -> Calendar {
        Calendar::new(crate::domain::zone::Zone::new_york(), Vec::new(), None)
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn windows_of(events: &[(&str, EventKind)]) -> Vec<Window> {
        let events: Vec<Event> = events
            .iter()
            .enumerate()
            .map(|(id, (when, kind))| Event::new(id as i64, at(when), *kind, Source::Message))
            .collect();
        windows(&History::of(&events), Windows::default().of(Route::Email), &calendar())
    }

    fn named<'a>(windows: &'a [Window], name: &str) -> &'a Window {
        windows.iter().find(|window| window.name() == name).unwrap()
    }

    fn read_until(until: &str) -> Coverage {
        Coverage::common(&[vec![Watched {
            from: Utc.timestamp_opt(0, 0).unwrap(),
            until: at(until),
        }]])
    }

    const SENT: (&str, EventKind) = ("2026-04-30T15:00:00Z", EventKind::Submitted);
    const RECEIPT: (&str, EventKind) = ("2026-04-30T15:01:00Z", EventKind::Receipt);

    #[test]
    fn the_first_response_is_due_after_three_business_days_and_overdue_after_five() {
        let windows = windows_of(&[SENT, RECEIPT]);
        let window = named(&windows, "first_response");
        let coverage = read_until("2026-06-01T00:00:00Z");
        let check = |now: &str, expected: Verdict| {
            assert_eq!(window.verdict(&coverage, at(now)), expected, "{now}");
        };
        check("2026-05-05T12:00:00Z", Verdict::Waiting);
        // The fifth of May ends at 04:00 UTC on the sixth.
        check("2026-05-06T03:59:59Z", Verdict::Waiting);
        check("2026-05-06T04:00:00Z", Verdict::Due);
        check("2026-05-08T03:59:59Z", Verdict::Due);
        check("2026-05-08T04:00:00Z", Verdict::Overdue);
    }

    #[test]
    fn a_deadline_that_passed_unwatched_is_unknown_until_the_gap_has_been_read() {
        let windows = windows_of(&[SENT, RECEIPT]);
        let window = named(&windows, "first_response");
        let now = at("2026-05-09T12:00:00Z");
        assert_eq!(window.verdict(&read_until("2026-05-04T00:00:00Z"), now), Verdict::Unknown);
        assert_eq!(window.verdict(&read_until("2026-05-07T00:00:00Z"), now), Verdict::Unknown);
        assert_eq!(window.verdict(&read_until("2026-05-09T11:00:00Z"), now), Verdict::Overdue);
        assert_eq!(window.verdict(&Coverage::default(), now), Verdict::Unknown);
    }

    #[test]
    fn a_request_pauses_the_decision_and_its_days_are_added_afterwards() {
        let asked = ("2026-05-04T15:00:00Z", EventKind::InformationRequest);
        let before = windows_of(&[SENT, RECEIPT]);
        let paused = windows_of(&[SENT, RECEIPT, asked]);
        let now = at("2026-06-20T00:00:00Z");
        let coverage = read_until("2026-07-01T00:00:00Z");
        assert_eq!(named(&paused, "decision").verdict(&coverage, now), Verdict::Paused);
        assert_eq!(named(&paused, "first_response").verdict(&coverage, now), Verdict::Answered);
        assert_eq!(named(&paused, "your_answer").verdict(&coverage, now), Verdict::Overdue);
        let answered =
            windows_of(&[SENT, RECEIPT, asked, ("2026-05-11T16:00:00Z", EventKind::Answered)]);
        let decision = named(&answered, "decision");
        assert_eq!(named(&before, "decision").due.day().to_string(), "2026-05-07");
        assert_eq!(decision.paused_days, 7);
        assert_eq!(decision.due.day().to_string(), "2026-05-14");
    }

    #[test]
    fn what_was_answered_before_cbp_asked_is_not_put_off_by_the_question() {
        let answered = windows_of(&[
            SENT,
            RECEIPT,
            ("2026-05-04T15:00:00Z", EventKind::InformationRequest),
            ("2026-05-08T16:00:00Z", EventKind::Answered),
        ]);
        assert_eq!(named(&answered, "acknowledgement").due.day().to_string(), "2026-05-01");
        assert_eq!(
            named(&answered, "decision").explained(&calendar())[1],
            "due when Mon 11 May 2026 ends: 7 calendar days, and 4 calendar days for which CBP waited for you"
        );
    }

    #[test]
    fn what_is_sent_again_is_waited_for_anew_and_decided_from_the_first() {
        let again = ("2026-05-07T15:00:00Z", EventKind::Submitted);
        let opened = |events: &[(&str, EventKind)]| -> Vec<String> {
            let windows = windows_of(events);
            windows.iter().map(|w| w.opened_at.format("%m-%d").to_string()).collect()
        };
        assert_eq!(opened(&[SENT, again]), ["05-07", "05-07", "04-30"]);
        assert_eq!(opened(&[SENT, RECEIPT, again]), ["04-30", "04-30", "04-30"]);
        let late = ("2026-05-08T15:00:00Z", EventKind::Receipt);
        assert_eq!(opened(&[SENT, again, late]), ["05-07", "05-08", "04-30"]);
        let rejected = ("2026-05-06T15:00:00Z", EventKind::Rejected);
        assert_eq!(opened(&[SENT, rejected, again]), ["05-07", "05-07", "05-07"]);
    }

    #[test]
    fn a_receipt_that_is_not_expected_is_never_late() {
        use crate::domain::application::ApplicationId;
        use crate::domain::receipt::OncePerSender;
        let events =
            [Event::new(1, at("2026-05-04T15:00:00Z"), EventKind::Submitted, Source::Message)];
        let mut history = History::of(&events);
        history.receipt_elsewhere = Some(OncePerSender {
            sender: "ops@broker.example".to_owned(),
            application: ApplicationId(1),
            company: "Acme Imports LLC".to_owned(),
            at: at("2026-04-30T15:01:00Z"),
        });
        let windows = windows(&history, Windows::default().of(Route::Email), &calendar());
        let (coverage, later) = (read_until("2026-07-01T00:00:00Z"), at("2026-06-01T00:00:00Z"));
        let acknowledgement = named(&windows, "acknowledgement");
        assert_eq!(acknowledgement.verdict(&coverage, later), Verdict::NotExpected);
        assert_eq!(acknowledgement.next_deadline(at("2026-05-04T16:00:00Z")), None);
        assert_eq!(acknowledgement.proof_needed(&coverage, later), None);
        assert_eq!(
            acknowledgement.explained(&calendar()),
            [
                "opened on Mon 4 May 2026 (America/New_York), when it was sent; that day is day 0",
                "none is expected: CBP's automatic reply answers each sender once; it answered ops@broker.example on Thu 30 Apr 2026 for Acme Imports LLC",
            ]
        );
        let first = named(&windows, "first_response");
        assert_eq!(first.verdict(&coverage, later), Verdict::Overdue);
    }

    #[test]
    fn silence_of_three_weeks_is_critical() {
        let windows = windows_of(&[SENT]);
        let decision = named(&windows, "decision");
        let coverage = read_until("2026-07-01T00:00:00Z");
        assert!(!decision.is_critical(&coverage, at("2026-05-21T20:00:00Z")));
        assert!(decision.is_critical(&coverage, at("2026-05-22T04:00:00Z")));
    }

    #[test]
    fn every_date_explains_itself() {
        let windows = windows_of(&[("2026-05-21T15:00:00Z", EventKind::Submitted)]);
        assert_eq!(
            named(&windows, "first_response").explained(&calendar()),
            [
                "opened on Thu 21 May 2026 (America/New_York), when it was sent; that day is day 0",
                "due when Wed 27 May 2026 ends: 3 business days, leaving out Mon 25 May (Memorial Day), 2 weekend days",
                "overdue when Fri 29 May 2026 ends: 5 business days, leaving out Mon 25 May (Memorial Day), 2 weekend days",
            ]
        );
    }

    #[test]
    fn a_decision_closes_what_waits_for_cbp_and_opens_the_activation() {
        let windows = windows_of(&[SENT, ("2026-05-06T15:00:00Z", EventKind::Approved)]);
        let open: Vec<&str> =
            windows.iter().filter(|w| w.closed_at.is_none()).map(|w| w.name()).collect();
        assert_eq!(open, ["second_approval", "activation"]);
    }

    /// The days of a window, and whether it is open.
    fn dates(window: &Window) -> (String, bool) {
        let days: Vec<String> = window
            .deadlines()
            .map(|(_, deadline)| deadline.day().format("%m-%d").to_string())
            .collect();
        (days.join(" "), window.closed_at.is_none())
    }

    fn check_dates(events: &[(&str, EventKind)], name: &str, expected: Option<(&str, bool)>) {
        let windows = windows_of(events);
        let found = windows.iter().find(|window| window.name() == name).map(dates);
        assert_eq!(found, expected.map(|(days, is_open)| (days.to_owned(), is_open)), "{events:?}");
    }

    const APPROVED: (&str, EventKind) = ("2026-05-06T15:00:00Z", EventKind::Approved);

    #[test]
    fn an_approval_waits_a_day_for_its_second_mail_and_three_weeks_for_the_log_in() {
        let first = [SENT, APPROVED];
        check_dates(&first, "second_approval", Some(("05-07 05-09", true)));
        // The thirteenth, the twentieth and, as the twenty-fourth is a Sunday, the Friday before.
        check_dates(&first, "activation", Some(("05-13 05-20 05-22", true)));
        let windows = windows_of(&first);
        assert_eq!(
            named(&windows, "second_approval").explained(&calendar())[1],
            "due at 11:00 on Thu 7 May 2026: 24 hours"
        );
        assert_eq!(
            named(&windows, "activation").explained(&calendar())[3],
            "critical when Fri 22 May 2026 ends: 18 calendar days, ending before 2 weekend days"
        );
        let second = [SENT, APPROVED, ("2026-05-07T09:00:00Z", EventKind::Approved)];
        check_dates(&second, "second_approval", Some(("05-07 05-09", false)));
        check_dates(&second, "activation", Some(("05-13 05-20 05-22", true)));
    }

    fn event(id: i64, when: &str, kind: EventKind, text: &str, until: Option<&str>) -> Event {
        Event {
            text: Some(text.to_owned()),
            until: until.map(at),
            ..Event::new(id, at(when), kind, Source::Command)
        }
    }

    fn all_of(events: &[Event], entry: &str) -> Vec<Window> {
        let mut rules = Windows::default();
        if !entry.is_empty() {
            rules.take(&toml::from_str(entry).unwrap()).unwrap();
        }
        windows(&History::of(events), rules.of(Route::Email), &calendar())
    }

    #[test]
    fn an_account_in_use_is_to_be_logged_in_to_every_six_weeks() {
        let mut events = vec![
            event(1, "2026-04-30T15:00:00Z", EventKind::Submitted, "", None),
            event(2, "2026-05-06T15:00:00Z", EventKind::Approved, "", None),
            event(3, "2026-05-07T15:00:00Z", EventKind::Milestone, "first-login", None),
        ];
        let login = |events: &[Event]| dates(named(&all_of(events, ""), "login"));
        assert_eq!(login(&events), ("06-11 06-16 06-18".to_owned(), true));
        events.push(event(4, "2026-06-10T15:00:00Z", EventKind::Milestone, "login", None));
        assert_eq!(login(&events), ("07-15 07-20 07-23".to_owned(), true));
        let windows = all_of(&events, "");
        assert!(windows.iter().all(|w| w.name() == "login" || w.closed_at.is_some()));
        // Whoever is logged in to an account waits for no decision about it.
        events.remove(1);
        assert!(all_of(&events, "").iter().all(|w| w.name() == "login" || w.closed_at.is_some()));
        let off = all_of(&events, "name = \"login\"\nenabled = false");
        assert!(off.iter().all(|w| w.name() != "login"));
    }

    #[test]
    fn a_window_of_one_s_own_opens_and_closes_as_written() {
        let own = "name = \"after_answer\"\nopens-on = [\"answer\"]\ncloses-on = [\"reply\"]\ndue-after = \"3bd\"\noverdue-after = \"5bd\"";
        let mut events = vec![
            event(1, "2026-04-30T15:00:00Z", EventKind::Submitted, "", None),
            event(2, "2026-05-04T15:00:00Z", EventKind::InformationRequest, "", None),
        ];
        assert!(all_of(&events, own).iter().all(|w| w.name() != "after_answer"));
        events.push(event(3, "2026-05-05T15:00:00Z", EventKind::Answered, "", None));
        // What CBP wrote before the answer does not close it.
        assert_eq!(
            dates(named(&all_of(&events, own), "after_answer")),
            ("05-08 05-12".to_owned(), true)
        );
        events.push(event(4, "2026-05-07T15:00:00Z", EventKind::Reply, "", None));
        assert!(!dates(named(&all_of(&events, own), "after_answer")).1);
    }

    #[test]
    fn a_later_date_that_cbp_named_moves_what_runs_then() {
        let sent = event(1, "2026-04-30T15:00:00Z", EventKind::Submitted, "", None);
        let extended =
            |id, when, until| event(id, when, EventKind::Extended, "high volume", Some(until));
        let later = extended(2, "2026-05-05T15:00:00Z", "2026-05-12T04:00:00Z");
        let windows = all_of(&[sent.clone(), later.clone()], "");
        assert_eq!(dates(named(&windows, "first_response")).0, "05-12 05-14");
        assert_eq!(dates(named(&windows, "decision")).0, "05-12 05-19 05-26");
        assert_eq!(
            named(&windows, "first_response").explained(&calendar())[1..],
            [
                "extended on Tue 5 May 2026 to Tue 12 May 2026: high volume",
                "due when Tue 12 May 2026 ends: the day to which it was extended",
                "overdue when Thu 14 May 2026 ends: 2 business days after Tue 12 May 2026",
            ]
        );
        let date_of = |events: &[Event]| dates(named(&all_of(events, ""), "first_response")).0;
        // The last word counts, and nobody gets less time by it.
        let nearer = extended(3, "2026-05-06T15:00:00Z", "2026-05-08T04:00:00Z");
        assert_eq!(date_of(&[sent.clone(), later.clone(), nearer]), "05-08 05-12");
        let sooner = extended(3, "2026-05-04T15:00:00Z", "2026-05-05T04:00:00Z");
        assert_eq!(date_of(&[sent.clone(), sooner]), "05-05 05-07");
        let over = extended(3, "2026-05-06T15:00:00Z", "2026-05-06T15:00:00Z");
        assert_eq!(date_of(&[sent.clone(), later.clone(), over]), "05-05 05-07");
        // What is sent again begins to count anew.
        let again = event(3, "2026-05-07T15:00:00Z", EventKind::Submitted, "", None);
        assert_eq!(date_of(&[sent.clone(), later.clone(), again]), "05-12 05-14");
        // While CBP waits for us, it is our date that is put off.
        let asked = event(3, "2026-05-06T15:00:00Z", EventKind::InformationRequest, "", None);
        let ours = extended(4, "2026-05-07T15:00:00Z", "2026-05-20T04:00:00Z");
        let windows = all_of(&[sent, asked, ours], "");
        assert_eq!(dates(named(&windows, "your_answer")).0, "05-20 05-26");
        assert!(named(&windows, "decision").extension.is_none());
    }
}
