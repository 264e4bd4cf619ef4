//! Mails for the tests of the real servers: few, plain, and as a broker's own server leaves them.

use chrono::{DateTime, Duration, Utc};

/// The importer a test registers, and what CBP writes about it.
#[derive(Clone, Copy, Debug)]
pub struct Importer {
    /// The company's name.
    pub company: &'static str,
    /// Its importer number in canonical form.
    pub number: &'static str,
}

/// The company most tests are about.
pub const ACME: Importer = Importer { company: "Acme Imports LLC", number: "12-345678900" };

/// A second one, for tests that need two.
pub const JUNIPER: Importer =
    Importer { company: "Juniper Lamp Works Inc", number: "47-120935500" };

/// And a third.
pub const PELICAN: Importer =
    Importer { company: "Pelican Dock Supply Co", number: "54-820736100" };

/// Returns our own mail that carried the application of `importer`, as the Sent folder keeps it.
pub fn submission(importer: Importer, at: DateTime<Utc>) -> String {
    let Importer { company, number } = importer;
    let date = at.to_rfc2822();
    let id = message_id("submission", importer);
    crlf(&format!(
        "\
From: \"Entry Ops\" <ops@broker.example>
To: ACE.Applications@cbp.dhs.gov
Subject: ACE Account Application - {company} - {number}
Date: {date}
Message-ID: <{id}>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=\"part\"

--part
Content-Type: text/plain; charset=utf-8

Please find attached the ACE account application of {company}, importer number {number}.
--part
Content-Type: application/pdf; name=\"application.pdf\"
Content-Disposition: attachment; filename=\"application.pdf\"
Content-Transfer-Encoding: base64

JVBERi0xLjcKJSVFT0YK
--part--
"
    ))
}

/// Returns CBP's approval of `importer`, vouched for by the broker's own server.
pub fn approval(importer: Importer, at: DateTime<Utc>) -> String {
    let Importer { company, number } = importer;
    from_cbp(
        &format!("RE: ACE Account Application - {company} - {number}"),
        &format!(
            "Your application for an ACE Portal account has been approved and the account has \
             been created.\n\nCompany: {company}\nImporter number: {number}\n\nThe account owner \
             will receive the log-in by separate mail.\n"
        ),
        &message_id("approval", importer),
        &message_id("submission", importer),
        at,
    )
}

/// Returns CBP's mail with this subject and text, in answer to the mail `in_reply_to`.
pub fn from_cbp(
    subject: &str,
    text: &str,
    id: &str,
    in_reply_to: &str,
    at: DateTime<Utc>,
) -> String {
    let received = at.to_rfc2822();
    let date = (at - Duration::seconds(40)).to_rfc2822();
    crlf(&format!(
        "\
Delivered-To: ops@broker.example
Return-Path: <regina.lomax@cbp.dhs.gov>
Received: from mail2.cbp.dhs.gov (mail2.cbp.dhs.gov. [198.51.100.24])
        by mx.broker.example with ESMTPS id dd3ffe04388a392c
        for <ops@broker.example>; {received}
Authentication-Results: mx.broker.example;
       dkim=pass header.i=@cbp.dhs.gov header.s=selector1 header.b=OJTjcRfJ;
       spf=pass smtp.mailfrom=regina.lomax@cbp.dhs.gov;
       dmarc=pass (p=REJECT sp=REJECT dis=NONE) header.from=cbp.dhs.gov
From: \"LOMAX, REGINA\" <regina.lomax@cbp.dhs.gov>
To: ops@broker.example
Subject: {subject}
Date: {date}
Message-ID: <{id}>
In-Reply-To: <{in_reply_to}>
References: <{in_reply_to}>
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

{text}"
    ))
}

fn message_id(what: &str, importer: Importer) -> String {
    format!("{what}.{}@mail.broker.example", importer.number)
}

/// Mails travel with CRLF, and a server gives them out so whatever lies on its disk.
fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}
