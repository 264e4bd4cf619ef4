//! Whether a mail is from CBP, from somebody who pretends to be, or from neither.
//!
//! Anyone can write CBP's address into From. What counts is what our own mail server found out
//! when it took the mail in and wrote into Authentication-Results (RFC 8601): DMARC (RFC 7489)
//! passed for the very domain in From, or, where the server says nothing of DMARC, a DKIM
//! signature (RFC 6376) of an aligned domain. SPF alone proves the envelope and not the From
//! line; it is not enough. Where the server says nothing, a DKIM signature that was verified here
//! (`signature`) may take its place. The rules are rulings 3 to 6 and 11 of `docs/interface.md`.
//!
//! Three questions in this order: is it a machine's report or our own mail; who does it claim to
//! be (`claim`); who vouches for that (`results`). When in doubt a person decides: that is
//! `unverified`.

mod claim;
#[cfg(test)]
mod providers;
mod results;
mod signature;
mod vouching;

use std::fmt;

use super::message::{Address, FolderRole, Message};
use claim::{Claim, is_within};
use results::{Block, MethodResult, organisation};

pub use signature::{DkimVerdict, is_worth_verifying, may_vouch};
pub use vouching::{Vouching, who_vouches};

/// Whom the user trusts, from the `[trust]` section of the configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trust {
    /// The names under which our own mail servers write Authentication-Results; `-` stands for a
    /// server that writes no name, as Microsoft 365 does.
    pub authserv_ids: Vec<String>,
    /// The addresses from which we write.
    pub own_addresses: Vec<String>,
    /// The domains from which CBP writes, their sub-domains included.
    pub cbp_domains: Vec<String>,
    /// The addresses to which applications go.
    pub application_addresses: Vec<String>,
    /// The domains whose ARC seals (RFC 8617) soften a DMARC failure to "unverified": forwarders
    /// of our own that break signatures.
    pub arc_sealers: Vec<String>,
}

impl Trust {
    /// Trusts the given servers and addresses, and CBP's published domain and mailbox.
    pub fn of_cbp(authserv_ids: Vec<String>, own_addresses: Vec<String>) -> Trust {
        Trust {
            authserv_ids,
            own_addresses,
            cbp_domains: vec!["cbp.dhs.gov".to_owned()],
            application_addresses: vec!["ACE.Applications@cbp.dhs.gov".to_owned()],
            arc_sealers: Vec::new(),
        }
    }

    /// Tells whether an address is one of ours, without regard to case and "+" tags.
    pub fn is_own_address(&self, address: &str) -> bool {
        self.own_addresses.iter().any(|own| is_same_mailbox(own, address))
    }

    /// Tells whether a domain is our own organisation's: that of our addresses or our mail server.
    pub fn is_own_organisation(&self, domain: &str) -> bool {
        let ours = self.own_addresses.iter().filter_map(|own| own.rsplit_once('@').map(|(_, d)| d));
        let servers = self.authserv_ids.iter().map(String::as_str).filter(|id| id.contains('.'));
        domain.contains('.')
            && ours.chain(servers).any(|own| organisation(own) == organisation(domain))
    }

    /// Tells whether applications go to this address.
    pub fn is_application_address(&self, address: &str) -> bool {
        self.application_addresses.iter().any(|known| is_same_mailbox(known, address))
    }

    /// Tells whether a domain is one of CBP's or below one.
    pub fn is_cbp_domain(&self, domain: &str) -> bool {
        self.cbp_domains.iter().any(|cbp| is_within(domain, cbp))
    }

    /// Tells whether an address is at one of CBP's domains.
    pub fn is_cbp_address(&self, address: &str) -> bool {
        address.rsplit_once('@').is_some_and(|(_, domain)| self.is_cbp_domain(domain))
    }

    /// Tells whether one of our addresses is at this domain.
    fn is_own_domain(&self, domain: &str) -> bool {
        let domain_of = |own: &String| own.rsplit_once('@').map(|(_, domain)| domain.to_owned());
        self.own_addresses.iter().filter_map(domain_of).any(|own| is_within(domain, &own))
    }
}

fn is_same_mailbox(known: &str, address: &str) -> bool {
    let parts = |address: &str| {
        let (local, domain) = address.trim().rsplit_once('@')?;
        let local = local.split('+').next().unwrap_or_default().to_lowercase();
        Some((local, domain.trim_end_matches('.').to_lowercase()))
    };
    parts(known).is_some_and(|known| Some(known) == parts(address))
}

/// What acewatch believes of a mail's origin.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Verdict {
    /// From CBP; our own server vouches.
    Authentic,
    /// It claims to be CBP or carries CBP's text, and nobody vouches.
    Unverified,
    /// It claims to be CBP and is not.
    Forged,
    /// We sent it.
    Own,
    /// It claims nothing.
    NotCbp,
}

impl Verdict {
    /// The verdict's name in JSON and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Authentic => "authentic",
            Verdict::Unverified => "unverified",
            Verdict::Forged => "forged",
            Verdict::Own => "own",
            Verdict::NotCbp => "not_cbp",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A verdict, and the fact that decided it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Authenticity {
    /// The verdict.
    pub verdict: Verdict,
    /// One sentence without full stop, naming the header field or address that decided.
    pub because: String,
}

impl Authenticity {
    /// Judges a mail.
    pub fn of(message: &Message, trust: &Trust) -> Authenticity {
        let (verdict, because) = judge(message, trust);
        Authenticity { verdict, because }
    }
}

/// Tells whether a mail was written on our own servers and never left them, by the hops it made.
/// A sender's address proves nothing of the kind.
pub fn never_left_our_servers(message: &Message, trust: &Trust) -> bool {
    results::is_internal(&message.headers, trust)
}

/// Tells whether these senders claim to be CBP, be it true or not.
pub fn claims_to_be_cbp(from: &[Address], trust: &Trust) -> bool {
    claim::strongest(from, trust).is_some()
}

fn judge(message: &Message, trust: &Trust) -> (Verdict, String) {
    let is_ours = !message.from.is_empty()
        && message.from.iter().all(|from| trust.is_own_address(&from.address));
    if message.folder == FolderRole::Sent && is_ours {
        return (Verdict::Own, "sent from one of our addresses, in the Sent folder".to_owned());
    }
    let claim = claim::strongest(&message.from, trust);
    if message.report.is_some() {
        return judge_report(claim, message, trust);
    }
    match claim {
        Some(claim) => judge_claim(claim, message, trust),
        None => match passes_on_cbp_text(message, trust) {
            Some(because) => (Verdict::Unverified, because),
            None => (Verdict::NotCbp, "neither the From address nor its name is CBP's".to_owned()),
        },
    }
}

/// Judges a report about a delivery: it speaks of our mail and not for CBP, and what it may do, its
/// content decides. In CBP's name only a mail server may report; a forged one stays forged.
fn judge_report(claim: Option<Claim>, message: &Message, trust: &Trust) -> (Verdict, String) {
    let is_machine = message.from.first().is_some_and(|from| {
        let local = from.address.split('@').next().unwrap_or_default().to_ascii_lowercase();
        matches!(local.as_str(), "mailer-daemon" | "postmaster")
    });
    match claim.map(|claim| judge_claim(claim, message, trust)) {
        Some(judged) if !is_machine || judged.0 == Verdict::Forged => judged,
        _ => (Verdict::NotCbp, "a server's report about a delivery".to_owned()),
    }
}

fn judge_claim(claim: Claim, message: &Message, trust: &Trust) -> (Verdict, String) {
    if let Claim::LookAlike(why) | Claim::Name(why) = claim {
        return (Verdict::Forged, why);
    }
    let block = Block::find(&message.headers, trust);
    if let Some(block) = &block
        && block.all("dmarc").any(|dmarc| dmarc.result == "fail")
    {
        let server = &block.server;
        return match known_sealer(block, message, trust) {
            Some(sealer) => (
                Verdict::Unverified,
                format!("{server} says dmarc=fail, but arc=pass with the known seal of {sealer}"),
            ),
            None => (Verdict::Forged, format!("{server} says dmarc=fail")),
        };
    }
    match (claim, message.from.as_slice()) {
        (Claim::Domain(_), [_]) if message.from_is_group => {
            (Verdict::Unverified, "the From field uses group syntax".to_owned())
        }
        (Claim::Domain(_), [from]) => {
            let judged = match &block {
                Some(block) if block.is_a_word() => judge_pass(block, &from.domain(), trust),
                block => signature::judge(block.as_ref(), &from.domain(), message, trust),
            };
            if_answers_go_home(judged, message, trust)
        }
        (Claim::Domain(_), several) => {
            (Verdict::Unverified, format!("there are {} From addresses", several.len()))
        }
        (claim, _) => (Verdict::Unverified, claim.why().to_owned()),
    }
}

/// A good signature need not cover Reply-To: a genuine mail with a stranger's address in it can be
/// sent again to anybody.
fn if_answers_go_home(
    judged: (Verdict, String),
    message: &Message,
    trust: &Trust,
) -> (Verdict, String) {
    let is_home = |domain: &str| {
        let mut agency = trust.cbp_domains.iter().map(|cbp| organisation(cbp));
        agency.any(|agency| is_within(domain, &agency)) || trust.is_own_organisation(domain)
    };
    let mut elsewhere = message.reply_to.iter().map(Address::domain).filter(|d| !is_home(d));
    match (judged.0, elsewhere.find(|domain| !domain.is_empty())) {
        (Verdict::Authentic, Some(domain)) => {
            let domain: String = domain.chars().take(100).collect();
            (Verdict::Unverified, format!("{}, but answers go to {domain}", judged.1))
        }
        _ => judged,
    }
}

/// Judges a mail with one From address at a domain of CBP's.
fn judge_pass(block: &Block, from: &str, trust: &Trust) -> (Verdict, String) {
    let server = &block.server;
    let signer = block
        .vouching("dkim")
        .filter(|dkim| dkim.result == "pass")
        .find_map(|dkim| signing_domain(dkim).filter(|domain| is_aligned(domain, from, trust)));
    let Some(dmarc) = block.vouching("dmarc").next() else {
        return match signer {
            // A field that may only accuse has not vouched; where it does not accuse, the other holds.
            Some(signer) if block.all_pass("dmarc") => {
                let because = format!("{server} says dkim=pass for {signer} and nothing of DMARC");
                (Verdict::Authentic, because)
            }
            _ => {
                let because = format!("{server} says neither dmarc=pass nor dkim=pass for {from}");
                (Verdict::Unverified, because)
            }
        };
    };
    // A second word of our server's that is no pass leaves a doubt.
    let dmarc = block.vouching("dmarc").find(|dmarc| dmarc.result != "pass").unwrap_or(dmarc);
    if dmarc.result != "pass" {
        let result: String = dmarc.result.chars().take(30).collect();
        return (Verdict::Unverified, format!("{server} says dmarc={result}"));
    }
    match dmarc.property("header.from").map(|domain| domain.trim_matches(['@', '.'])) {
        // Some servers name the organisation that published the policy, a parent of CBP's own.
        Some(domain) if is_within(from, domain) && trust.is_cbp_domain(domain) => {
            (Verdict::Authentic, format!("{server} says dmarc=pass for {domain}"))
        }
        Some(domain) => {
            let domain: String = domain.chars().take(100).collect();
            (
                Verdict::Unverified,
                format!("{server} says dmarc=pass for {domain}, but From is at {from}"),
            )
        }
        None => match signer {
            Some(signer) => {
                (Verdict::Authentic, format!("{server} says dmarc=pass and dkim=pass for {signer}"))
            }
            None => {
                (Verdict::Unverified, format!("{server} says dmarc=pass without naming a domain"))
            }
        },
    }
}

/// The domain whose signature was found good: `header.d`, else that of `header.i`.
fn signing_domain(dkim: &MethodResult) -> Option<&str> {
    let identity = || dkim.property("header.i")?.rsplit_once('@').map(|(_, domain)| domain);
    match dkim.property("header.d") {
        Some(domain) => Some(domain.trim_matches(['@', '.'])),
        None => identity(),
    }
}

/// Relaxed alignment (RFC 7489 §3.1.1), a little narrower: one of the domains is below the other,
/// or both are below the same domain of CBP's; a sister agency's signature is not CBP's.
fn is_aligned(signer: &str, from: &str, trust: &Trust) -> bool {
    let is_same_organisation = signer.contains('.') && organisation(signer) == organisation(from);
    let is_line = is_within(from, signer) || is_within(signer, from);
    let is_both_cbp =
        trust.cbp_domains.iter().any(|cbp| is_within(signer, cbp) && is_within(from, cbp));
    is_same_organisation && (is_line || is_both_cbp)
}

/// The configured forwarder whose seal our server found good. `arc=pass` means that the whole
/// chain of seals is good, so any member of it may be the known one.
fn known_sealer(block: &Block, message: &Message, trust: &Trust) -> Option<String> {
    block.vouching("arc").next().filter(|arc| arc.result == "pass")?;
    let sealed_by = |seal: &str| {
        seal.split(';')
            .filter_map(|tag| tag.split_once('='))
            .find(|(name, _)| name.trim() == "d")
            .map(|(_, domain)| domain.trim().to_lowercase())
    };
    message
        .headers_named("ARC-Seal")
        .filter_map(sealed_by)
        .find(|domain| trust.arc_sealers.iter().any(|known| is_within(domain, known)))
}

/// Says how a mail from somebody else passes on CBP's words (ruling 3): a forward, inline or
/// attached. An ordinary answer that quotes CBP does not.
fn passes_on_cbp_text(message: &Message, trust: &Trust) -> Option<String> {
    if message.folder == FolderRole::Sent {
        return None;
    }
    let is_attached = message
        .forwarded
        .iter()
        .flat_map(|mail| &mail.from)
        .any(|from| trust.is_cbp_address(&from.address));
    if is_attached {
        return Some(
            "a mail of CBP's is attached; nothing inside of an attachment is proof".to_owned(),
        );
    }
    let senders = message.quoted_senders();
    // Between colleagues Outlook copies names without addresses; then the signature tells.
    let has_address = senders.iter().any(|sender| sender.contains('@'));
    let is_inline = message.forwarded_inline
        && (senders.iter().any(|sender| names_cbp(sender, trust))
            || (!has_address && !senders.is_empty() && is_signed_by_cbp(&message.quoted, trust)));
    is_inline.then(|| "a mail of CBP's is forwarded in the text; text is no proof".to_owned())
}

/// Tells whether the From line or attribution of an older mail names CBP, by address or, as
/// Outlook writes it, by name only.
fn names_cbp(sender: &str, trust: &Trust) -> bool {
    let has_address = sender
        .split(|c: char| c.is_whitespace() || "<>()[]\"',;:".contains(c))
        .any(|word| trust.is_cbp_address(word));
    let name = super::message::Address { name: Some(sender.to_owned()), address: String::new() };
    has_address || (!sender.contains('@') && claim::strongest(&[name], trust).is_some())
}

/// Tells whether a text gives an address of CBP's other than as a recipient's.
fn is_signed_by_cbp(text: &str, trust: &Trust) -> bool {
    let is_recipients = |line: &str| {
        let label = line.split(':').next().unwrap_or_default();
        let label = label.trim_matches(|c: char| c.is_whitespace() || "*>".contains(c));
        ["to", "cc", "an", "à", "para", "til", "aan"].contains(&label.to_lowercase().as_str())
    };
    let lines = text.lines().filter(|line| line.contains('@') && !is_recipients(line));
    let mut words = lines.flat_map(|line| line.split(|c: char| !is_of_address(c)));
    words.any(|word| trust.is_cbp_address(word.trim_end_matches('.')))
}

fn is_of_address(letter: char) -> bool {
    letter.is_alphanumeric() || "@.+-_'".contains(letter)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    fn trust() -> Trust {
        let own = ["ops@broker.example", "ace@broker.example", "mkowalski@broker.example"];
        Trust::of_cbp(vec!["mx.broker.example".into()], own.map(String::from).to_vec())
    }

    fn judged(mail: &str, folder: FolderRole, trust: &Trust) -> Authenticity {
        Authenticity::of(&Message::parse(mail.as_bytes(), folder, DateTime::UNIX_EPOCH), trust)
    }

    fn check_with(mail: &str, trust: &Trust, expected: Verdict) {
        let read = judged(mail, FolderRole::Inbox, trust);
        assert_eq!(read.verdict, expected, "{}\n{mail}", read.because);
        assert!(!read.because.is_empty() && !read.because.ends_with('.'));
    }

    fn check(mail: &str, expected: Verdict) {
        check_with(mail, &trust(), expected);
    }

    const OURS: &str = "Received: from mail.cbp.dhs.gov (mail.cbp.dhs.gov [198.51.100.24])\n by mx.broker.example (Postfix) with ESMTPS id 1; Mon, 4 May 2026 09:25:28 -0400\n";
    const STORE: &str = "Received: from mx.broker.example by mailstore.broker.example with LMTP; Mon, 4 May 2026 09:25:30 -0400\n";
    const FOREIGN: &str = "Received: from a.cbp.dhs.gov (10.1.1.1) by mail.cbp.dhs.gov with ESMTP; Mon, 4 May 2026 09:25:21 -0400\n";
    const PASS: &str =
        "Authentication-Results: mx.broker.example; dmarc=pass header.from=cbp.dhs.gov\n";
    const FAIL: &str =
        "Authentication-Results: mx.broker.example; dmarc=fail header.from=cbp.dhs.gov\n";
    const FROM: &str =
        "From: ACE Applications <ACE.Applications@cbp.dhs.gov>\nSubject: x\n\ntext\n";

    #[test]
    fn all_samples_are_judged_as_expected() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/sample/");
        let lines = std::fs::read_to_string(format!("{path}expected.jsonl")).unwrap();
        let mut n_checked = 0;
        for line in lines.lines() {
            let expected: serde_json::Value = serde_json::from_str(line).unwrap();
            let file = expected["file"].as_str().unwrap();
            let bytes = std::fs::read(format!("{path}{file}")).unwrap();
            let folder = match expected["folder"].as_str() {
                Some("Sent") => FolderRole::Sent,
                _ => FolderRole::Inbox,
            };
            let message = Message::parse(&bytes, folder, DateTime::UNIX_EPOCH);
            let read = Authenticity::of(&message, &trust());
            // Where several verdicts are acceptable, the rulings leave one.
            let wanted = match file {
                "mail/006-bounce-own.eml" | "mail/012-bulletin.eml" => "not_cbp",
                "mail/021-forward.eml" => "unverified",
                _ => expected["authenticity"].as_str().unwrap(),
            };
            assert_eq!(read.verdict.as_str(), wanted, "{file}: {}", read.because);
            n_checked += 1;
        }
        assert_eq!(n_checked, 30);
    }

    #[test]
    fn truncated_samples_are_judged_too() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/sample/mail");
        let mut n_judged = 0;
        for entry in std::fs::read_dir(path).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            for end in (0..bytes.len()).step_by(7) {
                let message =
                    Message::parse(&bytes[..end], FolderRole::Inbox, DateTime::UNIX_EPOCH);
                Authenticity::of(&message, &trust());
                n_judged += 1;
            }
        }
        assert!(10_000 < n_judged);
    }

    #[test]
    fn our_servers_pass_counts_where_our_server_wrote_it() {
        for header in [
            format!("{STORE}{PASS}{OURS}{FOREIGN}"),
            format!("{STORE}{OURS}{PASS}{FOREIGN}"),
            format!("{OURS}{PASS}"),
            format!("{PASS}{OURS}{FOREIGN}"),
            PASS.to_owned(),
            format!("Received: by 2002:a05:6a10::1 with SMTP id 1; x\n{OURS}{PASS}{FOREIGN}"),
            format!(
                "Received: from a.prod.outlook.example (2603::1) by b.prod.outlook.example; x\n{PASS}{OURS}"
            ),
            format!("Received: (qmail 1 invoked by uid 5); x\n{PASS}{OURS}"),
            format!(
                "{STORE}Received: from localhost (localhost [127.0.0.1]) by mx.broker.example; x\nReceived: from mx.broker.example ([127.0.0.1]) by localhost (mx.broker.example [127.0.0.1]) (amavisd-new, port 10024); x\n{PASS}{OURS}"
            ),
            format!(
                "Authentication-Results: other.example; dmarc=fail header.from=cbp.dhs.gov\n{PASS}{OURS}"
            ),
            format!("{}{OURS}", PASS.replace("mx.broker", "MX.Broker")),
        ] {
            check(&format!("{header}{FROM}"), Verdict::Authentic);
        }
    }

    #[test]
    fn a_pass_below_a_foreign_hop_never_counts() {
        for header in [
            format!("{OURS}{FOREIGN}{PASS}"),
            format!("{FOREIGN}{PASS}"),
            format!("{OURS}{OURS}{PASS}"),
            format!("{STORE}{OURS}Received: by localhost; x\n{PASS}"),
            format!(
                "Received: from mx.broker.example (evil.example [203.0.113.5]) by mx.broker.example; x\n{OURS}{PASS}"
            ),
            format!(
                "Received: from mx.broker.example (unknown [203.0.113.5]) by mx.broker.example; x\n{OURS}{PASS}"
            ),
            format!(
                "Received: from mx.broker.example ([203.0.113.5]) by mx.broker.example; x\n{OURS}{PASS}"
            ),
            format!(
                "Authentication-Results: other.example; dmarc=pass header.from=cbp.dhs.gov\n{OURS}"
            ),
            format!("X-{PASS}{OURS}"),
            format!("{}{OURS}", PASS.replace('k', "\u{212a}")),
            format!("ARC-{PASS}{OURS}"),
        ] {
            check(&format!("{header}{FROM}"), Verdict::Unverified);
        }
    }

    #[test]
    fn a_sender_cannot_pass_for_a_hop_of_ours() {
        for hop in [
            // Servers that call themselves by a name without a domain, or none at all.
            "from mail.evil.example (mail.evil.example [203.0.113.5]) by mailmx.phl.internal (Postfix); x",
            "from mail.evil.example (mail.evil.example [203.0.113.5]) by mail (Postfix); x",
            "from localhost (unknown [203.0.113.5]) by 3f2a1b4c5d6e (Postfix); x",
            "from mail.evil.example ([203.0.113.5]); x",
            // What qmail was told, beside what it saw.
            "from unknown (HELO 10.0.0.1) (203.0.113.5) by mx.broker.example with SMTP; x",
            "from unknown (HELO 10.0.0.1) (203.0.113.5) by 0 with SMTP; x",
            "from unknown (HELO localhost) (203.0.113.5) by mx.broker.example with SMTP; x",
            // A name with blanks in it.
            "from a by mx.broker.example (evil.example [203.0.113.5]) by mx.broker.example; x",
        ] {
            let local = "Received: from localhost by localhost; x\n";
            let mail = format!("Received: {hop}\n{local}{PASS}{FROM}");
            check(&mail, Verdict::Unverified);
            check(&format!("{STORE}{mail}"), Verdict::Unverified);
        }
    }

    #[test]
    fn any_host_of_a_service_is_configured_by_an_asterisk_and_no_other_is() {
        let of = |id: &str| Trust::of_cbp(vec![id.into()], vec!["ops@broker.example".into()]);
        let mail = format!("{PASS}{OURS}{FROM}");
        check_with(&mail, &of("*.broker.example"), Verdict::Authentic);
        check_with(&mail, &of("*.BROKER.example."), Verdict::Authentic);
        for id in ["*.roker.example", "*.example", "*", "*.", "*.co.uk", "mx*.broker.example"] {
            check_with(&mail, &of(id), Verdict::Unverified);
        }
    }

    #[test]
    fn answers_that_would_go_elsewhere_leave_a_doubt() {
        for (reply_to, expected) in [
            ("Reply-To: ACE.Applications@cbp.dhs.gov", Verdict::Authentic),
            ("Reply-To: help@hq.dhs.gov", Verdict::Authentic),
            ("Reply-To: list@broker.example", Verdict::Authentic),
            ("Reply-To:", Verdict::Authentic),
            ("Reply-To: ACE.Applications@cbp.dhs.gov.evil.example", Verdict::Unverified),
            ("Reply-To: CBP <ace.applications@gmail.com>", Verdict::Unverified),
            ("Reply-To: r@cbp.dhs.gov, x@evil.example", Verdict::Unverified),
        ] {
            check(&format!("{PASS}{OURS}{reply_to}\n{FROM}"), expected);
            check(&format!("{FAIL}{OURS}{reply_to}\n{FROM}"), Verdict::Forged);
        }
    }

    #[test]
    fn a_mail_from_our_own_servers_met_no_other() {
        let own = "Received: by mx.broker.example (Postfix) id 1; x\n";
        let named = "Received: from mail2.broker.example (mail2.broker.example [198.51.100.226]) by mx.broker.example; x\n";
        for (head, expected) in [
            (own.to_owned(), true),
            (format!("{STORE}{own}"), true),
            (format!("{named}{own}"), true),
            (String::new(), false),
            (OURS.to_owned(), false),
            (format!("{STORE}{OURS}{own}"), false),
            (format!("{own}{FOREIGN}"), false),
            ("Received: by localhost; x\n".to_owned(), false),
        ] {
            let mail = format!("{head}From: mailer-daemon@broker.example\n\n");
            let message = Message::parse(mail.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH);
            assert_eq!(never_left_our_servers(&message, &trust()), expected, "{head}");
        }
    }

    #[test]
    fn a_forged_field_right_below_ours_may_accuse_but_not_vouch() {
        let spf = "Authentication-Results: mx.broker.example; spf=pass smtp.mailfrom=cbp.dhs.gov\n";
        let none =
            "Authentication-Results: mx.broker.example; dmarc=none header.from=cbp.dhs.gov\n";
        check(&format!("{OURS}{spf}{PASS}{FROM}"), Verdict::Unverified);
        check(&format!("{OURS}{none}{PASS}{FROM}"), Verdict::Unverified);
        check(&format!("{OURS}{PASS}{FAIL}{FROM}"), Verdict::Forged);
        check(&format!("{STORE}{OURS}{FAIL}{PASS}{FROM}"), Verdict::Forged);
        // On top of our own Received line all are ours.
        check(&format!("{spf}{PASS}{OURS}{FROM}"), Verdict::Authentic);
        check(&format!("{spf}DMARC-Filter: x\n{PASS}{OURS}{FROM}"), Verdict::Authentic);
        check(&format!("{spf}X-Other: x\n{PASS}{OURS}{FROM}"), Verdict::Unverified);
        check(&format!("{spf}{FAIL}{OURS}{FROM}"), Verdict::Forged);
        check(&format!("{none}{PASS}{OURS}{FROM}"), Verdict::Unverified);
        check(&format!("{FAIL}{OURS}{FOREIGN}{PASS}{FROM}"), Verdict::Forged);
        // A fail that a stranger wrote accuses nobody.
        check(&format!("{PASS}{OURS}{FOREIGN}{FAIL}{FROM}"), Verdict::Authentic);
    }

    #[test]
    fn only_an_aligned_pass_vouches() {
        for (results, expected) in [
            ("dmarc=pass header.from=cbp.dhs.gov", Verdict::Authentic),
            ("dmarc=pass header.from=CBP.dhs.gov.", Verdict::Authentic),
            ("dmarc=pass header.from=evil.example", Verdict::Unverified),
            ("dmarc=pass header.from=mail.cbp.dhs.gov", Verdict::Unverified),
            ("dmarc=pass header.from=gov", Verdict::Unverified),
            ("dmarc=pass", Verdict::Unverified),
            ("dmarc=pass; dkim=pass header.d=cbp.dhs.gov", Verdict::Authentic),
            ("dkim=pass header.d=cbp.dhs.gov", Verdict::Authentic),
            ("dkim=pass header.i=@mail.cbp.dhs.gov", Verdict::Authentic),
            ("dkim=pass header.d=dhs.gov", Verdict::Authentic),
            ("dkim=fail header.d=cbp.dhs.gov; dkim=pass header.d=cbp.dhs.gov", Verdict::Authentic),
            ("dkim=pass header.d=gov", Verdict::Unverified),
            ("dkim=pass header.d=fema.dhs.gov", Verdict::Unverified),
            ("dkim=pass header.d=evil.example header.i=@cbp.dhs.gov", Verdict::Unverified),
            ("dkim=pass", Verdict::Unverified),
            ("dkim=fail header.d=cbp.dhs.gov", Verdict::Unverified),
            ("dkim=pass header.d=cbp.dhs.gov; dmarc=none", Verdict::Unverified),
            ("spf=pass smtp.mailfrom=cbp.dhs.gov", Verdict::Unverified),
            ("dmarc=none header.from=cbp.dhs.gov", Verdict::Unverified),
            ("dmarc=temperror header.from=cbp.dhs.gov", Verdict::Unverified),
            ("dmarc=permerror header.from=cbp.dhs.gov", Verdict::Unverified),
            ("dmarc=bestguesspass header.from=cbp.dhs.gov", Verdict::Unverified),
            (
                "dmarc=fail header.from=cbp.dhs.gov; dmarc=pass header.from=cbp.dhs.gov",
                Verdict::Forged,
            ),
            ("dmarc=none; dmarc=pass header.from=cbp.dhs.gov", Verdict::Unverified),
            ("spf=none (x; dmarc=pass header.from=cbp.dhs.gov)", Verdict::Unverified),
            (
                "spf=none smtp.mailfrom=\"x; dmarc=pass header.from=cbp.dhs.gov\"@evil.example",
                Verdict::Unverified,
            ),
            ("none", Verdict::Unverified),
        ] {
            check(
                &format!("Authentication-Results: mx.broker.example; {results}\n{OURS}{FROM}"),
                expected,
            );
        }
    }

    #[test]
    fn a_field_without_an_id_counts_only_where_configured_and_on_top() {
        let nameless = "Authentication-Results: spf=pass (sender IP is 198.51.100.24)\n smtp.mailfrom=cbp.dhs.gov; dkim=pass header.d=cbp.dhs.gov;dmarc=pass action=none\n header.from=cbp.dhs.gov;compauth=pass reason=100\n";
        let failed = nameless.replace("dmarc=pass", "dmarc=none");
        let hop = "Received: from mail.cbp.dhs.gov (198.51.100.24) by x.mail.protection.outlook.com (10.1.1.1); x\n";
        let microsoft = Trust::of_cbp(vec!["-".into()], vec!["ops@broker.example".into()]);
        check_with(&format!("{nameless}{hop}{FROM}"), &microsoft, Verdict::Authentic);
        check_with(&format!("{failed}{nameless}{hop}{FROM}"), &microsoft, Verdict::Unverified);
        check_with(&format!("{hop}{nameless}{FROM}"), &microsoft, Verdict::Unverified);
        check_with(
            &format!("{}{hop}{FROM}", PASS.replace("mx.broker.example", "-")),
            &microsoft,
            Verdict::Unverified,
        );
        check(&format!("{nameless}{OURS}{FROM}"), Verdict::Unverified);
    }

    #[test]
    fn a_known_seal_softens_a_failure_and_no_more() {
        let results = "Authentication-Results: mx.broker.example; arc=pass; dmarc=fail header.from=cbp.dhs.gov\n";
        let seal = "ARC-Seal: i=1; a=rsa-sha256; d=forwarder.example; cv=none; b=x\n";
        let mail = format!("{results}{OURS}{seal}{FROM}");
        let known = Trust { arc_sealers: vec!["forwarder.example".into()], ..trust() };
        check(&mail, Verdict::Forged);
        check_with(&mail, &known, Verdict::Unverified);
        check_with(&mail.replace("arc=pass", "arc=fail"), &known, Verdict::Forged);
        check_with(&mail.replace("d=forwarder", "d=other"), &known, Verdict::Forged);
    }

    #[test]
    fn strange_senders_are_never_authentic() {
        for (from, expected) in [
            ("From: a@cbp.dhs.gov, b@cbp.dhs.gov\n", Verdict::Unverified),
            ("From: a@cbp.dhs.gov\nFrom: b@evil.example\n", Verdict::Unverified),
            ("From: b@evil.example\nFrom: a@cbp.dhs.gov\n", Verdict::Unverified),
            ("From: <a@cbp.dhs.gov> <b@evil.example>\n", Verdict::Unverified),
            ("From: CBP: a@cbp.dhs.gov;\n", Verdict::Unverified),
            ("From: \"ACE.Applications@cbp.dhs.gov\"\n", Verdict::Unverified),
            ("From: CBP <a@evil.example>\n", Verdict::Forged),
            ("From: \"a@cbp.dhs.gov\" <a@evil.example>\n", Verdict::Forged),
            ("From: a@cbp.dhs.gov <a@evil.example>\n", Verdict::Forged),
            ("From: a@cbp.dhs.gov, a@cbp.dhs.gov.evil.example\n", Verdict::Forged),
            (
                "From: =?utf-8?Q?U=2ES=2E_Customs_and_Border_Protection?= <a@evil.example>\n",
                Verdict::Forged,
            ),
            ("From: U.S. Customs and Border Protection <a@dhs.gov>\n", Verdict::Unverified),
            ("From: A <a@dhs.gov>\n", Verdict::NotCbp),
            ("From: Ace Hardware <a@ace.example>\n", Verdict::NotCbp),
            ("From: CBP Trading GmbH <a@cbp-trading.example>\n", Verdict::NotCbp),
            (
                "From: U.S. Customs and Border Protection <cbp@service.govdelivery.com>\n",
                Verdict::NotCbp,
            ),
            ("", Verdict::NotCbp),
        ] {
            check(&format!("{PASS}{OURS}{from}\ntext"), expected);
            let failed =
                judged(&format!("{FAIL}{OURS}{from}\ntext"), FolderRole::Inbox, &trust()).verdict;
            assert_eq!(failed == Verdict::Forged, expected != Verdict::NotCbp, "{from}");
        }
    }

    #[test]
    fn own_mail_lies_in_sent() {
        let mail = "From: Ops <OPS+ace@broker.example>\nTo: ACE.Applications@cbp.dhs.gov\n\nx";
        assert_eq!(judged(mail, FolderRole::Sent, &trust()).verdict, Verdict::Own);
        assert_eq!(judged(mail, FolderRole::Inbox, &trust()).verdict, Verdict::NotCbp);
        assert_eq!(judged("From: x@y\n\nx", FolderRole::Sent, &trust()).verdict, Verdict::NotCbp);
        assert_eq!(judged("\n\nx", FolderRole::Sent, &trust()).verdict, Verdict::NotCbp);
    }

    #[test]
    fn forwards_of_cbps_mail_go_to_a_person_and_answers_do_not() {
        let block =
            "From: LOMAX, REGINA <r@cbp.dhs.gov>\nSent: Monday\nTo: x\nSubject: y\n\ndenied";
        let named = block.replace("LOMAX, REGINA <r@cbp.dhs.gov>", "ACE Applications");
        let signed = block.replace("<r@cbp.dhs.gov>", "") + "\n\nRegina Lomax, r@cbp.dhs.gov.";
        let to_cbp = block
            .replace("LOMAX, REGINA <r@cbp.dhs.gov>", "Ops")
            .replace("To: x", "To: r@cbp.dhs.gov");
        let attached = "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nsee\n--b\nContent-Type: message/rfc822\n\nAuthentication-Results: mx.broker.example; dmarc=pass header.from=cbp.dhs.gov\nFrom: r@cbp.dhs.gov\n\ndenied\n--b--\n";
        for (rest, expected) in [
            (format!("Subject: FW: y\n\nlook\n\n{block}"), Verdict::Unverified),
            (
                format!("Subject: y\n\nlook\n\nBegin forwarded message:\n\n{block}"),
                Verdict::Unverified,
            ),
            (
                format!(
                    "Subject: Fwd: y\n\nlook\n\n---------- Forwarded message ---------\n{named}"
                ),
                Verdict::Unverified,
            ),
            (
                "Subject: WG: y\n\nlook\n\n> On 4 May, A <r@cbp.dhs.gov> wrote:\n> denied"
                    .to_owned(),
                Verdict::Unverified,
            ),
            (format!("Subject: FW: y\n\nlook\n\n{signed}"), Verdict::Unverified),
            (attached.to_owned(), Verdict::Unverified),
            (format!("Subject: RE: y\n\nthanks\n\n{block}"), Verdict::NotCbp),
            (format!("Subject: FW: y\n\nlook\n\n{to_cbp}"), Verdict::NotCbp),
            (attached.replace("r@cbp", "r@other"), Verdict::NotCbp),
        ] {
            check(&format!("{PASS}{OURS}From: dlund@broker.example\n{rest}"), expected);
        }
    }

    #[test]
    fn reports_are_not_cbps() {
        check(
            "From: MAILER-DAEMON@cbp.dhs.gov\nSubject: Undeliverable: x\n\nYour message could not be delivered to a@cbp.dhs.gov",
            Verdict::NotCbp,
        );
    }

    #[test]
    fn addresses_are_compared_as_mailboxes() {
        let trust = trust();
        assert!(trust.is_application_address("ace.applications@CBP.dhs.gov"));
        assert!(
            trust.is_own_address(" Ops@Broker.Example ")
                && !trust.is_own_address("ops@broker.example.evil")
        );
        assert!(
            trust.is_cbp_address("x@a.cbp.dhs.gov")
                && !trust.is_cbp_address("x@acbp.dhs.gov")
                && !trust.is_cbp_address("cbp.dhs.gov")
        );
        let from = Message::parse(FROM.as_bytes(), FolderRole::Inbox, DateTime::UNIX_EPOCH).from;
        assert!(claims_to_be_cbp(&from, &trust));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(300))]
        #[test]
        fn nothing_below_a_foreign_hop_changes_the_verdict(
            below in proptest::collection::vec(proptest::sample::select(&[
                PASS, FAIL, OURS, STORE, FOREIGN, "X: y\n", "Received: by localhost; x\n", "ARC-Seal: d=x\n",
            ][..]), 0..12)
        ) {
            let below = below.concat();
            for (top, expected) in [(PASS, Verdict::Authentic), ("", Verdict::Unverified), (FAIL, Verdict::Forged)] {
                check(&format!("{top}{OURS}{FOREIGN}{below}{FROM}"), expected);
            }
        }

        #[test]
        fn arbitrary_headers_are_judged(
            pieces in proptest::collection::vec(proptest::sample::select(&[
                PASS, FAIL, OURS, STORE, "Authentication-Results: ", "Received: ", "From: ", "a@cbp.dhs.gov", "\n", ";",
                "=", "(", ")", "\"", "\\", "/", " ", "from ", "by ", "xn--", "-", ".", "dmarc", "mx.broker.example", "é",
            ][..]), 0..40)
        ) {
            judged(&pieces.concat(), FolderRole::Inbox, &trust());
        }
    }
}
