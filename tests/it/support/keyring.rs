//! A private keyring: GNOME Keyring on the bus of a private desktop, with a home of its own.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use zbus::wire::{OwnedObjectPath, OwnedVariant, Variant};

use super::desktop::Desktop;
use super::{Server, needed, output_of, scratch, until};

const NAME: &str = "org.freedesktop.secrets";
const PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

/// What opens it, as the log-in of its user does.
const MASTER: &str = "open sesame";

/// A keyring that lives as long as this value, in a session that must live longer.
#[derive(Debug)]
pub struct Keyring {
    home: tempfile::TempDir,
    address: String,
    daemon: Option<Server>,
}

impl Keyring {
    /// Makes an open keyring without anything in it.
    pub fn start(desktop: &Desktop) -> Keyring {
        let mut keyring = Keyring { home: scratch(), address: desktop.bus_address(), daemon: None };
        keyring.launch(true);
        keyring
    }

    /// Starts it once more, locked, as before its user has logged in.
    pub fn start_locked(&mut self) {
        self.launch(false);
    }

    /// Ends its program, as where nobody has started it yet.
    pub fn stop(&mut self) {
        self.daemon = None;
        // The bus knows it before the next one asks.
        until("the bus knows", || match self.is_there() {
            false => Ok(()),
            true => Err("it still has its name".to_owned()),
        });
    }

    /// Locks it.
    pub fn lock(&self) {
        let login = OwnedObjectPath::try_from(LOGIN).unwrap();
        let _: (Vec<OwnedObjectPath>, OwnedObjectPath) =
            call(&self.address, PATH, SERVICE, "Lock", &(vec![login],));
    }

    /// Unlocks it with its password, as the log-in of its user does.
    pub fn unlock(&self) {
        // The session ends with its connection, so that both calls go over one.
        with_connection(&self.address, async |connection| {
            let opened = connection
                .call_method(
                    Some(NAME),
                    PATH,
                    Some(SERVICE),
                    "OpenSession",
                    &("plain", Variant::from("")),
                )
                .await
                .unwrap();
            let (_, session): (OwnedVariant, OwnedObjectPath) =
                opened.body().deserialize().unwrap();
            let login = OwnedObjectPath::try_from(LOGIN).unwrap();
            let secret = (session, Vec::<u8>::new(), MASTER.as_bytes().to_vec(), "text/plain");
            connection
                .call_method(
                    Some(NAME),
                    PATH,
                    Some("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"),
                    "UnlockWithMasterPassword",
                    &(login, secret),
                )
                .await
                .unwrap();
        });
    }

    /// Puts a secret into it with these attributes, as a person does with `secret-tool`.
    pub fn put(&self, secret: &str, attributes: &[&str]) {
        let mut child = self
            .tool()
            .args(["store", "--label=by hand"])
            .args(attributes)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(secret.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// Returns the secret with these attributes.
    pub fn get(&self, attributes: &[&str]) -> Option<String> {
        let output = self.tool().arg("lookup").args(attributes).output().unwrap();
        output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
    }

    /// Returns what it lists of everything that acewatch has in it: attributes and labels.
    pub fn list(&self) -> String {
        output_of(self.tool().args(["search", "--all", "service", "acewatch"]))
    }

    fn tool(&self) -> Command {
        let mut command = Command::new(needed("secret-tool", "libsecret-tools"));
        command
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("HOME", self.home.path())
            .stderr(Stdio::null());
        command
    }

    fn launch(&mut self, is_open: bool) {
        assert!(self.daemon.is_none(), "it runs");
        let log = fs::File::create(self.home.path().join("log")).unwrap();
        let mut command = Command::new(needed("gnome-keyring-daemon", "gnome-keyring"));
        command
            .args(["--foreground", "--components=secrets"])
            .arg(format!("--control-directory={}", self.home.path().join("control").display()))
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env("HOME", self.home.path())
            .env("XDG_DATA_HOME", self.home.path().join("data"))
            .env("XDG_RUNTIME_DIR", self.home.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log);
        if is_open {
            command.arg("--unlock");
        }
        let mut daemon = Server(command.spawn().unwrap());
        daemon.0.stdin.take().unwrap().write_all(MASTER.as_bytes()).unwrap();
        self.daemon = Some(daemon);
        until("the keyring is on the bus", || match self.is_there() {
            true => Ok(()),
            false => Err(fs::read_to_string(self.home.path().join("log")).unwrap_or_default()),
        });
    }

    fn is_there(&self) -> bool {
        let (bus, path) = ("org.freedesktop.DBus", "/org/freedesktop/DBus");
        with_connection(&self.address, async |connection| {
            let asked =
                connection.call_method(Some(bus), path, Some(bus), "NameHasOwner", &(NAME,));
            asked.await.unwrap().body().deserialize().unwrap()
        })
    }
}

fn call<B, T>(address: &str, path: &str, interface: &str, member: &str, arguments: &B) -> T
where
    B: serde::Serialize + zbus::wire::DynamicType,
    T: serde::de::DeserializeOwned + zbus::Type,
{
    with_connection(address, async |connection| {
        let called = connection.call_method(Some(NAME), path, Some(interface), member, arguments);
        called.await.unwrap().body().deserialize().unwrap()
    })
}

fn with_connection<T>(address: &str, with: impl AsyncFnOnce(&zbus::Connection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let connection = zbus::connection::Builder::address(address).build().await.unwrap();
        with(&connection).await
    })
}

/// Who would put a prompt before the user, and counts how often it is asked to. It never does.
pub struct Prompter {
    n_asked: Arc<AtomicU32>,
    connection: Option<zbus::Connection>,
    runtime: Option<tokio::runtime::Runtime>,
}

struct Counting(Arc<AtomicU32>);

#[zbus::interface(name = "org.gnome.keyring.internal.Prompter")]
impl Counting {
    fn begin_prompting(&self, _callback: OwnedObjectPath) -> zbus::fdo::Result<()> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Err(zbus::fdo::Error::Failed("nobody is here".to_owned()))
    }
}

impl Prompter {
    /// Starts it on the bus of a session.
    pub fn start(desktop: &Desktop) -> Prompter {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let n_asked = Arc::new(AtomicU32::new(0));
        let served = Counting(Arc::clone(&n_asked));
        let connection = runtime.block_on(async {
            let address = desktop.bus_address();
            let builder = zbus::connection::Builder::address(address.as_str());
            let builder = builder.serve_at("/org/gnome/keyring/Prompter", served);
            builder.name("org.gnome.keyring.SystemPrompter").build().await.unwrap()
        });
        Prompter { n_asked, connection: Some(connection), runtime: Some(runtime) }
    }

    /// Returns how often it was asked so far.
    pub fn n_asked(&self) -> u32 {
        self.n_asked.load(Ordering::Relaxed)
    }
}

impl Drop for Prompter {
    fn drop(&mut self) {
        drop(self.connection.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
