//! Teaching: docs/rules.md as a user follows it, and what a replay does to the history.
//!
//! `ACEWATCH_DOCS=write` writes what the commands of the page print into the page.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::OFFICE;
use crate::support::mail::{ACME, from_cbp, submission};
use crate::support::program::Program;

const NOW: &str = "2026-05-14T18:00:00Z";

const CODE_7: &str = "[[rule]]\nid = \"approval.code-7\"\nkind = \"approval\"\n\
                      sentence = ['\\bcompletion code 7\\b']\n";

fn program() -> Program {
    let program = Program::new();
    fs::write(program.path("config/acewatch/config.toml"), OFFICE).unwrap();
    program
}

/// The words of a command line; quotes keep blanks.
fn words(line: &str) -> Vec<String> {
    let parts = line.split('"').enumerate();
    parts
        .flat_map(|(n, part)| match n % 2 {
            0 => part.split_whitespace().map(str::to_owned).collect(),
            _ => vec![part.to_owned()],
        })
        .collect()
}

#[test]
fn every_example_of_the_page_about_rules_does_what_it_says() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    let text = fs::read_to_string(&page).unwrap();
    let program = program();
    let mut told = String::new();
    let mut lines = text.lines().peekable();
    let mut n_commands = 0;
    while let Some(line) = lines.next() {
        told.push_str(line);
        told.push('\n');
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        match kind.split_once(' ') {
            Some((_, file)) => {
                fs::write(program.path(file), block.join("\n") + "\n").unwrap();
                told.extend(block.iter().map(|line| format!("{line}\n")));
            }
            None => {
                for command in block.iter().filter(|line| line.starts_with("$ ")) {
                    told.push_str(&format!("{command}\n"));
                    n_commands += 1;
                    let words = words(command.trim_start_matches("$ "));
                    let arguments: Vec<&str> = words.iter().map(String::as_str).collect();
                    match arguments.as_slice() {
                        ["cp", from, to] => {
                            let to = to.replace("~/.config", "config");
                            fs::copy(program.path(from), program.path(&to)).unwrap();
                        }
                        ["acewatch", arguments @ ..] => {
                            let ended = program.run(arguments);
                            assert_eq!(ended.code, Some(0), "{command}: {ended:#?}");
                            let home = program.path("").display().to_string();
                            let config = format!("{home}config");
                            let out = ended.stdout.replace(&config, "~/.config");
                            told.push_str(out.trim_end());
                            told.push('\n');
                        }
                        other => panic!("{other:?} is no command of this page"),
                    }
                }
            }
        }
        told.push_str("```\n");
    }
    if std::env::var_os("ACEWATCH_DOCS").is_some() {
        fs::write(&page, &told).unwrap();
    }
    assert_eq!(text, told);
    assert!(10 <= n_commands);
}

/// Acme has sent its application; mails of CBP's come in from `texts`, one a day from 5 May on.
fn office(texts: &[&str]) -> Program {
    let program = program();
    let mails = program.path("mails");
    for folder in ["Sent", "INBOX"] {
        fs::create_dir_all(mails.join(folder)).unwrap();
    }
    let at = |day: usize| format!("2026-05-{day:02}T15:00:00Z").parse().unwrap();
    fs::write(mails.join("Sent/1.eml"), submission(ACME, at(4))).unwrap();
    for (n, text) in texts.iter().enumerate() {
        let mail = from_cbp(
            "RE: ACE Account Application - Acme Imports LLC - 12-345678900",
            text,
            &format!("mail-{n}@cbp.dhs.gov"),
            "none@broker.example",
            at(5 + n),
        );
        fs::write(mails.join(format!("INBOX/{n}.eml")), mail).unwrap();
    }
    program.ok(&["import", "mails", "--at", NOW]);
    program
}

fn install(program: &Program, rules: &str) {
    fs::write(program.path("config/acewatch/rules.toml"), rules).unwrap();
}

/// The first application as `show --json` has it.
fn shown(program: &Program) -> Value {
    program.json(&["show", "--json", "1", "--at", NOW])
}

fn kinds(application: &Value) -> Vec<String> {
    let events = application["events"].as_array().unwrap().iter();
    events.map(|event| format!("{}/{}", event["kind"], event["source"]).replace('"', "")).collect()
}

#[test]
fn a_replay_takes_the_old_event_back_and_enters_the_new_one_once() {
    let program = office(&["Completion code 7."]);
    assert_eq!(shown(&program)["stage"], "replied");
    assert_eq!(program.json(&["status", "--json", "--at", NOW])["counts"]["unrecognised"], 1);
    let overview = program.ok(&["status", "--at", NOW]);
    assert!(overview.contains("1 mail from CBP not recognised"), "{overview}");
    install(&program, CODE_7);

    let preview = program.json(&["rules", "replay", "--json", "--at", NOW]);
    assert_eq!(preview["applied"], false);
    assert_eq!(preview["read"], 2);
    assert_eq!(preview["changes"][0]["before"]["kind"], "reply");
    assert_eq!(preview["changes"][0]["after"]["kind"], "approval");
    assert_eq!(preview["changes"][0]["after"]["application"], 1);
    assert_eq!(shown(&program)["stage"], "replied", "a preview changes nothing");

    let told = |kind: &str| {
        let database = rusqlite::Connection::open(program.database()).unwrap();
        let sql = "SELECT count(*) FROM alerts
                   WHERE kind = ?1 AND delivered_at IS NULL AND withdrawn_at IS NULL";
        database.query_row(sql, [kind], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!(told("reply"), 1);
    program.ok(&["rules", "replay", "--apply", "--at", NOW]);
    let application = shown(&program);
    assert_eq!(application["stage"], "approved");
    assert_eq!(
        kinds(&application),
        ["submitted/message", "reply/message", "undone/rules", "approved/message"]
    );
    let history = program.ok(&["show", "1", "--at", NOW]);
    assert!(history.contains("taken back: rules read again: reply → approval"), "{history}");
    assert_eq!(program.status()["counts"]["unrecognised"], 0);
    // The notice of the reply, which nobody has seen, goes; none of the old approval comes.
    assert_eq!((told("reply"), told("approval")), (0, 0));

    let again = program.json(&["rules", "replay", "--apply", "--json", "--at", NOW]);
    assert_eq!(again["changes"], serde_json::json!([]));
    assert_eq!(kinds(&shown(&program)), kinds(&application));
}

#[test]
fn what_a_person_decided_outranks_the_rules() {
    let decide: [(&[&str], &str); 3] = [
        (&["review", "undo", "2"], "submitted"),
        (&["review", "accept", "2"], "replied"),
        (&["review", "assign", "2", "1"], "replied"),
    ];
    for (decision, stage) in decide {
        let program = office(&["Completion code 7."]);
        program.ok(&[decision, &["--at", NOW]].concat());
        let counts = program.json(&["status", "--json", "--at", NOW])["counts"].clone();
        assert_eq!(counts["unrecognised"], i64::from(decision[1] == "undo"), "{decision:?}");
        install(&program, CODE_7);
        let replayed = program.json(&["rules", "replay", "--apply", "--json", "--at", NOW]);
        assert_eq!(replayed["changes"], serde_json::json!([]), "{decision:?}");
        assert_eq!(replayed["decided_by_a_person"], serde_json::json!([2]), "{decision:?}");
        assert_eq!(shown(&program)["stage"], stage, "{decision:?}");
    }
}

#[test]
fn a_mail_that_turns_out_to_be_a_code_is_forgotten() {
    let program = office(&["Kindly type in the string zeta 4471 where asked."]);
    let rule = "[[rule]]\nid = \"code.string\"\nkind = \"verification_code\"\n\
                sentence = ['type in the string']\n";
    install(&program, rule);
    program.ok(&["rules", "replay", "--apply", "--at", NOW]);
    let database = rusqlite::Connection::open(program.database()).unwrap();
    let kept: (Option<Vec<u8>>, String) = database
        .query_row("SELECT raw, subject FROM messages WHERE id = 2", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    assert_eq!(kept, (None, "(a code; not kept)".to_owned()));
}

#[test]
fn mails_are_kept_without_files_and_what_is_not_kept_is_counted() {
    let count = |program: &Program, sql: &str| -> i64 {
        let database = rusqlite::Connection::open(program.database()).unwrap();
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    const KEPT: &str = "SELECT count(*) FROM messages WHERE raw IS NOT NULL";
    let program = office(&["Completion code 7."]);
    assert_eq!(count(&program, KEPT), 2);
    const FILES: &str = "SELECT count(*) FROM messages WHERE instr(raw, 'JVBERi0')";
    assert_eq!(count(&program, FILES), 0);
    // Who only asks how things will stand forgets nothing.
    program.ok(&["import", "mails", "--at", "2029-06-19T18:00:00Z"]);
    assert_eq!(count(&program, KEPT), 2);
    let database = rusqlite::Connection::open(program.database()).unwrap();
    database.execute("UPDATE messages SET raw = NULL", []).unwrap();
    let replayed = program.json(&["rules", "replay", "--json", "--at", NOW]);
    assert_eq!((&replayed["read"], &replayed["not_kept"]), (&0.into(), &1.into()));
}

#[test]
fn a_test_fails_where_a_mail_is_not_of_the_kind_expected() {
    let program = office(&["Completion code 7."]);
    fs::write(program.path("mine.toml"), CODE_7).unwrap();
    let test = |arguments: &[&str]| program.run(&[&["rules", "test"], arguments].concat()).code;
    assert_eq!(test(&["2", "--expect", "approval"]), Some(1));
    assert_eq!(test(&["2", "--expect", "approval", "--rules", "mine.toml"]), Some(0));
    assert_eq!(test(&["mails/INBOX", "--expect", "approval", "--rules", "mine.toml"]), Some(0));
    assert_eq!(test(&["2", "--expect", "consent"]), Some(2));
    assert_eq!(test(&["2", "--rules", "missing.toml"]), Some(2));
    assert_eq!(test(&["99"]), Some(1));
    let tried = program.json(&["rules", "test", "--json", "--rules", "mine.toml", "mails"]);
    assert_eq!(tried["schema"], "acewatch.rules_test/1");
    assert_eq!(
        tried["counts"],
        serde_json::json!({ "mails": 2, "unrecognised": 0, "differ": 1, "unexpected": 0 })
    );
    let mail = &tried["mails"][1];
    assert_eq!(mail["decision"]["rule"], "approval.code-7");
    assert_eq!(mail["origin"], "user");
    assert_eq!(mail["built_in"]["kind"], "reply");
    assert_eq!(mail["differs"], true);
}

#[test]
fn a_rule_that_an_update_left_behind_is_told_and_ends_nothing() {
    let program = office(&[]);
    install(&program, "[[rule]]\nid = \"mine\"\nkind = \"approval\"\nfound = [\"gone\"]\n");
    let ended = program.run(&["import", "mails", "--at", NOW]);
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("rule `mine`: there is no finding `gone`"), "{ended:#?}");
}
