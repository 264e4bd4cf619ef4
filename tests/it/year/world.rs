//! The world outside: who applies when, what CBP answers, what the user does, and the mails of all that.
//!
//! Everything comes from one seed. Companies, numbers and wordings are invented.

use std::collections::BTreeMap;

use acewatch::domain::message::FolderRole;
use chrono::{DateTime, Duration, Utc};

use super::facts::Fact;
use crate::support::mail::{Importer, from_cbp, submission};

type Instant = DateTime<Utc>;

/// The two addresses from which the forms are sent. CBP's machine answers each mail of the first, and the
/// second only once (ruling 25).
pub const SENDERS: [&str; 2] = ["ops@broker.example", "desk@broker.example"];

/// SplitMix64: small, and the same everywhere.
pub struct Chance(pub u64);

impl Chance {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `from` up to, and without, `to`.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.next() % u64::try_from(to - from).unwrap()).unwrap()
    }

    /// Whether something happens that happens so often in a thousand times.
    pub fn happens(&mut self, in_a_thousand: i64) -> bool {
        self.within(0, 1000) < in_a_thousand
    }

    /// A span of time, each minute as likely as the other.
    pub fn minutes(&mut self, from: i64, to: i64) -> Duration {
        Duration::minutes(self.within(from, to))
    }

    fn hours(&mut self, from: i64, to: i64) -> Duration {
        self.minutes(from * 60, to * 60)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.next() % all.len() as u64).unwrap()]
    }
}

/// A mail in the mailbox.
#[derive(Clone, Debug)]
pub struct Mail {
    pub role: FolderRole,
    pub bytes: String,
    /// What it tells, and of whom; nobody's is a code.
    pub tells: Option<(usize, Fact)>,
}

/// Something that is going to happen.
#[derive(Clone, Debug)]
pub enum Act {
    /// A mail comes into the mailbox.
    Arrives(Mail),
    /// The user registers an application; with the time of the submission, if there was one.
    Registers { who: usize, sent_at: Option<Instant> },
    /// The user gives a command.
    Says { who: usize, fact: Fact },
}

/// What is going to happen, in the order of true time.
#[derive(Default)]
pub struct Plan {
    acts: BTreeMap<(Instant, usize), Act>,
    n: usize,
}

impl Plan {
    pub fn add(&mut self, at: Instant, act: Act) {
        self.n += 1;
        self.acts.insert((at, self.n), act);
    }

    /// Takes out what happens up to `at`.
    pub fn until(&mut self, at: Instant) -> Vec<(Instant, Act)> {
        let later = self.acts.split_off(&(at + Duration::seconds(1), 0));
        let due = std::mem::replace(&mut self.acts, later);
        due.into_iter().map(|((at, _), act)| (at, act)).collect()
    }

    /// Whether a mail about an application is still to come.
    pub fn awaits_mail_of(&self, who: usize) -> bool {
        self.acts
            .values()
            .any(|act| matches!(act, Act::Arrives(Mail { tells: Some((of, _)), .. }) if *of == who))
    }
}

/// One client of the broker's.
#[derive(Clone, Copy, Debug)]
pub struct Client {
    pub who: usize,
    pub importer: Importer,
    pub sender: &'static str,
}

impl Client {
    pub fn new(who: usize, chance: &mut Chance) -> Client {
        const FIRST: [&str; 20] = [
            "Amber", "Birch", "Copper", "Dune", "Ember", "Fjord", "Garnet", "Heron", "Indigo",
            "Jasper", "Kestrel", "Lumen", "Maple", "Nimbus", "Opal", "Prairie", "Quartz", "Rowan",
            "Saffron", "Tundra",
        ];
        const SECOND: [&str; 20] = [
            "Anvil", "Basket", "Candle", "Drapery", "Easel", "Faucet", "Gasket", "Hammock",
            "Inkwell", "Jigsaw", "Kettle", "Lantern", "Mattress", "Napkin", "Ottoman", "Pulley",
            "Quilt", "Ratchet", "Saddle", "Trellis",
        ];
        let company = format!("{} {} Works LLC", FIRST[who % 20], SECOND[who / 20 % 20]);
        let number = format!("47-12{:05}00", 20_000 + who * 7);
        let importer =
            Importer { company: Box::leak(company.into()), number: Box::leak(number.into()) };
        Client { who, importer, sender: chance.one_of(&[SENDERS[0], SENDERS[0], SENDERS[1]]) }
    }

    fn subject(&self) -> String {
        format!("ACE Account Application - {} - {}", self.importer.company, self.importer.number)
    }

    fn form(&self, at: Instant, faulty: bool) -> Mail {
        let mail = submission(self.importer, at)
            .replace("ops@broker.example", self.sender)
            .replace("<submission.", &format!("<submission.{}.", at.timestamp()));
        let number = self.importer.number;
        let bytes = match faulty {
            // Without the suffix.
            true => mail.replacen(number, &number[..10], 1),
            false => mail,
        };
        let tells = Some((self.who, Fact::Sent { from: Some(self.sender), faulty }));
        Mail { role: FolderRole::Sent, bytes, tells }
    }

    /// A mail of CBP's, in answer to what was sent at `sent_at`.
    fn cbps(&self, fact: Fact, text: &str, sent_at: Instant, at: Instant) -> Mail {
        let answered = format!(
            "submission.{}.{}@mail.broker.example",
            sent_at.timestamp(),
            self.importer.number
        );
        let is_receipt = fact == (Fact::Receipt { by_machine: true });
        let subject = match is_receipt {
            true => format!("Automatic reply: {}", self.subject()),
            false => format!("RE: {}", self.subject()),
        };
        let id = format!("{}.{}@cbp.dhs.gov", at.timestamp(), self.importer.number);
        let mail = from_cbp(&subject, &format!("{text}\r\n"), &id, &answered, at)
            .replace("To: ops@broker.example", &format!("To: {}", self.sender));
        let bytes = match is_receipt {
            true => mail.replace("MIME-Version", "Auto-Submitted: auto-generated\r\nMIME-Version"),
            false => mail,
        };
        Mail { role: FolderRole::Inbox, bytes, tells: Some((self.who, fact)) }
    }

    fn answer(&self, asked_at: Instant, at: Instant) -> Mail {
        let (number, sender) = (self.importer.number, self.sender);
        let request = format!("{}.{number}@cbp.dhs.gov", asked_at.timestamp());
        let bytes = format!(
            "From: \"Entry Ops\" <{sender}>\r\nTo: ACE.Applications@cbp.dhs.gov\r\nSubject: RE: {}\r\nDate: {}\r\n\
             Message-ID: <answer.{}.{number}@mail.broker.example>\r\nIn-Reply-To: <{request}>\r\n\
             References: <{request}>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
             The page you asked for is below.\r\n",
            self.subject(),
            at.to_rfc2822(),
            at.timestamp(),
        );
        Mail { role: FolderRole::Sent, bytes, tells: Some((self.who, Fact::Answer)) }
    }

    fn bounce(&self, sent_at: Instant, at: Instant) -> Mail {
        let Importer { company, number } = self.importer;
        let bytes = include_str!("../../data/bounces/postfix.eml")
            .replace("<submission.", &format!("<submission.{}.", sent_at.timestamp()))
            .replace("<bounce.1", &format!("<bounce.{}.{number}", at.timestamp()))
            .replace("Pelican Dock Supply Co", company)
            .replace("54-820736100", number)
            .replace("ops@broker.example", self.sender);
        Mail { role: FolderRole::Inbox, bytes, tells: Some((self.who, Fact::Bounce)) }
    }
}

fn code(at: Instant) -> Mail {
    let text = "338105 - enter it within ten minutes.\n";
    let id = format!("code.{}@cbp.dhs.gov", at.timestamp());
    let bytes = from_cbp("Your verification code is 338105", text, &id, "none@x", at);
    Mail { role: FolderRole::Inbox, bytes, tells: None }
}

/// Plans the whole life of an application that is applied for about `at`.
pub fn plan_life(plan: &mut Plan, client: Client, at: Instant, chance: &mut Chance) {
    let who = client.who;
    let by_mail = chance.happens(850);
    let mut sent_at = at;
    // Who registers without a mail of ours does it at once: nothing else can tell whose CBP's mails are.
    let hand_at = if by_mail { at + chance.minutes(5, 20 * 60) } else { at };
    match chance.within(0, 10) {
        // Registered beforehand, without a submission.
        0 => {
            plan.add(at, Act::Registers { who, sent_at: None });
            sent_at = at + chance.hours(1, 90);
        }
        // Registered after it was sent, with the hour; the mail is the same attempt.
        1..4 => plan.add(hand_at, Act::Registers { who, sent_at: Some(sent_at) }),
        // The mail in the Sent folder registers it, or else the user must.
        _ if by_mail => {}
        _ => plan.add(hand_at, Act::Registers { who, sent_at: Some(sent_at) }),
    }
    if by_mail {
        let faulty = chance.happens(60);
        plan.add(sent_at, Act::Arrives(client.form(sent_at, faulty)));
    }
    if chance.happens(150) {
        let at = sent_at + chance.hours(1, 600);
        plan.add(at, Act::Arrives(code(at)));
    }
    attempt(plan, client, sent_at, by_mail, 0, chance);
    if chance.happens(250) {
        plan.add(sent_at + chance.hours(24 * 20, 24 * 120), Act::Says { who, fact: Fact::Closed });
    }
}

/// What becomes of one attempt.
fn attempt(
    plan: &mut Plan,
    client: Client,
    sent_at: Instant,
    by_mail: bool,
    n: usize,
    chance: &mut Chance,
) {
    let who = client.who;
    let mut last_at = sent_at;
    if by_mail && chance.happens(40) {
        let at = sent_at + chance.minutes(1, 30);
        plan.add(at, Act::Arrives(client.bounce(sent_at, at)));
        if chance.happens(200) {
            // CBP has it after all.
            last_at = at + chance.hours(2, 100);
            reply(plan, client, sent_at, last_at, chance);
        } else if n < 3 {
            again(plan, client, at + chance.hours(1, 120), n, chance);
            return;
        }
    }
    // CBP's machine answers the second address only once in a while.
    let by_machine = by_mail && (client.sender == SENDERS[0] || chance.happens(30));
    let is_confirmed = chance.happens(if by_machine { 850 } else { 150 });
    if is_confirmed {
        let late = chance.happens(100);
        let at = sent_at + if late { chance.hours(2, 200) } else { chance.minutes(1, 30) };
        let text = "We have received your ACE application. You can expect a response within 3-5 business days.";
        plan.add(at, Act::Arrives(client.cbps(Fact::Receipt { by_machine }, text, sent_at, at)));
        last_at = last_at.max(at);
    } else if by_mail && chance.happens(300) {
        // Sent again while CBP is silent.
        let at = sent_at + chance.hours(30, 200);
        plan.add(at, Act::Arrives(client.form(at, false)));
        last_at = last_at.max(at);
    }
    while chance.happens(300) {
        last_at += chance.hours(3, 200);
        reply(plan, client, sent_at, last_at, chance);
    }
    while chance.happens(300) {
        last_at += chance.hours(3, 250);
        let text = chance.one_of(&[
            "Page 2 of the PDF is missing. Could you mail it to me? I will then finish this.",
            "We got your form, thank you. The signature is not there, though. Please sign it and send the page back.",
        ]);
        plan.add(last_at, Act::Arrives(client.cbps(Fact::Request, text, sent_at, last_at)));
        if chance.happens(150) {
            return;
        }
        let asked_at = last_at;
        last_at = asked_at + chance.hours(1, 300);
        if by_mail {
            plan.add(last_at, Act::Arrives(client.answer(asked_at, last_at)));
        } else {
            plan.add(last_at, Act::Says { who, fact: Fact::Answer });
        }
    }
    match chance.within(0, 100) {
        0..60 => approval(plan, client, sent_at, last_at + chance.hours(3, 700), chance),
        60..80 => {
            let at = last_at + chance.hours(3, 500);
            let text = "There is already an ACE account under this importer number, so this application is rejected.";
            plan.add(at, Act::Arrives(client.cbps(Fact::Rejection, text, sent_at, at)));
            if by_mail && n < 3 && chance.happens(700) {
                again(plan, client, at + chance.hours(2, 300), n, chance);
            }
        }
        // CBP never says more.
        _ => {}
    }
}

fn again(plan: &mut Plan, client: Client, at: Instant, n: usize, chance: &mut Chance) {
    plan.add(at, Act::Arrives(client.form(at, false)));
    attempt(plan, client, at, true, n + 1, chance);
}

fn reply(plan: &mut Plan, client: Client, sent_at: Instant, at: Instant, chance: &mut Chance) {
    let text = chance.one_of(&[
        "Your application is under review. There is no decision yet.",
        "We ask for your patience: no decision has been made so far.",
    ]);
    plan.add(at, Act::Arrives(client.cbps(Fact::Reply, text, sent_at, at)));
}

fn approval(plan: &mut Plan, client: Client, sent_at: Instant, at: Instant, chance: &mut Chance) {
    let who = client.who;
    let text = "Your application for an ACE Portal account has been approved and the account has been created.";
    plan.add(at, Act::Arrives(client.cbps(Fact::Approval, text, sent_at, at)));
    let mut login_at = at + chance.hours(1, 600);
    if chance.happens(800) {
        let second = at + chance.hours(1, 110);
        plan.add(second, Act::Arrives(client.cbps(Fact::Approval, text, sent_at, second)));
    }
    while chance.happens(850) {
        plan.add(login_at, Act::Says { who, fact: Fact::Login });
        login_at += chance.hours(24 * 15, 24 * 55);
    }
}
