//! Which application a mail is about, by exact keys alone.
//!
//! The keys in order of strength: the thread of our submission, the importer number, CBP's
//! ticket number, the company's name. They are looked up, never loaded: the caller brings the few
//! applications that bear any of them. Keys that disagree are a contradiction, keys that fit
//! several applications are ambiguous, and both go to a person. Nothing is ever guessed.

use std::collections::{BTreeMap, BTreeSet};

use super::application::{ApplicationId, Route, Stage};
use super::importer::ImporterNumber;
use super::mention::{Mention, Reading};

/// What a mail offers to be recognised by.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    /// Message-IDs that it answers or refers to.
    pub threads: Vec<String>,
    /// Digits in the subject and the new text that may be importer numbers.
    pub mentions: Vec<Mention>,
    /// How many of the mentions, from the first, stand in the subject.
    pub n_in_subject: usize,
    /// Ticket numbers.
    pub tickets: Vec<String>,
    /// Normalised words that may be a company's name.
    pub names: Vec<String>,
    /// The same where the name seems to be a part of a longer one. Such a name never decides; it
    /// tells a person which application may be meant.
    pub parts: Vec<String>,
}

impl Keys {
    /// Every importer number that the mentions may stand for.
    pub fn readings(&self) -> Vec<Reading> {
        self.mentions.iter().flat_map(Mention::readings).collect()
    }
}

/// An application that bears one of the keys.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Candidate {
    /// Which one.
    pub id: ApplicationId,
    /// The company's name as registered.
    pub company: String,
    /// Its importer number.
    pub number: ImporterNumber,
    /// Its normalised names.
    pub names: Vec<String>,
    /// How it was sent.
    pub route: Route,
    /// How far it had come when the mail was received.
    pub stage: Stage,
    /// Whether a rejection received after the mail stands.
    pub is_rejected_later: bool,
    /// Whether a thread of the mail is one of its threads.
    pub by_thread: bool,
    /// Whether a ticket of the mail is one of its tickets.
    pub by_ticket: bool,
}

/// How the search ended.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Outcome {
    /// Exactly one application, and nothing against it.
    Matched,
    /// Several applications fit.
    Ambiguous,
    /// Two keys name different applications.
    Contradiction,
    /// No application fits.
    Unmatched,
    /// The mail is no business of any application.
    NotApplicable,
}

impl Outcome {
    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Matched => "matched",
            Outcome::Ambiguous => "ambiguous",
            Outcome::Contradiction => "contradiction",
            Outcome::Unmatched => "unmatched",
            Outcome::NotApplicable => "not_applicable",
        }
    }
}

/// The key that decided.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Key {
    /// The thread of our submission.
    Thread,
    /// The importer number.
    Number,
    /// CBP's ticket number.
    Ticket,
    /// The company's name.
    Name,
}

impl Key {
    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Key::Thread => "thread",
            Key::Number => "number",
            Key::Ticket => "ticket",
            Key::Name => "name",
        }
    }
}

/// Which application a mail is about, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Match {
    /// How the search ended.
    pub outcome: Outcome,
    /// The key that decided, if one did.
    pub by: Option<Key>,
    /// The application, if it is exactly one.
    pub application: Option<ApplicationId>,
    /// The applications that a person may choose from.
    pub candidates: Vec<ApplicationId>,
    /// One sentence.
    pub because: String,
}

impl Match {
    /// The answer for a mail that no application has to do with.
    pub fn not_applicable() -> Match {
        Match {
            outcome: Outcome::NotApplicable,
            by: None,
            application: None,
            candidates: Vec::new(),
            because: "not a mail of or to CBP".to_owned(),
        }
    }

    /// Decides among the applications that bear one of the mail's keys.
    pub fn of(keys: &Keys, candidates: &[Candidate]) -> Match {
        let named = Named::of(keys, candidates);
        let found = Found::of(keys, candidates, &named);
        match found.choose() {
            Ok(chosen) => match found.against(&chosen) {
                None => chosen.matched(),
                Some(objection) => found.outcome(Outcome::Contradiction, objection),
            },
            Err((outcome, because)) => found.outcome(outcome, because),
        }
    }
}

/// The importer numbers of a mail, as the contract reports them: registered ones in full, other
/// well-shaped ones as they read, an EIN without suffix that could be several as the bare EIN.
pub fn numbers(keys: &Keys, candidates: &[Candidate]) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for mention in &keys.mentions {
        let readings = mention.readings();
        let registered = |reading: &Reading| -> BTreeSet<&ImporterNumber> {
            candidates.iter().map(|c| &c.number).filter(|number| reading.covers(number)).collect()
        };
        // An SSN first: nine digits that are somebody's must not be shown as an EIN. Then whatever
        // else is registered, and only then what the shape alone suggests.
        let is_ssn = |reading: &&Reading| registered(reading).iter().any(|number| number.is_ssn());
        let is_known = |reading: &&Reading| !registered(reading).is_empty();
        let chosen = readings
            .iter()
            .find(is_ssn)
            .or_else(|| readings.iter().find(is_known))
            .or_else(|| readings.first().filter(|_| mention.is_well_shaped()));
        let Some(reading) = chosen else { continue };
        let known = registered(reading);
        let is_meant = |number: &&&ImporterNumber| match reading {
            Reading::Exact(_) => true,
            Reading::Family(_) => number.suffix() == Some("00"),
        };
        let reported = match (known.first().filter(is_meant), known.len()) {
            (Some(number), 1) => number.to_string(),
            _ => reading.to_string(),
        };
        if seen.insert(reported.clone()) {
            found.push(reported);
        }
    }
    found
}

/// An application that one key chose.
#[derive(Clone, Debug)]
struct Chosen {
    id: ApplicationId,
    by: Key,
    because: String,
}

impl Chosen {
    fn matched(self) -> Match {
        Match {
            outcome: Outcome::Matched,
            by: Some(self.by),
            application: Some(self.id),
            candidates: vec![self.id],
            because: self.because,
        }
    }
}

type Ids = BTreeSet<ApplicationId>;

/// The applications that bear a name found in the mail.
#[derive(Clone, Debug, Default)]
struct Named {
    ids: Ids,
    by_name: BTreeMap<String, Ids>,
    /// Applications whose name stands inside a longer name that is not registered.
    within: Ids,
}

impl Named {
    /// A name that stands inside a longer registered name found in the same mail is not meant.
    fn of(keys: &Keys, candidates: &[Candidate]) -> Named {
        let mut by_name: BTreeMap<String, Ids> = BTreeMap::new();
        for candidate in candidates {
            for name in candidate.names.iter().filter(|name| keys.names.contains(name)) {
                by_name.entry(name.clone()).or_default().insert(candidate.id);
            }
        }
        let all: Vec<String> = by_name.keys().cloned().collect();
        let is_in_longer = |name: &str| {
            all.iter().any(|longer| {
                longer.len() > name.len() && format!(" {longer} ").contains(&format!(" {name} "))
            })
        };
        by_name.retain(|name, _| !is_in_longer(name));
        let ids: Ids = by_name.values().flatten().copied().collect();
        let is_within = |c: &&Candidate| {
            !ids.contains(&c.id)
                && c.names.iter().any(|name| keys.parts.contains(name) && !is_in_longer(name))
        };
        let within = candidates.iter().filter(is_within).map(|c| c.id).collect();
        Named { ids, by_name, within }
    }
}

/// What each key found.
#[derive(Debug)]
struct Found {
    threads: Ids,
    tickets: Ids,
    /// Applications whose number the mail gives in full, or whose EIN family has no other member.
    numbers: Ids,
    /// Applications of an EIN given without suffix that several share.
    families: Ids,
    /// Applications that share an EIN whose given suffix nobody bears.
    siblings: Ids,
    /// A well-shaped number that no application bears.
    stranger: Option<String>,
    /// Applications whose number stands in the subject.
    in_subject: Ids,
    named: Named,
}

impl Found {
    fn of(keys: &Keys, candidates: &[Candidate], named: &Named) -> Found {
        let ids = |wanted: &dyn Fn(&Candidate) -> bool| -> Ids {
            candidates.iter().filter(|c| wanted(c)).map(|c| c.id).collect()
        };
        let mut found = Found {
            threads: ids(&|c| c.by_thread),
            tickets: ids(&|c| c.by_ticket),
            numbers: Ids::new(),
            families: Ids::new(),
            siblings: Ids::new(),
            stranger: None,
            in_subject: Ids::new(),
            named: named.clone(),
        };
        for (place, mention) in keys.mentions.iter().enumerate() {
            let mut is_known = false;
            for reading in mention.readings() {
                let fitting = open_first(candidates, &|c| reading.covers(&c.number));
                is_known |= !fitting.is_empty();
                if place < keys.n_in_subject {
                    found.in_subject.extend(&fitting);
                }
                // Without a suffix 00 is meant; another one only if something else says so, too.
                let is_other_suffix =
                    |c: &Candidate| fitting.contains(&c.id) && c.number.suffix() != Some("00");
                match &reading {
                    Reading::Family(_)
                        if 1 < fitting.len() || candidates.iter().any(is_other_suffix) =>
                    {
                        found.families.extend(fitting);
                    }
                    _ => found.numbers.extend(fitting),
                }
            }
            if is_known {
                continue;
            }
            let siblings: Ids = mention
                .readings()
                .iter()
                .filter_map(|reading| match reading {
                    Reading::Exact(number) => number.ein(),
                    Reading::Family(_) => None,
                })
                .flat_map(|ein| ids(&|c| c.number.ein() == Some(ein)))
                .collect();
            // Eleven bare digits count if their first nine are a registered EIN: it is another
            // suffix of that company's.
            if mention.is_well_shaped() || !siblings.is_empty() {
                if let Some(reading) = mention.readings().first() {
                    found.stranger.get_or_insert_with(|| reading.masked());
                }
                found.siblings.extend(siblings);
            }
        }
        // A family one of whose members is named in full is settled by that.
        if !found.families.is_disjoint(&found.numbers) {
            found.families.clear();
        }
        found
    }

    fn choose(&self) -> Result<Chosen, (Outcome, String)> {
        let chosen = |id: &ApplicationId, by: Key, because: &str| {
            Ok(Chosen { id: *id, by, because: because.to_owned() })
        };
        if 1 < self.numbers.len() {
            return match only(&self.numbers, &self.threads) {
                Some(id) if self.named.ids.len() < 2 && self.is_same_number_twice() => {
                    chosen(&id, Key::Thread, "the thread tells which of the applications")
                }
                _ => Err((Outcome::Ambiguous, "it names several registered numbers".to_owned())),
            };
        }
        if let (Some(id), Some(number)) = (self.numbers.first(), &self.stranger) {
            // A number in passing is no matter where subject or thread say what the mail is about;
            // another suffix of the same company always is.
            let is_clear = self.in_subject.contains(id) || self.threads.contains(id);
            if !is_clear || !self.siblings.is_empty() {
                return Err((
                    Outcome::Ambiguous,
                    format!("it also names {number}, which is not registered"),
                ));
            }
        }
        if let Some(id) = self.numbers.first() {
            return match self.threads.contains(id) {
                true => chosen(
                    id,
                    Key::Thread,
                    "it stands in the thread of the submission, and the number agrees",
                ),
                false => chosen(id, Key::Number, "it names the importer number"),
            };
        }
        if !self.families.is_empty() {
            let keys = [
                (Key::Thread, &self.threads, "the thread tells which application of the EIN"),
                (
                    Key::Ticket,
                    &self.tickets,
                    "the ticket number tells which application of the EIN",
                ),
                (Key::Name, &self.named.ids, "the name tells which application of the EIN"),
            ];
            return keys
                .into_iter()
                .find_map(|(by, ids, because)| {
                    only(&self.families, ids).map(|id| chosen(&id, by, because))
                })
                .unwrap_or_else(|| {
                    Err((
                        Outcome::Ambiguous,
                        match self.families.len() {
                            1 => "it names an EIN without suffix, and only another one than 00 is registered",
                            _ => "it names an EIN without suffix, and several suffixes are registered",
                        }
                        .to_owned(),
                    ))
                });
        }
        if !self.siblings.is_empty() {
            let number = self.stranger.as_deref().unwrap_or("the number");
            return Err((
                Outcome::Unmatched,
                format!("{number} has a suffix that is not registered"),
            ));
        }
        if let Some(id) = self.threads.first() {
            return match self.threads.len() {
                1 => chosen(id, Key::Thread, "it stands in the thread of the submission"),
                _ => match only(&self.threads, &self.named.ids) {
                    Some(id) => chosen(
                        &id,
                        Key::Thread,
                        "it stands in the thread, and the name tells which application",
                    ),
                    None => Err((
                        Outcome::Ambiguous,
                        "its thread is about several applications".to_owned(),
                    )),
                },
            };
        }
        if let Some(id) = self.tickets.first() {
            return match self.tickets.len() {
                1 => chosen(id, Key::Ticket, "it names the ticket number of an earlier mail"),
                _ => Err((
                    Outcome::Ambiguous,
                    "its ticket number belongs to several applications".to_owned(),
                )),
            };
        }
        match (self.named.ids.first(), self.named.ids.len()) {
            (Some(_), 1) if !self.named.within.is_empty() => Err((
                Outcome::Ambiguous,
                "a part of another name in it is the name of another application".to_owned(),
            )),
            (Some(id), 1) => {
                chosen(id, Key::Name, "exactly one application bears the company's name")
            }
            (Some(_), _) => {
                Err((Outcome::Ambiguous, "several applications bear the company's name".to_owned()))
            }
            (None, _) => Err((
                Outcome::Unmatched,
                match &self.stranger {
                    Some(number) => format!("no application is registered for {number}"),
                    None if !self.named.within.is_empty() => {
                        "a registered name is a part of a longer name that is not registered"
                            .to_owned()
                    }
                    None => "no thread, number, ticket or name leads to an application".to_owned(),
                },
            )),
        }
    }

    /// What speaks against the application that one key chose.
    fn against(&self, chosen: &Chosen) -> Option<String> {
        let id = &chosen.id;
        let disagrees = |ids: &Ids| !ids.is_empty() && !ids.contains(id);
        if disagrees(&self.threads) {
            return Some("the thread belongs to another application than the number".to_owned());
        }
        if disagrees(&self.tickets) {
            return Some("the ticket number belongs to another application".to_owned());
        }
        if let Some(name) =
            self.named.by_name.iter().find(|(_, ids)| !ids.contains(id)).map(|(name, _)| name)
        {
            return Some(format!("it bears the name of another application ({name})"));
        }
        match (&self.stranger, chosen.by) {
            (Some(number), Key::Thread | Key::Ticket | Key::Name) if self.numbers.is_empty() => {
                Some(format!("it names {number}, which is not the application's number"))
            }
            _ => None,
        }
    }

    fn outcome(&self, outcome: Outcome, because: String) -> Match {
        let candidates: Ids = [
            &self.numbers,
            &self.families,
            &self.siblings,
            &self.threads,
            &self.tickets,
            &self.named.ids,
        ]
        .into_iter()
        .flatten()
        .copied()
        .collect();
        let candidates = match (candidates.is_empty(), &self.stranger) {
            // Beside a number of its own a longer name is somebody else's.
            (true, None) => self.named.within.clone(),
            (false, None) if outcome == Outcome::Ambiguous && self.numbers.is_empty() => {
                candidates.union(&self.named.within).copied().collect()
            }
            _ => candidates,
        };
        Match {
            outcome,
            by: None,
            application: None,
            candidates: candidates.into_iter().collect(),
            because,
        }
    }

    /// Whether the several applications are one number on several routes.
    fn is_same_number_twice(&self) -> bool {
        self.stranger.is_none() && self.threads.len() == 1
    }
}

/// The fitting applications, without a closed one where an open one bears the same number: it may
/// have been tried by mail, closed, and filed again through the web form.
fn open_first(candidates: &[Candidate], fits: &dyn Fn(&Candidate) -> bool) -> Ids {
    let fitting: Vec<&Candidate> = candidates.iter().filter(|c| fits(c)).collect();
    let is_superseded = |closed: &Candidate| {
        fitting.iter().any(|open| open.stage != Stage::Closed && open.number == closed.number)
    };
    fitting.iter().filter(|c| c.stage != Stage::Closed || !is_superseded(c)).map(|c| c.id).collect()
}

/// The one member of `ids` that is also among `others`, if it is exactly one.
fn only(ids: &Ids, others: &Ids) -> Option<ApplicationId> {
    let mut both = ids.intersection(others);
    match (both.next(), both.next()) {
        (Some(id), None) => Some(*id),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::company::{Sighting, company_key, sightings};
    use crate::domain::mention::mentions;

    /// Applications 1 to 4: two suffixes of one company, and two others.
    fn registered() -> Vec<Candidate> {
        [
            (1, "84-660217300", "Basalt Bicycle Works LLC"),
            (2, "84-660217301", "Basalt Bicycle Works LLC"),
            (3, "75-260481700", "Verbena Soap Works LLC"),
            (4, "36-702918500", "Galena Glass Company"),
        ]
        .into_iter()
        .map(|(id, number, name)| Candidate {
            id: ApplicationId(id),
            company: name.to_owned(),
            number: number.parse().unwrap(),
            names: vec![company_key(name)],
            route: Route::Email,
            stage: Stage::Submitted,
            is_rejected_later: false,
            by_thread: false,
            by_ticket: false,
        })
        .collect()
    }

    fn check(text: &str, thread: Option<i64>, ticket: Option<i64>, expected: (Outcome, &[i64])) {
        let mentions = mentions(text);
        let n_in_subject = mentions.len();
        let (parts, names) = sightings(text).into_iter().partition::<Vec<_>, _>(|s| s.is_partial);
        let keys_of = |found: Vec<Sighting>| found.into_iter().map(|s| s.key).collect();
        let (names, parts) = (keys_of(names), keys_of(parts));
        let keys = Keys { mentions, n_in_subject, names, parts, ..Keys::default() };
        let mut candidates = registered();
        for candidate in &mut candidates {
            candidate.by_thread = Some(candidate.id.0) == thread;
            candidate.by_ticket = Some(candidate.id.0) == ticket;
        }
        let found = Match::of(&keys, &candidates);
        let ids: Vec<i64> = found.candidates.iter().map(|id| id.0).collect();
        assert_eq!((found.outcome, ids.as_slice()), expected, "{text}: {}", found.because);
        assert_eq!(found.application.is_some(), found.outcome == Outcome::Matched);
    }

    use Outcome::*;

    #[test]
    fn the_suffix_tells_which_of_two_applications() {
        check("Basalt Bicycle Works LLC 84-660217301", None, None, (Matched, &[2]));
    }

    #[test]
    fn an_ein_that_two_suffixes_share_is_ambiguous_unless_the_thread_tells() {
        check("Basalt Bicycle Works LLC 84-6602173", None, None, (Ambiguous, &[1, 2]));
        check("Basalt Bicycle Works LLC 84-6602173", Some(2), None, (Matched, &[2]));
    }

    #[test]
    fn an_ein_that_one_application_bears_is_that_application() {
        check("EIN 75-2604817", None, None, (Matched, &[3]));
    }

    #[test]
    fn an_ein_without_suffix_means_00() {
        let mut candidates = registered();
        candidates.remove(0);
        let found = |text: &str, by_thread: bool| {
            let keys = Keys { mentions: mentions(text), ..Keys::default() };
            let mut candidates = candidates.clone();
            candidates[0].by_thread = by_thread;
            (Match::of(&keys, &candidates).outcome, numbers(&keys, &candidates))
        };
        let bare = vec!["84-6602173".to_owned()];
        assert_eq!(found("84-6602173", false), (Ambiguous, bare.clone()));
        assert_eq!(found("84-6602173", true), (Matched, bare));
        assert_eq!(found("84-660217301", false).0, Matched);
        assert_eq!(found("EIN 75-2604817", false).1, ["75-260481700"]);
    }

    #[test]
    fn a_suffix_that_nobody_bears_matches_nothing() {
        check("84-660217305", None, None, (Unmatched, &[1, 2]));
        check("84-660217305", Some(1), None, (Unmatched, &[1, 2]));
    }

    #[test]
    fn a_number_and_a_name_that_disagree_are_a_contradiction() {
        check("Galena Glass Company 75-260481700", None, None, (Contradiction, &[3, 4]));
        check("75-260481700", Some(4), None, (Contradiction, &[3, 4]));
        check("75-260481700", None, Some(4), (Contradiction, &[3, 4]));
    }

    #[test]
    fn a_thread_with_a_strangers_number_is_a_contradiction() {
        check("about 99-888777600", Some(3), None, (Contradiction, &[3]));
    }

    #[test]
    fn a_mail_about_several_applications_is_ambiguous() {
        check("75-260481700 and 36-702918500", None, None, (Ambiguous, &[3, 4]));
    }

    #[test]
    fn a_name_alone_matches_only_where_exactly_one_application_bears_it() {
        check("Verbena Soap Works", None, None, (Matched, &[3]));
        check("Basalt Bicycle Works", None, None, (Ambiguous, &[1, 2]));
        check("Verbena Soap", None, None, (Unmatched, &[]));
        check("Verbena Soap Works and 11-222333400", None, None, (Contradiction, &[3]));
    }

    #[test]
    fn a_name_inside_a_longer_one_is_only_a_guess() {
        check("Verbena Soap Works LLC of Texas Holdings", None, None, (Unmatched, &[3]));
        check("Global Verbena Soap Works LLC", None, None, (Unmatched, &[3]));
        check("Verbena Soap Works (Texas) LLC", None, None, (Unmatched, &[3]));
        check("Global Verbena Soap Works LLC 99-888777600", None, None, (Unmatched, &[]));
        check("Global Verbena Soap Works LLC 75-260481700", None, None, (Matched, &[3]));
        let both = "Verbena Soap Works LLC and Galena Glass Company are approved";
        check(both, None, None, (Ambiguous, &[3, 4]));
        check("Galena Glass Company: Great Verbena Soap Works", None, None, (Ambiguous, &[3, 4]));
    }

    #[test]
    fn another_suffix_of_the_same_company_is_never_passed_over() {
        check("75-260481700, for 75-260481701", None, None, (Ambiguous, &[3]));
        check("Verbena Soap Works 75260481701", None, None, (Unmatched, &[3]));
        check("75260481701", Some(3), None, (Unmatched, &[3]));
    }

    #[test]
    fn a_ticket_leads_to_its_application() {
        check("INC0771904 updated", None, Some(3), (Matched, &[3]));
    }
}
