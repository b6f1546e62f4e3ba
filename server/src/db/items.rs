//! Items as the database has them. Every query wants a zone, which callers have from a grant only.

use std::collections::{BTreeSet, HashSet};

use shared::activity::FormerContent;
use shared::rules::Touched;
use shared::{
    ContentHash, DeviceId, Dot, ItemId, ItemKind, ItemName, OperationId, Timestamp, VersionId, VersionVector,
    ZoneId,
};

use super::photos::{self, PhotoRecord};
use super::{Connection, DbError, Row, Value};
use crate::values;

/// An item's row. The root of a zone has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRow {
    pub id: ItemId,
    pub parent_id: ItemId,
    pub name: String,
    pub kind: ItemKind,
    /// In bytes; 0 for a folder.
    pub size: u64,
    pub mime_type: Option<String>,
    pub content_hash: Option<ContentHash>,
    pub version_id: Option<VersionId>,
    pub vector: VersionVector,
    pub content_dot: Dot,
    pub place_dot: Dot,
    /// The last count issued to any input; never falls.
    pub last_count: u64,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    /// Set on the topmost item of a delete only.
    pub deleted: Option<Deletion>,
    /// Then this is a tombstone.
    pub purged_at: Option<Timestamp>,
    pub feed: u64,
    pub touched: Touched,
    /// Whose change its last entry of the feed is; None where that was not noted. See [`Self::fed_by`].
    pub fed_by: Option<DeviceId>,
    /// Of files in a zone of photos only.
    pub photo: Option<Box<PhotoRecord>>,
}

/// Which operation put an item into the trash, and when. Restoring brings back what shares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    pub at: Timestamp,
    pub by: OperationId,
}

impl ItemRow {
    /// Whether it has a name among its siblings: neither deleted by itself nor purged.
    pub fn holds_name(&self) -> bool {
        self.deleted.is_none() && self.purged_at.is_none()
    }

    /// Whose change its last entry of the feed is, as far as that is known.
    pub fn fed_by(&self) -> DeviceId {
        let touch = Some(self.touched.by).filter(|_| self.touched.feed == self.feed);
        touch.or(self.fed_by).unwrap_or(self.touched.by)
    }

    pub fn name_key(&self) -> String {
        name_key(&self.name)
    }

    /// The content that a file holds, as it is told of when another takes its place.
    pub fn held_content(&self) -> Option<FormerContent> {
        self.content_hash.map(|content_hash| FormerContent { content_hash, size: self.size })
    }
}

/// The form under which siblings are compared.
pub fn name_key(name: &str) -> String {
    ItemName::parse(name).map_or_else(|_| name.to_owned(), |name| name.folded().as_str().to_owned())
}

const COLUMNS: &str = "i.item_id, i.parent_id, i.name, i.kind, i.size, i.mime_type, i.content_hash, i.version_id, \
     i.vector, i.content_device, i.content_count, i.place_device, i.place_count, i.last_count, i.created_at, \
     i.modified_at, i.deleted_at, i.delete_id, i.purged_at, i.feed, i.changed_by, i.changed_feed, i.others_changed_feed, \
     i.photo, i.fed_by";

const FILE: i64 = 0;
const FOLDER: i64 = 1;

fn kind_code(kind: ItemKind) -> i64 {
    match kind {
        ItemKind::File => FILE,
        ItemKind::Folder => FOLDER,
    }
}

fn kind_of(code: i64) -> Result<ItemKind, DbError> {
    match code {
        FILE => Ok(ItemKind::File),
        FOLDER => Ok(ItemKind::Folder),
        _ => Err(DbError::Shape { column: 3, reason: format!("{code} is no kind of item") }),
    }
}

fn item(row: &Row) -> Result<ItemRow, DbError> {
    let deleted_at: Option<Timestamp> = row.get(16)?;
    let delete_id: Option<OperationId> = row.get(17)?;
    Ok(ItemRow {
        id: row.get(0)?,
        parent_id: row.get(1)?,
        name: row.get(2)?,
        kind: kind_of(row.get(3)?)?,
        size: row.get(4)?,
        mime_type: row.get(5)?,
        content_hash: row.get(6)?,
        version_id: row.get(7)?,
        vector: row.get(8)?,
        content_dot: Dot { device: row.get(9)?, count: row.get(10)? },
        place_dot: Dot { device: row.get(11)?, count: row.get(12)? },
        last_count: row.get(13)?,
        created_at: row.get(14)?,
        modified_at: row.get(15)?,
        deleted: deleted_at.zip(delete_id).map(|(at, by)| Deletion { at, by }),
        purged_at: row.get(18)?,
        feed: row.get(19)?,
        touched: Touched { by: row.get(20)?, feed: row.get(21)?, others_feed: row.get(22)? },
        fed_by: row.get(24)?,
        photo: photo(row.get(23)?)?,
    })
}

fn photo(text: Option<String>) -> Result<Option<Box<PhotoRecord>>, DbError> {
    let malformed = |error: serde_json::Error| DbError::Shape { column: 23, reason: error.to_string() };
    text.map(|text| serde_json::from_str(&text).map_err(malformed)).transpose()
}

fn items(rows: &[Row]) -> Result<Vec<ItemRow>, DbError> {
    rows.iter().map(item).collect()
}

fn keys<T: Copy + Into<Value>>(ids: &[T]) -> impl Iterator<Item = Value> + '_ {
    ids.iter().map(|&id| id.into())
}

pub async fn load(
    connection: &mut Connection,
    zone: ZoneId,
    ids: &[ItemId],
) -> Result<Vec<ItemRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM items i WHERE i.zone_id = $1 AND i.item_id IN ({{keys}})");
    items(&connection.fetch_keys(&sql, values![zone], keys(ids)).await?)
}

/// The items and every folder that they are in; a folder can come several times.
pub async fn load_with_ancestors(
    connection: &mut Connection,
    zone: ZoneId,
    ids: &[ItemId],
) -> Result<Vec<ItemRow>, DbError> {
    let mut rows = load(connection, zone, ids).await?;
    let loaded: HashSet<ItemId> = rows.iter().map(|row| row.id).collect();
    let folders: BTreeSet<ItemId> =
        rows.iter().map(|row| row.parent_id).filter(|folder| !loaded.contains(folder)).collect();
    // SQLite takes the tables of a CROSS JOIN in this order; otherwise it can begin with the whole zone.
    let sql = format!(
        "WITH RECURSIVE up (item_id, parent_id) AS (\
           SELECT item_id, parent_id FROM items WHERE zone_id = $1 AND item_id IN ({{keys}}) \
           UNION SELECT i.item_id, i.parent_id FROM up CROSS JOIN items i \
             WHERE i.zone_id = $1 AND i.item_id = up.parent_id) \
         SELECT {COLUMNS} FROM up CROSS JOIN items i WHERE i.zone_id = $1 AND i.item_id = up.item_id"
    );
    let folders = folders.into_iter().map(Value::from);
    rows.extend(items(&connection.fetch_keys(&sql, values![zone], folders).await?)?);
    Ok(rows)
}

/// What is directly in the folders, by id; tombstones left out.
pub async fn load_children(
    connection: &mut Connection,
    zone: ZoneId,
    parents: &[ItemId],
) -> Result<Vec<ItemRow>, DbError> {
    // In two, for there is an index for each.
    let sql = format!(
        "SELECT {COLUMNS} FROM items i WHERE i.zone_id = $1 AND i.parent_id IN ({{keys}}) \
           AND i.deleted_at IS NULL AND i.purged_at IS NULL \
         UNION ALL SELECT {COLUMNS} FROM items i WHERE i.zone_id = $1 AND i.parent_id IN ({{keys}}) \
           AND i.deleted_at IS NOT NULL AND i.purged_at IS NULL"
    );
    let mut children = items(&connection.fetch_keys(&sql, values![zone], keys(parents)).await?)?;
    children.sort_unstable_by_key(|row| row.id);
    Ok(children)
}

/// Who holds these names in the folder.
pub async fn load_holders(
    connection: &mut Connection,
    zone: ZoneId,
    parent: ItemId,
    name_keys: &[String],
) -> Result<Vec<ItemRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM items i WHERE i.zone_id = $1 AND i.parent_id = $2 AND i.name_key IN ({{keys}}) \
         AND i.deleted_at IS NULL AND i.purged_at IS NULL"
    );
    let keys = name_keys.iter().map(|key| Value::from(key.as_str()));
    items(&connection.fetch_keys(&sql, values![zone, parent], keys).await?)
}

/// What went into the trash with one delete: its topmost items.
pub async fn load_deleted_by(
    connection: &mut Connection,
    zone: ZoneId,
    delete: Deletion,
) -> Result<Vec<ItemRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM items i WHERE i.zone_id = $1 AND i.deleted_at = $2 AND i.delete_id = $3 \
         AND i.deleted_at IS NOT NULL AND i.purged_at IS NULL ORDER BY i.item_id"
    );
    items(&connection.fetch_all(&sql, values![zone, delete.at, delete.by]).await?)
}

/// Live items that another device than the deleter's put or changed after `seen`: see
/// [`Touched::outlives_delete`].
pub async fn load_touched_after(
    connection: &mut Connection,
    zone: ZoneId,
    deleter: DeviceId,
    seen: u64,
) -> Result<Vec<ItemRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM items i WHERE i.zone_id = $1 AND i.feed > $2 AND i.deleted_at IS NULL \
         AND i.purged_at IS NULL AND ((i.changed_by <> $3 AND i.changed_feed > $2) \
         OR (i.changed_by = $3 AND i.others_changed_feed > $2)) ORDER BY i.feed"
    );
    items(&connection.fetch_all(&sql, values![zone, seen, deleter]).await?)
}

/// The next entries of the feed after `after`. Up to the position `alive_until` what is deleted by itself or
/// purged is left out.
pub async fn load_feed(
    connection: &mut Connection,
    zone: ZoneId,
    after: u64,
    alive_until: u64,
    limit: usize,
) -> Result<Vec<ItemRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM items i WHERE i.zone_id = $1 AND i.feed > $2 \
         AND (i.feed > $3 OR (i.deleted_at IS NULL AND i.purged_at IS NULL)) ORDER BY i.feed LIMIT $4"
    );
    items(&connection.fetch_all(&sql, values![zone, after, alive_until, limit]).await?)
}

/// The topmost items of deletes, the latest first, after the cursor.
pub async fn load_trash(
    connection: &mut Connection,
    zone: ZoneId,
    before: (Timestamp, ItemId),
    limit: usize,
) -> Result<Vec<ItemRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM items i WHERE i.zone_id = $1 AND i.deleted_at IS NOT NULL AND i.purged_at IS NULL \
         AND (i.deleted_at < $2 OR (i.deleted_at = $2 AND i.item_id < $3)) \
         ORDER BY i.deleted_at DESC, i.item_id DESC LIMIT $4"
    );
    items(&connection.fetch_all(&sql, values![zone, before.0, before.1, limit]).await?)
}

/// Topmost items that went into the trash before then.
pub async fn load_deleted_before(
    connection: &mut Connection,
    zone: ZoneId,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<ItemRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM items i WHERE i.zone_id = $1 AND i.deleted_at IS NOT NULL AND i.purged_at IS NULL \
         AND i.deleted_at < $2 ORDER BY i.deleted_at, i.item_id LIMIT $3"
    );
    items(&connection.fetch_all(&sql, values![zone, before, limit]).await?)
}

/// In which of the zones each id is an item or an alias.
pub async fn zones_of(
    connection: &mut Connection,
    zones: &[ZoneId],
    ids: &[ItemId],
) -> Result<Vec<(ItemId, ZoneId)>, DbError> {
    let sql = "SELECT item_id FROM items WHERE zone_id = $1 AND item_id IN ({keys}) \
               UNION ALL SELECT alias_id FROM aliases WHERE zone_id = $1 AND alias_id IN ({keys})";
    let mut found = Vec::new();
    for &zone in zones {
        for row in connection.fetch_keys(sql, values![zone], keys(ids)).await? {
            found.push((row.get(0)?, zone));
        }
    }
    Ok(found)
}

/// Writes the rows as they are now, new and old. `moved` are those of them that the database has under
/// another name or parent: they let go of their names first, so that names can be swapped.
pub async fn save(
    connection: &mut Connection,
    zone: ZoneId,
    rows: &[ItemRow],
    moved: &[ItemId],
) -> Result<(), DbError> {
    let release = "UPDATE items SET purged_at = 0 WHERE zone_id = $1 AND item_id IN ({keys})";
    connection.execute_keys(release, values![zone], keys(moved)).await?;
    let head = "INSERT INTO items (zone_id, item_id, parent_id, name, name_key, kind, size, mime_type, content_hash, \
         version_id, vector, content_device, content_count, place_device, place_count, last_count, created_at, \
         modified_at, deleted_at, delete_id, purged_at, feed, changed_by, changed_feed, others_changed_feed, photo, fed_by)";
    let tail = "ON CONFLICT (zone_id, item_id) DO UPDATE SET parent_id = excluded.parent_id, name = excluded.name, \
         name_key = excluded.name_key, size = excluded.size, mime_type = excluded.mime_type, \
         content_hash = excluded.content_hash, version_id = excluded.version_id, vector = excluded.vector, \
         content_device = excluded.content_device, content_count = excluded.content_count, \
         place_device = excluded.place_device, place_count = excluded.place_count, last_count = excluded.last_count, \
         modified_at = excluded.modified_at, deleted_at = excluded.deleted_at, delete_id = excluded.delete_id, \
         purged_at = excluded.purged_at, feed = excluded.feed, changed_by = excluded.changed_by, \
         changed_feed = excluded.changed_feed, others_changed_feed = excluded.others_changed_feed, \
         photo = excluded.photo, fed_by = excluded.fed_by";
    let values = rows.iter().map(|row| row_values(zone, row)).collect();
    connection.insert_rows(head, values, tail).await?;
    photos::save(connection, zone, rows).await
}

fn row_values(zone: ZoneId, row: &ItemRow) -> Vec<Value> {
    values![
        zone,
        row.id,
        row.parent_id,
        row.name.as_str(),
        row.name_key(),
        kind_code(row.kind),
        row.size,
        row.mime_type.clone(),
        row.content_hash,
        row.version_id,
        &row.vector,
        row.content_dot.device,
        row.content_dot.count,
        row.place_dot.device,
        row.place_dot.count,
        row.last_count,
        row.created_at,
        row.modified_at,
        row.deleted.map(|deletion| deletion.at),
        row.deleted.map(|deletion| deletion.by),
        row.purged_at,
        row.feed,
        row.touched.by,
        row.touched.feed,
        row.touched.others_feed,
        row.photo.as_ref().and_then(|photo| serde_json::to_string(photo).ok()),
        row.fed_by,
    ]
}
