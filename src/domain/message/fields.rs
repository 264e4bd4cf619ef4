//! Header fields: splitting, encoded words, addresses, dates.
//!
//! The splitting is our own because the order of the fields decides whom we believe (RFC 8601
//! §5), and because an unlucky field must not cost the others. RFC 5322 folding, RFC 2047 words
//! and RFC 5322 addresses are read leniently: what is malformed stays as it was written, so that
//! a person can see it, and never stops the rest. Everything here runs in time proportional to
//! its input.

use std::panic::catch_unwind;

use chrono::{DateTime, Utc};
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::parsers::MessageStream;

use super::Address;

/// A header block is read this far; what stands behind is not header in any honest mail.
const MAX_FIELDS: usize = 2_000;
/// One value is kept this far, in bytes; the longest honest ones are recipient lists.
const MAX_VALUE: usize = 64 * 1024;
/// So much is kept of a whole header, in bytes; honest ones have some thousand.
const MAX_HEAD: usize = 1 << 20;
/// So many addresses or message ids are kept of one field.
pub(super) const MAX_LIST: usize = 1_000;
/// A display name is kept this far, in characters: it is kept once for each address beside it.
const MAX_NAME: usize = 1_000;

/// A header field: name and value as written, unfolded, without control characters.
pub(super) type Field = (String, String);

/// Leaves out what stands before the first header field in files: a byte order mark, blank
/// lines, the "From " line of mbox (RFC 4155).
pub(super) fn without_envelope(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    while let Some((b'\r' | b'\n', tail)) = rest.split_first() {
        rest = tail;
    }
    match rest.starts_with(b"From ") || rest.starts_with(b">From ") {
        true => next_line(rest).1,
        false => rest,
    }
}

/// Splits a message or part into its header fields, top to bottom, and its body.
///
/// Lines that are neither field nor continuation are passed over. Bytes without a single field
/// are all body.
pub(super) fn split_head(bytes: &[u8]) -> (Vec<Field>, &[u8]) {
    let mut raw: Vec<(&[u8], Vec<u8>)> = Vec::new();
    let mut n_kept = 0;
    let mut is_passing = false;
    let mut rest = bytes;
    while !rest.is_empty() {
        let (line, tail) = next_line(rest);
        rest = tail;
        match line.first() {
            None => {
                let is_garbage = raw.is_empty() && line_is_first(bytes, rest).is_none();
                return (decoded(raw), if is_garbage { bytes } else { rest });
            }
            Some(b' ' | b'\t') => {
                if let Some((_, value)) = raw.last_mut().filter(|_| !is_passing)
                    && value.len() < MAX_VALUE
                {
                    let more = at_most(MAX_VALUE, line.trim_ascii());
                    n_kept += more.len() + 1;
                    value.push(b' ');
                    value.extend_from_slice(more);
                }
            }
            Some(_) => match field(line).filter(|_| raw.len() < MAX_FIELDS && n_kept < MAX_HEAD) {
                Some((name, value)) => {
                    is_passing = false;
                    let value = at_most(MAX_VALUE, value);
                    n_kept += name.len() + value.len();
                    raw.push((name, value.to_vec()));
                }
                None => is_passing = true,
            },
        }
    }
    match raw.is_empty() {
        true => (Vec::new(), bytes),
        false => (decoded(raw), rest),
    }
}

/// Tells whether `rest` follows the very first line of `bytes`, which is then a blank one: a
/// part without header fields.
fn line_is_first(bytes: &[u8], rest: &[u8]) -> Option<()> {
    (next_line(bytes).1.len() == rest.len()).then_some(())
}

/// The first line without its line end, and what follows. A bare CR ends nothing.
pub(super) fn next_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let mut halves = bytes.splitn(2, |&byte| byte == b'\n');
    let line = halves.next().unwrap_or_default();
    (line.strip_suffix(b"\r").unwrap_or(line), halves.next().unwrap_or_default())
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|&byte| byte == b':')?;
    let (name, value) = line.split_at_checked(colon)?;
    let name = name.trim_ascii_end();
    let is_name = !name.is_empty() && name.len() <= 256 && name.iter().all(u8::is_ascii_graphic);
    is_name.then(|| (name, value.get(1..).unwrap_or_default()))
}

fn decoded(raw: Vec<(&[u8], Vec<u8>)>) -> Vec<Field> {
    raw.into_iter()
        .map(|(name, value)| {
            let value = decode_raw(at_most(MAX_VALUE, &value).trim_ascii());
            let value = value.chars().map(visible_control).collect();
            (String::from_utf8_lossy(name).into_owned(), value)
        })
        .collect()
}

/// The first bytes, but not a piece of a letter at their end: one broken letter of UTF-8 would have
/// all others taken for those of another character set.
pub(super) fn at_most(most: usize, bytes: &[u8]) -> &[u8] {
    let Some(kept) = bytes.get(..most).filter(|kept| kept.len() < bytes.len()) else {
        return bytes;
    };
    match std::str::from_utf8(kept) {
        Err(error) if error.error_len().is_none() => {
            kept.get(..error.valid_up_to()).unwrap_or(kept)
        }
        _ => kept,
    }
}

fn visible_control(letter: char) -> char {
    if letter.is_control() { ' ' } else { letter }
}

/// The first field of this name from the top.
pub(super) fn first<'a>(fields: &'a [Field], name: &str) -> Option<&'a str> {
    all(fields, name).next()
}

/// All fields of this name from the top.
pub(super) fn all<'a>(fields: &'a [Field], name: &str) -> impl Iterator<Item = &'a str> {
    fields.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
}

/// Decodes bytes that name no character set: UTF-8 where they are that, else windows-1252, as
/// the mailers that send raw eight-bit headers mean it.
pub(super) fn decode_raw(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => decoded_by(b"windows-1252", bytes),
    }
}

/// Decodes bytes of a named character set; unknown names are treated as none.
pub(super) fn decode_charset(label: &str, bytes: &[u8]) -> String {
    match label.trim().to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => String::from_utf8_lossy(bytes).into_owned(),
        "" | "us-ascii" | "ascii" | "unknown-8bit" => decode_raw(bytes),
        label => decoded_by(label.as_bytes(), bytes),
    }
}

fn decoded_by(label: &[u8], bytes: &[u8]) -> String {
    // The decoders are someone else's tables; a fault in one of them must cost one text only.
    catch_unwind(|| charset_decoder(label).map(|decode| decode(bytes)))
        .ok()
        .flatten()
        .unwrap_or_else(|| String::from_utf8_lossy(bytes).into_owned())
}

/// Makes one line of decoded text safe to show: see [`clean_text`]; runs of blanks become one.
pub(super) fn clean_line(text: &str) -> String {
    let cleaned = clean_text(text);
    let mut line = String::with_capacity(cleaned.len());
    for word in cleaned.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Makes decoded text safe to show and easy to search.
///
/// Control characters but tab and newline become blanks, so that no terminal obeys them;
/// characters that override the writing direction become U+FFFD, so that nothing reads other
/// than it is (UAX #9, UTR #36); invisible ones that split words and numbers vanish; the
/// non-breaking blanks become plain ones. Letters are left alone.
pub(super) fn clean_text(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for letter in text.replace("\r\n", "\n").chars() {
        match letter {
            '\n' | '\t' => cleaned.push(letter),
            '\r' | '\u{2028}' | '\u{2029}' => cleaned.push('\n'),
            '\u{a0}' | '\u{2007}' | '\u{202f}' => cleaned.push(' '),
            '\u{ad}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{61c}'
            | '\u{2060}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' => {}
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => cleaned.push('\u{fffd}'),
            letter if letter.is_control() => cleaned.push(' '),
            letter => cleaned.push(letter),
        }
    }
    cleaned
}

/// Decodes the encoded words of a header value (RFC 2047).
///
/// Blanks between neighbouring words are dropped (§6.2), and words of the same character set are
/// joined as bytes before they are decoded, because mailers split letters and numbers between
/// them. A malformed word stays as it is written.
pub(super) fn decode_words(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut pending: Option<(String, Vec<u8>)> = None;
    let mut rest = raw;
    while let Some((before, tail)) = rest.split_once("=?") {
        let Some((charset, bytes, after)) = encoded_word(tail) else {
            flush(&mut pending, &mut text);
            text.push_str(before);
            text.push_str("=?");
            rest = tail;
            continue;
        };
        if pending.is_none() || !before.trim().is_empty() {
            flush(&mut pending, &mut text);
            text.push_str(before);
        }
        match &mut pending {
            Some((known, joined)) if known.eq_ignore_ascii_case(charset) => joined.extend(bytes),
            _ => {
                flush(&mut pending, &mut text);
                pending = Some((charset.to_owned(), bytes));
            }
        }
        rest = after;
    }
    flush(&mut pending, &mut text);
    text.push_str(rest);
    text
}

fn flush(pending: &mut Option<(String, Vec<u8>)>, text: &mut String) {
    if let Some((charset, bytes)) = pending.take() {
        text.push_str(&decode_charset(&charset, &bytes));
    }
}

/// Reads an encoded word after its `=?`: character set, bytes, and what follows.
fn encoded_word(tail: &str) -> Option<(&str, Vec<u8>, &str)> {
    let (charset, tail) = tail.split_once('?')?;
    let (encoding, tail) = tail.split_once('?')?;
    let (data, tail) = tail.split_once('?')?;
    let after = tail.strip_prefix('=')?;
    // RFC 2231 §5 adds a language after an asterisk.
    let charset = charset.split('*').next().unwrap_or_default();
    let is_charset =
        (1..=64).contains(&charset.len()) && charset.bytes().all(|b| b.is_ascii_graphic());
    let bytes = match encoding {
        "B" | "b" => base64(data.as_bytes(), Strictness::Exact)?,
        "Q" | "q" => q_encoding(data.as_bytes())?,
        _ => return None,
    };
    is_charset.then_some((charset, bytes, after))
}

fn q_encoding(data: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(data.len());
    let mut rest = data.iter();
    while let Some(&byte) = rest.next() {
        match byte {
            b'_' => bytes.push(b' '),
            b'=' => bytes.push(hex(*rest.next()?, *rest.next()?)?),
            byte => bytes.push(byte),
        }
    }
    Some(bytes)
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

/// How to take bytes that are not of the base64 alphabet.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Strictness {
    /// They make the whole invalid, as in an encoded word.
    Exact,
    /// They are passed over (RFC 2045 §6.8).
    Lenient,
}

/// Decodes base64; padding may be missing.
pub(super) fn base64(data: &[u8], strictness: Strictness) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(data.len() / 4 * 3);
    let (mut bits, mut n_bits) = (0_u32, 0_u32);
    for &byte in data {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' | b' ' | b'\t' | b'\r' | b'\n' => continue,
            _ if strictness == Strictness::Lenient => continue,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xFFFF;
        n_bits += 6;
        if 8 <= n_bits {
            n_bits -= 8;
            bytes.push(u8::try_from(bits >> n_bits & 0xFF).unwrap_or_default());
        }
    }
    Some(bytes)
}

/// Decodes quoted-printable (RFC 2045 §6.7); a malformed escape stays as it is written.
pub(super) fn quoted_printable(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(data.len());
    let mut rest = data;
    while !rest.is_empty() {
        let (line, tail) = next_line(rest);
        let has_end = line.len() < rest.len();
        rest = tail;
        let mut line = line.trim_ascii_end();
        let is_soft = line.last() == Some(&b'=');
        if is_soft {
            line = line.get(..line.len() - 1).unwrap_or_default();
        }
        while let Some((&byte, tail)) = line.split_first() {
            line = tail;
            match (byte, tail) {
                (b'=', [high, low, tail @ ..]) => match hex(*high, *low) {
                    Some(byte) => {
                        bytes.push(byte);
                        line = tail;
                    }
                    None => bytes.push(b'='),
                },
                (byte, _) => bytes.push(byte),
            }
        }
        if has_end && !is_soft {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// Reads an address list (RFC 5322 §3.4) and tells whether it uses group syntax.
///
/// What a reader would be shown as a name is kept as the name, however it was written: quoted,
/// encoded, as a comment or behind the address. Several addresses for one name become several
/// entries, so that nobody can hide one behind another. A name without any address is kept with
/// an empty address.
pub(super) fn addresses(raw: &str) -> (Vec<Address>, bool) {
    let mut list = Vec::new();
    let mut is_group = false;
    let mut entry = Entry::default();
    let mut rest = raw;
    while let Some(letter) = rest.chars().next() {
        if list.len() >= MAX_LIST {
            break;
        }
        // Mailers put commas and colons into encoded words, though RFC 2047 §5 forbids it.
        if let Some(tail) = rest.strip_prefix("=?")
            && let Some((_, _, after)) = encoded_word(tail)
        {
            let word = rest.strip_suffix(after).unwrap_or(rest);
            entry.phrase.push_str(word);
            entry.has_words = true;
            rest = after;
            continue;
        }
        let tail = rest.get(letter.len_utf8()..).unwrap_or_default();
        rest = match letter {
            '"' => {
                let (quoted, after) = enclosed(tail, '"', '"');
                entry.phrase.push_str(&quoted);
                entry.quoted.push_str(&quoted);
                after
            }
            '(' => {
                let (comment, after) = enclosed(tail, '(', ')');
                entry.comment.push_str(&comment);
                after
            }
            '<' => {
                let (angle, after) = enclosed(tail, '\0', '>');
                entry.angles.push(angle);
                after
            }
            '[' => {
                let (literal, after) = enclosed(tail, '\0', ']');
                entry.add('[');
                entry.phrase.push_str(&literal);
                entry.bare.push_str(&literal);
                entry.add(']');
                after
            }
            ':' => {
                is_group = true;
                entry = Entry::default();
                tail
            }
            ',' | ';' => {
                std::mem::take(&mut entry).emit(&mut list);
                tail
            }
            letter => {
                entry.add(letter);
                tail
            }
        };
    }
    entry.emit(&mut list);
    list.truncate(MAX_LIST);
    (list, is_group)
}

/// One member of an address list while it is being read.
#[derive(Default)]
struct Entry {
    /// All that a reader would see as the name.
    phrase: String,
    /// The part of it that stood outside of quotation marks.
    bare: String,
    quoted: String,
    comment: String,
    angles: Vec<String>,
    has_words: bool,
}

impl Entry {
    fn add(&mut self, letter: char) {
        self.phrase.push(letter);
        self.bare.push(letter);
    }

    fn emit(mut self, list: &mut Vec<Address>) {
        if self.angles.is_empty() {
            let bare: Vec<String> = self
                .bare
                .split_whitespace()
                .filter(|word| word.contains('@'))
                // More are spam, and each costs a pass over the phrase.
                .take(16)
                .map(str::to_owned)
                .collect();
            for word in &bare {
                self.phrase = self.phrase.replacen(word.as_str(), "", 1);
            }
            self.angles = bare;
            if let [local_less] = self.angles.as_mut_slice()
                && local_less.starts_with('@')
                && !self.quoted.is_empty()
            {
                local_less.insert_str(0, &self.quoted);
                self.phrase.clear();
            }
        }
        let mut name = clean_line(&decode_words(&self.phrase));
        if name.is_empty() {
            name = clean_line(&decode_words(&self.comment));
        }
        let name: String = name.chars().take(MAX_NAME).collect();
        let name = Some(name).filter(|name| !name.is_empty());
        if self.angles.is_empty() && name.is_some() {
            self.angles.push(String::new());
        }
        list.extend(
            self.angles
                .iter()
                .take(MAX_LIST)
                .map(|angle| Address { name: name.clone(), address: address_spec(angle) }),
        );
    }
}

/// An address without blanks, source route (RFC 5322 §4.4) and dangerous characters.
fn address_spec(angle: &str) -> String {
    let spec = match angle.trim().starts_with('@') {
        true => angle.rsplit(':').next().unwrap_or_default(),
        false => angle,
    };
    clean_text(spec).chars().filter(|letter| !letter.is_whitespace()).collect()
}

/// Reads to the closing sign; `open` nests where it differs from `close`; `\` escapes.
fn enclosed(text: &str, open: char, close: char) -> (String, &str) {
    let mut inner = String::new();
    let mut depth = 0_usize;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if close != '>' => inner.extend(letters.next()),
            letter if letter == close && depth == 0 => break,
            letter => {
                if letter == close {
                    depth -= 1;
                } else if letter == open {
                    depth += 1;
                }
                inner.push(letter);
            }
        }
    }
    (inner, letters.as_str())
}

/// The message ids of a References or In-Reply-To value, without their angle brackets.
pub(super) fn message_ids(raw: &str) -> Vec<String> {
    let mut ids = Vec::new();
    let mut rest = raw;
    while let Some((_, tail)) = rest.split_once('<') {
        let Some((id, after)) = tail.split_once('>') else {
            break;
        };
        let id = id.rsplit('<').next().unwrap_or(id);
        let id: String = clean_text(id).split_whitespace().collect();
        if !id.is_empty() && ids.len() < MAX_LIST {
            ids.push(id);
        }
        rest = after;
    }
    if ids.is_empty() {
        let bare = raw.split_whitespace().filter(|word| word.contains('@')).take(MAX_LIST);
        ids.extend(bare.map(|word| clean_line(word.trim_matches(['<', '>', ',', ';']))));
    }
    ids
}

/// Reads a date as RFC 5322 §3.3 and its obsolete forms write it.
pub(super) fn date(raw: &str) -> Option<DateTime<Utc>> {
    // Longer ones are no dates, and the parser need not see them.
    let raw: String = raw.chars().take(200).collect();
    let parsed = catch_unwind(|| mail_parser::DateTime::parse_rfc822(&raw)).ok().flatten()?;
    parsed.is_valid().then(|| DateTime::from_timestamp(parsed.to_timestamp(), 0)).flatten()
}

/// The instant in a Received line: what follows its last semicolon (RFC 5321 §4.4).
pub(super) fn received_date(raw: &str) -> Option<DateTime<Utc>> {
    date(raw.rsplit_once(';')?.1)
}

/// A Content-Type or Content-Disposition: the lower-case word before the first semicolon, and
/// its parameters with RFC 2231 and RFC 2047 undone.
#[derive(Clone, Debug, Default)]
pub(super) struct Mime {
    pub kind: String,
    parameters: Vec<(String, String)>,
}

impl Mime {
    /// Reads a value; what cannot be read has its plain word only.
    pub(super) fn read(raw: &str) -> Mime {
        let word = raw.split(';').next().unwrap_or_default();
        let kind: String = word.split_whitespace().collect::<String>().to_ascii_lowercase();
        let line = format!("{raw}\n");
        let parameters = catch_unwind(|| {
            let value = MessageStream::new(line.as_bytes()).parse_content_type();
            let attributes = value.into_content_type()?.attributes?;
            let pair = |a: &mail_parser::Attribute<'_>| {
                (a.name.to_ascii_lowercase(), a.value.clone().into_owned())
            };
            Some(attributes.iter().map(pair).collect::<Vec<_>>())
        });
        Mime { kind, parameters: parameters.ok().flatten().unwrap_or_default() }
    }

    /// A parameter by its lower-case name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_from_the_top_and_unfolded() {
        let (fields, body) =
            split_head(b"A: 1\r\n  2\r\nnonsense\r\n lost\r\nB : x\r\nA: 3\n\nbody\n");
        let expected = [("A", "1 2"), ("B", "x"), ("A", "3")];
        let read: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(read, expected);
        assert_eq!(body, b"body\n");
        assert_eq!(first(&fields, "a"), Some("1 2"));
        assert_eq!(all(&fields, "A").count(), 2);
    }

    #[test]
    fn bytes_without_a_field_are_body() {
        for bytes in [b"hello world".as_slice(), b"hello\n\nworld", b"\xff\xfe\x00"] {
            assert_eq!(split_head(bytes), (Vec::new(), bytes));
        }
        assert_eq!(split_head(b"\nbody").1, b"body");
        assert_eq!(without_envelope(b"\r\nFrom x Mon May 4\nA: 1\n"), b"A: 1\n");
    }

    #[test]
    fn long_headers_are_bounded() {
        let many = "A: x\n".repeat(5_000) + "\nbody";
        let (fields, body) = split_head(many.as_bytes());
        assert_eq!((fields.len(), body), (MAX_FIELDS, b"body".as_slice()));
        let long = format!("A: {}\n\n", "x".repeat(1_000_000));
        assert_eq!(first(&split_head(long.as_bytes()).0, "A").map(str::len), Some(MAX_VALUE - 1));
    }

    #[test]
    fn a_whole_header_is_bounded() {
        let lines = format!("A: {}\n", "x".repeat(60_000)).repeat(100);
        let folded = format!("B: x\n{}", format!(" {}\n", "y".repeat(30_000)).repeat(100));
        for header in [lines, folded] {
            let mail = header + "\nbody";
            let (fields, body) = split_head(mail.as_bytes());
            let n_bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(n_bytes <= MAX_HEAD + MAX_VALUE, "{n_bytes}");
            assert_eq!(body, b"body");
        }
    }

    #[test]
    fn one_name_beside_many_addresses_is_not_kept_in_full_for_each() {
        let raw = format!("{} {}", "n".repeat(30_000), "<a@x> ".repeat(5_000));
        let (list, _) = addresses(&raw);
        let n_bytes: usize = list.iter().filter_map(|a| a.name.as_ref()).map(String::len).sum();
        assert!(list.len() <= MAX_LIST && n_bytes <= MAX_LIST * MAX_NAME, "{n_bytes}");
        assert!(1 < list.len(), "several addresses stay several");
    }

    #[test]
    fn a_header_that_is_cut_within_a_letter_keeps_its_other_letters() {
        for blanks in ["", " "] {
            let long = format!("A:{blanks}{}\n\n", "é".repeat(MAX_VALUE));
            let (fields, _) = split_head(long.as_bytes());
            let value = first(&fields, "A").unwrap();
            assert!(value.chars().all(|letter| letter == 'é'), "{:?}", value.get(..20));
        }
    }

    #[test]
    fn encoded_words_are_decoded_and_joined() {
        fn check(raw: &str, expected: &str) {
            assert_eq!(clean_line(&decode_words(raw)), expected, "{raw}");
        }
        check("=?utf-8?Q?91=E2=80=93407?= =?utf-8?Q?326100?=", "91–407326100");
        check(
            "=?utf-8?B?w5hzdGVyYnkgMjUyMzA=?=\t =?UTF-8?B?My0wMDQxOA==?=",
            "Østerby 252303-00418",
        );
        check("=?utf-8?Q?caf=C3?= =?utf-8?Q?=A9?=", "café");
        check("=?windows-1252?Q?a_=96_b?= =?utf-8?Q?c?=", "a – bc");
        check("=?iso-8859-1*en?q?=E9?= tail", "é tail");
        check("a =?utf-8?Q?b?= c =?utf-8?Q?d?=", "a b c d");
        check("=?utf-8?X?abc?= =?utf-8?Q?=ZZ?= =?", "=?utf-8?X?abc?= =?utf-8?Q?=ZZ?= =?");
        check("=?utf-8?B?a*b?=", "=?utf-8?B?a*b?=");
        check("=?gb2312?B?1tDOxA==?=", "中文");
        check("=?utf-8?Q?a=1B[31m=E2=80=AEb?=", "a [31m\u{fffd}b");
        check("12\u{200b}-3456789\u{a0}x\u{7f}", "12-3456789 x");
    }

    #[test]
    fn raw_eight_bit_bytes_are_read_as_utf8_or_windows_1252() {
        assert_eq!(decode_raw("Østerby".as_bytes()), "Østerby");
        assert_eq!(decode_raw(b"\xD8sterby \x96"), "Østerby –");
    }

    #[test]
    fn addresses_are_read_as_a_reader_would_see_them() {
        fn check(raw: &str, expected: &[(&str, &str)], is_group: bool) {
            let (list, group) = addresses(raw);
            let list: Vec<_> = list
                .iter()
                .map(|a| (a.name.as_deref().unwrap_or(""), a.address.as_str()))
                .collect();
            assert_eq!((list.as_slice(), group), (expected, is_group), "{raw}");
        }
        check("a@x.example", &[("", "a@x.example")], false);
        check("\"LOMAX, R\" <r@x.example>", &[("LOMAX, R", "r@x.example")], false);
        check("A <a@x>, \"B\\\"q\" <b@x>", &[("A", "a@x"), ("B\"q", "b@x")], false);
        check("a@x (Ann (A) Lee)", &[("Ann (A) Lee", "a@x")], false);
        check("=?utf-8?Q?Lomax,_R?= <r@x>", &[("Lomax, R", "r@x")], false);
        check("a@cbp <b@x>", &[("a@cbp", "b@x")], false);
        check("<a@cbp> <b@x>", &[("", "a@cbp"), ("", "b@x")], false);
        check("a@cbp b@x", &[("", "a@cbp"), ("", "b@x")], false);
        check("Team: a@x, B <b@x>;", &[("", "a@x"), ("B", "b@x")], true);
        check("undisclosed-recipients:;", &[], true);
        check("\"a@cbp\"", &[("a@cbp", "")], false);
        check("\"a b\"@x", &[("", "ab@x")], false);
        check("<@r.example:a@x>", &[("", "a@x")], false);
        check("<a@x", &[("", "a@x")], false);
        check("", &[], false);
        check("a@[IPv6:::1]", &[("", "a@[IPv6:::1]")], false);
    }

    #[test]
    fn message_ids_lose_their_brackets() {
        assert_eq!(message_ids("<a@x> <b@y>\t<c d@z>"), ["a@x", "b@y", "cd@z"]);
        assert_eq!(message_ids("a@x"), ["a@x"]);
        assert_eq!(message_ids("Your message of Monday"), [""; 0]);
    }

    #[test]
    fn dates_of_many_forms_are_read() {
        let expected = DateTime::from_timestamp(1_777_899_907, 0);
        for raw in [
            "Mon, 4 May 2026 09:05:07 -0400",
            "4 May 2026 13:05:07 GMT",
            "Mon, 4 May 2026 09:05:07 -0400 (EDT)",
        ] {
            assert_eq!(date(raw), expected, "{raw}");
        }
        assert_eq!(date("yesterday"), None);
        assert_eq!(date(""), None);
    }

    #[test]
    fn parameters_are_decoded() {
        let mime = Mime::read("Application/PDF; name*0*=utf-8''%C3%98; name*1=x.pdf; a=\"b;c\"");
        assert_eq!(mime.kind, "application/pdf");
        assert_eq!(mime.parameter("name"), Some("Øx.pdf"));
        assert_eq!(mime.parameter("a"), Some("b;c"));
    }

    #[test]
    fn quoted_printable_keeps_what_it_cannot_read() {
        assert_eq!(quoted_printable(b"a=\nb=3D=ZZ  \nc"), b"ab==ZZ\nc");
    }
}
