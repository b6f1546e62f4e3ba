//! All object paths. Chunks above 64 KiB are objects, each written once and durable when `put` answers:
//! the file, its folder's entry and the folders above are synced. What is read is checked against its hash,
//! so rot is found and never served.

mod direct;
mod error;
mod folders;

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreExt as _, PutPayload, RetryConfig};
use shared::limits::CHUNK_INLINE_BYTES_MAX;
use shared::photo::DerivativeKind;
use shared::{ChunkHash, ChunkRef, ContentHash, Timestamp, UserId};
use uuid::Uuid;

pub use direct::ObjectBuffer;
pub use error::BlobError;
use folders::Folders;

use crate::faults::Fault;

/// Bytes from which hashing leaves the threads that serve requests (a quarter of a millisecond's work).
const HASH_INLINE_BYTES_MAX: usize = 256 * 1024;
/// How long one request to an object store may take, and how long it is tried again.
const S3_REQUEST_TIMEOUT: Duration = Duration::from_secs(20);
const S3_RETRY_TIMEOUT: Duration = Duration::from_secs(15);
const S3_RETRIES_MAX: usize = 4;

/// Which of the objects that a chunk had over time: each upload makes a new one, so that deleting the old
/// cannot hit it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub Uuid);

impl From<Uuid> for Generation {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

/// One object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey {
    pub account: UserId,
    pub hash: ChunkHash,
    pub generation: Generation,
}

impl BlobKey {
    /// `account/ab/hash.generation`: 256 folders an account keep each small enough to list.
    pub fn path(&self) -> String {
        let hash = self.hash.to_string();
        format!("{}/{}/{hash}.{}", self.account.0.simple(), &hash[..2], self.generation.0.simple())
    }

    fn parse(path: &str) -> Option<Self> {
        let mut parts = path.rsplitn(3, '/');
        let (hash, generation) = parts.next()?.split_once('.')?;
        let account = parts.nth(1)?.rsplit('/').next()?;
        let key = Self {
            account: UserId(Uuid::try_parse(account).ok()?),
            hash: hash.parse().ok()?,
            generation: Generation(Uuid::try_parse(generation).ok()?),
        };
        path.ends_with(&key.path()).then_some(key)
    }
}

/// A derivative's object. It says what a content looks like and can be made again from it, so there is one of
/// each, which is replaced by its equal and needs no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DerivativeKey {
    pub account: UserId,
    pub content: ContentHash,
    pub kind: DerivativeKind,
}

impl DerivativeKey {
    /// `account/ab/content.kind`.
    pub fn path(&self) -> String {
        let content = self.content.to_string();
        format!("{}/{}/{content}.{}", self.account.0.simple(), &content[..2], self.kind.name())
    }

    fn parse(path: &str) -> Option<Self> {
        let mut parts = path.rsplitn(3, '/');
        let (content, kind) = parts.next()?.split_once('.')?;
        let account = parts.nth(1)?.rsplit('/').next()?;
        let key = Self {
            account: UserId(Uuid::try_parse(account).ok()?),
            content: content.parse().ok()?,
            kind: DerivativeKind::ALL.into_iter().find(|one| one.name() == kind)?,
        };
        path.ends_with(&key.path()).then_some(key)
    }
}

/// Where the objects are: a folder or a bucket. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// What every path begins with: nothing in a folder.
    prefix: Path,
    folders: Option<Arc<Folders>>,
    /// Chunks up to this many bytes live in the database.
    inline_bytes_max: usize,
}

impl Blobs {
    /// A folder, made if it is not there.
    pub fn open_folder(root: &FilePath) -> Result<Self, BlobError> {
        std::fs::create_dir_all(root).map_err(BlobError::from)?;
        let store = LocalFileSystem::new_with_prefix(root)?.with_fsync(!Fault::NoDirectorySync.is_planted());
        let folders = Some(Arc::new(Folders::new(root)));
        Ok(Self { folders, ..Self::over(Arc::new(store), CHUNK_INLINE_BYTES_MAX) })
    }

    /// `s3://bucket/prefix`, with the usual `AWS_*` variables; `AWS_ENDPOINT` may be plain HTTP.
    pub fn open_s3(url: &str) -> Result<Self, BlobError> {
        Self::open_bucket(url, AmazonS3Builder::from_env())
    }

    /// As [`Self::open_s3`], at an address of its own.
    pub fn open_s3_at(url: &str, endpoint: &str) -> Result<Self, BlobError> {
        Self::open_bucket(url, AmazonS3Builder::from_env().with_endpoint(endpoint))
    }

    fn open_bucket(url: &str, builder: AmazonS3Builder) -> Result<Self, BlobError> {
        let rest = url.strip_prefix("s3://").unwrap_or(url);
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let store = builder
            .with_bucket_name(bucket)
            .with_client_options(ClientOptions::new().with_allow_http(true).with_timeout(S3_REQUEST_TIMEOUT))
            .with_retry(RetryConfig {
                backoff: BackoffConfig::default(),
                max_retries: S3_RETRIES_MAX,
                retry_timeout: S3_RETRY_TIMEOUT,
            })
            .build()?;
        Ok(Self { prefix: Path::from(prefix), ..Self::over(Arc::new(store), CHUNK_INLINE_BYTES_MAX) })
    }

    /// Any store, with what it takes for small.
    pub fn over(store: Arc<dyn ObjectStore>, inline_bytes_max: usize) -> Self {
        Self { store, prefix: Path::default(), folders: None, inline_bytes_max }
    }

    /// Whether a chunk of so many bytes lives in the database rather than here.
    pub fn leaves_inline(&self, bytes: usize) -> bool {
        bytes <= self.inline_bytes_max
    }

    fn location(&self, path: &str) -> Path {
        path.split('/').fold(self.prefix.clone(), object_store::path::Path::join)
    }

    /// Durable once it answers. The caller vouches that the bytes have the key's hash.
    pub async fn put(&self, key: &BlobKey, bytes: Bytes) -> Result<(), BlobError> {
        self.put_at(&key.path(), bytes).await
    }

    /// As [`Self::put`].
    pub async fn put_derivative(&self, key: &DerivativeKey, bytes: Bytes) -> Result<(), BlobError> {
        self.put_at(&key.path(), bytes).await
    }

    async fn put_at(&self, path: &str, bytes: Bytes) -> Result<(), BlobError> {
        let location = self.location(path);
        if let Some(folders) = &self.folders {
            folders.ensure(&location).await?;
            if folders.put_direct(&location, &bytes).await? {
                return Ok(());
            }
        }
        let put = self.store.put(&location, PutPayload::from_bytes(bytes)).await;
        if !shared::faults::Fault::ObjectIsAssumed.is_planted() {
            put?;
        }
        Ok(())
    }

    /// The bytes of a chunk, proven to be what its hash says.
    pub async fn get(&self, key: &BlobKey) -> Result<Bytes, BlobError> {
        self.get_at(&key.path(), key.hash).await
    }

    /// The bytes of a derivative, proven to be those that were made.
    pub async fn get_derivative(&self, key: &DerivativeKey, hash: ChunkHash) -> Result<Bytes, BlobError> {
        self.get_at(&key.path(), hash).await
    }

    async fn get_at(&self, path: &str, hash: ChunkHash) -> Result<Bytes, BlobError> {
        let bytes = self.store.get(&self.location(path)).await?.bytes().await?;
        if shared::faults::Fault::RotIsServed.is_planted() {
            return Ok(bytes);
        }
        verified(hash, bytes).await
    }

    /// Deleting what is not there is fine: that is what was wanted.
    pub async fn delete(&self, key: &BlobKey) -> Result<(), BlobError> {
        self.delete_at(&key.path()).await
    }

    /// As [`Self::delete`].
    pub async fn delete_derivative(&self, key: &DerivativeKey) -> Result<(), BlobError> {
        self.delete_at(&key.path()).await
    }

    async fn delete_at(&self, path: &str) -> Result<(), BlobError> {
        match self.store.delete(&self.location(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Every chunk's object, in no order; what is not named like one is passed over.
    pub fn list(&self) -> BoxStream<'static, Result<BlobKey, BlobError>> {
        self.list_named(BlobKey::parse)
    }

    /// Every derivative, in no order.
    pub fn list_derivatives(&self) -> BoxStream<'static, Result<DerivativeKey, BlobError>> {
        self.list_named(DerivativeKey::parse)
    }

    fn list_named<K: Send + 'static>(
        &self,
        parse: fn(&str) -> Option<K>,
    ) -> BoxStream<'static, Result<K, BlobError>> {
        let prefix = (!self.prefix.as_ref().is_empty()).then_some(&self.prefix);
        self.store
            .list(prefix)
            .map_err(BlobError::from)
            .try_filter_map(move |object| async move { Ok(parse(object.location.as_ref())) })
            .boxed()
    }

    /// Whether the store answers at all.
    pub async fn probe(&self) -> Result<(), BlobError> {
        if let Some(folders) = &self.folders {
            return folders.probe().await;
        }
        match self.store.head(&self.prefix.clone().join("probe")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes what writes that were cut short by a crash before then left in the folder.
    pub async fn remove_partial_writes(&self, before: Timestamp) -> Result<u64, BlobError> {
        match &self.folders {
            Some(folders) => folders.remove_partial_writes(before).await,
            None => Ok(0),
        }
    }
}

/// The hash of a chunk's bytes, off the threads that serve requests where that takes long.
pub async fn hash_of(bytes: &Bytes) -> ChunkHash {
    if bytes.len() <= HASH_INLINE_BYTES_MAX {
        return ChunkHash::of(bytes);
    }
    let shared = bytes.clone();
    match tokio::task::spawn_blocking(move || ChunkHash::of(&shared)).await {
        Ok(hash) => hash,
        // Only while the process stops.
        Err(_) => ChunkHash::of(bytes),
    }
}

/// The bytes, if they hash to `expected`.
pub async fn verified(expected: ChunkHash, bytes: Bytes) -> Result<Bytes, BlobError> {
    if hash_of(&bytes).await == expected { Ok(bytes) } else { Err(BlobError::Rotten(expected)) }
}

/// A chunk whose bytes are durable, or will be with the row that carries them.
#[derive(Clone, Debug)]
pub struct StagedChunk {
    pub chunk: ChunkRef,
    pub stored: Stored,
}

/// Where a chunk's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// In its row.
    Inline(Bytes),
    /// In this object.
    Object(Generation),
}

#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
