//! What is seen of each request: an id, a line in the log, a count and a duration. Never a query, a header
//! or a body, where secrets could be. What went wrong, was refused or took long is told where nobody asked for more.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use shared::ErrorCode;
use tokio::time::Instant;
use tracing::Instrument as _;
use tracing::field::Empty;
use uuid::Uuid;

use crate::state::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What takes longer is slow, were it because of the client.
const SLOW: Duration = Duration::from_secs(10);

/// Gives the request its id, and writes down how it went.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = app.env.id::<Uuid>();
    let method = request.method().clone();
    // The pattern, not the address: it has no ids, and there are few of them.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", %id, %method, route, address = Empty);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    let status = response.status();
    span.in_scope(|| write_down(status, response.extensions().get().copied(), took));
    let labels =
        [("method", method.as_str().to_owned()), ("route", route), ("status", status.as_str().to_owned())];
    metrics::counter!("cloudstead_http_requests_total", &labels).increment(1);
    metrics::histogram!("cloudstead_http_request_seconds", &labels[..2]).record(took.as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn write_down(status: StatusCode, code: Option<ErrorCode>, took: Duration) {
    let is_refused = code.is_some_and(is_refusal);
    let (status, took_ms) = (status.as_u16(), took.as_millis() as u64);
    let code = code.map(ErrorCode::as_str).unwrap_or_default();
    match status {
        _ if is_refused => tracing::info!(status, code, took_ms, "refused"),
        500 => tracing::error!(status, code, took_ms, "failed"),
        501.. => tracing::warn!(status, code, took_ms, "failed"),
        _ if took >= SLOW => tracing::info!(status, code, took_ms, "answered slowly"),
        _ => tracing::debug!(status, code, took_ms, "answered"),
    }
}

/// Whether someone may not, or has had their part: what tells of guessing, of other sites and of runaway clients.
fn is_refusal(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::InvalidCredentials
            | ErrorCode::WrongPassword
            | ErrorCode::Forbidden
            | ErrorCode::OriginMismatch
            | ErrorCode::RateLimited
            | ErrorCode::DeviceLimit
            | ErrorCode::SessionLimit
            | ErrorCode::SocketLimit
            | ErrorCode::UploadLimit
            | ErrorCode::StagedLimit
            | ErrorCode::QuotaExceeded
    )
}
