//! Federal business days, and how a promised date is computed.
//!
//! CBP promises answers in business days and defines the word itself: a weekday, Monday
//! through Friday, that is no national holiday (19 CFR 101.1). The holidays are the eleven of
//! 5 U.S.C. 6103(a), moved to Friday from a Saturday and to Monday from a Sunday (6103(b),
//! Executive Order 11582). They follow rules, so they are computed here for any year. The days
//! that a President closes by Executive Order follow none; those of the past are data
//! (`config/closures.toml`), and the user's configuration adds the next ones; until somebody knows
//! them, the calendar says which dates they may move. State and local holidays do not count, nor
//! do weather or a lapse of funding; half days and Inauguration Day do where the user says so.
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

mod built_in;
mod caveat;
mod federal;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter;

use chrono::{
    DateTime, Days, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta,
    TimeZone, Utc,
};

use built_in::{BuiltIn, built_in};
pub use caveat::{Caveats, NotKnown};
use federal::{holiday, is_inauguration_day, weekend};

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

/// Whether a day on which the offices close at noon is a business day.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum HalfDays {
    /// It is: the offices have worked on it, and 19 CFR 101.1 leaves out whole days only.
    #[default]
    Open,
    /// It is not.
    Closed,
}

/// What the user may decide about a calendar, where law and custom leave it open.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Choices {
    /// Whether half days count.
    pub half_days: HalfDays,
    /// Whether Inauguration Day is closed. By default it is not: it is a holiday only for those
    /// who work in the District of Columbia and six counties and cities around it (5 U.S.C.
    /// 6103(c)), and nobody outside knows where CBP's ACE desks sit. Counting it makes a promise
    /// end a day early at worst, every fourth year.
    pub inauguration_day: bool,
    /// Up to when the user has looked for closures by Executive Order, if later than the built-in
    /// list.
    pub known_until: Option<NaiveDate>,
}

/// All that decides what a calendar answers, so that it can be kept and made again: the dates of an
/// open window are compared under the calendar they were computed with and the one in force.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inputs {
    /// The zone.
    pub zone: Zone,
    /// The hour from which a mail is the next day's.
    pub cut_off: Option<NaiveTime>,
    /// Whether Inauguration Day is closed.
    pub inauguration_day: bool,
    /// The closed days that no rule names, and the phrase that says why.
    pub closures: BTreeMap<NaiveDate, String>,
}

/// Which days are business days, and when a day begins and ends.
///
/// Years before a holiday had its present rule (the Monday holidays of 1971, Veterans Day
/// in the 1970s) are computed by today's rule, except that Martin Luther King's birthday
/// begins in 1986 and Juneteenth in 2021. ACE is younger than all the others.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Calendar {
    inputs: Inputs,
    /// Half days that count as business days.
    half_days: BTreeMap<NaiveDate, String>,
    /// After this nobody knows what an Executive Order will close.
    known_until: NaiveDate,
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
        let BuiltIn { closures: mut all, half_days, known_until } = built_in();
        for Closure { date, because } in closures {
            let phrase = match because.trim() {
                "" => "closed by the configuration".to_owned(),
                because => format!("closed: {because}"),
            };
            all.insert(date, phrase);
        }
        let inputs = Inputs { zone, cut_off, inauguration_day: false, closures: all };
        Self { inputs, half_days, known_until }
    }

    /// Makes the calendar follow what the user decided.
    #[must_use]
    pub fn deciding(mut self, choices: Choices) -> Self {
        self.inputs.inauguration_day = choices.inauguration_day;
        if choices.half_days == HalfDays::Closed {
            for (date, phrase) in std::mem::take(&mut self.half_days) {
                let phrase = format!("{phrase} (by your configuration)");
                self.inputs.closures.entry(date).or_insert(phrase);
            }
        }
        self.known_until = self.known_until.max(choices.known_until.unwrap_or(NaiveDate::MIN));
        self
    }

    /// Makes a calendar that knows weekends and holidays only, without any closure or cut-off.
    pub fn without_closures(zone: Zone) -> Self {
        let closures = BTreeMap::new();
        Self::of(Inputs { zone, cut_off: None, inauguration_day: false, closures })
    }

    /// Makes a calendar anew from what was kept of it. It computes the same dates; what it knows of
    /// the future is not kept.
    pub fn of(inputs: Inputs) -> Self {
        Self { inputs, half_days: BTreeMap::new(), known_until: NaiveDate::MAX }
    }

    /// All that its dates depend on.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The last day for which the closures by Executive Order are known.
    pub fn known_until(&self) -> NaiveDate {
        self.known_until
    }

    /// The zone whose civil days are counted.
    pub fn zone(&self) -> &Zone {
        &self.inputs.zone
    }

    /// Gives the civil day to which something received at `at` belongs: the day in the zone,
    /// or the next one at or after the cut-off hour. It need not be a business day.
    pub fn day_of(&self, at: DateTime<Utc>) -> NaiveDate {
        let local = self.local(at);
        match self.inputs.cut_off {
            Some(hour) if local.time() >= hour => next_day(local.date()),
            _ => local.date(),
        }
    }

    /// Writes the day to which something received at `at` belongs, with the zone, and with the
    /// cut-off where that moved it.
    pub fn day_explained(&self, at: DateTime<Utc>) -> String {
        let day = self.day_of(at).format("%a %-d %b %Y");
        let local = self.local(at);
        match self.inputs.cut_off {
            Some(hour) if local.time() >= hour => format!(
                "{day} ({}; {} there is past the cut-off {})",
                self.zone(),
                local.format("%a %-d %b %H:%M"),
                hour.format("%H:%M")
            ),
            _ => format!("{day} ({})", self.zone()),
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
        self.count_by(from, span, |date| self.reason(date))
    }

    /// Counts by other reasons why a day is closed.
    fn count_by<'a>(
        &self,
        from: NaiveDate,
        span: Span,
        reason: impl Fn(NaiveDate) -> Option<Cow<'a, str>>,
    ) -> Counted {
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
            match reason(date) {
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
        match self.inputs.zone.from_local_datetime(&last_second) {
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
        match self.inputs.zone.from_local_datetime(&midnight) {
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
        let Inputs { closures, inauguration_day, .. } = &self.inputs;
        let inauguration = || {
            (*inauguration_day && is_inauguration_day(date))
                .then_some(Cow::Borrowed("Inauguration Day (by your configuration)"))
        };
        weekend(date)
            .map(Cow::Borrowed)
            .or_else(|| holiday(date))
            .or_else(|| closures.get(&date).map(|phrase| Cow::Borrowed(phrase.as_str())))
            .or_else(inauguration)
    }

    /// What the zone's clock shows at `at`.
    fn local(&self, at: DateTime<Utc>) -> NaiveDateTime {
        let utc = at.naive_utc();
        let offset = self.inputs.zone.offset_from_utc_datetime(&utc).fix();
        // At either end of time the local time may not exist; the UTC date is then near enough.
        utc.checked_add_offset(offset).unwrap_or(utc)
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
        let offset = self.inputs.zone.offset_from_utc_datetime(&utc).fix();
        at.saturating_add(i64::from(offset.local_minus_utc()))
    }
}

const SECONDS_PER_DAY: i64 = 86_400;

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
mod tests;
