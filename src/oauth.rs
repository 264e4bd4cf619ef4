//! OAuth 2.0 (RFC 6749): an access token for each log-in, from a permission that a person gave once.
//!
//! ```text
//! sign-in ─► vault ─► renew ─► access token ─► log-in (XOAUTH2, OAUTHBEARER)
//! ```
//!
//! The refresh token is in the [`vault`], the access token in the memory of this process alone. It is
//! renewed ahead of its end, because a server may be slow and clocks differ; its life is counted from
//! `expires_in` by the monotonic clock, and by the wall clock too, because the former stands still
//! while the machine sleeps. A new refresh token is stored before the old one is forgotten, and one
//! process at a time renews. Renewing runs in a task of its own: a waiter who gives up must not take a
//! token along that the provider has just given out.
//!
//! A provider that cannot be reached is not one that took the permission back; [`Error::patience`]
//! tells them apart.

mod error;
mod grant;
mod http;
pub mod loopback;
pub mod sign_in;
pub mod vault;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use oauth2::url::Url;
use oauth2::{
    AuthType, ClientId, ClientSecret, EndpointNotSet, EndpointSet, RefreshToken, RequestTokenError,
    TokenResponse, TokenUrl,
};
use sha2::{Digest, Sha256};
use tokio::time::{Instant, timeout};

use crate::clock;
use crate::secret::{Kind, Secret, SecretSource};
pub(crate) use error::command;
pub use error::{Error, Patience};
use grant::{Answer, Grant};
use http::HttpError;
use vault::Vault;

/// A token is renewed so long before its end, or at half its life where that is shorter.
const AHEAD: Duration = Duration::from_mins(5);
/// The life of an access token of which the provider says nothing (RFC 6749 §5.1 recommends that it
/// does; an hour is what most give).
const USUAL_LIFE: Duration = Duration::from_hours(1);

/// How long the provider is not asked again about a token that it did not take. Most refusals are for
/// good; one by a policy, such as that of a place or of a device, may be lifted without a new sign-in.
const REST: Duration = Duration::from_hours(1);

/// What the user decided about a mailbox's OAuth 2.0.
#[derive(Clone, Eq, PartialEq)]
pub struct Settings {
    /// What the mailbox is called.
    pub mailbox: String,
    /// Its log-in name.
    pub user: String,
    /// What people know the provider by: the host of the token endpoint.
    pub provider: String,
    /// Where a browser is sent (RFC 6749 §3.1).
    pub authorization_url: Option<Url>,
    /// Where a code for another device is asked for (RFC 8628 §3.1).
    pub device_url: Option<Url>,
    /// Where tokens are given out (RFC 6749 §3.2).
    pub token_url: Url,
    /// Where they are taken back (RFC 7009), if anywhere.
    pub revocation_url: Option<Url>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// What the browser takes along besides, such as `access_type`.
    pub authorization_parameters: Vec<(String, String)>,
    /// After how long without use the permission ends, where the provider documents that.
    pub idle_life: Option<Duration>,
    /// Who asks.
    pub client_id: String,
    /// What some providers want of programs on a desktop, too; no secret there (RFC 8252 §8.5).
    pub client_secret: Option<SharedSecret>,
    /// How one signs in unless told otherwise.
    pub flow: Flow,
    /// Where the permission is kept.
    pub vault: Vault,
}

/// How a person signs in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Flow {
    /// In a browser on this machine: authorization code with PKCE (RFC 7636).
    Browser,
    /// On any device, by a code (RFC 8628).
    Device,
}

/// The client secret of a program that everybody has.
#[derive(Clone, Eq, PartialEq)]
pub enum SharedSecret {
    /// As it stands in the configuration.
    Written(String),
    /// Read anew each time.
    From(SecretSource),
}

/// What there is to tell of the permission.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum News {
    /// There is a new access token.
    Renewed {
        /// Since when.
        at: DateTime<Utc>,
        /// When a person signed in, where that is known.
        signed_in_at: Option<DateTime<Utc>>,
        /// When a person must sign in again, where the provider told so.
        sign_in_before: Option<DateTime<Utc>>,
    },
    /// A person must sign in.
    SignInNeeded {
        /// Why, in one line.
        because: String,
    },
}

/// A mailbox's way to access tokens.
pub struct OAuth {
    /// As configured.
    pub settings: Settings,
    state: Arc<tokio::sync::Mutex<State>>,
    told: Arc<Mutex<Told>>,
    /// Whether the process is about to end. Apart from the state, which a renewal may hold.
    is_closed: AtomicBool,
}

/// What this process remembers.
#[derive(Default)]
struct State {
    access: Option<Access>,
    refused: Option<Refused>,
    /// What could not be stored, and the digest of what stands in its place.
    unstored: Option<(Option<[u8; 32]>, Grant)>,
}

/// That the provider did not take a refresh token.
struct Refused {
    /// Its digest.
    token: [u8; 32],
    /// The provider's words.
    because: String,
    /// Until this is over the provider is not asked again.
    rest: Life,
}

impl State {
    /// Stores what could not be stored before, unless something else than it replaces is `there` by now.
    async fn store_late(
        &mut self,
        vault: &Vault,
        there: Option<[u8; 32]>,
        limit: Duration,
    ) -> Result<(), Error> {
        if let Some((replaces, grant)) = &self.unstored
            && *replaces == there
        {
            vault.store(grant, limit).await?;
        }
        self.unstored = None;
        Ok(())
    }
}

/// What nobody has been told of yet.
#[derive(Default)]
struct Told {
    news: Option<News>,
    /// Of the present token, for those who do not wait.
    life: Option<Life>,
}

/// An access token.
struct Access {
    token: Secret,
    life: Life,
    n_handed_out: u32,
}

/// When a token was made, and for how long it is good.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    since: Instant,
    since_wall: DateTime<Utc>,
    length: Duration,
}

impl Life {
    /// Whether it is over by now, or within the moment by which clocks differ.
    pub fn has_ended(&self) -> bool {
        let moment = Duration::from_mins(1).min(self.length / 10);
        self.is_over(moment, Instant::now(), clock::now())
    }

    /// Whether it is over, or will be within `ahead`, by either clock. The wall clock alone may be put
    /// back, and the monotonic one stands still in a suspend.
    fn is_over(&self, ahead: Duration, now: Instant, now_wall: DateTime<Utc>) -> bool {
        let left = self.length.saturating_sub(ahead);
        let by_wall = (now_wall - self.since_wall).to_std().unwrap_or_default();
        left <= now.saturating_duration_since(self.since) || left <= by_wall
    }

    /// How long before its end it is renewed.
    fn ahead(&self) -> Duration {
        AHEAD.min(self.length / 2)
    }
}

impl Settings {
    fn renewed(&self, grant: &Grant, at: DateTime<Utc>) -> News {
        let unused_until = self
            .idle_life
            .and_then(|life| at.checked_add_signed(chrono::Duration::from_std(life).ok()?));
        News::Renewed {
            at,
            signed_in_at: grant.signed_in_at,
            sign_in_before: grant.sign_in_before.or(unused_until),
        }
    }
}

impl OAuth {
    /// A way without a token yet.
    pub fn new(settings: Settings) -> OAuth {
        OAuth {
            settings,
            state: Arc::default(),
            told: Arc::default(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// An access token that is good for a while, renewed if need be, within `limit`.
    ///
    /// # Errors
    ///
    /// See [`Error`].
    pub async fn access_token(&self, limit: Duration) -> Result<Secret, Error> {
        let waited = timeout(limit, Arc::clone(&self.state).lock_owned()).await;
        let mut state = waited.map_err(|_| Error::InUse { limit })?;
        if self.is_closed.load(Ordering::SeqCst) {
            return Err(Error::InUse { limit });
        }
        if let Some(access) = &mut state.access
            && !access.life.is_over(access.life.ahead(), Instant::now(), clock::now())
        {
            access.n_handed_out = access.n_handed_out.saturating_add(1);
            return Ok(access.token.clone());
        }
        let renewal =
            Renewal { settings: self.settings.clone(), told: Arc::clone(&self.told), limit };
        // It keeps the state locked to its end, whether anybody still waits for it or not.
        let renewed = tokio::spawn(async move {
            let renewed = renewal.run(&mut state).await;
            match (&renewed, &mut state.access) {
                // What is good for some minutes more is better than nothing.
                (Err(error), Some(access))
                    if error.patience() != Patience::SignIn
                        && !access.life.is_over(Duration::ZERO, Instant::now(), clock::now()) =>
                {
                    tracing::debug!(error = %error.chain(), "the access token is not renewed yet");
                    access.n_handed_out = access.n_handed_out.saturating_add(1);
                    Ok(access.token.clone())
                }
                _ => renewed,
            }
        });
        // Each step has its limit; this one holds for all of them together.
        match timeout(limit * 3, renewed).await {
            Ok(Ok(renewed)) => renewed,
            Ok(Err(_)) | Err(_) => Err(Error::InUse { limit }),
        }
    }

    /// Tells that the server refused the token. Says whether that calls for another attempt at once:
    /// the token was used before and should have been good still.
    pub async fn refused(&self) -> bool {
        let mut state = self.state.lock().await;
        state.access.take().is_some_and(|access| 1 < access.n_handed_out)
    }

    /// Whether the access token should be renewed by now; false while there is none.
    pub fn is_due(&self) -> bool {
        let life = self.told().life;
        life.is_some_and(|life| life.is_over(life.ahead(), Instant::now(), clock::now()))
    }

    /// How long the present access token lives; `None` while there is none.
    pub fn life(&self) -> Option<Life> {
        self.told().life
    }

    /// What there is to tell since this was last asked.
    pub fn news(&self) -> Option<News> {
        self.told().news.take()
    }

    /// Lets nothing be renewed any more, and waits until nothing is, at most `limit`, so that the process may end: what a provider has given out must be stored first.
    pub async fn close(&self, limit: Duration) {
        let Settings { vault, mailbox, .. } = &self.settings;
        self.is_closed.store(true, Ordering::SeqCst);
        let closing = async {
            let mut state = self.state.lock().await;
            if state.unstored.is_none() {
                return Ok(());
            }
            let _lock = vault.lock(limit).await?;
            let there = vault.read(limit).await?.map(|grant| digest(&grant.refresh_token));
            state.store_late(vault, there, limit).await
        };
        match timeout(limit, closing).await.unwrap_or(Err(Error::InUse { limit })) {
            Ok(()) => {}
            Err(error) => tracing::error!(
                mailbox,
                "cannot store the refresh token of the mailbox {mailbox}: {}",
                error.chain()
            ),
        }
    }

    /// Removes the permission here; says whether there was one, and whether the provider was told to
    /// forget it, too.
    ///
    /// # Errors
    ///
    /// Those of the place where it is kept. What the provider says to it is part of the answer.
    pub async fn forget(&self, limit: Duration) -> Result<Forgotten, Error> {
        let vault = &self.settings.vault;
        // In the order in which a renewal takes them.
        let mut state = self.state.lock().await;
        let _lock = vault.lock(limit).await?;
        let grant = vault.read(limit).await.ok().flatten();
        let was_there = vault.remove(limit).await?;
        state.access = None;
        let revoked = match (&self.settings.revocation_url, grant) {
            (Some(url), Some(grant)) => Some(sign_in::revoke(url, &grant, limit).await),
            _ => None,
        };
        Ok(Forgotten { was_there, revoked })
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What became of a permission that was to be removed.
#[derive(Debug)]
pub struct Forgotten {
    /// Whether there was one.
    pub was_there: bool,
    /// Whether the provider took it back, or why not; `None` where it offers no way.
    pub revoked: Option<Result<(), String>>,
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OAuth({} at {})", self.settings.user, self.settings.provider)
    }
}

impl PartialEq for OAuth {
    fn eq(&self, other: &OAuth) -> bool {
        self.settings == other.settings
    }
}

impl Eq for OAuth {}

/// One renewal, from the vault to the vault.
struct Renewal {
    settings: Settings,
    told: Arc<Mutex<Told>>,
    limit: Duration,
}

impl Renewal {
    async fn run(&self, state: &mut State) -> Result<Secret, Error> {
        let renewed = self.renew(state).await;
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        match &renewed {
            Ok(news) => {
                told.news = Some(news.clone());
                told.life = state.access.as_ref().map(|access| access.life);
            }
            Err(error) if error.patience() == Patience::SignIn => {
                // Told at each attempt: whoever writes it down may have been unable to.
                told.news = Some(News::SignInNeeded { because: error.chain() });
                told.life = None;
                state.access = None;
            }
            Err(_) => {}
        }
        drop(told);
        renewed?;
        match &mut state.access {
            Some(access) => {
                access.n_handed_out += 1;
                Ok(access.token.clone())
            }
            None => Err(Error::NotSignedIn { mailbox: self.settings.mailbox.clone() }),
        }
    }

    async fn renew(&self, state: &mut State) -> Result<News, Error> {
        let Settings { vault, mailbox, client_id, .. } = &self.settings;
        let _lock = vault.lock(self.limit).await?;
        let stored = vault.read(self.limit).await?;
        let there = stored.as_ref().map(|grant| digest(&grant.refresh_token));
        // Somebody has signed in since, or it is stored after all.
        state.unstored.take_if(|(replaces, _)| *replaces != there);
        let grant = match (&state.unstored, stored) {
            (Some((_, grant)), _) => grant.clone(),
            (None, Some(grant)) => grant,
            (None, None) => return Err(Error::NotSignedIn { mailbox: mailbox.clone() }),
        };
        if !grant.client_id.is_empty() && grant.client_id != *client_id {
            return Err(Error::OtherClient { mailbox: mailbox.clone() });
        }
        let used = digest(&grant.refresh_token);
        if let Some(refused) = &state.refused
            && refused.token == used
            && !refused.rest.is_over(Duration::ZERO, Instant::now(), clock::now())
        {
            let said = refused.because.clone();
            return Err(Error::TakenBack { mailbox: mailbox.clone(), said });
        }
        if state.unstored.is_none() {
            // Asking may end the token that is stored; a place for the next one comes first.
            vault.require_room(self.limit).await?;
        }
        let asked = (Instant::now(), clock::now());
        let answer = match self.ask(&grant).await {
            Err(Error::TakenBack { mailbox, said }) => {
                let rest = Life { since: asked.0, since_wall: asked.1, length: REST };
                state.refused = Some(Refused { token: used, because: said.clone(), rest });
                return Err(Error::TakenBack { mailbox, said });
            }
            Err(error) => {
                if let Err(error) = state.store_late(vault, there, self.limit).await {
                    tracing::debug!(mailbox, error = %error.chain(), "still cannot store it");
                }
                return Err(error);
            }
            Ok(answer) => answer,
        };
        state.refused = None;
        let access = Access::of(&answer, asked);
        let next = next_grant(&grant, &answer, client_id, asked.1);
        let news = self.settings.renewed(&next, asked.1);
        let is_new = there != Some(digest(&next.refresh_token))
            || next.sign_in_before != grant.sign_in_before;
        let stored = if is_new { vault.store(&next, self.limit).await } else { Ok(()) };
        state.unstored = None;
        if let Err(error) = stored {
            // It is in nobody's hands but ours, and is stored as soon as that can be.
            tracing::error!(
                mailbox,
                "cannot store the new refresh token of the mailbox {mailbox}: {}; it is lost when acewatch ends",
                error.chain()
            );
            state.unstored = Some((there, next));
        }
        state.access = Some(access);
        tracing::debug!(mailbox, "the access token is renewed");
        Ok(news)
    }

    async fn ask(&self, grant: &Grant) -> Result<Answer, Error> {
        let client = client(&self.settings, self.limit).await?;
        let token = RefreshToken::new(grant.refresh_token.expose().to_owned());
        let limit = self.limit;
        let http = |request| http::send(request, limit);
        let answer = client.exchange_refresh_token(&token).request_async(&http).await;
        answer.map_err(|error| refusal(&self.settings, error))
    }
}

impl Access {
    fn of(answer: &Answer, (since, since_wall): (Instant, DateTime<Utc>)) -> Access {
        let token = answer.access_token().secret().clone();
        // A life of nothing would be renewed for ever.
        let length = answer.expires_in().unwrap_or(USUAL_LIFE).max(Duration::from_secs(1));
        Access {
            token: Secret::new(token, Kind::AccessToken),
            life: Life { since, since_wall, length },
            n_handed_out: 0,
        }
    }
}

/// The permission after an answer: with the new refresh token where there is one (RFC 6749 §6).
fn next_grant(grant: &Grant, answer: &Answer, client_id: &str, now: DateTime<Utc>) -> Grant {
    let new = answer.refresh_token().map(|token| token.secret().clone());
    let end = end_of(answer, now);
    Grant {
        sign_in_before: match (end, &new) {
            (Some(end), _) => Some(end),
            // The end of the old one says nothing of another.
            (None, Some(new)) if new != grant.refresh_token.expose() => None,
            (None, _) => grant.sign_in_before,
        },
        refresh_token: new.map_or_else(
            || grant.refresh_token.clone(),
            |token| Secret::new(token, Kind::Password),
        ),
        client_id: client_id.to_owned(),
        signed_in_at: grant.signed_in_at,
    }
}

/// When the refresh token of an answer ends.
fn end_of(answer: &Answer, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let seconds = answer.extra_fields().refresh_token_expires_in.filter(|seconds| 0 < *seconds)?;
    now.checked_add_signed(chrono::Duration::try_seconds(seconds)?)
}

/// The client as the provider knows it.
async fn client(
    settings: &Settings,
    limit: Duration,
) -> Result<grant::Client<EndpointNotSet, EndpointNotSet, EndpointSet>, Error> {
    let client = grant::Client::new(ClientId::new(settings.client_id.clone()))
        .set_token_uri(TokenUrl::from_url(settings.token_url.clone()))
        // Microsoft and Google take the client's name in the body, and public clients have no secret.
        .set_auth_type(AuthType::RequestBody);
    let secret = match &settings.client_secret {
        None => return Ok(client),
        Some(SharedSecret::Written(secret)) => secret.clone(),
        Some(SharedSecret::From(source)) => {
            let read = source.read_at_rest(limit).await;
            let secret = read.map_err(|source| Error::Key { source: Box::new(source) })?;
            secret.expose().to_owned()
        }
    };
    Ok(client.set_client_secret(ClientSecret::new(secret)))
}

/// What it means that there is no token.
fn refusal<T: oauth2::ErrorResponse + fmt::Display>(
    settings: &Settings,
    error: RequestTokenError<HttpError, T>,
) -> Error {
    let provider = settings.provider.clone();
    match error {
        RequestTokenError::ServerResponse(refusal) => {
            Error::of_code(settings, &said(&refusal.to_string()))
        }
        RequestTokenError::Request(HttpError::Unreachable(why)) => {
            Error::Unreachable { provider, why }
        }
        RequestTokenError::Request(error @ HttpError::Busy(_)) => {
            Error::Busy { provider, why: error.to_string() }
        }
        RequestTokenError::Request(error @ HttpError::Odd(_)) => {
            Error::Odd { provider, why: error.to_string() }
        }
        RequestTokenError::Request(error @ HttpError::Garbled(_)) => {
            Error::Garbled { provider, why: error.to_string() }
        }
        // The parser's words and the body may hold a token.
        RequestTokenError::Parse(..) => {
            Error::Garbled { provider, why: "its answer is no answer of OAuth 2.0".to_owned() }
        }
        RequestTokenError::Other(_) => {
            Error::Garbled { provider, why: "its answer is empty or no JSON".to_owned() }
        }
    }
}

fn digest(token: &Secret) -> [u8; 32] {
    Sha256::digest(token.expose().as_bytes()).into()
}

/// Foreign words, made fit for one line.
fn said(words: &str) -> String {
    let shown: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    shown.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

#[cfg(test)]
mod tests;
