//! Which kind of mail a message is, why, and which reason it states.
//!
//! What a mail *is* (our own, a delivery report) is told by its envelope, here. What a mail
//! *says* is told by the rules, and where none knows its wording, by the single words. What says
//! nothing clearly is a `reply` if it comes in CBP's name, so that an unforeseen wording reaches a
//! person and never vanishes.

use super::authenticity::{Authenticity, Trust, Verdict};
use super::kind::{Kind, Reason};
use super::leaning::Leaning;
use super::message::Message;
use super::rules::{Evidence, Rules, fold};

/// The kind of a mail, and what decided.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Classification {
    /// The kind.
    pub kind: Kind,
    /// The reason stated, for a rejection or an information request.
    pub reason: Option<Reason>,
    /// The rule and the phrase that decided, one sentence each.
    pub because: Vec<String>,
    /// Whether the rule asks for a person whatever else holds.
    pub review: bool,
    /// The rule that decided; none where the envelope told.
    pub rule: Option<String>,
    /// Whether a rule knows the wording. Else the kind is a guess by single words, or none at all.
    pub is_recognised: bool,
}

/// What a rule, or the single words, made of the text.
struct Judged {
    kind: Kind,
    rule: String,
    phrase: String,
    review: bool,
    is_recognised: bool,
    /// Whether the user taught it, who needs no second opinion.
    is_taught: bool,
}

impl Classification {
    /// Tells what `message` is.
    ///
    /// `in_thread` says whether it stands in the thread of one of our submissions: such a mail is
    /// never about other business of CBP's. `companies` are the names of applications it may be
    /// about: their words mean nothing.
    pub fn of(
        message: &Message,
        authenticity: &Authenticity,
        rules: &Rules,
        trust: &Trust,
        in_thread: bool,
        companies: &[String],
    ) -> Classification {
        if authenticity.verdict == Verdict::Own {
            return own(message, trust, in_thread);
        }
        if let Some(report) = &message.report {
            let n_failed = report.failed().count();
            let n_others = report.recipients.len().saturating_sub(n_failed);
            return plain(
                Kind::Bounce,
                format!("a delivery report: {n_failed} recipients failed, {n_others} others"),
            );
        }
        let subject = rules.bare(&fold(message.subject_without_prefixes()), companies);
        let mut in_subject = rules.clauses(message.subject_without_prefixes(), companies);
        let text = rules.clauses(&spoken_text(message), companies);
        let from = message.from.first().map(|a| a.address.to_lowercase()).unwrap_or_default();
        in_subject.extend(text.iter().cloned());
        let all = in_subject;
        // The subject of an answer is our own; it speaks only where the text says nothing, and its
        // single words, which are a company's, never do.
        let speaks_later = in_thread || is_answer(message);
        let spoken = if speaks_later { &text } else { &all };
        let judge = |subject: &str, clauses: &[String]| {
            let evidence = Evidence {
                from: &from,
                headers: &message.headers,
                subject,
                sentences: clauses,
                automatic: is_automatic(message),
                in_thread,
            };
            match rules.first_fit(&evidence) {
                Some((rule, fit)) => {
                    let judged = Judged {
                        kind: rule.kind,
                        rule: rule.id.clone(),
                        phrase: fit.phrase,
                        review: rule.review,
                        is_recognised: !rule.is_last_resort,
                        is_taught: rule.origin.is_users(),
                    };
                    rule.is_last_resort.then(|| leaning(spoken)).flatten().unwrap_or(judged)
                }
                None => Judged {
                    kind: Kind::Reply,
                    rule: "reply.other".to_owned(),
                    phrase: "no rule fits".to_owned(),
                    review: false,
                    is_recognised: false,
                    is_taught: false,
                },
            }
        };
        let judged = match judge(&subject, spoken) {
            Judged { kind: Kind::Reply, .. } if speaks_later && !is_automatic(message) => {
                judge(&subject, &all)
            }
            judged => judged,
        };
        let Judged { kind, rule, phrase, review, is_recognised, is_taught } =
            match in_thread && !is_automatic(message) && is_elsewhere(judged.kind) {
                // A person answers our application: that is about it, whatever the words are taken for.
                true => Judged {
                    kind: Kind::Reply,
                    rule: "reply.in-thread".to_owned(),
                    phrase: format!("{}: {}", judged.rule, judged.phrase),
                    review: true,
                    is_recognised: false,
                    is_taught: false,
                },
                false => judged,
            };
        if authenticity.verdict == Verdict::NotCbp && !is_told_by_the_envelope(kind) {
            return plain(Kind::Unrelated, "not from CBP".to_owned());
        }
        let mut because = vec![format!("{rule}: \u{201c}{phrase}\u{201d}")];
        let reason = match kind {
            Kind::Rejection | Kind::InformationRequest => {
                rules.reason(spoken).map(|(reason, fit)| {
                    because.push(format!("{}: \u{201c}{}\u{201d}", reason.as_str(), fit.phrase));
                    reason
                })
            }
            _ => None,
        };
        // A reason is a second witness of a rejection.
        let review = review || (!is_taught && reason.is_none() && speaks_otherwise(kind, spoken));
        Classification { kind, reason, because, review, rule: Some(rule), is_recognised }
    }
}

/// What the words speak for where no rule knows them, if they do so clearly. What is told by single
/// words is a guess, and a person looks, unless it is a mere receipt.
fn leaning(clauses: &[String]) -> Option<Judged> {
    let leaning = Leaning::of(clauses)?;
    let clear = match leaning.kind {
        // It has no words of its own: what resembles nothing resembles a question.
        Kind::InformationRequest => 0.8,
        _ => 0.7,
    };
    (clear <= leaning.likelihood && leaning.kind != Kind::Reply).then(|| Judged {
        kind: leaning.kind,
        rule: "words".to_owned(),
        phrase: leaning.words.join(" … "),
        // A question pauses the windows, as a decision ends them.
        review: leaning.kind != Kind::Receipt,
        is_recognised: false,
        is_taught: false,
    })
}

/// Whether the words of a decision do not bear it out. A rule that was misled by a phrase, as by
/// "the signature checks out", does not move an application by itself.
///
/// The bounds were found with the tests' wordings that mislead: below them nearly all were wrong,
/// and hardly any true decision lies there.
fn speaks_otherwise(kind: Kind, clauses: &[String]) -> bool {
    const LEAST: f64 = 0.25;
    const CLEAR: f64 = 0.65;
    matches!(kind, Kind::Approval | Kind::Rejection)
        && Leaning::of(clauses).is_none_or(|leaning| {
            leaning.of_kind(kind) < LEAST
                || (CLEAR <= leaning.likelihood
                    && matches!(leaning.kind, Kind::Reply | Kind::Receipt))
        })
}

/// The text that speaks: the new text, or, where a mail only forwards, what it forwards.
pub fn spoken_text(message: &Message) -> String {
    match message.forwarded_inline || !message.forwarded.is_empty() {
        true => {
            let attached = message.forwarded.iter().map(|f| format!("{}\n{}", f.subject, f.text));
            std::iter::once(message.text.clone())
                .chain(std::iter::once(message.quoted.clone()))
                .chain(attached)
                .collect::<Vec<_>>()
                .join("\n\n")
        }
        false => message.text.clone(),
    }
}

/// Whether a machine wrote the mail (RFC 3834 §5).
///
/// `X-Auto-Response-Suppress` alone says nothing: it asks others not to answer automatically.
pub fn is_automatic(message: &Message) -> bool {
    message.auto_submitted().is_some_and(|value| !value.trim().eq_ignore_ascii_case("no"))
        || fold(&message.subject).starts_with("automatic reply")
}

/// Whether the subject says that the mail answers another one, and so is not its own.
fn is_answer(message: &Message) -> bool {
    let whole = message.subject.trim();
    let prefixes = whole.strip_suffix(message.subject_without_prefixes()).unwrap_or("");
    let prefixes = fold(prefixes);
    ["re:", "re :", "aw:", "sv:", "automatic", "auto"]
        .iter()
        .any(|prefix| prefixes.contains(prefix))
}

/// Whether mail of this kind is about no application of anybody's.
fn is_elsewhere(kind: Kind) -> bool {
    matches!(kind, Kind::Bulletin | Kind::Unrelated)
}

fn is_told_by_the_envelope(kind: Kind) -> bool {
    matches!(kind, Kind::Bulletin | Kind::AutoReply | Kind::VerificationCode)
}

fn plain(kind: Kind, because: String) -> Classification {
    Classification {
        kind,
        reason: None,
        because: vec![because],
        review: false,
        rule: None,
        is_recognised: true,
    }
}

/// Our own mail: an application, a later mail to CBP, or something that is nobody's business here.
fn own(message: &Message, trust: &Trust, in_thread: bool) -> Classification {
    let sent_to = |is_wanted: &dyn Fn(&str) -> bool| {
        message.recipients().any(|recipient| is_wanted(&recipient.address))
    };
    let to_applications = sent_to(&|address| trust.is_application_address(address));
    let to_cbp = to_applications || sent_to(&|address| trust.is_cbp_address(address));
    let is_forward = message.forwarded_inline || is_forward(message);
    let is_later = in_thread || !message.in_reply_to.is_empty() || asks_or_answers(message);
    // The client's mail with the form is passed on as it came, whatever it refers to.
    let carries_form =
        message.has_pdf() && !in_thread && (is_forward || message.in_reply_to.is_empty());
    match (to_cbp, to_applications) {
        (false, _) => plain(Kind::Unrelated, "our own mail, and not to CBP".to_owned()),
        (true, true) if carries_form && (is_later || is_forward) => plain(
            Kind::Submission,
            "our own new mail with a form to the application address".to_owned(),
        ),
        (true, true) if !is_later && !message.forwarded_inline => {
            plain(Kind::Submission, "our own new mail to the application address".to_owned())
        }
        (true, _) => plain(Kind::Answer, "our own later mail to CBP".to_owned()),
    }
}

/// Whether the subject says that the mail passes another one on.
fn is_forward(message: &Message) -> bool {
    let subject = fold(&message.subject);
    ["fw:", "fwd:", "wg:", "tr:"].iter().any(|prefix| subject.starts_with(prefix))
}

/// Whether a mail of ours says of itself that it follows another one.
pub fn is_reminder(text: &str) -> bool {
    let text = fold(text);
    [
        "follow up",
        "following up",
        "follow-up",
        "any update",
        "any news",
        "reminder",
        "checking in",
        "status of",
        "status?",
        "have you had a chance",
        "still waiting",
        "heard nothing",
        "not heard",
        "haven't heard",
    ]
    .iter()
    .any(|cue| text.contains(cue))
}

fn asks_or_answers(message: &Message) -> bool {
    let subject = fold(&message.subject);
    is_reminder(&message.subject)
        || is_reminder(&message.text)
        || subject.starts_with("re:")
        || subject.starts_with("re ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::message::FolderRole;

    /// The mail and whether it stands in a thread of ours: it does where no subject is given.
    fn mail(text: &str) -> (Message, bool) {
        let (subject, body, in_thread) = match text.strip_prefix("Subject: ") {
            Some(rest) => {
                let (subject, body) = rest.split_once('\n').unwrap_or((rest, ""));
                (subject, body, false)
            }
            None => ("Re: Lindqvist Lamps LLC 12-345678900", text, true),
        };
        let automatic = ["Automatic reply", "Out of office", "Abwesend"];
        let automatic = match automatic.iter().any(|prefix| subject.starts_with(prefix)) {
            true => "Auto-Submitted: auto-replied\n",
            false => "",
        };
        let bytes = format!(
            "From: ace.applications@cbp.dhs.gov\nSubject: {subject}\n\
             Content-Type: text/plain; charset=utf-8\n{automatic}\n{body}\n"
        );
        let received_at = "2026-06-12T12:00:00Z".parse().unwrap();
        (Message::parse(bytes.as_bytes(), FolderRole::Inbox, received_at), in_thread)
    }

    #[test]
    fn wordings_are_told_apart() {
        let rules = Rules::read(None).unwrap();
        let trust = Trust::of_cbp(Vec::new(), Vec::new());
        let authentic = Authenticity { verdict: Verdict::Authentic, because: String::new() };
        let companies = ["Denied Brands LLC", "Approved Foods Inc"].map(str::to_owned);
        let check = |kind: &str, reason: &str, text: &str| {
            let (message, in_thread) = mail(&text.replace("\\n", "\n"));
            let found =
                Classification::of(&message, &authentic, &rules, &trust, in_thread, &companies);
            let found_reason = found.reason.map_or("-", Reason::as_str);
            let is_right = found.kind.as_str() == kind && (reason == "*" || found_reason == reason);
            (!is_right).then(|| format!("{kind}/{reason}: {text}\n  {found:?}"))
        };
        let wordings: Vec<&str> = include_str!("../../tests/data/wordings.tsv")
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .collect();
        let judge = |line: &&str| {
            let columns: Vec<&str> = line.splitn(3, '\t').collect();
            let [kind, reason, text] = columns[..] else {
                return Some(format!("three columns: {line}"));
            };
            check(kind, reason, text)
        };
        let n_wordings = wordings.len();
        let wrong: Vec<String> = std::thread::scope(|scope| {
            let threads: Vec<_> = wordings
                .chunks(n_wordings / 4 + 1)
                .map(|part| scope.spawn(|| part.iter().filter_map(judge).collect::<Vec<_>>()))
                .collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        });
        assert!(wrong.is_empty(), "{} of {n_wordings}:\n{}", wrong.len(), wrong.join("\n"));
        assert!(n_wordings > 1000);
    }

    #[test]
    fn headers_and_the_place_in_a_thread_count() {
        let rules = Rules::read(None).unwrap();
        let trust = Trust::of_cbp(Vec::new(), Vec::new());
        let authentic = Authenticity { verdict: Verdict::Authentic, because: String::new() };
        let check = |headers: &str, in_thread: bool, text: &str, kind: Kind, review: bool| {
            let mail = format!(
                "From: ace.applications@cbp.dhs.gov\n{headers}\nSubject: Acme 12-345678900\n\n{text}\n"
            );
            let received_at = "2026-06-12T12:00:00Z".parse().unwrap();
            let message = Message::parse(mail.as_bytes(), FolderRole::Inbox, received_at);
            let found = Classification::of(&message, &authentic, &rules, &trust, in_thread, &[]);
            assert_eq!((found.kind, found.review), (kind, review), "{headers}: {text}: {found:?}");
        };
        const APPROVED: &str = "Your application has been approved and the account was created.";
        const NEWS: &str = "New rates for the merchandise fee apply from October.";
        // Who answers by itself says that our mail came in, unless it says more.
        check("Auto-Submitted: auto-replied", true, "Thanks.", Kind::Receipt, false);
        check("Auto-Submitted: auto-generated (by rule)", true, APPROVED, Kind::Approval, false);
        check("Auto-Submitted: auto-replied", true, "I am on leave.", Kind::AutoReply, false);
        check("Auto-Submitted: no", true, "I have it here.", Kind::Receipt, false);
        check("X-Auto-Response-Suppress: All", true, APPROVED, Kind::Approval, false);
        // A list tells everybody, but a decision is about one.
        for list in ["List-Id: <trade.cbp.example>", "Precedence: list", "List-Unsubscribe: <x>"] {
            check(list, false, NEWS, Kind::Bulletin, false);
            check(list, false, APPROVED, Kind::Approval, false);
            check(list, true, APPROVED, Kind::Approval, false);
            check(list, true, "It is under review.", Kind::Reply, false);
        }
        // Whoever answers our application speaks about it.
        const STATEMENT: &str = "The monthly statement is attached.";
        check("X-A: b", false, STATEMENT, Kind::Unrelated, false);
        check("X-A: b", true, STATEMENT, Kind::Reply, false);
        check("Subject: CSMS # 1", true, "As I told you.", Kind::Reply, false);
    }

    #[test]
    fn an_answer_to_our_application_is_at_least_a_reply_whatever_a_rule_says() {
        let rule = "[[rule]]\nid = \"mine\"\nkind = \"unrelated\"\nsubject = ['acme']\n";
        let rules = Rules::read(Some(rule)).unwrap();
        let trust = Trust::of_cbp(Vec::new(), Vec::new());
        let authentic = Authenticity { verdict: Verdict::Authentic, because: String::new() };
        let mail = b"From: ace.applications@cbp.dhs.gov\nSubject: Acme\n\nAs I said.\n";
        let message =
            Message::parse(mail, FolderRole::Inbox, "2026-06-12T12:00:00Z".parse().unwrap());
        let check = |in_thread: bool, expected: (Kind, bool)| {
            let found = Classification::of(&message, &authentic, &rules, &trust, in_thread, &[]);
            assert_eq!((found.kind, found.review), expected);
        };
        check(false, (Kind::Unrelated, false));
        check(true, (Kind::Reply, true));
    }

    #[test]
    fn a_phrase_that_misleads_decides_nothing_without_a_person() {
        let rules = Rules::read(None).unwrap();
        let trust = Trust::of_cbp(Vec::new(), Vec::new());
        let authentic = Authenticity { verdict: Verdict::Authentic, because: String::new() };
        let traps = include_str!("../../tests/data/traps.tsv");
        let wrong: Vec<String> = traps
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .filter_map(|line| {
                let (_, text) = line.split_once('\t')?;
                let (message, in_thread) = mail(text);
                let found =
                    Classification::of(&message, &authentic, &rules, &trust, in_thread, &[]);
                let decides = matches!(found.kind, Kind::Approval | Kind::Rejection);
                (decides && !found.review).then(|| format!("{text}\n  {:?}", found.because))
            })
            .collect();
        assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    fn our_own_mail_is_told_by_where_it_goes_and_what_it_carries() {
        let trust = Trust::of_cbp(Vec::new(), Vec::new());
        let check = |headers: &str, has_pdf: bool, expected: Kind| {
            let kind = if has_pdf { "application/pdf; name=form.pdf" } else { "text/plain" };
            let bytes = format!("From: ops@broker.example\n{headers}\nContent-Type: {kind}\n\nx\n");
            let received_at = "2026-06-12T12:00:00Z".parse().unwrap();
            let message = Message::parse(bytes.as_bytes(), FolderRole::Sent, received_at);
            assert_eq!(own(&message, &trust, false).kind, expected, "{headers}");
        };
        let to_applications = "To: ACE.Applications@cbp.dhs.gov";
        check(&format!("{to_applications}\nSubject: Acme"), true, Kind::Submission);
        check("Bcc: ace.applications@CBP.dhs.gov\nSubject: Acme", false, Kind::Submission);
        check(&format!("{to_applications}\nSubject: Re: Acme"), false, Kind::Answer);
        check(
            &format!("{to_applications}\nSubject: FW: Acme\nIn-Reply-To: <1@client.example>"),
            true,
            Kind::Submission,
        );
        check("Cc: someone@ports.cbp.dhs.gov\nSubject: Acme", false, Kind::Answer);
        check("To: client@acme.example\nSubject: Acme", true, Kind::Unrelated);
    }

    #[test]
    fn a_reminder_is_told_from_an_answer() {
        assert!(is_reminder("Any update on this one?"));
        assert!(!is_reminder("Attached is the page you asked for."));
    }
}
