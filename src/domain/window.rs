//! Expectations with a deadline, and what each says now.
//!
//! A window opens on one event and closes on another; it is *due* after one span and *overdue*
//! after a longer one, both ending with the last second of a day in the calendar's zone, because
//! CBP promises days, not hours. Time that CBP spent waiting for us does not count against it:
//! the decision's dates move on by the days that a request was open.

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::application::History;
use super::calendar::{Calendar, Counted, Skipped};
use super::coverage::Coverage;
use super::expectation::{RouteWindows, WindowSpans};
use super::span::{CountUnit, Span};

/// The windows of the contract.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum WindowName {
    /// From the last submission to CBP's receipt.
    Acknowledgement,
    /// From the receipt, or the last submission where none came, to the first word of a person.
    FirstResponse,
    /// From the first submission to the decision.
    Decision,
    /// From CBP's request to our answer.
    YourAnswer,
    /// From the approval to the first log-in.
    Activation,
}

impl WindowName {
    /// All windows.
    pub const ALL: [WindowName; 5] = [
        WindowName::Acknowledgement,
        WindowName::FirstResponse,
        WindowName::Decision,
        WindowName::YourAnswer,
        WindowName::Activation,
    ];

    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            WindowName::Acknowledgement => "acknowledgement",
            WindowName::FirstResponse => "first_response",
            WindowName::Decision => "decision",
            WindowName::YourAnswer => "your_answer",
            WindowName::Activation => "activation",
        }
    }

    /// The window of a name, if there is one.
    pub fn parse(name: &str) -> Option<WindowName> {
        WindowName::ALL.into_iter().find(|window| window.as_str() == name)
    }

    /// What is awaited, for a person to read.
    pub fn awaited(self) -> &'static str {
        match self {
            WindowName::Acknowledgement => "CBP's receipt",
            WindowName::FirstResponse => "CBP's first response",
            WindowName::Decision => "CBP's decision",
            WindowName::YourAnswer => "your answer to CBP",
            WindowName::Activation => "the first log-in",
        }
    }

    /// Whether only the mailbox can tell that what is awaited has not come.
    pub(super) fn needs_proof(self) -> bool {
        !matches!(self, WindowName::Activation)
    }
}

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
    /// The last second of the day.
    pub at: DateTime<Utc>,
    /// How the day was counted.
    pub counted: Counted,
    /// How it moved on by the days for which the window stood still.
    pub resumed: Option<Counted>,
}

impl Deadline {
    /// The day in the calendar's zone.
    pub fn day(&self) -> NaiveDate {
        self.resumed.as_ref().unwrap_or(&self.counted).result
    }
}

/// One expectation of one application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Window {
    /// Which one.
    pub name: WindowName,
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
    /// Why what is awaited need not come.
    pub not_expected: Option<String>,
}

impl Window {
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
        let is_known = |deadline: &Deadline| {
            !self.name.needs_proof() || coverage.proves(self.opened_at, deadline.at)
        };
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
            && self.critical.as_ref().is_some_and(|critical| {
                critical.at < now
                    && (!self.name.needs_proof() || coverage.proves(self.opened_at, critical.at))
            })
    }

    /// The earliest deadline of an open window that has passed and that reading on can prove.
    pub fn proof_needed(&self, coverage: &Coverage, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        // What came before anybody read the mailboxes is not proved by reading on.
        let is_too_old = coverage.spans().last().is_some_and(|span| self.opened_at < span.from);
        if !self.is_running() || !self.name.needs_proof() || is_too_old {
            return None;
        }
        [Some(&self.due), Some(&self.overdue), self.critical.as_ref()]
            .into_iter()
            .flatten()
            .map(|deadline| deadline.at)
            .find(|at| *at < now && !coverage.proves(self.opened_at, *at))
    }

    /// The first deadline after `now` of an open window.
    pub fn next_deadline(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !self.is_running() {
            return None;
        }
        [Some(&self.due), Some(&self.overdue), self.critical.as_ref()]
            .into_iter()
            .flatten()
            .map(|deadline| deadline.at)
            .find(|at| now <= *at)
    }

    /// Whether its dates count.
    fn is_running(&self) -> bool {
        self.closed_at.is_none() && !self.is_paused && self.not_expected.is_none()
    }

    /// How the dates came about, a sentence each; or why they do not count.
    pub fn explained(&self, calendar: &Calendar) -> Vec<String> {
        let opened_on = calendar.day_of(self.opened_at);
        let mut lines =
            vec![format!("opened on {} ({}); that day is day 0", long(opened_on), calendar.zone())];
        if let Some(because) = &self.not_expected {
            lines.push(because.clone());
            return lines;
        }
        let deadlines = [
            ("due", Some(&self.due)),
            ("overdue", Some(&self.overdue)),
            ("critical", self.critical.as_ref()),
        ];
        for (word, deadline) in deadlines {
            let Some(deadline) = deadline else { continue };
            lines.push(format!("{word} when {} ends: {}", long(deadline.day()), counted(deadline)));
        }
        lines
    }
}

/// The windows of an application, in the order of the contract; closed ones included.
pub fn windows(history: &History, spans: &RouteWindows, calendar: &Calendar) -> Vec<Window> {
    let mut found = Vec::new();
    let ended_at = history.closed_at.or(history.undeliverable_at);
    if let Some(submitted_at) = history.submitted_at {
        let answered_at = earliest([
            history.acknowledged_at,
            history.first_reply_at,
            history.decided_at,
            ended_at,
        ]);
        // What was sent again because nothing came is waited for anew.
        let acknowledgement = window(
            WindowName::Acknowledgement,
            history.resent_at.unwrap_or(submitted_at),
            answered_at,
            &spans.acknowledgement,
            &[],
            calendar,
        );
        let elsewhere = history.receipt_elsewhere.as_ref();
        let not_expected = elsewhere.map(|elsewhere| elsewhere.explained(calendar));
        found.push(Window { not_expected, ..acknowledgement });
    }
    let sent_at = history.resent_at.or(history.submitted_at);
    if let Some(opened_at) = history.acknowledged_at.or(sent_at) {
        let answered_at = earliest([history.first_reply_at, history.decided_at, ended_at]);
        found.push(window(
            WindowName::FirstResponse,
            opened_at,
            answered_at,
            &spans.first_response,
            &[],
            calendar,
        ));
    }
    if let Some(submitted_at) = history.submitted_at.or(history.acknowledged_at) {
        let answered_at = earliest([history.decided_at, ended_at]);
        found.push(window(
            WindowName::Decision,
            submitted_at,
            answered_at,
            &spans.decision,
            &history.requests,
            calendar,
        ));
    }
    if let Some((asked_at, answered_at)) = history.requests.last() {
        let closed_at = answered_at.or(ended_at);
        found.push(window(
            WindowName::YourAnswer,
            *asked_at,
            closed_at,
            &spans.your_answer,
            &[],
            calendar,
        ));
    }
    if let (Some(decided_at), true) = (history.decided_at, history.is_approved) {
        let closed_at = earliest([history.activated_at, history.closed_at]);
        found.push(window(
            WindowName::Activation,
            decided_at,
            closed_at,
            &spans.activation,
            &[],
            calendar,
        ));
    }
    found
}

/// Writes how a deadline was counted: "3 business days, leaving out Mon 25 May (Memorial Day)".
fn counted(deadline: &Deadline) -> String {
    let mut text = spelled(&deadline.counted);
    if let Some(resumed) = &deadline.resumed {
        text.push_str(&format!(", and {} for which CBP waited for you", spelled(resumed)));
    }
    text
}

/// Writes a count with the days left out, weekends summed up.
pub fn spelled(counted: &Counted) -> String {
    let unit = match (counted.span.unit, counted.span.n) {
        (CountUnit::Business, 1) => "business day",
        (CountUnit::Business, _) => "business days",
        (CountUnit::Calendar, 1) => "calendar day",
        (CountUnit::Calendar, _) => "calendar days",
    };
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
    match left_out.is_empty() {
        true => format!("{} {unit}", counted.span.n),
        false => format!("{} {unit}, leaving out {}", counted.span.n, left_out.join(", ")),
    }
}

fn long(date: NaiveDate) -> String {
    date.format("%a %-d %b %Y").to_string()
}

fn earliest<const N: usize>(instants: [Option<DateTime<Utc>>; N]) -> Option<DateTime<Utc>> {
    instants.into_iter().flatten().min()
}

fn window(
    name: WindowName,
    opened_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    spans: &WindowSpans,
    requests: &[(DateTime<Utc>, Option<DateTime<Utc>>)],
    calendar: &Calendar,
) -> Window {
    let paused: Duration =
        requests.iter().filter_map(|(from, until)| until.map(|until| until - *from)).sum();
    let paused_days = u32::try_from(paused.num_days()).unwrap_or(0);
    let opened_on = calendar.day_of(opened_at);
    let deadline = |span: Span| {
        let counted = calendar.count(opened_on, span);
        let pause = Span { n: paused_days, unit: CountUnit::Calendar };
        let resumed = (0 < paused_days).then(|| calendar.count(counted.result, pause));
        let day = resumed.as_ref().unwrap_or(&counted).result;
        Deadline { at: calendar.last_instant_of(day), counted, resumed }
    };
    Window {
        name,
        opened_at,
        due: deadline(spans.due),
        overdue: deadline(spans.overdue),
        critical: spans.critical.map(deadline),
        // A window that closes before it opened (a receipt older than the known submission)
        // was never open for any time.
        closed_at: closed_at.map(|at| at.max(opened_at)),
        is_paused: requests.last().is_some_and(|(_, until)| until.is_none()),
        paused_days,
        not_expected: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::coverage::Watched;
    use crate::domain::event::{Event, EventKind, Source};
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
            .map(|(id, (when, kind))| Event {
                id: id as i64,
                at: at(when),
                kind: *kind,
                source: Source::Message,
                message: None,
                message_id: None,
                text: None,
                until: None,
                undoes: None,
                decided: None,
            })
            .collect();
        windows(&History::of(&events), &RouteWindows::default(), &calendar())
    }

    fn named(windows: &[Window], name: WindowName) -> &Window {
        windows.iter().find(|window| window.name == name).unwrap()
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
        let window = named(&windows, WindowName::FirstResponse);
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
        let window = named(&windows, WindowName::FirstResponse);
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
        assert_eq!(named(&paused, WindowName::Decision).verdict(&coverage, now), Verdict::Paused);
        assert_eq!(
            named(&paused, WindowName::FirstResponse).verdict(&coverage, now),
            Verdict::Answered
        );
        assert_eq!(
            named(&paused, WindowName::YourAnswer).verdict(&coverage, now),
            Verdict::Overdue
        );
        let answered =
            windows_of(&[SENT, RECEIPT, asked, ("2026-05-11T16:00:00Z", EventKind::Answered)]);
        let decision = named(&answered, WindowName::Decision);
        assert_eq!(named(&before, WindowName::Decision).due.day().to_string(), "2026-05-07");
        assert_eq!(decision.paused_days, 7);
        assert_eq!(decision.due.day().to_string(), "2026-05-14");
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
        let events = [Event {
            id: 1,
            at: at("2026-05-04T15:00:00Z"),
            kind: EventKind::Submitted,
            source: Source::Message,
            message: None,
            message_id: None,
            text: None,
            until: None,
            undoes: None,
            decided: None,
        }];
        let mut history = History::of(&events);
        history.receipt_elsewhere = Some(OncePerSender {
            sender: "ops@broker.example".to_owned(),
            application: ApplicationId(1),
            company: "Acme Imports LLC".to_owned(),
            at: at("2026-04-30T15:01:00Z"),
        });
        let windows = windows(&history, &RouteWindows::default(), &calendar());
        let (coverage, later) = (read_until("2026-07-01T00:00:00Z"), at("2026-06-01T00:00:00Z"));
        let acknowledgement = named(&windows, WindowName::Acknowledgement);
        assert_eq!(acknowledgement.verdict(&coverage, later), Verdict::NotExpected);
        assert_eq!(acknowledgement.next_deadline(at("2026-05-04T16:00:00Z")), None);
        assert_eq!(acknowledgement.proof_needed(&coverage, later), None);
        assert_eq!(
            acknowledgement.explained(&calendar()),
            [
                "opened on Mon 4 May 2026 (America/New_York); that day is day 0",
                "none is expected: CBP's automatic reply answers each sender once; it answered ops@broker.example on Thu 30 Apr 2026 for Acme Imports LLC",
            ]
        );
        let first = named(&windows, WindowName::FirstResponse);
        assert_eq!(first.verdict(&coverage, later), Verdict::Overdue);
    }

    #[test]
    fn silence_of_three_weeks_is_critical() {
        let windows = windows_of(&[SENT]);
        let decision = named(&windows, WindowName::Decision);
        let coverage = read_until("2026-07-01T00:00:00Z");
        assert!(!decision.is_critical(&coverage, at("2026-05-21T20:00:00Z")));
        assert!(decision.is_critical(&coverage, at("2026-05-22T04:00:00Z")));
    }

    #[test]
    fn every_date_explains_itself() {
        let windows = windows_of(&[("2026-05-21T15:00:00Z", EventKind::Submitted)]);
        assert_eq!(
            named(&windows, WindowName::FirstResponse).explained(&calendar()),
            [
                "opened on Thu 21 May 2026 (America/New_York); that day is day 0",
                "due when Wed 27 May 2026 ends: 3 business days, leaving out Mon 25 May (Memorial Day), 2 weekend days",
                "overdue when Fri 29 May 2026 ends: 5 business days, leaving out Mon 25 May (Memorial Day), 2 weekend days",
            ]
        );
    }

    #[test]
    fn a_decision_closes_what_waits_for_cbp_and_opens_the_activation() {
        let windows = windows_of(&[SENT, ("2026-05-06T15:00:00Z", EventKind::Approved)]);
        let open: Vec<WindowName> =
            windows.iter().filter(|w| w.closed_at.is_none()).map(|w| w.name).collect();
        assert_eq!(open, [WindowName::Activation]);
    }
}
