//! Chunks of an account: which it holds, where their bytes are, and how long those without references are
//! safe.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use shared::faults::Fault;
use shared::{ChunkHash, ChunkRef, Timestamp, UserId};
use uuid::Uuid;

use super::{Connection, DbError, Row, Value};
use crate::blobs::{BlobKey, Generation, StagedChunk, Stored};
use crate::values;

/// Which of the chunks the account holds, with their sizes in bytes.
pub async fn present(
    connection: &mut Connection,
    account: UserId,
    hashes: &[ChunkHash],
) -> Result<HashMap<ChunkHash, u32>, DbError> {
    let mut sql = "SELECT hash, size FROM chunks WHERE account_id = $1 AND hash IN ({keys})";
    if Fault::OthersChunksCount.is_planted() {
        sql = "SELECT hash, size FROM chunks WHERE $1 IS NOT NULL AND hash IN ({keys})";
    }
    let rows = connection.fetch_keys(sql, values![account], hashes.iter().map(|&h| h.into())).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// As [`present`], and those chunks are safe from collection until `leased_until`.
pub async fn lease(
    connection: &mut Connection,
    account: UserId,
    hashes: &[ChunkHash],
    leased_until: Timestamp,
) -> Result<HashMap<ChunkHash, u32>, DbError> {
    renew(connection, account, hashes, leased_until).await?;
    present(connection, account, hashes).await
}

/// Those of the chunks that are held are safe from collection until `leased_until`.
pub(super) async fn renew(
    connection: &mut Connection,
    account: UserId,
    hashes: &[ChunkHash],
    leased_until: Timestamp,
) -> Result<(), DbError> {
    // The condition leaves rows alone that are safe for as long already.
    let sql = "UPDATE chunks SET leased_until = $2 WHERE account_id = $1 AND leased_until < $2 AND hash IN ({keys})";
    let keys = hashes.iter().map(|&h| h.into());
    connection.execute_keys(sql, values![account, leased_until], keys).await.map(drop)
}

/// Where the chunks' bytes are. What is not held is left out.
pub async fn locate(
    connection: &mut Connection,
    account: UserId,
    hashes: &[ChunkHash],
) -> Result<HashMap<ChunkHash, Stored>, DbError> {
    let sql = "SELECT hash, generation, data FROM chunks WHERE account_id = $1 AND hash IN ({keys})";
    let rows = connection.fetch_keys(sql, values![account], hashes.iter().map(|&h| h.into())).await?;
    rows.iter().map(|row| Ok((row.get(0)?, stored(row, 1)?))).collect()
}

/// The columns `generation, data`, from `index`.
fn stored(row: &Row, index: usize) -> Result<Stored, DbError> {
    Ok(match row.get::<Option<Vec<u8>>>(index + 1)? {
        Some(data) => Stored::Inline(Bytes::from(data)),
        None => Stored::Object(Generation(row.get::<Uuid>(index)?)),
    })
}

/// Takes the account's row lock, so that what is read of its chunks afterwards in this transaction cannot
/// change under it. Comes after the zone's lock, before any row of chunks or manifests.
pub async fn lock_account(connection: &mut Connection, account: UserId) -> Result<Balance, DbError> {
    let sql = "UPDATE accounts SET used_bytes = used_bytes WHERE account_id = $1 RETURNING quota_bytes, used_bytes, staged_bytes";
    let row = connection.fetch_one(sql, values![account]).await?;
    Ok(Balance { quota_bytes: row.get(0)?, used_bytes: row.get(1)?, staged_bytes: row.get(2)? })
}

/// An account's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    pub quota_bytes: u64,
    /// Of chunks with references, each once.
    pub used_bytes: u64,
    /// Of chunks without.
    pub staged_bytes: u64,
}

impl Balance {
    /// What may still be used.
    pub fn free_bytes(&self) -> u64 {
        self.quota_bytes.saturating_sub(self.used_bytes)
    }

    /// What may still be staged: the free quota is the cap of staged bytes.
    pub fn stageable_bytes(&self) -> u64 {
        self.free_bytes().saturating_sub(self.staged_bytes)
    }
}

pub async fn balance(connection: &mut Connection, account: UserId) -> Result<Balance, DbError> {
    let sql = "SELECT quota_bytes, used_bytes, staged_bytes FROM accounts WHERE account_id = $1";
    let row = connection.fetch_one(sql, values![account]).await?;
    Ok(Balance { quota_bytes: row.get(0)?, used_bytes: row.get(1)?, staged_bytes: row.get(2)? })
}

/// What chunks of all accounts take: those with references, and those without.
pub async fn stored_bytes(connection: &mut Connection) -> Result<(u64, u64), DbError> {
    let sql = "SELECT CAST(COALESCE(SUM(used_bytes), 0) AS BIGINT), CAST(COALESCE(SUM(staged_bytes), 0) AS BIGINT) \
               FROM accounts";
    let row = connection.fetch_one(sql, values![]).await?;
    Ok((row.get(0)?, row.get(1)?))
}

/// Adds chunks whose bytes are durable (or ride this commit), or renews the lease of those held already.
/// Answers the objects that were not needed after all: delete them once the transaction is committed.
pub async fn stage(
    connection: &mut Connection,
    account: UserId,
    chunks: Vec<StagedChunk>,
    leased_until: Timestamp,
) -> Result<Vec<BlobKey>, DbError> {
    if chunks.is_empty() {
        return Ok(Vec::new());
    }
    lock_account(connection, account).await?;
    let hashes: Vec<ChunkHash> = chunks.iter().map(|staged| staged.chunk.hash).collect();
    let mut held = lease(connection, account, &hashes, leased_until).await?;
    let mut superfluous = Vec::new();
    let mut rows = Vec::new();
    let mut staged_bytes: u64 = 0;
    for StagedChunk { chunk: ChunkRef { hash, size }, stored } in chunks {
        if held.insert(hash, size).is_some() {
            if let Stored::Object(generation) = stored {
                superfluous.push(BlobKey { account, hash, generation });
            }
            continue;
        }
        staged_bytes += u64::from(size);
        rows.push(NewChunk { chunk: ChunkRef { hash, size }, stored, refs: 0, leased_until });
    }
    insert(connection, account, rows).await?;
    if staged_bytes > 0 {
        let sql = "UPDATE accounts SET staged_bytes = staged_bytes + $2 WHERE account_id = $1";
        connection.execute(sql, values![account, staged_bytes]).await?;
    }
    Ok(superfluous)
}

/// A chunk that the account does not hold yet.
pub(super) struct NewChunk {
    pub chunk: ChunkRef,
    pub stored: Stored,
    pub refs: u64,
    pub leased_until: Timestamp,
}

pub(super) async fn insert(
    connection: &mut Connection,
    account: UserId,
    chunks: Vec<NewChunk>,
) -> Result<(), DbError> {
    let rows = chunks
        .into_iter()
        .map(|NewChunk { chunk: ChunkRef { hash, size }, stored, refs, leased_until }| {
            let (generation, data) = match stored {
                Stored::Inline(bytes) => (Uuid::nil(), Value::Bytes(Some(bytes.into()))),
                Stored::Object(generation) => (generation.0, Value::Bytes(None)),
            };
            values![account, hash, size, refs, generation.as_bytes().as_slice(), data, leased_until]
        })
        .collect();
    let head = "INSERT INTO chunks (account_id, hash, size, refs, generation, data, leased_until)";
    connection.insert_rows(head, rows, "").await.map(drop)
}

/// Which objects the chunks are; those that live in their rows are left out.
pub async fn generations(
    connection: &mut Connection,
    account: UserId,
    hashes: &[ChunkHash],
) -> Result<HashMap<ChunkHash, Generation>, DbError> {
    let sql =
        "SELECT hash, generation FROM chunks WHERE account_id = $1 AND data IS NULL AND hash IN ({keys})";
    let rows = connection.fetch_keys(sql, values![account], hashes.iter().map(|&h| h.into())).await?;
    rows.iter().map(|row| Ok((row.get(0)?, Generation(row.get(1)?)))).collect()
}

/// Chunks that nothing refers to and whose lease was over before `now`, at most `limit`.
pub async fn collectable(
    connection: &mut Connection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(UserId, ChunkHash)>, DbError> {
    let sql = "SELECT account_id, hash FROM chunks WHERE refs = 0 AND leased_until < $1 ORDER BY leased_until LIMIT $2";
    let rows = connection.fetch_all(sql, values![now, limit]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// A chunk whose row is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CollectedChunk {
    pub size: u32,
    /// None where the bytes were in the row.
    pub object: Option<BlobKey>,
}

/// Deletes those of the chunks that still have no reference and no lease.
pub async fn collect(
    connection: &mut Connection,
    account: UserId,
    hashes: &[ChunkHash],
    now: Timestamp,
) -> Result<Vec<CollectedChunk>, DbError> {
    lock_account(connection, account).await?;
    let sql = "DELETE FROM chunks WHERE account_id = $1 AND refs = 0 AND leased_until < $2 AND hash IN ({keys}) \
               RETURNING hash, generation, size, CAST(CASE WHEN data IS NULL THEN 1 ELSE 0 END AS BIGINT)";
    let rows = connection.fetch_keys(sql, values![account, now], hashes.iter().map(|&h| h.into())).await?;
    let mut collected = Vec::with_capacity(rows.len());
    for row in &rows {
        let (hash, generation) = (row.get(0)?, Generation(row.get(1)?));
        let object = row.get::<bool>(3)?.then_some(BlobKey { account, hash, generation });
        collected.push(CollectedChunk { size: row.get(2)?, object });
    }
    let bytes: u64 = collected.iter().map(|chunk| u64::from(chunk.size)).sum();
    let sql = "UPDATE accounts SET staged_bytes = staged_bytes - $2 WHERE account_id = $1";
    connection.execute(sql, values![account, bytes]).await?;
    Ok(collected)
}

/// Deletes chunks that nothing refers to and that no upload under way has, those first whose lease is over first, until
/// `bytes` are free or `limit` are gone. Of what it deletes a lease may last.
pub async fn give_up(
    connection: &mut Connection,
    account: UserId,
    bytes: u64,
    limit: u32,
) -> Result<Vec<CollectedChunk>, DbError> {
    lock_account(connection, account).await?;
    let sql = "SELECT hash, size, leased_until FROM chunks WHERE account_id = $1 AND refs = 0 AND hash NOT IN ( \
                 SELECT sent.hash FROM upload_chunks sent JOIN uploads \
                 ON uploads.user_id = sent.user_id AND uploads.upload_id = sent.upload_id \
                 WHERE uploads.account_id = $1 AND sent.held = 1) \
               ORDER BY leased_until, hash LIMIT $2";
    let (mut freed, mut leased_until) = (0, Timestamp::from_millis(0));
    let mut hashes: Vec<ChunkHash> = Vec::new();
    for row in connection.fetch_all(sql, values![account, limit]).await? {
        if freed >= bytes {
            break;
        }
        hashes.push(row.get(0)?);
        freed += row.get::<u64>(1)?;
        leased_until = row.get(2)?;
    }
    if hashes.is_empty() {
        return Ok(Vec::new());
    }
    // Whose lease was renewed meanwhile is wanted again, and stays.
    collect(connection, account, &hashes, leased_until + Duration::from_millis(1)).await
}

/// A chunk that an account holds.
#[derive(Clone, Debug)]
pub struct HeldChunk {
    pub account: UserId,
    pub chunk: ChunkRef,
    pub stored: Stored,
}

/// The next chunks of all accounts, at most `limit`.
pub async fn page(
    connection: &mut Connection,
    after: Option<(UserId, ChunkHash)>,
    limit: u32,
) -> Result<Vec<HeldChunk>, DbError> {
    const COLUMNS: &str = "account_id, hash, size, generation, data";
    let rows = match after {
        None => {
            let sql = format!("SELECT {COLUMNS} FROM chunks ORDER BY account_id, hash LIMIT $1");
            connection.fetch_all(&sql, values![limit]).await?
        }
        Some((account, hash)) => {
            let sql = format!(
                "SELECT {COLUMNS} FROM chunks WHERE account_id > $1 OR (account_id = $1 AND hash > $2) \
                 ORDER BY account_id, hash LIMIT $3"
            );
            connection.fetch_all(&sql, values![account, hash, limit]).await?
        }
    };
    rows.iter()
        .map(|row| {
            let chunk = ChunkRef { hash: row.get(1)?, size: row.get(2)? };
            Ok(HeldChunk { account: row.get(0)?, chunk, stored: stored(row, 3)? })
        })
        .collect()
}
