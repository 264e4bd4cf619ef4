//! OAuth 2.0 against a provider on this machine and a Dovecot that asks it about each token.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::desktop::Desktop;
use crate::support::dovecot::{Dovecot, USER};
use crate::support::keyring::Keyring;
use crate::support::oauth::{Provider, browse, go};
use crate::support::program::{Daemon, Program};
use crate::support::{mail, scratch, until};

const BOTH: &str = "oauthbearer xoauth2";

/// A mail server, its provider, and a home that is configured for both.
struct World {
    provider: Provider,
    server: Dovecot,
    program: Program,
}

impl World {
    fn new(mechanisms: &'static str) -> World {
        World::of(Program::new(), mechanisms, "store = \"file\"")
    }

    fn of(program: Program, mechanisms: &'static str, more: &str) -> World {
        let provider = Provider::start();
        let server = Dovecot::asking(provider.port, mechanisms);
        let world = World { provider, server, program };
        world.configure("1h", more);
        world
    }

    fn configure(&self, poll: &str, more: &str) {
        let mailbox = format!(
            r#"
            [[mailbox]]
            name = "office"
            host = "localhost"
            port = {}
            ca-file = "{}"
            user = "{USER}"
            poll-interval = "{poll}"
            {}
            "#,
            self.server.imaps_port,
            self.server.ca_file().display(),
            self.provider.table(more),
        );
        self.program.configure_scaled("1h", &mailbox);
    }

    /// Signs in as a person with a browser does; returns the page at the end, and what was said.
    fn sign_in(&self) -> (String, Option<i32>, String) {
        let begun = self.program.begin(&["sign-in", "--no-open", "--browser"]);
        let page = browse(&address(&begun));
        let log = self.program.path("begun.log");
        let code = begun.end().code();
        let said = fs::read_to_string(log).unwrap()
            + &fs::read_to_string(self.program.path("begun.out")).unwrap();
        (page, code, said)
    }

    #[track_caller]
    fn signed_in(&self) {
        let (_, code, said) = self.sign_in();
        assert_eq!(code, Some(0), "{said}");
    }

    /// How the sign-in stands, as `status --json` has it.
    fn oauth(&self) -> Value {
        self.program.status()["watch"]["mailboxes"][0]["oauth"].clone()
    }

    /// Panics where anything that is left behind in the clear has a token.
    fn nothing_is_told(&self) {
        let mut seen = self.program.run(&["status"]).stdout;
        for entry in files(&self.program.path("")) {
            seen.push_str(&String::from_utf8_lossy(&fs::read(entry).unwrap()));
        }
        // The client's secret stands in the configuration, where the user wrote it.
        self.provider.is_silent(&seen.replace("hunter2-shared", ""));
    }
}

/// The address that a command shows.
fn address(begun: &Daemon) -> String {
    until("the address is shown", || {
        let log = begun.log();
        let found = log.lines().map(str::trim).find(|line| line.starts_with("http://"));
        found.map(str::to_owned).ok_or(log.clone())
    })
}

#[test]
fn init_has_a_person_sign_in_and_looks_at_the_mailbox() {
    let world = World::new(BOTH);
    let at = crate::support::now();
    world.server.deliver_at("Sent", &mail::submission(mail::ACME, at), at);
    let mut terminal = world.program.at_a_terminal(&["init", "--no-service"]);
    terminal.answer("Number [1]:", "1");
    terminal.answer("Keep it so? [Y/n]", "y");
    let said = terminal.read_to("Waiting for it");
    let url = said.lines().map(str::trim).find(|line| line.starts_with("http://"));
    let page = browse(url.unwrap_or_else(|| panic!("no address: {said}")));
    assert!(page.contains("Signed in"), "{page}");
    let (code, screen) = terminal.end();
    assert_eq!(code, Some(0), "{screen}");
    assert!(screen.contains(&format!("Logged in to localhost as {USER}.")), "{screen}");
    assert!(screen.contains("The last 60 days: 1 submission; 1 application."), "{screen}");
    assert!(world.oauth()["renewed_at"].is_string(), "{:#}", world.oauth());
    // Where nobody could sign in it says which command does.
    world.program.ok(&["sign-in", "--forget"]);
    let nobody = world.program.run(&["init", "--yes"]);
    assert_eq!(nobody.code, Some(0), "{nobody:#?}");
    assert!(nobody.stdout.contains("`acewatch sign-in office` does it"), "{nobody:#?}");
    let file = world.program.path("config/acewatch/config.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace("\"office\"", "\"the office\"")).unwrap();
    let nobody = world.program.run(&["init", "--yes"]);
    assert!(nobody.stdout.contains("`acewatch sign-in 'the office'` does it"), "{nobody:#?}");
    world.nothing_is_told();
}

fn files(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

fn alerts(world: &World) -> String {
    let db = rusqlite::Connection::open(world.program.database()).unwrap();
    let mut statement = db
        .prepare("SELECT kind || CASE WHEN settled_at IS NULL AND withdrawn_at IS NULL THEN '' ELSE ' over' END FROM alerts ORDER BY id")
        .unwrap();
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
    rows.collect::<Result<Vec<_>, _>>().unwrap().join(", ")
}

#[test]
fn a_sign_in_in_the_browser_lets_a_check_read_by_either_mechanism() {
    for mechanisms in [BOTH, "oauthbearer", "xoauth2"] {
        let world = World::new(mechanisms);
        let before = world.program.run(&["check"]);
        assert_eq!(before.code, Some(1));
        let said = "nobody is signed in to the mailbox office";
        assert!(before.stderr.contains(said), "{before:?}");
        assert!(before.stderr.contains("hint: `acewatch sign-in office`"), "{before:?}");

        let (page, code, said) = world.sign_in();
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("signed in: localhost lets {USER} in")), "{said}");
        assert!(page.contains("<h1>Signed in</h1>"), "{page}");
        world.provider.is_silent(&page);

        world.server.deliver("INBOX", &mail::approval(mail::ACME, crate::support::now()));
        world.program.add(mail::ACME);
        let read = world.program.run(&["check"]);
        assert_eq!(read.code, Some(0), "{mechanisms}: {read:?}");
        assert!(read.stdout.contains("1 recorded"), "{read:?}");
        let oauth = world.oauth();
        assert!(oauth["renewed_at"].is_string() && oauth["needed_since"].is_null(), "{oauth}");
        let expected =
            if mechanisms == "xoauth2" { "method=XOAUTH2" } else { "method=OAUTHBEARER" };
        assert!(world.server.log().contains(expected), "{}", world.server.log());
        // Each check renews, and stores the new refresh token.
        assert_eq!(world.program.run(&["check"]).code, Some(0));
        assert_eq!(world.provider.n_refreshed(), 2);
        world.nothing_is_told();
    }
}

#[test]
fn a_forged_answer_is_turned_away_and_the_sign_in_goes_on() {
    let world = World::new(BOTH);
    let begun = world.program.begin(&["sign-in", "--no-open"]);
    let to = go(&address(&begun)).1.unwrap();
    let (base, state) = to.rsplit_once("&state=").unwrap();
    let (forged, _) = go(&format!("{base}&state=x{state}"));
    assert!(forged.contains("<h1>Not signed in</h1>"), "{forged}");
    assert!(go(&to).0.contains("<h1>Signed in</h1>"));
    assert_eq!(begun.end().code(), Some(0));
}

#[test]
fn another_account_takes_the_place_of_no_good_one() {
    let world = World::new(BOTH);
    world.signed_in();
    world.provider.plan(|plan| plan.who = "eve@broker.example");
    let (page, code, said) = world.sign_in();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another account may have signed in"), "{said}");
    assert!(page.contains("<h1>Not signed in</h1>"), "{page}");
    world.provider.plan(|plan| plan.names = true);
    let (_, code, said) = world.sign_in();
    assert_eq!(code, Some(1), "{said}");
    let other = format!("you signed in as eve@broker.example, and the mailbox is that of {USER}");
    assert!(said.contains(&other), "{said}");
    world.provider.plan(|plan| plan.who = USER);
    let checked = world.program.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    world.nothing_is_told();
}

#[test]
fn a_mail_server_that_is_away_does_not_cost_a_sign_in() {
    let mut world = World::new(BOTH);
    world.server.stop();
    let signed_in = world.program.run(&["sign-in", "--device", "--json"]);
    assert_eq!(signed_in.code, Some(1), "{signed_in:?}");
    let answer: Value = serde_json::from_str(&signed_in.stdout).unwrap();
    assert_eq!(answer["login"], "failed");
    assert!(
        answer["error"].as_str().unwrap().starts_with("cannot connect to localhost"),
        "{answer}"
    );
    world.server.start_again();
    assert_eq!(world.program.run(&["check"]).code, Some(0));
}

#[test]
fn a_scope_that_is_not_given_is_named() {
    let world = World::new(BOTH);
    world.provider.plan(|plan| plan.scope = "calendar");
    let (page, code, said) = world.sign_in();
    assert_eq!(code, Some(1));
    assert!(said.contains("did not allow imap: leave its box ticked"), "{said}");
    assert!(page.contains("did not allow imap"), "{page}");
    // It may also be taken away later.
    world.provider.plan(|plan| plan.scope = "imap");
    world.signed_in();
    world.provider.plan(|plan| plan.scope = "calendar");
    let checked = world.program.run(&["check"]);
    assert_eq!(checked.code, Some(1));
    assert!(checked.stderr.contains("the server refused the login"), "{checked:?}");
    assert!(checked.stderr.contains("may not read mail"), "{checked:?}");
    // A token that is new already is not renewed once more.
    assert_eq!(world.provider.n_refreshed(), 1);
}

#[test]
fn a_code_is_asked_about_no_faster_than_the_provider_wants() {
    let world = World::new(BOTH);
    world.provider.plan(|plan| plan.device = vec!["authorization_pending", "slow_down"]);
    let signed_in = world.program.run(&["sign-in", "--device", "--json"]);
    assert_eq!(signed_in.code, Some(0), "{signed_in:?}");
    assert!(signed_in.stderr.contains("code WDJB-MJHT"), "{signed_in:?}");
    let answer: Value = serde_json::from_str(&signed_in.stdout).unwrap();
    assert_eq!((&answer["login"], &answer["kept_in"]), (&"ok".into(), &"file".into()));
    let pauses = world.provider.pauses();
    assert!(
        Duration::from_secs(1) <= pauses[0] && Duration::from_secs(6) <= pauses[1],
        "{pauses:?}"
    );
    for (refusal, expected) in [
        ("access_denied", "gave no permission: access_denied"),
        ("expired_token", "nobody signed in within"),
    ] {
        world.provider.plan(|plan| plan.device = vec![refusal]);
        let refused = world.program.run(&["sign-in", "--device"]);
        assert_eq!(refused.code, Some(1));
        assert!(refused.stderr.contains(expected), "{refused:?}");
    }
    world.nothing_is_told();
}

#[test]
fn a_sign_in_that_nobody_answers_ends_and_so_does_one_that_is_stopped() {
    let world = World::new(BOTH);
    let ended = world.program.run(&["sign-in", "--no-open", "--wait", "1s"]);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("nobody signed in within 1s"), "{ended:?}");
    // After `slow_down` the next question comes six seconds later (RFC 8628 §3.5).
    world.provider.plan(|plan| plan.device = vec!["slow_down"]);
    let begun = Instant::now();
    let ended = world.program.run(&["sign-in", "--device", "--wait", "1s"]);
    assert!(ended.stderr.contains("nobody signed in within 1s"), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    let begun = world.program.begin(&["sign-in", "--no-open"]);
    address(&begun);
    begun.signal("INT");
    assert_eq!(begun.end().code(), Some(1));
    let said = fs::read_to_string(world.program.path("begun.log")).unwrap();
    assert!(said.contains("stopped; nothing was changed"), "{said}");
}

#[test]
fn a_token_that_ends_in_idle_is_replaced_at_once_and_nobody_is_told() {
    let world = World::new(BOTH);
    world.provider.plan(|plan| (plan.life, plan.life_told) = (1, 1));
    world.signed_in();
    let daemon = world.program.daemon();
    world.program.until("it watches", |status| status["watch"]["state"] == "watching");
    until("the token has ended", || match world.provider.is_spent() {
        true => Ok(()),
        false => Err(String::new()),
    });
    let n_logins = world.server.n_logins();
    world.server.kick();
    until("it is back", || match n_logins < world.server.n_logins() {
        true => Ok(()),
        false => Err(daemon.log()),
    });
    assert!(2 <= world.provider.n_refreshed());
    world.server.deliver("INBOX", &mail::approval(mail::ACME, crate::support::now()));
    world.program.until("mail comes", |status| status["counts"]["review"] == 1);
    assert_eq!(world.program.status()["watch"]["mailboxes"][0]["error"], Value::Null);
    assert!(!daemon.log().contains("cannot read the mailbox"), "{}", daemon.log());
    assert!(!alerts(&world).contains("blind") && !alerts(&world).contains("sign_in"));
    assert!(daemon.stop().success());
    world.nothing_is_told();
}

#[test]
fn a_token_refused_before_its_time_is_renewed_once_at_once() {
    let world = World::new(BOTH);
    world.signed_in();
    let daemon = world.program.daemon();
    world.program.until("it watches", |status| status["watch"]["state"] == "watching");
    // As where the provider's clock is ahead of ours: its tokens end earlier than it says.
    world.provider.end_tokens();
    let n_logins = world.server.n_logins();
    world.server.kick();
    until("it is back", || match n_logins < world.server.n_logins() {
        true => Ok(()),
        false => Err(daemon.log()),
    });
    assert_eq!(world.provider.n_refreshed(), 2);
    assert!(!daemon.log().contains("refused"), "{}", daemon.log());
}

#[test]
fn a_permission_taken_back_is_told_once_and_a_new_sign_in_is_found_soon() {
    let world = World::new(BOTH);
    world.signed_in();
    let daemon = world.program.daemon();
    world.program.until("it watches", |status| status["watch"]["state"] == "watching");
    world.provider.take_back();
    world.server.kick();
    let status = world.program.until("it is told", |status| {
        status["watch"]["mailboxes"][0]["oauth"]["needed_since"].is_string()
    });
    let mailbox = &status["watch"]["mailboxes"][0];
    let because = "must sign in again: the provider took the permission back (invalid_grant: no [31m such grant)";
    assert_eq!(mailbox["oauth"]["reason"], because);
    let text = world.program.ok(&["status"]);
    assert!(text.contains("the provider took the permission back"), "{text}");
    assert!(text.contains("acewatch sign-in office") && !text.contains('\u{1b}'), "{text}");
    until("the alert is there", || match alerts(&world) {
        found if found == "sign_in" => Ok(()),
        found => Err(found),
    });
    let doctor = world.program.run(&["doctor", "--json"]);
    assert!(doctor.stdout.contains("acewatch sign-in office"), "{doctor:?}");
    // The provider is not asked again and again about a permission that it took back.
    let n = world.provider.n_refreshed();
    world.signed_in();
    world.program.until("it watches again", |status| {
        status["watch"]["state"] == "watching" && status["watch"]["mailboxes"][0]["error"].is_null()
    });
    assert_eq!(alerts(&world), "sign_in over");
    assert!(n < world.provider.n_refreshed());
    assert!(daemon.stop().success());
    world.nothing_is_told();
}

#[test]
fn a_permission_taken_back_is_told_while_the_connection_still_lives() {
    let world = World::new(BOTH);
    world.provider.plan(|plan| (plan.life, plan.life_told) = (3600, 2));
    world.signed_in();
    world.configure("1s", "store = \"file\"");
    let daemon = world.program.daemon();
    world.program.until("it watches", |status| status["watch"]["state"] == "watching");
    let n_logins = world.server.n_logins();
    until("it is renewed meanwhile", || match world.provider.n_refreshed() {
        2.. => Ok(()),
        n => Err(n.to_string()),
    });
    world.provider.take_back();
    let status = world.program.until("it is told", |status| {
        status["watch"]["mailboxes"][0]["oauth"]["needed_since"].is_string()
    });
    assert_eq!(status["watch"]["state"], "degraded");
    assert_eq!(status["watch"]["mailboxes"][0]["error"], Value::Null);
    assert_eq!(world.server.n_logins(), n_logins);
    assert!(daemon.stop().success());
}

#[test]
fn the_browser_is_opened_at_the_address_that_is_shown() {
    let bin = scratch();
    let opener = bin.path().join("xdg-open");
    fs::write(&opener, "#!/bin/sh\nprintf %s \"$1\" > \"$HOME/opened.part\"\nmv \"$HOME/opened.part\" \"$HOME/opened\"\n")
        .unwrap();
    fs::set_permissions(&opener, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    let program = Program::new().with("PATH", path).with("DISPLAY", ":9");
    let world = World::of(program, BOTH, "store = \"file\"");
    let begun = world.program.begin(&["sign-in", "office"]);
    let opened = until("the browser is opened", || {
        fs::read_to_string(world.program.path("opened")).map_err(|error| error.to_string())
    });
    assert_eq!(opened, address(&begun));
    browse(&opened);
    assert_eq!(begun.end().code(), Some(0));
}

#[test]
fn a_provider_that_is_down_is_no_reason_to_sign_in() {
    let world = World::new(BOTH);
    world.signed_in();
    world.provider.plan(|plan| plan.status = 503);
    let checked = world.program.run(&["check"]);
    assert!(checked.stderr.contains("gives no tokens just now: it answered 503"), "{checked:?}");
    assert!(!checked.stderr.contains("sign-in"), "{checked:?}");
    assert!(world.oauth()["needed_since"].is_null());
    world.provider.plan(|plan| plan.status = 404);
    let checked = world.program.run(&["check"]);
    assert!(checked.stderr.contains("no provider of OAuth 2.0 at this address"), "{checked:?}");
    world.provider.plan(|plan| plan.status = 0);
    let daemon = world.program.daemon();
    world.program.until("it watches", |status| status["watch"]["state"] == "watching");
    world.provider.plan(|plan| plan.status = 500);
    world.provider.end_tokens();
    world.server.kick();
    world.program.until("it is told", |status| {
        let error = status["watch"]["mailboxes"][0]["error"].as_str().unwrap_or_default();
        error.contains("gives no tokens just now")
    });
    world.provider.plan(|plan| plan.status = 0);
    world.program.until("it watches again", |status| status["watch"]["state"] == "watching");
    assert!(!alerts(&world).contains("sign_in"), "{}", alerts(&world));
    assert!(daemon.stop().success());
}

#[test]
fn a_kill_between_the_provider_and_the_disk_loses_nothing_where_the_old_token_still_counts() {
    let world = World::new(BOTH);
    world.signed_in();
    world.provider.plan(|plan| (plan.swallows, plan.rotates) = (true, false));
    let begun = world.program.begin(&["check"]);
    until("the provider was asked", || {
        match world.provider.n_refreshed() {
            0 => Err("not yet"),
            _ => Ok(()),
        }
        .map_err(str::to_owned)
    });
    begun.kill();
    world.provider.plan(|plan| plan.swallows = false);
    assert_eq!(world.program.run(&["check"]).code, Some(0));
    // Where the old one counts no more, that is told for what it is.
    world.provider.plan(|plan| (plan.swallows, plan.rotates) = (true, true));
    let n = world.provider.n_refreshed();
    let begun = world.program.begin(&["check"]);
    until("the provider was asked again", || match world.provider.n_refreshed() {
        found if found == n => Err("not yet".to_owned()),
        _ => Ok(()),
    });
    begun.kill();
    world.provider.plan(|plan| plan.swallows = false);
    let checked = world.program.run(&["check"]);
    assert!(checked.stderr.contains("must sign in again"), "{checked:?}");
    world.signed_in();
    assert_eq!(world.program.run(&["check"]).code, Some(0));
    world.nothing_is_told();
}

#[test]
fn two_processes_that_renew_at_once_lose_no_token() {
    let world = World::new(BOTH);
    world.provider.plan(|plan| (plan.life, plan.life_told) = (1, 1));
    world.signed_in();
    world.configure("1s", "store = \"file\"");
    let daemon = world.program.daemon();
    world.program.until("it watches", |status| status["watch"]["state"] == "watching");
    for _ in 0..8 {
        let checked = world.program.run(&["check"]);
        assert_eq!(checked.code, Some(0), "{checked:?}");
    }
    assert!(!alerts(&world).contains("sign_in"), "{}", daemon.log());
    assert!(daemon.stop().success());
    assert_eq!(world.program.run(&["check"]).code, Some(0));
}

#[test]
fn a_new_refresh_token_that_cannot_be_stored_is_kept_until_it_can() {
    // Gives the key for reading, and while it is broken not for writing.
    let bin = scratch();
    let (key, broken) = (bin.path().join("key"), bin.path().join("key.broken"));
    let script = "#!/bin/sh\nif [ -e \"$0.broken\" ]; then\n\
                  n=$(($(cat \"$0.n\") + 1)); echo $n > \"$0.n\"\n\
                  if [ $((n % 2)) = 0 ]; then exit 1; fi\nfi\n\
                  echo 0123456789abcdef0123456789abcdef\n";
    fs::write(&key, script).unwrap();
    // Apart from the mark: a script that is running must not bring that back.
    fs::write(bin.path().join("key.n"), "0").unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o755)).unwrap();
    let more = format!("store = \"file\"\nkey-command = [\"{}\"]", key.display());
    let world = World::of(Program::new(), BOTH, &more);
    world.provider.plan(|plan| (plan.life, plan.life_told) = (3600, 1));
    world.signed_in();
    world.configure("1s", &more);
    fs::write(&broken, "").unwrap();
    let sealed = || {
        let folder = world.program.path("data/acewatch/oauth");
        let file = files(&folder).into_iter().find(|path| path.extension().unwrap() == "sealed");
        fs::read(file.unwrap()).unwrap()
    };
    let before = sealed();
    let daemon = world.program.daemon();
    until("it was renewed three times", || match world.provider.n_refreshed() {
        3.. => Ok(()),
        n => Err(format!("{n}: {}", daemon.log())),
    });
    assert!(daemon.log().contains("cannot store the new refresh token"), "{}", daemon.log());
    assert_eq!(sealed(), before);
    fs::remove_file(&broken).unwrap();
    until("it is stored", || match sealed() == before {
        true => Err(daemon.log()),
        false => Ok(()),
    });
    assert!(daemon.stop().success());
    let checked = world.program.run(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(!alerts(&world).contains("sign_in"), "{}", alerts(&world));
    world.nothing_is_told();
}

#[test]
fn an_end_that_the_provider_tells_is_told_ahead() {
    let world = World::new(BOTH);
    world.provider.plan(|plan| plan.refresh_life = Some(7 * 86_400));
    world.signed_in();
    let text = world.program.run(&["doctor"]).stdout;
    assert!(text.contains("must sign in again before"), "{text}");
    let later = (crate::support::now() + chrono::Duration::days(6)).to_rfc3339();
    assert_eq!(world.program.run(&["check", "--at", &later]).code, Some(0));
    assert_eq!(alerts(&world), "sign_in_soon");
    let text = world.program.ok(&["status"]);
    assert!(text.contains("must sign in again before"), "{text}");
    world.provider.plan(|plan| plan.refresh_life = Some(90 * 86_400));
    world.signed_in();
    assert_eq!(alerts(&world), "sign_in_soon over");
    assert_eq!(world.program.run(&["check", "--at", &later]).code, Some(0));
    assert_eq!(alerts(&world), "sign_in_soon over");
}

#[test]
fn a_permission_that_is_removed_is_given_back() {
    let world = World::new(BOTH);
    world.signed_in();
    let removed = world.program.json(&["sign-in", "--forget", "--json"]);
    assert_eq!((&removed["removed"], &removed["revoked"]), (&true.into(), &true.into()));
    assert_eq!(world.provider.n_revoked(), 1);
    let checked = world.program.run(&["check"]);
    assert!(checked.stderr.contains("nobody is signed in"), "{checked:?}");
    let again = world.program.ok(&["sign-in", "--forget"]);
    assert!(again.contains("nobody was signed in"), "{again}");
}

#[test]
fn the_permission_is_in_the_keyring_and_a_locked_one_is_waited_for() {
    let mut desktop = Desktop::absent();
    desktop.log_in();
    let keyring = Keyring::start(&desktop);
    let program = Program::new().with("DBUS_SESSION_BUS_ADDRESS", desktop.bus_address());
    let world = World::of(program, BOTH, "");
    world.signed_in();
    let account = format!("{USER}@localhost");
    let kept = || {
        let attributes = ["service", "acewatch", "account", &account, "purpose", "refresh-token"];
        keyring.get(&attributes).unwrap()
    };
    let first = kept();
    assert!(first.contains("refresh-"), "the keyring has no refresh token");
    assert_eq!(world.program.run(&["check"]).code, Some(0));
    assert_ne!(kept(), first);
    let refused = world.program.run(&["secret", "store", "office"]);
    assert!(refused.stderr.contains("read by OAuth 2.0"), "{refused:?}");

    keyring.lock();
    let checked = world.program.run(&["check"]);
    assert!(checked.stderr.contains("waiting for the keyring to be unlocked"), "{checked:?}");
    let daemon = world.program.daemon();
    world.program.until("it is told", |status| {
        let error = status["watch"]["mailboxes"][0]["error"].as_str().unwrap_or_default();
        error.contains("keyring")
    });
    keyring.unlock();
    world.program.until("it watches", |status| status["watch"]["state"] == "watching");
    // While the token is good the keyring is not needed.
    keyring.lock();
    let n_logins = world.server.n_logins();
    world.server.kick();
    until("it is back", || match n_logins < world.server.n_logins() {
        true => Ok(()),
        false => Err(daemon.log()),
    });
    assert!(daemon.stop().success());
    assert!(!alerts(&world).contains("sign_in"));
    keyring.unlock();
    world.program.ok(&["sign-in", "--forget"]);
    assert!(!keyring.list().contains("refresh"), "{}", keyring.list());
    // What the keyring has in the clear is not ours to hide.
    world.provider.is_silent(&(daemon_log(&world) + &world.program.ok(&["status", "--json"])));
}

fn daemon_log(world: &World) -> String {
    fs::read_to_string(world.program.path("daemon.log")).unwrap()
}

#[test]
fn a_copy_of_the_data_opens_nothing() {
    let world = World::new(BOTH);
    world.signed_in();
    fs::remove_file(world.program.path("config/acewatch/oauth.key")).unwrap();
    let checked = world.program.run(&["check"]);
    assert!(checked.stderr.contains("must sign in again: what the encrypted file"), "{checked:?}");
    world.signed_in();
    assert_eq!(world.program.run(&["check"]).code, Some(0));
}
