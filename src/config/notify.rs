//! `[notify]` as meant: when, how often and how strongly a person is told on the desktop.

use super::channel::alert_kind;
use super::file::{self, Source};
use super::secret::arguments;
use super::value::{self, Fault};
use super::{ConfigError, NotifySettings};
use crate::domain::alert::Urgency;
use crate::domain::notice::Urgencies;

/// Decides what `[notify]` means.
pub(super) fn notify(
    source: Source<'_>,
    written: file::Notify,
) -> Result<NotifySettings, ConfigError> {
    let default = NotifySettings::default();
    let digest_over = source.digest_over(written.digest_over)?.unwrap_or(default.digest_over);
    let per_minute = match written.per_minute {
        None => default.per_minute,
        Some(n) => u32::try_from(*n.get_ref()).ok().filter(|n| 0 < *n).ok_or_else(|| {
            let fault = Fault::new("is no number of notices", "write 1 or more");
            source.faulty(n.span().start, "per-minute", fault)
        })?,
    };
    let show_command = match written.show_command {
        None => default.show_command,
        Some(command) if command.get_ref().is_empty() => Vec::new(),
        Some(command) => {
            let at = command.span().start;
            arguments(source, command.into_inner())
                .map_err(|fault| source.faulty(at, "show-command", fault))?
        }
    };
    let mut chosen = Urgencies::new();
    for (name, text) in written.urgency {
        let at = text.span().start;
        let kind = alert_kind(&name)
            .map_err(|Fault { hint, .. }| Fault::new("is no kind of alert", hint))
            .map_err(|fault| source.faulty(at, &name, fault))?;
        let urgency = urgency(text.get_ref()).map_err(|fault| source.faulty(at, &name, fault))?;
        if urgency != Some(kind.urgency()) {
            chosen.insert(kind, urgency);
        }
    }
    Ok(NotifySettings {
        desktop: written.desktop.unwrap_or(default.desktop),
        quiet_hours: source
            .read("quiet-hours", written.quiet_hours, value::quiet_hours)?
            .unwrap_or(default.quiet_hours),
        working_days_only: written.working_days_only.unwrap_or(default.working_days_only),
        reminders: match written.reminders {
            None => default.reminders,
            // Not `read_all`: twice "2bd" means what it says.
            Some(written) => written
                .into_iter()
                .filter_map(|text| source.read("reminders", Some(text), value::days).transpose())
                .collect::<Result<_, _>>()?,
        },
        digest_over,
        per_minute,
        retry: source.wait("retry", written.retry, default.retry)?,
        show_command,
        urgency: chosen,
    })
}

fn urgency(written: &str) -> Result<Option<Urgency>, Fault> {
    match written {
        "low" => Ok(Some(Urgency::Low)),
        "normal" => Ok(Some(Urgency::Normal)),
        "critical" => Ok(Some(Urgency::Critical)),
        "off" => Ok(None),
        _ => Err(Fault::new("is no urgency", "write \"low\", \"normal\", \"critical\" or \"off\"")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::resolve::testing::{check, resolve};
    use super::*;
    use crate::domain::alert::AlertKind;
    use crate::domain::span::{CountUnit, Span};

    #[test]
    fn notices_are_configured_in_full_or_not_at_all() {
        let settings = resolve(
            "[notify]\ndesktop = false\nquiet-hours = \"\"\nworking-days-only = false\n\
             reminders = [\"1bd\", \"1bd\"]\ndigest-over = 0\nper-minute = 1\nretry = \"1m\"\n\
             show-command = [\"./show\", \"{application}\"]\n\
             [notify.urgency]\ndue = \"off\"\nfaulty-submission = \"critical\"\nreview = \"low\"",
        )
        .unwrap();
        let day = Span { n: 1, unit: CountUnit::Business };
        let expected = NotifySettings {
            desktop: false,
            quiet_hours: None,
            working_days_only: false,
            reminders: vec![day, day],
            digest_over: 0,
            per_minute: 1,
            retry: Duration::from_secs(60),
            show_command: vec!["/etc/ace/./show".to_owned(), "{application}".to_owned()],
            urgency: Urgencies::from([
                (AlertKind::Due, None),
                (AlertKind::FaultySubmission, Some(Urgency::Critical)),
            ]),
        };
        assert_eq!(settings.notify, expected);
        check("[notify]\ndigest-over = -1", "2: `digest-over` is no number of alerts");
        check("[notify]\nper-minute = 0", "2: `per-minute` is no number of notices | write 1");
        check("[notify]\nreminders = [\"0d\"]", "2: `reminders` must be at least one day");
        check("[notify]\nquiet-hours = \"8-20\"", "2: `quiet-hours` names no hour");
        check("[notify]\nshow-command = [\"\"]", "2: `show-command` names no program");
        check("[notify.urgency]\noverdo = \"low\"", "2: `overdo` is no kind of alert | known are");
        check("[notify.urgency]\ndue = \"loud\"", "2: `due` is no urgency | write \"low\"");
    }
}
