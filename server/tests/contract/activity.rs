//! The activity list: what became of items because several devices changed them.

use serde_json::json;
use shared::activity::{Activity, ActivityKind, ActivityPage};
use shared::limits::PAGE_LIMIT_DEFAULT;
use shared::sync::{Outcome, Resolution, ResolveResponse};
use shared::{ErrorCode, ItemKind};

use crate::device::{Device, content, delete, file, folder, fresh, rename};
use crate::support::TestServer;

async fn page(device: &Device, cursor: Option<&str>) -> ActivityPage {
    let query = cursor.map(|cursor| format!("?cursor={cursor}")).unwrap_or_default();
    device.person.get(&format!("/activity{query}")).await.expect(200).json()
}

async fn latest(device: &Device) -> Activity {
    page(device, None).await.activities.remove(0)
}

#[tokio::test]
async fn it_tells_what_became_of_concurrent_changes_and_who_made_them() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        assert_eq!(page(&a, None).await, ActivityPage { activities: Vec::new(), next_cursor: None });

        let text = a.done(file(fresh(), a.root(), "a.txt", "1\n2\n3\n")).await;
        let former = a.done(content(text.id, &text.version, "one\n2\n3\n")).await;
        let (outcome, _) = b.outcome(content(text.id, &text.version, "1\n2\nthree\n")).await;
        assert_eq!(outcome, Outcome::Merged);
        let merged = latest(&a).await;
        let by = merged.by.expect("the device is known");
        assert_eq!((merged.item_id, merged.item_name.as_str()), (text.id, "a.txt"));
        assert_eq!(merged.item_type, ItemKind::File);
        assert_eq!((by.device_id, by.user_name.as_str()), (b.person.device_id, "ann"));
        let ActivityKind::Merged { former_version_id: Some(version), former_content: Some(held) } =
            merged.kind
        else {
            panic!("{:?}", merged.kind)
        };
        let versions = a.versions(text.id).await.versions;
        let version = versions.iter().find(|kept| kept.id == version).expect("the version is kept");
        assert_eq!(Some(version.content_hash), former.content_hash, "what the file held before");
        assert_eq!((held.content_hash, held.size), (version.content_hash, version.size));
        // Named so, it comes back without its bytes.
        let mut undo = content(text.id, &a.item(text.id).await.version, "");
        undo["data"].take();
        undo["size"] = held.size.into();
        undo["copyOf"] = json!({ "fileId": text.id, "contentHash": held.content_hash });
        assert_eq!(a.done(undo).await.content_hash, former.content_hash);

        let present = a.item(text.id).await;
        a.done(rename(text.id, &present.version, "first.txt")).await;
        b.outcome(rename(text.id, &present.version, "second.txt")).await;
        let lost = latest(&a).await;
        assert_eq!(lost.kind, ActivityKind::MoveLost { parent_id: a.root(), name: "second.txt".into() });
        assert_eq!(lost.item_name, "first.txt");

        b.outcome(file(fresh(), b.root(), "first.txt", "another")).await;
        let renamed = latest(&a).await;
        assert_eq!(renamed.kind, ActivityKind::Renamed { asked: "first.txt".into() });
        assert_eq!(renamed.item_name, "first (2).txt");

        a.done(folder(fresh(), a.root(), "Trips")).await;
        b.outcome(folder(fresh(), b.root(), "Trips")).await;
        let joined = latest(&a).await;
        assert_eq!((joined.kind, joined.item_type), (ActivityKind::FoldersJoined, ItemKind::Folder));
    }
}

#[tokio::test]
async fn it_tells_what_came_back_and_what_a_person_chose() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let item = a.done(file(fresh(), a.root(), "a.bin", "1")).await;
        let edited = a.done(content(item.id, &item.version, "2")).await;
        let seen = b.token.clone();
        b.outcome(delete(item.id, &item.version, seen.as_deref())).await;
        assert_eq!(latest(&a).await.kind, ActivityKind::DeleteLost);

        let gone = a.done(delete(item.id, &edited.version, a.token.clone().as_deref())).await;
        b.outcome(content(item.id, &edited.version, "3")).await;
        assert!(gone.is_deleted);
        assert_eq!(latest(&a).await.kind, ActivityKind::CameBack);

        let conflict = b.conflicted(content(item.id, &item.version, "4")).await;
        assert_eq!(latest(&a).await.kind, ActivityKind::Conflict { conflict_id: conflict.id });
        a.resolve_raw(&conflict, Resolution::Local).await.expect(200);
        let resolved = latest(&a).await;
        assert!(
            matches!(
                resolved.kind,
                ActivityKind::Resolved {
                    conflict_id, resolution: Resolution::Local, former_version_id: Some(_), copy_id: None, ..
                } if conflict_id == conflict.id
            ),
            "{resolved:?}"
        );
        assert_eq!(resolved.by.expect("known").device_id, a.person.device_id);

        let conflict = b.conflicted(content(item.id, &item.version, "5")).await;
        let kept = a.resolve_raw(&conflict, Resolution::Both).await.expect(200).json::<ResolveResponse>();
        let ActivityKind::Resolved { copy_id, former_content: None, .. } = latest(&a).await.kind else {
            panic!("nothing took the place of what the file held")
        };
        assert_eq!(copy_id, Some(kept.items[1].id));
    }
}

#[tokio::test]
async fn it_comes_in_pages_and_is_nobody_elses() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        a.done(file(fresh(), a.root(), "a.bin", "a")).await;
        let extra = 3;
        let count = PAGE_LIMIT_DEFAULT + extra;
        let clashes: Vec<_> =
            (0..count).map(|n| file(fresh(), b.root(), "a.bin", format!("b {n}"))).collect();
        b.push(&clashes).await;

        let first = page(&a, None).await;
        assert_eq!(first.activities.len(), PAGE_LIMIT_DEFAULT);
        let second = page(&a, first.next_cursor.as_deref()).await;
        assert_eq!((second.activities.len(), second.next_cursor), (extra, None));
        let mut names: Vec<String> = first
            .activities
            .iter()
            .chain(&second.activities)
            .map(|activity| activity.item_name.clone())
            .collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "each once");

        let ben = server.person("ben").await;
        assert_eq!(
            ben.get("/activity").await.expect(200).json::<serde_json::Value>()["activities"],
            json!([])
        );
        a.person.get("/activity?cursor=x").await.problem(ErrorCode::InvalidRequest);
    }
}
