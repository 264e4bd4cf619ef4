//! `acewatch service`: the daemon as a service of systemd.

mod files;

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use super::failure::{FAILED, Failure};
use super::review::who::who;
use super::{Context, check, render};
use crate::config;
use crate::systemd::{self, Scope, State, UNIT};

/// Set the daemon up as a systemd service, take it away, or say how it is
///
/// A user service runs while you are logged in. For it to go on after you have logged out, and to
/// start with the machine, your account must "linger": `service install --linger`. Notices on the
/// desktop wait for the next log-in; mail, webhooks and commands do not.
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Start the service now and at each log-in; write its unit file where no package brought one
    ///
    /// Your drop-ins are kept. A unit file that somebody else wrote or changed is replaced only with
    /// --force. --config and --database, where given, hold for the service too.
    Install {
        /// Let it run while nobody is logged in
        #[arg(long, conflicts_with = "system")]
        linger: bool,
        /// For the whole machine, as a user of its own and without a desktop (needs root)
        #[arg(long)]
        system: bool,
        /// Replace a unit file of somebody else
        #[arg(long)]
        force: bool,
    },
    /// Stop the service and remove its unit file; configuration and history stay
    Uninstall {
        /// That of the whole machine (needs root)
        #[arg(long)]
        system: bool,
        /// Remove a unit file of somebody else
        #[arg(long)]
        force: bool,
    },
    /// Say whether it is installed, enabled and running, and how it last ended
    ///
    /// The exit code is 1 where it does not run.
    Status {
        /// That of the whole machine
        #[arg(long)]
        system: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// Carries it out.
///
/// # Errors
///
/// There is no systemd to be asked, or it refuses; a unit file is not ours.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    match args.action {
        Action::Install { linger, system, force } => install(cx, scope(system), linger, force),
        Action::Uninstall { system, force } => uninstall(cx, scope(system), force),
        Action::Status { system, json } => status(scope(system), json),
    }
}

/// Installs and starts the user's service, for `acewatch init`.
pub(super) fn set_up(cx: &Context, linger: bool) -> Result<(), Failure> {
    install(cx, Scope::User, linger, false)
}

fn scope(system: bool) -> Scope {
    if system { Scope::System } else { Scope::User }
}

fn install(cx: &Context, scope: Scope, linger: bool, force: bool) -> Result<(), Failure> {
    require_manager(scope)?;
    require_rights(scope, "install")?;
    let command = command(cx, scope)?;
    require_configuration(cx, scope)?;

    let before = systemd::state(scope).map_err(of_systemd)?;
    let path = files::unit_path(scope, &cx.environment.config_home);
    let mut said = String::new();
    let mut is_news = false;
    let found = files::found(&path).map_err(|error| of_file("read", &path, error))?;
    if !force && found.as_ref().is_some_and(|found| !files::is_ours(found)) {
        return Err(foreign(&path, "replaced"));
    }
    match packaged(scope, &path, &command)? {
        Some(file) => {
            // One of ours from before the package came would hide it, and each update of it.
            if found.is_some() {
                std::fs::remove_file(&path).map_err(|error| of_file("remove", &path, error))?;
                said.push_str(&format!("removed: {}\n", path.display()));
                is_news = true;
            }
            said.push_str(&format!("{} is used as it is\n", file.display()));
        }
        None => {
            let text = files::unit(scope, &command);
            if found.as_ref() != Some(&text) {
                files::write(&path, &text).map_err(|error| of_file("write", &path, error))?;
                said.push_str(&format!("written: {}\n", path.display()));
                is_news = true;
            }
        }
    }
    if scope == Scope::User {
        is_news |= harden(&path, &mut said)?;
    }
    systemd::systemctl(scope, &["daemon-reload"]).map_err(of_systemd)?;
    systemd::systemctl(scope, &["enable", "--quiet", UNIT]).map_err(of_systemd)?;
    let verb = if is_news && before.is_running() { "restart" } else { "start" };
    if let Err(error) = systemd::systemctl(scope, &[verb, UNIT]) {
        return Err(Failure::new("the service does not start").because(error).hint(journal(scope)));
    }
    // Who lingers already needs nobody's leave.
    if linger && lingering(scope) != Some(true) {
        let user = who();
        systemd::linger(&user).map_err(|error| {
            Failure::new("the service runs, but may not outlast your log-in")
                .because(error)
                .hint(format!("an administrator may allow it: sudo loginctl enable-linger {user}"))
        })?;
    }
    let after = systemd::state(scope).map_err(of_systemd)?;
    said.push_str(&text(scope, &after, lingering(scope)));
    render::print(&said)
}

/// The unit file of a package, where it starts the same program in the same way.
fn packaged(scope: Scope, ours: &Path, command: &str) -> Result<Option<PathBuf>, Failure> {
    let folders = systemd::unit_folders(scope).map_err(of_systemd)?;
    for file in folders.iter().map(|folder| folder.join(UNIT)).filter(|file| file != ours) {
        let text = files::found(&file).map_err(|error| of_file("read", &file, error))?;
        if let Some(text) = text {
            let is_same = |line: &str| line.strip_prefix("ExecStart=") == Some(command);
            return Ok(text.lines().any(is_same).then_some(file));
        }
    }
    Ok(None)
}

/// Adds what needs a user namespace, where this machine grants one, and takes it away where it does
/// not any more. A person's file of that name is left alone.
fn harden(unit: &Path, said: &mut String) -> Result<bool, Failure> {
    let path = files::hardening_path(unit);
    let found = files::found(&path).map_err(|error| of_file("read", &path, error))?;
    if found.as_ref().is_some_and(|found| !files::is_ours(found)) {
        return Ok(false);
    }
    let text = files::sealed(files::HARDENING);
    match (systemd::bears(files::HARDENING), found) {
        (true, Some(found)) if found == text => Ok(false),
        (true, _) => {
            files::write(&path, &text).map_err(|error| of_file("write", &path, error))?;
            said.push_str(&format!("written: {}\n", path.display()));
            Ok(true)
        }
        (false, found) => {
            said.push_str(
                "This machine grants no user namespaces to services of users: the service runs without the \
                 part of its sandbox that needs one.\n",
            );
            if found.is_some() {
                std::fs::remove_file(&path).map_err(|error| of_file("remove", &path, error))?;
            }
            Ok(found.is_some())
        }
    }
}

fn uninstall(cx: &Context, scope: Scope, force: bool) -> Result<(), Failure> {
    require_manager(scope)?;
    require_rights(scope, "uninstall")?;
    let path = files::unit_path(scope, &cx.environment.config_home);
    let found = files::found(&path).map_err(|error| of_file("read", &path, error))?;
    if !force && found.as_ref().is_some_and(|found| !files::is_ours(found)) {
        return Err(foreign(&path, "removed"));
    }
    let before = systemd::state(scope).map_err(of_systemd)?;
    if before.file.is_none() && found.is_none() {
        return render::print(&format!("{UNIT} is not installed\n"));
    }
    systemd::systemctl(scope, &["disable", "--quiet", "--now", UNIT]).map_err(of_systemd)?;
    let mut said = String::new();
    let drop_in = files::hardening_path(&path);
    for file in [&path, &drop_in] {
        let found = files::found(file).map_err(|error| of_file("read", file, error))?;
        if found.is_some_and(|found| files::is_ours(&found) || (force && *file == path)) {
            std::fs::remove_file(file).map_err(|error| of_file("remove", file, error))?;
            said.push_str(&format!("removed: {}\n", file.display()));
        }
    }
    // Where a person's drop-ins are in it, it stays.
    let _ = drop_in.parent().map(std::fs::remove_dir);
    systemd::systemctl(scope, &["daemon-reload"]).map_err(of_systemd)?;
    // What had failed is forgotten; what had not is refused, which is no fault.
    let _ = systemd::systemctl(scope, &["reset-failed", UNIT]);
    said.push_str(
        "The service is stopped and will not start again. Configuration and history stay.\n",
    );
    render::print(&said)
}

fn status(scope: Scope, json: bool) -> Result<(), Failure> {
    require_manager(scope)?;
    let state = systemd::state(scope).map_err(of_systemd)?;
    let linger = lingering(scope);
    match json {
        true => render::print_json(&document(scope, &state, linger))?,
        false => render::print(&text(scope, &state, linger))?,
    }
    if state.is_running() { Ok(()) } else { Err(Failure::silent(FAILED)) }
}

/// What `doctor` is told of the user's service.
pub(super) struct Seen {
    /// How it is, in a line.
    pub(super) words: String,
    /// What to do, where it does not do what it should.
    pub(super) fault: Option<String>,
    /// Whether it goes on when nobody is logged in, as far as that is known.
    pub(super) lingers: Option<bool>,
}

/// Looks at the user's service; nothing where there is none, or nobody to ask.
pub(super) fn look() -> Option<Seen> {
    require_manager(Scope::User).ok()?;
    let state = systemd::state(Scope::User).ok().filter(|state| state.file.is_some())?;
    let fault = match state.is_running() || state.active == "inactive" {
        true => state
            .needs_reload
            .then(|| "systemctl --user daemon-reload, then restart acewatch".to_owned()),
        false => Some(journal(Scope::User)),
    };
    Some(Seen { words: words(&state), fault, lingers: lingering(Scope::User) })
}

fn lingering(scope: Scope) -> Option<bool> {
    match scope {
        Scope::User => systemd::lingers(&who()),
        Scope::System => None,
    }
}

/// How the service is, in a line.
fn words(state: &State) -> String {
    let since = match state.since.as_str() {
        "" => String::new(),
        since => format!(" since {since}"),
    };
    let how = match (state.active.as_str(), state.detail.as_str()) {
        (_, "auto-restart") => "starting again after a fault".to_owned(),
        ("active", _) => format!("running{since}"),
        ("reloading", _) => "reading its configuration anew".to_owned(),
        ("activating", _) => "starting".to_owned(),
        ("deactivating", _) => "stopping".to_owned(),
        ("failed", _) => format!("not running: it failed{since}"),
        _ => "not running".to_owned(),
    };
    let start = match state.enabled.as_str() {
        "enabled" | "enabled-runtime" | "linked" => "starts by itself",
        "masked" => "masked, so that it cannot start",
        _ => "does not start by itself",
    };
    format!("{how}; {start}")
}

fn text(scope: Scope, state: &State, linger: Option<bool>) -> String {
    let Some(file) = &state.file else {
        let flag = if scope == Scope::System { " --system" } else { "" };
        return format!("{UNIT} is not installed: `acewatch service install{flag}`\n");
    };
    let mut lines = vec![format!("{UNIT}: {}", words(state))];
    if !state.status.is_empty() {
        lines.push(format!("  says      {}", render::escaped(&state.status)));
    }
    lines.push(format!("  unit      {}", file.display()));
    for drop_in in &state.drop_ins {
        lines.push(format!("  drop-in   {}", drop_in.display()));
    }
    if let Some(exit) = exit(state) {
        lines.push(format!("  last end  {exit}"));
    }
    if 0 < state.n_restarts {
        let times = render::counted(usize::try_from(state.n_restarts).unwrap_or(0), "time");
        lines.push(format!("  restarts  {times} by itself"));
    }
    match linger {
        Some(true) => lines.push("  linger    yes: it runs while nobody is logged in".to_owned()),
        Some(false) => lines.push(
            "  linger    no: it ends when you log out; `acewatch service install --linger` changes that"
                .to_owned(),
        ),
        None => {}
    }
    lines.join("\n") + "\n"
}

/// How the last run ended, in words; `None` where none has.
fn exit(state: &State) -> Option<String> {
    let (how, code) = state.exit.as_ref()?;
    let words = match (how.as_str(), code) {
        ("exited", 0) => "it was asked to leave".to_owned(),
        ("exited", 1) => "exit code 1, it failed".to_owned(),
        ("exited", 2) => {
            "exit code 2, the configuration cannot be used: `acewatch doctor`".to_owned()
        }
        ("exited", 203) => "the program is not where the unit says".to_owned(),
        ("exited", 217 | 218 | 226) => format!(
            "exit code {code}, systemd cannot build its sandbox here: `acewatch service install` finds out what it can"
        ),
        ("exited", code) => format!("exit code {code}"),
        (_, 9) => "killed by signal 9, as where memory runs out".to_owned(),
        (_, signal) => format!("ended by signal {signal}"),
    };
    Some(words)
}

fn document(scope: Scope, state: &State, linger: Option<bool>) -> Value {
    let path = |path: &PathBuf| path.display().to_string();
    json!({
        "schema": "acewatch.service/1",
        "scope": match scope { Scope::User => "user", Scope::System => "system" },
        "installed": state.file.is_some(),
        "unit": state.file.as_ref().map(path),
        "drop_ins": state.drop_ins.iter().map(path).collect::<Vec<_>>(),
        "enabled": matches!(state.enabled.as_str(), "enabled" | "enabled-runtime"),
        "active": state.active,
        "detail": state.detail,
        "since": Some(&state.since).filter(|since| !since.is_empty()),
        "status": Some(&state.status).filter(|status| !status.is_empty()),
        "restarts": state.n_restarts,
        "last_exit": state.exit.as_ref().map(|(how, code)| json!({ "how": how, "code": code })),
        "linger": linger,
    })
}

/// What the service runs.
fn command(cx: &Context, scope: Scope) -> Result<String, Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::new("cannot find out where this program is").because(error))?;
    if scope == Scope::System
        && ["/home", "/root", "/run/user"].iter().any(|p| program.starts_with(p))
    {
        return Err(Failure::usage(format!(
            "{} is in a home directory, which the service does not see",
            program.display()
        ))
        .hint(format!(
            "sudo install {} /usr/local/bin/ and start it from there",
            program.display()
        )));
    }
    let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let (config, database) =
        (cx.global.config.as_ref().map(absolute), cx.global.database.as_ref().map(absolute));
    let mut words: Vec<&Path> = Vec::new();
    for (flag, path) in [("--config", &config), ("--database", &database)] {
        if let Some(path) = path {
            words.extend([Path::new(flag), path.as_path()]);
        }
    }
    files::command(&program, &words).ok_or_else(|| {
        Failure::usage("a path with a control character cannot stand in a unit file")
    })
}

/// A service that would end at once is not installed.
fn require_configuration(cx: &Context, scope: Scope) -> Result<(), Failure> {
    let of_machine = Path::new("/etc/acewatch/config.toml");
    let settings = match (scope, &cx.global.config) {
        (Scope::System, None) => {
            if !of_machine.exists() {
                return Err(Failure::usage(format!("there is no {}", of_machine.display()))
                    .hint("`sudo acewatch --config /etc/acewatch/config.toml init` writes it; add [[channel]] tables and `desktop = false` under [notify]"));
            }
            config::load(Some(of_machine), &cx.environment)?
        }
        _ => cx.settings()?,
    };
    check::require_mailbox(&settings)
}

fn require_manager(scope: Scope) -> Result<(), Failure> {
    if scope == Scope::System {
        return match Path::new("/run/systemd/system").is_dir() {
            true => Ok(()),
            false => Err(Failure::new("this machine was not started by systemd")
                .hint("have its own service manager run `acewatch run`")),
        };
    }
    let directory = std::env::var_os("XDG_RUNTIME_DIR");
    if systemd::has_user_manager(directory.as_ref()) {
        return Ok(());
    }
    Err(Failure::new(
        "no systemd user manager runs for you ($XDG_RUNTIME_DIR/systemd is not there)",
    )
    .hint("log in on the desktop or with ssh; `su` and `sudo` start none, `machinectl shell USER@` does")
    .hint("on a server without a desktop: sudo acewatch service install --system")
    .hint("without systemd: have something else run `acewatch run`"))
}

fn require_rights(scope: Scope, verb: &str) -> Result<(), Failure> {
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    match scope == Scope::User || is_root {
        true => Ok(()),
        false => Err(Failure::usage("the service of the whole machine is root's to change")
            .hint(format!("sudo acewatch service {verb} --system"))),
    }
}

fn foreign(path: &Path, what: &str) -> Failure {
    Failure::new(format!(
        "{} was written or changed by somebody else and is not {what}",
        path.display()
    ))
    .hint("`systemctl --user edit acewatch` keeps changes in a file of their own")
    .hint("--force does it anyway")
}

fn journal(scope: Scope) -> String {
    match scope {
        Scope::User => "journalctl --user -u acewatch -n 20".to_owned(),
        Scope::System => "journalctl -u acewatch -n 20".to_owned(),
    }
}

fn of_systemd(error: systemd::Error) -> Failure {
    Failure::new("systemd does not do it").because(error)
}

fn of_file(verb: &str, path: &Path, error: std::io::Error) -> Failure {
    Failure::new(format!("cannot {verb} {}", path.display())).because(error)
}
