//! Which mails are fetched whole, told from their header block alone.
//!
//! A mailbox may hold a hundred thousand mails of which three hundred matter. One pass of a
//! regular expression over the raw bytes turns away nearly all of the rest; what remains is parsed
//! and looked at properly. Whatever the rules may concern must pass: a mail too many costs one
//! fetch, a mail too few an application.

use regex::bytes::Regex;

use super::authenticity::{Trust, claims_to_be_cbp};
use super::mention::mentions;
use super::message::{Address, Envelope, FolderRole};

/// Words that a claim to be CBP is made of, marks of a bounce or a forward, and digits such as a
/// number has, in a text that has been decoded.
const CUES: &str = r"cbp|customs|dhs|\bace\b|g[o0]v\b|xn--|mailer-daemon|postmaster|multipart/report|^x-failed-recipients:";
const IN_SUBJECT: &str = r"\bfwd?\b|\bwg:|\btr:|\bvs:|\brv:|\bdoorst|[0-9][- ][0-9]{4}|[0-9]{9}";
/// What cannot be judged before it is decoded.
const ENCODED: &str = r"=\?|[\x80-\xff]";

/// Knows which mails to fetch whole.
#[derive(Clone, Debug)]
pub struct Interest {
    trust: Trust,
    /// Finds a header block that deserves a look; `None` lets every mail pass.
    suspect: Option<Regex>,
    /// The same for decoded senders and subjects.
    cues: Option<Regex>,
    /// Finds one of CBP's domains.
    domains: Option<Regex>,
}

impl Interest {
    /// Prepares to look for mail from or to the domains of `trust`.
    pub fn new(trust: Trust) -> Interest {
        let domains: Vec<String> = trust.cbp_domains.iter().map(|d| regex::escape(d)).collect();
        let domains = domains.join("|");
        let subject = format!(r"^subject:[^\n]*(?:\n[ \t][^\n]*)*?(?:{IN_SUBJECT})");
        Interest {
            suspect: Regex::new(&format!("(?im-u){CUES}|{ENCODED}|{subject}|{domains}")).ok(),
            cues: Regex::new(&format!("(?im-u){CUES}|{IN_SUBJECT}|{domains}")).ok(),
            domains: Regex::new(&format!("(?i-u){domains}")).ok(),
            trust,
        }
    }

    /// Says whether the mail with this header block may concern an application.
    pub fn may_concern(&self, header: &[u8], role: FolderRole) -> bool {
        match role {
            FolderRole::Sent => hits(&self.domains, header),
            FolderRole::Inbox | FolderRole::Junk => {
                hits(&self.suspect, header) && self.concerns(&Envelope::read(header))
            }
        }
    }

    fn concerns(&self, envelope: &Envelope) -> bool {
        let machine = |from: &Address| {
            let local = from.address.split('@').next().unwrap_or("");
            // Small mailers sign as "MAILER-DAEMON" and no more.
            let local = if local.is_empty() { from.name.as_deref().unwrap_or("") } else { local };
            let local = local.to_ascii_lowercase();
            matches!(local.as_str(), "mailer-daemon" | "postmaster")
        };
        if envelope.is_report || envelope.is_forward || envelope.from.iter().any(machine) {
            return true;
        }
        let senders: Vec<String> = envelope.from.iter().map(ToString::to_string).collect();
        let senders = senders.join(", ");
        let has_recipient =
            envelope.recipients.iter().any(|to| self.trust.is_cbp_address(&to.address));
        let has_number = hits(&self.cues, envelope.subject.as_bytes())
            && mentions(&envelope.subject).iter().any(|mention| mention.is_well_shaped());
        // Letters of other alphabets may be made to look like CBP's.
        let may_claim = !senders.is_ascii() || hits(&self.cues, senders.as_bytes());
        has_recipient || has_number || (may_claim && claims_to_be_cbp(&envelope.from, &self.trust))
    }
}

fn hits(regex: &Option<Regex>, text: &[u8]) -> bool {
    regex.as_ref().is_none_or(|regex| regex.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, role: FolderRole, expected: bool) {
        let trust = Trust::of_cbp(
            vec!["mx.broker.example".to_owned()],
            vec!["ops@broker.example".to_owned()],
        );
        let header = header.replace('\n', "\r\n") + "\r\n\r\n";
        assert_eq!(Interest::new(trust).may_concern(header.as_bytes(), role), expected, "{header}");
    }

    #[test]
    fn what_may_concern_an_application_passes_and_ordinary_mail_does_not() {
        use FolderRole::*;
        check("From: ACE <ace.applications@cbp.dhs.gov>\nSubject: hello", Inbox, true);
        check(
            "From: \"U.S. Customs and Border Protection\" <x@mail.example>\nSubject: hello",
            Inbox,
            true,
        );
        check(
            "From: =?utf-8?q?U=2ES=2E_Customs_and_Border_Protection?= <x@mail.example>\nSubject: a",
            Inbox,
            true,
        );
        check("From: x <a@cbp.dhs.gov.mail.example>\nSubject: a", Junk, true);
        check("From: x <a@cbp-dhs.example>\nSubject: a", Junk, true);
        check("From: x <a@xn--bp-nmc.dhs.gov.example>\nSubject: a", Junk, true);
        check(
            "From: Mail Delivery System <MAILER-DAEMON@mx.example>\nSubject: Undelivered",
            Inbox,
            true,
        );
        check("From: MAILER-DAEMON\nSubject: Mail delivery failed", Inbox, true);
        check("From: client@acme.example\nSubject: FW: your account", Inbox, true);
        check("From: client@acme.example\nSubject: about 12-345678900", Inbox, true);
        check("From: client@acme.example\nSubject: about\n 12-345678900", Inbox, true);
        check(
            "From: shop@store.example\nSubject: 20% off this week\nMessage-ID: <1234567890123@x>",
            Inbox,
            false,
        );
        check("From: shop@store.example\nSubject: =?utf-8?q?Rabatt?=", Inbox, false);
        check("From: ops@broker.example\nTo: ACE.Applications@cbp.dhs.gov\nSubject: x", Sent, true);
        check("From: ops@broker.example\nTo: client@acme.example\nSubject: x", Sent, false);
    }
}
