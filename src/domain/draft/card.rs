//! What to have before oneself when one calls CBP, on a page of text.

use chrono::{DateTime, Utc};

use super::{Case, clean, clock, day, zone_name};
use crate::domain::application::{ApplicationId, Route, Stage};
use crate::domain::cliff::{Claim, cliffs};
use crate::domain::event::EventKind;
use crate::domain::window::Verdict;
use crate::domain::zone::Zone;

/// Writes the card; lines end with `\n`. `number` is the importer number as it is to be shown, and
/// `shown` says how foreign text is.
pub fn card(case: &Case, number: &str, shown: &dyn Fn(&str) -> String) -> String {
    let ApplicationId(id) = case.application.id;
    let shown = &|text: &str| shown(&clean(text));
    let mut text = format!("Call CBP about {}\n\n", shown(&case.application.company));
    let mut call = vec![("call", case.contact.dialled())];
    call.extend(hours(case));
    rows(&mut text, "", &call);
    text.push_str("\nHave ready\n");
    rows(&mut text, "  ", &facts(case, number, shown));
    text.push_str("\nWhat was to be expected\n");
    text.push_str(&expectations(case, shown));
    let spoken = earlier(case, shown);
    if !spoken.is_empty() {
        text.push_str("\nBefore this call\n");
        spoken.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    }
    text.push_str("\nAsk\n");
    questions(case).iter().for_each(|line| text.push_str(&format!("  {line}\n")));
    text.push_str(&format!(
        "\nWrite down the answer\n  acewatch note {id} \"who said what\" --call\n  \
         acewatch note {id} \"who said what\" --call --ticket NUMBER\n  \
         acewatch extend {id} --until DATE --reason \"who named it\"\n"
    ));
    text
}

/// When somebody answers. The hours are not CBP's own word.
fn hours(case: &Case) -> Vec<(&'static str, String)> {
    let Some(closing) = case.contact.closed else {
        return vec![("hours", "day and night (as callers report)".to_owned())];
    };
    let zone = case.calendar.zone();
    let Some((from, until)) = closing.nearest(case.calendar, case.now) else { return Vec::new() };
    let span = |zone: &Zone| {
        let moment = |at: DateTime<Utc>| {
            let weekday = at.with_timezone(zone).format("%a");
            (format!("{weekday} {}", clock(at, zone)), zone_name(at, zone))
        };
        let ((from, first), (until, last)) = (moment(from), moment(until));
        match first == last {
            true => format!("{from} to {until} {last}"),
            false => format!("{from} {first} to {until} {last}"),
        }
    };
    let hours = format!("day and night except {} (as callers report)", span(zone));
    let is_closed = from <= case.now && case.now < until;
    let mut rows = vec![("hours", hours)];
    if case.reader.name() != zone.name() {
        rows.push(("", format!("in your zone: except {}", span(case.reader))));
    }
    rows.push(("", if is_closed { "closed now" } else { "open now" }.to_owned()));
    rows
}

fn facts(case: &Case, number: &str, shown: &dyn Fn(&str) -> String) -> Vec<(&'static str, String)> {
    let history = case.history;
    let application = case.application;
    let joined = |texts: &[String]| texts.iter().map(|t| shown(t)).collect::<Vec<_>>().join("; ");
    let mut facts = vec![
        ("company", shown(&application.company)),
        ("also known as", joined(&application.aliases)),
        ("importer number", number.to_owned()),
        (
            "how it was sent",
            match application.route {
                Route::Email => format!("by mail to {}", case.applications_address),
                Route::WebImporter => "through the importer's web form".to_owned(),
                Route::WebGeneral => "through the general web form".to_owned(),
            },
        ),
    ];
    let names = std::iter::once("sent").chain(std::iter::repeat("sent again"));
    facts.extend(names.zip(&history.attempts).map(|(name, a)| (name, case.moment(a.at))));
    facts.push((
        "CBP's receipt",
        match (history.acknowledged_at, &history.receipt_elsewhere) {
            (Some(at), _) => case.moment(at),
            (None, Some(_)) => "none; CBP's machine answers each sender once".to_owned(),
            (None, None) => "none has come".to_owned(),
        },
    ));
    let told = [
        (EventKind::Reply, "CBP wrote"),
        (EventKind::InformationRequest, "CBP asked"),
        (EventKind::Answered, "you answered"),
        (EventKind::Undeliverable, "came back"),
        (EventKind::Rejected, "CBP rejected it"),
        (EventKind::Approved, "CBP approved it"),
    ];
    for (kind, name) in told {
        facts.extend(case.happened(kind).map(|event| (name, case.moment(event.at))));
    }
    facts.push((
        "CBP's tickets",
        match case.tickets {
            [] => "none known".to_owned(),
            tickets => joined(tickets),
        },
    ));
    if let Some(on) = application.liquidated_on {
        facts.push(("liquidated", day(on)));
        let named = |claim| match claim {
            Claim::Refund => "refund ends",
            Claim::Protest => "protest ends",
        };
        facts.extend(cliffs(on).map(|cliff| (named(cliff.claim), day(cliff.on))));
    }
    facts.retain(|(_, value)| !value.is_empty());
    facts
}

fn expectations(case: &Case, shown: &dyn Fn(&str) -> String) -> String {
    let mut text = String::new();
    for (window, verdict) in case.windows {
        if window.closed_at.is_some() || *verdict == Verdict::Answered {
            continue;
        }
        let verdict = verdict.as_str().replace('_', " ");
        text.push_str(&format!("  {}: {verdict}\n", window.rule.awaits));
        for line in window.explained(case.calendar) {
            text.push_str(&format!("    {}\n", shown(&line)));
        }
    }
    if text.is_empty() {
        text.push_str("  nothing is awaited now\n");
    }
    text
}

fn earlier(case: &Case, shown: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut told: Vec<(DateTime<Utc>, String)> = Vec::new();
    for (kind, name) in [
        (EventKind::Reminder, "you reminded CBP"),
        (EventKind::Call, "call"),
        (EventKind::Note, "note"),
    ] {
        for event in case.happened(kind) {
            let text = event.text.as_deref().map(shown).unwrap_or_default();
            let said = if text.is_empty() { name.to_owned() } else { format!("{name}: {text}") };
            told.push((event.at, format!("{}  {said}", case.moment(event.at))));
        }
    }
    told.sort();
    told.into_iter().map(|(_, line)| line).collect()
}

fn questions(case: &Case) -> [&'static str; 3] {
    let first = match case.history.stage() {
        Stage::InformationRequested => "1. What exactly do you need from us, and in which form?",
        Stage::Rejected => "1. Why was it rejected, and what must be changed?",
        Stage::Undeliverable => "1. To which address should it be sent?",
        Stage::Approved => "1. To whom, and when, was the log-in sent?",
        _ => "1. Do you have the application under this importer number, and who has it?",
    };
    [
        first,
        "2. Is anything missing, and when can we expect the next step?",
        "3. What is the ticket number, and to whom am I speaking?",
    ]
}

fn rows(text: &mut String, indent: &str, rows: &[(&str, String)]) {
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (name, value) in rows {
        text.push_str(&format!("{indent}{name:width$}  {value}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_name() {
        let mut text = String::new();
        rows(&mut text, "  ", &[("a", "1".to_owned()), ("long", "2".to_owned())]);
        assert_eq!(text, "  a     1\n  long  2\n");
    }
}
