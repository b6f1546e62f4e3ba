//! The activity list: what became of items because several devices changed them.

use axum::extract::State;
use serde::Deserialize;
use shared::activity::{Activity, ActivityPage};
use shared::limits::PAGE_LIMIT_DEFAULT;
use shared::{ActivityId, DeviceId, ErrorCode, Problem};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::extract::{Json, Query};
use crate::access::grants_of;
use crate::auth::Caller;
use crate::db::activity::{self, ActivityRow};
use crate::db::devices;
use crate::error::{ApiError, ApiResult};
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_activity))
}

#[derive(Deserialize, IntoParams)]
struct ActivityQuery {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

/// Lists what was merged, renamed, brought back or lost a race
///
/// The latest first, over all zones of the caller; kept as long as operations are.
#[utoipa::path(get, path = "/activity", tag = "sync", params(ActivityQuery), responses(
    (status = 200, body = ActivityPage), (status = 400, body = Problem), (status = 401, body = Problem)))]
async fn list_activity(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ActivityQuery>,
) -> ApiResult<Json<ActivityPage>> {
    let invalid = |_| {
        ApiError::new(
            ErrorCode::InvalidRequest,
            "This cursor wasn't given by this server. Begin without one.",
        )
    };
    let before = match query.cursor {
        None => ActivityId(Uuid::max()),
        Some(cursor) => cursor.parse().map_err(invalid)?,
    };
    let mut connection = app.db.snapshot().await?;
    let mut rows: Vec<ActivityRow> = Vec::new();
    for grant in grants_of(&mut connection, caller.user_id).await? {
        let limit = PAGE_LIMIT_DEFAULT + 1;
        rows.extend(activity::load(&mut connection, grant.zone_id, before, limit).await?);
    }
    rows.sort_unstable_by_key(|row| std::cmp::Reverse(row.id));
    let more = rows.len() > PAGE_LIMIT_DEFAULT;
    rows.truncate(PAGE_LIMIT_DEFAULT);
    let next_cursor = rows.last().filter(|_| more).map(|row| row.id.to_string());
    let made_by: Vec<DeviceId> = rows.iter().map(|row| row.device_id).collect();
    let holders = devices::load_holders(&mut connection, &made_by).await?;
    let activities = rows.into_iter().map(|row| Activity {
        id: row.id,
        item_id: row.item_id,
        item_name: row.told.item_name,
        item_type: row.told.item_type,
        happened_at: row.happened_at,
        by: holders.iter().find(|holder| holder.device_id == row.device_id).cloned(),
        kind: row.told.kind,
    });
    Ok(Json(ActivityPage { activities: activities.collect(), next_cursor }))
}
