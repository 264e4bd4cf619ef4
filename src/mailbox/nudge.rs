//! How the main task has the mailboxes looked at: one sender, heard by every task and session.
//!
//! A doubt must not be lost where a mere wish to look follows it before anybody has heard it, so
//! that doubts are counted, and each hearer remembers how many it has heard of.

use tokio::sync::watch;

/// The main task's end.
#[derive(Debug)]
pub struct Nudger(watch::Sender<u64>);

/// A hearer's end.
#[derive(Clone, Debug)]
pub struct Nudged {
    n_doubts: watch::Receiver<u64>,
    heard: u64,
}

impl Nudger {
    /// Makes both ends; the second one is cloned for each hearer.
    #[must_use]
    pub fn new() -> (Nudger, Nudged) {
        let (sender, n_doubts) = watch::channel(0);
        (Nudger(sender), Nudged { n_doubts, heard: 0 })
    }

    /// A deadline waits for the answer.
    pub fn look(&self) {
        self.0.send_modify(|_| {});
    }

    /// The machine slept or changed its network: connections may be dead, and a running command has
    /// no more than `done-timeout` left to show that its own is not.
    pub fn doubt(&self) {
        self.0.send_modify(|n_doubts| *n_doubts = n_doubts.wrapping_add(1));
    }
}

impl Nudged {
    /// A hearer whom nobody nudges.
    #[must_use]
    pub fn never() -> Nudged {
        Nudger::new().1
    }

    /// Waits for the next nudge, or takes one that came meanwhile.
    pub async fn any(&mut self) {
        match self.n_doubts.changed().await {
            Ok(()) => self.forget(),
            Err(_) => std::future::pending().await,
        }
    }

    /// The same for a doubt.
    pub async fn doubt(&mut self) {
        let heard = self.heard;
        while self.heard == heard {
            self.any().await;
        }
    }

    /// Takes all nudges so far as heard.
    pub fn forget(&mut self) {
        self.heard = *self.n_doubts.borrow_and_update();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_wish_to_look_does_not_hide_the_doubt_before_it() {
        let (nudger, mut nudged) = Nudger::new();
        assert!(nudged.any().now_or_never().is_none());
        nudger.look();
        assert!(nudged.clone().any().now_or_never().is_some());
        assert!(nudged.doubt().now_or_never().is_none());
        nudger.doubt();
        nudger.look();
        assert!(nudged.doubt().now_or_never().is_some());
        assert!(nudged.any().now_or_never().is_none());
        nudger.doubt();
        nudged.forget();
        nudger.look();
        assert!(nudged.doubt().now_or_never().is_none());
        drop(nudger);
        assert!(nudged.any().now_or_never().is_none());
    }
}
