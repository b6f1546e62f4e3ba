//! Conflicts: values of which a person chooses.

use axum::extract::State;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use shared::sync::{ConflictList, ResolveRequest, ResolveResponse};
use shared::{ConflictId, Problem};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::content_response::{Served, respond};
use super::extract::{Json, Path};
use crate::auth::Caller;
use crate::error::ApiResult;
use crate::ops::conflicts::{self, Side};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_conflicts))
        .routes(routes!(resolve_conflict))
        .routes(routes!(download_local))
        .routes(routes!(download_server))
}

/// Lists the open conflicts
#[utoipa::path(get, path = "/conflicts", tag = "sync",
    responses((status = 200, body = ConflictList)))]
async fn list_conflicts(State(app): State<App>, caller: Caller) -> ApiResult<Json<ConflictList>> {
    Ok(Json(ConflictList { conflicts: conflicts::list(&app, caller).await? }))
}

/// Resolves a conflict
///
/// `both` keeps the local side beside the other, under a name of its own.
#[utoipa::path(post, path = "/conflicts/{conflictId}/resolve", tag = "sync",
    params(("conflictId" = ConflictId, Path)), request_body = ResolveRequest, responses(
        (status = 200, body = ResolveResponse),
        (status = 403, body = Problem, description = "read_only"),
        (status = 409, body = Problem, description = "conflict_changed with `conflict`, conflict_resolved with `resolution` and `items`, idempotency_mismatch, operation_expired"),
        (status = 410, body = Problem, description = "gone"),
        (status = 422, body = Problem, description = "invalid_base, no_proposal, invalid_name"),
        (status = 507, body = Problem, description = "quota_exceeded")))]
async fn resolve_conflict(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConflictId>,
    Json(request): Json<ResolveRequest>,
) -> ApiResult<Json<ResolveResponse>> {
    Ok(Json(ResolveResponse { items: conflicts::resolve(&app, caller, id, request).await? }))
}

/// Downloads the local side of an open conflict
#[utoipa::path(get, path = "/conflicts/{conflictId}/local", tag = "sync",
    params(("conflictId" = ConflictId, Path)), responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 206),
        (status = 304),
        (status = 416, body = Problem, description = "range_not_satisfiable, with `size`")))]
async fn download_local(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConflictId>,
    method: Method,
    headers: HeaderMap,
) -> ApiResult<Response> {
    download(&app, caller, id, Side::Local, &method, &headers).await
}

/// Downloads the server's side of an open conflict
#[utoipa::path(get, path = "/conflicts/{conflictId}/server", tag = "sync",
    params(("conflictId" = ConflictId, Path)), responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 206),
        (status = 304),
        (status = 416, body = Problem, description = "range_not_satisfiable, with `size`")))]
async fn download_server(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ConflictId>,
    method: Method,
    headers: HeaderMap,
) -> ApiResult<Response> {
    download(&app, caller, id, Side::Server, &method, &headers).await
}

async fn download(
    app: &App,
    caller: Caller,
    id: ConflictId,
    side: Side,
    method: &Method,
    headers: &HeaderMap,
) -> ApiResult<Response> {
    let side = conflicts::side(app, caller, id, side).await?;
    let served = Served {
        account: side.grant.account_id,
        content: side.content,
        name: &side.name,
        mime_type: side.mime_type.as_deref(),
        inline: false,
        is_immutable: false,
    };
    respond(app, served, method, headers).await
}
