//! Downloads: one file, or a folder as an archive.

use std::convert::Infallible;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::response::Response;
use serde::Deserialize;
use shared::{ErrorCode, ItemId, Problem, VersionId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::content_response::{Served, content_disposition, respond};
use super::extract::{Path, Query};
use crate::access;
use crate::auth::Caller;
use crate::db::files;
use crate::error::{ApiError, ApiResult};
use crate::ops::zip;
use crate::state::App;

/// What a person's own folder of files is called as an archive.
const ROOT_NAME: &str = "Files";

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(download_file)).routes(routes!(download_folder))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct DownloadQuery {
    /// An earlier content of the file.
    version: Option<VersionId>,
    /// `1` shows what is safe to show in the page; anything else is saved.
    inline: Option<u8>,
}

/// Downloads a file
///
/// Streamed, with ranges. The strong ETag is the content's hash. What is in the trash can be had too.
#[utoipa::path(get, path = "/files/{fileId}/download", tag = "content",
    params(("fileId" = ItemId, Path), DownloadQuery,
        ("Range" = Option<String>, Header), ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, content_type = "application/octet-stream"),
        (status = 206),
        (status = 304),
        (status = 416, body = Problem, description = "range_not_satisfiable, with `size`"),
        (status = 422, body = Problem, description = "not_a_file")))]
async fn download_file(
    State(app): State<App>,
    caller: Caller,
    Path(file_id): Path<ItemId>,
    Query(query): Query<DownloadQuery>,
    method: Method,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let mut reader = app.db.reader().await?;
    let located = access::locate(&mut reader, caller.user_id, file_id).await?;
    let (grant, item_id) = located.ok_or_else(ApiError::not_found)?;
    if item_id == grant.root_id {
        return Err(not_a_file());
    }
    let file = files::find(&mut reader, grant.zone_id, item_id).await?.ok_or_else(ApiError::not_found)?;
    let present = file.content_hash.ok_or_else(not_a_file)?;
    let content = match query.version {
        None => present,
        Some(version) => files::version(&mut reader, grant.zone_id, item_id, version)
            .await?
            .ok_or_else(ApiError::not_found)?,
    };
    drop(reader);
    let served = Served {
        account: grant.account_id,
        content,
        name: &file.name,
        mime_type: file.mime_type.as_deref(),
        inline: query.inline == Some(1),
        is_immutable: false,
    };
    respond(&app, served, &method, &headers).await
}

fn not_a_file() -> ApiError {
    ApiError::new(ErrorCode::NotAFile, "This is a folder. Download it as an archive, by its /zip address.")
}

/// Downloads a folder as an archive
///
/// A ZIP, stored rather than compressed, made while it is sent: folders included, empty ones too.
#[utoipa::path(get, path = "/files/{fileId}/zip", tag = "content", params(("fileId" = ItemId, Path)),
    responses(
        (status = 200, content_type = "application/zip"),
        (status = 422, body = Problem, description = "not_a_folder")))]
async fn download_folder(
    State(app): State<App>,
    caller: Caller,
    Path(folder_id): Path<ItemId>,
    method: Method,
) -> ApiResult<Response> {
    let mut reader = app.db.reader().await?;
    let located = access::locate(&mut reader, caller.user_id, folder_id).await?;
    let (grant, item_id) = located.ok_or_else(ApiError::not_found)?;
    let name = if item_id == grant.root_id {
        ROOT_NAME.to_owned()
    } else {
        let folder =
            files::find(&mut reader, grant.zone_id, item_id).await?.ok_or_else(ApiError::not_found)?;
        if folder.content_hash.is_some() {
            return Err(ApiError::new(ErrorCode::NotAFolder, "This is a file. Download it as it is."));
        }
        folder.name
    };
    drop(reader);
    let body = if method == Method::HEAD {
        // How long it will be nobody knows: an empty body would say that it is empty.
        Body::from_stream(futures::stream::empty::<Result<Bytes, Infallible>>())
    } else {
        Body::from_stream(zip::stream(app, grant, item_id, name.clone()))
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store, no-transform"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_DISPOSITION, content_disposition("attachment", &format!("{name}.zip")));
    Ok(response)
}
