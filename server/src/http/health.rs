//! Whether this node lives, and whether it can serve: below `/api/v1` and at the root.

use axum::extract::State;
use serde::Serialize;
use shared::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::extract::Json;
use crate::db::settings;
use crate::error::ApiResult;
use crate::state::App;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

#[derive(Serialize, utoipa::ToSchema)]
struct Health {
    status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// Answers while the process runs
///
/// Also at `/health/live`.
#[utoipa::path(get, path = "/health/live", tag = "health", security(()), responses((status = 200, body = Health)))]
async fn live() -> Json<Health> {
    OK
}

/// Answers while the database and the object store do
///
/// Also at `/health/ready`.
#[utoipa::path(get, path = "/health/ready", tag = "health", security(()), responses(
        (status = 200, body = Health), (status = 503, body = Problem, description = "unavailable")))]
async fn ready(State(app): State<App>) -> ApiResult<Json<Health>> {
    settings::probe(&mut app.db.reader().await?).await?;
    app.blobs.probe().await?;
    Ok(OK)
}
