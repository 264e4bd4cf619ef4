//! Single values of the configuration: a text in, a meaning or a fault out.
//!
//! A fault says why the text will not do and what to write instead; the place is added by the
//! caller, who knows it.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, Weekday};

use super::{FolderName, QuietHours, Resolver, Tls};
use crate::domain::calendar::HalfDays;
use crate::domain::contact::WeeklyClosing;
use crate::domain::span::{CountUnit, Span};
use crate::domain::zone::Zone;

/// What is wrong with a value, and what to do about it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Fault {
    /// Follows the key in a sentence: "must be a list".
    pub why: String,
    /// What to write instead.
    pub hint: String,
}

impl Fault {
    pub fn new(why: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { why: why.into(), hint: hint.into() }
    }
}

/// A wait or an interval: `30s`, `1h30m`, `60d`, and not nothing.
pub(super) fn duration(written: &str) -> Result<Duration, Fault> {
    match span_of_time(written)? {
        Duration::ZERO => Err(Fault::new("must be longer than nothing", DURATION_FORM)),
        duration => Ok(duration),
    }
}

/// How far to look back: like [`duration`], but `0s` means not at all.
pub(super) fn span_of_time(written: &str) -> Result<Duration, Fault> {
    // Far above any sense, and far below where adding to an instant could overflow.
    const LONGEST: Duration = Duration::from_hours(24 * 366 * 10);
    match humantime::parse_duration(written.trim()) {
        Ok(duration) if duration <= LONGEST => Ok(duration),
        Ok(_) => Err(Fault::new("is longer than ten years", DURATION_FORM)),
        Err(err) => Err(Fault::new(format!("is no duration: {err}"), DURATION_FORM)),
    }
}

const DURATION_FORM: &str = "write a number with a unit, for example \"30s\", \"1h30m\" or \"60d\"";

/// A number of bytes: `50MB`, `64KiB`; a number alone counts bytes.
pub(super) fn size(written: &str) -> Result<u64, Fault> {
    // The IMAP library holds one message whole and gives up beyond this.
    const LARGEST: u64 = 512 << 20;
    let form = "write a number with a unit, for example \"50MB\" or \"64KiB\", at most \"512MiB\"";
    let written = written.trim();
    let digits = written.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = written.split_at_checked(digits).unwrap_or((written, ""));
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        _ => return Err(Fault::new("is no size", form)),
    };
    match number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)) {
        Some(0) => Err(Fault::new("must be larger than nothing", form)),
        Some(bytes) if bytes <= LARGEST => Ok(bytes),
        Some(_) => Err(Fault::new("is too large", form)),
        None => Err(Fault::new("is no size", form)),
    }
}

/// A number of days that must not be none, `3bd` or `14d`.
pub(super) fn days(written: &str) -> Result<Span, Fault> {
    let form = "write `3bd` for business days, `14d` for calendar days";
    match written.trim().parse::<Span>() {
        Ok(span) if span.n == 0 => Err(Fault::new("must be at least one day", form)),
        Ok(span) if span.unit == CountUnit::Hours => Err(Fault::new("counts hours", form)),
        Ok(span) => Ok(span),
        Err(err) => Err(Fault::new(format!("will not do: {err}"), form)),
    }
}

/// An hour of the day, `08:00`; `24:00` is `None`, the end of the day.
pub(super) fn hour(written: &str) -> Result<Option<NaiveTime>, Fault> {
    let is_number = |part: &str| {
        (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let fault = || {
        Fault::new(format!("names no hour: `{written}`"), "write hours as \"08:00\" to \"24:00\"")
    };
    let (hours, minutes) = written.trim().split_once(':').ok_or_else(fault)?;
    if !is_number(hours) || !is_number(minutes) || minutes.len() != 2 {
        return Err(fault());
    }
    match (hours.parse(), minutes.parse()) {
        (Ok(24), Ok(0)) => Ok(None),
        (Ok(hours), Ok(minutes)) => {
            NaiveTime::from_hms_opt(hours, minutes, 0).map(Some).ok_or_else(fault)
        }
        _ => Err(fault()),
    }
}

/// The hour from which mail counts as the next day's; `24:00` is `None`, for never.
pub(super) fn cut_off(written: &str) -> Result<Option<NaiveTime>, Fault> {
    match hour(written)? {
        Some(NaiveTime::MIN) => Err(Fault::new(
            "would put every mail on the next day",
            "write \"24:00\" for no cut-off",
        )),
        hour => Ok(hour),
    }
}

/// `20:00-08:00`, over midnight or not; an empty text is `None`.
pub(super) fn quiet_hours(written: &str) -> Result<Option<QuietHours>, Fault> {
    let form = "write \"20:00-08:00\", or \"\" for none";
    if written.trim().is_empty() {
        return Ok(None);
    }
    let (from, until) =
        written.split_once('-').ok_or_else(|| Fault::new("is no span of hours", form))?;
    let from = hour(from)?.unwrap_or(NaiveTime::MIN);
    let until = hour(until)?.unwrap_or(NaiveTime::MIN);
    if from == until {
        return Err(Fault::new("begins when it ends", form));
    }
    Ok(Some(QuietHours { from, until }))
}

/// `Sat 22:00-Sun 05:00`, a span of every week; an empty text is `None`.
pub(super) fn weekly_closing(written: &str) -> Result<Option<WeeklyClosing>, Fault> {
    let form = "write \"Sat 22:00-Sun 05:00\", or \"\" for none";
    if written.trim().is_empty() {
        return Ok(None);
    }
    let moment = |written: &str| -> Result<(Weekday, NaiveTime), Fault> {
        let (day, time) = written
            .trim()
            .split_once(' ')
            .ok_or_else(|| Fault::new("names no day and hour", form))?;
        let day = day.parse().map_err(|_| Fault::new("names no day of the week", form))?;
        // The end of a day is the beginning of the next one.
        let time = hour(time)?.ok_or_else(|| Fault::new("ends a day at 24:00", form))?;
        Ok((day, time))
    };
    let (from, until) =
        written.split_once('-').ok_or_else(|| Fault::new("is no span of a week", form))?;
    let closing = WeeklyClosing { from: moment(from)?, until: moment(until)? };
    match closing.from == closing.until {
        true => Err(Fault::new("begins when it ends", form)),
        false => Ok(Some(closing)),
    }
}

/// Whether a half day is a business day: `open` or `closed`.
pub(super) fn half_days(written: &str) -> Result<HalfDays, Fault> {
    match written {
        "open" => Ok(HalfDays::Open),
        "closed" => Ok(HalfDays::Closed),
        _ => Err(Fault::new("is neither \"open\" nor \"closed\"", "write \"open\" or \"closed\"")),
    }
}

/// A civil day, `2026-12-24`.
pub(super) fn date(written: &str) -> Result<NaiveDate, Fault> {
    NaiveDate::parse_from_str(written.trim(), "%Y-%m-%d")
        .map_err(|_| Fault::new("holds a text that is no date", "write days as \"2026-12-24\""))
}

/// A zone of the IANA database.
pub(super) fn zone(written: &str) -> Result<Zone, Fault> {
    let written = written.trim();
    Zone::named(written).ok_or_else(|| {
        let by_city = Zone::names().find(|name| {
            let city = name.rsplit('/').next().unwrap_or(name);
            city.eq_ignore_ascii_case(&written.replace(' ', "_"))
        });
        let hint = match by_city.or_else(|| nearest(written, Zone::names())) {
            Some(name) => format!("write \"{name}\""),
            None => "write a name of the IANA database, for example \"America/Denver\"".to_owned(),
        };
        Fault::new(format!("names no time zone: `{written}`"), hint)
    })
}

/// A host name or an IP address, and nothing around it.
pub(super) fn host(written: &str) -> Result<String, Fault> {
    if written.parse::<IpAddr>().is_ok() {
        return Ok(written.to_owned());
    }
    let fault = |why: &str, hint: &str| Err(Fault::new(why, hint));
    if written.is_empty() {
        return fault("is empty", "write the server's name, for example \"imap.example.com\"");
    }
    if written.contains("://") || written.contains('/') {
        return fault(
            "is a URL",
            "write the server's name alone, for example \"imap.example.com\"",
        );
    }
    if written.contains('@') {
        return fault("holds an address", "write the server's name here, the address as `user`");
    }
    if written.starts_with('[') {
        return fault("has brackets", "write an IPv6 address without brackets");
    }
    if written.contains(':') {
        return fault("holds a port", "write the server's name here, the port as `port = 993`");
    }
    let is_name = written.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b));
    if !is_name || written.len() > 253 || written.starts_with(['-', '.']) {
        return fault(
            "is no host name",
            "write letters, digits, dots and hyphens; a name in another script in its xn-- form",
        );
    }
    Ok(written.to_owned())
}

/// True for hosts that a connection reaches without leaving the machine.
pub(super) fn is_loopback(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

/// `implicit`, `starttls` or `none`.
pub(super) fn tls(written: &str) -> Result<Tls, Fault> {
    match written {
        "implicit" => Ok(Tls::Implicit),
        "starttls" => Ok(Tls::StartTls),
        "none" => Ok(Tls::None),
        _ => Err(Fault::new(
            "is not known",
            "write \"implicit\" (port 993), \"starttls\" (port 143), or \"none\" (loopback only)",
        )),
    }
}

/// The SHA-256 of a certificate: 64 hex digits, as `openssl` prints them or without colons.
pub(super) fn pin(written: &str) -> Result<[u8; 32], Fault> {
    let fault = || {
        Fault::new(
            "is not the SHA-256 of a certificate",
            "write 64 hex digits, as `openssl x509 -noout -fingerprint -sha256` prints them",
        )
    };
    let is_separator = |c: char| c == ':' || c.is_ascii_whitespace();
    let mut digits = written.chars().filter(|c| !is_separator(*c)).map(|c| c.to_digit(16));
    let mut pin = [0; 32];
    for byte in &mut pin {
        let (Some(Some(high)), Some(Some(low))) = (digits.next(), digits.next()) else {
            return Err(fault());
        };
        *byte = u8::try_from(high * 16 + low).map_err(|_| fault())?;
    }
    if digits.next().is_some() { Err(fault()) } else { Ok(pin) }
}

/// A folder by name, or by special-use attribute if it begins with a backslash.
pub(super) fn folder(written: &str) -> Result<FolderName, Fault> {
    // RFC 6154 §2 and RFC 8457 §2.
    const ATTRIBUTES: [&str; 8] = [
        "\\All",
        "\\Archive",
        "\\Drafts",
        "\\Flagged",
        "\\Important",
        "\\Junk",
        "\\Sent",
        "\\Trash",
    ];
    let written = line(written)?;
    if !written.starts_with('\\') {
        // RFC 3501 §5.1: INBOX is the one name that ignores case.
        let name = if written.eq_ignore_ascii_case("INBOX") { "INBOX".to_owned() } else { written };
        return Ok(FolderName::Named(name));
    }
    match ATTRIBUTES.into_iter().find(|attribute| attribute.eq_ignore_ascii_case(&written)) {
        Some(attribute) => Ok(FolderName::SpecialUse(attribute.to_owned())),
        None => Err(Fault::new(
            format!("names no special use of a folder: `{written}`"),
            match nearest(&written, ATTRIBUTES.into_iter()) {
                Some(attribute) => format!("write '{attribute}' in single quotes"),
                None => format!("known are {}", ATTRIBUTES.join(", ")),
            },
        )),
    }
}

/// A text on one line that is not empty. What reaches a server must not hold a line end.
pub(super) fn line(written: &str) -> Result<String, Fault> {
    if written.trim().is_empty() {
        return Err(Fault::new("is empty", "write a text, or leave the key out"));
    }
    if written.chars().any(char::is_control) {
        return Err(Fault::new("holds a control character", "write it on one line, without tabs"));
    }
    Ok(written.to_owned())
}

/// A mail address in its bare form.
pub(super) fn address(written: &str) -> Result<String, Fault> {
    if is_address(written) {
        Ok(written.to_owned())
    } else {
        Err(Fault::new("holds a text that is no address", "write \"ops@broker.example\", no name"))
    }
}

/// True for `local@domain`.
pub(super) fn is_address(written: &str) -> bool {
    let is_clean = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c.is_whitespace() || "<>,;".contains(c))
    };
    written.rsplit_once('@').is_some_and(|(local, domain)| is_clean(local) && is_clean(domain))
}

/// Who answers questions to the DNS: `system`, or an address with or without a port.
pub(super) fn resolver(written: &str) -> Result<Resolver, Fault> {
    match (written.parse::<IpAddr>(), written.parse::<SocketAddr>()) {
        _ if written == "system" => Ok(Resolver::System),
        (Ok(ip), _) => Ok(Resolver::At(SocketAddr::new(ip, 53))),
        (_, Ok(address)) => Ok(Resolver::At(address)),
        _ => Err(Fault::new(
            "is neither \"system\" nor an address",
            "write \"192.0.2.53\", \"192.0.2.53:5353\" or \"[2001:db8::53]:53\"",
        )),
    }
}

/// A mail domain, without the address before it.
pub(super) fn domain(written: &str) -> Result<String, Fault> {
    let written = line(written)?;
    match host(&written) {
        Ok(domain) => Ok(domain.to_ascii_lowercase()),
        Err(_) => Err(Fault::new(
            "holds a text that is no domain",
            "write what follows the @, for example \"cbp.dhs.gov\"",
        )),
    }
}

/// The candidate that `written` was probably meant to be.
pub(super) fn nearest<'a>(
    written: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('_', "-");
    let written = plain(written);
    // A third of the letters may be wrong: more would suggest anything for a short word. A
    // word broken off counts as one letter wrong, however much is missing.
    let tolerated = (written.chars().count() / 3).max(1);
    candidates
        .map(|candidate| {
            let known = plain(candidate);
            let distance = strsim::damerau_levenshtein(&written, &known);
            let is_begun = written.chars().count() >= 4 && known.starts_with(&written);
            (if is_begun { distance.min(1) } else { distance }, distance, candidate)
        })
        .filter(|(weighted, _, _)| *weighted <= tolerated)
        .min_by_key(|(weighted, distance, _)| (*weighted, *distance))
        .map(|(_, _, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Debug;

    /// `None` is a text that must be refused.
    fn check<T: Debug + PartialEq>(
        parse: impl Fn(&str) -> Result<T, Fault>,
        cases: impl IntoIterator<Item = (&'static str, Option<T>)>,
    ) {
        for (written, expected) in cases {
            assert_eq!(parse(written).ok(), expected, "{written:?}");
        }
    }

    fn at(hours: u32, minutes: u32) -> NaiveTime {
        NaiveTime::from_hms_opt(hours, minutes, 0).unwrap()
    }

    #[test]
    fn durations_have_units_and_are_neither_nothing_nor_endless() {
        let seconds = |n| Some(Duration::from_secs(n));
        check(
            duration,
            [
                ("5m", seconds(300)),
                ("1h30m", seconds(5_400)),
                ("60d", seconds(60 * 86_400)),
                ("250ms", Some(Duration::from_millis(250))),
                ("0s", None),
                ("5", None),
                ("", None),
                ("-5m", None),
                ("5 parsecs", None),
                ("100000years", None),
                ("99999999999999999999s", None),
            ],
        );
        check(span_of_time, [("0s", Some(Duration::ZERO)), ("soon", None)]);
    }

    #[test]
    fn sizes_are_decimal_or_binary_and_bounded() {
        check(
            size,
            [
                ("50MB", Some(50_000_000)),
                ("50 MB", Some(50_000_000)),
                ("64KiB", Some(65_536)),
                ("1000", Some(1_000)),
                ("512MiB", Some(512 << 20)),
                ("1GB", None),
                ("0MB", None),
                ("MB", None),
                ("", None),
                ("1.5MB", None),
                ("-1MB", None),
                ("5é", None),
                ("99999999999999999999999GB", None),
            ],
        );
    }

    #[test]
    fn hours_end_at_midnight() {
        check(
            hour,
            [
                ("08:00", Some(Some(at(8, 0)))),
                ("8:05", Some(Some(at(8, 5)))),
                ("24:00", Some(None)),
                ("24:01", None),
                ("25:00", None),
                ("08:60", None),
                ("8", None),
                ("+8:00", None),
                ("08:0", None),
                ("08:00:00", None),
            ],
        );
        check(cut_off, [("24:00", Some(None)), ("17:00", Some(Some(at(17, 0)))), ("0:00", None)]);
    }

    #[test]
    fn quiet_hours_may_cross_midnight_or_be_none() {
        let hours = |from, until| Some(Some(QuietHours { from, until }));
        check(
            quiet_hours,
            [
                ("20:00-08:00", hours(at(20, 0), at(8, 0))),
                ("12:00 - 13:30", hours(at(12, 0), at(13, 30))),
                ("18:00-24:00", hours(at(18, 0), at(0, 0))),
                ("", Some(None)),
                ("08:00-08:00", None),
                ("20:00", None),
                ("20-8", None),
            ],
        );
    }

    #[test]
    fn days_are_counted_from_one() {
        check(|w| days(w).map(|span| span.n), [("3bd", Some(3)), ("0d", None), ("3", None)]);
    }

    #[test]
    fn a_zone_is_an_iana_name_and_the_likely_one_is_told() {
        check(zone, [("America/New_York", Zone::named("America/New_York")), ("PST", None)]);
        for (written, hint) in [
            ("america/denver", "write \"America/Denver\""),
            ("Denver", "write \"America/Denver\""),
            ("New York", "write \"America/New_York\""),
            ("America/New_Yrok", "write \"America/New_York\""),
            ("Nowhere", "write a name of the IANA database, for example \"America/Denver\""),
        ] {
            assert_eq!(zone(written).unwrap_err().hint, hint, "{written}");
        }
    }

    #[test]
    fn a_host_is_a_bare_name_or_address() {
        let same = |host: &'static str| (host, Some(host.to_owned()));
        check(
            host,
            ["imap.example.com", "localhost", "127.0.0.1", "::1", "xn--a.example"].map(same),
        );
        for written in [
            "",
            "imaps://imap.example.com",
            "imap.example.com/",
            "imap.example.com:993",
            "ops@imap.example.com",
            "[::1]",
            "imap example.com",
            "imap.example.com\r\nA1 LOGOUT",
            "-oProxy",
            "bücher.example",
        ] {
            check(host, [(written, None)]);
        }
    }

    #[test]
    fn loopback_is_an_address_or_the_one_name() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.3.2.1", true),
            ("::1", true),
            ("LocalHost", true),
            ("localhost.example.com", false),
            ("10.0.0.1", false),
            ("127.0.0.1.example.com", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }

    #[test]
    fn a_pin_is_64_hex_digits_with_or_without_colons() {
        let colons = [["0f"; 32].join(":"), ["0F"; 32].join(":"), ["0f"; 32].concat()];
        for written in colons {
            assert_eq!(pin(&written).ok(), Some([15; 32]), "{written}");
        }
        for written in
            [String::new(), ["0f"; 31].concat(), ["0f"; 33].concat(), ["0g"; 32].concat()]
        {
            assert_eq!(pin(&written).ok(), None, "{written}");
        }
    }

    #[test]
    fn a_backslash_makes_a_special_use() {
        let named = |name: &str| Some(FolderName::Named(name.to_owned()));
        check(
            folder,
            [
                ("inbox", named("INBOX")),
                ("Sent Items", named("Sent Items")),
                ("\\junk", Some(FolderName::SpecialUse("\\Junk".to_owned()))),
                ("\\Spam", None),
                ("", None),
                ("a\r\nb", None),
            ],
        );
        assert_eq!(folder("\\Jnk").unwrap_err().hint, "write '\\Junk' in single quotes");
    }

    #[test]
    fn addresses_and_domains_are_told_apart() {
        check(
            address,
            [
                ("ops@broker.example", Some("ops@broker.example".to_owned())),
                ("Ops <ops@broker.example>", None),
                ("broker.example", None),
                ("@broker.example", None),
            ],
        );
        check(
            domain,
            [
                ("CBP.dhs.gov", Some("cbp.dhs.gov".to_owned())),
                ("ops@broker.example", None),
                ("", None),
            ],
        );
    }
}
