//! The tree of MIME parts, walked within bounds: what the body of a mail holds.
//!
//! mail-parser nests message/rfc822 without a limit, and dropping what it made of 3 MB of nested
//! headers overflows the stack, which no handler can catch. So the walk is our own and ends at
//! [`MAX_DEPTH`]; mail-parser decodes the leaves: character sets, parameters (RFC 2231), named
//! character references.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::fields::{self, Field, Mime, Strictness, clean_line, clean_text};
use super::{
    Attachment, DeliveryReport, Forwarded, MAX_FROMS, Returned, html, pattern, quoting, report,
    subject,
};

/// Multiparts and attached mails are followed so deep, both together.
const MAX_DEPTH: usize = 12;
/// So many parts of one mail are looked at.
const MAX_PARTS: usize = 1_000;
/// So much of one text part is decoded, in bytes.
const MAX_ENCODED: usize = 8 << 20;
/// So much text is kept of one mail, in bytes, and as much quoted text.
const MAX_TEXT: usize = 1 << 20;
/// So many attached mails are read.
const MAX_FORWARDED: usize = 50;

/// Reads the body of a mail and the mails attached to it.
pub(super) fn read(bytes: &[u8]) -> Content {
    Reader::default().read(bytes, 0)
}

/// What a mail's body holds.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) text: String,
    pub(super) quoted: String,
    pub(super) is_forward: bool,
    pub(super) attachments: Vec<Attachment>,
    pub(super) forwarded: Vec<Forwarded>,
    pub(super) report: Option<DeliveryReport>,
}

/// A piece of body text, still with the older mail in it.
struct Segment {
    text: String,
    is_html: bool,
}

/// Walks the parts of a mail and of those attached to it, within the bounds.
#[derive(Default)]
struct Reader {
    n_parts: usize,
    n_forwarded: usize,
}

/// What is gathered on the way through the parts of one mail.
#[derive(Default)]
struct Gathered {
    content: Content,
    returned: Option<Returned>,
    has_text: bool,
}

/// What surrounds a part.
#[derive(Clone, Copy)]
struct Place {
    depth: usize,
    is_in_report: bool,
    is_in_digest: bool,
}

impl Reader {
    fn read(&mut self, bytes: &[u8], depth: usize) -> Content {
        let (headers, body) = fields::split_head(bytes);
        let mut gathered = Gathered::default();
        let place = Place { depth, is_in_report: false, is_in_digest: false };
        let segments = self.part(&headers, body, place, &mut gathered);
        let whole = joined(segments);
        let mut content = gathered.content;

        let from = fields::first(&headers, "From").map(|raw| fields::addresses(raw).0);
        let from = from.unwrap_or_default().into_iter().next();
        // Small mailers sign as "MAILER-DAEMON" and no more.
        let from = from.map(|from| match from.address.is_empty() {
            true => from.name.unwrap_or_default(),
            false => from.address,
        });
        let (from, subject) = (from.unwrap_or_default(), subject::decoded(&headers));
        let in_words = || report::from_words(&headers, &from, &subject, &whole);
        // Some servers put the returned mail beside the report, not into it.
        let beside = content.forwarded.first().map(returned_mail);
        let returned = gathered.returned.or(beside);
        if let Some(report) = &mut content.report {
            report.returned = returned;
            content.forwarded.clear();
            // Others have the recipient or the returned header only in their words.
            if !report.is_complete()
                && let Some((words, _)) = in_words()
            {
                report.fill_in(words);
            }
        } else if let Some((mut report, copy_at)) = in_words() {
            report.returned = report.returned.or(returned);
            content.report = Some(report);
            content.forwarded.clear();
            let (own_words, copy) = whole.split_at_checked(copy_at).unwrap_or((&whole, ""));
            content.text = cut(own_words.trim_end());
            content.quoted = cut(copy);
            return content;
        }
        let split = quoting::split(&whole);
        content.text = cut(&split.text);
        content.quoted = cut(&split.quoted);
        content.is_forward = split.is_forward;
        content
    }

    fn part(
        &mut self,
        head: &[Field],
        body: &[u8],
        place: Place,
        gathered: &mut Gathered,
    ) -> Vec<Segment> {
        self.n_parts += 1;
        if MAX_PARTS < self.n_parts {
            return Vec::new();
        }
        let mime = fields::first(head, "Content-Type").map(Mime::read).unwrap_or_default();
        let kind = match mime.kind.as_str() {
            kind if kind.contains('/') => kind,
            _ if place.is_in_digest => "message/rfc822",
            _ => "text/plain",
        };
        if kind.starts_with("multipart/") && place.depth < MAX_DEPTH {
            let parts = mime.parameter("boundary").and_then(|boundary| parts(body, boundary));
            return match parts {
                Some(parts) => self.multipart(kind, &parts, place, gathered),
                None => text_segment(head, &Mime::default(), body).into_iter().collect(),
            };
        }
        let disposition =
            fields::first(head, "Content-Disposition").map(Mime::read).unwrap_or_default();
        let name = disposition.parameter("filename").or_else(|| mime.parameter("name"));
        let name = name.map(|raw| clean_line(&fields::decode_words(raw))).filter(|n| !n.is_empty());
        let is_attached =
            disposition.kind == "attachment" || (disposition.kind == "inline" && name.is_some());
        let is_mail = matches!(kind, "message/rfc822" | "message/global")
            || (kind.starts_with("application/")
                && name.as_ref().is_some_and(|n| n.to_lowercase().ends_with(".eml")));
        match kind {
            "text/plain" | "text/html" if !is_attached => {
                gathered.has_text = true;
                return text_segment(head, &mime, body).into_iter().collect();
            }
            "message/delivery-status" | "message/global-delivery-status" => {
                let report = gathered.content.report.get_or_insert_with(Default::default);
                report.is_standard = true;
                report.recipients.extend(report::recipients(&transfer_decoded(head, body)));
                return Vec::new();
            }
            "text/rfc822-headers" | "message/rfc822-headers" | "message/global-headers" => {
                let bytes = transfer_decoded(head, body);
                let (headers, _) = fields::split_head(fields::without_envelope(&bytes));
                let returned = returned_header(&headers);
                gathered.returned.get_or_insert(returned);
                return Vec::new();
            }
            _ => {}
        }
        if is_mail && place.depth < MAX_DEPTH && self.n_forwarded < MAX_FORWARDED {
            self.n_forwarded += 1;
            let bytes = transfer_decoded(head, body);
            self.attached_mail(&bytes, place, gathered);
        }
        if !place.is_in_report {
            let content_type = clean_line(kind).chars().take(200).collect();
            gathered.content.attachments.push(Attachment { name, content_type });
        }
        Vec::new()
    }

    fn multipart(
        &mut self,
        kind: &str,
        parts: &[&[u8]],
        place: Place,
        gathered: &mut Gathered,
    ) -> Vec<Segment> {
        let inside = Place {
            depth: place.depth + 1,
            is_in_report: kind == "multipart/report" || place.is_in_report,
            is_in_digest: kind == "multipart/digest",
        };
        let mut segments = Vec::new();
        for part in parts {
            let (head, body) = fields::split_head(part);
            segments.extend(self.part(&head, body, inside, gathered));
        }
        match kind {
            "multipart/alternative" => alternative(segments),
            _ => segments,
        }
    }

    fn attached_mail(&mut self, bytes: &[u8], place: Place, gathered: &mut Gathered) {
        let start = fields::without_envelope(bytes);
        let (headers, _) = fields::split_head(start);
        let inner = self.read(start, place.depth + 1);
        let header = returned_header(&headers);
        if place.is_in_report {
            gathered.returned.get_or_insert(Returned { text: inner.text, ..header });
            return;
        }
        let from = fields::all(&headers, "From").take(MAX_FROMS);
        let from = from.flat_map(|raw| fields::addresses(raw).0).collect();
        let (subject, message_id) = (header.subject, header.message_id);
        gathered.content.forwarded.push(Forwarded { from, subject, message_id, text: inner.text });
        gathered.content.forwarded.extend(inner.forwarded);
    }
}

fn returned_header(headers: &[Field]) -> Returned {
    let id = fields::first(headers, "Message-ID").map(fields::message_ids).unwrap_or_default();
    Returned {
        message_id: id.into_iter().next(),
        subject: subject::decoded(headers),
        text: String::new(),
    }
}

fn returned_mail(forwarded: &Forwarded) -> Returned {
    Returned {
        message_id: forwarded.message_id.clone(),
        subject: forwarded.subject.clone(),
        text: forwarded.text.clone(),
    }
}

/// Splits a multipart body at its boundary lines (RFC 2046 §5.1.1); `None` where there is none.
/// A part that is never closed ends with the body, as in a mail that was cut off.
pub(super) fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<&'a [u8]>> {
    let delimiter = format!("--{}", boundary.trim_end());
    let mut parts = Vec::new();
    let mut current: Option<&[u8]> = None;
    let mut rest = body;
    while !rest.is_empty() {
        let (line, tail) = fields::next_line(rest);
        let behind = line.strip_prefix(delimiter.as_bytes()).map(<[u8]>::trim_ascii_end);
        if let Some(behind @ (b"" | b"--")) = behind {
            if let Some(part) = current {
                let length = part.len() - rest.len();
                let part = part.get(..length).unwrap_or(part);
                let part = part.strip_suffix(b"\n").unwrap_or(part);
                parts.push(part.strip_suffix(b"\r").unwrap_or(part));
            }
            if behind == b"--" || MAX_PARTS <= parts.len() {
                return Some(parts);
            }
            current = Some(tail);
        }
        rest = tail;
    }
    let has_any = current.is_some();
    parts.extend(current);
    has_any.then_some(parts)
}

fn transfer_decoded<'a>(head: &[Field], body: &'a [u8]) -> Cow<'a, [u8]> {
    let encoding = fields::first(head, "Content-Transfer-Encoding").unwrap_or_default();
    match encoding.split([';', ' ', '(']).next().unwrap_or_default().to_ascii_lowercase().as_str() {
        "base64" => Cow::Owned(fields::base64(body, Strictness::Lenient).unwrap_or_default()),
        "quoted-printable" => Cow::Owned(fields::quoted_printable(body)),
        _ => Cow::Borrowed(body),
    }
}

fn text_segment(head: &[Field], mime: &Mime, body: &[u8]) -> Option<Segment> {
    let bytes = transfer_decoded(head, fields::at_most(MAX_ENCODED, body));
    let text = fields::decode_charset(mime.parameter("charset").unwrap_or_default(), &bytes);
    let is_html = mime.kind == "text/html";
    let is_flowed = mime.parameter("format").is_some_and(|f| f.eq_ignore_ascii_case("flowed"));
    let text = match (is_html, is_flowed) {
        (true, _) => clean_text(&html::html_to_text(&text)),
        (false, true) => {
            let deletes = mime.parameter("delsp").is_some_and(|d| d.eq_ignore_ascii_case("yes"));
            unflowed(&clean_text(&text), deletes)
        }
        (false, false) => clean_text(&text),
    };
    (!text.trim().is_empty()).then_some(Segment { text, is_html })
}

/// Joins the lines of format=flowed text (RFC 3676), so that no number stays broken in two.
fn unflowed(text: &str, deletes_blank: bool) -> String {
    let mut joined = String::with_capacity(text.len());
    let mut is_open = false;
    for line in text.lines() {
        let is_quoted = line.starts_with('>');
        let unstuffed = line.strip_prefix(' ').unwrap_or(line);
        if !is_open || is_quoted {
            if !joined.is_empty() {
                joined.push('\n');
            }
            joined.push_str(unstuffed);
        } else {
            joined.push_str(unstuffed);
        }
        // "-- " introduces a signature and is no flowed line (§4.3).
        is_open = line.ends_with(' ') && line != "-- " && !is_quoted;
        if is_open && deletes_blank {
            joined.pop();
        }
    }
    joined
}

/// Chooses among the forms of one text: the plain one, unless it only points to the other.
fn alternative(segments: Vec<Segment>) -> Vec<Segment> {
    let (html, plain): (Vec<_>, Vec<_>) = segments.into_iter().partition(|segment| segment.is_html);
    let says_nothing = plain.iter().all(|segment| is_placeholder(&segment.text));
    match says_nothing && !html.is_empty() {
        true => html,
        false if plain.is_empty() => html,
        false => plain,
    }
}

/// Joins the texts of a mail; a plain text that only points to the HTML one is left out.
fn joined(segments: Vec<Segment>) -> String {
    let has_html = segments.iter().any(|segment| segment.is_html);
    let mut whole = String::new();
    for segment in segments {
        if has_html && !segment.is_html && is_placeholder(&segment.text) {
            continue;
        }
        if !whole.is_empty() && !whole.ends_with('\n') {
            whole.push('\n');
        }
        whole.push_str(&segment.text);
        if 2 * MAX_TEXT < whole.len() {
            break;
        }
    }
    whole
}

fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    text.is_empty() || (text.len() < 250 && PLACEHOLDER.is_match(text))
}

/// At most [`MAX_TEXT`] bytes, cut between characters, without blank lines at the ends.
fn cut(text: &str) -> String {
    let text = text.trim_matches('\n');
    text.get(..text.floor_char_boundary(MAX_TEXT)).unwrap_or(text).to_owned()
}

static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?is)\b(?:view|see|read|display|support|supports|enable|requires?|contains?|use|using)\b.{0,100}\bhtml\b|\bhtml\b.{0,60}\b(?:mail|e-mail|email|message|version|format|viewer|client|capable|compatible|only)\b|^\s*this is a multi-?part message in mime format\.?\s*$",
    )
});

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::super::{FolderRole, Message};
    use super::*;

    fn parse(mail: &str) -> Message {
        Message::parse(mail.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH)
    }

    #[test]
    fn deep_nesting_and_many_parts_end_somewhere() {
        let nested = "Content-Type: message/rfc822\n\n".repeat(100_000) + "Subject: x\n\nhi";
        parse(&nested);
        let digests = "Content-Type: multipart/digest; boundary=b\n\n--b\n".repeat(20_000);
        parse(&digests);
        let wide = format!(
            "Content-Type: multipart/mixed; boundary=b\n\n{}",
            "--b\n\nx\n".repeat(100_000)
        );
        assert!(parse(&wide).text.len() <= MAX_PARTS * 3);
        let long = parse(&format!("Subject: x\n\n{}", "word é\n".repeat(1_000_000)));
        assert!(long.text.len() <= MAX_TEXT);
    }

    #[test]
    fn the_html_form_is_read_where_the_plain_one_says_nothing() {
        fn check(plain: &str, html: &str, expected: &str) {
            let mail = format!(
                "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain\n\n{plain}\n--b\nContent-Type: text/html; charset=utf-8\n\n{html}\n--b--\n"
            );
            assert_eq!(parse(&mail).text, expected, "{plain}");
        }
        check("plain", "<p>html</p>", "plain");
        check("  \n", "<p>html</p>", "html");
        check("Please view this message in an HTML capable mail client.", "<p>html</p>", "html");
        check("This is an HTML message.", "<p>html</p>", "html");
        check(
            "We see that Form 5106 is missing.",
            "<p>html</p>",
            "We see that Form 5106 is missing.",
        );
        check("This is an HTML message.", "", "This is an HTML message.");
    }

    #[test]
    fn transfer_encodings_and_character_sets_are_undone() {
        fn check(head: &str, body: &str, expected: &str) {
            assert_eq!(parse(&format!("{head}\n\n{body}")).text, expected, "{head}");
        }
        check(
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64",
            "w5hzdGVy\nYnk=",
            "Østerby",
        );
        check(
            "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable",
            "=D8ster=\nby",
            "Østerby",
        );
        check("Content-Type: text/plain; charset=no-such-set", "a", "a");
        check(
            "Content-Type: text/plain; charset=utf-8; format=flowed",
            "number 12-34 \n56 \n> q\n-- \nx",
            "number 12-34 56 \n-- \nx".replace(" \n", "\n").as_str(),
        );
        check("Content-Type: multipart/mixed; boundary=missing", "text", "text");
        check("Content-Type: multipart/mixed; boundary=b", "--b\n\nopen end", "open end");
        check("Content-Type: text/html", "<td>12-3456789</td><td>Acme</td>", "12-3456789\tAcme");
    }

    #[test]
    fn attached_mails_are_found_in_every_wrapping() {
        let inner = "From: LOMAX, REGINA <r@cbp.dhs.gov>\nSubject: =?utf-8?Q?x=C3=A9?=\nMessage-ID: <1@cbp>\n\ndenied\n";
        let base64 = "RnJvbTogTE9NQVgsIFJFR0lOQSA8ckBjYnAuZGhzLmdvdj4KU3ViamVjdDogPT91dGYtOD9RP3g9QzM9QTk/PQpNZXNzYWdlLUlEOiA8MUBjYnA+CgpkZW5pZWQK";
        for part in [
            format!("Content-Type: message/rfc822\n\n{inner}"),
            format!("Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n{base64}"),
            format!(
                "Content-Type: application/octet-stream; name=\"mail.EML\"\nContent-Transfer-Encoding: base64\n\n{base64}"
            ),
        ] {
            let mail = format!(
                "Subject: see below\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nhere\n--b\n{part}\n--b--\n"
            );
            let message = parse(&mail);
            assert_eq!(message.text, "here");
            let [forwarded] = message.forwarded.as_slice() else { panic!("{part}: {message:?}") };
            assert_eq!(forwarded.from.len(), 2, "an unquoted comma makes two");
            assert_eq!(forwarded.message_id.as_deref(), Some("1@cbp"));
            assert_eq!(forwarded.text, "denied");
            assert_eq!(message.attachments.len(), 1);
        }
    }

    #[test]
    fn bounces_in_words_give_a_report() {
        let mail = "From: MAILER-DAEMON@mx.example\nSubject: failure notice\n\nI wasn't able to deliver your message.\n\n<a@cbp.dhs.gov>:\n552 too big\n\n--- Below this line is a copy of the message.\n\nFrom: ops@x\nMessage-ID: <1@x>\nSubject: Acme\n\ntext\n";
        let message = parse(mail);
        let report = message.report.unwrap();
        assert!(!report.is_standard);
        assert_eq!(report.returned.unwrap().message_id.as_deref(), Some("1@x"));
        assert!(message.quoted.contains("Subject: Acme") && !message.text.contains("Acme"));

        let attached = "From: postmaster@x\nSubject: Undeliverable: Acme\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nDelivery has failed to a@x\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <2@x>\n\nt\n--b--\n";
        let message = parse(attached);
        assert_eq!(message.report.unwrap().returned.unwrap().message_id.as_deref(), Some("2@x"));
        assert!(message.forwarded.is_empty());
    }

    #[test]
    fn only_delivery_reports_are_reports() {
        let receipt = "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nread\n--b\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;a@x\n--b\nContent-Type: message/rfc822\n\nSubject: ours\n\nt\n--b--\n";
        let message = parse(receipt);
        assert_eq!((message.report, message.forwarded), (None, Vec::new()));
        assert_eq!(message.text, "read");
    }

    #[test]
    fn attachments_are_named_safely() {
        let mail = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: application/octet-stream; name=\"=?utf-8?Q?=C3=98=1B.pdf?=\"\nContent-Disposition: attachment\n\nx\n--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename*=utf-8''a%20b.txt\n\nnot text\n--b--";
        let message = parse(mail);
        let names: Vec<_> = message.attachments.iter().filter_map(|a| a.name.as_deref()).collect();
        assert_eq!(names, ["Ø .pdf", "a b.txt"]);
        assert!(message.has_pdf());
        assert_eq!(message.text, "x");
    }
}
