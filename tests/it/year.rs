//! A year of a broker's office, simulated, and every alert of it compared with an independent reckoning.
//!
//! Applications arrive at random and live at random; the mailbox cannot be reached for minutes or days, the
//! machine sleeps, the daemon is stopped and started, the clock is wrong and put right, closures are announced.
//! At each look of the daemon, the alerts that may be shown must be those of [`oracle::Oracle`]: none missing,
//! none twice, none at a wrong hour.
//!
//! `ACEWATCH_YEAR=full` simulates 400 applications over a whole year with looks every ten minutes;
//! `ACEWATCH_SEED=7` makes it another year. Even seeds are 2026, odd ones 2027; every third reader is in Tokyo.

mod dates;
mod facts;
mod oracle;
mod world;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Instant as Stopwatch;

use acewatch::app::{App, DESKTOP, Incoming, OnDemand, Origin};
use acewatch::config::{self, Environment};
use acewatch::domain::alert::{Alert, AlertKind};
use acewatch::domain::application::ApplicationId;
use acewatch::domain::event::EventKind;
use acewatch::domain::message::FolderRole;
use acewatch::store::record::NewApplication;
use acewatch::store::{Store, query, record};
use chrono::{DateTime, Days, Duration, NaiveDate, Utc};

use crate::support::OFFICE;
use facts::Fact;
use oracle::{Oracle, Told};
use world::{Act, Chance, Client, Mail, Plan, SENDERS, plan_life};

/// What is simulated.
struct Size {
    n_applications: usize,
    days: i64,
    tick: Duration,
}

#[test]
fn every_alert_of_a_simulated_year_is_told_once_and_at_its_hour() {
    let seed = std::env::var("ACEWATCH_SEED").map_or(2026, |text| text.parse().unwrap());
    let size = match std::env::var("ACEWATCH_YEAR").as_deref() {
        Ok("full") => Size { n_applications: 400, days: 372, tick: Duration::minutes(10) },
        _ => Size { n_applications: 60, days: 120, tick: Duration::minutes(60) },
    };
    let began = Stopwatch::now();
    let mut office = Office::new(seed, size);
    office.run();
    println!("{}seconds: {}", office.figures(seed), began.elapsed().as_secs());
    assert!(office.differences.is_empty(), "\n{}", office.differences.join("\n"));
    assert!(office.told.len() > 15, "too little happened: {:?}", office.told);
}

/// How the simulation counts what happened.
#[derive(Default)]
struct Counts {
    mails: usize,
    commands: usize,
    ticks: usize,
    outages: usize,
    restarts: usize,
    suspends: usize,
    clock_steps: usize,
}

/// The office: the machine with its daemon, the mailbox, and the people.
struct Office {
    chance: Chance,
    size: Size,
    start: DateTime<Utc>,
    zone: &'static str,
    /// A day that is announced as closed a week before.
    closure: NaiveDate,
    is_announced: bool,
    directory: tempfile::TempDir,
    app: Option<App>,
    oracle: Oracle,
    plan: Plan,
    clients: Vec<Client>,
    unread: Vec<(DateTime<Utc>, Mail)>,
    /// The registered applications; whether somebody logged in.
    ids: HashMap<usize, (ApplicationId, bool)>,
    is_first_reading: bool,
    /// What the clock on the wall is ahead of the truth.
    ahead: Duration,
    counts: Counts,
    told: BTreeMap<String, usize>,
    differences: Vec<String>,
}

/// What the machine does.
#[derive(Clone, Copy)]
enum Machine {
    Up,
    Asleep(DateTime<Utc>),
    Off(DateTime<Utc>),
}

impl Office {
    fn new(seed: u64, size: Size) -> Office {
        let is_odd = seed % 2 == 1;
        let zone = if seed.is_multiple_of(3) { "Asia/Tokyo" } else { "America/Denver" };
        let (year, closure) = if is_odd { (2027, "2027-03-03") } else { (2026, "2026-12-24") };
        // A short run crosses the end of the year, where the holidays are.
        let first_day =
            if size.days < 300 { format!("{year}-09-20") } else { format!("{year}-01-01") };
        let mut chance = Chance(seed);
        let (mut plan, mut clients) = (Plan::default(), Vec::new());
        let start: DateTime<Utc> = format!("{first_day}T00:00:00Z").parse().unwrap();
        for who in 0..size.n_applications {
            let client = Client::new(who, &mut chance);
            let at = start + chance.minutes(0, (size.days - 30).max(1) * 24 * 60);
            plan_life(&mut plan, client, at, &mut chance);
            clients.push(client);
        }
        let mut office = Office {
            chance,
            size,
            start,
            zone,
            closure: closure.parse().unwrap(),
            is_announced: false,
            directory: in_memory(),
            app: None,
            oracle: Oracle::new(zone),
            plan,
            clients,
            unread: Vec::new(),
            ids: HashMap::new(),
            is_first_reading: true,
            ahead: Duration::zero(),
            counts: Counts::default(),
            told: BTreeMap::new(),
            differences: Vec::new(),
        };
        office.start_daemon();
        office
    }

    fn database(&self) -> PathBuf {
        self.directory.path().join("acewatch.db")
    }

    fn app(&mut self) -> &mut App {
        self.app.as_mut().unwrap()
    }

    /// Starts the daemon with the configuration of the day.
    fn start_daemon(&mut self) {
        let closures =
            if self.is_announced { format!("\"{}\"", self.closure) } else { String::new() };
        let text = OFFICE
            .replace("America/Denver", self.zone)
            .replace("[\"ops@broker.example\"]", &format!("{SENDERS:?}"));
        let text = format!("{text}\n[calendar]\nclosures = [{closures}]\n");
        let settings =
            config::parse(&text, Path::new("t.toml"), &Environment::from_process()).unwrap();
        self.app = None;
        let store = Store::open(&self.database()).unwrap();
        self.app = Some(App::new(store, settings, OnDemand::built_in()));
    }

    fn run(&mut self) {
        let end = self.start + Duration::days(self.size.days);
        let announced_at =
            self.closure.and_hms_opt(15, 0, 0).unwrap().and_utc() - Duration::days(7);
        let (mut machine, mut unreachable_until, mut wrong_until) =
            (Machine::Up, self.start, self.start);
        let mut true_time = self.start;
        while true_time < end && self.differences.len() < 10 {
            true_time += self.size.tick;
            machine = self.next_machine(machine, true_time);
            if self.happens_in_a_week(1000) {
                unreachable_until = true_time + self.outage();
                self.counts.outages += 1;
            }
            let (Machine::Asleep(until) | Machine::Off(until)) = machine else {
                let is_stepped = self.step_clock(&mut wrong_until, true_time);
                self.live(true_time, is_stepped, unreachable_until <= true_time);
                continue;
            };
            if true_time < until {
                continue;
            }
            if matches!(machine, Machine::Off(_)) {
                if announced_at <= true_time && !self.is_announced {
                    self.is_announced = true;
                    self.oracle.closed_on(self.closure);
                }
                self.start_daemon();
                self.counts.restarts += 1;
            } else {
                self.counts.suspends += 1;
            }
            machine = Machine::Up;
            self.live(true_time, true, unreachable_until <= true_time);
        }
    }

    /// Whether something happens in this tick that happens so often in a thousand weeks.
    fn happens_in_a_week(&mut self, in_a_thousand: i64) -> bool {
        let ticks = Duration::weeks(1).num_minutes() / self.size.tick.num_minutes();
        self.chance.within(0, ticks * 1000) < in_a_thousand
    }

    fn next_machine(&mut self, machine: Machine, now: DateTime<Utc>) -> Machine {
        let Machine::Up = machine else { return machine };
        if self.happens_in_a_week(2500) {
            let long = self.chance.happens(150);
            let time =
                if long { self.chance.minutes(1440, 7200) } else { self.chance.minutes(30, 900) };
            return Machine::Asleep(now + time);
        }
        if self.happens_in_a_week(1200) {
            let time = match self.chance.within(0, 10) {
                0..5 => Duration::zero(),
                5..9 => self.chance.minutes(30, 1200),
                _ => self.chance.minutes(1440, 8640),
            };
            return Machine::Off(now + time);
        }
        Machine::Up
    }

    fn outage(&mut self) -> Duration {
        match self.chance.within(0, 10) {
            0..6 => self.chance.minutes(10, 120),
            6..9 => self.chance.minutes(120, 1440),
            _ => self.chance.minutes(1440, 6000),
        }
    }

    /// Puts the clock wrong, seldom, and right again; says whether it jumped.
    fn step_clock(&mut self, wrong_until: &mut DateTime<Utc>, now: DateTime<Utc>) -> bool {
        let before = self.ahead;
        if self.ahead.is_zero() && self.happens_in_a_week(250) {
            *wrong_until = now + self.chance.minutes(10, 900);
            self.ahead = match self.chance.within(0, 3) {
                0 => self.chance.minutes(5, 4000),
                1 => -self.chance.minutes(1, 60),
                _ => -self.chance.minutes(60, 420),
            };
        } else if *wrong_until <= now {
            self.ahead = Duration::zero();
        }
        let is_stepped = before != self.ahead;
        self.counts.clock_steps += usize::from(is_stepped);
        is_stepped
    }

    /// One look of the daemon, and what people did since the last one.
    fn live(&mut self, true_time: DateTime<Utc>, woke: bool, is_reachable: bool) {
        self.counts.ticks += 1;
        let now = true_time + self.ahead;
        if woke {
            self.app().woke(now).unwrap();
            self.oracle.woke(now);
            self.look(now, true_time);
        }
        let (arriving, said): (Vec<_>, Vec<_>) = self
            .plan
            .until(true_time)
            .into_iter()
            .partition(|(_, act)| matches!(act, Act::Arrives(_)));
        for (at, act) in arriving.into_iter().chain(said) {
            self.act(at, act, now, true_time);
        }
        match is_reachable {
            true => self.read_mailbox(now),
            false => {
                self.app().trouble("office", "connection refused", None, now).unwrap();
                self.oracle.mailbox_failed(now);
            }
        }
        self.look(now, true_time);
    }

    fn act(&mut self, at: DateTime<Utc>, act: Act, now: DateTime<Utc>, true_time: DateTime<Utc>) {
        match act {
            Act::Arrives(mail) => self.unread.push((at, mail)),
            Act::Registers { who, sent_at } => self.register(who, sent_at, now),
            Act::Says { who, fact } => {
                let is_awaited = self.plan.awaits_mail_of(who) || self.has_unread_of(who);
                if !self.ids.contains_key(&who) || (fact == Fact::Closed && is_awaited) {
                    // There is nothing yet that it could be said of, or that could be closed for good.
                    self.plan.add(true_time + Duration::days(1), Act::Says { who, fact });
                    return;
                }
                self.say(who, fact, now);
            }
        }
    }

    fn has_unread_of(&self, who: usize) -> bool {
        self.unread.iter().any(|(_, mail)| mail.tells.is_some_and(|(of, _)| of == who))
    }

    fn register(&mut self, who: usize, sent_at: Option<DateTime<Utc>>, now: DateTime<Utc>) {
        let liquidated = self.chance.happens(400).then(|| self.chance.within(0, 170));
        let liquidated_on =
            liquidated.map(|days| now.date_naive() - Days::new(u64::try_from(days).unwrap()));
        let importer = self.clients[who].importer;
        let new = NewApplication {
            liquidated_on,
            ..NewApplication::by_mail(importer.company, importer.number.parse().unwrap())
        };
        let sent_at = sent_at.map(|at| at.min(now));
        let [id] = self.app().register(&[(new, sent_at)], now).unwrap()[..] else { unreachable!() };
        // One that its mail has registered already stays as it is.
        let Some(id) = id else { return };
        self.ids.insert(who, (id, false));
        self.oracle.registered(who, liquidated_on);
        if let Some(at) = sent_at {
            self.oracle.recorded(who, at, Fact::Sent { from: None, faulty: false });
        }
        self.oracle.look_at(who, now);
    }

    fn say(&mut self, who: usize, fact: Fact, now: DateTime<Utc>) {
        self.counts.commands += 1;
        let (id, has_logged_in) = self.ids[&who];
        let app = self.app();
        match fact {
            Fact::Acknowledged => app.acknowledge(id, now),
            Fact::Snoozed { until } => app.snooze(id, until, Some("on leave".to_owned()), now),
            Fact::Extended { until } => app.extend(id, until, Some("CBP said so".to_owned()), now),
            Fact::Closed => app.add_event(id, EventKind::Closed, None, now),
            Fact::Answer => app.add_event(id, EventKind::Answered, None, now),
            Fact::Note => app.note(id, EventKind::Note, "they are slow", None, now),
            Fact::Login => {
                let step = if has_logged_in { "login" } else { "first-login" };
                app.add_event(id, EventKind::Milestone, Some(step.to_owned()), now)
            }
            other => unreachable!("{other:?} is no command"),
        }
        .unwrap();
        if fact == Fact::Login {
            self.ids.insert(who, (id, true));
        }
        self.oracle.recorded(who, now, fact);
        self.oracle.look_at(who, now);
    }

    /// Reads what has come, folder by folder, as the daemon does it.
    fn read_mailbox(&mut self, now: DateTime<Utc>) {
        let unread = std::mem::take(&mut self.unread);
        for (role, folder) in [(FolderRole::Sent, "Sent"), (FolderRole::Inbox, "INBOX")] {
            let mails: Vec<_> = unread.iter().filter(|(_, mail)| mail.role == role).collect();
            if mails.is_empty() {
                continue;
            }
            // A server whose clock is ahead of ours dates nothing into the future.
            let incoming: Vec<Incoming> = mails
                .iter()
                .map(|(at, mail)| Incoming {
                    bytes: mail.bytes.as_bytes(),
                    received_at: (*at).min(now),
                })
                .collect();
            let origin = Origin { mailbox: "office", folder, role };
            let tally = self.app().ingest(origin, &incoming, None, now).unwrap();
            self.counts.mails += mails.len();
            let n_telling = mails.iter().filter(|(_, mail)| mail.tells.is_some()).count();
            if usize::try_from(tally.recorded).unwrap() != n_telling {
                self.differences
                    .push(format!("{now} {folder}: {n_telling} mails tell something, {tally:?}"));
            }
            for (at, mail) in &mails {
                let at = (*at).min(now);
                let Some((who, fact)) = mail.tells else {
                    self.oracle.code(at, now);
                    continue;
                };
                if !self.ids.contains_key(&who) {
                    let number = self.clients[who].importer.number.parse().unwrap();
                    let found = query::with_number(self.app().store.read(), &number).unwrap();
                    self.ids.insert(who, (found[0], false));
                    self.oracle.registered(who, None);
                }
                self.oracle.recorded(who, at, fact);
            }
            for (_, mail) in &mails {
                if let Some((who, _)) = mail.tells {
                    self.oracle.look_at(who, now);
                }
            }
        }
        let from = self.is_first_reading.then(|| self.start - Duration::days(60));
        self.is_first_reading = false;
        self.app()
            .complete("office", &[("Sent", from), ("INBOX", from)], now, "push", true)
            .unwrap();
        self.oracle.mailbox_read(now);
    }

    /// Looks at the deadlines, shows what may be shown, and compares.
    fn look(&mut self, now: DateTime<Utc>, true_time: DateTime<Utc>) {
        self.app().evaluate(now).unwrap();
        self.oracle.look(now);
        let (told, expected) = (self.show(now), self.oracle.shown(now));
        for Told { what, .. } in &told {
            // Neither the number of a reminder nor the day of a cliff makes another kind of alert.
            let words = what.split([' ', '-']).filter(|word| word.parse::<u32>().is_err());
            *self.told.entry(words.collect::<Vec<_>>().join(" ")).or_default() += 1;
        }
        if told != expected {
            self.differ(now, &told, &expected);
        }
        for Told { who, what } in told {
            let is_of_a_window =
                ["due", "critical", "reminder", "over"].iter().any(|w| what.contains(w));
            if let Some(who) = who.filter(|_| is_of_a_window) {
                self.react(who, true_time);
            }
        }
    }

    /// Shows what the daemon would show, and notes down that it was.
    fn show(&mut self, now: DateTime<Utc>) -> Vec<Told> {
        let app = self.app.as_mut().unwrap();
        let hours = app.hours();
        let ready: Vec<_> = app
            .pending_alerts(DESKTOP, now)
            .unwrap()
            .into_iter()
            .filter(|pending| hours.allow(pending.alert.kind, &app.calendar, now))
            .collect();
        if ready.is_empty() {
            return Vec::new();
        }
        let ids: Vec<i64> = ready.iter().map(|pending| pending.id).collect();
        app.store
            .write(|tx| {
                record::attempted(tx, DESKTOP, &ids, "digest", now)?;
                record::delivered(tx, DESKTOP, &ids, now)
            })
            .unwrap();
        let whose = |alert: &Alert| {
            let id = alert.application?;
            self.ids.iter().find(|(_, (of, _))| *of == id).map(|(who, _)| *who)
        };
        let mut told: Vec<Told> =
            ready.iter().map(|p| Told { who: whose(&p.alert), what: named(&p.alert) }).collect();
        told.sort();
        told
    }

    /// What a person does who was told that something is late: mostly nothing.
    fn react(&mut self, who: usize, now: DateTime<Utc>) {
        let at = now + self.chance.minutes(1, 2000);
        let later = at + self.chance.minutes(60, 30 * 1440);
        let fact = match self.chance.within(0, 100) {
            0..12 => Fact::Acknowledged,
            12..20 => Fact::Snoozed { until: later },
            20..27 => Fact::Extended { until: later },
            27..30 => Fact::Note,
            // What was put off before is to be heard of again.
            30 => Fact::Snoozed { until: at },
            31 => Fact::Extended { until: at },
            _ => return,
        };
        self.plan.add(at, Act::Says { who, fact });
    }

    fn differ(&mut self, now: DateTime<Utc>, told: &[Told], expected: &[Told]) {
        let without = |all: &[Told], others: &[Told]| -> Vec<Told> {
            let mut left = others.to_vec();
            let mut only = Vec::new();
            for one in all {
                match left.iter().position(|other| other == one) {
                    Some(place) => drop(left.remove(place)),
                    None => only.push(one.clone()),
                }
            }
            only
        };
        for (word, only) in
            [("too much", without(told, expected)), ("missing", without(expected, told))]
        {
            for Told { who, what } in only {
                let history = who.map(|who| self.oracle.history(who)).unwrap_or_default();
                self.differences.push(format!("{now} {word}: {who:?} {what}\n{history}"));
            }
        }
    }

    fn figures(&self, seed: u64) -> String {
        let Counts { mails, commands, ticks, outages, restarts, suspends, clock_steps } =
            self.counts;
        let kinds: Vec<String> =
            self.told.iter().map(|(what, n)| format!("  {what}: {n}\n")).collect();
        format!(
            "seed: {seed}, from {} for {} days, reader in {}\napplications: {}\nmails: {mails}\ncommands: {commands}\n\
             ticks: {ticks}\noutages: {outages}\nrestarts: {restarts}\nsuspends: {suspends}\nclock steps: {clock_steps}\n\
             alerts: {}\n{}differences: {}\n",
            self.start.date_naive(),
            self.size.days,
            self.zone,
            self.ids.len(),
            self.told.values().sum::<usize>(),
            kinds.concat(),
            self.differences.len(),
        )
    }
}

/// A directory for the database, in memory where there is such a place: a year of looks is written there, and a
/// disk would be waited for at each of them.
fn in_memory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let place = if memory.is_dir() { memory } else { Path::new("/tmp") };
    tempfile::Builder::new().prefix("acewatch-year-").tempdir_in(place).unwrap()
}

/// What an alert of the program is about, in the oracle's words.
fn named(alert: &Alert) -> String {
    let parts: Vec<&str> = alert.key.split('/').collect();
    match (alert.kind, &parts[..]) {
        (AlertKind::VerificationCode, _) => "code".to_owned(),
        (AlertKind::Blind, _) => "mailbox blind".to_owned(),
        (AlertKind::BlindOver, _) => "mailbox readable".to_owned(),
        (AlertKind::FaultySubmission, _) => "faulty submission".to_owned(),
        (AlertKind::InformationRequest, _) => "request".to_owned(),
        (AlertKind::Approval | AlertKind::Rejection | AlertKind::Bounce, _) => {
            alert.kind.as_str().to_owned()
        }
        (_, ["window", _, window, _, what]) => format!("{window} {what}"),
        (_, ["snooze", ..]) => "snooze over".to_owned(),
        (_, ["cliff", _, on, days]) => format!("cliff {on} {days}"),
        _ => format!("unexpected {}: {}", alert.kind.as_str(), alert.title),
    }
}
