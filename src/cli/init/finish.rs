//! The end of `acewatch init`: the configuration is written, the mailbox shown, the service set up, and
//! what comes next is said.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use super::secret::{self, Typed};
use super::{Setup, look};
use crate::cli::failure::Failure;
use crate::cli::{render, service, sign_in};
use crate::replace::{Replacement, folder_of};
use crate::store::{Store, query};
use crate::systemd;

impl Setup<'_> {
    /// Keeps the password, previews, writes, offers the service.
    pub(super) async fn finish(self, typed: Option<Typed>) -> Result<(), Failure> {
        let settings = self.settings()?;
        let mailbox = self.mailbox()?;
        if self.args.dry_run {
            return render::print(&format!("\n{}", self.draft.text()));
        }
        for change in self.draft.changes() {
            render::print(&format!("  {}\n", render::escaped(change)))?;
        }
        if self.draft.changes().is_empty() && typed.is_none() {
            render::print(&format!("Nothing is to be changed in {}.\n", self.path.display()))?;
        } else {
            let question = match self.draft.changes() {
                [] => format!("Replace the password that is kept for {}?", mailbox.name),
                _ => format!("Write this to {}?", self.path.display()),
            };
            if !self.ask.agrees(&question, true)? {
                return Err(Failure::new("nothing was written"));
            }
            if let Some(typed) = typed {
                secret::keep(typed, &mailbox.name).await?;
            }
            if !self.draft.changes().is_empty() {
                write(&self.path, &self.draft.text()).map_err(|error| {
                    Failure::new(format!("cannot write {}", self.path.display())).because(error)
                })?;
                render::print(&format!("written: {}\n", self.path.display()))?;
                self.tell_of_waiting()?;
            }
        }
        if let Some(news) = &self.news {
            sign_in::record(self.cx, &settings, &mailbox, news);
        }
        let runs = systemd::state(systemd::Scope::User).is_ok_and(|state| state.is_running());
        let wanted = self.wants_service(runs)?;
        if !self.args.no_preview && self.is_open {
            // Mails are in its database, which must not be left behind.
            tokio::select! {
                shown = look::preview(self.cx, &settings, &mailbox) => shown?,
                _ = tokio::signal::ctrl_c() => {
                    return Err(Failure::new("stopped; the configuration is written"));
                }
            }
        }
        look::tellers(&settings).await?;
        self.start_service(wanted, runs)
    }

    /// Mails that wait were judged by whom nobody believed then.
    fn tell_of_waiting(&self) -> Result<(), Failure> {
        let is_of_trust =
            |change: &String| ["authserv-id", "dkim"].iter().any(|key| change.contains(key));
        if !self.draft.changes().iter().any(is_of_trust) {
            return Ok(());
        }
        // What is wrong with a database is for `doctor` to say.
        let store = Store::open_existing(&self.cx.database()).ok().flatten();
        let n_waiting =
            store.and_then(|store| query::n_review(store.read()).ok()).unwrap_or_default();
        match n_waiting {
            0 => Ok(()),
            n => render::print(&format!(
                "Of {n} in review some may be believed now: {} shows which, and with --apply records them.\n",
                self.command("rules replay")
            )),
        }
    }

    /// Whether systemd is to start the daemon. Asked before the preview, which can be broken off.
    fn wants_service(&self, runs: bool) -> Result<bool, Failure> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR");
        Ok(self.args.service
            || self.args.linger
            || (!self.args.no_service
                && !runs
                && !self.is_for_the_machine()
                && self.ask.is_possible
                && systemd::has_user_manager(runtime.as_ref())
                && self.ask.agrees("Start the watch now and at each log-in?", true)?))
    }

    /// Whether it is the configuration of the service of a machine.
    fn is_for_the_machine(&self) -> bool {
        self.path.starts_with("/etc")
    }

    fn start_service(&self, wanted: bool, runs: bool) -> Result<(), Failure> {
        if wanted {
            service::set_up(self.cx, self.args.linger)?;
            if runs {
                systemd::systemctl(systemd::Scope::User, &["reload", systemd::UNIT])
                    .map_err(|error| Failure::new("the service cannot be told").because(error))?;
            }
        }
        let runtime = std::env::var_os("XDG_RUNTIME_DIR");
        let watch = match (wanted, runs) {
            (true, _) => String::new(),
            (false, true) => {
                "The service runs with the old configuration: systemctl --user reload acewatch\n"
                    .to_owned()
            }
            _ if self.is_for_the_machine() => {
                "To watch all the time: sudo acewatch service install --system\n".to_owned()
            }
            _ if systemd::has_user_manager(runtime.as_ref()) => {
                format!("To watch all the time: {}\n", self.command("service install"))
            }
            _ => format!("To watch: {}, as long as it runs\n", self.command("run")),
        };
        let read = if wanted || runs {
            String::new()
        } else {
            format!("{} reads the mail once, ", self.command("check"))
        };
        render::print(&format!(
            "{watch}{read}{} looks at everything, {} says how all applications stand.\n",
            self.command("doctor"),
            self.command("status")
        ))
    }
}

/// Writes the file; a link to it stays one, and its owner, group and mode what they were: root may write
/// it for the user of a service, or of this computer.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    std::fs::create_dir_all(folder_of(&path))?;
    let replacement = Replacement::of(&path)?;
    let mut file = replacement.file();
    match std::fs::metadata(&path) {
        Ok(before) => {
            // Others than root may give a file to some groups, and to nobody.
            let _ = fchown(file, None, Some(before.gid()));
            let _ = fchown(file, Some(before.uid()), None);
            file.set_permissions(PermissionsExt::from_mode(before.mode() & 0o777))?;
        }
        // The service of a whole machine runs as a user of its own; no secret is in the file.
        Err(_) if path.starts_with("/etc") => {
            file.set_permissions(PermissionsExt::from_mode(0o644))?
        }
        Err(_) => {}
    }
    file.write_all(text.as_bytes())?;
    replacement.put(true)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    #[test]
    fn a_configuration_that_is_changed_stays_whose_it_is_and_where_it_is() {
        let home = tempfile::tempdir().unwrap();
        let (kept, link) = (home.path().join("dotfiles/ace.toml"), home.path().join("config.toml"));
        write(&kept, "old").unwrap();
        symlink(&kept, &link).unwrap();
        fs::set_permissions(&kept, PermissionsExt::from_mode(0o640)).unwrap();
        // Only root can, and then it matters: the group is how a service may read it.
        let _ = chown(&kept, Some(65_533), Some(65_534));
        let before = fs::metadata(&kept).unwrap();
        write(&link, "new").unwrap();
        let after = fs::metadata(&kept).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&kept).unwrap(), b"new");
        assert_eq!(after.mode(), before.mode());
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
    }
}
