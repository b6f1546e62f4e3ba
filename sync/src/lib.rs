//! The client's sync engine, pure: [`Event`] in, [`Effect`]s out. No clock, no chance, no I/O: time and
//! a seed are passed in, so that the browser, a native client and the simulation run the same code.
//!
//! Three trees (after Dropbox's Nucleus): *remote* is what the server last told, *base* what each queued
//! operation was made on, *local* what the person sees, which is remote with the outbox applied.
//!
//! A driver loads a [`Snapshot`] from its [`LocalStore`], opens an [`Engine`], sends it [`Event::Started`],
//! and from then on performs every [`Effect`] in order and reports what came of it. It answers each call
//! exactly once, with [`CallError::Unreachable`] where the time ran out.
//!
//! ```text
//! Engine::open(snapshot: Snapshot, seed: [u8; 32], now: Timestamp) -> Engine
//! engine.handle(now, event: Event) -> Vec<Effect>
//! engine.run(now, commands: Vec<Command>) -> Ran            // effects, undo, refused
//! engine.new_item_id(now) -> ItemId
//! engine.edit_base(id) -> Option<EditBase>
//! engine.item(id) -> Option<ItemView>                       // .to_client_item()
//! engine.children(folder) -> impl Iterator<Item = ItemView> // live, unsorted
//! engine.child_named(folder, &ItemName) -> Option<ItemId>
//! engine.ancestors(id) -> Vec<ItemId>                       // from the root's child down to the parent
//! engine.search(text, limit) -> Vec<ItemView>
//! engine.trash() -> Vec<ItemView>                           // the latest first
//! engine.conflicts() -> impl Iterator<Item = &ConflictInfo>
//! engine.queue() -> Vec<QueueEntry>
//! engine.summary() -> SyncSummary
//! ```

mod chance;
mod command;
mod effect;
mod event;
mod store;
mod summary;

pub use command::{Command, CommandError, EditBase, NewContent, Ran};
pub use effect::{Changes, Effect, Notice, UploadOrder};
pub use event::{CallError, CallId, Event, UploadError};
pub use store::{
    Act, BatchId, Content, LocalStore, Meta, Operation, OperationState, Snapshot, StoreBatch, StoredItem,
};
pub use summary::{QueueEntry, QueueState, SyncSummary};
