//! What may be wrong with a mail that carries an application, found while it can still be sent
//! again.
//!
//! CBP's machine confirms whatever arrives, also a mail without a form and one that names nobody;
//! that nothing can be done with it is noticed weeks later. So our own submissions are looked at
//! as soon as they lie in the Sent folder.

use super::importer::ImporterNumber;
use super::mention::{Reading, mentions};
use super::message::Message;
use super::subject_line::lint;

/// What may be wrong with a submission or its subject line.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Fault {
    /// No PDF is attached.
    NoPdf,
    /// There is no subject.
    Empty,
    /// The subject has control or invisible characters.
    ControlCharacters,
    /// The subject is longer than mail programs keep.
    TooLong,
    /// The subject is that of a reply or a forward.
    Prefix,
    /// The subject is what the form's button writes by itself.
    Generic,
    /// The subject has no importer number.
    NoNumber,
    /// The number has no suffix, and needs one.
    NoSuffix,
    /// The number is written without the dashes that tell its kind.
    BareNumber,
    /// The number has a wrong length, or letters for digits.
    MalformedNumber,
    /// The subject has several numbers.
    SeveralNumbers,
    /// No such number is known to be issued.
    UnlikelyNumber,
    /// The number has the form of a social security number, and nothing says that it is one.
    Ssn,
    /// The subject names no company.
    NoCompany,
}

impl Fault {
    const ALL: [Fault; 14] = [
        Fault::NoPdf,
        Fault::Empty,
        Fault::ControlCharacters,
        Fault::TooLong,
        Fault::Prefix,
        Fault::Generic,
        Fault::NoNumber,
        Fault::NoSuffix,
        Fault::BareNumber,
        Fault::MalformedNumber,
        Fault::SeveralNumbers,
        Fault::UnlikelyNumber,
        Fault::Ssn,
        Fault::NoCompany,
    ];

    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Fault::NoPdf => "no_pdf",
            Fault::Empty => "empty",
            Fault::ControlCharacters => "control_characters",
            Fault::TooLong => "too_long",
            Fault::Prefix => "prefix",
            Fault::Generic => "generic",
            Fault::NoNumber => "no_number",
            Fault::NoSuffix => "no_suffix",
            Fault::BareNumber => "bare_number",
            Fault::MalformedNumber => "malformed_number",
            Fault::SeveralNumbers => "several_numbers",
            Fault::UnlikelyNumber => "unlikely_number",
            Fault::Ssn => "ssn",
            Fault::NoCompany => "no_company",
        }
    }

    /// What is wrong, as a part of a sentence; it repeats nothing of the mail.
    pub fn said(self) -> &'static str {
        match self {
            Fault::NoPdf => "no PDF is attached",
            Fault::Empty => "the subject is empty",
            Fault::ControlCharacters => "the subject has invisible characters",
            Fault::TooLong => "the subject is too long",
            Fault::Prefix => "the subject is that of a reply or forward",
            Fault::Generic => "the subject is only what the form's button writes",
            Fault::NoNumber => "the subject has no importer number",
            Fault::NoSuffix => "the importer number lacks its suffix",
            Fault::BareNumber => "the importer number is written without dashes",
            Fault::MalformedNumber => "the importer number is badly written",
            Fault::SeveralNumbers => "the subject has several importer numbers",
            Fault::UnlikelyNumber => "the importer number is hardly a real one",
            Fault::Ssn => "the importer number looks like a social security number",
            Fault::NoCompany => "the subject names no company",
        }
    }

    /// Whether CBP may be unable to do anything with the mail, so that it is worth sending anew.
    /// The rest is a matter of style: the mail says what it is about.
    pub fn is_worth_sending_anew(self) -> bool {
        match self {
            Fault::NoPdf
            | Fault::Empty
            | Fault::Generic
            | Fault::NoNumber
            | Fault::NoSuffix
            | Fault::MalformedNumber
            | Fault::UnlikelyNumber
            | Fault::Ssn
            | Fault::NoCompany => true,
            Fault::ControlCharacters
            | Fault::TooLong
            | Fault::Prefix
            | Fault::BareNumber
            | Fault::SeveralNumbers => false,
        }
    }

    /// The faults as the text of an event has them; `None` where there are none.
    pub fn written(findings: &[Finding]) -> Option<String> {
        let names: Vec<&str> = findings.iter().map(|finding| finding.fault.as_str()).collect();
        (!names.is_empty()).then(|| names.join(", "))
    }

    /// Reads them back; what is no fault's name is left out.
    pub fn read(text: &str) -> Vec<Fault> {
        text.split(", ")
            .filter_map(|name| Fault::ALL.into_iter().find(|fault| fault.as_str() == name))
            .collect()
    }

    /// The faults as one phrase for a person.
    pub fn told(faults: &[Fault]) -> String {
        faults.iter().map(|fault| fault.said()).collect::<Vec<_>>().join(", ")
    }
}

/// A fault that was found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// Which one.
    pub fault: Fault,
    /// What is wrong, and what to do about it. It may repeat the number.
    pub because: String,
}

/// Finds what is wrong with our own submission, the worst first. `number` is that of the
/// application it is about, where that is known.
pub fn faults(message: &Message, number: Option<&ImporterNumber>) -> Vec<Finding> {
    let mut found = Vec::new();
    if !message.has_pdf() && !hides_attachments(message) {
        let because = "no PDF is attached: CBP acts on the filled form alone".to_owned();
        found.push(Finding { fault: Fault::NoPdf, because });
    }
    found.extend(lint(&message.subject, false));
    let is_named = |fault| found.iter().any(|finding: &Finding| finding.fault == fault);
    if let Some(number) = number.filter(|number| number.suffix().is_some_and(|s| s != "00"))
        && !is_named(Fault::NoSuffix)
        && leaves_out_suffix(&message.subject, number)
    {
        let because = format!("an EIN without suffix means 00: write {number}");
        found.push(Finding { fault: Fault::NoSuffix, because });
    }
    found
}

/// Whether a subject has the EIN of a number and nowhere its suffix.
fn leaves_out_suffix(subject: &str, number: &ImporterNumber) -> bool {
    let readings: Vec<Reading> = mentions(subject).iter().flat_map(|m| m.readings()).collect();
    let is_whole = readings.iter().any(|reading| *reading == Reading::Exact(number.clone()));
    !is_whole && readings.iter().any(|reading| reading.covers(number))
}

/// Whether attachments may be there that cannot be seen: encrypted or signed as a whole, or in
/// Outlook's own wrapping.
fn hides_attachments(message: &Message) -> bool {
    message.attachments.iter().any(|attachment| {
        let name = attachment.name.as_deref().unwrap_or_default().to_lowercase();
        ["application/pkcs7-mime", "application/x-pkcs7-mime", "application/ms-tnef"]
            .contains(&attachment.content_type.as_str())
            || attachment.content_type.contains("encrypted")
            || name == "winmail.dat"
            || name == "smime.p7m"
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::FolderRole;

    fn check(subject: &str, attached: &str, number: Option<&str>, expected: &[&str]) {
        let bytes = format!(
            "From: ops@broker.example\nTo: ACE.Applications@cbp.dhs.gov\nSubject: {subject}\n\
             Content-Type: multipart/mixed; boundary=b\n\n--b\n\nThe form of 54-820736100.\n\
             --b\nContent-Type: {attached}\nContent-Disposition: attachment\n\nx\n--b--\n"
        );
        let at = chrono::DateTime::UNIX_EPOCH;
        let message = Message::parse(bytes.as_bytes(), FolderRole::Sent, at);
        let number = number.map(|number| number.parse().unwrap());
        let found = faults(&message, number.as_ref());
        let names: Vec<&str> = found.iter().map(|finding| finding.fault.as_str()).collect();
        assert_eq!(names, expected, "{subject:?} with {attached}");
    }

    const PDF: &str = "application/pdf; name=form.pdf";

    #[test]
    fn a_submission_is_looked_at_for_what_cbp_could_not_use() {
        check("Ridgeway Lantern Co, EIN 54-8207361", PDF, Some("54-820736100"), &[]);
        check("Ridgeway Lantern Co 54-820736100", PDF, None, &[]);
        check("Ridgeway Lantern Co 54-820736100", "text/csv", None, &["no_pdf"]);
        check(
            "Ridgeway Lantern Co 54-820736100",
            "application/octet-stream; name=F.PDF",
            None,
            &[],
        );
        check("Returned Form: application.pdf", PDF, None, &["generic", "no_number"]);
        check("", PDF, None, &["empty"]);
        check("Ridgeway Lantern Co", PDF, Some("54-820736100"), &["no_number"]);
        check("54-820736100", PDF, Some("54-820736100"), &["no_company"]);
        check("Ridgeway Lantern Co 54-8207361", PDF, Some("54-820736100"), &["no_suffix"]);
        check("Ridgeway Lantern Co 54-82073610", PDF, None, &["malformed_number"]);
        check("Ridgeway Lantern Co 00-000000000", PDF, None, &["unlikely_number"]);
        check("FW: Ridgeway Lantern Co 54-820736100", PDF, None, &["prefix"]);
    }

    #[test]
    fn a_suffix_other_than_zeros_must_be_written() {
        let other = Some("54-820736101");
        check("Ridgeway Lantern Co, EIN 54-8207361", PDF, other, &["no_suffix"]);
        check("Ridgeway Lantern Co, EIN 54-8207361 01", PDF, other, &[]);
        check("Ridgeway Lantern Co 54-820736101", PDF, other, &[]);
    }

    #[test]
    fn what_cannot_be_looked_into_is_not_said_to_lack_the_form() {
        for wrapped in [
            "application/pkcs7-mime; name=smime.p7m",
            "application/ms-tnef; name=winmail.dat",
            "application/octet-stream; name=winmail.dat",
        ] {
            check("Ridgeway Lantern Co 54-820736100", wrapped, None, &[]);
        }
    }

    #[test]
    fn faults_read_back_from_an_event() {
        let findings: Vec<Finding> =
            Fault::ALL.into_iter().map(|fault| Finding { fault, because: String::new() }).collect();
        assert_eq!(Fault::read(&Fault::written(&findings).unwrap()), Fault::ALL);
        assert_eq!(Fault::written(&[]), None);
        assert_eq!(Fault::read("name_mismatch"), []);
    }
}
