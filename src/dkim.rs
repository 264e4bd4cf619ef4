//! DKIM signatures (RFC 6376) verified here, for mail servers that write no results.
//!
//! The core says which mails are worth it; the answer is a value of the mail like the time at
//! which it was received. What is believed is narrower than the RFC: see `dkim/verify.rs`.
//!
//! A batch of mails is verified at once, on a thread of its own that asks the DNS for as long as
//! `dns-timeout` allows. Whoever calls waits for it, with no transaction open. A mail about which
//! the DNS does not answer goes to review and says so; it is not tried again by itself, because
//! a person sees it the same minute and decides in one step.
//!
//! Without the cargo feature `dkim` nothing is verified, and the configuration cannot ask for it.

#[cfg(feature = "dkim")]
mod verify;

use crate::app::{Incoming, Origin};
use crate::config::Settings;
use crate::domain::authenticity::{DkimVerdict, is_worth_verifying};
use crate::domain::message::Message;

/// What the signatures of these mails are worth, mail by mail.
pub fn verdicts(settings: &Settings, origin: Origin, mails: &[Incoming]) -> Vec<DkimVerdict> {
    let mut verdicts = vec![DkimVerdict::Unchecked; mails.len()];
    let Some(resolver) = settings.dkim else { return verdicts };
    let trust = settings.trust_in(origin.mailbox);
    let worth: Vec<(usize, Message)> = mails
        .iter()
        .enumerate()
        .map(|(i, mail)| (i, Message::parse(mail.bytes, origin.role, mail.received_at)))
        .filter(|(_, message)| is_worth_verifying(message, &trust))
        .collect();
    let signed: Vec<(&Message, &[u8])> = worth
        .iter()
        .filter_map(|(i, message)| mails.get(*i).map(|mail| (message, mail.bytes)))
        .collect();
    for ((i, _), verdict) in worth.iter().zip(verify_all(settings, resolver, &trust, &signed)) {
        if let Some(place) = verdicts.get_mut(*i) {
            *place = verdict;
        }
    }
    verdicts
}

/// What the signatures of one mail of a mailbox are worth.
pub fn verdict(settings: &Settings, mailbox: &str, message: &Message, bytes: &[u8]) -> DkimVerdict {
    let trust = settings.trust_in(mailbox);
    match settings.dkim.filter(|_| is_worth_verifying(message, &trust)) {
        Some(resolver) => {
            verify_all(settings, resolver, &trust, &[(message, bytes)]).pop().unwrap_or_default()
        }
        None => DkimVerdict::Unchecked,
    }
}

#[cfg(feature = "dkim")]
use verify::verify_all;

#[cfg(not(feature = "dkim"))]
fn verify_all(
    _: &Settings,
    _: crate::config::Resolver,
    _: &crate::domain::authenticity::Trust,
    mails: &[(&Message, &[u8])],
) -> Vec<DkimVerdict> {
    vec![DkimVerdict::Unchecked; mails.len()]
}
