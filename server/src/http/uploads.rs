//! Chunked uploads.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures::TryStreamExt as _;
use shared::limits::INIT_BODY_BYTES_MAX;
use shared::upload::{ChunkStored, InitUpload, UploadCompleted, UploadStarted, UploadStatus};
use shared::{ErrorCode, ItemId, Problem, UploadId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json, Path, broken_body};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult};
use crate::ops::upload::{self, SentChunk};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(init_upload))
        .routes(routes!(put_chunk))
        .routes(routes!(upload_status, cancel_upload))
        .routes(routes!(complete_upload))
}

/// Begins an upload
///
/// It is the operation `create` (no such file) or `content`, judged at `complete` as in a push. With
/// `chunks`, what the account already holds need not be sent. The same operation finds its upload again.
#[utoipa::path(post, path = "/files/{fileId}/upload/init", tag = "content", params(("fileId" = ItemId, Path)),
    request_body = InitUpload, responses(
        (status = 201, body = UploadStarted),
        (status = 400, body = Problem, description = "invalid_sync_token"),
        (status = 403, body = Problem, description = "read_only"),
        (status = 409, body = Problem, description = "idempotency_mismatch, operation_expired"),
        (status = 410, body = Problem, description = "sync_token_expired, with `reason`"),
        (status = 413, body = Problem, description = "file_too_large, too_many_chunks"),
        (status = 422, body = Problem, description = "invalid_manifest, invalid_name"),
        (status = 429, body = Problem, description = "upload_limit"),
        (status = 507, body = Problem, description = "quota_exceeded, staged_limit")))]
async fn init_upload(
    State(app): State<App>,
    caller: Caller,
    Path(file_id): Path<ItemId>,
    Json(request): Json<InitUpload, INIT_BODY_BYTES_MAX>,
) -> ApiResult<(StatusCode, Json<UploadStarted>)> {
    Ok((StatusCode::CREATED, Json(upload::init(&app, caller, file_id, request).await?)))
}

/// Sends a chunk
///
/// In any order, in parallel. A body that does not match its declared hash, size or digest is refused, and
/// nothing is stored.
#[utoipa::path(put, path = "/files/{fileId}/upload/{uploadId}/chunk/{index}", tag = "content",
    params(("fileId" = ItemId, Path), ("uploadId" = UploadId, Path), ("index" = u32, Path),
        ("Content-Digest" = Option<String>, Header, description = "RFC 9530: `sha-256=:…:`")),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 200, body = ChunkStored),
        (status = 400, body = Problem, description = "invalid_request"),
        (status = 403, body = Problem, description = "device_mismatch"),
        (status = 404, body = Problem, description = "upload_not_found"),
        (status = 408, body = Problem, description = "request_timeout"),
        (status = 410, body = Problem, description = "upload_expired"),
        (status = 422, body = Problem, description = "chunk_mismatch, invalid_manifest"),
        (status = 507, body = Problem, description = "staged_limit")))]
async fn put_chunk(
    State(app): State<App>,
    caller: Caller,
    Path((file_id, upload_id, index)): Path<(ItemId, UploadId, u32)>,
    headers: HeaderMap,
    body: Body,
) -> ApiResult<Json<ChunkStored>> {
    let length = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = body.into_data_stream().map_err(broken_body);
    let sent = SentChunk { index, length, digest: content_digest(&headers)?, body };
    Ok(Json(upload::put_chunk(&app, caller, file_id, upload_id, sent).await?))
}

/// Tells what of an upload is there
#[utoipa::path(get, path = "/files/{fileId}/upload/{uploadId}", tag = "content",
    params(("fileId" = ItemId, Path), ("uploadId" = UploadId, Path)),
    responses(
        (status = 200, body = UploadStatus),
        (status = 403, body = Problem, description = "device_mismatch"),
        (status = 404, body = Problem, description = "upload_not_found"),
        (status = 410, body = Problem, description = "upload_expired")))]
async fn upload_status(
    State(app): State<App>,
    caller: Caller,
    Path((file_id, upload_id)): Path<(ItemId, UploadId)>,
) -> ApiResult<Json<UploadStatus>> {
    Ok(Json(upload::status(&app, caller, file_id, upload_id).await?))
}

/// Cancels an upload
///
/// What was sent is kept for 7 days, so that a new `init` with `chunks` finds it.
#[utoipa::path(delete, path = "/files/{fileId}/upload/{uploadId}", tag = "content",
    params(("fileId" = ItemId, Path), ("uploadId" = UploadId, Path)),
    responses(
        (status = 204),
        (status = 403, body = Problem, description = "device_mismatch"),
        (status = 404, body = Problem, description = "upload_not_found")))]
async fn cancel_upload(
    State(app): State<App>,
    caller: Caller,
    Path((file_id, upload_id)): Path<(ItemId, UploadId)>,
) -> ApiResult<StatusCode> {
    upload::cancel(&app, caller, file_id, upload_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Completes an upload
///
/// The name is taken, the quota judged and the item made here, in one step. The answer can be had again.
#[utoipa::path(post, path = "/files/{fileId}/upload/{uploadId}/complete", tag = "content",
    params(("fileId" = ItemId, Path), ("uploadId" = UploadId, Path)),
    responses(
        (status = 200, body = UploadCompleted),
        (status = 403, body = Problem, description = "device_mismatch, read_only"),
        (status = 404, body = Problem, description = "upload_not_found"),
        (status = 409, body = Problem, description = "chunks_missing with `missingChunks`, idempotency_mismatch, operation_expired, already_exists, depends_on_failed"),
        (status = 410, body = Problem, description = "upload_expired, gone"),
        (status = 422, body = Problem, description = "invalid_name, parent_not_found, not_a_folder, not_a_file, too_deep, root_immutable, invalid_base, invalid_manifest"),
        (status = 507, body = Problem, description = "quota_exceeded")))]
async fn complete_upload(
    State(app): State<App>,
    caller: Caller,
    Path((file_id, upload_id)): Path<(ItemId, UploadId)>,
) -> ApiResult<Json<UploadCompleted>> {
    Ok(Json(upload::complete(&app, caller, file_id, upload_id).await?))
}

/// The SHA-256 of `Content-Digest` (RFC 9530); other algorithms are passed over.
fn content_digest(headers: &HeaderMap) -> ApiResult<Option<[u8; 32]>> {
    let malformed = || {
        let detail = "Content-Digest has the form sha-256=:BASE64:.";
        ApiError::new(ErrorCode::InvalidRequest, detail)
    };
    for value in headers.get_all("content-digest") {
        for member in value.to_str().map_err(|_| malformed())?.split(',') {
            let Some((algorithm, value)) = member.trim().split_once('=') else { return Err(malformed()) };
            if algorithm.trim() != "sha-256" {
                continue;
            }
            let value = value.split(';').next().unwrap_or_default().trim();
            let encoded = value.strip_prefix(':').and_then(|value| value.strip_suffix(':'));
            let digest = encoded.and_then(|encoded| BASE64_STANDARD.decode(encoded).ok());
            let wrong = |_| {
                let detail = "A SHA-256 has 32 bytes, so this is no digest of the body. Nothing was stored.";
                ApiError::new(ErrorCode::ChunkMismatch, detail)
            };
            return digest.ok_or_else(malformed)?.try_into().map(Some).map_err(wrong);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_read_as_the_rfc_writes_them() {
        let digest = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("content-digest", text.parse().unwrap());
            content_digest(&headers).map_err(|error| error.code())
        };
        let zeros = BASE64_STANDARD.encode([0; 32]);
        assert_eq!(digest(&format!("sha-256=:{zeros}:")), Ok(Some([0; 32])));
        assert_eq!(digest(&format!("sha-512=:AAAA:, sha-256=:{zeros}:")), Ok(Some([0; 32])));
        assert_eq!(digest("sha-512=:AAAA:"), Ok(None));
        assert_eq!(content_digest(&HeaderMap::new()).ok(), Some(None));
        for wrong in ["sha-256=:A:", "sha-256=abc", "nonsense", &format!("sha-256={zeros}")] {
            assert_eq!(digest(wrong), Err(ErrorCode::InvalidRequest), "{wrong}");
        }
        assert_eq!(digest("sha-256=:AAAA:"), Err(ErrorCode::ChunkMismatch), "the digest of nothing");
    }
}
