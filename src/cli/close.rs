//! `acewatch close` and `acewatch reopen`: stop following an application, and take it up again.

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::render::{self, Masking};
use super::{Context, reason_of, select};
use crate::app::App;
use crate::domain::application::{ApplicationId, History};
use crate::domain::evaluation::Evaluation;
use crate::domain::event::EventKind;
use crate::store::query::Summary;

/// Stop following an application
///
/// Nothing of its history is lost, and no window of it runs any more.
#[derive(Debug, clap::Args)]
pub struct CloseArgs {
    /// The application's id, its importer number, or a part of its company's name that fits only one
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
    /// The application's id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
}

/// Closes.
///
/// # Errors
///
/// It is closed already, or no reason is given.
pub(crate) fn close(cx: &Context, args: &CloseArgs) -> Result<(), Failure> {
    let mut app = cx.app()?;
    let at = cx.now(&app)?;
    let masking = cx.masking(&app)?;
    let mut target = Target::of(&mut app, &args.application, at, &masking)?;
    target.close(&args.reason)?;
    render::print(&format!("closed {}\n", target.name))
}

/// Reopens.
///
/// # Errors
///
/// It is not closed.
pub(crate) fn reopen(cx: &Context, args: &ReopenArgs) -> Result<(), Failure> {
    let mut app = cx.app()?;
    let at = cx.now(&app)?;
    let masking = cx.masking(&app)?;
    let mut target = Target::of(&mut app, &args.application, at, &masking)?;
    target.reopen()?;
    render::print(&format!("reopened {}\n", target.name))
}

/// An application that a command of the user's changes, and the instant at which it does.
pub(super) struct Target<'a> {
    /// The program.
    pub(super) app: &'a mut App,
    /// The application.
    pub(super) summary: Summary,
    /// How it is called in answers, fit for a terminal.
    pub(super) name: String,
    /// How it stands at that instant.
    pub(super) history: History,
    pub(super) evaluation: Evaluation,
    /// The present, or the instant of `--at`.
    at: DateTime<Utc>,
}

impl Target<'_> {
    /// Finds the application that `written` names.
    pub(super) fn of<'a>(
        app: &'a mut App,
        written: &str,
        at: DateTime<Utc>,
        masking: &Masking,
    ) -> Result<Target<'a>, Failure> {
        let summary = select::application(app, written, masking)?;
        // The cached summary may be one of another time than `--at`.
        let (history, evaluation) = app.standing(&summary.application, &app.coverage()?, at)?;
        let application = &summary.application;
        let ApplicationId(id) = application.id;
        let name = format!(
            "{} (#{id}, {})",
            masking.text(&application.company),
            masking.number(&application.number),
        );
        Ok(Target { app, summary, name, history, evaluation, at })
    }

    /// Adds an event that happens at the instant of the command.
    pub(super) fn record(&mut self, kind: EventKind, text: Option<String>) -> Result<(), Failure> {
        Ok(self.app.add_event(self.summary.application.id, kind, text, self.at)?)
    }

    fn close(&mut self, reason: &str) -> Result<(), Failure> {
        let reason = reason_of(Some(reason))?;
        if let Some(closed_at) = self.history.closed_at {
            let since = render::moment(closed_at, &self.app.settings.time_zone);
            let ApplicationId(id) = self.summary.application.id;
            return Err(Failure::new(format!("{} is closed already, since {since}", self.name))
                .hint(format!("`acewatch reopen {id}` follows it again")));
        }
        self.record(EventKind::Closed, reason)
    }

    fn reopen(&mut self) -> Result<(), Failure> {
        match self.history.closed_at {
            Some(_) => self.record(EventKind::Reopened, None),
            None => Err(Failure::new(format!("{} is not closed", self.name))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Environment};
    use crate::domain::application::Stage;
    use crate::domain::rules::Rules;
    use crate::store::Store;
    use crate::store::query;
    use crate::store::record::NewApplication;

    fn at(written: &str) -> DateTime<Utc> {
        written.parse().unwrap()
    }

    /// A program in memory with one application.
    fn program() -> App {
        let nowhere = std::path::PathBuf::from("/nowhere");
        let environment = Environment {
            config_home: nowhere.clone(),
            data_home: nowhere.clone(),
            credentials_directory: None,
            system_zone: Some("America/Denver".to_owned()),
        };
        let settings = config::parse("", &nowhere, &environment).unwrap();
        let rules = Rules::read(None).unwrap();
        let mut app = App::new(Store::in_memory().unwrap(), settings, rules);
        let new = NewApplication::by_mail("Acme Imports LLC", "12-345678900".parse().unwrap());
        let now = at("2026-05-20T12:00:00Z");
        app.register(&[(new, Some(now))], now).unwrap();
        app
    }

    fn target<'a>(app: &'a mut App, written: &str, now: &str) -> Target<'a> {
        Target::of(app, written, at(now), &Masking::default()).unwrap()
    }

    fn check(app: &App, expected: Stage) {
        let summary = query::summary_of(app.store.read(), ApplicationId(1)).unwrap().unwrap();
        assert_eq!(summary.stage, expected);
    }

    #[test]
    fn what_is_closed_is_not_closed_again_and_goes_on_where_it_was() {
        let mut app = program();
        assert!(target(&mut app, "1", "2026-05-20T12:00:00Z").reopen().is_err());
        assert!(target(&mut app, "1", "2026-05-20T12:00:00Z").close("  ").is_err());
        check(&app, Stage::Submitted);

        target(&mut app, "acme", "2026-05-21T12:00:00Z").close(" withdrawn ").unwrap();
        check(&app, Stage::Closed);
        let events = query::events(app.store.read(), ApplicationId(1)).unwrap();
        let closed = events.last().unwrap();
        assert_eq!(closed.at, at("2026-05-21T12:00:00Z"));
        assert_eq!(closed.text.as_deref(), Some("withdrawn"));

        let again = target(&mut app, "12-3456789", "2026-05-22T12:00:00Z").close("again");
        let refused = format!("{:?}", again.unwrap_err());
        assert!(refused.contains("closed already, since Thu 21 May 2026 06:00 MDT"), "{refused}");

        target(&mut app, "1", "2026-05-23T12:00:00Z").reopen().unwrap();
        check(&app, Stage::Submitted);
    }
}
