//! Conflicts that last: both sides go on, and what is proposed, settled and told keeps up with them.

use serde_json::{Value, json};
use shared::sync::{ConflictInfo, Outcome, Resolution, ResolveResponse};
use shared::{ErrorCode, FileItem, ItemId};

use crate::device::{Device, chained, content, delete, file, folder, fresh, purge};
use crate::support::TestServer;

/// Two devices, both in step on one file in the root.
async fn with_file(server: &TestServer, name: &str, data: &str) -> (Device, Device, FileItem) {
    let (mut a, mut b) = Device::two(server).await;
    let item = a.done(file(fresh(), a.root(), name, data)).await;
    b.pull().await;
    (a, b, item)
}

/// What the file held, what it holds, and the conflict of a device that edited the former.
async fn in_conflict(server: &TestServer) -> (Device, Device, FileItem, ConflictInfo) {
    let (mut a, mut b, item) = with_file(server, "a.bin", "0").await;
    let present = a.done(content(item.id, &item.version, "server")).await;
    let conflict = b.conflicted(content(item.id, &item.version, "local")).await;
    (a, b, present, conflict)
}

async fn resolve(device: &Device, conflict: &ConflictInfo, resolution: Resolution) -> Vec<FileItem> {
    let answer = device.resolve_raw(conflict, resolution).await.expect(200);
    answer.json::<ResolveResponse>().items
}

fn proposed(conflict: &ConflictInfo) -> &str {
    &conflict.proposal.as_ref().expect("a proposal").text
}

// Proposals

#[tokio::test]
async fn a_proposal_is_the_merge_with_what_the_file_holds_now() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.json", "1\n2\n3\n4\n").await;
        let first = a.done(content(item.id, &item.version, "A\n2\n3\n4\n")).await;
        let conflict = b.conflicted(content(item.id, &item.version, "1\n2\n3\nB\n")).await;
        assert_eq!(proposed(&conflict), "A\n2\n3\nB\n");
        a.done(content(item.id, &first.version, "A\n2\nNEW\n4\n")).await;
        let conflict = a.conflicts().await.remove(0);
        let proposal = conflict.proposal.clone().unwrap();
        assert_eq!((proposal.text.as_str(), proposal.overlaps), ("A\n2\nNEW\nB\n", 0));
        resolve(&a, &conflict, Resolution::Proposal).await;
        assert_eq!(b.bytes(item.id).await, b"A\n2\nNEW\nB\n");
    }
}

#[tokio::test]
async fn a_proposal_goes_where_nothing_can_be_merged_any_more_and_comes_back() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.json", "1\n2\n3\n").await;
        let first = a.done(content(item.id, &item.version, "A\n2\n3\n")).await;
        let before = b.conflicted(content(item.id, &item.version, "1\n2\nB\n")).await;
        let binary = a.done(content(item.id, &first.version, [0xFF, 0xFE, 0x00])).await;
        let now = a.conflicts().await.remove(0);
        assert_eq!(now.proposal, None);
        a.resolve_raw(&now, Resolution::Proposal).await.expect(422).problem(ErrorCode::NoProposal);
        b.resolve_raw(&before, Resolution::Proposal).await.expect(409).problem(ErrorCode::ConflictChanged);
        // An earlier version of the file makes sense again.
        let versions = a.versions(item.id).await.versions;
        let earlier = versions.iter().find(|version| Some(version.content_hash) == first.content_hash);
        let path = format!("/files/{}/versions/{}/restore", item.id, earlier.unwrap().id);
        let restored: Value = a
            .person
            .post(&path, &json!({"operationId": fresh::<shared::OperationId>()}))
            .await
            .expect(200)
            .json();
        assert_ne!(restored["item"]["version"], json!(binary.version));
        assert_eq!(proposed(&a.conflicts().await[0]), "A\n2\nB\n");
    }
}

#[tokio::test]
async fn accepting_one_proposal_makes_the_others_anew() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.json", "1\n-\n2\n-\n3\n").await;
        let mut c = Device::another(&server).await;
        a.done(content(item.id, &item.version, "A\n-\n2\n-\n3\n")).await;
        let of_b = b.conflicted(content(item.id, &item.version, "1\n-\nB\n-\n3\n")).await;
        let of_c = c.conflicted(content(item.id, &item.version, "1\n-\n2\n-\nC\n")).await;
        resolve(&a, &of_b, Resolution::Proposal).await;
        let left = a.conflicts().await;
        assert_eq!(left.iter().map(|conflict| conflict.id).collect::<Vec<_>>(), [of_c.id]);
        assert_eq!(proposed(&left[0]), "A\n-\nB\n-\nC\n");
    }
}

#[tokio::test]
async fn a_later_edit_of_the_local_side_is_proposed() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.json", "1\n-\n2\n").await;
        a.done(content(item.id, &item.version, "A\n-\n2\n")).await;
        let first = content(item.id, &item.version, "1\n-\nB\n");
        let second = chained(content(item.id, &item.version, "1\n-\nB2\n"), &first);
        let answer = b.push(&[first, second]).await;
        assert_eq!(proposed(&answer.conflicts[1]), "A\n-\nB2\n");
        assert_eq!(proposed(&a.conflicts().await[0]), "A\n-\nB2\n");
    }
}

#[tokio::test]
async fn code_is_never_merged_unasked() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        for name in ["a.py", "a.ts", "a.java", "Makefile", "a.pl"] {
            let item = a.done(file(fresh(), a.root(), name, "1\n2\n3\n")).await;
            a.done(content(item.id, &item.version, "A\n2\n3\n")).await;
            let conflict = b.conflicted(content(item.id, &item.version, "1\n2\nB\n")).await;
            assert_eq!(proposed(&conflict), "A\n2\nB\n", "{name}");
        }
    }
}

// Who goes on with the local side

#[tokio::test]
async fn an_edit_of_the_local_side_that_was_chosen_meanwhile_is_none_of_something_else() {
    for server in TestServer::each().await {
        let (a, mut b, item, conflict) = in_conflict(&server).await;
        resolve(&a, &conflict, Resolution::Local).await;
        let (outcome, edited) = b.outcome(content(item.id, &conflict.local_version, "local 2")).await;
        assert_eq!((outcome, edited.size), (Outcome::Merged, 7));
        assert_eq!(a.bytes(item.id).await, b"local 2");
        assert_eq!(a.conflicts().await, []);
    }
}

#[tokio::test]
async fn an_edit_of_the_local_side_that_the_file_came_to_hold_is_none_of_something_else() {
    for server in TestServer::each().await {
        let (mut a, mut b, present, conflict) = in_conflict(&server).await;
        a.done(content(present.id, &present.version, "local")).await;
        assert_eq!(a.conflicts().await, []);
        let (outcome, _) = b.outcome(content(present.id, &conflict.local_version, "local 2")).await;
        assert_eq!((outcome, a.bytes(present.id).await), (Outcome::Merged, b"local 2".to_vec()));
        assert_eq!(a.conflicts().await, []);
    }
}

#[tokio::test]
async fn an_edit_of_the_local_side_replaces_it_though_an_equal_one_joined_it() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        let mut c = Device::another(&server).await;
        let present = a.done(content(item.id, &item.version, "server")).await;
        let conflict = b.conflicted(content(item.id, &item.version, "local")).await;
        let joined = c.conflicted(content(item.id, &item.version, "local")).await;
        assert_eq!(joined.id, conflict.id);
        let edited = b.conflicted(content(item.id, &conflict.local_version, "local 2")).await;
        assert_eq!(edited.id, conflict.id);
        let local = a.person.get(&format!("/conflicts/{}/local", conflict.id)).await.expect(200);
        assert_eq!(local.body, "local 2");
        // Who edited what it was before did not have this in front of them.
        let other = c.conflicted(content(item.id, &joined.local_version, "local of c")).await;
        assert_ne!(other.id, conflict.id);
        assert_eq!(a.item(item.id).await.content_hash, present.content_hash);
    }
}

#[tokio::test]
async fn an_edit_of_the_local_side_that_was_not_chosen_is_merged_on_what_was() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.md", "1\n2\n3\n").await;
        a.done(content(item.id, &item.version, "A\n2\n3\n")).await;
        let conflict = b.conflicted(content(item.id, &item.version, "B\n2\n3\n")).await;
        resolve(&a, &conflict, Resolution::Server).await;
        let (outcome, _) = b.outcome(content(item.id, &conflict.local_version, "B\n2\nB3\n")).await;
        assert_eq!((outcome, a.bytes(item.id).await), (Outcome::Merged, b"A\n2\nB3\n".to_vec()));
    }
}

#[tokio::test]
async fn what_settles_itself_is_in_the_vector_and_answered_as_settled() {
    for server in TestServer::each().await {
        let (mut a, b, present, conflict) = in_conflict(&server).await;
        let now = a.done(content(present.id, &present.version, "local")).await;
        let device = b.person.device_id;
        assert_eq!(now.version.get(device), conflict.local_version.get(device));
        let problem = b.resolve_raw(&conflict, Resolution::Server).await.expect(409);
        let problem = problem.problem(ErrorCode::ConflictResolved);
        assert_eq!(
            (&problem.more["resolution"], &problem.more["items"][0]["id"]),
            (&json!("local"), &json!(present.id))
        );
    }
}

#[tokio::test]
async fn a_conflict_goes_with_a_file_that_is_removed_for_good() {
    for server in TestServer::each().await {
        let (mut a, b, present, conflict) = in_conflict(&server).await;
        let deleted = a.done(delete(present.id, &present.version, None)).await;
        assert_eq!(b.conflicts().await.len(), 1);
        a.applied(&purge(present.id, &deleted.version)).await;
        assert_eq!(b.conflicts().await, []);
        b.resolve_raw(&conflict, Resolution::Local).await.expect(410).problem(ErrorCode::Gone);
    }
}

#[tokio::test]
async fn a_local_side_that_became_what_the_file_holds_is_settled() {
    for server in TestServer::each().await {
        let (a, mut b, present, conflict) = in_conflict(&server).await;
        let (outcome, now) = b.outcome(content(present.id, &conflict.local_version, "server")).await;
        assert_eq!(outcome, Outcome::Unchanged);
        let device = b.person.device_id;
        assert!(now.version.get(device) >= conflict.local_version.get(device));
        assert_eq!(a.conflicts().await, []);
        let problem = a.resolve_raw(&conflict, Resolution::Local).await.expect(409);
        let problem = problem.problem(ErrorCode::ConflictResolved);
        assert_eq!(problem.more["resolution"], json!("server"));
    }
}

#[tokio::test]
async fn both_sides_kept_of_a_file_in_a_deleted_folder_live_and_are_told_so() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let outer = a.done(folder(fresh(), a.root(), "outer")).await;
        let item = a.done(file(fresh(), outer.id, "a.bin", "0")).await;
        a.done(file(fresh(), outer.id, "other.bin", "1")).await;
        b.pull().await;
        a.done(content(item.id, &item.version, "server")).await;
        let conflict = b.conflicted(content(item.id, &item.version, "local")).await;
        a.pull().await;
        let seen = a.token.clone();
        a.done(delete(outer.id, &outer.version, seen.as_deref())).await;
        let mut socket = server.socket(&b.person).await;
        socket.next().await;
        let now = a.conflicts().await.remove(0);
        assert_eq!(now.id, conflict.id);
        let kept: Vec<ItemId> =
            resolve(&a, &now, Resolution::Both).await.iter().map(|item| item.id).collect();
        let mut told = Vec::new();
        loop {
            let frame = socket.next().await;
            if frame["type"] == "conflict_resolved" {
                break;
            }
            told.push((frame["type"].clone(), frame["fileId"].clone()));
        }
        for id in kept {
            assert!(!a.item(id).await.is_deleted);
            let of_item: Vec<&Value> =
                told.iter().filter(|(_, of)| *of == json!(id)).map(|(kind, _)| kind).collect();
            assert_eq!(of_item, [&json!("file_changed")], "{told:?}");
        }
    }
}
