//! What is read. Rows become values of the core here and nowhere else.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{Connection, OptionalExtension, Row, named_params};

use super::Error;
use super::record::{Account, json};
use crate::domain::alert::{Alert, AlertKind};
use crate::domain::application::{Application, ApplicationId, Route, Stage};
use crate::domain::coverage::Watched;
use crate::domain::cursor::{Cursor, Unread};
use crate::domain::evaluation::Attention;
use crate::domain::event::{Decided, Event, EventKind, Source};
use crate::domain::importer::ImporterNumber;
use crate::domain::intake::Twin;
use crate::domain::matching::{Candidate, Keys};
use crate::domain::mention::Reading;

type Result<T> = std::result::Result<T, Error>;

/// One line of the overview: the cached summary of an application.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The application.
    pub application: Application,
    /// How far it has come.
    pub stage: Stage,
    /// Whether it needs a person.
    pub attention: Attention,
    /// When it was sent.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When CBP confirmed that it arrived.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When CBP first wrote more than a receipt.
    pub first_reply_at: Option<DateTime<Utc>>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// The next deadline of an open window.
    pub next_deadline: Option<DateTime<Utc>>,
    /// Until when the cached evaluation holds.
    pub next_evaluation_at: Option<DateTime<Utc>>,
    /// Since when it holds.
    pub evaluated_at: DateTime<Utc>,
    /// Until when a person does not want to hear of it.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Since when a person has known of all that is overdue.
    pub acked_at: Option<DateTime<Utc>>,
    /// The next day after which a refund is lost, while the account is missing.
    pub next_cliff: Option<NaiveDate>,
}

/// A mail as it was kept.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    /// Its number.
    pub id: i64,
    /// Its Message-ID.
    pub message_id: Option<String>,
    /// The mailbox in which it was found, or `import`.
    pub mailbox: String,
    /// The folder in which it was found.
    pub folder: String,
    /// `inbox`, `junk` or `sent`.
    pub role: String,
    /// When it was received.
    pub received_at: DateTime<Utc>,
    /// The sender.
    pub sender: String,
    /// The subject.
    pub subject: String,
    /// The kind.
    pub kind: String,
    /// The reason stated.
    pub reason: Option<String>,
    /// The verdict on its authenticity.
    pub authenticity: String,
    /// Why, sentence by sentence.
    pub because: Vec<String>,
    /// How the matching ended.
    pub outcome: String,
    /// The key that decided.
    pub matched_by: Option<String>,
    /// The application it is about.
    pub application: Option<ApplicationId>,
    /// The applications a person may choose from.
    pub candidates: Vec<ApplicationId>,
    /// Why it matched or not.
    pub match_because: String,
    /// The importer numbers in it.
    pub numbers: Vec<String>,
    /// What happened to it.
    pub effect: String,
    /// `open`, `accepted`, `assigned`, `dismissed`.
    pub review: Option<String>,
    /// Its bytes without attached files, if they are kept.
    pub raw: Option<Vec<u8>>,
    /// Its digest, hexadecimal.
    pub digest: String,
    /// The rule that decided; not known of what an older version took in.
    pub rule: Option<String>,
    /// Whether no rule knows its wording, and nobody has looked at it.
    pub is_unrecognised: bool,
    /// The domain whose DKIM signature was verified here when it came in.
    pub dkim: Option<String>,
}

/// An alert that has not reached a person.
#[derive(Clone, Debug)]
pub struct PendingAlert {
    /// The row's number.
    pub id: i64,
    /// The alert.
    pub alert: Alert,
    /// When it was raised.
    pub created_at: DateTime<Utc>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// How often it was handed over without word of whether it was shown.
    pub attempts: u32,
    /// When it was handed over last.
    pub attempted_at: Option<DateTime<Utc>>,
}

/// How a mailbox fares.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MailboxState {
    /// The mailbox.
    pub name: String,
    /// `push` or `poll`.
    pub mode: Option<String>,
    /// When every folder was last read.
    pub last_complete_check: Option<DateTime<Utc>>,
    /// Since when it cannot be read.
    pub failing_since: Option<DateTime<Utc>>,
    /// Why not.
    pub error: Option<String>,
    /// What to do.
    pub hint: Option<String>,
}

/// The instant of a stored number of seconds.
pub fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or(DateTime::UNIX_EPOCH)
}

/// Asks for the applications that bear a key. Each key has an index, so that the answer costs what
/// it holds, and not what there is.
pub const CANDIDATES: &str = "WITH by_thread AS (SELECT application FROM threads
                        WHERE message_id IN (SELECT value FROM json_each(:threads))),
          by_ticket AS (SELECT application FROM tickets
                        WHERE ticket IN (SELECT value FROM json_each(:tickets))),
          found AS (SELECT application AS id FROM by_thread
                    UNION ALL SELECT application FROM by_ticket
                    UNION ALL SELECT application FROM names
                          WHERE name IN (SELECT value FROM json_each(:names))
                    UNION ALL SELECT id FROM applications
                          WHERE number IN (SELECT value FROM json_each(:exact))
                    UNION ALL SELECT id FROM applications
                          WHERE ein IN (SELECT value FROM json_each(:eins)))
     SELECT id, company, number, stage, route,
            id IN by_thread, id IN by_ticket,
            (SELECT json_group_array(name) FROM names WHERE application = id)
     FROM applications WHERE id IN found
     ORDER BY id";

/// The applications that bear one of a mail's keys.
pub fn candidates(db: &Connection, keys: &Keys) -> Result<Vec<Candidate>> {
    let mut exact = Vec::new();
    let mut eins = Vec::new();
    for reading in keys.readings() {
        match reading {
            Reading::Exact(number) => {
                // The siblings of a number whose suffix is not registered are candidates too.
                eins.extend(number.ein().map(str::to_owned));
                exact.push(number.to_string());
            }
            Reading::Family(ein) => eins.push(ein),
        }
    }
    let mut statement = db.prepare_cached(CANDIDATES)?;
    let rows = statement.query_map(
        named_params! {
            ":threads": json(&keys.threads),
            ":tickets": json(&keys.tickets),
            ":names": json(&keys.names.iter().chain(&keys.parts).collect::<Vec<_>>()),
            ":exact": json(&exact),
            ":eins": json(&eins),
        },
        |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
                row.get::<_, String>(3)?,
                row.get::<_, String>(4)?,
                row.get::<_, bool>(5)?,
                row.get::<_, bool>(6)?,
                row.get::<_, String>(7)?,
            ))
        },
    )?;
    rows.map(|row| {
        let (id, company, number, stage, route, by_thread, by_ticket, names) = row?;
        Ok(Candidate {
            id: ApplicationId(id),
            company,
            number: parse_number(&number)?,
            names: list(&names),
            route: Route::parse(&route).ok_or(Error::Value { what: "route", value: route })?,
            stage: Stage::parse(&stage).ok_or(Error::Value { what: "stage", value: stage })?,
            is_rejected_later: false,
            by_thread,
            by_ticket,
        })
    })
    .collect()
}

/// A message with the same bytes as one that comes in.
#[derive(Clone, Debug)]
pub struct Known {
    /// Its number.
    pub id: i64,
    /// The mailbox in which it was found, or `import`.
    pub mailbox: String,
    /// `inbox`, `junk` or `sent`.
    pub role: String,
    /// What happened to it.
    pub effect: String,
    /// Whether a person ever decided about it, or an application's history mentions it.
    pub is_remembered: bool,
}

/// The message with the same bytes, if there is one.
pub fn known(db: &Connection, digest: &str) -> Result<Option<Known>> {
    let mut statement = db.prepare_cached(
        "SELECT id, role, effect, EXISTS (SELECT 1 FROM decisions WHERE message = messages.id)
                                  OR EXISTS (SELECT 1 FROM events WHERE message = messages.id),
                mailbox
         FROM messages WHERE digest = ?1",
    )?;
    let row = statement.query_row([digest], |row| {
        Ok(Known {
            id: row.get(0)?,
            role: row.get(1)?,
            effect: row.get(2)?,
            is_remembered: row.get(3)?,
            mailbox: row.get(4)?,
        })
    });
    Ok(row.optional()?)
}

/// The messages with a Message-ID that were recorded or put before a person, other than the one
/// with these very bytes.
pub fn recorded_with(db: &Connection, message_id: &str, digest: &str) -> Result<Vec<Twin>> {
    let mut statement = db.prepare_cached(
        "SELECT id, sender, subject, kind, application,
                EXISTS (SELECT 1 FROM decisions WHERE message = messages.id)
         FROM messages
         WHERE message_id = ?1 AND digest <> ?2 AND (effect = 'recorded' OR review IS NOT NULL)
           AND authenticity IN ('authentic', 'own')
         ORDER BY id",
    )?;
    let rows = statement.query_map([message_id, digest], |row| {
        Ok(Twin {
            message: row.get(0)?,
            sender: row.get(1)?,
            subject: row.get(2)?,
            kind: row.get(3)?,
            application: row.get::<_, Option<i64>>(4)?.map(ApplicationId),
            is_decided: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

const SUMMARY: &str = "id, company, number, route, aliases, tags, contact, notes, created_at,
    stage, attention, submitted_at, acknowledged_at, first_reply_at, decided_at, next_deadline,
    next_evaluation_at, evaluated_at, snoozed_until, acked_at, liquidated_on, next_cliff";

/// All applications with their cached summaries, the most urgent first; of those that need nobody
/// at most `n_quiet`.
pub fn summaries(db: &Connection, n_quiet: Option<usize>) -> Result<Vec<Summary>> {
    let quiet = n_quiet.and_then(|n| i64::try_from(n).ok()).unwrap_or(-1);
    let mut statement = db.prepare(&format!(
        "WITH quiet AS (SELECT id FROM applications WHERE attention = 'none'
                        ORDER BY next_deadline IS NULL, next_deadline, id LIMIT ?1)
         SELECT {SUMMARY} FROM applications
         WHERE attention <> 'none' OR ?1 < 0 OR id IN quiet
         ORDER BY CASE attention WHEN 'action_needed' THEN 0 WHEN 'overdue' THEN 1
                                 WHEN 'unknown' THEN 2 WHEN 'due' THEN 3 ELSE 4 END,
                  CASE attention WHEN 'none' THEN NULL ELSE coalesce(next_cliff, '~') END,
                  next_deadline IS NULL, next_deadline, id"
    ))?;
    let mut rows = statement.query([quiet])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(summary(row)?);
    }
    Ok(found)
}

/// So many applications are at a stage and have an attention.
pub type Tallied = (Stage, Attention, usize);

/// How many applications there are of each stage and attention, as cached.
pub fn tally(db: &Connection) -> Result<Vec<Tallied>> {
    let mut statement = db
        .prepare("SELECT stage, attention, count(*) FROM applications GROUP BY stage, attention")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (stage, attention): (String, String) = (row.get(0)?, row.get(1)?);
        found.push((
            Stage::parse(&stage).ok_or(Error::Value { what: "stage", value: stage })?,
            Attention::parse(&attention)
                .ok_or(Error::Value { what: "attention", value: attention })?,
            usize::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
        ));
    }
    Ok(found)
}

/// One application with its cached summary.
pub fn summary_of(db: &Connection, id: ApplicationId) -> Result<Option<Summary>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {SUMMARY} FROM applications WHERE id = ?1"))?;
    let mut rows = statement.query([id.0])?;
    rows.next()?.map(summary).transpose()
}

/// The applications whose evaluation may have changed by `now`.
pub fn to_evaluate(db: &Connection, now: DateTime<Utc>) -> Result<Vec<ApplicationId>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM applications
         WHERE next_evaluation_at <= ?1 OR evaluated_at > ?1
         ORDER BY id",
    )?;
    let rows = statement.query_map([now.timestamp()], |row| row.get(0).map(ApplicationId))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// What was made of a mail, in the words of the contract.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Taken {
    /// The mail.
    pub id: i64,
    /// Where it was found first.
    pub mailbox: String,
    /// Its application, where one was found.
    pub application: Option<i64>,
    /// Its kind.
    pub kind: String,
    /// The verdict on its authenticity.
    pub authenticity: String,
    /// How the matching ended.
    pub outcome: String,
    /// What happened to it.
    pub effect: String,
}

/// The mail that was recorded last; 0 where there is none.
pub fn last_message(db: &Connection) -> Result<i64> {
    let mut statement = db.prepare_cached("SELECT coalesce(max(id), 0) FROM messages")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

/// The mails that were recorded after the mail `last`.
pub fn messages_after(db: &Connection, last: i64) -> Result<Vec<Taken>> {
    let mut statement = db.prepare_cached(
        "SELECT id, kind, authenticity, outcome, effect, mailbox, application FROM messages
         WHERE ?1 < id ORDER BY id",
    )?;
    let rows = statement.query_map([last], |row| {
        Ok(Taken {
            id: row.get(0)?,
            kind: row.get(1)?,
            authenticity: row.get(2)?,
            outcome: row.get(3)?,
            effect: row.get(4)?,
            mailbox: row.get(5)?,
            application: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// Whether an application waits for proof about a deadline after `since`.
pub fn proof_needed_since(db: &Connection, since: DateTime<Utc>) -> Result<bool> {
    let mut statement =
        db.prepare_cached("SELECT 1 FROM applications WHERE proof_needed > ?1 LIMIT 1")?;
    Ok(statement.exists([since.timestamp()])?)
}

/// The ids of the applications with a number, open ones first.
pub fn with_number(db: &Connection, number: &ImporterNumber) -> Result<Vec<ApplicationId>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM applications WHERE number = ?1 ORDER BY stage = 'closed', id",
    )?;
    let rows = statement.query_map([number.to_string()], |row| row.get(0).map(ApplicationId))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// The registered social security numbers, which are to be masked wherever they are shown.
pub fn social_security_numbers(db: &Connection) -> Result<BTreeSet<ImporterNumber>> {
    let mut statement = db.prepare("SELECT number FROM applications WHERE ein IS NULL")?;
    let mut rows = statement.query([])?;
    let mut found = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let number = parse_number(&row.get::<_, String>(0)?)?;
        if number.is_ssn() {
            found.insert(number);
        }
    }
    Ok(found)
}

/// The applications of an EIN.
pub fn with_ein(db: &Connection, ein: &str) -> Result<Vec<ApplicationId>> {
    let mut statement =
        db.prepare_cached("SELECT id FROM applications WHERE ein = ?1 ORDER BY id")?;
    let rows = statement.query_map([ein], |row| row.get(0).map(ApplicationId))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// The applications whose name, normalised, has a part in it.
pub fn with_name_part(db: &Connection, part: &str) -> Result<Vec<ApplicationId>> {
    let mut statement = db.prepare_cached(
        "SELECT DISTINCT application FROM names WHERE instr(name, ?1) ORDER BY application",
    )?;
    let rows = statement.query_map([part], |row| row.get(0).map(ApplicationId))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

const EVENT: &str = "e.id, e.at, e.kind, e.source, e.message, m.message_id, e.text, e.undoes,
    d.who, d.why, e.until_at";

/// An application's events in the order of their rows.
pub fn events(db: &Connection, id: ApplicationId) -> Result<Vec<Event>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {EVENT} FROM events e LEFT JOIN messages m ON m.id = e.message
                                      LEFT JOIN decisions d ON d.id = e.decision
         WHERE e.application = ?1 ORDER BY e.id"
    ))?;
    let mut rows = statement.query([id.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(event(row)?);
    }
    Ok(found)
}

/// All events by application, in the order of their rows.
pub fn all_events(db: &Connection) -> Result<BTreeMap<ApplicationId, Vec<Event>>> {
    let mut statement = db.prepare(&format!(
        "SELECT {EVENT}, e.application FROM events e
             LEFT JOIN messages m ON m.id = e.message LEFT JOIN decisions d ON d.id = e.decision
         ORDER BY e.id"
    ))?;
    let mut rows = statement.query([])?;
    let mut found: BTreeMap<ApplicationId, Vec<Event>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        found.entry(ApplicationId(row.get(11)?)).or_default().push(event(row)?);
    }
    Ok(found)
}

fn event(row: &Row) -> Result<Event> {
    let kind: String = row.get(2)?;
    let source: String = row.get(3)?;
    Ok(Event {
        id: row.get(0)?,
        at: instant(row.get(1)?),
        kind: EventKind::parse(&kind).ok_or(Error::Value { what: "event", value: kind })?,
        source: match source.as_str() {
            "message" => Source::Message,
            "rules" => Source::Rules,
            "clock" => Source::Clock,
            "notice" => Source::Notice,
            _ => Source::Command,
        },
        message: row.get(4)?,
        message_id: row.get(5)?,
        text: row.get(6)?,
        undoes: row.get(7)?,
        until: row.get::<_, Option<i64>>(10)?.map(instant),
        decided: match (row.get(8)?, row.get(9)?) {
            (Some(who), Some(why)) => Some(Decided { who, why }),
            _ => None,
        },
    })
}

/// The events that follow from a message and still count, with their applications.
pub fn events_of_message(db: &Connection, message: i64) -> Result<Vec<(i64, ApplicationId)>> {
    let mut statement = db.prepare_cached(
        "SELECT id, application FROM events e
         WHERE message = ?1 AND kind <> 'undone'
           AND NOT EXISTS (SELECT 1 FROM events u WHERE u.undoes = e.id)
         ORDER BY id",
    )?;
    let rows =
        statement.query_map([message], |row| Ok((row.get(0)?, ApplicationId(row.get(1)?))))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

const MESSAGE: &str = "id, message_id, folder, role, received_at, sender, subject, kind, reason,
    authenticity, because, outcome, matched_by, application, candidates, match_because, numbers,
    effect, review, raw, digest, rule, unrecognised, dkim, mailbox";

/// A message by its number.
pub fn message(db: &Connection, id: i64) -> Result<Option<StoredMessage>> {
    let mut statement =
        db.prepare_cached(&format!("SELECT {MESSAGE} FROM messages WHERE id = ?1"))?;
    Ok(statement.query_row([id], stored_message).optional()?)
}

/// The mails that wait for a person, oldest first.
pub fn review(db: &Connection) -> Result<Vec<StoredMessage>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {MESSAGE} FROM messages WHERE review = 'open' ORDER BY received_at, id"
    ))?;
    let rows = statement.query_map([], stored_message)?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// The numbers of the mails in review that no application was found for and nobody decided about.
pub fn lost(db: &Connection) -> Result<Vec<i64>> {
    let mut statement = db.prepare_cached(
        "SELECT id FROM messages WHERE review = 'open' AND outcome = 'unmatched'
           AND NOT EXISTS (SELECT 1 FROM decisions WHERE message = messages.id)
         ORDER BY received_at, id",
    )?;
    let rows = statement.query_map([], |row| row.get(0))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// The messages that were matched to an application, whatever became of them.
pub fn messages_of(db: &Connection, id: ApplicationId) -> Result<Vec<StoredMessage>> {
    let mut statement = db.prepare_cached(&format!(
        "SELECT {MESSAGE} FROM messages WHERE application = ?1 ORDER BY received_at, id"
    ))?;
    let rows = statement.query_map([id.0], stored_message)?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// How many mails there are of each kind, and what happened to them: kind, effect, number.
pub fn kinds(db: &Connection) -> Result<Vec<(String, String, u32)>> {
    let mut found = db.prepare_cached(
        "SELECT kind, effect, count(*) FROM messages GROUP BY kind, effect ORDER BY kind, effect",
    )?;
    let rows = found.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// How many mails wait for a person.
pub fn n_review(db: &Connection) -> Result<i64> {
    Ok(db.query_row("SELECT count(*) FROM messages WHERE review = 'open'", [], |row| row.get(0))?)
}

/// How many alerts have not reached a person.
pub fn n_pending_alerts(db: &Connection) -> Result<i64> {
    Ok(db.query_row(
        "SELECT count(*) FROM alerts WHERE delivered_at IS NULL AND withdrawn_at IS NULL",
        [],
        |row| row.get(0),
    )?)
}

/// Whether there is an alert with this key, and if so, whether it is still to be shown.
pub fn is_pending(db: &Connection, key: &str) -> Result<Option<bool>> {
    let mut statement = db.prepare_cached(
        "SELECT delivered_at IS NULL AND withdrawn_at IS NULL FROM alerts WHERE key = ?1",
    )?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

/// Whether the alert with this key has reached a person.
pub fn was_delivered(db: &Connection, key: &str) -> Result<bool> {
    let mut statement =
        db.prepare_cached("SELECT 1 FROM alerts WHERE key = ?1 AND delivered_at IS NOT NULL")?;
    Ok(statement.exists([key])?)
}

/// The mails of an account that could not be read.
pub fn unreadable(db: &Connection, account: Account) -> Result<Vec<Unread>> {
    let mut statement = db.prepare_cached(
        "SELECT folder, uid_validity, uid, last_tried, tries FROM unreadable
         WHERE host = :host AND user = :user",
    )?;
    let params = named_params! { ":host": account.host, ":user": account.user };
    let rows = statement.query_map(params, |row| {
        Ok(Unread {
            folder: row.get(0)?,
            uid_validity: row.get(1)?,
            uid: row.get(2)?,
            last_tried: instant(row.get(3)?),
            tries: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// How many mails of an account could not be read.
pub fn n_unreadable(db: &Connection, account: Account) -> Result<i64> {
    let params = named_params! { ":host": account.host, ":user": account.user };
    Ok(db.query_row(
        "SELECT count(*) FROM unreadable WHERE host = :host AND user = :user",
        params,
        |row| row.get(0),
    )?)
}

/// Since when a mail of an account could not be read that still cannot.
pub fn unreadable_since(db: &Connection, account: Account) -> Result<Option<DateTime<Utc>>> {
    let since: Option<i64> = db.query_row(
        "SELECT min(first_seen) FROM unreadable WHERE host = :host AND user = :user",
        named_params! { ":host": account.host, ":user": account.user },
        |row| row.get(0),
    )?;
    Ok(since.map(instant))
}

/// Whether the alert with this key has been raised.
pub fn has_alert(db: &Connection, key: &str) -> Result<bool> {
    Ok(db.prepare_cached("SELECT 1 FROM alerts WHERE key = ?1")?.exists([key])?)
}

/// The alerts that have not reached a person in any way, oldest first.
pub fn pending_alerts(db: &Connection) -> Result<Vec<PendingAlert>> {
    let mut statement = db.prepare_cached(
        "SELECT id, key, kind, application, title, body, pressing, created_at,
                (SELECT max(last_error) FROM deliveries WHERE alert = id), 0, NULL
         FROM alerts WHERE delivered_at IS NULL AND withdrawn_at IS NULL
         ORDER BY created_at, id",
    )?;
    pending(statement.query([])?)
}

/// The alerts that a channel has to deliver, oldest first: all that reached nobody, however old, and of
/// the others those raised since `since` and not delivered by another one up to `told_before`, because
/// who was told long ago needs no second notice.
pub fn pending_for(
    db: &Connection,
    channel: &str,
    since: DateTime<Utc>,
    told_before: DateTime<Utc>,
) -> Result<Vec<PendingAlert>> {
    let mut statement = db.prepare_cached(
        "SELECT a.id, a.key, a.kind, a.application, a.title, a.body, a.pressing,
                a.created_at, d.last_error, coalesce(d.attempts, 0), d.attempted_at
         FROM (
             SELECT * FROM alerts WHERE delivered_at IS NULL AND withdrawn_at IS NULL
             UNION ALL
             SELECT * FROM alerts WHERE :told_before < delivered_at AND withdrawn_at IS NULL
         ) a
         LEFT JOIN deliveries d ON d.alert = a.id AND d.channel = :channel
         WHERE d.delivered_at IS NULL AND (a.delivered_at IS NULL OR :since <= a.created_at)
         ORDER BY a.created_at, a.id",
    )?;
    pending(statement.query(named_params! {
        ":channel": channel,
        ":since": since.timestamp(),
        ":told_before": told_before.timestamp(),
    })?)
}

fn pending(mut rows: rusqlite::Rows) -> Result<Vec<PendingAlert>> {
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(PendingAlert {
            id: row.get(0)?,
            alert: alert(row, 1)?,
            created_at: instant(row.get(7)?),
            last_error: row.get(8)?,
            attempts: row.get(9)?,
            attempted_at: row.get::<_, Option<i64>>(10)?.map(instant),
        });
    }
    Ok(found)
}

/// The alert in the columns of a row from `from` on: key, kind, application, title,
/// body, pressing.
pub fn alert(row: &Row, from: usize) -> Result<Alert> {
    let kind: String = row.get(from + 1)?;
    Ok(Alert {
        key: row.get(from)?,
        kind: AlertKind::parse(&kind).ok_or(Error::Value { what: "alert", value: kind })?,
        application: row.get::<_, Option<i64>>(from + 2)?.map(ApplicationId),
        title: row.get(from + 3)?,
        body: row.get(from + 4)?,
        is_pressing: row.get(from + 5)?,
    })
}

/// What is known to have been read of each folder of an account.
pub fn coverage(db: &Connection, account: Account) -> Result<Vec<Vec<Watched>>> {
    let mut statement = db.prepare_cached(
        "SELECT folder, from_at, until_at FROM coverage
         WHERE host = :host AND user = :user ORDER BY folder, from_at",
    )?;
    let params = named_params! { ":host": account.host, ":user": account.user };
    let rows = statement.query_map(params, |row| {
        Ok((
            row.get::<_, String>(0)?,
            Watched { from: instant(row.get(1)?), until: instant(row.get(2)?) },
        ))
    })?;
    let mut folders: Vec<(String, Vec<Watched>)> = Vec::new();
    for row in rows {
        let (folder, span) = row?;
        match folders.last_mut() {
            Some((last, spans)) if *last == folder => spans.push(span),
            _ => folders.push((folder, vec![span])),
        }
    }
    Ok(folders.into_iter().map(|(_, spans)| spans).collect())
}

/// How far the folders of an account have been read, by readings that came to their end and
/// looked back at least so many seconds.
pub fn cursors(db: &Connection, account: Account, look_back: i64) -> Result<Vec<(String, Cursor)>> {
    let mut statement = db.prepare_cached(
        "SELECT folder, uid_validity, uid_next FROM cursors
         WHERE host = :host AND user = :user AND is_complete AND look_back >= :look_back",
    )?;
    let params = named_params! {
        ":host": account.host, ":user": account.user, ":look_back": look_back,
    };
    let rows = statement.query_map(params, |row| {
        Ok((row.get(0)?, Cursor { uid_validity: row.get(1)?, uid_next: row.get(2)? }))
    })?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// A fact about the database.
pub fn fact(db: &Connection, name: &str) -> Result<Option<String>> {
    let mut statement = db.prepare_cached("SELECT value FROM facts WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| row.get(0)).optional()?)
}

/// How the mailboxes fare.
pub fn mailboxes(db: &Connection) -> Result<Vec<MailboxState>> {
    let mut statement = db.prepare_cached(
        "SELECT name, mode, last_complete_check, failing_since, error, hint
         FROM mailboxes ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(MailboxState {
            name: row.get(0)?,
            mode: row.get(1)?,
            last_complete_check: row.get::<_, Option<i64>>(2)?.map(instant),
            failing_since: row.get::<_, Option<i64>>(3)?.map(instant),
            error: row.get(4)?,
            hint: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

fn summary(row: &Row) -> Result<Summary> {
    let number: String = row.get(2)?;
    let route: String = row.get(3)?;
    let stage: String = row.get(9)?;
    let attention: String = row.get(10)?;
    let at = |column: usize| -> Result<Option<DateTime<Utc>>> {
        Ok(row.get::<_, Option<i64>>(column)?.map(instant))
    };
    let day = |column: usize| -> Result<Option<NaiveDate>> {
        Ok(row.get::<_, Option<String>>(column)?.and_then(|day| day.parse().ok()))
    };
    Ok(Summary {
        application: Application {
            id: ApplicationId(row.get(0)?),
            company: row.get(1)?,
            number: parse_number(&number)?,
            route: Route::parse(&route).ok_or(Error::Value { what: "route", value: route })?,
            aliases: list(&row.get::<_, String>(4)?),
            tags: list(&row.get::<_, String>(5)?),
            contact: row.get(6)?,
            notes: row.get(7)?,
            liquidated_on: day(20)?,
            created_at: instant(row.get(8)?),
        },
        stage: Stage::parse(&stage).ok_or(Error::Value { what: "stage", value: stage })?,
        attention: Attention::parse(&attention)
            .ok_or(Error::Value { what: "attention", value: attention })?,
        submitted_at: at(11)?,
        acknowledged_at: at(12)?,
        first_reply_at: at(13)?,
        decided_at: at(14)?,
        next_deadline: at(15)?,
        next_evaluation_at: at(16)?,
        evaluated_at: instant(row.get(17)?),
        snoozed_until: at(18)?,
        acked_at: at(19)?,
        next_cliff: day(21)?,
    })
}

fn stored_message(row: &Row) -> rusqlite::Result<StoredMessage> {
    Ok(StoredMessage {
        id: row.get(0)?,
        message_id: row.get(1)?,
        mailbox: row.get(24)?,
        folder: row.get(2)?,
        role: row.get(3)?,
        received_at: instant(row.get(4)?),
        sender: row.get(5)?,
        subject: row.get(6)?,
        kind: row.get(7)?,
        reason: row.get(8)?,
        authenticity: row.get(9)?,
        because: list(&row.get::<_, String>(10)?),
        outcome: row.get(11)?,
        matched_by: row.get(12)?,
        application: row.get::<_, Option<i64>>(13)?.map(ApplicationId),
        candidates: list::<i64>(&row.get::<_, String>(14)?)
            .into_iter()
            .map(ApplicationId)
            .collect(),
        match_because: row.get(15)?,
        numbers: list(&row.get::<_, String>(16)?),
        effect: row.get(17)?,
        review: row.get(18)?,
        raw: row.get(19)?,
        digest: row.get(20)?,
        rule: row.get(21)?,
        is_unrecognised: row.get(22)?,
        dkim: row.get(23)?,
    })
}

fn parse_number(text: &str) -> Result<ImporterNumber> {
    ImporterNumber::from_canonical(text)
        .ok_or_else(|| Error::Value { what: "importer number", value: "(not shown)".to_owned() })
}

/// Reads a list as the database keeps it; what no version of acewatch writes reads as empty.
fn list<T: serde::de::DeserializeOwned>(text: &str) -> Vec<T> {
    match text {
        "[]" => Vec::new(),
        text => serde_json::from_str(text).unwrap_or_default(),
    }
}
