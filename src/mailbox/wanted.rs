//! Which of the mails that are asked for count, and whether any of those did not come.

use super::uids::{Set, holds};

/// Which mails of a page count.
pub(super) enum Wanted<'a> {
    /// All that are asked for.
    All,
    /// These, ascending; the ranges asked for may contain others.
    Listed(&'a [u32]),
    /// These, ascending, and all from this UID on.
    ListedAndFrom(&'a [u32], u32),
}

impl Wanted<'_> {
    pub(super) fn contains(&self, uid: u32) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Listed(uids) => uids.binary_search(&uid).is_ok(),
            Wanted::ListedAndFrom(uids, first) => *first <= uid || uids.binary_search(&uid).is_ok(),
        }
    }

    /// Whether mails of a set that may be there are not among those that came, ascending.
    pub(super) fn lacks(&self, set: &Set, came: &[u32]) -> bool {
        match self {
            Wanted::All => {
                let n_asked: u64 = set.iter().map(|r| u64::from(r.end() - r.start()) + 1).sum();
                u64::try_from(came.len()).is_ok_and(|n_came| n_came < n_asked)
            }
            Wanted::Listed(uids) | Wanted::ListedAndFrom(uids, _) => {
                uids.iter().any(|uid| came.binary_search(uid).is_err() && holds(set, *uid))
            }
        }
    }

    /// Whether a mail was there before the set was asked for, so that its absence says something.
    pub(super) fn is_known(&self, uid: u32) -> bool {
        match self {
            Wanted::All => true,
            Wanted::Listed(uids) | Wanted::ListedAndFrom(uids, _) => {
                uids.binary_search(&uid).is_ok()
            }
        }
    }
}
