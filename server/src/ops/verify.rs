//! Holds the database against itself and against the objects, every byte.

use std::fmt;

use futures::{StreamExt as _, TryStreamExt as _};
use shared::ChunkRef;

use crate::blobs::{BlobError, BlobKey, Stored, verified};
use crate::db::chunks::{self, HeldChunk};
use crate::db::recount::{Mismatch, recount};
use crate::jobs::{JobError, collector};
use crate::state::App;

/// Objects read at a time.
const READS_AT_ONCE: usize = 4;
/// Rows looked at in one statement; as many inline chunks are in memory at a time.
const BATCH_ROWS: u32 = 256;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    Count(Mismatch),
    Missing(BlobKey),
    Rotten(ChunkRef),
    WrongSize { chunk: ChunkRef, size: usize },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(mismatch) => mismatch.fmt(f),
            Self::Missing(key) => {
                write!(f, "chunk {} of account {}: its object is missing", key.hash, key.account)
            }
            Self::Rotten(chunk) => write!(f, "chunk {}: its bytes are not what was stored", chunk.hash),
            Self::WrongSize { chunk, size } => {
                write!(f, "chunk {}: {size} bytes, but {} are recorded", chunk.hash, chunk.size)
            }
        }
    }
}

/// What was looked at, and what was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub findings: Vec<Finding>,
    pub chunks: u64,
    pub bytes: u64,
    /// Objects that no row names: a write under way, or what a crash left for the sweep. Not wrong.
    pub orphans: u64,
}

/// Looks at everything. Others may go on working meanwhile.
pub async fn verify(app: &App) -> Result<Report, JobError> {
    let mut report = Report::default();
    let mut snapshot = app.db.snapshot().await?;
    report.findings.extend(recount(&mut snapshot).await?.into_iter().map(Finding::Count));
    let mut after = None;
    loop {
        let batch = chunks::page(&mut snapshot, after, BATCH_ROWS).await?;
        let Some(last) = batch.last() else { break };
        after = Some((last.account, last.chunk.hash));
        report.chunks += batch.len() as u64;
        report.bytes += batch.iter().map(|held| u64::from(held.chunk.size)).sum::<u64>();
        let findings: Vec<Option<Finding>> = futures::stream::iter(batch)
            .map(|held| check(app, held))
            .buffer_unordered(READS_AT_ONCE)
            .try_collect()
            .await?;
        report.findings.extend(findings.into_iter().flatten());
    }
    drop(snapshot);
    let mut batches = app.blobs.list().try_chunks(BATCH_ROWS as usize);
    while let Some(batch) = batches.try_next().await.map_err(|error| error.1)? {
        report.orphans += collector::unnamed(app, &batch).await?.len() as u64;
    }
    Ok(report)
}

async fn check(app: &App, held: HeldChunk) -> Result<Option<Finding>, JobError> {
    let HeldChunk { account, chunk, stored } = held;
    let read = match stored {
        Stored::Inline(bytes) => verified(chunk.hash, bytes).await,
        Stored::Object(generation) => {
            let key = BlobKey { account, hash: chunk.hash, generation };
            match app.blobs.get(&key).await {
                Err(BlobError::Missing(_)) => {
                    // Collected since the snapshot was taken: then its row is gone as well.
                    let has_row = collector::unnamed(app, &[key]).await?.is_empty();
                    return Ok(has_row.then_some(Finding::Missing(key)));
                }
                read => read,
            }
        }
    };
    match read {
        Ok(bytes) if bytes.len() == chunk.size as usize => Ok(None),
        Ok(bytes) => Ok(Some(Finding::WrongSize { chunk, size: bytes.len() })),
        Err(BlobError::Rotten(_)) => Ok(Some(Finding::Rotten(chunk))),
        Err(error) => Err(error.into()),
    }
}
