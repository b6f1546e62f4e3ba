//! What the engine asks of the world.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::sync::{Base, PushRequest, ResolveRequest};
use shared::{ConflictId, ContentHash, ItemId, ItemName, OperationId, Timestamp};

use crate::event::CallId;
use crate::store::StoreBatch;

/// One thing to do. In the order given; batches reach the store one after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Store all of it or nothing, durably, then answer [`crate::Event::Persisted`].
    Persist(Arc<StoreBatch>),
    /// `POST /sync/push`. Each operation in `contents` has a `create` or `content` change in the request
    /// whose `data` the driver fills in from [`crate::LocalStore::content`] (see [`crate::fill_content`]).
    Push { call: CallId, request: PushRequest, contents: Vec<OperationId> },
    /// `GET /sync/pull`.
    Pull { call: CallId, since: Option<String>, limit: usize },
    /// `GET /trash`, which a pull from the beginning leaves out.
    FetchTrash { call: CallId, cursor: Option<String> },
    /// `GET /conflicts`.
    FetchConflicts { call: CallId },
    /// `POST /conflicts/{id}/resolve`.
    Resolve { call: CallId, conflict: ConflictId, request: ResolveRequest },
    /// Send a content by chunks. Emitted when what it leans on is acknowledged, and again for each later
    /// try of the same operation. The driver decides how many run at once.
    StartUpload(Box<UploadOrder>),
    /// Stop an upload. Answer [`crate::UploadError::Cancelled`] only when it is certain that it was not
    /// completed.
    CancelUpload { operation: OperationId },
    /// The server no longer has this content, which it once acknowledged: does this device hold its bytes?
    FindContent { item: ItemId, content_hash: ContentHash, size: u64 },
    /// Tell the server over the socket what this device has applied.
    Acknowledge { sync_token: String },
    /// Send [`crate::Event::Tick`] at this time. The last one given counts.
    WakeAt(Timestamp),
    /// The session ended: nothing is sent until [`crate::Event::SignedIn`].
    SignInNeeded,
    /// What differs in the read API since the last one.
    Changed(Changes),
    /// Something to say to the person.
    Notify(Notice),
}

/// A chunked upload to perform: the fields of `POST /files/{fileId}/upload/init`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadOrder {
    pub operation_id: OperationId,
    pub file_id: ItemId,
    pub parent_id: ItemId,
    pub name: ItemName,
    /// In bytes.
    pub size: u64,
    pub mime_type: Option<String>,
    pub created_at: Option<Timestamp>,
    pub modified_at: Option<Timestamp>,
    pub base: Base,
    pub last_sync_token: Option<String>,
    /// The driver's own name for the bytes, from [`crate::NewContent::Upload`].
    pub staged: Option<String>,
    /// How often it was tried before.
    pub attempts: u32,
}

/// Which reads give another answer than before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// So much changed that single ids are not told: read everything again.
    pub everything: bool,
    /// Items whose fields or status changed, or that came or went.
    pub items: BTreeSet<ItemId>,
    /// Folders whose list of children changed.
    pub folders: BTreeSet<ItemId>,
    pub trash: bool,
    pub conflicts: bool,
    /// The summary or the queue.
    pub queue: bool,
    /// Items that turned out to be one with another: the old id, then the one that counts from now on.
    pub renumbered: Vec<(ItemId, ItemId)>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Something that happened to a person's changes and deserves a word.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notice {
    /// The name was taken.
    Renamed { item: ItemId, asked: String, given: String },
    /// Joined with another device's change; nothing was lost.
    Merged { item: ItemId, name: String },
    /// Another device's move or rename came first and stands.
    PlacedElsewhere { item: ItemId, asked: String, name: String },
    /// Deleted here, but changed elsewhere: it is back.
    CameBack { item: ItemId, name: String },
    /// Refused for good: the change was undone here and waits in the queue for a decision.
    Refused { operation: OperationId, item: ItemId, name: String, reason: String },
    /// Both sides changed the content; a person has to choose.
    Conflict { conflict: ConflictId, item: ItemId, name: String },
    /// A conflict got another side since the person chose: choose again.
    ConflictChanged { conflict: ConflictId, item: ItemId, name: String },
    /// The server lost it and this device holds no copy.
    Lost { items: usize },
    /// A shared folder or library was taken away.
    ZoneRemoved,
    /// This device's storage refuses to keep changes; they are tried again and not sent before.
    StorageFailed,
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Renamed { asked, given, .. } => {
                write!(f, "“{asked}” is now “{given}”, because the name was taken")
            }
            Self::Merged { name, .. } => write!(f, "“{name}” was joined with changes from another device"),
            Self::PlacedElsewhere { asked, name, .. } if asked == name => {
                write!(f, "“{name}” was moved on another device first, and stays there")
            }
            Self::PlacedElsewhere { asked, name, .. } => {
                write!(f, "“{asked}” was renamed to “{name}” on another device first")
            }
            Self::CameBack { name, .. } => {
                write!(f, "“{name}” is back, because it was changed on another device")
            }
            Self::Refused { name, reason, .. } => write!(f, "“{name}”: {reason}"),
            Self::Conflict { name, .. } => {
                write!(f, "“{name}” was changed on two devices. Choose what to keep")
            }
            Self::ConflictChanged { name, .. } => {
                write!(f, "“{name}” was changed again meanwhile. Choose once more")
            }
            Self::Lost { items: 1 } => {
                f.write_str("One file is no longer on the server, and this device has no copy")
            }
            Self::Lost { items } => {
                write!(f, "{items} files are no longer on the server, and this device has no copy")
            }
            Self::ZoneRemoved => f.write_str("A shared folder is no longer shared with you"),
            Self::StorageFailed => f.write_str("This device cannot store changes right now. Free some space"),
        }
    }
}
