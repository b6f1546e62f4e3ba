//! Random people, networks, stores and crashes. Whatever happens: at rest all devices show what the
//! server has, nothing is sent any more, and every content that was written is with the server.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use shared::{ChunkHash, ContentHash, ErrorCode, ItemId, ItemKind, OperationId};
use sync::{Act, Command, Content, Event, ItemView, NewContent, QueueEntry, QueueState};

use crate::server::Backup;
use crate::world::{Fault, World, create_file, name};

const DEVICES: usize = 3;
/// Few names, some of which are equal.
const NAMES: [&str; 6] = ["a", "A", "b.txt", "é", "e\u{301}", "c"];

#[derive(Clone, Copy, Debug)]
enum Step {
    Folder(u16, u8),
    File(u16, u8, u8),
    Upload(u16, u8, u8),
    Edit(u16, u8),
    Rename(u16, u8),
    Move(u16, u16),
    Copy(u16, u16),
    Delete(u16),
    Restore(u16),
    Purge(u16),
    Undo,
    Deliver(Fault),
    Offline,
    Online,
    Crash,
    SlowStore,
    StoreOne,
    Pass(u16),
    CancelUpload,
    Refuse(u16, u8),
    Expire,
    Backup,
    RestoreServer,
}

fn step() -> impl Strategy<Value = Step> {
    let fault = prop_oneof![
        8 => Just(Fault::None),
        1 => Just(Fault::LoseRequest),
        1 => Just(Fault::LoseAnswer),
        1 => Just(Fault::Twice),
    ];
    prop_oneof![
        4 => (any::<u16>(), any::<u8>()).prop_map(|(at, name)| Step::Folder(at, name)),
        4 => (any::<u16>(), any::<u8>(), 0u8..6).prop_map(|(at, name, text)| Step::File(at, name, text)),
        2 => (any::<u16>(), any::<u8>(), 0u8..6).prop_map(|(at, name, text)| Step::Upload(at, name, text)),
        3 => (any::<u16>(), any::<u8>()).prop_map(|(at, text)| Step::Edit(at, text)),
        3 => (any::<u16>(), any::<u8>()).prop_map(|(at, name)| Step::Rename(at, name)),
        4 => (any::<u16>(), any::<u16>()).prop_map(|(at, to)| Step::Move(at, to)),
        2 => (any::<u16>(), any::<u16>()).prop_map(|(at, to)| Step::Copy(at, to)),
        3 => any::<u16>().prop_map(Step::Delete),
        2 => any::<u16>().prop_map(Step::Restore),
        1 => any::<u16>().prop_map(Step::Purge),
        1 => Just(Step::Undo),
        16 => fault.prop_map(Step::Deliver),
        1 => Just(Step::Offline),
        2 => Just(Step::Online),
        1 => Just(Step::Crash),
        1 => Just(Step::SlowStore),
        3 => Just(Step::StoreOne),
        2 => (0u16..20_000).prop_map(Step::Pass),
        1 => Just(Step::CancelUpload),
        1 => (any::<u16>(), any::<u8>()).prop_map(|(at, code)| Step::Refuse(at, code)),
    ]
}

/// As [`step`], and a server that forgets.
fn step_with_forgetting() -> impl Strategy<Value = Step> {
    prop_oneof![60 => step(), 1 => Just(Step::Expire), 1 => Just(Step::Backup), 1 => Just(Step::RestoreServer)]
}

/// A schedule, printed on as few lines as it takes.
#[derive(Clone)]
struct Steps(Vec<(usize, Step)>);

impl std::fmt::Debug for Steps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(n, step)| write!(f, "({n}, {step:?}), "))
    }
}

struct Run {
    world: World,
    undo: Vec<Vec<Command>>,
    /// The contents written, by operation and device: a later one in the same operation takes its place.
    written: BTreeMap<(usize, OperationId), ContentHash>,
    backup: Option<Backup>,
}

impl Run {
    fn new() -> Self {
        Self {
            world: World::new(DEVICES),
            undo: vec![Vec::new(); DEVICES],
            written: BTreeMap::new(),
            backup: None,
        }
    }

    fn pick(&self, n: usize, at: u16, wanted: impl Fn(&sync::ItemView<'_>) -> bool) -> Option<ItemId> {
        let engine = &self.world.devices[n].engine;
        let mut ids: Vec<ItemId> = engine.items().filter(wanted).map(|view| view.id()).collect();
        ids.sort();
        if ids.is_empty() { None } else { Some(ids[usize::from(at) % ids.len()]) }
    }

    /// A folder, the root as likely as any other.
    fn folder(&self, n: usize, at: u16) -> ItemId {
        let root = self.world.server.root;
        if at.is_multiple_of(3) {
            return root;
        }
        self.pick(n, at, |view| view.kind() == ItemKind::Folder && view.deleted_at().is_none())
            .unwrap_or(root)
    }

    fn command(&mut self, n: usize, command: Command) {
        let hash = match &command {
            Command::CreateFile { content, .. } | Command::SetContent { content, .. } => {
                Some(hash_of(content))
            }
            _ => None,
        };
        let before = self.world.devices[n].engine.queue();
        let ran = self.world.run(n, vec![command]);
        let queue = self.world.devices[n].engine.queue();
        let replaced = |entry: &QueueEntry| !queue.iter().any(|now| now.operation_id == entry.operation_id);
        if hash.is_some() && before.iter().any(replaced) {
            // It took the place of a content that was never sent, maybe under an earlier operation.
            let waits = |op: &OperationId| queue.iter().any(|entry| entry.operation_id == *op);
            let server = &self.world.server;
            self.written.retain(|(device, op), _| *device != n || waits(op) || server.has_taken(*op));
        }
        self.undo[n].clone_from(&ran.undo);
        if let (Some(Some(hash)), Some((_, operation))) = (hash, ran.operations.first()) {
            self.written.insert((n, *operation), hash);
        }
    }

    fn act(&mut self, n: usize, step: Step) {
        let world = &mut self.world;
        match step {
            Step::Folder(at, called) => {
                let (parent, id) = (self.folder(n, at), self.world.new_id(n));
                self.command(n, Command::CreateFolder { id, parent, name: called_name(called) });
            }
            Step::File(at, called, text) => {
                let (parent, id) = (self.folder(n, at), self.world.new_id(n));
                let content = NewContent::Small(vec![text; usize::from(text)]);
                self.command(n, create_file(id, parent, called_name(called).as_str(), content));
            }
            Step::Upload(at, called, text) => {
                let parent = self.folder(n, at);
                let engine = &self.world.devices[n].engine;
                if parent != self.world.server.root
                    && engine.item(parent).is_none_or(|view| view.to_client_item().item.is_deleted)
                {
                    return;
                }
                let bytes = vec![text; 9];
                let (_, operation) = self.world.upload(n, parent, called_name(called).as_str(), &bytes);
                self.written.insert((n, operation), ContentHash::of_chunks([&ChunkHash::of(&bytes)]));
            }
            Step::Edit(at, text) => {
                let Some(id) = self.pick(n, at, |view| view.kind() == ItemKind::File) else { return };
                let content = NewContent::Small(vec![text % 6; 3]);
                self.command(n, Command::SetContent { id, content, modified_at: None, base: None });
            }
            Step::Rename(at, called) => {
                let Some(id) = self.pick(n, at, |_| true) else { return };
                self.command(n, Command::Rename { id, name: called_name(called) });
            }
            Step::Move(at, to) => {
                let Some(id) = self.pick(n, at, |_| true) else { return };
                let parent = self.folder(n, to);
                self.command(n, Command::Move { id, parent });
            }
            Step::Copy(at, to) => {
                let Some(source) = self.pick(n, at, |_| true) else { return };
                let (parent, id) = (self.folder(n, to), self.world.new_id(n));
                self.command(n, Command::Copy { id, source, parent });
            }
            Step::Delete(at) => {
                let Some(id) = self.pick(n, at, |_| true) else { return };
                self.command(n, Command::Delete { id });
            }
            Step::Restore(at) => {
                let Some(id) = self.pick(n, at, |view| view.deleted_at().is_some()) else { return };
                self.command(n, Command::Restore { id, parent: None });
            }
            Step::Purge(at) => {
                let Some(id) = self.pick(n, at, |view| view.deleted_at().is_some()) else { return };
                self.command(n, Command::Purge { id });
            }
            Step::Undo => {
                for command in std::mem::take(&mut self.undo[n]) {
                    self.command(n, command);
                }
            }
            Step::Deliver(fault) => drop(world.deliver(n, fault)),
            Step::Offline => world.go_offline(n),
            Step::Online => world.go_online(n),
            Step::Crash => self.crash(n),
            Step::SlowStore => drop(world.devices[n].unstored.get_or_insert_default()),
            Step::StoreOne => world.store_one(n),
            Step::Pass(ms) => world.pass(Duration::from_millis(ms.into())),
            Step::CancelUpload => self.cancel_upload(n),
            Step::Refuse(at, code) => {
                let Some(id) = self.pick(n, at, |_| true) else { return };
                let codes = [
                    ErrorCode::QuotaExceeded,
                    ErrorCode::Unavailable,
                    ErrorCode::ReadOnly,
                    ErrorCode::InvalidName,
                ];
                let code = codes[usize::from(code) % codes.len()];
                self.world.server.refuse.insert(id, (code, 2));
            }
            Step::Expire => world.server.expire_tokens(),
            Step::Backup => self.backup = Some(world.server.backup()),
            Step::RestoreServer => {
                if let Some(backup) = self.backup.clone() {
                    world.server.restore_from(backup);
                }
            }
        }
        self.check_while_running(n);
    }

    /// What was not stored yet dies with the program; nobody was told otherwise.
    fn crash(&mut self, n: usize) {
        self.world.crash(n);
        let stored = self.world.devices[n].store.load_now();
        let kept: Vec<(OperationId, Option<ContentHash>)> = stored
            .into_iter()
            .flat_map(|snapshot| snapshot.operations)
            .map(|op| (op.id, stored_hash(&op.act)))
            .collect();
        let server = &self.world.server;
        self.written.retain(|(device, op), hash| {
            let is_kept = |(id, stored): &(OperationId, Option<ContentHash>)| {
                id == op && stored.is_none_or(|stored| stored == *hash)
            };
            *device != n || kept.iter().any(is_kept) || server.has_taken(*op)
        });
        self.undo[n].clear();
    }

    fn cancel_upload(&mut self, n: usize) {
        let uploads = |view: sync::ItemView<'_>| match view.pending_content()? {
            (operation, Content::Upload { .. }) => Some(operation),
            _ => None,
        };
        let Some(operation) = self.world.devices[n].engine.items().find_map(uploads) else { return };
        self.world.event(n, Event::Discard { operation });
        // An edit that stood on it may now be the beginning of the file, under another operation.
        let engine = &self.world.devices[n].engine;
        let waiting: Vec<OperationId> = engine.queue().iter().map(|entry| entry.operation_id).collect();
        let server = &self.world.server;
        self.written.retain(|(device, op), _| *device != n || waiting.contains(op) || server.has_taken(*op));
        for (operation, content) in engine.items().filter_map(|view| view.pending_content()) {
            if let Content::Stored { hash, size: 1.. } = content {
                self.written.insert((n, operation), *hash);
            }
        }
    }

    /// What a person gives up need not arrive, nor what stood on it.
    fn give_up(&mut self, n: usize, operation: OperationId) {
        let server = &self.world.server;
        self.written.retain(|(device, op), _| *device != n || server.has_taken(*op));
        self.world.event(n, Event::Discard { operation });
    }

    fn check_while_running(&self, n: usize) {
        if self.world.devices[n].unstored.is_none() {
            self.world.assert_store_matches(n);
        }
        let engine = &self.world.devices[n].engine;
        // Everything in the live tree hangs on the root, once.
        for view in engine.items() {
            let listed = engine.children(view.parent_id()).filter(|child| child.id() == view.id()).count();
            assert_eq!(listed, usize::from(view.deleted_at().is_none()), "{}", view.name());
        }
        // Both short cuts say what the whole list says.
        for view in engine.items().filter(|view| view.kind() == ItemKind::Folder) {
            let listed: Vec<_> = engine.children(view.id()).collect();
            let folders = listed.iter().filter(|child| child.kind() == ItemKind::Folder);
            assert_eq!(engine.children_len(view.id()), listed.len(), "{}", view.name());
            let folders = folders.map(ItemView::id);
            assert!(engine.folders(view.id()).map(|it| it.id()).eq(folders));
        }
        for entry in engine.queue() {
            assert_eq!(engine.queue_state(entry.operation_id), Some(entry.state));
        }
        let summary = engine.summary();
        assert!(!summary.is_synced() || engine.queue().is_empty());
    }

    /// Faults off: everybody comes back, decides what is stuck, and comes to rest.
    fn finish(mut self) {
        for n in 0..DEVICES {
            self.world.go_online(n);
            if let Some(mut waiting) = self.world.devices[n].unstored.take() {
                self.world.devices[n].unstored = Some(std::mem::take(&mut waiting));
                while self.world.devices[n].unstored.as_ref().is_some_and(|waiting| !waiting.is_empty()) {
                    self.world.store_one(n);
                }
                self.world.devices[n].unstored = None;
            }
        }
        for _ in 0..20 {
            self.world.settle();
            let mut decided = false;
            for n in 0..DEVICES {
                let queue = self.world.devices[n].engine.queue();
                for entry in queue.iter().filter(|entry| matches!(entry.state, QueueState::Refused { .. })) {
                    decided = true;
                    self.give_up(n, entry.operation_id);
                }
            }
            if !decided {
                break;
            }
        }
        self.world.assert_converged();
        for hash in self.written.values() {
            assert!(self.world.server.held.contains(hash), "a content that was written is nowhere");
        }
    }
}

fn called_name(called: u8) -> shared::ItemName {
    name(NAMES[usize::from(called) % NAMES.len()])
}

/// None where the bytes are not in the store.
fn stored_hash(act: &Act) -> Option<ContentHash> {
    match act {
        Act::CreateFile { content: Content::Stored { hash, .. }, .. }
        | Act::SetContent { content: Content::Stored { hash, .. }, .. } => Some(*hash),
        _ => None,
    }
}

fn hash_of(content: &NewContent) -> Option<ContentHash> {
    match content {
        NewContent::Small(bytes) if bytes.is_empty() => None,
        NewContent::Small(bytes) => Some(ContentHash::of_chunks([&ChunkHash::of(bytes)])),
        NewContent::Upload { .. } => None,
        NewContent::Held { hash, .. } => Some(*hash),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        max_shrink_time: 15_000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn everything_comes_to_rest_alike(steps in prop::collection::vec((0..DEVICES, step()), 1..120).prop_map(Steps)) {
        let mut run = Run::new();
        for (n, step) in steps.0 {
            run.act(n, step);
        }
        run.finish();
    }

    #[test]
    fn so_it_does_with_a_server_that_forgets(
        steps in prop::collection::vec((0..DEVICES, step_with_forgetting()), 1..120).prop_map(Steps)
    ) {
        let mut run = Run::new();
        for (n, step) in steps.0 {
            run.act(n, step);
        }
        // What a restored server held is gone with it.
        run.written.clear();
        run.finish();
    }
}
