//! Drafts: which words they have, and that no foreign text leaves its place.

use super::*;
use crate::domain::classification::is_reminder;
use crate::domain::coverage::Coverage;
use crate::domain::event::Source;
use crate::domain::expectation::Windows;
use crate::domain::submission::Fault;
use crate::domain::window::windows;
use proptest::prelude::*;

/// What a case borrows.
struct Desk {
    application: Application,
    events: Vec<Event>,
    tickets: Vec<String>,
    thread: Thread,
}

/// A Thursday morning in New York.
fn now() -> DateTime<Utc> {
    "2026-05-21T14:00:00Z".parse().unwrap()
}

fn event(id: i64, days_ago: i64, kind: EventKind, text: Option<&str>) -> Event {
    Event {
        text: text.map(str::to_owned),
        ..Event::new(id, now() - chrono::Duration::days(days_ago), kind, Source::Message)
    }
}

fn desk(events: &[(i64, EventKind, Option<&str>)]) -> Desk {
    let events = events.iter().enumerate();
    Desk {
        application: Application {
            id: ApplicationId(7),
            company: "Acme Imports LLC".to_owned(),
            number: "12-345678900".parse().unwrap(),
            ..Application::example()
        },
        events: events
            .map(|(n, (ago, kind, text))| event(n as i64 + 1, *ago, *kind, *text))
            .collect(),
        tickets: Vec::new(),
        thread: Thread::default(),
    }
}

impl Desk {
    fn with<T>(&self, told: impl Fn(&Case) -> T) -> T {
        let calendar = Calendar::new(Zone::new_york(), Vec::new(), None);
        let history = History::of(&self.events);
        let windows: Vec<(Window, Verdict)> =
            windows(&history, Windows::default().of(Route::Email), &calendar)
                .into_iter()
                .map(|window| {
                    let verdict = window.verdict(&Coverage::default(), now());
                    (window, verdict)
                })
                .collect();
        told(&Case {
            application: &self.application,
            history: &history,
            events: &self.events,
            windows: &windows,
            tickets: &self.tickets,
            thread: &self.thread,
            contact: &Contact::default(),
            applications_address: "ACE.Applications@cbp.dhs.gov",
            calendar: &calendar,
            reader: &Zone::utc(),
            now: now(),
        })
    }
}

const MAILS: [DraftKind; 3] = DraftKind::ALL;

#[test]
fn a_question_reads_like_one_and_an_application_does_not() {
    use self::EventKind::*;
    for (stage, events) in [
        ("silent", &[(17, Submitted, None)][..]),
        ("confirmed", &[(17, Submitted, None), (17, Receipt, None)]),
        ("answered", &[(17, Submitted, None), (9, Reply, None)]),
        ("asked", &[(17, Submitted, None), (9, InformationRequest, Some("incomplete_form"))]),
        ("rejected", &[(17, Submitted, None), (9, Rejected, None)]),
        ("returned", &[(17, Submitted, None), (17, Undeliverable, None)]),
    ] {
        for kind in MAILS {
            let mail = desk(events).with(|case| mail(kind, case));
            let is_question = kind != DraftKind::Resubmission;
            assert_eq!(is_reminder(&mail.text), is_question, "{stage}: {}", mail.text);
            assert_eq!(is_reminder(&mail.subject), kind == DraftKind::FollowUp, "{}", mail.subject);
        }
    }
}

#[test]
fn what_was_taken_back_or_lies_ahead_is_not_told() {
    use self::EventKind::*;
    let mut desk = desk(&[
        (17, Submitted, None),
        (5, Call, Some("by mistake")),
        (-1, Call, Some("to come")),
        (4, Undone, None),
        (3, Call, Some("they look")),
    ]);
    desk.events[3].undoes = Some(2);
    let card = desk.with(|case| card(case, "12-345678900", &str::to_owned));
    assert!(card.contains("they look") && !card.contains("mistake") && !card.contains("to come"));
}

#[test]
fn the_faults_of_the_last_attempt_are_named_before_it_is_sent_again() {
    let faults = Fault::NoPdf.as_str();
    let told = desk(&[(2, EventKind::Submitted, Some(faults))])
        .with(|case| remarks(DraftKind::Resubmission, false, case));
    assert_eq!(
        told,
        [
            "attach the filled form (PDF) before you send it",
            "the mailboxes were not read up to a deadline, so CBP may have answered: `acewatch check` first",
            "what was wrong with the last one: no PDF is attached",
        ]
    );
}

#[test]
fn a_message_id_that_could_break_a_header_is_left_out() {
    for id in ["a b@c", "a>\r\nBcc: <x@y", "café@c", "nothing", &format!("{}@c", "a".repeat(250))]
    {
        let mut desk = desk(&[(17, EventKind::Submitted, None)]);
        desk.thread.submission = Some(id.to_owned());
        let mail = desk.with(|case| mail(DraftKind::FollowUp, case));
        assert_eq!((mail.in_reply_to, mail.references), (None, Vec::new()), "{id}");
    }
}

proptest! {
    #[test]
    fn no_foreign_text_ends_a_line(
        company in "(?s).{1,300}",
        subject in "(?s).{0,300}",
        ticket in "(?s).{0,30}",
        said in "(?s).{0,300}",
    ) {
        use self::EventKind::*;
        let mut desk = desk(&[(17, Submitted, None), (9, Reply, None), (3, Call, Some(said.as_str()))]);
        desk.application.company = company.clone();
        desk.application.aliases = vec![company];
        desk.tickets = vec![ticket];
        let address = "regina.lomax@cbp.dhs.gov".to_owned();
        desk.thread.letter = Some(Letter { address, message_id: None, subject });
        for kind in MAILS {
            let mail = desk.with(|case| mail(kind, case));
            prop_assert!(!mail.subject.contains(char::is_control), "{:?}", mail.subject);
            prop_assert!(mail.subject.chars().count() <= 250);
            for line in mail.text.lines() {
                let is_one_word = line.split_whitespace().count() < 2;
                prop_assert!(line.chars().count() <= WIDTH || is_one_word, "{:?}", line);
            }
            let expected = ["Hello,", "Company:", "Importer number: 12-345678900", "Thank you."];
            for start in expected {
                let n = mail.text.lines().filter(|line| line.starts_with(start)).count();
                prop_assert!(1 <= n, "{start}: {}", mail.text);
            }
        }
        let card = desk.with(|case| card(case, "12-345678900", &str::to_owned));
        let heads = card.lines().filter(|line| *line == "Have ready").count();
        prop_assert_eq!(heads, 1);
        prop_assert!(card.lines().all(|line| !line.contains(char::is_control)));
    }
}
