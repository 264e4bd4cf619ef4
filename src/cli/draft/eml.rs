//! A draft as a file that mail programs open (RFC 5322).
//!
//! `X-Unsent: 1` tells Outlook and Thunderbird that it is a draft to go on writing. It has neither
//! a date nor a Message-ID: the mail program gives both when it sends it.

use lettre::message::header::{ContentType, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message};
use lettre::{Address, address::AddressError};

use crate::cli::failure::Failure;
use crate::domain::draft::Mail;

/// Writes the mail, lines ending with CRLF.
///
/// # Errors
///
/// An address of the configuration cannot be used.
pub(super) fn written(mail: &Mail, from: &str) -> Result<Vec<u8>, Failure> {
    let mailbox = |address: &str| {
        let parsed = address.parse::<Address>().map_err(|error: AddressError| {
            Failure::usage(format!("{address} is no address that a mail can have"))
                .because(error)
                .hint("look at [trust] and [contact] in the configuration")
        })?;
        Ok::<_, Failure>(Mailbox::new(None, parsed))
    };
    let bracketed = |id: &String| format!("<{id}>");
    let mut builder = Message::builder()
        .from(mailbox(from)?)
        .to(mailbox(&mail.to)?)
        .subject(mail.subject.as_str())
        .header(MIME_VERSION_1_0)
        .header(ContentType::TEXT_PLAIN);
    if let Some(cc) = &mail.cc {
        builder = builder.cc(mailbox(cc)?);
    }
    if let Some(id) = &mail.in_reply_to {
        builder = builder.in_reply_to(bracketed(id));
    }
    if !mail.references.is_empty() {
        let all: Vec<String> = mail.references.iter().map(bracketed).collect();
        builder = builder.references(all.join(" "));
    }
    let mut written = builder
        .body(mail.text.replace('\n', "\r\n"))
        .map_err(|error| Failure::new("the mail cannot be written").because(error))?;
    let headers = written.headers_mut();
    headers.remove_raw("Date");
    if let Ok(name) = HeaderName::new_from_ascii("X-Unsent".to_owned()) {
        headers.insert_raw(HeaderValue::new(name, "1".to_owned()));
    }
    Ok(written.formatted())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mail(subject: &str, text: &str) -> Mail {
        Mail {
            to: "ACE.Support@cbp.dhs.gov".to_owned(),
            cc: Some("regina.lomax@cbp.dhs.gov".to_owned()),
            subject: subject.to_owned(),
            in_reply_to: Some("2@cbp.dhs.gov".to_owned()),
            references: vec!["1@broker.example".to_owned(), "2@cbp.dhs.gov".to_owned()],
            text: text.to_owned(),
        }
    }

    fn text_of(mail: &Mail) -> String {
        String::from_utf8(written(mail, "ops@broker.example").unwrap()).unwrap()
    }

    #[test]
    fn a_draft_has_no_date_and_says_that_it_is_one() {
        let text = text_of(&mail("RE: Acme Imports LLC 12-345678900", "Hello,\n"));
        let expected = [
            "From: ops@broker.example",
            "To: ACE.Support@cbp.dhs.gov",
            "Subject: RE: Acme Imports LLC 12-345678900",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Cc: regina.lomax@cbp.dhs.gov",
            "In-Reply-To: <2@cbp.dhs.gov>",
            "References: <1@broker.example> <2@cbp.dhs.gov>",
            "Content-Transfer-Encoding: 7bit",
            "X-Unsent: 1",
            "",
            "Hello,",
            "",
        ];
        assert_eq!(text, expected.join("\r\n"));
        let refused = written(&mail("x", "y"), "nobody").unwrap_err();
        assert!(format!("{refused:?}").contains("nobody is no address"), "{refused:?}");
    }

    #[test]
    fn a_name_in_other_letters_is_encoded_and_read_back() {
        for company in ["Compañía Peñasco S.A. de C.V.", "青葉貿易株式会社", &"Løve ".repeat(40)]
        {
            let written = text_of(&mail(company, &format!("Company: {company}\n")));
            assert!(written.is_ascii(), "{written}");
            let read = mail_parser::MessageParser::default().parse(written.as_bytes()).unwrap();
            assert_eq!(read.subject().unwrap(), company.trim());
            assert_eq!(read.body_text(0).unwrap().trim(), format!("Company: {company}").trim());
        }
    }

    proptest! {
        #[test]
        fn no_subject_adds_a_header_and_no_line_is_too_long(
            subject in "[^\r\n\0]{0,200}",
            text in "(?s).{0,400}",
        ) {
            let written = text_of(&mail(&subject, &text));
            let (header, _) = written.split_once("\r\n\r\n").unwrap();
            for line in header.split("\r\n") {
                let is_known = ["From: ", "To: ", "Cc: ", "Subject: ", "In-Reply-To: ", "References: ",
                    "Content-Type: ", "Content-Transfer-Encoding: ", "X-Unsent: ", "MIME-Version: ", " "]
                    .iter()
                    .any(|name| line.starts_with(name));
                prop_assert!(is_known, "{:?}", line);
            }
            prop_assert!(written.split("\r\n").all(|line| line.len() <= 998), "{}", written);
        }
    }
}
