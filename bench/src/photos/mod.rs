//! Libraries of any size: some photos really uploaded, the rest rows that show their pictures.

mod lists;
mod pictures;
pub mod seed;

pub use lists::measure;
