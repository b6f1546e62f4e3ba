//! How the app knows the world: one port, provided in context by whoever mounts it.
//!
//! Reads come from memory and never wait; commands return at once and show up in the next read. What
//! truly needs the server (versions, devices, sign-in) is a future with a typed error.

mod photos;
mod storage;

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use shared::account::{Device, SignedIn};
use shared::activity::Activity;
use shared::limits::PUSH_DATA_BYTES_MAX;
use shared::photo::{DuplicatePage, Photo, PhotoEdit, PhotoInfo};
use shared::sync::ConflictInfo;
use shared::upload::FileVersion;
use shared::{ClientFileItem, ConflictId, ItemId, ItemName, OperationId, Timestamp, VersionId};
pub use sync::CallError;
use sync::import::{Plan, Skipped};
use sync::{AlbumView, Command, CommandError, EditBase, QueueEntry, SyncSummary};

pub use crate::model::FileType;
pub use crate::model::conflict::Side;
pub use crate::model::photos::{
    ListedPhoto, Moment, Overlay, OwnPhotos, PhotoCache, PhotoIndex, Sought, Stand, Survey, ThumbnailName,
};

pub use photos::{PhotoHints, PhotoList, PhotoMarks, PhotoSource, PhotosState};
pub use storage::{Amount, DeviceStorage, Keeping, Kept, KeptNote, LibraryHere, PhotoForms, Progress};

/// A future on the browser's one thread.
pub type LocalFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// Who is using the app on this device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Account {
    /// The local database has not answered yet.
    Loading,
    SignedOut,
    SignedIn(Arc<SignedIn>),
    /// The local database cannot be opened: what to tell the person.
    Failed(String),
}

/// A file that a person dropped or picked, with the folders it lay in.
#[derive(Clone, Debug)]
pub struct PickedFile {
    pub file: web_sys::File,
    /// Folder names below the target, outermost first; empty for a plain file.
    pub folders: Vec<String>,
    /// Lets the upload go on after a reload, where the browser has it.
    pub handle: Option<wasm_bindgen::JsValue>,
    /// Of a photo that an import takes in.
    pub described: Option<Box<Described>>,
}

/// What is said of a photo beside its content.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Described {
    /// The caller's, so that it can go on at once.
    pub id: ItemId,
    /// The line of the upload panel that it is on, with others.
    pub group: String,
    /// In place of the file's own.
    pub modified_at: Option<Timestamp>,
    pub edit: PhotoEdit,
    /// Albums that are there already.
    pub albums: Vec<ItemId>,
}

/// What a person dropped or picked.
#[derive(Clone, Debug, Default)]
pub struct Picked {
    pub files: Vec<PickedFile>,
    /// Folders with nothing in them, outermost name first.
    pub empty_folders: Vec<Vec<String>>,
}

impl Picked {
    pub fn is_empty(&self) -> bool {
        self.files.is_empty() && self.empty_folders.is_empty()
    }

    /// Leaves what a library of photos takes: no folders. Answers how many files were left out.
    pub fn keep_photos(&mut self) -> usize {
        let count = self.files.len();
        self.empty_folders.clear();
        self.files.retain_mut(|picked| {
            picked.folders.clear();
            let (name, kind) = (picked.file.name(), picked.file.type_());
            matches!(FileType::of_file(&name, Some(&kind)), FileType::Image | FileType::Video)
        });
        count - self.files.len()
    }

    /// Files, and folders that hold none.
    pub fn len(&self) -> usize {
        self.files.len() + self.empty_folders.len()
    }
}

/// One upload as the panel shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UploadView {
    pub operation_id: OperationId,
    pub name: String,
    pub parent_id: ItemId,
    /// The dropped folder it belongs to, for grouping.
    pub group: Option<String>,
    pub total_bytes: u64,
    pub sent_bytes: u64,
    /// Bytes the server already had.
    pub skipped_bytes: u64,
    pub bytes_per_second: Option<f64>,
    pub seconds_left: Option<u64>,
    pub state: UploadState,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum UploadState {
    /// Waiting for its turn.
    Queued,
    /// Cut and hashed in the worker.
    Hashing,
    Uploading,
    Paused,
    /// The network is away; it goes on by itself.
    Waiting {
        reason: String,
        next_try: Option<Timestamp>,
    },
    /// The page was reloaded and the browser kept no handle: the person has to pick the file again.
    NeedsFile,
    Failed {
        reason: String,
    },
    Done,
}

impl UploadState {
    pub fn is_going(&self) -> bool {
        matches!(self, Self::Queued | Self::Hashing | Self::Uploading | Self::Waiting { .. })
    }
}

impl UploadView {
    /// Whether it is under way and can be held up. What is small goes in one piece.
    pub fn can_pause(&self) -> bool {
        self.total_bytes > PUSH_DATA_BYTES_MAX as u64 && self.state.is_going()
    }
}

/// What a person does to an upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum UploadControl {
    Pause,
    Resume,
    Cancel,
    Retry,
    /// Takes a finished or failed one off the panel.
    Dismiss,
}

/// Browsers show these themselves.
pub fn is_shown_by_browsers(mime_type: &str) -> bool {
    matches!(mime_type, "image/jpeg" | "image/png" | "image/webp" | "image/gif" | "image/avif")
}

/// An export of another library that a person picked.
pub trait Import {
    fn stage(&self) -> Signal<ImportStage>;
    /// Carries out what was planned, once.
    fn take_in(self: Rc<Self>);
    /// What was taken in until then stays.
    fn stop(&self);
}

/// How far an import is.
#[derive(Clone, Debug, PartialEq)]
pub enum ImportStage {
    /// Nothing is changed yet. `total`: none before the archives are opened.
    Reading {
        done: usize,
        total: Option<usize>,
    },
    Planned(Arc<Plan>),
    Sending(ImportProgress),
    Done(ImportProgress),
}

/// What became of a plan's photos so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImportProgress {
    pub total: usize,
    pub done: usize,
    /// Put into the library, and sent from there on.
    pub queued: usize,
    /// The library had them, or another copy of them came before.
    pub already_here: usize,
    pub failed: Vec<Skipped>,
    /// No more are taken in until there is a connection.
    pub is_offline: bool,
    pub is_stopped: bool,
}

/// Something to say in a toast, with undo where it can be.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    pub text: String,
    pub undo: Option<Vec<Command>>,
}

/// One text that is being edited in this tab, until it is dropped.
pub trait TextEdit {
    /// Keeps what was typed so far, in the background, so that a tab that is killed loses nothing. `base` is
    /// what [`TextEdit::save`] would be given.
    fn keep(&self, text: String, base: EditBase);
    /// Queues the text as the file's content, at once. Resolves when that stands on this device, with what a
    /// further edit is made on.
    fn save(&self, text: String, base: EditBase) -> LocalFuture<Result<EditBase, SaveError>>;
}

/// Why a text was not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaveError {
    /// It never will be: the file is gone for good, or may only be read.
    Refused(CommandError),
    /// This device could not store it; trying again may help.
    NotStored,
}

/// Something that happened to this device's own changes, kept on this device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptNotice {
    pub at: Timestamp,
    pub text: String,
}

/// One page of what happened to items.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivityView {
    pub activities: Vec<Activity>,
    pub next_cursor: Option<String>,
    /// Where the server cannot be reached: when this device last asked it.
    pub as_of: Option<Timestamp>,
}

/// The signed-in person's cloud, as this device knows it.
pub trait Cloud {
    fn account(&self) -> Signal<Account>;
    fn sign_in(&self, username: String, password: String) -> LocalFuture<Result<(), CallError>>;
    fn register(
        &self,
        username: String,
        password: String,
        display_name: Option<String>,
        invite: Option<String>,
    ) -> LocalFuture<Result<(), CallError>>;
    /// Ends the session and forgets this device's copy. Refused by the caller's own dialog first where
    /// changes wait.
    fn sign_out(&self) -> LocalFuture<Result<(), CallError>>;

    /// Whether the local tree is there. Before, only lists of photos are, and what is run waits for it.
    fn is_open(&self) -> Signal<bool>;
    /// Rises, at most once a frame, whenever the local tree changed. Reads below do not track by themselves.
    fn revision(&self) -> Signal<u64>;
    fn item(&self, id: ItemId) -> Option<Arc<ClientFileItem>>;
    /// Live children, unsorted. The root is a folder like any other.
    fn children(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>>;
    /// Those of them that are folders.
    fn folders(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>>;
    fn children_len(&self, folder: ItemId) -> usize;
    /// The live child of that name, or of one that counts as equal.
    fn child_named(&self, folder: ItemId, name: &ItemName) -> Option<ItemId>;
    /// From the root's child down to the item's parent.
    fn ancestors(&self, id: ItemId) -> Vec<Arc<ClientFileItem>>;
    /// Live items whose name contains `text`, compared as folded names.
    fn search(&self, text: &str, limit: usize) -> Vec<Arc<ClientFileItem>>;
    /// The topmost deleted items, the latest first.
    fn trash(&self) -> Vec<Arc<ClientFileItem>>;

    /// Applies the commands to the local tree at once, as one step, and queues them. Answers the commands
    /// that undo them, in order.
    fn run(&self, commands: Vec<Command>) -> Vec<Command>;
    /// As [`Cloud::run`] for however many: a part at a time, so that the page keeps its turn. Resolves with
    /// what undoes all of it.
    fn run_in_turns(&self, commands: Vec<Command>) -> LocalFuture<Vec<Command>>;
    /// An id for what is about to be created.
    fn new_item_id(&self) -> ItemId;

    fn summary(&self) -> Signal<SyncSummary>;
    /// The first `limit` of what waits or is stuck, with its reason and next try.
    fn queue(&self, limit: usize) -> Vec<QueueEntry>;
    fn retry_now(&self);
    /// Gives up one parked operation; its local effect is undone.
    fn discard(&self, operation: OperationId);
    /// Undone or merged operations and the like, as they happen; taken off as they are read.
    fn notices(&self) -> Signal<Vec<Notice>>;
    fn take_notices(&self) -> Vec<Notice>;

    /// Sends files into a folder; into an album's library and the album.
    fn upload(&self, folder: ItemId, picked: Picked);
    /// Begins to read an export: files, folders and archives. Nothing is changed by that.
    fn import(&self, picked: Picked) -> LocalFuture<Rc<dyn Import>>;
    /// How many photos other apps of this device handed over that wait for the person's word.
    fn handed(&self) -> LocalFuture<usize>;
    /// Puts them into the library.
    fn take_in_handed(&self);
    fn forget_handed(&self);
    fn uploads(&self) -> Signal<Vec<UploadView>>;
    /// `Retry` is for any other change that was refused as well.
    fn control_upload(&self, operation: OperationId, control: UploadControl);
    /// The file again, for an upload that lost it; checked against what was begun.
    fn supply_file(&self, operation: OperationId, file: web_sys::File);

    /// Where the browser gets the bytes: the server's download address, or a local object URL for what
    /// only this device has.
    fn content_url(&self, id: ItemId) -> LocalFuture<Result<String, CallError>>;
    /// The first `bytes_max` bytes as text.
    fn read_text(&self, id: ItemId, bytes_max: usize) -> LocalFuture<Result<String, CallError>>;
    /// Begins to edit a text. What an earlier tab was killed with is queued first.
    fn edit_text(&self, id: ItemId) -> LocalFuture<Rc<dyn TextEdit>>;
    /// What an edit of the present content is made on; None where there is no such file.
    fn edit_base(&self, id: ItemId) -> Option<EditBase>;
    /// Makes a new file of a text, whose name gets a number where it is taken. Answers its id.
    fn create_text(&self, folder: ItemId, name: ItemName, text: String) -> LocalFuture<Option<ItemId>>;
    /// The address that downloads the item: the file itself, or a zip. From this device where the server is
    /// away.
    fn download_url(&self, id: ItemId) -> LocalFuture<Result<String, CallError>>;

    /// Rises whenever other contents are on this device, or are to be. The read below does not track by
    /// itself.
    fn keeping_revision(&self) -> Signal<u64>;
    fn keeping(&self, id: ItemId) -> Keeping;
    /// "Keep on this device": files, and folders with whatever comes into them.
    fn keep(&self, ids: &[ItemId], is_kept: bool);
    /// How much of what is to be kept of a folder or an album is here; does not track by itself, as above.
    fn keeping_progress(&self, folder: ItemId) -> LocalFuture<Progress>;
    fn device_storage(&self) -> LocalFuture<DeviceStorage>;
    /// How many bytes of what was seen lately may stay.
    fn set_seen_budget(&self, bytes: u64);
    /// How many bytes of smaller forms of photos may stay.
    fn set_forms_budget(&self, bytes: u64) -> LocalFuture<()>;
    /// Whether thumbnails of the whole library are to come before anybody looks at them.
    fn set_forms_ahead(&self, is_ahead: bool) -> LocalFuture<()>;
    /// Takes what was only seen lately off this device, but for thumbnails.
    fn forget_seen(&self) -> LocalFuture<()>;
    /// Asks the browser never to clear this app's storage by itself. Answers whether it agreed.
    fn ask_to_persist(&self) -> LocalFuture<bool>;

    /// Open conflicts that no decision of this device waits for, the oldest first. Followed by `revision`.
    fn conflicts(&self) -> Vec<Arc<ConflictInfo>>;
    /// The bytes of one side of an open conflict: from this device where it holds them, else the server's.
    fn conflict_content(
        &self,
        conflict: ConflictId,
        side: Side,
    ) -> LocalFuture<Result<web_sys::Blob, CallError>>;
    /// The address that downloads a side.
    fn conflict_url(&self, conflict: ConflictId, side: Side) -> String;

    /// What was merged, renamed, brought back or lost a race, the latest first. The first page is kept on
    /// this device.
    fn activity(&self, cursor: Option<String>) -> LocalFuture<Result<ActivityView, CallError>>;
    /// What only this device has to say: refusals and the like, the latest first.
    fn kept_notices(&self) -> LocalFuture<Vec<KeptNotice>>;

    /// The folder that photos are uploaded to; none before this device has heard of it.
    fn photo_library(&self) -> Option<ItemId>;
    /// The albums of the library, by name. Does not track by itself.
    fn albums(&self) -> Vec<AlbumView>;
    /// A list of photos; asked for again, the same one.
    fn photos(&self, list: PhotoList) -> Rc<dyn PhotoSource>;
    /// All photos of a list as this device knows them, in their order; none before it was told of the whole library.
    fn photos_here(&self, list: PhotoList) -> LocalFuture<Option<Vec<ListedPhoto>>>;
    /// What the library can be searched by, as far as this device knows it.
    fn photo_hints(&self) -> LocalFuture<PhotoHints>;
    /// Photos that look the same, in groups.
    fn duplicates(&self, cursor: Option<String>) -> LocalFuture<Result<DuplicatePage, CallError>>;
    /// What this device knows of a photo; none where that is nothing. Followed by `revision`.
    fn photo_marks(&self, id: ItemId) -> Option<PhotoMarks>;
    /// What is known of a photo, this device's own edits applied; none where that is nothing. Followed by
    /// `revision`.
    fn photo_info(&self, id: ItemId) -> Option<PhotoInfo>;
    /// A photo by itself, from here or from the server.
    fn photo(&self, id: ItemId) -> LocalFuture<Result<Rc<Photo>, CallError>>;
    /// Has the server look at a photo again that it could make no smaller forms of. Resolves with how it stands then,
    /// or after a while.
    fn look_again(&self, id: ItemId) -> LocalFuture<Result<Rc<Photo>, CallError>>;

    fn versions(&self, id: ItemId) -> LocalFuture<Result<Vec<FileVersion>, CallError>>;
    fn version_url(&self, id: ItemId, version: VersionId) -> String;
    fn restore_version(&self, id: ItemId, version: VersionId) -> LocalFuture<Result<(), CallError>>;
    /// Sets a new password; the person's other sessions end.
    fn change_password(&self, current: String, new: String) -> LocalFuture<Result<(), CallError>>;
    fn devices(&self) -> LocalFuture<Result<Vec<Device>, CallError>>;
    fn remove_device(&self, id: shared::DeviceId) -> LocalFuture<Result<(), CallError>>;
    fn refresh_account(&self);
}

/// The port in context. Components ask for it with [`use_cloud`].
#[derive(Clone)]
pub struct CloudContext(pub StoredValue<Rc<dyn Cloud>, LocalStorage>);

/// Provides the port to everything below.
pub fn provide_cloud(cloud: Rc<dyn Cloud>) {
    provide_context(CloudContext(StoredValue::new_local(cloud)));
}

/// The port, in a component that is mounted in the browser.
///
/// # Panics
/// Where nobody called [`provide_cloud`]: on the server, or outside the app's shell.
pub fn use_cloud() -> Rc<dyn Cloud> {
    expect_context::<CloudContext>().0.get_value()
}
