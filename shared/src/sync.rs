//! Push, pull and conflicts on the wire.

use serde::{Deserialize, Serialize};

use crate::content::{ChunkRef, ContentHash};
use crate::error::ErrorCode;
use crate::ids::{ConflictId, DeviceId, ItemId, OperationId, UserId, ZoneId};
use crate::item::{FileItem, ItemState};
use crate::photo::{AlbumChange, PhotoEdit, WallTime};
use crate::timestamp::Timestamp;
use crate::version_vector::VersionVector;

/// `POST /sync/push`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushRequest {
    pub device_id: DeviceId,
    /// None is the position before everything.
    #[serde(default)]
    pub last_sync_token: Option<String>,
    /// At most [`crate::limits::PUSH_CHANGES_MAX`], judged in order.
    pub changes: Vec<Change>,
}

/// One operation of a person on one item.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Change {
    pub operation_id: OperationId,
    pub file_id: ItemId,
    #[serde(flatten)]
    pub base: Base,
    #[serde(flatten)]
    pub kind: ChangeKind,
}

/// What was edited: one of the two is given, `{}` for a create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Base {
    /// The vector, as the server gave it, of what was edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_version: Option<VersionVector>,
    /// The unanswered operation whose input was edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_operation_id: Option<OperationId>,
}

impl Base {
    pub fn version(version: VersionVector) -> Self {
        Self { base_version: Some(version), base_operation_id: None }
    }

    pub fn operation(id: OperationId) -> Self {
        Self { base_version: None, base_operation_id: Some(id) }
    }
}

/// What a [`Change`] does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ChangeKind {
    #[serde(rename_all = "camelCase")]
    CreateFolder {
        parent_id: ItemId,
        name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        modified_at: Option<Timestamp>,
    },
    #[serde(rename_all = "camelCase")]
    Create {
        parent_id: ItemId,
        name: String,
        #[serde(flatten)]
        content: ContentInput,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        modified_at: Option<Timestamp>,
    },
    #[serde(rename_all = "camelCase")]
    Content {
        #[serde(flatten)]
        content: ContentInput,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        modified_at: Option<Timestamp>,
    },
    /// Rename and move are one thing; what is not given stays.
    #[serde(rename_all = "camelCase")]
    Move {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_id: Option<ItemId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    #[serde(rename_all = "camelCase")]
    Delete {
        /// The sync token in force when the person deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        seen_token: Option<String>,
    },
    #[serde(rename_all = "camelCase")]
    Restore {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent_id: Option<ItemId>,
    },
    Purge {},
    /// What a person says of a photo. The last to arrive wins, field by field.
    Photo(PhotoEdit),
    /// Puts the photo into an album.
    #[serde(rename_all = "camelCase")]
    AlbumAdd {
        album_id: ItemId,
    },
    /// Takes it out again, unless somebody put it in whom the base does not cover: adding wins.
    #[serde(rename_all = "camelCase")]
    AlbumRemove {
        album_id: ItemId,
    },
    /// Lets it stand for the album, and be in it.
    #[serde(rename_all = "camelCase")]
    AlbumCover {
        album_id: ItemId,
    },
    /// Sorts it in the album by this time instead of `takenAt`, and puts it in. Without a time, it is sorted by
    /// `takenAt` again if it is in the album. The last to arrive wins.
    #[serde(rename_all = "camelCase")]
    AlbumPlace {
        album_id: ItemId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sort_at: Option<WallTime>,
    },
}

impl ChangeKind {
    pub fn of_album(album_id: ItemId, change: AlbumChange) -> Self {
        match change {
            AlbumChange::Add => Self::AlbumAdd { album_id },
            AlbumChange::Remove => Self::AlbumRemove { album_id },
            AlbumChange::Cover => Self::AlbumCover { album_id },
            AlbumChange::Place(sort_at) => Self::AlbumPlace { album_id, sort_at },
        }
    }
}

/// A content in a push: `chunks` that the account already holds, the bytes themselves, or the name of another
/// file that has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContentInput {
    /// In bytes.
    pub size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunks: Option<Vec<ChunkRef>>,
    /// Base64, at most [`crate::limits::PUSH_DATA_BYTES_MAX`] bytes before encoding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// A file that the person can read and that has or had this content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_of: Option<CopyOf>,
}

/// One content of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CopyOf {
    pub file_id: ItemId,
    pub content_hash: ContentHash,
}

/// The answer to a push. Each operation stands in exactly one of the three lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PushResponse {
    /// Never passes a change that this device has not been given.
    pub sync_token: Option<String>,
    pub applied: Vec<Applied>,
    pub conflicts: Vec<ConflictInfo>,
    pub errors: Vec<ChangeError>,
}

/// How an accepted operation came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Outcome {
    /// As asked.
    Applied,
    /// The state was already so, or another's change stands.
    Unchanged,
    /// Joined with a concurrent change; nothing was lost.
    Merged,
    /// Placed under another name, because the one asked for was taken.
    Renamed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Applied {
    pub operation_id: OperationId,
    /// As the client named it; `item.id` differs where a create met its equal.
    pub file_id: ItemId,
    pub item: ItemState,
    pub outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ChangeError {
    pub operation_id: OperationId,
    pub file_id: ItemId,
    pub code: ErrorCode,
    pub message: String,
    pub retryable: bool,
    /// Indices into the change's `chunks` that the account does not hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_chunks: Option<Vec<u32>>,
}

/// Two contents of one file of which a person has to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConflictInfo {
    pub id: ConflictId,
    pub file_id: ItemId,
    pub file_name: String,
    /// `local` is the side of `local_modified_by`, on every device.
    pub local_version: VersionVector,
    pub server_version: VersionVector,
    pub local_modified_by: DeviceId,
    pub server_modified_by: DeviceId,
    pub local_content_hash: ContentHash,
    pub server_content_hash: ContentHash,
    /// What people want to know of each side. None from a server that does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_side: Option<ConflictSide>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side: Option<ConflictSide>,
    /// A merge that a person may accept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    pub created_at: Timestamp,
    /// In the answer to a push: the operation that conflicted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
}

/// Whose content a side of a conflict is, from when, and how large.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConflictSide {
    /// None where the device is not known any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<DeviceHolder>,
    pub modified_at: Timestamp,
    /// In bytes.
    pub size: u64,
}

/// A device, and whose it is. Removed ones are still told by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DeviceHolder {
    pub device_id: DeviceId,
    pub device_name: String,
    pub user_id: UserId,
    pub user_name: String,
}

/// A three-way merge of a text that is not safe to take unasked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Proposal {
    pub text: String,
    /// Regions where both sides changed the same lines; 0 means that the merge is clean.
    pub overlaps: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConflictList {
    pub conflicts: Vec<ConflictInfo>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Resolution {
    Local,
    Server,
    Both,
    Proposal,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResolveRequest {
    pub operation_id: OperationId,
    pub resolution: Resolution,
    /// The server's side as the person saw it.
    pub server_version: VersionVector,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ResolveResponse {
    pub items: Vec<FileItem>,
}

/// `GET /sync/pull?since=&limit=`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PullResponse {
    /// Present states, parents first; repeats are allowed, the last wins.
    pub changes: Vec<ItemState>,
    pub zones: Vec<ZoneInfo>,
    pub sync_token: String,
    pub has_more: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ZoneInfo {
    pub zone_id: ZoneId,
    pub root_id: ItemId,
    pub kind: ZoneKind,
    pub role: ZoneRole,
    pub state: ZoneState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ZoneKind {
    Files,
    Photos,
    Shared,
    Album,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ZoneRole {
    Viewer,
    Editor,
    Owner,
}

/// A zone that was taken away is told as a state, never as deletes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ZoneState {
    Active,
    Removed,
}

/// Why a sync token no longer counts: the `reason` of `sync_token_expired`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum TokenExpiry {
    /// Older than the tombstones.
    Expired,
    /// The server was restored: bases count as unknown.
    Epoch,
}

/// `GET /trash?cursor=`: the topmost items of each delete, the latest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct TrashPage {
    pub items: Vec<FileItem>,
    pub next_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_keep_their_wire_form() {
        let id = "018f0000-0000-7000-8000-000000000001";
        let wire = serde_json::json!({
            "operationId": id, "fileId": id, "baseVersion": {}, "kind": "create",
            "parentId": id, "name": "a.txt", "size": 1, "data": "YQ==",
        });
        let change: Change = serde_json::from_value(wire.clone()).unwrap();
        assert!(matches!(&change.kind, ChangeKind::Create { content, .. } if content.size == 1));
        assert_eq!(serde_json::to_value(&change).unwrap(), wire);

        let wire = serde_json::json!({
            "operationId": id, "fileId": id, "baseOperationId": id, "kind": "purge",
        });
        let change: Change = serde_json::from_value(wire.clone()).unwrap();
        assert_eq!(serde_json::to_value(&change).unwrap(), wire);

        let wire = serde_json::json!({
            "operationId": id, "fileId": id, "baseVersion": {}, "kind": "photo",
            "isFavorite": true, "takenAt": null,
        });
        let change: Change = serde_json::from_value(wire.clone()).unwrap();
        assert!(matches!(&change.kind, ChangeKind::Photo(edit) if edit.taken_at == Some(None)));
        assert_eq!(serde_json::to_value(&change).unwrap(), wire);
    }
}
