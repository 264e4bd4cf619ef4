//! `acewatch close` and `acewatch reopen`: stop following an application, and take it up again.

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::render::{self, Masking};
use super::{Context, select};
use crate::app::App;
use crate::domain::application::ApplicationId;
use crate::domain::event::EventKind;
use crate::store::query::Summary;

/// Stop following an application
///
/// Nothing of its history is lost, and no window of it runs any more.
#[derive(Debug, clap::Args)]
pub struct CloseArgs {
    /// Its id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Follow a closed application again
///
/// It goes on at the stage at which its history left it.
#[derive(Debug, clap::Args)]
pub struct ReopenArgs {
    /// Its id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
}

/// Closes.
///
/// # Errors
///
/// It is closed already, or no reason is given.
pub(crate) fn close(cx: &Context, args: &CloseArgs) -> Result<(), Failure> {
    let reason = args.reason.trim();
    if reason.is_empty() {
        return Err(Failure::usage("the reason is empty").hint("say why in a few words"));
    }
    let mut target = Target::of(cx, &args.application)?;
    if let Some(closed_at) = target.closed_at {
        let zone = target.app.settings.time_zone;
        return Err(Failure::new(format!(
            "{} is closed already, since {}",
            target.name,
            render::moment(closed_at, zone)
        ))
        .hint(format!("`acewatch reopen {}` follows it again", target.number())));
    }
    target.record(EventKind::Closed, Some(reason.to_owned()))?;
    render::print(&format!("closed {}\n", target.name))
}

/// Reopens.
///
/// # Errors
///
/// It is not closed.
pub(crate) fn reopen(cx: &Context, args: &ReopenArgs) -> Result<(), Failure> {
    let mut target = Target::of(cx, &args.application)?;
    if target.closed_at.is_none() {
        return Err(Failure::new(format!("{} is not closed", target.name)));
    }
    target.record(EventKind::Reopened, None)?;
    render::print(&format!("reopened {}\n", target.name))
}

/// An application that a command of the user's changes, and the instant at which it does.
pub(super) struct Target {
    /// The program.
    pub(super) app: App,
    /// The application.
    pub(super) summary: Summary,
    /// How it is called in answers, fit for a terminal.
    pub(super) name: String,
    /// When it was closed, if it is.
    closed_at: Option<DateTime<Utc>>,
    /// The present, or the instant of `--at`.
    at: DateTime<Utc>,
}

impl Target {
    /// Finds the application that `written` names.
    pub(super) fn of(cx: &Context, written: &str) -> Result<Target, Failure> {
        let masking = Masking { reveal: cx.global.reveal };
        let app = cx.app()?;
        let at = cx.now(&app)?;
        let summary = select::application(&app, written, masking)?;
        // The cached summary may be one of another time than `--at`.
        let (history, _) = app.standing(&summary.application, &app.coverage()?, at)?;
        let application = &summary.application;
        let ApplicationId(id) = application.id;
        let name = format!(
            "{} (#{id}, {})",
            masking.text(&application.company),
            masking.number(&application.number),
        );
        Ok(Target { app, summary, name, closed_at: history.closed_at, at })
    }

    /// Its number in the database.
    pub(super) fn number(&self) -> i64 {
        self.summary.application.id.0
    }

    /// Adds an event that happens at the instant of the command.
    pub(super) fn record(&mut self, kind: EventKind, text: Option<String>) -> Result<(), Failure> {
        Ok(self.app.add_event(self.summary.application.id, kind, text, self.at)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Color, Global};
    use crate::config::Environment;
    use crate::domain::application::{Route, Stage};
    use crate::store::query;
    use crate::store::record::NewApplication;

    /// A program with one application and nothing else, as of an instant.
    fn context(home: &std::path::Path, at: &str) -> Context {
        let global = Global {
            config: None,
            database: None,
            at: Some(at.to_owned()),
            color: Color::Never,
            verbose: 0,
            quiet: true,
            reveal: false,
        };
        let environment = Environment {
            config_home: home.join("config"),
            data_home: home.join("data"),
            runtime_dir: None,
            credentials_directory: None,
            system_zone: Some("America/Denver".to_owned()),
        };
        let cx = Context { global, environment };
        let mut app = cx.app().unwrap();
        let new = NewApplication {
            company: "Acme Imports LLC".to_owned(),
            number: "12-345678900".parse().unwrap(),
            route: Route::Email,
            aliases: Vec::new(),
            tags: Vec::new(),
            contact: None,
            notes: None,
        };
        let now = cx.now(&app).unwrap();
        app.register(&[(new, Some(now))], now).unwrap();
        cx
    }

    fn closing(application: &str, reason: &str) -> CloseArgs {
        CloseArgs { application: application.to_owned(), reason: reason.to_owned() }
    }

    fn check(cx: &Context, expected: Stage) {
        let app = cx.app().unwrap();
        let stages: Vec<Stage> = query::summaries(app.store.read())
            .unwrap()
            .into_iter()
            .map(|summary| summary.stage)
            .collect();
        assert_eq!(stages, [expected]);
    }

    #[test]
    fn what_is_closed_is_not_closed_again_and_goes_on_where_it_was() {
        let home = tempfile::tempdir().unwrap();
        let cx = context(home.path(), "2026-05-20T12:00:00Z");
        let reopening = ReopenArgs { application: "1".to_owned() };
        assert!(reopen(&cx, &reopening).is_err());
        close(&cx, &closing("acme", " withdrawn ")).unwrap();
        check(&cx, Stage::Closed);
        let refused = format!("{:?}", close(&cx, &closing("12-3456789", "again")).unwrap_err());
        assert!(refused.contains("closed already, since Wed 20 May 2026 06:00 MDT"), "{refused}");
        reopen(&cx, &reopening).unwrap();
        check(&cx, Stage::Submitted);
    }

    #[test]
    fn the_event_bears_the_instant_asked_for_and_the_reason() {
        let home = tempfile::tempdir().unwrap();
        let mut cx = context(home.path(), "2026-05-20T12:00:00Z");
        cx.global.at = Some("2026-05-22".to_owned());
        close(&cx, &closing("1", " withdrawn ")).unwrap();
        let app = cx.app().unwrap();
        let events = query::events(app.store.read(), ApplicationId(1)).unwrap();
        let closed = events.last().unwrap();
        assert_eq!(closed.at.to_rfc3339(), "2026-05-22T04:00:00+00:00");
        assert_eq!(closed.text.as_deref(), Some("withdrawn"));
    }

    #[test]
    fn a_closing_without_a_reason_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let cx = context(home.path(), "2026-05-20T12:00:00Z");
        assert!(close(&cx, &closing("1", "  ")).is_err());
        check(&cx, Stage::Submitted);
    }
}
