//! What the public sees, rendered here: HTML at once, whatever the browser can do. The browser mounts the same
//! page over it.

use any_spawner::Executor;
use app::PublicPage;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use leptos::prelude::*;
use leptos_axum::{ResponseOptions, render_app_async_with_context};

use super::pages::page_policy;

/// Tells Leptos, once a process, which runtime it works on.
pub fn prepare() {
    if Executor::init_tokio().is_err() {
        tracing::debug!("Leptos was told before");
    }
}

pub async fn answer(page: PublicPage, code: &str, request: Request) -> Response {
    let code = code.to_owned();
    let render = render_app_async_with_context(
        || (),
        move || {
            let nonce = use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default();
            if let (Some(options), Ok(policy)) =
                (use_context::<ResponseOptions>(), HeaderValue::from_str(&page_policy(&nonce)))
            {
                options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
                // It bears the nonce.
                options.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
            app::document(page, &nonce, &code)
        },
    );
    render(request).await
}
