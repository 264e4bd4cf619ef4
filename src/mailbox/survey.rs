//! A first look at a mailbox, for who sets it up: its folders, and who vouches for its mail.

use chrono::{DateTime, NaiveDate, Utc};

use super::Error;
use super::folders::{INBOX, decoded, resolve};
use super::session::{Session, fetched};
use crate::config::MailboxSettings;
use crate::domain::authenticity::Trust;
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
    /// Who wrote the youngest of the mails to CBP in the folder with our own mail.
    pub writers: Vec<String>,
}

/// Looks around, changing nothing.
///
/// # Errors
/// See [`Error`].
pub async fn survey(
    session: &mut Session,
    settings: &MailboxSettings,
    trust: &Trust,
    now: DateTime<Utc>,
) -> Result<Survey, Error> {
    let listed = session.list().await?;
    let resolved =
        resolve(&settings.folders, settings.sent.as_ref(), &listed).map_err(Error::NoFolder)?;
    let selected = session.examine(INBOX).await?;
    let back = chrono::Duration::from_std(settings.look_back).unwrap_or(chrono::Duration::MAX);
    let since = now.checked_sub_signed(back).unwrap_or(DateTime::UNIX_EPOCH);
    let uids = session.search_since(since.date_naive()).await?;
    let sample = headers(session, &uids, FolderRole::Inbox).await?;
    let sent = resolved.folders.iter().find(|folder| folder.role == FolderRole::Sent);
    let writers = match sent {
        Some(folder) => writers(session, &folder.raw, trust, since.date_naive()).await?,
        None => Vec::new(),
    };
    Ok(Survey {
        folders: listed.iter().map(|folder| decoded(&folder.raw)).collect(),
        meant: resolved.folders.into_iter().map(|folder| (folder.name, folder.role)).collect(),
        missing: resolved.missing,
        has_idle: session.can("IDLE"),
        n_mails: selected.exists,
        sample,
        writers,
    })
}

/// The addresses that wrote to CBP from a folder. Several people of an office may share an account.
async fn writers(
    session: &mut Session,
    sent: &str,
    trust: &Trust,
    since: NaiveDate,
) -> Result<Vec<String>, Error> {
    session.examine(sent).await?;
    let uids = session.search_since(since).await?;
    let mails = headers(session, &uids, FolderRole::Sent).await?;
    let to_cbp = mails.iter().filter(|mail| {
        mail.to.iter().chain(&mail.cc).any(|to| trust.is_application_address(&to.address))
    });
    let mut writers: Vec<String> =
        to_cbp.flat_map(|mail| &mail.from).map(|from| from.address.to_lowercase()).collect();
    writers.sort();
    writers.dedup();
    Ok(writers)
}

/// The header fields of the youngest of these mails.
async fn headers(
    session: &mut Session,
    uids: &[u32],
    role: FolderRole,
) -> Result<Vec<Message>, Error> {
    let uids = uids.get(uids.len().saturating_sub(SAMPLE)..).unwrap_or_default();
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
                sample.push(Message::parse(header, role, received_at));
            }
        })
        .await?;
    Ok(sample)
}
