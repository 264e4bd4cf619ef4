//! The queue on one screen: mails that wait for the same reason stand together, and of each group
//! the most urgent come first.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::Context;
use super::super::explain;
use super::super::failure::Failure;
use super::super::render::{self, Cell, Masking, rfc3339, styled};
use crate::app::{App, Waiting};
use crate::domain::application::{Application, ApplicationId};
use crate::domain::company::company_key;
use crate::domain::zone::Zone;
use crate::store::query;

/// So many lines the queue may take before the tails of its groups are left out.
const SCREEN: usize = 44;
/// Lines that a group takes besides its mails.
const AROUND: usize = 3;
/// Columns of a line where nobody knows how wide the terminal is.
const COLUMNS: usize = 110;

/// Why a mail waits, in the order in which groups are shown.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Group {
    Good,
    Contradiction,
    Doubtful,
    Several,
    Unverified,
    Unmatched,
    Forged,
}

impl Group {
    pub(super) fn of(waiting: &Waiting) -> Group {
        let mail = &waiting.mail;
        match (waiting.is_good, mail.authenticity.as_str(), mail.outcome.as_str()) {
            (true, ..) => Group::Good,
            (false, "forged", _) => Group::Forged,
            (false, "unverified", _) => Group::Unverified,
            (false, _, "contradiction") => Group::Contradiction,
            (false, _, "ambiguous") => Group::Several,
            (false, _, "unmatched") => Group::Unmatched,
            (false, ..) => Group::Doubtful,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Group::Good => "good",
            Group::Contradiction => "contradiction",
            Group::Doubtful => "doubtful",
            Group::Several => "several",
            Group::Unverified => "unverified",
            Group::Unmatched => "unmatched",
            Group::Forged => "forged",
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Group::Good => "good: vouched for, and one application fits by thread or number",
            Group::Contradiction => {
                "contradiction: two facts in the mail name different applications"
            }
            Group::Doubtful => "doubtful: one application fits, and something speaks against it",
            Group::Several => "several applications fit",
            Group::Unverified => "unverified: in CBP's name, and nobody vouches for it",
            Group::Unmatched => "unmatched: no application fits",
            Group::Forged => "forged: in CBP's name, and not from CBP as is known by now",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Group::Good => "acewatch review accept --all-good",
            Group::Contradiction => "acewatch review M shows why; accept M APP, or dismiss M",
            Group::Doubtful => "acewatch review M shows why; accept M, or dismiss M",
            Group::Several => "accept M takes all that it names by number; accept M APP one",
            Group::Unverified => "read the mail itself first; accept M, or dismiss M",
            Group::Unmatched => "assign M APP, or dismiss M",
            Group::Forged => "dismiss M: a forgery moves nothing",
        }
    }
}

/// A mail of the queue with the application it is most likely about.
struct Entry {
    waiting: Waiting,
    group: Group,
    guess: Option<Application>,
}

/// Prints the queue.
pub(super) fn run(
    cx: &Context,
    filters: &[String],
    as_json: bool,
    all: bool,
) -> Result<(), Failure> {
    // A broken file of rules must not hide the mails that wait.
    let app = cx.app_to_read().or_else(|_| cx.app_to_look())?;
    let masking = &cx.masking(&app)?;
    let mut entries = entries(&app)?;
    let n_all = entries.len();
    for filter in filters {
        entries.retain(|entry| fits(entry, filter));
    }
    if as_json {
        let messages: Vec<Value> = entries.iter().map(|e| mail_json(&e.waiting, masking)).collect();
        return render::print_json(&json!({
            "schema": "acewatch.review/1",
            "count": messages.len(),
            "messages": messages,
        }));
    }
    match (n_all, entries.is_empty()) {
        (0, _) => return render::print("nothing waits for you\n"),
        (_, true) => return render::print("no mail that waits fits\n"),
        _ => {}
    }
    let is_cut = !all && filters.is_empty();
    render::print(&text(&entries, is_cut, &app.settings.time_zone, masking))
}

/// Shows what `accept --all-good` would do.
pub(super) fn preview(app: &App, masking: &Masking) -> Result<(), Failure> {
    let mut good = entries(app)?;
    good.retain(|entry| entry.group == Group::Good);
    if good.is_empty() {
        return render::print(
            "there is no good guess to accept; `acewatch review` lists what waits\n",
        );
    }
    let mut text = text(&good, false, &app.settings.time_zone, masking);
    let n = render::counted(good.len(), "mail");
    text.push_str(&format!(
        "\nnothing is recorded yet: `acewatch review accept --all-good --yes` records {n}\n"
    ));
    render::print(&text)
}

/// A mail of the queue as JSON.
pub(super) fn mail_json(waiting: &Waiting, masking: &Masking) -> Value {
    let mail = &waiting.mail;
    json!({
        "message": mail.id,
        "received_at": rfc3339(mail.received_at),
        "from": masking.plain(&mail.sender),
        "subject": masking.plain(&mail.subject),
        "kind": mail.kind,
        "authenticity": mail.authenticity,
        "match": explain::match_json(mail, masking),
        "because": mail.because.iter().map(|line| masking.plain(line)).collect::<Vec<_>>(),
        "suggestion": waiting.suggestion().map(|ApplicationId(id)| id),
        "group": Group::of(waiting).as_str(),
        "good": waiting.is_good,
        "accept_records": waiting.meant().iter().map(|ApplicationId(id)| *id).collect::<Vec<_>>(),
        "folder": masking.plain(&mail.folder),
    })
}

/// The queue, group by group, in each the most urgent first.
fn entries(app: &App) -> Result<Vec<Entry>, Failure> {
    let db = app.store.read();
    let mut entries = Vec::new();
    for waiting in app.waiting()? {
        let guess = match waiting.suggestion() {
            Some(id) => query::summary_of(db, id)?.map(|summary| summary.application),
            None => None,
        };
        entries.push(Entry { group: Group::of(&waiting), waiting, guess });
    }
    entries.sort_by_key(|entry| {
        let mail = &entry.waiting.mail;
        (entry.group, urgency(&mail.kind), entry.guess.is_none(), mail.received_at, mail.id)
    });
    Ok(entries)
}

/// What costs most when it is read late comes first.
fn urgency(kind: &str) -> u8 {
    match kind {
        "information_request" | "rejection" | "bounce" => 0,
        "approval" => 1,
        "reply" => 2,
        "submission" | "answer" => 3,
        _ => 4,
    }
}

fn fits(entry: &Entry, filter: &str) -> bool {
    let mail = &entry.waiting.mail;
    let word = filter.to_lowercase().replace([' ', '-'], "_");
    if entry.group.as_str() == word || mail.kind == word {
        return true;
    }
    let part = filter.to_lowercase();
    let key = company_key(filter);
    let digits: String = filter.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_of_guess = entry.guess.as_ref().is_some_and(|application| {
        let mut names = std::iter::once(&application.company).chain(&application.aliases);
        application.tags.iter().any(|tag| tag.to_lowercase() == part)
            || (5 <= digits.len()
                && digits.chars().any(|c| c.is_ascii_digit())
                && application.number.digits().starts_with(&digits))
            || (!key.is_empty() && names.any(|name| company_key(name).contains(&key)))
    });
    is_of_guess
        || mail.subject.to_lowercase().contains(&part)
        || mail.sender.to_lowercase().contains(&part)
}

fn text(entries: &[Entry], is_cut: bool, zone: &Zone, masking: &Masking) -> String {
    let mut groups: BTreeMap<Group, Vec<&Entry>> = BTreeMap::new();
    for entry in entries {
        groups.entry(entry.group).or_default().push(entry);
    }
    let n_lines = entries.len() + groups.len() * AROUND;
    let shown = match is_cut && SCREEN < n_lines {
        true => SCREEN.saturating_sub(groups.len() * (AROUND + 1)) / groups.len().max(1),
        false => usize::MAX,
    };
    let columns = terminal_size::terminal_size().map_or(COLUMNS, |(width, _)| width.0.into());
    let verb = if entries.len() == 1 { "waits" } else { "wait" };
    let mut text = format!("{} {verb} for you\n", render::counted(entries.len(), "mail"));
    for (group, entries) in groups {
        let heading = format!("{} {}", entries.len(), group.heading());
        text.push_str(&format!("\n{}\n", styled(&heading, render::STRONG)));
        text.push_str(&rows(entries.iter().take(shown), columns, zone, masking));
        let n_more = entries.len().saturating_sub(shown);
        if 0 < n_more {
            let name = group.as_str();
            text.push_str(&format!("  … and {n_more} more: `acewatch review {name}`\n"));
        }
        text.push_str(&styled(&format!("  → {}\n", group.advice()), render::FAINT));
    }
    text.push_str(
        "\n`acewatch review M` shows a mail and its reasons; `undo M` takes a decision back\n",
    );
    text
}

/// Number, day, kind, best guess, the key that tells it, and as much of the subject as fits.
fn rows<'a>(
    entries: impl Iterator<Item = &'a &'a Entry>,
    columns: usize,
    zone: &Zone,
    masking: &Masking,
) -> String {
    let room_of_guess = if columns < 100 { 20 } else { 28 };
    let mut subjects = Vec::new();
    let mut widths = [0; 5];
    let mut rows: Vec<[Cell; 6]> = Vec::new();
    for Entry { waiting, guess, .. } in entries {
        let mail = &waiting.mail;
        let kind = mail.kind.replace("information_request", "CBP asks").replace('_', " ");
        let guessed = match (guess, mail.candidates.len()) {
            (Some(application), _) => {
                format!("{} {}", application.id.0, masking.text(&application.company))
            }
            (None, 0) => "?".to_owned(),
            (None, n) => {
                let ids: Vec<String> = mail.candidates.iter().map(|id| id.0.to_string()).collect();
                format!("{n} fit: {}", ids.join(", "))
            }
        };
        let texts = [
            mail.id.to_string(),
            mail.received_at.with_timezone(zone).format("%-d %b").to_string(),
            kind,
            render::shortened(&guessed, room_of_guess),
            mail.matched_by.clone().unwrap_or_default(),
        ];
        for (width, text) in widths.iter_mut().zip(&texts) {
            *width = text.chars().count().max(*width);
        }
        let [id, day, kind, guessed, by] = texts;
        rows.push([
            Cell::right(id),
            Cell::plain(day),
            match urgency(&mail.kind) {
                0 => Cell::styled(kind, render::ALARM),
                1 => Cell::styled(kind, render::GOOD),
                _ => Cell::plain(kind),
            },
            Cell::plain(guessed),
            Cell::styled(by, render::FAINT),
            Cell::default(),
        ]);
        subjects.push(masking.text(&mail.subject));
    }
    let taken: usize = widths.iter().map(|width| width + 2).sum::<usize>() + 1;
    let room = columns.saturating_sub(taken).max(12);
    for (row, subject) in rows.iter_mut().zip(subjects) {
        if let Some(last) = row.last_mut() {
            *last = Cell::plain(render::shortened(&subject, room));
        }
    }
    render::table(&rows)
}
