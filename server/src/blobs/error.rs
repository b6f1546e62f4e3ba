//! What can go wrong with objects, told apart by what the caller can do about it.

use std::error::Error;
use std::io;

use shared::ChunkHash;

/// The source is kept for the log; none of it leaves the server.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No space for another byte: reads go on, writes answer 507.
    #[error("the object store is full")]
    Full(#[source] Box<dyn Error + Send + Sync>),
    /// The store is away: the same call may succeed later.
    #[error("the object store is not available")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// A row names an object that is not there.
    #[error("an object is missing")]
    Missing(#[source] Box<dyn Error + Send + Sync>),
    /// The bytes are not what was stored.
    #[error("the bytes of chunk {0} do not match its hash")]
    Rotten(ChunkHash),
}

impl From<object_store::Error> for BlobError {
    fn from(error: object_store::Error) -> Self {
        match &error {
            object_store::Error::NotFound { .. } => Self::Missing(error.into()),
            _ if is_full(&error) || is_for_space(&error) => Self::Full(error.into()),
            _ => Self::Unavailable(error.into()),
        }
    }
}

impl From<io::Error> for BlobError {
    fn from(error: io::Error) -> Self {
        if is_full(&error) { Self::Full(error.into()) } else { Self::Unavailable(error.into()) }
    }
}

/// Whether somewhere in the chain of causes a disk or its quota is full.
fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>()
            && matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Stores that speak S3's language have no word of it for this. MinIO answers 507 `XMinioStorageFull` or 400
/// `XMinioAdminBucketQuotaExceeded`, Ceph 403 `QuotaExceeded`.
fn is_for_space(error: &object_store::Error) -> bool {
    // The client gives the status and the body only as text.
    let text = error.to_string();
    ["status code: 507", "StorageFull", "QuotaExceeded"].iter().any(|sign| text.contains(sign))
}
