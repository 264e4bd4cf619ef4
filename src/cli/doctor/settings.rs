//! Whether the configuration says all that is needed, and the rules and the calendar can be used.

use std::path::Path;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::super::render;
use super::Check;
use crate::config::Settings;
use crate::domain::rules::Rules;

pub(super) fn of_settings(settings: &Settings, usual: &Path) -> Vec<Check> {
    let Some(path) = &settings.path else {
        return vec![Check::fault(
            "configuration",
            "there is none, so that no mailbox is watched",
            format!(
                "run `acewatch init`, which asks for the mail address and writes {}",
                usual.display()
            ),
        )];
    };
    let mut checks = vec![Check::good("configuration", path.display().to_string())];
    for warning in &settings.warnings {
        let hint = "change it in the configuration if it is not what you mean";
        checks.push(Check::warning("configuration", warning, hint));
    }
    checks.push(match settings.mailboxes.as_slice() {
        [] => Check::warning(
            "mailboxes",
            "none is configured, only imported mail is looked at",
            "run `acewatch init`, or add a table [[mailbox]] with `host` and `user` to the configuration",
        ),
        some => Check::good(
            "mailboxes",
            some.iter().map(|mailbox| mailbox.name.as_str()).collect::<Vec<_>>().join(", "),
        ),
    });
    checks.push(of_trust(settings));
    if settings.trust.own_addresses.is_empty() {
        checks.push(Check::warning(
            "own addresses",
            "none are known, so that your submissions are not told from other mail in the Sent folder",
            "list the addresses from which you write in `own-addresses` under [trust]",
        ));
    }
    checks
}

/// Whether somebody is believed about the mail of each mailbox.
fn of_trust(settings: &Settings) -> Check {
    let has_dkim = settings.dkim.is_some();
    let all = || settings.mailboxes.iter();
    let nobody: Vec<&str> = all()
        .filter(|mailbox| mailbox.authserv_ids.is_empty())
        .map(|mailbox| mailbox.name.as_str())
        .collect();
    let everywhere = &settings.trust.authserv_ids;
    let is_same = all().all(|mailbox| mailbox.authserv_ids == *everywhere);
    match (is_same, everywhere.as_slice()) {
        (true, []) if has_dkim => {
            Check::good("trust", "no authserv-id is configured; DKIM signatures are verified here")
        }
        (true, []) => Check::fault(
            "trust",
            "no authserv-id is configured, so that all of CBP's mail goes to review",
            format!(
                "copy the first word after the topmost \"Authentication-Results:\" of a mail from CBP into `authserv-id` \
                 {} (\"-\" for Microsoft 365); if no mail has such a line, write `dkim = true`",
                match settings.mailboxes.as_slice() {
                    [] => "under [trust]",
                    _ => "of its [[mailbox]]",
                }
            ),
        ),
        _ if !nobody.is_empty() && !has_dkim => Check::fault(
            "trust",
            format!(
                "nobody is believed in {}, so that CBP's mail there goes to review",
                nobody.join(", ")
            ),
            "write `authserv-id` for that [[mailbox]] as its server writes it; if its mails have no line \
             \"Authentication-Results:\", write `dkim = true` under [trust]",
        ),
        (true, ids) => {
            let also = match has_dkim {
                true => "; where it says nothing, DKIM signatures are verified here",
                false => "",
            };
            Check::good("trust", format!("the word of {} counts{also}", ids.join(", ")))
        }
        (false, _) => {
            let words = all().filter(|mailbox| !mailbox.authserv_ids.is_empty());
            let words: Vec<String> = words
                .map(|mailbox| {
                    format!("that of {} in {}", mailbox.authserv_ids.join(", "), mailbox.name)
                })
                .collect();
            let also = match has_dkim {
                true => "; elsewhere and where it says nothing, DKIM signatures are verified here",
                false => "",
            };
            Check::good("trust", format!("whose word counts: {}{also}", words.join("; ")))
        }
    }
}

pub(super) fn read_rules(path: &Path) -> anyhow::Result<Rules> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(error).with_context(|| format!("cannot read {}", path.display()));
        }
    };
    Rules::read(text.as_deref()).with_context(|| path.display().to_string())
}

/// Whether the user's own rules can be used.
pub(super) fn of_rules(path: &Path, rules: &anyhow::Result<Rules>) -> Check {
    const NAME: &str = "rules";
    match rules {
        Ok(rules) if !rules.warnings().is_empty() => Check::warning(
            NAME,
            rules.warnings().join("; "),
            format!("mend {}; `acewatch rules check` looks at it", path.display()),
        ),
        Ok(_) if path.exists() => {
            Check::good(NAME, format!("the built-in ones and {}", path.display()))
        }
        Ok(_) => Check::good(NAME, "the built-in ones"),
        Err(error) => Check::fault(
            NAME,
            // Without the picture of the place that TOML's errors have.
            format!("{error:#}")
                .lines()
                .filter(|line| !line.contains('|'))
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join(": "),
            format!(
                "mend {}, or move it away to go on with the built-in rules; `acewatch rules check` looks at it",
                path.display()
            ),
        ),
    }
}

pub(super) fn of_calendar(settings: &Settings, now: DateTime<Utc>) -> Check {
    let own = &settings.calendar;
    let calendar = own.calendar();
    let today = calendar.day_of(now);
    let next = today
        .checked_add_months(chrono::Months::new(12))
        .and_then(|until| calendar.holidays(today, until).into_iter().next());
    let next = next.map_or_else(
        || "no holiday within a year".to_owned(),
        |day| format!("the next day off is {}, {}", render::day(day.date), day.because),
    );
    let detail = format!(
        "{}, where today is {}; {next}; times are shown in {}",
        own.zone,
        render::day(today),
        settings.time_zone
    );
    let known_until = calendar.known_until();
    match known_until.checked_add_months(chrono::Months::new(12)) {
        Some(aged) if aged < today => Check::warning(
            "calendar",
            format!(
                "{detail}; closures by Executive Order are known only up to {}",
                render::day(known_until)
            ),
            "update acewatch; or add the closures since to `[calendar] closures` and set `known-until`"
                .to_owned(),
        ),
        _ => Check::good("calendar", detail),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Environment};

    #[test]
    fn whose_word_counts_is_told_for_each_mailbox() {
        let line = |trust: &str, first: &str, second: &str| {
            let mailbox = |name: &str, own: &str| {
                format!(
                    "[[mailbox]]\nname = \"{name}\"\nhost = \"{name}.example\"\nuser = \"ops@{name}.example\"\npassword-environment = \"X\"\n{own}\n"
                )
            };
            let text =
                format!("{}{}[trust]\n{trust}\n", mailbox("office", first), mailbox("old", second));
            let settings =
                config::parse(&text, Path::new("t.toml"), &Environment::from_process()).unwrap();
            let check = of_trust(&settings);
            format!("{:?}: {}", check.outcome, check.detail)
        };
        let (a, b) = ("authserv-id = [\"mx.a.example\"]", "authserv-id = [\"mx.b.example\"]");
        insta::assert_snapshot!(line(a, "", ""), @"Good: the word of mx.a.example counts");
        insta::assert_snapshot!(line("", a, b), @"Good: whose word counts: that of mx.a.example in office; that of mx.b.example in old");
        insta::assert_snapshot!(line(a, "", "authserv-id = []"), @"Fault: nobody is believed in old, so that CBP's mail there goes to review");
        insta::assert_snapshot!(line("", "", ""), @"Fault: no authserv-id is configured, so that all of CBP's mail goes to review");
    }
}
