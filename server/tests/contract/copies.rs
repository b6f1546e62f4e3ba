//! A content that is named by another file that has it.

use serde_json::{Value, json};
use shared::account::SignedIn;
use shared::sync::Outcome;
use shared::{ContentHash, ErrorCode, FileItem, ItemId};

use crate::device::{Device, content, delete, file, folder, fresh, purge};
use crate::support::TestServer;

/// Another file with a content of `source`.
pub fn copy(id: ItemId, parent: ItemId, name: &str, source: &FileItem, hash: Option<ContentHash>) -> Value {
    let mut change = file(id, parent, name, "");
    let fields = change.as_object_mut().expect("a change is an object");
    fields.remove("data");
    fields.insert("size".to_owned(), json!(source.size));
    fields.insert("copyOf".to_owned(), json!({ "fileId": source.id, "contentHash": hash }));
    change
}

async fn used(device: &Device) -> u64 {
    device.person.get("/auth/me").await.expect(200).json::<SignedIn>().user.used_bytes
}

#[tokio::test]
async fn a_copy_takes_no_bytes_and_no_room() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let (film, again, inner): (ItemId, ItemId, ItemId) = (fresh(), fresh(), fresh());
        let bytes = "0123456789".repeat(20_000);
        let film = a.done(file(film, a.root(), "film", &bytes)).await;
        let before = used(&a).await;
        let change = copy(again, a.root(), "again", &film, film.content_hash);
        let copied = a.done(change.clone()).await;
        assert_eq!((copied.size, copied.content_hash), (film.size, film.content_hash));
        let into_folder =
            [folder(inner, b.root(), "inner"), copy(fresh(), inner, "film", &film, film.content_hash)];
        assert_eq!(b.push(&into_folder).await.errors, []);
        assert_eq!(used(&a).await, before);
        assert_eq!(b.bytes(again).await, bytes.as_bytes());

        // The original may go for good: the copy stays, and so does the answer.
        let token = a.token.clone();
        let deleted = a.done(delete(film.id, &film.version, token.as_deref())).await;
        a.applied(&purge(film.id, &deleted.version)).await;
        assert_eq!(a.bytes(again).await, bytes.as_bytes());
        assert_eq!(a.applied(&change).await.outcome, Outcome::Applied);
        a.refused_as(copy(fresh(), a.root(), "late", &film, film.content_hash), ErrorCode::Gone).await;
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn what_a_file_held_can_be_copied_and_nothing_else() {
    for server in TestServer::each().await {
        let (mut a, _) = Device::two(&server).await;
        let note = a.done(file(fresh(), a.root(), "note.txt", "first")).await;
        let edited = a.done(content(note.id, &note.version, "second")).await;
        let earlier = a.done(copy(fresh(), a.root(), "earlier.txt", &note, note.content_hash)).await;
        assert_eq!(a.bytes(earlier.id).await, b"first");

        let mut mallory = Device { person: server.person("mallory").await, token: None };
        let theirs = mallory.done(file(fresh(), mallory.root(), "theirs.txt", "theirs")).await;
        let other = theirs.content_hash;
        let unknown = FileItem { id: fresh(), ..note.clone() };
        // Not its content; another's file; no file at all: one answer.
        let mut messages = Vec::new();
        for (source, hash) in [(&edited, other), (&theirs, other), (&unknown, other)] {
            let refused = a.refused(copy(fresh(), a.root(), "x", source, hash)).await;
            assert_eq!(refused.code, ErrorCode::Gone);
            messages.push(refused.message);
        }
        messages.dedup();
        assert_eq!(messages.len(), 1);

        let mut both = copy(fresh(), a.root(), "both", &note, note.content_hash);
        both["data"] = json!("Zmlyc3Q=");
        a.refused_as(both, ErrorCode::InvalidRequest).await;
        let mut wrong_size = copy(fresh(), a.root(), "size", &note, note.content_hash);
        wrong_size["size"] = json!(3);
        a.refused_as(wrong_size, ErrorCode::InvalidManifest).await;
    }
}
