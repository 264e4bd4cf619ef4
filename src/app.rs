//! Where the core, the database and the settings meet.
//!
//! Every method that writes does so in one transaction: mails, what follows from them, the
//! summaries that change with them, and the cursor are recorded together or not at all.

mod access;
mod casework;
mod followers;
mod judge;
mod notices;
mod recalculation;
mod replay;
mod ruling;
mod unrecognised;

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::ops::AddAssign;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};

use crate::config::Settings;
use crate::dkim;
use crate::domain::alert::{Alert, AlertKind, Hours};
use crate::domain::application::{Application, ApplicationId, History};
use crate::domain::coverage::Coverage;
use crate::domain::cursor::Cursor;
use crate::domain::evaluation::{Attention, Evaluation};
use crate::domain::event::{Event, EventKind, NewEvent, Source};
use crate::domain::intake::Examined;
use crate::domain::message::{FolderRole, Message};
use crate::domain::notice::urgency_of;
use crate::domain::rules::Rules;
pub use crate::store::notice::DESKTOP;
use crate::store::query::{self, MailboxState, PendingAlert, Summary, Tallied};
use crate::store::record::{self, Account, NewApplication};
use crate::store::{self, Store, notice};
pub use access::ends_soon;
use judge::Judge;
pub use notices::{buttons_of, replaced_by};
pub use recalculation::InForce;
pub use replay::{Change, Mode, Replayed};
pub use ruling::{By, Ruled, Ruling, Waiting};

/// The program's memory and what it judges by.
#[derive(Debug)]
pub struct App {
    /// The database.
    pub store: Store,
    /// What the user decided.
    pub settings: Settings,
    rules: OnDemand,
    /// Which days are business days.
    pub calendar: InForce,
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
    /// The mailbox, or [`IMPORT`](crate::config::IMPORT).
    pub mailbox: &'a str,
    /// The folder's name.
    pub folder: &'a str,
    /// What mails in it are to us.
    pub role: FolderRole,
}

/// The rules by which kinds of mail are told, read when the first mail is to be judged, and again
/// where they were forgotten.
#[derive(Debug, Default)]
pub struct OnDemand {
    user: Option<String>,
    read: OnceCell<Rules>,
}

impl From<Rules> for OnDemand {
    fn from(rules: Rules) -> OnDemand {
        OnDemand { user: rules.user().map(str::to_owned), read: OnceCell::from(rules) }
    }
}

impl OnDemand {
    /// The built-in rules, which need no proof that they can be read.
    pub fn built_in() -> OnDemand {
        OnDemand::default()
    }

    fn get(&self) -> &Rules {
        // What could be read once can be read again.
        self.read.get_or_init(|| Rules::read(self.user.as_deref()).unwrap_or_default())
    }
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
    /// Mails that could not be read, and why.
    pub unreadable: &'a [(u32, String)],
    /// Mails that could not be read before and were tried again; those that still cannot be read
    /// are in `unreadable`, too.
    pub retried: &'a [u32],
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

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Tally) {
        self.read += more.read;
        self.recorded += more.recorded;
        self.review += more.review;
        self.quarantined += more.quarantined;
        self.ignored += more.ignored;
        self.duplicate += more.duplicate;
    }
}

impl App {
    /// Puts the parts together.
    pub fn new(store: Store, settings: Settings, rules: impl Into<OnDemand>) -> App {
        let calendar = settings.calendar.calendar().into();
        App { store, settings, rules: rules.into(), calendar }
    }

    /// Goes on with other settings and rules. What they change in the dates of applications, the next
    /// evaluation finds out.
    pub fn change(&mut self, settings: Settings, rules: OnDemand) {
        self.calendar = settings.calendar.calendar().into();
        self.settings = settings;
        self.rules = rules;
    }

    /// Forgets what is needed only while mails come in; it is read again for the next one.
    pub fn rest(&mut self) {
        self.rules.read.take();
        self.store.shrink();
    }

    /// Says what a mail is and what would follow from it; changes nothing.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn explain(&self, mailbox: &str, message: &Message) -> Result<Examined> {
        Ok(self.judge().examine(self.store.read(), mailbox, message)?)
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
        let last = query::last_message(self.store.read())?;
        // The DNS is asked before the transaction: nobody waits for it with the database locked.
        let verdicts = dkim::verdicts(&self.settings, origin, mails);
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        let tally = store
            .write(|tx| -> Result<Tally, store::Error> {
                let mut tally = Tally::default();
                let mut touched = BTreeSet::new();
                let mut registered = false;
                for (mail, verdict) in mails.iter().zip(&verdicts) {
                    let mut message = Message::parse(mail.bytes, origin.role, mail.received_at);
                    message.dkim.clone_from(verdict);
                    let registers = judge.take_in(
                        tx,
                        origin,
                        &message,
                        mail.bytes,
                        &mut touched,
                        &mut tally,
                    )?;
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
                    let validity = cursor.uid_validity;
                    record::keep_unreadable_of(tx, account, folder, validity)?;
                    for uid in progress.retried {
                        if !progress.unreadable.iter().any(|(still, _)| still == uid) {
                            record::readable(tx, account, folder, (validity, *uid))?;
                        }
                    }
                    for (uid, why) in progress.unreadable {
                        record::unreadable(tx, account, folder, (validity, *uid), why, now)?;
                    }
                }
                Ok(tally)
            })
            .context("cannot record mail")?;
        // Not before they are there for good: what fails is tried again and again.
        for taken in query::messages_after(self.store.read(), last)? {
            // The words say all a reader needs; the fields are for who looks for something.
            tracing::info!(
                mail = taken.id,
                mailbox = taken.mailbox,
                application = taken.application,
                kind = taken.kind,
                "mail {} taken in: {}, {}, {}, {}",
                taken.id,
                taken.kind,
                taken.authenticity,
                taken.outcome,
                taken.effect
            );
        }
        Ok(tally)
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
        let before = query::mailboxes(self.store.read())?.into_iter().find(|m| m.name == mailbox);
        let failing_since = before.and_then(|state| state.failing_since);
        let all_clear = failing_since.map(|since| self.blind_over(mailbox, since));
        self.store
            .write(|tx| -> Result<_, store::Error> {
                if is_live {
                    record::cut_coverage(tx, account, read_until)?;
                }
                for (folder, from) in folders {
                    record::coverage(tx, account, folder, *from, read_until)?;
                }
                let names: Vec<&str> = folders.iter().map(|(folder, _)| *folder).collect();
                record::keep_folders(tx, account, &names)?;
                record::mailbox_complete(tx, mailbox, mode, read_until)?;
                if query::n_unreadable(tx, account)? == 0 {
                    notice::settle_keys(tx, &format!("mailbox/{mailbox}/unreadable/"), read_until)?;
                }
                let (Some(since), Some(all_clear)) = (failing_since, &all_clear) else {
                    return Ok(());
                };
                // Nobody needs the all-clear who has not been told of the trouble.
                let key = blind_key(mailbox, since);
                record::withdraw_key(tx, &key, read_until)?;
                notice::settle_keys(tx, &key, read_until)?;
                if query::was_delivered(tx, &key)? {
                    record::alert(tx, all_clear, read_until)?;
                }
                Ok(())
            })
            .context("cannot record that the mailbox was read")?;
        let coverage = self.coverage()?;
        let is_longer_back = folders.iter().any(|(_, from)| from.is_some());
        self.store
            .write(|tx| match (is_longer_back, coverage.known_until()) {
                (true, _) => record::evaluate_all(tx),
                (false, Some(until)) => record::evaluate_unproved(tx, until),
                (false, None) => Ok(()),
            })
            .context("cannot record what waits for proof")
    }

    /// Starts the count of every mailbox's trouble anew, after the machine slept or was off; trouble
    /// that somebody was told of goes on, so that it is told once and its end is told, too.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn woke(&mut self, now: DateTime<Utc>) -> Result<()> {
        self.store
            .write(|tx| -> Result<(), store::Error> {
                for state in query::mailboxes(tx)? {
                    if let Some(since) = state.failing_since
                        && !query::was_delivered(tx, &blind_key(&state.name, since))?
                    {
                        record::withdraw_key(tx, &blind_key(&state.name, since), now)?;
                        record::restart_failing(tx, &state.name, now)?;
                    }
                }
                Ok(())
            })
            .context("cannot record that the machine woke")
    }

    /// Raises the alert about a mailbox at once, because its server refuses the login again and
    /// again: that does not pass by itself, and more attempts may lock the account.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn refused_login(&mut self, mailbox: &str, now: DateTime<Utc>) -> Result<()> {
        let states = query::mailboxes(self.store.read())?;
        let Some(state) = states.into_iter().find(|state| state.name == mailbox) else {
            return Ok(());
        };
        let alert = self.blind(&state, state.failing_since.unwrap_or(now));
        self.raise(&[alert], now).context("cannot raise the alert about a mailbox")
    }

    /// Remembers that a mailbox cannot be read; raises an alert once that has lasted.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn trouble(
        &mut self,
        mailbox: &str,
        error: &str,
        hint: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
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
        self.tell_ends(now)?;
        self.tell_unrecognised(now)?;
        let basis = self.basis();
        if query::fact(self.store.read(), "basis")?.as_deref() != Some(basis.as_str()) {
            self.store
                .write(|tx| -> Result<_, store::Error> {
                    record::fact(tx, "basis", &basis)?;
                    record::evaluate_all(tx)
                })
                .context("cannot record the calendar in force")?;
        }
        self.calendar.claim(&mut self.store).context("cannot record the calendar in force")?;
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

    /// The alerts that a channel has to deliver, oldest first. Those that are not worth it any more
    /// are taken back: a code that has expired, and those of kinds that nobody wants to be told of.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn pending_alerts(
        &mut self,
        channel: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<PendingAlert>> {
        let since = self.channel_since(channel, now)?;
        let pending = query::pending_for(self.store.read(), channel, since, now - told_ago())?;
        let is_wanted = |alert: &Alert| {
            let notify = &self.settings.notify;
            (notify.desktop && urgency_of(alert, &notify.urgency).is_some())
                || self.settings.channels.iter().any(|channel| channel.carries(alert.kind))
        };
        let (fresh, stale): (Vec<PendingAlert>, Vec<PendingAlert>) =
            pending.into_iter().partition(|p| {
                is_wanted(&p.alert)
                    && (p.alert.kind != AlertKind::VerificationCode
                        || now < p.created_at + code_validity())
            });
        if !stale.is_empty() {
            let ids: Vec<i64> = stale.iter().map(|p| p.id).collect();
            self.store
                .write(|tx| record::withdraw_alerts(tx, &ids, now))
                .context("cannot take back alerts")?;
        }
        Ok(fresh)
    }

    /// Since when a channel is in use: what somebody was told before is not its business.
    fn channel_since(&mut self, channel: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>> {
        if channel == DESKTOP {
            return Ok(DateTime::UNIX_EPOCH);
        }
        let name = format!("channel/{channel}");
        let known = query::fact(self.store.read(), &name)?;
        if let Some(since) = known.and_then(|text| text.parse().ok()) {
            return Ok(since);
        }
        self.store
            .write(|tx| record::fact(tx, &name, &now.to_rfc3339()))
            .context("cannot record that a channel is in use")?;
        Ok(now)
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

    /// How many mails of the configured mailboxes could not be read.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn n_unreadable(&self) -> Result<i64, store::Error> {
        let accounts = self.settings.mailboxes.iter();
        let accounts = accounts.map(|m| Account { host: &m.host, user: &m.user });
        accounts.map(|account| query::n_unreadable(self.store.read(), account)).sum()
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
        Ok(self.standing_by(application, &events, coverage, now)?)
    }

    /// The same by events that were read already.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn standing_by(
        &self,
        application: &Application,
        events: &[Event],
        coverage: &Coverage,
        now: DateTime<Utc>,
    ) -> Result<(History, Evaluation), store::Error> {
        self.judge_at(coverage, now).standing(self.store.read(), application, events)
    }

    /// All applications as they stand at `now`, most urgent first. The cached summary is used
    /// where it still holds, unless `at` asks for another time.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn overview(&self, now: DateTime<Utc>, at: Option<DateTime<Utc>>) -> Result<Vec<Summary>> {
        let db = self.store.read();
        let mut summaries = query::summaries(db, None)?;
        let is_stale = at.is_some() || !self.is_basis_current()?;
        let holds = |summary: &Summary| {
            !is_stale
                && summary.evaluated_at <= now
                && summary.next_evaluation_at.is_none_or(|next| now < next)
        };
        if summaries.iter().all(holds) {
            return Ok(summaries);
        }
        let coverage = self.coverage()?;
        let judge = self.judge_at(&coverage, now);
        let events = query::all_events(db)?;
        for summary in summaries.iter_mut().filter(|summary| !holds(summary)) {
            let own = events.get(&summary.application.id).map_or(&[][..], Vec::as_slice);
            let (history, evaluation) = judge.standing(db, &summary.application, own)?;
            summary.stage = history.stage();
            summary.attention = evaluation.attention;
            summary.submitted_at = history.submitted_at;
            summary.acknowledged_at = history.acknowledged_at;
            summary.first_reply_at = history.first_reply_at;
            summary.decided_at = history.decided_at;
            summary.next_deadline = evaluation.next_deadline;
            summary.snoozed_until = evaluation.snoozed_until;
            summary.acked_at = evaluation.acked_at;
            summary.next_cliff = evaluation.cliff.map(|cliff| cliff.on);
        }
        summaries.sort_by_key(|summary| {
            (
                std::cmp::Reverse(summary.attention),
                // Where nobody is needed, nothing is at stake before its next deadline.
                (summary.attention != Attention::None)
                    .then_some(summary.next_cliff.unwrap_or(NaiveDate::MAX)),
                summary.next_deadline.is_none(),
                summary.next_deadline,
                summary.application.id,
            )
        });
        Ok(summaries)
    }

    /// The same where the cached summaries all hold, without those that need nobody beyond the
    /// first `n_quiet`, and how many there are of each kind; `None` where they do not hold.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn glance(
        &self,
        now: DateTime<Utc>,
        n_quiet: usize,
    ) -> Result<Option<(Vec<Summary>, Vec<Tallied>)>> {
        let db = self.store.read();
        if !self.is_basis_current()? || !query::to_evaluate(db, now)?.is_empty() {
            return Ok(None);
        }
        Ok(Some((query::summaries(db, Some(n_quiet))?, query::tally(db)?)))
    }

    fn is_basis_current(&self) -> Result<bool> {
        let recorded = query::fact(self.store.read(), "basis")?;
        Ok(recorded.is_none_or(|basis| basis == self.basis()))
    }

    /// When notices may be shown.
    pub fn hours(&self) -> Hours {
        let notify = &self.settings.notify;
        Hours {
            zone: self.settings.time_zone.clone(),
            quiet: notify.quiet_hours.map(|quiet| (quiet.from, quiet.until)),
            working_days_only: notify.working_days_only,
        }
    }

    fn blind(&self, state: &MailboxState, since: DateTime<Utc>) -> Alert {
        let error = state.error.as_deref().unwrap_or("it was not read");
        let hint =
            state.hint.as_deref().map_or_else(String::new, |hint| format!(" What to do: {hint}."));
        Alert {
            key: blind_key(&state.name, since),
            kind: AlertKind::Blind,
            application: None,
            is_pressing: false,
            title: format!("acewatch cannot read the mailbox {}", state.name),
            body: format!("Not since {}: {error}.{hint} `acewatch doctor`", self.told(since)),
        }
    }

    fn blind_over(&self, mailbox: &str, since: DateTime<Utc>) -> Alert {
        Alert {
            key: format!("mailbox/{mailbox}/readable/{}", since.timestamp()),
            kind: AlertKind::BlindOver,
            application: None,
            is_pressing: false,
            title: format!("acewatch reads the mailbox {mailbox} again"),
            body: format!("What arrived since {} has been read.", self.told(since)),
        }
    }

    /// The mailboxes with mails that could not be read since `until` or longer: one of them may be
    /// CBP's answer. At most one alert for what came on one day.
    fn unreadable(&self, until: DateTime<Utc>) -> Result<Vec<Alert>> {
        let mut alerts = Vec::new();
        for mailbox in &self.settings.mailboxes {
            let account = Account { host: &mailbox.host, user: &mailbox.user };
            let Some(since) = query::unreadable_since(self.store.read(), account)? else {
                continue;
            };
            let name = &mailbox.name;
            let key = format!("mailbox/{name}/unreadable/{}", since.date_naive());
            if until < since || query::has_alert(self.store.read(), &key)? {
                continue;
            }
            let n = query::n_unreadable(self.store.read(), account)?;
            let what = if n == 1 { "a mail".to_owned() } else { format!("{n} mails") };
            alerts.push(Alert {
                key,
                kind: AlertKind::Unreadable,
                application: None,
                is_pressing: false,
                title: format!("acewatch cannot read {what} in the mailbox {name}"),
                body: format!(
                    "Not since {}. CBP's answer may be among them: look into the mailbox yourself. `acewatch doctor`",
                    self.told(since)
                ),
            });
        }
        Ok(alerts)
    }

    /// An instant for a person, in their zone.
    fn told(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.settings.time_zone).format("%a %-d %b %H:%M %Z").to_string()
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
                (is_configured && since + blind_after <= now).then(|| self.blind(&state, since))
            })
            .chain(self.unreadable(now - blind_after)?)
            .collect();
        self.raise(&alerts, now).context("cannot raise the alert about a mailbox")
    }

    fn raise(&mut self, alerts: &[Alert], now: DateTime<Utc>) -> Result<(), store::Error> {
        if alerts.is_empty() {
            return Ok(());
        }
        self.store.write(|tx| alerts.iter().try_for_each(|alert| record::alert(tx, alert, now)))
    }

    /// What the cached evaluations depend on besides events, coverage and time.
    fn basis(&self) -> String {
        let mailboxes: Vec<String> = self
            .settings
            .mailboxes
            .iter()
            .map(|m| format!("{}@{} {:?} {:?}", m.user, m.host, m.folders, m.sent))
            .collect();
        format!(
            "{} {} {} {:?} {:?}",
            env!("CARGO_PKG_VERSION"),
            mailboxes.join(","),
            store::calendar::written(self.calendar.inputs()),
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

/// How long a code is worth an alert: CBP's are valid for ten minutes.
fn code_validity() -> chrono::Duration {
    chrono::Duration::minutes(15)
}

/// Who was told by one channel so long ago is not told by another one that was out of order.
fn told_ago() -> chrono::Duration {
    chrono::Duration::days(1)
}

/// The name under which a folder's role is kept.
pub fn role_name(role: FolderRole) -> &'static str {
    match role {
        FolderRole::Inbox => "inbox",
        FolderRole::Junk => "junk",
        FolderRole::Sent => "sent",
    }
}

fn command(at: DateTime<Utc>, kind: EventKind, text: Option<String>) -> NewEvent {
    NewEvent { at, kind, source: Source::Command, text, until: None, undoes: None }
}

fn blind_key(mailbox: &str, since: DateTime<Utc>) -> String {
    format!("mailbox/{mailbox}/blind/{}", since.timestamp())
}
