//! What became of the notices on the desktop, and what of the alerts they told of.
//!
//! That a notice was accepted says nothing of who saw it. What is known afterwards is kept as a state:
//! it stands, a person closed it or pressed a button, its time was over, another one took its place, it
//! was taken back, or it was lost with its server.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction, named_params};

use super::Error;
use super::query::{alert, instant};
use super::record::{self, json};
use crate::domain::alert::{Alert, AlertKind};
use crate::domain::application::{ApplicationId, Stage};
use crate::domain::evaluation::Evaluation;
use crate::domain::notice::NoticeId;

type Result<T> = std::result::Result<T, Error>;

/// The name of the way over the desktop among the channels.
pub const DESKTOP: &str = "desktop";

/// What became of an alert on one way to a person.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It has not been taken yet.
    Queued,
    /// The last attempt failed.
    Failed,
    /// It was taken by a way that says nothing of what follows.
    Delivered,
    /// The server shows it.
    Accepted,
    /// A person closed it.
    Closed,
    /// It went because its time was over; who saw it nobody knows.
    Expired,
    /// A person pressed a button.
    Acted,
    /// A later notice about the same matter took its place.
    Replaced,
    /// It was closed because what it told no longer held.
    TakenBack,
    /// It went with its server, or for a reason that the server does not give.
    Lost,
}

impl State {
    const ALL: [State; 10] = [
        State::Queued,
        State::Failed,
        State::Delivered,
        State::Accepted,
        State::Closed,
        State::Expired,
        State::Acted,
        State::Replaced,
        State::TakenBack,
        State::Lost,
    ];

    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Queued => "queued",
            State::Failed => "failed",
            State::Delivered => "delivered",
            State::Accepted => "accepted",
            State::Closed => "closed",
            State::Expired => "expired",
            State::Acted => "acted",
            State::Replaced => "replaced",
            State::TakenBack => "taken_back",
            State::Lost => "lost",
        }
    }
}

/// An alert as one way told it, or is to tell it.
#[derive(Clone, Debug)]
pub struct Told {
    /// Its key.
    pub key: String,
    /// Its kind.
    pub kind: AlertKind,
    /// The application it is about.
    pub application: Option<ApplicationId>,
    /// Its title.
    pub title: String,
    /// When it was raised.
    pub raised_at: DateTime<Utc>,
    /// `desktop`, or the name of a channel; none where no way has tried yet.
    pub channel: Option<String>,
    /// When it was taken.
    pub told_at: Option<DateTime<Utc>>,
    /// What became of it.
    pub state: State,
    /// Since when it is so.
    pub since: Option<DateTime<Utc>>,
    /// The button that was pressed.
    pub action: Option<String>,
    /// Why it was not taken.
    pub error: Option<String>,
    /// When what it told no longer held.
    pub settled_at: Option<DateTime<Utc>>,
}

/// A notice on the screen and the alerts it tells of.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The notice.
    pub notice: NoticeId,
    /// Its alerts.
    pub alerts: Vec<Alert>,
    /// Whether none of them holds any more.
    pub is_settled: bool,
}

/// Marks alerts as shown by a server; what `replaces` was on the screen before is no more.
pub fn accepted(
    tx: &Transaction,
    ids: &[i64],
    notice: &NoticeId,
    replaces: Option<&NoticeId>,
    now: DateTime<Utc>,
) -> Result<()> {
    if let Some(old) = replaces {
        changed(tx, old, State::Replaced, None, now)?;
    }
    record::delivered(tx, DESKTOP, ids, now)?;
    tx.prepare_cached(
        "UPDATE deliveries
         SET server = :server, notice = :notice, state = 'accepted', state_at = :now, action = NULL
         WHERE channel = 'desktop' AND alert IN (SELECT value FROM json_each(:ids))",
    )?
    .execute(named_params! {
        ":ids": json(ids), ":server": notice.server, ":notice": notice.id, ":now": now.timestamp(),
    })?;
    Ok(())
}

/// Notes what became of a notice; one that is gone for good changes no more, but a button that was
/// pressed is known of even if the notice was reported closed first. Says whether it was one of ours.
pub fn changed(
    tx: &Transaction,
    notice: &NoticeId,
    state: State,
    action: Option<&str>,
    now: DateTime<Utc>,
) -> Result<bool> {
    let n_rows = tx
        .prepare_cached(
            "UPDATE deliveries SET state = :state, state_at = :now, action = :action
             WHERE server = :server AND notice = :notice
               AND (state = 'accepted' OR (state = 'expired' AND :state IN ('closed', 'acted'))
                    OR (state = 'closed' AND :state = 'acted'))",
        )?
        .execute(named_params! {
            ":server": notice.server, ":notice": notice.id,
            ":state": state.as_str(), ":action": action, ":now": now.timestamp(),
        })?;
    Ok(0 < n_rows)
}

/// Whether a notice is one of ours.
pub fn is_ours(db: &Connection, notice: &NoticeId) -> Result<bool> {
    let mut statement =
        db.prepare_cached("SELECT 1 FROM deliveries WHERE server = ?1 AND notice = ?2")?;
    Ok(statement.exists(rusqlite::params![notice.server, notice.id])?)
}

// What stands is looked for whenever the daemon wakes. The index of what is open knows it, and serves
// only who asks in its own words first.
const HAS_STRANGE: &str = "SELECT 1 FROM deliveries
     WHERE state IN ('accepted', 'expired', 'lost') AND state = 'accepted'
       AND server IS NOT ?1 LIMIT 1";
const LOSE_STRANGE: &str = "UPDATE deliveries SET state = 'lost', state_at = :now
     WHERE state IN ('accepted', 'expired', 'lost') AND state = 'accepted'
       AND server IS NOT :server";
const STANDING: &str = "SELECT d.notice, a.settled_at IS NOT NULL, a.key, a.kind, a.application,
            a.title, a.body, a.pressing
     FROM deliveries d JOIN alerts a ON a.id = d.alert
     WHERE d.state IN ('accepted', 'expired', 'lost') AND d.state = 'accepted'
       AND d.server = ?1 ORDER BY d.notice, a.id";
const OLD_CODES: &str = "SELECT a.id FROM deliveries d JOIN alerts a ON a.id = d.alert
     WHERE d.state IN ('accepted', 'expired', 'lost') AND d.state = 'accepted'
       AND a.kind = :code AND a.settled_at IS NULL AND a.created_at <= :until";

/// Whether notices are kept as standing on another server than this one, or on any where there is none.
pub fn has_strange(db: &Connection, server: Option<&str>) -> Result<bool> {
    Ok(db.prepare_cached(HAS_STRANGE)?.exists([server])?)
}

/// Gives up the notices of every server but this one: their ids mean nothing any more.
pub fn lose_strange(tx: &Transaction, server: Option<&str>, now: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached(LOSE_STRANGE)?
        .execute(named_params! { ":server": server, ":now": now.timestamp() })?;
    Ok(())
}

/// The notices that stand on a server.
pub fn standing(db: &Connection, server: &str) -> Result<Vec<Standing>> {
    let mut statement = db.prepare_cached(STANDING)?;
    let mut rows = statement.query([server])?;
    let mut found: Vec<Standing> = Vec::new();
    while let Some(row) = rows.next()? {
        let notice = NoticeId { server: server.to_owned(), id: row.get(0)? };
        let (is_settled, alert): (bool, Alert) = (row.get(1)?, alert(row, 2)?);
        match found.last_mut() {
            Some(last) if last.notice == notice => {
                last.is_settled &= is_settled;
                last.alerts.push(alert);
            }
            _ => found.push(Standing { notice, alerts: vec![alert], is_settled }),
        }
    }
    Ok(found)
}

/// The alerts that a notice told of.
pub fn alerts_of(db: &Connection, notice: &NoticeId) -> Result<Vec<Alert>> {
    let mut statement = db.prepare_cached(
        "SELECT a.key, a.kind, a.application, a.title, a.body,
                a.pressing
         FROM deliveries d JOIN alerts a ON a.id = d.alert
         WHERE d.server = ?1 AND d.notice = ?2 ORDER BY a.id",
    )?;
    let mut rows = statement.query(rusqlite::params![notice.server, notice.id])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(alert(row, 0)?);
    }
    Ok(found)
}

/// How many notices were handed to the desktop after `since` and not in vain, codes not counted.
pub fn n_shown(db: &Connection, since: DateTime<Utc>, now: DateTime<Utc>) -> Result<u32> {
    // A later time than now comes from a wrong clock.
    let mut statement = db.prepare_cached(
        "SELECT coalesce(sum(n), 0) FROM (
             SELECT max(d.attempts, 1) AS n FROM deliveries d JOIN alerts a ON a.id = d.alert
             WHERE d.channel = 'desktop' AND :since < d.attempted_at AND d.attempted_at <= :now
               AND (0 < d.attempts OR d.delivered_at IS NOT NULL) AND a.kind <> :code
             GROUP BY d.message)",
    )?;
    let params = named_params! {
        ":since": since.timestamp(), ":now": now.timestamp(),
        ":code": AlertKind::VerificationCode.as_str(),
    };
    Ok(statement.query_row(params, |row| row.get(0))?)
}

/// Settles the delivered alerts about an application that no longer hold, as
/// [`record::withdraw`] withdraws the others. What is settled stays so; of what is unproved nobody can
/// say that it no longer holds.
pub fn settle(
    tx: &Transaction,
    application: ApplicationId,
    stage: Stage,
    evaluation: &Evaluation,
    now: DateTime<Utc>,
) -> Result<()> {
    let keys: Vec<&str> = evaluation.alerts.iter().map(|alert| alert.key.as_str()).collect();
    tx.prepare_cached(
        "UPDATE alerts SET settled_at = :now
         WHERE application = :application AND delivered_at IS NOT NULL AND settled_at IS NULL
           AND (kind IN (SELECT value FROM json_each(:settled))
                OR (kind IN (SELECT value FROM json_each(:evaluated))
                    AND key NOT IN (SELECT value FROM json_each(:keys))
                    AND NOT EXISTS (SELECT 1 FROM json_each(:unproved)
                                    WHERE substr(alerts.key, 1, length(value)) = value)))",
    )?
    .execute(named_params! {
        ":application": application.0,
        ":keys": json(&keys),
        ":unproved": json(&evaluation.unproved),
        ":evaluated": kinds(AlertKind::is_evaluated),
        ":settled": kinds(|kind| !kind.still_tells(stage)),
        ":now": now.timestamp(),
    })?;
    Ok(())
}

/// Settles every alert about an application that was told: a person says that they know.
pub fn settle_all(tx: &Transaction, application: ApplicationId, now: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached(
        "UPDATE alerts SET settled_at = :now
         WHERE application = :application AND delivered_at IS NOT NULL AND settled_at IS NULL",
    )?
    .execute(named_params! { ":application": application.0, ":now": now.timestamp() })?;
    Ok(())
}

/// Settles the delivered alerts about no application whose keys begin like this.
pub fn settle_keys(tx: &Transaction, beginning: &str, now: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached(
        "UPDATE alerts SET settled_at = :now
         WHERE :beginning <= key AND key < :beginning || '~'
           AND application IS NULL AND delivered_at IS NOT NULL AND settled_at IS NULL",
    )?
    .execute(named_params! { ":beginning": beginning, ":now": now.timestamp() })?;
    Ok(())
}

/// The codes that stand on a screen and were raised before `until`.
pub fn old_codes(db: &Connection, until: DateTime<Utc>) -> Result<Vec<i64>> {
    let mut statement = db.prepare_cached(OLD_CODES)?;
    let params = named_params! {
        ":code": AlertKind::VerificationCode.as_str(), ":until": until.timestamp(),
    };
    let rows = statement.query_map(params, |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// Settles the alerts of a notice.
pub fn settle_notice(tx: &Transaction, notice: &NoticeId, now: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached(
        "UPDATE alerts SET settled_at = coalesce(settled_at, :now)
         WHERE id IN (SELECT alert FROM deliveries WHERE server = :server AND notice = :notice)",
    )?
    .execute(named_params! {
        ":server": notice.server, ":notice": notice.id, ":now": now.timestamp(),
    })?;
    Ok(())
}

/// Settles alerts.
pub fn settle_ids(tx: &Transaction, ids: &[i64], now: DateTime<Utc>) -> Result<()> {
    tx.prepare_cached(
        "UPDATE alerts SET settled_at = coalesce(settled_at, :now)
         WHERE id IN (SELECT value FROM json_each(:ids))",
    )?
    .execute(named_params! { ":ids": json(ids), ":now": now.timestamp() })?;
    Ok(())
}

const TOLD: &str = "a.key, a.kind, a.application, a.title, a.body, a.pressing, a.created_at,
    d.channel, d.delivered_at, d.state, d.state_at, d.action, d.last_error, a.settled_at";

/// What was told of an application, and by which way, oldest first.
pub fn told(db: &Connection, application: ApplicationId) -> Result<Vec<Told>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {TOLD} FROM alerts a LEFT JOIN deliveries d ON d.alert = a.id
         WHERE a.application = ?1
           AND (d.delivered_at IS NOT NULL OR (a.delivered_at IS NULL AND a.withdrawn_at IS NULL))
         ORDER BY coalesce(d.delivered_at, a.created_at), a.id, d.channel"
    ))?;
    read(statement.query([application.0])?)
}

/// What the desktop showed since `since` and nobody is known to have seen, oldest first: it was
/// neither closed nor answered, acknowledged or put off.
pub fn unacknowledged(db: &Connection, since: DateTime<Utc>) -> Result<Vec<Told>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {TOLD} FROM deliveries d JOIN alerts a ON a.id = d.alert
         WHERE d.state IN ('accepted', 'expired', 'lost') AND d.channel = 'desktop'
           AND a.settled_at IS NULL AND a.withdrawn_at IS NULL AND :since <= d.delivered_at
           AND a.kind IN (SELECT value FROM json_each(:kinds))
         ORDER BY d.delivered_at, a.id"
    ))?;
    read(statement.query(named_params! {
        ":since": since.timestamp(), ":kinds": kinds(AlertKind::wants_a_person),
    })?)
}

/// Whether a notice about an application is among those that nobody is known to have seen.
pub fn is_unacknowledged(db: &Connection, application: ApplicationId) -> Result<bool> {
    let mut statement = db.prepare_cached(
        "SELECT 1 FROM alerts a CROSS JOIN deliveries d ON d.alert = a.id
         WHERE a.application = ?1 AND a.settled_at IS NULL AND d.channel = 'desktop'
           AND d.state IN ('accepted', 'expired', 'lost')",
    )?;
    Ok(statement.exists([application.0])?)
}

fn read(mut rows: rusqlite::Rows) -> Result<Vec<Told>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let Alert { key, kind, application, title, .. } = alert(row, 0)?;
        let at = |column: usize| -> Result<Option<DateTime<Utc>>> {
            Ok(row.get::<_, Option<i64>>(column)?.map(instant))
        };
        let (told_at, error): (_, Option<String>) = (at(8)?, row.get(12)?);
        let written: Option<String> = row.get(9)?;
        let known = State::ALL.into_iter().find(|state| Some(state.as_str()) == written.as_deref());
        let state = known.unwrap_or(match (told_at, &error) {
            (Some(_), _) => State::Delivered,
            (None, Some(_)) => State::Failed,
            (None, None) => State::Queued,
        });
        found.push(Told {
            key,
            kind,
            application,
            title,
            raised_at: instant(row.get(6)?),
            channel: row.get(7)?,
            told_at,
            state,
            since: at(10)?,
            action: row.get(11)?,
            error,
            settled_at: at(13)?,
        });
    }
    Ok(found)
}

fn kinds(wanted: impl Fn(AlertKind) -> bool) -> String {
    json(&AlertKind::ALL.iter().filter(|k| wanted(**k)).map(|k| k.as_str()).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;

    #[test]
    fn what_stands_on_the_screen_is_found_however_much_was_told() {
        let store = Store::in_memory().unwrap();
        for sql in [HAS_STRANGE, LOSE_STRANGE, STANDING, OLD_CODES] {
            let mut statement = store.read().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
            let mut rows = statement.raw_query();
            let mut plan = String::new();
            while let Some(row) = rows.next().unwrap() {
                plan.push_str(&row.get::<_, String>(3).unwrap());
                plan.push('\n');
            }
            assert!(plan.contains("deliveries_open (state=?)"), "{plan}");
            assert!(!plan.contains("SCAN"), "{plan}");
        }
    }
}
