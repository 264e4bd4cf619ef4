//! What people decided about mails, and the names that were learnt from it.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, Transaction, named_params};

use super::Error;
use super::query::instant;
use super::record::json;
use crate::domain::application::ApplicationId;
use crate::domain::company::CompanyName;

type Result<T> = std::result::Result<T, Error>;

/// What a person decided about a mail.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    /// It is about the applications named.
    Accepted,
    /// Nothing follows from it.
    Dismissed,
    /// What was made of it was taken back.
    Undone,
    /// What was recorded stays, and the name learnt from it is forgotten.
    AliasForgotten,
}

impl What {
    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            What::Accepted => "accepted",
            What::Dismissed => "dismissed",
            What::Undone => "undone",
            What::AliasForgotten => "alias_forgotten",
        }
    }
}

/// A decision that is to be recorded.
#[derive(Clone, Copy, Debug)]
pub struct NewDecision<'a> {
    /// The decision that began the batch; `None` where this one does.
    pub batch: Option<i64>,
    /// The mail.
    pub message: i64,
    /// What was decided.
    pub what: What,
    /// The person.
    pub who: &'a str,
    /// The reason given, or the reason of the guess that was accepted.
    pub why: &'a str,
    /// The applications it is about.
    pub applications: &'a [ApplicationId],
}

/// A decision as recorded.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The row's number; later decisions have higher ones.
    pub id: i64,
    /// The first decision of the same command.
    pub batch: i64,
    /// The mail.
    pub message: i64,
    /// When it was decided.
    pub at: DateTime<Utc>,
    /// What was decided, in the words of [`What::as_str`].
    pub what: String,
    /// The person.
    pub who: String,
    /// Why.
    pub why: String,
    /// The applications it is about.
    pub applications: Vec<ApplicationId>,
}

/// A name that an application goes by since a person assigned a mail to it.
#[derive(Clone, Debug)]
pub struct LearntName {
    /// The name as the mail writes it.
    pub written: String,
    /// The mail.
    pub message: i64,
    /// Since when.
    pub learnt_at: DateTime<Utc>,
}

/// Records a decision; returns its number.
pub fn decide(tx: &Transaction, new: &NewDecision, now: DateTime<Utc>) -> Result<i64> {
    let applications: Vec<i64> = new.applications.iter().map(|id| id.0).collect();
    tx.prepare_cached(
        "INSERT INTO decisions (batch, message, at, what, who, why, applications)
         VALUES (:batch, :message, :now, :what, :who, :why, :applications)",
    )?
    .execute(named_params! {
        ":batch": new.batch.unwrap_or(0),
        ":message": new.message,
        ":now": now.timestamp(),
        ":what": new.what.as_str(),
        ":who": new.who,
        ":why": new.why,
        ":applications": json(&applications),
    })?;
    let id = tx.last_insert_rowid();
    if new.batch.is_none() {
        tx.execute("UPDATE decisions SET batch = id WHERE id = ?1", [id])?;
    }
    Ok(id)
}

/// Says of an event from which decision it follows.
pub fn of_event(tx: &Transaction, event: i64, decision: i64) -> Result<()> {
    tx.prepare_cached("UPDATE events SET decision = ?2 WHERE id = ?1")?
        .execute([event, decision])?;
    Ok(())
}

/// Forgets the bytes of mails that were dismissed before an instant: nobody takes that back any more.
pub fn forget_texts(tx: &Transaction, before: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached(
        "UPDATE messages SET raw = NULL
         WHERE id IN (SELECT message FROM decisions GROUP BY message HAVING max(at) < ?1)
           AND raw IS NOT NULL AND review = 'dismissed'",
    )?
    .execute([before.timestamp()])?;
    Ok(())
}

/// Whether a person ever took back what was made of a mail.
pub fn was_undone(db: &Connection, message: i64) -> Result<bool> {
    let mut statement =
        db.prepare_cached("SELECT 1 FROM decisions WHERE message = ?1 AND what = 'undone'")?;
    Ok(statement.exists([message])?)
}

const DECISION: &str = "id, batch, message, at, what, who, why, applications";

/// The decisions about a mail, the first first.
pub fn of_message(db: &Connection, message: i64) -> Result<Vec<Decision>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {DECISION} FROM decisions WHERE message = ?1 ORDER BY id"
    ))?;
    let rows = statement.query_map([message], decision)?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// All decisions, the last first; at most `most` of them.
pub fn all(db: &Connection, most: Option<usize>) -> Result<Vec<Decision>> {
    let most = most.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1);
    let mut statement =
        db.prepare(&format!("SELECT {DECISION} FROM decisions ORDER BY id DESC LIMIT ?1"))?;
    let rows = statement.query_map([most], decision)?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// The mails of the last batch that still stands: those of its decisions that no later one about
/// the same mail has replaced.
pub fn last_batch(db: &Connection) -> Result<Vec<i64>> {
    let mut statement = db.prepare(
        "WITH standing AS (
             SELECT id, batch, message FROM decisions d
             WHERE what IN ('accepted', 'dismissed')
               AND NOT EXISTS (SELECT 1 FROM decisions later
                               WHERE later.message = d.message AND d.id < later.id
                                 AND later.what <> 'alias_forgotten'))
         SELECT message FROM standing WHERE batch = (SELECT max(batch) FROM standing) ORDER BY id",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

fn decision(row: &Row) -> rusqlite::Result<Decision> {
    let applications: String = row.get(7)?;
    let applications: Vec<i64> = serde_json::from_str(&applications).unwrap_or_default();
    Ok(Decision {
        id: row.get(0)?,
        batch: row.get(1)?,
        message: row.get(2)?,
        at: instant(row.get(3)?),
        what: row.get(4)?,
        who: row.get(5)?,
        why: row.get(6)?,
        applications: applications.into_iter().map(ApplicationId).collect(),
    })
}

/// Whether a name could be mistaken: another application bears it, or a name that contains it or
/// is contained in it; or the application is not the only one of its company.
pub fn is_ambiguous_name(db: &Connection, key: &str, application: ApplicationId) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM names
         WHERE application <> :application
           AND (instr(' ' || name || ' ', ' ' || :key || ' ')
                OR instr(' ' || :key || ' ', ' ' || name || ' '))
         UNION ALL
         SELECT 1 FROM names own JOIN names other USING (name)
         WHERE own.application = :application AND other.application <> :application
         UNION ALL
         SELECT 1 FROM applications own JOIN applications other USING (ein)
         WHERE own.id = :application AND other.id <> :application
         LIMIT 1",
    )?;
    Ok(statement.exists(named_params! { ":application": application.0, ":key": key })?)
}

/// Has an application go by a name from now on; says whether that is news.
pub fn learn_name(
    tx: &Transaction,
    application: ApplicationId,
    name: &CompanyName,
    message: i64,
    now: DateTime<Utc>,
) -> Result<bool> {
    let n_rows = tx
        .prepare_cached("INSERT OR IGNORE INTO names (name, application) VALUES (?1, ?2)")?
        .execute((&name.key, application.0))?;
    if n_rows == 0 {
        return Ok(false);
    }
    tx.prepare_cached(
        "INSERT INTO learnt_names (name, application, written, message, learnt_at)
         VALUES (:name, :application, :written, :message, :now)",
    )?
    .execute(named_params! {
        ":name": name.key,
        ":application": application.0,
        ":written": name.written,
        ":message": message,
        ":now": now.timestamp(),
    })?;
    Ok(true)
}

/// Forgets the names learnt from a mail; says how many.
pub fn forget_names_of_message(tx: &Transaction, message: i64) -> Result<usize> {
    forget_names(tx, "message = ?1", message)
}

/// Forgets the names learnt for the company of an application that was just registered: where a
/// company has several applications, a name does not tell which is meant.
pub fn forget_names_of_siblings(tx: &Transaction, application: ApplicationId) -> Result<usize> {
    forget_names(
        tx,
        "application IN (SELECT other.application FROM names own JOIN names other USING (name)
                         WHERE own.application = ?1
                         UNION ALL SELECT other.id FROM applications own
                               JOIN applications other USING (ein) WHERE own.id = ?1)",
        application.0,
    )
}

fn forget_names(tx: &Transaction, which: &str, id: i64) -> Result<usize> {
    let found: Vec<(String, i64)> = tx
        .prepare_cached(&format!("SELECT name, application FROM learnt_names WHERE {which}"))?
        .query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<std::result::Result<_, _>>()?;
    for name in &found {
        for table in ["names", "learnt_names"] {
            let sql = format!("DELETE FROM {table} WHERE name = ?1 AND application = ?2");
            tx.prepare_cached(&sql)?.execute((&name.0, name.1))?;
        }
    }
    Ok(found.len())
}

/// The names learnt for an application.
pub fn learnt_names(db: &Connection, application: ApplicationId) -> Result<Vec<LearntName>> {
    let mut statement = db.prepare_cached(
        "SELECT written, message, learnt_at FROM learnt_names
         WHERE application = ?1 ORDER BY learnt_at, name",
    )?;
    let rows = statement.query_map([application.0], |row| {
        Ok(LearntName {
            written: row.get(0)?,
            message: row.get(1)?,
            learnt_at: instant(row.get(2)?),
        })
    })?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}
