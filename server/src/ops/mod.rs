//! Use cases that have several effects, or several callers.

pub mod accounts;
pub mod albums;
pub mod backup;
pub mod conflicts;
pub mod content;
pub mod photos;
pub mod pull;
pub mod push;
pub mod read;
pub mod sign_in;
pub mod tree;
pub mod upload;
pub mod verify;
pub mod versions;
pub mod zip;
