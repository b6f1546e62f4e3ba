//! Holds every answer that any test sees against the published document.

use std::sync::LazyLock;

use reqwest::Method;
use serde_json::Value;
use server::error::ApiError;
use shared::ErrorCode;

use crate::support::Reply;

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::to_value(server::http::openapi()).expect("JSON"));

/// The path's operations, found as a router would: parts with a parameter match anything.
fn operations(path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let parts: Vec<&str> = path.split('/').collect();
    let matches = |template: &str| {
        let template: Vec<&str> = template.split('/').collect();
        template.len() == parts.len()
            && template.iter().zip(&parts).all(|(known, part)| known.starts_with('{') || known == part)
    };
    paths.iter().find(|(template, _)| matches(template)).map(|(_, operations)| operations)
}

/// Fails the test unless the document tells of such an answer of that operation: its status, and of a
/// refusal its code. Only the site's pages, and what is not there at all, are not in it.
pub fn expect_documented(method: &Method, path: &str, reply: &Reply) {
    let name = method.as_str().to_lowercase();
    let Some(operation) = operations(path).and_then(|operations| operations.get(name)) else {
        let is_page = !path.starts_with("/api/") && path != "/metrics";
        let is_nothing = matches!(reply.status.as_u16(), 404 | 405);
        assert!(is_page || is_nothing, "{method} {path} is not documented");
        return;
    };
    let status = reply.status.as_u16().to_string();
    let documented = operation["responses"].get(&status);
    let Some(documented) = documented else { panic!("{method} {path}: {status} is not documented") };
    let kind = reply.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind == "application/problem+json" && method != Method::HEAD {
        assert!(documented["content"].get(kind).is_some(), "{method} {path}: {status} is no {kind}");
        let code = reply.json::<Value>()["code"].as_str().expect("a code").to_owned();
        let description = documented["description"].as_str().unwrap_or_default();
        let mut words = description.split(|c: char| c != '_' && !c.is_ascii_alphanumeric());
        assert!(words.any(|word| word == code), "{method} {path}: {status} {code} is not documented");
    }
}

#[test]
#[should_panic = "GET /api/v1/secrets is not documented"]
fn what_answers_is_documented() {
    let (status, headers) = (reqwest::StatusCode::OK, reqwest::header::HeaderMap::new());
    let body = bytes::Bytes::new();
    expect_documented(&Method::GET, "/api/v1/secrets", &Reply { status, headers, body });
}

/// Every name of a property anywhere below.
fn properties(schema: &Value) -> Vec<&String> {
    let own = schema["properties"].as_object().into_iter().flat_map(|all| all.keys());
    let below: Vec<&Value> = match schema {
        Value::Array(all) => all.iter().collect(),
        Value::Object(all) => all.values().collect(),
        _ => Vec::new(),
    };
    own.chain(below.into_iter().flat_map(properties)).collect()
}

#[test]
fn the_document_speaks_in_the_names_of_the_wire() {
    let schemas = &DOCUMENT["components"]["schemas"];
    let names = properties(schemas);
    let known = |name: &str| names.iter().any(|known| *known == name);
    assert!(known("baseOperationId") && known("seenToken") && known("formerVersionId"), "{names:?}");
    let other: Vec<_> =
        names.iter().filter(|name| !name.chars().all(|c| c.is_ascii_alphanumeric())).collect();
    assert!(other.is_empty(), "{other:?}");
}

#[test]
fn frames_are_in_the_document() {
    let of_server: &[&str] =
        &["sync_complete", "file_changed", "file_deleted", "conflict_detected", "photo_ready"];
    for (schema, kinds) in [("ServerEvent", of_server), ("ClientFrame", &["ack", "ping", "presence"])] {
        let text = DOCUMENT["components"]["schemas"][schema].to_string();
        for kind in kinds {
            assert!(text.contains(&format!("\"{kind}\"")), "{schema}: {kind}");
        }
    }
}

#[test]
fn every_refusal_in_the_document_names_its_codes() {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().expect("operations") {
            let responses = operation["responses"].as_object().expect("responses");
            assert!(responses.keys().any(|status| status.starts_with(['1', '2'])), "{method} {path}");
            for (status, response) in responses.iter().filter(|(status, _)| status.starts_with(['4', '5'])) {
                let description = response["description"].as_str().unwrap_or_default();
                assert!(!description.is_empty(), "{method} {path} {status}");
            }
        }
    }
}

#[test]
fn every_code_that_may_pass_says_when_to_try_again() {
    let codes = DOCUMENT["components"]["schemas"]["ErrorCode"]["enum"].as_array().expect("codes");
    for code in codes {
        let code: ErrorCode = serde_json::from_value(code.clone()).expect("a code");
        let pause = ApiError::new(code, "").problem.retry_after_ms;
        // What helps there is to send them.
        let waits = code.retryable() && code != ErrorCode::ChunksMissing;
        assert_eq!(pause.is_some(), waits, "{code:?}");
    }
    assert!(codes.len() > 40);
}

#[test]
fn every_code_carries_the_status_under_which_it_stands() {
    let paths = DOCUMENT["paths"].as_object().expect("paths");
    let responses =
        paths.values().flat_map(|operations| operations.as_object().expect("operations").values());
    let responses = responses.flat_map(|operation| operation["responses"].as_object().expect("responses"));
    for (status, response) in responses.filter(|(status, _)| status.starts_with(['4', '5'])) {
        let description = response["description"].as_str().unwrap_or_default();
        for code in description.split(", ").filter_map(|part| part.split(' ').next()) {
            if let Ok(code) = serde_json::from_value::<ErrorCode>(code.into()) {
                assert_eq!(code.status().to_string(), *status, "{description}");
            } else {
                assert!(code.starts_with("with"), "{description}");
            }
        }
    }
}
