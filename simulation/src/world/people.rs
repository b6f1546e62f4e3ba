//! What people do on their devices.

use bytes::Bytes;
use shared::{ChunkHash, ContentHash, ItemId, ItemKind, ItemName};
use sync::{Command, Content, Event, ItemView, NewContent, QueueState};

use super::World;
use crate::client::{CHUNK_BYTES, Editor};
use crate::plan::{LAST, LAST_FOLDER, NAMES, Pick, Step, Words};

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
        let live = |view: &ItemView<'_>| view.kind() == ItemKind::Folder && is_live(view);
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
                let live = |view: &ItemView<'_>| view.kind() == ItemKind::Folder && is_live(view);
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
                let parent = to.map(|to| self.folder(n, to));
                match self.pick(n, at, |view| view.deleted_at().is_some()) {
                    Some(id) => self.command(n, Command::Restore { id, parent }),
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
        let now = self.clients[n].clock(self.now);
        let ran = self.clients[n].engine.run(now, vec![command]);
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
        let (id, parent, name) = (self.new_id(n), self.folder(n, at), self.name(name));
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
