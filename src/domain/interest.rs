//! Which mails are fetched whole, told from their header block alone.
//!
//! A mailbox may hold a hundred thousand mails of which three hundred matter. One pass of a
//! regular expression over the raw bytes turns away nearly all of the rest; what remains is parsed
//! and looked at properly. Whatever the rules may concern must pass: a mail too many costs one
//! fetch, a mail too few an application.

use chrono::DateTime;
use regex::bytes::Regex;

use super::authenticity::{Trust, claims_to_be_cbp};
use super::mention::mentions;
use super::message::{FolderRole, Message};

/// What a header block must contain, in any case of letters, for the mail to be looked at: words
/// that a claim to be CBP is made of, text that must be decoded first, marks of a bounce, a
/// forward, or digits in the subject.
const CUES: &str = r"(?im-u)cbp|customs|dhs|\bace\b|g[o0]v\b|xn--|=\?|[\x80-\xff]|mailer-daemon|postmaster|multipart/report|^x-failed-recipients:|^subject:[^\n]*(?:\n[ \t][^\n]*)*?(?:\bfwd?\b|\bwg:|\btr:|\bvs:|\brv:|\bdoorst|[0-9][- ][0-9]{4}|[0-9]{9})";

/// Knows which mails to fetch whole.
#[derive(Clone, Debug)]
pub struct Interest {
    trust: Trust,
    /// Finds a mail that deserves a look; `None` lets every mail pass.
    cues: Option<Regex>,
    /// Finds one of CBP's domains.
    domains: Option<Regex>,
}

impl Interest {
    /// Prepares to look for mail from or to the domains of `trust`.
    pub fn new(trust: Trust) -> Interest {
        let domains: Vec<String> = trust.cbp_domains.iter().map(|d| regex::escape(d)).collect();
        let domains = domains.join("|");
        Interest {
            cues: Regex::new(&format!("{CUES}|{domains}")).ok(),
            domains: Regex::new(&format!("(?i-u){domains}")).ok(),
            trust,
        }
    }

    /// Says whether the mail with this header block may concern an application.
    pub fn may_concern(&self, header: &[u8], role: FolderRole) -> bool {
        let hits = |regex: &Option<Regex>| regex.as_ref().is_none_or(|r| r.is_match(header));
        match role {
            FolderRole::Sent => hits(&self.domains),
            FolderRole::Inbox | FolderRole::Junk => hits(&self.cues) && self.concerns(header, role),
        }
    }

    fn concerns(&self, header: &[u8], role: FolderRole) -> bool {
        let message = Message::parse(header, role, DateTime::UNIX_EPOCH);
        let is_bounce = message.report.is_some()
            || message.header("X-Failed-Recipients").is_some()
            || message
                .header("Content-Type")
                .is_some_and(|value| value.to_ascii_lowercase().contains("multipart/report"))
            || message.from.iter().any(|from| {
                let local = from.address.split('@').next().unwrap_or("").to_ascii_lowercase();
                matches!(local.as_str(), "mailer-daemon" | "postmaster")
            });
        is_bounce
            || message.forwarded_inline
            || claims_to_be_cbp(&message, &self.trust).is_some()
            || message
                .from
                .iter()
                .chain(&message.to)
                .chain(&message.cc)
                .any(|address| self.trust.is_cbp_domain(&address.domain()))
            || mentions(&message.subject).iter().any(|mention| mention.is_well_shaped())
    }
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
        check("From: \"U.S. Customs and Border Protection\" <x@mail.example>\nSubject: hello", Inbox, true);
        check("From: =?utf-8?q?U=2ES=2E_Customs_and_Border_Protection?= <x@mail.example>\nSubject: a", Inbox, true);
        check("From: x <a@cbp.dhs.gov.mail.example>\nSubject: a", Junk, true);
        check("From: x <a@cbp-dhs.example>\nSubject: a", Junk, true);
        check("From: x <a@xn--bp-nmc.dhs.gov.example>\nSubject: a", Junk, true);
        check("From: Mail Delivery System <MAILER-DAEMON@mx.example>\nSubject: Undelivered", Inbox, true);
        check("From: client@acme.example\nSubject: FW: your account", Inbox, true);
        check("From: client@acme.example\nSubject: about 12-345678900", Inbox, true);
        check("From: client@acme.example\nSubject: about\n 12-345678900", Inbox, true);
        check("From: shop@store.example\nSubject: 20% off this week\nMessage-ID: <1234567890123@x>", Inbox, false);
        check("From: shop@store.example\nSubject: =?utf-8?q?Rabatt?=", Inbox, false);
        check("From: ops@broker.example\nTo: ACE.Applications@cbp.dhs.gov\nSubject: x", Sent, true);
        check("From: ops@broker.example\nTo: client@acme.example\nSubject: x", Sent, false);
    }
}
