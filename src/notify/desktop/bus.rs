//! The task that speaks to the session bus.
//!
//! Notices go out through `notify-rust`, each over a connection of its own. Some servers tell what
//! became of a notice to that connection alone, and GNOME Shell removes all of a program's notices
//! when the connection of the first one closes: the handles of what may still stand are kept. A
//! further connection hears what servers tell everybody, and which server there is.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::StreamExt;
use notify_rust::{CloseReason, NotificationHandle, NotificationResponse};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use zbus::message::Type;
use zbus::{Connection, Message, MessageStream};

use super::{Closing, HEARD, Heard, Order, composed, fault};
use crate::bus::{BUS, addresses};
use crate::domain::notice::NoticeId;
use crate::notify::{Notice, NotifyError, safe_line};

const NAME: &str = "org.freedesktop.Notifications";
const PATH: &str = "/org/freedesktop/Notifications";

/// What the bus is to pass on: what becomes of notices, and who shows them.
const RULES: [&str; 2] = [
    "type='signal',interface='org.freedesktop.Notifications'",
    "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',\
     member='NameOwnerChanged',arg0='org.freedesktop.Notifications'",
];

/// So many handles are kept: a desktop shows a handful of notices of one program, and an older one
/// has long left the screen.
const N_KEPT: usize = 32;

type Calling = JoinHandle<Result<(NoticeId, NotificationHandle), NotifyError>>;

/// The task's own memory.
pub(super) struct Attendant {
    limit: Duration,
    heard: mpsc::Sender<Heard>,
    session: Option<Session>,
    /// The notice that the server has not answered for yet.
    call: Option<Call>,
    /// What was heard meanwhile: of a notice nobody must hear before it is known to be shown.
    held: VecDeque<Heard>,
    /// What becomes of the notices that may still stand; the first one stays for good.
    kept: VecDeque<Kept>,
    /// What their connections hear, and where it comes out.
    saying: mpsc::Sender<(NoticeId, Heard)>,
    said: mpsc::Receiver<(NoticeId, Heard)>,
}

/// Listens for what becomes of a notice for as long as it is kept.
struct Kept {
    notice: NoticeId,
    listening: JoinHandle<()>,
    echoes: Echoes,
}

/// What was heard of one notice, and by which connection: a server that tells everybody is heard by
/// both, and on a busy machine long after one another.
#[derive(Debug, Default)]
struct Echoes {
    by_all: Vec<Heard>,
    by_own: Option<Heard>,
    has_own_said: bool,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

struct Call {
    answer: Calling,
    late_at: Option<Instant>,
}

/// A connection to a session bus.
struct Session {
    connection: Connection,
    messages: MessageStream,
    /// The unique name of who shows notices.
    owner: Option<String>,
    /// What it can do, once it was asked.
    abilities: Option<Abilities>,
}

#[derive(Clone, Copy, Debug)]
struct Abilities {
    markup: bool,
    buttons: bool,
}

impl Attendant {
    pub(super) fn new(limit: Duration, heard: mpsc::Sender<Heard>) -> Attendant {
        let (saying, said) = mpsc::channel(HEARD);
        Attendant {
            limit,
            heard,
            session: None,
            call: None,
            held: VecDeque::new(),
            kept: VecDeque::new(),
            saying,
            said,
        }
    }

    /// Does what is asked and tells what is heard, until nobody asks any more.
    pub(super) async fn attend(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        loop {
            let late_at = self.call.as_ref().and_then(|call| call.late_at);
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => self.obey(order).await,
                    None => return,
                },
                answer = answer(&mut self.call) => self.answered(answer).await,
                () = sleep_until(late_at.unwrap_or_else(Instant::now)), if late_at.is_some() => {
                    if let Some(call) = &mut self.call {
                        call.late_at = None;
                    }
                    self.tell(Heard::Late).await;
                }
                Some((of, heard)) = self.said.recv() => {
                    // What an earlier server showed may have been reported just before it went.
                    if self.session.as_ref().and_then(Session::server).as_ref() == Some(&of.server)
                        && self.echoes_of(&of).is_none_or(|echoes| echoes.heard_by_own(&heard))
                    {
                        self.pass_on(heard).await;
                    }
                }
                message = message(&mut self.session) => self.received(message).await,
            }
        }
    }

    async fn tell(&self, heard: Heard) {
        // That nobody listens any more will be seen at the next order.
        let _ = self.heard.send(heard).await;
    }

    async fn obey(&mut self, order: Order) {
        match order {
            Order::Look => {
                let _ = self.connected().await;
            }
            Order::Ask => {
                let said = match self.abilities().await {
                    Ok(_) => Heard::Ready,
                    Err(error) => Heard::Unready(error),
                };
                self.tell(said).await;
            }
            Order::Show(notice) => self.show(&notice).await,
            Order::TakeBack(notice) => self.take_back(notice),
        }
    }

    /// Connects to the session bus, unless that was done.
    async fn connected(&mut self) -> Result<(), NotifyError> {
        if self.session.is_some() {
            return Ok(());
        }
        let session = Session::open(self.limit).await?;
        let server = session.server();
        self.session = Some(session);
        self.tell(Heard::Server(server)).await;
        Ok(())
    }

    /// Asks the server what it can do, which has the bus start one where it knows how to.
    async fn abilities(&mut self) -> Result<Abilities, NotifyError> {
        self.connected().await?;
        let Some(session) = &mut self.session else { return Err(NotifyError::NoSessionBus) };
        if let Some(known) = session.abilities {
            return Ok(known);
        }
        let before = session.owner.clone();
        let asked = timeout(self.limit, session.call("GetCapabilities", &())).await;
        let capabilities: Vec<String> = match asked.unwrap_or(Err(NotifyError::TimedOut)) {
            Ok(reply) => {
                session.owner = sender(&reply);
                reply.body().deserialize().unwrap_or_default()
            }
            // A server that cannot say what it can do may still show a plain text.
            Err(NotifyError::Refused(_)) => Vec::new(),
            Err(error) => return Err(error),
        };
        let has = |name: &str| capabilities.iter().any(|capability| capability == name);
        let abilities = Abilities { markup: has("body-markup"), buttons: has("actions") };
        session.abilities = Some(abilities);
        if session.owner != before {
            let server = session.server();
            self.replaced_by(server).await;
        }
        Ok(abilities)
    }

    /// Another server shows notices now, or none: what the last one showed went with it, and its ids
    /// are given to the notices of other programs.
    async fn replaced_by(&mut self, server: Option<String>) {
        self.kept.clear();
        self.tell(Heard::Server(server)).await;
    }

    async fn show(&mut self, notice: &Notice) {
        if !knows_own_name() {
            let why = "the program's own file cannot be named; is /proc mounted?".to_owned();
            return self.tell(Heard::Failed(NotifyError::Refused(why))).await;
        }
        let known = self.session.as_ref().and_then(|session| Some((session, session.abilities?)));
        let Some((session, abilities)) = known.filter(|_| self.call.is_none()) else {
            return self.tell(Heard::Failed(NotifyError::NoServer)).await;
        };
        let answer = session.notify(notice, abilities);
        self.call = Some(Call { answer, late_at: Some(Instant::now() + self.limit) });
    }

    fn take_back(&self, notice: NoticeId) {
        let heard = self.heard.clone();
        let session = self.session.as_ref().filter(|s| s.server().as_ref() == Some(&notice.server));
        let connection = session.map(|session| session.connection.clone());
        let limit = self.limit;
        // Whether it is still on the screen nobody knows; a server without it answers with an error.
        tokio::spawn(async move {
            if let Some(connection) = connection {
                let arguments = (notice.id,);
                let closing = call(&connection, "CloseNotification", &arguments);
                let _ = timeout(limit, closing).await;
            }
            let _ = heard.send(Heard::TakenBack(notice)).await;
        });
    }

    async fn answered(&mut self, answer: Result<(NoticeId, NotificationHandle), NotifyError>) {
        self.call = None;
        let said = match answer {
            Ok((notice, handle)) => {
                self.keep(notice.clone(), handle);
                Heard::Shown(notice)
            }
            Err(error) => {
                if let Some(session) = &mut self.session {
                    // Another server may come in its place.
                    session.abilities = None;
                }
                Heard::Failed(error)
            }
        };
        self.tell(said).await;
        for heard in std::mem::take(&mut self.held) {
            self.tell(heard).await;
        }
    }

    fn keep(&mut self, notice: NoticeId, handle: NotificationHandle) {
        let saying = self.saying.clone();
        let of = notice.clone();
        let listening = tokio::spawn(async move {
            let (said, mut response) = mpsc::unbounded_channel();
            handle
                .wait_for_action_async(move |response: &NotificationResponse| {
                    let _ = said.send(response.clone());
                })
                .await;
            if let Ok(response) = response.try_recv() {
                let _ = saying.send((of.clone(), meant(of, response))).await;
            }
            // The connection stays, whatever has become of this notice.
            std::future::pending::<()>().await;
            drop(handle);
        });
        // The new connection joins before an old one may go, and the first is never let go.
        let replaced = self.kept.iter().skip(1).position(|kept| kept.notice == notice);
        let mut echoes = Echoes::default();
        let of_it = self.held.iter().filter(|heard| heard.notice() == Some(&notice));
        of_it.for_each(|heard| {
            echoes.heard_by_all(heard);
        });
        self.kept.push_back(Kept { notice, listening, echoes });
        if let Some(position) = replaced {
            self.kept.remove(position + 1);
        }
        if N_KEPT < self.kept.len() {
            self.kept.remove(1);
        }
    }

    async fn received(&mut self, message: Option<Message>) {
        let (Some(session), Some(message)) = (&mut self.session, message) else {
            // The session has ended, and with it what was shown in it.
            self.session = None;
            return self.replaced_by(None).await;
        };
        match session.heard(&message) {
            Some(Heard::Server(server)) => self.replaced_by(server).await,
            Some(heard) => {
                let is_news = heard
                    .notice()
                    .and_then(|notice| self.echoes_of(notice))
                    .is_none_or(|echoes| echoes.heard_by_all(&heard));
                if is_news {
                    self.pass_on(heard).await;
                }
            }
            None => {}
        }
    }

    fn echoes_of(&mut self, notice: &NoticeId) -> Option<&mut Echoes> {
        let kept = self.kept.iter_mut().rev().find(|kept| kept.notice == *notice);
        kept.map(|kept| &mut kept.echoes)
    }

    /// Tells what became of a notice.
    async fn pass_on(&mut self, heard: Heard) {
        match self.call {
            // More than that is not heard of one notice, and of the others `status` tells.
            Some(_) if HEARD <= self.held.len() => {}
            Some(_) => self.held.push_back(heard),
            None => self.tell(heard).await,
        }
    }
}

impl Echoes {
    /// Takes note of what the connection hears that servers tell everything; says whether it is new.
    fn heard_by_all(&mut self, heard: &Heard) -> bool {
        if self.by_own.as_ref() == Some(heard) {
            self.by_own = None;
            return false;
        }
        if !self.has_own_said && self.by_all.len() < HEARD && !self.by_all.contains(heard) {
            self.by_all.push(heard.clone());
        }
        true
    }

    /// The same of the connection that showed the notice, which speaks only once: what comes after is by
    /// the first one, which is kept and goes on to listen where a later notice took its own one's id.
    fn heard_by_own(&mut self, heard: &Heard) -> bool {
        if std::mem::replace(&mut self.has_own_said, true) {
            return false;
        }
        let is_news = !std::mem::take(&mut self.by_all).contains(heard);
        self.by_own = is_news.then(|| heard.clone());
        is_news
    }
}

impl Session {
    /// Connects to the first session bus that answers.
    async fn open(limit: Duration) -> Result<Session, NotifyError> {
        let mut found = Err(NotifyError::NoSessionBus);
        for address in addresses() {
            let opening = Session::at(&address);
            found = timeout(limit, opening).await.unwrap_or(Err(NotifyError::TimedOut));
            if found.is_ok() {
                break;
            }
        }
        found
    }

    async fn at(address: &str) -> Result<Session, NotifyError> {
        let no_bus = |error: zbus::Error| {
            tracing::debug!(%error, "no session bus");
            NotifyError::NoSessionBus
        };
        let connection = zbus::connection::Builder::address(address).build().await;
        let connection = connection.map_err(no_bus)?;
        let messages = MessageStream::from(&connection);
        let bus = |member: &'static str, argument: &'static str| {
            let connection = &connection;
            async move {
                let arguments = (argument,);
                connection
                    .call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), member, &arguments)
                    .await
            }
        };
        for rule in RULES {
            bus("AddMatch", rule).await.map_err(no_bus)?;
        }
        let owner = bus("GetNameOwner", NAME).await.ok();
        let owner = owner.and_then(|reply| reply.body().deserialize::<String>().ok());
        Ok(Session { connection, messages, owner, abilities: None })
    }

    /// The server's name: that of the bus, and its own on it.
    fn server(&self) -> Option<String> {
        self.owner.as_ref().map(|owner| named(&self.connection, owner))
    }

    async fn call<B>(&self, member: &'static str, arguments: &B) -> Result<Message, NotifyError>
    where
        B: serde::Serialize + zbus::wire::DynamicType + Sync,
    {
        call(&self.connection, member, arguments).await
    }

    fn notify(&self, notice: &Notice, abilities: Abilities) -> Calling {
        let connection = self.connection.clone();
        let replaced =
            notice.replaces.as_ref().filter(|old| self.server().as_ref() == Some(&old.server));
        let mut shown = composed(notice, abilities.markup);
        if let Some(old) = replaced {
            shown.id(old.id);
        }
        if abilities.buttons {
            for (name, text) in &notice.buttons {
                shown.action(name, text);
            }
        }
        // A task of its own, because a call that was given up half-way would still be carried out.
        tokio::spawn(async move {
            let handle = shown.show_async().await.map_err(|error| fault(&error.to_string()))?;
            let owner = connection.call_method(
                Some(BUS),
                "/org/freedesktop/DBus",
                Some(BUS),
                "GetNameOwner",
                &(NAME,),
            );
            let owner: Option<String> =
                owner.await.ok().and_then(|reply| reply.body().deserialize().ok());
            let server = owner.map(|owner| named(&connection, &owner)).unwrap_or_default();
            Ok((NoticeId { server, id: handle.id() }, handle))
        })
    }

    /// What a message of the bus or the server says.
    fn heard(&mut self, message: &Message) -> Option<Heard> {
        let header = message.header();
        if header.message_type() != Type::Signal {
            return None;
        }
        let from = header.sender().map(|name| name.to_string())?;
        let member = header.member().map(|name| name.to_string())?;
        if from == BUS && member == "NameOwnerChanged" {
            let (name, _, owner): (String, String, String) = message.body().deserialize().ok()?;
            let owner = Some(owner).filter(|owner| !owner.is_empty());
            if name != NAME || self.owner == owner {
                return None;
            }
            self.owner = owner;
            self.abilities = None;
            return Some(Heard::Server(self.server()));
        }
        // Any program may send such a signal; only the server knows.
        if self.owner.as_ref() != Some(&from) || header.interface().is_none_or(|name| *name != NAME)
        {
            return None;
        }
        let notice = |id| NoticeId { server: named(&self.connection, &from), id };
        match member.as_str() {
            "NotificationClosed" => {
                let (id, reason): (u32, u32) = message.body().deserialize().ok()?;
                Some(Heard::Closed(notice(id), Closing::of(reason)))
            }
            "ActionInvoked" => {
                let (id, button): (u32, String) = message.body().deserialize().ok()?;
                Some(Heard::Pressed(notice(id), button))
            }
            _ => None,
        }
    }
}

/// Returns whether the program's file has a readable name. `notify-rust` takes it for granted, and
/// panics where /proc is missing or the name is not UTF-8, before our own name can be given to it.
fn knows_own_name() -> bool {
    std::env::current_exe()
        .is_ok_and(|path| path.file_name().is_some_and(|name| name.to_str().is_some()))
}

/// What a server told about a notice to the connection that showed it.
fn meant(notice: NoticeId, response: NotificationResponse) -> Heard {
    match response {
        NotificationResponse::Default => Heard::Pressed(notice, "default".to_owned()),
        NotificationResponse::Action(name) | NotificationResponse::Reply(name) => {
            Heard::Pressed(notice, name)
        }
        NotificationResponse::Closed(reason) => Heard::Closed(
            notice,
            match reason {
                CloseReason::Expired => Closing::Expired,
                CloseReason::Dismissed => Closing::ByUser,
                CloseReason::CloseAction => Closing::ByCall,
                CloseReason::Other(_) => Closing::Undefined,
            },
        ),
    }
}

fn named(connection: &Connection, owner: &str) -> String {
    format!("{}/{owner}", connection.server_guid())
}

fn sender(message: &Message) -> Option<String> {
    message.header().sender().map(|name| name.to_string())
}

async fn call<B>(
    connection: &Connection,
    member: &'static str,
    arguments: &B,
) -> Result<Message, NotifyError>
where
    B: serde::Serialize + zbus::wire::DynamicType + Sync,
{
    let called = connection.call_method(Some(NAME), PATH, Some(NAME), member, arguments).await;
    called.map_err(|error| fault(&error.to_string()))
}

/// Waits for the answer about the notice under way; for ever where there is none.
async fn answer(call: &mut Option<Call>) -> Result<(NoticeId, NotificationHandle), NotifyError> {
    match call {
        Some(call) => (&mut call.answer)
            .await
            .unwrap_or_else(|ended| Err(NotifyError::Refused(safe_line(&ended.to_string(), 200)))),
        None => std::future::pending().await,
    }
}

/// Waits for the next message; `None` where the connection has ended, for ever where there is none.
async fn message(session: &mut Option<Session>) -> Option<Message> {
    match session {
        Some(session) => session.messages.next().await.and_then(Result::ok),
        None => std::future::pending().await,
    }
}

/// Asks the notification server for its name and version, waiting at most `limit`.
///
/// # Errors
///
/// Returns [`NotifyError`] when no server answers.
pub async fn probe(limit: Duration) -> Result<String, NotifyError> {
    let asking = async {
        let session = Session::open(limit).await?;
        let reply = session.call("GetServerInformation", &()).await?;
        let said: Result<(String, String, String, String), _> = reply.body().deserialize();
        let (name, _, version, _) = said.map_err(|error| fault(&error.to_string()))?;
        Ok(safe_line(&format!("{name} {version}"), 80))
    };
    timeout(limit, asking).await.unwrap_or(Err(NotifyError::TimedOut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_connections_hear_is_told_once_and_what_a_person_does_twice_is_told_twice() {
        #[derive(Clone, Copy)]
        enum By {
            All,
            Own,
        }
        use By::{All, Own};
        let notice = NoticeId { server: "bus/:1.7".to_owned(), id: 3 };
        let pressed = |button: &str| Heard::Pressed(notice.clone(), button.to_owned());
        let (show, done) = (pressed("default"), pressed("done"));
        let closed = Heard::Closed(notice.clone(), Closing::ByUser);
        let told = |said: &[(By, &Heard)]| {
            let mut echoes = Echoes::default();
            let is_told = |&(by, heard): &(By, &Heard)| match by {
                All => echoes.heard_by_all(heard),
                Own => echoes.heard_by_own(heard),
            };
            said.iter().map(is_told).collect::<Vec<bool>>()
        };
        // However much comes between them.
        assert_eq!(told(&[(All, &show), (All, &closed), (Own, &show)]), [true, true, false]);
        assert_eq!(told(&[(Own, &show), (All, &show), (All, &closed)]), [true, false, true]);
        // A server that tells only who showed the notice, and one that does not.
        assert_eq!(told(&[(Own, &done)]), [true]);
        assert_eq!(told(&[(All, &done), (All, &closed)]), [true, true]);
        // A notice that stays is pressed again.
        assert_eq!(told(&[(All, &show), (All, &show), (Own, &show)]), [true, true, false]);
        assert_eq!(told(&[(Own, &show), (All, &show), (All, &show)]), [true, false, true]);
        assert_eq!(told(&[(All, &show), (Own, &show), (All, &show)]), [true, false, true]);
        // The session's first notice was replaced, and both that showed it listen.
        assert_eq!(told(&[(All, &show), (Own, &show), (Own, &show)]), [true, false, false]);
        assert_eq!(told(&[(Own, &show), (All, &show), (Own, &show)]), [true, false, false]);
        assert_eq!(told(&[(Own, &show), (Own, &show), (All, &show)]), [true, false, false]);
    }
}
