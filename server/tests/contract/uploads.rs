//! Chunked uploads, seen from outside.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use shared::sync::Outcome;
use shared::upload::{ChunkStored, UploadCompleted, UploadStarted, UploadStatus};
use shared::{ChunkHash, ContentHash, ErrorCode};

use crate::plan::{KIB, Plan, execute, id, noise, objects, present, staged_bytes};
use crate::support::{Reply, TestServer};

#[tokio::test]
async fn a_file_goes_up_in_any_order_and_its_answer_can_be_had_again() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        for (announce, chunk_size) in [(false, 100 * KIB), (true, 100 * KIB), (true, 10 * KIB), (false, 7)] {
            let len = if chunk_size == 7 { 50 } else { 450 * KIB };
            let plan = Plan::new(noise(chunk_size as u64 + u64::from(announce), len), chunk_size, announce);
            let started = plan.init(&ann).await;
            let total = plan.chunks().len() as u32;
            assert_eq!(started.missing_chunks, (0..total).collect::<Vec<_>>());
            assert_eq!((started.total_chunks, started.chunk_size as usize), (total, chunk_size));
            let again = plan.init(&ann).await;
            assert_eq!(again.upload_id, started.upload_id, "the same operation finds its upload");

            let sent = (1..total).rev().map(|index| plan.put(&ann, &started, index));
            for (reply, index) in futures::future::join_all(sent).await.into_iter().zip((1..total).rev()) {
                let stored: ChunkStored = reply.expect(200).json();
                assert_eq!(stored.hash, ChunkHash::of(plan.chunks()[index as usize]));
                assert_eq!((stored.index, stored.deduplicated), (index, false));
            }
            let refused = plan.try_complete(&ann, &started).await;
            assert_eq!(refused.problem(ErrorCode::ChunksMissing).more["missingChunks"], json!([0]));
            let status: UploadStatus = ann.get(&plan.path(&started)).await.expect(200).json();
            assert_eq!(status.missing_chunks, [0]);
            assert_eq!(status.uploaded_chunks, (1..total).collect::<Vec<_>>());
            assert_eq!(status.chunks.len(), total as usize);
            let last: ChunkStored = plan.put(&ann, &started, 0).await.expect(200).json();
            assert!((last.progress - 100.0).abs() < f64::EPSILON, "{}", last.progress);

            let completed: UploadCompleted = plan.try_complete(&ann, &started).await.expect(200).json();
            let item = present(&completed);
            assert_eq!(completed.applied.outcome, Outcome::Applied);
            assert_eq!(item.content_hash, Some(plan.content_hash()));
            assert_eq!((item.size, &item.name), (len as u64, &plan.name));
            let replayed: UploadCompleted = plan.try_complete(&ann, &started).await.expect(200).json();
            assert_eq!(replayed, completed, "the session is gone, the answer is not");
            let begun: UploadStarted = plan.init(&ann).await;
            assert_eq!((begun.upload_id, begun.missing_chunks.len()), (started.upload_id, 0));
            ann.get(&plan.path(&started)).await.problem(ErrorCode::UploadNotFound);

            let downloaded = ann.get(&format!("/files/{}/download", plan.file_id)).await.expect(200);
            assert_eq!(downloaded.body, plan.bytes);
        }
        server.expect_sound().await;
        assert_eq!(staged_bytes(&server).await, 0);
    }
}

#[tokio::test]
async fn what_the_account_holds_is_not_sent_again() {
    for server in TestServer::each().await {
        let (ann, bob) = (server.person("ann").await, server.person("bob").await);
        let plan = Plan::new(noise(1, 300 * KIB), 100 * KIB, true);
        plan.upload(&ann).await;
        let objects_before = objects(&server).await;
        let copy = plan.again("copy");
        assert_eq!(copy.init(&ann).await.missing_chunks, [0_u32; 0]);
        copy.upload(&ann).await;
        let unnamed = Plan { announce: false, ..plan.again("unnamed") };
        let started = unnamed.init(&ann).await;
        assert_eq!(started.missing_chunks, [0, 1, 2]);
        for index in 0..3 {
            let stored: ChunkStored = unnamed.put(&ann, &started, index).await.expect(200).json();
            assert!(stored.deduplicated);
        }
        unnamed.try_complete(&ann, &started).await.expect(200);
        assert_eq!(objects(&server).await, objects_before);

        // Nothing tells Bob what Ann has.
        let theirs = plan.again("theirs");
        let started = theirs.init(&bob).await;
        assert_eq!(started.missing_chunks, [0, 1, 2]);
        for index in 0..3 {
            let stored: ChunkStored = theirs.put(&bob, &started, index).await.expect(200).json();
            assert!(!stored.deduplicated);
        }
        theirs.try_complete(&bob, &started).await.expect(200);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn a_body_that_does_not_match_stores_nothing() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(2, 250 * KIB), 100 * KIB, true);
        let started = plan.init(&ann).await;
        let chunk = |index: u32| format!("{}/chunk/{index}", plan.path(&started));
        let right = plan.chunks()[0].to_vec();
        let mut flipped = right.clone();
        flipped[77] ^= 1;
        ann.put(&chunk(0), flipped.clone()).await.problem(ErrorCode::ChunkMismatch);
        ann.put(&chunk(0), right[1..].to_vec()).await.problem(ErrorCode::ChunkMismatch);
        ann.put(&chunk(0), plan.bytes.clone()).await.problem(ErrorCode::ChunkMismatch);
        ann.put(&chunk(0), Vec::new()).await.problem(ErrorCode::ChunkMismatch);
        ann.put(&chunk(3), right.clone()).await.problem(ErrorCode::InvalidManifest);
        let with_digest = |digest: String, body: Vec<u8>| {
            Reply::to(ann.request(Method::PUT, &chunk(0)).header("Content-Digest", digest).body(body))
        };
        let digest = |bytes: &[u8]| format!("sha-256=:{}:", BASE64_STANDARD.encode(ChunkHash::of(bytes).0));
        with_digest(digest(&flipped), right.clone()).await.problem(ErrorCode::ChunkMismatch);
        with_digest("sha-256=:AAAA:".into(), right.clone()).await.problem(ErrorCode::ChunkMismatch);
        with_digest("sha-256=nonsense".into(), right.clone()).await.problem(ErrorCode::InvalidRequest);
        // Chunked encoding: more than was planned, and a body that is cut short.
        let stream = |parts: Vec<Result<Vec<u8>, std::io::Error>>| {
            reqwest::Body::wrap_stream(futures::stream::iter(parts))
        };
        let long = stream(vec![Ok(right.clone()), Ok(vec![1])]);
        ann.put(&chunk(0), long).await.problem(ErrorCode::ChunkMismatch);
        let cut = stream(vec![Ok(right[..50_000].to_vec()), Err(std::io::Error::other("gone"))]);
        ann.request(Method::PUT, &chunk(0)).body(cut).send().await.expect_err("the client gave up");
        let status: UploadStatus = ann.get(&plan.path(&started)).await.expect(200).json();
        assert_eq!(status.missing_chunks, [0, 1, 2]);
        assert_eq!((objects(&server).await, staged_bytes(&server).await), (0, 0));

        with_digest(digest(&right), right.clone()).await.expect(200);
        assert_eq!(staged_bytes(&server).await, 100 * KIB as i64);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn a_chunk_that_occurs_twice_is_sent_once() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let plan = Plan::new(vec![0; 400 * KIB], 100 * KIB, true);
    let started = plan.init(&ann).await;
    assert_eq!(started.missing_chunks, [0, 1, 2, 3]);
    for index in [2, 0] {
        let stored: ChunkStored = plan.put(&ann, &started, index).await.expect(200).json();
        let status: UploadStatus = ann.get(&plan.path(&started)).await.expect(200).json();
        assert_eq!(status.missing_chunks, [0_u32; 0]);
        assert!((status.progress - 100.0).abs() < f64::EPSILON);
        assert!((stored.progress - 100.0).abs() < f64::EPSILON, "{}", stored.progress);
    }
    plan.try_complete(&ann, &started).await.expect(200);
    let downloaded = ann.get(&format!("/files/{}/download", plan.file_id)).await.expect(200);
    assert_eq!(downloaded.body, plan.bytes);
    server.expect_sound().await;
}

#[tokio::test]
async fn an_empty_file_needs_no_chunk() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    for announce in [false, true] {
        let plan = Plan::new(Vec::new(), 4096 * KIB, announce);
        let completed = plan.upload(&ann).await;
        assert_eq!(present(&completed).content_hash, Some(ContentHash::of_chunks([])));
        let downloaded = ann.get(&format!("/files/{}/download", plan.file_id)).await.expect(200);
        assert_eq!(downloaded.headers[header::CONTENT_LENGTH], "0");
        assert!(downloaded.body.is_empty());
    }
    server.expect_sound().await;
}

#[tokio::test]
async fn every_limit_says_so() {
    let server = TestServer::start().await;
    let ann = server.person("ann").await;
    let init = |changes: Value| {
        let mut request = json!({"operationId": id(), "fileName": "a", "parentId": ann.root_id,
            "totalSize": 10, "chunkSize": 10, "totalChunks": 1});
        for (name, value) in changes.as_object().unwrap() {
            request[name] = value.clone();
        }
        let path = format!("/files/{}/upload/init", id());
        let ann = &ann;
        async move { ann.post(&path, &request).await }
    };
    let hash = ChunkHash::of(b"x");
    let gib = 1024_u64 * 1024 * 1024;
    let chunk = |index: u32, size: u64| json!({"index": index, "hash": hash, "size": size});
    for (changes, code) in [
        (
            json!({"totalSize": 256 * gib + 1, "chunkSize": 4096 * KIB, "totalChunks": 65537}),
            ErrorCode::FileTooLarge,
        ),
        (json!({"totalSize": 262_145, "chunkSize": 1, "totalChunks": 262_145}), ErrorCode::TooManyChunks),
        (json!({"chunkSize": 4096 * KIB + 1}), ErrorCode::InvalidManifest),
        (json!({"chunkSize": 0}), ErrorCode::InvalidManifest),
        (json!({"totalChunks": 2}), ErrorCode::InvalidManifest),
        (json!({"totalChunks": 0}), ErrorCode::InvalidManifest),
        (json!({"chunks": [chunk(0, 9)]}), ErrorCode::InvalidManifest),
        (json!({"chunks": [chunk(1, 10)]}), ErrorCode::InvalidManifest),
        (json!({"chunks": [chunk(0, 5), chunk(0, 5)], "totalChunks": 2}), ErrorCode::InvalidManifest),
        (json!({"chunks": [chunk(0, 0), chunk(1, 10)], "totalChunks": 2}), ErrorCode::InvalidManifest),
        (json!({"chunks": [chunk(0, 5_000_000)], "totalSize": 5_000_000}), ErrorCode::InvalidManifest),
        (json!({"lastSyncToken": "nonsense"}), ErrorCode::InvalidSyncToken),
        (json!({"operationId": "nonsense"}), ErrorCode::InvalidRequest),
        (json!({"fileName": "x".repeat(33 * KIB * KIB)}), ErrorCode::PayloadTooLarge),
    ] {
        init(changes).await.problem(code);
    }
    // 32 MiB take the most chunks that a file may have.
    let most: Vec<Value> = (0..262_144).map(|index| chunk(index, 1)).collect();
    let reply = init(json!({"chunks": most, "totalSize": 262_144, "totalChunks": 262_144})).await;
    assert_eq!(reply.expect(201).json::<UploadStarted>().missing_chunks.len(), 262_144);
    server.expect_sound().await;
}

#[tokio::test]
async fn an_operation_id_stands_for_one_payload() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(3, 1000), 600, true);
        plan.init(&ann).await;
        let other = Plan { name: "other".into(), ..plan.clone() };
        other.try_init(&ann).await.problem(ErrorCode::IdempotencyMismatch);
        plan.upload(&ann).await;
        other.try_init(&ann).await.problem(ErrorCode::IdempotencyMismatch);
    }
}

#[tokio::test]
async fn an_upload_goes_on_from_another_device_that_begins_it_again() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(90, 3 * KIB), KIB, true);
        let started = plan.init(&ann).await;
        plan.put(&ann, &started, 0).await.expect(200);
        let other = server.sign_in("ann").await;
        plan.put(&other, &started, 1).await.expect(403);
        let again = plan.init(&other).await;
        assert_eq!(again.missing_chunks, [1, 2]);
        for index in again.missing_chunks.clone() {
            plan.put(&other, &again, index).await.expect(200);
        }
        plan.try_complete(&other, &again).await.expect(200);
    }
}

#[tokio::test]
async fn anothers_upload_and_file_look_like_none() {
    for server in TestServer::each().await {
        let (ann, bob) = (server.person("ann").await, server.person("bob").await);
        let plan = Plan::new(noise(4, 1000), 600, true);
        let started = plan.init(&ann).await;
        let nowhere = format!("/files/{}/upload/{}", id(), id());
        for (method, suffix) in
            [(Method::GET, ""), (Method::DELETE, ""), (Method::POST, "/complete"), (Method::PUT, "/chunk/0")]
        {
            let ask =
                |path: &str| Reply::to(bob.request(method.clone(), &format!("{path}{suffix}")).body("{}"));
            let (theirs, none) = (ask(&plan.path(&started)).await, ask(&nowhere).await);
            assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{method} {suffix}");
            assert_eq!(theirs.body, none.body);
            let anonymous = server.anonymous().request(method.clone(), &format!("{nowhere}{suffix}"));
            Reply::to(anonymous.body("{}")).await.problem(ErrorCode::Unauthenticated);
        }
        plan.upload(&ann).await;
        for address in ["download", "zip"] {
            let theirs = bob.get(&format!("/files/{}/{address}", plan.file_id)).await;
            let none = bob.get(&format!("/files/{}/{address}", id())).await;
            assert_eq!((theirs.status, &theirs.body), (StatusCode::NOT_FOUND, &none.body));
            let anonymous = server.anonymous().get(&format!("/files/{}/{address}", plan.file_id)).await;
            anonymous.problem(ErrorCode::Unauthenticated);
        }
        // The id of Ann's file makes one of Bob's own, and hers stays.
        let bobs = Plan { bytes: noise(5, 10), file_id: plan.file_id, ..Plan::new(vec![], 600, true) };
        bobs.upload(&bob).await;
        let hers = ann.get(&format!("/files/{}/download", plan.file_id)).await.expect(200);
        assert_eq!(hers.body, plan.bytes);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn quota_is_judged_early_and_for_certain_at_the_end() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        execute(&server, "UPDATE accounts SET quota_bytes = 500000").await;
        let large = Plan::new(noise(9, 500_001), 100_000, true);
        large.try_init(&ann).await.problem(ErrorCode::QuotaExceeded);
        let fits = Plan::new(noise(10, 300_000), 100_000, true);
        fits.upload(&ann).await;
        // Both fit when they begin; only one does in the end.
        let (one, two) =
            (Plan::new(noise(11, 150_000), 50_000, true), Plan::new(noise(12, 150_000), 50_000, true));
        let (first, second) = (one.init(&ann).await, two.init(&ann).await);
        for index in 0..3 {
            one.put(&ann, &first, index).await.expect(200);
        }
        two.put(&ann, &second, 0).await.expect(200);
        two.put(&ann, &second, 1).await.problem(ErrorCode::StagedLimit);
        one.try_complete(&ann, &first).await.expect(200);
        Plan::new(noise(13, 60_000), 50_000, false).try_init(&ann).await.problem(ErrorCode::QuotaExceeded);
        execute(&server, "UPDATE accounts SET quota_bytes = 520000").await;
        two.put(&ann, &second, 1).await.problem(ErrorCode::StagedLimit);
        execute(&server, "UPDATE accounts SET quota_bytes = 600000").await;
        two.put(&ann, &second, 1).await.expect(200);
        two.put(&ann, &second, 2).await.expect(200);
        execute(&server, "UPDATE accounts SET quota_bytes = 599999").await;
        two.try_complete(&ann, &second).await.problem(ErrorCode::QuotaExceeded);
        execute(&server, "UPDATE accounts SET quota_bytes = 600000").await;
        two.try_complete(&ann, &second).await.expect(200);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn what_an_upload_left_behind_gives_way_to_another() {
    for server in TestServer::each_with(&[("CLOUDSTEAD_QUOTA", "500000")]).await {
        let ann = server.person("ann").await;
        let cancelled = Plan::new(noise(40, 400_000), 100_000, true);
        let started = cancelled.init(&ann).await;
        for index in 0..4 {
            cancelled.put(&ann, &started, index).await.expect(200);
        }
        // As long as it is under way, nothing of it goes.
        let other = Plan::new(noise(41, 450_000), 100_000, true);
        other.try_init(&ann).await.problem(ErrorCode::StagedLimit);
        ann.delete(&cancelled.path(&started)).await.expect(204);
        let again = cancelled.again("again");
        let started = again.init(&ann).await;
        assert!(started.missing_chunks.is_empty(), "it is kept while there is room");
        ann.delete(&again.path(&started)).await.expect(204);

        other.upload(&ann).await;
        assert_eq!(staged_bytes(&server).await, 0);
        cancelled.again("too large by now").try_init(&ann).await.problem(ErrorCode::QuotaExceeded);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn a_second_content_is_a_version_and_a_concurrent_one_a_conflict() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let first = Plan::new(noise(14, 100_000), 70_000, true);
        let created = first.upload(&ann).await;
        let base = serde_json::to_value(&present(&created).version).unwrap();
        let second = Plan {
            file_id: first.file_id,
            base: Some(base.clone()),
            ..Plan::new(noise(15, 90_000), 70_000, true)
        };
        let changed = second.upload(&ann).await;
        assert_eq!(present(&changed).content_hash, Some(second.content_hash()));
        assert_eq!(present(&changed).name, first.name, "the name belongs to the file");
        let other = server.sign_in("ann").await;
        let third =
            Plan { file_id: first.file_id, base: Some(base), ..Plan::new(noise(16, 80_000), 70_000, true) };
        let conflicted = third.upload(&other).await;
        let conflict = conflicted.conflict.as_ref().expect("a conflict");
        assert_eq!(conflicted.applied.outcome, Outcome::Unchanged);
        assert_eq!(conflict.local_content_hash, third.content_hash());
        assert_eq!(present(&conflicted).content_hash, Some(second.content_hash()));
        let again = third.init(&other).await;
        let replayed: UploadCompleted = third.try_complete(&other, &again).await.expect(200).json();
        assert_eq!(replayed, conflicted);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn a_push_that_took_the_operation_does_not_end_the_upload() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(40, 1000), 600, true);
        let started = plan.init(&ann).await;
        for &index in &started.missing_chunks {
            plan.put(&ann, &started, index).await.expect(200);
        }
        let change = json!({"operationId": plan.operation_id, "fileId": plan.file_id, "baseVersion": {},
            "kind": "createFolder", "parentId": ann.root_id, "name": "other"});
        let push = json!({"deviceId": ann.device_id, "lastSyncToken": null, "changes": [change]});
        let answer: shared::sync::PushResponse = ann.post("/sync/push", &push).await.expect(200).json();
        assert_eq!(answer.applied.len(), 1, "{answer:?}");
        for _ in 0..2 {
            plan.try_complete(&ann, &started).await.problem(ErrorCode::IdempotencyMismatch);
            ann.get(&plan.path(&started)).await.expect(200);
        }
        // Nor does its answer become the upload's once the session is gone.
        ann.delete(&plan.path(&started)).await.expect(204);
        plan.try_complete(&ann, &started).await.problem(ErrorCode::IdempotencyMismatch);
    }
}

#[tokio::test]
async fn an_upload_that_was_completed_long_ago_is_told_so() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(45, 10), 600, true);
        let started = plan.init(&ann).await;
        plan.upload(&ann).await;
        for is_swept in [false, true] {
            server.advance(shared::limits::OPERATION_RETENTION + Duration::from_secs(1));
            if is_swept {
                server::jobs::purge(&server.app, server.app.env.now()).await.unwrap();
            }
            let ann = server.sign_in("ann").await;
            plan.try_complete(&ann, &started).await.problem(ErrorCode::OperationExpired);
            plan.try_init(&ann).await.problem(ErrorCode::OperationExpired);
        }
    }
}

#[tokio::test]
async fn whoever_purges_keeps_what_uploads_under_way_have() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let plan = Plan::new(noise(42, 1000), 600, true);
        let started = plan.init(&ann).await;
        plan.put(&ann, &started, 0).await.expect(200);
        // As if chunks had come all along.
        execute(&server, "UPDATE uploads SET expires_at = expires_at + 864000000").await;
        server.advance(Duration::from_hours(8 * 24));
        server::jobs::purge(&server.app, server.app.env.now()).await.unwrap();
        plan.put(&ann, &started, 1).await.expect(200);
        plan.try_complete(&ann, &started).await.expect(200);
        server.expect_sound().await;
    }
}

#[tokio::test]
async fn what_begins_an_upload_has_bounds() {
    for server in TestServer::each().await {
        let ann = server.person("ann").await;
        let init = async |plan: &Plan, mime_type: &str| {
            let mut request = plan.request(&ann);
            request["mimeType"] = json!(mime_type);
            ann.post(&format!("/files/{}/upload/init", plan.file_id), &request).await
        };
        let long = Plan { name: "x".repeat(100 * KIB), ..Plan::new(noise(43, 10), 600, true) };
        init(&long, "text/plain").await.problem(ErrorCode::InvalidName);
        for mime_type in ["text/plain\n", "text/ä", &"x".repeat(256)] {
            init(&Plan { name: "a".into(), ..long.clone() }, mime_type)
                .await
                .problem(ErrorCode::InvalidRequest);
        }
        let first = Plan { name: "a".into(), ..long.clone() };
        let version = present(&first.upload(&ann).await).version.clone();
        let base = Some(serde_json::to_value(version).unwrap());
        let next = Plan { operation_id: id(), base, bytes: noise(44, 10), ..long };
        let completed = next.upload(&ann).await;
        assert_eq!(present(&completed).name, "a", "the name of a file that is there says nothing");
    }
}
