//! What a person does with a notice on the desktop, and which notice takes the place of which.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::judge::Judge;
use super::{App, code_validity, command};
use crate::domain::alert::{Alert, AlertKind};
use crate::domain::application::ApplicationId;
use crate::domain::event::{EventKind, NewEvent, Source};
use crate::domain::notice::NoticeId;
use crate::notify::desktop::Button;
use crate::notify::open::{filled_in, in_terminal};
use crate::store::notice::{self, State};
use crate::store::{self, record};

/// The buttons below a notice about these alerts. The notice itself is one, too.
pub fn buttons_of<'a>(alerts: impl Iterator<Item = &'a Alert> + Clone) -> Vec<Button> {
    let is_code = |alert: &Alert| alert.kind == AlertKind::VerificationCode;
    if alerts.clone().all(is_code) {
        return Vec::new();
    }
    let mut buttons = vec![("default", "Show"), ("show", "Show")];
    if only_application(alerts.clone()).is_some() {
        // A snooze holds back what the clock raises, and would promise to tell of a mail again.
        if alerts.clone().any(|alert| alert.kind.is_of_the_clock()) {
            buttons.push(("snooze", "Snooze a day"));
        }
        buttons.push(("done", "Done"));
    }
    buttons
}

/// Whether a notice about `new` takes the place of one about `old`, which `is_settled` says no longer
/// holds: an answer that of the question, a reminder that of the alert it reminds of.
pub fn replaced_by(new: &Alert, old: &[Alert], is_settled: bool) -> bool {
    let is_reminder = |old: &Alert| {
        new.kind == AlertKind::Reminder && old.kind.is_of_the_clock() && old.tells_of(new)
    };
    let is_same = |old: &Alert| match (new.application, old.application) {
        (None, None) => mailbox_of(&new.key).is_some_and(|own| mailbox_of(&old.key) == Some(own)),
        (new, old) => new == old,
    };
    !old.is_empty() && old.iter().all(|old| is_same(old) && (is_settled || is_reminder(old)))
}

fn mailbox_of(key: &str) -> Option<&str> {
    key.strip_prefix("mailbox/")?.split('/').next()
}

fn only_application<'a>(alerts: impl Iterator<Item = &'a Alert>) -> Option<ApplicationId> {
    let about: BTreeSet<Option<ApplicationId>> = alerts.map(|alert| alert.application).collect();
    match about.into_iter().collect::<Vec<_>>().as_slice() {
        [one] => *one,
        _ => None,
    }
}

/// The command of acewatch that shows what these alerts are about.
fn words_of(alerts: &[Alert]) -> Vec<String> {
    let kinds: BTreeSet<AlertKind> = alerts.iter().map(|alert| alert.kind).collect();
    let words: &[&str] = match kinds.into_iter().collect::<Vec<_>>().as_slice() {
        [AlertKind::Review | AlertKind::Suspicious] => &["review"],
        [AlertKind::Unrecognised] => &["rules", "unrecognised"],
        [AlertKind::Blind | AlertKind::Unreadable | AlertKind::SignIn | AlertKind::SignInSoon] => {
            &["doctor"]
        }
        _ => &["status"],
    };
    words.iter().map(|&word| word.to_owned()).collect()
}

impl App {
    /// Does what a button of a notice is for, and records it, once for each notice; says which
    /// program is to be started.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn pressed(
        &mut self,
        id: &NoticeId,
        button: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<Vec<String>>> {
        let alerts = notice::alerts_of(self.store.read(), id)?;
        if alerts.is_empty() {
            return Ok(None);
        }
        let application = only_application(alerts.iter());
        let until = self.coverage()?.known_until();
        let from_notice = |kind| NewEvent { source: Source::Notice, ..command(now, kind, None) };
        let (name, event) = match (button, application) {
            ("default" | "show", _) => ("show", None),
            ("snooze", Some(_)) => {
                let tomorrow = now.with_timezone(&self.settings.time_zone).date_naive();
                let until = tomorrow.succ_opt().map(|day| self.hours().beginning_of(day));
                let text = Some("for a day".to_owned());
                ("snooze", Some(NewEvent { until, text, ..from_notice(EventKind::Snoozed) }))
            }
            ("done", Some(_)) => {
                ("done", Some(NewEvent { until, ..from_notice(EventKind::Acknowledged) }))
            }
            _ => return Ok(None),
        };
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = &mut *self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        let is_news = store
            .write(|tx| -> Result<bool, store::Error> {
                if !notice::changed(tx, id, State::Acted, Some(name), now)? {
                    return Ok(false);
                }
                if let (Some(application), Some(event)) = (application, &event) {
                    record::event(tx, application, event, None, now)?;
                    judge.sum_up(tx, application)?;
                    notice::settle_notice(tx, id, now)?;
                }
                Ok(true)
            })
            .context("cannot record what was done with a notice")?;
        if name != "show" {
            return Ok(None);
        }
        // A server may leave the notice where it is, so that it can be pressed again.
        tracing::debug!(is_news, "a notice is to be shown");
        Ok(self.shows(application, &alerts))
    }

    /// The program that shows an application, or what else alerts are about.
    fn shows(&self, application: Option<ApplicationId>, alerts: &[Alert]) -> Option<Vec<String>> {
        let own = &self.settings.notify.show_command;
        let words = match application {
            Some(ApplicationId(id)) if !own.is_empty() => return Some(filled_in(own, id)),
            Some(ApplicationId(id)) => vec!["show".to_owned(), id.to_string()],
            None => words_of(alerts),
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("acewatch"));
        let (config, database) = (self.settings.path.as_deref(), self.store.path());
        let command = in_terminal(&path, &program, config, database, &words);
        if command.is_none() {
            tracing::warn!("no terminal is found to show it in; set `show-command` in [notify]");
        }
        command
    }

    /// Settles codes that are worth nothing any more, so that they leave the screen.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn settle_old_codes(&mut self, now: DateTime<Utc>) -> Result<()> {
        let codes = notice::old_codes(self.store.read(), now - code_validity())?;
        if codes.is_empty() {
            return Ok(());
        }
        self.store
            .write(|tx| notice::settle_ids(tx, &codes, now))
            .context("cannot record that a code is void")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(key: &str, kind: AlertKind, application: Option<i64>) -> Alert {
        Alert {
            key: key.to_owned(),
            kind,
            application: application.map(ApplicationId),
            title: String::new(),
            body: String::new(),
            is_pressing: false,
        }
    }

    fn names(alerts: &[Alert]) -> Vec<&'static str> {
        buttons_of(alerts.iter()).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn a_notice_has_the_buttons_that_mean_something() {
        let overdue = alert("window/7/decision/1/overdue", AlertKind::Overdue, Some(7));
        let approval = alert("mail/approval/7/x", AlertKind::Approval, Some(7));
        let code = alert("mail/verification_code/x", AlertKind::VerificationCode, None);
        let other = alert("window/8/decision/1/overdue", AlertKind::Overdue, Some(8));
        assert_eq!(names(std::slice::from_ref(&overdue)), ["default", "show", "snooze", "done"]);
        assert_eq!(names(std::slice::from_ref(&approval)), ["default", "show", "done"]);
        assert_eq!(names(&[overdue.clone(), other]), ["default", "show"]);
        assert_eq!(names(&[overdue, approval]), ["default", "show", "snooze", "done"]);
        assert_eq!(names(&[code]), [""; 0]);
    }

    #[test]
    fn an_answer_replaces_what_it_settles_and_a_reminder_what_it_reminds_of() {
        let overdue = alert("window/7/decision/1/overdue", AlertKind::Overdue, Some(7));
        let reminder = alert("window/7/decision/1/reminder-1", AlertKind::Reminder, Some(7));
        let approval = alert("mail/approval/7/x", AlertKind::Approval, Some(7));
        let other = alert("window/8/decision/1/overdue", AlertKind::Overdue, Some(8));
        let blind = alert("mailbox/office/blind/1", AlertKind::Blind, None);
        let over = alert("mailbox/office/readable/2", AlertKind::BlindOver, None);
        let elsewhere = alert("mailbox/home/readable/2", AlertKind::BlindOver, None);
        let check = |new: &Alert, old: &Alert, settled: bool, expected: bool| {
            assert_eq!(replaced_by(new, std::slice::from_ref(old), settled), expected, "{new:?}");
        };
        check(&approval, &overdue, true, true);
        check(&approval, &overdue, false, false);
        check(&approval, &other, true, false);
        check(&reminder, &overdue, false, true);
        check(&reminder, &other, false, false);
        check(&over, &blind, true, true);
        check(&elsewhere, &blind, true, false);
        check(&approval, &blind, true, false);
        assert!(!replaced_by(&approval, &[], true));
        assert!(!replaced_by(&approval, &[overdue, other], true));
    }
}
