//! A notification server that writes down what it is asked, and can be told to misbehave.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use zbus::wire::OwnedVariant;

const PATH: &str = "/org/freedesktop/Notifications";
const NAME: &str = "org.freedesktop.Notifications";

/// How the server takes a notice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mood {
    /// It shows it.
    Willing,
    /// It shows it and answers only when its mood is another one.
    Hanging,
    /// It shows nothing and says that it cannot.
    Refusing,
}

/// A notice as it was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Asked {
    /// The id that the server gave to it.
    pub id: u32,
    /// The one that it was to replace; 0 for none.
    pub replaces: u32,
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
    /// The names of its buttons.
    pub buttons: Vec<String>,
    /// 0 to 2.
    pub urgency: u8,
}

type Hook = Arc<dyn Fn(&Asked) + Send + Sync>;

#[derive(Default)]
struct Record {
    notices: Vec<Asked>,
    taken_back: Vec<u32>,
    last_id: u32,
}

/// The server, until it is dropped.
pub struct Recorder {
    runtime: Option<tokio::runtime::Runtime>,
    connection: Option<zbus::Connection>,
    record: Arc<Mutex<Record>>,
    mood: tokio::sync::watch::Sender<Mood>,
}

struct Served {
    record: Arc<Mutex<Record>>,
    mood: tokio::sync::watch::Receiver<Mood>,
    capabilities: Vec<&'static str>,
    hook: Option<Hook>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Served {
    fn get_capabilities(&self) -> Vec<&'static str> {
        self.capabilities.clone()
    }

    fn get_server_information(&self) -> (&'static str, &'static str, &'static str, &'static str) {
        ("recorder", "acewatch", "1", "1.2")
    }

    #[expect(clippy::too_many_arguments, reason = "the specification's")]
    async fn notify(
        &self,
        _program: String,
        replaces: u32,
        _icon: String,
        title: String,
        body: String,
        buttons: Vec<String>,
        hints: HashMap<String, OwnedVariant>,
        _expires: i32,
    ) -> zbus::fdo::Result<u32> {
        let mut mood = self.mood.clone();
        if *mood.borrow() == Mood::Refusing {
            return Err(zbus::fdo::Error::Failed("no room".to_owned()));
        }
        let asked = {
            let mut record = self.record.lock().unwrap();
            let id = if replaces == 0 { record.last_id + 1 } else { replaces };
            record.last_id = record.last_id.max(id);
            let buttons = buttons.into_iter().step_by(2).collect();
            let urgency = hints.get("urgency").and_then(|value| u8::try_from(&**value).ok());
            let urgency = urgency.unwrap_or(9);
            let asked = Asked { id, replaces, title, body, buttons, urgency };
            record.notices.push(asked.clone());
            asked
        };
        if let Some(hook) = &self.hook {
            hook(&asked);
        }
        mood.wait_for(|mood| *mood != Mood::Hanging).await.unwrap();
        Ok(asked.id)
    }

    #[zbus(name = "CloseNotification")]
    async fn close_notification(
        &self,
        id: u32,
        #[zbus(connection)] connection: &zbus::Connection,
    ) -> zbus::fdo::Result<()> {
        self.record.lock().unwrap().taken_back.push(id);
        let said = (id, 3_u32);
        let told = connection.emit_signal(None::<&str>, PATH, NAME, "NotificationClosed", &said);
        told.await.map_err(|error| zbus::fdo::Error::Failed(error.to_string()))
    }
}

impl Recorder {
    /// Starts a server that can do all that the specification knows on the bus at `address`.
    pub fn start(address: &str) -> Recorder {
        Recorder::with(address, &["actions", "body", "body-markup"], None)
    }

    /// Starts a server that can do what is named, and calls `hook` at each notice, before it answers.
    pub fn with(address: &str, capabilities: &[&'static str], hook: Option<Hook>) -> Recorder {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let record = Arc::new(Mutex::new(Record::default()));
        let (mood, watched) = tokio::sync::watch::channel(Mood::Willing);
        let served = Served {
            record: Arc::clone(&record),
            mood: watched,
            capabilities: capabilities.to_vec(),
            hook,
        };
        let connection = runtime.block_on(async {
            let builder = zbus::connection::Builder::address(address);
            builder.serve_at(PATH, served).name(NAME).build().await.unwrap()
        });
        Recorder { runtime: Some(runtime), connection: Some(connection), record, mood }
    }

    /// Changes how it takes notices.
    pub fn be(&self, mood: Mood) {
        self.mood.send(mood).unwrap();
    }

    /// Returns every notice it was asked for, in their order.
    pub fn notices(&self) -> Vec<Asked> {
        self.record.lock().unwrap().notices.clone()
    }

    /// Returns the ids that it was asked to close.
    pub fn taken_back(&self) -> Vec<u32> {
        self.record.lock().unwrap().taken_back.clone()
    }

    /// Says that a notice is gone, for one of the specification's reasons.
    pub fn closes(&self, id: u32, reason: u32) {
        self.say("NotificationClosed", &(id, reason));
    }

    /// Says that a button of a notice was pressed, and closes it, as servers do.
    pub fn presses(&self, id: u32, button: &str) {
        self.say("ActionInvoked", &(id, button));
        self.closes(id, 2);
    }

    fn say<B: serde::Serialize + zbus::wire::DynamicType>(&self, signal: &str, body: &B) {
        let (runtime, connection) =
            (self.runtime.as_ref().unwrap(), self.connection.as_ref().unwrap());
        runtime.block_on(connection.emit_signal(None::<&str>, PATH, NAME, signal, body)).unwrap();
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        // What hangs must not keep the test.
        let _ = self.mood.send(Mood::Willing);
        drop(self.connection.take());
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
