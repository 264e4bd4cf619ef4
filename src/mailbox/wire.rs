//! The stream between TLS and the IMAP crate: what a server sends, made safe to parse.
//!
//! async-imap holds a whole response in memory before it looks at it, parses it again from its
//! beginning with each 4 KiB that arrives, closes the stream for good at the first line it does not
//! know, and in a few places trusts the server's text enough to panic on it. [`Wire`] sits below it
//! and hands it one complete response at a time (RFC 3501 §7), after these steps:
//!
//! - lines and literals have a limit, so that no announcement reserves memory and no endless line
//!   collects it. A literal beyond it is read and thrown away;
//! - a response the parser would refuse is taken out. A FETCH among them is remembered as
//!   [`Damaged`], so that one broken mail of fifty costs one mail;
//! - long SEARCH responses become several short ones, which take linear time;
//! - free text behind OK, NO, BAD, BYE and `+` is reduced to ASCII, and kept in its original form
//!   where it explains a refusal.
//!
//! It also notes capabilities wherever the server mentions them, which saves asking. TLS that ends
//! without close_notify is an end like any other: much used servers do it (imap.gmail.com), and a
//! cut is noticed anyway because the tagged answer is missing.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use async_imap::imap_proto::Response;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, BufWriter, ReadBuf};

/// The longest line but for SEARCH; RFC 7162 §4 asks clients for 8192 octets.
const LINE: usize = 64 * 1024;
/// The longest SEARCH response: some 700,000 UIDs.
const SEARCH_LINE: usize = 8 * 1024 * 1024;
/// The longest SEARCH line handed on.
const SEARCH_PIECE: usize = 3500;
/// More opening brackets than any response we ask for has. The parser recurses on them.
const BRACKETS: usize = 64;
/// How much is read at once.
const CHUNK: usize = 32 * 1024;
/// A buffer larger than this is given back once it is empty.
const KEEP: usize = 64 * 1024;
/// The largest literal that is worth reading only to throw it away.
const THROWN_AWAY: usize = 1 << 30;
/// How many damaged responses are remembered between two looks.
const DAMAGED: usize = 10_000;

/// What a connection can run over: TCP, TLS, or a pipe in a test.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Transport for T {}

/// A FETCH response that could not be understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Damaged {
    /// The UID it names, where one can be made out.
    pub uid: Option<u32>,
}

/// A server's byte stream, cut into responses.
pub struct Wire {
    inner: BufWriter<Box<dyn Transport>>,
    literal_limit: usize,
    input: Vec<u8>,
    /// Where the response now being collected starts in `input`.
    start: usize,
    progress: Progress,
    ready: Ready,
    received: u64,
    capabilities: Option<BTreeSet<String>>,
    greeting: Option<String>,
    refusal: Option<String>,
    damaged: Vec<Damaged>,
}

/// How far the response that begins at `start` has been looked at.
#[derive(Clone, Debug, Default)]
struct Progress {
    /// Start of the line now being looked for, from `start`.
    line: usize,
    /// Up to where there is no line end, from `start`.
    scanned: usize,
    /// Octets outside literals, of the lines before this one.
    text: usize,
    brackets: usize,
    /// Octets in literals.
    literals: usize,
    /// Octets still to be thrown away, which come next.
    skip: usize,
    /// Whether anything was thrown away.
    is_cut: bool,
}

/// What async-imap is being given.
enum Ready {
    Nothing,
    /// As it came: a part of `input`.
    Verbatim(Range<usize>),
    /// Rewritten, and how much of it is gone.
    Rewritten(Vec<u8>, usize),
}

impl Wire {
    /// Wraps a stream. We never ask for more than `literal_limit` octets; a response with more is
    /// taken for damaged.
    pub fn new(inner: Box<dyn Transport>, literal_limit: usize) -> Wire {
        Wire {
            inner: BufWriter::new(inner),
            literal_limit,
            input: Vec::new(),
            start: 0,
            progress: Progress::default(),
            ready: Ready::Nothing,
            received: 0,
            capabilities: None,
            greeting: None,
            refusal: None,
            damaged: Vec::new(),
        }
    }

    /// Gives the stream back for STARTTLS.
    ///
    /// `None` if the server has already said more: plain text that arrives between its answer and
    /// the handshake may come from anyone, and must not be read as if it had come encrypted.
    pub fn into_inner(self) -> Option<Box<dyn Transport>> {
        let leftover = self.start < self.input.len() || !matches!(self.ready, Ready::Nothing);
        if leftover { None } else { Some(self.inner.into_inner()) }
    }

    /// Returns the capabilities last announced, in capitals.
    pub fn capabilities(&self) -> Option<&BTreeSet<String>> {
        self.capabilities.as_ref()
    }

    /// Forgets the capabilities; a login changes them (RFC 3501 §6.2).
    pub fn forget_capabilities(&mut self) {
        self.capabilities = None;
    }

    /// Returns the first line the server sent, as far as it is a status.
    pub fn greeting(&self) -> &str {
        self.greeting.as_deref().unwrap_or("")
    }

    /// Takes the last NO, BAD or BYE, tagged or not, in the server's words.
    pub fn take_refusal(&mut self) -> Option<String> {
        self.refusal.take()
    }

    /// Takes the FETCH responses that had to be left out since the last call.
    pub fn take_damaged(&mut self) -> Vec<Damaged> {
        std::mem::take(&mut self.damaged)
    }

    /// Returns how many octets have come so far. It grows while a long response trickles in.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Looks for the end of the response at `start`; its length, once it is complete.
    fn complete(&mut self) -> io::Result<Option<usize>> {
        let limit = if starts_with(self.pending(), b"* SEARCH") { SEARCH_LINE } else { LINE };
        loop {
            let Progress { line, scanned, text, skip, .. } = self.progress;
            if 0 < skip {
                let from = self.start + scanned;
                let until = self.input.len().min(from.saturating_add(skip));
                self.input.drain(from..until);
                self.progress.skip = skip - (until - from);
                if 0 < self.progress.skip {
                    return Ok(None);
                }
            }
            let unseen = self.input.get(self.start + scanned..).unwrap_or_default();
            let Some(end) = unseen.iter().position(|byte| *byte == b'\n') else {
                // Inside a literal `scanned` is ahead of what has come.
                self.progress.scanned = scanned.max(self.input.len() - self.start);
                if limit < text + self.progress.scanned.saturating_sub(line) {
                    return Err(garbled("a line without end"));
                }
                return Ok(None);
            };
            let end = scanned + end + 1;
            let bytes = self.input.get(self.start + line..self.start + end).unwrap_or_default();
            self.progress.text = text + bytes.len();
            self.progress.brackets += bytes.iter().filter(|byte| **byte == b'(').count();
            if limit < self.progress.text {
                return Err(garbled("a line without end"));
            }
            let literal = if line == 0 && is_free_text(bytes) { None } else { literal(bytes) };
            let Some(literal) = literal else {
                return Ok(Some(end));
            };
            if THROWN_AWAY < literal {
                return Err(garbled(&format!("a literal of {literal} octets was announced")));
            }
            if self.literal_limit - self.progress.literals < literal {
                self.progress.line = end;
                self.progress.scanned = end;
                self.progress.skip = literal;
                self.progress.is_cut = true;
                continue;
            }
            self.progress.literals += literal;
            self.progress.line = end + literal;
            self.progress.scanned = end + literal;
            if self.input.len() < self.start + self.progress.scanned {
                return Ok(None);
            }
        }
    }

    /// Takes the complete response of `length` octets and decides what of it is handed on.
    fn vet(&mut self, length: usize) {
        let range = self.start..self.start + length;
        let progress = std::mem::take(&mut self.progress);
        self.start = range.end;
        let Wire { input, capabilities, greeting, refusal, damaged, .. } = self;
        let response = input.get(range.clone()).unwrap_or_default();
        if is_free_text(response) {
            let line = String::from_utf8_lossy(response);
            let line = line.trim_end();
            if let Some(listed) = bracketed(line, "CAPABILITY") {
                *capabilities = Some(words(listed));
            }
            if is_refusal(line) {
                *refusal = Some(refused_with(line));
            }
            greeting.get_or_insert_with(|| refused_with(line));
            self.ready = Ready::Rewritten(plain(response), 0);
            return;
        }
        if starts_with(response, b"* CAPABILITY ") {
            let line = String::from_utf8_lossy(response);
            *capabilities = Some(words(line.trim_end().get(13..).unwrap_or("")));
        }
        if starts_with(response, b"* SEARCH") {
            self.ready = Ready::Rewritten(search_in_pieces(response), 0);
            return;
        }
        let understood = !progress.is_cut
            && progress.brackets <= BRACKETS
            && starts_with(response, b"* ")
            && matches!(Response::parse(response), Ok((rest, _)) if rest.is_empty());
        if understood {
            self.ready = Ready::Verbatim(range);
            return;
        }
        if is_fetch(response) {
            tracing::debug!(octets = length, "a fetch response cannot be understood");
            if damaged.len() < DAMAGED {
                damaged.push(Damaged { uid: uid_in(response) });
            }
        } else {
            tracing::debug!(octets = length, "a response is not understood and left out");
        }
    }

    fn pending(&self) -> &[u8] {
        self.input.get(self.start..).unwrap_or_default()
    }

    /// Hands out what is ready; false if nothing is.
    fn hand_out(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let (bytes, room) = match &self.ready {
            Ready::Nothing => return false,
            Ready::Verbatim(range) => (self.input.get(range.clone()), buffer.remaining()),
            Ready::Rewritten(bytes, gone) => (bytes.get(*gone..), buffer.remaining()),
        };
        let bytes = bytes.unwrap_or_default();
        let part = bytes.get(..room).unwrap_or(bytes);
        buffer.put_slice(part);
        let (given, left) = (part.len(), bytes.len() - part.len());
        match &mut self.ready {
            _ if left == 0 => self.ready = Ready::Nothing,
            Ready::Verbatim(range) => range.start += given,
            Ready::Rewritten(_, gone) => *gone += given,
            Ready::Nothing => {}
        }
        true
    }

    /// Makes room at the front of the input before more is read.
    fn compact(&mut self) {
        if self.start == self.input.len() {
            self.input.clear();
            self.start = 0;
            if KEEP < self.input.capacity() {
                self.input = Vec::new();
            }
        } else if CHUNK < self.start {
            self.input.drain(..self.start);
            self.start = 0;
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if this.hand_out(buffer) {
                return Poll::Ready(Ok(()));
            }
            if let Some(length) = this.complete()? {
                this.vet(length);
                continue;
            }
            this.compact();
            this.input.reserve(CHUNK);
            let read = match ready!(pin!(this.inner.read_buf(&mut this.input)).poll(cx)) {
                Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => 0,
                read => read?,
            };
            if read == 0 {
                return Poll::Ready(Ok(()));
            }
            this.received = this.received.saturating_add(read as u64);
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Shows no byte of what passes through: commands carry passwords, answers carry mail.
impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("received", &self.received).finish_non_exhaustive()
    }
}

/// An error that means that the two sides no longer understand each other.
fn garbled(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn starts_with(bytes: &[u8], start: &[u8]) -> bool {
    bytes.get(..start.len()).is_some_and(|bytes| bytes.eq_ignore_ascii_case(start))
}

/// Whether a line is `+ …`, or a status, tagged or not: text for people follows, in which nothing
/// is a literal.
fn is_free_text(line: &[u8]) -> bool {
    if line.first() == Some(&b'+') {
        return true;
    }
    let mut words = line.splitn(3, |byte| *byte == b' ');
    let (tag, status) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_tag = tag == b"*" || (!tag.is_empty() && tag.iter().all(u8::is_ascii_alphanumeric));
    is_tag && ["OK", "NO", "BAD", "BYE", "PREAUTH"].iter().any(|known| is_word(status, known))
}

fn is_word(bytes: &[u8], word: &str) -> bool {
    bytes.trim_ascii_end().eq_ignore_ascii_case(word.as_bytes())
}

fn is_refusal(line: &str) -> bool {
    let status = line.split(' ').nth(1).unwrap_or("");
    !line.starts_with('+')
        && ["NO", "BAD", "BYE"].iter().any(|known| known.eq_ignore_ascii_case(status))
}

/// The line without its tag or star.
fn refused_with(line: &str) -> String {
    line.split_once(' ').map_or(line, |(_, rest)| rest).to_owned()
}

/// What stands in `[NAME …]` of a status line.
fn bracketed<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once('[')?;
    let (code, _) = rest.split_once(']')?;
    let (start, listed) = code.split_once(' ')?;
    start.eq_ignore_ascii_case(name).then_some(listed)
}

fn words(listed: &str) -> BTreeSet<String> {
    listed.split_ascii_whitespace().map(str::to_ascii_uppercase).collect()
}

/// The size of the literal that a line announces at its end: `{12}` or `{12+}` (RFC 3501 §4.3).
fn literal(line: &[u8]) -> Option<usize> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_suffix(b"}")?;
    let open = line.iter().rposition(|byte| *byte == b'{')?;
    let digits = line.get(open + 1..)?;
    let digits = digits.strip_suffix(b"+").unwrap_or(digits);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More digits than fit are a number above every limit.
    Some(std::str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX))
}

/// A status or continuation as the parser takes it: ASCII without control characters, and behind
/// `+` nothing that is not base64, because some servers write a friendly word there.
fn plain(line: &[u8]) -> Vec<u8> {
    let mut plain: Vec<u8> = line
        .trim_ascii_end()
        .iter()
        .map(|byte| if byte.is_ascii_graphic() { *byte } else { b' ' })
        .collect();
    if let Some(challenge) = plain.strip_prefix(b"+") {
        let challenge = challenge.trim_ascii();
        let is_base64 = challenge.len() % 4 == 0
            && challenge
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
        let challenge = if is_base64 { challenge } else { &[] };
        plain = [b"+ ".as_slice(), challenge].concat();
    }
    plain.extend_from_slice(b"\r\n");
    plain
}

/// The same UIDs in lines that are parsed at once; what is not a number is left out.
fn search_in_pieces(response: &[u8]) -> Vec<u8> {
    let listed = response.get(b"* SEARCH".len()..).unwrap_or_default();
    // `(MODSEQ n)` of RFC 7162 §3.1.5 may follow.
    let listed = listed.split(|byte| *byte == b'(').next().unwrap_or_default();
    let mut pieces = Vec::with_capacity(response.len() + response.len() / SEARCH_PIECE * 16 + 16);
    let mut line = pieces.len();
    pieces.extend_from_slice(b"* SEARCH");
    for number in listed.split(u8::is_ascii_whitespace) {
        let number_is_one =
            !number.is_empty() && number.len() <= 10 && number.iter().all(u8::is_ascii_digit);
        if !number_is_one {
            continue;
        }
        if SEARCH_PIECE < pieces.len() - line {
            pieces.extend_from_slice(b"\r\n");
            line = pieces.len();
            pieces.extend_from_slice(b"* SEARCH");
        }
        pieces.push(b' ');
        pieces.extend_from_slice(number);
    }
    pieces.extend_from_slice(b"\r\n");
    pieces
}

fn is_fetch(response: &[u8]) -> bool {
    let mut words = response.splitn(4, |byte| *byte == b' ');
    words.next() == Some(b"*")
        && words.next().is_some_and(|number| number.iter().all(u8::is_ascii_digit))
        && words.next().is_some_and(|word| is_word(word, "FETCH"))
}

/// The UID a FETCH response names before its first literal, where servers put it.
fn uid_in(response: &[u8]) -> Option<u32> {
    let line = response.split(|byte| *byte == b'\n').next()?;
    let line = line.get(..line.len().min(1024))?;
    let mut words = line
        .split(|byte| matches!(byte, b' ' | b'(' | b')' | b'\r'))
        .filter(|word| !word.is_empty())
        .skip_while(|word| !word.eq_ignore_ascii_case(b"UID"));
    std::str::from_utf8(words.nth(1)?).ok()?.parse().ok().filter(|uid| 0 < *uid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::io::AsyncWriteExt;

    /// Sends `sent` in pieces of `piece` octets and returns what comes out, and the wire.
    async fn through(sent: &[u8], piece: usize) -> (io::Result<Vec<u8>>, Wire) {
        let (mut server, client) = tokio::io::duplex(1 << 20);
        let mut wire = Wire::new(Box::new(client), 1000);
        let sent = sent.to_vec();
        let writer = tokio::spawn(async move {
            for piece in sent.chunks(piece) {
                if server.write_all(piece).await.is_err() {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
        let mut out = Vec::new();
        let read = wire.read_to_end(&mut out).await;
        writer.abort();
        (read.map(|_| out), wire)
    }

    async fn check(sent: &str, expected: &str) {
        for piece in [1, 7, 100_000] {
            let (out, _) = through(sent.as_bytes(), piece).await;
            assert_eq!(String::from_utf8(out.unwrap()).unwrap(), expected, "pieces of {piece}");
        }
    }

    async fn check_error(sent: &[u8], expected: &str) {
        let (out, _) = through(sent, 4096).await;
        assert_eq!(out.unwrap_err().to_string(), expected);
    }

    #[tokio::test]
    async fn responses_the_parser_knows_pass_as_they_are() {
        let sent = "* 3 EXISTS\r\n* 1 FETCH (UID 7 BODY[] {5}\r\na\r\nb\n)\r\nA0001 OK done\r\n";
        check(sent, sent).await;
    }

    #[tokio::test]
    async fn unknown_lines_are_left_out() {
        check("* XLIST what\r\n* ESEARCH ALL 1:3\r\nnoise\r\n* 3 EXISTS\r\n", "* 3 EXISTS\r\n")
            .await;
    }

    #[tokio::test]
    async fn text_for_people_becomes_ascii_and_announces_no_literal() {
        check("* OK [ALERT]é {900}\r\n* 3 EXISTS\r\n", "* OK [ALERT]   {900}\r\n* 3 EXISTS\r\n")
            .await;
    }

    #[tokio::test]
    async fn a_friendly_continuation_becomes_an_empty_challenge() {
        check("+ go ahead!\r\n+\r\n+ dXNlcg==\r\n", "+ \r\n+ \r\n+ dXNlcg==\r\n").await;
    }

    #[tokio::test]
    async fn a_broken_fetch_is_remembered_with_its_uid() {
        let sent = b"* 1 FETCH (UID 7 BODY[] {3}\r\nabcdef)\r\n* 2 FETCH (UID 8)\r\n* 3 FETCH nonsense\r\n";
        let (out, mut wire) = through(sent, 10).await;
        assert_eq!(out.unwrap(), b"* 2 FETCH (UID 8)\r\n");
        assert_eq!(wire.take_damaged(), [Damaged { uid: Some(7) }, Damaged { uid: None }]);
    }

    #[tokio::test]
    async fn deep_nesting_never_reaches_the_recursive_parser() {
        let sent = format!("* 1 FETCH (BODYSTRUCTURE {})\r\n", "(".repeat(50_000));
        check(&sent, "").await;
    }

    #[tokio::test]
    async fn a_long_search_comes_in_pieces() {
        let uids: Vec<String> = (1..=200_000).map(|uid: u32| uid.to_string()).collect();
        let sent = format!("* SEARCH {} (MODSEQ 12)\r\n", uids.join(" "));
        let (out, _) = through(sent.as_bytes(), 5000).await;
        let out = String::from_utf8(out.unwrap()).unwrap();
        assert!(out.lines().all(|line| line.len() < 4000 && line.starts_with("* SEARCH")));
        let seen: Vec<&str> =
            out.split_ascii_whitespace().filter(|word| *word != "*" && *word != "SEARCH").collect();
        assert_eq!(seen, uids);
    }

    #[tokio::test]
    async fn literals_and_lines_have_a_limit() {
        check_error(
            b"* 1 FETCH (BODY[] {1999999999}\r\n",
            "a literal of 1999999999 octets was announced",
        )
        .await;
        check_error(
            b"* 1 FETCH (BODY[] {99999999999999999999999}\r\n",
            &format!("a literal of {} octets was announced", usize::MAX),
        )
        .await;
        check_error(&vec![b'x'; 2 * LINE], "a line without end").await;
        let mut long = b"* 1 FETCH (BODY[] {3}\r\nabc".to_vec();
        long.extend(vec![b'x'; 2 * LINE]);
        check_error(&long, "a line without end").await;
    }

    #[tokio::test]
    async fn a_literal_beyond_the_limit_costs_one_mail_and_no_memory() {
        let sent = format!(
            "* 1 FETCH (UID 7 BODY[] {{1001}}\r\n{})\r\n* 2 FETCH (UID 8)\r\n",
            "x".repeat(1001)
        );
        for piece in [1, 10, 10_000] {
            let (out, mut wire) = through(sent.as_bytes(), piece).await;
            assert_eq!(out.unwrap(), b"* 2 FETCH (UID 8)\r\n");
            assert_eq!(wire.take_damaged(), [Damaged { uid: Some(7) }]);
        }
    }

    #[tokio::test]
    async fn capabilities_and_refusals_are_noted() {
        let sent = "* OK [CAPABILITY IMAP4rev1 idle] Willkommen\r\nA1 NO [AUTHENTICATIONFAILED] Schlüssel\r\n";
        let (_, mut wire) = through(sent.as_bytes(), 9).await;
        let capabilities: Vec<&str> =
            wire.capabilities().unwrap().iter().map(String::as_str).collect();
        assert_eq!(capabilities, ["IDLE", "IMAP4REV1"]);
        assert_eq!(wire.take_refusal().unwrap(), "NO [AUTHENTICATIONFAILED] Schlüssel");
        assert_eq!(wire.greeting(), "OK [CAPABILITY IMAP4rev1 idle] Willkommen");
    }

    #[tokio::test]
    async fn plain_text_behind_the_answer_to_starttls_is_not_carried_over() {
        let (mut server, client) = tokio::io::duplex(1000);
        let mut wire = Wire::new(Box::new(client), 1000);
        server.write_all(b"A1 OK go\r\n* OK forged\r\n").await.unwrap();
        let mut answer = [0; 10];
        wire.read_exact(&mut answer).await.unwrap();
        assert!(wire.into_inner().is_none());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// Whatever arrives, what is handed on can be parsed: nothing panics, nothing is left over.
        #[test]
        fn what_comes_out_can_be_parsed(
            sent in proptest::collection::vec(
                prop_oneof![
                    Just(b"* ".to_vec()), Just(b"A1 OK ".to_vec()), Just(b"\r\n".to_vec()),
                    Just(b"1 FETCH (UID 3 BODY[] {4}\r\n".to_vec()), Just(b"+".to_vec()),
                    Just(b"[ALERT]".to_vec()), Just(b"SEARCH 1 2".to_vec()), Just(b"\xc3\xa9".to_vec()),
                    proptest::collection::vec(any::<u8>(), 0..6),
                ],
                0..12,
            ),
            piece in 1..40usize,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (out, _) = runtime.block_on(through(&sent.concat(), piece));
            if let Ok(out) = out {
                let mut rest = out.as_slice();
                while !rest.is_empty() {
                    let (after, _) = Response::parse(rest).unwrap();
                    rest = after;
                }
            }
        }
    }
}
