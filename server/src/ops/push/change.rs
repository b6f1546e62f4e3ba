//! Changes as the judge takes them: parsed, within the limits, their contents durable.

use bytes::Bytes;
use shared::content::Manifest;
use shared::photo::{AlbumChange, PhotoEdit, WallTime};
use shared::sync::{Base, Outcome};
use shared::{ConflictId, ContentHash, ErrorCode, ItemId, ItemName, OperationId, Timestamp};

use crate::blobs::StagedChunk;
use crate::db::DbError;
use crate::db::operations::Chain;

/// One operation. A malformed one is carried along, so that its answer is recorded like any other.
#[derive(Clone, Debug)]
pub struct PreparedChange {
    pub operation_id: OperationId,
    pub file_id: ItemId,
    /// SHA-256 of the operation's canonical form: the same id with another is refused.
    pub payload_hash: [u8; 32],
    /// The id is taken in another of the person's zones.
    pub taken_elsewhere: bool,
    /// It is the end of an upload.
    pub by_upload: bool,
    pub body: Result<PreparedBody, Refusal>,
}

#[derive(Clone, Debug)]
pub struct PreparedBody {
    pub base: Base,
    pub kind: PreparedKind,
}

#[derive(Clone, Debug)]
pub enum PreparedKind {
    CreateFolder(NewItem),
    Create(NewItem, PreparedContent),
    Content(PreparedContent),
    Move {
        parent_id: Option<ItemId>,
        name: Option<ItemName>,
    },
    Delete {
        /// The position of the zone's feed that the person had seen when they deleted.
        seen: u64,
    },
    Restore {
        parent_id: Option<ItemId>,
    },
    Purge,
    Photo(PhotoEdit),
    /// What becomes of a photo in an album.
    Album(ItemId, AlbumChange),
}

#[derive(Clone, Debug)]
pub struct NewItem {
    pub parent_id: ItemId,
    pub name: ItemName,
    pub mime_type: Option<String>,
    pub created_at: Option<Timestamp>,
    pub modified_at: Option<Timestamp>,
    /// What whoever brings a photo says of when it was taken.
    pub taken_at: Option<WallTime>,
}

/// A content whose chunks the account holds or will with this write.
#[derive(Clone, Debug)]
pub struct PreparedContent {
    pub manifest: Manifest,
    pub hash: ContentHash,
    /// Chunks that come along.
    pub staged: Vec<StagedChunk>,
    /// The whole of it, where it came in the request.
    pub bytes: Option<Bytes>,
    /// SHA-256 of the whole of it, where it is known.
    pub whole: Option<[u8; 32]>,
    pub modified_at: Option<Timestamp>,
}

impl PreparedContent {
    /// A content whose chunks the account holds.
    pub fn held(manifest: Manifest, modified_at: Option<Timestamp>) -> Self {
        let hash = manifest.content_hash();
        Self { manifest, hash, staged: Vec::new(), bytes: None, whole: None, modified_at }
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.manifest.size()
    }
}

impl PreparedKind {
    /// What the audit trail calls it, where it takes something away.
    pub const fn audited(&self) -> Option<&'static str> {
        match self {
            Self::Delete { .. } => Some("delete"),
            Self::Purge => Some("purge"),
            _ => None,
        }
    }
}

/// Why one operation is refused. Nothing of it has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCode,
    pub message: String,
    pub retryable: bool,
    pub missing_chunks: Option<Vec<u32>>,
}

impl Refusal {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retryable: code.retryable(), missing_chunks: None }
    }
}

/// Why the judging of one operation stops.
#[derive(Debug)]
pub enum Stop {
    Refused(Refusal),
    Db(DbError),
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

pub type Judged<T> = Result<T, Stop>;

/// What came of an accepted operation.
#[derive(Clone, Debug)]
pub struct Done {
    pub item_id: ItemId,
    pub end: End,
    pub chain: Chain,
}

#[derive(Clone, Copy, Debug)]
pub enum End {
    Applied(Outcome),
    Conflict(ConflictId),
}
