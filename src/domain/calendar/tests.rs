//! The calendar, compared with tables, with an independent implementation, and with itself.

use chrono::{Datelike, Weekday};
use proptest::prelude::*;

use super::*;

/// What an independent implementation says; see `scripts/make-calendar-golden`.
const GOLDEN: &str = include_str!("../../../tests/data/federal-calendar.txt");

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

/// The days that the golden file names.
fn golden_days() -> BTreeMap<NaiveDate, &'static str> {
    let days = GOLDEN.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit()));
    days.map(|line| line.split_once(' ').unwrap()).map(|(day, name)| (date(day), name)).collect()
}

/// The calendars of the golden file, by their names there.
fn golden_calendars() -> [(&'static str, Calendar); 3] {
    [
        ("rules", Calendar::without_closures(Zone::new_york())),
        ("closures", federal()),
        ("choices", choosing(HalfDays::Closed, true)),
    ]
}

/// A day, and where the spans of the golden file end that begin with an event on it.
fn golden_line(calendar: &Calendar, day: NaiveDate) -> String {
    const SPANS: [&str; 7] = ["1bd", "3bd", "5bd", "10bd", "7d", "14d", "21d"];
    let ends = SPANS.map(|written| calendar.count(day, span(written)).result.to_string());
    format!("{day} {}", ends.join(" "))
}

fn from_2018_to_2044() -> impl Iterator<Item = NaiveDate> {
    days_from(date("2018-01-01")).take_while(|day| *day <= date("2044-12-31"))
}

#[test]
fn every_day_from_2018_to_2044_agrees_with_the_golden_file() {
    let golden = golden_days();
    assert_eq!(golden.len(), 302 + 9);
    let [(_, bare), (_, calendar), (_, chosen)] = golden_calendars();
    for day in from_2018_to_2044() {
        let ours = calendar.why_closed(day);
        assert_eq!(calendar.is_business_day(day), ours.is_none(), "{day}");
        match (golden.get(&day), ours.as_deref()) {
            (None | Some(&"half day" | &"Inauguration Day"), None) => {}
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
    // Half days and Inauguration Day, over all years for which orders are known.
    for day in days_from(date("2001-01-01")).take_while(|day| *day <= date("2044-12-31")) {
        let name = golden.get(&day).filter(|name| ["half day", "Inauguration Day"].contains(name));
        let ours = chosen.why_closed(day).filter(|_| calendar.is_business_day(day));
        assert_eq!(ours.is_some(), name.is_some(), "{day}");
        assert!(ours.is_none_or(|ours| ours.starts_with(name.unwrap())), "{day}");
    }
}

#[test]
fn every_count_from_2018_to_2044_agrees_with_the_golden_file() {
    use sha2::{Digest, Sha256};
    let mut n_rows = 0;
    for (name, calendar) in golden_calendars() {
        // Around each closure day by day, so that a difference can be read.
        for row in GOLDEN.lines().filter_map(|line| line.strip_prefix(&format!("row {name} "))) {
            assert_eq!(golden_line(&calendar, date(row.split(' ').next().unwrap())), row, "{name}");
            n_rows += 1;
        }
        let mut years: BTreeMap<i32, Sha256> = BTreeMap::new();
        for day in from_2018_to_2044() {
            years
                .entry(day.year())
                .or_default()
                .update(format!("{}\n", golden_line(&calendar, day)));
        }
        let sums = years.into_iter().map(|(year, sum)| {
            let sum: String =
                sum.finalize()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
            format!("counts {name} {year} {sum}")
        });
        let golden = GOLDEN.lines().filter(|line| line.starts_with(&format!("counts {name} ")));
        assert_eq!(sums.collect::<Vec<_>>(), golden.collect::<Vec<_>>());
    }
    assert_eq!(n_rows, GOLDEN.lines().filter(|line| line.starts_with("row ")).count());
    assert_eq!(GOLDEN.lines().filter(|line| line.starts_with("counts ")).count(), 3 * 27);
}

#[test]
fn the_list_of_holidays_is_the_golden_file_without_weekends() {
    let ours = federal().holidays(date("2018-01-01"), date("2044-12-31"));
    let golden = golden_days();
    let golden: Vec<NaiveDate> = golden
        .into_iter()
        .filter(|(_, name)| !["half day", "Inauguration Day"].contains(name))
        .map(|(day, _)| day)
        .collect();
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
    let BuiltIn { closures, half_days, known_until } = built_in();
    let text = include_str!("../../../config/closures.toml");
    let file: built_in::File = toml::from_str(text).unwrap();
    let dates: Vec<NaiveDate> = file.closure.into_iter().flat_map(|entry| entry.dates).collect();
    assert_eq!((closures.len(), half_days.len()), (16, 3));
    assert!(dates.iter().all(|day| *day <= known_until));
    assert_eq!(dates.len(), 19);
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
            &["2026-07-03 Independence Day (observed)", "2026-07-04 Saturday", "2026-07-05 Sunday"],
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
            &["2027-12-31 New Year's Day (observed)", "2028-01-01 Saturday", "2028-01-02 Sunday"],
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
        // Inauguration Day is none unless the user says so, nor are the half days.
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

fn choosing(half_days: HalfDays, inauguration_day: bool) -> Calendar {
    federal().deciding(Choices { half_days, inauguration_day, known_until: None })
}

#[test]
fn half_days_and_inauguration_day_are_closed_where_the_user_says_so() {
    for (day, half_days, inauguration) in [
        ("2002-12-24", Some("half day by Executive Order 13281 (by your configuration)"), None),
        ("2009-12-24", Some("half day by Executive Order 13523 (by your configuration)"), None),
        ("2015-12-24", Some("half day by Executive Order 13713 (by your configuration)"), None),
        ("2017-01-20", None, Some("Inauguration Day (by your configuration)")),
        ("2021-01-20", None, Some("Inauguration Day (by your configuration)")),
        ("2033-01-20", None, Some("Inauguration Day (by your configuration)")),
        // On a Sunday it is kept on the Monday, which is a holiday anyway; on a Saturday nowhere.
        (
            "2013-01-21",
            Some("Birthday of Martin Luther King, Jr."),
            Some("Birthday of Martin Luther King, Jr."),
        ),
        ("2029-01-19", None, None),
        ("2029-01-22", None, None),
        ("2027-01-20", None, None),
        ("1961-01-20", None, None),
    ] {
        let why = |calendar: Calendar| calendar.why_closed(date(day));
        assert_eq!(why(choosing(HalfDays::Closed, false)).as_deref(), half_days, "{day}");
        assert_eq!(why(choosing(HalfDays::Open, true)).as_deref(), inauguration, "{day}");
    }
    check(&choosing(HalfDays::Open, true), "2021-01-15", "1bd", "2021-01-19");
    check(&choosing(HalfDays::Open, true), "2021-01-15", "2bd", "2021-01-21");
    check(&choosing(HalfDays::Open, true), "2021-01-06", "14d", "2021-01-21");
    check(&choosing(HalfDays::Closed, false), "2015-12-23", "1bd", "2015-12-28");
    // Who names such a day among the closures gives the reason.
    let own = closing(&[("2015-12-24", "noon")])
        .deciding(Choices { half_days: HalfDays::Closed, ..Choices::default() });
    assert_eq!(own.why_closed(date("2015-12-24")).as_deref(), Some("closed: noon"));
}

#[test]
fn days_that_count_although_one_might_think_they_do_not_are_remarked_upon() {
    let remarks = |calendar: Calendar, from: &str, written: &str| {
        calendar.caveats([&calendar.count(date(from), span(written))]).lines()
    };
    let inauguration =
        "Wed 20 Jan 2021: Inauguration Day, a holiday in and around Washington only, which counts";
    let half_day = "Thu 24 Dec 2015: half day by Executive Order 13713, which counts";
    assert_eq!(remarks(federal(), "2021-01-15", "3bd"), [inauguration]);
    assert_eq!(remarks(federal(), "2021-01-13", "7d"), [inauguration]);
    assert_eq!(remarks(federal(), "2015-12-22", "3bd"), [half_day]);
    // Calendar days in between mean nothing, nor does the day of the event.
    assert_eq!(remarks(federal(), "2021-01-08", "14d"), [""; 0]);
    assert_eq!(remarks(federal(), "2021-01-20", "3bd"), [""; 0]);
    assert_eq!(remarks(choosing(HalfDays::Closed, true), "2021-01-15", "3bd"), [""; 0]);
    assert_eq!(remarks(choosing(HalfDays::Closed, true), "2015-12-22", "3bd"), [""; 0]);
    // A weekend or a holiday needs no remark.
    assert_eq!(remarks(federal(), "2025-01-16", "3bd"), [""; 0]);
}

#[test]
fn a_date_that_an_order_may_yet_move_is_known_by_it() {
    // From and span; the days that may be closed; where it ends then.
    let cases: &[(&str, &str, &[&str], &str)] = &[
        ("2026-12-21", "3bd", &["2026-12-24"], "2026-12-28"),
        ("2026-12-21", "5bd", &["2026-12-24"], "2026-12-30"),
        ("2026-12-17", "7d", &["2026-12-24"], "2026-12-28"),
        ("2029-12-21", "2bd", &["2029-12-24", "2029-12-26"], "2029-12-28"),
        // The second may only be closed if the first one is.
        ("2029-12-21", "1bd", &["2029-12-24", "2029-12-26"], "2029-12-27"),
        ("2029-12-26", "1bd", &[], ""),
        ("2026-12-21", "2bd", &[], ""),
        ("2026-12-24", "3bd", &[], ""),
        // Calendar days pass over a closure.
        ("2026-12-21", "7d", &[], ""),
        // A holiday that is kept on the 24th, and one that is kept on the 26th.
        ("2027-12-21", "3bd", &[], ""),
        ("2033-12-22", "3bd", &[], ""),
        // What lies before is known.
        ("2025-12-22", "3bd", &[], ""),
        ("2023-12-21", "5bd", &[], ""),
    ];
    for (from, written, days, result) in cases {
        let calendar = federal();
        let counted = calendar.count(date(from), span(written));
        let expected = (!days.is_empty()).then(|| NotKnown {
            days: days.iter().map(|day| date(day)).collect(),
            result: date(result),
        });
        assert_eq!(calendar.not_known(&counted), expected, "{written} from {from}");
    }
    // Where something is lost on a day without business, the end moves backwards.
    let lost = |from: &str, written: &str| {
        let calendar = federal();
        calendar.not_known(&calendar.count_before_loss(date(from), span(written)))
    };
    let moved =
        |day: &str, result: &str| Some(NotKnown { days: vec![date(day)], result: date(result) });
    assert_eq!(lost("2026-12-05", "21d"), moved("2026-12-24", "2026-12-23"));
    assert_eq!(lost("2029-12-05", "20d"), moved("2029-12-24", "2029-12-21"));
    assert_eq!(lost("2026-12-03", "20d"), None);

    let warning = |calendar: &Calendar, from, written| {
        calendar.caveats([&calendar.count(date(from), span(written))]).warning()
    };
    assert_eq!(
        warning(&federal(), "2029-12-20", "5bd").unwrap(),
        "closures by Executive Order for 24 and 26 December 2029 are not known yet (announced about a week ahead); add them to `[calendar] closures`, or set `known-until` if there are none"
    );
    let long = warning(&federal(), "2026-12-01", "1000bd").unwrap();
    assert!(long.contains("for 24 December 2026, 26 December 2028, 24 and 26 December 2029 are"));
    // Who knows says so, either way.
    assert_eq!(warning(&closing(&[("2026-12-24", "")]), "2026-12-21", "3bd"), None);
    let until =
        |day| federal().deciding(Choices { known_until: Some(date(day)), ..Choices::default() });
    assert_eq!(warning(&until("2026-12-31"), "2026-12-21", "3bd"), None);
    assert!(warning(&until("2026-12-23"), "2026-12-21", "3bd").is_some());
    assert_eq!(until("2020-01-01").known_until(), federal().known_until());
    assert_eq!(warning(&Calendar::without_closures(Zone::new_york()), "2026-12-21", "3bd"), None);
}

#[test]
fn a_day_tells_its_zone_and_the_cut_off_that_moved_it() {
    let friday = at("2026-05-01T21:01:00Z");
    assert_eq!(federal().day_explained(friday), "Fri 1 May 2026 (America/New_York)");
    assert_eq!(
        with_cut_off(17).day_explained(friday),
        "Sat 2 May 2026 (America/New_York; Fri 1 May 17:01 there is past the cut-off 17:00)"
    );
    let before = at("2026-05-01T20:59:59Z");
    assert_eq!(with_cut_off(17).day_explained(before), "Fri 1 May 2026 (America/New_York)");
}

#[test]
fn around_a_weekend_the_cut_off_decides_the_day_and_not_the_due_date() {
    // Received in New York; the day; three and five business days later.
    let table = "
        2026-05-01T16:59:00-04:00 2026-05-01 2026-05-06 2026-05-08
        2026-05-01T17:01:00-04:00 2026-05-02 2026-05-06 2026-05-08
        2026-05-02T12:00:00-04:00 2026-05-02 2026-05-06 2026-05-08
        2026-05-03T12:00:00-04:00 2026-05-03 2026-05-06 2026-05-08
        2026-05-04T16:59:00-04:00 2026-05-04 2026-05-07 2026-05-11
        2026-05-04T17:01:00-04:00 2026-05-05 2026-05-08 2026-05-12
    ";
    let calendar = with_cut_off(17);
    for [received, day, three, five] in rows(table) {
        let counted_from = calendar.day_of(at(received));
        assert_eq!(counted_from, date(day), "{received}");
        check(&calendar, day, "3bd", three);
        check(&calendar, day, "5bd", five);
    }
}

#[test]
fn a_calendar_made_anew_from_its_inputs_computes_the_same() {
    let calendar = choosing(HalfDays::Closed, true);
    let again = Calendar::of(calendar.inputs().clone());
    assert_eq!(again.inputs(), calendar.inputs());
    for from in ["2002-12-20", "2015-12-22", "2021-01-15", "2025-12-22", "2026-12-21"] {
        let count = |calendar: &Calendar| calendar.count(date(from), span("5bd"));
        assert_eq!(count(&again), count(&calendar), "{from}");
    }
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
        let calendar =
            Calendar::new(Zone::named(zone).unwrap(), Vec::new(), NaiveTime::from_hms_opt(0, 0, 0));
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
