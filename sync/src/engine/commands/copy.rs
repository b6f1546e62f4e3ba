//! Another of the same: what the server holds is named, not sent again.

use shared::limits::TREE_DEPTH_MAX;
use shared::{ChunkHash, ItemId, ItemKind, ItemName, OperationId};

use super::{Act, COPIED_ITEMS_MAX, Engine, Undo};
use crate::command::{Command, CommandError, Ran};
use crate::outbox::Sort;
use crate::store::Content;
use crate::tree::Node;

/// One item to make.
struct Planned {
    id: ItemId,
    parent: ItemId,
    name: ItemName,
    node: Node,
    /// None for a folder. With the operation whose bytes are taken along, where the server does not have them.
    content: Option<(Content, Option<OperationId>)>,
}

impl Engine {
    pub(super) fn copy(
        &mut self,
        id: ItemId,
        source: ItemId,
        parent: ItemId,
        ran: &mut Ran,
    ) -> Result<Undo, CommandError> {
        let node = self.check_live(source)?;
        let name = ItemName::parse(&node.name).map_err(|_| CommandError::NotFound(source))?;
        let (parent, name) = self.check_new(id, parent, &name)?;
        for planned in self.plan_copy(id, source, parent, name)? {
            let Planned { id, parent, name, node, content } = planned;
            let Some((content, bytes_of)) = content else {
                let operation = self.enqueue(id, Act::CreateFolder { parent, name }, Self::unknown_base());
                ran.operations.push((id, operation));
                continue;
            };
            let act = Act::CreateFile {
                parent,
                name,
                content,
                mime_type: self.tree.mime_of(&node).map(str::to_owned),
                created_at: None,
                modified_at: Some(node.modified_at),
            };
            let operation = self.enqueue(id, act, Self::unknown_base());
            if let Some(whose) = bytes_of {
                self.take_bytes_along(whose, operation);
            }
            ran.operations.push((id, operation));
        }
        Ok(vec![Command::Delete { id }])
    }

    fn take_bytes_along(&mut self, whose: OperationId, operation: OperationId) {
        let draft = &mut self.disk.draft;
        // What is on its way to the store with this very batch is not there to be copied yet.
        let own = draft.contents.iter().find(|(of, _)| *of == whose).map(|(_, bytes)| bytes.clone());
        match own {
            Some(bytes) => draft.contents.push((operation, bytes)),
            None => draft.copied_contents.push((whose, operation)),
        }
    }

    /// Everything that the copy is made of, folders first. All of it is looked at before any of it is made, so
    /// that a folder can be copied into itself, and what cannot be copied whole is not copied at all.
    fn plan_copy(
        &self,
        id: ItemId,
        source: ItemId,
        parent: ItemId,
        name: ItemName,
    ) -> Result<Vec<Planned>, CommandError> {
        let above = self.tree.ancestors(parent).map_or(0, |above| above.len() + 1);
        let top = id;
        let mut planned: Vec<Planned> = Vec::new();
        let mut open = vec![(id, source, parent, name, above)];
        while let Some((id, source, parent, name, depth)) = open.pop() {
            if planned.len() + open.len() >= COPIED_ITEMS_MAX {
                return Err(CommandError::TooManyItems(source));
            }
            let node = self.tree.local(source).ok_or(CommandError::NotFound(source))?.clone();
            if node.kind == ItemKind::Folder {
                if depth + 2 > TREE_DEPTH_MAX {
                    return Err(CommandError::TooDeep(source));
                }
                let mut children: Vec<ItemId> = self.tree.children(source).collect();
                children.sort_unstable();
                for child in children {
                    let child_node = self.tree.local(child).ok_or(CommandError::NotFound(child))?;
                    let name =
                        ItemName::parse(&child_node.name).map_err(|_| CommandError::NotFound(child))?;
                    open.push((id_in_copy(top, child), child, id, name, depth + 1));
                }
            }
            let content = match node.kind {
                ItemKind::Folder => None,
                ItemKind::File => Some(self.content_to_copy(source, &node)?),
            };
            planned.push(Planned { id, parent, name, node, content });
        }
        Ok(planned)
    }

    fn content_to_copy(
        &self,
        source: ItemId,
        node: &Node,
    ) -> Result<(Content, Option<OperationId>), CommandError> {
        let waiting = self.last_of_sort(source, Sort::Content);
        match waiting.and_then(|queued| Some((queued.op.id, queued.op.act.content()?))) {
            Some((_, Content::Upload { .. })) => Err(CommandError::StillUploading(source)),
            Some((_, copy @ Content::Copy { .. })) => Ok((copy.clone(), None)),
            Some((whose, stored @ Content::Stored { .. })) => Ok((stored.clone(), Some(whose))),
            None => {
                let hash = node.content_hash.ok_or(CommandError::StillUploading(source))?;
                Ok((Content::Copy { size: node.size, of: source, hash }, None))
            }
        }
    }
}

/// The same on every try and in every tab, and like no other: it follows from the copy's own id, which is new.
fn id_in_copy(copy: ItemId, of: ItemId) -> ItemId {
    let both = [copy.0.into_bytes(), of.0.into_bytes()].concat();
    let hash = *ChunkHash::of(&both).as_bytes();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    ItemId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}
