//! `[mailbox.oauth]` as meant: the provider's addresses, the client, and where the permission is kept.

use oauth2::url::Url;
use toml::Spanned;

use super::file::{self, Source, Text};
use super::secret::{Ways, one_of};
use super::value::{self, Fault};
use super::{ConfigError, Environment};
use crate::keyring::account;
use crate::oauth::vault::{Key, Store, Vault};
use crate::oauth::{Flow, Settings, SharedSecret};
use crate::provider::{self, OAuthEndpoints, OAuthFlow};

/// Whose mailbox it is.
pub(super) struct Owner<'a> {
    pub name: &'a str,
    pub user: &'a str,
    pub host: &'a str,
}

/// Decides what the table means.
pub(super) fn oauth(
    source: Source<'_>,
    env: &Environment,
    owner: &Owner<'_>,
    written: Spanned<file::OAuth>,
) -> Result<Settings, ConfigError> {
    let header = written.span().start;
    let mut written = written.into_inner();
    let missing = |key: &str, hint: &str| {
        source.faulty(header, key, Fault::new("is missing from [mailbox.oauth]", hint))
    };
    let known = source.read("provider", written.provider.take(), known)?;
    let url = |key: &str, text: Option<Text>, known: Option<&String>| match text {
        Some(text) => source.read(key, Some(text), address),
        None => Ok(known.and_then(|url| Url::parse(url).ok())),
    };
    let of = known.as_ref();
    let authorization_url = url(
        "authorization-url",
        written.authorization_url.take(),
        of.and_then(|known| known.authorization_url.as_ref()),
    )?;
    let device_url = url(
        "device-url",
        written.device_url.take(),
        of.and_then(|known| known.device_url.as_ref()),
    )?;
    let revocation_url = url(
        "revocation-url",
        written.revocation_url.take(),
        of.and_then(|known| known.revocation_url.as_ref()),
    )?;
    let token_url = url("token-url", written.token_url.take(), of.map(|known| &known.token_url))?
        .ok_or_else(|| {
        missing(
            "token-url",
            "write `provider = \"google\"` or \"microsoft\", or the provider's own `token-url`",
        )
    })?;
    let scopes = match written.scopes.take() {
        Some(scopes) => source.read_all("scopes", scopes.into_inner(), scope)?,
        None => of.map(|known| known.scopes.clone()).unwrap_or_default(),
    };
    let client_id =
        source.read("client-id", written.client_id.take(), value::line)?.ok_or_else(|| {
            missing("client-id", "docs/oauth.md says how to get one: `client-id = \"…\"`")
        })?;
    let flow_at = written.flow.as_ref().map_or(header, |flow| flow.span().start);
    let usual = match (&authorization_url, &device_url, of.map(|known| known.flow)) {
        (_, Some(_), Some(OAuthFlow::Device)) | (None, Some(_), _) => Flow::Device,
        _ => Flow::Browser,
    };
    let flow = source.read("flow", written.flow.take(), flow)?.unwrap_or(usual);
    let needed = match flow {
        Flow::Browser => ("authorization-url", authorization_url.is_some()),
        Flow::Device => ("device-url", device_url.is_some()),
    };
    if let (key, false) = needed {
        let fault = Fault::new(
            format!("needs `{key}`, which is not there"),
            format!("add `{key}`, or write the other `flow`"),
        );
        return Err(source.faulty(flow_at, "flow", fault));
    }
    Ok(Settings {
        mailbox: owner.name.to_owned(),
        user: owner.user.to_owned(),
        provider: token_url.host_str().unwrap_or("the provider").to_owned(),
        authorization_url,
        device_url,
        token_url,
        revocation_url,
        scopes,
        authorization_parameters: of
            .map(|known| known.authorization_parameters.clone().into_iter().collect())
            .unwrap_or_default(),
        idle_life: match of.and_then(|known| known.idle_life.as_deref()) {
            Some(life) => humantime::parse_duration(life).ok(),
            None => None,
        },
        client_secret: client_secret(source, &mut written)?,
        client_id,
        flow,
        vault: vault(source, env, owner, &mut written)?,
    })
}

/// What a program on a desktop is given beside its name, and cannot keep to itself.
fn client_secret(
    source: Source<'_>,
    written: &mut file::OAuth,
) -> Result<Option<SharedSecret>, ConfigError> {
    let in_file = written.client_secret.take();
    let at = in_file.as_ref().map(|text| text.span().start);
    let in_file = source.read("client-secret", in_file, value::line)?.map(SharedSecret::Written);
    let ways = Ways {
        password_command: written.client_secret_command.take(),
        password_file: written.client_secret_file.take(),
        credential: written.client_secret_credential.take(),
        names: Some(["client-secret-command", "client-secret-file", "client-secret-credential"]),
        ..Ways::default()
    };
    let elsewhere = one_of(source, "a client", ways)?.map(SharedSecret::From);
    match (in_file, elsewhere) {
        (Some(_), Some(_)) => {
            let fault = Fault::new("stands beside another way to it", "keep one of the two");
            Err(source.faulty(at.unwrap_or_default(), "client-secret", fault))
        }
        (in_file, elsewhere) => Ok(in_file.or(elsewhere)),
    }
}

fn vault(
    source: Source<'_>,
    env: &Environment,
    owner: &Owner<'_>,
    written: &mut file::OAuth,
) -> Result<Vault, ConfigError> {
    let in_keyring = source.read("store", written.store.take(), store)?.unwrap_or(true);
    let key_at = [
        written.key_command.as_ref().map(|key| key.span().start),
        written.key_file.as_ref().map(|key| key.span().start),
        written.key_credential.as_ref().map(|key| key.span().start),
    ];
    let key_at = key_at.into_iter().flatten().min();
    let ways = Ways {
        password_command: written.key_command.take(),
        password_file: written.key_file.take(),
        credential: written.key_credential.take(),
        names: Some(["key-command", "key-file", "key-credential"]),
        ..Ways::default()
    };
    let key = one_of(source, "an encrypted file", ways)?;
    let store = match (in_keyring, key) {
        (true, None) => Store::Keyring,
        (true, Some(_)) => {
            let fault = Fault::new(
                "means nothing without `store = \"file\"`",
                "add `store = \"file\"`, or leave the key out",
            );
            return Err(source.faulty(key_at.unwrap_or_default(), "key", fault));
        }
        (false, Some(key)) => Store::File(Key::From(key)),
        // Not with the data, so that a copy of either gives nothing away.
        (false, None) => Store::File(Key::Ours(env.config_home.join("acewatch/oauth.key"))),
    };
    Ok(Vault {
        account: account(owner.user, owner.host),
        store,
        folder: env.data_home.join("acewatch/oauth"),
    })
}

fn known(written: &str) -> Result<OAuthEndpoints, Fault> {
    let providers = provider::built_in().unwrap_or_default();
    let found = provider::named(&providers, written).and_then(|found| found.oauth.clone());
    found.ok_or_else(|| {
        let known: Vec<&str> = providers
            .iter()
            .filter(|provider| provider.oauth.is_some())
            .map(|provider| provider.id.as_str())
            .collect();
        Fault::new(
            "is not known for OAuth",
            format!(
                "known are {}; for others write `authorization-url` and `token-url`",
                known.join(", ")
            ),
        )
    })
}

/// An address to which secrets are sent.
fn address(written: &str) -> Result<Url, Fault> {
    let hint = "write https://…; http:// is for this machine alone";
    let url = Url::parse(written).map_err(|_| Fault::new("is no address", hint))?;
    let is_near =
        url.host_str().is_some_and(|host| value::is_loopback(host.trim_matches(['[', ']'])));
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_near);
    let is_plain =
        url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match is_safe && is_plain && url.host_str().is_some() {
        true => Ok(url),
        false => Err(Fault::new("is no address over TLS", hint)),
    }
}

/// One scope: visible ASCII (RFC 6749 §3.3).
fn scope(written: &str) -> Result<String, Fault> {
    let is_fine = !written.is_empty() && written.chars().all(|c| c.is_ascii_graphic());
    match is_fine {
        true => Ok(written.to_owned()),
        false => Err(Fault::new("is no scope", "write each scope apart: [\"one\", \"two\"]")),
    }
}

fn flow(written: &str) -> Result<Flow, Fault> {
    match written {
        "browser" => Ok(Flow::Browser),
        "device" => Ok(Flow::Device),
        _ => Err(Fault::new("is not known", "write \"browser\" or \"device\"")),
    }
}

fn store(written: &str) -> Result<bool, Fault> {
    match written {
        "keyring" => Ok(true),
        "file" => Ok(false),
        _ => Err(Fault::new("is not known", "write \"keyring\" or \"file\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve::testing::{MAILBOX, check, resolve};
    use super::*;
    use crate::secret::SecretSource;

    fn table(lines: &str) -> String {
        let mailbox = MAILBOX.replace("password-command = [\"pass\"]\n", "");
        format!("{mailbox}[mailbox.oauth]\n{lines}")
    }

    fn settings(lines: &str) -> Settings {
        let settings = resolve(&table(lines)).unwrap();
        settings.mailboxes.first().unwrap().secret.oauth().unwrap().settings.clone()
    }

    const OWN: &str = "client-id = \"c\"\nauthorization-url = \"https://id.example/a\"\n\
                       token-url = \"https://id.example/t\"\n";

    #[test]
    fn a_provider_brings_its_addresses_and_its_usual_flow() {
        let google = settings("provider = \"google\"\nclient-id = \"c\"\nclient-secret = \"s\"");
        assert_eq!(google.flow, Flow::Browser);
        assert_eq!(google.provider, "oauth2.googleapis.com");
        assert_eq!(google.scopes, ["https://mail.google.com/"]);
        assert!(google.client_secret == Some(SharedSecret::Written("s".to_owned())));
        assert_eq!(google.vault.store, Store::Keyring);
        assert_eq!(google.vault.account, "ops@broker.example@imap.example.com");
        let parameter = ("access_type".to_owned(), "offline".to_owned());
        assert!(google.authorization_parameters.contains(&parameter));
        let microsoft = settings("provider = \"microsoft\"\nclient-id = \"c\"");
        assert_eq!(microsoft.flow, Flow::Device);
        assert!(microsoft.idle_life.is_some());
        let tenant = "https://login.microsoftonline.com/t/oauth2/v2.0/token";
        let own = format!("provider = \"microsoft\"\nclient-id = \"c\"\ntoken-url = \"{tenant}\"");
        assert_eq!(settings(&own).token_url.as_str(), tenant);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_with_its_line() {
        check(&table(""), "4: `token-url` is missing from [mailbox.oauth] | write `provider");
        check(&table("provider = \"google\""), "4: `client-id` is missing from [mailbox.oauth]");
        check(
            &table("provider = \"yahoo\""),
            "5: `provider` is not known for OAuth | known are google",
        );
        check(
            &table("token-url = \"http://id.example/t\""),
            "5: `token-url` is no address over TLS",
        );
        check(
            &table("token-url = \"https://u:p@id.example/t\""),
            "5: `token-url` is no address over",
        );
        check(&table("token-url = \"id.example\""), "5: `token-url` is no address | write https");
        check(
            &table(&format!("{OWN}flow = \"device\"")),
            "8: `flow` needs `device-url`, which is not",
        );
        check(&table(&format!("{OWN}flow = \"x\"")), "8: `flow` is not known | write \"browser\"");
        check(
            &table(&format!("{OWN}store = \"x\"")),
            "8: `store` is not known | write \"keyring\"",
        );
        check(&table(&format!("{OWN}scopes = [\"a b\"]")), "8: `scopes` is no scope | write each");
        check(&table(&format!("{OWN}key-file = \"k\"")), "8: `key` means nothing without `store");
        check(&table(&format!("{OWN}secret = \"x\"")), "8: unknown key `secret`");
        check(
            &format!("{MAILBOX}[mailbox.oauth]\n{OWN}"),
            "5: `mailbox.oauth` stands beside password-command pass, but",
        );
        assert!(resolve(&table(&OWN.replace("https://id.example", "http://127.0.0.1:8"))).is_ok());
    }

    #[test]
    fn the_key_of_the_file_lies_elsewhere_or_is_the_user_s() {
        let key =
            |lines: &str| match settings(&format!("{OWN}store = \"file\"\n{lines}")).vault.store {
                Store::File(key) => key,
                Store::Keyring => panic!("no file"),
            };
        assert_eq!(key(""), Key::Ours("/c/acewatch/oauth.key".into()));
        let credential = Key::From(SecretSource::Credential("k".to_owned()));
        assert_eq!(key("key-credential = \"k\""), credential);
        let both = format!("{OWN}store = \"file\"\nkey-file = \"k\"\nkey-credential = \"k\"");
        check(&table(&both), "10: `key-credential` stands beside `key-file` in line 9");
        let both = format!("{OWN}client-secret = \"s\"\nclient-secret-file = \"k\"");
        check(&table(&both), "8: `client-secret` stands beside another way to it");
    }
}
