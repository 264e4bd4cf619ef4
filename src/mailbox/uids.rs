//! Sets of UIDs as IMAP writes them: `3,7:9,12:*` (RFC 3501 §9, sequence-set).

use std::ops::RangeInclusive;

/// The most ranges in one command; with the largest UIDs they make 7.5 kB (RFC 7162 §4 asks clients
/// to stay below 8 kB).
const RANGES: usize = 340;
/// The longest set of UIDs in one command, in octets.
const SET_LENGTH: usize = 7500;

/// UIDs as IMAP writes them: ascending ranges.
pub(super) type Set = Vec<RangeInclusive<u32>>;

/// Ranges that contain exactly these ascending UIDs.
pub(super) fn exact_ranges(uids: &[u32]) -> Set {
    let mut ranges: Set = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some(last) if last.end().checked_add(1) == Some(*uid) => *last = *last.start()..=*uid,
            _ => ranges.push(*uid..=*uid),
        }
    }
    ranges
}

/// At most [`RANGES`] ranges that contain these ascending UIDs, by closing the smallest gaps: in
/// most of them there is no mail, because it was deleted.
pub(super) fn ranges(uids: &[u32]) -> Set {
    let exact = exact_ranges(uids);
    if exact.len() <= RANGES {
        return exact;
    }
    let gap = |(left, right): (&RangeInclusive<u32>, &RangeInclusive<u32>)| {
        right.start().saturating_sub(*left.end())
    };
    let mut gaps: Vec<u32> = exact.iter().zip(exact.iter().skip(1)).map(gap).collect();
    gaps.sort_unstable_by(|left, right| right.cmp(left));
    // Only gaps wider than the first one too many stay open.
    let closed = gaps.get(RANGES - 1).copied().unwrap_or(0);
    let mut joined: Set = Vec::with_capacity(RANGES);
    for range in exact {
        match joined.last_mut() {
            Some(last) if gap((last, &range)) <= closed => *last = *last.start()..=*range.end(),
            _ => joined.push(range),
        }
    }
    joined
}

/// What of a set is above `uid`; all of it where nothing is.
pub(super) fn above(ranges: &[RangeInclusive<u32>], uid: u32) -> Set {
    let left: Set = ranges
        .iter()
        .filter(|range| uid < *range.end())
        .map(|range| (*range.start()).max(uid.saturating_add(1))..=*range.end())
        .collect();
    if left.is_empty() { ranges.to_vec() } else { left }
}

/// Whether a UID is in an ascending set.
pub(super) fn holds(ranges: &[RangeInclusive<u32>], uid: u32) -> bool {
    let at = ranges.partition_point(|range| *range.end() < uid);
    ranges.get(at).is_some_and(|range| range.contains(&uid))
}

/// A set in two parts of about the same size; `None` for a single UID.
pub(super) fn halves(ranges: &[RangeInclusive<u32>]) -> Option<(Set, Set)> {
    match ranges {
        [] => None,
        [range] if range.start() == range.end() => None,
        [range] => {
            let middle = range.start() + (range.end() - range.start()) / 2;
            Some((vec![*range.start()..=middle], vec![middle + 1..=*range.end()]))
        }
        ranges => {
            let (lower, upper) = ranges.split_at(ranges.len() / 2);
            Some((lower.to_vec(), upper.to_vec()))
        }
    }
}

/// A set as IMAP writes it.
pub(super) fn shown(ranges: &[RangeInclusive<u32>]) -> String {
    let parts: Vec<String> = ranges
        .iter()
        .map(|range| {
            if range.start() == range.end() {
                range.start().to_string()
            } else if *range.end() == u32::MAX {
                format!("{}:*", range.start())
            } else {
                format!("{}:{}", range.start(), range.end())
            }
        })
        .collect();
    parts.join(",")
}

/// Splits UIDs so that each part fits one command line.
pub(super) fn sets(uids: &[u32]) -> impl Iterator<Item = &[u32]> {
    // Ten digits and a comma at the worst; the parts are even so, whatever the ranges.
    let widest = uids.last().map_or(1, |uid| uid.to_string().len() + 1);
    uids.chunks(SET_LENGTH / widest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However scattered the UIDs, the command stays short and none is left out.
        #[test]
        fn ranges_hold_every_uid_and_stay_short(uids in proptest::collection::btree_set(any::<u32>(), 1..3000)) {
            let uids: Vec<u32> = uids.into_iter().collect();
            let ranges = ranges(&uids);
            prop_assert!(shown(&ranges).len() <= SET_LENGTH);
            for uid in &uids {
                prop_assert!(ranges.iter().any(|range| range.contains(uid)));
            }
            for set in sets(&uids) {
                prop_assert!(shown(&exact_ranges(set)).len() <= SET_LENGTH);
            }
        }

        #[test]
        fn exact_ranges_hold_nothing_else(uids in proptest::collection::btree_set(0..500u32, 0..100)) {
            let uids: Vec<u32> = uids.into_iter().collect();
            let back: Vec<u32> = exact_ranges(&uids).into_iter().flatten().collect();
            prop_assert_eq!(back, uids);
        }
    }
}
