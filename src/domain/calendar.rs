//! Federal business days, and how a promised date is computed.
//!
//! CBP promises answers in business days and defines the word itself: a weekday, Monday
//! through Friday, that is no national holiday (19 CFR 101.1). The holidays are the eleven of
//! 5 U.S.C. 6103(a), moved to Friday from a Saturday and to Monday from a Sunday (6103(b),
//! Executive Order 11582). They follow rules, so they are computed here for any year. The days
//! that a President closes by Executive Order follow none; those of the past are data
//! (`config/closures.toml`), and the user's configuration adds the next ones. State and local
//! holidays do not count, nor do half days, weather, or a lapse of funding.
//!
//! Counting follows federal practice: the day of the event is day 0, the next business day is
//! day 1 (29 CFR 1603.106(d) and 12 CFR 1254.3 say it in so many words). A span of calendar
//! days that would end on a day without business ends on the next business day. Every date is
//! given together with the days that were passed over and why, because a person who is told
//! that an answer is late wants to count along.
//!
//! The mail of CBP names no time zone. A calendar has one, by default the headquarters'
//! `America/New_York`, and turns instants into its civil days. All functions are total: they
//! answer for every date and instant that chrono can hold.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;

use chrono::{
    DateTime, Datelike, Days, MappedLocalTime, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone,
    Utc, Weekday,
};
use serde::Deserialize;

use super::span::{CountUnit, Span};
use super::zone::Zone;

/// A day on which the offices are closed although no rule says so, as the user knows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Closure {
    /// The civil day, in the calendar's zone.
    pub date: NaiveDate,
    /// Why, in the user's words; may be empty.
    pub because: String,
}

/// A day that is not a business day, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// The civil day.
    pub date: NaiveDate,
    /// `Saturday`, `Memorial Day`, `Independence Day (observed)`,
    /// `closed by Executive Order 14371`, `closed: ` and the user's reason.
    pub because: String,
}

/// A computed date and the way to it.
///
/// From `from` to `result` it is the span's days and the skipped ones together:
/// `result - from == span.n + skipped.len()`. The exception is a count that was given up, see
/// [`Calendar::count`].
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Counted {
    /// The day of the event, day 0.
    pub from: NaiveDate,
    /// What was counted.
    pub span: Span,
    /// The last day of the span.
    pub result: NaiveDate,
    /// The days that did not count, in order. For calendar days these are only the days at the
    /// end over which the result was moved forward.
    pub skipped: Vec<Skipped>,
}

/// Which days are business days, and when a day begins and ends.
///
/// Inauguration Day (20 January after an election; 5 U.S.C. 6103(c)) is not in it: it is a
/// holiday only for those who work in the District of Columbia and six counties and cities
/// around it, not a national one, and nobody outside knows where CBP's ACE desks sit. Counting
/// it as a business day makes a promise end a day early at worst, every fourth year; who knows
/// better adds the day as a closure.
///
/// Years before a holiday had its present rule (the Monday holidays of 1971, Veterans Day
/// in the 1970s) are computed by today's rule, except that Martin Luther King's birthday
/// begins in 1986 and Juneteenth in 2021. ACE is younger than all the others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Calendar {
    zone: Zone,
    /// Date and the phrase that says why it is closed.
    closures: BTreeMap<NaiveDate, String>,
    cut_off: Option<NaiveTime>,
}

impl Calendar {
    /// Most days that one count or one list of holidays looks at: a century.
    ///
    /// Nothing real comes near it. It keeps an absurd span, or a configuration that closes
    /// every day, from running through the quarter of a million years that a date can hold.
    pub const LONGEST_WALK: usize = 36_525;

    /// Makes the calendar from the holidays, the built-in closures and `closures`, which win
    /// where both name a day.
    ///
    /// From `cut_off` on, a mail counts as the next civil day's; without one the day ends at
    /// midnight. CBP is not known to have such an hour, but 31 CFR 802.201 shows that federal
    /// offices do: 5 p.m. Eastern.
    pub fn new(zone: Zone, closures: Vec<Closure>, cut_off: Option<NaiveTime>) -> Self {
        let mut all = built_in_closures();
        for Closure { date, because } in closures {
            let phrase = match because.trim() {
                "" => "closed by the configuration".to_owned(),
                because => format!("closed: {because}"),
            };
            all.insert(date, phrase);
        }
        Self { zone, closures: all, cut_off }
    }

    /// Makes a calendar that knows weekends and holidays only, without any closure or cut-off.
    pub fn without_closures(zone: Zone) -> Self {
        Self { zone, closures: BTreeMap::new(), cut_off: None }
    }

    /// The zone whose civil days are counted.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Gives the civil day to which something received at `at` belongs: the day in the zone,
    /// or the next one at or after the cut-off hour. It need not be a business day.
    pub fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        let utc = at.naive_utc();
        let offset = self.zone.offset_from_utc_datetime(&utc).fix();
        // At either end of time the local time may not exist; the UTC date is then near enough.
        let local = utc.checked_add_offset(offset).unwrap_or(utc);
        match self.cut_off {
            Some(hour) if local.time() >= hour => next_day(local.date()),
            _ => local.date(),
        }
    }

    /// Says why `date` is not a business day, or `None` if it is one.
    ///
    /// A weekend day is `Saturday` or `Sunday` whatever else it may be, since that alone keeps
    /// it from being a business day. A holiday is named before a closure on the same day.
    pub fn why_closed(&self, date: NaiveDate) -> Option<String> {
        self.reason(date).map(Cow::into_owned)
    }

    /// Says whether `date` is a business day.
    pub fn is_business_day(&self, date: NaiveDate) -> bool {
        self.reason(date).is_none()
    }

    /// Computes the day on which `span` ends if it begins with an event on `from`.
    ///
    /// The day of the event is day 0. Business days give the nth business day after it;
    /// calendar days give the nth day after it, or the next business day if that is none. A
    /// span of no days ends on the day of the event or on the next business day.
    ///
    /// The result is a business day, and a later event or a longer span never gives an earlier
    /// one. The exception: where it is not found within [`Self::LONGEST_WALK`] days or before
    /// the last date there is, the result is the last day looked at, and the last entry of
    /// `skipped` is that day with the remark that the count was given up.
    pub fn count(&self, from: NaiveDate, span: Span) -> Counted {
        // All three cases are one: the nth business day at or after a first day.
        let (first, nth) = match span.unit {
            CountUnit::Business if span.n > 0 => (next_day(from), span.n),
            CountUnit::Business => (from, 1),
            CountUnit::Calendar => (days_after(from, span.n), 1),
            // The clock says when hours are over; the day is the earliest that it can be.
            CountUnit::Hours => {
                let result = days_after(from, span.n / 24);
                return Counted { from, span, result, skipped: Vec::new() };
            }
        };
        let mut skipped = Vec::new();
        let mut found = 0;
        let mut result = first;
        for date in days_from(first) {
            result = date;
            match self.reason(date) {
                Some(because) => skipped.push(Skipped { date, because: because.into_owned() }),
                None => found += 1,
            }
            if found == nth {
                return Counted { from, span, result, skipped };
            }
        }
        let because = format!("given up here, {found} of {nth} business days found");
        skipped.push(Skipped { date: result, because });
        Counted { from, span, result, skipped }
    }

    /// Like [`Self::count`], for a day on which something is lost: one without business moves it to
    /// the business day before, but never before `from`. Business days never end on such a day.
    pub fn count_before_loss(&self, from: NaiveDate, span: Span) -> Counted {
        if span.unit != CountUnit::Calendar {
            return self.count(from, span);
        }
        let last = days_after(from, span.n);
        let days = iter::successors(Some(last), NaiveDate::pred_opt).take_while(|day| from <= *day);
        let mut skipped = Vec::new();
        let mut result = last;
        for day in days.take(Self::LONGEST_WALK) {
            result = day;
            match self.reason(day) {
                Some(because) => skipped.push(Skipped { date: day, because: because.into_owned() }),
                None => break,
            }
        }
        skipped.reverse();
        Counted { from, span, result, skipped }
    }

    /// Gives the last second of `date` in the zone, 23:59:59: the instant after which
    /// something due on that day is late.
    ///
    /// If the zone's clock shows it twice, it is the second time; if the clock skips it, the
    /// last second before the skip. A whole day that a zone skipped (30 December 2011 in
    /// Samoa) therefore ends where the day before it does.
    pub fn last_instant_of(&self, date: NaiveDate) -> DateTime<Utc> {
        let last_second = date.and_hms_opt(23, 59, 59).unwrap_or(date.and_time(NaiveTime::MIN));
        match self.zone.from_local_datetime(&last_second) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(_, at) => at.to_utc(),
            MappedLocalTime::None => {
                let after = self.first_instant_at_or_after(last_second.and_utc().timestamp());
                after.checked_sub_signed(TimeDelta::seconds(1)).unwrap_or(after)
            }
        }
    }

    /// Gives the first instant of `date` in the zone: midnight, the first of two midnights, or
    /// the end of the skip where the zone has no midnight on that day.
    pub fn start_of(&self, date: NaiveDate) -> DateTime<Utc> {
        let midnight = date.and_time(NaiveTime::MIN);
        match self.zone.from_local_datetime(&midnight) {
            MappedLocalTime::Single(at) | MappedLocalTime::Ambiguous(at, _) => at.to_utc(),
            MappedLocalTime::None => self.first_instant_at_or_after(midnight.and_utc().timestamp()),
        }
    }

    /// Lists the holidays and closures from `from` to `to`, both included, in order, at most
    /// over the first [`Self::LONGEST_WALK`] days. Only weekdays are listed: on a weekend
    /// neither changes anything.
    pub fn holidays(&self, from: NaiveDate, to: NaiveDate) -> Vec<Skipped> {
        days_from(from)
            .take_while(|date| *date <= to)
            .filter(|date| weekend(*date).is_none())
            .filter_map(|date| {
                let because = self.why_closed(date)?;
                Some(Skipped { date, because })
            })
            .collect()
    }

    /// Like [`Self::why_closed`], without a copy of the phrase: counting asks for many days.
    fn reason(&self, date: NaiveDate) -> Option<Cow<'_, str>> {
        weekend(date)
            .map(Cow::Borrowed)
            .or_else(|| holiday(date))
            .or_else(|| self.closures.get(&date).map(|phrase| Cow::Borrowed(phrase.as_str())))
    }

    /// Finds the instant at which the zone's clock passes a local time that it never shows.
    /// `local` is that time as seconds since 1970 began on the clock.
    fn first_instant_at_or_after(&self, local: i64) -> DateTime<Utc> {
        // No offset is as large as a day, so the clock is before `local` at `low` and past it
        // at `high`. Halving keeps both true until they are neighbours, even if the offset
        // changes more than once in between.
        let mut low = local.saturating_sub(SECONDS_PER_DAY);
        let mut high = local.saturating_add(SECONDS_PER_DAY);
        while high - low > 1 {
            let middle = low.midpoint(high);
            if self.clock_at(middle) < local {
                low = middle;
            } else {
                high = middle;
            }
        }
        instant(high)
    }

    /// What the zone's clock shows at `at`, both as seconds since 1970 began.
    fn clock_at(&self, at: i64) -> i64 {
        let utc = instant(at).naive_utc();
        let offset = self.zone.offset_from_utc_datetime(&utc).fix();
        at.saturating_add(i64::from(offset.local_minus_utc()))
    }
}

const SECONDS_PER_DAY: i64 = 86_400;

/// The shape of `config/closures.toml`; the file explains its keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosureFile {
    closure: Vec<ClosureEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClosureEntry {
    by: String,
    dates: Vec<NaiveDate>,
}

fn built_in_closures() -> BTreeMap<NaiveDate, String> {
    #[expect(clippy::expect_used, reason = "the file is part of the program and a test parses it")]
    let file: ClosureFile = toml::from_str(include_str!("../../config/closures.toml"))
        .expect("the built-in closures are well-formed");
    let mut closures = BTreeMap::new();
    for ClosureEntry { by, dates } in file.closure {
        for date in dates {
            closures.insert(date, format!("closed by {by}"));
        }
    }
    closures
}

fn weekend(date: NaiveDate) -> Option<&'static str> {
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
fn holiday(date: NaiveDate) -> Option<Cow<'static, str>> {
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

/// The `n`th day after `from`, or the last date there is.
fn days_after(from: NaiveDate, n: u32) -> NaiveDate {
    from.checked_add_days(Days::new(u64::from(n))).unwrap_or(NaiveDate::MAX)
}

/// The day after `date`; the last date there is follows itself.
fn next_day(date: NaiveDate) -> NaiveDate {
    date.succ_opt().unwrap_or(date)
}

/// `first` and the days after it, as far as one walk may go.
fn days_from(first: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    iter::successors(Some(first), NaiveDate::succ_opt).take(Calendar::LONGEST_WALK)
}

/// The instant `seconds` after 1970 began, or the first or last one that there is.
fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(if seconds < 0 {
        DateTime::<Utc>::MIN_UTC
    } else {
        DateTime::<Utc>::MAX_UTC
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What an independent implementation says; see `scripts/make-calendar-golden`.
    const GOLDEN: &str = include_str!("../../tests/data/federal-calendar.txt");

    fn date(written: &str) -> NaiveDate {
        written.parse().unwrap()
    }

    fn at(written: &str) -> DateTime<Utc> {
        written.parse().unwrap()
    }

    fn span(written: &str) -> Span {
        written.parse().unwrap()
    }

    fn federal() -> Calendar {
        Calendar::new(Zone::new_york(), Vec::new(), None)
    }

    fn with_cut_off(hour: u32) -> Calendar {
        Calendar::new(Zone::new_york(), Vec::new(), NaiveTime::from_hms_opt(hour, 0, 0))
    }

    fn closing(closures: &[(&str, &str)]) -> Calendar {
        let closures = closures
            .iter()
            .map(|(day, because)| Closure { date: date(day), because: (*because).to_owned() })
            .collect();
        Calendar::new(Zone::new_york(), closures, None)
    }

    #[track_caller]
    fn check(calendar: &Calendar, from: &str, written: &str, expected: &str) {
        let counted = calendar.count(date(from), span(written));
        assert_eq!(counted.result, date(expected), "{written} from {from}: {counted:?}");
    }

    fn lines(skipped: &[Skipped]) -> Vec<String> {
        skipped.iter().map(|day| format!("{} {}", day.date, day.because)).collect()
    }

    /// The words of each line that holds any, `N` of them.
    fn rows<const N: usize>(table: &str) -> Vec<[&str; N]> {
        let lines = table.lines().filter(|line| !line.trim().is_empty());
        let words = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
        words.map(|row| row.try_into().unwrap()).collect()
    }

    #[test]
    fn every_day_from_2018_to_2044_agrees_with_the_golden_file() {
        let golden: BTreeMap<NaiveDate, &str> = GOLDEN
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_once(' ').unwrap())
            .map(|(day, name)| (date(day), name))
            .collect();
        assert_eq!(golden.len(), 302);

        let calendar = federal();
        let bare = Calendar::without_closures(Zone::new_york());
        for day in days_from(date("2018-01-01")).take_while(|day| *day <= date("2044-12-31")) {
            let ours = calendar.why_closed(day);
            assert_eq!(calendar.is_business_day(day), ours.is_none(), "{day}");
            match (golden.get(&day), ours.as_deref()) {
                (None, None) => {}
                (None, Some("Saturday")) => assert_eq!(day.weekday(), Weekday::Sat, "{day}"),
                (None, Some("Sunday")) => assert_eq!(day.weekday(), Weekday::Sun, "{day}"),
                // The golden file names the occasion, the calendar the order.
                (Some(name), Some(ours)) if name.starts_with("closed: ") => {
                    assert!(ours.starts_with("closed by Executive Order 1"), "{day}: {ours}");
                    assert!(bare.is_business_day(day), "{day} is closed by rule");
                }
                (name, ours) => assert_eq!(ours, name.copied(), "{day}"),
            }
        }
    }

    #[test]
    fn the_list_of_holidays_is_the_golden_file_without_weekends() {
        let ours = federal().holidays(date("2018-01-01"), date("2044-12-31"));
        let golden = GOLDEN.lines().filter(|line| !line.starts_with('#'));
        let golden: Vec<NaiveDate> = golden.map(|line| date(line.split_at(10).0)).collect();
        assert_eq!(ours.iter().map(|day| day.date).collect::<Vec<_>>(), golden);

        let christmas = federal().holidays(date("2025-12-24"), date("2025-12-26"));
        assert_eq!(
            lines(&christmas),
            [
                "2025-12-24 closed by Executive Order 14371",
                "2025-12-25 Christmas Day",
                "2025-12-26 closed by Executive Order 14371",
            ]
        );
        assert_eq!(federal().holidays(date("2025-12-26"), date("2025-12-24")), []);
    }

    #[test]
    fn the_built_in_closures_are_distinct_weekdays_that_no_holiday_explains() {
        let file: ClosureFile = toml::from_str(include_str!("../../config/closures.toml")).unwrap();
        let dates: Vec<NaiveDate> =
            file.closure.into_iter().flat_map(|entry| entry.dates).collect();
        assert_eq!(dates.len(), 16);
        assert!(dates.is_sorted_by(|a, b| a < b), "in order, each once: {dates:?}");
        let bare = Calendar::without_closures(Zone::new_york());
        for day in dates {
            assert_eq!(bare.why_closed(day), None, "{day}");
        }
    }

    #[test]
    fn receipts_around_every_kind_of_holiday_end_where_they_should() {
        // Receipt; 3bd and 5bd by rule alone; 3bd and 5bd with closures; 14d as it falls and
        // as it is moved; 10bd with closures.
        let table = "
            2026-04-30 2026-05-05 2026-05-07 2026-05-05 2026-05-07 2026-05-14 2026-05-14 2026-05-14
            2026-05-01 2026-05-06 2026-05-08 2026-05-06 2026-05-08 2026-05-15 2026-05-15 2026-05-15
            2026-05-02 2026-05-06 2026-05-08 2026-05-06 2026-05-08 2026-05-16 2026-05-18 2026-05-15
            2026-05-21 2026-05-27 2026-05-29 2026-05-27 2026-05-29 2026-06-04 2026-06-04 2026-06-05
            2026-06-16 2026-06-22 2026-06-24 2026-06-22 2026-06-24 2026-06-30 2026-06-30 2026-07-01
            2026-06-30 2026-07-06 2026-07-08 2026-07-06 2026-07-08 2026-07-14 2026-07-14 2026-07-15
            2026-11-20 2026-11-25 2026-11-30 2026-11-25 2026-11-30 2026-12-04 2026-12-04 2026-12-07
            2025-12-19 2025-12-24 2025-12-29 2025-12-29 2025-12-31 2026-01-02 2026-01-02 2026-01-08
            2024-12-20 2024-12-26 2024-12-30 2024-12-27 2024-12-31 2025-01-03 2025-01-03 2025-01-08
            2025-01-06 2025-01-09 2025-01-13 2025-01-10 2025-01-14 2025-01-20 2025-01-21 2025-01-22
            2027-12-20 2027-12-23 2027-12-28 2027-12-23 2027-12-28 2028-01-03 2028-01-03 2028-01-05
            2027-12-29 2028-01-04 2028-01-06 2028-01-04 2028-01-06 2028-01-12 2028-01-12 2028-01-13
            2026-12-21 2026-12-24 2026-12-29 2026-12-24 2026-12-29 2027-01-04 2027-01-04 2027-01-06
            2025-01-17 2025-01-23 2025-01-27 2025-01-23 2025-01-27 2025-01-31 2025-01-31 2025-02-03
            2029-01-17 2029-01-22 2029-01-24 2029-01-22 2029-01-24 2029-01-31 2029-01-31 2029-01-31
        ";
        let bare = Calendar::without_closures(Zone::new_york());
        let all = federal();
        let rows: Vec<[&str; 8]> = rows(table);
        assert_eq!(rows.len(), 15);
        for [from, bare3, bare5, all3, all5, falls, moved, all10] in rows {
            check(&bare, from, "3bd", bare3);
            check(&bare, from, "5bd", bare5);
            check(&all, from, "3bd", all3);
            check(&all, from, "5bd", all5);
            check(&all, from, "14d", moved);
            check(&all, from, "10bd", all10);
            let rolled = all.count(date(from), span("14d"));
            let as_it_falls = rolled.skipped.first().map_or(rolled.result, |day| day.date);
            assert_eq!(as_it_falls, date(falls), "14d from {from}: {rolled:?}");
        }
    }

    #[test]
    fn a_count_names_each_day_that_it_passes_over() {
        let cases: &[(&str, &str, &[&str])] = &[
            (
                "2026-05-21",
                "3bd",
                &["2026-05-23 Saturday", "2026-05-24 Sunday", "2026-05-25 Memorial Day"],
            ),
            (
                // A holiday on a Saturday is named on the day in its stead.
                "2026-07-01",
                "2bd",
                &[
                    "2026-07-03 Independence Day (observed)",
                    "2026-07-04 Saturday",
                    "2026-07-05 Sunday",
                ],
            ),
            (
                "2025-12-23",
                "1bd",
                &[
                    "2025-12-24 closed by Executive Order 14371",
                    "2025-12-25 Christmas Day",
                    "2025-12-26 closed by Executive Order 14371",
                    "2025-12-27 Saturday",
                    "2025-12-28 Sunday",
                ],
            ),
            (
                "2027-12-30",
                "1bd",
                &[
                    "2027-12-31 New Year's Day (observed)",
                    "2028-01-01 Saturday",
                    "2028-01-02 Sunday",
                ],
            ),
            // Of calendar days only those at the end are passed over.
            ("2025-01-06", "14d", &["2025-01-20 Birthday of Martin Luther King, Jr."]),
            ("2026-05-02", "14d", &["2026-05-16 Saturday", "2026-05-17 Sunday"]),
            ("2026-05-04", "14d", &[]),
        ];
        for (from, written, expected) in cases {
            let counted = federal().count(date(from), span(written));
            assert_eq!(lines(&counted.skipped), *expected, "{written} from {from}");
        }
    }

    #[test]
    fn a_receipt_on_a_holiday_counts_from_the_next_business_day() {
        check(&federal(), "2026-05-25", "1bd", "2026-05-26");
        check(&federal(), "2026-12-25", "3bd", "2026-12-30");
        check(&federal(), "2025-12-24", "1bd", "2025-12-29");
    }

    #[test]
    fn a_span_of_no_days_ends_on_the_same_or_the_next_business_day() {
        for written in ["0bd", "0d"] {
            check(&federal(), "2026-05-21", written, "2026-05-21");
            check(&federal(), "2026-05-23", written, "2026-05-26");
        }
    }

    #[test]
    fn a_weekend_is_never_named_as_the_holiday_that_falls_on_it() {
        for (day, expected) in [
            ("2026-07-04", Some("Saturday")),
            ("2027-07-04", Some("Sunday")),
            ("2027-07-05", Some("Independence Day (observed)")),
            ("2020-06-19", None),
            ("2021-06-18", Some("Juneteenth National Independence Day (observed)")),
            ("1985-01-21", None),
            ("1986-01-20", Some("Birthday of Martin Luther King, Jr.")),
            // Inauguration Day is none here, nor are the half days.
            ("2021-01-20", None),
            ("2015-12-24", None),
        ] {
            assert_eq!(federal().why_closed(date(day)).as_deref(), expected, "{day}");
        }
    }

    #[test]
    fn the_users_closures_are_added_with_their_reason() {
        let calendar = closing(&[
            ("2026-12-24", "Executive Order of 17 December"),
            ("2026-12-28", "  "),
            ("2025-12-26", "so says the user"),
            ("2026-12-25", "a holiday anyway"),
            ("2026-12-26", "a Saturday anyway"),
        ]);
        for (day, expected) in [
            ("2026-12-24", "closed: Executive Order of 17 December"),
            ("2026-12-25", "Christmas Day"),
            ("2026-12-26", "Saturday"),
            ("2026-12-28", "closed by the configuration"),
            ("2025-12-26", "closed: so says the user"),
            ("2025-12-24", "closed by Executive Order 14371"),
        ] {
            assert_eq!(calendar.why_closed(date(day)).as_deref(), Some(expected), "{day}");
        }
        check(&calendar, "2026-12-23", "1bd", "2026-12-29");
        let listed = calendar.holidays(date("2026-12-24"), date("2026-12-28"));
        assert_eq!(listed.len(), 3, "{listed:?}");
    }

    #[test]
    fn a_mail_belongs_to_the_civil_day_of_the_zone_until_the_cut_off() {
        let cases = [
            // Friday 23:30 and Saturday 00:30 in New York; both are Saturday in UTC.
            ("2026-05-02T03:30:00Z", "2026-05-01", "2026-05-02"),
            ("2026-05-02T04:30:00Z", "2026-05-02", "2026-05-02"),
            // Monday 02:00 UTC is Sunday evening.
            ("2026-05-04T02:00:00Z", "2026-05-03", "2026-05-04"),
            // The cut-off hour itself is too late, the second before it is not.
            ("2026-04-30T20:59:59Z", "2026-04-30", "2026-04-30"),
            ("2026-04-30T21:00:00Z", "2026-04-30", "2026-05-01"),
            // Either side of the change to summer time: 5 p.m. is 22:00 UTC, then 21:00.
            ("2026-03-07T21:30:00Z", "2026-03-07", "2026-03-07"),
            ("2026-03-08T21:30:00Z", "2026-03-08", "2026-03-09"),
            ("2026-03-08T04:59:59Z", "2026-03-07", "2026-03-08"),
            ("2026-03-09T03:59:59Z", "2026-03-08", "2026-03-09"),
            // And of the change back.
            ("2026-11-01T03:59:59Z", "2026-10-31", "2026-11-01"),
            ("2026-11-01T21:30:00Z", "2026-11-01", "2026-11-01"),
            ("2026-11-02T04:59:59Z", "2026-11-01", "2026-11-02"),
            // Onto the next year.
            ("2026-12-31T22:00:00Z", "2026-12-31", "2027-01-01"),
        ];
        for (received, expected, with_five_p_m) in cases {
            assert_eq!(federal().day_of(at(received)), date(expected), "{received}");
            let day = with_cut_off(17).day_of(at(received));
            assert_eq!(day, date(with_five_p_m), "{received} with a cut-off");
        }
        assert_eq!(with_cut_off(0).day_of(at("2026-04-30T04:00:00Z")), date("2026-05-01"));
    }

    #[test]
    fn friday_night_and_early_saturday_end_alike_and_a_cut_off_costs_a_working_day() {
        let friday = federal().day_of(at("2026-05-02T03:30:00Z"));
        let saturday = federal().day_of(at("2026-05-02T04:30:00Z"));
        let three = span("3bd");
        assert_eq!(federal().count(friday, three).result, date("2026-05-06"));
        assert_eq!(federal().count(saturday, three).result, date("2026-05-06"));
        let late = at("2026-04-30T21:30:00Z");
        let five = with_cut_off(17);
        assert_eq!(federal().count(federal().day_of(late), three).result, date("2026-05-05"));
        assert_eq!(five.count(five.day_of(late), three).result, date("2026-05-06"));
    }

    #[test]
    fn a_day_begins_and_ends_by_the_clock_of_its_zone() {
        // New York: a plain day, one of 23 hours, one of 25. São Paulo: from 23:59:59 to 01:00,
        // so that there is no midnight; from 23:59:59 back to 23:00, so that the last hour comes
        // twice. St. John's: from 00:00:59 back to 23:01, so that midnight comes twice.
        // Toronto: from 23:29:59 to 00:30, so that one day lacks its last second and the next
        // its first. Samoa: no 30 December 2011.
        let table = "
            America/New_York   2026-05-07  2026-05-07T04:00:00Z  2026-05-08T03:59:59Z
            America/New_York   2026-03-08  2026-03-08T05:00:00Z  2026-03-09T03:59:59Z
            America/New_York   2026-11-01  2026-11-01T04:00:00Z  2026-11-02T04:59:59Z
            America/Sao_Paulo  2018-11-03  2018-11-03T03:00:00Z  2018-11-04T02:59:59Z
            America/Sao_Paulo  2018-11-04  2018-11-04T03:00:00Z  2018-11-05T01:59:59Z
            America/Sao_Paulo  2018-02-17  2018-02-17T02:00:00Z  2018-02-18T02:59:59Z
            America/St_Johns   2010-11-06  2010-11-06T02:30:00Z  2010-11-07T03:29:59Z
            America/St_Johns   2010-11-07  2010-11-07T02:30:00Z  2010-11-08T03:29:59Z
            America/Toronto    1919-03-30  1919-03-30T05:00:00Z  1919-03-31T04:29:59Z
            America/Toronto    1919-03-31  1919-03-31T04:30:00Z  1919-04-01T03:59:59Z
            Pacific/Apia       2011-12-29  2011-12-29T10:00:00Z  2011-12-30T09:59:59Z
            Pacific/Apia       2011-12-30  2011-12-30T10:00:00Z  2011-12-30T09:59:59Z
            Pacific/Apia       2011-12-31  2011-12-30T10:00:00Z  2011-12-31T09:59:59Z
        ";
        for [zone, day, begins, ends] in rows(table) {
            let calendar = Calendar::without_closures(Zone::named(zone).unwrap());
            assert_eq!(calendar.start_of(date(day)), at(begins), "start of {day} in {zone}");
            assert_eq!(calendar.last_instant_of(date(day)), at(ends), "end of {day} in {zone}");
        }
    }

    #[test]
    fn the_ends_of_time_are_answered_too() {
        for zone in ["Pacific/Apia", "Pacific/Kiritimati", "America/New_York", "UTC"] {
            let calendar = Calendar::new(
                Zone::named(zone).unwrap(),
                Vec::new(),
                NaiveTime::from_hms_opt(0, 0, 0),
            );
            for day in [NaiveDate::MIN, NaiveDate::MAX] {
                assert!(calendar.start_of(day) <= calendar.last_instant_of(day), "{zone} {day}");
                for unit in [CountUnit::Business, CountUnit::Calendar] {
                    let counted = calendar.count(day, Span { n: u32::MAX, unit });
                    assert!(counted.result >= day, "{counted:?}");
                }
            }
            for instant in [DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC] {
                let day = calendar.day_of(instant);
                assert!((day.year() - instant.year()).abs() <= 1, "{day} of {instant}");
            }
            calendar.holidays(NaiveDate::MIN, NaiveDate::MAX);
        }
    }

    #[test]
    fn a_calendar_that_never_opens_gives_up_and_says_so() {
        let from = date("2026-01-01");
        let closed = |date| Closure { date, because: String::new() };
        let always = iter::successors(Some(from), NaiveDate::succ_opt)
            .take(Calendar::LONGEST_WALK + 30)
            .map(closed)
            .collect();
        let calendar = Calendar::new(Zone::new_york(), always, None);
        for written in ["3bd", "14d"] {
            let counted = calendar.count(date("2025-12-31"), span(written));
            let last = counted.skipped.last().unwrap();
            assert_eq!(last.date, counted.result);
            assert!(last.because.starts_with("given up here, "), "{last:?}");
        }
        // Thousands of closed days alone are no reason to give up.
        let some = days_from(from).take(9_000).map(closed).collect();
        let counted = Calendar::new(Zone::new_york(), some, None).count(from, span("3bd"));
        assert_eq!(counted.result, date("2050-08-25"));
    }

    fn any_unit() -> impl Strategy<Value = CountUnit> {
        prop_oneof![Just(CountUnit::Business), Just(CountUnit::Calendar)]
    }

    fn day_between(first: &str, last: &str) -> impl Strategy<Value = NaiveDate> {
        let days = date(first).num_days_from_ce()..=date(last).num_days_from_ce();
        days.prop_map(|day| NaiveDate::from_num_days_from_ce_opt(day).unwrap())
    }

    /// Calendars with closures of their own among the days that the properties use.
    fn any_calendar() -> impl Strategy<Value = Calendar> {
        proptest::collection::vec(day_between("1999-01-01", "2061-01-01"), 0..50).prop_map(|days| {
            let closures = days.into_iter().map(|date| Closure { date, because: String::new() });
            Calendar::new(Zone::new_york(), closures.collect(), None)
        })
    }

    proptest! {
        #[test]
        fn counted_and_skipped_days_add_up_to_a_business_day(
            calendar in any_calendar(), from in day_between("2000-01-01", "2050-01-01"),
            n in 0..=Span::LONGEST, unit in any_unit(),
        ) {
            let counted = calendar.count(from, Span { n, unit });
            prop_assert!(calendar.is_business_day(counted.result));
            let passed = (counted.result - from).num_days();
            prop_assert_eq!(passed, i64::from(n) + counted.skipped.len() as i64);
            for day in &counted.skipped {
                prop_assert!(from <= day.date && day.date < counted.result);
                prop_assert_eq!(calendar.why_closed(day.date), Some(day.because.clone()));
            }
            prop_assert!(counted.skipped.is_sorted_by(|a, b| a.date < b.date));
        }

        #[test]
        fn a_later_event_or_a_longer_span_never_ends_earlier(
            calendar in any_calendar(), from in day_between("2000-01-01", "2050-01-01"),
            later in 0u64..400, n in 0..500u32, longer in 0..400u32, unit in any_unit(),
        ) {
            let result = |from, n| calendar.count(from, Span { n, unit }).result;
            prop_assert!(result(from, n) <= result(from + Days::new(later), n));
            prop_assert!(result(from, n) <= result(from, n + longer));
            if unit == CountUnit::Business && n > 0 && longer > 0 {
                prop_assert!(result(from, n) < result(from, n + longer));
            }
        }

        #[test]
        fn business_days_can_be_counted_in_two_steps(
            calendar in any_calendar(), from in day_between("2000-01-01", "2050-01-01"),
            first in 1..200u32, second in 1..200u32,
        ) {
            let unit = CountUnit::Business;
            let result = |from, n| calendar.count(from, Span { n, unit }).result;
            prop_assert_eq!(result(result(from, first), second), result(from, first + second));
        }

        #[test]
        fn every_instant_lies_within_its_day_in_every_zone(
            zone in proptest::sample::select(Zone::names().collect::<Vec<_>>()), seconds in 0i64..4_102_444_800,
        ) {
            let calendar = Calendar::without_closures(Zone::named(zone).unwrap());
            let at = DateTime::from_timestamp(seconds, 0).unwrap();
            let day = calendar.day_of(at);
            prop_assert!(calendar.start_of(day) <= at, "{} in {}", at, zone);
            prop_assert!(at <= calendar.last_instant_of(day), "{} in {}", at, zone);
        }

        #[test]
        fn days_end_in_order_in_every_zone(
            zone in proptest::sample::select(Zone::names().collect::<Vec<_>>()),
            day in day_between("1840-01-01", "2100-01-01"),
        ) {
            let calendar = Calendar::without_closures(Zone::named(zone).unwrap());
            let next = next_day(day);
            prop_assert!(calendar.start_of(day) <= calendar.start_of(next));
            prop_assert!(calendar.last_instant_of(day) <= calendar.last_instant_of(next));
            let second = TimeDelta::seconds(1);
            prop_assert!(calendar.start_of(next) <= calendar.last_instant_of(day) + second);
        }

        #[test]
        fn no_date_span_or_instant_is_too_odd(
            days in NaiveDate::MIN.num_days_from_ce()..=NaiveDate::MAX.num_days_from_ce(),
            seconds in DateTime::<Utc>::MIN_UTC.timestamp()..=DateTime::<Utc>::MAX_UTC.timestamp(),
            n in any::<u32>(), unit in any_unit(),
            zone in proptest::sample::select(Zone::names().collect::<Vec<_>>()),
        ) {
            let calendar = Calendar::new(Zone::named(zone).unwrap(), Vec::new(), NaiveTime::from_hms_opt(17, 0, 0));
            let day = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let counted = calendar.count(day, Span { n, unit });
            prop_assert!(counted.result >= day);
            prop_assert!(calendar.start_of(day) < calendar.last_instant_of(day));
            calendar.day_of(DateTime::from_timestamp(seconds, 0).unwrap());
        }
    }
}
