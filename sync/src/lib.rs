//! The client's sync engine, pure: [`Event`] in, [`Effect`]s out. No clock, no chance, no I/O: time and
//! a seed are passed in, so that the browser, a native client and the simulation run the same code.
//!
//! Three trees (after Dropbox's Nucleus): *remote* is what the server last told, *base* what each queued
//! operation was made on, *local* what the person sees, which is remote with the outbox applied.
//!
//! A driver opens an [`Engine`] on what its [`LocalStore`] holds (a [`Snapshot`], or in parts as an
//! [`Opening`]), sends it [`Event::Started`],
//! and from then on performs every [`Effect`] in order and reports what came of it. It answers each call
//! exactly once, with [`CallError::Unreachable`] where the time ran out.

mod chance;
mod command;
pub mod conformance;
mod effect;
mod engine;
mod event;
pub mod import;
mod memory_store;
mod outbox;
mod push_body;
mod store;
mod summary;
mod tree;

pub use command::{Command, CommandError, EditBase, NewContent, Ran};
pub use effect::{Changes, Effect, Notice, UploadOrder};
pub use engine::{AlbumView, ChildPlace, Engine, ItemView, Opening};
pub use event::{CallError, CallId, Event, UploadError};
pub use memory_store::MemoryStore;
pub use push_body::fill_content;
pub use store::{
    Act, BatchId, Content, LocalStore, Meta, Operation, OperationState, Snapshot, StoreBatch, StoreDelta,
    StoredItem,
};
pub use summary::{QueueEntry, QueueState, SyncSummary};
