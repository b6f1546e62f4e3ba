//! Into the trash and back.

use std::collections::BTreeMap;

use shared::{Dot, ItemId, ItemKind, ItemName, OperationId};

use super::{Act, Engine, Undo};
use crate::command::{Command, CommandError, NewContent, Ran};
use crate::outbox::{Queued, Sort};
use crate::store::Operation;
use crate::tree::Node;

impl Engine {
    pub(super) fn delete(&mut self, id: ItemId, ran: &mut Ran) -> Result<Undo, CommandError> {
        let node = self.check_live(id)?;
        if let Some(undo) = self.forget_creation(id, &node) {
            return Ok(undo);
        }
        if let Some(operation) = self.untold_restore(id) {
            // The server never hears of it: what an editor that opened on it makes is made on what it was made on.
            if let Some(restore) = self.dequeue(operation) {
                self.followers.insert(operation, restore.base);
            }
            return Ok(vec![Command::Restore { id, parent: None }]);
        }
        let base = self.base_for(id, &[Sort::Content, Sort::Place]);
        let seen_token = self.seen_in(id);
        let operation = self.enqueue(id, Act::Delete { seen_token }, base);
        ran.operations.push((id, operation));
        Ok(vec![Command::Restore { id, parent: None }])
    }

    /// A folder whose delete waits with something refused is there, and what somebody puts into it or changes in it
    /// came after that delete: it is not to take this as well, and the server could not tell.
    pub(in crate::engine) fn withdraw_deletes(&mut self, item: ItemId, act: &Act) {
        if self.outbox.parked_len() == 0 || matches!(act, Act::Delete { .. } | Act::Purge) {
            return;
        }
        let place = act.parent().map_or(item, |parent| self.resolve(parent));
        let waiting = |queued: &&Queued| queued.blocked && matches!(queued.op.act, Act::Delete { .. });
        let folders = self.tree.path_up(place).filter(|folder| *folder != item);
        let around = folders.flat_map(|folder| self.outbox.of_item(folder)).filter(waiting);
        // Where folders contain one another, one is met more than once.
        let around: BTreeMap<u64, Operation> =
            around.map(|queued| (queued.op.sequence, queued.op.clone())).collect();
        for delete in around.into_values() {
            self.drop_refused(&delete, self.resolve(delete.item_id));
        }
    }

    /// A restore that was never told, and is taken back.
    fn untold_restore(&self, id: ItemId) -> Option<OperationId> {
        let last = self.outbox.of_item(id).next_back()?;
        let untold = matches!(last.op.act, Act::Restore { parent: None }) && last.may_change();
        let in_trash = self.tree.remote(id).is_some_and(|node| node.deleted_at.is_some());
        (untold && in_trash).then_some(last.op.id)
    }

    /// How far the person has seen what is in the folder. What came into a folder in it that they had deleted,
    /// they never saw.
    fn seen_in(&self, folder: ItemId) -> Option<String> {
        // Of one that the server was only asked for, what it may have joined there is unseen.
        let node = self.tree.remote(folder)?;
        // Nothing is in a file, so nothing that waits has to be looked at.
        if node.kind == ItemKind::File {
            return self.meta.seen_token.clone();
        }
        if self.hides_news(folder) || self.hides_purged(folder) {
            return None;
        }
        let within = |item: ItemId| item != folder && self.tree.is_within(item, folder);
        let earlier = self.outbox.iter().find_map(|queued| match &queued.op.act {
            Act::Delete { seen_token } if within(self.resolve(queued.op.item_id)) => Some(seen_token.clone()),
            _ => None,
        });
        earlier.unwrap_or_else(|| self.meta.seen_token.clone())
    }

    /// Whether something in the folder was changed here and meanwhile elsewhere too: the person sees what they
    /// made of it, not the other.
    fn hides_news(&self, folder: ItemId) -> bool {
        let is_news = |queued: &Queued| {
            let item = self.resolve(queued.op.item_id);
            let made_on = self.chain_root(queued);
            let Some(node) = self.tree.remote(item) else { return false };
            // Where that is not known any more, it may have been all.
            let unseen = |dot: Dot| {
                dot.device != self.meta.device_id && !made_on.is_some_and(|made_on| made_on.covers(dot))
            };
            let is_in = || {
                self.tree.is_within(item, folder)
                    || self.tree.remote_ancestors(item).any(|above| above == folder)
            };
            item != folder && node.version().iter().any(unseen) && is_in()
        };
        let mut edits =
            self.outbox.iter().filter(|queued| !queued.op.act.is_create() && queued.op.act.edits());
        edits.any(is_news)
    }

    /// Whether something in the folder is to be removed for good: it may live again by what somebody put into it,
    /// and none of that is shown.
    fn hides_purged(&self, folder: ItemId) -> bool {
        self.outbox.iter().filter(|queued| queued.op.act == Act::Purge).any(|queued| {
            let item = self.resolve(queued.op.item_id);
            self.tree.remote_ancestors(item).any(|above| above == folder)
        })
    }

    /// Takes back a creation that was never sent and holds nothing worth a place in the trash: an empty
    /// folder or an empty file.
    fn forget_creation(&mut self, id: ItemId, node: &Node) -> Option<Undo> {
        let never_sent = self.outbox.of_item(id).all(Queued::may_change)
            && self.outbox.of_item(id).next().is_some_and(|first| first.op.act.is_create());
        if !never_sent || node.size > 0 {
            return None;
        }
        let name = ItemName::parse(&node.name).ok()?;
        let undo = match node.kind {
            ItemKind::Folder => Command::CreateFolder { id, parent: node.parent, name },
            ItemKind::File => Command::CreateFile {
                id,
                parent: node.parent,
                name,
                content: NewContent::Small(Vec::new()),
                mime_type: self.tree.mime_of(node).map(str::to_owned),
                created_at: Some(node.created_at),
                modified_at: Some(node.modified_at),
            },
        };
        let named = node.kind == ItemKind::Folder
            && self.outbox.iter().any(|queued| queued.op.act.parent().is_some_and(|p| self.resolve(p) == id));
        if named || self.outbox.of_item(id).any(|queued| queued.op.act.is_upload()) {
            return None;
        }
        let waiting: Vec<OperationId> = self.outbox.of_item(id).map(|queued| queued.op.id).collect();
        for operation in waiting {
            self.dequeue(operation);
        }
        Some(vec![undo])
    }

    pub(super) fn restore(
        &mut self,
        id: ItemId,
        parent: Option<ItemId>,
        ran: &mut Ran,
    ) -> Result<Undo, CommandError> {
        let node = self.check_trashed(id)?;
        let parent = parent.filter(|parent| *parent != node.parent);
        if let Some(parent) = parent {
            self.check_folder(parent)?;
            if self.tree.zone_of_folder(parent) != Some(self.tree.zone_of(&node)) {
                return Err(CommandError::OtherZone(id));
            }
            if self.tree.is_within(parent, id) {
                return Err(CommandError::WouldCycle(id));
            }
        }
        // Undone before it was ever told: nothing happened.
        let last = self.outbox.of_item(id).next_back();
        let untold = last.filter(|last| matches!(last.op.act, Act::Delete { .. }) && last.may_change());
        if let Some(operation) = untold.map(|last| last.op.id)
            && parent.is_none()
            && ItemName::parse(&node.name)
                .is_ok_and(|name| self.free_name(node.parent, &name, Some(id)) == name)
        {
            self.dequeue(operation);
            return Ok(vec![Command::Delete { id }]);
        }
        let base = self.base_for(id, &[Sort::Place]);
        let operation = self.enqueue(id, Act::Restore { parent }, base);
        ran.operations.push((id, operation));
        Ok(vec![Command::Delete { id }])
    }
}
