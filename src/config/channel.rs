//! `[[channel]]` as meant: a way to a person beside the desktop, with the keys that its kind has.

use std::time::Duration;

use toml::Spanned;

use super::file::{self, Source, Text};
use super::mailbox::port_number;
use super::secret::{Ways, arguments, one_of};
use super::value::{self, Fault};
use super::{ConfigError, NotifySettings, Tls};
use crate::domain::alert::AlertKind;
use crate::keyring::account;
use crate::notify::channel::{Address, Carrier, Channel, Mail, Preset, Webhook};

/// The name that the desktop has among the channels.
const DESKTOP: &str = "desktop";

/// Decides what the channels of the file mean.
pub(super) fn channels(
    source: Source<'_>,
    written: Vec<Spanned<file::Channel>>,
    notify: &NotifySettings,
    timeout: Duration,
) -> Result<Vec<Channel>, ConfigError> {
    let mut channels: Vec<Channel> = Vec::with_capacity(written.len());
    for spanned in written {
        let header = spanned.span().start;
        let written = spanned.into_inner();
        let at = written.name.as_ref().map_or(header, |name| name.span().start);
        let new = channel(source, header, written, notify, timeout)?;
        let is_taken = new.name == DESKTOP
            || channels
                .iter()
                .any(|earlier| earlier.name.to_lowercase() == new.name.to_lowercase());
        if is_taken {
            let fault = Fault::new(
                format!("is `{}`, which another channel is called already", new.name),
                "give each channel a `name` of its own; the default is its `kind`",
            );
            return Err(source.faulty(at, "name", fault));
        }
        channels.push(new);
    }
    Ok(channels)
}

fn channel(
    source: Source<'_>,
    header: usize,
    mut written: file::Channel,
    notify: &NotifySettings,
    timeout: Duration,
) -> Result<Channel, ConfigError> {
    let kind_at = written.kind.as_ref().map_or(header, |kind| kind.span().start);
    let kind = written.kind.take().map(Spanned::into_inner).unwrap_or_default();
    let name = source.read("name", written.name.take(), value::line)?;
    let name = name.unwrap_or_else(|| kind.clone());
    let only = source.read_all("only", written.only.take().unwrap_or_default(), alert_kind)?;
    let digest_over = source.digest_over(written.digest_over.take())?;
    let carrier = match kind.as_str() {
        "mail" => Carrier::Mail(mail(source, header, &mut written)?),
        "webhook" => Carrier::Webhook(webhook(source, header, &mut written)?),
        "command" => Carrier::Command(command(source, header, &mut written)?),
        _ => {
            let hint = "write kind = \"mail\", \"webhook\" or \"command\"";
            let why =
                if kind.is_empty() { "is missing from this [[channel]]" } else { "is unknown" };
            return Err(source.faulty(kind_at, "kind", Fault::new(why, hint)));
        }
    };
    if let Some((key, at)) = left_over(&written) {
        let fault = Fault::new(format!("means nothing for kind = \"{kind}\""), "leave it out");
        return Err(source.faulty(at, key, fault));
    }
    Ok(Channel {
        name,
        carrier,
        only,
        digest_over: digest_over.unwrap_or(notify.digest_over),
        timeout,
    })
}

fn mail(
    source: Source<'_>,
    header: usize,
    written: &mut file::Channel,
) -> Result<Mail, ConfigError> {
    let host = source
        .read("host", written.host.take(), value::host)?
        .ok_or_else(|| missing(source, header, "host", "host = \"smtp.broker.example\""))?;
    let from = source
        .read("from", written.from.take(), value::address)?
        .ok_or_else(|| missing(source, header, "from", "from = \"acewatch@broker.example\""))?;
    let to = source.read_all("to", written.to.take().unwrap_or_default(), value::address)?;
    if to.is_empty() {
        return Err(missing(source, header, "to", "to = [\"ops@broker.example\"]"));
    }
    let tls_at = written.tls.as_ref().map_or(header, |tls| tls.span().start);
    let tls = source.read("tls", written.tls.take(), value::tls)?.unwrap_or(Tls::Implicit);
    if tls == Tls::None && !value::is_loopback(&host) {
        let fault = Fault::new(
            format!("is \"none\", and {host} is another machine: the mail would travel bare"),
            "write \"implicit\" or \"starttls\"",
        );
        return Err(source.faulty(tls_at, "tls", fault));
    }
    let port = match (&written.port.take(), tls) {
        (Some(port), _) => port_number(source, port)?,
        (None, Tls::Implicit) => 465,
        (None, Tls::StartTls) => 587,
        (None, Tls::None) => 25,
    };
    let user_at = written.user.as_ref().map_or(header, |user| user.span().start);
    let user = source.read("user", written.user.take(), value::line)?;
    let ways = Ways {
        password_command: written.password_command.take(),
        password_file: written.password_file.take(),
        password_environment: written.password_environment.take(),
        credential: written.credential.take(),
        keyring: written
            .keyring
            .take()
            .map(|keyring| (keyring, account(user.as_deref().unwrap_or_default(), &host))),
        ..Ways::default()
    };
    let login = match (user, one_of(source, "a channel", ways)?) {
        (None, None) => None,
        (Some(user), Some(secret)) => Some((user, secret)),
        (Some(_), None) => {
            let fault = Fault::new(
                "has no password",
                "add `keyring = true`, `password-command` or `password-file`",
            );
            return Err(source.faulty(user_at, "user", fault));
        }
        (None, Some(_)) => return Err(missing(source, header, "user", "user = \"acewatch\"")),
    };
    let ca_file = source.path("ca-file", written.ca_file.take())?;
    Ok(Mail { host, port, tls, ca_file, login, from, to })
}

fn webhook(
    source: Source<'_>,
    header: usize,
    written: &mut file::Channel,
) -> Result<Webhook, ConfigError> {
    let url = source.read("url", written.url.take(), address)?.ok_or_else(|| {
        missing(source, header, "url", "url = \"https://hooks.example/acewatch\"")
    })?;
    let preset = source.read("preset", written.preset.take(), preset)?.unwrap_or_default();
    let ways = Ways {
        token_command: written.token_command.take(),
        token_file: written.token_file.take(),
        ..Ways::default()
    };
    let token = one_of(source, "a channel", ways)?;
    let ca_file = source.path("ca-file", written.ca_file.take())?;
    Ok(Webhook { url, preset, token, ca_file })
}

fn command(
    source: Source<'_>,
    header: usize,
    written: &mut file::Channel,
) -> Result<Vec<String>, ConfigError> {
    let Some(command) = written.command.take() else {
        return Err(missing(source, header, "command", "command = [\"/usr/local/bin/tell\"]"));
    };
    let at = command.span().start;
    arguments(source, command.into_inner()).map_err(|fault| source.faulty(at, "command", fault))
}

fn missing(source: Source<'_>, header: usize, key: &str, example: &str) -> ConfigError {
    let fault = Fault::new("is missing from this [[channel]]", format!("add `{example}`"));
    source.faulty(header, key, fault)
}

/// A key that no one has taken, and where it stands.
fn left_over(written: &file::Channel) -> Option<(&'static str, usize)> {
    let at = |text: &Option<Text>| text.as_ref().map(|text| text.span().start);
    let list = |list: &Option<Spanned<Vec<String>>>| list.as_ref().map(|list| list.span().start);
    [
        ("host", at(&written.host)),
        ("port", written.port.as_ref().map(|port| port.span().start)),
        ("tls", at(&written.tls)),
        ("ca-file", at(&written.ca_file)),
        ("user", at(&written.user)),
        ("password-command", list(&written.password_command)),
        ("password-file", at(&written.password_file)),
        ("password-environment", at(&written.password_environment)),
        ("credential", at(&written.credential)),
        ("keyring", written.keyring.as_ref().map(|keyring| keyring.span().start)),
        ("from", at(&written.from)),
        ("to", written.to.as_ref().and_then(|to| to.first()).map(|to| to.span().start)),
        ("url", at(&written.url)),
        ("preset", at(&written.preset)),
        ("token-command", list(&written.token_command)),
        ("token-file", at(&written.token_file)),
        ("command", list(&written.command)),
    ]
    .into_iter()
    .find_map(|(key, at)| Some((key, at?)))
}

/// The kind of alert of a name, with hyphens or underscores.
pub(super) fn alert_kind(written: &str) -> Result<AlertKind, Fault> {
    let name = written.replace('-', "_");
    AlertKind::parse(&name).ok_or_else(|| {
        let known: Vec<String> =
            AlertKind::ALL.iter().map(|kind| kind.as_str().replace('_', "-")).collect();
        Fault::new("names an unknown kind of alert", format!("known are {}", known.join(", ")))
    })
}

/// The complaint does not quote it: it may hold a secret.
fn address(written: &str) -> Result<Address, Fault> {
    let host = |prefix: &str| written.strip_prefix(prefix)?.split(['/', '?', '#']).next();
    let is_fine = match (host("https://"), host("http://")) {
        (Some(host), _) => !host.is_empty(),
        (None, Some(host)) => {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            value::is_loopback(name.trim_matches(['[', ']']))
        }
        (None, None) => false,
    };
    match is_fine && !written.contains(char::is_whitespace) {
        true => Ok(Address(written.to_owned())),
        false => Err(Fault::new(
            "is no address over TLS",
            "write https://…; http:// is for this machine alone",
        )),
    }
}

fn preset(written: &str) -> Result<Preset, Fault> {
    let found = Preset::ALL.iter().find(|(name, _)| *name == written);
    found.map(|(_, preset)| *preset).ok_or_else(|| {
        let known: Vec<&str> = Preset::ALL.iter().map(|(name, _)| *name).collect();
        Fault::new("is unknown", format!("known are {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::super::resolve::testing::{check, resolve};
    use super::*;

    fn only(text: &str) -> Channel {
        resolve(text).unwrap().channels.into_iter().next().unwrap()
    }

    const MAIL: &str = "[[channel]]\nkind = \"mail\"\nhost = \"smtp.broker.example\"\n\
                        from = \"acewatch@broker.example\"\nto = [\"ops@broker.example\"]\n";

    #[test]
    fn each_kind_has_its_keys_and_defaults() {
        let Channel { name, carrier: Carrier::Mail(mail), digest_over: 3, .. } = only(MAIL) else {
            panic!("no mail")
        };
        assert_eq!((name.as_str(), mail.port, mail.login.is_none()), ("mail", 465, true));
        let Carrier::Mail(mail) = only(&format!(
            "{MAIL}tls = \"starttls\"\nuser = \"u\"\npassword-file = \"p\"\nonly = [\"bounce\"]"
        ))
        .carrier
        else {
            panic!("no mail")
        };
        assert_eq!((mail.port, mail.login.unwrap().0.as_str()), (587, "u"));
        let hook = "[[channel]]\nkind = \"webhook\"\nurl = \"https://hooks.example/x\"\n";
        let hook = only(&format!("{hook}preset = \"slack\"\ndigest-over = 0\nname = \"chat\""));
        assert_eq!((hook.name.as_str(), hook.digest_over), ("chat", 0));
        let Carrier::Command(command) =
            only("[[channel]]\nkind = \"command\"\ncommand = [\"./tell\", \"x\"]").carrier
        else {
            panic!("no command")
        };
        assert_eq!(command, ["/etc/ace/./tell", "x"]);
    }

    #[test]
    fn what_is_wrong_is_named_and_never_quoted() {
        check("[[channel]]\nname = \"x\"", "1: `kind` is missing from this [[channel]] | write");
        check("[[channel]]\nkind = \"pager\"", "2: `kind` is unknown | write kind = \"mail\"");
        check("[[channel]]\nkind = \"mail\"", "1: `host` is missing from this [[channel]] | add");
        check(&format!("{MAIL}tls = \"none\""), "6: `tls` is \"none\", and smtp.broker.example is");
        check(&format!("{MAIL}user = \"u\""), "6: `user` has no password | add");
        check(&format!("{MAIL}url = \"https://x.example\""), "6: `url` means nothing for kind = ");
        check(&format!("{MAIL}only = [\"overdo\"]"), "6: `only` names an unknown kind of alert");
        check(&format!("{MAIL}{MAIL}"), "6: `name` is `mail`, which another channel is called");
        for url in ["http://hooks.example/secret", "hooks.example", "https://", "https://a b"] {
            let text = format!("[[channel]]\nkind = \"webhook\"\nurl = \"{url}\"");
            check(&text, "3: `url` is no address over TLS | write https://");
        }
        let local = "[[channel]]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:8080/x\"";
        assert!(resolve(local).is_ok());
    }
}
