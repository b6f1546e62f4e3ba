//! A lease on the lead, for browsers without Web Locks.

use indexed_db_futures::prelude::*;
use serde::{Deserialize, Serialize};
use shared::Timestamp;
use uuid::Uuid;

use super::schema::META;
use super::{IndexedDbStore, StoreError, get, put};

const LEASE_KEY: &str = "lease";

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Lease {
    holder: Uuid,
    until: Timestamp,
}

impl IndexedDbStore {
    /// Takes the lease, or renews it; false while another tab holds it. One that ends later than `until` is of
    /// a clock that was set back, and counts for nothing.
    pub async fn take_lease(
        &self,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let transaction = self.writing([META])?;
        let meta = transaction.object_store(META)?;
        let held: Option<Lease> = get(&meta, LEASE_KEY).await?;
        if held.is_some_and(|it| it.holder != holder && it.until > now && it.until <= until) {
            return Ok(false);
        }
        put(&meta, LEASE_KEY, &Lease { holder, until })?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Gives the lease back, if it is this tab's.
    pub async fn end_lease(&self, holder: Uuid) -> Result<(), StoreError> {
        let transaction = self.writing([META])?;
        let meta = transaction.object_store(META)?;
        let held: Option<Lease> = get(&meta, LEASE_KEY).await?;
        if held.is_some_and(|it| it.holder == holder) {
            meta.delete(LEASE_KEY.to_owned()).primitive()?;
        }
        Ok(transaction.commit().await?)
    }
}
