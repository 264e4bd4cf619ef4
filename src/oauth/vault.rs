//! Where the permission to read a mailbox is kept: the system's keyring, or an encrypted file.
//!
//! The file is sealed with ChaCha20-Poly1305 (RFC 8439) by a key that lies elsewhere. Whoever has the
//! file alone, such as a backup of the data, has nothing; whoever can read all files of the user has
//! both. A file is replaced whole and is on the disk before the old one is gone, since a provider that
//! gives out a new refresh token may take the old one no more.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use secrecy::zeroize::Zeroizing;
use sha2::{Digest, Sha256};
use tokio::time::{Instant, sleep};

use super::Error;
use super::grant::Grant;
use crate::keyring::{self, Item, Purpose};
use crate::replace::Replacement;
use crate::secret::{Kind, Secret, SecretError, SecretSource};

/// How a sealed file begins.
const MAGIC: &[u8] = b"acewatch-sealed-1\n";
/// The shortest text that a key is made of: it is not stretched, so it must be random.
const SHORTEST_KEY: usize = 32;
/// More bytes than a sealed file has; Microsoft's refresh tokens have up to 2 KB.
const ROOM: usize = 8192;

/// Where the refresh token of a mailbox is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Store {
    /// In the Secret Service.
    Keyring,
    /// In a file of the folder, sealed.
    File(Key),
}

/// What opens a sealed file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Key {
    /// A file of ours, made where it is missing.
    Ours(PathBuf),
    /// What the user gives.
    From(SecretSource),
}

/// The place of one mailbox's permission.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Vault {
    /// Whose it is: `user@host`.
    pub account: String,
    /// Where it is.
    pub store: Store,
    /// The folder for sealed files and for locks.
    pub folder: PathBuf,
}

/// Keeps other processes from using the refresh token, for as long as it lives.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "the lock goes with the file")] File);

impl Vault {
    /// Waits until no other process renews the token.
    pub(super) async fn lock(&self, limit: Duration) -> Result<Lock, Error> {
        let path = self.path("lock");
        let failed = |source| Error::File { path: path.clone(), source };
        make_folder(&self.folder).map_err(failed)?;
        let file = open_lock(&path).map_err(failed)?;
        let deadline = Instant::now() + limit;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
                Err(fs::TryLockError::WouldBlock) if deadline <= Instant::now() => {
                    return Err(Error::InUse { limit });
                }
                Err(fs::TryLockError::WouldBlock) => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// The permission; `None` where there is none.
    pub(super) async fn read(&self, limit: Duration) -> Result<Option<Grant>, Error> {
        match &self.store {
            Store::Keyring => match keyring::read(&self.item(), limit).await {
                Ok(text) => {
                    let text = std::str::from_utf8(&text)
                        .map_err(|_| Error::Unsealable { place: self.place() })?;
                    Ok(Some(Grant::parse(text)))
                }
                Err(SecretError::NotInKeyring { .. }) => Ok(None),
                Err(source) => Err(Error::Keyring { source: Box::new(source) }),
            },
            Store::File(key) => {
                let path = self.path("sealed");
                let sealed = match fs::read(&path) {
                    Ok(sealed) => sealed,
                    Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(source) => return Err(Error::File { path, source }),
                };
                let key = key.read(limit).await?;
                let opened = key.and_then(|key| open(&key, &self.account, &sealed));
                let text = opened.ok_or_else(|| Error::Unsealable { place: self.place() })?;
                Ok(Some(Grant::parse(&text)))
            }
        }
    }

    /// That a permission could be stored, as far as that is seen without storing one.
    pub(super) async fn require_room(&self, limit: Duration) -> Result<(), Error> {
        match &self.store {
            Store::Keyring => match keyring::state(limit).await {
                keyring::State::Locked => {
                    Err(Error::Keyring { source: Box::new(SecretError::KeyringLocked) })
                }
                // Where it is gone, storing says so.
                _ => Ok(()),
            },
            Store::File(_) => {
                let tried = tempfile::NamedTempFile::new_in(&self.folder)
                    .and_then(|mut file| file.write_all(&[0; ROOM]));
                tried.map_err(|source| Error::File { path: self.path("sealed"), source })
            }
        }
    }

    /// Puts it where the next log-in finds it.
    pub(super) async fn store(&self, grant: &Grant, limit: Duration) -> Result<(), Error> {
        match &self.store {
            Store::Keyring => {
                let label = format!("acewatch: {}", self.account);
                let text = Secret::new(grant.text().to_string(), Kind::Password);
                let stored = keyring::store(&self.item(), &label, &text, limit).await;
                stored.map_err(|source| Error::Keyring { source: Box::new(source) })
            }
            Store::File(key) => {
                let path = self.path("sealed");
                let failed = |source| Error::File { path: path.clone(), source };
                make_folder(&self.folder).map_err(failed)?;
                let key = match key.read(limit).await? {
                    Some(key) => key,
                    None => key.make()?,
                };
                let sealed = seal(&key, &self.account, grant.text().as_bytes());
                let sealed =
                    sealed.ok_or_else(|| failed(io::Error::other("it cannot be sealed")))?;
                replace(&path, &sealed).map_err(failed)
            }
        }
    }

    /// Removes it; says whether there was one.
    pub(super) async fn remove(&self, limit: Duration) -> Result<bool, Error> {
        match &self.store {
            Store::Keyring => match keyring::remove(&self.item(), limit).await {
                Ok(()) => Ok(true),
                Err(SecretError::NotInKeyring { .. }) => Ok(false),
                Err(source) => Err(Error::Keyring { source: Box::new(source) }),
            },
            Store::File(_) => {
                let path = self.path("sealed");
                match fs::remove_file(&path) {
                    Ok(()) => Ok(true),
                    Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(false),
                    Err(source) => Err(Error::File { path, source }),
                }
            }
        }
    }

    /// Its place in the keyring, if it is there.
    pub fn kept(&self) -> Option<Item<'_>> {
        match &self.store {
            Store::Keyring => Some(self.item()),
            Store::File(_) => None,
        }
    }

    /// Has the keyring ask its user for its password where that is needed. For commands on a terminal.
    ///
    /// # Errors
    ///
    /// There is no keyring, or its user does not want to.
    pub async fn unlock(&self, limit: Duration) -> Result<(), SecretError> {
        match &self.store {
            Store::Keyring => keyring::unlock(&self.item(), limit).await,
            Store::File(_) => Ok(()),
        }
    }

    fn item(&self) -> Item<'_> {
        Item { account: &self.account, purpose: Purpose::RefreshToken }
    }

    /// For a person.
    pub fn place(&self) -> String {
        match &self.store {
            Store::Keyring => "the system's keyring".to_owned(),
            Store::File(_) => format!("the encrypted file {}", self.path("sealed").display()),
        }
    }

    /// A file of this account. Names of accounts may hold anything, so they are not names of files.
    fn path(&self, extension: &str) -> PathBuf {
        let digest = Sha256::digest(self.account.as_bytes());
        let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("{name}.{extension}"))
    }
}

impl Key {
    /// The text that the key is made of; `None` where our own file is missing.
    async fn read(&self, limit: Duration) -> Result<Option<Secret>, Error> {
        let source = match self {
            Key::Ours(path) if !path.exists() => return Ok(None),
            Key::Ours(path) => &SecretSource::File(path.clone()),
            Key::From(source) => source,
        };
        let read = source.read_at_rest(limit).await;
        let key = read.map_err(|source| Error::Key { source: Box::new(source) })?;
        match key.expose().len() < SHORTEST_KEY {
            true => Err(Error::ShortKey { origin: source.to_string(), least: SHORTEST_KEY }),
            false => Ok(Some(key)),
        }
    }

    /// Makes our own file, for its owner alone.
    fn make(&self) -> Result<Secret, Error> {
        let Key::Ours(path) = self else { return Err(Error::NoKey) };
        let failed = |source| Error::File { path: path.clone(), source };
        let mut bytes = Zeroizing::new([0; 32]);
        let filled = SystemRandom::new().fill(bytes.as_mut_slice());
        filled.map_err(|_| failed(io::Error::other("the system gives no random numbers")))?;
        let text: Zeroizing<String> =
            Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        make_folder(path.parent().unwrap_or(Path::new("."))).map_err(failed)?;
        replace(path, format!("{}\n", text.as_str()).as_bytes()).map_err(failed)?;
        Ok(Secret::new(text.to_string(), Kind::Password))
    }
}

/// The cipher for an account. HKDF (RFC 5869) makes a key of whatever text the user's is.
fn cipher(key: &Secret) -> Option<LessSafeKey> {
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, MAGIC);
    let material = salt.extract(key.expose().as_bytes());
    let key = material.expand(&[b"refresh token"], &CHACHA20_POLY1305).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(key)))
}

/// A file sealed for one account cannot be put in the place of another's.
fn context(account: &str) -> Aad<Vec<u8>> {
    Aad::from([MAGIC, account.as_bytes()].concat())
}

fn seal(key: &Secret, account: &str, text: &[u8]) -> Option<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).ok()?;
    let mut sealed = Zeroizing::new(Vec::with_capacity(text.len() + CHACHA20_POLY1305.tag_len()));
    sealed.extend_from_slice(text);
    let nonce_used = Nonce::assume_unique_for_key(nonce);
    cipher(key)?.seal_in_place_append_tag(nonce_used, context(account), &mut *sealed).ok()?;
    Some([MAGIC, &nonce, &sealed].concat())
}

fn open(key: &Secret, account: &str, sealed: &[u8]) -> Option<Zeroizing<String>> {
    let rest = sealed.strip_prefix(MAGIC)?;
    let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
    let mut sealed = Zeroizing::new(sealed.to_vec());
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let opened = cipher(key)?.open_in_place(nonce, context(account), &mut sealed).ok()?;
    String::from_utf8(opened.to_vec()).ok().map(Zeroizing::new)
}

/// For its owner alone, like what is in it.
fn make_folder(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(above) = folder.parent() {
        make_folder(above)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {
            let mut options = File::options();
            options.read(true).custom_flags(libc::O_DIRECTORY | libc::O_NOFOLLOW);
            hand_over(&options.open(folder)?, folder);
            Ok(())
        }
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens the file of a lock, and makes it where it is missing. No link is followed: the folder may
/// belong to the user of a service, and this process be root.
fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            hand_over(&file, path);
            Ok(file)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => options.open(path),
        Err(error) => Err(error),
    }
}

/// Gives what was just made at `path` to the owner of its folder: what root makes beside the history of
/// a service belongs to the service's user. For everybody else that is so already, or not allowed. It
/// is the open file that is given, since another may stand at its path by now; and never one that was
/// there before, since the service's user may have put it there.
fn hand_over(made: &File, path: &Path) {
    if let Some(folder) = path.parent().and_then(|folder| fs::metadata(folder).ok()) {
        let _ = fchown(made, Some(folder.uid()), Some(folder.gid()));
    }
}

/// Writes a file for the owner of its folder alone.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let replacement = Replacement::of(path)?;
    hand_over(replacement.file(), path);
    replacement.file().write_all(bytes)?;
    replacement.put(true)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn vault(home: &Path) -> Vault {
        Vault {
            account: "ops@broker.example@imap.example.com".to_owned(),
            store: Store::File(Key::Ours(home.join("state/oauth.key"))),
            folder: home.join("data/oauth"),
        }
    }

    fn grant(token: &str) -> Grant {
        Grant {
            refresh_token: Secret::new(token.to_owned(), Kind::Password),
            client_id: "a-client".to_owned(),
            signed_in_at: chrono::DateTime::from_timestamp(1_000_000, 0),
            sign_in_before: None,
        }
    }

    #[tokio::test]
    async fn what_is_stored_is_read_back_and_stands_nowhere_in_the_clear() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(home.path());
        assert!(vault.read(LIMIT).await.unwrap().is_none());
        for token in ["1//refresh-one", "1//refresh-two"] {
            vault.store(&grant(token), LIMIT).await.unwrap();
            let found = vault.read(LIMIT).await.unwrap().unwrap();
            assert_eq!(found.refresh_token.expose(), token);
            assert_eq!(found.client_id, "a-client");
            let sealed = fs::read(vault.path("sealed")).unwrap();
            assert!(!sealed.windows(8).any(|window| window == b"1//refre"));
        }
        for path in [vault.path("sealed"), home.path().join("state/oauth.key")] {
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // Nothing is left beside them of the writing.
        assert_eq!(fs::read_dir(&vault.folder).unwrap().count(), 1);
        assert!(vault.remove(LIMIT).await.unwrap());
        assert!(!vault.remove(LIMIT).await.unwrap());
    }

    #[tokio::test]
    async fn another_key_another_account_or_a_changed_file_opens_nothing() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(home.path());
        vault.store(&grant("1//refresh"), LIMIT).await.unwrap();
        let sealed = fs::read(vault.path("sealed")).unwrap();
        let other =
            Vault { account: "eve@broker.example@imap.example.com".to_owned(), ..vault.clone() };
        fs::write(other.path("sealed"), &sealed).unwrap();
        assert!(matches!(other.read(LIMIT).await, Err(Error::Unsealable { .. })));
        for n in [0, MAGIC.len(), MAGIC.len() + NONCE_LEN, sealed.len() - 1] {
            let mut changed = sealed.clone();
            changed[n] ^= 1;
            fs::write(vault.path("sealed"), &changed).unwrap();
            assert!(matches!(vault.read(LIMIT).await, Err(Error::Unsealable { .. })), "{n}");
            fs::write(vault.path("sealed"), &sealed[..n]).unwrap();
            assert!(matches!(vault.read(LIMIT).await, Err(Error::Unsealable { .. })), "{n}");
        }
        fs::write(vault.path("sealed"), &sealed).unwrap();
        assert!(vault.read(LIMIT).await.unwrap().is_some());
        fs::remove_file(home.path().join("state/oauth.key")).unwrap();
        assert!(matches!(vault.read(LIMIT).await, Err(Error::Unsealable { .. })));
    }

    #[tokio::test]
    async fn a_key_of_the_user_s_must_be_long() {
        let home = tempfile::tempdir().unwrap();
        let key = |text: &str| {
            let command = ["echo", text].map(str::to_owned).to_vec();
            Store::File(Key::From(SecretSource::Command(command)))
        };
        let short = Vault { store: key("hunter2"), ..vault(home.path()) };
        let err = short.store(&grant("x"), LIMIT).await.unwrap_err();
        assert!(matches!(err, Error::ShortKey { .. }) && !err.to_string().contains("hunter2"));
        let long = Vault { store: key(&"k".repeat(SHORTEST_KEY)), ..vault(home.path()) };
        long.store(&grant("x"), LIMIT).await.unwrap();
        assert!(long.read(LIMIT).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn what_root_makes_belongs_to_whoever_has_the_folder() {
        let home = tempfile::tempdir().unwrap();
        // Only root can, and then it matters.
        let _ = chown(home.path(), Some(65_534), Some(65_534));
        let vault = vault(home.path());
        vault.store(&grant("x"), LIMIT).await.unwrap();
        drop(vault.lock(LIMIT).await.unwrap());
        let owner = fs::metadata(home.path()).unwrap().uid();
        for path in [vault.path("sealed"), vault.path("lock"), vault.folder.clone()] {
            assert_eq!(fs::metadata(path).unwrap().uid(), owner);
        }
    }

    #[tokio::test]
    async fn what_the_service_s_user_links_to_is_neither_opened_nor_given_away() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(home.path());
        drop(vault.lock(LIMIT).await.unwrap());
        let other = home.path().join("shadow");
        fs::write(&other, "root's").unwrap();
        let before = fs::metadata(&other).unwrap().uid();
        // Only root can, and then it matters.
        let _ = chown(&vault.folder, Some(65_534), Some(65_534));
        for missing in [true, false] {
            fs::remove_file(vault.path("lock")).unwrap();
            let to = if missing { home.path().join("missing") } else { other.clone() };
            symlink(to, vault.path("lock")).unwrap();
            let refused = vault.lock(LIMIT).await.unwrap_err();
            assert!(matches!(refused, Error::File { .. }), "{refused}");
        }
        assert!(!home.path().join("missing").exists());
        fs::remove_file(vault.path("lock")).unwrap();
        fs::hard_link(&other, vault.path("lock")).unwrap();
        let _ = vault.lock(LIMIT).await;
        // A permission takes the place of a link, not of what it points to.
        symlink(&other, vault.path("sealed")).unwrap();
        vault.store(&grant("x"), LIMIT).await.unwrap();
        assert_eq!(fs::read_to_string(&other).unwrap(), "root's");
        assert_eq!(fs::metadata(&other).unwrap().uid(), before);
    }

    #[tokio::test]
    async fn one_process_at_a_time_renews() {
        let home = tempfile::tempdir().unwrap();
        let vault = vault(home.path());
        let lock = vault.lock(LIMIT).await.unwrap();
        let refused = vault.lock(Duration::from_millis(60)).await;
        assert!(matches!(refused, Err(Error::InUse { .. })));
        drop(lock);
        vault.lock(LIMIT).await.unwrap();
    }
}
