//! How long an upload and its chunks are kept.

use std::time::Duration;

use serde_json::json;
use shared::ErrorCode;

use crate::plan::{KIB, Plan, execute, id, noise, objects, staged_bytes};
use crate::support::TestServer;

#[tokio::test]
async fn a_session_ends_an_hour_after_its_last_chunk_and_the_chunks_live_on() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(6, 300 * KIB), 100 * KIB, true);
        let started = plan.init(&ann).await;
        for index in 0..2 {
            server.advance(Duration::from_mins(50));
            plan.put(&ann, &started, index).await.expect(200);
        }
        server.advance(Duration::from_mins(61));
        plan.put(&ann, &started, 2).await.problem(ErrorCode::UploadExpired);
        plan.try_complete(&ann, &started).await.problem(ErrorCode::UploadExpired);
        server.advance(Duration::from_hours(5 * 24));
        let now = server.app.env.now();
        assert_eq!(server::jobs::expiry::end_uploads(&server.app, now).await.unwrap(), 1);
        server::jobs::collector::collect(&server.app, now).await.unwrap();
        let resumed = plan.init(&ann).await;
        assert_eq!(resumed.missing_chunks, [2], "leased for seven days");
        server.expect_sound().await;

        ann.delete(&plan.path(&resumed)).await.expect(204);
        ann.delete(&plan.path(&resumed)).await.problem(ErrorCode::UploadNotFound);
        server.advance(Duration::from_hours(8 * 24));
        let collected = server::jobs::collector::collect(&server.app, server.app.env.now()).await.unwrap();
        assert_eq!((collected.chunks, collected.bytes), (2, 200 * KIB as u64));
        assert_eq!((objects(&server).await, staged_bytes(&server).await), (0, 0));
        assert_eq!(plan.init(&ann).await.missing_chunks, [0, 1, 2]);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn what_was_leased_under_a_date_far_ahead_goes_in_time_too() {
    const STEP: Duration = Duration::from_hours(6);
    const STEPS_A_DAY: u32 = 4;
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(18, 300 * KIB), 100 * KIB, true);
        let started = plan.init(&ann).await;
        for index in 0..2 {
            plan.put(&ann, &started, index).await.expect(200);
        }
        // As if the clock had been forty days ahead meanwhile.
        execute(&server, "UPDATE chunks SET leased_until = leased_until + 3456000000").await;
        execute(&server, "UPDATE uploads SET expires_at = expires_at + 3456000000").await;
        let days = async |days: u32| {
            for _ in 0..days * STEPS_A_DAY {
                server.advance(STEP);
                server::jobs::pass(&server.app, STEP).await.unwrap();
            }
        };
        days(7).await;
        plan.put(&ann, &started, 2).await.problem(ErrorCode::UploadNotFound);
        assert_eq!(plan.init(&ann).await.missing_chunks, [2], "leased for seven days");
        days(10).await;
        assert_eq!((objects(&server).await, staged_bytes(&server).await), (0, 0));
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn a_chunk_that_was_collected_is_asked_for_again() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        // Another content of the same size is there, with which it has to be compared.
        let former = Plan::new(noise(17, 300 * KIB), 100 * KIB, true);
        former.upload(&ann).await;
        let plan =
            Plan { bytes: noise(7, 300 * KIB), operation_id: id(), base: Some(json!({})), ..former.clone() };
        let started = plan.init(&ann).await;
        for index in 0..3 {
            plan.put(&ann, &started, index).await.expect(200);
        }
        execute(&server, "UPDATE chunks SET leased_until = 0").await;
        server::jobs::collector::collect(&server.app, server.app.env.now()).await.unwrap();
        let refused = plan.try_complete(&ann, &started).await;
        assert_eq!(refused.problem(ErrorCode::ChunksMissing).more["missingChunks"], json!([0, 1, 2]));
        for index in 0..3 {
            plan.put(&ann, &started, index).await.expect(200);
        }
        plan.try_complete(&ann, &started).await.expect(200);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn a_long_upload_keeps_its_first_chunks() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let plan = Plan::new(noise(8, 300 * KIB), 100 * KIB, true);
    let started = plan.init(&ann).await;
    for index in 0..2 {
        plan.put(&ann, &started, index).await.expect(200);
    }
    // Nine days, a chunk just often enough.
    for _ in 0..9 * 24 {
        server.advance(Duration::from_mins(59));
        plan.put(&ann, &started, 1).await.expect(200);
        server::jobs::pass(&server.app, Duration::from_mins(59)).await.unwrap();
    }
    plan.put(&ann, &started, 2).await.expect(200);
    plan.try_complete(&ann, &started).await.expect(200);
    server.expect_sound().await;
}
