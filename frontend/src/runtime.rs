//! Drives the engine in the tab that leads: what happens goes in one by one, what it asks for is performed
//! in order.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use app::ports::KeptNotice;
use futures::StreamExt;
use futures::channel::mpsc::{self, UnboundedReceiver, UnboundedSender};
use futures::channel::oneshot;
use js_sys::Uint8Array;
use leptos::prelude::Set;
use shared::frames::ClientFrame;
use shared::limits::PUSH_DATA_BYTES_MAX;
use shared::sync::PushRequest;
use shared::{OperationId, Timestamp};
use sync::{
    BatchId, CallError, CallId, Command, Effect, Event, LocalStore, NewContent, Notice, Ran, StoreBatch,
};
use wasm_bindgen_futures::{JsFuture, spawn_local};

use crate::api;
use crate::browser;
use crate::contents::{Contents, Keeper, Wanted};
use crate::replica::{Due, Replica};
use crate::socket::{Socket, SocketEvent};
use crate::store::IndexedDbStore;
use crate::uploader::{Report, Uploader};

/// Who else hears what happens.
pub trait Listener {
    /// The server ended the session.
    fn session_lost(&self);
    /// This batch, and every one before, stands in the store.
    fn stored(&self, batch: &StoreBatch);
    /// The summary or the uploads may differ.
    fn redrawn(&self, runtime: &Rc<Runtime>);
    fn said(&self, text: &str);
}

/// One account's engine at work.
pub struct Runtime {
    me: Weak<Self>,
    pub replica: Rc<Replica>,
    pub store: Rc<IndexedDbStore>,
    pub uploader: Rc<Uploader>,
    contents: Rc<Contents>,
    keeper: RefCell<Option<Keeper>>,
    /// Contents that a restored server lost, to be looked for here.
    lost: UnboundedSender<Wanted>,
    was_online: Cell<bool>,
    /// When the screen was told of the uploads, and whether it will be again by itself.
    uploads_shown_ms: Cell<f64>,
    is_show_due: Cell<bool>,
    listener: Box<dyn Listener>,
    socket: RefCell<Option<Socket>>,
    batches: UnboundedSender<Arc<StoreBatch>>,
    /// Counts the alarms that were set: only the last one rings.
    alarm: Cell<u64>,
    is_stopped: Cell<bool>,
    /// The session ended: what was queued is still stored, but nothing new comes in.
    is_leaving: Cell<bool>,
    /// Batches that were handed over and are not stored yet.
    unstored: Cell<usize>,
    /// Who waits for a batch to be stored.
    waiting: RefCell<Vec<(BatchId, oneshot::Sender<()>)>>,
}

/// Batches on their way to the store while more files are taken in.
const UNSTORED_MAX: usize = 4;

/// As many uploads are shown at most this often: between two times, in milliseconds.
const MANY_UPLOADS: usize = 500;
const MANY_UPLOADS_PACE_MS: f64 = 250.0;

/// What storing the last changes may take before the page is left all the same, in milliseconds.
const LEAVE_WITHIN_MS: u64 = 1_500;

impl Runtime {
    /// Takes over the replica, which was read from `store` just now, and begins to sync.
    pub fn start(
        replica: Rc<Replica>,
        store: Rc<IndexedDbStore>,
        contents: Rc<Contents>,
        listener: impl Listener + 'static,
    ) -> Rc<Self> {
        let (batches, queue) = mpsc::unbounded();
        let (lost, looked_for) = mpsc::unbounded();
        let runtime = Rc::new_cyclic(|me: &Weak<Self>| {
            let reports = me.clone();
            let uploader = Uploader::new(store.clone(), contents.clone(), move |report| {
                if let Some(runtime) = reports.upgrade() {
                    runtime.take_report(report);
                }
            });
            Self {
                me: me.clone(),
                replica: replica.clone(),
                store,
                uploader,
                keeper: RefCell::new(Some(Keeper::start(contents.clone(), replica.clone()))),
                contents,
                lost,
                was_online: Cell::new(false),
                uploads_shown_ms: Cell::new(f64::NEG_INFINITY),
                is_show_due: Cell::new(false),
                listener: Box::new(listener),
                socket: RefCell::default(),
                batches,
                alarm: Cell::new(0),
                is_stopped: Cell::new(false),
                is_leaving: Cell::new(false),
                unstored: Cell::new(0),
                waiting: RefCell::default(),
            }
        });
        spawn_local(persist(runtime.clone(), queue));
        spawn_local(look_for_lost(runtime.me.clone(), looked_for));
        let drawn = runtime.me.clone();
        runtime.replica.before_each_frame(move |due| {
            if let Some(runtime) = drawn.upgrade() {
                runtime.refresh(due);
            }
        });
        let reports = runtime.me.clone();
        *runtime.socket.borrow_mut() = Some(Socket::connect(move |event| {
            if let Some(runtime) = reports.upgrade() {
                runtime.handle(match event {
                    SocketEvent::Opened => Event::SocketOpened,
                    SocketEvent::Closed => Event::SocketClosed,
                    SocketEvent::Frame(frame) => Event::Frame(*frame),
                });
            }
        }));
        runtime.watch_network();
        runtime.handle(Event::Started);
        runtime.replica.redraw(Due { tree: true, queue: true, uploads: true });
        runtime
    }

    fn watch_network(self: &Rc<Self>) {
        let Some(window) = web_sys::window() else { return };
        let runtime = self.clone();
        browser::listen(&window, "online", move |_| {
            runtime.nudge_socket();
            runtime.handle(Event::Online);
        });
        let runtime = self.clone();
        browser::listen(&window, "offline", move |_| runtime.handle(Event::Offline));
        let Some(page) = window.document() else { return };
        let runtime = self.clone();
        browser::listen(&page.clone(), "visibilitychange", move |_| {
            if !page.hidden() {
                runtime.nudge_socket();
            }
        });
    }

    fn nudge_socket(&self) {
        if let Some(socket) = &*self.socket.borrow() {
            socket.nudge();
        }
    }

    /// The person wants everything tried now.
    pub fn retry_now(&self) {
        self.nudge_socket();
        self.handle(Event::RetryNow);
    }

    /// Nothing is stored or sent any more: the data is about to be wiped, or is another account's to send.
    pub fn stop(&self) {
        self.is_stopped.set(true);
        self.keeper.borrow_mut().take();
        self.socket.borrow_mut().take();
    }

    pub fn handle(&self, event: Event) {
        if self.is_stopped.get() || self.is_leaving.get() {
            return;
        }
        let effects = self.replica.step(|engine| engine.handle(browser::now(), event));
        self.perform(effects);
    }

    /// Applies the commands at once; the answer's effects are under way already. Also answers the batch
    /// that keeps them, if they change anything.
    pub fn run(&self, commands: Vec<Command>) -> (Ran, Option<BatchId>) {
        let mut ran = self.replica.step(|engine| engine.run(browser::now(), commands));
        let effects = std::mem::take(&mut ran.effects);
        let batch = effects.iter().rev().find_map(|effect| match effect {
            Effect::Persist(batch) => Some(batch.id),
            _ => None,
        });
        self.perform(effects);
        (ran, batch)
    }

    /// As [`Self::run`]; resolves when what it changes is stored. Fails where this tab ends before.
    pub fn run_and_wait(&self, commands: Vec<Command>) -> (Ran, oneshot::Receiver<()>) {
        let (stored, waiting) = oneshot::channel();
        let (ran, batch) = self.run(commands);
        match batch {
            Some(batch) => self.waiting.borrow_mut().push((batch, stored)),
            None => drop(stored.send(())),
        }
        (ran, waiting)
    }

    fn stored(&self, batch: &StoreBatch) {
        self.handle(Event::Persisted(batch.id));
        for (_, waiting) in self.waiting.borrow_mut().extract_if(.., |(kept_by, _)| *kept_by <= batch.id) {
            // Whoever asked may be gone.
            let _ = waiting.send(());
        }
        self.listener.stored(batch);
    }

    /// Returns when the store has kept up: what a large drop brings is not all held in memory.
    pub async fn catch_up(&self) {
        while !self.is_stopped.get()
            && (self.unstored.get() > UNSTORED_MAX || self.replica.summary().storage_failed)
        {
            browser::next_frame().await;
        }
    }

    fn perform(&self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Persist(batch) => {
                    self.unstored.set(self.unstored.get() + 1);
                    self.contents.remember_stored(batch.clone());
                    // The task that takes them in lives as long as this.
                    let _ = self.batches.unbounded_send(batch);
                }
                Effect::StartUpload(order) => self.uploader.start(*order),
                Effect::CancelUpload { operation } => self.uploader.cancel(operation),
                Effect::Acknowledge { sync_token } => {
                    if let Some(socket) = &*self.socket.borrow() {
                        socket.send(ClientFrame::Ack { sync_token });
                    }
                }
                Effect::WakeAt(at) => self.set_alarm(at),
                Effect::SignInNeeded => {
                    self.socket.borrow_mut().take();
                    self.leave_when_stored();
                }
                Effect::Changed(changes) => {
                    for (old, new) in &changes.renumbered {
                        self.contents.renumber(*old, *new);
                    }
                    self.replica.changed(&changes);
                }
                Effect::Notify(notice) => self.tell(&notice),
                Effect::Push { call, request, contents } => self.push(call, request, contents),
                Effect::Pull { call, since, limit } => self.ask(async move {
                    Event::PullAnswered { call, result: api::pull(since.as_deref(), limit).await }
                }),
                Effect::FetchTrash { call, cursor } => self.ask(async move {
                    Event::TrashAnswered { call, result: api::trash(cursor.as_deref()).await }
                }),
                Effect::FetchConflicts { call } => self.ask(async move {
                    let result = api::conflicts().await.map(|list| list.conflicts);
                    Event::ConflictsAnswered { call, result }
                }),
                Effect::Resolve { call, conflict, request } => self.ask(async move {
                    Event::ResolveAnswered { call, conflict, result: api::resolve(conflict, &request).await }
                }),
                Effect::FindContent { item, content_hash, size } => {
                    // The task that takes them in lives as long as this.
                    let _ = self.lost.unbounded_send(Wanted { item, hash: content_hash, size });
                }
            }
        }
    }

    /// Leaves once every batch that waits stands in the store, or after a while.
    fn leave_when_stored(&self) {
        if self.is_leaving.replace(true) {
            return;
        }
        let Some(runtime) = self.me.upgrade() else { return };
        spawn_local(async move {
            // The batches of this very step were handed over before this runs.
            let began = browser::clock_ms();
            while runtime.unstored.get() > 0 && browser::clock_ms() - began < LEAVE_WITHIN_MS as f64 {
                browser::sleep(20).await;
            }
            runtime.listener.session_lost();
        });
    }

    /// Performs one call; its answer is the next event.
    fn ask(&self, call: impl Future<Output = Event> + 'static) {
        let Some(runtime) = self.me.upgrade() else { return };
        spawn_local(async move {
            let answer = call.await;
            // Reading a long answer was one task, what becomes of it is another.
            browser::turn().await;
            runtime.handle(answer);
        });
    }

    fn push(&self, call: CallId, mut request: PushRequest, contents: Vec<OperationId>) {
        let Some(runtime) = self.me.upgrade() else { return };
        spawn_local(async move {
            let mut result = Err(CallError::Unreachable);
            match runtime.fill(&mut request, contents).await {
                Ok(()) => result = api::push(&request).await,
                Err(Some(operation)) => runtime.handle(Event::ContentLost { operation }),
                Err(None) => {}
            }
            browser::turn().await;
            runtime.handle(Event::PushAnswered { call, result });
        });
    }

    /// Puts the bytes of small contents into a push. Fails with the operation whose bytes are lost, or with
    /// none where the store cannot be read.
    async fn fill(
        &self,
        request: &mut PushRequest,
        contents: Vec<OperationId>,
    ) -> Result<(), Option<OperationId>> {
        if contents.is_empty() {
            return Ok(());
        }
        let found = self.store.contents(&contents).await.map_err(|_| None)?;
        for (operation, bytes) in contents.into_iter().zip(found) {
            sync::fill_content(request, operation, &bytes.ok_or(Some(operation))?);
        }
        Ok(())
    }

    /// A content that this device holds, in the form in which it is sent again.
    async fn held_content(&self, wanted: Wanted) -> Option<NewContent> {
        let bytes = self.contents.find(wanted.hash).await?;
        if wanted.size <= PUSH_DATA_BYTES_MAX as u64 {
            let bytes = JsFuture::from(bytes.array_buffer()).await.ok()?;
            return Some(NewContent::Small(Uint8Array::new(&bytes).to_vec()));
        }
        let name = self.replica.item(wanted.item)?.item.name.clone();
        let staged = self.uploader.stage_again(name, bytes).await?;
        Some(NewContent::Upload { size: wanted.size, staged: Some(staged) })
    }

    fn set_alarm(&self, at: Timestamp) {
        let number = self.alarm.get() + 1;
        self.alarm.set(number);
        let Some(runtime) = self.me.upgrade() else { return };
        spawn_local(async move {
            browser::sleep(at.since(browser::now()).as_millis() as u64).await;
            if runtime.alarm.get() == number {
                runtime.handle(Event::Tick);
            }
        });
    }

    fn take_report(&self, report: Report) {
        match report {
            Report::Event(event) => self.handle(*event),
            Report::Changed => self.replica.redraw(Due { uploads: true, ..Due::default() }),
            Report::Say(text) => self.say(text),
        }
    }

    /// What the engine has to say. Conflicts speak for themselves: the question is put where one is.
    fn tell(&self, notice: &Notice) {
        match notice {
            Notice::Conflict { .. } | Notice::ConflictChanged { .. } => return,
            // Told by the server's list of activity as well.
            Notice::Renamed { .. }
            | Notice::Merged { .. }
            | Notice::PlacedElsewhere { .. }
            | Notice::CameBack { .. } => {}
            Notice::Refused { .. } | Notice::Lost { .. } | Notice::ZoneRemoved | Notice::StorageFailed => {
                let (store, notice) =
                    (self.store.clone(), KeptNotice { at: browser::now(), text: notice.to_string() });
                // What cannot be kept is said all the same.
                spawn_local(async move { drop(store.keep_notice(notice).await) });
            }
        }
        self.say(notice.to_string());
    }

    pub fn say(&self, text: String) {
        self.listener.said(&text);
        self.replica.screen.say(text);
    }

    fn refresh(&self, due: Due) {
        let screen = &self.replica.screen;
        if due.tree {
            self.contents.look_again(&self.replica);
        }
        if due.queue {
            let summary = self.replica.summary();
            if summary.online && !self.was_online.replace(summary.online) {
                self.contents.look_again(&self.replica);
            }
            self.was_online.set(summary.online);
            screen.summary.set(summary);
        }
        if due.uploads || due.queue {
            self.show_uploads();
            if let Some(runtime) = self.me.upgrade() {
                self.listener.redrawn(&runtime);
            }
        }
    }

    /// Of thousands of uploads not every frame tells.
    fn show_uploads(&self) {
        let since_ms = browser::clock_ms() - self.uploads_shown_ms.get();
        if self.uploader.len() < MANY_UPLOADS || since_ms >= MANY_UPLOADS_PACE_MS {
            self.uploads_shown_ms.set(browser::clock_ms());
            self.uploader.follow_queue(|operation| self.replica.queue_state(operation));
            self.replica.screen.uploads.set(self.uploader.views());
            return;
        }
        if self.is_show_due.replace(true) {
            return;
        }
        let runtime = self.me.clone();
        spawn_local(async move {
            browser::sleep((MANY_UPLOADS_PACE_MS - since_ms).ceil() as u64).await;
            if let Some(runtime) = runtime.upgrade() {
                runtime.is_show_due.set(false);
                runtime.replica.redraw(Due { uploads: true, ..Due::default() });
            }
        });
    }
}

/// Contents of a restored server that are looked for at a time.
const LOOKS_AT_ONCE: usize = 4;

/// Answers the engine, content by content, whether this device still holds what the server lost.
async fn look_for_lost(runtime: Weak<Runtime>, lost: UnboundedReceiver<Wanted>) {
    lost.for_each_concurrent(LOOKS_AT_ONCE, async |wanted| {
        let Some(runtime) = runtime.upgrade() else { return };
        let content = runtime.held_content(wanted).await;
        runtime.handle(Event::ContentFound { item: wanted.item, content });
    })
    .await;
}

/// Stores one batch after the other. After a failure, those that wait are dropped: the engine gives them
/// again.
async fn persist(runtime: Rc<Runtime>, mut queue: UnboundedReceiver<Arc<StoreBatch>>) {
    while let Some(batch) = queue.next().await {
        if runtime.is_stopped.get() {
            return;
        }
        if runtime.store.apply(&batch).await.is_ok() {
            runtime.unstored.set(runtime.unstored.get().saturating_sub(1));
            runtime.stored(&batch);
        } else {
            while let Ok(_dropped) = queue.try_recv() {}
            runtime.unstored.set(0);
            runtime.handle(Event::PersistFailed(batch.id));
        }
    }
}
