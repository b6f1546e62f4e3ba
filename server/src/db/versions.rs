//! Every content that a file has or had. The ledger of `manifests` counts one reference for each row.

use std::cmp::Reverse;

use shared::{ContentHash, Dot, ItemId, Timestamp, VersionId, ZoneId};

use super::{Connection, DbError, Row, Value};
use crate::values;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionRow {
    pub id: VersionId,
    pub item_id: ItemId,
    pub content_hash: ContentHash,
    /// In bytes.
    pub size: u64,
    /// The input that brought it.
    pub dot: Dot,
    pub modified_at: Timestamp,
    pub created_at: Timestamp,
    /// None while it is current or pinned by an open conflict.
    pub superseded_at: Option<Timestamp>,
    /// Whether it is or was what the file holds; otherwise it only came in: a conflict's side, an input of a
    /// merge.
    pub was_current: bool,
}

const COLUMNS: &str = "version_id, item_id, content_hash, size, device_id, count, modified_at, created_at, \
     superseded_at, was_current";

fn version(row: &Row) -> Result<VersionRow, DbError> {
    Ok(VersionRow {
        id: row.get(0)?,
        item_id: row.get(1)?,
        content_hash: row.get(2)?,
        size: row.get(3)?,
        dot: Dot { device: row.get(4)?, count: row.get(5)? },
        modified_at: row.get(6)?,
        created_at: row.get(7)?,
        superseded_at: row.get(8)?,
        was_current: row.get(9)?,
    })
}

/// All versions of the items, the newest first.
pub async fn load_of_items(
    connection: &mut Connection,
    zone: ZoneId,
    items: &[ItemId],
) -> Result<Vec<VersionRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM versions WHERE zone_id = $1 AND item_id IN ({{keys}})");
    let rows = connection.fetch_keys(&sql, values![zone], items.iter().map(|&id| id.into())).await?;
    let mut versions = rows.iter().map(version).collect::<Result<Vec<_>, _>>()?;
    versions.sort_unstable_by_key(|row| (Reverse(row.dot.count), row.id));
    Ok(versions)
}

/// The item's versions whose count is below `before`, the newest first, at most `limit`.
pub async fn load_page(
    connection: &mut Connection,
    zone: ZoneId,
    item: ItemId,
    before: u64,
    limit: usize,
) -> Result<Vec<VersionRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM versions WHERE zone_id = $1 AND item_id = $2 AND count < $3 \
         ORDER BY count DESC LIMIT $4"
    );
    let before = before.min(i64::MAX.unsigned_abs());
    connection.fetch_all(&sql, values![zone, item, before, limit]).await?.iter().map(version).collect()
}

pub async fn load(
    connection: &mut Connection,
    zone: ZoneId,
    ids: &[VersionId],
) -> Result<Vec<VersionRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM versions WHERE zone_id = $1 AND version_id IN ({{keys}})");
    let rows = connection.fetch_keys(&sql, values![zone], ids.iter().map(|&id| id.into())).await?;
    rows.iter().map(version).collect()
}

pub async fn insert(connection: &mut Connection, zone: ZoneId, rows: &[VersionRow]) -> Result<(), DbError> {
    let head = "INSERT INTO versions (zone_id, version_id, item_id, content_hash, size, device_id, count, \
         modified_at, created_at, superseded_at, was_current)";
    let rows = rows
        .iter()
        .map(|row| {
            values![
                zone,
                row.id,
                row.item_id,
                row.content_hash,
                row.size,
                row.dot.device,
                row.dot.count,
                row.modified_at,
                row.created_at,
                row.superseded_at,
                row.was_current
            ]
        })
        .collect();
    connection.insert_rows(head, rows, "").await?;
    Ok(())
}

/// Another content took their place, or what pinned them is settled; None pins them.
pub async fn set_superseded(
    connection: &mut Connection,
    zone: ZoneId,
    ids: &[VersionId],
    at: Option<Timestamp>,
) -> Result<(), DbError> {
    let sql = "UPDATE versions SET superseded_at = $2 WHERE zone_id = $1 AND version_id IN ({keys})";
    connection.execute_keys(sql, values![zone, at], ids.iter().map(|&id| Value::from(id))).await?;
    Ok(())
}

/// Takes the versions away; their contents are the caller's to release.
pub async fn delete(connection: &mut Connection, zone: ZoneId, ids: &[VersionId]) -> Result<(), DbError> {
    let sql = "DELETE FROM versions WHERE zone_id = $1 AND version_id IN ({keys})";
    connection.execute_keys(sql, values![zone], ids.iter().map(|&id| Value::from(id))).await?;
    Ok(())
}
