//! What stays on the device, and the port to whatever keeps it.
//!
//! Four kinds of record (items as the server last told them, operations of the outbox, conflicts, one
//! [`Meta`]) and the bytes of small contents. Everything that belongs together changes in one
//! [`StoreBatch`], which is stored whole or not at all.

use std::future::Future;

use serde::{Deserialize, Serialize};
use shared::photo::{AlbumChange, PhotoEdit, PhotoInfo};
use shared::sync::{Base, ConflictInfo, Resolution, TokenExpiry, ZoneInfo};
use shared::{
    ConflictId, ContentHash, DeviceId, ErrorCode, FileItem, ItemId, ItemKind, ItemName, OperationId,
    Timestamp, VersionVector, ZoneId,
};

/// The order of a batch among those of one run, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct BatchId(pub u64);

/// One atomic change of the store. Puts replace what has the same key; deletes of what is missing are
/// fine. No key is both put and deleted in one batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreBatch {
    pub id: BatchId,
    pub put_items: Vec<StoredItem>,
    pub delete_items: Vec<ItemId>,
    pub put_operations: Vec<Operation>,
    /// With an operation goes its content.
    pub delete_operations: Vec<OperationId>,
    /// The bytes of small contents, by operation.
    pub put_contents: Vec<(OperationId, Vec<u8>)>,
    /// Operations that go on under a new id, and their contents with them: old, then new. Performed first.
    pub move_contents: Vec<(OperationId, OperationId)>,
    /// Operations whose bytes are another's as well, as that one's are before this batch puts any: whose, then
    /// the new one.
    pub copy_contents: Vec<(OperationId, OperationId)>,
    pub put_conflicts: Vec<ConflictInfo>,
    pub delete_conflicts: Vec<ConflictId>,
    pub meta: Option<Meta>,
}

impl StoreBatch {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self { id: self.id, ..Self::default() }
    }
}

/// What a batch changes but for the bytes of contents: what another replica of the same store needs in order
/// to show it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoreDelta {
    pub put_items: Vec<StoredItem>,
    pub delete_items: Vec<ItemId>,
    pub put_operations: Vec<Operation>,
    pub delete_operations: Vec<OperationId>,
    pub put_conflicts: Vec<ConflictInfo>,
    pub delete_conflicts: Vec<ConflictId>,
    pub meta: Option<Meta>,
}

impl From<&StoreBatch> for StoreDelta {
    fn from(batch: &StoreBatch) -> Self {
        Self {
            put_items: batch.put_items.clone(),
            delete_items: batch.delete_items.clone(),
            put_operations: batch.put_operations.clone(),
            delete_operations: batch.delete_operations.clone(),
            put_conflicts: batch.put_conflicts.clone(),
            delete_conflicts: batch.delete_conflicts.clone(),
            meta: batch.meta.clone(),
        }
    }
}

/// An item as the server last told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StoredItem {
    pub id: ItemId,
    pub zone_id: ZoneId,
    pub parent_id: ItemId,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: ItemKind,
    /// In bytes.
    pub size: u64,
    pub mime_type: Option<String>,
    pub content_hash: Option<ContentHash>,
    pub version: VersionVector,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    /// Set on the topmost item of a delete; what lies in it is deleted because it is.
    pub deleted_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<Box<PhotoInfo>>,
}

impl From<FileItem> for StoredItem {
    fn from(item: FileItem) -> Self {
        Self {
            id: item.id,
            zone_id: item.zone_id,
            parent_id: item.parent_id,
            name: item.name,
            kind: item.kind,
            size: item.size,
            mime_type: item.mime_type,
            content_hash: item.content_hash,
            version: item.version,
            created_at: item.created_at,
            modified_at: item.modified_at,
            deleted_at: item.deleted_at,
            photo: item.photo,
        }
    }
}

/// One act of a person, as it waits in the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Operation {
    pub id: OperationId,
    /// Its place in the outbox: operations are sent in this order.
    pub sequence: u64,
    pub item_id: ItemId,
    pub act: Act,
    /// What was edited.
    pub base: Base,
    pub queued_at: Timestamp,
    pub state: OperationState,
    /// Tries that failed.
    pub attempts: u32,
    pub next_try: Option<Timestamp>,
    /// A pull from the beginning did not name the item. If the server does not know it any more, a content
    /// is created again.
    #[serde(default)]
    pub absent: bool,
    /// What the item was called when this was refused: it may be gone from the tree.
    #[serde(default)]
    pub item_name: Option<String>,
    /// Where an edit that is uploaded found its file, so that every try says the same.
    #[serde(default)]
    pub upload_to: Option<(ItemId, ItemName)>,
}

/// What an [`Operation`] does: a [`shared::sync::ChangeKind`], an upload, or a settled conflict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Act {
    CreateFolder {
        parent: ItemId,
        name: ItemName,
    },
    CreateFile {
        parent: ItemId,
        name: ItemName,
        content: Content,
        mime_type: Option<String>,
        created_at: Option<Timestamp>,
        modified_at: Option<Timestamp>,
    },
    SetContent {
        content: Content,
        modified_at: Option<Timestamp>,
    },
    Place {
        parent: Option<ItemId>,
        name: Option<ItemName>,
    },
    Delete {
        seen_token: Option<String>,
    },
    Restore {
        parent: Option<ItemId>,
    },
    Purge,
    /// What a person says of a photo.
    Photo(PhotoEdit),
    /// What a person does to a photo in an album.
    Album {
        album: ItemId,
        change: AlbumChange,
    },
    Resolve {
        conflict: ConflictId,
        resolution: Resolution,
        server_version: VersionVector,
    },
}

/// Where the bytes of an operation are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Content {
    /// In the store, under the operation's id; they travel in a push.
    Stored { size: u32, hash: ContentHash },
    /// With the driver; they travel by chunks.
    Upload { size: u64, staged: Option<String> },
    /// With the server, as a content of another file; nothing travels.
    Copy { size: u64, of: ItemId, hash: ContentHash },
}

impl Content {
    /// In bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Stored { size, .. } => u64::from(*size),
            Self::Upload { size, .. } | Self::Copy { size, .. } => *size,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OperationState {
    Queued,
    /// Refused for good: it has no effect here and is not sent until a person decides.
    Parked {
        code: ErrorCode,
        message: String,
    },
}

/// What the device is, and how far it has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Meta {
    pub format: u32,
    pub device_id: DeviceId,
    /// The person's root folder.
    pub root_id: ItemId,
    pub zones: Vec<ZoneInfo>,
    /// How far this device has been told; None before the first page. One that is too old stays until a pull from
    /// the beginning is through.
    pub sync_token: Option<String>,
    /// Up to where it was told of everything: in the middle of a pull, what changed again comes later.
    #[serde(default)]
    pub seen_token: Option<String>,
    /// Whether the trash, which a pull from the beginning leaves out, has been fetched.
    #[serde(default)]
    pub trash_known: bool,
    /// Whether one pull came to its end, so that the tree is whole.
    pub complete: bool,
    /// A pull from the beginning is due, and why.
    pub resync: Option<TokenExpiry>,
    /// Ids that turned out to be another item's, while operations still name them: old, then new.
    pub aliases: Vec<(ItemId, ItemId)>,
    pub last_synced_at: Option<Timestamp>,
}

impl Meta {
    /// The present form of the records. A driver migrates older ones before it hands them over.
    pub const FORMAT: u32 = 1;

    /// For a device that has just signed in and holds nothing.
    pub fn new(device_id: DeviceId, root_id: ItemId) -> Self {
        Self {
            format: Self::FORMAT,
            device_id,
            root_id,
            zones: Vec::new(),
            sync_token: None,
            seen_token: None,
            trash_known: false,
            complete: false,
            resync: None,
            aliases: Vec::new(),
            last_synced_at: None,
        }
    }
}

/// Everything in a store but the contents, in any order.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    pub meta: Meta,
    pub items: Vec<StoredItem>,
    pub operations: Vec<Operation>,
    pub conflicts: Vec<ConflictInfo>,
}

impl Snapshot {
    /// A device that holds nothing yet.
    pub fn empty(meta: Meta) -> Self {
        Self { meta, items: Vec::new(), operations: Vec::new(), conflicts: Vec::new() }
    }
}

/// Keeps one device's records for one account. [`crate::conformance`] says what an implementation must do.
pub trait LocalStore {
    type Error: std::fmt::Debug;

    /// Stores all of the batch, durably, or nothing.
    fn apply(&self, batch: &StoreBatch) -> impl Future<Output = Result<(), Self::Error>>;
    /// What is stored; None before the first batch with a meta.
    fn load(&self) -> impl Future<Output = Result<Option<Snapshot>, Self::Error>>;
    /// The bytes of a small content.
    fn content(&self, operation: OperationId) -> impl Future<Output = Result<Option<Vec<u8>>, Self::Error>>;
    /// Forgets everything, as at sign-out.
    fn clear(&self) -> impl Future<Output = Result<(), Self::Error>>;
}
