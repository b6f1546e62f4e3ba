//! Contents of an account and what they cost.
//!
//! A batch of changes loads every row it names into a [`Ledger`] under the account's lock, judges in memory,
//! and writes what changed in a few statements. Nothing of it reaches the database before
//! [`Ledger::save`], so a change that is refused leaves nothing behind.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};

use shared::content::Manifest;
use shared::{ChunkHash, ChunkRef, ContentHash, Timestamp, UserId};

use super::chunks::{self, Balance, NewChunk};
use super::{Connection, DbError};
use crate::blobs::{BlobKey, StagedChunk, Stored};
use crate::values;

/// Why a content can't be referenced.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refused {
    #[error("the account's quota of {quota_bytes} bytes is used up")]
    QuotaExceeded { quota_bytes: u64 },
    /// Indices into the manifest's chunks, in order.
    #[error("{} chunks are missing", .0.len())]
    ChunksMissing(Vec<u32>),
    /// The account holds this chunk, and it has another size.
    #[error("chunk {index} has {size} bytes")]
    ChunkSize { index: u32, size: u32 },
}

/// An account's contents within one transaction. Saved at the end; dropped, it changed nothing.
pub struct Ledger {
    account: UserId,
    balance: Balance,
    before: Balance,
    manifests: HashMap<ContentHash, ManifestEntry>,
    chunks: HashMap<ChunkHash, ChunkEntry>,
    /// Chunks that came along and for which there was no room.
    unstaged: HashSet<ChunkHash>,
}

struct ManifestEntry {
    /// As the database has it; None where it has no row.
    before: Option<u64>,
    refs: u64,
    /// Known where it was referenced here.
    manifest: Option<Manifest>,
}

struct ChunkEntry {
    size: u32,
    before: u64,
    refs: u64,
    /// Of a chunk that has no row yet.
    staged: Option<Staged>,
}

struct Staged {
    stored: Stored,
    leased_until: Timestamp,
}

impl Ledger {
    /// Locks the account and loads the rows that the batch names. A content or chunk that is not named
    /// here counts as not held.
    pub async fn open(
        connection: &mut Connection,
        account: UserId,
        contents: impl IntoIterator<Item = ContentHash>,
        chunk_hashes: impl IntoIterator<Item = ChunkHash>,
    ) -> Result<Self, DbError> {
        let balance = chunks::lock_account(connection, account).await?;
        let mut ledger = Self {
            account,
            balance,
            before: balance,
            manifests: HashMap::new(),
            chunks: HashMap::new(),
            unstaged: HashSet::new(),
        };
        ledger.name(connection, contents).await?;
        ledger.load_chunks(connection, chunk_hashes).await?;
        Ok(ledger)
    }

    /// Loads the rows of further contents, before they are referenced or released.
    pub async fn name(
        &mut self,
        connection: &mut Connection,
        contents: impl IntoIterator<Item = ContentHash>,
    ) -> Result<(), DbError> {
        let unknown: Vec<ContentHash> =
            contents.into_iter().filter(|content| !self.manifests.contains_key(content)).collect();
        let sql =
            "SELECT content_hash, refs FROM manifests WHERE account_id = $1 AND content_hash IN ({keys})";
        for row in connection.fetch_keys(sql, values![self.account], distinct(unknown)).await? {
            let refs = row.get(1)?;
            let entry = ManifestEntry { before: Some(refs), refs, manifest: None };
            self.manifests.insert(row.get(0)?, entry);
        }
        Ok(())
    }

    async fn load_chunks(
        &mut self,
        connection: &mut Connection,
        hashes: impl IntoIterator<Item = ChunkHash>,
    ) -> Result<(), DbError> {
        let unknown: Vec<ChunkHash> =
            hashes.into_iter().filter(|hash| !self.chunks.contains_key(hash)).collect();
        let sql = "SELECT hash, size, refs FROM chunks WHERE account_id = $1 AND hash IN ({keys})";
        for row in connection.fetch_keys(sql, values![self.account], distinct(unknown)).await? {
            let refs = row.get(2)?;
            self.chunks
                .insert(row.get(0)?, ChunkEntry { size: row.get(1)?, before: refs, refs, staged: None });
        }
        Ok(())
    }

    /// As [`chunks::stage`], for chunks that this batch brings itself: new ones are written with everything
    /// else. Those for which the free quota has no room are left out: a content that names one exceeds the
    /// quota.
    pub async fn stage(
        &mut self,
        connection: &mut Connection,
        staged: Vec<StagedChunk>,
        leased_until: Timestamp,
    ) -> Result<Vec<BlobKey>, DbError> {
        self.load_chunks(connection, staged.iter().map(|staged| staged.chunk.hash)).await?;
        let (staged, mut superfluous) = self.within_room(staged);
        let mut held = Vec::new();
        for StagedChunk { chunk, stored } in staged {
            match self.chunks.entry(chunk.hash) {
                Entry::Vacant(entry) => {
                    self.balance.staged_bytes += u64::from(chunk.size);
                    let staged = Some(Staged { stored, leased_until });
                    entry.insert(ChunkEntry { size: chunk.size, before: 0, refs: 0, staged });
                }
                Entry::Occupied(entry) => {
                    if let Stored::Object(generation) = stored {
                        superfluous.push(BlobKey { account: self.account, hash: chunk.hash, generation });
                    }
                    if entry.get().staged.is_none() {
                        held.push(chunk.hash);
                    }
                }
            }
        }
        chunks::renew(connection, self.account, &held, leased_until).await?;
        Ok(superfluous)
    }

    /// The chunks that there is room for, and the objects of the others.
    fn within_room(&mut self, staged: Vec<StagedChunk>) -> (Vec<StagedChunk>, Vec<BlobKey>) {
        let mut room = self.balance.stageable_bytes();
        let mut fitting: HashSet<ChunkHash> = HashSet::new();
        let (mut taken, mut superfluous) = (Vec::new(), Vec::new());
        for StagedChunk { chunk, stored } in staged {
            let is_new = !self.chunks.contains_key(&chunk.hash) && !fitting.contains(&chunk.hash);
            let size = if is_new { u64::from(chunk.size) } else { 0 };
            if let Some(left) = room.checked_sub(size) {
                room = left;
                fitting.insert(chunk.hash);
                taken.push(StagedChunk { chunk, stored });
                continue;
            }
            self.unstaged.insert(chunk.hash);
            if let Stored::Object(generation) = stored {
                superfluous.push(BlobKey { account: self.account, hash: chunk.hash, generation });
            }
        }
        (taken, superfluous)
    }

    /// Whether the account holds a manifest of this content with a reference.
    pub fn holds(&self, content: ContentHash) -> bool {
        self.manifests.get(&content).is_some_and(|entry| entry.refs > 0)
    }

    /// Whether the account holds every chunk, each of the size that the manifest says.
    pub fn check(&self, manifest: &Manifest) -> Result<(), Refused> {
        let mut missing = Vec::new();
        for (index, chunk) in (0..).zip(manifest.chunks()) {
            match self.chunks.get(&chunk.hash) {
                None if self.unstaged.contains(&chunk.hash) => {
                    return Err(Refused::QuotaExceeded { quota_bytes: self.balance.quota_bytes });
                }
                None => missing.push(index),
                Some(held) if held.size != chunk.size => {
                    return Err(Refused::ChunkSize { index, size: held.size });
                }
                Some(_) => {}
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(Refused::ChunksMissing(missing)) }
    }

    /// One more version has this content. Refused, nothing changed.
    pub fn reference(&mut self, manifest: &Manifest) -> Result<ContentHash, Refused> {
        self.check(manifest)?;
        let content = manifest.content_hash();
        if let Some(entry) = self.manifests.get_mut(&content)
            && entry.refs > 0
        {
            entry.refs += 1;
            return Ok(content);
        }
        let mut fresh: HashMap<ChunkHash, u64> = HashMap::new();
        for chunk in manifest.chunks() {
            if self.chunks[&chunk.hash].refs == 0 {
                fresh.insert(chunk.hash, u64::from(chunk.size));
            }
        }
        let added: u64 = fresh.values().sum();
        if added > 0 && self.balance.used_bytes + added > self.balance.quota_bytes {
            return Err(Refused::QuotaExceeded { quota_bytes: self.balance.quota_bytes });
        }
        self.balance.used_bytes += added;
        self.balance.staged_bytes = self.balance.staged_bytes.saturating_sub(added);
        for chunk in manifest.chunks() {
            if let Some(held) = self.chunks.get_mut(&chunk.hash) {
                held.refs += 1;
            }
        }
        match self.manifests.entry(content) {
            Entry::Occupied(mut entry) => {
                entry.get_mut().refs = 1;
                entry.get_mut().manifest = Some(manifest.clone());
            }
            Entry::Vacant(entry) => {
                entry.insert(ManifestEntry { before: None, refs: 1, manifest: Some(manifest.clone()) });
            }
        }
        Ok(content)
    }

    /// One more version has this content, which the account holds already (a copy, a restore).
    pub fn reference_held(&mut self, content: ContentHash) -> bool {
        let Some(entry) = self.manifests.get_mut(&content).filter(|entry| entry.refs > 0) else {
            return false;
        };
        entry.refs += 1;
        true
    }

    /// One version less has this content. The last one gives its chunks back.
    pub async fn release(
        &mut self,
        connection: &mut Connection,
        content: ContentHash,
    ) -> Result<(), DbError> {
        let account = self.account;
        let Some(entry) = self.manifests.get_mut(&content).filter(|entry| entry.refs > 0) else {
            tracing::error!(%content, %account, "a content was released that has no references");
            return Ok(());
        };
        entry.refs -= 1;
        if entry.refs > 0 {
            return Ok(());
        }
        let manifest = match entry.manifest.take() {
            Some(manifest) => manifest,
            None => load(connection, account, content).await?.unwrap_or_default(),
        };
        self.load_chunks(connection, manifest.chunks().iter().map(|chunk| chunk.hash)).await?;
        for chunk in manifest.chunks() {
            let Some(held) = self.chunks.get_mut(&chunk.hash).filter(|held| held.refs > 0) else {
                tracing::error!(hash = %chunk.hash, %account, "a chunk was released that has no references");
                continue;
            };
            held.refs -= 1;
            if held.refs == 0 {
                self.balance.used_bytes = self.balance.used_bytes.saturating_sub(held.size.into());
                self.balance.staged_bytes += u64::from(held.size);
            }
        }
        Ok(())
    }

    /// Writes what changed.
    pub async fn save(mut self, connection: &mut Connection) -> Result<(), DbError> {
        let account = self.account;
        self.save_chunks(connection).await?;
        let mut rows = Vec::new();
        let mut gone = Vec::new();
        let mut by_refs: BTreeMap<u64, Vec<ContentHash>> = BTreeMap::new();
        for (content, entry) in self.manifests.into_iter().collect::<BTreeMap<_, _>>() {
            match (entry.before, entry.refs) {
                (None, 0) => {}
                (Some(_), 0) => gone.push(content),
                (None, refs) => {
                    let manifest = entry.manifest.unwrap_or_default();
                    rows.push(values![account, content, manifest.pack(), manifest.size(), refs]);
                }
                (Some(before), refs) if before != refs => by_refs.entry(refs).or_default().push(content),
                (Some(_), _) => {}
            }
        }
        let head = "INSERT INTO manifests (account_id, content_hash, packed, size, refs)";
        connection.insert_rows(head, rows, "").await?;
        for (refs, contents) in by_refs {
            let sql = "UPDATE manifests SET refs = $2 WHERE account_id = $1 AND content_hash IN ({keys})";
            connection.execute_keys(sql, values![account, refs], distinct(contents)).await?;
        }
        let sql = "DELETE FROM manifests WHERE account_id = $1 AND content_hash IN ({keys})";
        connection.execute_keys(sql, values![account], distinct(gone)).await?;
        if self.balance != self.before {
            let sql = "UPDATE accounts SET used_bytes = $2, staged_bytes = $3 WHERE account_id = $1";
            let values = values![account, self.balance.used_bytes, self.balance.staged_bytes];
            connection.execute(sql, values).await?;
        }
        Ok(())
    }

    async fn save_chunks(&mut self, connection: &mut Connection) -> Result<(), DbError> {
        let mut new = Vec::new();
        let mut by_refs: BTreeMap<u64, Vec<ChunkHash>> = BTreeMap::new();
        for (hash, ChunkEntry { size, before, refs, staged }) in std::mem::take(&mut self.chunks) {
            if let Some(Staged { stored, leased_until }) = staged {
                new.push(NewChunk { chunk: ChunkRef { hash, size }, stored, refs, leased_until });
            } else if refs != before {
                by_refs.entry(refs).or_default().push(hash);
            }
        }
        new.sort_unstable_by_key(|new| new.chunk.hash);
        chunks::insert(connection, self.account, new).await?;
        for (refs, hashes) in by_refs {
            let sql = "UPDATE chunks SET refs = $2 WHERE account_id = $1 AND hash IN ({keys})";
            connection.execute_keys(sql, values![self.account, refs], distinct(hashes)).await?;
        }
        Ok(())
    }
}

/// Each key once, in order: the same statement whatever the order of a hash map.
fn distinct<T: Ord + Into<super::Value>>(keys: impl IntoIterator<Item = T>) -> Vec<super::Value> {
    let keys: std::collections::BTreeSet<T> = keys.into_iter().collect();
    keys.into_iter().map(Into::into).collect()
}

/// One reference for each entry: all of them, or none and nothing changed.
pub async fn reference(
    connection: &mut Connection,
    account: UserId,
    contents: &[Manifest],
) -> Result<Result<(), Refused>, DbError> {
    let hashes = contents.iter().map(Manifest::content_hash);
    let chunks = contents.iter().flat_map(Manifest::chunks).map(|chunk| chunk.hash);
    let mut ledger = Ledger::open(connection, account, hashes, chunks).await?;
    for manifest in contents {
        if let Err(refused) = ledger.reference(manifest) {
            return Ok(Err(refused));
        }
    }
    ledger.save(connection).await.map(Ok)
}

/// One reference less for each entry.
pub async fn release(
    connection: &mut Connection,
    account: UserId,
    contents: &[ContentHash],
) -> Result<(), DbError> {
    let mut ledger = Ledger::open(connection, account, contents.iter().copied(), []).await?;
    for &content in contents {
        ledger.release(connection, content).await?;
    }
    ledger.save(connection).await
}

/// Those of the contents that the account has.
pub async fn present(
    connection: &mut Connection,
    account: UserId,
    contents: &[ContentHash],
) -> Result<Vec<ContentHash>, DbError> {
    let sql = "SELECT content_hash FROM manifests WHERE account_id = $1 AND content_hash IN ({keys})";
    let rows = connection.fetch_keys(sql, values![account], contents.iter().map(|&c| c.into())).await?;
    rows.iter().map(|row| row.get(0)).collect()
}

/// The chunks of a content that the account holds.
pub async fn load(
    connection: &mut Connection,
    account: UserId,
    content: ContentHash,
) -> Result<Option<Manifest>, DbError> {
    let sql = "SELECT packed FROM manifests WHERE account_id = $1 AND content_hash = $2";
    let Some(row) = connection.fetch_optional(sql, values![account, content]).await? else {
        return Ok(None);
    };
    let packed: Vec<u8> = row.get(0)?;
    let broken = || DbError::Shape { column: 0, reason: "not a packed manifest".into() };
    Manifest::unpack(&packed).map(Some).ok_or_else(broken)
}

/// SHA-256 of the whole file, where it was computed before.
pub async fn whole_hash(
    connection: &mut Connection,
    account: UserId,
    content: ContentHash,
) -> Result<Option<[u8; 32]>, DbError> {
    let sql = "SELECT whole_hash FROM manifests WHERE account_id = $1 AND content_hash = $2";
    let Some(row) = connection.fetch_optional(sql, values![account, content]).await? else {
        return Ok(None);
    };
    Ok(row.get::<Option<Vec<u8>>>(0)?.and_then(|bytes| bytes.try_into().ok()))
}

pub async fn set_whole_hash(
    connection: &mut Connection,
    account: UserId,
    content: ContentHash,
    hash: [u8; 32],
) -> Result<(), DbError> {
    let sql = "UPDATE manifests SET whole_hash = $3 WHERE account_id = $1 AND content_hash = $2";
    connection.execute(sql, values![account, content, hash.as_slice()]).await?;
    Ok(())
}
