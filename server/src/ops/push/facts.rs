//! What the judge needs to know of contents' bytes. Reading them takes time, so it happens outside of the
//! write: the judge says what it misses, nothing is written, and it is asked again with the facts at hand.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use shared::content::Manifest;
use shared::limits::TEXT_MERGE_BYTES_MAX;
use shared::rules::{MergeKind, TextMerge, merge_text};
use shared::{ContentHash, UserId};

use super::change::PreparedContent;
use crate::blobs::BlobError;
use crate::db::manifests;
use crate::error::{ApiError, ApiResult};
use crate::ops::read::ReadError;
use crate::ops::{content, read};
use crate::state::App;

/// Three contents to be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MergeKey {
    pub base: ContentHash,
    pub server: ContentHash,
    pub local: ContentHash,
}

#[derive(Clone, Debug)]
pub struct MergedText {
    pub merge: TextMerge,
    /// Of a merge that may be taken silently.
    pub content: Option<PreparedContent>,
}

#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// SHA-256 of whole files. None: it can't be read.
    pub whole: HashMap<ContentHash, Option<[u8; 32]>>,
    /// None: one of the three is no text, or can't be read.
    pub merges: HashMap<MergeKey, Option<MergedText>>,
}

/// What the judge misses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub whole: std::collections::BTreeSet<ContentHash>,
    pub merges: BTreeMap<MergeKey, MergeKind>,
}

impl Needs {
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.merges.is_empty()
    }
}

impl Facts {
    /// The chunks that the merges bring along.
    pub fn staged(&self) -> impl Iterator<Item = &PreparedContent> {
        let mut merges: Vec<_> = self.merges.iter().collect();
        merges.sort_by_key(|(key, _)| **key);
        merges.into_iter().filter_map(|(_, merged)| merged.as_ref()?.content.as_ref())
    }

    /// Finds out what is missing; `contents` are those that come in.
    pub async fn gather<'a>(
        &mut self,
        app: &App,
        account: UserId,
        needs: &Needs,
        contents: impl IntoIterator<Item = &'a PreparedContent>,
    ) -> ApiResult<()> {
        let mut incoming: HashMap<ContentHash, &PreparedContent> =
            contents.into_iter().map(|content| (content.hash, content)).collect();
        // A merge that a later change of the batch builds on is nowhere else yet.
        incoming.extend(self.staged().map(|content| (content.hash, content)));
        let source = Source { app, account, incoming };
        let mut found = Self::default();
        for &hash in &needs.whole {
            found.whole.insert(hash, source.whole_hash(hash).await?);
        }
        for (&key, &kind) in &needs.merges {
            found.merges.insert(key, source.merge(key, kind).await?);
        }
        self.whole.extend(found.whole);
        self.merges.extend(found.merges);
        Ok(())
    }
}

struct Source<'a> {
    app: &'a App,
    account: UserId,
    incoming: HashMap<ContentHash, &'a PreparedContent>,
}

impl Source<'_> {
    async fn manifest(&self, hash: ContentHash) -> ApiResult<Option<Manifest>> {
        if let Some(content) = self.incoming.get(&hash) {
            return Ok(Some(content.manifest.clone()));
        }
        let mut reader = self.app.db.reader().await?;
        Ok(manifests::load(&mut reader, self.account, hash).await?)
    }

    async fn whole_hash(&self, hash: ContentHash) -> ApiResult<Option<[u8; 32]>> {
        match read::whole_hash(self.app, self.account, hash).await {
            Ok(None) => {}
            known => return Ok(readable(known)?.flatten()),
        }
        if let Some(whole) = self.incoming.get(&hash).and_then(|content| content.whole) {
            return Ok(Some(whole));
        }
        if let Some(bytes) = self.incoming.get(&hash).and_then(|content| content.bytes.clone()) {
            return Ok(Some(<sha2::Sha256 as sha2::Digest>::digest(&bytes).into()));
        }
        let Some(manifest) = self.manifest(hash).await? else { return Ok(None) };
        let stream = read::stream(self.app.clone(), self.account, &manifest, 0..manifest.size());
        readable(read::hash_stream(Box::pin(stream)).await)
    }

    async fn bytes(&self, hash: ContentHash) -> ApiResult<Option<Bytes>> {
        if let Some(bytes) = self.incoming.get(&hash).and_then(|content| content.bytes.clone()) {
            return Ok(Some(bytes));
        }
        match self.manifest(hash).await? {
            Some(manifest) if manifest.size() <= TEXT_MERGE_BYTES_MAX => {
                readable(read::read_all(self.app, self.account, &manifest).await)
            }
            _ => Ok(None),
        }
    }

    async fn merge(&self, key: MergeKey, kind: MergeKind) -> ApiResult<Option<MergedText>> {
        let mut texts = Vec::new();
        for hash in [key.base, key.server, key.local] {
            let Some(bytes) = self.bytes(hash).await? else { return Ok(None) };
            let Ok(text) = String::from_utf8(bytes.to_vec()) else { return Ok(None) };
            texts.push(text);
        }
        let merging = tokio::task::spawn_blocking(move || merge_text(&texts[0], &texts[1], &texts[2]));
        let merge = merging.await.map_err(ApiError::internal)?;
        let content = match (kind, merge.overlaps) {
            (MergeKind::Silent, 0) => Some(prepare(self.app, self.account, merge.text.clone().into()).await?),
            _ => None,
        };
        Ok(Some(MergedText { merge, content }))
    }
}

/// Makes bytes that the server itself has to cut durable.
pub async fn prepare(app: &App, account: UserId, bytes: Bytes) -> ApiResult<PreparedContent> {
    let staged = content::prepare(app, account, bytes.clone()).await?;
    let chunks = staged.iter().map(|staged| staged.chunk).collect();
    let manifest = Manifest::new(chunks).map_err(ApiError::internal)?;
    let hash = manifest.content_hash();
    Ok(PreparedContent { manifest, hash, staged, bytes: Some(bytes), whole: None, modified_at: None })
}

/// None where the bytes are lost: the change is judged without them rather than refused for ever.
fn readable<T>(read: Result<T, ReadError>) -> ApiResult<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(
            error @ (ReadError::NoRow(_) | ReadError::Blob(BlobError::Missing(_) | BlobError::Rotten(_))),
        ) => {
            tracing::error!(%error, "a content that a change is compared with can't be read");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
