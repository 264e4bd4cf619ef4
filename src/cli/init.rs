//! `acewatch init`: from a mail address to a configuration that works.
//!
//! Nothing is written before the log-in succeeded and the mailbox was looked at. What is there already
//! is kept: [`Draft`] changes the keys that are asked for and no other.

mod ask;
mod finish;
mod look;
mod secret;
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;

use super::failure::Failure;
use super::sign_in::{self, How};
use super::{Context, render};
use crate::config::draft::Draft;
use crate::config::{self, ConfigError, Limits, MailboxSettings, Settings};
use crate::discovery::Found;
use crate::mailbox::backoff::Failure as Waiting;
use crate::mailbox::connect::{self, greet, login};
use crate::mailbox::session::Session;
use crate::mailbox::{self, Error};
use crate::oauth::News;
use crate::provider::{self, Provider};
use crate::shell;
use ask::Ask;
use secret::{Client, Mailbox, Typed, Way};

/// How long a server may take for each answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// How long a person may take to sign in.
const SIGN_IN: Duration = Duration::from_mins(15);

/// Set acewatch up: find the mail server, try it, and write the configuration
///
/// Asks for the address of the account that writes to CBP, finds its server, says what secret the
/// provider wants, logs in, looks at the folders and at who vouches for the mail, shows what it found
/// in the last 60 days, and writes the configuration. Nothing is changed in the mailbox, and nothing
/// is written before the log-in succeeded.
///
/// Run again it changes only what is asked: another password, another folder, another mailbox. Every
/// answer is also a flag; without a terminal, or with --yes, nobody is asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The address of the account that writes to CBP
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// What the mailbox is to be called; or the one to change, by the name it has
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Whose mail it is, where that is not found out: google, microsoft, yahoo, icloud, fastmail, proton
    #[arg(long, value_name = "PROVIDER")]
    provider: Option<String>,
    /// The IMAP server
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Its port
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// How the connection is protected
    #[arg(long, value_name = "TLS")]
    tls: Option<Protection>,
    /// The name of the account there, where it is not the address
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Certificates (PEM) to trust besides the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// The only server certificate to accept, by its SHA-256
    #[arg(long, value_name = "HEX")]
    pin_sha256: Option<String>,
    #[command(flatten)]
    way: Way,
    #[command(flatten)]
    client: Client,
    /// Take the password from standard input, for --keyring or --password-file
    #[arg(long)]
    password_stdin: bool,
    /// A folder in which answers arrive; may be repeated
    #[arg(long = "folder", value_name = "FOLDER")]
    folders: Vec<String>,
    /// The folder with your own submissions
    #[arg(long, value_name = "FOLDER")]
    sent: Option<String>,
    /// The name under which your server writes Authentication-Results; may be repeated
    #[arg(long, value_name = "NAME")]
    authserv_id: Vec<String>,
    /// Another address from which you write to CBP; may be repeated
    #[arg(long = "own-address", value_name = "ADDRESS")]
    own_addresses: Vec<String>,
    /// Ask this name server instead of the system's, for the server of the address
    #[arg(long, value_name = "ADDRESS")]
    resolver: Option<String>,
    /// Ask nothing, and agree; but not to a server elsewhere that only the DNS names, which --host must name
    #[arg(short, long)]
    yes: bool,
    /// Do not read the last 60 days for a preview
    #[arg(long)]
    no_preview: bool,
    /// Print the configuration instead of writing anything
    #[arg(long)]
    dry_run: bool,
    /// Have systemd start the daemon now and at each log-in
    #[arg(long)]
    service: bool,
    /// Likewise, and while nobody is logged in
    #[arg(long)]
    linger: bool,
    /// Do not ask about the service
    #[arg(long, conflicts_with_all = ["service", "linger"])]
    no_service: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Protection {
    Implicit,
    Starttls,
    None,
}

impl From<Protection> for config::Tls {
    fn from(protection: Protection) -> config::Tls {
        match protection {
            Protection::Implicit => config::Tls::Implicit,
            Protection::Starttls => config::Tls::StartTls,
            Protection::None => config::Tls::None,
        }
    }
}

/// Asks, tries and writes.
///
/// # Errors
///
/// An answer is missing and nobody can be asked, the server cannot be found or does not let us in, or
/// the configuration cannot be written.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start").because(error))?;
    let done = runtime.block_on(set_up(cx, args));
    // A resolver that hangs would keep an ordinary end waiting.
    runtime.shutdown_background();
    done
}

/// What the questions are about.
struct Setup<'a> {
    cx: &'a Context,
    args: &'a Args,
    ask: Ask,
    /// The configuration file.
    path: PathBuf,
    draft: Draft,
    /// The number of the mailbox in it.
    n: usize,
    /// Whether the mailbox was not configured until now, or at another server.
    is_at_new_server: bool,
    /// What is to be remembered of a sign-in by OAuth.
    news: Option<News>,
    /// Whether the mailbox can be read now.
    is_open: bool,
}

async fn set_up(cx: &Context, args: &Args) -> Result<(), Failure> {
    let path = cx.global.config.clone().unwrap_or_else(|| config::default_path(&cx.environment));
    let path = std::path::absolute(&path).unwrap_or(path);
    let text = read(&path)?;
    let before = match &text {
        Some(text) => Some(config::parse(text, &path, &cx.environment)?),
        None => None,
    };
    let draft = Draft::of(text.as_deref())
        .map_err(|error| Failure::configuration(format!("{} is no TOML", path.display()), error))?;
    let mut setup = Setup {
        cx,
        args,
        ask: Ask::new(args.yes || args.password_stdin),
        path,
        draft,
        n: 0,
        is_at_new_server: false,
        news: None,
        is_open: false,
    };

    let mut known = setup.which(before.as_ref())?;
    let (address, provider) = match &known {
        Some(mailbox) => {
            setup.change_server()?;
            let host = setup.mailbox()?.host;
            setup.is_at_new_server = !host.eq_ignore_ascii_case(&mailbox.host);
            (mailbox.user.clone(), provider_of(mailbox)?)
        }
        None => {
            let new = setup.new_mailbox(before.as_ref()).await?;
            known = new.known;
            setup.is_at_new_server = known.is_none();
            (new.address, new.provider)
        }
    };
    let typed = setup.secret(known.as_ref(), provider.as_ref()).await?;
    setup.set_folders();

    if cannot_be_read_here(&setup.mailbox()?) {
        render::print(
            "The credential is there in the service alone, so that the log-in is not tried here. A drop-in of the unit (`systemctl --user edit acewatch`) says where it comes from:\n  [Service]\n  LoadCredential=NAME:/path/to/the/file\n",
        )?;
        look::trust_unseen(&mut setup, provider.as_ref(), &address)?;
        return setup.finish(None).await;
    }
    match setup.enter(typed, provider.as_ref()).await? {
        Entered::In(session, typed) => {
            look::look(&mut setup, *session, provider.as_ref(), &address).await?;
            setup.finish(typed).await
        }
        Entered::Later(name) => {
            render::print(&format!(
                "Somebody must sign in first: {} does it, and {} after it looks at the mailbox.\n",
                setup.command(&format!("sign-in {}", render::escaped(&shell::argument(&name)))),
                setup.command("init")
            ))?;
            look::trust_unseen(&mut setup, provider.as_ref(), &address)?;
            setup.finish(None).await
        }
    }
}

/// The account that an address names.
struct Named {
    address: String,
    provider: Option<Provider>,
    /// The mailbox, where it is configured already.
    known: Option<MailboxSettings>,
}

/// How a log-in ended.
enum Entered {
    /// With a session, and the password that was typed for it.
    In(Box<Session>, Option<Typed>),
    /// A person must sign in to this mailbox first, and none is there.
    Later(String),
}

impl Setup<'_> {
    /// A command as it is to be typed for this configuration.
    fn command(&self, words: &str) -> String {
        match &self.cx.global.config {
            Some(_) => {
                let path = shell::quoted(&self.path.display().to_string());
                format!("`acewatch --config {} {words}`", render::escaped(&path))
            }
            None => format!("`acewatch {words}`"),
        }
    }

    /// The settings as the draft has them.
    fn settings(&self) -> Result<Settings, Failure> {
        config::parse(&self.draft.text(), &self.path, &self.cx.environment).map_err(|error| {
            match error {
                // Its line is one of a file that is not written yet.
                ConfigError::Faulty { key, why, hint, .. } => {
                    Failure::usage(format!("`{key}` {why}; nothing was written")).hint(hint)
                }
                error => error.into(),
            }
        })
    }

    /// The mailbox as the draft has it.
    fn mailbox(&self) -> Result<MailboxSettings, Failure> {
        let settings = self.settings()?;
        let mailbox = settings.mailboxes.into_iter().nth(self.n);
        mailbox.ok_or_else(|| Failure::new("the mailbox has gone from the configuration"))
    }

    /// The folder of the configuration.
    fn directory(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }

    /// The mailbox that is meant, if it is there already.
    fn which(&mut self, before: Option<&Settings>) -> Result<Option<MailboxSettings>, Failure> {
        let Some(mailboxes) = before.map(|before| &before.mailboxes).filter(|m| !m.is_empty())
        else {
            return Ok(None);
        };
        let found = match (&self.args.name, &self.args.address) {
            (Some(name), _) if mailboxes.iter().any(|mailbox| mailbox.name == *name) => {
                mailboxes.iter().position(|mailbox| mailbox.name == *name)
            }
            (name, Some(address)) => {
                let found = mailboxes.iter().find(|mailbox| mailbox.user == *address);
                if let (Some(mailbox), Some(name)) = (found, name) {
                    return Err(Failure::usage(format!(
                        "the mailbox of {address} is called {}, not {name}",
                        mailbox.name
                    ))
                    .hint("leave --name out, or write the new name into the configuration"));
                }
                mailboxes.iter().position(|mailbox| mailbox.user == *address)
            }
            (Some(_), None) => None,
            (None, None) => {
                let mut choices: Vec<String> = mailboxes
                    .iter()
                    .map(|m| format!("change {} ({} at {})", m.name, m.user, m.host))
                    .collect();
                choices.push("add another mailbox".to_owned());
                if !self.ask.is_possible && mailboxes.len() != 1 {
                    return Err(Failure::usage("several mailboxes are configured")
                        .hint("say which one to change by --name, or add one by --address"));
                }
                let question =
                    format!("{} watches already. What is to be done?", self.path.display());
                Some(self.ask.choice(&question, &choices)?)
            }
        };
        let Some(mailbox) = found.and_then(|found| mailboxes.get(found)) else { return Ok(None) };
        self.n = found.unwrap_or_default();
        Ok(Some(mailbox.clone()))
    }

    fn address(&self) -> Result<String, Failure> {
        if let Some(address) = &self.args.address {
            return match config::is_address(address) {
                true => Ok(address.clone()),
                false => Err(Failure::usage(format!("{address:?} is no mail address"))
                    .hint("write it as in ops@broker.example")),
            };
        }
        let question = "Mail address of the account that writes to CBP";
        loop {
            let address = self.ask.line(question, None, "--address")?;
            if config::is_address(&address) {
                return Ok(address);
            }
            render::print("That is no mail address; it looks like ops@broker.example.\n")?;
        }
    }

    /// Asks for an address, finds its server, and begins a mailbox in the draft.
    async fn new_mailbox(&mut self, before: Option<&Settings>) -> Result<Named, Failure> {
        let mut address = self.address()?;
        let Found { server, provider, .. } = self.find(&mut address).await?;
        let user = self.args.user.clone().unwrap_or(server.user);
        // The log-in name need not be the address: only now it shows which account is meant.
        let is_there = |mailbox: &MailboxSettings| {
            mailbox.host.eq_ignore_ascii_case(&server.host) && mailbox.user == user
        };
        let mailboxes = before.map(|before| before.mailboxes.as_slice()).unwrap_or_default();
        if let Some(n) = mailboxes.iter().position(is_there) {
            self.n = n;
            self.change_server()?;
            return Ok(Named { address, provider, known: mailboxes.get(n).cloned() });
        }
        let name = match &self.args.name {
            Some(name) => name.clone(),
            None => name_for(&address, before),
        };
        self.n = self.draft.add_mailbox();
        self.draft.set(self.n, "name", name.as_str());
        self.draft.set(self.n, "host", server.host.as_str());
        if server.port != server.tls.default_port() {
            self.draft.set(self.n, "port", i64::from(server.port));
        }
        if server.tls != config::Tls::Implicit {
            self.draft.set(self.n, "tls", server.tls.as_str());
        }
        self.draft.set(self.n, "user", user.as_str());
        self.certificates()?;
        Ok(Named { address, provider, known: None })
    }

    /// What the flags say of the server of a mailbox that is there.
    fn change_server(&mut self) -> Result<(), Failure> {
        let mut port = self.args.port;
        if let Some(host) = &self.args.host {
            let (host, with_port) = server::host_and_port(host)?;
            self.draft.set(self.n, "host", host);
            port = with_port.or(port);
        }
        if let Some(port) = port {
            self.draft.set(self.n, "port", i64::from(port));
        }
        if let Some(tls) = self.args.tls {
            self.draft.set(self.n, "tls", config::Tls::from(tls).as_str());
        }
        if let Some(user) = &self.args.user {
            self.draft.set(self.n, "user", user.as_str());
        }
        self.certificates()
    }

    fn certificates(&mut self) -> Result<(), Failure> {
        if let Some(file) = &self.args.ca_file {
            let file = std::path::absolute(file).unwrap_or_else(|_| file.clone());
            self.draft.set(self.n, "ca-file", file.display().to_string());
        }
        if let Some(pin) = &self.args.pin_sha256 {
            self.draft.set(self.n, "pin-sha256", pin.as_str());
        }
        Ok(())
    }

    async fn secret(
        &mut self,
        known: Option<&MailboxSettings>,
        provider: Option<&Provider>,
    ) -> Result<Option<Typed>, Failure> {
        let directory = self.directory();
        let (name, user, host) = self.draft.identity(self.n);
        let mailbox = Mailbox {
            n: self.n,
            name: &name,
            user: &user,
            host: &host,
            secret: known.map(|known| &known.secret),
            provider,
            directory: &directory,
        };
        let Args { way, client, password_stdin, .. } = self.args;
        secret::decide(self.ask, way, client, *password_stdin, &mailbox, &mut self.draft).await
    }

    fn set_folders(&mut self) {
        if !self.args.folders.is_empty() {
            let folders: toml_edit::Array = self.args.folders.iter().map(String::as_str).collect();
            self.draft.set(self.n, "folders", folders);
        }
        if let Some(sent) = &self.args.sent {
            self.draft.set(self.n, "sent", sent.as_str());
        }
    }

    /// Logs in, asking again where the server refuses.
    async fn enter(
        &mut self,
        mut typed: Option<Typed>,
        provider: Option<&Provider>,
    ) -> Result<Entered, Failure> {
        let directory = self.directory();
        loop {
            let settings = self.settings()?;
            let mailbox = self.mailbox()?;
            let failed = match attempt(&mailbox, &settings, typed.as_ref()).await {
                Ok(session) => {
                    render::print(&format!(
                        "Logged in to {} as {}.\n",
                        render::escaped(&mailbox.host),
                        render::escaped(&mailbox.user)
                    ))?;
                    self.is_open = true;
                    return Ok(Entered::In(Box::new(session), typed));
                }
                Err(error) => error,
            };
            if failed.failure() == Waiting::SignIn {
                // A sign-in is kept at once, which a trial must not do.
                if !self.ask.is_possible || self.args.dry_run {
                    return Ok(Entered::Later(mailbox.name));
                }
                let how = How { flow: None, opens: true, patience: SIGN_IN };
                let done = sign_in::sign_in(&mailbox, &settings.limits, &how).await?;
                self.news = Some(done.news);
                continue;
            }
            if self.may_pin(&failed, &mailbox, &settings).await? {
                continue;
            }
            let failure = of_mailbox(&failed, provider);
            let is_refused = matches!(failed, Error::RefusedLogin { .. } | Error::NoLogin { .. });
            if !is_refused || !self.ask.is_possible {
                return Err(failure);
            }
            failure.report();
            let about = Mailbox {
                n: self.n,
                name: &mailbox.name,
                user: &mailbox.user,
                host: &mailbox.host,
                secret: Some(&mailbox.secret),
                provider,
                directory: &directory,
            };
            typed = secret::again(self.ask, &about, typed)?;
            if typed.is_none() {
                return Err(Failure::new("nothing was written"));
            }
        }
    }

    /// A bridge on this computer has a certificate that nobody signed: it is pinned, if one agrees.
    async fn may_pin(
        &mut self,
        failed: &Error,
        mailbox: &MailboxSettings,
        settings: &Settings,
    ) -> Result<bool, Failure> {
        let is_here = mailbox.host.eq_ignore_ascii_case("localhost")
            || mailbox.host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
        // Who names an authority wants its word, and not a certificate in its place.
        let is_decided = mailbox.pin_sha256.is_some() || mailbox.ca_file.is_some();
        if !matches!(failed, Error::Tls { .. }) || is_decided || !is_here {
            return Ok(false);
        }
        let Ok(Some(found)) = connect::fingerprint(mailbox, &settings.limits).await else {
            return Ok(false);
        };
        let shown = connect::shown(&found);
        render::print(&format!(
            "{} on this computer shows a certificate that nobody here vouches for, SHA-256\n  {shown}\n",
            render::escaped(&mailbox.host)
        ))?;
        let agrees = match self.ask.is_possible {
            true => self.ask.agrees("Accept this one, and no other from now on?", true)?,
            false => self.args.yes,
        };
        if agrees {
            self.draft.set(self.n, "pin-sha256", shown);
        }
        Ok(agrees)
    }
}

/// The text of a configuration that is there.
fn read(path: &Path) -> Result<Option<String>, Failure> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::configuration(format!("cannot read {}", path.display()), error)),
    }
}

/// Connects and logs in, with a password that was typed or the one that is kept.
async fn attempt(
    mailbox: &MailboxSettings,
    settings: &Settings,
    typed: Option<&Typed>,
) -> Result<Session, Error> {
    // Somebody waits for it.
    let limits = &Limits {
        connect_timeout: settings.limits.connect_timeout.min(PATIENCE),
        command_timeout: settings.limits.command_timeout.min(PATIENCE),
        ..settings.limits.clone()
    };
    if let Some(typed) = typed {
        let greeted = greet(mailbox, limits).await?;
        return login(greeted, mailbox, limits, &typed.secret).await;
    }
    connect::connect(mailbox, limits).await
}

/// A credential is there for a service alone.
fn cannot_be_read_here(mailbox: &MailboxSettings) -> bool {
    matches!(mailbox.secret, crate::secret::SecretSource::Credential(_))
        && std::env::var_os("CREDENTIALS_DIRECTORY").is_none()
}

fn of_mailbox(error: &mailbox::Error, provider: Option<&Provider>) -> Failure {
    let mut failure = Failure::new(error.chain());
    if let Some(hint) = error.hint() {
        failure = failure.hint(hint);
    }
    match (error, provider) {
        (Error::RefusedLogin { .. } | Error::NoLogin { .. }, Some(provider)) => {
            failure.hint(provider.advice.clone())
        }
        _ => failure,
    }
}

/// The provider whose server a mailbox is on.
fn provider_of(mailbox: &MailboxSettings) -> Result<Option<Provider>, Failure> {
    let providers = provider::built_in()
        .map_err(|error| Failure::new("the built-in providers cannot be read").because(error))?;
    // The Bridge's host is everybody's own.
    let is_there = |provider: &&Provider| {
        provider.host.eq_ignore_ascii_case(&mailbox.host) && provider.port.is_none()
    };
    Ok(providers.iter().find(is_there).cloned())
}

/// The part of the address before the @, or with a number where that is taken.
fn name_for(address: &str, before: Option<&Settings>) -> String {
    let (local, _) = address.rsplit_once('@').unwrap_or((address, ""));
    let is_taken = |name: &str| {
        name == config::IMPORT
            || before.is_some_and(|before| {
                before.mailboxes.iter().any(|mailbox| mailbox.name.eq_ignore_ascii_case(name))
            })
    };
    if !is_taken(local) {
        return local.to_owned();
    }
    (2..).map(|n| format!("{local}-{n}")).find(|name| !is_taken(name)).unwrap_or_default()
}
