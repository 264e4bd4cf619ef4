//! One dated fact in an application's history.
//!
//! Events are only ever added. A mistake is taken back by a further event that names the one it
//! undoes, so that the history shows both.

use chrono::{DateTime, Utc};

/// What happened.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum EventKind {
    /// Our mail or web form carried the application to CBP.
    Submitted,
    /// CBP confirmed that it arrived.
    Receipt,
    /// CBP wrote without asking or deciding.
    Reply,
    /// CBP asks for something.
    InformationRequest,
    /// We sent what CBP asked for.
    Answered,
    /// We asked CBP how things stand.
    Reminder,
    /// The account exists.
    Approved,
    /// The application ended without an account.
    Rejected,
    /// The submission did not reach CBP.
    Undeliverable,
    /// A remark of ours.
    Note,
    /// We spoke with CBP on the telephone.
    Call,
    /// A person knows of what is overdue, and wants no reminders of it.
    Acknowledged,
    /// A person does not want to hear of it until some instant, or wants to again.
    Snoozed,
    /// CBP named a later date, and a person wrote it down.
    Extended,
    /// A person corrected what is registered.
    Edited,
    /// A step after the approval was done; the text names it.
    Milestone,
    /// A person assigned or accepted a mail.
    Assigned,
    /// An earlier event was taken back.
    Undone,
    /// Another calendar moved its dates; the text says which, and why.
    Recalculated,
    /// We stopped following the application.
    Closed,
    /// We follow it again.
    Reopened,
}

impl EventKind {
    const ALL: [EventKind; 21] = [
        EventKind::Submitted,
        EventKind::Receipt,
        EventKind::Reply,
        EventKind::InformationRequest,
        EventKind::Answered,
        EventKind::Reminder,
        EventKind::Approved,
        EventKind::Rejected,
        EventKind::Undeliverable,
        EventKind::Note,
        EventKind::Call,
        EventKind::Acknowledged,
        EventKind::Snoozed,
        EventKind::Extended,
        EventKind::Edited,
        EventKind::Milestone,
        EventKind::Assigned,
        EventKind::Undone,
        EventKind::Recalculated,
        EventKind::Closed,
        EventKind::Reopened,
    ];

    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::Submitted => "submitted",
            EventKind::Receipt => "receipt",
            EventKind::Reply => "reply",
            EventKind::InformationRequest => "information_request",
            EventKind::Answered => "answered",
            EventKind::Reminder => "reminder",
            EventKind::Approved => "approved",
            EventKind::Rejected => "rejected",
            EventKind::Undeliverable => "undeliverable",
            EventKind::Note => "note",
            EventKind::Call => "call",
            EventKind::Acknowledged => "acknowledged",
            EventKind::Snoozed => "snoozed",
            EventKind::Extended => "extended",
            EventKind::Edited => "edited",
            EventKind::Milestone => "milestone",
            EventKind::Assigned => "assigned",
            EventKind::Undone => "undone",
            EventKind::Recalculated => "recalculated",
            EventKind::Closed => "closed",
            EventKind::Reopened => "reopened",
        }
    }

    /// Whether a person at CBP said something with it; a receipt comes from a machine.
    pub fn is_answer(self) -> bool {
        matches!(
            self,
            EventKind::Reply
                | EventKind::InformationRequest
                | EventKind::Approved
                | EventKind::Rejected
        )
    }

    /// The kind of a name, if there is one.
    pub fn parse(name: &str) -> Option<EventKind> {
        EventKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// Where a fact comes from.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Source {
    /// A mail.
    Message,
    /// A command of the user's.
    Command,
    /// A button of a notice.
    Notice,
    /// Other rules, by which a kept mail was read again.
    Rules,
    /// The time and the calendar, without anybody.
    Clock,
}

impl Source {
    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Message => "message",
            Source::Command => "command",
            Source::Notice => "notice",
            Source::Rules => "rules",
            Source::Clock => "clock",
        }
    }
}

/// One event of an application's history, as recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Event {
    /// The row's number; later events have higher ones.
    pub id: i64,
    /// When it happened: for a mail, when it was received.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
    /// Mail or command.
    pub source: Source,
    /// The message it follows from.
    pub message: Option<i64>,
    /// That message's Message-ID.
    pub message_id: Option<String>,
    /// A remark: the reason of a rejection, the name of a milestone, a note.
    pub text: Option<String>,
    /// Up to when it holds: the end of a snooze, the day to which CBP put something off; of what is
    /// acknowledged, how far the mailboxes had been read.
    pub until: Option<DateTime<Utc>>,
    /// The event that this one takes back.
    pub undoes: Option<i64>,
    /// Who decided about the mail, where a person did.
    pub decided: Option<Decided>,
}

impl Event {
    /// One that says no more than what happened, and when.
    pub fn new(id: i64, at: DateTime<Utc>, kind: EventKind, source: Source) -> Event {
        Event {
            id,
            at,
            kind,
            source,
            message: None,
            message_id: None,
            text: None,
            until: None,
            undoes: None,
            decided: None,
        }
    }
}

/// Who decided about a mail, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decided {
    /// The person.
    pub who: String,
    /// The reason given, or that of the guess that was accepted.
    pub why: String,
}

/// An event that is to be recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewEvent {
    /// When it happened.
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: EventKind,
    /// Mail or command.
    pub source: Source,
    /// A remark.
    pub text: Option<String>,
    /// Up to when it holds.
    pub until: Option<DateTime<Utc>>,
    /// The event that this one takes back.
    pub undoes: Option<i64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.as_str()), Some(kind));
        }
        assert_eq!(EventKind::parse("no such"), None);
    }
}
