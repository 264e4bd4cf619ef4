//! A mail as a `mailto:` URI (RFC 6068).

use super::Mail;

/// Longest URI that mail programs and browsers take, in octets.
pub const LONGEST_MAILTO: usize = 8000;

/// The mail as a URI; `None` where it would be too long. It cannot say who sends it.
pub fn mailto(mail: &Mail) -> Option<String> {
    let mut uri = format!("mailto:{}", encoded(&mail.to));
    let in_reply_to = mail.in_reply_to.as_ref().map(|id| format!("<{id}>"));
    let fields = [
        ("subject", Some(mail.subject.clone())),
        ("cc", mail.cc.clone()),
        ("in-reply-to", in_reply_to),
        // Line breaks are CRLF (RFC 6068 §5).
        ("body", Some(mail.text.replace('\n', "\r\n"))),
    ];
    let fields =
        fields.iter().filter_map(|(name, value)| value.as_ref().map(|value| (name, value)));
    for (n, (name, value)) in fields.enumerate() {
        uri.push(if n == 0 { '?' } else { '&' });
        uri.push_str(&format!("{name}={}", encoded(value)));
    }
    (uri.len() <= LONGEST_MAILTO).then_some(uri)
}

/// Percent-encodes all but the unreserved characters of RFC 3986 and the `@` of an address.
fn encoded(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => {
                safe.push(char::from(byte));
            }
            _ => safe.push_str(&format!("%{byte:02X}")),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_uri_has_every_part_and_only_what_a_uri_may_have() {
        let mail = Mail {
            to: "ACE.Support@cbp.dhs.gov".to_owned(),
            cc: Some("o'hara+ace@cbp.dhs.gov".to_owned()),
            subject: "Follow-up: Søn & Co, EIN 12-3456789".to_owned(),
            in_reply_to: Some("1?2@mail.broker.example".to_owned()),
            references: Vec::new(),
            text: "Hello,\n100% = all\n".to_owned(),
        };
        assert_eq!(
            mailto(&mail).unwrap(),
            "mailto:ACE.Support@cbp.dhs.gov?subject=Follow-up%3A%20S%C3%B8n%20%26%20Co%2C%20EIN%2012-3456789\
             &cc=o%27hara%2Bace@cbp.dhs.gov&in-reply-to=%3C1%3F2@mail.broker.example%3E\
             &body=Hello%2C%0D%0A100%25%20%3D%20all%0D%0A"
        );
        let long = Mail { text: "貿易".repeat(700), ..mail };
        assert_eq!(mailto(&long), None);
    }

    proptest! {
        #[test]
        fn no_text_adds_a_field(subject in ".{0,80}", text in "(?s).{0,200}") {
            let mail = Mail { to: "a@b.example".to_owned(), subject, text, ..Mail::default() };
            if let Some(uri) = mailto(&mail) {
                prop_assert!(uri.is_ascii() && !uri.contains(char::is_whitespace));
                prop_assert_eq!(uri.matches('&').count(), 1);
                prop_assert_eq!(uri.matches('?').count(), 1);
                prop_assert!(!uri.contains('#'));
            }
        }
    }
}
