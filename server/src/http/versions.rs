//! Versions of a file.

use axum::extract::State;
use serde::Deserialize;
use shared::upload::{ItemAnswer, RestoreVersion, VersionList};
use shared::{ItemId, Problem, VersionId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json, Path, Query};
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::ops::versions;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_versions)).routes(routes!(restore_version))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct VersionsQuery {
    /// `nextCursor` of the page before.
    cursor: Option<u64>,
}

/// Lists every content that a file has or had
#[utoipa::path(get, path = "/files/{fileId}/versions", tag = "items", params(("fileId" = ItemId, Path), VersionsQuery),
    responses(
        (status = 200, body = VersionList),
        (status = 422, body = Problem, description = "not_a_file")))]
async fn list_versions(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ItemId>,
    Query(query): Query<VersionsQuery>,
) -> ApiResult<Json<VersionList>> {
    Ok(Json(versions::list(&app, caller, id, query.cursor).await?))
}

/// Makes an earlier content the present one
#[utoipa::path(post, path = "/files/{fileId}/versions/{versionId}/restore", tag = "items",
    params(("fileId" = ItemId, Path), ("versionId" = VersionId, Path)), request_body = RestoreVersion,
    responses(
        (status = 200, body = ItemAnswer),
        (status = 403, body = Problem, description = "read_only"),
        (status = 409, body = Problem, description = "idempotency_mismatch, operation_expired")))]
async fn restore_version(
    State(app): State<App>,
    caller: Caller,
    Path((id, version)): Path<(ItemId, VersionId)>,
    Json(request): Json<RestoreVersion>,
) -> ApiResult<Json<ItemAnswer>> {
    let item = versions::restore(&app, caller, id, version, request.operation_id).await?;
    Ok(Json(ItemAnswer { item }))
}
