//! A mail without the files attached to it: what is kept so that it can be read again.
//!
//! An application's mail carries a form of half a megabyte, and acewatch only asks whether there is
//! one. Its header block says that. What is left reads as the whole mail did.

use super::fields::{self, Field, Mime};
use super::tree::parts;

/// Multiparts are followed so deep; what lies deeper is kept as it is.
const MAX_DEPTH: usize = 12;

/// Leaves out the content of attached files; their header blocks stay. Attached mails are kept.
pub fn without_files(bytes: &[u8]) -> Vec<u8> {
    let start = fields::without_envelope(bytes);
    let (head, body) = fields::split_head(start);
    let mut files = Vec::new();
    find_files(&head, body, 0, &mut files);
    let mut kept = Vec::with_capacity(bytes.len().min(64 << 10));
    let mut rest = bytes;
    for file in files {
        // A part is a piece of the mail: what is left of it at the part's end tells its place.
        let Some(at) = place_of(file, rest) else { continue };
        let (before, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        kept.extend_from_slice(before);
        rest = after.get(file.len()..).unwrap_or_default();
    }
    kept.extend_from_slice(rest);
    kept
}

/// Where a piece of `whole` begins in it.
fn place_of(piece: &[u8], whole: &[u8]) -> Option<usize> {
    let at = piece.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    (at + piece.len() <= whole.len()).then_some(at)
}

/// Gathers the bodies of attached files, in the order in which they stand.
fn find_files<'a>(head: &[Field], body: &'a [u8], depth: usize, files: &mut Vec<&'a [u8]>) {
    let mime = fields::first(head, "Content-Type").map(Mime::read).unwrap_or_default();
    let kind = mime.kind.as_str();
    if kind.starts_with("multipart/") {
        // A digest's parts are mails unless they say otherwise.
        let is_followed = depth < MAX_DEPTH && kind != "multipart/digest";
        let boundary = mime.parameter("boundary").filter(|_| is_followed);
        for part in boundary.and_then(|boundary| parts(body, boundary)).unwrap_or_default() {
            let (head, body) = fields::split_head(part);
            find_files(&head, body, depth + 1, files);
        }
        return;
    }
    let is_mail = kind.starts_with("message/")
        || kind == "text/rfc822-headers"
        || [mime.parameter("name"), disposition(head).parameter("filename")]
            .into_iter()
            .flatten()
            .any(|name| name.to_lowercase().contains(".eml") || name.contains("=?"));
    let is_attached = !matches!(disposition(head).kind.as_str(), "" | "inline");
    let is_text = matches!(kind, "text/plain" | "text/html") || !kind.contains('/');
    let is_file = 0 < depth && !is_mail && (!is_text || is_attached);
    if is_file && !body.is_empty() {
        files.push(body);
    }
}

fn disposition(head: &[Field]) -> Mime {
    fields::first(head, "Content-Disposition").map(Mime::read).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::{FolderRole, Message};
    use super::*;

    fn check(bytes: &[u8]) -> usize {
        let parse = |bytes: &[u8]| {
            let message = Message::parse(bytes, FolderRole::Inbox, DateTime::UNIX_EPOCH);
            Message { digest: super::super::Digest::of(b""), ..message }
        };
        let slim = without_files(bytes);
        assert_eq!(parse(&slim), parse(bytes), "{}", String::from_utf8_lossy(bytes));
        assert_eq!(without_files(&slim), slim);
        slim.len()
    }

    #[test]
    fn a_form_goes_and_the_mail_reads_the_same() {
        let form = "JVBERi0xLjQK".repeat(10_000);
        let mail = format!(
            "From: a@broker.example\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
             --b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n\
             --b\r\nContent-Type: application/pdf; name=form.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n{form}\r\n\
             --b\r\nContent-Type: text/plain; name=a.txt\r\nContent-Disposition: attachment\r\n\r\nnotes\r\n\
             --b\r\n\r\nGoodbye.\r\n--b--\r\n"
        );
        assert!(check(mail.as_bytes()) < 500);
    }

    #[test]
    fn every_example_mail_reads_the_same_without_its_files() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
        let mut n_mails = 0;
        for corpus in std::fs::read_dir(root).unwrap().flatten() {
            for mail in std::fs::read_dir(corpus.path().join("mail")).into_iter().flatten() {
                check(&std::fs::read(mail.unwrap().path()).unwrap());
                n_mails += 1;
            }
        }
        assert!(200 < n_mails, "{n_mails}");
    }

    proptest::proptest! {
        #[test]
        fn pieces_of_mails_in_any_order_read_the_same(
            pieces in proptest::collection::vec(0_usize..PIECES.len(), 0..30),
        ) {
            let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
            check(text.as_bytes());
        }
    }

    const PIECES: [&str; 16] = [
        "Content-Type: multipart/mixed; boundary=b\n",
        "Content-Type: multipart/alternative; boundary=\"c\"\n",
        "Content-Type: multipart/digest; boundary=b\n",
        "Content-Type: multipart/report; boundary=b\n",
        "Content-Type: text/plain\n",
        "Content-Type: text/html\n",
        "Content-Type: application/pdf; name=\"a.pdf\"\n",
        "Content-Type: application/octet-stream; name=mail.eml\n",
        "Content-Type: message/rfc822\n",
        "Content-Disposition: attachment\n",
        "Content-Disposition: inline; filename=x.txt\n",
        "\n",
        "--b\n",
        "--c\n",
        "--b--\n",
        "Some words of a mail.\n",
    ];
}
