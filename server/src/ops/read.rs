//! A content's bytes, chunk by chunk, each proven against its hash before any of it goes out.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use shared::content::Manifest;
use shared::{ChunkHash, ChunkRef, ContentHash, UserId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;

use crate::blobs::{BlobError, BlobKey, Stored, verified};
use crate::db::{DbError, chunks, manifests};
use crate::error::ApiError;
use crate::state::App;

/// Chunks whose places are looked up in one statement.
const LOCATED_AT_ONCE: usize = 64;
/// Chunks that one download fetches ahead of the one that it sends: reading and proving go on side by side.
const AHEAD_MAX: usize = 3;
/// Chunks fetched ahead over all downloads.
const PREFETCHED_MAX: usize = 12;

/// Lets downloads fetch ahead as long as memory for it is left; beyond, each fetches only what it sends.
#[derive(Clone)]
pub struct Prefetch(Arc<Semaphore>);

impl Default for Prefetch {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PREFETCHED_MAX)))
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A manifest names a chunk that the account does not hold.
    #[error("chunk {0} has no row")]
    NoRow(ChunkHash),
}

impl From<ReadError> for ApiError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Db(error) => error.into(),
            ReadError::Blob(error) => error.into(),
            ReadError::NoRow(_) => Self::internal(error),
        }
    }
}

/// A chunk to come, on its way or here; its memory counts until it is sent.
struct Ahead {
    fetching: AbortOnDropHandle<Result<Bytes, ReadError>>,
    permit: OwnedSemaphorePermit,
}

/// A part of a chunk.
struct Piece {
    chunk: ChunkRef,
    /// Bytes of the chunk that are wanted.
    part: Range<usize>,
}

/// The pieces that make up `range` of the content.
fn pieces(manifest: &Manifest, range: &Range<u64>) -> Vec<Piece> {
    let mut start = 0_u64;
    let mut pieces = Vec::new();
    for &chunk in manifest.chunks() {
        let end = start + u64::from(chunk.size);
        let (from, to) = (range.start.max(start), range.end.min(end));
        if from < to {
            let part = (from - start) as usize..(to - start) as usize;
            pieces.push(Piece { chunk, part });
        }
        start = end;
    }
    pieces
}

/// Streams `range` of a content, the next chunks on their way while one is sent.
pub fn stream(
    app: App,
    account: UserId,
    manifest: &Manifest,
    range: Range<u64>,
) -> impl Stream<Item = Result<Bytes, ReadError>> + Send + use<> {
    let pieces = pieces(manifest, &range);
    async_stream::try_stream! {
        for batch in pieces.chunks(LOCATED_AT_ONCE) {
            let places = {
                let hashes: Vec<ChunkHash> = batch.iter().map(|piece| piece.chunk.hash).collect();
                let mut reader = app.db.reader().await?;
                chunks::locate(&mut reader, account, &hashes).await?
            };
            // A chunk may come again later in the batch.
            let fetching = |index: usize| {
                let hash = batch[index].chunk.hash;
                fetch(app.clone(), account, hash, places.get(&hash).cloned())
            };
            let mut ahead: VecDeque<Ahead> = VecDeque::with_capacity(AHEAD_MAX);
            for (index, piece) in batch.iter().enumerate() {
                let hash = piece.chunk.hash;
                let (bytes, permit) = match ahead.pop_front() {
                    Some(Ahead { fetching, permit }) => {
                        let fetched = fetching.await.map_err(|stopped| BlobError::Unavailable(stopped.into()))?;
                        (fetched?, Some(permit))
                    }
                    None => (fetching(index).await?, None),
                };
                while ahead.len() < AHEAD_MAX
                    && index + ahead.len() + 1 < batch.len()
                    && let Ok(permit) = app.prefetch.0.clone().try_acquire_owned()
                {
                    let next = tokio::spawn(fetching(index + ahead.len() + 1));
                    ahead.push_back(Ahead { fetching: AbortOnDropHandle::new(next), permit });
                }
                if bytes.len() < piece.part.end {
                    Err(BlobError::Rotten(hash))?;
                }
                yield bytes.slice(piece.part.clone());
                drop(permit);
            }
        }
    }
}

/// A chunk's bytes, from where it was found.
async fn fetch(
    app: App,
    account: UserId,
    hash: ChunkHash,
    place: Option<Stored>,
) -> Result<Bytes, ReadError> {
    match bytes_at(&app, account, hash, place.ok_or(ReadError::NoRow(hash))?).await {
        // Collected and uploaded again since it was looked up: there is a new generation.
        Err(BlobError::Missing(_)) => {
            let mut reader = app.db.reader().await?;
            let mut places = chunks::locate(&mut reader, account, &[hash]).await?;
            drop(reader);
            let place = places.remove(&hash).ok_or(ReadError::NoRow(hash))?;
            Ok(bytes_at(&app, account, hash, place).await?)
        }
        outcome => Ok(outcome?),
    }
}

async fn bytes_at(app: &App, account: UserId, hash: ChunkHash, place: Stored) -> Result<Bytes, BlobError> {
    match place {
        Stored::Inline(bytes) => verified(hash, bytes).await,
        Stored::Object(generation) => app.blobs.get(&BlobKey { account, hash, generation }).await,
    }
}

/// The whole of a small content (a text to merge).
pub async fn read_all(app: &App, account: UserId, manifest: &Manifest) -> Result<Bytes, ReadError> {
    let stream = stream(app.clone(), account, manifest, 0..manifest.size());
    let whole = BytesMut::with_capacity(manifest.size() as usize);
    let whole = stream.try_fold(whole, async |mut whole, bytes| {
        whole.extend_from_slice(&bytes);
        Ok(whole)
    });
    Ok(whole.await?.freeze())
}

/// SHA-256 of the whole file: computed when first needed, then kept. None if the account does not hold the
/// content.
pub async fn whole_hash(
    app: &App,
    account: UserId,
    content: ContentHash,
) -> Result<Option<[u8; 32]>, ReadError> {
    let mut reader = app.db.reader().await?;
    if let Some(known) = manifests::whole_hash(&mut reader, account, content).await? {
        return Ok(Some(known));
    }
    let Some(manifest) = manifests::load(&mut reader, account, content).await? else { return Ok(None) };
    drop(reader);
    let hash = hash_stream(stream(app.clone(), account, &manifest, 0..manifest.size()).boxed()).await?;
    app.db
        .write(move |connection| Box::pin(manifests::set_whole_hash(connection, account, content, hash)))
        .await
        .map_err(|error: DbError| error)?;
    Ok(Some(hash))
}

/// SHA-256 over everything that the stream gives.
pub async fn hash_stream(mut stream: BoxStream<'_, Result<Bytes, ReadError>>) -> Result<[u8; 32], ReadError> {
    let mut hash = Sha256::new();
    while let Some(bytes) = stream.try_next().await? {
        hash.update(&bytes);
        tokio::task::yield_now().await;
    }
    Ok(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(sizes: &[u32]) -> Manifest {
        let chunks = sizes.iter().map(|&size| ChunkRef { hash: ChunkHash::of(&size.to_le_bytes()), size });
        Manifest::new(chunks.collect()).unwrap()
    }

    fn parts(manifest: &Manifest, range: Range<u64>) -> Vec<(u32, Range<usize>)> {
        pieces(manifest, &range).into_iter().map(|piece| (piece.chunk.size, piece.part)).collect()
    }

    #[test]
    fn a_range_touches_only_its_chunks() {
        let manifest = cut(&[10, 20, 5]);
        assert_eq!(parts(&manifest, 0..35), [(10, 0..10), (20, 0..20), (5, 0..5)]);
        assert_eq!(parts(&manifest, 9..11), [(10, 9..10), (20, 0..1)]);
        assert_eq!(parts(&manifest, 30..35), [(5, 0..5)]);
        assert_eq!(parts(&manifest, 12..13), [(20, 2..3)]);
        assert_eq!(parts(&manifest, 35..35), []);
    }
}
