//! A private desktop: a session bus, an X server without a screen, and the notification server dunst.
//!
//! dunst hands every notice it shows to a script, which writes it to a file; a notice shown a second
//! time, in the place of the first, is written again. So a test counts every call that reached a person.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::{Server, needed, output_of, scratch, target_directory, until};

/// A session, at first without anything in it.
#[derive(Debug)]
pub struct Desktop {
    directory: tempfile::TempDir,
    // In the order in which they must go: dunst, then its screen, then the bus.
    dunst: Option<Server>,
    screen: Option<Server>,
    bus: Option<Server>,
    display: String,
}

/// A notice as dunst showed it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Shown {
    /// "LOW", "NORMAL" or "CRITICAL".
    pub urgency: String,
    /// The program that sent it.
    pub program: String,
    /// The title.
    pub title: String,
    /// The text below it, as sent.
    pub body: String,
}

impl Desktop {
    /// Returns a session nobody has logged in to yet: its bus has an address and does not run.
    pub fn absent() -> Desktop {
        let directory = scratch();
        fs::create_dir(directory.path().join("notices")).unwrap();
        Desktop { directory, dunst: None, screen: None, bus: None, display: String::new() }
    }

    /// Returns a session with a running notification server.
    pub fn start() -> Desktop {
        let mut desktop = Desktop::absent();
        desktop.log_in();
        desktop.start_dunst();
        desktop
    }

    /// Returns the address of the bus, for `DBUS_SESSION_BUS_ADDRESS`.
    pub fn bus_address(&self) -> String {
        format!("unix:path={}", self.path("bus").display())
    }

    /// Starts the bus. It starts no services by itself, so that there is no notification server
    /// until [`Desktop::start_dunst`].
    pub fn log_in(&mut self) {
        let configuration = format!(
            r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
             "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
            <busconfig>
              <type>session</type>
              <listen>{}</listen>
              <auth>EXTERNAL</auth>
              <policy context="default">
                <allow send_destination="*" eavesdrop="true"/>
                <allow eavesdrop="true"/>
                <allow own="*"/>
              </policy>
            </busconfig>"#,
            self.bus_address()
        );
        fs::write(self.path("bus.conf"), configuration).unwrap();
        let mut bus = Command::new(needed("dbus-daemon", "dbus"));
        bus.arg("--nofork").arg("--config-file").arg(self.path("bus.conf"));
        self.bus = Some(self.launch(&mut bus, "bus.log"));
        // The socket has its name before anybody listens at it.
        until("the bus listens", || match UnixStream::connect(self.path("bus")) {
            Ok(_) => Ok(()),
            Err(error) => Err(format!("{error}: {}", self.log("bus.log"))),
        });
    }

    /// Ends the bus, as the end of a session does.
    pub fn log_out(&mut self) {
        self.bus = None;
        let _ = fs::remove_file(self.path("bus"));
    }

    /// Starts the notification server, and before it the screen it draws on.
    pub fn start_dunst(&mut self) {
        if self.screen.is_none() {
            self.start_screen();
        }
        let record = self.path("record");
        // A file gets its name only when it is complete. The body comes last: it may have lines.
        let script = format!(
            "#!/bin/sh\n\
             draft=$(mktemp {directory}/draft.XXXXXX)\n\
             printf '%s\\n' \"$DUNST_URGENCY\" \"$DUNST_APP_NAME\" \"$DUNST_SUMMARY\" >\"$draft\"\n\
             printf '%s' \"$DUNST_BODY\" >>\"$draft\"\n\
             mv \"$draft\" \"$(mktemp -u {directory}/notices/XXXXXXXX)\"\n",
            directory = self.directory.path().display()
        );
        fs::write(&record, script).unwrap();
        fs::set_permissions(&record, fs::Permissions::from_mode(0o755)).unwrap();
        let configuration = format!(
            "[global]\n    font = DejaVu Sans 11\n    width = 560\n    \
             markup = full\n    stack_duplicates = false\n    idle_threshold = 0\n\
             [urgency_low]\n    foreground = \"#c8c8c8\"\n\
             [record]\n    summary = \"*\"\n    script = {}\n",
            record.display()
        );
        fs::write(self.path("dunstrc"), configuration).unwrap();
        let mut dunst = Command::new(needed("dunst", "dunst"));
        dunst.arg("-conf").arg(self.path("dunstrc"));
        self.dunst = Some(self.launch(&mut dunst, "dunst.log"));
        until("dunst answers", || {
            let output = self.dunstctl(&["count", "displayed"]).output().unwrap();
            if output.status.success() { Ok(()) } else { Err(self.log("dunst.log")) }
        });
    }

    /// Starts another notification server instead: the one of GTK desktops before GNOME Shell.
    pub fn start_notification_daemon(&mut self) {
        const PROGRAM: &str = "/usr/lib/notification-daemon/notification-daemon";
        assert!(
            std::path::Path::new(PROGRAM).exists(),
            "{PROGRAM} is missing: install the package notification-daemon, or run scripts/test"
        );
        if self.screen.is_none() {
            self.start_screen();
        }
        let mut server = Command::new(PROGRAM);
        server.env("GTK_THEME", "Adwaita").env("NO_AT_BRIDGE", "1");
        self.dunst = Some(self.launch(&mut server, "daemon.log"));
        until("it shows notices", || {
            let asked = Command::new(needed("dbus-send", "dbus"))
                .args(["--session", "--print-reply", "--dest=org.freedesktop.Notifications"])
                .arg("/org/freedesktop/Notifications")
                .arg("org.freedesktop.Notifications.GetCapabilities")
                .env("DBUS_SESSION_BUS_ADDRESS", self.bus_address())
                .output()
                .unwrap();
            if asked.status.success() { Ok(()) } else { Err(self.log("daemon.log")) }
        });
    }

    /// Presses the first button of the notice shown last, closes it, or keeps all notices back:
    /// `action`, `close`, `set-paused true`.
    pub fn control(&self, arguments: &[&str]) {
        output_of(&mut self.dunstctl(arguments));
    }

    /// Returns the notification server's process, for signals.
    pub fn dunst(&self) -> &Server {
        self.dunst.as_ref().unwrap()
    }

    /// Returns every notice shown so far, in no order.
    pub fn shown(&self) -> Vec<Shown> {
        let mut shown = Vec::new();
        for entry in fs::read_dir(self.path("notices")).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            let mut parts = text.splitn(4, '\n').map(str::to_owned);
            let mut next = || parts.next().unwrap_or_default();
            shown.push(Shown { urgency: next(), program: next(), title: next(), body: next() });
        }
        shown
    }

    /// Returns how many notices are on the screen now.
    pub fn n_displayed(&self) -> usize {
        output_of(&mut self.dunstctl(&["count", "displayed"])).trim().parse().unwrap()
    }

    /// Clears the screen. A server with hundreds of notices on it answers late.
    pub fn clear(&self) {
        output_of(&mut self.dunstctl(&["close-all"]));
    }

    /// Takes a picture of the screen into the build's directory and returns its path.
    ///
    /// # Panics
    ///
    /// Panics when nothing is to be seen on it.
    #[track_caller]
    pub fn screenshot(&self, name: &str) -> PathBuf {
        let path = target_directory().join(format!("{name}.png"));
        // The server lists a notice before it has drawn it.
        until("something is on the screen", || {
            output_of(
                Command::new(needed("import", "imagemagick"))
                    .args(["-display", &self.display, "-window", "root"])
                    .arg(&path),
            );
            let n_colours = output_of(
                Command::new(needed("identify", "imagemagick")).args(["-format", "%k"]).arg(&path),
            );
            match n_colours.trim().parse::<u32>() {
                Ok(n) if 2 < n => Ok(()),
                other => Err(format!("{other:?} colours")),
            }
        });
        path
    }

    /// Takes a small picture of what is on the screen.
    #[track_caller]
    pub fn picture(&self, path: &std::path::Path) {
        let name = format!("whole-{}", path.file_stem().unwrap().display());
        let whole = self.screenshot(&name);
        // Drawn in two steps by some: the picture must be the same twice.
        let mut last = fs::read(&whole).unwrap();
        until("the picture does not change", || {
            self.screenshot(&name);
            let now = fs::read(&whole).unwrap();
            let is_same = now == last;
            last = now;
            if is_same { Ok(()) } else { Err("it does".to_owned()) }
        });
        output_of(
            Command::new(needed("convert", "imagemagick"))
                .arg(&whole)
                .args(["-trim", "+repage", "-bordercolor", "black", "-border", "8"])
                .args(["-dither", "None", "-colors", "64", "-strip"])
                .args(["-define", "png:compression-level=9"])
                .arg(format!("png8:{}", path.display())),
        );
        fs::remove_file(whole).unwrap();
    }

    fn start_screen(&mut self) {
        let mut screen = Command::new(needed("Xvfb", "xvfb"));
        // It looks for a free display by itself and prints the number once it takes connections.
        screen.args([
            "-noreset",
            "-displayfd",
            "1",
            "-nolisten",
            "tcp",
            "-screen",
            "0",
            "1000x500x24",
        ]);
        screen.stdout(Stdio::piped());
        let mut screen = self.launch(&mut screen, "screen.log");
        let mut number = String::new();
        BufReader::new(screen.0.stdout.as_mut().unwrap()).read_line(&mut number).unwrap();
        assert!(!number.is_empty(), "Xvfb does not start:\n{}", self.log("screen.log"));
        self.display = format!(":{}", number.trim());
        self.screen = Some(screen);
    }

    fn dunstctl(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(needed("dunstctl", "dunst"));
        command.args(arguments).env("DBUS_SESSION_BUS_ADDRESS", self.bus_address());
        command
    }

    fn launch(&self, command: &mut Command, log: &str) -> Server {
        command
            .env("HOME", self.directory.path())
            .env("XDG_RUNTIME_DIR", self.directory.path())
            .env("DBUS_SESSION_BUS_ADDRESS", self.bus_address())
            .env("DISPLAY", &self.display)
            .env_remove("WAYLAND_DISPLAY")
            .stdin(Stdio::null())
            .stderr(fs::File::create(self.path(log)).unwrap());
        Server(command.spawn().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_default()
    }
}
