//! Why there is no access token, how patiently to try again, and what a person can do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::Settings;
use crate::causes;
use crate::secret::SecretError;
use crate::shell::argument;

/// Why there is no access token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody has signed in yet, or the permission was removed.
    #[error("nobody is signed in to the mailbox {mailbox}")]
    NotSignedIn {
        /// The mailbox.
        mailbox: String,
    },
    /// The provider takes the refresh token no more.
    #[error("must sign in again: the provider took the permission back ({said})")]
    TakenBack {
        /// The mailbox.
        mailbox: String,
        /// The provider's code and words, in one line.
        said: String,
    },
    /// The permission was given to another client.
    #[error("must sign in again: the sign-in was made with another client-id")]
    OtherClient {
        /// The mailbox.
        mailbox: String,
    },
    /// The sealed file is damaged or its key another one.
    #[error("must sign in again: what {place} has cannot be read")]
    Unsealable {
        /// Where it is.
        place: String,
    },
    /// A person said no, or let the time pass.
    #[error("{0}")]
    NotGiven(String),
    /// The provider knows no such client, or does not let it do this.
    #[error("the provider refuses this client: {said}")]
    Client {
        /// The provider's code and words, in one line.
        said: String,
    },
    /// The provider cannot be reached.
    #[error("cannot reach {provider}: {why}")]
    Unreachable {
        /// Its name.
        provider: String,
        /// What the system says.
        why: String,
    },
    /// The provider is in trouble, or asks for patience.
    #[error("{provider} gives no tokens just now: {why}")]
    Busy {
        /// Its name.
        provider: String,
        /// What it says.
        why: String,
    },
    /// What answers is no token endpoint.
    #[error("{provider} is no provider of OAuth 2.0 at this address: {why}")]
    Odd {
        /// Its name.
        provider: String,
        /// What it says.
        why: String,
    },
    /// The answer cannot be understood.
    #[error("cannot understand {provider}: {why}")]
    Garbled {
        /// Its name.
        provider: String,
        /// In what way.
        why: String,
    },
    /// The key of the sealed file, or the client secret, cannot be read.
    #[error("cannot read a secret that OAuth 2.0 needs")]
    Key {
        /// Why not.
        #[source]
        source: Box<SecretError>,
    },
    /// The key is too short to be random.
    #[error("{origin} gave a key of less than {least} characters")]
    ShortKey {
        /// Where it is from.
        origin: String,
        /// How many there must be.
        least: usize,
    },
    /// The key is the user's, and is not there.
    #[error("there is no key for the encrypted file")]
    NoKey,
    /// The keyring is not there, is locked, or fails.
    #[error(transparent)]
    Keyring {
        /// Why.
        source: Box<SecretError>,
    },
    /// A file cannot be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Another process, or another task of this one, renews the token for longer than the limit.
    #[error("the access token is being renewed for longer than {}", humantime::format_duration(*limit))]
    InUse {
        /// The limit.
        limit: Duration,
    },
}

/// How to go on after an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Patience {
    /// The provider could not be reached.
    Unreachable,
    /// It may be over soon.
    Passing,
    /// Only time or a person mends it.
    Lasting,
    /// A person must sign in.
    SignIn,
}

impl Error {
    /// What a refusal means (RFC 6749 §5.2). `said` begins with its code.
    pub(super) fn of_code(settings: &Settings, said: &str) -> Error {
        let code = said.split(':').next().unwrap_or_default().trim();
        let provider = settings.provider.clone();
        let (mailbox, said_all) = (settings.mailbox.clone(), said.to_owned());
        match code {
            // The latter three are Microsoft's, and OpenID Connect's (Core 1.0 §3.1.2.6).
            "invalid_grant" | "interaction_required" | "consent_required" | "login_required" => {
                Error::TakenBack { mailbox, said: said_all }
            }
            "temporarily_unavailable" | "server_error" | "slow_down" => {
                Error::Busy { provider, why: said_all }
            }
            _ => Error::Client { said: said_all },
        }
    }

    /// How to go on.
    pub fn patience(&self) -> Patience {
        match self {
            Error::NotSignedIn { .. }
            | Error::TakenBack { .. }
            | Error::OtherClient { .. }
            | Error::Unsealable { .. } => Patience::SignIn,
            Error::Unreachable { .. } => Patience::Unreachable,
            Error::Busy { .. }
            | Error::Garbled { .. }
            | Error::Key { .. }
            | Error::Keyring { .. }
            | Error::File { .. }
            | Error::InUse { .. } => Patience::Passing,
            Error::NotGiven(_)
            | Error::Client { .. }
            | Error::Odd { .. }
            | Error::ShortKey { .. }
            | Error::NoKey => Patience::Lasting,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> String {
        match self {
            Error::NotSignedIn { mailbox }
            | Error::TakenBack { mailbox, .. }
            | Error::OtherClient { mailbox } => command(mailbox),
            Error::Unsealable { .. } => {
                "put its key back, or sign in again with `acewatch sign-in`".to_owned()
            }
            Error::NotGiven(_) => "start `acewatch sign-in` again".to_owned(),
            Error::Client { .. } => {
                "check `client-id`, `client-secret`, `scopes`, `device-url` and \
                                     `token-url` in [mailbox.oauth]: a client of one organisation \
                                     at Microsoft needs the addresses of its tenant; docs/oauth.md \
                                     says which"
                    .to_owned()
            }
            Error::Unreachable { .. } => {
                "check the network; the provider is tried again by itself".to_owned()
            }
            Error::Busy { .. } | Error::Garbled { .. } => {
                "wait; the provider is tried again by itself".to_owned()
            }
            Error::Odd { .. } => "check `token-url` and `device-url` in [mailbox.oauth]".to_owned(),
            Error::Key { source } => source.hint(),
            Error::ShortKey { .. } => "make a random one: `openssl rand -hex 32`".to_owned(),
            Error::NoKey => "check the key in [mailbox.oauth]".to_owned(),
            Error::Keyring { source } => source.hint(),
            Error::File { .. } => "look at its rights and at the space of the disk".to_owned(),
            Error::InUse { .. } => "end a `sign-in` that waits somewhere else".to_owned(),
        }
    }

    /// The whole chain of causes in one line.
    pub fn chain(&self) -> String {
        causes::chain(self)
    }
}

/// The command to sign in with, as a shell takes it.
pub(crate) fn command(mailbox: &str) -> String {
    format!("`acewatch sign-in {}`", argument(mailbox))
}
