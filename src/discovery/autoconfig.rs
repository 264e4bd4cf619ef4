//! The file in which a domain describes its mail servers, as Thunderbird and others read it
//! (`config-v1.1.xml`, <https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat>).
//!
//! Only over HTTPS, where the domain's certificate vouches for the answer.

use std::time::Duration;

use roxmltree::{Document, Node};

use super::Server;
use crate::config::Tls;
use crate::http;

/// The most that is read of an answer, in bytes; such files have two thousand.
const LARGEST: u64 = 64 * 1024;

/// The server that the domain's file names for an address, and where the file is.
pub(super) async fn ask(
    domain: &str,
    address: &str,
    limit: Duration,
) -> Result<(Server, String), Vec<String>> {
    let mut in_vain = Vec::new();
    for url in [
        format!("https://autoconfig.{domain}/mail/config-v1.1.xml"),
        format!("https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml"),
    ] {
        match fetch(&url, limit).await.and_then(|text| read(&text, address)) {
            Ok(server) => return Ok((server, url)),
            Err(why) => in_vain.push(format!("{url}: {why}")),
        }
    }
    Err(in_vain)
}

async fn fetch(url: &str, limit: Duration) -> Result<String, String> {
    let url = url.to_owned();
    let fetched = tokio::task::spawn_blocking(move || {
        let agent = http::agent(None, limit)?;
        let mut answer = agent.get(&url).call().map_err(|error| error.to_string())?;
        match answer.status() {
            status if status.is_success() => {
                let body = answer.body_mut().with_config().limit(LARGEST).read_to_string();
                body.map_err(|error| error.to_string())
            }
            status => Err(format!("answered {status}")),
        }
    });
    fetched.await.unwrap_or_else(|ended| Err(ended.to_string()))
}

/// The first IMAP server of the file that is encrypted.
fn read(text: &str, address: &str) -> Result<Server, String> {
    // A document type could define entities that grow without end; roxmltree refuses it.
    let document = Document::parse(text).map_err(|error| format!("is no such file: {error}"))?;
    let servers = document.descendants().filter(|node| {
        node.has_tag_name("incomingServer") && node.attribute("type") == Some("imap")
    });
    let mut is_plain = false;
    for node in servers {
        let tls = match said(node, "socketType") {
            Some("SSL") => Tls::Implicit,
            Some("STARTTLS") => Tls::StartTls,
            _ => {
                is_plain = true;
                continue;
            }
        };
        let port = match said(node, "port").map(str::parse::<u16>) {
            None => tls.default_port(),
            Some(Ok(port)) if port != 0 => port,
            Some(_) => continue,
        };
        let host = said(node, "hostname").map(|host| filled(host, address));
        let Some(host) = host.filter(|host| is_host(host)) else { continue };
        let user = said(node, "username").map(|user| filled(user, address));
        let user = user.filter(|user| !user.chars().any(char::is_control));
        return Ok(Server { host, port, tls, user: user.unwrap_or_else(|| address.to_owned()) });
    }
    Err(match is_plain {
        true => "names only servers without encryption".to_owned(),
        false => "names no IMAP server".to_owned(),
    })
}

fn said<'a>(node: Node<'a, '_>, tag: &str) -> Option<&'a str> {
    let text = node.children().find(|child| child.has_tag_name(tag))?.text()?.trim();
    (!text.is_empty()).then_some(text)
}

fn filled(text: &str, address: &str) -> String {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    text.replace("%EMAILADDRESS%", address)
        .replace("%EMAILLOCALPART%", local)
        .replace("%EMAILDOMAIN%", domain)
}

fn is_host(host: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    host.len() <= 253 && host.contains('.') && host.chars().all(is_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"<?xml version="1.0"?>
<clientConfig version="1.1">
  <emailProvider id="broker.example">
    <domain>broker.example</domain>
    <incomingServer type="pop3"><hostname>pop.broker.example</hostname></incomingServer>
    <incomingServer type="imap">
      <hostname>plain.broker.example</hostname><port>143</port><socketType>plain</socketType>
    </incomingServer>
    <incomingServer type="imap">
      <hostname>imap.%EMAILDOMAIN%</hostname>
      <port>993</port>
      <socketType>SSL</socketType>
      <username>%EMAILLOCALPART%</username>
      <authentication>password-cleartext</authentication>
    </incomingServer>
  </emailProvider>
</clientConfig>"#;

    fn server(host: &str, port: u16, tls: Tls, user: &str) -> Server {
        Server { host: host.to_owned(), port, tls, user: user.to_owned() }
    }

    #[test]
    fn the_first_encrypted_server_is_taken() {
        let read = |text: &str| read(text, "ops@broker.example");
        assert_eq!(read(FILE), Ok(server("imap.broker.example", 993, Tls::Implicit, "ops")));
        let starttls = FILE
            .replace("<port>993</port>", "")
            .replace("<socketType>SSL", "<socketType>STARTTLS")
            .replace("<username>%EMAILLOCALPART%</username>", "");
        let expected = server("imap.broker.example", 143, Tls::StartTls, "ops@broker.example");
        assert_eq!(read(&starttls), Ok(expected));
    }

    #[test]
    fn what_is_no_such_file_names_no_server() {
        let encrypted = FILE.replace("<socketType>plain", "<socketType>STARTTLS");
        let encrypted = encrypted.replace("plain.broker.example", "");
        for (text, expected) in [
            ("<html><body>Welcome</body></html>", "names no IMAP server"),
            ("not found", "is no such file: "),
            (
                "<!DOCTYPE x [<!ENTITY a \"aaaa\">]><clientConfig>&a;</clientConfig>",
                "is no such file: ",
            ),
            (&FILE.replace("SSL", "plain"), "names only servers without encryption"),
            (&encrypted.replace("imap.%EMAILDOMAIN%", "evil host/"), "names no IMAP server"),
            (&encrypted.replace("993", "0"), "names no IMAP server"),
        ] {
            let why = read(text, "ops@broker.example").unwrap_err();
            assert!(why.starts_with(expected), "{text}: {why}");
        }
    }
}
