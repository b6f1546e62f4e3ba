//! An upload from the client's side.

use futures::TryStreamExt as _;
use serde_json::{Value, json};
use shared::item::ItemState;
use shared::upload::{UploadCompleted, UploadStarted};
use shared::{ChunkHash, ContentHash, FileItem};
use uuid::Uuid;

use crate::support::{Person, Reply, TestServer};

pub const KIB: usize = 1024;

/// Bytes that no two seeds share.
pub fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes()
    };
    std::iter::repeat_with(&mut next).flatten().take(len).collect()
}

pub fn id() -> Uuid {
    server::clock::Env::system().id()
}

/// An upload from the client's side.
#[derive(Clone)]
pub struct Plan {
    pub file_id: Uuid,
    pub operation_id: Uuid,
    pub bytes: Vec<u8>,
    pub chunk_size: usize,
    pub announce: bool,
    pub name: String,
    pub base: Option<Value>,
}

impl Plan {
    pub fn new(bytes: Vec<u8>, chunk_size: usize, announce: bool) -> Self {
        let name = format!("{}.bin", id());
        Self { file_id: id(), operation_id: id(), bytes, chunk_size, announce, name, base: None }
    }

    /// The same bytes as another file.
    pub fn again(&self, name: &str) -> Self {
        Self { file_id: id(), operation_id: id(), name: name.into(), ..self.clone() }
    }

    pub fn chunks(&self) -> Vec<&[u8]> {
        self.bytes.chunks(self.chunk_size).collect()
    }

    pub fn content_hash(&self) -> ContentHash {
        let hashes: Vec<ChunkHash> = self.chunks().into_iter().map(ChunkHash::of).collect();
        ContentHash::of_chunks(&hashes)
    }

    pub fn request(&self, person: &Person) -> Value {
        let mut request = json!({
            "operationId": self.operation_id, "fileName": self.name, "parentId": person.root_id,
            "totalSize": self.bytes.len(), "chunkSize": self.chunk_size, "totalChunks": self.chunks().len(),
        });
        if self.announce {
            let named = self.chunks().into_iter().enumerate().map(
                |(index, chunk)| json!({"index": index, "hash": ChunkHash::of(chunk), "size": chunk.len()}),
            );
            request["chunks"] = named.collect();
        }
        if let Some(base) = &self.base {
            request["baseVersion"] = base.clone();
        }
        request
    }

    pub async fn try_init(&self, person: &Person) -> Reply {
        person.post(&format!("/files/{}/upload/init", self.file_id), &self.request(person)).await
    }

    pub async fn init(&self, person: &Person) -> UploadStarted {
        self.try_init(person).await.expect(201).json()
    }

    pub fn path(&self, started: &UploadStarted) -> String {
        format!("/files/{}/upload/{}", self.file_id, started.upload_id)
    }

    pub async fn put(&self, person: &Person, started: &UploadStarted, index: u32) -> Reply {
        let path = format!("{}/chunk/{index}", self.path(started));
        person.put(&path, self.chunks()[index as usize].to_vec()).await
    }

    pub async fn try_complete(&self, person: &Person, started: &UploadStarted) -> Reply {
        person.post(&format!("{}/complete", self.path(started)), &json!({})).await
    }

    /// All of it, in one go.
    pub async fn upload(&self, person: &Person) -> UploadCompleted {
        let started = self.init(person).await;
        for &index in &started.missing_chunks {
            self.put(person, &started, index).await.expect(200);
        }
        self.try_complete(person, &started).await.expect(200).json()
    }
}

pub fn present(completed: &UploadCompleted) -> &FileItem {
    match &completed.applied.item {
        ItemState::Present(item) => item,
        ItemState::Purged(_) => panic!("the item is gone"),
    }
}

pub async fn staged_bytes(server: &TestServer) -> i64 {
    let sql = "SELECT CAST(SUM(staged_bytes) AS BIGINT) FROM accounts";
    server.app.db.reader().await.unwrap().fetch_one(sql, vec![]).await.unwrap().get(0).unwrap()
}

pub async fn objects(server: &TestServer) -> usize {
    server.app.blobs.list().try_collect::<Vec<_>>().await.unwrap().len()
}

pub async fn execute(server: &TestServer, sql: &'static str) {
    server
        .app
        .db
        .write::<_, server::db::DbError, _>(move |c| Box::pin(c.execute(sql, vec![])))
        .await
        .unwrap();
}
