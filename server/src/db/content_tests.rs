//! Chunks, manifests and quota: every test ends with a recount.

use bytes::Bytes;
use shared::content::Manifest;
use shared::{ChunkHash, ChunkRef, ContentHash, Timestamp, UserId};

use super::chunks::{self, Balance};
use super::manifests::{self, Refused};
use super::recount::{Mismatch, recount};
use super::testing::databases;
use super::*;
use crate::blobs::{StagedChunk, Stored};
use crate::values;

const LEASE: Timestamp = Timestamp::from_millis(1_000_000);

async fn account(db: &Db, env: &Env, quota: u64) -> UserId {
    let id: UserId = env.id();
    db.write::<_, DbError, _>(move |connection| {
        Box::pin(async move {
            let sql = "INSERT INTO accounts (account_id, quota_bytes, used_bytes, staged_bytes) VALUES ($1, $2, 0, 0)";
            connection.execute(sql, values![id, quota]).await
        })
    })
    .await
    .unwrap();
    id
}

fn chunk(text: &str) -> ChunkRef {
    ChunkRef { hash: ChunkHash::of(text.as_bytes()), size: text.len() as u32 }
}

fn manifest(texts: &[&str]) -> Manifest {
    Manifest::new(texts.iter().map(|text| chunk(text)).collect()).unwrap()
}

async fn stage(db: &Db, account: UserId, texts: &[&'static str]) {
    let staged: Vec<StagedChunk> = texts
        .iter()
        .map(|text| StagedChunk {
            chunk: chunk(text),
            stored: Stored::Inline(Bytes::from_static(text.as_bytes())),
        })
        .collect();
    db.write::<_, DbError, _>(move |connection| {
        let staged = staged.clone();
        Box::pin(async move { chunks::stage(connection, account, staged, LEASE).await })
    })
    .await
    .unwrap();
}

async fn reference(db: &Db, account: UserId, contents: Vec<Manifest>) -> Result<(), Refused> {
    db.write::<_, DbError, _>(move |connection| {
        let contents = contents.clone();
        Box::pin(async move { manifests::reference(connection, account, &contents).await })
    })
    .await
    .unwrap()
}

async fn release(db: &Db, account: UserId, contents: Vec<ContentHash>) {
    db.write::<_, DbError, _>(move |connection| {
        let contents = contents.clone();
        Box::pin(async move { manifests::release(connection, account, &contents).await })
    })
    .await
    .unwrap();
}

async fn balance(db: &Db, account: UserId) -> Balance {
    chunks::balance(&mut db.reader().await.unwrap(), account).await.unwrap()
}

/// What the recount finds beside the versions that these tests leave out.
async fn sums(db: &Db) -> Vec<Mismatch> {
    let found = recount(&mut db.reader().await.unwrap()).await.unwrap();
    found.into_iter().filter(|mismatch| !matches!(mismatch, Mismatch::ManifestRefs { .. })).collect()
}

#[tokio::test]
async fn references_count_each_chunk_once_and_give_it_back() {
    let env = Env::system();
    for test in databases(&env).await {
        let db = &test.db;
        let me = account(db, &env, 1000).await;
        stage(db, me, &["aaaa", "bb", "aaaa", "c"]).await;
        assert_eq!(balance(db, me).await, Balance { quota_bytes: 1000, used_bytes: 0, staged_bytes: 7 });
        let (one, two) = (manifest(&["aaaa", "bb", "aaaa"]), manifest(&["bb", "c"]));
        reference(db, me, vec![one.clone(), two.clone(), one.clone()]).await.unwrap();
        assert_eq!(balance(db, me).await, Balance { quota_bytes: 1000, used_bytes: 7, staged_bytes: 0 });
        assert_eq!(sums(db).await, []);
        release(db, me, vec![one.content_hash()]).await;
        assert_eq!(balance(db, me).await.used_bytes, 7, "another version has it");
        release(db, me, vec![one.content_hash()]).await;
        assert_eq!(balance(db, me).await, Balance { quota_bytes: 1000, used_bytes: 3, staged_bytes: 4 });
        assert_eq!(sums(db).await, []);
        let mut reader = db.reader().await.unwrap();
        assert_eq!(manifests::load(&mut reader, me, one.content_hash()).await.unwrap(), None);
        assert_eq!(manifests::load(&mut reader, me, two.content_hash()).await.unwrap(), Some(two));
    }
}

#[tokio::test]
async fn quota_is_never_passed_by_a_byte_and_a_refusal_changes_nothing() {
    let env = Env::system();
    for test in databases(&env).await {
        let db = &test.db;
        let me = account(db, &env, 10).await;
        stage(db, me, &["12345", "67890", "x"]).await;
        reference(db, me, vec![manifest(&["12345", "67890"])]).await.expect("exactly the quota fits");
        let refused = reference(db, me, vec![manifest(&["12345"]), manifest(&["x"])]).await;
        assert_eq!(refused, Err(Refused::QuotaExceeded { quota_bytes: 10 }));
        assert_eq!(balance(db, me).await, Balance { quota_bytes: 10, used_bytes: 10, staged_bytes: 1 });
        assert_eq!(sums(db).await, []);
        reference(db, me, vec![manifest(&["67890", "12345"])]).await.expect("what is held costs nothing");
    }
}

#[tokio::test]
async fn parallel_references_share_one_quota() {
    let env = Env::system();
    for test in databases(&env).await {
        let db = &test.db;
        let me = account(db, &env, 5).await;
        let texts = ["a1", "b2", "c3", "d4", "e5", "f6"];
        stage(db, me, &texts).await;
        let tries = texts.map(|text| reference(db, me, vec![manifest(&[text])]));
        let fitted = futures::future::join_all(tries).await.into_iter().flatten().count();
        assert_eq!(fitted, 2);
        assert_eq!(balance(db, me).await.used_bytes, 4);
        assert_eq!(sums(db).await, []);
    }
}

#[tokio::test]
async fn chunks_of_another_account_or_size_are_missing() {
    let env = Env::system();
    for test in databases(&env).await {
        let db = &test.db;
        let (me, other) = (account(db, &env, 100).await, account(db, &env, 100).await);
        stage(db, other, &["theirs"]).await;
        stage(db, me, &["mine"]).await;
        let named = manifest(&["mine", "theirs", "mine"]);
        assert_eq!(reference(db, me, vec![named]).await, Err(Refused::ChunksMissing(vec![1])));
        let lie = Manifest::new(vec![ChunkRef { size: 3, ..chunk("mine") }]).unwrap();
        assert_eq!(reference(db, me, vec![lie]).await, Err(Refused::ChunkSize { index: 0, size: 4 }));
        let mut reader = db.reader().await.unwrap();
        let hashes = [chunk("mine").hash, chunk("theirs").hash];
        assert_eq!(chunks::present(&mut reader, me, &hashes).await.unwrap().len(), 1);
        assert_eq!(sums(db).await, []);
    }
}

#[tokio::test]
async fn staging_again_renews_the_lease_and_names_the_spare_object() {
    let env = Env::system();
    for test in databases(&env).await {
        let db = &test.db;
        let me = account(db, &env, 100).await;
        let (first, second) = (env.id(), env.id());
        let put = |generation, until| {
            let staged = vec![StagedChunk { chunk: chunk("same"), stored: Stored::Object(generation) }];
            db.write::<_, DbError, _>(move |connection| {
                let staged = staged.clone();
                Box::pin(async move { chunks::stage(connection, me, staged, until).await })
            })
        };
        assert_eq!(put(first, LEASE).await.unwrap(), []);
        let later = LEASE + Duration::from_hours(1);
        let spare = put(second, later).await.unwrap();
        assert_eq!(spare.iter().map(|key| key.generation).collect::<Vec<_>>(), [second]);
        let mut reader = db.reader().await.unwrap();
        let held = chunks::locate(&mut reader, me, &[chunk("same").hash]).await.unwrap();
        assert_eq!(held[&chunk("same").hash], Stored::Object(first));
        let lease = reader.fetch_one("SELECT leased_until FROM chunks", values![]).await.unwrap();
        assert_eq!(lease.get::<Timestamp>(0).unwrap(), later);
        assert_eq!(balance(db, me).await.staged_bytes, 4);
    }
}

#[tokio::test]
async fn the_recount_finds_what_does_not_add_up() {
    let env = Env::system();
    for test in databases(&env).await {
        let db = &test.db;
        let me = account(db, &env, 100).await;
        stage(db, me, &["a", "b"]).await;
        reference(db, me, vec![manifest(&["a"])]).await.unwrap();
        assert_eq!(sums(db).await, []);
        for (damage, repair) in [
            ("UPDATE chunks SET refs = refs + 5", "UPDATE chunks SET refs = refs - 5"),
            (
                "UPDATE accounts SET used_bytes = used_bytes + 1",
                "UPDATE accounts SET used_bytes = used_bytes - 1",
            ),
            (
                "UPDATE accounts SET staged_bytes = staged_bytes - 1",
                "UPDATE accounts SET staged_bytes = staged_bytes + 1",
            ),
            ("UPDATE manifests SET size = size + 1", "UPDATE manifests SET size = size - 1"),
        ] {
            let run = |sql| db.write::<_, DbError, _>(move |c| Box::pin(c.execute(sql, values![])));
            run(damage).await.unwrap();
            assert_ne!(sums(db).await, [], "{damage}");
            run(repair).await.unwrap();
            assert_eq!(sums(db).await, [], "{repair}");
        }
    }
}

#[tokio::test]
async fn the_database_does_what_the_judge_and_the_feed_ask_of_it() {
    use crate::ops::push::{SqlStore, conformance};
    let env = Env::system();
    for test in databases(&env).await {
        let me = account(&test.db, &env, conformance::QUOTA_BYTES).await;
        let (zone, other): (shared::ZoneId, shared::ZoneId) = (env.id(), env.id());
        let root: shared::ItemId = env.id();
        let written = test.db.write::<_, DbError, _>(move |connection| {
            Box::pin(async move {
                let sql = "INSERT INTO zones (zone_id, account_id, kind, root_id, counter, tombstone_floor, created_at) \
                           VALUES ($1, $2, 0, $3, 0, 0, 0)";
                connection.execute(sql, values![zone, me, root]).await?;
                conformance::check_store(&mut SqlStore::new(connection, zone, me, me), zone).await;
                conformance::check_alike(&mut SqlStore::new(connection, other, me, me)).await;
                Ok(())
            })
        });
        written.await.unwrap();
        conformance::check_feeds(&mut test.db.snapshot().await.unwrap(), zone).await;
    }
}
