//! `acewatch secret`: passwords in the keyring.

use std::io::{BufRead, IsTerminal};
use std::time::Duration;

use secrecy::zeroize::Zeroizing;

use super::failure::Failure;
use super::{Context, hidden, render};
use crate::config::Settings;
use crate::keyring::{self, Item};
use crate::notify::channel::Carrier;
use crate::secret::{Kind, LARGEST, Secret, SecretError, SecretSource};

/// How long a person may take to unlock the keyring.
const ANSWER: Duration = Duration::from_mins(2);

/// How long the keyring may take where nobody is asked.
const LIMIT: Duration = Duration::from_secs(15);

/// Put the password of a mailbox into the keyring, or take it out
///
/// For a mailbox, or a channel of the kind `mail`, with `keyring = true`.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Put a password into the keyring, in the place of the one before
    ///
    /// Asks for it on a terminal without showing it; otherwise the first line of standard input is
    /// the password. A keyring that is locked asks for its own.
    Store {
        /// The mailbox or channel; or the account as it stands in the keyring
        #[arg(value_name = "MAILBOX")]
        name: String,
    },
    /// Take the password out of the keyring
    Remove {
        /// The mailbox or channel
        #[arg(value_name = "MAILBOX")]
        name: String,
    },
}

/// Stores or removes.
///
/// # Errors
///
/// There is no such mailbox, its secret is elsewhere, or the keyring cannot be used.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let settings = cx.settings()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start").because(error))?;
    let done = match &args.action {
        Action::Store { name } => {
            let source = source(&settings, name)?;
            let item = item(name, source)?;
            let secret = asked(&item)?;
            runtime.block_on(async {
                ask_to_unlock([source]).await;
                let label = format!("acewatch: {}", item.account);
                keyring::store(&item, &label, &secret, LIMIT).await
            })
        }
        Action::Remove { name } => {
            let source = source(&settings, name)?;
            let item = item(name, source)?;
            runtime.block_on(async {
                ask_to_unlock([source]).await;
                keyring::remove(&item, LIMIT).await
            })
        }
    };
    let (name, what) = match &args.action {
        Action::Store { name } => (name, "is in the keyring now"),
        Action::Remove { name } => (name, "is in the keyring no more"),
    };
    match done {
        Ok(()) => render::print(&format!("the password of {} {what}\n", render::escaped(name))),
        // `secret-tool` would be of no use for storing what this very command stores.
        Err(error @ SecretError::NotInKeyring { .. }) => Err(Failure::new(error.to_string())),
        Err(error) => {
            let hint = error.hint();
            Err(Failure::new("cannot use the keyring").because(error).hint(hint))
        }
    }
}

/// Has each locked keyring among these places ask for its password, if somebody is there to answer.
/// Whether it helped is seen at the next attempt to read.
pub(crate) async fn ask_to_unlock<'a>(sources: impl IntoIterator<Item = &'a SecretSource>) {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return;
    }
    for item in sources.into_iter().filter_map(SecretSource::item) {
        let looked = keyring::look(&item, keyring::Start::IfItCan, LIMIT).await;
        if matches!(looked, Err(SecretError::KeyringLocked)) {
            tracing::info!("the keyring is locked; it asks for its password on the desktop");
            if keyring::unlock(&item, ANSWER).await.is_err() {
                return;
            }
        }
    }
}

/// Where the secret of a mailbox, or of a channel, is.
fn source<'a>(settings: &'a Settings, name: &str) -> Result<&'a SecretSource, Failure> {
    let mailboxes = settings.mailboxes.iter().map(|m| (m.name.as_str(), &m.secret));
    let channels = settings.channels.iter().filter_map(|channel| match &channel.carrier {
        Carrier::Mail(mail) => Some((channel.name.as_str(), &mail.login.as_ref()?.1)),
        Carrier::Webhook(_) | Carrier::Command(_) => None,
    });
    let known: Vec<(&str, &SecretSource)> = mailboxes.chain(channels).collect();
    // Errors about the keyring name the account.
    let is_meant = |(known, source): &&(&str, &SecretSource)| {
        *known == name || source.item().is_some_and(|item| item.account == name)
    };
    known.iter().find(is_meant).map(|(_, source)| *source).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        let hint = match names.as_slice() {
            [] => "add a [[mailbox]] to the configuration first".to_owned(),
            names => format!("known are {}", names.join(", ")),
        };
        Failure::usage(format!("there is no mailbox {name:?}")).hint(hint)
    })
}

fn item<'a>(name: &str, source: &'a SecretSource) -> Result<Item<'a>, Failure> {
    if source.oauth().is_some() {
        return Err(Failure::usage(format!("{name} has no password: it is read by OAuth 2.0"))
            .hint("run `acewatch sign-in` instead, or `acewatch sign-in --forget`"));
    }
    source.item().ok_or_else(|| {
        Failure::usage(format!("the password of {name} is not in the keyring, but in {source}"))
            .hint("write `keyring = true` in its place")
    })
}

/// The password, from whoever sits at the terminal, or from the program before the pipe.
fn asked(item: &Item<'_>) -> Result<Secret, Failure> {
    if std::io::stdin().is_terminal() {
        let prompt = format!("Password for {}: ", render::escaped(item.account));
        return password(&hidden::ask(&prompt).map_err(unreadable)?);
    }
    from_input()
}

/// What a program wrote before the pipe: its first line. Whether more comes, and when, is not waited for.
pub(crate) fn from_input() -> Result<Secret, Failure> {
    first_line(std::io::stdin().lock())
}

fn first_line(input: impl BufRead) -> Result<Secret, Failure> {
    // With the line's end; of a longer line more than is taken.
    let most = LARGEST + 2;
    let mut text = Zeroizing::new(String::with_capacity(most));
    input.take(most as u64).read_line(&mut text).map_err(unreadable)?;
    password(&text)
}

fn unreadable(error: std::io::Error) -> Failure {
    Failure::new("cannot read the password").because(error)
}

fn password(written: &str) -> Result<Secret, Failure> {
    let line = written.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(Failure::usage("the password is empty").hint("nothing was changed"));
    }
    if LARGEST < line.len() || line.chars().any(char::is_control) {
        return Err(Failure::usage("this is no password: it is too long, or no text")
            .hint("nothing was changed"));
    }
    Ok(Secret::new(line.to_owned(), Kind::Password))
}

#[cfg(test)]
mod tests {
    use std::io::{BufReader, Read};

    use super::*;

    #[test]
    fn a_password_is_the_first_line_whatever_follows() {
        /// A pipe that its writer keeps open: whoever reads on, waits for ever.
        struct Open;
        impl Read for Open {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("waits for ever"))
            }
        }
        let longest = "x".repeat(LARGEST);
        for (written, expected) in [
            ("secret\n", Some("secret")),
            ("secret\r\n", Some("secret")),
            ("secret\nurl: https://example.com", Some("secret")),
            ("\nsecret\n", None),
            ("a\u{7}b\n", None),
            (&format!("{longest}\r\n"), Some(&longest)),
            (&format!("{longest}x\n"), None),
        ] {
            let input = BufReader::new(written.as_bytes().chain(Open));
            let found = first_line(input).ok().map(|secret| secret.expose().to_owned());
            assert_eq!(found.as_deref(), expected, "{} bytes", written.len());
        }
        // Without a line's end all of it counts.
        assert!(first_line("secret".as_bytes()).is_ok());
        assert!(first_line("".as_bytes()).is_err());
    }
}
