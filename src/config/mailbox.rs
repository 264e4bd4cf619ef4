//! `[[mailbox]]` as meant: what each needs, and that no two are in each other's way.

use std::sync::Arc;

use toml::Spanned;

use super::file::{self, Source, Text};
use super::oauth::Owner;
use super::secret::{Ways, one_of};
use super::value::{self, Fault};
use super::{ConfigError, Environment, FolderName, IMPORT, MailboxSettings, Tls};
use crate::keyring::account;
use crate::oauth::OAuth;
use crate::secret::SecretSource;

/// Decides what the mailboxes of the file mean, where `trusted` are believed in each that names nobody
/// itself; what is odd goes to `warnings`.
pub(super) fn mailboxes(
    source: Source<'_>,
    env: &Environment,
    written: Vec<Spanned<file::Mailbox>>,
    trusted: &[String],
    warnings: &mut Vec<String>,
) -> Result<Vec<MailboxSettings>, ConfigError> {
    let mut mailboxes: Vec<MailboxSettings> = Vec::with_capacity(written.len());
    let mut import = None;
    for spanned in written {
        let header = spanned.span().start;
        let written = spanned.into_inner();
        let name_at = written.name.as_ref().map_or(header, |name| name.span().start);
        let new = mailbox(source, env, header, written, trusted, warnings)?;
        for earlier in &mailboxes {
            if earlier.name.to_lowercase() == new.name.to_lowercase() {
                let fault = Fault::new(
                    format!("is `{}`, which another mailbox is called already", new.name),
                    "give each mailbox a `name` of its own; the default is the user part of `user`",
                );
                return Err(source.faulty(name_at, "name", fault));
            }
            // The cursor that says what was read belongs to host, user and folder: two
            // mailboxes on one account would move each other's.
            if earlier.host.eq_ignore_ascii_case(&new.host) && earlier.user == new.user {
                let fault = Fault::new(
                    format!("has the host and user of the mailbox `{}`", earlier.name),
                    "watch one account with one [[mailbox]], and list all folders in its `folders`",
                );
                return Err(source.faulty(header, "mailbox", fault));
            }
        }
        if new.name == IMPORT {
            import = Some((name_at, new.authserv_ids.clone()));
        }
        mailboxes.push(new);
    }
    // Where all believe the same, it makes no difference which of them is meant.
    match import {
        Some((at, ids)) if mailboxes.iter().any(|mailbox| mailbox.authserv_ids != ids) => {
            let fault = Fault::new(
                format!(
                    "is `{IMPORT}`, under which files are kept of which nobody says whose they are"
                ),
                "give this mailbox another `name`, because not all mailboxes believe the same servers",
            );
            Err(source.faulty(at, "name", fault))
        }
        _ => Ok(mailboxes),
    }
}

fn mailbox(
    source: Source<'_>,
    env: &Environment,
    header: usize,
    mut written: file::Mailbox,
    trusted: &[String],
    warnings: &mut Vec<String>,
) -> Result<MailboxSettings, ConfigError> {
    let missing = |key: &str, example: &str| {
        let fault = Fault::new("is missing from this [[mailbox]]", format!("add `{example}`"));
        source.faulty(header, key, fault)
    };
    let host = source
        .read("host", written.host.take(), value::host)?
        .ok_or_else(|| missing("host", "host = \"imap.example.com\""))?;
    let user = source
        .read("user", written.user.take(), value::line)?
        .ok_or_else(|| missing("user", "user = \"ops@broker.example\""))?;
    let name = match source.read("name", written.name.take(), value::line)? {
        Some(name) => name,
        None => user.split('@').find(|part| !part.is_empty()).unwrap_or(&user).to_owned(),
    };

    let tls_at = written.tls.as_ref().map_or(header, |tls| tls.span().start);
    let tls = source.read("tls", written.tls.take(), value::tls)?.unwrap_or(Tls::Implicit);
    if tls == Tls::None && !value::is_loopback(&host) {
        let fault = Fault::new(
            format!("is \"none\", and {host} is another machine: the password would travel bare"),
            "write \"implicit\" or \"starttls\"; for an own certificate there are `ca-file` and \
             `pin-sha256`",
        );
        return Err(source.faulty(tls_at, "tls", fault));
    }
    let port = match &written.port {
        None => tls.default_port(),
        Some(port) => port_number(source, port)?,
    };
    let other_tls = match (tls, port) {
        (Tls::Implicit, 143) => Some("starttls"),
        (Tls::StartTls, 993) => Some("implicit"),
        _ => None,
    };
    if let Some(other) = other_tls {
        warnings.push(format!("mailbox {name}: port {port} is usually tls = \"{other}\""));
    }

    let ca_file = source.path("ca-file", written.ca_file.take())?;
    let pin_sha256 = source.read("pin-sha256", written.pin_sha256.take(), value::pin)?;
    if tls == Tls::None && (ca_file.is_some() || pin_sha256.is_some()) {
        warnings.push(format!("mailbox {name}: certificates mean nothing with tls = \"none\""));
    } else if ca_file.is_some() && pin_sha256.is_some() {
        warnings.push(format!("mailbox {name}: `pin-sha256` makes `ca-file` meaningless"));
    }

    let authserv_ids = match written.authserv_id.take() {
        Some(own) => source.read_all("authserv-id", own, value::line)?,
        None => trusted.to_vec(),
    };
    let (folders, sent) = folders(source, written.folders.take(), written.sent.take())?;
    Ok(MailboxSettings {
        idle: written.idle.unwrap_or(true),
        poll_interval: source.wait(
            "poll-interval",
            written.poll_interval.take(),
            MailboxSettings::POLL_INTERVAL,
        )?,
        look_back: source
            .read("look-back", written.look_back.take(), value::span_of_time)?
            .unwrap_or(MailboxSettings::LOOK_BACK),
        secret: secret(
            source,
            env,
            header,
            &Owner { name: &name, user: &user, host: &host },
            written,
        )?,
        name,
        host,
        port,
        tls,
        ca_file,
        pin_sha256,
        user,
        folders,
        sent,
        authserv_ids,
    })
}

pub(super) fn port_number(source: Source<'_>, written: &Spanned<i64>) -> Result<u16, ConfigError> {
    match u16::try_from(*written.get_ref()) {
        Ok(port) if port != 0 => Ok(port),
        _ => {
            let fault = Fault::new("is no port", "write a number from 1 to 65535, usually 993");
            Err(source.faulty(written.span().start, "port", fault))
        }
    }
}

/// The folders to watch and the one with our own mail, which must not be among them: a mail
/// is ours or an answer by the folder it lies in.
fn folders(
    source: Source<'_>,
    folders: Option<Spanned<Vec<Text>>>,
    sent: Option<Text>,
) -> Result<(Vec<FolderName>, Option<FolderName>), ConfigError> {
    let folders_at = folders.as_ref().map_or(0, |folders| folders.span().start);
    let folders = match folders {
        None => {
            vec![FolderName::Named("INBOX".to_owned()), FolderName::SpecialUse("\\Junk".to_owned())]
        }
        Some(written) => {
            let folders = source.read_all("folders", written.into_inner(), value::folder)?;
            if folders.is_empty() {
                let fault = Fault::new("is empty", "name at least one folder, usually \"INBOX\"");
                return Err(source.faulty(folders_at, "folders", fault));
            }
            folders
        }
    };
    let sent_at = sent.as_ref().map_or(folders_at, |sent| sent.span().start);
    let sent = match source.read("sent", sent, |sent| match sent {
        "" => Ok(None),
        sent => value::folder(sent).map(Some),
    })? {
        None => Some(FolderName::SpecialUse("\\Sent".to_owned())),
        Some(sent) => sent,
    };
    match sent {
        Some(sent) if folders.contains(&sent) => {
            let fault = Fault::new(
                "is also one of `folders`",
                "keep our own mail and the answers apart, or write sent = \"\"",
            );
            Err(source.faulty(sent_at, "sent", fault))
        }
        sent => Ok((folders, sent)),
    }
}

/// The one way to the secret of a mailbox.
fn secret(
    source: Source<'_>,
    env: &Environment,
    header: usize,
    owner: &Owner<'_>,
    written: file::Mailbox,
) -> Result<SecretSource, ConfigError> {
    let ways = Ways {
        password_command: written.password_command,
        password_file: written.password_file,
        password_environment: written.password_environment,
        credential: written.credential,
        token_command: written.token_command,
        token_file: None,
        keyring: written.keyring.map(|keyring| (keyring, account(owner.user, owner.host))),
        names: None,
    };
    match (one_of(source, "a mailbox", ways)?, written.oauth) {
        (None, Some(oauth)) => {
            let settings = super::oauth::oauth(source, env, owner, oauth)?;
            Ok(SecretSource::OAuth(Arc::new(OAuth::new(settings))))
        }
        (Some(other), Some(oauth)) => {
            let fault = Fault::new(
                format!("stands beside {other}, but a mailbox has one secret"),
                "keep one of the two",
            );
            Err(source.faulty(oauth.span().start, "mailbox.oauth", fault))
        }
        (Some(secret), None) => Ok(secret),
        (None, None) => {
            let fault = Fault::new(
                format!("is missing: nothing says where the password of `{}` is", owner.name),
                format!(
                    "add `keyring = true` and run `acewatch secret store {}`, or add \
                     `password-command = [\"pass\", \"show\", \"mail/ops\"]`, `password-file`, \
                     `credential`, `token-command` or a table [mailbox.oauth]",
                    owner.name
                ),
            );
            Err(source.faulty(header, "password-command", fault))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve::testing::{MAILBOX, check, resolve};
    use super::*;

    fn only_mailbox(text: &str) -> MailboxSettings {
        resolve(text).unwrap().mailboxes.into_iter().next().unwrap()
    }

    #[test]
    fn a_mailbox_needs_a_host_a_user_and_one_secret() {
        check("\n[[mailbox]]\nuser = \"ops\"", "2: `host` is missing from this [[mailbox]] | add");
        check("[[mailbox]]\nhost = \"h\"", "1: `user` is missing from this [[mailbox]] | add");
        check(
            "[[mailbox]]\nhost = \"h\"\nuser = \"ops@broker.example\"",
            "1: `password-command` is missing: nothing says where the password of `ops` is | add",
        );
        check(
            &format!("{MAILBOX}password-file = \"f\""),
            "5: `password-file` stands beside `password-command` in line 4, but a mailbox has one \
             secret | keep one of the two",
        );
        check(
            &format!("{MAILBOX}keyring = true"),
            "5: `keyring` stands beside `password-command` in line 4, but a mailbox has one secret",
        );
        assert!(resolve(&format!("{MAILBOX}keyring = false")).is_ok());
    }

    #[test]
    fn every_way_to_a_secret_is_understood() {
        for (written, expected) in [
            (
                "password-command = [\"pass\", \"x\"]",
                SecretSource::Command(vec!["pass".into(), "x".into()]),
            ),
            ("password-command = [\"./p\"]", SecretSource::Command(vec!["/etc/ace/./p".into()])),
            ("token-command = [\"/bin/t\"]", SecretSource::TokenCommand(vec!["/bin/t".into()])),
            ("password-file = \"s/ops\"", SecretSource::File("/etc/ace/s/ops".into())),
            ("password-file = \"/s/ops\"", SecretSource::File("/s/ops".into())),
            ("credential = \"imap-office\"", SecretSource::Credential("imap-office".into())),
            ("password-environment = \"PW\"", SecretSource::Environment("PW".into())),
            ("keyring = true", SecretSource::Keyring("ops@broker.example@imap.example.com".into())),
        ] {
            let text = MAILBOX.replace("password-command = [\"pass\"]", written);
            assert!(only_mailbox(&text).secret == expected, "{written}");
        }
        for (written, expected) in [
            ("password-command = []", "4: `password-command` names no program"),
            ("password-command = [\"\"]", "4: `password-command` names no program"),
            ("token-command = [\"~/bin/t\"]", "4: `token-command` begins with ~"),
            ("password-file = \"~/ops\"", "4: `password-file` begins with ~"),
            ("credential = \"../ops\"", "4: `credential` is a path, not a name"),
            ("password-environment = \"$PW\"", "4: `password-environment` is no name"),
        ] {
            check(&MAILBOX.replace("password-command = [\"pass\"]", written), expected);
        }
    }

    #[test]
    fn plain_connections_stay_on_the_machine() {
        let plain = format!("{MAILBOX}tls = \"none\"");
        check(&plain, "5: `tls` is \"none\", and imap.example.com is another machine");
        for host in ["localhost", "127.0.0.1", "::1"] {
            let mailbox = only_mailbox(&plain.replace("imap.example.com", host));
            assert_eq!((mailbox.tls, mailbox.port), (Tls::None, 143), "{host}");
        }
    }

    #[test]
    fn the_port_follows_tls_unless_it_is_written() {
        for (written, expected) in [
            ("", 993),
            ("tls = \"implicit\"", 993),
            ("tls = \"starttls\"", 143),
            ("tls = \"starttls\"\nport = 1143", 1143),
        ] {
            assert_eq!(only_mailbox(&format!("{MAILBOX}{written}")).port, expected, "{written}");
        }
        for port in ["0", "-1", "65536"] {
            check(&format!("{MAILBOX}port = {port}"), "5: `port` is no port | write a number");
        }
        check(&format!("{MAILBOX}tls = \"ssl\""), "5: `tls` is not known | write \"implicit\"");
    }

    #[test]
    fn what_is_odd_is_a_warning() {
        for (written, n) in [
            ("port = 143", 1),
            ("tls = \"starttls\"\nport = 993", 1),
            (&*format!("ca-file = \"a\"\npin-sha256 = \"{}\"", "00".repeat(32)), 1),
            ("ca-file = \"a\"", 0),
        ] {
            let settings = resolve(&format!("{MAILBOX}{written}")).unwrap();
            assert_eq!(settings.warnings.len(), n, "{written}: {:?}", settings.warnings);
        }
    }

    #[test]
    fn mailboxes_have_names_and_accounts_of_their_own() {
        let other = MAILBOX.replace("imap.example.com", "imap.broker.example");
        check(&format!("{MAILBOX}{other}"), "5: `name` is `ops`, which another mailbox is called");
        check(
            &format!("{MAILBOX}{other}name = \"OPS\""),
            "9: `name` is `OPS`, which another mailbox is called",
        );
        check(
            &format!("{MAILBOX}{MAILBOX}name = \"second\""),
            "5: `mailbox` has the host and user of the mailbox `ops`",
        );
        let settings = resolve(&format!("{MAILBOX}{other}name = \"second\"")).unwrap();
        let names: Vec<_> = settings.mailboxes.iter().map(|mailbox| &*mailbox.name).collect();
        assert_eq!(names, ["ops", "second"]);
    }

    #[test]
    fn folders_are_named_once_and_apart_from_our_own_mail() {
        let named = |name: &str| FolderName::Named(name.to_owned());
        let text = format!("{MAILBOX}folders = [\"inbox\", 'Entries', \"INBOX\"]\nsent = \"\"");
        let mailbox = only_mailbox(&text);
        assert_eq!(mailbox.folders, [named("INBOX"), named("Entries")]);
        assert_eq!(mailbox.sent, None);
        check(&format!("{MAILBOX}folders = []"), "5: `folders` is empty");
        check(&format!("{MAILBOX}folders = ['\\Sent']"), "5: `sent` is also one of `folders`");
        check(
            &format!("{MAILBOX}folders = [\"A\"]\nsent = \"A\""),
            "6: `sent` is also one of `folders`",
        );
    }
}
