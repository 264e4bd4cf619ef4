//! The verification itself, by `mail-auth`, and what it must be to be believed.
//!
//! A signature proves that CBP signed these lines once, to somebody. Who has such a mail can send
//! it on with more lines on top. So a signature is believed only if it covers the lines by which
//! acewatch reads a mail, if none of them stands twice, if it covers the whole body, and if the
//! library reads the header as the core does.

use std::borrow::Cow;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use mail_auth::common::cache::NoCache;
use mail_auth::common::crypto::Algorithm;
use mail_auth::common::verify::{DomainKey, VerifySignature};
use mail_auth::dkim::{DkimError, Signature};
use mail_auth::{AuthenticatedMessage, DkimResult, Error, MessageAuthenticator, Txt};
use tokio::time::timeout;

use crate::config::{Resolver, Settings};
use crate::dns;
use crate::domain::authenticity::{DkimVerdict, Trust, may_vouch};
use crate::domain::message::{Message, as_sent};

/// Honest mail bears one signature, or two, or a few more after lists and services.
const MAX_SIGNATURES: usize = 10;
/// So many names of fields a signature may list; honest ones list about twenty.
const MAX_SIGNED_FIELDS: usize = 200;

/// The fields by which a mail is read. With a second one on top of a signed one, a reader would
/// see the stranger's and the verifier CBP's.
const ONCE: &[&str] = &[
    "from",
    "sender",
    "reply-to",
    "to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];
/// Those that a signature must cover where they are there.
const COVERED: &[&str] = &["from", "subject", "content-type"];

/// The key is on trial (`t=y`, RFC 6376 §3.6.1), and such mail is to be treated like unsigned mail.
const ON_TRIAL: u64 = 0x10;

/// Verifies the signatures of mails, all at the same time.
pub(super) fn verify_all(
    settings: &Settings,
    resolver: Resolver,
    trust: &Trust,
    mails: &[(&Message, &[u8])],
) -> Vec<DkimVerdict> {
    if mails.is_empty() {
        return Vec::new();
    }
    let limit = settings.limits.dns_timeout;
    let work = || in_runtime(resolver, limit, trust, mails);
    // The caller may be inside of a runtime, which cannot wait for another one.
    let done =
        std::thread::scope(|scope| match std::thread::Builder::new().spawn_scoped(scope, work) {
            Ok(thread) => thread.join(),
            Err(error) => Ok(Err(error.to_string())),
        });
    let failed = |why: String| vec![DkimVerdict::Lacking(why); mails.len()];
    match done {
        Ok(Ok(verdicts)) => verdicts,
        Ok(Err(why)) => failed(format!("its DKIM signature cannot be verified: {why}")),
        Err(_) => failed("the verification of its DKIM signature broke down".to_owned()),
    }
}

fn in_runtime(
    resolver: Resolver,
    limit: Duration,
    trust: &Trust,
    mails: &[(&Message, &[u8])],
) -> Result<Vec<DkimVerdict>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let dns = authenticator(resolver, limit)?;
        let verdicts = mails.iter().map(|(message, bytes)| {
            // One mail that the library stumbles over must not cost the others.
            AssertUnwindSafe(verify(&dns, limit, trust, message, bytes)).catch_unwind().map(
                |verdict| {
                    verdict.unwrap_or_else(|_| {
                        lacking("the verification of its DKIM signature broke down")
                    })
                },
            )
        });
        Ok(join_all(verdicts).await)
    })
}

fn authenticator(resolver: Resolver, limit: Duration) -> Result<MessageAuthenticator, String> {
    let (config, options) =
        dns::configuration(resolver, limit).map_err(|error| error.to_string())?;
    MessageAuthenticator::new(config, options).map_err(|error| error.to_string())
}

async fn verify(
    dns: &MessageAuthenticator,
    limit: Duration,
    trust: &Trust,
    message: &Message,
    bytes: &[u8],
) -> DkimVerdict {
    let bytes = with_crlf(as_sent(bytes));
    let mut signed = match usable(&bytes, message, trust) {
        Ok(signed) => signed,
        Err(why) => return DkimVerdict::Lacking(why),
    };
    // What the sender asks to be looked up besides the key is none of our business.
    for header in &mut signed.dkim_headers {
        header.header.r = false;
        header.header.atps = None;
    }
    let Ok(verdict) = timeout(limit, ask(dns, &signed)).await else {
        return no_answer(limit);
    };
    match verdict {
        Ok(domain) => DkimVerdict::Good(domain),
        Err(None) => no_answer(limit),
        Err(Some(why)) => DkimVerdict::Lacking(why),
    }
}

fn lacking(why: &str) -> DkimVerdict {
    DkimVerdict::Lacking(why.to_owned())
}

fn no_answer(limit: Duration) -> DkimVerdict {
    DkimVerdict::Lacking(format!(
        "the DNS did not answer within {} what key its DKIM signature has",
        humantime::format_duration(limit)
    ))
}

/// Files keep mails with bare line ends; what was sent and signed had CR LF.
fn with_crlf(bytes: &[u8]) -> Cow<'_, [u8]> {
    let is_bare = |at: usize| at.checked_sub(1).and_then(|at| bytes.get(at)) != Some(&b'\r');
    let is_line_end = |(at, byte): (usize, &u8)| *byte == b'\n' && is_bare(at);
    if !bytes.iter().enumerate().any(is_line_end) {
        return Cow::Borrowed(bytes);
    }
    let mut sent = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    for (at, byte) in bytes.iter().enumerate() {
        if *byte == b'\n' && is_bare(at) {
            sent.push(b'\r');
        }
        sent.push(*byte);
    }
    Cow::Owned(sent)
}

/// The mail with those signatures that would vouch for it if they are good; else why there is none.
fn usable<'x>(
    bytes: &'x [u8],
    message: &Message,
    trust: &Trust,
) -> Result<AuthenticatedMessage<'x>, String> {
    let from = message.from.first().map(|from| from.domain()).unwrap_or_default();
    match message.headers_named("DKIM-Signature").count() {
        0 => return Err("it bears no DKIM signature".to_owned()),
        n if MAX_SIGNATURES < n => return Err(format!("it bears {n} DKIM signatures")),
        _ => {}
    }
    if let Some(twice) = ONCE.iter().find(|name| 1 < message.headers_named(name).count()) {
        return Err(format!("its header has two fields {twice}"));
    }
    let mut signed =
        AuthenticatedMessage::parse(bytes).ok_or("its header cannot be read".to_owned())?;
    let names = signed.headers.iter().map(|(name, _)| name.trim_ascii_end());
    let is_read_alike = signed.headers.len() == message.headers.len()
        && names.zip(&message.headers).all(|(a, (b, _))| a.eq_ignore_ascii_case(b.as_bytes()))
        && signed.from.as_slice() == [address(message)];
    if !is_read_alike {
        return Err("its header can be read in two ways".to_owned());
    }
    let mut why = signed.errors.first().map(|error| reason(&error.header));
    signed.errors.clear();
    signed.dkim_headers.retain(|header| match fault(&header.header, &from, message, trust) {
        None => true,
        Some(fault) => {
            why.get_or_insert(fault);
            false
        }
    });
    match signed.dkim_headers.is_empty() {
        true => Err(why.unwrap_or_else(|| "it bears no DKIM signature".to_owned())),
        false => Ok(signed),
    }
}

fn address(message: &Message) -> String {
    message.from.first().map(|from| from.address.to_lowercase()).unwrap_or_default()
}

/// Why a signature would prove nothing even if it is good.
fn fault(signature: &Signature, from: &str, message: &Message, trust: &Trust) -> Option<String> {
    let covers = |name: &&&str| signature.h.iter().any(|signed| signed.eq_ignore_ascii_case(name));
    let uncovered =
        COVERED.iter().filter(|name| message.header(name).is_some()).find(|name| !covers(name));
    let domain: String = signature.d.chars().take(100).collect();
    match signature.a {
        _ if !is_plain(&signature.d) || !is_plain(&signature.s) => {
            Some("its DKIM signature names no plain domain".to_owned())
        }
        _ if !may_vouch(&signature.d, from, trust) => {
            Some(format!("its DKIM signature is of {domain}"))
        }
        Algorithm::RsaSha256 | Algorithm::Ed25519Sha256 => match uncovered {
            _ if signature.l != 0 => Some(reason(&Error::Dkim(DkimError::SignatureLength))),
            _ if MAX_SIGNED_FIELDS < signature.h.len() => {
                Some(format!("its DKIM signature lists {} fields", signature.h.len()))
            }
            Some(name) => Some(format!("its DKIM signature does not cover {name}")),
            None => None,
        },
        _ => Some("its DKIM signature is of a kind that is not safe any more".to_owned()),
    }
}

/// Tells whether a name means the same as text and in the DNS, where a backslash quotes a dot.
fn is_plain(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
}

/// The domain of a good signature, else why none is; `None` where the DNS failed.
async fn ask(
    dns: &MessageAuthenticator,
    signed: &AuthenticatedMessage<'_>,
) -> Result<String, Option<String>> {
    let mut why = Some("no DKIM signature of it is good".to_owned());
    for output in dns.verify_dkim(signed).await {
        let Some(signature) = output.signature() else { continue };
        match output.result() {
            DkimResult::Pass => match on_trial(dns, signature).await {
                false => return Ok(signature.d.to_lowercase()),
                true => why = Some("the key of its DKIM signature is on trial".to_owned()),
            },
            DkimResult::TempError(_) => why = None,
            DkimResult::Neutral(error) | DkimResult::Fail(error) | DkimResult::PermError(error) => {
                why = why.map(|_| reason(error));
            }
            DkimResult::None => {}
        }
    }
    Err(why)
}

/// Asks for the key once more, which the resolver remembers.
async fn on_trial(dns: &MessageAuthenticator, signature: &Signature) -> bool {
    let key = dns.txt_lookup::<DomainKey>(signature.domain_key(), None::<&NoCache<Box<str>, Txt>>);
    key.await.is_ok_and(|key| key.f & ON_TRIAL != 0)
}

/// What is wrong, for a person who has to decide about the mail.
fn reason(error: &Error) -> String {
    match error {
        Error::Dkim(DkimError::FailedBodyHashMatch) => {
            "its text is not the one that its DKIM signature is for".to_owned()
        }
        Error::Dkim(DkimError::SignatureExpired) => "its DKIM signature has expired".to_owned(),
        Error::Dkim(DkimError::SignatureLength) => {
            "its DKIM signature covers only a part of the text".to_owned()
        }
        Error::Dns(mail_auth::DnsError::RecordNotFound(_)) => {
            "there is no key for its DKIM signature in the DNS".to_owned()
        }
        error => format!("its DKIM signature is not good: {error}"),
    }
}

#[cfg(test)]
mod tests;
