//! The oracle's calendar: federal business days by a list, and counting on one's fingers.

use acewatch::domain::zone::Zone;
use chrono::{DateTime, Datelike, Days, Duration, NaiveDate, TimeZone, Utc, Weekday};

/// The weekdays on which federal offices are closed, as the Office of Personnel Management lists them. Of 2026
/// Independence Day is kept on the Friday before; of 2027 Juneteenth, Christmas Day and the next New Year's Day
/// are, and Independence Day is kept on the Monday after.
const HOLIDAYS: &str = "
    2026-01-01 2026-01-19 2026-02-16 2026-05-25 2026-06-19 2026-07-03
    2026-09-07 2026-10-12 2026-11-11 2026-11-26 2026-12-25
    2027-01-01 2027-01-18 2027-02-15 2027-05-31 2027-06-18 2027-07-05
    2027-09-06 2027-10-11 2027-11-11 2027-11-25 2027-12-24 2027-12-31
    2028-01-17 2028-02-21 2028-05-29 2028-06-19 2028-07-04 2028-09-04";

/// What a span of time is counted in.
#[derive(Clone, Copy, PartialEq)]
pub enum Unit {
    BusinessDays,
    Days,
    /// Days after which something lapses: better a day early than a day late.
    DaysUntilLoss,
    Hours,
}

pub struct Dates {
    new_york: Zone,
    closed: Vec<NaiveDate>,
}

impl Dates {
    pub fn new() -> Dates {
        let closed = HOLIDAYS.split_whitespace().map(|day| day.parse().unwrap()).collect();
        Dates { new_york: Zone::named("America/New_York").unwrap(), closed }
    }

    pub fn closed_on(&mut self, day: NaiveDate) {
        self.closed.push(day);
    }

    pub fn is_business_day(&self, day: NaiveDate) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && !self.closed.contains(&day)
    }

    pub fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        at.with_timezone(&self.new_york).date_naive()
    }

    /// The last second of a day.
    pub fn end_of(&self, day: NaiveDate) -> DateTime<Utc> {
        let midnight = (day + Days::new(1)).and_hms_opt(0, 0, 0).unwrap();
        self.new_york.from_local_datetime(&midnight).unwrap().to_utc() - Duration::seconds(1)
    }

    /// The day on which so many days are over. The day of the event is day 0.
    pub fn count(&self, from: NaiveDate, n: u64, unit: Unit) -> NaiveDate {
        let mut day = from;
        if unit == Unit::BusinessDays {
            for _ in 0..n {
                day = day + Days::new(1);
                while !self.is_business_day(day) {
                    day = day + Days::new(1);
                }
            }
            return day;
        }
        day = day + Days::new(n);
        while !self.is_business_day(day) {
            day = if unit == Unit::Days { day + Days::new(1) } else { day - Days::new(1) };
        }
        day
    }
}
