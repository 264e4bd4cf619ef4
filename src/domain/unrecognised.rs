//! CBP's mails whose wording no rule knows: told once a day, until somebody has looked.
//!
//! Each such mail is told when it comes, as far as it moves or asks for anything. But a wording that
//! CBP has changed is seen in the many, and what was overlooked on the day must not be lost: so
//! the day begins with how many there are.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeZone, Utc};

use super::alert::{Alert, AlertKind, Hours};
use super::calendar::Calendar;
use super::mention::mentions;

/// So many subjects are named.
const NAMED: usize = 3;
/// So long a mail is told of; later only the overview counts it, because who has not looked for a
/// week does not mean to.
const TOLD_FOR: chrono::Duration = chrono::Duration::days(7);

/// A mail that no rule knows and nobody has looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unrecognised {
    /// When it was taken in.
    pub recorded_at: DateTime<Utc>,
    /// Whether CBP's server vouches for it. The subject of a mail for which nobody vouches is not
    /// shown in a notice.
    pub is_authentic: bool,
    /// Its subject.
    pub subject: String,
}

/// The alert of the day, from the hour on at which notices of this kind may be shown: about what
/// came before that hour. Later mail waits for the next day.
pub fn alert_of_the_day(
    mails: &[Unrecognised],
    hours: &Hours,
    calendar: &Calendar,
    now: DateTime<Utc>,
) -> Option<Alert> {
    if !hours.allow(AlertKind::Unrecognised, calendar, now) {
        return None;
    }
    let begun_at = beginning(hours, now);
    let told: Vec<&Unrecognised> = mails
        .iter()
        .filter(|mail| mail.recorded_at <= begun_at && now < mail.recorded_at + TOLD_FOR)
        .collect();
    let title = match told.len() {
        0 => return None,
        1 => "1 mail from CBP not recognised".to_owned(),
        n => format!("{n} mails from CBP not recognised"),
    };
    let named: Vec<String> = told
        .iter()
        .filter(|mail| mail.is_authentic)
        .take(NAMED)
        .map(|mail| format!("\u{201c}{}\u{201d}", harmless(&mail.subject)))
        .collect();
    let named = if named.is_empty() { String::new() } else { format!(": {}", named.join(", ")) };
    Some(Alert {
        key: key(hours, now),
        kind: AlertKind::Unrecognised,
        application: None,
        title,
        is_pressing: false,
        body: format!("No rule knows these words{named}. `acewatch rules unrecognised`"),
    })
}

/// The key of the day's alert.
pub fn key(hours: &Hours, now: DateTime<Utc>) -> String {
    format!("unrecognised/{}", day(hours, now))
}

fn day(hours: &Hours, now: DateTime<Utc>) -> NaiveDate {
    now.with_timezone(&hours.zone).date_naive()
}

/// When notices may be shown on the day of `now`: at the end of the night's quiet hours.
fn beginning(hours: &Hours, now: DateTime<Utc>) -> DateTime<Utc> {
    let time = match hours.quiet {
        Some((from, until)) if until < from => until,
        _ => NaiveTime::MIN,
    };
    let local = day(hours, now).and_time(time);
    // An hour that the clocks skip begins with the next one; `now` lies behind it in any case.
    hours.zone.from_local_datetime(&local).earliest().map_or(now, |at| at.to_utc())
}

/// A subject for a screen that anybody may see: one short line, no number, no link.
fn harmless(subject: &str) -> String {
    const SHOWN: usize = 60;
    let mut text = subject.to_owned();
    for mention in mentions(subject).into_iter().rev() {
        if text.get(mention.start..mention.end).is_some() {
            text.replace_range(mention.start..mention.end, "…");
        }
    }
    let is_link = |word: &str| word.contains("://") || word.to_lowercase().contains("www.");
    let words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| match is_link(word) {
            true => "(link)".to_owned(),
            // What is left of digits may be a number that was written in an unforeseen way.
            false if 7 <= word.chars().filter(|c| c.is_numeric()).count() => "…".to_owned(),
            false => word.to_owned(),
        })
        .collect();
    let line = words.join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or(&line)),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::zone::Zone;

    fn hours(quiet: bool) -> Hours {
        let at = |hour| NaiveTime::from_hms_opt(hour, 0, 0);
        Hours {
            zone: Zone::named("America/Denver").unwrap(),
            quiet: at(20).zip(at(8)).filter(|_| quiet),
            working_days_only: quiet,
        }
    }

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn mail(recorded_at: &str, subject: &str) -> Unrecognised {
        Unrecognised {
            recorded_at: at(recorded_at),
            is_authentic: true,
            subject: subject.to_owned(),
        }
    }

    fn told(mails: &[Unrecognised], hours: &Hours, now: &str) -> Option<Alert> {
        let calendar = Calendar::new(Zone::new_york(), Vec::new(), None);
        alert_of_the_day(mails, hours, &calendar, at(now))
    }

    #[test]
    fn a_mail_is_told_when_the_next_working_day_begins() {
        // Monday 10:00 in Denver; then Friday 10:00, with the weekend behind it.
        let check = |recorded_at: &str, now: &str, expected: Option<&str>| {
            let alert = told(&[mail(recorded_at, "a")], &hours(true), now);
            assert_eq!(alert.map(|alert| alert.key).as_deref(), expected, "{now}");
        };
        check("2026-05-04T16:00:00Z", "2026-05-04T16:01:00Z", None);
        check("2026-05-04T16:00:00Z", "2026-05-05T13:59:00Z", None);
        check("2026-05-04T16:00:00Z", "2026-05-05T14:00:00Z", Some("unrecognised/2026-05-05"));
        check("2026-05-04T16:00:00Z", "2026-05-05T23:00:00Z", Some("unrecognised/2026-05-05"));
        check("2026-05-04T16:00:00Z", "2026-05-06T14:00:00Z", Some("unrecognised/2026-05-06"));
        check("2026-05-04T16:00:00Z", "2026-05-11T16:00:00Z", None);
        check("2026-05-08T16:00:00Z", "2026-05-09T16:00:00Z", None);
        check("2026-05-08T16:00:00Z", "2026-05-11T14:00:00Z", Some("unrecognised/2026-05-11"));
        let alert =
            told(&[mail("2026-05-04T16:00:00Z", "a")], &hours(false), "2026-05-05T06:00:00Z");
        assert_eq!(alert.unwrap().key, "unrecognised/2026-05-05");
    }

    #[test]
    fn the_notice_counts_and_names_the_first_without_numbers_links_and_strangers_words() {
        let mut mails = vec![
            mail("2026-05-04T16:00:00Z", "RE: Acme 12-345678900\u{7} now"),
            mail("2026-05-04T16:00:00Z", "See https://cbp.example/x and 123 45 6789"),
            mail("2026-05-04T16:00:00Z", &"long ".repeat(40)),
            mail("2026-05-04T16:00:00Z", "fourth"),
        ];
        mails.insert(
            0,
            Unrecognised { is_authentic: false, ..mail("2026-05-04T16:00:00Z", "call me") },
        );
        let alert = told(&mails, &hours(true), "2026-05-05T16:00:00Z").unwrap();
        assert_eq!(alert.title, "5 mails from CBP not recognised");
        assert_eq!(
            alert.body,
            format!(
                "No rule knows these words: \u{201c}RE: Acme … now\u{201d}, \u{201c}See (link) and …\u{201d}, \
                 \u{201c}{}…\u{201d}. `acewatch rules unrecognised`",
                "long ".repeat(12)
            )
        );
    }
}
