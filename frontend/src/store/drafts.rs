//! What was typed and is not in the outbox yet.

use indexed_db_futures::prelude::*;
use serde::{Deserialize, Serialize};
use shared::ItemId;
use sync::EditBase;
use uuid::Uuid;

use super::schema::DRAFTS;
use super::{IndexedDbStore, StoreError, get_all, put};

/// The text of one editor, as it was at the last key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Draft {
    /// The editor's own: two tabs may write on one file.
    pub id: Uuid,
    pub item: ItemId,
    /// What the file was called, in case it is gone for good.
    pub name: String,
    pub text: String,
    pub base: EditBase,
}

impl IndexedDbStore {
    /// At every key: it only has to outlive the tab, so it does not wait for the disk.
    pub async fn put_draft(&self, draft: &Draft) -> Result<(), StoreError> {
        let transaction = self.writing_at_ease(DRAFTS)?;
        put(&transaction.object_store(DRAFTS)?, &draft.id.to_string(), draft)?;
        Ok(transaction.commit().await?)
    }

    pub async fn forget_draft(&self, id: Uuid) -> Result<(), StoreError> {
        let transaction = self.writing_at_ease(DRAFTS)?;
        transaction.object_store(DRAFTS)?.delete(id.to_string()).primitive()?;
        Ok(transaction.commit().await?)
    }

    pub async fn drafts(&self) -> Result<Vec<Draft>, StoreError> {
        get_all(&self.reading(DRAFTS)?.object_store(DRAFTS)?).await
    }
}
