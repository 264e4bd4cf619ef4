//! The server of an address in `acewatch init`: found, given or asked for.

use std::time::Duration;

use super::Setup;
use crate::cli::failure::Failure;
use crate::cli::render;
use crate::config::{self, Resolver};
use crate::discovery::{self, Found, Server};
use crate::provider;

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
            Ok(mut found) => {
                with_flags(&mut found.server, self.args.tls.map(Into::into), self.args.port);
                self.agreed(found, address)
            }
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
        if !found.needs_consent {
            return Ok(found);
        }
        // A flag is given before anybody has seen the name: it is no yes to a server that whoever can forge
        // an answer of the DNS may have named, and that would be sent the password (RFC 6186 §6).
        if !self.ask.is_possible {
            return Err(Failure::usage(format!(
                "{host} is not in the domain of {}, and only the DNS names it",
                render::escaped(address)
            ))
            .hint(format!("give `{}` if that is your mail server", flags_of(&found.server))));
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

    /// A server as one types it.
    fn named(&self, typed: &str, address: &str) -> Result<Found, Failure> {
        let (host, port) = host_and_port(typed)?;
        Ok(self.given(host, port.or(self.args.port), address))
    }

    /// A server by name, with the protection of the flags, or that which is usual at its port.
    fn given(&self, host: String, port: Option<u16>, address: &str) -> Found {
        let tls = match (self.args.tls, port) {
            (Some(tls), _) => tls.into(),
            (None, Some(143)) => config::Tls::StartTls,
            (None, _) => config::Tls::Implicit,
        };
        Found {
            server: Server {
                host,
                port: port.unwrap_or(tls.default_port()),
                tls,
                user: address.to_owned(),
            },
            provider: None,
            because: "as you say".to_owned(),
            needs_consent: false,
        }
    }
}

/// Gives a server that was found the port and protection of the flags, or the protection that is usual
/// at that port.
fn with_flags(server: &mut Server, tls: Option<config::Tls>, port: Option<u16>) {
    match (tls, port) {
        (Some(tls), _) => (server.tls, server.port) = (tls, tls.default_port()),
        (None, Some(143)) => server.tls = config::Tls::StartTls,
        (None, Some(993)) => server.tls = config::Tls::Implicit,
        _ => {}
    }
    server.port = port.unwrap_or(server.port);
}

/// The flags that name a server.
fn flags_of(server: &Server) -> String {
    let Server { host, port, tls, .. } = server;
    let usual = config::Tls::Implicit.default_port();
    let port = if *port == usual { String::new() } else { format!(":{port}") };
    // Without this flag the port tells.
    let protection = match tls {
        config::Tls::StartTls if port != ":143" => " --tls starttls",
        config::Tls::Implicit if port == ":143" => " --tls implicit",
        _ => "",
    };
    format!("--host {host}{port}{protection}")
}

/// A server as one types it: a name, or with a port behind it.
pub(super) fn host_and_port(typed: &str) -> Result<(String, Option<u16>), Failure> {
    let bare = typed.trim().trim_start_matches("imaps://").trim_start_matches("imap://");
    let bare = bare.trim_end_matches('/');
    let (host, port) = match bare.rsplit_once(':') {
        // More colons are an IPv6 address.
        Some((host, port)) if !host.contains(':') => (host, Some(port.parse::<u16>())),
        _ => (bare, None),
    };
    match port.transpose() {
        Ok(port) if config::is_host(host) && port != Some(0) => Ok((host.to_owned(), port)),
        _ => Err(Failure::usage(format!("{typed:?} is no name of a server"))
            .hint("write it as in imap.example.com, or imap.example.com:993")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_a_server_mean_that_server() {
        use config::Tls;
        for (port, tls, expected) in [
            (993, Tls::Implicit, "--host imap.example.com"),
            (1993, Tls::Implicit, "--host imap.example.com:1993"),
            (143, Tls::StartTls, "--host imap.example.com:143"),
            (993, Tls::StartTls, "--host imap.example.com --tls starttls"),
            (143, Tls::Implicit, "--host imap.example.com:143 --tls implicit"),
        ] {
            let host = "imap.example.com".to_owned();
            let flags = flags_of(&Server { host, port, tls, user: String::new() });
            assert_eq!(flags, expected);
        }
    }

    #[test]
    fn flags_count_for_a_server_that_was_found() {
        use config::Tls::{Implicit, StartTls};
        for (found, tls, port, expected) in [
            ((993, Implicit), None, None, (993, Implicit)),
            ((993, Implicit), None, Some(143), (143, StartTls)),
            ((143, StartTls), None, Some(993), (993, Implicit)),
            ((143, StartTls), None, Some(1143), (1143, StartTls)),
            ((993, Implicit), Some(StartTls), None, (143, StartTls)),
            ((143, StartTls), Some(Implicit), Some(143), (143, Implicit)),
        ] {
            let (port_found, tls_found) = found;
            let host = "imap.example.com".to_owned();
            let mut server = Server { host, port: port_found, tls: tls_found, user: String::new() };
            with_flags(&mut server, tls, port);
            assert_eq!((server.port, server.tls), expected, "{found:?} {tls:?} {port:?}");
        }
    }

    #[test]
    fn a_server_is_a_name_with_or_without_a_port() {
        for (typed, expected) in [
            ("imap.example.com", Some(("imap.example.com", None))),
            (" imaps://imap.example.com/ ", Some(("imap.example.com", None))),
            ("imap.example.com:1993", Some(("imap.example.com", Some(1993)))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("imap.example.com:99999", None),
            ("imap.example.com:0", None),
            ("imap.example.com:imaps", None),
            ("https://mail.example.com/inbox", None),
            ("ops@example.com", None),
            ("", None),
        ] {
            let found = host_and_port(typed).ok();
            let found = found.as_ref().map(|(host, port)| (host.as_str(), *port));
            assert_eq!(found, expected, "{typed:?}");
        }
    }
}
