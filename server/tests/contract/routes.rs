//! Every operation that the server publishes, asked by those who may not.

use reqwest::Method;
use serde_json::Value;
use shared::ErrorCode;

use crate::support::{Reply, TestServer};

/// One operation of the document.
struct Operation {
    method: Method,
    /// Below `/api/v1`, with `{parameters}`.
    path: String,
    /// Whether it says that nobody needs to be signed in.
    is_public: bool,
}

async fn operations(server: &TestServer) -> Vec<Operation> {
    let document: Value = server.anonymous().get("/openapi.json").await.expect(200).json();
    let paths = document["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().expect("operations").iter();
        methods.map(move |(method, operation)| Operation {
            method: method.to_uppercase().parse().expect("a method"),
            path: path.strip_prefix("/api/v1").expect("the prefix").to_owned(),
            is_public: operation["security"] == serde_json::json!([{}]),
        })
    });
    all.collect()
}

#[tokio::test]
async fn only_what_says_so_is_open_to_anyone() {
    let server = TestServer::start().await;
    let operations = operations(&server).await;
    let public: Vec<&str> =
        operations.iter().filter(|one| one.is_public).map(|one| one.path.as_str()).collect();
    assert_eq!(public, ["/auth/login", "/auth/register", "/auth/token", "/health/live", "/health/ready"]);
    for Operation { method, path, .. } in operations.into_iter().filter(|one| !one.is_public) {
        let path = with_ids(&path, "018f0000-0000-7000-8000-000000000001");
        let reply = Reply::to(server.anonymous().request(method, &path)).await;
        reply.problem(ErrorCode::Unauthenticated);
    }
}

/// The path with the id in each place for one.
fn with_ids(path: &str, id: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{index}" => "0",
        part if part.starts_with('{') => id,
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}
