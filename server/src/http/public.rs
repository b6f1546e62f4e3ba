//! What the public sees, rendered here and hydrated by the browser.

use app::PublicApp;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use leptos::prelude::*;
use leptos_axum::{ResponseOptions, render_app_async_with_context};

use super::pages::page_policy;

/// Sign-in and registration: HTML at once, whatever the browser can do.
pub async fn page(request: Request) -> Response {
    let render = render_app_async_with_context(
        || (),
        || {
            let nonce = use_nonce();
            if let (Some(nonce), Some(options)) = (&nonce, use_context::<ResponseOptions>())
                && let Ok(policy) = HeaderValue::from_str(&page_policy(nonce))
            {
                options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
                options.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            }
            let boot = view! {
                <link rel="modulepreload" href="/pkg/cloudstead.js" />
                <script type="module" src="/pkg/boot.js" nonce=nonce></script>
            };
            app::document(boot, view! { <PublicApp /> })
        },
    );
    render(request).await
}
