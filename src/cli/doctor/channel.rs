//! Whether each channel would take a message. None is sent.

use super::Check;
use crate::notify::channel::{Carrier, Channel};

/// Calls the other side of a channel.
pub(super) async fn of_channel(channel: &Channel) -> Check {
    let name = format!("channel {}", channel.name);
    let reached = match &channel.carrier {
        Carrier::Mail(mail) => format!("{}:{} takes mail", mail.host, mail.port),
        Carrier::Webhook(_) => "the address answers".to_owned(),
        Carrier::Command(command) => {
            format!("runs {}", command.first().map_or("", String::as_str))
        }
    };
    match channel.call().await {
        Ok(()) => Check::good(name, reached),
        Err(error) => {
            let keys = match &channel.carrier {
                Carrier::Mail(mail) if mail.login.is_some() => {
                    "`host`, `port`, `tls`, `user` and the password"
                }
                Carrier::Mail(_) => "`host`, `port` and `tls`",
                Carrier::Webhook(_) => "`url`",
                Carrier::Command(_) => "`command`",
            };
            let hint = format!(
                "check {keys} of this [[channel]]; then `acewatch notify-test {}`",
                channel.name
            );
            let why = match &channel.carrier {
                Carrier::Mail(mail) => format!("{}:{}: {error}", mail.host, mail.port),
                Carrier::Webhook(_) => format!("the address does not answer: {error}"),
                Carrier::Command(_) => error.to_string(),
            };
            Check::fault(name, why, hint)
        }
    }
}
