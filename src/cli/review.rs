//! `acewatch review`: the mails that acewatch will not decide alone.

mod decided;
mod list;
mod one;
pub(crate) mod who;

use std::collections::BTreeSet;

use super::failure::Failure;
use super::render::{self, Masking};
use super::{Context, select};
use crate::app::{App, By, Ruled, Ruling, Waiting};
use crate::domain::application::ApplicationId;
use crate::store::query;

/// List the mails that wait for you, or decide about them
///
/// Mails that wait for the same reason stand together, the most urgent first. A filter keeps those
/// that fit it: a group (good, contradiction, several, unverified, unmatched, doubtful,
/// forged), a kind, a
/// tag or importer number of the application suggested, or a part of its company's name, of the
/// subject or of the sender. Several filters must all fit. A message's number shows that mail.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// Keep the mails that fit; or the number of one mail
    #[arg(value_name = "FILTER|M")]
    filters: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// List all mails of every group, however many they are
    #[arg(long)]
    all: bool,
    /// List what was decided, by whom and why, the last first
    #[arg(long)]
    decided: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show one mail: its text, what is made of it and why, and which applications it may be about
    Show {
        /// The message's number
        #[arg(value_name = "M")]
        message: i64,
        /// Print one JSON document
        #[arg(long)]
        json: bool,
    },
    /// Record mails as what they seem to be
    ///
    /// Without APP a mail is recorded for the application suggested, or, if it names several by
    /// their numbers, for all of them. Several mails are written 12,15,20-25.
    Accept {
        /// The message's number, or several: 12,15,20-25
        #[arg(value_name = "M", required_unless_present = "all_good")]
        messages: Option<String>,
        /// The application, or several
        #[arg(value_name = "APP")]
        more: Vec<String>,
        /// Accept all good guesses: authentic mail that would be recorded if it came in now, by the
        /// thread or the importer number of exactly one application. Shows them; --yes does it
        #[arg(long, conflicts_with_all = ["messages", "more"])]
        all_good: bool,
        /// With --all-good: do it
        #[arg(long, requires = "all_good")]
        yes: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Record a mail for an application, whatever it was taken for before
    Assign {
        /// The message's number
        #[arg(value_name = "M")]
        message: i64,
        /// The application, or several
        #[arg(value_name = "APP", required = true)]
        applications: Vec<String>,
        #[command(flatten)]
        why: Why,
    },
    /// Take mails off the list; nothing follows from them
    Dismiss {
        /// The messages' numbers: 12 15 20-25
        #[arg(value_name = "M", required = true)]
        messages: Vec<String>,
        #[command(flatten)]
        why: Why,
    },
    /// Take back what was made of mails, and put them on the list again
    Undo {
        /// The messages' numbers
        #[arg(value_name = "M", required_unless_present = "last")]
        messages: Vec<String>,
        /// Take back the last decision, with all that was decided by the same command
        #[arg(long, conflicts_with = "messages")]
        last: bool,
        #[command(flatten)]
        why: Why,
    },
    /// Forget the name that was learnt from a mail; what was recorded stays
    ForgetAlias {
        /// The message's number
        #[arg(value_name = "M")]
        message: i64,
        #[command(flatten)]
        why: Why,
    },
}

#[derive(Debug, clap::Args)]
struct Why {
    /// Why you decide so; kept with the decision
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

/// Lists, shows or decides.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let Some(action) = &args.action else {
        return match args.filters.as_slice() {
            _ if args.decided => decided::run(cx, args.json, args.all),
            [one] if one.parse::<i64>().is_ok_and(|n| n < 10_000_000) => {
                one::run(cx, one.parse().unwrap_or_default(), args.json)
            }
            filters => list::run(cx, filters, args.json, args.all),
        };
    };
    if let Action::Show { message, json } = action {
        return one::run(cx, *message, *json);
    }
    let mut app = cx.app()?;
    let masking = &cx.masking(&app)?;
    let now = cx.now(&app)?;
    let who = who::who();
    let by = |why: &'_ Why| -> Option<String> { why.reason.clone().filter(|why| !why.is_empty()) };
    let (rulings, why, done) = match action {
        Action::Accept { all_good: true, yes, why, .. } => {
            if !yes {
                return list::preview(&app, masking);
            }
            let why = by(why);
            let done = app.accept_good(By { who: &who, why: why.as_deref() }, now)?;
            return render::print(&told(&app, &done, "recorded", masking)?);
        }
        Action::Accept { messages, more, why, .. } => {
            let rulings = accepted(&app, messages.as_deref().unwrap_or(""), more, masking)?;
            (rulings, by(why), "recorded")
        }
        Action::Assign { message, applications, why } => {
            let ids = applications_of(&app, applications, masking)?;
            (vec![(*message, Ruling::Belongs(ids))], by(why), "recorded")
        }
        Action::Dismiss { messages, why } => {
            let ids = numbers(&app, messages)?;
            let rulings = ids.into_iter().map(|id| (id, Ruling::Dismissed)).collect();
            (rulings, by(why), "dismissed")
        }
        Action::Undo { last: true, why, .. } => {
            let why = by(why);
            let done = app.undo_last(By { who: &who, why: why.as_deref() }, now)?;
            if done.is_empty() {
                return Err(Failure::new("there is no decision to take back")
                    .hint("`acewatch review --decided` lists what was decided"));
            }
            return render::print(&told(&app, &done, UNDONE, masking)?);
        }
        Action::Undo { messages, why, .. } => {
            let ids = numbers(&app, messages)?;
            (ids.into_iter().map(|id| (id, Ruling::Undone)).collect(), by(why), UNDONE)
        }
        Action::ForgetAlias { message, why } => (
            vec![(*message, Ruling::AliasForgotten)],
            by(why),
            "the name learnt from it is forgotten",
        ),
        Action::Show { .. } => return Ok(()),
    };
    let by = By { who: &who, why: why.as_deref() };
    let ruled = app.rule(&rulings, by, now)?;
    render::print(&told(&app, &ruled, done, masking)?)
}

const UNDONE: &str = "taken back, and on the list again";

/// What was done, mail by mail.
fn told(app: &App, ruled: &[Ruled], done: &str, masking: &Masking) -> Result<String, Failure> {
    let mut text = String::new();
    for Ruled { message, applications, learnt, followers } in ruled {
        text.push_str(&format!("message {message}: {done}\n"));
        for id in applications {
            let Some(summary) = query::summary_of(app.store.read(), *id)? else { continue };
            let company = masking.text(&summary.application.company);
            let stage = summary.stage.as_str().replace('_', " ");
            text.push_str(&format!("  {} {company}: {stage}\n", id.0));
            if let Some(name) = learnt {
                let name = masking.text(name);
                text.push_str(&format!(
                    "  from now on \u{201c}{name}\u{201d} means {} {company}; `acewatch review forget-alias {message}` forgets it\n",
                    id.0
                ));
            }
        }
        for follower in followers {
            text.push_str(&format!(
                "  message {follower} was recorded by what had been learnt from it, and is on the list again\n"
            ));
        }
    }
    match ruled.len() {
        0 => text.push_str("nothing to do\n"),
        1 => {}
        n if done == UNDONE => text.push_str(&format!("{n} mails in one step\n")),
        n => text.push_str(&format!(
            "{n} mails in one step; `acewatch review undo --last` takes it back\n"
        )),
    }
    Ok(text)
}

/// The applications named, each once.
fn applications_of(
    app: &App,
    written: &[String],
    masking: &Masking,
) -> Result<Vec<ApplicationId>, Failure> {
    let mut ids: Vec<ApplicationId> = Vec::new();
    for one in written {
        let id = select::application(app, one, masking)?.application.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// What `accept` decides.
fn accepted(
    app: &App,
    messages: &str,
    more: &[String],
    masking: &Masking,
) -> Result<Vec<(i64, Ruling)>, Failure> {
    let mut messages = numbers(app, &[messages.to_owned()])?;
    if let ([message], false) = (messages.as_slice(), more.is_empty()) {
        let message = *message;
        if !are_messages(app, message, more, masking)? {
            let ids = applications_of(app, more, masking)?;
            return Ok(vec![(message, Ruling::Belongs(ids))]);
        }
        messages.extend(numbers(app, more)?);
    } else if !more.is_empty() {
        return Err(Failure::usage("several messages and an application are named")
            .hint("accept the messages for that application one by one"));
    }
    messages
        .into_iter()
        .map(|message| {
            let waiting = waiting(app, message)?;
            let ids = waiting.meant();
            if ids.is_empty() {
                return Err(undecided(app, &waiting, masking)?);
            }
            Ok((message, Ruling::Belongs(ids)))
        })
        .collect()
}

/// Whether the words after the first message are messages, too. A number may be both; then it
/// counts as an application only where the mail may be about that one.
fn are_messages(
    app: &App,
    message: i64,
    more: &[String],
    masking: &Masking,
) -> Result<bool, Failure> {
    let db = app.store.read();
    let open: BTreeSet<i64> = query::review(db)?.iter().map(|mail| mail.id).collect();
    let ids: Vec<i64> = more.iter().filter_map(|word| word.parse().ok()).collect();
    if ids.len() < more.len() || !ids.iter().all(|id| open.contains(id)) {
        return Ok(false);
    }
    let candidates = waiting(app, message)?.mail.candidates;
    if ids.iter().all(|id| candidates.contains(&ApplicationId(*id))) {
        return Ok(false);
    }
    for id in &ids {
        if let Some(summary) = query::summary_of(db, ApplicationId(*id))? {
            let company = masking.text(&summary.application.company);
            let list: Vec<String> = ids.iter().map(i64::to_string).collect();
            return Err(Failure::usage(format!("{id} is a message that waits and an application ({company})"))
                .hint(format!(
                    "`acewatch review accept {message},{}` accepts the messages; `acewatch review assign {message} {}` records message {message} for the application",
                    list.join(","),
                    list.join(" "),
                )));
        }
    }
    Ok(true)
}

/// Why a mail cannot be accepted without a word on what it is about.
fn undecided(app: &App, waiting: &Waiting, masking: &Masking) -> Result<Failure, Failure> {
    let message = waiting.mail.id;
    if waiting.mail.authenticity == "forged" {
        return Ok(Failure::new(format!(
            "message {message} is a forgery, and a forgery never moves an application"
        ))
        .hint(format!("`acewatch review dismiss {message}` takes it off the list")));
    }
    let why = masking.text(&waiting.mail.match_because);
    let (what, list) = match (waiting.mail.candidates.is_empty(), waiting.mail.outcome.as_str()) {
        (true, _) => (format!("message {message} fits no application"), String::new()),
        (false, "contradiction") => (
            format!("message {message} contradicts itself: {why}"),
            one::candidates(app, &waiting.mail, masking)?,
        ),
        (false, _) => (
            format!("message {message} may be about one application or another: {why}"),
            one::candidates(app, &waiting.mail, masking)?,
        ),
    };
    Ok(Failure::new(what).hint(
        format!("name the application it is about: `acewatch review accept {message} APP`\n{list}")
            .trim_end()
            .to_owned(),
    ))
}

fn waiting(app: &App, message: i64) -> Result<Waiting, Failure> {
    let stored = one::stored(app, message)?;
    // A recorded mail in words that no rule knows wants to be looked at, too.
    if stored.review.as_deref() != Some("open") && !stored.is_unrecognised {
        return Err(Failure::new(format!("message {message} does not wait for review")).hint(
            format!("`acewatch review assign {message} APP` records it for another application"),
        ));
    }
    Ok(app.looked_at(stored)?)
}

/// The messages that words name: `12`, `12,15`, and `20-25` for those between that wait.
fn numbers(app: &App, words: &[String]) -> Result<Vec<i64>, Failure> {
    let mut found: Vec<i64> = Vec::new();
    let bad = |word: &str| {
        Failure::usage(format!("{:?} is no message's number", render::escaped(word)))
            .hint("write 12, or several: 12,15,20-25; `acewatch review` lists them")
    };
    for word in words.iter().flat_map(|words| words.split(',')).map(str::trim) {
        match word.split_once('-') {
            Some((from, to)) => {
                let (Ok(from), Ok(to)) = (from.parse::<i64>(), to.parse::<i64>()) else {
                    return Err(bad(word));
                };
                let open = query::review(app.store.read())?;
                let mut within: Vec<i64> =
                    open.iter().map(|mail| mail.id).filter(|id| (from..=to).contains(id)).collect();
                within.sort_unstable();
                if within.is_empty() {
                    return Err(Failure::new(format!("no message from {from} to {to} waits")));
                }
                found.extend(within);
            }
            None => found.push(word.parse().map_err(|_| bad(word))?),
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|id| seen.insert(*id));
    Ok(found)
}
