//! Drafts: what they say, and that acewatch knows them for what they are once they are sent.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use acewatch::app::App;
use acewatch::config::{self, Environment};
use acewatch::domain::rules::Rules;
use acewatch::store::Store;
use chrono::{DateTime, Duration, Utc};
use serde_json::Value;

use crate::support::OFFICE;
use crate::support::mail::{Importer, JUNIPER, PELICAN, approval, from_cbp, submission};
use crate::support::program::{Ended, Program};

/// A Thursday morning in New York, seventeen days after the submission.
const NOW: &str = "2026-05-21T14:00:00Z";
/// The Monday on which Pelican was sent.
const SENT: &str = "2026-05-04T15:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn program() -> Program {
    let program = Program::new().with("ACEWATCH_TEST_PASSWORD", "");
    fs::write(program.path("config/acewatch/config.toml"), OFFICE).unwrap();
    for folder in ["Sent", "INBOX"] {
        fs::create_dir_all(program.path("mails").join(folder)).unwrap();
    }
    program
}

/// One application that CBP's machine confirmed and nobody answered, with the mailbox read up to now.
fn silent() -> Program {
    let program = program();
    take(&program, "Sent/1.eml", &submission(PELICAN, at(SENT)));
    let receipt = from_cbp(
        "Automatic reply: ACE Account Application - Pelican Dock Supply Co - 54-820736100",
        "We have received your ACE application, ticket INC0012345. You can expect a response \
         within 3-5 business days.\r\n",
        "receipt@cbp.example",
        "submission.54-820736100@mail.broker.example",
        at("2026-05-04T15:01:00Z"),
    );
    let by_machine = "Auto-Submitted: auto-replied\r\nMIME-Version";
    take(&program, "INBOX/2.eml", &receipt.replace("MIME-Version", by_machine));
    read(&program);
    program
}

/// Imports one mail, which must be recorded.
#[track_caller]
fn take(program: &Program, name: &str, mail: &str) {
    let path = format!("mails/{name}");
    fs::write(program.path(&path), mail).unwrap();
    let tally = program.json(&["import", &path, "--json", "--at", NOW]);
    assert_eq!(tally["recorded"], 1, "{tally:#}\n{mail}");
}

/// Tells the history that the mailbox was read for the last sixty days.
fn read(program: &Program) {
    let settings =
        config::parse(OFFICE, Path::new("t.toml"), &Environment::from_process()).unwrap();
    let store = Store::open(&program.database()).unwrap();
    let mut app = App::new(store, settings, Rules::read(None).unwrap());
    let from = Some(at(NOW) - Duration::days(60));
    app.complete("office", &[("INBOX", from), ("Sent", from)], at(NOW), "push", true).unwrap();
}

fn told(program: &Program, arguments: &[&str]) -> String {
    let Ended { code, stdout, stderr } = program.run(&[arguments, &["--at", NOW]].concat());
    let text = format!(
        "$ acewatch {}\n{stdout}--- standard error\n{stderr}--- exit code {}\n",
        arguments.join(" "),
        code.unwrap()
    );
    text.replace("\r\n", "\n").replace(program.path("").to_str().unwrap(), "~/")
}

#[track_caller]
fn check_refused(program: &Program, arguments: &[&str], expected: &str) {
    let ended = program.run(&[&["draft"], arguments, &["--at", NOW]].concat());
    assert_ne!(ended.code, Some(0), "{ended:#?}");
    assert!(ended.stderr.contains(expected), "{expected}: {ended:#?}");
}

#[test]
fn each_kind_of_draft_says_what_it_is_about() {
    let program = silent();
    program.ok(&["note", "1", "they will call back", "--call", "--at", "2026-05-19T18:30:00Z"]);
    program.ok(&["edit", "1", "--liquidated", "2026-04-20", "--at", NOW]);
    let drafts = [
        &["draft", "pelican", "follow-up"][..],
        &["draft", "pelican", "resubmission"],
        &["draft", "pelican", "escalation"],
        &["draft", "pelican", "escalation", "--mail"],
        &["draft", "pelican", "follow-up", "--mailto"],
        &["draft", "pelican", "follow-up", "--json"],
    ];
    let text: Vec<String> = drafts.iter().map(|arguments| told(&program, arguments)).collect();
    insta::assert_snapshot!("drafts", text.join("\n"));
}

#[test]
fn names_in_other_letters_travel_in_encoded_headers() {
    let program = program();
    let mut text = Vec::new();
    for (company, number) in [
        ("Compañía Peñasco de Importación S.A. de C.V.", "61-203948500"),
        ("青葉貿易株式会社", "252303-00418"),
    ] {
        let submitted = ["--submitted", SENT, "--at", NOW];
        program.ok(&[&["add", "--company", company, "--number", number], &submitted[..]].concat());
        read(&program);
        text.push(told(&program, &["draft", number, "resubmission"]));
    }
    insta::assert_snapshot!("drafts_in_other_letters", text.join("\n"));
}

/// The draft as a mail program sends it, with the form where one is attached.
fn sent(draft: &str, id: &str, on: DateTime<Utc>, is_with_form: bool) -> String {
    assert!(draft.contains("X-Unsent: 1\r\n") && !draft.contains("\r\nDate:"), "{draft}");
    let stamped = format!(
        "Date: {}\r\nMessage-ID: <{id}@mail.broker.example>\r\n{}",
        on.to_rfc2822(),
        draft.replace("X-Unsent: 1\r\n", "")
    );
    if !is_with_form {
        return stamped;
    }
    let (header, text) = stamped.split_once("\r\n\r\n").unwrap();
    let header = header.replace(
        "Content-Type: text/plain; charset=utf-8",
        "Content-Type: multipart/mixed; boundary=\"part\"",
    );
    format!(
        "{header}\r\n\r\n--part\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n\
         --part\r\nContent-Type: application/pdf; name=\"form.pdf\"\r\n\
         Content-Disposition: attachment; filename=\"form.pdf\"\r\n\r\n%PDF-1.7\r\n--part--\r\n"
    )
}

fn events(program: &Program, application: &str) -> (String, Vec<String>, Value) {
    let shown = program.json(&["show", application, "--json", "--at", NOW]);
    let kinds = shown["events"].as_array().unwrap().iter();
    let kinds = kinds.map(|event| event["kind"].as_str().unwrap().to_owned()).collect();
    (shown["stage"].as_str().unwrap().to_owned(), kinds, shown["windows"].clone())
}

/// Sends a draft now, and returns the application's stage and its last event.
#[track_caller]
fn send(program: &Program, application: &str, kind: &[&str], id: &str) -> (String, String) {
    send_on(program, application, kind, id, at(NOW))
}

#[track_caller]
fn send_on(
    program: &Program,
    application: &str,
    kind: &[&str],
    id: &str,
    on: DateTime<Utc>,
) -> (String, String) {
    let is_with_form = kind == ["resubmission"];
    let arguments = [&["draft", application], kind, &["--at", NOW]].concat();
    let mail = sent(&program.ok(&arguments), id, on, is_with_form);
    take(program, &format!("Sent/{id}.eml"), &mail);
    let (stage, kinds, _) = events(program, application);
    (stage, kinds.last().unwrap().clone())
}

#[test]
fn what_is_sent_is_recognised_and_a_question_changes_nothing() {
    let program = silent();
    let (stage, _, windows) = events(&program, "1");
    let reminder = (stage, "reminder".to_owned());
    assert_eq!(send(&program, "1", &["follow-up"], "a"), reminder);
    assert_eq!(send(&program, "1", &["escalation", "--mail"], "b"), reminder);
    assert_eq!(events(&program, "1").2, windows);
    let told = told(&program, &["draft", "1", "follow-up"]);
    assert!(told.contains("you last wrote to CBP about it on Thursday, May 21, 2026"), "{told}");
    // Of what was filed in a web form no mail is known, and the number tells.
    let web = ["--route", "web-importer", "--submitted", "2026-05-05"];
    let Importer { company, number } = JUNIPER;
    program.ok(&[&["add", "--company", company, "--number", number], &web[..]].concat());
    assert_eq!(send(&program, "2", &["follow-up"], "c"), ("submitted".into(), "reminder".into()));
    check_refused(&program, &["2", "resubmission"], "through CBP's web form");
}

#[test]
fn what_is_sent_again_is_a_new_attempt() {
    let program = silent();
    take(&program, "Sent/3.eml", &submission(JUNIPER, at(SENT)));
    let again = (String::from("submitted"), String::from("submitted"));
    let earlier = at("2026-05-19T14:00:00Z");
    assert_eq!(send_on(&program, "2", &["resubmission"], "a", earlier), again);
    let rejection = from_cbp(
        "RE: ACE Account Application - Juniper Lamp Works Inc - 47-120935500",
        "Your application has been rejected. Please submit a new application.\r\n",
        "rejection@cbp.example",
        "submission.47-120935500@mail.broker.example",
        at("2026-05-21T13:00:00Z"),
    );
    take(&program, "INBOX/4.eml", &rejection);
    assert_eq!(events(&program, "2").0, "rejected");
    check_refused(&program, &["2", "follow-up"], "CBP has rejected it");
    let text = program.ok(&["draft", "2", "resubmission", "--at", NOW]);
    assert!(text.contains("one that you returned on Thursday, May 21, 2026."), "{text}");
    assert_eq!(send(&program, "2", &["resubmission"], "b"), again);
    let shown = program.json(&["show", "2", "--json", "--at", NOW]);
    assert_eq!(shown["attempts"], 3);
    assert_eq!(
        shown["events"].as_array().unwrap().last().unwrap()["faults"],
        serde_json::json!([])
    );
}

#[test]
fn a_follow_up_answers_the_person_who_wrote_last() {
    let program = silent();
    let reply = from_cbp(
        "RE: [EXTERNAL] ACE Account Application - Pelican Dock Supply Co - 54-820736100",
        "An officer will look at your application next week.\r\n",
        "reply@cbp.example",
        "submission.54-820736100@mail.broker.example",
        at("2026-05-06T15:00:00Z"),
    );
    take(&program, "INBOX/3.eml", &reply);
    let draft = &program.json(&["draft", "1", "follow-up", "--json", "--at", NOW])["drafts"][0];
    assert_eq!(draft["to"], "regina.lomax@cbp.dhs.gov");
    assert_eq!(draft["cc"], "ACE.Support@cbp.dhs.gov");
    assert_eq!(draft["in_reply_to"], "reply@cbp.example");
    let thread = ["submission.54-820736100@mail.broker.example", "reply@cbp.example"];
    assert_eq!(draft["references"], serde_json::json!(thread));
    let subject = "RE: ACE Account Application - Pelican Dock Supply Co - 54-820736100";
    assert_eq!(draft["subject"], subject);
    assert_eq!(send(&program, "1", &["follow-up"], "a"), ("replied".into(), "reminder".into()));
}

#[test]
fn a_draft_that_makes_no_sense_is_refused_with_what_to_do() {
    let program = silent();
    let Importer { company, number } = JUNIPER;
    program.ok(&["add", "--company", company, "--number", number, "--at", NOW]);
    check_refused(&program, &["2", "follow-up"], "nothing was sent to CBP yet");
    check_refused(&program, &["2", "escalation"], "`acewatch subject 2`");
    check_refused(&program, &["1", "follow-up", "--mail"], "--mail is for an escalation");
    check_refused(&program, &["1", "escalation", "--mailto"], "a call card is no mail");
    take(&program, "INBOX/3.eml", &approval(PELICAN, at("2026-05-20T15:00:00Z")));
    check_refused(&program, &["1", "resubmission"], "`acewatch done 1 first-login`");
    check_refused(&program, &["1", "escalation", "--mail"], "CBP has approved it");
    assert!(
        program.ok(&["draft", "1", "escalation", "--at", NOW]).contains("was the log-in sent?")
    );
    program.ok(&["close", "1", "--reason", "done", "--at", NOW]);
    check_refused(&program, &["1", "escalation"], "`acewatch reopen 1`");
}

#[test]
fn a_social_security_number_is_complete_only_where_nobody_else_reads_it() {
    let program = program();
    let holt = ["--company", "Maren Holt", "--number", "512-44-6789"];
    program.ok(&[&["add"], &holt[..], &["--submitted", SENT, "--at", NOW]].concat());
    let program = on_a_desktop(program);
    for arguments in [&["follow-up"][..], &["follow-up", "--mailto"]] {
        check_refused(&program, &[&["1"], arguments].concat(), "--output FILE writes it to a file");
        let shown = [&["draft", "1"], arguments, &["--reveal", "--at", NOW]].concat();
        assert!(program.ok(&shown).contains("512-44-6789"));
    }
    let in_the_open = ["1", "follow-up", "--open", "--mailto", "--reveal"];
    check_refused(&program, &in_the_open, "command line, which all users can read");
    for arguments in [&["escalation"][..], &["escalation", "--json"], &["follow-up", "--json"]] {
        let shown = program.ok(&[&["draft", "1"], arguments, &["--at", NOW]].concat());
        assert!(shown.contains("***-**-6789") && !shown.contains("512-44"), "{shown}");
    }
    for kind in ["follow-up", "escalation"] {
        program.ok(&["draft", "1", kind, "-o", "x", "--force", "--at", NOW]);
        assert!(fs::read_to_string(program.path("x")).unwrap().contains("512-44-6789"));
        let mode = fs::metadata(program.path("x")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    program.ok(&["draft", "1", "follow-up", "--open", "--at", NOW]);
    assert!(fs::read_to_string(program.path("opened")).unwrap().contains("512-44-6789"));
}

/// A desktop whose mail program keeps what it was asked to open, and how it was asked.
fn on_a_desktop(program: Program) -> Program {
    let bin = program.path("bin");
    fs::create_dir(&bin).unwrap();
    let script = "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$HOME/asked\"\n\
                  case \"$1\" in mailto:*) ;; *) cat \"$1\" >\"$HOME/opened\" ;; esac\n\
                  exit \"$(cat \"$HOME/code\" 2>/dev/null || echo 0)\"\n";
    fs::write(bin.join("xdg-open"), script).unwrap();
    fs::set_permissions(bin.join("xdg-open"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    program.with("PATH", format!("{}:{path}", bin.display())).with("DISPLAY", ":7")
}

#[test]
fn a_draft_is_opened_in_the_mail_program() {
    let program = silent();
    check_refused(&program, &["1", "follow-up", "--open"], "there is no desktop here");
    let program = on_a_desktop(program);
    program.ok(&["draft", "1", "follow-up", "--open", "--at", NOW]);
    let asked = fs::read_to_string(program.path("asked")).unwrap();
    let file = Path::new(asked.trim());
    assert!(file.starts_with(program.path("run")), "{asked}");
    assert_eq!(file.file_name().unwrap(), "1-follow-up-pelican-dock-supply.eml");
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let opened = fs::read_to_string(program.path("opened")).unwrap();
    assert_eq!(opened, program.ok(&["draft", "1", "follow-up", "--at", NOW]));
    program.ok(&["draft", "1", "follow-up", "--open", "--mailto", "--at", NOW]);
    let asked = fs::read_to_string(program.path("asked")).unwrap();
    assert!(asked.starts_with("mailto:ACE.Support@cbp.dhs.gov?subject="), "{asked}");
    assert_eq!(asked.lines().count(), 1);
    fs::write(program.path("code"), "3").unwrap();
    check_refused(&program, &["1", "follow-up", "--open"], "could not open the draft");
    let left = fs::read_dir(program.path("run")).unwrap().count();
    assert_eq!(left, 1, "what was not opened is not kept");
    let nowhere = program.with("PATH", "/nonexistent");
    check_refused(&nowhere, &["1", "follow-up", "--open"], "install xdg-utils");
}

#[test]
fn several_drafts_are_files_of_a_directory() {
    let program = silent();
    take(&program, "Sent/3.eml", &submission(JUNIPER, at(SENT)));
    take(&program, "INBOX/4.eml", &approval(JUNIPER, at("2026-05-20T15:00:00Z")));
    check_refused(&program, &["1", "2", "follow-up"], "#2): CBP has approved it");
    check_refused(&program, &["--all-overdue", "follow-up", "-o", "out"], "out is no directory");
    fs::create_dir(program.path("out")).unwrap();
    program.ok(&["draft", "--all-overdue", "follow-up", "-o", "out", "--at", NOW]);
    let none = program.run(&["draft", "--all-overdue", "resubmission", "-o", "out", "--at", NOW]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""), "{none:#?}");
    assert!(none.stderr.contains("left out Pelican Dock Supply Co (#1): CBP has it"), "{none:#?}");
    program.ok(&["draft", "1", "pelican", "escalation", "-o", "out", "--at", NOW]);
    let mut names: Vec<_> = fs::read_dir(program.path("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected = ["1-escalation-pelican-dock-supply.txt", "1-follow-up-pelican-dock-supply.eml"];
    assert_eq!(names, expected);
    let followed = program.path("out/1-follow-up-pelican-dock-supply.eml");
    fs::write(followed, "mine").unwrap();
    check_refused(&program, &["1", "follow-up", "-o", "out"], "is there already");
    let again = ["draft", "1", "follow-up", "-o", "out", "--force", "--at", NOW];
    assert!(program.ok(&again).contains("out/1-follow-up-pelican-dock-supply.eml"));
    let none = ["draft", "--all-overdue", "follow-up", "-o", "out", "--at", SENT];
    let ended = program.run(&none);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{ended:#?}");
    assert!(ended.stderr.contains("no application is overdue"));
}

/// Pelican, and Juniper, which was sent three business days and more before and got no receipt.
fn silent_and_lost() -> Program {
    let program = silent();
    let Importer { company, number } = JUNIPER;
    let submitted = ["--submitted", "2026-05-15T15:00:00Z", "--at", NOW];
    program.ok(&[&["add", "--company", company, "--number", number], &submitted[..]].concat());
    read(&program);
    fs::create_dir(program.path("out")).unwrap();
    program
}

#[test]
fn of_all_that_are_overdue_one_without_a_receipt_is_not_asked_after() {
    let program = silent_and_lost();
    let shown = events(&program, "2").2;
    let verdicts: Vec<_> =
        shown.as_array().unwrap().iter().map(|window| &window["verdict"]).collect();
    assert_eq!(verdicts, ["overdue", "due", "waiting"], "{shown:#}");
    let all = ["draft", "--all-overdue", "follow-up", "-o", "out", "--at", NOW];
    let ended = program.run(&all);
    assert_eq!(ended.code, Some(0), "{ended:#?}");
    let expected = "left out Juniper Lamp Works Inc (#2): no receipt came, so it may never have \
                    arrived; `acewatch draft 2 resubmission` sends it again";
    assert!(ended.stderr.contains(expected), "{ended:#?}");
    assert_eq!(ended.stdout.lines().count(), 1, "{ended:#?}");
    // Whoever names it means it.
    program.ok(&["draft", "2", "follow-up", "-o", "out", "--at", NOW]);
    let again = ["draft", "--all-overdue", "resubmission", "-o", "out", "--at", NOW];
    assert!(program.ok(&again).starts_with("out/2-resubmission-juniper"));
}

#[test]
fn repeated_it_writes_what_is_new_and_leaves_what_is_there() {
    let program = silent_and_lost();
    let all = ["draft", "--all-overdue", "escalation", "-o", "out", "--at", NOW];
    let first = program.ok(&all);
    assert_eq!(first.lines().count(), 2, "{first}");
    let files: Vec<_> =
        first.lines().map(|line| program.path(line.split_once(": ").unwrap().0)).collect();
    // As it stands there: nothing is to be done, and nothing to be told.
    let same = program.run(&all);
    assert_eq!((same.code, &same.stdout), (Some(0), &first), "{same:#?}");
    assert!(!same.stderr.contains("there already"), "{same:#?}");
    // What a person has changed stays, whatever else is written.
    fs::write(&files[0], "mine").unwrap();
    fs::remove_file(&files[1]).unwrap();
    let shown = files[0].strip_prefix(program.path("")).unwrap().display();
    let said = format!("{shown} is there already, and stays as it is; --force replaces it");
    let mixed = program.run(&all);
    assert_eq!(mixed.code, Some(0), "{mixed:#?}");
    assert!(mixed.stderr.contains(&said), "{mixed:#?}");
    assert_eq!(mixed.stdout.lines().count(), 1, "{mixed:#?}");
    assert!(files[1].exists());
    // Of several that were named, one that was not written is a failure.
    let named = program.run(&["draft", "1", "2", "escalation", "-o", "out", "--at", NOW]);
    assert_eq!(named.code, Some(1), "{named:#?}");
    assert!(named.stderr.contains(&said), "{named:#?}");
    assert_eq!(fs::read_to_string(&files[0]).unwrap(), "mine");
    program.ok(&[&all[..], &["--force"]].concat());
    assert_ne!(fs::read_to_string(&files[0]).unwrap(), "mine");
}

#[test]
fn of_all_that_are_overdue_none_is_sent_again_that_cbp_may_have() {
    let program = silent();
    // From the same address on the same day: CBP's machine confirms the first alone.
    take(&program, "Sent/3.eml", &submission(JUNIPER, at(SENT)));
    fs::create_dir(program.path("out")).unwrap();
    let shown = events(&program, "2").2;
    assert_eq!(
        (&shown[0]["verdict"], &shown[1]["verdict"]),
        (&"not_expected".into(), &"overdue".into())
    );
    let all = ["draft", "--all-overdue", "resubmission", "-o", "out", "--at", NOW];
    let ended = program.run(&all);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{ended:#?}");
    let expected = "left out Juniper Lamp Works Inc (#2): its receipt is not overdue, so CBP may have it; \
                    `acewatch draft 2 follow-up` asks without sending it again";
    assert!(ended.stderr.contains(expected), "{ended:#?}");
    program.ok(&["draft", "2", "resubmission", "-o", "out", "--at", NOW]);
}
