//! Both object stores for tests: a temporary folder always, a bucket where `TEST_S3_URL` names one (the test
//! runner starts a server and sets the `AWS_*` variables), each test under a prefix of its own.

use tempfile::TempDir;
use uuid::Uuid;

use super::Blobs;
use crate::clock::Env;

/// A store that goes with the test. Keep it until the test ends.
pub struct TestBlobs {
    pub blobs: Blobs,
    /// Where the objects are, for tests that damage them.
    pub folder: Option<TempDir>,
}

/// Fresh stores: one of each kind that is there.
pub fn stores(env: &Env) -> Vec<TestBlobs> {
    let bucket = std::env::var("TEST_S3_URL").ok().map(|url| {
        // Short: the test server makes one file name of a whole key.
        let (_, random) = env.id::<Uuid>().as_u64_pair();
        let url = format!("{}/{:08x}", url.trim_end_matches('/'), random & 0xffff_ffff);
        TestBlobs { blobs: Blobs::open_s3(&url).expect("the bucket opens"), folder: None }
    });
    std::iter::once(folder()).chain(bucket).collect()
}

pub fn folder() -> TestBlobs {
    let folder = tempfile::tempdir().expect("a temporary folder");
    TestBlobs { blobs: Blobs::open_folder(folder.path()).expect("the folder opens"), folder: Some(folder) }
}
