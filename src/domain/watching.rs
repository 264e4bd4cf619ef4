//! Whether anybody is watching: the first thing that `status` says.

use chrono::{DateTime, Duration, Utc};

/// How well the mailboxes are watched, worst last.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum WatchState {
    /// Everything was read a short time ago.
    Watching,
    /// A mailbox cannot be read just now.
    Degraded,
    /// A mailbox could not be read for long.
    Blind,
    /// Nobody reads the mailboxes.
    Stopped,
}

impl WatchState {
    /// The name used in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            WatchState::Watching => "watching",
            WatchState::Degraded => "degraded",
            WatchState::Blind => "blind",
            WatchState::Stopped => "stopped",
        }
    }
}

/// What is known of one mailbox.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Seen {
    /// When every folder was last read.
    pub last_complete_check: Option<DateTime<Utc>>,
    /// Since when it cannot be read.
    pub failing_since: Option<DateTime<Utc>>,
}

/// Says how a mailbox is watched at `now`, and since when.
///
/// A check that is not older than `blind_after` is fresh, whoever made it: cron may run
/// `acewatch check` instead of a daemon.
pub fn watch_state(
    seen: Seen,
    is_running: bool,
    blind_after: Duration,
    now: DateTime<Utc>,
) -> (WatchState, Option<DateTime<Utc>>) {
    let is_fresh = seen.last_complete_check.is_some_and(|at| at <= now && now <= at + blind_after);
    match (seen.failing_since, is_fresh, is_running) {
        (Some(since), true, _) => (WatchState::Degraded, Some(since)),
        (None, true, _) => (WatchState::Watching, seen.last_complete_check),
        (_, false, false) => (WatchState::Stopped, seen.last_complete_check),
        (Some(since), false, true) if now < since + blind_after => {
            (WatchState::Degraded, Some(since))
        }
        // A daemon that has just started and not read anything yet has failed at nothing.
        (None, false, true) if seen.last_complete_check.is_none() => (WatchState::Degraded, None),
        (_, false, true) => (WatchState::Blind, seen.failing_since.or(seen.last_complete_check)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(last: Option<i64>, failing: Option<i64>, is_running: bool, expected: WatchState) {
        let now = DateTime::UNIX_EPOCH + Duration::days(100);
        let ago = |minutes: i64| now - Duration::minutes(minutes);
        let seen = Seen { last_complete_check: last.map(ago), failing_since: failing.map(ago) };
        let (state, _) = watch_state(seen, is_running, Duration::hours(1), now);
        assert_eq!(state, expected, "{last:?} {failing:?} {is_running}");
    }

    #[test]
    fn freshness_comes_first() {
        check(Some(1), None, true, WatchState::Watching);
        check(Some(1), None, false, WatchState::Watching);
        check(Some(30), Some(20), true, WatchState::Degraded);
        check(Some(90), Some(89), true, WatchState::Blind);
        check(Some(90), None, true, WatchState::Blind);
        check(Some(90), None, false, WatchState::Stopped);
        check(None, None, false, WatchState::Stopped);
        check(None, None, true, WatchState::Degraded);
        check(None, Some(10), true, WatchState::Degraded);
        check(None, Some(70), true, WatchState::Blind);
    }
}
