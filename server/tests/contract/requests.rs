//! What every request meets, whatever it asks for.

use std::sync::{Arc, Mutex};

use reqwest::{Method, header};
use serde_json::{Value, json};
use shared::ErrorCode;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::plan::execute;
use crate::support::{PASSWORD, Reply, TestServer, sign_in};

#[tokio::test]
async fn what_cannot_be_read_is_a_problem_that_says_so() {
    let server = TestServer::start().await;
    let anonymous = server.anonymous();
    anonymous.get("/nothing/here").await.problem(ErrorCode::NotFound);
    anonymous.delete("/auth/login").await.problem(ErrorCode::MethodNotAllowed);
    let post = || anonymous.request(Method::POST, "/auth/login");
    Reply::to(post().body("{}")).await.problem(ErrorCode::UnsupportedMediaType);
    let as_json = |body: String| post().header(header::CONTENT_TYPE, "application/json").body(body);
    Reply::to(as_json("{".into())).await.problem(ErrorCode::InvalidRequest);
    Reply::to(as_json("{}".into())).await.problem(ErrorCode::InvalidRequest);
    let large = format!("\"{}\"", "x".repeat(64 * 1024));
    Reply::to(as_json(large.clone())).await.problem(ErrorCode::PayloadTooLarge);
    let unannounced = reqwest::Body::wrap_stream(futures::stream::iter([Ok::<_, std::io::Error>(large)]));
    let request = post().header(header::CONTENT_TYPE, "application/json").body(unannounced);
    Reply::to(request).await.problem(ErrorCode::PayloadTooLarge);
    let ann = server.person("ann").await;
    ann.delete("/devices/no-id").await.problem(ErrorCode::NotFound);
}

#[tokio::test]
async fn a_refusal_reaches_even_a_client_that_sends_on() {
    let server = TestServer::start().await;
    let body = "x".repeat(8 * 1024 * 1024);
    for _ in 0..5 {
        let anonymous = server.anonymous();
        let post =
            anonymous.request(Method::POST, "/auth/login").header(header::CONTENT_TYPE, "application/json");
        Reply::to(post.body(body.clone())).await.problem(ErrorCode::PayloadTooLarge);
        anonymous.put("/files/018f0000-0000-7000-8000-000000000001/upload/018f0000-0000-7000-8000-000000000001/chunk/0", body.clone())
            .await
            .problem(ErrorCode::Unauthenticated);
    }
}

#[tokio::test]
async fn a_cookie_counts_only_from_pages_of_ours() {
    let server = TestServer::start().await;
    server.person("ann").await;
    let browser = server.browser("ann").await;
    let cookies = match &browser.credentials {
        crate::support::Credentials::Cookie(cookies) => cookies.clone(),
        _ => unreachable!("a browser has cookies"),
    };
    let with = |origin: Option<&str>| {
        let request =
            server.anonymous().request(Method::POST, "/auth/logout").header(header::COOKIE, &cookies);
        match origin {
            Some(origin) => request.header(header::ORIGIN, origin),
            None => request,
        }
    };
    for origin in
        [None, Some("http://evil.example"), Some("null"), Some(&*server.origin().replace("http:", "https:"))]
    {
        Reply::to(with(origin)).await.problem(ErrorCode::OriginMismatch);
    }
    let cross_site = with(Some(&server.origin())).header("sec-fetch-site", "cross-site");
    Reply::to(cross_site).await.problem(ErrorCode::OriginMismatch);
    browser.get("/auth/me").await.expect(200);
    Reply::to(with(Some(&server.origin()))).await.expect(204);

    let login = server.anonymous().request(Method::POST, "/auth/login").json(&sign_in("ann", PASSWORD));
    Reply::to(login.header(header::ORIGIN, "http://evil.example")).await.problem(ErrorCode::OriginMismatch);
}

#[tokio::test]
async fn behind_a_named_address_only_that_one_is_ours() {
    let server = TestServer::start_with(&[("CLOUDSTEAD_PUBLIC_URL", "https://cloud.example.com")]).await;
    let register = |origin: &str| {
        let body = json!({"username": "ann", "password": PASSWORD});
        server.anonymous().request(Method::POST, "/auth/register").header(header::ORIGIN, origin).json(&body)
    };
    Reply::to(register(&server.origin())).await.problem(ErrorCode::OriginMismatch);
    Reply::to(register("https://cloud.example.com")).await.expect(201);
    let reply = server.anonymous().post("/auth/login", &sign_in("ann", PASSWORD)).await.expect(200);
    for cookie in reply.headers.get_all(header::SET_COOKIE) {
        let cookie = cookie.to_str().unwrap();
        assert!(cookie.starts_with("__Host-") && cookie.contains("; Secure"), "{cookie}");
    }
}

#[tokio::test]
async fn health_is_open_to_all() {
    let server = TestServer::start().await;
    server.anonymous().get("/health/live").await.expect(200);
    server.anonymous().get("/health/ready").await.expect(200);
}

#[tokio::test]
async fn every_answer_carries_what_keeps_browsers_from_harm() {
    let server = TestServer::start().await;
    for path in ["/api/v1/auth/me", "/sign-in", "/files", "/nothing.js"] {
        let reply = Reply::to(reqwest::Client::new().get(server.url(path))).await;
        let header =
            |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(header("cross-origin-opener-policy"), "same-origin");
        assert_eq!(header("cross-origin-resource-policy"), "same-origin");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert!(header("x-request-id").len() == 36);
        let policy = header("content-security-policy");
        let scripts =
            policy.split(';').find(|part| part.trim().starts_with("script-src ")).unwrap_or_default();
        assert!(!scripts.contains("unsafe-inline") && policy.starts_with("default-src 'none'"), "{policy}");
    }
}

#[tokio::test]
async fn figures_are_for_administrators() {
    let server = TestServer::start().await;
    let (ann, ben) = (server.person("ann").await, server.person("ben").await);
    let ask = |token: Option<&str>| {
        let request = reqwest::Client::new().get(server.url("/metrics"));
        Reply::to(match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    };
    ask(None).await.problem(ErrorCode::NotFound);
    ask(Some(&ben.token)).await.problem(ErrorCode::NotFound);
    let figures = ask(Some(&ann.token)).await.expect(200);
    let figures = String::from_utf8_lossy(&figures.body).into_owned();
    for figure in [
        "cloudstead_http_requests_total",
        "cloudstead_write_seconds_count",
        "cloudstead_database_busy",
        "cloudstead_used_bytes",
        "cloudstead_staged_bytes",
        "cloudstead_derivatives_waiting",
    ] {
        assert!(figures.lines().any(|line| line.starts_with(figure)), "{figure}: {figures}");
    }
}

/// What is logged on this test's thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_tells_what_failed_or_was_refused_and_no_secret() {
    // Where there is one subscriber only, what is enabled is asked on whatever thread comes first.
    let _other = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let writing = Log::default();
    let written = Arc::clone(&writing.0);
    let log = || String::from_utf8(written.lock().unwrap().clone()).unwrap();
    let _told = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_max_level(tracing::Level::INFO)
        .with_writer(move || writing.clone())
        .set_default();
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    ann.get("/auth/me").await.expect(200);
    assert!(!log().contains("/auth/me"), "what goes well is not told");
    let refused = server.anonymous().post("/auth/login", &sign_in("ann", "secret guess")).await;
    let id = |reply: &Reply| reply.headers["x-request-id"].to_str().unwrap().to_owned();
    let line = log();
    for part in [&*id(&refused), " INFO ", "invalid_credentials", "/api/v1/auth/login", "address=127.0.0.1"] {
        assert!(line.contains(part), "{part}: {line}");
    }
    execute(&server, "DROP TABLE conflicts").await;
    let failed = ann.get("/conflicts").await;
    failed.problem(ErrorCode::Internal);
    let lines = log();
    for part in [&*id(&failed), "ERROR", "status=500", "no such table"] {
        assert!(lines.contains(part), "{part}: {lines}");
    }
    for secret in ["secret guess", PASSWORD, &ann.token] {
        assert!(!lines.contains(secret), "{lines}");
    }
}

#[cfg(feature = "ssr")]
#[tokio::test]
async fn the_public_pages_are_html_at_once() {
    let server = TestServer::start().await;
    let ask = |path: &str| Reply::to(reqwest::Client::new().get(server.url(path)));
    for path in ["/sign-in", "/register"] {
        let page = ask(path).await.expect(200);
        let html = String::from_utf8_lossy(&page.body).into_owned();
        let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
        assert!(html.contains("type=\"password\"") && html.contains(&format!("nonce=\"{nonce}\"")), "{html}");
        assert!(policy.contains("'wasm-unsafe-eval'"));
        let again = ask(path).await;
        assert_ne!(
            again.headers[header::CONTENT_SECURITY_POLICY],
            page.headers[header::CONTENT_SECURITY_POLICY]
        );
    }
}

#[tokio::test]
async fn the_shell_stands_for_every_address_of_the_app_and_files_are_known_again() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shell.html"), "<!DOCTYPE html>shell").unwrap();
    std::fs::write(folder.path().join("a.js"), "plain").unwrap();
    std::fs::write(folder.path().join("a.js.br"), "packed").unwrap();
    let site = folder.path().to_string_lossy().into_owned();
    let server = TestServer::start_with(&[("CLOUDSTEAD_SITE", &site)]).await;
    let get = |path: &str| reqwest::Client::new().get(server.url(path));
    for path in ["/health/live", "/health/ready"] {
        let health = Reply::to_undocumented(get(path)).await.expect(200);
        assert_eq!(health.json::<Value>(), json!({"status": "ok"}));
        Reply::to_undocumented(reqwest::Client::new().post(server.url(path))).await.expect(405);
    }
    for path in ["/", "/files", "/trash", "/files/018f0000-0000-7000-8000-000000000001"] {
        let page = Reply::to(get(path)).await.expect(200);
        assert_eq!(page.body, "<!DOCTYPE html>shell");
    }
    let file = Reply::to(get("/a.js")).await.expect(200);
    assert_eq!(
        (&file.body[..], &file.headers[header::CONTENT_TYPE]),
        (&b"plain"[..], &"text/javascript; charset=utf-8".parse().unwrap())
    );
    let packed = Reply::to(get("/a.js").header(header::ACCEPT_ENCODING, "gzip, br")).await.expect(200);
    assert_eq!(
        (&packed.body[..], &packed.headers[header::CONTENT_ENCODING]),
        (&b"packed"[..], &"br".parse().unwrap())
    );
    Reply::to(get("/a.js").header(header::IF_NONE_MATCH, &file.headers[header::ETAG])).await.expect(304);
    Reply::to(get("/missing.js")).await.problem(ErrorCode::NotFound);
    Reply::to(get("/api/v2/files")).await.problem(ErrorCode::NotFound);
    Reply::to(reqwest::Client::new().post(server.url("/files"))).await.problem(ErrorCode::MethodNotAllowed);
}
