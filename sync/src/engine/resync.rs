//! After a pull from the beginning: what to make of items that the server did not name.
//!
//! A delete never derives from it. What this device knew only from the server and the server no longer
//! has is dropped here (the token was too old) or sent again (the server was restored); what a person
//! changed here is sent in either case.

use std::collections::BTreeSet;

use shared::faults::Fault;
use shared::sync::{Base, TokenExpiry};
use shared::{ItemId, ItemKind, ItemName, OperationId};

use super::{Act, Effect, Engine, Notice};
use crate::command::NewContent;
use crate::store::{Content, Operation, OperationState};
use crate::tree::Node;

impl Engine {
    pub(super) fn end_resync(&mut self, seen: BTreeSet<ItemId>, reason: TokenExpiry, token: Option<String>) {
        self.meta.sync_token = token;
        self.disk.draft.meta = true;
        let absent: Vec<ItemId> = self.tree.remote_ids().filter(|id| !seen.contains(id)).collect();
        match reason {
            TokenExpiry::Expired => {
                for id in absent {
                    self.drop_expired(id);
                }
                self.meta.resync = None;
            }
            TokenExpiry::Epoch => {
                self.forget_bases(|_, _| true);
                self.absent = absent.iter().copied().collect();
                if Fault::AbsentIsDeleted.is_planted() {
                    for &id in &absent {
                        self.enqueue(id, Act::Delete { seen_token: None }, Self::unknown_base());
                    }
                }
                self.recover(absent);
                self.end_recovery();
            }
        }
    }

    /// The tombstone is forgotten by now, or the item is in the trash: what nobody touched here goes, what
    /// somebody did is sent as it is, and created again if the server does not know it.
    fn drop_expired(&mut self, id: ItemId) {
        if !self.outbox.has_item(id) {
            self.set_remote_gone(id);
            return;
        }
        self.set_absent(id, true);
    }

    /// All of the trash is here, and what happened meanwhile: what is still absent is gone, and whatever bears
    /// its id from now on is not what was edited here.
    pub(super) fn forget_the_gone(&mut self) {
        self.forget_bases(|engine, op| op.absent && engine.is_gone(engine.resolve(op.item_id)));
    }

    /// Of an item that the server did not name: whether it is not in the trash either, with a folder. What was
    /// in a folder that nobody names may be in there with it.
    pub(super) fn is_gone(&self, item: ItemId) -> bool {
        let lives = |above: ItemId| {
            self.tree.is_root(above) || self.tree.remote(above).is_some_and(|node| node.deleted_at.is_none())
        };
        self.net.absent_settled && self.tree.remote_ancestors(item).all(lives)
    }

    /// Notes on what waits for an item whether the server still names it.
    pub(super) fn set_absent(&mut self, item: ItemId, absent: bool) {
        let differ = self.outbox.of_item(item).filter(|queued| queued.op.absent != absent);
        let differ: Vec<OperationId> = differ.map(|queued| queued.op.id).collect();
        for operation in differ {
            if let Some(queued) = self.outbox.get_mut(operation) {
                queued.op.absent = absent;
            }
            self.touch_operation(operation);
        }
    }

    /// The vectors that these were made on name other events now: none of them may claim to have seen any.
    fn forget_bases(&mut self, whose: impl Fn(&Self, &Operation) -> bool) {
        let edits: Vec<Operation> = self
            .outbox
            .iter()
            .filter(|queued| !queued.op.act.is_create() && queued.op.act.edits() && !queued.is_parked())
            .filter(|queued| whose(self, &queued.op))
            .map(|queued| queued.op.clone())
            .collect();
        for op in edits {
            self.reissue(op.id);
            let Some(id) = self.outbox.at(op.sequence) else { continue };
            let Some(base) = self.outbox.get(id).map(|queued| queued.op.base.clone()) else { continue };
            let pending = base.base_operation_id.is_some_and(|base| self.outbox.contains(base));
            let Some(queued) = self.outbox.get_mut(id) else { continue };
            if !pending {
                queued.op.base = Self::unknown_base();
            }
            if let Act::Delete { seen_token } = &mut queued.op.act {
                *seen_token = None;
            }
        }
    }

    /// Sends again what the restored server lost.
    fn recover(&mut self, absent: Vec<ItemId>) {
        let mut folders = Vec::new();
        for id in absent {
            let Some(node) = self.tree.remote(id) else { continue };
            let (kind, size, hash) = (node.kind, node.size, node.content_hash);
            let edited = self.outbox.of_item(id).any(|queued| queued.op.act.content().is_some());
            match (kind, hash) {
                // The trash is fetched on its own.
                _ if !self.tree.is_live(id) => self.set_remote_gone(id),
                (ItemKind::Folder, _) => folders.push(id),
                _ if edited => drop(self.recreate(id)),
                (ItemKind::File, Some(content_hash)) => {
                    self.lost.insert(id);
                    self.out.push(Effect::FindContent { item: id, content_hash, size });
                }
                (ItemKind::File, None) => self.set_remote_gone(id),
            }
        }
        for folder in folders {
            self.recreate_folder(folder);
        }
    }

    pub(super) fn content_found(&mut self, item: ItemId, content: Option<NewContent>) {
        if !self.lost.remove(&item) {
            return;
        }
        if !self.tree.is_live(item) {
            // Deleted here in the meantime: there is nothing to bring back.
            self.set_remote_gone(item);
        } else if let Some(content) = content {
            self.recreate_with(item, content);
        } else {
            self.lost_for_good += 1;
            self.set_remote_gone(item);
        }
        self.end_recovery();
    }

    fn end_recovery(&mut self) {
        if !self.lost.is_empty() {
            return;
        }
        self.absent.clear();
        self.meta.resync = None;
        self.disk.draft.meta = true;
        let items = std::mem::take(&mut self.lost_for_good);
        if items > 0 {
            self.notify(Notice::Lost { items });
        }
    }

    /// Creates a file again from the content that its last queued edit carries; whether it could.
    pub(super) fn recreate(&mut self, item: ItemId) -> bool {
        let edit = self.outbox.of_item(item).rev().find(|queued| queued.op.act.content().is_some());
        let Some((source, content)) = edit.and_then(|q| Some((q.op.id, q.op.act.content()?.clone()))) else {
            return false;
        };
        self.keep_beside(item, source);
        let Some(operation) = self.create_again(item, content.clone()) else { return false };
        if matches!(content, Content::Stored { .. }) {
            self.disk.draft.moved_contents.push((source, operation));
        }
        true
    }

    /// Contents that wait for an item and that its last edit was not made on go into files of their own.
    fn keep_beside(&mut self, item: ItemId, last: OperationId) {
        let Some(node) = self.tree.local(item).or_else(|| self.tree.remote(item)).cloned() else { return };
        let (Ok(name), Some(last)) = (ItemName::parse(&node.name), self.outbox.get(last)) else { return };
        let made_on: BTreeSet<OperationId> = self.outbox.chain(last).map(|queued| queued.op.id).collect();
        let apart = self.outbox.of_item(item).filter(|queued| !made_on.contains(&queued.op.id));
        let apart: Vec<(OperationId, Content)> =
            apart.filter_map(|queued| Some((queued.op.id, queued.op.act.content()?.clone()))).collect();
        for (source, content) in apart {
            let act = Act::CreateFile {
                parent: node.parent,
                name: self.free_name(node.parent, &name, None),
                content: content.clone(),
                mime_type: self.tree.mime_of(&node).map(str::to_owned),
                created_at: Some(node.created_at),
                modified_at: Some(node.modified_at),
            };
            let copy = self.new_item_id(self.now);
            let operation = self.enqueue(copy, act, Self::unknown_base());
            if matches!(content, Content::Stored { .. }) {
                self.disk.draft.moved_contents.push((source, operation));
            }
        }
    }

    fn recreate_with(&mut self, item: ItemId, content: NewContent) {
        let (content, bytes) = super::commands::stored(content);
        if let (Some(operation), Some(bytes)) = (self.create_again(item, content), bytes) {
            self.disk.draft.contents.push((operation, bytes));
        }
    }

    /// One creation, as the item stands here, in place of all that waits for it.
    fn create_again(&mut self, item: ItemId, content: Content) -> Option<OperationId> {
        let node = self.tree.local(item).or_else(|| self.tree.remote(item))?.clone();
        let mime_type = self.tree.mime_of(&node).map(str::to_owned);
        let name = ItemName::parse(&node.name).ok()?;
        let parent = self.recreate_folder(node.parent)?;
        self.forget_waiting(item);
        self.set_remote_gone(item);
        let act = Act::CreateFile {
            parent,
            name,
            content,
            mime_type,
            created_at: Some(node.created_at),
            modified_at: Some(node.modified_at),
        };
        Some(self.enqueue(item, act, Self::unknown_base()))
    }

    /// Takes out all that waits for an item: what it comes to is in the creation that takes its place.
    fn forget_waiting(&mut self, item: ItemId) {
        let waiting: Vec<OperationId> = self.outbox.of_item(item).map(|queued| queued.op.id).collect();
        for id in waiting {
            self.dequeue(id);
        }
    }

    /// Makes sure that a folder is there, or will be: those above it first. Answers where its contents
    /// belong.
    fn recreate_folder(&mut self, folder: ItemId) -> Option<ItemId> {
        if self.tree.is_root(folder) {
            return Some(folder);
        }
        if self.tree.remote(folder).is_none() {
            let mut waiting = self.outbox.of_item(folder);
            let waits = waiting.any(|q| q.op.act.is_create() && q.op.state == OperationState::Queued);
            return Some(if waits { folder } else { self.meta.root_id });
        }
        if !self.absent.contains(&folder) {
            return Some(folder);
        }
        let former = self.tree.remote(folder)?.clone();
        let node = self.tree.local(folder).cloned().unwrap_or_else(|| former.clone());
        let closes_circle = self.is_made_within(node.parent, folder);
        self.forget_waiting(folder);
        self.set_remote_gone(folder);
        let make = |engine: &mut Self, node: &Node| {
            let parent = engine.recreate_folder(node.parent)?;
            let name = ItemName::parse(&node.name).ok()?;
            Some(engine.enqueue(folder, Act::CreateFolder { parent, name }, Self::unknown_base()))
        };
        if closes_circle {
            let made = make(self, &former)?;
            let name = ItemName::parse(&node.name).ok();
            let act = Act::Place { parent: Some(node.parent), name };
            self.enqueue(folder, act, Base::operation(made));
        } else {
            make(self, &node)?;
        }
        Some(folder)
    }

    /// Whether a folder that the server does not have is to be made in `within`, or in one that is: moved out of
    /// it since, it can hold it, but not before both are there.
    fn is_made_within(&self, mut folder: ItemId, within: ItemId) -> bool {
        let mut met = BTreeSet::new();
        while folder != within {
            if !met.insert(folder) {
                return false;
            }
            let is_unknown = self.tree.remote(folder).is_none();
            let create = self.outbox.of_item(folder).find(|queued| is_unknown && queued.op.act.is_create());
            let made_in = match create {
                Some(create) => create.op.act.parent().map(|parent| self.resolve(parent)),
                None if self.absent.contains(&folder) => self.tree.local(folder).map(|node| node.parent),
                None => None,
            };
            let Some(parent) = made_in else { return false };
            folder = parent;
        }
        true
    }
}
