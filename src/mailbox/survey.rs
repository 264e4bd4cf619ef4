//! A first look at a mailbox, for who sets it up: its folders, and who vouches for its mail.

use chrono::{DateTime, Utc};

use super::Error;
use super::folders::{INBOX, decoded, resolve};
use super::session::{Session, fetched};
use crate::config::MailboxSettings;
use crate::domain::message::{FolderRole, Message};

/// So many mails are looked at, the youngest ones.
const SAMPLE: usize = 100;

/// What a mailbox is like.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// All folders as people see them.
    pub folders: Vec<String>,
    /// Those that the configuration means, with what they are to us.
    pub meant: Vec<(String, FolderRole)>,
    /// What the configuration means and the server has no folder for: `\Junk`.
    pub missing: Vec<String>,
    /// Whether the server tells of new mail by itself.
    pub has_idle: bool,
    /// How many mails INBOX holds.
    pub n_mails: u32,
    /// The header fields of the youngest mails in INBOX that arrived within the look-back.
    pub sample: Vec<Message>,
}

/// Looks around, changing nothing.
///
/// # Errors
/// See [`Error`].
pub async fn survey(
    session: &mut Session,
    settings: &MailboxSettings,
    now: DateTime<Utc>,
) -> Result<Survey, Error> {
    let listed = session.list().await?;
    let resolved =
        resolve(&settings.folders, settings.sent.as_ref(), &listed).map_err(Error::NoFolder)?;
    let selected = session.examine(INBOX).await?;
    let back = chrono::Duration::from_std(settings.look_back).unwrap_or(chrono::Duration::MAX);
    let since = now.checked_sub_signed(back).unwrap_or(DateTime::UNIX_EPOCH);
    let uids = session.search_since(since.date_naive()).await?;
    let youngest = uids.get(uids.len().saturating_sub(SAMPLE)..).unwrap_or_default();
    Ok(Survey {
        folders: listed.iter().map(|folder| decoded(&folder.raw)).collect(),
        meant: resolved.folders.into_iter().map(|folder| (folder.name, folder.role)).collect(),
        missing: resolved.missing,
        has_idle: session.can("IDLE"),
        n_mails: selected.exists,
        sample: headers(session, youngest).await?,
    })
}

async fn headers(session: &mut Session, uids: &[u32]) -> Result<Vec<Message>, Error> {
    if uids.is_empty() {
        return Ok(Vec::new());
    }
    let set = uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
    let command = format!("UID FETCH {set} (UID INTERNALDATE BODY.PEEK[HEADER])");
    let mut sample = Vec::new();
    session
        .exec("FETCH", &command, |response| {
            if let Some(mail) = fetched(response)
                && let Some(header) = mail.body
            {
                let received_at = mail.received_at.unwrap_or_default();
                sample.push(Message::parse(header, FolderRole::Inbox, received_at));
            }
        })
        .await?;
    Ok(sample)
}
