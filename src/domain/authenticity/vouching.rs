//! Which server vouches for the mail of a mailbox, found out from a sample of it.
//!
//! Every server that takes a mail in writes a Received line on top of it (RFC 5321 §4.4). What stands
//! above all of these lines, only our own side can have written. Some servers write their results below
//! their own line, where a stranger's may stand as well: who floods a mailbox with his own mails could
//! seem to be our server there. Such a name is a guess, and a person must say whether it is ours.

use std::collections::{BTreeMap, BTreeSet};

use super::Trust;
use super::results::{AuthResults, Block, organisation};
use crate::domain::message::{FolderRole, Message};

/// So many organisations must have written mail on which a name stands, before it is believed.
const SENDERS: usize = 2;
/// So few mails are no ground for a guess.
const FEW: usize = 5;

/// Whose word there is on the mails of a sample.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Vouching {
    /// The authserv-ids (RFC 8601 §2.5) to be trusted; empty where no server vouches.
    pub ids: Vec<String>,
    /// On so many mails of the sample they have a word.
    pub n_vouched: usize,
    /// So many mails came from outside.
    pub n_mails: usize,
    /// Whether a stranger could have written the name there.
    pub is_guess: bool,
}

/// Finds out who vouches for the mails of a sample.
///
/// `known` are the names that are configured, or under which the provider is known to vouch; they are
/// taken together where they have a word on half of the mails. Otherwise the one name is taken that
/// stands above every Received line of most mails, at least of half and of those of two organisations;
/// else, as a guess, the one that has a word on nearly all. Servers of one domain that share the work
/// become `*.domain`.
pub fn who_vouches(sample: &[Message], own_addresses: &[String], known: &[String]) -> Vouching {
    let nobody = Trust::of_cbp(Vec::new(), own_addresses.to_vec());
    let strangers: Vec<&Message> = sample
        .iter()
        .filter(|mail| mail.folder != FolderRole::Sent)
        .filter(|mail| !mail.from.is_empty())
        .filter(|mail| !mail.from.iter().any(|from| nobody.is_own_organisation(&from.domain())))
        .collect();
    let n_mails = strangers.len();
    let score = |ids: &[String], only_on_top: bool| {
        let trust = Trust { authserv_ids: ids.to_vec(), ..nobody.clone() };
        let vouched = strangers.iter().filter(|mail| {
            let headers = match only_on_top {
                true => above_received(&mail.headers),
                false => &mail.headers,
            };
            Block::find(headers, &trust).is_some_and(|block| block.is_a_word())
        });
        let senders: Vec<String> = vouched.map(|mail| sender(mail)).collect();
        (senders.len(), senders.iter().collect::<BTreeSet<_>>().len())
    };
    let is_half = |n_vouched: usize| 0 < n_vouched && n_mails <= 2 * n_vouched;
    let (n_vouched, _) = score(known, false);
    if !known.is_empty() && is_half(n_vouched) {
        return Vouching { ids: known.to_vec(), n_vouched, n_mails, is_guess: false };
    }
    let names = candidates(&strangers);
    let best = |only_on_top: bool| {
        let scored = names.iter().map(|id| (score(std::slice::from_ref(id), only_on_top), id));
        let scored = scored.filter(|((_, n_senders), _)| SENDERS <= *n_senders);
        // Of two that do the same, the one that trusts fewer hosts.
        let ranked =
            |((n_vouched, _), id): &((usize, usize), &String)| (*n_vouched, !id.starts_with("*."));
        let mut scored: Vec<_> = scored.collect();
        scored.sort_by_key(|one| std::cmp::Reverse(ranked(one)));
        match scored.as_slice() {
            // Two that cannot be told apart are nobody.
            [first, second, ..] if ranked(first) == ranked(second) && !only_on_top => None,
            [((n_vouched, _), id), ..] => Some((*n_vouched, (*id).clone())),
            [] => None,
        }
    };
    let found =
        |(n_vouched, id), is_guess| Vouching { ids: vec![id], n_vouched, n_mails, is_guess };
    if let Some(best) = best(true).filter(|(n_vouched, _)| is_half(*n_vouched)) {
        return found(best, false);
    }
    let is_nearly_all = |n: usize| FEW <= n && 9 * n_mails <= 10 * n;
    match best(false).filter(|(n_vouched, _)| is_nearly_all(*n_vouched)) {
        Some(best) => found(best, true),
        None => Vouching { n_mails, ..Vouching::default() },
    }
}

/// The fields above the first Received line.
fn above_received(headers: &[(String, String)]) -> &[(String, String)] {
    let first = headers.iter().position(|(name, _)| name.eq_ignore_ascii_case("Received"));
    headers.get(..first.unwrap_or(0)).unwrap_or_default()
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
        let Vouching { ids, n_vouched, n_mails, is_guess } = who_vouches(&sample, &own, &known);
        assert!(!is_guess, "{ids:?}");
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

    #[test]
    fn what_a_stranger_could_have_written_is_a_guess_at_most() {
        let below = |from: &str, id: &str| {
            mail(
                from,
                &format!(
                    "{}Authentication-Results: {id}; dmarc=pass header.from=x.example\n",
                    vouched("")
                ),
            )
        };
        let own = ["ops@broker.example".to_owned()];
        let domains = ["a.example", "b.example", "c.example", "d.example", "e.example"];
        // Two forged mails, and then five.
        let two: Vec<Message> = domains[..2].iter().map(|from| below(from, "anything")).collect();
        assert_eq!(who_vouches(&two, &own, &[]).ids, ids(&[]));
        let five: Vec<Message> = domains.iter().map(|from| below(from, "anything")).collect();
        let found = who_vouches(&five, &own, &[]);
        assert_eq!((found.ids, found.is_guess), (ids(&["anything"]), true));
        // The same below what our server wrote on top of all: ours counts, whatever the names are.
        let both: Vec<Message> = domains
            .iter()
            .map(|from| {
                let forged =
                    "Authentication-Results: zz.example; dmarc=pass header.from=x.example\n";
                mail(from, &format!("{}{forged}", vouched("mx.broker.example")))
            })
            .collect();
        let found = who_vouches(&both, &own, &[]);
        assert_eq!((found.ids, found.is_guess), (ids(&["mx.broker.example"]), false));
        // Two names that stand on the same mails are nobody's.
        let torn: Vec<Message> = domains
            .iter()
            .map(|from| {
                let one = "Authentication-Results: y.example; dmarc=pass header.from=x.example\n";
                let other =
                    "Authentication-Results: zz.example; dmarc=pass header.from=x.example\n";
                mail(from, &format!("{}{one}{other}", vouched("")))
            })
            .collect();
        assert_eq!(who_vouches(&torn, &own, &[]).ids, ids(&[]));
    }
}
