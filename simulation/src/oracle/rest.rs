//! What must hold of the whole database: at rest, and after every crash.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use shared::{ChunkHash, ContentHash, ItemId, ItemKind};

use super::{Invariant, Oracle};
use crate::database::Database;

/// Names as people tell them apart, in a way of the oracle's own.
fn folded(name: &str) -> String {
    name.to_lowercase().replace('ß', "ss").replace("e\u{301}", "é")
}

impl Oracle {
    pub fn rested(&mut self, database: &Database, library: &BTreeMap<ContentHash, Bytes>, bytes: bool) {
        self.all_kept(database, library, bytes);
        self.tree_shape(database);
        self.references(database);
    }

    /// Everything that was acknowledged can be had, byte for byte.
    fn all_kept(&mut self, database: &Database, library: &BTreeMap<ContentHash, Bytes>, bytes: bool) {
        let held: BTreeSet<(ItemId, ContentHash)> = database
            .versions
            .values()
            .map(|version| (version.item_id, self.form(version.content_hash)))
            .collect();
        let acknowledged: Vec<_> = self.memory.acknowledged.iter().map(|(id, input)| (*id, *input)).collect();
        for (operation, (item, content)) in acknowledged {
            let id = database.resolve(item);
            let purged = database.items.get(&id).is_none_or(|row| row.purged_at.is_some());
            if purged && (self.memory.purged.contains_key(&id) || self.memory.purged.contains_key(&item)) {
                continue;
            }
            let form = self.form(content);
            let kept = held.contains(&(id, form)) || self.memory.expired.contains(&(id, form));
            self.check(Invariant::Durable, kept, || {
                format!("{operation} was acknowledged; its content is lost")
            });
        }
        if !bytes {
            return;
        }
        for version in database.versions.values() {
            let content = version.content_hash;
            let held = database.account.bytes(content);
            self.check(Invariant::Durable, held.is_some(), || {
                format!("the bytes of {content} are not there")
            });
            let written = library.get(&content);
            let same = held.is_none() || written.is_none_or(|written| held.as_ref() == Some(written));
            self.check(Invariant::ContentAddress, same, || format!("the bytes of {content} are others"));
        }
        for (hash, chunk) in &database.account.chunks {
            let right = ChunkHash::of(&chunk.bytes) == *hash && chunk.bytes.len() == chunk.size as usize;
            self.check(Invariant::ContentAddress, right, || format!("{hash} holds something else"));
        }
    }

    /// No circle, no orphan, one live holder of a name.
    fn tree_shape(&mut self, database: &Database) {
        let roots = database.zones().map(|zone| zone.root);
        let mut holders: BTreeMap<(ItemId, String), ItemId> = BTreeMap::new();
        for row in database.items.values().filter(|row| row.purged_at.is_none()) {
            let above: Vec<_> = database.chain(row.id).collect();
            let ends = above.len() <= database.items.len()
                && above.last().is_some_and(|top| roots.contains(&top.parent_id));
            self.check(Invariant::TreeShape, ends, || format!("{} hangs on nothing, or in a circle", row.id));
            let in_folders =
                above[1..].iter().all(|above| above.kind == ItemKind::Folder && above.purged_at.is_none());
            self.check(Invariant::TreeShape, in_folders, || {
                format!("{} is in something that is no folder", row.id)
            });
            let is_flat = row.photo.is_none() || row.parent_id == database.photos.root;
            self.check(Invariant::TreeShape, is_flat, || format!("{} lies in an album", row.id));
            if row.holds_name()
                && let Some(other) = holders.insert((row.parent_id, folded(&row.name)), row.id)
            {
                self.fail(Invariant::TreeShape, || {
                    format!("{other} and {} are both called {}", row.id, row.name)
                });
            }
        }
    }

    /// Counts equal a recount.
    fn references(&mut self, database: &Database) {
        let account = &database.account;
        let mut contents: BTreeMap<ContentHash, u64> = BTreeMap::new();
        database
            .versions
            .values()
            .for_each(|version| *contents.entry(version.content_hash).or_default() += 1);
        let mut chunks: BTreeMap<ChunkHash, u64> = BTreeMap::new();
        for (content, kept) in &account.manifests {
            let counted = contents.remove(content).unwrap_or(0);
            self.check(Invariant::References, kept.refs == counted, || {
                format!("{content}: {} references, {counted} versions", kept.refs)
            });
            kept.manifest.chunks().iter().for_each(|chunk| *chunks.entry(chunk.hash).or_default() += 1);
        }
        for version in database.versions.values() {
            let gone = database.items.get(&version.item_id).is_none_or(|row| row.purged_at.is_some());
            self.check(Invariant::References, !gone, || {
                format!("{} was removed and takes room", version.item_id)
            });
        }
        self.check(Invariant::References, contents.is_empty(), || format!("no manifest of {contents:?}"));
        let (mut used, mut staged) = (0, 0);
        for (hash, chunk) in &account.chunks {
            let counted = chunks.remove(hash).unwrap_or(0);
            self.check(Invariant::References, chunk.refs == counted, || {
                format!("chunk {hash}: {} references, {counted} counted", chunk.refs)
            });
            *if chunk.refs > 0 { &mut used } else { &mut staged } += u64::from(chunk.size);
        }
        self.check(Invariant::References, chunks.is_empty(), || format!("chunks are not there: {chunks:?}"));
        let right = (used, staged) == (account.used_bytes, account.staged_bytes);
        self.check(Invariant::Quota, right, || {
            format!(
                "{used} bytes used and {staged} staged, kept as {} and {}",
                account.used_bytes, account.staged_bytes
            )
        });
    }

    /// restore(delete(x)) = x, with all below it and all its versions.
    pub fn inverse(&mut self, before: &Database, after: &Database, id: ItemId, deleted: bool) {
        self.check(Invariant::Inverse, deleted, || format!("a delete of {id} had no effect"));
        let shape = |database: &Database| -> BTreeMap<ItemId, _> {
            let within =
                |row: ItemId| database.chain(row).any(|above| above.id == id) && database.is_live(row);
            let rows = database.items.values().filter(|row| within(row.id));
            rows.map(|row| {
                let versions: BTreeSet<_> =
                    database.versions.values().filter(|v| v.item_id == row.id).map(|v| v.id).collect();
                let place = (row.parent_id, row.name.clone());
                (row.id, (place, row.content_hash, row.modified_at, row.photo.clone(), versions))
            })
            .collect()
        };
        let (then, now) = (shape(before), shape(after));
        self.check(Invariant::Inverse, then == now, || {
            format!("{then:?} came back from the trash as {now:?}")
        });
    }
}
