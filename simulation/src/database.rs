//! The server's database, in memory: one person's zones. What stands here survives the server's crashes.
//! Rows are shared, so that a copy (a transaction, a backup, what the oracle saw before) costs little.

use std::collections::BTreeMap;
use std::sync::Arc;

use server::blobs::StagedChunk;
use server::db::DbError;
use server::db::conflicts::ConflictRow;
use server::db::items::{Deletion, ItemRow};
use server::db::manifests::Refused;
use server::db::operations::OperationRow;
use server::db::photos::{OF_IDENTIFIER_MAX, OF_SIZE_MAX};
use server::db::versions::VersionRow;
use server::db::zones::{Position, Start};
use server::jobs::steady::Steady;
use server::ops::pull::Feeds;
use server::ops::push::{Batch, ZoneStore};
use shared::content::Manifest;
use shared::faults::Fault;
use shared::sync::{DeviceHolder, ZoneKind};
use shared::upload::InitUpload;
use shared::{
    ChunkHash, ChunkRef, ConflictId, ContentHash, DeviceId, ItemId, OperationId, Timestamp, VersionId, ZoneId,
};
use uuid::Uuid;

use crate::account::{Account, Named};

/// An upload under way.
#[derive(Clone, Debug)]
pub struct UploadSession {
    pub device: DeviceId,
    pub zone: ZoneId,
    pub file_id: ItemId,
    pub request: InitUpload,
    pub payload_hash: [u8; 32],
    pub planned: Vec<(ChunkRef, bool)>,
    pub expires_at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct Alias {
    pub item: ItemId,
    pub created_at: Timestamp,
}

/// One of the person's zones, and its feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zone {
    pub id: ZoneId,
    pub root: ItemId,
    /// The last feed position given out.
    pub counter: u64,
    pub tombstone_floor: u64,
    /// The highest count of an item that was forgotten.
    pub count_floor: u64,
}

impl Zone {
    /// A zone in which nothing happened.
    pub fn new(id: ZoneId, root: ItemId) -> Self {
        Self { id, root, counter: 0, tombstone_floor: 0, count_floor: 0 }
    }

    pub fn position(&self) -> Position {
        Position { counter: self.counter, tombstone_floor: self.tombstone_floor }
    }
}

#[derive(Clone, Debug)]
pub struct Database {
    pub epoch: Uuid,
    pub files: Zone,
    pub photos: Zone,
    /// Of both zones: no two share an id.
    pub items: BTreeMap<ItemId, Arc<ItemRow>>,
    pub versions: BTreeMap<VersionId, Arc<VersionRow>>,
    pub conflicts: BTreeMap<ConflictId, Arc<ConflictRow>>,
    pub operations: BTreeMap<OperationId, Arc<OperationRow>>,
    pub aliases: BTreeMap<ItemId, Alias>,
    pub account: Account,
    pub uploads: BTreeMap<OperationId, Arc<UploadSession>>,
    /// The person's devices that were not removed, and whether each is signed in.
    pub devices: BTreeMap<DeviceId, bool>,
    pub clock: Steady,
}

impl Database {
    pub fn new((files, photos): (Zone, Zone), epoch: Uuid, quota_bytes: u64, now: Timestamp) -> Self {
        Self {
            epoch,
            files,
            photos,
            items: BTreeMap::new(),
            versions: BTreeMap::new(),
            conflicts: BTreeMap::new(),
            operations: BTreeMap::new(),
            aliases: BTreeMap::new(),
            account: Account { quota_bytes, ..Account::default() },
            uploads: BTreeMap::new(),
            devices: BTreeMap::new(),
            clock: Steady::new(now),
        }
    }

    /// The item that the id stands for.
    pub fn resolve(&self, id: ItemId) -> ItemId {
        if self.items.contains_key(&id) {
            return id;
        }
        self.aliases.get(&id).map_or(id, |alias| alias.item)
    }

    /// The item, the folder that it is in, and so on. Bounded, whatever the rows say.
    pub fn chain(&self, id: ItemId) -> impl Iterator<Item = &ItemRow> {
        std::iter::successors(self.items.get(&id), |row| self.items.get(&row.parent_id))
            .map(|row| &**row)
            .take(self.items.len() + 1)
    }

    /// Neither it nor a folder that it is in is in the trash or purged.
    pub fn is_live(&self, id: ItemId) -> bool {
        self.items.contains_key(&id) && self.chain(id).all(ItemRow::holds_name)
    }

    /// The files, then the photos.
    pub fn zones(&self) -> [&Zone; 2] {
        [&self.files, &self.photos]
    }

    pub fn zone(&self, kind: ZoneKind) -> &Zone {
        if kind == ZoneKind::Photos { &self.photos } else { &self.files }
    }

    fn zone_mut(&mut self, kind: ZoneKind) -> &mut Zone {
        if kind == ZoneKind::Photos { &mut self.photos } else { &mut self.files }
    }

    /// Whatever is in the library lies in its top folder.
    pub fn kind_of(&self, row: &ItemRow) -> ZoneKind {
        if row.parent_id == self.photos.root { ZoneKind::Photos } else { ZoneKind::Files }
    }

    /// The zone that the row is of.
    pub fn zone_of(&self, row: &ItemRow) -> &Zone {
        self.zone(self.kind_of(row))
    }

    /// How many entries both feeds had.
    pub fn entries(&self) -> u64 {
        self.zones().iter().map(|zone| zone.counter).sum()
    }

    /// In which zone the id is an item, an alias or the top folder.
    pub fn locate(&self, id: ItemId) -> Option<&Zone> {
        let of_item = || Some(self.zone_of(self.items.get(&self.resolve(id))?));
        self.zones().into_iter().find(|zone| zone.root == id).or_else(of_item)
    }

    fn rows<'a>(&'a self, wanted: impl Fn(&ItemRow) -> bool + 'a) -> Vec<ItemRow> {
        self.items.values().filter(|row| wanted(row)).map(|row| (**row).clone()).collect()
    }

    fn closed(&self, kind: ZoneKind, ids: &[ItemId]) -> Vec<ItemRow> {
        let mut all = BTreeMap::new();
        for &id in ids {
            for row in self.chain(id).filter(|row| self.kind_of(row) == kind) {
                if all.insert(row.id, row).is_some() {
                    break;
                }
            }
        }
        all.into_values().cloned().collect()
    }
}

/// One write to a zone: dropped without [`Write::commit`], nothing happened.
pub struct Write {
    pub next: Database,
    kind: ZoneKind,
    named: Named,
    named_any: bool,
}

impl Write {
    pub fn begin(database: &Database, kind: ZoneKind) -> Self {
        Self { next: database.clone(), kind, named: Named::default(), named_any: false }
    }

    fn rows(&self, wanted: impl Fn(&ItemRow) -> bool) -> Vec<ItemRow> {
        self.next.rows(|row| self.next.kind_of(row) == self.kind && wanted(row))
    }

    pub fn commit(self) -> Database {
        self.next
    }
}

type Loaded<T> = Result<Vec<T>, DbError>;

impl ZoneStore for Write {
    async fn lock(&mut self) -> Result<Start, DbError> {
        let Zone { counter, count_floor, .. } = *self.next.zone(self.kind);
        Ok(Start { counter, count_floor })
    }

    async fn items_with_ancestors(&mut self, ids: &[ItemId]) -> Loaded<ItemRow> {
        Ok(self.next.closed(self.kind, ids))
    }

    async fn children(&mut self, folders: &[ItemId]) -> Loaded<ItemRow> {
        Ok(self.rows(|row| row.purged_at.is_none() && folders.contains(&row.parent_id)))
    }

    async fn holders(&mut self, folder: ItemId, keys: &[String]) -> Loaded<ItemRow> {
        Ok(self.rows(|row| row.holds_name() && row.parent_id == folder && keys.contains(&row.name_key())))
    }

    async fn photos_of_size(&mut self, size: u64, content: ContentHash) -> Loaded<ItemRow> {
        let of_size = |row: &ItemRow| row.photo.is_some() && row.size == size && row.holds_name();
        let mut photos = self.rows(of_size);
        photos.sort_by_key(|row| (row.content_hash, row.id));
        let equal = photos.iter().filter(|row| row.content_hash == Some(content)).take(OF_SIZE_MAX);
        let ids: Vec<ItemId> = equal.chain(photos.iter().take(OF_SIZE_MAX)).map(|row| row.id).collect();
        Ok(self.next.closed(self.kind, &ids))
    }

    async fn photos_of_identifier(&mut self, identifier: &str) -> Loaded<ItemRow> {
        let says = |row: &ItemRow| row.content_identifier() == Some(identifier) && row.holds_name();
        let photos = self.rows(says);
        let ids: Vec<ItemId> = photos.iter().take(OF_IDENTIFIER_MAX).map(|row| row.id).collect();
        Ok(self.next.closed(self.kind, &ids))
    }

    async fn deleted_by(&mut self, delete: Deletion) -> Loaded<ItemRow> {
        Ok(self.rows(|row| row.deleted == Some(delete) && row.purged_at.is_none()))
    }

    async fn touched_after(&mut self, deleter: DeviceId, seen: u64) -> Loaded<ItemRow> {
        let outlives =
            |row: &ItemRow| row.feed > seen && row.holds_name() && row.touched.outlives_delete(deleter, seen);
        let mut rows = self.rows(outlives);
        rows.sort_by_key(|row| row.feed);
        Ok(rows)
    }

    async fn aliases(&mut self, ids: &[ItemId]) -> Loaded<(ItemId, ItemId)> {
        let here =
            |item: &ItemId| self.next.items.get(item).is_some_and(|row| self.next.kind_of(row) == self.kind);
        let aliases = ids.iter().filter_map(|id| Some((*id, self.next.aliases.get(id)?.item)));
        Ok(aliases.filter(|(_, item)| here(item)).collect())
    }

    async fn operations(&mut self, ids: &[OperationId]) -> Loaded<OperationRow> {
        Ok(ids.iter().filter_map(|id| self.next.operations.get(id)).map(|row| (**row).clone()).collect())
    }

    async fn versions_of(&mut self, items: &[ItemId]) -> Loaded<VersionRow> {
        let rows = self.next.versions.values().filter(|row| items.contains(&row.item_id));
        let mut rows: Vec<VersionRow> = rows.map(|row| (**row).clone()).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.dot.count));
        Ok(rows)
    }

    async fn versions(&mut self, ids: &[VersionId]) -> Loaded<VersionRow> {
        Ok(ids.iter().filter_map(|id| self.next.versions.get(id)).map(|row| (**row).clone()).collect())
    }

    async fn open_conflicts(&mut self, items: &[ItemId]) -> Loaded<ConflictRow> {
        let open = |row: &&Arc<ConflictRow>| row.resolved_at.is_none() && items.contains(&row.item_id);
        let mut rows: Vec<ConflictRow> =
            self.next.conflicts.values().filter(open).map(|row| (**row).clone()).collect();
        rows.sort_by_key(|row| (row.created_at, row.id));
        Ok(rows)
    }

    async fn conflicts_of(&mut self, item: ItemId) -> Loaded<ConflictRow> {
        let of_item = self.next.conflicts.values().filter(|row| row.item_id == item);
        Ok(of_item.map(|row| (**row).clone()).collect())
    }

    async fn conflicts(&mut self, ids: &[ConflictId]) -> Loaded<ConflictRow> {
        Ok(ids.iter().filter_map(|id| self.next.conflicts.get(id)).map(|row| (**row).clone()).collect())
    }

    /// Devices have no names here.
    async fn device_holders(&mut self, _ids: &[DeviceId]) -> Loaded<DeviceHolder> {
        Ok(Vec::new())
    }

    async fn open_contents(
        &mut self,
        contents: Vec<ContentHash>,
        chunks: Vec<ChunkHash>,
        staged: Vec<StagedChunk>,
        leased_until: Timestamp,
    ) -> Result<(), DbError> {
        if contents.is_empty() && staged.is_empty() {
            return Ok(());
        }
        self.named = Named::default();
        self.named_any = true;
        self.named.name(contents);
        self.named.name_chunks(chunks);
        self.next.account.stage(&mut self.named, staged, leased_until);
        Ok(())
    }

    fn check(&self, manifest: &Manifest) -> Result<(), Refused> {
        if self.named_any || manifest.chunks().is_empty() {
            return self.next.account.check(&self.named, manifest);
        }
        Err(Refused::ChunksMissing((0..manifest.chunks().len() as u32).collect()))
    }

    fn reference(&mut self, manifest: &Manifest) -> Result<(), Refused> {
        if self.named_any {
            return self.next.account.reference(&self.named, manifest);
        }
        Err(Refused::ChunksMissing((0..manifest.chunks().len() as u32).collect()))
    }

    async fn reference_held(&mut self, content: ContentHash) -> Result<bool, DbError> {
        self.named.name([content]);
        self.named_any = true;
        Ok(self.next.account.reference_held(content))
    }

    async fn release(&mut self, contents: Vec<ContentHash>) -> Result<(), DbError> {
        self.named.name(contents.clone());
        self.named_any = true;
        for content in contents {
            self.next.account.release(content);
        }
        Ok(())
    }

    async fn save(&mut self, mut batch: Batch) -> Result<(), DbError> {
        let next = &mut self.next;
        if Fault::WriteIsTorn.is_planted() && batch.items.len() > 1 {
            batch.items.pop();
        }
        if let Some(counter) = batch.counter.filter(|_| !Fault::CounterIsNotSaved.is_planted()) {
            next.zone_mut(self.kind).counter = counter;
        }
        next.items.extend(batch.items.into_iter().map(|row| (row.id, Arc::new(row))));
        for (alias, item) in batch.aliases {
            let earlier = next.aliases.insert(alias, Alias { item, created_at: batch.now });
            assert!(earlier.is_none(), "{alias} is an alias twice");
        }
        for row in batch.versions {
            next.versions.insert(row.id, Arc::new(row));
        }
        for (ids, at) in [(batch.superseded, Some(batch.now)), (batch.pinned, None)] {
            for id in ids {
                if let Some(row) = next.versions.get_mut(&id) {
                    Arc::make_mut(row).superseded_at = at;
                }
            }
        }
        for id in batch.dropped_versions {
            next.versions.remove(&id);
        }
        for row in batch.conflicts {
            let row = match next.conflicts.get(&row.id) {
                // These columns are written once.
                Some(kept) => ConflictRow {
                    server_version_id: kept.server_version_id,
                    base_version_id: kept.base_version_id,
                    server_vector: kept.server_vector.clone(),
                    server_device: kept.server_device,
                    created_at: kept.created_at,
                    ..row
                },
                None => row,
            };
            next.conflicts.insert(row.id, Arc::new(row));
        }
        for row in batch.operations.into_iter().filter(|row| row.kept.is_some()) {
            let earlier = next.operations.insert(row.id, Arc::new(row));
            assert!(earlier.is_none(), "an operation is recorded twice");
        }
        Ok(())
    }
}

/// What a pull reads: the database as it stands.
pub struct Reader<'a>(pub &'a Database);

impl Feeds for Reader<'_> {
    async fn positions(&mut self, zones: &[ZoneId]) -> Loaded<(ZoneId, Position)> {
        let own = self.0.zones().into_iter().filter(|zone| zones.contains(&zone.id));
        Ok(own.map(|zone| (zone.id, zone.position())).collect())
    }

    async fn entries(&mut self, zone: ZoneId, after: u64, alive_until: u64, limit: usize) -> Loaded<ItemRow> {
        let entry = |row: &ItemRow| {
            row.feed > after && (row.feed > alive_until || row.holds_name()) && self.0.zone_of(row).id == zone
        };
        let mut rows = self.0.rows(entry);
        rows.sort_by_key(|row| row.feed);
        rows.truncate(limit);
        Ok(rows)
    }

    async fn with_ancestors(&mut self, zone: ZoneId, ids: &[ItemId]) -> Loaded<ItemRow> {
        let kind = if zone == self.0.photos.id { ZoneKind::Photos } else { ZoneKind::Files };
        Ok(self.0.closed(kind, ids))
    }
}

#[cfg(test)]
mod tests {
    use server::ops::push::conformance;

    use super::*;
    use crate::server::{ready, zones};

    #[test]
    fn the_database_in_memory_does_what_sqlite_and_postgresql_do() {
        let (zone, zones) = (zones().0.id, zones());
        let database = Database::new(zones, Uuid::nil(), conformance::QUOTA_BYTES, Timestamp::from_millis(0));
        let mut write = Write::begin(&database, ZoneKind::Files);
        ready(conformance::check_store(&mut write, zone));
        ready(conformance::check_feeds(&mut Reader(&write.commit()), zone));
        ready(conformance::check_alike(&mut Write::begin(&database, ZoneKind::Files)));
    }
}
