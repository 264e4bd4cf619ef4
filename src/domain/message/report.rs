//! Delivery reports: what became of a mail of ours (RFC 3464), and the bounces of servers that
//! never heard of that standard.
//!
//! A bounce of an application is the earliest sign that nobody at CBP has it. What counts is who
//! was not reached, for how long, and which mail came back; servers say it in three ways: in a
//! machine-readable part, in a header field (Exim), or only in words (qmail and many more).

use std::sync::LazyLock;

use regex::Regex;

use super::fields::{self, Field, clean_line};
use super::pattern;

/// So many recipients are read of one report.
const MAX_RECIPIENTS: usize = 500;
/// So much of the words of a bounce is searched, in bytes.
const MAX_WORDS: usize = 64 * 1024;

/// What a server reports of a mail that it was to deliver.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct DeliveryReport {
    /// One entry per recipient that the report speaks of.
    pub recipients: Vec<RecipientReport>,
    /// The mail that came back, as far as it did.
    pub returned: Option<Returned>,
    /// The report has the form of RFC 3464; otherwise it was read from its words.
    pub is_standard: bool,
}

impl DeliveryReport {
    /// Lists the recipients that will never get the mail.
    pub fn failed(&self) -> impl Iterator<Item = &RecipientReport> {
        self.recipients.iter().filter(|recipient| recipient.action == DeliveryAction::Failed)
    }

    /// Whether it says who was not reached, and by which mail.
    pub(super) fn is_complete(&self) -> bool {
        let has_id = self.returned.as_ref().is_some_and(|mail| mail.message_id.is_some());
        has_id && !self.recipients.is_empty()
    }

    /// Adds what only the words of the same mail say.
    pub(super) fn fill_in(&mut self, words: DeliveryReport) {
        if self.recipients.is_empty() {
            self.recipients = words.recipients;
        }
        let told = words.returned.filter(|mail| mail.message_id.is_some());
        self.returned = match (self.returned.take(), told) {
            (Some(mail), _) if mail.message_id.is_some() => Some(mail),
            (mail, told) => told.or(mail),
        };
    }
}

/// What a report says of one recipient (RFC 3464 §2.3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RecipientReport {
    /// The address as the sender wrote it.
    pub original: Option<String>,
    /// The address at which the delivery was tried last.
    pub last: Option<String>,
    /// What became of it.
    pub action: DeliveryAction,
    /// The status code of RFC 3463, such as `5.1.1`.
    pub status: Option<String>,
    /// The other server's words.
    pub diagnostic: Option<String>,
}

impl RecipientReport {
    /// Tells whether the report concerns this address, compared without regard to case.
    pub fn concerns(&self, address: &str) -> bool {
        [&self.original, &self.last].into_iter().flatten().any(|a| a.eq_ignore_ascii_case(address))
    }

    /// The addresses that the report names for this recipient.
    pub fn addresses(&self) -> impl Iterator<Item = &str> {
        [&self.original, &self.last].into_iter().flatten().map(String::as_str)
    }
}

/// What became of a delivery (RFC 3464 §2.3.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeliveryAction {
    /// It was given up.
    Failed,
    /// It is still being tried.
    Delayed,
    /// It succeeded.
    Delivered,
    /// It went on to a server that reports nothing.
    Relayed,
    /// It went on to several addresses.
    Expanded,
    /// The report does not say.
    Unknown,
}

/// A mail that came back in a report, whole or only its header.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Returned {
    /// Its Message-ID without angle brackets.
    pub message_id: Option<String>,
    /// Its subject, decoded.
    pub subject: String,
    /// Its text, empty where only the header came back.
    pub text: String,
}

/// Reads the fields of a message/delivery-status part.
///
/// Groups are separated by blank lines, the first being about the message (§2.1); some servers
/// leave the blank lines out, so a second Final-Recipient begins a recipient too.
pub(super) fn recipients(part: &[u8]) -> Vec<RecipientReport> {
    let mut recipients = Vec::new();
    let mut group: Vec<Field> = Vec::new();
    let mut rest = part;
    while !rest.is_empty() && recipients.len() < MAX_RECIPIENTS {
        let (line, tail) = fields::next_line(rest);
        rest = tail;
        let text = clean_line(&fields::decode_raw(line));
        if text.is_empty() {
            recipients.extend(recipient(&std::mem::take(&mut group)));
        } else if line.starts_with(b" ") || line.starts_with(b"\t") {
            if let Some((_, value)) = group.last_mut().filter(|(_, value)| value.len() < 8_192) {
                value.push(' ');
                value.push_str(&text);
            }
        } else if let Some((name, value)) = text.split_once(':') {
            let is_next = name.trim().eq_ignore_ascii_case("Final-Recipient")
                && fields::first(&group, "Final-Recipient").is_some();
            if is_next {
                recipients.extend(recipient(&std::mem::take(&mut group)));
            }
            if group.len() < 100 {
                group.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
    }
    recipients.extend(recipient(&group));
    recipients
}

fn recipient(group: &[Field]) -> Option<RecipientReport> {
    let address = |name| fields::first(group, name).map(typed_value).filter(|a| !a.is_empty());
    let (original, last) = (address("Original-Recipient"), address("Final-Recipient"));
    if original.is_none() && last.is_none() {
        return None;
    }
    let status = fields::first(group, "Status")
        .and_then(|value| value.split_whitespace().next())
        .map(str::to_owned);
    let diagnostic = fields::first(group, "Diagnostic-Code").map(typed_value);
    let action = fields::first(group, "Action")
        .and_then(|value| value.split_whitespace().next())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let action = match action.as_str() {
        "failed" | "failure" | "expired" => DeliveryAction::Failed,
        "delayed" => DeliveryAction::Delayed,
        "delivered" => DeliveryAction::Delivered,
        "relayed" => DeliveryAction::Relayed,
        "expanded" => DeliveryAction::Expanded,
        _ => match status.as_deref().and_then(|status| status.chars().next()) {
            Some('5') => DeliveryAction::Failed,
            Some('4') => DeliveryAction::Delayed,
            Some('2') => DeliveryAction::Delivered,
            _ => DeliveryAction::Unknown,
        },
    };
    Some(RecipientReport { original, last, action, status, diagnostic })
}

/// A value without its type: `rfc822; a@b` (RFC 3464 §2.1.2).
fn typed_value(value: &str) -> String {
    let value = value.split_once(';').map_or(value, |(_, value)| value);
    value.trim().trim_matches(['<', '>']).to_owned()
}

/// Reads a bounce that has only words. `from` is the sender's address, `text` the first text of
/// the mail with the copy of the returned one in it.
///
/// It takes both a sender that is a machine and words that speak of a delivery: a postmaster
/// writes other mail, too.
pub(super) fn from_words(
    head: &[Field],
    from: &str,
    subject: &str,
    text: &str,
) -> Option<(DeliveryReport, usize)> {
    let local = from.split('@').next().unwrap_or_default().to_ascii_lowercase();
    let is_machine = local.starts_with("mailer-daemon")
        || local == "postmaster"
        || local.starts_with("microsoftexchange");
    let has_null_sender =
        fields::first(head, "Return-Path").is_some_and(|path| path.trim() == "<>");
    let failed_header = fields::first(head, "X-Failed-Recipients");
    let words: String = text.chars().take(MAX_WORDS).collect();
    let (by_subject, by_words) = (BOUNCE_SUBJECT.is_match(subject), BOUNCE_WORDS.is_match(&words));
    // An empty envelope sender is also that of absence notes, which may well speak of mail that
    // nobody reads; there the subject has to say it, too.
    let is_bounce = match (is_machine, has_null_sender) {
        (true, _) => by_subject || by_words || failed_header.is_some(),
        (false, true) => failed_header.is_some() || (by_subject && by_words),
        (false, false) => false,
    };
    if !is_bounce || IS_AUTO_REPLY.is_match(subject) {
        return None;
    }
    let copy = COPY.find(text).or_else(|| BARE_COPY.find(text));
    let copy_at = copy.map_or(text.len(), |found| found.start());
    let (own_words, copy) = text.split_at_checked(copy_at).unwrap_or((text, ""));
    let own_words: String = own_words.chars().take(MAX_WORDS).collect();
    let is_delay =
        DELAY.is_match(subject) || (DELAY.is_match(&own_words) && !GIVEN_UP.is_match(&own_words));
    let action = if is_delay { DeliveryAction::Delayed } else { DeliveryAction::Failed };
    let status = STATUS.find(&own_words).map(|found| found.as_str().to_owned());
    let diagnostic = own_words.lines().find(|line| CODE.is_match(line)).map(clean_line);
    let mut addresses: Vec<String> = Vec::new();
    let listed = failed_header.unwrap_or_default();
    let mentioned = ADDRESS.find_iter(listed).chain(ADDRESS.find_iter(&own_words));
    for address in mentioned.map(|found| found.as_str().trim_end_matches('.')) {
        let is_new = !addresses.iter().any(|known| known.eq_ignore_ascii_case(address));
        if is_new && !address.eq_ignore_ascii_case(from) && addresses.len() < MAX_RECIPIENTS {
            addresses.push(address.to_owned());
        }
    }
    let recipients = addresses
        .into_iter()
        .map(|address| RecipientReport {
            original: None,
            last: Some(address),
            action,
            status: status.clone(),
            diagnostic: diagnostic.clone(),
        })
        .collect();
    let returned = (!copy.is_empty()).then(|| inline_copy(copy)).flatten();
    Some((DeliveryReport { recipients, returned, is_standard: false }, copy_at))
}

/// Reads the copy of the returned mail that stands in the text of a bounce.
fn inline_copy(copy: &str) -> Option<Returned> {
    let begin = COPY_HEADER.find(copy)?.start();
    let (_, copy) = copy.split_at_checked(begin)?;
    let (head, body) = fields::split_head(copy.as_bytes());
    Some(Returned {
        message_id: fields::first(&head, "Message-ID")
            .and_then(|raw| fields::message_ids(raw).into_iter().next()),
        subject: clean_line(&fields::decode_words(
            fields::first(&head, "Subject").unwrap_or_default(),
        )),
        text: String::from_utf8_lossy(body).trim().to_owned(),
    })
}

static BOUNCE_SUBJECT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)undeliver|delivery (?:status|failure|failed|has failed|delayed|problem|notification|report)|failure notice|returned mail|mail delivery|mail system error|returning message|unzustellbar|nicht zugestellt|non remis|no se (?:pudo|puede) entregar|could not be delivered|mail fail(?:ure|ed)|error sending your mail|warning: (?:could not send|message)|rejected mail",
    )
});
static BOUNCE_WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)(?:wasn't|not|couldn't|could not|cannot|can't|unable to) (?:be )?(?:able to )?deliver|undeliverable|delivery (?:to .+ )?(?:has )?(?:failed|delayed)|permanent (?:fatal )?error|message (?:was )?not delivered",
    )
});
static IS_AUTO_REPLY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^\s*(?:automatic reply|out of office|autoreply|auto:)"));
static DELAY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)\bdelay(?:ed)?\b|will (?:keep|retry|continue|be retried)|still (?:trying|being)|temporar|no action is required|not yet been delivered|warning: could not send",
    )
});
static GIVEN_UP: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)giv(?:en|ing) up|gave up|permanent|too long|has failed|failed permanently|will not be retried|\b5\.\d{1,3}\.\d{1,3}\b|\b55\d\b",
    )
});
static STATUS: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b[245]\.\d{1,3}\.\d{1,3}\b"));
static CODE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b[45]\.\d{1,3}\.\d{1,3}\b|\b[45][0-5]\d[ -]"));
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"[A-Za-z0-9._%+'=-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}[A-Za-z0-9]")
});
static COPY: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?im)^[ \t]*(?:-{2,}[^\n]{0,20}(?:below this line is a copy|this is a copy of|enclosed (?:are|is)|original message|returned message|unsent message|message header|message text follows|forwarded message)[^\n]*|original message (?:headers|follows)[^\n]*|the (?:original|following) message (?:headers?|follows)[^\n]*)$",
    )
});
/// A copy of the header that nothing announces.
static BARE_COPY: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?im)\n[ \t]*\n(?:return-path|received|message-id):"));
static COPY_HEADER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?im)^(?:return-path|received|from|message-id|subject|date|to|mime-version|dkim-signature|x-[a-z-]{1,60}):",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standard_report_names_every_recipient() {
        let part = b"Reporting-MTA: dns; x\n\nOriginal-Recipient: rfc822;A@x\nFinal-Recipient: rfc822; <b@x>\nAction: Failed (bad)\nStatus: 5.1.1 (none)\nDiagnostic-Code: smtp; 550\n  no\n\nFinal-Recipient: utf-8; c@x\nStatus: 4.4.1\nFinal-Recipient: rfc822;d@x\nAction: relayed\n";
        let read = recipients(part);
        let actions: Vec<_> = read.iter().map(|r| (r.last.as_deref(), r.action)).collect();
        let expected = [
            (Some("b@x"), DeliveryAction::Failed),
            (Some("c@x"), DeliveryAction::Delayed),
            (Some("d@x"), DeliveryAction::Relayed),
        ];
        assert_eq!(actions, expected);
        assert_eq!(read.first().and_then(|r| r.status.as_deref()), Some("5.1.1"));
        assert_eq!(read.first().and_then(|r| r.diagnostic.as_deref()), Some("550 no"));
        assert!(read.first().is_some_and(|r| r.concerns("a@X")));
    }

    fn check(
        subject: &str,
        text: &str,
        addresses: &[&str],
        action: DeliveryAction,
        id: Option<&str>,
    ) {
        let (report, _) = from_words(&[], "MAILER-DAEMON@mx.example", subject, text).expect(text);
        let found: Vec<_> = report.recipients.iter().filter_map(|r| r.last.as_deref()).collect();
        assert_eq!(found, addresses, "{text}");
        assert!(report.recipients.iter().all(|r| r.action == action), "{report:?}");
        assert_eq!(report.returned.and_then(|r| r.message_id).as_deref(), id, "{text}");
    }

    #[test]
    fn bounces_in_words_are_read() {
        check(
            "failure notice",
            "Hi. This is the qmail-send program.\nI'm afraid I wasn't able to deliver your message.\nThis is a permanent error; I've given up.\n\n<a@cbp.dhs.gov>:\n552 too big\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <ops@x>\nMessage-ID: <1@x>\nSubject: Acme\n\ntext\n",
            &["a@cbp.dhs.gov"],
            DeliveryAction::Failed,
            Some("1@x"),
        );
        check(
            "Warning: could not send message for past 4 hours",
            "The message to a@x.example could not be delivered yet. We will keep trying.",
            &["a@x.example"],
            DeliveryAction::Delayed,
            None,
        );
        check(
            "Undeliverable: Acme",
            "Your message couldn't be delivered to a@x.example.\n\nOriginal message headers:\n\nReceived: from y\nSubject: Acme\nMessage-ID: <2@x>\n",
            &["a@x.example"],
            DeliveryAction::Failed,
            Some("2@x"),
        );
    }

    #[test]
    fn a_copy_without_announcement_is_found() {
        check(
            "Undelivered Mail Returned to Sender",
            "This is a permanent error.\n\na@x.example Invalid Address, ERROR_CODE :550\n\n\nReceived:from y\nMessage-ID:<3@x>\nTo:<b@x.example>\nSubject:Acme\n",
            &["a@x.example"],
            DeliveryAction::Failed,
            Some("3@x"),
        );
    }

    #[test]
    fn other_mail_of_a_postmaster_is_no_report() {
        let null_sender = [("Return-Path".to_owned(), "<>".to_owned())];
        let absence = "Mail to this box is undeliverable until Monday.";
        assert_eq!(from_words(&null_sender, "a@cbp.dhs.gov", "Re: Acme", absence), None);
        for (from, subject, text) in [
            ("postmaster@x", "Maintenance on Sunday", "The server rests."),
            ("ops@x", "Undeliverable: Acme", "could not be delivered"),
            ("postmaster@x", "Automatic reply: Undeliverable", "away"),
        ] {
            assert_eq!(from_words(&[], from, subject, text), None, "{subject}");
        }
    }
}
