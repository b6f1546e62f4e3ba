//! A device that syncs by hand: what it sends is exactly what the test says.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use server::clock::Env;
use shared::item::ItemState;
use shared::sync::{
    Applied, ChangeError, ConflictInfo, ConflictList, Outcome, PullResponse, PushResponse, Resolution,
};
use shared::upload::VersionList;
use shared::{ChunkHash, ChunkRef, ErrorCode, FileItem, ItemId, OperationId, VersionVector};
use uuid::Uuid;

use crate::support::{Person, Reply, TestServer};

/// Its place in the feed, and who it is.
pub struct Device {
    pub person: Person,
    pub token: Option<String>,
}

pub fn fresh<T: From<Uuid>>() -> T {
    Env::system().id()
}

pub fn operation(change: &Value) -> OperationId {
    serde_json::from_value(change["operationId"].clone()).expect("an operation id")
}

/// A change with an operation id of its own.
pub fn change(id: ItemId, kind: &str, rest: Value) -> Value {
    let mut change = json!({"operationId": fresh::<OperationId>(), "fileId": id, "kind": kind});
    change.as_object_mut().expect("an object").extend(rest.as_object().expect("an object").clone());
    change
}

/// The same change on the input of an operation that is not answered yet.
pub fn chained(mut change: Value, before: &Value) -> Value {
    let fields = change.as_object_mut().expect("an object");
    fields.remove("baseVersion");
    fields.insert("baseOperationId".into(), before["operationId"].clone());
    change
}

pub fn folder(id: ItemId, parent: ItemId, name: &str) -> Value {
    change(id, "createFolder", json!({"baseVersion": {}, "parentId": parent, "name": name}))
}

pub fn file(id: ItemId, parent: ItemId, name: &str, data: impl AsRef<[u8]>) -> Value {
    let data = data.as_ref();
    change(
        id,
        "create",
        json!({"baseVersion": {}, "parentId": parent, "name": name, "size": data.len(), "data": STANDARD.encode(data)}),
    )
}

pub fn content(id: ItemId, base: &VersionVector, data: impl AsRef<[u8]>) -> Value {
    let data = data.as_ref();
    change(id, "content", json!({"baseVersion": base, "size": data.len(), "data": STANDARD.encode(data)}))
}

/// The change with a content of chunks that were sent before, or should have been.
pub fn cut(mut change: Value, chunks: &[ChunkRef]) -> Value {
    let fields = change.as_object_mut().expect("an object");
    fields.remove("data");
    fields.insert("size".into(), json!(chunks.iter().map(|chunk| u64::from(chunk.size)).sum::<u64>()));
    fields.insert("chunks".into(), json!(chunks));
    change
}

pub fn chunk(bytes: &str) -> ChunkRef {
    ChunkRef { hash: ChunkHash::of(bytes.as_bytes()), size: bytes.len() as u32 }
}

pub fn rename(id: ItemId, base: &VersionVector, name: &str) -> Value {
    change(id, "move", json!({"baseVersion": base, "name": name}))
}

pub fn into(id: ItemId, base: &VersionVector, parent: ItemId) -> Value {
    change(id, "move", json!({"baseVersion": base, "parentId": parent}))
}

pub fn delete(id: ItemId, base: &VersionVector, seen: Option<&str>) -> Value {
    change(id, "delete", json!({"baseVersion": base, "seenToken": seen}))
}

pub fn restore(id: ItemId, base: &VersionVector) -> Value {
    change(id, "restore", json!({"baseVersion": base}))
}

pub fn purge(id: ItemId, base: &VersionVector) -> Value {
    change(id, "purge", json!({"baseVersion": base}))
}

/// The item of an answer, which is there.
pub fn present(state: &ItemState) -> &FileItem {
    state.present().expect("an item that is there")
}

impl Device {
    /// Two devices of one new person.
    pub async fn two(server: &TestServer) -> (Self, Self) {
        let first = Self { person: server.person("ann").await, token: None };
        let second = Self { person: server.sign_in("ann").await, token: None };
        (first, second)
    }

    pub async fn another(server: &TestServer) -> Self {
        Self { person: server.sign_in("ann").await, token: None }
    }

    pub fn root(&self) -> ItemId {
        self.person.root_id
    }

    pub async fn push_raw(&self, changes: &[Value]) -> Reply {
        let body =
            json!({"deviceId": self.person.device_id, "lastSyncToken": self.token, "changes": changes});
        self.person.post("/sync/push", &body).await
    }

    /// Pushes; the device's token becomes the answer's.
    pub async fn push(&mut self, changes: &[Value]) -> PushResponse {
        let answer: PushResponse = self.push_raw(changes).await.expect(200).json();
        let answered = answer.applied.len() + answer.conflicts.len() + answer.errors.len();
        assert_eq!(answered, changes.len(), "{answer:?}");
        self.token.clone_from(&answer.sync_token);
        answer
    }

    #[track_caller]
    fn sole<T: Clone>(list: &[T], answer: &PushResponse) -> T {
        assert_eq!(list.len(), 1, "{answer:?}");
        list[0].clone()
    }

    pub async fn applied(&mut self, change: &Value) -> Applied {
        let answer = self.push(std::slice::from_ref(change)).await;
        Self::sole(&answer.applied, &answer)
    }

    /// Pushes what must be applied as asked; the item as it is then.
    pub async fn done(&mut self, change: Value) -> FileItem {
        let applied = self.applied(&change).await;
        assert_eq!(applied.outcome, Outcome::Applied, "{applied:?}");
        present(&applied.item).clone()
    }

    pub async fn outcome(&mut self, change: Value) -> (Outcome, FileItem) {
        let applied = self.applied(&change).await;
        (applied.outcome, present(&applied.item).clone())
    }

    pub async fn conflicted(&mut self, change: Value) -> ConflictInfo {
        let answer = self.push(&[change]).await;
        Self::sole(&answer.conflicts, &answer)
    }

    pub async fn refused(&mut self, change: Value) -> ChangeError {
        let answer = self.push(&[change]).await;
        Self::sole(&answer.errors, &answer)
    }

    pub async fn refused_as(&mut self, change: Value, code: ErrorCode) {
        assert_eq!(self.refused(change).await.code, code);
    }

    /// Everything since its token, over all pages.
    pub async fn pull(&mut self) -> Vec<ItemState> {
        self.pull_by(1_000).await
    }

    pub async fn pull_by(&mut self, limit: usize) -> Vec<ItemState> {
        let mut all = Vec::new();
        loop {
            let since = self.token.as_deref().map(|token| format!("&since={token}")).unwrap_or_default();
            let page: PullResponse =
                self.person.get(&format!("/sync/pull?limit={limit}{since}")).await.expect(200).json();
            all.extend(page.changes);
            self.token = Some(page.sync_token);
            if !page.has_more {
                return all;
            }
        }
    }

    pub async fn item(&self, id: ItemId) -> FileItem {
        self.person.get(&format!("/files/{id}")).await.expect(200).json()
    }

    pub async fn bytes(&self, id: ItemId) -> Vec<u8> {
        self.person.get(&format!("/files/{id}/download")).await.expect(200).body.to_vec()
    }

    pub async fn versions(&self, id: ItemId) -> VersionList {
        self.person.get(&format!("/files/{id}/versions")).await.expect(200).json()
    }

    pub async fn conflicts(&self) -> Vec<ConflictInfo> {
        self.person.get("/conflicts").await.expect(200).json::<ConflictList>().conflicts
    }

    pub async fn resolve_raw(&self, conflict: &ConflictInfo, resolution: Resolution) -> Reply {
        let body = json!({
            "operationId": fresh::<OperationId>(), "resolution": resolution,
            "serverVersion": conflict.server_version,
        });
        self.person.post(&format!("/conflicts/{}/resolve", conflict.id), &body).await
    }
}
