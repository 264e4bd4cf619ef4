//! What follows from one mail: the heart of the program, as two pure functions.
//!
//! [`keys_of`] says what to look up; [`examine`] takes what was found and says what the mail is,
//! which application it concerns, what may happen without a person, and everything that is then to
//! be recorded. Nothing here reads a clock, a file or a database, and nothing can fail: a mail
//! that cannot be understood is a mail for review.

use std::collections::BTreeSet;

use super::alert::{Alert, AlertKind, titled};
use super::application::{ApplicationId, Route, Stage};
use super::authenticity::{Authenticity, Trust, Verdict, never_left_our_servers};
use super::classification::{Classification, is_reminder, spoken_text};
use super::company::{Sighting, sightings};
use super::event::{EventKind, NewEvent, Source};
use super::importer::ImporterNumber;
use super::kind::Kind;
use super::matching::{Candidate, Key, Keys, Match, Outcome, numbers};
use super::mention::{Reading, mentions};
use super::message::Message;
use super::rules::{Rules, fold};
use super::submission::{Fault, Finding, faults};

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

/// A message with the same Message-ID as the one looked at, recorded or put before a person.
///
/// A Message-ID is only its sender's word: the mail is a copy only if all the rest agrees too.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Twin {
    /// The message's number.
    pub message: i64,
    /// The senders on one line.
    pub sender: String,
    /// The subject.
    pub subject: String,
    /// The kind's name.
    pub kind: String,
    /// The application it was recorded for.
    pub application: Option<ApplicationId>,
    /// Whether a person decided about it; the application is then the person's choice.
    pub is_decided: bool,
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
    /// What is wrong with our own submission.
    pub faults: Vec<Finding>,
    /// The application to register first.
    pub registration: Option<Registration>,
    /// The ticket numbers that lead to the application from now on.
    pub tickets: Vec<String>,
    /// The alert to raise.
    pub alert: Option<Alert>,
    /// Whether a person may accept it unseen; see [`examine`].
    pub is_good_guess: bool,
}

impl Examined {
    /// Why, sentence by sentence: first on its authenticity, last on its effect.
    pub fn sentences(&self) -> Vec<String> {
        std::iter::once(&self.authenticity.because)
            .chain(&self.classification.because)
            .chain(std::iter::once(&self.because))
            .cloned()
            .collect()
    }
}

impl Examined {
    /// Whether it is a mail of CBP's whose wording no rule knows, and that may matter: somebody is
    /// to hear of it even where nothing else would tell.
    pub fn is_unrecognised(&self) -> bool {
        let is_cbps = matches!(self.authenticity.verdict, Verdict::Authentic | Verdict::Unverified);
        let may_matter = matches!(self.effect, Effect::Recorded | Effect::Review);
        is_cbps && may_matter && !self.classification.is_recognised
    }
}

/// What a mail offers to be recognised by; the caller looks up who bears any of it.
pub fn keys_of(message: &Message, rules: &Rules) -> Keys {
    if let Some(report) = &message.report {
        // Anybody can write a report; what counts in it is the mail that came back.
        let returned = report.returned.clone().unwrap_or_default();
        // Exchange and Gmail answer in the thread of what came back, also where they return nothing
        // of it, and Exchange repeats its subject.
        let is_returned = report.returned.is_some();
        let subject = match is_returned {
            true => mentions(&returned.subject),
            false => mentions(message.subject_without_prefixes()),
        };
        let n_in_subject = subject.len();
        let threads = match returned.message_id {
            Some(id) => vec![id],
            None => message.thread_ids().map(str::to_owned).collect(),
        };
        return Keys {
            threads,
            mentions: subject.into_iter().chain(mentions(&returned.text)).collect(),
            n_in_subject,
            ..Keys::default()
        };
    }
    let subject = message.subject_without_prefixes();
    let text = spoken_text(message);
    let mut threads: Vec<String> = message.thread_ids().map(str::to_owned).collect();
    let in_subject = mentions(subject);
    // A part of a longer name is another company's: "Acme Imports" is not "Acme Imports of Texas".
    let mut seen = sightings(subject);
    // One word of a running text is no name: "summit" may be the company or a mountain.
    seen.extend(sightings(&text).into_iter().filter(|seen| seen.key.contains(' ')));
    let (parts, names): (Vec<_>, Vec<_>) = seen.into_iter().partition(|seen| seen.is_partial);
    let keys = |seen: Vec<Sighting>| -> Vec<String> {
        let keys: BTreeSet<String> = seen.into_iter().map(|seen| seen.key).collect();
        keys.into_iter().collect()
    };
    let (names, mut parts) = (keys(names), keys(parts));
    parts.retain(|part| names.binary_search(part).is_err());
    threads.sort();
    threads.dedup();
    Keys {
        threads,
        n_in_subject: in_subject.len(),
        mentions: in_subject.into_iter().chain(mentions(&text)).collect(),
        tickets: rules.tickets(&format!("{subject}\n{text}")),
        names,
        parts,
    }
}

/// Says what a mail is and what follows from it.
///
/// `candidates` are the applications that bear one of its keys; `twins` are the messages with the
/// same Message-ID that were recorded or put before a person.
///
/// A good guess is a mail that would be recorded if it came in now, by thread or number and not by
/// ticket or name. One that forwards another mail would not, and still is one, unless it decides:
/// CBP vouches for the sender, not for what was passed on.
pub fn examine(
    message: &Message,
    keys: &Keys,
    candidates: &[Candidate],
    twins: &[Twin],
    rules: &Rules,
    trust: &Trust,
) -> Examined {
    let authenticity = Authenticity::of(message, trust);
    examine_as(message, authenticity, keys, candidates, twins, rules, trust)
}

/// The same for a mail whose authenticity is settled: what vouched for it when it arrived may no
/// longer be there to be asked.
pub fn examine_as(
    message: &Message,
    authenticity: Authenticity,
    keys: &Keys,
    candidates: &[Candidate],
    twins: &[Twin],
    rules: &Rules,
    trust: &Trust,
) -> Examined {
    let in_thread = candidates.iter().any(|candidate| candidate.by_thread);
    let companies: Vec<String> =
        candidates.iter().map(|candidate| candidate.company.clone()).collect();
    let classification =
        Classification::of(message, &authenticity, rules, trust, in_thread, &companies);
    let kind = classification.kind;
    let is_ours_to_match = match authenticity.verdict {
        Verdict::NotCbp => kind == Kind::Bounce,
        Verdict::Own => kind != Kind::Unrelated,
        Verdict::Authentic | Verdict::Unverified | Verdict::Forged => true,
    };
    let is_submission = authenticity.verdict == Verdict::Own && kind == Kind::Submission;
    // What we send by mail is no application through a web form, whatever its number.
    let by_mail: Vec<Candidate> =
        candidates.iter().filter(|c| !is_submission || c.route == Route::Email).cloned().collect();
    let mut found = match is_ours_to_match {
        true => Match::of(keys, &by_mail),
        false => Match::not_applicable(),
    };
    let registration = is_submission.then(|| registration(message, keys, &by_mail)).flatten();
    if registration.is_some() {
        found = Match {
            outcome: Outcome::Unmatched,
            by: None,
            application: None,
            candidates: Vec::new(),
            because: "our own submission of an application that is not registered yet".to_owned(),
        };
    }
    let candidate =
        found.application.and_then(|id| candidates.iter().find(|candidate| candidate.id == id));
    let mut alike = twins
        .iter()
        .filter(|twin| twin.sender == message.sender_line() && twin.subject == message.subject);
    let is_copy = |twin: &&Twin| {
        twin.kind == kind.as_str() && (twin.is_decided || twin.application == found.application)
    };
    let copy_of = alike.clone().find(is_copy).map(|twin| twin.message);
    let decided = alike.find(|twin| twin.is_decided).map(|twin| twin.message);
    let case = Case {
        message,
        trust,
        verdict: authenticity.verdict,
        classification: &classification,
        found: &found,
        candidate,
        registers: registration.is_some(),
        copy_of,
    };
    let (effect, because) = match (case.effect(), decided) {
        // Read by other rules than the mail that was decided about; or another mail after all.
        ((Effect::Recorded, _), Some(message)) => (
            Effect::Review,
            format!("it may be a copy of message {message}, which a person decided about"),
        ),
        (other, _) => other,
    };
    let is_good_guess = decided.is_none() && case.is_good_guess(effect);
    let registration = registration.filter(|_| effect == Effect::Recorded);
    let number = registration.as_ref().map(|registration| &registration.number);
    let number = number.or(candidate.map(|candidate| &candidate.number));
    let faults = if is_submission { faults(message, number) } else { Vec::new() };
    let event =
        (effect == Effect::Recorded).then(|| event_of(message, &classification, &faults)).flatten();
    let is_from_cbp = authenticity.verdict == Verdict::Authentic;
    Examined {
        alert: match (is_submission, effect) {
            (true, Effect::Review) => Some(lost(message, &faults, candidate, &because)),
            _ => alert_of(message, &authenticity, &classification, effect, candidate, &because),
        },
        numbers: match message.report.is_some() && effect != Effect::Recorded {
            // What a report returns is an attachment; it counts where it leads to an application.
            true => Vec::new(),
            false => numbers(keys, candidates),
        },
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
        faults,
        registration,
        is_good_guess,
    }
}

/// The event that a mail of this kind is in an application's history.
pub fn event_of(
    message: &Message,
    classification: &Classification,
    faults: &[Finding],
) -> Option<NewEvent> {
    let text = match classification.kind {
        Kind::Submission => Fault::written(faults),
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
    Some(NewEvent {
        at: message.received_at,
        kind,
        source: Source::Message,
        text,
        until: None,
        undoes: None,
    })
}

const FORWARDED: &str = "it forwards what somebody else wrote";

/// What decides about a mail's effect.
struct Case<'a> {
    message: &'a Message,
    trust: &'a Trust,
    verdict: Verdict,
    classification: &'a Classification,
    found: &'a Match,
    /// The application that the mail is about.
    candidate: Option<&'a Candidate>,
    /// Whether it registers an application.
    registers: bool,
    /// The recorded message of which it is another copy.
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
        if kind == Kind::Bounce
            && self.verdict != Verdict::Forged
            && !fails_at_cbp(self.message, self.trust)
        {
            return say(Effect::Ignored, "no permanent failure of a mail to CBP");
        }
        match self.verdict {
            Verdict::Forged => say(Effect::Quarantined, "it claims to be CBP's and is not"),
            Verdict::NotCbp if kind == Kind::Bounce => self.bounce(),
            Verdict::NotCbp => say(Effect::Ignored, "not a mail of or to CBP"),
            Verdict::Own => self.own(),
            Verdict::Unverified => match kind {
                Kind::Bulletin | Kind::AutoReply | Kind::VerificationCode => {
                    say(Effect::Ignored, "nothing about an application")
                }
                _ => say(Effect::Review, "it claims to be CBP's, and nobody vouches for it"),
            },
            Verdict::Authentic => self.authentic(),
        }
    }

    fn authentic(&self) -> (Effect, String) {
        let say = |effect: Effect, because: &str| (effect, because.to_owned());
        let stage = self.candidate.map(|candidate| candidate.stage);
        match self.classification.kind {
            // What goes to everybody names nobody's number, whatever its header says.
            Kind::Bulletin if self.found.by == Some(Key::Number) => {
                say(Effect::Review, "sent as if to a list, and it names an application's number")
            }
            kind if !kind.is_about_an_application() => {
                say(Effect::Ignored, "nothing about an application")
            }
            _ if self.classification.review => say(Effect::Review, "the rule asks for a person"),
            Kind::Rejection if matches!(stage, Some(Stage::Approved | Stage::Active)) => {
                say(Effect::Review, "a rejection after an approval")
            }
            Kind::Approval if self.candidate.is_some_and(|c| c.is_rejected_later) => {
                say(Effect::Review, "an approval, and a later rejection is recorded already")
            }
            _ => match self.if_matched() {
                (Effect::Recorded, _) if self.is_forward() => say(Effect::Review, FORWARDED),
                other => other,
            },
        }
    }

    fn is_forward(&self) -> bool {
        self.message.forwarded_inline || !self.message.forwarded.is_empty()
    }

    /// See [`examine`].
    fn is_good_guess(&self, effect: Effect) -> bool {
        let is_decision = matches!(self.classification.kind, Kind::Approval | Kind::Rejection);
        let would_be_recorded = match effect {
            Effect::Recorded => true,
            Effect::Review => {
                self.verdict == Verdict::Authentic
                    && self.is_forward()
                    && !is_decision
                    && !self.classification.review
                    && self.authentic().1 == FORWARDED
            }
            Effect::Quarantined | Effect::Ignored => false,
        };
        would_be_recorded && matches!(self.found.by, Some(Key::Thread | Key::Number))
    }

    /// A report that a mail of ours failed for good. Its returned part may be made up, so it counts
    /// by the Message-ID of our submission, which only those know who saw it, or if our own
    /// server wrote it.
    fn bounce(&self) -> (Effect, String) {
        let is_our_servers = self
            .message
            .from
            .first()
            .is_some_and(|from| self.trust.is_own_organisation(&from.domain()))
            && never_left_our_servers(self.message, self.trust);
        match (self.found.outcome, self.found.by) {
            (Outcome::Matched, Some(Key::Thread)) => self.if_matched(),
            (Outcome::Matched, _) if is_our_servers => self.if_matched(),
            (Outcome::Matched, _) => {
                (Effect::Review, "a strange server says that a mail to CBP failed".to_owned())
            }
            (Outcome::Unmatched, _) => {
                (Effect::Review, "a mail to CBP came back, and it is not known which".to_owned())
            }
            _ => self.if_matched(),
        }
    }

    fn own(&self) -> (Effect, String) {
        let say = |effect: Effect, because: &str| (effect, because.to_owned());
        let to_applications =
            self.message.recipients().any(|to| self.trust.is_application_address(&to.address));
        match (self.classification.kind, self.found.outcome, self.found.by) {
            (Kind::Submission, ..) if self.registers => {
                say(Effect::Recorded, "it registers the application")
            }
            (Kind::Submission, ..) => self.if_matched(),
            (Kind::Answer, Outcome::Matched, Some(Key::Thread | Key::Ticket)) => self.if_matched(),
            (Kind::Answer, Outcome::Matched, Some(Key::Number))
                if to_applications || asks_about_an_application(&self.message.text) =>
            {
                self.if_matched()
            }
            (Kind::Answer, Outcome::Ambiguous | Outcome::Contradiction, _) => self.if_matched(),
            (Kind::Answer, Outcome::Unmatched, _) if to_applications && self.message.has_pdf() => {
                say(Effect::Review, &self.found.because)
            }
            (Kind::Answer, ..) => say(Effect::Ignored, "our own mail to CBP about something else"),
            _ => say(Effect::Ignored, "our own mail, and no application"),
        }
    }

    fn if_matched(&self) -> (Effect, String) {
        let is_closed = self.candidate.is_some_and(|candidate| candidate.stage == Stage::Closed);
        match self.found.outcome {
            Outcome::Matched if is_closed => {
                (Effect::Review, "the application is closed".to_owned())
            }
            Outcome::Matched => (Effect::Recorded, self.found.because.clone()),
            _ => (Effect::Review, self.found.because.clone()),
        }
    }
}

/// Whether a mail asks how an application stands, and not about other business with its number, such
/// as a bond. What was filed in a web form has no thread; being asked changes nothing.
fn asks_about_an_application(text: &str) -> bool {
    let words = fold(text).split_whitespace().collect::<Vec<_>>().join(" ");
    is_reminder(text) && words.contains("ace account application")
}

/// Whether a delivery report says that a recipient at CBP will never get the mail.
fn fails_at_cbp(message: &Message, trust: &Trust) -> bool {
    message.report.as_ref().is_some_and(|report| {
        report
            .failed()
            .any(|recipient| recipient.addresses().any(|address| trust.is_cbp_address(address)))
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
    (is_one && !reads_as_registered && looks_like_a_name(&company))
        .then_some(Registration { company, number })
}

/// Whether what stands beside a number in a subject may be a company's name. A registered name
/// matches mail from then on, so "please see attached" must not become one.
fn looks_like_a_name(text: &str) -> bool {
    const FILLERS: [&str; 22] = [
        "please",
        "see",
        "attached",
        "attachment",
        "enclosed",
        "call",
        "test",
        "question",
        "bond",
        "renewal",
        "form",
        "returned",
        "request",
        "do",
        "not",
        "urgent",
        "my",
        "our",
        "your",
        "the",
        "this",
        "for",
    ];
    let words: Vec<&str> = text.split_whitespace().collect();
    let n_letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_filler = |word: &&str| {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        FILLERS.contains(&word.as_str())
    };
    let n_fillers = words.iter().filter(|word| is_filler(word)).count();
    let is_capitalised =
        words.iter().any(|word| word.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()));
    3 <= n_letters && text.chars().count() <= 100 && n_fillers * 2 < words.len() && is_capitalised
}

/// What is left of a subject when number, labels and punctuation are taken away.
fn company_in(subject: &str, number: Option<(usize, usize)>) -> String {
    const LABELS: [&str; 12] = [
        "ein", "ior", "ior#", "ir#", "irs#", "fein", "ssn", "no", "number", "importer", "tax", "id",
    ];
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
        words
            .join(" ")
            .trim_matches(|c: char| {
                matches!(c, ',' | ';' | ':' | '-' | '–' | '/' | '|' | '(' | ' ')
            })
            .to_owned()
    };
    let (before, after) = (strip(before), strip(after));
    let lead = [
        "ACE account application",
        "ACE portal account application",
        "ACE application",
        "Application",
    ];
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

/// The alert about a submission of ours that waits for a person.
fn lost(
    message: &Message,
    faults: &[Finding],
    candidate: Option<&Candidate>,
    because: &str,
) -> Alert {
    let faults: Vec<Fault> =
        faults.iter().map(|f| f.fault).filter(|f| f.is_worth_sending_anew()).collect();
    let body = match faults.as_slice() {
        [] => format!("{because}. See `acewatch review`."),
        faults => format!(
            "In your mail {}. If CBP has not answered it yet, send it again: `acewatch subject` prints the right subject. See `acewatch review`.",
            Fault::told(faults)
        ),
    };
    Alert {
        key: format!("mail/submission/{}", message.digest),
        kind: AlertKind::Review,
        application: candidate.map(|candidate| candidate.id),
        title: match candidate {
            Some(candidate) => titled(&candidate.company, "to review, what you sent"),
            None => "To review: an application that you sent to CBP".to_owned(),
        },
        body,
        is_pressing: false,
    }
}

fn alert_of(
    message: &Message,
    authenticity: &Authenticity,
    classification: &Classification,
    effect: Effect,
    candidate: Option<&Candidate>,
    because: &str,
) -> Option<Alert> {
    let about = |what: &str| match candidate {
        Some(candidate) => titled(&candidate.company, what),
        None => titled("An application", what),
    };
    let application = candidate.map(|candidate| candidate.id);
    let show = application
        .map_or("acewatch status".to_owned(), |ApplicationId(id)| format!("acewatch show {id}"));
    let (kind, title, body) = match (effect, classification.kind) {
        (Effect::Quarantined, _) => (
            AlertKind::Suspicious,
            "Suspicious mail in CBP's name".to_owned(),
            "Do not open its links or attachments; it moved nothing.\nReport it to IEEPAFraud@cbp.dhs.gov.".to_owned(),
        ),
        (Effect::Ignored, Kind::VerificationCode) if authenticity.verdict == Verdict::Authentic => (
            AlertKind::VerificationCode,
            "A CBP code has arrived: read it now".to_owned(),
            "It is in the mailbox, and valid for about ten minutes.".to_owned(),
        ),
        (Effect::Review, kind) => {
            let kind = kind.as_str().replace('_', " ");
            let title = match candidate {
                Some(candidate) => titled(&candidate.company, &format!("{kind} to review")),
                None => format!("To review: {kind} in CBP's name"),
            };
            (AlertKind::Review, title, format!("Decide with `acewatch review`.\n{because}."))
        }
        // What no rule knows may be a decision in new words.
        (Effect::Recorded, Kind::Reply) if !classification.is_recognised => (
            AlertKind::Reply,
            about("CBP wrote in new words"),
            format!("Read it: no rule knows these words, so that it counts\nas a mere reply. `{show}`"),
        ),
        (Effect::Recorded, Kind::Approval) => (
            AlertKind::Approval,
            about("approved by CBP"),
            format!("The ACE account exists. Next: the first log-in.\n`{show}`"),
        ),
        (Effect::Recorded, Kind::Rejection) => (
            AlertKind::Rejection,
            about("rejected by CBP"),
            format!("Mend what CBP names{} and send it anew.\n`{show}`", stated(classification)),
        ),
        (Effect::Recorded, Kind::InformationRequest) => (
            AlertKind::InformationRequest,
            about("CBP asks for something"),
            format!("Read and answer its mail{}: CBP waits.\n`{show}`", stated(classification)),
        ),
        (Effect::Recorded, Kind::Bounce) => (
            AlertKind::Bounce,
            about("mail to CBP not delivered"),
            format!("It did not reach CBP: send it again.\n`{show}`"),
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
    Some(Alert {
        key: format!("mail/{}/{subject}/{identity}", kind.as_str()),
        kind,
        application,
        title,
        body,
        is_pressing: false,
    })
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
        check(
            "ACE account application for Acme Imports LLC (IOR# 12-345678900)",
            "Acme Imports LLC",
        );
        check("12-345678900", "");
        check("Returned Form: application.pdf", "");
    }
}
