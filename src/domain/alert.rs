//! What must reach a person.
//!
//! An alert is identified by its key: raising it again changes nothing, which makes "once".
//! What the clock raises (a deadline) is listed anew at each evaluation and needs no memory; what
//! a mail raises is made when the mail is recorded. Texts are plain and carry no importer number,
//! because a notice may be read by anyone who sees the screen, and no link, because a forged mail
//! could have brought it.

use chrono::{DateTime, NaiveTime, Utc};

use super::application::{ApplicationId, Stage};
use super::calendar::Calendar;
use super::zone::Zone;

/// What an alert is about.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum AlertKind {
    /// A log-in code arrived; it is valid for ten minutes.
    VerificationCode,
    /// A mail pretends to be CBP's.
    Suspicious,
    /// A submission came back.
    Bounce,
    /// A submission that CBP may be unable to use.
    FaultySubmission,
    /// CBP refused an application.
    Rejection,
    /// CBP asks for something.
    InformationRequest,
    /// The account exists.
    Approval,
    /// Three weeks without a decision.
    Critical,
    /// A deadline has passed.
    Overdue,
    /// The deadline passed some time ago, and still nothing.
    Reminder,
    /// The answer was promised by now.
    Due,
    /// A mail that acewatch will not decide alone.
    Review,
    /// CBP wrote about an application, in words that no rule knows.
    Reply,
    /// CBP's mails that no rule knows, once a day.
    Unrecognised,
    /// A mailbox could not be read for long.
    Blind,
    /// Mails in it could not be read for long.
    Unreadable,
    /// It can be read again.
    BlindOver,
}

impl AlertKind {
    /// All kinds, the most urgent first.
    pub const ALL: [AlertKind; 17] = [
        AlertKind::VerificationCode,
        AlertKind::Suspicious,
        AlertKind::Bounce,
        AlertKind::FaultySubmission,
        AlertKind::Rejection,
        AlertKind::InformationRequest,
        AlertKind::Approval,
        AlertKind::Critical,
        AlertKind::Overdue,
        AlertKind::Reminder,
        AlertKind::Due,
        AlertKind::Review,
        AlertKind::Reply,
        AlertKind::Unrecognised,
        AlertKind::Blind,
        AlertKind::Unreadable,
        AlertKind::BlindOver,
    ];

    /// The name used in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            AlertKind::VerificationCode => "verification_code",
            AlertKind::Suspicious => "suspicious",
            AlertKind::Bounce => "bounce",
            AlertKind::FaultySubmission => "faulty_submission",
            AlertKind::Rejection => "rejection",
            AlertKind::InformationRequest => "information_request",
            AlertKind::Approval => "approval",
            AlertKind::Critical => "critical",
            AlertKind::Overdue => "overdue",
            AlertKind::Reminder => "reminder",
            AlertKind::Due => "due",
            AlertKind::Review => "review",
            AlertKind::Reply => "reply",
            AlertKind::Unrecognised => "unrecognised",
            AlertKind::Blind => "blind",
            AlertKind::BlindOver => "blind_over",
            AlertKind::Unreadable => "unreadable",
        }
    }

    /// The kind of a name, if there is one.
    pub fn parse(name: &str) -> Option<AlertKind> {
        AlertKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What `n` of them are called in a digest.
    fn counted(self, n: usize) -> String {
        let word = match (self, n) {
            (AlertKind::VerificationCode, 1) => "code",
            (AlertKind::VerificationCode, _) => "codes",
            (AlertKind::Suspicious, _) => "suspicious",
            (AlertKind::Bounce, _) => "not delivered",
            (AlertKind::FaultySubmission, _) => "to send again",
            (AlertKind::Rejection, _) => "rejected",
            (AlertKind::InformationRequest, 1) => "question",
            (AlertKind::InformationRequest, _) => "questions",
            (AlertKind::Approval, _) => "approved",
            (AlertKind::Critical, _) => "silent for weeks",
            (AlertKind::Overdue, _) => "overdue",
            (AlertKind::Reminder, _) => "still overdue",
            (AlertKind::Due, _) => "due",
            (AlertKind::Review, _) => "to review",
            (AlertKind::Reply, 1) => "other answer",
            (AlertKind::Reply, _) => "other answers",
            (AlertKind::Unrecognised, _) => "list of mails not recognised",
            (AlertKind::Blind, _) => "not readable",
            (AlertKind::BlindOver, _) => "readable again",
            (AlertKind::Unreadable, _) => "with unreadable mail",
        };
        format!("{n} {word}")
    }

    /// How urgent it is.
    pub fn urgency(self) -> Urgency {
        match self {
            AlertKind::VerificationCode | AlertKind::Blind | AlertKind::Critical => {
                Urgency::Critical
            }
            AlertKind::Suspicious
            | AlertKind::Bounce
            | AlertKind::FaultySubmission
            | AlertKind::Rejection
            | AlertKind::InformationRequest
            | AlertKind::Approval
            | AlertKind::Overdue
            | AlertKind::Reminder
            | AlertKind::Unreadable => Urgency::Normal,
            AlertKind::Due
            | AlertKind::Review
            | AlertKind::Reply
            | AlertKind::Unrecognised
            | AlertKind::BlindOver => Urgency::Low,
        }
    }

    /// Whether an undelivered alert of this kind still tells something about an application at
    /// `stage`. A question that has been answered, or a bounce that was sent anew, is settled: the
    /// first look into a mailbox finds many of those.
    pub fn still_tells(self, stage: Stage) -> bool {
        match (self, stage) {
            (AlertKind::Review | AlertKind::Suspicious | AlertKind::VerificationCode, _) => true,
            (_, Stage::Closed) => false,
            (AlertKind::InformationRequest, stage) => stage == Stage::InformationRequested,
            (AlertKind::Bounce, stage) => stage == Stage::Undeliverable,
            (AlertKind::Rejection, stage) => stage == Stage::Rejected,
            (AlertKind::Approval, stage) => stage != Stage::Active,
            _ => true,
        }
    }

    /// Whether it is listed anew at each evaluation, so that one not listed no longer holds.
    pub fn is_evaluated(self) -> bool {
        self.is_of_the_clock() || self == AlertKind::FaultySubmission
    }

    /// Whether the clock raises it; such an alert can wait for working hours, and is withdrawn
    /// if it no longer holds before it was delivered.
    pub fn is_of_the_clock(self) -> bool {
        matches!(
            self,
            AlertKind::Critical
                | AlertKind::Overdue
                | AlertKind::Reminder
                | AlertKind::Due
                | AlertKind::Unrecognised
        )
    }
}

/// How much a notice may disturb (Desktop Notifications Specification 1.2, "Urgency Levels").
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Urgency {
    /// It may be missed.
    Low,
    /// It should be read today.
    Normal,
    /// It stays on the screen until somebody closes it.
    Critical,
}

/// An alert that holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Alert {
    /// What makes it the same alert when it is raised again.
    pub key: String,
    /// What it is about.
    pub kind: AlertKind,
    /// The application, if it is about one.
    pub application: Option<ApplicationId>,
    /// One line.
    pub title: String,
    /// What happened, and what to do.
    pub body: String,
}

/// When notices may be shown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hours {
    /// The reader's zone.
    pub zone: Zone,
    /// From when until when nothing is shown; may span midnight.
    pub quiet: Option<(NaiveTime, NaiveTime)>,
    /// Whether deadlines are only told on business days.
    pub working_days_only: bool,
}

impl Hours {
    /// Whether an alert of this kind may be shown at `now`.
    ///
    /// Only what the clock raises waits: a mail that just came is news, and a code is worthless
    /// ten minutes later.
    pub fn allow(&self, kind: AlertKind, calendar: &Calendar, now: DateTime<Utc>) -> bool {
        if !kind.is_of_the_clock() {
            return true;
        }
        let local = now.with_timezone(&self.zone);
        let (day, time) = (local.date_naive(), local.time());
        let is_quiet = self.quiet.is_some_and(|(from, until)| match from <= until {
            true => from <= time && time < until,
            false => from <= time || time < until,
        });
        let is_working = !self.working_days_only || calendar.is_business_day(day);
        !is_quiet && is_working
    }
}

/// Joins several alerts into one notice: how many of which kind, then the most urgent ones.
pub fn digest(alerts: &[&Alert]) -> (String, String) {
    const NAMED: usize = 5;
    let mut kinds: Vec<(AlertKind, usize)> = Vec::new();
    for alert in alerts {
        match kinds.iter_mut().find(|(kind, _)| *kind == alert.kind) {
            Some((_, n)) => *n += 1,
            None => kinds.push((alert.kind, 1)),
        }
    }
    kinds.sort();
    let counts: Vec<String> = kinds.iter().map(|(kind, n)| kind.counted(*n)).collect();
    let mut sorted: Vec<&&Alert> = alerts.iter().collect();
    sorted.sort_by_key(|alert| alert.kind);
    let mut lines: Vec<String> =
        sorted.iter().take(NAMED).map(|alert| alert.title.clone()).collect();
    if NAMED < alerts.len() {
        lines.push(format!("… and {} more: `acewatch status`", alerts.len() - NAMED));
    }
    (counts.join(", "), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveTime;

    fn hours() -> Hours {
        Hours {
            zone: Zone::named("America/Denver").unwrap(),
            quiet: NaiveTime::from_hms_opt(20, 0, 0).zip(NaiveTime::from_hms_opt(8, 0, 0)),
            working_days_only: true,
        }
    }

    fn check(kind: AlertKind, now: &str, expected: bool) {
        let calendar = Calendar::new(crate::domain::zone::Zone::new_york(), Vec::new(), None);
        let now = DateTime::parse_from_rfc3339(now).unwrap().to_utc();
        assert_eq!(hours().allow(kind, &calendar, now), expected, "{kind:?} {now}");
    }

    #[test]
    fn deadlines_are_told_in_working_hours_and_mails_at_once() {
        check(AlertKind::Overdue, "2026-05-05T15:00:00Z", true);
        check(AlertKind::Overdue, "2026-05-05T13:59:00Z", false);
        check(AlertKind::Overdue, "2026-05-06T02:00:00Z", false);
        check(AlertKind::Due, "2026-05-09T18:00:00Z", false);
        check(AlertKind::Due, "2026-05-25T18:00:00Z", false);
        check(AlertKind::Approval, "2026-05-09T09:00:00Z", true);
        check(AlertKind::VerificationCode, "2026-05-09T09:00:00Z", true);
    }

    #[test]
    fn names_read_back() {
        for kind in AlertKind::ALL {
            assert_eq!(AlertKind::parse(kind.as_str()), Some(kind));
        }
    }

    #[test]
    fn a_digest_counts_by_kind_and_names_the_most_urgent_first() {
        let alert = |kind: AlertKind, title: &str| Alert {
            key: title.to_owned(),
            kind,
            application: None,
            title: title.to_owned(),
            body: String::new(),
        };
        let alerts = [
            alert(AlertKind::Due, "due a"),
            alert(AlertKind::Overdue, "overdue b"),
            alert(AlertKind::Approval, "approved c"),
            alert(AlertKind::Overdue, "overdue d"),
        ];
        let (title, body) = digest(&alerts.iter().collect::<Vec<_>>());
        assert_eq!(title, "1 approved, 2 overdue, 1 due");
        assert_eq!(body, "approved c\noverdue b\noverdue d\ndue a");
    }
}
