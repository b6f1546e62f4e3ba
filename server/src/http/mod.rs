//! HTTP: extract, authorise, call, reply. Each feature brings its routes with their description.

mod accounts;
mod activity;
pub mod arrival;
pub mod caller;
mod conflicts;
pub mod content_response;
mod cursor;
mod devices;
mod document;
mod downloads;
pub mod extract;
mod guard;
mod health;
mod items;
mod limits;
pub mod metrics;
mod notifications;
mod observe;
mod pages;
mod photos;
#[cfg(feature = "ssr")]
mod public;
mod sync;
mod trash;
mod uploads;
mod versions;

use std::any::Any;

use axum::extract::DefaultBodyLimit;
use axum::http::{Extensions, HeaderMap, HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Router, middleware};
use shared::ErrorCode;
use tower::ServiceBuilder;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{Predicate, SizeAbove};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::error::ApiError;
use crate::state::App;

/// Smaller answers are not worth compressing.
const COMPRESSED_BYTES_MIN: u16 = 1_024;

/// Everything that the server answers.
pub fn router(app: App) -> Router {
    metrics::install();
    let (api, document) = described(api().layer(compression()));
    let layers = ServiceBuilder::new()
        .layer(middleware::from_fn_with_state(app.clone(), observe::observe))
        .layer(middleware::from_fn_with_state(app.clone(), guard::guard))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), arrival::check_arrival))
        // Every extractor brings its own bound.
        .layer(DefaultBodyLimit::disable());
    // Probes of the usual addresses, too, ask this and not the site.
    let (probes, _) = health::routes().split_for_parts();
    Router::new()
        .merge(api)
        .merge(probes)
        .merge(document::routes(&document))
        .merge(pages::routes())
        .method_not_allowed_fallback(wrong_method)
        .layer(layers)
        .with_state(app)
}

/// What the published document says.
pub fn openapi() -> OpenApi {
    described(api()).1
}

fn described(api: OpenApiRouter<App>) -> (Router<App>, OpenApi) {
    let (api, mut document) = OpenApiRouter::with_openapi(document::head())
        .nest("/api/v1", api)
        .merge(metrics::routes())
        .split_for_parts();
    document::complete(&mut document);
    (api, document)
}

/// Lists and feeds shrink well. Content is left as it is: its ranges and tags count its own bytes.
fn compression() -> CompressionLayer<impl Predicate> {
    let is_data = |_: StatusCode, _: Version, headers: &HeaderMap, _: &Extensions| {
        let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
        let is_json = kind.is_some_and(|kind| kind.starts_with(b"application/json"));
        is_json && !headers.contains_key(header::ETAG) && !headers.contains_key(header::CONTENT_DISPOSITION)
    };
    let predicate = SizeAbove::new(COMPRESSED_BYTES_MIN).and(is_data);
    CompressionLayer::new().no_br().quality(CompressionLevel::Fastest).compress_when(predicate)
}

fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    ApiError::internal(format!("a handler panicked: {text}")).into_response()
}

/// The routes of every feature, below `/api/v1`.
fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(accounts::routes())
        .merge(activity::routes())
        .merge(devices::routes())
        .merge(health::routes())
        .merge(notifications::routes())
        .merge(sync::routes())
        .merge(items::routes())
        .merge(trash::routes())
        .merge(conflicts::routes())
        .merge(versions::routes())
        .merge(uploads::routes())
        .merge(downloads::routes())
        .merge(photos::routes())
}

async fn wrong_method() -> ApiError {
    ApiError::new(ErrorCode::MethodNotAllowed, "This address takes other methods. See /api/v1/openapi.json.")
}
