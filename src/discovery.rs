//! Where the mail of an address is: what its provider, its domain's DNS and its web server say.
//!
//! Asked in this order, and the first that answers counts:
//!
//! 1. the providers that are built in, by the domain of the address;
//! 2. the same by the domain's mail exchangers (MX): a company whose mail is at a large provider
//!    seldom says more than that;
//! 3. SRV records (RFC 6186, and TLS first as RFC 8314 §5.1 wants it);
//! 4. a file at the domain, as Thunderbird reads it (`autoconfig`), over HTTPS alone.
//!
//! The domain alone is told to others, never the address. What the DNS says without a signature may be
//! forged: a server outside of the domain is marked, and a person must agree to it (RFC 6186 §6).

mod autoconfig;
mod dns;

use std::time::Duration;

use crate::config::{Resolver, Tls};
use crate::provider::{self, Provider};
use dns::{Dns, Service};

/// A server, and what is known of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    /// Whose it is, if it is one of those built in.
    pub provider: Option<Provider>,
    /// The server.
    pub server: Server,
    /// Where that comes from, for a person: `the SRV record of broker.example`.
    pub because: String,
    /// Whether only the DNS names this server, and it is not in the domain of the address.
    pub needs_consent: bool,
}

/// An IMAP server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: Tls,
    /// How the account is called there; the address, where nobody says otherwise.
    pub user: String,
}

/// The server of an address, or what was asked in vain.
///
/// `limit` holds for each question. An address without a domain has no server.
///
/// # Errors
///
/// A sentence for each question that found nothing.
pub async fn server_of(
    address: &str,
    resolver: Resolver,
    limit: Duration,
) -> Result<Found, Vec<String>> {
    let (_, domain) = address.rsplit_once('@').unwrap_or_default();
    let domain = domain.trim_end_matches('.').to_ascii_lowercase();
    let providers = provider::built_in().map_err(|error| vec![error.to_string()])?;
    if let Some(provider) = provider::of_domain(&providers, &domain) {
        return Ok(of_provider(provider, address, format!("addresses at {domain}")));
    }
    let mut in_vain = Vec::new();
    match Dns::new(resolver, limit) {
        Ok(dns) => match by_dns(&dns, &providers, address, &domain).await {
            Ok(found) => return Ok(found),
            Err(said) => in_vain.extend(said),
        },
        Err(error) => in_vain.push(format!("the DNS cannot be asked: {error}")),
    }
    match autoconfig::ask(&domain, address, limit).await {
        Ok((server, url)) => Ok(Found {
            provider: None,
            server,
            because: format!("the file {url}"),
            needs_consent: false,
        }),
        Err(said) => {
            in_vain.extend(said);
            Err(in_vain)
        }
    }
}

/// The server of a provider, for this account.
pub fn of_provider(provider: &Provider, address: &str, because: String) -> Found {
    let tls = Tls::from(provider.tls);
    Found {
        server: Server {
            host: provider.host.clone(),
            port: provider.port.unwrap_or(tls.default_port()),
            tls,
            user: address.to_owned(),
        },
        provider: Some(provider.clone()),
        because,
        needs_consent: false,
    }
}

async fn by_dns(
    dns: &Dns,
    providers: &[Provider],
    address: &str,
    domain: &str,
) -> Result<Found, Vec<String>> {
    let mut in_vain = Vec::new();
    match dns.exchangers(domain).await {
        Ok(exchangers) => match provider::of_exchangers(providers, &exchangers) {
            Some((provider, host)) => {
                let because = format!("the mail of {domain} goes to {host}");
                return Ok(of_provider(provider, address, because));
            }
            None => in_vain.push(match exchangers.first() {
                Some(first) => {
                    format!("the mail of {domain} goes to {first}, which is not known here")
                }
                None => format!("{domain} has no MX record"),
            }),
        },
        Err(error) => in_vain.push(format!("the MX records of {domain}: {error}")),
    }
    for (name, tls) in [("_imaps._tcp", Tls::Implicit), ("_imap._tcp", Tls::StartTls)] {
        match dns.service(&format!("{name}.{domain}")).await {
            Ok(Some(Service { host, port })) => {
                let needs_consent = host != domain && !host.ends_with(&format!(".{domain}"));
                return Ok(Found {
                    provider: None,
                    server: Server { host, port, tls, user: address.to_owned() },
                    because: format!("the SRV record {name}.{domain}"),
                    needs_consent,
                });
            }
            Ok(None) => in_vain.push(format!("there is no SRV record {name}.{domain}")),
            Err(error) => in_vain.push(format!("the SRV record {name}.{domain}: {error}")),
        }
    }
    Err(in_vain)
}
