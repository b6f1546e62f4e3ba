//! The OpenAPI document: made from the handlers' own descriptions and types.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{InfoBuilder, OpenApi, OpenApiBuilder};

use super::caller::session_cookie_name;
use crate::state::App;

/// What stands above all paths: either credential will do, unless a path says otherwise.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Cloudstead")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "Ids are UUIDs, instants RFC 3339 UTC with milliseconds, hashes lower-case hexadecimal SHA-256, sizes bytes. \
             Every 4xx and 5xx is an RFC 9457 problem with a stable `code`. What a caller may not see answers 404, with \
             the same body as what does not exist. Every mutation with a cookie needs the site's own `Origin`.",
        ))
        .build();
    let either = ["bearer", "cookie"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
    let mut document = OpenApiBuilder::new().info(info).security(Some(either)).build();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(session_cookie_name(true))));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", bearer);
    components.add_security_scheme("cookie", cookie);
    document
}

/// The document, written once.
pub fn routes(document: &OpenApi) -> Router<App> {
    let text = Bytes::from(document.to_json().unwrap_or_default());
    let answer = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text) }
    };
    Router::new().route("/api/v1/openapi.json", get(answer))
}
