//! What every request meets, whatever it asks for.

use reqwest::{Method, header};
use serde_json::json;
use shared::ErrorCode;

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
    assert!(String::from_utf8_lossy(&figures.body).contains("cloudstead_http_requests_total"));
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
