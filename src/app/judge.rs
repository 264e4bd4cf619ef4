//! What a transaction does with mails and applications, once it has begun.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction};

use super::recalculation::InForce;
use super::{OnDemand, Origin, Tally, code_validity, role_name};
use crate::config::{IMPORT, Settings};
use crate::domain::alert::{Alert, AlertKind};
use crate::domain::application::{Application, ApplicationId, History, Stage};
use crate::domain::authenticity::{Authenticity, DkimVerdict, Verdict};
use crate::domain::coverage::Coverage;
use crate::domain::evaluation::{Evaluation, evaluate};
use crate::domain::event::{Event, EventKind, NewEvent, Source};
use crate::domain::intake::{Effect, Examined, examine, examine_as, keys_of};
use crate::domain::kind::{Kind, Reason};
use crate::domain::message::{Digest, FolderRole, Message, without_files};
use crate::domain::receipt::{OncePerSender, is_by_machine, once_per_sender, period};
use crate::domain::rules::Rules;
use crate::store;
use crate::store::query::{self, StoredMessage};
use crate::store::receipt;
use crate::store::record::{self, NewApplication, NewMessage};
use crate::store::{decision, kept, notice};

/// A mail that is larger without its attached files is not kept, unless it waits for review.
const LARGEST_KEPT: usize = 256 << 10;

/// What a transaction judges by.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) settings: &'a Settings,
    pub(super) rules: &'a OnDemand,
    pub(super) calendar: &'a InForce,
    pub(super) coverage: &'a Coverage,
    pub(super) now: DateTime<Utc>,
}

impl Judge<'_> {
    pub(super) fn examine(
        &self,
        db: &Connection,
        mailbox: &str,
        message: &Message,
    ) -> Result<Examined, store::Error> {
        self.examine_by(db, mailbox, message, None, self.rules.get())
    }

    /// Examines a mail that was kept. Who vouched for it when it came may no longer be there to be
    /// asked, so that word stays; where nobody did, the settings may know better now.
    pub(super) fn examine_again(
        &self,
        db: &Connection,
        stored: &StoredMessage,
        raw: &[u8],
        rules: &Rules,
    ) -> Result<(Message, Examined), store::Error> {
        let mut message = Message::parse(raw, role_of(&stored.role), stored.received_at);
        // Without the attached files the bytes are others, and the mail is the same.
        message.digest = Digest::read(&stored.digest).unwrap_or(message.digest);
        message.dkim = DkimVerdict::of_signer(stored.dkim.clone());
        let vouched = [Verdict::Authentic, Verdict::Own]
            .into_iter()
            .find(|verdict| verdict.as_str() == stored.authenticity);
        let authenticity = vouched.map(|verdict| Authenticity {
            verdict,
            because: stored.because.first().cloned().unwrap_or_default(),
        });
        let examined = self.examine_by(db, &stored.mailbox, &message, authenticity, rules)?;
        Ok((message, examined))
    }

    pub(super) fn examine_by(
        &self,
        db: &Connection,
        mailbox: &str,
        message: &Message,
        authenticity: Option<Authenticity>,
        rules: &Rules,
    ) -> Result<Examined, store::Error> {
        let keys = keys_of(message, rules);
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
            Some(id) => query::recorded_with(db, id, &message.digest.to_string())?,
            None => Vec::new(),
        };
        let trust = &*self.settings.trust_in(mailbox);
        Ok(match authenticity {
            None => examine(message, &keys, &candidates, &twins, rules, trust),
            Some(known) => examine_as(message, known, &keys, &candidates, &twins, rules, trust),
        })
    }

    /// Records one mail; says whether it registered an application.
    pub(super) fn take_in(
        &self,
        tx: &Transaction,
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
            // What a person put aside stays there.
            Some(known)
                if origin.role == FolderRole::Sent
                    && known.role != role_name(FolderRole::Sent)
                    && known.effect == Effect::Ignored.as_str()
                    && !known.is_remembered =>
            {
                record::forget(tx, known.id)?;
            }
            Some(known) => {
                tally.duplicate += 1;
                // Whose word counts for a file may only be known now that it is seen in a mailbox.
                if known.mailbox == IMPORT
                    && origin.mailbox != IMPORT
                    && known.effect == Effect::Review.as_str()
                    && !known.is_remembered
                {
                    record::placed(tx, known.id, origin.mailbox)?;
                    self.match_those(tx, &[known.id], touched)?;
                }
                return Ok(false);
            }
            None => {}
        }
        let examined = self.examine(tx, origin.mailbox, message)?;
        match examined.effect {
            Effect::Recorded => tally.recorded += 1,
            Effect::Review => tally.review += 1,
            Effect::Quarantined => tally.quarantined += 1,
            Effect::Ignored => tally.ignored += 1,
        }
        let in_review = examined.effect == Effect::Review;
        let kept = (in_review || self.is_worth_keeping(&examined))
            .then(|| without_files(bytes))
            .filter(|kept| in_review || kept.len() <= LARGEST_KEPT);
        let row = row(origin, message, &examined, kept.as_deref());
        let Some(id) = record::message(tx, &row, self.now)? else { return Ok(false) };
        self.apply(tx, id, message, &examined, touched)
    }

    /// Whether other rules may one day make something else of a mail, so that it must be there.
    fn is_worth_keeping(&self, examined: &Examined) -> bool {
        let is_of_interest = match examined.authenticity.verdict {
            Verdict::Authentic | Verdict::Unverified => true,
            Verdict::Own => examined.effect == Effect::Recorded,
            Verdict::Forged | Verdict::NotCbp => false,
        };
        is_of_interest
            && self.settings.storage.keep_mails.is_some()
            && examined.classification.kind != Kind::VerificationCode
    }

    /// Records what follows from a mail; says whether it registered an application.
    pub(super) fn apply(
        &self,
        tx: &Transaction,
        id: i64,
        message: &Message,
        examined: &Examined,
        touched: &mut BTreeSet<ApplicationId>,
    ) -> Result<bool, store::Error> {
        let registered = match &examined.registration {
            Some(registration) => record::application(
                tx,
                &NewApplication::by_mail(&registration.company, registration.number.clone()),
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
            let is_known =
                matches!(examined.authenticity.verdict, Verdict::Own | Verdict::Authentic);
            if let (true, Some(message_id)) = (is_known, &message.message_id) {
                record::thread(tx, message_id, application, id)?;
            }
            for ticket in &examined.tickets {
                record::ticket(tx, ticket, application, Some(id))?;
            }
            self.learn_receipt(tx, id, application, event.kind, message)?;
            touched.insert(application);
        }
        if let Some(alert) = &examined.alert
            && self.is_news(alert.kind, message.received_at)
        {
            record::alert(tx, alert, self.now)?;
        }
        Ok(registered.is_some())
    }

    /// Remembers whose submission CBP's machine confirmed, which tells something about what else
    /// that address sent.
    pub(super) fn learn_receipt(
        &self,
        tx: &Transaction,
        id: i64,
        application: ApplicationId,
        kind: EventKind,
        message: &Message,
    ) -> Result<(), store::Error> {
        if kind != EventKind::Receipt || !is_by_machine(message) {
            return Ok(());
        }
        let at = message.received_at;
        let ours = || {
            let trust = &self.settings.trust;
            let to = message.recipients().find(|to| trust.is_own_address(&to.address))?;
            Some((to.address.to_lowercase(), at))
        };
        let Some((sender, sent_at)) = receipt::last_sent(tx, application, at)?.or_else(ours) else {
            return Ok(());
        };
        // Where two applications got their own before, another one changes nothing for any.
        let lately = (self.now - period(), sent_at);
        let is_settled = 1 < receipt::first_two(tx, &sender, lately, self.now)?.len();
        receipt::record(tx, id, &sender, (application, sent_at, at))?;
        if is_settled { Ok(()) } else { receipt::evaluate_awaiting(tx) }
    }

    /// A code is worth an alert only while it is valid.
    fn is_news(&self, kind: AlertKind, received_at: DateTime<Utc>) -> bool {
        kind != AlertKind::VerificationCode || self.now < received_at + code_validity()
    }

    /// Looks again at the mails in review: one that arrived before its application was registered
    /// may find it now.
    pub(super) fn match_again(
        &self,
        tx: &Transaction,
        touched: &mut BTreeSet<ApplicationId>,
    ) -> Result<(), store::Error> {
        self.match_those(tx, &query::lost(tx)?, touched)
    }

    /// Looks again at these mails in review; what still finds no application stays as it is.
    pub(super) fn match_those(
        &self,
        tx: &Transaction,
        waiting: &[i64],
        touched: &mut BTreeSet<ApplicationId>,
    ) -> Result<(), store::Error> {
        for id in waiting {
            let Some(stored) = query::message(tx, *id)? else { continue };
            let Some(raw) = stored.raw.as_deref() else { continue };
            let (message, examined) = self.examine_again(tx, &stored, raw, self.rules.get())?;
            if examined.found.application.is_none() {
                continue;
            }
            let waits_as_before = examined.effect == Effect::Review
                && stored.application == examined.found.application;
            if !waits_as_before {
                kept::settle_alerts_of(tx, &stored, self.now)?;
            }
            self.reread(tx, stored.id, &message, &examined)?;
            self.apply(tx, stored.id, &message, &examined, touched)?;
        }
        Ok(())
    }

    /// Replaces what was made of a mail by what is made of it now.
    pub(super) fn reread(
        &self,
        tx: &Transaction,
        id: i64,
        message: &Message,
        examined: &Examined,
    ) -> Result<(), store::Error> {
        let nowhere = Origin { mailbox: "", folder: "", role: message.folder };
        kept::reread(tx, id, &row(nowhere, message, examined, None))
    }

    /// Folds an application's events, evaluates it, and writes summary and alerts.
    pub(super) fn sum_up(&self, tx: &Transaction, id: ApplicationId) -> Result<(), store::Error> {
        let Some(summary) = query::summary_of(tx, id)? else { return Ok(()) };
        let events = query::events(tx, id)?;
        let (history, evaluation) = self.standing(tx, &summary.application, &events)?;
        self.tell_recalculation(tx, &summary.application, &history, &evaluation)?;
        record::summary(tx, id, &history, &evaluation, self.now)?;
        record::withdraw(tx, id, history.stage(), &evaluation.alerts, self.now)?;
        if !evaluation.ahead.is_empty() {
            record::tell_again(tx, id, &evaluation.ahead)?;
        }
        notice::settle(tx, id, history.stage(), &evaluation, self.now)?;
        for alert in &evaluation.alerts {
            record::alert(tx, alert, self.now)?;
        }
        // Who is yet to hear that something is overdue needs no reminder of it in the same breath.
        let is_reminder = |alert: &&Alert| alert.kind == AlertKind::Reminder;
        for reminder in evaluation.alerts.iter().filter(is_reminder) {
            let mut others = evaluation.alerts.iter().filter(|alert| !is_reminder(alert));
            let is_pending = |alert: &Alert| query::is_pending(tx, &alert.key);
            let is_told_anyway = is_pending(reminder)? == Some(true)
                && others.try_fold(false, |found, other| {
                    Ok::<_, store::Error>(
                        found || (other.tells_of(reminder) && is_pending(other)? == Some(true)),
                    )
                })?;
            if is_told_anyway {
                record::alert_delivered_by_key(tx, &reminder.key, self.now)?;
            }
        }
        Ok(())
    }

    pub(super) fn standing(
        &self,
        db: &Connection,
        application: &Application,
        events: &[Event],
    ) -> Result<(History, Evaluation), store::Error> {
        let seen: Vec<Event> = events.iter().filter(|e| e.at <= self.now).cloned().collect();
        let mut history = History::of(&seen);
        if history.stage() == Stage::Submitted && receipt::any(db)? {
            history.receipt_elsewhere = self.receipt_elsewhere(db, application.id)?;
        }
        let mut evaluation = evaluate(
            application,
            &history,
            self.settings.windows.of(application.route),
            self.coverage,
            self.calendar,
            &self.settings.notify.reminders,
            self.now,
        );
        // A submission registered for this afternoon begins to count this afternoon.
        let unseen = events.iter().map(|event| event.at).filter(|at| self.now < *at).min();
        evaluation.next_at = evaluation.next_at.into_iter().chain(unseen).min();
        Ok((history, evaluation))
    }

    /// Why an application that waits for a receipt need not get one.
    fn receipt_elsewhere(
        &self,
        db: &Connection,
        id: ApplicationId,
    ) -> Result<Option<OncePerSender>, store::Error> {
        let Some((sender, sent_at)) = receipt::last_sent(db, id, self.now)? else {
            return Ok(None);
        };
        let near = (sent_at - period(), sent_at + period());
        let receipts = receipt::first_two(db, &sender, near, self.now)?;
        Ok(once_per_sender(&sender, sent_at, &receipts))
    }
}

/// A mail with what was made of it, as it is kept.
fn row<'a>(
    origin: Origin<'a>,
    message: &'a Message,
    examined: &'a Examined,
    kept: Option<&'a [u8]>,
) -> NewMessage<'a> {
    let kind = examined.classification.kind;
    let found = &examined.found;
    let mut because = examined.sentences();
    because.extend(examined.faults.iter().map(|found| found.because.clone()));
    let candidates: Vec<i64> = found.candidates.iter().map(|id| id.0).collect();
    let is_code = kind == Kind::VerificationCode;
    NewMessage {
        digest: message.digest.to_string(),
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
        review: (examined.effect == Effect::Review).then_some("open"),
        raw: kept,
        rule: examined.classification.rule.as_deref(),
        is_unrecognised: examined.is_unrecognised(),
        dkim: message.dkim.signer(),
    }
}

/// Why the events that follow from a mail are undone.
#[derive(Clone, Copy)]
pub(super) enum Because<'a> {
    /// A person decided so.
    Decision(i64),
    /// Other rules read the mail otherwise; the remark says how.
    Rules(&'a str),
}

/// Undoes the events that follow from a message.
pub(super) fn take_back(
    tx: &Transaction,
    stored: &StoredMessage,
    because: Because,
    touched: &mut BTreeSet<ApplicationId>,
    now: DateTime<Utc>,
) -> Result<(), store::Error> {
    let events = query::events_of_message(tx, stored.id)?;
    for (event, application) in &events {
        let (source, text, decision) = match because {
            Because::Decision(decision) => (Source::Command, None, Some(decision)),
            Because::Rules(remark) => (Source::Rules, Some(remark.to_owned()), None),
        };
        let undo = NewEvent {
            at: now,
            kind: EventKind::Undone,
            source,
            text,
            until: None,
            undoes: Some(*event),
        };
        let undo = record::event(tx, *application, &undo, Some(stored.id), now)?;
        if let Some(decision) = decision {
            decision::of_event(tx, undo, decision)?;
        }
        touched.insert(*application);
    }
    record::unlearn(tx, stored.id)?;
    if receipt::forget(tx, stored.id)? {
        receipt::evaluate_awaiting(tx)?;
    }
    Ok(())
}

/// The event of a mail that a person assigned, from what was kept of it.
pub(super) fn event_of_stored(stored: &StoredMessage) -> NewEvent {
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
    NewEvent {
        at: stored.received_at,
        kind,
        source: Source::Message,
        text: stored.reason.clone(),
        until: None,
        undoes: None,
    }
}

pub(super) fn role_of(name: &str) -> FolderRole {
    match name {
        "sent" => FolderRole::Sent,
        "junk" => FolderRole::Junk,
        _ => FolderRole::Inbox,
    }
}
