//! The mails that are kept to be read again: which there are, what becomes of them, how they go.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, named_params};

use super::Error;
use super::query::{StoredMessage, instant};
use super::record::NewMessage;
use crate::domain::application::ApplicationId;
use crate::domain::unrecognised::Unrecognised;

type Result<T> = std::result::Result<T, Error>;

/// The numbers of the mails that can be read again and were received from `since` on, oldest first.
pub fn mails(db: &Connection, since: Option<DateTime<Utc>>) -> Result<Vec<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM messages WHERE raw IS NOT NULL AND received_at >= ?1
         ORDER BY received_at, id",
    )?;
    let rows = statement.query_map([seconds(since)], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// The mails recorded for an application by thread, ticket or name, as far as they can be read again
/// and no person decided about them.
pub fn recorded_by_what_was_learnt(
    db: &Connection,
    application: ApplicationId,
) -> Result<Vec<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM messages
         WHERE application = ?1 AND effect = 'recorded' AND review IS NULL AND raw IS NOT NULL
           AND matched_by IN ('thread', 'ticket', 'name')
           AND NOT EXISTS (SELECT 1 FROM decisions WHERE message = messages.id)
         ORDER BY id",
    )?;
    let rows = statement.query_map([application.0], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// How many of CBP's mails cannot be read again, because nothing but what was made of them is kept.
/// Codes are not counted: they are never to be read again.
pub fn n_lost(db: &Connection, since: Option<DateTime<Utc>>) -> Result<usize> {
    let mut statement = db.prepare_cached(
        "SELECT count(*) FROM messages
         WHERE raw IS NULL AND authenticity IN ('authentic', 'unverified')
           AND kind <> 'verification_code' AND review IS NOT 'dismissed' AND received_at >= ?1",
    )?;
    let n: i64 = statement.query_row([seconds(since)], |row| row.get(0))?;
    Ok(usize::try_from(n).unwrap_or(0))
}

/// Whether a person decided about a mail: took it off the list, assigned it, or took back what the
/// rules had made of it. What was put aside as a copy goes by what was decided about the original.
pub fn is_decided(db: &Connection, stored: &StoredMessage) -> Result<bool> {
    if !matches!(stored.review.as_deref(), None | Some("open")) {
        return Ok(true);
    }
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM decisions WHERE message = ?1 AND what <> 'alias_forgotten'
         UNION ALL
         SELECT 1 FROM events WHERE message = ?1 AND kind = 'undone' AND source = 'command'
         UNION ALL
         SELECT 1 FROM messages copy
              JOIN messages original USING (message_id, sender, subject)
              JOIN decisions ON decisions.message = original.id
         WHERE copy.id = ?1 AND original.id <> ?1 AND copy.effect = 'ignored'
           AND copy.authenticity IN ('authentic', 'own')
           AND original.authenticity IN ('authentic', 'own')",
    )?;
    Ok(statement.exists([stored.id])?)
}

/// The numbers of CBP's mails whose wording no rule knows, and that nobody has looked at.
pub fn unrecognised(db: &Connection) -> Result<Vec<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM messages WHERE unrecognised = 1 ORDER BY received_at, id",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// The same as far as a notice tells of them.
pub fn unrecognised_subjects(db: &Connection) -> Result<Vec<Unrecognised>> {
    let mut statement = db.prepare_cached(
        "SELECT recorded_at, authenticity = 'authentic', subject FROM messages
         WHERE unrecognised = 1 ORDER BY received_at, id",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Unrecognised {
            recorded_at: instant(row.get(0)?),
            is_authentic: row.get(1)?,
            subject: row.get(2)?,
        })
    })?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// How many there are of them.
pub fn n_unrecognised(db: &Connection) -> Result<i64> {
    let mut statement =
        db.prepare_cached("SELECT count(*) FROM messages WHERE unrecognised = 1")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// Replaces what was made of a mail; where and when it was found stays.
pub fn reread(tx: &Transaction, message: i64, new: &NewMessage) -> Result<()> {
    tx.prepare_cached(
        "UPDATE messages
         SET message_id = :message_id, sender = :sender, subject = :subject, kind = :kind,
             reason = :reason, authenticity = :authenticity, because = :because,
             outcome = :outcome, matched_by = :matched_by, application = :application,
             candidates = :candidates, match_because = :match_because, numbers = :numbers,
             effect = :effect, review = :review, rule = :rule, unrecognised = :unrecognised,
             -- The text of a code is not kept, however late it is known for one.
             raw = CASE WHEN :kind <> 'verification_code' THEN raw END
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": message,
        ":message_id": new.message_id,
        ":sender": new.sender,
        ":subject": new.subject,
        ":kind": new.kind,
        ":reason": new.reason,
        ":authenticity": new.authenticity,
        ":because": new.because,
        ":outcome": new.outcome,
        ":matched_by": new.matched_by,
        ":application": new.application.map(|id| id.0),
        ":candidates": new.candidates,
        ":match_because": new.match_because,
        ":numbers": new.numbers,
        ":effect": new.effect,
        ":review": new.review,
        ":rule": new.rule,
        ":unrecognised": new.is_unrecognised,
    })?;
    Ok(())
}

/// Takes back the alerts that a mail raised, for good: one that was only withdrawn would come back
/// with the next look at its application.
pub fn settle_alerts_of(tx: &Transaction, mail: &StoredMessage, now: DateTime<Utc>) -> Result<()> {
    // A mail for which nobody vouches goes by its bytes: its Message-ID may be another mail's.
    let vouched_id = mail.message_id.as_deref().filter(|_| mail.authenticity == "authentic");
    for identity in [vouched_id, Some(mail.digest.as_str())].into_iter().flatten() {
        tx.prepare_cached(
            "UPDATE alerts
             SET delivered_at = coalesce(delivered_at, :now),
                 withdrawn_at = coalesce(withdrawn_at, :now),
                 settled_at = coalesce(settled_at, :now)
             WHERE substr(key, 1, 5) = 'mail/' AND substr(key, -length(:end)) = :end",
        )?
        .execute(named_params! { ":now": now.timestamp(), ":end": format!("/{identity}") })?;
    }
    Ok(())
}

/// Whether a mail is kept that was taken in before `until`, waits for nobody, and was not decided
/// about since `decided_before`.
pub fn has_older(
    db: &Connection,
    until: DateTime<Utc>,
    decided_before: DateTime<Utc>,
) -> Result<bool> {
    let mut statement =
        db.prepare_cached(&format!("SELECT 1 FROM messages WHERE {OLDER} LIMIT 1"))?;
    Ok(statement.exists([until.timestamp(), decided_before.timestamp()])?)
}

/// Forgets the bytes of at most `n` such mails, the oldest first.
pub fn prune(
    tx: &Transaction,
    until: DateTime<Utc>,
    decided_before: DateTime<Utc>,
    n: i64,
) -> Result<()> {
    tx.prepare_cached(&format!(
        "UPDATE messages SET raw = NULL
         WHERE id IN (SELECT id FROM messages WHERE {OLDER} ORDER BY recorded_at LIMIT ?3)"
    ))?
    .execute([until.timestamp(), decided_before.timestamp(), n])?;
    Ok(())
}

/// What a person decided a short while ago they may take back, and look at again.
const OLDER: &str = "raw IS NOT NULL AND review IS NOT 'open' AND recorded_at < ?1
    AND NOT EXISTS (SELECT 1 FROM decisions WHERE message = messages.id AND ?2 <= at)";

fn seconds(since: Option<DateTime<Utc>>) -> i64 {
    since.map_or(i64::MIN, |since| since.timestamp())
}
