//! How CBP is reached about an application that is late.
//!
//! The telephone menu and its hours are what callers report; CBP states neither for ACE accounts
//! anywhere, and may change both. `[contact]` in the configuration overrides each.

use chrono::{DateTime, Datelike, Days, NaiveTime, TimeZone, Timelike, Utc, Weekday};

use super::calendar::Calendar;

/// Where to write and call.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contact {
    /// The address that answers questions about applications; they are not sent there.
    pub support: String,
    /// The telephone number as it is dialled.
    pub phone: String,
    /// What to choose when it is answered; may be empty.
    pub menu: String,
    /// When nobody answers; `None` where somebody always does.
    pub closed: Option<WeeklyClosing>,
}

/// A span of every week, in the calendar's zone; over Sunday midnight where it ends before it
/// begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WeeklyClosing {
    /// The first closed minute.
    pub from: (Weekday, NaiveTime),
    /// The first open minute.
    pub until: (Weekday, NaiveTime),
}

impl Default for Contact {
    fn default() -> Contact {
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0);
        Contact {
            support: "ACE.Support@cbp.dhs.gov".to_owned(),
            phone: "1-866-530-4172".to_owned(),
            menu: "option 1, then 2".to_owned(),
            closed: hour(22).zip(hour(5)).map(|(from, until)| WeeklyClosing {
                from: (Weekday::Sat, from),
                until: (Weekday::Sun, until),
            }),
        }
    }
}

impl Contact {
    /// The number with what to choose in the menu.
    pub fn dialled(&self) -> String {
        match self.menu.is_empty() {
            true => self.phone.clone(),
            false => format!("{}, {}", self.phone, self.menu),
        }
    }
}

impl WeeklyClosing {
    /// The closed span in which `now` is, or else the next one, as instants.
    pub fn nearest(
        &self,
        calendar: &Calendar,
        now: DateTime<Utc>,
    ) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
        let day_of = |day: Weekday| u64::from(day.num_days_from_monday());
        let (first, last) = (day_of(self.from.0), day_of(self.until.0));
        let n_days = match (last + 7 - first) % 7 {
            0 if self.until.1 <= self.from.1 => 7,
            n => n,
        };
        let today = calendar.day_of(now);
        // The one that may still last began at most a week ago; two weeks hold the next one, too.
        (0..15)
            .filter_map(|n| today.checked_sub_days(Days::new(7))?.checked_add_days(Days::new(n)))
            .filter(|date| date.weekday() == self.from.0)
            .filter_map(|date| {
                let instant = |date: chrono::NaiveDate, time: NaiveTime| {
                    let minutes = i64::from(time.num_seconds_from_midnight()) / 60;
                    let local = calendar.zone().from_local_datetime(&date.and_time(time));
                    // An hour that the clocks leave out begins with the day, so many minutes later.
                    local.earliest().map_or_else(
                        || calendar.start_of(date) + chrono::Duration::minutes(minutes),
                        |at| at.to_utc(),
                    )
                };
                let end = date.checked_add_days(Days::new(n_days))?;
                Some((instant(date, self.from.1), instant(end, self.until.1)))
            })
            .find(|(_, until)| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::zone::Zone;
    use proptest::prelude::*;

    fn calendar() -> Calendar {
        Calendar::new(Zone::new_york(), Vec::new(), None)
    }

    fn check(now: &str, from: &str, until: &str) {
        let closing = Contact::default().closed.unwrap();
        let (found_from, found_until) = closing.nearest(&calendar(), now.parse().unwrap()).unwrap();
        assert_eq!((found_from, found_until), (from.parse().unwrap(), until.parse().unwrap()));
    }

    #[test]
    fn the_closing_in_which_one_is_comes_before_the_next() {
        let this_week = ("2026-05-17T02:00:00Z", "2026-05-17T09:00:00Z");
        check("2026-05-14T18:00:00Z", this_week.0, this_week.1);
        check("2026-05-17T08:59:59Z", this_week.0, this_week.1);
        check("2026-05-17T09:00:00Z", "2026-05-24T02:00:00Z", "2026-05-24T09:00:00Z");
        // The clocks go back in that night: it is an hour longer.
        check("2026-10-31T18:00:00Z", "2026-11-01T02:00:00Z", "2026-11-01T10:00:00Z");
    }

    #[test]
    fn the_menu_stands_behind_the_number_where_there_is_one() {
        let contact = Contact::default();
        assert_eq!(contact.dialled(), "1-866-530-4172, option 1, then 2");
        assert_eq!(Contact { menu: String::new(), ..contact }.dialled(), "1-866-530-4172");
    }

    proptest! {
        #[test]
        fn there_is_always_a_next_closing_and_it_ends(
            (from, until) in (0..7 * 1440_u32, 0..7 * 1440_u32),
            at in 0..4_000_000_000_i64,
        ) {
            let moment = |minute: u32| {
                let day = Weekday::try_from((minute / 1440) as u8).unwrap();
                let time = NaiveTime::from_hms_opt(minute / 60 % 24, minute % 60, 0).unwrap();
                (day, time)
            };
            prop_assume!(from != until);
            let closing = WeeklyClosing { from: moment(from), until: moment(until) };
            let now = DateTime::from_timestamp(at, 0).unwrap();
            let (begin, end) = closing.nearest(&calendar(), now).unwrap();
            prop_assert!(now < end);
            let minutes = (until + 7 * 1440 - from) % (7 * 1440);
            prop_assert!((((end - begin).num_minutes()) - i64::from(minutes)).abs() <= 60);
        }
    }
}
