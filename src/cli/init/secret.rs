//! The secret of a mailbox in `acewatch init`: what the provider takes, and where it is kept.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::zeroize::Zeroizing;
use toml_edit::{Array, Table, value};

use super::ask::Ask;
use crate::cli::failure::Failure;
use crate::cli::render;
use crate::cli::secret as by_hand;
use crate::config::draft::Draft;
use crate::keyring::{self, Item, Purpose, State};
use crate::provider::{Provider, SecretKind};
use crate::replace;
use crate::secret::{Secret, SecretSource};

/// How long a keyring may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long its user may take to open it.
const UNLOCKING: Duration = Duration::from_mins(2);

/// Where the password or token is; one of them.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(multiple = false)]
pub(super) struct Way {
    /// Keep the password in the system's keyring
    #[arg(long)]
    pub keyring: bool,
    /// Keep the password in FILE, which only its owner may read
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The command that prints the password, word by word, ended by `;` or the end of the line
    #[arg(long, value_name = "WORD", num_args = 1.., value_terminator = ";", allow_hyphen_values = true)]
    pub password_command: Vec<String>,
    /// The command that prints an OAuth access token, likewise
    #[arg(long, value_name = "WORD", num_args = 1.., value_terminator = ";", allow_hyphen_values = true)]
    pub token_command: Vec<String>,
    /// Sign in with OAuth 2.0 (docs/oauth.md); needs --client-id
    #[arg(long, requires = "client_id")]
    pub oauth: bool,
    /// A credential of the systemd unit
    #[arg(long, value_name = "NAME")]
    pub credential: Option<String>,
    /// An environment variable, for tests
    #[arg(long, value_name = "NAME", hide = true)]
    pub password_environment: Option<String>,
}

/// What the provider knows acewatch by.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Client {
    /// The client id that your organisation has at the provider, for --oauth
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// The tenant that it belongs to, by its id or domain, where it is for one organisation alone
    /// (Microsoft)
    #[arg(long, value_name = "TENANT", requires = "oauth")]
    pub tenant: Option<String>,
    /// The file with the client secret that goes with it, where there is one
    #[arg(long, value_name = "FILE", requires = "oauth")]
    pub client_secret_file: Option<PathBuf>,
}

/// A password that was typed or handed in, and is kept once it has proved good.
#[derive(Debug)]
pub(super) struct Typed {
    pub secret: Secret,
    keep: Keep,
}

#[derive(Debug)]
enum Keep {
    Keyring { account: String },
    File(PathBuf),
}

/// What is asked about.
pub(super) struct Mailbox<'a> {
    /// Its number in the draft.
    pub n: usize,
    pub name: &'a str,
    pub user: &'a str,
    pub host: &'a str,
    /// Where its secret is already.
    pub secret: Option<&'a SecretSource>,
    pub provider: Option<&'a Provider>,
    /// The folder of the configuration.
    pub directory: &'a Path,
}

/// Writes into the draft where the secret is. What is to be kept there comes back.
pub(super) async fn decide(
    ask: Ask,
    way: &Way,
    client: &Client,
    from_input: bool,
    mailbox: &Mailbox<'_>,
    draft: &mut Draft,
) -> Result<Option<Typed>, Failure> {
    let n = mailbox.n;
    if way.oauth {
        sign_in(ask, client, mailbox, draft).await?;
    } else if !way.password_command.is_empty() {
        draft.set_secret(n, "password-command", value(list(&way.password_command)));
    } else if !way.token_command.is_empty() {
        draft.set_secret(n, "token-command", value(list(&way.token_command)));
    } else if let Some(name) = &way.credential {
        draft.set_secret(n, "credential", value(name.as_str()));
    } else if let Some(name) = &way.password_environment {
        draft.set_secret(n, "password-environment", value(name.as_str()));
    } else if let Some(file) = &way.password_file {
        // A path on the command line is meant from where one stands.
        let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
        let is_new = !file.exists();
        let keep = in_file(draft, mailbox, file);
        return match from_input || (ask.is_possible && is_new) {
            true => typed(ask, from_input, mailbox, keep).map(Some),
            false => Ok(None),
        };
    } else if way.keyring {
        let keep = in_keyring(draft, mailbox);
        let has_item = keyring::read(&item(&account(mailbox)), PATIENCE).await.is_ok();
        if from_input || !has_item {
            require_keyring(ask, mailbox).await?;
            return typed(ask, from_input, mailbox, keep).map(Some);
        }
    } else if let Some(source) = mailbox.secret {
        let is_moved = matches!(source, SecretSource::Keyring(old) if *old != account(mailbox));
        if is_moved && !from_input && !ask.is_possible {
            return Err(Failure::usage(format!(
                "{source} has no password for {} at {}",
                mailbox.user, mailbox.host
            ))
            .hint("give it with --password-stdin"));
        }
        if from_input || is_moved {
            let keep = kept(source, mailbox).ok_or_else(|| {
                Failure::usage(format!(
                    "the password comes from {source}, which is not written here"
                ))
                .hint("say by --keyring or --password-file where the new one is to be kept")
            })?;
            return typed(ask, from_input, mailbox, keep).map(Some);
        }
        let question = format!("Its secret comes from {source}. Keep it so?");
        if !ask.agrees(&question, true)? {
            return choose(ask, client, false, mailbox, draft).await;
        }
    } else {
        return choose(ask, client, from_input, mailbox, draft).await;
    }
    Ok(None)
}

/// Asks for it once more after the server refused it; `None` where nobody wants to.
pub(super) fn again(
    ask: Ask,
    mailbox: &Mailbox<'_>,
    before: Option<Typed>,
) -> Result<Option<Typed>, Failure> {
    let keep = before
        .map(|before| before.keep)
        .or_else(|| mailbox.secret.and_then(|source| kept(source, mailbox)));
    match keep {
        Some(keep) if ask.is_possible => {
            let question = format!(
                "Password of {} once more, Enter to give up",
                render::escaped(mailbox.user)
            );
            Ok(ask.password_or_nothing(&question)?.map(|secret| Typed { secret, keep }))
        }
        _ => Ok(None),
    }
}

/// Where a new password goes so that the configuration finds it as it finds the old one.
fn kept(source: &SecretSource, mailbox: &Mailbox<'_>) -> Option<Keep> {
    match source {
        SecretSource::File(path) => Some(Keep::File(path.clone())),
        // Under the name that it is looked for with from now on.
        SecretSource::Keyring(_) => Some(Keep::Keyring { account: account(mailbox) }),
        _ => None,
    }
}

/// Keeps a password that has proved good, and says where.
pub(super) async fn keep(typed: Typed, mailbox: &str) -> Result<(), Failure> {
    let said = match &typed.keep {
        Keep::Keyring { account } => {
            let label = format!("acewatch: {account}");
            keyring::store(&item(account), &label, &typed.secret, PATIENCE).await.map_err(
                |error| {
                    let hint = error.hint();
                    Failure::new("the keyring does not take the password").because(error).hint(hint)
                },
            )?;
            format!("the password of {mailbox} is in the keyring")
        }
        Keep::File(path) => {
            write(path, typed.secret.expose()).map_err(|error| {
                Failure::new(format!("cannot write {}", path.display())).because(error)
            })?;
            format!("the password of {mailbox} is in {}", path.display())
        }
    };
    render::print(&format!("{}\n", render::escaped(&said)))
}

/// Asks how, where no flag says it.
async fn choose(
    ask: Ask,
    client: &Client,
    from_input: bool,
    mailbox: &Mailbox<'_>,
    draft: &mut Draft,
) -> Result<Option<Typed>, Failure> {
    if !from_input && !ask.is_possible {
        return Err(Failure::usage("nothing says where the password is").hint(
            "give --keyring or --password-file FILE with --password-stdin, --password-command, --token-command, --credential, or --oauth",
        ));
    }
    render::print(&match mailbox.provider {
        Some(provider) => format!("{}\n", provider.advice),
        None => "Most servers take the password of the account; some want one that is made for a program (\"app password\").\n".to_owned(),
    })?;
    let takes_password = mailbox
        .provider
        .is_none_or(|provider| provider.secret.iter().any(|kind| *kind != SecretKind::Oauth));
    // The service of a machine runs as a user of its own, who can read nothing of anybody's.
    let is_for_the_machine = mailbox.directory.starts_with("/etc");
    if is_for_the_machine && from_input {
        return Err(Failure::usage(
            "the service of a machine cannot read a password that is kept here",
        )
        .hint("give --credential NAME, or --password-command"));
    }
    let has_keyring = match keyring::state(PATIENCE).await {
        _ if is_for_the_machine => false,
        State::Ready | State::Locked => true,
        State::NoTool => {
            render::print(
                "There is a keyring, but no program `secret-tool` to reach it with (package libsecret-tools).\n",
            )?;
            false
        }
        State::Absent => false,
    };
    let file = free_file(mailbox);
    let in_file_words =
        format!("type it; it is kept in {}, which only you can read", file.display());
    let mut choices: Vec<(Choice, String)> = Vec::new();
    if takes_password {
        if has_keyring {
            choices
                .push((Choice::Keyring, "type it; it is kept in the system's keyring".to_owned()));
        }
        match is_for_the_machine {
            true => {
                choices.push((Choice::Credential, "a credential of its systemd unit".to_owned()))
            }
            false => choices.push((Choice::File, in_file_words)),
        }
        choices.push((
            Choice::Command,
            "a command prints it, such as that of a password manager".to_owned(),
        ));
    }
    if !is_for_the_machine && mailbox.provider.is_some_and(|provider| provider.oauth.is_some()) {
        choices.push((
            Choice::SignIn,
            "sign in with OAuth 2.0, with a client id of your own".to_owned(),
        ));
    }
    choices.push((Choice::Token, "a command prints an OAuth access token".to_owned()));
    let words: Vec<String> = choices.iter().map(|(_, words)| words.clone()).collect();
    let chosen = match from_input {
        true => 0,
        false => ask.choice("Where does the password come from?", &words)?,
    };
    match choices.get(chosen).map(|(choice, _)| *choice) {
        Some(Choice::Keyring) => {
            let keep = in_keyring(draft, mailbox);
            require_keyring(ask, mailbox).await?;
            typed(ask, from_input, mailbox, keep).map(Some)
        }
        Some(Choice::File) => {
            let keep = in_file(draft, mailbox, file);
            typed(ask, from_input, mailbox, keep).map(Some)
        }
        Some(Choice::Credential) => {
            let name = ask.line("Name of the credential", Some("imap"), "--credential")?;
            draft.set_secret(mailbox.n, "credential", value(name));
            Ok(None)
        }
        Some(Choice::Command) => {
            let command = command(ask, "--password-command")?;
            draft.set_secret(mailbox.n, "password-command", value(list(&command)));
            Ok(None)
        }
        Some(Choice::SignIn) => sign_in(ask, client, mailbox, draft).await.map(|()| None),
        Some(Choice::Token) | None => {
            let command = command(ask, "--token-command")?;
            draft.set_secret(mailbox.n, "token-command", value(list(&command)));
            Ok(None)
        }
    }
}

#[derive(Clone, Copy)]
enum Choice {
    Keyring,
    File,
    Credential,
    Command,
    SignIn,
    Token,
}

/// Writes a table [mailbox.oauth]; one signs in with it later.
async fn sign_in(
    ask: Ask,
    client: &Client,
    mailbox: &Mailbox<'_>,
    draft: &mut Draft,
) -> Result<(), Failure> {
    let provider =
        mailbox.provider.filter(|provider| provider.oauth.is_some()).ok_or_else(|| {
            Failure::usage("it is not known how one signs in there").hint(
                "name the --provider, or write the addresses into [mailbox.oauth] (docs/oauth.md)",
            )
        })?;
    let id = match &client.client_id {
        Some(id) => id.clone(),
        None => {
            render::print(
                "The provider wants to know which program asks: docs/oauth.md says how your organisation gets a client id.\n",
            )?;
            ask.line("Client id", None, "--client-id")?
        }
    };
    let mut table = Table::new();
    table.insert("provider", value(provider.id.as_str()));
    table.insert("client-id", value(id));
    match &client.client_secret_file {
        Some(file) => {
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            table.insert("client-secret-file", value(file.display().to_string()));
        }
        // That of a program on a desktop is no secret (RFC 8252 §8.5), and Google wants it.
        None if ask.is_possible && provider.id == "google" => {
            let secret = ask.line(
                "Client secret, as shown beside the id; - for none",
                Some("-"),
                "--client-secret-file",
            )?;
            if secret != "-" {
                table.insert("client-secret", value(secret));
            }
        }
        None => {}
    }
    let tenant = match &client.tenant {
        Some(tenant) => tenant.clone(),
        None if ask.is_possible && provider.id == "microsoft" => ask.line(
            "Tenant that the client is for, by id or domain; - for any",
            Some("-"),
            "--tenant",
        )?,
        None => "-".to_owned(),
    };
    if let Some(oauth) = provider.oauth.as_ref().filter(|_| tenant != "-") {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
        if tenant.is_empty() || !tenant.chars().all(is_plain) {
            return Err(Failure::usage(format!("{tenant:?} is no tenant"))
                .hint("write its id or its domain, as the provider shows it"));
        }
        let urls = [
            ("authorization-url", oauth.authorization_url.as_deref()),
            ("device-url", oauth.device_url.as_deref()),
            ("token-url", Some(oauth.token_url.as_str())),
        ];
        for (key, url) in urls {
            if let Some(url) = url.filter(|url| url.contains("/common/")) {
                table.insert(key, value(url.replace("/common/", &format!("/{tenant}/"))));
            }
        }
    }
    if !matches!(keyring::state(PATIENCE).await, State::Ready | State::Locked) {
        table.insert("store", value("file"));
    }
    draft.set_secret(mailbox.n, "oauth", table);
    Ok(())
}

/// A command as one types it. No shell reads it, so that quotes and variables mean nothing.
fn command(ask: Ask, flag: &str) -> Result<Vec<String>, Failure> {
    loop {
        let line = ask.line("The command and its arguments", None, flag)?;
        if line.contains(['"', '\'', '$', '`', '\\', '|']) {
            render::print("No shell reads it: write words alone, or a script of your own.\n")?;
            continue;
        }
        return Ok(line.split_whitespace().map(str::to_owned).collect());
    }
}

fn typed(ask: Ask, from_input: bool, mailbox: &Mailbox<'_>, keep: Keep) -> Result<Typed, Failure> {
    let secret = match from_input {
        true => by_hand::from_input()?,
        false => ask.password(&format!("Password of {}", render::escaped(mailbox.user)))?,
    };
    Ok(Typed { secret, keep })
}

/// A keyring that can be written, opened by its user if need be.
async fn require_keyring(ask: Ask, mailbox: &Mailbox<'_>) -> Result<(), Failure> {
    match keyring::state(PATIENCE).await {
        State::Ready => Ok(()),
        State::Locked if ask.is_possible => {
            render::print("The keyring is locked; it will ask you to open it.\n")?;
            keyring::unlock(&item(&account(mailbox)), UNLOCKING).await.map_err(|error| {
                let hint = error.hint();
                Failure::new("the keyring stays locked").because(error).hint(hint)
            })
        }
        State::Locked => Err(Failure::new("the keyring is locked").hint("unlock it, and try again")),
        State::NoTool => Err(Failure::new("there is no program `secret-tool` to reach the keyring with")
            .hint("install the package libsecret-tools, or use --password-file")),
        State::Absent => Err(Failure::new("there is no keyring here")
            .hint("log in to a desktop with one (GNOME Keyring, KWallet, KeePassXC), or use --password-file")),
    }
}

fn in_keyring(draft: &mut Draft, mailbox: &Mailbox<'_>) -> Keep {
    draft.set_secret(mailbox.n, "keyring", value(true));
    Keep::Keyring { account: account(mailbox) }
}

fn in_file(draft: &mut Draft, mailbox: &Mailbox<'_>, file: PathBuf) -> Keep {
    // Beside the configuration its name is enough, and goes with it where it is copied.
    let written = file.strip_prefix(mailbox.directory).unwrap_or(&file);
    draft.set_secret(mailbox.n, "password-file", value(written.display().to_string()));
    Keep::File(file)
}

fn account(mailbox: &Mailbox<'_>) -> String {
    keyring::account(mailbox.user, mailbox.host)
}

fn item(account: &str) -> Item<'_> {
    Item { account, purpose: Purpose::Password }
}

fn list(words: &[String]) -> Array {
    words.iter().map(String::as_str).collect()
}

/// The file for the password of a mailbox, which is no other's.
fn free_file(mailbox: &Mailbox<'_>) -> PathBuf {
    let is_plain = |c: char| c.is_alphanumeric() || "-_.@+".contains(c);
    let name: String = mailbox.name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
    let is_its_own =
        |path: &Path| matches!(mailbox.secret, Some(SecretSource::File(own)) if own == path);
    let numbered = (2..).map(|n| format!("{name}-{n}.secret"));
    std::iter::once(format!("{name}.secret"))
        .chain(numbered)
        .map(|name| mailbox.directory.join(name))
        .find(|path| is_its_own(path) || !path.exists())
        .unwrap_or_else(|| mailbox.directory.join("password.secret"))
}

/// Writes a file for its owner alone.
fn write(path: &Path, secret: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(replace::folder_of(path))?;
    replace::write(path, Zeroizing::new(format!("{secret}\n")).as_bytes())
}
