//! What must reach a person.
//!
//! An alert is identified by its key: raising it again changes nothing, which makes "once".
//! What the clock raises (a deadline) is listed anew at each evaluation and needs no memory; what
//! a mail raises is made when the mail is recorded. Texts are plain and carry no importer number,
//! because a notice may be read by anyone who sees the screen, and no link, because a forged mail
//! could have brought it.

use std::cmp::Reverse;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};

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
    /// A date after which a client's refund is lost is near, and the account is missing.
    Cliff,
    /// A deadline passed so long ago that it is a case for a call.
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
    /// A person must sign in to a mailbox again.
    SignIn,
    /// A person must do so within days.
    SignInSoon,
    /// A mailbox could not be read for long.
    Blind,
    /// Mails in it could not be read for long.
    Unreadable,
    /// It can be read again.
    BlindOver,
}

impl AlertKind {
    /// All kinds, the most urgent first.
    pub const ALL: [AlertKind; 20] = [
        AlertKind::VerificationCode,
        AlertKind::Suspicious,
        AlertKind::Bounce,
        AlertKind::FaultySubmission,
        AlertKind::Rejection,
        AlertKind::InformationRequest,
        AlertKind::Approval,
        AlertKind::Cliff,
        AlertKind::Critical,
        AlertKind::Overdue,
        AlertKind::Reminder,
        AlertKind::Due,
        AlertKind::Review,
        AlertKind::Reply,
        AlertKind::Unrecognised,
        AlertKind::SignIn,
        AlertKind::SignInSoon,
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
            AlertKind::Cliff => "cliff",
            AlertKind::Critical => "critical",
            AlertKind::Overdue => "overdue",
            AlertKind::Reminder => "reminder",
            AlertKind::Due => "due",
            AlertKind::Review => "review",
            AlertKind::Reply => "reply",
            AlertKind::Unrecognised => "unrecognised",
            AlertKind::SignIn => "sign_in",
            AlertKind::SignInSoon => "sign_in_soon",
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
            (AlertKind::Cliff, 1) => "refund at stake",
            (AlertKind::Cliff, _) => "refunds at stake",
            (AlertKind::Critical, _) => "critical",
            (AlertKind::Overdue, _) => "overdue",
            (AlertKind::Reminder, _) => "still overdue",
            (AlertKind::Due, _) => "due",
            (AlertKind::Review, _) => "to review",
            (AlertKind::Reply, 1) => "other answer",
            (AlertKind::Reply, _) => "other answers",
            (AlertKind::Unrecognised, _) => "list of mails not recognised",
            (AlertKind::SignIn, _) => "to sign in to",
            (AlertKind::SignInSoon, _) => "to sign in to soon",
            (AlertKind::Blind, _) => "not readable",
            (AlertKind::BlindOver, _) => "readable again",
            (AlertKind::Unreadable, _) => "with unreadable mail",
        };
        format!("{n} {word}")
    }

    /// How urgent it is, unless the user decides otherwise ([`super::notice`]).
    pub fn urgency(self) -> Urgency {
        match self {
            AlertKind::VerificationCode
            | AlertKind::Bounce
            | AlertKind::Rejection
            | AlertKind::Cliff
            | AlertKind::Critical
            | AlertKind::SignIn
            | AlertKind::Blind => Urgency::Critical,
            AlertKind::Suspicious
            | AlertKind::FaultySubmission
            | AlertKind::InformationRequest
            | AlertKind::Approval
            | AlertKind::Overdue
            | AlertKind::Reminder
            | AlertKind::SignInSoon
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

    /// Whether somebody has to do something about it, or at least to know of it.
    pub fn wants_a_person(self) -> bool {
        // A code is worth nothing ten minutes later; the others are news of what is well, or of what
        // `status` counts.
        let is_news = [AlertKind::VerificationCode, AlertKind::BlindOver, AlertKind::Unrecognised];
        !is_news.contains(&self)
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
            AlertKind::Cliff
                | AlertKind::Critical
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
    /// Whether a refund is lost soon if nothing comes of it.
    pub is_pressing: bool,
}

impl Alert {
    /// How urgent it is: where a refund is lost soon, as urgent as can be.
    pub fn urgency(&self) -> Urgency {
        match self.is_pressing {
            true => Urgency::Critical,
            false => self.kind.urgency(),
        }
    }

    /// Whether it tells of what another one is about, too: of the same window, or of all of them.
    pub fn tells_of(&self, other: &Alert) -> bool {
        let windows = (self.key.rsplit_once('/'), other.key.rsplit_once('/'));
        let is_same = matches!(windows, (Some((own, _)), Some((other, _))) if own == other);
        self.application == other.application && (is_same || self.key.starts_with("snooze/"))
    }
}

/// As many of these as a title has room for.
fn fitting(counts: &[String]) -> String {
    let joined = counts.join(", ");
    if joined.chars().count() <= WHOLE {
        return joined;
    }
    let mut title = String::new();
    for count in counts {
        if WHOLE < title.chars().count() + count.chars().count() + 3 {
            break;
        }
        title.push_str(&format!("{count}, "));
    }
    format!("{title}…")
}

/// So many characters of a title every notification server shows.
const WHOLE: usize = 60;

/// A title about a company that a notice shows whole: at most 60 characters. What does not fit is cut
/// from the company's name.
pub fn titled(company: &str, what: &str) -> String {
    const LEAST: usize = 12;
    let room = WHOLE.saturating_sub(what.chars().count() + 2).max(LEAST);
    match company.chars().count() <= room {
        true => format!("{company}: {what}"),
        false => {
            let cut: String = company.chars().take(room.saturating_sub(1)).collect();
            format!("{}…: {what}", cut.trim_end())
        }
    }
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
    /// When work begins on a day: at the end of the night's quiet hours.
    pub fn beginning_of(&self, day: NaiveDate) -> DateTime<Utc> {
        let morning = NaiveTime::MIN + chrono::Duration::hours(8);
        let time = match self.quiet {
            Some((from, until)) if until < from => until,
            _ => morning,
        };
        let local = day.and_time(time);
        // An hour that the clocks skip begins with the next one.
        let later = local + chrono::Duration::hours(1);
        let found =
            [local, later].iter().find_map(|local| self.zone.from_local_datetime(local).earliest());
        found.map_or(local.and_utc(), |at| at.to_utc())
    }

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
    sorted.sort_by_key(|alert| (Reverse(alert.urgency()), alert.kind));
    let mut lines: Vec<String> =
        sorted.iter().take(NAMED).map(|alert| alert.title.clone()).collect();
    if NAMED < alerts.len() {
        lines.push(format!("… and {} more: `acewatch status`", alerts.len() - NAMED));
    }
    (fitting(&counts), lines.join("\n"))
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
    fn work_begins_when_the_night_s_quiet_hours_end() {
        let check = |quiet: Option<(u32, u32)>, minutes: i64, day: &str, expected: &str| {
            let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
            let until = |hour| at(hour) + chrono::Duration::minutes(minutes);
            let quiet = quiet.map(|(from, hour)| (at(from), until(hour)));
            let beginning = Hours { quiet, ..hours() }.beginning_of(day.parse().unwrap());
            assert_eq!(beginning, expected.parse::<DateTime<Utc>>().unwrap(), "{day}");
        };
        check(Some((20, 8)), 0, "2026-05-22", "2026-05-22T14:00:00Z");
        check(Some((20, 8)), 0, "2026-12-22", "2026-12-22T15:00:00Z");
        check(Some((22, 6)), 30, "2026-05-22", "2026-05-22T12:30:00Z");
        check(None, 0, "2026-05-22", "2026-05-22T14:00:00Z");
        // Quiet at noon alone.
        check(Some((12, 13)), 0, "2026-05-22", "2026-05-22T14:00:00Z");
        // An hour that the clocks skip, and one that comes twice.
        check(Some((20, 2)), 30, "2026-03-08", "2026-03-08T09:30:00Z");
        check(Some((20, 1)), 30, "2026-11-01", "2026-11-01T07:30:00Z");
    }

    #[test]
    fn an_alert_tells_of_its_own_window_and_the_end_of_a_snooze_of_all() {
        let alert = |key: &str, application: i64| Alert {
            key: key.to_owned(),
            kind: AlertKind::Overdue,
            application: Some(ApplicationId(application)),
            title: String::new(),
            body: String::new(),
            is_pressing: false,
        };
        let reminder = alert("window/7/decision/100/reminder-1", 7);
        assert!(alert("window/7/decision/100/overdue", 7).tells_of(&reminder));
        assert!(!alert("window/7/first_response/100/overdue", 7).tells_of(&reminder));
        assert!(!alert("submission/7/100", 7).tells_of(&reminder));
        assert!(alert("snooze/7/100", 7).tells_of(&reminder));
        assert!(!alert("snooze/8/100", 8).tells_of(&reminder));
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
            is_pressing: false,
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
        let many: Vec<Alert> = AlertKind::ALL.map(|kind| alert(kind, kind.as_str())).to_vec();
        let (title, body) = digest(&many.iter().collect::<Vec<_>>());
        assert_eq!(title, "1 code, 1 suspicious, 1 not delivered, 1 to send again, …");
        assert!(body.ends_with("\n… and 15 more: `acewatch status`"), "{body}");
        // What is critical comes first, whatever its kind.
        let two = [alert(AlertKind::Overdue, "overdue"), alert(AlertKind::Blind, "blind")];
        assert_eq!(digest(&two.iter().collect::<Vec<_>>()).1, "blind\noverdue");
    }
}
