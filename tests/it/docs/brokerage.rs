//! The clients and the mailbox of the broker in docs/broker.md: five hundred invented companies.

use std::fmt::Write;

use chrono::{DateTime, Utc};

use crate::support::mail::{Importer, approval, from_cbp};

/// The table of all clients, as a spreadsheet saves it.
pub fn table() -> String {
    let mut table = "company,number,submitted_at,tags,liquidated_on\n".to_owned();
    for n in 1..=500 {
        let sent = match n {
            ..=26 => "2026-05-04",
            27..=32 => "2026-05-08",
            33..=40 => "2026-05-12",
            _ => "2026-05-15",
        };
        let who = ["ana", "ben", "chidi"][n % 3];
        let liquidated = if n == 29 { "2026-03-20" } else { "" };
        writeln!(table, "{},{},{sent},{who},{liquidated}", company(n), number(n)).unwrap();
    }
    table
}

/// The mails of the page: when each came, into which folder, and what it is.
pub fn mails() -> Vec<(DateTime<Utc>, String, String)> {
    let mut mails: Vec<(&str, String)> = Vec::new();
    for n in 1..=40 {
        let at = match n {
            ..=26 => "2026-05-04T15:30:00Z",
            27..=32 => "2026-05-08T15:30:00Z",
            _ => "2026-05-12T15:30:00Z",
        };
        let subject = format!("Automatic reply: {} {}", company(n), number(n));
        let text = "Your application has been received. Please allow 3-5 business days for a first response.\n";
        mails.push((at, cbp(&subject, text, "receipt", n, at)));
    }
    for n in 1..=22 {
        // The last two come when everybody has left for the weekend.
        let at = if n <= 20 { "2026-05-13T18:00:00Z" } else { "2026-05-15T21:40:00Z" };
        mails.push((at, approval(importer(n), at.parse().unwrap())));
        if n <= 20 {
            let at = "2026-05-14T13:00:00Z";
            let text = format!(
                "Top account: {} ({})\nSet your password within 21 days at https://ace.cbp.dhs.gov/\n",
                company(n).to_uppercase(),
                number(n)
            );
            mails.push((at, cbp("ACE user created", &text, "account", n, at)));
        }
    }
    for (n, at) in [(23, "2026-05-14T17:00:00Z"), (24, "2026-05-15T21:10:00Z")] {
        let text = "Good afternoon,\n\nthe corporate officer's signature on page 2 is missing. Please send the signed page, and we will go on with the application.\n";
        mails.push((at, cbp(&reply(n), text, "request", n, at)));
    }
    let at = "2026-05-15T17:20:00Z";
    let text = "Hello,\n\nyour application cannot be approved because the importer number is inactive. It has been closed. Have the importer record reactivated (CBP Form 5106), then file a new application.\n";
    mails.push((at, cbp(&reply(26), text, "rejection", 26, at)));

    // What waits on Monday: a receipt that the server could not check, an approval that a client
    // passed on, a mail about a company that nobody registered; and a forgery.
    let at = "2026-05-15T21:50:00Z";
    let text = "Your application has been received. Please allow 3-5 business days for a first response.\n";
    let mail =
        cbp(&format!("Automatic reply: {} {}", company(41), number(41)), text, "receipt", 41, at);
    mails.push((at, mail.replace("=pass", "=temperror")));
    let at = "2026-05-16T14:05:00Z";
    let forwarded = format!(
        "Authentication-Results: mx.broker.example; dmarc=pass header.from=client.example\nReceived: from mail.client.example (mail.client.example [203.0.113.9]) by mx.broker.example with ESMTPS id 77; Sat, 16 May 2026 14:05:00 +0000\nFrom: Morgan Ellery <morgan@client.example>\nTo: ops@broker.example\nSubject: FW: {}\nDate: Sat, 16 May 2026 10:05:00 -0400\nMessage-ID: <forward-27@client.example>\n\nThis came to us.\n\n-----Original Message-----\nFrom: LOMAX, REGINA <regina.lomax@cbp.dhs.gov>\nSent: Friday, May 15, 2026 4:10 PM\nTo: Morgan Ellery\nSubject: {}\n\nThe application of {} has been approved.\n",
        reply(27),
        reply(27),
        company(27),
    );
    mails.push((at, forwarded));
    let at = "2026-05-15T21:55:00Z";
    mails.push((
        at,
        cbp(
            "RE: Granite Peak Outfitters LLC 77-888999900",
            "We are looking at your form.\n",
            "granite",
            0,
            at,
        ),
    ));
    let at = "2026-05-17T03:12:00Z";
    let text = "Your application is APPROVED. To activate the account, confirm your bank details within 24 hours.\n";
    mails.push((at, cbp(&reply(28), text, "forged", 28, at).replace("=pass", "=fail")));

    let folder = |text: &str| if text.contains("approval.22-333002200") { "Junk" } else { "INBOX" };
    let mail = |(at, text): (&str, String)| {
        (at.parse().unwrap(), folder(&text).to_owned(), text.replace("\r\n", "\n"))
    };
    mails.into_iter().map(mail).collect()
}

fn cbp(subject: &str, text: &str, what: &str, n: usize, at: &str) -> String {
    let id = format!("{what}-{n}@cbp.dhs.gov");
    from_cbp(subject, text, &id, "none@broker.example", at.parse().unwrap())
}

fn reply(n: usize) -> String {
    format!("RE: {} {}", company(n), number(n))
}

fn importer(n: usize) -> Importer {
    Importer { company: company(n).leak(), number: number(n).leak() }
}

/// Twenty-five words and twenty goods make five hundred companies.
fn company(n: usize) -> String {
    const FIRST: [&str; 25] = [
        "Alder",
        "Bramble",
        "Cobalt",
        "Driftwood",
        "Ember",
        "Foxglove",
        "Gable",
        "Hollow Oak",
        "Inlet",
        "Jasper",
        "Kestrel",
        "Lantern",
        "Meadow",
        "Northfold",
        "Orchard",
        "Pinecrest",
        "Quarry",
        "Rivet",
        "Saltbox",
        "Thistle",
        "Umber",
        "Violet Hill",
        "Windrow",
        "Yarrow",
        "Zephyr",
    ];
    const GOODS: [&str; 20] = [
        "Ceramics LLC",
        "Footwear Inc",
        "Lighting Co",
        "Toys LLC",
        "Tools Inc",
        "Textiles LLC",
        "Bicycles Inc",
        "Furniture Co",
        "Glassware LLC",
        "Spices Inc",
        "Paper Co",
        "Instruments LLC",
        "Hardware Inc",
        "Teas LLC",
        "Kitchenware Co",
        "Lamps Inc",
        "Rugs LLC",
        "Seafood Inc",
        "Garden Supply Co",
        "Optics LLC",
    ];
    format!("{} {}", FIRST[(n - 1) % 25], GOODS[(n - 1) / 25])
}

fn number(n: usize) -> String {
    format!("22-333{n:04}00")
}
