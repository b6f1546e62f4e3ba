//! Typed calls of `/api/v1`. The session is a cookie of this origin, so there is nothing to attach.

use app::ports::{CallError, PhotoList, Side};
use app::words;
use gloo_net::http::{Method, Request, RequestBuilder, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::account::{ChangePassword, Device, DeviceList, Register, Registered, SignIn, SignedIn};
use shared::activity::ActivityPage;
use shared::photo::{DuplicatePage, Photo, PhotoPage};
use shared::photo_index::{PhotoIndexPage, Shelf};
use shared::sync::{
    ConflictList, PullResponse, PushRequest, PushResponse, ResolveRequest, ResolveResponse, TrashPage,
};
use shared::upload::{
    ChunkStored, FileVersion, InitUpload, ItemAnswer, RestoreVersion, UploadCompleted, UploadStarted,
    VersionList,
};
use shared::{ChunkHash, ConflictId, DeviceId, ErrorCode, ItemId, OperationId, Problem, UploadId, VersionId};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, Blob, RequestCache};

/// What a call that carries little may take before it counts as unanswered, in milliseconds.
const CALL_TIMEOUT_MS: u32 = 60_000;
/// The slowest line on which a body still gets through, in bytes each millisecond.
const SLOWEST_LINE: u32 = 20;

pub type Answer<T> = Result<T, CallError>;

pub async fn sign_in(body: &SignIn) -> Answer<SignedIn> {
    call(Method::POST, "/auth/login", Some(body)).await
}

pub async fn register(body: &Register) -> Answer<Registered> {
    call(Method::POST, "/auth/register", Some(body)).await
}

pub async fn sign_out() -> Answer<()> {
    command(Method::POST, "/auth/logout").await
}

pub async fn change_password(body: &ChangePassword) -> Answer<()> {
    let body = serde_json::to_string(body).map_err(|_| CallError::Unreachable)?;
    exchange(Method::POST, "/auth/password", Some(body)).await.map(drop)
}

pub async fn me() -> Answer<SignedIn> {
    get("/auth/me").await
}

pub async fn devices() -> Answer<Vec<Device>> {
    Ok(get::<DeviceList>("/devices").await?.devices)
}

pub async fn remove_device(id: DeviceId) -> Answer<()> {
    command(Method::DELETE, &format!("/devices/{id}")).await
}

pub async fn push(body: &PushRequest) -> Answer<PushResponse> {
    call(Method::POST, "/sync/push", Some(body)).await
}

pub async fn pull(since: Option<&str>, limit: usize) -> Answer<PullResponse> {
    let mut query = vec![("limit", limit.to_string())];
    query.extend(since.map(|token| ("since", token.to_owned())));
    let request = Request::get("/api/v1/sync/pull").query(query.iter().map(|(name, value)| (*name, value)));
    read(send(request, CALL_TIMEOUT_MS).await?).await
}

pub async fn conflicts() -> Answer<ConflictList> {
    get("/conflicts").await
}

pub async fn resolve(conflict: ConflictId, body: &ResolveRequest) -> Answer<ResolveResponse> {
    call(Method::POST, &format!("/conflicts/{conflict}/resolve"), Some(body)).await
}

/// The bytes of one side of an open conflict.
pub async fn conflict_content(conflict: ConflictId, side: Side) -> Answer<Blob> {
    let request = Request::get(&conflict_url(conflict, side));
    let response: web_sys::Response = send(request, CALL_TIMEOUT_MS).await?.into();
    let body = response.blob().map_err(|_| CallError::Unreachable)?;
    let blob = JsFuture::from(body).await.map_err(|_| CallError::Unreachable)?;
    blob.dyn_into().map_err(|_| CallError::Unreachable)
}

pub fn conflict_url(conflict: ConflictId, side: Side) -> String {
    let side = match side {
        Side::Local => "local",
        Side::Server => "server",
    };
    format!("/api/v1/conflicts/{conflict}/{side}")
}

pub async fn activity(cursor: Option<&str>) -> Answer<ActivityPage> {
    let request = Request::get("/api/v1/activity").query(cursor.map(|cursor| ("cursor", cursor)));
    read(send(request, CALL_TIMEOUT_MS).await?).await
}

pub async fn trash(cursor: Option<&str>) -> Answer<TrashPage> {
    let request = Request::get("/api/v1/trash").query(cursor.map(|cursor| ("cursor", cursor)));
    read(send(request, CALL_TIMEOUT_MS).await?).await
}

pub async fn init_upload(file: ItemId, body: &InitUpload) -> Answer<UploadStarted> {
    call(Method::POST, &format!("/files/{file}/upload/init"), Some(body)).await
}

pub async fn put_chunk(
    file: ItemId,
    upload: UploadId,
    index: u32,
    hash: ChunkHash,
    bytes: &Blob,
) -> Answer<ChunkStored> {
    use base64::Engine as _;
    let digest = base64::engine::general_purpose::STANDARD.encode(hash.as_bytes());
    let request = Request::put(&format!("/api/v1/files/{file}/upload/{upload}/chunk/{index}"))
        .header("Content-Type", "application/octet-stream")
        .header("Content-Digest", &format!("sha-256=:{digest}:"))
        .abort_signal(Some(&AbortSignal::timeout_with_u32(timeout_ms(bytes.size() as u32))))
        .body(bytes)
        .map_err(|_| CallError::Unreachable)?;
    read(accept(request.send().await).await?).await
}

pub async fn complete_upload(file: ItemId, upload: UploadId) -> Answer<UploadCompleted> {
    let nothing = serde_json::Map::new();
    call(Method::POST, &format!("/files/{file}/upload/{upload}/complete"), Some(&nothing)).await
}

pub async fn cancel_upload(file: ItemId, upload: UploadId) -> Answer<()> {
    command(Method::DELETE, &format!("/files/{file}/upload/{upload}")).await
}

pub async fn versions(file: ItemId) -> Answer<Vec<FileVersion>> {
    let path = format!("/files/{file}/versions");
    let VersionList { mut versions, mut next_cursor } = get(&path).await?;
    while let Some(cursor) = next_cursor {
        let page: VersionList = get(&format!("{path}?cursor={cursor}")).await?;
        versions.extend(page.versions);
        next_cursor = page.next_cursor;
    }
    Ok(versions)
}

pub async fn restore_version(
    file: ItemId,
    version: VersionId,
    operation_id: OperationId,
) -> Answer<ItemAnswer> {
    let body = RestoreVersion { operation_id };
    call(Method::POST, &format!("/files/{file}/versions/{version}/restore"), Some(&body)).await
}

/// A page of the index of a list of photos.
pub async fn photo_index(list: PhotoList, cursor: Option<&str>) -> Answer<PhotoIndexPage> {
    let request =
        Request::get("/api/v1/photos/index").query(listed(list)).query(cursor.map(|it| ("cursor", it)));
    read(send(request, CALL_TIMEOUT_MS).await?).await
}

/// So many photos of a list, from a cursor on, until they are not wanted any more.
pub async fn photos(
    list: PhotoList,
    cursor: Option<&str>,
    limit: usize,
    wanted: &AbortController,
) -> Answer<PhotoPage> {
    let limit = limit.to_string();
    let request = Request::get("/api/v1/photos")
        .query(listed(list))
        .query([("limit", limit.as_str())])
        .query(cursor.map(|cursor| ("cursor", cursor)))
        .abort_signal(Some(&wanted.signal()));
    let asked = request.send();
    let late = async {
        crate::browser::sleep(u64::from(CALL_TIMEOUT_MS)).await;
        wanted.abort();
    };
    match futures::future::select(std::pin::pin!(asked), std::pin::pin!(late)).await {
        futures::future::Either::Left((answer, _)) => read(accept(answer).await?).await,
        futures::future::Either::Right(_) => Err(CallError::Unreachable),
    }
}

fn listed(list: PhotoList) -> Vec<(&'static str, String)> {
    if let PhotoList::Album(album) = list {
        return vec![("album", album.to_string())];
    }
    let shelf = match list.shelf() {
        Shelf::Library => "library",
        Shelf::Archived => "archived",
        Shelf::Hidden => "hidden",
    };
    let mut query = vec![("shelf", shelf.to_owned())];
    query.extend((list == PhotoList::Favorites).then(|| ("favorite", "true".to_owned())));
    query.extend(list.sought().map(|sought| ("query", sought.text().to_owned())));
    query
}

/// One of a photo's smaller forms, for whoever holds it on its way.
pub async fn form(address: &str) -> Answer<()> {
    let response = send(Request::get(address), CALL_TIMEOUT_MS).await?;
    response.binary().await.map(drop).map_err(|_| CallError::Unreachable)
}

pub async fn duplicates(cursor: Option<&str>) -> Answer<DuplicatePage> {
    let request = Request::get("/api/v1/photos/duplicates").query(cursor.map(|cursor| ("cursor", cursor)));
    read(send(request, CALL_TIMEOUT_MS).await?).await
}

pub async fn photo(id: ItemId) -> Answer<Photo> {
    get(&format!("/photos/{id}")).await
}

/// Has a photo looked at again whose smaller forms failed.
pub async fn retry_photo(id: ItemId) -> Answer<Photo> {
    call(Method::POST, &format!("/photos/{id}/retry"), None::<&()>).await
}

/// The first `bytes_max` bytes of a file's content.
pub async fn read_head(file: ItemId, bytes_max: usize) -> Answer<Vec<u8>> {
    // A part in the browser's own cache may be of another content than the part that comes.
    let request = Request::get(&download_url(file))
        .cache(RequestCache::NoStore)
        .header("Range", &format!("bytes=0-{}", bytes_max.saturating_sub(1)));
    match send(request, CALL_TIMEOUT_MS).await {
        Ok(response) => response.binary().await.map_err(|_| CallError::Unreachable),
        // There is no first byte of nothing.
        Err(CallError::Refused(problem)) if problem.code == ErrorCode::RangeNotSatisfiable => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// A file's whole content, on its way.
pub async fn download(file: ItemId, size: u64) -> Answer<Response> {
    let timeout_ms =
        CALL_TIMEOUT_MS.saturating_add(u32::try_from(size / u64::from(SLOWEST_LINE)).unwrap_or(u32::MAX));
    send(Request::get(&download_url(file)), timeout_ms).await
}

/// Where the page shows a file from.
pub fn inline_url(file: ItemId) -> String {
    format!("/api/v1/files/{file}/download?inline=1")
}

pub fn download_url(file: ItemId) -> String {
    format!("/api/v1/files/{file}/download")
}

pub fn zip_url(folder: ItemId) -> String {
    format!("/api/v1/files/{folder}/zip")
}

pub fn version_url(file: ItemId, version: VersionId) -> String {
    format!("/api/v1/files/{file}/download?version={version}")
}

async fn get<T: DeserializeOwned>(path: &str) -> Answer<T> {
    call(Method::GET, path, None::<&()>).await
}

/// A call whose answer says nothing but that it was done.
async fn command(method: Method, path: &str) -> Answer<()> {
    let request = RequestBuilder::new(&format!("/api/v1{path}")).method(method);
    send(request, CALL_TIMEOUT_MS).await.map(drop)
}

async fn call<T: DeserializeOwned>(method: Method, path: &str, body: Option<&impl Serialize>) -> Answer<T> {
    let body = body.map(serde_json::to_string).transpose().map_err(|_| CallError::Unreachable)?;
    read(exchange(method, path, body).await?).await
}

/// A call, with the texts of both ways: the types are only told apart around it.
async fn exchange(method: Method, path: &str, body: Option<String>) -> Answer<Response> {
    let timeout_ms = timeout_ms(body.as_ref().map_or(0, String::len) as u32);
    let request = RequestBuilder::new(&format!("/api/v1{path}"))
        .method(method)
        .abort_signal(Some(&AbortSignal::timeout_with_u32(timeout_ms)));
    let request = match body {
        Some(body) => request.header("Content-Type", "application/json").body(body),
        None => request.build(),
    };
    accept(request.map_err(|_| CallError::Unreachable)?.send().await).await
}

/// What a call may take that carries so many bytes.
fn timeout_ms(body_bytes: u32) -> u32 {
    CALL_TIMEOUT_MS + body_bytes / SLOWEST_LINE
}

async fn send(request: RequestBuilder, timeout_ms: u32) -> Answer<Response> {
    accept(request.abort_signal(Some(&AbortSignal::timeout_with_u32(timeout_ms))).send().await).await
}

/// Tells success, refusal and silence apart. What a proxy says in the server's stead (no problem in the
/// body) is silence, but for what would be the same again or asks for something.
async fn accept(answer: Result<Response, gloo_net::Error>) -> Answer<Response> {
    let response = answer.map_err(|_| CallError::Unreachable)?;
    if response.ok() {
        return Ok(response);
    }
    let retry_after_ms = response.headers().get("Retry-After").and_then(|value| retry_after_ms(&value));
    match response.json::<Problem>().await {
        Ok(mut problem) => {
            problem.retry_after_ms = problem.retry_after_ms.or(retry_after_ms);
            Err(CallError::Refused(Box::new(problem)))
        }
        Err(_) => Err(unexplained(response.status(), retry_after_ms)),
    }
}

/// What a status alone says.
fn unexplained(status: u16, retry_after_ms: Option<u64>) -> CallError {
    let (code, detail) = match status {
        401 => (ErrorCode::Unauthenticated, words::SIGNED_OUT),
        413 => (ErrorCode::InvalidRequest, words::TOO_MUCH_AT_ONCE),
        429 => (ErrorCode::RateLimited, words::SLOW_DOWN),
        _ => return CallError::Unreachable,
    };
    let mut problem = Problem::new(code, detail);
    problem.retry_after_ms = retry_after_ms;
    CallError::Refused(Box::new(problem))
}

/// An answer that cannot be read was cut off on its way, or comes from a newer server: asking again is
/// all that helps.
async fn read<T: DeserializeOwned>(response: Response) -> Answer<T> {
    let text = response.text().await.map_err(|_| CallError::Unreachable)?;
    serde_json::from_str(&text).map_err(|_| CallError::Unreachable)
}

/// Seconds, as our server says them; a date is left to the caller's own back-off.
fn retry_after_ms(value: &str) -> Option<u64> {
    value.trim().parse::<u64>().ok()?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::retry_after_ms;

    #[test]
    fn retry_after_is_seconds() {
        assert_eq!(retry_after_ms(" 12 "), Some(12_000));
        assert_eq!(retry_after_ms("Wed, 21 Oct 2026 07:28:00 GMT"), None);
        assert_eq!(retry_after_ms("18446744073709551615"), None);
    }
}
