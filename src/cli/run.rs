//! `acewatch run`: the daemon.

use super::failure::Failure;
use super::{Context, check};
use crate::daemon;
use crate::memory;

/// Watch the mailboxes until stopped
///
/// This is what the systemd service starts. It stays in the foreground and logs to standard error.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the daemon.
pub(crate) fn run(cx: &Context, _args: &Args) -> Result<(), Failure> {
    if cx.global.at.is_some() {
        return Err(Failure::usage(
            "`run` cannot be run at another time: --at is for the other commands",
        ));
    }
    memory::be_sparing();
    let settings = cx.settings()?;
    check::require_mailbox(&settings)?;
    let app = cx.app_with(settings)?;
    // Two threads suffice: one for the database and the loop, one for all connections.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(4)
        .enable_all()
        .build()
        .map_err(|error| Failure::new("cannot start").because(error))?;
    let ended = runtime.block_on(daemon::run(app));
    // A name that is still being looked up must not keep the process from leaving.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    Ok(ended?)
}
