//! Chunked uploads: begun, filled in any order, judged as one operation at the end.
//!
//! Bytes are durable before any row names them; a chunk is acknowledged once its row is committed. So what
//! was answered is never lost, and what was cut short leaves nothing behind.

mod complete;

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use sha2::{Digest as _, Sha256};
use shared::content::{InvalidManifest, Manifest};
use shared::limits::{
    CHUNK_BYTES_MAX, CHUNK_LEASE, FILE_BYTES_MAX, FILE_CHUNKS_MAX, UPLOAD_SESSION_TTL, UPLOAD_SESSIONS_MAX,
};
use shared::sync::ZoneRole;
use shared::upload::{ChunkStored, InitUpload, UploadStarted, UploadStatus};
use shared::{ChunkHash, ChunkRef, ErrorCode, ItemId, OperationId, Timestamp, UploadId, UserId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

pub use complete::complete;

use super::{content, pull};
use crate::access::{self, Grant};
use crate::auth::Caller;
use crate::blobs::BlobKey;
use crate::db::uploads::{self, PlannedChunk, Upload};
use crate::db::{Connection, DbError, chunks, operations};
use crate::error::{ApiError, ApiResult};
use crate::http::extract::broken_body;
use crate::state::App;

/// Memory for bodies of chunks that arrive at the same time, in KiB.
const BUFFER_KIB_MAX: u32 = 48 * 1024;
/// How long a chunk waits for such memory, and how long a silent sender keeps it.
const BUFFER_WAIT: Duration = Duration::from_secs(30);
const BODY_SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long one chunk's body may take in all: 4 MiB at 7 KiB a second.
const BODY_TIMEOUT: Duration = Duration::from_mins(10);
/// Hashes of one transaction that renews leases.
const LEASES_AT_ONCE: usize = 4_096;
/// When a person with too many uploads under way may try again.
const UPLOAD_LIMIT_RETRY_AFTER: Duration = Duration::from_mins(1);

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

fn idempotency_mismatch() -> ApiError {
    let detail = "This operation id stands for another request. Make a new one for each operation.";
    ApiError::new(ErrorCode::IdempotencyMismatch, detail)
}

fn upload_not_found() -> ApiError {
    ApiError::new(ErrorCode::UploadNotFound, "There is no such upload. Begin it again.")
}

/// The plan of an upload as it was asked for, within the limits.
fn plan(request: &InitUpload) -> ApiResult<Option<Manifest>> {
    let total_chunks = request.total_chunks as usize;
    if request.total_size > FILE_BYTES_MAX {
        return Err(file_too_large());
    }
    if total_chunks > FILE_CHUNKS_MAX {
        return Err(too_many_chunks());
    }
    let invalid = |detail: String| ApiError::new(ErrorCode::InvalidManifest, detail);
    let Some(announced) = &request.chunks else {
        let chunk_size = u64::from(request.chunk_size);
        let is_size = (1..=CHUNK_BYTES_MAX as u64).contains(&chunk_size);
        if !is_size && request.total_size > 0 {
            return Err(invalid(format!("chunkSize is from 1 to {CHUNK_BYTES_MAX} bytes.")));
        }
        let needed = if request.total_size == 0 { 0 } else { request.total_size.div_ceil(chunk_size) };
        if needed != u64::from(request.total_chunks) {
            return Err(invalid(format!(
                "{} bytes in chunks of {chunk_size} are {needed} chunks, not {total_chunks}.",
                request.total_size
            )));
        }
        return Ok(None);
    };
    if announced.len() > FILE_CHUNKS_MAX {
        return Err(too_many_chunks());
    }
    let mut sorted: Vec<_> = announced.iter().collect();
    sorted.sort_by_key(|chunk| chunk.index);
    let is_complete =
        sorted.len() == total_chunks && (0..).zip(&sorted).all(|(index, chunk)| chunk.index == index);
    if !is_complete {
        return Err(invalid(format!("Name each of the {total_chunks} chunks once, with indices from 0.")));
    }
    let chunks = sorted.into_iter().map(|chunk| ChunkRef { hash: chunk.hash, size: chunk.size }).collect();
    Manifest::with_size(chunks, request.total_size).map(Some).map_err(|error| match error {
        InvalidManifest::TooLarge { .. } => file_too_large(),
        InvalidManifest::TooManyChunks { .. } => too_many_chunks(),
        InvalidManifest::ChunkSize { .. } | InvalidManifest::SizeMismatch { .. } => {
            invalid(format!("The chunks don't make the file: {error}."))
        }
    })
}

fn file_too_large() -> ApiError {
    ApiError::new(ErrorCode::FileTooLarge, format!("A file may have at most {FILE_BYTES_MAX} bytes."))
        .with("limit", FILE_BYTES_MAX)
}

fn too_many_chunks() -> ApiError {
    let detail = format!("A file may have at most {FILE_CHUNKS_MAX} chunks. Cut it into larger ones.");
    ApiError::new(ErrorCode::TooManyChunks, detail).with("limit", FILE_CHUNKS_MAX)
}

/// What an operation's id stands for: the same id with another payload is refused. The sync token may
/// differ from try to try.
fn payload_hash(file_id: ItemId, request: &InitUpload) -> [u8; 32] {
    let asked = InitUpload { last_sync_token: None, ..request.clone() };
    let mut hash = Sha256::new();
    hash.update(b"upload\0");
    hash.update(file_id.0.as_bytes());
    hash.update(serde_json::to_vec(&asked).unwrap_or_default());
    hash.finalize().into()
}

/// Where the file is, or will be: its own zone, that of the folder it goes into, or the library's.
async fn zone_of(
    connection: &mut Connection,
    caller: Caller,
    file_id: ItemId,
    request: &InitUpload,
) -> ApiResult<Grant> {
    let mut found = access::locate(connection, caller.user_id, file_id).await?;
    if found.is_none()
        && let Some(parent) = request.parent_id
    {
        found = access::locate(connection, caller.user_id, parent).await?;
    }
    let grant = match found {
        Some((grant, _)) => Some(grant),
        None => access::own_grant(connection, caller.user_id, request.library.zone_kind()).await?,
    };
    let grant = grant.ok_or_else(ApiError::not_found)?;
    if grant.role < ZoneRole::Editor {
        return Err(ApiError::new(ErrorCode::ReadOnly, "You can look at this, but not change it."));
    }
    Ok(grant)
}

/// Begins an upload, or finds the one that this operation began before.
pub async fn init(
    app: &App,
    caller: Caller,
    file_id: ItemId,
    request: InitUpload,
) -> ApiResult<UploadStarted> {
    let mut reader = app.db.reader().await?;
    let now = app.env.now();
    if let Some(token) = &request.last_sync_token {
        let grants = access::grants_of(&mut reader, caller.user_id).await?;
        let stand = pull::stand_of(&mut reader, &grants).await?;
        pull::token_key(app).check(token, now, &stand)?;
    }
    let manifest = plan(&request)?;
    let payload_hash = payload_hash(file_id, &request);
    let upload_id = UploadId(request.operation_id.0);
    if let Some(upload) = uploads::find(&mut reader, caller.user_id, upload_id).await?
        && upload.expires_at > now
    {
        return resume(&mut reader, upload, payload_hash).await;
    }
    if is_judged(&mut reader, caller, request.operation_id, payload_hash).await? {
        // Nothing is missing, and `complete` answers as it did.
        return Ok(started(&request, upload_id, Vec::new(), now + UPLOAD_SESSION_TTL));
    }
    if uploads::count(&mut reader, caller.user_id, now).await? >= UPLOAD_SESSIONS_MAX {
        let detail = format!("{UPLOAD_SESSIONS_MAX} uploads are under way. Complete or cancel some first.");
        return Err(ApiError::new(ErrorCode::UploadLimit, detail).retry_after(UPLOAD_LIMIT_RETRY_AFTER));
    }
    let grant = zone_of(&mut reader, caller, file_id, &request).await?;
    drop(reader);

    let planned = announce(app, grant, manifest.as_ref(), now).await?;
    check_room(app, grant, &request, &planned).await?;
    let missing: Vec<u32> = match &manifest {
        Some(_) => planned.iter().filter(|chunk| !chunk.held).map(|chunk| chunk.index).collect(),
        None => (0..request.total_chunks).collect(),
    };
    let started = started(&request, upload_id, missing, now + UPLOAD_SESSION_TTL);
    let upload = Upload {
        user_id: caller.user_id,
        upload_id,
        device_id: caller.device_id,
        zone_id: grant.zone_id,
        account_id: grant.account_id,
        file_id,
        total_size: request.total_size,
        chunk_size: request.chunk_size,
        total_chunks: request.total_chunks,
        announced: manifest.is_some(),
        held_chunks: planned.iter().filter(|chunk| chunk.held).count() as u32,
        created_at: now,
        expires_at: now + UPLOAD_SESSION_TTL,
        payload_hash,
        request: serde_json::to_string(&InitUpload { chunks: None, last_sync_token: None, ..request })
            .map_err(ApiError::internal)?,
    };
    let planned = Arc::new(planned);
    let raced = app.db.write::<_, DbError, _>(move |connection| {
        let (upload, planned) = (upload.clone(), Arc::clone(&planned));
        Box::pin(async move {
            // The same operation begun twice at once: the first stands.
            let first = uploads::find(connection, upload.user_id, upload.upload_id).await?;
            if let Some(first) = first.filter(|first| first.expires_at > upload.created_at) {
                return Ok(Some(first));
            }
            uploads::insert(connection, &upload, &planned).await?;
            Ok(None)
        })
    });
    match raced.await? {
        None => Ok(started),
        Some(first) => resume(&mut app.db.reader().await?, first, payload_hash).await,
    }
}

/// Whether the operation was judged already. Its id can't be had for another.
async fn is_judged(
    connection: &mut Connection,
    caller: Caller,
    operation_id: OperationId,
    payload_hash: [u8; 32],
) -> ApiResult<bool> {
    let recorded = operations::load(connection, caller.user_id, &[operation_id]).await?;
    match recorded.first().map(|operation| &operation.kept) {
        None => Ok(false),
        Some(Some(kept)) if kept.payload_hash == payload_hash => Ok(true),
        Some(Some(_)) => Err(idempotency_mismatch()),
        Some(None) => {
            let detail = "This operation is older than 180 days. Look at what is there, and make a new one.";
            Err(ApiError::new(ErrorCode::OperationExpired, detail))
        }
    }
}

fn started(
    request: &InitUpload,
    upload_id: UploadId,
    missing_chunks: Vec<u32>,
    expires_at: Timestamp,
) -> UploadStarted {
    let (chunk_size, total_chunks) = (request.chunk_size, request.total_chunks);
    UploadStarted { upload_id, chunk_size, total_chunks, missing_chunks, expires_at }
}

/// The answer to an `init` that was given before.
async fn resume(
    connection: &mut Connection,
    upload: Upload,
    payload_hash: [u8; 32],
) -> ApiResult<UploadStarted> {
    if upload.payload_hash != payload_hash {
        return Err(idempotency_mismatch());
    }
    let planned = uploads::planned_chunks(connection, upload.user_id, upload.upload_id).await?;
    Ok(UploadStarted {
        upload_id: upload.upload_id,
        chunk_size: upload.chunk_size,
        total_chunks: upload.total_chunks,
        missing_chunks: missing(&upload, &planned),
        expires_at: upload.expires_at,
    })
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

/// Leases those of the named chunks that the account holds, and notes which they are.
async fn announce(
    app: &App,
    grant: Grant,
    manifest: Option<&Manifest>,
    now: Timestamp,
) -> ApiResult<Vec<PlannedChunk>> {
    let Some(manifest) = manifest else { return Ok(Vec::new()) };
    let mut held = std::collections::HashMap::new();
    // Naming a hash gives nothing that one has not sent: in someone else's account nobody is told what
    // is there.
    if grant.user_id == grant.account_id {
        let hashes: std::collections::BTreeSet<ChunkHash> =
            manifest.chunks().iter().map(|chunk| chunk.hash).collect();
        let hashes: Vec<ChunkHash> = hashes.into_iter().collect();
        for batch in hashes.chunks(LEASES_AT_ONCE) {
            let batch: Arc<[ChunkHash]> = batch.into();
            let known = chunks::present(&mut app.db.reader().await?, grant.account_id, &batch).await?;
            if known.is_empty() {
                continue;
            }
            let leased = app.db.write::<_, DbError, _>(move |connection| {
                let batch = Arc::clone(&batch);
                Box::pin(async move {
                    chunks::lease(connection, grant.account_id, &batch, now + CHUNK_LEASE).await
                })
            });
            held.extend(leased.await?);
        }
    }
    let planned = (0..).zip(manifest.chunks()).map(|(index, &chunk)| PlannedChunk {
        index,
        chunk,
        held: held.get(&chunk.hash) == Some(&chunk.size),
    });
    Ok(planned.collect())
}

/// Refuses early what could never be completed: staged bytes have the free quota as their cap.
async fn check_room(
    app: &App,
    grant: Grant,
    request: &InitUpload,
    planned: &[PlannedChunk],
) -> ApiResult<()> {
    let mut seen = std::collections::HashSet::new();
    let needed: u64 = match &request.chunks {
        None => request.total_size,
        Some(_) => planned
            .iter()
            .filter(|chunk| !chunk.held && seen.insert(chunk.chunk.hash))
            .map(|chunk| u64::from(chunk.chunk.size))
            .sum(),
    };
    let balance = chunks::balance(&mut app.db.reader().await?, grant.account_id).await?;
    let free = balance.quota_bytes.saturating_sub(balance.used_bytes);
    if needed == 0 || needed <= balance.stageable_bytes() {
        Ok(())
    } else if needed > free {
        Err(quota_exceeded(balance.quota_bytes))
    } else {
        Err(staged_limit())
    }
}

pub fn quota_exceeded(quota_bytes: u64) -> ApiError {
    let detail = "There is not enough space left in the account. Delete something, and empty the trash.";
    ApiError::new(ErrorCode::QuotaExceeded, detail).with("limit", quota_bytes)
}

fn staged_limit() -> ApiError {
    let detail =
        "Uploads under way take all the space that is left. Complete some, or try again in some days.";
    ApiError::new(ErrorCode::StagedLimit, detail)
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
        let detail = "Another device began this upload. Begin it again from this one.";
        return Err(ApiError::new(ErrorCode::DeviceMismatch, detail));
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

/// A chunk as it is sent.
pub struct SentChunk {
    pub index: u32,
    /// From `Content-Length`.
    pub length: Option<u64>,
    /// From `Content-Digest`.
    pub digest: Option<[u8; 32]>,
    pub body: Body,
}

/// Takes in one chunk.
pub async fn put_chunk(
    app: &App,
    caller: Caller,
    file_id: ItemId,
    upload_id: UploadId,
    sent: SentChunk,
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
        let detail = format!("The upload has {} chunks, with indices from 0.", upload.total_chunks);
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
async fn receive(mut body: Body, index: u32, size: u32) -> ApiResult<(Bytes, ChunkHash)> {
    let size = size as usize;
    let too_slow = || {
        let detail = "The body came too slowly. Send the chunk again.";
        ApiError::new(ErrorCode::RequestTimeout, detail)
    };
    let reading = async {
        let mut bytes = BytesMut::with_capacity(size);
        let mut hash = Sha256::new();
        while let Some(frame) =
            tokio::time::timeout(BODY_SILENCE_MAX, body.frame()).await.map_err(|_| too_slow())?
        {
            let Ok(data) = frame.map_err(broken_body)?.into_data() else { continue };
            metrics::counter!("cloudstead_upload_body_bytes_total").increment(data.len() as u64);
            if bytes.len() + data.len() > size {
                return Err(mismatch(&format!("Chunk {index} has {size} bytes")));
            }
            hash.update(&data);
            bytes.extend_from_slice(&data);
        }
        if bytes.len() != size {
            return Err(mismatch(&format!("Chunk {index} has {size} bytes, but {} came", bytes.len())));
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
    let staged = content::store(app, account, chunk, bytes).await?;
    let superfluous = |generation| BlobKey { account, hash: chunk.hash, generation };
    let object = match &staged.stored {
        crate::blobs::Stored::Object(generation) => Some(superfluous(*generation)),
        crate::blobs::Stored::Inline(_) => None,
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
    staged: Option<crate::blobs::StagedChunk>,
) -> ApiResult<Option<u32>> {
    let now = app.env.now();
    let (user, upload_id, account) = (upload.user_id, upload.upload_id, upload.account_id);
    let noted = app.db.write::<_, ApiError, _>(move |connection| {
        let staged = staged.clone();
        Box::pin(async move {
            let mut spare = Vec::new();
            match staged {
                Some(staged) => {
                    let balance = chunks::lock_account(connection, account).await?;
                    let known = chunks::present(connection, account, &[chunk.hash]).await?;
                    if known.is_empty() && u64::from(chunk.size) > balance.stageable_bytes() {
                        return Err(staged_limit());
                    }
                    spare = chunks::stage(connection, account, vec![staged], now + CHUNK_LEASE).await?;
                }
                None => {
                    let held = chunks::lease(connection, account, &[chunk.hash], now + CHUNK_LEASE).await?;
                    if held.is_empty() {
                        return Ok(None);
                    }
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

/// Ends an upload; its chunks live by their leases, so that it can be begun again.
pub async fn cancel(app: &App, caller: Caller, file_id: ItemId, upload_id: UploadId) -> ApiResult<()> {
    let user: UserId = caller.user_id;
    find(&mut app.db.reader().await?, caller, file_id, upload_id, app.env.now()).await?;
    let deleted = app
        .db
        .write::<_, DbError, _>(move |connection| Box::pin(uploads::delete(connection, user, upload_id)));
    if deleted.await? { Ok(()) } else { Err(upload_not_found()) }
}
