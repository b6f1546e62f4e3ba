//! The operations that wait, in order, and what each leans on.

use std::collections::{BTreeMap, BTreeSet};

use shared::sync::Base;
use shared::{ConflictId, ErrorCode, ItemId, OperationId};

use crate::store::{Act, BatchId, Content, Operation, OperationState};

/// The two sorts of edit, which are judged apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Content,
    Place,
    /// Not an edit of the item itself.
    Neither,
}

impl Act {
    pub(crate) fn is_create(&self) -> bool {
        matches!(self, Self::CreateFolder { .. } | Self::CreateFile { .. })
    }

    /// Whether it decides this sort of thing; a create decides both.
    pub(crate) fn touches(&self, sort: Sort) -> bool {
        match self {
            Self::CreateFolder { .. } | Self::CreateFile { .. } => sort != Sort::Neither,
            Self::SetContent { .. } => sort == Sort::Content,
            Self::Place { .. } | Self::Delete { .. } | Self::Restore { .. } | Self::Purge => {
                sort == Sort::Place
            }
            Self::Photo(_) | Self::Album { .. } | Self::Resolve { .. } => sort == Sort::Neither,
        }
    }

    /// Whether it edits the item itself.
    pub(crate) fn edits(&self) -> bool {
        !matches!(self, Self::Resolve { .. })
    }

    /// The folder that it puts its item into.
    pub(crate) fn parent(&self) -> Option<ItemId> {
        match self {
            Self::CreateFolder { parent, .. } | Self::CreateFile { parent, .. } => Some(*parent),
            Self::Place { parent, .. } | Self::Restore { parent } => *parent,
            _ => None,
        }
    }

    /// The folder that it names: the one that it puts its item into, or the album that it is about.
    pub(crate) fn folder(&self) -> Option<ItemId> {
        match self {
            Self::Album { album, .. } => Some(*album),
            _ => self.parent(),
        }
    }

    pub(crate) fn folder_mut(&mut self) -> Option<&mut ItemId> {
        match self {
            Self::CreateFolder { parent, .. } | Self::CreateFile { parent, .. } => Some(parent),
            Self::Place { parent, .. } | Self::Restore { parent } => parent.as_mut(),
            Self::Album { album, .. } => Some(album),
            _ => None,
        }
    }

    /// The content that it gives its item.
    pub fn content(&self) -> Option<&Content> {
        match self {
            Self::CreateFile { content, .. } | Self::SetContent { content, .. } => Some(content),
            _ => None,
        }
    }

    pub(crate) fn is_upload(&self) -> bool {
        matches!(self.content(), Some(Content::Upload { .. }))
    }

    pub(crate) fn conflict(&self) -> Option<ConflictId> {
        match self {
            Self::Resolve { conflict, .. } => Some(*conflict),
            _ => None,
        }
    }
}

/// An operation and what this run of the program knows of it.
#[derive(Clone, Debug)]
pub(crate) struct Queued {
    pub(crate) op: Operation,
    /// A request may have carried it, so that it must not change any more. True for whatever was loaded.
    pub(crate) sent: bool,
    /// On its way right now.
    pub(crate) in_flight: bool,
    /// Leans on a parked operation.
    pub(crate) blocked: bool,
    /// Its move would close a circle in the local tree as it is now.
    pub(crate) suppressed: bool,
    /// The batch that makes it durable.
    pub(crate) saved_in: BatchId,
    /// Why the last try failed.
    pub(crate) problem: Option<ErrorCode>,
}

impl Queued {
    pub(crate) fn is_parked(&self) -> bool {
        matches!(self.op.state, OperationState::Parked { .. })
    }

    /// Whether the local tree shows it.
    pub(crate) fn takes_effect(&self) -> bool {
        !self.is_parked() && !self.blocked && !self.suppressed
    }

    /// Whether it is about the item, or names it as a folder.
    pub(crate) fn names(&self, id: ItemId) -> bool {
        self.op.item_id == id || self.op.act.folder() == Some(id)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Outbox {
    ops: BTreeMap<u64, Queued>,
    by_id: BTreeMap<OperationId, u64>,
    /// By the item that counts, aliases resolved.
    by_item: BTreeMap<ItemId, BTreeSet<u64>>,
    parked: usize,
}

impl Outbox {
    pub(crate) fn len(&self) -> usize {
        self.ops.len()
    }

    pub(crate) fn parked_len(&self) -> usize {
        self.parked
    }

    pub(crate) fn next_sequence(&self) -> u64 {
        self.ops.last_key_value().map_or(1, |(last, _)| last + 1)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Queued> {
        self.ops.values()
    }

    /// Those after `sequence`, in order.
    pub(crate) fn after(&self, sequence: u64) -> impl Iterator<Item = &Queued> {
        self.ops.range(sequence + 1..).map(|(_, queued)| queued)
    }

    pub(crate) fn get(&self, id: OperationId) -> Option<&Queued> {
        self.ops.get(self.by_id.get(&id)?)
    }

    pub(crate) fn get_mut(&mut self, id: OperationId) -> Option<&mut Queued> {
        self.ops.get_mut(self.by_id.get(&id)?)
    }

    pub(crate) fn contains(&self, id: OperationId) -> bool {
        self.by_id.contains_key(&id)
    }

    /// What waits for one item, in order.
    pub(crate) fn of_item(&self, item: ItemId) -> impl DoubleEndedIterator<Item = &Queued> {
        self.by_item.get(&item).into_iter().flatten().filter_map(|sequence| self.ops.get(sequence))
    }

    pub(crate) fn has_item(&self, item: ItemId) -> bool {
        self.by_item.contains_key(&item)
    }

    /// `item` is the one that counts, where the operation names an alias.
    pub(crate) fn insert(&mut self, item: ItemId, queued: Queued) {
        let sequence = queued.op.sequence;
        self.parked += usize::from(queued.is_parked());
        self.by_id.insert(queued.op.id, sequence);
        self.by_item.entry(item).or_default().insert(sequence);
        self.ops.insert(sequence, queued);
    }

    pub(crate) fn remove(&mut self, item: ItemId, id: OperationId) -> Option<Queued> {
        let sequence = self.by_id.remove(&id)?;
        if let Some(of_item) = self.by_item.get_mut(&item) {
            of_item.remove(&sequence);
            if of_item.is_empty() {
                self.by_item.remove(&item);
            }
        }
        let queued = self.ops.remove(&sequence)?;
        self.parked -= usize::from(queued.is_parked());
        Some(queued)
    }

    /// What was filed under `old` now concerns `new`.
    pub(crate) fn refile(&mut self, old: ItemId, new: ItemId) {
        if let Some(sequences) = self.by_item.remove(&old) {
            self.by_item.entry(new).or_default().extend(sequences);
        }
    }

    /// What names `id` itself was filed under `other`, and concerns `id` again.
    pub(crate) fn part(&mut self, other: ItemId, id: ItemId) {
        let Some(filed) = self.by_item.remove(&other) else { return };
        let names_id = |sequence: &u64| self.ops.get(sequence).is_some_and(|queued| queued.op.item_id == id);
        let (own, others): (BTreeSet<u64>, BTreeSet<u64>) = filed.into_iter().partition(names_id);
        for (item, sequences) in [(id, own), (other, others)] {
            if !sequences.is_empty() {
                self.by_item.entry(item).or_default().extend(sequences);
            }
        }
    }

    pub(crate) fn set_state(&mut self, id: OperationId, state: OperationState) {
        if let Some(queued) = self.by_id.get(&id).and_then(|sequence| self.ops.get_mut(sequence)) {
            self.parked -= usize::from(queued.is_parked());
            queued.op.state = state;
            self.parked += usize::from(queued.is_parked());
        }
    }

    /// Gives an operation another id, in its place, and tells those that lean on it. Answers the others
    /// that changed.
    pub(crate) fn reissue(&mut self, old: OperationId, new: OperationId) -> Vec<OperationId> {
        let Some(sequence) = self.by_id.remove(&old) else { return Vec::new() };
        self.by_id.insert(new, sequence);
        let mut touched = Vec::new();
        for queued in self.ops.range_mut(sequence..).map(|(_, queued)| queued) {
            if queued.op.id == old {
                queued.op.id = new;
                queued.sent = false;
                queued.in_flight = false;
                queued.op.attempts = 0;
                queued.op.next_try = None;
            } else if queued.op.base.base_operation_id == Some(old) {
                queued.op.base = Base::operation(new);
                touched.push(queued.op.id);
            }
        }
        touched
    }

    /// An operation and those that it builds on by their ids, the latest first.
    pub(crate) fn chain<'a>(&'a self, from: &'a Queued) -> impl Iterator<Item = &'a Queued> {
        std::iter::successors(Some(from), |queued| {
            let base = self.get(queued.op.base.base_operation_id?)?;
            (base.op.sequence < queued.op.sequence).then_some(base)
        })
    }

    /// The operation in this place.
    pub(crate) fn at(&self, sequence: u64) -> Option<OperationId> {
        self.ops.get(&sequence).map(|queued| queued.op.id)
    }

    /// Finds anew which operations lean on a parked one; `is_there` says which items the server has told of,
    /// whatever became of their creation. Answers those for which it changed.
    pub(crate) fn reblock(
        &mut self,
        resolve: impl Fn(ItemId) -> ItemId,
        is_there: impl Fn(ItemId) -> bool,
    ) -> Vec<OperationId> {
        if self.parked == 0 && self.ops.values().all(|queued| !queued.blocked) {
            return Vec::new();
        }
        let mut stuck: BTreeSet<OperationId> = BTreeSet::new();
        let mut missing: BTreeSet<ItemId> = BTreeSet::new();
        // A folder that had to be created again may come after what goes into it: until nothing is added.
        loop {
            let before = stuck.len();
            for queued in self.ops.values() {
                let item = resolve(queued.op.item_id);
                let leans = queued.op.base.base_operation_id.is_some_and(|base| stuck.contains(&base))
                    || missing.contains(&item)
                    || queued.op.act.folder().is_some_and(|folder| missing.contains(&resolve(folder)));
                if (leans || queued.is_parked())
                    && stuck.insert(queued.op.id)
                    && queued.op.act.is_create()
                    && !is_there(item)
                {
                    missing.insert(item);
                }
            }
            if stuck.len() == before {
                break;
            }
        }
        let mut changed = Vec::new();
        for queued in self.ops.values_mut() {
            let blocked = stuck.contains(&queued.op.id) && !queued.is_parked();
            if blocked != queued.blocked {
                queued.blocked = blocked;
                changed.push(queued.op.id);
            }
        }
        changed
    }
}
