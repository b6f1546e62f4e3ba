use bytes::Bytes;
use futures::TryStreamExt as _;
use shared::{ChunkHash, UserId};

use super::testing::{folder, stores};
use super::*;
use crate::clock::Env;

fn key(env: &Env, bytes: &[u8]) -> BlobKey {
    BlobKey { account: env.id(), hash: ChunkHash::of(bytes), generation: env.id() }
}

async fn listed(blobs: &Blobs) -> Vec<BlobKey> {
    let mut keys: Vec<BlobKey> = blobs.list().try_collect().await.unwrap();
    keys.sort();
    keys
}

#[tokio::test]
async fn every_store_keeps_lists_and_deletes() {
    let env = Env::system();
    for test in stores(&env) {
        let blobs = &test.blobs;
        blobs.probe().await.unwrap();
        let bytes = Bytes::from(vec![7_u8; 300_000]);
        let first = key(&env, &bytes);
        let second = BlobKey { generation: env.id(), ..first };
        assert!(matches!(blobs.get(&first).await, Err(BlobError::Missing(_))));
        blobs.put(&first, bytes.clone()).await.unwrap();
        blobs.put(&second, bytes.clone()).await.unwrap();
        assert_eq!(blobs.get(&first).await.unwrap(), bytes);
        let mut both = vec![first, second];
        both.sort();
        assert_eq!(listed(blobs).await, both);
        blobs.delete(&first).await.unwrap();
        blobs.delete(&first).await.expect("deleting twice is fine");
        assert_eq!(listed(blobs).await, [second], "another generation is untouched");
        assert_eq!(blobs.get(&second).await.unwrap(), bytes);
    }
}

#[tokio::test]
async fn rot_is_found_and_never_served() {
    let env = Env::system();
    for test in stores(&env) {
        for honest in [b"as stored".to_vec(), vec![3; 400_000]] {
            let mut rotten = honest.clone();
            rotten[5] ^= 1;
            let key = key(&env, &honest);
            test.blobs.put(&key, rotten.into()).await.unwrap();
            assert!(matches!(test.blobs.get(&key).await, Err(BlobError::Rotten(hash)) if hash == key.hash));
        }
    }
}

#[tokio::test]
async fn parallel_writes_into_new_folders_all_succeed() {
    let env = Env::system();
    for test in stores(&env) {
        let account: UserId = env.id();
        let puts = (0..64_u8).map(|n| {
            let bytes = Bytes::from(vec![n; 1000]);
            let key = BlobKey { account, hash: ChunkHash::of(&bytes), generation: env.id() };
            let blobs = test.blobs.clone();
            async move { blobs.put(&key, bytes).await }
        });
        futures::future::try_join_all(puts).await.unwrap();
        assert_eq!(listed(&test.blobs).await.len(), 64);
    }
}

#[tokio::test]
async fn what_a_crash_cut_short_is_no_object_and_goes() {
    let env = Env::system();
    let test = folder();
    let bytes = Bytes::from_static(b"whole");
    let key = key(&env, &bytes);
    test.blobs.put(&key, bytes.clone()).await.unwrap();
    let root = test.folder.as_ref().unwrap().path();
    let partial = root.join(format!("{}#1", key.path()));
    std::fs::write(&partial, b"wh").unwrap();
    assert_eq!(listed(&test.blobs).await, [key]);
    let (before, after) = (env.now() - Duration::from_hours(1), env.now() + Duration::from_hours(1));
    assert_eq!(test.blobs.remove_partial_writes(before).await.unwrap(), 0, "it may be under way");
    assert_eq!(test.blobs.remove_partial_writes(after).await.unwrap(), 1);
    assert!(!partial.exists());
    assert_eq!(test.blobs.get(&key).await.unwrap(), bytes);
}

#[test]
fn a_path_names_one_key() {
    let env = Env::system();
    let key = key(&env, b"x");
    assert_eq!(BlobKey::parse(&key.path()), Some(key));
    assert_eq!(BlobKey::parse(&format!("some/prefix/{}", key.path())), Some(key));
    for other in ["", "a/b/c", "readme.txt", &key.path()[1..], &format!("{}x", key.path())] {
        assert_eq!(BlobKey::parse(other), None, "{other}");
    }
}

#[test]
fn a_full_disk_is_told_from_one_that_is_away() {
    let full = |kind| BlobError::from(std::io::Error::from(kind));
    assert!(matches!(full(std::io::ErrorKind::StorageFull), BlobError::Full(_)));
    assert!(matches!(full(std::io::ErrorKind::PermissionDenied), BlobError::Unavailable(_)));
    let wrapped = object_store::Error::Generic {
        store: "test",
        source: Box::new(std::io::Error::from(std::io::ErrorKind::StorageFull)),
    };
    assert!(matches!(BlobError::from(wrapped), BlobError::Full(_)));
}
