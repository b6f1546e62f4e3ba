//! A replica that only shows what another one stored, with what was asked here on top until that one did it.

use shared::sync::ZoneState;
use shared::{ItemId, OperationId, Timestamp};

use super::{Engine, disk::Disk};
use crate::effect::Changes;
use crate::outbox::Queued;
use crate::store::{Meta, StoreDelta};

impl Engine {
    /// Takes in what the driving replica stored, in the order in which it did; twice does no harm. What was
    /// run here is taken back first: the caller runs again whatever is not done yet.
    pub fn follow(&mut self, now: Timestamp, delta: StoreDelta) -> Changes {
        self.now = now;
        self.take_back_own();
        if let Some(meta) = delta.meta {
            self.follow_meta(meta);
        }
        for item in delta.put_items {
            let id = item.id;
            self.part_joined(id);
            let node = self.tree.node(item);
            self.tree.set_remote(id, Some(node));
            self.refold(id);
        }
        for id in delta.delete_items {
            self.tree.set_remote(id, None);
            self.refold(id);
        }
        for id in delta.delete_operations {
            self.take_out(id);
        }
        for operation in delta.put_operations {
            self.take_out(operation.id);
            let item = self.resolve(operation.item_id);
            self.outbox.insert(item, Queued::loaded(operation));
            self.refold(item);
        }
        for conflict in delta.put_conflicts {
            self.put_conflict(conflict);
        }
        for id in delta.delete_conflicts {
            self.drop_conflict(id);
        }
        self.reblock();
        self.suppress_cycles();
        // Another one stores it.
        self.disk = Disk::default();
        self.told = self.summary();
        self.tree.changes.queue = true;
        std::mem::take(&mut self.tree.changes)
    }

    fn follow_meta(&mut self, meta: Meta) {
        for zone in &meta.zones {
            match zone.state {
                ZoneState::Active if self.tree.is_root(zone.root_id) => {}
                ZoneState::Active => {
                    self.tree.set_root(zone.root_id, zone.zone_id);
                    self.tree.changes.everything = true;
                    self.refold_all();
                }
                ZoneState::Removed => {
                    self.tree.remove_root(zone.root_id);
                    self.tree.changes.everything = true;
                }
            }
        }
        for (old, new) in &meta.aliases {
            if self.aliases.insert(*old, *new) != Some(*new) {
                self.outbox.refile(*old, *new);
                for item in self.concerned_by(*old, *new) {
                    self.refold(item);
                }
                self.tree.changes.renumbered.push((*old, *new));
            }
        }
        self.meta = meta;
    }

    /// Undoes what was run here: nothing that was stored has been sent from here.
    fn take_back_own(&mut self) {
        let own: Vec<OperationId> =
            self.outbox.iter().filter(|queued| !queued.sent).map(|queued| queued.op.id).collect();
        let items: Vec<ItemId> = own.iter().filter_map(|id| self.take_out(*id)).collect();
        if !items.is_empty() {
            self.reblock();
        }
    }

    fn take_out(&mut self, id: OperationId) -> Option<ItemId> {
        let item = self.resolve(self.outbox.get(id)?.op.item_id);
        self.outbox.remove(item, id)?;
        self.refold(item);
        Some(item)
    }
}
