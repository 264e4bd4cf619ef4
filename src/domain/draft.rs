//! What to send to CBP about an application that waits, or to say on the telephone: values in,
//! text out.
//!
//! A mail continues the thread of the submission, so that CBP and acewatch find what it is about.
//! Its words decide what it is taken for when it is found in the Sent folder: a follow-up says that
//! it is one, and changes nothing; a resubmission must not, and is a new attempt (rulings 2 and 24).
//! Names and subjects are foreign text, and none of them can end a line.

mod card;
mod mailto;

use chrono::{DateTime, NaiveDate, Utc};

use super::application::{Application, ApplicationId, History, Route, Stage};
use super::calendar::Calendar;
use super::contact::Contact;
use super::event::{Event, EventKind};
use super::expectation::Owes;
use super::importer::folding::is_invisible;
use super::message::without_prefixes;
use super::span::CountUnit;
use super::subject_line::composed;
use super::submission::Fault;
use super::window::{Verdict, Window};
use super::zone::Zone;

pub use card::card;
pub use mailto::{LONGEST_MAILTO, mailto};

/// Longest line of a text, in characters (RFC 5322 §2.1.1 asks for no more than 78).
const WIDTH: usize = 72;
/// Longest name or subject that is repeated, in characters; a header line has 998 octets.
const LONGEST_NAME: usize = 200;
/// Longest Message-ID that is repeated, in octets; it may not be folded.
const LONGEST_ID: usize = 250;

/// What is drafted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum DraftKind {
    /// A polite question how it stands.
    FollowUp,
    /// The application once more.
    Resubmission,
    /// A telephone call, or a mail that says all that has happened.
    Escalation,
}

impl DraftKind {
    /// All of them.
    pub const ALL: [DraftKind; 3] =
        [DraftKind::FollowUp, DraftKind::Resubmission, DraftKind::Escalation];

    /// The name used in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            DraftKind::FollowUp => "follow-up",
            DraftKind::Resubmission => "resubmission",
            DraftKind::Escalation => "escalation",
        }
    }

    /// The kind of a name, if there is one.
    pub fn parse(name: &str) -> Option<DraftKind> {
        DraftKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// All that a draft is made of.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// The application.
    pub application: &'a Application,
    /// How it stands.
    pub history: &'a History,
    /// What happened, in any order.
    pub events: &'a [Event],
    /// Its windows with what each says.
    pub windows: &'a [(Window, Verdict)],
    /// CBP's ticket numbers.
    pub tickets: &'a [String],
    /// The mails that a draft continues.
    pub thread: &'a Thread,
    /// How CBP is reached.
    pub contact: &'a Contact,
    /// Where applications go.
    pub applications_address: &'a str,
    /// The calendar of the deadlines; its zone is CBP's.
    pub calendar: &'a Calendar,
    /// The reader's zone.
    pub reader: &'a Zone,
    /// The present.
    pub now: DateTime<Utc>,
}

/// The mails that a draft continues.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Thread {
    /// The Message-ID of our last submission, without angle brackets.
    pub submission: Option<String>,
    /// The last mail that a person at CBP wrote.
    pub letter: Option<Letter>,
}

/// A mail of a person at CBP.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Letter {
    /// Who wrote it.
    pub address: String,
    /// Its Message-ID, without angle brackets.
    pub message_id: Option<String>,
    /// Its subject.
    pub subject: String,
}

/// A mail that is not sent yet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mail {
    /// Whom it goes to.
    pub to: String,
    /// Who gets a copy.
    pub cc: Option<String>,
    /// The subject, on one line.
    pub subject: String,
    /// The Message-ID it answers, without angle brackets.
    pub in_reply_to: Option<String>,
    /// The Message-IDs of its thread, the first mail first.
    pub references: Vec<String>,
    /// The text; lines end with `\n`.
    pub text: String,
}

/// Why a draft makes no sense now, and what to do instead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unfit {
    /// Why, as a part of a sentence.
    pub because: &'static str,
    /// What to do; `{id}` is already filled in.
    pub instead: String,
}

/// Says whether a draft makes sense as an application stands. A call always does while there is
/// something to ask; `is_call` says whether one is meant.
///
/// # Errors
///
/// It makes none, and why.
pub fn check(kind: DraftKind, is_call: bool, case: &Case) -> Result<(), Unfit> {
    use self::DraftKind::{Escalation, FollowUp, Resubmission};
    let ApplicationId(id) = case.application.id;
    let unfit = |because, instead: String| Err(Unfit { because, instead });
    match (case.history.stage(), kind) {
        (Stage::Draft, _) => unfit(
            "nothing was sent to CBP yet, as far as acewatch knows",
            format!(
                "send the application; `acewatch subject {id}` prints the right subject, and \
                 `acewatch check` finds what was sent"
            ),
        ),
        (Stage::Closed, _) => {
            unfit("it is closed", format!("`acewatch reopen {id}` follows it again"))
        }
        (Stage::Active, _) => {
            unfit("the account is in use", format!("`acewatch show {id}` says what has happened"))
        }
        (_, Escalation) if is_call => Ok(()),
        (Stage::Approved, _) => unfit(
            "CBP has approved it",
            format!(
                "log in, then `acewatch done {id} first-login`; if the log-in does not come, call: \
                 `acewatch draft {id} escalation`"
            ),
        ),
        (Stage::InformationRequested, FollowUp | Escalation) => unfit(
            "CBP asked for something, and waits for you",
            format!(
                "answer CBP's mail in its thread (`acewatch show {id}`); if it wants the form anew, \
                 `acewatch draft {id} resubmission`"
            ),
        ),
        (Stage::Undeliverable, FollowUp | Escalation) => unfit(
            "the application did not reach CBP, so it has nothing to answer",
            format!("send it again: `acewatch draft {id} resubmission`"),
        ),
        (Stage::Rejected, FollowUp | Escalation) => unfit(
            "CBP has rejected it",
            format!(
                "mend what CBP names and send it anew: `acewatch draft {id} resubmission`; to ask \
                 why, call: `acewatch draft {id} escalation`"
            ),
        ),
        (_, Resubmission) if case.application.route != Route::Email => unfit(
            "it was filed through CBP's web form, and not by mail",
            format!(
                "file it in the form again, or, if it now goes by mail, `acewatch edit {id} --route email`"
            ),
        ),
        _ => Ok(()),
    }
}

/// Whether a draft that makes sense also does where nobody has named the application: what is written for
/// all that are overdue is sent without another look at each.
pub fn check_unnamed(kind: DraftKind, case: &Case) -> Result<(), Unfit> {
    let ApplicationId(id) = case.application.id;
    let stage = case.history.stage();
    let is_with_cbp = matches!(stage, Stage::Acknowledged | Stage::Replied);
    let overdue = case.windows.iter().filter(|(_, verdict)| *verdict == Verdict::Overdue);
    let overdue: Vec<bool> = overdue.map(|(window, _)| window.rule.awaits_receipt()).collect();
    let is_receipt_alone = !overdue.is_empty() && overdue.iter().all(|is_receipt| *is_receipt);
    let was_faulty = case.history.attempts.last().is_some_and(|last| !last.faults.is_empty());
    let may_be_there = stage == Stage::Submitted && !overdue.contains(&true) && !was_faulty;
    let (because, instead) = match kind {
        DraftKind::Resubmission if is_with_cbp => {
            ("CBP has it, and may take a second one for a duplicate", String::new())
        }
        DraftKind::Resubmission if may_be_there => (
            "its receipt is not overdue, so CBP may have it",
            format!("`acewatch draft {id} follow-up` asks without sending it again"),
        ),
        // What did not arrive nobody can find.
        DraftKind::FollowUp if is_receipt_alone && case.application.route == Route::Email => (
            "no receipt came, so it may never have arrived",
            format!("`acewatch draft {id} resubmission` sends it again"),
        ),
        _ => return Ok(()),
    };
    Err(Unfit { because, instead })
}

/// What the person should know before sending it, a sentence each.
pub fn remarks(kind: DraftKind, is_call: bool, case: &Case) -> Vec<String> {
    let ApplicationId(id) = case.application.id;
    let mut remarks = Vec::new();
    if kind == DraftKind::Resubmission {
        remarks.push("attach the filled form (PDF) before you send it".to_owned());
    }
    let is_unknown = case.windows.iter().any(|(_, verdict)| *verdict == Verdict::Unknown);
    if is_unknown {
        remarks.push(
            "the mailboxes were not read up to a deadline, so CBP may have answered: \
             `acewatch check` first"
                .to_owned(),
        );
    }
    let stage = case.history.stage();
    let is_receipt_overdue = case
        .windows
        .iter()
        .any(|(window, verdict)| window.rule.awaits_receipt() && *verdict == Verdict::Overdue);
    let faults: Vec<Fault> =
        case.history.attempts.last().map(|attempt| attempt.faults.clone()).unwrap_or_default();
    match kind {
        DraftKind::Resubmission => {
            if !faults.is_empty() {
                let told = Fault::told(&faults);
                remarks.push(format!("what was wrong with the last one: {told}"));
            } else if matches!(stage, Stage::Acknowledged | Stage::Replied) {
                remarks.push(format!(
                    "CBP has it and may take a second one for a duplicate; \
                     `acewatch draft {id} follow-up` asks without sending it again"
                ));
            } else if stage == Stage::Submitted && !is_receipt_overdue && !is_unknown {
                remarks.push("its receipt is not overdue yet".to_owned());
            }
        }
        DraftKind::FollowUp | DraftKind::Escalation => {
            let is_waiting =
                matches!(stage, Stage::Submitted | Stage::Acknowledged | Stage::Replied);
            if is_receipt_overdue && kind == DraftKind::FollowUp {
                remarks.push(format!(
                    "no receipt came, so it may never have arrived; \
                     `acewatch draft {id} resubmission` sends it again"
                ));
            } else if is_waiting && !case.is_overdue() && !is_unknown {
                remarks.push("nothing is overdue yet".to_owned());
            }
            if let Some(last) = case.happened(EventKind::Reminder).last().filter(|_| !is_call) {
                let day = day(case.calendar.day_of(last.at));
                remarks.push(format!("you last wrote to CBP about it on {day}"));
            }
        }
    }
    remarks
}

/// Writes the mail of a kind; the one of an escalation is for those who would rather write.
pub fn mail(kind: DraftKind, case: &Case) -> Mail {
    let company = clean(&case.application.company);
    let number = &case.application.number;
    let subject = composed(&company, number, false);
    let submission = case.thread.submission.as_deref().filter(|id| is_message_id(id));
    let in_thread = |subject: String, text: String| Mail {
        to: case.contact.support.clone(),
        subject,
        in_reply_to: submission.map(str::to_owned),
        references: submission.into_iter().map(str::to_owned).collect(),
        text,
        ..Mail::default()
    };
    match (kind, &case.thread.letter) {
        (DraftKind::Resubmission, _) => Mail {
            to: case.applications_address.to_owned(),
            // Written by hand: the full number, and no thread, as an application is a new mail.
            subject: composed(&company, number, true),
            text: resubmission(case),
            ..Mail::default()
        },
        // Who wrote last answers soonest; the others of the office read it, too.
        (DraftKind::FollowUp, Some(letter)) => {
            let answered = match clean(without_prefixes(&letter.subject)) {
                answered if answered.is_empty() => subject,
                answered => answered,
            };
            let mut mail = in_thread(format!("RE: {answered}"), follow_up(case));
            mail.cc = Some(std::mem::replace(&mut mail.to, letter.address.clone()));
            if let Some(id) = letter.message_id.as_ref().filter(|id| is_message_id(id)) {
                mail.in_reply_to = Some(id.clone());
                mail.references.push(id.clone());
            }
            mail
        }
        (DraftKind::FollowUp, None) => in_thread(format!("Follow-up: {subject}"), follow_up(case)),
        (DraftKind::Escalation, _) => in_thread(format!("Escalation: {subject}"), escalation(case)),
    }
}

impl Case<'_> {
    /// What happened of one kind and was not taken back, the first first.
    fn happened(&self, kind: EventKind) -> impl DoubleEndedIterator<Item = &Event> {
        let undone: Vec<i64> = self.events.iter().filter_map(|event| event.undoes).collect();
        let mut found: Vec<&Event> = self
            .events
            .iter()
            .filter(|event| event.kind == kind && event.at <= self.now)
            .filter(|event| !undone.contains(&event.id))
            .collect();
        found.sort_by_key(|event| (event.at, event.id));
        found.into_iter()
    }

    /// A day with its time in CBP's zone, as Americans write it; what was registered with a date
    /// alone has no time.
    fn moment(&self, at: DateTime<Utc>) -> String {
        let date = self.calendar.day_of(at);
        match self.calendar.start_of(date) == at {
            true => day(date),
            false => {
                let zone = self.calendar.zone();
                // The hour of the clock, also where the calendar counts it to the next day.
                let date = at.with_timezone(zone).date_naive();
                format!("{}, {} {}", day(date), clock(at, zone), zone_name(at, zone))
            }
        }
    }

    /// The facts by which CBP finds the application, as `name: value`.
    fn facts(&self) -> Vec<(&'static str, String)> {
        let mut facts = vec![
            ("Company", clean(&self.application.company)),
            ("Importer number", self.application.number.to_string()),
        ];
        let how = match self.application.route {
            Route::Email => "Sent",
            Route::WebImporter | Route::WebGeneral => "Filed in the web form",
        };
        let names = std::iter::once(how).chain(std::iter::repeat("Sent again"));
        for (name, attempt) in names.zip(&self.history.attempts) {
            facts.push((name, self.moment(attempt.at)));
        }
        facts
    }

    /// The same with what CBP has said so far.
    fn facts_and_answers(&self) -> Vec<(&'static str, String)> {
        let mut facts = self.facts();
        match self.history.acknowledged_at {
            Some(at) => facts.push(("Confirmed by you", self.moment(at))),
            None if self.is_unheard() => {
                facts.push(("Confirmed by you", "not yet, as far as we can see".to_owned()));
            }
            None => {}
        }
        if let Some(reply) = self.happened(EventKind::Reply).last() {
            facts.push(("Your last mail", self.moment(reply.at)));
        }
        if !self.tickets.is_empty() {
            let tickets: Vec<String> = self.tickets.iter().map(|ticket| clean(ticket)).collect();
            facts.push(("Ticket", tickets.join(", ")));
        }
        facts
    }

    /// By when CBP's answers are, or were, to be expected, in one sentence; empty where none is.
    fn expectations(&self) -> String {
        let is_awaited = |(window, _): &&(Window, Verdict)| {
            window.is_running() && window.rule.owes == Owes::Cbp && !window.rule.awaits_receipt()
        };
        let awaited = self.windows.iter().filter(is_awaited).map(|(window, _)| {
            let is_past = window.overdue.at < self.now;
            let is = if is_past { "was" } else { "is" };
            let last = day(window.overdue.day());
            let said = format!("your {} {is} to be expected by {last}", clean(&window.rule.short));
            let span = window.overdue.counted.span;
            let unit = match span.unit {
                CountUnit::Business => "business days",
                CountUnit::Calendar => "calendar days",
                CountUnit::Hours => "hours",
            };
            match window.overdue.extended {
                // It is counted from a day that CBP named itself.
                Some(_) => said,
                None => {
                    let first = day(self.calendar.day_of(window.opened_at));
                    format!("{said} ({} {unit} from {first})", span.n)
                }
            }
        });
        let awaited: Vec<String> = awaited.collect();
        match awaited.is_empty() {
            true => String::new(),
            false => format!("By our count, {}.", awaited.join(", and ")),
        }
    }

    /// Whether a receipt was to come and nothing has. Where CBP's machine answers each sender once,
    /// its silence says nothing.
    fn is_unheard(&self) -> bool {
        self.history.receipt_elsewhere.is_none() && self.history.first_reply_at.is_none()
    }

    fn is_overdue(&self) -> bool {
        self.windows.iter().any(|(_, verdict)| *verdict == Verdict::Overdue)
    }
}

fn follow_up(case: &Case) -> String {
    let opening = match case.history.stage() {
        Stage::Replied => "We are following up on the ACE account application below.",
        _ => {
            "We are following up on the ACE account application below, and would be glad to know how it stands."
        }
    };
    let mut text = Text::default();
    text.paragraph("Hello,").paragraph(opening).facts(&case.facts_and_answers());
    text.paragraph(&case.expectations());
    text.paragraph(
        "Could you please tell us where it is, and whether anything is missing on our side? If it \
         has been decided, please send us the decision once more.",
    )
    .paragraph("Thank you.");
    text.0
}

fn escalation(case: &Case) -> String {
    let overdue = if case.is_overdue() { ", which is overdue by our count" } else { "" };
    let mut text = Text::default();
    text.paragraph("Hello,").paragraph(&format!(
        "We are following up on the ACE account application below{overdue}. Could you please pass \
         it to somebody who can decide it, or tell us what holds it up?"
    ));
    let mut facts = case.facts_and_answers();
    for (kind, name) in [(EventKind::Reminder, "Asked by mail"), (EventKind::Call, "Called")] {
        facts.extend(case.happened(kind).map(|event| (name, case.moment(event.at))));
    }
    text.facts(&facts);
    text.paragraph(&case.expectations());
    text.paragraph("Please give us a ticket number, and the name of whom we may ask about it.")
        .paragraph("Thank you.");
    text.0
}

/// It must not read like a reminder, or it would be taken for one.
fn resubmission(case: &Case) -> String {
    let history = case.history;
    let on = |at: Option<DateTime<Utc>>| {
        at.map_or_else(String::new, |at| format!(" on {}", day(case.calendar.day_of(at))))
    };
    let asked = case.happened(EventKind::InformationRequest).last().map(|event| event.at);
    let because = match history.stage() {
        Stage::Rejected => {
            format!("It replaces the one that you returned{}.", on(history.decided_at))
        }
        Stage::InformationRequested => format!("It is corrected as you asked{}.", on(asked)),
        Stage::Undeliverable => {
            "We are sending it again because our earlier mail came back undelivered.".to_owned()
        }
        Stage::Submitted => {
            "We are sending it again because no confirmation of our earlier mail has come."
                .to_owned()
        }
        _ => "We are sending it again because no answer to our earlier mail has come.".to_owned(),
    };
    let mut facts = case.facts();
    if let Some((name, _)) = facts.iter_mut().find(|(name, _)| *name == "Sent") {
        *name = "First sent";
    }
    if !case.tickets.is_empty() {
        facts
            .push(("Ticket", case.tickets.iter().map(|t| clean(t)).collect::<Vec<_>>().join(", ")));
    }
    let mut text = Text::default();
    text.paragraph("Hello,")
        .paragraph(&format!("Please find attached our application for an ACE account. {because}"))
        .facts(&facts);
    if !matches!(
        history.stage(),
        Stage::Rejected | Stage::InformationRequested | Stage::Undeliverable
    ) {
        text.paragraph(
            "If you have it already, please take this for another copy of the same application.",
        );
    }
    text.paragraph("Thank you.");
    text.0
}

/// A text in paragraphs of lines that are not too long.
#[derive(Default)]
struct Text(String);

impl Text {
    fn paragraph(&mut self, words: &str) -> &mut Text {
        if words.is_empty() {
            return self;
        }
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(&filled(words));
        self
    }

    fn facts(&mut self, facts: &[(&str, String)]) -> &mut Text {
        self.0.push('\n');
        for (name, value) in facts {
            self.0.push_str(&filled(&format!("{name}: {value}")));
        }
        self
    }
}

/// Breaks a text into lines; a word that is too long for one has its own.
fn filled(words: &str) -> String {
    let mut text = String::new();
    let mut width = 0;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if 0 < width && WIDTH < width + 1 + length {
            text.push('\n');
            width = 0;
        }
        if 0 < width {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += length;
    }
    text.push('\n');
    text
}

/// A foreign text on one line, without what is not seen, and not too long.
fn clean(text: &str) -> String {
    let visible = |c: char| !is_invisible(c) && (!c.is_control() || c.is_whitespace());
    let visible: String = text.chars().filter(|c| visible(*c)).collect();
    let line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => line.get(..end).unwrap_or_default().trim_end().to_owned(),
        None => line,
    }
}

/// Whether a Message-ID can be repeated in a header as it is (RFC 5322 §3.6.4).
fn is_message_id(id: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_graphic() && c != '<' && c != '>';
    id.contains('@') && id.len() <= LONGEST_ID && id.chars().all(is_fine)
}

/// A day as Americans write it: `Thursday, May 21, 2026`.
fn day(date: NaiveDate) -> String {
    date.format("%A, %B %-d, %Y").to_string()
}

/// A time of day: `9:05 AM`.
fn clock(at: DateTime<Utc>, zone: &Zone) -> String {
    at.with_timezone(zone).format("%-I:%M %p").to_string()
}

/// What Americans call the zone: `ET` in summer and winter.
fn zone_name(at: DateTime<Utc>, zone: &Zone) -> String {
    match zone.name() {
        "America/New_York" => "ET".to_owned(),
        _ => at.with_timezone(zone).format("%Z").to_string(),
    }
}

#[cfg(test)]
mod tests;
