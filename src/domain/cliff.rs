//! The dates after which a client's refund is lost, whatever CBP promised about the account.
//!
//! CAPE takes entries that are unliquidated or were liquidated at most 80 days before. What fell out
//! of that can still be protested for 180 days after the liquidation (19 U.S.C. 1514(c)(3)). An
//! application knows the earliest liquidation among its client's entries, where the user gave it.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::alert::{Alert, AlertKind, titled};
use super::application::{Application, ApplicationId, Stage};
use super::calendar::Calendar;

/// One such date.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cliff {
    /// What ends.
    pub claim: Claim,
    /// The last day for it, in the calendar's zone.
    pub on: NaiveDate,
}

/// What can be done about a liquidated entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Claim {
    /// A declaration with CAPE.
    Refund,
    /// A protest.
    Protest,
}

impl Claim {
    /// The name used in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Claim::Refund => "refund",
            Claim::Protest => "protest",
        }
    }

    /// For so many days after the liquidation.
    fn days(self) -> Days {
        match self {
            Claim::Refund => Days::new(80),
            Claim::Protest => Days::new(180),
        }
    }
}

/// So many days before a cliff a person is told of it, and what is overdue becomes pressing.
const NEAR: [u64; 2] = [30, 7];

/// The cliffs after a liquidation, in order.
pub fn cliffs(liquidated_on: NaiveDate) -> impl Iterator<Item = Cliff> {
    [Claim::Refund, Claim::Protest].into_iter().filter_map(move |claim| {
        let on = liquidated_on.checked_add_days(claim.days())?;
        Some(Cliff { claim, on })
    })
}

/// What a client's cliffs make of an application at an instant.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Nearing {
    /// The next one, while the account is missing.
    pub next: Option<Cliff>,
    /// Whether it is near.
    pub is_pressing: bool,
    /// What is told of it now.
    pub alert: Option<Alert>,
    /// When this can next say something else.
    pub changes_at: Option<DateTime<Utc>>,
}

/// Looks at the cliffs of an application at `now`. An account that is in use can claim by itself.
pub fn nearing(
    application: &Application,
    stage: Stage,
    calendar: &Calendar,
    now: DateTime<Utc>,
) -> Nearing {
    let is_missing = !matches!(stage, Stage::Active | Stage::Closed);
    let known = application.liquidated_on.filter(|_| is_missing);
    let next =
        known.into_iter().flat_map(cliffs).find(|cliff| now <= calendar.last_instant_of(cliff.on));
    let Some(next) = next else { return Nearing::default() };
    let begins = |days: u64| {
        let day = next.on.checked_sub_days(Days::new(days)).unwrap_or(next.on);
        calendar.start_of(day)
    };
    let near = NEAR.into_iter().rfind(|days| begins(*days) <= now);
    let passed = calendar.last_instant_of(next.on) + chrono::Duration::seconds(1);
    let changes_at = NEAR.into_iter().map(begins).find(|at| now < *at).unwrap_or(passed);
    Nearing {
        next: Some(next),
        is_pressing: near.is_some(),
        alert: near.map(|days| alert(application, next, days)),
        changes_at: Some(changes_at),
    }
}

fn alert(application: &Application, cliff: Cliff, days: u64) -> Alert {
    let ApplicationId(id) = application.id;
    let on = cliff.on.format("%a %-d %b");
    let (what, advice) = match cliff.claim {
        Claim::Refund => ("refund claim", "No ACE account yet: without one CAPE takes no claim."),
        Claim::Protest => ("protest", "CAPE takes no claim any more: protest (CBP Form 19)."),
    };
    Alert {
        key: format!("cliff/{id}/{}/{days}", cliff.on),
        kind: AlertKind::Cliff,
        application: Some(application.id),
        title: titled(&application.company, &format!("{what} ends {on}")),
        body: format!("{advice}\n`acewatch draft {id} escalation`, `acewatch show {id}`"),
        is_pressing: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::zone::Zone;
    use proptest::prelude::*;

    fn application(liquidated_on: Option<&str>) -> Application {
        Application {
            liquidated_on: liquidated_on.map(|day| day.parse().unwrap()),
            ..Application::example()
        }
    }

    fn calendar() -> Calendar {
        Calendar::without_closures(Zone::new_york())
    }

    fn at(written: &str) -> DateTime<Utc> {
        written.parse().unwrap()
    }

    fn check(stage: Stage, now: &str, expected: Option<(&str, &str, Option<&str>)>) {
        let found = nearing(&application(Some("2026-05-01")), stage, &calendar(), at(now));
        let key = found.alert.as_ref().map(|alert| alert.key.as_str());
        let next = found.next.map(|cliff| (cliff.claim.as_str(), cliff.on.to_string()));
        let expected_next = expected.map(|(claim, on, _)| (claim, on.to_owned()));
        assert_eq!((next, key), (expected_next, expected.and_then(|(_, _, key)| key)), "{now}");
        assert_eq!(found.is_pressing, key.is_some());
    }

    #[test]
    fn a_cliff_is_told_a_month_and_a_week_before_it_while_the_account_is_missing() {
        let refund = |key| Some(("refund", "2026-07-20", key));
        check(Stage::Submitted, "2026-06-20T03:59:59Z", refund(None));
        check(Stage::Submitted, "2026-06-20T04:00:00Z", refund(Some("cliff/7/2026-07-20/30")));
        check(Stage::Approved, "2026-07-13T03:59:59Z", refund(Some("cliff/7/2026-07-20/30")));
        check(Stage::Approved, "2026-07-13T04:00:00Z", refund(Some("cliff/7/2026-07-20/7")));
        check(Stage::Draft, "2026-07-21T03:59:59Z", refund(Some("cliff/7/2026-07-20/7")));
        check(Stage::Draft, "2026-07-21T04:00:00Z", Some(("protest", "2026-10-28", None)));
        check(
            Stage::Rejected,
            "2026-10-28T12:00:00Z",
            Some(("protest", "2026-10-28", Some("cliff/7/2026-10-28/7"))),
        );
        check(Stage::Rejected, "2026-10-29T12:00:00Z", None);
        check(Stage::Active, "2026-07-20T12:00:00Z", None);
        check(Stage::Closed, "2026-07-20T12:00:00Z", None);
    }

    #[test]
    fn without_a_date_there_is_no_cliff() {
        let found =
            nearing(&application(None), Stage::Submitted, &calendar(), at("2026-05-01T00:00:00Z"));
        assert_eq!(found, Nearing::default());
    }

    proptest! {
        #[test]
        fn the_answer_does_not_change_before_it_says_so(hours in 0_i64..5000, later in 0_i64..5000) {
            let now = at("2026-05-01T00:00:00Z") + chrono::Duration::hours(hours);
            let then = now + chrono::Duration::hours(later);
            let application = application(Some("2026-05-01"));
            let of = |now| nearing(&application, Stage::Submitted, &calendar(), now);
            let (first, second) = (of(now), of(then));
            if first.changes_at.is_none_or(|at| then < at) {
                prop_assert_eq!(first, second);
            }
        }
    }
}
