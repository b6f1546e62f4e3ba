//! One device: a real engine over a memory store, and the driver that a browser would be. What was not
//! handed through to the store dies with a crash; bytes of large files and the cache stay.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use shared::{ContentHash, DeviceId, ItemId, OperationId, Timestamp};
use sync::{BatchId, Command, EditBase, Engine, Event, MemoryStore, Meta, Snapshot, StoreBatch, UploadOrder};

use crate::chance::seed_of;

/// Bytes of a chunk here: small, so that a file has several.
pub const CHUNK_BYTES: usize = 24;

/// An upload under way.
#[derive(Clone, Debug)]
pub struct Upload {
    pub order: UploadOrder,
    /// Chunks that were sent and not answered yet.
    pub open_chunks: BTreeSet<u32>,
    /// Whether the server may have been asked to complete it.
    pub completing: bool,
    /// Answers to an earlier attempt are nobody's.
    pub attempt: u64,
}

/// An editor that was opened on a file.
#[derive(Clone, Debug)]
pub struct Editor {
    pub item: ItemId,
    pub base: EditBase,
    /// What it showed.
    pub seen: Option<ContentHash>,
}

pub struct Client {
    pub device: DeviceId,
    pub engine: Engine,
    pub store: MemoryStore,
    /// Batches that the store did not take yet.
    pub unstored: VecDeque<Arc<StoreBatch>>,
    pub slow: bool,
    /// How many batches the store will still refuse.
    pub full: u8,
    /// It refused one, and the engine does not know yet.
    pub refusing: bool,
    pub offline: bool,
    pub signed_out: bool,
    pub wake_at: Option<Timestamp>,
    /// How far its clock is off, in milliseconds.
    pub clock_off_ms: i64,
    pub uploads: BTreeMap<OperationId, Upload>,
    /// Bytes of large files, by the name they were staged under.
    pub staged: BTreeMap<String, Vec<u8>>,
    /// Contents whose bytes the device holds.
    pub cache: BTreeMap<ContentHash, Vec<u8>>,
    pub undo: Vec<Command>,
    pub editor: Option<Editor>,
    /// How often the program was started.
    pub run: u64,
    attempts: u64,
    seed: u64,
}

impl Client {
    pub fn new(device: DeviceId, root: ItemId, seed: u64, now: Timestamp) -> Self {
        // What the device is stands in its store before anything else.
        let meta = Meta::new(device, root);
        let store = MemoryStore::new();
        store.apply_now(&StoreBatch { meta: Some(meta.clone()), ..StoreBatch::default() });
        let engine = Engine::open(Snapshot::empty(meta), seed_of(seed, 0), now);
        Self {
            device,
            engine,
            store,
            unstored: VecDeque::new(),
            slow: false,
            full: 0,
            refusing: false,
            offline: false,
            signed_out: false,
            wake_at: None,
            clock_off_ms: 0,
            uploads: BTreeMap::new(),
            staged: BTreeMap::new(),
            cache: BTreeMap::new(),
            undo: Vec::new(),
            editor: None,
            run: 0,
            attempts: 0,
            seed,
        }
    }

    /// What the device's clock shows.
    pub fn clock(&self, now: Timestamp) -> Timestamp {
        Timestamp::from_millis(now.as_millis() + self.clock_off_ms)
    }

    /// The program ends at once and starts again from what the store holds.
    pub fn restart(&mut self, root: ItemId, now: Timestamp, run: u64) {
        self.run = run;
        self.unstored.clear();
        self.slow = false;
        self.full = 0;
        self.refusing = false;
        self.wake_at = None;
        self.uploads.clear();
        self.undo.clear();
        self.editor = None;
        let snapshot = self.stored(root);
        self.engine = Engine::open(snapshot, seed_of(self.seed, self.run), self.clock(now));
    }

    fn stored(&self, root: ItemId) -> Snapshot {
        self.store.load_now().unwrap_or_else(|| Snapshot::empty(Meta::new(self.device, root)))
    }

    /// What a restart would show, without one.
    pub fn reopened(&self, root: ItemId, now: Timestamp) -> Engine {
        Engine::open(self.stored(root), [9; 32], self.clock(now))
    }

    /// Goes on under another device's id, with all that waits.
    pub fn rename(&mut self, device: DeviceId, root: ItemId) {
        self.device = device;
        let meta = Meta { device_id: device, ..self.stored(root).meta };
        self.store.apply_now(&StoreBatch { meta: Some(meta), ..StoreBatch::default() });
    }

    pub fn begin_upload(&mut self, order: UploadOrder) -> u64 {
        self.attempts += 1;
        let attempt = self.attempts;
        let id = order.operation_id;
        let upload = Upload { order, open_chunks: BTreeSet::new(), completing: false, attempt };
        self.uploads.insert(id, upload);
        attempt
    }

    /// The store takes one batch, or refuses it. What to tell the engine.
    pub fn store_one(&mut self) -> Option<(Event, Option<Arc<StoreBatch>>)> {
        let batch = self.unstored.pop_front()?;
        if self.full > 0 {
            self.full -= 1;
            self.refusing = true;
            // Whatever waits behind it comes again with it.
            self.unstored.clear();
            return Some((Event::PersistFailed(batch.id), None));
        }
        self.store.apply_now(&batch);
        Some((Event::Persisted(batch.id), Some(batch)))
    }

    /// Whether its store took all that its engine did, and nothing was refused.
    pub fn holds_all(&self) -> bool {
        let summary = self.engine.summary();
        self.unstored.is_empty() && !self.refusing && !summary.storage_failed && summary.failed == 0
    }

    pub fn bytes_of(&self, upload: &UploadOrder) -> Option<&Vec<u8>> {
        self.staged.get(upload.staged.as_ref()?)
    }
}

/// The order in which batches are made, for the trace.
pub fn number(batch: BatchId) -> u64 {
    batch.0
}
