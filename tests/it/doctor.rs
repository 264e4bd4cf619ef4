//! `acewatch doctor` before each fault that befalls an importer or a broker: the one line that says
//! what it is and why, and the hint that says what to type.
//!
//! A sound set-up has no such line. Each fault is planted in a fresh copy of it, so that what is
//! printed beside the good lines is there because of the fault.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::desktop::Desktop;
use crate::support::dovecot::{Dovecot, USER};
use crate::support::keyring::Keyring;
use crate::support::mail::{ACME, approval, submission};
use crate::support::program::{Daemon, Program, Transport, mailbox};
use crate::support::provider::{Mailbox, Provider};
use crate::support::recorder::Recorder;
use crate::support::scratch;
use crate::support::tls::Expired;

/// Where the password of the sound set-up is.
const PASSWORD: &str = "password-environment = \"ACEWATCH_TEST_PASSWORD\"";

/// Runs a program so that the rights of files hold for root, too.
const WITHOUT_RIGHTS: [&str; 2] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];

/// What all set-ups share, because it takes time to start.
struct Town {
    server: Dovecot,
    without_idle: Dovecot,
    expired: Expired,
    poor: Provider,
    /// A session with a notification server and an open keyring.
    desktop: Desktop,
    /// A bus with nobody on it.
    empty: Desktop,
    /// A session whose keyring is locked.
    closed: Desktop,
    /// A database with an application in it.
    database: PathBuf,
    /// A port where nobody listens.
    nobody: u16,
    _kept: (tempfile::TempDir, Recorder, Recorder, Keyring, Keyring),
}

/// One set-up, and what keeps its daemon for running.
struct House<'a> {
    town: &'a Town,
    program: Program,
    lock: Option<File>,
    daemon: Option<Daemon>,
}

impl Town {
    fn build() -> Town {
        let server = Dovecot::start();
        for n in 0..3 {
            let mail = approval(ACME, crate::support::now() - chrono::Duration::hours(n));
            server.deliver("INBOX", &mail);
            server.deliver("INBOX", &mail.replace("cbp.dhs.gov", "carrier.example"));
        }
        server.deliver("Sent", &submission(ACME, crate::support::now()));
        let without_idle = Dovecot::without_idle();
        let mut poor = Mailbox::with(&[("INBOX", "")]);
        poor.capabilities = "IMAP4rev1 STARTTLS LOGINDISABLED";
        let session = || {
            let mut desktop = Desktop::absent();
            desktop.log_in();
            desktop
        };
        let (desktop, empty, closed) = (session(), session(), session());
        let recorders = [&desktop, &closed].map(|on| Recorder::start(&on.bus_address()));
        let [open_keyring, mut closed_keyring] = [&desktop, &closed].map(Keyring::start);
        closed_keyring.stop();
        closed_keyring.start_locked();
        let home = scratch();
        let database = home.path().join("acewatch.db");
        let maker = Program::new();
        maker.ok(&["add", "--company", ACME.company, "--number", ACME.number]);
        fs::copy(maker.database(), &database).unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let nobody = listener.local_addr().unwrap().port();
        let [shown, shown_too] = recorders;
        Town {
            server,
            without_idle,
            expired: Expired::start(),
            poor: Provider::ordinary(poor),
            desktop,
            empty,
            closed,
            database,
            nobody,
            _kept: (home, shown, shown_too, open_keyring, closed_keyring),
        }
    }

    /// Returns a sound set-up.
    fn house(&self) -> House<'_> {
        let program = Program::new().with("DBUS_SESSION_BUS_ADDRESS", self.desktop.bus_address());
        program.configure(&mailbox(&self.server, Transport::Implicit));
        fs::create_dir_all(program.database().parent().unwrap()).unwrap();
        fs::copy(&self.database, program.database()).unwrap();
        fs::set_permissions(program.database(), Permissions::from_mode(0o600)).unwrap();
        let lock = File::create(program.path("data/acewatch/acewatch.db.lock")).unwrap();
        lock.lock().unwrap();
        House { town: self, program, lock: Some(lock), daemon: None }
    }
}

impl House<'_> {
    /// Changes the configuration's text, which must have what is to be replaced.
    fn change(self, old: &str, new: &str) -> Self {
        let path = self.configuration();
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{old} is not in {text}");
        fs::write(path, text.replacen(old, new, 1)).unwrap();
        self
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.program = self.program.with(name, value);
        self
    }

    fn configuration(&self) -> PathBuf {
        self.program.path("config/acewatch/config.toml")
    }

    /// Gives the mailbox another server.
    fn at(self, host: &str, port: u16) -> Self {
        let old = format!("port = {}", self.town.server.imaps_port);
        self.change("host = \"localhost\"", &format!("host = \"{host}\""))
            .change(&old, &format!("port = {port}"))
    }

    fn trusting(self, ca_file: &str) -> Self {
        let old = self.town.server.ca_file().display().to_string();
        self.change(&old, ca_file)
    }

    /// Writes a file into the home.
    fn write(self, name: &str, text: &str, mode: u32) -> Self {
        let path = self.program.path(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
        self
    }

    /// Has a service of systemd's, which answers so when it is asked how it is.
    fn serving(self, state: &str, linger: &str) -> Self {
        let unit = self.program.path("config/systemd/user/acewatch.service");
        let state = format!("FragmentPath={}\\n{state}", unit.display());
        fs::create_dir_all(unit.parent().unwrap()).unwrap();
        fs::create_dir_all(self.program.path("run/systemd")).unwrap();
        fs::create_dir_all(self.program.path("bin")).unwrap();
        let path = std::env::var("PATH").unwrap();
        let path = format!("{}:{path}", self.program.path("bin").display());
        self.write("bin/systemctl", &format!("#!/bin/sh\nprintf '{state}\\n'\n"), 0o755)
            .write("bin/loginctl", &format!("#!/bin/sh\necho Linger={linger}\n"), 0o755)
            .with("PATH", &path)
    }

    /// Runs a statement on the database.
    fn sql(self, statement: &str) -> Self {
        rusqlite::Connection::open(self.program.database())
            .unwrap()
            .execute_batch(statement)
            .unwrap();
        self
    }

    /// Everything that `doctor` prints and that is not good, without what differs from run to run.
    fn told(&self) -> String {
        let ended = self.program.run(&["doctor", "--json"]);
        let document: Value = serde_json::from_str(&ended.stdout)
            .unwrap_or_else(|error| panic!("{error}: {ended:#?}"));
        let mut text = String::new();
        for check in document["checks"].as_array().unwrap() {
            let word = |name: &str| check[name].as_str().unwrap_or_default();
            if word("outcome") != "ok" {
                text += &format!("{}: {}: {}\n", word("outcome"), word("name"), word("detail"));
                text += &format!("    hint: {}\n", word("hint"));
            }
        }
        let home = self.program.path("");
        let home = home.display().to_string();
        let text = text.replace(home.trim_end_matches('/'), "~");
        let port = regex::Regex::new(r"(localhost|127\.0\.0\.\d|example):\d+").unwrap();
        let text = port.replace_all(&text, "$1:PORT");
        let changing = [
            // Without a network it has other words.
            ("Name or service not known|Temporary failure in name resolution", "…"),
            (r"it says 20\d\d-\d\d-\d\d \d\d:\d\d UTC", "it says NOW"),
            ("[0-9a-f]{64}", "FINGERPRINT"),
            (r"knows up to \d+", "knows up to N"),
        ];
        changing.iter().fold(text.into_owned(), |text, (pattern, word)| {
            regex::Regex::new(pattern).unwrap().replace_all(&text, *word).into_owned()
        })
    }
}

/// Plants a fault in a sound set-up.
type Plant = for<'a> fn(House<'a>) -> House<'a>;

/// The faults. What `doctor` says of each is in `snapshots/it__doctor__faults.snap`.
const FAULTS: &[(&str, Plant)] = &[
    ("no configuration", |house| {
        fs::remove_file(house.configuration()).unwrap();
        house
    }),
    ("a configuration that may not be read", |mut house| {
        fs::set_permissions(house.configuration(), Permissions::from_mode(0o000)).unwrap();
        house.program = house.program.through(&WITHOUT_RIGHTS);
        house
    }),
    ("a service that fails", |house| {
        house.serving("ActiveState=failed\\nUnitFileState=enabled", "yes")
    }),
    ("a service that ends when its user logs out, and a channel", |house| {
        let channel = "[[channel]]\nkind = \"command\"\ncommand = [\"cat\"]\n[[mailbox]]";
        house
            .serving("ActiveState=active\\nUnitFileState=enabled", "no")
            .change("[[mailbox]]", channel)
    }),
    ("a daemon that could not use the new configuration", |mut house| {
        house.lock = None;
        let daemon = house.program.daemon();
        house.program.until("it watches", |status| status["watch"]["state"] == "watching");
        let text = fs::read_to_string(house.configuration()).unwrap();
        let mut house = house.change("[trust]", "[trusted]");
        daemon.signal("HUP");
        crate::support::until("it refuses it", || match daemon.log() {
            log if log.contains("the old configuration stays in force") => Ok(()),
            log => Err(log),
        });
        fs::write(house.configuration(), text).unwrap();
        house.daemon = Some(daemon);
        house
    }),
    ("somebody writes to CBP who is not known as ours", |house| {
        house
            .change("own-addresses = [\"ops@", "own-addresses = [\"boss@")
            .change(&format!("user = \"{USER}\""), "user = \"ops\"")
    }),
    ("a password file that is not there", |house| {
        house.change(PASSWORD, "password-file = \"office.secret\"")
    }),
    ("a configuration that is no TOML", |house| house.change("[trust]", "[trust")),
    ("an unknown key", |house| house.change("own-addresses", "own-adresses")),
    ("a configuration, and a program that it names, which every user can change", |house| {
        let path = house.configuration();
        let program = house.program.path("run/unlock.sh");
        let house = house
            .write("run/unlock.sh", "#!/bin/sh\necho \"$ACEWATCH_TEST_PASSWORD\"\n", 0o757)
            .change(PASSWORD, &format!("password-command = [\"{}\"]", program.display()));
        fs::set_permissions(path, Permissions::from_mode(0o606)).unwrap();
        house
    }),
    ("rules, and a folder of the configuration, which every user can change", |house| {
        let folder = house.configuration().parent().unwrap().to_owned();
        fs::set_permissions(folder, Permissions::from_mode(0o757)).unwrap();
        house.write("config/acewatch/rules.toml", "", 0o606)
    }),
    ("rules that are broken", |house| {
        house.write("config/acewatch/rules.toml", "[[rule]]\nid = 3\n", 0o600)
    }),
    ("nobody is trusted", |house| house.change("authserv-id = [\"mx.broker.example\"]", "")),
    ("another server is trusted than the one that vouches", |house| {
        house.change("mx.broker.example", "mail.broker.example")
    }),
    ("own addresses are not known", |house| {
        house.change("own-addresses = [\"ops@broker.example\"]", "").change(USER, "ops")
    }),
    ("a password file that others can read", |house| {
        house
            .write("config/acewatch/office.secret", "x", 0o644)
            .change(PASSWORD, "password-file = \"office.secret\"")
    }),
    ("a password command that is not there", |house| {
        house.change(PASSWORD, "password-command = [\"pas\", \"show\", \"mail/ops\"]")
    }),
    ("a password command that fails", |house| {
        house.change(
            PASSWORD,
            "password-command = [\"sh\", \"-c\", \"echo the store is locked >&2; exit 2\"]",
        )
    }),
    ("a password command that waits for an answer", |house| {
        house
            .change(PASSWORD, "password-command = [\"sleep\", \"60\"]")
            .change("[limits]", "[limits]\ncommand-timeout = \"1s\"")
    }),
    ("no session with a keyring", |house| {
        house
            .change(PASSWORD, "keyring = true")
            .change("[notify]", "[notify]\ndesktop = false")
            .with("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    }),
    ("a locked keyring", |house| {
        let bus = house.town.closed.bus_address();
        house.change(PASSWORD, "keyring = true").with("DBUS_SESSION_BUS_ADDRESS", &bus)
    }),
    ("nothing in the keyring", |house| house.change(PASSWORD, "keyring = true")),
    ("a host that does not exist", |house| house.at("imap.broker.invalid", 993)),
    ("a port where nobody listens", |house| {
        let port = house.town.nobody;
        house.at("localhost", port)
    }),
    ("a port without TLS", |house| {
        let port = house.town.server.imap_port;
        house.at("localhost", port)
    }),
    ("a certificate that nobody vouches for", |house| {
        let ca_file = house.town.expired.ca_file();
        house.trusting(&ca_file)
    }),
    ("a certificate that has expired", |house| {
        let (port, ca_file) = (house.town.expired.port, house.town.expired.ca_file());
        house.at("localhost", port).trusting(&ca_file)
    }),
    ("a certificate for another name", |house| {
        let port = house.town.server.imaps_port;
        house.at("127.0.0.2", port)
    }),
    ("another certificate than the pinned one", |house| {
        let ca_file = format!("ca-file = \"{}\"", house.town.server.ca_file().display());
        house.change(&ca_file, &format!("pin-sha256 = \"{}\"", "00".repeat(32)))
    }),
    ("a wrong password", |house| house.with("ACEWATCH_TEST_PASSWORD", "wrong")),
    ("a login that the server wants to be protected", |house| {
        let port = house.town.poor.port;
        let ca_file = format!("ca-file = \"{}\"", house.town.server.ca_file().display());
        house
            .at("localhost", port)
            .change("tls = \"implicit\"", "tls = \"none\"")
            .change(&ca_file, "")
    }),
    ("a folder that is not there", |house| {
        house.change("poll-interval", "folders = [\"INBOX\", \"Entries\", '\\Junk']\npoll-interval")
    }),
    ("folders that are not there", |house| {
        house.change(
            "poll-interval",
            "folders = [\"Entries\", \"INBOX\", \"Bonds\"]\nsent = \"Out\"\npoll-interval",
        )
    }),
    ("no folder for sent mail", |house| {
        house.change("poll-interval", "sent = '\\Archive'\npoll-interval")
    }),
    ("no folder for several uses", |house| {
        house.change(
            "poll-interval",
            "folders = [\"INBOX\", '\\All', '\\Flagged']\nsent = '\\Archive'\npoll-interval",
        )
    }),
    ("junk that is not watched", |house| {
        house.change("poll-interval", "folders = [\"INBOX\"]\npoll-interval")
    }),
    ("a server that does not tell of new mail", |house| {
        let (port, ca_file) =
            (house.town.without_idle.imaps_port, house.town.without_idle.ca_file());
        house.at("localhost", port).trusting(&ca_file.display().to_string())
    }),
    ("no session bus", |house| house.with("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")),
    ("no notification server", |house| {
        let bus = house.town.empty.bus_address();
        house.with("DBUS_SESSION_BUS_ADDRESS", &bus)
    }),
    ("a database that may not be written", |mut house| {
        fs::set_permissions(house.program.database(), Permissions::from_mode(0o400)).unwrap();
        house.program = house.program.through(&WITHOUT_RIGHTS);
        house
    }),
    ("a full disk", |mut house| {
        house.program =
            house.program.through(&["sh", "-c", "trap '' XFSZ; ulimit -f 1024; exec \"$@\"", "sh"]);
        house
    }),
    ("a damaged database", |house| {
        let mut octets = fs::read(house.program.database()).unwrap();
        octets[4096..8192].fill(0xa5);
        fs::write(house.program.database(), octets).unwrap();
        house
    }),
    ("a file that is no database", |house| {
        fs::write(
            house.program.database(),
            "a text that is long enough to be taken for a file of another kind",
        )
        .unwrap();
        house
    }),
    ("a database of a newer version", |house| house.sql("PRAGMA user_version = 9999")),
    ("a database that others can read", |house| {
        fs::set_permissions(house.program.database(), Permissions::from_mode(0o644)).unwrap();
        house
    }),
    ("a clock that is wrong", |house| {
        house.sql("INSERT INTO mailboxes (name, last_complete_check) VALUES ('office', 4102444800)")
    }),
    ("no daemon", |mut house| {
        house.lock = None;
        house
    }),
    ("a mail server of a channel that is away", |house| {
        let port = house.town.nobody;
        house.change("[[mailbox]]", &format!("[[channel]]\nkind = \"mail\"\nhost = \"localhost\"\nport = {port}\nfrom = \"acewatch@broker.example\"\nto = [\"ops@broker.example\"]\n[[mailbox]]"))
    }),
    ("a webhook that is away", |house| {
        let port = house.town.nobody;
        house.change("[[mailbox]]", &format!("[[channel]]\nkind = \"webhook\"\nurl = \"http://localhost:{port}/secret-path\"\n[[mailbox]]"))
    }),
    ("a program of a channel that is not there", |house| {
        house.change(
            "[[mailbox]]",
            "[[channel]]\nkind = \"command\"\ncommand = [\"tel\"]\n[[mailbox]]",
        )
    }),
];

#[test]
fn every_fault_is_found_and_explained_and_a_sound_set_up_has_none() {
    let town = Town::build();
    let sound = town.house();
    assert_eq!(sound.told(), "", "{}", sound.program.run(&["doctor"]).stdout);
    let mut told = String::new();
    for (fault, plant) in FAULTS {
        let lines = plant(town.house()).told();
        assert_ne!(lines, "", "{fault} is not found");
        told += &format!("# {fault}\n{lines}\n");
    }
    insta::assert_snapshot!("faults", told);
}
