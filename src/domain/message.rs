//! Bytes to [`Message`]: what one mail says, in the terms the rest of acewatch uses.
//!
//! A mail that cannot be read is a kind of mail, so nothing here fails. Mails come from strangers,
//! so nothing here trusts their form either:
//!
//! - The header is split by our own code, top to bottom (`fields`): its order decides which
//!   Authentication-Results are believed, and mail-parser's `header()` answers with the last one.
//! - So is the tree of MIME parts: mail-parser nests message/rfc822 without a limit, and dropping
//!   what it made of 3 MB of nested headers overflows the stack, which no handler can catch. Here
//!   the nesting ends at `MAX_DEPTH`. mail-parser decodes the leaves: character sets,
//!   parameters (RFC 2231), dates, named character references.
//! - Every list, text and depth has a bound, named below; what lies beyond is left out.
//! - The reading of the body runs in `catch_unwind`: should a decoder panic, the header remains.
//!
//! Text is made safe once, here (`fields::clean_text`): no control characters but newline and
//! tab, no direction overrides, no invisible characters inside of words.

mod fields;
mod html;
mod quoting;
mod report;

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use regex::Regex;
use sha2::{Digest as _, Sha256};

use fields::{Field, Mime, Strictness, clean_line, clean_text};
pub use report::{DeliveryAction, DeliveryReport, RecipientReport, Returned};

/// Multiparts and attached mails are followed so deep, both together.
const MAX_DEPTH: usize = 12;
/// So many parts of one mail are looked at.
const MAX_PARTS: usize = 1_000;
/// So much of one text part is decoded, in bytes.
const MAX_ENCODED: usize = 8 << 20;
/// So much text is kept of one mail, in bytes, and as much quoted text.
const MAX_TEXT: usize = 1 << 20;
/// So many lines of quoted text are searched for senders, and so many senders listed.
const MAX_QUOTED_LINES: usize = 5_000;
const MAX_SENDERS: usize = 100;
/// So many attached mails are read.
const MAX_FORWARDED: usize = 50;

/// One mail, read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    /// The mail's identity: its Message-ID is only its sender's word.
    pub digest: Digest,
    /// Where it lay.
    pub folder: FolderRole,
    /// The Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// The ids of In-Reply-To without angle brackets.
    pub in_reply_to: Vec<String>,
    /// The ids of References without angle brackets, oldest first.
    pub references: Vec<String>,
    /// The addresses of all From fields; honest mail has one.
    pub from: Vec<Address>,
    /// A From field uses group syntax, which RFC 6854 advises against.
    pub from_is_group: bool,
    /// The first address of the Sender field.
    pub sender: Option<Address>,
    /// The addresses of the Reply-To field.
    pub reply_to: Vec<Address>,
    /// The addresses of the To field.
    pub to: Vec<Address>,
    /// The addresses of the Cc field.
    pub cc: Vec<Address>,
    /// The subject on one line, decoded, safe to show.
    pub subject: String,
    /// When it was received: INTERNALDATE, or for files what [`file_received_at`] says.
    pub received_at: DateTime<Utc>,
    /// The instant of the Date field, the sender's word.
    pub date: Option<DateTime<Utc>>,
    /// All header fields from the top: names and unfolded values as written, encoded words not
    /// decoded, control characters replaced by blanks.
    pub headers: Vec<(String, String)>,
    /// The new text: what this sender wrote now, plain.
    pub text: String,
    /// Older mail quoted or forwarded in the text.
    pub quoted: String,
    /// It passes another mail on: its subject begins with a forward prefix, or the older mail in
    /// its text stands under a line that says so.
    pub forwarded_inline: bool,
    /// The attached files; their content is never kept.
    pub attachments: Vec<Attachment>,
    /// Mails attached to this one, outside of delivery reports.
    pub forwarded: Vec<Forwarded>,
    /// What a server reports of a mail of ours.
    pub report: Option<DeliveryReport>,
}

impl Message {
    /// Reads a mail. Never fails: what cannot be read is left empty.
    ///
    /// At most 2,000 header fields of 64 KiB, 1,000 parts, 12 levels of nesting and 1 MiB of text
    /// are kept.
    pub fn parse(bytes: &[u8], folder: FolderRole, received_at: DateTime<Utc>) -> Message {
        let start = fields::without_envelope(bytes);
        let (headers, _) = fields::split_head(start);
        // Nothing the closure touches outlives a panic half changed.
        let content = catch_unwind(AssertUnwindSafe(|| {
            let mut reader = Reader::default();
            reader.read(start, 0)
        }))
        .unwrap_or_default();

        let list = |name| fields::first(&headers, name).map(|raw| fields::addresses(raw).0);
        let ids = |name| {
            fields::first(&headers, name)
                .map(fields::message_ids)
                .unwrap_or_default()
        };
        let froms: Vec<_> = fields::all(&headers, "From")
            .map(fields::addresses)
            .collect();
        let subject = decoded_subject(&headers);
        let has_prefix = is_forward_subject(&subject);
        Message {
            digest: Digest::of(bytes),
            folder,
            message_id: ids("Message-ID").into_iter().next(),
            in_reply_to: ids("In-Reply-To"),
            references: ids("References"),
            from_is_group: froms.iter().any(|(_, is_group)| *is_group),
            from: froms.into_iter().flat_map(|(list, _)| list).collect(),
            sender: list("Sender").and_then(|list| list.into_iter().next()),
            reply_to: list("Reply-To").unwrap_or_default(),
            to: list("To").unwrap_or_default(),
            cc: list("Cc").unwrap_or_default(),
            subject,
            received_at,
            date: fields::first(&headers, "Date").and_then(fields::date),
            text: content.text,
            quoted: content.quoted,
            forwarded_inline: content.is_forward || has_prefix,
            attachments: content.attachments,
            forwarded: content.forwarded,
            report: content.report,
            headers,
        }
    }

    /// The first header field of this name from the top, compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        fields::first(&self.headers, name)
    }

    /// All header fields of this name from the top.
    pub fn headers_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        fields::all(&self.headers, name)
    }

    /// Tells whether a PDF is attached, by type or by name.
    pub fn has_pdf(&self) -> bool {
        self.attachments.iter().any(Attachment::is_pdf)
    }

    /// The subject without what mail programs put in front of it, in any number and order:
    /// "Re:", "AW:", "Fwd:", "Automatic reply:", "Undeliverable:", `[EXTERNAL]` and their like.
    pub fn subject_without_prefixes(&self) -> &str {
        without_prefixes(&self.subject)
    }

    /// The word of the Auto-Submitted field (RFC 3834 §5), such as `auto-replied`, as written;
    /// `None` where it is absent or says `no`.
    pub fn auto_submitted(&self) -> Option<&str> {
        let value = self.header("Auto-Submitted")?;
        let word = value
            .split([';', '(', ' '])
            .next()
            .unwrap_or_default()
            .trim();
        (!word.is_empty() && !word.eq_ignore_ascii_case("no")).then_some(word)
    }

    /// Tells whether the mail was sent to a list of subscribers (RFC 2369, RFC 2919).
    pub fn is_list_mail(&self) -> bool {
        ["List-Unsubscribe", "List-Id", "List-Post"]
            .iter()
            .any(|name| self.header(name).is_some())
    }

    /// Tells whether the envelope sender is empty, as in bounces and automatic replies
    /// (RFC 5321 §4.5.5).
    pub fn has_null_sender(&self) -> bool {
        self.header("Return-Path")
            .is_some_and(|path| path.trim() == "<>")
    }

    /// The instant of the topmost Received line that has one: the newest, and the only one that
    /// our own side wrote for certain.
    pub fn newest_received_at(&self) -> Option<DateTime<Utc>> {
        self.headers_named("Received")
            .find_map(fields::received_date)
    }

    /// The ids that this mail answers to: In-Reply-To first, then References from the newest.
    pub fn thread_ids(&self) -> impl Iterator<Item = &str> {
        self.in_reply_to
            .iter()
            .chain(self.references.iter().rev())
            .map(String::as_str)
    }

    /// Lists whom the older mail in the text is from, as far as the quotation says: the From
    /// lines of copied headers and the attribution lines ("On … wrote:").
    pub fn quoted_senders(&self) -> Vec<String> {
        quoted_senders(&self.quoted)
    }
}

/// Finds when a mail in a file was received: the topmost Received line, else its Date.
pub fn file_received_at(bytes: &[u8]) -> Option<DateTime<Utc>> {
    let (headers, _) = fields::split_head(fields::without_envelope(bytes));
    fields::all(&headers, "Received")
        .find_map(fields::received_date)
        .or_else(|| fields::first(&headers, "Date").and_then(fields::date))
}

/// The SHA-256 of a mail's bytes, shown as hexadecimal digits.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Computes the digest of a mail.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest(Sha256::digest(bytes).into())
    }

    /// The digest's 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Digest({self})")
    }
}

/// What a folder is for.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum FolderRole {
    /// Mail that came in.
    Inbox,
    /// Mail that came in and was taken for junk.
    Junk,
    /// Mail that we sent.
    Sent,
}

/// A name and an address as a reader sees them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// The display name, decoded, safe to show.
    pub name: Option<String>,
    /// The address as written, without blanks; empty where only a name is given.
    pub address: String,
}

impl Address {
    /// The domain in lower case, without a final dot; empty where there is none.
    pub fn domain(&self) -> String {
        let domain = self
            .address
            .rsplit_once('@')
            .map_or("", |(_, domain)| domain);
        domain.trim_end_matches('.').to_lowercase()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) if self.address.is_empty() => write!(formatter, "{name}"),
            Some(name) => write!(formatter, "{name} <{}>", self.address),
            None => write!(formatter, "{}", self.address),
        }
    }
}

/// An attached file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attachment {
    /// The file's name, decoded, safe to show.
    pub name: Option<String>,
    /// The type in lower case, such as `application/pdf`.
    pub content_type: String,
}

impl Attachment {
    /// Tells whether the file is a PDF, by type or by name.
    pub fn is_pdf(&self) -> bool {
        let is_named = |name: &String| name.to_lowercase().ends_with(".pdf");
        matches!(
            self.content_type.as_str(),
            "application/pdf" | "application/x-pdf"
        ) || self.name.as_ref().is_some_and(is_named)
    }
}

/// A mail attached to another one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Forwarded {
    /// Whom it says it is from; nothing vouches for that.
    pub from: Vec<Address>,
    /// Its subject, decoded.
    pub subject: String,
    /// Its Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// Its new text.
    pub text: String,
}

/// What a mail's body holds.
#[derive(Debug, Default)]
struct Content {
    text: String,
    quoted: String,
    is_forward: bool,
    attachments: Vec<Attachment>,
    forwarded: Vec<Forwarded>,
    report: Option<DeliveryReport>,
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
        let place = Place {
            depth,
            is_in_report: false,
            is_in_digest: false,
        };
        let segments = self.part(&headers, body, place, &mut gathered);
        let whole = joined(segments);
        let mut content = gathered.content;

        if let Some(report) = &mut content.report {
            // Some servers put the returned mail beside the report, not into it.
            let beside = content.forwarded.first().map(returned_mail);
            report.returned = gathered.returned.or(beside);
            content.forwarded.clear();
        } else {
            let from = fields::first(&headers, "From").map(|raw| fields::addresses(raw).0);
            let from = from
                .unwrap_or_default()
                .into_iter()
                .next()
                .map(|from| from.address);
            let subject = decoded_subject(&headers);
            let from = from.unwrap_or_default();
            if let Some((mut report, copy_at)) =
                report::from_words(&headers, &from, &subject, &whole)
            {
                let attached = gathered
                    .returned
                    .or_else(|| content.forwarded.first().map(returned_mail));
                report.returned = report.returned.or(attached);
                content.report = Some(report);
                content.forwarded.clear();
                let (own_words, copy) = whole.split_at_checked(copy_at).unwrap_or((&whole, ""));
                content.text = cut(own_words.trim_end());
                content.quoted = cut(copy);
                return content;
            }
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
        let mime = fields::first(head, "Content-Type")
            .map(Mime::read)
            .unwrap_or_default();
        let kind = match mime.kind.as_str() {
            kind if kind.contains('/') => kind,
            _ if place.is_in_digest => "message/rfc822",
            _ => "text/plain",
        };
        if kind.starts_with("multipart/") && place.depth < MAX_DEPTH {
            let parts = mime
                .parameter("boundary")
                .and_then(|boundary| parts(body, boundary));
            return match parts {
                Some(parts) => self.multipart(kind, &parts, place, gathered),
                None => text_segment(head, &Mime::default(), body)
                    .into_iter()
                    .collect(),
            };
        }
        let disposition = fields::first(head, "Content-Disposition")
            .map(Mime::read)
            .unwrap_or_default();
        let name = disposition
            .parameter("filename")
            .or_else(|| mime.parameter("name"));
        let name = name
            .map(|raw| clean_line(&fields::decode_words(raw)))
            .filter(|n| !n.is_empty());
        let is_attached =
            disposition.kind == "attachment" || (disposition.kind == "inline" && name.is_some());
        let is_mail = matches!(kind, "message/rfc822" | "message/global")
            || (kind.starts_with("application/")
                && name
                    .as_ref()
                    .is_some_and(|n| n.to_lowercase().ends_with(".eml")));
        match kind {
            "text/plain" | "text/html" if !is_attached => {
                gathered.has_text = true;
                return text_segment(head, &mime, body).into_iter().collect();
            }
            "message/delivery-status" | "message/global-delivery-status" => {
                let report = gathered.content.report.get_or_insert_with(Default::default);
                report.is_standard = true;
                report
                    .recipients
                    .extend(report::recipients(&transfer_decoded(head, body)));
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
            gathered
                .content
                .attachments
                .push(Attachment { name, content_type });
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
            gathered.returned.get_or_insert(Returned {
                text: inner.text,
                ..header
            });
            return;
        }
        let from = fields::all(&headers, "From")
            .flat_map(|raw| fields::addresses(raw).0)
            .collect();
        let (subject, message_id) = (header.subject, header.message_id);
        gathered.content.forwarded.push(Forwarded {
            from,
            subject,
            message_id,
            text: inner.text,
        });
        gathered.content.forwarded.extend(inner.forwarded);
    }
}

fn returned_header(headers: &[Field]) -> Returned {
    let id = fields::first(headers, "Message-ID")
        .map(fields::message_ids)
        .unwrap_or_default();
    Returned {
        message_id: id.into_iter().next(),
        subject: decoded_subject(headers),
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

fn decoded_subject(headers: &[Field]) -> String {
    clean_line(&fields::decode_words(
        fields::first(headers, "Subject").unwrap_or_default(),
    ))
}

/// Splits a multipart body at its boundary lines (RFC 2046 §5.1.1); `None` where there is none.
/// A part that is never closed ends with the body, as in a mail that was cut off.
fn parts<'a>(body: &'a [u8], boundary: &str) -> Option<Vec<&'a [u8]>> {
    let delimiter = format!("--{}", boundary.trim_end());
    let mut parts = Vec::new();
    let mut current: Option<&[u8]> = None;
    let mut rest = body;
    while !rest.is_empty() {
        let (line, tail) = fields::next_line(rest);
        let behind = line
            .strip_prefix(delimiter.as_bytes())
            .map(<[u8]>::trim_ascii_end);
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
    match encoding
        .split([';', ' ', '('])
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "base64" => Cow::Owned(fields::base64(body, Strictness::Lenient).unwrap_or_default()),
        "quoted-printable" => Cow::Owned(fields::quoted_printable(body)),
        _ => Cow::Borrowed(body),
    }
}

fn text_segment(head: &[Field], mime: &Mime, body: &[u8]) -> Option<Segment> {
    let bytes = transfer_decoded(head, body.get(..MAX_ENCODED).unwrap_or(body));
    let text = fields::decode_charset(mime.parameter("charset").unwrap_or_default(), &bytes);
    let is_html = mime.kind == "text/html";
    let is_flowed = mime
        .parameter("format")
        .is_some_and(|f| f.eq_ignore_ascii_case("flowed"));
    let text = match (is_html, is_flowed) {
        (true, _) => clean_text(&html::html_to_text(&text)),
        (false, true) => {
            let deletes = mime
                .parameter("delsp")
                .is_some_and(|d| d.eq_ignore_ascii_case("yes"));
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
    text.get(..text.floor_char_boundary(MAX_TEXT))
        .unwrap_or(text)
        .to_owned()
}

fn quoted_senders(quoted: &str) -> Vec<String> {
    let lines: Vec<&str> = quoted.lines().take(MAX_QUOTED_LINES).collect();
    let mut senders = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        // Both a From line and an attribution may be wrapped before the address.
        let next = lines.get(at + 1).copied().unwrap_or_default();
        let wrapped = format!("{line} {}", next.trim_start_matches(['>', ' ']));
        if let Some(sender) = quoting::named_sender(line) {
            let is_cut = !sender.contains('@')
                && next.trim_start_matches(['>', ' ']).starts_with(['<', '[']);
            senders.push(if is_cut { wrapped } else { sender });
        } else if let Some(sender) = quoting::named_sender(&wrapped) {
            senders.push(sender);
        }
    }
    senders.truncate(MAX_SENDERS);
    senders
}

fn without_prefixes(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some(found) = PREFIX.find(rest) {
        let after = rest.get(found.end()..).unwrap_or_default().trim_start();
        if after.len() == rest.len() {
            break;
        }
        rest = after;
    }
    rest
}

/// Tells whether the outermost prefix is one of forwarding: "Re: Fwd: x" answers a forward.
fn is_forward_subject(subject: &str) -> bool {
    let mut rest = subject.trim();
    while let Some(found) = TAG.find(rest) {
        rest = rest.get(found.end()..).unwrap_or_default().trim_start();
    }
    FORWARD_PREFIX.is_match(rest)
}

/// Marks that gateways put before a subject, the brackets included.
const TAG_PATTERN: &str = r"[\[({*]{1,3}\s*(?:external(?:\s+(?:e-?mail|mail|sender|message))?|ext|extern|caution|secure|suspected\s+spam|spam|bulk|marketing|unverified\s+sender)\s*[\])}*]{1,3}\s*:?|external\s*:|extern\s*:";
const FORWARD_WORDS: &str = r"fwd?|wg|tr|vs|vb|doorst|rv|enc|i|ilt|vl|转发|轉寄";
const OTHER_WORDS: &str = r"re|aw|sv|antw|antwort|r[eé]f|res|odp|ynt|ref|回复|回覆|答复|auto|autoreply|auto[- ]reply|automatic\s+reply|automatische\s+antwort|automatisch\s+antwoord|r[ée]ponse\s+automatique|respuesta\s+autom[áa]tica|automatisk\s+svar|autosvar|out\s+of\s+office|undeliverable|undelivered|unzustellbar|non\s+remis|no\s+se\s+puede\s+entregar|delayed|relayed|read|gelesen|returned\s+mail|failure\s+notice|delivery\s+(?:failure|delayed|has\s+failed)";

static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    // "I:" forwards in Italian, but a subject may begin with it otherwise.
    let forward = FORWARD_WORDS.replace("|i|", "|");
    pattern(&format!(
        r"(?i)^(?:{TAG_PATTERN}|\[\s*fwd?:?\s*\]|\[\s*fwd?\s*:|(?:{forward}|{OTHER_WORDS})\s*(?:[\[(^]\s*\d{{1,3}}\s*[\])]?)?\s*[:：])"
    ))
});
static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)^(?:{TAG_PATTERN})")));
static FORWARD_PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    // "RV:" is a forward in Spanish; "VS:" one in Danish, a reply in Finnish.
    pattern(
        r"(?i)^(?:\[\s*fwd?\b|(?:fwd?|wg|tr|vs|vb|doorst|rv|enc|ilt|vl|转发|轉寄)\s*(?:[\[(^]\s*\d{1,3}\s*[\])]?)?\s*[:：])",
    )
});
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?is)\b(?:view|see|read|display|support|supports|enable|requires?|contains?|use|using)\b.{0,100}\bhtml\b|\bhtml\b.{0,60}\b(?:mail|e-mail|email|message|version|format|viewer|client|capable|compatible|only)\b|^\s*this is a multi-?part message in mime format\.?\s*$",
    )
});

#[expect(
    clippy::expect_used,
    reason = "the patterns are literals, and each is used in the tests"
)]
fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a literal pattern")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(mail: &str) -> Message {
        Message::parse(mail.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH)
    }

    fn sample(name: &str) -> Vec<u8> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/sample/mail/");
        std::fs::read(format!("{path}{name}")).unwrap()
    }

    fn samples() -> Vec<(String, Vec<u8>)> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/sample/mail");
        let mut names: Vec<String> = std::fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names.len(), 30);
        names
            .into_iter()
            .map(|name| (name.clone(), sample(&name)))
            .collect()
    }

    #[test]
    fn every_sample_was_received_when_its_topmost_line_says() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/corpus/sample/expected.jsonl"
        );
        let mut n_checked = 0;
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let expected: serde_json::Value = serde_json::from_str(line).unwrap();
            let file = expected["file"]
                .as_str()
                .unwrap()
                .trim_start_matches("mail/");
            let at: DateTime<Utc> = expected["received_at"].as_str().unwrap().parse().unwrap();
            assert_eq!(file_received_at(&sample(file)), Some(at), "{file}");
            n_checked += 1;
        }
        assert_eq!(n_checked, 30);
    }

    fn check_text(name: &str, text: &str, quoted_start: &str) {
        let message = Message::parse(&sample(name), FolderRole::Inbox, DateTime::UNIX_EPOCH);
        assert_eq!(message.text.trim(), text, "{name}");
        assert!(
            message.quoted.starts_with(quoted_start),
            "{name}: {}",
            message.quoted
        );
        assert_eq!(
            quoted_start.is_empty(),
            message.quoted.is_empty(),
            "{name}: {}",
            message.quoted
        );
    }

    #[test]
    fn the_samples_give_their_new_text_only() {
        check_text(
            "001-own-button.eml",
            "ACE account application of Ridgeway Lantern Co.",
            "",
        );
        check_text(
            "007-info-human.eml",
            "Hello, the fax number and the ZIP code of Ridgeway Lantern Co seem to have been swapped. Could you give me both again?\n\n    Regina Lomax",
            "________________________________\nFrom: Entry Ops",
        );
        check_text(
            "009-approval-web.eml",
            "Your importer account request for Cinder Path Running Inc (47\u{2011}915036800) ended with: account opened.",
            "",
        );
        check_text("021-forward.eml", "for you", "From: LOMAX, REGINA");
    }

    #[test]
    fn the_sample_subjects_are_decoded() {
        for (name, subject) in [
            (
                "025-encoded-subject.eml",
                "Status – Ptarmigan Wool Co. DBA “Snowfeather” 91–407326100",
            ),
            (
                "027-reject-inactive.eml",
                "Østerby Skibsudstyr A/S, 252303-00418",
            ),
        ] {
            let message = Message::parse(&sample(name), FolderRole::Inbox, DateTime::UNIX_EPOCH);
            assert_eq!(message.subject, subject);
        }
    }

    #[test]
    fn the_sample_bounce_names_recipient_and_submission() {
        let message = Message::parse(
            &sample("006-bounce-own.eml"),
            FolderRole::Inbox,
            DateTime::UNIX_EPOCH,
        );
        let report = message.report.unwrap();
        let failed: Vec<_> = report.failed().collect();
        assert_eq!(failed.len(), 1);
        assert!(failed[0].concerns("ace.applications@cbp.dhs.gov"));
        assert_eq!(failed[0].status.as_deref(), Some("5.3.4"));
        let returned = report.returned.clone().unwrap();
        assert_eq!(
            returned.message_id.as_deref(),
            Some("CH2PR17MB390128FE7ED56925622BE0DA10CF@CH2PR17MB3901.namprd17.prod.outlook.com")
        );
        assert_eq!(returned.subject, "Returned Form: application.pdf");
        assert!(returned.text.contains("84-6602173-00"));
        assert!(message.forwarded.is_empty());
        assert!(message.attachments.is_empty());
        assert!(message.text.contains("too big"));
    }

    #[test]
    fn own_mails_carry_a_pdf() {
        for (name, bytes) in samples() {
            let message = Message::parse(&bytes, FolderRole::Inbox, DateTime::UNIX_EPOCH);
            assert_eq!(message.has_pdf(), name.contains("-own-"), "{name}");
            let is_bounce = name.starts_with("006");
            assert_eq!(message.report.is_some(), is_bounce, "{name}");
            assert_eq!(message.from.len(), 1, "{name}");
            assert!(
                message.message_id.is_some() && message.date.is_some(),
                "{name}"
            );
        }
    }

    #[test]
    fn truncated_mails_and_changed_line_ends_are_read() {
        for (_, bytes) in samples() {
            for end in (0..bytes.len()).step_by(7) {
                Message::parse(&bytes[..end], FolderRole::Inbox, DateTime::UNIX_EPOCH);
            }
            let unix = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
            let crlf = parse(&unix.replace('\n', "\r\n"));
            let lf = parse(&unix);
            assert_eq!(
                (&crlf.text, &crlf.headers, &crlf.report),
                (&lf.text, &lf.headers, &lf.report)
            );
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(200))]
        #[test]
        fn arbitrary_bytes_are_read(bytes: Vec<u8>) {
            Message::parse(&bytes, FolderRole::Inbox, DateTime::UNIX_EPOCH);
        }

        #[test]
        fn arbitrary_mixtures_of_mail_syntax_are_read(
            pieces in proptest::collection::vec(proptest::sample::select(&[
                "From: ", "a@x", "<", ">", "\"", "(", ")", ":", ";", ",", "=?utf-8?Q?=41?=", "=?utf-8?B?", "?=",
                "\n", "\r\n", "\n\n", " ", "Content-Type: multipart/mixed; boundary=b", "--b", "--b--", "> ",
                "Content-Type: message/rfc822", "Content-Transfer-Encoding: base64", "<table><td>", "&#8209;",
                "<blockquote>", "On 1 wrote:", "Received: from a by b; ", "Mon, 4 May 2026 09:05:07 -0400", "é", "\0",
            ][..]), 0..80)
        ) {
            let message = parse(&pieces.concat());
            let shown = [&message.subject, &message.text, &message.quoted];
            assert!(shown.iter().all(|t| !t.contains(|c: char| c.is_control() && c != '\n' && c != '\t')));
        }
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
    fn hostile_lines_take_linear_time() {
        for piece in [
            "On 1 ",
            "From: a@x\n",
            "> ",
            "On 1:\n",
            "-",
            "_",
            "a@x ",
            "=?",
            "(",
            "<",
            "Re:",
        ] {
            let body = piece.repeat(100_000);
            parse(&format!(
                "From: postmaster@x\nSubject: {body}\nTo: {body}\n\n{body}"
            ));
        }
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
        check(
            "Please view this message in an HTML capable mail client.",
            "<p>html</p>",
            "html",
        );
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
        check(
            "Content-Type: multipart/mixed; boundary=missing",
            "text",
            "text",
        );
        check(
            "Content-Type: multipart/mixed; boundary=b",
            "--b\n\nopen end",
            "open end",
        );
        check(
            "Content-Type: text/html",
            "<td>12-3456789</td><td>Acme</td>",
            "12-3456789\tAcme",
        );
    }

    #[test]
    fn gmail_and_outlook_html_lose_the_older_mail() {
        let gmail = "Content-Type: text/html\n\n<div dir=ltr>new</div><br><div class=\"gmail_quote\"><div dir=\"ltr\" class=\"gmail_attr\">On Mon, May 4, 2026 at 9:05 AM Ops &lt;<a href=x>ops@broker.example</a>&gt; wrote:<br></div><blockquote class=\"gmail_quote\" style=\"margin:0px 0px 0px 0.8ex;border-left:1px solid\">old<br></blockquote></div>";
        let outlook = "Content-Type: text/html\n\n<p>new</p><div id=\"appendonsend\"></div><hr><div id=\"divRplyFwdMsg\"><b>From:</b> Ops<br><b>Sent:</b> Monday<br></div><div>old</div>";
        let desktop = "Content-Type: text/html\n\n<p>new</p><div style='border-top:solid'><p><b>From:</b> Ops &lt;ops@x&gt;<br><b>Sent:</b> Monday<br><b>Subject:</b> x</p></div><p>old</p>";
        for mail in [gmail, outlook, desktop] {
            let message = parse(mail);
            assert_eq!(message.text, "new");
            assert!(message.quoted.ends_with("old"), "{}", message.quoted);
            assert!(!message.forwarded_inline);
        }
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
            let [forwarded] = message.forwarded.as_slice() else {
                panic!("{part}: {message:?}")
            };
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
        assert_eq!(
            message
                .report
                .unwrap()
                .returned
                .unwrap()
                .message_id
                .as_deref(),
            Some("2@x")
        );
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
    fn prefixes_of_subjects_are_stripped_in_any_number() {
        fn check(subject: &str, expected: &str) {
            assert_eq!(without_prefixes(subject), expected, "{subject}");
        }
        for prefix in [
            "[EXTERNAL] RE: Re:Fwd: ",
            "AW:",
            "WG: ",
            "Re[2]: ",
            "Re(3):",
            "SV: Antw: RV:",
            "Automatic reply: ",
            "Auto:",
            "Undeliverable:",
            "TR : ",
            "VS: ",
            "Doorst: ",
            "[FWD] ",
            "(EXT) Re:",
            "*EXTERNAL* FW:",
            "EXTERNAL: re:",
            "[External Email] ",
            "回复：",
            "Re^2: ",
            "",
        ] {
            check(
                &format!("{prefix}Acme, EIN 12-3456789"),
                "Acme, EIN 12-3456789",
            );
        }
        check("[Fwd: Acme]", "Acme]");
        for subject in [
            "Regal Imports: 1",
            "I: x",
            "Ref 12",
            "[Acme] Re: x",
            "External Trading Co",
            "Reading: x",
        ] {
            check(subject, subject);
        }
        check("Re:", "");
    }

    #[test]
    fn forwards_are_known_by_their_outermost_prefix() {
        for (subject, expected) in [
            ("FW: x", true),
            ("[EXTERNAL] Fwd: x", true),
            ("WG:x", true),
            ("TR : x", true),
            ("VS: x", true),
            ("Doorst: x", true),
            ("[FWD] x", true),
            ("RE: FW: x", false),
            ("Forward Air: x", false),
            ("x", false),
        ] {
            assert_eq!(is_forward_subject(subject), expected, "{subject}");
        }
        assert!(parse("Subject: look\n\nhi\n\n---------- Forwarded message ---------\nFrom: A <a@x>\n\nold").forwarded_inline);
    }

    #[test]
    fn all_from_fields_are_heard() {
        let message = parse("From: a@x\nFrom: b@y\nSender: c@z\n\n");
        let from: Vec<_> = message.from.iter().map(|a| a.address.as_str()).collect();
        assert_eq!(from, ["a@x", "b@y"]);
        assert!(parse("From: CBP: a@x;\n\n").from_is_group);
    }

    #[test]
    fn header_helpers_answer_from_the_top() {
        let message = parse(
            "Auto-Submitted: auto-replied (vacation)\nX: 1\nx: 2\nReturn-Path: <>\nReferences: <a@x> <b@x>\nIn-Reply-To: <c@x>\n\n",
        );
        assert_eq!(message.auto_submitted(), Some("auto-replied"));
        assert_eq!(message.header("x"), Some("1"));
        assert_eq!(message.headers_named("X").count(), 2);
        assert!(message.has_null_sender() && !message.is_list_mail());
        assert_eq!(
            message.thread_ids().collect::<Vec<_>>(),
            ["c@x", "b@x", "a@x"]
        );
        assert_eq!(parse("Auto-Submitted: no\n\n").auto_submitted(), None);
    }

    #[test]
    fn attachments_are_named_safely() {
        let mail = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: application/octet-stream; name=\"=?utf-8?Q?=C3=98=1B.pdf?=\"\nContent-Disposition: attachment\n\nx\n--b\nContent-Type: text/plain\nContent-Disposition: attachment; filename*=utf-8''a%20b.txt\n\nnot text\n--b--";
        let message = parse(mail);
        let names: Vec<_> = message
            .attachments
            .iter()
            .filter_map(|a| a.name.as_deref())
            .collect();
        assert_eq!(names, ["Ø .pdf", "a b.txt"]);
        assert!(message.has_pdf());
        assert_eq!(message.text, "x");
    }

    #[test]
    fn the_digest_is_sha_256() {
        assert_eq!(
            Digest::of(b"abc").to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn senders_of_quoted_mail_are_listed() {
        let message = parse(
            "Subject: FW: x\n\nlook\n\nFrom: LOMAX, REGINA\n<r@cbp.dhs.gov>\nSent: Monday\nSubject: x\n\nold\n\n> On Mon, 4 May 2026, Ops\n> <ops@x> wrote:\n> older",
        );
        let senders = message.quoted_senders();
        assert!(senders[0].contains("r@cbp.dhs.gov"), "{senders:?}");
        assert!(senders.iter().any(|s| s.contains("ops@x")), "{senders:?}");
    }
}
