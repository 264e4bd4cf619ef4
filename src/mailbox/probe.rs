//! Tries a mailbox step by step for `acewatch doctor` and says what came of each.

use chrono::{DateTime, Utc};

use super::Error;
use super::connect::{greet, login, read_secret};
use super::folders::{Folder, decoded, resolve};
use super::session::Session;
use super::survey::survey;
use crate::causes::chain;
use crate::config::{FolderName, Limits, MailboxSettings, Tls};
use crate::domain::authenticity::{Trust, Vouching, who_vouches};
use crate::domain::message::FolderRole;

/// One step and its outcome.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProbeStep {
    /// What was tried: `secret`, `connection`, `login`, `folders`, `junk`, `push`, `trust`,
    /// `own addresses`.
    pub name: &'static str,
    /// What was found, or why it failed; one line, without secrets.
    pub outcome: Result<String, String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Connects, logs in, looks at the configured folders, and at the header fields of the youngest mails as
/// of `now`, for whether those whom `trust` names vouch for them and write to CBP. `has_dkim` says
/// whether signatures are verified here.
///
/// Stops at the first step without which the next cannot be tried; the steps not reached are left
/// out. Nothing is changed on the server.
pub async fn probe(
    settings: &MailboxSettings,
    limits: &Limits,
    trust: &Trust,
    has_dkim: bool,
    now: DateTime<Utc>,
) -> Vec<ProbeStep> {
    let mut steps = Vec::new();
    // The end of the attempt is told by the last step.
    let _ = attempt(settings, limits, trust, has_dkim, now, &mut steps).await;
    steps
}

async fn attempt(
    settings: &MailboxSettings,
    limits: &Limits,
    trust: &Trust,
    has_dkim: bool,
    now: DateTime<Utc>,
    steps: &mut Vec<ProbeStep>,
) -> Result<(), ()> {
    // A missing secret does not keep the connection from being tried.
    let secret = read_secret(settings, limits).await;
    let secret = note(steps, "secret", secret, |_| "can be read".to_owned());
    let protection = match (settings.tls, settings.pin_sha256) {
        (Tls::None, _) => "unencrypted, on this computer",
        (Tls::Implicit | Tls::StartTls, Some(_)) => "encrypted, the pinned certificate",
        (Tls::Implicit | Tls::StartTls, None) => "encrypted, the certificate is good",
    };
    let greeted = greet(settings, limits).await;
    let greeted = note(steps, "connection", greeted, |_| {
        format!("{}:{}, {protection}", settings.host, settings.port)
    })?;
    let session = login(greeted, settings, limits, &secret?).await;
    let mut session = note(steps, "login", session, |_| format!("as {}", settings.user))?;
    let found = look(&mut session, settings).await;
    let found = note(steps, "folders", found, |found| found.words.clone())?;
    if let (false, Some(step)) = (found.missing.is_empty(), steps.last_mut()) {
        let existing = found.existing.iter().take(12).cloned().collect::<Vec<_>>().join(", ");
        let is_sent = |missing: &&String| match &settings.sent {
            Some(FolderName::SpecialUse(sent)) => sent == *missing,
            _ => false,
        };
        let (it, keys) = match found.missing.iter().filter(is_sent).count() {
            0 if found.missing.len() == 1 => ("it", "`folders`"),
            0 => ("them", "`folders`"),
            n if n == found.missing.len() => ("it", "`sent`"),
            _ => ("them", "`sent` and `folders`"),
        };
        let missing = found.missing.join(", ");
        step.outcome = Ok(format!("{}; the server has none for {missing}", found.words));
        step.hint = Some(format!("name {it} in {keys}, or leave {it} out; there are {existing}"));
    }
    if let Some(junk) = found.unwatched_junk {
        let hint = "add '\\Junk' to `folders`";
        let outcome = Ok(format!("{junk} is not watched, and mail from CBP may land there"));
        steps.push(ProbeStep { name: "junk", outcome, hint: Some(hint.to_owned()) });
    }
    let interval = humantime::format_duration(settings.poll_interval);
    let (push, hint) = match (settings.idle, session.can("IDLE")) {
        (true, true) => ("the server offers IDLE".to_owned(), None),
        (false, _) => (format!("off; looking every {interval}"), None),
        (true, false) => (
            format!("the server does not offer IDLE, so that mail is seen every {interval}"),
            Some("shorten `poll-interval` where that is too late, or write `idle = false`"),
        ),
    };
    steps.push(ProbeStep { name: "push", outcome: Ok(push), hint: hint.map(str::to_owned) });
    if let Ok(survey) = survey(&mut session, settings, trust, now).await {
        let vouching = who_vouches(&survey.sample, &trust.own_addresses, &trust.authserv_ids);
        // Where signatures are verified here, nobody needs to be named.
        if !(has_dkim && trust.authserv_ids.is_empty()) {
            steps.extend(of_trust(&trust.authserv_ids, vouching));
        }
        steps.extend(of_writers(survey.writers, trust));
    }
    session.logout().await;
    Ok(())
}

/// Whether those are named who vouch for the mails that come in. Too few mails say nothing.
fn of_trust(named: &[String], vouching: Vouching) -> Option<ProbeStep> {
    const FEW: usize = 3;
    let Vouching { ids, n_vouched, n_mails, is_guess } = vouching;
    let if_ours = if is_guess { "if that is your own mail server, " } else { "" };
    if n_mails < FEW || (named.is_empty() && ids.is_empty()) {
        return None;
    }
    let shown = named.join(", ");
    let (outcome, hint) = match ids.as_slice() {
        same if same == named => {
            (Ok(format!("{shown} vouches for {n_vouched} of the last {n_mails} mails")), None)
        }
        [] => (
            Ok(format!("{shown} vouches for few of the last {n_mails} mails, or none")),
            Some(
                "compare `authserv-id` with the first word after the topmost \
                 \"Authentication-Results:\" of a mail; if there is none, write `dkim = true`"
                    .to_owned(),
            ),
        ),
        others => {
            let others = others.iter().map(|id| format!("\"{id}\"")).collect::<Vec<_>>().join(", ");
            let vouches = format!("{others} vouches for {n_vouched} of the last {n_mails} mails");
            let why = match named {
                [] => format!("{vouches}, and `authserv-id` does not name it"),
                _ => format!("{vouches}, and `authserv-id` names only {shown}"),
            };
            let hint = format!("{if_ours}write authserv-id = [{others}] for this [[mailbox]]");
            (Err(why), Some(hint))
        }
    };
    Some(ProbeStep { name: "trust", outcome, hint })
}

/// Whether those who write to CBP from here are known as ours.
fn of_writers(mut writers: Vec<String>, trust: &Trust) -> Option<ProbeStep> {
    writers.retain(|writer| !trust.is_own_address(writer));
    let first = writers.first()?;
    let outcome = format!("{first} wrote to CBP, and is not among `own-addresses`");
    let hint = format!("add \"{}\" to `own-addresses` under [trust]", writers.join("\", \""));
    Some(ProbeStep { name: "own addresses", outcome: Ok(outcome), hint: Some(hint) })
}

/// What there is of the configured folders.
struct Found {
    words: String,
    /// The special uses without a folder.
    missing: Vec<String>,
    /// All folders, as people see them.
    existing: Vec<String>,
    /// The folder for junk, where it is there and not among those to be watched.
    unwatched_junk: Option<String>,
}

/// Examines each configured folder.
async fn look(session: &mut Session, settings: &MailboxSettings) -> Result<Found, Error> {
    let listed = session.list().await?;
    let resolved =
        resolve(&settings.folders, settings.sent.as_ref(), &listed).map_err(Error::NoFolder)?;
    let mut found = Vec::new();
    for folder in &resolved.folders {
        let selected = session.examine(&folder.raw).await?;
        let role = format!("{:?}", folder.role).to_lowercase();
        let mails = match selected.exists {
            1 => "1 mail".to_owned(),
            n => format!("{n} mails"),
        };
        found.push(format!("{} ({role}, {mails})", decoded(&folder.raw)));
    }
    let junk = [FolderName::SpecialUse("\\Junk".to_owned())];
    let junk: Option<Folder> =
        resolve(&junk, None, &listed).ok().and_then(|junk| junk.folders.into_iter().next());
    let is_watched = |junk: &Folder| resolved.folders.iter().any(|folder| folder.raw == junk.raw);
    Ok(Found {
        words: found.join(", "),
        missing: resolved.missing,
        existing: listed.iter().map(|folder| decoded(&folder.raw)).collect(),
        unwatched_junk: junk
            .filter(|junk| junk.role == FolderRole::Junk && !is_watched(junk))
            .map(|junk| junk.name),
    })
}

/// Notes the outcome of a step and hands on what it gave.
fn note<T>(
    steps: &mut Vec<ProbeStep>,
    name: &'static str,
    outcome: Result<T, Error>,
    show: impl FnOnce(&T) -> String,
) -> Result<T, ()> {
    let (step, value) = match outcome {
        Ok(value) => (ProbeStep { name, outcome: Ok(show(&value)), hint: None }, Ok(value)),
        Err(err) => {
            let why = match &err {
                // Of what it is the secret is said by the step's name.
                Error::Secret { source } => chain(source),
                err => err.chain(),
            };
            (ProbeStep { name, outcome: Err(why), hint: err.hint() }, Err(()))
        }
    };
    steps.push(step);
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth;
    use crate::secret::SecretError;

    #[test]
    fn a_step_that_failed_says_the_last_cause_too() {
        let path = "/nowhere/oauth.key".into();
        let file = SecretError::Unreadable { path, source: std::io::ErrorKind::NotFound.into() };
        let key = oauth::Error::Key { source: Box::new(file) };
        let failed = Error::Secret { source: SecretError::OAuth { source: Box::new(key) } };
        let mut steps = Vec::new();
        assert!(note(&mut steps, "secret", Err(failed), |()| String::new()).is_err());
        assert_eq!(
            steps[0].outcome.as_ref().unwrap_err(),
            "cannot read a secret that OAuth 2.0 needs: cannot read /nowhere/oauth.key: entity not found"
        );
    }
}
