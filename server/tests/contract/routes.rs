//! Every operation that the server publishes, asked by those who may not.

use reqwest::Method;
use serde_json::{Value, json};
use shared::{ErrorCode, ItemId};

use crate::support::{Person, Reply, TestServer};

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
    let all = paths.iter().filter(|(path, _)| *path != "/metrics").flat_map(|(path, item)| {
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
    let open =
        ["/auth/login", "/auth/register", "/auth/token", "/health/live", "/health/ready", "/openapi.json"];
    assert_eq!(public, open);
    for Operation { method, path, .. } in operations.into_iter().filter(|one| !one.is_public) {
        let path = with_ids(&path, "018f0000-0000-7000-8000-000000000001");
        let reply = Reply::to(server.anonymous().request(method.clone(), &path)).await.expect(401);
        if method != Method::HEAD {
            reply.problem(ErrorCode::Unauthenticated);
        }
    }
}

/// Operations that name what is theirs to make: an id of another's zone has no effect and tells nothing. The
/// list may only shrink.
const OWN_IDS: [(Method, &str); 1] = [(Method::POST, "/files/{fileId}/upload/init")];

#[tokio::test]
async fn what_is_anothers_answers_as_what_is_not_there() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let ben = server.person("ben").await;
        let file_id = ItemId(id());
        let upload = upload_of(&ann, file_id).await;
        for Operation { method, path, .. } in operations(&server).await {
            if !path.contains('{') || OWN_IDS.contains(&(method.clone(), &path)) {
                continue;
            }
            // Whatever the parameter is called, one of these is a real thing of Ann's.
            let real = [
                path.replace("{uploadId}", &upload).replace("{fileId}", &file_id.to_string()),
                path.replace("{fileId}", &ann.root_id.to_string()),
                path.replace("{id}", &ann.device_id.to_string()),
            ];
            let missing = ask(&ben, &method, &with_ids(&path, &id().to_string())).await;
            assert_eq!(missing.status, 404, "{method} {path}: {missing:?}");
            for real in real {
                let foreign = ask(&ben, &method, &with_ids(&real, &id().to_string())).await;
                assert_eq!(
                    (foreign.status, &foreign.body),
                    (missing.status, &missing.body),
                    "{method} {real}"
                );
            }
        }
        ann.get("/auth/me").await.expect(200);
        ann.get(&format!("/files/{file_id}/upload/{upload}")).await.expect(200);
    }
}

async fn ask(person: &Person, method: &Method, path: &str) -> Reply {
    let request = person.request(method.clone(), path);
    let body = match path {
        path if path.contains("/chunk/") => return Reply::to(chunk(request)).await,
        path if path.ends_with("/resolve") => {
            json!({"operationId": id(), "resolution": "server", "serverVersion": {}})
        }
        path if path.ends_with("/restore") => json!({"operationId": id()}),
        _ => json!({}),
    };
    Reply::to(if method == Method::POST { request.json(&body) } else { request }).await
}

fn chunk(request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
    request.header(reqwest::header::CONTENT_TYPE, "application/octet-stream").body("x")
}

/// An upload under way.
async fn upload_of(person: &Person, file_id: ItemId) -> String {
    let body = json!({
        "operationId": id(), "fileName": "a.bin", "parentId": person.root_id, "totalSize": 1, "chunkSize": 4_194_304,
        "totalChunks": 1,
    });
    let reply: Value = person.post(&format!("/files/{file_id}/upload/init"), &body).await.expect(201).json();
    reply["uploadId"].as_str().expect("an id").to_owned()
}

fn id() -> uuid::Uuid {
    server::clock::Env::system().id()
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
