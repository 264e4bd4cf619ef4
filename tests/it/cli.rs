//! What a person and a script read, word for word, at a fixed instant.
//!
//! The snapshots are in `snapshots/`. After an intended change: `INSTA_UPDATE=always scripts/test cli::`,
//! then read the difference.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::support::OFFICE;
use crate::support::mail::{ACME, JUNIPER, PELICAN, approval, from_cbp, submission};
use crate::support::program::{Ended, Program};

/// A Thursday noon in Denver.
const NOW: &str = "2026-05-14T18:00:00Z";

const CLIENTS: &str = "\
company,number,route,submitted_at,aliases,tags,contact,notes
Acme Imports LLC,12-345678900,email,2026-05-04,,north,,
Juniper Lamp Works Inc,47-120935500,email,2026-05-11,Juniper Lamps,,,
Maren Holt,123-45-6789,web-importer,2026-05-13,,,,sole proprietor
Østerby Skibsudstyr A/S,252303-00418,web-general,,,,,
";

fn program() -> Program {
    let program = Program::new();
    fs::write(program.path("config/acewatch/config.toml"), OFFICE).unwrap();
    program
}

/// Four applications: one approved, one waiting, one of a person, one not sent yet.
fn office() -> Program {
    let program = program();
    fs::write(program.path("clients.csv"), CLIENTS).unwrap();
    program.ok(&["add", "--from", "clients.csv", "--at", NOW]);
    let at = |text: &str| text.parse().unwrap();
    let mails = program.path("mails");
    for folder in ["Sent", "INBOX"] {
        fs::create_dir_all(mails.join(folder)).unwrap();
    }
    let write = |name: &str, text: String| fs::write(mails.join(name), text).unwrap();
    write("Sent/1.eml", submission(ACME, at("2026-05-04T15:00:00Z")));
    write("INBOX/2.eml", approval(ACME, at("2026-05-12T15:00:00Z")));
    write(
        "INBOX/3.eml",
        from_cbp(
            "RE: your \u{1b}[31mapplication 47-120935500 and SSN 123-45-6789",
            "We received your application.\r\n",
            "receipt@cbp.example",
            "none@broker.example",
            at("2026-05-11T16:00:00Z"),
        )
        .replace("Authentication-Results: mx.broker.example", "X-Filter: none"),
    );
    program.ok(&["import", "mails", "--at", NOW]);
    program
}

/// An application that was sent twice, first without its form, and one whose sender had its receipt.
fn resent() -> Program {
    let program = program();
    let at = |text: &str| text.parse().unwrap();
    let mails = program.path("mails");
    for folder in ["Sent", "INBOX"] {
        fs::create_dir_all(mails.join(folder)).unwrap();
    }
    let write = |name: &str, text: String| fs::write(mails.join(name), text).unwrap();
    let bare = submission(PELICAN, at("2026-05-04T15:00:00Z"));
    write("Sent/1.eml", bare.replace("application/pdf", "text/csv").replace(".pdf", ".csv"));
    let whole = submission(PELICAN, at("2026-05-08T15:00:00Z"));
    write("Sent/2.eml", whole.replace("<submission.", "<submission.2."));
    write("Sent/3.eml", submission(JUNIPER, at("2026-05-11T15:00:00Z")));
    let receipt = from_cbp(
        "Automatic reply: ACE Account Application - Pelican Dock Supply Co - 54-820736100",
        "We have received your ACE application. You can expect a response within 3-5 business days.\r\n",
        "receipt@cbp.example",
        "submission.2.54-820736100@mail.broker.example",
        at("2026-05-08T15:01:00Z"),
    );
    let by_machine = "Auto-Submitted: auto-generated\r\nMIME-Version";
    write("INBOX/4.eml", receipt.replace("MIME-Version", by_machine));
    program.ok(&["import", "mails", "--at", NOW]);
    program
}

/// The exit code and both streams; the paths of the test's home are not the user's business.
fn told(program: &Program, arguments: &[&str]) -> String {
    let Ended { code, stdout, stderr } = program.run(arguments);
    let home = program.path("").display().to_string();
    let code = code.map_or("signal".to_owned(), |code| code.to_string());
    let text = format!(
        "$ acewatch {}\n{stdout}{}exit code {code}\n",
        arguments.join(" "),
        if stderr.is_empty() {
            String::new()
        } else {
            format!("--- standard error\n{stderr}---\n")
        },
    );
    text.replace(home.trim_end_matches('/'), "~")
}

macro_rules! snapshot {
    ($name:ident, $program:expr, $($arguments:expr),+ $(,)?) => {
        #[test]
        fn $name() {
            let program = $program;
            let text: Vec<String> = [$(&$arguments[..]),+].iter().map(|a| told(&program, a)).collect();
            insta::assert_snapshot!(stringify!($name), text.join("\n"));
        }
    };
}

snapshot!(
    the_overview_says_freshness_first_and_then_what_needs_you,
    office(),
    ["status", "--at", NOW],
    ["status", "--at", NOW, "approved"],
    ["status", "--at", NOW, "north"],
    ["status", "--at", NOW, "3"],
    ["status", "--at", NOW, "nobody"],
    ["status", "--at", NOW, "--check"],
);

snapshot!(the_overview_as_json, office(), ["status", "--at", NOW, "--json", "acme"]);

snapshot!(
    an_application_shows_its_history_and_how_each_date_came_about,
    office(),
    ["show", "acme", "--at", NOW],
    ["show", "juniper", "--at", NOW],
    ["show", "osterby", "--at", NOW],
);

snapshot!(
    attempts_their_faults_and_a_receipt_that_is_not_expected_are_shown,
    resent(),
    ["show", "pelican", "--at", NOW],
    ["show", "juniper", "--at", NOW],
    ["subject", "pelican"],
    ["subject", "--lint", "Returned Form: application.pdf"],
);

snapshot!(an_application_as_json, office(), ["show", "--json", "47-1209355", "--at", NOW]);

snapshot!(
    a_social_security_number_is_masked_unless_revealed,
    office(),
    ["show", "maren", "--at", NOW],
    ["status", "--at", NOW, "maren", "--reveal"],
);

snapshot!(
    doubtful_mail_waits_for_review_and_its_control_characters_stay_out,
    office(),
    ["review", "--at", NOW],
    ["review", "accept", "99", "--at", NOW],
    ["review", "accept", "2", "--at", NOW],
    ["review", "--at", NOW],
    ["review", "undo", "2", "--at", NOW],
    ["review", "dismiss", "2", "--at", NOW],
);

snapshot!(
    a_mail_is_explained,
    office(),
    ["explain", "mails/INBOX/2.eml"],
    ["explain", "--json", "mails/INBOX/2.eml", "missing.eml"],
    ["explain", "1"],
);

snapshot!(
    an_application_is_closed_and_reopened_and_ticked_off,
    office(),
    ["close", "juniper", "--reason", "withdrawn by the client", "--at", NOW],
    ["close", "juniper", "--reason", "again", "--at", NOW],
    ["reopen", "juniper", "--at", NOW],
    ["done", "acme", "first-login", "--at", NOW],
    ["status", "--at", NOW],
);

snapshot!(
    an_application_is_snoozed_acknowledged_and_noted,
    office(),
    [
        "snooze",
        "juniper",
        "--until",
        "2026-05-22",
        "--reason",
        "the client is on leave",
        "--at",
        NOW
    ],
    ["status", "--at", NOW],
    ["status", "snoozed", "--at", "2026-05-22T13:59:59Z"],
    ["status", "snoozed", "--at", "2026-05-22T14:00:00Z"],
    ["show", "juniper", "--at", NOW],
    ["snooze", "juniper", "--end", "--at", NOW],
    ["snooze", "juniper", "--end", "--at", NOW],
    ["snooze", "juniper", "--until", "2026-05-14", "--reason", "today", "--at", NOW],
    ["snooze", "juniper", "--until", "2062-05-14", "--reason", "a slip", "--at", NOW],
    ["snooze", "juniper", "--until", "2026-05-22", "--reason", " ", "--at", NOW],
    ["snooze", "juniper", "--until", "2026-05-22", "--at", NOW],
    ["snooze", "juniper", "--at", NOW],
    ["ack", "juniper", "--at", NOW],
    [
        "note",
        "juniper",
        "they will look into 123-45-6789",
        "--call",
        "--ticket",
        "inc0012345",
        "--at",
        NOW
    ],
    ["note", "acme", "the same ticket", "--ticket", "INC0012345", "--at", NOW],
    ["note", "acme", "no ticket", "--ticket", "12345", "--at", NOW],
    ["note", "acme", " ", "--at", NOW],
    ["show", "juniper", "--at", NOW],
    ["close", "acme", "--reason", "withdrawn", "--at", NOW],
    ["snooze", "acme", "--until", "2026-05-22", "--reason", "none", "--at", NOW],
);

/// The late one is the first log-in, of which nobody needs to read a mailbox.
const LATE: &str = "2026-06-12T18:00:00Z";

snapshot!(
    what_is_overdue_is_acknowledged,
    office(),
    ["ack", "acme", "--at", LATE],
    ["ack", "acme", "--at", "2026-06-13T18:00:00Z"],
    ["status", "acme", "--at", LATE],
    ["show", "acme", "--at", LATE],
    ["show", "acme", "--json", "--at", LATE],
);

snapshot!(
    an_application_is_edited,
    office(),
    [
        "edit",
        "juniper",
        "--company",
        "Juniper Lamp Works LLC",
        "--alias",
        "Juniper",
        "--remove-alias",
        "juniper lamps",
        "--tag",
        "south",
        "--contact",
        "Ms. Fictional",
        "--at",
        NOW
    ],
    ["edit", "juniper", "--tag", "south", "--at", NOW],
    ["edit", "juniper", "--remove-tag", "north", "--at", NOW],
    ["edit", "juniper", "--at", NOW],
    ["edit", "juniper", "--number", "123-45-6788", "--at", NOW],
    ["edit", "acme", "--number", "47-120935500", "--at", NOW],
    ["edit", "osterby", "--number", "12-345678900", "--route", "email", "--at", NOW],
    ["edit", "osterby", "--number", "12-34", "--at", NOW],
    ["show", "juniper", "--at", NOW],
);

snapshot!(
    bad_input_is_named,
    program(),
    ["show", "nobody"],
    ["status", "--at", "yesterday"],
    ["--config", "missing.toml", "status"],
    ["add", "--company", "Acme", "--number", "12-34567890Z"],
    ["check", "--database", "/dev/null/acewatch.db"],
    ["run", "--at", "2026-05-14"],
    ["frobnicate"],
);

snapshot!(
    an_empty_home_is_no_error,
    Program::new(),
    ["status", "--at", NOW],
    ["review"],
    ["check"],
);

#[test]
fn a_configuration_error_names_line_and_key() {
    let program = Program::new();
    let check = |text: &str, expected: &str| {
        fs::write(program.path("config/acewatch/config.toml"), text).unwrap();
        let ended = program.run(&["status"]);
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains(expected), "{expected}: {}", ended.stderr);
    };
    check("time-zone = \"Mars/Olympus\"\n", "config.toml:1");
    check("\n[watch]\ntikc = \"1s\"\n", "config.toml:3: unknown key `tikc`");
    check(
        "[[mailbox]]\nhost = \"mail.example\"\nuser = \"a\"\ntls = \"none\"\npassword-environment = \"P\"\n",
        "another machine",
    );
    check("[calendar]\nclosures = [\"2026-13-01\"]\n", "config.toml:2");
}

#[test]
fn nine_digits_alone_are_an_ein_and_said_to_be() {
    let program = program();
    let add = |number: &str| {
        program.run(&["add", "--company", "Acme Imports LLC", "--number", number, "--at", NOW])
    };
    let bare = add("123456789");
    assert_eq!((bare.code, bare.stdout.as_str()), (Some(0), "1  12-345678900  Acme Imports LLC\n"));
    assert!(bare.stderr.contains("a social security number is written 123-45-6789"), "{bare:?}");
    assert_eq!(add("12-3456789").stderr, "");
    fs::write(
        program.path("more.csv"),
        "company,number\nA Co,223330001\nB Co,223330002\nC Co,22-3330003\n",
    )
    .unwrap();
    let table = program.run(&["add", "--from", "more.csv", "--at", NOW]);
    assert!(
        table.stderr.contains("2 numbers of nine digits alone are taken for EINs"),
        "{table:?}"
    );
}

#[test]
fn a_readers_early_end_is_no_failure() {
    let program = office();
    let line = format!(
        "{} --config {} --database {} status --all --at {NOW} | head -c 1",
        env!("CARGO_BIN_EXE_acewatch"),
        program.path("config/acewatch/config.toml").display(),
        program.path("data/acewatch/acewatch.db").display(),
    );
    let output = std::process::Command::new("bash")
        .args(["-c", &format!("set -o pipefail; {line}")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn a_file_is_believed_as_its_mailbox_is_when_somebody_says_which_one_it_is() {
    let program = Program::new();
    let second = "[[mailbox]]\nname = \"second\"\nhost = \"imap.other.example\"\nuser = \"ops@other.example\"\npassword-environment = \"X\"\nauthserv-id = []\n";
    let config = program.path("config/acewatch/config.toml");
    fs::write(config, format!("{OFFICE}{second}")).unwrap();
    let mail = program.path("mail.eml");
    fs::write(&mail, approval(ACME, "2026-05-12T15:00:00Z".parse().unwrap())).unwrap();
    let explain = |more: &[&str]| {
        program.run(&[&["explain", "--json", mail.to_str().unwrap()][..], more].concat())
    };
    let verdict = |ended: &Ended| {
        let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
        document["messages"][0]["authenticity"]["verdict"].as_str().unwrap().to_owned()
    };
    let nobody_said = explain(&[]);
    assert_eq!(verdict(&nobody_said), "unverified");
    assert!(nobody_said.stderr.contains("`--mailbox NAME` does"), "{nobody_said:?}");
    for (mailbox, expected) in [("office", "authentic"), ("second", "unverified")] {
        let ended = explain(&["--mailbox", mailbox]);
        assert_eq!((verdict(&ended).as_str(), ended.stderr.as_str()), (expected, ""), "{mailbox}");
    }
    let unknown = explain(&["--mailbox", "third"]);
    assert_eq!(unknown.code, Some(2), "{unknown:?}");
    assert!(unknown.stderr.contains("there are office, second"), "{unknown:?}");

    program.add(ACME);
    program.ok(&["import", "--mailbox", "office", mail.to_str().unwrap()]);
    assert_eq!(program.fact(ACME, "stage"), "approved");
}

#[test]
fn at_a_terminal_a_manual_page_is_shown_as_man_shows_it() {
    let program = Program::new();
    fs::create_dir(program.path("bin")).unwrap();
    let roff = program.ok(&["man", "check"]);
    assert!(roff.contains(".TH acewatch-check 1"), "{roff}");
    let (bin, path) = (program.path("bin"), std::env::var("PATH").unwrap_or_default());
    let program = program.with("PATH", format!("{}:{path}", bin.display()));
    for (man, expected, is_roff) in [
        ("cat >\"$HOME/page\"; echo \"formatted $*\"", "formatted -l -\n", false),
        ("echo unusable >&2; exit 5", "unusable", true),
    ] {
        fs::write(bin.join("man"), format!("#!/bin/sh\n{man}\n")).unwrap();
        fs::set_permissions(bin.join("man"), fs::Permissions::from_mode(0o755)).unwrap();
        let (code, screen) = program.at_a_terminal(&["man", "check"]).end();
        assert_eq!(code, Some(0), "{screen}");
        assert!(screen.contains(expected), "{screen}");
        assert_eq!(screen.contains(".TH acewatch-check 1"), is_roff, "{screen}");
    }
    assert_eq!(fs::read_to_string(program.path("page")).unwrap(), roff);
    // Elsewhere it is the page itself, for whoever reads it.
    assert_eq!(program.ok(&["man", "check"]), roff);
    let program = program.with("PATH", "/nonexistent");
    let (code, screen) = program.at_a_terminal(&["man", "check"]).end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains("hint: install man-db, ") && screen.contains(&roff), "{screen}");
}
