//! HTTP: extract, authorise, call, reply. Each feature brings its routes with their description.

mod accounts;
pub mod arrival;
pub mod caller;
mod devices;
pub mod extract;
mod health;

use axum::Router;
use axum::middleware;
use shared::ErrorCode;
use utoipa_axum::router::OpenApiRouter;

use crate::error::ApiError;
use crate::state::App;

/// Everything that the server answers.
pub fn router(app: App) -> Router {
    let (api, _document) = api().split_for_parts();
    let api = api.fallback(unknown).method_not_allowed_fallback(wrong_method);
    Router::new()
        .nest("/api/v1", api)
        .fallback(unknown)
        .layer(middleware::from_fn_with_state(app.clone(), arrival::check_arrival))
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(app)
}

/// The routes of every feature, below `/api/v1`.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new().merge(accounts::routes()).merge(devices::routes()).merge(health::routes())
}

async fn unknown() -> ApiError {
    ApiError::not_found()
}

async fn wrong_method() -> ApiError {
    ApiError::new(ErrorCode::MethodNotAllowed, "This address takes other methods. See /api/v1/openapi.json.")
}
