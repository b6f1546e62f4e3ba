//! Uploads by chunks: what the engine ordered, as far as it has come, and what the panel shows of it.
//!
//! The engine owns the operation: it survives reloads in the outbox and is ordered again and again until
//! it is done or refused. This owns the bytes: where they are, how they are cut, and how fast they go.

mod job;
mod lanes;
mod meter;
mod pace;
mod source;
mod switch;
mod transfer;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use app::ports::{UploadControl, UploadState, UploadView};
use app::words;
use futures::channel::oneshot;
use js_sys::Array;
use shared::{ItemId, OperationId};
use sync::{CallError, Event, QueueState, UploadError, UploadOrder};
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, File};

pub use self::job::Job;
use self::lanes::Lanes;
pub use self::source::staged_file;
use self::source::{Ask, Sources};
use self::switch::Wanted;
use self::transfer::Stop;
use crate::api;
use crate::browser;
use crate::contents::Contents;
use crate::hashing::{Cuts, Hasher};
use crate::later;
use crate::store::{IndexedDbStore, UploadRecord};

/// Files that are cut or sent at a time; the chunks in flight are counted by the lanes.
const FILES_AT_ONCE: usize = 4;

/// Uploads by the name of their bytes, which outlives the operation's id.
type Jobs = Rc<RefCell<BTreeMap<String, Rc<Job>>>>;

/// What the uploader tells the runtime.
pub enum Report {
    /// For the engine.
    Event(Box<Event>),
    /// The views differ.
    Changed,
    /// A word for the person.
    Say(String),
}

pub struct Uploader {
    store: Rc<IndexedDbStore>,
    contents: Rc<Contents>,
    hasher: Rc<Hasher>,
    lanes: Rc<Lanes>,
    sources: Rc<Sources>,
    jobs: Jobs,
    /// Small files, which travel in pushes: the panel shows them like the others.
    small: RefCell<BTreeMap<OperationId, UploadView>>,
    at_work: Cell<usize>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
    report: Box<dyn Fn(Report)>,
}

/// Keeps bytes that are no file of the person's, for the upload that is about to be queued.
pub async fn stage_bytes(folder: &str, record: &UploadRecord, bytes: &[u8]) -> Option<()> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    let file = File::new_with_u8_array_sequence(&parts, &record.name).ok()?;
    crate::opfs::keep(folder, &record.staged, &file).await.ok()
}

impl Uploader {
    pub fn new(
        store: Rc<IndexedDbStore>,
        contents: Rc<Contents>,
        report: impl Fn(Report) + 'static,
    ) -> Rc<Self> {
        Rc::new(Self {
            sources: Rc::new(Sources::new(store.clone())),
            store,
            contents,
            hasher: Hasher::start(),
            lanes: Rc::default(),
            jobs: Jobs::default(),
            small: RefCell::default(),
            at_work: Cell::new(0),
            waiting: RefCell::default(),
            report: Box::new(report),
        })
    }

    /// Holds a file's bytes for the operation that is about to be queued, across a reload if the browser
    /// can. One that has to wait for the server is copied, so that the tab may be closed.
    pub async fn hold(
        &self,
        record: &UploadRecord,
        file: File,
        handle: Option<wasm_bindgen::JsValue>,
        has_to_wait: bool,
    ) {
        self.sources.hold(&record.staged, file);
        // What cannot be stored is asked for again after a reload.
        let _ = self.store.put_upload(record).await;
        if let Some(handle) = handle {
            let _ = self.store.put_handle(&record.staged, &handle).await;
        } else if has_to_wait {
            self.stage(&record.staged);
        }
    }

    /// Returns when a held file would be there after a reload, if the browser can.
    pub async fn keep_copy(&self, staged: &str) {
        self.sources.stage(staged).await;
    }

    /// The operation of a held file stands in the outbox.
    pub fn queued(&self, operation: OperationId, parent: ItemId, record: UploadRecord) {
        self.jobs.borrow_mut().insert(record.staged.clone(), Rc::new(Job::new(operation, parent, record)));
        self.publish();
    }

    /// A small file's operation stands in the outbox.
    pub fn queued_small(&self, view: UploadView) {
        self.small.borrow_mut().insert(view.operation_id, view);
        self.publish();
    }

    /// The engine orders an upload, for the first time or again.
    pub fn start(self: &Rc<Self>, order: UploadOrder) {
        let uploader = self.clone();
        spawn_local(async move {
            let operation = order.operation_id;
            let result = match uploader.job_for(&order).await {
                Some(job) => {
                    job.is_running.set(true);
                    (later::here().await.send)(uploader.clone(), job, order).await
                }
                None => Err(UploadError::ContentLost),
            };
            (uploader.report)(Report::Event(Box::new(Event::UploadFinished { operation, result })));
        });
    }

    /// The engine no longer wants it.
    pub fn cancel(self: &Rc<Self>, operation: OperationId) {
        let Some(job) = self.job(operation) else {
            // Nothing of it was begun here.
            let result = Err(UploadError::Cancelled);
            return (self.report)(Report::Event(Box::new(Event::UploadFinished { operation, result })));
        };
        job.switch.set(Wanted::Cancelled);
        // One that may have been completed is asked about when the engine orders it next.
        if !job.is_running.get() && !job.is_in_doubt.get() {
            self.forget(&job.staged());
            self.drop_view(operation);
            let result = Err(UploadError::Cancelled);
            (self.report)(Report::Event(Box::new(Event::UploadFinished { operation, result })));
        }
    }

    /// What a person does on the panel. What the engine has to decide goes to it.
    pub fn control(self: &Rc<Self>, operation: OperationId, control: UploadControl) {
        let job = self.job(operation);
        match (control, &job) {
            (UploadControl::Pause, Some(job)) => {
                job.pause();
                self.keep(job);
            }
            (UploadControl::Resume | UploadControl::Retry, Some(job))
                if job.state() == UploadState::NeedsFile =>
            {
                self.ask_for_file(job);
            }
            (UploadControl::Resume, Some(job)) => {
                job.resume();
                self.keep(job);
            }
            (UploadControl::Retry, _) => match job.map(|job| job.state()) {
                Some(UploadState::Waiting { .. }) => (self.report)(Report::Event(Box::new(Event::RetryNow))),
                _ => (self.report)(Report::Event(Box::new(Event::Retry { operation }))),
            },
            (UploadControl::Cancel, _) => {
                (self.report)(Report::Event(Box::new(Event::Discard { operation })));
                if let Some(job) = job.filter(|job| !job.is_at_work()) {
                    self.forget(&job.staged());
                }
                self.drop_view(operation);
            }
            (UploadControl::Dismiss, _) => self.drop_view(operation),
            // What is small goes in one piece, and is offered neither.
            (UploadControl::Pause | UploadControl::Resume, None) => {}
        }
        self.publish();
    }

    /// The file again, from the person; taken only if it is the one that was chosen.
    pub fn supply(self: &Rc<Self>, operation: OperationId, file: File) {
        let Some(job) = self.job(operation) else { return };
        let uploader = self.clone();
        spawn_local(async move {
            if uploader.is_chosen_one(&job, &file).await {
                uploader.sources.hold(&job.staged(), file);
                job.switch.set(Wanted::Running);
                uploader.enter(&job, UploadState::Queued);
            } else {
                let name = job.record.borrow().name.clone();
                (uploader.report)(Report::Say(words::other_file(&name)));
            }
        });
    }

    /// Takes over what the engine says of its queue: what is gone from it is done.
    pub fn follow_queue(&self, state_of: impl Fn(OperationId) -> Option<QueueState>) {
        let mut small = self.small.borrow_mut();
        for (operation, view) in small.iter_mut().filter(|(_, view)| view.state != UploadState::Done) {
            view.state = match state_of(*operation) {
                None => {
                    view.sent_bytes = view.total_bytes;
                    UploadState::Done
                }
                Some(QueueState::Sending) => UploadState::Uploading,
                Some(state) => stalled(state),
            };
        }
        drop(small);
        for job in self.jobs.borrow().values().filter(|job| !job.is_running.get()) {
            if let Some(state) = state_of(job.operation.get())
                && job.switch.wanted() == Wanted::Running
            {
                job.enter(stalled(state));
            }
        }
    }

    /// How many uploads the panel shows.
    pub fn len(&self) -> usize {
        self.jobs.borrow().len() + self.small.borrow().len()
    }

    /// Large ones first: they take the longest. What was cancelled is gone, though it may not have ended yet.
    pub fn views(&self) -> Vec<UploadView> {
        let jobs = self.jobs.borrow();
        let wanted = jobs.values().filter(|job| job.switch.wanted() != Wanted::Cancelled);
        let mut views: Vec<UploadView> = wanted.map(|job| job.view()).collect();
        views.extend(self.small.borrow().values().cloned());
        views
    }

    pub fn publish(&self) {
        (self.report)(Report::Changed);
    }

    /// The file of an upload, if this tab holds it.
    pub fn file(&self, operation: OperationId) -> Option<File> {
        self.sources.held(&self.job(operation)?.staged())
    }

    fn enter(&self, job: &Job, state: UploadState) {
        job.enter(state);
        self.publish();
    }

    fn job(&self, operation: OperationId) -> Option<Rc<Job>> {
        self.jobs.borrow().values().find(|job| job.operation.get() == operation).cloned()
    }

    /// After a reload the job is made again from what was stored.
    async fn job_for(&self, order: &UploadOrder) -> Option<Rc<Job>> {
        let staged = order.staged.as_deref()?;
        let known = self.jobs.borrow().get(staged).cloned();
        let job = if let Some(job) = known {
            job
        } else {
            let record = self.store.upload(staged).await.ok()??;
            let job = Rc::new(Job::new(order.operation_id, order.parent_id, record));
            self.jobs.borrow_mut().entry(staged.to_owned()).or_insert(job).clone()
        };
        job.operation.set(order.operation_id);
        self.publish();
        Some(job)
    }

    pub(crate) async fn perform(
        &self,
        job: &Job,
        order: UploadOrder,
    ) -> Result<shared::upload::UploadCompleted, UploadError> {
        // One that waits for the network goes on saying so until something moves.
        if !matches!(job.state(), UploadState::Waiting { .. }) {
            self.enter(job, UploadState::Queued);
        }
        let result = match self.begin_ready(job).await {
            Ok(()) => {
                let result = transfer::run(self, job, &order).await;
                self.end_work();
                result
            }
            Err(stop) => Err(stop),
        };
        job.is_running.set(false);
        let result = match result {
            Ok(completed) => {
                self.enter(job, UploadState::Done);
                Ok(completed)
            }
            Err(Stop::Failed(error)) => {
                let state = failure(&error);
                if matches!(state, UploadState::Waiting { .. }) {
                    self.stage(&job.staged());
                }
                self.enter(job, state);
                Err(UploadError::Failed(error))
            }
            Err(Stop::Cancelled) => self.end_session(job, order.file_id).await,
        };
        if result.is_ok() {
            self.remember(job);
        } else if !matches!(result, Err(UploadError::Failed(_))) {
            self.forget(&job.staged());
        }
        self.publish();
        result
    }

    /// A cancel is certain only if the session still was there to be cancelled, or nothing was completed.
    async fn end_session(
        &self,
        job: &Job,
        file: ItemId,
    ) -> Result<shared::upload::UploadCompleted, UploadError> {
        let ended: Option<Result<(), CallError>> = match job.session.get() {
            Some(session) => Some(api::cancel_upload(file, session).await),
            None => None,
        };
        if job.is_in_doubt.get() && !matches!(ended, Some(Ok(()))) {
            return Err(UploadError::Failed(CallError::Unreachable));
        }
        self.jobs.borrow_mut().remove(&job.staged());
        Err(UploadError::Cancelled)
    }

    /// Takes a place once there is a file to send: one that is paused or not found keeps none from others.
    async fn begin_ready(&self, job: &Job) -> Result<(), Stop> {
        loop {
            transfer::find_file(self, job).await?;
            self.begin_work().await;
            if job.switch.wanted() != Wanted::Paused {
                return Ok(());
            }
            self.end_work();
        }
    }

    async fn begin_work(&self) {
        while self.at_work.get() >= FILES_AT_ONCE {
            let (free, freed) = oneshot::channel();
            self.waiting.borrow_mut().insert(0, free);
            let _ = freed.await;
        }
        self.at_work.set(self.at_work.get() + 1);
    }

    fn end_work(&self) {
        self.at_work.set(self.at_work.get() - 1);
        while let Some(next) = self.waiting.borrow_mut().pop() {
            if next.send(()).is_ok() {
                break;
            }
        }
    }

    fn keep(self: &Rc<Self>, job: &Job) {
        let (uploader, record) = (self.clone(), job.record.borrow().clone());
        spawn_local(async move {
            // A pause that is not remembered ends with the page.
            let _ = uploader.store.put_upload(&record).await;
        });
    }

    /// The bytes are not needed any more.
    fn forget(&self, staged: &str) {
        let (sources, staged) = (self.sources.clone(), staged.to_owned());
        spawn_local(async move { sources.forget(&staged).await });
    }

    /// What was sent from here stays here for a while, as if it had been seen.
    fn remember(&self, job: &Job) {
        let (contents, sources, staged) = (self.contents.clone(), self.sources.clone(), job.staged());
        let manifest = job.record.borrow().manifest.as_deref().and_then(transfer::unpack);
        spawn_local(async move {
            if let Some((file, manifest)) = sources.held(&staged).zip(manifest) {
                contents.remember(manifest.content_hash(), file.into()).await;
            }
            sources.forget(&staged).await;
        });
    }

    /// Takes a content that this device holds as a file to be sent. Answers the name of its bytes.
    pub async fn stage_again(&self, name: String, bytes: Blob) -> Option<String> {
        let file = File::new_with_blob_sequence(&Array::of1(&bytes), &name).ok()?;
        let record = UploadRecord {
            staged: browser::new_id().to_string(),
            name,
            group: None,
            size: file.size() as u64,
            modified_ms: file.last_modified() as i64,
            manifest: None,
            is_paused: false,
        };
        self.store.put_upload(&record).await.ok()?;
        self.sources.hold(&record.staged, file);
        self.sources.stage(&record.staged).await;
        Some(record.staged)
    }

    /// The upload has to wait, perhaps until after the tab was closed.
    fn stage(&self, staged: &str) {
        let (sources, staged) = (self.sources.clone(), staged.to_owned());
        spawn_local(async move { sources.stage(&staged).await });
    }

    /// In answer to a click, the browser may be asked for the file that it keeps a handle of.
    fn ask_for_file(self: &Rc<Self>, job: &Rc<Job>) {
        let (uploader, job) = (self.clone(), job.clone());
        spawn_local(async move {
            let record = job.record.borrow().clone();
            if uploader.sources.find(&record, Ask::Person).await.is_some() {
                job.switch.set(Wanted::Running);
                uploader.enter(&job, UploadState::Queued);
            }
        });
    }

    async fn is_chosen_one(&self, job: &Job, file: &File) -> bool {
        let record = job.record.borrow().clone();
        let Some(manifest) = record.manifest.as_deref().and_then(transfer::unpack) else {
            return source::is_same(file, &record);
        };
        if file.size() as u64 != record.size {
            return false;
        }
        self.enter(job, UploadState::Hashing);
        let found =
            self.hasher.manifest(file, Cuts::ByContent, |_| std::ops::ControlFlow::Continue(())).await;
        self.enter(job, UploadState::NeedsFile);
        found.is_ok_and(|found| found == manifest)
    }

    fn drop_view(&self, operation: OperationId) {
        self.small.borrow_mut().remove(&operation);
        self.jobs.borrow_mut().retain(|_, job| job.operation.get() != operation || job.is_at_work());
    }
}

/// An upload that nobody works on, by what the engine says of its operation.
fn stalled(state: QueueState) -> UploadState {
    match state {
        QueueState::Waiting { reason: Some(reason), next_try } => UploadState::Waiting { reason, next_try },
        QueueState::Sending | QueueState::Waiting { reason: None, .. } => UploadState::Queued,
        QueueState::Refused { reason } => UploadState::Failed { reason },
    }
}

fn failure(error: &CallError) -> UploadState {
    match error {
        CallError::Unreachable => {
            UploadState::Waiting { reason: words::WAITING_FOR_NETWORK.to_owned(), next_try: None }
        }
        CallError::Refused(problem) if problem.code.retryable() => {
            UploadState::Waiting { reason: problem.detail.clone(), next_try: None }
        }
        CallError::Refused(problem) => UploadState::Failed { reason: problem.detail.clone() },
    }
}
