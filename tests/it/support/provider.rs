//! A scripted IMAP server for what no server of Debian's shows: the manners of large providers, and
//! answers that break the protocol.
//!
//! It serves folders of mails as any server would. A test says what is different: a script sees each
//! command before it is answered and may answer in its place.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How long a thread waits for a command before it looks whether there is news.
const GLANCE: Duration = Duration::from_millis(20);

/// What stands in the place of the usual answer.
#[derive(Clone, Debug)]
pub enum Reply {
    /// These octets; `@` at the start of a line stands for the tag.
    Say(String),
    /// The same, and the end of the connection.
    HangUp(String),
    /// Nothing, ever.
    Silence,
    /// This line again and again, so many octets in all, and then silence.
    Flood(&'static str, usize),
    /// One octet at a time, as fast as `Duration` says.
    Drip(Duration),
}

/// What is in the mailbox and how it is shown.
#[derive(Clone, Debug)]
pub struct Mailbox {
    /// Capabilities, in the greeting and after the login.
    pub capabilities: &'static str,
    /// Folders in the order of LIST: name, attributes.
    pub folders: Vec<(&'static str, &'static str)>,
    /// Mails by folder: UID, text.
    pub mails: BTreeMap<&'static str, Vec<(u32, String)>>,
    /// UIDVALIDITY of all folders.
    pub uid_validity: u32,
    /// What UIDNEXT says where it is not one more than the largest UID; 0 for no word of it.
    pub uid_next: Option<u32>,
    /// Whether IDLE tells of nothing.
    pub is_mute: bool,
}

impl Mailbox {
    /// An empty mailbox with these folders.
    pub fn with(folders: &[(&'static str, &'static str)]) -> Mailbox {
        Mailbox {
            capabilities: "IMAP4rev1 IDLE",
            folders: folders.to_vec(),
            mails: BTreeMap::new(),
            uid_validity: 7,
            uid_next: None,
            is_mute: false,
        }
    }

    /// Puts a mail into a folder, with the next UID.
    pub fn put(&mut self, folder: &'static str, text: String) {
        let uid = self.next(folder);
        self.mails.entry(folder).or_default().push((uid, text));
    }

    fn next(&self, folder: &str) -> u32 {
        self.mails.get(folder).and_then(|mails| mails.last()).map_or(1, |(uid, _)| uid + 1)
    }
}

type Script = Box<dyn FnMut(&str) -> Option<Reply> + Send>;

/// The server; it ends with its value.
pub struct Provider {
    /// Where it listens.
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    mailbox: Mutex<Mailbox>,
    script: Mutex<Script>,
    in_idle: Mutex<Option<Reply>>,
    is_over: AtomicBool,
    n_logins: AtomicUsize,
}

impl Provider {
    /// Starts a server; `script` sees each command without its tag, and `GREETING`.
    pub fn start(
        mailbox: Mailbox,
        script: impl FnMut(&str) -> Option<Reply> + Send + 'static,
    ) -> Provider {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        let shared = Arc::new(Shared {
            mailbox: Mutex::new(mailbox),
            script: Mutex::new(Box::new(script)),
            in_idle: Mutex::new(None),
            is_over: AtomicBool::new(false),
            n_logins: AtomicUsize::new(0),
        });
        let acceptor = Arc::clone(&shared);
        std::thread::spawn(move || {
            while !acceptor.is_over() {
                let Ok((stream, _)) = listener.accept() else {
                    std::thread::park_timeout(GLANCE);
                    continue;
                };
                stream.set_nonblocking(false).unwrap();
                let shared = Arc::clone(&acceptor);
                // A client that hangs up ends the connection, and that is all.
                std::thread::spawn(move || shared.serve(&stream).is_ok());
            }
        });
        Provider { port, shared }
    }

    /// A server that does as any other.
    pub fn ordinary(mailbox: Mailbox) -> Provider {
        Provider::start(mailbox, |_| None)
    }

    /// Changes what is in the mailbox; who idles is told.
    pub fn change(&self, change: impl FnOnce(&mut Mailbox)) {
        change(&mut self.shared.mailbox.lock().unwrap());
    }

    /// Says this once to the next client that idles.
    pub fn say_in_idle(&self, reply: Reply) {
        *self.shared.in_idle.lock().unwrap() = Some(reply);
    }

    /// Returns how many logins were attempted.
    pub fn n_logins(&self) -> usize {
        self.shared.n_logins.load(Ordering::Relaxed)
    }

    /// Returns the table of a mailbox `name` on this server, polled each second.
    pub fn table(&self, name: &str) -> String {
        format!(
            r#"
            [[mailbox]]
            name = "{name}"
            host = "localhost"
            port = {}
            tls = "none"
            user = "{name}@broker.example"
            password-environment = "ACEWATCH_TEST_PASSWORD"
            poll-interval = "1s"
            "#,
            self.port
        )
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
    }
}

/// Why a connection ended.
struct Gone;

impl From<std::io::Error> for Gone {
    fn from(_: std::io::Error) -> Gone {
        Gone
    }
}

impl Shared {
    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    fn serve(&self, stream: &TcpStream) -> Result<(), Gone> {
        stream.set_read_timeout(Some(GLANCE))?;
        let mut reader = BufReader::new(stream.try_clone()?);
        let capabilities = self.mailbox.lock().unwrap().capabilities;
        let greeting = format!("* OK [CAPABILITY {capabilities}] at your service\r\n");
        self.answer(stream, "*", "GREETING", || greeting)?;
        let mut folder = String::new();
        loop {
            let line = self.line(&mut reader, |_| Ok(()))?;
            let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
            if command.starts_with("LOGIN") || command.starts_with("AUTHENTICATE") {
                self.n_logins.fetch_add(1, Ordering::Relaxed);
            }
            if command.starts_with("AUTHENTICATE") {
                let mut to = stream;
                to.write_all(b"+ \r\n")?;
                self.line(&mut reader, |_| Ok(()))?;
            }
            if let Some(name) = command.strip_prefix("EXAMINE ") {
                folder = name.trim_matches('"').to_owned();
            }
            self.answer(stream, tag, command, || self.usual(&folder, command))?;
            if command == "IDLE" {
                self.idle(stream, &mut reader, &folder)?;
                self.answer(stream, tag, "DONE", || "@ OK done\r\n".to_owned())?;
            }
            if command == "LOGOUT" {
                return Err(Gone);
            }
        }
    }

    /// Waits until the client ends its IDLE, and tells it of what happens meanwhile.
    fn idle(
        &self,
        stream: &TcpStream,
        reader: &mut BufReader<TcpStream>,
        folder: &str,
    ) -> Result<(), Gone> {
        let n_mails =
            || self.mailbox.lock().unwrap().mails.get(folder).map_or(0, std::vec::Vec::len);
        let mut n_known = n_mails();
        self.line(reader, |mut to| {
            let said = self.in_idle.lock().unwrap().take();
            if let Some(reply) = said {
                self.say(stream, "*", &reply)?;
            }
            if n_mails() != n_known && !self.mailbox.lock().unwrap().is_mute {
                n_known = n_mails();
                to.write_all(format!("* {n_known} EXISTS\r\n").as_bytes())?;
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Reads a line; `meanwhile` is done each moment until it is there.
    fn line(
        &self,
        reader: &mut BufReader<TcpStream>,
        mut meanwhile: impl FnMut(&TcpStream) -> Result<(), Gone>,
    ) -> Result<String, Gone> {
        let mut line = String::new();
        loop {
            match reader.read_line(&mut line) {
                Ok(0) => return Err(Gone),
                Ok(_) if line.ends_with('\n') => return Ok(line.trim_end().to_owned()),
                Ok(_) => {}
                Err(error)
                    if matches!(
                        error.kind(),
                        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                    ) => {}
                Err(_) => return Err(Gone),
            }
            if self.is_over() {
                return Err(Gone);
            }
            meanwhile(reader.get_ref())?;
        }
    }

    fn answer(
        &self,
        stream: &TcpStream,
        tag: &str,
        command: &str,
        usual: impl FnOnce() -> String,
    ) -> Result<(), Gone> {
        let scripted = (self.script.lock().unwrap())(command);
        let reply = scripted.unwrap_or_else(|| Reply::Say(usual()));
        self.say(stream, tag, &reply)
    }

    fn say(&self, mut to: &TcpStream, tag: &str, reply: &Reply) -> Result<(), Gone> {
        match reply {
            Reply::Say(text) => to.write_all(tagged(text, tag).as_bytes())?,
            Reply::HangUp(text) => {
                to.write_all(tagged(text, tag).as_bytes())?;
                to.shutdown(Shutdown::Both)?;
                return Err(Gone);
            }
            Reply::Silence => self.until_gone(to)?,
            Reply::Flood(line, n_octets) => {
                let chunk = line.repeat(64 * 1024 / line.len());
                for _ in 0..n_octets / chunk.len() {
                    if self.is_over() {
                        return Err(Gone);
                    }
                    to.write_all(chunk.as_bytes())?;
                }
                self.until_gone(to)?;
            }
            Reply::Drip(each) => {
                while !self.is_over() {
                    to.write_all(b"*")?;
                    std::thread::park_timeout(*each);
                }
            }
        }
        Ok(())
    }

    fn until_gone(&self, stream: &TcpStream) -> Result<(), Gone> {
        let mut one = [0; 1];
        while !self.is_over() {
            match stream.peek(&mut one) {
                Ok(0) => return Err(Gone),
                // The client says what nobody hears.
                Ok(_) => std::thread::park_timeout(GLANCE),
                Err(_) => {}
            }
        }
        Err(Gone)
    }

    /// What a server without oddities answers.
    fn usual(&self, folder: &str, command: &str) -> String {
        let mailbox = self.mailbox.lock().unwrap();
        let nothing = Vec::new();
        let mails = mailbox.mails.get(folder).unwrap_or(&nothing);
        let mut answer = String::new();
        let words: Vec<&str> = command.split(' ').collect();
        match words.as_slice() {
            ["LOGIN" | "AUTHENTICATE", ..] => {
                return format!("@ OK [CAPABILITY {}] welcome\r\n", mailbox.capabilities);
            }
            ["IDLE"] => return "+ idling\r\n".to_owned(),
            ["LIST", ..] => {
                for (name, attributes) in &mailbox.folders {
                    write!(answer, "* LIST ({attributes}) \"/\" \"{name}\"\r\n").unwrap();
                }
            }
            ["EXAMINE", ..] if !mailbox.folders.iter().any(|(name, _)| *name == folder) => {
                return "@ NO [NONEXISTENT] Unknown Mailbox\r\n".to_owned();
            }
            ["EXAMINE", ..] => {
                let (n_mails, validity) = (mails.len(), mailbox.uid_validity);
                write!(answer, "* {n_mails} EXISTS\r\n* OK [UIDVALIDITY {validity}] v\r\n")
                    .unwrap();
                match mailbox.uid_next.unwrap_or_else(|| mailbox.next(folder)) {
                    0 => {}
                    next => write!(answer, "* OK [UIDNEXT {next}] n\r\n").unwrap(),
                }
            }
            ["UID", "SEARCH", rest @ ..] => {
                answer.push_str("* SEARCH");
                for (uid, _) in mails {
                    if !matches!(rest, ["UID", set, ..] if !contains(set, *uid)) {
                        write!(answer, " {uid}").unwrap();
                    }
                }
                answer.push_str("\r\n");
            }
            ["UID", "FETCH", set, ..] => {
                for (nth, (uid, text)) in mails.iter().enumerate() {
                    if contains(set, *uid) {
                        answer.push_str(&fetched(nth + 1, *uid, text, command));
                    }
                }
            }
            _ => {}
        }
        answer + "@ OK done\r\n"
    }
}

/// Returns the answer to a FETCH for one mail.
pub fn fetched(number: usize, uid: u32, text: &str, command: &str) -> String {
    let header = text.split_inclusive("\r\n\r\n").next().unwrap();
    let (item, octets) = match command.contains("HEADER.FIELDS") {
        true => (format!("RFC822.SIZE {} BODY[HEADER.FIELDS (FROM)]", text.len()), header),
        false => {
            let at = super::now().format("%d-%b-%Y %H:%M:%S +0000");
            (format!("INTERNALDATE \"{at}\" BODY[]"), text)
        }
    };
    let size = octets.len();
    format!("* {number} FETCH (UID {uid} {item} {{{size}}}\r\n{octets})\r\n")
}

/// Puts the tag where a line begins with `@`.
fn tagged(text: &str, tag: &str) -> String {
    let text = text.replace("\r\n@ ", &format!("\r\n{tag} "));
    text.strip_prefix("@ ").map_or_else(|| text.clone(), |rest| format!("{tag} {rest}"))
}

/// Returns whether a UID is in a set as IMAP writes it.
pub fn contains(set: &str, uid: u32) -> bool {
    set.split(',').any(|range| {
        let (first, last) = range.split_once(':').unwrap_or((range, range));
        let number = |written: &str| written.parse().unwrap_or(u32::MAX);
        (number(first)..=number(last)).contains(&uid)
    })
}
