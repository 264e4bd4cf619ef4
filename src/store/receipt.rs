//! The machine's receipts, by the address of ours that had sent the application.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, named_params};

use super::Error;
use super::query::instant;
use crate::domain::application::ApplicationId;
use crate::domain::receipt::{Receipted, sender_address};

type Result<T> = std::result::Result<T, Error>;

/// The last submission of an application that counts.
const LAST_SENT: &str = "SELECT m.sender, e.at FROM events e JOIN messages m ON m.id = e.message
         WHERE e.application = :application AND e.kind = 'submitted' AND e.at <= :until
           AND NOT EXISTS (SELECT 1 FROM events u
                           WHERE u.application = e.application AND u.undoes = e.id)
         ORDER BY e.at DESC LIMIT 1";

/// The first receipt for what an address sent, but for those of one application.
const FIRST: &str = "SELECT r.application, a.company, r.sent_at, r.at
         FROM receipts r JOIN applications a ON a.id = r.application
         WHERE r.sender = :sender AND r.sent_at BETWEEN :from AND :to AND r.at <= :until
           AND r.application IS NOT :other
         ORDER BY r.sent_at, r.message LIMIT 1";

/// Has those evaluated anew whose receipt is awaited.
const AWAITING: &str = "UPDATE applications SET next_evaluation_at = 0 WHERE stage = 'submitted'";

/// Who sent an application last, up to `until`, and when; `None` where no mail of ours is known.
pub fn last_sent(
    db: &Connection,
    application: ApplicationId,
    until: DateTime<Utc>,
) -> Result<Option<(String, DateTime<Utc>)>> {
    let mut statement = db.prepare_cached(LAST_SENT)?;
    let params = named_params! { ":application": application.0, ":until": until.timestamp() };
    let row = statement
        .query_row(params, |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    Ok(row.and_then(|(line, at)| Some((sender_address(&line)?, instant(at)))))
}

/// Whether any receipt of a machine is known.
pub fn any(db: &Connection) -> Result<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM receipts LIMIT 1")?.exists([])?)
}

/// The first receipt for what an address sent between two instants, and the first one for another
/// application; of those that came up to `until`.
pub fn first_two(
    db: &Connection,
    sender: &str,
    (from, to): (DateTime<Utc>, DateTime<Utc>),
    until: DateTime<Utc>,
) -> Result<Vec<Receipted>> {
    let mut statement = db.prepare_cached(FIRST)?;
    let mut found: Vec<Receipted> = Vec::new();
    for _ in 0..2 {
        let next = statement
            .query_row(
                named_params! {
                    ":sender": sender,
                    ":from": from.timestamp(),
                    ":to": to.timestamp(),
                    ":until": until.timestamp(),
                    ":other": found.first().map(|receipt| receipt.application.0),
                },
                |row| {
                    Ok(Receipted {
                        application: ApplicationId(row.get(0)?),
                        company: row.get(1)?,
                        sent_at: instant(row.get(2)?),
                        at: instant(row.get(3)?),
                    })
                },
            )
            .optional()?;
        found.extend(next);
    }
    Ok(found)
}

/// Remembers a machine's receipt.
pub fn record(
    tx: &Transaction,
    message: i64,
    sender: &str,
    receipt: (ApplicationId, DateTime<Utc>, DateTime<Utc>),
) -> Result<()> {
    let (application, sent_at, at) = receipt;
    tx.prepare_cached(
        "INSERT OR IGNORE INTO receipts (message, application, sender, sent_at, at)
         VALUES (:message, :application, :sender, :sent_at, :at)",
    )?
    .execute(named_params! {
        ":message": message,
        ":application": application.0,
        ":sender": sender,
        ":sent_at": sent_at.timestamp(),
        ":at": at.timestamp(),
    })?;
    Ok(())
}

/// Forgets a receipt that a person took back; says whether there was one.
pub fn forget(tx: &Transaction, message: i64) -> Result<bool> {
    let n_rows =
        tx.prepare_cached("DELETE FROM receipts WHERE message = ?1")?.execute([message])?;
    Ok(n_rows == 1)
}

/// Has those applications evaluated anew whose receipt is awaited: whether one is expected may
/// have changed.
pub fn evaluate_awaiting(tx: &Transaction) -> Result<()> {
    tx.prepare_cached(AWAITING)?.execute([])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn receipts_are_found_by_their_index_however_many_there_are() {
        let store = Store::in_memory().unwrap();
        let plan = |sql: &str| -> String {
            let mut statement = store.read().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let mut rows = statement.raw_query();
            let mut text = String::new();
            while let Some(row) = rows.next().unwrap() {
                text.push_str(&row.get::<_, String>(3).unwrap());
                text.push('\n');
            }
            text
        };
        for (sql, index) in [
            (FIRST, "receipts_by_sender"),
            (LAST_SENT, "events_by_application"),
            (AWAITING, "applications_awaiting_receipt"),
        ] {
            let plan = plan(sql);
            assert!(plan.contains(index), "{plan}");
            let is_whole = |line: &str| line.starts_with("SCAN") && !line.contains(index);
            assert!(!plan.lines().any(is_whole), "{plan}");
        }
    }
}
