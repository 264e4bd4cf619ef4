//! Whether the machine has what is needed: the time, the daemon, the service, the desktop.

use chrono::{DateTime, Datelike, Utc};

use super::super::service::Seen;
use super::Check;
use crate::config::Settings;
use crate::domain::alert::AlertKind;
use crate::notify::{NotifyError, desktop};
use crate::store::query::MailboxState;

/// The year in which acewatch was made: a clock before it is wrong.
const FIRST_YEAR: i32 = 2026;

pub(super) fn of_clock(now: DateTime<Utc>, states: &[MailboxState]) -> Check {
    let last = states.iter().filter_map(|state| state.last_complete_check).max();
    let shown = now.format("%Y-%m-%d %H:%M UTC");
    let hint = "set the computer's clock: timedatectl set-ntp true";
    if now.year() < FIRST_YEAR {
        return Check::fault("clock", format!("it says {shown}, before acewatch was made"), hint);
    }
    match last.filter(|last| now + chrono::Duration::hours(1) < *last) {
        Some(last) => Check::fault(
            "clock",
            format!(
                "it says {shown}, and a mailbox was read at {}",
                last.format("%Y-%m-%d %H:%M UTC")
            ),
            hint,
        ),
        None => Check::good("clock", shown.to_string()),
    }
}

pub(super) fn of_daemon(is_running: bool, settings: Option<&Settings>) -> Check {
    let has_mailboxes = settings.is_none_or(|settings| !settings.mailboxes.is_empty());
    match (is_running, has_mailboxes) {
        (true, _) => Check::good("daemon", "running"),
        (false, true) => Check::warning(
            "daemon",
            "not running, so that nobody watches",
            "`acewatch service install`, or `acewatch run` in a terminal",
        ),
        (false, false) => Check::good("daemon", "not running, and there is no mailbox to watch"),
    }
}

/// What systemd knows of the service; nothing where none is installed.
pub(super) fn of_service(seen: Option<Seen>, settings: Option<&Settings>) -> Option<Check> {
    const NAME: &str = "service";
    let Seen { words, fault, lingers } = seen?;
    // On a desktop, whoever has logged out sees no notice either.
    let tells_elsewhere = settings.is_some_and(|s| !s.channels.is_empty() || !s.notify.desktop);
    Some(match (fault, lingers) {
        (Some(hint), _) => Check::fault(NAME, words, hint),
        (None, Some(false)) if tells_elsewhere => Check::warning(
            NAME,
            format!(
                "{words}; it ends when you log out, and the channels are silent until you log in"
            ),
            "`acewatch service install --linger`",
        ),
        (None, _) => Check::good(NAME, words),
    })
}

pub(super) async fn of_notifications(settings: &Settings) -> Check {
    const NAME: &str = "notifications";
    if !settings.notify.desktop {
        let off = "switched off by `desktop = false`";
        return match settings.channels.is_empty() {
            true => Check::warning(
                NAME,
                format!("{off}, and there is no [[channel]]: nobody is told of anything"),
                "add a [[channel]] of kind \"mail\", \"webhook\" or \"command\" to the configuration, or look at `acewatch status`",
            ),
            false => Check::good(NAME, off),
        };
    }
    match desktop::probe(settings.limits.notify_timeout).await {
        Ok(server) if settings.notify.urgency.get(&AlertKind::VerificationCode) == Some(&None) => {
            Check::warning(
                NAME,
                format!("{server}; log-in codes are not shown"),
                "a code is worth nothing ten minutes later: remove `verification-code = \"off\"` from [notify.urgency], or have a channel carry them",
            )
        }
        Ok(server) => Check::good(NAME, server),
        Err(error) => {
            let hint = match &error {
                NotifyError::NoSessionBus => {
                    "log in to a desktop on this computer, or set `desktop = false` under [notify] and look at `acewatch status`"
                }
                NotifyError::NoServer => {
                    "start a notification server such as dunst or mako; GNOME, KDE and Xfce bring their own"
                }
                NotifyError::TimedOut | NotifyError::Refused(_) => {
                    "start the notification server anew"
                }
            };
            Check::fault(NAME, error.to_string(), hint)
        }
    }
}
