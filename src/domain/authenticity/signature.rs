//! DKIM signatures (RFC 6376) that were verified here, for servers that write no results.
//!
//! Verifying needs the DNS and is done outside of the core; here is said which mails are worth it
//! and what the answer is worth. It never outranks the word of our own server: it is asked for
//! only where the server says nothing of DKIM and DMARC.

use super::results::{Block, accuses};
use super::{Claim, Trust, Verdict, claim, is_aligned};
use crate::domain::message::{FolderRole, Message};

/// What came of looking at a mail's DKIM signatures here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum DkimVerdict {
    /// Nobody looked: it is switched off, or not needed.
    #[default]
    Unchecked,
    /// A signature of this domain is good, and covers what acewatch reads.
    Good(String),
    /// None is, or it could not be found out; why, as a clause.
    Lacking(String),
}

impl DkimVerdict {
    /// The domain that signed, as it is kept with the mail: the key may be gone from the DNS when
    /// the mail is judged again.
    pub fn signer(&self) -> Option<&str> {
        match self {
            DkimVerdict::Good(domain) => Some(domain),
            DkimVerdict::Unchecked | DkimVerdict::Lacking(_) => None,
        }
    }

    /// The verdict of a mail with which this signer was kept.
    pub fn of_signer(signer: Option<String>) -> DkimVerdict {
        signer.map_or(DkimVerdict::Unchecked, DkimVerdict::Good)
    }
}

/// Tells whether a good signature would make this mail authentic: it claims to be CBP's, and our
/// own server says nothing of it.
pub fn is_worth_verifying(message: &Message, trust: &Trust) -> bool {
    let is_cbps = matches!(claim::strongest(&message.from, trust), Some(Claim::Domain(_)));
    message.folder != FolderRole::Sent
        && message.report.is_none()
        && is_cbps
        && message.from.len() == 1
        && !message.from_is_group
        && !Block::find(&message.headers, trust).is_some_and(|block| block.is_a_word())
}

/// Tells whether a signature of this domain may vouch for a sender at one of CBP's.
pub fn may_vouch(signer: &str, from: &str, trust: &Trust) -> bool {
    trust.is_cbp_domain(from) && is_aligned(signer, from, trust)
}

/// Judges a mail with one From address at a domain of CBP's of which our server says nothing.
pub(super) fn judge(
    block: Option<&Block>,
    from: &str,
    message: &Message,
    trust: &Trust,
) -> (Verdict, String) {
    let silence = match block {
        Some(block) => {
            format!("{} says neither dmarc=pass nor dkim=pass for {from}", block.server)
        }
        None => "no Authentication-Results of our own mail server above the first foreign hop"
            .to_owned(),
    };
    match &message.dkim {
        DkimVerdict::Unchecked => (Verdict::Unverified, silence),
        DkimVerdict::Lacking(why) => (Verdict::Unverified, format!("{silence}; {why}")),
        DkimVerdict::Good(signer) if !may_vouch(signer, from, trust) => (
            Verdict::Unverified,
            format!("the DKIM signature verified here is of {signer}, but From is at {from}"),
        ),
        // Whoever wrote it, and wherever it stands, it is a reason to look.
        DkimVerdict::Good(signer) if accuses(&message.headers, trust) => (
            Verdict::Unverified,
            format!(
                "a DKIM signature of {signer} was verified here, but a field in our server's name says dmarc=fail"
            ),
        ),
        DkimVerdict::Good(signer) => {
            (Verdict::Authentic, format!("a DKIM signature of {signer} was verified here"))
        }
    }
}
