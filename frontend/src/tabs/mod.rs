//! One tab leads: it syncs and sends. The others follow: they read the same database and ask the leader
//! to act. When the leader's tab is closed, its lock falls to the next.

mod follower;
mod leadership;
mod words;

use std::cell::RefCell;
use std::rc::Rc;

use app::ports::{PickedFile, UploadControl};
use futures::future::select;
use js_sys::Array;
use shared::{ItemId, OperationId, UserId};
use std::pin::pin;
use sync::{BatchId, Command, Event};
use uuid::Uuid;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::spawn_local;
use web_sys::{BroadcastChannel, File, MessageEvent};

pub use self::follower::Follower;
pub use self::leadership::{lead_if_free, lead_when_free};
use self::words::{Shown, Word};
use crate::browser;
use crate::intake;
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
    tabs: Tabs,
    /// Requests whose changes are on their way to the disk, by the batch that keeps them.
    unanswered: RefCell<Vec<(BatchId, Uuid)>>,
    shown: RefCell<Option<Shown>>,
}

impl Leader {
    pub fn new(tabs: Tabs) -> Rc<Self> {
        Rc::new(Self { tabs, unanswered: RefCell::default(), shown: RefCell::default() })
    }

    /// Answers the other tabs from now on. `ended` is called if one of them ends the session.
    pub fn serve(self: &Rc<Self>, runtime: &Rc<Runtime>, ended: impl Fn(Ended) + 'static) {
        let (leader, runtime) = (self.clone(), runtime.clone());
        self.tabs.hear(move |word, beside| match word {
            Word::Run { request, commands } => leader.run(&runtime, request, commands),
            Word::Upload { folder, paths } => {
                let files = words::files_beside(paths, &beside);
                spawn_local(intake::take_in(runtime.clone(), folder, files));
            }
            Word::Control { operation, control } => runtime.uploader.control(operation, control),
            Word::Supply { operation } => runtime.uploader.supply(operation, beside.unchecked_into::<File>()),
            Word::Discard { operation } => runtime.handle(Event::Discard { operation }),
            Word::RetryNow => runtime.retry_now(),
            Word::Hello => {
                leader.shown.borrow_mut().take();
                leader.show(&runtime);
            }
            Word::SignedOut => ended(Ended::SignedOut),
            Word::SessionLost => ended(Ended::SessionLost),
            Word::Done { .. } | Word::Stored | Word::Show(_) | Word::Say { .. } => {}
        });
        self.tabs.say(&Word::Stored, &JsValue::NULL);
    }

    fn run(&self, runtime: &Runtime, request: Uuid, commands: Vec<Command>) {
        let (_, batch) = runtime.run(commands);
        match batch {
            Some(batch) => self.unanswered.borrow_mut().push((batch, request)),
            None => self.tabs.say(&Word::Done { request }, &JsValue::NULL),
        }
    }

    /// A request counts as done once it is on the disk: before, it would die with this tab.
    pub fn stored(&self, batch: BatchId) {
        let mut unanswered = self.unanswered.borrow_mut();
        for (_, request) in unanswered.extract_if(.., |(kept_by, _)| *kept_by <= batch) {
            self.tabs.say(&Word::Done { request }, &JsValue::NULL);
        }
        self.tabs.say(&Word::Stored, &JsValue::NULL);
    }

    pub fn show(&self, runtime: &Runtime) {
        let shown = Shown { summary: runtime.replica.summary(), uploads: runtime.uploader.views() };
        let mut before = self.shown.borrow_mut();
        if before.as_ref() != Some(&shown) {
            self.tabs.say(&Word::Show(shown.clone()), &JsValue::NULL);
            *before = Some(shown);
        }
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
    Upload(ItemId, Vec<PickedFile>),
    Control(OperationId, UploadControl),
    Supply(OperationId, File),
    Discard(OperationId),
    RetryNow,
}
