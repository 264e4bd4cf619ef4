//! The only reader of the time. Everything else is handed an instant.

use chrono::{DateTime, Utc};

/// The present instant, in whole seconds as the database keeps it.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> DateTime<Utc> {
    let now = Utc::now();
    DateTime::from_timestamp(now.timestamp(), 0).unwrap_or(now)
}
