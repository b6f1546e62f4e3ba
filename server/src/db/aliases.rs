//! Ids that a create was answered with another item for.

use shared::{ItemId, Timestamp, ZoneId};

use super::{Connection, DbError};
use crate::values;

/// What each id stands for, where it is an alias.
pub async fn load(
    connection: &mut Connection,
    zone: ZoneId,
    ids: &[ItemId],
) -> Result<Vec<(ItemId, ItemId)>, DbError> {
    let sql = "SELECT alias_id, item_id FROM aliases WHERE zone_id = $1 AND alias_id IN ({keys})";
    let rows = connection.fetch_keys(sql, values![zone], ids.iter().map(|&id| id.into())).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

pub async fn insert(
    connection: &mut Connection,
    zone: ZoneId,
    aliases: &[(ItemId, ItemId)],
    now: Timestamp,
) -> Result<(), DbError> {
    let head = "INSERT INTO aliases (zone_id, alias_id, item_id, created_at)";
    let rows = aliases.iter().map(|&(alias, item)| values![zone, alias, item, now]).collect();
    connection.insert_rows(head, rows, "").await?;
    Ok(())
}
