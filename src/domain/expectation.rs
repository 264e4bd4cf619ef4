//! What is awaited of whom, and how long it may take: the rules of the windows, per route.
//!
//! CBP's automatic confirmation says "3-5 business days"; account holders report one to two
//! weeks until an approval, and that it "can be faster or slower depending on volume". None of
//! it is law, all of it has changed before, and the web forms are handled by other people than
//! the mailbox. The windows are therefore data: `config/windows.toml`, changed and added to by
//! the configuration's `[[window]]`.

use std::sync::{Arc, LazyLock};

use serde::Deserialize;

use super::application::Route;
use super::contact::Contact;
use super::span::Span;

/// The rules of all routes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Windows {
    routes: [(Route, Vec<Arc<WindowRule>>); 3],
}

/// What one window awaits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WindowRule {
    /// Its name in the contract: letters, digits and `_`.
    pub name: String,
    /// What is awaited, for a sentence: "CBP's receipt".
    pub awaits: String,
    /// The same in few words, for a title: "receipt".
    pub short: String,
    /// Whose turn it is while it is open.
    pub owes: Owes,
    /// It opens on the first of these that is known.
    pub opens_on: Vec<Moment>,
    /// It closes on the earliest of these, and when the application is closed or comes back.
    pub closes_on: Vec<Moment>,
    /// After this it is expected.
    pub due: Span,
    /// After this it is late.
    pub overdue: Span,
    /// After this a further, urgent alert is given; `None` for no such alert.
    pub critical: Option<Span>,
    /// Whether something is lost on these days, so that one without business moves them to the
    /// business day before and not to the next one.
    pub lapses: bool,
    /// What to do when it is late.
    pub advice: String,
}

impl WindowRule {
    /// Whether only the mailbox can tell that what is awaited has not come.
    pub fn needs_proof(&self) -> bool {
        self.closes_on.iter().any(|moment| moment.is_told_by_mail())
    }

    /// Whether it waits for CBP's automatic receipt.
    pub fn awaits_receipt(&self) -> bool {
        self.closes_on.contains(&Moment::Receipt)
    }
}

/// Who is to act.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Owes {
    /// CBP. Its time stands still while it waits for us.
    Cbp,
    /// The user.
    You,
}

/// What a window may open or close on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Moment {
    /// The first submission, or the first after a rejection or a bounce.
    Submitted,
    /// The last submission while nothing had come from CBP.
    Sent,
    /// CBP's receipt.
    Receipt,
    /// The first word of a person at CBP: a reply, a request, a decision.
    Reply,
    /// CBP's last request.
    Request,
    /// Our answer to it.
    Answer,
    /// CBP's approval.
    Approval,
    /// The second mail of an approval, which brings the link.
    SecondApproval,
    /// CBP's rejection.
    Rejection,
    /// An approval or a rejection.
    Decision,
    /// The first log-in.
    FirstLogin,
    /// The last log-in that the user told of.
    Login,
    /// The importer's sub-account is visible.
    ImporterSubaccount,
    /// The ACH refund authorization is filled in.
    AchRefund,
    /// The broker has access.
    CrossAccountAccess,
}

impl Moment {
    /// All of them.
    pub const ALL: [Moment; 15] = [
        Moment::Submitted,
        Moment::Sent,
        Moment::Receipt,
        Moment::Reply,
        Moment::Request,
        Moment::Answer,
        Moment::Approval,
        Moment::SecondApproval,
        Moment::Rejection,
        Moment::Decision,
        Moment::FirstLogin,
        Moment::Login,
        Moment::ImporterSubaccount,
        Moment::AchRefund,
        Moment::CrossAccountAccess,
    ];

    /// The name in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Moment::Submitted => "submitted",
            Moment::Sent => "sent",
            Moment::Receipt => "receipt",
            Moment::Reply => "reply",
            Moment::Request => "request",
            Moment::Answer => "answer",
            Moment::Approval => "approval",
            Moment::SecondApproval => "second-approval",
            Moment::Rejection => "rejection",
            Moment::Decision => "decision",
            Moment::FirstLogin => "first-login",
            Moment::Login => "login",
            Moment::ImporterSubaccount => "importer-subaccount",
            Moment::AchRefund => "ach-refund",
            Moment::CrossAccountAccess => "cross-account-access",
        }
    }

    /// What happened then, for a person to read.
    pub fn told(self) -> &'static str {
        match self {
            Moment::Submitted | Moment::Sent => "it was sent",
            Moment::Receipt => "CBP confirmed that it arrived",
            Moment::Reply => "CBP wrote",
            Moment::Request => "CBP asked for something",
            Moment::Answer => "you answered CBP",
            Moment::Approval => "CBP approved it",
            Moment::SecondApproval => "CBP's second mail came",
            Moment::Rejection => "CBP rejected it",
            Moment::Decision => "CBP decided",
            Moment::FirstLogin => "somebody first logged in",
            Moment::Login => "somebody last logged in",
            Moment::ImporterSubaccount => "the importer's sub-account was there",
            Moment::AchRefund => "the ACH refund was set up",
            Moment::CrossAccountAccess => "the broker got access",
        }
    }

    /// Whether it belongs to an attempt as a whole, so that whatever came in it counts, even with
    /// an earlier date.
    pub(super) fn begins_an_attempt(self) -> bool {
        matches!(self, Moment::Submitted | Moment::Sent | Moment::Receipt)
    }

    /// Whether a mail tells of it, and not only the user.
    fn is_told_by_mail(self) -> bool {
        !matches!(
            self,
            Moment::FirstLogin
                | Moment::Login
                | Moment::ImporterSubaccount
                | Moment::AchRefund
                | Moment::CrossAccountAccess
        )
    }
}

/// A window as written, in `config/windows.toml` or in the user's configuration.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct WindowEntry {
    /// The window's name; `-` is read as `_`.
    pub name: String,
    /// The routes that it is about; every one if none is named.
    pub route: Vec<String>,
    /// What is awaited.
    pub awaits: Option<String>,
    /// The same in few words.
    pub short: Option<String>,
    /// `cbp` or `you`.
    pub owes: Option<String>,
    /// Names of [`Moment`]s.
    pub opens_on: Option<Vec<String>>,
    /// Names of [`Moment`]s.
    pub closes_on: Option<Vec<String>>,
    /// A span.
    pub due_after: Option<String>,
    /// A span.
    pub overdue_after: Option<String>,
    /// A span, or nothing for no such alert.
    pub critical_after: Option<String>,
    /// See [`WindowRule::lapses`].
    pub lapses: Option<bool>,
    /// What to do when it is late.
    pub advice: Option<String>,
    /// Whether there is such a window at all.
    pub enabled: Option<bool>,
}

/// Why an entry cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EntryFault {
    /// The key that is wrong.
    pub key: &'static str,
    /// What is wrong with it; follows the key in a sentence.
    pub why: String,
    /// What to write instead.
    pub hint: String,
}

impl Default for Windows {
    fn default() -> Self {
        static BUILT_IN: LazyLock<Windows> =
            LazyLock::new(|| Windows::built_in().reaching(&Contact::default()));
        BUILT_IN.clone()
    }
}

impl Windows {
    /// The windows of `config/windows.toml`, whose advice does not yet say how CBP is reached.
    pub fn built_in() -> Windows {
        #[derive(Deserialize)]
        struct BuiltIn {
            window: Vec<WindowEntry>,
        }
        let mut windows = Windows { routes: Route::ALL.map(|route| (route, Vec::new())) };
        // A test reads the file; what could not be read would be missing here.
        let read = toml::from_str(include_str!("../../config/windows.toml"));
        for entry in read.map_or_else(|_| Vec::new(), |read: BuiltIn| read.window) {
            let _ = windows.take(&entry);
        }
        windows
    }

    /// The same with the address and the number in the advice.
    pub fn reaching(mut self, contact: &Contact) -> Windows {
        for rule in self.routes.iter_mut().flat_map(|(_, rules)| rules) {
            let advice = rule.advice.replace("{support}", &contact.support);
            Arc::make_mut(rule).advice = advice.replace("{phone}", &contact.phone);
        }
        self
    }

    /// The rules of a route.
    pub fn of(&self, route: Route) -> &[Arc<WindowRule>] {
        let found = self.routes.iter().find(|(of, _)| *of == route);
        found.map_or(&[], |(_, rules)| rules)
    }

    /// Changes, adds or removes a window; nothing is changed where the entry cannot be used.
    ///
    /// # Errors
    ///
    /// Returns [`EntryFault`] for a word that nobody knows, a new window without what it needs, or
    /// spans that are not in order.
    pub fn take(&mut self, entry: &WindowEntry) -> Result<(), EntryFault> {
        let name = named(&entry.name)?;
        let mut wanted = Vec::new();
        for route in &entry.route {
            wanted.push(Route::parse(route).ok_or_else(|| {
                let names = Route::ALL.map(Route::as_str).join(", ");
                fault(
                    "route",
                    format!("knows no route `{}`", clean(route)),
                    format!("the routes are {names}"),
                )
            })?);
        }
        let mut changed = self.routes.clone();
        for (route, rules) in &mut changed {
            if !wanted.is_empty() && !wanted.contains(route) {
                continue;
            }
            let position = rules.iter().position(|rule| rule.name == name);
            let known = position.and_then(|position| rules.get(position).cloned());
            match (entry.enabled, position) {
                (Some(false), Some(position)) => drop(rules.remove(position)),
                (Some(false), None) => {
                    return Err(fault(
                        "name",
                        format!("is `{name}`, and there is no such window to switch off"),
                        KNOWN.to_owned(),
                    ));
                }
                _ => {
                    let rule = Arc::new(rule(&name, entry, known.as_deref())?);
                    match position.and_then(|position| rules.get_mut(position)) {
                        Some(place) => *place = rule,
                        None => rules.push(rule),
                    }
                }
            }
        }
        self.routes = changed;
        Ok(())
    }
}

const KNOWN: &str = "the windows are acknowledgement, first_response, decision, your_answer, \
                     second_approval, activation, login, and yours";
const SPAN_FORM: &str = "write `3bd` for business days, `14d` for calendar days, `24h` for hours";

/// The rule that an entry means, changed from one that is known already.
fn rule(
    name: &str,
    entry: &WindowEntry,
    known: Option<&WindowRule>,
) -> Result<WindowRule, EntryFault> {
    let missing = |key| {
        let hint =
            format!("a new window needs opens-on, closes-on, due-after and overdue-after; {KNOWN}");
        fault(key, format!("is missing, and `{name}` is none of the windows known"), hint)
    };
    let needed = |key, written: &Option<String>, of: fn(&WindowRule) -> Span| match written {
        Some(written) => span(key, written),
        None => known.map(of).ok_or_else(|| missing(key)),
    };
    let text = |key,
                written: &Option<String>,
                of: fn(&WindowRule) -> &String,
                default: &dyn Fn() -> String| {
        match written {
            Some(written) => line(key, written),
            None => Ok(known.map(of).cloned().unwrap_or_else(default)),
        }
    };
    let due = needed("due-after", &entry.due_after, |rule| rule.due)?;
    let overdue = needed("overdue-after", &entry.overdue_after, |rule| rule.overdue)?;
    let critical = match entry.critical_after.as_deref().map(str::trim) {
        Some("") => None,
        Some(written) => Some(span("critical-after", written)?),
        None => known.and_then(|rule| rule.critical),
    };
    in_order(entry, due, overdue, critical)?;
    let opens_on = match &entry.opens_on {
        Some(written) => moments("opens-on", written)?,
        None => known.map(|rule| rule.opens_on.clone()).ok_or_else(|| missing("opens-on"))?,
    };
    if opens_on.is_empty() {
        let hint = "name what it counts from, for example opens-on = \"receipt\"; enabled = false switches a window off";
        return Err(fault("opens-on", "is empty".to_owned(), hint.to_owned()));
    }
    let closes_on = match &entry.closes_on {
        Some(written) => moments("closes-on", written)?,
        None => known.map(|rule| rule.closes_on.clone()).ok_or_else(|| missing("closes-on"))?,
    };
    let owes = match entry.owes.as_deref() {
        Some("cbp") => Owes::Cbp,
        Some("you") => Owes::You,
        Some(other) => {
            return Err(fault(
                "owes",
                format!("is `{}`", clean(other)),
                "write \"cbp\" or \"you\"".to_owned(),
            ));
        }
        None => known.map_or(Owes::Cbp, |rule| rule.owes),
    };
    let spelled = || name.replace('_', " ");
    Ok(WindowRule {
        name: name.to_owned(),
        awaits: text("awaits", &entry.awaits, |rule| &rule.awaits, &spelled)?,
        short: text("short", &entry.short, |rule| &rule.short, &spelled)?,
        owes,
        opens_on,
        closes_on,
        due,
        overdue,
        critical,
        lapses: entry.lapses.or(known.map(|rule| rule.lapses)).unwrap_or(false),
        advice: text("advice", &entry.advice, |rule| &rule.advice, &String::new)?,
    })
}

/// Which of "5bd" and "7d" is longer depends on the day that one begins on, so that only spans of
/// one unit can be promised to come in order.
fn in_order(
    entry: &WindowEntry,
    due: Span,
    overdue: Span,
    critical: Option<Span>,
) -> Result<(), EntryFault> {
    let spans = [Some(due), Some(overdue), critical];
    let mut pairs = spans.iter().flatten().zip(spans.iter().flatten().skip(1));
    let Some((earlier, later)) = pairs.find(|(a, b)| a.unit != b.unit || b.n < a.n) else {
        return Ok(());
    };
    let written = [
        ("critical-after", entry.critical_after.is_some()),
        ("overdue-after", entry.overdue_after.is_some()),
        ("due-after", true),
    ];
    let key =
        written.iter().find(|(_, is_written)| *is_written).map_or("due-after", |(key, _)| key);
    let critical = critical.map(|span| format!(", critical {span}")).unwrap_or_default();
    let all = format!("due {due}, overdue {overdue}{critical}");
    Err(match earlier.unit == later.unit {
        true => fault(
            key,
            format!("does not fit the others: {all}"),
            "write spans that grow from `due-after` over `overdue-after` to `critical-after`; what is not written has its default".to_owned(),
        ),
        false => fault(
            key,
            format!("mixes units: {all}"),
            "write all spans of a window in `bd`, all in `d` or all in `h`; critical-after = \"\" is none".to_owned(),
        ),
    })
}

fn named(written: &str) -> Result<String, EntryFault> {
    let name = written.trim().replace('-', "_");
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || 40 < name.len() || !name.chars().all(is_name) {
        let hint = format!("write lower-case letters, digits and _; {KNOWN}");
        return Err(fault("name", "names no window".to_owned(), hint));
    }
    Ok(name)
}

fn moments(key: &'static str, written: &[String]) -> Result<Vec<Moment>, EntryFault> {
    let mut found = Vec::new();
    for word in written {
        let wanted = word.trim().replace('_', "-");
        let moment = Moment::ALL.into_iter().find(|moment| moment.as_str() == wanted);
        found.push(moment.ok_or_else(|| {
            let names = Moment::ALL.map(Moment::as_str).join(", ");
            fault(
                key,
                format!("knows no `{}`", clean(word)),
                format!("write one or more of {names}"),
            )
        })?);
    }
    Ok(found)
}

fn span(key: &'static str, written: &str) -> Result<Span, EntryFault> {
    match written.trim().parse::<Span>() {
        Ok(span) if span.n == 0 => {
            Err(fault(key, "must be longer than nothing".to_owned(), SPAN_FORM.to_owned()))
        }
        Ok(span) => Ok(span),
        Err(error) => Err(fault(key, format!("will not do: {error}"), SPAN_FORM.to_owned())),
    }
}

/// A line that a notice can show.
fn line(key: &'static str, written: &str) -> Result<String, EntryFault> {
    let written = written.trim();
    if written.chars().any(char::is_control) || 120 < written.chars().count() {
        let hint = "write one line of at most 120 characters";
        return Err(fault(key, "is no short line".to_owned(), hint.to_owned()));
    }
    Ok(written.to_owned())
}

fn clean(written: &str) -> String {
    written.chars().take(40).flat_map(char::escape_debug).collect()
}

fn fault(key: &'static str, why: String, hint: String) -> EntryFault {
    EntryFault { key, why, hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(written: &str) -> WindowEntry {
        toml::from_str(written).unwrap()
    }

    fn taken(written: &str) -> Result<Windows, EntryFault> {
        let mut windows = Windows::default();
        windows.take(&entry(written)).map(|()| windows)
    }

    fn named<'a>(windows: &'a Windows, route: Route, name: &str) -> Option<&'a WindowRule> {
        windows.of(route).iter().find(|rule| rule.name == name).map(AsRef::as_ref)
    }

    #[test]
    fn every_built_in_window_can_be_read_and_is_the_same_on_every_route() {
        let written = include_str!("../../config/windows.toml").matches("[[window]]").count();
        let windows = Windows::default();
        for route in Route::ALL {
            assert_eq!(windows.of(route).len(), written - 1, "one is in a comment");
            assert_eq!(windows.of(route), windows.of(Route::Email));
        }
        for rule in windows.of(Route::Email) {
            assert!(rule.due.n < rule.overdue.n, "{rule:?}");
            assert!(rule.awaits.len() < 40 && rule.short.len() <= 20, "{rule:?}");
            assert!(!rule.advice.is_empty() && rule.advice.len() <= 60, "{rule:?}");
            assert!(!rule.advice.contains(['{', '}']), "{rule:?}");
        }
    }

    #[test]
    fn a_window_is_changed_key_by_key_for_all_routes_or_for_some() {
        let all = taken("name = \"decision\"\noverdue-after = \"10d\"").unwrap();
        for route in Route::ALL {
            let rule = named(&all, route, "decision").unwrap();
            assert_eq!(
                (rule.due.to_string(), rule.overdue.to_string()),
                ("7d".into(), "10d".into())
            );
        }
        let one = taken("name = \"first-response\"\nroute = [\"web-importer\"]\ndue-after = \"2bd\"\ncritical-after = \"9bd\"").unwrap();
        let changed = named(&one, Route::WebImporter, "first_response").unwrap();
        assert_eq!(changed.critical.unwrap().to_string(), "9bd");
        assert_eq!(one.of(Route::Email), Windows::default().of(Route::Email));
        let none = taken("name = \"decision\"\ncritical-after = \"\"").unwrap();
        assert_eq!(named(&none, Route::Email, "decision").unwrap().critical, None);
        let off = taken("name = \"login\"\nroute = [\"email\"]\nenabled = false").unwrap();
        assert_eq!(named(&off, Route::Email, "login"), None);
        assert!(named(&off, Route::WebGeneral, "login").is_some());
    }

    #[test]
    fn a_window_of_one_s_own_needs_to_say_what_it_is() {
        let own = "name = \"after_answer\"\nopens-on = [\"answer\"]\ncloses-on = [\"reply\"]\ndue-after = \"3bd\"\noverdue-after = \"5bd\"";
        let windows = taken(own).unwrap();
        let rule = named(&windows, Route::Email, "after_answer").unwrap();
        assert_eq!((rule.awaits.as_str(), rule.owes), ("after answer", Owes::Cbp));
        assert!(rule.needs_proof() && !rule.awaits_receipt());
        for line in own.lines().skip(1) {
            let without: String = own.replace(line, "");
            let key = line.split(' ').next().unwrap();
            assert_eq!(taken(&without).unwrap_err().key, key);
        }
    }

    #[test]
    fn what_cannot_be_meant_names_the_key_and_what_to_write() {
        let check = |written: &str, key: &str, why: &str| {
            let fault = taken(written).unwrap_err();
            assert_eq!((fault.key, fault.why.as_str()), (key, why), "{written}");
            assert!(!fault.hint.is_empty());
        };
        check("name = \"\"", "name", "names no window");
        check("name = \"No Such\"", "name", "names no window");
        check(
            "name = \"x\"\nenabled = false",
            "name",
            "is `x`, and there is no such window to switch off",
        );
        check("name = \"decision\"\nroute = [\"fax\"]", "route", "knows no route `fax`");
        check("name = \"decision\"\nowes = \"they\"", "owes", "is `they`");
        check("name = \"decision\"\nopens-on = []", "opens-on", "is empty");
        check("name = \"decision\"\ncloses-on = [\"love\"]", "closes-on", "knows no `love`");
        check(
            "name = \"decision\"\ndue-after = \"0d\"",
            "due-after",
            "must be longer than nothing",
        );
        check(
            "name = \"decision\"\ndue-after = \"15d\"",
            "due-after",
            "does not fit the others: due 15d, overdue 14d, critical 21d",
        );
        check(
            "name = \"decision\"\noverdue-after = \"10bd\"",
            "overdue-after",
            "mixes units: due 7d, overdue 10bd, critical 21d",
        );
        check("name = \"decision\"\nadvice = \"a\\nb\"", "advice", "is no short line");
    }
}
