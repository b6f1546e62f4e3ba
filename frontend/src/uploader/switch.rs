//! What the person wants of an upload, for the work that is under way to ask at every step.

use std::cell::{Cell, RefCell};

use futures::channel::oneshot;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    #[default]
    Running,
    Paused,
    Cancelled,
}

/// The upload was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cancelled;

#[derive(Debug, Default)]
pub struct Switch {
    wanted: Cell<Wanted>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
}

impl Switch {
    pub fn wanted(&self) -> Wanted {
        self.wanted.get()
    }

    /// Nothing follows a cancel.
    pub fn set(&self, wanted: Wanted) {
        if self.wanted.get() == Wanted::Cancelled {
            return;
        }
        self.wanted.set(wanted);
        for waiting in self.waiting.take() {
            // Who no longer waits needs no word.
            let _ = waiting.send(());
        }
    }

    /// Returns when the work may go on: at once, or when a pause ends.
    pub async fn proceed(&self) -> Result<(), Cancelled> {
        loop {
            match self.wanted.get() {
                Wanted::Running => return Ok(()),
                Wanted::Cancelled => return Err(Cancelled),
                Wanted::Paused => self.changed().await,
            }
        }
    }

    /// Returns when it is cancelled.
    pub async fn cancelled(&self) -> Cancelled {
        while self.wanted.get() != Wanted::Cancelled {
            self.changed().await;
        }
        Cancelled
    }

    /// Returns at the next change.
    pub async fn changed(&self) {
        let (change, changed) = oneshot::channel();
        self.waiting.borrow_mut().push(change);
        let _ = changed.await;
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_pause_holds_until_it_ends_and_a_cancel_is_final() {
        let switch = Switch::default();
        assert_eq!(switch.proceed().now_or_never(), Some(Ok(())));
        switch.set(Wanted::Paused);
        let mut cancelled = Box::pin(switch.cancelled());
        let mut paused = Box::pin(switch.proceed());
        assert_eq!((&mut paused).now_or_never(), None);
        switch.set(Wanted::Running);
        assert_eq!(paused.now_or_never(), Some(Ok(())));
        assert_eq!((&mut cancelled).now_or_never(), None);
        switch.set(Wanted::Cancelled);
        assert_eq!(cancelled.now_or_never(), Some(Cancelled));
        switch.set(Wanted::Running);
        assert_eq!(switch.proceed().now_or_never(), Some(Err(Cancelled)));
    }
}
