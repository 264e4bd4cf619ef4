//! Where a password or access token is read from, and the type that keeps it quiet.
//!
//! A secret is read anew at each log-in and never kept: a password changed in the password
//! manager is used at the next attempt, a locked keyring may be open by then, and an access
//! token is fresh. The types here cannot print a secret; errors quote what a command wrote to
//! its standard error, never its standard output. Every read has a bound in time and size,
//! because a command may ask a question that nobody is there to answer.

pub(crate) mod run;

use std::env;
use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::timeout;

use crate::keyring::{self, Item, Purpose, Start};
use crate::oauth::{self, OAuth};
use crate::shell;
use run::run;

/// Where the secret of a mailbox is.
#[derive(Clone, Eq, PartialEq)]
pub enum SecretSource {
    /// A program and its arguments, run without a shell; the first line it prints is the
    /// password.
    Command(Vec<String>),
    /// A file that only its owner can read; its first line is the password.
    File(PathBuf),
    /// A systemd credential by name: a file in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
    /// An environment variable. Other processes of the user can read it, so it is for tests.
    Environment(String),
    /// Like [`SecretSource::Command`], but it prints an OAuth access token.
    TokenCommand(Vec<String>),
    /// The user's keyring ([`crate::keyring`]), under this account.
    Keyring(String),
    /// An access token that acewatch itself gets from the provider.
    OAuth(Arc<OAuth>),
}

impl SecretSource {
    /// Reads the secret, taking at most `limit`.
    ///
    /// Only the first line counts, without its end: password managers print notes below it,
    /// and editors end the last line of a file. A command inherits the environment except for
    /// what lets it speak to systemd in the daemon's name, and finds its standard input empty.
    pub async fn read(&self, limit: Duration) -> Result<Secret, SecretError> {
        match self {
            Self::OAuth(oauth) => {
                oauth.access_token(limit).await.map_err(|error| match error {
                    // It is waited for like any keyring.
                    oauth::Error::Keyring { source } => *source,
                    error => SecretError::OAuth { source: Box::new(error) },
                })
            }
            other => other.read_at_rest(limit).await,
        }
    }

    /// The same of a secret that lies somewhere, such as those that OAuth 2.0 itself needs.
    pub(crate) async fn read_at_rest(&self, limit: Duration) -> Result<Secret, SecretError> {
        match self {
            Self::Command(command) => {
                Ok(Secret::new(first_line(run(command, limit).await?, self)?, Kind::Password))
            }
            Self::TokenCommand(command) => {
                Ok(Secret::new(first_line(run(command, limit).await?, self)?, Kind::AccessToken))
            }
            Self::File(path) => {
                let text = read_file(path.clone(), Guard::OwnerOnly, limit).await?;
                Ok(Secret::new(first_line(text, self)?, Kind::Password))
            }
            Self::Credential(name) => {
                let directory = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
                let text = read_credential(directory, name, limit).await?;
                Ok(Secret::new(first_line(text, self)?, Kind::Password))
            }
            Self::Environment(name) => {
                let Some(value) = env::var_os(name) else {
                    return Err(SecretError::NoVariable { name: name.clone() });
                };
                let text = Zeroizing::new(value.into_encoded_bytes());
                Ok(Secret::new(first_line(text, self)?, Kind::Password))
            }
            Self::Keyring(account) => {
                let item = Item { account, purpose: Purpose::Password };
                let text = keyring::read(&item, limit).await?;
                Ok(Secret::new(first_line(text, self)?, Kind::Password))
            }
            Self::OAuth(_) => Err(SecretError::Empty { origin: self.to_string() }),
        }
    }

    /// Says whether reading it would have to wait for a person, taking at most `limit`: a keyring that
    /// is locked or not there yet. A source that is faulty in another way is not waited for.
    ///
    /// # Errors
    ///
    /// What is waited for; see [`SecretError::awaited`].
    pub async fn look(&self, start: Start, limit: Duration) -> Result<(), SecretError> {
        // While there is a good token the keyring is not needed.
        let is_needed = self.oauth().is_none_or(|oauth| oauth.life().is_none() || oauth.is_due());
        match self.item().filter(|_| is_needed) {
            Some(item) => match keyring::look(&item, start, limit).await {
                Err(error) if error.awaited().is_some() => Err(error),
                Ok(()) | Err(_) => Ok(()),
            },
            None => Ok(()),
        }
    }

    /// Its place in the keyring, if it is there.
    #[must_use]
    pub fn item(&self) -> Option<Item<'_>> {
        match self {
            Self::Keyring(account) => Some(Item { account, purpose: Purpose::Password }),
            Self::Command(_)
            | Self::TokenCommand(_)
            | Self::File(_)
            | Self::Credential(_)
            | Self::Environment(_) => None,
            Self::OAuth(oauth) => oauth.settings.vault.kept(),
        }
    }

    /// The way to access tokens, where acewatch gets them by itself.
    pub fn oauth(&self) -> Option<&Arc<OAuth>> {
        match self {
            Self::OAuth(oauth) => Some(oauth),
            _ => None,
        }
    }
}

impl fmt::Display for SecretSource {
    /// Names the source for a person. Arguments are left out: some hold secrets themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => write!(f, "password-command {}", program(command)),
            Self::TokenCommand(command) => write!(f, "token-command {}", program(command)),
            Self::File(path) => write!(f, "password-file {}", path.display()),
            Self::Credential(name) => write!(f, "credential {name}"),
            Self::Environment(name) => write!(f, "password-environment {name}"),
            Self::Keyring(account) => write!(f, "the keyring's entry for {account}"),
            Self::OAuth(oauth) => write!(f, "oauth at {}", oauth.settings.provider),
        }
    }
}

impl fmt::Debug for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretSource({self})")
    }
}

/// A password or token. It cannot print itself, and its memory is wiped when it goes.
#[derive(Clone, Debug)]
pub struct Secret {
    value: SecretString,
    kind: Kind,
}

impl Secret {
    /// Wraps a text that came from elsewhere, such as a prompt.
    pub fn new(value: String, kind: Kind) -> Self {
        Self { value: value.into(), kind }
    }

    /// The secret itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }

    /// How it is to be presented to the server.
    pub fn kind(&self) -> Kind {
        self.kind
    }
}

/// How a secret is presented to the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// By AUTHENTICATE PLAIN or LOGIN.
    Password,
    /// By AUTHENTICATE XOAUTH2 or OAUTHBEARER.
    AccessToken,
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The program could not be started.
    #[error("cannot run `{program}`")]
    NotStarted {
        /// The program, without its arguments.
        program: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// The program failed.
    #[error("`{program}` failed ({status}){}", said(stderr))]
    Failed {
        /// The program, without its arguments.
        program: String,
        /// Its exit code or signal.
        status: ExitStatus,
        /// The beginning of what it wrote to standard error, on one line, harmless to print.
        stderr: String,
    },
    /// Nothing came within the limit, and the program was killed.
    #[error("{what} gave no answer within {}", humantime::format_duration(*limit))]
    Silent {
        /// The program or file.
        what: String,
        /// How long it had.
        limit: Duration,
    },
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It is a directory, a pipe or a device.
    #[error("{} is not a regular file", path.display())]
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Others than the owner may read or write the file.
    #[error("others can access {} (mode {:04o})", path.display(), mode & 0o7777)]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The file belongs to another user, who could replace it.
    #[error("{} belongs to another user (uid {owner})", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
    /// There is no `$CREDENTIALS_DIRECTORY`: systemd did not start this process.
    #[error("systemd passed no credentials, so there is no credential `{name}`")]
    NoCredentials {
        /// The credential.
        name: String,
    },
    /// The environment variable is not set.
    #[error("the environment variable {name} is not set")]
    NoVariable {
        /// The variable.
        name: String,
    },
    /// Nothing on the session bus keeps secrets, or there is no session bus.
    #[error("there is no {}", if *has_bus { "keyring on the session bus" } else { "session bus, and so no keyring" })]
    NoKeyring {
        /// Whether there is a session bus.
        has_bus: bool,
    },
    /// Only the user can open the keyring.
    #[error("the keyring is locked")]
    KeyringLocked,
    /// The program `secret-tool` is not installed.
    #[error("the program secret-tool, by which the keyring is read, is not installed")]
    NoSecretTool,
    /// The keyring is open, and does not have it.
    #[error("the keyring has no {purpose} for {account}")]
    NotInKeyring {
        /// Whose it would be.
        account: String,
        /// What it would be.
        purpose: Purpose,
    },
    /// It cannot be said which one is meant. Trying each could lock the account.
    #[error("the keyring has {n} entries with a {purpose} for {account}")]
    SeveralInKeyring {
        /// Whose they are.
        account: String,
        /// What they are.
        purpose: Purpose,
        /// How many.
        n: usize,
    },
    /// The keyring answers with an error.
    #[error("the keyring failed: {why}")]
    KeyringFailed {
        /// What it said, on one line, harmless to print.
        why: String,
    },
    /// The first line is empty.
    #[error("{origin} gave an empty secret")]
    Empty {
        /// The source.
        origin: String,
    },
    /// The first line is beyond any password or token.
    #[error("{origin} gave more than {LARGEST} bytes without a line end")]
    TooLong {
        /// The source.
        origin: String,
    },
    /// OAuth 2.0 gives no access token.
    #[error(transparent)]
    OAuth {
        /// Why not.
        source: Box<oauth::Error>,
    },
    /// The first line is no UTF-8 text, or holds control characters.
    #[error("{origin} gave something that is no text")]
    NotText {
        /// The source.
        origin: String,
    },
}

impl SecretError {
    /// What only a person can do, who may not be there yet; `None` where waiting does not help.
    #[must_use]
    pub fn awaited(&self) -> Option<&'static str> {
        match self {
            Self::KeyringLocked => Some("the keyring to be unlocked"),
            Self::NoKeyring { has_bus: true } => Some("a keyring on the session bus"),
            Self::NoKeyring { has_bus: false } => Some("the keyring of a desktop session"),
            _ => None,
        }
    }

    /// What to do about it, for the line `hint: …` below the error.
    pub fn hint(&self) -> String {
        match self {
            Self::NotStarted { program, .. } if program.contains(char::is_whitespace) => {
                "write the program and each argument apart: [\"pass\", \"show\", \"mail/ops\"]"
                    .to_owned()
            }
            Self::NotStarted { .. } => {
                "name a program in $PATH, or its whole path; no shell is involved".to_owned()
            }
            Self::Failed { .. } => {
                "run the command by hand; the first line it prints must be the secret".to_owned()
            }
            Self::Empty { .. } | Self::NotText { .. } | Self::TooLong { .. } => {
                "its first line must be the secret, and nothing else".to_owned()
            }
            Self::Silent { .. } => "it must answer without asking anybody: is the password \
                                    store locked?"
                .to_owned(),
            Self::Unreadable { path, .. } | Self::NotAFile { path } => {
                format!("put the password alone into {}", quoted(path))
            }
            Self::TooOpen { path, .. } => format!("run `chmod 600 {}`", quoted(path)),
            Self::Foreign { path, .. } => {
                format!("run `chown \"$USER\" {}`, or copy the file", quoted(path))
            }
            Self::NoCredentials { name } => format!(
                "add LoadCredential={name}:… to the unit, or use `password-command` where systemd \
                 is too old for credentials of user services"
            ),
            Self::NoKeyring { has_bus: false } => {
                "log in to the desktop; on a machine without one \
                                                   use `credential` or `password-file`"
                    .to_owned()
            }
            Self::NoKeyring { has_bus: true } => "log in to the desktop, or start GNOME Keyring, \
                                                  KWallet or KeePassXC; without any of them use \
                                                  `password-file`"
                .to_owned(),
            Self::KeyringLocked => "log in to the desktop, or unlock it: `acewatch check` in a \
                                    terminal of the desktop asks for its password"
                .to_owned(),
            Self::NoSecretTool => "install it: sudo apt install libsecret-tools (elsewhere the \
                                   package libsecret)"
                .to_owned(),
            Self::NotInKeyring { account, purpose: Purpose::Password } => {
                format!("run `acewatch secret store {}`", shell::argument(account))
            }
            Self::SeveralInKeyring { account, purpose: Purpose::Password, .. } => {
                format!(
                    "run `acewatch secret store {}`, which leaves one",
                    shell::argument(account)
                )
            }
            Self::NotInKeyring { purpose: Purpose::RefreshToken, .. }
            | Self::SeveralInKeyring { purpose: Purpose::RefreshToken, .. } => {
                "sign in anew".to_owned()
            }
            Self::KeyringFailed { .. } => "see whether another program can read the keyring, such \
                                           as `secret-tool search service acewatch`"
                .to_owned(),
            Self::NoVariable { name } => format!("export {name}, or use `password-command`"),
            Self::OAuth { source } => source.hint(),
        }
    }
}

/// Longest secret and first line; access tokens of a few kilobytes exist.
pub(crate) const LARGEST: usize = 64 << 10;

type Bytes = Zeroizing<Vec<u8>>;

/// Whether the mode of a file is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Guard {
    /// Only the owner may have access.
    OwnerOnly,
    /// systemd answers for it: credentials are 0440 with an access list, and not ours.
    Unchecked,
}

async fn read_credential(
    directory: Option<PathBuf>,
    name: &str,
    limit: Duration,
) -> Result<Bytes, SecretError> {
    match directory {
        Some(directory) => read_file(directory.join(name), Guard::Unchecked, limit).await,
        None => Err(SecretError::NoCredentials { name: name.to_owned() }),
    }
}

/// Reads a file on a thread of its own, since a file on a network may never answer.
async fn read_file(path: PathBuf, guard: Guard, limit: Duration) -> Result<Bytes, SecretError> {
    let what = path.display().to_string();
    let task = tokio::task::spawn_blocking(move || read_guarded(&path, guard));
    match timeout(limit, task).await {
        Ok(Ok(result)) => result,
        // The task neither panics nor is it ever cancelled but by the end of the runtime.
        Ok(Err(_)) | Err(_) => Err(SecretError::Silent { what, limit }),
    }
}

fn read_guarded(path: &Path, guard: Guard) -> Result<Bytes, SecretError> {
    let unreadable = |source| SecretError::Unreadable { path: path.to_owned(), source };
    // Asked before it is opened, because opening a pipe waits for a writer, and again of what
    // was opened, because the name may meanwhile mean another file.
    check(path, &fs::metadata(path).map_err(unreadable)?, guard)?;
    let file = File::open(path).map_err(unreadable)?;
    check(path, &file.metadata().map_err(unreadable)?, guard)?;
    let mut text: Bytes = Zeroizing::new(Vec::with_capacity(LARGEST + 1));
    file.take(LARGEST as u64 + 1).read_to_end(&mut text).map_err(unreadable)?;
    Ok(text)
}

fn check(path: &Path, metadata: &Metadata, guard: Guard) -> Result<(), SecretError> {
    if !metadata.is_file() {
        return Err(SecretError::NotAFile { path: path.to_owned() });
    }
    match guard {
        Guard::Unchecked => Ok(()),
        Guard::OwnerOnly => {
            // The owner of /proc/self is the user this process acts as.
            let us = fs::metadata("/proc/self").ok().map(|us| us.uid());
            check_access(path, metadata.mode(), metadata.uid(), us)
        }
    }
}

/// Without knowing who we are nobody is suspected: the mode still says that only the owner can
/// read the file, and we are about to.
fn check_access(path: &Path, mode: u32, owner: u32, us: Option<u32>) -> Result<(), SecretError> {
    let path = path.to_owned();
    if mode & 0o077 != 0 {
        Err(SecretError::TooOpen { path, mode })
    } else if owner != 0 && us.is_some_and(|us| owner != us) {
        Err(SecretError::Foreign { path, owner })
    } else {
        Ok(())
    }
}

fn first_line(text: Bytes, origin: &SecretSource) -> Result<String, SecretError> {
    let origin = || origin.to_string();
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() > LARGEST {
        return Err(SecretError::TooLong { origin: origin() });
    }
    match str::from_utf8(line) {
        Ok("") => Err(SecretError::Empty { origin: origin() }),
        // A NUL or a carriage return would end the log-in command early.
        Ok(line) if line.contains(|c: char| c.is_control() && c != '\t') => {
            Err(SecretError::NotText { origin: origin() })
        }
        Ok(line) => Ok(line.to_owned()),
        Err(_) => Err(SecretError::NotText { origin: origin() }),
    }
}

fn program(command: &[String]) -> &str {
    command.first().map_or("", String::as_str)
}

fn said(stderr: &str) -> String {
    if stderr.is_empty() { String::new() } else { format!(": {stderr}") }
}

fn quoted(path: &Path) -> String {
    shell::quoted(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::run::LONGEST_COMPLAINT;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const LIMIT: Duration = Duration::from_secs(20);

    fn read(source: &SecretSource, limit: Duration) -> Result<Secret, SecretError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(source.read(limit))
    }

    fn shell(script: &str) -> SecretSource {
        SecretSource::Command(["sh", "-c", script].map(str::to_owned).to_vec())
    }

    /// `Err` is the beginning of the message.
    fn check(source: &SecretSource, expected: Result<&str, &str>) {
        match (read(source, LIMIT), expected) {
            (Ok(secret), Ok(expected)) => assert_eq!(secret.expose(), expected, "{source}"),
            (Err(err), Err(expected)) => {
                assert!(err.to_string().starts_with(expected), "{err}, not {expected}");
            }
            (result, expected) => panic!("{result:?}, not {expected:?}"),
        }
    }

    fn file(text: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("office's secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        (directory, path)
    }

    #[test]
    fn the_first_line_of_a_command_is_the_secret() {
        check(&shell("echo hunter2; echo user: ops"), Ok("hunter2"));
        check(&shell("printf ' hunter 2 \\r\\n'"), Ok(" hunter 2 "));
        check(&shell("printf hunter2"), Ok("hunter2"));
    }

    #[test]
    fn a_command_without_a_secret_is_an_error() {
        check(&shell("true"), Err("password-command sh gave an empty secret"));
        check(&shell("echo; echo hunter2"), Err("password-command sh gave an empty secret"));
        check(&shell("printf '\\377\\n'"), Err("password-command sh gave something that is no"));
        check(&shell("printf 'a\\000b\\n'"), Err("password-command sh gave something that is no"));
        check(&shell("yes | tr -d '\\n' | head -c 300000"), Err("password-command sh gave more"));
        check(&SecretSource::Command(Vec::new()), Err("cannot run ``"));
    }

    #[test]
    fn a_failing_command_is_quoted_from_standard_error_alone() {
        let source = shell("echo hunter2; printf 'gpg: \\033[31mlocked\\nhunter2\\n' >&2; exit 3");
        let err = read(&source, LIMIT).unwrap_err();
        assert_eq!(err.to_string(), "`sh` failed (exit status: 3): gpg: [31mlocked …");
        assert!(!format!("{err:?} {}", err.hint()).contains("hunter2"));
    }

    #[test]
    fn a_long_complaint_is_cut_and_blocks_nothing() {
        let source = shell("head -c 300000 /dev/zero | tr '\\0' x >&2; exit 1");
        let SecretError::Failed { stderr, .. } = read(&source, LIMIT).unwrap_err() else {
            panic!("the command failed");
        };
        assert_eq!(stderr.len(), LONGEST_COMPLAINT);
    }

    #[test]
    fn a_command_that_asks_a_question_gets_no_answer_and_an_end() {
        check(&shell("read answer || echo none"), Ok("none"));
        let limit = Duration::from_millis(50);
        let err = read(&SecretSource::Command(vec!["sleep".into(), "600".into()]), limit);
        assert_eq!(err.unwrap_err().to_string(), "`sleep` gave no answer within 50ms");
    }

    #[test]
    fn an_agent_left_behind_holds_nothing_up() {
        check(&shell("sleep 5 & printf hunter2"), Ok("hunter2"));
    }

    #[test]
    fn a_program_that_is_none_is_named_with_advice() {
        let err = read(&SecretSource::Command(vec!["no-such-program x".into()]), LIMIT);
        let err = err.unwrap_err();
        assert_eq!(err.to_string(), "cannot run `no-such-program x`");
        assert!(err.hint().starts_with("write the program and each argument apart"));
    }

    #[test]
    fn a_token_command_gives_a_token() {
        let source = SecretSource::TokenCommand(vec!["echo".into(), "ya29.x".into()]);
        let secret = read(&source, LIMIT).unwrap();
        assert_eq!((secret.expose(), secret.kind()), ("ya29.x", Kind::AccessToken));
    }

    #[test]
    fn a_file_of_the_owner_alone_gives_its_first_line() {
        for (text, mode) in
            [(&b"hunter2\r\n"[..], 0o600), (b"hunter2", 0o400), (b"hunter2\nx", 0o700)]
        {
            let (_directory, path) = file(text, mode);
            check(&SecretSource::File(path), Ok("hunter2"));
        }
    }

    #[test]
    fn a_file_that_others_can_access_is_refused_with_the_remedy() {
        for mode in [0o644, 0o640, 0o604, 0o620, 0o602, 0o610] {
            let (_directory, path) = file(b"hunter2", mode);
            let err = read(&SecretSource::File(path.clone()), LIMIT).unwrap_err();
            assert!(matches!(err, SecretError::TooOpen { .. }), "{mode:o}: {err}");
            let path = path.display().to_string().replace('\'', r"'\''");
            assert_eq!(err.hint(), format!("run `chmod 600 '{path}'`"));
        }
    }

    #[test]
    fn a_file_belongs_to_us_or_to_root() {
        for (owner, us, expected) in [
            (1000, Some(1000), true),
            (0, Some(1000), true),
            (1001, Some(1000), false),
            (1000, Some(0), false),
            (1001, None, true),
        ] {
            let result = check_access(Path::new("f"), 0o100_600, owner, us);
            assert_eq!(result.is_ok(), expected, "{owner} for {us:?}: {result:?}");
        }
    }

    #[test]
    fn only_regular_files_are_read() {
        let (directory, path) = file(b"", 0o600);
        check(&SecretSource::File(path), Err("password-file"));
        let directory_itself = directory.path().to_owned();
        let expected = format!("{} is not a regular file", directory_itself.display());
        check(&SecretSource::File(directory_itself), Err(&expected));
        check(&SecretSource::File(directory.path().join("none")), Err("cannot read"));
    }

    #[test]
    fn a_credential_is_a_file_in_the_directory_that_systemd_names() {
        let (directory, path) = file(b"hunter2\n", 0o440);
        let name = path.file_name().unwrap().to_str().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let read = |directory| runtime.block_on(read_credential(directory, name, LIMIT));
        assert_eq!(read(Some(directory.path().to_owned())).unwrap().as_slice(), b"hunter2\n");
        assert!(matches!(read(None), Err(SecretError::NoCredentials { .. })));
    }

    #[test]
    fn an_environment_variable_must_be_set() {
        // Cargo sets this one for every test.
        let source = SecretSource::Environment("CARGO_MANIFEST_DIR".to_owned());
        check(&source, Ok(env!("CARGO_MANIFEST_DIR")));
        let source = SecretSource::Environment("ACEWATCH_TEST_NOT_SET".to_owned());
        check(&source, Err("the environment variable ACEWATCH_TEST_NOT_SET is not set"));
    }

    #[test]
    fn neither_secrets_nor_arguments_are_ever_printed() {
        let source = SecretSource::Command(vec!["echo".into(), "hunter2".into()]);
        let secret = read(&source, LIMIT).unwrap();
        let printed = format!("{source} {source:?} {secret:?}");
        assert!(!printed.contains("hunter2"), "{printed}");
        assert_eq!(secret.expose(), "hunter2");
    }
}
