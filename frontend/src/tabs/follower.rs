//! A tab that follows: it shows what the leader stored, with its own latest wishes on top.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use leptos::prelude::Set;
use sync::{Command, Effect, LocalStore, Ran};
use uuid::Uuid;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::words::{self, Word};
use super::{Tabs, Wish};
use crate::browser;
use crate::replica::{Due, Replica};
use crate::seat::Ended;
use crate::store::IndexedDbStore;

/// Between two readings of the database, in milliseconds, and how many times as long as one took: a large
/// library is read less often.
const READ_INTERVAL_MS: u64 = 50;
const READ_SHARE: u64 = 4;

pub struct Follower {
    me: Weak<Self>,
    pub replica: Rc<Replica>,
    pub store: Rc<IndexedDbStore>,
    tabs: Tabs,
    /// What the leader has not answered: shown on top, and asked again of the next leader. Ids are the
    /// caller's, so that twice is once.
    unanswered: RefCell<BTreeMap<Uuid, Vec<Command>>>,
    reading: Cell<Reading>,
    /// Set when this tab leads: the database is the leader's own then.
    is_over: Cell<bool>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Reading {
    #[default]
    Idle,
    Running,
    /// Something was stored since it began.
    Again,
}

impl Follower {
    /// `ended` is called if the session ends.
    pub fn start(
        replica: Rc<Replica>,
        store: Rc<IndexedDbStore>,
        tabs: Tabs,
        ended: impl Fn(Ended) + 'static,
    ) -> Rc<Self> {
        let follower = Rc::new_cyclic(|me| Self {
            me: me.clone(),
            replica,
            store,
            tabs: tabs.clone(),
            unanswered: RefCell::default(),
            reading: Cell::default(),
            is_over: Cell::new(false),
        });
        let hearing = follower.me.clone();
        tabs.hear(move |word, _| {
            let Some(follower) = hearing.upgrade().filter(|follower| !follower.is_over.get()) else { return };
            match word {
                Word::Done { request } => {
                    follower.unanswered.borrow_mut().remove(&request);
                }
                Word::Stored => follower.read(),
                Word::Show(shown) => {
                    follower.replica.screen.summary.set(shown.summary);
                    follower.replica.screen.uploads.set(shown.uploads);
                }
                Word::Say { text } => follower.replica.screen.say(text),
                Word::SignedOut => ended(Ended::SignedOut),
                Word::SessionLost => ended(Ended::SessionLost),
                _ => {}
            }
        });
        tabs.say(&Word::Hello, &JsValue::NULL);
        follower.replica.redraw(Due { tree: true, queue: true, uploads: false });
        follower
    }

    /// Shows the commands' effect at once and asks the leader for them.
    pub fn run(&self, commands: Vec<Command>) -> Ran {
        let request = browser::new_id();
        self.tabs.say(&Word::Run { request, commands: commands.clone() }, &JsValue::NULL);
        let ran = self.show(commands.clone());
        self.unanswered.borrow_mut().insert(request, commands);
        ran
    }

    /// The leader does the work; here it only shows.
    fn show(&self, commands: Vec<Command>) -> Ran {
        let mut ran = self.replica.step(|engine| engine.run(browser::now(), commands));
        for effect in std::mem::take(&mut ran.effects) {
            if let Effect::Changed(changes) = effect {
                self.replica.changed(&changes);
            }
        }
        ran
    }

    pub fn wish(&self, wish: Wish) {
        let (word, beside) = match wish {
            Wish::Upload(folder, files) => {
                let paths = files.iter().map(|picked| picked.folders.clone()).collect();
                (Word::Upload { folder, paths }, words::beside_files(&files))
            }
            Wish::Control(operation, control) => (Word::Control { operation, control }, JsValue::NULL),
            Wish::Supply(operation, file) => (Word::Supply { operation }, file.into()),
            Wish::Discard(operation) => (Word::Discard { operation }, JsValue::NULL),
            Wish::RetryNow => (Word::RetryNow, JsValue::NULL),
        };
        self.tabs.say(&word, &beside);
    }

    /// Reads the database again, soon.
    fn read(&self) {
        match self.reading.get() {
            Reading::Idle => self.reading.set(Reading::Running),
            Reading::Running | Reading::Again => return self.reading.set(Reading::Again),
        }
        let Some(follower) = self.me.upgrade() else { return };
        spawn_local(async move {
            loop {
                let began = browser::clock_ms();
                let snapshot = follower.store.load().await;
                if follower.is_over.get() {
                    return;
                }
                if let Ok(Some(snapshot)) = snapshot {
                    follower.replica.reopen(snapshot);
                    let unanswered: Vec<_> = follower.unanswered.borrow().values().cloned().collect();
                    for commands in unanswered {
                        follower.show(commands);
                    }
                }
                let took = (browser::clock_ms() - began) as u64;
                browser::sleep((took * READ_SHARE).max(READ_INTERVAL_MS)).await;
                if follower.reading.replace(Reading::Running) != Reading::Again {
                    return follower.reading.set(Reading::Idle);
                }
            }
        });
    }

    /// This tab leads now. What the last leader did not answer is handed over.
    pub fn end(&self) -> Vec<Vec<Command>> {
        self.is_over.set(true);
        self.unanswered.take().into_values().collect()
    }
}
