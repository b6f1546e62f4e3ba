//! A zone as it will be: rows loaded when first asked for, the batch's changes on top, all written at once.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Range;

use shared::faults::Fault;
use shared::limits::TREE_DEPTH_MAX;
use shared::rules::Touched;
use shared::{ContentHash, DeviceId, Dot, ItemId, ItemName, Timestamp, VersionId};

use super::store::{Batch, ZoneStore};
use crate::db::DbError;
use crate::db::activity::ActivityRow;
use crate::db::audit::AuditEntry;
use crate::db::conflicts::ConflictRow;
use crate::db::items::{Deletion, ItemRow};
use crate::db::operations::OperationRow;
use crate::db::versions::VersionRow;
use crate::db::zones::Start;

/// The name's number is looked for among this many at a time, then twice as many.
const NUMBERS_AT_ONCE: u32 = 16;

/// Whether writing a row counts as putting or changing the item, which outlives others' deletes of a folder
/// around it, or only moves it in the feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Touch,
    Bump,
    /// Nothing that a client could see: no entry in the feed.
    Quiet,
}

pub struct Overlay<'s, S> {
    pub store: &'s mut S,
    pub root: ItemId,
    pub now: Timestamp,
    device: DeviceId,
    /// Position before the batch.
    pub counter: u64,
    /// New items count on from here.
    count_floor: u64,
    /// None: there is no such item.
    items: HashMap<ItemId, Option<ItemRow>>,
    /// Names as the database has them, of rows that gave them up.
    moved: BTreeSet<ItemId>,
    /// Rows that the database does not have yet.
    fresh: HashSet<ItemId>,
    names: HashMap<(ItemId, String), Option<ItemId>>,
    aliases: HashMap<ItemId, Option<ItemId>>,
    /// In the order in which they enter the feed.
    written: Vec<ItemId>,
    entered: HashSet<ItemId>,
    quiet: BTreeSet<ItemId>,
    touched: HashSet<ItemId>,
    /// What this batch took out of the trash, and by which delete it was there.
    risen: HashMap<ItemId, Deletion>,
    conflicts: BTreeMap<shared::ConflictId, (ConflictRow, bool)>,
    conflicts_loaded: HashSet<ItemId>,
    operations: HashMap<shared::OperationId, OperationRow>,
    versions: HashMap<VersionId, VersionRow>,
    versions_loaded: HashSet<ItemId>,
    batch: Batch,
}

impl<'s, S: ZoneStore> Overlay<'s, S> {
    /// Takes the zone's lock.
    pub async fn open(
        store: &'s mut S,
        root: ItemId,
        device: DeviceId,
        now: Timestamp,
    ) -> Result<Self, DbError> {
        let Start { counter, count_floor } = store.lock().await?;
        Ok(Self {
            store,
            root,
            now,
            device,
            counter,
            count_floor,
            items: HashMap::new(),
            moved: BTreeSet::new(),
            fresh: HashSet::new(),
            names: HashMap::new(),
            aliases: HashMap::new(),
            written: Vec::new(),
            entered: HashSet::new(),
            quiet: BTreeSet::new(),
            touched: HashSet::new(),
            risen: HashMap::new(),
            conflicts: BTreeMap::new(),
            conflicts_loaded: HashSet::new(),
            operations: HashMap::new(),
            versions: HashMap::new(),
            versions_loaded: HashSet::new(),
            batch: Batch { now, ..Batch::default() },
        })
    }

    // Items

    /// Loads the ids that are not loaded yet, aliases followed, with every folder that they are in.
    pub async fn prefetch(&mut self, ids: impl IntoIterator<Item = ItemId>) -> Result<(), DbError> {
        let wanted: BTreeSet<ItemId> = ids
            .into_iter()
            .filter(|id| *id != self.root && !self.items.contains_key(id) && !self.aliases.contains_key(id))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let wanted: Vec<ItemId> = wanted.into_iter().collect();
        let rows = self.store.items_with_ancestors(&wanted).await?;
        self.take_in(rows);
        let missing: Vec<ItemId> = wanted.into_iter().filter(|id| !self.items.contains_key(id)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let aliases = self.store.aliases(&missing).await?;
        let targets: Vec<ItemId> = aliases.iter().map(|&(_, target)| target).collect();
        for &id in &missing {
            self.aliases.insert(id, None);
            self.items.insert(id, None);
        }
        self.aliases.extend(aliases.into_iter().map(|(alias, target)| (alias, Some(target))));
        let unknown: Vec<ItemId> = targets.into_iter().filter(|id| !self.items.contains_key(id)).collect();
        if !unknown.is_empty() {
            let rows = self.store.items_with_ancestors(&unknown).await?;
            self.take_in(rows);
        }
        Ok(())
    }

    /// Rows of the database; what is known already is as new or newer.
    fn take_in(&mut self, rows: Vec<ItemRow>) {
        for row in rows {
            self.items.entry(row.id).or_insert(Some(row));
        }
    }

    /// The id that this one stands for.
    pub async fn resolve(&mut self, id: ItemId) -> Result<ItemId, DbError> {
        self.prefetch([id]).await?;
        Ok(self.aliases.get(&id).copied().flatten().unwrap_or(id))
    }

    /// The item, aliases followed; tombstones too.
    pub async fn item(&mut self, id: ItemId) -> Result<Option<ItemRow>, DbError> {
        let id = self.resolve(id).await?;
        self.prefetch([id]).await?;
        Ok(self.items.get(&id).cloned().flatten())
    }

    /// The item, then the folder that it is in, and so on; the root left out. Bounded, whatever the rows say.
    pub async fn chain(&mut self, id: ItemId) -> Result<Vec<ItemRow>, DbError> {
        let mut chain = Vec::new();
        let mut next = id;
        while next != self.root && chain.len() <= TREE_DEPTH_MAX {
            let Some(row) = self.item(next).await? else { break };
            next = row.parent_id;
            chain.push(row);
        }
        Ok(chain)
    }

    /// Whether it, or a folder that it is in, is in the trash.
    pub async fn is_deleted(&mut self, id: ItemId) -> Result<bool, DbError> {
        Ok(self.chain(id).await?.iter().any(|row| row.deleted.is_some()))
    }

    /// What is directly in the folders, in the trash or not.
    pub async fn children(&mut self, folders: &[ItemId]) -> Result<Vec<ItemRow>, DbError> {
        let known: Vec<ItemId> =
            folders.iter().copied().filter(|folder| !self.fresh.contains(folder)).collect();
        let rows = if known.is_empty() { Vec::new() } else { self.store.children(&known).await? };
        let mut ids: BTreeSet<ItemId> = rows.iter().map(|row| row.id).collect();
        ids.extend(self.written.iter().copied());
        self.take_in(rows);
        let parents: HashSet<ItemId> = folders.iter().copied().collect();
        let rows = ids.iter().filter_map(|id| self.items.get(id)?.as_ref());
        Ok(rows.filter(|row| parents.contains(&row.parent_id) && row.purged_at.is_none()).cloned().collect())
    }

    /// Everything below the item, parents first; `into` says which folders to enter. Bounded as [`Self::chain`] is.
    pub async fn descendants(
        &mut self,
        id: ItemId,
        into: impl Fn(&ItemRow) -> bool,
    ) -> Result<Vec<ItemRow>, DbError> {
        let mut all = Vec::new();
        let mut level = vec![id];
        for _ in 0..=TREE_DEPTH_MAX {
            if level.is_empty() {
                break;
            }
            let children = self.children(&level).await?;
            let entered: Vec<ItemRow> = children.into_iter().filter(&into).collect();
            level =
                entered.iter().filter(|row| row.kind == shared::ItemKind::Folder).map(|row| row.id).collect();
            all.extend(entered);
        }
        Ok(all)
    }

    /// A new item.
    pub fn add(&mut self, row: ItemRow) {
        self.fresh.insert(row.id);
        self.put(row, Write::Touch);
    }

    /// The item as it is from now on. It enters the feed.
    pub fn put(&mut self, mut row: ItemRow, write: Write) {
        row.vector.prune(&[row.content_dot, row.place_dot]);
        let id = row.id;
        if let Some(Some(old)) = self.items.get(&id)
            && old.holds_name()
            && (!row.holds_name() || old.parent_id != row.parent_id || old.name != row.name)
        {
            self.names.insert((old.parent_id, old.name_key()), None);
            if !self.fresh.contains(&id) {
                self.moved.insert(id);
            }
        }
        if row.holds_name() {
            self.names.insert((row.parent_id, row.name_key()), Some(id));
        }
        if let Some(Some(ItemRow { deleted: Some(deletion), .. })) = self.items.get(&id)
            && row.deleted.is_none()
            && row.purged_at.is_none()
        {
            self.risen.insert(id, *deletion);
        }
        self.items.insert(id, Some(row));
        if write == Write::Touch {
            self.touched.insert(id);
        }
        if write == Write::Quiet {
            self.quiet.insert(id);
        } else if self.entered.insert(id) {
            self.written.push(id);
        }
    }

    /// The topmost items of a delete, be it of this batch.
    pub async fn deleted_by(&mut self, deletion: Deletion) -> Result<BTreeSet<ItemId>, DbError> {
        let rows = self.store.deleted_by(deletion).await?;
        let mut ids: BTreeSet<ItemId> = rows.iter().map(|row| row.id).collect();
        self.take_in(rows);
        let here = |id: &&ItemId| {
            self.items.get(id).and_then(Option::as_ref).is_some_and(|row| row.deleted == Some(deletion))
        };
        ids.extend(self.written.iter().filter(here));
        Ok(ids)
    }

    /// The delete out of which this batch took an item.
    pub fn rose_from(&self, id: ItemId) -> Option<Deletion> {
        self.risen.get(&id).copied()
    }

    /// What this batch put or changed, in a fixed order.
    pub fn touched(&self) -> BTreeSet<ItemId> {
        self.touched.iter().copied().collect()
    }

    /// What this batch wrote into the feed, in a fixed order.
    pub fn entered(&self) -> BTreeSet<ItemId> {
        self.entered.iter().copied().collect()
    }

    /// The dot of an item that begins.
    pub fn first_dot(&self) -> Dot {
        Dot { device: self.device, count: self.count_floor + 1 }
    }

    /// Takes a count for an input and joins it to the item's vector.
    pub fn issue(&self, row: &mut ItemRow) -> Dot {
        let dot = self.issue_apart(row);
        row.vector.insert(dot);
        dot
    }

    /// Takes a count for an input that the item's vector does not know of: a conflict's.
    pub fn issue_apart(&self, row: &mut ItemRow) -> Dot {
        row.last_count += 1;
        Dot { device: self.device, count: row.last_count }
    }

    pub fn alias(&mut self, alias: ItemId, item: ItemId) {
        self.aliases.insert(alias, Some(item));
        self.batch.aliases.push((alias, item));
    }

    // Names

    /// Loads who holds these names.
    pub async fn prefetch_names(
        &mut self,
        wanted: BTreeMap<ItemId, BTreeSet<String>>,
    ) -> Result<(), DbError> {
        for (folder, keys) in wanted {
            self.load_names(folder, keys.into_iter().collect()).await?;
        }
        Ok(())
    }

    async fn load_names(&mut self, folder: ItemId, mut keys: Vec<String>) -> Result<(), DbError> {
        keys.retain(|key| !self.names.contains_key(&(folder, key.clone())));
        if keys.is_empty() || self.fresh.contains(&folder) {
            return Ok(());
        }
        let rows = self.store.holders(folder, &keys).await?;
        for key in keys {
            self.names.insert((folder, key), None);
        }
        for row in rows {
            // Who gave the name up in this batch said so in `names` before.
            self.names.insert((folder, row.name_key()), Some(row.id));
            self.take_in(vec![row]);
        }
        Ok(())
    }

    /// The live item that holds the name.
    pub async fn holder(&mut self, folder: ItemId, key: &str) -> Result<Option<ItemRow>, DbError> {
        self.load_names(folder, vec![key.to_owned()]).await?;
        match self.names.get(&(folder, key.to_owned())).copied().flatten() {
            Some(id) => self.item(id).await,
            None => Ok(None),
        }
    }

    /// The name, or the first `name (n).ext` that nobody but `who` holds.
    pub async fn free_name(
        &mut self,
        folder: ItemId,
        name: &ItemName,
        who: ItemId,
    ) -> Result<ItemName, DbError> {
        let taken = |names: &HashMap<_, Option<ItemId>>, key: &str| {
            names.get(&(folder, key.to_owned())).copied().flatten().is_some_and(|id| id != who)
        };
        let key = name.folded();
        self.load_names(folder, vec![key.as_str().to_owned()]).await?;
        if Fault::TakenNameIsGiven.is_planted() || !taken(&self.names, key.as_str()) {
            return Ok(name.clone());
        }
        let (mut next, mut count) = (2, NUMBERS_AT_ONCE);
        loop {
            let candidates: Vec<ItemName> = (next..next + count).map(|n| name.numbered(n)).collect();
            let keys = candidates.iter().map(|name| name.folded().as_str().to_owned()).collect();
            self.load_names(folder, keys).await?;
            if let Some(free) =
                candidates.into_iter().find(|name| !taken(&self.names, name.folded().as_str()))
            {
                return Ok(free);
            }
            next += count;
            count *= 2;
        }
    }

    // Photos

    /// Photos out of the trash with this content, then others of as many bytes: see [`ZoneStore::photos_of_size`].
    pub async fn photos_of_size(&mut self, size: u64, content: ContentHash) -> Result<Vec<ItemRow>, DbError> {
        let rows = self.store.photos_of_size(size, content).await?;
        self.take_in(rows);
        let all = self.items.values().flatten();
        let mut photos: Vec<ItemRow> =
            all.filter(|row| row.photo.is_some() && row.size == size && row.holds_name()).cloned().collect();
        photos.sort_unstable_by_key(|row| (row.content_hash != Some(content), row.id));
        Ok(photos)
    }

    /// Photos out of the trash of which a file says this: see [`ZoneStore::photos_of_identifier`].
    pub async fn photos_of_identifier(&mut self, identifier: &str) -> Result<Vec<ItemRow>, DbError> {
        let rows = self.store.photos_of_identifier(identifier).await?;
        self.take_in(rows);
        let all = self.items.values().flatten();
        let says = |row: &&ItemRow| row.content_identifier() == Some(identifier) && row.holds_name();
        let mut photos: Vec<ItemRow> = all.filter(says).cloned().collect();
        photos.sort_unstable_by_key(|row| row.id);
        Ok(photos)
    }

    // Versions

    /// All versions of the item.
    pub async fn versions_of(&mut self, item: ItemId) -> Result<Vec<VersionRow>, DbError> {
        if !self.fresh.contains(&item) && self.versions_loaded.insert(item) {
            for row in self.store.versions_of(&[item]).await? {
                self.versions.entry(row.id).or_insert(row);
            }
        }
        let mut rows: Vec<VersionRow> =
            self.versions.values().filter(|row| row.item_id == item).cloned().collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.dot.count));
        Ok(rows)
    }

    pub async fn version(&mut self, id: VersionId) -> Result<Option<VersionRow>, DbError> {
        if !self.versions.contains_key(&id) {
            for row in self.store.versions(&[id]).await? {
                self.versions.entry(row.id).or_insert(row);
            }
        }
        Ok(self.versions.get(&id).cloned())
    }

    pub fn add_version(&mut self, row: VersionRow) {
        self.versions.insert(row.id, row.clone());
        if row.was_current || !Fault::ConflictSideIsLost.is_planted() {
            self.batch.versions.push(row);
        }
    }

    /// Another content took its place, or what pinned it is settled.
    pub fn supersede(&mut self, id: VersionId) {
        if let Some(row) = self.batch.versions.iter_mut().find(|row| row.id == id) {
            row.superseded_at = Some(self.now);
            return;
        }
        self.batch.pinned.retain(|pinned| *pinned != id);
        self.batch.superseded.push(id);
    }

    /// An open conflict needs it.
    pub fn pin(&mut self, id: VersionId) {
        if let Some(row) = self.batch.versions.iter_mut().find(|row| row.id == id) {
            row.superseded_at = None;
            return;
        }
        self.batch.superseded.retain(|superseded| *superseded != id);
        self.batch.pinned.push(id);
    }

    /// Takes all contents of the items away.
    pub async fn drop_versions(&mut self, items: &[ItemId]) -> Result<(), DbError> {
        let mut contents: Vec<ContentHash> = Vec::new();
        let known: Vec<ItemId> = items.iter().copied().filter(|id| !self.fresh.contains(id)).collect();
        for row in self.store.versions_of(&known).await? {
            contents.push(row.content_hash);
            self.batch.dropped_versions.push(row.id);
        }
        let items: HashSet<ItemId> = items.iter().copied().collect();
        self.batch.versions.retain(|row| {
            let dropped = items.contains(&row.item_id);
            if dropped {
                contents.push(row.content_hash);
            }
            !dropped
        });
        self.versions.retain(|_, row| !items.contains(&row.item_id));
        if Fault::PurgeReleasesNothing.is_planted() {
            return Ok(());
        }
        self.store.release(contents).await
    }

    // Conflicts

    pub async fn prefetch_conflicts(
        &mut self,
        items: impl IntoIterator<Item = ItemId>,
    ) -> Result<(), DbError> {
        let wanted: BTreeSet<ItemId> = items
            .into_iter()
            .filter(|id| !self.conflicts_loaded.contains(id) && !self.fresh.contains(id))
            .collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let wanted: Vec<ItemId> = wanted.into_iter().collect();
        for row in self.store.open_conflicts(&wanted).await? {
            self.conflicts.entry(row.id).or_insert((row, false));
        }
        self.conflicts_loaded.extend(wanted);
        Ok(())
    }

    /// The item's open conflicts.
    pub async fn open_conflicts(&mut self, item: ItemId) -> Result<Vec<ConflictRow>, DbError> {
        self.prefetch_conflicts([item]).await?;
        let rows = self.conflicts.values().map(|(row, _)| row);
        Ok(rows.filter(|row| row.item_id == item && row.resolved_at.is_none()).cloned().collect())
    }

    /// All conflicts that the item has and had, as long as they are remembered.
    pub async fn conflicts_of(&mut self, item: ItemId) -> Result<Vec<ConflictRow>, DbError> {
        if !self.fresh.contains(&item) {
            for row in self.store.conflicts_of(item).await? {
                self.conflicts.entry(row.id).or_insert((row, false));
            }
        }
        let rows = self.conflicts.values().map(|(row, _)| row);
        Ok(rows.filter(|row| row.item_id == item).cloned().collect())
    }

    pub async fn conflict(&mut self, id: shared::ConflictId) -> Result<Option<ConflictRow>, DbError> {
        if !self.conflicts.contains_key(&id) {
            for row in self.store.conflicts(&[id]).await? {
                self.conflicts.insert(row.id, (row, false));
            }
        }
        Ok(self.conflicts.get(&id).map(|(row, _)| row.clone()))
    }

    pub fn put_conflict(&mut self, row: ConflictRow) {
        self.conflicts.insert(row.id, (row, true));
    }

    // Operations

    pub async fn prefetch_operations(
        &mut self,
        ids: impl IntoIterator<Item = shared::OperationId>,
    ) -> Result<(), DbError> {
        let ids: BTreeSet<_> = ids.into_iter().filter(|id| !self.operations.contains_key(id)).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let rows = self.store.operations(&ids).await?;
        self.operations.extend(rows.into_iter().map(|row| (row.id, row)));
        Ok(())
    }

    /// The operation, if it was answered for good; all that a batch names are prefetched.
    pub fn operation(&self, id: shared::OperationId) -> Option<&OperationRow> {
        self.operations.get(&id)
    }

    pub fn record(&mut self, row: OperationRow) {
        self.batch.operations.push(row.clone());
        self.operations.insert(row.id, row);
    }

    pub fn tell(&mut self, row: ActivityRow) {
        self.batch.activity.push(row);
    }

    pub fn audit(&mut self, entry: AuditEntry) {
        self.batch.audit.push(entry);
    }

    // The end

    /// Gives out feed positions, in the order in which items were first written, and writes everything.
    /// Answers the last position.
    pub async fn save(&mut self) -> Result<u64, DbError> {
        let mut batch = std::mem::take(&mut self.batch);
        let mut feed = self.counter;
        for id in &self.written {
            let Some(Some(row)) = self.items.get_mut(id) else { continue };
            feed += 1;
            row.feed = feed;
            row.fed_by = Some(self.device);
            if self.touched.contains(id) {
                row.touched = if self.fresh.contains(id) {
                    Touched::first(self.device, feed)
                } else {
                    row.touched.again(self.device, feed)
                };
            }
            batch.items.push(row.clone());
        }
        let quiet = self.quiet.iter().filter(|id| !self.entered.contains(id));
        batch.items.extend(quiet.filter_map(|id| self.items.get(id)?.clone()));
        batch.counter = (feed > self.counter).then_some(feed);
        batch.moved = self.moved.iter().copied().collect();
        batch.conflicts =
            self.conflicts.values().filter(|(_, written)| *written).map(|(row, _)| row.clone()).collect();
        self.store.save(batch).await?;
        Ok(feed)
    }

    /// The positions of the feed that the batch took.
    pub fn fed(&self) -> Range<u64> {
        self.counter + 1..self.counter + 1 + self.written.len() as u64
    }

    /// Everything that entered the feed.
    pub fn written(&self) -> &[ItemId] {
        &self.written
    }
}
