//! An application, and how it stands: a fold over its events.
//!
//! Events count in the order in which they were received. A late receipt never undoes a
//! decision; a resubmission after a rejection or a bounce begins anew with clocks of its own. One
//! that repeats an unanswered submission begins the wait for a receipt anew, and the decision is
//! counted from the first all the same; one that follows CBP's request answers it.

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::event::{Event, EventKind, Source};
use super::expectation::Moment;
use super::importer::ImporterNumber;
use super::receipt::OncePerSender;
use super::silence::Silence;
use super::submission::Fault;
use super::window::Extension;

/// An application's number in the database.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ApplicationId(pub i64);

/// How an application was sent.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Route {
    /// The PDF form by mail.
    #[default]
    Email,
    /// The importer's web form.
    WebImporter,
    /// The general web form.
    WebGeneral,
}

impl Route {
    /// All routes.
    pub const ALL: [Route; 3] = [Route::Email, Route::WebImporter, Route::WebGeneral];

    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Route::Email => "email",
            Route::WebImporter => "web-importer",
            Route::WebGeneral => "web-general",
        }
    }

    /// The route of a name, if there is one.
    pub fn parse(name: &str) -> Option<Route> {
        Route::ALL.into_iter().find(|route| route.as_str() == name)
    }
}

/// One request for an ACE account: one importer number on one route.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Application {
    /// Its number in the database.
    pub id: ApplicationId,
    /// The company's name as registered.
    pub company: String,
    /// Its importer number.
    pub number: ImporterNumber,
    /// How it was sent.
    pub route: Route,
    /// Other names of the company.
    pub aliases: Vec<String>,
    /// The user's own labels.
    pub tags: Vec<String>,
    /// Whom to ask.
    pub contact: Option<String>,
    /// The user's remarks.
    pub notes: Option<String>,
    /// The earliest day on which an entry of the company was liquidated.
    pub liquidated_on: Option<NaiveDate>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

#[cfg(test)]
impl Application {
    /// One for tests.
    pub(crate) fn example() -> Application {
        Application {
            id: ApplicationId(7),
            company: "Acme Imports LLC".to_owned(),
            number: "12-345678900".parse().unwrap(),
            route: Route::Email,
            aliases: Vec::new(),
            tags: Vec::new(),
            contact: None,
            notes: None,
            liquidated_on: None,
            created_at: "2026-04-01T00:00:00Z".parse().unwrap(),
        }
    }
}

/// How far an application has come.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Stage {
    /// Registered; no submission is known.
    Draft,
    /// Sent to CBP.
    Submitted,
    /// CBP confirmed that it arrived.
    Acknowledged,
    /// CBP wrote without deciding.
    Replied,
    /// CBP waits for us.
    InformationRequested,
    /// The account exists.
    Approved,
    /// Somebody has logged in.
    Active,
    /// It ended without an account.
    Rejected,
    /// The submission did not reach CBP.
    Undeliverable,
    /// We stopped following it.
    Closed,
}

impl Stage {
    /// All stages.
    pub const ALL: [Stage; 10] = [
        Stage::Draft,
        Stage::Submitted,
        Stage::Acknowledged,
        Stage::Replied,
        Stage::InformationRequested,
        Stage::Approved,
        Stage::Active,
        Stage::Rejected,
        Stage::Undeliverable,
        Stage::Closed,
    ];

    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Stage::Draft => "draft",
            Stage::Submitted => "submitted",
            Stage::Acknowledged => "acknowledged",
            Stage::Replied => "replied",
            Stage::InformationRequested => "information_requested",
            Stage::Approved => "approved",
            Stage::Active => "active",
            Stage::Rejected => "rejected",
            Stage::Undeliverable => "undeliverable",
            Stage::Closed => "closed",
        }
    }

    /// The stage of a name, if there is one.
    pub fn parse(name: &str) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.as_str() == name)
    }

    /// Whether CBP still owes a decision.
    pub fn awaits_decision(self) -> bool {
        matches!(
            self,
            Stage::Submitted | Stage::Acknowledged | Stage::Replied | Stage::InformationRequested
        )
    }
}

/// A step after the approval that only the user knows of.
pub const MILESTONES: [&str; 5] =
    ["first-login", "login", "importer-subaccount", "ach-refund", "cross-account-access"];

/// The only step that is done again and again.
pub const LOGIN: &str = "login";

/// How an application stands: the fold of its events.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct History {
    /// Its stage, leaving closing aside.
    stage: Option<Stage>,
    /// When it was closed, if it is.
    pub closed_at: Option<DateTime<Utc>>,
    /// Each time that it was sent, rejected and returned ones included.
    pub attempts: Vec<Attempt>,
    /// When it was first sent, or first sent after a rejection or a bounce.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it was last sent again while nothing had come from CBP.
    pub resent_at: Option<DateTime<Utc>>,
    /// Why no receipt is expected. Not told by the events, but by those of the other applications
    /// that the same address sent.
    pub receipt_elsewhere: Option<OncePerSender>,
    /// When CBP confirmed that it arrived.
    pub acknowledged_at: Option<DateTime<Utc>>,
    /// When CBP first wrote more than a receipt.
    pub first_reply_at: Option<DateTime<Utc>>,
    /// When it was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// Whether the decision was an approval.
    pub is_approved: bool,
    /// When somebody first logged in.
    pub activated_at: Option<DateTime<Utc>>,
    /// When the submission came back.
    pub undeliverable_at: Option<DateTime<Utc>>,
    /// CBP's requests: when asked, and when answered or overtaken.
    pub requests: Vec<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    /// The stage to go back to when the open request is answered.
    before_request: Option<Stage>,
    /// The reason of the last rejection or request, where stated.
    pub reason: Option<String>,
    /// What a person acknowledged or put off.
    pub silence: Silence,
    /// The later dates that CBP named, as a person wrote them down.
    pub extensions: Vec<Extension>,
    /// What came from CBP in this attempt, in order.
    heard: Vec<(EventKind, DateTime<Utc>)>,
    /// The steps that were ticked off, in order.
    milestones: Vec<(String, DateTime<Utc>)>,
}

/// One time that an application was sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Attempt {
    /// When.
    pub at: DateTime<Utc>,
    /// What was wrong with the mail.
    pub faults: Vec<Fault>,
    /// Whether a mail or the user says so.
    source: Source,
    /// Whether both say so.
    is_told_twice: bool,
}

impl History {
    /// Folds the events, which may come in any order.
    pub fn of(events: &[Event]) -> History {
        let undone: Vec<i64> = events.iter().filter_map(|event| event.undoes).collect();
        let mut in_order: Vec<&Event> =
            events.iter().filter(|event| !undone.contains(&event.id)).collect();
        in_order.sort_by_key(|event| (event.at, event.id));
        in_order.into_iter().fold(History::default(), History::then)
    }

    /// How far the application has come.
    pub fn stage(&self) -> Stage {
        match self.closed_at {
            Some(_) => Stage::Closed,
            None => self.stage.unwrap_or(Stage::Draft),
        }
    }

    /// When the open request of CBP's was made, if one is open.
    pub fn open_request(&self) -> Option<DateTime<Utc>> {
        match self.requests.last() {
            Some((at, None)) => Some(*at),
            _ => None,
        }
    }

    /// When something happened that a window may open or close on; the first time, where the
    /// moment does not say the last.
    pub fn at(&self, moment: Moment) -> Option<DateTime<Utc>> {
        let decided = |is_approved| self.decided_at.filter(|_| self.is_approved == is_approved);
        let ticked = |wanted: &[&str]| {
            let mut fitting =
                self.milestones.iter().rev().filter(|(name, _)| wanted.contains(&name.as_str()));
            fitting.next().map(|(_, at)| *at)
        };
        match moment {
            Moment::Submitted => self.submitted_at,
            Moment::Sent => self.submitted_at.map(|at| self.resent_at.unwrap_or(at)),
            Moment::Receipt => self.acknowledged_at,
            Moment::Reply => self.first_reply_at,
            Moment::Request => self.requests.last().map(|(at, _)| *at),
            Moment::Answer => self.requests.last().and_then(|(_, answered_at)| *answered_at),
            Moment::Approval => decided(true),
            Moment::SecondApproval => {
                let mut approvals =
                    self.heard.iter().filter(|(kind, _)| *kind == EventKind::Approved);
                approvals.nth(1).map(|(_, at)| *at)
            }
            Moment::Rejection => decided(false),
            Moment::Decision => self.decided_at,
            Moment::FirstLogin => self.activated_at,
            Moment::Login => ticked(&["first-login", LOGIN]),
            Moment::ImporterSubaccount => ticked(&["importer-subaccount"]),
            Moment::AchRefund => ticked(&["ach-refund"]),
            Moment::CrossAccountAccess => ticked(&["cross-account-access"]),
        }
    }

    /// The first time after `after` that it happened. What only the user knows of counts whenever
    /// it was: a step may be done before the mail that opens the way to it was read.
    pub fn first_after(&self, moment: Moment, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let heard = |wanted: &dyn Fn(EventKind) -> bool| {
            let mut fitting = self.heard.iter().filter(|(kind, at)| wanted(*kind) && after < *at);
            fitting.next().map(|(_, at)| *at)
        };
        match moment {
            Moment::Receipt => heard(&|kind| kind == EventKind::Receipt),
            Moment::Reply => heard(&EventKind::is_answer),
            Moment::Request => heard(&|kind| kind == EventKind::InformationRequest),
            Moment::Approval => heard(&|kind| kind == EventKind::Approved),
            Moment::Rejection => heard(&|kind| kind == EventKind::Rejected),
            Moment::Decision => {
                heard(&|kind| matches!(kind, EventKind::Approved | EventKind::Rejected))
            }
            Moment::Submitted | Moment::Sent | Moment::Answer | Moment::SecondApproval => {
                self.at(moment).filter(|at| after <= *at)
            }
            Moment::FirstLogin
            | Moment::Login
            | Moment::ImporterSubaccount
            | Moment::AchRefund
            | Moment::CrossAccountAccess => self.at(moment),
        }
    }

    fn then(mut self, event: &Event) -> History {
        let at = event.at;
        let stage = self.stage.unwrap_or(Stage::Draft);
        if event.kind.is_answer() {
            self.silence.end(at);
        }
        if event.kind.is_answer() || event.kind == EventKind::Receipt {
            self.heard.push((event.kind, at));
        }
        match event.kind {
            EventKind::Submitted => return self.sent(event),
            EventKind::Receipt => {
                self.acknowledged_at = self.acknowledged_at.or(Some(at));
                if stage <= Stage::Submitted {
                    self.stage = Some(Stage::Acknowledged);
                } else if stage == Stage::Undeliverable {
                    // CBP has it after all: the bounce was of a copy.
                    self.undeliverable_at = None;
                    self.stage = Some(Stage::Acknowledged);
                }
            }
            EventKind::Reply => {
                self.first_reply_at = self.first_reply_at.or(Some(at));
                // Whoever answers has it after all.
                self.undeliverable_at = None;
                if stage < Stage::Replied || stage == Stage::Undeliverable {
                    self.stage = Some(Stage::Replied);
                }
            }
            EventKind::InformationRequest => {
                self.first_reply_at = self.first_reply_at.or(Some(at));
                self.undeliverable_at = None;
                if !matches!(stage, Stage::Approved | Stage::Active | Stage::Rejected) {
                    if self.open_request().is_none() {
                        self.requests.push((at, None));
                        self.before_request = Some(stage);
                    }
                    self.reason = event.text.clone();
                    self.stage = Some(Stage::InformationRequested);
                }
            }
            EventKind::Answered => self.answer(at),
            EventKind::Approved => {
                self.decide(at);
                self.is_approved = true;
                self.reason = None;
                if stage != Stage::Active {
                    self.stage = Some(Stage::Approved);
                }
            }
            EventKind::Rejected => {
                self.decide(at);
                self.is_approved = false;
                self.reason = event.text.clone();
                self.stage = Some(Stage::Rejected);
            }
            EventKind::Undeliverable => {
                if stage <= Stage::Submitted {
                    self.undeliverable_at = Some(at);
                    self.stage = Some(Stage::Undeliverable);
                }
            }
            EventKind::Milestone => {
                let name = event.text.clone().unwrap_or_default();
                if name == "first-login" || name == LOGIN {
                    self.activated_at = self.activated_at.or(Some(at));
                    self.stage = Some(Stage::Active);
                }
                self.milestones.push((name, at));
            }
            EventKind::Closed => self.closed_at = Some(at),
            EventKind::Reopened => self.closed_at = None,
            EventKind::Acknowledged => self.silence.acknowledge(at, event.until),
            EventKind::Snoozed => self.silence.snooze(at, event.until, event.text.clone()),
            EventKind::Extended => {
                let reason = event.text.clone().unwrap_or_default();
                let until = event.until.unwrap_or(at);
                self.extensions.push(Extension { at, until, reason });
            }
            EventKind::Reminder
            | EventKind::Note
            | EventKind::Call
            | EventKind::Edited
            | EventKind::Assigned
            | EventKind::Undone
            | EventKind::Recalculated => {}
        }
        self
    }

    fn sent(mut self, event: &Event) -> History {
        let at = event.at;
        let stage = self.stage.unwrap_or(Stage::Draft);
        let is_ended = matches!(stage, Stage::Rejected | Stage::Undeliverable);
        let is_new = is_ended || !self.is_told(event);
        let faults = event.text.as_deref().map(Fault::read).unwrap_or_default();
        let has_form = !faults.contains(&Fault::NoPdf);
        // A question after a rejection is no application, and it stays the user's turn.
        if stage == Stage::Rejected && !has_form {
            return self;
        }
        if is_new {
            let source = event.source;
            self.attempts.push(Attempt { at, faults, source, is_told_twice: false });
            self.silence.end_acknowledgement(at);
        }
        match stage {
            Stage::Rejected | Stage::Undeliverable => {
                return History {
                    stage: Some(Stage::Submitted),
                    submitted_at: Some(at),
                    attempts: self.attempts,
                    ..History::default()
                };
            }
            Stage::Draft => {
                self.submitted_at = Some(at);
                self.stage = Some(Stage::Submitted);
            }
            _ if self.submitted_at.is_none() => self.submitted_at = Some(at),
            Stage::Submitted if is_new && has_form => self.resent_at = Some(at),
            Stage::InformationRequested if is_new && has_form => self.answer(at),
            _ => {}
        }
        self
    }

    /// Whether a submission that the user registered and a mail that was found are the same one: a
    /// date alone counts from the start of its day, in a zone that may be hours away.
    fn is_told(&mut self, event: &Event) -> bool {
        let same = Duration::hours(27);
        let twin = self.attempts.iter_mut().rev().find(|attempt| {
            attempt.source != event.source
                && !attempt.is_told_twice
                && (event.at - attempt.at).abs() <= same
        });
        let Some(twin) = twin else { return false };
        twin.is_told_twice = true;
        if event.source == Source::Message {
            twin.at = event.at;
            twin.faults = event.text.as_deref().map(Fault::read).unwrap_or_default();
        }
        true
    }

    fn answer(&mut self, at: DateTime<Utc>) {
        if self.open_request().is_some() {
            self.end_request(at);
            self.reason = None;
            self.stage = self.before_request.take().or(self.stage);
        }
    }

    fn decide(&mut self, at: DateTime<Utc>) {
        // The second mail of an approval, or a repeated rejection, does not move the date.
        let is_repeated = matches!(self.stage, Some(Stage::Approved | Stage::Active));
        self.first_reply_at = self.first_reply_at.or(Some(at));
        if !is_repeated || self.decided_at.is_none() {
            self.decided_at = Some(at);
        }
        self.undeliverable_at = None;
        self.end_request(at);
    }

    fn end_request(&mut self, at: DateTime<Utc>) {
        if let Some((_, end @ None)) = self.requests.last_mut() {
            *end = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Source;
    use chrono::TimeZone;
    use proptest::prelude::*;

    fn day(n: i64) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2026, 5, 4, 12, 0, 0).unwrap() + chrono::Duration::days(n)
    }

    fn event(id: i64, at: i64, kind: EventKind, text: Option<&str>) -> Event {
        Event { text: text.map(str::to_owned), ..Event::new(id, day(at), kind, Source::Message) }
    }

    fn check(kinds: &[(i64, EventKind)], expected: Stage) -> History {
        let events: Vec<Event> = kinds
            .iter()
            .enumerate()
            .map(|(id, (at, kind))| event(id as i64 + 1, *at, *kind, None))
            .collect();
        let history = History::of(&events);
        assert_eq!(history.stage(), expected, "{kinds:?}");
        history
    }

    use EventKind::*;

    #[test]
    fn stages_follow_the_events() {
        check(&[], Stage::Draft);
        check(&[(0, Submitted)], Stage::Submitted);
        check(&[(0, Submitted), (0, Receipt)], Stage::Acknowledged);
        check(&[(0, Submitted), (0, Receipt), (2, Reply)], Stage::Replied);
        check(&[(0, Submitted), (2, InformationRequest)], Stage::InformationRequested);
        check(&[(0, Submitted), (0, Undeliverable)], Stage::Undeliverable);
        check(&[(0, Submitted), (9, Approved), (9, Approved)], Stage::Approved);
        check(&[(0, Submitted), (9, Approved), (10, Closed)], Stage::Closed);
        check(&[(0, Submitted), (9, Approved), (10, Closed), (11, Reopened)], Stage::Approved);
    }

    #[test]
    fn what_cbp_answers_has_not_come_back() {
        for (answer, stage) in [
            (Receipt, Stage::Acknowledged),
            (Reply, Stage::Replied),
            (InformationRequest, Stage::InformationRequested),
            (Approved, Stage::Approved),
        ] {
            let history = check(&[(0, Submitted), (1, Undeliverable), (2, answer)], stage);
            assert_eq!(history.undeliverable_at, None, "{answer:?}");
        }
    }

    #[test]
    fn an_answer_goes_back_to_the_stage_before_the_request() {
        check(
            &[(0, Submitted), (0, Receipt), (2, InformationRequest), (3, Answered)],
            Stage::Acknowledged,
        );
        check(
            &[
                (0, Submitted),
                (1, Reply),
                (2, InformationRequest),
                (2, InformationRequest),
                (3, Answered),
            ],
            Stage::Replied,
        );
        check(
            &[(0, Submitted), (2, InformationRequest), (3, Reminder)],
            Stage::InformationRequested,
        );
    }

    #[test]
    fn a_late_receipt_never_undoes_a_decision() {
        check(&[(0, Submitted), (5, Approved), (6, Receipt), (7, Reply)], Stage::Approved);
        check(&[(0, Submitted), (5, Rejected), (6, Receipt), (7, Reply)], Stage::Rejected);
    }

    #[test]
    fn a_resubmission_after_a_rejection_begins_anew_and_a_repetition_does_not() {
        let history = check(&[(0, Submitted), (5, Rejected), (7, Submitted)], Stage::Submitted);
        assert_eq!(history.submitted_at, Some(day(7)));
        assert_eq!(history.decided_at, None);
        let history = check(&[(0, Submitted), (0, Receipt), (7, Submitted)], Stage::Acknowledged);
        assert_eq!(history.submitted_at, Some(day(0)));
    }

    fn check_attempts(kinds: &[(i64, EventKind)], stage: Stage, sent: &[i64]) -> History {
        let history = check(kinds, stage);
        let at: Vec<_> = history.attempts.iter().map(|attempt| attempt.at).collect();
        assert_eq!(at, sent.iter().map(|n| day(*n)).collect::<Vec<_>>(), "{kinds:?}");
        history
    }

    #[test]
    fn every_sending_is_an_attempt_of_the_same_application() {
        check_attempts(&[(0, Submitted)], Stage::Submitted, &[0]);
        let resent = check_attempts(&[(0, Submitted), (4, Submitted)], Stage::Submitted, &[0, 4]);
        assert_eq!((resent.submitted_at, resent.resent_at), (Some(day(0)), Some(day(4))));
        let known = [(0, Submitted), (0, Receipt), (4, Submitted)];
        assert_eq!(check_attempts(&known, Stage::Acknowledged, &[0, 4]).resent_at, None);
        let mended = [(0, Submitted), (5, Rejected), (7, Submitted), (8, Submitted)];
        let mended = check_attempts(&mended, Stage::Submitted, &[0, 7, 8]);
        assert_eq!((mended.submitted_at, mended.resent_at), (Some(day(7)), Some(day(8))));
        check_attempts(
            &[(0, Submitted), (0, Undeliverable), (0, Submitted)],
            Stage::Submitted,
            &[0, 0],
        );
    }

    #[test]
    fn a_form_that_is_sent_anew_answers_the_request_and_a_mail_without_one_does_not() {
        let asked = [(0, Submitted), (0, Receipt), (2, InformationRequest), (3, Submitted)];
        let history = check_attempts(&asked, Stage::Acknowledged, &[0, 3]);
        assert_eq!(history.requests, [(day(2), Some(day(3)))]);
        let events = [
            event(1, 0, Submitted, None),
            event(2, 2, InformationRequest, None),
            event(3, 3, Submitted, Some("no_pdf")),
        ];
        let history = History::of(&events);
        assert_eq!(history.stage(), Stage::InformationRequested);
        assert_eq!(history.attempts[1].faults, [Fault::NoPdf]);
        // Nor does it begin the wait for a receipt anew.
        let [first, _, question] = events.clone();
        assert_eq!(History::of(&[first, question]).resent_at, None);
        let rejected = event(2, 2, Rejected, None);
        let [first, _, question] = events;
        assert_eq!(History::of(&[first, rejected, question]).stage(), Stage::Rejected);
    }

    #[test]
    fn a_submission_that_is_registered_and_found_is_one() {
        let by_hand = |id, hours: i64| Event {
            at: day(0) + Duration::hours(hours),
            source: Source::Command,
            ..event(id, 0, Submitted, None)
        };
        let found = event(2, 0, Submitted, Some("no_suffix"));
        for hours in [-12, -25, 2] {
            let history = History::of(&[by_hand(1, hours), found.clone()]);
            assert_eq!(history.attempts.len(), 1, "{hours}");
            assert_eq!(history.attempts[0].at, day(0), "{hours}");
            assert_eq!(history.attempts[0].faults, [Fault::NoSuffix], "{hours}");
            assert_eq!(history.resent_at, None, "{hours}");
        }
        assert_eq!(History::of(&[by_hand(1, -40), found.clone()]).attempts.len(), 2);
        let twice = [by_hand(1, -2), found, event(3, 1, Submitted, None)];
        assert_eq!(History::of(&twice).attempts.len(), 2);
    }

    #[test]
    fn events_count_by_when_they_were_received_not_by_when_they_were_recorded() {
        let events = [event(1, 9, Approved, None), event(2, 0, Submitted, None)];
        let history = History::of(&events);
        assert_eq!(history.stage(), Stage::Approved);
        assert_eq!(history.submitted_at, Some(day(0)));
    }

    #[test]
    fn what_is_undone_does_not_count() {
        let mut undo = event(3, 6, Undone, None);
        undo.undoes = Some(2);
        let events = [event(1, 0, Submitted, None), event(2, 5, Rejected, None), undo];
        assert_eq!(History::of(&events).stage(), Stage::Submitted);
    }

    proptest! {
        #[test]
        fn the_fold_does_not_depend_on_the_order_of_the_rows(order in Just((1..=8_i64).collect::<Vec<_>>()).prop_shuffle()) {
            let kinds = [Submitted, Receipt, InformationRequest, Answered, Reply, Approved, Milestone, Closed];
            let rows = |ids: &[i64]| -> Vec<Event> {
                ids.iter().map(|id| event(*id, *id, kinds[*id as usize - 1], Some("first-login"))).collect()
            };
            let sorted: Vec<i64> = (1..=8).collect();
            prop_assert_eq!(History::of(&rows(&order)), History::of(&rows(&sorted)));
        }
    }
}
