//! A real server for a test, and clients of several kinds. Each test runs on every database that is there:
//! SQLite always, PostgreSQL where `TEST_POSTGRES_URL` names a server.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use server::blobs::Blobs;
use server::clock::{Clock, Env};
use server::config::{Config, Sources};
use server::passwords::PasswordCost;
use server::state::App;
use shared::account::TokenGranted;
use shared::{DeviceId, ErrorCode, ItemId, Problem, Timestamp};
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

/// Fits [`Client::sign_in`] everywhere.
pub const PASSWORD: &str = "correct horse";

/// The machine's clock, moved on by tests.
struct TestClock {
    system: Env,
    ahead_ms: AtomicI64,
    /// Where the machine's clock was when it was stopped; 0 while it runs.
    stopped_ms: AtomicI64,
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let stopped_ms = self.stopped_ms.load(Ordering::Relaxed);
        let now_ms = if stopped_ms == 0 { self.system.now().as_millis() } else { stopped_ms };
        Timestamp::from_millis(now_ms + self.ahead_ms.load(Ordering::Relaxed))
    }
}

/// A running server. Dropping it stops it.
pub struct TestServer {
    pub app: App,
    pub address: SocketAddr,
    clock: Arc<TestClock>,
    stop: CancellationToken,
    folder: Arc<TempDir>,
    settings: BTreeMap<String, String>,
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl TestServer {
    /// On SQLite.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    /// On SQLite, with these settings (named as in the environment).
    pub async fn start_with(settings: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a temporary folder"));
        let settings = settings.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self::open(folder, settings).await
    }

    /// One server on each database that is there; PostgreSQL goes with S3 where there is one.
    pub async fn each() -> Vec<Self> {
        Self::each_with(&[]).await
    }

    /// As [`Self::each`], with these settings.
    pub async fn each_with(settings: &[(&str, &str)]) -> Vec<Self> {
        let mut all = vec![Self::start_with(settings).await];
        if let Ok(url) = std::env::var("TEST_POSTGRES_URL") {
            let mut places = vec![("DATABASE_URL", fresh_schema(&url).await)];
            if let Ok(url) = std::env::var("TEST_S3_URL") {
                places.push(("CLOUDSTEAD_BLOB_URL", fresh_prefix(&url)));
            }
            let places = places.iter().map(|(name, value)| (*name, value.as_str()));
            all.push(Self::start_with(&places.chain(settings.iter().copied()).collect::<Vec<_>>()).await);
        }
        all
    }

    /// Another node over the same data (on SQLite: the same server again, once this one was dropped).
    pub async fn again(&self) -> Self {
        Self::open(Arc::clone(&self.folder), self.settings.clone()).await
    }

    /// On SQLite, with its objects in that store.
    pub async fn start_over(blobs: Blobs) -> Self {
        Self::open_over(
            Arc::new(tempfile::tempdir().expect("a temporary folder")),
            BTreeMap::new(),
            Some(blobs),
        )
        .await
    }

    async fn open(folder: Arc<TempDir>, settings: BTreeMap<String, String>) -> Self {
        Self::open_over(folder, settings, None).await
    }

    async fn open_over(
        folder: Arc<TempDir>,
        mut settings: BTreeMap<String, String>,
        blobs: Option<Blobs>,
    ) -> Self {
        let defaults = [
            ("CLOUDSTEAD_DATA", folder.path().to_string_lossy().into_owned()),
            ("CLOUDSTEAD_REGISTRATION", "open".to_owned()),
        ];
        for (name, value) in defaults {
            settings.entry(name.to_owned()).or_insert(value);
        }
        let sources = Sources { flags: &settings, environment: &|_| None, file: &BTreeMap::new() };
        let mut config = Config::resolve(&sources).expect("the settings stand");
        config.decoder = env!("CARGO_BIN_EXE_cloudstead").into();
        let system = Env::system();
        let clock = Arc::new(TestClock {
            system: system.clone(),
            ahead_ms: AtomicI64::new(0),
            stopped_ms: AtomicI64::new(0),
        });
        let env = Env { clock: Arc::<TestClock>::clone(&clock), chance: system.chance };
        let mut app = App::open(config, env, PasswordCost::TRIFLING).await.expect("the server opens");
        app.blobs = blobs.unwrap_or(app.blobs);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let stop = CancellationToken::new();
        tokio::spawn(server::serve::run(app.clone(), listener, stop.clone()));
        Self { app, address, clock, stop, folder, settings }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn origin(&self) -> String {
        self.url("")
    }

    /// From now on only [`Self::advance`] moves the clock, however slow the machine is.
    pub fn stop_clock(&self) {
        self.clock.stopped_ms.store(self.clock.system.now().as_millis(), Ordering::Relaxed);
    }

    pub fn advance(&self, by: Duration) {
        self.clock
            .ahead_ms
            .fetch_add(i64::try_from(by.as_millis()).expect("a short time"), Ordering::Relaxed);
    }

    /// The date is wrong from now on, so long ago.
    pub fn set_back(&self, by: Duration) {
        self.clock
            .ahead_ms
            .fetch_sub(i64::try_from(by.as_millis()).expect("a short time"), Ordering::Relaxed);
    }

    /// Every file of its object folder, whole or in the middle of being written.
    pub fn files(&self) -> Vec<String> {
        let mut folders = vec![self.folder.path().join("blobs")];
        let mut files = Vec::new();
        while let Some(entries) = folders.pop().map(std::fs::read_dir) {
            for entry in entries.into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    folders.push(entry.path());
                } else {
                    files.push(entry.path().display().to_string());
                }
            }
        }
        files.sort();
        files
    }

    /// Fails the test unless every reference and every byte that is counted adds up.
    pub async fn expect_sound(&self) {
        let mut snapshot = self.app.db.snapshot().await.expect("the database answers");
        let found = server::db::recount::recount(&mut snapshot).await.expect("the database answers");
        let found: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{found:#?}");
    }

    /// Nobody in particular.
    pub fn anonymous(&self) -> Client {
        Client::anonymous(self.origin())
    }

    /// A new person with a bearer token.
    pub async fn person(&self, username: &str) -> Person {
        self.anonymous().person(username).await
    }

    /// That person on a further device, with a bearer token.
    pub async fn sign_in(&self, username: &str) -> Person {
        self.anonymous().sign_in(username).await
    }

    pub fn socket_url(&self) -> String {
        format!("ws://{}/api/v1/ws", self.address)
    }

    /// An open socket of that person's device.
    pub async fn socket(&self, person: &Person) -> Socket {
        let mut request = self.socket_url().into_client_request().expect("an address");
        let bearer = format!("Bearer {}", person.token).parse().expect("a header");
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        let (socket, _) = tokio_tungstenite::connect_async(request).await.expect("a socket");
        Socket(socket)
    }

    /// That person in a browser: with a cookie, and the origin that browsers send.
    pub async fn browser(&self, username: &str) -> Client {
        let mut client = self.anonymous();
        let reply = client.post("/auth/login", &sign_in(username, PASSWORD)).await.expect(200);
        client.credentials = Credentials::Cookie(reply.cookies());
        client
    }
}

/// An open WebSocket.
pub struct Socket(pub WebSocketStream<MaybeTlsStream<TcpStream>>);

/// The body of a sign-in on a new device.
pub fn sign_in(username: &str, password: &str) -> Value {
    json!({"username": username, "password": password, "device": {"name": "Test", "platform": "test"}})
}

/// The address of a schema of its own on that PostgreSQL.
pub async fn fresh_schema(url: &str) -> String {
    let pool = sqlx::PgPool::connect(url).await.expect("PostgreSQL answers");
    let schema = format!("test_{}", Env::system().id::<uuid::Uuid>().simple());
    let sql = sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
    sqlx::query(sql).execute(&pool).await.expect("a schema");
    let separator = if url.contains('?') { '&' } else { '?' };
    format!("{url}{separator}options=-c%20search_path%3D{schema}")
}

/// A port that leads to another, until it is cut.
pub struct Wire {
    pub address: SocketAddr,
    target: String,
    forwarding: JoinHandle<()>,
}

impl Wire {
    pub async fn to(target: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        Self { address, forwarding: tokio::spawn(forward(listener, target.clone())), target }
    }

    /// Breaks every connection and takes no more.
    pub async fn cut(&mut self) {
        self.forwarding.abort();
        drop((&mut self.forwarding).await);
    }

    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the same port");
        self.forwarding = tokio::spawn(forward(listener, self.target.clone()));
    }
}

async fn forward(listener: TcpListener, target: String) {
    let mut under_way = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        let target = target.clone();
        under_way.spawn(async move {
            if let Ok(mut far) = TcpStream::connect(target).await {
                drop(copy_bidirectional(&mut near, &mut far).await);
            }
        });
    }
}

/// The address of a place of its own in that S3. Short: the test server makes a file name of a whole key.
pub fn fresh_prefix(url: &str) -> String {
    let random = u32::from_le_bytes(Env::system().secret()[..4].try_into().expect("four bytes"));
    format!("{}/{random:08x}", url.trim_end_matches('/'))
}

/// Someone signed in.
pub struct Person {
    pub client: Client,
    pub token: String,
    pub device_id: DeviceId,
    pub root_id: ItemId,
}

impl std::ops::Deref for Person {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

#[derive(Clone)]
pub enum Credentials {
    None,
    Bearer(String),
    /// The value of the `Cookie` header; sent with the `Origin` of the server's own pages.
    Cookie(String),
}

/// Speaks to one server's `/api/v1`.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    origin: String,
    pub credentials: Credentials,
}

impl Client {
    /// Nobody in particular.
    pub fn anonymous(origin: String) -> Self {
        Self { http: reqwest::Client::new(), origin, credentials: Credentials::None }
    }

    /// A new person with a bearer token.
    pub async fn person(self, username: &str) -> Person {
        let body = json!({"username": username, "password": PASSWORD});
        self.post("/auth/register", &body).await.expect(201);
        self.sign_in(username).await
    }

    /// That person on a further device, with a bearer token.
    pub async fn sign_in(self, username: &str) -> Person {
        self.granted(&sign_in(username, PASSWORD)).await
    }

    /// That person once more on a device of theirs.
    pub async fn sign_in_on(self, username: &str, device: DeviceId) -> Person {
        let mut body = sign_in(username, PASSWORD);
        body["device"]["id"] = json!(device);
        self.granted(&body).await
    }

    async fn granted(self, body: &Value) -> Person {
        let granted: TokenGranted = self.post("/auth/token", body).await.expect(200).json();
        let credentials = Credentials::Bearer(granted.token.clone());
        Person {
            client: Self { credentials, ..self },
            token: granted.token,
            device_id: granted.signed_in.device.id,
            root_id: granted.signed_in.root_id,
        }
    }

    /// The same credentials, shown to another node.
    pub fn at(&self, node: &TestServer) -> Self {
        Self { origin: node.origin(), ..self.clone() }
    }

    /// A request with the credentials, to be added to.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method.clone(), format!("{}/api/v1{path}", self.origin));
        match &self.credentials {
            Credentials::None => request,
            Credentials::Bearer(token) => request.bearer_auth(token),
            Credentials::Cookie(cookies) => {
                let request = request.header(header::COOKIE, cookies);
                if method == Method::GET { request } else { request.header(header::ORIGIN, &self.origin) }
            }
        }
    }

    pub async fn get(&self, path: &str) -> Reply {
        Reply::to(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &impl Serialize) -> Reply {
        Reply::to(self.request(Method::POST, path).json(body)).await
    }

    pub async fn put(&self, path: &str, body: impl Into<reqwest::Body>) -> Reply {
        let request =
            self.request(Method::PUT, path).header(header::CONTENT_TYPE, "application/octet-stream");
        Reply::to(request.body(body)).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        Reply::to(self.request(Method::DELETE, path)).await
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub body: bytes::Bytes,
}

impl Reply {
    /// An answer that is given before any route is asked.
    pub async fn to_undocumented(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, body: response.bytes().await.expect("a whole answer") }
    }

    pub async fn to(request: RequestBuilder) -> Self {
        let (http, request) = request.build_split();
        let request = request.expect("a request");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let reply = Self::to_undocumented(RequestBuilder::from_parts(http, request)).await;
        crate::document::expect_documented(&method, &path, &reply);
        reply
    }

    /// Fails the test unless the status is this.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The problem, checked against what every problem must be.
    #[track_caller]
    pub fn problem(&self, code: ErrorCode) -> Problem {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        assert_eq!(kind, Some("application/problem+json"), "{}", String::from_utf8_lossy(&self.body));
        let problem: Problem = self.json();
        assert_eq!(problem.code, code, "{}", problem.detail);
        assert_eq!((problem.status, code.status()), (self.status.as_u16(), self.status.as_u16()));
        assert_eq!(problem.retry_after_ms.is_some(), self.headers.contains_key(header::RETRY_AFTER));
        assert!(problem.retry_after_ms.is_some() || !code.retryable() || code == ErrorCode::ChunksMissing);
        problem
    }

    /// The cookies that the answer sets, as a browser sends them back.
    pub fn cookies(&self) -> String {
        let set = self.headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        set.filter_map(|value| value.split(';').next()).collect::<Vec<_>>().join("; ")
    }
}
