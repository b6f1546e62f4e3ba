//! Requests as a client of the API sends them, and what it makes of the answers.

use axum::body::Body;
use axum::http::{Method, Request as HttpRequest, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::sync::ConflictList;
use shared::{ErrorCode, Problem};

use crate::server::{Reply, Request};

/// A request without who asks.
pub fn request(request: &Request) -> HttpRequest<Body> {
    match request {
        Request::Push(push) => json(Method::POST, "/sync/push", push),
        Request::Pull { since, limit } => {
            let since = since.as_ref().map(|token| format!("&since={token}")).unwrap_or_default();
            empty(Method::GET, &format!("/sync/pull?limit={limit}{since}"))
        }
        Request::Trash { cursor } => {
            let cursor = cursor.as_ref().map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
            empty(Method::GET, &format!("/trash{cursor}"))
        }
        Request::Conflicts => empty(Method::GET, "/conflicts"),
        Request::Resolve { conflict, request } => {
            json(Method::POST, &format!("/conflicts/{conflict}/resolve"), request)
        }
        Request::RestoreVersion { file_id, version_id, operation } => {
            let path = format!("/files/{file_id}/versions/{version_id}/restore");
            json(Method::POST, &path, &serde_json::json!({ "operationId": operation }))
        }
        Request::BeginUpload { file_id, request } => {
            json(Method::POST, &format!("/files/{file_id}/upload/init"), request)
        }
        Request::SendChunk { file_id, upload, index, bytes } => {
            let path = format!("/files/{file_id}/upload/{upload}/chunk/{index}");
            with_body(Method::PUT, &path, "application/octet-stream", bytes.clone())
        }
        Request::CompleteUpload { file_id, upload } => {
            let path = format!("/files/{file_id}/upload/{upload}/complete");
            json(Method::POST, &path, &serde_json::json!({}))
        }
    }
}

/// What came back for it.
pub fn reply(request: &Request, status: StatusCode, body: &[u8]) -> Result<Reply, Problem> {
    if !status.is_success() {
        return Err(problem(status, body));
    }
    Ok(match request {
        Request::Push(_) => Reply::Pushed(read(body)),
        Request::Pull { .. } => Reply::Pulled(read(body)),
        Request::Trash { .. } => Reply::Trash(read(body)),
        Request::Conflicts => Reply::Conflicts(read::<ConflictList>(body).conflicts),
        Request::Resolve { .. } => Reply::Resolved(read(body)),
        Request::RestoreVersion { .. } => Reply::VersionRestored,
        Request::BeginUpload { .. } => Reply::UploadBegun(read(body)),
        Request::SendChunk { .. } => Reply::ChunkStored,
        Request::CompleteUpload { .. } => Reply::UploadCompleted(Box::new(read(body))),
    })
}

pub fn problem(status: StatusCode, body: &[u8]) -> Problem {
    serde_json::from_slice(body)
        .unwrap_or_else(|_| Problem::new(ErrorCode::Internal, format!("{status} without a reason")))
}

pub fn read<T: DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body)
        .unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(body)))
}

pub fn json<T: Serialize>(method: Method, path: &str, body: &T) -> HttpRequest<Body> {
    let body = serde_json::to_vec(body).unwrap_or_else(|error| panic!("{path}: {error}"));
    with_body(method, path, "application/json", body)
}

pub fn empty(method: Method, path: &str) -> HttpRequest<Body> {
    built(HttpRequest::builder().method(method).uri(format!("/api/v1{path}")), Body::empty())
}

fn with_body(method: Method, path: &str, kind: &str, body: Vec<u8>) -> HttpRequest<Body> {
    let head = HttpRequest::builder().method(method).uri(format!("/api/v1{path}"));
    let head = head.header(header::CONTENT_TYPE, kind).header(header::CONTENT_LENGTH, body.len());
    built(head, Body::from(body))
}

fn built(head: axum::http::request::Builder, body: Body) -> HttpRequest<Body> {
    head.body(body).unwrap_or_else(|error| panic!("a request: {error}"))
}
