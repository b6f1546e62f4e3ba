//! One model server and several devices, each a real engine over a memory store, with every fault under
//! the test's hand.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use shared::frames::ServerEvent;
use shared::sync::ConflictInfo;
use shared::{
    ChunkHash, ConflictId, ContentHash, DeviceId, ErrorCode, ItemId, ItemName, OperationId, Problem,
    SyncStatus, Timestamp,
};
use sync::{
    CallError, Changes, Command, Effect, Engine, Event, MemoryStore, Meta, NewContent, Notice, Ran, Snapshot,
    StoreBatch, StoreDelta, UploadError, UploadOrder,
};
use uuid::Uuid;

use crate::server::Server;

/// What happens to the next request of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// It never arrives.
    LoseRequest,
    /// It is carried out, and nobody hears of it.
    LoseAnswer,
    /// It arrives twice.
    Twice,
}

pub struct Device {
    pub id: DeviceId,
    pub engine: Engine,
    /// Another tab of the same device, which hears what the first one stored.
    pub follower: Engine,
    pub store: MemoryStore,
    /// Effects that go over the network, in order.
    pub requests: VecDeque<Effect>,
    pub notices: Vec<Notice>,
    pub changes: Vec<Changes>,
    pub wake_at: Option<Timestamp>,
    pub offline: bool,
    /// Records that were put into the store or taken out.
    pub records: usize,
    /// Batches wait here while the store is told to be slow.
    pub unstored: Option<VecDeque<Effect>>,
    /// Bytes of large files, by the name they were staged under.
    pub staged: BTreeMap<String, Vec<u8>>,
    /// What the device could give back to a restored server.
    pub cache: BTreeMap<ItemId, Vec<u8>>,
    seeds: u64,
}

impl Device {
    fn keep(&mut self, batch: &StoreBatch, now: Timestamp) {
        self.store.apply_now(batch);
        self.records += batch.put_items.len() + batch.delete_items.len();
        self.records += batch.put_operations.len() + batch.delete_operations.len();
        self.records += batch.put_contents.len();
        // Told twice, as where a snapshot already holds it.
        self.follower.follow(now, StoreDelta::from(batch));
        self.follower.follow(now, StoreDelta::from(batch));
    }
}

pub struct World {
    pub server: Server,
    pub devices: Vec<Device>,
    pub now: Timestamp,
}

impl World {
    /// Devices that have signed in and pulled once.
    pub fn new(devices: usize) -> Self {
        let mut world = Self {
            server: Server::new(),
            devices: Vec::new(),
            now: Timestamp::from_millis(1_800_000_000_000),
        };
        for n in 0..devices {
            world.add_device(n);
        }
        world.settle();
        world
    }

    pub fn add_device(&mut self, n: usize) {
        let id = DeviceId(Uuid::from_u128(1_000 + n as u128));
        let meta = Meta::new(id, self.server.root);
        let engine = Engine::open(Snapshot::empty(meta.clone()), seed(n as u64), self.now);
        let follower = Engine::open(Snapshot::empty(meta), seed(500_000 + n as u64), self.now);
        self.devices.push(Device {
            id,
            engine,
            follower,
            store: MemoryStore::new(),
            requests: VecDeque::new(),
            notices: Vec::new(),
            changes: Vec::new(),
            wake_at: None,
            offline: false,
            records: 0,
            unstored: None,
            staged: BTreeMap::new(),
            cache: BTreeMap::new(),
            seeds: n as u64,
        });
        let last = self.devices.len() - 1;
        self.event(last, Event::Started);
        self.event(last, Event::SocketOpened);
    }

    pub fn event(&mut self, n: usize, event: Event) {
        let effects = self.devices[n].engine.handle(self.now, event);
        self.perform(n, effects);
    }

    pub fn run(&mut self, n: usize, commands: Vec<Command>) -> Ran {
        // The other tab shows it at once, on top of what is stored.
        self.devices[n].follower.run(self.now, commands.clone());
        let ran = self.devices[n].engine.run(self.now, commands);
        self.perform(n, ran.effects.clone());
        ran
    }

    fn perform(&mut self, n: usize, effects: Vec<Effect>) {
        for effect in effects {
            let device = &mut self.devices[n];
            match effect {
                Effect::Persist(_) if device.unstored.is_some() => {
                    device.unstored.iter_mut().for_each(|waiting| waiting.push_back(effect.clone()));
                }
                Effect::Persist(batch) => {
                    device.keep(&batch, self.now);
                    self.event(n, Event::Persisted(batch.id));
                }
                Effect::Changed(changes) => device.changes.push(changes),
                Effect::Notify(notice) => device.notices.push(notice),
                Effect::WakeAt(at) => device.wake_at = Some(at),
                Effect::Acknowledge { .. } | Effect::SignInNeeded => {}
                Effect::CancelUpload { operation } => {
                    let before = device.requests.len();
                    device.requests.retain(|effect| {
                        !matches!(effect, Effect::StartUpload(order) if order.operation_id == operation)
                    });
                    if device.requests.len() < before {
                        self.event(
                            n,
                            Event::UploadFinished { operation, result: Err(UploadError::Cancelled) },
                        );
                    }
                }
                Effect::FindContent { item, .. } => {
                    let content = device.cache.get(&item).cloned().map(NewContent::Small);
                    self.event(n, Event::ContentFound { item, content });
                }
                request => device.requests.push_back(request),
            }
        }
    }

    /// Lets a slow store catch up with one batch.
    pub fn store_one(&mut self, n: usize) {
        let batch = self.devices[n].unstored.as_mut().and_then(VecDeque::pop_front);
        if let Some(Effect::Persist(batch)) = batch {
            self.devices[n].keep(&batch, self.now);
            self.event(n, Event::Persisted(batch.id));
        }
    }

    /// Carries the device's oldest request there and back, as far as the fault lets it.
    pub fn deliver(&mut self, n: usize, fault: Fault) -> bool {
        let Some(request) = self.devices[n].requests.pop_front() else { return false };
        let fault = if self.devices[n].offline { Fault::LoseRequest } else { fault };
        if matches!(fault, Fault::LoseAnswer | Fault::Twice) {
            self.answer(n, &request, true);
        }
        let heard = matches!(fault, Fault::None | Fault::Twice);
        let event = self.answer(n, &request, heard);
        self.event(n, event);
        true
    }

    /// What the server makes of a request; without `arrives`, what it looks like when nothing comes back.
    fn answer(&mut self, n: usize, request: &Effect, arrives: bool) -> Event {
        let before = self.server.token();
        let open = self.server.conflicts.clone();
        let device = &self.devices[n];
        let (id, now) = (device.id, self.now);
        let event = match request {
            Effect::Push { call, request, contents } => {
                let mut request = request.clone();
                for operation in contents {
                    let bytes = device.store.content_now(*operation).expect("the bytes are stored");
                    assert!(sync::fill_content(&mut request, *operation, &bytes));
                }
                let result = carry(arrives, || self.server.push(&request, now));
                Event::PushAnswered { call: *call, result }
            }
            Effect::Pull { call, since, limit } => {
                let limit = if *limit > 7 { 7 } else { *limit };
                let result = carry(arrives, || self.server.pull(since.as_deref(), limit));
                Event::PullAnswered { call: *call, result }
            }
            Effect::FetchTrash { call, .. } => {
                Event::TrashAnswered { call: *call, result: carry(arrives, || Ok(self.server.trash())) }
            }
            Effect::FetchConflicts { call } => {
                let conflicts = self.server.open_conflicts();
                Event::ConflictsAnswered { call: *call, result: carry(arrives, || Ok(conflicts)) }
            }
            Effect::Resolve { call, conflict, request } => {
                let result = carry(arrives, || self.server.resolve_conflict(id, *conflict, request));
                Event::ResolveAnswered { call: *call, conflict: *conflict, result }
            }
            Effect::StartUpload(order) => {
                let result = carry(arrives, || upload(&mut self.server, device, order, now));
                let result = result.map_err(UploadError::Failed);
                Event::UploadFinished { operation: order.operation_id, result }
            }
            other => panic!("{other:?} is no request"),
        };
        if self.server.token() != before {
            self.broadcast(n);
        }
        self.tell_conflicts(&open);
        event
    }

    /// Tells all devices of conflicts that came or went.
    fn tell_conflicts(&mut self, before: &BTreeMap<ConflictId, ConflictInfo>) {
        let now = self.server.conflicts.clone();
        let detected = now.values().filter(|conflict| before.get(&conflict.id) != Some(conflict));
        let detected = detected.map(|conflict| ServerEvent::ConflictDetected { conflict: conflict.clone() });
        let resolved = before.keys().filter(|id| !now.contains_key(id));
        let resolved = resolved.map(|id| ServerEvent::ConflictResolved { conflict_id: *id });
        let frames: Vec<ServerEvent> = detected.chain(resolved).collect();
        for n in (0..self.devices.len()).filter(|_| !frames.is_empty()) {
            for frame in frames.iter().filter(|_| !self.devices[n].offline).cloned().collect::<Vec<_>>() {
                self.event(n, Event::Frame(frame));
            }
        }
    }

    /// Tells the other devices that something changed.
    fn broadcast(&mut self, by: usize) {
        let token = Some(self.server.token());
        for n in (0..self.devices.len()).filter(|n| *n != by) {
            if !self.devices[n].offline {
                self.event(n, Event::Frame(ServerEvent::PullNeeded { sync_token: token.clone() }));
            }
        }
    }

    /// Lets everything come to rest, faults off, and time pass as far as it is needed.
    pub fn settle(&mut self) {
        for _ in 0..3_000 {
            let mut moved = false;
            for n in 0..self.devices.len() {
                while self.devices[n].unstored.as_ref().is_some_and(|waiting| !waiting.is_empty()) {
                    self.store_one(n);
                }
                if !self.devices[n].offline {
                    moved |= self.deliver(n, Fault::None);
                }
            }
            if !moved && !self.wait_for_retry() {
                return;
            }
        }
        for device in &self.devices {
            eprintln!("{:?}\n{:?}\n{:?}", device.engine.queue(), device.requests, device.engine.summary());
        }
        panic!("it never comes to rest");
    }

    /// Advances the clock to the next thing that is not a routine look for news.
    fn wait_for_retry(&mut self) -> bool {
        let waits = |device: &Device| {
            !device.offline && {
                let summary = device.engine.summary();
                summary.waiting > blocked(&device.engine) || summary.behind
            }
        };
        let due: Vec<(usize, Timestamp)> = (0..self.devices.len())
            .filter(|n| waits(&self.devices[*n]))
            .filter_map(|n| Some((n, self.devices[n].wake_at?)))
            .collect();
        let Some(at) = due.iter().map(|(_, at)| *at).min() else { return false };
        self.now = self.now.max(at);
        for (n, _) in due {
            self.event(n, Event::Tick);
        }
        true
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        for n in 0..self.devices.len() {
            self.event(n, Event::Tick);
        }
    }

    pub fn go_offline(&mut self, n: usize) {
        self.devices[n].offline = true;
        self.event(n, Event::SocketClosed);
        self.event(n, Event::Offline);
        while self.deliver(n, Fault::LoseRequest) {}
    }

    pub fn go_online(&mut self, n: usize) {
        self.devices[n].offline = false;
        self.event(n, Event::Online);
        self.event(n, Event::SocketOpened);
    }

    /// The program ends at once and starts again from what the store holds.
    pub fn crash(&mut self, n: usize) {
        let device = &mut self.devices[n];
        device.requests.clear();
        device.wake_at = None;
        if let Some(waiting) = &mut device.unstored {
            waiting.clear();
        }
        device.seeds += 1_000;
        let snapshot = device
            .store
            .load_now()
            .unwrap_or_else(|| Snapshot::empty(Meta::new(device.id, self.server.root)));
        // As where another tab took the lead, the others read everything anew.
        device.follower = Engine::open(snapshot.clone(), seed(500_000 + device.seeds), self.now);
        device.engine = Engine::open(snapshot, seed(device.seeds), self.now);
        self.event(n, Event::Started);
        if !self.devices[n].offline {
            self.event(n, Event::SocketOpened);
        }
    }

    pub fn new_id(&mut self, n: usize) -> ItemId {
        self.devices[n].engine.new_item_id(self.now)
    }

    pub fn folder(&mut self, n: usize, parent: ItemId, name: &str) -> ItemId {
        let id = self.new_id(n);
        let ran = self.run(n, vec![Command::CreateFolder { id, parent, name: self::name(name) }]);
        assert_eq!(ran.refused, []);
        id
    }

    pub fn file(&mut self, n: usize, parent: ItemId, name: &str, text: &str) -> ItemId {
        let id = self.new_id(n);
        let ran = self.run(n, vec![create_file(id, parent, name, NewContent::Small(text.into()))]);
        assert_eq!(ran.refused, []);
        id
    }

    /// A file that goes by chunks.
    pub fn upload(&mut self, n: usize, parent: ItemId, name: &str, bytes: &[u8]) -> (ItemId, OperationId) {
        let id = self.new_id(n);
        let content = NewContent::Upload { size: bytes.len() as u64, staged: Some(id.to_string()) };
        let device = &mut self.devices[n];
        let ran = device.engine.run(self.now, vec![create_file(id, parent, name, content)]);
        assert_eq!(ran.refused, []);
        let operation = ran.operations[0].1;
        device.staged.insert(id.to_string(), bytes.to_vec());
        self.perform(n, ran.effects);
        (id, operation)
    }

    pub fn edit(&mut self, n: usize, id: ItemId, text: &str) -> OperationId {
        let content = NewContent::Small(text.into());
        let ran = self.run(n, vec![Command::SetContent { id, content, modified_at: None, base: None }]);
        assert_eq!(ran.refused, []);
        ran.operations[0].1
    }

    pub fn rename(&mut self, n: usize, id: ItemId, name: &str) {
        let ran = self.run(n, vec![Command::Rename { id, name: self::name(name) }]);
        assert_eq!(ran.refused, []);
    }

    pub fn shift(&mut self, n: usize, id: ItemId, parent: ItemId) {
        assert_eq!(self.run(n, vec![Command::Move { id, parent }]).refused, []);
    }

    pub fn delete(&mut self, n: usize, id: ItemId) -> Ran {
        let ran = self.run(n, vec![Command::Delete { id }]);
        assert_eq!(ran.refused, []);
        ran
    }

    /// The device's live tree as sorted paths, files with their content's hash.
    pub fn tree(&self, n: usize) -> Vec<String> {
        let mut paths = Vec::new();
        list(&self.devices[n].engine, self.server.root, "", &mut paths);
        paths.sort();
        paths
    }

    /// Every device shows exactly what the server has, nothing waits, and nothing more would be sent.
    pub fn assert_converged(&mut self) {
        self.settle();
        let server: BTreeMap<ItemId, _> = self.server.live().map(|e| (e.item.id, fields(&e.item))).collect();
        for n in 0..self.devices.len() {
            let engine = &self.devices[n].engine;
            let live = engine.items().map(|view| view.to_client_item()).filter(|item| !item.item.is_deleted);
            let local: BTreeMap<ItemId, _> = live.map(|item| (item.item.id, fields(&item.item))).collect();
            let surplus: Vec<_> = local.iter().filter(|(id, item)| server.get(id) != Some(item)).collect();
            let missing: Vec<_> = server.iter().filter(|(id, item)| local.get(id) != Some(item)).collect();
            assert!(
                surplus.is_empty() && missing.is_empty(),
                "device {n} has {surplus:#?}, not {missing:#?}"
            );
            assert!(engine.queue().is_empty(), "device {n}: {:?}", engine.queue());
            assert!(engine.summary().is_synced(), "device {n}: {:?}", engine.summary());
            assert_eq!(self.devices[n].store.contents_now(), [], "device {n} keeps bytes that nobody needs");
            self.assert_store_matches(n);
        }
        let token = self.server.token();
        let pushed = self.server.pushed_changes;
        for _ in 0..3 {
            self.pass(Duration::from_mins(10));
            self.settle();
        }
        assert_eq!((token, pushed), (self.server.token(), self.server.pushed_changes), "a fixpoint");
    }

    /// What a restart would show is what is shown.
    pub fn assert_store_matches(&self, n: usize) {
        let device = &self.devices[n];
        let Some(snapshot) = device.store.load_now() else { return };
        let again = Engine::open(snapshot, seed(9), self.now);
        let shown = |engine: &Engine| -> BTreeMap<ItemId, _> {
            engine.items().map(|view| (view.id(), fields(&view.to_client_item().item))).collect()
        };
        assert_eq!(shown(&again), shown(&device.engine), "device {n} after a restart");
        assert_eq!(again.meta().sync_token, device.engine.meta().sync_token);
        assert_eq!(shown(&again), shown(&device.follower), "another tab of device {n}");
        assert_eq!(again.queue(), device.follower.queue());
    }

    pub fn status(&self, n: usize, id: ItemId) -> SyncStatus {
        self.devices[n].engine.item(id).expect("the item is there").status()
    }
}

type Fields = (ItemId, String, Option<ContentHash>, shared::VersionVector, bool);

fn fields(item: &shared::FileItem) -> Fields {
    (item.parent_id, item.name.clone(), item.content_hash, item.version.clone(), item.is_deleted)
}

/// How many operations wait for a person's decision on another.
fn blocked(engine: &Engine) -> usize {
    let blocked = |entry: &sync::QueueEntry| {
        matches!(&entry.state, sync::QueueState::Waiting { reason: Some(reason), .. }
            if reason == "Waits for an earlier change that was refused")
    };
    engine.queue().iter().filter(|entry| blocked(entry)).count()
}

fn carry<T>(arrives: bool, serve: impl FnOnce() -> Result<T, Problem>) -> Result<T, CallError> {
    if !arrives {
        return Err(CallError::Unreachable);
    }
    serve().map_err(|problem| CallError::Refused(Box::new(problem)))
}

fn upload(
    server: &mut Server,
    device: &Device,
    order: &UploadOrder,
    now: Timestamp,
) -> Result<shared::upload::UploadCompleted, Problem> {
    let bytes = order.staged.as_ref().and_then(|staged| device.staged.get(staged));
    let bytes = bytes.ok_or_else(|| Problem::new(ErrorCode::Internal, "the test staged no bytes"))?;
    assert_eq!(bytes.len() as u64, order.size);
    server.complete(device.id, order, ContentHash::of_chunks([&ChunkHash::of(bytes)]), now)
}

fn list(engine: &Engine, folder: ItemId, above: &str, paths: &mut Vec<String>) {
    for child in engine.children(folder) {
        let path = format!("{above}/{}", child.name());
        match child.content_hash() {
            Some(hash) => paths.push(format!("{path} {}", &hash.to_string()[..6])),
            None => paths.push(path.clone()),
        }
        list(engine, child.id(), &path, paths);
    }
}

pub fn create_file(id: ItemId, parent: ItemId, name: &str, content: NewContent) -> Command {
    Command::CreateFile {
        id,
        parent,
        name: self::name(name),
        content,
        mime_type: None,
        created_at: None,
        modified_at: None,
    }
}

pub fn name(text: &str) -> ItemName {
    ItemName::parse(text).expect("a valid name")
}

/// The hash of a small content.
pub fn hash(text: &str) -> String {
    ContentHash::of_chunks([&ChunkHash::of(text.as_bytes())]).to_string()[..6].to_owned()
}

pub fn seed(n: u64) -> [u8; 32] {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&n.to_le_bytes());
    seed
}
