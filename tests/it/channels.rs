//! Alerts for those without a desktop: by mail, by webhook, through a command.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::dovecot::Dovecot;
use crate::support::mail::{ACME, Importer, JUNIPER, PELICAN, approval};
use crate::support::program::{Program, Transport, mailbox};
use crate::support::smtp::Smtp;
use crate::support::{now, until};

/// A program that watches `server` and tells by `channels` alone.
fn program(server: &Dovecot, channels: &str) -> Program {
    let program = Program::new();
    program.configure(&format!("{}\n{channels}", mailbox(server, Transport::Implicit)));
    let config = program.path("config/acewatch/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("[notify]", "[notify]\ndesktop = false")).unwrap();
    for importer in [ACME, JUNIPER, PELICAN] {
        program.add(importer);
    }
    program
}

fn by_mail(smtp: &Smtp) -> String {
    format!(
        "[[channel]]\nkind = \"mail\"\nhost = \"localhost\"\nport = {}\nca-file = \"{}\"\n\
         from = \"acewatch@broker.example\"\nto = [\"boss@broker.example\"]\n",
        smtp.port,
        smtp.ca_file()
    )
}

fn subjects(smtp: &Smtp) -> Vec<String> {
    let mails = smtp.mails();
    let subject = |mail: &String| {
        mail.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("").to_owned()
    };
    mails.iter().map(subject).collect()
}

/// A receiver of posts that answers with the status it is told.
#[derive(Clone)]
struct Receiver {
    port: u16,
    status: Arc<Mutex<&'static str>>,
    posts: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let receiver = Receiver {
            port: listener.local_addr().unwrap().port(),
            status: Arc::new(Mutex::new("200 OK")),
            posts: Arc::default(),
        };
        let served = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut asked = Vec::new();
                let mut buffer = [0; 4096];
                let body = loop {
                    let n = stream.read(&mut buffer).unwrap_or(0);
                    if n == 0 {
                        break None;
                    }
                    asked.extend_from_slice(&buffer[..n]);
                    let text = String::from_utf8_lossy(&asked);
                    let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
                    if let Some(Ok(body)) = body.map(|body| serde_json::from_str(&body)) {
                        break Some(body);
                    }
                };
                served.posts.lock().unwrap().extend(body);
                let status = *served.status.lock().unwrap();
                let _ = write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
            }
        });
        receiver
    }

    fn titles(&self) -> Vec<String> {
        let posts = self.posts.lock().unwrap();
        posts.iter().map(|post| post["title"].as_str().unwrap().to_owned()).collect()
    }
}

#[test]
fn an_alert_goes_by_mail_once_also_when_the_server_was_away() {
    let server = Dovecot::start();
    let mut smtp = Smtp::absent();
    let program = program(&server, &by_mail(&smtp));
    server.deliver("INBOX", &approval(ACME, now()));
    let daemon = program.daemon();
    program.until("the alert waits", |status| status["counts"]["undelivered_alerts"] == 1);
    smtp.start();
    program.until("it is delivered", |status| status["counts"]["undelivered_alerts"] == 0);
    assert_eq!(subjects(&smtp), [format!("[acewatch] {}: approved by CBP", ACME.company)]);
    let mail = smtp.mails().remove(0);
    assert!(mail.contains("\nAuto-Submitted: auto-generated"), "{mail}");
    assert_eq!(daemon.stop().code(), Some(0));

    // Our own alert in the mailbox we watch is no news.
    server.deliver("INBOX", &mail);
    let daemon = program.daemon();
    server.deliver("INBOX", &approval(JUNIPER, now()));
    until("the next one is told", || match subjects(&smtp).len() {
        2 => Ok(()),
        n => Err(format!("{n} mails: {:?}", subjects(&smtp))),
    });
    let status = program.status();
    assert_eq!(status["counts"]["review"], 0, "{status:#}");
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn each_channel_tells_by_itself_and_only_what_it_is_for() {
    let server = Dovecot::start();
    let receiver = Receiver::start();
    let heard = tempfile::NamedTempFile::new().unwrap();
    let channels = format!(
        "[[channel]]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{}/hook\"\n\
         [[channel]]\nname = \"never\"\nkind = \"command\"\ncommand = [\"false\"]\n\
         [[channel]]\nkind = \"command\"\nonly = [\"rejection\"]\n\
         command = [\"sh\", \"-c\", \"cat >> {}\"]\n",
        receiver.port,
        heard.path().display()
    );
    let program = program(&server, &channels);
    *receiver.status.lock().unwrap() = "503 Busy";
    server.deliver("INBOX", &approval(ACME, now()));
    let daemon = program.daemon();
    until("the receiver was asked twice", || match receiver.titles().len() {
        n if 2 <= n => Ok(()),
        n => Err(format!("{n} posts")),
    });
    *receiver.status.lock().unwrap() = "204 No Content";
    program.until("it is delivered", |status| status["counts"]["undelivered_alerts"] == 0);
    let n_before = receiver.titles().len();
    server.deliver("INBOX", &approval(PELICAN, now()));
    until("the next one is told at once", || {
        match receiver.titles().split_off(n_before).as_slice() {
            [title] if title.contains(PELICAN.company) => Ok(()),
            titles => Err(format!("{titles:?}")),
        }
    });
    assert_eq!(fs::read_to_string(heard.path()).unwrap(), "");
    assert!(
        daemon.log().contains("alerts wait: false ended with exit status: 1"),
        "{}",
        daemon.log()
    );
    assert_eq!(daemon.stop().code(), Some(0));
}

#[test]
fn a_channel_added_later_is_told_what_reached_nobody_and_nothing_else_of_the_past() {
    let server = Dovecot::start();
    let program = program(&server, "");
    // A desktop is wanted, and there is none.
    let config = program.path("config/acewatch/config.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("desktop = false", "desktop = true")).unwrap();
    let add = |name: &str| {
        let receiver = Receiver::start();
        let config = program.path("config/acewatch/config.toml");
        let text = fs::read_to_string(&config).unwrap();
        let channel = format!(
            "[[channel]]\nname = \"{name}\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{}/\"\n",
            receiver.port
        );
        fs::write(&config, format!("{text}\n{channel}")).unwrap();
        receiver
    };
    let of = |importer: Importer| format!("{}: approved by CBP", importer.company);
    server.deliver("INBOX", &approval(ACME, now()));
    program.ok(&["check"]);

    // Then it is given up.
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("desktop = true", "desktop = false")).unwrap();
    let first = add("first");
    program.ok(&["check"]);
    assert_eq!(first.titles(), [of(ACME)]);
    // Times are kept in seconds, and what was raised in the second of its beginning is its own.
    let told_at = now().timestamp();
    until("the second is over", || match now().timestamp() {
        same if same == told_at => Err(same.to_string()),
        _ => Ok(()),
    });
    let second = add("second");
    program.ok(&["check"]);
    assert_eq!(second.titles(), [""; 0]);

    server.deliver("INBOX", &approval(JUNIPER, now()));
    program.ok(&["check"]);
    program.ok(&["check"]);
    assert_eq!(first.titles(), [of(ACME), of(JUNIPER)]);
    assert_eq!(second.titles(), [of(JUNIPER)]);
}

#[test]
fn a_test_message_says_which_channel_takes_it() {
    let server = Dovecot::start();
    let receiver = Receiver::start();
    let channels = format!(
        "[[channel]]\nkind = \"webhook\"\nurl = \"http://127.0.0.1:{}/hook\"\n\
         [[channel]]\nname = \"pager\"\nkind = \"command\"\ncommand = [\"/nowhere/pager\"]\n",
        receiver.port
    );
    let program = program(&server, &channels);
    let ended = program.run(&["notify-test"]);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(
        ended.stdout.starts_with("webhook: sent\npager: cannot run /nowhere/pager"),
        "{ended:#?}"
    );
    assert_eq!(program.ok(&["notify-test", "webhook"]), "webhook: sent\n");
    assert_eq!(receiver.titles().len(), 2);
    assert_eq!(program.run(&["notify-test", "desktop"]).code, Some(2));
}
