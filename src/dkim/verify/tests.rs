//! Signatures made here with a key of the test, and a name server on this machine that has it.
//!
//! `tests/data/dkim` holds what the library cannot make: signatures of RSA keys, one that has
//! expired and one of a key that is too short. Nobody has the private keys any more.

use std::collections::BTreeMap;
use std::net::{SocketAddr, UdpSocket};
use std::path::Path;
use std::sync::OnceLock;

use chrono::DateTime;
use mail_auth::common::crypto::Ed25519Key;
use mail_auth::common::headers::HeaderWriter;
use mail_auth::dkim::DkimSigner;

use super::super::verdict;
use crate::app::{App, Incoming, Origin};
use crate::config::{self, Environment, Settings};
use crate::domain::application::{ApplicationId, History, Stage};
use crate::domain::authenticity::{Authenticity, DkimVerdict, Verdict};
use crate::domain::message::{FolderRole, Message};
use crate::domain::rules::Rules;
use crate::store::record::NewApplication;
use crate::store::{Store, query};

const MAIL: &str = "From: ACE Applications <ACE.Applications@cbp.dhs.gov>\r\nTo: ops@broker.example\r\nSubject: Acme Imports LLC 12-345678900\r\nDate: Mon, 4 May 2026 09:25:20 -0400\r\nMessage-ID: <1@cbp.dhs.gov>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nYour ACE portal account has been approved and created.\r\n";
const FIELDS: &[&str] = &["From", "To", "Subject", "Date", "Message-ID", "Content-Type"];
const RECEIVED: &str = "Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24]) by mx.broker.example; Mon, 4 May 2026 09:25:28 -0400\r\n";

/// What the name server says of a name.
#[derive(Clone)]
enum Answer {
    Txt(String),
    NoSuchName,
    Failure,
    Silence,
}

fn key() -> &'static [u8] {
    static KEY: OnceLock<Vec<u8>> = OnceLock::new();
    KEY.get_or_init(|| Ed25519Key::generate_pkcs8().unwrap())
}

/// A name server that knows the keys of the tests, and nothing else.
fn name_server() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(|| {
        let public = Ed25519Key::from_pkcs8_der(key()).unwrap().public_key();
        let public = base64(&public);
        let file = |name| {
            let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dkim/");
            std::fs::read_to_string(format!("{path}{name}.key")).unwrap()
        };
        let txt = |text: String| Answer::Txt(format!("v=DKIM1; {text}"));
        let good = || txt(format!("k=ed25519; p={public}"));
        let zone: BTreeMap<&str, Answer> = [
            ("good._domainkey.cbp.dhs.gov", good()),
            ("good._domainkey.dhs.gov", good()),
            ("good._domainkey.mail.cbp.dhs.gov", good()),
            ("good._domainkey.fema.dhs.gov", good()),
            ("good._domainkey.evil.example", good()),
            ("rsa._domainkey.cbp.dhs.gov", txt(format!("k=rsa; p={}", file("rsa")))),
            ("short._domainkey.cbp.dhs.gov", txt(format!("k=rsa; p={}", file("short")))),
            ("trial._domainkey.cbp.dhs.gov", txt(format!("k=ed25519; t=y; p={public}"))),
            ("revoked._domainkey.cbp.dhs.gov", txt("k=ed25519; p=".to_owned())),
            ("other._domainkey.cbp.dhs.gov", txt(format!("k=ed25519; p={}", base64(&[7; 32])))),
            ("garbage._domainkey.cbp.dhs.gov", Answer::Txt("v=spf1 -all".to_owned())),
            ("failing._domainkey.cbp.dhs.gov", Answer::Failure),
            ("silent._domainkey.cbp.dhs.gov", Answer::Silence),
        ]
        .into();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut query = [0; 1500];
            while let Ok((n, from)) = socket.recv_from(&mut query) {
                if let Some(answer) = answered(&query[..n], &zone) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        address
    })
}

/// The answer to a question of RFC 1035 §4; `None` for silence.
fn answered(query: &[u8], zone: &BTreeMap<&str, Answer>) -> Option<Vec<u8>> {
    let mut name = Vec::new();
    let mut at = 12;
    while query[at] != 0 {
        let end = at + 1 + usize::from(query[at]);
        name.push(String::from_utf8_lossy(&query[at + 1..end]).to_lowercase());
        at = end;
    }
    let known = zone.get(name.join(".").as_str()).cloned().unwrap_or(Answer::NoSuchName);
    let (code, text) = match known {
        Answer::Txt(text) => (0, Some(text)),
        Answer::Failure => (2, None),
        Answer::NoSuchName => (3, None),
        Answer::Silence => return None,
    };
    let n_answers = u8::from(text.is_some());
    let mut answer = vec![query[0], query[1], 0x81, 0x80 | code, 0, 1, 0, n_answers, 0, 0, 0, 0];
    answer.extend(&query[12..at + 5]);
    if let Some(text) = text {
        let strings: Vec<u8> = text
            .as_bytes()
            .chunks(200)
            .flat_map(|chunk| [&[u8::try_from(chunk.len()).unwrap()], chunk].concat())
            .collect();
        answer.extend([0xC0, 12, 0, 16, 0, 1, 0, 0, 1, 44]);
        answer.extend(u16::try_from(strings.len()).unwrap().to_be_bytes());
        answer.extend(strings);
    }
    Some(answer)
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let n = (0..3).fold(0, |n, i| n << 8 | u32::from(*chunk.get(i).unwrap_or(&0)));
            (0..4).map(move |i| match i <= chunk.len() {
                true => char::from(LETTERS[(n >> (18 - 6 * i) & 63) as usize]),
                false => '=',
            })
        })
        .collect()
}

fn settings(timeout: &str) -> Settings {
    let text = format!(
        "time-zone = \"UTC\"\n[trust]\nauthserv-id = [\"mx.broker.example\"]\n\
         own-addresses = [\"ops@broker.example\"]\ndkim = true\nresolver = \"{}\"\n\
         [limits]\ndns-timeout = \"{timeout}\"",
        name_server()
    );
    config::parse(&text, Path::new("test.toml"), &Environment::from_process()).unwrap()
}

/// The mail with a signature on top.
fn signed_by(domain: &str, selector: &str, fields: &[&str], is_whole: bool, mail: &str) -> String {
    let signer = DkimSigner::from_key(Ed25519Key::from_pkcs8_der(key()).unwrap())
        .domain(domain)
        .selector(selector)
        .headers(fields.iter().copied())
        .body_length(!is_whole);
    format!("{}{mail}", signer.sign(mail.as_bytes()).unwrap().to_header())
}

fn signed(mail: &str) -> String {
    signed_by("cbp.dhs.gov", "good", FIELDS, true, mail)
}

fn message(mail: &str) -> Message {
    Message::parse(mail.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH)
}

/// The verdict must be good for a domain, or begin with a reason.
#[track_caller]
fn check(mail: &str, expected: Result<&str, &str>) {
    let timeout = if expected.is_err_and(|why| why.contains("200ms")) { "200ms" } else { "30s" };
    let settings = settings(timeout);
    let mail = format!("{RECEIVED}{mail}");
    let mut message = message(&mail);
    message.dkim = verdict(&settings, "import", &message, mail.as_bytes());
    match (&message.dkim, expected) {
        (DkimVerdict::Good(domain), Ok(expected)) => assert_eq!(domain, expected, "{mail}"),
        (DkimVerdict::Lacking(why), Err(expected)) if why.starts_with(expected) => {}
        (other, expected) => panic!("{other:?} and not {expected:?}\n{mail}"),
    }
    let read = Authenticity::of(&message, &settings.trust);
    let wanted = if expected.is_ok() { Verdict::Authentic } else { Verdict::Unverified };
    assert_eq!(read.verdict, wanted, "{}", read.because);
    let because = match expected {
        Ok(domain) => format!("a DKIM signature of {domain} was verified here"),
        Err(why) => format!(
            "no Authentication-Results of our own mail server above the first foreign hop; {why}"
        ),
    };
    assert!(read.because.starts_with(&because), "{}", read.because);
}

fn file(name: &str) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dkim/");
    std::fs::read_to_string(format!("{path}{name}.eml")).unwrap()
}

#[test]
fn a_good_signature_of_cbps_makes_a_mail_authentic() {
    check(&signed(MAIL), Ok("cbp.dhs.gov"));
    check(&signed(MAIL).replace("\r\n", "\n"), Ok("cbp.dhs.gov"));
    for domain in ["dhs.gov", "mail.cbp.dhs.gov"] {
        check(&signed_by(domain, "good", FIELDS, true, MAIL), Ok(domain));
    }
    check(&file("lasting"), Ok("cbp.dhs.gov"));
    // Lines that nobody reads may be added on the way.
    check(&format!("X-Scanned: yes\r\n{}", signed(MAIL)), Ok("cbp.dhs.gov"));
}

#[test]
fn any_good_signature_will_do_and_bad_ones_beside_it_do_no_harm() {
    let foreign = |mail: &str| signed_by("evil.example", "good", FIELDS, true, mail);
    let silent = |mail: &str| signed_by("cbp.dhs.gov", "none", FIELDS, true, mail);
    check(&foreign(&signed(MAIL)), Ok("cbp.dhs.gov"));
    check(&signed(&silent(MAIL)), Ok("cbp.dhs.gov"));
    check(&format!("DKIM-Signature: v=1; nonsense\r\n{}", signed(MAIL)), Ok("cbp.dhs.gov"));
    let many = "DKIM-Signature: v=1; nonsense\r\n".repeat(10);
    check(&format!("{many}{}", signed(MAIL)), Err("it bears 11 DKIM signatures"));
}

#[test]
fn what_was_changed_or_not_signed_by_cbp_proves_nothing() {
    let good = signed(MAIL);
    check(MAIL, Err("it bears no DKIM signature"));
    check(&good.replace("approved", "rejected"), Err("its text is not the one"));
    check(&format!("{good}more\r\n"), Err("its text is not the one"));
    check(&good.replace("12-345678900", "98-765432100"), Err("its DKIM signature is not good"));
    check(&good.replace("d=cbp.dhs.gov", "d=dhs.gov"), Err("its DKIM signature is not good"));
    for domain in ["evil.example", "fema.dhs.gov", "gov", "xcbp.dhs.gov"] {
        let mail = signed_by(domain, "good", FIELDS, true, MAIL);
        check(&mail, Err(&format!("its DKIM signature is of {domain}")));
    }
    for (domain, selector) in [("evil\\.cbp.dhs.gov", "good"), ("cbp.dhs.gov", "go\\od")] {
        let mail = signed_by(domain, selector, FIELDS, true, MAIL);
        check(&mail, Err("its DKIM signature names no plain domain"));
    }
    check(&file("expired"), Err("its DKIM signature has expired"));
    check(&file("short-key"), Err("its DKIM signature is not good"));
    check(
        &signed_by("cbp.dhs.gov", "good", FIELDS, false, MAIL),
        Err("its DKIM signature covers only a part of the text"),
    );
    check(&good.replace("a=ed25519-sha256", "a=rsa-sha1"), Err("its DKIM signature is"));
}

#[test]
fn what_acewatch_reads_must_be_signed_and_stand_once() {
    for field in ["From", "Subject", "Content-Type"] {
        let fields: Vec<&str> = FIELDS.iter().filter(|name| **name != field).copied().collect();
        let mail = signed_by("cbp.dhs.gov", "good", &fields, true, MAIL);
        let lacking = format!("its DKIM signature does not cover {}", field.to_lowercase());
        check(&mail, Err(&lacking));
    }
    for field in ["Subject: Other Imports 98-765432100", "Content-Type: text/html", "To: x@y"] {
        let name = field.split(':').next().unwrap().to_lowercase();
        let mail = format!("{field}\r\n{}", signed(MAIL));
        check(&mail, Err(&format!("its header has two fields {name}")));
    }
    // The core passes over a line that is no field; the library takes it for one.
    let mail = signed(MAIL).replace("To: ops", "no field\r\nTo: ops");
    check(&mail, Err("its header can be read in two ways"));
}

#[test]
fn a_key_that_cannot_be_had_leaves_the_mail_to_a_person() {
    for (selector, why) in [
        ("none", "there is no key for its DKIM signature in the DNS"),
        ("silent", "the DNS did not answer within 200ms what key"),
        ("failing", "the DNS did not answer within"),
        ("revoked", "its DKIM signature is not good"),
        ("other", "its DKIM signature is not good"),
        ("garbage", "its DKIM signature is not good"),
        ("trial", "the key of its DKIM signature is on trial"),
    ] {
        check(&signed_by("cbp.dhs.gov", selector, FIELDS, true, MAIL), Err(why));
    }
}

#[test]
fn a_signature_never_outranks_our_own_server() {
    let settings = settings("30s");
    let results = |results: &str| format!("Authentication-Results: mx.broker.example; {results}");
    for (head, verdict_expected) in [
        (results("dmarc=fail header.from=cbp.dhs.gov"), Verdict::Forged),
        (results("dmarc=none"), Verdict::Unverified),
        (results("dmarc=temperror"), Verdict::Unverified),
        (results("dkim=none"), Verdict::Unverified),
        (results("dkim=fail header.d=cbp.dhs.gov"), Verdict::Unverified),
        (results("spf=pass smtp.mailfrom=cbp.dhs.gov"), Verdict::Authentic),
        ("Reply-To: x@evil.example".to_owned(), Verdict::Unverified),
        ("From: x@evil.example".to_owned(), Verdict::Unverified),
    ] {
        let mail = format!("{head}\r\n{RECEIVED}{}", signed(MAIL));
        let mut message = message(&mail);
        message.dkim = verdict(&settings, "import", &message, mail.as_bytes());
        let read = Authenticity::of(&message, &settings.trust);
        assert_eq!(read.verdict, verdict_expected, "{head}: {}", read.because);
        // Even a verdict that was not asked for.
        message.dkim = DkimVerdict::Good("cbp.dhs.gov".to_owned());
        let read = Authenticity::of(&message, &settings.trust);
        assert_eq!(read.verdict, verdict_expected, "{head}: {}", read.because);
    }
    let failed = results("dmarc=fail header.from=cbp.dhs.gov");
    let mail = format!("{RECEIVED}{RECEIVED}{failed}\r\n{}", signed(MAIL));
    let mut message = message(&mail);
    message.dkim = verdict(&settings, "import", &message, mail.as_bytes());
    assert_eq!(message.dkim, DkimVerdict::Good("cbp.dhs.gov".to_owned()));
    assert_eq!(Authenticity::of(&message, &settings.trust).verdict, Verdict::Unverified);
}

fn stage(app: &App, id: ApplicationId) -> Stage {
    History::of(&query::events(app.store.read(), id).unwrap()).stage()
}

#[test]
fn a_mail_verified_here_moves_its_application_also_when_that_is_registered_later() {
    let now = DateTime::parse_from_rfc3339("2026-05-04T14:00:00Z").unwrap().to_utc();
    let mut app =
        App::new(Store::in_memory().unwrap(), settings("30s"), Rules::read(None).unwrap());
    let acme = |number: &str| {
        let application = NewApplication::by_mail("Acme Imports LLC", number.parse().unwrap());
        [(application, Some(now - chrono::Duration::days(3)))]
    };
    let mails = [
        format!("{RECEIVED}{}", signed(MAIL)),
        format!("{RECEIVED}{MAIL}"),
        format!("{RECEIVED}{}", signed(MAIL).replace("approved", "APPROVED")),
    ];
    let mails: Vec<Incoming> =
        mails.iter().map(|mail| Incoming { bytes: mail.as_bytes(), received_at: now }).collect();
    let origin = Origin { mailbox: "import", folder: "INBOX", role: FolderRole::Inbox };
    let tally = app.ingest(origin, &mails, None, now).unwrap();
    assert_eq!((tally.recorded, tally.review), (0, 3), "its application is not known");
    // The key may be gone by then.
    app.settings.dkim = None;
    let id = app.register(&acme("12-345678900"), now).unwrap()[0].unwrap();
    assert_eq!(stage(&app, id), Stage::Approved);
    let events = query::events(app.store.read(), id).unwrap();
    assert_eq!(events.len(), 2, "a submission and one approval: {events:?}");
}
