//! The ways to a person beside the desktop: mail, webhook, command.
//!
//! Each carries one message within a bounded time and keeps nothing; trying again is the outbox's
//! work. An error says whether it may pass by itself.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::command;
use super::mail;
use super::webhook;
use crate::domain::alert::{Alert, AlertKind, Urgency};
use crate::secret::SecretSource;

/// One way to a person.
#[derive(Clone, Debug)]
pub struct Channel {
    /// What people call it; unlike every other channel's.
    pub name: String,
    /// How it carries messages.
    pub carrier: Carrier,
    /// The kinds of alerts it carries; all where it is empty.
    pub only: Vec<AlertKind>,
    /// More alerts than this at once become one digest.
    pub digest_over: u32,
    /// The bound of one delivery.
    pub timeout: Duration,
}

/// How a channel carries messages.
#[derive(Clone, Debug)]
pub enum Carrier {
    /// By SMTP (RFC 5321).
    Mail(Mail),
    /// By an HTTP POST.
    Webhook(Webhook),
    /// By a program that reads JSON from its standard input.
    Command(Vec<String>),
}

/// Where mail is handed in.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Host name or IP address of the submission server.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: crate::config::Tls,
    /// Certificates (PEM) trusted besides the platform's.
    pub ca_file: Option<PathBuf>,
    /// The log-in name and where its secret is, where the server wants one.
    pub login: Option<(String, SecretSource)>,
    /// The sender's address.
    pub from: String,
    /// The readers' addresses; at least one.
    pub to: Vec<String>,
}

/// Where a webhook posts, and in which form.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The address; part of it is often a secret.
    pub url: Address,
    /// The form of the body.
    pub preset: Preset,
    /// Where a bearer token is read from, if one is wanted (RFC 6750).
    pub token: Option<SecretSource>,
    /// Certificates (PEM) trusted besides the platform's.
    pub ca_file: Option<PathBuf>,
}

/// An address that is not printed: chat services put their secret into it.
#[derive(Clone, Eq, PartialEq)]
pub struct Address(pub String);

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Address(…)")
    }
}

/// The form in which a webhook wants its message.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Preset {
    /// The message as JSON, `acewatch.alert/1`.
    #[default]
    Json,
    /// ntfy's: the last part of the address is the topic.
    Ntfy,
    /// Slack's incoming webhook, and Mattermost's.
    Slack,
    /// A Teams workflow's: an Adaptive Card.
    Teams,
    /// matrix-hookshot's generic webhook.
    Matrix,
}

impl Preset {
    /// All presets with their names in the configuration.
    pub const ALL: [(&'static str, Preset); 5] = [
        ("json", Preset::Json),
        ("ntfy", Preset::Ntfy),
        ("slack", Preset::Slack),
        ("teams", Preset::Teams),
        ("matrix", Preset::Matrix),
    ];
}

/// What a channel carries: one alert, or several in a digest.
#[derive(Clone, Debug)]
pub struct Message {
    /// What makes it the same message when it is carried again.
    pub key: String,
    /// How much it may disturb.
    pub urgency: Urgency,
    /// One line that stands alone.
    pub title: String,
    /// Plain text below it.
    pub body: String,
    /// The alerts it tells of.
    pub parts: Vec<Part>,
}

/// An alert in a message.
#[derive(Clone, Debug)]
pub struct Part {
    /// The alert.
    pub alert: Alert,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// How much it may disturb, as the user wants it.
    pub urgency: Urgency,
}

impl Message {
    /// The document of the contract, `acewatch.alert/1`.
    pub fn json(&self) -> Value {
        let alerts: Vec<Value> = self
            .parts
            .iter()
            .map(|Part { alert, raised_at, urgency }| {
                json!({
                    "key": alert.key,
                    "kind": alert.kind.as_str(),
                    "urgency": urgency_name(*urgency),
                    "application": alert.application.map(|id| id.0),
                    "title": alert.title,
                    "body": alert.body,
                    "raised_at": raised_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                })
            })
            .collect();
        json!({
            "schema": "acewatch.alert/1",
            "key": self.key,
            "urgency": urgency_name(self.urgency),
            "title": self.title,
            "body": self.body,
            "alerts": alerts,
        })
    }

    /// Every alert in full, for a reader with room for it.
    pub fn text(&self) -> String {
        match self.parts.as_slice() {
            [] | [_] => self.body.clone(),
            many => many
                .iter()
                .map(|Part { alert, .. }| format!("{}\n{}", alert.title, alert.body))
                .collect::<Vec<_>>()
                .join("\n\n"),
        }
    }
}

/// Why a message was not taken.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ChannelError {
    /// It may pass by itself: the network, a server in trouble, too many messages.
    #[error("{0}")]
    Passing(String),
    /// A person must change something: the address, the password, the program.
    #[error("{0}")]
    Lasting(String),
    /// There was no answer in time: it may have been taken all the same.
    #[error("{0}")]
    Unclear(String),
}

impl Channel {
    /// Whether alerts of this kind go this way.
    pub fn carries(&self, kind: AlertKind) -> bool {
        self.only.is_empty() || self.only.contains(&kind)
    }

    /// Calls the other side and tells it nothing: the mail server up to the login, the address of the
    /// webhook; the program is only looked for.
    ///
    /// # Errors
    ///
    /// Returns [`ChannelError`] where a message would not arrive either.
    pub async fn call(&self) -> Result<(), ChannelError> {
        let called = async {
            match &self.carrier {
                Carrier::Mail(mail) => mail::call(mail, self.timeout).await,
                Carrier::Webhook(webhook) => webhook::call(webhook, self.timeout).await,
                Carrier::Command(command) => command::find(command),
            }
        };
        tokio::time::timeout(self.timeout * 2, called).await.unwrap_or_else(|_| {
            Err(ChannelError::Unclear(format!("no answer for {} s", self.timeout.as_secs())))
        })
    }

    /// Carries a message; returns once the other side has taken it.
    ///
    /// # Errors
    ///
    /// Returns [`ChannelError`] when it is not known to be taken, also when the limit has passed.
    pub async fn carry(&self, message: &Message, now: DateTime<Utc>) -> Result<(), ChannelError> {
        let carried = async {
            match &self.carrier {
                Carrier::Mail(mail) => mail::carry(mail, message, self.timeout, now).await,
                Carrier::Webhook(webhook) => webhook::carry(webhook, message, self.timeout).await,
                Carrier::Command(command) => command::carry(command, message, self.timeout).await,
            }
        };
        // What each does has bounds of its own; this one is for what none of them thought of.
        tokio::time::timeout(self.timeout * 2, carried).await.unwrap_or_else(|_| {
            Err(ChannelError::Unclear(format!("no answer for {} s", self.timeout.as_secs())))
        })
    }
}

/// The name of an urgency in the contract.
pub fn urgency_name(urgency: Urgency) -> &'static str {
    match urgency {
        Urgency::Low => "low",
        Urgency::Normal => "normal",
        Urgency::Critical => "critical",
    }
}

#[cfg(test)]
pub(super) mod testing {
    use super::*;
    use crate::domain::application::ApplicationId;

    /// A digest of two alerts.
    pub fn message() -> Message {
        let part = |id: i64, title: &str| Part {
            alert: Alert {
                key: format!("window/{id}"),
                kind: AlertKind::Overdue,
                application: Some(ApplicationId(id)),
                title: title.to_owned(),
                body: "Expected by Fri 8 May.\nWrite to CBP.".to_owned(),
                is_pressing: false,
            },
            raised_at: DateTime::UNIX_EPOCH,
            urgency: Urgency::Normal,
        };
        Message {
            key: "digest/1".to_owned(),
            urgency: Urgency::Normal,
            title: "2 overdue".to_owned(),
            body: "Overdue: Smith & Sons <Import>\nOverdue: Ünal Trading".to_owned(),
            parts: vec![
                part(1, "Overdue: Smith & Sons <Import>"),
                part(2, "Overdue: Ünal Trading"),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::message;

    #[test]
    fn the_document_is_the_contract_s() {
        let document = message().json();
        assert_eq!(document["schema"], "acewatch.alert/1");
        assert_eq!(document["alerts"][1]["application"], 2);
        assert_eq!(document["alerts"][0]["raised_at"], "1970-01-01T00:00:00Z");
        assert_eq!(document["urgency"], "normal");
    }

    #[test]
    fn a_reader_with_room_gets_every_alert_in_full() {
        let mut digest = message();
        assert_eq!(
            digest.text(),
            "Overdue: Smith & Sons <Import>\nExpected by Fri 8 May.\nWrite to CBP.\n\n\
             Overdue: Ünal Trading\nExpected by Fri 8 May.\nWrite to CBP."
        );
        digest.parts.pop();
        assert_eq!(digest.text(), digest.body);
    }
}
