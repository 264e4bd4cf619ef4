//! One logged-in connection: our command runner, and the few commands we need.
//!
//! Only `run_command` and `read_response` of the IMAP crate are used. Every command ends in one of
//! the ways RFC 3501 §7.1 knows, and [`Session::exec`] tells them apart: tagged OK, NO, BAD, BYE, the
//! end of the connection, and silence. Silence means that less than 16 KiB arrived within the limit:
//! a large mail over a slow line is not silence, a server that drips one octet a second is.

use std::time::Duration;

use async_imap::imap_proto::{
    AttributeValue, MailboxDatum, NameAttribute, RequestId, Response, ResponseCode, Status,
};
use chrono::{DateTime, NaiveDate, Utc};
use tokio::time::{Instant, timeout, timeout_at};

use super::folders::Listed;
use super::nudge::Nudged;
use super::wire::{Damaged, Wire};
use super::{Answer, Error};
use crate::config::Limits;
use crate::domain::cursor::Selected;

/// The least that must arrive within one time limit while a response is on its way, in octets.
const PROGRESS: u64 = 16 * 1024;
/// The most responses one command may have. 200,000 mails are one command; a server that talks for
/// ever is none.
const RESPONSES: u32 = 500_000;
/// The most folders and UIDs taken from one answer.
const LISTED: usize = 50_000;

/// The header fields by which mails are chosen, in one FETCH item.
pub const HEADER_FIELDS: &str = "BODY.PEEK[HEADER.FIELDS (FROM TO CC SUBJECT DATE MESSAGE-ID \
    IN-REPLY-TO REFERENCES AUTO-SUBMITTED CONTENT-TYPE RETURN-PATH X-FAILED-RECIPIENTS SENDER \
    REPLY-TO LIST-ID)]";

/// An authenticated connection to one mailbox.
#[derive(Debug)]
pub struct Session {
    imap: async_imap::Session<Wire>,
    limits: Limits,
    identified: bool,
    n_commands: u32,
    nudged: Nudged,
}

/// One mail in the answer to a FETCH.
#[derive(Debug, Default, Eq, PartialEq)]
pub struct Fetched<'a> {
    /// Its UID.
    pub uid: u32,
    /// INTERNALDATE, where it was asked for and can be read.
    pub received_at: Option<DateTime<Utc>>,
    /// RFC822.SIZE, where it was asked for.
    pub size: u32,
    /// The header or body asked for; `None` where the server says NIL, or only has news of flags.
    pub body: Option<&'a [u8]>,
}

/// How an IDLE ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Idled {
    /// The server told of new mail.
    Told,
    /// The server told of new mail only when we ended the IDLE.
    ToldLate,
    /// We ended it, and the server had nothing to tell.
    Quiet,
}

impl Session {
    /// Takes over a session that has just been authenticated; `n_commands` is what that took.
    pub(super) fn new(imap: async_imap::Session<Wire>, limits: Limits, n_commands: u32) -> Session {
        Session { imap, limits, identified: false, n_commands, nudged: Nudged::never() }
    }

    /// From now on, a doubt leaves the running command less time.
    pub(super) fn hurry_when(&mut self, nudged: Nudged) {
        self.nudged = nudged;
    }

    /// Returns how many commands have been sent, login included.
    #[must_use]
    pub fn n_commands(&self) -> u32 {
        self.n_commands
    }

    /// Says whether the server has announced a capability, such as `IDLE`.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        self.imap.get_ref().capabilities().is_some_and(|known| known.contains(capability))
    }

    /// Runs a command to its end; `on` sees each response before the tagged one.
    ///
    /// # Errors
    /// Everything but a tagged OK.
    pub async fn exec(
        &mut self,
        name: &'static str,
        command: &str,
        mut on: impl FnMut(&Response<'_>),
    ) -> Result<(), Error> {
        let mut running = self.run(name, command).await?;
        while running.next(&mut on).await?.is_some() {}
        Ok(())
    }

    /// Sends a command; its responses are taken from what is returned.
    ///
    /// # Errors
    /// A connection that has failed, or does not take the command in time.
    pub async fn run(&mut self, name: &'static str, command: &str) -> Result<Running<'_>, Error> {
        self.n_commands += 1;
        let limit = self.limits.command_timeout;
        let sent = timeout(limit, self.imap.run_command(command)).await;
        let id = match sent {
            Err(_) => {
                return Err(Error::Silent { command: name, limit });
            }
            Ok(Err(err)) => return Err(failed(name, err)),
            Ok(Ok(id)) => id,
        };
        Ok(Running { session: self, name, id, limit, n_responses: 0, has_bye: false })
    }

    /// Asks for the capabilities unless the server has already said them.
    ///
    /// # Errors
    /// See [`Session::exec`].
    pub async fn know_capabilities(&mut self) -> Result<(), Error> {
        if self.imap.get_ref().capabilities().is_some() {
            return Ok(());
        }
        self.exec("CAPABILITY", "CAPABILITY", |_| {}).await
    }

    /// Lists all folders, with special uses where the server tells them (RFC 6154 §2).
    ///
    /// # Errors
    /// See [`Session::exec`].
    pub async fn list(&mut self) -> Result<Vec<Listed>, Error> {
        // Without LIST-EXTENDED a server that knows special uses returns them anyway.
        let command = if self.can("SPECIAL-USE") && self.can("LIST-EXTENDED") {
            "LIST \"\" \"*\" RETURN (SPECIAL-USE)"
        } else {
            "LIST \"\" \"*\""
        };
        let mut listed = Vec::new();
        self.exec("LIST", command, |response| {
            if let Response::MailboxData(MailboxDatum::List(folder)) = response
                && listed.len() < LISTED
            {
                listed.push(Listed {
                    raw: folder.name.to_string(),
                    delimiter: folder.delimiter.as_ref().and_then(|text| text.chars().next()),
                    attributes: folder.name_attributes.iter().map(attribute).collect(),
                });
            }
        })
        .await?;
        Ok(listed)
    }

    /// Opens a folder for reading only (RFC 3501 §6.3.2). `raw` is the name as the server writes it.
    ///
    /// # Errors
    /// See [`Session::exec`]; an OK without EXISTS is no answer.
    pub async fn examine(&mut self, raw: &str) -> Result<Selected, Error> {
        // NetEase's servers (163.com, 126.com) refuse with "Unsafe Login" whoever has not
        // introduced himself (RFC 2971); everywhere else the command would only cost time.
        match self.examine_once(raw).await {
            Err(Error::Refused { .. }) if !self.identified && self.can("ID") => {
                self.identified = true;
                let id = concat!(
                    "ID (\"name\" \"acewatch\" \"version\" \"",
                    env!("CARGO_PKG_VERSION"),
                    "\")"
                );
                self.exec("ID", id, |_| {}).await?;
                self.examine_once(raw).await
            }
            done => done,
        }
    }

    async fn examine_once(&mut self, raw: &str) -> Result<Selected, Error> {
        let mut exists = None;
        let mut selected = Selected { uid_validity: 0, uid_next: None, exists: 0 };
        self.exec("EXAMINE", &format!("EXAMINE {}", quoted(raw)?), |response| match response {
            Response::MailboxData(MailboxDatum::Exists(n)) => exists = Some(*n),
            Response::Data { outcome, .. } => match outcome.code {
                Some(ResponseCode::UidValidity(number)) => selected.uid_validity = number,
                // 0 is no UID; some servers write it for "unknown".
                Some(ResponseCode::UidNext(number)) if 0 < number => {
                    selected.uid_next = Some(number);
                }
                _ => {}
            },
            _ => {}
        })
        .await?;
        selected.exists = exists.ok_or_else(|| Error::Garbled {
            command: "EXAMINE",
            source: Answer::new("it does not say how many mails there are"),
        })?;
        Ok(selected)
    }

    /// Returns the UIDs of mails that arrived on this day or later, ascending (RFC 3501 §6.4.4;
    /// the day is the server's).
    ///
    /// # Errors
    /// See [`Session::exec`].
    pub async fn search_since(&mut self, day: NaiveDate) -> Result<Vec<u32>, Error> {
        self.search(&format!("UID SEARCH SINCE {}", day.format("%-d-%b-%Y"))).await
    }

    async fn search(&mut self, command: &str) -> Result<Vec<u32>, Error> {
        let mut uids: Vec<u32> = Vec::new();
        self.exec("SEARCH", command, |response| {
            if let Response::MailboxData(MailboxDatum::Search(found)) = response {
                uids.extend(found.iter().filter(|uid| 0 < **uid));
            }
        })
        .await?;
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }

    /// Returns which UIDs of a set there are, ascending.
    ///
    /// # Errors
    /// See [`Session::exec`].
    pub async fn search_uids(&mut self, set: &str) -> Result<Vec<u32>, Error> {
        self.search(&format!("UID SEARCH UID {set}")).await
    }

    /// Fetches sizes and chosen header fields; `on` sees one mail at a time and nothing is kept.
    ///
    /// # Errors
    /// See [`Session::exec`].
    pub async fn headers(
        &mut self,
        set: &str,
        mut on: impl FnMut(Fetched<'_>),
    ) -> Result<Vec<Damaged>, Error> {
        let command = format!("UID FETCH {set} (UID RFC822.SIZE {HEADER_FIELDS})");
        self.exec("FETCH", &command, |response| {
            if let Some(fetched) = fetched(response) {
                on(fetched);
            }
        })
        .await?;
        Ok(self.take_damaged())
    }

    /// Takes the FETCH responses that were left out because they could not be understood.
    pub fn take_damaged(&mut self) -> Vec<Damaged> {
        self.imap.get_mut().take_damaged()
    }

    /// Idles in the folder last examined until `until`, or until the server tells of new mail
    /// (RFC 2177). Whatever ends it, the folder has to be examined next.
    ///
    /// # Errors
    /// See [`Session::exec`]; [`Error::Refused`] where the server does not want to, after which the
    /// session is as good as before.
    pub async fn idle(&mut self, until: impl Future<Output = ()>) -> Result<Idled, Error> {
        let done_timeout = self.limits.done_timeout;
        let mut running = self.run("IDLE", "IDLE").await?;
        let mut is_told = false;
        loop {
            let mut is_idling = false;
            let next = running.next(|response| {
                is_idling = matches!(response, Response::Continue(_));
                is_told |= tells_of_mail(response);
            });
            if next.await?.is_none() {
                // An OK without a continuation: there was no IDLE.
                return Ok(if is_told { Idled::Told } else { Idled::Quiet });
            }
            if is_idling {
                break;
            }
        }
        tokio::pin!(until);
        while !is_told {
            let told = tokio::select! {
                () = &mut until => break,
                told = running.receive(tells_of_mail) => told?,
            };
            // A server that ends the IDLE by itself has said its last on this command.
            let Some(told) = told else {
                return Ok(Idled::Quiet);
            };
            is_told |= told;
        }
        let deadline = Instant::now() + done_timeout;
        let silent = |_| Error::Silent { command: "DONE", limit: done_timeout };
        timeout_at(deadline, running.session.imap.run_command_untagged("DONE"))
            .await
            .map_err(silent)?
            .map_err(|err| failed("DONE", err))?;
        let mut is_told_late = false;
        while let Some(told) =
            timeout_at(deadline, running.receive(tells_of_mail)).await.map_err(silent)??
        {
            is_told_late |= told;
        }
        Ok(match (is_told, is_told_late) {
            (true, _) => Idled::Told,
            (false, true) => Idled::ToldLate,
            (false, false) => Idled::Quiet,
        })
    }

    /// Asks for a sign of life.
    ///
    /// # Errors
    /// See [`Session::exec`].
    pub async fn noop(&mut self) -> Result<(), Error> {
        self.exec("NOOP", "NOOP", |_| {}).await
    }

    /// Takes leave. What goes wrong now is of no interest.
    pub async fn logout(mut self) {
        let limit = self.limits.done_timeout;
        let _ = timeout(limit, self.exec("LOGOUT", "LOGOUT", |_| {})).await;
        tracing::debug!(commands = self.n_commands, "logged out");
    }
}

/// A command that has been sent.
#[derive(Debug)]
pub struct Running<'a> {
    session: &'a mut Session,
    name: &'static str,
    id: RequestId,
    limit: Duration,
    n_responses: u32,
    has_bye: bool,
}

impl Running<'_> {
    /// Returns what `on` makes of the next response; `None` after the tagged OK.
    ///
    /// # Errors
    /// NO, BAD, BYE, the end of the connection, silence, an answer without end.
    pub async fn next<T>(
        &mut self,
        mut on: impl FnMut(&Response<'_>) -> T,
    ) -> Result<Option<T>, Error> {
        loop {
            let before = self.session.imap.get_ref().received();
            let limit = self.limit;
            let mut nudged = self.session.nudged.clone();
            tokio::select! {
                biased;
                received = timeout(limit, self.receive(&mut on)) => {
                    if let Ok(received) = received {
                        return received;
                    }
                }
                () = nudged.doubt() => {
                    self.session.nudged = nudged;
                    self.limit = limit.min(self.session.limits.done_timeout);
                    continue;
                }
            }
            if self.session.imap.get_ref().received() - before < PROGRESS {
                return Err(Error::Silent { command: self.name, limit });
            }
        }
    }

    /// The same without a limit of time. Nothing is lost when the future is dropped.
    async fn receive<T>(
        &mut self,
        mut on: impl FnMut(&Response<'_>) -> T,
    ) -> Result<Option<T>, Error> {
        let command = self.name;
        let response = self
            .session
            .imap
            .read_response()
            .await
            .map_err(|err| failed(command, async_imap::error::Error::Io(err)))?;
        let Some(response) = response else {
            return Err(if self.has_bye {
                let source = self.refusal();
                said_no(&source).unwrap_or(Error::Bye { command, source })
            } else {
                Error::Closed { command }
            });
        };
        self.n_responses += 1;
        if self.n_responses == RESPONSES {
            let source = Answer::new("it does not end");
            return Err(Error::Garbled { command, source });
        }
        match response.parsed() {
            Response::Done { tag, status, .. } if *tag == self.id => match status {
                Status::Ok => Ok(None),
                _ => {
                    let source = self.refusal();
                    Err(said_no(&source).unwrap_or(Error::Refused { command, source }))
                }
            },
            Response::Data { status: Status::Bye, .. } => {
                self.has_bye = true;
                Ok(Some(on(response.parsed())))
            }
            other => Ok(Some(on(other))),
        }
    }

    fn refusal(&mut self) -> Answer {
        Answer::new(&self.session.imap.get_mut().take_refusal().unwrap_or_default())
    }
}

/// Errors that mean the same whatever command they answer.
pub(super) fn said_no(answer: &Answer) -> Option<Error> {
    if answer.is_about_the_account() {
        Some(Error::Account { source: answer.clone() })
    } else if answer.is_throttling() {
        Some(Error::Throttled { source: answer.clone() })
    } else {
        None
    }
}

/// Reads one mail out of a FETCH response; `None` for everything else.
pub fn fetched<'a>(response: &'a Response<'_>) -> Option<Fetched<'a>> {
    let Response::Fetch(_, attributes) = response else {
        return None;
    };
    let mut mail = Fetched::default();
    for attribute in attributes {
        match attribute {
            AttributeValue::Uid(uid) => mail.uid = *uid,
            AttributeValue::Rfc822Size(size) => mail.size = *size,
            AttributeValue::InternalDate(date) => mail.received_at = internal_date(date),
            AttributeValue::BodySection { data, .. } => mail.body = data.as_deref(),
            _ => {}
        }
    }
    (0 < mail.uid).then_some(mail)
}

/// Maps an error of the IMAP crate outside the answer to a command.
pub(super) fn failed(command: &'static str, err: async_imap::error::Error) -> Error {
    use async_imap::error::Error as Imap;
    match err {
        Imap::Io(source) => match source.kind() {
            std::io::ErrorKind::UnexpectedEof => Error::Closed { command },
            std::io::ErrorKind::InvalidData | std::io::ErrorKind::Other => {
                // The parser's error quotes what it could not read, which may be mail.
                let words = source.to_string();
                let what = if words.contains("during parsing") { "it is no IMAP" } else { &words };
                Error::Garbled { command, source: Answer::new(what) }
            }
            _ => Error::Io { command, source },
        },
        Imap::ConnectionLost => Error::Closed { command },
        Imap::No(words) | Imap::Bad(words) => {
            Error::Refused { command, source: Answer::new(&words) }
        }
        _ => {
            Error::Garbled { command, source: Answer::new("it is not what the command calls for") }
        }
    }
}

fn tells_of_mail(response: &Response<'_>) -> bool {
    matches!(response, Response::MailboxData(MailboxDatum::Exists(_)))
}

fn attribute(attribute: &NameAttribute<'_>) -> String {
    match attribute {
        NameAttribute::NoSelect => "\\noselect".to_owned(),
        NameAttribute::Junk => "\\junk".to_owned(),
        NameAttribute::Sent => "\\sent".to_owned(),
        NameAttribute::All => "\\all".to_owned(),
        NameAttribute::Archive => "\\archive".to_owned(),
        NameAttribute::Drafts => "\\drafts".to_owned(),
        NameAttribute::Flagged => "\\flagged".to_owned(),
        NameAttribute::Trash => "\\trash".to_owned(),
        NameAttribute::Extension(name) => name.to_ascii_lowercase(),
        _ => String::new(),
    }
}

/// A folder name as a quoted string (RFC 3501 §4.3).
fn quoted(name: &str) -> Result<String, Error> {
    if name.contains(['\r', '\n', '\0']) {
        let source = Answer::new("a folder's name contains a line break");
        return Err(Error::Garbled { command: "LIST", source });
    }
    Ok(format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")))
}

/// `17-Jul-1996 02:44:25 -0700`, the day padded with a space (RFC 3501 §9, date-time).
fn internal_date(written: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_str(written.trim(), "%d-%b-%Y %H:%M:%S %z")
        .ok()
        .map(|date| date.with_timezone(&Utc))
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::nudge::Nudger;
    use super::*;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

    pub(crate) fn limits() -> Limits {
        let seconds = Duration::from_secs;
        Limits {
            connect_timeout: seconds(30),
            command_timeout: seconds(60),
            done_timeout: seconds(15),
            idle_renew: seconds(300),
            backoff_min: seconds(2),
            backoff_max: seconds(300),
            refused_login_retry: seconds(900),
            unreadable_retry: seconds(3600),
            notify_timeout: seconds(5),
            channel_timeout: seconds(30),
            dns_timeout: Duration::from_secs(1),
            max_message: 1_000_000,
        }
    }

    /// A session with a server that answers each line by the next entry of `script`, in which `@`
    /// stands for the tag; an empty entry is silence, and after the last the server hangs up
    /// unless that is an empty one.
    pub(crate) async fn scripted(script: &[&str]) -> Session {
        let (server, client) = tokio::io::duplex(1 << 16);
        let script: Vec<String> = script.iter().map(|answer| (*answer).to_owned()).collect();
        tokio::spawn(async move {
            let mut server = BufReader::new(server);
            let mut tag = String::new();
            for answer in
                ["@ OK [CAPABILITY IMAP4rev1 IDLE] in\r\n".to_owned()].iter().chain(&script)
            {
                let mut line = String::new();
                if server.read_line(&mut line).await.unwrap_or(0) == 0 {
                    return;
                }
                if !line.starts_with("DONE") {
                    tag = line.split(' ').next().unwrap().trim().to_owned();
                }
                if answer.is_empty() {
                    std::future::pending::<()>().await;
                }
                let answer = answer.replace('@', &tag);
                if server.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        let client = async_imap::Client::new(Wire::new(Box::new(client), 1_000_000));
        Session::new(client.login("u", "p").await.unwrap(), limits(), 1)
    }

    /// Runs NOOP against an answer and compares the error in words.
    async fn check(answers: &[&str], expected: &str) {
        let shown = match scripted(answers).await.noop().await {
            Ok(()) => "ok".to_owned(),
            Err(err) => err.chain(),
        };
        assert_eq!(shown, expected, "{answers:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn every_way_a_command_can_end_is_told_apart() {
        check(&["@ OK done\r\n"], "ok").await;
        check(&["@ NO [CANNOT] never\r\n"], "the server refused NOOP: NO [CANNOT] never").await;
        check(&["@ BAD what\r\n"], "the server refused NOOP: BAD what").await;
        check(
            &["* BYE AccessTokenExpired\r\n"],
            "the server closed the connection during NOOP: BYE AccessTokenExpired",
        )
        .await;
        check(&["* 3 EXISTS\r\n"], "the connection ended during NOOP").await;
        check(&["* 3 EXI"], "the connection ended during NOOP").await;
        check(&[""], "no answer to NOOP for 60 s").await;
        check(
            &["@ NO [UNAVAILABLE] later\r\n"],
            "the server asks to be left alone for a while: NO [UNAVAILABLE] later",
        )
        .await;
        check(
            &["@ BAD User is authenticated but not connected.\r\n"],
            "the server took the login but gives no access to the mailbox: \
             BAD User is authenticated but not connected.",
        )
        .await;
        check(&["A9999 NO stale\r\n@ OK done\r\n"], "ok").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_drips_is_silent_in_the_end() {
        let (server, client) = tokio::io::duplex(1 << 16);
        tokio::spawn(async move {
            let mut server = BufReader::new(server);
            let mut line = String::new();
            server.read_line(&mut line).await.unwrap();
            server.write_all(b"A0001 OK in\r\n").await.unwrap();
            while server.write_all(b"*").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let client = async_imap::Client::new(Wire::new(Box::new(client), 1000));
        let mut session = Session::new(client.login("u", "p").await.unwrap(), limits(), 1);
        let err = session.noop().await.unwrap_err();
        assert_eq!(err.chain(), "no answer to NOOP for 60 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_nudge_leaves_a_dead_connection_less_time() {
        let mut session = scripted(&[""]).await;
        let (nudger, nudged) = Nudger::new();
        session.hurry_when(nudged);
        let nudged = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            nudger.doubt();
        };
        let start = Instant::now();
        let (outcome, ()) = tokio::join!(session.noop(), nudged);
        assert_eq!(outcome.unwrap_err().chain(), "no answer to NOOP for 15 s");
        assert_eq!(start.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn examine_reads_what_the_cursor_needs() {
        let mut session = scripted(&[
            "* FLAGS (\\Seen)\r\n* 17 EXISTS\r\n* OK [UIDVALIDITY 7] v\r\n* OK [UIDNEXT 40] n\r\n\
             @ OK [READ-ONLY] done\r\n",
            "* OK [UIDVALIDITY 7] v\r\n@ OK done\r\n",
        ])
        .await;
        let selected = session.examine("INBOX").await.unwrap();
        assert_eq!(selected, Selected { uid_validity: 7, uid_next: Some(40), exists: 17 });
        let err = session.examine("INBOX").await.unwrap_err();
        assert!(err.chain().contains("does not say how many"), "{}", err.chain());
    }

    #[tokio::test(start_paused = true)]
    async fn one_broken_fetch_of_three_costs_one_mail() {
        let mut session = scripted(&[
            "* 1 FETCH (UID 4 RFC822.SIZE 10 BODY[HEADER.FIELDS (FROM)] {4}\r\na\r\n\n)\r\n\
             * 2 FETCH (UID 5 RFC822.SIZE oops BODY[HEADER.FIELDS (FROM)] {4}\r\nb\r\n\n\r\n\
             * 3 FETCH (FLAGS (\\Seen))\r\n\
             * 4 FETCH (UID 6 RFC822.SIZE 12 BODY[HEADER.FIELDS (FROM)] NIL)\r\n@ OK done\r\n",
        ])
        .await;
        let mut seen = Vec::new();
        let damaged = session
            .headers("4:6", |mail| seen.push((mail.uid, mail.size, mail.body.map(<[u8]>::to_vec))))
            .await
            .unwrap();
        assert_eq!(seen, [(4, 10, Some(b"a\r\n\n".to_vec())), (6, 12, None)]);
        assert_eq!(damaged, [Damaged { uid: Some(5) }]);
    }

    async fn check_idle(script: &[&str], expected: &str) {
        let mut session = scripted(script).await;
        let until = tokio::time::sleep(Duration::from_secs(300));
        let shown = match session.idle(until).await {
            Ok(idled) => format!("{idled:?}"),
            Err(err) => err.chain(),
        };
        assert_eq!(shown, expected, "{script:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn every_way_an_idle_can_end_is_told_apart() {
        check_idle(&["+ idling\r\n* 4 EXISTS\r\n", "@ OK done\r\n"], "Told").await;
        check_idle(&["* 4 EXISTS\r\n+ idling\r\n", "@ OK done\r\n"], "Told").await;
        check_idle(&["+ idling\r\n* OK still here\r\n", "@ OK done\r\n"], "Quiet").await;
        check_idle(&["+ idling\r\n", "* 4 EXISTS\r\n@ OK done\r\n"], "ToldLate").await;
        check_idle(&["+ idling\r\n@ OK enough\r\n"], "Quiet").await;
        check_idle(&["+ idling\r\n", ""], "no answer to DONE for 15 s").await;
        check_idle(&["@ NO not now\r\n"], "the server refused IDLE: NO not now").await;
        check_idle(&["@ BAD never\r\n"], "the server refused IDLE: BAD never").await;
        check_idle(
            &["+ idling\r\n* BYE gone\r\n"],
            "the server closed the connection during IDLE: BYE gone",
        )
        .await;
        check_idle(&["+ idling\r\n"], "the connection ended during IDLE").await;
        check_idle(&[""], "no answer to IDLE for 60 s").await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_wants_to_know_who_we_are_is_told() {
        let mut session = scripted(&[
            "* CAPABILITY IMAP4rev1 ID\r\n@ OK done\r\n",
            "@ NO SELECT Unsafe Login.\r\n",
            "* ID NIL\r\n@ OK done\r\n",
            "* 0 EXISTS\r\n@ OK done\r\n",
        ])
        .await;
        session.exec("CAPABILITY", "CAPABILITY", |_| {}).await.unwrap();
        assert_eq!(session.examine("INBOX").await.unwrap().exists, 0);
    }

    #[test]
    fn internal_dates_are_read_with_their_zone() {
        for (written, expected) in [
            ("17-Jul-1996 02:44:25 -0700", Some("1996-07-17T09:44:25+00:00")),
            (" 7-Jul-1996 02:44:25 +0000", Some("1996-07-07T02:44:25+00:00")),
            ("yesterday", None),
        ] {
            assert_eq!(internal_date(written).map(|date| date.to_rfc3339()).as_deref(), expected);
        }
    }
}
