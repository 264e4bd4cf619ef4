//! What a person should know of a computed date besides the days that it leaves out: days that
//! count although somebody might think they do not, and closures that nobody can know yet.
//!
//! A President closes the offices on 24 or 26 December in most years, and says so about a week
//! ahead. A date beyond the last day for which the orders are known may therefore move. To say so
//! of every date that lies beyond would be crying wolf: so each date is counted a second time as if
//! every 24 and 26 December beyond were closed, and only one that then ends later is spoken of.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use chrono::{Datelike, NaiveDate};

use super::federal::is_inauguration_day;
use super::{Calendar, Counted, Skipped, next_day};
use crate::domain::span::CountUnit;

/// Days that may be closed by an Executive Order that nobody knows yet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotKnown {
    /// The days, in order.
    pub days: Vec<NaiveDate>,
    /// Where the count would end if all of them were closed.
    pub result: NaiveDate,
}

/// What is to be said of some computed dates together, each thing once.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Caveats {
    /// Days that count although one might think they do not, and what they are.
    pub remarks: BTreeMap<NaiveDate, String>,
    /// Days that may be closed yet.
    pub not_known: BTreeSet<NaiveDate>,
}

impl Calendar {
    /// Says which closures that are not known yet would move the end of `counted`.
    pub fn not_known(&self, counted: &Counted) -> Option<NotKnown> {
        let Counted { from, span, result, .. } = *counted;
        if span.unit == CountUnit::Calendar && result < self.count(from, span).result {
            // Counted so that nothing is lost: the end moves backwards.
            let before = iter::successors(Some(result), NaiveDate::pred_opt)
                .take_while(|date| from <= *date)
                .take(Self::LONGEST_WALK);
            let days: Vec<NaiveDate> =
                before.clone().take(1).filter(|date| self.may_be_closed_yet(*date)).collect();
            let may_end =
                |date: &NaiveDate| self.is_business_day(*date) && !self.may_be_closed_yet(*date);
            let result = before.clone().find(may_end).unwrap_or(from);
            return (!days.is_empty()).then_some(NotKnown { days, result });
        }
        let assumed = self.count_by(from, span, |date| {
            let closed = || self.may_be_closed_yet(date).then_some(Cow::Borrowed("not known"));
            self.reason(date).or_else(closed)
        });
        let days = assumed.skipped.iter().map(|day| day.date);
        let days: Vec<NaiveDate> = days.filter(|date| self.may_be_closed_yet(*date)).collect();
        (!days.is_empty()).then_some(NotKnown { days, result: assumed.result })
    }

    /// Lists what is to be known of some counts.
    pub fn caveats<'a>(&self, counts: impl IntoIterator<Item = &'a Counted>) -> Caveats {
        let mut caveats = Caveats::default();
        for counted in counts {
            caveats.not_known.extend(self.not_known(counted).into_iter().flat_map(|n| n.days));
            // Of calendar days only the last one has to be a business day.
            let first = match counted.span.unit {
                CountUnit::Business => next_day(counted.from).min(counted.result),
                CountUnit::Calendar => counted.result,
                // The clock does not ask what day it is.
                CountUnit::Hours => continue,
            };
            caveats.remarks.extend(
                self.remarks(first, counted.result).into_iter().map(|day| (day.date, day.because)),
            );
        }
        caveats
    }

    /// Lists what is to be known of the days from `from` to `to`, both included, at most over the
    /// first [`Self::LONGEST_WALK`] days.
    pub fn caveats_between(&self, from: NaiveDate, to: NaiveDate) -> Caveats {
        let days = super::days_from(from).take_while(|date| *date <= to);
        Caveats {
            remarks: self
                .remarks(from, to)
                .into_iter()
                .map(|day| (day.date, day.because))
                .collect(),
            not_known: days.filter(|date| self.may_be_closed_yet(*date)).collect(),
        }
    }

    /// Whether an Executive Order may yet close the business day `date`, as in most years.
    fn may_be_closed_yet(&self, date: NaiveDate) -> bool {
        self.known_until < date
            && date.month() == 12
            && [24, 26].contains(&date.day())
            && self.is_business_day(date)
    }

    /// Lists the business days from `from` to `to`, both included, that one might take for closed,
    /// at most over the first [`Self::LONGEST_WALK`] days.
    pub fn remarks(&self, from: NaiveDate, to: NaiveDate) -> Vec<Skipped> {
        super::days_from(from)
            .take_while(|date| *date <= to)
            .filter_map(|date| {
                let because = match self.half_days.get(&date) {
                    Some(half_day) => format!("{half_day}, which counts"),
                    None if is_inauguration_day(date) => {
                        "Inauguration Day, a holiday in and around Washington only, which counts"
                            .to_owned()
                    }
                    None => return None,
                };
                self.is_business_day(date).then_some(Skipped { date, because })
            })
            .collect()
    }
}

impl Caveats {
    /// Writes them as sentences.
    pub fn lines(&self) -> Vec<String> {
        let remark = |(date, what): (&NaiveDate, &String)| {
            format!("{}: {what}", date.format("%a %-d %b %Y"))
        };
        self.remarks.iter().map(remark).chain(self.warning()).collect()
    }

    /// Says which closures are not known yet.
    pub fn warning(&self) -> Option<String> {
        let mut by_year: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        for date in &self.not_known {
            by_year.entry(date.year()).or_default().push(date.day().to_string());
        }
        let years: Vec<String> = by_year
            .iter()
            .map(|(year, days)| format!("{} December {year}", days.join(" and ")))
            .collect();
        (!years.is_empty()).then(|| {
            format!(
                "closures by Executive Order for {} are not known yet (announced about a week ahead); add them to `[calendar] closures`, or set `known-until` if there are none",
                years.join(", ")
            )
        })
    }
}
