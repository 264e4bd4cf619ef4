//! Authentication-Results (RFC 8601): reading them, and telling ours from a sender's.
//!
//! The field is only as good as the hand that wrote it, and a sender may bring some of his own.
//! What stands in a mail's header was put there from the bottom to the top, so the walk begins at
//! the top, where our own side wrote last, and ends at the first Received line that is not ours:
//! below it all is the sender's word.

use std::net::IpAddr;

use super::Trust;
use super::claim::is_within;

/// So many results are read of one field; servers write about ten.
const MAX_RESULTS: usize = 100;

/// Header fields that filters write beside their results and that do not end a block of ours.
const FILTER_TRACES: &[&str] =
    &["DKIM-Filter", "DMARC-Filter", "Received-SPF", "X-Spam-Checker-Version"];

/// What our own server says of a mail.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Block {
    /// Who says so, for people.
    pub server: String,
    fields: Vec<AuthResults>,
    /// So many fields from the top may vouch; the others can only accuse.
    n_vouching: usize,
}

impl Block {
    /// Finds the block of results that our own server wrote (ruling 5).
    ///
    /// The first field with a configured authserv-id above the first foreign hop, and those with
    /// such an id that follow it directly. Above our own Received line only our side can have
    /// written, so all of them vouch. Below it the sender's own begin somewhere, and one forged
    /// in our name could follow ours directly: there only the first vouches.
    pub(super) fn find(headers: &[(String, String)], trust: &Trust) -> Option<Block> {
        let ours = Ours::of(trust);
        let mut walk = Walk::default();
        let mut rest = headers;
        while let Some(((name, value), below)) = rest.split_first() {
            rest = below;
            if name.eq_ignore_ascii_case("Received") {
                if !walk.goes_on(&Hop::read(value), &ours) {
                    return None;
                }
            } else if let Some((server, first)) =
                results(name, value).and_then(|r| trusted(r, trust))
            {
                let is_above = !walk.seen_ours && walk.meets_ours(below, &ours);
                let mut fields = vec![first];
                // One without an id could be anybody's: only the topmost counts.
                if server != NO_ID {
                    fields.extend(followers(below, is_above, trust));
                }
                let n_vouching = if is_above { fields.len() } else { 1 };
                let server = if server == NO_ID { "the mail server".to_owned() } else { server };
                return Some(Block { server, fields, n_vouching });
            }
        }
        None
    }

    /// Tells whether our server says anything of DKIM or DMARC, good or bad.
    pub(super) fn is_a_word(&self) -> bool {
        self.all("dmarc").chain(self.all("dkim")).next().is_some()
    }

    /// Tells whether every word of a field that may vouch or accuse is for the mail.
    pub(super) fn all_pass(&self, method: &'static str) -> bool {
        self.all(method).all(|result| result.result == "pass")
    }

    /// The results of a method in the fields that may vouch, from the top.
    pub(super) fn vouching(&self, method: &'static str) -> impl Iterator<Item = &MethodResult> {
        self.fields.iter().take(self.n_vouching).flat_map(move |field| field.of(method))
    }

    /// The results of a method in all fields of the block, from the top.
    pub(super) fn all(&self, method: &'static str) -> impl Iterator<Item = &MethodResult> {
        self.fields.iter().flat_map(move |field| field.of(method))
    }
}

/// Tells whether a field anywhere in the header says in the name of our server that DMARC failed.
pub(super) fn accuses(headers: &[(String, String)], trust: &Trust) -> bool {
    headers
        .iter()
        .filter_map(|(name, value)| trusted(results(name, value)?, trust))
        .any(|(_, results)| results.of("dmarc").any(|dmarc| dmarc.result == "fail"))
}

/// Tells whether a mail never left our own servers, by the hops it made: at least one of ours and
/// none from outside.
pub(super) fn is_internal(headers: &[(String, String)], trust: &Trust) -> bool {
    let ours = Ours::of(trust);
    let mut walk = Walk::default();
    headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("Received"))
        .all(|(_, value)| walk.goes_on(&Hop::read(value), &ours) && !walk.is_outside)
        && walk.seen_ours
}

/// What stands in the configuration for a field without an authserv-id.
const NO_ID: &str = "-";

fn results(name: &str, value: &str) -> Option<AuthResults> {
    name.eq_ignore_ascii_case("Authentication-Results").then(|| AuthResults::read(value))
}

/// The configured id under which a field is ours, and the field.
fn trusted(results: AuthResults, trust: &Trust) -> Option<(String, AuthResults)> {
    let id = results.authserv_id.as_deref().unwrap_or(NO_ID).trim_end_matches('.').to_owned();
    // A server that calls itself "-" must not pass for one without a name.
    let is_known = results.authserv_id.as_deref() != Some(NO_ID)
        && trust.authserv_ids.iter().any(|known| is_id(known, &id));
    is_known.then_some((id, results))
}

/// Tells whether an id is a configured one. `*.` stands for every host below a domain: Yahoo and
/// Fastmail sign with the name of the one of their hosts that took the mail in.
fn is_id(known: &str, id: &str) -> bool {
    match known.strip_prefix("*.") {
        // Below a public suffix anybody has a host.
        Some(domain) => psl::domain_str(domain).is_some() && is_within(id, domain),
        None => known.trim_end_matches('.').eq_ignore_ascii_case(id),
    }
}

fn followers(below: &[(String, String)], is_above: bool, trust: &Trust) -> Vec<AuthResults> {
    let mut followers = Vec::new();
    for (name, value) in below {
        match results(name, value).and_then(|results| trusted(results, trust)) {
            Some((id, results)) if id != NO_ID => followers.push(results),
            _ if is_above && FILTER_TRACES.iter().any(|trace| name.eq_ignore_ascii_case(trace)) => {
            }
            _ => break,
        }
    }
    followers
}

/// How far the walk from the top has come.
#[derive(Clone, Copy, Default)]
struct Walk {
    /// A Received line of ours was passed.
    seen_ours: bool,
    /// It took the mail from outside: every Received line below is the sender's.
    is_outside: bool,
}

impl Walk {
    /// Takes a hop, and tells whether what stands below it can still be ours.
    fn goes_on(&mut self, hop: &Hop, ours: &Ours) -> bool {
        if self.is_outside || hop.is_ambiguous {
            return false;
        }
        if hop.by.as_deref().is_some_and(|by| ours.is_host(by)) {
            self.seen_ours = true;
            self.is_outside =
                !hop.is_from(|host| ours.is_host(host) || is_local_sender(host), Unnamed::Foreign);
            return true;
        }
        let by = hop.by.as_deref();
        match (self.seen_ours, by) {
            // Content filters take a mail from our server and hand it back.
            (true, by) => by.is_some_and(is_loopback),
            (false, Some(by)) if !is_local(by) => {
                let same = |host: &str| organisation(host) == organisation(by);
                !ours.is_sender(by) && hop.from.is_some() && hop.is_from(same, Unnamed::Same)
            }
            // A host that names itself by no public name may still be the one that strangers reach.
            (false, _) => {
                hop.is_from(|host| ours.is_host(host) || is_local_sender(host), Unnamed::Foreign)
            }
        }
    }

    /// Tells whether a hop of ours comes before the first foreign one.
    fn meets_ours(mut self, below: &[(String, String)], ours: &Ours) -> bool {
        for (_, value) in below.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Received")) {
            let goes_on = self.goes_on(&Hop::read(value), ours);
            if self.seen_ours || !goes_on {
                return self.seen_ours;
            }
        }
        false
    }
}

/// The organisations that are ours: those of the configured servers and addresses; and those
/// that cannot be: CBP's.
struct Ours {
    organisations: Vec<String>,
    senders: Vec<String>,
}

impl Ours {
    fn of(trust: &Trust) -> Ours {
        let addresses = trust.own_addresses.iter().filter_map(|own| own.rsplit_once('@'));
        let hosts = trust.authserv_ids.iter().map(String::as_str).chain(addresses.map(|(_, d)| d));
        Ours {
            organisations: hosts.filter(|host| host.contains('.')).map(organisation).collect(),
            senders: trust.cbp_domains.iter().map(|cbp| organisation(cbp)).collect(),
        }
    }

    fn is_sender(&self, host: &str) -> bool {
        self.senders.contains(&organisation(host))
    }

    fn is_host(&self, host: &str) -> bool {
        host.contains('.') && !is_address(host) && self.organisations.contains(&organisation(host))
    }
}

/// The domain that an organisation registered (RFC 7489 §3.2), after the public suffix list; an
/// address or a public suffix is its own.
pub(super) fn organisation(host: &str) -> String {
    let host = host.trim_end_matches('.').to_lowercase();
    match psl::domain_str(&host).filter(|_| !is_address(&host)) {
        Some(domain) => domain.to_owned(),
        None => host,
    }
}

fn is_address(host: &str) -> bool {
    address(host).is_some()
}

fn address(host: &str) -> Option<IpAddr> {
    let bare = host.trim_matches(['[', ']']);
    bare.strip_prefix("IPv6:").or_else(|| bare.strip_prefix("ipv6:")).unwrap_or(bare).parse().ok()
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|ip| ip.is_loopback())
}

/// Names and addresses that mean nothing outside of one network.
fn is_local(host: &str) -> bool {
    let host = host.trim_end_matches('.').to_lowercase();
    let is_private_name = [".internal", ".local", ".lan", ".localdomain", ".localhost"]
        .iter()
        .any(|suffix| host.ends_with(suffix));
    !host.contains('.') || is_private_name || is_address(&host)
}

/// The same for a host that hands a mail to ours: anybody may come from a public address.
fn is_local_sender(host: &str) -> bool {
    match address(host) {
        Some(ip) => is_private(ip),
        None => is_local(host),
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

/// What is made of a sending host that gave its name but has none in the DNS.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Unnamed {
    /// Microsoft's own relays are written so.
    Same,
    /// Anyone can call himself by our name.
    Foreign,
}

/// The two hosts of a Received line (RFC 5321 §4.4).
#[derive(Debug, Default, Eq, PartialEq)]
struct Hop {
    /// The name by which the sending host introduced itself.
    from: Option<String>,
    /// What the receiving host found out about it: a comment right behind the name.
    seen: String,
    by: Option<String>,
    /// A second "by": a name with blanks in it was given to pass for a hop of ours.
    is_ambiguous: bool,
}

impl Hop {
    fn read(value: &str) -> Hop {
        let mut hop = Hop::default();
        let mut words = Words::of(value);
        let mut word = words.next();
        if matches!(&word, Some(Word::Plain(from)) if from.eq_ignore_ascii_case("from")) {
            hop.from = match words.next() {
                Some(Word::Plain(host)) => Some(host.to_lowercase()),
                _ => None,
            };
            word = words.next();
        }
        while let Some(current) = word {
            match current {
                Word::Comment(comment) if hop.by.is_none() => {
                    hop.seen.push_str(&comment);
                    hop.seen.push(' ');
                }
                Word::Plain(by) if by.eq_ignore_ascii_case("by") => {
                    if let Some(Word::Plain(host)) = words.next() {
                        let is_last = host.ends_with(';');
                        hop.by = Some(host.trim_end_matches(';').to_lowercase());
                        hop.is_ambiguous = !is_last && has_by(words);
                    }
                    break;
                }
                _ => {}
            }
            word = words.next();
        }
        hop
    }

    /// Tells whether the sending host is of a kind: by the name it gave, and by the name or the
    /// private address under which it was seen.
    fn is_from(&self, is_kind: impl Fn(&str) -> bool, unnamed: Unnamed) -> bool {
        let Some(from) = &self.from else { return true };
        if !is_kind(from) {
            return false;
        }
        // What the sender said of itself (Exim writes `helo=` into the comment) proves nothing.
        let seen: Vec<&str> = self
            .seen
            .split_whitespace()
            .filter(|word| {
                let word = word.trim_start_matches('(').to_ascii_lowercase();
                !["helo=", "ehlo=", "port=", "ident="].iter().any(|said| word.starts_with(said))
            })
            .collect();
        let seen = seen.join(" ").to_lowercase();
        let words = || {
            seen.split(|c: char| {
                c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '=' | ',')
            })
            .filter(|w| !w.is_empty())
        };
        // A private address among public ones was only said: qmail writes (HELO 10.0.0.1) (…).
        let mut addresses = words().filter_map(address).map(is_private);
        let is_private_peer = addresses.next().is_some_and(|first| first && addresses.all(|a| a));
        if words().any(|word| word == "unknown") {
            return is_private_peer;
        }
        let name = words().find(|w| {
            w.contains('.')
                && address(w).is_none()
                && w.chars().any(char::is_alphabetic)
                && !w.starts_with("tls")
        });
        match name {
            _ if is_private_peer => true,
            Some(name) => is_kind(name),
            None => unnamed == Unnamed::Same || !words().any(is_address),
        }
    }
}

/// Tells whether another "by" follows in front of the date.
fn has_by(words: Words) -> bool {
    let mut words = words.filter_map(|word| match word {
        Word::Plain(word) => Some(word),
        Word::Comment(_) => None,
    });
    words
        .by_ref()
        .take_while(|word| !word.contains(';'))
        .any(|word| word.eq_ignore_ascii_case("by"))
}

enum Word {
    Plain(String),
    Comment(String),
}

/// Words and comments of a structured field; comments nest (RFC 5322 §3.2.2).
struct Words<'a>(std::iter::Peekable<std::str::Chars<'a>>);

impl Words<'_> {
    fn of(value: &str) -> Words<'_> {
        Words(value.chars().peekable())
    }
}

impl Iterator for Words<'_> {
    type Item = Word;

    fn next(&mut self) -> Option<Word> {
        while self.0.next_if(|letter| letter.is_whitespace()).is_some() {}
        if self.0.next_if_eq(&'(').is_some() {
            return Some(Word::Comment(comment(&mut self.0)));
        }
        let mut word = String::new();
        while let Some(letter) = self.0.next_if(|letter| !letter.is_whitespace() && *letter != '(')
        {
            word.push(letter);
        }
        (!word.is_empty()).then_some(Word::Plain(word))
    }
}

/// Reads a comment after its opening bracket. One that is never closed takes all that follows.
fn comment(letters: &mut impl Iterator<Item = char>) -> String {
    let mut comment = String::new();
    let mut depth = 0_usize;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => comment.extend(letters.next()),
            ')' if depth == 0 => break,
            letter => {
                depth = match letter {
                    '(' => depth + 1,
                    ')' => depth - 1,
                    _ => depth,
                };
                comment.push(letter);
            }
        }
    }
    comment
}

/// One Authentication-Results field.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct AuthResults {
    /// Whose field it says it is; Microsoft 365 writes none.
    pub authserv_id: Option<String>,
    pub results: Vec<MethodResult>,
}

/// The result of one method, such as `dmarc=pass header.from=cbp.dhs.gov`.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct MethodResult {
    /// In lower case, without its version.
    pub method: String,
    /// In lower case.
    pub result: String,
    properties: Vec<(String, String)>,
}

impl MethodResult {
    /// The value of a property such as `header.from` in lower case; `None` where it is missing
    /// or given twice with different values.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        let mut values = self.properties.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let first = values.next()?;
        values.all(|value| value == first).then_some(first)
    }
}

impl AuthResults {
    /// Reads a field's value (RFC 8601 §2.2). What is malformed is passed over.
    pub(super) fn read(value: &str) -> AuthResults {
        let segments = segments(value);
        let mut segments = segments.iter();
        let mut read = AuthResults::default();
        let Some(first) = segments.next() else {
            return read;
        };
        // The id is followed by a version at most; what has an equals sign is a result already.
        match first.first() {
            Some(word) if !word.contains('=') => {
                // ASCII alone: a server that takes out forged fields in its name leaves one in
                // that has a Kelvin sign for its k.
                read.authserv_id = Some(unquoted(word).to_ascii_lowercase())
            }
            _ => read.results.extend(method_result(first)),
        }
        read.results
            .extend(segments.take(MAX_RESULTS).filter_map(|segment| method_result(segment)));
        read
    }

    fn of(&self, method: &'static str) -> impl Iterator<Item = &MethodResult> {
        self.results.iter().filter(move |result| result.method == method)
    }
}

fn method_result(words: &[String]) -> Option<MethodResult> {
    let (first, properties) = words.split_first()?;
    let (method, result) = first.split_once('=')?;
    let method = method.split('/').next().unwrap_or_default();
    let properties = properties
        .iter()
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_ascii_lowercase(), unquoted(value).to_lowercase()))
        .collect();
    Some(MethodResult {
        method: method.to_ascii_lowercase(),
        result: unquoted(result).to_ascii_lowercase(),
        properties,
    })
}

/// Stands for an opening quotation mark, so that a quoted `dmarc=pass` is never a result.
const QUOTE: char = '\u{1}';

fn unquoted(word: &str) -> String {
    word.chars().filter(|&letter| letter != QUOTE).take(500).collect()
}

/// Splits a value at its semicolons, and those pieces into words without comments. Blanks around
/// an equals sign or a slash do not divide words.
fn segments(value: &str) -> Vec<Vec<String>> {
    let mut segments: Vec<Vec<String>> = vec![Vec::new()];
    let mut word = String::new();
    let mut letters = value.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => {
                word.push(QUOTE);
                while let Some(letter) = letters.next().filter(|&letter| letter != '"') {
                    word.extend(if letter == '\\' { letters.next() } else { Some(letter) });
                }
            }
            '(' => {
                comment(&mut letters);
                end_word(&mut word, &mut segments);
            }
            ';' => {
                end_word(&mut word, &mut segments);
                segments.push(Vec::new());
            }
            letter if letter.is_whitespace() => end_word(&mut word, &mut segments),
            letter => word.push(letter),
        }
    }
    end_word(&mut word, &mut segments);
    segments
}

fn end_word(word: &mut String, segments: &mut [Vec<String>]) {
    let word = std::mem::take(word);
    let Some(words) = segments.last_mut().filter(|_| !word.is_empty()) else {
        return;
    };
    match words.last_mut() {
        Some(last) if word.starts_with(['=', '/']) => last.push_str(&word),
        Some(last) if last.ends_with('/') || (last.ends_with('=') && !word.contains('=')) => {
            last.push_str(&word);
        }
        _ => words.push(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, id: Option<&str>, expected: &[(&str, &str, &str)]) {
        let read = AuthResults::read(value);
        assert_eq!(read.authserv_id.as_deref(), id, "{value}");
        let shown: Vec<(String, String, String)> = read
            .results
            .iter()
            .map(|r| {
                let properties: Vec<_> =
                    r.properties.iter().map(|(n, v)| format!("{n}={v}")).collect();
                (r.method.clone(), r.result.clone(), properties.join(" "))
            })
            .collect();
        let shown: Vec<_> =
            shown.iter().map(|(m, r, p)| (m.as_str(), r.as_str(), p.as_str())).collect();
        assert_eq!(shown, expected, "{value}");
    }

    #[test]
    fn results_are_read_in_all_their_forms() {
        check("mx.x 1; none", Some("mx.x"), &[]);
        check(
            "MX.x (a (b) \\) c) 1 ; dmarc = PASS (p=reject; dis=none) header.from = A.B",
            Some("mx.x"),
            &[("dmarc", "pass", "header.from=a.b")],
        );
        check(
            "mx; dkim/1=pass reason=\"good; dmarc=pass\" header.i=@a.b",
            Some("mx"),
            &[("dkim", "pass", "reason=good; dmarc=pass header.i=@a.b")],
        );
        check(
            "mx; spf=pass smtp.mailfrom=\"x; dmarc=pass header.from=a\"@b",
            Some("mx"),
            &[("spf", "pass", "smtp.mailfrom=x; dmarc=pass header.from=a@b")],
        );
        check(
            "mx; spf=none \"dmarc=pass\"; \"dmarc=pass\"",
            Some("mx"),
            &[("spf", "none", "\u{1}dmarc=pass"), ("\u{1}dmarc", "pass", "")],
        );
        check(
            "spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=a;dkim=pass header.d=a",
            None,
            &[("spf", "pass", "smtp.mailfrom=a"), ("dkim", "pass", "header.d=a")],
        );
        check("mx; dmarc=pass (never closed; dkim=pass", Some("mx"), &[("dmarc", "pass", "")]);
        check("", None, &[]);
        check(";;=;", None, &[("", "", "")]);
    }

    #[test]
    fn a_property_given_twice_with_two_values_says_nothing() {
        let read =
            AuthResults::read("mx; dmarc=pass header.from=a header.from=b header.d=c header.d=c");
        let result = read.results.first().unwrap();
        assert_eq!(
            (result.property("header.from"), result.property("header.d")),
            (None, Some("c"))
        );
    }

    #[test]
    fn hops_are_read_by_position_and_not_by_word() {
        fn check(value: &str, from: Option<&str>, by: Option<&str>) {
            let hop = Hop::read(value);
            assert_eq!((hop.from.as_deref(), hop.by.as_deref()), (from, by), "{value}");
        }
        check(
            "from a.b (c [1.2.3.4]) (using x by y) by D.e (Postfix) with LMTP; date",
            Some("a.b"),
            Some("d.e"),
        );
        check("from by (by x) by z with SMTP", Some("by"), Some("z"));
        check("by 2002:a05::1 with SMTP id x; date", None, Some("2002:a05::1"));
        check("(qmail 123 invoked by uid 5); date", None, None);
        check("", None, None);
    }

    #[test]
    fn organisations_are_what_stands_below_a_public_suffix() {
        for (host, expected) in [
            ("mx.broker.example", "broker.example"),
            ("a.b.co.uk", "b.co.uk"),
            ("a.b.ltd.uk", "b.ltd.uk"),
            ("mail.agency.gouv.fr", "agency.gouv.fr"),
            ("a.shop.github.io", "shop.github.io"),
            ("mail.cbp.dhs.gov", "dhs.gov"),
            ("*.mail.yahoo.com", "yahoo.com"),
            ("B.Co.", "b.co"),
            ("co.uk", "co.uk"),
            ("198.51.100.24", "198.51.100.24"),
            ("x", "x"),
            ("", ""),
        ] {
            assert_eq!(organisation(host), expected);
        }
    }
}
