//! The home in which single commands of the documents are tried: an office with fifteen applications,
//! twenty-five mails that wait for a person, and something of everything that a command may name.

use crate::support::dovecot::{Dovecot, USER};
use crate::support::mail::{Importer, from_cbp};

use super::home::Home;

/// Desktop and network are not there; a channel that takes everything is.
const CONFIGURATION: &str = r#"
[trust]
authserv-id = ["mx.broker.example"]
own-addresses = ["ops@broker.example"]

[notify]
desktop = false

[[channel]]
name = "team"
kind = "command"
command = ["true"]
"#;

/// A Monday, three weeks after the applications were sent, and before the dates of the pages.
const NOW: &str = "2026-05-25T14:00:00Z";

/// Makes it. Application 12 is overdue, 11 is closed, 13 is put off; of the mails 1 to 25 each names the application
/// of its number modulo 15, and all but the first wait; `mail.eml` is one more.
pub fn home(server: &Dovecot) -> Home {
    let mut home = Home::new();
    home.at = Some(NOW.to_owned());
    home.configure(server, USER, CONFIGURATION);
    let mut table = "company,number,submitted_at,tags,notes\n".to_owned();
    for n in 1..=15 {
        let (company, number) = client(n);
        table.push_str(&format!("{company},{number},2026-05-04,web,as told\n"));
    }
    home.write("office.csv", &table);
    home.ok("acewatch add --from office.csv");
    for n in 1..=25 {
        home.write(&format!("mails/{n:02}.eml"), &mail(n));
    }
    home.ok("acewatch import mails && rm -r mails");
    // CBP names the company as nobody registered it, and a person says who is meant.
    let letter = from_cbp(
        "ACE account application - ACME IMPORT L.L.C.",
        "We have received your application.\n",
        "letter@cbp.dhs.gov",
        "none@broker.example",
        "2026-05-06T15:00:00Z".parse().unwrap(),
    );
    home.write("letter.eml", &letter);
    home.ok("acewatch import letter.eml && acewatch review assign 26 12 \
         && acewatch review accept 1 && acewatch close 11 --reason 'as told' \
         && acewatch note 12 'they will call back' --call --ticket INC0099001");
    home.ok("acewatch snooze 13 --until 2026-06-01 --reason 'as told' \
         && acewatch extend 13 --until 2026-06-01 --reason 'as told'");
    home.ok("acewatch check");
    home.write("mail.eml", &mail(27));
    home.write("mail.mbox", &format!("From ops Mon May  4 14:00:00 2026\n{}\n", mail(28)));
    home.write("Maildir/cur/28.eml:2,S", &mail(29));
    home.ok("mkdir -p Maildir/new Maildir/tmp drafts");
    home.write("clients.csv", "company,number\nPelican Dock Supply Co,54-8207361\n");
    home.write("more.csv", "company,number\nJuniper Lamp Works Inc,47-1209355\n");
    home.write("rules.toml", "[[rule]]\nid = \"approval.code-7\"\nkind = \"approval\"\nsentence = ['\\bcompletion code 7\\b']\n");
    home
}

/// The company and number of an application.
fn client(n: usize) -> (&'static str, String) {
    const COMPANIES: [&str; 15] = [
        "Birch Sample Goods Inc",
        "Cedar Sample Goods Inc",
        "Dogwood Sample Goods Inc",
        "Elder Sample Goods Inc",
        "Fir Sample Goods Inc",
        "Gorse Sample Goods Inc",
        "Hazel Sample Goods Inc",
        "Ivy Sample Goods Inc",
        "Juniper Sample Goods Inc",
        "Larch Sample Goods Inc",
        "Maple Sample Goods Inc",
        "Acme Imports LLC",
        "Oak Sample Goods Inc",
        "Pine Sample Goods Inc",
        "Rowan Sample Goods Inc",
    ];
    match n {
        12 => (COMPANIES[11], "12-345678900".to_owned()),
        n => (COMPANIES[n - 1], format!("20-10000{n:02}00")),
    }
}

/// A receipt that nobody vouches for, so that it waits.
fn mail(n: usize) -> String {
    let (company, number) = client((n - 1) % 15 + 1);
    let at = format!("2026-05-05T15:{n:02}:00Z").parse().unwrap();
    let importer = Importer { company, number: number.leak() };
    let mail = from_cbp(
        &format!("Automatic reply: {} {}", importer.company, importer.number),
        "We have received your application and will respond in 3-5 business days.\n",
        &format!("receipt-{n}@cbp.dhs.gov"),
        "none@broker.example",
        at,
    );
    mail.replace("dmarc=pass", "dmarc=temperror").replace("dkim=pass", "dkim=temperror")
}
