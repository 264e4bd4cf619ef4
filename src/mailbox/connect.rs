//! From a configured mailbox to a session: TCP, TLS, greeting, login.
//!
//! TLS is rustls with the platform's trust anchors, or exactly one pinned certificate. There is no
//! way to go on without it but `tls = "none"`, and that is refused for any address that is not this
//! computer's own. The secret is read anew for each login and lives no longer than the login.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_imap::imap_proto::{Response, Status};
use async_imap::{Authenticator, Client};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use sha2::{Digest, Sha256};
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, OtherError, RootCertStore,
    SignatureScheme,
};

use super::session::{Session, failed, said_no};
use super::wire::{Transport, Wire};
use super::{Answer, Error};
use crate::config::{Limits, MailboxSettings, Tls};
use crate::secret::{Kind, Secret};

/// What a literal may have beyond twice `max-message`: some servers only guess RFC822.SIZE, and what
/// they then send is larger.
const LITERAL_MARGIN: usize = 1024 * 1024;
/// How long the system may go on without an acknowledgement before it gives a connection up.
const USER_TIMEOUT: Duration = Duration::from_secs(120);

/// A server that has greeted us, before the login.
#[derive(Debug)]
pub struct Greeted {
    client: Client<Wire>,
    n_commands: u32,
}

/// Connects, logs in and learns what the server can do.
///
/// # Errors
/// Everything that can go wrong on the way; see [`Error`].
pub async fn connect(settings: &MailboxSettings, limits: &Limits) -> Result<Session, Error> {
    let early = early_secret(settings, limits).await?;
    let greeted = greet(settings, limits).await?;
    let secret = late_secret(early, settings, limits).await?;
    login(greeted, settings, limits, &secret).await
}

/// Reads the secret before the connection is made where it is a token that acewatch renews itself:
/// renewing may take longer than a server waits for a login, and is no use to it where it fails.
///
/// # Errors
/// [`Error::Secret`].
pub async fn early_secret(
    settings: &MailboxSettings,
    limits: &Limits,
) -> Result<Option<Secret>, Error> {
    match settings.secret.oauth() {
        Some(_) => read_secret(settings, limits).await.map(Some),
        None => Ok(None),
    }
}

/// Reads it afterwards in every other case: the token of a program may be good for minutes only.
///
/// # Errors
/// [`Error::Secret`].
pub async fn late_secret(
    early: Option<Secret>,
    settings: &MailboxSettings,
    limits: &Limits,
) -> Result<Secret, Error> {
    match early {
        Some(secret) => Ok(secret),
        None => read_secret(settings, limits).await,
    }
}

/// Reads the mailbox's secret.
///
/// # Errors
/// [`Error::Secret`] and [`Error::Awaited`].
pub async fn read_secret(settings: &MailboxSettings, limits: &Limits) -> Result<Secret, Error> {
    Ok(settings.secret.read(limits.command_timeout).await?)
}

/// Connects and reads the greeting, TLS included as configured.
///
/// # Errors
/// As [`connect`], as far as it goes.
pub async fn greet(settings: &MailboxSettings, limits: &Limits) -> Result<Greeted, Error> {
    let deadline = Instant::now() + limits.connect_timeout;
    let tcp = reach(settings, deadline).await?;
    let literal_limit = usize::try_from(limits.max_message)
        .unwrap_or(usize::MAX)
        .saturating_mul(2)
        .saturating_add(LITERAL_MARGIN);
    match settings.tls {
        Tls::Implicit => {
            let stream = handshake(settings, limits, tcp, deadline).await?;
            let mut client = Client::new(Wire::new(stream, literal_limit));
            read_greeting(&mut client, limits).await?;
            Ok(Greeted { client, n_commands: 0 })
        }
        Tls::StartTls => {
            let mut client = Client::new(Wire::new(Box::new(tcp), literal_limit));
            read_greeting(&mut client, limits).await?;
            command(&mut client, limits, "STARTTLS").await.map_err(|err| match err {
                Error::Refused { source, .. } => Error::NoStartTls { source },
                err => err,
            })?;
            // What was announced in plain text is forgotten with the wire (RFC 3501 §6.2.1).
            let plain = client.into_inner().into_inner().ok_or_else(|| Error::NoStartTls {
                source: Answer::new("it sent plain text before the handshake"),
            })?;
            let deadline = Instant::now() + limits.connect_timeout;
            let stream = handshake(settings, limits, plain, deadline).await?;
            let client = Client::new(Wire::new(stream, literal_limit));
            Ok(Greeted { client, n_commands: 1 })
        }
        Tls::None => {
            let mut client = Client::new(Wire::new(Box::new(tcp), literal_limit));
            read_greeting(&mut client, limits).await?;
            Ok(Greeted { client, n_commands: 0 })
        }
    }
}

/// The SHA-256 of the certificate that the server shows, whoever signed it: for a person to compare.
/// Nothing is said to the server.
///
/// # Errors
/// As [`connect`], as far as it goes.
pub async fn fingerprint(
    settings: &MailboxSettings,
    limits: &Limits,
) -> Result<Option<[u8; 32]>, Error> {
    // No certificate has this pin, so that the handshake always ends at the certificate.
    let settings = MailboxSettings { pin_sha256: Some([0; 32]), ..settings.clone() };
    match greet(&settings, limits).await {
        Ok(_) => Ok(None),
        Err(Error::Tls { host, source }) => match not_pinned(&source) {
            Some(found) => Ok(Some(found)),
            None => Err(Error::Tls { host, source }),
        },
        Err(error) => Err(error),
    }
}

/// The fingerprint of the server's certificate, where it is not the pinned one.
pub(super) fn not_pinned(error: &io::Error) -> Option<[u8; 32]> {
    match error.get_ref()?.downcast_ref::<TlsError>()? {
        TlsError::Other(OtherError(other)) => {
            other.downcast_ref::<NotPinned>().map(|other| other.found)
        }
        _ => None,
    }
}

/// Logs in.
///
/// # Errors
/// [`Error::RefusedLogin`], [`Error::Throttled`], [`Error::Account`], [`Error::NoLogin`], and all
/// that can befall a connection.
pub async fn login(
    greeted: Greeted,
    settings: &MailboxSettings,
    limits: &Limits,
    secret: &Secret,
) -> Result<Session, Error> {
    let Greeted { mut client, mut n_commands } = greeted;
    if client.get_ref().capabilities().is_none() {
        command(&mut client, limits, "CAPABILITY").await?;
        n_commands += 1;
    }
    let nothing = BTreeSet::new();
    let offered = client.get_ref().capabilities().unwrap_or(&nothing);
    let way = Way::choose(offered, secret.kind())?;
    client.get_mut().forget_capabilities();
    let user = settings.user.as_str();
    let mut challenge = Vec::new();
    let attempt = async {
        let said = &mut challenge;
        match way {
            Way::Plain => {
                let response = Some(format!("\0{user}\0{}", secret.expose()));
                client.authenticate("PLAIN", Replies { response, later: "", said }).await
            }
            Way::OAuthBearer => {
                let response = Some(oauth_bearer(settings, secret));
                // RFC 7628 §3.2.3: the answer to an error message is a single %x01.
                client.authenticate("OAUTHBEARER", Replies { response, later: "\x01", said }).await
            }
            Way::Xoauth2 => {
                let response = format!("user={user}\x01auth=Bearer {}\x01\x01", secret.expose());
                let response = Some(response);
                client.authenticate("XOAUTH2", Replies { response, later: "", said }).await
            }
            Way::Login => client.login(user, secret.expose()).await,
        }
    };
    let limit = limits.command_timeout;
    let attempt = timeout(limit, attempt).await;
    let outcome = attempt.map_err(|_| Error::Silent { command: "the login", limit })?;
    let imap = outcome.map_err(|(err, mut client)| {
        let mut words = client.get_mut().take_refusal();
        if let (Some(words), Some(status)) = (&mut words, status_of(&challenge)) {
            words.push_str(&format!(" ({status})"));
        }
        refused(err, words.as_deref(), secret)
    })?;
    let mut session = Session::new(imap, limits.clone(), n_commands + 1);
    session.know_capabilities().await?;
    tracing::debug!(mailbox = %settings.name, "logged in");
    Ok(session)
}

/// How to log in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Way {
    /// AUTHENTICATE PLAIN (RFC 4616): any user and password fit through.
    Plain,
    /// AUTHENTICATE OAUTHBEARER (RFC 7628).
    OAuthBearer,
    /// AUTHENTICATE XOAUTH2, as Google and Microsoft specify it.
    Xoauth2,
    /// LOGIN (RFC 3501 §6.2.3).
    Login,
}

impl Way {
    fn choose(offered: &BTreeSet<String>, kind: Kind) -> Result<Way, Error> {
        match kind {
            // The standard before what it was made from; Microsoft has the latter alone.
            Kind::AccessToken if offered.contains("AUTH=OAUTHBEARER") => Ok(Way::OAuthBearer),
            Kind::AccessToken if offered.contains("AUTH=XOAUTH2") => Ok(Way::Xoauth2),
            Kind::AccessToken => {
                Err(Error::NoLogin { wanted: "an access token (OAUTHBEARER or XOAUTH2)" })
            }
            Kind::Password if offered.contains("AUTH=PLAIN") => Ok(Way::Plain),
            Kind::Password if offered.contains("LOGINDISABLED") => {
                Err(Error::NoLogin { wanted: "a password over this connection" })
            }
            Kind::Password => Ok(Way::Login),
        }
    }
}

/// The first message of OAUTHBEARER (RFC 7628 §3.1), with the name as RFC 5801 §4 writes it.
fn oauth_bearer(settings: &MailboxSettings, secret: &Secret) -> String {
    let MailboxSettings { user, host, port, .. } = settings;
    let user = user.replace('=', "=3D").replace(',', "=2C");
    let token = secret.expose();
    format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01")
}

/// Answers the first challenge with the response, and every later one, which is an error message, as
/// the mechanism wants to be told that it was read.
struct Replies<'a> {
    response: Option<String>,
    later: &'static str,
    said: &'a mut Vec<u8>,
}

impl Authenticator for Replies<'_> {
    type Response = String;

    fn process(&mut self, challenge: &[u8]) -> String {
        self.response.take().unwrap_or_else(|| {
            *self.said = challenge.to_vec();
            self.later.to_owned()
        })
    }
}

/// What a refusal of a token is about, as its error message says it (RFC 7628 §3.2.2): `invalid_token`,
/// `insufficient_scope`. Some providers have a number there, which tells nobody anything.
fn status_of(challenge: &[u8]) -> Option<String> {
    let said: serde_json::Value = serde_json::from_slice(challenge).ok()?;
    let status = said.get("status")?.as_str()?;
    let is_word = |c: char| c.is_ascii_lowercase() || c == '_';
    (!status.is_empty() && status.len() < 40 && status.chars().all(is_word))
        .then(|| status.to_owned())
}

/// Turns a failed login into the right error. Some servers repeat the command they refuse: the
/// secret is taken out of their words.
fn refused(err: async_imap::error::Error, words: Option<&str>, secret: &Secret) -> Error {
    let words_shown = match words.unwrap_or_default() {
        words if secret.expose().is_empty() => words.to_owned(),
        words => words.replace(secret.expose(), "…"),
    };
    let answer = Answer::new(&words_shown);
    match err {
        async_imap::error::Error::No(_) | async_imap::error::Error::Bad(_) => {
            let is_fault = answer.is_server_fault();
            said_no(&answer).unwrap_or(match is_fault {
                true => Error::Throttled { source: answer },
                false => Error::RefusedLogin { kind: secret.kind(), source: answer },
            })
        }
        // LOGIN cannot carry line breaks; nothing was sent.
        async_imap::error::Error::Validate(_) => Error::NoLogin { wanted: "such a password" },
        err if words.is_some() => match failed("the login", err) {
            Error::Closed { command } => {
                said_no(&answer).unwrap_or(Error::Bye { command, source: answer })
            }
            err => err,
        },
        err => failed("the login", err),
    }
}

/// Reads the first line: OK, or the reason why not.
async fn read_greeting(client: &mut Client<Wire>, limits: &Limits) -> Result<(), Error> {
    const STEP: &str = "the connection";
    let limit = limits.command_timeout;
    let read = timeout(limit, client.read_response()).await;
    let read = read.map_err(|_| Error::Silent { command: STEP, limit })?;
    let response = read.map_err(|err| failed(STEP, async_imap::error::Error::Io(err)))?;
    let answer = Answer::new(client.get_ref().greeting());
    client.get_mut().take_refusal();
    match response.as_ref().map(|response| response.parsed()) {
        Some(Response::Data { status: Status::Ok, .. }) => Ok(()),
        Some(Response::Data { .. }) => {
            Err(said_no(&answer).unwrap_or(Error::Greeting { source: answer }))
        }
        Some(_) => Err(Error::Garbled { command: STEP, source: Answer::new("it is no greeting") }),
        None => Err(Error::Closed { command: STEP }),
    }
}

/// Runs a command before the login.
async fn command(
    client: &mut Client<Wire>,
    limits: &Limits,
    name: &'static str,
) -> Result<(), Error> {
    let limit = limits.command_timeout;
    let run = timeout(limit, client.run_command_and_check_ok(name, None)).await;
    run.map_err(|_| Error::Silent { command: name, limit })?.map_err(|err| {
        let words = client.get_mut().take_refusal();
        match (err, words) {
            (async_imap::error::Error::No(_) | async_imap::error::Error::Bad(_), Some(words)) => {
                Error::Refused { command: name, source: Answer::new(&words) }
            }
            (err, _) => failed(name, err),
        }
    })
}

/// Connects to one of the host's addresses.
async fn reach(settings: &MailboxSettings, deadline: Instant) -> Result<TcpStream, Error> {
    let (host, port) = (&settings.host, settings.port);
    let resolved = timeout_at(deadline, lookup_host((host.as_str(), port))).await;
    let addresses: Vec<SocketAddr> = resolved
        .map_err(|_| Error::Unresolved { host: host.clone(), source: timed_out() })?
        .map_err(|source| Error::Unresolved { host: host.clone(), source })?
        .collect();
    let addresses: Vec<SocketAddr> = if settings.tls == Tls::None {
        addresses.into_iter().filter(|address| address.ip().is_loopback()).collect()
    } else {
        addresses
    };
    if addresses.is_empty() {
        return Err(match settings.tls {
            Tls::None => Error::NotLoopback { host: host.clone() },
            Tls::Implicit | Tls::StartTls => Error::Unresolved {
                host: host.clone(),
                source: io::Error::new(io::ErrorKind::NotFound, "it has no address"),
            },
        });
    }
    let mut last = timed_out();
    for (nth, address) in addresses.iter().enumerate() {
        // A share of the time for each, so that an address that swallows packets (an IPv6 route
        // that leads nowhere) leaves some for the next.
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses.len() - nth).unwrap_or(u32::MAX);
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                keep_alive(&stream)
                    .map_err(|source| Error::Io { command: "the connection", source })?;
                return Ok(stream);
            }
            Ok(Err(err)) => last = err,
            Err(_) => last = timed_out(),
        }
        if deadline <= Instant::now() {
            break;
        }
    }
    Err(Error::Unreachable { host: host.clone(), port, source: last })
}

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}

/// Lets the system notice a peer that is gone: probes after a minute of quiet, and a limit for data
/// that nobody acknowledges.
fn keep_alive(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new()
        .with_time(Duration::from_secs(60))
        .with_interval(Duration::from_secs(15))
        .with_retries(4);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
    Ok(())
}

async fn handshake(
    settings: &MailboxSettings,
    limits: &Limits,
    stream: impl Transport + 'static,
    deadline: Instant,
) -> Result<Box<dyn Transport>, Error> {
    let host = &settings.host;
    let name = ServerName::try_from(host.clone()).map_err(|_| Error::TlsSetup {
        host: host.clone(),
        source: Answer::new("a certificate cannot be for such a name"),
    })?;
    let config = tls_config(settings).await?;
    let connect = TlsConnector::from(Arc::new(config)).connect(name, stream);
    let limit = limits.connect_timeout;
    match timeout_at(deadline, connect).await {
        Err(_) => Err(Error::Silent { command: "the TLS handshake", limit }),
        Ok(Err(source)) => Err(Error::Tls { host: host.clone(), source }),
        Ok(Ok(stream)) => Ok(Box::new(stream)),
    }
}

/// Builds the TLS configuration. The provider is named, because rustls panics when two crates of a
/// program bring different ones and none is named.
async fn tls_config(settings: &MailboxSettings) -> Result<ClientConfig, Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match settings.pin_sha256 {
        Some(pin) => {
            Arc::new(Pinned { pin, algorithms: provider.signature_verification_algorithms })
        }
        None => {
            let host = settings.host.clone();
            let ca_file = settings.ca_file.clone();
            let provider = Arc::clone(&provider);
            let build = move || trusted(&host, ca_file.as_deref(), provider);
            // A few hundred certificates are read from disk.
            tokio::task::spawn_blocking(build).await.unwrap_or_else(|err| {
                Err(Error::TlsSetup {
                    host: settings.host.clone(),
                    source: Answer::new(&err.to_string()),
                })
            })?
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|err| setup(&settings.host, &err))?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Ok(config)
}

fn setup(host: &str, err: &dyn fmt::Display) -> Error {
    Error::TlsSetup { host: host.to_owned(), source: Answer::new(&err.to_string()) }
}

/// The platform's trust anchors and those of `ca_file`, read anew for each connection: both change
/// under a program that runs for months.
fn trusted(
    host: &str,
    ca_file: Option<&Path>,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    for err in &native.errors {
        tracing::warn!(error = %err, "cannot read some of the platform's trust anchors");
    }
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = ca_file {
        let unreadable = |err: &dyn fmt::Display| Error::CaFile {
            path: path.to_owned(),
            source: Answer::new(&err.to_string()),
        };
        let mut n_certificates = 0;
        for certificate in CertificateDer::pem_file_iter(path).map_err(|err| unreadable(&err))? {
            let certificate = certificate.map_err(|err| unreadable(&err))?;
            roots.add(certificate).map_err(|err| unreadable(&err))?;
            n_certificates += 1;
        }
        if n_certificates == 0 {
            return Err(unreadable(&"it contains no certificate"));
        }
    }
    if roots.is_empty() {
        return Err(setup(host, &"the platform has no trust anchors"));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|err| setup(host, &err))?;
    Ok(verifier)
}

/// Accepts exactly one certificate, whatever it says of itself: local bridges make their own.
#[derive(Debug)]
struct Pinned {
    pin: [u8; 32],
    algorithms: WebPkiSupportedAlgorithms,
}

/// The server has another certificate than the pinned one.
#[derive(Debug, thiserror::Error)]
#[error("the certificate is not the pinned one, but {}", shown(found))]
struct NotPinned {
    found: [u8; 32],
}

/// A fingerprint as `pin-sha256` takes it.
pub fn shown(fingerprint: &[u8; 32]) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        let found: [u8; 32] = Sha256::digest(end_entity.as_ref()).into();
        if found == self.pin {
            return Ok(ServerCertVerified::assertion());
        }
        Err(TlsError::Other(OtherError(Arc::new(NotPinned { found }))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls12_signature(message, cert, dss, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(message, cert, dss, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::super::session::tests::limits;
    use super::*;
    use crate::config::FolderName;
    use crate::secret::SecretSource;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    fn settings(port: u16, tls: Tls) -> MailboxSettings {
        MailboxSettings {
            name: "office".to_owned(),
            host: "localhost".to_owned(),
            port,
            tls,
            ca_file: None,
            pin_sha256: None,
            user: "ops@broker.example".to_owned(),
            secret: SecretSource::Command(vec!["echo".to_owned(), "s3cret".to_owned()]),
            folders: vec![FolderName::Named("INBOX".to_owned())],
            sent: None,
            authserv_ids: Vec::new(),
            idle: true,
            poll_interval: Duration::from_secs(300),
            look_back: Duration::from_secs(86_400),
        }
    }

    /// A server on a port of this computer that greets, and answers each line by the next entry of
    /// the script (`@` is the tag).
    async fn serving(script: &'static [&'static str]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            let mut tag = String::new();
            for (nth, answer) in script.iter().enumerate() {
                let mut line = String::new();
                if 0 < nth && stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                if let Some((first, _)) = line.split_once(' ') {
                    tag = first.to_owned();
                }
                let answer = answer.replace('@', &tag);
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        port
    }

    async fn check(tls: Tls, kind: Kind, script: &'static [&'static str], expected: &str) {
        let settings = settings(serving(script).await, tls);
        let secret = Secret::new("s3cret".to_owned(), kind);
        let shown = match greet(&settings, &limits()).await {
            Err(err) => err.chain(),
            Ok(greeted) => match login(greeted, &settings, &limits(), &secret).await {
                Err(err) => err.chain(),
                Ok(session) => format!("in after {}", session.n_commands()),
            },
        };
        assert_eq!(shown, expected, "{script:?}");
    }

    #[tokio::test]
    async fn passwords_go_by_the_best_way_offered() {
        check(
            Tls::None,
            Kind::Password,
            &[
                "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n",
                "+ \r\n",
                "A0001 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n",
            ],
            "in after 1",
        )
        .await;
        check(
            Tls::None,
            Kind::Password,
            &[
                "* OK hi\r\n",
                "* CAPABILITY IMAP4rev1\r\n@ OK done\r\n",
                "@ OK in\r\n",
                "* CAPABILITY IMAP4rev1 IDLE\r\n@ OK done\r\n",
            ],
            "in after 3",
        )
        .await;
        check(
            Tls::None,
            Kind::Password,
            &["* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] hi\r\n"],
            "the server offers no login with a password over this connection",
        )
        .await;
    }

    #[tokio::test]
    async fn a_token_that_is_refused_is_a_refused_login() {
        check(
            Tls::None,
            Kind::AccessToken,
            &[
                "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=PLAIN] hi\r\n",
                "+ \r\n",
                "+ eyJzdGF0dXMiOiI0MDAifQ==\r\n",
                "A0001 NO [AUTHENTICATIONFAILED] Invalid credentials\r\n",
            ],
            "the server refused the login: NO [AUTHENTICATIONFAILED] Invalid credentials",
        )
        .await;
    }

    #[tokio::test]
    async fn a_token_goes_by_the_standard_where_it_is_offered_and_the_refusal_says_why() {
        check(
            Tls::None,
            Kind::AccessToken,
            &[
                "* OK [CAPABILITY IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER] hi\r\n",
                "+ \r\n",
                // {"status":"insufficient_scope","scope":"imap"}
                "+ eyJzdGF0dXMiOiJpbnN1ZmZpY2llbnRfc2NvcGUiLCJzY29wZSI6ImltYXAifQ==\r\n",
                "A0001 NO [AUTHENTICATIONFAILED] no\r\n",
            ],
            "the server refused the login: NO [AUTHENTICATIONFAILED] no (insufficient_scope)",
        )
        .await;
        check(
            Tls::None,
            Kind::AccessToken,
            &["* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi\r\n"],
            "the server offers no login with an access token (OAUTHBEARER or XOAUTH2)",
        )
        .await;
    }

    #[test]
    fn the_first_message_of_oauthbearer_is_that_of_the_standard() {
        let mut settings = settings(143, Tls::None);
        settings.host = "server.example.com".to_owned();
        settings.user = "a,b=c@example.com".to_owned();
        let token = Secret::new("vF9dft4q".to_owned(), Kind::AccessToken);
        assert_eq!(
            oauth_bearer(&settings, &token),
            "n,a=a=2Cb=3Dc@example.com,\x01host=server.example.com\x01port=143\x01auth=Bearer vF9dft4q\x01\x01"
        );
    }

    #[tokio::test]
    async fn a_server_that_is_full_is_not_a_wrong_password() {
        check(
            Tls::None,
            Kind::Password,
            &[
                "* OK [CAPABILITY IMAP4rev1] hi\r\n",
                "@ NO [ALERT] Too many simultaneous connections. (Failure)\r\n",
            ],
            "the server asks to be left alone for a while: \
             NO [ALERT] Too many simultaneous connections. (Failure)",
        )
        .await;
        check(
            Tls::None,
            Kind::Password,
            &[
                "* OK [CAPABILITY IMAP4rev1] hi\r\n",
                "@ NO [SERVERBUG] LOGIN Server error - Please try again later\r\n",
            ],
            "the server asks to be left alone for a while: \
             NO [SERVERBUG] LOGIN Server error - Please try again later",
        )
        .await;
        check(
            Tls::None,
            Kind::Password,
            &["* BYE [UNAVAILABLE] come back later\r\n"],
            "the server asks to be left alone for a while: BYE [UNAVAILABLE] come back later",
        )
        .await;
        check(
            Tls::None,
            Kind::Password,
            &["* OK [CAPABILITY IMAP4rev1] hi\r\n", "* BYE down\r\n"],
            "the server closed the connection during the login: BYE down",
        )
        .await;
    }

    #[tokio::test]
    async fn a_secret_the_server_repeats_is_not_shown() {
        check(
            Tls::None,
            Kind::Password,
            &["* OK [CAPABILITY IMAP4rev1] hi\r\n", "@ BAD what is LOGIN ops s3cret?\r\n"],
            "the server refused the login: BAD what is LOGIN ops …?",
        )
        .await;
    }

    #[tokio::test]
    async fn starttls_is_all_or_nothing() {
        check(
            Tls::StartTls,
            Kind::Password,
            &["* OK hi\r\n", "@ BAD unknown command\r\n"],
            "the server does not start TLS: BAD unknown command",
        )
        .await;
        check(
            Tls::StartTls,
            Kind::Password,
            &["* OK hi\r\n", "@ OK go\r\n* OK [CAPABILITY AUTH=PLAIN] forged\r\n"],
            "the server does not start TLS: it sent plain text before the handshake",
        )
        .await;
    }

    #[tokio::test]
    async fn plain_text_goes_to_this_computer_only() {
        let mut settings = settings(143, Tls::None);
        settings.host = "192.0.2.1".to_owned();
        let err = greet(&settings, &limits()).await.unwrap_err();
        assert_eq!(
            err.chain(),
            "refusing an unencrypted connection to 192.0.2.1, which is not this computer"
        );
    }
}
