//! Chunked uploads and versions on the wire.

use serde::{Deserialize, Serialize};

use crate::content::{ChunkHash, ChunkInfo, ContentHash};
use crate::ids::{DeviceId, ItemId, OperationId, UploadId, VersionId};
use crate::item::ItemState;
use crate::sync::{Applied, ConflictInfo, ZoneKind};
use crate::timestamp::Timestamp;
use crate::version_vector::VersionVector;

/// Which of the person's zones takes the upload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Library {
    #[default]
    Files,
    Photos,
}

impl Library {
    pub const fn zone_kind(self) -> ZoneKind {
        match self {
            Self::Files => ZoneKind::Files,
            Self::Photos => ZoneKind::Photos,
        }
    }
}

/// A chunk announced at `init`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnnouncedChunk {
    pub index: u32,
    pub hash: ChunkHash,
    pub size: u32,
}

/// `POST /files/{fileId}/upload/init`: the operation `create` or `content`, judged at `complete`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InitUpload {
    pub operation_id: OperationId,
    pub file_name: String,
    /// The library's root where `library` is `photos`.
    #[serde(default)]
    pub parent_id: Option<ItemId>,
    pub total_size: u64,
    pub chunk_size: u32,
    pub total_chunks: u32,
    /// With it, its sizes rule, and what the account already holds need not be sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Vec<AnnouncedChunk>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<VersionVector>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_operation_id: Option<OperationId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_sync_token: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mime_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified_at: Option<Timestamp>,
    #[serde(default)]
    pub library: Library,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadStarted {
    pub upload_id: UploadId,
    pub chunk_size: u32,
    pub total_chunks: u32,
    pub missing_chunks: Vec<u32>,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChunkStored {
    pub index: u32,
    pub hash: ChunkHash,
    pub size: u32,
    /// Whether the account held it before.
    pub deduplicated: bool,
    /// Percent of the upload's chunks that are there, 0 to 100.
    pub progress: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadStatus {
    pub chunks: Vec<ChunkInfo>,
    /// Indices.
    pub uploaded_chunks: Vec<u32>,
    /// Indices.
    pub missing_chunks: Vec<u32>,
    /// Percent, 0 to 100.
    pub progress: f64,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UploadCompleted {
    #[serde(flatten)]
    pub applied: Applied,
    /// Then `item` is the server's present item and the outcome is `unchanged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict: Option<ConflictInfo>,
}

/// One content that a file has or had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FileVersion {
    pub id: VersionId,
    pub content_hash: ContentHash,
    pub size: u64,
    pub modified_at: Timestamp,
    /// When the server took it in.
    pub created_at: Timestamp,
    pub device_id: DeviceId,
    pub device_name: Option<String>,
    pub is_current: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionList {
    /// The newest first.
    pub versions: Vec<FileVersion>,
    /// For the page of older ones, where there are any.
    #[serde(default)]
    pub next_cursor: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RestoreVersion {
    pub operation_id: OperationId,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ItemAnswer {
    /// As it is now: asked again after a purge, what is left of it.
    pub item: ItemState,
}
