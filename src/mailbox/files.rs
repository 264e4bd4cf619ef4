//! Local mail: `.eml` files, mbox files and Maildirs, read one mail at a time.
//!
//! `import` and `explain` take what people have: a mail saved from a client, an export of a
//! whole account, a Maildir beside the server. All of it goes the way of IMAP mail, so that
//! this module gives nothing but bytes, the folder they count as lying in, and where they come
//! from. One mail is in memory at a time, of bounded size, and one that cannot be read is an
//! error between the others.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use super::mbox::{LINE_LOOKED_AT, Mbox, is_header_field, read_line};
use crate::domain::message::FolderRole;

/// The largest mail that [`read`] takes, in bytes.
pub const LARGEST: u64 = 50_000_000;

/// One mail as it lay in a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LocalMail {
    /// The file; `-` for standard input.
    pub path: PathBuf,
    /// Which mail of an mbox file, from 1; `None` for a file that is one mail.
    pub position: Option<usize>,
    /// The folder it counts as lying in, as written; `INBOX` where nothing says.
    pub folder: String,
    /// What that folder is for.
    pub role: FolderRole,
    /// The mail itself, without the `From ` line of an mbox.
    pub bytes: Vec<u8>,
}

/// Why one mail, or one file or directory, could not be read.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot read {}{}",
    path.display(),
    position.map(|n| format!(", mail {n}")).unwrap_or_default()
)]
pub struct LocalMailError {
    /// The file or directory; `-` for standard input.
    pub path: PathBuf,
    /// Which mail of an mbox file, from 1.
    pub position: Option<usize>,
    /// What is wrong.
    #[source]
    pub fault: Fault,
}

/// What is wrong with a file or a mail in it.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The system says no.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// Not the text of a mail: a compressed file, a picture, a format of one mail client.
    #[error("this is not a mail as text (.eml), an mbox file or a Maildir")]
    NotMail,
    /// Beyond the bound.
    #[error("the mail is larger than {limit} bytes")]
    TooLarge {
        /// The bound, in bytes.
        limit: u64,
    },
}

/// Reads the mails below `paths`, in the order given, of at most [`LARGEST`] bytes each.
///
/// A path is a file with one mail, an mbox file, a Maildir, a directory that is searched for
/// all of these, or `-` for standard input. Within a directory, folders with sent mail come
/// first and junk comes last, so that a submission is known when its answer is read. What is
/// not mail is passed over there and counted ([`LocalMails::unsupported`]); a file that was
/// named is read whatever its name.
///
/// `folder` says where the mails lie; else the nearest directory or mbox file of a known name
/// does (`Sent`, `.Junk`, `[Gmail]/Sent Mail`), else they lie in the INBOX.
pub fn read(paths: &[PathBuf], folder: Option<&str>) -> LocalMails {
    LocalMails::new(paths, folder, Box::new(io::stdin()))
}

/// The mails below some paths; made by [`read`].
pub struct LocalMails {
    /// What is still to be visited, the next one last.
    pending: Vec<Pending>,
    /// The mbox file that is being read.
    mbox: Option<Mbox>,
    folder: Option<String>,
    limit: u64,
    n_unsupported: usize,
    /// Standard input, until it has been read.
    stdin: Option<Box<dyn Read + Send>>,
}

impl LocalMails {
    fn new(paths: &[PathBuf], folder: Option<&str>, stdin: Box<dyn Read + Send>) -> Self {
        Self {
            pending: paths.iter().rev().cloned().map(Pending::Named).collect(),
            mbox: None,
            folder: folder.map(str::to_owned),
            limit: LARGEST,
            n_unsupported: 0,
            stdin: Some(stdin),
        }
    }

    /// Takes mails of up to `limit` bytes instead of [`LARGEST`].
    pub fn up_to(self, limit: u64) -> Self {
        Self { limit, ..self }
    }

    /// How many files were passed over so far because they hold no mail by name or content.
    /// Hidden files and what belongs to a Maildir's bookkeeping are not counted.
    pub fn unsupported(&self) -> usize {
        self.n_unsupported
    }

    /// Visits one path; `None` if it gave no mail and no error by itself.
    fn visit(&mut self, pending: Pending) -> Option<Result<LocalMail, LocalMailError>> {
        let path = pending.path().to_owned();
        let outcome = match pending {
            Pending::Named(path) if path == Path::new("-") => {
                // Named twice, it has ended the second time.
                let stdin = self.stdin.take().unwrap_or_else(|| Box::new(io::empty()));
                self.open(path, stdin, Kind::Unknown)
            }
            Pending::Named(path) => match fs::metadata(&path) {
                Ok(metadata) if metadata.is_dir() => self.enter(&path).map(|()| None),
                Ok(_) => self.open_file(path),
                Err(err) => Err(err.into()),
            },
            Pending::Directory(path) => self.enter(&path).map(|()| None),
            Pending::Mail(path) => File::open(&path)
                .map_err(Fault::from)
                .and_then(|file| self.open(path, Box::new(file), Kind::Mail)),
            Pending::Found(path) => self.found(path),
        };
        match outcome {
            Ok(mail) => mail.map(Ok),
            Err(fault) => Some(Err(LocalMailError { path, position: None, fault })),
        }
    }

    /// Reads a file that a search came across, if it looks like mail.
    fn found(&mut self, path: PathBuf) -> Result<Option<LocalMail>, Fault> {
        if has_extension(&path, &["eml", "mbox", "mbx"]) || begins_like_mbox(&path)? {
            return self.open_file(path);
        }
        self.n_unsupported += 1;
        Ok(None)
    }

    fn open_file(&mut self, path: PathBuf) -> Result<Option<LocalMail>, Fault> {
        let kind = if has_extension(&path, &["eml"]) { Kind::Mail } else { Kind::Unknown };
        let file = File::open(&path)?;
        self.open(path, Box::new(file), kind)
    }

    /// Reads the one mail of a file, or begins an mbox.
    fn open(
        &mut self,
        path: PathBuf,
        from: Box<dyn Read + Send>,
        kind: Kind,
    ) -> Result<Option<LocalMail>, Fault> {
        let mut reader = BufReader::new(from);
        skip_byte_order_mark(&mut reader)?;
        let (folder, role) = self.folder_of(&path, kind);
        let is_mbox = starts_with(&mut reader, b"From ")?;
        if is_mbox && kind == Kind::Unknown {
            self.mbox = Some(Mbox::new(path, folder, role, reader, self.limit));
            return Ok(None);
        }
        if is_mbox {
            // Some clients save a single mail with the line that parted it from others.
            read_line(&mut reader, &mut Vec::new(), LINE_LOOKED_AT)?;
        }
        let mut bytes = Vec::new();
        reader.take(self.limit.saturating_add(1)).read_to_end(&mut bytes)?;
        accept(&bytes, self.limit)?;
        Ok(Some(LocalMail { path, position: None, folder, role, bytes }))
    }

    /// Puts the entries of a directory onto the list.
    fn enter(&mut self, directory: &Path) -> Result<(), Fault> {
        let in_maildir = is_maildir(directory);
        let holds_mails = is_part_of_maildir(directory);
        // By rank, then by name: the same order on every run and machine.
        let mut entries = BTreeMap::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name());
            let is_hidden = name.as_encoded_bytes().starts_with(b".");
            // A hidden directory is a folder of a Maildir++ (`.Sent`) or none of our business.
            // A link to a directory is not followed here: it may lead back up.
            let file_type = entry.file_type()?;
            let pending = if file_type.is_dir() {
                let is_bookkeeping = in_maildir && name == "tmp";
                if is_bookkeeping || (is_hidden && !is_maildir(&path)) {
                    continue;
                }
                Pending::Directory(path.clone())
            } else if is_hidden || !fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                continue;
            } else if holds_mails {
                Pending::Mail(path.clone())
            } else if in_maildir && !has_extension(&path, &["eml", "mbox", "mbx"]) {
                // Subscriptions, indexes and caches of the server.
                continue;
            } else {
                Pending::Found(path.clone())
            };
            let rank = match role_of_component(&name, file_type.is_dir()).map(|(_, role)| role) {
                Some(FolderRole::Sent) => 0,
                Some(FolderRole::Inbox) | None => 1,
                Some(FolderRole::Junk) => 2,
            };
            entries.insert((rank, name), pending);
        }
        self.pending.extend(entries.into_values().rev());
        Ok(())
    }

    fn folder_of(&self, path: &Path, kind: Kind) -> (String, FolderRole) {
        if let Some(folder) = &self.folder {
            return (folder.clone(), role_of_name(folder));
        }
        // The name of a single mail is its subject, as a rule, and says nothing.
        let from = if kind == Kind::Mail { path.parent().unwrap_or(Path::new("")) } else { path };
        from.components()
            .rev()
            .find_map(|component| match component {
                Component::Normal(name) => role_of_component(name, true),
                _ => None,
            })
            .unwrap_or_else(|| ("INBOX".to_owned(), FolderRole::Inbox))
    }
}

impl Iterator for LocalMails {
    type Item = Result<LocalMail, LocalMailError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(mbox) = &mut self.mbox {
                match mbox.next() {
                    Some(mail) => return Some(mail),
                    None => self.mbox = None,
                }
            }
            let pending = self.pending.pop()?;
            if let Some(mail) = self.visit(pending) {
                return Some(mail);
            }
        }
    }
}

/// What is to be visited.
#[derive(Debug)]
enum Pending {
    /// Named by the user: read whatever it is.
    Named(PathBuf),
    /// Found in a directory.
    Directory(PathBuf),
    /// A file in a directory, mail or not.
    Found(PathBuf),
    /// A file in a Maildir: one mail, whatever its name.
    Mail(PathBuf),
}

impl Pending {
    fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Directory(path) | Self::Found(path) | Self::Mail(path) => {
                path
            }
        }
    }
}

/// What the name and place of a file say of its content.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// One mail.
    Mail,
    /// One mail or an mbox: the first line decides.
    Unknown,
}

/// Tells text that may be a mail from what cannot be one. It is generous: a broken mail is the
/// parser's business, and only a file of another kind is turned away here.
pub(super) fn accept(bytes: &[u8], limit: u64) -> Result<(), Fault> {
    const LOOKED_AT: usize = 64 << 10;
    if bytes.is_empty() {
        return Err(Fault::Empty);
    }
    if limit < bytes.len() as u64 {
        return Err(Fault::TooLarge { limit });
    }
    let beginning = bytes.get(..LOOKED_AT).unwrap_or(bytes);
    // Compressed files, pictures, PST and MSG files, and text in UTF-16 have NULs early; mails
    // may hold one, but not in front of their header.
    let is_binary = beginning.iter().take(256).any(|byte| *byte == 0)
        || [&b"%PDF"[..], b"PK\x03\x04", b"\x1f\x8b"].iter().any(|magic| bytes.starts_with(magic));
    if is_binary || !beginning.split(|byte| *byte == b'\n').any(is_header_field) {
        return Err(Fault::NotMail);
    }
    Ok(())
}

fn skip_byte_order_mark(reader: &mut impl BufRead) -> io::Result<()> {
    if starts_with(reader, b"\xef\xbb\xbf")? {
        reader.consume(3);
    }
    Ok(())
}

/// True if what comes next is `beginning`. A file gives its first bytes at once; a pipe may not,
/// and is then taken for what most are, a single mail.
fn starts_with(reader: &mut impl BufRead, beginning: &[u8]) -> io::Result<bool> {
    Ok(reader.fill_buf()?.starts_with(beginning))
}

fn begins_like_mbox(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::with_capacity(5);
    File::open(path)?.take(5).read_to_end(&mut beginning)?;
    Ok(beginning == b"From ")
}

fn has_extension(path: &Path, extensions: &[&str]) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    extensions.iter().any(|known| known.eq_ignore_ascii_case(extension))
}

/// True for the directory of a Maildir. It has `cur`, `new` and `tmp`; an archive or a copy may
/// have lost those that were empty.
fn is_maildir(directory: &Path) -> bool {
    let has = |name: &str| directory.join(name).is_dir();
    has("cur") || (has("new") && has("tmp"))
}

/// True for `cur` and `new` of a Maildir.
fn is_part_of_maildir(directory: &Path) -> bool {
    let name = directory.file_name().and_then(OsStr::to_str).unwrap_or_default();
    ["cur", "new"].contains(&name) && directory.parent().is_some_and(is_maildir)
}

/// The folder that a directory or mbox file means by its name: `.Sent`, `Junk.mbox`.
fn role_of_component(name: &OsStr, is_folder: bool) -> Option<(String, FolderRole)> {
    let name = name.to_str()?;
    let name = ["mbox", "mbx", "sbd"]
        .into_iter()
        .find_map(|known| {
            let (stem, extension) = name.rsplit_once('.')?;
            (!stem.is_empty() && extension.eq_ignore_ascii_case(known)).then_some(stem)
        })
        .unwrap_or(name);
    match name.strip_prefix('.') {
        // Maildir++ parts levels by dots: `.INBOX.Sent`.
        Some(levels) if is_folder => {
            levels.rsplit('.').find_map(|level| Some((level, role(level)?)))
        }
        _ => role(name).map(|role| (name, role)),
    }
    .map(|(name, role)| match role {
        // RFC 3501 §5.1: its name is the one that ignores case.
        FolderRole::Inbox => ("INBOX".to_owned(), role),
        FolderRole::Junk | FolderRole::Sent => (name.to_owned(), role),
    })
}

/// What a folder that the user named is for: `Sent`, `\Sent`, `INBOX.Sent`, `[Gmail]/Spam`.
fn role_of_name(folder: &str) -> FolderRole {
    folder.rsplit(['/', '.']).find_map(role).unwrap_or(FolderRole::Inbox)
}

/// The names that mail clients and servers give these folders.
fn role(name: &str) -> Option<FolderRole> {
    const SENT: [&str; 5] = ["sent", "sent items", "sent mail", "sent messages", "sent-mail"];
    const JUNK: [&str; 6] = ["junk", "junk e-mail", "junk email", "junk mail", "spam", "bulk mail"];
    let name = name.trim_start_matches('\\').to_lowercase();
    match name.as_str() {
        "inbox" => Some(FolderRole::Inbox),
        name if SENT.contains(&name) => Some(FolderRole::Sent),
        name if JUNK.contains(&name) => Some(FolderRole::Junk),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &str = "Subject: a\n\nText of a.\n";
    const B: &str = "Subject: b\n\nText of b.\n";
    const FROM: &str = "From x@broker.example Mon Jan  5 09:00:00 2026\n";

    /// A directory with these files; a name that ends in a slash is an empty directory.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let path = root.path().join(name);
            if name.ends_with('/') {
                fs::create_dir_all(path).unwrap();
            } else {
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, content).unwrap();
            }
        }
        root
    }

    /// What is read, one line each: path and position, folder and role, and the mail.
    fn lines(mails: &mut LocalMails, root: &Path) -> Vec<String> {
        let place = |path: &Path, position: Option<usize>| {
            let path = path.strip_prefix(root).unwrap_or(path).display().to_string();
            path + &position.map(|n| format!("#{n}")).unwrap_or_default()
        };
        mails
            .map(|mail| match mail {
                Ok(LocalMail { path, position, folder, role, bytes }) => {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    format!("{} {folder}/{role:?} {text:?}", place(&path, position))
                }
                Err(LocalMailError { path, position, fault }) => {
                    format!("{}: {fault}", place(&path, position))
                }
            })
            .collect()
    }

    fn check(files: &[(&str, &str)], paths: &[&str], expected: &[&str], unsupported: usize) {
        let root = tree(files);
        let paths: Vec<PathBuf> = paths.iter().map(|path| root.path().join(path)).collect();
        let mut mails = read(&paths, None);
        assert_eq!(lines(&mut mails, root.path()), expected);
        assert_eq!(mails.unsupported(), unsupported);
    }

    #[test]
    fn files_are_read_in_the_order_given_and_a_bad_one_stops_none() {
        check(
            &[("b.eml", B), ("a.eml", A), ("empty.eml", ""), ("pic.eml", "\0\0PNG"), ("n", A)],
            &["b.eml", "none.eml", "empty.eml", "pic.eml", "n", "a.eml"],
            &[
                r#"b.eml INBOX/Inbox "Subject: b\n\nText of b.\n""#,
                "none.eml: No such file or directory (os error 2)",
                "empty.eml: the file is empty",
                "pic.eml: this is not a mail as text (.eml), an mbox file or a Maildir",
                r#"n INBOX/Inbox "Subject: a\n\nText of a.\n""#,
                r#"a.eml INBOX/Inbox "Subject: a\n\nText of a.\n""#,
            ],
            0,
        );
    }

    #[test]
    fn a_directory_is_searched_for_all_that_is_mail() {
        check(
            &[
                ("d/z.EML", "Subject: z\n"),
                ("d/list.csv", "a,b\n"),
                ("d/pic.png", "\0"),
                ("d/.hidden.eml", A),
                ("d/.git/x.eml", A),
                ("d/Inbox", &format!("{FROM}Subject: m\n")),
                ("d/Junk/j.eml", "Subject: j\n"),
                ("d/deep/Sent/2026/s.eml", "Subject: s\n"),
                ("d/Sent/s.eml", "Subject: t\n"),
            ],
            &["d"],
            &[
                r#"d/Sent/s.eml Sent/Sent "Subject: t\n""#,
                r#"d/Inbox#1 INBOX/Inbox "Subject: m\n""#,
                r#"d/deep/Sent/2026/s.eml Sent/Sent "Subject: s\n""#,
                r#"d/z.EML INBOX/Inbox "Subject: z\n""#,
                r#"d/Junk/j.eml Junk/Junk "Subject: j\n""#,
            ],
            2,
        );
    }

    #[test]
    fn a_maildir_has_mails_without_extension_and_hidden_folders() {
        let files = [
            ("M/cur/1:2,S", "Subject: 1\n"),
            ("M/new/2", "Subject: 2\n"),
            ("M/tmp/3", "Subject: 3\n"),
            ("M/cur/.nfs", "x"),
            ("M/dovecot-uidlist", "3 V1\n"),
            ("M/subscriptions", "Sent\n"),
            ("M/.Junk/cur/4", "Subject: 4\n"),
            ("M/.INBOX.Sent/cur/5", "Subject: 5\n"),
            ("M/.INBOX.Sent/maildirfolder", ""),
            ("M/.cache/x.eml", A),
            ("M/Sent Items/cur/6", "Subject: 6\n"),
        ];
        check(
            &files,
            &["M"],
            &[
                r#"M/.INBOX.Sent/cur/5 Sent/Sent "Subject: 5\n""#,
                r#"M/Sent Items/cur/6 Sent Items/Sent "Subject: 6\n""#,
                r#"M/cur/1:2,S INBOX/Inbox "Subject: 1\n""#,
                r#"M/new/2 INBOX/Inbox "Subject: 2\n""#,
                r#"M/.Junk/cur/4 Junk/Junk "Subject: 4\n""#,
            ],
            0,
        );
        check(&files, &["M/new"], &[r#"M/new/2 INBOX/Inbox "Subject: 2\n""#], 0);
        check(&files, &["M/new/2"], &[r#"M/new/2 INBOX/Inbox "Subject: 2\n""#], 0);
    }

    #[test]
    fn a_link_that_leads_back_up_is_not_followed() {
        let root = tree(&[("d/a.eml", "Subject: a\n")]);
        std::os::unix::fs::symlink(root.path(), root.path().join("d/up")).unwrap();
        std::os::unix::fs::symlink("a.eml", root.path().join("d/b.eml")).unwrap();
        let found = lines(&mut read(&[root.path().to_owned()], None), root.path());
        assert_eq!(
            found,
            [r#"d/a.eml INBOX/Inbox "Subject: a\n""#, r#"d/b.eml INBOX/Inbox "Subject: a\n""#]
        );
    }

    #[test]
    fn a_mail_beyond_the_bound_is_passed_over() {
        let large = format!("Subject: l\n\n{}\n{}\n", "x".repeat(90), "y".repeat(5_000));
        let root = tree(&[
            ("m.mbox", &format!("{FROM}{A}\n{FROM}{large}\n{FROM}{B}\n")),
            ("n.eml", &large),
        ]);
        let paths = [root.path().join("m.mbox"), root.path().join("n.eml")];
        assert_eq!(
            lines(&mut read(&paths, None).up_to(100), root.path()),
            [
                r#"m.mbox#1 INBOX/Inbox "Subject: a\n\nText of a.\n""#,
                "m.mbox#2: the mail is larger than 100 bytes",
                r#"m.mbox#3 INBOX/Inbox "Subject: b\n\nText of b.\n""#,
                "n.eml: the mail is larger than 100 bytes",
            ]
        );
        let exactly = A.len() as u64;
        let mbox = &paths[..1];
        assert!(read(mbox, None).up_to(exactly).next().unwrap().is_ok());
        assert!(read(mbox, None).up_to(exactly - 1).next().unwrap().is_err());
    }

    #[test]
    fn standard_input_is_one_mail_or_an_mbox() {
        let mbox = format!("{FROM}{A}\n{FROM}{B}");
        for (input, expected) in [
            (A.to_owned(), &[r#"- INBOX/Inbox "Subject: a\n\nText of a.\n""#][..]),
            (format!("\u{feff}{A}"), &[r#"- INBOX/Inbox "Subject: a\n\nText of a.\n""#]),
            (
                mbox,
                &[
                    r#"-#1 INBOX/Inbox "Subject: a\n\nText of a.\n""#,
                    r#"-#2 INBOX/Inbox "Subject: b\n\nText of b.\n""#,
                ],
            ),
            (String::new(), &["-: the file is empty"]),
        ] {
            let stdin = Box::new(io::Cursor::new(input.clone().into_bytes()));
            let mut mails = LocalMails::new(&["-".into()], None, stdin);
            assert_eq!(lines(&mut mails, Path::new("")), expected, "{input:?}");
        }
    }

    #[test]
    fn a_saved_mail_may_bear_the_line_that_parted_it() {
        let text = format!("Subject: a\n\nTwo:\n\n{FROM}Subject: b\n");
        check(
            &[("a.eml", &format!("{FROM}{text}"))],
            &["a.eml"],
            &[&format!("a.eml INBOX/Inbox {text:?}")],
            0,
        );
    }

    #[test]
    fn the_nearest_directory_of_a_known_name_is_the_folder() {
        for (path, folder, role) in [
            ("mail/a.eml", "INBOX", FolderRole::Inbox),
            ("mail/Sent/a.eml", "Sent", FolderRole::Sent),
            ("mail/sent/2026/a.eml", "sent", FolderRole::Sent),
            ("Sent/inbox/a.eml", "INBOX", FolderRole::Inbox),
            ("INBOX/Sent/a.eml", "Sent", FolderRole::Sent),
            ("[Gmail]/Sent Mail/a.eml", "Sent Mail", FolderRole::Sent),
            ("[Gmail]/Spam/a.eml", "Spam", FolderRole::Junk),
            ("x/Junk E-mail/a.eml", "Junk E-mail", FolderRole::Junk),
            ("x/.Sent/cur/1:2,S.eml", "Sent", FolderRole::Sent),
            ("x/.Sent.2026/cur/1:2,S.eml", "Sent", FolderRole::Sent),
            ("x/Sent Messages.mbox/a.eml", "Sent Messages", FolderRole::Sent),
            ("x/Sentinel/a.eml", "INBOX", FolderRole::Inbox),
            ("x/Sent.eml", "INBOX", FolderRole::Inbox),
        ] {
            let root = tree(&[(path, A)]);
            let path = root.path().join(path);
            let mail = read(std::slice::from_ref(&path), None).next().unwrap().unwrap();
            assert_eq!((&*mail.folder, mail.role), (folder, role), "{}", path.display());
        }
    }

    #[test]
    fn an_mbox_file_is_a_folder_by_its_own_name() {
        for (name, folder, role) in [
            ("Sent", "Sent", FolderRole::Sent),
            ("Sent.mbox", "Sent", FolderRole::Sent),
            ("Junk.MBX", "Junk", FolderRole::Junk),
            ("archive.mbox", "INBOX", FolderRole::Inbox),
        ] {
            let root = tree(&[(name, &format!("{FROM}{A}"))]);
            let mail = read(&[root.path().join(name)], None).next().unwrap().unwrap();
            assert_eq!((&*mail.folder, mail.role), (folder, role), "{name}");
        }
    }

    #[test]
    fn a_folder_that_was_named_wins_over_the_path() {
        let root = tree(&[("Junk/a.eml", A)]);
        for (folder, role) in [
            ("Sent", FolderRole::Sent),
            ("\\Sent", FolderRole::Sent),
            ("INBOX.Sent", FolderRole::Sent),
            ("[Gmail]/Spam", FolderRole::Junk),
            ("INBOX", FolderRole::Inbox),
            ("Archive", FolderRole::Inbox),
        ] {
            let mail = read(&[root.path().to_owned()], Some(folder)).next().unwrap().unwrap();
            assert_eq!((&*mail.folder, mail.role), (folder, role));
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_strange(
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            is_mbox: bool,
        ) {
            let mut input = if is_mbox { FROM.as_bytes().to_vec() } else { Vec::new() };
            input.extend(bytes);
            let mails = LocalMails::new(&["-".into()], None, Box::new(io::Cursor::new(input)));
            prop_assert!(0 < mails.up_to(100).count());
        }
    }
}
