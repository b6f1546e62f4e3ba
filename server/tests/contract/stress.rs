//! What a single writer cannot show: two nodes over one PostgreSQL, with Valkey there and away, under many
//! writers at once. Seeded, and bounded by what is done rather than by time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use shared::item::ItemState;
use shared::sync::{PullResponse, PushResponse};
use shared::{ItemId, OperationId};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::nodes::nodes;
use crate::support::{Client, Person};

/// People's devices that write at the same time, and pushes of each.
const WRITERS: u64 = 8;
const PUSHES: u64 = 12;
/// Each round's seed, and whether Valkey is there.
const ROUNDS: [(u64, bool); 2] = [(1, true), (2, false)];
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
    async fn pull_all(&self, mut token: Option<String>, seen: &mut BTreeMap<ItemId, ItemState>) -> String {
        for turn in 0.. {
            let page = self.pull(turn % 2, token.as_deref()).await;
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
