//! The Cloudstead server: http (extract, authorise, call, reply) over ops (use cases) over db, blobs and
//! notifications.

pub mod access;
pub mod auth;
pub mod blobs;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod error;
pub mod faults;
pub mod http;
pub mod jobs;
pub mod ops;
pub mod passwords;
pub mod places;
pub mod rate_limit;
pub mod serve;
pub mod shared_counts;
pub mod site;
pub mod state;
pub mod throttle;
pub mod tokens;
pub mod ws;
