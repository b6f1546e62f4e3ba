//! Libraries of any size: some photos really uploaded, the rest rows that show their pictures.

pub mod derivatives;
mod lists;
mod pictures;
pub mod seed;

pub use lists::measure;
