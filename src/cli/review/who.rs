//! Who is sitting there: the name of the user on this system.

use std::os::unix::fs::MetadataExt;

/// The user's name as the system's list of users has it, else as the environment has it, else the
/// user's number.
pub(crate) fn who() -> String {
    let id = std::fs::metadata("/proc/self").map(|process| process.uid()).ok();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let listed = id.and_then(|id| name_of(&users, id));
    let told = || ["LOGNAME", "USER"].iter().find_map(|name| std::env::var(name).ok());
    listed
        .or_else(|| told().filter(|name| !name.is_empty()))
        .or_else(|| id.map(|id| format!("user {id}")))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The name of a user in the text of passwd(5).
fn name_of(users: &str, id: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let users = "root:x:0:0:root:/root:/bin/sh\n\nbroken\nops:x:1000:1000::/home/ops:/bin/sh\n";
        assert_eq!(name_of(users, 1000).as_deref(), Some("ops"));
        assert_eq!(name_of(users, 0).as_deref(), Some("root"));
        assert_eq!(name_of(users, 7), None);
        assert!(!who().is_empty());
    }
}
