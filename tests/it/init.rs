//! `acewatch init` against a real server, by flags and at a terminal.

use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::unix::fs::PermissionsExt;

use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::rdata::SRV;
use hickory_resolver::proto::rr::{Name, RData, Record, RecordType};
use hickory_resolver::proto::serialize::binary::{BinDecodable, BinEncodable};

use crate::support::desktop::Desktop;
use crate::support::dovecot::{Dovecot, PASSWORD, USER};
use crate::support::keyring::Keyring;
use crate::support::mail::{ACME, approval, submission};
use crate::support::now;
use crate::support::program::{Ended, Program};

/// A mailbox with an application, its approval, and a mail of somebody else.
fn server() -> Dovecot {
    let server = Dovecot::start();
    let at = now() - chrono::Duration::days(3);
    server.deliver_at("Sent", &submission(ACME, at), at);
    // As a filter writes them that looks at a mail after the server took it in.
    let vouched = |from: &str, mail: &str| {
        format!(
            "Authentication-Results: mx.broker.example; dmarc=pass header.from={from}\r\n{mail}"
        )
    };
    server.deliver("INBOX", &vouched("cbp.dhs.gov", &approval(ACME, now())));
    server.deliver(
        "INBOX",
        &vouched("shop.example", "Received: from mail.shop.example (mail.shop.example [198.51.100.7])\r\n by mx.broker.example with ESMTPS id 1; Mon, 4 May 2026 13:25:20 +0000\r\nFrom: news@shop.example\r\nTo: ops@broker.example\r\nSubject: Lamps\r\n\r\nBuy.\r\n"),
    );
    server
}

/// A program without configuration, whose standard input is the server's password.
fn program() -> Program {
    let program = Program::new();
    let password = program.path("typed");
    fs::write(&password, format!("{PASSWORD}\n")).unwrap();
    program.with("TYPED", password).through(&["/bin/sh", "-c", "exec \"$@\" <\"$TYPED\"", "sh"])
}

fn configuration(program: &Program) -> Option<String> {
    fs::read_to_string(program.path("config/acewatch/config.toml")).ok()
}

/// Runs `init` for the server's account, with more flags.
#[track_caller]
fn init(program: &Program, server: &Dovecot, more: &[&str]) -> Ended {
    let (port, ca) = (server.imaps_port.to_string(), server.ca_file());
    let mut words =
        vec!["init", "--address", USER, "--host", "localhost", "--port", &port, "--ca-file"];
    words.push(ca.to_str().unwrap());
    words.extend(more);
    program.run(&words)
}

#[test]
fn an_address_and_a_password_become_a_configuration_that_works() {
    let server = server();
    let program = program();
    let file = program.path("config/acewatch/ops.secret");
    let ended =
        init(&program, &server, &["--password-stdin", "--password-file", file.to_str().unwrap()]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let shown = ended.stdout.replace(&server.imaps_port.to_string(), "993");
    let shown = shown.replace(server.ca_file().to_str().unwrap(), "ca.pem");
    let shown = shown.replace(program.path("").to_str().unwrap(), "~/");
    insta::assert_snapshot!(shown, @r#"
    Logged in to localhost as ops@broker.example.
    Folders: Sent (your own), INBOX (answers), Junk (junk)
    The server tells of new mail at once (IDLE).
    mx.broker.example vouches for 2 of 2 recent mails.
      [[mailbox]] name = "ops"
      [[mailbox]] host = "localhost"
      [[mailbox]] port = 993
      [[mailbox]] user = "ops@broker.example"
      [[mailbox]] ca-file = "ca.pem"
      [[mailbox]] password-file = "ops.secret"
      [[mailbox]] authserv-id = ["mx.broker.example"]
    the password of ops is in ~/config/acewatch/ops.secret
    written: ~/config/acewatch/config.toml

    The last 60 days: 1 submission, 1 approval; 1 application.

    No notices can be shown in this session. Log in to a desktop, or have alerts mailed: docs/broker.md, "Whom to tell".
    To watch: `acewatch run`, as long as it runs
    `acewatch check` reads the mail once, `acewatch doctor` looks at everything, `acewatch status` says how all applications stand.
    "#);

    let written = configuration(&program).unwrap();
    for path in [&file, &program.path("config/acewatch/config.toml")] {
        assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap().trim_end(), PASSWORD);
    for text in [&written, &ended.stdout, &ended.stderr] {
        assert!(!text.contains(PASSWORD), "{text}");
    }
    program.ok(&["check"]);
    assert_eq!(program.fact(ACME, "stage"), "approved");

    // Once more: nothing is asked, and nothing changes.
    let again = program.run(&["init", "--yes", "--no-preview"]);
    assert_eq!(again.code, Some(0), "{again:#?}");
    assert!(again.stdout.contains("Nothing is to be changed"), "{again:#?}");
    assert_eq!(configuration(&program).unwrap(), written);
}

#[test]
fn only_what_is_asked_for_changes() {
    let server = server();
    let program = program();
    let secret = program.path("config/acewatch/old.secret");
    fs::write(&secret, "an old password\n").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let own = format!(
        "# ours\n[notify]\nquiet-hours = \"\"   # always\n\n[[mailbox]]\nname = \"office\"\nhost = \"localhost\" # here\nport = {}\nuser = \"{USER}\"\nca-file = \"{}\"\npassword-file = \"old.secret\"\n\n[trust]\nauthserv-id = [\"mx.broker.example\"]\n",
        server.imaps_port,
        server.ca_file().display()
    );
    fs::write(program.path("config/acewatch/config.toml"), &own).unwrap();

    let refused = program.run(&["init", "--yes", "--sent", "INBOX.Sent"]);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert_eq!(configuration(&program).as_ref(), Some(&own));

    // A new password goes where the old one was.
    let ended = program.run(&["init", "--password-stdin", "--no-preview"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert_eq!(fs::read_to_string(&secret).unwrap().trim_end(), PASSWORD);
    assert_eq!(configuration(&program).as_ref(), Some(&own));

    let ended = program.run(&["init", "--folder", "INBOX", "--no-preview"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let expected = own.replace(
        "\"old.secret\"\n",
        "\"old.secret\"\n# The folders in which answers arrive.\nfolders = [\"INBOX\"]\n",
    );
    assert_eq!(configuration(&program), Some(expected));
}

#[test]
fn another_folder_is_added_to_those_that_are_there() {
    let server = server();
    let program = Program::new();
    let own = format!(
        "[[mailbox]]\nname = \"main\"\nhost = \"localhost\"\nport = {}\nuser = \"{USER}\"\nca-file = \"{}\"\npassword-environment = \"ACEWATCH_TEST_PASSWORD\"\nfolders = [\"INBOX\", '\\Archive', \"Sent\"]\nsent = \"\"\n",
        server.imaps_port,
        server.ca_file().display()
    );
    fs::write(program.path("config/acewatch/config.toml"), &own).unwrap();
    let mut terminal = program.at_a_terminal(&["init", "--name", "main", "--no-preview"]);
    terminal.answer("Keep it so? [Y/n]", "");
    // There is no archive.
    terminal.answer("Number [1]:", "1");
    terminal.answer("config.toml? [Y/n]", "y");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    let written = configuration(&program).unwrap();
    assert!(written.contains("folders = [\"INBOX\", \"Sent\"]"), "{written}");

    // The same account under another name is no other mailbox.
    let port = server.imaps_port.to_string();
    let words = ["init", "--address", "dana@broker.example", "--user", USER, "--host", "localhost"];
    let more = ["--port", &port, "--yes", "--no-preview"];
    let again = program.run(&[&words[..], &more[..]].concat());
    assert_eq!(again.code, Some(0), "{again:#?}");
    assert_eq!(configuration(&program).unwrap().matches("[[mailbox]]").count(), 1);
    let other = program.run(&["init", "--address", USER, "--name", "other", "--yes"]);
    assert_eq!(other.code, Some(2), "{other:#?}");
    assert!(other.stderr.contains("is called main, not other"), "{other:#?}");
}

#[test]
fn a_mailbox_that_joins_believes_its_own_server_alone() {
    let server = server();
    let empty = Dovecot::start();
    let elsewhere = "[[mailbox]]\nname = \"main\"\nhost = \"imap.elsewhere.example\"\nuser = \"ops@elsewhere.example\"\npassword-environment = \"X\"\n\n[trust]\nauthserv-id = [\"mx.elsewhere.example\"]\n";
    for (server, expected) in [
        (&server, "authserv-id = [\"mx.broker.example\"]\n"),
        // A stranger may write the other one's name here, where nobody is known to take it out.
        (&empty, "authserv-id = []\n"),
    ] {
        let program = program();
        fs::write(program.path("config/acewatch/config.toml"), elsewhere).unwrap();
        let ended = init(
            &program,
            server,
            &["--password-environment", "ACEWATCH_TEST_PASSWORD", "--no-preview", "--yes"],
        );
        assert_eq!(ended.code, Some(0), "{ended:#?}");
        let written = configuration(&program).unwrap();
        assert!(written.contains(&elsewhere[elsewhere.find("[trust]").unwrap()..]), "{written}");
        assert_eq!(written.matches(expected).count(), 1, "{written}");
        // Looked at again, it stays so.
        let again = program.run(&["init", "--address", USER, "--yes", "--no-preview"]);
        assert_eq!(again.code, Some(0), "{again:#?}");
        assert_eq!(configuration(&program).unwrap(), written);
    }
}

#[test]
fn a_mailbox_that_moves_to_another_server_believes_the_old_one_no_more() {
    let server = server();
    let program = program();
    let before = format!(
        "[[mailbox]]\nname = \"main\"\nhost = \"imap.elsewhere.example\"\nuser = \"{USER}\"\npassword-environment = \"ACEWATCH_TEST_PASSWORD\"\nauthserv-id = [\"mx.elsewhere.example\"]\n"
    );
    fs::write(program.path("config/acewatch/config.toml"), before).unwrap();
    let ended = init(&program, &server, &["--no-preview", "--yes"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let written = configuration(&program).unwrap();
    assert!(written.contains("authserv-id = [\"mx.broker.example\"]\n"), "{written}");
}

#[test]
fn mails_that_wait_are_judged_anew_once_somebody_is_believed() {
    let server = server();
    let program = program();
    let none = ["--password-environment", "ACEWATCH_TEST_PASSWORD", "--no-preview", "--yes"];
    assert_eq!(init(&program, &server, &none).code, Some(0));
    let config = program.path("config/acewatch/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("[\"mx.broker.example\"]", "[]")).unwrap();
    program.ok(&["check"]);
    assert_eq!(program.fact(ACME, "stage"), "submitted");
    let ended =
        program.run(&["init", "--authserv-id", "mx.broker.example", "--no-preview", "--yes"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("Of 1 in review some may be believed now:"), "{ended:#?}");
    assert!(ended.stdout.contains("rules replay` shows which"), "{ended:#?}");
    program.ok(&["rules", "replay", "--apply"]);
    assert_eq!(program.fact(ACME, "stage"), "approved");
}

#[test]
fn nothing_is_written_where_it_does_not_work() {
    let server = server();
    let program = program();
    fs::write(program.path("typed"), "a wrong password\n").unwrap();
    let file = program.path("config/acewatch/ops.secret");
    let flags = ["--password-stdin", "--password-file", file.to_str().unwrap()];
    let refused = init(&program, &server, &flags);
    assert_eq!(refused.code, Some(1), "{refused:#?}");
    assert!(refused.stderr.contains("the server refused the login"), "{refused:#?}");
    assert!(!refused.stderr.contains("a wrong password"), "{refused:#?}");

    // What a flag says wrongly is told by the flag's own key, and not by a line of a file to come.
    for (flags, expected) in [
        (&["--own-address", "ops"][..], "`own-addresses` holds a text that is no address"),
        (&["--pin-sha256", "abc"], "`pin-sha256` is not the SHA-256 of a certificate"),
        (&["--host", "localhost:99999"], "\"localhost:99999\" is no name of a server"),
    ] {
        let mut words = vec!["init", "--address", USER, "--password-environment", "X"];
        let (port, ca) = (server.imaps_port.to_string(), server.ca_file());
        words.extend(["--port", &port, "--ca-file", ca.to_str().unwrap()]);
        if !flags.contains(&"--host") {
            words.extend(["--host", "localhost"]);
        }
        words.extend(flags);
        let refused = program.run_with(&words, "X", PASSWORD);
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        assert!(refused.stderr.contains(expected), "{refused:#?}");
        assert!(!refused.stderr.contains("config.toml:"), "{refused:#?}");
    }

    let nobody = program.run(&["init"]);
    assert_eq!(nobody.code, Some(2), "{nobody:#?}");
    assert!(nobody.stderr.contains("`--address` is missing"), "{nobody:#?}");
    let no_secret = init(&program, &server, &[]);
    assert_eq!(no_secret.code, Some(2), "{no_secret:#?}");
    assert!(no_secret.stderr.contains("--password-stdin"), "{no_secret:#?}");

    fs::write(program.path("typed"), format!("{PASSWORD}\n")).unwrap();
    let dry = init(&program, &server, &[&flags[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, Some(0), "{dry:#?}");
    assert!(dry.stdout.contains("authserv-id = [\"mx.broker.example\"]"), "{dry:#?}");
    assert_eq!((configuration(&program), file.exists()), (None, false));
}

#[test]
fn the_keyring_takes_the_password_once_it_has_proved_good() {
    let server = server();
    let mut desktop = Desktop::absent();
    desktop.log_in();
    let keyring = Keyring::start(&desktop);
    let program = program().with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    keyring.lock();
    let locked = init(&program, &server, &["--password-stdin", "--keyring"]);
    assert_eq!(locked.code, Some(1), "{locked:#?}");
    assert!(locked.stderr.contains("the keyring is locked"), "{locked:#?}");
    assert_eq!(configuration(&program), None);

    keyring.unlock();
    let ended = init(&program, &server, &["--password-stdin", "--keyring"]);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let account = format!("{USER}@localhost");
    let item = ["service", "acewatch", "account", &account, "purpose", "password"];
    assert_eq!(keyring.get(&item).as_deref(), Some(PASSWORD));
    assert!(configuration(&program).unwrap().contains("\nkeyring = true\n"));
    program.ok(&["check"]);

    // What is there is used; nobody has to type it again.
    let again = program.run(&["init", "--yes", "--no-preview"]);
    assert_eq!(again.code, Some(0), "{again:#?}");
}

#[test]
fn whoever_sits_at_a_terminal_is_asked() {
    let server = server();
    let program = Program::new();
    let port = server.imaps_port.to_string();
    let mut terminal =
        program.at_a_terminal(&["init", "--host", "localhost", "--port", &port, "--no-service"]);
    terminal.answer("writes to CBP:", "ops");
    terminal.answer("writes to CBP:", USER);
    terminal.answer("Number [1]:", "1");
    terminal.answer("(not shown):", "a wrong password");
    // The certificate of a bridge on this machine.
    terminal.answer("no other from now on? [Y/n]", "");
    terminal.answer("Enter to give up (not shown):", PASSWORD);
    terminal.answer("config.toml? [Y/n]", "y");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains(PASSWORD) && !screen.contains("a wrong password"), "{screen}");
    assert!(
        screen.contains("The last 60 days: 1 submission, 1 approval; 1 application."),
        "{screen}"
    );
    let written = configuration(&program).unwrap();
    assert!(written.contains(&format!("pin-sha256 = \"{}\"", server.fingerprint())), "{written}");
    program.ok(&["check"]);
}

#[test]
fn who_must_sign_in_first_is_told_how() {
    let program = Program::new();
    let words = ["init", "--address", "ops@outlook.com", "--oauth", "--client-id", "an-id"];
    let ended = program.run(&[&words[..], &["--name", "office"]].concat());
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stdout.contains("`acewatch sign-in office` does it"), "{ended:#?}");
    insta::assert_snapshot!(configuration(&program).unwrap(), @r#"
    # The configuration of acewatch, begun by `acewatch init`. What does not stand here has its default;
    # every key is explained in the sample configuration (config/acewatch.toml, or beside the packaged
    # documentation). Unknown keys are refused. `acewatch doctor` tries all of it.

    # An account that is watched. acewatch never changes anything in it.
    [[mailbox]]
    name = "office"
    host = "outlook.office365.com"
    user = "ops@outlook.com"
    # The name under which our own server writes Authentication-Results; only what it vouches for
    # moves an application. "-" where it writes no name, [] where nobody is believed.
    authserv-id = ["-"]

    [mailbox.oauth]
    provider = "microsoft"
    # The program's identity at the provider; `acewatch sign-in` signs in with it.
    client-id = "an-id"
    store = "file"
    "#);
    program.ok(&["status"]);

    // A client of one organisation is unknown at the addresses for all.
    let more = ["--tenant", "broker.example", "--dry-run", "--config", "other.toml"];
    let printed = program.ok(&[&words[..], &more[..]].concat());
    for line in [
        "device-url = \"https://login.microsoftonline.com/broker.example/oauth2/v2.0/devicecode\"",
        "token-url = \"https://login.microsoftonline.com/broker.example/oauth2/v2.0/token\"",
    ] {
        assert!(printed.contains(line), "{printed}");
    }
    assert!(printed.contains("other.toml' sign-in ops`"), "{printed}");
}

#[test]
fn a_server_elsewhere_that_only_the_dns_names_needs_a_person_or_its_name() {
    let server = server();
    let program = program();
    let dns = name_server(server.imaps_port);
    let ca = server.ca_file();
    let words = |more: &[&str]| {
        let mut words: Vec<String> =
            ["init", "--address", USER, "--resolver", &dns, "--ca-file", ca.to_str().unwrap()]
                .map(str::to_owned)
                .to_vec();
        words.extend(["--password-environment", "ACEWATCH_TEST_PASSWORD"].map(str::to_owned));
        words.extend(more.iter().map(|word| (*word).to_owned()));
        words
    };
    let run = |more: &[&str]| {
        let words = words(more);
        program.run(&words.iter().map(String::as_str).collect::<Vec<_>>())
    };
    // RFC 6186 §6: no flag of a script is the person who looks at the name.
    let named = format!("localhost:{}", server.imaps_port);
    for more in [&[][..], &["--yes", "--no-service"]] {
        let refused = run(more);
        assert_eq!(refused.code, Some(2), "{refused:#?}");
        let said = "localhost is not in the domain of ops@broker.example";
        assert!(refused.stderr.contains(said), "{refused:#?}");
        assert!(refused.stderr.contains(&format!("give `--host {named}`")), "{refused:#?}");
        assert_eq!((configuration(&program), server.n_logins()), (None, 0));
    }
    let agreed = run(&["--yes", "--no-service", "--host", &named]);
    assert_eq!(agreed.code, Some(0), "{agreed:#?}");
    program.ok(&["check"]);

    // A person sees the name before the password is asked for.
    fs::remove_file(program.path("config/acewatch/config.toml")).unwrap();
    let words = words(&["--no-service"]);
    let mut terminal = program
        .through(&["/usr/bin/env"])
        .at_a_terminal(&words.iter().map(String::as_str).collect::<Vec<_>>());
    terminal.answer("and only the DNS names it. Is it yours? [y/N]", "y");
    terminal.answer("config.toml? [Y/n]", "y");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("(the SRV record _imaps._tcp.broker.example)"), "{screen}");
}

#[test]
fn the_page_about_providers_says_what_is_known() {
    let page = fs::read_to_string(
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers.md"),
    )
    .unwrap();
    for provider in acewatch::provider::built_in().unwrap() {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}`:", provider.id)));
        let row = row.unwrap_or_else(|| panic!("{} is missing", provider.id));
        assert!(row.contains(&provider.host), "{row}");
        for id in &provider.authserv_id {
            assert!(row.contains(&format!("`{id}`")), "{row}");
        }
        assert_eq!(row.contains("OAuth 2.0"), provider.oauth.is_some(), "{row}");
    }
}

/// A name server that knows one service: IMAP over TLS for broker.example, on this machine.
fn name_server(port: u16) -> String {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        let service = Name::from_ascii("_imaps._tcp.broker.example.").unwrap();
        let target = Name::from_ascii("localhost.").unwrap();
        let mut question = [0; 4096];
        while let Ok((n, from)) = socket.recv_from(&mut question) {
            let asked = Message::from_bytes(&question[..n]).unwrap();
            let mut answer = Message::response(asked.id, asked.op_code);
            answer.metadata.response_code = ResponseCode::NXDomain;
            for query in &asked.queries {
                answer.add_query(query.clone());
                if *query.name() == service && query.query_type() == RecordType::SRV {
                    let srv = RData::SRV(SRV::new(0, 0, port, target.clone()));
                    answer.add_answer(Record::from_rdata(service.clone(), 60, srv));
                    answer.metadata.response_code = ResponseCode::NoError;
                }
            }
            socket.send_to(&answer.to_bytes().unwrap(), from).unwrap();
        }
    });
    address
}
