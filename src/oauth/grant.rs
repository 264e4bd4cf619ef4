//! What is kept of a sign-in, and what a token endpoint answers.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
    BasicTokenType,
};
use oauth2::{ExtraTokenFields, StandardRevocableToken, StandardTokenResponse};
use secrecy::zeroize::Zeroizing;
use serde::{Deserialize, Serialize};

use crate::secret::{Kind, Secret};

/// A client as the `oauth2` crate has it, with the additional fields of token answers.
pub(super) type Client<A, D, T> = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    A,
    D,
    oauth2::EndpointNotSet,
    oauth2::EndpointNotSet,
    T,
>;

/// What a token endpoint answers (RFC 6749 §5.1).
pub(super) type Answer = StandardTokenResponse<Extra, BasicTokenType>;

/// What some providers add to it.
#[derive(Clone, Default, Deserialize, Serialize)]
pub(super) struct Extra {
    /// How long the refresh token is good for, in seconds, where that has an end.
    #[serde(default)]
    pub refresh_token_expires_in: Option<i64>,
    /// Who signed in (OpenID Connect Core 1.0 §2), where the scopes ask for it.
    #[serde(default)]
    pub id_token: Option<String>,
}

impl std::fmt::Debug for Extra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Extra")
    }
}

impl ExtraTokenFields for Extra {}

impl Extra {
    /// The address under which somebody signed in, as the provider says it.
    ///
    /// The signature is not looked at: the answer came from the provider itself, over TLS (OpenID
    /// Connect Core 1.0 §3.1.3.7), and it is only used for a sentence to a person.
    pub fn who(&self) -> Option<String> {
        use base64::Engine;
        let claims = self.id_token.as_deref()?.split('.').nth(1)?;
        let engine = &base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let claims = engine.decode(claims.trim_end_matches('=')).ok()?;
        let claims: serde_json::Value = serde_json::from_slice(&claims).ok()?;
        let named = ["email", "preferred_username", "upn"].iter().find_map(|name| claims.get(name));
        named.and_then(|name| name.as_str()).filter(|name| name.contains('@')).map(super::said)
    }
}

/// The permission to read a mailbox, until the provider takes it back.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    /// What access tokens are got with (RFC 6749 §1.5).
    pub refresh_token: Secret,
    /// To whom it was given; another client cannot use it. Empty where nobody knows.
    pub client_id: String,
    /// When a person signed in.
    pub signed_in_at: Option<DateTime<Utc>>,
    /// When it ends, where the provider told so.
    pub sign_in_before: Option<DateTime<Utc>>,
}

/// As it is kept.
#[derive(Deserialize, Serialize)]
struct Written<'a> {
    refresh_token: Cow<'a, str>,
    #[serde(default)]
    client_id: Cow<'a, str>,
    #[serde(default)]
    signed_in_at: Option<i64>,
    #[serde(default)]
    sign_in_before: Option<i64>,
}

impl Grant {
    /// The text that is kept.
    pub fn text(&self) -> Zeroizing<String> {
        let written = Written {
            refresh_token: self.refresh_token.expose().into(),
            client_id: self.client_id.as_str().into(),
            signed_in_at: self.signed_in_at.map(|at| at.timestamp()),
            sign_in_before: self.sign_in_before.map(|at| at.timestamp()),
        };
        Zeroizing::new(serde_json::to_string(&written).unwrap_or_default())
    }

    /// Reads what was kept. A text that is no such record is a refresh token that a person put there.
    pub fn parse(text: &str) -> Grant {
        let instant = |seconds: Option<i64>| seconds.and_then(|s| DateTime::from_timestamp(s, 0));
        let secret = |text: String| Secret::new(text, Kind::Password);
        match serde_json::from_str::<Written>(text) {
            Ok(written) => Grant {
                refresh_token: secret(written.refresh_token.into_owned()),
                client_id: written.client_id.into_owned(),
                signed_in_at: instant(written.signed_in_at),
                sign_in_before: instant(written.sign_in_before),
            },
            Err(_) => Grant {
                refresh_token: secret(text.trim().to_owned()),
                client_id: String::new(),
                signed_in_at: None,
                sign_in_before: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_is_kept_as_a_record_or_is_a_bare_token() {
        let grant = Grant {
            refresh_token: Secret::new("1//r \"x\"".to_owned(), Kind::Password),
            client_id: "c".to_owned(),
            signed_in_at: DateTime::from_timestamp(7, 0),
            sign_in_before: DateTime::from_timestamp(9, 0),
        };
        let read = Grant::parse(&grant.text());
        assert_eq!(read.refresh_token.expose(), "1//r \"x\"");
        assert_eq!((read.client_id.as_str(), read.signed_in_at), ("c", grant.signed_in_at));
        assert_eq!(read.sign_in_before, grant.sign_in_before);
        assert_eq!(Grant::parse("1//bare\n").refresh_token.expose(), "1//bare");
        assert!(!format!("{grant:?}").contains("1//r"));
    }

    #[test]
    fn who_signed_in_stands_in_the_id_token() {
        use base64::Engine;
        let token = |claims: &str| {
            let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims);
            Extra { id_token: Some(format!("e30.{claims}.x")), ..Extra::default() }
        };
        let check = |claims: &str, expected: Option<&str>| {
            assert_eq!(token(claims).who().as_deref(), expected, "{claims}");
        };
        check(r#"{"email":"eve@broker.example"}"#, Some("eve@broker.example"));
        check(r#"{"preferred_username":"ops@broker.example"}"#, Some("ops@broker.example"));
        check(r#"{"preferred_username":"Ops"}"#, None);
        check("[", None);
        assert_eq!(Extra { id_token: Some("x".to_owned()), ..Extra::default() }.who(), None);
    }
}
