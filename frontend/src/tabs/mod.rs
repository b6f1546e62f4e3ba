//! One tab leads: it syncs and sends. The others follow: they read the same database and ask the leader
//! to act. When the leader's tab is closed, its lock falls to the next.

mod follower;
mod leadership;
mod lease;
mod words;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use app::ports::{Picked, UploadControl, UploadView};
use futures::future::select;
use js_sys::Array;
use shared::{ItemId, OperationId, UserId};
use std::pin::pin;
use sync::{BatchId, Command, Event, StoreBatch, StoreDelta, SyncSummary};
use uuid::Uuid;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{BroadcastChannel, File, MessageEvent};

pub use self::follower::Follower;
pub use self::leadership::{lead_if_free, lead_when_free};
use self::words::{Shown, Word};
use crate::browser;
use crate::contents::KeptChange;
use crate::later;
use crate::runtime::Runtime;
use crate::seat::Ended;

/// What the tabs of one account hear each other on.
#[derive(Clone)]
pub struct Tabs {
    /// None where a browser has no such thing: then each tab stands alone.
    channel: Option<BroadcastChannel>,
}

impl Tabs {
    pub fn join(user: UserId) -> Self {
        Self { channel: BroadcastChannel::new(&format!("cloudstead-{user}")).ok() }
    }

    /// What JSON cannot carry (files) goes beside the word.
    fn say(&self, word: &Word, beside: &JsValue) {
        let (Some(channel), Ok(text)) = (&self.channel, serde_json::to_string(word)) else { return };
        // Refused only for values that cannot be cloned; files and handles can.
        let _ = channel.post_message(&Array::of2(&text.into(), beside));
    }

    fn hear(&self, take: impl Fn(Word, JsValue) + 'static) {
        let Some(channel) = &self.channel else { return };
        browser::listen(channel, "message", move |event| {
            let Some(event) = event.dyn_ref::<MessageEvent>() else { return };
            let message: Array = event.data().unchecked_into();
            let word = message.get(0).as_string().and_then(|text| serde_json::from_str(&text).ok());
            // A word from a newer build is left to the reload that comes with it.
            if let Some(word) = word {
                take(word, message.get(1));
            }
        });
    }

    pub fn kept_changed(&self, change: KeptChange) {
        self.say(&Word::Kept(change), &JsValue::NULL);
    }

    /// Hears of contents that other tabs added or took away.
    pub fn hear_kept(&self, take: impl Fn(KeptChange) + 'static) {
        self.hear(move |word, _| {
            if let Word::Kept(change) = word {
                take(change);
            }
        });
    }

    /// The person signed out: the other tabs have nothing to show any more.
    pub fn signed_out(&self) {
        self.say(&Word::SignedOut, &JsValue::NULL);
    }

    /// The session ended: the other tabs leave, and keep the data.
    pub fn session_lost(&self) {
        self.say(&Word::SessionLost, &JsValue::NULL);
    }
}

/// What a leader that was told to leave may take, in milliseconds.
const LEAVING_MS: u64 = 2_000;

/// Waits until no other tab leads, so that nobody writes under this one's hands.
pub async fn outlive_leader(user: UserId) {
    select(pin!(lead_when_free(user)), pin!(browser::sleep(LEAVING_MS))).await;
}

/// The leader's ear and mouth.
pub struct Leader {
    me: Weak<Self>,
    tabs: Tabs,
    /// Answers to requests whose changes are on their way to the disk, by the batch that keeps them.
    unanswered: RefCell<Vec<(BatchId, Word)>>,
    /// What the followers were told.
    told: RefCell<Told>,
    /// Whether any tab ever followed: what nobody hears is not said.
    is_followed: Cell<bool>,
    is_show_due: Cell<bool>,
}

#[derive(Default)]
struct Told {
    summary: Option<SyncSummary>,
    uploads: BTreeMap<OperationId, UploadView>,
    is_afresh: bool,
    at_ms: f64,
}

/// Between two words on uploads, in milliseconds: they change with every chunk.
const SHOW_INTERVAL_MS: f64 = 200.0;

impl Leader {
    pub fn new(tabs: Tabs) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            me: me.clone(),
            tabs,
            unanswered: RefCell::default(),
            told: RefCell::default(),
            is_followed: Cell::new(false),
            is_show_due: Cell::new(false),
        })
    }

    /// Answers the other tabs from now on. `ended` is called if one of them ends the session.
    pub fn serve(self: &Rc<Self>, runtime: &Rc<Runtime>, ended: impl Fn(Ended) + 'static) {
        let (leader, runtime) = (self.clone(), runtime.clone());
        self.tabs.hear(move |word, beside| match word {
            Word::Run { request, commands } => leader.run(&runtime, request, commands),
            Word::Upload { folder, paths, described, empty_folders } => {
                let files = words::files_beside(paths, described, &beside);
                let picked = Picked { files, empty_folders };
                let runtime = runtime.clone();
                later::spawn(move |code| (code.take_in)(runtime, folder, picked));
            }
            Word::Control { operation, control } => runtime.uploader.control(operation, control),
            Word::Supply { operation } => runtime.uploader.supply(operation, beside.unchecked_into::<File>()),
            Word::Discard { operation } => runtime.handle(Event::Discard { operation }),
            Word::RetryNow => runtime.retry_now(),
            Word::Hello => {
                leader.is_followed.set(true);
                *leader.told.borrow_mut() = Told { is_afresh: true, ..Told::default() };
                leader.show(&runtime);
            }
            Word::SignedOut => ended(Ended::SignedOut),
            Word::SessionLost => ended(Ended::SessionLost),
            Word::Done { .. }
            | Word::Leads
            | Word::Stored(_)
            | Word::Show(_)
            | Word::Say { .. }
            | Word::Kept(_) => {}
        });
        self.tabs.say(&Word::Leads, &JsValue::NULL);
    }

    fn run(&self, runtime: &Runtime, request: Uuid, commands: Vec<Command>) {
        let (ran, batch) = runtime.run(commands);
        let done = Word::Done { request, operations: ran.operations, refused: ran.refused };
        match batch {
            Some(batch) => self.unanswered.borrow_mut().push((batch, done)),
            None => self.tabs.say(&done, &JsValue::NULL),
        }
    }

    /// A request counts as done once it is on the disk: before, it would die with this tab.
    pub fn stored(&self, batch: &StoreBatch) {
        if !self.is_followed.get() {
            return;
        }
        let mut unanswered = self.unanswered.borrow_mut();
        for (_, done) in unanswered.extract_if(.., |(kept_by, _)| *kept_by <= batch.id) {
            self.tabs.say(&done, &JsValue::NULL);
        }
        self.tabs.say(&Word::Stored(StoreDelta::from(batch)), &JsValue::NULL);
    }

    /// Says what differs from before. What comes too soon is said with what follows it: the next frame of a
    /// running upload, or the end of the queue.
    pub fn show(&self, runtime: &Rc<Runtime>) {
        if !self.is_followed.get() {
            return;
        }
        let mut told = self.told.borrow_mut();
        let now_ms = browser::clock_ms();
        if now_ms - told.at_ms < SHOW_INTERVAL_MS {
            let wait_ms = (SHOW_INTERVAL_MS - (now_ms - told.at_ms)).ceil() as u64;
            if !self.is_show_due.replace(true) {
                self.show_later(runtime, wait_ms);
            }
            return;
        }
        told.at_ms = now_ms;
        let summary = runtime.replica.summary();
        let uploads: BTreeMap<OperationId, UploadView> =
            runtime.uploader.views().into_iter().map(|view| (view.operation_id, view)).collect();
        let is_new = |view: &&UploadView| told.uploads.get(&view.operation_id) != Some(*view);
        let shown = Shown {
            uploads: uploads.values().filter(is_new).cloned().collect(),
            gone_uploads: told.uploads.keys().filter(|id| !uploads.contains_key(id)).copied().collect(),
            is_afresh: std::mem::take(&mut told.is_afresh),
            summary: (told.summary.as_ref() != Some(&summary)).then(|| summary.clone()),
        };
        told.uploads = uploads;
        told.summary = Some(summary);
        if shown != Shown::default() {
            self.tabs.say(&Word::Show(shown), &JsValue::NULL);
        }
    }

    fn show_later(&self, runtime: &Rc<Runtime>, wait_ms: u64) {
        let (leader, runtime) = (self.me.clone(), Rc::downgrade(runtime));
        spawn_local(async move {
            browser::sleep(wait_ms).await;
            if let (Some(leader), Some(runtime)) = (leader.upgrade(), runtime.upgrade()) {
                leader.is_show_due.set(false);
                leader.show(&runtime);
            }
        });
    }

    pub fn session_lost(&self) {
        self.tabs.session_lost();
    }

    pub fn say(&self, text: &str) {
        self.tabs.say(&Word::Say { text: text.to_owned() }, &JsValue::NULL);
    }
}

/// A request to the leader that needs no answer.
pub enum Wish {
    Upload(ItemId, Picked),
    Control(OperationId, UploadControl),
    Supply(OperationId, File),
    Discard(OperationId),
    RetryNow,
}
