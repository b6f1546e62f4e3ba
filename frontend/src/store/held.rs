//! Which contents this device keeps, and which items a person wants kept.

use indexed_db_futures::prelude::*;
use js_sys::Uint8Array;
use serde::{Deserialize, Serialize};
use shared::{ContentHash, ItemId, Timestamp};
use wasm_bindgen::{JsCast, JsValue};

use super::schema::{HELD, HELD_BYTES, META, PINS};
use super::{IndexedDbStore, StoreError, Stretch, get, get_all, put, putting};

/// The key of the budget among the device's own records.
const BUDGET_KEY: &str = "seenBudget";

/// One content on this device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldRecord {
    pub hash: ContentHash,
    /// In bytes.
    pub size: u64,
    pub used_at: Timestamp,
    pub at: HeldAt,
}

/// Where its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HeldAt {
    Database,
    File,
}

/// An item that a person keeps on this device.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Pin {
    id: ItemId,
}

impl IndexedDbStore {
    pub async fn held(&self) -> Result<Vec<HeldRecord>, StoreError> {
        get_all(&self.reading(HELD)?.object_store(HELD)?).await
    }

    /// Puts records, and the bytes of those that the database holds, in one transaction.
    pub async fn put_held(&self, records: &[(HeldRecord, Option<&[u8]>)]) -> Result<(), StoreError> {
        let transaction = self.noting([HELD, HELD_BYTES])?;
        let (held, contents) = (transaction.object_store(HELD)?, transaction.object_store(HELD_BYTES)?);
        let mut stretch = Stretch::default();
        for (record, bytes) in records {
            let key = record.hash.to_string();
            stretch.hand_over(putting(&held, &key, record)?).await?;
            if let Some(bytes) = bytes {
                let bytes = JsValue::from(Uint8Array::from(*bytes));
                contents.put(bytes).with_key(key).primitive()?;
            }
        }
        Ok(transaction.commit().await?)
    }

    pub async fn held_bytes(&self, hash: ContentHash) -> Result<Option<Uint8Array>, StoreError> {
        let transaction = self.reading(HELD_BYTES)?;
        let bytes: Option<JsValue> =
            transaction.object_store(HELD_BYTES)?.get(hash.to_string()).primitive()?.await?;
        Ok(bytes.map(JsCast::unchecked_into))
    }

    pub async fn forget_held(&self, hashes: &[ContentHash]) -> Result<(), StoreError> {
        let transaction = self.noting([HELD, HELD_BYTES])?;
        let (held, contents) = (transaction.object_store(HELD)?, transaction.object_store(HELD_BYTES)?);
        for hash in hashes {
            held.delete(hash.to_string()).primitive()?;
            contents.delete(hash.to_string()).primitive()?;
        }
        Ok(transaction.commit().await?)
    }

    pub async fn pins(&self) -> Result<Vec<ItemId>, StoreError> {
        let pins: Vec<Pin> = get_all(&self.reading(PINS)?.object_store(PINS)?).await?;
        Ok(pins.into_iter().map(|pin| pin.id).collect())
    }

    /// Keeps a person's choice: `true` pins the item.
    pub async fn put_pins(&self, choices: &[(ItemId, bool)]) -> Result<(), StoreError> {
        let transaction = self.writing([PINS])?;
        let pins = transaction.object_store(PINS)?;
        for (id, is_kept) in choices {
            if *is_kept {
                put(&pins, &id.to_string(), &Pin { id: *id })?;
            } else {
                pins.delete(id.to_string()).primitive()?;
            }
        }
        Ok(transaction.commit().await?)
    }

    /// What may be kept of what was seen lately, in bytes, where the person chose it.
    pub async fn seen_budget(&self) -> Result<Option<u64>, StoreError> {
        get(&self.reading(META)?.object_store(META)?, BUDGET_KEY).await
    }

    pub async fn put_seen_budget(&self, bytes: u64) -> Result<(), StoreError> {
        let transaction = self.writing([META])?;
        put(&transaction.object_store(META)?, BUDGET_KEY, &bytes)?;
        Ok(transaction.commit().await?)
    }
}
