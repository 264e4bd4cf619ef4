//! Secrets in the user's keyring: GNOME Keyring, KWallet, KeePassXC, and whatever else speaks the
//! Secret Service API (freedesktop.org, version 0.2) on the session bus.
//!
//! The program `secret-tool` reads and writes them, the secret by way of its standard output and
//! input. Asked for a secret that is locked it would put a prompt before whoever sits there, or wait
//! for nobody; so the bus is asked first whether it is. Nothing here starts a prompt but [`unlock`],
//! which is for commands on a terminal.

use std::collections::HashMap;
use std::fmt;
use std::io::ErrorKind;
use std::time::Duration;

use futures_util::StreamExt;
use secrecy::zeroize::Zeroizing;
use tokio::time::timeout;
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream, OwnedObjectPath, OwnedVariant};

use crate::bus::{BUS, addresses};
use crate::notify::safe_line;
use crate::program;
use crate::secret::run::run_with;
use crate::secret::{Secret, SecretError};

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const COLLECTION: &str = "org.freedesktop.Secret.Collection";
const PROMPT: &str = "org.freedesktop.Secret.Prompt";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// The path that stands for none (Secret Service API, "ReadAlias" and "Prompts").
const NONE: &str = "/";

/// A secret's place in the keyring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Item<'a> {
    /// Whose it is; see [`account`].
    pub account: &'a str,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a secret is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// Logging in.
    Password,
    /// Getting new access tokens (RFC 6749 §1.5).
    RefreshToken,
}

/// How the keyring is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// No session bus, or nothing on it that keeps secrets.
    Absent,
    /// There is one, and no `secret-tool` to read it with.
    NoTool,
    /// It waits for its user.
    Locked,
    /// It can be read and written.
    Ready,
}

/// The account of `user` on `host`, as it stands in the keyring.
#[must_use]
pub fn account(user: &str, host: &str) -> String {
    format!("{user}@{}", host.to_ascii_lowercase())
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Purpose::Password => "password",
            Purpose::RefreshToken => "refresh token",
        })
    }
}

impl Purpose {
    fn attribute(self) -> &'static str {
        match self {
            Purpose::Password => "password",
            Purpose::RefreshToken => "refresh-token",
        }
    }
}

impl Item<'_> {
    /// The attributes by which it is found.
    fn attributes(&self) -> [(&str, &str); 3] {
        [("service", "acewatch"), ("account", self.account), ("purpose", self.purpose.attribute())]
    }
}

/// Says how the keyring is as a whole, waiting at most `limit`.
pub async fn state(limit: Duration) -> State {
    let looking = async {
        let service = Service::open(Start::IfItCan).await?;
        service.is_default_locked().await
    };
    match timeout(limit, looking).await {
        Ok(Ok(_)) if program::find("secret-tool").is_none() => State::NoTool,
        Ok(Ok(true)) => State::Locked,
        Ok(Ok(false)) => State::Ready,
        Ok(Err(_)) | Err(_) => State::Absent,
    }
}

/// Whether the bus may start a keyring, where it knows how to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Start {
    /// As before a login, which is seldom.
    IfItCan,
    /// While it is waited for: one that cannot start without a desktop is not started every few seconds.
    Never,
}

/// Says whether an item could be read now without asking anybody, waiting at most `limit`.
///
/// # Errors
///
/// Those of [`read`].
pub async fn look(item: &Item<'_>, start: Start, limit: Duration) -> Result<(), SecretError> {
    let looking = async {
        let service = Service::open(start).await?;
        service.require(item).await
    };
    within(limit, looking).await
}

/// Reads a secret, waiting at most `limit`. Never asks anybody for anything.
///
/// # Errors
///
/// No keyring, a locked one, no `secret-tool`, no such item, or several.
pub async fn read(item: &Item<'_>, limit: Duration) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let reading = async {
        let service = Service::open(Start::IfItCan).await?;
        service.require(item).await?;
        service.tool("lookup", item, &[], None, limit).await
    };
    match within(limit, reading).await {
        // Without a word: it has gone since it was looked for.
        Err(SecretError::Failed { stderr, .. }) if stderr.is_empty() => Err(not_in(item)),
        read => read,
    }
}

/// Writes a secret, in the place of all that it had for the same purpose, waiting at most `limit`.
/// `label` is what the user sees in the keyring's own program. Asks nobody for anything, unless there
/// is no default keyring yet, which only its user can make.
///
/// # Errors
///
/// No keyring, a locked one, or no `secret-tool`.
pub async fn store(
    item: &Item<'_>,
    label: &str,
    secret: &Secret,
    limit: Duration,
) -> Result<(), SecretError> {
    let storing = async {
        let service = Service::open(Start::IfItCan).await?;
        if service.is_default_locked().await? {
            return Err(SecretError::KeyringLocked);
        }
        let label = format!("--label={label}");
        let written = [label.as_str()];
        service.tool("store", item, &written, Some(secret), limit).await?;
        // It takes the place of an item with exactly these attributes. One that somebody gave more of
        // them would be found beside it ever after.
        if 1 < service.search(item).await?.n() {
            service.tool("clear", item, &[], None, limit).await?;
            service.tool("store", item, &written, Some(secret), limit).await?;
        }
        Ok(())
    };
    within(limit, storing).await
}

/// Removes a secret, waiting at most `limit`.
///
/// # Errors
///
/// No keyring, a locked one, no `secret-tool`, or no such item.
pub async fn remove(item: &Item<'_>, limit: Duration) -> Result<(), SecretError> {
    let removing = async {
        let service = Service::open(Start::IfItCan).await?;
        match service.require(item).await {
            Ok(()) | Err(SecretError::SeveralInKeyring { .. }) => {}
            Err(error) => return Err(error),
        }
        service.tool("clear", item, &[], None, limit).await.map(drop)
    };
    within(limit, removing).await
}

/// Has the keyring ask its user for its password where that is needed to read or write an item, and
/// waits at most `limit` for the answer. For commands on a terminal alone.
///
/// # Errors
///
/// No keyring, or it is still locked, as where the user does not want to.
pub async fn unlock(item: &Item<'_>, limit: Duration) -> Result<(), SecretError> {
    let unlocking = async {
        let service = Service::open(Start::IfItCan).await?;
        let mut locked = service.search(item).await?.locked;
        if let Some(collection) = service.default_collection().await?
            && service.is_locked(&collection).await?
        {
            locked.push(collection);
        }
        if locked.is_empty() { Ok(()) } else { service.unlock(&locked).await }
    };
    within(limit, unlocking).await
}

/// The Secret Service of a session bus.
struct Service {
    connection: Connection,
    address: String,
}

/// What it has of an item.
struct Found {
    unlocked: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
}

impl Found {
    fn n(&self) -> usize {
        self.unlocked.len() + self.locked.len()
    }
}

impl Service {
    /// Connects to the first session bus that answers.
    async fn open(start: Start) -> Result<Service, SecretError> {
        for address in addresses() {
            let Ok(builder) = zbus::connection::Builder::address(address.as_str()).build().await
            else {
                continue;
            };
            let service = Service { connection: builder, address };
            if start == Start::Never {
                let has_owner =
                    service.call(BUS, "/org/freedesktop/DBus", BUS, "NameHasOwner", &(NAME,));
                if !answer::<bool>(&has_owner.await?)? {
                    return Err(SecretError::NoKeyring { has_bus: true });
                }
            }
            return Ok(service);
        }
        Err(SecretError::NoKeyring { has_bus: false })
    }

    async fn call<B>(
        &self,
        name: &'static str,
        path: &str,
        interface: &'static str,
        member: &'static str,
        arguments: &B,
    ) -> Result<Message, SecretError>
    where
        B: serde::Serialize + zbus::wire::DynamicType + Sync,
    {
        let called =
            self.connection.call_method(Some(name), path, Some(interface), member, arguments).await;
        called.map_err(|error| match &error {
            zbus::Error::FDO(known) if is_absence(known) => {
                SecretError::NoKeyring { has_bus: true }
            }
            _ => failed(&error.to_string()),
        })
    }

    async fn search(&self, item: &Item<'_>) -> Result<Found, SecretError> {
        let attributes: HashMap<&str, &str> = item.attributes().into();
        let reply = self.call(NAME, PATH, SERVICE, "SearchItems", &(attributes,)).await?;
        let (unlocked, locked) = answer(&reply)?;
        Ok(Found { unlocked, locked })
    }

    /// The collection in which items are stored; a new user has none.
    async fn default_collection(&self) -> Result<Option<OwnedObjectPath>, SecretError> {
        let reply = self.call(NAME, PATH, SERVICE, "ReadAlias", &("default",)).await?;
        let path: OwnedObjectPath = answer(&reply)?;
        Ok(Some(path).filter(|path| path.as_str() != NONE))
    }

    async fn is_locked(&self, collection: &OwnedObjectPath) -> Result<bool, SecretError> {
        let property = (COLLECTION, "Locked");
        let reply = self.call(NAME, collection.as_str(), PROPERTIES, "Get", &property).await?;
        let value: OwnedVariant = answer(&reply)?;
        bool::try_from(&*value).map_err(|error| failed(&error.to_string()))
    }

    async fn is_default_locked(&self) -> Result<bool, SecretError> {
        match self.default_collection().await? {
            Some(collection) => self.is_locked(&collection).await,
            None => Ok(false),
        }
    }

    /// That there is one item, and that it can be read.
    async fn require(&self, item: &Item<'_>) -> Result<(), SecretError> {
        let found = self.search(item).await?;
        match (found.unlocked.len(), found.locked.len()) {
            (1, _) => Ok(()),
            // Some keyrings do not say what they have before they are unlocked.
            (0, 0) if self.is_default_locked().await? => Err(SecretError::KeyringLocked),
            (0, 0) => Err(not_in(item)),
            (0, _) => Err(SecretError::KeyringLocked),
            (n, _) => Err(SecretError::SeveralInKeyring {
                account: item.account.to_owned(),
                purpose: item.purpose,
                n,
            }),
        }
    }

    async fn tool(
        &self,
        verb: &str,
        item: &Item<'_>,
        options: &[&str],
        input: Option<&Secret>,
        limit: Duration,
    ) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let mut command = vec!["secret-tool", verb];
        command.extend(options);
        command.extend(item.attributes().iter().flat_map(|(name, value)| [*name, *value]));
        let environment = [("DBUS_SESSION_BUS_ADDRESS", self.address.as_str())];
        let ran = run_with(&command, &environment, input, limit).await;
        ran.map_err(|error| match error {
            SecretError::NotStarted { source, .. } if source.kind() == ErrorKind::NotFound => {
                SecretError::NoSecretTool
            }
            error => error,
        })
    }

    /// Asks for these to be unlocked, and waits until the user has answered.
    async fn unlock(&self, locked: &[OwnedObjectPath]) -> Result<(), SecretError> {
        let mut messages = MessageStream::from(&self.connection);
        let reply = self.call(NAME, PATH, SERVICE, "Unlock", &(locked,)).await?;
        let (_, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = answer(&reply)?;
        if prompt.as_str() == NONE {
            return Ok(());
        }
        let rule = format!("type='signal',interface='{PROMPT}',path='{prompt}'");
        self.call(BUS, "/org/freedesktop/DBus", BUS, "AddMatch", &(rule,)).await?;
        self.call(NAME, prompt.as_str(), PROMPT, "Prompt", &("",)).await?;
        while let Some(message) = messages.next().await {
            let Ok(message) = message else { continue };
            let header = message.header();
            let is_end = header.message_type() == Type::Signal
                && header.path().is_some_and(|path| path.as_str() == prompt.as_str())
                && header.member().is_some_and(|member| member.as_str() == "Completed");
            if is_end {
                let (is_dismissed, _): (bool, OwnedVariant) = answer(&message)?;
                return if is_dismissed { Err(SecretError::KeyringLocked) } else { Ok(()) };
            }
        }
        Err(SecretError::NoKeyring { has_bus: false })
    }
}

async fn within<T>(
    limit: Duration,
    doing: impl Future<Output = Result<T, SecretError>>,
) -> Result<T, SecretError> {
    let silent = || SecretError::Silent { what: "the keyring".to_owned(), limit };
    timeout(limit, doing).await.unwrap_or_else(|_| Err(silent()))
}

/// Whether nobody was there to answer: none is known by this name, or it could not be started.
fn is_absence(error: &zbus::fdo::Error) -> bool {
    use zbus::fdo::Error;
    matches!(
        error,
        Error::ServiceUnknown(_)
            | Error::NameHasNoOwner(_)
            | Error::SpawnExecFailed(_)
            | Error::SpawnForkFailed(_)
            | Error::SpawnChildExited(_)
            | Error::SpawnChildSignaled(_)
            | Error::SpawnFailed(_)
            | Error::SpawnServiceNotFound(_)
            | Error::SpawnFileInvalid(_)
    )
}

fn answer<T>(reply: &Message) -> Result<T, SecretError>
where
    T: for<'d> serde::Deserialize<'d> + zbus::Type,
{
    reply.body().deserialize().map_err(|error| failed(&error.to_string()))
}

fn failed(why: &str) -> SecretError {
    SecretError::KeyringFailed { why: safe_line(why, 200) }
}

fn not_in(item: &Item<'_>) -> SecretError {
    SecretError::NotInKeyring { account: item.account.to_owned(), purpose: item.purpose }
}
