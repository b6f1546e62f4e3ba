//! The client's sync engine, pure: [`Event`] in, [`Effect`]s out. No clock, no chance, no I/O: time and
//! ids arrive in events and through ports, so that the browser, a native client and the simulation run
//! the same code.
//!
//! Three trees (after Dropbox's Nucleus): *remote* is what the server last told, *base* what each queued
//! operation was made on, *local* what the person sees, which is remote with the outbox applied.

mod command;
mod summary;

pub use command::Command;
pub use summary::{QueueEntry, QueueState, SyncSummary};
