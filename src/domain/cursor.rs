//! How far a folder has been read, and what that means for the folder as it is now.
//!
//! A cursor is worth only what the server's UIDs are worth. RFC 3501 §2.3.1.1 makes three promises:
//! UIDs are "assigned in a strictly ascending fashion", the "next unique identifier value" (UIDNEXT)
//! "MUST NOT change unless new messages are added to the mailbox; and MUST change whenever new
//! messages are added", and when either cannot be kept, the "unique identifier validity value"
//! (UIDVALIDITY) "MUST be greater". Everything acewatch concludes from these numbers is concluded in
//! [`Plan::after`], and nowhere else.

use chrono::{DateTime, Utc};

/// Says up to where a folder has been read completely, in the numbering of one UIDVALIDITY.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cursor {
    /// The UIDVALIDITY under which the numbers count.
    pub uid_validity: u32,
    /// The lowest UID not yet read; 0 while the first reading is not finished (no UID is 0:
    /// `nz-number` in RFC 3501 §9).
    pub uid_next: u32,
}

impl Cursor {
    /// Returns the cursor of a folder whose first reading has begun and is not finished.
    #[must_use]
    pub fn unfinished(uid_validity: u32) -> Cursor {
        Cursor { uid_validity, uid_next: 0 }
    }
}

/// A mail that could not be read, and that the cursor passed over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unread {
    /// Its folder's decoded name.
    pub folder: String,
    /// The UIDVALIDITY under which its UID counts.
    pub uid_validity: u32,
    /// Its UID.
    pub uid: u32,
    /// When it was tried last.
    pub last_tried: DateTime<Utc>,
    /// How often it was tried.
    pub tries: u32,
}

/// What EXAMINE said of a folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Selected {
    /// UIDVALIDITY; 0 where the server named none.
    pub uid_validity: u32,
    /// UIDNEXT; RFC 3501 §6.3.1 demands it, and some servers leave it out all the same.
    pub uid_next: Option<u32>,
    /// EXISTS: the number of mails in the folder.
    pub exists: u32,
}

/// How to continue in a folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Plan {
    /// Read what arrived since the configured look-back: the folder was never read to its end.
    LookBack,
    /// Read the mails from this UID on.
    From(u32),
    /// Nothing has arrived.
    Nothing,
    /// The recorded cursor means nothing any more: look back as if for the first time.
    Restart {
        /// Why, for the log.
        why: Why,
    },
}

/// Why a cursor was given up.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Why {
    /// The folder was made anew, restored or moved to another server.
    #[error("UIDVALIDITY changed from {recorded} to {selected}")]
    ValidityChanged {
        /// As recorded.
        recorded: u32,
        /// As it is now.
        selected: u32,
    },
    /// UIDs are being given out a second time.
    #[error("UIDNEXT went back from {recorded} to {selected} under the same UIDVALIDITY")]
    WentBack {
        /// As recorded.
        recorded: u32,
        /// As it is now.
        selected: u32,
    },
}

impl Plan {
    /// Decides how to continue from `recorded` in the folder now `selected`.
    ///
    /// A lower UIDNEXT under the same UIDVALIDITY is against RFC 3501 §2.3.1.1, but restored
    /// backups do it; the folder is then looked through again. Reading again is harmless, because
    /// a mail's identity is its bytes and not its UID.
    #[must_use]
    pub fn after(recorded: Option<&Cursor>, selected: &Selected) -> Plan {
        let Some(recorded) = recorded else {
            return Plan::LookBack;
        };
        // "If unique identifiers from an earlier session fail to persist in this session, the
        // unique identifier validity value MUST be greater than the one used in the earlier
        // session." Some servers count it down; any difference is a difference.
        if recorded.uid_validity != selected.uid_validity {
            return Plan::Restart {
                why: Why::ValidityChanged {
                    recorded: recorded.uid_validity,
                    selected: selected.uid_validity,
                },
            };
        }
        match (recorded.uid_next, selected.uid_next) {
            (0, _) => Plan::LookBack,
            // Without UIDNEXT only a FETCH can tell; an empty folder has nothing to ask for.
            (_, None) if selected.exists == 0 => Plan::Nothing,
            (from, None) => Plan::From(from),
            // "The next unique identifier value … MUST NOT change unless new messages are added
            // to the mailbox": equal means that nothing came, whatever was deleted meanwhile.
            (from, Some(next)) if from == next => Plan::Nothing,
            // "Unique identifiers are assigned in a strictly ascending fashion": all that is new
            // is at or above the cursor.
            (from, Some(next)) if from < next => Plan::From(from),
            (recorded, Some(selected)) => {
                Plan::Restart { why: Why::WentBack { recorded, selected } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(recorded: Option<(u32, u32)>, selected: (u32, Option<u32>, u32), expected: Plan) {
        let recorded = recorded.map(|(uid_validity, uid_next)| Cursor { uid_validity, uid_next });
        let (uid_validity, uid_next, exists) = selected;
        let selected = Selected { uid_validity, uid_next, exists };
        assert_eq!(
            Plan::after(recorded.as_ref(), &selected),
            expected,
            "{recorded:?} in {selected:?}"
        );
    }

    #[test]
    fn a_folder_never_read_is_looked_back_on() {
        check(None, (7, Some(1), 0), Plan::LookBack);
        check(None, (7, None, 12), Plan::LookBack);
    }

    #[test]
    fn a_first_reading_that_was_cut_short_starts_again() {
        check(Some((7, 0)), (7, Some(100), 99), Plan::LookBack);
    }

    #[test]
    fn a_cursor_continues_where_it_ended() {
        check(Some((7, 100)), (7, Some(100), 99), Plan::Nothing);
        check(Some((7, 100)), (7, Some(100), 0), Plan::Nothing);
        check(Some((7, 100)), (7, Some(101), 1), Plan::From(100));
    }

    #[test]
    fn a_server_without_uidnext_is_asked_each_time() {
        check(Some((7, 100)), (7, None, 5), Plan::From(100));
        check(Some((7, 100)), (7, None, 0), Plan::Nothing);
    }

    #[test]
    fn another_validity_in_either_direction_restarts() {
        for selected in [6, 8] {
            check(
                Some((7, 100)),
                (selected, Some(100), 99),
                Plan::Restart { why: Why::ValidityChanged { recorded: 7, selected } },
            );
        }
    }

    #[test]
    fn a_uidnext_that_goes_back_restarts() {
        check(
            Some((7, 100)),
            (7, Some(50), 49),
            Plan::Restart { why: Why::WentBack { recorded: 100, selected: 50 } },
        );
    }

    proptest! {
        /// New mail is never taken for nothing: what `Nothing` leaves out has UIDs below the cursor.
        #[test]
        fn nothing_is_said_only_where_nothing_can_be(
            validity in 1..3u32, from in 0..5u32, now in 1..3u32, next in proptest::option::of(1..5u32), exists in 0..3u32
        ) {
            let recorded = Cursor { uid_validity: validity, uid_next: from };
            let selected = Selected { uid_validity: now, uid_next: next, exists };
            if Plan::after(Some(&recorded), &selected) == Plan::Nothing {
                prop_assert_eq!(validity, now);
                prop_assert!(from > 0);
                prop_assert!(next.map_or(exists == 0, |next| next == from));
            }
        }
    }
}
