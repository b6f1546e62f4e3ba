//! What goes into the store, and what may leave the device once it is there.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use shared::{ConflictId, ItemId, OperationId, Timestamp};

use super::network::backoff_max;
use super::{Effect, Engine, Notice};
use crate::store::{BatchId, StoreBatch};

/// Keys of records that changed since the last batch: their present state goes into the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Draft {
    pub(super) items: BTreeSet<ItemId>,
    pub(super) operations: BTreeSet<OperationId>,
    pub(super) conflicts: BTreeSet<ConflictId>,
    pub(super) contents: Vec<(OperationId, Vec<u8>)>,
    pub(super) moved_contents: Vec<(OperationId, OperationId)>,
    pub(super) copied_contents: Vec<(OperationId, OperationId)>,
    pub(super) meta: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Disk {
    pub(super) draft: Draft,
    made: u64,
    pub(super) persisted: BatchId,
    /// Not yet known to be stored, in order.
    waiting: VecDeque<Arc<StoreBatch>>,
    failures: u32,
    /// The store refused: when all that waits is handed over again.
    pub(super) retry_at: Option<Timestamp>,
    acknowledged: Option<String>,
}

impl Disk {
    pub(super) fn failed(&self) -> bool {
        self.retry_at.is_some()
    }

    /// Whether the store has not answered for everything yet.
    pub(super) fn is_storing(&self) -> bool {
        !self.waiting.is_empty()
    }
}

impl Engine {
    /// Makes one batch of everything that changed.
    pub(super) fn flush(&mut self) {
        let draft = std::mem::take(&mut self.disk.draft);
        let mut batch = StoreBatch { put_contents: draft.contents, ..StoreBatch::default() };
        batch.move_contents = draft.moved_contents;
        batch.copy_contents = draft.copied_contents;
        for id in draft.items {
            match self.tree.stored(id) {
                Some(item) => batch.put_items.push(item),
                None => batch.delete_items.push(id),
            }
        }
        let number = BatchId(self.disk.made + 1);
        for id in draft.operations {
            match self.outbox.get_mut(id) {
                Some(queued) => {
                    queued.saved_in = number;
                    batch.put_operations.push(queued.op.clone());
                }
                None => batch.delete_operations.push(id),
            }
        }
        for id in draft.conflicts {
            match self.conflicts.get(&id) {
                Some(conflict) => batch.put_conflicts.push(conflict.clone()),
                None => batch.delete_conflicts.push(id),
            }
        }
        batch.meta = draft.meta.then(|| self.meta.clone());
        if batch.is_empty() {
            return;
        }
        batch.id = number;
        self.disk.made = number.0;
        let batch = Arc::new(batch);
        self.disk.waiting.push_back(Arc::clone(&batch));
        if !self.disk.failed() {
            self.out.push(Effect::Persist(batch));
        }
    }

    pub(super) fn persisted(&mut self, batch: BatchId) {
        self.disk.persisted = self.disk.persisted.max(batch);
        while self.disk.waiting.front().is_some_and(|waiting| waiting.id <= batch) {
            self.disk.waiting.pop_front();
        }
        self.disk.failures = 0;
        if self.disk.waiting.is_empty() {
            self.disk.retry_at = None;
            self.acknowledge();
        }
    }

    /// Tells the server how far this device has come, once that stands in the store.
    fn acknowledge(&mut self) {
        if !self.net.socket || self.meta.sync_token == self.disk.acknowledged {
            return;
        }
        self.disk.acknowledged.clone_from(&self.meta.sync_token);
        if let Some(sync_token) = self.meta.sync_token.clone() {
            self.out.push(Effect::Acknowledge { sync_token });
        }
    }

    pub(super) fn persist_failed(&mut self) {
        if self.disk.waiting.is_empty() {
            return;
        }
        if !self.disk.failed() {
            self.notify(Notice::StorageFailed);
        }
        self.disk.failures += 1;
        let wait = self.chance.jittered(backoff_max(self.disk.failures));
        self.disk.retry_at = Some(self.now + wait);
    }

    /// Hands over again what the store refused, in order.
    pub(super) fn store_again(&mut self) {
        if self.disk.retry_at.take().is_some() {
            self.out.extend(self.disk.waiting.iter().cloned().map(Effect::Persist));
        }
    }
}
