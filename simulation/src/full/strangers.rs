//! Those who must be told nothing: another person, whatever the first one does, and devices that were taken
//! off the account.

use std::collections::BTreeSet;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request as HttpRequest, StatusCode, header};
use bytes::Bytes;
use serde_json::{Value, json};
use shared::{ChunkHash, ChunkRef, DeviceId, ErrorCode, ItemId, Problem};
use uuid::Uuid;

use super::node::{Node, Running, STRANGER};
use super::wire;
use crate::oracle::{Invariant, Violation};
use crate::server::Reply;

/// What the other person sees of their own.
const OWN: [&str; 3] = ["/sync/pull?limit=1000", "/trash", "/conflicts"];
/// An id that nothing has, and bytes.
const ABSENT_ITEM: Uuid = Uuid::from_u128(0xAB5E_0001);
const ABSENT_BYTES: &[u8] = b"nobody has this";

#[derive(Default)]
pub struct Strangers {
    device: Option<DeviceId>,
    /// What the other person was told of their own at first.
    own: Option<Vec<Value>>,
    /// Devices that were taken off.
    pub removed: BTreeSet<DeviceId>,
}

/// Somebody with a session.
struct Caller<'a> {
    running: &'a Running,
    token: String,
    device: DeviceId,
}

impl Caller<'_> {
    fn send(&self, mut request: HttpRequest<Body>) -> (StatusCode, Bytes) {
        if let Ok(value) = HeaderValue::try_from(format!("Bearer {}", self.token)) {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        self.running.send(request)
    }

    fn get(&self, path: &str) -> (StatusCode, Bytes) {
        self.send(wire::empty(Method::GET, path))
    }

    fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let (status, body) = self.send(wire::json(Method::POST, path, body));
        (status, wire::read(&body))
    }

    /// Without what tells the time. None where the server has them wait, as it may after its clock was set back.
    fn own(&self) -> Option<Vec<Value>> {
        let timeless = |path: &&str| {
            let (status, answer) = self.get(path);
            let mut answer: Value = wire::read(&answer);
            answer.as_object_mut().map(|answer| answer.remove("syncToken"));
            (status != StatusCode::TOO_MANY_REQUESTS).then_some(answer)
        };
        OWN.iter().map(timeless).collect()
    }

    fn push(&self, change: &Value) -> (StatusCode, Value) {
        let push = json!({"deviceId": self.device, "lastSyncToken": null, "changes": [change]});
        self.post("/sync/push", &push)
    }
}

/// The other person gets things of their own.
pub(super) fn settle_in(running: &Running) {
    let (token, device) = running.sign_in(STRANGER, None);
    let caller = Caller { running, token, device };
    let root = wire::read::<Value>(&caller.get("/auth/me").1)["rootId"].clone();
    let file = json!({
        "operationId": Uuid::from_u128(0xBE_0001), "fileId": Uuid::from_u128(0xBE_0002), "kind": "create",
        "baseVersion": {}, "parentId": root, "name": "own.txt", "size": 3, "data": "YmVu",
    });
    let (status, answer) = caller.push(&file);
    assert!(status == StatusCode::OK && answer["errors"] == json!([]), "{answer}");
}

impl Node {
    /// The other person asks for what is theirs, and for what is not: the one never changes, of the other they
    /// are told what one is told of what is not there.
    pub fn look_for_breaches(&mut self, item: Option<ItemId>, chunk: Option<ChunkRef>) {
        let (token, device) = self.running().sign_in(STRANGER, self.strangers.device);
        let ids: [Uuid; 6] = std::array::from_fn(|_| self.machine.env().id());
        let caller = Caller { running: self.running(), token, device };
        let Some(own) = caller.own() else { return };
        let foreign = item.map(|item| told_of(&caller, item.0, [ids[0], ids[1]]));
        let absent = told_of(&caller, ABSENT_ITEM, [ids[2], ids[3]]);
        let held = chunk.and_then(|chunk| {
            let present = missing(&caller, chunk.hash, chunk.size, ids[4]);
            (present != missing(&caller, ChunkHash::of(ABSENT_BYTES), chunk.size, ids[5])).then_some(present)
        });
        self.strangers.device = Some(device);
        let before = self.strangers.own.get_or_insert_with(|| own.clone()).clone();
        if own != before {
            self.breach(Invariant::Isolation, format!("another person had {before:?} and now {own:?}"));
        }
        if let Some(foreign) = foreign.filter(|foreign| *foreign != absent) {
            self.breach(Invariant::Isolation, format!("of {item:?}: {foreign:?}, of nothing: {absent:?}"));
        }
        if let Some(held) = held {
            self.breach(Invariant::Isolation, format!("another person is told of {chunk:?}: {held}"));
        }
        for device in self.strangers.removed.clone() {
            self.ask_as_removed(device);
        }
    }

    /// A device that was taken off asks for something.
    pub(super) fn ask_as_removed(&mut self, device: DeviceId) {
        let (status, _) = self.send(device, wire::empty(Method::GET, OWN[0]));
        // Too many from one place are turned away before anyone looks who asks.
        if !matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS) {
            self.breach(Invariant::Revocation, format!("{device} was taken off and is answered {status}"));
        }
    }

    /// How a request of that device was answered.
    pub fn note_answer(&mut self, device: DeviceId, reply: &Result<Reply, Problem>) {
        let refuses = |code| matches!(code, ErrorCode::Unauthenticated | ErrorCode::RateLimited);
        let refused = reply.as_ref().is_err_and(|problem| refuses(problem.code));
        if self.strangers.removed.contains(&device) && !refused {
            self.breach(Invariant::Revocation, format!("{device} was taken off and is answered {reply:?}"));
        }
    }

    fn breach(&mut self, invariant: Invariant, detail: String) {
        self.breaches.push(Violation { invariant, detail });
    }
}

/// All that somebody can learn of an item by its id.
fn told_of(caller: &Caller<'_>, id: Uuid, operations: [Uuid; 2]) -> Vec<(StatusCode, String)> {
    let nameless = |(status, body): (StatusCode, String)| (status, body.replace(&id.to_string(), "ID"));
    let looks = ["download", "versions", "zip"].map(|what| {
        let (status, body) = caller.get(&format!("/files/{id}/{what}"));
        nameless((status, String::from_utf8_lossy(&body).into_owned()))
    });
    let acts = [("delete", json!({"seenToken": null})), ("move", json!({"name": "mine"}))];
    let acts = acts.into_iter().zip(operations).map(|((kind, more), operation)| {
        let mut change = json!({"operationId": operation, "fileId": id, "baseVersion": {}, "kind": kind});
        if let (Some(change), Value::Object(more)) = (change.as_object_mut(), more) {
            change.extend(more);
        }
        let (status, answer) = caller.push(&change);
        nameless((status, answer.to_string().replace(&operation.to_string(), "OPERATION")))
    });
    looks.into_iter().chain(acts).collect()
}

/// Which chunks somebody would have to send who announces this one.
fn missing(caller: &Caller<'_>, hash: ChunkHash, size: u32, operation: Uuid) -> Value {
    let init = json!({
        "operationId": operation, "fileName": "new", "totalSize": size, "chunkSize": size, "totalChunks": 1,
        "chunks": [{"index": 0, "hash": hash, "size": size}],
    });
    let (status, answer) = caller.post(&format!("/files/{operation}/upload/init"), &init);
    let upload = answer["uploadId"].as_str().unwrap_or_default();
    caller.send(wire::empty(Method::DELETE, &format!("/files/{operation}/upload/{upload}")));
    json!([status.as_u16(), answer["missingChunks"], answer["code"]])
}
