//! Whether other users may change what decides which programs run in this user's name.
//!
//! The configuration names programs (`password-command`, `show-command`, a channel's `command` …). Who may write
//! it, one of these programs or a folder above can have programs of their own run with this user's mail and secrets.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{Check, Outcome};
use crate::config::Settings;
use crate::notify::channel::Carrier;
use crate::oauth::SharedSecret;
use crate::oauth::vault::{Key, Store};
use crate::program;
use crate::secret::SecretSource;
use crate::shell;

/// As whom a user namespace shows all those who are not in it, such as the machine's root.
const UNSEEN: u32 = 65534;

/// Who else may change a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Other {
    Owner,
    Everybody,
    Group,
}

/// Who this process is.
struct Me {
    user: u32,
    group: u32,
    /// Whether nobody else is in the group.
    is_alone: bool,
}

/// Looks at these files, at the programs that the settings name, and at all folders above.
pub(super) fn of_files(files: &[&Path], settings: Option<&Settings>) -> Vec<Check> {
    let Ok(process) = fs::metadata("/proc/self") else { return Vec::new() };
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let (user, group) = (process.uid(), process.gid());
    let is_alone = is_alone_in(user, group, &read("/etc/passwd"), &read("/etc/group"));
    let me = Me { user, group, is_alone };
    let mut found: Vec<(PathBuf, Other)> = Vec::new();
    let programs = settings.map(programs).unwrap_or_default();
    for file in files.iter().copied().chain(programs.iter().map(PathBuf::as_path)) {
        // A link leads elsewhere, and may itself be replaced.
        for way in [std::path::absolute(file), fs::canonicalize(file)].into_iter().flatten() {
            for path in way.ancestors() {
                let Ok(file) = fs::metadata(path) else { continue };
                let owner = (file.uid(), file.gid());
                if let Some(other) = other(owner, file.mode(), file.is_dir(), &me)
                    && found.iter().all(|(known, _)| known != path)
                {
                    found.push((path.to_owned(), other));
                }
            }
        }
    }
    [Other::Owner, Other::Everybody, Other::Group]
        .into_iter()
        .filter_map(|other| {
            let paths = found.iter().filter(|(_, one)| *one == other).map(|(path, _)| path);
            told(other, &paths.map(PathBuf::as_path).collect::<Vec<_>>(), user == 0)
        })
        .collect()
}

fn told(other: Other, paths: &[&Path], is_root: bool) -> Option<Check> {
    let shown = paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let typed = paths
        .iter()
        .map(|path| shell::quoted(&path.display().to_string()))
        .collect::<Vec<_>>()
        .join(" ");
    let (outcome, who, hint) = match other {
        _ if paths.is_empty() => return None,
        // Root may look after the watch of another user, or be one of a container alone.
        Other::Owner if is_root => (
            Outcome::Warning,
            "another user owns",
            "run acewatch as the user whose files these are, unless you mean to trust that user"
                .to_owned(),
        ),
        Other::Owner => {
            (Outcome::Fault, "another user owns", format!("sudo chown \"$(id -u)\" {typed}"))
        }
        Other::Everybody => (Outcome::Fault, "every user can write", format!("chmod go-w {typed}")),
        Other::Group => {
            (Outcome::Warning, "other users of its group can write", format!("chmod go-w {typed}"))
        }
    };
    let detail = format!("{who} {shown}, and so can change what runs in your name");
    let check = Check::fault("rights", detail, hint);
    Some(Check { outcome, ..check })
}

/// Who else may change a file of this owner and group, or put another one into this folder.
fn other((owner, group): (u32, u32), mode: u32, is_folder: bool, me: &Me) -> Option<Other> {
    let is_roots = owner == 0 || owner == UNSEEN;
    let is_own = me.is_alone && group == me.group;
    match mode {
        _ if !is_roots && owner != me.user => Some(Other::Owner),
        // In a folder such as /tmp nobody may replace what is another's.
        _ if is_folder && mode & 0o1000 != 0 => None,
        _ if mode & 0o002 != 0 => Some(Other::Everybody),
        // What root shares, as Debian does /usr/local with the group staff, is root's decision.
        _ if mode & 0o020 != 0 && !is_roots && !is_own => Some(Other::Group),
        _ => None,
    }
}

/// Whether a user is alone in this group, as in those that most systems make for each user; by the texts of
/// passwd(5) and group(5). A group that is not there may have members elsewhere.
fn is_alone_in(user: u32, group: u32, users: &str, groups: &str) -> bool {
    let split = |line: &'_ str| line.split(':').map(str::to_owned).collect::<Vec<String>>();
    let number = |fields: &[String], n: usize| fields.get(n)?.parse::<u32>().ok();
    let users: Vec<_> = users.lines().map(split).collect();
    let name = users.iter().find(|one| number(one, 2) == Some(user)).and_then(|one| one.first());
    let is_other = |one: &Vec<String>| number(one, 3) == Some(group) && one.first() != name;
    let listed = groups.lines().map(split).find(|one| number(one, 2) == Some(group));
    let members = listed.map(|listed| listed.get(3).cloned().unwrap_or_default());
    !users.iter().any(is_other)
        && members.is_some_and(|members| {
            members.split(',').all(|one| one.is_empty() || Some(one) == name.map(String::as_str))
        })
}

/// The programs that the settings have run, as far as they are there.
fn programs(settings: &Settings) -> Vec<PathBuf> {
    let mut commands: Vec<&[String]> = vec![&settings.notify.show_command];
    let mut sources: Vec<&SecretSource> = Vec::new();
    for mailbox in &settings.mailboxes {
        sources.push(&mailbox.secret);
        let Some(oauth) = mailbox.secret.oauth() else { continue };
        if let Some(SharedSecret::From(source)) = &oauth.settings.client_secret {
            sources.push(source);
        }
        if let Store::File(Key::From(source)) = &oauth.settings.vault.store {
            sources.push(source);
        }
    }
    for channel in &settings.channels {
        match &channel.carrier {
            Carrier::Command(command) => commands.push(command),
            Carrier::Mail(mail) => sources.extend(mail.login.iter().map(|(_, source)| source)),
            Carrier::Webhook(webhook) => sources.extend(&webhook.token),
        }
    }
    commands.extend(sources.into_iter().filter_map(|source| match source {
        SecretSource::Command(command) | SecretSource::TokenCommand(command) => {
            Some(command.as_slice())
        }
        _ => None,
    }));
    commands.into_iter().filter_map(|command| program::find(command.first()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_else_may_change_a_file() {
        let me = |is_alone| Me { user: 1000, group: 1000, is_alone };
        for (owner, mode, is_folder, is_alone, expected) in [
            ((1000, 1000), 0o600, false, true, None),
            ((1000, 1000), 0o644, false, true, None),
            // Each user's own group.
            ((1000, 1000), 0o664, false, true, None),
            ((1000, 1000), 0o664, false, false, Some(Other::Group)),
            ((1000, 100), 0o660, false, true, Some(Other::Group)),
            ((1000, 100), 0o770, true, true, Some(Other::Group)),
            ((1000, 1000), 0o666, false, true, Some(Other::Everybody)),
            ((1000, 1000), 0o777, true, true, Some(Other::Everybody)),
            // Root's: /etc/acewatch, /usr/local/bin, /tmp.
            ((0, 1000), 0o640, false, true, None),
            ((0, 50), 0o2775, true, true, None),
            ((0, 0), 0o1777, true, true, None),
            ((0, 0), 0o777, true, true, Some(Other::Everybody)),
            ((UNSEEN, UNSEEN), 0o755, true, true, None),
            ((1001, 1001), 0o600, false, true, Some(Other::Owner)),
            ((1001, 1001), 0o1777, true, true, Some(Other::Owner)),
        ] {
            let found = other(owner, mode, is_folder, &me(is_alone));
            assert_eq!(found, expected, "{owner:?} {mode:o} {is_folder} {is_alone}");
        }
    }

    #[test]
    fn root_is_not_told_to_take_a_user_s_files_away() {
        let told =
            |is_root| told(Other::Owner, &[Path::new("/home/dana/c.toml")], is_root).unwrap();
        let (root, user) = (told(true), told(false));
        assert_eq!((root.outcome, user.outcome), (Outcome::Warning, Outcome::Fault));
        assert!(!root.hint.unwrap().contains("chown"));
        assert_eq!(user.hint.unwrap(), "sudo chown \"$(id -u)\" '/home/dana/c.toml'");
    }

    #[test]
    fn a_group_is_one_s_own_where_it_is_known_to_have_nobody_else() {
        let users = "root:x:0:0::/root:/bin/sh\ndana:x:1000:1000::/home/dana:/bin/sh\n";
        let other = format!("{users}lee:x:1001:1000::/home/lee:/bin/sh\n");
        for (users, groups, expected) in [
            (users, "dana:x:1000:\n", true),
            (users, "dana:x:1000:dana\n", true),
            (users, "dana:x:1000:lee\n", false),
            (users, "dana:x:1000:dana,lee\n", false),
            (other.as_str(), "dana:x:1000:\n", false),
            (users, "staff:x:50:\n", false),
            ("", "dana:x:1000:\n", true),
        ] {
            assert_eq!(is_alone_in(1000, 1000, users, groups), expected, "{users}{groups}");
        }
    }
}
