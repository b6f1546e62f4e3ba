//! The OpenAPI document: made from the handlers' own descriptions and types.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;
use shared::ErrorCode;
use shared::frames::{ClientFrame, ServerFrame};
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterIn, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{
    Content, HeaderBuilder, InfoBuilder, ObjectBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, Response,
    ResponseBuilder, Schema, Type,
};

use super::caller::session_cookie_name;
use super::limits;
use crate::state::App;

/// Where the document is.
const PATH: &str = "/api/v1/openapi.json";

/// What stands above all paths: either credential will do, unless a path says otherwise.
pub fn head() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Cloudstead")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(format!(
            "Ids are UUIDs, instants RFC 3339 UTC with milliseconds, hashes lower-case hexadecimal SHA-256, sizes bytes. \
             Every 4xx and 5xx is an RFC 9457 problem with a stable `code`. What a caller may not see answers 404, with \
             the same body as what does not exist. Every mutation with a cookie needs the site's own `Origin`. Where \
             a retry makes sense, `retryAfterMs` and `Retry-After` say when.\n\n## Limits\n\n{}",
            limits::table()
        )))
        .build();
    let either = ["bearer", "cookie"].map(|name| SecurityRequirement::new(name, Vec::<String>::new()));
    let mut document = OpenApiBuilder::new().info(info).security(Some(either)).build();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(session_cookie_name(true))));
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("bearer", bearer);
    components.add_security_scheme("cookie", cookie);
    // No operation has them as its body.
    let mut frames = vec![schema_of::<ServerFrame>(), schema_of::<ClientFrame>()];
    ServerFrame::schemas(&mut frames);
    ClientFrame::schemas(&mut frames);
    components.schemas.extend(frames);
    document
}

fn schema_of<T: ToSchema>() -> (String, RefOr<Schema>) {
    (T::name().into_owned(), T::schema())
}

/// Adds to every operation the errors that any of its kind can answer, in the form that every error has.
pub fn complete(document: &mut OpenApi) {
    document.paths.add_path_operation(PATH, vec![HttpMethod::Get], itself());
    for (path, item) in &mut document.paths.paths {
        if path.contains("/health/") {
            continue;
        }
        let has_id = path.contains('{');
        let PathItem { get, put, post, delete, .. } = item;
        let changes = [put, post, delete].into_iter().map(|operation| (operation, true));
        for (operation, changes) in std::iter::once((get, false)).chain(changes) {
            if let Some(operation) = operation {
                complete_operation(operation, changes, has_id);
            }
        }
    }
    for item in document.paths.paths.values_mut() {
        item.head = item.get.as_ref().and_then(head_of);
    }
    let items = document.paths.paths.values_mut();
    let operations = items.flat_map(|PathItem { get, put, post, delete, .. }| [get, put, post, delete]);
    for response in operations.flatten().flat_map(|operation| &mut operation.responses.responses) {
        if let (status, RefOr::T(response)) = response
            && status.starts_with(['4', '5'])
        {
            as_problem(status, response);
        }
    }
}

/// What HEAD answers where GET answers bytes: the same without them.
fn head_of(get: &Operation) -> Option<Operation> {
    let is_bytes = |response: &RefOr<Response>| match response {
        RefOr::T(response) => response.content.keys().any(|kind| kind != "application/json"),
        RefOr::Ref(_) => false,
    };
    get.responses.responses.get("200").filter(|answer| is_bytes(answer))?;
    let mut head = get.clone();
    head.operation_id = get.operation_id.as_ref().map(|id| format!("{id}_head"));
    for response in head.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            response.content.clear();
        }
    }
    Some(head)
}

fn itself() -> Operation {
    let any = ObjectBuilder::new().schema_type(Type::Object);
    let content = Content::new(Some(any));
    let answer = ResponseBuilder::new().description("OpenAPI").content("application/json", content);
    let operation = OperationBuilder::new().tag("health").summary(Some("This document"));
    operation.security(SecurityRequirement::default()).response("200", answer).build()
}

fn complete_operation(operation: &mut Operation, changes: bool, has_id: bool) {
    let is_public = operation
        .security
        .as_ref()
        .is_some_and(|all| all.iter().all(|one| *one == SecurityRequirement::default()));
    let mut codes = vec![ErrorCode::RateLimited, ErrorCode::Internal, ErrorCode::Unavailable];
    if !is_public {
        codes.push(ErrorCode::Unauthenticated);
    }
    if has_id {
        codes.push(ErrorCode::NotFound);
    }
    if changes {
        codes.extend([ErrorCode::OriginMismatch, ErrorCode::StorageFull]);
    }
    let is_query = |parameter: &RefOr<Parameter>| match parameter {
        RefOr::T(parameter) => parameter.parameter_in == ParameterIn::Query,
        RefOr::Ref(_) => false,
    };
    let has_query = operation.parameters.iter().flatten().any(is_query);
    let takes_json = match &operation.request_body {
        Some(RefOr::T(body)) => body.content.contains_key("application/json"),
        _ => false,
    };
    if has_query || takes_json {
        codes.push(ErrorCode::InvalidRequest);
    }
    if takes_json {
        use ErrorCode::{PayloadTooLarge, RequestTimeout, UnsupportedMediaType};
        codes.extend([RequestTimeout, PayloadTooLarge, UnsupportedMediaType]);
    }
    for code in codes {
        add(operation, code);
    }
}

fn add(operation: &mut Operation, code: ErrorCode) {
    let status = code.status().to_string();
    let response = operation.responses.responses.entry(status).or_insert_with(|| Response::new("").into());
    let (RefOr::T(response), name) = (response, code.as_str()) else { return };
    if response.description.is_empty() {
        response.description = name;
    } else if response.description.split(", ").all(|one| one != name) {
        response.description = format!("{}, {name}", response.description);
    }
}

fn as_problem(status: &str, response: &mut Response) {
    let content = Content::new(Some(Ref::from_schema_name("Problem")));
    response.content = [("application/problem+json".to_owned(), RefOr::T(content))].into();
    if matches!(status, "408" | "429" | "500" | "503" | "507") {
        let seconds = ObjectBuilder::new().schema_type(Type::Integer);
        let header = HeaderBuilder::new().schema(Some(seconds)).description(Some("Seconds.")).build();
        response.headers.insert("Retry-After".to_owned(), RefOr::T(header));
    }
}

/// The document, written once.
pub fn routes(document: &OpenApi) -> Router<App> {
    let text = Bytes::from(document.to_json().unwrap_or_default());
    let answer = move || {
        let text = text.clone();
        async move { ([(header::CONTENT_TYPE, "application/json")], text) }
    };
    Router::new().route(PATH, get(answer))
}
