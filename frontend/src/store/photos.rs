//! What is kept of lists of photos, so that they open without the server. All of it can be had again.

use indexed_db_futures::prelude::*;
use shared::photo::Photo;
use shared::photo_index::PhotoSegment;

use super::schema::PHOTOS;
use super::{IndexedDbStore, StoreError, get, put};

/// Stretches that are kept at most: some 50,000 photos, 30 MB. Those put longest ago go first.
const STRETCHES_MAX: usize = 200;

fn index_key(list: &str) -> String {
    format!("{list}/index")
}

/// The keys of the stretches that are kept, the one put longest ago first.
const STRETCHES_KEY: &str = "stretches";

fn stretch_key(list: &str, cursor: Option<&str>) -> String {
    format!("{list}/from/{}", cursor.unwrap_or_default())
}

impl IndexedDbStore {
    /// A list's index as it was last read whole.
    pub async fn photo_index(&self, list: &str) -> Result<Option<Vec<PhotoSegment>>, StoreError> {
        get(&self.reading(PHOTOS)?.object_store(PHOTOS)?, &index_key(list)).await
    }

    pub async fn put_photo_index(&self, list: &str, segments: &[PhotoSegment]) -> Result<(), StoreError> {
        let transaction = self.noting([PHOTOS])?;
        put(&transaction.object_store(PHOTOS)?, &index_key(list), &segments)?;
        Ok(transaction.commit().await?)
    }

    /// The photos of a stretch of a list, which begins at a cursor.
    pub async fn photo_stretch(
        &self,
        list: &str,
        cursor: Option<&str>,
    ) -> Result<Option<Vec<Photo>>, StoreError> {
        get(&self.reading(PHOTOS)?.object_store(PHOTOS)?, &stretch_key(list, cursor)).await
    }

    pub async fn put_photo_stretch(
        &self,
        list: &str,
        cursor: Option<&str>,
        photos: &[&Photo],
    ) -> Result<(), StoreError> {
        let transaction = self.noting([PHOTOS])?;
        let store = transaction.object_store(PHOTOS)?;
        let key = stretch_key(list, cursor);
        let mut kept: Vec<String> = get(&store, STRETCHES_KEY).await?.unwrap_or_default();
        kept.retain(|other| *other != key);
        put(&store, &key, &photos)?;
        kept.push(key);
        let excess = kept.len().saturating_sub(STRETCHES_MAX);
        for gone in kept.drain(..excess) {
            store.delete(gone).primitive()?;
        }
        put(&store, STRETCHES_KEY, &kept)?;
        Ok(transaction.commit().await?)
    }
}
