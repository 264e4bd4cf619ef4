//! Notices on the desktop, by the Desktop Notifications Specification 1.2 over the session bus.
//!
//! Three things found by trying shape this file. The blocking calls of `notify-rust` panic inside
//! tokio, so notices go out by the asynchronous one, and the questions it offers only in blocking
//! form are put from a thread of their own. A server may accept a call and never answer, so every
//! wait has a limit. And each notice has a bus connection of its own, whose end some desktops take
//! for the end of the program: GNOME Shell removes all of a program's notices when the connection
//! that showed the first of them closes. The connections are therefore kept.

use std::collections::VecDeque;
use std::time::Duration;

use notify_rust::{Hint, Notification, NotificationHandle, Timeout};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{Notice, NotifyError, Urgency, safe_line, safe_text};

/// How many connections are kept. A desktop shows a handful of notices of one program, so that an
/// older one than this has long left the screen; without a bound a year of notices would use up
/// the file descriptors.
const N_KEPT: usize = 32;

/// Longest title and body in characters; servers show about three lines of sixty.
const TITLE_LIMIT: usize = 120;
const BODY_LIMIT: usize = 800;

/// The desktop's notification server, as far as this process has spoken to it.
///
/// There is nothing to connect or reconnect: a server that starts later is found by the next notice.
#[derive(Debug)]
pub struct Desktop {
    limit: Duration,
    /// Connections of notices shown, with their keys; the first one stays for good.
    kept: VecDeque<(String, NotificationHandle)>,
    /// Whether the server interprets markup in bodies; forgotten at the first failure, because
    /// another server may come in its place.
    interprets_markup: Option<bool>,
    /// The question for the capabilities that no answer has come to yet. A server that hangs must
    /// not cost a thread at each attempt.
    asked: Option<oneshot::Receiver<Result<Vec<String>, NotifyError>>>,
    /// The notice that was handed over and not answered for yet. A server that hangs shows all it
    /// was given once it goes on, so that no other is handed over meanwhile.
    unanswered: Option<(String, JoinHandle<Result<NotificationHandle, NotifyError>>)>,
}

impl Desktop {
    /// Returns a desktop that waits at most `limit` for one notice; opens nothing yet.
    pub fn new(limit: Duration) -> Desktop {
        Desktop {
            limit,
            kept: VecDeque::new(),
            interprets_markup: None,
            asked: None,
            unanswered: None,
        }
    }

    /// Says whether there is a server to show notices, as far as can be told without showing one.
    ///
    /// # Errors
    ///
    /// Returns [`NotifyError`] when none answers within the limit.
    pub async fn ready(&mut self) -> Result<(), NotifyError> {
        let limit = self.limit;
        let known = timeout(limit, self.interprets_markup()).await;
        self.took_note(known.unwrap_or(Err(NotifyError::TimedOut))).map(drop)
    }

    /// Shows `notice` and returns the server's id for it.
    ///
    /// A notice with the key of one shown before replaces it, so that a repeat does not pile up.
    ///
    /// # Errors
    ///
    /// Returns [`NotifyError`] when the notice is not known to be shown. After
    /// [`NotifyError::TimedOut`] it may still appear if [`Desktop::awaits_answer`]; until
    /// [`Desktop::answer`] has said what became of it no other one is shown.
    pub async fn show(&mut self, notice: &Notice) -> Result<u32, NotifyError> {
        if self.unanswered.is_some() {
            return Err(NotifyError::TimedOut);
        }
        let limit = self.limit;
        let shown = timeout(limit, self.send(notice)).await.unwrap_or(Err(NotifyError::TimedOut));
        self.took_note(shown)
    }

    /// Whether a notice was handed over and not answered for.
    pub fn awaits_answer(&self) -> bool {
        self.unanswered.is_some()
    }

    /// What became of the notice that was handed over and not answered for; [`NotifyError::TimedOut`]
    /// says that it is not known yet. `None` where there is no such notice.
    pub async fn answer(&mut self) -> Option<Result<u32, NotifyError>> {
        self.unanswered.as_ref()?;
        let limit = self.limit;
        let outcome = timeout(limit, self.outcome()).await.unwrap_or(Err(NotifyError::TimedOut));
        Some(self.took_note(outcome))
    }

    fn took_note<T>(&mut self, outcome: Result<T, NotifyError>) -> Result<T, NotifyError> {
        if let Err(error) = &outcome {
            self.interprets_markup = None;
            if *error == NotifyError::NoSessionBus {
                // The session has ended, and with it every notice these connections stood for.
                self.kept.clear();
            }
        }
        outcome
    }

    async fn send(&mut self, notice: &Notice) -> Result<u32, NotifyError> {
        if !knows_own_name() {
            return Err(NotifyError::Refused(
                "the program's own file cannot be named; is /proc mounted?".to_owned(),
            ));
        }
        let interprets_markup = self.interprets_markup().await?;
        let mut notification = composed(notice, interprets_markup);
        if let Some(id) = notice.replaces.or_else(|| self.id_of(&notice.key)) {
            notification.id(id);
        }
        // A task of its own, because a call that was given up half-way would still be carried out.
        let call = tokio::spawn(async move {
            notification.show_async().await.map_err(|error| fault(&error.to_string()))
        });
        self.unanswered = Some((notice.key.clone(), call));
        self.outcome().await
    }

    /// Waits for the answer about the notice that was handed over.
    async fn outcome(&mut self) -> Result<u32, NotifyError> {
        let Some((_, call)) = &mut self.unanswered else { return Err(NotifyError::TimedOut) };
        let answered = call.await;
        let key = self.unanswered.take().map(|(key, _)| key).unwrap_or_default();
        match answered {
            Ok(Ok(handle)) => {
                let id = handle.id();
                self.keep(&key, handle);
                Ok(id)
            }
            Ok(Err(error)) => Err(error),
            Err(ended) => Err(NotifyError::Refused(safe_line(&ended.to_string(), 200))),
        }
    }

    async fn interprets_markup(&mut self) -> Result<bool, NotifyError> {
        if let Some(known) = self.interprets_markup {
            return Ok(known);
        }
        let asked = self.asked.get_or_insert_with(|| aside(notify_rust::get_capabilities));
        let answer = asked.await;
        self.asked = None;
        let capabilities = match answer {
            Ok(Ok(capabilities)) => capabilities,
            // A server that cannot say what it can do may still show a plain text.
            Ok(Err(NotifyError::Refused(_))) | Err(_) => Vec::new(),
            Ok(Err(error)) => return Err(error),
        };
        let interprets = capabilities.iter().any(|capability| capability == "body-markup");
        self.interprets_markup = Some(interprets);
        Ok(interprets)
    }

    fn id_of(&self, key: &str) -> Option<u32> {
        self.kept.iter().find(|(shown, _)| shown == key).map(|(_, handle)| handle.id())
    }

    fn keep(&mut self, key: &str, handle: NotificationHandle) {
        // The new connection joins before an old one may go, and the first is never let go.
        let same_key = self.kept.iter().skip(1).position(|(shown, _)| shown == key);
        self.kept.push_back((key.to_owned(), handle));
        if let Some(position) = same_key {
            self.kept.remove(position + 1);
        }
        if N_KEPT < self.kept.len() {
            self.kept.remove(1);
        }
    }
}

/// Asks the notification server for its name and version, waiting at most `limit`.
///
/// # Errors
///
/// Returns [`NotifyError`] when no server answers.
pub async fn probe(limit: Duration) -> Result<String, NotifyError> {
    match timeout(limit, aside(notify_rust::get_server_information)).await {
        Ok(Ok(answer)) => {
            answer.map(|server| safe_line(&format!("{} {}", server.name, server.version), 80))
        }
        Ok(Err(_)) => Err(NotifyError::Refused("the question was dropped".to_owned())),
        Err(_) => Err(NotifyError::TimedOut),
    }
}

/// Runs a blocking question of `notify-rust` in a thread of its own.
///
/// Not in tokio's pool: the end of the runtime waits for the threads of the pool, and this one may
/// hang as long as the server does.
fn aside<T: Send + 'static>(
    question: impl FnOnce() -> notify_rust::error::Result<T> + Send + 'static,
) -> oneshot::Receiver<Result<T, NotifyError>> {
    let (sender, receiver) = oneshot::channel();
    let thread = std::thread::Builder::new().name("notify".to_owned());
    // Where no thread can be had the sender is dropped, and the receiver says so. It is no fault
    // either that nobody waits any more.
    let _ = thread.spawn(move || {
        let _ = sender.send(question().map_err(|error| fault(&error.to_string())));
    });
    receiver
}

/// Returns whether the program's file has a readable name. `notify-rust` takes it for granted, and
/// panics where /proc is missing or the name is not UTF-8, before our own name can be given to it.
fn knows_own_name() -> bool {
    std::env::current_exe()
        .is_ok_and(|path| path.file_name().is_some_and(|name| name.to_str().is_some()))
}

fn composed(notice: &Notice, interprets_markup: bool) -> Notification {
    let title = match safe_line(&notice.title, TITLE_LIMIT) {
        title if title.is_empty() => "acewatch".to_owned(),
        title => title,
    };
    let body = safe_text(&notice.body, BODY_LIMIT);
    let (urgency, lasting) = match notice.urgency {
        Urgency::Low => (notify_rust::Urgency::Low, Timeout::Default),
        Urgency::Normal => (notify_rust::Urgency::Normal, Timeout::Default),
        Urgency::Critical => (notify_rust::Urgency::Critical, Timeout::Never),
    };
    Notification::new()
        .appname("acewatch")
        .icon("mail-unread")
        .summary(&title)
        .body(&if interprets_markup { escaped(&body) } else { body })
        .urgency(urgency)
        .timeout(lasting)
        .hint(Hint::Category("email".to_owned()))
        // dunst replaces by this tag where the id is not known any more: after a restart.
        .hint(Hint::Custom("x-dunst-stack-tag".to_owned(), safe_line(&notice.key, TITLE_LIMIT)))
        .finalize()
}

/// Escapes what the specification's markup would interpret. Quotes stay as they are: they mean
/// something only inside a tag, and some servers show their entities literally.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Tells from the words of an error what is missing; `notify-rust` keeps the kind of its errors to
/// itself. The names are those of the D-Bus Specification, "Message Bus Messages".
fn fault(text: &str) -> NotifyError {
    const NO_BUS: [&str; 4] =
        ["failed to connect to", "I/O error", "address error", "D-Bus handshake failed"];
    const NO_SERVER: [&str; 6] = [
        "org.freedesktop.DBus.Error.ServiceUnknown",
        "org.freedesktop.DBus.Error.NameHasNoOwner",
        "org.freedesktop.DBus.Error.Spawn.",
        // The server was there when the call went out and left before it answered.
        "org.freedesktop.DBus.Error.NoReply",
        "org.freedesktop.DBus.Error.Disconnected",
        "org.freedesktop.DBus.Error.TimedOut",
    ];
    if NO_SERVER.iter().any(|name| text.starts_with(name)) {
        NotifyError::NoServer
    } else if NO_BUS.iter().any(|start| text.starts_with(start)) {
        NotifyError::NoSessionBus
    } else {
        NotifyError::Refused(safe_line(text, 200))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_fault(text: &str, expected: NotifyError) {
        assert_eq!(fault(text), expected, "{text}");
    }

    fn notice(title: &str, body: &str, urgency: Urgency) -> Notice {
        Notice {
            key: "overdue:1".to_owned(),
            urgency,
            title: title.to_owned(),
            body: body.to_owned(),
            replaces: None,
        }
    }

    #[test]
    fn the_words_of_an_error_say_what_is_missing() {
        check_fault(
            "failed to connect to `unix:path=/run/user/0/bus`: No such file or directory",
            NotifyError::NoSessionBus,
        );
        check_fault("I/O error: failed to read from socket", NotifyError::NoSessionBus);
        check_fault("address error: unsupported transport", NotifyError::NoSessionBus);
        check_fault(
            "org.freedesktop.DBus.Error.ServiceUnknown: not provided by any .service files",
            NotifyError::NoServer,
        );
        check_fault("org.freedesktop.DBus.Error.Spawn.ChildSignaled: 11", NotifyError::NoServer);
        check_fault(
            "org.freedesktop.DBus.Error.LimitsExceeded:\ntoo many",
            NotifyError::Refused("org.freedesktop.DBus.Error.LimitsExceeded: too many".to_owned()),
        );
    }

    #[test]
    fn a_body_is_escaped_only_where_markup_is_interpreted() {
        let notice = notice("Smith & Sons", "Smith & Sons <Import>", Urgency::Normal);
        assert_eq!(composed(&notice, false).body, "Smith & Sons <Import>");
        assert_eq!(composed(&notice, true).body, "Smith &amp; Sons &lt;Import&gt;");
        assert_eq!(composed(&notice, true).summary, "Smith & Sons");
    }

    #[test]
    fn a_text_is_cut_before_it_is_escaped_so_that_no_entity_is_torn() {
        let body = composed(&notice("t", &"&".repeat(2000), Urgency::Low), true).body;
        let expected = format!("{}…", "&amp;".repeat(BODY_LIMIT - 1));
        assert_eq!(body, expected);
    }

    #[test]
    fn only_a_critical_notice_stays_until_it_is_closed() {
        for (urgency, expected) in [
            (Urgency::Low, Timeout::Default),
            (Urgency::Normal, Timeout::Default),
            (Urgency::Critical, Timeout::Never),
        ] {
            assert_eq!(composed(&notice("t", "b", urgency), false).timeout, expected);
        }
    }

    #[test]
    fn a_notice_without_a_title_bears_the_program_s_name() {
        assert_eq!(composed(&notice("\n\0", "b", Urgency::Low), false).summary, "acewatch");
    }
}
