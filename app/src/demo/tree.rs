//! The tree of the demonstration: the same acts as the engine's, without a server.

use std::collections::HashMap;
use std::sync::Arc;

use shared::{ClientFileItem, FileItem, ItemId, ItemKind, SyncStatus, Timestamp, VersionVector, ZoneId};
use sync::Command;
use uuid::Uuid;

pub(crate) struct Tree {
    items: HashMap<ItemId, Arc<ClientFileItem>>,
    inside: HashMap<ItemId, Vec<ItemId>>,
}

pub(crate) fn new_item(
    id: ItemId,
    parent: ItemId,
    name: &str,
    kind: ItemKind,
    size: u64,
    at: Timestamp,
) -> ClientFileItem {
    ClientFileItem {
        item: FileItem {
            id,
            zone_id: ZoneId(Uuid::nil()),
            parent_id: parent,
            name: name.to_owned(),
            path: String::new(),
            kind,
            size,
            mime_type: None,
            content_hash: (kind == ItemKind::File).then(|| shared::ContentHash::of_chunks([])),
            version: VersionVector::new(),
            is_deleted: false,
            created_at: at,
            modified_at: at,
            deleted_at: None,
            photo: None,
            encryption: None,
        },
        sync_status: SyncStatus::Synced,
        local_modified_at: None,
        pending_operation_id: None,
    }
}

impl Tree {
    pub fn of(items: Vec<ClientFileItem>) -> Self {
        let mut tree = Self { items: HashMap::new(), inside: HashMap::new() };
        for item in items {
            tree.inside.entry(item.item.parent_id).or_default().push(item.item.id);
            tree.items.insert(item.item.id, Arc::new(item));
        }
        tree
    }

    pub fn get(&self, id: ItemId) -> Option<Arc<ClientFileItem>> {
        self.items.get(&id).cloned()
    }

    fn within(&self, folder: ItemId) -> impl Iterator<Item = &Arc<ClientFileItem>> {
        self.inside.get(&folder).into_iter().flatten().filter_map(|id| self.items.get(id))
    }

    pub fn children(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.within(folder).filter(|item| !item.item.is_deleted).cloned().collect()
    }

    pub fn ancestors(&self, id: ItemId) -> Vec<Arc<ClientFileItem>> {
        let mut way = Vec::new();
        let mut here = self.get(id).and_then(|item| self.get(item.item.parent_id));
        while let Some(folder) = here {
            here = self.get(folder.item.parent_id);
            way.push(folder);
        }
        way.reverse();
        way
    }

    pub fn search(&self, text: &str, limit: usize) -> Vec<Arc<ClientFileItem>> {
        let text = text.to_lowercase();
        let alive = self.items.values().filter(|item| !item.item.is_deleted);
        alive.filter(|item| item.item.name.to_lowercase().contains(&text)).take(limit).cloned().collect()
    }

    pub fn trash(&self) -> Vec<Arc<ClientFileItem>> {
        let mut trash: Vec<_> =
            self.items.values().filter(|item| item.item.deleted_at.is_some()).cloned().collect();
        trash.sort_by_key(|item| std::cmp::Reverse(item.item.deleted_at));
        trash
    }

    /// Runs the command and answers its inverse.
    pub fn run(&mut self, command: Command, at: Timestamp) -> Option<Command> {
        match command {
            Command::CreateFolder { id, parent, name } => {
                let mut item = new_item(id, parent, name.as_str(), ItemKind::Folder, 0, at);
                item.sync_status = SyncStatus::Pending;
                self.items.insert(id, Arc::new(item));
                self.inside.entry(parent).or_default().push(id);
                Some(Command::Delete { id })
            }
            Command::Rename { id, name } => {
                let former = self.get(id)?.item.name.clone();
                self.change(id, |item| name.as_str().clone_into(&mut item.item.name));
                Some(Command::Rename { id, name: shared::ItemName::parse(&former).ok()? })
            }
            Command::Move { id, parent } => {
                let former = self.get(id)?.item.parent_id;
                self.change(id, |item| item.item.parent_id = parent);
                self.inside.entry(former).or_default().retain(|child| *child != id);
                self.inside.entry(parent).or_default().push(id);
                Some(Command::Move { id, parent: former })
            }
            Command::Delete { id } => {
                self.change(id, |item| {
                    item.item.is_deleted = true;
                    item.item.deleted_at = Some(at);
                });
                Some(Command::Restore { id, parent: None })
            }
            Command::Restore { id, .. } => {
                self.change(id, |item| {
                    item.item.is_deleted = false;
                    item.item.deleted_at = None;
                });
                Some(Command::Delete { id })
            }
            Command::Purge { id } => {
                let item = self.items.remove(&id)?;
                self.inside.entry(item.item.parent_id).or_default().retain(|child| *child != id);
                None
            }
            Command::CreateFile { .. }
            | Command::Copy { .. }
            | Command::SetContent { .. }
            | Command::DescribePhoto { .. }
            | Command::ChangeAlbum { .. }
            | Command::Resolve { .. } => None,
        }
    }

    fn change(&mut self, id: ItemId, change: impl FnOnce(&mut ClientFileItem)) {
        if let Some(item) = self.items.get_mut(&id) {
            let item = Arc::make_mut(item);
            change(item);
            item.sync_status = SyncStatus::Pending;
        }
    }
}
