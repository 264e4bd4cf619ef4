//! The kinds of mail and the reasons of decisions that the contract names.

/// The kinds of the contract.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// Our own mail that carries an application.
    Submission,
    /// Our own later mail to CBP about an application.
    Answer,
    /// A confirmation that a submission arrived, and no more.
    Receipt,
    /// A mail from CBP that neither asks nor decides.
    Reply,
    /// CBP wants something from us before it goes on.
    InformationRequest,
    /// The account exists.
    Approval,
    /// The application has ended without an account.
    Rejection,
    /// A log-in or verification code; its text is never stored.
    VerificationCode,
    /// A mail of ours was not delivered, or not yet.
    Bounce,
    /// An absence note.
    AutoReply,
    /// A mail to everybody.
    Bulletin,
    /// Anything else.
    Unrelated,
}

impl Kind {
    /// All kinds, in the order of the contract.
    pub const ALL: [Kind; 12] = [
        Kind::Submission,
        Kind::Answer,
        Kind::Receipt,
        Kind::Reply,
        Kind::InformationRequest,
        Kind::Approval,
        Kind::Rejection,
        Kind::VerificationCode,
        Kind::Bounce,
        Kind::AutoReply,
        Kind::Bulletin,
        Kind::Unrelated,
    ];

    /// The name used in the contract, the rules and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Submission => "submission",
            Kind::Answer => "answer",
            Kind::Receipt => "receipt",
            Kind::Reply => "reply",
            Kind::InformationRequest => "information_request",
            Kind::Approval => "approval",
            Kind::Rejection => "rejection",
            Kind::VerificationCode => "verification_code",
            Kind::Bounce => "bounce",
            Kind::AutoReply => "auto_reply",
            Kind::Bulletin => "bulletin",
            Kind::Unrelated => "unrelated",
        }
    }

    /// The kind of a name, if there is one.
    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether a mail of this kind is about an application and may move it.
    pub fn is_about_an_application(self) -> bool {
        match self {
            Kind::Submission
            | Kind::Answer
            | Kind::Receipt
            | Kind::Reply
            | Kind::InformationRequest
            | Kind::Approval
            | Kind::Rejection
            | Kind::Bounce => true,
            Kind::VerificationCode | Kind::AutoReply | Kind::Bulletin | Kind::Unrelated => false,
        }
    }
}

/// Why an application was rejected or is held up, where the mail says so.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// The number already has an account.
    DuplicateAccount,
    /// The importer number is inactive or void.
    ImporterNumberInactive,
    /// CBP has no importer record (CBP Form 5106) under the number.
    ImporterRecordMissing,
    /// The company name differs from the importer record.
    NameMismatch,
    /// The form has blanks or lacks something.
    IncompleteForm,
}

impl Reason {
    /// All reasons of the contract.
    pub const ALL: [Reason; 5] = [
        Reason::DuplicateAccount,
        Reason::ImporterNumberInactive,
        Reason::ImporterRecordMissing,
        Reason::NameMismatch,
        Reason::IncompleteForm,
    ];

    /// The name used in the contract, the rules and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::DuplicateAccount => "duplicate_account",
            Reason::ImporterNumberInactive => "importer_number_inactive",
            Reason::ImporterRecordMissing => "importer_record_missing",
            Reason::NameMismatch => "name_mismatch",
            Reason::IncompleteForm => "incomplete_form",
        }
    }

    /// The reason of a name, if there is one.
    pub fn parse(name: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.as_str() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(reason));
        }
    }
}
