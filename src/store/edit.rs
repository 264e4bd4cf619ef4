//! Corrections of what is registered, and the tickets that lead to an application.

use rusqlite::{Connection, Transaction, named_params};

use super::Error;
use super::record::json;
use crate::domain::application::{Application, ApplicationId};
use crate::domain::company::CompanyName;

type Result<T> = std::result::Result<T, Error>;

/// Writes an application as it was corrected, with the names by which mails find it. What was learnt
/// from mails stays, unless the user now says it, too, or it could be mistaken.
pub fn application(tx: &Transaction, after: &Application) -> Result<()> {
    let ApplicationId(id) = after.id;
    tx.prepare_cached(
        "UPDATE applications
         SET company = :company, number = :number, route = :route, ein = :ein, aliases = :aliases,
             tags = :tags, contact = :contact, notes = :notes, liquidated_on = :liquidated_on
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": id,
        ":company": after.company,
        ":number": after.number.to_string(),
        ":route": after.route.as_str(),
        ":ein": after.number.ein(),
        ":aliases": json(&after.aliases),
        ":tags": json(&after.tags),
        ":contact": after.contact,
        ":notes": after.notes,
        ":liquidated_on": after.liquidated_on.map(|day| day.to_string()),
    })?;
    let names: Vec<String> = std::iter::once(&after.company)
        .chain(&after.aliases)
        .flat_map(|written| CompanyName::parts(written))
        .collect();
    let params = named_params! { ":id": id, ":names": json(&names) };
    for sql in [
        // Said by the user, a name no longer goes with the mail that it was learnt from.
        "DELETE FROM learnt_names
         WHERE application = :id AND name IN (SELECT value FROM json_each(:names))",
        "DELETE FROM names
         WHERE application = :id AND name NOT IN (SELECT value FROM json_each(:names))
           AND name NOT IN (SELECT name FROM learnt_names WHERE application = :id)",
        "INSERT OR IGNORE INTO names (name, application)
         SELECT value, :id FROM json_each(:names)",
    ] {
        tx.prepare_cached(sql)?.execute(params)?;
    }
    super::decision::forget_names_of_siblings(tx, after.id)?;
    Ok(())
}

/// Another application with the same number on the same route.
pub fn twin(db: &Connection, of: &Application) -> Result<Option<ApplicationId>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM applications WHERE number = :number AND route = :route AND id <> :id",
    )?;
    let mut rows = statement.query(named_params! {
        ":number": of.number.to_string(), ":route": of.route.as_str(), ":id": of.id.0,
    })?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?.map(ApplicationId))
}

/// The mails in review that may be about an application, and that nobody decided about.
pub fn waiting_for(db: &Connection, id: ApplicationId) -> Result<Vec<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM messages
         WHERE review = 'open'
           AND (application = ?1 OR ?1 IN (SELECT value FROM json_each(candidates)))
           AND NOT EXISTS (SELECT 1 FROM decisions WHERE message = messages.id)
         ORDER BY received_at, id",
    )?;
    let rows = statement.query_map([id.0], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// Whether a mail was ever recorded for an application.
pub fn has_mail(db: &Connection, id: ApplicationId) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM events WHERE application = ?1 AND message IS NOT NULL LIMIT 1",
    )?;
    Ok(statement.exists([id.0])?)
}

/// The applications that a ticket number leads to.
pub fn with_ticket(db: &Connection, ticket: &str) -> Result<Vec<ApplicationId>> {
    let mut statement = db
        .prepare_cached("SELECT application FROM tickets WHERE ticket = ?1 ORDER BY application")?;
    let rows = statement.query_map([ticket], |row| row.get(0).map(ApplicationId))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// The ticket numbers that lead to an application.
pub fn tickets(db: &Connection, id: ApplicationId) -> Result<Vec<String>> {
    let mut statement =
        db.prepare_cached("SELECT ticket FROM tickets WHERE application = ?1 ORDER BY ticket")?;
    let rows = statement.query_map([id.0], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// Forgets that a ticket number leads to an application; says whether it did.
pub fn forget_ticket(tx: &Transaction, ticket: &str, id: ApplicationId) -> Result<bool> {
    let n_rows = tx
        .prepare_cached("DELETE FROM tickets WHERE ticket = ?1 AND application = ?2")?
        .execute((ticket, id.0))?;
    Ok(n_rows == 1)
}
