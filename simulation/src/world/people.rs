//! What people do on their devices.

use bytes::Bytes;
use shared::{ChunkHash, ContentHash, ItemId, ItemKind, ItemName, OperationId, VersionId};
use sync::{Command, Content, Event, ItemView, NewContent, QueueState};

use super::World;
use super::network::Call;
use crate::client::{CHUNK_BYTES, Editor};
use crate::plan::{LAST, LAST_FOLDER, NAMES, Pick, Step, Words};
use crate::server::Request;

/// Lines of a new text.
const LINES: usize = 5;
/// Contents that more than one person writes.
const COMMON: [&str; 3] = ["common\n", "common, too\n", "one more that is common\n"];

impl World {
    pub(super) fn pick(&self, n: usize, at: Pick, wanted: impl Fn(&ItemView<'_>) -> bool) -> Option<ItemId> {
        let mut ids: Vec<ItemId> =
            self.clients[n].engine.items().filter(wanted).map(|view| view.id()).collect();
        if at == LAST_FOLDER {
            let is_folder = |id: &ItemId| {
                self.clients[n].engine.item(*id).is_some_and(|view| view.kind() == ItemKind::Folder)
            };
            ids.retain(is_folder);
        }
        ids.sort_unstable();
        match at {
            LAST | LAST_FOLDER => ids.last().copied(),
            _ if ids.is_empty() => None,
            _ => Some(ids[usize::from(at) % ids.len()]),
        }
    }

    /// A folder that is there, the root as likely as any other.
    fn folder(&self, n: usize, at: Pick) -> ItemId {
        let library = self.server.library();
        let live = |view: &ItemView<'_>| {
            view.kind() == ItemKind::Folder && is_live(view) && view.parent_id() != library
        };
        let other = match at {
            LAST_FOLDER => self.pick(n, at, live),
            _ if at.is_multiple_of(3) => None,
            _ => self.pick(n, at / 3, live),
        };
        other.unwrap_or_else(|| self.root())
    }

    pub(super) fn act(&mut self, n: usize, step: Step) {
        match step {
            Step::Folder(at, name) => self.create_folder(n, at, name),
            Step::File(at, name, words) => self.create_file(n, at, name, words, false),
            Step::Upload(at, name, words) => self.create_file(n, at, name, words, true),
            Step::Edit(at, words) => self.edit(n, at, words, false),
            Step::EditByUpload(at, words) => self.edit(n, at, words, true),
            Step::Open(at) => self.open(n, at),
            Step::Save(words) => self.save(n, words),
            Step::Rename(at, name) => {
                let name = self.name(name);
                match self.pick(n, at, is_live) {
                    Some(id) => self.command(n, Command::Rename { id, name }),
                    None => self.create_folder(n, 0, at as u8),
                }
            }
            Step::Move(at, to) => {
                let parent = self.folder(n, to);
                match self.pick(n, at, is_live) {
                    Some(id) => self.command(n, Command::Move { id, parent }),
                    None => self.create_folder(n, 0, at as u8),
                }
            }
            Step::Nest(at, first) => {
                let library = self.server.library();
                let live = |view: &ItemView<'_>| {
                    view.kind() == ItemKind::Folder && is_live(view) && view.parent_id() != library
                };
                let (one, other) = (self.pick(n, at, live), self.pick(n, at.wrapping_add(1), live));
                match (one, other) {
                    (Some(one), Some(other)) if one != other => {
                        let (id, parent) = if first { (one, other) } else { (other, one) };
                        self.command(n, Command::Move { id, parent });
                    }
                    _ => self.create_folder(n, 0, at as u8),
                }
            }
            Step::Delete(at) => match self.pick(n, at, is_live) {
                Some(id) => self.command(n, Command::Delete { id }),
                None => self.create_folder(n, 0, at as u8),
            },
            Step::Restore(at, to) => {
                let folder = to.map(|to| self.folder(n, to));
                match self.pick(n, at, |view| view.deleted_at().is_some()) {
                    Some(id) => {
                        let is_photo = self.is_in_library(n, id);
                        let album = to.filter(|_| is_photo).and_then(|to| self.album(n, to));
                        let parent = if is_photo { album } else { folder };
                        self.command(n, Command::Restore { id, parent });
                    }
                    None => self.create_file(n, at, at as u8, Words::New(0), false),
                }
            }
            Step::Purge(at) => match self.pick(n, at, |view| view.deleted_at().is_some()) {
                Some(id) => self.command(n, Command::Purge { id }),
                None => self.create_file(n, at, at as u8, Words::New(0), false),
            },
            Step::Undo => {
                let undo = std::mem::take(&mut self.clients[n].undo);
                if undo.is_empty() {
                    self.create_file(n, 0, 1, Words::New(0), false);
                }
                for command in undo {
                    self.command(n, command);
                }
            }
            Step::Resolve(at, resolution) => {
                let open = self.clients[n].engine.conflicts();
                let with_proposal = |info: &&shared::sync::ConflictInfo| {
                    resolution != shared::sync::Resolution::Proposal || info.proposal.is_some()
                };
                let open: Vec<_> = open.into_iter().filter(with_proposal).map(|info| info.id).collect();
                if open.is_empty() {
                    return self.edit(n, at, Words::New(at as u8), false);
                }
                let conflict = open[usize::from(at) % open.len()];
                self.command(n, Command::Resolve { conflict, resolution });
            }
            Step::Photo(name, words) => self.take_photo(n, name, words, false),
            Step::PhotoUpload(name, words) => self.take_photo(n, name, words, true),
            Step::Album(name) => {
                let (id, parent, name) = (self.new_id(n), self.server.library(), self.name(name));
                self.command(n, Command::CreateFolder { id, parent, name });
            }
            Step::Describe(at, edit) => match self.photo(n, at) {
                Some(id) => self.command(n, Command::DescribePhoto { id, edit }),
                None => self.take_photo(n, at as u8, Words::New(0), false),
            },
            Step::InAlbum(at, album, change) => match (self.photo(n, at), self.album(n, album)) {
                (Some(photo), Some(album)) => {
                    self.command(n, Command::ChangeAlbum { photo, album, change });
                }
                _ => self.take_photo(n, at as u8, Words::New(0), false),
            },
            Step::Copy(at, to) => {
                let is_file = |view: &ItemView<'_>| view.kind() == ItemKind::File;
                let source = |view: &ItemView<'_>| is_live(view) && (to.is_some() || is_file(view));
                let Some(source) = self.pick(n, at, source) else {
                    return self.create_folder(n, 0, at as u8);
                };
                let parent = to.map_or_else(|| self.server.library(), |to| self.folder(n, to));
                let id = self.new_id(n);
                self.command(n, Command::Copy { id, source, parent });
            }
            Step::RestoreVersion(at, version) => self.restore_version(n, at, version),
            Step::Discard(at) => self.discard(n, at),
            Step::Retry(at) => {
                let queue = self.clients[n].engine.queue();
                if !queue.is_empty() {
                    let operation = queue[usize::from(at) % queue.len()].operation_id;
                    self.event(n, Event::Retry { operation });
                }
            }
            _ => {}
        }
    }

    /// Gives up what is stuck, or an upload that is under way.
    fn discard(&mut self, n: usize, at: Pick) {
        let engine = &self.clients[n].engine;
        let uploads: Vec<_> = engine
            .items()
            .filter_map(|view| match view.pending_content()? {
                (operation, Content::Upload { .. }) => Some(operation),
                _ => None,
            })
            .collect();
        let stuck =
            engine.queue().into_iter().filter(|entry| matches!(entry.state, QueueState::Refused { .. }));
        let mut all: Vec<_> = stuck.map(|entry| entry.operation_id).chain(uploads).collect();
        all.sort_unstable();
        if !all.is_empty() {
            let operation = all[usize::from(at) % all.len()];
            self.give_up(n, operation);
        }
    }

    pub(super) fn give_up(&mut self, n: usize, operation: shared::OperationId) {
        self.oracle.gives_up(n, &self.clients[n]);
        self.event(n, Event::Discard { operation });
    }

    pub(super) fn command(&mut self, n: usize, command: Command) {
        self.counts.acts += 1;
        self.oracle.commands(n, &self.clients[n], &command);
        let in_album = self.oracle.before_album(n, &self.clients[n], &command);
        let now = self.clients[n].clock(self.now);
        let ran = self.clients[n].engine.run(now, vec![command]);
        if let (Some(act), Some((_, operation))) = (in_album, ran.operations.first()) {
            self.oracle.acts_in_album(*operation, act);
        }
        self.trace.line(format_args!("{n} {:?} {:?}", ran.operations, ran.refused));
        if ran.refused.is_empty() {
            self.clients[n].undo = ran.undo;
        }
        let mut events = std::collections::VecDeque::new();
        self.perform(n, ran.effects, &mut events);
        while let Some(event) = events.pop_front() {
            self.event(n, event);
        }
    }

    fn name(&self, name: u8) -> ItemName {
        let text = NAMES[usize::from(name % self.names)];
        ItemName::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn new_id(&mut self, n: usize) -> ItemId {
        let now = self.clients[n].clock(self.now);
        self.clients[n].engine.new_item_id(now)
    }

    fn create_folder(&mut self, n: usize, at: Pick, name: u8) {
        let (id, parent, name) = (self.new_id(n), self.folder(n, at), self.name(name));
        self.command(n, Command::CreateFolder { id, parent, name });
    }

    fn create_file(&mut self, n: usize, at: Pick, name: u8, words: Words, upload: bool) {
        let parent = self.folder(n, at);
        self.create_in(n, parent, name, words, upload);
    }

    fn take_photo(&mut self, n: usize, name: u8, words: Words, upload: bool) {
        let library = self.server.library();
        self.create_in(n, library, name, words, upload);
    }

    /// A photo, in the trash or not.
    fn photo(&self, n: usize, at: Pick) -> Option<ItemId> {
        let library = self.server.library();
        self.pick(n, at, |view| view.kind() == ItemKind::File && view.parent_id() == library)
    }

    fn album(&self, n: usize, at: Pick) -> Option<ItemId> {
        let library = self.server.library();
        self.pick(n, at, |view| {
            view.kind() == ItemKind::Folder && is_live(view) && view.parent_id() == library
        })
    }

    fn is_in_library(&self, n: usize, id: ItemId) -> bool {
        self.clients[n].engine.item(id).is_some_and(|view| view.parent_id() == self.server.library())
    }

    /// Somebody looks at the earlier contents of a file, of which the device shows one, and takes one of them.
    fn restore_version(&mut self, n: usize, at: Pick, version: Pick) {
        let file = |view: &ItemView<'_>| view.kind() == ItemKind::File && !view.version().is_empty();
        let picked = self.pick(n, at, file).filter(|_| !self.clients[n].offline);
        let Some(file_id) = picked else { return self.edit(n, at, Words::New(0), false) };
        let versions = self.server.database.versions.values();
        let versions: Vec<VersionId> =
            versions.filter(|row| row.item_id == file_id && row.was_current).map(|row| row.id).collect();
        if versions.is_empty() {
            return self.edit(n, at, Words::New(0), false);
        }
        let version_id = versions[usize::from(version) % versions.len()];
        let now = self.clients[n].clock(self.now);
        let operation = OperationId(self.clients[n].engine.new_item_id(now).0);
        self.counts.acts += 1;
        self.send(n, Call::Person, Request::RestoreVersion { file_id, version_id, operation });
    }

    fn create_in(&mut self, n: usize, parent: ItemId, name: u8, words: Words, upload: bool) {
        let (id, name) = (self.new_id(n), self.name(name));
        let bytes = self.words(words, None);
        let content = self.content(n, bytes, upload);
        let (mime_type, created_at, modified_at) = (None, None, None);
        self.command(
            n,
            Command::CreateFile { id, parent, name, content, mime_type, created_at, modified_at },
        );
    }

    fn edit(&mut self, n: usize, at: Pick, words: Words, upload: bool) {
        let file = |view: &ItemView<'_>| view.kind() == ItemKind::File && is_live(view);
        let Some(id) = self.pick(n, at, file) else {
            return self.create_file(n, at, at as u8, words, upload);
        };
        let seen = self.shown(n, id);
        let bytes = self.words(words, seen);
        let content = self.content(n, bytes, upload);
        self.command(n, Command::SetContent { id, content, modified_at: None, base: None });
    }

    fn open(&mut self, n: usize, at: Pick) {
        let file = |view: &ItemView<'_>| view.kind() == ItemKind::File && is_live(view);
        let Some(item) = self.pick(n, at, file) else { return };
        let Some(base) = self.clients[n].engine.edit_base(item) else { return };
        let seen = self.shown(n, item);
        self.clients[n].editor = Some(Editor { item, base, seen });
    }

    fn save(&mut self, n: usize, words: Words) {
        let Some(editor) = self.clients[n].editor.take() else {
            return self.edit(n, 1, words, false);
        };
        let id = editor.item;
        if !self.clients[n].engine.item(id).is_some_and(|view| is_live(&view)) {
            return self.create_folder(n, 0, 0);
        }
        let bytes = self.words(words, editor.seen);
        let content = self.content(n, bytes, false);
        self.oracle.saves_editor(editor.seen);
        self.command(n, Command::SetContent { id, content, modified_at: None, base: Some(editor.base) });
    }

    /// The content that the device shows.
    fn shown(&self, n: usize, id: ItemId) -> Option<ContentHash> {
        crate::oracle::shown(&self.clients[n], id)
    }

    pub(super) fn bytes(&self, content: ContentHash) -> Option<Bytes> {
        self.library.get(&content).cloned().or_else(|| self.server.database.account.bytes(content))
    }

    /// What somebody writes who saw that content.
    fn words(&mut self, words: Words, seen: Option<ContentHash>) -> Vec<u8> {
        let at = match words {
            Words::Nothing => return Vec::new(),
            Words::Common(at) => return COMMON[usize::from(at) % COMMON.len()].into(),
            Words::New(at) => usize::from(at),
        };
        self.written += 1;
        let new = format!("words {}\n", self.written);
        let before = seen.and_then(|seen| self.bytes(seen)).filter(|bytes| !bytes.is_empty());
        let Some(before) = before.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok()) else {
            let lines: Vec<String> = (0..LINES).map(|line| format!("{line} {new}")).collect();
            return lines.concat().into_bytes();
        };
        let mut lines: Vec<&str> = before.split_inclusive('\n').collect();
        let line = at % (lines.len() + 1);
        match lines.get_mut(line) {
            Some(changed) => *changed = &new,
            None => lines.push(&new),
        }
        lines.concat().into_bytes()
    }

    /// The bytes as a content, staged where they go by chunks.
    fn content(&mut self, n: usize, bytes: Vec<u8>, upload: bool) -> NewContent {
        let chunk = (!bytes.is_empty()).then(|| ChunkHash::of(&bytes));
        let whole = ContentHash::of_chunks(chunk.as_ref());
        let pieces: Vec<ChunkHash> = bytes.chunks(CHUNK_BYTES).map(ChunkHash::of).collect();
        let cut = ContentHash::of_chunks(&pieces);
        let shared_bytes = Bytes::from(bytes.clone());
        for hash in [whole, cut] {
            self.library.insert(hash, shared_bytes.clone());
            self.clients[n].cache.insert(hash, bytes.clone());
        }
        self.oracle.writes(if upload { cut } else { whole }, &bytes);
        if !upload {
            return NewContent::Small(bytes);
        }
        self.written += 1;
        let name = format!("staged {}", self.written);
        let size = bytes.len() as u64;
        self.clients[n].staged.insert(name.clone(), bytes);
        NewContent::Upload { size, staged: Some(name) }
    }
}

/// As far as the device knows.
pub fn is_live(view: &ItemView<'_>) -> bool {
    view.is_live()
}
