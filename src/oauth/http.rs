//! The way to a provider's token endpoint: HTTP over TLS, bounded in size and time.
//!
//! What cannot be an answer of OAuth 2.0 becomes an error here, so that a provider that is down is not
//! taken for one that refuses. Neither a request nor an answer is ever printed: both hold tokens.

use std::time::Duration;

use oauth2::http::StatusCode;
use oauth2::{HttpRequest, HttpResponse};

use super::said;

/// The largest answer that is read; those of real providers have a few kilobytes.
const LARGEST: u64 = 256 << 10;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum HttpError {
    /// The provider cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// It asks for patience, or is in trouble.
    #[error("it answered {0}")]
    Busy(StatusCode),
    /// What answers there is no such endpoint.
    #[error("it answered {0}, which is no answer of OAuth 2.0")]
    Odd(StatusCode),
    /// The answer breaks HTTP or the limit.
    #[error("its answer cannot be read: {0}")]
    Garbled(String),
}

/// Sends a request on a thread of its own, since the client blocks.
pub(super) async fn send(request: HttpRequest, limit: Duration) -> Result<HttpResponse, HttpError> {
    let sent = tokio::task::spawn_blocking(move || exchange(request, limit));
    sent.await.unwrap_or_else(|ended| Err(HttpError::Garbled(ended.to_string())))
}

fn exchange(request: HttpRequest, limit: Duration) -> Result<HttpResponse, HttpError> {
    let agent = crate::http::agent(None, limit).map_err(HttpError::Unreachable)?;
    let answer = agent.run(request).map_err(|error| match error {
        ureq::Error::Http(_) | ureq::Error::BadUri(_) | ureq::Error::Protocol(_) => {
            HttpError::Garbled(said(&error.to_string()))
        }
        error => HttpError::Unreachable(said(&error.to_string())),
    })?;
    let (parts, mut body) = answer.into_parts();
    let read = body.with_config().limit(LARGEST).read_to_vec();
    let body = read.map_err(|error| HttpError::Garbled(said(&error.to_string())))?;
    // A refusal is JSON with a code (RFC 6749 §5.2), whatever its status: Google says that a code is
    // not confirmed yet with 428, others ask to slow down with 429.
    let is_refusal = || {
        let answer: Option<serde_json::Value> = serde_json::from_slice(&body).ok();
        answer.is_some_and(|answer| answer.get("error").is_some_and(serde_json::Value::is_string))
    };
    let waits = [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS];
    match parts.status {
        StatusCode::OK => {}
        status if status.is_server_error() => return Err(HttpError::Busy(status)),
        status if status.is_client_error() && is_refusal() => {}
        status if waits.contains(&status) => return Err(HttpError::Busy(status)),
        status => return Err(HttpError::Odd(status)),
    }
    Ok(HttpResponse::from_parts(parts, body))
}
