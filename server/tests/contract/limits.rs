//! The bounds that are not one feature's: rates, sessions, devices, uploads, headers, pages.

use std::collections::BTreeSet;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use shared::limits::{DEVICES_MAX, HEADERS_MAX, PULL_LIMIT_MAX, SESSIONS_MAX, UPLOAD_SESSIONS_MAX};
use shared::upload::VersionList;
use shared::{ErrorCode, Problem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::plan::{Plan, noise};
use crate::support::{PASSWORD, Person, Reply, TestServer, sign_in};

/// A server that takes so many requests a minute of an account, and a tenth of an address.
async fn slow_server(per_account: &str) -> TestServer {
    TestServer::start_with(&[("CLOUDSTEAD_REQUESTS_PER_MINUTE", per_account)]).await
}

/// Asks until it is refused: how often it was answered before.
async fn until_refused(mut ask: impl AsyncFnMut() -> Reply) -> (usize, Problem) {
    for answered in 0..1_000 {
        let reply = ask().await;
        if reply.status == 429 {
            return (answered, reply.problem(ErrorCode::RateLimited));
        }
    }
    panic!("nothing was refused")
}

#[tokio::test]
async fn an_account_that_runs_away_slows_down_alone_and_can_be_reined_in() {
    let server = slow_server("100").await;
    let (ann, ben) = (server.person("ann").await, server.person("ben").await);
    let phone = server.sign_in("ann").await;
    server.stop_clock();
    let (answered, refused) = until_refused(async || phone.get("/conflicts").await).await;
    let pause = refused.retry_after_ms.expect("a pause");
    assert_eq!((answered, pause), (100, 600));
    ann.get("/conflicts").await.problem(ErrorCode::RateLimited);
    // Nobody else pays for it, and the owner sees the device and ends it.
    ben.get("/conflicts").await.expect(200);
    ann.get("/devices").await.expect(200);
    ann.delete(&format!("/devices/{}", phone.device_id)).await.expect(204);
    server.advance(Duration::from_millis(pause));
    ann.get("/conflicts").await.expect(200);
}

#[tokio::test]
async fn who_shows_no_session_is_counted_by_address_and_keeps_no_owner_out() {
    let server = slow_server("100").await;
    let ann = server.person("ann").await;
    server.stop_clock();
    let anonymous = server.anonymous();
    let (answered, _) = until_refused(async || anonymous.get("/conflicts").await).await;
    assert!((9..=10).contains(&answered), "{answered} beside the registration");
    let body = json!({"username": "ben", "password": PASSWORD});
    anonymous.post("/auth/register", &body).await.problem(ErrorCode::RateLimited);
    ann.get("/conflicts").await.expect(200);
    anonymous.post("/auth/login", &sign_in("ann", PASSWORD)).await.expect(200);
    anonymous.get("/health/live").await.expect(200);
}

#[tokio::test]
async fn an_account_has_so_many_sessions_and_devices() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let claim = |id: Option<shared::DeviceId>| {
            let device = json!({"id": id, "name": "Test", "platform": "test"});
            json!({"username": "ann", "password": PASSWORD, "device": device})
        };
        let anonymous = server.anonymous();
        for _ in 1..DEVICES_MAX {
            anonymous.post("/auth/token", &claim(None)).await.expect(200);
        }
        let refused = anonymous.post("/auth/token", &claim(None)).await.problem(ErrorCode::DeviceLimit);
        assert!(refused.retry_after_ms.is_some());
        for _ in DEVICES_MAX..SESSIONS_MAX {
            anonymous.post("/auth/token", &claim(Some(ann.device_id))).await.expect(200);
        }
        let refused = anonymous.post("/auth/token", &claim(Some(ann.device_id))).await;
        assert!(refused.problem(ErrorCode::SessionLimit).retry_after_ms.is_some());
        // Removing one makes room.
        let list: shared::account::DeviceList = ann.get("/devices").await.expect(200).json();
        assert_eq!(list.devices.len(), DEVICES_MAX);
        let other = list.devices.iter().find(|device| !device.is_current).expect("another");
        ann.delete(&format!("/devices/{}", other.id)).await.expect(204);
        anonymous.post("/auth/token", &claim(None)).await.expect(200);
    }
}

#[tokio::test]
async fn an_account_has_so_many_uploads_under_way() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let begun = Plan::new(noise(50, 10), 600, true);
        let started = begun.init(&ann).await;
        copy_uploads(&server, UPLOAD_SESSIONS_MAX - 1).await;
        let next = Plan::new(noise(51, 10), 600, true);
        let refused = next.try_init(&ann).await.problem(ErrorCode::UploadLimit);
        assert!(refused.retry_after_ms.is_some());
        ann.delete(&format!("/files/{}/upload/{}", begun.file_id, started.upload_id)).await.expect(204);
        next.init(&ann).await;
    }
}

/// So many more rows like the one that is there.
async fn copy_uploads(server: &TestServer, count: usize) {
    let id =
        if server.app.db.is_postgres() { "decode(md5(random()::text), 'hex')" } else { "randomblob(16)" };
    let columns = "device_id, zone_id, account_id, file_id, request, payload_hash, total_size, chunk_size, \
                   total_chunks, announced, held_chunks, created_at, expires_at";
    let sql = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         INSERT INTO uploads (user_id, upload_id, {columns}) SELECT user_id, {id}, {columns} FROM uploads, n"
    );
    let written = server.app.db.write::<_, server::db::DbError, _>(move |connection| {
        let sql = sql.clone();
        Box::pin(async move { connection.execute(&sql, vec![]).await.map(drop) })
    });
    written.await.expect("the rows");
}

#[tokio::test]
async fn headers_have_bounds() {
    let server = TestServer::start().await;
    let get = || reqwest::Client::new().get(server.url("/api/v1/health/live"));
    let many = (0..=HEADERS_MAX).fold(get(), |request, n| request.header(format!("x-{n}"), "1"));
    assert_eq!(Reply::to_undocumented(many).await.status, 431);
    // The last read may bring some more than the bound before it is seen.
    let large = get().header("x-large", "x".repeat(2 * shared::limits::HEADER_BYTES_MAX));
    assert_eq!(Reply::to_undocumented(large).await.status, 431);
}

#[tokio::test]
async fn pages_have_bounds() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    for limit in ["0", &(PULL_LIMIT_MAX + 1).to_string(), "-1", "many"] {
        ann.get(&format!("/sync/pull?limit={limit}")).await.problem(ErrorCode::InvalidRequest);
    }
    for limit in [1, PULL_LIMIT_MAX] {
        ann.get(&format!("/sync/pull?limit={limit}")).await.expect(200);
    }
    ann.get("/trash?cursor=nonsense").await.problem(ErrorCode::InvalidRequest);
}

#[tokio::test]
async fn what_a_device_calls_itself_has_bounds() {
    let server = TestServer::start().await;
    server.person("ann").await;
    for (name, platform) in [(&*"x".repeat(129), "test"), ("test", &*"x".repeat(129)), ("a\nb", "test")] {
        let device = json!({"name": name, "platform": platform});
        let body = json!({"username": "ann", "password": PASSWORD, "device": device});
        server.anonymous().post("/auth/login", &body).await.problem(ErrorCode::InvalidRequest);
    }
    let body =
        json!({"username": "ann", "password": "x".repeat(1_025), "device": {"name": "a", "platform": "b"}});
    server.anonymous().post("/auth/login", &body).await.problem(ErrorCode::InvalidCredentials);
}

#[tokio::test]
async fn a_change_of_a_file_beyond_every_size_falls_alone() {
    let server = TestServer::start().await;
    let person = server.person("ann").await;
    let mut device = crate::device::Device { person, token: None };
    let mut large = crate::device::file(crate::device::fresh(), device.root(), "large", "");
    large["size"] = json!(shared::limits::FILE_BYTES_MAX + 1);
    device.refused_as(large, ErrorCode::FileTooLarge).await;
}

/// Whatever a body was to be, half of it does nothing.
#[tokio::test]
async fn a_body_that_is_cut_short_leaves_nothing_behind() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let mut device = crate::device::Device { person: server.sign_in("ann").await, token: None };
        device.pull().await;
        let plan = Plan::new(noise(52, 3_000_000), 1_000_000, true);
        let started = plan.init(&ann).await;
        let before = traces(&server).await;
        let change = crate::device::file(crate::device::fresh(), ann.root_id, "half", noise(53, 100_000));
        let push = json!({"deviceId": ann.device_id, "lastSyncToken": null, "changes": [change]});
        let other = Plan::new(noise(54, 10), 600, true);
        let chunk = format!("/files/{}/upload/{}/chunk/0", plan.file_id, started.upload_id);
        let init = format!("/files/{}/upload/init", other.file_id);
        for (method, path, body) in [
            (Method::PUT, chunk, plan.chunks()[0].to_vec()),
            (Method::POST, "/sync/push".to_owned(), push.to_string().into_bytes()),
            (Method::POST, init, other.request(&ann).to_string().into_bytes()),
        ] {
            cut_short(&ann, method, &path, &body).await;
        }
        assert_eq!(traces(&server).await, before);
        assert_eq!(device.pull().await, []);
        server.expect_sound().await;
    }
}

/// Sends half of a body that was announced whole, and hangs up.
async fn cut_short(person: &Person, method: Method, path: &str, body: &[u8]) {
    let half = body[..body.len() / 2].to_vec();
    let parts = [Ok(half), Err(std::io::Error::other("gone"))];
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(parts));
    let request = person.request(method, path).header("content-length", body.len());
    let request = request.header("content-type", "application/json").body(stream);
    request.send().await.expect_err("the client gave up");
}

/// What is there that a request could leave behind: rows, objects, files.
async fn traces(server: &TestServer) -> Vec<String> {
    use futures::TryStreamExt as _;
    let mut reader = server.app.db.reader().await.expect("the database answers");
    let mut all = Vec::new();
    for table in ["items", "versions", "manifests", "chunks", "uploads", "upload_chunks", "operations"] {
        let sql = format!("SELECT CAST(COUNT(*) AS BIGINT) FROM {table}");
        let count: i64 = reader.fetch_one(&sql, vec![]).await.expect("a count").get(0).expect("a number");
        all.push(format!("{table}: {count}"));
    }
    let objects: Vec<_> = server.app.blobs.list().try_collect().await.expect("the objects");
    all.push(format!("objects: {}", objects.len()));
    all.extend(server.files());
    all
}

#[tokio::test]
async fn versions_come_by_the_page() {
    for server in TestServer::each().await {
        let person = server.person("ann").await;
        let mut device = crate::device::Device { person, token: None };
        let item =
            device.done(crate::device::file(crate::device::fresh(), device.root(), "a.bin", "first")).await;
        let mut base = item.version;
        let most = shared::limits::PAGE_LIMIT_MAX;
        let rounds = most / 100 + 1;
        for round in 0..rounds {
            let mut changes = vec![crate::device::content(item.id, &base, format!("{round}"))];
            for edit in 1..100 {
                let next = crate::device::content(item.id, &base, format!("{round} {edit}"));
                changes.push(crate::device::chained(next, &changes[edit - 1]));
            }
            assert_eq!(device.push(&changes).await.applied.len(), 100);
            base = device.item(item.id).await.version;
        }
        let first = device.versions(item.id).await;
        assert_eq!(first.versions.len(), most);
        let path = format!("/files/{}/versions?cursor=", item.id);
        let cursor = first.next_cursor.expect("another page");
        let last: VersionList = device.person.get(&format!("{path}{cursor}")).await.expect(200).json();
        assert_eq!((last.versions.len(), last.next_cursor), (rounds * 100 + 1 - most, None));
        let ids: BTreeSet<_> =
            first.versions.iter().chain(&last.versions).map(|version| version.id).collect();
        assert_eq!(ids.len(), rounds * 100 + 1);
        device.person.get(&format!("{path}nonsense")).await.problem(ErrorCode::InvalidRequest);
    }
}

/// Half a request holds a connection for half a minute at most: 31 seconds, beside the other tests.
#[tokio::test]
async fn who_sends_too_slowly_is_cut_off() {
    let server = TestServer::start().await;
    let sent = |text: String| {
        let address = server.address;
        async move {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            stream.write_all(text.as_bytes()).await.expect("half a request");
            let mut answer = String::new();
            let patience = 2 * shared::limits::BODY_IDLE_TIMEOUT;
            let read = tokio::time::timeout(patience, stream.read_to_string(&mut answer)).await;
            read.expect("an end in time").expect("an end");
            answer
        }
    };
    let head = "POST /api/v1/auth/login HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
    let (headers, body) =
        tokio::join!(sent(head.to_owned()), sent(format!("{head}content-length: 100\r\n\r\n{{")));
    assert!(headers.is_empty() || headers.starts_with("HTTP/1.1 408"), "{headers}");
    assert!(body.starts_with("HTTP/1.1 408") && body.contains("request_timeout"), "{body}");
}

/// A connection from another address of this machine, and the status of its first answer; none where it was
/// closed without one.
async fn knock(address: std::net::SocketAddr, from: [u8; 4]) -> (TcpStream, Option<String>) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind((from, 0).into()).expect("an address of the loopback");
    let mut stream = socket.connect(address).await.expect("a connection");
    let request = b"GET /api/v1/health/live HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut answer = [0; 12];
    let read = match stream.write_all(request).await {
        Ok(()) => stream.read_exact(&mut answer).await.map(drop),
        Err(error) => Err(error),
    };
    let status = read.ok().map(|()| String::from_utf8_lossy(&answer).into_owned());
    (stream, status)
}

#[tokio::test]
async fn one_address_has_a_share_of_the_connections() {
    const ANN: [u8; 4] = [127, 0, 0, 2];
    let server = TestServer::start_with(&[("CLOUDSTEAD_CONNECTIONS", "8")]).await;
    let ok = Some("HTTP/1.1 200".to_owned());
    let (first, answered) = knock(server.address, ANN).await;
    assert_eq!(answered, ok);
    let (_second, answered) = knock(server.address, ANN).await;
    assert_eq!(answered, ok);
    assert_eq!(knock(server.address, ANN).await.1, None, "an address has a quarter of eight");
    assert_eq!(knock(server.address, [127, 0, 0, 3]).await.1, ok);
    drop(first);
    let again = async {
        while knock(server.address, ANN).await.1 != ok {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("the place of the one that ended");
}
