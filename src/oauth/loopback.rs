//! The end of a sign-in in a browser: a page on this machine to which the provider sends it back
//! (RFC 8252 §7.3).
//!
//! Anybody on this machine, and any page in its browser, can ask for it. Only a question with the
//! right `state` counts; every other one gets a page that says so, and the wait goes on. The pages are
//! plain: nothing from elsewhere stands in them or is loaded by them.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use oauth2::url::form_urlencoded;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::timeout;

use super::said;

/// The longest head of a request that is read.
const LARGEST: usize = 16 << 10;
/// How long a browser may take to say what it wants: some open connections ahead of need.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many connections are listened to at once.
const N_OPEN: usize = 16;

/// The page, before anybody has come.
#[derive(Debug)]
pub struct Loopback {
    listener: TcpListener,
    port: u16,
}

/// Who came with the right state.
#[derive(Debug)]
pub struct Arrived {
    /// The code (RFC 6749 §4.1.2), or what the provider says instead (§4.1.2.1).
    pub outcome: Result<String, String>,
    /// The browser, which waits for a page.
    pub page: Page,
}

/// A browser that waits for a page.
#[derive(Debug)]
pub struct Page(TcpStream);

impl Loopback {
    /// Takes a free port of this machine.
    ///
    /// # Errors
    ///
    /// The system gives none.
    pub async fn open() -> io::Result<Loopback> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        Ok(Loopback { listener, port })
    }

    /// Where the provider is to send the browser.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// Waits for a browser that brings `state`.
    ///
    /// # Errors
    ///
    /// The port is gone.
    pub async fn wait(&self, state: &str) -> io::Result<Arrived> {
        let (sender, mut arrived) = mpsc::channel(1);
        let room = Arc::new(Semaphore::new(N_OPEN));
        loop {
            let (stream, _) = tokio::select! {
                Some(arrived) = arrived.recv() => return Ok(arrived),
                accepted = self.listener.accept() => accepted?,
            };
            let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
            let (sender, state) = (sender.clone(), state.to_owned());
            tokio::spawn(async move {
                if let Ok(Some(came)) = timeout(PATIENCE, hear(stream, &state)).await {
                    let _ = sender.send(came).await;
                }
                drop(place);
            });
        }
    }
}

/// Reads a request; answers those that are not the one awaited.
async fn hear(mut stream: TcpStream, state: &str) -> Option<Arrived> {
    let mut head = Vec::new();
    let mut chunk = [0; 2048];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => head.extend(chunk.iter().take(n)),
        }
        if LARGEST < head.len() {
            return None;
        }
    }
    let line = String::from_utf8_lossy(&head);
    let line = line.lines().next().unwrap_or_default();
    match outcome(line, state) {
        Asked::Awaited(outcome) => Some(Arrived { outcome, page: Page(stream) }),
        Asked::Other => {
            let text = "This is not the answer that acewatch waits for. Go back to the terminal, and open the address \
                        that stands there.";
            Page(stream).answer_as("400 Bad Request", "Not signed in", text).await;
            None
        }
        Asked::Nothing => {
            Page(stream).answer_as("404 Not Found", "Nothing here", "There is no such page.").await;
            None
        }
    }
}

/// What a request is.
#[derive(Debug, Eq, PartialEq)]
enum Asked {
    Awaited(Result<String, String>),
    /// It has no state, or another one.
    Other,
    /// Another page, such as the icon of this one.
    Nothing,
}

fn outcome(line: &str, state: &str) -> Asked {
    let mut words = line.split(' ');
    let (Some("GET"), Some(target)) = (words.next(), words.next()) else { return Asked::Nothing };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    if path != "/" {
        return Asked::Nothing;
    }
    // A parameter that stands twice is none (RFC 6749 §3.1).
    let value = |name: &str| {
        let mut values = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) if !value.is_empty() => Some(value.into_owned()),
            _ => None,
        }
    };
    if value("state").is_none_or(|found| found != state) {
        return Asked::Other;
    }
    match (value("code"), value("error")) {
        (Some(code), None) => Asked::Awaited(Ok(code)),
        (_, Some(error)) => {
            let words = value("error_description").map(|words| format!(": {words}"));
            Asked::Awaited(Err(said(&format!("{error}{}", words.unwrap_or_default()))))
        }
        (None, None) => Asked::Other,
    }
}

impl Page {
    /// Tells whoever sits before the browser how it ended.
    pub async fn answer(self, title: &str, text: &str) {
        self.answer_as("200 OK", title, text).await;
    }

    async fn answer_as(mut self, status: &str, title: &str, text: &str) {
        let (title, text) = (escaped(title), escaped(text));
        let body = format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>acewatch: {title}</title>\
             <h1>{title}</h1><p>{text}</p></html>\n"
        );
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {}\r\n\
             cache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
             content-security-policy: default-src 'none'\r\nx-content-type-options: nosniff\r\n\
             connection: close\r\n\r\n{body}",
            body.len()
        );
        let written = async {
            self.0.write_all(answer.as_bytes()).await?;
            self.0.shutdown().await
        };
        // A browser that is gone has read what it wanted.
        let _ = timeout(PATIENCE, written).await;
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_state_counts() {
        let check =
            |line: &str, expected: Asked| assert_eq!(outcome(line, "s1"), expected, "{line}");
        let code = |code: &str| Asked::Awaited(Ok(code.to_owned()));
        let error = |words: &str| Asked::Awaited(Err(words.to_owned()));
        check("GET /?code=c%2F1&state=s1 HTTP/1.1", code("c/1"));
        check("GET /?state=s1&code=c&scope=x HTTP/1.1", code("c"));
        check("GET /?code=c&state=s2 HTTP/1.1", Asked::Other);
        check("GET /?code=c HTTP/1.1", Asked::Other);
        check("GET /?code=c&state= HTTP/1.1", Asked::Other);
        check("GET /?code=c&state=s1&state=s1 HTTP/1.1", Asked::Other);
        check("GET /?code=c&code=d&state=s1 HTTP/1.1", Asked::Other);
        check("GET /?error=access_denied&state=s1 HTTP/1.1", error("access_denied"));
        check("GET /?error=x&error_description=a%0d%0a%1b%5bb&state=s1 HTTP/1.1", error("x: a [b"));
        check("GET /?error=access_denied&state=s2 HTTP/1.1", Asked::Other);
        check("GET /favicon.ico HTTP/1.1", Asked::Nothing);
        check("POST /?code=c&state=s1 HTTP/1.1", Asked::Nothing);
        check("", Asked::Nothing);
    }

    async fn ask(address: &str, target: &str) -> String {
        let place = address.trim_start_matches("http://").trim_end_matches('/');
        let mut stream = TcpStream::connect(place).await.unwrap();
        let request = format!("GET {target} HTTP/1.1\r\nhost: {place}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn a_forged_question_is_answered_and_the_wait_goes_on() {
        let loopback = Loopback::open().await.unwrap();
        let address = loopback.address();
        let waiting = tokio::spawn(async move { loopback.wait("right").await.unwrap() });
        // A browser that connects and says nothing holds nobody up.
        let place = address.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let _idle = TcpStream::connect(&place).await.unwrap();
        let forged = ask(&address, "/?code=evil&state=wrong").await;
        assert!(forged.starts_with("HTTP/1.1 400 ") && !forged.contains("evil"), "{forged}");
        let browser = tokio::spawn({
            let address = address.clone();
            async move { ask(&address, "/?code=good&state=right").await }
        });
        let arrived = waiting.await.unwrap();
        assert_eq!(arrived.outcome.unwrap(), "good");
        arrived.page.answer("Signed in", "As <ops>.").await;
        let page = browser.await.unwrap();
        assert!(
            page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("As &lt;ops&gt;."),
            "{page}"
        );
        assert!(!page.contains("http://") && !page.contains("https://"), "{page}");
    }
}
