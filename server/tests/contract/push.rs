//! What one device may rely on when it pushes.

use std::time::Duration;

use serde_json::{Value, json};
use shared::item::ItemState;
use shared::sync::{Outcome, PushResponse};
use shared::upload::UploadStarted;
use shared::{ErrorCode, ItemId, VersionVector};

use crate::device::{
    Device, chained, change, chunk, content, cut, delete, file, folder, fresh, into, present, purge, rename,
    restore,
};
use crate::photos::library_root;
use crate::plan::{self, Plan, noise};
use crate::support::TestServer;

#[tokio::test]
async fn what_is_pushed_is_pulled() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let (documents, note): (ItemId, ItemId) = (fresh(), fresh());
        let answer = a
            .push(&[folder(documents, a.root(), "Documents"), file(note, documents, "note.txt", "hello")])
            .await;
        assert_eq!(answer.applied.len(), 2, "{answer:?}");
        let pulled = b.pull().await;
        let items: Vec<_> = pulled.iter().map(present).collect();
        assert_eq!(items.iter().map(|item| item.id).collect::<Vec<_>>(), [documents, note]);
        assert_eq!((items[1].path.as_str(), items[1].size), ("/Documents/note.txt", 5));
        assert_eq!(items[1].mime_type.as_deref(), Some("text/plain"));
        assert_eq!(b.bytes(note).await, b"hello");
        assert_eq!(a.pull().await, [], "its own commits are behind its token");
    }
}

#[tokio::test]
async fn an_item_moves_is_deleted_restored_and_purged() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let (box_id, note): (ItemId, ItemId) = (fresh(), fresh());
        a.push(&[folder(box_id, a.root(), "Box"), file(note, a.root(), "note.txt", "x")]).await;
        let note_1 = a.item(note).await;
        let moved = a.done(into(note, &note_1.version, box_id)).await;
        assert_eq!(moved.path, "/Box/note.txt");
        b.pull().await;
        let seen = b.token.clone();
        let box_1 = b.item(box_id).await;
        let deleted = b.done(delete(box_id, &box_1.version, seen.as_deref())).await;
        assert!(deleted.is_deleted && deleted.deleted_at.is_some());
        let fed = a.pull().await;
        assert_eq!(fed.len(), 1, "only the topmost item of a delete enters the feed: {fed:?}");
        assert!(a.item(note).await.is_deleted);
        assert_eq!(Device::another(&server).await.pull().await, [], "everything alive is nothing");
        let restored = b.done(restore(box_id, &deleted.version)).await;
        assert!(!restored.is_deleted);
        let fed: Vec<ItemId> = a.pull().await.iter().map(ItemState::id).collect();
        assert_eq!(fed, [box_id, note], "with what lives again");
        let box_2 = a.item(box_id).await;
        a.refused_as(purge(box_id, &box_2.version), ErrorCode::NotDeleted).await;
        let token = a.token.clone();
        let deleted = a.done(delete(box_id, &box_2.version, token.as_deref())).await;
        let purged = a.applied(&purge(box_id, &deleted.version)).await;
        assert!(matches!(purged.item, ItemState::Purged(_)));
        b.person.get(&format!("/files/{note}/download")).await.expect(404);
        b.refused_as(content(note, &note_1.version, "y"), ErrorCode::Gone).await;
        b.refused_as(file(fresh(), box_id, "new", "y"), ErrorCode::Gone).await;
    }
}

#[tokio::test]
async fn names_swap_within_one_batch() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let (one, two): (ItemId, ItemId) = (fresh(), fresh());
        a.push(&[file(one, a.root(), "one", "1"), file(two, a.root(), "two", "2")]).await;
        let base = a.item(one).await.version;
        let aside = rename(one, &base, "aside");
        let back = chained(rename(one, &base, "two"), &aside);
        let answer = a.push(&[aside, rename(two, &base, "one"), back]).await;
        assert!(answer.applied.iter().all(|applied| applied.outcome == Outcome::Applied), "{answer:?}");
        assert_eq!((a.item(one).await.name, a.item(two).await.name), ("two".into(), "one".into()));
    }
}

#[tokio::test]
async fn an_operation_is_done_once_and_answered_alike() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let id: ItemId = fresh();
        let create = file(id, a.root(), "a", "1");
        let first = a.applied(&create).await;
        let again = a.applied(&create).await;
        assert_eq!(first, again);
        let renamed = a.done(rename(id, &present(&first.item).version, "b")).await;
        let late = a.applied(&create).await;
        assert_eq!((late.outcome, present(&late.item)), (Outcome::Applied, &renamed));
        let answer = a.push_raw(&[create.clone(), create.clone()]).await.expect(200);
        assert_eq!(answer.json::<PushResponse>().applied.len(), 1);
        let mut other = create.clone();
        other["name"] = json!("c");
        a.refused_as(other, ErrorCode::IdempotencyMismatch).await;
        let refusal = rename(fresh(), &VersionVector::new(), "x");
        assert_eq!(a.refused(refusal.clone()).await, a.refused(refusal).await);
        server.advance(shared::limits::OPERATION_RETENTION + Duration::from_secs(1));
        a.token = None;
        let a = Device::another(&server).await;
        let reply = a.push_raw(&[create]).await.expect(200).json::<PushResponse>();
        assert_eq!(reply.errors[0].code, ErrorCode::OperationExpired);
    }
}

#[tokio::test]
async fn an_operation_that_stands_twice_is_answered_once_whatever_lies_between() {
    for server in TestServer::each().await {
        let (a, _) = Device::two(&server).await;
        let here = folder(fresh(), a.root(), "Folder");
        let there = folder(fresh(), library_root(&a.person).await, "Album");
        let refused = rename(fresh(), &VersionVector::new(), "x");
        let mut other = here.clone();
        other["name"] = json!("Other");
        let changes = [&here, &there, &here, &refused, &other, &there, &here, &refused].map(Clone::clone);
        let answer: PushResponse = a.push_raw(&changes).await.expect(200).json();
        assert_eq!(answer.applied.len(), 2, "{answer:?}");
        let mut codes: Vec<_> = answer.errors.iter().map(|error| error.code).collect();
        codes.sort_by_key(|code| code.as_str());
        assert_eq!(codes, [ErrorCode::IdempotencyMismatch, ErrorCode::NotFound]);
    }
}

#[tokio::test]
async fn a_refusal_says_what_to_do() {
    let server = TestServer::start().await;
    let (mut a, _) = Device::two(&server).await;
    let (root, base) = (a.root(), VersionVector::new());
    let outer = a.done(folder(fresh(), root, "outer")).await;
    let inner = a.done(folder(fresh(), outer.id, "inner")).await;
    let note = a.done(file(fresh(), root, "note", "1")).await;
    let failed = rename(fresh(), &base, "x");
    a.refused(failed.clone()).await;
    let refused = [
        rename(root, &base, "x"),
        rename(note.id, &base, "a/b"),
        folder(fresh(), fresh(), "x"),
        folder(fresh(), note.id, "x"),
        content(outer.id, &outer.version, "1"),
        into(outer.id, &outer.version, inner.id),
        chained(rename(note.id, &base, "x"), &failed),
        chained(rename(note.id, &base, "x"), &rename(fresh(), &base, "to come")),
        change(note.id, "photo", json!({"baseVersion": note.version, "hidden": true})),
        change(note.id, "unheard-of", json!({})),
        failed,
    ];
    for change in refused {
        let message = a.refused(change).await.message;
        let sentences = message.split(". ").filter(|one| one.len() > 1).count();
        assert!(sentences > 1, "{message}");
    }
}

#[tokio::test]
async fn an_empty_type_counts_as_none() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let mut typed = file(fresh(), a.root(), "a.txt", "1");
        typed["mimeType"] = json!("");
        assert_eq!(a.done(typed).await.mime_type.as_deref(), Some("text/plain"));
        let plan = Plan::new(noise(60, 10), 600, true).again("b.css");
        let mut request = plan.request(&a.person);
        request["mimeType"] = json!("");
        let init = format!("/files/{}/upload/init", plan.file_id);
        let started: UploadStarted = a.person.post(&init, &request).await.expect(201).json();
        plan.put(&a.person, &started, 0).await.expect(200);
        let completed = plan.try_complete(&a.person, &started).await.expect(200).json();
        assert_eq!(plan::present(&completed).mime_type.as_deref(), Some("text/css"));
    }
}

#[tokio::test]
async fn an_operation_that_was_never_done_is_done_however_old_its_id_looks() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let mut create = file(fresh(), a.root(), "a", "1");
        // A v7 of 2004, as a device makes it whose clock is wrong.
        create["operationId"] = json!("01000000-0000-7000-8000-000000000001");
        let item = a.done(create.clone()).await;
        assert_eq!(present(&a.applied(&create).await.item), &item);
        let mut other = create;
        other["name"] = json!("b");
        a.refused_as(other, ErrorCode::IdempotencyMismatch).await;
    }
}

#[tokio::test]
async fn deleting_and_purging_leave_a_line_in_the_audit_trail() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let item = a.done(file(fresh(), a.root(), "a", "1")).await;
        let first = delete(item.id, &item.version, a.token.as_deref());
        let deleted = present(&a.applied(&first).await.item).clone();
        a.applied(&first).await;
        a.applied(&purge(item.id, &deleted.version)).await;
        let sql = "SELECT action, subject FROM audit WHERE action IN ('delete', 'purge') ORDER BY happened_at, audit_id";
        let rows = server.app.db.reader().await.unwrap().fetch_all(sql, vec![]).await.unwrap();
        let lines: Vec<(String, String)> =
            rows.iter().map(|row| (row.get(0).unwrap(), row.get(1).unwrap())).collect();
        let line = |action: &str| (action.to_owned(), item.id.to_string());
        assert_eq!(lines, [line("delete"), line("purge")], "once each, however often it is asked");
    }
}

#[tokio::test]
async fn a_malformed_change_falls_alone() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let mut malformed = file(fresh(), a.root(), "a", "1");
        malformed["kind"] = json!("explode");
        let answer = a.push(&[malformed, file(fresh(), a.root(), "b", "2")]).await;
        assert_eq!((answer.errors[0].code, answer.applied.len()), (ErrorCode::InvalidRequest, 1));
        a.push_raw(&[json!({"kind": "purge"})]).await.expect(400).problem(ErrorCode::InvalidRequest);
    }
}

#[tokio::test]
async fn every_limit_has_its_code() {
    let server = TestServer::start().await;
    let (mut a, _) = Device::two(&server).await;
    let root = a.root();
    let many: Vec<Value> = (0..501).map(|n| folder(fresh(), root, &n.to_string())).collect();
    a.push_raw(&many).await.expect(413).problem(ErrorCode::TooManyChanges);
    let padding = "x".repeat(shared::limits::PUSH_BODY_BYTES_MAX);
    a.push_raw(&[json!({"padding": padding})]).await.expect(413).problem(ErrorCode::PayloadTooLarge);
    let other = json!({"deviceId": fresh::<shared::DeviceId>(), "changes": []});
    a.person.post("/sync/push", &other).await.expect(403).problem(ErrorCode::DeviceMismatch);
    for name in ["", ".", "..", "a/b", "a\u{0}", &"x".repeat(256)] {
        a.refused_as(folder(fresh(), root, name), ErrorCode::InvalidName).await;
    }
    let large = vec![0; shared::limits::PUSH_DATA_BYTES_MAX + 1];
    a.refused_as(file(fresh(), root, "large", large), ErrorCode::PayloadTooLarge).await;
    let chunk = json!({"hash": shared::ChunkHash::of(b"never sent"), "size": 10});
    let mut missing = file(fresh(), root, "missing", "");
    missing.as_object_mut().unwrap().remove("data");
    missing["size"] = json!(10);
    missing["chunks"] = json!([chunk]);
    let refused = a.refused(missing.clone()).await;
    assert_eq!((refused.code, refused.retryable), (ErrorCode::ChunksMissing, true));
    assert_eq!(refused.missing_chunks, Some(vec![0]));
    missing["operationId"] = json!(fresh::<shared::OperationId>());
    missing["chunks"] = json!(vec![chunk; 1_001]);
    a.refused_as(missing, ErrorCode::TooManyChunks).await;
    let mut parent = root;
    let mut deep = Vec::new();
    for _ in 0..=shared::limits::TREE_DEPTH_MAX {
        let id = fresh();
        deep.push(folder(id, parent, "deeper"));
        parent = id;
    }
    let answer = a.push(&deep).await;
    assert_eq!(answer.errors.len(), 1);
    assert_eq!(answer.errors[0].code, ErrorCode::TooDeep);
    a.refused_as(folder(fresh(), fresh(), "nowhere"), ErrorCode::ParentNotFound).await;
    a.refused_as(rename(root, &VersionVector::new(), "x"), ErrorCode::RootImmutable).await;
}

#[tokio::test]
async fn another_persons_ids_tell_nothing() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let id: ItemId = fresh();
        a.done(file(id, a.root(), "secret", "s")).await;
        let mut bob = Device { person: server.person("bob").await, token: None };
        let unknown: ItemId = fresh();
        for (foreign, missing) in [(id, unknown), (a.root(), unknown)] {
            let base = VersionVector::new();
            let foreign = bob.refused(rename(foreign, &base, "x")).await;
            let missing = bob.refused(rename(missing, &base, "x")).await;
            assert_eq!((foreign.code, foreign.message), (missing.code, missing.message));
        }
        bob.refused_as(file(fresh(), a.root(), "intruder", "x"), ErrorCode::ParentNotFound).await;
        let taken = bob.done(file(id, bob.root(), "mine", "m")).await;
        assert_eq!(taken.id, id, "an id of another's zone is free");
        assert_eq!(a.bytes(id).await, b"s");
        let since = format!("/sync/pull?since={}", a.token.as_deref().unwrap());
        bob.person.get(&since).await.expect(400).problem(ErrorCode::InvalidSyncToken);
    }
}

#[tokio::test]
async fn the_token_never_passes_what_the_device_was_not_given() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        a.done(folder(fresh(), a.root(), "from a")).await;
        let before = b.token.clone();
        b.done(folder(fresh(), b.root(), "from b")).await;
        assert_eq!(b.token, before, "a's commit lies between");
        assert_eq!(b.pull().await.len(), 2);
        b.done(folder(fresh(), b.root(), "more")).await;
        assert_eq!(b.pull().await, [], "advanced over its own commit");
        let (outer, inner): (ItemId, ItemId) = (fresh(), fresh());
        b.push(&[folder(outer, b.root(), "outer"), folder(inner, outer, "inner")]).await;
        let token = b.token.clone();
        let deleted = b.done(delete(outer, &b.item(outer).await.version, token.as_deref())).await;
        let before = b.token.clone();
        b.done(restore(outer, &deleted.version)).await;
        assert_eq!(b.token, before, "the answer does not tell of what lives again");
        assert_eq!(b.pull().await.len(), 2);
    }
}

#[tokio::test]
async fn tokens_are_checked_first() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        a.done(folder(fresh(), a.root(), "a")).await;
        let change = folder(fresh(), a.root(), "b");
        let token = a.token.replace("forged".into());
        a.push_raw(std::slice::from_ref(&change)).await.expect(400).problem(ErrorCode::InvalidSyncToken);
        a.person.get("/sync/pull?since=forged").await.expect(400).problem(ErrorCode::InvalidSyncToken);
        a.token = token;
        server.advance(shared::limits::TOMBSTONE_RETENTION + Duration::from_secs(1));
        let a = Device { token: a.token, ..Device::another(&server).await };
        let problem = a.push_raw(&[change]).await.expect(410).problem(ErrorCode::SyncTokenExpired);
        assert_eq!(problem.more["reason"], "expired");
    }
}

#[tokio::test]
async fn a_page_is_closed_and_pages_are_complete() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let mut ids: Vec<ItemId> = vec![a.root()];
        for n in 0..60 {
            let id = fresh();
            let parent = ids[n / 3];
            a.push(&[folder(id, parent, &format!("folder {n}"))]).await;
            ids.push(id);
        }
        // The earliest folders move to the end of the feed.
        for &id in &ids[1..6] {
            a.done(rename(id, &a.item(id).await.version, &format!("moved {id}"))).await;
        }
        for limit in [1, 7, 1_000] {
            let mut b = Device::another(&server).await;
            let mut known = std::collections::BTreeSet::from([b.root()]);
            for state in b.pull_by(limit).await {
                assert!(known.contains(&present(&state).parent_id), "parents come first");
                known.insert(state.id());
            }
            assert_eq!(known, ids.iter().copied().collect());
        }
    }
}

#[tokio::test]
async fn any_node_gives_the_answer_that_was_recorded() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let created = file(fresh(), a.root(), "note.txt", "hello");
        let refused = folder(fresh(), fresh(), "nowhere");
        let first = a.push(&[created.clone(), refused.clone()]).await;
        let node = server.again().await;
        a.person.client = a.person.client.at(&node);
        let replayed = a.push(&[created, refused]).await;
        assert_eq!((&replayed.applied, &replayed.errors), (&first.applied, &first.errors));
        assert_eq!(Device::another(&node).await.pull().await.len(), 1, "one effect");
    }
}

#[tokio::test]
async fn a_change_whose_chunks_are_missing_falls_alone() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let item = a.done(file(fresh(), a.root(), "a.md", "one\ntwo\n")).await;
        b.pull().await;
        a.done(content(item.id, &item.version, "ONE\ntwo\n")).await;
        let missing = [chunk("never"), chunk("s")];
        let sized = [chunk("no\nchunk")];
        let answer = b
            .push(&[
                cut(content(item.id, &item.version, ""), &missing),
                cut(content(item.id, &item.version, ""), &sized),
                cut(file(fresh(), b.root(), "a.md", ""), &sized),
                file(fresh(), b.root(), "other", "x"),
            ])
            .await;
        let errors: Vec<_> =
            answer.errors.iter().map(|error| (error.code, error.missing_chunks.clone())).collect();
        let code = ErrorCode::ChunksMissing;
        assert_eq!(errors, [(code, Some(vec![0, 1])), (code, Some(vec![0])), (code, Some(vec![0]))]);
        assert_eq!(answer.applied.len(), 1);
    }
}

#[tokio::test]
async fn a_chunk_is_as_large_as_it_is() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let item = a.done(file(fresh(), a.root(), "a.md", "one\ntwo\n")).await;
        b.pull().await;
        a.done(content(item.id, &item.version, "ONE\ntwo\nthree\n")).await;
        // The file's own content and a former one, each with a size that is not theirs.
        for held in ["ONE\ntwo\nthree\n", "one\ntwo\n"] {
            for size in [1, 14, 8_000] {
                let lie = [shared::ChunkRef { size, ..chunk(held) }];
                if size == chunk(held).size {
                    continue;
                }
                b.refused_as(cut(content(item.id, &item.version, ""), &lie), ErrorCode::InvalidManifest)
                    .await;
                b.refused_as(cut(file(fresh(), b.root(), "a.md", ""), &lie), ErrorCode::InvalidManifest)
                    .await;
                b.refused_as(cut(file(fresh(), b.root(), "new", ""), &lie), ErrorCode::InvalidManifest).await;
            }
        }
        assert_eq!(a.item(item.id).await.size, 14);
    }
}

#[tokio::test]
async fn a_version_has_at_most_32_entries_whatever_a_client_says() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let item = a.done(file(fresh(), a.root(), "a.bin", "1")).await;
        let made_up = |entries: usize| {
            (0..entries).map(|_| shared::Dot { device: fresh(), count: 1 }).collect::<VersionVector>()
        };
        b.refused_as(content(item.id, &made_up(33), "2"), ErrorCode::InvalidBase).await;
        let first = content(item.id, &made_up(32), "2");
        let conflict = b.conflicted(first.clone()).await;
        assert_eq!(conflict.local_version.len(), 32);
        // An edit on the side that the answer told of is one of that side.
        let again = b.conflicted(content(item.id, &conflict.local_version, "3")).await;
        assert_eq!((again.id, again.local_version.len()), (conflict.id, 32));
        let joined = b.conflicted(content(item.id, &made_up(32), "3")).await;
        assert_eq!((joined.id, joined.local_version.len()), (conflict.id, 32));
    }
}

#[tokio::test]
async fn what_is_staged_stays_within_the_free_quota() {
    for server in TestServer::each_with(&[("CLOUDSTEAD_QUOTA", "10")]).await {
        let (mut a, _) = Device::two(&server).await;
        let root = a.root();
        let answer =
            a.push(&[file(fresh(), root, "a", "1234567"), file(fresh(), root, "b", "abcdefg")]).await;
        assert_eq!(answer.applied.len(), 1, "{answer:?}");
        assert_eq!((answer.errors[0].code, answer.errors[0].retryable), (ErrorCode::QuotaExceeded, true));
        // Nothing of it stays: no matter how often it is tried, the account holds what it has room for.
        a.refused_as(file(fresh(), root, "c", "xyzxyz"), ErrorCode::QuotaExceeded).await;
        let sql = "SELECT CAST(SUM(used_bytes + staged_bytes) AS BIGINT) FROM accounts";
        let held = server.app.db.reader().await.unwrap().fetch_one(sql, vec![]).await.unwrap();
        assert_eq!(held.get::<i64>(0).unwrap(), 7);
        a.done(file(fresh(), root, "c", "xyz")).await;
    }
}

#[tokio::test]
async fn what_was_purged_makes_room() {
    for server in TestServer::each_with(&[("CLOUDSTEAD_QUOTA", "10")]).await {
        let (mut a, _) = Device::two(&server).await;
        let (first, root) = (a.done(file(fresh(), a.root(), "a", "1234567")).await, a.root());
        a.refused_as(file(fresh(), root, "b", "abcdefg"), ErrorCode::QuotaExceeded).await;
        let deleted = a.done(delete(first.id, &first.version, None)).await;
        a.refused_as(file(fresh(), root, "b", "abcdefg"), ErrorCode::QuotaExceeded).await;
        a.applied(&purge(first.id, &deleted.version)).await;
        let second = a.done(file(fresh(), root, "b", "abcdefg")).await;
        assert_eq!(a.bytes(second.id).await, b"abcdefg");
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn what_a_client_says_is_bounded() {
    let server = TestServer::start().await;
    let (mut a, _) = Device::two(&server).await;
    for mime_type in ["x".repeat(256), "text/\u{e4}".into(), "text/\n".into()] {
        let mut typed = file(fresh(), a.root(), "a", "1");
        typed["mimeType"] = json!(mime_type);
        a.refused_as(typed, ErrorCode::InvalidRequest).await;
        let upload = json!({
            "operationId": fresh::<shared::OperationId>(), "fileName": "a", "parentId": a.root(),
            "totalSize": 1, "chunkSize": 1, "totalChunks": 1, "mimeType": mime_type,
        });
        let path = format!("/files/{}/upload/init", fresh::<ItemId>());
        a.person.post(&path, &upload).await.expect(400).problem(ErrorCode::InvalidRequest);
    }
    let mut typed = file(fresh(), a.root(), "a", "1");
    typed["mimeType"] = json!("text/plain; charset=utf-8");
    a.done(typed).await;
    let mut malformed = file(fresh(), a.root(), "b", "1");
    malformed["kind"] = json!("\u{e4}".repeat(10_000));
    assert!(a.refused(malformed).await.message.chars().count() <= 200);
}
