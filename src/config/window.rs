//! `[[window]]` as meant: the built-in windows, changed and added to.

use toml::{Spanned, Value};

use super::ConfigError;
use super::file::{self, Source};
use super::value::Fault;
use crate::domain::contact::Contact;
use crate::domain::expectation::{WindowEntry, Windows};

/// Decides what the windows of the file mean, one after the other.
pub(super) fn windows(
    source: Source<'_>,
    written: Vec<Spanned<file::Window>>,
    contact: &Contact,
) -> Result<Windows, ConfigError> {
    let mut windows = Windows::built_in();
    for spanned in written {
        let header = spanned.span().start;
        let places = Places::of(header, spanned.get_ref());
        let entry = entry(source, &places, spanned.into_inner())?;
        windows.take(&entry).map_err(|fault| {
            let place = places.of_key(fault.key);
            source.faulty(place, fault.key, Fault::new(fault.why, fault.hint))
        })?;
    }
    Ok(windows.reaching(contact))
}

fn entry(
    source: Source<'_>,
    places: &Places,
    written: file::Window,
) -> Result<WindowEntry, ConfigError> {
    let unit = written.unit.map(Spanned::into_inner);
    let suffix = match unit.as_deref() {
        None => None,
        Some("business") => Some("bd"),
        Some("calendar") => Some("d"),
        Some("hours") => Some("h"),
        Some(_) => {
            let fault = Fault::new("is unknown", "write \"business\", \"calendar\" or \"hours\"");
            return Err(source.faulty(places.of_key("unit"), "unit", fault));
        }
    };
    let span = |key: &'static str, written: Option<Spanned<Value>>| {
        let Some(written) = written else { return Ok(None) };
        let at = written.span().start;
        match (written.into_inner(), suffix) {
            (Value::String(span), _) => Ok(Some(span)),
            (Value::Integer(n), Some(suffix)) => Ok(Some(format!("{n}{suffix}"))),
            (Value::Integer(n), None) => {
                let hint = format!("write \"{n}bd\" or \"{n}d\", or add unit = \"business\"");
                Err(source.faulty(at, key, Fault::new("has no unit", hint)))
            }
            _ => Err(source.faulty(
                at,
                key,
                Fault::new("is no span", "write \"3bd\", \"14d\" or \"24h\""),
            )),
        }
    };
    let words = |key: &'static str, written: Option<Spanned<Value>>| {
        let Some(written) = written else { return Ok(None) };
        let at = written.span().start;
        let fault = || {
            let hint = format!("write {key} = \"one\" or {key} = [\"one\", \"another\"]");
            source.faulty(at, key, Fault::new("is no word and no list of words", hint))
        };
        match written.into_inner() {
            Value::String(word) => Ok(Some(vec![word])),
            Value::Array(words) => words
                .into_iter()
                .map(|word| word.as_str().map(str::to_owned).ok_or_else(fault))
                .collect::<Result<Vec<_>, _>>()
                .map(Some),
            _ => Err(fault()),
        }
    };
    let text = |written: Option<file::Text>| written.map(Spanned::into_inner);
    Ok(WindowEntry {
        name: text(written.name).unwrap_or_default(),
        route: words("route", written.route)?.unwrap_or_default(),
        awaits: text(written.awaits),
        short: text(written.short),
        owes: text(written.owes),
        opens_on: words("opens-on", written.opens_on)?,
        closes_on: words("closes-on", written.closes_on)?,
        due_after: span("due-after", written.due_after)?,
        overdue_after: span("overdue-after", written.overdue_after)?,
        critical_after: span("critical-after", written.critical_after)?,
        lapses: written.lapses,
        advice: text(written.advice),
        enabled: written.enabled,
    })
}

/// Where the keys of a window stand, and where the window itself for those that are missing.
struct Places {
    header: usize,
    keys: Vec<(&'static str, usize)>,
}

impl Places {
    fn of(header: usize, window: &file::Window) -> Places {
        fn place<T>(
            key: &'static str,
            value: &Option<Spanned<T>>,
        ) -> Option<(&'static str, usize)> {
            value.as_ref().map(|value| (key, value.span().start))
        }
        let keys = [
            place("name", &window.name),
            place("route", &window.route),
            place("awaits", &window.awaits),
            place("short", &window.short),
            place("owes", &window.owes),
            place("opens-on", &window.opens_on),
            place("closes-on", &window.closes_on),
            place("unit", &window.unit),
            place("due-after", &window.due_after),
            place("overdue-after", &window.overdue_after),
            place("critical-after", &window.critical_after),
            place("advice", &window.advice),
        ];
        Places { header, keys: keys.into_iter().flatten().collect() }
    }

    fn of_key(&self, wanted: &str) -> usize {
        let found = self.keys.iter().find(|(key, _)| *key == wanted);
        found.map_or(self.header, |(_, place)| *place)
    }
}

#[cfg(test)]
mod tests {
    use super::super::resolve::testing::resolve;
    use crate::domain::application::Route;

    fn spans(text: &str, route: Route, name: &str) -> String {
        let windows = resolve(text).unwrap().windows;
        let rule = windows.of(route).iter().find(|rule| rule.name == name).unwrap();
        let critical = rule.critical.map(|span| format!(" {span}")).unwrap_or_default();
        format!("{} {}{critical}", rule.due, rule.overdue)
    }

    #[test]
    fn a_window_is_changed_with_spans_or_with_numbers_and_a_unit() {
        let text = "[[window]]\nname = \"first-response\"\nunit = \"business\"\ndue-after = 2\noverdue-after = \"4bd\"\n";
        assert_eq!(spans(text, Route::WebGeneral, "first_response"), "2bd 4bd");
        assert_eq!(spans("", Route::Email, "decision"), "7d 14d 21d");
        let both = "[[window]]\nname = \"decision\"\ncritical-after = \"\"\n[[window]]\nname = \"decision\"\nroute = \"email\"\noverdue-after = \"9d\"\n";
        assert_eq!(spans(both, Route::Email, "decision"), "7d 9d");
        assert_eq!(spans(both, Route::WebImporter, "decision"), "7d 14d");
    }

    #[test]
    fn the_advice_says_how_cbp_is_reached() {
        let text = "[contact]\nphone = \"1-800-555-0100\"\n[[window]]\nname = \"decision\"\nadvice = \"Dial {phone}.\"\n";
        let windows = resolve(text).unwrap().windows;
        let advice: Vec<&str> =
            windows.of(Route::Email).iter().map(|rule| rule.advice.as_str()).collect();
        assert!(advice.contains(&"Dial 1-800-555-0100."), "{advice:?}");
        let written = "Write to ACE.Support@cbp.dhs.gov or call 1-800-555-0100.";
        assert!(advice.contains(&written), "{advice:?}");
    }

    #[test]
    fn what_is_wrong_with_a_window_is_named_with_its_line() {
        let check = |text: &str, expected: &str| {
            let error = resolve(text).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert!(!error.hint().is_empty());
        };
        check("[[window]]\ndue-after = \"2d\"", "/etc/ace/config.toml:1: `name` names no window");
        check(
            "[[window]]\nname = \"mine\"\ndue-after = \"2d\"",
            "/etc/ace/config.toml:1: `overdue-after` is missing, and `mine` is none of the windows known",
        );
        check(
            "[[window]]\nname = \"decision\"\ndue-after = 2",
            "/etc/ace/config.toml:3: `due-after` has no unit",
        );
        check(
            "[[window]]\nname = \"decision\"\nunit = \"weeks\"",
            "/etc/ace/config.toml:3: `unit` is unknown",
        );
        check(
            "[[window]]\nname = \"decision\"\ncloses-on = [\"decision\", 1]",
            "/etc/ace/config.toml:3: `closes-on` is no word and no list of words",
        );
        check(
            "[[window]]\nname = \"decision\"\n\noverdue-after = \"30d\"",
            "/etc/ace/config.toml:4: `overdue-after` does not fit the others: due 7d, overdue 30d, critical 21d",
        );
        check(
            "[windows.email]\ndecision = { due = \"5d\" }",
            "/etc/ace/config.toml:1: unknown key `windows` at the top of the file, the nearest known one is `window`",
        );
    }
}
