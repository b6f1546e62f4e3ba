//! The headers that keep browsers from doing harm with an answer. A handler that sets one itself knows
//! better, and is left alone.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

use super::arrival::Arrival;
use crate::state::App;

/// For all that is not a page: nothing in it is ever run, shown in a frame or treated as a document.
const CSP_DATA: &str =
    "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox";

const ALWAYS: [(HeaderName, &str); 7] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    ),
    (header::CONTENT_SECURITY_POLICY, CSP_DATA),
];
/// Two years, as the preload lists ask; only where people come by TLS.
const HSTS: &str = "max-age=63072000";

pub async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api/");
    let is_https =
        Arrival::of(&app.config, request.extensions().get().copied(), request.headers(), request.uri())
            .is_https;
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in ALWAYS {
        set_unless_there(headers, name, value);
    }
    if is_api {
        set_unless_there(headers, header::CACHE_CONTROL, "no-store");
    }
    if is_https {
        set_unless_there(headers, header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    response
}

fn set_unless_there(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
