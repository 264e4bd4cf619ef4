//! What follows from one mail: the heart of the program, as two pure functions.
//!
//! [`keys_of`] says what to look up; [`examine`] takes what was found and says what the mail is,
//! which application it concerns, what may happen without a person, and everything that is then to
//! be recorded. Nothing here reads a clock, a file or a database, and nothing can fail: a mail
//! that cannot be understood is a mail for review.

use super::alert::{Alert, AlertKind};
use super::application::{ApplicationId, Stage};
use super::authenticity::{Authenticity, Trust, Verdict};
use super::classification::{Classification, Kind, is_reminder, spoken_text};
use super::company::sightings;
use super::event::{EventKind, NewEvent, Source};
use super::importer::ImporterNumber;
use super::matching::{Candidate, Keys, Match, Outcome, numbers};
use super::message::Message;
use super::rules::Rules;

/// What may happen to a mail without a person.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Effect {
    /// It became part of an application's history.
    Recorded,
    /// A person decides.
    Review,
    /// It is a fraud, or may be one; it never moves anything.
    Quarantined,
    /// Nothing follows from it.
    Ignored,
}

impl Effect {
    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Effect::Recorded => "recorded",
            Effect::Review => "review",
            Effect::Quarantined => "quarantined",
            Effect::Ignored => "ignored",
        }
    }
}

/// An application that our own submission registers by itself.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registration {
    /// The company's name, from the subject.
    pub company: String,
    /// The number, from the subject or the text.
    pub number: ImporterNumber,
}

/// What acewatch makes of one mail, and what follows from it.
#[derive(Clone, Debug)]
pub struct Examined {
    /// Whether it is what it says it is.
    pub authenticity: Authenticity,
    /// What it says.
    pub classification: Classification,
    /// The importer numbers in it.
    pub numbers: Vec<String>,
    /// Which application it is about.
    pub found: Match,
    /// What may happen without a person.
    pub effect: Effect,
    /// Why, one sentence.
    pub because: String,
    /// The event to record, with the application that `found` names or `registration` makes.
    pub event: Option<NewEvent>,
    /// The application to register first.
    pub registration: Option<Registration>,
    /// The ticket numbers that lead to the application from now on.
    pub tickets: Vec<String>,
    /// The alert to raise.
    pub alert: Option<Alert>,
}

/// What a mail offers to be recognised by; the caller looks up who bears any of it.
pub fn keys_of(message: &Message, rules: &Rules) -> Keys {
    let subject = message.subject_without_prefixes();
    let text = spoken_text(message);
    let mut threads: Vec<String> =
        message.in_reply_to.iter().chain(&message.references).cloned().collect();
    let mut found = mentions(subject);
    found.extend(mentions(&text));
    // A part of a longer name is another company's: "Acme Imports" is not "Acme Imports of Texas".
    let whole = |text: &str| -> Vec<String> {
        sightings(text).into_iter().filter(|s| !s.is_partial).map(|s| s.key).collect()
    };
    let mut names = whole(subject);
    // One word of a running text is no name: "summit" may be the company or a mountain.
    names.extend(whole(&text).into_iter().filter(|name| name.contains(' ')));
    if let Some(returned) = message.report.as_ref().and_then(|report| report.returned.as_ref()) {
        threads.extend(returned.message_id.clone());
        found.extend(mentions(&returned.subject));
        found.extend(mentions(&returned.text));
    }
    threads.sort();
    threads.dedup();
    names.sort();
    names.dedup();
    let tickets = rules.tickets(&format!("{subject}\n{text}"));
    Keys { threads, mentions: found, tickets, names }
}

/// Says what a mail is and what follows from it.
///
/// `candidates` are the applications that bear one of its keys; `copy_of` is the recorded message
/// with the same Message-ID, if there is one.
pub fn examine(
    message: &Message,
    keys: &Keys,
    candidates: &[Candidate],
    copy_of: Option<i64>,
    rules: &Rules,
    trust: &Trust,
) -> Examined {
    let authenticity = Authenticity::of(message, trust);
    let in_thread = candidates.iter().any(|candidate| candidate.by_thread);
    let companies: Vec<String> =
        candidates.iter().map(|candidate| candidate.company.clone()).collect();
    let classification = Classification::of(
        message,
        &authenticity,
        rules,
        &trust.application_addresses,
        in_thread,
        &companies,
    );
    let kind = classification.kind;
    let is_ours_to_match = match authenticity.verdict {
        Verdict::NotCbp => kind == Kind::Bounce,
        Verdict::Own => kind != Kind::Unrelated,
        Verdict::Authentic | Verdict::Unverified | Verdict::Forged => true,
    };
    let mut found = match is_ours_to_match {
        true => Match::of(keys, candidates),
        false => Match::not_applicable(),
    };
    let registration = (authenticity.verdict == Verdict::Own && kind == Kind::Submission)
        .then(|| registration(message, keys, candidates))
        .flatten();
    if registration.is_some() {
        found = Match {
            outcome: Outcome::Unmatched,
            by: None,
            application: None,
            candidates: Vec::new(),
            because: "our own submission of an application that is not registered yet".to_owned(),
        };
    }
    let candidate = found
        .application
        .and_then(|id| candidates.iter().find(|candidate| candidate.id == id));
    let case = Case {
        verdict: authenticity.verdict,
        classification: &classification,
        found: &found,
        stage: candidate.map(|candidate| candidate.stage),
        registers: registration.is_some(),
        fails_at_cbp: fails_at_cbp(message, trust),
        copy_of,
    };
    let (effect, because) = case.effect();
    let event = (effect == Effect::Recorded)
        .then(|| event_of(message, &classification))
        .flatten();
    let is_from_cbp = authenticity.verdict == Verdict::Authentic;
    Examined {
        alert: alert_of(message, &authenticity, &classification, effect, candidate, &because),
        numbers: numbers(keys, candidates),
        tickets: match effect == Effect::Recorded && is_from_cbp {
            true => keys.tickets.clone(),
            false => Vec::new(),
        },
        authenticity,
        classification,
        found,
        effect,
        because,
        event,
        registration,
    }
}

/// The event that a mail of this kind is in an application's history.
pub fn event_of(message: &Message, classification: &Classification) -> Option<NewEvent> {
    let text = match classification.kind {
        Kind::Submission if !message.has_pdf() => Some("no PDF attached".to_owned()),
        Kind::Rejection | Kind::InformationRequest => {
            classification.reason.map(|reason| reason.as_str().to_owned())
        }
        Kind::Bounce => message
            .report
            .as_ref()
            .and_then(|report| report.failed().find_map(|r| r.diagnostic.clone())),
        _ => None,
    };
    let kind = match classification.kind {
        Kind::Submission => EventKind::Submitted,
        Kind::Answer if is_reminder(&message.text) => EventKind::Reminder,
        Kind::Answer => EventKind::Answered,
        Kind::Receipt => EventKind::Receipt,
        Kind::Reply => EventKind::Reply,
        Kind::InformationRequest => EventKind::InformationRequest,
        Kind::Approval => EventKind::Approved,
        Kind::Rejection => EventKind::Rejected,
        Kind::Bounce => EventKind::Undeliverable,
        Kind::VerificationCode | Kind::AutoReply | Kind::Bulletin | Kind::Unrelated => return None,
    };
    Some(NewEvent { at: message.received_at, kind, source: Source::Message, text, undoes: None })
}

/// What decides about a mail's effect.
struct Case<'a> {
    verdict: Verdict,
    classification: &'a Classification,
    found: &'a Match,
    /// How far the application has come that the mail is about.
    stage: Option<Stage>,
    /// Whether it registers an application.
    registers: bool,
    /// Whether it reports that a mail to CBP failed for good.
    fails_at_cbp: bool,
    /// The recorded message with the same Message-ID.
    copy_of: Option<i64>,
}

impl Case<'_> {
    /// The table "Effects" of the contract, with the reason in a sentence.
    fn effect(&self) -> (Effect, String) {
        let kind = self.classification.kind;
        let say = |effect: Effect, because: &str| (effect, because.to_owned());
        if let (Some(original), Verdict::Authentic | Verdict::Own) = (self.copy_of, self.verdict) {
            return (Effect::Ignored, format!("another copy of message {original}"));
        }
        if kind == Kind::Bounce && self.verdict != Verdict::Forged && !self.fails_at_cbp {
            return say(Effect::Ignored, "no permanent failure of a mail to CBP");
        }
        match self.verdict {
            Verdict::Forged => say(Effect::Quarantined, "it claims to be CBP's and is not"),
            Verdict::NotCbp => match (kind, self.found.outcome) {
                (Kind::Bounce, Outcome::Unmatched) => {
                    say(Effect::Review, "a mail to CBP came back, and it is not known which")
                }
                (Kind::Bounce, _) => self.if_matched(),
                _ => say(Effect::Ignored, "not a mail of or to CBP"),
            },
            Verdict::Own => match (kind, self.found.outcome) {
                (Kind::Submission, _) if self.registers => {
                    say(Effect::Recorded, "it registers the application")
                }
                (Kind::Submission, _) => self.if_matched(),
                (Kind::Answer, Outcome::Unmatched | Outcome::NotApplicable) => {
                    say(Effect::Ignored, "our own mail to CBP about something else")
                }
                (Kind::Answer, _) => self.if_matched(),
                _ => say(Effect::Ignored, "our own mail, and no application"),
            },
            Verdict::Unverified => match kind {
                Kind::Bulletin | Kind::AutoReply | Kind::VerificationCode => {
                    say(Effect::Ignored, "nothing about an application")
                }
                _ => say(Effect::Review, "it claims to be CBP's, and nobody vouches for it"),
            },
            Verdict::Authentic => match kind {
                _ if !kind.is_about_an_application() => {
                    say(Effect::Ignored, "nothing about an application")
                }
                _ if self.classification.review => say(Effect::Review, "the rule asks for a person"),
                Kind::Rejection if matches!(self.stage, Some(Stage::Approved | Stage::Active)) => {
                    say(Effect::Review, "a rejection after an approval")
                }
                _ => self.if_matched(),
            },
        }
    }

    fn if_matched(&self) -> (Effect, String) {
        let effect = match self.found.outcome {
            Outcome::Matched => Effect::Recorded,
            _ => Effect::Review,
        };
        (effect, self.found.because.clone())
    }
}

/// Whether a delivery report says that a recipient at CBP will never get the mail.
fn fails_at_cbp(message: &Message, trust: &Trust) -> bool {
    message.report.as_ref().is_some_and(|report| {
        report.failed().any(|recipient| {
            recipient.addresses().any(|address| trust.is_cbp_address(address))
        })
    })
}

/// The application that our submission registers: one well-shaped number that no application
/// bears, and a company's name in the subject.
fn registration(message: &Message, keys: &Keys, candidates: &[Candidate]) -> Option<Registration> {
    let subject = message.subject_without_prefixes();
    let in_subject: Vec<_> = mentions(subject).into_iter().filter(|m| m.is_well_shaped()).collect();
    let shaped: Vec<_> = match in_subject.is_empty() {
        false => in_subject.clone(),
        true => keys.mentions.iter().filter(|m| m.is_well_shaped()).cloned().collect(),
    };
    let number = shaped.first()?.candidates().into_iter().next()?;
    let is_one = shaped.iter().all(|m| m.candidates().first() == Some(&number));
    let reads_as_registered = shaped.iter().flat_map(|m| m.readings()).any(|reading: Reading| {
        candidates.iter().any(|candidate| reading.covers(&candidate.number))
    });
    let company = company_in(subject, in_subject.first().map(|m| (m.start, m.end)));
    (is_one && !reads_as_registered && !company.is_empty())
        .then_some(Registration { company, number })
}

/// What is left of a subject when number, labels and punctuation are taken away.
fn company_in(subject: &str, number: Option<(usize, usize)>) -> String {
    const LABELS: [&str; 12] =
        ["ein", "ior", "ior#", "ir#", "irs#", "fein", "ssn", "no", "number", "importer", "tax", "id"];
    let Some((start, end)) = number else { return String::new() };
    let before = subject.get(..start).unwrap_or("");
    let after = subject.get(end..).unwrap_or("");
    let strip = |text: &str| -> String {
        let mut words: Vec<&str> = text.split_whitespace().collect();
        let bare = |word: &str| {
            word.trim_matches(|c: char| !c.is_alphanumeric() && c != '#').to_lowercase()
        };
        let is_noise = |word: &str| {
            let word = bare(word);
            word.is_empty() || LABELS.contains(&word.as_str())
        };
        while words.last().is_some_and(|word| is_noise(word)) {
            words.pop();
        }
        while words.first().is_some_and(|word| is_noise(word)) {
            words.remove(0);
        }
        words.join(" ").trim_matches(|c: char| matches!(c, ',' | ';' | ':' | '-' | '–' | '/' | '|' | '(' | ' ')).to_owned()
    };
    let (before, after) = (strip(before), strip(after));
    let lead = ["ACE account application", "ACE portal account application", "ACE application", "Application"];
    let name = if before.is_empty() { after } else { before };
    let name = lead
        .iter()
        .find_map(|lead| {
            let rest = name.get(lead.len()..)?;
            name.get(..lead.len())?.eq_ignore_ascii_case(lead).then_some(rest)
        })
        .map(|rest| rest.trim_start_matches(|c: char| !c.is_alphanumeric()))
        .map(|rest| rest.strip_prefix("for ").or_else(|| rest.strip_prefix("of ")).unwrap_or(rest))
        .unwrap_or(&name);
    name.trim().to_owned()
}

fn alert_of(
    message: &Message,
    authenticity: &Authenticity,
    classification: &Classification,
    effect: Effect,
    candidate: Option<&Candidate>,
    because: &str,
) -> Option<Alert> {
    let company = candidate.map_or("an application", |candidate| candidate.company.as_str());
    let application = candidate.map(|candidate| candidate.id);
    let show = application.map_or("acewatch status".to_owned(), |ApplicationId(id)| format!("acewatch show {id}"));
    let (kind, title, body) = match (effect, classification.kind) {
        (Effect::Quarantined, _) => (
            AlertKind::Suspicious,
            "Suspicious mail in CBP's name".to_owned(),
            format!("{}. Do not open links or attachments; report it to IEEPAFraud@cbp.dhs.gov. It moved nothing.", authenticity.because),
        ),
        (Effect::Ignored, Kind::VerificationCode) if authenticity.verdict == Verdict::Authentic => (
            AlertKind::VerificationCode,
            "A CBP code has arrived".to_owned(),
            "A log-in or verification code is in the mailbox. It is valid for about ten minutes: read it there.".to_owned(),
        ),
        (Effect::Review, _) => (
            AlertKind::Review,
            match candidate {
                Some(_) => format!("To review: {} for {company}", classification.kind.as_str().replace('_', " ")),
                None => format!("To review: {} in CBP's name", classification.kind.as_str().replace('_', " ")),
            },
            format!("{because}. See `acewatch review`."),
        ),
        (Effect::Recorded, Kind::Approval) => (
            AlertKind::Approval,
            format!("Approved: {company}"),
            format!("CBP says the ACE account exists. Next: the first log-in. `{show}`"),
        ),
        (Effect::Recorded, Kind::Rejection) => (
            AlertKind::Rejection,
            format!("Rejected: {company}"),
            format!("CBP ended the application without an account{}. `{show}`", stated(classification)),
        ),
        (Effect::Recorded, Kind::InformationRequest) => (
            AlertKind::InformationRequest,
            format!("CBP asks: {company}"),
            format!("CBP wants something before it goes on{}. Read and answer the mail. `{show}`", stated(classification)),
        ),
        (Effect::Recorded, Kind::Bounce) => (
            AlertKind::Bounce,
            format!("Not delivered: {company}"),
            format!("The application did not reach CBP and must be sent again. `{show}`"),
        ),
        _ => return None,
    };
    // Copies of one mail in several mailboxes share a Message-ID; a forgery may carry any, so it
    // goes by its bytes.
    let identity = match (authenticity.verdict, &message.message_id) {
        (Verdict::Authentic, Some(id)) => id.clone(),
        _ => message.digest.to_string(),
    };
    let subject = application.map_or_else(String::new, |ApplicationId(id)| id.to_string());
    Some(Alert { key: format!("mail/{}/{subject}/{identity}", kind.as_str()), kind, application, title, body })
}

fn stated(classification: &Classification) -> String {
    classification
        .reason
        .map_or_else(String::new, |reason| format!(" ({})", reason.as_str().replace('_', " ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_company_is_what_a_subject_says_beside_the_number() {
        let check = |subject: &str, expected: &str| {
            let number = mentions(subject).first().map(|m| (m.start, m.end));
            assert_eq!(company_in(subject, number), expected, "{subject}");
        };
        check("Ridgeway Lantern Co, EIN 54-8207361", "Ridgeway Lantern Co");
        check("Pomelo & Thyme Foods, Inc. 68-139470200", "Pomelo & Thyme Foods, Inc.");
        check("84-660217300 - Basalt Bicycle Works LLC", "Basalt Bicycle Works LLC");
        check("ACE account application for Acme Imports LLC (IOR# 12-345678900)", "Acme Imports LLC");
        check("12-345678900", "");
        check("Returned Form: application.pdf", "");
    }
}
