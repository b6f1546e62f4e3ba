//! How in step this device is, in numbers that a person can read.

use serde::{Deserialize, Serialize};
use shared::{ItemId, OperationId, Timestamp};

/// One line for the top bar. Never "up to date" while anything differs or waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The server is known to have news that is not here yet, or may have: it was not asked since the
    /// connection broke.
    pub behind: bool,
    /// Some of what is shown is not on this device's disk yet: without a connection, the next start would lack it.
    #[serde(default)]
    pub unstored: bool,
    /// The session ended: sign in again to go on.
    pub signed_out: bool,
    /// This device cannot store changes right now.
    pub storage_failed: bool,
    /// The account, or the server, has no room: contents wait for it, everything else goes on.
    #[serde(default)]
    pub quota_full: bool,
    /// When the next try is due, where the last one failed.
    pub next_try: Option<Timestamp>,
    pub last_synced_at: Option<Timestamp>,
}

impl SyncSummary {
    /// Whether the first answer, or failure, is still to come: nothing is known yet of the server.
    pub fn is_connecting(&self) -> bool {
        !self.online && self.next_try.is_none()
    }

    /// Whether the person may read "up to date".
    pub fn is_synced(&self) -> bool {
        self.online
            && !self.behind
            && !self.unstored
            && !self.active
            && !self.signed_out
            && !self.storage_failed
            && (self.waiting == 0 || shared::faults::Fault::SyncedWhileWaiting.is_planted())
            && self.failed == 0
            && self.first_sync.is_none()
    }
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
