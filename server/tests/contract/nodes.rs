//! Two nodes over one PostgreSQL, one S3 and one Valkey: where `TEST_POSTGRES_URL`, `TEST_S3_URL` and
//! `TEST_VALKEY_URL` name them.

use std::time::Duration;

use serde_json::{Value, json};
use server::jobs::derivatives::make_due;
use shared::sync::Resolution;
use shared::{ErrorCode, ItemId, OperationId};
use uuid::Uuid;

use crate::device::{Device, chained, content, delete, file, fresh, purge};
use crate::photos::{jpeg, upload};
use crate::support::{PASSWORD, Person, Socket, TestServer, Wire, fresh_prefix, fresh_schema, sign_in};

/// Two nodes, with a Valkey that can be cut off.
pub struct Nodes {
    pub first: TestServer,
    pub second: TestServer,
    pub valkey: Wire,
}

/// None where the services are not there.
pub async fn nodes() -> Option<Nodes> {
    nodes_with(&[]).await
}

async fn nodes_with(more: &[(&str, &str)]) -> Option<Nodes> {
    let name = |name| std::env::var(name).ok();
    let (postgres, valkey, s3) = (name("TEST_POSTGRES_URL")?, name("TEST_VALKEY_URL")?, name("TEST_S3_URL")?);
    let database = fresh_schema(&postgres).await;
    let target = valkey.trim_start_matches("redis://").trim_end_matches('/').to_owned();
    let valkey = Wire::to(target).await;
    let valkey_url = format!("redis://{}", valkey.address);
    let blobs = fresh_prefix(&s3);
    let own = [("DATABASE_URL", &*database), ("VALKEY_URL", &*valkey_url), ("CLOUDSTEAD_BLOB_URL", &*blobs)];
    let settings = [&own, more].concat();
    let first = TestServer::start_with(&settings).await;
    let second = TestServer::start_with(&settings).await;
    Some(Nodes { first, second, valkey })
}

fn id() -> Uuid {
    server::clock::Env::system().id()
}

/// Puts a small file into the person's root through `push`.
async fn push_file(person: &Person, name: &str, text: &str) -> ItemId {
    use base64::Engine as _;
    let file_id = ItemId(id());
    let change = json!({
        "operationId": OperationId(id()), "fileId": file_id, "baseVersion": {}, "kind": "create",
        "parentId": person.root_id, "name": name, "size": text.len(),
        "data": base64::prelude::BASE64_STANDARD.encode(text),
    });
    let body = json!({"deviceId": person.device_id, "lastSyncToken": null, "changes": [change]});
    let reply: Value = person.post("/sync/push", &body).await.expect(200).json();
    assert_eq!(reply["applied"].as_array().map(Vec::len), Some(1), "{reply}");
    file_id
}

/// The next frame that speaks of a change.
async fn news(socket: &mut Socket) -> Value {
    loop {
        let frame = socket.next().await;
        if frame["type"] != "sync_complete" {
            return frame;
        }
    }
}

#[tokio::test]
async fn what_one_node_takes_the_other_tells_and_gives_with_valkey_or_without() {
    let Some(mut nodes) = nodes().await else { return };
    let here = nodes.first.person("ann").await;
    let there = nodes.second.sign_in("ann").await;
    let mut socket = nodes.second.socket(&there).await;
    assert_eq!(socket.next().await["type"], "sync_complete");
    let file = push_file(&here, "with.txt", "with Valkey").await;
    let frame = news(&mut socket).await;
    assert_eq!((&frame["type"], &frame["fileId"]), (&json!("file_changed"), &json!(file)));
    let bytes = there.get(&format!("/files/{file}/download")).await.expect(200).body;
    assert_eq!(bytes, "with Valkey");

    nodes.valkey.cut().await;
    let file = push_file(&here, "without.txt", "without Valkey").await;
    let frame = news(&mut socket).await;
    assert!(frame["type"] == "file_changed" || frame["type"] == "pull_needed", "{frame}");
    let bytes = there.get(&format!("/files/{file}/download")).await.expect(200).body;
    assert_eq!(bytes, "without Valkey");
}

#[tokio::test]
async fn guesses_at_one_node_are_counted_at_the_other() {
    let Some(mut nodes) = nodes().await else { return };
    nodes.first.person("ann").await;
    let try_at = async |node: &TestServer, password: &str| {
        node.anonymous().post("/auth/login", &sign_in("ann", password)).await
    };
    for turn in 0..6 {
        let node = if turn % 2 == 0 { &nodes.first } else { &nodes.second };
        try_at(node, "wrong password").await.problem(ErrorCode::InvalidCredentials);
        // The sixth waits for the end of the pause that the fifth began, at whichever node.
        if turn == 4 {
            let refused = try_at(&nodes.second, PASSWORD).await.problem(ErrorCode::RateLimited);
            let pause = refused.retry_after_ms.unwrap();
            assert!(pause <= 1_000, "{pause}");
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }
    // A node that can't ask counts for itself: three are free.
    nodes.valkey.cut().await;
    try_at(&nodes.second, PASSWORD).await.expect(200);
}

/// Two nodes that know of each other by PostgreSQL alone; None where it is not there.
async fn strangers() -> Option<[TestServer; 2]> {
    let database = fresh_schema(&std::env::var("TEST_POSTGRES_URL").ok()?).await;
    let first = TestServer::start_with(&[("DATABASE_URL", &database)]).await;
    let second = first.again().await;
    Some([first, second])
}

/// The next frame of that type; those of files, which tell of the same, are passed over.
async fn of_type(socket: &mut Socket, kind: &str) -> Value {
    loop {
        let frame = news(socket).await;
        if frame["type"] == kind {
            return frame;
        }
        assert!(frame["type"] == "file_changed", "{frame}");
    }
}

#[tokio::test]
async fn conflicts_and_pictures_of_one_node_are_told_by_the_other_without_valkey() {
    let Some([here, there]) = strangers().await else { return };
    let (mut a, mut b) = Device::two(&here).await;
    let mut far = there.socket(&there.sign_in("ann").await).await;
    assert_eq!(far.next().await["type"], "sync_complete");
    let item = a.done(file(fresh(), a.root(), "a.json", "1\n-\n2\n")).await;
    a.done(content(item.id, &item.version, "A\n-\n2\n")).await;
    let edit = content(item.id, &item.version, "1\n-\nB\n");
    let conflict = b.conflicted(edit.clone()).await;
    let told = of_type(&mut far, "conflict_detected").await;
    assert_eq!(told["conflict"]["id"], json!(conflict.id));
    assert_eq!(told["conflict"]["proposal"]["text"], json!("A\n-\nB\n"));
    let again = b.conflicted(chained(content(item.id, &item.version, "1\n-\nB2\n"), &edit)).await;
    let told = of_type(&mut far, "conflict_detected").await;
    assert_eq!(told["conflict"]["localVersion"], json!(again.local_version));
    a.resolve_raw(&again, Resolution::Server).await.expect(200);
    let told = of_type(&mut far, "conflict_resolved").await;
    assert_eq!(told["conflictId"], json!(conflict.id));

    let photo = upload(&a.person, "a.jpg", &jpeg(40, 30, 9)).await;
    make_due(&here.app).await.unwrap();
    let told = of_type(&mut far, "photo_ready").await;
    assert_eq!((&told["photo"]["id"], &told["photo"]["status"]), (&json!(photo.id), &json!("ready")));
}

#[tokio::test]
async fn a_device_hears_nothing_of_its_own_doing_on_another_node() {
    let Some([here, there]) = strangers().await else { return };
    let (mut a, mut b) = Device::two(&here).await;
    a.done(file(fresh(), a.root(), "a.txt", "1")).await;
    let gone = a.done(file(fresh(), a.root(), "gone.txt", "3")).await;
    a.pull().await;
    let seen = a.token.clone();
    let gone = a.done(delete(gone.id, &gone.version, seen.as_deref())).await;
    b.pull().await;
    let mut socket = there.socket(&b.person).await;
    assert_eq!(socket.next().await["type"], "sync_complete");
    b.outcome(file(fresh(), b.root(), "a.txt", "1")).await;
    b.applied(&purge(gone.id, &gone.version)).await;
    socket.expect_silence().await;
}

#[tokio::test]
async fn nodes_count_an_accounts_requests_together_and_alone_where_valkey_is_away() {
    let rate = ("CLOUDSTEAD_REQUESTS_PER_MINUTE", "10");
    let Some(mut nodes) = nodes_with(&[rate]).await else { return };
    let here = nodes.first.person("ann").await;
    let there = nodes.second.sign_in("ann").await;
    // Both are refused at the same time only when what they share is spent.
    let spend = async || {
        for taken in 0..100 {
            let replies = [here.get("/conflicts").await, there.get("/conflicts").await];
            if replies.iter().all(|reply| reply.status == 429) {
                return taken;
            }
        }
        panic!("nothing was refused")
    };
    let together = spend().await;
    // Ten between them, and what comes back while this runs: one in six seconds.
    assert!((5..10).contains(&together), "{together} of each");
    nodes.valkey.cut().await;
    let alone = spend().await;
    assert!(alone >= 10, "{alone} of each");
}

#[tokio::test]
async fn a_session_that_ended_without_a_word_takes_its_socket_along_while_valkey_is_heard() {
    let Some(nodes) = nodes().await else { return };
    // The second comes right after a look at the database.
    for name in ["ann", "ben"] {
        let person = nodes.first.person(name).await;
        let mut socket = nodes.second.socket(&person).await;
        socket.next().await;
        // As the command line does, which tells no node.
        server::ops::accounts::disable(&nodes.first.app, name).await.expect("an account");
        let closed = tokio::time::timeout(Duration::from_secs(3), socket.close_code()).await;
        closed.expect("the socket ends soon");
    }
}

#[tokio::test]
async fn a_device_that_is_removed_on_one_node_is_gone_on_the_other() {
    let Some(mut nodes) = nodes().await else { return };
    let here = nodes.first.person("ann").await;
    let there = nodes.second.sign_in("ann").await;
    for is_cut in [false, true] {
        let other = nodes.second.sign_in("ann").await;
        let mut socket = nodes.second.socket(&other).await;
        socket.next().await;
        if is_cut {
            nodes.valkey.cut().await;
        }
        here.delete(&format!("/devices/{}", other.device_id)).await.expect(204);
        let closed = tokio::time::timeout(Duration::from_secs(5), socket.close_code()).await;
        closed.expect("the socket of a removed device ends");
        other.get("/auth/me").await.expect(401);
    }
    there.get("/auth/me").await.expect(200);
}
