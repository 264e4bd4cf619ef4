//! How long to wait before calling a server again.
//!
//! The pause doubles from failure to failure and is spread by jitter, so that the mailboxes of one
//! provider do not come back in step after an outage. Failures before the server was reached cost
//! nobody anything and spend no login; they are tried again at least every [`KNOCK`], so that mail is
//! seen soon after the network is back. Whatever the cause, [`Logins`] bounds how often a server is
//! logged in to: providers lock accounts over that. All of it is a function of its arguments: the
//! random number and the times are handed in.

use std::time::{Duration, Instant};

/// The longest pause while the server cannot even be reached.
pub const KNOCK: Duration = Duration::from_secs(10);

/// So many logins may follow each other as fast as the pauses allow.
pub const LOGINS_AT_ONCE: u32 = 20;
/// After those, there is one login in this time: never more than 60 in an hour, and no network that
/// flaps all day leaves the mailbox unread for longer than this.
pub const LOGIN_SPACING: Duration = Duration::from_secs(90);

/// Spaces logins out.
#[derive(Clone, Copy, Debug, Default)]
pub struct Logins {
    /// When all of [`LOGINS_AT_ONCE`] will be there again.
    full_at: Option<Instant>,
}

impl Logins {
    /// Returns how long to wait at `now` before the next login.
    #[must_use]
    pub fn pause(&self, now: Instant) -> Duration {
        let spent = self.full_at.map_or(Duration::ZERO, |at| at.saturating_duration_since(now));
        spent.saturating_sub(LOGIN_SPACING * (LOGINS_AT_ONCE - 1))
    }

    /// Counts a login at `now`.
    pub fn count(&mut self, now: Instant) {
        let full_at = self.full_at.map_or(now, |at| at.max(now));
        self.full_at = Some(full_at + LOGIN_SPACING);
    }
}

/// Counts failures in a row and turns them into pauses.
#[derive(Clone, Debug)]
pub struct Backoff {
    min: Duration,
    max: Duration,
    refused_login_retry: Duration,
    failures: u32,
    refusals: u32,
}

/// What went wrong, as far as the next pause depends on it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The server could not be reached: name, network, connection.
    Unreachable,
    /// Something that may be over soon.
    Passing,
    /// A person must sign in. Whether one has is looked up here and costs nobody anything.
    SignIn,
    /// The server refused the login.
    RefusedLogin,
    /// The server asked for patience.
    Throttled,
    /// Something that only time or a person mends.
    Lasting,
    /// A person has not unlocked the secret yet. No server was asked for anything.
    Awaited,
}

impl Backoff {
    /// Starts counting; pauses grow from `min` to `max`, and a login that was refused twice is
    /// tried again each `refused_login_retry`.
    #[must_use]
    pub fn new(min: Duration, max: Duration, refused_login_retry: Duration) -> Backoff {
        Backoff { min, max, refused_login_retry, failures: 0, refusals: 0 }
    }

    /// Counts a failure and returns the pause that follows it.
    ///
    /// `random` is uniform over all of `u64`; the pause is between one half of its nominal length
    /// and all of it.
    pub fn after(&mut self, failure: Failure, random: u64) -> Duration {
        let nominal = match failure {
            // Neither the server nor the network failed; what is waited for is seen when it is there.
            Failure::Awaited => return jittered(self.max, random),
            Failure::Unreachable => self.doubled().min(KNOCK),
            Failure::SignIn => KNOCK,
            Failure::Passing => self.doubled(),
            // One refusal may be a server in trouble; several may lock the account.
            Failure::RefusedLogin if self.refusals == 0 => self.doubled(),
            Failure::RefusedLogin | Failure::Lasting => self.refused_login_retry,
            // A minute at first by default, because it may be a restart behind a proxy.
            Failure::Throttled => {
                let first = (self.refused_login_retry / 15).max(self.min);
                first.saturating_mul(self.doublings()).min(self.refused_login_retry)
            }
        };
        self.failures = self.failures.saturating_add(1);
        if failure == Failure::RefusedLogin {
            self.refusals = self.refusals.saturating_add(1);
        }
        jittered(nominal, random)
    }

    /// Tells that the server took the login.
    pub fn logged_in(&mut self) {
        self.refusals = 0;
    }

    /// Tells that every folder was examined and read on a connection that has lived `for_how_long`.
    ///
    /// A login alone proves nothing: a server that takes it and hangs up would be called every
    /// two seconds for ever. For the same reason a connection that has not lived as long as the
    /// pause before it does not count yet.
    pub fn worked(&mut self, for_how_long: Duration) {
        self.refusals = 0;
        if self.failures > 0 && self.previous() <= for_how_long {
            self.failures = 0;
        }
    }

    /// Returns how often in a row the login was refused.
    #[must_use]
    pub fn refusals(&self) -> u32 {
        self.refusals
    }

    fn doubled(&self) -> Duration {
        self.min.saturating_mul(self.doublings()).min(self.max)
    }

    fn doublings(&self) -> u32 {
        1 << self.failures.min(20)
    }

    /// The nominal pause that came before the present connection.
    fn previous(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(20);
        self.min.saturating_mul(1 << doublings).min(self.max)
    }
}

/// Shortens a pause by up to one half.
fn jittered(nominal: Duration, random: u64) -> Duration {
    // The top 32 bits as a fraction of one.
    let share = f64::from((random >> 32) as u32) / f64::from(u32::MAX);
    nominal.mul_f64(0.5 + share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LONGEST: u64 = u64::MAX;

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_secs(2), Duration::from_secs(300), Duration::from_secs(900))
    }

    /// Asserts the nominal pauses, in seconds, that follow a row of failures.
    fn check(failures: &[(Failure, u64)]) {
        let mut backoff = backoff();
        for (nth, (failure, expected)) in failures.iter().enumerate() {
            let pause = backoff.after(*failure, LONGEST).as_secs_f64().round() as u64;
            assert_eq!(pause, *expected, "pause {nth} of {failures:?}");
        }
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        check(&[2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map(|pause| (Failure::Passing, pause)));
    }

    #[test]
    fn a_server_out_of_reach_is_knocked_at_every_ten_seconds() {
        check(&[2, 4, 8, 10, 10, 10].map(|pause| (Failure::Unreachable, pause)));
    }

    #[test]
    fn a_sign_in_is_looked_for_every_ten_seconds() {
        check(&[10, 10, 10].map(|pause| (Failure::SignIn, pause)));
    }

    #[test]
    fn a_refused_login_is_tried_once_more_soon_and_then_rarely() {
        check(&[2, 900, 900].map(|pause| (Failure::RefusedLogin, pause)));
    }

    #[test]
    fn a_server_that_asks_for_patience_gets_more_of_it_each_time() {
        check(&[60, 120, 240, 480, 900, 900].map(|pause| (Failure::Throttled, pause)));
    }

    #[test]
    fn what_lasts_is_tried_rarely_at_once() {
        check(&[(Failure::Lasting, 900)]);
    }

    #[test]
    fn what_a_person_has_to_unlock_counts_for_no_failure() {
        check(&[(Failure::Awaited, 300), (Failure::Awaited, 300), (Failure::Passing, 2)]);
    }

    #[test]
    fn a_login_that_works_again_forgets_the_refusals_but_not_the_failures() {
        let mut backoff = backoff();
        backoff.after(Failure::RefusedLogin, LONGEST);
        backoff.logged_in();
        assert_eq!(backoff.refusals(), 0);
        assert_eq!(backoff.after(Failure::RefusedLogin, LONGEST), Duration::from_secs(4));
    }

    #[test]
    fn a_connection_that_dies_young_does_not_reset_the_pause() {
        let mut backoff = backoff();
        for _ in 0..3 {
            backoff.after(Failure::Passing, LONGEST);
        }
        backoff.worked(Duration::from_secs(1));
        assert_eq!(backoff.after(Failure::Passing, LONGEST), Duration::from_secs(16));
        backoff.worked(Duration::from_secs(16));
        assert_eq!(backoff.after(Failure::Passing, LONGEST), Duration::from_secs(2));
    }

    /// Logs in as soon as it is allowed, `every` so many seconds at the most, for an hour; returns
    /// the number of logins and the longest pause in seconds.
    fn logins_in_an_hour(every: u64) -> (u32, u64) {
        let start = Instant::now();
        let (mut logins, mut at, mut longest) = (Logins::default(), start, Duration::ZERO);
        let mut n_logins = 0;
        loop {
            let pause = logins.pause(at);
            at += pause;
            if start + Duration::from_secs(3600) <= at {
                return (n_logins, longest.as_secs());
            }
            longest = longest.max(pause);
            logins.count(at);
            n_logins += 1;
            at += Duration::from_secs(every);
        }
    }

    #[test]
    fn logins_are_at_most_sixty_in_an_hour_and_never_far_apart() {
        for (every, expected) in [
            (0, (59, 90)),
            (2, (59, 88)),
            (30, (59, 60)),
            (60, (59, 30)),
            (90, (40, 0)),
            (600, (6, 0)),
        ] {
            assert_eq!(logins_in_an_hour(every), expected, "a login every {every} s");
        }
    }

    #[test]
    fn after_a_quiet_time_all_logins_are_there_again() {
        let (mut logins, start) = (Logins::default(), Instant::now());
        for _ in 0..LOGINS_AT_ONCE {
            assert_eq!(logins.pause(start), Duration::ZERO);
            logins.count(start);
        }
        assert_eq!(logins.pause(start), LOGIN_SPACING);
        let later = start + LOGIN_SPACING * LOGINS_AT_ONCE;
        for _ in 0..LOGINS_AT_ONCE {
            assert_eq!(logins.pause(later), Duration::ZERO);
            logins.count(later);
        }
    }

    proptest! {
        #[test]
        fn jitter_takes_at_most_one_half(random: u64, seconds in 0..100_000u64) {
            let nominal = Duration::from_secs(seconds);
            let pause = jittered(nominal, random);
            prop_assert!(nominal.mul_f64(0.499) <= pause && pause <= nominal.mul_f64(1.001));
        }
    }
}
