//! What is kept for a time only: answers to operations, tombstones, aliases, earlier contents, sessions.

use shared::{ContentHash, ItemId, Timestamp, UserId, VersionId, ZoneId};

use super::{Connection, DbError};
use crate::values;

/// The row of `settings` that remembers how the clock ran.
const CLOCK: &str = "clock";

/// The record, to be set in the same transaction: no other node gets at it in between.
pub async fn lock_clock_record(connection: &mut Connection) -> Result<Option<Vec<u8>>, DbError> {
    let sql = "UPDATE settings SET value = value WHERE name = $1 RETURNING value";
    let row = connection.fetch_optional(sql, values![CLOCK]).await?;
    row.map(|row| row.get(0)).transpose()
}

/// The record, as it was last set.
pub async fn clock_record(connection: &mut Connection) -> Result<Option<Vec<u8>>, DbError> {
    let row = connection.fetch_optional("SELECT value FROM settings WHERE name = $1", values![CLOCK]).await?;
    row.map(|row| row.get(0)).transpose()
}

pub async fn set_clock_record(connection: &mut Connection, record: Vec<u8>) -> Result<(), DbError> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.execute(sql, values![CLOCK, record]).await.map(drop)
}

/// Of operations recorded before `cut`, at most `limit`, only the ids remain. Answers how many.
pub async fn stub_operations(
    connection: &mut Connection,
    cut: Timestamp,
    limit: u32,
) -> Result<u64, DbError> {
    let sql = "SELECT user_id, operation_id FROM operations WHERE payload_hash IS NOT NULL AND recorded_at < $1 \
               ORDER BY recorded_at LIMIT $2";
    let rows = connection.fetch_all(sql, values![cut, limit]).await?;
    for row in &rows {
        let sql = "UPDATE operations SET payload_hash = NULL, zone_id = NULL, item_id = NULL, result = NULL, \
                   chain = NULL, by_upload = NULL WHERE user_id = $1 AND operation_id = $2";
        let (user, operation): (UserId, shared::OperationId) = (row.get(0)?, row.get(1)?);
        connection.execute(sql, values![user, operation]).await?;
    }
    Ok(rows.len() as u64)
}

/// Zones with tombstones older than `cut`.
pub async fn zones_with_old_tombstones(
    connection: &mut Connection,
    cut: Timestamp,
) -> Result<Vec<ZoneId>, DbError> {
    let sql = "SELECT DISTINCT zone_id FROM items WHERE purged_at < $1";
    connection.fetch_all(sql, values![cut]).await?.iter().map(|row| row.get(0)).collect()
}

/// Forgets the zone's tombstones older than `cut`. Sync tokens from before them have expired: a client
/// that still holds one could not be told of these deletes. Their ids may come again, their counts may not.
pub async fn forget_tombstones(
    connection: &mut Connection,
    zone: ZoneId,
    cut: Timestamp,
) -> Result<u64, DbError> {
    // The zone's lock first: no pull's answer may lie across the raised floor.
    let sql = "UPDATE zones SET counter = counter WHERE zone_id = $1 RETURNING tombstone_floor, count_floor";
    let Some(row) = connection.fetch_optional(sql, values![zone]).await? else { return Ok(0) };
    let (floor, count_floor): (i64, i64) = (row.get(0)?, row.get(1)?);
    let sql = "SELECT CAST(COALESCE(MAX(feed), 0) AS BIGINT), CAST(COALESCE(MAX(last_count), 0) AS BIGINT) \
               FROM items WHERE zone_id = $1 AND purged_at < $2";
    let highest = connection.fetch_one(sql, values![zone, cut]).await?;
    let noted = !shared::faults::Fault::TombstonesGoUnnoted.is_planted();
    let floor = floor.max(if noted { highest.get(0)? } else { 0 });
    let count_floor = count_floor.max(highest.get(1)?);
    let sql = "UPDATE zones SET tombstone_floor = $2, count_floor = $3 WHERE zone_id = $1";
    connection.execute(sql, values![zone, floor, count_floor]).await?;
    connection.execute("DELETE FROM items WHERE zone_id = $1 AND purged_at < $2", values![zone, cut]).await
}

/// Forgets aliases, settled conflicts and activity older than `cut`, and sessions that ended before `now`.
pub async fn forget_records(
    connection: &mut Connection,
    now: Timestamp,
    cut: Timestamp,
) -> Result<(), DbError> {
    connection.execute("DELETE FROM aliases WHERE created_at < $1", values![cut]).await?;
    connection.execute("DELETE FROM conflicts WHERE resolved_at < $1", values![cut]).await?;
    connection.execute("DELETE FROM activity WHERE happened_at < $1", values![cut]).await?;
    connection.execute("DELETE FROM sessions WHERE expires_at < $1", values![now]).await?;
    connection.execute("DELETE FROM invites WHERE expires_at < $1 AND used_by IS NULL", values![cut]).await?;
    Ok(())
}

/// An earlier content that nothing keeps any longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldVersion {
    pub zone_id: ZoneId,
    pub account_id: UserId,
    pub version_id: VersionId,
    pub content_hash: ContentHash,
}

/// Contents superseded before `cut` beyond the last `kept` of their item, at most `limit`. What an open
/// conflict pins is left out.
pub async fn old_versions(
    connection: &mut Connection,
    cut: Timestamp,
    kept: usize,
    limit: u32,
) -> Result<Vec<OldVersion>, DbError> {
    let sql = "SELECT versions.zone_id, zones.account_id, versions.version_id, versions.content_hash \
               FROM versions JOIN zones ON zones.zone_id = versions.zone_id \
               WHERE versions.superseded_at < $1 \
                 AND (SELECT COUNT(*) FROM versions AS later WHERE later.zone_id = versions.zone_id \
                      AND later.item_id = versions.item_id AND later.superseded_at IS NOT NULL \
                      AND (later.superseded_at > versions.superseded_at OR (later.superseded_at = versions.superseded_at \
                           AND later.version_id > versions.version_id))) >= $2 \
                 AND NOT EXISTS (SELECT 1 FROM conflicts WHERE conflicts.zone_id = versions.zone_id \
                      AND conflicts.item_id = versions.item_id AND conflicts.resolved_at IS NULL \
                      AND (conflicts.local_version_id = versions.version_id \
                           OR conflicts.server_version_id = versions.version_id \
                           OR conflicts.base_version_id = versions.version_id)) \
               ORDER BY versions.zone_id, versions.superseded_at LIMIT $3";
    let rows = connection.fetch_all(sql, values![cut, kept, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(OldVersion {
                zone_id: row.get(0)?,
                account_id: row.get(1)?,
                version_id: row.get(2)?,
                content_hash: row.get(3)?,
            })
        })
        .collect()
}

/// Deletes old versions of one zone, unless they became current or pinned since they were listed. Answers
/// the contents to release.
pub async fn delete_versions(
    connection: &mut Connection,
    zone: ZoneId,
    versions: &[VersionId],
    cut: Timestamp,
) -> Result<Vec<ContentHash>, DbError> {
    connection
        .fetch_optional(
            "UPDATE zones SET counter = counter WHERE zone_id = $1 RETURNING counter",
            values![zone],
        )
        .await?;
    let sql = "DELETE FROM versions WHERE zone_id = $1 AND superseded_at < $2 AND version_id IN ({keys}) \
                 AND NOT EXISTS (SELECT 1 FROM items WHERE items.zone_id = versions.zone_id \
                      AND items.version_id = versions.version_id) \
                 AND NOT EXISTS (SELECT 1 FROM conflicts WHERE conflicts.zone_id = versions.zone_id \
                      AND conflicts.resolved_at IS NULL \
                      AND (conflicts.local_version_id = versions.version_id \
                           OR conflicts.server_version_id = versions.version_id \
                           OR conflicts.base_version_id = versions.version_id)) \
               RETURNING content_hash";
    let rows = connection.fetch_keys(sql, values![zone, cut], versions.iter().map(|&v| v.into())).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// Where an item stands in the old trash: a page begins after it.
pub type TrashPlace = (Timestamp, ZoneId, ItemId);

/// Topmost items of deletes older than `cut` that stand after `after`, at most `limit`.
pub async fn old_trash(
    connection: &mut Connection,
    cut: Timestamp,
    after: TrashPlace,
    limit: u32,
) -> Result<Vec<TrashPlace>, DbError> {
    let sql = "SELECT deleted_at, zone_id, item_id FROM items WHERE deleted_at < $1 AND purged_at IS NULL \
                 AND (deleted_at, zone_id, item_id) > ($2, $3, $4) \
               ORDER BY deleted_at, zone_id, item_id LIMIT $5";
    let rows = connection.fetch_all(sql, values![cut, after.0, after.1, after.2, limit]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).collect()
}

/// The row of `settings` that keeps chunks while a backup is made.
const COLLECTION_PAUSE: &str = "collection_paused_until";

/// Nothing is collected until then; None ends the pause.
pub async fn pause_collection(connection: &mut Connection, until: Option<Timestamp>) -> Result<(), DbError> {
    let Some(until) = until else {
        let sql = "DELETE FROM settings WHERE name = $1";
        return connection.execute(sql, values![COLLECTION_PAUSE]).await.map(drop);
    };
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    let until = until.as_millis().to_be_bytes().to_vec();
    connection.execute(sql, values![COLLECTION_PAUSE, until]).await.map(drop)
}

/// Whether a backup under way keeps chunks from being collected.
pub async fn collection_is_paused(connection: &mut Connection, now: Timestamp) -> Result<bool, DbError> {
    let sql = "SELECT value FROM settings WHERE name = $1";
    let Some(row) = connection.fetch_optional(sql, values![COLLECTION_PAUSE]).await? else {
        return Ok(false);
    };
    let until = row.get::<Vec<u8>>(0)?.try_into().map_or(0, i64::from_be_bytes);
    Ok(now < Timestamp::from_millis(until))
}

/// After a restore: a new epoch, and nobody is signed in.
pub async fn begin_epoch(connection: &mut Connection, epoch: uuid::Uuid) -> Result<(), DbError> {
    let sql = "UPDATE settings SET value = $1 WHERE name = 'epoch'";
    connection.execute(sql, values![epoch.as_bytes().as_slice()]).await?;
    pause_collection(connection, None).await?;
    connection.execute("DELETE FROM sessions", values![]).await.map(drop)
}
