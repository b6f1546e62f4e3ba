//! An object store that is away, or has no room: S3, where `TEST_S3_URL` and `AWS_ENDPOINT` name one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use server::blobs::Blobs;
use shared::ErrorCode;
use tokio::net::TcpListener;

use crate::plan::{KIB, Plan, noise};
use crate::support::{TestServer, Wire, fresh_prefix};

/// A bucket's place, and the server's address.
fn bucket() -> Option<(String, String)> {
    let name = |name| std::env::var(name).ok();
    Some((fresh_prefix(&name("TEST_S3_URL")?), name("AWS_ENDPOINT")?))
}

#[tokio::test]
async fn objects_that_are_away_are_told_and_come_back() {
    let Some((url, endpoint)) = bucket() else { return };
    let mut wire = Wire::to(endpoint.trim_start_matches("http://").to_owned()).await;
    let blobs = Blobs::open_s3_at(&url, &format!("http://{}", wire.address)).expect("the bucket opens");
    let server = TestServer::start_over(blobs).await;
    let ann = server.person("ann").await;
    let kept = Plan::new(noise(70, 200 * KIB), 100 * KIB, true);
    kept.upload(&ann).await;
    let plan = Plan::new(noise(71, 200 * KIB), 100 * KIB, true);
    let started = plan.init(&ann).await;
    wire.cut().await;
    let path = format!("/files/{}/download", kept.file_id);
    for refused in [plan.put(&ann, &started, 0).await, ann.get(&path).await, ann.get("/health/ready").await] {
        assert!(refused.problem(ErrorCode::Unavailable).retry_after_ms.is_some());
    }
    // What needs no object goes on.
    ann.get("/auth/me").await.expect(200);
    ann.get("/sync/pull").await.expect(200);
    wire.mend().await;
    assert_eq!(ann.get(&path).await.expect(200).body, kept.bytes);
    for index in 0..2 {
        plan.put(&ann, &started, index).await.expect(200);
    }
    plan.try_complete(&ann, &started).await.expect(200);
    ann.get("/health/ready").await.expect(200);
    server.expect_sound().await;
}

/// In front of the real one: refuses to take anything while it is told to, as stores without room do.
#[derive(Clone)]
struct Doorkeeper {
    behind: String,
    http: reqwest::Client,
    refusal: Arc<(AtomicBool, StatusCode, &'static str)>,
}

async fn pass(State(door): State<Doorkeeper>, request: Request) -> Response {
    let (is_full, status, code) = &*door.refusal;
    if is_full.load(Ordering::Relaxed) && request.method() == Method::PUT {
        return (*status, format!("<Error><Code>{code}</Code></Error>")).into_response();
    }
    let (parts, body) = request.into_parts();
    let body: Bytes = to_bytes(body, usize::MAX).await.expect("a whole body");
    let url = format!("{}{}", door.behind, parts.uri);
    // The host is part of what was signed.
    let reply = door.http.request(parts.method, url).headers(parts.headers).body(body).send().await;
    let reply = reply.expect("the store answers");
    let (status, headers) = (reply.status(), reply.headers().clone());
    let mut response = Response::new(Body::from_stream(reply.bytes_stream()));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}

#[tokio::test]
async fn a_store_without_room_is_told_and_reading_goes_on() {
    for (status, code) in
        [(StatusCode::INSUFFICIENT_STORAGE, "XMinioStorageFull"), (StatusCode::FORBIDDEN, "QuotaExceeded")]
    {
        let Some((url, behind)) = bucket() else { return };
        let refusal = Arc::new((AtomicBool::new(false), status, code));
        let door = Doorkeeper { behind, http: reqwest::Client::new(), refusal: Arc::clone(&refusal) };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let router = axum::Router::new().fallback(pass).with_state(door);
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });

        let server =
            TestServer::start_over(Blobs::open_s3_at(&url, &endpoint).expect("the bucket opens")).await;
        let ann = server.person("ann").await;
        let kept = Plan::new(noise(72, 200 * KIB), 100 * KIB, true);
        kept.upload(&ann).await;
        let plan = Plan::new(noise(73, 200 * KIB), 100 * KIB, true);
        let started = plan.init(&ann).await;
        refusal.0.store(true, Ordering::Relaxed);
        let refused = plan.put(&ann, &started, 0).await;
        assert!(refused.problem(ErrorCode::StorageFull).retry_after_ms.is_some());
        let read = ann.get(&format!("/files/{}/download", kept.file_id)).await.expect(200);
        assert_eq!(read.body, kept.bytes);
        refusal.0.store(false, Ordering::Relaxed);
        plan.put(&ann, &started, 0).await.expect(200);
        server.expect_sound().await;
        serving.abort();
    }
}
