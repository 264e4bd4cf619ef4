//! The manners of large providers, and answers that break the protocol, from a scripted server.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::support::mail::{ACME, Importer, JUNIPER, PELICAN, approval, submission};
use crate::support::now;
use crate::support::program::{Program, fact};
use crate::support::provider::{Mailbox, Provider, Reply, contains, fetched};

const INBOX: [(&str, &str); 1] = [("INBOX", "")];

const GMAIL: [(&str, &str); 5] = [
    ("INBOX", "\\HasNoChildren"),
    ("[Gmail]", "\\HasChildren \\Noselect"),
    ("[Gmail]/All Mail", "\\All \\HasNoChildren"),
    ("[Gmail]/Sent Mail", "\\HasNoChildren \\Sent"),
    ("[Gmail]/Spam", "\\HasNoChildren \\Junk"),
];

const MICROSOFT: [(&str, &str); 4] = [
    ("INBOX", "\\Marked \\HasNoChildren"),
    ("Junk Email", "\\HasNoChildren"),
    ("Sent Items", "\\HasNoChildren"),
    ("Sync Issues", "\\HasChildren"),
];

fn program_watching(provider: &Provider) -> Program {
    let program = Program::new();
    program.configure_scaled("1h", &provider.table("office"));
    for importer in [ACME, JUNIPER, PELICAN] {
        program.add(importer);
    }
    program
}

/// Returns what `status --json` has of a mailbox.
fn mailbox<'a>(status: &'a Value, name: &str) -> &'a Value {
    let mailboxes = status["watch"]["mailboxes"].as_array().unwrap();
    mailboxes.iter().find(|mailbox| mailbox["name"] == name).unwrap()
}

fn is_watched(status: &Value) -> bool {
    let office = mailbox(status, "office");
    office["state"] == "watching" && office["error"].is_null()
}

#[track_caller]
fn is_seen(program: &Program, importer: Importer) {
    program.until("the approval is seen", |status| fact(status, importer, "stage") == "approved");
}

/// Returns how many mails `status` says could not be read.
fn n_unreadable(status: &Value) -> u64 {
    status["counts"]["unreadable_mails"].as_u64().unwrap()
}

/// Answers the first `times` commands that begin with `command` by `reply`.
fn first(
    times: usize,
    command: &'static str,
    reply: Reply,
) -> impl FnMut(&str) -> Option<Reply> + Send {
    let mut left = times;
    move |given| {
        (given.starts_with(command) && 0 < left).then(|| {
            left -= 1;
            reply.clone()
        })
    }
}

fn say(text: &str) -> Reply {
    Reply::Say(text.to_owned())
}

fn hang_up(text: &str) -> Reply {
    Reply::HangUp(text.to_owned())
}

#[test]
fn the_folders_of_gmail_and_of_microsoft_are_found() {
    for (folders, sent, junk) in [
        (GMAIL.as_slice(), "[Gmail]/Sent Mail", "[Gmail]/Spam"),
        (MICROSOFT.as_slice(), "Sent Items", "Junk Email"),
    ] {
        let mut mails = Mailbox::with(folders);
        mails.capabilities = "IMAP4rev1 IDLE SPECIAL-USE X-GM-EXT-1 ID UIDPLUS";
        mails.put(sent, submission(ACME, now()));
        mails.put(junk, approval(ACME, now()));
        mails.put("INBOX", approval(JUNIPER, now()));
        let provider = Provider::ordinary(mails);
        let program = Program::new();
        program.configure_scaled("1h", &provider.table("office"));
        program.add(JUNIPER);
        program.ok(&["check"]);
        // The submission in Sent registers its application.
        assert_eq!(program.fact(ACME, "stage"), "approved", "{folders:?}");
        assert_eq!(program.fact(JUNIPER, "stage"), "approved", "{folders:?}");
    }
}

/// Answers that a provider gives once to a command, one mailbox for each: what is then said of the
/// mailbox, and that all is well afterwards.
#[track_caller]
fn check(cases: &[(&'static str, Reply, &str)]) {
    let servers: Vec<Provider> = cases
        .iter()
        .map(|(command, reply, _)| {
            let mut mails = Mailbox::with(&INBOX);
            mails.put("INBOX", approval(ACME, now()));
            Provider::start(mails, first(1, command, reply.clone()))
        })
        .collect();
    let tables: Vec<String> =
        servers.iter().enumerate().map(|(nth, server)| server.table(&format!("m{nth}"))).collect();
    let program = Program::new();
    program.configure_scaled("1h", &tables.concat());
    program.add(ACME);
    let daemon = program.daemon();
    let start = std::time::Instant::now();
    program.until("all is well in the end", |status| {
        status["watch"]["mailboxes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|mailbox| mailbox["error"].is_null() && mailbox["last_complete_check"].is_string())
    });
    eprintln!("measured: {} recovered after {:.1} s", cases[0].2, start.elapsed().as_secs_f64());
    assert_eq!(program.fact(ACME, "stage"), "approved");
    let log = daemon.log();
    for (nth, (_, _, expected)) in cases.iter().enumerate() {
        let name = format!("mailbox=\"m{nth}\"");
        let is_said = |line: &str| line.contains(&name) && line.contains(expected);
        assert!(log.lines().any(is_said), "{expected} is not said of m{nth}");
    }
    for server in &servers {
        // A step that never ends may have been the login itself.
        assert!(server.n_logins() <= 2);
    }
}

#[test]
fn a_provider_that_asks_for_patience_gets_it_and_is_not_taken_for_a_wrong_password() {
    let words = [
        "[ALERT] Too many simultaneous connections. (Failure)",
        "[OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)",
        "[LIMIT] LOGIN Rate limit hit",
        "[UNAVAILABLE] Temporary authentication failure",
        "[SERVERBUG] LOGIN Server error - Please try again later",
        "[INUSE] LOGIN mailbox in use",
    ];
    let cases = words
        .map(|words| ("LOGIN", Reply::Say(format!("@ NO {words}\r\n")), "asks to be left alone"));
    check(&cases);
}

#[test]
fn microsoft_s_refusals_are_said_for_what_they_are() {
    check(&[
        (
            "EXAMINE",
            say("@ BAD User is authenticated but not connected.\r\n"),
            "gives no access to the mailbox",
        ),
        ("LOGIN", say("@ NO AUTHENTICATE failed.\r\n"), "refused the login"),
    ]);
}

#[test]
fn a_step_that_is_never_answered_is_given_up_and_done_again() {
    check(&[
        ("GREETING", Reply::Silence, "no answer to the connection for 2 s"),
        ("LOGIN", Reply::Silence, "no answer to the login for 2 s"),
        ("LIST", Reply::Silence, "no answer to LIST for 2 s"),
        ("UID FETCH", Reply::Silence, "no answer to FETCH for 2 s"),
        ("EXAMINE", Reply::Drip(Duration::from_millis(100)), "no answer to EXAMINE for 2 s"),
    ]);
}

#[test]
fn an_idle_whose_end_is_never_answered_is_given_up() {
    let provider = Provider::start(Mailbox::with(&INBOX), first(1, "DONE", Reply::Silence));
    let program = program_watching(&provider);
    let daemon = program.daemon();
    crate::support::until("the silence after DONE is noticed", || {
        match daemon.log().contains("no answer to DONE for 1 s") {
            true => Ok(()),
            false => Err(daemon.log()),
        }
    });
    provider.change(|mails| mails.put("INBOX", approval(ACME, now())));
    is_seen(&program, ACME);
}

#[test]
fn a_provider_that_ends_an_idle_is_called_again_and_no_mail_is_lost() {
    let provider = Provider::ordinary(Mailbox::with(&INBOX));
    let program = program_watching(&provider);
    let _daemon = program.daemon();
    program.until("the mailbox is watched", is_watched);
    for (words, importer) in [
        ("* BYE Session expired, please login again.\r\n", ACME),
        ("* BYE Connection is closed. 13\r\n", JUNIPER),
        ("", PELICAN),
    ] {
        provider.change(|mails| mails.is_mute = true);
        provider.say_in_idle(hang_up(words));
        provider.change(|mails| mails.put("INBOX", approval(importer, now())));
        is_seen(&program, importer);
        provider.change(|mails| mails.is_mute = false);
    }
    assert_eq!(provider.n_logins(), 4);
}

#[test]
fn a_farewell_that_is_never_answered_delays_a_check_by_no_more_than_its_limit() {
    let provider = Provider::start(Mailbox::with(&INBOX), first(1, "LOGOUT", Reply::Silence));
    let program = program_watching(&provider);
    let start = std::time::Instant::now();
    program.ok(&["check"]);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn push_that_tells_of_nothing_is_found_out_by_the_poll_and_said() {
    let mut mails = Mailbox::with(&INBOX);
    mails.is_mute = true;
    let provider = Provider::ordinary(mails);
    let program = program_watching(&provider);
    let _daemon = program.daemon();
    program.until("push is trusted", |status| mailbox(status, "office")["mode"] == "push");
    // Once may be chance: a mail that came just while an IDLE was renewed. So may one that came while
    // the machine had other things to do, and more of them follow.
    let is_polled = |status: &Value| mailbox(status, "office")["mode"] == "poll";
    for nth in 1..=20 {
        let mail = approval(ACME, now()).replace("Subject: ", &format!("Subject: {nth} "));
        provider.change(|mails| mails.put("INBOX", mail));
        let status = program
            .until("the mail is seen", |status| is_polled(status) || n_mails(&program) == nth);
        if is_polled(&status) {
            return;
        }
    }
    panic!("push is still trusted");
}

#[test]
fn uids_that_go_back_or_begin_anew_or_are_not_told_cost_no_mail_and_no_repeat() {
    let mut mails = Mailbox::with(&INBOX);
    mails.mails.insert("INBOX", vec![(40, approval(ACME, now()))]);
    let acme = mails.mails["INBOX"][0].1.clone();
    let provider = Provider::ordinary(mails);
    let program = program_watching(&provider);
    let _daemon = program.daemon();
    is_seen(&program, ACME);
    let history = program.json(&["show", "--json", ACME.number])["events"].clone();

    // A restored backup: the same UIDVALIDITY, lower UIDs.
    provider.change(|mails| {
        mails.mails.insert("INBOX", vec![(1, acme.clone()), (2, approval(JUNIPER, now()))]);
    });
    is_seen(&program, JUNIPER);
    // The folder was made anew, UIDs are given out again, and UIDNEXT is not told.
    provider.change(|mails| {
        mails.uid_validity = 8;
        mails.uid_next = Some(0);
        mails.mails.insert("INBOX", vec![(1, acme), (2, approval(PELICAN, now()))]);
    });
    is_seen(&program, PELICAN);
    assert_eq!(program.json(&["show", "--json", ACME.number])["events"], history);
}

#[test]
fn answers_without_measure_cost_only_their_own_mailbox() {
    let ordinary = Provider::ordinary(Mailbox::with(&INBOX));
    let mut with_mail = Mailbox::with(&INBOX);
    with_mail.put("INBOX", approval(JUNIPER, now()));
    let bad: Vec<(&str, Provider, &str)> = [
        (
            "huge-literal",
            "UID FETCH",
            say("* 1 FETCH (UID 1 BODY[] {4294967296}\r\nabc"),
            "a literal of 4294967296 octets was announced",
        ),
        ("endless-line", "EXAMINE", Reply::Flood("* OK endless ", 300 << 20), "a line without end"),
        ("storm", "EXAMINE", Reply::Flood("* 5 EXISTS\r\n", 300 << 20), "it does not end"),
        (
            "drip",
            "EXAMINE",
            Reply::Drip(Duration::from_millis(200)),
            "no answer to EXAMINE for 2 s",
        ),
        ("hang-up", "EXAMINE", hang_up(""), "the connection ended during EXAMINE"),
    ]
    .into_iter()
    .map(|(name, command, reply, expected)| {
        (name, Provider::start(with_mail.clone(), first(1, command, reply)), expected)
    })
    .collect();
    let uids: Vec<String> = (1..=200_000).map(|uid: u32| uid.to_string()).collect();
    let many = Reply::Say(format!("* SEARCH {}\r\n@ OK done\r\n", uids.join(" ")));
    let many = Provider::start(with_mail, first(usize::MAX, "UID SEARCH", many));

    let program = Program::new();
    let mut tables: Vec<String> = bad.iter().map(|(name, server, _)| server.table(name)).collect();
    tables.extend([ordinary.table("office"), many.table("many")]);
    program.configure_scaled("1h", &tables.concat());
    program.add(ACME);
    program.add(JUNIPER);
    let daemon = program.daemon();
    program.until("the other mailbox is watched", is_watched);
    ordinary.change(|mails| mails.put("INBOX", approval(ACME, now())));
    let start = std::time::Instant::now();
    is_seen(&program, ACME);
    // Of the poll interval it would be an hour.
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    for (name, _, expected) in &bad {
        crate::support::until(&format!("{expected} is said of {name}"), || {
            let name = format!("mailbox=\"{name}\"");
            let log = daemon.log();
            match log.lines().any(|line| line.contains(&name) && line.contains(expected)) {
                true => Ok(()),
                false => Err(log),
            }
        });
    }
    program.until("all mailboxes are read in the end", |status| {
        status["watch"]["mailboxes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|mailbox| mailbox["error"].is_null() && mailbox["last_complete_check"].is_string())
    });
    eprintln!("measured: bad servers dealt with after {:.1} s", start.elapsed().as_secs_f64());
    let peak = daemon.peak_memory();
    eprintln!("measured: peak memory beside bad servers: {peak} MB");
    assert!(peak < 150, "{peak} MB");
}

#[test]
fn a_server_that_takes_the_login_and_hangs_up_is_not_called_without_end() {
    let provider =
        Provider::start(Mailbox::with(&INBOX), first(usize::MAX, "EXAMINE", hang_up("")));
    let program = program_watching(&provider);
    let config = program.path("config/acewatch/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(config, text.replace("backoff-max = \"1s\"", "backoff-max = \"100ms\""))
        .unwrap();
    let daemon = program.daemon();
    crate::support::until("the daemon holds back", || {
        match daemon.log().contains("so many logins in so short a time") {
            true => Ok(()),
            false => Err(daemon.log()),
        }
    });
    assert_eq!(provider.n_logins(), 20);
}

/// Fifty mails, of which the one with UID 20 cannot be had as long as the switch is on; the 49
/// others are of no interest but for the last.
fn fifty() -> Mailbox {
    let mut mails = Mailbox::with(&INBOX);
    for nth in 1..=50 {
        let text = match nth {
            20 => approval(ACME, now()),
            50 => approval(JUNIPER, now()),
            nth => approval(PELICAN, now()).replace("Subject: ", &format!("Subject: {nth} ")),
        };
        mails.put("INBOX", text);
    }
    mails
}

/// A server that answers a FETCH of UID 20 by `reply` as long as `is_bad` is 1.
fn with_one_bad_mail(
    is_bad: &Arc<AtomicUsize>,
    mut reply: impl FnMut(&str) -> Option<Reply> + Send + 'static,
) -> Provider {
    let is_bad = Arc::clone(is_bad);
    Provider::start(fifty(), move |command| {
        let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
        (is_bad.load(Ordering::Relaxed) == 1 && contains(set, 20)).then(|| reply(command)).flatten()
    })
}

/// One bad mail of fifty: the others are recorded, it is counted, tried again, and counted no more
/// once it can be read.
#[track_caller]
fn check_one_bad_mail(reply: impl FnMut(&str) -> Option<Reply> + Send + 'static) {
    let is_bad = Arc::new(AtomicUsize::new(1));
    let provider = with_one_bad_mail(&is_bad, reply);
    let program = program_watching(&provider);
    let _daemon = program.daemon();
    is_seen(&program, JUNIPER);
    let status = program.until("the bad mail is counted", |status| n_unreadable(status) == 1);
    assert_eq!(fact(&status, ACME, "stage"), "submitted");
    let status = program.until("the mailbox is watched all the same", is_watched);
    // The bad mail may be the answer, so all is not well.
    assert_eq!(status["watch"]["state"], "degraded");
    assert_eq!(n_mails(&program), 49);

    is_bad.store(0, Ordering::Relaxed);
    is_seen(&program, ACME);
    let status =
        program.until("no mail is counted as unreadable", |status| n_unreadable(status) == 0);
    assert_eq!(status["watch"]["state"], "watching");
    assert_eq!(n_mails(&program), 50);
}

fn n_mails(program: &Program) -> i64 {
    let database = rusqlite::Connection::open(program.database()).unwrap();
    database.query_row("SELECT count(*) FROM messages", [], |row| row.get(0)).unwrap()
}

#[test]
fn one_malformed_answer_of_fifty_costs_one_mail_until_it_can_be_read() {
    let mails = fifty();
    check_one_bad_mail(move |command| {
        let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
        let mut answer = String::new();
        for (nth, (uid, text)) in mails.mails["INBOX"].iter().enumerate() {
            match *uid {
                20 if command.contains("HEADER") => answer.push_str("* 20 FETCH (BODY[ oops\r\n"),
                uid if contains(set, uid) => answer += &fetched(nth + 1, uid, text, command),
                _ => {}
            }
        }
        Some(Reply::Say(answer + "@ OK done\r\n"))
    });
}

#[test]
fn one_refused_mail_of_fifty_costs_one_mail_until_it_can_be_read() {
    check_one_bad_mail(|_| Some(say("@ NO [SERVERBUG] Internal error occurred\r\n")));
}

/// Answers a FETCH without the mail that has UID 20.
fn without_it(command: &str) -> Option<Reply> {
    let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
    let mut answer = String::new();
    for (nth, (uid, text)) in fifty().mails["INBOX"].iter().enumerate() {
        if contains(set, *uid) && *uid != 20 {
            answer += &fetched(nth + 1, *uid, text, command);
        }
    }
    Some(Reply::Say(answer + "@ OK done\r\n"))
}

#[test]
fn a_mail_whose_header_the_server_leaves_out_is_not_taken_for_deleted() {
    check_one_bad_mail(without_it);
}

#[test]
fn a_mail_that_the_server_leaves_out_is_not_taken_for_deleted() {
    check_one_bad_mail(|command| without_it(command).filter(|_| !command.contains("HEADER")));
}

#[test]
fn a_mail_that_ends_every_connection_is_singled_out_and_passed_over() {
    check_one_bad_mail(|command| {
        // The header can be had.
        (!command.contains("HEADER")).then(|| hang_up(""))
    });
}

#[test]
fn a_header_that_ends_every_connection_is_singled_out_and_passed_over() {
    check_one_bad_mail(|_| Some(hang_up("")));
}

#[test]
fn a_mail_for_which_the_server_always_asks_for_patience_is_passed_over_in_the_end() {
    check_one_bad_mail(|_| Some(say("@ NO [UNAVAILABLE] Try again later\r\n")));
}

#[test]
fn a_check_that_needs_several_connections_proves_all_of_the_look_back() {
    let mut mails = Mailbox::with(&[("INBOX", ""), ("Junk", "\\Junk")]);
    mails.put("INBOX", approval(ACME, now()));
    mails.put("Junk", approval(JUNIPER, now()));
    let mut is_junk = false;
    let provider = Provider::start(mails, move |command| {
        if command.starts_with("EXAMINE") {
            is_junk = command.contains("Junk");
        }
        (is_junk && command.starts_with("UID FETCH")).then(|| hang_up(""))
    });
    let program = program_watching(&provider);
    program.ok(&["check"]);
    assert_eq!(n_unreadable(&program.status()), 1);
    let database = rusqlite::Connection::open(program.database()).unwrap();
    let days: i64 = database
        .query_row("SELECT min(until_at - from_at) / 86400 FROM coverage", [], |row| row.get(0))
        .unwrap();
    assert!(30 < days, "{days}");
}

#[test]
fn a_check_whose_connection_died_does_not_repeat_a_login_that_is_refused() {
    let mut mails = Mailbox::with(&INBOX);
    mails.put("INBOX", approval(ACME, now()));
    let mut is_dead = false;
    let provider = Provider::start(mails, move |command| {
        if command.starts_with("UID FETCH") {
            is_dead = true;
            return Some(hang_up(""));
        }
        (is_dead && command.starts_with("LOGIN"))
            .then(|| say("@ NO [AUTHENTICATIONFAILED] Invalid credentials\r\n"))
    });
    let program = program_watching(&provider);
    assert_ne!(program.run(&["check"]).code, Some(0));
    assert_eq!(provider.n_logins(), 2);
}

#[test]
fn many_scattered_mails_that_the_server_refuses_do_not_hide_the_others() {
    let mut mails = Mailbox::with(&INBOX);
    for nth in 1..=400 {
        let text = approval(if nth == 400 { ACME } else { PELICAN }, now());
        mails.put("INBOX", text.replace("Subject: ", &format!("Subject: {nth} ")));
    }
    let provider = Provider::start(mails, |command| {
        let set = command.strip_prefix("UID FETCH ")?.split(' ').next()?;
        let is_bad = |uid: &u32| uid.is_multiple_of(3) && contains(set, *uid);
        (1..=400).any(|uid| is_bad(&uid)).then(|| say("@ NO [SERVERBUG] Some cannot be read\r\n"))
    });
    let program = program_watching(&provider);
    program.ok(&["check"]);
    let status = program.status();
    assert_eq!(fact(&status, ACME, "stage"), "approved");
    assert_eq!((n_unreadable(&status), n_mails(&program)), (133, 267));
}

#[test]
fn a_junk_folder_that_the_provider_makes_later_is_read() {
    let provider = Provider::ordinary(Mailbox::with(&INBOX));
    let program = program_watching(&provider);
    let _daemon = program.daemon();
    program.until("the mailbox is watched", is_watched);
    provider.change(|mails| {
        mails.folders.push(("Junk", "\\Junk"));
        mails.put("Junk", approval(ACME, now()));
    });
    is_seen(&program, ACME);
    assert_eq!(provider.n_logins(), 1);
}

#[test]
fn a_check_singles_a_deadly_mail_out_by_itself() {
    let is_bad = Arc::new(AtomicUsize::new(1));
    let provider = with_one_bad_mail(&is_bad, |_| Some(hang_up("")));
    let program = program_watching(&provider);
    program.ok(&["check"]);
    let status = program.status();
    assert_eq!(fact(&status, JUNIPER, "stage"), "approved");
    assert_eq!(n_unreadable(&status), 1);
}
