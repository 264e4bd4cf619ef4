//! Which folders of a server are meant: names, special uses, roles.
//!
//! Folder names travel in modified UTF-7 (RFC 3501 §5.1.3); people see and write them decoded, the
//! server gets back exactly what it sent. A special use such as `\Junk` (RFC 6154) is looked up
//! among the attributes of LIST; where a server gives none, names in common use stand in.

use std::fmt;

use crate::config::FolderName;
use crate::domain::message::FolderRole;

/// The folder that every account has, in any case of letters (RFC 3501 §5.1).
pub const INBOX: &str = "INBOX";

/// Names under which servers and mail programs keep junk when they do not say so.
const JUNK_NAMES: [&str; 6] =
    ["Junk", "Spam", "Junk E-mail", "Junk Email", "Bulk Mail", "[Gmail]/Spam"];
/// Names under which servers and mail programs keep sent mail when they do not say so.
const SENT_NAMES: [&str; 5] =
    ["Sent", "Sent Items", "Sent Messages", "Sent Mail", "[Gmail]/Sent Mail"];

/// One folder as LIST shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listed {
    /// As the server writes it, and wants it written.
    pub raw: String,
    /// The hierarchy delimiter.
    pub delimiter: Option<char>,
    /// Attributes with their backslash, in lower case.
    pub attributes: Vec<String>,
}

/// A folder to be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Folder {
    /// As people see it; the key of its cursor.
    pub name: String,
    /// As the server wants it.
    pub raw: String,
    /// What mails in it are to us.
    pub role: FolderRole,
}

/// Folders to read, and what is missing.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Resolved {
    /// In reading order: Sent, inbox folders, Junk.
    pub folders: Vec<Folder>,
    /// Special uses for which there is no folder.
    pub missing: Vec<String>,
}

/// Folders that are named in the configuration and not there.
#[derive(Debug, Eq, PartialEq)]
pub struct Absent {
    /// As configured; at least one.
    pub names: Vec<String>,
    /// What is there, decoded.
    pub existing: Vec<String>,
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 30;
        let shown = self.existing.get(..SHOWN).unwrap_or(&self.existing);
        let (names, shown) = (self.names.join("`, `"), shown.join(", "));
        let is_no = if self.names.len() == 1 { "is no folder" } else { "are no folders" };
        write!(f, "there {is_no} `{names}`; there are {shown}")?;
        let more = self.existing.len().saturating_sub(SHOWN);
        if more == 0 { Ok(()) } else { write!(f, " and {more} more") }
    }
}

/// Says whether the configuration can only be understood with the server's list of folders.
#[must_use]
pub fn need_list(folders: &[FolderName], sent: Option<&FolderName>) -> bool {
    folders.iter().chain(sent).any(|name| match name {
        FolderName::SpecialUse(_) => true,
        FolderName::Named(name) => !name.eq_ignore_ascii_case(INBOX),
    })
}

/// Finds the folders that the configuration means among those the server lists.
///
/// `listed` may be empty only if [`need_list`] said no. Sent comes first, so that a reply finds its
/// submission; Junk last.
///
/// # Errors
/// [`Absent`] for all folders that are named and do not exist.
pub fn resolve(
    folders: &[FolderName],
    sent: Option<&FolderName>,
    listed: &[Listed],
) -> Result<Resolved, Absent> {
    let mut resolved = Resolved::default();
    let mut absent: Vec<String> = Vec::new();
    for (name, is_sent) in
        sent.map(|name| (name, true)).into_iter().chain(folders.iter().map(|name| (name, false)))
    {
        let found = match name {
            FolderName::Named(name) if name.eq_ignore_ascii_case(INBOX) => {
                Some((INBOX.to_owned(), INBOX.to_owned(), FolderRole::Inbox))
            }
            FolderName::Named(name) => named(name, listed),
            FolderName::SpecialUse(attribute) => special(attribute, listed),
        };
        let Some((name, raw, role)) = found else {
            let (FolderName::Named(missing) | FolderName::SpecialUse(missing)) = name;
            let all = match name {
                FolderName::Named(_) => &mut absent,
                FolderName::SpecialUse(_) => &mut resolved.missing,
            };
            if !all.contains(missing) {
                all.push(missing.clone());
            }
            continue;
        };
        let role = if is_sent { FolderRole::Sent } else { role };
        if !resolved.folders.iter().any(|folder| folder.raw == raw) {
            resolved.folders.push(Folder { name, raw, role });
        }
    }
    if !absent.is_empty() {
        let existing = listed.iter().filter(|folder| is_selectable(folder));
        let existing = existing.map(|folder| decoded(&folder.raw)).collect();
        return Err(Absent { names: absent, existing });
    }
    resolved.folders.sort_by_key(|folder| match folder.role {
        FolderRole::Sent => 0,
        FolderRole::Inbox => 1,
        FolderRole::Junk => 2,
    });
    Ok(resolved)
}

fn named(name: &str, listed: &[Listed]) -> Option<(String, String, FolderRole)> {
    let selectable = || listed.iter().filter(|folder| is_selectable(folder));
    let found = selectable()
        .find(|folder| decoded(&folder.raw) == name)
        .or_else(|| selectable().find(|folder| folder.raw == name))?;
    let role = if has(found, "\\junk") || is_known(found, &JUNK_NAMES) {
        FolderRole::Junk
    } else if has(found, "\\sent") {
        FolderRole::Sent
    } else {
        FolderRole::Inbox
    };
    Some((decoded(&found.raw), found.raw.clone(), role))
}

fn special(attribute: &str, listed: &[Listed]) -> Option<(String, String, FolderRole)> {
    let attribute = attribute.to_ascii_lowercase();
    let (role, names): (_, &[&str]) = match attribute.as_str() {
        "\\junk" => (FolderRole::Junk, &JUNK_NAMES),
        "\\sent" => (FolderRole::Sent, &SENT_NAMES),
        "\\inbox" => return Some((INBOX.to_owned(), INBOX.to_owned(), FolderRole::Inbox)),
        _ => (FolderRole::Inbox, &[]),
    };
    let selectable = || listed.iter().filter(|folder| is_selectable(folder));
    // In the order of the names, so that `Junk` wins over a `Spam` somebody made.
    let found = selectable().find(|folder| has(folder, &attribute)).or_else(|| {
        names.iter().find_map(|name| selectable().find(|folder| is_known(folder, &[name])))
    })?;
    Some((decoded(&found.raw), found.raw.clone(), role))
}

fn is_selectable(folder: &Listed) -> bool {
    !has(folder, "\\noselect") && !has(folder, "\\nonexistent")
}

fn has(folder: &Listed, attribute: &str) -> bool {
    folder.attributes.iter().any(|one| one == attribute)
}

/// Whether a folder bears one of the names, at the top or below INBOX, where some servers (Courier)
/// keep everything.
fn is_known(folder: &Listed, names: &[&str]) -> bool {
    let below_inbox = folder.delimiter.and_then(|delimiter| {
        let (top, rest) = folder.raw.split_once(delimiter)?;
        top.eq_ignore_ascii_case(INBOX).then_some(rest)
    });
    let name = below_inbox.unwrap_or(&folder.raw);
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Decodes modified UTF-7; what is not well-formed is shown as it is.
#[must_use]
pub fn decoded(raw: &str) -> String {
    try_decoded(raw).unwrap_or_else(|| raw.to_owned())
}

fn try_decoded(raw: &str) -> Option<String> {
    let mut decoded = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let (shifted, after) = after.split_once('-')?;
        rest = after;
        if shifted.is_empty() {
            decoded.push('&');
            continue;
        }
        let (mut bits, mut n_bits, mut units) = (0u32, 0u32, Vec::new());
        for digit in shifted.bytes() {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b',' => 63,
                _ => return None,
            };
            bits = (bits << 6) | u32::from(value);
            n_bits += 6;
            if 16 <= n_bits {
                n_bits -= 16;
                units.push(u16::try_from(bits >> n_bits).ok()?);
                bits &= (1 << n_bits) - 1;
            }
        }
        decoded.push_str(&String::from_utf16(&units).ok()?);
    }
    decoded.push_str(rest);
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn listed(folders: &[(&str, &[&str])]) -> Vec<Listed> {
        folders
            .iter()
            .map(|(raw, attributes)| Listed {
                raw: (*raw).to_owned(),
                delimiter: Some('/'),
                attributes: attributes.iter().map(|one| one.to_ascii_lowercase()).collect(),
            })
            .collect()
    }

    fn name(written: &str) -> FolderName {
        if written.starts_with('\\') {
            FolderName::SpecialUse(written.to_owned())
        } else {
            FolderName::Named(written.to_owned())
        }
    }

    fn resolved(folders: &[&str], sent: &str, on: &[(&str, &[&str])]) -> Result<Resolved, Absent> {
        let folders: Vec<FolderName> = folders.iter().map(|one| name(one)).collect();
        let sent = (!sent.is_empty()).then(|| name(sent));
        resolve(&folders, sent.as_ref(), &listed(on))
    }

    fn check(folders: &[&str], sent: &str, on: &[(&str, &[&str])], expected: &[&str]) {
        let resolved = resolved(folders, sent, on).unwrap();
        let shown: Vec<String> = resolved
            .folders
            .iter()
            .map(|folder| format!("{:?} {} {}", folder.role, folder.name, folder.raw))
            .chain(resolved.missing.iter().map(|missing| format!("missing {missing}")))
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn special_uses_are_found_by_attribute_and_read_in_order() {
        check(
            &["INBOX", "\\Junk"],
            "\\Sent",
            &[("INBOX", &[]), ("Bin", &["\\Junk"]), ("Junk", &[]), ("Gesendet", &["\\Sent"])],
            &["Sent Gesendet Gesendet", "Inbox INBOX INBOX", "Junk Bin Bin"],
        );
    }

    #[test]
    fn names_in_common_use_stand_in_for_attributes() {
        check(
            &["INBOX", "\\Junk"],
            "\\Sent",
            &[("Spam", &[]), ("Sent", &["\\Noselect"]), ("INBOX/Sent Items", &[])],
            &["Sent INBOX/Sent Items INBOX/Sent Items", "Inbox INBOX INBOX", "Junk Spam Spam"],
        );
    }

    #[test]
    fn a_special_use_without_a_folder_is_only_missing() {
        check(
            &["INBOX", "\\Junk"],
            "\\Sent",
            &[("INBOX", &[])],
            &["Inbox INBOX INBOX", "missing \\Sent", "missing \\Junk"],
        );
    }

    #[test]
    fn names_are_shown_decoded_and_sent_as_they_are() {
        check(
            &["Entwürfe & Zoll"],
            "",
            &[("Entw&APw-rfe &- Zoll", &[])],
            &["Inbox Entwürfe & Zoll Entw&APw-rfe &- Zoll"],
        );
    }

    #[test]
    fn named_folders_that_are_not_there_are_an_error_that_lists_what_is() {
        for (folders, sent, expected) in [
            (&["Zoll"][..], "", "there is no folder `Zoll`"),
            (&["Zoll", "INBOX", "Zoll"], "", "there is no folder `Zoll`"),
            (&["Zoll", "\\Junk", "Bonds"], "Out", "there are no folders `Out`, `Zoll`, `Bonds`"),
        ] {
            let absent = resolved(folders, sent, &[("INBOX", &[]), ("Sent", &[])]).unwrap_err();
            assert_eq!(absent.to_string(), format!("{expected}; there are INBOX, Sent"));
        }
    }

    #[test]
    fn a_folder_meant_twice_is_read_once() {
        check(
            &["INBOX", "inbox", "Spam", "\\Junk"],
            "",
            &[("Spam", &["\\Junk"])],
            &["Inbox INBOX INBOX", "Junk Spam Spam"],
        );
    }

    #[test]
    fn modified_utf_7_is_read_as_rfc_3501_shows_it() {
        for (raw, expected) in [
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("&2D3eAA-", "\u{1f600}"),
            ("a&b", "a&b"),
            ("&*-", "&*-"),
        ] {
            assert_eq!(decoded(raw), expected);
        }
    }

    proptest! {
        #[test]
        fn no_name_breaks_the_decoder(raw in "[&,+A-Za-z0-9é-]{0,20}") {
            let _ = decoded(&raw);
        }
    }
}
