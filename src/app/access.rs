//! What is told of the permissions to read mailboxes, before they end and when they have.

use anyhow::{Context, Result};
use chrono::{DateTime, Duration, Utc};

use super::App;
use crate::domain::alert::{Alert, AlertKind};
use crate::oauth::{self, News};
use crate::store::record::{self, Account};
use crate::store::sign_in::{self, SignIn};
use crate::store::{self, notice};

/// So long before a permission ends that is told, or a quarter of its life where that is shorter.
const AHEAD: Duration = Duration::days(5);

impl App {
    /// Records what there is to tell of the permission to read a mailbox; raises the alert that a
    /// person must sign in, and settles it once one has.
    ///
    /// # Errors
    ///
    /// Those of the database, and a mailbox that is not configured.
    pub fn access(&mut self, mailbox: &str, news: &News, now: DateTime<Utc>) -> Result<()> {
        let settings = self.settings.mailboxes.iter().find(|m| m.name == mailbox);
        let settings = settings.with_context(|| format!("no mailbox {mailbox} is configured"))?;
        let (host, user) = (settings.host.clone(), settings.user.clone());
        let account = Account { host: &host, user: &user };
        let before = sign_in::of(self.store.read(), account)?.unwrap_or_default();
        let prefix = format!("mailbox/{mailbox}/sign-in");
        let done = match news {
            News::Renewed { at, signed_in_at, sign_in_before } => {
                let stands = SignIn {
                    signed_in_at: signed_in_at.or(before.signed_in_at),
                    renewed_at: Some(*at),
                    sign_in_before: *sign_in_before,
                    needed_since: None,
                    reason: None,
                };
                let is_over = before.needed_since.is_some();
                let is_moved = before.sign_in_before != stands.sign_in_before;
                self.store.write(|tx| -> Result<_, store::Error> {
                    sign_in::keep(tx, account, &stands)?;
                    if let Some(since) = before.needed_since {
                        record::withdraw_key(tx, &needed_key(mailbox, since), now)?;
                        notice::settle_keys(tx, &format!("{prefix}/"), now)?;
                    }
                    if let Some(end) = before.sign_in_before.filter(|_| is_over || is_moved) {
                        record::withdraw_key(tx, &soon_key(mailbox, end), now)?;
                        notice::settle_keys(tx, &format!("{prefix}-soon/"), now)?;
                    }
                    Ok(())
                })
            }
            // It is said again at each attempt, every few seconds.
            News::SignInNeeded { because }
                if before.needed_since.is_some() && before.reason.as_ref() == Some(because) =>
            {
                Ok(())
            }
            News::SignInNeeded { because } => {
                let since = before.needed_since.unwrap_or(now);
                let alert = self.must_sign_in(mailbox, because, since);
                let stands =
                    SignIn { needed_since: Some(since), reason: Some(because.clone()), ..before };
                self.store.write(|tx| -> Result<_, store::Error> {
                    sign_in::keep(tx, account, &stands)?;
                    // It has come to what that one warned of.
                    if let Some(end) = stands.sign_in_before {
                        record::withdraw_key(tx, &soon_key(mailbox, end), now)?;
                        notice::settle_keys(tx, &format!("{prefix}-soon/"), now)?;
                    }
                    record::alert(tx, &alert, now)?;
                    Ok(())
                })
            }
        };
        done.context("cannot record how the sign-in stands")
    }

    /// Forgets what is known of the permission for a mailbox, which was removed.
    ///
    /// # Errors
    ///
    /// Those of the database.
    pub fn forget_access(&mut self, host: &str, user: &str) -> Result<()> {
        self.store
            .write(|tx| sign_in::forget(tx, Account { host, user }))
            .context("cannot record that the sign-in was removed")
    }

    /// Raises the alerts about permissions that end soon.
    pub(super) fn tell_ends(&mut self, now: DateTime<Utc>) -> Result<()> {
        let mut alerts = Vec::new();
        for mailbox in self.settings.mailboxes.iter().filter(|m| m.secret.oauth().is_some()) {
            let account = Account { host: &mailbox.host, user: &mailbox.user };
            let Some(stands) = sign_in::of(self.store.read(), account)? else { continue };
            match ends_soon(&stands, now) {
                Some(end) if stands.needed_since.is_none() => {
                    alerts.push(self.must_sign_in_soon(&mailbox.name, end));
                }
                _ => {}
            }
        }
        self.raise(&alerts, now).context("cannot raise the alert about a sign-in")
    }

    fn must_sign_in(&self, mailbox: &str, because: &str, since: DateTime<Utc>) -> Alert {
        Alert {
            key: needed_key(mailbox, since),
            kind: AlertKind::SignIn,
            application: None,
            is_pressing: false,
            title: format!("Sign in to the mailbox {mailbox} again"),
            body: format!(
                "acewatch cannot read it: {because}. What to do: {}. Nothing is lost meanwhile; mail that comes is read afterwards.",
                oauth::command(mailbox)
            ),
        }
    }

    fn must_sign_in_soon(&self, mailbox: &str, end: DateTime<Utc>) -> Alert {
        Alert {
            key: soon_key(mailbox, end),
            kind: AlertKind::SignInSoon,
            application: None,
            is_pressing: false,
            title: format!("Sign in to the mailbox {mailbox} soon"),
            body: format!(
                "The provider's permission ends on {}; after that acewatch cannot read the mailbox. What to do: {}.",
                self.told(end),
                oauth::command(mailbox)
            ),
        }
    }
}

/// When a permission ends, if that is soon.
pub fn ends_soon(stands: &SignIn, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let end = stands.sign_in_before?;
    let life = stands.signed_in_at.map(|since| end - since);
    let ahead = life.map_or(AHEAD, |life| AHEAD.min(life / 4)).max(Duration::zero());
    (end - ahead <= now).then_some(end)
}

fn needed_key(mailbox: &str, since: DateTime<Utc>) -> String {
    format!("mailbox/{mailbox}/sign-in/{}", since.timestamp())
}

fn soon_key(mailbox: &str, end: DateTime<Utc>) -> String {
    format!("mailbox/{mailbox}/sign-in-soon/{}", end.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permission_that_ends_is_told_some_days_before() {
        let at = |day: i64| DateTime::from_timestamp(day * 86_400, 0).unwrap();
        let check = |since: Option<i64>, now: i64, expected: bool| {
            let signed_in_at = since.map(at);
            let stands = SignIn { signed_in_at, sign_in_before: Some(at(90)), ..SignIn::default() };
            assert_eq!(ends_soon(&stands, at(now)).is_some(), expected, "{since:?} {now}");
        };
        for (since, now, expected) in [
            (Some(0), 84, false),
            (Some(0), 85, true),
            (Some(0), 91, true),
            // A week in all: a day and three quarters.
            (Some(83), 88, false),
            (Some(83), 89, true),
            (None, 84, false),
            (None, 85, true),
        ] {
            check(since, now, expected);
        }
        assert_eq!(ends_soon(&SignIn::default(), at(0)), None);
    }
}
