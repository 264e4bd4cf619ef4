//! Access tokens among log-ins: what there is to tell of them, and when another attempt makes sense.

use tokio::sync::mpsc;

use super::{Error, Report};
use crate::config::{Limits, MailboxSettings};
use crate::oauth::Life;

/// Tells the main task what there is to tell of the permission to read the mailbox.
pub(super) async fn tell(settings: &MailboxSettings, reports: &mpsc::Sender<Report>) {
    if let Some(news) = settings.secret.oauth().and_then(|oauth| oauth.news()) {
        // Where nobody listens any more, the task ends anyway.
        let _ = reports.send(Report::Access { mailbox: settings.name.clone(), news }).await;
    }
}

/// Whether a log-in is worth another attempt at once: the token was refused that should be good, and a
/// new one may not be.
pub(super) async fn is_worth_another(settings: &MailboxSettings, error: &Error) -> bool {
    match (error, settings.secret.oauth()) {
        (Error::RefusedLogin { .. }, Some(oauth)) => oauth.refused().await,
        _ => false,
    }
}

/// Has the token renewed where it soon ends, without waiting for it: so a permission that was taken
/// back is told while the connection still lives, and the next log-in finds a good token.
pub(super) fn renew_ahead(settings: &MailboxSettings, limits: &Limits) {
    if let Some(oauth) = settings.secret.oauth().filter(|oauth| oauth.is_due()) {
        let (oauth, limit) = (oauth.clone(), limits.command_timeout);
        tokio::spawn(async move {
            // What is wrong is told with the news.
            let _ = oauth.access_token(limit).await;
        });
    }
}

/// Whether the server ended the session because its token ended with it: nothing is wrong then.
pub(super) async fn has_run_out(
    settings: &MailboxSettings,
    error: &Error,
    life: Option<Life>,
) -> bool {
    let Some(oauth) = settings.secret.oauth() else { return false };
    let said = match error {
        Error::Bye { source, .. } => source.to_string().to_ascii_lowercase(),
        Error::Closed { .. } | Error::Io { .. } => String::new(),
        _ => return false,
    };
    if life.is_some_and(|life| life.has_ended()) {
        return true;
    }
    // Exchange Online's word for it.
    let is_said = said.contains("accesstokenexpired");
    if is_said {
        oauth.refused().await;
    }
    is_said
}
