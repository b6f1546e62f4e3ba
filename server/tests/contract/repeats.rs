//! A network that delivers every request several times, at once and long after, changes nothing.

use std::collections::BTreeMap;

use reqwest::{Method, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};
use shared::account::{DeviceList, SignedIn};
use shared::photo::{Photo, PhotoInfo, PhotoUploaded};
use shared::sync::{Applied, ConflictInfo, PushResponse, ResolveResponse};
use shared::upload::{UploadCompleted, UploadStarted};
use shared::{ContentHash, FileItem, ItemId, OperationId, VersionVector};

use crate::albums::in_album;
use crate::copies::copy;
use crate::device::{
    Device, change, content, delete, file, folder, fresh, into, present, purge, rename, restore,
};
use crate::photos::{form, jpeg, library_root};
use crate::plan::{self, KIB, Plan, noise};
use crate::support::{Client, Reply, TestServer};

/// Sends each request so many times, and those that act once more when all is done.
struct Network {
    times: usize,
    acts: Vec<(Client, Call, StatusCode)>,
}

struct Call {
    method: Method,
    path: String,
    body: Body,
}

enum Body {
    None,
    Json(Value),
    Bytes(&'static str, Vec<u8>),
}

impl Call {
    fn post(path: &str, body: Value) -> Self {
        Self { method: Method::POST, path: path.to_owned(), body: Body::Json(body) }
    }

    fn delete(path: &str) -> Self {
        Self { method: Method::DELETE, path: path.to_owned(), body: Body::None }
    }

    async fn of(&self, client: &Client) -> Reply {
        let request = client.request(self.method.clone(), &self.path);
        let request = match &self.body {
            Body::None => request,
            Body::Json(value) => request.json(value),
            Body::Bytes(kind, bytes) => request.header(header::CONTENT_TYPE, *kind).body(bytes.clone()),
        };
        Reply::to(request).await
    }
}

impl Network {
    async fn send(&self, client: &Client, call: &Call) -> Reply {
        let first = call.of(client).await;
        for _ in 1..self.times {
            let again = call.of(client).await;
            assert_eq!(again.status, first.status, "{} {}", call.method, call.path);
        }
        first
    }

    /// A request that stands for one act, however often it comes.
    async fn act(&mut self, client: &Client, call: Call) -> Reply {
        let reply = self.send(client, &call).await;
        self.acts.push((client.clone(), call, reply.status));
        reply
    }

    /// One change, whose answer says what became of it.
    async fn push(&mut self, device: &Device, change: Value) -> PushResponse {
        let body = json!({"deviceId": device.person.device_id, "lastSyncToken": null, "changes": [change]});
        self.act(&device.person.client, Call::post("/sync/push", body)).await.expect(200).json()
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

    /// Begins an upload and sends its first chunks. Answers its address.
    async fn begin(&mut self, device: &Device, plan: &Plan, chunks: usize) -> String {
        let client = &device.person.client;
        let upload = format!("/files/{}/upload", plan.file_id);
        let init = Call::post(&format!("{upload}/init"), plan.request(&device.person));
        let started: UploadStarted = self.send(client, &init).await.expect(201).json();
        let upload = format!("{upload}/{}", started.upload_id);
        for (index, chunk) in plan.chunks().into_iter().enumerate().take(chunks) {
            let body = Body::Bytes("application/octet-stream", chunk.to_vec());
            let put = Call { method: Method::PUT, path: format!("{upload}/chunk/{index}"), body };
            self.send(client, &put).await.expect(200);
        }
        upload
    }

    async fn upload(&mut self, device: &Device, plan: &Plan) -> FileItem {
        let upload = self.begin(device, plan, plan.chunks().len()).await;
        let complete = Call::post(&format!("{upload}/complete"), json!({}));
        let completed = self.act(&device.person.client, complete).await.expect(200);
        plan::present(&completed.json::<UploadCompleted>()).clone()
    }

    /// An upload that is given up: it is gone, however often that is asked.
    async fn give_up(&mut self, device: &Device, plan: &Plan) {
        let upload = self.begin(device, plan, 1).await;
        for n in 0..self.times {
            let reply = Call::delete(&upload).of(&device.person.client).await;
            assert_eq!(reply.status, if n == 0 { 204 } else { 404 });
        }
    }

    async fn photo(&mut self, device: &Device, name: &str, bytes: &[u8]) -> Photo {
        let operation = fresh::<OperationId>().to_string();
        let modified_at = b"2003-02-03T04:05:06.789Z".as_slice();
        let form = form(&[
            ("operationId", None, operation.as_bytes()),
            ("modifiedAt", None, modified_at),
            ("file", Some(name), bytes),
        ]);
        let body = Body::Bytes("multipart/form-data; boundary=frontier", form);
        let call = Call { method: Method::POST, path: "/photos/upload".into(), body };
        self.act(&device.person.client, call).await.expect(201).json::<PhotoUploaded>().photo
    }

    /// Everything once more, in its order.
    async fn repeat(&self) {
        for (client, call, status) in self.acts.iter().filter(|_| self.times > 1) {
            let reply = call.of(client).await;
            assert_eq!(reply.status, *status, "{}: {}", call.path, String::from_utf8_lossy(&reply.body));
        }
    }
}

/// What a person has at the end, without the ids that differ from run to run.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct End {
    /// By path.
    items: BTreeMap<String, Kept>,
    trash: usize,
    conflicts: usize,
    activity: usize,
    devices: usize,
    used_bytes: u64,
    staged_bytes: i64,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct Kept {
    content: Option<ContentHash>,
    is_deleted: bool,
    /// Of its vector.
    counts: Vec<u64>,
    versions: Vec<ContentHash>,
    /// What is said of a photo.
    photo: Value,
}

fn said_of(photo: &PhotoInfo) -> Value {
    let albums: Vec<_> =
        photo.albums.iter().map(|held| json!([held.cover_at.is_some(), held.sort_at])).collect();
    json!({"isFavorite": photo.is_favorite, "takenAt": photo.taken_at, "albums": albums})
}

async fn end(server: &TestServer, device: &mut Device) -> End {
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
        let photo = item.photo.as_deref().map(said_of).unwrap_or_default();
        let kept = Kept { content: item.content_hash, is_deleted: item.is_deleted, counts, versions, photo };
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
        devices: device.person.get("/devices").await.expect(200).json::<DeviceList>().devices.len(),
        staged_bytes: plan::staged_bytes(server).await,
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
    let resolve = Call::post(&format!("/conflicts/{}/resolve", conflict.id), resolve);
    let resolved: ResolveResponse = network.act(&b.person.client, resolve).await.expect(200).json();
    let film = resolved.items[0].clone();

    // An earlier content comes back.
    let versions = a.versions(film.id).await;
    let earlier = versions.versions.iter().find(|version| version.size == 150 * KIB as u64);
    let path = format!("/files/{}/versions/{}/restore", film.id, earlier.expect("the first content").id);
    let earlier = Call::post(&path, json!({"operationId": fresh::<OperationId>()}));
    network.act(&a.person.client, earlier).await.expect(200);

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

    // A copy, an upload that is given up, and a device that goes.
    let film = a.item(film.id).await;
    network.done(&b, copy(fresh(), trip, "copy.bin", &film, film.content_hash)).await;
    network.give_up(&a, &Plan::new(noise(2, 150 * KIB), 64 * KIB, true)).await;
    let third = Device::another(server).await;
    let off = Call::delete(&format!("/devices/{}", third.person.device_id));
    network.act(&a.person.client, off).await.expect(204);

    // Photos, what is said of them, and albums.
    let base = VersionVector::new();
    let library = library_root(&a.person).await;
    let (one, two) = (
        network.photo(&a, "1.jpg", &jpeg(40, 30, 1)).await,
        network.photo(&b, "2.jpg", &jpeg(40, 30, 2)).await,
    );
    let album = network.done(&a, folder(fresh(), library, "Album")).await.id;
    let said = json!({"baseVersion": {}, "isFavorite": true, "takenAt": "2001-01-01T00:00:00.000"});
    network.done(&a, change(one.id, "photo", said)).await;
    for (device, photo) in [(&a, &one), (&b, &two)] {
        network.done(device, in_album(photo, &base, "albumAdd", album)).await;
    }
    network.done(&a, in_album(&one, &base, "albumCover", album)).await;
    let mut place = in_album(&one, &base, "albumPlace", album);
    place["sortAt"] = json!("2002-01-01T00:00:00.000");
    network.done(&b, place).await;
    let seen = a.item(two.id).await.version;
    network.done(&a, in_album(&two, &seen, "albumRemove", album)).await;

    // What is refused is refused each time.
    let nowhere = network.push(&a, rename(fresh(), &left.version, "nowhere")).await;
    assert_eq!(nowhere.errors.len(), 1);

    network.repeat().await;
    server.expect_sound().await;
    end(server, &mut a).await
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
        assert_eq!(found.items.len(), 9, "{found:?}");
    }
}
