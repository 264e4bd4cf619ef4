//! Bytes to [`Message`]: what one mail says, in the terms the rest of acewatch uses.
//!
//! A mail that cannot be read is a kind of mail, so nothing here fails. Mails come from strangers,
//! so nothing here trusts their form either:
//!
//! - The header is split by our own code, top to bottom (`fields`): its order decides which
//!   Authentication-Results are believed, and mail-parser's `header()` answers with the last one.
//! - So is the tree of MIME parts walked (`tree`), because mail-parser nests it without a limit.
//!   mail-parser decodes the leaves.
//! - Every list, text and depth has a bound with a name; what lies beyond is left out.
//! - The reading of the body runs in `catch_unwind`: should a decoder panic, the header remains.
//!
//! Text is made safe once, here (`fields::clean_text`): no control characters but newline and
//! tab, no direction overrides, no invisible characters inside of words.

mod fields;
mod html;
mod quoting;
mod report;
mod slim;
mod subject;
mod tree;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};
use regex::Regex;
use sha2::{Digest as _, Sha256};

use super::authenticity::DkimVerdict;
pub use report::{DeliveryAction, DeliveryReport, RecipientReport, Returned};
pub use slim::without_files;
pub use subject::without_prefixes;

/// So many From fields are read; two are one too many already.
const MAX_FROMS: usize = 10;
/// So many lines of quoted text are searched for senders, and so many senders listed.
const MAX_QUOTED_LINES: usize = 5_000;
const MAX_SENDERS: usize = 100;

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
    /// Whom else it went to; only our own Sent folder tells.
    pub bcc: Vec<Address>,
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
    /// What came of verifying its DKIM signatures, which needs the DNS: whoever asks it writes it
    /// here.
    pub dkim: DkimVerdict,
}

impl Message {
    /// Reads a mail. Never fails: what cannot be read is left empty.
    ///
    /// At most 2,000 header fields of 64 KiB, one MiB of them together, 1,000 parts, 12 levels of
    /// nesting and 1 MiB of text are kept.
    pub fn parse(bytes: &[u8], folder: FolderRole, received_at: DateTime<Utc>) -> Message {
        let start = fields::without_envelope(bytes);
        let (headers, _) = fields::split_head(start);
        // Nothing the closure touches outlives a panic half changed.
        let content = catch_unwind(AssertUnwindSafe(|| tree::read(start))).unwrap_or_default();

        let list = |name| fields::first(&headers, name).map(|raw| fields::addresses(raw).0);
        let ids = |name| fields::first(&headers, name).map(fields::message_ids).unwrap_or_default();
        let froms: Vec<_> =
            fields::all(&headers, "From").take(MAX_FROMS).map(fields::addresses).collect();
        let subject = subject::decoded(&headers);
        let has_prefix = subject::is_forward(&subject);
        Message {
            digest: Digest::of(bytes),
            folder,
            message_id: ids("Message-ID").into_iter().next(),
            in_reply_to: ids("In-Reply-To"),
            references: ids("References"),
            from_is_group: froms.iter().any(|(_, is_group)| *is_group),
            from: froms.into_iter().flat_map(|(list, _)| list).take(fields::MAX_LIST).collect(),
            sender: list("Sender").and_then(|list| list.into_iter().next()),
            reply_to: list("Reply-To").unwrap_or_default(),
            to: list("To").unwrap_or_default(),
            cc: list("Cc").unwrap_or_default(),
            bcc: list("Bcc").unwrap_or_default(),
            subject,
            received_at,
            date: fields::first(&headers, "Date").and_then(fields::date),
            text: content.text,
            quoted: content.quoted,
            forwarded_inline: content.is_forward || has_prefix,
            attachments: content.attachments,
            forwarded: content.forwarded,
            report: content.report,
            dkim: DkimVerdict::Unchecked,
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

    /// Everybody it is addressed to, blind copies included where our own Sent folder keeps them.
    pub fn recipients(&self) -> impl Iterator<Item = &Address> {
        self.to.iter().chain(&self.cc).chain(&self.bcc)
    }

    /// The senders on one line, as they call themselves.
    pub fn sender_line(&self) -> String {
        self.from.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// The subject without what mail programs put in front of it, in any number and order:
    /// "Re:", "AW:", "Fwd:", "Automatic reply:", "Undeliverable:", `[EXTERNAL]` and their like.
    pub fn subject_without_prefixes(&self) -> &str {
        subject::without_prefixes(&self.subject)
    }

    /// The word of the Auto-Submitted field (RFC 3834 §5), such as `auto-replied`, as written;
    /// `None` where it is absent or says `no`.
    pub fn auto_submitted(&self) -> Option<&str> {
        let value = self.header("Auto-Submitted")?;
        let word = value.split([';', '(', ' ']).next().unwrap_or_default().trim();
        (!word.is_empty() && !word.eq_ignore_ascii_case("no")).then_some(word)
    }

    /// Tells whether the mail was sent to a list of subscribers (RFC 2369, RFC 2919).
    pub fn is_list_mail(&self) -> bool {
        ["List-Unsubscribe", "List-Id", "List-Post"].iter().any(|name| self.header(name).is_some())
    }

    /// Tells whether the envelope sender is empty, as in bounces and automatic replies
    /// (RFC 5321 §4.5.5).
    pub fn has_null_sender(&self) -> bool {
        self.header("Return-Path").is_some_and(|path| path.trim() == "<>")
    }

    /// The ids that this mail answers to: In-Reply-To first, then References from the newest.
    pub fn thread_ids(&self) -> impl Iterator<Item = &str> {
        self.in_reply_to.iter().chain(self.references.iter().rev()).map(String::as_str)
    }

    /// Lists whom the older mail in the text is from, as far as the quotation says: the From
    /// lines of copied headers and the attribution lines ("On … wrote:").
    pub fn quoted_senders(&self) -> Vec<String> {
        quoted_senders(&self.quoted)
    }
}

/// What a header block alone tells of a mail, read without the cost of the rest.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Envelope {
    /// The senders.
    pub from: Vec<Address>,
    /// The recipients named in To and Cc.
    pub recipients: Vec<Address>,
    /// The subject, decoded.
    pub subject: String,
    /// Whether it is a forward by its subject.
    pub is_forward: bool,
    /// Whether it has the marks of a delivery report.
    pub is_report: bool,
}

impl Envelope {
    /// Reads a header block; never fails.
    pub fn read(header: &[u8]) -> Envelope {
        let (headers, _) = fields::split_head(header);
        let addresses = |name: &str| -> Vec<Address> {
            let all = fields::all(&headers, name).take(MAX_FROMS);
            all.flat_map(|raw| fields::addresses(raw).0).collect()
        };
        let subject = subject::decoded(&headers);
        let is_report_type = fields::first(&headers, "Content-Type")
            .is_some_and(|value| value.to_ascii_lowercase().contains("multipart/report"));
        Envelope {
            from: addresses("From"),
            recipients: [addresses("To"), addresses("Cc")].concat(),
            is_forward: subject::is_forward(&subject),
            is_report: is_report_type || fields::first(&headers, "X-Failed-Recipients").is_some(),
            subject,
        }
    }
}

/// A mail without what files put in front of its first header field: the bytes that were sent.
pub fn as_sent(bytes: &[u8]) -> &[u8] {
    fields::without_envelope(bytes)
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
    /// Computes the digest of a mail: SHA-256 of its bytes with the line ends of RFC 5322. In a file lines may
    /// end otherwise than a server sends them, and it is the same mail.
    pub fn of(bytes: &[u8]) -> Digest {
        let mut hash = Sha256::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(text) => {
                    hash.update(text.strip_suffix(b"\r").unwrap_or(text));
                    hash.update(b"\r\n");
                }
                None => hash.update(line),
            }
        }
        Digest(hash.finalize().into())
    }

    /// Reads what a digest is shown as.
    pub fn read(shown: &str) -> Option<Digest> {
        let mut bytes = [0; 32];
        for (n, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(shown.get(2 * n..2 * n + 2)?, 16).ok()?;
        }
        (shown.len() == 64).then_some(Digest(bytes))
    }

    /// The digest's 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
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
        let domain = self.address.rsplit_once('@').map_or("", |(_, domain)| domain);
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
        matches!(self.content_type.as_str(), "application/pdf" | "application/x-pdf")
            || self.name.as_ref().is_some_and(is_named)
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

#[expect(clippy::expect_used, reason = "the patterns are literals, and each is used in the tests")]
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
        names.into_iter().map(|name| (name.clone(), sample(&name))).collect()
    }

    #[test]
    fn every_sample_was_received_when_its_topmost_line_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/sample/expected.jsonl");
        let mut n_checked = 0;
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let expected: serde_json::Value = serde_json::from_str(line).unwrap();
            let file = expected["file"].as_str().unwrap().trim_start_matches("mail/");
            let at: DateTime<Utc> = expected["received_at"].as_str().unwrap().parse().unwrap();
            assert_eq!(file_received_at(&sample(file)), Some(at), "{file}");
            n_checked += 1;
        }
        assert_eq!(n_checked, 30);
    }

    fn check_text(name: &str, text: &str, quoted_start: &str) {
        let message = Message::parse(&sample(name), FolderRole::Inbox, DateTime::UNIX_EPOCH);
        assert_eq!(message.text.trim(), text, "{name}");
        assert!(message.quoted.starts_with(quoted_start), "{name}: {}", message.quoted);
        assert_eq!(
            quoted_start.is_empty(),
            message.quoted.is_empty(),
            "{name}: {}",
            message.quoted
        );
    }

    #[test]
    fn the_samples_give_their_new_text_only() {
        check_text("001-own-button.eml", "ACE account application of Ridgeway Lantern Co.", "");
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
            ("027-reject-inactive.eml", "Østerby Skibsudstyr A/S, 252303-00418"),
        ] {
            let message = Message::parse(&sample(name), FolderRole::Inbox, DateTime::UNIX_EPOCH);
            assert_eq!(message.subject, subject);
        }
    }

    #[test]
    fn the_sample_bounce_names_recipient_and_submission() {
        let message =
            Message::parse(&sample("006-bounce-own.eml"), FolderRole::Inbox, DateTime::UNIX_EPOCH);
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
            assert!(message.message_id.is_some() && message.date.is_some(), "{name}");
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
    fn hostile_lines_take_linear_time() {
        for piece in
            ["On 1 ", "From: a@x\n", "> ", "On 1:\n", "-", "_", "a@x ", "=?", "(", "<", "Re:"]
        {
            let body = piece.repeat(100_000);
            parse(&format!("From: postmaster@x\nSubject: {body}\nTo: {body}\n\n{body}"));
        }
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
    fn a_forward_in_the_text_is_known_by_its_line() {
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
        assert_eq!(message.thread_ids().collect::<Vec<_>>(), ["c@x", "b@x", "a@x"]);
        assert_eq!(parse("Auto-Submitted: no\n\n").auto_submitted(), None);
    }

    #[test]
    fn a_mail_in_a_file_has_the_digest_that_it_has_on_a_server() {
        for (file, mail) in [
            ("A: b\n\ntext\n", "A: b\r\n\r\ntext\r\n"),
            ("A: b\r\n\ntext\n", "A: b\r\n\r\ntext\r\n"),
            ("A: b\n\ntext", "A: b\r\n\r\ntext"),
        ] {
            assert_eq!(Digest::of(file.as_bytes()), Digest::of(mail.as_bytes()), "{file:?}");
        }
        for other in ["A: b\r\r\n\r\n", "A: b\n\n\n", "A: b\r\n", "A: b\n\n\r"] {
            assert_ne!(Digest::of(other.as_bytes()), Digest::of(b"A: b\r\n\r\n"), "{other:?}");
        }
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
