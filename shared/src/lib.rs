//! What the two ends of Cloudstead agree on: the wire types, ids, version vectors, content hashing and
//! cutting, name rules, limits, errors, and the pure rules of concurrent edits.
//!
//! Nothing here does I/O, reads a clock or rolls dice: the browser, the server and the simulation compile
//! the same code and get the same answers.

pub mod account;
pub mod activity;
pub mod album_order;
pub mod chunking;
pub mod code;
pub mod content;
pub mod diff;
pub mod error;
pub mod faults;
pub mod frames;
pub mod ids;
pub mod item;
pub mod limits;
pub mod name;
pub mod photo;
pub mod photo_index;
pub mod photo_query;
pub mod rules;
pub mod sync;
pub mod timestamp;
pub mod unicode;
pub mod upload;
pub mod version_vector;

pub use content::{ChunkHash, ChunkManifest, ChunkRef, ContentHash};
pub use error::{ErrorCode, Problem};
pub use ids::{
    ActivityId, ConflictId, DeviceId, ItemId, OperationId, PictureId, UploadId, UserId, VersionId, ZoneId,
};
pub use item::{ClientFileItem, FileItem, ItemKind, SyncStatus};
pub use name::ItemName;
pub use timestamp::Timestamp;
pub use version_vector::{Comparison, Dot, VersionVector};
