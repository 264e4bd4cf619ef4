//! The server of an address in `acewatch init`: found, given or asked for.

use std::time::Duration;

use super::{Protection, Setup};
use crate::cli::failure::Failure;
use crate::cli::render;
use crate::config::{self, Resolver};
use crate::discovery::{self, Found, Server};
use crate::provider::{self, Provider};

/// How long each question to others may take.
const PATIENCE: Duration = Duration::from_secs(8);

impl Setup<'_> {
    /// The server of an address: as the flags say, as it is found, or as somebody says.
    pub(super) async fn find(&self, address: &mut String) -> Result<Found, Failure> {
        let providers = provider::built_in().map_err(|error| {
            Failure::new("the built-in providers cannot be read").because(error)
        })?;
        let provider = match &self.args.provider {
            None => None,
            Some(id) => Some(provider::named(&providers, id).ok_or_else(|| {
                let ids: Vec<&str> = providers.iter().map(|p| p.id.as_str()).collect();
                Failure::usage(format!("no provider is called {id:?}"))
                    .hint(format!("known are {}", ids.join(", ")))
            })?),
        };
        let found = match (&self.args.host, provider) {
            (Some(host), provider) => {
                let found = self.named(host, address)?;
                return Ok(Found { provider: provider.cloned(), ..found });
            }
            (None, Some(provider)) => {
                let because = "as you say".to_owned();
                Ok(discovery::of_provider(provider, address, because))
            }
            (None, None) => {
                let resolver = match &self.args.resolver {
                    None => Resolver::System,
                    Some(written) => config::resolver(written).ok_or_else(|| {
                        Failure::usage(format!("{written:?} is no address of a name server"))
                            .hint("write 192.0.2.53 or 192.0.2.53:5353")
                    })?,
                };
                discovery::server_of(address, resolver, PATIENCE).await
            }
        };
        match found {
            Ok(found) => self.agreed(found, address),
            Err(in_vain) => {
                let mut text = format!("No server was found for {}:\n", render::escaped(address));
                for said in &in_vain {
                    text.push_str(&format!("  {}\n", render::escaped(said)));
                }
                if !self.ask.is_possible {
                    return Err(Failure::new(text.trim_end())
                        .hint("name it with --host, or its provider with --provider"));
                }
                render::print(&text)?;
                render::print(
                    "Is the address spelled right? Otherwise whoever runs the mail, or the settings of your mail program, tell its IMAP server.\n",
                )?;
                let answer = self.ask.line("IMAP server, or the right address", None, "--host")?;
                if config::is_address(&answer) {
                    *address = answer;
                    return Box::pin(self.find(address)).await;
                }
                self.named(&answer, address)
            }
        }
    }

    /// Says what was found. A server that only the DNS names, and that is elsewhere, needs a yes.
    fn agreed(&self, found: Found, address: &str) -> Result<Found, Failure> {
        let Server { host, port, tls, .. } = &found.server;
        let whose = found.provider.as_ref().map(|p| format!("{}: ", p.name)).unwrap_or_default();
        let how = match tls {
            config::Tls::Implicit => "TLS",
            config::Tls::StartTls => "STARTTLS",
            config::Tls::None => "no encryption",
        };
        let (host, because) = (render::escaped(host), render::escaped(&found.because));
        render::print(&format!("{whose}{host}, port {port}, {how} ({because})\n"))?;
        if !found.needs_consent || self.args.yes {
            return Ok(found);
        }
        if !self.ask.is_possible {
            return Err(Failure::new(format!(
                "{host} is not in the domain of {}, and only the DNS names it",
                render::escaped(address)
            ))
            .hint("give it as --host if it is yours, or agree to everything with --yes"));
        }
        let question = format!("{host} is elsewhere, and only the DNS names it. Is it yours?");
        match self.ask.agrees(&question, false)? {
            true => Ok(found),
            false => self.asked(address),
        }
    }

    fn asked(&self, address: &str) -> Result<Found, Failure> {
        let (_, domain) = address.rsplit_once('@').unwrap_or_default();
        let usual = format!("imap.{domain}");
        let host = self.ask.line("IMAP server", Some(&usual), "--host")?;
        self.named(&host, address)
    }

    /// A server as one types it: a name, or with a port behind it.
    fn named(&self, typed: &str, address: &str) -> Result<Found, Failure> {
        let bare = typed.trim().trim_start_matches("imaps://").trim_start_matches("imap://");
        let bare = bare.trim_end_matches('/');
        let (host, port) = match bare.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') => (host, port.parse::<u16>().ok()),
            _ => (bare, None),
        };
        let mut found = self.given(host.to_owned(), address, None);
        if let Some(port) = port {
            found.server.port = port;
            if port == 143 {
                found.server.tls = config::Tls::StartTls;
            }
        }
        match config::is_host(host) {
            true => Ok(found),
            false => Err(Failure::usage(format!("{typed:?} is no name of a server"))
                .hint("write it as in imap.example.com, or imap.example.com:993")),
        }
    }

    /// A server by name, with the port and protection of the flags.
    fn given(&self, host: String, address: &str, provider: Option<Provider>) -> Found {
        let tls = match (self.args.tls, self.args.port) {
            (Some(Protection::Starttls), _) | (None, Some(143)) => config::Tls::StartTls,
            (Some(Protection::None), _) => config::Tls::None,
            _ => config::Tls::Implicit,
        };
        Found {
            server: Server {
                host,
                port: self.args.port.unwrap_or(tls.default_port()),
                tls,
                user: address.to_owned(),
            },
            provider,
            because: "as you say".to_owned(),
            needs_consent: false,
        }
    }
}
