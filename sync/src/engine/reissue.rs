//! What goes again as another operation: the answer to the former is final.

use std::collections::BTreeSet;

use shared::sync::Base;
use shared::{ErrorCode, ItemId, OperationId};

use super::{Act, Engine};
use crate::outbox::Sort;
use crate::store::{Operation, OperationState};

/// UUIDs of this version tell when they were made.
const TIMED_ID_VERSION: usize = 7;

impl Engine {
    /// What it builds on may be what the server forgot. A new id may be all that it takes, so this is believed
    /// once an id that tells no time was refused too, and without haste.
    pub(super) fn forget_base(&mut self, op: &Operation) {
        let forgotten = op.base.base_operation_id.is_some_and(|base| !self.outbox.contains(base));
        if forgotten && op.id.0.get_version_num() != TIMED_ID_VERSION {
            self.rebase(op, &Self::unknown_base());
        }
        let Some(id) = self.outbox.at(op.sequence) else { return };
        if let Some(queued) = self.outbox.get_mut(id) {
            queued.op.attempts = op.attempts;
        }
        self.try_later(id, ErrorCode::OperationExpired);
    }

    /// Whether what it leans on goes again as it is, and it with that: its id stays, for a request that comes
    /// twice may have had it accepted.
    pub(super) fn awaits_earlier(&self, op: &Operation) -> bool {
        match op.base.base_operation_id {
            Some(base) => self.outbox.get(base).is_some_and(|base| !base.is_parked()),
            None => self.creates_parent(op),
        }
    }

    /// What should go is not there, for it has to be created again and is not yet: it goes after that.
    pub(super) fn awaits_creation(&mut self, op: &Operation, item: ItemId) -> bool {
        let before = self.outbox.of_item(item).take_while(|queued| queued.op.sequence < op.sequence);
        let mut waiting =
            before.filter(|queued| queued.op.act.edits() && !queued.is_parked() && !queued.blocked);
        let Some(first) = waiting.next().filter(|first| first.op.act.is_create()) else { return false };
        let last = waiting.last().unwrap_or(first).op.id;
        self.reissue(op.id);
        self.rebase(op, &Base::operation(last));
        true
    }

    /// An operation was refused because one that it leans on was, or was not judged yet.
    pub(super) fn reissue_dependent(&mut self, op: &Operation, item: ItemId) -> bool {
        let Some(base) = op.base.base_operation_id else {
            return self.creates_parent(op) && {
                self.reissue(op.id);
                true
            };
        };
        let base = self.outbox.get(base).map(|queued| (queued.is_parked(), queued.op.clone()));
        match base {
            // It only stood in the same chain; what it changes is another matter.
            Some((true, base)) if !leans_on(&op.act, &base.act) => {
                self.reissue(op.id);
                self.part_from(op, &base);
            }
            Some(_) => self.reissue(op.id),
            None => {
                self.reissue(op.id);
                self.rebase(op, &Self::unknown_base());
            }
        }
        self.refold(item);
        true
    }

    pub(super) fn creates_parent(&self, op: &Operation) -> bool {
        op.act.folder().is_some_and(|folder| {
            self.outbox.of_item(self.resolve(folder)).any(|queued| queued.op.act.is_create())
        })
    }

    /// Gives the operation in the place of `op` another base.
    pub(super) fn rebase(&mut self, op: &Operation, base: &Base) {
        let Some(id) = self.outbox.at(op.sequence) else { return };
        if let Some(queued) = self.outbox.get_mut(id) {
            queued.op.base = base.clone();
        }
        self.touch_operation(id);
        self.reblock();
    }

    /// Lets the operation in the place of `op` go on without one that was refused and that it merely came after.
    /// The chain after it parts in two: what is made on what was refused waits with that, the rest goes on.
    pub(super) fn part_from(&mut self, op: &Operation, refused: &Operation) {
        self.rebase(op, &refused.base);
        let item = self.resolve(op.item_id);
        let first = Branches { free: op.sequence, waiting: refused.sequence };
        self.keep_text_base(op, first.contents(refused));
        let mut next = vec![(op.sequence, first)];
        while let Some((place, branches)) = next.pop() {
            let Some(id) = self.outbox.at(place) else { continue };
            let chained =
                self.outbox.of_item(item).filter(|queued| queued.op.base.base_operation_id == Some(id));
            let chained: Vec<(Operation, bool)> =
                chained.map(|queued| (queued.op.clone(), queued.sent)).collect();
            for (op, sent) in chained {
                let (before, after) = if leans_on(&op.act, &refused.act) {
                    (branches.waiting, Branches { waiting: op.sequence, ..branches })
                } else {
                    (branches.free, Branches { free: op.sequence, ..branches })
                };
                if before != place {
                    if sent {
                        self.reissue(op.id);
                    }
                    if let Some(before) = self.outbox.at(before) {
                        self.rebase(&op, &Base::operation(before));
                    }
                }
                self.keep_text_base(&op, after.contents(refused));
                next.push((op.sequence, after));
            }
        }
    }

    /// Takes out an operation that was refused and about which nothing need be done. What came after it is made on
    /// what that was made on.
    pub(super) fn drop_refused(&mut self, refused: &Operation, item: ItemId) {
        self.dequeue(refused.id);
        self.rebase_chained(item, refused.id, &refused.base);
    }

    /// An editor that opened its text when `op` was the last has seen what the operation in the place `contents`
    /// wrote: what it saves is made on that.
    fn keep_text_base(&mut self, op: &Operation, contents: u64) {
        if contents == op.sequence {
            return;
        }
        let Some(known_as) = self.outbox.at(op.sequence) else { return };
        self.reissue(known_as);
        if let Some(contents) = self.outbox.at(contents) {
            self.followers.insert(known_as, Base::operation(contents));
        }
    }

    /// Sends the same act again as another operation: the answer to the old one is final.
    pub(super) fn reissue(&mut self, old: OperationId) {
        let new = OperationId(self.chance.id(self.now));
        self.reissue_as(old, new);
    }

    pub(super) fn reissue_as(&mut self, old: OperationId, new: OperationId) {
        let Some(item) = self.outbox.get(old).map(|queued| queued.op.item_id) else { return };
        // A move that comes back may close a circle by now.
        self.recheck_cycles = true;
        self.outbox.set_state(old, OperationState::Queued);
        let mut renamed = vec![(old, new)];
        while let Some((old, new)) = renamed.pop() {
            let Some(op) = self.outbox.get(old).map(|queued| queued.op.clone()) else { continue };
            let touched = self.outbox.reissue(old, new);
            self.name_anew(new);
            self.followers.insert(old, Base::operation(new));
            self.touch_operation(old);
            self.touch_operation(new);
            if matches!(op.act.content(), Some(crate::store::Content::Stored { .. })) {
                self.disk.draft.moved_contents.push((old, new));
            }
            for id in touched {
                self.touch_operation(id);
                // What may have been sent keeps its words, those of what it was made on included.
                if self.outbox.get(id).is_some_and(|queued| queued.sent) {
                    renamed.push((id, OperationId(self.chance.id(self.now))));
                }
            }
        }
        self.reblock();
        let item = self.resolve(item);
        self.refold(item);
    }

    /// An operation that has not been sent under its id names its items by what they are: the server knows what
    /// they once were for a time only.
    fn name_anew(&mut self, id: OperationId) {
        let Some(op) = self.outbox.get(id).map(|queued| &queued.op) else { return };
        let (item, folder) = (self.resolve(op.item_id), op.act.folder().map(|folder| self.resolve(folder)));
        let Some(queued) = self.outbox.get_mut(id) else { return };
        if queued.op.item_id != item {
            queued.op.item_id = item;
            if let Act::Delete { seen_token } = &mut queued.op.act {
                *seen_token = None;
            }
        }
        if let (Some(named), Some(folder)) = (queued.op.act.folder_mut(), folder) {
            *named = folder;
        }
    }

    /// The id is taken, by an earlier try of the same creation whose record is gone: what is left of it is
    /// its content.
    pub(super) fn already_exists(&mut self, op: &Operation, item: ItemId) {
        self.want_pull();
        let Act::CreateFile { content, modified_at, .. } = op.act.clone() else {
            self.dequeue(op.id);
            return;
        };
        self.reissue(op.id);
        let Some(id) = self.outbox.at(op.sequence) else { return };
        if let Some(queued) = self.outbox.get_mut(id) {
            queued.op.act = Act::SetContent { content, modified_at };
            queued.op.base = Self::unknown_base();
        }
        self.refold(item);
    }

    /// Somebody moved an item out of a folder, then deleted the folder; the item did not get out. What they saw
    /// of the folder says nothing of it.
    pub(super) fn keep_what_stayed(&mut self, sequence: u64, item: ItemId) {
        let folders: BTreeSet<ItemId> = self.tree.remote_ancestors(item).collect();
        let deletes: Vec<Operation> = self
            .outbox
            .after(sequence)
            .filter(|queued| matches!(queued.op.act, Act::Delete { seen_token: Some(_) }))
            .filter(|queued| !queued.is_parked() && folders.contains(&self.resolve(queued.op.item_id)))
            .map(|queued| queued.op.clone())
            .collect();
        for delete in deletes {
            self.reissue(delete.id);
            let Some(id) = self.outbox.at(delete.sequence) else { continue };
            if let Some(queued) = self.outbox.get_mut(id) {
                queued.op.act = Act::Delete { seen_token: None };
            }
            self.touch_operation(id);
        }
    }
}

/// Whether the later act makes no sense without the earlier one on the same item.
pub(super) fn leans_on(later: &Act, earlier: &Act) -> bool {
    earlier.is_create()
        || [Sort::Content, Sort::Place].into_iter().any(|sort| later.touches(sort) && earlier.touches(sort))
}

/// The places of the last operation that goes on and of the last that waits with a refused one.
#[derive(Clone, Copy)]
struct Branches {
    free: u64,
    waiting: u64,
}

impl Branches {
    /// The branch on which the item's contents were written.
    fn contents(self, refused: &Operation) -> u64 {
        if refused.act.touches(Sort::Content) { self.waiting } else { self.free }
    }
}
