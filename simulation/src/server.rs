//! The server: the product's own rules over the database in memory. A request is judged whole, at one
//! moment; what a crash may cut off is its effect (nothing of it stays) or its answer.

mod jobs;
mod uploads;
mod write;

use std::collections::BTreeMap;
use std::sync::Arc;

use server::access::Grant;
use server::db::conflicts::ConflictRow;
use server::db::items::ItemRow;
use server::error::ApiError;
use server::ops::pull::pull_in;
use server::ops::push::render::conflict_info;
use server::ops::push::{Answer, Ask, PreparedChange};
use server::ops::tree::{Tree, item_state};
use server::tokens::{PersonKey, SyncToken, TokenKey, ZonePosition};
use shared::frames::ServerEvent;
use shared::item::ItemState;
use shared::sync::{
    ConflictInfo, PullResponse, PushRequest, PushResponse, ResolveRequest, ResolveResponse, TrashPage,
    ZoneKind, ZoneRole,
};
use shared::upload::{InitUpload, UploadCompleted, UploadStarted};
use shared::{ConflictId, DeviceId, ErrorCode, ItemId, OperationId, Problem, UserId, VersionId, ZoneId};
use uuid::Uuid;

use crate::chance::Machine;
use crate::database::{Database, Reader, Zone};
use crate::full::Node;

/// Items of one page of the trash.
const TRASH_PAGE_ITEMS: usize = 5;

#[derive(Clone, Debug)]
pub enum Request {
    Push(PushRequest),
    Pull { since: Option<String>, limit: usize },
    Trash { cursor: Option<String> },
    Conflicts,
    Resolve { conflict: ConflictId, request: ResolveRequest },
    RestoreVersion { file_id: ItemId, version_id: VersionId, operation: OperationId },
    BeginUpload { file_id: ItemId, request: Box<InitUpload> },
    SendChunk { file_id: ItemId, upload: OperationId, index: u32, bytes: Vec<u8> },
    CompleteUpload { file_id: ItemId, upload: OperationId },
}

#[derive(Clone, Debug)]
pub enum Reply {
    Pushed(PushResponse),
    Pulled(PullResponse),
    Trash(TrashPage),
    Conflicts(Vec<ConflictInfo>),
    Resolved(ResolveResponse),
    VersionRestored,
    UploadBegun(UploadStarted),
    ChunkStored,
    UploadCompleted(Box<UploadCompleted>),
}

/// What one write was about.
pub enum Cause {
    Push {
        device: DeviceId,
        changes: Arc<Vec<PreparedChange>>,
        answers: Vec<Answer>,
    },
    Single {
        ask: Box<Ask>,
        accepted: bool,
    },
    /// An upload begun, or a chunk: nothing that a person could see.
    Staging,
    /// Whatever was over.
    Jobs,
}

/// The operation that is answered.
pub fn operation_of(answer: &Answer) -> Option<OperationId> {
    match answer {
        Answer::Applied(applied) => Some(applied.operation_id),
        Answer::Conflict(conflict) => conflict.operation_id,
        Answer::Failed(error) => Some(error.operation_id),
    }
}

/// One write, as the oracle looks at it.
pub struct Commit {
    pub before: Arc<Database>,
    pub after: Arc<Database>,
    pub cause: Cause,
    /// Several writes, seen as one: a push that changes zones to and fro.
    pub is_joined: bool,
}

/// What a request came to.
pub struct Served {
    pub reply: Result<Reply, Problem>,
    /// What devices are told; `file_…` not those that caused it.
    pub events: Vec<ServerEvent>,
    pub commits: Vec<Commit>,
    /// The power failed meanwhile.
    pub power_cut: bool,
}

/// The person's top folder.
pub fn root() -> ItemId {
    ItemId(Uuid::from_u128(1))
}

/// The person's zones, empty: files and photos.
pub fn zones() -> (Zone, Zone) {
    let library = ItemId(Uuid::from_u128(1 << 96));
    let ids = [2, 2 << 96].map(|id| ZoneId(Uuid::from_u128(id)));
    (Zone::new(ids[0], root()), Zone::new(ids[1], library))
}

pub struct Server {
    /// What is durable.
    pub database: Arc<Database>,
    /// The same before the last write.
    pub(crate) before: Arc<Database>,
    pub machine: Machine,
    pub(crate) secret: [u8; 32],
    pub(crate) user: UserId,
    pub(crate) root: ItemId,
    /// Changes of these items are refused this often yet, with this code: a fault of the world.
    pub refuse: BTreeMap<ItemId, (ErrorCode, u32)>,
    /// The server as it is, where it plays; then `database` is what was last read of its own.
    pub(crate) full: Option<Box<Node>>,
}

impl Server {
    pub fn new(machine: Machine, quota_bytes: u64) -> Self {
        let database = Database::new(zones(), Uuid::from_u128(1 << 100), quota_bytes, machine.now());
        let database = Arc::new(database);
        Self {
            before: Arc::clone(&database),
            database,
            machine,
            secret: [7; 32],
            user: UserId(Uuid::from_u128(3)),
            root: root(),
            refuse: BTreeMap::new(),
            full: None,
        }
    }

    pub fn root(&self) -> ItemId {
        self.root
    }

    /// The person's top folder of photos.
    pub fn library(&self) -> ItemId {
        self.database.photos.root
    }

    fn grant(&self, kind: ZoneKind) -> Grant {
        let Zone { id, root, .. } = *self.database.zone(kind);
        Grant {
            user_id: self.user,
            zone_id: id,
            account_id: self.user,
            root_id: root,
            kind,
            role: ZoneRole::Owner,
        }
    }

    fn grants(&self) -> [Grant; 2] {
        [self.grant(ZoneKind::Files), self.grant(ZoneKind::Photos)]
    }

    /// The grant for the zone in which the item is; the files', for one that is nowhere.
    fn grant_for(&self, id: ItemId) -> Grant {
        let is_photo = self.database.locate(id).is_some_and(|zone| zone.id == self.database.photos.id);
        self.grant(if is_photo { ZoneKind::Photos } else { ZoneKind::Files })
    }

    fn key(&self) -> PersonKey {
        TokenKey::new(self.secret, self.database.epoch).person(self.user)
    }

    fn stand(&self) -> BTreeMap<ZoneId, server::db::zones::Position> {
        self.database.zones().map(|zone| (zone.id, zone.position())).into()
    }

    /// The token of a device that has been given everything.
    pub fn head(&self) -> String {
        let at = |zone: &Zone| ZonePosition { position: zone.counter, alive_until: 0 };
        let zones = self.database.zones().map(|zone| (zone.id, at(zone))).into();
        self.key().encode(&SyncToken { issued_at: self.machine.now(), zones })
    }

    pub fn is_head(&self, token: &str) -> bool {
        self.key().is_head(token, self.machine.now(), &self.stand())
    }

    /// Where in the feed of the files a token stands; the beginning, without one.
    pub fn position(&self, token: Option<&str>) -> u64 {
        let checked = self.check_token(token).ok().flatten();
        checked
            .and_then(|token| token.zones.get(&self.database.files.id).copied())
            .map_or(0, |given| given.position)
    }

    fn check_token(&self, token: Option<&str>) -> Result<Option<SyncToken>, Problem> {
        let checked =
            token.map(|token| self.key().check(token, self.machine.now(), &self.stand())).transpose();
        checked.map_err(|error| problem(error.into()))
    }

    // Devices

    /// Signs a device in: under its own id, or a new one if it was removed or is not known.
    pub fn sign_in(&mut self, claimed: Option<DeviceId>) -> DeviceId {
        if let Some(node) = &mut self.full {
            let id = node.sign_in(claimed);
            self.look_again();
            return id;
        }
        let known = claimed.filter(|id| self.database.devices.contains_key(id));
        let id = known.unwrap_or_else(|| self.machine.env().id());
        Arc::make_mut(&mut self.database).devices.insert(id, true);
        id
    }

    pub fn remove_device(&mut self, id: DeviceId) {
        if let Some(node) = &mut self.full {
            let others =
                self.database.devices.iter().filter(|(other, signed_in)| **other != id && **signed_in);
            let by = others.map(|(other, _)| *other).next();
            if by.is_some_and(|by| node.remove_device(by, id)) {
                self.look_again();
            }
            return;
        }
        let database = Arc::make_mut(&mut self.database);
        database.devices.remove(&id);
        if shared::faults::Fault::RemovedCountersGo.is_planted() {
            for row in database.items.values_mut() {
                let others = row.vector.iter().filter(|dot| dot.device != id).collect();
                Arc::make_mut(row).vector = others;
            }
        }
    }

    /// Put back from a backup: a new epoch, and nobody is signed in.
    pub fn restore(&mut self, backup: &Database) {
        if let Some(node) = &mut self.full {
            node.restore();
            node.set_quota(self.database.account.quota_bytes);
            self.look_again();
            return;
        }
        let mut database = backup.clone();
        if !shared::faults::Fault::RestoreKeepsEpoch.is_planted() {
            database.epoch = self.machine.env().id();
        }
        database.devices.values_mut().for_each(|signed_in| *signed_in = false);
        database.account.quota_bytes = self.database.account.quota_bytes;
        self.database = Arc::new(database);
    }

    /// Copies everything; whether that came off.
    pub fn back_up(&mut self) -> bool {
        self.full.as_mut().is_none_or(|node| node.back_up())
    }

    pub fn set_quota(&mut self, bytes: u64) {
        if let Some(node) = &self.full {
            node.set_quota(bytes);
        }
        Arc::make_mut(&mut self.database).account.quota_bytes = bytes;
    }

    /// The process ends and begins anew.
    pub fn restart(&mut self) {
        if let Some(node) = &mut self.full {
            node.restart();
            self.look_again();
        }
    }

    /// From now on nothing fails any more.
    pub fn heal(&mut self) {
        self.refuse.clear();
        if let Some(node) = &self.full {
            node.heal();
        }
    }

    // Requests

    pub fn serve(&mut self, device: DeviceId, request: &Request) -> Served {
        let mut served = self.serve_full(device, request, false).unwrap_or_else(|| {
            let mut served = Served::default();
            served.reply = if self.database.devices.get(&device) == Some(&true) {
                self.reply(device, request, &mut served)
            } else {
                Err(Problem::new(ErrorCode::Unauthenticated, "Sign in."))
            };
            served
        });
        let token = self.head();
        for event in &mut served.events {
            if let ServerEvent::FileChanged { sync_token, .. } | ServerEvent::FileDeleted { sync_token, .. } =
                event
            {
                *sync_token = Some(token.clone());
            }
        }
        served
    }

    /// As [`Self::serve`], and the server crashes before anyone hears of it. What of it stays is told.
    pub fn serve_in_crash(&mut self, device: DeviceId, request: &Request) -> Served {
        if let Some(served) = self.serve_full(device, request, true) {
            return Served { events: Vec::new(), ..served };
        }
        let before = Arc::clone(&self.database);
        let served = self.serve(device, request);
        self.database = before;
        Served { events: Vec::new(), commits: Vec::new(), ..served }
    }

    fn reply(&mut self, device: DeviceId, request: &Request, served: &mut Served) -> Result<Reply, Problem> {
        match request {
            Request::Push(push) => self.push(device, push, served).map(Reply::Pushed),
            Request::Pull { since, limit } => self.pull(since.as_deref(), *limit).map(Reply::Pulled),
            Request::Trash { cursor } => Ok(Reply::Trash(self.trash(cursor.as_deref()))),
            Request::Conflicts => Ok(Reply::Conflicts(self.open_conflicts())),
            Request::Resolve { conflict, request } => {
                self.resolve(device, *conflict, request, served).map(Reply::Resolved)
            }
            Request::RestoreVersion { file_id, version_id, operation } => {
                let ask = self.ask_version(*file_id, *version_id, *operation);
                self.perform(device, ask, served).map(|_| Reply::VersionRestored)
            }
            Request::BeginUpload { file_id, request } => {
                self.begin_upload(device, *file_id, request, served).map(Reply::UploadBegun)
            }
            Request::SendChunk { file_id, upload, index, bytes } => {
                self.send_chunk(device, *file_id, *upload, (*index, bytes), served)
            }
            Request::CompleteUpload { file_id, upload } => {
                let completed = self.complete_upload(device, *file_id, *upload, served)?;
                Ok(Reply::UploadCompleted(Box::new(completed)))
            }
        }
    }

    fn pull(&self, since: Option<&str>, limit: usize) -> Result<PullResponse, Problem> {
        let lags = shared::faults::Fault::ReadsLagBehind.is_planted();
        let mut reader = Reader(if lags { &self.before } else { &self.database });
        let now = self.machine.now();
        ready(pull_in(&mut reader, &self.key(), &self.grants(), now, since, limit)).map_err(problem)
    }

    /// The topmost items of deletes, the latest first; the cursor is where the page before ended, as the
    /// server's own, so that nothing is passed over when something before it is restored.
    fn trash(&self, cursor: Option<&str>) -> TrashPage {
        let place =
            |row: &Arc<ItemRow>| (row.deleted.map_or(i64::MIN, |deletion| deletion.at.as_millis()), row.id);
        let before: Option<(i64, ItemId)> = cursor.and_then(|cursor| serde_json::from_str(cursor).ok());
        let listed = |row: &&Arc<ItemRow>| {
            row.deleted.is_some()
                && row.purged_at.is_none()
                && before.is_none_or(|before| place(row) < before)
        };
        let mut rows: Vec<&Arc<ItemRow>> = self.database.items.values().filter(listed).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(place(row)));
        let more = rows.len() > TRASH_PAGE_ITEMS;
        rows.truncate(TRASH_PAGE_ITEMS);
        let last = rows.last().filter(|_| more).map(|row| place(row));
        let next_cursor = last.and_then(|place| serde_json::to_string(&place).ok());
        let items = rows
            .into_iter()
            .filter_map(|row| {
                let zone = self.database.zone_of(row).id;
                match item_state(zone, row, self.database.chain(row.parent_id)) {
                    ItemState::Present(item) => Some(item),
                    ItemState::Purged(_) => None,
                }
            })
            .collect();
        TrashPage { items, next_cursor }
    }

    pub fn open_conflicts(&self) -> Vec<ConflictInfo> {
        let open = |row: &&Arc<ConflictRow>| row.resolved_at.is_none();
        self.database.conflicts.values().filter(open).filter_map(|row| self.conflict(row)).collect()
    }

    pub(crate) fn conflict(&self, row: &ConflictRow) -> Option<ConflictInfo> {
        let item = self.database.items.get(&row.item_id)?;
        let local = self.database.versions.get(&row.local_version_id);
        Some(conflict_info(row, item, local.map(|local| &**local), &[], None))
    }

    pub(crate) fn state(&self, id: ItemId) -> Option<ItemState> {
        let rows: Vec<ItemRow> = self.database.chain(id).cloned().collect();
        let tree = Tree::new(self.database.zone_of(rows.first()?).id, rows);
        tree.get(id).map(|row| tree.state(row))
    }
}

impl Default for Served {
    fn default() -> Self {
        Self { reply: Ok(Reply::ChunkStored), events: Vec::new(), commits: Vec::new(), power_cut: false }
    }
}

fn problem(error: ApiError) -> Problem {
    *error.problem
}

/// Nothing in memory ever waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    use std::task::{Context, Poll, Waker};
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the database in memory does not wait"),
    }
}
