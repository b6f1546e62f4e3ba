//! How in step this device is, in numbers that a person can read.

use shared::{ItemId, OperationId, Timestamp};

/// One line for the top bar. Never "up to date" while anything differs or waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncSummary {
    /// Whether the server answered the last call.
    pub online: bool,
    /// Operations and uploads that wait or are on their way.
    pub waiting: usize,
    /// Whether something is on its way right now.
    pub active: bool,
    /// Operations that were refused for good and need a person.
    pub failed: usize,
    pub conflicts: usize,
    /// Whether the first sync is still bringing in items, and how many came so far.
    pub first_sync: Option<usize>,
    pub last_synced_at: Option<Timestamp>,
}

/// A queued operation as the status list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    pub operation_id: OperationId,
    pub item_id: ItemId,
    pub item_name: String,
    /// A short verb phrase: "Rename", "Move", "Upload" …
    pub action: &'static str,
    pub state: QueueState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueueState {
    Waiting {
        reason: Option<String>,
        next_try: Option<Timestamp>,
    },
    Sending,
    /// Parked: the server refused it, and why.
    Refused {
        reason: String,
    },
}
