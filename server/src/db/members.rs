//! Who may use which zone.

use std::collections::BTreeMap;

use shared::faults::Fault;
use shared::sync::ZoneRole;
use shared::{ItemId, UserId, ZoneId};

use super::zone_codes::{kind_of, role_of};
use super::zones::Position;
use super::{Connection, DbError, Value};
use crate::access::Grant;
use crate::values;

/// The person's zones, the own files first, then by age.
pub async fn zones_of(connection: &mut Connection, user_id: UserId) -> Result<Vec<Grant>, DbError> {
    let mut sql = "SELECT z.zone_id, z.account_id, z.root_id, z.kind, m.role FROM zone_members m \
                   JOIN zones z ON z.zone_id = m.zone_id \
                   WHERE m.user_id = $1 AND m.removed_at IS NULL ORDER BY z.kind, z.created_at, z.zone_id";
    if Fault::OthersZonesAreGiven.is_planted() {
        sql = "SELECT z.zone_id, z.account_id, z.root_id, z.kind, m.role FROM zone_members m \
               JOIN zones z ON z.zone_id = m.zone_id \
               WHERE m.removed_at IS NULL ORDER BY CASE WHEN m.user_id = $1 THEN 0 ELSE 1 END, z.kind, z.zone_id";
    }
    let rows = connection.fetch_all(sql, values![user_id]).await?;
    rows.iter()
        .map(|row| {
            Ok(Grant {
                user_id,
                zone_id: row.get(0)?,
                account_id: row.get(1)?,
                root_id: row.get(2)?,
                kind: kind_of(row.get(3)?)?,
                role: role_of(row.get(4)?)?,
            })
        })
        .collect()
}

/// The zone as the one who pays for it has it.
pub async fn payers_grant(connection: &mut Connection, zone_id: ZoneId) -> Result<Option<Grant>, DbError> {
    let sql = "SELECT account_id, root_id, kind FROM zones WHERE zone_id = $1";
    let Some(row) = connection.fetch_optional(sql, values![zone_id]).await? else { return Ok(None) };
    let account_id: UserId = row.get(0)?;
    Ok(Some(Grant {
        user_id: account_id,
        zone_id,
        account_id,
        root_id: row.get(1)?,
        kind: kind_of(row.get(2)?)?,
        role: ZoneRole::Owner,
    }))
}

/// Everyone who uses the zone.
pub async fn users_of(connection: &mut Connection, zone_id: ZoneId) -> Result<Vec<UserId>, DbError> {
    let sql = "SELECT user_id FROM zone_members WHERE zone_id = $1 AND removed_at IS NULL";
    connection.fetch_all(sql, values![zone_id]).await?.iter().map(|row| row.get(0)).collect()
}

/// In which of the zones the item is.
pub async fn item_zones(
    connection: &mut Connection,
    item_id: ItemId,
    zones: &[ZoneId],
) -> Result<Vec<ZoneId>, DbError> {
    let sql = "SELECT zone_id FROM items WHERE item_id = $1 AND zone_id IN ({keys})";
    let rows =
        connection.fetch_keys(sql, values![item_id], zones.iter().map(|&zone| Value::from(zone))).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// In which of the zones the id is an alias, and what for.
pub async fn alias_zones(
    connection: &mut Connection,
    alias_id: ItemId,
    zones: &[ZoneId],
) -> Result<Vec<(ZoneId, ItemId)>, DbError> {
    let sql = "SELECT zone_id, item_id FROM aliases WHERE alias_id = $1 AND zone_id IN ({keys})";
    let rows =
        connection.fetch_keys(sql, values![alias_id], zones.iter().map(|&zone| Value::from(zone))).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// The zones of these people, and where each one's feed stands.
pub async fn positions(
    connection: &mut Connection,
    users: &[UserId],
) -> Result<BTreeMap<ZoneId, Position>, DbError> {
    let sql = "SELECT DISTINCT z.zone_id, z.counter, z.tombstone_floor FROM zone_members m \
               JOIN zones z ON z.zone_id = m.zone_id WHERE m.removed_at IS NULL AND m.user_id IN ({keys})";
    let rows = connection.fetch_keys(sql, values![], users.iter().map(|&user| Value::from(user))).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, Position { counter: row.get(1)?, tombstone_floor: row.get(2)? })))
        .collect()
}
