//! The page's end of the hashing worker: files out, manifests back.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use futures::channel::oneshot;
use js_sys::{Array, Uint8Array};
use shared::content::Manifest;
use wasm_bindgen::prelude::*;
use web_sys::{Blob, MessageEvent, Worker, WorkerOptions, WorkerType};

use super::cutter::{self, CutError, Cuts};
use crate::browser;

/// The small module that loads this same WASM in a worker.
const WORKER: &str = "worker.js";

thread_local! {
    static CODE_FOLDER: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Tells where the app's code is; before anything is hashed.
pub fn set_code_folder(folder: &str) {
    CODE_FOLDER.replace(folder.to_owned());
}

/// Messages between the page and the worker are arrays: what it is, the job's number, and a value.
pub(super) mod message {
    pub const CUT_BY_CONTENT: &str = "cut by content";
    pub const CUT_BY_SIZE: &str = "cut by size";
    pub const CANCEL: &str = "cancel";
    pub const READ: &str = "read";
    pub const DONE: &str = "done";
    pub const CANCELLED: &str = "cancelled";
    pub const UNREADABLE: &str = "unreadable";
}

struct Job {
    on_read: Box<dyn Fn(u64) -> ControlFlow<()>>,
    done: oneshot::Sender<Result<Manifest, CutError>>,
}

type Jobs = Rc<RefCell<HashMap<u32, Job>>>;

/// Cuts and hashes one file after the other, beside the page's own thread.
pub struct Hasher {
    /// None where workers are not to be had: then the page does it.
    worker: RefCell<Option<Worker>>,
    jobs: Jobs,
    next_job: Cell<u32>,
}

impl Hasher {
    pub fn start() -> Rc<Self> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = CODE_FOLDER
            .with_borrow(|folder| Worker::new_with_options(&format!("{folder}{WORKER}"), &options).ok());
        let hasher =
            Rc::new(Self { worker: RefCell::new(worker), jobs: Jobs::default(), next_job: Cell::new(0) });
        if let Some(worker) = &*hasher.worker.borrow() {
            let (jobs, answers_to) = (hasher.jobs.clone(), worker.clone());
            browser::listen(worker, "message", move |event| {
                if let Some(event) = event.dyn_ref::<MessageEvent>() {
                    take(&jobs, &event.data().unchecked_into(), &answers_to);
                }
            });
            let weak = Rc::downgrade(&hasher);
            browser::listen(worker, "error", move |_| {
                if let Some(hasher) = weak.upgrade() {
                    // Whoever waits sees its sender go and does the work here.
                    hasher.worker.borrow_mut().take();
                    hasher.jobs.borrow_mut().clear();
                }
            });
        }
        hasher
    }

    /// The manifest of `file`. `on_read` hears how many bytes each step took, and may end it.
    pub async fn manifest(
        &self,
        file: &Blob,
        cuts: Cuts,
        on_read: impl Fn(u64) -> ControlFlow<()> + Clone + 'static,
    ) -> Result<Manifest, CutError> {
        if let Some(running) = self.send(file, cuts, on_read.clone())
            && let Ok(result) = running.await
        {
            return result;
        }
        Manifest::new(cutter::cut(file, cuts, on_read).await?).map_err(|_| CutError::Unreadable)
    }

    fn send(
        &self,
        file: &Blob,
        cuts: Cuts,
        on_read: impl Fn(u64) -> ControlFlow<()> + 'static,
    ) -> Option<oneshot::Receiver<Result<Manifest, CutError>>> {
        let id = self.next_job.replace(self.next_job.get() + 1);
        let worker = self.worker.borrow();
        let kind = match cuts {
            Cuts::ByContent => message::CUT_BY_CONTENT,
            Cuts::EverySize => message::CUT_BY_SIZE,
        };
        let message = Array::of3(&kind.into(), &id.into(), file);
        worker.as_ref()?.post_message(&message).ok()?;
        let (done, result) = oneshot::channel();
        self.jobs.borrow_mut().insert(id, Job { on_read: Box::new(on_read), done });
        Some(result)
    }
}

impl Drop for Hasher {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.get_mut().take() {
            worker.terminate();
        }
    }
}

/// Takes what the worker says.
fn take(jobs: &Jobs, message: &Array, worker: &Worker) {
    let Some(id) = message.get(1).as_f64().map(|id| id as u32) else { return };
    let kind = message.get(0).as_string().unwrap_or_default();
    if kind == message::READ {
        let bytes = message.get(2).as_f64().unwrap_or(0.0) as u64;
        let unwanted = jobs.borrow().get(&id).is_some_and(|job| (job.on_read)(bytes).is_break());
        if unwanted {
            // A worker that is gone needs no telling.
            let _ = worker.post_message(&Array::of2(&message::CANCEL.into(), &id.into()));
        }
        return;
    }
    let result = match kind.as_str() {
        message::DONE => {
            let packed = Uint8Array::new(&message.get(2)).to_vec();
            Manifest::unpack(&packed).ok_or(CutError::Unreadable)
        }
        message::CANCELLED => Err(CutError::Cancelled),
        _ => Err(CutError::Unreadable),
    };
    let job = jobs.borrow_mut().remove(&id);
    if let Some(job) = job {
        // The upload may have been cancelled and gone.
        let _ = job.done.send(result);
    }
}
