//! A network that delivers every request several times, at once and long after, changes nothing.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use shared::account::SignedIn;
use shared::sync::{Applied, ConflictInfo, PushResponse, ResolveResponse};
use shared::upload::{UploadCompleted, UploadStarted};
use shared::{ContentHash, FileItem, ItemId, OperationId};

use crate::device::{Device, content, delete, file, folder, fresh, into, present, purge, rename, restore};
use crate::support::{Client, Reply, TestServer};
use crate::uploads::{self, KIB, Plan, noise};

/// Sends each request so many times, and those that act once more when all is done.
struct Network {
    times: usize,
    acts: Vec<(Client, String, Value, StatusCode)>,
}

impl Network {
    async fn send(&self, client: &Client, method: Method, path: &str, body: Option<Body<'_>>) -> Reply {
        let mut first: Option<Reply> = None;
        for _ in 0..self.times {
            let request = client.request(method.clone(), path);
            let reply = Reply::to(match &body {
                None => request,
                Some(Body::Json(value)) => request.json(value),
                Some(Body::Bytes(bytes)) => request
                    .header(reqwest::header::CONTENT_TYPE, "application/octet-stream")
                    .body(bytes.to_vec()),
            })
            .await;
            if let Some(first) = &first {
                assert_eq!(reply.status, first.status, "{method} {path}");
            }
            first.get_or_insert(reply);
        }
        first.expect("sent at least once")
    }

    /// A request that carries an operation.
    async fn act(&mut self, client: &Client, path: &str, body: Value) -> Reply {
        let reply = self.send(client, Method::POST, path, Some(Body::Json(&body))).await;
        self.acts.push((client.clone(), path.to_owned(), body, reply.status));
        reply
    }

    /// One change, whose answer says what became of it.
    async fn push(&mut self, device: &Device, change: Value) -> PushResponse {
        let body = json!({"deviceId": device.person.device_id, "lastSyncToken": null, "changes": [change]});
        self.act(&device.person.client, "/sync/push", body).await.expect(200).json()
    }

    async fn done(&mut self, device: &Device, change: Value) -> FileItem {
        let answer = self.push(device, change).await;
        let [Applied { item, .. }] = &answer.applied[..] else { panic!("{answer:?}") };
        present(item).clone()
    }

    async fn conflicted(&mut self, device: &Device, change: Value) -> ConflictInfo {
        let answer = self.push(device, change).await;
        let [conflict] = &answer.conflicts[..] else { panic!("{answer:?}") };
        conflict.clone()
    }

    async fn upload(&mut self, device: &Device, plan: &Plan) -> FileItem {
        let client = &device.person.client;
        let upload = format!("/files/{}/upload", plan.file_id);
        let init = plan.request(&device.person);
        let begin = format!("{upload}/init");
        let started = self.send(client, Method::POST, &begin, Some(Body::Json(&init))).await;
        let started: UploadStarted = started.expect(201).json();
        let upload = format!("{upload}/{}", started.upload_id);
        for (index, chunk) in plan.chunks().into_iter().enumerate() {
            let path = format!("{upload}/chunk/{index}");
            self.send(client, Method::PUT, &path, Some(Body::Bytes(chunk))).await.expect(200);
        }
        let completed = self.act(client, &format!("{upload}/complete"), json!({})).await.expect(200);
        uploads::present(&completed.json::<UploadCompleted>()).clone()
    }

    /// Everything once more, in its order.
    async fn repeat(&self) {
        for (client, path, body, status) in self.acts.iter().filter(|_| self.times > 1) {
            let reply = client.post(path, body).await;
            assert_eq!(reply.status, *status, "{path}: {}", String::from_utf8_lossy(&reply.body));
        }
    }
}

enum Body<'a> {
    Json(&'a Value),
    Bytes(&'a [u8]),
}

/// What a person has at the end, without the ids that differ from run to run.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct End {
    /// By path.
    items: BTreeMap<String, Kept>,
    trash: usize,
    conflicts: usize,
    activity: usize,
    used_bytes: u64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Kept {
    content: Option<ContentHash>,
    is_deleted: bool,
    /// Of its vector.
    counts: Vec<u64>,
    versions: Vec<ContentHash>,
}

async fn end(device: &mut Device) -> End {
    let mut items = BTreeMap::new();
    device.token = None;
    for state in device.pull().await {
        let Some(item) = state.present() else { continue };
        let mut counts: Vec<u64> = item.version.iter().map(|dot| dot.count).collect();
        counts.sort_unstable();
        let mut versions = Vec::new();
        if item.content_hash.is_some() {
            let list = device.versions(item.id).await;
            versions.extend(list.versions.iter().map(|version| version.content_hash));
        }
        let kept = Kept { content: item.content_hash, is_deleted: item.is_deleted, counts, versions };
        items.insert(item.path.clone(), kept);
    }
    let trash: Value = device.person.get("/trash").await.expect(200).json();
    let activity: Value = device.person.get("/activity").await.expect(200).json();
    let len = |value: &Value| value.as_array().expect("a list").len();
    End {
        items,
        trash: len(&trash["items"]),
        conflicts: device.conflicts().await.len(),
        activity: activity
            .as_object()
            .expect("a page")
            .values()
            .filter_map(Value::as_array)
            .map(Vec::len)
            .sum(),
        used_bytes: device.person.get("/auth/me").await.expect(200).json::<SignedIn>().user.used_bytes,
    }
}

/// All kinds of changes, by two devices of one person.
async fn live(network: &mut Network, server: &TestServer) -> End {
    let (mut a, b) = Device::two(server).await;
    let trip: ItemId = network.done(&a, folder(fresh(), a.root(), "trip")).await.id;
    let note = network.done(&a, file(fresh(), trip, "note.txt", "one\n")).await;
    let note = network.done(&b, content(note.id, &note.version, "one\ntwo\n")).await;
    network.done(&a, rename(note.id, &note.version, "notes.txt")).await;

    // Both edit a file that cannot be merged; both sides are kept.
    let plan = Plan::new(noise(1, 150 * KIB), 64 * KIB, true).again("film.bin");
    let film = network.upload(&a, &plan).await;
    network.done(&a, content(film.id, &film.version, "theirs")).await;
    let conflict = network.conflicted(&b, content(film.id, &film.version, "mine")).await;
    let resolve = json!({"operationId": fresh::<OperationId>(), "resolution": "both", "serverVersion": conflict.server_version});
    let resolved =
        network.act(&b.person.client, &format!("/conflicts/{}/resolve", conflict.id), resolve).await;
    let resolved: ResolveResponse = resolved.expect(200).json();
    let film = resolved.items[0].clone();

    // An earlier content comes back.
    let versions = a.versions(film.id).await;
    let earlier = versions.versions.iter().find(|version| version.size == 150 * KIB as u64);
    let path = format!("/files/{}/versions/{}/restore", film.id, earlier.expect("the first content").id);
    network.act(&a.person.client, &path, json!({"operationId": fresh::<OperationId>()})).await.expect(200);

    // The same name twice, the trash and back, and gone for good.
    network.done(&b, file(fresh(), trip, "notes.txt", "other")).await;
    let list = network.done(&a, file(fresh(), a.root(), "list.txt", "milk")).await;
    let list = network.done(&a, into(list.id, &list.version, trip)).await;
    a.pull().await;
    let token = a.token.clone();
    let gone = network.done(&a, delete(list.id, &list.version, token.as_deref())).await;
    let back = network.done(&a, restore(list.id, &gone.version)).await;
    let gone = network.done(&a, delete(list.id, &back.version, token.as_deref())).await;
    network.push(&a, purge(list.id, &gone.version)).await;
    let left = network.done(&b, file(fresh(), b.root(), "left.txt", "left")).await;
    network.done(&b, delete(left.id, &left.version, None)).await;
    // What is refused is refused each time.
    let nowhere = network.push(&a, rename(fresh(), &left.version, "nowhere")).await;
    assert_eq!(nowhere.errors.len(), 1);

    network.repeat().await;
    server.expect_sound().await;
    end(&mut a).await
}

#[tokio::test]
async fn every_request_sent_three_times_comes_to_the_same() {
    for (once, thrice) in TestServer::each().await.into_iter().zip(TestServer::each().await) {
        let expected = live(&mut Network { times: 1, acts: Vec::new() }, &once).await;
        let found = live(&mut Network { times: 3, acts: Vec::new() }, &thrice).await;
        assert_eq!(
            serde_json::to_value(&found).expect("plain values"),
            serde_json::to_value(&expected).expect("plain values")
        );
        assert_eq!(found.items.len(), 5, "{found:?}");
    }
}
