//! What was dropped or picked becomes folders and files: small ones with their bytes in the outbox, large
//! ones as uploads.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use app::ports::{Described, Picked, PickedFile, UploadState, UploadView};
use app::words::{self, LeftOut};
use futures::{StreamExt, stream};
use js_sys::Uint8Array;
use shared::limits::{FILE_BYTES_MAX, PUSH_DATA_BYTES_MAX};
use shared::name::FoldedName;
use shared::photo::AlbumChange;
use shared::{ChunkHash, ContentHash, ItemId, ItemName, Timestamp};
use sync::{Command, NewContent};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use crate::browser;
use crate::cloud::BrowserCloud;
use crate::runtime::Runtime;
use crate::seat::Seat;
use crate::store::UploadRecord;
use crate::tabs::Wish;

/// Files read at a time.
const READS_AT_ONCE: usize = 8;
/// Commands queued in one step, and the bytes that they may carry: a step is one transaction.
const STEP_COMMANDS_MAX: usize = 100;
const STEP_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Photos of the library that are looked at in one go.
const SLICE_PHOTOS: usize = 10_000;

/// How often a file is looked for that another tab was asked to take in: for half a minute, in milliseconds.
const LOOK_AGAIN_MS: u64 = 100;
const LOOKS_MAX: usize = 300;

/// A file that is ready to be queued.
struct Ready {
    picked: PickedFile,
    name: ItemName,
    bytes: Bytes,
    /// Whether the library has a photo of this content.
    is_known: bool,
}

enum Bytes {
    Small(Vec<u8>),
    Large(UploadRecord),
}

/// Takes in what a person gave, in its order.
pub async fn take_in(runtime: Rc<Runtime>, folder: ItemId, picked: Picked) {
    let Picked { files, empty_folders } = picked;
    let mut step = Step::new(runtime.clone(), folder);
    let known = known_photos(&runtime, step.target, &files).await;
    let mut known_count = 0;
    let mut ready =
        stream::iter(files).map(|picked| prepare(&runtime, &known, picked)).buffered(READS_AT_ONCE);
    while let Some(file) = ready.next().await {
        match file {
            Ok(file) => {
                known_count += usize::from(file.is_known);
                step.add(file);
            }
            Err(reason) => runtime.say(reason),
        }
        if step.is_full() {
            step.queue();
            browser::next_frame().await;
        }
    }
    for path in empty_folders {
        if step.folder_of(&path).is_none() {
            runtime.say(words::left_out(&path.join("/"), LeftOut::FolderName));
        }
        if step.is_full() {
            step.queue();
            browser::next_frame().await;
            runtime.catch_up().await;
        }
    }
    step.queue();
    if known_count > 0 {
        runtime.say(words::already_in_library(known_count));
    }
}

/// Takes in one file, of which the id is known, in whichever tab. Returns when it stands in the local tree, or will not.
pub async fn take_in_one(cloud: &BrowserCloud, folder: ItemId, id: ItemId, picked: PickedFile) {
    let picked = Picked { files: vec![picked], ..Picked::default() };
    match cloud.seat() {
        Some(Seat::Leading(runtime)) => {
            take_in(runtime.clone(), folder, picked).await;
            runtime.catch_up().await;
        }
        Some(Seat::Following(follower)) => {
            follower.wish(Wish::Upload(folder, picked));
            for _ in 0..LOOKS_MAX {
                if follower.replica.item(id).is_some() {
                    break;
                }
                browser::sleep(LOOK_AGAIN_MS).await;
            }
        }
        Some(Seat::Opening { .. }) | None => {}
    }
}

/// Contents of photos of the library that are as long as one of these small files. An import asks by itself.
async fn known_photos(runtime: &Runtime, target: ItemId, files: &[PickedFile]) -> HashSet<ContentHash> {
    let is_library = runtime.replica.photo_library() == Some(target);
    let given = files.iter().filter(|picked| is_library && picked.described.is_none());
    let sizes: HashSet<u64> = given
        .map(|picked| picked.file.size() as u64)
        .filter(|size| (1..=PUSH_DATA_BYTES_MAX as u64).contains(size))
        .collect();
    let (mut known, mut last) = (HashSet::new(), None);
    let mut goes_on = !sizes.is_empty();
    while goes_on {
        let seen = runtime.replica.read(|engine| {
            let (mut count, before) = (0, last);
            for (place, item) in engine.children_after(target, before).take(SLICE_PHOTOS) {
                (count, last) = (count + 1, Some(place));
                known.extend(item.content_hash().filter(|_| sizes.contains(&item.size())));
            }
            count
        });
        goes_on = seen == SLICE_PHOTOS;
        browser::turn().await;
    }
    known
}

/// Reads a small file, or sees to it that a large one can be read later. Of one whose content the library has, only
/// the content's name is sent, as of a large one: where the photo was deleted meanwhile, the server asks for the rest.
async fn prepare(
    runtime: &Runtime,
    known: &HashSet<ContentHash>,
    picked: PickedFile,
) -> Result<Ready, String> {
    let file = &picked.file;
    let given = file.name();
    let size = file.size() as u64;
    let left_out = |why| words::left_out(&given, why);
    let name = ItemName::parse(&given).map_err(|invalid| left_out(LeftOut::Name(invalid)))?;
    if size > FILE_BYTES_MAX {
        return Err(left_out(LeftOut::TooLarge));
    }
    let mut small = None;
    if size <= PUSH_DATA_BYTES_MAX as u64 {
        let bytes = JsFuture::from(file.array_buffer()).await;
        let bytes = bytes.map_err(|_| left_out(LeftOut::Unreadable))?;
        small = Some(Uint8Array::new(&bytes).to_vec());
    }
    let is_known = small
        .as_ref()
        .is_some_and(|bytes| known.contains(&ContentHash::of_chunks([ChunkHash::of(bytes)].iter())));
    // The browser's own word is not enough: the server may be away on a network that works.
    let has_to_wait = !browser::is_online() || !runtime.replica.summary().online;
    let bytes = if let Some(bytes) = small.filter(|_| !is_known || has_to_wait) {
        Bytes::Small(bytes)
    } else {
        let record = UploadRecord {
            staged: browser::new_id().to_string(),
            name: given.clone(),
            group: group(&picked),
            size,
            modified_ms: file.last_modified() as i64,
            manifest: None,
            is_paused: false,
        };
        runtime.uploader.hold(&record, file.clone(), picked.handle.clone(), has_to_wait).await;
        if picked.described.is_some() {
            // What was unpacked, nobody could give again.
            runtime.uploader.keep_copy(&record.staged).await;
        }
        Bytes::Large(record)
    };
    Ok(Ready { picked, name, bytes, is_known })
}

/// Commands that are queued together.
struct Step {
    runtime: Rc<Runtime>,
    target: ItemId,
    /// What is put into the target goes into this album as well.
    album: Option<ItemId>,
    /// Folders by the one above and their name: those that were there, and those that this drop makes.
    folders: HashMap<(ItemId, FoldedName), ItemId>,
    commands: Vec<Command>,
    /// By the new item's id.
    files: HashMap<ItemId, Waiting>,
    bytes: usize,
}

struct Waiting {
    parent: ItemId,
    kind: WaitingKind,
}

enum WaitingKind {
    Small { name: String, group: Option<String>, size: u64 },
    Large(UploadRecord),
}

impl Step {
    /// An album only names what lies in its library.
    fn new(runtime: Rc<Runtime>, folder: ItemId) -> Self {
        let above = runtime.replica.item(folder).map(|item| item.item.parent_id);
        let library = above.filter(|above| runtime.replica.photo_library() == Some(*above));
        Self {
            runtime,
            target: library.unwrap_or(folder),
            album: library.map(|_| folder),
            folders: HashMap::new(),
            commands: Vec::new(),
            files: HashMap::new(),
            bytes: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.commands.len() >= STEP_COMMANDS_MAX || self.bytes >= STEP_BYTES_MAX
    }

    fn add(&mut self, ready: Ready) {
        let Ready { picked, name, bytes, .. } = ready;
        let Some(parent) = self.folder_of(&picked.folders) else {
            return self.runtime.say(words::left_out(name.as_str(), LeftOut::FolderName));
        };
        let described = picked.described.as_deref();
        let id = described.map_or_else(|| self.runtime.replica.new_item_id(), |described| described.id);
        let (content, kind) = match bytes {
            Bytes::Small(bytes) => {
                self.bytes += bytes.len();
                let size = bytes.len() as u64;
                let kind = WaitingKind::Small { name: name.to_string(), group: group(&picked), size };
                (NewContent::Small(bytes), kind)
            }
            Bytes::Large(record) => {
                let content = NewContent::Upload { size: record.size, staged: Some(record.staged.clone()) };
                (content, WaitingKind::Large(record))
            }
        };
        self.files.insert(id, Waiting { parent, kind });
        self.commands.push(Command::CreateFile {
            id,
            parent,
            name,
            content,
            mime_type: mime_type(&picked.file),
            created_at: None,
            modified_at: described
                .and_then(|described| described.modified_at)
                .or_else(|| Some(Timestamp::from_millis(picked.file.last_modified() as i64))),
        });
        if let Some(album) = self.album {
            self.commands.push(Command::ChangeAlbum { photo: id, album, change: AlbumChange::Add });
        }
        if let Some(described) = described {
            self.describe(described);
        }
    }

    /// What is said of a photo goes with it in one step, so that neither is there without the other.
    fn describe(&mut self, described: &Described) {
        let &Described { id, edit, .. } = described;
        if !edit.is_empty() {
            self.commands.push(Command::DescribePhoto { id, edit });
        }
        let change = AlbumChange::Add;
        let albums = described.albums.iter();
        self.commands.extend(albums.map(|&album| Command::ChangeAlbum { photo: id, album, change }));
    }

    /// The folder that a path below the target leads to; what is missing of it is made. None for a name
    /// that cannot be used.
    fn folder_of(&mut self, path: &[String]) -> Option<ItemId> {
        let mut folder = self.target;
        for name in path {
            let name = ItemName::parse(name).ok()?;
            let key = (folder, name.folded());
            let known =
                self.folders.get(&key).copied().or_else(|| self.runtime.replica.child_folder(folder, &name));
            let id = known.unwrap_or_else(|| {
                let id = self.runtime.replica.new_item_id();
                self.commands.push(Command::CreateFolder { id, parent: folder, name });
                id
            });
            self.folders.insert(key, id);
            folder = id;
        }
        Some(folder)
    }

    fn queue(&mut self) {
        self.bytes = 0;
        let commands = std::mem::take(&mut self.commands);
        let named: Vec<Option<ItemId>> = commands.iter().map(created).collect();
        let (ran, _) = self.runtime.run(commands);
        for (index, error) in &ran.refused {
            if let Some(Some(id)) = named.get(*index)
                && let Some(waiting) = self.files.remove(id)
            {
                self.runtime.say(words::left_out(waiting.name(), LeftOut::Refused(*error)));
            }
        }
        for (item, operation) in ran.operations {
            let Some(Waiting { parent, kind }) = self.files.remove(&item) else { continue };
            match kind {
                WaitingKind::Large(record) => self.runtime.uploader.queued(operation, parent, record),
                WaitingKind::Small { name, group, size } => self.runtime.uploader.queued_small(UploadView {
                    operation_id: operation,
                    name,
                    parent_id: parent,
                    group,
                    total_bytes: size,
                    sent_bytes: 0,
                    skipped_bytes: 0,
                    bytes_per_second: None,
                    seconds_left: None,
                    state: UploadState::Queued,
                }),
            }
        }
    }
}

impl Waiting {
    fn name(&self) -> &str {
        match &self.kind {
            WaitingKind::Small { name, .. } => name,
            WaitingKind::Large(record) => &record.name,
        }
    }
}

fn created(command: &Command) -> Option<ItemId> {
    match command {
        Command::CreateFile { id, .. } | Command::CreateFolder { id, .. } => Some(*id),
        _ => None,
    }
}

/// The line of the panel that it is on, with others.
fn group(picked: &PickedFile) -> Option<String> {
    let described = picked.described.as_ref().map(|described| described.group.clone());
    described.or_else(|| picked.folders.first().cloned())
}

/// What the browser makes of the name; nothing if it does not know.
fn mime_type(file: &File) -> Option<String> {
    Some(file.type_()).filter(|kind| !kind.is_empty())
}
