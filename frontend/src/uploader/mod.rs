//! Uploads by chunks.

mod cutter;
mod hasher;
mod meter;
mod pace;
pub mod worker;
