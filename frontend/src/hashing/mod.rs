//! Contents by their hash: a worker that cuts files and names their chunks, beside the page's own thread.

mod cutter;
mod hasher;
pub mod worker;

pub use self::cutter::{CutError, Cuts};
pub use self::hasher::{Hasher, set_code_folder};
