//! A store that forgets with the process: for tests, the simulation, and browsers that keep nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::rc::Rc;

use shared::faults::Fault;
use shared::sync::ConflictInfo;
use shared::{ConflictId, ItemId, OperationId};

use crate::store::{LocalStore, Meta, Operation, Snapshot, StoreBatch, StoredItem};

/// Clones share what is stored, as two openings of one database do.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore(Rc<RefCell<Records>>);

#[derive(Clone, Debug, Default)]
struct Records {
    meta: Option<Meta>,
    items: BTreeMap<ItemId, StoredItem>,
    operations: BTreeMap<OperationId, Operation>,
    contents: BTreeMap<OperationId, Vec<u8>>,
    conflicts: BTreeMap<ConflictId, ConflictInfo>,
}

impl MemoryStore {
    pub fn new() -> Self {
        Self::default()
    }

    /// As [`LocalStore::apply`], at once.
    pub fn apply_now(&self, batch: &StoreBatch) {
        let mut records = self.0.borrow_mut();
        for (old, new) in &batch.move_contents {
            if let Some(bytes) = records.contents.remove(old)
                && !Fault::MovedContentsAreLost.is_planted()
            {
                records.contents.insert(*new, bytes);
            }
        }
        for (whose, new) in &batch.copy_contents {
            if let Some(bytes) = records.contents.get(whose).cloned() {
                records.contents.insert(*new, bytes);
            }
        }
        if batch.delete_items.is_empty() || !Fault::StoreDropsContents.is_planted() {
            records.contents.extend(batch.put_contents.iter().cloned());
        }
        for id in batch.delete_items.iter().filter(|_| !Fault::StoreKeepsItems.is_planted()) {
            records.items.remove(id);
        }
        for id in &batch.delete_operations {
            records.operations.remove(id);
            records.contents.remove(id);
        }
        for id in &batch.delete_conflicts {
            records.conflicts.remove(id);
        }
        records.items.extend(batch.put_items.iter().map(|item| (item.id, item.clone())));
        records.operations.extend(batch.put_operations.iter().map(|op| (op.id, op.clone())));
        records.conflicts.extend(batch.put_conflicts.iter().map(|conflict| (conflict.id, conflict.clone())));
        if let Some(meta) = &batch.meta {
            records.meta = Some(meta.clone());
        }
    }

    /// As [`LocalStore::load`], at once.
    pub fn load_now(&self) -> Option<Snapshot> {
        let records = self.0.borrow();
        Some(Snapshot {
            meta: records.meta.clone()?,
            items: records.items.values().cloned().collect(),
            operations: records.operations.values().cloned().collect(),
            conflicts: records.conflicts.values().cloned().collect(),
        })
    }

    /// As [`LocalStore::content`], at once.
    pub fn content_now(&self, operation: OperationId) -> Option<Vec<u8>> {
        self.0.borrow().contents.get(&operation).cloned()
    }

    /// The operations whose bytes are held.
    pub fn contents_now(&self) -> Vec<OperationId> {
        self.0.borrow().contents.keys().copied().collect()
    }
}

impl LocalStore for MemoryStore {
    type Error = Infallible;

    async fn apply(&self, batch: &StoreBatch) -> Result<(), Infallible> {
        self.apply_now(batch);
        Ok(())
    }

    async fn load(&self) -> Result<Option<Snapshot>, Infallible> {
        Ok(self.load_now())
    }

    async fn content(&self, operation: OperationId) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.content_now(operation))
    }

    async fn clear(&self) -> Result<(), Infallible> {
        *self.0.borrow_mut() = Records::default();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    use super::*;

    /// Nothing in memory ever waits.
    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("a memory store does not wait"),
        }
    }

    #[test]
    fn keeps_the_contract_of_stores() {
        for (name, run) in crate::conformance::checks::<MemoryStore>() {
            let store = MemoryStore::new();
            ready(run(
                store.clone(),
                Box::new(move || {
                    let store = store.clone();
                    Box::pin(async move { store })
                }),
            ));
            println!("{name}: kept");
        }
    }
}
