//! What was dropped or picked becomes folders and files: small ones with their bytes in the outbox, large
//! ones as uploads.

use std::collections::HashMap;
use std::rc::Rc;

use app::ports::{Described, Picked, PickedFile, UploadState, UploadView};
use futures::{StreamExt, stream};
use js_sys::Uint8Array;
use shared::limits::{FILE_BYTES_MAX, PUSH_DATA_BYTES_MAX};
use shared::name::FoldedName;
use shared::photo::AlbumChange;
use shared::{ItemId, ItemName, Timestamp};
use sync::{Command, NewContent};
use wasm_bindgen_futures::JsFuture;
use web_sys::File;

use crate::browser;
use crate::runtime::Runtime;
use crate::store::UploadRecord;

/// Files read at a time.
const READS_AT_ONCE: usize = 8;
/// Commands queued in one step, and the bytes that they may carry: a step is one transaction.
const STEP_COMMANDS_MAX: usize = 100;
const STEP_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A file that is ready to be queued.
struct Ready {
    picked: PickedFile,
    name: ItemName,
    bytes: Bytes,
}

enum Bytes {
    Small(Vec<u8>),
    Large(UploadRecord),
}

/// Takes in what a person gave, in its order.
pub async fn take_in(runtime: Rc<Runtime>, folder: ItemId, picked: Picked) {
    let Picked { files, empty_folders } = picked;
    let mut step = Step::new(runtime.clone(), folder);
    let mut ready = stream::iter(files).map(|picked| prepare(&runtime, picked)).buffered(READS_AT_ONCE);
    while let Some(file) = ready.next().await {
        match file {
            Ok(file) => step.add(file),
            Err(reason) => runtime.say(reason),
        }
        if step.is_full() {
            step.queue();
            browser::next_frame().await;
        }
    }
    for path in empty_folders {
        if step.folder_of(&path).is_none() {
            runtime.say(format!("“{}” was left out: this name cannot be used here", path.join("/")));
        }
        if step.is_full() {
            step.queue();
            browser::next_frame().await;
            runtime.catch_up().await;
        }
    }
    step.queue();
}

/// Reads a small file, or sees to it that a large one can be read later.
async fn prepare(runtime: &Runtime, picked: PickedFile) -> Result<Ready, String> {
    let file = &picked.file;
    let given = file.name();
    let size = file.size() as u64;
    let name = ItemName::parse(&given).map_err(|invalid| format!("“{given}” was left out: {invalid}"))?;
    if size > FILE_BYTES_MAX {
        return Err(format!("“{given}” was left out: it is larger than a file may be"));
    }
    let bytes = if size <= PUSH_DATA_BYTES_MAX as u64 {
        let bytes = JsFuture::from(file.array_buffer()).await;
        let bytes = bytes.map_err(|_| format!("“{given}” was left out: it cannot be read"))?;
        Bytes::Small(Uint8Array::new(&bytes).to_vec())
    } else {
        let record = UploadRecord {
            staged: browser::new_id().to_string(),
            name: given,
            group: group(&picked),
            size,
            modified_ms: file.last_modified() as i64,
            manifest: None,
            is_paused: false,
        };
        // The browser's own word is not enough: the server may be away on a network that works.
        let has_to_wait = !browser::is_online() || !runtime.replica.summary().online;
        runtime.uploader.hold(&record, file.clone(), picked.handle.clone(), has_to_wait).await;
        if picked.described.is_some() {
            // What was unpacked, nobody could give again.
            runtime.uploader.keep_copy(&record.staged).await;
        }
        Bytes::Large(record)
    };
    Ok(Ready { picked, name, bytes })
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
        let Ready { picked, name, bytes } = ready;
        let Some(parent) = self.folder_of(&picked.folders) else {
            return self.runtime.say(format!("“{name}” was left out: a folder's name cannot be used here"));
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
                self.runtime.say(format!("“{}” was left out: {error}", waiting.name()));
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
