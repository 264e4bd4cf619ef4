//! The tasks that read the mailboxes: started together, ended together, with nothing lost in between.

use std::time::Duration;

use anyhow::Result;
use futures_util::future::join_all;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{start, take};
use crate::app::App;
use crate::clock;
use crate::mailbox::nudge::Nudged;
use crate::mailbox::{self, Report};

/// How long the mailboxes may take to leave.
const LEAVE: Duration = Duration::from_secs(4);

/// One task for each mailbox of the settings.
pub(super) struct Watchers {
    /// What they tell.
    pub(super) inbox: mpsc::Receiver<Report>,
    /// Their ends, of which there is none before the end of all.
    pub(super) tasks: JoinSet<()>,
    shutdown: watch::Sender<bool>,
}

impl Watchers {
    /// Starts them where the last ones stopped.
    pub(super) fn start(app: &App, nudged: &Nudged) -> Result<Watchers> {
        let (reports, inbox) = mpsc::channel(16);
        let (shutdown, is_over) = watch::channel(false);
        let mut tasks = JoinSet::new();
        for settings in &app.settings.mailboxes {
            let start = start(app, settings)?;
            let (reports, is_over) = (reports.clone(), is_over.clone());
            tasks.spawn(mailbox::watch::watch(start, reports, nudged.clone(), is_over));
        }
        Ok(Watchers { inbox, tasks, shutdown })
    }

    /// Asks them to leave, and waits until they have. A batch that was already handed over is recorded;
    /// one that was not is read again.
    pub(super) async fn end(mut self, app: &mut App) {
        let _ = self.shutdown.send(true);
        let leave = async {
            while let Some(report) = self.inbox.recv().await {
                if let Err(error) = take(app, report, None, clock::now()) {
                    tracing::error!("{error:#}");
                }
            }
            while self.tasks.join_next().await.is_some() {}
        };
        let _ = timeout(LEAVE, leave).await;
        // A refresh token that a provider has just given out must not go with this process.
        let able = app.settings.mailboxes.iter().filter_map(|m| m.secret.oauth());
        join_all(able.map(|oauth| oauth.close(LEAVE))).await;
    }
}
