//! The chunks in flight, over all uploads of this device: as many as the [`Pace`] allows.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use futures::channel::oneshot;

use super::pace::Pace;
use crate::browser;

#[derive(Default)]
pub struct Lanes {
    pace: RefCell<Pace>,
    taken: Cell<usize>,
    waiting: RefCell<VecDeque<oneshot::Sender<()>>>,
}

/// The right to send one chunk, until dropped.
pub struct Lane(Rc<Lanes>);

impl Lanes {
    pub async fn enter(self: &Rc<Self>) -> Lane {
        while self.taken.get() >= self.pace.borrow().streams() {
            let (free, freed) = oneshot::channel();
            self.waiting.borrow_mut().push_back(free);
            // Whoever is called looks again: the pace may have slowed down meanwhile.
            let _ = freed.await;
        }
        self.taken.set(self.taken.get() + 1);
        self.pace.borrow_mut().sending(browser::clock_ms());
        Lane(self.clone())
    }

    fn call_next(&self) {
        let mut free = self.pace.borrow().streams().saturating_sub(self.taken.get());
        while free > 0
            && let Some(next) = self.waiting.borrow_mut().pop_front()
        {
            // One that gave up waiting takes no place.
            free -= usize::from(next.send(()).is_ok());
        }
    }
}

impl Lane {
    pub fn arrived(self, bytes: u64) {
        self.0.pace.borrow_mut().arrived(bytes, browser::clock_ms());
    }

    pub fn lost(self) {
        self.0.pace.borrow_mut().lost(browser::clock_ms());
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        let taken = self.0.taken.get() - 1;
        self.0.taken.set(taken);
        if taken == 0 {
            self.0.pace.borrow_mut().idle();
        }
        self.0.call_next();
    }
}
