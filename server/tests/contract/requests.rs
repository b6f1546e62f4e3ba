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
