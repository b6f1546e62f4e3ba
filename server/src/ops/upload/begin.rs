//! The beginning of an upload: its plan, what of it the account holds already, and whether there is room.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use shared::content::{InvalidManifest, Manifest};
use shared::limits::{
    CHUNK_BYTES_MAX, CHUNK_LEASE, FILE_BYTES_MAX, FILE_CHUNKS_MAX, OPERATION_RETENTION, UPLOAD_SESSION_TTL,
    UPLOAD_SESSIONS_MAX,
};
use shared::sync::{ZoneKind, ZoneRole};
use shared::upload::{InitUpload, UploadStarted};
use shared::{ChunkHash, ChunkRef, ErrorCode, ItemId, ItemName, OperationId, Timestamp, UploadId};

use super::{idempotency_mismatch, make_room, missing, operation_expired, quota_exceeded, staged_limit};
use crate::access::{self, Grant};
use crate::auth::Caller;
use crate::db::uploads::{self, PlannedChunk, Upload};
use crate::db::{Connection, DbError, chunks, operations};
use crate::error::{ApiError, ApiResult};
use crate::ops::pull;
use crate::ops::push::is_mime_type;
use crate::state::App;

/// Hashes of one transaction that renews leases.
const LEASES_AT_ONCE: usize = 4_096;

/// The plan of an upload as it was asked for, within the limits.
fn plan(request: &InitUpload) -> ApiResult<Option<Manifest>> {
    let total_chunks = request.total_chunks as usize;
    if !request.mime_type.as_deref().is_none_or(is_mime_type) {
        let detail = "A mimeType has at most 255 visible ASCII bytes. Leave it out where you don't know it.";
        return Err(ApiError::new(ErrorCode::InvalidRequest, detail));
    }
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
    ApiError::new(
        ErrorCode::FileTooLarge,
        format!("A file may have at most {FILE_BYTES_MAX} bytes. Send it in parts."),
    )
    .with("limit", FILE_BYTES_MAX)
}

fn too_many_chunks() -> ApiError {
    let detail = format!("A file may have at most {FILE_CHUNKS_MAX} chunks. Cut it into larger ones.");
    ApiError::new(ErrorCode::TooManyChunks, detail).with("limit", FILE_CHUNKS_MAX)
}

/// What an operation's id stands for: the same id with another payload is refused. The sync token may
/// differ from try to try.
pub fn payload_hash(file_id: ItemId, request: &InitUpload) -> [u8; 32] {
    let asked = InitUpload { last_sync_token: None, ..request.clone() };
    let mut hash = Sha256::new();
    hash.update(b"upload\0");
    hash.update(file_id.0.as_bytes());
    hash.update(serde_json::to_vec(&asked).unwrap_or_default());
    hash.finalize().into()
}

/// Where the file is, or will be: its own zone, that of the folder it goes into, or the library's. And
/// whether it is still to be made. A folder that is not the library's says nothing of where a photo goes.
async fn zone_of(
    connection: &mut Connection,
    caller: Caller,
    file_id: ItemId,
    request: &mut InitUpload,
) -> ApiResult<(Grant, bool)> {
    let mut found = access::locate(connection, caller.user_id, file_id).await?;
    let is_new = found.is_none();
    if is_new && let Some(parent) = request.parent_id {
        found = access::locate(connection, caller.user_id, parent).await?;
        let library = request.library.zone_kind();
        if library == ZoneKind::Photos && found.is_some_and(|(grant, _)| grant.kind != library) {
            found = None;
            request.parent_id = None;
        }
    }
    let grant = match found {
        Some((grant, _)) => Some(grant),
        None => access::own_grant(connection, caller.user_id, request.library.zone_kind()).await?,
    };
    let grant = grant.ok_or_else(ApiError::not_found)?;
    if grant.role < ZoneRole::Editor {
        return Err(ApiError::new(
            ErrorCode::ReadOnly,
            "You can look at this, but not change it. Ask its owner to let you.",
        ));
    }
    Ok((grant, is_new))
}

/// Begins an upload, or finds the one that this operation began before.
pub async fn init(
    app: &App,
    caller: Caller,
    file_id: ItemId,
    mut request: InitUpload,
) -> ApiResult<UploadStarted> {
    let mut reader = app.db.reader().await?;
    let now = app.env.now();
    if let Some(token) = &request.last_sync_token {
        let grants = access::grants_of(&mut reader, caller.user_id).await?;
        let stand = pull::stand_of(&mut reader, &grants).await?;
        app.tokens.person(caller.user_id).check(token, now, &stand)?;
    }
    let manifest = plan(&request)?;
    let payload_hash = payload_hash(file_id, &request);
    let upload_id = UploadId(request.operation_id.0);
    if let Some(upload) = uploads::find(&mut reader, caller.user_id, upload_id).await?
        && upload.expires_at > now
    {
        let begun_elsewhere = upload.device_id != caller.device_id;
        let resumed = resume(&mut reader, upload, payload_hash).await?;
        if begun_elsewhere {
            drop(reader);
            take_over(app, caller, upload_id).await?;
        }
        return Ok(resumed);
    }
    if is_judged(&mut reader, caller, request.operation_id, payload_hash, now).await? {
        // Nothing is missing, and `complete` answers as it did.
        return Ok(started(&request, upload_id, Vec::new(), now + UPLOAD_SESSION_TTL));
    }
    if uploads::count(&mut reader, caller.user_id, now).await? >= UPLOAD_SESSIONS_MAX {
        let detail = format!("{UPLOAD_SESSIONS_MAX} uploads are under way. Complete or cancel some first.");
        return Err(ApiError::new(ErrorCode::UploadLimit, detail));
    }
    let (grant, is_new) = zone_of(&mut reader, caller, file_id, &mut request).await?;
    // Only a new file takes the name; a name that can't be one is not kept.
    if let Err(error) = ItemName::parse(&request.file_name) {
        if is_new {
            let detail = format!("This name can't be used: {error}. Choose another.");
            return Err(ApiError::new(ErrorCode::InvalidName, detail));
        }
        request.file_name.clear();
    }
    drop(reader);

    let planned = announce(app, grant, manifest.as_ref()).await?;
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

/// A device that was taken off the account and signed in again is another one, with the same outbox.
async fn take_over(app: &App, caller: Caller, upload_id: UploadId) -> ApiResult<()> {
    let taken = app.db.write::<_, DbError, _>(move |connection| {
        Box::pin(uploads::take_over(connection, caller.user_id, upload_id, caller.device_id))
    });
    Ok(taken.await?)
}

/// Whether the operation was judged already. Its id can't be had for another.
async fn is_judged(
    connection: &mut Connection,
    caller: Caller,
    operation_id: OperationId,
    payload_hash: [u8; 32],
    now: Timestamp,
) -> ApiResult<bool> {
    let recorded = operations::load(connection, caller.user_id, &[operation_id]).await?;
    let Some(operation) = recorded.first() else { return Ok(false) };
    match &operation.kept {
        _ if now.since(operation.recorded_at) > OPERATION_RETENTION => Err(operation_expired()),
        None => Err(operation_expired()),
        Some(kept) if kept.payload_hash == payload_hash => Ok(true),
        Some(_) => Err(idempotency_mismatch()),
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

/// Leases those of the named chunks that the account holds, and notes which they are.
async fn announce(app: &App, grant: Grant, manifest: Option<&Manifest>) -> ApiResult<Vec<PlannedChunk>> {
    let Some(manifest) = manifest else { return Ok(Vec::new()) };
    let mut held = HashMap::new();
    let leased_until = app.stamp() + CHUNK_LEASE;
    // Naming a hash gives nothing that one has not sent: in someone else's account nobody is told what
    // is there.
    if grant.user_id == grant.account_id {
        let hashes: BTreeSet<ChunkHash> = manifest.chunks().iter().map(|chunk| chunk.hash).collect();
        let hashes: Vec<ChunkHash> = hashes.into_iter().collect();
        for batch in hashes.chunks(LEASES_AT_ONCE) {
            let batch: Arc<[ChunkHash]> = batch.into();
            let known = chunks::present(&mut app.db.reader().await?, grant.account_id, &batch).await?;
            if known.is_empty() {
                continue;
            }
            let leased = app.db.write::<_, DbError, _>(move |connection| {
                let batch = Arc::clone(&batch);
                Box::pin(
                    async move { chunks::lease(connection, grant.account_id, &batch, leased_until).await },
                )
            });
            held.extend(leased.await?);
        }
    }
    let (mut once, mut repeated) = (HashSet::new(), HashSet::new());
    for chunk in manifest.chunks() {
        if !once.insert(chunk.hash) {
            repeated.insert(chunk.hash);
        }
    }
    let planned = (0..).zip(manifest.chunks()).map(|(index, &chunk)| PlannedChunk {
        index,
        chunk,
        held: held.get(&chunk.hash) == Some(&chunk.size),
        repeats: repeated.contains(&chunk.hash),
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
    let mut seen = HashSet::new();
    let needed: u64 = match &request.chunks {
        None => request.total_size,
        Some(_) => planned
            .iter()
            .filter(|chunk| !chunk.held && seen.insert(chunk.chunk.hash))
            .map(|chunk| u64::from(chunk.chunk.size))
            .sum(),
    };
    if needed > 0 {
        make_room(app, grant.account_id, needed).await?;
    }
    let balance = chunks::balance(&mut app.db.reader().await?, grant.account_id).await?;
    if needed == 0 || needed <= balance.stageable_bytes() {
        Ok(())
    } else if needed > balance.free_bytes() {
        Err(quota_exceeded(balance.quota_bytes))
    } else {
        Err(staged_limit())
    }
}
