//! A private Dovecot: its own directory, ports, certificate and mailbox, gone at the end of the test.
//!
//! Mails come in as a delivery agent brings them: written to the Maildir's `tmp` and renamed into
//! `new`. Dovecot takes the time of receipt (INTERNALDATE) from the file's modification time.
//!
//! Dovecot refuses to handle mail as root. When the tests run as root, as in a container, all of it
//! runs as `nobody`, to whom its directory then belongs.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{Server, needed, output_of, scratch, until};

/// The one account; any other name works too, and all share the mailbox.
pub const USER: &str = "ops@broker.example";

/// The account's password.
pub const PASSWORD: &str = "correct-horse-7/battery";

/// A running mail server with one mailbox: INBOX, Sent and Junk, the latter two by SPECIAL-USE.
#[derive(Debug)]
pub struct Dovecot {
    directory: tempfile::TempDir,
    account: Account,
    /// Port of IMAP in the clear and by STARTTLS.
    pub imap_port: u16,
    /// Port of IMAP over TLS.
    pub imaps_port: u16,
    /// The port of the provider that knows of tokens, and the mechanisms.
    tokens: Option<(u16, &'static str)>,
    n_delivered: std::cell::Cell<u32>,
    master: Option<Server>,
}

/// Who a mail server runs as.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) user: String,
    group: String,
    /// User and group id, where they are not our own.
    other: Option<(u32, u32)>,
}

impl Dovecot {
    /// Starts a server with an empty mailbox.
    pub fn start() -> Dovecot {
        Dovecot::launched(true, None)
    }

    /// Starts a server that does not offer IDLE.
    pub fn without_idle() -> Dovecot {
        Dovecot::launched(false, None)
    }

    /// Starts a server that also lets in by access tokens, for the mechanisms named, and asks the
    /// provider at `port` of this machine about each.
    pub fn asking(port: u16, mechanisms: &'static str) -> Dovecot {
        Dovecot::launched(true, Some((port, mechanisms)))
    }

    fn launched(offers_idle: bool, tokens: Option<(u16, &'static str)>) -> Dovecot {
        let directory = scratch();
        let account = Account::for_mail();
        for folder in ["INBOX", "Sent", "Junk"] {
            for part in ["tmp", "new", "cur"] {
                fs::create_dir_all(maildir(directory.path(), folder).join(part)).unwrap();
            }
        }
        certify(directory.path());
        let mut server = Dovecot {
            directory,
            account,
            imap_port: 0,
            imaps_port: 0,
            tokens,
            n_delivered: std::cell::Cell::new(0),
            master: None,
        };
        // A port that was free a moment ago may be taken when Dovecot asks for it.
        for _ in 0..5 {
            (server.imap_port, server.imaps_port) = free_ports();
            server.configure(offers_idle);
            server.account.own(server.directory.path());
            if server.launch() {
                return server;
            }
        }
        panic!("Dovecot does not start:\n{}", server.log());
    }

    /// Stops the server; clients see their connections close, and no new one is taken.
    pub fn stop(&mut self) {
        self.master = None;
        // What the master had started holds its ports for a moment longer.
        until("Dovecot is gone", || match [self.imap_port, self.imaps_port].map(accepts) {
            [false, false] => Ok(()),
            _ => Err(self.log()),
        });
    }

    /// Starts the server again at the same ports.
    pub fn start_again(&mut self) {
        assert!(self.master.is_none(), "it runs");
        until("Dovecot runs again", || match self.launch() {
            true => Ok(()),
            false => Err(self.log()),
        });
    }

    /// Delivers a mail that was received now.
    pub fn deliver(&self, folder: &str, mail: &str) {
        self.deliver_at(folder, mail, super::now());
    }

    /// Delivers a mail with the time of receipt `received_at`.
    pub fn deliver_at(&self, folder: &str, mail: &str, received_at: DateTime<Utc>) {
        let number = self.n_delivered.get() + 1;
        self.n_delivered.set(number);
        let maildir = maildir(self.directory.path(), folder);
        // The name begins with the time because Dovecot numbers new mails in the order of names.
        let name = format!("{}.M{number:06}.test", super::now().timestamp());
        let draft = maildir.join("tmp").join(&name);
        let mut file = fs::File::create(&draft).unwrap();
        file.write_all(mail.as_bytes()).unwrap();
        file.set_modified(received_at.into()).unwrap();
        self.account.own(&draft);
        fs::rename(draft, maildir.join("new").join(name)).unwrap();
    }

    /// Makes `folder` a new one with the same mails, as after a restored backup: another
    /// UIDVALIDITY, and UIDs from 1.
    pub fn renumber(&self, folder: &str) {
        let before = self.uid_validity(folder);
        self.kick();
        for entry in fs::read_dir(maildir(self.directory.path(), folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name == "dovecot-uidlist" || name.starts_with("dovecot.index") {
                fs::remove_file(path).unwrap();
            }
        }
        assert_ne!(self.uid_validity(folder), before);
    }

    /// Returns the UIDVALIDITY of `folder`.
    pub fn uid_validity(&self, folder: &str) -> u32 {
        let status =
            self.doveadm(&["-f", "tab", "mailbox", "status", "-u", USER, "uidvalidity", folder]);
        status.lines().nth(1).unwrap().split('\t').next_back().unwrap().parse().unwrap()
    }

    /// Ends every session as an administrator does: `* BYE`, then the end of the connection.
    pub fn kick(&self) {
        // doveadm fails where nobody is logged in, which is as good.
        let _ = self.doveadm_command(&["kick", USER]).output();
    }

    /// Returns the number of successful logins so far.
    pub fn n_logins(&self) -> usize {
        let log = self.log();
        // As 2.3 and 2.4 word it.
        log.matches(": Login: user=").count() + log.matches(": Logged in: user=").count()
    }

    /// Waits until every session has ended, and returns what each of them read.
    #[track_caller]
    pub fn sessions(&self) -> Vec<Session> {
        until("every session is in the log", || {
            let sessions: Vec<Session> = self.log().lines().filter_map(Session::of).collect();
            match sessions.len() == self.n_logins() {
                true => Ok(sessions),
                false => Err(self.log()),
            }
        })
    }

    /// Returns the server's log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    /// Returns the authority's certificate, for `ca-file`.
    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Returns the server certificate's SHA-256, for `pin-sha256`.
    pub fn fingerprint(&self) -> String {
        let printed = output_of(
            Command::new(needed("openssl", "openssl"))
                .args(["x509", "-noout", "-fingerprint", "-sha256", "-in"])
                .arg(self.path("leaf.pem")),
        );
        let (_, hex) = printed.trim().split_once('=').unwrap();
        hex.replace(':', "").to_ascii_lowercase()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn doveadm(&self, arguments: &[&str]) -> String {
        output_of(&mut self.doveadm_command(arguments))
    }

    fn doveadm_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(needed("doveadm", "dovecot-core"));
        command.arg("-c").arg(self.path("dovecot.conf")).args(arguments);
        self.account.run(&mut command);
        command
    }

    fn configure(&self, offers_idle: bool) {
        let directory = self.directory.path().display();
        let Account { user, group, .. } = &self.account;
        let (imap_port, imaps_port) = (self.imap_port, self.imaps_port);
        let version = output_of(Command::new(needed("dovecot", "dovecot-core")).arg("--version"));
        // Debian 12 and Ubuntu 24.04 have 2.3; from Debian 13 on it is 2.4, which changed the words.
        let is_old = version.starts_with("2.3");
        let first = if is_old {
            ""
        } else {
            "dovecot_config_version = 2.4.0\n\
             dovecot_storage_version = 2.4.0"
        };
        let worded = if is_old {
            format!(
                r#"
                ssl_cert = <{directory}/leaf.pem
                ssl_key = <{directory}/leaf.key
                disable_plaintext_auth = no
                mail_location = maildir:{directory}/mail
                passdb {{
                  driver = static
                  args = password={PASSWORD}
                }}
                userdb {{
                  driver = static
                  args = uid={user} gid={group} home={directory}/home
                }}
                "#
            )
        } else {
            format!(
                r#"
                ssl_server_cert_file = {directory}/leaf.pem
                ssl_server_key_file = {directory}/leaf.key
                auth_allow_cleartext = yes
                mail_driver = maildir
                mail_path = {directory}/mail
                passdb static {{
                  password = {PASSWORD}
                }}
                userdb static {{
                  fields {{
                    uid = {user}
                    gid = {group}
                    home = {directory}/home
                  }}
                }}
                "#
            )
        };
        let capability = match (offers_idle, is_old) {
            (true, _) => "",
            (false, true) => "imap_capability = IMAP4rev1 SPECIAL-USE",
            (false, false) => "imap_capability {\n IDLE = no\n }",
        };
        let tokens = self
            .tokens
            .map_or_else(String::new, |(port, mechanisms)| self.asks(port, mechanisms, is_old));
        let configuration = format!(
            r#"{first}
            base_dir = {directory}/run
            state_dir = {directory}/state
            instance_name = acewatch-{imap_port}
            log_path = {directory}/log
            protocols = imap
            # The certificate knows only the first of these.
            listen = 127.0.0.1, 127.0.0.2
            default_internal_user = {user}
            default_internal_group = {group}
            default_login_user = {user}
            first_valid_uid = 1
            first_valid_gid = 1
            ssl = yes
            mailbox_idle_check_interval = 1s
            # A wrong password is answered at once; the penalty would only cost the tests time.
            auth_failure_delay = 0 secs
            {tokens}
            {worded}
            {capability}
            namespace inbox {{
              inbox = yes
              separator = /
              mailbox Sent {{
                special_use = \Sent
                auto = subscribe
              }}
              mailbox Junk {{
                special_use = \Junk
                auto = subscribe
              }}
            }}
            service imap-login {{
              chroot =
              inet_listener imap {{
                port = {imap_port}
              }}
              inet_listener imaps {{
                port = {imaps_port}
                ssl = yes
              }}
            }}
            service anvil {{
              chroot =
              # Nor does a refusal make the next log-in wait.
              unix_listener anvil-auth-penalty {{
                mode = 0
              }}
            }}
            service stats {{
              chroot =
            }}
            "#
        );
        fs::write(self.path("dovecot.conf"), configuration).unwrap();
    }

    /// What has the server ask a provider about tokens (RFC 7662).
    fn asks(&self, port: u16, mechanisms: &str, is_old: bool) -> String {
        let settings = format!(
            "introspection_url = http://127.0.0.1:{port}/introspect\n\
             introspection_mode = post\n\
             username_attribute = email\n\
             active_attribute = active\n\
             active_value = true\n\
             scope = imap\n"
        );
        if !is_old {
            return format!(
                "auth_mechanisms = plain {mechanisms}\n\
                 oauth2 {{\n{settings}force_introspection = yes\n}}\n\
                 passdb oauth2 {{\nmechanisms_filter = {mechanisms}\n}}\n"
            );
        }
        let file = self.path("oauth2.conf");
        fs::write(&file, format!("{settings}force_introspection = yes\n")).unwrap();
        format!(
            "auth_mechanisms = plain {mechanisms}\n\
             passdb {{\ndriver = oauth2\nmechanisms = {mechanisms}\nargs = {}\n}}\n",
            file.display()
        )
    }

    /// Starts the master process; false where it ended again, for instance for want of its port.
    fn launch(&mut self) -> bool {
        assert!(
            Path::new("/usr/lib/dovecot/imap").exists(),
            "Dovecot lacks IMAP: install the package dovecot-imapd, or run scripts/test"
        );
        let mut command = Command::new(needed("dovecot", "dovecot-core"));
        command.arg("-F").arg("-c").arg(self.path("dovecot.conf"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.account.run(&mut command);
        let mut master = Server(command.spawn().unwrap());
        let has_ended = || master.0.try_wait().unwrap().is_some();
        let runs = serves("Dovecot", (self.imap_port, self.imaps_port), has_ended);
        self.master = runs.then_some(master);
        runs
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("Dovecot's log:\n{}", self.log());
        }
    }
}

/// What one session read of the mailbox, as Dovecot counts at its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Session {
    /// Mails whose headers were fetched.
    pub n_headers: u32,
    /// Mails whose bodies were fetched.
    pub n_bodies: u32,
}

impl Session {
    fn of(line: &str) -> Option<Session> {
        let count = |name: &str| {
            let (_, rest) = line.split_once(name)?;
            rest.split(' ').next()?.parse().ok()
        };
        Some(Session { n_headers: count(" hdr_count=")?, n_bodies: count(" body_count=")? })
    }
}

impl Account {
    pub(super) fn for_mail() -> Account {
        let id =
            |arguments: &[&str]| output_of(Command::new("id").args(arguments)).trim().to_owned();
        if id(&["-u"]) != "0" {
            return Account { user: id(&["-un"]), group: id(&["-gn"]), other: None };
        }
        let number = |arguments: &[&str]| id(arguments).parse::<u32>().unwrap();
        Account {
            user: "nobody".to_owned(),
            group: id(&["-gn", "nobody"]),
            other: Some((number(&["-u", "nobody"]), number(&["-g", "nobody"]))),
        }
    }

    /// Lets `command` run under this account.
    pub(super) fn run(&self, command: &mut Command) {
        command.current_dir("/");
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
    }

    /// Gives `path`, and all below it, to this account.
    pub(super) fn own(&self, path: &Path) {
        let Some((user, group)) = self.other else {
            return;
        };
        chown(path, Some(user), Some(group)).unwrap();
        if path.is_dir() {
            for entry in fs::read_dir(path).unwrap() {
                self.own(&entry.unwrap().path());
            }
        }
    }
}

fn maildir(directory: &Path, folder: &str) -> PathBuf {
    let mail = directory.join("mail");
    if folder == "INBOX" { mail } else { mail.join(format!(".{folder}")) }
}

/// Makes an authority and a server certificate signed by it. The latter is no authority itself:
/// rustls refuses one that is.
pub(super) fn certify(directory: &Path) {
    const EXTENSIONS: &str = "basicConstraints=critical,CA:FALSE\n\
                              subjectAltName=DNS:localhost,IP:127.0.0.1\n\
                              extendedKeyUsage=serverAuth\n";
    fs::write(directory.join("leaf.ext"), EXTENSIONS).unwrap();
    let lines = [
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
         -subj /CN=acewatch-test-authority -keyout ca.key -out ca.pem",
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
         -subj /CN=localhost -keyout leaf.key -out leaf.csr",
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 \
         -extfile leaf.ext -out leaf.pem",
    ];
    for line in lines {
        let mut openssl = Command::new(needed("openssl", "openssl"));
        output_of(openssl.args(line.split_whitespace()).current_dir(directory));
    }
    let readable = fs::Permissions::from_mode(0o644);
    fs::set_permissions(directory.join("ca.pem"), readable).unwrap();
}

pub(super) fn free_ports() -> (u16, u16) {
    let free = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    // Both are held until both are known, or they could be the same.
    let (first, second) = (free(), free());
    (first.local_addr().unwrap().port(), second.local_addr().unwrap().port())
}

/// Waits until a server greets; false where it has ended.
pub(super) fn serves(
    name: &str,
    (imap_port, imaps_port): (u16, u16),
    mut has_ended: impl FnMut() -> bool,
) -> bool {
    until(&format!("{name} greets or gives up"), || {
        if has_ended() {
            return Ok(false);
        }
        match greets(imap_port) && accepts(imaps_port) {
            true => Ok(true),
            false => Err("no greeting yet".to_owned()),
        }
    })
}

pub(super) fn accepts(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

pub(super) fn greets(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut greeting = [0; 4];
    stream.read_exact(&mut greeting).is_ok() && &greeting == b"* OK"
}
