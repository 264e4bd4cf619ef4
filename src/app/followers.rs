//! What followed from what was learnt from a mail.
//!
//! A mail that a person assigned teaches its thread, its tickets and perhaps a name, and later mails
//! are recorded by them. When it is taken back, those that nothing else leads to their application
//! go before a person, too: else one wrong assignment would leave an approval behind.

use std::collections::BTreeSet;

use rusqlite::Transaction;

use super::judge::{Because, Judge, take_back};
use crate::domain::application::ApplicationId;
use crate::domain::intake::Effect;
use crate::store;
use crate::store::query::{self, StoredMessage};
use crate::store::{kept, record};

/// Mails that were recorded by what was learnt, before it is forgotten.
pub(super) struct Followers {
    /// Which of the decisions of a command may take their ground away.
    pub(super) place: usize,
    decision: i64,
    mails: Vec<(i64, ApplicationId)>,
}

impl Judge<'_> {
    /// The mails that may have followed from a mail that is about to be taken back.
    pub(super) fn followers(
        &self,
        tx: &Transaction,
        stored: &StoredMessage,
        decision: i64,
        place: usize,
    ) -> Result<Followers, store::Error> {
        let mut mails = Vec::new();
        let about: BTreeSet<ApplicationId> =
            query::events_of_message(tx, stored.id)?.into_iter().map(|(_, id)| id).collect();
        for application in about {
            for mail in kept::recorded_by_what_was_learnt(tx, application)? {
                if mail != stored.id && self.leads_to(tx, mail, application)? {
                    mails.push((mail, application));
                }
            }
        }
        Ok(Followers { place, decision, mails })
    }

    /// Puts those before a person that nothing leads to their application any more; says which.
    pub(super) fn let_go(
        &self,
        tx: &Transaction,
        followers: &mut Followers,
        touched: &mut BTreeSet<ApplicationId>,
    ) -> Result<Vec<i64>, store::Error> {
        let mut gone = Vec::new();
        let mut n_before = usize::MAX;
        // One may have taught what leads to the next.
        while gone.len() != n_before {
            n_before = gone.len();
            for (mail, application) in &followers.mails {
                let Some(stored) = query::message(tx, *mail)? else { continue };
                let is_recorded = stored.effect == Effect::Recorded.as_str();
                if !is_recorded || self.leads_to(tx, *mail, *application)? {
                    continue;
                }
                take_back(tx, &stored, Because::Decision(followers.decision), touched, self.now)?;
                kept::settle_alerts_of(tx, &stored, self.now)?;
                record::decided(tx, *mail, Some("open"), Effect::Review.as_str(), None)?;
                gone.push(*mail);
            }
        }
        gone.sort_unstable();
        Ok(gone)
    }

    /// Whether a mail would be found to be about an application now, without what it taught itself.
    fn leads_to(
        &self,
        tx: &Transaction,
        mail: i64,
        application: ApplicationId,
    ) -> Result<bool, store::Error> {
        let Some(stored) = query::message(tx, mail)? else { return Ok(false) };
        let Some(raw) = stored.raw.as_deref() else { return Ok(true) };
        tx.execute_batch("SAVEPOINT unlearnt")?;
        record::unlearn(tx, mail)?;
        let (_, examined) = self.examine_again(tx, &stored, raw, self.rules.get())?;
        tx.execute_batch("ROLLBACK TO unlearnt; RELEASE unlearnt")?;
        Ok(examined.found.application == Some(application))
    }
}
