//! What happened to an application, and what that comes to: the oracle's reading of a history.

use chrono::{DateTime, Duration, Utc};

type Instant = DateTime<Utc>;

/// Something that happened to an application.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fact {
    /// The form went to CBP: from an address of ours, or by the user's word alone.
    Sent {
        from: Option<&'static str>,
        faulty: bool,
    },
    Receipt {
        by_machine: bool,
    },
    Reply,
    Request,
    Answer,
    Approval,
    Rejection,
    Bounce,
    /// Somebody logged in; the first time or a later one.
    Login,
    Closed,
    /// The user knows what is overdue.
    Acknowledged,
    Snoozed {
        until: Instant,
    },
    Extended {
        until: Instant,
    },
    Note,
}

/// A fact as recorded.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    pub at: Instant,
    pub fact: Fact,
    /// How far the mailbox had been read by then.
    pub read_until: Option<Instant>,
}

/// How far an application has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub enum Stage {
    #[default]
    Draft,
    Submitted,
    Acknowledged,
    Replied,
    Asked,
    Approved,
    Active,
    Rejected,
    Returned,
}

/// One time that it was sent.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub at: Instant,
    by_hand: bool,
    /// Whether the user's word and a mail both tell of it.
    is_told_twice: bool,
}

/// What a person acknowledged.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub at: Instant,
    /// Nobody acknowledges what they could not know.
    pub read_until: Option<Instant>,
    /// When there was something new.
    pub until: Option<Instant>,
}

/// What the facts come to.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    pub stage: Stage,
    pub attempts: Vec<Attempt>,
    /// Whether the last mail with the form is one that CBP may be unable to use.
    pub is_faulty: bool,
    /// From which address it came, and when.
    pub sent_from: Option<(&'static str, Instant)>,
    pub first_sent: Option<Instant>,
    pub last_sent: Option<Instant>,
    pub receipt: Option<Instant>,
    /// The first word of a person at CBP.
    pub word: Option<Instant>,
    pub decided: Option<Instant>,
    pub approvals: Vec<Instant>,
    /// CBP's requests, and when each was answered.
    pub requests: Vec<(Instant, Option<Instant>)>,
    before_request: Stage,
    pub first_login: Option<Instant>,
    pub last_login: Option<Instant>,
    pub returned: Option<Instant>,
    pub closed: Option<Instant>,
    /// The end of the last snooze.
    pub snooze: Option<Instant>,
    pub known: Option<Known>,
    /// When extensions were given, and until when.
    pub extensions: Vec<(Instant, Instant)>,
}

impl Standing {
    /// Goes through the facts, which are in their order.
    pub fn of(facts: &[Recorded]) -> Standing {
        let mut standing = Standing::default();
        facts.iter().for_each(|recorded| standing.then(*recorded));
        standing
    }

    fn then(&mut self, Recorded { at, fact, read_until }: Recorded) {
        if matches!(fact, Fact::Reply | Fact::Request | Fact::Approval | Fact::Rejection) {
            // CBP's answer ends a snooze, and what was acknowledged. Whoever answers has got it after all.
            self.snooze = self.snooze.map(|until| until.min(at));
            self.end_known(at);
            self.word.get_or_insert(at);
            self.returned = None;
        }
        let was_returned = self.stage == Stage::Returned;
        match fact {
            Fact::Sent { from, faulty } => self.sent(at, from, faulty),
            Fact::Receipt { .. } => {
                self.receipt.get_or_insert(at);
                self.returned = None;
                if self.stage < Stage::Acknowledged || was_returned {
                    self.stage = Stage::Acknowledged;
                }
            }
            Fact::Reply if self.stage < Stage::Replied || was_returned => {
                self.stage = Stage::Replied;
            }
            Fact::Request if self.stage < Stage::Approved || was_returned => {
                if self.stage != Stage::Asked {
                    self.requests.push((at, None));
                    self.before_request = self.stage;
                }
                self.stage = Stage::Asked;
            }
            Fact::Answer => self.answer(at),
            Fact::Approval => {
                self.end_request(at);
                self.decided.get_or_insert(at);
                self.approvals.push(at);
                if self.stage != Stage::Active {
                    self.stage = Stage::Approved;
                }
            }
            Fact::Rejection => {
                self.end_request(at);
                self.decided = Some(at);
                self.stage = Stage::Rejected;
            }
            Fact::Bounce if self.stage <= Stage::Submitted => {
                self.returned = Some(at);
                self.stage = Stage::Returned;
            }
            Fact::Login => {
                self.first_login.get_or_insert(at);
                self.last_login = Some(at);
                self.stage = Stage::Active;
            }
            Fact::Closed => self.closed = Some(at),
            Fact::Acknowledged => self.known = Some(Known { at, read_until, until: None }),
            Fact::Snoozed { until } if at < until => {
                (self.snooze, self.known) = (Some(until), None);
            }
            Fact::Snoozed { .. } => self.snooze = self.snooze.map(|until| until.min(at)),
            Fact::Extended { until } => self.extensions.push((at, until)),
            Fact::Reply | Fact::Request | Fact::Bounce | Fact::Note => {}
        }
    }

    /// Ruling 24: each sending is an attempt; the user's word of one and the mail are the same.
    fn sent(&mut self, at: Instant, from: Option<&'static str>, faulty: bool) {
        self.sent_from = from.map(|from| (from, at)).or(self.sent_from);
        let has_ended = matches!(self.stage, Stage::Rejected | Stage::Returned);
        let by_hand = from.is_none();
        let twin = self.attempts.iter_mut().rfind(|other| {
            let is_near = (at - other.at).abs() <= Duration::hours(27);
            other.by_hand != by_hand && !other.is_told_twice && is_near
        });
        if let Some(twin) = twin.filter(|_| !has_ended) {
            twin.is_told_twice = true;
            if !by_hand {
                (twin.at, self.is_faulty) = (at, faulty);
            }
            return;
        }
        self.attempts.push(Attempt { at, by_hand, is_told_twice: false });
        self.is_faulty = faulty;
        self.end_known(at);
        match self.stage {
            // After a rejection or a bounce all begins anew.
            Stage::Rejected | Stage::Returned => {
                *self = Standing {
                    stage: Stage::Submitted,
                    attempts: std::mem::take(&mut self.attempts),
                    is_faulty: faulty,
                    sent_from: self.sent_from,
                    first_sent: Some(at),
                    last_sent: Some(at),
                    ..Standing::default()
                }
            }
            Stage::Draft => {
                (self.first_sent, self.last_sent) = (Some(at), Some(at));
                self.stage = Stage::Submitted;
            }
            // Sent again while CBP is silent.
            Stage::Submitted => self.last_sent = Some(at),
            Stage::Asked => self.answer(at),
            _ => {}
        }
    }

    fn answer(&mut self, at: Instant) {
        if self.end_request(at) {
            self.stage = self.before_request;
        }
    }

    /// Says whether one was open.
    fn end_request(&mut self, at: Instant) -> bool {
        let open = self.requests.last_mut().filter(|(_, end)| end.is_none());
        open.map(|(_, end)| *end = Some(at)).is_some()
    }

    fn end_known(&mut self, at: Instant) {
        if let Some(known) = &mut self.known {
            known.until.get_or_insert(at);
        }
    }

    /// Whether a mail that nobody has heard of is still news: a question that was answered is none.
    pub fn is_news(&self, fact: Fact) -> bool {
        self.closed.is_none()
            && match fact {
                Fact::Request => self.stage == Stage::Asked,
                Fact::Bounce => self.stage == Stage::Returned,
                Fact::Rejection => self.stage == Stage::Rejected,
                _ => self.stage != Stage::Active,
            }
    }
}
