//! What is known of mail providers: `config/providers.toml`.
//!
//! Data that helps a person to write a configuration. The daemon needs none of it but the addresses
//! of OAuth, where the configuration names a provider instead of writing them out.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::Tls;

const BUILT_IN: &str = include_str!("../config/providers.toml");

/// One provider.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Provider {
    /// What it is called in flags and in the configuration: `google`.
    pub id: String,
    /// What it is called before people.
    pub name: String,
    /// The domains of its own addresses.
    pub domains: Vec<String>,
    /// The domains of the mail exchangers that take in mail for it, those below them included.
    pub exchangers: Vec<String>,
    /// Its IMAP server.
    pub host: String,
    /// The server's port; `None` for the usual one.
    pub port: Option<u16>,
    /// How the connection is protected.
    #[serde(default)]
    pub tls: Protection,
    /// What it takes, what suits most people first; never empty.
    pub secret: Vec<SecretKind>,
    /// Where a person gets it.
    pub advice: String,
    /// The names under which its servers vouch for mail.
    pub authserv_id: Vec<String>,
    /// How one signs in with OAuth, where it takes that.
    pub oauth: Option<OAuthEndpoints>,
}

/// What a provider takes to let a program in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretKind {
    /// The password of the account.
    Password,
    /// A password made for one program.
    AppPassword,
    /// Tokens (RFC 6749).
    Oauth,
}

/// How a provider's server is protected.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protection {
    /// TLS from the first byte.
    #[default]
    Implicit,
    /// TLS after a plain greeting.
    Starttls,
}

impl From<Protection> for Tls {
    fn from(protection: Protection) -> Tls {
        match protection {
            Protection::Implicit => Tls::Implicit,
            Protection::Starttls => Tls::StartTls,
        }
    }
}

/// Where and how one signs in.
#[derive(Clone, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct OAuthEndpoints {
    /// Where a person gives leave in a browser (RFC 6749 §3.1).
    pub authorization_url: Option<String>,
    /// Where a code for another device is given out (RFC 8628 §3.1).
    pub device_url: Option<String>,
    /// Where tokens are given out (RFC 6749 §3.2).
    pub token_url: String,
    /// Where a token is taken back (RFC 7009).
    pub revocation_url: Option<String>,
    /// What is asked for (RFC 6749 §3.3).
    pub scopes: Vec<String>,
    /// What a browser takes along besides, so that there is a refresh token in the answer.
    #[serde(default)]
    pub authorization_parameters: BTreeMap<String, String>,
    /// After how long without use a refresh token ends, as the provider documents it: `90d`.
    pub idle_life: Option<String>,
    /// How one usually signs in there.
    pub flow: OAuthFlow,
}

/// How a person signs in.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OAuthFlow {
    /// In a browser on this machine (RFC 8252).
    Browser,
    /// On any device, by a short code (RFC 8628).
    Device,
}

/// All providers that are built in.
///
/// # Errors
///
/// The built-in file cannot be read, which a test excludes.
pub fn built_in() -> Result<Vec<Provider>, toml::de::Error> {
    #[derive(Deserialize)]
    struct Written {
        provider: Vec<Provider>,
    }
    toml::from_str::<Written>(BUILT_IN).map(|written| written.provider)
}

/// The provider of this name, if there is one.
pub fn named<'a>(providers: &'a [Provider], id: &str) -> Option<&'a Provider> {
    providers.iter().find(|provider| provider.id == id)
}

/// The provider whose own addresses are at `domain`.
pub fn of_domain<'a>(providers: &'a [Provider], domain: &str) -> Option<&'a Provider> {
    let domain = normal(domain);
    providers.iter().find(|provider| provider.domains.contains(&domain))
}

/// The provider that takes in mail by one of `exchangers`, the hosts of a domain's MX records with
/// the preferred one first, and that host.
///
/// The preferred one decides: a second one may only keep mail while the first is away.
pub fn of_exchangers<'a, 'b>(
    providers: &'a [Provider],
    exchangers: &'b [String],
) -> Option<(&'a Provider, &'b str)> {
    let first = exchangers.first()?;
    let host = normal(first);
    let found = providers.iter().find(|provider| {
        provider.exchangers.iter().any(|known| {
            host.strip_suffix(known.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    })?;
    Some((found, first))
}

fn normal(name: &str) -> String {
    name.trim().trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_says_how_one_gets_in() {
        let providers = built_in().unwrap();
        for provider in &providers {
            assert!(!provider.secret.is_empty(), "{provider:?}");
            assert_eq!(
                provider.secret.contains(&SecretKind::Oauth),
                provider.oauth.is_some(),
                "{provider:?}"
            );
            assert!(provider.advice.ends_with('.'), "{provider:?}");
            assert_eq!(named(&providers, &provider.id), Some(provider), "ids are unique");
            if let Some(oauth) = &provider.oauth {
                let usual = match oauth.flow {
                    OAuthFlow::Browser => &oauth.authorization_url,
                    OAuthFlow::Device => &oauth.device_url,
                };
                assert!(usual.is_some(), "{provider:?}");
                let urls = [&oauth.authorization_url, &oauth.device_url, &oauth.revocation_url];
                for url in urls.into_iter().flatten().chain([&oauth.token_url]) {
                    assert!(url.starts_with("https://"), "{url}");
                }
            }
            for name in provider.domains.iter().chain(&provider.exchangers) {
                assert_eq!(&normal(name), name);
            }
        }
    }

    #[test]
    fn an_address_or_its_exchanger_names_the_provider() {
        let providers = built_in().unwrap();
        for (domain, expected) in [
            ("gmail.com", Some("google")),
            ("GMail.com.", Some("google")),
            ("outlook.com", Some("microsoft")),
            ("me.com", Some("icloud")),
            ("notgmail.com", None),
            ("broker.example", None),
        ] {
            let found = of_domain(&providers, domain).map(|provider| provider.id.as_str());
            assert_eq!(found, expected, "{domain}");
        }
        for (exchangers, expected) in [
            (&["aspmx.l.google.com", "alt1.aspmx.l.google.com"][..], Some("google")),
            (&["smtp.google.com."], Some("google")),
            (&["broker-example.mail.protection.outlook.com"], Some("microsoft")),
            (&["broker-example.A-V1.mx.microsoft"], Some("microsoft")),
            (&["in1-smtp.messagingengine.com"], Some("fastmail")),
            (&["mx01.mail.icloud.com"], Some("icloud")),
            (&["mail.protonmail.ch"], Some("proton")),
            (&["mail.notgoogle.com"], None),
            (&["mx.filter.example", "aspmx.l.google.com"], None),
            (&[], None),
        ] {
            let exchangers: Vec<String> =
                exchangers.iter().map(|host| (*host).to_owned()).collect();
            let found = of_exchangers(&providers, &exchangers).map(|(found, _)| found.id.as_str());
            assert_eq!(found, expected, "{exchangers:?}");
        }
    }
}
