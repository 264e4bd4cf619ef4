//! A private Cyrus: its own directory, ports, certificate and mailbox, gone at the end of the test.
//!
//! Mails come in by IMAP's APPEND, which takes the time of receipt along; to the sessions that idle it
//! is the same as a delivery. What Cyrus logs goes to the machine's syslog, where there is one.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use chrono::{DateTime, Utc};

use super::dovecot::{Account, PASSWORD, certify, free_ports, serves};
use super::imap::Imap;
use super::unpacked::{Family, copy, library_path};
use super::{scratch, until};

/// The one account. Cyrus keeps dots in names for folders.
pub const USER: &str = "ops";
/// Who may remove a mailbox.
const ADMIN: &str = "admin";

/// A running Cyrus with one mailbox: INBOX, Sent and Junk.
#[derive(Debug)]
pub struct Cyrus {
    directory: tempfile::TempDir,
    account: Account,
    /// Port of IMAP in the clear and by STARTTLS.
    pub imap_port: u16,
    /// Port of IMAP over TLS.
    pub imaps_port: u16,
    master: Option<Family>,
}

/// How the server names folders, and what it says of them.
#[derive(Clone, Copy, Debug)]
pub struct Naming {
    /// `altnamespace`: folders lie beside INBOX and not below it.
    pub is_alternative: bool,
    /// `unixhierarchysep`: the delimiter is a slash and not a dot.
    pub has_slash: bool,
    /// Whether Sent and Junk are marked by their special use.
    pub has_special_use: bool,
}

/// As Cyrus comes today.
pub const USUAL: Naming = Naming { is_alternative: true, has_slash: true, has_special_use: true };

impl Cyrus {
    /// Starts a server with an empty mailbox.
    pub fn start(naming: Naming) -> Cyrus {
        let directory = scratch();
        copy("cyrus", directory.path(), <[u8]>::to_vec);
        for part in ["conf/socket", "part", "proc", "lock", "run"] {
            fs::create_dir_all(directory.path().join(part)).unwrap();
        }
        certify(directory.path());
        let account = Account::for_mail();
        account.own(directory.path());
        let mut server = Cyrus { directory, account, imap_port: 0, imaps_port: 0, master: None };
        for user in [USER, ADMIN] {
            let mut add = server.command("usr/sbin/saslpasswd2");
            add.args(["-p", "-c", "-u", "localhost", "-f"]).arg(server.path("sasldb2")).arg(user);
            let mut child = add.stdin(Stdio::piped()).spawn().unwrap();
            write!(child.stdin.take().unwrap(), "{PASSWORD}").unwrap();
            assert!(child.wait().unwrap().success(), "saslpasswd2");
        }
        for _ in 0..5 {
            (server.imap_port, server.imaps_port) = free_ports();
            server.configure(naming);
            server.account.own(server.directory.path());
            if server.launch() {
                // The first login makes the folders.
                server.client();
                return server;
            }
        }
        panic!("Cyrus does not start");
    }

    /// Stops the server; clients see their connections close.
    pub fn stop(&mut self) {
        self.master = None;
    }

    /// Starts the server again at the same ports.
    pub fn start_again(&mut self) {
        until("Cyrus runs again", || match self.launch() {
            true => Ok(()),
            false => Err("it ends".to_owned()),
        });
    }

    /// Delivers a mail. `folder` is its whole name.
    pub fn deliver_at(&self, folder: &str, mail: &str, received_at: DateTime<Utc>) {
        self.client().append(folder, mail, received_at);
    }

    /// Removes the whole mailbox; the next login makes a new one.
    pub fn remove_mailbox(&self) {
        let mut admin = Imap::log_in(self.imap_port, ADMIN, PASSWORD);
        let listed = admin.command(&format!("LIST \"\" \"user*{USER}\""));
        let (_, name) = listed.first().unwrap().split_once("\" ").unwrap();
        admin.command(&format!("SETACL {name} {ADMIN} lrswipkxtecda"));
        admin.command(&format!("DELETE {name}"));
    }

    /// Returns a connection of another mail program.
    pub fn client(&self) -> Imap {
        Imap::log_in(self.imap_port, USER, PASSWORD)
    }

    /// Returns the authority's certificate, for `ca-file`.
    pub fn ca_file(&self) -> PathBuf {
        self.path("ca.pem")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn configure(&self, naming: Naming) {
        let directory = self.directory.path().display();
        let Cyrus { imap_port, imaps_port, .. } = self;
        let user = &self.account.user;
        let yes = |is_so: bool| if is_so { "yes" } else { "no" };
        let (alternative, slash) = (yes(naming.is_alternative), yes(naming.has_slash));
        let special = match naming.has_special_use {
            true => "autocreate_inbox_folders: Sent | Junk\nxlist-sent: Sent\nxlist-junk: Junk",
            false => "autocreate_inbox_folders: Sent | Junk",
        };
        let imapd = format!(
            "\
configdirectory: {directory}/conf
defaultpartition: default
partition-default: {directory}/part
proc_path: {directory}/proc
mboxname_lockpath: {directory}/lock
idlesocket: {directory}/run/idle
lmtpsocket: {directory}/run/lmtp
notifysocket: {directory}/run/notify
cyrus_user: {user}
servername: localhost
admins: {ADMIN}
altnamespace: {alternative}
unixhierarchysep: {slash}
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: {directory}/sasldb2
sasl_mech_list: PLAIN
allowplaintext: yes
failedloginpause: 0
tls_server_cert: {directory}/leaf.pem
tls_server_key: {directory}/leaf.key
autocreate_post: yes
autocreate_quota: 0
{special}
"
        );
        fs::write(self.path("imapd.conf"), imapd).unwrap();
        let program =
            |name: &str| format!("{directory}/usr/lib/cyrus/bin/{name} -C {directory}/imapd.conf");
        let (imapd, idled) = (program("imapd"), program("idled"));
        let cyrus = format!(
            "\
START {{
}}
SERVICES {{
  imap cmd=\"{imapd}\" listen=\"127.0.0.1:{imap_port}\" prefork=0
  imaps cmd=\"{imapd} -s\" listen=\"127.0.0.1:{imaps_port}\" prefork=0
}}
EVENTS {{
}}
DAEMON {{
  idled cmd=\"{idled}\"
}}
"
        );
        fs::write(self.path("cyrus.conf"), cyrus).unwrap();
    }

    /// Starts the master process; false where it ended again, for instance for want of its port.
    fn launch(&mut self) -> bool {
        let mut command = self.command("usr/lib/cyrus/bin/master");
        command.arg("-C").arg(self.path("imapd.conf")).arg("-M").arg(self.path("cyrus.conf"));
        command.arg("-p").arg(self.path("run/master.pid"));
        command.env("CYRUS_USER", &self.account.user);
        let mut master = Family::start(&mut command, &self.path("log"));
        let runs = serves("Cyrus", (self.imap_port, self.imaps_port), || master.has_ended());
        self.master = runs.then_some(master);
        runs
    }

    fn command(&self, program: &str) -> Command {
        let libraries = library_path(self.directory.path());
        let plugins = libraries.split(':').map(|path| format!("{path}/sasl2"));
        let mut command = Command::new(self.path(program));
        self.account.run(&mut command);
        command
            .current_dir(self.directory.path())
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("SASL_PATH", plugins.collect::<Vec<_>>().join(":"))
            .env("LD_LIBRARY_PATH", libraries);
        command
    }
}
