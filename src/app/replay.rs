//! Reading kept mails again with the rules of today.
//!
//! First every kept mail is judged without touching anything, which may take a while; then what
//! would change is changed in one transaction, or only tried in one that is taken back, so that
//! the preview is what would happen. What a person decided stays as it was decided.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use rusqlite::Transaction;

use super::App;
use super::judge::{Because, Judge, take_back};
use crate::config::IMPORT;
use crate::domain::application::ApplicationId;
use crate::domain::authenticity::Verdict;
use crate::domain::intake::{Effect, Examined};
use crate::domain::kind::Kind;
use crate::domain::message::Message;
use crate::domain::rules::Rules;
use crate::store::query::{self, StoredMessage};
use crate::store::{self, kept};

/// What reading the kept mails again came to.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Mails that were read again.
    pub n_read: usize,
    /// CBP's mails of which no bytes are kept.
    pub n_not_kept: usize,
    /// What is, or would be, otherwise than it was, oldest first.
    pub changes: Vec<Change>,
    /// What would be otherwise, had a person not decided about it.
    pub decided: Vec<i64>,
}

/// A mail that other rules read otherwise.
#[derive(Clone, Debug)]
pub struct Change {
    /// The mail as it was kept.
    pub stored: StoredMessage,
    /// What is made of it now.
    pub now: Examined,
    /// The application it is about now.
    pub application: Option<ApplicationId>,
}

/// Whether a replay is tried or done.
#[derive(Clone, Copy, Debug)]
pub enum Mode<'a> {
    /// By these rules, and nothing stays changed; `None` for those in force.
    Preview(Option<&'a Rules>),
    /// By the rules in force.
    Apply,
}

/// Why a transaction that was only tried does not commit.
enum Ended {
    Tried(Box<Replayed>),
    Failed(store::Error),
}

impl From<store::Error> for Ended {
    fn from(error: store::Error) -> Ended {
        Ended::Failed(error)
    }
}

impl App {
    /// Says what a mail is by other rules than those in force; changes nothing.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn explain_by(&self, message: &Message, rules: &Rules) -> Result<Examined> {
        Ok(self.judge().examine_by(self.store.read(), IMPORT, message, None, rules)?)
    }

    /// Says what a kept mail is by other rules; `None` where its bytes are not kept.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn explain_kept(
        &self,
        stored: &StoredMessage,
        rules: &Rules,
    ) -> Result<Option<(Message, Examined)>> {
        let Some(raw) = stored.raw.as_deref() else { return Ok(None) };
        Ok(Some(self.judge().examine_again(self.store.read(), stored, raw, rules)?))
    }

    /// Reads the kept mails that were received from `since` on again.
    ///
    /// # Errors
    ///
    /// Those of the database, after which nothing is changed.
    pub fn replay(
        &mut self,
        mode: Mode,
        since: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
    ) -> Result<Replayed> {
        let coverage = self.coverage()?;
        let App { store, settings, rules, calendar } = self;
        let judge = Judge { settings, rules, calendar, coverage: &coverage, now };
        let in_force = match mode {
            Mode::Preview(Some(other)) => other,
            Mode::Preview(None) | Mode::Apply => rules.get(),
        };
        let mut found =
            Replayed { n_not_kept: kept::n_lost(store.read(), since)?, ..Replayed::default() };
        let mut differing = Vec::new();
        for id in kept::mails(store.read(), since)? {
            let Some(stored) = query::message(store.read(), id)? else { continue };
            let Some(raw) = stored.raw.as_deref() else { continue };
            found.n_read += 1;
            let (_, examined) = judge.examine_again(store.read(), &stored, raw, in_force)?;
            if !differs(&stored, &examined) {
                continue;
            }
            match kept::is_decided(store.read(), &stored)? {
                true => found.decided.push(id),
                false => differing.push(id),
            }
        }
        if differing.is_empty() {
            return Ok(found);
        }
        let ended = store.write(|tx| -> Result<Replayed, Ended> {
            let mut touched = BTreeSet::new();
            for id in &differing {
                // Asked again: what comes before it in this transaction may have told of it.
                let Some(stored) = query::message(tx, *id)? else { continue };
                let Some(raw) = stored.raw.clone() else { continue };
                let (message, examined) = judge.examine_again(tx, &stored, &raw, in_force)?;
                if kept::is_decided(tx, &stored)? || !differs(&stored, &examined) {
                    continue;
                }
                let application = change(&judge, tx, &stored, &message, &examined, &mut touched)?;
                found.changes.push(Change { stored, now: examined, application });
            }
            if !matches!(mode, Mode::Apply) {
                return Err(Ended::Tried(Box::new(found)));
            }
            for id in touched {
                judge.sum_up(tx, id)?;
            }
            Ok(found)
        });
        match ended {
            Ok(replayed) => Ok(replayed),
            Err(Ended::Tried(replayed)) => Ok(*replayed),
            Err(Ended::Failed(error)) => Err(error).context("cannot read the kept mails again"),
        }
    }
}

/// Whether the rules make something else of a mail than what was made of it.
///
/// That applications came and went since then is no work of the rules: where kind and reason
/// are the same, only a mail that waits for a person, and need not any more, is changed.
fn differs(stored: &StoredMessage, examined: &Examined) -> bool {
    if examined.authenticity.verdict == Verdict::Own {
        // No rule says what our own mail is.
        return false;
    }
    let classification = &examined.classification;
    let is_settled = stored.review.as_deref() == Some("open") && examined.effect != Effect::Review;
    stored.kind != classification.kind.as_str()
        || stored.reason.as_deref() != classification.reason.map(|reason| reason.as_str())
        || is_settled
        || (stored.is_unrecognised && classification.is_recognised)
}

/// Makes of a mail what the rules make of it now. Notices are left to the person who replays: what
/// is told is old.
fn change(
    judge: &Judge,
    tx: &Transaction,
    stored: &StoredMessage,
    message: &Message,
    examined: &Examined,
    touched: &mut BTreeSet<ApplicationId>,
) -> Result<Option<ApplicationId>, store::Error> {
    let kind = examined.classification.kind;
    let is_same_event = stored.kind == kind.as_str()
        && stored.reason.as_deref() == examined.classification.reason.map(|reason| reason.as_str())
        && stored.effect == examined.effect.as_str()
        && stored.application == examined.found.application;
    judge.reread(tx, stored.id, message, examined)?;
    if is_same_event {
        return Ok(stored.application);
    }
    let remark = format!("rules read again: {} → {}", stored.kind, kind.as_str());
    take_back(tx, stored, Because::Rules(&remark), touched, judge.now)?;
    kept::settle_alerts_of(tx, stored, judge.now)?;
    if kind == Kind::VerificationCode {
        return Ok(None);
    }
    let quiet = Examined { alert: None, registration: None, ..examined.clone() };
    judge.apply(tx, stored.id, message, &quiet, touched)?;
    Ok(examined.found.application)
}
