//! Mails made to cost: their time grows as their length does, what is kept of them is bounded, and
//! nothing of them reaches a terminal as anything but text.
//!
//! Time is compared, never measured against a limit: what one mail of four times the length costs,
//! on the processor, within the same run.

use std::time::Duration;

use acewatch::domain::authenticity::Trust;
use acewatch::domain::intake::{Examined, examine, keys_of};
use acewatch::domain::message::{FolderRole, Message};
use acewatch::domain::rules::Rules;
use chrono::DateTime;

const HEADER: &str = "Authentication-Results: mx.broker.example; dmarc=pass header.from=cbp.dhs.gov\r\n\
                      From: ACE Applications <ACE.Applications@cbp.dhs.gov>\r\n";

fn whole_path(mail: &[u8], rules: &Rules) -> (Message, Examined) {
    let trust =
        Trust::of_cbp(vec!["mx.broker.example".to_owned()], vec!["ops@broker.example".to_owned()]);
    let message = Message::parse(mail, FolderRole::Inbox, DateTime::UNIX_EPOCH);
    let keys = keys_of(&message, rules);
    let examined = examine(&message, &keys, &[], &[], rules, &trust);
    (message, examined)
}

/// What this thread has spent on the processor; a busy machine changes nothing about it.
fn spent() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// The mails of one kind, by length.
type Make = Box<dyn Fn(usize) -> String>;

/// `unit` again and again, in a mail of about that length.
fn repeated(before: &'static str, unit: &'static str) -> Make {
    Box::new(move |length| format!("{before}{}", unit.repeat(length / unit.len())))
}

/// Another `unit` each time: `#` stands for its number.
fn numbered(before: &'static str, unit: &'static str) -> Make {
    Box::new(move |length| {
        let units = (0..length / (unit.len() + 6)).map(|n| unit.replace('#', &format!("{n:07}")));
        format!("{before}{}", units.collect::<String>())
    })
}

fn hostile_mails() -> Vec<(&'static str, Make)> {
    const BODY: &str = "\r\n\r\n";
    const HTML: &str = "Content-Type: text/html\r\n\r\n";
    const REPORT: &str = "Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n";
    vec![
        ("header fields", repeated("", "X: y\r\n")),
        (
            "long fields",
            Box::new(|length| format!("X: {}\r\n", "y".repeat(30_000)).repeat(length / 30_000 + 1)),
        ),
        (
            "a long name",
            Box::new(|length| {
                let name = "n".repeat(length.min(30_000));
                format!("From: {name} {}", "<a@x.example>".repeat(length / 13))
            }),
        ),
        ("results", repeated("", "Authentication-Results: mx.broker.example; (\r\n")),
        ("hops", repeated("", "Received: from a by b (c [192.0.2.1]); x\r\n")),
        ("folded lines", repeated("Subject: x\r\n", " y\r\n")),
        ("prefixes", repeated("Subject: ", "Re: ")),
        ("encoded words", repeated("Subject: ", "=?utf-8?Q?=C3?= ")),
        ("begun words", repeated("Subject: ", "=?utf-8?B?")),
        ("comments", repeated("To: ", "(")),
        ("addresses", repeated("To: ", "A <a@x.example>, ")),
        ("angles", repeated("From: a ", "<a@x.example>")),
        ("ids", repeated("References: ", "<a@x.example> ")),
        ("mails in mails", repeated("", "Content-Type: message/rfc822\r\n\r\n")),
        (
            "parts in parts",
            repeated("", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"),
        ),
        (
            "parts",
            repeated("Content-Type: multipart/mixed; boundary=b\r\n\r\n", "--b\r\n\r\nx\r\n"),
        ),
        ("recipients", numbered(REPORT, "Final-Recipient: rfc822; a#@x.example\r\n\r\n")),
        ("tags", repeated(HTML, "<a =\">")),
        ("open tags", repeated(HTML, "<")),
        ("cells", repeated(HTML, "<table><td>")),
        ("quotations", repeated(HTML, "<blockquote>x")),
        ("references", repeated(HTML, "&amp")),
        ("comments of HTML", repeated(HTML, "<!--")),
        (
            "shifts",
            repeated("Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n", "\x1b$B\x1b(B"),
        ),
        ("soft breaks", repeated("Content-Transfer-Encoding: quoted-printable\r\n\r\n", "=\r\n")),
        ("nothing", repeated(BODY, "\0")),
        ("quoted lines", repeated(BODY, "> x\r\n")),
        ("attributions", repeated(BODY, "On 4 May 2026 a@x.example wrote:\r\nx\r\n")),
        ("rules", repeated(BODY, "________________\r\nFrom: a@x\r\n")),
        ("labels", repeated(BODY, "a: ")),
        ("stops", repeated(BODY, ".")),
        ("short sentences", repeated(BODY, "No. ")),
        ("contrasts", repeated(BODY, "it is not, but ")),
        ("words", repeated(BODY, "approved if rejected ")),
        ("numbers", numbered(BODY, "12-#00, ")),
        ("bare digits", numbered(BODY, "12#00 ")),
        ("tickets", numbered(BODY, "INC# ")),
        ("names", numbered(BODY, "Acme Imports A# LLC, ")),
        ("addresses of the web", repeated(BODY, "http://a.example/12-3456789 ")),
    ]
}

#[test]
fn time_grows_as_the_length_does() {
    const LENGTH: usize = 48 << 10;
    const NOTABLE: Duration = Duration::from_millis(100);
    let rules = Rules::read(None).unwrap();
    // Patterns are compiled at their first use.
    whole_path(format!("{HEADER}\r\nYour account is approved.").as_bytes(), &rules);
    let mut faults = Vec::new();
    for (name, make) in hostile_mails() {
        let took = |length: usize| {
            let mail = HEADER.to_owned() + &make(length);
            let start = spent();
            whole_path(mail.as_bytes(), &rules);
            spent() - start
        };
        let is_slow = || {
            let (short, long) = (took(LENGTH), took(4 * LENGTH));
            (NOTABLE < long && short * 9 < long).then_some((short, long))
        };
        // Twice, because the first mail of a kind may compile a pattern of its own.
        if let Some((short, long)) = is_slow().and_then(|_| is_slow()) {
            faults.push(format!("{name}: {short:?}, and {long:?} for four times as much"));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn what_is_kept_of_a_huge_mail_is_bounded() {
    const LENGTH: usize = 4 << 20;
    let kept = |message: &Message| -> usize {
        let addresses = message.from.iter().chain(message.recipients()).chain(&message.reply_to);
        let attached = message.attachments.iter().filter_map(|attachment| attachment.name.as_ref());
        let forwarded = message.forwarded.iter().map(|mail| mail.text.len() + mail.subject.len());
        message.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
            + message.text.len()
            + message.quoted.len()
            + addresses
                .map(|a| a.address.len() + a.name.as_ref().map_or(0, String::len))
                .sum::<usize>()
            + attached.map(String::len).sum::<usize>()
            + forwarded.sum::<usize>()
    };
    for (name, make) in hostile_mails() {
        let mail = HEADER.to_owned() + &make(LENGTH);
        let message = Message::parse(mail.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH);
        let kept = kept(&message);
        assert!(kept <= 6 << 20, "{name}: {kept} bytes");
    }
}

#[test]
fn nothing_in_a_mail_is_obeyed_by_a_terminal() {
    const EVIL: &str = "a\u{1b}[2Jb\u{9b}31mc\u{202e}d\u{2066}e\u{7}f\0g\u{85}h\u{8}\u{7f}i";
    let encoded = "=?utf-8?Q?a=1B[2Jb=C2=9B31mc=E2=80=AEd=E2=81=A6e=07f=00g?=";
    let is_shown_as_text = |text: &str| {
        !text.contains(|letter: char| {
            (letter.is_control() && letter != '\n' && letter != '\t')
                || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        })
    };
    let rules = Rules::read(None).unwrap();
    for evil in [EVIL, encoded] {
        let mail = format!(
            "From: {evil} <a{evil}@cbp.dhs.gov.evil.example>\r\nSubject: {evil}\r\nMessage-ID: <{evil}@x>\r\n\
             Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n{evil}\r\n\r\nOn 1 May {evil} wrote:\r\n> {evil}\r\n\
             --b\r\nContent-Type: application/pdf; name=\"{evil}\"\r\n\r\nx\r\n\
             --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: {evil} <a@cbp.dhs.gov>\r\nSubject: {evil}\r\n\r\n{evil}\r\n--b--\r\n"
        );
        let (message, examined) = whole_path(mail.as_bytes(), &rules);
        let mut shown = vec![
            message.subject.clone(),
            message.text.clone(),
            message.quoted.clone(),
            message.sender_line(),
            examined.because,
            examined.authenticity.because,
        ];
        shown.extend(message.message_id);
        shown.extend(message.attachments.into_iter().filter_map(|attachment| attachment.name));
        shown.extend(message.forwarded.into_iter().flat_map(|mail| [mail.subject, mail.text]));
        shown.extend(examined.classification.because);
        shown.extend(examined.alert.into_iter().flat_map(|alert| [alert.title, alert.body]));
        for text in shown {
            assert!(is_shown_as_text(&text), "{text:?}");
        }
    }
}
