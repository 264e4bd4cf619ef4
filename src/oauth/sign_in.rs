//! A person gives the permission: in a browser on this machine, or by a code on any device.

use std::time::Duration;

use oauth2::http::{self, Method, header};
use oauth2::url::{Url, form_urlencoded};
use oauth2::{
    AuthUrl, AuthorizationCode, CsrfToken, DeviceAuthorizationUrl, DeviceCodeErrorResponse,
    DeviceCodeErrorResponseType, PkceCodeChallenge, RedirectUrl, RequestTokenError, Scope,
    StandardDeviceAuthorizationResponse, TokenResponse,
};
use tokio::time::timeout;

use super::grant::{Answer, Grant};
use super::http::{HttpError, send};
use super::loopback::{Loopback, Page};
use super::{Error, Flow, News, OAuth, Settings, client, end_of, refusal, said};
use crate::clock;
use crate::secret::{Kind, Secret};

/// Scopes that say what the answer is to hold, and not what it is to allow.
const FORMAL: [&str; 5] = ["offline_access", "openid", "email", "profile", "address"];

/// What a person must be told meanwhile.
#[derive(Debug)]
pub enum Step<'a> {
    /// Open this address in a browser on this machine.
    Browse {
        /// With everything that the provider must know.
        url: &'a str,
    },
    /// Open this address on any device and type the code.
    Code {
        /// Short enough to be typed.
        url: &'a str,
        /// The same with the code in it, where the provider has that.
        complete: Option<&'a str>,
        /// To be typed there.
        code: &'a str,
        /// How long it is good for.
        expires_in: Duration,
    },
}

/// What came of it, not yet kept.
#[derive(Debug)]
pub struct SignedIn {
    /// For one log-in by which it is tried.
    pub access: Secret,
    /// Who signed in, where the provider says it.
    pub who: Option<String>,
    /// The browser, which waits to be told how it ended.
    pub page: Option<Page>,
    grant: Grant,
}

/// Has a person sign in, and waits for it at most `patience`; each answer of the provider takes at
/// most `limit`.
///
/// # Errors
///
/// See [`Error`]. Dropping the future ends it at once and leaves nothing behind.
pub async fn sign_in(
    oauth: &OAuth,
    flow: Flow,
    patience: Duration,
    limit: Duration,
    tell: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<SignedIn, Error> {
    match flow {
        Flow::Browser => in_browser(&oauth.settings, patience, limit, tell).await,
        Flow::Device => by_code(&oauth.settings, patience, limit, tell).await,
    }
}

impl OAuth {
    /// Keeps what a person gave, in the place of what was there; every process finds it at its next
    /// log-in.
    ///
    /// # Errors
    ///
    /// Those of the place where it is kept.
    pub async fn keep(&self, signed_in: &SignedIn, limit: Duration) -> Result<News, Error> {
        let vault = &self.settings.vault;
        let _lock = vault.lock(limit).await?;
        vault.store(&signed_in.grant, limit).await?;
        Ok(self.settings.renewed(&signed_in.grant, clock::now()))
    }
}

async fn in_browser(
    settings: &Settings,
    patience: Duration,
    limit: Duration,
    tell: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<SignedIn, Error> {
    let Some(url) = settings.authorization_url.clone() else {
        return Err(Error::NotGiven(
            "there is no `authorization-url` in [mailbox.oauth] for a sign-in in a browser"
                .to_owned(),
        ));
    };
    let no_port = |source: std::io::Error| {
        Error::NotGiven(format!("this machine gives no port for the browser's answer: {source}"))
    };
    let loopback = Loopback::open().await.map_err(no_port)?;
    let redirect = RedirectUrl::new(loopback.address())
        .map_err(|error| Error::NotGiven(format!("no address for the answer: {error}")))?;
    let client = client(settings, limit)
        .await?
        .set_auth_uri(AuthUrl::from_url(url))
        .set_redirect_uri(redirect);
    // The challenge is the hash of a secret of this process (RFC 7636 §4.2): who intercepts the code
    // cannot use it.
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let mut request = client
        .authorize_url(CsrfToken::new_random)
        .add_scopes(scopes(settings))
        .set_pkce_challenge(challenge)
        .add_extra_param("login_hint", settings.user.clone());
    for (name, value) in &settings.authorization_parameters {
        request = request.add_extra_param(name.clone(), value.clone());
    }
    let (url, state) = request.url();
    tell(Step::Browse { url: url.as_str() });
    let waited = timeout(patience, loopback.wait(state.secret())).await;
    let arrived = waited.map_err(|_| nobody(patience))?.map_err(no_port)?;
    let code = match arrived.outcome {
        Ok(code) => code,
        Err(words) => {
            let error =
                Error::NotGiven(format!("{} gave no permission: {words}", settings.provider));
            arrived.page.answer("Not signed in", &error.to_string()).await;
            return Err(error);
        }
    };
    let http = |request| send(request, limit);
    let answer = client
        .exchange_code(AuthorizationCode::new(code))
        .set_pkce_verifier(verifier)
        .request_async(&http)
        .await
        .map_err(|error| first_refusal(refusal(settings, error), settings));
    match answer.and_then(|answer| taken(settings, &answer)) {
        Ok(signed_in) => Ok(SignedIn { page: Some(arrived.page), ..signed_in }),
        Err(error) => {
            arrived.page.answer("Not signed in", &error.to_string()).await;
            Err(error)
        }
    }
}

async fn by_code(
    settings: &Settings,
    patience: Duration,
    limit: Duration,
    tell: &mut (dyn FnMut(Step<'_>) + Send),
) -> Result<SignedIn, Error> {
    let Some(url) = settings.device_url.clone() else {
        return Err(Error::NotGiven(
            "there is no `device-url` in [mailbox.oauth] for a sign-in by a code".to_owned(),
        ));
    };
    let client = client(settings, limit)
        .await?
        .set_device_authorization_url(DeviceAuthorizationUrl::from_url(url));
    let http = |request| send(request, limit);
    let details: StandardDeviceAuthorizationResponse = client
        .exchange_device_code()
        .add_scopes(scopes(settings))
        .request_async(&http)
        .await
        .map_err(|error| first_refusal(refusal(settings, error), settings))?;
    let expires_in = details.expires_in().min(patience);
    let complete = details.verification_uri_complete().map(|url| said(url.secret()));
    tell(Step::Code {
        url: &said(details.verification_uri()),
        complete: complete.as_deref(),
        code: &said(details.user_code().secret()),
        expires_in,
    });
    let polled = client.exchange_device_access_token(&details);
    let polled = polled.request_async(&http, tokio::time::sleep, Some(expires_in));
    // A pause that the provider asked for, or an answer that does not come, may be longer.
    let polled = timeout(expires_in, polled).await.map_err(|_| nobody(expires_in))?;
    let answer = polled.map_err(|error| not_by_code(settings, error, expires_in))?;
    taken(settings, &answer)
}

/// Why nothing came of a code (RFC 8628 §3.5).
fn not_by_code(
    settings: &Settings,
    error: RequestTokenError<HttpError, DeviceCodeErrorResponse>,
    patience: Duration,
) -> Error {
    if let RequestTokenError::ServerResponse(refusal) = &error {
        match refusal.error() {
            DeviceCodeErrorResponseType::AccessDenied => {
                let provider = &settings.provider;
                return Error::NotGiven(format!("{provider} gave no permission: access_denied"));
            }
            DeviceCodeErrorResponseType::ExpiredToken => return nobody(patience),
            _ => {}
        }
    }
    first_refusal(refusal(settings, error), settings)
}

fn nobody(patience: Duration) -> Error {
    let patience = humantime::format_duration(Duration::from_secs(patience.as_secs()));
    Error::NotGiven(format!("nobody signed in within {patience}"))
}

/// There is no permission yet that could have been taken back.
fn first_refusal(error: Error, settings: &Settings) -> Error {
    match error {
        Error::TakenBack { said, .. } => {
            Error::NotGiven(format!("{} gave no token: {said}", settings.provider))
        }
        error => error,
    }
}

fn scopes(settings: &Settings) -> impl Iterator<Item = Scope> {
    settings.scopes.iter().cloned().map(Scope::new)
}

/// What an answer gives, if it is all that is needed.
fn taken(settings: &Settings, answer: &Answer) -> Result<SignedIn, Error> {
    let provider = &settings.provider;
    // People can untick what a program asks for. Without a word all of it is given (RFC 6749 §5.1).
    if let Some(given) = answer.scopes() {
        let is_given = |scope: &String| given.iter().any(|given| given.eq_ignore_ascii_case(scope));
        let is_formal = |scope: &String| FORMAL.iter().any(|formal| formal == scope);
        let missing = settings.scopes.iter().filter(|scope| !is_given(scope) && !is_formal(scope));
        let missing: Vec<&str> = missing.map(String::as_str).collect();
        if !missing.is_empty() {
            return Err(Error::NotGiven(format!(
                "{provider} did not allow {}: leave its box ticked when you sign in, or ask your administrator",
                missing.join(", ")
            )));
        }
    }
    let Some(refresh_token) = answer.refresh_token() else {
        return Err(Error::NotGiven(format!(
            "{provider} gave no refresh token: at Microsoft `scopes` must have offline_access"
        )));
    };
    let now = clock::now();
    Ok(SignedIn {
        access: Secret::new(answer.access_token().secret().clone(), Kind::AccessToken),
        who: answer.extra_fields().who(),
        page: None,
        grant: Grant {
            refresh_token: Secret::new(refresh_token.secret().clone(), Kind::Password),
            client_id: settings.client_id.clone(),
            signed_in_at: Some(now),
            sign_in_before: end_of(answer, now),
        },
    })
}

/// Has the provider forget a permission (RFC 7009 §2.1).
pub(super) async fn revoke(url: &Url, grant: &Grant, limit: Duration) -> Result<(), String> {
    let body = form_urlencoded::Serializer::new(String::new())
        .append_pair("token", grant.refresh_token.expose())
        .append_pair("token_type_hint", "refresh_token")
        .finish();
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(url.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(body.into_bytes())
        .map_err(|error| error.to_string())?;
    match send(request, limit).await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("it answered {}", answer.status())),
        Err(error) => Err(error.to_string()),
    }
}
