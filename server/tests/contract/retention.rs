//! What is kept for a time, and then goes: never early, never what is still wanted.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use server::jobs;
use shared::ErrorCode;
use shared::item::ItemState;
use shared::sync::{PullResponse, PushResponse, TrashPage};
use uuid::Uuid;

use crate::device::{self, Device, fresh};
use crate::plan::{KIB, Plan, id, noise, present};
use crate::support::{Person, TestServer};

const DAY: Duration = Duration::from_hours(24);

async fn push(ann: &Person, change: Value) -> PushResponse {
    let push = json!({"deviceId": ann.device_id, "lastSyncToken": null, "changes": [change]});
    let answer: PushResponse = ann.post("/sync/push", &push).await.expect(200).json();
    assert!(answer.errors.is_empty(), "{answer:?}");
    answer
}

/// The version after the change.
async fn change(ann: &Person, file: Uuid, kind: &str, base: Value, more: Value) -> Value {
    let mut change = json!({"operationId": id(), "fileId": file, "baseVersion": base, "kind": kind});
    for (name, value) in more.as_object().unwrap() {
        change[name] = value.clone();
    }
    let answer = push(ann, change).await;
    serde_json::to_value(answer.applied[0].item.version()).unwrap()
}

fn content(text: &str) -> Value {
    json!({"size": text.len(), "data": BASE64_STANDARD.encode(text)})
}

async fn purge(server: &TestServer) {
    jobs::purge(&server.app, server.app.env.now()).await.unwrap();
    server.expect_sound().await;
}

async fn pull(ann: &Person, since: Option<&str>) -> PullResponse {
    let query = since.map(|token| format!("?since={token}")).unwrap_or_default();
    ann.get(&format!("/sync/pull{query}")).await.expect(200).json()
}

#[tokio::test]
async fn the_trash_empties_itself_and_tombstones_go_in_the_end() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let folder = id();
        let made = json!({"parentId": ann.root_id, "name": "old"});
        let version = change(&ann, folder, "createFolder", json!({}), made).await;
        let file = id();
        let mut made = content("in the folder");
        made["parentId"] = json!(folder);
        made["name"] = json!("a.txt");
        change(&ann, file, "create", json!({}), made).await;
        let large = Plan::new(noise(30, 200 * KIB), 100 * KIB, true);
        let kept = present(&large.upload(&ann).await).clone();
        let before = pull(&ann, None).await.sync_token;
        change(&ann, folder, "delete", version, json!({"seenToken": before})).await;

        server.advance(29 * DAY);
        purge(&server).await;
        assert_eq!(ann.get("/trash").await.expect(200).json::<TrashPage>().items.len(), 1);
        ann.get(&format!("/files/{file}/download")).await.expect(200);
        server.advance(2 * DAY);
        purge(&server).await;
        assert!(ann.get("/trash").await.expect(200).json::<TrashPage>().items.is_empty());
        ann.get(&format!("/files/{file}/download")).await.problem(ErrorCode::NotFound);
        ann.get(&format!("/files/{}/download", kept.id)).await.expect(200);
        let told = pull(&ann, Some(&before)).await;
        let purged = told.changes.iter().filter(|item| matches!(item, ItemState::Purged(_))).count();
        assert_eq!(purged, 2, "the folder and what was in it");

        server.advance(100 * DAY);
        purge(&server).await;
        let ann = server.sign_in("ann").await;
        pull(&ann, Some(&told.sync_token)).await;
        server.advance(81 * DAY);
        purge(&server).await;
        let ann = server.sign_in("ann").await;
        let reply = ann.get(&format!("/sync/pull?since={before}")).await;
        assert_eq!(reply.problem(ErrorCode::SyncTokenExpired).more["reason"], "expired");
        assert_eq!(pull(&ann, None).await.changes.len(), 1, "the file that was kept");
    }
}

/// Its counts go on where the former life ended: what was made on that has not seen what is there now.
#[tokio::test]
async fn what_comes_again_under_a_forgotten_id_is_not_covered_by_an_old_base() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let file = id();
        let named = |text: &str| {
            let mut made = content(text);
            made["parentId"] = json!(ann.root_id);
            made["name"] = json!("a.txt");
            made
        };
        let first = change(&ann, file, "create", json!({}), named("then")).await;
        let last = change(&ann, file, "delete", first.clone(), json!({"seenToken": null})).await;
        change(&ann, file, "purge", last.clone(), json!({})).await;
        server.advance(181 * DAY);
        purge(&server).await;
        let again = server.anonymous().sign_in_on("ann", ann.device_id).await;

        // The ids tell no time: those of the test are older than the server's memory by now.
        let mut made = named("now");
        made["operationId"] = json!(Uuid::from_u128(1));
        let now = change(&again, file, "create", json!({}), made).await;
        assert!(now != first && now != last, "{now} was a version of the former life");
        let late = json!({"operationId": Uuid::from_u128(2), "seenToken": null});
        change(&again, file, "delete", last, late).await;
        let living = pull(&again, None).await.changes;
        assert_eq!(living.len(), 1, "a delete of the former life took what is there now");
    }
}

#[tokio::test]
async fn the_last_ten_versions_stay_however_old() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let file = id();
        let mut made = content("0");
        made["parentId"] = json!(ann.root_id);
        made["name"] = json!("a.bin");
        let mut version = change(&ann, file, "create", json!({}), made).await;
        for n in 1..=14 {
            server.advance(Duration::from_secs(1));
            version = change(&ann, file, "content", version, content(&n.to_string())).await;
        }
        let versions = || async {
            let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM versions";
            server.app.db.reader().await.unwrap().fetch_one(sql, vec![]).await.unwrap().get::<u64>(0).unwrap()
        };
        server.advance(29 * DAY);
        purge(&server).await;
        assert_eq!(versions().await, 15, "none is 30 days old");
        server.advance(2 * DAY);
        purge(&server).await;
        assert_eq!(versions().await, 11, "the present one and the last ten");
        let downloaded = ann.get(&format!("/files/{file}/download")).await.expect(200);
        assert_eq!(downloaded.body, "14");
    }
}

#[tokio::test]
async fn an_answer_is_forgotten_but_its_id_never_taken_for_new() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(31, 1000), 600, true);
        plan.upload(&ann).await;
        server.advance(181 * DAY);
        purge(&server).await;
        let ann = server.sign_in("ann").await;
        plan.try_init(&ann).await.problem(ErrorCode::OperationExpired);
    }
}

#[tokio::test]
async fn a_clock_that_jumps_purges_nothing() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(32, 200 * KIB), 100 * KIB, true);
        let item = present(&plan.upload(&ann).await).clone();
        let version = serde_json::to_value(&item.version).unwrap();
        let token = pull(&ann, None).await.sync_token;
        change(&ann, item.id.0, "delete", version, json!({"seenToken": token})).await;
        let pass = |elapsed| jobs::pass(&server.app, elapsed);
        pass(Duration::ZERO).await.unwrap();
        server.advance(400 * DAY);
        for _ in 0..3 {
            pass(Duration::from_mins(10)).await.unwrap();
        }
        let ann = server.sign_in("ann").await;
        ann.get(&format!("/files/{}/download", item.id)).await.expect(200);
        // A week later the date is believed.
        for _ in 0..8 {
            server.advance(DAY);
            pass(DAY).await.unwrap();
        }
        ann.get(&format!("/files/{}/download", item.id)).await.problem(ErrorCode::NotFound);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn what_is_deleted_under_a_wrong_date_stays_its_time() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(33, 200 * KIB), 100 * KIB, true);
        let item = present(&plan.upload(&ann).await).clone();
        let version = serde_json::to_value(&item.version).unwrap();
        let token = pull(&ann, None).await.sync_token;
        jobs::pass(&server.app, Duration::ZERO).await.unwrap();
        // No job sees the wrong date.
        server.set_back(40 * DAY);
        // By this date the requests of one minute are used up: they come back at their rate.
        ann.get("/trash").await.problem(ErrorCode::RateLimited);
        server.advance(Duration::from_secs(10));
        change(&ann, item.id.0, "delete", version, json!({"seenToken": token})).await;
        server.advance(40 * DAY);
        jobs::pass(&server.app, Duration::ZERO).await.unwrap();
        ann.get(&format!("/files/{}/download", item.id)).await.expect(200);
        server.advance(29 * DAY);
        purge(&server).await;
        ann.get(&format!("/files/{}/download", item.id)).await.expect(200);
        server.advance(2 * DAY);
        purge(&server).await;
        ann.get(&format!("/files/{}/download", item.id)).await.problem(ErrorCode::NotFound);
    }
}

#[tokio::test]
async fn the_trash_keeps_what_awaits_a_choice() {
    for server in TestServer::each().await {
        let (mut a, mut b) = Device::two(&server).await;
        let outer = a.done(device::folder(fresh(), a.root(), "outer")).await;
        let inner = a.done(device::file(fresh(), outer.id, "a.bin", "0")).await;
        let other = a.done(device::folder(fresh(), a.root(), "other")).await;
        b.pull().await;
        a.done(device::content(inner.id, &inner.version, "1")).await;
        let conflict = b.conflicted(device::content(inner.id, &inner.version, "2")).await;
        a.pull().await;
        for id in [outer.id, other.id] {
            let token = a.token.clone();
            a.done(device::delete(id, &a.item(id).await.version, token.as_deref())).await;
            server.advance(Duration::from_secs(1));
        }
        server.advance(31 * DAY);
        purge(&server).await;
        let trash: TrashPage = a.person.get("/trash").await.expect(200).json();
        let kept: Vec<_> = trash.items.iter().map(|item| item.id).collect();
        assert_eq!(kept, [outer.id], "the folder with the conflict, and it alone");
        let open: Vec<_> = a.conflicts().await.iter().map(|open| open.id).collect();
        assert_eq!(open, [conflict.id]);
        assert_eq!(a.bytes(inner.id).await, b"1");
    }
}
