//! What an account holds, in memory: chunks, manifests and what they cost. As `db::manifests` keeps it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use server::blobs::{StagedChunk, Stored};
use server::db::manifests::Refused;
use shared::content::Manifest;
use shared::faults::Fault;
use shared::{ChunkHash, ContentHash, Timestamp};

#[derive(Clone, Debug)]
pub struct Chunk {
    pub size: u32,
    pub refs: u64,
    pub bytes: Bytes,
    pub leased_until: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Kept {
    pub manifest: Manifest,
    pub refs: u64,
}

#[derive(Clone, Debug, Default)]
pub struct Account {
    pub quota_bytes: u64,
    pub used_bytes: u64,
    pub staged_bytes: u64,
    pub chunks: BTreeMap<ChunkHash, Arc<Chunk>>,
    pub manifests: BTreeMap<ContentHash, Arc<Kept>>,
}

/// What one write has named: a content or chunk that is not named counts as not held.
#[derive(Clone, Debug, Default)]
pub struct Named {
    contents: BTreeSet<ContentHash>,
    chunks: BTreeSet<ChunkHash>,
    /// Chunks that came along and for which there was no room.
    unstaged: BTreeSet<ChunkHash>,
}

impl Named {
    pub fn name(&mut self, contents: impl IntoIterator<Item = ContentHash>) {
        self.contents.extend(contents);
    }

    pub fn name_chunks(&mut self, chunks: impl IntoIterator<Item = ChunkHash>) {
        self.chunks.extend(chunks);
    }
}

impl Account {
    pub fn free_bytes(&self) -> u64 {
        self.quota_bytes.saturating_sub(self.used_bytes).saturating_sub(self.staged_bytes)
    }

    /// Takes chunks in, or renews the lease of those held already. Those for which there is no room are
    /// left out.
    pub fn stage(&mut self, named: &mut Named, staged: Vec<StagedChunk>, leased_until: Timestamp) {
        for StagedChunk { chunk, stored } in staged {
            named.chunks.insert(chunk.hash);
            let Stored::Inline(bytes) = stored else { continue };
            if self.lease(chunk.hash, leased_until).is_some() {
                continue;
            }
            if u64::from(chunk.size) > self.free_bytes() && !Fault::QuotaIsUnchecked.is_planted() {
                named.unstaged.insert(chunk.hash);
                continue;
            }
            self.staged_bytes += u64::from(chunk.size);
            let row = Chunk { size: chunk.size, refs: 0, bytes, leased_until };
            self.chunks.insert(chunk.hash, Arc::new(row));
        }
    }

    /// Makes a chunk safe from collection for longer; its size, where it is held.
    pub fn lease(&mut self, hash: ChunkHash, until: Timestamp) -> Option<u32> {
        let held = self.chunks.get_mut(&hash)?;
        if held.leased_until < until {
            Arc::make_mut(held).leased_until = until;
        }
        Some(held.size)
    }

    pub fn check(&self, named: &Named, manifest: &Manifest) -> Result<(), Refused> {
        let mut missing = Vec::new();
        for (index, chunk) in (0..).zip(manifest.chunks()) {
            match self.chunks.get(&chunk.hash).filter(|_| named.chunks.contains(&chunk.hash)) {
                None if named.unstaged.contains(&chunk.hash) => {
                    return Err(Refused::QuotaExceeded { quota_bytes: self.quota_bytes });
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

    pub fn reference(&mut self, named: &Named, manifest: &Manifest) -> Result<(), Refused> {
        self.check(named, manifest)?;
        let content = manifest.content_hash();
        assert!(named.contents.contains(&content), "a content is referenced that was not named: {content}");
        if self.reference_held(content) {
            return Ok(());
        }
        let fresh: BTreeMap<ChunkHash, u64> = manifest
            .chunks()
            .iter()
            .filter(|chunk| self.chunks[&chunk.hash].refs == 0)
            .map(|chunk| (chunk.hash, u64::from(chunk.size)))
            .collect();
        let added: u64 = fresh.values().sum();
        let fits = self.used_bytes + added <= self.quota_bytes || Fault::QuotaIsUnchecked.is_planted();
        if added > 0 && !fits {
            return Err(Refused::QuotaExceeded { quota_bytes: self.quota_bytes });
        }
        self.used_bytes += added;
        self.staged_bytes = self.staged_bytes.saturating_sub(added);
        for chunk in manifest.chunks() {
            if let Some(held) = self.chunks.get_mut(&chunk.hash) {
                Arc::make_mut(held).refs += 1;
            }
        }
        self.manifests.insert(content, Arc::new(Kept { manifest: manifest.clone(), refs: 1 }));
        Ok(())
    }

    pub fn reference_held(&mut self, content: ContentHash) -> bool {
        let Some(kept) = self.manifests.get_mut(&content) else { return false };
        Arc::make_mut(kept).refs += 1;
        true
    }

    /// One version less has this content. The last one gives its chunks back.
    pub fn release(&mut self, content: ContentHash) {
        let Some(kept) = self.manifests.get_mut(&content) else {
            panic!("a content is released that has no references: {content}");
        };
        let kept = Arc::make_mut(kept);
        kept.refs -= 1;
        if kept.refs > 0 {
            return;
        }
        let Some(kept) = self.manifests.remove(&content) else { return };
        for chunk in kept.manifest.chunks() {
            let Some(held) = self.chunks.get_mut(&chunk.hash) else { continue };
            let held = Arc::make_mut(held);
            held.refs -= 1;
            if held.refs == 0 {
                self.used_bytes -= u64::from(held.size);
                self.staged_bytes += u64::from(held.size);
            }
        }
    }

    /// Forgets chunks that nothing refers to and whose lease was over before `now`.
    pub fn collect(&mut self, now: Timestamp) {
        let mut collected = 0;
        self.chunks.retain(|_, chunk| {
            let free = chunk.refs == 0 || Fault::CollectorIgnoresReferences.is_planted();
            let goes = free && chunk.leased_until < now;
            collected += if goes && chunk.refs == 0 { u64::from(chunk.size) } else { 0 };
            !goes
        });
        self.staged_bytes -= collected;
    }

    /// The bytes of a content, if all of it is there.
    pub fn bytes(&self, content: ContentHash) -> Option<Bytes> {
        let kept = self.manifests.get(&content)?;
        let mut bytes = BytesMut::new();
        for chunk in kept.manifest.chunks() {
            bytes.extend_from_slice(&self.chunks.get(&chunk.hash)?.bytes);
        }
        Some(bytes.freeze())
    }
}
