//! A small model of the server, after the contract: one zone, no texts that merge, everything in maps.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use shared::item::{ItemState, Tombstone};
use shared::sync::{
    Applied, Base, Change, ChangeError, ChangeKind, ConflictInfo, ContentInput, Outcome, PullResponse,
    PushRequest, PushResponse, Resolution, ResolveRequest, ResolveResponse, TrashPage, ZoneInfo, ZoneKind,
    ZoneRole, ZoneState,
};
use shared::upload::UploadCompleted;
use shared::{
    ChunkHash, ConflictId, ContentHash, DeviceId, Dot, ErrorCode, FileItem, ItemId, ItemKind, ItemName,
    OperationId, Problem, Timestamp, VersionVector, ZoneId,
};
use sync::UploadOrder;
use uuid::Uuid;

/// An item with what the wire does not tell.
#[derive(Clone, Debug)]
pub struct Entry {
    pub item: FileItem,
    count: u64,
    content: Dot,
    place: Dot,
    pub purged: bool,
    /// The zone's counter when it last changed.
    fed: u64,
    by: DeviceId,
}

/// What an edit has seen of one sort: a vector, and single inputs beside it.
#[derive(Clone, Debug, Default)]
struct Seen {
    vector: VersionVector,
    inputs: Vec<Dot>,
}

impl Seen {
    fn covers(&self, dot: Dot) -> bool {
        self.vector.covers(dot) || self.inputs.contains(&dot)
    }
}

#[derive(Clone, Debug)]
struct Record {
    payload: String,
    result: Result<(ItemId, Outcome), ErrorCode>,
    conflict: Option<ConflictId>,
    content: Seen,
    place: Seen,
}

enum Verdict {
    Applied(ItemId, Outcome),
    Conflict(ConflictId),
    Refused(ErrorCode),
}

/// What a server can be restored to.
#[derive(Clone, Debug)]
pub struct Backup {
    items: BTreeMap<ItemId, Entry>,
    counter: u64,
    aliases: BTreeMap<ItemId, ItemId>,
}

pub struct Server {
    pub root: ItemId,
    zone: ZoneId,
    pub kind: ZoneKind,
    pub items: BTreeMap<ItemId, Entry>,
    pub conflicts: BTreeMap<ConflictId, ConflictInfo>,
    records: BTreeMap<OperationId, Record>,
    aliases: BTreeMap<ItemId, ItemId>,
    counter: u64,
    epoch: u64,
    /// Tokens below are too old.
    horizon: u64,
    ids: u128,
    /// How far its clock is ahead of the devices'.
    pub ahead: std::time::Duration,
    /// Operations to refuse, by id of the item, and how often yet.
    pub refuse: BTreeMap<ItemId, (ErrorCode, usize)>,
    pub zone_state: ZoneState,
    pub pushed_changes: usize,
    pub pushes: usize,
    pub largest_body: usize,
    /// Every content that it ever took in.
    pub held: BTreeSet<ContentHash>,
}

impl Server {
    pub fn new() -> Self {
        Self {
            root: ItemId(Uuid::from_u128(1)),
            zone: ZoneId(Uuid::from_u128(2)),
            kind: ZoneKind::Files,
            items: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            records: BTreeMap::new(),
            aliases: BTreeMap::new(),
            counter: 0,
            epoch: 1,
            horizon: 0,
            ahead: std::time::Duration::ZERO,
            ids: 1 << 64,
            refuse: BTreeMap::new(),
            zone_state: ZoneState::Active,
            pushed_changes: 0,
            pushes: 0,
            largest_body: 0,
            held: BTreeSet::new(),
        }
    }

    /// Whether it judged this operation and did not refuse it.
    pub fn has_taken(&self, operation: OperationId) -> bool {
        self.records.get(&operation).is_some_and(|record| record.result.is_ok())
    }

    pub fn token(&self) -> String {
        self.token_at(self.counter)
    }

    /// A position, and when it was given: what pages through everything is as good as new.
    fn token_at(&self, position: u64) -> String {
        format!("{}:{position}:{}", self.epoch, self.counter)
    }

    /// Forgets its tombstones, what it answered, and every token so far.
    pub fn expire_tokens(&mut self) {
        self.records.clear();
        self.horizon = self.counter + 1;
        self.counter += 1;
        self.items.retain(|_, entry| !entry.purged);
    }

    /// Restored from a backup.
    pub fn restore_from(&mut self, backup: Backup) {
        (self.items, self.counter, self.aliases) = (backup.items, backup.counter, backup.aliases);
        self.conflicts.retain(|_, conflict| self.items.contains_key(&conflict.file_id));
        self.records.clear();
        self.epoch += 1;
        self.horizon = 0;
    }

    pub fn backup(&self) -> Backup {
        Backup { items: self.items.clone(), counter: self.counter, aliases: self.aliases.clone() }
    }

    /// The position that a token names, or why it names none.
    fn position(&self, token: Option<&str>) -> Result<u64, Problem> {
        let Some(token) = token else { return Ok(0) };
        let parsed: Vec<u64> = token.split(':').filter_map(|part| part.parse().ok()).collect();
        let [epoch, counter, given] = parsed[..] else {
            return Err(Problem::new(ErrorCode::InvalidSyncToken, "not a token"));
        };
        let reason = if epoch != self.epoch {
            "epoch"
        } else if given < self.horizon {
            "expired"
        } else {
            return Ok(counter);
        };
        let mut problem = Problem::new(ErrorCode::SyncTokenExpired, "pull from the beginning");
        problem.more.insert("reason".into(), reason.into());
        Err(problem)
    }

    pub fn pull(&self, since: Option<&str>, limit: usize) -> Result<PullResponse, Problem> {
        let start = self.position(since)?;
        let visible = |entry: &&Entry| entry.fed > start && (since.is_some() || self.is_live(entry.item.id));
        let mut entries: Vec<&Entry> = self.items.values().filter(visible).collect();
        entries.sort_by_key(|entry| entry.fed);
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        let position =
            if has_more { entries.last().map_or(self.counter, |last| last.fed) } else { self.counter };
        let mut changes = Vec::new();
        for entry in entries {
            for ancestor in self.above(entry.item.id).into_iter().rev() {
                let ancestor = &self.items[&ancestor];
                if ancestor.fed > start {
                    changes.push(self.state(ancestor));
                }
            }
            changes.push(self.state(entry));
        }
        let zones = vec![ZoneInfo {
            zone_id: self.zone,
            root_id: self.root,
            kind: self.kind,
            role: ZoneRole::Owner,
            state: self.zone_state,
        }];
        Ok(PullResponse { changes, zones, sync_token: self.token_at(position), has_more })
    }

    pub fn trash(&self) -> TrashPage {
        let topmost = |entry: &&Entry| entry.item.deleted_at.is_some() && !entry.purged;
        let items = self.items.values().filter(topmost).map(|entry| self.shown(entry)).collect();
        TrashPage { items, next_cursor: None }
    }

    pub fn push(&mut self, request: &PushRequest, now: Timestamp) -> Result<PushResponse, Problem> {
        let body = serde_json::to_vec(request).expect("a request is JSON").len();
        self.largest_body = self.largest_body.max(body);
        assert!(body <= shared::limits::PUSH_BODY_BYTES_MAX, "a body of {body} bytes");
        assert!(request.changes.len() <= shared::limits::PUSH_CHANGES_MAX);
        let position = self.position(request.last_sync_token.as_deref())?;
        let current = position == self.counter;
        self.pushes += 1;
        let mut response =
            PushResponse { sync_token: None, applied: vec![], conflicts: vec![], errors: vec![] };
        for change in &request.changes {
            self.pushed_changes += 1;
            match self.change(request.device_id, change, now) {
                Verdict::Applied(id, outcome) => response.applied.push(self.applied(change, id, outcome)),
                Verdict::Conflict(id) => {
                    let info = self.conflicts[&id].clone();
                    response.conflicts.push(ConflictInfo { operation_id: Some(change.operation_id), ..info });
                }
                Verdict::Refused(code) => response.errors.push(ChangeError {
                    operation_id: change.operation_id,
                    file_id: change.file_id,
                    code,
                    message: String::new(),
                    retryable: code.retryable(),
                    missing_chunks: None,
                }),
            }
        }
        // An answer may be older than the tombstones.
        for applied in &mut response.applied {
            if let Some(entry) = self.items.get(&applied.item.id()) {
                applied.item = self.state(entry);
            }
        }
        let given: Ids = response.applied.iter().map(|applied| applied.item.id()).collect();
        let all_given =
            self.items.values().all(|entry| entry.fed <= position || given.contains(&entry.item.id));
        response.sync_token =
            if current && all_given { Some(self.token()) } else { request.last_sync_token.clone() };
        Ok(response)
    }

    pub fn complete(
        &mut self,
        device: DeviceId,
        order: &UploadOrder,
        hash: ContentHash,
        now: Timestamp,
    ) -> Result<UploadCompleted, Problem> {
        self.position(order.last_sync_token.as_deref())?;
        let content =
            ContentInput { size: order.size, data: Some(hash.to_string()), ..ContentInput::default() };
        let exists = self.items.contains_key(&self.resolve(order.file_id));
        let kind = if exists || self.records.contains_key(&order.operation_id) && order.base != create_base()
        {
            ChangeKind::Content { content, modified_at: None }
        } else {
            ChangeKind::Create {
                parent_id: order.parent_id,
                name: order.name.to_string(),
                content,
                mime_type: None,
                created_at: None,
                modified_at: None,
            }
        };
        let change = Change {
            operation_id: order.operation_id,
            file_id: order.file_id,
            base: order.base.clone(),
            kind,
        };
        match self.judge_once(device, &change, format!("upload {}", order.file_id), now) {
            Verdict::Applied(id, outcome) => {
                Ok(UploadCompleted { applied: self.applied(&change, id, outcome), conflict: None })
            }
            Verdict::Conflict(id) => Ok(UploadCompleted {
                applied: self.applied(&change, order.file_id, Outcome::Unchanged),
                conflict: Some(self.conflicts[&id].clone()),
            }),
            Verdict::Refused(code) => Err(Problem::new(code, "")),
        }
    }

    /// Each with what its file holds now.
    pub fn open_conflicts(&self) -> Vec<ConflictInfo> {
        let present = |conflict: &ConflictInfo| {
            let item = &self.items[&conflict.file_id].item;
            ConflictInfo {
                server_version: item.version.clone(),
                server_content_hash: item.content_hash.expect("a file has a content"),
                ..conflict.clone()
            }
        };
        self.conflicts.values().map(present).collect()
    }

    pub fn resolve_conflict(
        &mut self,
        device: DeviceId,
        id: ConflictId,
        request: &ResolveRequest,
    ) -> Result<ResolveResponse, Problem> {
        let Some(conflict) = self.conflicts.get(&id).cloned() else {
            return Err(Problem::new(ErrorCode::ConflictResolved, ""));
        };
        let content = self.items[&conflict.file_id].content;
        if !request.server_version.covers(content) {
            let mut problem = Problem::new(ErrorCode::ConflictChanged, "");
            problem.more.insert("conflict".into(), serde_json::to_value(&conflict).expect("JSON"));
            return Err(problem);
        }
        self.conflicts.remove(&id);
        let dot = self.dot(conflict.file_id, device);
        let entry = self.items.get_mut(&conflict.file_id).expect("a conflict has its file");
        entry.item.version.merge(&conflict.local_version);
        entry.item.version.insert(dot);
        if request.resolution == Resolution::Local {
            entry.content = dot;
            entry.item.content_hash = Some(conflict.local_content_hash);
        }
        self.feed(conflict.file_id, device);
        Ok(ResolveResponse { items: vec![self.shown(&self.items[&conflict.file_id])] })
    }

    fn applied(&self, change: &Change, id: ItemId, outcome: Outcome) -> Applied {
        let id = self.resolve(id);
        // An answer may be older than the tombstones.
        let item = self
            .items
            .get(&id)
            .map_or_else(|| self.tombstone(id, VersionVector::default()), |entry| self.state(entry));
        Applied { operation_id: change.operation_id, file_id: change.file_id, item, outcome }
    }

    fn state(&self, entry: &Entry) -> ItemState {
        if entry.purged {
            return self.tombstone(entry.item.id, entry.item.version.clone());
        }
        ItemState::Present(self.shown(entry))
    }

    fn tombstone(&self, id: ItemId, version: VersionVector) -> ItemState {
        let purged_at = Timestamp::default();
        ItemState::Purged(Tombstone { id, zone_id: self.zone, is_deleted: true, purged_at, version })
    }

    fn shown(&self, entry: &Entry) -> FileItem {
        FileItem { is_deleted: !self.is_live(entry.item.id), ..entry.item.clone() }
    }

    fn resolve(&self, id: ItemId) -> ItemId {
        self.aliases.get(&id).copied().unwrap_or(id)
    }

    fn above(&self, id: ItemId) -> Vec<ItemId> {
        let mut above = Vec::new();
        let mut parent = self.items[&id].item.parent_id;
        while let Some(entry) = self.items.get(&parent) {
            above.push(parent);
            assert!(above.len() < 1_000, "a circle on the server");
            parent = entry.item.parent_id;
        }
        above
    }

    pub fn is_live(&self, id: ItemId) -> bool {
        let alive = |id: &ItemId| {
            self.items.get(id).is_some_and(|entry| entry.item.deleted_at.is_none() && !entry.purged)
        };
        alive(&id) && self.above(id).iter().all(alive)
    }

    pub fn live(&self) -> impl Iterator<Item = &Entry> {
        self.items.values().filter(|entry| self.is_live(entry.item.id))
    }

    fn below(&self, folder: ItemId) -> Vec<ItemId> {
        self.items.keys().copied().filter(|id| self.above(*id).contains(&folder)).collect()
    }

    fn dot(&mut self, id: ItemId, device: DeviceId) -> Dot {
        let entry = self.items.get_mut(&id).expect("the item is there");
        entry.count += 1;
        Dot { device, count: entry.count }
    }

    fn feed(&mut self, id: ItemId, by: DeviceId) {
        self.counter += 1;
        let counter = self.counter;
        if let Some(entry) = self.items.get_mut(&id) {
            entry.fed = counter;
            entry.by = by;
        }
    }

    /// A new input to an item, of a sort or both.
    fn input(&mut self, id: ItemId, device: DeviceId, content: bool, place: bool) -> Dot {
        let dot = self.dot(id, device);
        let entry = self.items.get_mut(&id).expect("the item is there");
        entry.item.version.insert(dot);
        if content {
            entry.content = dot;
        }
        if place {
            entry.place = dot;
        }
        let kept = [entry.content, entry.place];
        entry.item.version.prune(&kept);
        self.feed(id, device);
        dot
    }

    fn holder(&self, parent: ItemId, name: &str, but: ItemId) -> Option<ItemId> {
        let folded = ItemName::parse(name).expect("a valid name").folded();
        self.items
            .values()
            .filter(|entry| entry.item.parent_id == parent && entry.item.id != but)
            .filter(|entry| ItemName::parse(&entry.item.name).is_ok_and(|name| name.folded() == folded))
            .find(|entry| self.is_live(entry.item.id))
            .map(|entry| entry.item.id)
    }

    fn free_name(&self, parent: ItemId, name: &str, but: ItemId) -> String {
        let name = ItemName::parse(name).expect("a valid name");
        let mut names = std::iter::once(name.clone()).chain((2..).map(|n| name.numbered(n)));
        let free = names.find(|name| self.holder(parent, name.as_str(), but).is_none());
        free.expect("some number is free").to_string()
    }

    /// Brings an item and the folders above it back, each under a free name.
    fn revive(&mut self, id: ItemId, device: DeviceId) {
        let mut chain = self.above(id);
        chain.insert(0, id);
        for id in chain.into_iter().rev() {
            if self.items[&id].item.deleted_at.is_none() {
                continue;
            }
            self.items.get_mut(&id).expect("it is there").item.deleted_at = None;
            let (parent, name) = (self.items[&id].item.parent_id, self.items[&id].item.name.clone());
            let name = self.free_name(parent, &name, id);
            self.items.get_mut(&id).expect("it is there").item.name = name;
            self.input(id, device, false, true);
            for below in self.below(id) {
                if self.is_live(below) {
                    self.feed(below, device);
                }
            }
        }
    }
}

mod judge;

fn create_base() -> Base {
    Base::version(VersionVector::new())
}

fn content_hash(content: &ContentInput) -> ContentHash {
    if let Some(copy) = content.copy_of {
        assert_eq!(content.data, None, "nothing travels");
        return copy.content_hash;
    }
    let data = content.data.as_deref().unwrap_or_default();
    if let Ok(hash) = data.parse() {
        return hash;
    }
    let bytes = STANDARD.decode(data).expect("base64");
    assert_eq!(bytes.len() as u64, content.size, "the driver filled in the bytes");
    let chunk = (!bytes.is_empty()).then(|| ChunkHash::of(&bytes));
    ContentHash::of_chunks(chunk.as_ref())
}

/// The ids in a set, to tell which of a folder's contents live on.
type Ids = BTreeSet<ItemId>;
