//! Chunked uploads: begun, filled in any order, judged as one operation at the end.
//!
//! Bytes are durable before any row names them; a chunk is acknowledged once its row is committed. So what
//! was answered is never lost, and what was cut short leaves nothing behind.

mod begin;
mod chunk;
mod complete;
mod room;

use shared::upload::UploadStatus;
use shared::{ChunkHash, ErrorCode, ItemId, Timestamp, UploadId, UserId};

pub use begin::{init, payload_hash};
pub use chunk::{ChunkBuffers, SentChunk, put_chunk};
pub use complete::{change_of, complete};
pub use room::make_room;

use crate::access;
use crate::auth::Caller;
use crate::db::uploads::{self, PlannedChunk, Upload};
use crate::db::{Connection, DbError};
use crate::error::{ApiError, ApiResult};
use crate::state::App;

fn upload_not_found() -> ApiError {
    ApiError::new(ErrorCode::UploadNotFound, "There is no such upload. Begin it again.")
}

fn idempotency_mismatch() -> ApiError {
    let detail = "This operation id stands for another request. Make a new one for each operation.";
    ApiError::new(ErrorCode::IdempotencyMismatch, detail)
}

fn operation_expired() -> ApiError {
    let detail = "This operation is older than 180 days. Look at what is there, and make a new one.";
    ApiError::new(ErrorCode::OperationExpired, detail)
}

/// Indices that are not there. A chunk that occurs twice need be sent once.
fn missing(upload: &Upload, planned: &[PlannedChunk]) -> Vec<u32> {
    let held: std::collections::HashSet<ChunkHash> =
        planned.iter().filter(|chunk| chunk.held).map(|chunk| chunk.chunk.hash).collect();
    let mut known = planned.iter().peekable();
    (0..upload.total_chunks)
        .filter(|&index| {
            let chunk = known.next_if(|chunk| chunk.index == index);
            chunk.is_none_or(|chunk| !held.contains(&chunk.chunk.hash))
        })
        .collect()
}

pub fn quota_exceeded(quota_bytes: u64) -> ApiError {
    let detail = "There is not enough space left in the account. Delete something, and empty the trash.";
    ApiError::new(ErrorCode::QuotaExceeded, detail).with("limit", quota_bytes)
}

fn staged_limit() -> ApiError {
    let detail = "Uploads under way take all the space that is left. Complete or cancel some.";
    ApiError::new(ErrorCode::StagedLimit, detail)
}

fn device_mismatch() -> ApiError {
    let detail = "Another device began this upload. Begin it again from this one.";
    ApiError::new(ErrorCode::DeviceMismatch, detail)
}

/// The caller's upload of that file.
async fn find(
    connection: &mut Connection,
    caller: Caller,
    file_id: ItemId,
    upload_id: UploadId,
    now: Timestamp,
) -> ApiResult<Upload> {
    let upload = uploads::find(connection, caller.user_id, upload_id).await?;
    let upload = upload.filter(|upload| upload.file_id == file_id).ok_or_else(upload_not_found)?;
    if upload.device_id != caller.device_id {
        return Err(device_mismatch());
    }
    if upload.expires_at <= now {
        let detail =
            "The upload had no chunk for an hour and is over. Begin it again: what was sent is kept.";
        return Err(ApiError::new(ErrorCode::UploadExpired, detail));
    }
    // The zone may have been taken away since.
    access::grant_for_zone(connection, caller.user_id, upload.zone_id).await?.ok_or_else(upload_not_found)?;
    Ok(upload)
}

/// What of an upload is there.
pub async fn status(
    app: &App,
    caller: Caller,
    file_id: ItemId,
    upload_id: UploadId,
) -> ApiResult<UploadStatus> {
    let mut reader = app.db.reader().await?;
    let upload = find(&mut reader, caller, file_id, upload_id, app.env.now()).await?;
    let planned = uploads::planned_chunks(&mut reader, caller.user_id, upload_id).await?;
    let missing_chunks = missing(&upload, &planned);
    let held = upload.total_chunks - missing_chunks.len() as u32;
    let mut chunks = uploads::chunk_infos(&upload, &planned);
    for chunk in &mut chunks {
        chunk.uploaded = missing_chunks.binary_search(&chunk.index).is_err();
    }
    let uploaded_chunks = chunks.iter().filter(|chunk| chunk.uploaded).map(|chunk| chunk.index).collect();
    let progress = uploads::progress(held, upload.total_chunks);
    Ok(UploadStatus { chunks, uploaded_chunks, missing_chunks, progress, expires_at: upload.expires_at })
}

/// Ends an upload, expired or not; its chunks live by their leases, so that it can be begun again.
pub async fn cancel(app: &App, caller: Caller, file_id: ItemId, upload_id: UploadId) -> ApiResult<()> {
    let user: UserId = caller.user_id;
    let upload = uploads::find(&mut app.db.reader().await?, user, upload_id).await?;
    let upload = upload.filter(|upload| upload.file_id == file_id).ok_or_else(upload_not_found)?;
    if upload.device_id != caller.device_id {
        return Err(device_mismatch());
    }
    let deleted = app
        .db
        .write::<_, DbError, _>(move |connection| Box::pin(uploads::delete(connection, user, upload_id)));
    Ok(deleted.await.map(drop)?)
}
