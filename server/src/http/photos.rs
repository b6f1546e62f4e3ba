//! The photo library.

use axum::body::Body;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{FromRequest as _, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures::TryStreamExt as _;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use shared::limits::{PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX};
use shared::photo::{
    AlbumPage, DerivativeKind, DuplicatePage, Photo, PhotoPage, PhotoStatus, PhotoUploaded, WallTime,
    photo_path,
};
use shared::photo_index::{PhotoIndexPage, PhotoSegment, Shelf};
use shared::photo_query::PhotoQuery;
use shared::{ErrorCode, ItemId, PictureId, Problem};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::content_response::{self, Served};
use super::cursor::Cursor;
use super::extract::{Json, Path, Query, broken_body};
use crate::access::{self, Grant};
use crate::auth::Caller;
use crate::db::Connection;
use crate::db::photos::{Listed, Listing, Rank};
use crate::error::{ApiError, ApiResult};
use crate::ops::albums;
use crate::ops::photos::{self, Beside, Received};
use crate::state::App;

/// A field of the form beside the file, in bytes.
const FIELD_BYTES_MAX: usize = 1_024;
/// Fields of the form.
const FIELDS_MAX: usize = 16;

pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(upload_photo))
        .routes(routes!(list_photos))
        .routes(routes!(index_photos))
        .routes(routes!(list_albums))
        .routes(routes!(list_duplicates))
        .routes(routes!(get_photo))
        .routes(routes!(retry_photo))
        .routes(routes!(show_photo))
}

/// The form's fields, for the document.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "only described")]
struct PhotoForm {
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
    operation_id: Option<Uuid>,
    taken_at: Option<WallTime>,
    modified_at: Option<shared::Timestamp>,
}

/// Takes a photo in whole
///
/// A picture or film of the caller's library. Equal content is one photo: then the answer is 200, with the one
/// that is there. Large ones are better sent in chunks, with `library: "photos"`.
#[utoipa::path(post, path = "/photos/upload", tag = "photos",
    request_body(content = PhotoForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = PhotoUploaded),
        (status = 201, body = PhotoUploaded),
        (status = 400, body = Problem, description = "invalid_request"),
        (status = 408, body = Problem, description = "request_timeout"),
        (status = 409, body = Problem, description = "idempotency_mismatch, operation_expired"),
        (status = 410, body = Problem, description = "gone"),
        (status = 413, body = Problem, description = "file_too_large"),
        (status = 415, body = Problem, description = "unsupported_photo, unsupported_media_type"),
        (status = 422, body = Problem, description = "invalid_name"),
        (status = 507, body = Problem, description = "quota_exceeded, storage_full")))]
async fn upload_photo(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> ApiResult<(StatusCode, Json<PhotoUploaded>)> {
    let grant = photos::library(&mut app.db.reader().await?, caller).await?;
    let mut form = Multipart::from_request(request, &app).await.map_err(|_| {
        let detail = "Send a form, with the header Content-Type: multipart/form-data.";
        ApiError::new(ErrorCode::UnsupportedMediaType, detail)
    })?;
    let mut received = None;
    let beside = match read_form(&app, grant, &mut form, &mut received).await {
        Ok(beside) => beside,
        Err(error) => {
            if let Some(received) = &received {
                photos::forget(&app, grant, received).await;
            }
            return Err(error);
        }
    };
    let received = received.ok_or_else(|| {
        ApiError::new(ErrorCode::InvalidRequest, "The form needs a field `file` with the picture.")
    })?;
    let (photo, is_new) = photos::take_in(&app, caller, grant, received, beside).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(PhotoUploaded { photo })))
}

/// The form's fields, in whatever order they come.
async fn read_form(
    app: &App,
    grant: Grant,
    form: &mut Multipart,
    received: &mut Option<Received>,
) -> ApiResult<Beside> {
    let mut beside = Beside::default();
    for _ in 0..FIELDS_MAX {
        let Some(field) = form.next_field().await.map_err(broken_body)? else { break };
        match field.name() {
            Some("file") if received.is_none() => {
                let name = field.file_name().map(str::to_owned);
                let mime_type = field.content_type().map(str::to_owned);
                let bytes = field.map_err(broken_body);
                let file = photos::receive(app, grant, name.as_deref(), mime_type, bytes).await?;
                *received = Some(file);
            }
            Some("file") => {
                let detail = "The form has more than one `file`. Send a form for each photo.";
                return Err(ApiError::new(ErrorCode::InvalidRequest, detail));
            }
            Some("operationId") => beside.operation_id = value(field).await?,
            Some("takenAt") => beside.taken_at = value(field).await?,
            Some("modifiedAt") => beside.modified_at = value(field).await?,
            // From a newer client.
            _ => {}
        }
    }
    Ok(beside)
}

/// A short field's value; none where it is empty.
async fn value<T: DeserializeOwned>(mut field: Field<'_>) -> ApiResult<Option<T>> {
    let invalid = |reason: String| ApiError::new(ErrorCode::InvalidRequest, reason);
    let name = field.name().unwrap_or_default().to_owned();
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(broken_body)? {
        if bytes.len() + piece.len() > FIELD_BYTES_MAX {
            return Err(invalid(format!("The field {name} is too long.")));
        }
        bytes.extend_from_slice(&piece);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if text.is_empty() {
        return Ok(None);
    }
    let value = serde_json::from_value(serde_json::Value::String(text));
    value.map(Some).map_err(|error| invalid(format!("The field {name} isn't what belongs here: {error}.")))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct PhotosQuery {
    /// `nextCursor` of the page before, or a segment's `cursor`.
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct IndexQuery {
    /// `nextCursor` of the page before.
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ListedQuery {
    /// The library itself, where none is named.
    #[serde(default)]
    #[param(inline)]
    shelf: Shelf,
    /// Those of that album instead, archived ones included.
    album: Option<ItemId>,
    /// Only favourites.
    favorite: Option<bool>,
    /// Only what all of these words say: days (`2019`, `2019-05-12`, `may 2019`, `12 May`), kinds (`video`, `png`,
    /// `panorama`, `live` …), and beginnings of words of file names, cameras, lenses and places.
    query: Option<String>,
}

impl ListedQuery {
    async fn listed(&self, connection: &mut Connection, grant: Grant) -> ApiResult<Listed> {
        let of = match self.album {
            Some(album) => Listing::Album(albums::find(connection, grant, album).await?),
            None => Listing::Shelf(self.shelf),
        };
        let query = PhotoQuery::parse(self.query.as_deref().unwrap_or_default()).map_err(|error| {
            ApiError::new(ErrorCode::InvalidRequest, format!("Search for less: {error}."))
        })?;
        Ok(Listed { of, favorites: self.favorite == Some(true), query })
    }
}

const fn rank(cursor: Cursor) -> Rank {
    (WallTime::from_millis(cursor.0), ItemId(cursor.1))
}

fn cursor((at, id): Rank) -> String {
    Cursor(at.as_millis(), id.0).encode()
}

/// Lists the library
///
/// Newest first by when they were taken, then by id. Hidden and archived photos are on shelves of their own. In an album,
/// the `sortAt` that a person gave a photo there stands in for when it was taken.
#[utoipa::path(get, path = "/photos", tag = "photos", params(PhotosQuery, ListedQuery), responses(
        (status = 200, body = PhotoPage),
        (status = 400, body = Problem, description = "invalid_request"),
        (status = 404, body = Problem, description = "not_found")))]
async fn list_photos(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PhotosQuery>,
    Query(listed): Query<ListedQuery>,
) -> ApiResult<Json<PhotoPage>> {
    let before = rank(Cursor::of_query(query.cursor.as_deref())?);
    let limit = page_limit(query.limit)?;
    let mut snapshot = app.db.snapshot().await?;
    let grant = photos::library(&mut snapshot, caller).await?;
    let listed = listed.listed(&mut snapshot, grant).await?;
    let (photos, next) = photos::page(&mut snapshot, grant, &listed, before, limit).await?;
    Ok(Json(PhotoPage { photos, next_cursor: next.map(cursor) }))
}

/// Gives the library's index
///
/// How many photos each day has and what shape each is, in the list's order. `aspects` has a byte a photo:
/// 128 + 32 · log2(width / height), rounded, between 1 and 255; 128 where that isn't known yet. Where a segment of an
/// album `isArranged`, a person put some of its photos where they are, and the days are not those when they were taken.
#[utoipa::path(get, path = "/photos/index", tag = "photos", params(IndexQuery, ListedQuery), responses(
        (status = 200, body = PhotoIndexPage),
        (status = 400, body = Problem, description = "invalid_request"),
        (status = 404, body = Problem, description = "not_found")))]
async fn index_photos(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<IndexQuery>,
    Query(listed): Query<ListedQuery>,
) -> ApiResult<Json<PhotoIndexPage>> {
    let before = rank(Cursor::of_query(query.cursor.as_deref())?);
    let mut reader = app.db.reader().await?;
    let grant = photos::library(&mut reader, caller).await?;
    let listed = listed.listed(&mut reader, grant).await?;
    let (segments, next) = photos::index(&mut reader, grant, &listed, before).await?;
    let mut begins = query.cursor;
    let segments = segments
        .into_iter()
        .map(|photos| {
            let next = photos.last().map(|last| cursor(last.rank));
            let begins = std::mem::replace(&mut begins, next);
            let is_arranged = photos.iter().any(|photo| photo.is_placed);
            let photos = photos.into_iter().map(|photo| (photo.rank.0, photo.aspect));
            PhotoSegment::new(begins, photos).arranged(is_arranged)
        })
        .collect();
    Ok(Json(PhotoIndexPage { segments, next_cursor: next.map(cursor) }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AlbumsQuery {
    /// `nextCursor` of the page before.
    cursor: Option<ItemId>,
    limit: Option<usize>,
}

/// Lists the albums
///
/// Each with how many photos it has, from when to when, and the photo that stands for it. An album is a folder of
/// the library: it is made by `createFolder` in the library's root, renamed, deleted and restored as folders are. Photos
/// are put into it by the push's `albumAdd`, `albumRemove` and `albumCover`, and in order by `albumPlace`.
#[utoipa::path(get, path = "/photos/albums", tag = "photos", params(AlbumsQuery), responses(
        (status = 200, body = AlbumPage),
        (status = 400, body = Problem, description = "invalid_request")))]
async fn list_albums(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<AlbumsQuery>,
) -> ApiResult<Json<AlbumPage>> {
    let limit = page_limit(query.limit)?;
    let mut snapshot = app.db.snapshot().await?;
    let grant = photos::library(&mut snapshot, caller).await?;
    let (albums, next) = albums::page(&mut snapshot, grant, query.cursor, limit).await?;
    Ok(Json(AlbumPage { albums, next_cursor: next.map(|id| id.to_string()) }))
}

/// Groups of one page.
const DUPLICATES_LIMIT_DEFAULT: usize = 50;
const DUPLICATES_LIMIT_MAX: usize = 100;

/// Lists photos that look the same
///
/// In groups of two at least: photos of the library or the archive whose pixels are the same, whatever else their
/// files say. The group with the newest photo comes first, and in it the newest photo.
#[utoipa::path(get, path = "/photos/duplicates", tag = "photos", params(PhotosQuery), responses(
        (status = 200, body = DuplicatePage),
        (status = 400, body = Problem, description = "invalid_request")))]
async fn list_duplicates(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PhotosQuery>,
) -> ApiResult<Json<DuplicatePage>> {
    let Cursor(newest, picture) = Cursor::of_query(query.cursor.as_deref())?;
    let before = (WallTime::from_millis(newest), PictureId(picture));
    let limit = limit(query.limit, DUPLICATES_LIMIT_DEFAULT, DUPLICATES_LIMIT_MAX)?;
    let mut snapshot = app.db.snapshot().await?;
    let grant = photos::library(&mut snapshot, caller).await?;
    let (groups, next) = photos::duplicates(&mut snapshot, grant, before, limit).await?;
    let next_cursor = next.map(|(newest, picture)| Cursor(newest.as_millis(), picture.0).encode());
    Ok(Json(DuplicatePage { groups, next_cursor }))
}

fn page_limit(asked: Option<usize>) -> ApiResult<usize> {
    limit(asked, PAGE_LIMIT_DEFAULT, PAGE_LIMIT_MAX)
}

fn limit(asked: Option<usize>, default: usize, max: usize) -> ApiResult<usize> {
    let limit = asked.unwrap_or(default);
    if !(1..=max).contains(&limit) {
        let detail = format!("The limit is between 1 and {max}.");
        return Err(ApiError::new(ErrorCode::InvalidRequest, detail));
    }
    Ok(limit)
}

async fn find(app: &App, caller: Caller, id: ItemId) -> ApiResult<(Grant, Photo, crate::db::items::ItemRow)> {
    let mut reader = app.db.reader().await?;
    let located = access::locate(&mut reader, caller.user_id, id).await?;
    let (grant, id) = located.ok_or_else(ApiError::not_found)?;
    let (photo, row) = photos::find(&mut reader, grant, id).await?;
    Ok((grant, photo, row))
}

/// Gives one photo
#[utoipa::path(get, path = "/photos/{id}", tag = "photos", params(("id" = ItemId, Path)),
    responses((status = 200, body = Photo)))]
async fn get_photo(State(app): State<App>, caller: Caller, Path(id): Path<ItemId>) -> ApiResult<Json<Photo>> {
    Ok(Json(find(&app, caller, id).await?.1))
}

/// Has a photo looked at again
///
/// Where its derivatives failed; otherwise nothing changes.
#[utoipa::path(post, path = "/photos/{id}/retry", tag = "photos", params(("id" = ItemId, Path)),
    responses((status = 200, body = Photo)))]
async fn retry_photo(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<ItemId>,
) -> ApiResult<Json<Photo>> {
    let (grant, photo, row) = find(&app, caller, id).await?;
    if photo.info.status != PhotoStatus::Failed {
        return Ok(Json(photo));
    }
    photos::remake(&app, grant, &row).await?;
    Ok(Json(find(&app, caller, id).await?.1))
}

/// Shows a photo
///
/// `thumbnail`, `preview` or `display`: its longest side has at most 200, 1024 or 2048 px; never enlarged,
/// upright, sRGB; not found while it isn't made. `original` is the file as it came. Under the address that lists give, with `v`, it never changes.
#[utoipa::path(get, path = "/photos/{id}/{form}", tag = "photos",
    params(("id" = ItemId, Path), ("form" = String, Path), ("v" = Option<String>, Query),
        ("If-None-Match" = Option<String>, Header)),
    responses(
        (status = 200, content_type = "image/jpeg"),
        (status = 304),
        (status = 404, body = Problem, description = "not_found")))]
async fn show_photo(
    State(app): State<App>,
    caller: Caller,
    Path((id, form)): Path<(ItemId, String)>,
    method: Method,
    headers: HeaderMap,
    request: Request,
) -> ApiResult<Response> {
    let (grant, _, row) = find(&app, caller, id).await?;
    let content = row.content_hash.ok_or_else(ApiError::not_found)?;
    // Under the name of another content it is not what will always be there.
    let is_versioned = request.uri().query().is_some_and(|query| {
        photo_path(row.id, &form, content).split_once('?').is_some_and(|(_, own)| own == query)
    });
    if form == "original" {
        let mime_type = row.mime_type.as_deref();
        let account = grant.account_id;
        let served =
            Served { account, content, name: &row.name, mime_type, inline: true, is_immutable: is_versioned };
        return content_response::respond(&app, served, &method, &headers).await;
    }
    let kind = DerivativeKind::ALL.into_iter().find(|kind| kind.name() == form);
    let kind = kind.ok_or_else(ApiError::not_found)?;
    let etag = |hash| format!("\"{hash}\"");
    if let Some(picture) = row.picture() {
        let etag = etag(picture.derivatives.get(kind).hash);
        if content_response::matches_etag(&headers, &etag) {
            return Ok(content_response::not_modified(&etag, is_versioned));
        }
    }
    let (made, bytes) = photos::derivative(&app, grant, &row, kind).await?.ok_or_else(ApiError::not_found)?;
    let length = bytes.len();
    let mut response = Response::new(if method == Method::HEAD { Body::empty() } else { bytes.into() });
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/jpeg"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    content_response::set_validators(headers, &etag(made.hash), is_versioned);
    Ok(response)
}
