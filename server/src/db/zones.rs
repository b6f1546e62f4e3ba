//! A zone's counter: the order of the feed is the order of commits.

use shared::ZoneId;

use super::{Connection, DbError};
use crate::values;

/// Where a zone's feed stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The last position given out.
    pub counter: u64,
    /// The highest position whose tombstone is gone.
    pub tombstone_floor: u64,
}

/// What a write to the zone goes on from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The last position given out.
    pub counter: u64,
    /// The highest count of an item that was forgotten.
    pub count_floor: u64,
}

/// The first statement of every write to the zone: takes its row lock, so that whatever is read afterwards
/// in this transaction cannot change under it, and positions are taken in the order of commits.
pub async fn lock(connection: &mut Connection, zone: ZoneId) -> Result<Start, DbError> {
    let sql = "UPDATE zones SET counter = counter WHERE zone_id = $1 RETURNING counter, count_floor";
    let row = connection.fetch_one(sql, values![zone]).await?;
    Ok(Start { counter: row.get(0)?, count_floor: row.get(1)? })
}

/// The positions up to `counter` are taken.
pub async fn set_counter(connection: &mut Connection, zone: ZoneId, counter: u64) -> Result<(), DbError> {
    let sql = "UPDATE zones SET counter = $2 WHERE zone_id = $1";
    connection.execute(sql, values![zone, counter]).await?;
    Ok(())
}

pub async fn positions(
    connection: &mut Connection,
    zones: &[ZoneId],
) -> Result<Vec<(ZoneId, Position)>, DbError> {
    let sql = "SELECT zone_id, counter, tombstone_floor FROM zones WHERE zone_id IN ({keys})";
    let rows = connection.fetch_keys(sql, values![], zones.iter().map(|&zone| zone.into())).await?;
    rows.iter()
        .map(|row| Ok((row.get(0)?, Position { counter: row.get(1)?, tombstone_floor: row.get(2)? })))
        .collect()
}
