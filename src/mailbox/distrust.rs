//! Why a server is not trusted, in words for people, and what to do about it.

use std::io;

use chrono::DateTime;
use tokio_rustls::rustls::{CertificateError, Error as TlsError, InvalidMessage};

use super::connect::{not_pinned, shown};

/// A reason that has a remedy of its own.
pub(super) struct Distrust {
    /// Goes on the sentence "no secure connection to imap.example.com: ".
    pub(super) why: String,
    /// What to do.
    pub(super) hint: String,
}

/// Finds the reason in the error of a handshake; `None` where its own words must do.
pub(super) fn distrust(error: &io::Error) -> Option<Distrust> {
    let reason =
        |why: &str, hint: &str| Some(Distrust { why: why.to_owned(), hint: hint.to_owned() });
    if let Some(found) = not_pinned(error) {
        let found = shown(&found);
        return Some(Distrust {
            why: format!("its certificate is not the pinned one, but {found}"),
            hint: format!("if it was you who changed it, write pin-sha256 = \"{found}\""),
        });
    }
    let clock = "if the computer's clock is right, tell whoever runs the server";
    match error.get_ref()?.downcast_ref::<TlsError>()? {
        TlsError::InvalidMessage(InvalidMessage::InvalidContentType) => reason(
            "the server does not speak TLS there",
            "write tls = \"starttls\", or the port for TLS, which is usually 993",
        ),
        TlsError::InvalidCertificate(CertificateError::Expired) => {
            reason("its certificate has expired", clock)
        }
        TlsError::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. }) => {
            let day = i64::try_from(not_after.as_secs()).ok();
            let day = day.and_then(|seconds| DateTime::from_timestamp(seconds, 0))?;
            reason(&format!("its certificate expired on {}", day.format("%Y-%m-%d")), clock)
        }
        TlsError::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => reason("its certificate is not valid yet", clock),
        TlsError::InvalidCertificate(CertificateError::NotValidForNameContext {
            presented,
            ..
        }) => {
            let names: Vec<&str> = presented.iter().take(4).map(|name| bare(name)).collect();
            let names = names.join(", ");
            Some(Distrust {
                why: format!("its certificate is for another name: {names}"),
                hint: "write the server's own name as `host`".to_owned(),
            })
        }
        TlsError::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        ) => reason(
            "nobody who is trusted vouches for its certificate",
            "if you know this server, give its CA as `ca-file` or its certificate as `pin-sha256`",
        ),
        _ => None,
    }
}

/// The name in `DnsName("imap.example.com")`.
fn bare(presented: &str) -> &str {
    let inner = presented.split_once('(').map_or(presented, |(_, inner)| inner);
    inner.trim_end_matches(')').trim_matches('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_without_its_kind() {
        for (presented, expected) in [
            ("DnsName(\"imap.example.com\")", "imap.example.com"),
            ("IpAddress(127.0.0.1)", "127.0.0.1"),
            ("imap.example.com", "imap.example.com"),
        ] {
            assert_eq!(bare(presented), expected);
        }
    }

    #[test]
    fn what_is_not_known_keeps_its_own_words() {
        assert!(distrust(&io::Error::other("the line is dead")).is_none());
        let expired = TlsError::InvalidCertificate(CertificateError::Expired);
        let found = distrust(&io::Error::other(expired)).unwrap();
        assert_eq!(found.why, "its certificate has expired");
    }
}
