//! Photos taken in whole, listed, and shown.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use futures::{Stream, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use shared::content::Manifest;
use shared::item::ItemState;
use shared::limits::{CHUNK_BYTES_MAX, FILE_BYTES_MAX};
use shared::photo::{DerivativeKind, DuplicateGroup, Photo, WallTime};
use shared::photo_index::segment_ends;
use shared::sync::{Base, Outcome, ZoneKind};
use shared::{ChunkRef, ErrorCode, ItemId, ItemName, OperationId, PictureId, Timestamp, UserId};

use super::content;
use super::push::{self, Answer, NewItem, PreparedBody, PreparedChange, PreparedContent, PreparedKind};
use crate::access::{self, Grant};
use crate::auth::Caller;
use crate::blobs::{BlobError, BlobKey, DerivativeKey, StagedChunk, Stored};
use crate::db::items::ItemRow;
use crate::db::photos::{Listed, Made, Rank, Ranked};
use crate::db::{Connection, chunks, items, photos};
use crate::error::{ApiError, ApiResult};
use crate::state::App;

/// What a photo without a name is called.
const NAME_DEFAULT: &str = "Photo";
/// Bytes that tell what a file is.
const HEAD_BYTES: usize = 32;

/// The caller's own library.
pub async fn library(connection: &mut Connection, caller: Caller) -> ApiResult<Grant> {
    let grant = access::own_grant(connection, caller.user_id, ZoneKind::Photos).await?;
    grant.ok_or_else(ApiError::not_found)
}

/// A photo's file as it was received: its bytes are durable, no row names them yet.
pub struct Received {
    name: ItemName,
    mime_type: Option<String>,
    staged: Vec<StagedChunk>,
    whole: [u8; 32],
}

/// What may stand beside the file.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Beside {
    pub operation_id: Option<OperationId>,
    pub taken_at: Option<WallTime>,
    pub modified_at: Option<Timestamp>,
}

/// Stores the file while it comes in. What is no picture or film is refused by its first bytes, what there is no
/// room for as soon as that is known; then nothing is left.
pub async fn receive(
    app: &App,
    grant: Grant,
    name: Option<&str>,
    mime_type: Option<String>,
    bytes: impl Stream<Item = ApiResult<Bytes>> + Unpin,
) -> ApiResult<Received> {
    let name = name.filter(|name| !name.is_empty()).unwrap_or(NAME_DEFAULT);
    let name = ItemName::parse(name).map_err(|error| {
        ApiError::new(ErrorCode::InvalidName, format!("This name can't be used: {error}. Choose another."))
    })?;
    let mime_type = mime_type.filter(|mime| mime.starts_with("image/") || mime.starts_with("video/"));
    let mime_type = mime_type.filter(|mime| push::is_mime_type(mime));
    let mut staged = Vec::new();
    match store(app, grant, bytes, &mut staged).await {
        Ok(whole) => Ok(Received { name, mime_type, staged, whole }),
        Err(error) => {
            forget_staged(app, grant.account_id, &staged).await;
            Err(error)
        }
    }
}

async fn store(
    app: &App,
    grant: Grant,
    mut bytes: impl Stream<Item = ApiResult<Bytes>> + Unpin,
    staged: &mut Vec<StagedChunk>,
) -> ApiResult<[u8; 32]> {
    let balance = chunks::balance(&mut app.db.reader().await?, grant.account_id).await?;
    let mut buffer = BytesMut::new();
    let mut size = 0_u64;
    let mut whole = Sha256::new();
    loop {
        let piece = bytes.try_next().await?;
        let was_unknown = size < HEAD_BYTES as u64;
        let ended = piece.is_none();
        if let Some(piece) = piece {
            size += piece.len() as u64;
            whole.update(&piece);
            buffer.extend_from_slice(&piece);
        }
        if was_unknown && (size >= HEAD_BYTES as u64 || ended) && !is_photo(&buffer) {
            let detail =
                "This isn't a photo or video that the library takes. Put it into your files instead.";
            return Err(ApiError::new(ErrorCode::UnsupportedPhoto, detail));
        }
        if size > FILE_BYTES_MAX {
            let detail = format!("A file has at most {FILE_BYTES_MAX} bytes. Send it in parts.");
            return Err(ApiError::new(ErrorCode::FileTooLarge, detail));
        }
        // What is staged gives way to it when it is taken in.
        if size > balance.free_bytes() {
            return Err(super::upload::quota_exceeded(balance.quota_bytes));
        }
        while buffer.len() >= CHUNK_BYTES_MAX || ended && !buffer.is_empty() {
            let chunk = buffer.split_to(buffer.len().min(CHUNK_BYTES_MAX)).freeze();
            let chunk_ref = ChunkRef { hash: crate::blobs::hash_of(&chunk).await, size: chunk.len() as u32 };
            staged.push(content::store(app, grant.account_id, chunk_ref, chunk).await?);
        }
        if ended {
            return Ok(whole.finalize().into());
        }
    }
}

/// By the first bytes. Films, and pictures that no preview can be made of here, are as safe as others.
fn is_photo(head: &[u8]) -> bool {
    decoder::format_of(head).is_some() || decoder::film::is_film(head)
}

/// Deletes what was received and will not be taken in.
pub async fn forget(app: &App, grant: Grant, received: &Received) {
    forget_staged(app, grant.account_id, &received.staged).await;
}

/// Deletes objects that no row will name. What this misses, the sweep finds.
async fn forget_staged(app: &App, account: UserId, staged: &[StagedChunk]) {
    for StagedChunk { chunk, stored } in staged {
        if let Stored::Object(generation) = *stored {
            let key = BlobKey { account, hash: chunk.hash, generation };
            if let Err(error) = app.blobs.delete(&key).await {
                tracing::warn!(%error, "a refused photo's object could not be deleted");
            }
        }
    }
}

/// Makes the photo, or finds the one that has this content already. Answers whether it is new.
pub async fn take_in(
    app: &App,
    caller: Caller,
    grant: Grant,
    received: Received,
    beside: Beside,
) -> ApiResult<(Photo, bool)> {
    let Received { name, mime_type, staged, whole } = received;
    let manifest = Manifest::new(staged.iter().map(|staged| staged.chunk).collect());
    let manifest = manifest.map_err(ApiError::internal)?;
    let hash = manifest.content_hash();
    let payload_hash = push::payload_hash(&("photo", &beside, name.as_str(), hash));
    let Beside { operation_id, taken_at, modified_at } = beside;
    let content = PreparedContent { manifest, hash, staged, bytes: None, whole: Some(whole), modified_at };
    let new = NewItem { parent_id: grant.root_id, name, mime_type, created_at: None, modified_at, taken_at };
    let change = PreparedChange {
        operation_id: operation_id.unwrap_or_else(|| app.env.id()),
        file_id: app.env.id(),
        payload_hash,
        taken_elsewhere: false,
        by_upload: false,
        body: Ok(PreparedBody { base: Base::default(), kind: PreparedKind::Create(new, content) }),
    };
    let effect = push::write(app, grant, caller.device_id, vec![change]).await?;
    let applied = match effect.answers.into_iter().next() {
        Some(Answer::Applied(applied)) => applied,
        Some(Answer::Failed(error)) if error.code == ErrorCode::QuotaExceeded => {
            let balance = chunks::balance(&mut app.db.reader().await?, grant.account_id).await?;
            return Err(super::upload::quota_exceeded(balance.quota_bytes));
        }
        Some(Answer::Failed(error)) => return Err(ApiError::new(error.code, error.message)),
        Some(Answer::Conflict(_)) | None => return Err(ApiError::internal("a create has no such answer")),
    };
    if let ItemState::Purged(_) = applied.item {
        return Err(ApiError::new(
            ErrorCode::Gone,
            "It was removed for good. Keep what you have under another id.",
        ));
    }
    let (photo, _) = find(&mut app.db.reader().await?, grant, applied.item.id()).await?;
    Ok((photo, applied.outcome != Outcome::Unchanged))
}

/// A photo that is there, in the trash or not, and its row.
pub async fn find(connection: &mut Connection, grant: Grant, id: ItemId) -> ApiResult<(Photo, ItemRow)> {
    let row = items::load(connection, grant.zone_id, &[id]).await?.pop();
    let row = row.filter(|row| row.purged_at.is_none()).ok_or_else(ApiError::not_found)?;
    let photo = row.to_photo().ok_or_else(ApiError::not_found)?;
    Ok((photo, row))
}

/// A page of a list, newest first, and where the next one begins.
pub async fn page(
    connection: &mut Connection,
    grant: Grant,
    listed: &Listed,
    before: Rank,
    limit: usize,
) -> ApiResult<(Vec<Photo>, Option<Rank>)> {
    let mut places = photos::page(connection, grant.zone_id, listed, before, limit + 1).await?;
    let next = more_than(limit, &mut places).map(|last| last.rank);
    let ids: Vec<ItemId> = places.iter().map(|ranked| ranked.rank.1).collect();
    let rows = items::load(connection, grant.zone_id, &ids).await?;
    let mut rows: BTreeMap<ItemId, ItemRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let photos = ids.iter().filter_map(|id| rows.remove(id)?.to_photo()).collect();
    Ok((photos, next))
}

/// Photos that one page of an index is made of: many segments.
const INDEX_PHOTOS: usize = 8_192;

/// A page of a list's index: its photos in segments, and where the next page begins.
pub async fn index(
    connection: &mut Connection,
    grant: Grant,
    listed: &Listed,
    before: Rank,
) -> ApiResult<(Vec<Vec<Ranked>>, Option<Rank>)> {
    let places = photos::page(connection, grant.zone_id, listed, before, INDEX_PHOTOS).await?;
    Ok(cut(&places, INDEX_PHOTOS))
}

/// The segments of up to `limit` photos, and where the page after them begins. A segment that may go on behind
/// the limit comes whole with the next page: so pages cut nothing.
fn cut(places: &[Ranked], limit: usize) -> (Vec<Vec<Ranked>>, Option<Rank>) {
    let mut ends = segment_ends(places.iter().map(|ranked| ranked.rank.1));
    let goes_on = places.len() == limit;
    if !goes_on && ends.last() != Some(&places.len()) {
        ends.push(places.len());
    }
    let starts = [0].into_iter().chain(ends.iter().copied());
    let segments = starts.zip(&ends).map(|(start, end)| places[start..*end].to_vec());
    let next = ends.last().filter(|_| goes_on).map(|end| places[end - 1].rank);
    (segments.filter(|segment| !segment.is_empty()).collect(), next)
}

/// Leaves a page of what was looked up one further. Answers its last, where more come after it.
pub fn more_than<T>(limit: usize, found: &mut Vec<T>) -> Option<&T> {
    let goes_on = found.len() > limit;
    found.truncate(limit);
    found.last().filter(|_| goes_on)
}

/// Photos of one group of duplicates.
const DUPLICATES_MAX: usize = 100;

/// The next groups of photos that look the same, the one with the newest photo first, and where the page after them
/// begins.
pub async fn duplicates(
    connection: &mut Connection,
    grant: Grant,
    before: (WallTime, PictureId),
    limit: usize,
) -> ApiResult<(Vec<DuplicateGroup>, Option<(WallTime, PictureId)>)> {
    let mut found = photos::duplicates(connection, grant.zone_id, before, limit + 1, DUPLICATES_MAX).await?;
    let next = more_than(limit, &mut found).map(|group| (group.newest, group.picture));
    let ids: Vec<ItemId> = found.iter().flat_map(|group| &group.photos).copied().collect();
    let rows = items::load(connection, grant.zone_id, &ids).await?;
    let mut photos: BTreeMap<ItemId, Photo> =
        rows.iter().filter_map(|row| Some((row.id, row.to_photo()?))).collect();
    let groups = found.iter().map(|group| DuplicateGroup {
        photos: group.photos.iter().filter_map(|id| photos.remove(id)).collect(),
    });
    Ok((groups.collect(), next))
}

/// A derivative's bytes. One that is lost or rotten is made again, and can be had later.
pub async fn derivative(
    app: &App,
    grant: Grant,
    row: &ItemRow,
    kind: DerivativeKind,
) -> ApiResult<Option<(Made, Bytes)>> {
    let (Some(picture), Some(content)) = (row.picture(), row.content_hash) else { return Ok(None) };
    let made = *picture.derivatives.get(kind);
    let key = DerivativeKey { account: grant.account_id, content, kind };
    match app.blobs.get_derivative(&key, made.hash).await {
        Ok(bytes) => Ok(Some((made, bytes))),
        Err(error @ (BlobError::Missing(_) | BlobError::Rotten(_))) => {
            tracing::warn!(%error, "a derivative is made again");
            remake(app, grant, row).await?;
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Has the picture looked at again.
pub async fn remake(app: &App, grant: Grant, row: &ItemRow) -> ApiResult<()> {
    if let Some(content) = row.content_hash {
        push::write_found(app, grant, row.id, content, None).await?;
        app.photos_due.notify_one();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::photo::Aspect;
    use shared::photo_index::SEGMENT_PHOTOS_MAX;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn pages_of_an_index_cut_no_segment() {
        let place = |n: usize| {
            let id = ItemId(Uuid::from_u128(n as u128 * 0x9e37_79b9));
            let rank = (WallTime::from_millis(-(n as i64)), id);
            Ranked { rank, aspect: Aspect::of(3, 2), is_placed: false }
        };
        for photos in [0, 1, SEGMENT_PHOTOS_MAX, 2 * SEGMENT_PHOTOS_MAX, 5_000] {
            let all: Vec<_> = (0..photos).map(place).collect();
            let (whole, next) = cut(&all, 10_000);
            assert_eq!((whole.concat(), next), (all.clone(), None));
            for limit in [SEGMENT_PHOTOS_MAX, SEGMENT_PHOTOS_MAX + 1, 1_000] {
                let (mut paged, mut from) = (Vec::new(), 0);
                loop {
                    let (segments, next) = cut(&all[from..all.len().min(from + limit)], limit);
                    from += segments.concat().len();
                    paged.extend(segments);
                    let Some(next) = next else { break };
                    assert_eq!(next, all[from - 1].rank);
                }
                assert_eq!(paged, whole, "{photos} photos, {limit} a page");
            }
        }
    }
}
