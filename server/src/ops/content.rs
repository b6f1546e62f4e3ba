//! Bytes into durable chunks, and back.

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _};
use shared::limits::CHUNK_BYTES_MAX;
use shared::{ChunkRef, UserId};

use crate::blobs::{BlobError, BlobKey, StagedChunk, Stored, hash_of};
use crate::state::App;

/// Objects of one content written at a time.
const PUTS_AT_ONCE: usize = 4;

/// Cuts what the server itself has to cut (every 4 MiB) and makes the bytes durable, before any row names
/// them. Small chunks ride the commit that stages them.
pub async fn prepare(app: &App, account: UserId, bytes: Bytes) -> Result<Vec<StagedChunk>, BlobError> {
    let cuts = (0..bytes.len())
        .step_by(CHUNK_BYTES_MAX)
        .map(|start| bytes.slice(start..bytes.len().min(start + CHUNK_BYTES_MAX)));
    futures::stream::iter(cuts)
        .map(|chunk| async move {
            let chunk_ref = ChunkRef { hash: hash_of(&chunk).await, size: chunk.len() as u32 };
            store(app, account, chunk_ref, chunk).await
        })
        .buffered(PUTS_AT_ONCE)
        .try_collect()
        .await
}

/// Makes the bytes of one chunk durable, or takes them along to the row where they are few.
pub async fn store(
    app: &App,
    account: UserId,
    chunk: ChunkRef,
    bytes: Bytes,
) -> Result<StagedChunk, BlobError> {
    if app.blobs.leaves_inline(bytes.len()) {
        return Ok(StagedChunk { chunk, stored: Stored::Inline(bytes) });
    }
    let generation = app.env.id();
    app.blobs.put(&BlobKey { account, hash: chunk.hash, generation }, bytes).await?;
    Ok(StagedChunk { chunk, stored: Stored::Object(generation) })
}
