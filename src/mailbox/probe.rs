//! Tries a mailbox step by step for `acewatch doctor` and says what came of each.

use super::Error;
use super::connect::{greet, login, read_secret};
use super::folders::{decoded, resolve};
use super::session::Session;
use crate::config::{Limits, MailboxSettings, Tls};

/// One step and its outcome.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ProbeStep {
    /// What was tried: `secret`, `connection`, `login`, `folders`, `push`.
    pub name: &'static str,
    /// What was found, or why it failed; one line, without secrets.
    pub outcome: Result<String, String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Connects, logs in and looks at the configured folders, without reading any mail.
///
/// Stops at the first step without which the next cannot be tried; the steps not reached are left
/// out. Nothing is changed on the server.
pub async fn probe(settings: &MailboxSettings, limits: &Limits) -> Vec<ProbeStep> {
    let mut steps = Vec::new();
    // The end of the attempt is told by the last step.
    let _ = attempt(settings, limits, &mut steps).await;
    steps
}

async fn attempt(
    settings: &MailboxSettings,
    limits: &Limits,
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
    let folders = look(&mut session, settings).await;
    let folders = note(steps, "folders", folders, |(found, _)| found.clone());
    if let (Ok((_, missing)), Some(step)) = (&folders, steps.last_mut())
        && !missing.is_empty()
    {
        step.hint = Some(format!(
            "the server has no folder for {}; name it in `folders` or `sent`, or leave it out",
            missing.join(" and ")
        ));
    }
    let push = match (settings.idle, session.can("IDLE")) {
        (true, true) => "the server offers IDLE".to_owned(),
        (false, _) => format!("off; looking each {:?}", settings.poll_interval),
        (true, false) => {
            format!("the server does not offer IDLE; looking each {:?}", settings.poll_interval)
        }
    };
    steps.push(ProbeStep { name: "push", outcome: Ok(push), hint: None });
    session.logout().await;
    folders.map(|_| ())
}

/// Examines each configured folder: what was found in words, and the special uses missing.
async fn look(
    session: &mut Session,
    settings: &MailboxSettings,
) -> Result<(String, Vec<String>), Error> {
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
    Ok((found.join(", "), resolved.missing))
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
        Err(err) => (ProbeStep { name, outcome: Err(err.chain()), hint: err.hint() }, Err(())),
    };
    steps.push(step);
    value
}
