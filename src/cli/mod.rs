//! The commands: one file each, with an `Args` struct whose doc comments are the help.
//!
//! Data goes to standard output and everything else to standard error. What a person or a
//! foreign server wrote is escaped wherever it is shown ([`render`]). Only [`failure`] knows exit
//! codes.

pub mod add;
pub mod backup;
pub mod calendar;
pub mod check;
pub mod close;
pub mod completions;
pub mod demo;
mod desktop;
pub mod doctor;
pub mod done;
pub mod draft;
pub mod edit;
pub mod explain;
mod extend;
pub mod failure;
mod hidden;
pub mod import;
pub mod init;
mod log;
pub mod man;
pub mod note;
pub mod notify_test;
pub mod render;
pub mod review;
pub mod rules;
pub mod run;
pub(crate) mod secret;
pub mod select;
pub mod service;
pub mod show;
pub mod sign_in;
pub mod snooze;
pub mod status;
pub mod subject;
pub(crate) mod told;

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Parser, Subcommand, ValueEnum};

use crate::app::{App, OnDemand};
use crate::clock;
use crate::config::{self, Environment, Settings};
use crate::domain::rules::Rules;
use crate::store::Store;
use failure::Failure;
use render::Masking;

/// Watch for CBP's answers to ACE account applications
///
/// acewatch reads your mailboxes without changing anything in them, finds CBP's receipts and
/// answers, keeps each application's history, and tells you when an answer is late. Without a
/// command it prints the overview.
#[derive(Debug, Parser)]
#[command(name = "acewatch", version, arg_required_else_help = false)]
pub struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Global options")]
pub(crate) struct Global {
    /// Read the configuration from FILE
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Keep the history in FILE
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) database: Option<PathBuf>,
    /// Evaluate as of TIME (RFC 3339, or YYYY-MM-DD for the beginning of that day) instead of now
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: Color,
    /// Say more on standard error; twice for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Say less on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Show social security numbers in full
    #[arg(long, global = true)]
    pub(crate) reveal: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(Box<init::Args>),
    Run(run::Args),
    Check(check::Args),
    Status(status::Args),
    Show(show::Args),
    Add(add::Args),
    Import(import::Args),
    Explain(explain::Args),
    Review(review::Args),
    Rules(rules::Args),
    Note(note::Args),
    Ack(snooze::AckArgs),
    Snooze(snooze::SnoozeArgs),
    Extend(extend::Args),
    Edit(edit::Args),
    Draft(draft::Args),
    Done(done::Args),
    Close(close::CloseArgs),
    Reopen(close::ReopenArgs),
    Calendar(calendar::Args),
    Subject(subject::Args),
    Backup(backup::Args),
    NotifyTest(notify_test::Args),
    Doctor(doctor::Args),
    Secret(secret::Args),
    SignIn(sign_in::Args),
    Service(service::Args),
    Demo(demo::Args),
    Completions(completions::Args),
    Man(man::Args),
}

impl Cli {
    /// Carries out the command.
    ///
    /// # Errors
    ///
    /// Whatever a person must be told; see [`Failure`].
    pub fn run(self) -> Result<(), Failure> {
        set_color(self.global.color);
        let is_daemon = matches!(self.command, Some(Command::Run(_)));
        log::start(self.global.quiet, self.global.verbose, is_daemon);
        let cx = Context { global: self.global, environment: Environment::from_process() };
        match self.command.unwrap_or_else(|| Command::Status(status::Args::default())) {
            Command::Init(args) => init::run(&cx, &args),
            Command::Run(args) => run::run(&cx, &args),
            Command::Check(args) => check::run(&cx, &args),
            Command::Status(args) => status::run(&cx, &args),
            Command::Show(args) => show::run(&cx, &args),
            Command::Add(args) => add::run(&cx, &args),
            Command::Import(args) => import::run(&cx, &args),
            Command::Explain(args) => explain::run(&cx, &args),
            Command::Review(args) => review::run(&cx, &args),
            Command::Rules(args) => rules::run(&cx, &args),
            Command::Note(args) => note::run(&cx, &args),
            Command::Ack(args) => snooze::ack(&cx, &args),
            Command::Snooze(args) => snooze::snooze(&cx, &args),
            Command::Extend(args) => extend::run(&cx, &args),
            Command::Edit(args) => edit::run(&cx, &args),
            Command::Draft(args) => draft::run(&cx, &args),
            Command::Done(args) => done::run(&cx, &args),
            Command::Close(args) => close::close(&cx, &args),
            Command::Reopen(args) => close::reopen(&cx, &args),
            Command::Calendar(args) => calendar::run(&cx, &args),
            Command::Subject(args) => subject::run(&cx, &args),
            Command::Backup(args) => backup::run(&cx, &args),
            Command::NotifyTest(args) => notify_test::run(&cx, &args),
            Command::Doctor(args) => doctor::run(&cx, &args),
            Command::Secret(args) => secret::run(&cx, &args),
            Command::SignIn(args) => sign_in::run(&cx, &args),
            Command::Service(args) => service::run(&cx, &args),
            Command::Demo(args) => demo::run(&cx, &args),
            Command::Completions(args) => completions::run(&args),
            Command::Man(args) => man::run(&args),
        }
    }
}

/// The reason that a person gives, which must say something where it is given.
pub(crate) fn reason_of(written: Option<&str>) -> Result<Option<String>, Failure> {
    match written.map(str::trim) {
        Some("") => Err(Failure::usage("the reason is empty").hint("say why in a few words")),
        reason => Ok(reason.map(str::to_owned)),
    }
}

/// What a command needs to know of its surroundings.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) global: Global,
    pub(crate) environment: Environment,
}

impl Context {
    /// The settings, with their warnings told.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        let settings = config::load(self.global.config.as_deref(), &self.environment)?;
        for warning in &settings.warnings {
            tracing::warn!("{warning}");
        }
        Ok(settings)
    }

    /// The rules, with the user's own on top.
    pub(crate) fn rules(&self) -> Result<OnDemand, Failure> {
        let path = config::rules_path(&self.environment);
        let user = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(OnDemand::built_in());
            }
            Err(error) => {
                return Err(Failure::configuration(
                    format!("cannot read {}", path.display()),
                    error,
                ));
            }
        };
        let rules = Rules::read(Some(&user)).map_err(|error| {
            Failure::configuration(format!("cannot use the rules of {}", path.display()), error)
        })?;
        for warning in rules.warnings() {
            tracing::warn!("{}: {}", path.display(), render::escaped(warning));
        }
        Ok(OnDemand::from(rules))
    }

    /// The database's path.
    pub(crate) fn database(&self) -> PathBuf {
        self.global.database.clone().unwrap_or_else(|| config::default_database(&self.environment))
    }

    /// The whole program, with the database made if it is missing.
    pub(crate) fn app(&self) -> Result<App, Failure> {
        self.app_with(self.settings()?)
    }

    /// The same with settings that were read already.
    pub(crate) fn app_with(&self, settings: Settings) -> Result<App, Failure> {
        let rules = self.rules()?;
        Ok(App::new(Store::open(&self.database())?, settings, rules))
    }

    /// The same for commands that only read: a missing database is an empty one, and stays missing.
    pub(crate) fn app_to_read(&self) -> Result<App, Failure> {
        self.reading(self.rules()?)
    }

    /// The same for commands that judge no mail, and work where the user's rules are broken, too.
    pub(crate) fn app_to_look(&self) -> Result<App, Failure> {
        self.reading(OnDemand::built_in())
    }

    fn reading(&self, rules: OnDemand) -> Result<App, Failure> {
        let settings = self.settings()?;
        let store = match Store::open_existing(&self.database())? {
            Some(store) => store,
            None => Store::missing(&self.database())?,
        };
        Ok(App::new(store, settings, rules))
    }

    /// How secrets are shown.
    pub(crate) fn masking(&self, app: &App) -> Result<Masking, Failure> {
        let ssns = crate::store::query::social_security_numbers(app.store.read())?;
        Ok(Masking { reveal: self.global.reveal, ssns })
    }

    /// The instant asked for with `--at`; a date is the beginning of that day in the calendar's zone.
    pub(crate) fn at(&self, app: &App) -> Result<Option<DateTime<Utc>>, Failure> {
        let Some(text) = &self.global.at else { return Ok(None) };
        parse_time(text, |date| app.calendar.start_of(date)).map(Some)
    }

    /// The present instant, or the one asked for with `--at`.
    pub(crate) fn now(&self, app: &App) -> Result<DateTime<Utc>, Failure> {
        Ok(self.at(app)?.unwrap_or_else(clock::now))
    }
}

/// Reads RFC 3339 or a date.
pub(crate) fn parse_time(
    text: &str,
    start_of: impl Fn(NaiveDate) -> DateTime<Utc>,
) -> Result<DateTime<Utc>, Failure> {
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").map(start_of).map_err(|_| {
        Failure::usage(format!("{text:?} is no time"))
            .hint("write 2026-05-04 or 2026-05-04T13:05:00Z")
    })
}

fn set_color(color: Color) {
    let choice = match color {
        Color::Auto => return,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}
