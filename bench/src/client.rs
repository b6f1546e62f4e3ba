//! A client of the contract, as lean as one can be, so that the server is what is measured.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::StreamExt as _;
use reqwest::{Method, RequestBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::account::{DeviceClaim, Password, Register, SignIn, TokenGranted};
use shared::photo::{DuplicatePage, PhotoPage};
use shared::photo_index::PhotoIndexPage;
use shared::sync::{Base, Change, ChangeKind, ContentInput, PullResponse, PushRequest, PushResponse};
use shared::upload::{AnnouncedChunk, InitUpload, Library, UploadCompleted, UploadStarted};
use shared::{DeviceId, ItemId, Timestamp, VersionVector};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use uuid::Uuid;

use crate::Outcome;

pub const PASSWORD: &str = "correct horse battery";

pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: String,
    pub device_id: DeviceId,
    pub root_id: ItemId,
}

/// What an upload is about to send.
pub struct Plan {
    pub name: String,
    pub total_size: u64,
    pub chunk_size: u32,
    pub total_chunks: u32,
    pub chunks: Option<Vec<AnnouncedChunk>>,
}

/// A page of a list, and the bytes that it took on the wire.
pub struct Fetched<T> {
    pub page: T,
    pub bytes: usize,
}

impl Client {
    /// The first account of a fresh server, signed in.
    pub async fn first_account(url: &str) -> Outcome<Self> {
        Self::account(url, "bench").await
    }

    /// A new account, signed in.
    pub async fn account(url: &str, username: &str) -> Outcome<Self> {
        let register = Register {
            username: username.to_owned(),
            password: Password(PASSWORD.to_owned()),
            display_name: None,
            invite: None,
        };
        let http = reqwest::Client::builder().no_proxy().build()?;
        let _: serde_json::Value =
            answer(http.post(format!("{url}/api/v1/auth/register")).json(&register)).await?;
        Self::sign_in(url, username).await
    }

    /// The account on a new device.
    pub async fn sign_in(url: &str, username: &str) -> Outcome<Self> {
        let http = reqwest::Client::builder().no_proxy().build()?;
        let base = format!("{url}/api/v1");
        let device = DeviceClaim { id: None, name: "Bench".to_owned(), platform: "bench".to_owned() };
        let password = Password(PASSWORD.to_owned());
        let sign_in = SignIn { username: username.to_owned(), password, device };
        let granted: TokenGranted = answer(http.post(format!("{base}/auth/token")).json(&sign_in)).await?;
        let TokenGranted { token, signed_in } = granted;
        Ok(Self { http, base, token, device_id: signed_in.device.id, root_id: signed_in.root_id })
    }

    /// An open socket of this device, greeted.
    pub async fn socket(&self) -> Outcome<Socket> {
        let url = format!("{}/ws", self.base.replacen("http", "ws", 1));
        let mut request = url.into_client_request()?;
        request.headers_mut().insert("authorization", format!("Bearer {}", self.token).parse()?);
        let (mut socket, _) = tokio_tungstenite::connect_async(request).await?;
        while let Some(message) = socket.next().await {
            if message?.is_text() {
                return Ok(socket);
            }
        }
        Err("a socket was closed before it was greeted".into())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Outcome<T> {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// Pushes, and fails unless every change was applied.
    pub async fn push(&self, changes: Vec<Change>) -> Outcome {
        let count = changes.len();
        let request = PushRequest { device_id: self.device_id, last_sync_token: None, changes };
        let response: PushResponse = self.post("/sync/push", &request).await?;
        if response.applied.len() == count {
            return Ok(());
        }
        Err(format!("{} of {count} changes applied; {:?}", response.applied.len(), response.errors.first())
            .into())
    }

    pub async fn pull(&self, since: Option<&str>) -> Outcome<PullResponse> {
        let mut query = vec![("limit", "1000")];
        query.extend(since.map(|token| ("since", token)));
        answer(self.request(Method::GET, "/sync/pull").query(&query)).await
    }

    /// A page of the photo library from the cursor on.
    pub async fn photos(&self, cursor: Option<&str>, limit: usize) -> Outcome<Fetched<PhotoPage>> {
        let limit = limit.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        fetched(self.request(Method::GET, "/photos").query(&query)).await
    }

    /// The first page of the photos that a search finds.
    pub async fn photos_found(&self, query: &str, limit: usize) -> Outcome<Fetched<PhotoPage>> {
        let limit = limit.to_string();
        let query = [("query", query), ("limit", limit.as_str())];
        fetched(self.request(Method::GET, "/photos").query(&query)).await
    }

    /// The first page of the index of the photos that a search finds.
    pub async fn photos_found_index(&self, query: &str) -> Outcome<Fetched<PhotoIndexPage>> {
        fetched(self.request(Method::GET, "/photos/index").query(&[("query", query)])).await
    }

    /// The first page of photos that look the same.
    pub async fn duplicates(&self) -> Outcome<Fetched<DuplicatePage>> {
        fetched(self.request(Method::GET, "/photos/duplicates")).await
    }

    /// A page of its index.
    pub async fn photo_index(&self, cursor: Option<&str>) -> Outcome<Fetched<PhotoIndexPage>> {
        let query: Vec<_> = cursor.map(|cursor| ("cursor", cursor)).into_iter().collect();
        fetched(self.request(Method::GET, "/photos/index").query(&query)).await
    }

    pub async fn begin(&self, file: ItemId, plan: Plan) -> Outcome<UploadStarted> {
        let request = InitUpload {
            operation_id: Uuid::now_v7().into(),
            file_name: plan.name,
            parent_id: Some(self.root_id),
            total_size: plan.total_size,
            chunk_size: plan.chunk_size,
            total_chunks: plan.total_chunks,
            chunks: plan.chunks,
            base_version: None,
            base_operation_id: None,
            last_sync_token: None,
            mime_type: None,
            created_at: None,
            modified_at: None,
            library: Library::Files,
        };
        self.post(&format!("/files/{file}/upload/init"), &request).await
    }

    pub async fn send_chunk(
        &self,
        file: ItemId,
        upload: &UploadStarted,
        index: u32,
        bytes: Bytes,
    ) -> Outcome {
        let path = format!("/files/{file}/upload/{}/chunk/{index}", upload.upload_id);
        let request = self.request(Method::PUT, &path).header("content-type", "application/octet-stream");
        let _: serde_json::Value = answer(request.body(bytes)).await?;
        Ok(())
    }

    pub async fn complete(&self, file: ItemId, upload: &UploadStarted) -> Outcome<UploadCompleted> {
        self.post(&format!("/files/{file}/upload/{}/complete", upload.upload_id), &serde_json::json!({}))
            .await
    }

    pub async fn download(&self, file: ItemId) -> Outcome<reqwest::Response> {
        let response = self.request(Method::GET, &format!("/files/{file}/download")).send().await?;
        Ok(response.error_for_status()?)
    }

    pub fn create_file(&self, name: String, bytes: &[u8]) -> Change {
        let (parent_id, content) = (self.root_id, content(bytes));
        change(ChangeKind::Create {
            parent_id,
            name,
            content,
            mime_type: None,
            created_at: None,
            modified_at: None,
        })
    }

    /// A JPEG in the library with that root, whose file is of that time.
    pub fn create_photo(library: ItemId, name: String, jpeg: &[u8], modified_at: Timestamp) -> Change {
        change(ChangeKind::Create {
            parent_id: library,
            name,
            content: content(jpeg),
            mime_type: Some("image/jpeg".to_owned()),
            created_at: None,
            modified_at: Some(modified_at),
        })
    }

    pub fn create_folder(&self, name: String) -> Change {
        let parent_id = self.root_id;
        change(ChangeKind::CreateFolder { parent_id, name, created_at: None, modified_at: None })
    }
}

fn content(bytes: &[u8]) -> ContentInput {
    ContentInput { size: bytes.len() as u64, data: Some(STANDARD.encode(bytes)), ..ContentInput::default() }
}

fn change(kind: ChangeKind) -> Change {
    Change {
        operation_id: Uuid::now_v7().into(),
        file_id: Uuid::now_v7().into(),
        base: Base::version(VersionVector::new()),
        kind,
    }
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Outcome<T> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.bytes().await?;
    if status.is_success() {
        return Ok(serde_json::from_slice(&body)?);
    }
    Err(format!("{status}: {}", String::from_utf8_lossy(&body)).into())
}

/// The answer as browsers ask for it, compressed.
async fn fetched<T: DeserializeOwned>(request: RequestBuilder) -> Outcome<Fetched<T>> {
    let response = request.header("accept-encoding", "gzip").send().await?.error_for_status()?;
    let is_compressed = response.headers().get("content-encoding").is_some_and(|name| name == "gzip");
    let body = response.bytes().await?;
    let page = if is_compressed {
        serde_json::from_reader(std::io::BufReader::new(GzDecoder::new(&body[..])))?
    } else {
        serde_json::from_slice(&body)?
    };
    Ok(Fetched { page, bytes: body.len() })
}
