//! A message by mail: handed in at a submission server (RFC 6409).

use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls as SmtpTls, TlsParameters};
use lettre::{Address, AsyncTransport, Tokio1Executor};
use sha2::{Digest, Sha256};

use super::channel::{ChannelError, Mail, Message};
use super::safe_line;
use crate::causes::chain;
use crate::config::Tls;

/// Longest excerpt of what the server answers.
const SAID: usize = 200;
/// Longest subject.
const SUBJECT: usize = 120;

/// Hands the mail in and waits until the server has taken it.
pub(super) async fn carry(
    mail: &Mail,
    message: &Message,
    limit: Duration,
    now: DateTime<Utc>,
) -> Result<(), ChannelError> {
    let written = written(mail, message, now)?;
    let sent = transport(mail, limit).await?.send(written).await;
    sent.map(drop).map_err(|error| refused(&error))
}

/// Connects and logs in, and hands in nothing.
pub(super) async fn call(mail: &Mail, limit: Duration) -> Result<(), ChannelError> {
    let called = transport(mail, limit).await?.test_connection().await;
    called.map(drop).map_err(|error| refused(&error))
}

async fn transport(
    mail: &Mail,
    limit: Duration,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, ChannelError> {
    let parameters = || {
        let mut parameters = TlsParameters::builder(mail.host.clone());
        if let Some(path) = &mail.ca_file {
            let refused = |why: String| {
                ChannelError::Lasting(format!("cannot use `ca-file` {}: {why}", path.display()))
            };
            let pem = std::fs::read(path).map_err(|error| refused(error.to_string()))?;
            let certificate =
                Certificate::from_pem(&pem).map_err(|error| refused(error.to_string()))?;
            parameters = parameters.add_root_certificate(certificate);
        }
        parameters.build_rustls().map_err(|error| ChannelError::Lasting(error.to_string()))
    };
    let tls = match mail.tls {
        Tls::Implicit => SmtpTls::Wrapper(parameters()?),
        Tls::StartTls => SmtpTls::Required(parameters()?),
        Tls::None => SmtpTls::None,
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(mail.host.as_str())
        .port(mail.port)
        .tls(tls)
        .timeout(Some(limit));
    if let Some((user, secret)) = &mail.login {
        let secret = secret.read(limit).await;
        let secret = secret.map_err(|error| match error.awaited() {
            Some(_) => ChannelError::Passing(error.to_string()),
            None => ChannelError::Lasting(error.to_string()),
        })?;
        let password = secret.expose().to_owned();
        transport = transport.credentials(Credentials::new(user.clone(), password));
    }
    Ok(transport.build())
}

fn refused(error: &lettre::transport::smtp::Error) -> ChannelError {
    let text = said(error);
    // A whole class of answers is for good (RFC 5321, section 4.2.1).
    if error.is_permanent() || error.is_client() {
        ChannelError::Lasting(text)
    } else if error.is_timeout() {
        ChannelError::Unclear(text)
    } else {
        ChannelError::Passing(text)
    }
}

/// The mail. Its Message-ID follows from the message, so that a repeat is known for one.
fn written(
    mail: &Mail,
    message: &Message,
    now: DateTime<Utc>,
) -> Result<lettre::Message, ChannelError> {
    let address = |text: &str| {
        text.parse::<Address>()
            .map_err(|error| ChannelError::Lasting(format!("{text} is no mail address: {error}")))
    };
    let from = address(&mail.from)?;
    let digest = Sha256::digest(message.json().to_string());
    let name: String = digest.iter().take(16).map(|octet| format!("{octet:02x}")).collect();
    let mut builder = lettre::Message::builder()
        .from(lettre::message::Mailbox::new(Some("acewatch".to_owned()), from.clone()))
        .subject(safe_line(&format!("[acewatch] {}", message.title), SUBJECT))
        .date(SystemTime::from(now))
        .message_id(Some(format!("<{name}.acewatch@{}>", from.domain())))
        .header(ContentType::TEXT_PLAIN);
    for to in &mail.to {
        builder = builder.to(lettre::message::Mailbox::new(None, address(to)?));
    }
    let text = message.text().replace('\n', "\r\n");
    let mut written = builder
        .body(format!(
            "{text}\r\n\r\n-- \r\nacewatch; `acewatch status` says how all of them stand\r\n"
        ))
        .map_err(|error| ChannelError::Lasting(error.to_string()))?;
    // So that no machine answers it (RFC 3834, section 5; Microsoft's MS-OXCMAIL, section 2.1.3.2.20).
    for (name, value) in [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")]
    {
        if let Ok(name) = HeaderName::new_from_ascii(name.to_owned()) {
            written.headers_mut().insert_raw(HeaderValue::new(name, value.to_owned()));
        }
    }
    Ok(written)
}

/// The words of an error with its causes.
fn said(error: &lettre::transport::smtp::Error) -> String {
    safe_line(&chain(error), SAID)
}

#[cfg(test)]
mod tests {
    use super::super::channel::testing::message;
    use super::*;

    fn mail() -> Mail {
        Mail {
            host: "localhost".to_owned(),
            port: 1,
            tls: Tls::None,
            ca_file: None,
            login: None,
            from: "acewatch@broker.example".to_owned(),
            to: vec!["ops@broker.example".to_owned(), "boss@broker.example".to_owned()],
        }
    }

    #[test]
    fn a_mail_says_that_a_machine_wrote_it_and_is_the_same_when_sent_again() {
        let text = |message: &Message| {
            let written = written(&mail(), message, DateTime::UNIX_EPOCH).unwrap();
            String::from_utf8(written.formatted()).unwrap()
        };
        let one = text(&message());
        for line in [
            "From: acewatch <acewatch@broker.example>\r\n",
            "To: ops@broker.example, boss@broker.example\r\n",
            "Subject: [acewatch] 2 overdue\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Thu, 01 Jan 1970 00:00:00 +0000\r\n",
        ] {
            assert!(one.contains(line), "{line}: {one}");
        }
        assert_eq!(one, text(&message()));
        let mut hostile = message();
        hostile.title = "2 overdue\r\nBcc: all@broker.example".to_owned();
        assert!(!text(&hostile).contains("\r\nBcc:"));
        assert_ne!(text(&hostile), one);
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_may_come_back() {
        let refused =
            carry(&mail(), &message(), Duration::from_secs(5), DateTime::UNIX_EPOCH).await;
        assert!(matches!(refused, Err(ChannelError::Passing(_))), "{refused:?}");
        let nobody = Mail { from: "nobody".to_owned(), ..mail() };
        let refused =
            carry(&nobody, &message(), Duration::from_secs(5), DateTime::UNIX_EPOCH).await;
        assert!(matches!(refused, Err(ChannelError::Lasting(_))), "{refused:?}");
    }
}
