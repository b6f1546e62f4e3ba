//! What happened to items, told to people.

use shared::{DeviceId, ItemId, Timestamp, ZoneId};
use uuid::Uuid;

use super::{Connection, DbError, Value};
use crate::values;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    pub id: Uuid,
    pub item_id: ItemId,
    pub device_id: DeviceId,
    pub kind: ActivityKind,
    /// JSON: what the kind needs to be told.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActivityKind {
    /// Another had moved it first; the place asked for stands in the detail.
    MoveLost,
    /// It had been changed or moved unseen by the deleter, so it lives.
    DeleteLost,
    /// Two contents were merged line by line.
    Merged,
}

impl ActivityKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::MoveLost => "move_lost",
            Self::DeleteLost => "delete_lost",
            Self::Merged => "merged",
        }
    }
}

pub async fn insert(
    connection: &mut Connection,
    zone: ZoneId,
    rows: &[ActivityRow],
    now: Timestamp,
) -> Result<(), DbError> {
    let head = "INSERT INTO activity (zone_id, activity_id, item_id, device_id, happened_at, kind, detail)";
    let rows = rows
        .iter()
        .map(|row| {
            let id = Value::from(row.id.as_bytes().as_slice());
            values![zone, id, row.item_id, row.device_id, now, row.kind.as_str(), row.detail.as_str()]
        })
        .collect();
    connection.insert_rows(head, rows, "").await?;
    Ok(())
}
