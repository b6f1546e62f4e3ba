//! Takes away chunks that nothing refers to once their lease is over: the row in a transaction, then that
//! generation's object. A chunk uploaded again meanwhile is another generation, which this cannot hit.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use shared::faults::Fault;
use shared::limits::CHUNK_LEASE;
use shared::{ChunkHash, ContentHash, Timestamp, UserId};

use super::JobError;
use super::steady::JUMP_MAX;
use crate::blobs::BlobKey;
use crate::db::{DbError, chunks, manifests, retention};
use crate::state::App;

/// Rows of one transaction.
const BATCH_ROWS: u32 = 256;
/// Objects deleted at a time.
const DELETES_AT_ONCE: usize = 8;
/// Orphans remembered from one sweep to the next; more wait for the sweep after.
const ORPHANS_MAX: usize = 100_000;
/// An object that was made within so long of now may belong to a row that is about to be written. Twice what a
/// clock may be off, because the object's time was told by one clock and now is told by another.
const ORPHAN_AGE_MIN: Duration = JUMP_MAX.saturating_mul(2);

/// What a pass took away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Collected {
    pub chunks: u64,
    pub bytes: u64,
}

/// Collects every chunk whose lease was over before `now`.
pub async fn collect(app: &App, now: Timestamp) -> Result<Collected, JobError> {
    let mut total = Collected::default();
    let wall = app.env.now();
    let now = if Fault::LeaseIsIgnored.is_planted() { now + CHUNK_LEASE } else { now };
    loop {
        let candidates = chunks::collectable(&mut app.db.reader().await?, now, BATCH_ROWS).await?;
        if candidates.is_empty() {
            return Ok(total);
        }
        let mut by_account: BTreeMap<UserId, Vec<ChunkHash>> = BTreeMap::new();
        for (account, hash) in candidates {
            by_account.entry(account).or_default().push(hash);
        }
        for (account, hashes) in by_account {
            let collected = app
                .db
                .write::<_, DbError, _>(move |connection| {
                    let hashes = hashes.clone();
                    Box::pin(async move {
                        if retention::collection_is_paused(connection, wall).await? {
                            return Ok(None);
                        }
                        chunks::collect(connection, account, &hashes, now).await.map(Some)
                    })
                })
                .await?;
            let Some(collected) = collected else { return Ok(total) };
            total.chunks += collected.len() as u64;
            total.bytes += collected.iter().map(|chunk| u64::from(chunk.size)).sum::<u64>();
            // Should this fail, the object is an orphan, and the sweep finds it.
            delete_objects(app, collected.into_iter().filter_map(|chunk| chunk.object)).await?;
        }
    }
}

async fn delete_objects(app: &App, keys: impl IntoIterator<Item = BlobKey>) -> Result<(), JobError> {
    let deletes = futures::stream::iter(keys).map(Ok);
    let deletes = deletes.try_for_each_concurrent(DELETES_AT_ONCE, async |key| app.blobs.delete(&key).await);
    Ok(deletes.await?)
}

/// Objects that no row names: left by a crash between an object and its row, or between a row and its
/// object. One is deleted when two sweeps have found it, and it was made long before the second or, by a
/// clock that has been set back since, long after it: a write under way is neither.
#[derive(Default)]
pub struct OrphanSweep {
    seen: HashSet<BlobKey>,
}

impl OrphanSweep {
    /// One sweep over all objects. Answers how many were deleted.
    pub async fn sweep(&mut self, app: &App) -> Result<u64, JobError> {
        // What the sweep before has seen was made before this instant, by the same clock.
        let now = app.env.now();
        let mut found = HashSet::new();
        let mut deleted = app.blobs.remove_partial_writes(now - ORPHAN_AGE_MIN).await?;
        let mut batches = app.blobs.list().try_chunks(BATCH_ROWS as usize);
        while let Some(batch) = batches.try_next().await.map_err(|error| error.1)? {
            let orphans = unnamed(app, &batch).await?;
            let (sure, unsure): (Vec<_>, Vec<_>) = orphans.into_iter().partition(|key| {
                self.seen.contains(key) && is_remote(key, now) && !Fault::OrphansStay.is_planted()
            });
            deleted += sure.len() as u64;
            delete_objects(app, sure).await?;
            found.extend(unsure.into_iter().take(ORPHANS_MAX - found.len().min(ORPHANS_MAX)));
        }
        self.seen = found;
        Ok(deleted + sweep_derivatives(app).await?)
    }
}

/// Deletes the derivatives of contents that their accounts no longer have. One that another made meanwhile of
/// the same content, brought again, is found missing when it is looked at, and made again.
async fn sweep_derivatives(app: &App) -> Result<u64, JobError> {
    let mut deleted = 0;
    let mut batches = app.blobs.list_derivatives().try_chunks(BATCH_ROWS as usize);
    while let Some(batch) = batches.try_next().await.map_err(|error| error.1)? {
        let mut by_account: BTreeMap<UserId, Vec<ContentHash>> = BTreeMap::new();
        for key in &batch {
            by_account.entry(key.account).or_default().push(key.content);
        }
        let mut held = HashSet::new();
        let mut reader = app.db.reader().await?;
        for (account, contents) in by_account {
            let present = manifests::present(&mut reader, account, &contents).await?;
            held.extend(present.into_iter().map(|content| (account, content)));
        }
        drop(reader);
        for key in batch.iter().filter(|key| !held.contains(&(key.account, key.content))) {
            app.blobs.delete_derivative(key).await?;
            deleted += 1;
        }
    }
    Ok(deleted)
}

/// Whether it was made at quite another time, by what its generation says, a UUID of version 7.
fn is_remote(key: &BlobKey, now: Timestamp) -> bool {
    key.generation.0.get_timestamp().is_some_and(|made| {
        let (seconds, nanos) = made.to_unix();
        let ms = seconds.saturating_mul(1000).saturating_add(u64::from(nanos / 1_000_000));
        let made = Timestamp::from_millis(i64::try_from(ms).unwrap_or(i64::MAX));
        now.since(made).max(made.since(now)) > ORPHAN_AGE_MIN
    })
}

/// Those of the keys that no row names.
pub async fn unnamed(app: &App, keys: &[BlobKey]) -> Result<Vec<BlobKey>, JobError> {
    let mut by_account: BTreeMap<UserId, Vec<BlobKey>> = BTreeMap::new();
    for &key in keys {
        by_account.entry(key.account).or_default().push(key);
    }
    let mut reader = app.db.reader().await?;
    let mut unnamed = Vec::new();
    for (account, keys) in by_account {
        let hashes: Vec<ChunkHash> = keys.iter().map(|key| key.hash).collect();
        let named = chunks::generations(&mut reader, account, &hashes).await?;
        unnamed.extend(keys.into_iter().filter(|key| named.get(&key.hash) != Some(&key.generation)));
    }
    Ok(unnamed)
}
