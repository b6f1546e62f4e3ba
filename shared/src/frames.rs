//! WebSocket frames: hints of what changed. The truth is one pull away.

use serde::{Deserialize, Serialize};

use crate::ids::{ConflictId, DeviceId, ItemId};
use crate::item::FileItem;
use crate::limits::FRAME_PROPOSAL_BYTES_MAX;
use crate::photo::Photo;
use crate::sync::ConflictInfo;
use crate::timestamp::Timestamp;

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ServerFrame {
    pub timestamp: Timestamp,
    /// The device that caused it; None where no device did.
    pub source_device_id: Option<DeviceId>,
    #[serde(flatten)]
    pub event: ServerEvent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ServerEvent {
    /// The connection stands.
    #[serde(rename_all = "camelCase")]
    SyncComplete { sync_token: Option<String> },
    #[serde(rename_all = "camelCase")]
    FileChanged { file_id: ItemId, action: FileAction, file: FileItem, sync_token: Option<String> },
    /// Deleted or purged.
    #[serde(rename_all = "camelCase")]
    FileDeleted { file_id: ItemId, sync_token: Option<String> },
    /// Without a proposal, `GET /conflicts` may have one that was too long.
    ConflictDetected { conflict: ConflictInfo },
    #[serde(rename_all = "camelCase")]
    ConflictResolved { conflict_id: ConflictId },
    /// Its derivatives are there, or there will be none.
    PhotoReady { photo: Box<Photo> },
    /// Frames were left out for a slow reader, or too much changed to tell one by one: pull.
    #[serde(rename_all = "camelCase")]
    PullNeeded { sync_token: Option<String> },
    /// The answer to a `ping`.
    Pong {},
    /// From a newer server.
    #[serde(other)]
    Unknown,
}

impl ServerEvent {
    /// A long proposal stays behind: the list of conflicts has it.
    pub fn conflict_detected(mut conflict: ConflictInfo) -> Self {
        conflict.proposal = conflict.proposal.filter(|it| it.text.len() <= FRAME_PROPOSAL_BYTES_MAX);
        Self::ConflictDetected { conflict }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum FileAction {
    Created,
    Updated,
    Moved,
    Restored,
}

/// A frame from a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ClientFrame {
    /// What the device has applied.
    #[serde(rename_all = "camelCase")]
    Ack {
        sync_token: String,
    },
    Ping {},
    Presence {},
}
