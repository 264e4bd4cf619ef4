//! New text and older mail told apart.
//!
//! Only what a sender wrote now may move an application; the older mail below it was judged when
//! it came. There is no standard for quoting, so this knows the habits of the common programs:
//! lines with ">", attribution lines ("On … wrote:"), separator lines, and the block of From,
//! Sent and Subject that Outlook writes. The first two may be answered between the lines, so the
//! text after them is new again; behind the others all is old.

use std::sync::LazyLock;

use regex::Regex;

use super::pattern;

/// Lines are looked at so far, in characters; no separator or attribution is longer.
const MAX_LINE: usize = 400;
/// An Outlook block is complete within so many lines, wrapped recipient lists included.
const MAX_BLOCK: usize = 12;

/// A text in two halves.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Split {
    pub text: String,
    pub quoted: String,
    /// The older mail stands under a line that says it was forwarded.
    pub is_forward: bool,
}

/// Separates new text from the older mail quoted in it.
pub(super) fn split(text: &str) -> Split {
    let lines: Vec<&str> = text.lines().collect();
    let mut new: Vec<&str> = Vec::new();
    let mut old: Vec<&str> = Vec::new();
    let mut is_forward = false;
    let mut rest = lines.as_slice();
    while let Some((line, tail)) = rest.split_first() {
        if is_quoted(line) {
            old.push(line);
            rest = tail;
            continue;
        }
        if let Some(kind) = separator(rest) {
            while new.last().is_some_and(|line| is_rule(line) || line.trim().is_empty()) {
                new.pop();
            }
            is_forward = kind == Separator::Forwarded;
            old.extend(rest);
            break;
        }
        match attribution(rest) {
            Some((attribution, after, Follows::Quotation)) => {
                old.extend(attribution);
                rest = after;
            }
            Some((_, _, Follows::OldText)) => {
                old.extend(rest);
                break;
            }
            None => {
                new.push(line);
                rest = tail;
            }
        }
    }
    Split { text: tidy(&new), quoted: tidy(&old), is_forward }
}

/// Lines without the blanks at their ends, and never more than one blank line in a row.
fn tidy(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut n_blank = 0;
    for line in lines {
        let line = line.trim_end();
        if line.is_empty() {
            n_blank += 1;
            continue;
        }
        if !text.is_empty() {
            text.push_str(if 0 < n_blank { "\n\n" } else { "\n" });
        }
        n_blank = 0;
        text.push_str(line);
    }
    text
}

fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Separator {
    Original,
    Forwarded,
}

fn separator(lines: &[&str]) -> Option<Separator> {
    let line = shortened(lines.first()?);
    let line = line.trim().trim_matches('*').trim();
    if line.is_empty() {
        return None;
    }
    if FORWARDED.is_match(line) {
        return Some(Separator::Forwarded);
    }
    if ORIGINAL.is_match(line) {
        return Some(Separator::Original);
    }
    let is_block = match is_rule(line) {
        true => {
            let below: Vec<&str> = lines
                .iter()
                .skip(1)
                .filter(|l| !l.trim().is_empty())
                .take(MAX_BLOCK)
                .copied()
                .collect();
            is_header_block(&below)
        }
        false => is_header_block(lines),
    };
    is_block.then_some(Separator::Original)
}

fn is_rule(line: &str) -> bool {
    let line = line.trim();
    10 <= line.len() && (line.bytes().all(|b| b == b'_') || line.bytes().all(|b| b == b'-'))
}

/// Recognises the copied header of an older mail: From, and two more of its kind close below,
/// so that a form with a line "From:" in it is not taken for one.
fn is_header_block(lines: &[&str]) -> bool {
    let Some((Label::From, value)) = lines.first().and_then(|line| label(line)) else {
        return false;
    };
    let mut seen = vec![Label::From];
    let mut has_address = value.contains('@');
    for line in lines.iter().skip(1).take(MAX_BLOCK).take_while(|line| !line.trim().is_empty()) {
        if let Some((label, value)) = label(line) {
            has_address |= label == Label::To && value.contains('@');
            if !seen.contains(&label) {
                seen.push(label);
            }
        } else if seen.len() == 1 {
            has_address |= line.contains('@');
        }
    }
    let says_what = seen.contains(&Label::Subject);
    let says_when = seen.contains(&Label::Date);
    3 <= seen.len() && (says_what || has_address) && (says_when || has_address)
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Label {
    From,
    To,
    Date,
    Subject,
    Other,
}

fn label(line: &str) -> Option<(Label, String)> {
    let line = shortened(line);
    // Text made from bold HTML writes *From:* or **From:**.
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_' | '>'));
    let (word, value) = line.split_once([':', '：'])?;
    let word =
        word.trim_matches(|c: char| c.is_whitespace() || matches!(c, '*' | '_')).to_lowercase();
    let is = |words: &[&str]| words.contains(&word.as_str());
    let label = match () {
        () if is(&[
            "from",
            "von",
            "de",
            "fra",
            "från",
            "da",
            "van",
            "od",
            "lähettäjä",
            "expéditeur",
            "发件人",
        ]) =>
        {
            Label::From
        }
        () if is(&[
            "to",
            "an",
            "à",
            "a",
            "para",
            "til",
            "till",
            "aan",
            "do",
            "vastaanottaja",
            "收件人",
        ]) =>
        {
            Label::To
        }
        () if is(&[
            "sent",
            "date",
            "gesendet",
            "datum",
            "envoyé",
            "enviado",
            "enviado el",
            "fecha",
            "sendt",
            "dato",
            "skickat",
            "inviato",
            "data",
            "verzonden",
            "lähetetty",
            "发送时间",
        ]) =>
        {
            Label::Date
        }
        () if is(&[
            "subject",
            "betreff",
            "objet",
            "asunto",
            "emne",
            "ämne",
            "oggetto",
            "assunto",
            "onderwerp",
            "aihe",
            "temat",
            "主题",
        ]) =>
        {
            Label::Subject
        }
        () if is(&[
            "cc",
            "kopie",
            "kopi",
            "copie",
            "importance",
            "wichtigkeit",
            "reply-to",
            "antwort an",
        ]) =>
        {
            Label::Other
        }
        () => return None,
    };
    Some((label, value.trim_matches(|c: char| c.is_whitespace() || c == '*').to_owned()))
}

/// Tells whether a line names the sender of an older mail, and gives what it says of him.
///
/// Knows the From line of a copied header and attribution lines, quoted or not.
pub(super) fn named_sender(line: &str) -> Option<String> {
    if let Some((Label::From, value)) = label(line) {
        return Some(value);
    }
    let line = shortened(line);
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '>');
    ATTRIBUTION.is_match(line).then(|| line.to_owned())
}

enum Follows {
    Quotation,
    OldText,
}

/// Reads an attribution, which may be wrapped over three lines: its lines, those after it, and
/// what follows.
fn attribution<'a, 'l>(lines: &'a [&'l str]) -> Option<(&'a [&'l str], &'a [&'l str], Follows)> {
    let mut joined = String::new();
    // Without its first line, to see whether that line belongs to it.
    let mut lower = String::new();
    for n_lines in 1..=3 {
        let (head, after) = lines.split_at_checked(n_lines)?;
        let line = head.last()?.trim();
        if line.is_empty() || is_quoted(line) {
            return None;
        }
        for text in [&mut joined, &mut lower].into_iter().take(n_lines) {
            text.push_str(&shortened(line));
            text.push(' ');
        }
        if !line.ends_with([':', '：']) {
            continue;
        }
        let is_followed_by_quotation =
            after.iter().find(|line| !line.trim().is_empty()).is_some_and(|line| is_quoted(line));
        let joined = joined.trim();
        let is_full = ATTRIBUTION.is_match(joined)
            && joined.contains(|c: char| c.is_ascii_digit())
            && !ATTRIBUTION.is_match(lower.trim());
        let is_short = n_lines == 1 && SHORT_ATTRIBUTION.is_match(joined);
        return match is_followed_by_quotation {
            true if is_full || is_short => Some((head, after, Follows::Quotation)),
            // Without quotation marks it takes a date with an hour or an address: "On May 3
            // your office wrote:" may well be the officer's own sentence.
            false if is_full && (joined.contains('@') || HOUR.is_match(joined)) => {
                Some((head, after, Follows::OldText))
            }
            _ => None,
        };
    }
    None
}

fn shortened(line: &str) -> String {
    line.chars().take(MAX_LINE).collect()
}

static FORWARDED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)^(?: -{2,}\s*(?:forwarded\ (?:message|by\b.*)|weitergeleitete\ (?:nachricht|e-mail)
        |message\ (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])|mensaje\ reenviado|mensagem\ encaminhada
        |messaggio\ inoltrato|videresendt\ (?:meddelelse|besked|melding)|vidarebefordrat\ meddelande
        |doorgestuurd\ bericht|v[äa]litetty\ viesti|转发的?邮件)\s*-{2,}
        | (?:begin\ forwarded\ message|anfang\ der\ weitergeleiteten\ (?:nachricht|e-mail)
        |d[ée]but\ du\ message\ (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée])|inicio\ del\ mensaje\ reenviado
        |inizio\ messaggio\ inoltrato|start\ videresendt\ besked|begin\ doorgestuurd\ bericht
        |vidarebefordrat\ brev)\s*:? )$",
    )
});

static ORIGINAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)^-{2,}\s*(?:original\ (?:message|appointment|e-?mail)|urspr[üu]ngliche\ (?:nachricht|e-?mail)
        |original-nachricht|message\ d['’]origine|message\ original|mensaje\ original|mensagem\ original
        |messaggio\ originale|oprindelig\ (?:meddelelse|besked)|opprinnelig\ melding
        |ursprungligt?\ meddelande|originalmeddelande|oorspronkelijk\ bericht|alkuper[äa]inen\ viesti
        |原始邮件)\s*-{2,}$",
    )
});

static ATTRIBUTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)^(?:on|am|le|el|il|em|den|op|på|ons|w\ dniu|dne|lainaus)\b .{3,}
        (?:\bwrote|\bwrites|\bschrieb|\ba\ [ée]crit|\bescribi[óo]|\bha\ scritto|\bescreveu|\bskrev
        |\bschreef|\bkirjoitti|\bnapisał)\b.*[:：]$",
    )
});

static SHORT_ATTRIBUTION: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?ix)(?:\b(?:wrote|writes|schrieb|a\ [ée]crit|escribi[óo]|ha\ scritto|escreveu|skrev|schreef
        |kirjoitti|napisał)\s*|写道\s*|@[^\s]+\s*)[:：]$",
    )
});

static HOUR: LazyLock<Regex> = LazyLock::new(|| pattern(r"\d{1,2}[:.h]\d{2}"));

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mail: &str, text: &str, quoted: &str, is_forward: bool) {
        let expected = Split { text: text.into(), quoted: quoted.into(), is_forward };
        assert_eq!(split(mail), expected, "{mail}");
    }

    #[test]
    fn quoted_lines_may_be_answered_between_and_below() {
        check("> a\nyes\n> b\nno\n", "yes\nno", "> a\n> b", false);
        check(
            "new\n\nOn Mon, 4 May 2026 at 9:05, A <a@x> wrote:\n> old\n> older\n\nbelow",
            "new\n\nbelow",
            "On Mon, 4 May 2026 at 9:05, A <a@x> wrote:\n> old\n> older",
            false,
        );
        check("A wrote:\n\n> old\nnew", "new", "A wrote:\n> old", false);
    }

    #[test]
    fn attributions_are_known_in_several_languages_and_wrapped() {
        for attribution in [
            "On Mon, May 4, 2026 at 9:05 AM Entry Ops <ops@broker.example> wrote:",
            "On Mon, May 4, 2026 at 9:05 AM Entry Ops\n<ops@broker.example> wrote:",
            "On Mon, May 4, 2026\nat 9:05 AM Entry Ops\n<ops@broker.example> wrote:",
            "Am 04.05.26 um 15:05 schrieb Entry Ops:",
            "Am Mo., 4. Mai 2026 um 15:05 Uhr schrieb Entry Ops <\nops@broker.example>:",
            "Le lun. 4 mai 2026 à 15:05, Ops <ops@broker.example> a écrit :",
            "El lun, 4 may 2026 a las 9:05, Ops (<ops@broker.example>) escribió:",
            "Den 4. maj 2026 kl. 15.05 skrev Ops <ops@broker.example>:",
            "Op ma 4 mei 2026 om 15:05 schreef Ops <ops@broker.example>:",
            "Il giorno lun 4 mag 2026 alle 15:05 Ops ha scritto:",
        ] {
            check(
                &format!("new\n\n{attribution}\nold"),
                "new",
                &format!("{attribution}\nold"),
                false,
            );
            check(
                &format!("On hold.\n{attribution}\n> old\nbelow"),
                "On hold.\nbelow",
                &format!("{attribution}\n> old"),
                false,
            );
        }
        check(
            "On May 3 your office wrote:\nplease wait",
            "On May 3 your office wrote:\nplease wait",
            "",
            false,
        );
        check("We wrote:\nplease wait", "We wrote:\nplease wait", "", false);
    }

    #[test]
    fn behind_a_separator_all_is_old() {
        for (separator, is_forward) in [
            ("-----Original Message-----", false),
            ("-----Ursprüngliche Nachricht-----", false),
            ("----- Message d'origine -----", false),
            ("-------- Forwarded Message --------", true),
            ("---------- Forwarded message ---------", true),
            ("-------- Weitergeleitete Nachricht --------", true),
            ("Begin forwarded message:", true),
        ] {
            check(
                &format!("new\n\n{separator}\nx\ny"),
                "new",
                &format!("{separator}\nx\ny"),
                is_forward,
            );
        }
    }

    #[test]
    fn the_block_of_outlook_begins_the_older_mail() {
        for block in [
            "From: LOMAX, REGINA <r@cbp.dhs.gov>\nSent: Monday\nSubject: x\n\nold",
            "*From:* Entry Ops\n*Sent:* Monday, May 4, 2026\n*To:* ACE Applications\n*Subject:* x\n\nold",
            "________________________________\nFrom: Ops\nSent: Monday\nTo: x\nSubject: x\n\nold",
            "Von: Ops <o@x>\nGesendet: Montag\nAn: x\nBetreff: x\n\nold",
            "De : Ops\nEnvoyé : lundi\nÀ : x\nObjet : x\n\nold",
            "De: Ops\nEnviado el: lunes\nPara: x\nAsunto: x\n\nold",
            "Fra: Ops\nSendt: mandag\nTil: x\nEmne: x\n\nold",
            "From: Ops\n<ops@broker.example>\nSent: Monday\nTo: a; b;\n c\nSubject: x\n\nold",
        ] {
            check(&format!("new\n\n{block}"), "new", block, false);
        }
    }

    #[test]
    fn a_form_with_a_from_line_is_new_text() {
        for text in [
            "From: 1 May\nTo: 31 May\nport 2704",
            "From: the port\nwe have nothing",
            "________________________________\nRegina Lomax",
            "--\nRegina Lomax\nFrom: Boston",
        ] {
            check(text, text, "", false);
        }
    }

    #[test]
    fn senders_of_older_mail_are_found() {
        fn named(line: &str, expected: Option<&str>) {
            assert_eq!(named_sender(line).as_deref(), expected);
        }
        named("> *From:* A <a@x>", Some("A <a@x>"));
        named("On 4 May, A <a@x> wrote:", Some("On 4 May, A <a@x> wrote:"));
        named("To: a@x", None);
    }
}
