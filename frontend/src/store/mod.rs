//! The local store in IndexedDB: one database for each account on this device.
//!
//! Records are JSON strings under string keys, not cloned objects: 100,000 of them load several times
//! faster, and a record reads the same in every client. One transaction a batch, `durability: strict`: what
//! the person was shown as kept has reached the disk.

mod drafts;
mod held;
mod lease;
mod notes;
mod outdated;
mod photos;
mod schema;
mod uploads;

use indexed_db_futures::database::Database;
use indexed_db_futures::prelude::*;
use indexed_db_futures::transaction::{
    Transaction, TransactionDurability, TransactionMode, TransactionOptions,
};
use indexed_db_futures::{KeyRange, object_store::ObjectStore};
use js_sys::Uint8Array;
use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::{OperationId, UserId};
use sync::{Engine, LocalStore, Opening, Snapshot, StoreBatch};
use wasm_bindgen::{JsCast, JsValue};

pub use self::drafts::Draft;
pub use self::held::{HeldAt, HeldRecord};
pub use self::notes::RememberedActivity;
use self::outdated::Watch;
use self::schema::{CONFLICTS, CONTENTS, ITEMS, META, META_KEY, OUTBOX};
pub use self::uploads::UploadRecord;

/// Records read in one go: what is made of them is one task of the page, in which a collection of garbage may come to
/// its end.
const PAGE_RECORDS: u32 = 250;
/// Requests handed over in one go, for the same reason; the answer to the last of them is waited for.
const STRETCH_REQUESTS: usize = 100;

/// Why the browser's storage failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the local database cannot be opened: {0}")]
    Open(#[from] indexed_db_futures::error::OpenDbError),
    #[error("another tab of this browser still has an older version of the app open")]
    Blocked,
    #[error("the local database failed: {0}")]
    Database(#[from] indexed_db_futures::error::Error),
    #[error("a local record cannot be read: {0}")]
    Record(#[from] serde_json::Error),
}

impl StoreError {
    /// Whether the disk, or the browser's share of it, is full.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Database(indexed_db_futures::error::Error::DomException(exception)) => {
                crate::browser::is_full(exception.as_ref())
            }
            _ => false,
        }
    }
}

pub struct IndexedDbStore {
    database: Database,
    _watch: Watch,
}

impl IndexedDbStore {
    pub async fn open(user: UserId) -> Result<Self, StoreError> {
        Self::open_named(&database_name(user), || {
            // What waits is stored. The page begins anew with the build that needs the database.
            if let Some(window) = web_sys::window() {
                let _ = window.location().reload();
            }
        })
        .await
    }

    /// `react` is called when a newer build needs the database, which is closed by then.
    pub(crate) async fn open_named(name: &str, react: impl Fn() + 'static) -> Result<Self, StoreError> {
        let database = schema::open(name).await?;
        let watch = Watch::start(&database, react);
        Ok(Self { database, _watch: watch })
    }

    /// Names what else is kept for the account on this device.
    pub fn name(&self) -> String {
        self.database.name()
    }

    /// One store, to read.
    fn reading(&self, store: &str) -> Result<Transaction<'_>, StoreError> {
        Ok(self.database.transaction(store).with_mode(TransactionMode::Readonly).build()?)
    }

    /// Some stores, to change: all of it on the disk, or nothing.
    fn writing<const N: usize>(&self, stores: [&str; N]) -> Result<Transaction<'_>, StoreError> {
        self.changing(stores, TransactionDurability::Strict)
    }

    /// As [`Self::writing`], for what can be had again: a power cut may undo it.
    fn noting<const N: usize>(&self, stores: [&str; N]) -> Result<Transaction<'_>, StoreError> {
        self.changing(stores, TransactionDurability::Relaxed)
    }

    fn changing<const N: usize>(
        &self,
        stores: [&str; N],
        durability: TransactionDurability,
    ) -> Result<Transaction<'_>, StoreError> {
        let options = TransactionOptions::new().with_durability(durability);
        let transaction = self
            .database
            .transaction(stores)
            .with_mode(TransactionMode::Readwrite)
            .with_options(options)
            .build()?;
        Ok(transaction)
    }

    /// One store, to change, without waiting for the disk.
    fn writing_at_ease(&self, store: &str) -> Result<Transaction<'_>, StoreError> {
        Ok(self.database.transaction(store).with_mode(TransactionMode::Readwrite).build()?)
    }

    /// What an engine opens on, in one transaction, so that no batch of another tab comes between.
    fn reading_all(&self) -> Result<Transaction<'_>, StoreError> {
        let stores = [META, ITEMS, OUTBOX, CONFLICTS];
        Ok(self.database.transaction(stores).with_mode(TransactionMode::Readonly).build()?)
    }

    /// An engine on what is stored; None before the first batch with a meta. Each page of items goes into it
    /// as it comes: a hundred thousand at once would be a long task, and held twice.
    pub async fn open_engine(&self) -> Result<Option<Engine>, StoreError> {
        let transaction = self.reading_all()?;
        let Some(meta) = get(&transaction.object_store(META)?, META_KEY).await? else { return Ok(None) };
        let mut opening = Opening::new(meta);
        for_each(&transaction.object_store(ITEMS)?, |item| opening.take(item)).await?;
        let operations = get_all(&transaction.object_store(OUTBOX)?).await?;
        let conflicts = get_all(&transaction.object_store(CONFLICTS)?).await?;
        let (seed, now) = (crate::browser::random_bytes(), crate::browser::now());
        Ok(Some(opening.finish(operations, conflicts, seed, now)))
    }

    /// The bytes of small contents, in the order of their operations: a transaction each would cost more than
    /// the bytes.
    pub async fn contents(&self, operations: &[OperationId]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let transaction = self.reading(CONTENTS)?;
        let contents = transaction.object_store(CONTENTS)?;
        let mut found = Vec::with_capacity(operations.len());
        for stretch in operations.chunks(STRETCH_REQUESTS) {
            let asked: Result<Vec<_>, _> =
                stretch.iter().map(|operation| contents.get(operation.to_string()).primitive()).collect();
            for asked in asked? {
                let bytes: Option<JsValue> = asked.await?;
                found.push(bytes.map(|bytes| bytes.unchecked_into::<Uint8Array>().to_vec()));
            }
        }
        Ok(found)
    }

    /// What the device is, without the rest.
    pub async fn meta(&self) -> Result<Option<sync::Meta>, StoreError> {
        let transaction = self.reading(META)?;
        get(&transaction.object_store(META)?, META_KEY).await
    }
}

impl Drop for IndexedDbStore {
    fn drop(&mut self) {
        // Left to the garbage collector, a connection holds up whoever deletes or upgrades the database.
        self.database.clone().close();
    }
}

impl LocalStore for IndexedDbStore {
    type Error = StoreError;

    async fn apply(&self, batch: &StoreBatch) -> Result<(), StoreError> {
        let transaction = self.writing([ITEMS, OUTBOX, CONTENTS, CONFLICTS, META])?;
        // Requests reach the database in the order they are built; any that fails undoes the whole
        // transaction, which the commit then tells.
        let mut stretch = Stretch::default();
        let items = transaction.object_store(ITEMS)?;
        for item in &batch.put_items {
            stretch.hand_over(putting(&items, &item.id.to_string(), item)?).await?;
        }
        for id in &batch.delete_items {
            stretch.hand_over(items.delete(id.to_string()).primitive()?).await?;
        }

        let contents = transaction.object_store(CONTENTS)?;
        for (old, new) in &batch.move_contents {
            let bytes: Option<JsValue> = contents.get(old.to_string()).primitive()?.await?;
            if let Some(bytes) = bytes {
                contents.put(bytes).with_key(new.to_string()).primitive()?;
                contents.delete(old.to_string()).primitive()?;
            }
        }
        for (whose, new) in &batch.copy_contents {
            let bytes: Option<JsValue> = contents.get(whose.to_string()).primitive()?.await?;
            if let Some(bytes) = bytes {
                contents.put(bytes).with_key(new.to_string()).primitive()?;
            }
        }
        for (operation, bytes) in &batch.put_contents {
            let bytes = JsValue::from(Uint8Array::from(bytes.as_slice()));
            stretch.hand_over(contents.put(bytes).with_key(operation.to_string()).primitive()?).await?;
        }

        let outbox = transaction.object_store(OUTBOX)?;
        for operation in &batch.put_operations {
            stretch.hand_over(putting(&outbox, &operation.id.to_string(), operation)?).await?;
        }
        for id in &batch.delete_operations {
            outbox.delete(id.to_string()).primitive()?;
            stretch.hand_over(contents.delete(id.to_string()).primitive()?).await?;
        }

        let conflicts = transaction.object_store(CONFLICTS)?;
        for conflict in &batch.put_conflicts {
            stretch.hand_over(putting(&conflicts, &conflict.id.to_string(), conflict)?).await?;
        }
        for id in &batch.delete_conflicts {
            stretch.hand_over(conflicts.delete(id.to_string()).primitive()?).await?;
        }
        if let Some(meta) = &batch.meta {
            put(&transaction.object_store(META)?, META_KEY, meta)?;
        }
        Ok(transaction.commit().await?)
    }

    async fn load(&self) -> Result<Option<Snapshot>, StoreError> {
        let transaction = self.reading_all()?;
        let Some(meta) = get(&transaction.object_store(META)?, META_KEY).await? else { return Ok(None) };
        Ok(Some(Snapshot {
            meta,
            items: get_all(&transaction.object_store(ITEMS)?).await?,
            operations: get_all(&transaction.object_store(OUTBOX)?).await?,
            conflicts: get_all(&transaction.object_store(CONFLICTS)?).await?,
        }))
    }

    async fn content(&self, operation: OperationId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.contents(&[operation]).await?.pop().flatten())
    }

    async fn clear(&self) -> Result<(), StoreError> {
        let transaction = self.writing(schema::STORES)?;
        for store in schema::STORES {
            transaction.object_store(store)?.clear()?;
        }
        Ok(transaction.commit().await?)
    }
}

/// Another account that signs in on this device gets its own.
fn database_name(user: UserId) -> String {
    format!("cloudstead-{user}")
}

/// Counts the requests of one transaction.
#[derive(Default)]
struct Stretch(usize);

impl Stretch {
    /// Waits for the last request of a stretch, so that the page gets its turn. Only the database's own
    /// answer may be waited for: a transaction without a request under way ends.
    async fn hand_over<T>(
        &mut self,
        request: impl Future<Output = Result<T, indexed_db_futures::error::Error>>,
    ) -> Result<(), StoreError> {
        self.0 += 1;
        if self.0.is_multiple_of(STRETCH_REQUESTS) {
            request.await?;
        }
        Ok(())
    }
}

fn put<T: Serialize>(store: &ObjectStore<'_>, key: &str, record: &T) -> Result<(), StoreError> {
    putting(store, key, record).map(drop)
}

/// As [`put`], with the answer to wait for.
fn putting<T: Serialize>(
    store: &ObjectStore<'_>,
    key: &str,
    record: &T,
) -> Result<impl Future<Output = Result<String, indexed_db_futures::error::Error>> + use<T>, StoreError> {
    Ok(store.put(serde_json::to_string(record)?).with_key(key.to_owned()).primitive()?)
}

async fn get<T: DeserializeOwned>(store: &ObjectStore<'_>, key: &str) -> Result<Option<T>, StoreError> {
    let record: Option<String> = store.get(key.to_owned()).primitive()?.await?;
    Ok(record.map(|record| serde_json::from_str(&record)).transpose()?)
}

/// Every record, in the order of the keys.
async fn get_all<T: DeserializeOwned>(store: &ObjectStore<'_>) -> Result<Vec<T>, StoreError> {
    let mut records = Vec::new();
    for_each(store, |record| records.push(record)).await?;
    Ok(records)
}

/// As [`get_all`], one after the other; between two pages the browser gets its turn. Keys and values come in
/// pages side by side: the last key of a page is where the next begins, which is on its way while this one
/// is read.
async fn for_each<T: DeserializeOwned>(
    store: &ObjectStore<'_>,
    mut take: impl FnMut(T),
) -> Result<(), StoreError> {
    let ask = |after: String| {
        let range = KeyRange::LowerBound(after, true);
        let keys = store
            .get_all_keys::<String>()
            .with_query::<String, _>(range.clone())
            .with_limit(PAGE_RECORDS)
            .primitive()?;
        let values =
            store.get_all::<String>().with_query::<String, _>(range).with_limit(PAGE_RECORDS).primitive()?;
        Ok::<_, StoreError>((keys, values))
    };
    let mut asked = Some(ask(String::new())?);
    while let Some((keys, values)) = asked {
        asked = keys.await?.last().transpose()?.map(ask).transpose()?;
        for value in values.await? {
            take(serde_json::from_str(&value?)?);
        }
    }
    Ok(())
}
