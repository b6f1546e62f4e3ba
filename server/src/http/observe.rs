//! What is seen of each request: an id, a line in the log, a count and a duration. Never a query, a header
//! or a body, where secrets could be.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tokio::time::Instant;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::state::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Gives the request its id, and writes down how it went.
pub async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let id = app.env.id::<Uuid>();
    let method = request.method().clone();
    // The pattern, not the address: it has no ids, and there are few of them.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "other".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", %id, %method, route);
    let started = Instant::now();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    let status = response.status();
    span.in_scope(|| {
        tracing::debug!(status = status.as_u16(), took_ms = took.as_millis() as u64, "answered");
    });
    let labels =
        [("method", method.as_str().to_owned()), ("route", route), ("status", status.as_str().to_owned())];
    metrics::counter!("cloudstead_http_requests_total", &labels).increment(1);
    metrics::histogram!("cloudstead_http_request_seconds", &labels[..2]).record(took.as_secs_f64());
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
