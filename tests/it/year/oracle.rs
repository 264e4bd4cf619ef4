//! What acewatch ought to tell, reckoned a second time and as plainly as possible.
//!
//! Written from `docs/interface.md` ("Windows", "What is told, and when", "Silence", rulings 2, 16 and 23 to 25), and
//! from nothing else: it shares no code with the program but the zones, to know what a clock on the wall shows.
//! It keeps every fact, and at every look reckons from the facts alone what holds.

use acewatch::domain::zone::Zone;
use chrono::{DateTime, Days, Duration, NaiveDate, Timelike, Utc};

use super::dates::{Dates, Unit};
use super::facts::{Fact, Known, Recorded, Stage, Standing};

type Instant = DateTime<Utc>;

/// A line of the contract's table of windows.
struct Row {
    name: &'static str,
    owes: Owes,
    ends_by: EndsBy,
    unit: Unit,
    due: u64,
    overdue: u64,
    critical: Option<u64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Owes {
    /// Its time stands still while it waits for us.
    Cbp,
    You,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum EndsBy {
    /// Only who has read the mailbox knows that nothing came.
    Mail,
    Command,
}

const fn row(
    name: &'static str,
    (owes, ends_by): (Owes, EndsBy),
    unit: Unit,
    [due, overdue]: [u64; 2],
    critical: Option<u64>,
) -> Row {
    Row { name, owes, ends_by, unit, due, overdue, critical }
}

const WINDOWS: [Row; 7] = [
    row("acknowledgement", (Owes::Cbp, EndsBy::Mail), Unit::BusinessDays, [1, 3], None),
    row("first_response", (Owes::Cbp, EndsBy::Mail), Unit::BusinessDays, [3, 5], None),
    row("decision", (Owes::Cbp, EndsBy::Mail), Unit::Days, [7, 14], Some(21)),
    row("your_answer", (Owes::You, EndsBy::Mail), Unit::BusinessDays, [2, 5], None),
    row("second_approval", (Owes::Cbp, EndsBy::Mail), Unit::Hours, [24, 72], None),
    row("activation", (Owes::You, EndsBy::Command), Unit::DaysUntilLoss, [7, 14], Some(18)),
    row("login", (Owes::You, EndsBy::Command), Unit::DaysUntilLoss, [35, 40], Some(43)),
];

/// A window that is open and does not stand still, and its deadlines: the last second before each has passed.
#[derive(Clone, Debug)]
struct Open {
    name: &'static str,
    ends_by: EndsBy,
    since: Instant,
    due: Instant,
    overdue: Instant,
    critical: Option<Instant>,
    reminders: Vec<Instant>,
}

/// How late a window is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Late {
    Due,
    Overdue,
    Critical,
}

/// What an alert is about; the same matter is told once.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Matter {
    /// A window with the instant at which it opened.
    Window(&'static str, Instant, Late),
    Reminder(&'static str, Instant, usize),
    SnoozeOver(Instant),
    Cliff(NaiveDate, u64),
    Faulty(Instant),
    /// A mail, with its place among the facts.
    Mail(Fact, usize),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Waiting,
    /// It was shown, or need not be because of another one.
    Told(Instant),
}

/// One alert as a person gets it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Told {
    /// The number of the application; none where it is about the mailbox or a code.
    pub who: Option<usize>,
    pub what: String,
}

/// An application.
struct Case {
    who: usize,
    liquidated_on: Option<NaiveDate>,
    /// In the order of time, then of being recorded.
    facts: Vec<Recorded>,
    alerts: Vec<(Matter, State)>,
    reckoned: Option<Reckoned>,
}

/// What so many facts and receipts come to; kept, because nothing but more of them changes it.
struct Reckoned {
    from: (usize, usize),
    standing: Standing,
    open: Vec<Open>,
}

/// CBP's machine confirmed what an address of ours had sent.
struct Confirmed {
    who: usize,
    sender: &'static str,
    sent_at: Instant,
    at: Instant,
}

pub struct Oracle {
    reader: Zone,
    dates: Dates,
    cases: Vec<Case>,
    confirmed: Vec<Confirmed>,
    read_until: Option<Instant>,
    failing_since: Option<Instant>,
    is_blindness_told: bool,
    /// What is about no application, and told at once.
    at_once: Vec<&'static str>,
}

impl Oracle {
    pub fn new(reader: &str) -> Oracle {
        Oracle {
            reader: Zone::named(reader).unwrap(),
            dates: Dates::new(),
            cases: Vec::new(),
            confirmed: Vec::new(),
            read_until: None,
            failing_since: None,
            is_blindness_told: false,
            at_once: Vec::new(),
        }
    }

    /// The user's configuration names another closed day.
    pub fn closed_on(&mut self, day: NaiveDate) {
        self.dates.closed_on(day);
        self.cases.iter_mut().for_each(|case| case.reckoned = None);
    }

    pub fn registered(&mut self, who: usize, liquidated_on: Option<NaiveDate>) {
        let (facts, alerts) = (Vec::new(), Vec::new());
        self.cases.push(Case { who, liquidated_on, facts, alerts, reckoned: None });
    }

    /// A fact was recorded: a mail that was received `at`, or a command that was given then.
    pub fn recorded(&mut self, who: usize, at: Instant, fact: Fact) {
        let case = self.cases.iter_mut().find(|case| case.who == who).unwrap();
        let place = case.facts.partition_point(|earlier| earlier.at <= at);
        case.facts.insert(place, Recorded { at, fact, read_until: self.read_until });
        case.reckoned = None;
        if matches!(fact, Fact::Request | Fact::Approval | Fact::Rejection | Fact::Bounce) {
            case.alerts.push((Matter::Mail(fact, case.facts.len()), State::Waiting));
        }
        if fact == (Fact::Receipt { by_machine: true }) {
            let (sender, sent_at) = Standing::of(&case.facts[..place]).sent_from.unwrap();
            self.confirmed.push(Confirmed { who, sender, sent_at, at });
            self.confirmed.sort_by_key(|confirmed| confirmed.at);
        }
    }

    /// A code is worth nothing a quarter of an hour after it came.
    pub fn code(&mut self, received_at: Instant, now: Instant) {
        if now < received_at + Duration::minutes(15) {
            self.at_once.push("code");
        }
    }

    /// Every folder was read up to `now`.
    pub fn mailbox_read(&mut self, now: Instant) {
        self.read_until = Some(now);
        if self.is_blindness_told {
            self.at_once.push("mailbox readable");
        }
        (self.failing_since, self.is_blindness_told) = (None, false);
    }

    pub fn mailbox_failed(&mut self, now: Instant) {
        self.failing_since.get_or_insert(now);
    }

    /// The daemon was started, or went on after a suspend or with another time.
    pub fn woke(&mut self, now: Instant) {
        if !self.is_blindness_told {
            self.failing_since = self.failing_since.map(|_| now);
        }
    }

    /// Looks at everything.
    pub fn look(&mut self, now: Instant) {
        let is_blind = self.failing_since.is_some_and(|since| since + Duration::hours(1) <= now);
        if is_blind && !self.is_blindness_told {
            self.is_blindness_told = true;
            self.at_once.push("mailbox blind");
        }
        self.look_at_those(now, |_| true);
    }

    /// Looks at one application, of which something was recorded.
    pub fn look_at(&mut self, who: usize, now: Instant) {
        self.look_at_those(now, |case| case.who == who);
    }

    fn look_at_those(&mut self, now: Instant, is_wanted: impl Fn(&Case) -> bool) {
        let mut cases = std::mem::take(&mut self.cases);
        cases.iter_mut().filter(|case| is_wanted(case)).for_each(|case| self.look_into(case, now));
        self.cases = cases;
    }

    /// Shows what waits and may be shown now.
    pub fn shown(&mut self, now: Instant) -> Vec<Told> {
        let local = now.with_timezone(&self.reader);
        let is_office_hour =
            (8..20).contains(&local.hour()) && self.dates.is_business_day(local.date_naive());
        let told = |who, what: &str| Told { who, what: what.to_owned() };
        let mut shown: Vec<Told> = self.at_once.drain(..).map(|what| told(None, what)).collect();
        for case in &mut self.cases {
            let Some(Reckoned { standing, .. }) = &case.reckoned else { continue };
            for (matter, state) in &mut case.alerts {
                let may_be_shown = match matter {
                    Matter::Mail(fact, _) => standing.is_news(*fact),
                    Matter::Faulty(_) => true,
                    _ => is_office_hour,
                };
                if *state == State::Waiting && may_be_shown {
                    *state = State::Told(now);
                    shown.push(told(Some(case.who), &named(matter)));
                }
            }
        }
        shown.sort();
        shown
    }

    fn look_into(&self, case: &mut Case, now: Instant) {
        // What is dated later than now does not count yet.
        let n_facts = case.facts.partition_point(|recorded| recorded.at <= now);
        let n_confirmed = self.confirmed.partition_point(|confirmed| confirmed.at <= now);
        let from = (n_facts, n_confirmed);
        if case.reckoned.as_ref().is_none_or(|reckoned| reckoned.from != from) {
            let standing = Standing::of(&case.facts[..n_facts]);
            let open = self.open_windows(&standing, &self.confirmed[..n_confirmed]);
            case.reckoned = Some(Reckoned { from, standing, open });
        }
        let Some(Reckoned { standing, open, .. }) = &case.reckoned else { return };
        // Where a deadline is moved to a later day, who was told of it before is told again.
        case.alerts.retain(|(matter, state)| match (state, deadline_of(matter, open)) {
            (State::Told(told_at), Some(at)) => at < now || at <= *told_at,
            _ => true,
        });
        let holds = self.holds(standing, open, case.liquidated_on, now);
        // What holds no longer before it was shown is taken back; of mails, when it is to be shown.
        case.alerts.retain(|(matter, state)| {
            *state != State::Waiting || matches!(matter, Matter::Mail(..)) || holds.contains(matter)
        });
        for matter in holds {
            if !case.alerts.iter().any(|(known, _)| *known == matter) {
                case.alerts.push((matter, State::Waiting));
            }
        }
        // Nobody is reminded of what they are yet to be told.
        let waiting = case.alerts.iter().filter(|(_, state)| *state == State::Waiting);
        let waiting: Vec<Matter> = waiting.map(|(matter, _)| *matter).collect();
        for (matter, state) in &mut case.alerts {
            let Matter::Reminder(name, since, _) = matter else { continue };
            let is_told_anyway = waiting.iter().any(|other| match other {
                Matter::Window(other, opened, _) => other == name && opened == since,
                other => matches!(other, Matter::SnoozeOver(_)),
            });
            if *state == State::Waiting && is_told_anyway {
                *state = State::Told(now);
            }
        }
    }

    /// Everything that the clock has to tell of an application now.
    fn holds(
        &self,
        standing: &Standing,
        open: &[Open],
        liquidated_on: Option<NaiveDate>,
        now: Instant,
    ) -> Vec<Matter> {
        let mut holds = Vec::new();
        if standing.closed.is_some() {
            return holds;
        }
        let has_passed = |open: &Open, at: Instant| {
            at < now
                && (open.ends_by == EndsBy::Command
                    || self.read_until.is_some_and(|until| at <= until))
        };
        // Of each window, the last deadline that has passed, as far as anybody can know.
        let mut late: Vec<(&Open, Late, Instant)> = Vec::new();
        for open in open {
            match open.critical {
                Some(at) if has_passed(open, at) => late.push((open, Late::Critical, at)),
                _ if has_passed(open, open.overdue) => {
                    late.push((open, Late::Overdue, open.overdue))
                }
                _ if open.overdue < now => {}
                _ if has_passed(open, open.due) => late.push((open, Late::Due, open.due)),
                _ => {}
            }
        }
        if let Some(until) = standing.snooze.filter(|until| *until <= now) {
            let is_known = |open: &Open| known_until(standing, open).is_some_and(|at| until <= at);
            if late.iter().any(|(open, ..)| open.due < until && !is_known(open)) {
                holds.push(Matter::SnoozeOver(until));
            }
        }
        let is_silent = |open: &Open, at: Instant| {
            standing.snooze.is_some_and(|until| at < until)
                || known_until(standing, open).is_some_and(|until| at < until)
        };
        let overdue = late.iter().filter(|(_, how, _)| *how != Late::Due);
        let last = overdue.max_by_key(|(open, ..)| open.overdue).map(|(open, ..)| open.name);
        for (open, how, at) in late {
            // An account in use is reminded of at each date, and not once all that is a week ago.
            let is_in_use = open.name == "login";
            if is_in_use && open.critical.is_some_and(|last| last + Duration::days(7) < now) {
                continue;
            }
            // Who is told that one thing is late need not hear that another one is due.
            if (how != Late::Due || last.is_none()) && !is_silent(open, at) {
                holds.push(Matter::Window(open.name, open.since, how));
            }
            // Only what became overdue last reminds, and only its last reminder counts.
            let reminder = open.reminders.iter().rposition(|at| has_passed(open, *at));
            if last == Some(open.name)
                && !is_in_use
                && let Some(n) = reminder.filter(|n| !is_silent(open, open.reminders[*n]))
            {
                holds.push(Matter::Reminder(open.name, open.since, n + 1));
            }
        }
        holds.extend(self.faulty(standing, now));
        holds.extend(liquidated_on.and_then(|on| self.cliff(standing, on, now)));
        holds
    }

    /// Ruling 23: a faulty submission is worth sending again while nobody at CBP has written and a receipt would
    /// not be overdue.
    fn faulty(&self, standing: &Standing, now: Instant) -> Option<Matter> {
        let is_at_cbp = matches!(standing.stage, Stage::Submitted | Stage::Acknowledged);
        let is_faulty = standing.is_faulty && is_at_cbp && standing.word.is_none();
        let sent = standing.last_sent.filter(|_| is_faulty)?;
        let receipt = self.open(standing, &WINDOWS[0], sent, standing.receipt)?;
        (now <= receipt.overdue).then_some(Matter::Faulty(standing.attempts.last()?.at))
    }

    /// A refund can be claimed for 80 days after the liquidation, and a protest made for 180: 30 and 7 days before
    /// that, while nobody uses the account.
    fn cliff(&self, standing: &Standing, liquidated_on: NaiveDate, now: Instant) -> Option<Matter> {
        if standing.stage == Stage::Active || standing.snooze.is_some_and(|until| now < until) {
            return None;
        }
        let cliffs = [80, 180].map(|days| liquidated_on + Days::new(days));
        let next = cliffs.into_iter().find(|cliff| now <= self.dates.end_of(*cliff))?;
        let has_begun = |days: &u64| self.dates.end_of(next - Days::new(days + 1)) < now;
        [7, 30].into_iter().find(has_begun).map(|days| Matter::Cliff(next, days))
    }

    fn open_windows(&self, standing: &Standing, confirmed: &[Confirmed]) -> Vec<Open> {
        let mut open = Vec::new();
        if standing.closed.is_some() || standing.returned.is_some() {
            return open;
        }
        let Standing { first_sent, last_sent, receipt, decided, last_login, .. } = *standing;
        // Whoever is logged in waits for nothing else.
        let is_used = standing.first_login.is_some();
        let is_answered = standing.word.is_some() || is_used;
        let is_expected = !is_answered_elsewhere(standing, confirmed);
        let approved = decided.filter(|_| !standing.approvals.is_empty());
        let request = standing.requests.last();
        for row in &WINDOWS {
            let (since, is_over) = match row.name {
                "acknowledgement" => {
                    (last_sent.filter(|_| is_expected), receipt.is_some() || is_answered)
                }
                "first_response" => (receipt.or(last_sent), is_answered),
                "decision" => (first_sent.or(receipt), decided.is_some() || is_used),
                "your_answer" => {
                    (request.map(|(at, _)| *at), request.is_some_and(|(_, end)| end.is_some()))
                }
                "second_approval" => (approved, 1 < standing.approvals.len() || is_used),
                "activation" => (approved, is_used),
                _ => (last_login, false),
            };
            if let Some(since) = since.filter(|_| !is_over) {
                open.extend(self.open(standing, row, since, None));
            }
        }
        open
    }

    /// One window with its dates, unless it stands still.
    fn open(
        &self,
        standing: &Standing,
        row: &Row,
        since: Instant,
        closed: Option<Instant>,
    ) -> Option<Open> {
        let dates = &self.dates;
        // What CBP owes stands still while it waits for us, and moves on by the whole days of that.
        let requests = standing.requests.iter().filter(|_| row.owes == Owes::Cbp);
        let pauses = requests.filter(|(_, end)| end.is_none_or(|end| since < end));
        let pauses: Vec<_> = pauses.map(|(at, end)| ((*at).max(since), *end)).collect();
        if pauses.iter().any(|(_, end)| end.is_none()) {
            return None;
        }
        let paused: Duration = pauses.iter().filter_map(|(at, end)| Some((*end)? - at)).sum();
        let paused = u64::try_from(paused.num_days()).unwrap();
        // The last extension that was given while it ran; one up to the past takes the others back.
        let is_running = |at: Instant| {
            let is_paused =
                pauses.iter().any(|(from, end)| *from <= at && end.is_none_or(|end| at < end));
            since < at && closed.is_none_or(|closed| at < closed) && !is_paused
        };
        let extension = standing.extensions.iter().rfind(|(at, _)| is_running(*at));
        let until =
            extension.filter(|(at, until)| at < until).map(|(_, until)| dates.day_of(*until));
        let deadline = |n: u64| {
            let (plain, extended) = match row.unit {
                Unit::Hours => (
                    since + hours(n + 24 * paused),
                    until.map(|until| dates.end_of(until) + hours(n - row.due)),
                ),
                unit => {
                    let day = dates.count(dates.day_of(since), n, unit);
                    let day = if paused == 0 { day } else { dates.count(day, paused, Unit::Days) };
                    // It is due on the day named, the rest as much later as ever.
                    let later = |until| match n - row.due {
                        0 => until,
                        n => dates.count(until, n, unit),
                    };
                    (dates.end_of(day), until.map(later).map(|day| dates.end_of(day)))
                }
            };
            // What is due later anyway is not moved.
            plain.max(extended.unwrap_or(plain))
        };
        let overdue = deadline(row.overdue);
        // Two business days after it is overdue, then every week: more than a year of them.
        let mut day = dates.count(dates.day_of(overdue), 2, Unit::BusinessDays);
        let mut reminders = Vec::new();
        for _ in 0..60 {
            reminders.push(dates.end_of(day));
            day = dates.count(day, 7, Unit::Days);
        }
        let (due, critical) = (deadline(row.due), row.critical.map(deadline));
        let Row { name, ends_by, .. } = *row;
        Some(Open { name, ends_by, since, due, overdue, critical, reminders })
    }

    /// The facts of an application, for whoever looks into a difference.
    pub fn history(&self, who: usize) -> String {
        let Some(case) = self.cases.iter().find(|case| case.who == who) else {
            return String::new();
        };
        let facts =
            case.facts.iter().map(|Recorded { at, fact, .. }| format!("    {at} {fact:?}\n"));
        let open = case.reckoned.iter().flat_map(|reckoned| &reckoned.open).map(|open| {
            let Open { name, since, due, overdue, critical, .. } = open;
            format!("    {name} since {since}, {due}, {overdue}, {critical:?}\n")
        });
        facts.chain(open).collect()
    }
}

/// Ruling 25: within 60 days the machine answered this sender only once, and before.
fn is_answered_elsewhere(standing: &Standing, confirmed: &[Confirmed]) -> bool {
    let Some((sender, sent_at)) = standing.sent_from else { return false };
    let is_near = |other: &&Confirmed| {
        other.sender == sender && (other.sent_at - sent_at).abs() <= Duration::days(60)
    };
    let mut near: Vec<&Confirmed> = confirmed.iter().filter(is_near).collect();
    near.sort_by_key(|other| other.sent_at);
    standing.stage == Stage::Submitted
        && near.first().is_some_and(|first| {
            first.sent_at <= sent_at && near.iter().all(|other| other.who == first.who)
        })
}

/// Up to when nothing is told of a window because a person acknowledged that it is overdue: until something
/// new comes, or until it is critical.
fn known_until(standing: &Standing, open: &Open) -> Option<Instant> {
    let Known { at, read_until, until } = standing.known?;
    let could_know =
        open.ends_by == EndsBy::Command || read_until.is_some_and(|read| open.overdue <= read);
    if at <= open.overdue || !could_know {
        return None;
    }
    let critical = open.critical.filter(|critical| at <= *critical);
    until.into_iter().chain(critical).min().or(Some(Instant::MAX_UTC))
}

/// The deadline that an alert is about, where its window is still open.
fn deadline_of(matter: &Matter, open: &[Open]) -> Option<Instant> {
    let (Matter::Window(name, since, _) | Matter::Reminder(name, since, _)) = matter else {
        return None;
    };
    let open = open.iter().find(|open| open.name == *name && open.since == *since)?;
    match matter {
        Matter::Window(_, _, Late::Due) => Some(open.due),
        Matter::Window(_, _, Late::Critical) => open.critical,
        _ => Some(open.overdue),
    }
}

fn hours(n: u64) -> Duration {
    Duration::hours(i64::try_from(n).unwrap())
}

fn named(matter: &Matter) -> String {
    match matter {
        Matter::Window(name, _, how) => format!("{name} {}", format!("{how:?}").to_lowercase()),
        Matter::Reminder(name, _, n) => format!("{name} reminder-{n}"),
        Matter::SnoozeOver(_) => "snooze over".to_owned(),
        Matter::Cliff(on, days) => format!("cliff {on} {days}"),
        Matter::Faulty(_) => "faulty submission".to_owned(),
        Matter::Mail(fact, _) => format!("{fact:?}").to_lowercase(),
    }
}
