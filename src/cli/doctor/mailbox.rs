//! Whether each mailbox can be read.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Check;
use crate::config::{MailboxSettings, Settings};
use crate::mailbox::probe::{self, ProbeStep};

/// How long all mailboxes together may take. Every step has its own limit; this one holds for a
/// server that stays just below each of them.
const LONGEST_PROBE: Duration = Duration::from_mins(3);

/// Tries a mailbox as far as it goes.
pub(super) async fn of_mailbox(
    mailbox: &MailboxSettings,
    settings: &Settings,
    now: DateTime<Utc>,
) -> Vec<Check> {
    let (limits, trust) = (&settings.limits, settings.trust_in(&mailbox.name));
    let probing = probe::probe(mailbox, limits, &trust, settings.dkim.is_some(), now);
    match tokio::time::timeout(LONGEST_PROBE, probing).await {
        Ok(steps) => steps.into_iter().map(|step| of_step(&mailbox.name, step)).collect(),
        Err(_) => vec![Check::fault(
            format!("mailbox {}", mailbox.name),
            format!(
                "{}:{} gave no answer within {} seconds",
                mailbox.host,
                mailbox.port,
                LONGEST_PROBE.as_secs()
            ),
            "try again later; if it stays like this, ask whoever runs the server",
        )],
    }
}

pub(super) fn of_step(mailbox: &str, step: ProbeStep) -> Check {
    let name = format!("mailbox {mailbox}: {}", step.name);
    match (step.outcome, step.hint) {
        (Ok(found), None) => Check::good(name, found),
        (Ok(found), Some(hint)) => Check::warning(name, found, hint),
        (Err(why), hint) => {
            let hint = hint.unwrap_or_else(|| {
                format!(
                    "compare the mailbox {mailbox} in the configuration with what its provider says"
                )
            });
            Check::fault(name, why, hint)
        }
    }
}

/// How the permission to read it stands, where it is read by OAuth.
pub(super) fn of_sign_in((mailbox, line, hint): (String, String, Option<String>)) -> Check {
    let name = format!("mailbox {mailbox}: sign-in");
    match hint {
        None => Check::good(name, line),
        Some(hint) => Check::warning(name, line, hint),
    }
}
