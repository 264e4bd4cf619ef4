//! Deadlines as a person and a script read them: where they begin, where they end, and whose clock
//! counts.

use std::fs;

use serde_json::Value;

use crate::support::OFFICE;
use crate::support::mail::{ACME, from_cbp, submission};
use crate::support::program::Program;

/// A home whose reader lives in `zone`, with more in the configuration's last table, `[calendar]`.
fn program(zone: &str, calendar: &str) -> Program {
    let program = Program::new();
    let text = OFFICE.replace("America/Denver", zone);
    let text = format!("{text}[calendar]\n{calendar}\n");
    fs::write(program.path("config/acewatch/config.toml"), text).unwrap();
    program
}

/// The windows that a submission would open: name, and each date with its instant.
fn forecast(program: &Program, submitted: &str) -> Vec<String> {
    let document = program.json(&["calendar", "--json", "--submitted", submitted]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut lines = vec![text(&document["explained"])];
    for window in document["windows"].as_array().unwrap() {
        for date in window["dates"].as_array().unwrap() {
            lines.push(format!(
                "{} {} {}{} {}",
                text(&window["name"]),
                text(&date["name"]),
                date["days"],
                if date["unit"] == "business" { "bd" } else { "d" },
                text(&date["at"]),
            ));
        }
    }
    lines
}

#[test]
fn the_agency_s_clock_counts_wherever_the_reader_is() {
    let here = forecast(&program("America/New_York", ""), "2026-10-27T16:00:00Z");
    // A week in which New York's clocks go back: its days end an hour later by UTC afterwards. The
    // answer is promised in business days, the decision awaited in calendar days.
    assert_eq!(
        here,
        [
            "sent on Tue 27 Oct 2026 (America/New_York); that day is day 0",
            "acknowledgement due 1bd 2026-10-29T03:59:59Z",
            "acknowledgement overdue 3bd 2026-10-31T03:59:59Z",
            "first_response due 3bd 2026-10-31T03:59:59Z",
            "first_response overdue 5bd 2026-11-04T04:59:59Z",
            "decision due 7d 2026-11-04T04:59:59Z",
            "decision overdue 14d 2026-11-11T04:59:59Z",
            "decision critical 21d 2026-11-18T04:59:59Z",
        ]
    );
    for zone in ["Asia/Tokyo", "America/Denver", "Pacific/Apia", "UTC"] {
        assert_eq!(forecast(&program(zone, ""), "2026-10-27T16:00:00Z"), here, "{zone}");
    }
}

#[test]
fn what_is_sent_after_the_cut_off_or_on_a_weekend_says_so() {
    let program = program("Asia/Tokyo", "cut-off = \"17:00\"");
    let text = |submitted: &str| {
        program.ok(&["calendar", "--submitted", submitted, "--route", "web-importer"])
    };
    let friday = text("2026-12-18T17:01:00-05:00");
    insta::assert_snapshot!("sent_on_a_friday_evening", friday);
    // The day is another one, and the answer is due at the same time.
    let dates = |text: &str| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let business_days = |text: &str| -> Vec<String> {
        let lines = dates(text).into_iter();
        lines.filter(|line| line.contains("business")).map(|line| line[..27].to_owned()).collect()
    };
    for other in ["2026-12-18T16:59:00-05:00", "2026-12-19T12:00:00-05:00", "2026-12-20"] {
        assert_eq!(business_days(&text(other)), business_days(&friday), "{other}");
    }
    let refused = program.run(&["calendar", "--submitted", "2026-12-18", "--days", "3"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    let refused = program.run(&["calendar", "--submitted", "soon"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
}

#[test]
fn the_first_response_counts_from_the_receipt_that_came() {
    let program = program("America/New_York", "");
    let at = |text: &str| text.parse().unwrap();
    for (folder, text) in [
        ("Sent", submission(ACME, at("2026-05-04T15:00:00Z"))),
        (
            "INBOX",
            from_cbp(
                "Automatic reply: ACE Account Application - Acme Imports LLC - 12-345678900",
                "We have received your ACE application. You can expect a response within 3-5 \
                 business days.\r\n",
                "receipt@cbp.example",
                "submission.12-345678900@mail.broker.example",
                at("2026-05-06T15:00:00Z"),
            ),
        ),
    ] {
        fs::create_dir_all(program.path("mails").join(folder)).unwrap();
        fs::write(program.path("mails").join(folder).join("1.eml"), text).unwrap();
    }
    program.ok(&["import", "mails", "--at", "2026-05-06T18:00:00Z"]);
    let document = program.json(&["show", "1", "--json", "--at", "2026-05-06T18:00:00Z"]);
    let opened = |name: &str| {
        let windows = document["windows"].as_array().unwrap();
        let window = windows.iter().find(|window| window["name"] == name).unwrap();
        format!("{} {}", window["opened_at"].as_str().unwrap(), window["due_at"].as_str().unwrap())
    };
    assert_eq!(opened("first_response"), "2026-05-06T15:00:00Z 2026-05-12T03:59:59Z");
    assert_eq!(opened("decision"), "2026-05-04T15:00:00Z 2026-05-12T03:59:59Z");
}

#[test]
fn a_date_beyond_what_is_known_of_closures_is_never_silent() {
    let program = program("America/New_York", "");
    let count = ["calendar", "--json", "--from", "2026-12-21", "--days", "3"];
    let document = program.json(&count);
    assert_eq!(document["result"], "2026-12-24");
    let warning = document["warnings"][0].as_str().unwrap();
    assert!(warning.contains("for 24 December 2026 are not known yet"), "{warning}");
    assert!(warning.ends_with("if they are closed, it ends on Mon 28 Dec 2026"), "{warning}");
    let listed = program.ok(&["calendar", "--from", "2026-12-01"]);
    assert!(listed.contains("for 24 December 2026 are not known yet"), "{listed}");
    let submitted = ["--submitted", "2026-12-21", "--at", "2026-12-22"];
    let add = ["add", "--company", ACME.company, "--number", ACME.number];
    program.ok(&[&add[..], &submitted[..]].concat());
    let document = program.json(&["show", "1", "--json", "--at", "2026-12-22"]);
    let explained = document["windows"][0]["explained"].to_string();
    assert!(explained.contains("for 24 December 2026 are not known yet"), "{explained}");
}
