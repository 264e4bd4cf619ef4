//! Mbox files, read mail by mail.
//!
//! An mbox has no grammar, only customs (RFC 4155, appendix A). Mails are parted at `From `
//! lines; `Content-Length`, which some writers add, comes from the mail itself and is not
//! believed. One `>` is taken from `>From ` lines: that is right for the mboxrd custom, and
//! for the older mboxo in all mails but those that quoted such a line themselves.

use std::io::{self, BufRead, BufReader, Read};
use std::path::PathBuf;

use super::files::{Fault, LocalMail, LocalMailError, accept};
use crate::domain::message::FolderRole;

/// An mbox file that is read mail by mail.
pub(super) struct Mbox {
    path: PathBuf,
    folder: String,
    role: FolderRole,
    reader: BufReader<Box<dyn Read + Send>>,
    limit: u64,
    position: usize,
    /// The line after the one in hand, which says whether that one parts two mails.
    ahead: Vec<u8>,
    is_over: bool,
}

impl Mbox {
    pub(super) fn new(
        path: PathBuf,
        folder: String,
        role: FolderRole,
        reader: BufReader<Box<dyn Read + Send>>,
        limit: u64,
    ) -> Self {
        let ahead = Vec::new();
        Self { path, folder, role, reader, limit, position: 0, ahead, is_over: false }
    }

    pub(super) fn next(&mut self) -> Option<Result<LocalMail, LocalMailError>> {
        if self.is_over {
            return None;
        }
        let read = self.read_mail();
        self.position += 1;
        let position = Some(self.position);
        let path = self.path.clone();
        let (folder, role) = (self.folder.clone(), self.role);
        Some(match read {
            Ok(bytes) => Ok(LocalMail { path, position, folder, role, bytes }),
            Err(fault) => Err(LocalMailError { path, position, fault }),
        })
    }

    /// Reads up to the next mail's `From ` line, which it consumes too.
    fn read_mail(&mut self) -> Result<Vec<u8>, Fault> {
        // An error of the system ends the file: what follows cannot be found again.
        self.read_lines().map_err(|err| {
            self.is_over = true;
            Fault::from(err)
        })?
    }

    fn read_lines(&mut self) -> io::Result<Result<Vec<u8>, Fault>> {
        if self.position == 0 {
            // The `From ` line of the first mail, which has been seen.
            self.advance()?;
            self.advance()?;
        }
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let mut mail = Vec::new();
        let mut is_too_large = false;
        let mut was_blank = true;
        loop {
            let line = std::mem::take(&mut self.ahead);
            if line.is_empty() {
                self.is_over = true;
                break;
            }
            self.advance()?;
            if was_blank && !mail.is_empty() && parts_mails(&line, &self.ahead) {
                break;
            }
            was_blank = is_blank(&line);
            if is_too_large {
                continue;
            }
            mail.extend_from_slice(without_quote(&line));
            // One line end may be over, the blank line that belongs to the mbox.
            if mail.len() > limit.saturating_add(2) {
                is_too_large = true;
                mail.clear();
                mail.push(b'?');
            }
        }
        if is_too_large {
            return Ok(Err(Fault::TooLarge { limit: self.limit }));
        }
        remove_blank_end(&mut mail);
        Ok(accept(&mail, self.limit).map(|()| mail))
    }

    /// Moves on by a line: the next one is then `ahead`.
    fn advance(&mut self) -> io::Result<()> {
        self.ahead.clear();
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let most = limit.saturating_add(3).max(LINE_LOOKED_AT);
        read_line(&mut self.reader, &mut self.ahead, most)
    }
}

/// How much of a line is kept where only its beginning counts.
pub(super) const LINE_LOOKED_AT: usize = 1_000;

/// Reads to the end of a line, line end included, and keeps the first `most` bytes of it.
/// Nothing is read only at the end of the input.
pub(super) fn read_line(
    reader: &mut impl BufRead,
    line: &mut Vec<u8>,
    most: usize,
) -> io::Result<()> {
    loop {
        let chunk = match reader.fill_buf() {
            Ok(chunk) => chunk,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => continue,
            Err(err) => return Err(err),
        };
        let end = chunk.iter().position(|byte| *byte == b'\n');
        let n = end.map_or(chunk.len(), |end| end + 1);
        let room = most.saturating_sub(line.len());
        line.extend(chunk.iter().take(n.min(room)));
        reader.consume(n);
        if end.is_some() || n == 0 {
            return Ok(());
        }
    }
}

/// True if `line` begins a mail of an mbox, before which there was a blank line.
///
/// Writers differ in what follows `From `: RFC 4155 wants an address and a date as `asctime`
/// prints it, Thunderbird writes a hyphen for the address, others leave out the date. A line
/// of a letter, "From Monday on …", has neither a time with a year nor one word alone with a
/// header field below it.
fn parts_mails(line: &[u8], next: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"From ") else {
        return false;
    };
    let rest = String::from_utf8_lossy(rest.get(..LINE_LOOKED_AT).unwrap_or(rest)).into_owned();
    let words: Vec<&str> = rest.split_whitespace().collect();
    let is_time = |word: &&str| {
        let mut parts = word.split(':');
        let is_number = |part: Option<&str>| {
            part.is_some_and(|p| p.len() <= 2 && p.parse::<u8>().is_ok_and(|n| n < 61))
        };
        is_number(parts.next()) && is_number(parts.next())
    };
    let is_year = |word: &&str| {
        word.len() == 4 && word.parse::<u16>().is_ok_and(|y| (1970..2200).contains(&y))
    };
    let is_month = |word: &&str| {
        let months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec";
        months.split(' ').any(|month| month == *word)
    };
    let is_dated =
        words.iter().any(is_time) && words.iter().any(is_year) && words.iter().any(is_month);
    let is_bare = words.len() <= 1 && is_header_field(next);
    is_dated || is_bare
}

/// True for a line such as `Subject: …` (RFC 5322 §2.2: printable characters but no colon).
pub(super) fn is_header_field(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    name.len() < line.len() && !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}

/// The line without one `>` if the mbox put it before a `From `.
fn without_quote(line: &[u8]) -> &[u8] {
    let quotes = line.iter().take_while(|byte| **byte == b'>').count();
    match line.split_first() {
        Some((_, rest))
            if 0 < quotes && line.get(quotes..).is_some_and(|l| l.starts_with(b"From ")) =>
        {
            rest
        }
        _ => line,
    }
}

/// Removes the blank line that an mbox puts after each mail.
fn remove_blank_end(mail: &mut Vec<u8>) {
    let shorter = match mail.as_slice() {
        [rest @ .., b'\n', b'\r', b'\n'] | [rest @ .., b'\n', b'\n'] => Some(rest.len() + 1),
        _ => None,
    };
    if let Some(shorter) = shorter {
        mail.truncate(shorter);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::files::LARGEST;
    use super::*;

    const A: &str = "Subject: a\n\nText of a.\n";
    const B: &str = "Subject: b\n\nText of b.\n";
    const FROM: &str = "From x@broker.example Mon Jan  5 09:00:00 2026\n";

    /// The mails of an mbox, or what is wrong with them.
    fn read(mbox: &str) -> Vec<String> {
        let bytes: Box<dyn Read + Send> = Box::new(io::Cursor::new(mbox.to_owned()));
        let (path, folder) = (PathBuf::from("m"), "INBOX".to_owned());
        let reader = BufReader::new(bytes);
        let mut mbox = Mbox::new(path, folder, FolderRole::Inbox, reader, LARGEST);
        std::iter::from_fn(|| mbox.next())
            .map(|mail| match mail {
                Ok(mail) => String::from_utf8(mail.bytes).unwrap(),
                Err(err) => err.fault.to_string(),
            })
            .collect()
    }

    fn check(mbox: &str, expected: &[&str]) {
        assert_eq!(read(mbox), expected, "{mbox:?}");
    }

    #[test]
    fn an_mbox_is_parted_at_its_from_lines() {
        check(&format!("{FROM}{A}\n{FROM}{B}\n"), &[A, B]);
        check(&format!("{FROM}{A}\n{FROM}{B}"), &[A, B]);
        let crlf = format!("{FROM}{A}\n{FROM}{B}\n").replace('\n', "\r\n");
        check(&crlf, &[&A.replace('\n', "\r\n"), &B.replace('\n', "\r\n")]);
        check(&format!("From - Thu Jan 01 00:00:00 2026\n{A}\nFrom x\n{B}"), &[A, B]);
    }

    #[test]
    fn a_line_of_a_letter_parts_nothing() {
        for line in ["From Monday on we are closed.", "From Acme", "From May 2026 at 10:30 on"] {
            let letter = format!("Subject: a\n\nDear all,\n\n{line}\nwe are at the new address.\n");
            let expected = if line.contains("10:30") {
                // What the customs themselves cannot tell apart: it should have been quoted.
                vec![
                    "Subject: a\n\nDear all,\n",
                    "this is not a mail as text (.eml), an mbox file or a Maildir",
                ]
            } else {
                vec![letter.as_str()]
            };
            check(&format!("{FROM}{letter}"), &expected);
        }
        let unparted = format!("Subject: a\n\nDear all,\n{FROM}Subject: forged\n");
        check(&format!("{FROM}{unparted}"), &[&unparted]);
    }

    #[test]
    fn one_quote_is_taken_from_quoted_from_lines() {
        check(
            &format!("{FROM}Subject: a\n\n>From x\n>>From y\n> From z\n>Fro\n"),
            &["Subject: a\n\nFrom x\n>From y\n> From z\n>Fro\n"],
        );
    }

    #[test]
    fn a_content_length_is_not_believed() {
        let a = "Subject: a\nContent-Length: 100000\n\nText.\n";
        check(&format!("{FROM}{a}\n{FROM}{B}"), &[a, B]);
    }

    proptest! {
        #[test]
        fn mails_come_out_of_an_mboxrd_as_they_went_in(
            bodies in prop::collection::vec("(>{0,2}(From |from|x)?[ a-z:0-9]{0,9}\n){0,6}", 1..5)
        ) {
            let mails: Vec<String> =
                bodies.iter().map(|body| format!("Subject: p\n\n{body}.\n")).collect();
            let quote = |line: &str| {
                let is_from = line.trim_start_matches('>').starts_with("From ");
                if is_from { format!(">{line}") } else { line.to_owned() }
            };
            let mbox: String = mails
                .iter()
                .map(|mail| mail.split_inclusive('\n').map(quote).collect::<String>())
                .map(|quoted| format!("{FROM}{quoted}\n"))
                .collect();
            prop_assert_eq!(read(&mbox), mails);
        }
    }
}
