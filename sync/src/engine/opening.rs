//! Taking up where the store left off, a part at a time: a driver has other things to do between two pages
//! of a hundred thousand items.

use std::collections::{BTreeMap, BTreeSet};

use shared::sync::{ConflictInfo, ZoneState};
use shared::{Timestamp, ZoneId};

use super::disk::Disk;
use super::network::Network;
use super::space::Space;
use super::{Engine, Queued};
use crate::chance::Chance;
use crate::outbox::Outbox;
use crate::store::{Meta, Operation, Snapshot, StoredItem};
use crate::summary::SyncSummary;
use crate::tree::Tree;

/// An engine that still takes in what was stored.
#[derive(Debug)]
pub struct Opening {
    meta: Meta,
    tree: Tree,
}

impl Opening {
    pub fn new(meta: Meta) -> Self {
        let mut tree = Tree::new();
        for zone in meta.zones.iter().filter(|zone| zone.state == ZoneState::Active) {
            tree.set_root(zone.root_id, zone.zone_id);
        }
        if !tree.is_root(meta.root_id) {
            // Its zone comes with the first page; what is created until then waits for it.
            tree.set_root(meta.root_id, ZoneId(uuid::Uuid::nil()));
        }
        Self { meta, tree }
    }

    /// Takes in one item, in any order.
    pub fn take(&mut self, item: StoredItem) {
        let id = item.id;
        let node = self.tree.node(item);
        self.tree.set_remote(id, Some(node));
        // Nobody follows yet.
        self.tree.changes = crate::Changes::default();
    }

    /// The engine, with what waits on top of the items. `seed` comes from the system's generator: operation
    /// ids are made from it, so no two runs may share one.
    pub fn finish(
        self,
        mut operations: Vec<Operation>,
        conflicts: Vec<ConflictInfo>,
        seed: [u8; 32],
        now: Timestamp,
    ) -> Engine {
        let mut engine = Engine {
            now,
            aliases: self.meta.aliases.iter().copied().collect(),
            meta: self.meta,
            tree: self.tree,
            outbox: Outbox::default(),
            conflicts: conflicts.into_iter().map(|conflict| (conflict.id, conflict)).collect(),
            purged: BTreeSet::new(),
            followers: BTreeMap::new(),
            roots: BTreeMap::new(),
            unswept: BTreeSet::new(),
            lost: BTreeSet::new(),
            absent: BTreeSet::new(),
            lost_for_good: 0,
            recheck_cycles: false,
            suppressing: false,
            chance: Chance::new(seed),
            net: Network::default(),
            space: Space::default(),
            disk: Disk::default(),
            told: SyncSummary::default(),
            out: Vec::new(),
        };
        engine.unswept = engine.tree.missing_folders();
        operations.sort_by_key(|op| (op.sequence, op.id));
        let mut last = 0;
        for mut op in operations {
            if op.sequence <= last {
                // Two tabs may once have led at a time: both operations count.
                op.sequence = last + 1;
                engine.disk.draft.operations.insert(op.id);
            }
            last = op.sequence;
            engine.outbox.insert(engine.resolve(op.item_id), Queued::loaded(op));
        }
        engine.reblock();
        engine.refold_all();
        engine.suppress_cycles();
        engine.told = engine.summary();
        engine.tree.changes = crate::Changes::default();
        engine
    }
}

impl Engine {
    /// Takes up where the store left off, in one go. Of `seed` see [`Opening::finish`].
    pub fn open(snapshot: Snapshot, seed: [u8; 32], now: Timestamp) -> Self {
        let Snapshot { meta, items, operations, conflicts } = snapshot;
        let mut opening = Opening::new(meta);
        for item in items {
            opening.take(item);
        }
        opening.finish(operations, conflicts, seed, now)
    }
}
