//! Conflicts: two contents of one file of which a person has to choose. The server's side is whatever the
//! file holds at present; the local side and the base stand here.

use shared::sync::Proposal;
use shared::version_vector::Comparison;
use shared::{ConflictId, Dot, ItemId, Timestamp, VersionId, VersionVector, ZoneId};

use super::{Connection, DbError, Row};
use crate::values;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictRow {
    pub id: ConflictId,
    pub item_id: ItemId,
    pub local_version_id: VersionId,
    /// What the file held when the conflict arose.
    pub server_version_id: VersionId,
    pub base_version_id: Option<VersionId>,
    /// The base and the local input's dot.
    pub local_vector: VersionVector,
    pub server_vector: VersionVector,
    pub local_dot: Dot,
    pub server_device: shared::DeviceId,
    pub proposal: Option<Proposal>,
    pub created_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    /// JSON of the answer to the resolution.
    pub result: Option<String>,
}

impl ConflictRow {
    /// Whether the vector is one that the local side was given out with: its present one, or the one from before
    /// equal contents joined it.
    pub fn gave_out(&self, vector: &VersionVector) -> bool {
        let comparison = VersionVector::compare(vector, &self.local_vector);
        vector.covers(self.local_dot) && matches!(comparison, Comparison::Equal | Comparison::ServerNewer)
    }
}

const COLUMNS: &str = "conflict_id, item_id, local_version_id, server_version_id, base_version_id, local_vector, \
     server_vector, local_device, local_count, server_device, proposal, created_at, resolved_at, result";

fn conflict(row: &Row) -> Result<ConflictRow, DbError> {
    let proposal: Option<String> = row.get(10)?;
    Ok(ConflictRow {
        id: row.get(0)?,
        item_id: row.get(1)?,
        local_version_id: row.get(2)?,
        server_version_id: row.get(3)?,
        base_version_id: row.get(4)?,
        local_vector: row.get(5)?,
        server_vector: row.get(6)?,
        local_dot: Dot { device: row.get(7)?, count: row.get(8)? },
        server_device: row.get(9)?,
        proposal: proposal.and_then(|text| serde_json::from_str(&text).ok()),
        created_at: row.get(11)?,
        resolved_at: row.get(12)?,
        result: row.get(13)?,
    })
}

pub async fn load(
    connection: &mut Connection,
    zone: ZoneId,
    ids: &[ConflictId],
) -> Result<Vec<ConflictRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM conflicts WHERE zone_id = $1 AND conflict_id IN ({{keys}})");
    let rows = connection.fetch_keys(&sql, values![zone], ids.iter().map(|&id| id.into())).await?;
    rows.iter().map(conflict).collect()
}

/// The open conflicts of the items, the oldest first.
pub async fn load_open(
    connection: &mut Connection,
    zone: ZoneId,
    items: &[ItemId],
) -> Result<Vec<ConflictRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conflicts WHERE zone_id = $1 AND resolved_at IS NULL AND item_id IN ({{keys}})"
    );
    let rows = connection.fetch_keys(&sql, values![zone], items.iter().map(|&id| id.into())).await?;
    let mut open = rows.iter().map(conflict).collect::<Result<Vec<_>, _>>()?;
    open.sort_unstable_by_key(|row| (row.created_at, row.id));
    Ok(open)
}

/// All conflicts that the item has and had, in no order.
pub async fn load_of_item(
    connection: &mut Connection,
    zone: ZoneId,
    item: ItemId,
) -> Result<Vec<ConflictRow>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM conflicts WHERE zone_id = $1 AND item_id = $2");
    let rows = connection.fetch_all(&sql, values![zone, item]).await?;
    rows.iter().map(conflict).collect()
}

/// The zone's open conflicts, the oldest first.
pub async fn load_all_open(
    connection: &mut Connection,
    zone: ZoneId,
    limit: usize,
) -> Result<Vec<ConflictRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM conflicts WHERE zone_id = $1 AND resolved_at IS NULL \
         ORDER BY created_at, conflict_id LIMIT $2"
    );
    let rows = connection.fetch_all(&sql, values![zone, limit]).await?;
    rows.iter().map(conflict).collect()
}

/// Which conflicts of the zones are open, and with which local side.
pub async fn load_open_sides(
    connection: &mut Connection,
    zones: &[ZoneId],
) -> Result<Vec<(ZoneId, ConflictId, VersionVector)>, DbError> {
    let sql = "SELECT zone_id, conflict_id, local_vector FROM conflicts \
               WHERE resolved_at IS NULL AND zone_id IN ({keys})";
    let rows = connection.fetch_keys(sql, values![], zones.iter().map(|&zone| zone.into())).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
}

/// Writes the rows as they are now, new and old.
pub async fn save(connection: &mut Connection, zone: ZoneId, rows: &[ConflictRow]) -> Result<(), DbError> {
    let head = "INSERT INTO conflicts (zone_id, conflict_id, item_id, local_version_id, server_version_id, \
         base_version_id, local_vector, server_vector, local_device, local_count, server_device, proposal, \
         created_at, resolved_at, result)";
    let tail = "ON CONFLICT (zone_id, conflict_id) DO UPDATE SET local_version_id = excluded.local_version_id, \
         local_vector = excluded.local_vector, local_device = excluded.local_device, local_count = excluded.local_count, \
         proposal = excluded.proposal, resolved_at = excluded.resolved_at, result = excluded.result";
    let rows = rows
        .iter()
        .map(|row| {
            let proposal = row.proposal.as_ref().and_then(|proposal| serde_json::to_string(proposal).ok());
            values![
                zone,
                row.id,
                row.item_id,
                row.local_version_id,
                row.server_version_id,
                row.base_version_id,
                &row.local_vector,
                &row.server_vector,
                row.local_dot.device,
                row.local_dot.count,
                row.server_device,
                proposal,
                row.created_at,
                row.resolved_at,
                row.result.clone()
            ]
        })
        .collect();
    connection.insert_rows(head, rows, tail).await?;
    Ok(())
}
