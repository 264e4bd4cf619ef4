//! `acewatch sign-in`: a person lets acewatch read a mailbox by OAuth 2.0.
//!
//! The permission is tried by one log-in before it is kept, so that a sign-in with another account
//! does not take the place of a good one.

use std::io::IsTerminal;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::failure::{FAILED, Failure};
use super::render::{self, rfc3339_or_null};
use super::{Context, desktop};
use crate::app::{App, ends_soon};
use crate::clock;
use crate::config::{Limits, MailboxSettings, Settings};
use crate::domain::zone::Zone;
use crate::keyring;
use crate::mailbox;
use crate::mailbox::connect::{greet, login};
use crate::oauth::sign_in::{SignedIn, Step};
use crate::oauth::vault::Store;
use crate::oauth::{Flow, News, OAuth};
use crate::store;
use crate::store::record::Account;
use crate::store::sign_in::SignIn;

/// How long a person may take to type the password of the keyring.
const TYPING: Duration = Duration::from_mins(2);

/// Sign in to a mailbox that is read by OAuth 2.0
///
/// Opens the provider's page in your browser, or shows a code to type on any device, waits until you
/// have signed in, tries one log-in, and keeps the permission in the keyring or in an encrypted file
/// (`[mailbox.oauth]` in the configuration). A daemon that runs goes on by itself within seconds.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The mailbox, by its name; not needed where only one is read by OAuth 2.0
    mailbox: Option<String>,
    /// Sign in with the browser on this machine
    #[arg(long, conflicts_with = "device")]
    browser: bool,
    /// Sign in on any device, by a code
    #[arg(long)]
    device: bool,
    /// Print the address and do not open the browser
    #[arg(long)]
    no_open: bool,
    /// Give up after so long without a sign-in
    #[arg(long, value_name = "DURATION", default_value = "15m")]
    wait: String,
    /// Remove the permission instead, here and, where it offers that, at the provider
    #[arg(long, conflicts_with_all = ["browser", "device", "no_open"])]
    forget: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// How to sign in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct How {
    /// In which way; that of the configuration where not said.
    pub(crate) flow: Option<Flow>,
    /// Whether the browser is opened.
    pub(crate) opens: bool,
    /// How long to wait for the person.
    pub(crate) patience: Duration,
}

/// What came of a sign-in.
#[derive(Debug)]
pub(crate) struct Done {
    /// Who signed in, where the provider says it.
    pub(crate) who: Option<String>,
    /// For the database ([`crate::app::App::access`]).
    pub(crate) news: News,
    /// Why a log-in did not work, where it did not. The sign-in is kept all the same.
    pub(crate) not_in: Option<mailbox::Error>,
}

/// Signs in, or removes the permission.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let settings = cx.settings()?;
    let mailbox = chosen(&settings, args.mailbox.as_deref())?.clone();
    let patience = humantime::parse_duration(&args.wait).ok().filter(|wait| !wait.is_zero());
    let patience = patience.ok_or_else(|| {
        Failure::usage(format!("{:?} is no duration", args.wait)).hint("write --wait 15m")
    })?;
    let flow = match (args.browser, args.device) {
        (true, _) => Some(Flow::Browser),
        (_, true) => Some(Flow::Device),
        _ => None,
    };
    let how = How { flow, opens: !args.no_open, patience };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start").because(error))?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = async {
                match args.forget {
                    true => forget(cx, &settings, &mailbox, args.json).await,
                    false => carry_out(cx, &settings, &mailbox, &how, args.json).await,
                }
            } => outcome,
            _ = tokio::signal::ctrl_c() => Err(Failure::new("stopped; nothing was changed")),
        }
    });
    runtime.shutdown_timeout(Duration::from_millis(200));
    outcome
}

/// The mailbox that is meant.
fn chosen<'a>(settings: &'a Settings, name: Option<&str>) -> Result<&'a MailboxSettings, Failure> {
    let able: Vec<&MailboxSettings> =
        settings.mailboxes.iter().filter(|mailbox| mailbox.secret.oauth().is_some()).collect();
    let names = || able.iter().map(|m| m.name.as_str()).collect::<Vec<_>>().join(", ");
    let none = "add a table [mailbox.oauth] to the mailbox; docs/oauth.md says how";
    match (name, able.as_slice()) {
        (None, [only]) => Ok(only),
        (None, []) => Err(Failure::usage("no mailbox is read by OAuth 2.0").hint(none)),
        (None, _) => Err(Failure::usage("several mailboxes are read by OAuth 2.0")
            .hint(format!("name one: {}", names()))),
        (Some(name), _) => {
            let is_named = |mailbox: &&MailboxSettings| mailbox.name.eq_ignore_ascii_case(name);
            if let Some(mailbox) = able.iter().copied().find(is_named) {
                return Ok(mailbox);
            }
            Err(match settings.mailboxes.iter().find(is_named) {
                Some(mailbox) => Failure::usage(format!(
                    "the mailbox {name} is not read by OAuth 2.0, but by {}",
                    mailbox.secret
                ))
                .hint(none),
                None if able.is_empty() => Failure::usage(format!(
                    "there is no mailbox {name}, and none is read by OAuth 2.0"
                ))
                .hint(none),
                None => Failure::usage(format!("there is no mailbox {name}"))
                    .hint(format!("by OAuth 2.0 are read: {}", names())),
            })
        }
    }
}

async fn carry_out(
    cx: &Context,
    settings: &Settings,
    mailbox: &MailboxSettings,
    how: &How,
    json: bool,
) -> Result<(), Failure> {
    let done = sign_in(mailbox, &settings.limits, how).await?;
    record(cx, settings, mailbox, &done.news);
    let Some(oauth) = mailbox.secret.oauth() else { return Ok(()) };
    let place = oauth.settings.vault.place();
    let before = match &done.news {
        News::Renewed { sign_in_before, .. } => *sign_in_before,
        News::SignInNeeded { .. } => None,
    };
    if json {
        render::print_json(&json!({
            "schema": "acewatch.sign_in/1",
            "mailbox": mailbox.name,
            "user": mailbox.user,
            "signed_in_as": done.who,
            "kept_in": match oauth.settings.vault.store {
                Store::Keyring => "keyring",
                Store::File(_) => "file",
            },
            "sign_in_before": rfc3339_or_null(before),
            "login": match &done.not_in { None => "ok", Some(_) => "failed" },
            "error": done.not_in.as_ref().map(mailbox::Error::chain),
        }))?;
    } else {
        let mut text = match &done.not_in {
            None => format!("signed in: {} lets {} in\n", mailbox.host, mailbox.user),
            Some(error) => format!("signed in, but a log-in did not work: {}\n", error.chain()),
        };
        if let Some(hint) = done.not_in.as_ref().and_then(mailbox::Error::hint) {
            text.push_str(&format!("hint: {hint}\n"));
        }
        text.push_str(&format!("the permission is in {place}\n"));
        // What ends only when nobody uses it does not end.
        if let Some(end) = before.filter(|end| *end < clock::now() + chrono::Duration::days(60)) {
            let end = render::moment(end, &settings.time_zone);
            text.push_str(&format!("you must sign in again before {end}\n"));
        }
        render::print(&render::escaped_lines(&text))?;
    }
    match done.not_in {
        None => Ok(()),
        Some(_) => Err(Failure::silent(FAILED)),
    }
}

/// Writes down that somebody signed in. The daemon would find out by itself, only later.
pub(crate) fn record(cx: &Context, settings: &Settings, mailbox: &MailboxSettings, news: &News) {
    let recorded = cx
        .app_with(settings.clone())
        .and_then(|mut app| app.access(&mailbox.name, news, clock::now()).map_err(Failure::from));
    if let Err(failure) = recorded {
        tracing::warn!("cannot record the sign-in: {}", failure.line());
    }
}

async fn forget(
    cx: &Context,
    settings: &Settings,
    mailbox: &MailboxSettings,
    json: bool,
) -> Result<(), Failure> {
    let Some(oauth) = mailbox.secret.oauth() else { return Ok(()) };
    require_keyring(oauth, settings.limits.command_timeout).await?;
    let forgotten = oauth.forget(settings.limits.command_timeout).await.map_err(failed)?;
    if let Ok(mut app) = cx.app_with(settings.clone()) {
        app.forget_access(&mailbox.host, &mailbox.user)?;
    }
    if json {
        return render::print_json(&json!({
            "schema": "acewatch.sign_out/1",
            "mailbox": mailbox.name,
            "user": mailbox.user,
            "removed": forgotten.was_there,
            "revoked": forgotten.revoked.as_ref().map(Result::is_ok),
        }));
    }
    let provider = &oauth.settings.provider;
    let mut text = match forgotten.was_there {
        true => format!("removed from {}\n", oauth.settings.vault.place()),
        false => format!("nobody was signed in to {}\n", mailbox.name),
    };
    match (forgotten.was_there, forgotten.revoked) {
        (false, _) => {}
        (true, Some(Ok(()))) => text.push_str(&format!("{provider} took the permission back\n")),
        (true, Some(Err(why))) => text.push_str(&format!(
            "{provider} was not told: {why}; take the permission back in the account's settings\n"
        )),
        (true, None) => text.push_str(
            "the provider was not told: take the permission back in the account's settings\n",
        ),
    }
    render::print(&render::escaped_lines(&text))
}

/// Has a person sign in, tries one log-in, and keeps the permission. What the person must do is said
/// on standard error. The news are for the database.
///
/// # Errors
///
/// Nobody signed in, the provider refused, another account signed in, or it cannot be kept.
pub(crate) async fn sign_in(
    mailbox: &MailboxSettings,
    limits: &Limits,
    how: &How,
) -> Result<Done, Failure> {
    let Some(oauth) = mailbox.secret.oauth() else {
        return Err(Failure::usage(format!("{} is not read by OAuth 2.0", mailbox.name)));
    };
    let limit = limits.command_timeout;
    // Not after the person has done all there is to do.
    require_keyring(oauth, limit).await?;
    let flow = how.flow.unwrap_or(oauth.settings.flow);
    let mut tell = |step: Step<'_>| instruct(mailbox, &step, how.opens);
    let mut signed_in = crate::oauth::sign_in::sign_in(oauth, flow, how.patience, limit, &mut tell)
        .await
        .map_err(failed)?;
    let page = signed_in.page.take();
    let outcome = keep(mailbox, limits, oauth, &signed_in).await;
    if let Some(page) = page {
        match &outcome {
            Ok(Done { not_in: Some(_), .. }) => {
                let text = "A log-in to the mail server did not work yet. The terminal says why.";
                page.answer("Signed in", text).await;
            }
            Ok(_) => {
                let text = format!(
                    "acewatch can read the mailbox of {} now. You can close this page.",
                    mailbox.user
                );
                page.answer("Signed in", &text).await;
            }
            Err(failure) => page.answer("Not signed in", &failure.line()).await,
        }
    }
    outcome
}

/// Tries the permission and keeps it, unless the server refuses it.
async fn keep(
    mailbox: &MailboxSettings,
    limits: &Limits,
    oauth: &OAuth,
    signed_in: &SignedIn,
) -> Result<Done, Failure> {
    let tried = match greet(mailbox, limits).await {
        Ok(greeted) => login(greeted, mailbox, limits, &signed_in.access).await,
        Err(error) => Err(error),
    };
    let who = signed_in.who.clone();
    let not_in = match tried {
        Ok(session) => {
            session.logout().await;
            None
        }
        Err(error @ mailbox::Error::RefusedLogin { .. }) => {
            let is_other = |who: &&String| !who.eq_ignore_ascii_case(&mailbox.user);
            let message = match who.as_ref().filter(is_other) {
                Some(who) => {
                    format!("you signed in as {who}, and the mailbox is that of {}", mailbox.user)
                }
                None => format!(
                    "{} does not let {} in with this sign-in; another account may have signed in",
                    mailbox.host, mailbox.user
                ),
            };
            return Err(Failure::new(message).because(error).hint(format!(
                "sign in as {}; the browser may have to sign out of the other account first. Nothing was changed",
                mailbox.user
            )));
        }
        Err(error) => Some(error),
    };
    let news = oauth.keep(signed_in, limits.command_timeout).await.map_err(failed)?;
    Ok(Done { who, news, not_in })
}

/// Has the keyring opened where the permission belongs there; says early that it cannot be.
async fn require_keyring(oauth: &OAuth, limit: Duration) -> Result<(), Failure> {
    if oauth.settings.vault.store != Store::Keyring {
        return Ok(());
    }
    let instead = "or write `store = \"file\"` into [mailbox.oauth]";
    let what_to_do = match keyring::state(limit).await {
        keyring::State::Ready => return Ok(()),
        keyring::State::Locked if std::io::stdin().is_terminal() => {
            return oauth.settings.vault.unlock(limit.max(TYPING)).await.map_err(|error| {
                let hint = error.hint();
                Failure::new("the permission cannot be kept").because(error).hint(hint)
            });
        }
        keyring::State::Locked => "unlock the keyring",
        keyring::State::NoTool => "install secret-tool (sudo apt install libsecret-tools)",
        keyring::State::Absent => "log in to a desktop with a keyring",
    };
    let message = "the permission cannot be kept: the keyring cannot be used here";
    Err(Failure::new(message).hint(format!("{what_to_do}, {instead}")))
}

/// Says what the person has to do, and opens the browser where that is wanted and can be.
fn instruct(mailbox: &MailboxSettings, step: &Step<'_>, opens: bool) {
    let (text, url) = match step {
        Step::Browse { url } => (
            format!(
                "Sign in as {} in a browser on this machine:\n\n  {url}\n\nWaiting for it; Ctrl-C ends it.\n",
                mailbox.user
            ),
            *url,
        ),
        Step::Code { url, complete, code, expires_in } => (
            format!(
                "Sign in as {} on any device within {}:\n\n  {url}\n  code {code}\n\nWaiting for it; Ctrl-C ends it.\n",
                mailbox.user,
                humantime::format_duration(Duration::from_secs(expires_in.as_secs())),
            ),
            complete.unwrap_or(url),
        ),
    };
    anstream::eprint!("{}", render::escaped_lines(&text));
    // A page of the provider's, and nothing else that a browser would do something with.
    if opens && (url.starts_with("https://") || url.starts_with("http://127.0.0.1")) {
        open(url);
    }
}

/// Opens the browser. Where that does not work, the address is on the screen.
fn open(url: &str) {
    if !desktop::is_there() {
        return;
    }
    match desktop::open(url) {
        // Nobody waits for it but this thread.
        Ok(mut child) => {
            std::thread::spawn(move || child.wait());
        }
        Err(error) => tracing::info!("cannot open the browser by xdg-open: {error}"),
    }
}

/// How a permission stands, in a line, and what to do about it if anything.
pub(crate) fn standing(
    mailbox: &str,
    stands: &SignIn,
    now: DateTime<Utc>,
    zone: &Zone,
) -> (String, Option<String>) {
    if let (Some(_), Some(reason)) = (stands.needed_since, &stands.reason) {
        return (reason.clone(), Some(crate::oauth::command(mailbox)));
    }
    let renewed = match stands.renewed_at.map(|at| now - at) {
        None => "signed in".to_owned(),
        Some(ago) if ago < chrono::Duration::minutes(1) => "access renewed just now".to_owned(),
        Some(ago) => format!("access renewed {} ago", render::duration(ago)),
    };
    // What is far away is renewed long before: most permissions end only where nobody uses them.
    match stands.sign_in_before.filter(|end| *end < now + chrono::Duration::days(30)) {
        None => (renewed, None),
        Some(end) => {
            let end_shown = render::moment(end, zone);
            let hint = ends_soon(stands, now).map(|_| crate::oauth::command(mailbox));
            (format!("{renewed}; must sign in again before {end_shown}"), hint)
        }
    }
}

/// The same of every mailbox that needs a permission and has one, for `doctor`, which finds out by
/// itself where there is none.
pub(crate) fn standings(app: &App, now: DateTime<Utc>) -> Vec<(String, String, Option<String>)> {
    let mut found = Vec::new();
    for mailbox in app.settings.mailboxes.iter().filter(|m| m.secret.oauth().is_some()) {
        let account = Account { host: &mailbox.host, user: &mailbox.user };
        if let Ok(Some(stands)) = store::sign_in::of(app.store.read(), account)
            && stands.needed_since.is_none()
        {
            let (line, hint) = standing(&mailbox.name, &stands, now, &app.settings.time_zone);
            found.push((mailbox.name.clone(), line, hint));
        }
    }
    found
}

/// The same for programs.
pub(crate) fn standing_json(stands: Option<&SignIn>) -> Value {
    let at = |of: fn(&SignIn) -> Option<DateTime<Utc>>| rfc3339_or_null(stands.and_then(of));
    json!({
        "signed_in_at": at(|stands| stands.signed_in_at),
        "renewed_at": at(|stands| stands.renewed_at),
        "sign_in_before": at(|stands| stands.sign_in_before),
        "needed_since": at(|stands| stands.needed_since),
        "reason": stands.and_then(|stands| stands.reason.as_ref()),
    })
}

fn failed(error: crate::oauth::Error) -> Failure {
    let hint = error.hint();
    Failure::new("not signed in").because(error).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_permission_stands_is_told_in_a_line() {
        let now: DateTime<Utc> = "2026-11-22T12:00:00Z".parse().unwrap();
        let ago = |minutes| Some(now - chrono::Duration::minutes(minutes));
        let check = |stands: SignIn, expected: &str, wants_a_person: bool| {
            let (line, hint) = standing("office", &stands, now, &Zone::utc());
            assert_eq!((line.as_str(), hint.is_some()), (expected, wants_a_person));
        };
        let good = SignIn {
            signed_in_at: ago(100_000),
            renewed_at: ago(12),
            sign_in_before: Some(now + chrono::Duration::days(90)),
            ..SignIn::default()
        };
        check(good.clone(), "access renewed 12 minutes ago", false);
        let ending = |days| SignIn {
            sign_in_before: Some(now + chrono::Duration::days(days)),
            ..good.clone()
        };
        let told = "access renewed 12 minutes ago; must sign in again before ";
        let at = |days| render::moment(now + chrono::Duration::days(days), &Zone::utc());
        check(ending(20), &format!("{told}{}", at(20)), false);
        check(ending(3), &format!("{told}{}", at(3)), true);
        let reason = "must sign in again: the provider took the permission back";
        let over = SignIn { needed_since: ago(5), reason: Some(reason.to_owned()), ..good };
        check(over, reason, true);
    }
}
