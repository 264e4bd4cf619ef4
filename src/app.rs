//! Where the core, the database and the settings meet.
//!
//! Every method that writes does so in one transaction: mails, what follows from them, the
//! summaries that change with them, and the cursor are recorded together or not at all.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use rusqlite::Connection;

use crate::config::Settings;
use crate::domain::alert::{Alert, AlertKind, Hours};
use crate::domain::application::{Application, ApplicationId, History, Route, Stage};
use crate::domain::authenticity::Verdict;
use crate::domain::calendar::{Calendar, Closure};
use crate::domain::coverage::Coverage;
use crate::domain::cursor::Cursor;
use crate::domain::evaluation::{Evaluation, evaluate};
use crate::domain::event::{Event, EventKind, NewEvent, Source};
use crate::domain::expectation::RouteWindows;
use crate::domain::intake::{Effect, Examined, examine, keys_of};
use crate::domain::kind::{Kind, Reason};
use crate::domain::matching::Outcome;
use crate::domain::message::{FolderRole, Message};
use crate::domain::rules::Rules;
use crate::store::query::{self, StoredMessage, Summary};
use crate::store::record::{self, Account, NewApplication, NewMessage};
use crate::store::{self, Store};

/// The program's memory and what it judges by.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub store: Store,
    /// What the user decided.
    pub settings: Settings,
    /// How kinds of mail are told.
    pub rules: Rules,
    /// Which days are business days.
    pub calendar: Calendar,
}

/// A mail as it comes in.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// When it was received.
    pub received_at: DateTime<Utc>,
}

/// Where mails come from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The mailbox, or `import`.
    pub mailbox: &'a str,
    /// The folder's name.
    pub folder: &'a str,
    /// What mails in it are to us.
    pub role: FolderRole,
}

/// How far a folder has been read once a batch is recorded.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// The account.
    pub account: Account<'a>,
    /// How far back a reading of it begins, in seconds.
    pub look_back: i64,
    /// The cursor to keep.
    pub cursor: &'a Cursor,
    /// Mails that could not be fetched.
    pub unreadable: &'a [(u32, String)],
}

/// What became of a batch, mail by mail.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Mails looked at.
    pub read: u32,
    /// Mails that are now part of an application's history.
    pub recorded: u32,
    /// Mails that wait for a person.
    pub review: u32,
    /// Frauds.
    pub quarantined: u32,
    /// Mails from which nothing follows.
    pub ignored: u32,
    /// Mails whose bytes were known already.
    pub duplicate: u32,
}

/// What a person decides about a mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ruling {
    /// It is about these applications.
    Belongs(Vec<ApplicationId>),
    /// Nothing follows from it.
    Dismissed,
    /// What was made of it is taken back.
    Undone,
}

impl App {
    /// Puts the parts together.
    pub fn new(store: Store, settings: Settings, rules: Rules) -> App {
        let closures: Vec<Closure> = settings.calendar.closures.clone();
        let calendar = Calendar::new(settings.calendar.zone, closures, settings.calendar.cut_off);
        App { store, settings, rules, calendar }
    }

    /// Says what a mail is and what would follow from it; changes nothing.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn explain(&self, message: &Message) -> Result<Examined> {
        Ok(self.judge().examine(self.store.read(), message)?)
    }

    /// Records mails with everything that follows from them, and how far the folder is read.
    ///
    /// # Errors
    ///
    /// Those of the database, after which nothing of the batch is recorded.
    pub fn ingest(
        &mut self,
        origin: Origin,
        mails: &[Incoming],
        progress: Option<Progress>,
        now: DateTime<Utc>,
    ) -> Result<Tally> {
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        store
            .write(|tx| -> Result<Tally, store::Error> {
                let mut tally = Tally::default();
                let mut touched = BTreeSet::new();
                let mut registered = false;
                for mail in mails {
                    let message = Message::parse(mail.bytes, origin.role, mail.received_at);
                    let registers =
                        judge.take_in(tx, origin, &message, mail.bytes, &mut touched, &mut tally)?;
                    registered |= registers;
                }
                if registered {
                    judge.match_again(tx, &mut touched)?;
                }
                for id in touched {
                    judge.sum_up(tx, id)?;
                }
                if let Some(progress) = progress {
                    let folder = origin.folder;
                    let Progress { account, look_back, cursor, .. } = progress;
                    record::cursor(tx, account, folder, cursor, look_back)?;
                    for (uid, error) in progress.unreadable {
                        record::unreadable(tx, origin.mailbox, folder, *uid, error, now)?;
                    }
                }
                Ok(tally)
            })
            .context("cannot record mail")
    }

    /// Registers applications, all or none; says which are new. `submitted_at` of each is when it
    /// was sent, where known.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn register(
        &mut self,
        new: &[(NewApplication, Option<DateTime<Utc>>)],
        now: DateTime<Utc>,
    ) -> Result<Vec<Option<ApplicationId>>> {
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        store
            .write(|tx| -> Result<_, store::Error> {
                let mut ids = Vec::with_capacity(new.len());
                let mut touched = BTreeSet::new();
                for (application, submitted_at) in new {
                    let id = record::application(tx, application, now)?;
                    if let Some(id) = id {
                        touched.insert(id);
                        if let Some(at) = submitted_at {
                            let event = command(*at, EventKind::Submitted, None);
                            record::event(tx, id, &event, None, now)?;
                        }
                    }
                    ids.push(id);
                }
                if !touched.is_empty() {
                    judge.match_again(tx, &mut touched)?;
                }
                for id in touched {
                    judge.sum_up(tx, id)?;
                }
                Ok(ids)
            })
            .context("cannot register")
    }

    /// Adds an event of the user's to an application's history.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn add_event(
        &mut self,
        id: ApplicationId,
        kind: EventKind,
        text: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        store
            .write(|tx| -> Result<_, store::Error> {
                record::event(tx, id, &command(now, kind, text), None, now)?;
                judge.sum_up(tx, id)
            })
            .context("cannot record it")
    }

    /// Does with a mail what a person decided.
    ///
    /// # Errors
    ///
    /// A mail that is unknown, a fraud, or not in a state in which the ruling makes sense.
    pub fn rule(&mut self, message: i64, ruling: &Ruling, now: DateTime<Utc>) -> Result<()> {
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        store.write(|tx| -> Result<()> {
            let Some(stored) = query::message(tx, message)? else {
                bail!("there is no message {message}");
            };
            let mut touched: BTreeSet<ApplicationId> = BTreeSet::new();
            match ruling {
                Ruling::Belongs(applications) => {
                    if stored.effect == Effect::Quarantined.as_str() {
                        bail!("message {message} is quarantined as a forgery, and a forgery never moves an application");
                    }
                    take_back(tx, &stored, &mut touched, now)?;
                    judge.assign(tx, &stored, applications)?;
                    touched.extend(applications);
                }
                Ruling::Dismissed => {
                    if stored.review.as_deref() != Some("open") {
                        bail!("message {message} does not wait for review; `acewatch review undo {message}` takes back what was made of it");
                    }
                    record::decided(tx, message, Some("dismissed"), Effect::Ignored.as_str(), stored.application)?;
                }
                Ruling::Undone => {
                    let reviewed = matches!(stored.review.as_deref(), Some("accepted" | "dismissed"));
                    let taken_back = take_back(tx, &stored, &mut touched, now)?;
                    if !reviewed && taken_back == 0 {
                        bail!("there is nothing to take back: message {message} has had no effect");
                    }
                    record::decided(tx, message, Some("open"), Effect::Review.as_str(), None)?;
                }
            }
            for id in touched {
                judge.sum_up(tx, id)?;
            }
            Ok(())
        })
    }

    /// Remembers that every folder of a mailbox has been read up to `read_until`; raises the
    /// all-clear if the mailbox had been unreadable for so long that somebody was told.
    ///
    /// `is_live` says that `read_until` is the present, after which nothing can have been read.
    ///
    /// # Errors
    ///
    /// Those of the database, and a mailbox that is not configured.
    pub fn complete(
        &mut self,
        mailbox: &str,
        folders: &[(&str, Option<DateTime<Utc>>)],
        read_until: DateTime<Utc>,
        mode: &str,
        is_live: bool,
    ) -> Result<()> {
        let settings = self.settings.mailboxes.iter().find(|m| m.name == mailbox);
        let settings = settings.with_context(|| format!("no mailbox {mailbox} is configured"))?;
        let (host, user) = (settings.host.clone(), settings.user.clone());
        let account = Account { host: &host, user: &user };
        let blind_after = self.blind_after();
        let before = query::mailboxes(self.store.read())?.into_iter().find(|m| m.name == mailbox);
        self.store
            .write(|tx| -> Result<_, store::Error> {
                if is_live {
                    record::cut_coverage(tx, account, read_until)?;
                }
                for (folder, from) in folders {
                    record::coverage(tx, account, folder, *from, read_until)?;
                }
                let names: Vec<&str> = folders.iter().map(|(folder, _)| *folder).collect();
                record::keep_coverage_of(tx, account, &names)?;
                record::mailbox_complete(tx, mailbox, mode, read_until)?;
                let Some(since) = before.and_then(|state| state.failing_since) else { return Ok(()) };
                // Nobody needs the all-clear who has not been told of the trouble.
                let was_told = !record::withdraw_key(tx, &blind_key(mailbox, since), read_until)?;
                if was_told && since + blind_after <= read_until {
                    record::alert(tx, &blind_over(mailbox, since), read_until)?;
                }
                Ok(())
            })
            .context("cannot record that the mailbox was read")?;
        let coverage = self.coverage()?;
        let is_longer_back = folders.iter().any(|(_, from)| from.is_some());
        let known_until = if is_longer_back { None } else { coverage.known_until() };
        self.store
            .write(|tx| record::evaluate_unproved(tx, known_until))
            .context("cannot record what waits for proof")
    }

    /// Starts the count of every mailbox's trouble anew, after the machine slept.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn woke(&mut self, now: DateTime<Utc>) -> Result<()> {
        self.store
            .write(|tx| record::restart_failing(tx, now))
            .context("cannot record that the machine woke")
    }

    /// Remembers that a mailbox cannot be read; raises an alert once that has lasted.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn trouble(&mut self, mailbox: &str, error: &str, hint: Option<&str>, now: DateTime<Utc>) -> Result<()> {
        self.store
            .write(|tx| record::mailbox_failing(tx, mailbox, error, hint, now))
            .context("cannot record the mailbox's trouble")?;
        self.tell_blindness(now)
    }

    /// Brings every application up to date whose verdict may have changed by `now`, and raises
    /// the alerts that hold. Safe to call at any time.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn evaluate(&mut self, now: DateTime<Utc>) -> Result<()> {
        self.tell_blindness(now)?;
        let basis = self.basis();
        if query::fact(self.store.read(), "basis")?.as_deref() != Some(basis.as_str()) {
            self.store
                .write(|tx| -> Result<_, store::Error> {
                    record::fact(tx, "basis", &basis)?;
                    record::evaluate_all(tx)
                })
                .context("cannot record the calendar in force")?;
        }
        let ids = query::to_evaluate(self.store.read(), now)?;
        if ids.is_empty() {
            return Ok(());
        }
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        // In portions, so that a command does not wait long for its turn to write.
        for portion in ids.chunks(500) {
            store
                .write(|tx| -> Result<(), store::Error> {
                    portion.iter().try_for_each(|id| judge.sum_up(tx, *id))
                })
                .context("cannot record the evaluation")?;
        }
        Ok(())
    }

    /// Whether a deadline has just passed of which only another look into the mailboxes can say
    /// whether it was kept.
    pub fn waits_for_proof(&self, now: DateTime<Utc>) -> bool {
        let since = now - chrono::Duration::minutes(10);
        query::proof_needed_since(self.store.read(), since).unwrap_or(false)
    }

    /// Takes back alerts that are not worth showing any more: a code that has expired, and all of
    /// them where no notices are wanted and `status` tells what there is.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn drop_stale_alerts(&mut self, now: DateTime<Utc>) -> Result<()> {
        let is_wanted = self.settings.notify.desktop;
        self.store
            .write(|tx| record::drop_stale_alerts(tx, now - code_validity(), !is_wanted, now))
            .context("cannot take back alerts")
    }

    /// What is known to have been read of all configured mailboxes together.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn coverage(&self) -> Result<Coverage> {
        let mut folders = Vec::new();
        for mailbox in &self.settings.mailboxes {
            let account = Account { host: &mailbox.host, user: &mailbox.user };
            let read = query::coverage(self.store.read(), account)?;
            if read.is_empty() {
                return Ok(Coverage::default());
            }
            folders.extend(read);
        }
        Ok(Coverage::common(&folders))
    }

    /// How an application stood, or will stand, at `now`, by its events alone.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn standing(
        &self,
        application: &Application,
        coverage: &Coverage,
        now: DateTime<Utc>,
    ) -> Result<(History, Evaluation)> {
        let events = query::events(self.store.read(), application.id)?;
        Ok(self.judge_at(coverage, now).standing(application, &events))
    }

    /// All applications as they stand at `now`, most urgent first. The cached summary is used
    /// where it still holds, unless `at` asks for another time.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn overview(&self, now: DateTime<Utc>, at: Option<DateTime<Utc>>) -> Result<Vec<Summary>> {
        let mut summaries = query::summaries(self.store.read())?;
        let is_stale = query::fact(self.store.read(), "basis")?.is_some_and(|b| b != self.basis());
        let coverage = self.coverage()?;
        let mut changed = false;
        for summary in &mut summaries {
            let holds = at.is_none()
                && !is_stale
                && summary.evaluated_at <= now
                && summary.next_evaluation_at.is_none_or(|next| now < next);
            if holds {
                continue;
            }
            changed = true;
            let (history, evaluation) = self.standing(&summary.application, &coverage, now)?;
            summary.stage = history.stage();
            summary.attention = evaluation.attention;
            summary.submitted_at = history.submitted_at;
            summary.acknowledged_at = history.acknowledged_at;
            summary.first_reply_at = history.first_reply_at;
            summary.decided_at = history.decided_at;
            summary.next_deadline = evaluation.next_deadline;
        }
        if changed {
            summaries.sort_by_key(|summary| {
                (
                    std::cmp::Reverse(summary.attention),
                    summary.next_deadline.is_none(),
                    summary.next_deadline,
                    summary.application.id,
                )
            });
        }
        Ok(summaries)
    }

    /// When notices may be shown.
    pub fn hours(&self) -> Hours {
        let notify = &self.settings.notify;
        Hours {
            zone: self.settings.time_zone,
            quiet: notify.quiet_hours.map(|quiet| (quiet.from, quiet.until)),
            working_days_only: notify.working_days_only,
        }
    }

    fn blind_after(&self) -> chrono::Duration {
        chrono::Duration::from_std(self.settings.watch.blind_after).unwrap_or(chrono::Duration::MAX)
    }

    fn tell_blindness(&mut self, now: DateTime<Utc>) -> Result<()> {
        let blind_after = self.blind_after();
        let alerts: Vec<Alert> = query::mailboxes(self.store.read())?
            .into_iter()
            .filter_map(|state| {
                let since = state.failing_since?;
                let is_configured = self.settings.mailboxes.iter().any(|m| m.name == state.name);
                (is_configured && since + blind_after <= now)
                    .then(|| blind(&state.name, since, state.error.as_deref(), state.hint.as_deref()))
            })
            .collect();
        if alerts.is_empty() {
            return Ok(());
        }
        self.store
            .write(|tx| -> Result<(), store::Error> {
                for alert in &alerts {
                    record::alert(tx, alert, now)?;
                }
                Ok(())
            })
            .context("cannot raise the alert about a mailbox")
    }

    /// What the cached evaluations depend on besides events, coverage and time.
    fn basis(&self) -> String {
        let calendar = &self.settings.calendar;
        let closures: Vec<String> =
            calendar.closures.iter().map(|closure| closure.date.to_string()).collect();
        let mailboxes: Vec<String> = self
            .settings
            .mailboxes
            .iter()
            .map(|m| format!("{}@{} {:?} {:?}", m.user, m.host, m.folders, m.sent))
            .collect();
        format!(
            "{} {} {} {:?} {} {:?} {:?}",
            env!("CARGO_PKG_VERSION"),
            mailboxes.join(","),
            calendar.zone,
            calendar.cut_off,
            closures.join(","),
            self.settings.windows,
            self.settings.notify.reminders,
        )
    }

    fn judge(&self) -> Judge<'_> {
        // Explaining a mail needs neither the time nor what was read.
        self.judge_at(&NOTHING_READ, DateTime::UNIX_EPOCH)
    }

    fn judge_at<'a>(&'a self, coverage: &'a Coverage, now: DateTime<Utc>) -> Judge<'a> {
        Judge {
            settings: &self.settings,
            rules: &self.rules,
            calendar: &self.calendar,
            coverage,
            now,
        }
    }
}

static NOTHING_READ: std::sync::LazyLock<Coverage> = std::sync::LazyLock::new(Coverage::default);

/// What a transaction judges by.
#[derive(Clone, Copy)]
struct Judge<'a> {
    settings: &'a Settings,
    rules: &'a Rules,
    calendar: &'a Calendar,
    coverage: &'a Coverage,
    now: DateTime<Utc>,
}

impl Judge<'_> {
    fn examine(&self, db: &Connection, message: &Message) -> Result<Examined, store::Error> {
        let keys = keys_of(message, self.rules);
        let mut candidates = query::candidates(db, &keys)?;
        for candidate in &mut candidates {
            let events = query::events(db, candidate.id)?;
            // How it stood when the mail was received, not when it is read: folders are read one
            // after the other. Closing is the user's word and counts at once.
            if candidate.stage != Stage::Closed {
                let before: Vec<Event> =
                    events.iter().filter(|e| e.at <= message.received_at).cloned().collect();
                let now = History::of(&events);
                candidate.stage = History::of(&before).stage();
                candidate.is_rejected_later = now.stage() == Stage::Rejected
                    && now.decided_at.is_some_and(|at| message.received_at < at);
            }
        }
        let twins = match &message.message_id {
            Some(id) => query::recorded_with(db, id)?,
            None => Vec::new(),
        };
        Ok(examine(message, &keys, &candidates, &twins, self.rules, &self.settings.trust))
    }

    /// Records one mail; says whether it registered an application.
    fn take_in(
        &self,
        tx: &rusqlite::Transaction,
        origin: Origin,
        message: &Message,
        bytes: &[u8],
        touched: &mut BTreeSet<ApplicationId>,
        tally: &mut Tally,
    ) -> Result<bool, store::Error> {
        tally.read += 1;
        let digest = message.digest.to_string();
        match query::known(tx, &digest)? {
            // One mail may lie in two folders, and the inbox may be read first; in Sent it is ours.
            Some((id, role, effect))
                if origin.role == FolderRole::Sent
                    && role != role_name(FolderRole::Sent)
                    && effect == Effect::Ignored.as_str() =>
            {
                record::forget(tx, id)?;
            }
            Some(_) => {
                tally.duplicate += 1;
                return Ok(false);
            }
            None => {}
        }
        let examined = self.examine(tx, message)?;
        match examined.effect {
            Effect::Recorded => tally.recorded += 1,
            Effect::Review => tally.review += 1,
            Effect::Quarantined => tally.quarantined += 1,
            Effect::Ignored => tally.ignored += 1,
        }
        let kind = examined.classification.kind;
        let found = &examined.found;
        let because = std::iter::once(examined.authenticity.because.clone())
            .chain(examined.classification.because.clone())
            .chain(std::iter::once(examined.because.clone()))
            .collect::<Vec<_>>();
        let candidates: Vec<i64> = found.candidates.iter().map(|id| id.0).collect();
        let in_review = examined.effect == Effect::Review;
        let is_code = kind == Kind::VerificationCode;
        let row = NewMessage {
            digest,
            message_id: message.message_id.as_deref().filter(|_| !is_code),
            mailbox: origin.mailbox,
            folder: origin.folder,
            role: role_name(origin.role),
            received_at: message.received_at,
            // Subject, display name or Message-ID of a code mail may hold the code.
            sender: match (is_code, message.from.first()) {
                (true, Some(from)) => from.address.clone(),
                _ => message.sender_line(),
            },
            subject: if is_code { "(a code; not kept)" } else { &message.subject },
            kind: kind.as_str(),
            reason: examined.classification.reason.map(Reason::as_str),
            authenticity: examined.authenticity.verdict.as_str(),
            because: if is_code { "[]".to_owned() } else { record::json(&because) },
            outcome: found.outcome.as_str(),
            matched_by: found.by.map(|key| key.as_str()),
            application: found.application,
            candidates: record::json(&candidates),
            match_because: &found.because,
            numbers: record::json(&examined.numbers),
            effect: examined.effect.as_str(),
            review: in_review.then_some("open"),
            raw: in_review.then_some(bytes),
        };
        let Some(id) = record::message(tx, &row, self.now)? else { return Ok(false) };
        tracing::info!(
            message = id,
            kind = kind.as_str(),
            authenticity = examined.authenticity.verdict.as_str(),
            outcome = found.outcome.as_str(),
            effect = examined.effect.as_str(),
            "mail taken in"
        );
        self.apply(tx, id, message, &examined, touched)
    }

    /// Records what follows from a mail; says whether it registered an application.
    fn apply(
        &self,
        tx: &rusqlite::Transaction,
        id: i64,
        message: &Message,
        examined: &Examined,
        touched: &mut BTreeSet<ApplicationId>,
    ) -> Result<bool, store::Error> {
        let registered = match &examined.registration {
            Some(registration) => record::application(
                tx,
                &NewApplication {
                    company: registration.company.clone(),
                    number: registration.number.clone(),
                    route: Route::Email,
                    aliases: Vec::new(),
                    tags: Vec::new(),
                    contact: None,
                    notes: None,
                },
                self.now,
            )?,
            None => None,
        };
        if let Some(application) = registered {
            record::decided(tx, id, None, examined.effect.as_str(), Some(application))?;
        }
        let application = registered.or(examined.found.application);
        if let (Some(application), Some(event)) = (application, &examined.event) {
            record::event(tx, application, event, Some(id), self.now)?;
            // Threads are learnt from our own mail and CBP's; anybody else may carry any id.
            let is_known = matches!(examined.authenticity.verdict, Verdict::Own | Verdict::Authentic);
            if let (true, Some(message_id)) = (is_known, &message.message_id) {
                record::thread(tx, message_id, application, id)?;
            }
            for ticket in &examined.tickets {
                record::ticket(tx, ticket, application, id)?;
            }
            touched.insert(application);
        }
        if let Some(alert) = &examined.alert
            && self.is_news(alert.kind, message.received_at)
        {
            record::alert(tx, alert, self.now)?;
        }
        Ok(registered.is_some())
    }

    /// A code is worth an alert only while it is valid.
    fn is_news(&self, kind: AlertKind, received_at: DateTime<Utc>) -> bool {
        kind != AlertKind::VerificationCode || self.now < received_at + code_validity()
    }

    /// Looks again at the mails in review: one that arrived before its application was registered
    /// may find it now.
    fn match_again(
        &self,
        tx: &rusqlite::Transaction,
        touched: &mut BTreeSet<ApplicationId>,
    ) -> Result<(), store::Error> {
        for stored in query::review(tx)? {
            let is_lost = stored.outcome == Outcome::Unmatched.as_str();
            let Some(raw) = stored.raw.as_deref().filter(|_| is_lost) else { continue };
            let message = Message::parse(raw, role_of(&stored.role), stored.received_at);
            let examined = self.examine(tx, &message)?;
            if examined.found.application.is_none() {
                continue;
            }
            let review = (examined.effect == Effect::Review).then_some("open");
            record::decided(tx, stored.id, review, examined.effect.as_str(), examined.found.application)?;
            record::rematched(tx, stored.id, &examined.found)?;
            self.apply(tx, stored.id, &message, &examined, touched)?;
        }
        Ok(())
    }

    /// Records a mail as a person assigned it.
    fn assign(
        &self,
        tx: &rusqlite::Transaction,
        stored: &StoredMessage,
        applications: &[ApplicationId],
    ) -> Result<(), store::Error> {
        for application in applications {
            let event = event_of_stored(stored);
            record::event(tx, *application, &event, Some(stored.id), self.now)?;
            if let Some(message_id) = &stored.message_id {
                record::thread(tx, message_id, *application, stored.id)?;
            }
        }
        let one = match applications {
            [one] => Some(*one),
            _ => None,
        };
        record::decided(tx, stored.id, Some("accepted"), Effect::Recorded.as_str(), one)
    }

    /// Folds an application's events, evaluates it, and writes summary and alerts.
    fn sum_up(&self, tx: &rusqlite::Transaction, id: ApplicationId) -> Result<(), store::Error> {
        let Some(summary) = query::summary_of(tx, id)? else { return Ok(()) };
        let events = query::events(tx, id)?;
        let (history, evaluation) = self.standing(&summary.application, &events);
        record::summary(tx, id, &history, &evaluation, self.now)?;
        record::withdraw(tx, id, history.stage(), &evaluation.alerts, self.now)?;
        for alert in &evaluation.alerts {
            record::alert(tx, alert, self.now)?;
        }
        Ok(())
    }

    fn standing(&self, application: &Application, events: &[Event]) -> (History, Evaluation) {
        let seen: Vec<Event> = events.iter().filter(|e| e.at <= self.now).cloned().collect();
        let history = History::of(&seen);
        let mut evaluation = evaluate(
            application,
            &history,
            self.spans(application.route),
            self.coverage,
            self.calendar,
            &self.settings.notify.reminders,
            self.now,
        );
        // A submission registered for this afternoon begins to count this afternoon.
        let unseen = events.iter().map(|event| event.at).filter(|at| self.now < *at).min();
        evaluation.next_at = evaluation.next_at.into_iter().chain(unseen).min();
        (history, evaluation)
    }

    fn spans(&self, route: Route) -> &RouteWindows {
        let windows = &self.settings.windows;
        match route {
            Route::Email => &windows.email,
            Route::WebImporter => &windows.web_importer,
            Route::WebGeneral => &windows.web_general,
        }
    }
}

/// How long a code is worth an alert: CBP's are valid for ten minutes.
fn code_validity() -> chrono::Duration {
    chrono::Duration::minutes(15)
}

/// The name under which a folder's role is kept.
pub fn role_name(role: FolderRole) -> &'static str {
    match role {
        FolderRole::Inbox => "inbox",
        FolderRole::Junk => "junk",
        FolderRole::Sent => "sent",
    }
}

fn role_of(name: &str) -> FolderRole {
    match name {
        "sent" => FolderRole::Sent,
        "junk" => FolderRole::Junk,
        _ => FolderRole::Inbox,
    }
}

fn command(at: DateTime<Utc>, kind: EventKind, text: Option<String>) -> NewEvent {
    NewEvent { at, kind, source: Source::Command, text, undoes: None }
}

/// Undoes the events that follow from a message; says how many.
fn take_back(
    tx: &rusqlite::Transaction,
    stored: &StoredMessage,
    touched: &mut BTreeSet<ApplicationId>,
    now: DateTime<Utc>,
) -> Result<usize, store::Error> {
    let events = query::events_of_message(tx, stored.id)?;
    for (event, application) in &events {
        let undo = NewEvent { undoes: Some(*event), ..command(now, EventKind::Undone, None) };
        record::event(tx, *application, &undo, Some(stored.id), now)?;
        touched.insert(*application);
    }
    record::unlearn(tx, stored.id)?;
    Ok(events.len())
}

/// The event of a mail that a person assigned, from what was kept of it.
fn event_of_stored(stored: &StoredMessage) -> NewEvent {
    let kind = match Kind::parse(&stored.kind) {
        Some(Kind::Submission) => EventKind::Submitted,
        Some(Kind::Answer) => EventKind::Answered,
        Some(Kind::Receipt) => EventKind::Receipt,
        Some(Kind::Reply) => EventKind::Reply,
        Some(Kind::InformationRequest) => EventKind::InformationRequest,
        Some(Kind::Approval) => EventKind::Approved,
        Some(Kind::Rejection) => EventKind::Rejected,
        Some(Kind::Bounce) => EventKind::Undeliverable,
        _ => EventKind::Assigned,
    };
    NewEvent { at: stored.received_at, kind, source: Source::Message, text: stored.reason.clone(), undoes: None }
}

fn blind_key(mailbox: &str, since: DateTime<Utc>) -> String {
    format!("mailbox/{mailbox}/blind/{}", since.timestamp())
}

fn blind(mailbox: &str, since: DateTime<Utc>, error: Option<&str>, hint: Option<&str>) -> Alert {
    let error = error.unwrap_or("it was not read");
    let hint = hint.map_or_else(String::new, |hint| format!(" {hint}."));
    Alert {
        key: blind_key(mailbox, since),
        kind: AlertKind::Blind,
        application: None,
        title: format!("acewatch cannot read the mailbox {mailbox}"),
        body: format!("Not since {} UTC: {error}.{hint} `acewatch doctor`", since.format("%a %-d %b %H:%M")),
    }
}

fn blind_over(mailbox: &str, since: DateTime<Utc>) -> Alert {
    Alert {
        key: format!("mailbox/{mailbox}/readable/{}", since.timestamp()),
        kind: AlertKind::BlindOver,
        application: None,
        title: format!("acewatch reads the mailbox {mailbox} again"),
        body: format!("What arrived since {} UTC has been read.", since.format("%a %-d %b %H:%M")),
    }
}
