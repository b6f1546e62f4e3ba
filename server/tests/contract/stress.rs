//! What a single writer cannot show: two nodes over one PostgreSQL, with Valkey there and away, under many
//! writers at once. Seeded, and bounded by what is done rather than by time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shared::item::ItemState;
use shared::sync::{ConflictList, PullResponse, PushResponse};
use shared::upload::VersionList;
use shared::{ChunkHash, ContentHash, FileItem, ItemId, ItemKind, OperationId};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::nodes::nodes;
use crate::support::{Client, Person};

/// People's devices that write at the same time, and pushes of each.
const WRITERS: u64 = 8;
const PUSHES: u64 = 12;
/// Each round's seed, and whether Valkey is there.
const ROUNDS: [(u64, bool); 2] = [(1, true), (2, false)];
/// People's devices that work on the same files, and acts of each.
const WORKERS: u64 = 6;
const ACTS: u64 = 20;
/// Devices that page through the feed meanwhile, in pages of so many entries.
const READERS: usize = 2;
const PAGE: usize = 3;

/// SplitMix64, as the simulation has it.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

fn id() -> Uuid {
    server::clock::Env::system().id()
}

/// One account's device, and the nodes that it may ask.
struct Device {
    person: Person,
    nodes: [Client; 2],
}

impl Device {
    async fn push(&self, node: usize, changes: &[Value]) -> PushResponse {
        let body = json!({"deviceId": self.person.device_id, "lastSyncToken": null, "changes": changes});
        self.nodes[node].post("/sync/push", &body).await.expect(200).json()
    }

    async fn pull(&self, node: usize, since: Option<&str>) -> PullResponse {
        let since = since.map(|token| format!("&since={token}")).unwrap_or_default();
        self.nodes[node].get(&format!("/sync/pull?limit={PAGE}{since}")).await.expect(200).json()
    }

    /// Everything after the token, page by page, from either node in turn; and where that leads.
    async fn pull_all(&self, token: Option<String>, seen: &mut BTreeMap<ItemId, ItemState>) -> String {
        self.pull_from(&[0, 1], token, seen).await
    }

    /// As [`Self::pull_all`], from these nodes in turn.
    async fn pull_from(
        &self,
        nodes: &[usize],
        mut token: Option<String>,
        seen: &mut BTreeMap<ItemId, ItemState>,
    ) -> String {
        for turn in 0.. {
            let page = self.pull(nodes[turn % nodes.len()], token.as_deref()).await;
            seen.extend(page.changes.into_iter().map(|state| (state.id(), state)));
            token = Some(page.sync_token);
            if !page.has_more {
                break;
            }
        }
        token.expect("a token")
    }
}

fn create(person: &Person, text: &str) -> Value {
    json!({
        "operationId": OperationId(id()), "fileId": ItemId(id()), "baseVersion": {}, "kind": "create",
        "parentId": person.root_id, "name": format!("{text}.bin"), "size": text.len(),
        "data": BASE64_STANDARD.encode(text),
    })
}

/// Pushes files, each push to any node and some twice, at the same time to both; what was acknowledged.
async fn write(device: Arc<Device>, writer: u64, seed: u64) -> BTreeSet<ItemId> {
    let mut chance = Chance(seed << 32 | writer);
    let mut acknowledged = BTreeSet::new();
    for push in 0..PUSHES {
        let count = 1 + chance.below(3);
        let changes: Vec<Value> =
            (0..count).map(|n| create(&device.person, &format!("{seed} {writer} {push} {n}"))).collect();
        let node = chance.below(2) as usize;
        let answers = if chance.below(3) == 0 {
            let (one, other) = tokio::join!(device.push(0, &changes), device.push(1, &changes));
            let told = |answer: &PushResponse| -> Vec<_> {
                answer.applied.iter().map(|a| (a.operation_id, a.item.id(), a.outcome)).collect()
            };
            assert_eq!(told(&one), told(&other), "both nodes give one answer");
            one
        } else {
            device.push(node, &changes).await
        };
        assert_eq!(answers.applied.len() as u64, count, "{:?}", answers.errors);
        let ids: BTreeSet<ItemId> = answers.applied.iter().map(|applied| applied.item.id()).collect();
        // What was acknowledged by one node the other has.
        let other = 1 - node;
        for item in &ids {
            device.nodes[other].get(&format!("/files/{item}/download")).await.expect(200);
        }
        acknowledged.extend(ids);
    }
    acknowledged
}

/// Follows the feed while others write: never back to what is behind the token, and nothing is missed.
async fn follow(device: Arc<Device>, mut until: tokio::sync::watch::Receiver<bool>) -> BTreeSet<ItemId> {
    let mut seen = BTreeMap::new();
    let mut token = None;
    loop {
        let last = *until.borrow_and_update();
        token = Some(device.pull_all(token, &mut seen).await);
        if last {
            return seen.into_keys().collect();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_miss_nothing_and_answer_alike_under_many_writers() {
    let Some(mut nodes) = nodes().await else { return };
    nodes.first.person("ann").await;
    for (seed, with_valkey) in ROUNDS {
        if !with_valkey {
            nodes.valkey.cut().await;
        }
        let mut devices = Vec::new();
        for _ in 0..WRITERS as usize + READERS {
            let person = nodes.first.sign_in("ann").await;
            let both = [person.at(&nodes.first), person.at(&nodes.second)];
            devices.push(Arc::new(Device { person, nodes: both }));
        }
        let (done, until) = tokio::sync::watch::channel(false);
        let mut readers = JoinSet::new();
        for device in devices.drain(..READERS) {
            readers.spawn(follow(device, until.clone()));
        }
        let mut writers = JoinSet::new();
        for (writer, device) in (0..).zip(devices) {
            writers.spawn(write(device, writer, seed));
        }
        let acknowledged: BTreeSet<ItemId> = writers.join_all().await.into_iter().flatten().collect();
        done.send_replace(true);
        for seen in readers.join_all().await {
            let missed: Vec<_> = acknowledged.difference(&seen).collect();
            assert!(missed.is_empty(), "seed {seed}: the feed left out {missed:?}");
        }
        nodes.first.expect_sound().await;
    }
}

/// What a push came to, as far as every later answer has to be the same.
type Told = Vec<(Option<OperationId>, String)>;

fn told(answer: &PushResponse) -> Told {
    let applied = answer.applied.iter();
    let applied = applied.map(|a| (Some(a.operation_id), format!("{} {:?}", a.item.id(), a.outcome)));
    let conflicts = answer.conflicts.iter().map(|c| (c.operation_id, c.id.to_string()));
    applied.chain(conflicts).collect()
}

/// Somebody who works on the files that everyone works on.
struct Worker {
    device: Arc<Device>,
    chance: Chance,
    seed: u64,
    name: u64,
    token: Option<String>,
    seen: BTreeMap<ItemId, ItemState>,
    sent: Vec<(Value, Told)>,
    /// Contents that were acknowledged, and the file that each is of.
    written: Vec<(ItemId, ContentHash)>,
}

impl Worker {
    fn pick(&mut self, wanted: impl Fn(&FileItem) -> bool) -> Option<FileItem> {
        let items = self.seen.values().filter_map(ItemState::present).filter(|item| wanted(item));
        let items: Vec<&FileItem> = items.collect();
        let at = self.chance.below(items.len().max(1) as u64) as usize;
        items.get(at).map(|item| (*item).clone())
    }

    /// The next thing that the person does, on what they see.
    fn act(&mut self, turn: u64) -> Value {
        let text = format!("{} {} {turn}", self.seed, self.name);
        let new_name = format!("{}.bin", self.chance.below(4));
        let kind = self.chance.below(6);
        let item = match kind {
            0 => None,
            1 | 2 => self.pick(|item| item.kind == ItemKind::File && !item.is_deleted),
            3 | 4 => self.pick(|item| !item.is_deleted),
            _ => self.pick(|item| item.deleted_at.is_some()),
        };
        let Some(item) = item else {
            let parent = self.pick(|item| item.kind == ItemKind::Folder && !item.is_deleted);
            let mut create = create(&self.device.person, &text);
            create["name"] = json!(new_name);
            if let Some(parent) = parent {
                create["parentId"] = json!(parent.id);
            }
            return create;
        };
        let mut change =
            json!({"operationId": OperationId(id()), "fileId": item.id, "baseVersion": item.version});
        let more = match kind {
            1 | 2 => json!({"kind": "content", "size": text.len(), "data": BASE64_STANDARD.encode(&text)}),
            3 if item.kind == ItemKind::File => {
                let into = self.pick(|item| item.kind == ItemKind::Folder && !item.is_deleted);
                let parent = into.map_or(self.device.person.root_id, |folder| folder.id);
                json!({"kind": "move", "name": new_name, "parentId": parent})
            }
            3 | 4 => json!({"kind": "delete", "seenToken": self.token}),
            _ => json!({"kind": "restore"}),
        };
        if let (Some(change), Value::Object(more)) = (change.as_object_mut(), more) {
            change.extend(more);
        }
        change
    }

    /// Acts, has it answered by one node or both, and finds it at the other.
    async fn work(mut self) -> Self {
        for turn in 0..ACTS {
            let change = self.act(turn);
            let here = self.chance.below(2) as usize;
            let changes = std::slice::from_ref(&change);
            let answer = if self.chance.below(3) == 0 {
                let (one, other) = tokio::join!(self.device.push(0, changes), self.device.push(1, changes));
                assert_eq!(told(&one), told(&other), "seed {}: both nodes give one answer", self.seed);
                one
            } else {
                self.device.push(here, changes).await
            };
            assert!(answer.errors.is_empty(), "seed {}: {change}: {:?}", self.seed, answer.errors);
            self.find(&answer, 1 - here).await;
            if let Some(data) = change["data"].as_str() {
                let bytes = BASE64_STANDARD.decode(data).expect("base64");
                let content = ContentHash::of_chunks([&ChunkHash::of(&bytes)]);
                let item = answer.applied.first().map(|applied| applied.item.id());
                self.written.push((item.unwrap_or_else(|| answer.conflicts[0].file_id), content));
            }
            self.sent.push((change, told(&answer)));
            let (again, first) = &self.sent[self.chance.below(self.sent.len() as u64) as usize];
            let node = self.chance.below(2) as usize;
            let answer = self.device.push(node, std::slice::from_ref(again)).await;
            assert_eq!(told(&answer), *first, "seed {}: {again} is answered alike ever after", self.seed);
        }
        self
    }

    /// What one node acknowledged the other shows at once.
    async fn find(&mut self, answer: &PushResponse, node: usize) {
        let device = Arc::clone(&self.device);
        self.token = Some(device.pull_from(&[node], self.token.take(), &mut self.seen).await);
        for applied in &answer.applied {
            let id = applied.item.id();
            let known = self.seen.get(&id).and_then(ItemState::present);
            let shown = known.is_some_and(|known| {
                let written = applied.item.present().expect("nothing is removed for good");
                written.version.iter().all(|dot| known.version.covers(dot))
            });
            assert!(
                shown,
                "seed {}: {applied:?} was acknowledged; the other node shows {known:?}",
                self.seed
            );
        }
        if let Some(conflict) = answer.conflicts.first() {
            let listed: ConflictList = device.nodes[node].get("/conflicts").await.expect(200).json();
            let shown = listed.conflicts.iter().any(|open| open.id == conflict.id);
            assert!(shown, "seed {}: {conflict:?} is not listed by the other node", self.seed);
        }
    }
}

/// Everything as a device that begins now sees it.
async fn everything(device: &Device, node: usize) -> BTreeMap<ItemId, ItemState> {
    let mut seen = BTreeMap::new();
    device.pull_from(&[node], None, &mut seen).await;
    seen
}

/// Follows the feed while others write, as [`follow`]; what it knows then.
async fn follow_states(
    device: Arc<Device>,
    mut until: tokio::sync::watch::Receiver<bool>,
) -> BTreeMap<ItemId, ItemState> {
    let mut seen = BTreeMap::new();
    let mut token = None;
    loop {
        let last = *until.borrow_and_update();
        token = Some(device.pull_all(token, &mut seen).await);
        if last {
            return seen;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_agree_about_edits_moves_deletes_and_conflicts() {
    let Some(mut nodes) = nodes().await else { return };
    nodes.first.person("ann").await;
    let chosen = id().as_u128() as u64;
    eprintln!("seeds 1, 2 and {chosen}");
    for (seed, with_valkey) in [(1, true), (chosen, true), (2, false)] {
        if !with_valkey {
            nodes.valkey.cut().await;
        }
        let mut devices = Vec::new();
        for _ in 0..=WORKERS as usize {
            let person = nodes.first.sign_in("ann").await;
            let both = [person.at(&nodes.first), person.at(&nodes.second)];
            devices.push(Arc::new(Device { person, nodes: both }));
        }
        let reader = devices.pop().expect("a device");
        let root = reader.person.root_id;
        let folder = json!({
            "operationId": OperationId(id()), "fileId": ItemId(id()), "baseVersion": {},
            "kind": "createFolder", "parentId": root, "name": "Shared",
        });
        reader.push(0, &[folder, create(&reader.person, &format!("{seed} first"))]).await;
        let (done, until) = tokio::sync::watch::channel(false);
        let following = tokio::spawn(follow_states(Arc::clone(&reader), until));
        let mut workers = JoinSet::new();
        for (name, device) in (0..).zip(devices) {
            let chance = Chance(seed << 32 | name);
            let (token, seen, sent, written) = (None, BTreeMap::new(), Vec::new(), Vec::new());
            workers.spawn(Worker { device, chance, seed, name, token, seen, sent, written }.work());
        }
        let written: Vec<_> =
            workers.join_all().await.into_iter().flat_map(|worker| worker.written).collect();
        done.send_replace(true);
        let followed = following.await.expect("the reader");
        let present = everything(&reader, 0).await;
        assert_eq!(present, everything(&reader, 1).await, "seed {seed}: both nodes show the same");
        for (id, state) in &present {
            assert_eq!(followed.get(id), Some(state), "seed {seed}: the feed told it otherwise");
        }
        // What lies in a deleted folder is not told of.
        let is_gone = |state: &ItemState| {
            state.present().is_none_or(|item| {
                item.is_deleted || item.parent_id != root && !present.contains_key(&item.parent_id)
            })
        };
        let surplus = followed.iter().find(|(id, state)| !present.contains_key(id) && !is_gone(state));
        assert_eq!(surplus, None, "seed {seed}: the feed did not tell that it is gone");
        let open: ConflictList = reader.nodes[0].get("/conflicts").await.expect(200).json();
        for (item, content) in written {
            let path = format!("/files/{item}/versions");
            let kept: VersionList = reader.nodes[1].get(&path).await.expect(200).json();
            let held = kept.versions.iter().any(|version| version.content_hash == content)
                || open.conflicts.iter().any(|conflict| conflict.local_content_hash == content);
            assert!(held, "seed {seed}: {content} of {item} was acknowledged and is lost");
        }
        nodes.first.expect_sound().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_goes_over_the_quota_when_both_nodes_fill_it_at_once() {
    /// Room for some of the files, of 100 bytes each.
    const QUOTA_BYTES: u64 = 2_050;
    let Some(nodes) = nodes().await else { return };
    let person = nodes.first.person("ann").await;
    let set = nodes.first.app.db.write::<_, server::db::DbError, _>(move |connection| {
        Box::pin(async move {
            let sql = "UPDATE accounts SET quota_bytes = $1";
            connection.execute(sql, server::values![QUOTA_BYTES]).await
        })
    });
    set.await.expect("the quota");
    let both = [person.at(&nodes.first), person.at(&nodes.second)];
    let device = Arc::new(Device { person, nodes: both });
    let mut pushes = JoinSet::new();
    for n in 0..40_usize {
        let device = Arc::clone(&device);
        pushes.spawn(async move {
            let change = create(&device.person, &format!("{n:0>100}"));
            device.push(n % 2, &[change]).await
        });
    }
    let answers = pushes.join_all().await;
    let taken = answers.iter().filter(|answer| answer.applied.len() == 1).count() as u64;
    let refused = answers.iter().flat_map(|answer| &answer.errors);
    for error in refused {
        assert_eq!(error.code, shared::ErrorCode::QuotaExceeded, "{}", error.message);
    }
    assert_eq!(taken, QUOTA_BYTES / 100, "as many files as there is room for, and not one more");
    nodes.first.expect_sound().await;
}
