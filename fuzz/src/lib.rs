//! What the fuzz targets share: whom they trust, what is registered, and what must hold of
//! whatever is made of a mail.
//!
//! A target is more than "it does not panic": each asserts what the rest of the program relies on.
//! `scripts/fuzz` runs all of them; a single one, with a toolchain that is called nightly and
//! `cargo install --locked cargo-fuzz`:
//!
//! ```text
//! cargo +nightly fuzz run --sanitizer none results
//! ```
//!
//! Without AddressSanitizer, because the program has no unsafe code to find fault with; so a
//! minute tries several times as many inputs. What a target finds becomes a test of the main crate
//! first, and then a fix.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use acewatch::domain::application::{ApplicationId, Route, Stage};
use acewatch::domain::authenticity::{Trust, Verdict};
use acewatch::domain::company::CompanyName;
use acewatch::domain::intake::{Effect, Examined, examine, keys_of};
use acewatch::domain::kind::Kind;
use acewatch::domain::matching::{Candidate, Key, Keys, Outcome};
use acewatch::domain::message::{FolderRole, Message};
use acewatch::domain::rules::Rules;

/// The name under which our own server writes Authentication-Results.
pub const SERVER: &str = "mx.broker.example";

/// Registered applications: those of `tests/corpus/sample`, which the seeds are about.
const APPLICATIONS: [(&str, &str); 9] = [
    ("Ridgeway Lantern Co", "54-820736100"),
    ("Pomelo & Thyme Foods, Inc.", "68-139470200"),
    ("Basalt Bicycle Works LLC", "84-660217300"),
    ("Basalt Bicycle Works LLC", "84-660217301"),
    ("Østerby Skibsudstyr A/S", "252303-00418"),
    ("Cinder Path Running Inc", "47-915036800"),
    ("Ptarmigan Wool Co. DBA \"Snowfeather\"", "91-407326100"),
    ("Galena Glass Company", "36-702918500"),
    ("Marlow Tins", "123-45-6789"),
];

/// The built-in rules.
pub static RULES: LazyLock<Rules> =
    LazyLock::new(|| Rules::read(None).expect("the built-in rules are valid"));

/// Trusts one server, which writes its name, and CBP's own domain.
pub fn trust() -> Trust {
    let own = ["ops@broker.example", "ace@broker.example", "mkowalski@broker.example"];
    Trust::of_cbp(vec![SERVER.to_owned()], own.map(str::to_owned).to_vec())
}

/// The applications that bear one of a mail's keys, as the database would find them.
pub fn candidates(keys: &Keys) -> Vec<Candidate> {
    let readings = keys.readings();
    let registered = APPLICATIONS.iter().enumerate().map(|(place, (company, number))| Candidate {
        id: ApplicationId(i64::try_from(place).unwrap_or_default() + 1),
        company: (*company).to_owned(),
        number: number.parse().expect("a well-shaped number"),
        names: CompanyName::parts(company),
        route: Route::Email,
        // One of each that makes a difference.
        stage: [Stage::Submitted, Stage::Approved, Stage::Rejected, Stage::Closed][place % 4],
        is_rejected_later: place == 5,
        by_thread: place == 0 && keys.threads.iter().any(|id| id.ends_with("broker.example")),
        by_ticket: place == 1 && keys.tickets.iter().any(|ticket| ticket.ends_with('1')),
    });
    let bears = |candidate: &Candidate| {
        candidate.by_thread
            || candidate.by_ticket
            || readings.iter().any(|reading| reading.covers(&candidate.number))
            || keys.names.iter().any(|name| candidate.names.contains(name))
    };
    // The other suffixes of a number are looked up too.
    let is_sibling = |candidate: &Candidate| {
        let ein = candidate.number.ein();
        ein.is_some() && readings.iter().any(|reading| Some(family(&reading.to_string())) == ein)
    };
    registered.filter(|candidate| bears(candidate) || is_sibling(candidate)).collect()
}

fn family(number: &str) -> &str {
    number.get(..10).unwrap_or(number)
}

/// Examines a mail as if it lay in each kind of folder, and checks what must hold of the answers.
pub fn examine_everywhere(message: &mut Message, rules: &Rules) {
    let keys = keys_of(message, rules);
    let candidates = candidates(&keys);
    // Junk is judged as the inbox is; to try it with every mail would cost a third.
    let is_junk = message.digest.as_bytes()[0] % 8 == 0;
    let received = if is_junk { FolderRole::Junk } else { FolderRole::Inbox };
    for folder in [received, FolderRole::Sent] {
        message.folder = folder;
        let examined = examine(message, &keys, &candidates, &[], rules, &trust());
        check_examined(message, &keys, &candidates, &examined);
    }
}

fn check_examined(message: &Message, keys: &Keys, candidates: &[Candidate], examined: &Examined) {
    let verdict = examined.authenticity.verdict;
    let kind = examined.classification.kind;
    let found = &examined.found;

    if verdict == Verdict::Authentic {
        assert!(names_our_server(message), "authentic, and our server said nothing");
        assert_eq!(message.from.len(), 1, "authentic, with several senders");
    }
    if verdict == Verdict::Own {
        assert_eq!(message.folder, FolderRole::Sent, "our own, and not sent");
    }
    match (verdict, examined.effect) {
        (Verdict::Authentic | Verdict::Own, _) => {}
        (Verdict::NotCbp, Effect::Recorded | Effect::Review) => assert_eq!(kind, Kind::Bounce),
        (Verdict::NotCbp, effect) => assert_eq!(effect, Effect::Ignored),
        (Verdict::Forged, effect) => assert_eq!(effect, Effect::Quarantined),
        (Verdict::Unverified, effect) => {
            assert!(matches!(effect, Effect::Review | Effect::Ignored), "{effect:?} unverified");
        }
    }

    if examined.effect == Effect::Recorded {
        assert!(found.application.is_some() || examined.registration.is_some(), "recorded nowhere");
        assert!(kind.is_about_an_application() || kind == Kind::Bounce || verdict == Verdict::Own);
    } else {
        assert!(examined.event.is_none() && examined.registration.is_none());
        assert!(examined.tickets.is_empty(), "learnt from a mail that is not recorded");
    }
    assert_eq!(found.outcome == Outcome::Matched, found.application.is_some());
    assert_eq!(found.outcome == Outcome::Matched, found.by.is_some());
    if let Some(id) = found.application {
        let chosen = candidates.iter().find(|candidate| candidate.id == id);
        let chosen = chosen.expect("chosen among the candidates");
        let bears = match found.by {
            Some(Key::Thread) => chosen.by_thread,
            Some(Key::Ticket) => chosen.by_ticket,
            Some(Key::Number) => {
                keys.readings().iter().any(|reading| reading.covers(&chosen.number))
            }
            Some(Key::Name) => keys.names.iter().any(|name| chosen.names.contains(name)),
            None => false,
        };
        assert!(bears, "matched by a key that the application does not bear: {found:?}");
        let names_it = keys.readings().iter().any(|reading| reading.covers(&chosen.number));
        let names_another = candidates.iter().any(|other| {
            other.id != id
                && keys.mentions[..keys.n_in_subject].iter().any(|mention| {
                    mention.is_well_shaped()
                        && mention.readings().iter().all(|reading| reading.covers(&other.number))
                })
        });
        assert!(names_it || !names_another, "the subject names another application: {found:?}");
    }
    for text in [&examined.because, &examined.authenticity.because, &found.because] {
        assert!(!text.is_empty() && text.len() < 4_096, "{} bytes of reason", text.len());
        assert_is_safe_to_show(text);
    }
    if let Some(alert) = &examined.alert {
        assert_is_safe_to_show(&alert.title);
        assert_is_safe_to_show(&alert.body);
    }
}

/// Whether an Authentication-Results field of the mail names our server, in whatever way; a field
/// that does not can never make a mail authentic.
pub fn names_our_server(message: &Message) -> bool {
    message.headers_named("Authentication-Results").any(|value| {
        let bare: String = value.chars().filter(|letter| !matches!(letter, '"' | '\\')).collect();
        bare.to_ascii_lowercase().contains(SERVER)
    })
}

/// Text that a terminal takes for text: no control characters, nothing that turns the direction.
pub fn assert_is_safe_to_show(text: &str) {
    let is_unsafe = |letter: char| {
        (letter.is_control() && letter != '\n' && letter != '\t')
            || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let found = text.chars().find(|letter| is_unsafe(*letter));
    assert!(found.is_none(), "{:?} in {text:?}", found);
}

/// Asserts, for one input in some hundred, that four times as much of it takes about four times as long.
///
/// The time is the thread's own on the processor, so that a busy machine changes nothing.
pub fn check_growth(data: &[u8], run: impl Fn(&[u8])) {
    const LENGTH: usize = 16 << 10;
    const NOTABLE: Duration = Duration::from_millis(40);
    const TOO_MANY: u32 = 9;
    if data.is_empty() || LENGTH < data.len() || data.len() % 251 != 0 {
        return;
    }
    let of = |length: usize| -> Vec<u8> { data.iter().copied().cycle().take(length).collect() };
    let (short, long) = (of(LENGTH), of(4 * LENGTH));
    let took = |input: &[u8]| {
        let start = on_the_processor();
        run(black_box(input));
        on_the_processor().saturating_sub(start)
    };
    // What is compiled at its first use, or an unlucky moment, is not slow the third time.
    let is_slow = || {
        let (short, long) = (took(&short), took(&long));
        NOTABLE < long && short * TOO_MANY < long
    };
    assert!(!(0..3).all(|_| is_slow()), "time grows faster than the length of the input");
}

fn on_the_processor() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes into the struct it is given, and keeps no pointer to it.
    let answer = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    assert_eq!(answer, 0, "this system has no clock per thread");
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
