//! A user's rules file: read, and applied to mails that must move nothing whatever it says.
#![no_main]

use acewatch::domain::message::{FolderRole, Message};
use acewatch::domain::rules::{Evidence, Rules, fold};
use acewatch_fuzz::{check_growth, examine_everywhere};
use chrono::DateTime;

/// After this line of the input comes the text of a mail.
const END: &str = "\n#=#\n";

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    apply(data);
    fold_and_cut(data);
    check_growth(data, fold_and_cut);
});

fn apply(data: &[u8]) {
    let input = String::from_utf8_lossy(data);
    let (file, text) = input.split_once(END).unwrap_or((&input, "Your account is open."));
    let rules = match Rules::read(Some(file)) {
        Ok(rules) => rules,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    assert_eq!(rules.user(), Some(file));
    // To apply them, all patterns are compiled anew, which takes a hundred times as long.
    if data.len() % 8 != 0 {
        return;
    }
    for header in [
        "",
        "Authentication-Results: mx.broker.example; dmarc=fail header.from=cbp.dhs.gov\n",
        "Authentication-Results: mx.broker.example; dmarc=pass header.from=cbp.dhs.gov\n",
    ] {
        let mail = format!(
            "{header}From: ACE.Applications@cbp.dhs.gov\nSubject: Galena Glass Company 36-702918500\n\n{text}"
        );
        let mut message = Message::parse(mail.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH);
        examine_everywhere(&mut message, &rules);
    }
    let sentences = rules.clauses(text, &[]);
    let evidence = Evidence {
        from: "a@cbp.dhs.gov",
        headers: &[],
        subject: &fold(text),
        sentences: &sentences,
        automatic: true,
        in_thread: true,
    };
    let fit = rules.first_fit(&evidence).map(|(rule, fit)| (rule.id.clone(), fit));
    // The same rules say the same of the same mail, though patterns were compiled meanwhile.
    assert_eq!(rules.first_fit(&evidence).map(|(rule, fit)| (rule.id.clone(), fit)), fit);
    rules.reason(&sentences);
    rules.tickets(text);
}

fn fold_and_cut(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let folded = fold(&text);
    assert_eq!(fold(&folded), folded, "folding again changes the text");
    let clauses = acewatch_fuzz::RULES.clauses(&text, &["Galena Glass Company".to_owned()]);
    assert!(clauses.iter().all(|clause| !clause.is_empty()));
}
