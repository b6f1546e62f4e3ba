//! Local is remote with the outbox applied: what one item looks like with its operations.

use std::collections::BTreeSet;

use shared::{ItemId, ItemKind, OperationId, Timestamp, ZoneId};

use super::{Act, Engine};
use crate::store::Content;
use crate::tree::Node;

impl Engine {
    /// Derives one item of the local tree anew.
    pub(super) fn refold(&mut self, id: ItemId) {
        if !self.outbox.has_item(id) {
            self.tree.lay_bare(id);
            return;
        }
        let remote = self.tree.remote(id).cloned();
        let mut node = remote.clone();
        let acts: Vec<(Act, Timestamp)> = self
            .outbox
            .of_item(id)
            .filter(|queued| queued.takes_effect())
            .map(|queued| (queued.op.act.clone(), queued.op.queued_at))
            .collect();
        for (act, at) in acts {
            node = self.apply(node, act, at);
        }
        if node == remote {
            self.tree.lay_bare(id);
        } else {
            self.tree.lay_over(id, node);
        }
    }

    /// Derives everything that operations touch, in their order: folders come before what is in them.
    pub(super) fn refold_all(&mut self) {
        let items: Vec<ItemId> = self.outbox.iter().map(|queued| self.resolve(queued.op.item_id)).collect();
        for item in items {
            self.refold(item);
        }
    }

    /// The zone of a folder; the person's own where the folder is not there.
    fn zone_for(&self, folder: ItemId) -> Option<ZoneId> {
        self.tree.zone_of_folder(folder).or_else(|| self.tree.zone_of_folder(self.meta.root_id))
    }

    fn apply(&mut self, node: Option<Node>, act: Act, at: Timestamp) -> Option<Node> {
        match act {
            // What the server already has, it may have changed since.
            Act::CreateFolder { .. } | Act::CreateFile { .. } if node.is_some() => node,
            Act::CreateFolder { parent, name } => {
                let parent = self.resolve(parent);
                let zone = self.zone_for(parent)?;
                Some(self.tree.new_node(zone, parent, name.as_str(), ItemKind::Folder, None, at))
            }
            Act::CreateFile { parent, name, content, mime_type, created_at, modified_at } => {
                let parent = self.resolve(parent);
                let zone = self.zone_for(parent)?;
                let mime = mime_type.as_deref();
                let mut node = self.tree.new_node(zone, parent, name.as_str(), ItemKind::File, mime, at);
                node.created_at = created_at.unwrap_or(at);
                set_content(&mut node, &content, modified_at.unwrap_or(at));
                Some(node)
            }
            Act::SetContent { content, modified_at } => node.map(|mut node| {
                set_content(&mut node, &content, modified_at.unwrap_or(at));
                // An edit brings back what was deleted elsewhere.
                node.deleted_at = None;
                node
            }),
            Act::Place { parent, name } => node.map(|mut node| {
                if let Some(parent) = parent {
                    node.parent = self.resolve(parent);
                }
                if let Some(name) = name {
                    node.name = name.as_str().into();
                }
                node.deleted_at = None;
                node
            }),
            Act::Delete { .. } => node.map(|mut node| {
                node.deleted_at.get_or_insert(at);
                node
            }),
            Act::Restore { parent } => node.map(|mut node| {
                if let Some(parent) = parent {
                    node.parent = self.resolve(parent);
                }
                node.deleted_at = None;
                node
            }),
            Act::Photo(edit) => node.map(|mut node| {
                if let Some(photo) = &mut node.photo {
                    photo.apply(&edit);
                }
                node
            }),
            Act::Album { album, change } => node.map(|mut node| {
                if let Some(photo) = &mut node.photo {
                    photo.apply_album(self.resolve(album), change, at);
                }
                node
            }),
            Act::Purge => None,
            Act::Resolve { .. } => node,
        }
    }

    /// Leaves out moves that would put folders into one another in the local tree: a move from elsewhere came
    /// first, and the server will refuse them. In their order, as the server judges them: a later move that closes no
    /// circle without them is seen.
    pub(super) fn suppress_cycles(&mut self) {
        let moves: Vec<(OperationId, ItemId)> = self
            .outbox
            .iter()
            .filter(|queued| queued.op.act.parent().is_some() && !queued.op.act.is_create())
            .map(|queued| (queued.op.id, self.resolve(queued.op.item_id)))
            .collect();
        let suppressed: BTreeSet<OperationId> = moves
            .iter()
            .map(|(id, _)| *id)
            .filter(|id| self.outbox.get(*id).is_some_and(|queued| queued.suppressed))
            .collect();
        for (id, item) in moves.iter().filter(|(id, _)| suppressed.contains(id)) {
            self.set_suppressed(*id, *item, false);
        }
        self.suppressing = false;
        if moves.iter().all(|(_, item)| self.tree.cycle(*item).is_none()) {
            return;
        }
        for (id, item) in &moves {
            self.set_suppressed(*id, *item, true);
        }
        for (id, item) in moves {
            self.set_suppressed(id, item, false);
            if self.tree.cycle(item).is_some() {
                self.set_suppressed(id, item, true);
                self.suppressing = true;
            }
        }
    }

    fn set_suppressed(&mut self, id: OperationId, item: ItemId, suppressed: bool) {
        if let Some(queued) = self.outbox.get_mut(id) {
            queued.suppressed = suppressed;
        }
        self.refold(item);
    }
}

fn set_content(node: &mut Node, content: &Content, modified_at: Timestamp) {
    node.size = content.size();
    node.content_hash = match content {
        Content::Stored { hash, .. } | Content::Copy { hash, .. } => Some(*hash),
        Content::Upload { .. } => None,
    };
    node.modified_at = modified_at;
}
