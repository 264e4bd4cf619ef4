//! The systemd units, what systemd expects of a daemon that it starts, and the commands that set it up. What only a real
//! systemd can show is in `scripts/test-systemd`.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::dovecot::{Dovecot, PASSWORD};
use crate::support::mail::{ACME, JUNIPER, approval, submission};
use crate::support::program::{Daemon, Program, Transport, fact, mailbox};
use crate::support::{needed, now, scratch, until};

const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/systemd");

/// A mailbox that nobody serves: port 9 is "discard", and nothing listens there.
const UNREACHABLE: &str = r#"
    [[mailbox]]
    host = "localhost"
    port = 9
    tls = "none"
    user = "ops@broker.example"
    password-environment = "ACEWATCH_TEST_PASSWORD"
"#;

fn unit() -> String {
    fs::read_to_string(Path::new(UNITS).join("acewatch.service")).unwrap()
}

/// Returns the exposure that systemd finds in a unit, from 0 (none) to 10.
fn exposure(scope: &str, unit: &str) -> f64 {
    let home = scratch();
    fs::write(home.path().join("acewatch.service"), unit).unwrap();
    let output = Command::new(needed("systemd-analyze", "systemd"))
        .args([scope, "security", "--offline=true", "--no-pager", "./acewatch.service"])
        .current_dir(home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let last = said.lines().find(|line| line.contains("Overall exposure level"));
    let level = last.and_then(|line| line.rsplit(": ").next()?.split(' ').next());
    level.unwrap_or_else(|| panic!("{output:?}")).parse().unwrap()
}

/// Returns what systemd has to say about `unit` with the drop-in `drop_in`, for a user's manager.
fn verdict(unit: &str, drop_in: &str) -> (bool, String) {
    let home = scratch();
    let drop_ins = home.path().join("acewatch.service.d");
    fs::create_dir(&drop_ins).unwrap();
    fs::write(home.path().join("acewatch.service"), unit).unwrap();
    fs::write(drop_ins.join("credentials.conf"), drop_in).unwrap();
    // The manager it pretends to be needs a home and a run-time directory; a container has neither.
    let output = Command::new(needed("systemd-analyze", "systemd"))
        .args(["--user", "verify", "./acewatch.service"])
        .current_dir(home.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

/// The unit with the program of this build in the place of the installed one, which is not there.
fn unit_of_this_build() -> String {
    let installed = "ExecStart=/usr/bin/acewatch run\n";
    assert!(unit().contains(installed));
    unit().replace(installed, &format!("ExecStart={} run\n", env!("CARGO_BIN_EXE_acewatch")))
}

#[test]
fn systemd_finds_nothing_to_say_about_the_unit() {
    let drop_in =
        fs::read_to_string(Path::new(UNITS).join("acewatch.service.d/credentials.conf.example"));
    assert_eq!(verdict(&unit_of_this_build(), &drop_in.unwrap()), (true, String::new()));
}

#[test]
fn systemd_would_have_said_something_about_a_mistake() {
    let (_, said) = verdict(&unit_of_this_build(), "[Service]\nNoSuchKey=1\n");
    assert!(said.contains("NoSuchKey"), "{said}");
}

#[test]
fn the_unit_starts_where_no_user_namespace_is_granted() {
    // Each of these fails there, or does nothing.
    for key in [
        "CapabilityBoundingSet=",
        "PrivateDevices=",
        "PrivateNetwork=",
        "PrivateTmp=",
        "PrivateUsers=",
        "ProtectClock=",
        "ProtectHome=",
        "ProtectKernelLogs=",
        "ProtectKernelModules=",
        "ProtectSystem=",
    ] {
        assert!(!unit().lines().any(|line| line.starts_with(key)), "{key}");
    }
    let drop_in = fs::read_to_string(Path::new(UNITS).join("acewatch.service.d/hardening.conf"));
    assert_eq!(verdict(&unit_of_this_build(), &drop_in.unwrap()), (true, String::new()));
}

#[test]
fn the_sandbox_leaves_little_open() {
    let read = |name: &str| fs::read_to_string(Path::new(UNITS).join(name)).unwrap();
    let hardened = unit_of_this_build() + &read("acewatch.service.d/hardening.conf");
    let user = exposure("--user", &hardened);
    assert!(user <= 2.5, "{user}");
    let program = format!("ExecStart={} run\n", env!("CARGO_BIN_EXE_acewatch"));
    let system =
        read("acewatch-system.service").replace("ExecStart=/usr/bin/acewatch run\n", &program);
    let system = exposure("--system", &system);
    assert!(system <= 1.5, "{system}");
}

/// What a daemon tells systemd.
struct Told {
    socket: UnixDatagram,
    said: String,
}

impl Told {
    /// Has `program` tell it here.
    fn by(program: Program) -> (Program, Told) {
        let path = program.path("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        (program.with("NOTIFY_SOCKET", path), Told { socket, said: String::new() })
    }

    /// Waits for a line that begins with `start`, and forgets what came before it.
    fn until(&mut self, start: &str, daemon: &Daemon) -> String {
        until(start, || {
            let mut buffer = [0; 4096];
            if let Ok(n_bytes) = self.socket.recv(&mut buffer) {
                self.said.push_str(&String::from_utf8_lossy(&buffer[..n_bytes]));
                self.said.push('\n');
            }
            let Some(at) = self.said.lines().position(|line| line.starts_with(start)) else {
                return Err(daemon.log());
            };
            let rest = |n: usize| self.said.lines().skip(n).collect::<Vec<_>>();
            let (line, rest) = (rest(at)[0].to_owned(), rest(at + 1).join("\n") + "\n");
            self.said = rest;
            Ok(line)
        })
    }
}

#[test]
fn the_daemon_tells_systemd_when_it_is_ready_and_leaves_when_asked() {
    let (program, mut told) = Told::by(Program::new());
    program.configure(UNREACHABLE);
    // Ready is who can do his work; that the mailbox cannot be reached is part of the work.
    let daemon = program.daemon();
    told.until("READY=1", &daemon);
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_configuration_error_ends_the_daemon_with_the_code_that_the_unit_does_not_restart() {
    assert!(unit().contains("\nRestartPreventExitStatus=2\n"));
    let program = Program::new();
    program.configure("no-such-key = 1");
    let ended = program.run(&["run"]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(ended.stderr.contains("no-such-key"), "{ended:#?}");
}

#[test]
fn a_bad_configuration_is_told_and_the_old_one_stays_until_a_good_one_comes() {
    let (program, mut told) = Told::by(Program::new());
    program.configure(UNREACHABLE);
    let daemon = program.daemon();
    told.until("READY=1", &daemon);

    program.configure(&UNREACHABLE.replace("tls = ", "tsl = "));
    daemon.signal("HUP");
    told.until("RELOADING=1", &daemon);
    told.until("MONOTONIC_USEC=", &daemon);
    told.until("READY=1", &daemon);
    let status = told.until("STATUS=", &daemon);
    for text in [&status, &daemon.log()] {
        assert!(text.contains("the old configuration stays in force"), "{text}");
        assert!(
            text.contains("config.toml:")
                && text.contains("`tsl`")
                && text.contains("hint: write `tls`"),
            "{text}"
        );
        assert!(!text.contains(PASSWORD), "{text}");
    }
    let doctor = program.run(&["doctor"]).stdout;
    assert!(doctor.contains("daemon's configuration: it goes on with the old one"), "{doctor}");

    program.configure(&UNREACHABLE.replace("[[mailbox]]", "[[mailbox]]\nname = \"other\""));
    daemon.signal("HUP");
    told.until("READY=1", &daemon);
    let status = told.until("STATUS=", &daemon);
    assert!(!status.contains("old configuration"), "{status}");
    program.until("the new mailbox is tried", |status| {
        let mailbox = &status["watch"]["mailboxes"][0];
        mailbox["name"] == "other" && mailbox["error"].is_string()
    });
    let doctor = program.run(&["doctor"]).stdout;
    assert!(!doctor.contains("daemon's configuration"), "{doctor}");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn what_arrives_while_the_configuration_is_read_anew_is_recorded_once() {
    let (server, second) = (Dovecot::start(), Dovecot::start());
    let program = Program::watching(&server);
    program.add(ACME);
    program.add(JUNIPER);
    let daemon = program.daemon();
    program.until("it watches", |status| status["watch"]["state"] == "watching");

    let one = mailbox(&server, Transport::Implicit);
    let other = mailbox(&second, Transport::Plain)
        .replace("\"office\"", "\"second\"")
        .replace("\"localhost\"", "\"127.0.0.1\"");
    for n in 0..10 {
        program.configure(&if n % 2 == 0 { format!("{one}{other}") } else { one.clone() });
        server.deliver("Sent", &submission(ACME, now() + chrono::Duration::seconds(n)));
        daemon.signal("HUP");
    }
    server.deliver("INBOX", &approval(ACME, now()));
    program.until("the approval is seen", |status| fact(status, ACME, "stage") == "approved");
    program.configure(&format!("{one}{other}"));
    daemon.signal("HUP");
    program.until("both are watched", |status| {
        let mailboxes = status["watch"]["mailboxes"].as_array().unwrap();
        mailboxes.len() == 2 && mailboxes.iter().all(|mailbox| mailbox["state"] == "watching")
    });
    second.deliver("INBOX", &approval(JUNIPER, now()));
    program.until("the other is seen", |status| fact(status, JUNIPER, "stage") == "approved");

    let log = daemon.log();
    let n_taken = |kind: &str| log.matches(&format!("taken in: {kind}")).count();
    assert_eq!((n_taken("submission"), n_taken("approval")), (10, 2), "{log}");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_changed_calendar_and_changed_windows_hold_after_a_reload() {
    let program = Program::new();
    program.configure(UNREACHABLE);
    program.add(ACME);
    let daemon = program.daemon();
    let due = |status: &serde_json::Value| {
        let windows = fact(status, ACME, "windows");
        let decision = windows.as_array()?.iter().find(|w| w["name"] == "decision")?;
        decision["due_at"].as_str().map(str::to_owned)
    };
    // Before it waits for signals, one would end it.
    until("the daemon watches", || match daemon.log() {
        log if log.contains("watching 1 mailbox") => Ok(()),
        log => Err(log),
    });
    let before = due(&program.until("a date is known", |status| due(status).is_some()));
    let window = "[[window]]\nname = \"decision\"\ndue-after = \"30d\"\noverdue-after = \"40d\"\n\
        critical-after = \"50d\"\n[calendar]\nclosures = [\"2030-12-24\"]\n";
    program.configure(&format!("{window}{UNREACHABLE}"));
    daemon.signal("HUP");
    // Asked of the database, not computed for the answer: by when the daemon is to look again.
    until("the daemon has read it", || {
        if daemon.log().contains("the configuration was read anew") {
            Ok(())
        } else {
            Err(daemon.log())
        }
    });
    let after = due(&program.status());
    assert_ne!(after, before);
}

/// Puts programs in the place of systemd's, which write down what they are asked. `bears` says
/// whether user namespaces are granted.
fn with_systemd(bears: bool) -> Program {
    use std::os::unix::fs::PermissionsExt;
    let program = Program::new();
    program.configure(UNREACHABLE);
    let bin = program.path("bin");
    fs::create_dir_all(&bin).unwrap();
    fs::create_dir_all(program.path("run/systemd")).unwrap();
    let log = program.path("asked");
    let unit = program.path("config/systemd/user/acewatch.service");
    let systemctl = format!(
        "#!/bin/sh\necho systemctl \"$@\" >> {log}\n\
         case \"$*\" in *UnitPath*) echo UnitPath={ours} {packaged} ;;\n\
         *show*) [ -e {unit} ] && echo FragmentPath={unit} || \
         {{ [ -e {packaged}/acewatch.service ] && echo FragmentPath={packaged}/acewatch.service; }} && [ -e {log}.on ] && \
         printf 'ActiveState=active\\nSubState=running\\nUnitFileState=enabled\\nStatusText=watching 1 mailbox\\n' || \
         printf 'ActiveState=failed\\nExecMainCode=1\\nExecMainStatus=2\\nNRestarts=3\\n' ;;\n\
         *start*) : > {log}.on ;; *disable*) rm -f {log}.on ;; esac\n",
        log = log.display(),
        ours = unit.parent().unwrap().display(),
        packaged = program.path("packaged").display(),
        unit = unit.display()
    );
    let other = |name: &str, end: &str| {
        format!("#!/bin/sh\necho {name} \"$@\" >> {}\n{end}\n", log.display())
    };
    for (name, text) in [
        ("systemctl", systemctl),
        ("systemd-run", other("systemd-run", if bears { "exit 0" } else { "exit 217" })),
        ("loginctl", other("loginctl", "echo Linger=no")),
    ] {
        fs::write(bin.join(name), text).unwrap();
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    program.with("PATH", path)
}

#[test]
fn the_service_is_installed_once_and_taken_away_with_nothing_of_the_user_s() {
    let program = with_systemd(true);
    let unit = program.path("config/systemd/user/acewatch.service");
    let drop_ins = program.path("config/systemd/user/acewatch.service.d");
    let said = program.ok(&["service", "install", "--linger"]);
    assert!(said.contains("running; starts by itself") && said.contains("linger    no"), "{said}");
    let text = fs::read_to_string(&unit).unwrap();
    assert!(
        text.contains(&format!("\nExecStart={} run\n", env!("CARGO_BIN_EXE_acewatch"))),
        "{text}"
    );
    assert!(drop_ins.join("hardening.conf").exists());
    let asked = fs::read_to_string(program.path("asked")).unwrap();
    for words in ["--user daemon-reload", "--user enable", "--user start", "enable-linger"] {
        assert!(asked.contains(words), "{asked}");
    }
    fs::write(drop_ins.join("credentials.conf"), "[Service]\n").unwrap();

    // A second time nothing is written, and what runs is not restarted.
    let said = program.ok(&["service", "install"]);
    assert!(!said.contains("written"), "{said}");
    let asked = fs::read_to_string(program.path("asked")).unwrap();
    assert!(!asked.contains("restart"), "{asked}");

    // For another database it is written anew, and restarted.
    program.ok(&["--database", "other.db", "service", "install"]);
    assert!(fs::read_to_string(&unit).unwrap().contains("--database"));
    assert!(fs::read_to_string(program.path("asked")).unwrap().contains("--user restart"));

    program.ok(&["service", "uninstall"]);
    assert!(!unit.exists() && !drop_ins.join("hardening.conf").exists());
    assert!(drop_ins.join("credentials.conf").exists());
    let said = program.ok(&["service", "uninstall"]);
    assert_eq!(said, "acewatch.service is not installed\n");
}

#[test]
fn a_unit_that_somebody_changed_is_replaced_only_by_force() {
    let program = with_systemd(false);
    let unit = program.path("config/systemd/user/acewatch.service");
    fs::create_dir_all(unit.parent().unwrap()).unwrap();
    for mine in ["[Service]\nExecStart=/bin/true\n".to_owned(), {
        program.ok(&["service", "install"]);
        fs::read_to_string(&unit).unwrap().replace("RestartSec=10s", "RestartSec=99s")
    }] {
        fs::write(&unit, &mine).unwrap();
        for verb in ["install", "uninstall"] {
            let ended = program.run(&["service", verb]);
            assert_eq!(ended.code, Some(1), "{ended:#?}");
            assert!(ended.stderr.contains("--force"), "{ended:#?}");
        }
        assert_eq!(fs::read_to_string(&unit).unwrap(), mine);
    }
    // Without user namespaces there is a service, and no drop-in with which it would not start.
    let said = program.ok(&["service", "install", "--force"]);
    assert!(said.contains("grants no user namespaces"), "{said}");
    assert!(!program.path("config/systemd/user/acewatch.service.d/hardening.conf").exists());
}

#[test]
fn the_unit_of_a_package_is_used_as_it_is_and_a_copy_from_before_does_not_hide_it() {
    let program = with_systemd(true);
    let (ours, packaged) = (
        program.path("config/systemd/user/acewatch.service"),
        program.path("packaged/acewatch.service"),
    );
    program.ok(&["service", "install"]);
    assert!(ours.exists());
    // Then the package came.
    fs::create_dir_all(packaged.parent().unwrap()).unwrap();
    fs::write(&packaged, unit_of_this_build()).unwrap();
    let said = program.ok(&["service", "install"]);
    assert!(said.contains(&format!("{} is used as it is", packaged.display())), "{said}");
    assert!(!ours.exists());
    assert!(program.path("config/systemd/user/acewatch.service.d/hardening.conf").exists());
    let asked = fs::read_to_string(program.path("asked")).unwrap();
    assert!(asked.contains("--user restart"), "{asked}");

    program.ok(&["service", "uninstall"]);
    assert!(packaged.exists());
    let asked = fs::read_to_string(program.path("asked")).unwrap();
    assert!(asked.contains("--user disable"), "{asked}");

    // What the package's unit does not say needs one of the user's own.
    program.ok(&["--database", "other.db", "service", "install"]);
    assert!(fs::read_to_string(&ours).unwrap().contains("--database"));
}

#[test]
fn the_status_of_the_service_is_told_in_words_and_in_json() {
    let program = with_systemd(true);
    let ended = program.run(&["service", "status"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stdout.contains("not installed: `acewatch service install`"), "{ended:#?}");
    program.ok(&["service", "install"]);
    let state = program.json(&["service", "status", "--json"]);
    assert_eq!(state["schema"], "acewatch.service/1");
    assert_eq!(
        (&state["active"], &state["enabled"]),
        (&"active".into(), &true.into()),
        "{state:#}"
    );
    assert_eq!(state["linger"], false);

    fs::remove_file(program.path("asked.on")).unwrap();
    let ended = program.run(&["service", "status"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    for words in ["not running: it failed", "exit code 2, the configuration", "3 times by itself"] {
        assert!(ended.stdout.contains(words), "{ended:#?}");
    }
    let doctor = program.run(&["doctor"]).stdout;
    assert!(doctor.contains("service: not running: it failed"), "{doctor}");
    assert!(doctor.contains("journalctl --user -u acewatch"), "{doctor}");
}

#[test]
fn without_a_user_manager_or_a_configuration_nothing_is_installed() {
    let program = Program::new();
    program.configure(UNREACHABLE);
    let ended = program.run(&["service", "install"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("no systemd user manager"), "{ended:#?}");
    assert!(ended.stderr.contains("--system"), "{ended:#?}");

    let program = with_systemd(true);
    program.configure("no-such-key = 1");
    let ended = program.run(&["service", "install"]);
    assert_eq!(ended.code, Some(2), "{ended:#?}");
    assert!(!program.path("config/systemd/user/acewatch.service").exists());
}

#[test]
fn the_log_names_no_secret_no_subject_no_company_and_no_number() {
    let server = Dovecot::start();
    let program = Program::watching(&server).with("RUST_LOG", "trace");
    program.add(ACME);
    let daemon = program.daemon();
    program.until("it watches", |status| status["watch"]["state"] == "watching");
    server.deliver("INBOX", &approval(ACME, now()));
    program.until("the approval is seen", |status| fact(status, ACME, "stage") == "approved");
    daemon.signal("HUP");
    until("it was read anew", || {
        if daemon.log().contains("read anew") { Ok(()) } else { Err(daemon.log()) }
    });
    let log = daemon.log();
    assert!(log.contains("taken in: approval"), "{log}");
    let subject = approval(ACME, now());
    let subject = subject.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap();
    for word in [PASSWORD, ACME.company, ACME.number, subject.trim()] {
        assert!(!log.contains(word), "{word:?} is in the log:\n{log}");
    }
}
