//! Passwords in the keyring: GNOME Keyring on a private bus, `secret-tool`, and Dovecot.

use serde_json::Value;

use crate::support::desktop::Desktop;
use crate::support::dovecot::{Dovecot, PASSWORD, USER};
use crate::support::keyring::{Keyring, Prompter};
use crate::support::mail::{ACME, approval};
use crate::support::program::{Ended, Program, Transport, fact, mailbox};

/// What the mailbox of the tests has in the keyring.
fn attributes() -> Vec<String> {
    let account = format!("{USER}@localhost");
    ["service", "acewatch", "account", &account, "purpose", "password"].map(str::to_owned).into()
}

fn put(keyring: &Keyring, secret: &str, more: &[&str]) {
    let attributes = attributes();
    let all: Vec<&str> =
        attributes.iter().map(String::as_str).chain(more.iter().copied()).collect();
    keyring.put(secret, &all);
}

fn get(keyring: &Keyring) -> Option<String> {
    keyring.get(&attributes().iter().map(String::as_str).collect::<Vec<_>>())
}

/// Makes a program whose mailbox on `server` has its password in the keyring of `desktop`.
fn program_in(desktop: &Desktop, server: &Dovecot) -> Program {
    let program = Program::new().with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    program.configure(&in_keyring(server));
    program
}

fn in_keyring(server: &Dovecot) -> String {
    let table = mailbox(server, Transport::Implicit);
    table.replace("password-environment = \"ACEWATCH_TEST_PASSWORD\"", "keyring = true")
}

/// Stores a password given by a pipe.
fn store(program: &Program, password: &str) -> Ended {
    std::fs::write(program.path("typed"), format!("{password}\n")).unwrap();
    let file = std::fs::File::open(program.path("typed")).unwrap();
    let output = program.command(&["secret", "store", "office"]).stdin(file).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// The one line of `doctor` about the secret, without the word before it.
fn doctor(program: &Program) -> Value {
    let printed = program.run(&["doctor", "--json"]).stdout;
    let document: Value = serde_json::from_str(&printed).unwrap();
    let checks = document["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == "mailbox office: secret").unwrap().clone()
}

#[test]
fn a_password_is_stored_read_at_each_login_and_removed() {
    let server = Dovecot::start();
    let mut desktop = Desktop::absent();
    desktop.log_in();
    let keyring = Keyring::start(&desktop);
    let program = program_in(&desktop, &server);

    let account = format!("{USER}@localhost");
    let check = doctor(&program);
    assert_eq!(check["outcome"], "fault");
    assert_eq!(check["detail"], format!("the keyring has no password for {account}"));
    assert_eq!(check["hint"], format!("run `acewatch secret store {account}`"));

    let stored = store(&program, PASSWORD);
    assert_eq!(
        (stored.code, &*stored.stdout),
        (Some(0), "the password of office is in the keyring now\n"),
        "{stored:?}"
    );
    assert_eq!(get(&keyring).as_deref(), Some(PASSWORD));
    assert!(keyring.list().contains(&format!("label = acewatch: {account}")), "{}", keyring.list());
    program.ok(&["check"]);
    assert_eq!(doctor(&program)["outcome"], "ok");

    // Another one takes its place, also where a person has put a second one beside it.
    put(&keyring, "old", &["server", "localhost"]);
    let check = doctor(&program);
    assert_eq!(check["detail"], format!("the keyring has 2 entries with a password for {account}"));
    assert_eq!(check["hint"], format!("run `acewatch secret store {account}`, which leaves one"));
    assert_eq!(store(&program, "changed").code, Some(0));
    assert_eq!(get(&keyring).as_deref(), Some("changed"));
    assert_eq!(keyring.list().matches("label = ").count(), 1, "{}", keyring.list());
    let refused = program.run(&["check"]);
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("the server refused the login"), "{refused:?}");

    program.ok(&["secret", "remove", "office"]);
    assert_eq!(get(&keyring), None);
    let nothing = program.run(&["secret", "remove", "office"]);
    assert_eq!(nothing.code, Some(1), "{nothing:?}");
    assert!(
        nothing.stderr.starts_with(&format!("error: the keyring has no password for {account}"))
    );
}

#[test]
fn a_locked_keyring_is_told_and_asked_for_nothing_until_it_is_open() {
    let server = Dovecot::start();
    let mut desktop = Desktop::absent();
    let program = program_in(&desktop, &server);
    program.add(ACME);
    server.deliver("INBOX", &approval(ACME, crate::support::now()));

    // Before anybody has logged in there is not even a bus.
    let daemon = program.daemon();
    let error = |status: &Value| status["watch"]["mailboxes"][0]["error"].clone();
    program.until("it waits for a session", |status| {
        error(status) == "waiting for the keyring of a desktop session"
    });
    desktop.log_in();
    program.until("it waits for a keyring", |status| {
        error(status) == "waiting for a keyring on the session bus"
    });
    let mut keyring = Keyring::start(&desktop);
    put(&keyring, PASSWORD, &[]);
    program.until("the mailbox is watched", |status| status["watch"]["state"] == "watching");
    assert_eq!(fact(&program.status(), ACME, "stage"), "approved");

    drop(daemon);
    keyring.stop();
    keyring.start_locked();
    let n_logins = server.n_logins();
    let daemon = program.daemon();
    let status = program.until("it waits for the keyring", |status| {
        error(status) == "waiting for the keyring to be unlocked"
    });
    let hint = status["watch"]["mailboxes"][0]["hint"].as_str().unwrap();
    assert!(hint.contains("`acewatch check`"), "{hint}");
    let check = doctor(&program);
    assert_eq!(check["detail"], "waiting for the keyring to be unlocked");
    // Without a terminal nobody is asked for its password, and nothing is stored.
    let stored = store(&program, "changed");
    assert_eq!(stored.code, Some(1), "{stored:?}");
    assert!(stored.stderr.contains("caused by: the keyring is locked"), "{stored:?}");

    keyring.unlock();
    program.until("the mailbox is watched", |status| status["watch"]["state"] == "watching");
    assert!(n_logins < server.n_logins());
    // A keyring that is locked in the meantime is needed at the next login only.
    keyring.lock();
    server.kick();
    program.until("it waits again", |status| {
        error(status) == "waiting for the keyring to be unlocked"
    });
    keyring.unlock();
    program.until("the mailbox is watched", |status| status["watch"]["state"] == "watching");
    assert!(!daemon.log().contains("refused the login"), "{}", daemon.log());
}

#[test]
fn only_a_command_on_a_terminal_asks_for_the_password_of_the_keyring() {
    let server = Dovecot::start();
    let mut desktop = Desktop::absent();
    desktop.log_in();
    let prompter = Prompter::start(&desktop);
    let keyring = Keyring::start(&desktop);
    put(&keyring, PASSWORD, &[]);
    keyring.lock();
    let program = program_in(&desktop, &server);
    let daemon = program.daemon();
    let waits = |status: &Value| {
        status["watch"]["mailboxes"][0]["error"] == "waiting for the keyring to be unlocked"
    };
    program.until("it waits for the keyring", waits);
    assert_eq!(program.run(&["check"]).code, Some(1));
    assert_eq!(doctor(&program)["outcome"], "fault");
    assert_eq!(store(&program, "changed").code, Some(1));
    // A look later.
    crate::support::pass(std::time::Duration::from_secs(4));
    assert_eq!(prompter.n_asked(), 0, "{}", daemon.log());

    let (_, said) = program.at_a_terminal(&["check"]).end();
    assert_eq!(prompter.n_asked(), 1, "{said}");
    assert!(said.contains("waiting for the keyring to be unlocked"), "{said}");
    // And the counter counts what a careless program would do.
    assert_eq!(get(&keyring), None);
    assert_eq!(prompter.n_asked(), 2);
}

#[test]
fn after_an_hour_of_waiting_it_is_a_mailbox_that_cannot_be_read() {
    let server = Dovecot::start();
    let desktop = Desktop::start();
    let mut keyring = Keyring::start(&desktop);
    keyring.stop();
    keyring.start_locked();
    // The default keyring of a new user is there, and locked, only once it was made.
    let program = program_in(&desktop, &server);
    program.configure_scaled("2s", &in_keyring(&server));
    let _daemon = program.daemon();
    crate::support::until("a notice tells of it", || {
        let shown = desktop.shown();
        let told =
            shown.iter().find(|notice| notice.title == "acewatch cannot read the mailbox office");
        told.map(|notice| notice.body.clone()).ok_or_else(|| format!("{shown:#?}")).and_then(
            |body| {
                let expected =
                    "waiting for the keyring to be unlocked. What to do: log in to the desktop";
                if body.contains(expected) { Ok(()) } else { Err(body) }
            },
        )
    });
}

#[test]
fn a_password_is_typed_unseen() {
    let server = Dovecot::start();
    let mut desktop = Desktop::absent();
    desktop.log_in();
    let keyring = Keyring::start(&desktop);
    let program = program_in(&desktop, &server);
    let mut terminal = program.at_a_terminal(&["secret", "store", "office"]);
    terminal.answer(": ", "horse battery");
    let (code, seen) = terminal.end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains(&format!("Password for {USER}@localhost: ")), "{seen}");
    assert!(!seen.contains("battery"), "{seen}");
    assert_eq!(get(&keyring).as_deref(), Some("horse battery"));
}

#[test]
fn what_cannot_be_stored_is_refused_with_what_to_do() {
    let program = Program::new();
    let server = Dovecot::start();
    program.configure(&in_keyring(&server));
    for (password, code, expected) in [
        ("", 2, "error: the password is empty"),
        ("a\u{7}b", 2, "error: this is no password"),
        (
            "battery",
            1,
            "error: cannot use the keyring\n  caused by: there is no session bus, and so no keyring\n\nhint: log in to the desktop",
        ),
    ] {
        let ended = store(&program, password);
        assert_eq!(ended.code, Some(code), "{ended:?}");
        assert!(ended.stderr.starts_with(expected), "{ended:?}");
    }
    let unknown = program.run(&["secret", "store", "other"]);
    assert_eq!(unknown.code, Some(2));
    assert_eq!(unknown.stderr, "error: there is no mailbox \"other\"\n\nhint: known are office\n");
    program.configure(&mailbox(&server, Transport::Implicit));
    let elsewhere = program.run(&["secret", "remove", "office"]);
    assert_eq!(elsewhere.code, Some(2));
    assert_eq!(
        elsewhere.stderr,
        "error: the password of office is not in the keyring, but in password-environment \
         ACEWATCH_TEST_PASSWORD\n\nhint: write `keyring = true` in its place\n"
    );
}
