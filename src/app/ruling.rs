//! What people decide about mails, and how the mails that wait are put before them.
//!
//! A mail that waits is judged anew whenever it is looked at: since it came in, its application may
//! have been registered, the mail that it answers been assigned, or the configuration mended. A
//! decision remembers who took it and why, and it stands: the mail's bytes and its copies are known
//! from then on, and no later reading decides otherwise.

use std::collections::BTreeSet;

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use rusqlite::{Connection, Transaction};

use super::App;
use super::followers::Followers;
use super::judge::{Because, Judge, event_of_stored, take_back};
use crate::domain::application::ApplicationId;
use crate::domain::authenticity::Verdict;
use crate::domain::company::CompanyName;
use crate::domain::event::NewEvent;
use crate::domain::importer::ImporterNumber;
use crate::domain::intake::{Effect, Examined, event_of, keys_of};
use crate::domain::kind::Kind;
use crate::domain::message::Message;
use crate::domain::stated::{may_be_a_name_of, stated_company};
use crate::store;
use crate::store::decision::{self, NewDecision, What};
use crate::store::query::{self, StoredMessage};
use crate::store::{kept, record};

/// So long the bytes of a mail are kept at least after it was decided.
pub(super) const TEXT_KEPT: chrono::Duration = chrono::Duration::days(30);

/// What a person decides about a mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Ruling {
    /// It is about these applications.
    Belongs(Vec<ApplicationId>),
    /// Nothing follows from it.
    Dismissed,
    /// What was made of it is taken back.
    Undone,
    /// What was made of it stays, but the name learnt from it is forgotten.
    AliasForgotten,
}

/// Who decides.
#[derive(Clone, Copy, Debug)]
pub struct By<'a> {
    /// The person's name on this system.
    pub who: &'a str,
    /// The reason given.
    pub why: Option<&'a str>,
}

/// A decision that was carried out.
#[derive(Clone, Debug)]
pub struct Ruled {
    /// The mail.
    pub message: i64,
    /// The applications that it was recorded for.
    pub applications: Vec<ApplicationId>,
    /// The name by which the application is known from now on.
    pub learnt: Option<String>,
    /// The mails that had been recorded only by what was learnt from this one, and wait again.
    pub followers: Vec<i64>,
}

/// A mail that waits for a person, as it is judged now.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// The mail, with what is made of it now.
    pub mail: StoredMessage,
    /// Whether it may be accepted unseen: see [`crate::domain::intake::examine`], and nobody ever
    /// took it back.
    pub is_good: bool,
    /// Whether it names each of its candidates by its own number, and so is about all of them.
    pub is_about_all: bool,
}

impl Waiting {
    /// The application it is most likely about, if it is one.
    pub fn suggestion(&self) -> Option<ApplicationId> {
        match (self.mail.application, self.mail.candidates.as_slice()) {
            (Some(id), _) => Some(id),
            (None, [one]) => Some(*one),
            _ => None,
        }
    }

    /// The applications that it is recorded for where a person accepts it and names none; empty
    /// where they must name one.
    pub fn meant(&self) -> Vec<ApplicationId> {
        match self.suggestion() {
            _ if self.mail.authenticity == Verdict::Forged.as_str() => Vec::new(),
            Some(id) => vec![id],
            None if self.is_about_all => self.mail.candidates.clone(),
            None => Vec::new(),
        }
    }
}

impl App {
    /// The mails that wait for a person, oldest first.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn waiting(&self) -> Result<Vec<Waiting>> {
        let db = self.store.read();
        let judge = self.judge();
        query::review(db)?.into_iter().map(|mail| Ok(judge.waiting(db, mail)?)).collect()
    }

    /// One mail as it is judged now, whether it waits or not.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn looked_at(&self, mail: StoredMessage) -> Result<Waiting> {
        Ok(self.judge().waiting(self.store.read(), mail)?)
    }

    /// Does with mails what a person decided: all of it, or nothing.
    ///
    /// # Errors
    ///
    /// A mail that is unknown, a fraud, or not in a state in which its ruling makes sense.
    pub fn rule(
        &mut self,
        rulings: &[(i64, Ruling)],
        by: By,
        now: DateTime<Utc>,
    ) -> Result<Vec<Ruled>> {
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        store.write(|tx| judge.rule_all(tx, rulings, by))
    }

    /// Accepts every good guess there is: all of them, or nothing.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn accept_good(&mut self, by: By, now: DateTime<Utc>) -> Result<Vec<Ruled>> {
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        store.write(|tx| {
            let mut good = Vec::new();
            for mail in query::review(tx)? {
                let waiting = judge.waiting(tx, mail)?;
                if let (true, Some(id)) = (waiting.is_good, waiting.suggestion()) {
                    good.push((waiting.mail.id, Ruling::Belongs(vec![id])));
                }
            }
            judge.rule_all(tx, &good, by)
        })
    }

    /// Takes back the last decisions that still stand, those of one command together.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn undo_last(&mut self, by: By, now: DateTime<Utc>) -> Result<Vec<Ruled>> {
        let last = decision::last_batch(self.store.read())?;
        let rulings: Vec<(i64, Ruling)> =
            last.into_iter().map(|message| (message, Ruling::Undone)).collect();
        self.rule(&rulings, by, now)
    }
}

/// What the decisions of one command share.
#[derive(Default)]
struct Batch {
    /// The first of them.
    first: Option<i64>,
    touched: BTreeSet<ApplicationId>,
    followers: Vec<Followers>,
}

impl Judge<'_> {
    /// What is made of a mail now, where its bytes are still there.
    fn again(
        &self,
        db: &Connection,
        stored: &StoredMessage,
    ) -> Result<Option<(Message, Examined)>, store::Error> {
        let Some(raw) = stored.raw.as_deref() else { return Ok(None) };
        Ok(Some(self.examine_again(db, stored, raw, self.rules.get())?))
    }

    fn waiting(&self, db: &Connection, stored: StoredMessage) -> Result<Waiting, store::Error> {
        let Some((_, examined)) = self.again(db, &stored)? else {
            let is_about_all = names_all(db, &stored)?;
            return Ok(Waiting { mail: stored, is_good: false, is_about_all });
        };
        // What a person took back once is not accepted unseen.
        let is_good = examined.is_good_guess
            && stored.review.as_deref() == Some("open")
            && !decision::was_undone(db, stored.id)?;
        let mail = renewed(stored, &examined);
        let is_about_all = names_all(db, &mail)?;
        Ok(Waiting { mail, is_good, is_about_all })
    }

    fn rule_all(&self, tx: &Transaction, rulings: &[(i64, Ruling)], by: By) -> Result<Vec<Ruled>> {
        let mut batch = Batch::default();
        let mut done = Vec::with_capacity(rulings.len());
        for (place, (message, ruling)) in rulings.iter().enumerate() {
            done.push(self.rule(tx, place, *message, ruling, by, &mut batch)?);
        }
        // After all of them: one may be among those that are decided about.
        for followers in &mut batch.followers {
            let gone = self.let_go(tx, followers, &mut batch.touched)?;
            if let Some(ruled) = done.get_mut(followers.place) {
                ruled.followers = gone;
            }
        }
        for id in batch.touched {
            self.sum_up(tx, id)?;
        }
        decision::forget_texts(tx, self.now - TEXT_KEPT)?;
        Ok(done)
    }

    fn rule(
        &self,
        tx: &Transaction,
        place: usize,
        message: i64,
        ruling: &Ruling,
        by: By,
        batch: &mut Batch,
    ) -> Result<Ruled> {
        let Some(stored) = query::message(tx, message)? else {
            bail!("there is no message {message}");
        };
        let mut decide = |what: What, why: &str, applications: &[ApplicationId]| {
            let why = by.why.unwrap_or(why);
            let new =
                NewDecision { batch: batch.first, message, what, who: by.who, why, applications };
            let id = decision::decide(tx, &new, self.now)?;
            batch.first.get_or_insert(id);
            Ok::<i64, store::Error>(id)
        };
        let mut ruled =
            Ruled { message, applications: Vec::new(), learnt: None, followers: Vec::new() };
        match ruling {
            Ruling::Belongs(applications) => {
                let again = self.again(tx, &stored)?;
                let is_forged = again
                    .as_ref()
                    .is_some_and(|(_, examined)| examined.authenticity.verdict == Verdict::Forged);
                if is_forged || stored.effect == Effect::Quarantined.as_str() {
                    bail!(
                        "message {message} is quarantined as a forgery, and a forgery never moves an application"
                    );
                }
                let (event, mail) = match &again {
                    Some((mail, examined)) => {
                        let event = event_of(mail, &examined.classification, &examined.faults);
                        (event, renewed(stored.clone(), examined))
                    }
                    None => (None, stored.clone()),
                };
                let event = event.unwrap_or_else(|| event_of_stored(&mail));
                let why = guessed(&mail, applications);
                let decision = decide(What::Accepted, why, applications)?;
                let is_so = stored.effect == Effect::Recorded.as_str()
                    && stored.application.as_slice() == applications.as_slice();
                if is_so {
                    // The person agrees with what was recorded, and nothing is to be changed.
                    record::decided(
                        tx,
                        message,
                        Some("accepted"),
                        &stored.effect,
                        stored.application,
                    )?;
                    ruled.applications.clone_from(applications);
                    return Ok(ruled);
                }
                batch.followers.push(self.followers(tx, &stored, decision, place)?);
                take_back(tx, &stored, Because::Decision(decision), &mut batch.touched, self.now)?;
                kept::settle_alerts_of(tx, &stored, self.now)?;
                match &again {
                    // Nothing of a code is kept, whatever a person makes of the mail.
                    Some((mail, code)) if code.classification.kind == Kind::VerificationCode => {
                        self.reread(tx, message, mail, code)?;
                    }
                    _ => record::rejudged(tx, &mail)?,
                }
                self.assign(tx, &mail, applications, &event, decision)?;
                batch.touched.extend(applications);
                if let (Some((mail, examined)), [id]) = (&again, applications.as_slice()) {
                    if examined.authenticity.verdict == Verdict::Authentic {
                        self.learn_receipt(tx, message, *id, event.kind, mail)?;
                    }
                    ruled.learnt = self.learn(tx, message, mail, examined, *id)?;
                }
                ruled.applications.clone_from(applications);
            }
            Ruling::Dismissed => {
                if stored.review.as_deref() != Some("open") {
                    bail!(
                        "message {message} does not wait for review; `acewatch review undo {message}` takes back what was made of it"
                    );
                }
                decide(What::Dismissed, "", &[])?;
                if let Some((mail, examined)) = &self.again(tx, &stored)?
                    && examined.classification.kind == Kind::VerificationCode
                {
                    self.reread(tx, message, mail, examined)?;
                }
                kept::settle_alerts_of(tx, &stored, self.now)?;
                let effect = Effect::Ignored.as_str();
                record::decided(tx, message, Some("dismissed"), effect, stored.application)?;
            }
            Ruling::Undone => {
                let reviewed = matches!(stored.review.as_deref(), Some("accepted" | "dismissed"));
                if !reviewed && query::events_of_message(tx, message)?.is_empty() {
                    bail!("there is nothing to take back: message {message} has had no effect");
                }
                let decision = decide(What::Undone, "", &[])?;
                batch.followers.push(self.followers(tx, &stored, decision, place)?);
                take_back(tx, &stored, Because::Decision(decision), &mut batch.touched, self.now)?;
                kept::settle_alerts_of(tx, &stored, self.now)?;
                record::decided(tx, message, Some("open"), Effect::Review.as_str(), None)?;
            }
            Ruling::AliasForgotten => {
                if decision::forget_names_of_message(tx, message)? == 0 {
                    bail!("no name was learnt from message {message}");
                }
                decide(What::AliasForgotten, "", &[])?;
            }
        }
        Ok(ruled)
    }

    /// Records a mail as a person assigned it.
    fn assign(
        &self,
        tx: &Transaction,
        mail: &StoredMessage,
        applications: &[ApplicationId],
        event: &NewEvent,
        decision: i64,
    ) -> Result<(), store::Error> {
        for application in applications {
            let event = record::event(tx, *application, event, Some(mail.id), self.now)?;
            decision::of_event(tx, event, decision)?;
            if let Some(message_id) = &mail.message_id {
                record::thread(tx, message_id, *application, mail.id)?;
            }
        }
        let one = match applications {
            [one] => Some(*one),
            _ => None,
        };
        record::decided(tx, mail.id, Some("accepted"), Effect::Recorded.as_str(), one)
    }

    /// Learns from a mail that a person assigned to one application what leads to it from now on:
    /// its ticket numbers, and the company's name as CBP writes it. Says which name.
    ///
    /// Nothing is learnt from a mail that is not authentic or passes on another one. A name is
    /// learnt only where nothing could be mistaken: the mail states no other number than the
    /// application's and one company only, and no other application bears this name or a name
    /// like it, or belongs to the same company.
    fn learn(
        &self,
        tx: &Transaction,
        id: i64,
        message: &Message,
        examined: &Examined,
        application: ApplicationId,
    ) -> Result<Option<String>, store::Error> {
        let is_forward = message.forwarded_inline || !message.forwarded.is_empty();
        if examined.authenticity.verdict != Verdict::Authentic || is_forward {
            return Ok(None);
        }
        let Some(summary) = query::summary_of(tx, application)? else { return Ok(None) };
        let number = &summary.application.number;
        let is_its_own = |written: &String| {
            *written == number.to_string() || Some(written.as_str()) == number.ein()
        };
        if !examined.classification.kind.is_about_an_application()
            || !examined.numbers.iter().all(is_its_own)
        {
            return Ok(None);
        }
        for ticket in keys_of(message, self.rules.get()).tickets {
            record::ticket(tx, &ticket, application, Some(id))?;
        }
        let subject = message.subject_without_prefixes();
        let Some(name) = stated_company(subject, &message.text) else { return Ok(None) };
        let registered: Vec<&str> = std::iter::once(&summary.application.company)
            .chain(&summary.application.aliases)
            .map(String::as_str)
            .collect();
        let is_known = registered.iter().any(|own| CompanyName::parts(own).contains(&name.key));
        if is_known
            || !may_be_a_name_of(&name, &registered)
            || decision::is_ambiguous_name(tx, &name.key, application)?
        {
            return Ok(None);
        }
        let is_news = decision::learn_name(tx, application, &name, id, self.now)?;
        Ok(is_news.then_some(name.written))
    }
}

/// A stored mail with what is made of it now.
fn renewed(stored: StoredMessage, examined: &Examined) -> StoredMessage {
    let found = &examined.found;
    StoredMessage {
        kind: examined.classification.kind.as_str().to_owned(),
        reason: examined.classification.reason.map(|reason| reason.as_str().to_owned()),
        authenticity: examined.authenticity.verdict.as_str().to_owned(),
        because: examined.sentences(),
        outcome: found.outcome.as_str().to_owned(),
        matched_by: found.by.map(|key| key.as_str().to_owned()),
        application: found.application,
        candidates: found.candidates.clone(),
        match_because: found.because.clone(),
        numbers: examined.numbers.clone(),
        ..stored
    }
}

/// Whether a mail gives the number of each of its candidates, and no two share one: then it is
/// about all of them, and not about one of several that it may mean.
fn names_all(db: &Connection, mail: &StoredMessage) -> Result<bool, store::Error> {
    let mut numbers: BTreeSet<ImporterNumber> = BTreeSet::new();
    for id in &mail.candidates {
        let Some(summary) = query::summary_of(db, *id)? else { return Ok(false) };
        numbers.insert(summary.application.number);
    }
    Ok(mail.outcome == "ambiguous"
        && numbers.len() == mail.candidates.len()
        && numbers.iter().all(|number| mail.numbers.contains(&number.to_string())))
}

/// The reason of a guess, where a person accepts just that.
fn guessed<'a>(mail: &'a StoredMessage, applications: &[ApplicationId]) -> &'a str {
    match mail.application.as_slice() == applications || mail.candidates == applications {
        true => &mail.match_because,
        false => "",
    }
}
