//! The systemd user unit, and what systemd expects of a daemon that is started by it.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::program::Program;
use crate::support::{needed, scratch, until};

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
    let installed = "ExecStart=%h/.cargo/bin/acewatch run\n";
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
fn the_unit_hides_neither_the_home_nor_the_bus() {
    // Each of these in a user unit hides the session bus or the files, or needs a user namespace,
    // which not every Debian or Ubuntu machine grants.
    for key in ["ProtectHome=", "ProtectSystem=", "PrivateUsers=", "PrivateTmp=", "PrivateNetwork="]
    {
        assert!(!unit().lines().any(|line| line.starts_with(key)), "{key}");
    }
}

#[test]
fn the_daemon_tells_systemd_when_it_is_ready_and_leaves_when_asked() {
    let program = Program::new();
    program.configure(UNREACHABLE);
    let path = program.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let program = program.with("NOTIFY_SOCKET", path);

    // Ready is who can do his work; that the mailbox cannot be reached is part of the work.
    let daemon = program.daemon();
    let mut said = String::new();
    until("the daemon is ready", || {
        let mut buffer = [0; 4096];
        if let Ok(n_bytes) = socket.recv(&mut buffer) {
            said.push_str(&String::from_utf8_lossy(&buffer[..n_bytes]));
            said.push('\n');
        }
        if said.lines().any(|line| line == "READY=1") { Ok(()) } else { Err(daemon.log()) }
    });
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
