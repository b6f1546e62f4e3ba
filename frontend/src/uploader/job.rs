//! One upload, as far as it has come.

use std::cell::{Cell, RefCell};

use app::ports::{UploadState, UploadView};
use shared::{ItemId, OperationId, UploadId};

use super::meter::Meter;
use super::switch::{Switch, Wanted};
use crate::browser;
use crate::store::UploadRecord;

pub struct Job {
    /// A new one when a person tries a refused upload again.
    pub operation: Cell<OperationId>,
    pub parent: ItemId,
    pub record: RefCell<UploadRecord>,
    pub switch: Switch,
    /// Whether a task works on it.
    pub is_running: Cell<bool>,
    /// Whether a completion was sent and its answer never came.
    pub is_in_doubt: Cell<bool>,
    pub session: Cell<Option<UploadId>>,
    progress: RefCell<Progress>,
}

struct Progress {
    state: UploadState,
    /// What it is when a pause ends.
    resumes_as: UploadState,
    sent_bytes: u64,
    /// What the server already had.
    skipped_bytes: u64,
    meter: Meter,
}

impl Job {
    pub fn new(operation: OperationId, parent: ItemId, record: UploadRecord) -> Self {
        let switch = Switch::default();
        if record.is_paused {
            switch.set(Wanted::Paused);
        }
        let state = if record.is_paused { UploadState::Paused } else { UploadState::Queued };
        let progress = Progress {
            state,
            resumes_as: UploadState::Queued,
            sent_bytes: 0,
            skipped_bytes: 0,
            meter: Meter::default(),
        };
        Self {
            operation: Cell::new(operation),
            parent,
            record: RefCell::new(record),
            switch,
            is_running: Cell::new(false),
            is_in_doubt: Cell::new(false),
            session: Cell::new(None),
            progress: RefCell::new(progress),
        }
    }

    pub fn staged(&self) -> String {
        self.record.borrow().staged.clone()
    }

    /// Whether it is still needed after a cancel: to end, or to find out whether it was completed.
    pub fn is_at_work(&self) -> bool {
        self.is_running.get() || self.is_in_doubt.get() && self.switch.wanted() == Wanted::Cancelled
    }

    pub fn state(&self) -> UploadState {
        self.progress.borrow().state.clone()
    }

    /// Moves on to `state`; the speed is measured while bytes are under way only. Work that a pause still
    /// lets run does not look like work.
    pub fn enter(&self, state: UploadState) {
        let mut progress = self.progress.borrow_mut();
        match state {
            UploadState::Uploading => progress.meter.start(browser::clock_ms()),
            _ => progress.meter.stop(),
        }
        let is_work = matches!(state, UploadState::Queued | UploadState::Hashing | UploadState::Uploading);
        if is_work && self.switch.wanted() == Wanted::Paused {
            progress.resumes_as = state;
        } else {
            progress.state = state;
        }
    }

    pub fn pause(&self) {
        self.switch.set(Wanted::Paused);
        self.record.borrow_mut().is_paused = true;
        let before = self.state();
        self.progress.borrow_mut().resumes_as = before;
        self.enter(UploadState::Paused);
    }

    pub fn resume(&self) {
        self.switch.set(Wanted::Running);
        self.record.borrow_mut().is_paused = false;
        let state = self.progress.borrow().resumes_as.clone();
        self.enter(state);
    }

    /// A session begins, or begins again: what it does not miss, the server has.
    pub fn begin_session(&self, missing_bytes: u64) {
        let size = self.record.borrow().size;
        let mut progress = self.progress.borrow_mut();
        let present = size.saturating_sub(missing_bytes);
        progress.skipped_bytes = present.saturating_sub(progress.sent_bytes);
        progress.sent_bytes = present - progress.skipped_bytes;
    }

    pub fn add_sent(&self, bytes: u64) {
        let mut progress = self.progress.borrow_mut();
        progress.sent_bytes += bytes;
        progress.meter.add(bytes, browser::clock_ms());
    }

    pub fn view(&self) -> UploadView {
        let (record, progress) = (self.record.borrow(), self.progress.borrow());
        let bytes_left = record.size.saturating_sub(progress.sent_bytes + progress.skipped_bytes);
        UploadView {
            operation_id: self.operation.get(),
            name: record.name.clone(),
            parent_id: self.parent,
            group: record.group.clone(),
            total_bytes: record.size,
            sent_bytes: progress.sent_bytes,
            skipped_bytes: progress.skipped_bytes,
            bytes_per_second: progress.meter.bytes_per_second(),
            seconds_left: progress.meter.seconds_left(bytes_left),
            state: progress.state.clone(),
        }
    }
}
