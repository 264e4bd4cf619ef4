//! How the permissions to read mailboxes stand.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, OptionalExtension, Transaction, named_params};

use super::Error;
use super::query::instant;
use super::record::Account;

type Result<T> = std::result::Result<T, Error>;

/// How one stands.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SignIn {
    /// When a person signed in, where that is known.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// When an access token was last got.
    pub renewed_at: Option<DateTime<Utc>>,
    /// When a person must sign in again, as the provider says.
    pub sign_in_before: Option<DateTime<Utc>>,
    /// Since when a person must sign in.
    pub needed_since: Option<DateTime<Utc>>,
    /// Why.
    pub reason: Option<String>,
}

/// How the permission for an account stands; `None` where nothing was ever heard of it.
pub fn of(db: &Connection, account: Account) -> Result<Option<SignIn>> {
    let mut statement = db.prepare_cached(
        "SELECT signed_in_at, renewed_at, sign_in_before, needed_since, reason
         FROM sign_ins WHERE host = :host AND user = :user",
    )?;
    let params = named_params! { ":host": account.host, ":user": account.user };
    let found = statement.query_row(params, |row| {
        let at = |column: usize| row.get::<_, Option<i64>>(column).map(|at| at.map(instant));
        Ok(SignIn {
            signed_in_at: at(0)?,
            renewed_at: at(1)?,
            sign_in_before: at(2)?,
            needed_since: at(3)?,
            reason: row.get(4)?,
        })
    });
    Ok(found.optional()?)
}

/// Keeps how the permission for an account stands.
pub fn keep(tx: &Transaction, account: Account, stands: &SignIn) -> Result<()> {
    let seconds = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp());
    tx.prepare_cached(
        "INSERT INTO sign_ins (host, user, signed_in_at, renewed_at, sign_in_before, needed_since, reason)
         VALUES (:host, :user, :signed_in_at, :renewed_at, :sign_in_before, :needed_since, :reason)
         ON CONFLICT (host, user) DO UPDATE
         SET signed_in_at = excluded.signed_in_at, renewed_at = excluded.renewed_at,
             sign_in_before = excluded.sign_in_before, needed_since = excluded.needed_since,
             reason = excluded.reason",
    )?
    .execute(named_params! {
        ":host": account.host,
        ":user": account.user,
        ":signed_in_at": seconds(stands.signed_in_at),
        ":renewed_at": seconds(stands.renewed_at),
        ":sign_in_before": seconds(stands.sign_in_before),
        ":needed_since": seconds(stands.needed_since),
        ":reason": stands.reason,
    })?;
    Ok(())
}

/// Forgets an account.
pub fn forget(tx: &Transaction, account: Account) -> Result<()> {
    let params = named_params! { ":host": account.host, ":user": account.user };
    tx.execute("DELETE FROM sign_ins WHERE host = :host AND user = :user", params)?;
    Ok(())
}
