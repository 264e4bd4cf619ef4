//! `acewatch show`: one application's history, its windows, and what to do next.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::failure::Failure;
use super::render::{self, Masking, rfc3339, styled};
use super::{Context, select, status, told};
use crate::app::App;
use crate::domain::application::{Application, ApplicationId, History, Route, Stage};
use crate::domain::cliff::Claim;
use crate::domain::coverage::Coverage;
use crate::domain::evaluation::Evaluation;
use crate::domain::event::{Event, EventKind, Source};
use crate::domain::expectation::Owes;
use crate::domain::submission::Fault;
use crate::domain::window::Verdict;
use crate::store::{decision, edit, notice, query};

/// Show one application: what happened, what is awaited and how each date came about, what to do
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The application's id, its importer number, or a part of its company's name that fits only one
    #[arg(value_name = "APP")]
    application: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// List every mail that was matched to it, also those from which nothing followed
    #[arg(long)]
    all_mail: bool,
}

/// Prints one application.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let app = cx.app_to_look()?;
    let masking = &cx.masking(&app)?;
    let now = cx.now(&app)?;
    let summary = select::application(&app, &args.application, masking)?;
    let id = summary.application.id;
    if !args.json {
        let mut text = application_text(&app, id, now, masking)?;
        if args.all_mail {
            text.push_str(&mail_text(&app, id, masking)?);
        }
        return render::print(&text);
    }
    let coverage = app.coverage()?;
    let application = &summary.application;
    let standing = app.standing(application, &coverage, now)?;
    let document = status::application_json(&app, application, &standing, masking, true);
    let mut document = serde_json::to_value(document).map_err(std::io::Error::from)?;
    if let Some(object) = document.as_object_mut() {
        object.shift_insert(0, "schema".to_owned(), json!("acewatch.application/1"));
        let events: Vec<_> = query::events(app.store.read(), id)?
            .iter()
            .filter(|event| event.at <= now)
            .map(|event| {
                json!({
                    "id": event.id,
                    "at": rfc3339(event.at),
                    "kind": event.kind.as_str(),
                    "source": event.source.as_str(),
                    "message": event.message,
                    "message_id": event.message_id.as_deref().map(|id| masking.plain(id)),
                    "text": event.text.as_deref().map(|text| masking.plain(text)),
                    "faults": faults_json(event),
                    "until": event.until.filter(|_| event.kind != EventKind::Acknowledged).map(rfc3339),
                    "undoes": event.undoes,
                    "who": event.decided.as_ref().map(|by| by.who.clone()),
                    "why": event.decided.as_ref().map(|by| masking.plain(&by.why)),
                })
            })
            .collect();
        object.insert("events".to_owned(), json!(events));
        let learnt: Vec<_> = decision::learnt_names(app.store.read(), id)?
            .iter()
            .map(|name| {
                json!({
                    "alias": masking.plain(&name.written),
                    "message": name.message,
                    "learned_at": rfc3339(name.learnt_at),
                })
            })
            .collect();
        object.insert("learned_aliases".to_owned(), json!(learnt));
        let told = notice::told(app.store.read(), id)?;
        object.insert("told".to_owned(), told::json(&told, masking));
        if args.all_mail {
            let mails: Vec<_> = query::messages_of(app.store.read(), id)?
                .iter()
                .map(|mail| {
                    json!({
                        "message": mail.id,
                        "received_at": rfc3339(mail.received_at),
                        "from": masking.plain(&mail.sender),
                        "subject": masking.plain(&mail.subject),
                        "kind": mail.kind,
                        "authenticity": mail.authenticity,
                        "effect": mail.effect,
                    })
                })
                .collect();
            object.insert("mail".to_owned(), json!(mails));
        }
    }
    render::print_json(&document)
}

/// One application as text, for other commands.
pub(crate) fn application_text(
    app: &App,
    id: ApplicationId,
    now: DateTime<Utc>,
    masking: &Masking,
) -> Result<String, Failure> {
    let db = app.store.read();
    let Some(summary) = query::summary_of(db, id)? else {
        return Err(Failure::new(format!("there is no application {}", id.0)));
    };
    let application = &summary.application;
    let coverage = app.coverage()?;
    let (history, evaluation) = app.standing(application, &coverage, now)?;
    let events = query::events(db, id)?;
    let mut text = format!(
        "{}\n{}  {}  {}",
        styled(&masking.text(&application.company), render::STRONG),
        masking.number(&application.number),
        application.route.as_str(),
        history.stage().as_str().replace('_', " "),
    );
    if let Some(reason) = &history.reason {
        text.push_str(&format!(" ({})", masking.text(&reason.replace('_', " "))));
    }
    text.push('\n');
    if let [first, .., last] = history.attempts.as_slice() {
        let day = |at| render::day(app.calendar.day_of(at));
        text.push_str(&format!(
            "attempt {}, sent {}; the first {}\n",
            history.attempts.len(),
            day(last.at),
            day(first.at),
        ));
    }
    if let Some(snooze) = history.silence.snooze_at(now)
        && evaluation.snoozed_until.is_some()
    {
        let until = render::moment(snooze.until, &app.settings.time_zone);
        let reason = snooze.reason.as_deref().unwrap_or_default();
        let line = format!("snoozed until {until}: {}", masking.text(reason));
        text.push_str(&format!("{}\n", styled(&line, render::WARN)));
    }
    if let Some(at) = evaluation.acked_at {
        let since = render::moment(at, &app.settings.time_zone);
        text.push_str(&format!("acknowledged on {since}: no reminders of what is overdue\n"));
    }
    if let Some(cliff) = evaluation.cliff {
        let what = match cliff.claim {
            Claim::Refund => "the refund is lost unless it is claimed with CAPE",
            Claim::Protest => "the refund is lost unless a protest is filed",
        };
        let line = format!("{what} by {}", render::day(cliff.on));
        text.push_str(&format!("{}\n", styled(&line, render::WARN)));
    }
    let liquidated = application.liquidated_on.map(render::day).unwrap_or_default();
    let extras = [
        ("earliest liquidation", liquidated),
        ("aliases", application.aliases.join("; ")),
        ("tags", application.tags.join(", ")),
        ("tickets", edit::tickets(db, id)?.join(", ")),
        ("contact", application.contact.clone().unwrap_or_default()),
        ("notes", application.notes.clone().unwrap_or_default()),
    ];
    for (name, value) in extras.iter().filter(|(_, value)| !value.is_empty()) {
        text.push_str(&format!("{name}: {}\n", masking.text(value)));
    }
    for name in decision::learnt_names(db, id)? {
        let written = masking.text(&name.written);
        text.push_str(&format!(
            "also known as: {written} (learnt from message {})\n",
            name.message
        ));
    }
    text.push_str(&format!("\n{}\n", styled("What happened", render::STRONG)));
    text.push_str(&timeline(app, &events, now, masking));
    let told = notice::told(db, id)?;
    text.push_str(&told::section(&told, &app.settings.time_zone, masking));
    text.push_str(&format!("\n{}\n", styled("What is awaited", render::STRONG)));
    text.push_str(&windows_text(app, &coverage, &evaluation, masking));
    text.push_str(&format!(
        "\n{}\n  {}\n",
        styled("What to do", render::STRONG),
        advice(application, &history, &evaluation)
    ));
    Ok(text)
}

fn timeline(app: &App, events: &[Event], now: DateTime<Utc>, masking: &Masking) -> String {
    // A date that was registered by hand is the beginning of that day in the calendar's zone, and
    // would read as the evening before in another one.
    let when = |event: &Event| {
        let day = app.calendar.day_of(event.at);
        match event.source == Source::Command && app.calendar.start_of(day) == event.at {
            true => render::day(day),
            false => render::moment(event.at, &app.settings.time_zone),
        }
    };
    let undone: Vec<i64> = events.iter().filter_map(|event| event.undoes).collect();
    let mut seen: Vec<&Event> = events.iter().filter(|event| event.at <= now).collect();
    seen.sort_by_key(|event| (event.at, event.id));
    if seen.is_empty() {
        return "  nothing yet\n".to_owned();
    }
    seen.iter()
        .map(|event| {
            let mut line = format!("  {}  {}", when(event), worded(event.kind));
            if let (EventKind::Snoozed, Some(until)) = (event.kind, event.until) {
                line = match event.at < until {
                    true => {
                        format!("{line} until {}", render::moment(until, &app.settings.time_zone))
                    }
                    false => format!("  {}  snooze ended", when(event)),
                };
            }
            if let (EventKind::Extended, Some(until)) = (event.kind, event.until) {
                line = match event.at < until {
                    true => format!("{line}, {}", render::day(app.calendar.day_of(until))),
                    false => format!("  {}  the later date was taken back", when(event)),
                };
            }
            let faults = faults_of(event);
            if !faults.is_empty() {
                line.push_str(&format!(": {}", styled(&Fault::told(&faults), render::WARN)));
            } else if let Some(note) = &event.text {
                line.push_str(&format!(": {}", masking.text(&written(event.kind, note))));
            }
            let by = event.decided.as_ref().map(|by| match by.why.is_empty() {
                true => format!("decided by {}", masking.text(&by.who)),
                false => format!("decided by {}: {}", masking.text(&by.who), masking.text(&by.why)),
            });
            let message = event.message.map(|message| format!("message {message}"));
            let by_notice = (event.source == Source::Notice).then(|| "from the notice".to_owned());
            let source: Vec<String> = message.into_iter().chain(by).chain(by_notice).collect();
            if !source.is_empty() {
                line.push_str(&styled(&format!("  ({})", source.join(", ")), render::FAINT));
            }
            if undone.contains(&event.id) {
                line.push_str("  (taken back)");
            }
            line.push('\n');
            line
        })
        .collect()
}

/// A remark as a person reads it: reasons and milestones are names, the rest was written by one.
fn written(kind: EventKind, text: &str) -> String {
    match kind {
        EventKind::Rejected | EventKind::InformationRequest => text.replace('_', " "),
        _ => text.to_owned(),
    }
}

/// What was wrong with a submission.
fn faults_of(event: &Event) -> Vec<Fault> {
    match (event.kind, &event.text) {
        (EventKind::Submitted, Some(text)) => Fault::read(text),
        _ => Vec::new(),
    }
}

fn faults_json(event: &Event) -> Option<Vec<Value>> {
    let described = |fault: &Fault| json!({ "name": fault.as_str(), "because": fault.said() });
    (event.kind == EventKind::Submitted).then(|| faults_of(event).iter().map(described).collect())
}

fn worded(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Submitted => "sent to CBP",
        EventKind::Receipt => "CBP confirmed that it arrived",
        EventKind::Reply => "CBP wrote",
        EventKind::InformationRequest => "CBP asked for something",
        EventKind::Answered => "you answered CBP",
        EventKind::Reminder => "you reminded CBP",
        EventKind::Approved => "CBP approved it",
        EventKind::Rejected => "CBP rejected it",
        EventKind::Undeliverable => "the mail to CBP came back",
        EventKind::Note => "note",
        EventKind::Call => "call",
        EventKind::Acknowledged => "acknowledged: no reminders of what was overdue",
        EventKind::Snoozed => "snoozed",
        EventKind::Extended => "CBP named a later date",
        EventKind::Edited => "edited",
        EventKind::Milestone => "done",
        EventKind::Assigned => "a mail was assigned",
        EventKind::Undone => "an entry was taken back",
        EventKind::Recalculated => "dates moved",
        EventKind::Closed => "closed",
        EventKind::Reopened => "reopened",
    }
}

fn windows_text(
    app: &App,
    coverage: &Coverage,
    evaluation: &Evaluation,
    masking: &Masking,
) -> String {
    if evaluation.windows.is_empty() {
        return "  nothing: no submission is known\n".to_owned();
    }
    let mut text = String::new();
    for (window, verdict) in &evaluation.windows {
        let style = match verdict {
            Verdict::Overdue => render::ALARM,
            Verdict::Due | Verdict::Unknown => render::WARN,
            Verdict::Answered | Verdict::Paused | Verdict::NotExpected => render::FAINT,
            Verdict::Waiting => render::GOOD,
        };
        let name = &window.rule.awaits;
        text.push_str(&format!(
            "  {name}: {}\n",
            styled(&verdict.as_str().replace('_', " "), style)
        ));
        if window.closed_at.is_none() {
            for line in window.explained(&app.calendar) {
                text.push_str(&format!("    {}\n", masking.text(&line)));
            }
        }
        if *verdict == Verdict::Unknown {
            let read_from = coverage.spans().last().map(|span| span.from);
            text.push_str(&match read_from.filter(|from| window.opened_at < *from) {
                Some(from) => format!(
                    "    the mailboxes were read only from {} on, so nobody can say; a longer `look-back` reads more\n",
                    render::day(app.calendar.day_of(from))
                ),
                None => "    the mailboxes were not read up to that date, so nobody can say\n".to_owned(),
            });
        }
    }
    let counts = evaluation.windows.iter().flat_map(|(window, _)| window.running_counts());
    for line in app.calendar.caveats(counts).lines() {
        text.push_str(&format!("  {}\n", styled(&masking.text(&line), render::WARN)));
    }
    text
}

fn advice(application: &Application, history: &History, evaluation: &Evaluation) -> String {
    let ApplicationId(id) = application.id;
    // What was filed in a web form is not sent again by mail.
    let again = match application.route {
        Route::Email => format!(" `acewatch draft {id} resubmission` writes the mail."),
        Route::WebImporter | Route::WebGeneral => String::new(),
    };
    let late = |wanted: Verdict| {
        let mut fitting = evaluation.windows.iter().filter(move |(_, verdict)| *verdict == wanted);
        fitting.next().map(|(window, _)| window)
    };
    let advice = match history.stage() {
        Stage::Approved => {
            return format!(
                "Log in to the ACE portal for the first time, then `acewatch done {id} first-login`."
            );
        }
        Stage::Draft => {
            return format!(
                "Send the application; `acewatch subject {id}` writes the subject line."
            );
        }
        Stage::Closed => {
            return format!("Nothing: it is closed. `acewatch reopen {id}` follows it again.");
        }
        Stage::Rejected => {
            return format!("Mend what CBP names and send the application anew.{again}");
        }
        Stage::Undeliverable => {
            return format!("Send the application again: it did not reach CBP.{again}");
        }
        Stage::InformationRequested => {
            "Answer CBP's mail. The answer is found in the Sent folder by itself."
        }
        stage => match (late(Verdict::Unknown), late(Verdict::Overdue), late(Verdict::Due)) {
            (Some(_), _, _) => {
                "Let acewatch read the mailboxes (`acewatch check`); until then nobody can say what has come."
            }
            (None, late, due) if stage == Stage::Active => match late.or(due) {
                Some(window) => {
                    return format!("{} Then `acewatch done {id} login`.", window.rule.advice);
                }
                None => "Nothing: the account is in use.",
            },
            (None, Some(window), _) if window.rule.awaits_receipt() => {
                return format!("{}{again}", window.rule.advice);
            }
            (None, Some(window), _) if window.rule.owes == Owes::Cbp => {
                return format!(
                    "{} `acewatch draft {id} follow-up` writes the mail, `acewatch draft {id} escalation` what to have ready for the call.",
                    window.rule.advice
                );
            }
            (None, Some(window), _) => &window.rule.advice,
            (None, None, Some(_)) => {
                "Look out for CBP's answer: it was promised by now. When it is overdue, write or call."
            }
            (None, None, None) => "Wait.",
        },
    };
    advice.to_owned()
}

fn mail_text(app: &App, id: ApplicationId, masking: &Masking) -> Result<String, Failure> {
    let zone = &app.settings.time_zone;
    let mut text = format!("\n{}\n", styled("All mail", render::STRONG));
    for mail in query::messages_of(app.store.read(), id)? {
        text.push_str(&format!(
            "  {}  {}  {}  {}: {}\n",
            mail.id,
            render::moment(mail.received_at, zone),
            mail.effect,
            mail.kind.replace('_', " "),
            masking.text(&mail.subject),
        ));
    }
    Ok(text)
}
