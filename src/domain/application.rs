//! An application, and how it stands: a fold over its events.
//!
//! Events count in the order in which they were received. A late receipt never undoes a
//! decision; a resubmission after a rejection or a bounce begins a new attempt with clocks of
//! its own; a second submission while the first is under way is a repetition and moves nothing.

use chrono::{DateTime, Utc};

use super::event::{Event, EventKind};
use super::importer::ImporterNumber;

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
    /// When it was registered.
    pub created_at: DateTime<Utc>,
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
pub const MILESTONES: [&str; 4] =
    ["first-login", "importer-subaccount", "ach-refund", "cross-account-access"];

/// How an application stands: the fold of its events.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct History {
    /// Its stage, leaving closing aside.
    stage: Option<Stage>,
    /// When it was closed, if it is.
    pub closed_at: Option<DateTime<Utc>>,
    /// When the attempt that counts was sent.
    pub submitted_at: Option<DateTime<Utc>>,
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

    fn then(mut self, event: &Event) -> History {
        let at = event.at;
        let stage = self.stage.unwrap_or(Stage::Draft);
        match event.kind {
            EventKind::Submitted => match stage {
                Stage::Rejected | Stage::Undeliverable => self = History::submitted(at),
                Stage::Draft => {
                    self.submitted_at = Some(at);
                    self.stage = Some(Stage::Submitted);
                }
                _ if self.submitted_at.is_none() => self.submitted_at = Some(at),
                _ => {}
            },
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
                if stage < Stage::Replied || stage == Stage::Undeliverable {
                    self.stage = Some(Stage::Replied);
                }
            }
            EventKind::InformationRequest => {
                self.first_reply_at = self.first_reply_at.or(Some(at));
                if !matches!(stage, Stage::Approved | Stage::Active | Stage::Rejected) {
                    if self.open_request().is_none() {
                        self.requests.push((at, None));
                        self.before_request = Some(stage);
                    }
                    self.reason = event.text.clone();
                    self.stage = Some(Stage::InformationRequested);
                }
            }
            EventKind::Answered => {
                if self.open_request().is_some() {
                    self.end_request(at);
                    self.reason = None;
                    self.stage = self.before_request.take().or(self.stage);
                }
            }
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
                if event.text.as_deref() == Some("first-login") {
                    self.activated_at = self.activated_at.or(Some(at));
                    self.stage = Some(Stage::Active);
                }
            }
            EventKind::Closed => self.closed_at = Some(at),
            EventKind::Reopened => self.closed_at = None,
            EventKind::Reminder | EventKind::Note | EventKind::Assigned | EventKind::Undone => {}
        }
        self
    }

    fn submitted(at: DateTime<Utc>) -> History {
        History { stage: Some(Stage::Submitted), submitted_at: Some(at), ..History::default() }
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
        Event {
            id,
            at: day(at),
            kind,
            source: Source::Message,
            message: None,
            message_id: None,
            text: text.map(str::to_owned),
            undoes: None,
            decided: None,
        }
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
