//! Figures for Prometheus: for administrators, and for whoever reaches the address of its own that
//! `CLOUDSTEAD_METRICS_LISTEN` names. To everyone else there is nothing here.

use std::sync::OnceLock;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use shared::Problem;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::caller::Session;
use crate::db::{DbError, chunks, photos};
use crate::error::{ApiError, ApiResult};
use crate::state::App;

/// Upper edges of the buckets of durations, in seconds.
const SECONDS: [f64; 9] = [0.001, 0.005, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// One recorder a process: the figures are the process's.
fn recorder() -> Option<&'static PrometheusHandle> {
    static HANDLE: OnceLock<Option<PrometheusHandle>> = OnceLock::new();
    HANDLE
        .get_or_init(|| {
            let builder = PrometheusBuilder::new();
            let builder =
                builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS).ok()?;
            let recorder = builder.build_recorder();
            let handle = recorder.handle();
            metrics::set_global_recorder(recorder).ok()?;
            Some(handle)
        })
        .as_ref()
}

/// Begins to count.
pub fn install() {
    recorder();
}

async fn render(app: &App) -> ApiResult<Response> {
    let handle = recorder().ok_or_else(ApiError::not_found)?;
    if let Err(error) = look_up(app).await {
        tracing::warn!(%error, "what the database holds can't be counted");
    }
    handle.run_upkeep();
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], handle.render()).into_response())
}

/// Notes what the database knows.
async fn look_up(app: &App) -> Result<(), DbError> {
    metrics::gauge!("cloudstead_database_busy").set(app.db.busy() as f64);
    let mut reader = app.db.reader().await?;
    let (used, staged) = chunks::stored_bytes(&mut reader).await?;
    metrics::gauge!("cloudstead_used_bytes").set(used as f64);
    metrics::gauge!("cloudstead_staged_bytes").set(staged as f64);
    let waiting = photos::count_due(&mut reader).await?;
    metrics::gauge!("cloudstead_derivatives_waiting").set(waiting as f64);
    Ok(())
}

/// On the site's own address: for an administrator.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(for_administrators))
}

/// This process's figures, for administrators
#[utoipa::path(get, path = "/metrics", tag = "health", responses(
        (status = 200, body = String, content_type = "text/plain", description = "As Prometheus reads them"),
        (status = 404, body = Problem, description = "not_found")))]
async fn for_administrators(
    State(app): State<App>,
    session: ApiResult<Option<Session>>,
) -> ApiResult<Response> {
    match session? {
        Some(session) if session.caller.is_admin => render(&app).await,
        _ => Err(ApiError::not_found()),
    }
}

/// On an address of its own, which only the operator's network reaches.
pub fn open_router(app: App) -> Router {
    Router::new().route("/metrics", get(for_anyone)).with_state(app)
}

async fn for_anyone(State(app): State<App>) -> ApiResult<Response> {
    render(&app).await
}
