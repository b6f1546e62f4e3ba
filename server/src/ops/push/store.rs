//! What the judge asks of the database below it, for one zone within one transaction. An in-memory store can
//! stand in for it.

use std::future::Future;

use shared::content::Manifest;
use shared::sync::DeviceHolder;
use shared::{
    ChunkHash, ConflictId, ContentHash, DeviceId, ItemId, OperationId, Timestamp, UserId, VersionId, ZoneId,
};

use crate::blobs::{BlobKey, StagedChunk};
use crate::db::activity::{self, ActivityRow};
use crate::db::audit::{self, AuditEntry};
use crate::db::conflicts::{self, ConflictRow};
use crate::db::items::{self, Deletion, ItemRow};
use crate::db::manifests::{Ledger, Refused};
use crate::db::operations::{self, OperationRow};
use crate::db::versions::{self, VersionRow};
use crate::db::zones::Start;
use crate::db::{Connection, DbError, aliases, devices, photos, zones};

type Loaded<T> = Result<Vec<T>, DbError>;

/// One zone within one transaction. Nothing is written but staged chunks before [`ZoneStore::save`].
pub trait ZoneStore: Send {
    /// Takes the zone's lock.
    fn lock(&mut self) -> impl Future<Output = Result<Start, DbError>> + Send;

    /// The items and every folder that they are in.
    fn items_with_ancestors(&mut self, ids: &[ItemId]) -> impl Future<Output = Loaded<ItemRow>> + Send;
    fn children(&mut self, folders: &[ItemId]) -> impl Future<Output = Loaded<ItemRow>> + Send;
    /// Who holds these folded names in the folder.
    fn holders(&mut self, folder: ItemId, keys: &[String]) -> impl Future<Output = Loaded<ItemRow>> + Send;
    /// Photos out of the trash with this content, and others of as many bytes, up to [`photos::OF_SIZE_MAX`] of each;
    /// and every folder that they are in.
    fn photos_of_size(
        &mut self,
        size: u64,
        content: ContentHash,
    ) -> impl Future<Output = Loaded<ItemRow>> + Send;
    /// Up to [`photos::OF_IDENTIFIER_MAX`] photos out of the trash of which a file says this, as Live Photos' files do,
    /// and every folder that they are in.
    fn photos_of_identifier(&mut self, identifier: &str) -> impl Future<Output = Loaded<ItemRow>> + Send;
    fn deleted_by(&mut self, delete: Deletion) -> impl Future<Output = Loaded<ItemRow>> + Send;
    fn touched_after(&mut self, deleter: DeviceId, seen: u64)
    -> impl Future<Output = Loaded<ItemRow>> + Send;
    fn aliases(&mut self, ids: &[ItemId]) -> impl Future<Output = Loaded<(ItemId, ItemId)>> + Send;
    fn operations(&mut self, ids: &[OperationId]) -> impl Future<Output = Loaded<OperationRow>> + Send;
    fn versions_of(&mut self, items: &[ItemId]) -> impl Future<Output = Loaded<VersionRow>> + Send;
    fn versions(&mut self, ids: &[VersionId]) -> impl Future<Output = Loaded<VersionRow>> + Send;
    fn open_conflicts(&mut self, items: &[ItemId]) -> impl Future<Output = Loaded<ConflictRow>> + Send;
    /// Open and settled ones.
    fn conflicts_of(&mut self, item: ItemId) -> impl Future<Output = Loaded<ConflictRow>> + Send;
    fn conflicts(&mut self, ids: &[ConflictId]) -> impl Future<Output = Loaded<ConflictRow>> + Send;
    /// What people call the devices, and whose they are. Those that nobody knows are left out.
    fn device_holders(&mut self, ids: &[DeviceId]) -> impl Future<Output = Loaded<DeviceHolder>> + Send;

    /// Loads what the account holds of these, before they are referenced, and takes in the chunks that the
    /// batch brings itself.
    fn open_contents(
        &mut self,
        contents: Vec<ContentHash>,
        chunks: Vec<ChunkHash>,
        staged: Vec<StagedChunk>,
        leased_until: Timestamp,
    ) -> impl Future<Output = Result<(), DbError>> + Send;
    /// Whether the account holds all of it.
    fn check(&self, manifest: &Manifest) -> Result<(), Refused>;
    /// One more version has this content. Refused, nothing changed.
    fn reference(&mut self, manifest: &Manifest) -> Result<(), Refused>;
    /// One more version has this content, which another has already.
    fn reference_held(&mut self, content: ContentHash) -> impl Future<Output = Result<bool, DbError>> + Send;
    /// One version less for each entry.
    fn release(&mut self, contents: Vec<ContentHash>) -> impl Future<Output = Result<(), DbError>> + Send;

    fn save(&mut self, batch: Batch) -> impl Future<Output = Result<(), DbError>> + Send;
}

/// Everything that a batch of changes writes.
#[derive(Default)]
pub struct Batch {
    pub now: Timestamp,
    /// The last feed position given out, where the batch took any.
    pub counter: Option<u64>,
    pub items: Vec<ItemRow>,
    /// Those of them that gave up a name.
    pub moved: Vec<ItemId>,
    pub aliases: Vec<(ItemId, ItemId)>,
    pub versions: Vec<VersionRow>,
    pub superseded: Vec<VersionId>,
    pub pinned: Vec<VersionId>,
    pub dropped_versions: Vec<VersionId>,
    pub conflicts: Vec<ConflictRow>,
    pub operations: Vec<OperationRow>,
    pub activity: Vec<ActivityRow>,
    pub audit: Vec<AuditEntry>,
}

/// The zone in SQL.
pub struct SqlStore<'c> {
    connection: &'c mut Connection,
    zone: ZoneId,
    user: UserId,
    account: UserId,
    /// Opened with the first content that the batch names, after the zone's lock.
    ledger: Option<Ledger>,
    /// Objects that turned out not to be needed: to be deleted after the commit.
    pub superfluous: Vec<BlobKey>,
}

impl<'c> SqlStore<'c> {
    pub fn new(connection: &'c mut Connection, zone: ZoneId, user: UserId, account: UserId) -> Self {
        Self { connection, zone, user, account, ledger: None, superfluous: Vec::new() }
    }

    async fn ledger_of(
        &mut self,
        contents: Vec<ContentHash>,
    ) -> Result<(&mut Ledger, &mut Connection), DbError> {
        let mut ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => Ledger::open(self.connection, self.account, [], []).await?,
        };
        ledger.name(self.connection, contents).await?;
        Ok((self.ledger.insert(ledger), &mut *self.connection))
    }
}

impl ZoneStore for SqlStore<'_> {
    async fn lock(&mut self) -> Result<Start, DbError> {
        zones::lock(self.connection, self.zone).await
    }

    async fn items_with_ancestors(&mut self, ids: &[ItemId]) -> Loaded<ItemRow> {
        items::load_with_ancestors(self.connection, self.zone, ids).await
    }

    async fn children(&mut self, folders: &[ItemId]) -> Loaded<ItemRow> {
        items::load_children(self.connection, self.zone, folders).await
    }

    async fn holders(&mut self, folder: ItemId, keys: &[String]) -> Loaded<ItemRow> {
        items::load_holders(self.connection, self.zone, folder, keys).await
    }

    async fn photos_of_size(&mut self, size: u64, content: ContentHash) -> Loaded<ItemRow> {
        let ids = photos::of_size(self.connection, self.zone, size, content).await?;
        items::load_with_ancestors(self.connection, self.zone, &ids).await
    }

    async fn photos_of_identifier(&mut self, identifier: &str) -> Loaded<ItemRow> {
        let ids = photos::of_identifier(self.connection, self.zone, identifier).await?;
        items::load_with_ancestors(self.connection, self.zone, &ids).await
    }

    async fn deleted_by(&mut self, delete: Deletion) -> Loaded<ItemRow> {
        items::load_deleted_by(self.connection, self.zone, delete).await
    }

    async fn touched_after(&mut self, deleter: DeviceId, seen: u64) -> Loaded<ItemRow> {
        items::load_touched_after(self.connection, self.zone, deleter, seen).await
    }

    async fn aliases(&mut self, ids: &[ItemId]) -> Loaded<(ItemId, ItemId)> {
        aliases::load(self.connection, self.zone, ids).await
    }

    async fn operations(&mut self, ids: &[OperationId]) -> Loaded<OperationRow> {
        operations::load(self.connection, self.user, ids).await
    }

    async fn versions_of(&mut self, items: &[ItemId]) -> Loaded<VersionRow> {
        versions::load_of_items(self.connection, self.zone, items).await
    }

    async fn versions(&mut self, ids: &[VersionId]) -> Loaded<VersionRow> {
        versions::load(self.connection, self.zone, ids).await
    }

    async fn open_conflicts(&mut self, items: &[ItemId]) -> Loaded<ConflictRow> {
        conflicts::load_open(self.connection, self.zone, items).await
    }

    async fn conflicts_of(&mut self, item: ItemId) -> Loaded<ConflictRow> {
        conflicts::load_of_item(self.connection, self.zone, item).await
    }

    async fn conflicts(&mut self, ids: &[ConflictId]) -> Loaded<ConflictRow> {
        conflicts::load(self.connection, self.zone, ids).await
    }

    async fn device_holders(&mut self, ids: &[DeviceId]) -> Loaded<DeviceHolder> {
        devices::load_holders(self.connection, ids).await
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
        let mut ledger = Ledger::open(self.connection, self.account, contents, chunks).await?;
        self.superfluous.extend(ledger.stage(self.connection, staged, leased_until).await?);
        self.ledger = Some(ledger);
        Ok(())
    }

    fn check(&self, manifest: &Manifest) -> Result<(), Refused> {
        match &self.ledger {
            Some(ledger) => ledger.check(manifest),
            None if manifest.chunks().is_empty() => Ok(()),
            None => Err(Refused::ChunksMissing((0..manifest.chunks().len() as u32).collect())),
        }
    }

    fn reference(&mut self, manifest: &Manifest) -> Result<(), Refused> {
        match &mut self.ledger {
            Some(ledger) => ledger.reference(manifest).map(drop),
            None => Err(Refused::ChunksMissing((0..manifest.chunks().len() as u32).collect())),
        }
    }

    async fn reference_held(&mut self, content: ContentHash) -> Result<bool, DbError> {
        let (ledger, _) = self.ledger_of(vec![content]).await?;
        Ok(ledger.reference_held(content))
    }

    async fn release(&mut self, contents: Vec<ContentHash>) -> Result<(), DbError> {
        let (ledger, connection) = self.ledger_of(contents.clone()).await?;
        for content in contents {
            ledger.release(connection, content).await?;
        }
        Ok(())
    }

    async fn save(&mut self, batch: Batch) -> Result<(), DbError> {
        let (connection, zone) = (&mut *self.connection, self.zone);
        if let Some(counter) = batch.counter {
            zones::set_counter(connection, zone, counter).await?;
        }
        items::save(connection, zone, &batch.items, &batch.moved).await?;
        aliases::insert(connection, zone, &batch.aliases, batch.now).await?;
        versions::insert(connection, zone, &batch.versions).await?;
        versions::set_superseded(connection, zone, &batch.superseded, Some(batch.now)).await?;
        versions::set_superseded(connection, zone, &batch.pinned, None).await?;
        versions::delete(connection, zone, &batch.dropped_versions).await?;
        conflicts::save(connection, zone, &batch.conflicts).await?;
        activity::insert(connection, zone, &batch.activity).await?;
        audit::insert(connection, &batch.audit).await?;
        operations::insert(connection, self.user, &batch.operations).await?;
        match self.ledger.take() {
            Some(ledger) => ledger.save(connection).await,
            None => Ok(()),
        }
    }
}
