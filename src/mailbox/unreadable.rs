//! Mails that cannot be read: which they are, when to try them again, and how to find the one at
//! which every connection dies.
//!
//! A mail that cannot be fetched never stops its folder: the cursor passes over it, it is counted,
//! and it is tried again with a growing pause for as long as it is there.
//!
//! Some mails are worse: the server, or something on the way, ends the connection at every attempt
//! to fetch them. Where two connections in a row died during a FETCH of the same mails, the third
//! asks for them in parts, and the first of them alone; whoever was alone when two connections died
//! is passed over. Servers answer in ascending order, so that this takes four connections; where one
//! does not, the parts halve each time.
//!
//! A server that answers such a FETCH by asking for patience is believed at first: all who ask it for
//! too much hear that. One that does so for ever may mean that mail, and then it counts as well.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Error;
use super::uids::{Set, exact_ranges, sets};
use crate::domain::cursor::Unread;

/// The first attempt comes so many times sooner: most of what fails once was a server in trouble.
const SOONER: u32 = 12;
/// The pause before the next attempt doubles so many times.
const DOUBLINGS: u32 = 3;
/// After so many connections that died in a row the mails are asked for in parts.
const SPLIT: u32 = 2;
/// After so many a mail that was asked for alone is passed over.
const GIVEN_UP: u32 = 4;
/// So often in a row a server that asks for patience is believed that it is not about the mails.
const PATIENCE: u32 = 2;
/// The most mails of a folder that are tried again in one round.
const TRIALS: usize = 20;

/// What one mailbox has of them.
#[derive(Clone, Debug, Default)]
pub struct Unreadable {
    mails: BTreeMap<Key, (DateTime<Utc>, u32)>,
    suspects: BTreeMap<String, Suspects>,
    /// Mails at which connections died, and how many; not yet reported.
    deadly: BTreeMap<Key, u32>,
}

/// Folder, UIDVALIDITY, UID.
type Key = (String, u32, u32);

/// Mails of which one may have ended the connection.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Suspects {
    uid_validity: u32,
    set: Set,
    n_deaths: u32,
    /// How often the server asked for patience.
    n_pleas: u32,
}

/// How a set of mails is asked for where some of them are suspect.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Parts {
    /// One command each, in this order.
    pub asked: Vec<Vec<u32>>,
    /// Passed over, with the reason.
    pub left_out: Vec<(u32, String)>,
}

impl Unreadable {
    /// Begins with those that are recorded.
    pub fn new(recorded: impl IntoIterator<Item = Unread>) -> Unreadable {
        let mails = recorded
            .into_iter()
            .map(|mail| ((mail.folder, mail.uid_validity, mail.uid), (mail.last_tried, mail.tries)))
            .collect();
        Unreadable { mails, ..Unreadable::default() }
    }

    /// Returns which mails of a folder it is time to try again; `retry` is the pause after the first
    /// attempt.
    pub(super) fn due(&self, folder: &str, retry: Duration, now: DateTime<Utc>) -> Vec<(u32, u32)> {
        let is_due = |(last_tried, tries): &(DateTime<Utc>, u32)| {
            let pause = match tries {
                0 | 1 => retry / SOONER,
                _ => retry.saturating_mul(1 << (tries - 2).min(DOUBLINGS)),
            };
            let pause = chrono::Duration::from_std(pause).unwrap_or(chrono::Duration::MAX);
            // A time of trial in the future comes from a wrong clock.
            *last_tried > now || pause <= now - *last_tried
        };
        self.mails
            .iter()
            .filter(|((of, ..), mail)| of == folder && is_due(mail))
            .map(|((_, uid_validity, uid), _)| (*uid_validity, *uid))
            .take(TRIALS)
            .collect()
    }

    /// Counts an attempt that was in vain, and is recorded.
    pub(super) fn failed(&mut self, folder: &str, uid_validity: u32, uid: u32, now: DateTime<Utc>) {
        let key = (folder.to_owned(), uid_validity, uid);
        self.deadly.remove(&key);
        let (last_tried, tries) = self.mails.entry(key).or_insert((now, 0));
        (*last_tried, *tries) = (now, tries.saturating_add(1));
    }

    /// Forgets a mail that was read, or is gone.
    pub(super) fn resolved(&mut self, folder: &str, uid_validity: u32, uid: u32) {
        self.mails.remove(&(folder.to_owned(), uid_validity, uid));
    }

    /// Has the mails of a folder whose UIDs were given out anew tried at once; those of another
    /// UIDVALIDITY are read with the folder.
    pub(super) fn read_anew(&mut self, folder: &str, uid_validity: u32) {
        self.mails.retain(|(of, validity, _), _| of != folder || *validity == uid_validity);
        self.suspects.remove(folder);
        for ((of, ..), (last_tried, _)) in &mut self.mails {
            if of == folder {
                *last_tried = DateTime::UNIX_EPOCH;
            }
        }
    }

    /// Says that the connection was given up with `err` while these mails had not come yet.
    pub(super) fn died(&mut self, folder: &str, uid_validity: u32, err: &Error, set: Set) {
        let is_plea = matches!(err, Error::Throttled { .. });
        if !(is_plea || is_death(err)) || set.is_empty() {
            return;
        }
        let before = self.suspects.get(folder).filter(|before| {
            before.uid_validity == uid_validity
                && set.iter().any(|range| before.set.iter().any(|other| overlap(range, other)))
        });
        let (n_deaths, n_pleas) = before.map_or((0, 0), |before| (before.n_deaths, before.n_pleas));
        let n_pleas = n_pleas + u32::from(is_plea);
        let n_deaths = n_deaths + u32::from(!is_plea || PATIENCE < n_pleas);
        if let [range] = set.as_slice()
            && range.start() == range.end()
            && GIVEN_UP <= n_deaths
        {
            self.suspects.remove(folder);
            self.deadly.insert((folder.to_owned(), uid_validity, *range.start()), n_deaths);
            return;
        }
        let suspects = Suspects { uid_validity, set, n_deaths, n_pleas };
        self.suspects.insert(folder.to_owned(), suspects);
    }

    /// Says that a mail is now fetched alone and known for trouble: one more death is enough.
    pub(super) fn on_trial(&mut self, folder: &str, uid_validity: u32, uid: u32) {
        let set = exact_ranges(&[uid]);
        let suspects = Suspects { uid_validity, set, n_deaths: GIVEN_UP - 1, n_pleas: PATIENCE };
        self.suspects.insert(folder.to_owned(), suspects);
    }

    /// Says that all that was asked for came.
    pub(super) fn survived(&mut self, folder: &str) {
        self.suspects.remove(folder);
    }

    /// Whether connections have died that the mails themselves may have ended.
    pub(super) fn is_suspicious(&self) -> bool {
        !self.suspects.is_empty() || !self.deadly.is_empty()
    }

    /// Returns why a mail is to be passed over: connections died at it.
    pub(super) fn deadly(&self, folder: &str, uid_validity: u32, uid: u32) -> Option<String> {
        let n_deaths = self.deadly.get(&(folder.to_owned(), uid_validity, uid))?;
        Some(format!(
            "{n_deaths} attempts to fetch it ended the connection or the server's patience"
        ))
    }

    /// Whether mails in a set must be asked for in [`Parts`].
    pub(super) fn is_careful(&self, folder: &str, uid_validity: u32, set: &Set) -> bool {
        let is_of = |(of, validity, uid): &Key| {
            of == folder && *validity == uid_validity && set.iter().any(|range| range.contains(uid))
        };
        self.suspects_in(folder, uid_validity).is_some()
            || self.deadly.keys().any(is_of)
            || self.mails.keys().any(is_of)
    }

    /// Splits these ascending UIDs: the first suspect alone, the others in halves, and then what is
    /// beyond suspicion; another mail at which connections die must not hide the first one.
    pub(super) fn parts(&self, folder: &str, uid_validity: u32, uids: &[u32]) -> Parts {
        let mut parts = Parts::default();
        let mut left: Vec<u32> = Vec::with_capacity(uids.len());
        for uid in uids {
            if let Some(why) = self.deadly(folder, uid_validity, *uid) {
                parts.left_out.push((*uid, why));
            } else if !self.mails.contains_key(&(folder.to_owned(), uid_validity, *uid)) {
                left.push(*uid);
            }
        }
        let (suspects, others): (Vec<u32>, Vec<u32>) = match self.suspects_in(folder, uid_validity)
        {
            Some(set) => left.into_iter().partition(|uid| set.iter().any(|r| r.contains(uid))),
            None => (Vec::new(), left),
        };
        let (first, rest) = suspects.split_at(suspects.len().min(1));
        let (lower, upper) = rest.split_at(rest.len() / 2);
        for part in [first, lower, upper, &others] {
            parts.asked.extend(sets(part).map(<[u32]>::to_vec));
        }
        parts
    }

    fn suspects_in(&self, folder: &str, uid_validity: u32) -> Option<&Set> {
        self.suspects
            .get(folder)
            .filter(|known| known.uid_validity == uid_validity && SPLIT <= known.n_deaths)
            .map(|known| &known.set)
    }
}

/// Whether a connection is over with this error, and the mails may be the reason.
fn is_death(err: &Error) -> bool {
    matches!(
        err,
        Error::Closed { .. }
            | Error::Bye { .. }
            | Error::Io { .. }
            | Error::Silent { .. }
            | Error::Garbled { .. }
    )
}

fn overlap(one: &std::ops::RangeInclusive<u32>, other: &std::ops::RangeInclusive<u32>) -> bool {
    one.start() <= other.end() && other.start() <= one.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOLDER: &str = "INBOX";
    const HOUR: Duration = Duration::from_secs(3600);

    /// Reads these UIDs until all but the deadly ones came, and returns how many connections died
    /// and which mails were passed over. `ascending` says in which order the server answers.
    fn read(uids: &[u32], killers: &[u32], ascending: bool) -> (u32, Vec<u32>) {
        let mut unreadable = Unreadable::default();
        let closed = Error::Closed { command: "FETCH" };
        let mut n_deaths = 0;
        'connection: loop {
            let set = exact_ranges(uids);
            let parts = match unreadable.is_careful(FOLDER, 7, &set) {
                true => unreadable.parts(FOLDER, 7, uids),
                false => Parts { asked: vec![uids.to_vec()], left_out: Vec::new() },
            };
            for mut part in parts.asked {
                if !ascending {
                    part.reverse();
                }
                if let Some(at) = part.iter().position(|uid| killers.contains(uid)) {
                    let mut missing = part[at..].to_vec();
                    missing.sort_unstable();
                    unreadable.died(FOLDER, 7, &closed, exact_ranges(&missing));
                    n_deaths += 1;
                    assert!(n_deaths < 100);
                    continue 'connection;
                }
            }
            return (n_deaths, parts.left_out.iter().map(|(uid, _)| *uid).collect());
        }
    }

    #[test]
    fn a_deadly_mail_is_singled_out_by_four_connections() {
        let uids: Vec<u32> = (1..=50).collect();
        assert_eq!(read(&uids, &[], true), (0, vec![]));
        assert_eq!(read(&uids, &[20], true), (4, vec![20]));
        assert_eq!(read(&uids, &[1], true), (4, vec![1]));
        assert_eq!(read(&uids, &[50], true), (4, vec![50]));
        assert_eq!(read(&[9], &[9], true), (4, vec![9]));
        assert_eq!(read(&uids, &[20, 21, 40], true), (12, vec![20, 21, 40]));
    }

    #[test]
    fn in_whatever_order_a_server_answers_it_is_found() {
        let uids: Vec<u32> = (1..=2000).collect();
        let (n_deaths, left_out) = read(&uids, &[700], false);
        assert_eq!(left_out, [700]);
        assert!(n_deaths < 16, "{n_deaths}");
    }

    fn throttled() -> Error {
        Error::Throttled { source: super::super::Answer::new("NO [LIMIT]") }
    }

    #[test]
    fn a_server_that_asks_for_patience_is_believed_twice() {
        let mut unreadable = Unreadable::default();
        let set = exact_ranges(&[4]);
        for n_pleas in 1..=6 {
            assert_eq!(unreadable.is_careful(FOLDER, 7, &set), 4 < n_pleas, "{n_pleas}");
            assert_eq!(unreadable.deadly(FOLDER, 7, 4), None);
            unreadable.died(FOLDER, 7, &throttled(), set.clone());
        }
        assert!(unreadable.deadly(FOLDER, 7, 4).is_some());
        // One that is known for trouble is not waited for again.
        unreadable.on_trial(FOLDER, 7, 5);
        unreadable.died(FOLDER, 7, &throttled(), exact_ranges(&[5]));
        assert!(unreadable.deadly(FOLDER, 7, 5).is_some());
    }

    #[test]
    fn one_lost_connection_raises_no_suspicion() {
        let mut unreadable = Unreadable::default();
        let set = exact_ranges(&[4, 5, 6]);
        unreadable.died(FOLDER, 7, &Error::Closed { command: "FETCH" }, set.clone());
        assert!(!unreadable.is_careful(FOLDER, 7, &set));
        // A server that asks for patience has not died of a mail.
        unreadable.died(FOLDER, 7, &throttled(), set.clone());
        assert!(!unreadable.is_careful(FOLDER, 7, &set));
        unreadable.died(FOLDER, 7, &Error::Closed { command: "FETCH" }, set.clone());
        assert!(unreadable.is_careful(FOLDER, 7, &set));
        assert!(!unreadable.is_careful(FOLDER, 8, &set));
        unreadable.survived(FOLDER);
        assert!(!unreadable.is_careful(FOLDER, 7, &set));
    }

    #[test]
    fn it_is_tried_again_ever_more_rarely_and_never_given_up() {
        let start = DateTime::UNIX_EPOCH + chrono::Duration::days(20_000);
        let mut unreadable = Unreadable::default();
        unreadable.failed(FOLDER, 7, 20, start);
        let (mut at, mut minutes) = (start, Vec::new());
        while minutes.len() < 7 {
            let before = at;
            while unreadable.due(FOLDER, HOUR, at).is_empty() {
                at += chrono::Duration::minutes(5);
            }
            assert_eq!(unreadable.due(FOLDER, HOUR, at), [(7, 20)]);
            unreadable.failed(FOLDER, 7, 20, at);
            minutes.push((at - before).num_minutes());
        }
        assert_eq!(minutes, [5, 60, 120, 240, 480, 480, 480]);
        unreadable.resolved(FOLDER, 7, 20);
        assert_eq!(unreadable.due(FOLDER, HOUR, at + chrono::Duration::days(9)), []);
    }

    #[test]
    fn uids_given_out_anew_are_tried_at_once_and_those_of_another_validity_forgotten() {
        let now = DateTime::UNIX_EPOCH + chrono::Duration::days(20_000);
        let mut unreadable = Unreadable::default();
        unreadable.failed(FOLDER, 7, 20, now);
        unreadable.read_anew(FOLDER, 7);
        assert_eq!(unreadable.due(FOLDER, HOUR, now), [(7, 20)]);
        unreadable.read_anew(FOLDER, 8);
        assert_eq!(unreadable.due(FOLDER, HOUR, now), []);
    }
}
