//! The Cloudstead server: http (extract, authorise, call, reply) over ops (use cases) over db, blobs and
//! notifications.

pub mod access;
pub mod auth;
pub mod blobs;
pub mod clock;
pub mod db;
pub mod error;
pub mod ops;
pub mod state;
