//! Notices on the desktop, by the Desktop Notifications Specification 1.2 over the session bus.
//!
//! One task speaks to the bus. A server may accept a call and never answer, so the task waits and
//! nobody else does: what is asked of it goes in by a channel, and what it hears comes out by another.
//!
//! A notice is known by its server and the id that this server gave to it. After a restart of either,
//! or at another login, the server's name is another one, and the old ids mean nothing.

mod bus;

use std::time::Duration;

use notify_rust::{Hint, Notification, Timeout};
use tokio::sync::mpsc;

use super::{Notice, NotifyError, Urgency, safe_line, safe_text};
use bus::Attendant;
pub use bus::probe;

use crate::domain::notice::NoticeId;

/// Longest title and body in characters; servers show about three lines of sixty.
const TITLE_LIMIT: usize = 120;
const BODY_LIMIT: usize = 800;

/// So much may be heard before anybody listens.
const HEARD: usize = 64;

/// A button below a notice: its name for the program, and what it says.
pub type Button = (&'static str, &'static str);

/// What is asked of the task.
#[derive(Debug)]
enum Order {
    Look,
    Ask,
    Show(Notice),
    TakeBack(NoticeId),
}

/// What the desktop says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Heard {
    /// This notification server is there now, or none.
    Server(Option<String>),
    /// It answers.
    Ready,
    /// It does not.
    Unready(NotifyError),
    /// It took the notice.
    Shown(NoticeId),
    /// It did not take the notice.
    Failed(NotifyError),
    /// It has not answered for the notice within the limit, and may show it all the same; one of the
    /// two above follows once it is known.
    Late,
    /// A notice is gone from the screen.
    Closed(NoticeId, Closing),
    /// A button was pressed, or the notice itself (`default`).
    Pressed(NoticeId, String),
    /// A notice was taken back, as far as the server heeds it.
    TakenBack(NoticeId),
}

impl Heard {
    /// The notice that a person or the server did something with.
    fn notice(&self) -> Option<&NoticeId> {
        match self {
            Heard::Closed(notice, _) | Heard::Pressed(notice, _) => Some(notice),
            _ => None,
        }
    }
}

/// Why a notice went (section "org.freedesktop.Notifications.NotificationClosed").
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Closing {
    /// Its time was over.
    Expired,
    /// A person closed it.
    ByUser,
    /// A program asked for it.
    ByCall,
    /// The server does not say.
    Undefined,
}

impl Closing {
    fn of(reason: u32) -> Closing {
        match reason {
            1 => Closing::Expired,
            2 => Closing::ByUser,
            3 => Closing::ByCall,
            _ => Closing::Undefined,
        }
    }
}

/// The desktop's notification server, as far as this process speaks to it.
///
/// At most one notice is under way at a time: after [`Desktop::show`] comes [`Heard::Shown`] or
/// [`Heard::Failed`] before another one may be shown.
#[derive(Debug)]
pub struct Desktop {
    orders: mpsc::UnboundedSender<Order>,
    heard: mpsc::Receiver<Heard>,
}

impl Desktop {
    /// Starts the task, within a runtime of tokio; an answer counts as late after `limit`.
    pub fn new(limit: Duration) -> Desktop {
        let (orders, asked) = mpsc::unbounded_channel();
        let (telling, heard) = mpsc::channel(HEARD);
        // It ends when nobody is left to ask it.
        tokio::spawn(Attendant::new(limit, telling).attend(asked));
        Desktop { orders, heard }
    }

    /// Looks for the session bus if there is no connection to it, and starts nothing;
    /// [`Heard::Server`] follows when there is news.
    pub fn look(&self) {
        self.order(Order::Look);
    }

    /// Asks whether there is a server to show notices, and has one started where that is possible;
    /// [`Heard::Ready`] or [`Heard::Unready`] follows.
    pub fn ask(&self) {
        self.order(Order::Ask);
    }

    /// Shows a notice to a server that is ready.
    pub fn show(&self, notice: Notice) {
        self.order(Order::Show(notice));
    }

    /// Takes a notice from the screen; [`Heard::TakenBack`] follows.
    pub fn take_back(&self, notice: NoticeId) {
        self.order(Order::TakeBack(notice));
    }

    /// Waits for what the desktop says next. Giving up the wait loses nothing.
    pub async fn next(&mut self) -> Heard {
        match self.heard.recv().await {
            Some(heard) => heard,
            // The task lives as long as this value.
            None => std::future::pending().await,
        }
    }

    fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

/// Shows one notice, for whoever has nothing else to do meanwhile.
///
/// # Errors
///
/// Returns [`NotifyError`] when the notice is not known to be shown.
pub async fn show_once(notice: Notice, limit: Duration) -> Result<NoticeId, NotifyError> {
    let mut desktop = Desktop::new(limit);
    desktop.ask();
    let mut notice = Some(notice);
    loop {
        match desktop.next().await {
            Heard::Ready => {
                if let Some(notice) = notice.take() {
                    desktop.show(notice);
                }
            }
            Heard::Shown(id) => return Ok(id),
            Heard::Late => return Err(NotifyError::TimedOut),
            Heard::Unready(error) | Heard::Failed(error) => return Err(error),
            _ => {}
        }
    }
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

/// Tells from the words of an error what is missing. The names are those of the D-Bus Specification,
/// "Message Bus Messages".
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
            buttons: Vec::new(),
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
