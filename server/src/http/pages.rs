//! The site: pages of the public, rendered here; the shell of the signed-in area, the same for
//! everyone; and the files that both load.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

use super::wrong_method;
use crate::error::ApiError;
use crate::site::{SiteFile, content_type, is_named_by_content};
use crate::state::App;

const SHELL: &str = "shell.html";
/// Where the signed-in area begins.
const HOME: &str = "/files";

pub fn routes() -> Router<App> {
    Router::new()
        .route("/", get(|| async { Redirect::to(HOME) }))
        .merge(public_pages())
        .fallback(file_or_shell)
}

#[cfg(feature = "ssr")]
fn public_pages() -> Router<App> {
    super::public::prepare();
    app::PublicPage::ALL.into_iter().fold(Router::new(), |routes, page| {
        let answer = move |State(app): State<App>, request: Request| async move {
            super::public::answer(page, &app.site.code().await, request).await
        };
        routes.route(page.path(), get(answer).fallback(wrong_method))
    })
}

#[cfg(not(feature = "ssr"))]
fn public_pages() -> Router<App> {
    Router::new()
}

/// One policy for every page, and for the workers, which take that of their script: only our own files,
/// and inline scripts with the answer's nonce.
pub(super) fn page_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self' 'nonce-{nonce}'; \
         style-src-attr 'unsafe-inline'; img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; \
         frame-src 'self' blob:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; object-src 'none'; \
         base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
}

/// A file of the site, or the shell for an address of the signed-in area. Those have no dot in their last
/// part.
async fn file_or_shell(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return ApiError::not_found().into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return wrong_method().await.into_response();
    }
    let is_file = path.rsplit('/').next().is_some_and(|last| last.contains('.'));
    let path = if is_file { path.trim_start_matches('/') } else { SHELL };
    let takes_brotli = accepts_brotli(request.headers());
    match app.site.file(path, takes_brotli).await {
        Some(file) => answer(&app, path, file, request.headers()),
        None if path == SHELL => {
            let text =
                "The site isn't built yet. Run `cargo xtask run`, or set CLOUDSTEAD_SITE to its folder.\n";
            (StatusCode::NOT_FOUND, text).into_response()
        }
        None => ApiError::not_found().into_response(),
    }
}

fn answer(app: &App, path: &str, file: SiteFile, asked: &HeaderMap) -> Response {
    let nonce = BASE64_STANDARD_NO_PAD.encode(&app.env.secret()[..16]);
    // Whoever asks for a page or a picture wants to know whether there is a newer one.
    let keeping = if is_named_by_content(path) { "public, max-age=31536000, immutable" } else { "no-cache" };
    let tag = format!("\"{}\"", BASE64_STANDARD_NO_PAD.encode(file.hash));
    let headers = [
        (header::CONTENT_TYPE, content_type(path).into_owned()),
        (header::CACHE_CONTROL, keeping.to_owned()),
        (header::CONTENT_SECURITY_POLICY, page_policy(&nonce)),
        (header::VARY, "accept-encoding".to_owned()),
        (header::ETAG, tag.clone()),
    ];
    let known = asked.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    if known.is_some_and(|tags| tags.split(',').any(|one| one.trim().trim_start_matches("W/") == tag)) {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    let mut response = (headers, Body::from(file.bytes)).into_response();
    if file.is_brotli {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

fn accepts_brotli(headers: &HeaderMap) -> bool {
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next() == Some("br") && parts.next() != Some("q=0")
    })
}
