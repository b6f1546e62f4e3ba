//! Files and folders as they travel.

use serde::{Deserialize, Serialize};

use crate::content::ContentHash;
use crate::ids::{ItemId, OperationId, ZoneId};
use crate::photo::PhotoInfo;
use crate::timestamp::Timestamp;
use crate::version_vector::VersionVector;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ItemKind {
    File,
    Folder,
}

/// Reserved for end-to-end encryption; always null today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Encryption {}

/// A file or folder, alive or in the trash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileItem {
    pub id: ItemId,
    pub zone_id: ZoneId,
    pub parent_id: ItemId,
    pub name: String,
    /// Where it stands, `/`-separated from the root. Informational, never compared.
    pub path: String,
    #[serde(rename = "type")]
    pub kind: ItemKind,
    /// In bytes; 0 for a folder.
    pub size: u64,
    /// None for a folder.
    pub mime_type: Option<String>,
    /// None for a folder.
    pub content_hash: Option<ContentHash>,
    pub version: VersionVector,
    /// Also true for what lies in a deleted folder.
    pub is_deleted: bool,
    pub created_at: Timestamp,
    pub modified_at: Timestamp,
    /// On the topmost item of a delete only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
    /// Of files in a zone of photos only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub photo: Option<Box<PhotoInfo>>,
    #[serde(default)]
    pub encryption: Option<Encryption>,
}

/// What is left of an item that was purged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Tombstone {
    pub id: ItemId,
    pub zone_id: ZoneId,
    /// Always true.
    pub is_deleted: bool,
    pub purged_at: Timestamp,
    pub version: VersionVector,
}

/// An item's present state in the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ItemState {
    Present(FileItem),
    Purged(Tombstone),
}

impl ItemState {
    pub fn id(&self) -> ItemId {
        match self {
            Self::Present(item) => item.id,
            Self::Purged(tombstone) => tombstone.id,
        }
    }

    pub fn zone_id(&self) -> ZoneId {
        match self {
            Self::Present(item) => item.zone_id,
            Self::Purged(tombstone) => tombstone.zone_id,
        }
    }

    pub fn version(&self) -> &VersionVector {
        match self {
            Self::Present(item) => &item.version,
            Self::Purged(tombstone) => &tombstone.version,
        }
    }

    pub fn present(&self) -> Option<&FileItem> {
        match self {
            Self::Present(item) => Some(item),
            Self::Purged(_) => None,
        }
    }
}

/// How an item stands between this device and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SyncStatus {
    /// The server has acknowledged exactly this.
    #[default]
    Synced,
    /// Changed here, waiting to be sent.
    Pending,
    /// On its way.
    Syncing,
    /// A person has to choose.
    Conflict,
    /// Refused for good; the reason stands beside it.
    Error,
}

/// An item as a client shows it: what the server knows, with this device's own changes on top.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientFileItem {
    #[serde(flatten)]
    pub item: FileItem,
    pub sync_status: SyncStatus,
    #[serde(default)]
    pub local_modified_at: Option<Timestamp>,
    #[serde(default)]
    pub pending_operation_id: Option<OperationId>,
}
