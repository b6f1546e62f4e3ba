//! Two devices that disagree, and what happened before.

use std::sync::Arc;

use shared::activity::{Activity, ActivityKind};
use shared::sync::{ConflictInfo, ConflictSide, DeviceHolder, Resolution};
use shared::{
    ActivityId, ConflictId, ContentHash, DeviceId, ItemKind, Timestamp, UserId, VersionId, VersionVector,
};
use uuid::Uuid;

use super::scene::Scene;
use super::{hours_before, id_of};
use crate::ports::{ActivityView, Side};

const FILES: [&str; 2] = ["Budget 2026.xlsx", "Garden plan.pdf"];

fn holder(device: u128, name: &str) -> DeviceHolder {
    DeviceHolder {
        device_id: DeviceId(Uuid::from_u128(device)),
        device_name: name.to_owned(),
        user_id: UserId(Uuid::from_u128(1)),
        user_name: "Ann Ferrer".to_owned(),
    }
}

pub fn conflicts(scene: Scene, at: Timestamp) -> Vec<Arc<ConflictInfo>> {
    if scene != Scene::Trouble {
        return Vec::new();
    }
    let side = |device, name, hours, size| {
        let by = Some(holder(device, name));
        Some(ConflictSide { by, modified_at: hours_before(at, hours), size })
    };
    let conflict = |(n, name): (usize, &&str)| {
        Arc::new(ConflictInfo {
            id: ConflictId(Uuid::from_u128(n as u128 + 1)),
            file_id: id_of(name),
            file_name: (*name).to_owned(),
            local_version: VersionVector::new(),
            server_version: VersionVector::new(),
            local_modified_by: DeviceId(Uuid::from_u128(1)),
            server_modified_by: DeviceId(Uuid::from_u128(2)),
            local_content_hash: ContentHash::of_chunks([]),
            server_content_hash: ContentHash::of_chunks([]),
            local_side: side(1, "Chrome on the study desk", 2, 48_200),
            server_side: side(2, "Ann's phone", 5, 47_100),
            proposal: None,
            created_at: hours_before(at, 1),
            operation_id: None,
        })
    };
    FILES.iter().enumerate().map(conflict).collect()
}

pub fn text(side: Side) -> &'static str {
    match side {
        Side::Local => "Milk\nBread\nTwo lemons\n",
        Side::Server => "Milk\nBread\nThree lemons\nButter\n",
    }
}

pub fn activity(at: Timestamp) -> ActivityView {
    let kinds = [
        (
            "Travel diary.md",
            ItemKind::File,
            ActivityKind::Merged { former_version_id: None, former_content: None },
        ),
        ("Invoice (2).pdf", ItemKind::File, ActivityKind::Renamed { asked: "Invoice.pdf".to_owned() }),
        ("Trips", ItemKind::Folder, ActivityKind::FoldersJoined),
        ("Letter.odt", ItemKind::File, ActivityKind::CameBack),
        (
            "Budget 2025.xlsx",
            ItemKind::File,
            ActivityKind::Resolved {
                conflict_id: ConflictId(Uuid::from_u128(9)),
                resolution: Resolution::Both,
                former_version_id: Some(VersionId(Uuid::from_u128(9))),
                former_content: None,
                copy_id: None,
            },
        ),
    ];
    let activities = kinds.into_iter().enumerate().map(|(n, (name, item_type, kind))| Activity {
        id: ActivityId(Uuid::from_u128(n as u128)),
        item_id: id_of(name),
        item_name: name.to_owned(),
        item_type,
        happened_at: hours_before(at, 7 * n as u64 + 1),
        by: Some(holder(2, "Ann's phone")),
        kind,
    });
    ActivityView { activities: activities.collect(), next_cursor: None, as_of: None }
}
