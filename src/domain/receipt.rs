//! Whether CBP's machine confirms each submission, or each sender once.
//!
//! Exchange's automatic replies answer each sender once until somebody switches them off and on
//! again. A broker who applies for five hundred clients from one address may get one receipt; the
//! other clients' applications are not lost for that. Whether CBP's mailbox works like this is
//! not public and may change, so it is told by the receipts that came: where only one application
//! of an address got one, those sent after it expect none; as soon as a second one gets its own,
//! each is expected to.

use chrono::{DateTime, Duration, Utc};

use super::application::ApplicationId;
use super::calendar::Calendar;
use super::classification::is_automatic;
use super::message::Message;

/// A machine's receipt for an application that an address of ours had sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Receipted {
    /// The application.
    pub application: ApplicationId,
    /// Its company.
    pub company: String,
    /// When the submission was sent that it confirms.
    pub sent_at: DateTime<Utc>,
    /// When the receipt came.
    pub at: DateTime<Utc>,
}

/// Why no receipt is expected: the one for this sender went to another submission.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OncePerSender {
    /// The address that sent both.
    pub sender: String,
    /// The application that was confirmed.
    pub application: ApplicationId,
    /// Its company.
    pub company: String,
    /// When it was confirmed.
    pub at: DateTime<Utc>,
}

/// How far apart two submissions may be for the receipt of one to say something about the other.
pub fn period() -> Duration {
    Duration::days(60)
}

/// How much earlier a mail may have been sent that was answered later: they overtake each other.
fn overtaking() -> Duration {
    Duration::minutes(10)
}

/// Says whether a submission that `sender` sent at `sent_at` expects no receipt of its own.
///
/// `receipts` are the machine's receipts for that sender's submissions within [`period`], or at
/// least one for each of two applications, where there are so many.
pub fn once_per_sender(
    sender: &str,
    sent_at: DateTime<Utc>,
    receipts: &[Receipted],
) -> Option<OncePerSender> {
    let near = |receipt: &&Receipted| (receipt.sent_at - sent_at).abs() <= period();
    let first = receipts.iter().filter(near).min_by_key(|receipt| receipt.sent_at)?;
    let is_alone =
        receipts.iter().filter(near).all(|receipt| receipt.application == first.application);
    // What was sent before would have been answered first.
    let is_after = first.sent_at <= sent_at + overtaking();
    (is_alone && is_after).then(|| OncePerSender {
        sender: sender.to_owned(),
        application: first.application,
        company: first.company.clone(),
        at: first.at,
    })
}

impl OncePerSender {
    /// The reason for a person.
    pub fn explained(&self, calendar: &Calendar) -> String {
        format!(
            "none is expected: CBP's automatic reply answers each sender once; it answered {} on {} for {}",
            self.sender,
            calendar.day_of(self.at).format("%a %-d %b %Y"),
            self.company
        )
    }
}

/// Whether a receipt was written by a machine.
///
/// `X-Auto-Response-Suppress` alone does not say so of a mail, because it asks others not to answer;
/// of a mail that is a receipt it does: no person's mail program writes it.
pub fn is_by_machine(message: &Message) -> bool {
    let is_bulk = message.header("Precedence").is_some_and(|value| {
        ["bulk", "junk", "auto_reply", "auto-reply"]
            .iter()
            .any(|word| value.trim().eq_ignore_ascii_case(word))
    });
    is_automatic(message) || is_bulk || message.header("X-Auto-Response-Suppress").is_some()
}

/// The address in a line such as `Name <address>`, in lower case, as senders are compared.
pub fn sender_address(line: &str) -> Option<String> {
    let address = match line.rsplit_once('<') {
        Some((_, rest)) => rest.split('>').next().unwrap_or_default(),
        None => line,
    };
    let address = address.trim().to_lowercase();
    address.contains('@').then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::FolderRole;

    fn day(hours: i64) -> DateTime<Utc> {
        "2026-05-04T14:00:00Z".parse::<DateTime<Utc>>().unwrap() + Duration::hours(hours)
    }

    fn receipt(application: i64, sent: i64) -> Receipted {
        Receipted {
            application: ApplicationId(application),
            company: format!("Client {application} LLC"),
            sent_at: day(sent),
            at: day(sent) + Duration::minutes(1),
        }
    }

    /// The submission in question is sent at hour 0; receipts by application and hour sent.
    fn check(receipts: &[(i64, i64)], expected: Option<i64>, why: &str) {
        let receipts: Vec<Receipted> = receipts.iter().map(|(id, at)| receipt(*id, *at)).collect();
        let found = once_per_sender("ops@broker.example", day(0), &receipts);
        assert_eq!(found.map(|once| once.application.0), expected, "{why}");
    }

    #[test]
    fn one_receipt_for_an_address_stands_for_what_it_sent_afterwards() {
        check(&[], None, "nothing is known of the sender");
        check(&[(1, -48)], Some(1), "the sender got its one receipt two days ago");
        check(&[(1, -48), (1, -24)], Some(1), "the same application, confirmed twice");
        check(&[(1, -48), (2, -24)], None, "each application got its own");
        check(&[(1, -48), (2, 24)], None, "a later one got its own, too");
        check(&[(1, 24)], None, "this one was sent first, and would have been answered");
        check(&[(1, 0)], Some(1), "sent together with the one that was answered");
        check(&[(1, -24 * 61)], None, "too long ago");
        check(&[(1, -24 * 61), (2, -24)], Some(2), "the one of long ago says nothing any more");
        check(&[(1, -48), (2, 24 * 61)], Some(1), "nor does one of much later");
    }

    #[test]
    fn mails_that_overtake_each_other_are_sent_together() {
        let at = |minutes| {
            let sent_at = day(0) - Duration::minutes(minutes);
            once_per_sender("ops@broker.example", sent_at, &[receipt(1, 0)]).is_some()
        };
        assert!(at(0) && at(10));
        assert!(!at(11));
    }

    #[test]
    fn a_machine_is_known_by_its_fields() {
        let check = |header: &str, expected: bool| {
            let mail = format!("From: a@cbp.dhs.gov\n{header}\n\nWe received your form.\n");
            let at = DateTime::UNIX_EPOCH;
            let message = Message::parse(mail.as_bytes(), FolderRole::Inbox, at);
            assert_eq!(is_by_machine(&message), expected, "{header}");
        };
        check("Subject: Re: Acme", false);
        check("Subject: Automatic reply: Acme", true);
        check("Auto-Submitted: auto-generated", true);
        check("Auto-Submitted: no", false);
        check("X-Auto-Response-Suppress: All", true);
        check("Precedence: bulk", true);
        check("Precedence: first-class", false);
    }

    #[test]
    fn senders_are_compared_by_their_address() {
        for (line, expected) in [
            ("Entry Ops <Ops@Broker.example>", Some("ops@broker.example")),
            ("ops@broker.example", Some("ops@broker.example")),
            ("\"a < b\" <x@broker.example>", Some("x@broker.example")),
            ("Entry Ops", None),
            ("", None),
        ] {
            assert_eq!(sender_address(line).as_deref(), expected, "{line}");
        }
    }
}
