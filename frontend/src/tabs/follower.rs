//! A tab that follows: it shows what the leader stored, with its own latest wishes on top.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use futures::channel::oneshot;
use leptos::prelude::{Set, Update};
use shared::{ItemId, OperationId};
use sync::{Command, CommandError, Effect, Ran, StoreDelta};
use uuid::Uuid;
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::words::{self, Shown, Word};
use super::{Tabs, Wish};
use crate::browser;
use crate::replica::{Due, Replica};
use crate::seat::Ended;
use crate::store::IndexedDbStore;

/// What the leader made of a request.
pub struct Answer {
    pub operations: Vec<(ItemId, OperationId)>,
    pub refused: Vec<(usize, CommandError)>,
}

pub struct Follower {
    me: Weak<Self>,
    pub replica: Rc<Replica>,
    pub store: Rc<IndexedDbStore>,
    tabs: Tabs,
    /// What the leader has not answered: shown on top, and asked again of the next leader. Ids are the
    /// caller's, so that twice is once.
    unanswered: RefCell<BTreeMap<Uuid, Vec<Command>>>,
    /// Who waits for an answer, by the request.
    waiting: RefCell<BTreeMap<Uuid, oneshot::Sender<Answer>>>,
    /// What was stored while the database is read; None while it is not.
    meanwhile: RefCell<Option<Vec<StoreDelta>>>,
    /// Counts them: only the last one counts.
    readings: Cell<u64>,
    /// Set when this tab leads: the database is the leader's own then.
    is_over: Cell<bool>,
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
            waiting: RefCell::default(),
            // The replica was read before this listened.
            meanwhile: RefCell::new(Some(Vec::new())),
            readings: Cell::new(0),
            is_over: Cell::new(false),
        });
        let hearing = follower.me.clone();
        tabs.hear(move |word, _| {
            let Some(follower) = hearing.upgrade().filter(|follower| !follower.is_over.get()) else { return };
            match word {
                Word::Done { request, operations, refused } => {
                    follower.unanswered.borrow_mut().remove(&request);
                    if let Some(waiting) = follower.waiting.borrow_mut().remove(&request) {
                        // Whoever asked may be gone.
                        let _ = waiting.send(Answer { operations, refused });
                    }
                }
                Word::Leads => {
                    follower.tabs.say(&Word::Hello, &JsValue::NULL);
                    follower.ask_again();
                    follower.read();
                }
                Word::Stored(delta) => follower.stored(delta),
                Word::Show(shown) => follower.shown(shown),
                Word::Say { text } => follower.replica.screen.say(text),
                Word::SignedOut => ended(Ended::SignedOut),
                Word::SessionLost => ended(Ended::SessionLost),
                _ => {}
            }
        });
        tabs.say(&Word::Hello, &JsValue::NULL);
        follower.replica.redraw(Due { tree: true, queue: true, uploads: false });
        follower.begin_reading();
        follower
    }

    /// Shows the commands' effect at once and asks the leader for them.
    pub fn run(&self, commands: Vec<Command>) -> Ran {
        self.ask(browser::new_id(), commands)
    }

    /// As [`Self::run`]; resolves when the leader has stored it, with what it answers. Fails where the lead
    /// changes meanwhile.
    pub fn run_and_wait(&self, commands: Vec<Command>) -> oneshot::Receiver<Answer> {
        let (answer, answered) = oneshot::channel();
        let request = browser::new_id();
        self.waiting.borrow_mut().insert(request, answer);
        self.ask(request, commands);
        answered
    }

    /// Returns when the leader has answered all that was asked so far, or the lead changes.
    pub async fn catch_up(&self) {
        let asked: Vec<Uuid> = self.unanswered.borrow().keys().copied().collect();
        for request in asked {
            let answered = {
                let mut waiting = self.waiting.borrow_mut();
                // Somebody else may wait for it already, and then it is a single edit.
                if !self.unanswered.borrow().contains_key(&request) || waiting.contains_key(&request) {
                    continue;
                }
                let (answer, answered) = oneshot::channel();
                waiting.insert(request, answer);
                answered
            };
            // Gone without an answer, this tab leads.
            let _ = answered.await;
        }
    }

    fn ask(&self, request: Uuid, commands: Vec<Command>) -> Ran {
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
            Wish::Upload(folder, picked) => {
                let paths = picked.files.iter().map(|picked| picked.folders.clone()).collect();
                let described = picked.files.iter().map(|picked| picked.described.clone()).collect();
                let empty_folders = picked.empty_folders;
                let word = Word::Upload { folder, paths, described, empty_folders };
                (word, words::beside_files(&picked.files))
            }
            Wish::Control(operation, control) => (Word::Control { operation, control }, JsValue::NULL),
            Wish::Supply(operation, file) => (Word::Supply { operation }, file.into()),
            Wish::Discard(operation) => (Word::Discard { operation }, JsValue::NULL),
            Wish::RetryNow => (Word::RetryNow, JsValue::NULL),
        };
        self.tabs.say(&word, &beside);
    }

    /// The leader may not have heard what the last one did not answer.
    fn ask_again(&self) {
        for (request, commands) in &*self.unanswered.borrow() {
            let word = Word::Run { request: *request, commands: commands.clone() };
            self.tabs.say(&word, &JsValue::NULL);
        }
    }

    /// Takes in what the leader stored; what is not answered yet is shown on top.
    fn stored(&self, delta: StoreDelta) {
        if let Some(meanwhile) = &mut *self.meanwhile.borrow_mut() {
            return meanwhile.push(delta);
        }
        let changes = self.replica.step(|engine| engine.follow(browser::now(), delta));
        self.replica.changed(&changes);
        self.show_unanswered();
    }

    fn show_unanswered(&self) {
        let unanswered: Vec<_> = self.unanswered.borrow().values().cloned().collect();
        for commands in unanswered {
            self.show(commands);
        }
    }

    fn shown(&self, shown: Shown) {
        let screen = &self.replica.screen;
        if let Some(summary) = shown.summary {
            screen.summary.set(summary);
        }
        if !shown.is_afresh && shown.uploads.is_empty() && shown.gone_uploads.is_empty() {
            return;
        }
        screen.uploads.update(|uploads| {
            let mut known: BTreeMap<_, _> =
                std::mem::take(uploads).into_iter().map(|view| (view.operation_id, view)).collect();
            if shown.is_afresh {
                known.clear();
            }
            for id in &shown.gone_uploads {
                known.remove(id);
            }
            known.extend(shown.uploads.into_iter().map(|view| (view.operation_id, view)));
            *uploads = known.into_values().collect();
        });
    }

    /// Reads the whole database: at the beginning, and where another tab took the lead.
    fn read(&self) {
        *self.meanwhile.borrow_mut() = Some(Vec::new());
        self.begin_reading();
    }

    fn begin_reading(&self) {
        let Some(follower) = self.me.upgrade() else { return };
        let reading = self.readings.get() + 1;
        self.readings.set(reading);
        spawn_local(async move {
            let engine = follower.store.open_engine().await;
            // A later one holds what this one may have missed.
            if follower.is_over.get() || follower.readings.get() != reading {
                return;
            }
            if let Ok(Some(engine)) = engine {
                follower.replica.reopen(engine);
            }
            // Some of it the snapshot holds already: twice does no harm.
            for delta in follower.meanwhile.take().into_iter().flatten() {
                let changes = follower.replica.step(|engine| engine.follow(browser::now(), delta));
                follower.replica.changed(&changes);
            }
            follower.show_unanswered();
        });
    }

    /// This tab leads from now on: what the last leader stored last counts, and nothing is heard of it any more.
    /// Answers what that one did not answer, and what was asked here meanwhile: reading takes a while, in which
    /// a person goes on.
    pub async fn inherit(&self) -> Option<Vec<Vec<Command>>> {
        self.is_over.set(true);
        self.waiting.take();
        let engine = self.store.open_engine().await.ok()??;
        self.replica.reopen(engine);
        self.waiting.take();
        Some(self.unanswered.take().into_values().collect())
    }
}
