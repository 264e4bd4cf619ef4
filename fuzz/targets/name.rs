//! Company names: their keys, and the keys of everything in a text that may be one.
#![no_main]

use std::collections::BTreeSet;

use acewatch::domain::company::{CompanyName, company_key, names_in, sightings};
use acewatch_fuzz::check_growth;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    name(&String::from_utf8_lossy(data));
    search(data);
    check_growth(data, search);
});

fn name(written: &str) {
    let key = company_key(written);
    check(&key);
    assert_eq!(
        company_key(&written.to_ascii_uppercase()),
        company_key(&written.to_ascii_lowercase())
    );
    for part in CompanyName::parts(written) {
        assert!(!part.is_empty());
        check(&part);
    }
    let name = CompanyName::new(written);
    assert_eq!((name.written.as_str(), name.key), (written, key));
}

fn check(key: &str) {
    assert_eq!(company_key(key), key, "the key of a key is another one");
    let words: Vec<&str> = key.split_whitespace().collect();
    assert_eq!(words.join(" "), key);
    assert!(!key.chars().any(char::is_control));
}

fn search(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let found = sightings(&text);
    assert!(found.len() <= 4_000);
    let keys: BTreeSet<&str> = found.iter().map(|sighting| sighting.key.as_str()).collect();
    assert_eq!(keys.len(), found.len(), "a key is listed twice");
    // All of them would take most of the time.
    for key in keys.into_iter().step_by(1 + found.len() / 20) {
        check(key);
    }
    assert_eq!(names_in(&text).len(), found.len());
}
