//! The mailbox of docs/first-run.md, filled as `scripts/practice-server` fills it.

use std::fs;

use chrono::{DateTime, Datelike, Duration, Utc, Weekday};

use crate::support::now;

use super::page;

/// How many working days ago each sample of demo/ came, in their order, and into which folder.
const SAMPLES: [(&str, i64, &str); 10] = [
    ("Sent", 9, "04-quillfeather-submission.eml"),
    ("INBOX", 9, "05-quillfeather-receipt.eml"),
    ("Sent", 7, "25-tumbleweed-submission.eml"),
    ("Sent", 5, "01-blue-heron-submission.eml"),
    ("INBOX", 5, "02-blue-heron-receipt.eml"),
    ("INBOX", 3, "10-bulletin.eml"),
    ("INBOX", 2, "06-blue-heron-request.eml"),
    ("Junk", 1, "31-tumbleweed-approval.eml"),
    ("INBOX", 1, "27-granite-reply.eml"),
    ("INBOX", 1, "21-spoof.eml"),
];

/// The mails: when each came, into which folder, and what it is.
pub fn mails() -> Vec<(DateTime<Utc>, String, String)> {
    let mail = |(i, (folder, n_days, file)): (usize, (&str, i64, &str))| {
        let mut day = now().date_naive();
        let mut left = n_days;
        while 0 < left {
            day -= Duration::days(1);
            left -= i64::from(!matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
        }
        let minute = 11 + u32::try_from(i).unwrap();
        let at = day.and_hms_opt(15, minute, 0).unwrap().and_utc();
        let text = fs::read_to_string(page::root().join("demo").join(file)).unwrap();
        let text = match file {
            "02-blue-heron-receipt.eml" => text.replace("=pass", "=temperror"),
            "21-spoof.eml" => text.replace(".accounts-desk.example", "").replace("=pass", "=fail"),
            _ => text,
        };
        (at, folder.to_owned(), text.replace("{{date}}", &at.to_rfc2822()))
    };
    SAMPLES.into_iter().enumerate().map(mail).collect()
}
