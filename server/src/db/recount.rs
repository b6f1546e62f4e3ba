//! Recounts what is kept as a sum: references, bytes used and staged. `cloudstead verify` and the tests
//! hold the database to it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use shared::content::Manifest;
use shared::{ChunkHash, ContentHash, UploadId, UserId};

use super::{Connection, DbError};
use crate::values;

/// Manifests unpacked at a time.
const MANIFESTS_AT_ONCE: u32 = 64;

/// Something that does not add up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mismatch {
    ChunkRefs {
        account: UserId,
        hash: ChunkHash,
        kept: u64,
        counted: u64,
    },
    ManifestRefs {
        account: UserId,
        content: ContentHash,
        kept: u64,
        counted: u64,
    },
    ManifestBroken {
        account: UserId,
        content: ContentHash,
    },
    UsedBytes {
        account: UserId,
        kept: u64,
        counted: u64,
    },
    StagedBytes {
        account: UserId,
        kept: u64,
        counted: u64,
    },
    UploadHeld {
        upload: UploadId,
        kept: u64,
        counted: u64,
    },
    /// An item whose content no version holds.
    ItemContent {
        item: shared::ItemId,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChunkRefs { account, hash, kept, counted } => {
                write!(f, "chunk {hash} of account {account}: {kept} references kept, {counted} counted")
            }
            Self::ManifestRefs { account, content, kept, counted } => {
                write!(f, "content {content} of account {account}: {kept} references kept, {counted} counted")
            }
            Self::ManifestBroken { account, content } => {
                write!(f, "content {content} of account {account}: its list of chunks is damaged")
            }
            Self::UsedBytes { account, kept, counted } => {
                write!(f, "account {account}: {kept} bytes used kept, {counted} counted")
            }
            Self::StagedBytes { account, kept, counted } => {
                write!(f, "account {account}: {kept} staged bytes kept, {counted} counted")
            }
            Self::UploadHeld { upload, kept, counted } => {
                write!(f, "upload {upload}: {kept} chunks kept, {counted} counted")
            }
            Self::ItemContent { item } => write!(f, "item {item}: no version holds its content"),
        }
    }
}

/// Everything that does not add up; nothing, if all is well. Wants a snapshot where others write.
pub async fn recount(connection: &mut Connection) -> Result<Vec<Mismatch>, DbError> {
    let mut found = Vec::new();
    count_manifests(connection, &mut found).await?;
    count_bytes(connection, &mut found).await?;
    count_uploads(connection, &mut found).await?;
    check_items(connection, &mut found).await?;
    Ok(found)
}

async fn count_manifests(connection: &mut Connection, found: &mut Vec<Mismatch>) -> Result<(), DbError> {
    let sql = "SELECT zones.account_id, versions.content_hash, CAST(COUNT(*) AS BIGINT) FROM versions \
               JOIN zones ON zones.zone_id = versions.zone_id GROUP BY zones.account_id, versions.content_hash";
    let mut versions: HashMap<(UserId, ContentHash), u64> = HashMap::new();
    for row in connection.fetch_all(sql, values![]).await? {
        versions.insert((row.get(0)?, row.get(1)?), row.get(2)?);
    }
    let mut chunks: BTreeMap<(UserId, ChunkHash), u64> = BTreeMap::new();
    let mut last: (Vec<u8>, Vec<u8>) = Default::default();
    loop {
        let sql = "SELECT account_id, content_hash, packed, size, refs FROM manifests \
                   WHERE account_id > $1 OR (account_id = $1 AND content_hash > $2) \
                   ORDER BY account_id, content_hash LIMIT $3";
        let rows =
            connection.fetch_all(sql, values![last.0.clone(), last.1.clone(), MANIFESTS_AT_ONCE]).await?;
        let Some(end) = rows.last() else { break };
        last = (end.get(0)?, end.get(1)?);
        for row in &rows {
            let (account, content): (UserId, ContentHash) = (row.get(0)?, row.get(1)?);
            let kept = row.get(4)?;
            let counted = versions.remove(&(account, content)).unwrap_or(0);
            if kept != counted {
                found.push(Mismatch::ManifestRefs { account, content, kept, counted });
            }
            let manifest = Manifest::unpack(&row.get::<Vec<u8>>(2)?)
                .filter(|m| m.content_hash() == content && row.get::<u64>(3).is_ok_and(|s| s == m.size()));
            let Some(manifest) = manifest else {
                found.push(Mismatch::ManifestBroken { account, content });
                continue;
            };
            for chunk in manifest.chunks() {
                *chunks.entry((account, chunk.hash)).or_default() += 1;
            }
        }
    }
    let unheld = versions.into_iter().map(|((account, content), counted)| Mismatch::ManifestRefs {
        account,
        content,
        kept: 0,
        counted,
    });
    found.extend(unheld);
    for row in connection.fetch_all("SELECT account_id, hash, refs FROM chunks", values![]).await? {
        let (account, hash, kept) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let counted = chunks.remove(&(account, hash)).unwrap_or(0);
        if kept != counted {
            found.push(Mismatch::ChunkRefs { account, hash, kept, counted });
        }
    }
    found.extend(chunks.into_iter().map(|((account, hash), counted)| Mismatch::ChunkRefs {
        account,
        hash,
        kept: 0,
        counted,
    }));
    Ok(())
}

async fn count_bytes(connection: &mut Connection, found: &mut Vec<Mismatch>) -> Result<(), DbError> {
    let sql = "SELECT account_id, used_bytes, staged_bytes, \
                 (SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM chunks \
                  WHERE chunks.account_id = accounts.account_id AND refs > 0), \
                 (SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM chunks \
                  WHERE chunks.account_id = accounts.account_id AND refs = 0) FROM accounts";
    for row in connection.fetch_all(sql, values![]).await? {
        let account = row.get(0)?;
        let (kept, counted) = (row.get(1)?, row.get(3)?);
        if kept != counted {
            found.push(Mismatch::UsedBytes { account, kept, counted });
        }
        let (kept, counted) = (row.get(2)?, row.get(4)?);
        if kept != counted {
            found.push(Mismatch::StagedBytes { account, kept, counted });
        }
    }
    Ok(())
}

async fn count_uploads(connection: &mut Connection, found: &mut Vec<Mismatch>) -> Result<(), DbError> {
    let sql = "SELECT upload_id, held_chunks, (SELECT CAST(COUNT(*) AS BIGINT) FROM upload_chunks \
                 WHERE upload_chunks.user_id = uploads.user_id AND upload_chunks.upload_id = uploads.upload_id \
                 AND held = 1) FROM uploads";
    for row in connection.fetch_all(sql, values![]).await? {
        let (kept, counted) = (row.get(1)?, row.get(2)?);
        if kept != counted {
            found.push(Mismatch::UploadHeld { upload: row.get(0)?, kept, counted });
        }
    }
    Ok(())
}

async fn check_items(connection: &mut Connection, found: &mut Vec<Mismatch>) -> Result<(), DbError> {
    let sql = "SELECT item_id FROM items WHERE content_hash IS NOT NULL AND purged_at IS NULL AND NOT EXISTS ( \
                 SELECT 1 FROM versions WHERE versions.zone_id = items.zone_id \
                 AND versions.version_id = items.version_id AND versions.content_hash = items.content_hash)";
    for row in connection.fetch_all(sql, values![]).await? {
        found.push(Mismatch::ItemContent { item: row.get(0)? });
    }
    Ok(())
}
