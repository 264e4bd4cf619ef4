//! How things are shown: escaping, dates, tables.

use std::collections::BTreeSet;
use std::io::Write;

use anstyle::{AnsiColor, Style};
use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

use super::failure::Failure;
use crate::domain::importer::ImporterNumber;
use crate::domain::mention::mask_ssns;
use crate::domain::zone::Zone;

/// Makes a text of foreign origin safe to show on one line: control characters, including those
/// that turn the direction of writing, are spelled out.
pub fn escaped(text: &str) -> String {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' | '\r' => safe.push(' '),
            c if is_dangerous(c) => safe.extend(c.escape_unicode()),
            c => safe.push(c),
        }
    }
    safe
}

/// The same for a text of several lines.
pub fn escaped_lines(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}

fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// How secrets are shown.
#[derive(Clone, Debug, Default)]
pub struct Masking {
    /// Whether social security numbers are shown in full.
    pub reveal: bool,
    /// The registered ones: they are masked however they are written, bare digits included.
    pub ssns: BTreeSet<ImporterNumber>,
}

impl Masking {
    /// An importer number.
    pub fn number(&self, number: &ImporterNumber) -> String {
        if self.reveal { number.to_string() } else { number.masked() }
    }

    /// A number as it was written, if it is one.
    pub fn written(&self, number: &str) -> String {
        match number.parse::<ImporterNumber>() {
            Ok(parsed) if parsed.is_ssn() => self.number(&parsed),
            _ => self.plain(number),
        }
    }

    /// A text of foreign origin, on one line.
    pub fn text(&self, text: &str) -> String {
        self.plain(&escaped(text))
    }

    /// The same for JSON, which escapes by itself.
    pub fn plain(&self, text: &str) -> String {
        // Most texts have too few digits to hold one; letters beyond ASCII may be digits too.
        let has_digits = !text.is_ascii() || 9 <= text.bytes().filter(u8::is_ascii_digit).count();
        if self.reveal || !has_digits {
            return text.to_owned();
        }
        let masked = mask_ssns(text, |number| self.ssns.contains(number));
        self.ssns.iter().fold(masked, |text, number| without_digits(&text, number))
    }
}

/// Masks a registered number also where letters touch it or other marks divide it.
fn without_digits(text: &str, number: &ImporterNumber) -> String {
    let digits = number.digits();
    let mut found: Vec<(usize, char)> =
        text.char_indices().filter(|(_, c)| c.is_ascii_digit()).collect();
    let mut shown = text.to_owned();
    while let Some(start) = window_of(&found, &digits) {
        let Some(row) = found.get(start..start + digits.len()) else { break };
        let (Some((from, _)), Some((last, _))) = (row.first(), row.last()) else { break };
        // Digits far apart are not one number.
        let is_close = last - from < digits.len() * 2 + 4;
        if is_close {
            shown.replace_range(*from..=*last, &number.masked());
            found = shown.char_indices().filter(|(_, c)| c.is_ascii_digit()).collect();
        } else {
            found.drain(..=start);
        }
    }
    shown
}

fn window_of(found: &[(usize, char)], digits: &str) -> Option<usize> {
    found
        .windows(digits.len().max(1))
        .position(|row| row.iter().map(|(_, c)| *c).eq(digits.chars()))
}

/// RFC 3339 in UTC with seconds, as JSON has it.
pub fn rfc3339(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The same for an instant that may be absent.
pub fn rfc3339_or_null(at: Option<DateTime<Utc>>) -> Option<String> {
    at.map(rfc3339)
}

/// A day for a person: `Mon 4 May 2026`.
pub fn day(date: NaiveDate) -> String {
    date.format("%a %-d %b %Y").to_string()
}

/// A day of a table: `Mon 4 May`.
pub fn short_day(date: NaiveDate) -> String {
    date.format("%a %-d %b").to_string()
}

/// An instant for a person, in their zone: `Mon 4 May 2026 09:05 EDT`.
pub fn moment(at: DateTime<Utc>, zone: &Zone) -> String {
    at.with_timezone(zone).format("%a %-d %b %Y %H:%M %Z").to_string()
}

/// The beginning of a text, with a mark where something was left out.
pub fn shortened(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(limit.saturating_sub(1)).collect();
            format!("{}…", kept.trim_end())
        }
    }
}

/// How long something is: `3 days`, `2 hours`.
pub fn duration(span: chrono::Duration) -> String {
    let (n, unit) = match span {
        span if 2 <= span.num_days() => (span.num_days(), "day"),
        span if 2 <= span.num_hours() => (span.num_hours(), "hour"),
        span if 1 <= span.num_minutes() => (span.num_minutes(), "minute"),
        span => (span.num_seconds().max(0), "second"),
    };
    counted(usize::try_from(n).unwrap_or(0), unit)
}

/// A number of things: `1 alert`, `3 alerts`.
pub fn counted(n: usize, thing: &str) -> String {
    if n == 1 { format!("1 {thing}") } else { format!("{n} {thing}s") }
}

/// Writes to standard output; a closed pipe ends the command quietly.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    Ok(out.flush()?)
}

/// Writes bytes to standard output as they are.
pub fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)?;
    Ok(out.flush()?)
}

/// Writes one JSON document to standard output.
pub fn print_json(document: &impl serde::Serialize) -> Result<(), Failure> {
    let mut text = serde_json::to_vec_pretty(document).map_err(std::io::Error::from)?;
    text.push(b'\n');
    // JSON escapes every control character, so there is nothing to take out.
    let mut out = std::io::stdout().lock();
    out.write_all(&text)?;
    Ok(out.flush()?)
}

/// A cell of a table: a text that is safe to show, and its style.
#[derive(Clone, Debug, Default)]
pub struct Cell {
    text: String,
    style: Option<Style>,
    is_right: bool,
}

impl Cell {
    /// A cell without a style.
    pub fn plain(text: impl Into<String>) -> Cell {
        Cell { text: text.into(), ..Cell::default() }
    }

    /// A cell with a style.
    pub fn styled(text: impl Into<String>, style: Style) -> Cell {
        Cell { style: Some(style), ..Cell::plain(text) }
    }

    /// So many columns its text takes; most texts are ASCII, and ten thousand rows have many.
    fn width(&self) -> usize {
        use unicode_width::UnicodeWidthStr;
        if self.text.is_ascii() { self.text.len() } else { self.text.width() }
    }

    /// A cell whose text stands on the right, as numbers do.
    pub fn right(text: impl Into<String>) -> Cell {
        Cell { is_right: true, ..Cell::plain(text) }
    }
}

/// Lays rows out in columns, two blanks apart, as wide as their widest cell.
pub fn table<const N: usize>(rows: &[[Cell; N]]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::with_capacity(rows.len() * 100);
    for row in rows {
        let mut blanks = 1;
        for (width, cell) in widths.iter().zip(row) {
            let rest = width - cell.width();
            let (before, after) = if cell.is_right { (rest, 0) } else { (0, rest) };
            if !cell.text.is_empty() {
                text.extend(std::iter::repeat_n(' ', blanks + before));
                match cell.style {
                    Some(style) => text.push_str(&styled(&cell.text, style)),
                    None => text.push_str(&cell.text),
                }
                blanks = after + 2;
            } else {
                blanks += rest + 2;
            }
        }
        text.push('\n');
    }
    text
}

/// Styles a text; [`print()`] takes the style off where colour is not wanted.
pub fn styled(text: &str, style: Style) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of what is late or refused.
pub const ALARM: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Red))).bold();
/// The style of what is due or unknown.
pub const WARN: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));
/// The style of what is well.
pub const GOOD: Style = Style::new().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Green)));
/// The style of what can be overlooked.
pub const FAINT: Style = Style::new().dimmed();
/// The style of headings.
pub const STRONG: Style = Style::new().bold();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_a_cursor_or_turns_the_text_is_spelled_out() {
        assert_eq!(escaped("a\u{1b}[2Jb\u{202e}c\nd"), "a\\u{1b}[2Jb\\u{202e}c d");
        assert_eq!(escaped("Østerby & Søn A/S"), "Østerby & Søn A/S");
    }

    #[test]
    fn social_security_numbers_are_masked_unless_revealed() {
        let number: ImporterNumber = "123-45-6789".parse().unwrap();
        let masking = |reveal| Masking { reveal, ssns: [number.clone()].into() };
        assert_eq!(masking(false).number(&number), "***-**-6789");
        assert_eq!(masking(true).number(&number), "123-45-6789");
        for written in
            ["123-45-6789", "123456789", "x123-45-6789x", "123 45.6789", "<1234-56789@x>"]
        {
            let shown = masking(false).text(&format!("SSN {written}, twice {written}"));
            assert!(!shown.contains("123") && !shown.contains("45"), "{shown}");
        }
        assert!(!Masking::default().text("SSN 123-45-6789").contains("123-45"));
        assert_eq!(masking(false).text("EIN 12-3456780"), "EIN 12-3456780");
    }
}
