//! What every handler shares: cheap to clone, no state of its own beyond caches and sockets.

use crate::blobs::Blobs;
use crate::clock::Env;
use crate::db::Db;

#[derive(Clone)]
pub struct App {
    pub env: Env,
    pub db: Db,
    pub blobs: Blobs,
}
