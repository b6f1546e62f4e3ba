//! What a person asks for, and why it may be refused on the spot.

use serde::{Deserialize, Serialize};
use shared::photo::{AlbumChange, PhotoEdit};
use shared::sync::Resolution;
use shared::{ConflictId, ContentHash, ItemId, ItemName, OperationId, Timestamp, VersionVector};

/// One act on the local tree. Applied at once, queued as one operation of the outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Command {
    /// The id is the caller's, so that it can go on at once. A taken name gets a number.
    CreateFolder {
        id: ItemId,
        parent: ItemId,
        name: ItemName,
    },
    /// A new file with its first content. A taken name gets a number.
    CreateFile {
        id: ItemId,
        parent: ItemId,
        name: ItemName,
        content: NewContent,
        mime_type: Option<String>,
        created_at: Option<Timestamp>,
        modified_at: Option<Timestamp>,
    },
    /// Another of the same: a file, or a folder with everything in it. The copy's id is the caller's, those of
    /// what is in it follow from it. A taken name gets a number.
    Copy {
        id: ItemId,
        source: ItemId,
        parent: ItemId,
    },
    /// Another content for a file that exists. With a `base` it may have been deleted meanwhile: the edit
    /// brings it back.
    SetContent {
        id: ItemId,
        content: NewContent,
        modified_at: Option<Timestamp>,
        /// What the editor had opened, from `Engine::edit_base` at that time; None for the present one.
        base: Option<EditBase>,
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
    /// What a person says of a photo: favourite, hidden, when and where it was taken.
    DescribePhoto {
        id: ItemId,
        edit: PhotoEdit,
    },
    /// What a person does to a photo in an album, a folder of the library.
    ChangeAlbum {
        photo: ItemId,
        album: ItemId,
        change: AlbumChange,
    },
    /// A person's choice between two contents.
    Resolve {
        conflict: ConflictId,
        resolution: Resolution,
    },
}

/// The bytes of a new content, or where they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NewContent {
    /// At most [`shared::limits::PUSH_DATA_BYTES_MAX`] bytes: the store keeps them beside the operation,
    /// and they travel in a push.
    Small(Vec<u8>),
    /// Larger: the driver holds the bytes and sends them by chunks when [`crate::Effect::StartUpload`] asks.
    Upload {
        /// In bytes.
        size: u64,
        /// The driver's own name for the bytes, kept with the operation and handed back. Bytes are found by
        /// it, not by the operation's id: an operation that has to be sent again as another gets a new one.
        staged: Option<String>,
    },
    /// What a file holds, or held before: the server has it.
    Held {
        of: ItemId,
        /// In bytes.
        size: u64,
        hash: ContentHash,
    },
}

/// What an edit was made on: the server's version, or an operation of this device that was not answered
/// yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EditBase {
    Version(VersionVector),
    Operation(OperationId),
}

/// Why a command cannot even be queued. The text is for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum CommandError {
    #[error("This item is no longer here")]
    NotFound(ItemId),
    #[error("The target folder is no longer here")]
    ParentNotFound(ItemId),
    #[error("The target is not a folder")]
    NotAFolder(ItemId),
    #[error("This is not a file")]
    NotAFile(ItemId),
    #[error("This is not a photo of your library")]
    NotAPhoto(ItemId),
    #[error("A folder cannot be put into itself")]
    WouldCycle(ItemId),
    #[error("Folders cannot be nested this deep")]
    TooDeep(ItemId),
    #[error("The top folder cannot be changed")]
    RootImmutable,
    #[error("This id is already in use")]
    AlreadyExists(ItemId),
    #[error("This item is in the trash")]
    Deleted(ItemId),
    #[error("This item is not in the trash")]
    NotDeleted(ItemId),
    #[error("You can only view this folder")]
    ReadOnly(ItemId),
    #[error("Items cannot be moved between libraries yet")]
    OtherZone(ItemId),
    #[error("This file is too large")]
    FileTooLarge(ItemId),
    #[error("It is still being uploaded here. Copy it when it has arrived")]
    StillUploading(ItemId),
    #[error("These are too many items to copy at once")]
    TooManyItems(ItemId),
    #[error("This conflict is already settled")]
    ConflictNotFound(ConflictId),
}

/// What `Engine::run` answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ran {
    /// To be performed like those of any event.
    pub effects: Vec<crate::Effect>,
    /// The commands that undo what was done, in the order to run them. What cannot be undone (a new
    /// content, a purge) has none.
    pub undo: Vec<Command>,
    /// For each queued command of the call that made an operation of its own: which one.
    pub operations: Vec<(ItemId, OperationId)>,
    /// The commands that were not queued, by their index, and why. The others were.
    pub refused: Vec<(usize, CommandError)>,
}
