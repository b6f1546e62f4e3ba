//! Random devices, stale as they may be; afterwards everything adds up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use shared::item::ItemState;
use shared::sync::{PushResponse, Resolution};
use shared::{FileItem, ItemId, ItemKind};

use crate::device::{Device, content, delete, file, folder, fresh, into, present, purge, rename, restore};
use crate::support::TestServer;

/// Steps of one run, and runs.
const STEPS: usize = 120;
const SEEDS: u64 = 3;

/// A small generator (Marsaglia's xorshift64): the same seed, the same run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).unwrap()
    }
}

/// A device with what it was last given, tombstones left out.
struct Replica {
    device: Device,
    known: BTreeMap<ItemId, FileItem>,
}

impl Replica {
    async fn pull(&mut self) {
        for state in self.device.pull_by(7).await {
            match state {
                ItemState::Present(item) => drop(self.known.insert(item.id, item)),
                ItemState::Purged(tombstone) => drop(self.known.remove(&tombstone.id)),
            }
        }
    }

    fn change(&self, dice: &mut Dice) -> Value {
        let root = self.device.root();
        let items: Vec<&FileItem> = self.known.values().collect();
        let folders: Vec<ItemId> = std::iter::once(root)
            .chain(items.iter().filter(|item| item.kind == ItemKind::Folder).map(|item| item.id))
            .collect();
        let parent = folders[dice.roll(folders.len())];
        let name = ["a.txt", "B.bin", "c", "D"][dice.roll(4)];
        let data = ["one\ntwo\n", "one\n2\n", "1\ntwo\n", "x"][dice.roll(4)];
        if items.len() < 3 || dice.roll(4) == 0 {
            return if dice.roll(2) == 0 {
                folder(fresh(), parent, name)
            } else {
                file(fresh(), parent, name, data)
            };
        }
        let item = items[dice.roll(items.len())];
        let (id, base) = (item.id, &item.version);
        match dice.roll(7) {
            0 => rename(id, base, name),
            1 => into(id, base, parent),
            2 => delete(id, base, self.device.token.as_deref()),
            3 => restore(id, base),
            4 if dice.roll(3) == 0 => purge(id, base),
            _ => content(id, base, data),
        }
    }
}

#[tokio::test]
async fn after_any_history_everything_adds_up() {
    for server in TestServer::each().await {
        for seed in 1..=SEEDS {
            let name = format!("person{seed}");
            let mut replicas = vec![Replica {
                device: Device { person: server.person(&name).await, token: None },
                known: BTreeMap::new(),
            }];
            for _ in 0..2 {
                let device = Device { person: server.sign_in(&name).await, token: None };
                replicas.push(Replica { device, known: BTreeMap::new() });
            }
            run(&mut replicas, Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))).await;
            let mut connection = server.app.db.reader().await.unwrap();
            let wrong = server::db::recount::recount(&mut connection).await.unwrap();
            assert!(wrong.is_empty(), "seed {seed}: {wrong:?}");
            converged(&server, &name, &mut replicas, seed).await;
        }
    }
}

async fn run(replicas: &mut [Replica], mut dice: Dice) {
    for _ in 0..STEPS {
        let replica = &mut replicas[dice.roll(3)];
        if dice.roll(4) == 0 {
            replica.pull().await;
        }
        let changes: Vec<Value> = (0..=dice.roll(4)).map(|_| replica.change(&mut dice)).collect();
        let answer: PushResponse = replica.device.push_raw(&changes).await.expect(200).json();
        let answered = answer.applied.len() + answer.conflicts.len() + answer.errors.len();
        assert_eq!(answered, changes.len(), "{answer:?}");
        if let Some(conflict) = answer.conflicts.first().filter(|_| dice.roll(2) == 0) {
            let sides = [Resolution::Local, Resolution::Server, Resolution::Both];
            replica.device.resolve_raw(conflict, sides[dice.roll(3)]).await;
        }
    }
}

/// Every device has what a new one is given; names are unique, folders are there.
async fn converged(server: &TestServer, name: &str, replicas: &mut [Replica], seed: u64) {
    let mut fresh_look = Device { person: server.sign_in(name).await, token: None };
    let alive: BTreeMap<ItemId, FileItem> =
        fresh_look.pull().await.iter().map(|state| (state.id(), present(state).clone())).collect();
    for replica in replicas {
        replica.pull().await;
        let known: BTreeMap<ItemId, FileItem> = replica.known.clone();
        // What lies in a deleted folder is deleted, though only the folder entered the feed.
        let lives = |item: &FileItem| {
            let mut at = Some(item);
            while let Some(item) = at {
                if item.deleted_at.is_some() {
                    return false;
                }
                if item.parent_id == replica.device.root() {
                    return true;
                }
                at = known.get(&item.parent_id);
            }
            false
        };
        let tree: BTreeMap<ItemId, &FileItem> =
            known.values().filter(|item| lives(item)).map(|item| (item.id, item)).collect();
        assert_eq!(
            tree.keys().collect::<Vec<_>>(),
            alive.keys().collect::<Vec<_>>(),
            "seed {seed}: {tree:#?} {alive:#?}"
        );
        for (id, item) in tree {
            let there = &alive[&id];
            let view = |item: &FileItem| {
                (item.parent_id, item.name.clone(), item.content_hash, item.version.clone())
            };
            assert_eq!(view(item), view(there), "seed {seed}");
        }
    }
    let mut names = BTreeSet::new();
    for item in alive.values() {
        assert!(names.insert((item.parent_id, item.name.to_lowercase())), "seed {seed}: {item:?}");
        assert!(item.parent_id == fresh_look.root() || alive.contains_key(&item.parent_id));
    }
}
