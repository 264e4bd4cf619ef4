//! Which server vouches for the mail of a mailbox, found out from a sample of it.
//!
//! Each candidate is tried the way mails are judged: a name counts for a mail where, trusted alone,
//! it would have a word on it. A name that a stranger wrote into his own mails counts for those alone;
//! our own server's stands on the mail of everybody.

use std::collections::{BTreeMap, BTreeSet};

use super::Trust;
use super::results::{AuthResults, Block, organisation};
use crate::domain::message::{FolderRole, Message};

/// So many organisations must have written mail on which a name stands, before it is believed.
const SENDERS: usize = 2;

/// Whose word there is on the mails of a sample.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Vouching {
    /// The authserv-ids (RFC 8601 §2.5) to be trusted; empty where no server vouches.
    pub ids: Vec<String>,
    /// On so many mails of the sample they have a word.
    pub n_vouched: usize,
    /// So many mails came from outside.
    pub n_mails: usize,
}

/// Finds out who vouches for the mails of a sample.
///
/// `known` are the names under which the provider is known to vouch, if it is known; they are taken
/// together where they have a word on half of the mails. Otherwise the one name is taken that has a
/// word on most mails, at least on half of them and on those of two organisations. Servers of one domain that
/// share the work become `*.domain`.
pub fn who_vouches(sample: &[Message], own_addresses: &[String], known: &[String]) -> Vouching {
    let nobody = Trust::of_cbp(Vec::new(), own_addresses.to_vec());
    let strangers: Vec<&Message> = sample
        .iter()
        .filter(|mail| mail.folder != FolderRole::Sent)
        .filter(|mail| !mail.from.is_empty())
        .filter(|mail| !mail.from.iter().any(|from| nobody.is_own_organisation(&from.domain())))
        .collect();
    let n_mails = strangers.len();
    let score = |ids: &[String]| {
        let trust = Trust { authserv_ids: ids.to_vec(), ..nobody.clone() };
        let vouched = strangers.iter().filter(|mail| {
            Block::find(&mail.headers, &trust).is_some_and(|block| block.is_a_word())
        });
        let senders: Vec<String> = vouched.map(|mail| sender(mail)).collect();
        (senders.len(), senders.iter().collect::<BTreeSet<_>>().len())
    };
    let is_enough = |n_vouched: usize| 0 < n_vouched && n_mails <= 2 * n_vouched;
    let (n_vouched, _) = score(known);
    if !known.is_empty() && is_enough(n_vouched) {
        return Vouching { ids: known.to_vec(), n_vouched, n_mails };
    }
    let best = candidates(&strangers)
        .into_iter()
        .map(|id| (score(std::slice::from_ref(&id)), id))
        .filter(|((n_vouched, n_senders), _)| is_enough(*n_vouched) && SENDERS <= *n_senders)
        // Of two that do the same, the one that trusts fewer hosts.
        .max_by_key(|((n_vouched, _), id)| (*n_vouched, !id.starts_with("*.")));
    match best {
        Some(((n_vouched, _), id)) => Vouching { ids: vec![id], n_vouched, n_mails },
        None => Vouching { ids: Vec::new(), n_vouched: 0, n_mails },
    }
}

/// Every name in the sample, and the domains below which several of them are.
fn candidates(sample: &[&Message]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for mail in sample {
        for (name, value) in &mail.headers {
            if name.eq_ignore_ascii_case("Authentication-Results") {
                let id = AuthResults::read(value).authserv_id;
                names.insert(id.unwrap_or_else(|| "-".to_owned()));
            }
        }
    }
    let mut hosts: BTreeMap<String, usize> = BTreeMap::new();
    for name in names.iter().filter(|name| name.contains('.')) {
        *hosts.entry(organisation(name)).or_default() += 1;
    }
    names.extend(hosts.iter().filter(|(_, n)| 1 < **n).map(|(domain, _)| format!("*.{domain}")));
    names
}

fn sender(mail: &Message) -> String {
    mail.from.first().map(|from| organisation(&from.domain())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn mail(from: &str, head: &str) -> Message {
        let text = format!("{head}From: <x@{from}>\nTo: ops@broker.example\nSubject: x\n\nx\n");
        Message::parse(
            text.replace('\n', "\r\n").as_bytes(),
            FolderRole::Inbox,
            DateTime::UNIX_EPOCH,
        )
    }

    fn vouched(id: &str) -> String {
        let hop = "Received: from mail.sender.example (mail.sender.example [198.51.100.9])\n by mx.broker.example with ESMTPS id 1; Mon, 4 May 2026 13:25:20 +0000\n";
        match id {
            "" => hop.to_owned(),
            "-" => format!("Authentication-Results: dmarc=pass header.from=x.example\n{hop}"),
            id => format!("Authentication-Results: {id}; dmarc=pass header.from=x.example\n{hop}"),
        }
    }

    fn found(mails: &[(&str, &str)], known: &[&str]) -> (Vec<String>, usize, usize) {
        let sample: Vec<Message> =
            mails.iter().map(|(from, id)| mail(from, &vouched(id))).collect();
        let known: Vec<String> = known.iter().map(|id| (*id).to_owned()).collect();
        let own = ["ops@broker.example".to_owned()];
        let Vouching { ids, n_vouched, n_mails } = who_vouches(&sample, &own, &known);
        (ids, n_vouched, n_mails)
    }

    fn ids(of: &[&str]) -> Vec<String> {
        of.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn the_name_on_the_mail_of_everybody_is_ours() {
        let ours = "mx.broker.example";
        let mails = [("a.example", ours), ("b.example", ours), ("c.example", ours)];
        assert_eq!(found(&mails, &[]), (ids(&[ours]), 3, 3));
        // A mail of a colleague says nothing, and one without a word is counted.
        let mails =
            [("a.example", ours), ("broker.example", ""), ("b.example", ours), ("c.example", "")];
        assert_eq!(found(&mails, &[]), (ids(&[ours]), 2, 3));
        let mails = [("a.example", "-"), ("b.example", "-")];
        assert_eq!(found(&mails, &[]), (ids(&["-"]), 2, 2));
    }

    #[test]
    fn a_name_that_one_sender_writes_is_his() {
        let mails = [
            ("a.example", "mx.a.example"),
            ("a.example", "mx.a.example"),
            ("a.example", "mx.a.example"),
        ];
        assert_eq!(found(&mails, &[]), (ids(&[]), 0, 3));
        let mails =
            [("a.example", "mx.a.example"), ("b.example", "mx.b.example"), ("c.example", "")];
        assert_eq!(found(&mails, &[]), (ids(&[]), 0, 3));
        assert_eq!(found(&[], &[]), (ids(&[]), 0, 0));
    }

    #[test]
    fn hosts_that_share_the_work_are_one() {
        let mails = [
            ("a.example", "mta1.mail.provider.example"),
            ("b.example", "mta2.mail.provider.example"),
            ("c.example", "mta3.mail.provider.example"),
        ];
        assert_eq!(found(&mails, &[]), (ids(&["*.provider.example"]), 3, 3));
        // One host that does it all needs no others.
        let one = "mx.provider.example";
        let mails = [("a.example", one), ("b.example", one)];
        assert_eq!(found(&mails, &[]), (ids(&[one]), 2, 2));
    }

    #[test]
    fn what_is_known_of_the_provider_is_tried_first() {
        let google = "mx.google.com";
        let mails = [("a.example", google), ("b.example", google)];
        assert_eq!(found(&mails, &["mx.google.com"]), (ids(&["mx.google.com"]), 2, 2));
        // One mail of one sender is enough for a name that is known, and not for another.
        assert_eq!(found(&[("a.example", google)], &["mx.google.com"]).0, ids(&["mx.google.com"]));
        assert_eq!(found(&[("a.example", google)], &[]).0, ids(&[]));
        // A filter in front of the provider has the word.
        let filter = "gateway.broker.example";
        let mails = [("a.example", filter), ("b.example", filter)];
        assert_eq!(found(&mails, &["-"]), (ids(&[filter]), 2, 2));
    }
}
