//! What is told of mails that no rule knows, and how long mails are kept.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::App;
use super::ruling::TEXT_KEPT;
use crate::domain::unrecognised::{Unrecognised, alert_of_the_day, key};
use crate::store::query::{self, StoredMessage};
use crate::store::{self, kept, record};

impl App {
    /// CBP's mails whose wording no rule knows, and that nobody has looked at, oldest first.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn unrecognised(&self) -> Result<Vec<StoredMessage>, store::Error> {
        let db = self.store.read();
        let mails = kept::unrecognised(db)?.into_iter().map(|id| query::message(db, id));
        mails.filter_map(Result::transpose).collect()
    }

    /// Raises the alert of the day about them, or takes it back if it was not shown and they are
    /// settled.
    pub(super) fn tell_unrecognised(&mut self, now: DateTime<Utc>) -> Result<()> {
        let (db, hours) = (self.store.read(), self.hours());
        let key = key(&hours, now);
        let is_pending = query::is_pending(db, &key)?;
        let n = kept::n_unrecognised(db)?;
        if n == 0 && is_pending != Some(true) {
            return Ok(());
        }
        let mails: Vec<Unrecognised> = kept::unrecognised_subjects(db)?;
        let alert = alert_of_the_day(&mails, &hours, &self.calendar, now);
        let is_settled = is_pending == Some(true) && n == 0;
        let news = alert.filter(|_| is_pending.is_none());
        if news.is_none() && !is_settled {
            return Ok(());
        }
        self.store
            .write(|tx| -> Result<(), store::Error> {
                match &news {
                    Some(alert) => record::alert(tx, alert, now)?,
                    None => drop(record::withdraw_key(tx, &key, now)?),
                }
                Ok(())
            })
            .context("cannot raise the alert about mails that no rule knows")
    }

    /// Forgets the bytes of mails that were kept for long enough, a few at a time, so that nobody
    /// waits for it. `now` must be the true time: they do not come back.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn prune(&mut self, now: DateTime<Utc>) -> Result<()> {
        const AT_ONCE: i64 = 200;
        let keep = self.settings.storage.keep_mails.unwrap_or_default();
        let keep = chrono::Duration::from_std(keep).unwrap_or(chrono::Duration::MAX);
        let Some(until) = now.checked_sub_signed(keep) else { return Ok(()) };
        if !kept::has_older(self.store.read(), until, now - TEXT_KEPT)? {
            return Ok(());
        }
        self.store
            .write(|tx| kept::prune(tx, until, now - TEXT_KEPT, AT_ONCE))
            .context("cannot forget mails that were kept for long enough")
    }
}
