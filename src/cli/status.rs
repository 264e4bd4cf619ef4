//! `acewatch status`: the overview, freshness first.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::Context;
use super::failure::Failure;
use super::render::{self, Cell, Masking, rfc3339, rfc3339_or_null, styled};
use super::sign_in::{standing, standing_json};
use super::told;
use crate::app::App;
use crate::daemon;
use crate::domain::application::{Application, ApplicationId, History, Stage};
use crate::domain::company::company_key;
use crate::domain::coverage::Coverage;
use crate::domain::evaluation::{Attention, Evaluation};
use crate::domain::event::Event;
use crate::domain::watching::{Seen, WatchState, watch_state};
use crate::domain::zone::Zone;
use crate::store;
use crate::store::kept;
use crate::store::notice::{self, Told};
use crate::store::query::{self, MailboxState, Summary, Tallied};
use crate::store::record::Account;
use crate::store::sign_in::{self, SignIn};

/// Show how all applications stand
///
/// Applications that need you come first. A filter keeps those that fit it: a stage or attention
/// (overdue, due, unknown, action_needed, waiting, snoozed, approved, …), a route, a tag, an id, an
/// importer number, or a part of a company's name. Several filters must all fit.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Keep the applications that fit
    #[arg(value_name = "FILTER")]
    filters: Vec<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
    /// Print one line and exit as a monitoring plugin: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN
    #[arg(long, conflicts_with = "json")]
    check: bool,
    /// Show the quiet applications and every notice too, however many they are
    #[arg(long)]
    all: bool,
}

/// So many applications that need nobody are shown unless all are asked for.
const QUIET_SHOWN: usize = 20;

/// Prints the overview.
pub(crate) fn run(cx: &Context, args: &Args) -> Result<(), Failure> {
    let app = cx.app_to_look()?;
    let masking = &cx.masking(&app)?;
    let at = cx.at(&app)?;
    let now = cx.now(&app)?;
    let limit = (!args.all && !args.json && args.filters.is_empty()).then_some(QUIET_SHOWN);
    let mut overview = Overview::of(&app, now, at, &args.filters, limit, masking)?;
    overview.names_all_notices = args.all;
    if args.check {
        let (code, line) = overview.monitoring_line();
        render::print(&line)?;
        return if code == 0 { Ok(()) } else { Err(Failure::silent(code)) };
    }
    if args.json {
        return render::print_json(&overview.json(&app)?);
    }
    render::print(&overview.text(&app))
}

/// The overview as text, for other commands; at most `limit` applications that need nobody.
pub(crate) fn overview_text(
    app: &App,
    now: DateTime<Utc>,
    masking: &Masking,
    limit: Option<usize>,
) -> Result<String, Failure> {
    Ok(Overview::of(app, now, None, &[], limit, masking)?.text(app))
}

/// A mailbox with the state that follows from what is known of it.
struct Watched {
    name: String,
    state: WatchState,
    since: Option<DateTime<Utc>>,
    known: Option<MailboxState>,
    /// How the permission to read it stands; `None` where it needs none.
    oauth: Option<Option<SignIn>>,
}

struct Overview<'a> {
    now: DateTime<Utc>,
    at: Option<DateTime<Utc>>,
    masking: &'a Masking,
    watched: Vec<Watched>,
    /// Whether a daemon reads the mailboxes, and not only `acewatch check` now and then.
    is_running: bool,
    /// The applications to show, most urgent first.
    summaries: Vec<Summary>,
    /// How many fit, by stage and attention, those not shown included.
    tally: Vec<Tallied>,
    /// How many there are, whether they fit or not.
    n_all: usize,
    n_review: i64,
    n_pending_alerts: i64,
    n_unreadable: i64,
    n_unrecognised: i64,
    /// What was shown and nobody is known to have seen.
    unacknowledged: Vec<Told>,
    /// Whether each of these is named, and not only the most urgent.
    names_all_notices: bool,
    /// Why the daemon cannot write what it reads.
    database_fault: Option<String>,
}

impl<'a> Overview<'a> {
    fn of(
        app: &App,
        now: DateTime<Utc>,
        at: Option<DateTime<Utc>>,
        filters: &[String],
        n_quiet: Option<usize>,
        masking: &'a Masking,
    ) -> Result<Overview<'a>, Failure> {
        let db = app.store.read();
        let is_running = daemon::is_running(app.store.path());
        let known = query::mailboxes(db)?;
        let watched = app
            .settings
            .mailboxes
            .iter()
            .map(|mailbox| {
                let known = known.iter().find(|state| state.name == mailbox.name).cloned();
                let seen = known.as_ref().map_or(Seen::default(), |state| Seen {
                    last_complete_check: state.last_complete_check,
                    failing_since: state.failing_since,
                });
                // A mailbox that is looked at every two hours is not stale after one.
                let fresh_for = match seen.failing_since {
                    Some(_) => app.settings.watch.blind_after,
                    None => app.settings.watch.blind_after.max(mailbox.poll_interval * 2),
                };
                let fresh_for =
                    chrono::Duration::from_std(fresh_for).unwrap_or(chrono::Duration::MAX);
                let (state, since) = watch_state(seen, is_running, fresh_for, now);
                let account = Account { host: &mailbox.host, user: &mailbox.user };
                let stands = mailbox.secret.oauth().map(|_| sign_in::of(db, account));
                let oauth = stands.transpose()?;
                Ok(Watched { name: mailbox.name.clone(), state, since, known, oauth })
            })
            .collect::<Result<_, store::Error>>()?;
        let glance = match (n_quiet, at) {
            (Some(n_quiet), None) => app.glance(now, n_quiet)?,
            _ => None,
        };
        let (summaries, tally, n_all) = match glance {
            Some((summaries, tally)) => {
                let n_all = tally.iter().map(|(_, _, n)| n).sum();
                (summaries, tally, n_all)
            }
            None => {
                let mut summaries = app.overview(now, at)?;
                let n_all = summaries.len();
                for filter in filters {
                    let wanted = Filter::parse(filter, &summaries);
                    summaries.retain(|summary| wanted.fits(summary));
                }
                let tally = tallied(&summaries);
                if let Some(n_quiet) = n_quiet {
                    let n_loud =
                        summaries.iter().filter(|s| s.attention != Attention::None).count();
                    summaries.truncate(n_loud + n_quiet);
                }
                (summaries, tally, n_all)
            }
        };
        Ok(Overview {
            now,
            at,
            masking,
            watched,
            is_running,
            summaries,
            tally,
            n_all,
            n_review: query::n_review(db)?,
            n_pending_alerts: query::n_pending_alerts(db)?,
            n_unreadable: app.n_unreadable()?,
            n_unrecognised: kept::n_unrecognised(db)?,
            unacknowledged: notice::unacknowledged(db, now - chrono::Duration::days(30))?,
            names_all_notices: false,
            database_fault: daemon::database_fault(app.store.path()),
        })
    }

    /// The state of all mailboxes together: the worst, and stopped where there is none.
    fn state(&self) -> WatchState {
        let worst = self.watched.iter().map(|w| w.state).max().unwrap_or(WatchState::Stopped);
        // What is read and cannot be recorded is not watched, nor a mail that cannot be read: it may
        // be the answer.
        let is_impaired =
            self.database_fault.is_some() || 0 < self.n_unreadable || self.must_sign_in();
        if is_impaired { worst.max(WatchState::Degraded) } else { worst }
    }

    /// Whether a person must sign in to a mailbox, even where a connection still lives.
    fn must_sign_in(&self) -> bool {
        let stands = self.watched.iter().filter_map(|w| w.oauth.as_ref()?.as_ref());
        stands.into_iter().any(|stands| stands.needed_since.is_some())
    }

    fn last_complete_check(&self) -> Option<DateTime<Utc>> {
        let mut checks = self.watched.iter().map(|w| w.known.as_ref()?.last_complete_check);
        let first = checks.next()??;
        checks.try_fold(first, |oldest, check| Some(oldest.min(check?)))
    }

    fn n_where(&self, fits: impl Fn(Stage, Attention) -> bool) -> usize {
        self.tally
            .iter()
            .filter(|(stage, attention, _)| fits(*stage, *attention))
            .map(|(_, _, n)| n)
            .sum()
    }

    fn n_fitting(&self) -> usize {
        self.n_where(|_, _| true)
    }

    fn n_attention(&self, wanted: Attention) -> usize {
        self.n_where(|_, attention| attention == wanted)
    }

    fn n_stage(&self, stages: &[Stage]) -> usize {
        self.n_where(|stage, _| stages.contains(&stage))
    }

    fn n_waiting(&self) -> usize {
        self.n_where(is_waiting)
    }

    fn monitoring_line(&self) -> (u8, String) {
        let late = self.n_attention(Attention::Overdue) + self.n_attention(Attention::ActionNeeded);
        let (due, unknown) =
            (self.n_attention(Attention::Due), self.n_attention(Attention::Unknown));
        let state = self.state();
        let (code, word) = match state {
            WatchState::Stopped | WatchState::Blind => (3, "UNKNOWN"),
            _ if self.n_attention(Attention::Overdue)
                + self.n_stage(&[Stage::Rejected, Stage::Undeliverable])
                > 0 =>
            {
                (2, "CRITICAL")
            }
            _ if 0 < unknown => (3, "UNKNOWN"),
            _ if 0 < late + due || state == WatchState::Degraded => (1, "WARNING"),
            WatchState::Watching | WatchState::Degraded => (0, "OK"),
        };
        let line = format!(
            "{word} - {}; {} overdue, {} need action, {due} due, {unknown} unknown, {} waiting, {} to review | overdue={} due={due} unknown={unknown} applications={}\n",
            self.watch_line(None),
            self.n_attention(Attention::Overdue),
            self.n_attention(Attention::ActionNeeded),
            self.n_waiting(),
            self.n_review,
            self.n_attention(Attention::Overdue),
            self.n_fitting(),
        );
        (code, line)
    }

    /// One line on whether anybody watches.
    fn watch_line(&self, zone: Option<&Zone>) -> String {
        let ago = |at: DateTime<Utc>| match self.now - at {
            ago if ago < chrono::Duration::seconds(5) => "just now".to_owned(),
            ago => format!("{} ago", render::duration(ago)),
        };
        let last = match (self.last_complete_check(), zone) {
            (None, _) => "never read completely".to_owned(),
            (Some(at), None) => format!("last complete check {}", ago(at)),
            (Some(at), Some(zone)) => {
                format!("last complete check {} ({})", ago(at), render::moment(at, zone))
            }
        };
        match self.state() {
            _ if self.watched.is_empty() => "not watching: no mailbox is configured".to_owned(),
            WatchState::Watching if self.is_running => format!("watching, {last}"),
            WatchState::Watching => format!("{last}; no daemon is running"),
            WatchState::Degraded if self.is_running => format!("degraded, {last}"),
            WatchState::Degraded => format!("degraded, {last}; no daemon is running"),
            WatchState::Blind => format!("blind, {last}"),
            WatchState::Stopped => format!("stopped: no daemon is running, {last}"),
        }
    }

    /// The document; its applications are worked out as they are written.
    fn json(&'a self, app: &'a App) -> Result<Document<'a>, Failure> {
        let since = self.watched.iter().filter_map(|w| w.since).min();
        let watch = json!({
                "state": self.state().as_str(),
                "since": rfc3339_or_null(since),
                "last_complete_check": rfc3339_or_null(self.last_complete_check()),
                "database_error": self.database_fault,
                "mailboxes": self.watched.iter().map(|w| json!({
                    "name": w.name,
                    "state": w.state.as_str(),
                    "mode": w.known.as_ref().and_then(|k| k.mode.clone()),
                    "last_complete_check": rfc3339_or_null(w.known.as_ref().and_then(|k| k.last_complete_check)),
                    "error": w.known.as_ref().and_then(|k| k.error.clone()),
                    "hint": w.known.as_ref().and_then(|k| k.hint.clone()),
                    "oauth": w.oauth.as_ref().map(|stands| standing_json(stands.as_ref())),
                })).collect::<Vec<_>>(),
        });
        let counts = json!({
                "applications": self.n_fitting(),
                "waiting": self.n_waiting(),
                "due": self.n_attention(Attention::Due),
                "overdue": self.n_attention(Attention::Overdue),
                "unknown": self.n_attention(Attention::Unknown),
                "action_needed": self.n_attention(Attention::ActionNeeded),
                "approved": self.n_stage(&[Stage::Approved, Stage::Active]),
                "rejected": self.n_stage(&[Stage::Rejected]),
                "closed": self.n_stage(&[Stage::Closed]),
                "review": self.n_review,
                "undelivered_alerts": self.n_pending_alerts,
                "unacknowledged": self.unacknowledged.len(),
                "unreadable_mails": self.n_unreadable,
                "unrecognised": self.n_unrecognised,
        });
        Ok(Document {
            schema: "acewatch.status/1",
            generated_at: rfc3339(self.now),
            watch,
            counts,
            unacknowledged: told::unacknowledged_json(&self.unacknowledged, self.masking),
            applications: Applications {
                overview: self,
                app,
                coverage: app.coverage()?,
                events: query::all_events(app.store.read())?,
            },
        })
    }

    fn text(&self, app: &App) -> String {
        let zone = &app.settings.time_zone;
        let style = match self.state() {
            WatchState::Watching => render::GOOD,
            WatchState::Degraded => render::WARN,
            WatchState::Blind | WatchState::Stopped => render::ALARM,
        };
        let mut text = format!("{}\n", styled(&self.watch_line(Some(zone)), style));
        if let Some(fault) = &self.database_fault {
            text.push_str(&format!("  database: {}\n", render::escaped(fault)));
        }
        if 0 < self.n_unreadable {
            let n = usize::try_from(self.n_unreadable).unwrap_or(0);
            let mails = render::counted(n, "mail");
            text.push_str(&format!(
                "  {mails} could not be read; acewatch tries again: `acewatch doctor`\n"
            ));
        }
        if 0 < self.n_unrecognised {
            let n = usize::try_from(self.n_unrecognised).unwrap_or(0);
            let mails = render::counted(n, "mail");
            text.push_str(&format!(
                "  {mails} from CBP not recognised: `acewatch rules unrecognised`\n"
            ));
        }
        for w in &self.watched {
            let has_error = w.known.as_ref().is_some_and(|known| known.error.is_some());
            if let Some(Some(stands)) = &w.oauth {
                let (line, hint) = standing(&w.name, stands, self.now, zone);
                // The error below says the same.
                if !(has_error && stands.needed_since.is_some()) {
                    let hint = hint.map_or_else(String::new, |hint| format!(": {hint}"));
                    text.push_str(&format!("  {}: {}{hint}\n", w.name, render::escaped(&line)));
                }
            }
            let Some(error) = w.known.as_ref().and_then(|k| k.error.as_ref()) else { continue };
            text.push_str(&format!("  {}: {}\n", w.name, render::escaped(error)));
            if let Some(hint) = w.known.as_ref().and_then(|k| k.hint.as_ref()) {
                text.push_str(&format!(
                    "  {}\n",
                    styled(&format!("hint: {}", render::escaped(hint)), render::FAINT)
                ));
            }
        }
        let n_named = if self.names_all_notices { usize::MAX } else { told::NAMED };
        text.push_str(&told::unacknowledged(&self.unacknowledged, n_named, zone, self.masking));
        if let Some(at) = self.at {
            text.push_str(&format!("as of {}\n", render::moment(at, zone)));
        }
        if self.n_all == 0 && !self.watched.is_empty() && self.last_complete_check().is_none() {
            text.push_str("\nnothing was read yet: `acewatch check` reads the mail once, `acewatch service install` has it watched\n");
        } else if self.n_all == 0 {
            text.push_str("\nno applications yet: `acewatch add` registers one, and your own mails to CBP in the Sent folder register themselves\n");
            return text;
        }
        if self.n_fitting() == 0 {
            text.push_str("\nno application fits\n");
            return text;
        }
        let header = ["ID", "COMPANY", "NUMBER", "STAGE", "SENT", "", "NEXT DEADLINE"];
        let mut rows = vec![header.map(|name| Cell::styled(name, render::FAINT))];
        let mut days = Days::new(app.calendar.zone().clone());
        rows.extend(self.summaries.iter().map(|summary| self.row(summary, &mut days, zone)));
        text.push_str(&format!("\n{}", render::table(&rows)));
        let n_hidden = self.n_fitting().saturating_sub(self.summaries.len());
        if 0 < n_hidden {
            let more =
                format!("  … and {n_hidden} more that need nothing: `acewatch status --all`\n");
            text.push_str(&styled(&more, render::FAINT));
        }
        text.push_str(&format!("\n{}\n", self.counts_line()));
        text
    }

    fn row(&self, summary: &Summary, days: &mut Days, zone: &Zone) -> [Cell; 7] {
        let ApplicationId(id) = summary.application.id;
        let (attention, style) = match summary.attention {
            Attention::ActionNeeded => ("your turn", render::ALARM),
            Attention::Overdue => ("overdue", render::ALARM),
            Attention::Unknown => ("unknown", render::WARN),
            Attention::Due => ("due", render::WARN),
            Attention::None => ("", render::FAINT),
        };
        let snoozed = summary.snoozed_until.filter(|until| self.now < *until);
        let acked = summary.acked_at.map(|_| "acknowledged".to_owned());
        let said = snoozed.map(|until| self.snoozed(until, zone)).or(acked);
        let attention = match (attention, said) {
            (attention, None) => Cell::styled(attention, style),
            ("", Some(said)) => Cell::styled(said, style),
            (attention, Some(said)) => Cell::styled(format!("{attention}, {said}"), style),
        };
        let stage = summary.stage.as_str().replace('_', " ");
        let stage = match summary.stage {
            Stage::Approved | Stage::Active => Cell::styled(stage, render::GOOD),
            Stage::Rejected | Stage::Undeliverable => Cell::styled(stage, render::ALARM),
            _ => Cell::plain(stage),
        };
        let deadline = summary.next_deadline.map(|at| days.written(at).to_owned());
        // What is lost for good comes before what is only late.
        let cliff = summary.next_cliff.filter(|_| summary.attention != Attention::None);
        let cliff = cliff.map(|day| format!("refund by {}", render::short_day(day)));
        let next = match (deadline, cliff) {
            (Some(deadline), Some(cliff)) => Some(format!("{deadline}, {cliff}")),
            (deadline, cliff) => deadline.or(cliff),
        };
        let sent = summary.submitted_at.map(|at| days.written(at).to_owned());
        [
            Cell::right(id.to_string()),
            Cell::plain(render::shortened(&self.masking.text(&summary.application.company), 34)),
            Cell::plain(self.masking.number(&summary.application.number)),
            stage,
            Cell::plain(sent.unwrap_or_default()),
            attention,
            Cell::plain(next.unwrap_or_default()),
        ]
    }

    /// Until when an application is snoozed: the day, or the hour of today.
    fn snoozed(&self, until: DateTime<Utc>, zone: &Zone) -> String {
        let (now, local) = (self.now.with_timezone(zone), until.with_timezone(zone));
        match now.date_naive() == local.date_naive() {
            true => format!("snoozed until {}", local.format("%H:%M")),
            false => format!("snoozed until {}", render::short_day(local.date_naive())),
        }
    }

    /// How many applications there are of each sort. Each is counted once: as what it wants of
    /// somebody, else as what has become of it.
    fn counts_line(&self) -> String {
        let n_quiet = |stages: &[Stage]| {
            self.n_where(|stage, attention| attention == Attention::None && stages.contains(&stage))
        };
        // Nobody writes to CBP about a log-in that is late.
        let is_for_cbp =
            |stage: Stage, attention| attention == Attention::Overdue && stage.awaits_decision();
        let overdue = match self.n_where(is_for_cbp) {
            0 => "overdue",
            _ => "overdue (`acewatch draft --help`)",
        };
        let counts = [
            (self.n_attention(Attention::ActionNeeded), "your turn"),
            (self.n_attention(Attention::Overdue), overdue),
            (self.n_attention(Attention::Unknown), "unknown"),
            (self.n_attention(Attention::Due), "due"),
            (self.n_waiting(), "waiting"),
            (n_quiet(&[Stage::Draft]), "not sent"),
            (n_quiet(&[Stage::Approved, Stage::Active]), "approved"),
            (n_quiet(&[Stage::Closed]), "closed"),
        ];
        let mut parts: Vec<String> =
            counts.iter().filter(|(n, _)| 0 < *n).map(|(n, word)| format!("{n} {word}")).collect();
        if 0 < self.n_review {
            parts.push(format!("{} to review (`acewatch review`)", self.n_review));
        }
        if 0 < self.n_pending_alerts {
            let n = usize::try_from(self.n_pending_alerts).unwrap_or(0);
            parts.push(format!("{} not yet delivered", render::counted(n, "alert")));
        }
        let applications = render::counted(self.n_fitting(), "application");
        match parts.is_empty() {
            true => applications,
            false => format!("{applications}: {}", parts.join(", ")),
        }
    }
}

/// Days as a table has them; ten thousand applications share a few dozen.
struct Days {
    zone: Zone,
    written: BTreeMap<NaiveDate, String>,
}

impl Days {
    fn new(zone: Zone) -> Days {
        Days { zone, written: BTreeMap::new() }
    }

    fn written(&mut self, at: DateTime<Utc>) -> &str {
        let day = at.with_timezone(&self.zone).date_naive();
        self.written.entry(day).or_insert_with(|| render::short_day(day))
    }
}

/// How many applications there are of each stage and attention.
fn tallied(summaries: &[Summary]) -> Vec<Tallied> {
    let mut found: Vec<Tallied> = Vec::new();
    for summary in summaries {
        let (stage, attention) = (summary.stage, summary.attention);
        match found.iter_mut().find(|(s, a, _)| (*s, *a) == (stage, attention)) {
            Some((_, _, n)) => *n += 1,
            None => found.push((stage, attention, 1)),
        }
    }
    found
}

/// What `status --json` prints.
#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    generated_at: String,
    watch: Value,
    counts: Value,
    unacknowledged: Value,
    applications: Applications<'a>,
}

/// The applications of an overview. There may be ten thousand, so none is kept once it is written.
struct Applications<'a> {
    overview: &'a Overview<'a>,
    app: &'a App,
    coverage: Coverage,
    events: BTreeMap<ApplicationId, Vec<Event>>,
}

impl Serialize for Applications<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Overview { now, masking, summaries, .. } = self.overview;
        let mut written = serializer.serialize_seq(Some(summaries.len()))?;
        for summary in summaries {
            let application = &summary.application;
            let own = self.events.get(&application.id).map_or(&[][..], Vec::as_slice);
            let standing = self
                .app
                .standing_by(application, own, &self.coverage, *now)
                .map_err(serde::ser::Error::custom)?;
            let document = application_json(self.app, application, &standing, masking, false);
            written.serialize_element(&document)?;
        }
        written.end()
    }
}

/// An application as `status` and `show` have it in JSON.
#[derive(Serialize)]
pub(crate) struct ApplicationJson<'a> {
    id: i64,
    company: String,
    importer_number: String,
    route: &'static str,
    aliases: Vec<String>,
    tags: Vec<String>,
    contact: Option<String>,
    notes: Option<String>,
    liquidated_on: Option<String>,
    stage: &'static str,
    attention: &'static str,
    reason: Option<String>,
    submitted_at: Option<String>,
    attempts: usize,
    sent_at: Vec<String>,
    acknowledged_at: Option<String>,
    first_reply_at: Option<String>,
    decided_at: Option<String>,
    windows: Vec<WindowJson<'a>>,
    next_deadline: Option<String>,
    snoozed_until: Option<String>,
    acked_at: Option<String>,
    next_cliff: Option<CliffJson>,
}

/// A day after which a refund is lost.
#[derive(Serialize)]
struct CliffJson {
    claim: &'static str,
    on: String,
}

#[derive(Serialize)]
struct WindowJson<'a> {
    name: &'a str,
    opened_at: String,
    due_at: String,
    overdue_at: String,
    critical_at: Option<String>,
    closed_at: Option<String>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    explained: Option<Vec<String>>,
}

/// An application for JSON; `explained` adds how its dates came about.
pub(crate) fn application_json<'a>(
    app: &App,
    application: &Application,
    (history, evaluation): &'a (History, Evaluation),
    masking: &Masking,
    explained: bool,
) -> ApplicationJson<'a> {
    let ApplicationId(id) = application.id;
    let all = |texts: &[String]| texts.iter().map(|text| masking.plain(text)).collect();
    let maybe = |text: &Option<String>| text.as_deref().map(|text| masking.plain(text));
    let windows = evaluation.windows.iter().map(|(window, verdict)| WindowJson {
        name: window.name(),
        opened_at: rfc3339(window.opened_at),
        due_at: rfc3339(window.due.at),
        overdue_at: rfc3339(window.overdue.at),
        critical_at: window.critical.as_ref().map(|critical| rfc3339(critical.at)),
        closed_at: rfc3339_or_null(window.closed_at),
        verdict: verdict.as_str(),
        explained: explained.then(|| {
            let mut lines = window.explained(&app.calendar);
            lines.extend(app.calendar.caveats(window.running_counts()).lines());
            all(&lines)
        }),
    });
    ApplicationJson {
        id,
        company: masking.plain(&application.company),
        importer_number: masking.number(&application.number),
        route: application.route.as_str(),
        aliases: all(&application.aliases),
        tags: all(&application.tags),
        contact: maybe(&application.contact),
        notes: maybe(&application.notes),
        liquidated_on: application.liquidated_on.map(|day| day.to_string()),
        stage: history.stage().as_str(),
        attention: evaluation.attention.as_str(),
        reason: maybe(&history.reason),
        submitted_at: rfc3339_or_null(history.submitted_at),
        attempts: history.attempts.len(),
        sent_at: history.attempts.iter().map(|attempt| rfc3339(attempt.at)).collect(),
        acknowledged_at: rfc3339_or_null(history.acknowledged_at),
        first_reply_at: rfc3339_or_null(history.first_reply_at),
        decided_at: rfc3339_or_null(history.decided_at),
        windows: windows.collect(),
        next_deadline: rfc3339_or_null(evaluation.next_deadline),
        snoozed_until: rfc3339_or_null(evaluation.snoozed_until),
        acked_at: rfc3339_or_null(evaluation.acked_at),
        next_cliff: evaluation
            .cliff
            .map(|cliff| CliffJson { claim: cliff.claim.as_str(), on: cliff.on.to_string() }),
    }
}

/// Sent, and nothing to be done but wait.
fn is_waiting(stage: Stage, attention: Attention) -> bool {
    attention == Attention::None && stage.awaits_decision()
}

fn has_tag(application: &Application, tag: &str) -> bool {
    application.tags.iter().any(|own| own.to_lowercase() == tag)
}

/// What an application must be to be shown.
enum Filter {
    Stage(Stage),
    Attention(Attention),
    Waiting,
    Snoozed,
    /// The id, or a tag that is written like it.
    Id {
        id: ApplicationId,
        tag: String,
    },
    Words {
        tag: String,
        name: String,
        digits: String,
    },
}

impl Filter {
    /// A number is an id where one of the `summaries` has it, as wherever an application is named.
    fn parse(written: &str, summaries: &[Summary]) -> Filter {
        if let Ok(id) = written.trim().trim_start_matches('#').parse().map(ApplicationId)
            && summaries.iter().any(|summary| summary.application.id == id)
        {
            return Filter::Id { id, tag: written.to_lowercase() };
        }
        let word = written.to_lowercase().replace([' ', '-'], "_");
        match word.as_str() {
            "waiting" => return Filter::Waiting,
            "snoozed" => return Filter::Snoozed,
            _ => {}
        }
        match (Stage::parse(&word), Attention::parse(&word)) {
            (Some(stage), _) => Filter::Stage(stage),
            (None, Some(attention)) => Filter::Attention(attention),
            (None, None) => Filter::Words {
                tag: written.to_lowercase(),
                name: company_key(written),
                digits: written.chars().filter(char::is_ascii_alphanumeric).collect(),
            },
        }
    }

    fn fits(&self, summary: &Summary) -> bool {
        let application = &summary.application;
        match self {
            Filter::Stage(stage) => summary.stage == *stage,
            Filter::Attention(attention) => summary.attention == *attention,
            Filter::Waiting => is_waiting(summary.stage, summary.attention),
            Filter::Snoozed => summary.snoozed_until.is_some(),
            Filter::Id { id, tag } => application.id == *id || has_tag(application, tag),
            Filter::Words { tag, name, digits } => {
                let names = std::iter::once(&application.company).chain(&application.aliases);
                application.route.as_str() == tag
                    || has_tag(application, tag)
                    || (5 <= digits.len()
                        && digits.chars().any(|c| c.is_ascii_digit())
                        && application.number.digits().starts_with(digits.as_str()))
                    || (!name.is_empty()
                        && names.into_iter().any(|own| company_key(own).contains(name.as_str())))
            }
        }
    }
}
