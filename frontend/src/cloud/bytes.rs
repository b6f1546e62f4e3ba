//! An item's bytes, wherever they are: on this device, on their way from it, or with the server.

use app::ports::{CallError, Cloud, DeviceStorage, FileType, LocalFuture, Side};
use leptos::prelude::WithUntracked;
use shared::{ClientFileItem, ConflictId, ItemId, OperationId};
use sync::{Content, LocalStore};
use wasm_bindgen_futures::JsFuture;
use web_sys::Blob;

use super::BrowserCloud;
use crate::api;
use crate::browser;
use crate::contents::{self, NotFetched, Wanted};
use crate::later::{self, Later};
use crate::seat::Seat;
use crate::uploader::staged_file;

/// Up to this size, in bytes, a content comes here whole before it is shown, however it is shown.
const SHOWN_WHOLE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Where an item's bytes are.
enum Bytes {
    Here {
        key: String,
        bytes: Blob,
    },
    /// With the server, which may be asked for them.
    Elsewhere,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Use {
    Show,
    Save,
}

/// How much of a content is needed before something can be shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    All,
    /// What is played, and the head of a text: the rest may never be asked for.
    Beginning,
}

impl Need {
    fn of(item: &ClientFileItem) -> Self {
        match FileType::of(item) {
            FileType::Audio | FileType::Video => Self::Beginning,
            _ => Self::All,
        }
    }
}

impl BrowserCloud {
    /// The item under which the server has the content: for a copy that it was not told of yet, the original.
    fn held_as(&self, id: ItemId) -> ItemId {
        match self.read(|replica| replica.pending_content(id)) {
            Some((_, Content::Copy { of, .. })) => of,
            _ => id,
        }
    }

    /// Finds an item's bytes. What comes here whole for somebody to look at is kept; a larger content of which
    /// the beginning will do comes from the server as far as it is wanted, and only so: nothing comes twice.
    async fn bytes(&self, id: ItemId, need: Need) -> Result<Bytes, CallError> {
        let (seat, contents) = (self.seat.borrow().clone(), self.contents.borrow().clone());
        let (Some(seat), Some(contents)) = (seat, contents) else { return Err(CallError::Unreachable) };
        let pending = seat.replica().pending_content(id);
        if let Some((operation, content)) = pending.filter(|(_, content)| !is_copy(content)) {
            let bytes = own_bytes(&seat, operation, &content).await.ok_or(CallError::Unreachable)?;
            return Ok(Bytes::Here { key: operation.to_string(), bytes });
        }
        let item = seat.replica().item(id).ok_or(CallError::Unreachable)?;
        let Some(hash) = item.item.content_hash else { return Err(CallError::Unreachable) };
        let here = |bytes| Bytes::Here { key: hash.to_string(), bytes };
        if let Some(bytes) = contents.find(hash).await {
            return Ok(here(bytes));
        }
        // Where it is to hold again what it held before, the server still gives something else.
        let is_former = seat.replica().pending_content(id).is_some() && self.held_as(id) == id;
        let (size, is_away) = (item.item.size, is_former || self.is_server_away());
        let is_whole = (size <= SHOWN_WHOLE_BYTES_MAX || need == Need::All) && contents.takes_seen(size);
        let wanted = Wanted { item: self.held_as(id), hash, size };
        if is_whole && !is_away {
            match contents.fetch(wanted).await {
                Ok(()) => {
                    if let Some(bytes) = contents.find(hash).await {
                        return Ok(here(bytes));
                    }
                }
                Err(NotFetched::Call(error)) => return Err(error),
                // What cannot be kept here can be shown all the same.
                Err(NotFetched::Full | NotFetched::OtherBytes | NotFetched::NotKept) => {}
            }
        }
        if is_away {
            return Err(CallError::Unreachable);
        }
        Ok(Bytes::Elsewhere)
    }

    pub(crate) async fn address(&self, id: ItemId, for_use: Use) -> Result<String, CallError> {
        let item = self.item(id).ok_or(CallError::Unreachable)?;
        let is_pending = self.read(|replica| replica.pending_content(id)).is_some();
        if for_use == Use::Save && !is_pending && !self.is_server_away() {
            let is_folder = item.item.kind == shared::ItemKind::Folder;
            return Ok(if is_folder { api::zip_url(id) } else { api::download_url(id) });
        }
        match self.bytes(id, Need::of(&item)).await? {
            Bytes::Here { key, bytes } => {
                let contents = self.contents.borrow().clone();
                let url = contents.and_then(|contents| contents.url(key, &bytes, &item.item));
                url.ok_or(CallError::Unreachable)
            }
            Bytes::Elsewhere => Ok(api::inline_url(self.held_as(id))),
        }
    }

    pub(crate) async fn head_of_text(&self, id: ItemId, bytes_max: usize) -> Result<String, CallError> {
        let bytes = match self.bytes(id, Need::Beginning).await? {
            Bytes::Here { bytes, .. } => {
                let head = bytes.slice_with_i32_and_f64(0, bytes_max as f64);
                let head = head.map_err(|_| CallError::Unreachable)?.array_buffer();
                let head = JsFuture::from(head).await.map_err(|_| CallError::Unreachable)?;
                js_sys::Uint8Array::new(&head).to_vec()
            }
            Bytes::Elsewhere => api::read_head(self.held_as(id), bytes_max).await?,
        };
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// One side of a conflict, which stays here for when the server is away.
    pub(crate) async fn side_of_conflict(&self, conflict: ConflictId, side: Side) -> Result<Blob, CallError> {
        let contents = self.contents.borrow().clone();
        let hash = self.conflicts().iter().find(|open| open.id == conflict).map(|open| match side {
            Side::Local => open.local_content_hash,
            Side::Server => open.server_content_hash,
        });
        let Some((contents, hash)) = contents.zip(hash) else {
            return api::conflict_content(conflict, side).await;
        };
        if let Some(here) = contents.find(hash).await {
            return Ok(here);
        }
        let fetched = api::conflict_content(conflict, side).await?;
        contents.remember(hash, fetched.clone()).await;
        Ok(fetched)
    }

    /// What a person chose to be held of photos counts in every tab.
    pub(crate) fn choose_forms(
        &self,
        choose: impl FnOnce(Later) -> LocalFuture<()> + 'static,
    ) -> LocalFuture<()> {
        let contents = self.contents.borrow().clone();
        Box::pin(async move {
            later::once_here(choose).await;
            if let Some(contents) = contents {
                contents.forms_chosen();
            }
        })
    }

    pub(crate) async fn storage_here(&self) -> DeviceStorage {
        let (contents, seat) = (self.contents.borrow().clone(), self.seat());
        match contents.zip(seat) {
            Some((contents, seat)) => contents::storage(&contents, seat.replica()).await,
            None => DeviceStorage::default(),
        }
    }

    /// Whether the last call got no answer. Before the first one there is hope.
    fn is_server_away(&self) -> bool {
        !browser::is_online() || self.screen.summary.with_untracked(|it| !it.online && !it.is_connecting())
    }
}

/// Whether the server has the bytes, under another item.
fn is_copy(content: &Content) -> bool {
    matches!(content, Content::Copy { .. })
}

/// The bytes of a content that only this device has so far.
async fn own_bytes(seat: &Seat, operation: OperationId, content: &Content) -> Option<Blob> {
    match (content, seat) {
        (Content::Upload { staged, .. }, Seat::Leading(runtime)) => match runtime.uploader.file(operation) {
            Some(file) => Some(file.into()),
            None => staged_file(&runtime.store, staged.as_deref()?).await,
        },
        (Content::Upload { staged, .. }, Seat::Following(_) | Seat::Opening { .. }) => {
            staged_file(seat.store(), staged.as_deref()?).await
        }
        (Content::Copy { .. }, _) => None,
        (Content::Stored { .. }, _) => contents::blob(&seat.store().content(operation).await.ok()??),
    }
}
