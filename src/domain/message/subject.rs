//! What stands before a subject: "Re:", "AW:", "Fwd:", `[EXTERNAL]` and their like.

use std::sync::LazyLock;

use regex::Regex;

use super::fields::{self, Field, clean_line};
use super::pattern;

/// The subject on one line, decoded, safe to show.
pub(super) fn decoded(headers: &[Field]) -> String {
    clean_line(&fields::decode_words(fields::first(headers, "Subject").unwrap_or_default()))
}

/// The subject without the prefixes, in any number and order.
pub fn without_prefixes(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some(found) = PREFIX.find(rest) {
        let after = rest.get(found.end()..).unwrap_or_default().trim_start();
        if after.len() == rest.len() {
            break;
        }
        rest = after;
    }
    rest
}

/// Tells whether the outermost prefix is one of forwarding: "Re: Fwd: x" answers a forward.
pub(super) fn is_forward(subject: &str) -> bool {
    let mut rest = subject.trim();
    while let Some(found) = TAG.find(rest) {
        rest = rest.get(found.end()..).unwrap_or_default().trim_start();
    }
    FORWARD_PREFIX.is_match(rest)
}

/// Marks that gateways put before a subject, the brackets included.
const TAG_PATTERN: &str = r"[\[({*]{1,3}\s*(?:external(?:\s+(?:e-?mail|mail|sender|message))?|ext|extern|caution|secure|suspected\s+spam|spam|bulk|marketing|unverified\s+sender)\s*[\])}*]{1,3}\s*:?|external\s*:|extern\s*:";
const FORWARD_WORDS: &str = r"fwd?|wg|tr|vs|vb|doorst|rv|enc|i|ilt|vl|转发|轉寄";
const OTHER_WORDS: &str = r"re|aw|sv|antw|antwort|r[eé]f|res|odp|ynt|ref|回复|回覆|答复|auto|autoreply|auto[- ]reply|automatic\s+reply|automatische\s+antwort|automatisch\s+antwoord|r[ée]ponse\s+automatique|respuesta\s+autom[áa]tica|automatisk\s+svar|autosvar|out\s+of\s+office|undeliverable|undelivered|unzustellbar|non\s+remis|no\s+se\s+puede\s+entregar|delayed|relayed|read|gelesen|returned\s+mail|failure\s+notice|delivery\s+(?:failure|delayed|has\s+failed)";

static PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    // "I:" forwards in Italian, but a subject may begin with it otherwise.
    let forward = FORWARD_WORDS.replace("|i|", "|");
    pattern(&format!(
        r"(?i)^(?:{TAG_PATTERN}|\[\s*fwd?:?\s*\]|\[\s*fwd?\s*:|(?:{forward}|{OTHER_WORDS})\s*(?:[\[(^]\s*\d{{1,3}}\s*[\])]?)?\s*[:：])"
    ))
});
static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"(?i)^(?:{TAG_PATTERN})")));
static FORWARD_PREFIX: LazyLock<Regex> = LazyLock::new(|| {
    // "RV:" is a forward in Spanish; "VS:" one in Danish, a reply in Finnish.
    pattern(
        r"(?i)^(?:\[\s*fwd?\b|(?:fwd?|wg|tr|vs|vb|doorst|rv|enc|ilt|vl|转发|轉寄)\s*(?:[\[(^]\s*\d{1,3}\s*[\])]?)?\s*[:：])",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_of_subjects_are_stripped_in_any_number() {
        fn check(subject: &str, expected: &str) {
            assert_eq!(without_prefixes(subject), expected, "{subject}");
        }
        for prefix in [
            "[EXTERNAL] RE: Re:Fwd: ",
            "AW:",
            "WG: ",
            "Re[2]: ",
            "Re(3):",
            "SV: Antw: RV:",
            "Automatic reply: ",
            "Auto:",
            "Undeliverable:",
            "TR : ",
            "VS: ",
            "Doorst: ",
            "[FWD] ",
            "(EXT) Re:",
            "*EXTERNAL* FW:",
            "EXTERNAL: re:",
            "[External Email] ",
            "回复：",
            "Re^2: ",
            "",
        ] {
            check(&format!("{prefix}Acme, EIN 12-3456789"), "Acme, EIN 12-3456789");
        }
        check("[Fwd: Acme]", "Acme]");
        for subject in [
            "Regal Imports: 1",
            "I: x",
            "Ref 12",
            "[Acme] Re: x",
            "External Trading Co",
            "Reading: x",
        ] {
            check(subject, subject);
        }
        check("Re:", "");
    }

    #[test]
    fn forwards_are_known_by_their_outermost_prefix() {
        for (subject, expected) in [
            ("FW: x", true),
            ("[EXTERNAL] Fwd: x", true),
            ("WG:x", true),
            ("TR : x", true),
            ("VS: x", true),
            ("Doorst: x", true),
            ("[FWD] x", true),
            ("RE: FW: x", false),
            ("Forward Air: x", false),
            ("x", false),
        ] {
            assert_eq!(is_forward(subject), expected, "{subject}");
        }
    }
}
