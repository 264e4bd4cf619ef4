//! Which notices alerts become: each one of its own, or many one digest.

use chrono::{DateTime, Utc};

use crate::domain::alert::{Alert, AlertKind, Urgency, digest};
use crate::domain::notice::{Urgencies, urgency_elsewhere};
use crate::notify::channel::{Message, Part};
use crate::store::query::PendingAlert;

/// After so many attempts without word an alert is one that may have been missed.
const DOUBTFUL: u32 = 2;
/// So many times the pause between two attempts goes by before it is told.
const PATIENCE: i32 = 10;

/// What is to be told at once, and the rows it stands for.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) message: Message,
    pub(super) ids: Vec<i64>,
}

/// How a way to a person is used.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'a> {
    /// More alerts than this at once become one digest.
    pub(super) digest_over: u32,
    /// So many notices may follow just now; codes may always.
    pub(super) room: u32,
    /// The pause between two attempts.
    pub(super) retry: std::time::Duration,
    /// What the user wants to be how urgent.
    pub(super) urgencies: &'a Urgencies,
}

/// What is to be told of these alerts. Codes stand alone: they are worth nothing ten minutes later.
/// What finds no room waits, and is part of the next digest.
pub(super) fn outgoing(
    ready: &[PendingAlert],
    manner: &Manner,
    now: DateTime<Utc>,
) -> Vec<Outgoing> {
    let (doubtful, fresh): (Vec<&PendingAlert>, Vec<&PendingAlert>) =
        ready.iter().partition(|p| DOUBTFUL <= p.attempts);
    let (single, many): (Vec<&PendingAlert>, Vec<&PendingAlert>) =
        fresh.into_iter().partition(|p| p.alert.kind == AlertKind::VerificationCode);
    let one = |pending: &PendingAlert| one(pending, manner.urgencies);
    let codes = single.into_iter().map(one);
    let mut found: Vec<Outgoing> = Vec::new();
    let at_once = usize::try_from(manner.digest_over.min(manner.room)).unwrap_or(usize::MAX);
    match at_once < many.len() {
        true => found.push(together("digest", &many, manner.urgencies)),
        false => found.extend(many.into_iter().map(one)),
    }
    let patience = chrono::Duration::from_std(manner.retry).unwrap_or_default() * PATIENCE;
    let is_time = |p: &&PendingAlert| {
        // A time of trial in the future comes from a wrong clock.
        p.attempted_at.is_none_or(|at| at + patience <= now || now < at)
    };
    let missed: Vec<&PendingAlert> = doubtful.into_iter().filter(is_time).collect();
    if !missed.is_empty() {
        let Outgoing { mut message, ids } = together("missed", &missed, manner.urgencies);
        message.title = format!("Perhaps you missed: {}", message.title);
        message.body.push_str("\nacewatch was cut off twice while it told this.");
        found.push(Outgoing { message, ids });
    }
    found.truncate(usize::try_from(manner.room).unwrap_or(usize::MAX));
    codes.chain(found).collect()
}

fn part(pending: &PendingAlert, urgencies: &Urgencies) -> Part {
    let urgency = urgency_elsewhere(&pending.alert, urgencies);
    Part { alert: pending.alert.clone(), raised_at: pending.created_at, urgency }
}

fn one(pending: &PendingAlert, urgencies: &Urgencies) -> Outgoing {
    let alert = &pending.alert;
    let part = part(pending, urgencies);
    let message = Message {
        key: alert.key.clone(),
        urgency: part.urgency,
        title: alert.title.clone(),
        body: alert.body.clone(),
        parts: vec![part],
    };
    Outgoing { message, ids: vec![pending.id] }
}

fn together(name: &str, many: &[&PendingAlert], urgencies: &Urgencies) -> Outgoing {
    let alerts: Vec<&Alert> = many.iter().map(|p| &p.alert).collect();
    let (title, body) = digest(&alerts);
    let parts: Vec<Part> = many.iter().map(|p| part(p, urgencies)).collect();
    let message = Message {
        // The same alerts tried again are the same notice; others must not replace it.
        key: format!("{name}/{}", many.iter().map(|p| p.id).min().unwrap_or_default()),
        urgency: parts.iter().map(|part| part.urgency).max().unwrap_or(Urgency::Normal),
        title,
        body,
        parts,
    };
    Outgoing { message, ids: many.iter().map(|p| p.id).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn pending(n: usize, kind: AlertKind) -> Vec<PendingAlert> {
        (0..n)
            .map(|i| PendingAlert {
                id: i64::try_from(i).unwrap(),
                alert: Alert {
                    key: format!("{kind:?}{i}"),
                    kind,
                    application: None,
                    title: format!("title {i}"),
                    body: String::new(),
                    is_pressing: false,
                },
                created_at: START,
                last_error: None,
                attempts: 0,
                attempted_at: None,
            })
            .collect()
    }

    static AS_USUAL: Urgencies = Urgencies::new();

    fn manner(room: u32) -> Manner<'static> {
        let retry = std::time::Duration::from_secs(30);
        Manner { digest_over: 3, room, retry, urgencies: &AS_USUAL }
    }

    fn sizes_in(room: u32, ready: &[PendingAlert], now: DateTime<Utc>) -> Vec<usize> {
        outgoing(ready, &manner(room), now).iter().map(|outgoing| outgoing.ids.len()).collect()
    }

    fn sizes(ready: &[PendingAlert], now: DateTime<Utc>) -> Vec<usize> {
        sizes_in(u32::MAX, ready, now)
    }

    #[test]
    fn what_finds_no_room_in_a_minute_becomes_a_digest_or_waits_and_a_code_never_does() {
        let mut alerts = pending(3, AlertKind::Overdue);
        assert_eq!(sizes_in(3, &alerts, START), [1, 1, 1]);
        assert_eq!(sizes_in(2, &alerts, START), [3]);
        assert_eq!(sizes_in(1, &alerts, START), [3]);
        assert_eq!(sizes_in(0, &alerts, START), [0; 0]);
        alerts.extend(pending(1, AlertKind::VerificationCode));
        assert_eq!(sizes_in(0, &alerts, START), [1]);
        (alerts[0].attempts, alerts[0].attempted_at) = (2, None);
        assert_eq!(sizes_in(1, &alerts, START), [1, 2]);
        assert_eq!(sizes_in(3, &alerts, START), [1, 1, 1, 1]);
    }

    #[test]
    fn a_message_is_as_urgent_as_the_user_wants_and_a_digest_as_its_most_urgent_alert() {
        let urgencies = Urgencies::from([(AlertKind::Due, Some(Urgency::Critical))]);
        let urgency = |ready: &[PendingAlert]| {
            let manner = Manner { urgencies: &urgencies, ..manner(3) };
            outgoing(ready, &manner, START).iter().map(|o| o.message.urgency).max().unwrap()
        };
        let overdue = pending(4, AlertKind::Overdue);
        assert_eq!(urgency(&overdue), Urgency::Normal);
        assert_eq!(urgency(&pending(1, AlertKind::Due)), Urgency::Critical);
        let mixed: Vec<PendingAlert> =
            overdue.into_iter().chain(pending(1, AlertKind::Due)).collect();
        assert_eq!(urgency(&mixed), Urgency::Critical);
    }

    #[test]
    fn more_alerts_than_wanted_at_once_become_one_digest_and_codes_stand_alone() {
        assert_eq!(sizes(&pending(3, AlertKind::Overdue), START), [1, 1, 1]);
        assert_eq!(sizes(&pending(4, AlertKind::Overdue), START), [4]);
        let mut mixed = pending(4, AlertKind::Overdue);
        mixed.extend(pending(2, AlertKind::VerificationCode));
        assert_eq!(sizes(&mixed, START), [1, 1, 4]);
    }

    #[test]
    fn what_may_have_been_missed_is_told_in_one_notice_after_a_pause() {
        let mut alerts = pending(4, AlertKind::Approval);
        for alert in &mut alerts[..2] {
            (alert.attempts, alert.attempted_at) = (2, Some(START));
        }
        alerts[2].attempts = 1;
        let minute = chrono::Duration::minutes(1);
        assert_eq!(sizes(&alerts, START + minute * 4), [1, 1]);
        assert_eq!(sizes(&alerts, START + minute * 5), [1, 1, 2]);
        assert_eq!(sizes(&alerts, START - minute), [1, 1, 2]);
        let missed = outgoing(&alerts[..2], &manner(3), START + minute * 5).pop().unwrap();
        assert_eq!(missed.message.title, "Perhaps you missed: 2 approved");
        assert_eq!(
            missed.message.body,
            "title 0\ntitle 1\nacewatch was cut off twice while it told this."
        );
    }
}
