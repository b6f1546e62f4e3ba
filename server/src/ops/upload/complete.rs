//! The end of an upload: one operation, judged as in a push, in one transaction.

use shared::content::Manifest;
use shared::item::ItemState;
use shared::sync::{Applied, Base, ConflictInfo, Outcome};
use shared::upload::{InitUpload, UploadCompleted};
use shared::{ChunkHash, ErrorCode, ItemId, ItemName, OperationId, UploadId, ZoneId};

use super::{find, idempotency_mismatch, missing, operation_expired, quota_exceeded, upload_not_found};
use crate::access::{self, Grant};
use crate::auth::Caller;
use crate::db::operations::Recorded;
use crate::db::uploads::{self, PlannedChunk, Upload};
use crate::db::{Connection, DbError, chunks, items, operations};
use crate::error::{ApiError, ApiResult};
use crate::ops::push::{
    self, Answer, NewItem, PreparedBody, PreparedChange, PreparedContent, PreparedKind, Refusal,
};
use crate::ops::tree::Tree;
use crate::state::App;

/// Judges the upload: the name is taken, the quota counted and the item made here. Once it was judged the
/// same answer can be had again.
pub async fn complete(
    app: &App,
    caller: Caller,
    file_id: ItemId,
    upload_id: UploadId,
) -> ApiResult<UploadCompleted> {
    let mut reader = app.db.reader().await?;
    if let Some((grant, change)) = judged(&mut reader, caller, file_id, upload_id).await? {
        drop(reader);
        return answer(app, caller, grant, change, Vec::new()).await;
    }
    let upload = find(&mut reader, caller, file_id, upload_id, app.env.now()).await?;
    let planned = uploads::planned_chunks(&mut reader, caller.user_id, upload_id).await?;
    let missing = missing(&upload, &planned);
    if !missing.is_empty() {
        return Err(chunks_missing(&missing));
    }
    let grant = access::grant_for_zone(&mut reader, caller.user_id, upload.zone_id).await?;
    let grant = grant.ok_or_else(upload_not_found)?;
    let change = change(&mut reader, caller, grant, &upload, &planned).await?;
    drop(reader);
    answer(app, caller, grant, change, planned).await
}

/// The operation as it was recorded, to be asked for again: only its id and payload matter then.
async fn judged(
    connection: &mut Connection,
    caller: Caller,
    file_id: ItemId,
    upload_id: UploadId,
) -> ApiResult<Option<(Grant, PreparedChange)>> {
    let operation_id = OperationId(upload_id.0);
    let recorded = operations::load(connection, caller.user_id, &[operation_id]).await?;
    let Some(operation) = recorded.into_iter().next() else { return Ok(None) };
    let Some(kept) = operation.kept else { return Err(operation_expired()) };
    // A push may have taken the id since the upload began: its answer is not the upload's.
    let upload = uploads::find(connection, caller.user_id, upload_id).await?;
    let is_anothers = upload.is_some_and(|upload| upload.payload_hash != kept.payload_hash);
    if is_anothers || kept.by_upload == Some(false) {
        return Err(idempotency_mismatch());
    }
    let of_file = match &kept.result {
        Recorded::Applied { file_id, .. }
        | Recorded::Conflict { file_id, .. }
        | Recorded::Failed { file_id, .. } => Some(*file_id),
        Recorded::Resolved { .. } => None,
    };
    if of_file != Some(file_id) {
        return Ok(None);
    }
    let grant = access::grant_for_zone(connection, caller.user_id, kept.zone_id).await?;
    let again = Refusal::new(ErrorCode::UploadNotFound, "There is no such upload.");
    let payload_hash = kept.payload_hash;
    let change = PreparedChange {
        operation_id,
        file_id,
        payload_hash,
        taken_elsewhere: false,
        by_upload: true,
        body: Err(again),
    };
    Ok(grant.map(|grant| (grant, change)))
}

/// The upload as the change that it is: `content` where the file is there, `create` where it is not.
async fn change(
    connection: &mut Connection,
    caller: Caller,
    grant: Grant,
    upload: &Upload,
    planned: &[PlannedChunk],
) -> ApiResult<PreparedChange> {
    let request: InitUpload = serde_json::from_str(&upload.request).map_err(ApiError::internal)?;
    let manifest = planned.iter().map(|planned| planned.chunk).collect();
    let manifest = Manifest::with_size(manifest, upload.total_size).map_err(ApiError::internal)?;
    let located = access::locate(connection, caller.user_id, upload.file_id).await?;
    let located = located.map(|(found, _)| found.zone_id);
    Ok(change_of(upload.file_id, request, upload.payload_hash, manifest, grant, located))
}

/// What an upload into the zone of `grant` asks for; `located` is where the file is by now.
pub fn change_of(
    file_id: ItemId,
    request: InitUpload,
    payload_hash: [u8; 32],
    manifest: Manifest,
    grant: Grant,
    located: Option<ZoneId>,
) -> PreparedChange {
    let content = PreparedContent::held(manifest, request.modified_at);
    let is_here = located == Some(grant.zone_id);
    // Without a base nothing of the file was seen.
    let base_version = request.base_version.or(request.base_operation_id.is_none().then(Default::default));
    let mut base = Base { base_version, base_operation_id: request.base_operation_id };
    if shared::faults::Fault::UploadForgetsBase.is_planted() {
        base = Base::version(shared::VersionVector::new());
    }
    let kind = if is_here {
        Ok(PreparedKind::Content(content))
    } else {
        let invalid = |error| {
            Refusal::new(ErrorCode::InvalidName, format!("This name can't be used: {error}. Choose another."))
        };
        ItemName::parse(&request.file_name).map_err(invalid).map(|name| {
            let new = NewItem {
                parent_id: request.parent_id.unwrap_or(grant.root_id),
                name,
                mime_type: request.mime_type,
                created_at: request.created_at,
                modified_at: request.modified_at,
                taken_at: None,
            };
            PreparedKind::Create(new, content)
        })
    };
    PreparedChange {
        operation_id: request.operation_id,
        file_id,
        payload_hash,
        taken_elsewhere: located.is_some() && !is_here,
        by_upload: true,
        body: kind.map(|kind| PreparedBody { base, kind }),
    }
}

/// Has the change judged, and tells how it came out.
async fn answer(
    app: &App,
    caller: Caller,
    grant: Grant,
    change: PreparedChange,
    planned: Vec<PlannedChunk>,
) -> ApiResult<UploadCompleted> {
    let operation_id = change.operation_id;
    let upload_id = UploadId(operation_id.0);
    let file_id = change.file_id;
    let effect = push::write_ending(app, grant, caller.device_id, vec![change], Some(upload_id)).await?;
    match effect.answers.into_iter().next() {
        Some(Answer::Applied(applied)) => Ok(UploadCompleted { applied, conflict: None }),
        Some(Answer::Conflict(conflict)) => {
            let item = present_state(app, grant.zone_id, &conflict).await?;
            let applied = Applied { operation_id, file_id, item, outcome: Outcome::Unchanged };
            Ok(UploadCompleted { applied, conflict: Some(conflict) })
        }
        Some(Answer::Failed(error)) => match error.code {
            ErrorCode::ChunksMissing => {
                let lost = error.missing_chunks.unwrap_or_default();
                forget(app, caller, upload_id, &planned, &lost).await?;
                Err(chunks_missing(&lost))
            }
            ErrorCode::QuotaExceeded => {
                let balance = chunks::balance(&mut app.db.reader().await?, grant.account_id).await?;
                Err(quota_exceeded(balance.quota_bytes))
            }
            code => Err(ApiError::new(code, error.message)),
        },
        None => Err(ApiError::internal("a push of one change has no answer")),
    }
}

async fn present_state(app: &App, zone: ZoneId, conflict: &ConflictInfo) -> ApiResult<ItemState> {
    let id = conflict.file_id;
    let rows = items::load_with_ancestors(&mut app.db.reader().await?, zone, &[id]).await?;
    let tree = Tree::new(zone, rows);
    tree.get(id).map(|row| tree.state(row)).ok_or_else(ApiError::not_found)
}

/// Takes back what was collected since it was sent: its lease ran out.
async fn forget(
    app: &App,
    caller: Caller,
    upload_id: UploadId,
    planned: &[PlannedChunk],
    lost: &[u32],
) -> ApiResult<()> {
    let lost: Vec<ChunkHash> = planned
        .iter()
        .filter(|planned| lost.contains(&planned.index))
        .map(|planned| planned.chunk.hash)
        .collect();
    let forgotten = app.db.write::<_, DbError, _>(move |connection| {
        let lost = lost.clone();
        Box::pin(async move { uploads::forget_chunks(connection, caller.user_id, upload_id, lost).await })
    });
    Ok(forgotten.await?)
}

fn chunks_missing(missing: &[u32]) -> ApiError {
    let detail = "Send the missing chunks, then complete again.";
    ApiError::new(ErrorCode::ChunksMissing, detail).with("missingChunks", missing)
}
