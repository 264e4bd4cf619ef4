//! The configuration file as written: its keys and where each stands, nothing decided.
//!
//! Every value that can be wrong keeps its place in the text, so that a later complaint can
//! name the line. What is not TOML, or has the wrong type, or bears an unknown name, is
//! refused here. None of the messages quotes a value: someone who writes a password where a
//! command belongs must not find it in the journal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::{Spanned, Value};

use super::ConfigError;
use super::value::{Fault, nearest};

/// A text with its place.
pub(super) type Text = Spanned<String>;

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct File {
    pub time_zone: Option<Text>,
    pub mailbox: Vec<Spanned<Mailbox>>,
    pub channel: Vec<Spanned<Channel>>,
    pub trust: Trust,
    pub calendar: Calendar,
    pub contact: Contact,
    pub notify: Notify,
    pub watch: Watch,
    pub limits: Limits,
    pub storage: Storage,
    pub window: Vec<Spanned<Window>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Mailbox {
    pub name: Option<Text>,
    pub host: Option<Text>,
    pub port: Option<Spanned<i64>>,
    pub tls: Option<Text>,
    pub ca_file: Option<Text>,
    pub pin_sha256: Option<Text>,
    pub user: Option<Text>,
    pub password_command: Option<Spanned<Vec<String>>>,
    pub password_file: Option<Text>,
    pub password_environment: Option<Text>,
    pub credential: Option<Text>,
    pub token_command: Option<Spanned<Vec<String>>>,
    pub keyring: Option<Spanned<bool>>,
    pub oauth: Option<Spanned<OAuth>>,
    pub folders: Option<Spanned<Vec<Text>>>,
    pub sent: Option<Text>,
    pub authserv_id: Option<Vec<Text>>,
    pub idle: Option<bool>,
    pub poll_interval: Option<Text>,
    pub look_back: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct OAuth {
    pub provider: Option<Text>,
    pub authorization_url: Option<Text>,
    pub device_url: Option<Text>,
    pub token_url: Option<Text>,
    pub revocation_url: Option<Text>,
    pub scopes: Option<Spanned<Vec<Text>>>,
    pub client_id: Option<Text>,
    pub client_secret: Option<Text>,
    pub client_secret_command: Option<Spanned<Vec<String>>>,
    pub client_secret_file: Option<Text>,
    pub client_secret_credential: Option<Text>,
    pub flow: Option<Text>,
    pub store: Option<Text>,
    pub key_command: Option<Spanned<Vec<String>>>,
    pub key_file: Option<Text>,
    pub key_credential: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Channel {
    pub name: Option<Text>,
    pub kind: Option<Text>,
    pub only: Option<Vec<Text>>,
    pub digest_over: Option<Spanned<i64>>,
    pub host: Option<Text>,
    pub port: Option<Spanned<i64>>,
    pub tls: Option<Text>,
    pub ca_file: Option<Text>,
    pub user: Option<Text>,
    pub password_command: Option<Spanned<Vec<String>>>,
    pub password_file: Option<Text>,
    pub password_environment: Option<Text>,
    pub credential: Option<Text>,
    pub keyring: Option<Spanned<bool>>,
    pub from: Option<Text>,
    pub to: Option<Vec<Text>>,
    pub url: Option<Text>,
    pub preset: Option<Text>,
    pub token_command: Option<Spanned<Vec<String>>>,
    pub token_file: Option<Text>,
    pub command: Option<Spanned<Vec<String>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Trust {
    pub authserv_id: Vec<Text>,
    pub own_addresses: Vec<Text>,
    pub cbp_domains: Option<Spanned<Vec<Text>>>,
    pub application_addresses: Option<Spanned<Vec<Text>>>,
    pub arc_sealers: Vec<Text>,
    pub dkim: Option<Spanned<bool>>,
    pub resolver: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Calendar {
    pub zone: Option<Text>,
    pub closures: Vec<Spanned<Value>>,
    pub known_until: Option<Spanned<Value>>,
    pub half_days: Option<Text>,
    pub inauguration_day: Option<bool>,
    pub cut_off: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Contact {
    pub support: Option<Text>,
    pub phone: Option<Text>,
    pub menu: Option<Text>,
    pub closed: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Notify {
    pub desktop: Option<bool>,
    pub quiet_hours: Option<Text>,
    pub working_days_only: Option<bool>,
    pub reminders: Option<Vec<Text>>,
    pub digest_over: Option<Spanned<i64>>,
    pub per_minute: Option<Spanned<i64>>,
    pub retry: Option<Text>,
    pub show_command: Option<Spanned<Vec<String>>>,
    pub urgency: BTreeMap<String, Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Watch {
    pub blind_after: Option<Text>,
    pub tick: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Limits {
    pub connect_timeout: Option<Text>,
    pub command_timeout: Option<Text>,
    pub done_timeout: Option<Text>,
    pub idle_renew: Option<Text>,
    pub backoff_min: Option<Text>,
    pub backoff_max: Option<Text>,
    pub refused_login_retry: Option<Text>,
    pub unreadable_retry: Option<Text>,
    pub notify_timeout: Option<Text>,
    pub channel_timeout: Option<Text>,
    pub dns_timeout: Option<Text>,
    pub max_message: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Storage {
    pub keep_mails: Option<Text>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Window {
    pub name: Option<Text>,
    pub route: Option<Spanned<Value>>,
    pub awaits: Option<Text>,
    pub short: Option<Text>,
    pub owes: Option<Text>,
    pub opens_on: Option<Spanned<Value>>,
    pub closes_on: Option<Spanned<Value>>,
    pub unit: Option<Text>,
    pub due_after: Option<Spanned<Value>>,
    pub overdue_after: Option<Spanned<Value>>,
    pub critical_after: Option<Spanned<Value>>,
    pub lapses: Option<bool>,
    pub advice: Option<Text>,
    pub enabled: Option<bool>,
}

/// A text to parse and the name under which to complain about it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub path: &'a Path,
    pub text: &'a str,
}

impl Source<'_> {
    /// Parses the text; nothing in it has been judged yet.
    pub fn parse(&self) -> Result<File, ConfigError> {
        toml::from_str(self.text).map_err(|err| self.refused(&err))
    }

    /// Makes the complaint about the value of `key` that stands at `offset`.
    pub fn faulty(&self, offset: usize, key: &str, fault: Fault) -> ConfigError {
        let Fault { why, hint } = fault;
        let (path, line) = self.place(offset);
        ConfigError::Faulty { path, line, key: key.to_owned(), why, hint }
    }

    /// The line number of `offset`, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.before(offset).matches('\n').count() + 1
    }

    fn place(&self, offset: usize) -> (PathBuf, usize) {
        (self.path.to_owned(), self.line(offset))
    }

    fn before(&self, offset: usize) -> &str {
        self.text.split_at_checked(offset).map_or(self.text, |(before, _)| before)
    }

    fn refused(&self, err: &toml::de::Error) -> ConfigError {
        let offset = err.span().map_or(0, |span| span.start);
        let message = err.message();
        if let Some((_, known)) =
            message.strip_prefix("unknown field ").and_then(|rest| rest.rsplit_once(", expected "))
        {
            let written = err.span().and_then(|span| self.text.get(span)).unwrap_or("?");
            return self.unknown_key(offset, written.trim_matches(['"', '\'']), &quoted(known));
        }
        if let Some((_, expected)) =
            message.strip_prefix("invalid ").and_then(|rest| rest.rsplit_once(", expected "))
            && (message.starts_with("invalid type") || message.starts_with("invalid value"))
        {
            return self.faulty(offset, self.key_at(offset), wrong_type(expected));
        }
        let hint = if message.contains("escape") {
            "in double quotes a backslash is written twice, \"\\\\Junk\"; in single quotes once"
        } else if message == "duplicate key" {
            "a key stands once in its table, and a table once in the file, except [[mailbox]], \
             [[channel]] and [[window]]"
        } else {
            "texts stand in quotes, lists in brackets; the commented example is \
             config/acewatch.toml"
        };
        let (path, line) = self.place(offset);
        ConfigError::Malformed { path, line, why: message.to_owned(), hint: hint.to_owned() }
    }

    fn unknown_key(&self, offset: usize, key: &str, known: &[&str]) -> ConfigError {
        let section = self.section_at(offset);
        let nearest = nearest(key, known.iter().copied());
        let hint = match (nearest, home_of(key)) {
            _ if ["password", "secret", "token"].contains(&key) => {
                "secrets do not stand in this file: use `password-command`, `password-file`, \
                 `credential` or `token-command`"
                    .to_owned()
            }
            _ if key == "windows" => {
                "each window has a table of its own: [[window]], name = \"decision\", \
                 due-after = \"7d\"; the commented example is config/acewatch.toml"
                    .to_owned()
            }
            (Some(nearest), _) => format!("write `{nearest}`"),
            (None, Some(home)) => format!("`{key}` belongs {home}"),
            (None, None) => format!("known here are {}", known.join(", ")),
        };
        let (path, line) = self.place(offset);
        let nearest = nearest.map(Box::from);
        ConfigError::UnknownKey { path, line, key: key.to_owned(), section, nearest, hint }
    }

    /// Where `offset` lies: `in [watch]`.
    fn section_at(&self, offset: usize) -> String {
        let finished_lines = self.before(offset).rsplit('\n').skip(1);
        finished_lines
            .map(|line| line.split('#').next().unwrap_or_default().trim())
            .find(|line| is_header(line))
            .map_or_else(|| "at the top of the file".to_owned(), |header| format!("in {header}"))
    }

    /// The key whose value stands at `offset`, or the table if its header is at fault.
    fn key_at(&self, offset: usize) -> &str {
        let line_end = self.text.get(offset..).and_then(|rest| rest.find('\n'));
        let end = line_end.map_or(self.text.len(), |n| offset + n);
        for line in self.before(end).rsplit('\n').map(str::trim) {
            if let Some((key, _)) = line.split_once('=')
                && is_bare(key.trim())
            {
                return key.trim();
            }
            if is_header(line) {
                return line.trim_matches(['[', ']']);
            }
        }
        "?"
    }
}

/// Where a key that is unknown where it stands would be known: people put `time-zone` below
/// the first table header, where TOML takes it for a key of that table.
fn home_of(key: &str) -> Option<&'static str> {
    const PLACES: [(&str, &str); 10] = [
        ("", "at the top of the file, above the first header"),
        ("[[mailbox]]\n", "below a [[mailbox]] header"),
        ("[[mailbox]]\n[mailbox.oauth]\n", "below a [mailbox.oauth] header"),
        ("[[channel]]\n", "below a [[channel]] header"),
        ("[[window]]\n", "below a [[window]] header"),
        ("[trust]\n", "below the [trust] header"),
        ("[calendar]\n", "below the [calendar] header"),
        ("[notify]\n", "below the [notify] header"),
        ("[watch]\n", "below the [watch] header"),
        ("[limits]\n", "below the [limits] header"),
    ];
    if !is_bare(key) {
        return None;
    }
    // The structs above are the one list of the keys, so the parser is asked.
    let is_known = |header: &str| match toml::from_str::<File>(&format!("{header}{key} = 0")) {
        Ok(_) => true,
        Err(err) => !err.message().starts_with("unknown field"),
    };
    PLACES.into_iter().find(|(header, _)| is_known(header)).map(|(_, place)| place)
}

/// Says what a value should have been, in the words of a person rather than of serde.
fn wrong_type(expected: &str) -> Fault {
    match expected {
        "a sequence" => Fault::new(
            "must be a list",
            "write lists in brackets, [\"one\", \"two\"]; the header of a mailbox is [[mailbox]]",
        ),
        "a string" => Fault::new(
            "must be a text",
            "write it in quotes; durations bear a unit, \"60s\" or \"1h30m\"",
        ),
        "a boolean" => Fault::new("must be true or false", "write true or false, without quotes"),
        "i64" => Fault::new("must be a whole number", "write the digits alone, without quotes"),
        _ => Fault::new("must be a table", "write a header, [name], and its keys below it"),
    }
}

/// The names between backticks in a message of serde.
fn quoted(names: &str) -> Vec<&str> {
    names.split('`').skip(1).step_by(2).collect()
}

fn is_bare(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn is_header(line: &str) -> bool {
    line.strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .map(|inner| inner.strip_prefix('[').and_then(|i| i.strip_suffix(']')).unwrap_or(inner))
        .is_some_and(|name| name.split('.').all(is_bare))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let source = Source { path: Path::new("config.toml"), text };
        let err = source.parse().expect_err(text);
        assert_eq!(format!("{err} | {}", err.hint()), expected, "{text}");
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
        check(
            "[[mailbox]]\r\n\thost = \"x\"\r\n\tpol-interval = \"5m\"",
            "config.toml:3: unknown key `pol-interval` in [[mailbox]], the nearest known one is \
             `poll-interval` | write `poll-interval`",
        );
        check(
            "[[mailbox]]\npoll_interval = \"5m\"",
            "config.toml:2: unknown key `poll_interval` in [[mailbox]], the nearest known one is \
             `poll-interval` | write `poll-interval`",
        );
        check(
            "timezone = \"x\"",
            "config.toml:1: unknown key `timezone` at the top of the file, the nearest known one \
             is `time-zone` | write `time-zone`",
        );
        check(
            "\n\n[mailboxes]\n",
            "config.toml:3: unknown key `mailboxes` at the top of the file, the nearest known one \
             is `mailbox` | write `mailbox`",
        );
    }

    #[test]
    fn a_key_below_the_wrong_header_is_sent_home() {
        check(
            "[watch] # how\ntime-zone = \"America/Denver\"",
            "config.toml:2: unknown key `time-zone` in [watch] | `time-zone` belongs at the top of \
             the file, above the first header",
        );
        check(
            "[watch]\nquiet-hours = \"\"",
            "config.toml:2: unknown key `quiet-hours` in [watch] | `quiet-hours` belongs below the \
             [notify] header",
        );
    }

    #[test]
    fn a_key_like_none_is_answered_with_the_known_ones() {
        check(
            "[watch]\n\"x y\" = 1",
            "config.toml:2: unknown key `x y` in [watch] | known here are blind-after, tick",
        );
    }

    #[test]
    fn a_secret_in_the_file_is_refused_and_never_quoted() {
        check(
            "[[mailbox]]\npassword = \"hunter2\"",
            "config.toml:2: unknown key `password` in [[mailbox]], the nearest known one is \
             `password-file` | secrets do not stand in this file: use `password-command`, \
             `password-file`, `credential` or `token-command`",
        );
        check(
            "[[mailbox]]\npassword-command = \"hunter2\"",
            "config.toml:2: `password-command` must be a list | write lists in brackets, [\"one\", \
             \"two\"]; the header of a mailbox is [[mailbox]]",
        );
    }

    #[test]
    fn a_value_of_another_type_is_refused_in_plain_words() {
        check(
            "[[mailbox]]\nport = \"993\"",
            "config.toml:2: `port` must be a whole number | write the digits alone, without quotes",
        );
        check(
            "[limits]\ndone-timeout = 15",
            "config.toml:2: `done-timeout` must be a text | write it in quotes; durations bear a \
             unit, \"60s\" or \"1h30m\"",
        );
        check(
            "[[mailbox]]\nfolders = [\n  \"INBOX\",\n  7,\n]",
            "config.toml:4: `folders` must be a text | write it in quotes; durations bear a unit, \
             \"60s\" or \"1h30m\"",
        );
        check(
            "[mailbox]\nhost = \"x\"",
            "config.toml:1: `mailbox` must be a list | write lists in brackets, [\"one\", \
             \"two\"]; the header of a mailbox is [[mailbox]]",
        );
        check(
            "watch = 7",
            "config.toml:1: `watch` must be a table | write a header, [name], and its keys below it",
        );
    }

    #[test]
    fn what_is_not_toml_is_refused_with_its_line() {
        check(
            "[[mailbox]]\nfolders = [\"\\Junk\"]",
            "config.toml:2: missing escaped value, expected `b`, `e`, `f`, `n`, `r`, `\\`, `\"`, \
             `x`, `u`, `U` | in double quotes a backslash is written twice, \"\\\\Junk\"; in \
             single quotes once",
        );
        check(
            "[watch]\n[watch]",
            "config.toml:2: duplicate key | a key stands once in its table, and a table once in \
             the file, except [[mailbox]], [[channel]] and [[window]]",
        );
        check(
            "\nhost",
            "config.toml:2: key with no value, expected `=` | texts stand in quotes, lists in \
             brackets; the commented example is config/acewatch.toml",
        );
    }
}
