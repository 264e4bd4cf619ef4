//! An error and what caused it, in one line.

use std::error::Error;

/// The words of an error and of its causes, from what happened to why.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        // Some libraries repeat their cause in their own words.
        if !line.ends_with(&words) {
            line.push_str(": ");
            line.push_str(&words);
        }
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{0}")]
    struct Layer(&'static str, #[source] Option<Box<Layer>>);

    #[test]
    fn the_line_goes_from_what_to_why_and_says_nothing_twice_in_a_row() {
        for (layers, expected) in [
            (&["cannot log in"][..], "cannot log in"),
            (&["cannot log in", "no key", "cannot read k"], "cannot log in: no key: cannot read k"),
            (&["tls error: bad certificate", "bad certificate"], "tls error: bad certificate"),
            (&["tls: bad: expired", "bad: expired", "expired"], "tls: bad: expired"),
            (&["tls: bad", "tls: bad", "expired"], "tls: bad: expired"),
            (&["cannot read k", ""], "cannot read k"),
        ] {
            let error =
                layers.iter().rev().fold(None, |below, words| Some(Box::new(Layer(words, below))));
            assert_eq!(chain(&*error.unwrap()), expected);
        }
    }
}
