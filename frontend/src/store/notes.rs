//! What is remembered for the activity list, so that it can be read without the server.

use serde::{Deserialize, Serialize};

use app::ports::KeptNotice;
use shared::Timestamp;
use shared::activity::ActivityPage;

use super::schema::META;
use super::{IndexedDbStore, StoreError, get, put};

const ACTIVITY_KEY: &str = "activity";
const NOTICES_KEY: &str = "notices";
/// Notices that are kept; older ones go.
const NOTICES_MAX: usize = 100;

/// The first page, as the server last gave it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RememberedActivity {
    pub as_of: Timestamp,
    pub page: ActivityPage,
}

impl IndexedDbStore {
    pub async fn remember_activity(&self, activity: &RememberedActivity) -> Result<(), StoreError> {
        let transaction = self.writing([META])?;
        put(&transaction.object_store(META)?, ACTIVITY_KEY, activity)?;
        Ok(transaction.commit().await?)
    }

    pub async fn remembered_activity(&self) -> Result<Option<RememberedActivity>, StoreError> {
        get(&self.reading(META)?.object_store(META)?, ACTIVITY_KEY).await
    }

    /// The latest first.
    pub async fn notices(&self) -> Result<Vec<KeptNotice>, StoreError> {
        Ok(get(&self.reading(META)?.object_store(META)?, NOTICES_KEY).await?.unwrap_or_default())
    }

    pub async fn keep_notice(&self, notice: KeptNotice) -> Result<(), StoreError> {
        let transaction = self.writing([META])?;
        let store = transaction.object_store(META)?;
        let mut notices: Vec<KeptNotice> = get(&store, NOTICES_KEY).await?.unwrap_or_default();
        notices.insert(0, notice);
        notices.truncate(NOTICES_MAX);
        put(&store, NOTICES_KEY, &notices)?;
        Ok(transaction.commit().await?)
    }
}
