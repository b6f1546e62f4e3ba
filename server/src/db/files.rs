//! What a download needs to know of files and folders. The zone comes from a grant.

use shared::{ContentHash, ItemId, Timestamp, VersionId, ZoneId};

use super::{Connection, DbError, Row};
use crate::values;

/// A file or a folder, alive or in the trash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    pub id: ItemId,
    pub parent_id: ItemId,
    pub name: String,
    pub mime_type: Option<String>,
    /// None for a folder.
    pub content_hash: Option<ContentHash>,
    pub modified_at: Timestamp,
}

const COLUMNS: &str = "item_id, parent_id, name, mime_type, content_hash, modified_at";

fn file(row: &Row) -> Result<FileRow, DbError> {
    Ok(FileRow {
        id: row.get(0)?,
        parent_id: row.get(1)?,
        name: row.get(2)?,
        mime_type: row.get(3)?,
        content_hash: row.get(4)?,
        modified_at: row.get(5)?,
    })
}

/// None for a tombstone, too.
pub async fn find(
    connection: &mut Connection,
    zone: ZoneId,
    item: ItemId,
) -> Result<Option<FileRow>, DbError> {
    let sql =
        format!("SELECT {COLUMNS} FROM items WHERE zone_id = $1 AND item_id = $2 AND purged_at IS NULL");
    connection.fetch_optional(&sql, values![zone, item]).await?.as_ref().map(file).transpose()
}

/// What is alive in the folder, by name.
pub async fn children(
    connection: &mut Connection,
    zone: ZoneId,
    folder: ItemId,
) -> Result<Vec<FileRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM items WHERE zone_id = $1 AND parent_id = $2 AND deleted_at IS NULL \
         AND purged_at IS NULL ORDER BY name_key"
    );
    connection.fetch_all(&sql, values![zone, folder]).await?.iter().map(file).collect()
}

/// A content that the file has or had.
pub async fn version(
    connection: &mut Connection,
    zone: ZoneId,
    item: ItemId,
    version: VersionId,
) -> Result<Option<ContentHash>, DbError> {
    let sql = "SELECT content_hash FROM versions WHERE zone_id = $1 AND version_id = $2 AND item_id = $3";
    let row = connection.fetch_optional(sql, values![zone, version, item]).await?;
    row.map(|row| row.get(0)).transpose()
}
