//! The feed.

use axum::extract::State;
use serde::Deserialize;
use shared::limits::{PULL_LIMIT_DEFAULT, PULL_LIMIT_MAX, PUSH_BODY_BYTES_MAX};
use shared::sync::{PullResponse, PushRequest, PushResponse};
use shared::{ErrorCode, Problem};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::{Json, Query};
use crate::auth::Caller;
use crate::error::{ApiError, ApiResult};
use crate::ops;
use crate::ops::push::RawPush;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(pull)).routes(routes!(push))
}

#[derive(Deserialize, IntoParams)]
struct PullQuery {
    /// The token of the last answer; without it, everything alive.
    since: Option<String>,
    /// 1 to 1,000 entries.
    limit: Option<usize>,
}

/// Gives what came after a sync token
///
/// Present states over all zones of the caller, parents first. Go on with the answer's token while `hasMore`.
#[utoipa::path(get, path = "/sync/pull", tag = "sync", params(PullQuery), responses(
        (status = 200, body = PullResponse),
        (status = 400, body = Problem, description = "invalid_sync_token"),
        (status = 410, body = Problem, description = "sync_token_expired, with `reason`")))]
async fn pull(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PullQuery>,
) -> ApiResult<Json<PullResponse>> {
    let limit = query.limit.unwrap_or(PULL_LIMIT_DEFAULT);
    if !(1..=PULL_LIMIT_MAX).contains(&limit) {
        let detail = format!("The limit is a number from 1 to {PULL_LIMIT_MAX}.");
        return Err(ApiError::new(ErrorCode::InvalidRequest, detail));
    }
    Ok(Json(ops::pull::pull(&app, caller, query.since.as_deref(), limit).await?))
}

/// Takes in changes
///
/// At most 500 changes or 2 MiB. In order; each stands or falls alone, and stands in exactly one of the three
/// lists of the answer.
#[utoipa::path(post, path = "/sync/push", tag = "sync", request_body = PushRequest, responses(
        (status = 200, body = PushResponse),
        (status = 400, body = Problem, description = "invalid_sync_token"),
        (status = 403, body = Problem, description = "device_mismatch"),
        (status = 410, body = Problem, description = "sync_token_expired, with `reason`"),
        (status = 413, body = Problem, description = "payload_too_large, too_many_changes")))]
async fn push(
    State(app): State<App>,
    caller: Caller,
    Json(push): Json<RawPush, PUSH_BODY_BYTES_MAX>,
) -> ApiResult<Json<PushResponse>> {
    Ok(Json(ops::push::push(&app, caller, push).await?))
}
