//! What the server does while what it stands on is away.

mod disk;
mod objects;
mod postgres;

use shared::ErrorCode;

use crate::support::{TestServer, Wire, fresh_schema};

#[tokio::test]
async fn a_full_disk_is_told_reading_goes_on_and_it_heals() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    set_pages_max(&server, 1).await;
    let mut refused = None;
    for n in 0..200 {
        let body = serde_json::json!({"username": format!("user{n}"), "password": crate::support::PASSWORD});
        let reply = server.anonymous().post("/auth/register", &body).await;
        if reply.status != 201 {
            refused = Some(reply);
            break;
        }
    }
    let problem = refused.expect("the disk is full at some point").problem(ErrorCode::StorageFull);
    assert!(problem.retry_after_ms.is_some());
    ann.get("/auth/me").await.expect(200);
    set_pages_max(&server, 1_000_000).await;
    server.person("zoe").await;
}

/// SQLite lowers it to the file's present size at most, and then the disk counts as full.
async fn set_pages_max(server: &TestServer, pages: u32) {
    let set = server.app.db.write::<_, server::db::DbError, _>(move |connection| {
        Box::pin(async move {
            connection.fetch_all(&format!("PRAGMA max_page_count = {pages}"), vec![]).await.map(drop)
        })
    });
    set.await.expect("the pragma");
}

#[tokio::test]
async fn a_database_that_is_away_is_told_and_heals() {
    let Ok(url) = std::env::var("TEST_POSTGRES_URL") else { return };
    let url = fresh_schema(&url).await;
    let (head, rest) = url.split_once('@').expect("postgres://user@host:port/…");
    let (target, rest) = rest.split_once('/').expect("a database");
    let mut wire = Wire::to(target.to_owned()).await;
    let url = format!("{head}@{}/{rest}", wire.address);
    let server = TestServer::start_with(&[("DATABASE_URL", &url)]).await;
    let ann = server.person("ann").await;
    wire.cut().await;
    for path in ["/auth/me", "/health/ready"] {
        let problem = ann.get(path).await.problem(ErrorCode::Unavailable);
        assert!(problem.retry_after_ms.is_some());
    }
    ann.get("/health/live").await.expect(200);
    wire.mend().await;
    ann.get("/auth/me").await.expect(200);
}
