//! What networks do: connections that are half open, stall, are cut, are slow, and come back.
//!
//! Each promise in minutes is kept here in seconds: the limits are those of
//! [`Program::configure_scaled`], and a test says on standard error how long it took until the fault
//! was noticed and until mail was seen again.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::desktop::Desktop;
use crate::support::dovecot::Dovecot;
use crate::support::mail::{ACME, Importer, JUNIPER, PELICAN, approval};
use crate::support::program::{Daemon, Program, fact};
use crate::support::provider::{Mailbox, Provider, Reply};
use crate::support::proxy::{Fault, Proxy};
use crate::support::{now, until};

/// A mailbox on Dovecot, behind a proxy.
struct Office {
    server: Dovecot,
    proxy: Proxy,
    program: Program,
}

impl Office {
    fn with(fault: Fault, poll: &str) -> Office {
        let server = Dovecot::start();
        let proxy = Proxy::with(server.imap_port, fault);
        let program = Program::new();
        program.configure_scaled("1h", &behind(&proxy, poll));
        for importer in [ACME, JUNIPER, PELICAN] {
            program.add(importer);
        }
        Office { server, proxy, program }
    }

    /// Starts the daemon and waits until it watches.
    fn watched(&self) -> Daemon {
        let daemon = self.program.daemon();
        self.program.until("the mailbox is watched", is_watched);
        daemon
    }

    /// Delivers an approval and waits until it is recorded, once.
    #[track_caller]
    fn is_seen(&self, importer: Importer) {
        self.server.deliver("INBOX", &approval(importer, now()));
        self.is_recorded(importer);
    }

    #[track_caller]
    fn is_recorded(&self, importer: Importer) {
        self.program
            .until("the approval is seen", |status| fact(status, importer, "stage") == "approved");
        let history = self.program.json(&["show", "--json", importer.number])["events"].clone();
        let events = history.as_array().unwrap();
        let n_approvals = events.iter().filter(|event| event["kind"] == "approved").count();
        assert_eq!(n_approvals, 1, "{history:#}");
    }
}

/// Returns the table of a mailbox behind `proxy`.
fn behind(proxy: &Proxy, poll: &str) -> String {
    format!(
        r#"
        [[mailbox]]
        name = "office"
        host = "localhost"
        port = {}
        tls = "none"
        user = "ops@broker.example"
        password-environment = "ACEWATCH_TEST_PASSWORD"
        poll-interval = "{poll}"
        "#,
        proxy.port
    )
}

fn is_watched(status: &Value) -> bool {
    status["watch"]["state"] == "watching" && !is_failing(status)
}

fn is_failing(status: &Value) -> bool {
    status["watch"]["mailboxes"][0]["error"].is_string()
}

/// Does something and says how long it took.
fn timed<T>(what: &str, act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = act();
    let took = start.elapsed();
    eprintln!("measured: {what}: {:.1} s", took.as_secs_f64());
    (done, took)
}

/// Lets a fault come and go, and returns how long it took to be noticed.
fn suffer(office: &Office, fault: Fault, importer: Importer, expected: &str) -> Duration {
    office.proxy.set(fault);
    let (_, noticed) = timed(&format!("{fault:?} noticed"), || {
        office.program.until("the fault is in the status", |status| {
            let error = status["watch"]["mailboxes"][0]["error"].as_str().unwrap_or("");
            error.contains(expected)
        })
    });
    office.server.deliver("INBOX", &approval(importer, now()));
    office.proxy.set(Fault::None);
    timed(&format!("{fault:?} recovered"), || office.is_recorded(importer));
    office.program.until("all is well again", is_watched);
    noticed
}

#[test]
fn a_half_open_or_stalled_connection_is_noticed_when_idle_is_renewed() {
    let office = Office::with(Fault::None, "1h");
    let _daemon = office.watched();
    // `idle-renew` and `done-timeout`, and grace for a busy machine.
    let limit = Duration::from_secs(2 + 1 + 4);
    let noticed = suffer(&office, Fault::Drop, ACME, "no answer to");
    assert!(noticed < limit, "{noticed:?}");
    let noticed = suffer(&office, Fault::Stall, JUNIPER, "no answer to");
    assert!(noticed < limit, "{noticed:?}");
}

#[test]
fn a_connection_that_is_cut_reset_or_refused_is_made_again() {
    let office = Office::with(Fault::None, "1h");
    let _daemon = office.watched();
    suffer(&office, Fault::Cut, ACME, "the connection");
    suffer(&office, Fault::Reset, JUNIPER, "the connection");
    suffer(&office, Fault::Refuse, PELICAN, "cannot connect");
    assert_eq!(office.proxy.n_most(), 1);
}

#[test]
fn a_mail_cut_or_stalled_in_its_middle_is_read_again_and_counts_once() {
    let office = Office::with(Fault::None, "1h");
    let _daemon = office.watched();
    // Headers are shorter; a whole approval is longer.
    for (fault, importer) in
        [(Fault::CutInLiteral(900), ACME), (Fault::StallInLiteral(900), JUNIPER)]
    {
        office.proxy.set(fault);
        timed(&format!("{fault:?} recovered"), || office.is_seen(importer));
        assert_eq!(office.proxy.fault(), Fault::None, "it was not cut");
    }
}

#[test]
fn a_slow_line_is_not_taken_for_a_dead_one() {
    let office = Office::with(Fault::None, "1h");
    let _daemon = office.watched();
    let large = approval(ACME, now()) + &"It is a long story.\r\n".repeat(6_000);
    // Slower than a command may take, yet more than 16 KiB in that time.
    office.proxy.set(Fault::Throttle(40_000));
    office.server.deliver("INBOX", &large);
    let (_, took) = timed("126 kB at 40 kB/s", || office.is_recorded(ACME));
    assert!(Duration::from_secs(2) < took, "{took:?}");
    assert_eq!(office.proxy.n_all(), 1);
}

#[test]
fn a_start_without_a_server_waits_for_it() {
    let office = Office::with(Fault::Refuse, "1h");
    let daemon = office.program.daemon();
    let status = office.program.until("the fault is in the status", is_failing);
    assert_ne!(status["watch"]["state"], "watching");
    office.server.deliver("INBOX", &approval(ACME, now()));
    office.proxy.set(Fault::None);
    timed("a server that appears: read", || office.is_recorded(ACME));
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_daemon_that_was_stopped_looks_at_once_when_it_goes_on() {
    let server = Dovecot::start();
    let proxy = Proxy::to(server.imap_port);
    let program = Program::new();
    program.configure_scaled("1h", &behind(&proxy, "1h"));
    // Nothing but the jump of time makes it look within this test.
    let config = program.path("config/acewatch/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(config, text.replace("idle-renew = \"2s\"", "idle-renew = \"1h\"")).unwrap();
    program.add(ACME);
    let daemon = program.daemon();
    program.until("the mailbox is watched", is_watched);

    // Asleep, moved to another network, and awake again.
    daemon.signal("STOP");
    proxy.set(Fault::Drop);
    server.deliver("INBOX", &approval(ACME, now()));
    let asleep = Instant::now();
    until("it has slept for longer than four heartbeats", || {
        match Duration::from_secs(5) < asleep.elapsed() {
            true => Ok(()),
            false => Err("not yet".to_owned()),
        }
    });
    daemon.signal("CONT");
    program.until("the dead connection is noticed", is_failing);
    proxy.set(Fault::None);
    let (_, took) = timed("resumed with a dead connection: read", || {
        program.until("the approval is seen", |status| fact(status, ACME, "stage") == "approved")
    });
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn blindness_is_told_once_and_its_end_too_and_a_blip_is_not() {
    let server = Dovecot::start();
    let desktop = Desktop::start();
    let proxy = Proxy::to(server.imap_port);
    let program = Program::new().with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    program.configure_scaled("3s", &behind(&proxy, "1h"));
    let daemon = program.daemon();
    program.until("the mailbox is watched", is_watched);

    proxy.set(Fault::Cut);
    program.until("the fault is in the status", is_failing);
    proxy.set(Fault::None);
    program.until("all is well again", is_watched);

    // Trouble in the evening is no blindness in the morning: the machine was off in between.
    proxy.set(Fault::Refuse);
    program.until("the fault is in the status", is_failing);
    assert_eq!(daemon.stop().code(), Some(0));
    let database = rusqlite::Connection::open(program.database()).unwrap();
    database.execute("UPDATE mailboxes SET failing_since = failing_since - 43200", []).unwrap();
    drop(database);
    let lock =
        std::fs::File::options().write(true).open(program.database().with_extension("db.lock"));
    lock.unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    proxy.set(Fault::None);
    let _daemon = program.daemon();
    program.until("the mailbox is watched in the morning", is_watched);
    assert_eq!(desktop.shown(), []);

    proxy.set(Fault::Refuse);
    timed("blindness told (blind-after 3 s)", || {
        until("the blindness is told", || match desktop.shown().len() {
            0 => Err("nothing yet".to_owned()),
            _ => Ok(()),
        });
    });
    let told = &desktop.shown()[0];
    assert!(told.title.contains("cannot read the mailbox office"), "{told:#?}");
    assert!(told.body.contains("cannot connect"), "{told:#?}");
    assert!(told.body.contains("check `host`"), "{told:#?}");
    proxy.set(Fault::None);
    let shown = until("the all-clear is told", || {
        let shown = desktop.shown();
        let is_over = |title: &str| title.contains("reads the mailbox office again");
        match shown.iter().any(|notice| is_over(&notice.title)) {
            true => Ok(shown),
            false => Err(format!("{shown:#?}")),
        }
    });
    assert_eq!(shown.len(), 2, "{shown:#?}");
}

#[test]
fn a_login_refused_once_is_no_alert_and_one_refused_again_is_one() {
    let desktop = Desktop::start();
    let refusals = std::sync::Arc::new(std::sync::Mutex::new(1));
    let left = std::sync::Arc::clone(&refusals);
    let provider = Provider::start(Mailbox::with(&[("INBOX", "")]), move |command| {
        let mut left = left.lock().unwrap();
        (command.starts_with("LOGIN") && 0 < *left).then(|| {
            *left -= 1;
            Reply::Say("@ NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)\r\n".to_owned())
        })
    });
    let program = Program::new().with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    program.configure_scaled("1h", &provider.table("office"));
    let _daemon = program.daemon();
    program.until("the mailbox is watched", is_watched);
    assert_eq!(provider.n_logins(), 2);
    assert_eq!(desktop.shown(), []);

    *refusals.lock().unwrap() = 4;
    provider
        .say_in_idle(Reply::HangUp("* BYE Session expired, please login again.\r\n".to_owned()));
    until(
        "it is told that the server refuses the login, and later that it does not any more",
        || {
            let shown = desktop.shown();
            match shown.iter().any(|notice| notice.title.contains("reads the mailbox office again"))
            {
                true => Ok(()),
                false => Err(format!("{shown:#?}")),
            }
        },
    );
    let shown = desktop.shown();
    assert_eq!(shown.len(), 2, "{shown:#?}");
    assert!(shown.iter().any(|notice| notice.body.contains("refused the login")), "{shown:#?}");
}
