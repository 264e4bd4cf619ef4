//! What the clock makes of an application: windows, attention, and the alerts that hold now.
//!
//! Evaluation is level-triggered: it lists everything that is true at `now` and remembers nothing,
//! so a call too many is harmless and a missed one heals itself. It also says when its answer can
//! next change, so that nobody needs to ask before.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::alert::{Alert, AlertKind, titled};
use super::application::{Application, ApplicationId, History, Stage};
use super::calendar::Calendar;
use super::cliff::{Cliff, nearing};
use super::coverage::Coverage;
use super::expectation::{Owes, WindowRule};
use super::silence::Silence;
use super::span::Span;
use super::submission::Fault;
use super::window::{Deadline, Verdict, Window, windows};

/// Whether an application needs a person, most urgent last.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Attention {
    /// No.
    #[default]
    None,
    /// An answer was promised by now.
    Due,
    /// A deadline passed while nobody read the mailbox.
    Unknown,
    /// An answer is late.
    Overdue,
    /// It is the user's turn: CBP asks, refused, or never got it.
    ActionNeeded,
}

impl Attention {
    const ALL: [Attention; 5] = [
        Attention::None,
        Attention::Due,
        Attention::Unknown,
        Attention::Overdue,
        Attention::ActionNeeded,
    ];

    /// The name used in the contract and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Attention::None => "none",
            Attention::Due => "due",
            Attention::Unknown => "unknown",
            Attention::Overdue => "overdue",
            Attention::ActionNeeded => "action_needed",
        }
    }

    /// The attention of a name, if there is one.
    pub fn parse(name: &str) -> Option<Attention> {
        Attention::ALL.into_iter().find(|attention| attention.as_str() == name)
    }
}

/// How an application stands at an instant.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// Its windows with what each says.
    pub windows: Vec<(Window, Verdict)>,
    /// Whether it needs a person.
    pub attention: Attention,
    /// The next deadline of an open window.
    pub next_deadline: Option<DateTime<Utc>>,
    /// When the answer can next change by itself; `None` where only a mail or command can change it.
    pub next_at: Option<DateTime<Utc>>,
    /// The earliest passed deadline of which it is not known whether it was kept: the answer
    /// changes when the mailboxes have been read up to there.
    pub proof_needed: Option<DateTime<Utc>>,
    /// Until when a person does not want to hear of it.
    pub snoozed_until: Option<DateTime<Utc>>,
    /// Since when a person has known of all that is overdue, and has heard nothing new.
    pub acked_at: Option<DateTime<Utc>>,
    /// The next date after which a refund is lost, while the account is missing.
    pub cliff: Option<Cliff>,
    /// The alerts that hold.
    pub alerts: Vec<Alert>,
    /// What is yet to come: deadlines that lie ahead.
    pub ahead: Vec<Ahead>,
    /// How the keys of alerts begin of which nobody can say now whether they hold.
    pub unproved: Vec<String>,
}

/// A deadline that lies ahead. Who was told of it before it was moved there is told again then.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ahead {
    /// How the keys of its alerts begin.
    pub key: String,
    /// When it passes.
    pub at: DateTime<Utc>,
}

/// Says how an application stands at `now`. Safe to call at any time and any number of times.
pub fn evaluate(
    application: &Application,
    history: &History,
    rules: &[Arc<WindowRule>],
    coverage: &Coverage,
    calendar: &Calendar,
    reminders: &[Span],
    now: DateTime<Utc>,
) -> Evaluation {
    let windows: Vec<(Window, Verdict)> = windows(history, rules, calendar)
        .into_iter()
        .map(|window| {
            let verdict = window.verdict(coverage, now);
            (window, verdict)
        })
        .collect();
    let stage = history.stage();
    let attention = match stage {
        Stage::InformationRequested | Stage::Rejected | Stage::Undeliverable => {
            Attention::ActionNeeded
        }
        Stage::Closed => Attention::None,
        _ => {
            let attentions = windows.iter().map(|(window, verdict)| match *verdict {
                // Who is to be reminded of a log-in has an account that works: that is never late.
                Verdict::Due | Verdict::Overdue if window.recurs() => {
                    match window.is_critical(coverage, now) {
                        true => Attention::None,
                        false => Attention::Due,
                    }
                }
                verdict => attention_of(verdict, stage),
            });
            attentions.max().unwrap_or_default()
        }
    };
    let mut alerts = Vec::new();
    let mut reminded_at = Vec::new();
    let mut unproved = None;
    let sendable_until = sendable_until(history, &windows).filter(|until| now <= *until);
    if sendable_until.is_some() {
        alerts.extend(faulty_alert(application, history));
    }
    let silence = &history.silence;
    let mut ahead = Vec::new();
    if stage != Stage::Closed {
        ahead.extend(
            windows.iter().flat_map(|(window, _)| deadlines_ahead(application, window, now)),
        );
        alerts.extend(snooze_over(application, &windows, silence, coverage, now));
        // Who is told that one thing is late need not hear that another one is due, nor be reminded
        // of what was late before it.
        let overdue = windows.iter().filter(|(_, verdict)| *verdict == Verdict::Overdue);
        let last_overdue = overdue.map(|(window, _)| window).max_by_key(|w| w.overdue.at);
        for (window, verdict) in windows.iter().filter(|(window, _)| !window.is_past(now)) {
            let passed = passed(window, *verdict, coverage, now);
            let told = passed.filter(|(kind, deadline)| {
                let is_news = *kind != AlertKind::Due || last_overdue.is_none();
                is_news && !silence.covers(window, deadline.at)
            });
            alerts.extend(told.map(|passed| alert_of(application, window, passed)));
            let reminds = last_overdue.is_some_and(|last| std::ptr::eq(last, window));
            if reminds && !window.recurs() {
                let Reminders { last, next, unread } =
                    reminders_of(window, reminders, (coverage, calendar), now);
                unproved = unread;
                let told = last.filter(|(_, at)| !silence.covers(window, *at));
                alerts.extend(told.map(|(n, _)| reminder_alert(application, window, n, now)));
                reminded_at.extend(next);
            }
        }
    }
    let snoozed_until = silence.snooze_at(now).map(|snooze| snooze.until);
    let snoozed_until = snoozed_until.filter(|_| stage != Stage::Closed);
    let acked_at = acked_at(&windows, silence, now).filter(|_| stage != Stage::Closed);
    let nearing = nearing(application, stage, calendar, now);
    if nearing.is_pressing {
        for alert in alerts.iter_mut().filter(|alert| alert.kind.is_of_the_clock()) {
            alert.is_pressing = true;
        }
    }
    alerts.extend(nearing.alert.filter(|_| snoozed_until.is_none()));
    let proof_needed = windows
        .iter()
        .filter_map(|(window, _)| window.proof_needed(coverage, now))
        .chain(unproved)
        .min();
    let unproved_windows = windows.iter().filter(|(_, verdict)| *verdict == Verdict::Unknown);
    let unproved_keys =
        unproved_windows.map(|(window, _)| key(application, window, "")).collect::<Vec<_>>();
    let next_deadline = windows.iter().filter_map(|(window, _)| window.next_deadline(now)).min();
    let past_at = windows.iter().filter_map(|(window, _)| window.past_at()).find(|at| now <= *at);
    // The second after a deadline is the first at which it has passed.
    let next_at = next_deadline
        .into_iter()
        .chain(past_at)
        .chain(reminded_at)
        .chain(sendable_until)
        .min()
        .map(|at| at + chrono::Duration::seconds(1))
        .into_iter()
        .chain(snoozed_until)
        .chain(nearing.changes_at)
        .min();
    Evaluation {
        windows,
        attention,
        next_deadline,
        next_at,
        proof_needed,
        snoozed_until,
        acked_at,
        cliff: nearing.next,
        alerts,
        ahead,
        unproved: unproved_keys,
    }
}

fn attention_of(verdict: Verdict, stage: Stage) -> Attention {
    match verdict {
        Verdict::Overdue => Attention::Overdue,
        // What may have come after the decision need not be proved to have.
        Verdict::Unknown if matches!(stage, Stage::Approved | Stage::Active) => Attention::None,
        Verdict::Unknown => Attention::Unknown,
        Verdict::Due => Attention::Due,
        Verdict::Waiting | Verdict::Answered | Verdict::Paused | Verdict::NotExpected => {
            Attention::None
        }
    }
}

/// Since when a person has known of every window that is overdue.
fn acked_at(
    windows: &[(Window, Verdict)],
    silence: &Silence,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let mut overdue = windows.iter().filter(|(_, verdict)| *verdict == Verdict::Overdue);
    let (first, _) = overdue.next()?;
    let acked_at = silence.acknowledged_at(first, now)?;
    overdue.all(|(window, _)| silence.acknowledged_at(window, now).is_some()).then_some(acked_at)
}

/// The reminders of a window.
struct Reminders {
    /// Which one came last, and when.
    last: Option<(u32, DateTime<Utc>)>,
    /// When the next one comes.
    next: Option<DateTime<Utc>>,
    /// The first one whose time has come while nobody could see whether there is an answer.
    unread: Option<DateTime<Utc>>,
}

/// The reminders after the overdue date. Like every deadline, one counts only once the mailboxes
/// have been read up to it: nobody is reminded of what may lie in the mailbox.
fn reminders_of(
    window: &Window,
    reminders: &[Span],
    (coverage, calendar): (&Coverage, &Calendar),
    now: DateTime<Utc>,
) -> Reminders {
    /// Ten years of weekly reminders.
    const MOST: u32 = 520;
    let mut day = window.overdue.day();
    let (mut last, mut unread) = (None, None);
    let spans = reminders.iter().chain(reminders.last().into_iter().cycle());
    for (n, span) in (1..=MOST).zip(spans) {
        let next = calendar.count(day, *span).result;
        if next <= day {
            break;
        }
        day = next;
        let at = calendar.last_instant_of(day);
        if now <= at {
            return Reminders { last, next: Some(at), unread };
        }
        match window.is_proved(coverage, at) {
            true => last = Some((n, at)),
            false => unread = unread.or(Some(at)),
        }
    }
    Reminders { last, next: None, unread }
}

/// The last deadline of a window that is known to have passed, and what is told of it.
fn passed<'a>(
    window: &'a Window,
    verdict: Verdict,
    coverage: &Coverage,
    now: DateTime<Utc>,
) -> Option<(AlertKind, &'a Deadline)> {
    match verdict {
        _ if window.is_critical(coverage, now) => {
            Some((AlertKind::Critical, window.critical.as_ref()?))
        }
        Verdict::Overdue => Some((AlertKind::Overdue, &window.overdue)),
        Verdict::Due => Some((AlertKind::Due, &window.due)),
        _ => None,
    }
}

/// What is told when a snooze is over and something is still late: one alert, of the most urgent,
/// instead of those that fell into it.
///
/// It is of the kind that it stands for, so that it takes the same way to the same people.
fn snooze_over(
    application: &Application,
    windows: &[(Window, Verdict)],
    silence: &Silence,
    coverage: &Coverage,
    now: DateTime<Utc>,
) -> Option<Alert> {
    let until = silence.snooze_over(now)?;
    let late = windows.iter().filter_map(|(window, verdict)| {
        let (kind, deadline) = passed(window, *verdict, coverage, now)?;
        // What became critical in the meantime is news to whoever had acknowledged it before.
        let is_known = silence.acknowledged_until(window).is_some_and(|known| until <= known);
        (window.due.at < until && !is_known).then_some((kind, deadline, window))
    });
    let (kind, deadline, window) = late.min_by_key(|(kind, deadline, _)| (*kind, deadline.at))?;
    let alert = alert_of(application, window, (kind, deadline));
    let ApplicationId(id) = application.id;
    let what = format!("snooze over, {} {}", window.rule.short, kind.as_str());
    Some(Alert {
        key: format!("snooze/{id}/{}", until.timestamp()),
        title: titled(&application.company, &what),
        ..alert
    })
}

fn alert_of(
    application: &Application,
    window: &Window,
    (kind, deadline): (AlertKind, &Deadline),
) -> Alert {
    let advice = match (kind, window.rule.owes) {
        (AlertKind::Due, Owes::Cbp) => "Nothing to do yet but to look out for it.",
        _ => &window.rule.advice,
    };
    Alert {
        key: key(application, window, kind.as_str()),
        kind,
        application: Some(application.id),
        title: titled(&application.company, &stands(window, kind, deadline)),
        body: body(application, window, advice),
        is_pressing: false,
    }
}

/// How a window stands, in few words: "decision overdue since 14 May".
fn stands(window: &Window, kind: AlertKind, deadline: &Deadline) -> String {
    let since = deadline.day().format("%-d %b");
    format!("{} {} since {since}", window.rule.short, kind.as_str())
}

/// What to do, and where to read more.
fn body(application: &Application, window: &Window, advice: &str) -> String {
    let ApplicationId(id) = application.id;
    let by = window.due.day().format("%a %-d %b");
    let expected = match window.rule.owes {
        Owes::Cbp => format!("Expected by {by}: `acewatch show {id}`"),
        Owes::You => format!("To be done by {by}: `acewatch show {id}`"),
    };
    match advice {
        "" => expected,
        advice => format!("{advice}\n{expected}"),
    }
}

/// Until when a submission with faults is worth sending anew: while nobody at CBP has written and
/// a receipt, which a machine gives to any mail, would not be overdue.
fn sendable_until(history: &History, windows: &[(Window, Verdict)]) -> Option<DateTime<Utc>> {
    let is_at_cbp = matches!(history.stage(), Stage::Submitted | Stage::Acknowledged);
    let is_unread = is_at_cbp && history.first_reply_at.is_none();
    let is_faulty = history.attempts.last()?.faults.iter().any(|f| f.is_worth_sending_anew());
    let (acknowledgement, _) = windows.iter().find(|(window, _)| window.rule.awaits_receipt())?;
    (is_unread && is_faulty).then_some(acknowledgement.overdue.at)
}

fn faulty_alert(application: &Application, history: &History) -> Option<Alert> {
    let attempt = history.attempts.last()?;
    let faults: Vec<Fault> =
        attempt.faults.iter().copied().filter(|f| f.is_worth_sending_anew()).collect();
    let ApplicationId(id) = application.id;
    let check = match faults.contains(&Fault::UnlikelyNumber) || faults.contains(&Fault::Ssn) {
        true => "Check the number; if it is wrong, send it again.",
        false => "Send it again: CBP has not acted on it yet.",
    };
    Some(Alert {
        key: format!("submission/{id}/{}", attempt.at.timestamp()),
        kind: AlertKind::FaultySubmission,
        application: Some(application.id),
        title: titled(&application.company, "check what you sent"),
        is_pressing: false,
        body: format!(
            "{check}\nIn the mail to CBP {}. The right subject: `acewatch subject {id}`",
            Fault::told(&faults)
        ),
    })
}

fn reminder_alert(application: &Application, window: &Window, n: u32, now: DateTime<Utc>) -> Alert {
    let days = (now - window.overdue.at).num_days().max(1);
    let word = if days == 1 { "day" } else { "days" };
    let what = format!("{} overdue for {days} {word}", window.rule.short);
    Alert {
        key: key(application, window, &format!("reminder-{n}")),
        kind: AlertKind::Reminder,
        application: Some(application.id),
        title: titled(&application.company, &what),
        body: body(application, window, &window.rule.advice),
        is_pressing: false,
    }
}

fn deadlines_ahead(application: &Application, window: &Window, now: DateTime<Utc>) -> Vec<Ahead> {
    if !window.is_running() {
        return Vec::new();
    }
    let reminders = ("reminder", &window.overdue);
    let all = window.deadlines().chain([reminders]);
    let ahead = all.filter(|(_, deadline)| now <= deadline.at);
    ahead
        .map(|(what, deadline)| Ahead { key: key(application, window, what), at: deadline.at })
        .collect()
}

fn key(application: &Application, window: &Window, what: &str) -> String {
    let ApplicationId(id) = application.id;
    format!("window/{id}/{}/{}/{what}", window.name(), window.opened_at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::application::Route;
    use crate::domain::coverage::Watched;
    use crate::domain::event::{Event, EventKind, Source};
    use crate::domain::expectation::Windows;
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339(text).unwrap().to_utc()
    }

    fn evaluated(events: &[(&str, EventKind)], read_until: &str, now: DateTime<Utc>) -> Evaluation {
        let events: Vec<Event> = events
            .iter()
            .enumerate()
            .map(|(id, (when, kind))| happened(id as i64, at(when), *kind))
            .collect();
        evaluated_of(&events, read_until, now)
    }

    fn happened(id: i64, at: DateTime<Utc>, kind: EventKind) -> Event {
        Event::new(id, at, kind, Source::Message)
    }

    fn evaluated_of(events: &[Event], read_until: &str, now: DateTime<Utc>) -> Evaluation {
        evaluated_as(&Application::example(), events, read_until, now)
    }

    fn evaluated_as(
        application: &Application,
        events: &[Event],
        read_until: &str,
        now: DateTime<Utc>,
    ) -> Evaluation {
        evaluate(
            application,
            &History::of(events),
            Windows::default().of(Route::Email),
            &Coverage::common(&[vec![Watched {
                from: at("2026-01-01T00:00:00Z"),
                until: at(read_until),
            }]]),
            &Calendar::new(crate::domain::zone::Zone::new_york(), Vec::new(), None),
            &["2bd".parse().unwrap(), "7d".parse().unwrap()],
            now,
        )
    }

    const SENT: (&str, EventKind) = ("2026-04-30T15:00:00Z", EventKind::Submitted);
    const RECEIPT: (&str, EventKind) = ("2026-04-30T15:01:00Z", EventKind::Receipt);

    fn check(events: &[(&str, EventKind)], now: &str, attention: Attention, kinds: &[AlertKind]) {
        let evaluation = evaluated(events, "2026-12-31T00:00:00Z", at(now));
        assert_eq!(evaluation.attention, attention, "{now}");
        let found: Vec<AlertKind> = evaluation.alerts.iter().map(|alert| alert.kind).collect();
        assert_eq!(found, kinds, "{now}");
    }

    #[test]
    fn attention_and_alerts_follow_the_clock() {
        use AlertKind::*;
        check(&[SENT, RECEIPT], "2026-05-05T12:00:00Z", Attention::None, &[]);
        check(&[SENT, RECEIPT], "2026-05-06T12:00:00Z", Attention::Due, &[Due]);
        check(&[SENT, RECEIPT], "2026-05-08T12:00:00Z", Attention::Overdue, &[Overdue]);
        check(&[SENT, RECEIPT], "2026-05-12T12:00:00Z", Attention::Overdue, &[Overdue, Reminder]);
        check(
            &[SENT, RECEIPT, ("2026-05-07T12:00:00Z", EventKind::Rejected)],
            "2026-05-12T12:00:00Z",
            Attention::ActionNeeded,
            &[],
        );
    }

    #[test]
    fn a_faulty_submission_is_told_while_it_can_still_be_sent_again() {
        let event = |id, when, kind, text: Option<&str>| Event {
            text: text.map(str::to_owned),
            ..happened(id, at(when), kind)
        };
        let check = |events: &[Event], now: &str, expected: Option<&str>| {
            let evaluation = evaluated_of(events, "2026-12-31T00:00:00Z", at(now));
            let found: Vec<&Alert> = evaluation
                .alerts
                .iter()
                .filter(|a| a.kind == AlertKind::FaultySubmission)
                .collect();
            assert!(found.len() <= 1);
            assert_eq!(found.first().map(|alert| alert.body.as_str()), expected, "{now}");
        };
        let faulty = event(
            1,
            "2026-04-30T15:00:00Z",
            EventKind::Submitted,
            Some("no_pdf, prefix, no_suffix"),
        );
        let told = "Send it again: CBP has not acted on it yet.\nIn the mail to CBP no PDF is attached, the importer number lacks its suffix. The right subject: `acewatch subject 7`";
        let alone = std::slice::from_ref(&faulty);
        check(alone, "2026-04-30T15:01:00Z", Some(told));
        check(alone, "2026-05-06T03:00:00Z", Some(told));
        check(alone, "2026-05-06T04:00:00Z", None);
        let receipt = event(2, "2026-04-30T15:01:00Z", EventKind::Receipt, None);
        check(&[faulty.clone(), receipt], "2026-04-30T15:02:00Z", Some(told));
        let reply = event(2, "2026-04-30T16:01:00Z", EventKind::Reply, None);
        check(&[faulty.clone(), reply], "2026-04-30T17:00:00Z", None);
        // Whoever asks has read it, also once that is answered.
        let asked = event(2, "2026-04-30T16:01:00Z", EventKind::InformationRequest, None);
        let answered = event(3, "2026-04-30T17:00:00Z", EventKind::Answered, None);
        check(&[faulty.clone(), asked, answered], "2026-04-30T18:00:00Z", None);
        let again = event(2, "2026-04-30T15:05:00Z", EventKind::Submitted, None);
        check(&[faulty, again], "2026-04-30T15:06:00Z", None);
        let style = event(1, "2026-04-30T15:00:00Z", EventKind::Submitted, Some("prefix"));
        check(&[style], "2026-04-30T15:01:00Z", None);
        let example =
            event(1, "2026-04-30T15:00:00Z", EventKind::Submitted, Some("unlikely_number"));
        check(
            &[example],
            "2026-04-30T15:01:00Z",
            Some(
                "Check the number; if it is wrong, send it again.\nIn the mail to CBP the importer number is hardly a real one. The right subject: `acewatch subject 7`",
            ),
        );
    }

    #[test]
    fn an_account_in_use_is_told_of_at_its_dates_and_is_never_late() {
        let login = Event {
            text: Some("first-login".to_owned()),
            ..happened(1, at("2026-05-01T15:00:00Z"), EventKind::Milestone)
        };
        let check = |now: &str, attention: Attention, kinds: &[AlertKind]| {
            let found = evaluated_of(std::slice::from_ref(&login), "2026-12-31T00:00:00Z", at(now));
            let told: Vec<AlertKind> = found.alerts.iter().map(|alert| alert.kind).collect();
            assert_eq!((found.attention, &told[..]), (attention, kinds), "{now}");
        };
        use AlertKind::*;
        check("2026-06-05T12:00:00Z", Attention::None, &[]);
        check("2026-06-06T12:00:00Z", Attention::Due, &[Due]);
        check("2026-06-11T12:00:00Z", Attention::Due, &[Overdue]);
        check("2026-06-13T12:00:00Z", Attention::None, &[Critical]);
        check("2026-06-20T12:00:00Z", Attention::None, &[]);
        check("2026-11-20T12:00:00Z", Attention::None, &[]);
    }

    #[test]
    fn nobody_is_reminded_of_what_may_lie_unread_in_the_mailbox() {
        let check = |read_until: &str, kinds: &[AlertKind], proof_needed: Option<&str>| {
            let found = evaluated(&[SENT, RECEIPT], read_until, at("2026-05-12T12:00:00Z"));
            let alerts: Vec<AlertKind> = found.alerts.iter().map(|alert| alert.kind).collect();
            assert_eq!((&alerts[..], found.proof_needed), (kinds, proof_needed.map(at)));
        };
        use AlertKind::*;
        check("2026-05-12T03:59:58Z", &[Overdue], Some("2026-05-12T03:59:59Z"));
        check("2026-05-12T03:59:59Z", &[Overdue, Reminder], None);
    }

    #[test]
    fn nothing_is_said_of_a_time_that_nobody_watched() {
        let evaluation =
            evaluated(&[SENT, RECEIPT], "2026-05-01T00:00:00Z", at("2026-05-20T12:00:00Z"));
        assert_eq!(evaluation.attention, Attention::Unknown);
        assert!(evaluation.alerts.is_empty());
    }

    #[test]
    fn what_is_told_first_fits_on_a_line_of_sixty_characters() {
        let sent = happened(1, at("2026-04-30T15:00:00Z"), EventKind::Submitted);
        let faulty = Event { text: Some("no_pdf, no_suffix".to_owned()), ..sent.clone() };
        let asked = happened(2, at("2026-05-04T15:00:00Z"), EventKind::InformationRequest);
        let approved = happened(2, at("2026-05-04T15:00:00Z"), EventKind::Approved);
        let login = Event {
            text: Some("first-login".to_owned()),
            ..happened(3, at("2026-05-05T15:00:00Z"), EventKind::Milestone)
        };
        let snoozed = Event {
            until: Some(at("2026-05-25T15:00:00Z")),
            ..happened(2, at("2026-05-05T15:00:00Z"), EventKind::Snoozed)
        };
        let histories = [
            vec![sent.clone()],
            vec![faulty],
            vec![sent.clone(), asked],
            vec![sent.clone(), approved.clone()],
            vec![sent.clone(), approved, login],
            vec![sent, snoozed],
        ];
        let mut kinds = Vec::new();
        for events in &histories {
            for day in 0..120 {
                let now = at("2026-05-01T12:00:00Z") + chrono::Duration::days(day);
                for company in [
                    "Acme Imports LLC",
                    "The Extraordinarily Long and Winding Import Company of Somewhere LLC",
                ] {
                    let application = Application {
                        company: company.to_owned(),
                        liquidated_on: "2026-04-20".parse().ok(),
                        ..Application::example()
                    };
                    for alert in
                        evaluated_as(&application, events, "2026-12-31T00:00:00Z", now).alerts
                    {
                        let first = alert.body.lines().next().unwrap_or_default();
                        assert!(alert.title.chars().count() <= 60, "{}", alert.title);
                        assert!(first.chars().count() <= 60, "{first}");
                        assert!(
                            alert.title.starts_with(&company.chars().take(10).collect::<String>())
                        );
                        if !kinds.contains(&alert.kind) {
                            kinds.push(alert.kind);
                        }
                    }
                }
            }
        }
        kinds.sort();
        use AlertKind::*;
        assert_eq!(kinds, [FaultySubmission, Cliff, Critical, Overdue, Reminder, Due]);
    }

    proptest! {
        #[test]
        fn the_answer_does_not_change_before_it_says_so(hours in 0_i64..1500, later in 0_i64..1500) {
            let now = at("2026-04-30T15:02:00Z") + chrono::Duration::hours(hours);
            let first = evaluated(&[SENT, RECEIPT], "2026-12-31T00:00:00Z", now);
            let then = now + chrono::Duration::hours(later);
            let second = evaluated(&[SENT, RECEIPT], "2026-12-31T00:00:00Z", then);
            if first.next_at.is_none_or(|next| then < next) {
                let keys = |e: &Evaluation| e.alerts.iter().map(|a| a.key.clone()).collect::<Vec<_>>();
                prop_assert_eq!(first.attention, second.attention);
                prop_assert_eq!(keys(&first), keys(&second));
            }
        }
    }
}
