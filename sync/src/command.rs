//! What a person asks for.

use serde::{Deserialize, Serialize};
use shared::{ItemId, ItemName};

/// One act on the local tree. Applied at once, queued as one operation of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// The id is the caller's, so that it can go on at once.
    CreateFolder {
        id: ItemId,
        parent: ItemId,
        name: ItemName,
    },
    Rename {
        id: ItemId,
        name: ItemName,
    },
    Move {
        id: ItemId,
        parent: ItemId,
    },
    Delete {
        id: ItemId,
    },
    /// Back to where it was, or into `parent`.
    Restore {
        id: ItemId,
        parent: Option<ItemId>,
    },
    /// Out of the trash for good.
    Purge {
        id: ItemId,
    },
}
