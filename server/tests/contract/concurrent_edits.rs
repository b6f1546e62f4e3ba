//! What happens to concurrent edits: each row of the contract's table, seen by two devices of one person.

use serde_json::json;
use shared::item::ItemState;
use shared::sync::{Outcome, Resolution, ResolveResponse};
use shared::{ChunkHash, ChunkRef, ContentHash, ErrorCode, FileItem, ItemId, VersionVector};

use crate::device::{
    Device, chained, content, delete, file, folder, fresh, into, present, purge, rename, restore,
};
use crate::support::TestServer;

/// Two devices, both in step on one file in the root.
async fn with_file(server: &TestServer, name: &str, data: &str) -> (Device, Device, FileItem) {
    let (mut a, mut b) = Device::two(server).await;
    let item = a.done(file(fresh(), a.root(), name, data)).await;
    b.pull().await;
    (a, b, item)
}

async fn children(device: &Device, parent: ItemId) -> Vec<String> {
    let mut fresh_look =
        Device { person: crate::support::Person { ..clone_of(&device.person) }, token: None };
    let all = fresh_look.pull().await;
    let mut names: Vec<String> = all
        .iter()
        .map(present)
        .filter(|item| item.parent_id == parent)
        .map(|item| item.name.clone())
        .collect();
    names.sort();
    names
}

fn clone_of(person: &crate::support::Person) -> crate::support::Person {
    crate::support::Person {
        client: person.client.clone(),
        token: person.token.clone(),
        device_id: person.device_id,
        root_id: person.root_id,
    }
}

#[tokio::test]
async fn the_same_change_is_one_change_silently() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        let now = a.done(content(item.id, &item.version, "1")).await;
        let (outcome, same) = b.outcome(content(item.id, &item.version, "1")).await;
        assert_eq!((outcome, same.content_hash), (Outcome::Unchanged, now.content_hash));
        let moved = a.done(rename(item.id, &same.version, "b.bin")).await;
        let (outcome, same) = b.outcome(rename(item.id, &now.version, "b.bin")).await;
        assert_eq!((outcome, same.name), (Outcome::Unchanged, moved.name));
        assert_eq!(a.conflicts().await, []);
        // An equal input moves no dot: an edit made on what it was equal to is not concurrent with it.
        let (outcome, edited) = a.outcome(content(item.id, &now.version, "2")).await;
        assert_eq!((outcome, edited.name.as_str()), (Outcome::Merged, "b.bin"), "only the name was unseen");
    }
}

#[tokio::test]
async fn equal_contents_cut_differently_are_equal() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        a.done(content(item.id, &item.version, "one two")).await;
        // The same bytes in two chunks, sent before as files of their own.
        b.push(&[file(fresh(), b.root(), "x", "one "), file(fresh(), b.root(), "y", "two")]).await;
        let chunk =
            |bytes: &str| ChunkRef { hash: ChunkHash::of(bytes.as_bytes()), size: bytes.len() as u32 };
        let chunks = [chunk("one "), chunk("two")];
        let mut recut = content(item.id, &item.version, "");
        recut.as_object_mut().unwrap().remove("data");
        recut["size"] = json!(7);
        recut["chunks"] = json!(chunks);
        let (outcome, same) = b.outcome(recut).await;
        assert_eq!(outcome, Outcome::Unchanged);
        assert_ne!(same.content_hash, Some(ContentHash::of_chunks(chunks.iter().map(|chunk| &chunk.hash))));
        assert_eq!(b.conflicts().await, []);
    }
}

#[tokio::test]
async fn different_things_are_both_kept() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        a.done(rename(item.id, &item.version, "b.bin")).await;
        let applied = b.applied(&content(item.id, &item.version, "1")).await;
        let both = present(&applied.item);
        assert_eq!((both.name.as_str(), both.size), ("b.bin", 1));
        assert_eq!(applied.outcome, Outcome::Merged);
        let third = a.done(content(item.id, &both.version, "2")).await;
        let applied = b.applied(&rename(item.id, &both.version, "c.bin")).await;
        assert_eq!(applied.outcome, Outcome::Merged);
        assert_eq!(present(&applied.item).content_hash, third.content_hash);
    }
}

#[tokio::test]
async fn a_text_edited_in_different_lines_is_merged() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.md", "one\ntwo\nthree\n").await;
        a.done(content(item.id, &item.version, "ONE\ntwo\nthree\n")).await;
        let edit = content(item.id, &item.version, "one\ntwo\nTHREE\n");
        let (outcome, merged) = b.outcome(edit.clone()).await;
        assert_eq!(outcome, Outcome::Merged);
        assert_eq!(b.bytes(item.id).await, b"ONE\ntwo\nTHREE\n");
        assert_eq!(a.versions(item.id).await.versions.len(), 4, "base, both inputs and the merge");
        // Made on the input, before the answer was known: merged again, not written over.
        let next = chained(content(item.id, &item.version, "one\ntwo\nTHREE\nfour\n"), &edit);
        let (outcome, again) = b.outcome(next).await;
        assert_eq!(outcome, Outcome::Merged);
        assert_eq!(b.bytes(item.id).await, b"ONE\ntwo\nTHREE\nfour\n");
        assert!(
            again.version.iter().map(|dot| dot.count).max()
                > merged.version.iter().map(|dot| dot.count).max()
        );
        assert_eq!(a.conflicts().await, []);
    }
}

#[tokio::test]
async fn texts_edited_one_after_another_in_one_batch_are_each_merged() {
    for server in TestServer::each().await {
        let lines = |first: &str, last: &str, more: usize| {
            (0..more).fold(format!("{first}\ntwo\nthree\n{last}\n"), |text, n| format!("{text}{n}\n"))
        };
        let (mut a, mut b, item) = with_file(&server, "a.md", &lines("one", "four", 0)).await;
        a.done(content(item.id, &item.version, lines("ONE", "four", 0))).await;
        let mut edits = vec![content(item.id, &item.version, lines("one", "FOUR", 0))];
        for more in 1..12 {
            let next = content(item.id, &item.version, lines("one", "FOUR", more));
            edits.push(chained(next, edits.last().unwrap()));
        }
        let answer = b.push(&edits).await;
        assert!(answer.applied.iter().all(|applied| applied.outcome == Outcome::Merged), "{answer:?}");
        assert_eq!(String::from_utf8(b.bytes(item.id).await).unwrap(), lines("ONE", "FOUR", 11));
        assert_eq!(a.conflicts().await, []);
    }
}

#[tokio::test]
async fn other_texts_open_a_conflict_with_the_merge_as_a_proposal() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.json", "[\n1,\n2\n]\n").await;
        a.done(content(item.id, &item.version, "[\n0,\n2\n]\n")).await;
        let conflict = b.conflicted(content(item.id, &item.version, "[\n1,\n3\n]\n")).await;
        let proposal = conflict.proposal.clone().unwrap();
        assert_eq!((proposal.text.as_str(), proposal.overlaps), ("[\n0,\n3\n]\n", 0));
        let answer: ResolveResponse = a.resolve_raw(&conflict, Resolution::Proposal).await.expect(200).json();
        assert_eq!(answer.items[0].id, item.id);
        assert_eq!(a.bytes(item.id).await, proposal.text.as_bytes());
    }
}

#[tokio::test]
async fn content_that_was_changed_and_back_gives_way() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        let changed = a.done(content(item.id, &item.version, "1")).await;
        a.done(content(item.id, &changed.version, "0")).await;
        let (outcome, _) = b.outcome(content(item.id, &item.version, "2")).await;
        assert_eq!((outcome, b.bytes(item.id).await), (Outcome::Merged, b"2".to_vec()));
    }
}

#[tokio::test]
async fn contents_edited_otherwise_become_a_conflict_for_a_person() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        let server_side = a.done(content(item.id, &item.version, "server")).await;
        let edit = content(item.id, &item.version, "local");
        let conflict = b.conflicted(edit.clone()).await;
        assert_eq!(conflict.operation_id, Some(crate::device::operation(&edit)));
        assert_eq!(conflict.local_modified_by, b.person.device_id);
        assert_eq!(conflict.server_modified_by, a.person.device_id);
        assert_eq!(Some(conflict.server_content_hash), server_side.content_hash);
        assert_eq!(
            conflict.server_version, server_side.version,
            "the conflict's dot is in localVersion only"
        );
        assert!(conflict.local_version.get(b.person.device_id) > 0);
        let (local, server_is) =
            (conflict.local_side.clone().unwrap(), conflict.server_side.clone().unwrap());
        let (mine, theirs) = (local.by.unwrap(), server_is.by.unwrap());
        assert_eq!((local.size, mine.device_id), ("local".len() as u64, b.person.device_id));
        assert_eq!((server_is.size, theirs.device_id), (server_side.size, a.person.device_id));
        assert_eq!((mine.device_name.as_str(), mine.user_name.as_str()), ("Test", "ann"));
        assert_eq!(server_is.modified_at, server_side.modified_at);
        assert_eq!(a.item(item.id).await, server_side);
        let again = b.conflicted(content(item.id, &item.version, "local")).await;
        assert_eq!(again.id, conflict.id, "equal contents make no second conflict");
        assert_eq!(a.conflicts().await.len(), 1);
        for (side, bytes) in [("local", "local"), ("server", "server")] {
            let reply = a.person.get(&format!("/conflicts/{}/{side}", conflict.id)).await.expect(200);
            assert_eq!(reply.body, bytes);
        }
        // A rename alone does not trip the resolution; an edit does.
        let renamed = a.done(rename(item.id, &server_side.version, "renamed.bin")).await;
        let edited = a.done(content(item.id, &renamed.version, "server 2")).await;
        let problem = b.resolve_raw(&conflict, Resolution::Local).await.expect(409);
        let problem = problem.problem(ErrorCode::ConflictChanged);
        assert_eq!(problem.more["conflict"]["serverContentHash"], json!(edited.content_hash));
        let now = a.conflicts().await.remove(0);
        let answer: ResolveResponse = a.resolve_raw(&now, Resolution::Local).await.expect(200).json();
        assert_eq!(a.bytes(item.id).await, b"local");
        assert!(answer.items[0].version.get(b.person.device_id) >= now.local_version.get(b.person.device_id));
        let second = b.resolve_raw(&now, Resolution::Server).await.expect(409);
        let second = second.problem(ErrorCode::ConflictResolved);
        assert_eq!(
            (&second.more["resolution"], &second.more["items"][0]["id"]),
            (&json!("local"), &json!(item.id))
        );
        assert_eq!(a.conflicts().await, []);
        a.person.get(&format!("/conflicts/{}/local", now.id)).await.expect(404);
        // Who has not seen the resolution does not write over it.
        b.conflicted(content(item.id, &edited.version, "stale")).await;
    }
}

#[tokio::test]
async fn both_sides_are_kept_side_by_side() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        a.done(content(item.id, &item.version, "server")).await;
        let conflict = b.conflicted(content(item.id, &item.version, "local")).await;
        let body = json!({"operationId": fresh::<shared::OperationId>(), "resolution": "both", "serverVersion": conflict.server_version});
        let path = format!("/conflicts/{}/resolve", conflict.id);
        let answer: ResolveResponse = a.person.post(&path, &body).await.expect(200).json();
        let replay: ResolveResponse = a.person.post(&path, &body).await.expect(200).json();
        assert_eq!(answer, replay);
        let [kept, copy] = &answer.items[..] else { panic!("{answer:?}") };
        assert!(
            copy.name.starts_with("a (conflict, Test, ") && copy.name.ends_with(").bin"),
            "{}",
            copy.name
        );
        assert_eq!((b.bytes(kept.id).await, b.bytes(copy.id).await), (b"server".to_vec(), b"local".to_vec()));
        let mut other = body.clone();
        other["resolution"] = json!("local");
        a.person.post(&path, &other).await.expect(409).problem(ErrorCode::IdempotencyMismatch);
    }
}

#[tokio::test]
async fn a_later_edit_of_the_local_side_takes_its_place() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        let present = a.done(content(item.id, &item.version, "server")).await;
        let first = content(item.id, &item.version, "local 1");
        let second = chained(content(item.id, &item.version, "local 2"), &first);
        let answer = b.push(&[first, second]).await;
        assert_eq!(answer.conflicts.len(), 2);
        assert_eq!(answer.conflicts[0].id, answer.conflicts[1].id);
        let conflict = b.conflicts().await.remove(0);
        let local = b.person.get(&format!("/conflicts/{}/local", conflict.id)).await.expect(200);
        assert_eq!(local.body, "local 2");
        assert!(
            a.versions(item.id).await.versions.iter().any(|version| !version.is_current && version.size == 7)
        );
        // The present content becomes the local side's: nothing is left to choose.
        a.done(content(item.id, &present.version, "local 2")).await;
        assert_eq!(a.conflicts().await, []);
    }
}

#[tokio::test]
async fn moved_differently_the_first_stands() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        a.done(rename(item.id, &item.version, "first.bin")).await;
        let (outcome, told) = b.outcome(rename(item.id, &item.version, "second.bin")).await;
        assert_eq!((outcome, told.name.as_str()), (Outcome::Unchanged, "first.bin"));
    }
}

#[tokio::test]
async fn an_edits_dot_does_not_cover_a_place() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        a.done(rename(item.id, &item.version, "first.bin")).await;
        let edit = content(item.id, &item.version, "1");
        let (_, edited) = b.outcome(edit.clone()).await;
        assert_eq!(edited.name, "first.bin");
        let (outcome, told) = b.outcome(chained(rename(item.id, &item.version, "second.bin"), &edit)).await;
        assert_eq!((outcome, told.name.as_str()), (Outcome::Unchanged, "first.bin"));
        // Chained to its own kind, a move is not concurrent with the one before.
        let one = rename(item.id, &told.version, "one.bin");
        let two = chained(rename(item.id, &told.version, "two.bin"), &one);
        let answer = b.push(&[one, two]).await;
        assert!(answer.applied.iter().all(|applied| applied.outcome == Outcome::Applied), "{answer:?}");
        assert_eq!(a.item(item.id).await.name, "two.bin");
    }
}

#[tokio::test]
async fn moved_here_deleted_there_lives_at_the_new_place() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        let token = a.token.clone();
        a.done(delete(item.id, &item.version, token.as_deref())).await;
        let (outcome, moved) = b.outcome(rename(item.id, &item.version, "b.bin")).await;
        assert_eq!((outcome, moved.name.as_str(), moved.is_deleted), (Outcome::Merged, "b.bin", false));
        // The other way round: the delete loses.
        let base = moved.version;
        a.done(rename(item.id, &base, "c.bin")).await;
        let token = b.token.clone();
        let (outcome, alive) = b.outcome(delete(item.id, &base, token.as_deref())).await;
        assert_eq!((outcome, alive.name.as_str(), alive.is_deleted), (Outcome::Unchanged, "c.bin", false));
    }
}

#[tokio::test]
async fn an_edit_beats_a_delete() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let (outer, inner, note, other): (ItemId, ItemId, ItemId, ItemId) =
            (fresh(), fresh(), fresh(), fresh());
        a.push(&[
            folder(outer, a.root(), "outer"),
            folder(inner, outer, "inner"),
            file(note, inner, "note.bin", "0"),
            file(other, outer, "other.bin", "0"),
        ])
        .await;
        b.pull().await;
        let (folder_1, note_1) = (b.item(outer).await, b.item(note).await);
        let token = a.token.clone();
        a.done(delete(outer, &folder_1.version, token.as_deref())).await;
        let (outcome, edited) = b.outcome(content(note, &note_1.version, "1")).await;
        assert!(matches!(outcome, Outcome::Applied | Outcome::Merged));
        assert_eq!((edited.path.as_str(), edited.is_deleted), ("/outer/inner/note.bin", false));
        assert!(b.item(other).await.is_deleted, "the rest stays in the trash");
        assert!(b.item(other).await.deleted_at.is_some(), "as a topmost item");
        let fed = b.pull().await;
        assert!([outer, inner].iter().all(|id| fed.iter().any(|state| state.id() == *id)));
        // The other way round, and by one who knew that it was in the trash.
        let token = b.token.clone();
        let (outcome, alive) = b.outcome(delete(note, &edited.version, token.as_deref())).await;
        assert!(matches!(outcome, Outcome::Applied), "its own edit is in nobody's way: {outcome:?}");
        let knowing = a.item(note).await;
        assert!(alive.is_deleted && knowing.is_deleted);
        let edited = a.done(content(note, &knowing.version, "2")).await;
        assert!(!edited.is_deleted);
        let token = b.token.clone();
        let (outcome, alive) = b.outcome(delete(note, &knowing.version, token.as_deref())).await;
        assert_eq!((outcome, alive.is_deleted), (Outcome::Unchanged, false));
    }
}

#[tokio::test]
async fn what_was_put_into_a_folder_after_the_deleter_looked_lives() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let (outer, inner, old, sub): (ItemId, ItemId, ItemId, ItemId) = (fresh(), fresh(), fresh(), fresh());
        a.push(&[
            folder(outer, a.root(), "outer"),
            folder(inner, outer, "inner"),
            file(old, inner, "old.bin", "0"),
            folder(sub, outer, "sub"),
        ])
        .await;
        b.pull().await;
        let seen = b.token.clone();
        let base = b.item(outer).await.version;
        let new: ItemId = fresh();
        a.done(file(new, inner, "new.bin", "1")).await;
        // The deleter's own changes never count as after.
        b.done(file(fresh(), sub, "own.bin", "2")).await;
        let (outcome, kept) = b.outcome(delete(outer, &base, seen.as_deref())).await;
        assert_eq!((outcome, kept.is_deleted), (Outcome::Merged, false));
        for (id, deleted, topmost) in
            [(new, false, false), (inner, false, false), (old, true, true), (sub, true, true)]
        {
            let item = a.item(id).await;
            assert_eq!((item.is_deleted, item.deleted_at.is_some()), (deleted, topmost), "{}", item.name);
        }
        let trash: shared::sync::TrashPage = a.person.get("/trash").await.expect(200).json();
        assert_eq!(trash.items.len(), 2);
        // They went with one delete: they come back together.
        a.done(restore(old, &a.item(old).await.version)).await;
        assert!(!a.item(sub).await.is_deleted);
        // Nothing new since: the whole goes.
        b.pull().await;
        let seen = b.token.clone();
        let base = b.item(outer).await.version;
        assert!(b.done(delete(outer, &base, seen.as_deref())).await.is_deleted);
    }
}

#[tokio::test]
async fn restoring_a_folder_brings_all_of_it_though_something_new_brought_it_back_before() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let folder = a.done(folder(fresh(), a.root(), "box")).await;
        let old = a.done(file(fresh(), folder.id, "old.txt", "old")).await;
        a.pull().await;
        let seen = a.token.clone();
        a.done(delete(folder.id, &folder.version, seen.as_deref())).await;
        let gone = b.item(folder.id).await;
        assert!(gone.is_deleted);
        let answer =
            b.push(&[file(fresh(), folder.id, "new.txt", "new"), restore(folder.id, &gone.version)]).await;
        assert_eq!(answer.errors, []);
        assert!(!b.item(folder.id).await.is_deleted);
        assert!(!b.item(old.id).await.is_deleted, "what went with it");
        // Whoever knew that it lives had not asked for what stayed behind.
        let folder = b.item(folder.id).await;
        b.pull().await;
        let seen = b.token.clone();
        b.done(delete(folder.id, &folder.version, seen.as_deref())).await;
        b.done(file(fresh(), folder.id, "newer.txt", "newer")).await;
        let lives = b.item(folder.id).await;
        let (outcome, _) = b.outcome(restore(folder.id, &lives.version)).await;
        assert_eq!(outcome, Outcome::Unchanged);
        assert!(b.item(old.id).await.is_deleted);
    }
}

#[tokio::test]
async fn a_folder_restored_and_deleted_anew_comes_back_whole_though_something_new_brought_it_back() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let folder = a.done(folder(fresh(), a.root(), "box")).await;
        let old = a.done(file(fresh(), folder.id, "old.txt", "old")).await;
        a.pull().await;
        let seen = a.token.clone();
        let gone = a.done(delete(folder.id, &folder.version, seen.as_deref())).await;
        let back = a.done(restore(folder.id, &gone.version)).await;
        a.done(delete(folder.id, &back.version, seen.as_deref())).await;
        let restore = restore(folder.id, &gone.version);
        let answer = b.push(&[file(fresh(), folder.id, "new.txt", "new"), restore]).await;
        let outcomes: Vec<Outcome> = answer.applied.iter().map(|applied| applied.outcome).collect();
        assert_eq!(outcomes, [Outcome::Applied, Outcome::Applied]);
        assert!(!b.item(old.id).await.is_deleted, "as if it had been restored first");
    }
}

#[tokio::test]
async fn a_piece_of_a_delete_comes_back_whole_though_something_new_brought_it_back() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let outer = a.done(folder(fresh(), a.root(), "outer")).await;
        let piece = a.done(folder(fresh(), outer.id, "piece")).await;
        let old = a.done(file(fresh(), piece.id, "old.bin", "0")).await;
        let own = a.done(file(fresh(), piece.id, "own.bin", "1")).await;
        a.pull().await;
        a.done(delete(own.id, &own.version, a.token.as_deref())).await;
        b.done(file(fresh(), outer.id, "new.bin", "2")).await;
        let (outcome, _) = a.outcome(delete(outer.id, &outer.version, a.token.as_deref())).await;
        assert_eq!(outcome, Outcome::Merged);
        let gone = b.item(piece.id).await;
        assert!(gone.is_deleted);
        let newer = file(fresh(), piece.id, "newer.bin", "3");
        let answer = b.push(&[newer, restore(piece.id, &gone.version)]).await;
        assert_eq!(answer.errors, []);
        assert!(!b.item(old.id).await.is_deleted);
        assert!(b.item(own.id).await.is_deleted, "it was deleted by itself");
    }
}

#[tokio::test]
async fn what_is_restored_into_another_piece_of_its_delete_brings_all_of_that_back() {
    for server in TestServer::each().await {
        let mut a = Device::two(&server).await.0;
        let outer = a.done(folder(fresh(), a.root(), "outer")).await;
        let piece = a.done(file(fresh(), outer.id, "piece.bin", "0")).await;
        let other = a.done(folder(fresh(), outer.id, "other")).await;
        let old = a.done(file(fresh(), other.id, "old.bin", "1")).await;
        let inner = a.done(folder(fresh(), other.id, "inner")).await;
        a.pull().await;
        let seen = a.token.clone();
        a.done(delete(outer.id, &outer.version, seen.as_deref())).await;
        a.done(file(fresh(), outer.id, "new.bin", "2")).await;
        assert!(a.item(piece.id).await.is_deleted && a.item(other.id).await.is_deleted);
        let mut into = restore(piece.id, &a.item(piece.id).await.version);
        into["parentId"] = json!(inner.id);
        assert_eq!(a.done(into).await.parent_id, inner.id);
        assert!(!a.item(old.id).await.is_deleted);
    }
}

#[tokio::test]
async fn a_delete_that_took_a_part_is_undone_whole() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let outer = a.done(folder(fresh(), a.root(), "outer")).await;
        let old = a.done(file(fresh(), outer.id, "old.bin", "0")).await;
        b.pull().await;
        a.done(file(fresh(), outer.id, "new.bin", "1")).await;
        // Deleted and taken back while away.
        let delete = delete(outer.id, &outer.version, b.token.as_deref());
        let answer = b.push(&[delete.clone(), chained(restore(outer.id, &outer.version), &delete)]).await;
        let outcomes: Vec<Outcome> = answer.applied.iter().map(|applied| applied.outcome).collect();
        assert_eq!(outcomes, [Outcome::Merged, Outcome::Applied]);
        assert!(!a.item(old.id).await.is_deleted);
    }
}

#[tokio::test]
async fn what_somebody_else_brought_back_outlives_a_restore_that_is_taken_back() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let folder = a.done(folder(fresh(), a.root(), "box")).await;
        let old = a.done(file(fresh(), folder.id, "old.bin", "0")).await;
        a.pull().await;
        let gone = a.done(delete(folder.id, &folder.version, a.token.as_deref())).await;
        b.pull().await;
        a.done(restore(folder.id, &gone.version)).await;
        let restore = restore(folder.id, &gone.version);
        let delete = delete(folder.id, &gone.version, b.token.as_deref());
        let answer = b.push(&[restore.clone(), chained(delete, &restore)]).await;
        let outcomes: Vec<Outcome> = answer.applied.iter().map(|applied| applied.outcome).collect();
        assert_eq!(outcomes, [Outcome::Unchanged, Outcome::Merged]);
        assert!(!a.item(old.id).await.is_deleted);
    }
}

#[tokio::test]
async fn a_folder_that_joined_another_unbeknown_to_its_deleter_keeps_what_that_one_holds() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let theirs = a.done(folder(fresh(), a.root(), "Letters")).await;
        let letter = a.done(file(fresh(), theirs.id, "a.bin", "a")).await;
        b.pull().await;
        // Both operations wait on the other device, which has been given the letter in the meantime.
        let mine = folder(fresh(), b.root(), "letters");
        let id = serde_json::from_value(mine["fileId"].clone()).unwrap();
        let delete = delete(id, &VersionVector::new(), b.token.as_deref());
        let answer = b.push(&[mine.clone(), chained(delete, &mine)]).await;
        let outcomes: Vec<Outcome> = answer.applied.iter().map(|applied| applied.outcome).collect();
        assert_eq!(outcomes, [Outcome::Merged, Outcome::Merged]);
        assert!(!a.item(letter.id).await.is_deleted);
    }
}

#[tokio::test]
async fn a_folder_that_ones_own_joined_unbeknown_keeps_what_went_into_that() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let theirs = a.done(folder(fresh(), a.root(), "Letters")).await;
        let letter = a.done(file(fresh(), theirs.id, "a.bin", "a")).await;
        let kept = a.done(file(fresh(), a.root(), "b.bin", "b")).await;
        b.pull().await;
        // While away: a folder of their own, something put into it, and the other folder deleted.
        let mine = folder(fresh(), b.root(), "letters");
        let id = serde_json::from_value(mine["fileId"].clone()).unwrap();
        let away =
            [mine, into(kept.id, &kept.version, id), delete(theirs.id, &theirs.version, b.token.as_deref())];
        let answer = b.push(&away).await;
        let outcomes: Vec<Outcome> = answer.applied.iter().map(|applied| applied.outcome).collect();
        assert_eq!(outcomes, [Outcome::Merged, Outcome::Applied, Outcome::Merged]);
        assert!(!a.item(theirs.id).await.is_deleted, "it is theirs and b's in one");
        assert!(!a.item(kept.id).await.is_deleted, "it was put where nothing was deleted");
        assert!(a.item(letter.id).await.is_deleted, "that is what was deleted");
    }
}

#[tokio::test]
async fn a_file_that_ones_own_joined_unbeknown_lives_when_that_is_deleted() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        let moved = a.done(rename(item.id, &item.version, "b.bin")).await;
        // While away: the same file once more under a name that is free there, and both of them deleted.
        let id: ItemId = fresh();
        let mine = file(id, b.root(), "b.bin", "0");
        let token = b.token.clone();
        let away = [
            mine.clone(),
            chained(delete(id, &VersionVector::new(), token.as_deref()), &mine),
            delete(item.id, &item.version, token.as_deref()),
        ];
        let answer = b.push(&away).await;
        let outcomes: Vec<Outcome> = answer.applied.iter().map(|applied| applied.outcome).collect();
        assert_eq!(outcomes, [Outcome::Unchanged; 3], "it was renamed, unseen");
        // Whoever has seen what theirs became deletes it.
        let (outcome, gone) = b.outcome(delete(id, &a.item(moved.id).await.version, token.as_deref())).await;
        assert_eq!((outcome, gone.is_deleted), (Outcome::Applied, true));
    }
}

#[tokio::test]
async fn what_a_conflict_brought_back_can_be_moved_by_whoever_sees_it() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        let edited = a.done(content(item.id, &item.version, "1")).await;
        a.done(delete(item.id, &edited.version, a.token.clone().as_deref())).await;
        b.conflicted(content(item.id, &item.version, "2")).await;
        let back = a.item(item.id).await;
        assert!(!back.is_deleted, "an edit beats a delete");
        let (outcome, moved) = a.outcome(rename(item.id, &back.version, "b.bin")).await;
        assert_eq!((outcome, moved.name.as_str()), (Outcome::Applied, "b.bin"), "its place was seen");
    }
}

#[tokio::test]
async fn a_put_into_a_deleted_folder_brings_the_folder_back() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let (outer, old): (ItemId, ItemId) = (fresh(), fresh());
        a.push(&[folder(outer, a.root(), "outer"), file(old, outer, "note.bin", "0")]).await;
        b.pull().await;
        let token = a.token.clone();
        a.done(delete(outer, &a.item(outer).await.version, token.as_deref())).await;
        let taken = a.done(folder(fresh(), a.root(), "outer")).await;
        let put = b.done(file(fresh(), outer, "note.bin", "1")).await;
        assert!(!put.is_deleted);
        assert_eq!(put.path, "/outer (2)/note.bin", "{}", taken.id);
        assert!(b.item(old).await.is_deleted);
        let (outcome, back) = b.outcome(restore(old, &b.item(old).await.version)).await;
        assert_eq!((outcome, back.name.as_str()), (Outcome::Renamed, "note (2).bin"));
    }
}

#[tokio::test]
async fn the_same_name_twice() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let root = a.root();
        let ours = a.done(file(fresh(), root, "Note.txt", "same")).await;
        let alias: ItemId = fresh();
        let create = file(alias, root, "note.TXT", "same");
        let applied = b.applied(&create).await;
        assert_eq!(
            (applied.outcome, applied.item.id(), applied.file_id),
            (Outcome::Unchanged, ours.id, alias)
        );
        assert_eq!(b.item(alias).await.id, ours.id, "the alias leads there");
        // What follows in the outbox finds it.
        let edited = b.applied(&chained(content(alias, &VersionVector::new(), "more"), &create)).await;
        assert_eq!((edited.outcome, edited.item.id()), (Outcome::Applied, ours.id));
        let (outcome, other) = b.outcome(file(fresh(), root, "note.txt", "different")).await;
        assert_eq!((outcome, other.name.as_str()), (Outcome::Renamed, "note (2).txt"));
        let folder_a = a.done(folder(fresh(), root, "Folder")).await;
        let folder_b: ItemId = fresh();
        let child: ItemId = fresh();
        let answer = b.push(&[folder(folder_b, root, "folder"), file(child, folder_b, "child", "c")]).await;
        assert_eq!(answer.applied[0].outcome, Outcome::Merged);
        assert_eq!(answer.applied[0].item.id(), folder_a.id);
        assert_eq!(present(&answer.applied[1].item).parent_id, folder_a.id);
        b.refused_as(file(alias, root, "again", "x"), ErrorCode::AlreadyExists).await;
        assert_eq!(children(&a, root).await, ["Folder", "Note.txt", "note (2).txt"]);
    }
}

#[tokio::test]
async fn moved_or_restored_onto_a_taken_name_is_renamed() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let root = a.root();
        let inside = a.done(folder(fresh(), root, "inside")).await;
        let one = a.done(folder(fresh(), root, "same")).await;
        let two = a.done(folder(fresh(), inside.id, "SAME")).await;
        let (outcome, moved) = a.outcome(into(two.id, &two.version, root)).await;
        assert_eq!(
            (outcome, moved.name.as_str()),
            (Outcome::Renamed, "SAME (2)"),
            "folders never merge by a move"
        );
        let token = a.token.clone();
        let gone = a.done(delete(one.id, &one.version, token.as_deref())).await;
        a.done(folder(fresh(), root, "Same")).await;
        let (outcome, back) = a.outcome(restore(one.id, &gone.version)).await;
        assert_eq!((outcome, back.name.as_str()), (Outcome::Renamed, "same (3)"));
    }
}

#[tokio::test]
async fn a_move_into_itself_is_refused() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let one = a.done(folder(fresh(), a.root(), "one")).await;
        let two = a.done(folder(fresh(), a.root(), "two")).await;
        b.pull().await;
        a.done(into(two.id, &two.version, one.id)).await;
        b.refused_as(into(one.id, &one.version, two.id), ErrorCode::WouldCycle).await;
        b.refused_as(into(one.id, &one.version, one.id), ErrorCode::WouldCycle).await;
    }
}

#[tokio::test]
async fn what_was_removed_for_good_takes_nothing() {
    for server in TestServer::each().await {
        let (mut a, mut b, item) = with_file(&server, "a.bin", "0").await;
        a.done(content(item.id, &item.version, "1")).await;
        b.conflicted(content(item.id, &item.version, "2")).await;
        let now = a.item(item.id).await;
        a.pull().await;
        let token = a.token.clone();
        let deleted = a.done(delete(item.id, &now.version, token.as_deref())).await;
        assert_eq!(a.conflicts().await.len(), 1, "an open conflict outlives a delete");
        let purged = a.applied(&purge(item.id, &deleted.version)).await;
        assert!(matches!(purged.item, ItemState::Purged(_)));
        assert_eq!(a.conflicts().await, []);
        b.refused_as(content(item.id, &item.version, "3"), ErrorCode::Gone).await;
        b.refused_as(rename(item.id, &item.version, "x"), ErrorCode::Gone).await;
        let again = b.applied(&purge(item.id, &item.version)).await;
        assert_eq!(again.outcome, Outcome::Unchanged);
        assert!(b.pull().await.iter().any(|state| matches!(state, ItemState::Purged(_))));
    }
}

#[tokio::test]
async fn bases_that_never_were_and_operations_that_failed() {
    for server in TestServer::each().await {
        let (mut a, _, item) = with_file(&server, "a.bin", "0").await;
        let mut beyond = item.version.clone();
        beyond.insert(shared::Dot { device: fresh(), count: 2 });
        a.refused_as(content(item.id, &beyond, "1"), ErrorCode::InvalidBase).await;
        let failing = rename(item.id, &beyond, "x");
        let follower = chained(rename(item.id, &item.version, "y"), &failing);
        let answer = a.push(&[failing, follower]).await;
        let codes: Vec<ErrorCode> = answer.errors.iter().map(|error| error.code).collect();
        assert_eq!(codes, [ErrorCode::InvalidBase, ErrorCode::DependsOnFailed]);
        // What failed was to make the item.
        let id: ItemId = fresh();
        let failing = folder(id, a.root(), "a/b");
        let follower = chained(rename(id, &VersionVector::new(), "y"), &failing);
        let answer = a.push(&[failing, follower]).await;
        let codes: Vec<ErrorCode> = answer.errors.iter().map(|error| error.code).collect();
        assert_eq!(codes, [ErrorCode::InvalidName, ErrorCode::DependsOnFailed]);
    }
}

#[tokio::test]
async fn an_earlier_content_comes_back() {
    for server in TestServer::each().await {
        let (mut a, b, item) = with_file(&server, "a.bin", "0").await;
        a.done(content(item.id, &item.version, "11")).await;
        let versions = b.versions(item.id).await.versions;
        assert_eq!(
            versions.iter().map(|version| (version.size, version.is_current)).collect::<Vec<_>>(),
            [(2, true), (1, false)]
        );
        let path = format!("/files/{}/versions/{}/restore", item.id, versions[1].id);
        let body = json!({"operationId": fresh::<shared::OperationId>()});
        for _ in 0..2 {
            let answer: shared::upload::ItemAnswer = b.person.post(&path, &body).await.expect(200).json();
            assert_eq!(present(&answer.item).content_hash, item.content_hash);
        }
        assert_eq!(a.versions(item.id).await.versions.len(), 3);
        let unknown = format!("/files/{}/versions/{}/restore", item.id, fresh::<shared::VersionId>());
        let unknown_body = json!({"operationId": fresh::<shared::OperationId>()});
        b.person.post(&unknown, &unknown_body).await.expect(404).problem(ErrorCode::NotFound);
        // What was done stays answered as done, whatever became of it.
        let version = a.item(item.id).await.version;
        let deleted = a.done(delete(item.id, &version, None)).await;
        a.applied(&purge(item.id, &deleted.version)).await;
        let answer: shared::upload::ItemAnswer = b.person.post(&path, &body).await.expect(200).json();
        assert!(answer.item.present().is_none() && answer.item.id() == item.id);
    }
}

#[tokio::test]
async fn a_thousand_devices_replace_each_other_without_a_false_conflict() {
    for server in TestServer::each().await {
        let (mut a, _, item) = with_file(&server, "a.bin", "0").await;
        let mut base = item.version;
        for n in 0..1_000 {
            let mut device = Device::another(&server).await;
            base = device.done(content(item.id, &base, format!("edit {n}"))).await.version;
            assert!(base.len() <= shared::limits::VERSION_VECTOR_ENTRIES_MAX);
            a.person.delete(&format!("/devices/{}", device.person.device_id)).await.expect(204);
        }
        a.done(content(item.id, &base, "last")).await;
        assert_eq!(a.conflicts().await, []);
    }
}

#[tokio::test]
async fn pages_miss_no_commit_of_parallel_writers() {
    for server in TestServer::each().await {
        let (a, _) = Device::two(&server).await;
        let writers = (0..6).map(|writer| {
            let mut device = Device { person: clone_of(&a.person), token: None };
            tokio::spawn(async move {
                for n in 0..15 {
                    let changes: Vec<_> = (0..3)
                        .map(|part| file(fresh(), device.root(), &format!("{writer} {n} {part}"), "x"))
                        .collect();
                    device.push(&changes).await;
                }
            })
        });
        let writers: Vec<_> = writers.collect();
        let mut reader = Device::another(&server).await;
        let mut seen = std::collections::BTreeSet::new();
        while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
            seen.extend(reader.pull_by(7).await.iter().map(ItemState::id));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        seen.extend(reader.pull_by(7).await.iter().map(ItemState::id));
        assert_eq!(seen.len(), 6 * 15 * 3);
    }
}

#[tokio::test]
async fn a_batch_that_brings_something_back_does_not_delete_it_unseen_with_the_folder_it_is_in() {
    for server in TestServer::each().await {
        let (mut near, mut far) = Device::two(&server).await;
        let outer = near.done(folder(fresh(), near.root(), "Outer")).await;
        let inner = near.done(folder(fresh(), near.root(), "Inner")).await;
        let held = near.done(file(fresh(), inner.id, "held", "1")).await;
        let other = near.done(file(fresh(), near.root(), "other", "2")).await;
        near.pull().await;
        let seen = near.token.clone();
        let moved = far.done(into(inner.id, &inner.version, outer.id)).await;
        far.pull().await;
        let seen_far = far.token.clone();
        far.done(delete(inner.id, &moved.version, seen_far.as_deref())).await;
        // Its folder lives for the sake of what is put into it, inside of one whose delete knew nothing of it.
        let changes =
            [into(other.id, &other.version, inner.id), delete(outer.id, &outer.version, seen.as_deref())];
        assert_eq!(near.push(&changes).await.errors, []);
        assert!(!near.item(inner.id).await.is_deleted);
        assert!(!near.item(other.id).await.is_deleted);
        assert!(near.item(held.id).await.is_deleted, "it stays in the trash, where the other put it");
    }
}
