//! `acewatch run`: the daemon.

use super::failure::Failure;
use super::{Context, check};
use crate::daemon;
use crate::memory;

/// Watch the mailboxes until stopped
///
/// This is what the systemd service starts. It stays in the foreground and logs to standard error, or to
/// the journal where that is standard error. SIGHUP has it read the configuration and the rules anew; if they cannot
/// be used, it says so and goes on with the old ones.
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
    let reload = || {
        let settings = cx.settings()?;
        check::require_mailbox(&settings)?;
        Ok((settings, cx.rules()?))
    };
    let reload = || reload().map_err(|failure: Failure| failure.line());
    let ended = runtime.block_on(daemon::run(app, &reload));
    // A name that is still being looked up must not keep the process from leaving.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    Ok(ended?)
}
