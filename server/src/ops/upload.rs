//! Chunked uploads: begun, filled in any order, judged as one operation at the end.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// Memory for bodies of chunks that arrive at the same time, in KiB.
const BUFFER_KIB_MAX: usize = 48 * 1024;

/// Bounds what chunks take in memory while they arrive.
#[derive(Clone)]
pub struct ChunkBuffers(Arc<Semaphore>);

impl Default for ChunkBuffers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BUFFER_KIB_MAX)))
    }
}
