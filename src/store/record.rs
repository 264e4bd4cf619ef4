//! What is written. Every function works inside a transaction that the caller has begun, so that
//! a batch of mail, what follows from it, and the cursor are one.

use chrono::{DateTime, NaiveDate, Utc};
use rusqlite::{OptionalExtension, Params, Transaction, named_params};

use super::Error;
use super::query::StoredMessage;
use crate::domain::alert::{Alert, AlertKind};
use crate::domain::application::{ApplicationId, History, Route, Stage};
use crate::domain::company::CompanyName;
use crate::domain::cursor::Cursor;
use crate::domain::evaluation::{Ahead, Evaluation};
use crate::domain::event::NewEvent;
use crate::domain::importer::ImporterNumber;

type Result<T> = std::result::Result<T, Error>;

/// An application that is to be registered.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NewApplication {
    /// The company's name as written.
    pub company: String,
    /// Its importer number.
    pub number: ImporterNumber,
    /// How it is sent.
    pub route: Route,
    /// Other names of the company.
    pub aliases: Vec<String>,
    /// The user's own labels.
    pub tags: Vec<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// The user's remarks.
    pub notes: Option<String>,
    /// The earliest day on which an entry of the company was liquidated.
    pub liquidated_on: Option<NaiveDate>,
}

impl NewApplication {
    /// One that is sent by mail, and of which nothing more is known.
    pub fn by_mail(company: impl Into<String>, number: ImporterNumber) -> NewApplication {
        NewApplication {
            company: company.into(),
            number,
            route: Route::Email,
            aliases: Vec::new(),
            tags: Vec::new(),
            contact: None,
            notes: None,
            liquidated_on: None,
        }
    }
}

/// A mail as it is kept.
#[derive(Clone, Debug)]
pub struct NewMessage<'a> {
    /// Its digest, hexadecimal.
    pub digest: String,
    /// Its Message-ID.
    pub message_id: Option<&'a str>,
    /// The mailbox, or `import`.
    pub mailbox: &'a str,
    /// The folder's name.
    pub folder: &'a str,
    /// `inbox`, `junk` or `sent`.
    pub role: &'a str,
    /// INTERNALDATE, or what a file says.
    pub received_at: DateTime<Utc>,
    /// The sender for a person to read.
    pub sender: String,
    /// The subject.
    pub subject: &'a str,
    /// The kind.
    pub kind: &'a str,
    /// The reason stated.
    pub reason: Option<&'a str>,
    /// The verdict on its authenticity.
    pub authenticity: &'a str,
    /// JSON array of sentences.
    pub because: String,
    /// How the matching ended.
    pub outcome: &'a str,
    /// The key that decided.
    pub matched_by: Option<&'a str>,
    /// The application it is about.
    pub application: Option<ApplicationId>,
    /// JSON array of application ids.
    pub candidates: String,
    /// Why it matched or not.
    pub match_because: &'a str,
    /// JSON array of numbers.
    pub numbers: String,
    /// What happened to it.
    pub effect: &'a str,
    /// `open` for mail in review.
    pub review: Option<&'a str>,
    /// Its bytes without attached files, where it may have to be read again.
    pub raw: Option<&'a [u8]>,
    /// The rule that decided.
    pub rule: Option<&'a str>,
    /// Whether no rule knows its wording.
    pub is_unrecognised: bool,
    /// The domain whose DKIM signature was verified here.
    pub dkim: Option<&'a str>,
}

/// Registers an application; `None` where the number is registered on that route already.
pub fn application(
    tx: &Transaction,
    new: &NewApplication,
    now: DateTime<Utc>,
) -> Result<Option<ApplicationId>> {
    // Asked first: a refused INSERT would use up an id, and people call applications by them.
    let is_registered = tx
        .prepare_cached("SELECT 1 FROM applications WHERE number = ?1 AND route = ?2")?
        .exists([new.number.to_string().as_str(), new.route.as_str()])?;
    if is_registered {
        return Ok(None);
    }
    execute(
        tx,
        "INSERT INTO applications
            (company, number, route, ein, aliases, tags, contact, notes, liquidated_on, created_at,
             next_evaluation_at)
         VALUES (:company, :number, :route, :ein, :aliases, :tags, :contact, :notes, :liquidated_on,
                 :now, NULL)",
        named_params! {
            ":company": new.company,
            ":number": new.number.to_string(),
            ":route": new.route.as_str(),
            ":ein": new.number.ein(),
            ":aliases": json(&new.aliases),
            ":tags": json(&new.tags),
            ":contact": new.contact,
            ":notes": new.notes,
            ":liquidated_on": new.liquidated_on.map(|day| day.to_string()),
            ":now": now.timestamp(),
        },
    )?;
    let id = tx.last_insert_rowid();
    for written in std::iter::once(&new.company).chain(&new.aliases) {
        for name in CompanyName::parts(written) {
            execute(
                tx,
                "INSERT OR IGNORE INTO names (name, application) VALUES (:name, :application)",
                named_params! { ":name": name, ":application": id },
            )?;
        }
    }
    super::decision::forget_names_of_siblings(tx, ApplicationId(id))?;
    Ok(Some(ApplicationId(id)))
}

/// Keeps a mail; `None` where the same bytes are there already.
pub fn message(tx: &Transaction, new: &NewMessage, now: DateTime<Utc>) -> Result<Option<i64>> {
    let n_rows = execute(
        tx,
        "INSERT INTO messages
            (digest, message_id, mailbox, folder, role, received_at, recorded_at, sender, subject,
             kind, reason, authenticity, because, outcome, matched_by, application, candidates,
             match_because, numbers, effect, review, raw, rule, unrecognised,
             dkim)
         VALUES
            (:digest, :message_id, :mailbox, :folder, :role, :received_at, :now, :sender, :subject,
             :kind, :reason, :authenticity, :because, :outcome, :matched_by, :application,
             :candidates, :match_because, :numbers, :effect, :review, :raw, :rule, :unrecognised,
             :dkim)
         ON CONFLICT (digest) DO NOTHING",
        named_params! {
            ":digest": new.digest,
            ":message_id": new.message_id,
            ":mailbox": new.mailbox,
            ":folder": new.folder,
            ":role": new.role,
            ":received_at": new.received_at.timestamp(),
            ":now": now.timestamp(),
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
            ":raw": new.raw,
            ":rule": new.rule,
            ":unrecognised": new.is_unrecognised,
            ":dkim": new.dkim,
        },
    )?;
    Ok((n_rows == 1).then(|| tx.last_insert_rowid()))
}

/// Adds an event to an application's history.
pub fn event(
    tx: &Transaction,
    application: ApplicationId,
    new: &NewEvent,
    message: Option<i64>,
    now: DateTime<Utc>,
) -> Result<i64> {
    execute(
        tx,
        "INSERT INTO events
            (application, at, recorded_at, kind, source, message, text, undoes, until_at)
         VALUES (:application, :at, :now, :kind, :source, :message, :text, :undoes, :until)",
        named_params! {
            ":application": application.0,
            ":at": new.at.timestamp(),
            ":now": now.timestamp(),
            ":kind": new.kind.as_str(),
            ":source": new.source.as_str(),
            ":message": message,
            ":text": new.text,
            ":undoes": new.undoes,
            ":until": new.until.map(|at| at.timestamp()),
        },
    )?;
    Ok(tx.last_insert_rowid())
}

/// Remembers that a Message-ID leads to an application.
pub fn thread(
    tx: &Transaction,
    message_id: &str,
    application: ApplicationId,
    message: i64,
) -> Result<()> {
    execute(
        tx,
        "INSERT OR IGNORE INTO threads (message_id, application, message)
         VALUES (:message_id, :application, :message)",
        named_params! { ":message_id": message_id, ":application": application.0, ":message": message },
    )?;
    Ok(())
}

/// Remembers that a ticket number leads to an application, because a mail that is recorded for it
/// names it, or a person does, whose word stands whatever becomes of the mail.
pub fn ticket(
    tx: &Transaction,
    ticket: &str,
    application: ApplicationId,
    message: Option<i64>,
) -> Result<()> {
    execute(
        tx,
        "INSERT INTO tickets (ticket, application, message)
         VALUES (:ticket, :application, :message)
         ON CONFLICT (ticket, application) DO UPDATE SET message = NULL
         WHERE excluded.message IS NULL",
        named_params! { ":ticket": ticket, ":application": application.0, ":message": message },
    )?;
    Ok(())
}

/// Forgets what was learnt from a message that a person took back.
pub fn unlearn(tx: &Transaction, message: i64) -> Result<()> {
    execute(tx, "DELETE FROM threads WHERE message = ?1", [message])?;
    execute(tx, "DELETE FROM tickets WHERE message = ?1", [message])?;
    super::decision::forget_names_of_message(tx, message)?;
    Ok(())
}

/// Forgets a mail from which nothing followed, so that it can be looked at anew.
pub fn forget(tx: &Transaction, message: i64) -> Result<()> {
    execute(tx, "DELETE FROM messages WHERE id = ?1", [message])?;
    Ok(())
}

/// Says in which mailbox a message is that came as a file.
pub fn placed(tx: &Transaction, message: i64, mailbox: &str) -> Result<()> {
    execute(
        tx,
        "UPDATE messages SET mailbox = :mailbox WHERE id = :id",
        named_params! { ":id": message, ":mailbox": mailbox },
    )?;
    Ok(())
}

/// Sets what became of a message after a person, or a later registration, decided.
pub fn decided(
    tx: &Transaction,
    message: i64,
    review: Option<&str>,
    effect: &str,
    application: Option<ApplicationId>,
) -> Result<()> {
    execute(
        tx,
        "UPDATE messages
         SET review = :review, effect = :effect, application = :application,
             unrecognised = unrecognised AND coalesce(:review, 'open') = 'open'
         WHERE id = :id",
        named_params! {
            ":id": message,
            ":review": review,
            ":effect": effect,
            ":application": application.map(|id| id.0),
        },
    )?;
    Ok(())
}

/// Replaces what was made of a mail when it came in by what is made of it now.
pub fn rejudged(tx: &Transaction, mail: &StoredMessage) -> Result<()> {
    execute(
        tx,
        "UPDATE messages
         SET kind = :kind, reason = :reason, authenticity = :authenticity, because = :because
         WHERE id = :id",
        named_params! {
            ":id": mail.id,
            ":kind": mail.kind,
            ":reason": mail.reason,
            ":authenticity": mail.authenticity,
            ":because": json(&mail.because),
        },
    )?;
    Ok(())
}

/// Raises an alert, unless it was told. One that waits says from now on what it says now: the date in
/// it may have been moved since it was raised first.
pub fn alert(tx: &Transaction, alert: &Alert, now: DateTime<Utc>) -> Result<()> {
    execute(
        tx,
        "INSERT INTO alerts (key, kind, application, title, body, pressing, created_at)
         VALUES (:key, :kind, :application, :title, :body, :pressing, :now)
         ON CONFLICT (key) DO UPDATE
         SET title = excluded.title, body = excluded.body, pressing = excluded.pressing
         WHERE delivered_at IS NULL
           AND (title, body, pressing) IS NOT (excluded.title, excluded.body, excluded.pressing)",
        named_params! {
            ":key": alert.key,
            ":kind": alert.kind.as_str(),
            ":application": alert.application.map(|id| id.0),
            ":title": alert.title,
            ":body": alert.body,
            ":pressing": alert.is_pressing,
            ":now": now.timestamp(),
        },
    )?;
    Ok(())
}

/// Has the alerts of these deadlines told again that were told before the deadline was moved to
/// where it is now: their keys are given away.
pub fn tell_again(tx: &Transaction, application: ApplicationId, ahead: &[Ahead]) -> Result<()> {
    let ahead: Vec<(&str, i64)> =
        ahead.iter().map(|Ahead { key, at }| (key.as_str(), at.timestamp())).collect();
    execute(
        tx,
        "UPDATE alerts SET key = 'told/' || id || '/' || key
         WHERE application = :application
           AND EXISTS (SELECT 1 FROM json_each(:ahead) a
                       WHERE alerts.delivered_at < json_extract(a.value, '$[1]')
                         AND substr(alerts.key, 1, length(json_extract(a.value, '$[0]')))
                             = json_extract(a.value, '$[0]'))",
        named_params! { ":application": application.0, ":ahead": json(&ahead) },
    )?;
    Ok(())
}

/// Withdraws the undelivered alerts about an application that no longer hold: those of its evaluation
/// that are not among `holding`, and those of a mail whose matter is settled. One that holds again
/// comes back, as if it were raised now.
pub fn withdraw(
    tx: &Transaction,
    application: ApplicationId,
    stage: Stage,
    holding: &[Alert],
    now: DateTime<Utc>,
) -> Result<()> {
    let keys: Vec<&str> = holding.iter().map(|alert| alert.key.as_str()).collect();
    let kinds = |wanted: &dyn Fn(&AlertKind) -> bool| -> String {
        json(&AlertKind::ALL.iter().filter(|k| wanted(k)).map(|k| k.as_str()).collect::<Vec<_>>())
    };
    execute(
        tx,
        "UPDATE alerts
         SET withdrawn_at =
             CASE WHEN key IN (SELECT value FROM json_each(:keys)) THEN NULL
                  WHEN kind IN (SELECT value FROM json_each(:evaluated)) THEN coalesce(withdrawn_at, :now)
                  WHEN kind IN (SELECT value FROM json_each(:settled)) THEN coalesce(withdrawn_at, :now)
                  ELSE NULL END,
             created_at =
             CASE WHEN withdrawn_at IS NOT NULL AND key IN (SELECT value FROM json_each(:keys))
                  THEN :now ELSE created_at END
         WHERE application = :application AND delivered_at IS NULL",
        named_params! {
            ":application": application.0,
            ":keys": json(&keys),
            ":evaluated": kinds(&|kind| kind.is_evaluated()),
            ":settled": kinds(&|kind| !kind.still_tells(stage)),
            ":now": now.timestamp(),
        },
    )?;
    Ok(())
}

/// Marks an alert as told along with another one: no channel has to deliver it.
pub fn alert_delivered_by_key(tx: &Transaction, key: &str, now: DateTime<Utc>) -> Result<()> {
    execute(
        tx,
        "UPDATE alerts SET delivered_at = :now, withdrawn_at = :now
         WHERE key = :key AND delivered_at IS NULL",
        named_params! { ":key": key, ":now": now.timestamp() },
    )?;
    Ok(())
}

/// Records that alerts are about to be handed over to a channel, in the message with this key.
pub fn attempted(
    tx: &Transaction,
    channel: &str,
    ids: &[i64],
    key: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    execute(
        tx,
        "INSERT INTO deliveries (alert, channel, attempts, attempted_at, message)
         SELECT value, :channel, 1, :now, :key FROM json_each(:ids) WHERE true
         ON CONFLICT (alert, channel)
         DO UPDATE SET attempts = attempts + 1, attempted_at = excluded.attempted_at,
                       message = excluded.message",
        named_params! {
            ":channel": channel, ":ids": json(ids), ":key": key, ":now": now.timestamp(),
        },
    )?;
    Ok(())
}

/// Records that alerts handed over to a channel are known not to have reached anybody.
pub fn attempted_in_vain(tx: &Transaction, channel: &str, ids: &[i64]) -> Result<()> {
    execute(
        tx,
        "UPDATE deliveries SET attempts = attempts - 1
         WHERE channel = :channel AND alert IN (SELECT value FROM json_each(:ids)) AND 0 < attempts",
        named_params! { ":channel": channel, ":ids": json(ids) },
    )?;
    Ok(())
}

/// Marks alerts as taken by a channel.
pub fn delivered(tx: &Transaction, channel: &str, ids: &[i64], now: DateTime<Utc>) -> Result<()> {
    execute(
        tx,
        "UPDATE deliveries SET delivered_at = :now, last_error = NULL
         WHERE channel = :channel AND alert IN (SELECT value FROM json_each(:ids))",
        named_params! { ":channel": channel, ":ids": json(ids), ":now": now.timestamp() },
    )?;
    execute(
        tx,
        "UPDATE alerts SET delivered_at = :now
         WHERE id IN (SELECT value FROM json_each(:ids)) AND delivered_at IS NULL",
        named_params! { ":ids": json(ids), ":now": now.timestamp() },
    )?;
    Ok(())
}

/// Remembers why a channel did not take alerts.
pub fn not_delivered(tx: &Transaction, channel: &str, ids: &[i64], error: &str) -> Result<()> {
    execute(
        tx,
        "INSERT INTO deliveries (alert, channel, last_error)
         SELECT value, :channel, :error FROM json_each(:ids) WHERE true
         ON CONFLICT (alert, channel) DO UPDATE SET last_error = excluded.last_error",
        named_params! { ":channel": channel, ":ids": json(ids), ":error": error },
    )?;
    Ok(())
}

/// Writes an application's cached summary as of `now`.
pub fn summary(
    tx: &Transaction,
    id: ApplicationId,
    history: &History,
    evaluation: &Evaluation,
    now: DateTime<Utc>,
) -> Result<()> {
    let seconds = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp());
    let mut statement = tx.prepare_cached(
        "UPDATE applications
         SET stage = :stage, attention = :attention, submitted_at = :submitted_at,
             acknowledged_at = :acknowledged_at, first_reply_at = :first_reply_at,
             decided_at = :decided_at, next_deadline = :next_deadline,
             next_evaluation_at = :next_at, evaluated_at = :now, proof_needed = :proof_needed,
             snoozed_until = :snoozed_until, acked_at = :acked_at, next_cliff = :next_cliff
         WHERE id = :id",
    )?;
    statement.execute(named_params! {
        ":id": id.0,
        ":stage": history.stage().as_str(),
        ":attention": evaluation.attention.as_str(),
        ":submitted_at": seconds(history.submitted_at),
        ":acknowledged_at": seconds(history.acknowledged_at),
        ":first_reply_at": seconds(history.first_reply_at),
        ":decided_at": seconds(history.decided_at),
        ":next_deadline": seconds(evaluation.next_deadline),
        ":next_at": seconds(evaluation.next_at),
        ":now": now.timestamp(),
        ":proof_needed": seconds(evaluation.proof_needed),
        ":snoozed_until": seconds(evaluation.snoozed_until),
        ":acked_at": seconds(evaluation.acked_at),
        ":next_cliff": evaluation.cliff.map(|cliff| cliff.on.to_string()),
    })?;
    Ok(())
}

/// Has every open application evaluated anew: the calendar, the windows or the coverage changed.
pub fn evaluate_all(tx: &Transaction) -> Result<()> {
    execute(tx, "UPDATE applications SET next_evaluation_at = 0 WHERE stage <> 'closed'", [])?;
    Ok(())
}

/// Has those applications evaluated anew that waited for the mailboxes to be read up to here.
pub fn evaluate_unproved(tx: &Transaction, known_until: DateTime<Utc>) -> Result<()> {
    execute(
        tx,
        "UPDATE applications SET next_evaluation_at = 0 WHERE proof_needed <= ?1",
        [known_until.timestamp()],
    )?;
    Ok(())
}

/// An account on a server.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// The server.
    pub host: &'a str,
    /// The user.
    pub user: &'a str,
}

/// Remembers how far a folder has been read, in a reading that began `look_back` seconds back.
///
/// Another UIDVALIDITY, a longer look-back or an unfinished cursor begin a new reading, which
/// counts for nothing until [`coverage`] says that it came to its end.
pub fn cursor(
    tx: &Transaction,
    account: Account,
    folder: &str,
    cursor: &Cursor,
    look_back: i64,
) -> Result<()> {
    execute(
        tx,
        "INSERT INTO cursors (host, user, folder, uid_validity, uid_next, look_back)
         VALUES (:host, :user, :folder, :uid_validity, :uid_next, :look_back)
         ON CONFLICT (host, user, folder) DO UPDATE
         SET is_complete = is_complete AND uid_validity = excluded.uid_validity
                           AND look_back >= excluded.look_back
                           AND excluded.uid_next >= uid_next,
             look_back = CASE WHEN uid_validity = excluded.uid_validity
                              THEN max(look_back, excluded.look_back)
                              ELSE excluded.look_back END,
             uid_validity = excluded.uid_validity,
             uid_next = excluded.uid_next",
        named_params! {
            ":host": account.host,
            ":user": account.user,
            ":folder": folder,
            ":uid_validity": cursor.uid_validity,
            ":uid_next": cursor.uid_next,
            ":look_back": look_back,
        },
    )?;
    Ok(())
}

/// Remembers a mail that could not be read, or not this time either.
pub fn unreadable(
    tx: &Transaction,
    account: Account,
    folder: &str,
    (uid_validity, uid): (u32, u32),
    why: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    execute(
        tx,
        "INSERT INTO unreadable (host, user, folder, uid_validity, uid, first_seen, last_tried, why)
         VALUES (:host, :user, :folder, :uid_validity, :uid, :now, :now, :why)
         ON CONFLICT (host, user, folder, uid_validity, uid) DO UPDATE
         SET last_tried = excluded.last_tried, tries = tries + 1, why = excluded.why",
        named_params! {
            ":host": account.host, ":user": account.user, ":folder": folder,
            ":uid_validity": uid_validity, ":uid": uid, ":now": now.timestamp(), ":why": why,
        },
    )?;
    Ok(())
}

/// Forgets a mail that could not be read: it was read now, or is gone.
pub fn readable(
    tx: &Transaction,
    account: Account,
    folder: &str,
    (uid_validity, uid): (u32, u32),
) -> Result<()> {
    execute(
        tx,
        "DELETE FROM unreadable
         WHERE host = :host AND user = :user AND folder = :folder
           AND uid_validity = :uid_validity AND uid = :uid",
        named_params! {
            ":host": account.host, ":user": account.user, ":folder": folder,
            ":uid_validity": uid_validity, ":uid": uid,
        },
    )?;
    Ok(())
}

/// Forgets mails that could not be read under another UIDVALIDITY: they are read with the folder.
pub fn keep_unreadable_of(
    tx: &Transaction,
    account: Account,
    folder: &str,
    uid_validity: u32,
) -> Result<()> {
    execute(
        tx,
        "DELETE FROM unreadable
         WHERE host = :host AND user = :user AND folder = :folder AND uid_validity <> :uid_validity",
        named_params! {
            ":host": account.host, ":user": account.user, ":folder": folder,
            ":uid_validity": uid_validity,
        },
    )?;
    Ok(())
}

/// Remembers that a folder is read up to `until`; `from` is where reading began anew, if it did.
///
/// Without `from`, reading went on from the cursor, so that the last span grows: whatever arrived
/// while nobody looked was still there to be read.
pub fn coverage(
    tx: &Transaction,
    account: Account,
    folder: &str,
    from: Option<DateTime<Utc>>,
    until: DateTime<Utc>,
) -> Result<()> {
    let Account { host, user } = account;
    execute(
        tx,
        "UPDATE cursors SET is_complete = 1
         WHERE host = :host AND user = :user AND folder = :folder AND uid_next <> 0",
        named_params! { ":host": host, ":user": user, ":folder": folder },
    )?;
    let last: Option<(i64, i64)> = tx
        .query_row(
            "SELECT id, until_at FROM coverage
             WHERE host = :host AND user = :user AND folder = :folder
             ORDER BY until_at DESC LIMIT 1",
            named_params! { ":host": host, ":user": user, ":folder": folder },
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    match last {
        Some((id, last_until)) if from.is_none_or(|from| from.timestamp() <= last_until) => {
            execute(
                tx,
                "UPDATE coverage
                 SET until_at = max(until_at, :until), from_at = min(from_at, coalesce(:from, from_at))
                 WHERE id = :id",
                named_params! {
                    ":id": id,
                    ":until": until.timestamp(),
                    ":from": from.map(|from| from.timestamp()),
                },
            )?;
        }
        _ => {
            execute(
                tx,
                "INSERT INTO coverage (host, user, folder, from_at, until_at)
                 VALUES (:host, :user, :folder, :from, :until)",
                named_params! {
                    ":host": host,
                    ":user": user,
                    ":folder": folder,
                    ":from": from.unwrap_or(until).timestamp(),
                    ":until": until.timestamp(),
                },
            )?;
        }
    }
    Ok(())
}

/// Takes back what coverage claims of the time after `until`: only a clock that was wrong can have
/// recorded it, and it would vouch for days that nobody has watched yet.
pub fn cut_coverage(tx: &Transaction, account: Account, until: DateTime<Utc>) -> Result<()> {
    let params = named_params! {
        ":host": account.host, ":user": account.user, ":until": until.timestamp(),
    };
    execute(
        tx,
        "DELETE FROM coverage WHERE host = :host AND user = :user AND from_at > :until",
        params,
    )?;
    execute(
        tx,
        "UPDATE coverage SET until_at = :until
         WHERE host = :host AND user = :user AND until_at > :until",
        params,
    )?;
    Ok(())
}

/// Forgets folders that are no longer read. One that comes back is read anew, as the mailbox task
/// does it, so that it has coverage from the look-back on and no mail in it is forgotten for good.
pub fn keep_folders(tx: &Transaction, account: Account, folders: &[&str]) -> Result<()> {
    for table in ["coverage", "cursors", "unreadable"] {
        execute(
            tx,
            &format!(
                "DELETE FROM {table}
                 WHERE host = :host AND user = :user
                   AND folder NOT IN (SELECT value FROM json_each(:folders))"
            ),
            named_params! {
                ":host": account.host, ":user": account.user, ":folders": json(folders),
            },
        )?;
    }
    Ok(())
}

/// Remembers that every folder of a mailbox has been read.
pub fn mailbox_complete(tx: &Transaction, name: &str, mode: &str, at: DateTime<Utc>) -> Result<()> {
    execute(
        tx,
        "INSERT INTO mailboxes (name, mode, last_complete_check) VALUES (:name, :mode, :at)
         ON CONFLICT (name) DO UPDATE
         SET mode = excluded.mode, last_complete_check = excluded.last_complete_check,
             failing_since = NULL, error = NULL, hint = NULL",
        named_params! { ":name": name, ":mode": mode, ":at": at.timestamp() },
    )?;
    Ok(())
}

/// Remembers that a mailbox cannot be read.
pub fn mailbox_failing(
    tx: &Transaction,
    name: &str,
    error: &str,
    hint: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    execute(
        tx,
        "INSERT INTO mailboxes (name, failing_since, error, hint)
         VALUES (:name, :now, :error, :hint)
         ON CONFLICT (name) DO UPDATE
         SET failing_since = coalesce(failing_since, excluded.failing_since),
             error = excluded.error, hint = excluded.hint
         -- Written when it changes: an unreachable server is tried for weeks.
         WHERE failing_since IS NULL OR error IS NOT excluded.error",
        named_params! { ":name": name, ":now": now.timestamp(), ":error": error, ":hint": hint },
    )?;
    Ok(())
}

/// Counts a mailbox's trouble from `now`: while the machine slept nobody could look.
pub fn restart_failing(tx: &Transaction, name: &str, now: DateTime<Utc>) -> Result<()> {
    execute(
        tx,
        "UPDATE mailboxes SET failing_since = :now
         WHERE name = :name AND failing_since IS NOT NULL",
        named_params! { ":name": name, ":now": now.timestamp() },
    )?;
    Ok(())
}

/// Withdraws alerts.
pub fn withdraw_alerts(tx: &Transaction, ids: &[i64], now: DateTime<Utc>) -> Result<()> {
    execute(
        tx,
        "UPDATE alerts SET withdrawn_at = :now WHERE id IN (SELECT value FROM json_each(:ids))",
        named_params! { ":now": now.timestamp(), ":ids": json(ids) },
    )?;
    Ok(())
}

/// Withdraws an alert that has not been shown; says whether there was one.
pub fn withdraw_key(tx: &Transaction, key: &str, now: DateTime<Utc>) -> Result<bool> {
    let n_rows = execute(
        tx,
        "UPDATE alerts SET withdrawn_at = :now
         WHERE key = :key AND delivered_at IS NULL AND withdrawn_at IS NULL",
        named_params! { ":key": key, ":now": now.timestamp() },
    )?;
    Ok(n_rows == 1)
}

/// Sets a fact about the database; says whether it changed.
pub fn fact(tx: &Transaction, name: &str, value: &str) -> Result<bool> {
    let n_rows = execute(
        tx,
        "INSERT INTO facts (name, value) VALUES (:name, :value)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        named_params! { ":name": name, ":value": value },
    )?;
    Ok(n_rows == 1)
}

/// Runs a statement that is kept compiled: a batch runs each of these many times.
fn execute(tx: &Transaction, sql: &str, params: impl Params) -> Result<usize> {
    Ok(tx.prepare_cached(sql)?.execute(params)?)
}

/// A list as the database keeps it.
pub fn json<T: serde::Serialize>(list: &[T]) -> String {
    serde_json::Value::from_iter(list.iter().map(|item| serde_json::json!(item))).to_string()
}
