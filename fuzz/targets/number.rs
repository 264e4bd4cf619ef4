//! Importer numbers as people enter them, and as they stand in a text.
#![no_main]

use acewatch::domain::importer::ImporterNumber;
use acewatch::domain::mention::{Mention, Shape, mask_ssns, mentions};
use acewatch_fuzz::check_growth;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    enter(&text);
    search(data);
    check_growth(data, search);
});

fn enter(text: &str) {
    let canonical = ImporterNumber::from_canonical(text);
    if let Some(number) = &canonical {
        assert_eq!(number.to_string(), text);
    }
    match text.parse::<ImporterNumber>() {
        Ok(number) => {
            let shown = number.to_string();
            assert_eq!(shown.parse(), Ok(number.clone()));
            assert_eq!(ImporterNumber::from_canonical(&shown), Some(number.clone()));
            let found = mentions(&format!("about {shown}."));
            assert_eq!(found.len(), 1, "{shown}");
            assert!(found[0].is_well_shaped() && found[0].readings()[0].covers(&number));
            if number.is_ssn() {
                let hidden = &shown[..6];
                assert!(
                    !number.masked().contains(hidden) && !format!("{number:?}").contains(hidden)
                );
                assert!(!mask_ssns(&shown, |_| false).contains(hidden));
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn search(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let found = mentions(&text);
    let mut last = 0;
    for mention in &found {
        assert!(last <= mention.start && mention.start < mention.end, "{mention:?}");
        assert_eq!(text.get(mention.start..mention.end), Some(mention.text.as_str()));
        last = mention.end;
        check(mention);
    }
    let masked = mask_ssns(&text, |_| true);
    for mention in mentions(&masked) {
        assert!(!matches!(mention.shape, Shape::Ssn(_)), "an SSN is left in {masked:?}");
    }
}

/// Whatever a mention reads as, its digits stand in the text in this order.
fn check(mention: &Mention) {
    let readings = mention.readings();
    assert!(!readings.is_empty() && readings.len() == mention.candidates().len());
    let digit = |letter: char| match letter {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(letter) - 0xfee0).unwrap_or(letter),
        letter => letter,
    };
    let written: Vec<char> =
        mention.text.chars().map(digit).map(|letter| letter.to_ascii_uppercase()).collect();
    for reading in readings {
        let mut rest = written.iter();
        let stands = reading
            .to_string()
            .chars()
            .filter(|letter| *letter != '-')
            .all(|wanted| rest.any(|letter| *letter == wanted));
        assert!(stands, "{} is not in {:?}", reading, mention.text);
        assert_eq!(reading.masked().len(), reading.to_string().len());
    }
}
