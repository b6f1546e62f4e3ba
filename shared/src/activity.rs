//! What happened to items because several devices changed them, told to people.

use serde::{Deserialize, Serialize};

use crate::content::ContentHash;
use crate::ids::{ActivityId, ConflictId, ItemId, VersionId};
use crate::item::ItemKind;
use crate::sync::{DeviceHolder, Resolution};
use crate::timestamp::Timestamp;

/// `GET /activity?cursor=`: the latest first, over all zones of the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ActivityPage {
    pub activities: Vec<Activity>,
    pub next_cursor: Option<String>,
}

/// One thing that happened to one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Activity {
    pub id: ActivityId,
    pub item_id: ItemId,
    /// What it was called then.
    pub item_name: String,
    pub item_type: ItemKind,
    pub happened_at: Timestamp,
    /// The device whose change it was; None where it is not known any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<DeviceHolder>,
    #[serde(flatten)]
    pub kind: ActivityKind,
}

/// What happened, with what undoing it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum ActivityKind {
    /// Another had moved or renamed it first; this place was asked for.
    #[serde(rename_all = "camelCase")]
    MoveLost { parent_id: ItemId, name: String },
    /// It had been changed or moved unseen by the deleter, so it lives.
    DeleteLost,
    /// A folder was deleted in which another had just changed something: that, and the folders it needs,
    /// live.
    DeletePartly,
    /// Changed or moved by someone who did not know that it was in the trash: it is back.
    CameBack,
    /// Two contents were merged line by line; the version is what the file held before.
    #[serde(rename_all = "camelCase")]
    Merged {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former_version_id: Option<VersionId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former_content: Option<FormerContent>,
    },
    /// The name asked for was taken.
    Renamed { asked: String },
    /// A folder was created that another had created already: one folder with what both put in.
    FoldersJoined,
    /// Two contents stand against each other; a person has to choose.
    #[serde(rename_all = "camelCase")]
    Conflict { conflict_id: ConflictId },
    /// A person chose; the version is what the file held before, where that changed.
    #[serde(rename_all = "camelCase")]
    Resolved {
        conflict_id: ConflictId,
        resolution: Resolution,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former_version_id: Option<VersionId>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        former_content: Option<FormerContent>,
        /// The file beside it that the other side is kept in, where both are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        copy_id: Option<ItemId>,
    },
    /// What a newer server tells.
    #[serde(other)]
    Unknown,
}

/// A content that a file held before: it comes back by a push that names it (`copyOf` that file).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FormerContent {
    pub content_hash: ContentHash,
    /// In bytes.
    pub size: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activities_keep_their_wire_form() {
        let id = "018f0000-0000-7000-8000-000000000001";
        let wire = serde_json::json!({
            "id": id, "itemId": id, "itemName": "a.txt", "itemType": "file",
            "happenedAt": "2026-03-01T09:00:00.000Z", "kind": "move_lost", "parentId": id, "name": "b.txt",
        });
        let activity: Activity = serde_json::from_value(wire.clone()).unwrap();
        assert!(matches!(&activity.kind, ActivityKind::MoveLost { name, .. } if name == "b.txt"));
        assert_eq!(serde_json::to_value(&activity).unwrap(), wire);

        let mut newer = wire;
        newer["kind"] = "told_by_a_newer_server".into();
        let activity: Activity = serde_json::from_value(newer).unwrap();
        assert_eq!((activity.item_name.as_str(), activity.kind), ("a.txt", ActivityKind::Unknown));
    }
}
