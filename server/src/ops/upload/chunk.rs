//! One chunk of an upload, from the wire to the disk.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use shared::limits::{CHUNK_LEASE, UPLOAD_SESSION_TTL};
use shared::upload::ChunkStored;
use shared::{ChunkHash, ChunkRef, ErrorCode, ItemId, UploadId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{find, make_room, staged_limit, upload_not_found};
use crate::auth::Caller;
use crate::blobs::{BlobKey, ObjectBuffer, StagedChunk, Stored};
use crate::db::chunks;
use crate::db::uploads::{self, Upload};
use crate::error::{ApiError, ApiResult};
use crate::ops::content;
use crate::state::App;

/// Memory for bodies of chunks that arrive at the same time, in KiB.
const BUFFER_KIB_MAX: u32 = 48 * 1024;
/// How long a chunk waits for such memory.
const BUFFER_WAIT: Duration = Duration::from_secs(30);
/// How long one chunk's body may take in all: 4 MiB at 7 KiB a second.
const BODY_TIMEOUT: Duration = Duration::from_mins(10);
/// Bounds what chunks take in memory while they arrive.
#[derive(Clone)]
pub struct ChunkBuffers(Arc<Semaphore>);

impl Default for ChunkBuffers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BUFFER_KIB_MAX as usize)))
    }
}

impl ChunkBuffers {
    async fn reserve(&self, bytes: u32) -> ApiResult<OwnedSemaphorePermit> {
        let waiting = Arc::clone(&self.0).acquire_many_owned(bytes.div_ceil(1024).max(1));
        match tokio::time::timeout(BUFFER_WAIT, waiting).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(ApiError::unavailable()),
        }
    }
}

/// A chunk as it is sent.
pub struct SentChunk<B> {
    pub index: u32,
    /// From `Content-Length`.
    pub length: Option<u64>,
    /// From `Content-Digest`.
    pub digest: Option<[u8; 32]>,
    pub body: B,
}

/// Takes in one chunk.
pub async fn put_chunk(
    app: &App,
    caller: Caller,
    file_id: ItemId,
    upload_id: UploadId,
    sent: SentChunk<impl Stream<Item = ApiResult<Bytes>> + Unpin>,
) -> ApiResult<ChunkStored> {
    let mut reader = app.db.reader().await?;
    let upload = find(&mut reader, caller, file_id, upload_id, app.env.now()).await?;
    let planned = if upload.announced {
        uploads::planned_chunk(&mut reader, caller.user_id, upload_id, sent.index).await?
    } else {
        None
    };
    drop(reader);
    let index = sent.index;
    let size = planned
        .map(|planned| planned.chunk.size)
        .or_else(|| upload.planned_size(index).filter(|_| !upload.announced));
    let size = size.ok_or_else(|| {
        let detail =
            format!("The upload has {} chunks, with indices from 0. Send one of these.", upload.total_chunks);
        ApiError::new(ErrorCode::InvalidManifest, detail)
    })?;
    let digest = sent.digest.map(ChunkHash);
    if sent.length.is_some_and(|length| length != u64::from(size)) {
        return Err(mismatch(&format!("Chunk {index} has {size} bytes")));
    }
    let permit = app.chunk_buffers.reserve(size).await?;
    let (bytes, hash) = receive(sent.body, index, size).await?;
    if digest.is_some_and(|digest| digest != hash) {
        return Err(mismatch("The body does not match its Content-Digest"));
    }
    if planned.is_some_and(|planned| planned.chunk.hash != hash) {
        return Err(mismatch(&format!("Chunk {index} was announced with another hash")));
    }
    let stored = keep(app, &upload, index, ChunkRef { hash, size }, bytes).await;
    drop(permit);
    stored
}

fn mismatch(what: &str) -> ApiError {
    let detail = format!("{what}. Nothing was stored: send the chunk again as it is.");
    ApiError::new(ErrorCode::ChunkMismatch, detail)
}

/// Reads a body of exactly `size` bytes, hashing it as it comes.
async fn receive(
    mut body: impl Stream<Item = ApiResult<Bytes>> + Unpin,
    index: u32,
    size: u32,
) -> ApiResult<(Bytes, ChunkHash)> {
    let size = size as usize;
    let too_slow = || {
        let detail = "The body came too slowly. Send the chunk again.";
        ApiError::new(ErrorCode::RequestTimeout, detail)
    };
    let reading = async {
        let mut bytes = ObjectBuffer::with_capacity(size);
        let mut hash = Sha256::new();
        while let Some(data) = body.try_next().await? {
            metrics::counter!("cloudstead_upload_body_bytes_total").increment(data.len() as u64);
            if bytes.size() + data.len() > size {
                return Err(mismatch(&format!("Chunk {index} has {size} bytes")));
            }
            hash.update(&data);
            bytes.extend_from_slice(&data);
        }
        if bytes.size() != size {
            return Err(mismatch(&format!("Chunk {index} has {size} bytes, but {} came", bytes.size())));
        }
        Ok((bytes.freeze(), ChunkHash(hash.finalize().into())))
    };
    tokio::time::timeout(BODY_TIMEOUT, reading).await.map_err(|_| too_slow())?
}

/// Makes the chunk durable and notes it.
async fn keep(
    app: &App,
    upload: &Upload,
    index: u32,
    chunk: ChunkRef,
    bytes: Bytes,
) -> ApiResult<ChunkStored> {
    let account = upload.account_id;
    let present = chunks::present(&mut app.db.reader().await?, account, &[chunk.hash]).await?;
    if present.contains_key(&chunk.hash)
        && let Some(held) = note(app, upload, index, chunk, None).await?
    {
        // In someone else's account nobody is told what was there.
        return Ok(answer(upload, index, chunk, upload.user_id == account, held));
    }
    make_room(app, account, chunk.size.into()).await?;
    let staged = content::store(app, account, chunk, bytes).await?;
    let superfluous = |generation| BlobKey { account, hash: chunk.hash, generation };
    let object = match &staged.stored {
        Stored::Object(generation) => Some(superfluous(*generation)),
        Stored::Inline(_) => None,
    };
    match note(app, upload, index, chunk, Some(staged)).await {
        Ok(held) => Ok(answer(upload, index, chunk, false, held.unwrap_or_default())),
        Err(error) => {
            // Refused, so rolled back for certain: the object is nobody's. After any other failure it may
            // have been committed, and the sweep decides.
            if !error.code().retryable()
                && let Some(key) = object
                && let Err(error) = app.blobs.delete(&key).await
            {
                tracing::warn!(%error, "an object that was not needed could not be deleted");
            }
            Err(error)
        }
    }
}

fn answer(upload: &Upload, index: u32, chunk: ChunkRef, deduplicated: bool, held: u32) -> ChunkStored {
    let progress = uploads::progress(held, upload.total_chunks);
    ChunkStored { index, hash: chunk.hash, size: chunk.size, deduplicated, progress }
}

/// Notes a chunk that is durable: `staged`, or held by the account already. Answers how many chunks are
/// there; None if the account does not hold it after all.
async fn note(
    app: &App,
    upload: &Upload,
    index: u32,
    chunk: ChunkRef,
    staged: Option<StagedChunk>,
) -> ApiResult<Option<u32>> {
    let (now, leased_until) = (app.env.now(), app.stamp() + CHUNK_LEASE);
    let (user, upload_id, account) = (upload.user_id, upload.upload_id, upload.account_id);
    let noted = app.db.write::<_, ApiError, _>(move |connection| {
        let staged = staged.clone();
        Box::pin(async move {
            let mut spare = Vec::new();
            if let Some(staged) = staged {
                let balance = chunks::lock_account(connection, account).await?;
                let known = chunks::present(connection, account, &[chunk.hash]).await?;
                if known.is_empty() && u64::from(chunk.size) > balance.stageable_bytes() {
                    return Err(staged_limit());
                }
                spare = chunks::stage(connection, account, vec![staged], leased_until).await?;
            } else {
                let held = chunks::lease(connection, account, &[chunk.hash], leased_until).await?;
                if held.is_empty() {
                    return Ok(None);
                }
            }
            let expires_at = now + UPLOAD_SESSION_TTL;
            let held = uploads::note_chunk(connection, user, upload_id, index, chunk, expires_at).await?;
            Ok(Some((held.ok_or_else(upload_not_found)?, spare)))
        })
    });
    let Some((held, spare)) = noted.await? else { return Ok(None) };
    for key in spare {
        if let Err(error) = app.blobs.delete(&key).await {
            tracing::warn!(%error, "an object that was not needed could not be deleted");
        }
    }
    Ok(Some(held))
}
