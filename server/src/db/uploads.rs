//! Uploads under way: their plan, and which of their chunks are there.

use std::time::Duration;

use shared::content::ChunkInfo;
use shared::{ChunkHash, ChunkRef, DeviceId, ItemId, Timestamp, UploadId, UserId, ZoneId};

use super::{Connection, DbError, Row};
use crate::values;

/// An upload under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Upload {
    pub user_id: UserId,
    pub upload_id: UploadId,
    pub device_id: DeviceId,
    pub zone_id: ZoneId,
    pub account_id: UserId,
    pub file_id: ItemId,
    /// JSON of the request without its chunks.
    pub request: String,
    pub payload_hash: [u8; 32],
    /// In bytes.
    pub total_size: u64,
    pub chunk_size: u32,
    pub total_chunks: u32,
    /// Whether the chunks were named at `init`.
    pub announced: bool,
    pub held_chunks: u32,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A chunk of an upload's plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedChunk {
    pub index: u32,
    pub chunk: ChunkRef,
    /// Sent, or present when it was announced.
    pub held: bool,
    /// Whether another of the plan is the same: then either stands for both.
    pub repeats: bool,
}

const COLUMNS: &str = "user_id, upload_id, device_id, zone_id, account_id, file_id, request, payload_hash, \
     total_size, chunk_size, total_chunks, announced, held_chunks, created_at, expires_at";

fn upload(row: &Row) -> Result<Upload, DbError> {
    let payload_hash: Vec<u8> = row.get(7)?;
    Ok(Upload {
        user_id: row.get(0)?,
        upload_id: row.get(1)?,
        device_id: row.get(2)?,
        zone_id: row.get(3)?,
        account_id: row.get(4)?,
        file_id: row.get(5)?,
        request: row.get(6)?,
        payload_hash: payload_hash
            .try_into()
            .map_err(|_| DbError::Shape { column: 7, reason: "not a hash".into() })?,
        total_size: row.get(8)?,
        chunk_size: row.get(9)?,
        total_chunks: row.get(10)?,
        announced: row.get(11)?,
        held_chunks: row.get(12)?,
        created_at: row.get(13)?,
        expires_at: row.get(14)?,
    })
}

impl Upload {
    /// What the chunk at `index` must have, in bytes, where the chunks were not named; None beyond the end.
    pub fn planned_size(&self, index: u32) -> Option<u32> {
        let start = u64::from(index) * u64::from(self.chunk_size);
        let left = self.total_size.checked_sub(start).filter(|&left| left > 0)?;
        (index < self.total_chunks).then(|| left.min(self.chunk_size.into()) as u32)
    }

    /// Percent of the chunks that are there.
    pub fn progress(&self) -> f64 {
        progress(self.held_chunks, self.total_chunks)
    }
}

/// Percent, 100 where there is nothing to send.
pub fn progress(held: u32, total: u32) -> f64 {
    if total == 0 { 100.0 } else { f64::from(held.min(total)) * 100.0 / f64::from(total) }
}

/// The person's upload, also an expired one that was not swept yet.
pub async fn find(
    connection: &mut Connection,
    user: UserId,
    upload_id: UploadId,
) -> Result<Option<Upload>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM uploads WHERE user_id = $1 AND upload_id = $2");
    connection.fetch_optional(&sql, values![user, upload_id]).await?.as_ref().map(upload).transpose()
}

/// How many uploads the person has under way.
pub async fn count(connection: &mut Connection, user: UserId, now: Timestamp) -> Result<usize, DbError> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM uploads WHERE user_id = $1 AND expires_at > $2";
    Ok(connection.fetch_one(sql, values![user, now]).await?.get::<u32>(0)? as usize)
}

/// Begins an upload: `chunks` are those named at `init`. One of the same id that expired is replaced.
pub async fn insert(
    connection: &mut Connection,
    upload: &Upload,
    chunks: &[PlannedChunk],
) -> Result<(), DbError> {
    delete(connection, upload.user_id, upload.upload_id).await?;
    let row = values![
        upload.user_id,
        upload.upload_id,
        upload.device_id,
        upload.zone_id,
        upload.account_id,
        upload.file_id,
        upload.request.as_str(),
        upload.payload_hash.as_slice(),
        upload.total_size,
        upload.chunk_size,
        upload.total_chunks,
        upload.announced,
        upload.held_chunks,
        upload.created_at,
        upload.expires_at,
    ];
    connection.insert_rows(&format!("INSERT INTO uploads ({COLUMNS})"), vec![row], "").await?;
    let rows = chunks
        .iter()
        .map(|planned| {
            let ChunkRef { hash, size } = planned.chunk;
            let PlannedChunk { index, held, repeats, .. } = *planned;
            values![upload.user_id, upload.upload_id, index, hash, size, held, repeats]
        })
        .collect();
    let head = "INSERT INTO upload_chunks (user_id, upload_id, idx, hash, size, held, repeats)";
    connection.insert_rows(head, rows, "").await?;
    Ok(())
}

/// The plan of one chunk, where it was named or sent.
pub async fn planned_chunk(
    connection: &mut Connection,
    user: UserId,
    upload_id: UploadId,
    index: u32,
) -> Result<Option<PlannedChunk>, DbError> {
    let sql = "SELECT idx, hash, size, held, repeats FROM upload_chunks \
               WHERE user_id = $1 AND upload_id = $2 AND idx = $3";
    let row = connection.fetch_optional(sql, values![user, upload_id, index]).await?;
    row.as_ref().map(planned).transpose()
}

/// All that were named or sent, in order.
pub async fn planned_chunks(
    connection: &mut Connection,
    user: UserId,
    upload_id: UploadId,
) -> Result<Vec<PlannedChunk>, DbError> {
    let sql = "SELECT idx, hash, size, held, repeats FROM upload_chunks \
               WHERE user_id = $1 AND upload_id = $2 ORDER BY idx";
    connection.fetch_all(sql, values![user, upload_id]).await?.iter().map(planned).collect()
}

fn planned(row: &Row) -> Result<PlannedChunk, DbError> {
    let chunk = ChunkRef { hash: row.get(1)?, size: row.get(2)? };
    Ok(PlannedChunk { index: row.get(0)?, chunk, held: row.get(3)?, repeats: row.get(4)? })
}

/// Notes a chunk that is now durable, and that the upload lives until `expires_at`. Answers how many
/// chunks are there; None if the upload is gone.
pub async fn note_chunk(
    connection: &mut Connection,
    user: UserId,
    upload_id: UploadId,
    index: u32,
    chunk: ChunkRef,
    expires_at: Timestamp,
) -> Result<Option<u32>, DbError> {
    // The upload's row lock first: chunks that arrive in parallel are counted one after the other.
    let sql =
        "UPDATE uploads SET expires_at = $3 WHERE user_id = $1 AND upload_id = $2 RETURNING held_chunks";
    let Some(row) = connection.fetch_optional(sql, values![user, upload_id, expires_at]).await? else {
        return Ok(None);
    };
    let held: u32 = row.get(0)?;
    let before = planned_chunk(connection, user, upload_id, index).await?;
    let sql = "INSERT INTO upload_chunks (user_id, upload_id, idx, hash, size, held) VALUES ($1, $2, $3, $4, $5, 1) \
               ON CONFLICT (user_id, upload_id, idx) DO UPDATE SET hash = excluded.hash, size = excluded.size, held = 1";
    connection.execute(sql, values![user, upload_id, index, chunk.hash, chunk.size]).await?;
    if before.is_some_and(|planned| planned.held) {
        return Ok(Some(held));
    }
    let mut more = 1;
    if before.is_some_and(|planned| planned.repeats) {
        let sql = "UPDATE upload_chunks SET held = 1 \
                   WHERE user_id = $1 AND upload_id = $2 AND hash = $3 AND repeats = 1 AND held = 0";
        more += connection.execute(sql, values![user, upload_id, chunk.hash]).await? as u32;
    }
    let sql = "UPDATE uploads SET held_chunks = held_chunks + $3 WHERE user_id = $1 AND upload_id = $2";
    connection.execute(sql, values![user, upload_id, more]).await?;
    Ok(Some(held + more))
}

/// Takes back what is not held after all: its lease ran out before the upload was completed.
pub async fn forget_chunks(
    connection: &mut Connection,
    user: UserId,
    upload_id: UploadId,
    hashes: impl IntoIterator<Item = ChunkHash>,
) -> Result<(), DbError> {
    let sql = "UPDATE upload_chunks SET held = 0 WHERE user_id = $1 AND upload_id = $2 AND held = 1 AND hash IN ({keys})";
    let keys = hashes.into_iter().map(Into::into);
    let forgotten = connection.execute_keys(sql, values![user, upload_id], keys).await?;
    let sql = "UPDATE uploads SET held_chunks = held_chunks - $3 WHERE user_id = $1 AND upload_id = $2";
    connection.execute(sql, values![user, upload_id, forgotten]).await?;
    Ok(())
}

/// Whether there was one.
pub async fn delete(connection: &mut Connection, user: UserId, upload_id: UploadId) -> Result<bool, DbError> {
    let sql = "DELETE FROM upload_chunks WHERE user_id = $1 AND upload_id = $2";
    connection.execute(sql, values![user, upload_id]).await?;
    let sql = "DELETE FROM uploads WHERE user_id = $1 AND upload_id = $2";
    Ok(connection.execute(sql, values![user, upload_id]).await? > 0)
}

/// The person goes on with it from another device.
pub async fn take_over(
    connection: &mut Connection,
    user: UserId,
    upload_id: UploadId,
    device: DeviceId,
) -> Result<(), DbError> {
    let sql = "UPDATE uploads SET device_id = $3 WHERE user_id = $1 AND upload_id = $2";
    connection.execute(sql, values![user, upload_id, device]).await.map(drop)
}

/// Uploads whose time was over before `now`, at most `limit`.
pub async fn expired(
    connection: &mut Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(UserId, UploadId)>, DbError> {
    let sql = "SELECT user_id, upload_id FROM uploads WHERE expires_at < $1 ORDER BY expires_at LIMIT $2";
    let rows = connection.fetch_all(sql, values![now, limit]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// Deletes an upload if its time was over before `now`: it may have been given another chunk since it was
/// listed.
pub async fn expire(
    connection: &mut Connection,
    user: UserId,
    upload_id: UploadId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "DELETE FROM uploads WHERE user_id = $1 AND upload_id = $2 AND expires_at < $3";
    if connection.execute(sql, values![user, upload_id, now]).await? == 0 {
        return Ok(false);
    }
    let sql = "DELETE FROM upload_chunks WHERE user_id = $1 AND upload_id = $2";
    connection.execute(sql, values![user, upload_id]).await?;
    Ok(true)
}

/// An upload that takes days keeps all its chunks: renews the leases of those that run out before `soon`.
/// Answers how many.
pub async fn renew_leases(
    connection: &mut Connection,
    now: Timestamp,
    soon: Timestamp,
    leased_until: Timestamp,
) -> Result<u64, DbError> {
    let sql = "UPDATE chunks SET leased_until = $3 WHERE leased_until < $2 AND refs = 0 AND EXISTS ( \
                 SELECT 1 FROM uploads JOIN upload_chunks ON upload_chunks.user_id = uploads.user_id \
                   AND upload_chunks.upload_id = uploads.upload_id \
                 WHERE uploads.expires_at >= $1 AND uploads.account_id = chunks.account_id \
                   AND upload_chunks.held = 1 AND upload_chunks.hash = chunks.hash)";
    connection.execute(sql, values![now, soon, leased_until]).await
}

/// No upload ends later than `until.0` and no lease of what nothing refers to later than `until.1`, where they
/// would by more than `more`. Answers how many were shortened.
pub async fn shorten(
    connection: &mut Connection,
    (uploads_until, leases_until): (Timestamp, Timestamp),
    more: Duration,
) -> Result<u64, DbError> {
    let sql = "UPDATE uploads SET expires_at = $1 WHERE expires_at > $2";
    let uploads = connection.execute(sql, values![uploads_until, uploads_until + more]).await?;
    let sql = "UPDATE chunks SET leased_until = $1 WHERE refs = 0 AND leased_until > $2";
    let leases = connection.execute(sql, values![leases_until, leases_until + more]).await?;
    Ok(uploads + leases)
}

/// The plan as it travels: every index, whether or not anything is known of it.
pub fn chunk_infos(upload: &Upload, planned: &[PlannedChunk]) -> Vec<ChunkInfo> {
    let mut known = planned.iter().peekable();
    (0..upload.total_chunks)
        .map(|index| {
            if let Some(PlannedChunk { chunk, held, .. }) = known.next_if(|planned| planned.index == index) {
                ChunkInfo { index, hash: Some(chunk.hash), size: chunk.size, uploaded: *held }
            } else {
                let size = upload.planned_size(index).unwrap_or_default();
                ChunkInfo { index, hash: None, size, uploaded: false }
            }
        })
        .collect()
}
