//! A whole mail: parsed, authenticated, classified, matched, in every kind of folder.
#![no_main]

use acewatch::domain::message::{Envelope, FolderRole, Message, file_received_at};
use acewatch_fuzz::{RULES, assert_is_safe_to_show, check_growth, examine_everywhere};
use chrono::DateTime;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    read(data);
    check_growth(data, read);
});

fn read(data: &[u8]) {
    let mut message = Message::parse(data, FolderRole::Inbox, DateTime::UNIX_EPOCH);
    check(&message);
    let envelope = Envelope::read(data);
    assert_is_safe_to_show(&envelope.subject);
    file_received_at(data);
    examine_everywhere(&mut message, &RULES);
}

fn check(message: &Message) {
    assert!(message.headers.len() <= 2_000);
    assert!(message.text.len() <= 1 << 20 && message.quoted.len() <= 1 << 20);
    assert!(!message.subject.contains(['\n', '\t']), "{:?}", message.subject);
    for text in [&message.subject, &message.text, &message.quoted] {
        assert_is_safe_to_show(text);
    }
    assert_is_safe_to_show(&message.sender_line());
    for attachment in &message.attachments {
        assert_is_safe_to_show(attachment.name.as_deref().unwrap_or_default());
        assert_is_safe_to_show(&attachment.content_type);
    }
    for forwarded in &message.forwarded {
        assert_is_safe_to_show(&forwarded.subject);
        assert_is_safe_to_show(&forwarded.text);
    }
    for id in message.thread_ids().chain(message.message_id.as_deref()) {
        assert!(!id.is_empty() && !id.contains(char::is_whitespace), "{id:?}");
    }
    for sender in message.quoted_senders() {
        assert_is_safe_to_show(&sender);
    }
}
