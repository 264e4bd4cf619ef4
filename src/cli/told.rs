//! What was told of an application and what became of it, for `show` and `status`.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::render::{self, Masking, rfc3339, rfc3339_or_null, styled};
use crate::domain::alert::AlertKind;
use crate::domain::application::ApplicationId;
use crate::domain::zone::Zone;
use crate::store::notice::{State, Told};

/// So many are named in the overview unless all are asked for.
pub(crate) const NAMED: usize = 5;

/// The section of `show`; empty where nothing was told.
pub(crate) fn section(told: &[Told], zone: &Zone, masking: &Masking) -> String {
    if told.is_empty() {
        return String::new();
    }
    let mut text = format!("\n{}\n", styled("What you were told", render::STRONG));
    for told in told {
        let at = told.told_at.unwrap_or(told.raised_at);
        let by = told.channel.as_deref().map(|name| format!("{}: ", render::escaped(name)));
        text.push_str(&format!(
            "  {}  {}{}\n",
            render::moment(at, zone),
            masking.text(&told.title),
            styled(&format!("  ({}{})", by.unwrap_or_default(), became(told, zone)), render::FAINT),
        ));
    }
    text
}

/// The lines of `status` about what nobody is known to have seen: the `n_named` most urgent.
pub(crate) fn unacknowledged(
    told: &[Told],
    n_named: usize,
    zone: &Zone,
    masking: &Masking,
) -> String {
    if told.is_empty() {
        return String::new();
    }
    let notices = render::counted(told.len(), "notice");
    let mut text = format!("  {notices} shown and neither closed nor answered:\n");
    let mut urgent_first: Vec<&Told> = told.iter().collect();
    urgent_first.sort_by_key(|told| (Reverse(told.kind.urgency()), told.kind));
    for told in urgent_first.iter().take(n_named) {
        let became = became(told, zone);
        // That it was shown stands above.
        let became = became.strip_prefix("shown").unwrap_or(&became);
        text.push_str(&format!(
            "    {}  ({}{became}){}\n",
            masking.text(&told.title),
            render::moment(told.told_at.unwrap_or(told.raised_at), zone),
            styled(&what_to_do(told), render::FAINT),
        ));
    }
    if n_named < told.len() {
        let n_more = told.len() - n_named;
        text.push_str(&format!("    … and {n_more} more: `acewatch status --all`\n"));
    }
    text
}

/// The command that ends it.
fn what_to_do(told: &Told) -> String {
    match (told.kind, told.application) {
        (AlertKind::Review, _) => "  `acewatch review`".to_owned(),
        (AlertKind::SignIn | AlertKind::SignInSoon, _) => "  `acewatch sign-in`".to_owned(),
        (AlertKind::Blind | AlertKind::Unreadable, _) => "  `acewatch doctor`".to_owned(),
        (_, Some(ApplicationId(id))) => format!("  `acewatch ack {id}`"),
        (_, None) => String::new(),
    }
}

fn became(told: &Told, zone: &Zone) -> String {
    let at = told.since.map(|since| time(since, told.told_at, zone)).unwrap_or_default();
    match told.state {
        State::Queued => "not delivered yet".to_owned(),
        State::Failed => {
            let error = told.error.as_deref().unwrap_or_default();
            format!("not delivered yet: {}", render::escaped(error))
        }
        State::Delivered => "delivered".to_owned(),
        State::Accepted => "shown".to_owned(),
        State::Closed => format!("shown, closed by you {at}"),
        State::Expired => format!("shown, expired {at}"),
        State::Acted => {
            let done = match told.action.as_deref() {
                Some("snooze") => "put off by you",
                Some("done") => "acknowledged by you",
                _ => "opened by you",
            };
            format!("shown, {done} {at}")
        }
        State::Replaced => format!("shown, replaced {at}"),
        State::TakenBack => format!("shown, taken back {at}"),
        State::Lost => format!("shown, gone with the session {at}"),
    }
}

/// The hour, with its day where that is another one than that of `told_at`.
fn time(at: DateTime<Utc>, told_at: Option<DateTime<Utc>>, zone: &Zone) -> String {
    let day = |at: DateTime<Utc>| at.with_timezone(zone).date_naive();
    match told_at.map(day) == Some(day(at)) {
        true => at.with_timezone(zone).format("%H:%M").to_string(),
        false => render::moment(at, zone),
    }
}

/// What `show --json` has.
pub(crate) fn json(told: &[Told], masking: &Masking) -> Value {
    let one = |told: &Told| {
        json!({
            "key": masking.plain(&told.key),
            "kind": told.kind.as_str(),
            "title": masking.plain(&told.title),
            "raised_at": rfc3339(told.raised_at),
            "channel": told.channel,
            "told_at": rfc3339_or_null(told.told_at),
            "state": told.state.as_str(),
            "since": rfc3339_or_null(told.since),
            "action": told.action,
            "error": told.error,
            "settled_at": rfc3339_or_null(told.settled_at),
        })
    };
    told.iter().map(one).collect()
}

/// What `status --json` has.
pub(crate) fn unacknowledged_json(told: &[Told], masking: &Masking) -> Value {
    let one = |told: &Told| {
        json!({
            "key": masking.plain(&told.key),
            "kind": told.kind.as_str(),
            "application": told.application.map(|id| id.0),
            "title": masking.plain(&told.title),
            "told_at": rfc3339_or_null(told.told_at),
            "state": told.state.as_str(),
        })
    };
    told.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(state: State, action: Option<&str>) -> Told {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        Told {
            key: "window/7/decision/1/overdue".to_owned(),
            kind: AlertKind::Overdue,
            application: Some(ApplicationId(7)),
            title: "Overdue: CBP's decision for Acme Imports LLC".to_owned(),
            raised_at: at("2026-05-08T14:00:00Z"),
            channel: Some("desktop".to_owned()),
            told_at: Some(at("2026-05-08T15:00:00Z")),
            state,
            since: Some(at("2026-05-08T15:02:00Z")),
            action: action.map(str::to_owned),
            error: Some("no session bus can be reached".to_owned()),
            settled_at: None,
        }
    }

    #[test]
    fn each_state_is_told_for_what_it_is() {
        let zone = Zone::named("America/Denver").unwrap();
        let check = |state, action, expected: &str| {
            assert_eq!(became(&told(state, action), &zone), expected);
        };
        check(State::Queued, None, "not delivered yet");
        check(State::Failed, None, "not delivered yet: no session bus can be reached");
        check(State::Delivered, None, "delivered");
        check(State::Accepted, None, "shown");
        check(State::Closed, None, "shown, closed by you 09:02");
        check(State::Expired, None, "shown, expired 09:02");
        check(State::Acted, Some("show"), "shown, opened by you 09:02");
        check(State::Acted, Some("snooze"), "shown, put off by you 09:02");
        check(State::Acted, Some("done"), "shown, acknowledged by you 09:02");
        check(State::Replaced, None, "shown, replaced 09:02");
        check(State::TakenBack, None, "shown, taken back 09:02");
        check(State::Lost, None, "shown, gone with the session 09:02");
    }
}
