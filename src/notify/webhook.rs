//! A message as an HTTP POST, in the form that the receiver wants.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::http::StatusCode;

use super::channel::{Address, ChannelError, Message, Preset, Webhook};
use super::safe_line;
use crate::domain::alert::Urgency;
use crate::http;

/// Longest excerpt of what the receiver answers.
const SAID: usize = 200;

/// Posts the message and waits until the receiver has taken it.
pub(super) async fn carry(
    webhook: &Webhook,
    message: &Message,
    limit: Duration,
) -> Result<(), ChannelError> {
    let token = match &webhook.token {
        None => None,
        Some(source) => {
            let secret = source.read(limit).await;
            let secret = secret.map_err(|error| ChannelError::Lasting(error.to_string()))?;
            Some(format!("Bearer {}", secret.expose()))
        }
    };
    let (url, body) = request(&webhook.url, webhook.preset, message)?;
    let ca_file = webhook.ca_file.clone();
    // The client blocks; in a thread of its own it holds nobody up.
    let posted = tokio::task::spawn_blocking(move || {
        post(&url, token.as_deref(), &body, ca_file.as_deref(), limit)
    });
    posted.await.unwrap_or_else(|ended| Err(ChannelError::Passing(ended.to_string())))
}

/// Asks for the address without posting anything; whatever is answered, somebody is there.
pub(super) async fn call(webhook: &Webhook, limit: Duration) -> Result<(), ChannelError> {
    let Address(url) = webhook.url.clone();
    let ca_file = webhook.ca_file.clone();
    let called = tokio::task::spawn_blocking(move || {
        let agent = http::agent(ca_file.as_deref(), limit).map_err(ChannelError::Lasting)?;
        agent.head(&url).call().map(drop).map_err(|error| unsent(&error))
    });
    called.await.unwrap_or_else(|ended| Err(ChannelError::Passing(ended.to_string())))
}

/// Where to post what.
fn request(
    Address(url): &Address,
    preset: Preset,
    message: &Message,
) -> Result<(String, Value), ChannelError> {
    let text = message.text();
    let body = match preset {
        Preset::Json => message.json(),
        Preset::Ntfy => {
            let url = url.trim_end_matches('/');
            let (server, topic) = url
                .rsplit_once('/')
                .filter(|(server, topic)| {
                    server.contains("://") && !server.ends_with('/') && !topic.is_empty()
                })
                .ok_or_else(|| {
                    ChannelError::Lasting(
                        "the address of ntfy ends in no topic: write https://ntfy.example/topic"
                            .to_owned(),
                    )
                })?;
            let priority = match message.urgency {
                Urgency::Low => 2,
                Urgency::Normal => 3,
                Urgency::Critical => 5,
            };
            let body = json!({
                "topic": topic, "title": message.title, "message": text, "priority": priority,
            });
            return Ok((server.to_owned(), body));
        }
        Preset::Slack => {
            json!({ "text": format!("*{}*\n{}", slack(&message.title), slack(&text)) })
        }
        Preset::Teams => json!({
            "type": "message",
            "attachments": [{
                "contentType": "application/vnd.microsoft.card.adaptive",
                "content": {
                    "type": "AdaptiveCard",
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "version": "1.4",
                    "body": [
                        { "type": "TextBlock", "text": plain(&message.title), "weight": "bolder", "wrap": true },
                        { "type": "TextBlock", "text": plain(&text), "wrap": true },
                    ],
                },
            }],
        }),
        Preset::Matrix => json!({ "text": format!("{}\n{text}", message.title) }),
    };
    Ok((url.clone(), body))
}

/// What Slack's markup would interpret.
fn slack(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What the Markdown of an Adaptive Card would interpret: a mail must bring no link of its own.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\n\n"),
            '\\' | '*' | '_' | '[' | ']' | '(' | ')' | '`' | '#' | '<' | '>' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

fn post(
    url: &str,
    token: Option<&str>,
    body: &Value,
    ca_file: Option<&Path>,
    limit: Duration,
) -> Result<(), ChannelError> {
    let agent = http::agent(ca_file, limit).map_err(ChannelError::Lasting)?;
    let mut request = agent.post(url).header("content-type", "application/json");
    if let Some(token) = token {
        request = request.header("authorization", token);
    }
    let mut answer = match request.send(body.to_string()) {
        Ok(answer) => answer,
        Err(error) => return Err(unsent(&error)),
    };
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let said = answer.body_mut().with_config().limit(4096).read_to_string().unwrap_or_default();
    let said = match safe_line(&said, SAID) {
        said if said.is_empty() => String::new(),
        said => format!(": {said}"),
    };
    let text = format!("the receiver answered {status}{said}");
    Err(match may_pass(status) {
        true => ChannelError::Passing(text),
        false => ChannelError::Lasting(text),
    })
}

/// Why there was no answer.
fn unsent(error: &ureq::Error) -> ChannelError {
    use ureq::Timeout::{Connect, Resolve};
    let text = safe_line(&error.to_string(), SAID);
    match error {
        // The words may hold the address, and with it a secret.
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            ChannelError::Lasting("the address is no URL".to_owned())
        }
        ureq::Error::Timeout(Connect | Resolve) => ChannelError::Passing(text),
        ureq::Error::Timeout(_) => ChannelError::Unclear(text),
        ureq::Error::Io(error) => ChannelError::Passing(safe_line(&error.to_string(), SAID)),
        _ => ChannelError::Passing(text),
    }
}

/// Whether a refusal may pass by itself (RFC 9110, section 15; RFC 6585, section 4).
fn may_pass(status: StatusCode) -> bool {
    status.is_server_error()
        || [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_EARLY, StatusCode::TOO_MANY_REQUESTS]
            .contains(&status)
}

#[cfg(test)]
mod tests {
    use super::super::channel::testing::message;
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    fn body_for(url: &str, preset: Preset) -> (String, Value) {
        request(&Address(url.to_owned()), preset, &message()).unwrap()
    }

    #[test]
    fn each_receiver_gets_its_form() {
        let (url, body) = body_for("https://ntfy.example/acewatch", Preset::Ntfy);
        assert_eq!((url.as_str(), &body["topic"]), ("https://ntfy.example", &json!("acewatch")));
        assert_eq!(body["title"], "2 overdue");
        let (_, body) = body_for("https://hooks.example/x", Preset::Slack);
        let text = body["text"].as_str().unwrap();
        assert!(
            text.starts_with("*2 overdue*\nOverdue: Smith &amp; Sons &lt;Import&gt;\n"),
            "{text}"
        );
        let (_, body) = body_for("https://hooks.example/x", Preset::Teams);
        let text = body["attachments"][0]["content"]["body"][1]["text"].as_str().unwrap();
        assert!(text.starts_with("Overdue: Smith & Sons \\<Import\\>\n\nExpected"), "{text}");
        let (_, body) = body_for("https://hooks.example/x", Preset::Matrix);
        assert!(body["text"].as_str().unwrap().starts_with("2 overdue\nOverdue: Smith"));
        let (_, body) = body_for("https://hooks.example/x", Preset::Json);
        assert_eq!(body, message().json());
        for wrong in ["https://ntfy.example", "https://ntfy.example/", "topic"] {
            assert!(
                request(&Address(wrong.to_owned()), Preset::Ntfy, &message()).is_err(),
                "{wrong}"
            );
        }
    }

    #[test]
    fn an_address_is_not_printed() {
        let printed = format!("{:?}", Address("https://hooks.example/secret".to_owned()));
        assert!(!printed.contains("secret"), "{printed}");
    }

    /// Answers one request with `answer` and returns what was asked.
    fn receiver(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 4096];
            while !String::from_utf8_lossy(&asked).trim_end().ends_with('}') {
                let n = stream.read(&mut buffer).unwrap();
                asked.extend_from_slice(&buffer[..n]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8(asked).unwrap()
        });
        (url, thread)
    }

    async fn outcome(answer: &'static str) -> (Result<(), ChannelError>, String) {
        let (url, thread) = receiver(answer);
        let webhook =
            Webhook { url: Address(url), preset: Preset::Json, token: None, ca_file: None };
        let done = carry(&webhook, &message(), Duration::from_secs(20)).await;
        (done, thread.join().unwrap())
    }

    #[tokio::test]
    async fn a_post_is_taken_or_refused_for_now_or_for_good() {
        let (done, asked) = outcome("HTTP/1.1 204 No Content\r\n\r\n").await;
        assert_eq!(done, Ok(()));
        assert!(asked.starts_with("POST /hook HTTP/1.1\r\n"), "{asked}");
        let (_, body) = asked.split_once("\r\n\r\n").unwrap();
        assert_eq!(serde_json::from_str::<Value>(body).unwrap(), message().json());
        let (done, _) = outcome("HTTP/1.1 503 Busy\r\ncontent-length: 5\r\n\r\nlater").await;
        assert_eq!(
            done,
            Err(ChannelError::Passing(
                "the receiver answered 503 Service Unavailable: later".to_owned()
            ))
        );
        for lasting in [
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 302 Found\r\nlocation: http://elsewhere.example/\r\ncontent-length: 0\r\n\r\n",
        ] {
            let (done, _) = outcome(lasting).await;
            assert!(matches!(done, Err(ChannelError::Lasting(_))), "{done:?}");
        }
    }
}
