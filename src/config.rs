//! The configuration: the file as written becomes settings as meant, once.
//!
//! `config/file.rs` holds the keys as they stand in the TOML file, `config/value.rs` the
//! meaning of single values, `config/resolve.rs` the way from one to the other with every
//! default and every check (`config/mailbox.rs` those of a mailbox), and
//! `config/environment.rs` what the process contributes. Nobody else in the program looks at
//! the file or fills in a default; what comes out of [`load`] can be used without further
//! questions.
//!
//! A wrong file is refused whole, with the line, the key, the reason and what to write
//! instead: a watcher that runs on half of its configuration would be silent where it was told
//! to speak. What is merely odd becomes a warning.

mod channel;
pub mod draft;
mod environment;
mod file;
mod mailbox;
mod notify;
mod oauth;
mod resolve;
mod secret;
mod value;
mod window;

use std::borrow::Cow;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveTime;

pub use environment::Environment;

use crate::domain::authenticity::Trust;
use crate::domain::calendar::{Calendar, Choices, Closure};
use crate::domain::contact::Contact;
use crate::domain::expectation::Windows;
use crate::domain::notice::Urgencies;
use crate::domain::span::{CountUnit, Span};
use crate::domain::zone::Zone;
use crate::notify::channel::Channel;
use crate::secret::SecretSource;
use file::Source;

/// The commented example with every key and its default, as it is shipped.
pub const SAMPLE: &str = include_str!("../config/acewatch.toml");

/// Everything the user may decide, with the defaults filled in.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The file they come from; `None` if there was none and all are defaults.
    pub path: Option<PathBuf>,
    /// The reader's zone: how times are shown and when quiet hours are.
    pub time_zone: Zone,
    /// The mailboxes to watch, in the order of the file; may be empty, for imported mail only.
    pub mailboxes: Vec<MailboxSettings>,
    /// Who we and CBP are, and whose word counts for a mail of which nobody says in which mailbox it
    /// lay: theirs who are believed in all of them. For the mail of a mailbox there is
    /// [`Settings::trust_in`].
    pub trust: Trust,
    /// Whose word counts for the kept mail of a mailbox that is not configured any more: theirs whom
    /// `[trust]` names and every mailbox believes.
    pub trusted_unknown: Vec<String>,
    /// Who is asked for the keys of DKIM signatures; `None` where none is verified here.
    pub dkim: Option<Resolver>,
    /// Which days are business days.
    pub calendar: CalendarSettings,
    /// How CBP is reached.
    pub contact: Contact,
    /// How and when a person is told.
    pub notify: NotifySettings,
    /// The ways to a person beside the desktop, in the order of the file.
    pub channels: Vec<Channel>,
    /// How the daemon watches itself.
    pub watch: WatchSettings,
    /// The bound of every wait.
    pub limits: Limits,
    /// What is kept of the mails.
    pub storage: StorageSettings,
    /// How long answers may take, per route.
    pub windows: Windows,
    /// What is odd but no error, each a sentence fragment for a person.
    pub warnings: Vec<String>,
}

/// What stands for the mailbox of a mail that came as a file.
pub const IMPORT: &str = "import";

impl Settings {
    /// Whom to believe about the mail of a mailbox. A name that counts in one would, in another whose
    /// own server writes no results, be there for anybody to write; also in one that is configured no
    /// more, whose kept mails are still read again.
    pub fn trust_in(&self, mailbox: &str) -> Cow<'_, Trust> {
        let ids = match self.mailboxes.iter().find(|known| known.name == mailbox) {
            Some(known) => &known.authserv_ids,
            None if mailbox == IMPORT => &self.trust.authserv_ids,
            None => &self.trusted_unknown,
        };
        match *ids == self.trust.authserv_ids {
            true => Cow::Borrowed(&self.trust),
            false => Cow::Owned(Trust { authserv_ids: ids.clone(), ..self.trust.clone() }),
        }
    }
}

/// One IMAP account to watch.
#[derive(Clone, Debug)]
pub struct MailboxSettings {
    /// What people call it; unlike every other mailbox's.
    pub name: String,
    /// Host name or IP address, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// Certificates (PEM) trusted besides the platform's.
    pub ca_file: Option<PathBuf>,
    /// The SHA-256 of the only server certificate to accept; the trust anchors are not asked.
    pub pin_sha256: Option<[u8; 32]>,
    /// The log-in name.
    pub user: String,
    /// Where the password or token is read from, at each log-in anew.
    pub secret: SecretSource,
    /// The folders in which answers may arrive; at least one.
    pub folders: Vec<FolderName>,
    /// The folder in which our own submissions are.
    pub sent: Option<FolderName>,
    /// Whose Authentication-Results count in its mail: that of `[trust]`, or its own list.
    pub authserv_ids: Vec<String>,
    /// Whether to wait with IDLE between polls.
    pub idle: bool,
    /// The time between two looks by cursor, whatever IDLE says.
    pub poll_interval: Duration,
    /// How old a mail may be when a folder is read for the first time.
    pub look_back: Duration,
}

impl MailboxSettings {
    /// The default of [`MailboxSettings::poll_interval`].
    pub const POLL_INTERVAL: Duration = Duration::from_mins(5);
    /// The default of [`MailboxSettings::look_back`].
    pub const LOOK_BACK: Duration = Duration::from_hours(60 * 24);
}

/// How a connection is protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tls {
    /// TLS from the first byte (RFC 8314 §3); port 993.
    Implicit,
    /// Plain until STARTTLS (RFC 3501 §6.2.1), then TLS or nothing; port 143.
    StartTls,
    /// Never, which is accepted for loopback hosts only; port 143.
    None,
}

impl Tls {
    /// As the configuration has it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Implicit => "implicit",
            Self::StartTls => "starttls",
            Self::None => "none",
        }
    }

    /// The port on which servers offer it.
    pub fn default_port(self) -> u16 {
        match self {
            Self::Implicit => 993,
            Self::StartTls | Self::None => 143,
        }
    }
}

/// A folder by its name or by what it is for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FolderName {
    /// The name as people write it, not in IMAP's modified UTF-7.
    Named(String),
    /// The special-use attribute with its backslash, `\Junk` (RFC 6154).
    SpecialUse(String),
}

/// Who answers questions to the DNS.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Resolver {
    /// The one of this machine, after `/etc/resolv.conf`.
    System,
    /// The one at this address.
    At(SocketAddr),
}

/// What makes the business calendar.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CalendarSettings {
    /// The agency's zone, in which days begin and end.
    pub zone: Zone,
    /// Closures besides the built-in ones.
    pub closures: Vec<Closure>,
    /// The hour from which mail counts as the next day's; `None` for never.
    pub cut_off: Option<NaiveTime>,
    /// What law and custom leave open.
    pub choices: Choices,
}

impl CalendarSettings {
    /// The calendar that follows from them.
    pub fn calendar(&self) -> Calendar {
        Calendar::new(self.zone.clone(), self.closures.clone(), self.cut_off).deciding(self.choices)
    }
}

/// How and when a person is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotifySettings {
    /// Whether to show notices on the desktop.
    pub desktop: bool,
    /// When not to, in the reader's zone.
    pub quiet_hours: Option<QuietHours>,
    /// Whether to keep quiet on the reader's weekends and on holidays.
    pub working_days_only: bool,
    /// When to remind after a window is overdue, counted from there; the last one repeats.
    pub reminders: Vec<Span>,
    /// More alerts than this at once become one digest.
    pub digest_over: u32,
    /// No more notices than this in a minute; codes are not counted.
    pub per_minute: u32,
    /// The wait before an undelivered alert is tried again.
    pub retry: Duration,
    /// The program that shows an application, and its arguments, with `{application}` for the
    /// application's id; empty for a terminal with `acewatch show`.
    pub show_command: Vec<String>,
    /// How urgent the kinds are of which the user decided it.
    pub urgency: Urgencies,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            desktop: true,
            quiet_hours: NaiveTime::from_hms_opt(20, 0, 0)
                .zip(NaiveTime::from_hms_opt(8, 0, 0))
                .map(|(from, until)| QuietHours { from, until }),
            working_days_only: true,
            reminders: vec![
                Span { n: 2, unit: CountUnit::Business },
                Span { n: 7, unit: CountUnit::Calendar },
            ],
            digest_over: 3,
            per_minute: 3,
            show_command: Vec::new(),
            urgency: Urgencies::new(),
            retry: Duration::from_secs(30),
        }
    }
}

/// The hours of a day in which nobody wants to be told; over midnight if they end before they
/// begin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct QuietHours {
    /// The first quiet minute.
    pub from: NaiveTime,
    /// The first minute that is quiet no more.
    pub until: NaiveTime,
}

impl QuietHours {
    /// True if it is quiet at `time`, in the reader's zone.
    pub fn contains(&self, time: NaiveTime) -> bool {
        if self.from < self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }
}

/// How the daemon watches itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WatchSettings {
    /// How long a mailbox may be unreadable before that is an alert.
    pub blind_after: Duration,
    /// How often deadlines are looked at.
    pub tick: Duration,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self { blind_after: Duration::from_hours(1), tick: Duration::from_mins(1) }
    }
}

/// The bound of every wait, and of what is taken in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Limits {
    /// For name resolution, TCP and TLS together.
    pub connect_timeout: Duration,
    /// For the answer to one IMAP command.
    pub command_timeout: Duration,
    /// For the end of an IDLE after DONE.
    pub done_timeout: Duration,
    /// How long one IDLE lasts before it is begun anew.
    pub idle_renew: Duration,
    /// The first wait after a lost connection; it doubles from there.
    pub backoff_min: Duration,
    /// The longest such wait.
    pub backoff_max: Duration,
    /// The wait after a second refused log-in, so that no account is locked.
    pub refused_login_retry: Duration,
    /// The wait before a mail that could not be read is tried a third time. The second attempt comes
    /// in a twelfth of it; later the wait doubles three times.
    pub unreadable_retry: Duration,
    /// For the notification server's answer.
    pub notify_timeout: Duration,
    /// Handing one message to a channel.
    pub channel_timeout: Duration,
    /// For the DNS to answer what the DKIM signatures of one batch of mails ask of it.
    pub dns_timeout: Duration,
    /// The largest message that is read whole, in bytes.
    pub max_message: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(30),
            command_timeout: Duration::from_secs(60),
            done_timeout: Duration::from_secs(15),
            idle_renew: Duration::from_mins(5),
            backoff_min: Duration::from_secs(2),
            backoff_max: Duration::from_mins(5),
            refused_login_retry: Duration::from_mins(15),
            unreadable_retry: Duration::from_hours(1),
            notify_timeout: Duration::from_secs(5),
            channel_timeout: Duration::from_secs(30),
            dns_timeout: Duration::from_secs(5),
            max_message: 50_000_000,
        }
    }
}

/// What is kept of the mails.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StorageSettings {
    /// How long CBP's mails and our own to it can be read again; `None` for only those in review.
    pub keep_mails: Option<Duration>,
}

impl Default for StorageSettings {
    fn default() -> Self {
        // The longest that an application is followed, and a month.
        Self { keep_mails: Some(Duration::from_hours(400 * 24)) }
    }
}

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was asked for does not exist.
    #[error("there is no configuration {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file exists and cannot be read as text.
    #[error("cannot read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: {why}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        why: String,
        /// What to do about it.
        hint: String,
    },
    /// A key or a table that nobody knows.
    #[error(
        "{}:{line}: unknown key `{key}` {section}{}",
        path.display(),
        nearest.as_ref().map(|n| format!(", the nearest known one is `{n}`")).unwrap_or_default()
    )]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key as written.
        key: String,
        /// Where: `in [watch]`, `at the top of the file`.
        section: String,
        /// The known key most like it.
        nearest: Option<Box<str>>,
        /// What to do about it.
        hint: String,
    },
    /// A value that will not do, or a key that is missing.
    #[error("{}:{line}: `{key}` {why}", path.display())]
    Faulty {
        /// The file.
        path: PathBuf,
        /// The line, from 1; that of the table's header if the key is missing.
        line: usize,
        /// The key.
        key: String,
        /// What is wrong with it.
        why: String,
        /// What to write instead.
        hint: String,
    },
}

impl ConfigError {
    /// What to do about it, for the line `hint: …` below the error.
    pub fn hint(&self) -> &str {
        match self {
            Self::Missing { .. } => {
                "name an existing file, or leave --config out to use ~/.config/acewatch/config.toml"
            }
            Self::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                "give yourself the right to read it: chmod u+r on the file, chmod u+x on its folders"
            }
            Self::Unreadable { .. } => "the file must be readable UTF-8 text",
            Self::Malformed { hint, .. }
            | Self::UnknownKey { hint, .. }
            | Self::Faulty { hint, .. } => hint,
        }
    }
}

/// Reads the configuration from `path`, which must then exist, or else from its usual place.
///
/// Without a file in the usual place all settings are defaults and no mailbox is watched, so
/// that commands on imported mail need no configuration.
pub fn load(path: Option<&Path>, env: &Environment) -> Result<Settings, ConfigError> {
    let usual = default_path(env);
    let file = path.unwrap_or(&usual);
    match fs::read_to_string(file) {
        Ok(text) => resolve::settings(Source { path: file, text: &text }, env),
        Err(err) if err.kind() == io::ErrorKind::NotFound => match path {
            Some(path) => Err(ConfigError::Missing { path: path.to_owned() }),
            None => {
                let nothing = Source { path: file, text: "" };
                resolve::settings(nothing, env).map(|settings| Settings { path: None, ..settings })
            }
        },
        Err(source) => Err(ConfigError::Unreadable { path: file.to_owned(), source }),
    }
}

/// The settings that `text` means, as if it stood in the file `path`, which is not touched:
/// for `init`, which tries a configuration before it writes it.
pub fn parse(text: &str, path: &Path, env: &Environment) -> Result<Settings, ConfigError> {
    resolve::settings(Source { path, text }, env)
}

/// True for a mail address in its bare form, `local@domain`.
pub fn is_address(written: &str) -> bool {
    value::is_address(written)
}

/// True for a host name or an IP address, and nothing around it.
pub fn is_host(written: &str) -> bool {
    value::host(written).is_ok()
}

/// Who is asked for the DNS, as `[trust] resolver` and flags have it.
pub fn resolver(written: &str) -> Option<Resolver> {
    value::resolver(written).ok()
}

/// Where the configuration is without `--config`.
pub fn default_path(env: &Environment) -> PathBuf {
    env.config_home.join("acewatch/config.toml")
}

/// Where the user's own rules are.
pub fn rules_path(env: &Environment) -> PathBuf {
    env.config_home.join("acewatch/rules.toml")
}

/// Where the database is without `--database`.
pub fn default_database(env: &Environment) -> PathBuf {
    env.data_home.join("acewatch/acewatch.db")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(home: &Path) -> Environment {
        Environment {
            config_home: home.join("config"),
            data_home: home.join("data"),
            credentials_directory: None,
            system_zone: Some("America/Denver".to_owned()),
        }
    }

    #[test]
    fn without_a_file_the_settings_are_the_defaults() {
        let home = tempfile::tempdir().unwrap();
        let settings = load(None, &environment(home.path())).unwrap();
        assert_eq!(settings.path, None);
        assert!(settings.mailboxes.is_empty());
        assert_eq!(settings.time_zone, Zone::named("America/Denver").unwrap());
        assert_eq!(settings.calendar.zone, Zone::new_york());
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.windows, Windows::default());
        assert_eq!(settings.warnings, Vec::<String>::new());
    }

    #[test]
    fn a_file_that_was_asked_for_must_exist() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("other.toml");
        let err = load(Some(&path), &environment(home.path())).unwrap_err();
        assert!(matches!(&err, ConfigError::Missing { path: missing } if *missing == path));
    }

    #[test]
    fn the_usual_file_is_found_and_named() {
        let home = tempfile::tempdir().unwrap();
        let env = environment(home.path());
        let path = default_path(&env);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "\u{feff}[watch]\r\n\ttick = \"30s\"\r\n").unwrap();
        let settings = load(None, &env).unwrap();
        assert_eq!(settings.path, Some(path));
        assert_eq!(settings.watch.tick, Duration::from_secs(30));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_not_taken_for_none() {
        let home = tempfile::tempdir().unwrap();
        let env = environment(home.path());
        fs::create_dir_all(default_path(&env)).unwrap();
        assert!(matches!(load(None, &env), Err(ConfigError::Unreadable { .. })));
        let path = home.path().join("latin1.toml");
        fs::write(&path, b"# caf\xe9\n").unwrap();
        assert!(matches!(load(Some(&path), &env), Err(ConfigError::Unreadable { .. })));
    }

    #[test]
    fn quiet_hours_hold_from_the_first_minute_until_before_the_last() {
        let at = |hours, minutes| NaiveTime::from_hms_opt(hours, minutes, 0).unwrap();
        let night = QuietHours { from: at(20, 0), until: at(8, 0) };
        let noon = QuietHours { from: at(12, 0), until: at(13, 0) };
        let evening = QuietHours { from: at(18, 0), until: at(0, 0) };
        for (hours, time, expected) in [
            (night, at(19, 59), false),
            (night, at(20, 0), true),
            (night, at(0, 0), true),
            (night, at(7, 59), true),
            (night, at(8, 0), false),
            (noon, at(12, 0), true),
            (noon, at(13, 0), false),
            (noon, at(0, 0), false),
            (evening, at(23, 59), true),
            (evening, at(0, 0), false),
        ] {
            assert_eq!(hours.contains(time), expected, "{hours:?} at {time}");
        }
    }
}
