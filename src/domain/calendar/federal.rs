//! What the law says of a day: weekends, the holidays of 5 U.S.C. 6103, Inauguration Day.

use std::borrow::Cow;

use chrono::{Datelike, NaiveDate, Weekday};

/// Names a day of the weekend.
pub(super) fn weekend(date: NaiveDate) -> Option<&'static str> {
    match date.weekday() {
        Weekday::Sat => Some("Saturday"),
        Weekday::Sun => Some("Sunday"),
        _ => None,
    }
}

/// Names the holiday for which offices close on the weekday `date`, on its own day or on the
/// day in its stead (5 U.S.C. 6103(b), Executive Order 11582).
///
/// It asks of a day what it is, rather than listing the holidays of its year: a New Year's Day
/// on a Saturday is kept in the year before, and the first and last year need no special case.
pub(super) fn holiday(date: NaiveDate) -> Option<Cow<'static, str>> {
    let kept_for = match date.weekday() {
        Weekday::Fri => date.succ_opt(),
        Weekday::Mon => date.pred_opt(),
        _ => None,
    };
    holiday_by_date(date).or_else(|| holiday_by_weekday(date)).map(Cow::Borrowed).or_else(|| {
        let name = kept_for.and_then(holiday_by_date)?;
        Some(Cow::Owned(format!("{name} (observed)")))
    })
}

/// The holidays of 5 U.S.C. 6103(a) that have a date, with the names that the Office of
/// Personnel Management uses.
fn holiday_by_date(date: NaiveDate) -> Option<&'static str> {
    match (date.month(), date.day()) {
        (1, 1) => Some("New Year's Day"),
        // Public Law 117-17, in force from 17 June 2021.
        (6, 19) if date.year() >= 2021 => Some("Juneteenth National Independence Day"),
        (7, 4) => Some("Independence Day"),
        (11, 11) => Some("Veterans Day"),
        (12, 25) => Some("Christmas Day"),
        _ => None,
    }
}

/// The holidays of 5 U.S.C. 6103(a) that have a weekday. Since they fall on Mondays and on a
/// Thursday, no other day is ever kept in their stead.
fn holiday_by_weekday(date: NaiveDate) -> Option<&'static str> {
    let which = date.day().div_ceil(7);
    match (date.month(), date.weekday(), which) {
        // Public Law 98-144, first kept on 20 January 1986.
        (1, Weekday::Mon, 3) if date.year() >= 1986 => Some("Birthday of Martin Luther King, Jr."),
        (2, Weekday::Mon, 3) => Some("Washington's Birthday"),
        // The last Monday of May, which has 31 days.
        (5, Weekday::Mon, _) if date.day() > 24 => Some("Memorial Day"),
        (9, Weekday::Mon, 1) => Some("Labor Day"),
        (10, Weekday::Mon, 2) => Some("Columbus Day"),
        (11, Weekday::Thu, 4) => Some("Thanksgiving Day"),
        _ => None,
    }
}

/// Whether a president is inaugurated on `date`, so that federal offices in and around Washington
/// are closed: 20 January after an election, or the Monday if that is a Sunday (5 U.S.C. 6103(c)).
/// A Saturday is kept on no other day.
pub(super) fn is_inauguration_day(date: NaiveDate) -> bool {
    let is_day = match date.day() {
        20 => date.weekday() != Weekday::Sun,
        21 => date.weekday() == Weekday::Mon,
        _ => false,
    };
    is_day && date.month() == 1 && date.year() > 1965 && date.year().rem_euclid(4) == 1
}
