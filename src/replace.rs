//! Writing a file whole or not at all.
//!
//! What is written stands beside the old file, for its owner alone, until it is complete and on the
//! disk; then it takes the old one's name. Whoever reads finds the one or the other, also after a power
//! cut. Where it fails, the old one is as it was, and nothing is left beside it.
//!
//! A symbolic link is replaced, never followed: its folder may belong to the user of a service, and this
//! process be root.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// A file in the making, whose name is still another one's. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Replacement {
    file: NamedTempFile,
    folder: PathBuf,
    path: PathBuf,
}

impl Replacement {
    /// Begins the file that is to stand at `path`, for its owner alone.
    ///
    /// # Errors
    ///
    /// There is no such folder, or nothing can be put into it.
    pub fn of(path: &Path) -> io::Result<Replacement> {
        let folder = folder_of(path);
        // The mode is given at its creation: some file systems know none, and refuse to change it.
        let file = tempfile::Builder::new().prefix(".acewatch-").tempfile_in(&folder)?;
        Ok(Replacement { file, folder, path: path.to_owned() })
    }

    /// What is to be written to, or given another owner or mode.
    #[must_use]
    pub fn file(&self) -> &File {
        self.file.as_file()
    }

    /// Where it is until it gets its name.
    #[must_use]
    pub fn draft(&self) -> &Path {
        self.file.path()
    }

    /// Waits until the file is on the disk, and gives it its name.
    ///
    /// # Errors
    ///
    /// It cannot be written, or not be put there. Where something stands there that it `may_replace` not,
    /// the error is of the kind [`ErrorKind::AlreadyExists`].
    pub fn put(self, may_replace: bool) -> io::Result<()> {
        let Replacement { file, folder, path } = self;
        file.as_file().sync_all()?;
        match may_replace {
            true => file.persist(path),
            false => file.persist_noclobber(path),
        }?;
        sync(&folder)
    }
}

/// Puts a file with these bytes at `path`, for its owner alone.
///
/// # Errors
///
/// It cannot be written, or not be put there.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let replacement = Replacement::of(path)?;
    replacement.file().write_all(bytes)?;
    replacement.put(true)
}

/// The folder in which a file is, or will be.
#[must_use]
pub fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// The name, too, must survive a power cut. A folder may be one to write to and not to read, and some
/// file systems know this for files alone: no more can be done there, and the file is in its place.
fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder).and_then(|folder| folder.sync_all()) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    /// What may stand at the path of a file, in a folder with another one.
    const BEFORE: [&str; 5] =
        ["nothing", "a file for all", "a link", "a link to nowhere", "another name of the other"];

    /// Has `put` write a file over each of them, and looks at what it left.
    fn check(put: impl Fn(&str, &Path)) {
        for case in BEFORE {
            let home = tempfile::tempdir().unwrap();
            let (path, other) = (home.path().join("file"), home.path().join("other"));
            fs::write(&other, "other").unwrap();
            match case {
                "a file for all" => {
                    fs::write(&path, "old").unwrap();
                    fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
                }
                "a link" => symlink(&other, &path).unwrap(),
                "a link to nowhere" => symlink("missing", &path).unwrap(),
                "another name of the other" => fs::hard_link(&other, &path).unwrap(),
                _ => {}
            }
            put(case, &path);
            assert_eq!(fs::read(&other).unwrap(), b"other", "{case}");
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2, "{case}");
        }
    }

    #[test]
    fn whatever_was_there_is_replaced_and_nothing_else_touched() {
        check(|case, path| {
            write(path, b"new").unwrap();
            assert!(!path.is_symlink(), "{case}");
            assert_eq!(fs::read(path).unwrap(), b"new", "{case}");
            assert_eq!(mode(path), 0o600, "{case}");
        });
    }

    #[test]
    fn what_may_not_be_replaced_is_as_it_was() {
        check(|case, path| {
            let (was, was_link) = (fs::read(path).ok(), path.is_symlink());
            let replacement = Replacement::of(path).unwrap();
            replacement.file().write_all(b"new").unwrap();
            match (case, replacement.put(false)) {
                ("nothing", put) => {
                    put.unwrap();
                    assert_eq!(fs::read(path).unwrap(), b"new");
                }
                (_, put) => {
                    assert_eq!(put.unwrap_err().kind(), ErrorKind::AlreadyExists, "{case}");
                    assert_eq!((fs::read(path).ok(), path.is_symlink()), (was, was_link), "{case}");
                }
            }
        });
    }

    #[test]
    fn what_fails_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("folder");
        fs::create_dir(&folder).unwrap();
        assert!(write(&folder, b"new").is_err());
        assert!(write(&home.path().join("missing/file"), b"new").is_err());
        let replacement = Replacement::of(&home.path().join("file")).unwrap();
        assert_eq!(mode(replacement.draft()), 0o600);
        replacement.file().write_all(b"half of it").unwrap();
        drop(replacement);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        assert!(folder.is_dir());
    }

    #[test]
    fn a_folder_need_not_be_readable() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("drop");
        fs::create_dir(&folder).unwrap();
        // Root may read it all the same.
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o300)).unwrap();
        write(&folder.join("file"), b"new").unwrap();
        assert_eq!(fs::read(folder.join("file")).unwrap(), b"new");
        fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    }

    #[test]
    fn a_bare_name_is_one_of_this_folder() {
        for (path, folder) in [("a", "."), ("b/a", "b"), ("/a", "/"), ("./a", ".")] {
            assert_eq!(folder_of(Path::new(path)), Path::new(folder), "{path}");
        }
    }
}
