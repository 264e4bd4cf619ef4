//! Authentication-Results and Received lines above and below our own.
#![no_main]

use acewatch::domain::authenticity::{Authenticity, Trust, Verdict};
use acewatch::domain::message::{FolderRole, Message};
use acewatch_fuzz::{RULES, check_growth, examine_everywhere, names_our_server, trust};
use chrono::DateTime;

const OURS: &str = "Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24]) by mx.broker.example (Postfix) with ESMTPS id 1; Mon, 4 May 2026 09:25:28 -0400\n";
const FOREIGN: &str = "Received: from a.cbp.dhs.gov (10.1.1.1) by mail.cbp.dhs.gov with ESMTP; Mon, 4 May 2026 09:25:21 -0400\n";
const PASS: &str =
    "Authentication-Results: mx.broker.example; dmarc=pass header.from=cbp.dhs.gov\n";
const FAIL: &str =
    "Authentication-Results: mx.broker.example; dmarc=fail header.from=cbp.dhs.gov\n";
const FROM: &str = "From: ACE Applications <ACE.Applications@cbp.dhs.gov>\nSubject: Ridgeway Lantern Co 54-820736100\n\nYour account has been created.\n";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    judge(data);
    check_growth(data, judge);
});

fn judge(data: &[u8]) {
    let lines = trace_lines(&String::from_utf8_lossy(data));
    let parsed = |header: &str| {
        let mail = format!("{header}{FROM}");
        Message::parse(mail.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH)
    };
    let verdict = |header: &str| Authenticity::of(&parsed(header), &trust()).verdict;

    let mut message = parsed(&lines);
    let judged = Authenticity::of(&message, &trust()).verdict;
    assert!(judged != Verdict::Authentic || names_our_server(&message));
    examine_everywhere(&mut message, &RULES);

    // What a stranger wrote, below the hop at which he handed the mail over, changes nothing.
    for (top, expected) in
        [(PASS, Verdict::Authentic), ("", Verdict::Unverified), (FAIL, Verdict::Forged)]
    {
        assert_eq!(verdict(&format!("{top}{OURS}{FOREIGN}{lines}")), expected, "{top}");
    }
    // A failure that our server wrote on top stands, whatever follows.
    assert_eq!(verdict(&format!("{FAIL}{lines}")), Verdict::Forged);

    // Where our server writes no name, somebody still has to say that it passed.
    let nameless = Trust { authserv_ids: vec!["-".to_owned()], ..trust() };
    let judged = Authenticity::of(&message, &nameless).verdict;
    let says_pass = |value: &str| value.to_ascii_lowercase().contains("pass");
    let is_said = message.headers_named("Authentication-Results").any(says_pass);
    assert!(judged != Verdict::Authentic || is_said);
}

/// The input as fields that servers write on a mail's way; what has no such name becomes results.
fn trace_lines(text: &str) -> String {
    let mut lines = String::new();
    for line in text.split('\n').map(str::trim_end).filter(|line| !line.is_empty()) {
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        let is_trace = ["received", "authentication-results", "dkim-signature", "dmarc-filter"]
            .contains(&name.as_str())
            || name.starts_with("arc-")
            || name.starts_with("x-");
        let is_folded = line.starts_with([' ', '\t']) && !lines.is_empty();
        if !is_trace && !is_folded {
            lines.push_str("Authentication-Results: ");
        }
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}
