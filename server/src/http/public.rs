//! What the public sees, rendered here: HTML at once, whatever the browser can do. The browser mounts the same
//! page over it.

use app::PublicPage;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};
use leptos::prelude::*;

use super::pages::{nonce, page_policy};
use crate::state::App;

pub fn answer(app: &App, page: PublicPage) -> Response {
    let nonce = nonce(app);
    let html = Owner::new().with(|| app::document(page, &nonce).to_html());
    let headers = [
        (header::CONTENT_SECURITY_POLICY, page_policy(&nonce)),
        // It bears the nonce.
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, Html(html)).into_response()
}
