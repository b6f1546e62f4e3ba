//! Rows in their folders: paths, what is deleted because its folder is, and the order parents first.

use std::collections::{HashMap, HashSet};

use shared::item::{ItemState, Tombstone};
use shared::limits::TREE_DEPTH_MAX;
use shared::{FileItem, ItemId, ZoneId};

use crate::db::items::ItemRow;

/// Items of one zone with all the folders that they are in.
pub struct Tree {
    zone: ZoneId,
    rows: HashMap<ItemId, ItemRow>,
}

impl Tree {
    /// `rows` must be closed: with an item come its ancestors.
    pub fn new(zone: ZoneId, rows: impl IntoIterator<Item = ItemRow>) -> Self {
        Self { zone, rows: rows.into_iter().map(|row| (row.id, row)).collect() }
    }

    pub fn get(&self, id: ItemId) -> Option<&ItemRow> {
        self.rows.get(&id)
    }

    /// The item, its folder, that folder's folder … up to below the root. Bounded, whatever the rows say.
    fn upward(&self, id: ItemId) -> impl Iterator<Item = &ItemRow> {
        std::iter::successors(self.rows.get(&id), |row| self.rows.get(&row.parent_id))
            .take(TREE_DEPTH_MAX + 1)
    }

    /// Whether the item or a folder that it is in was deleted.
    pub fn is_deleted(&self, id: ItemId) -> bool {
        self.upward(id).any(|row| !row.holds_name())
    }

    /// The item as it travels.
    pub fn state(&self, row: &ItemRow) -> ItemState {
        item_state(self.zone, row, self.upward(row.id).skip(1))
    }

    /// The ids with those of their ancestors that `include` asks for, every folder before what is in it,
    /// otherwise in the order given.
    pub fn parents_first(&self, ids: &[ItemId], include: impl Fn(&ItemRow) -> bool) -> Vec<&ItemRow> {
        let asked: HashSet<ItemId> = ids.iter().copied().collect();
        let mut placed = HashSet::new();
        let mut ordered = Vec::with_capacity(ids.len());
        for &id in ids {
            let start = ordered.len();
            for row in self.upward(id) {
                if placed.contains(&row.id) {
                    break;
                }
                placed.insert(row.id);
                if asked.contains(&row.id) || include(row) {
                    ordered.push(row);
                }
            }
            ordered[start..].reverse();
        }
        ordered
    }
}

/// The item as it travels. `folders` are those that it is in, the nearest first.
pub fn item_state<'a>(
    zone_id: ZoneId,
    row: &ItemRow,
    folders: impl Iterator<Item = &'a ItemRow>,
) -> ItemState {
    if let Some(purged_at) = row.purged_at {
        let version = row.vector.clone();
        return ItemState::Purged(Tombstone { id: row.id, zone_id, is_deleted: true, purged_at, version });
    }
    let mut is_deleted = row.deleted.is_some();
    let mut names = vec![row.name.as_str()];
    for folder in folders {
        is_deleted |= !folder.holds_name();
        names.push(&folder.name);
    }
    names.push("");
    names.reverse();
    ItemState::Present(FileItem {
        id: row.id,
        zone_id,
        parent_id: row.parent_id,
        name: row.name.clone(),
        path: names.join("/"),
        kind: row.kind,
        size: row.size,
        mime_type: row.mime_type.clone(),
        content_hash: row.content_hash,
        version: row.vector.clone(),
        is_deleted,
        created_at: row.created_at,
        modified_at: row.modified_at,
        deleted_at: row.deleted.map(|deletion| deletion.at),
        photo: row.photo_info().map(Box::new),
        encryption: None,
    })
}

#[cfg(test)]
mod tests {
    use shared::rules::Touched;
    use shared::{DeviceId, Dot, ItemKind, Timestamp};
    use uuid::Uuid;

    use super::*;
    use crate::db::items::Deletion;

    fn id(n: u128) -> ItemId {
        ItemId(Uuid::from_u128(n))
    }

    fn row(n: u128, parent: u128, feed: u64) -> ItemRow {
        let device = DeviceId(Uuid::nil());
        ItemRow {
            id: id(n),
            parent_id: id(parent),
            name: n.to_string(),
            kind: ItemKind::Folder,
            size: 0,
            mime_type: None,
            content_hash: None,
            version_id: None,
            vector: [Dot { device, count: 1 }].into_iter().collect(),
            content_dot: Dot { device, count: 1 },
            place_dot: Dot { device, count: 1 },
            last_count: 1,
            created_at: Timestamp::default(),
            modified_at: Timestamp::default(),
            deleted: None,
            purged_at: None,
            feed,
            touched: Touched { by: device, feed, others_feed: 0 },
            fed_by: None,
            photo: None,
        }
    }

    fn ids(rows: &[&ItemRow]) -> Vec<ItemId> {
        rows.iter().map(|row| row.id).collect()
    }

    #[test]
    fn folders_come_before_what_is_in_them_once_each() {
        let tree = Tree::new(ZoneId(Uuid::nil()), [row(1, 0, 9), row(2, 1, 8), row(3, 2, 1), row(4, 2, 2)]);
        assert_eq!(
            ids(&tree.parents_first(&[id(3), id(4)], |row| row.feed > 0)),
            [id(1), id(2), id(3), id(4)]
        );
        assert_eq!(ids(&tree.parents_first(&[id(3), id(4)], |_| false)), [id(3), id(4)]);
        assert_eq!(ids(&tree.parents_first(&[id(3), id(1)], |row| row.feed > 8)), [id(1), id(3)]);
    }

    #[test]
    fn what_lies_in_a_deleted_folder_is_deleted() {
        let deleted = Some(Deletion { at: Timestamp::default(), by: shared::OperationId(Uuid::nil()) });
        let folder = ItemRow { deleted, ..row(1, 0, 1) };
        let tree = Tree::new(ZoneId(Uuid::nil()), [folder, row(2, 1, 2), row(3, 0, 3)]);
        assert!(tree.is_deleted(id(2)) && !tree.is_deleted(id(3)));
        let ItemState::Present(item) = tree.state(tree.get(id(2)).unwrap()) else { panic!("present") };
        assert_eq!((item.path.as_str(), item.is_deleted, item.deleted_at), ("/1/2", true, None));
    }
}
