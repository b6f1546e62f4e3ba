//! The real database, read whole into the form that the oracle looks at. What did not change since the last
//! look is the same row, as it would be in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use server::blobs::{BlobKey, Generation};
use server::db::items::ItemRow;
use server::db::{Column, Connection, DbError, Row, conflicts, items, operations, uploads, versions, zones};
use server::jobs::steady::Steady;
use server::values;
use shared::content::Manifest;
use shared::{ChunkHash, ChunkRef, ConflictId, OperationId, Timestamp, UploadId, UserId, VersionId, ZoneId};
use uuid::Uuid;

use super::objects::Objects;
use crate::account::{Account, Chunk, Kept};
use crate::database::{Alias, Database, UploadSession};

/// More rows than any scenario makes.
const ROWS_MAX: usize = 1_000_000;

/// How much may have changed since the last look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What a request writes: answers are added, the bytes of chunks stay.
    Request,
    /// Anything.
    All,
}

pub async fn read(
    connection: &mut Connection,
    user: UserId,
    objects: &Objects,
    before: &Database,
    depth: Depth,
) -> Result<Database, DbError> {
    let mut next = Database { ..before.clone() };
    let all = depth == Depth::All;
    if all {
        settings(connection, &mut next).await?;
    }
    let (mut items, mut versions, mut conflicts) = (Vec::new(), Vec::new(), Vec::new());
    next.aliases.clear();
    for zone in [&mut next.files, &mut next.photos] {
        for (_, at) in zones::positions(connection, &[zone.id]).await? {
            (zone.counter, zone.tombstone_floor) = (at.counter, at.tombstone_floor);
        }
        items.extend(items::load_feed(connection, zone.id, 0, 0, ROWS_MAX).await?);
        let sql = "SELECT version_id FROM versions WHERE zone_id = $1";
        let known: Vec<VersionId> = ids(connection, sql, zone.id).await?;
        versions.extend(versions::load(connection, zone.id, &known).await?);
        let sql = "SELECT conflict_id FROM conflicts WHERE zone_id = $1";
        let known: Vec<ConflictId> = ids(connection, sql, zone.id).await?;
        conflicts.extend(conflicts::load(connection, zone.id, &known).await?);
        next.aliases.extend(aliases(connection, zone.id).await?);
    }
    next.items = same(&before.items, items.into_iter().map(|row: ItemRow| (row.id, row)));
    next.versions = same(&before.versions, versions.into_iter().map(|row| (row.id, row)));
    next.conflicts = same(&before.conflicts, conflicts.into_iter().map(|row| (row.id, row)));
    next.operations = answers(connection, user, before, all).await?;
    next.uploads = sessions(connection, user).await?;
    next.devices = devices(connection, user).await?;
    next.account = account(connection, user, objects, &before.account, all).await?;
    Ok(next)
}

async fn ids<T: Column>(
    connection: &mut Connection,
    sql: &str,
    of: impl Into<server::db::Value>,
) -> Result<Vec<T>, DbError> {
    connection.fetch_all(sql, vec![of.into()]).await?.iter().map(|row| row.get(0)).collect()
}

/// The rows, those that did not change as they were.
fn same<K: Ord, T: PartialEq>(
    before: &BTreeMap<K, Arc<T>>,
    rows: impl Iterator<Item = (K, T)>,
) -> BTreeMap<K, Arc<T>> {
    rows.map(|(key, row)| {
        let kept = before.get(&key).filter(|kept| ***kept == row).cloned();
        let row = kept.unwrap_or_else(|| Arc::new(row));
        (key, row)
    })
    .collect()
}

async fn settings(connection: &mut Connection, next: &mut Database) -> Result<(), DbError> {
    for row in connection.fetch_all("SELECT name, value FROM settings", values![]).await? {
        let (name, value): (String, Vec<u8>) = (row.get(0)?, row.get(1)?);
        match name.as_str() {
            "epoch" => next.epoch = Uuid::from_slice(&value).unwrap_or_default(),
            "clock" => next.clock = serde_json::from_slice::<Steady>(&value).unwrap_or(next.clock),
            _ => {}
        }
    }
    Ok(())
}

async fn answers(
    connection: &mut Connection,
    user: UserId,
    before: &Database,
    all: bool,
) -> Result<BTreeMap<OperationId, Arc<operations::OperationRow>>, DbError> {
    let present: Vec<OperationId> =
        ids(connection, "SELECT operation_id FROM operations WHERE user_id = $1", user).await?;
    let unknown: Vec<OperationId> =
        present.iter().filter(|id| all || !before.operations.contains_key(id)).copied().collect();
    let rows = operations::load(connection, user, &unknown).await?;
    let mut answers = same(&before.operations, rows.into_iter().map(|row| (row.id, row)));
    for id in present {
        if let Some(row) = before.operations.get(&id).filter(|_| !all) {
            answers.insert(id, Arc::clone(row));
        }
    }
    Ok(answers)
}

async fn aliases(
    connection: &mut Connection,
    zone: ZoneId,
) -> Result<BTreeMap<shared::ItemId, Alias>, DbError> {
    let sql = "SELECT alias_id, item_id, created_at FROM aliases WHERE zone_id = $1";
    let rows = connection.fetch_all(sql, values![zone]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, Alias { item: row.get(1)?, created_at: row.get(2)? }))).collect()
}

async fn sessions(
    connection: &mut Connection,
    user: UserId,
) -> Result<BTreeMap<OperationId, Arc<UploadSession>>, DbError> {
    let ids: Vec<UploadId> =
        ids(connection, "SELECT upload_id FROM uploads WHERE user_id = $1", user).await?;
    let mut sessions = BTreeMap::new();
    for id in ids {
        let Some(upload) = uploads::find(connection, user, id).await? else { continue };
        let planned = uploads::planned_chunks(connection, user, id).await?;
        let wrong = |error: serde_json::Error| DbError::Shape { column: 6, reason: error.to_string() };
        let session = UploadSession {
            device: upload.device_id,
            zone: upload.zone_id,
            file_id: upload.file_id,
            request: serde_json::from_str(&upload.request).map_err(wrong)?,
            payload_hash: upload.payload_hash,
            planned: planned.into_iter().map(|planned| (planned.chunk, planned.held)).collect(),
            expires_at: upload.expires_at,
        };
        sessions.insert(OperationId(id.0), Arc::new(session));
    }
    Ok(sessions)
}

/// Those that were not removed, and whether each has a session.
async fn devices(
    connection: &mut Connection,
    user: UserId,
) -> Result<BTreeMap<shared::DeviceId, bool>, DbError> {
    let sql = "SELECT device_id, (SELECT COUNT(*) FROM sessions WHERE sessions.user_id = devices.user_id \
               AND sessions.device_id = devices.device_id) FROM devices WHERE user_id = $1 AND removed_at IS NULL";
    let rows = connection.fetch_all(sql, values![user]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

async fn account(
    connection: &mut Connection,
    user: UserId,
    objects: &Objects,
    before: &Account,
    all: bool,
) -> Result<Account, DbError> {
    let balance = server::db::chunks::balance(connection, user).await?;
    let sql = "SELECT content_hash, refs, packed FROM manifests WHERE account_id = $1";
    let mut manifests = BTreeMap::new();
    for row in connection.fetch_all(sql, values![user]).await? {
        let (content, refs) = (row.get(0)?, row.get(1)?);
        let known = before.manifests.get(&content).filter(|kept| !all && kept.refs == refs);
        let kept = match known {
            Some(kept) => Arc::clone(kept),
            None => Arc::new(Kept { manifest: manifest(&row)?, refs }),
        };
        manifests.insert(content, kept);
    }
    let sql = "SELECT hash, size, refs, leased_until, generation, data FROM chunks WHERE account_id = $1";
    let mut chunks = BTreeMap::new();
    for row in connection.fetch_all(sql, values![user]).await? {
        let chunk = ChunkRef { hash: row.get(0)?, size: row.get(1)? };
        let (refs, leased_until): (u64, Timestamp) = (row.get(2)?, row.get(3)?);
        let known = before.chunks.get(&chunk.hash).filter(|_| !all);
        let same = known.filter(|known| (known.refs, known.leased_until) == (refs, leased_until));
        let held = match (same, known) {
            (Some(same), _) => Arc::clone(same),
            (None, Some(known)) => Arc::new(Chunk { refs, leased_until, ..(**known).clone() }),
            (None, None) => {
                let bytes = bytes(&row, user, chunk.hash, objects)?;
                Arc::new(Chunk { size: chunk.size, refs, bytes, leased_until })
            }
        };
        chunks.insert(chunk.hash, held);
    }
    Ok(Account {
        quota_bytes: balance.quota_bytes,
        used_bytes: balance.used_bytes,
        staged_bytes: balance.staged_bytes,
        chunks,
        manifests,
    })
}

fn manifest(row: &Row) -> Result<Manifest, DbError> {
    let packed: Vec<u8> = row.get(2)?;
    let broken = || DbError::Shape { column: 2, reason: "not a packed manifest".into() };
    Manifest::unpack(&packed).ok_or_else(broken)
}

/// The bytes where they are, right or wrong; none where the object is not there.
fn bytes(row: &Row, account: UserId, hash: ChunkHash, objects: &Objects) -> Result<bytes::Bytes, DbError> {
    if let Some(data) = row.get::<Option<Vec<u8>>>(5)? {
        return Ok(data.into());
    }
    let key = BlobKey { account, hash, generation: Generation(row.get::<Uuid>(4)?) };
    Ok(objects.bytes(&key.path()).unwrap_or_default())
}
