//! Brings a content onto this device, once however many ask, and proves it before it counts.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;
use std::rc::Rc;

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{LocalBoxFuture, Shared};
use js_sys::Uint8Array;
use shared::{ChunkHash, ContentHash, ItemId};
use sync::CallError;
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web_sys::{Blob, ReadableStream};

use super::{Contents, IN_DATABASE_BYTES_MAX, KeptChange, SEEN_BYTES_MAX};
use crate::api;
use crate::browser;
use crate::hashing::{Cuts, Hasher};
use crate::opfs::{self, NotKept};
use crate::store::{HeldAt, HeldRecord};

/// Why a content is not here.
#[derive(Clone, Debug, PartialEq)]
pub enum NotFetched {
    Call(CallError),
    /// No room on this device.
    Full,
    /// The server sent something else: the file changed, or the bytes cannot be proven.
    OtherBytes,
    /// This device cannot keep it.
    NotKept,
}

impl From<NotKept> for NotFetched {
    fn from(error: NotKept) -> Self {
        match error {
            NotKept::Full => Self::Full,
            NotKept::Failed => Self::NotKept,
        }
    }
}

/// Where bytes come from.
pub(super) enum Source {
    Blob(Blob),
    Stream { bytes: ReadableStream, size: u64 },
}

type Fetch = Shared<LocalBoxFuture<'static, Result<(), NotFetched>>>;

/// Downloads under way.
#[derive(Default)]
pub(super) struct Fetches(RefCell<HashMap<ContentHash, Fetch>>);

/// A content of the server's.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub item: ItemId,
    pub hash: ContentHash,
    /// In bytes.
    pub size: u64,
}

impl Contents {
    /// Whether a content of this size is worth keeping only because somebody looks at it.
    pub fn takes_seen(&self, size: u64) -> bool {
        size <= SEEN_BYTES_MAX.min(self.budget.get())
    }

    /// Sees to it that the content is here.
    pub async fn fetch(&self, wanted: Wanted) -> Result<(), NotFetched> {
        self.ready.clone().await;
        if self.holds(wanted.hash) {
            return Ok(());
        }
        let under_way = self.fetches.0.borrow().get(&wanted.hash).cloned();
        let fetch = match under_way {
            Some(fetch) => fetch,
            None => self.begin(wanted).ok_or(NotFetched::NotKept)?,
        };
        fetch.await
    }

    /// A download goes on to its end even if nobody waits any more.
    fn begin(&self, wanted: Wanted) -> Option<Fetch> {
        let contents = self.me.upgrade()?;
        let (done, result) = oneshot::channel();
        spawn_local(async move {
            let result = contents.download(wanted).await;
            contents.fetches.0.borrow_mut().remove(&wanted.hash);
            // Nobody may wait for it any more.
            let _ = done.send(result);
        });
        let fetch = result.map(|result| result.unwrap_or(Err(NotFetched::NotKept))).boxed_local().shared();
        self.fetches.0.borrow_mut().insert(wanted.hash, fetch.clone());
        Some(fetch)
    }

    async fn download(&self, wanted: Wanted) -> Result<(), NotFetched> {
        let response = api::download(wanted.item, wanted.size).await.map_err(NotFetched::Call)?;
        let tag = response.headers().get("ETag").unwrap_or_default();
        if tag.trim_matches('"') != wanted.hash.to_string() {
            return Err(NotFetched::OtherBytes);
        }
        let cut_short = NotFetched::Call(CallError::Unreachable);
        let source = if wanted.size <= IN_DATABASE_BYTES_MAX {
            let bytes = response.binary().await.map_err(|_| cut_short)?;
            Source::Blob(super::blob(&bytes).ok_or(NotFetched::NotKept)?)
        } else {
            let bytes = response.body().ok_or(cut_short)?;
            Source::Stream { bytes, size: wanted.size }
        };
        match self.add(wanted.hash, source).await {
            // A stream that broke may have been cut by the network as well as by the disk.
            Err(NotFetched::NotKept) if wanted.size > IN_DATABASE_BYTES_MAX && opfs::is_available().await => {
                Err(NotFetched::Call(CallError::Unreachable))
            }
            other => other,
        }
    }

    /// Keeps bytes under their hash, once it is proven.
    pub(super) async fn add(&self, hash: ContentHash, source: Source) -> Result<(), NotFetched> {
        let folder = Self::folder(&self.store);
        let name = hash.to_string();
        let (record, bytes) = match source {
            Source::Blob(bytes) if bytes.size() as u64 <= IN_DATABASE_BYTES_MAX => {
                let bytes = JsFuture::from(bytes.array_buffer()).await.map_err(|_| NotFetched::NotKept)?;
                let bytes = Uint8Array::new(&bytes).to_vec();
                if of_small(&bytes) != hash {
                    return Err(NotFetched::OtherBytes);
                }
                (record(hash, bytes.len() as u64, HeldAt::Database), Some(bytes))
            }
            Source::Blob(bytes) => {
                let size = bytes.size() as u64;
                opfs::keep(&folder, &name, &bytes).await?;
                self.prove(hash, size).await?;
                (record(hash, size, HeldAt::File), None)
            }
            Source::Stream { bytes, size } => {
                opfs::keep_stream(&folder, &name, &bytes).await?;
                self.prove(hash, size).await?;
                (record(hash, size, HeldAt::File), None)
            }
        };
        let stored = self.store.put_held(&[(record, bytes.as_deref())]).await;
        stored.map_err(|error| if error.is_full() { NotFetched::Full } else { NotFetched::NotKept })?;
        self.tell(KeptChange { added: vec![record], ..KeptChange::default() });
        Ok(())
    }

    /// Whether the file under that name holds what its name says; if not, it goes.
    async fn prove(&self, hash: ContentHash, size: u64) -> Result<(), NotFetched> {
        let (folder, name) = (Self::folder(&self.store), hash.to_string());
        let proven = match opfs::open(&folder, &name, size).await {
            Some(file) => is(&self.hasher(), &file, hash).await,
            None => false,
        };
        if proven {
            return Ok(());
        }
        opfs::remove(&folder, &name).await;
        Err(NotFetched::OtherBytes)
    }
}

fn record(hash: ContentHash, size: u64, at: HeldAt) -> HeldRecord {
    HeldRecord { hash, size, used_at: browser::now(), at }
}

/// The hash of what fits into one chunk.
fn of_small(bytes: &[u8]) -> ContentHash {
    let chunk = (!bytes.is_empty()).then(|| ChunkHash::of(bytes));
    ContentHash::of_chunks(chunk.iter())
}

/// Whether the bytes hash to that name, cut as this client does or as the server does itself.
async fn is(hasher: &Rc<Hasher>, bytes: &Blob, hash: ContentHash) -> bool {
    for cuts in [Cuts::ByContent, Cuts::EverySize] {
        let manifest = hasher.manifest(bytes, cuts, |_| ControlFlow::Continue(())).await;
        if manifest.is_ok_and(|manifest| manifest.content_hash() == hash) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_content_is_named_as_its_manifest_is() {
        let chunk = shared::ChunkRef { hash: ChunkHash::of(b"abc"), size: 3 };
        let manifest = shared::content::Manifest::new(vec![chunk]).unwrap();
        assert_eq!(of_small(b"abc"), manifest.content_hash());
        assert_eq!(of_small(b""), shared::content::Manifest::default().content_hash());
    }
}
