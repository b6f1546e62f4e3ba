//! What this device remembers of files on their way, so that an upload goes on after a reload.

use indexed_db_futures::prelude::*;
use serde::{Deserialize, Serialize};
use wasm_bindgen::JsValue;

use super::schema::{HANDLES, UPLOADS};
use super::{IndexedDbStore, StoreError, get, put};

/// A file as it was when the person chose it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadRecord {
    /// The name that its operation gives the bytes.
    pub staged: String,
    pub name: String,
    /// The dropped folder it belongs to.
    pub group: Option<String>,
    /// In bytes.
    pub size: u64,
    /// The file's own time, in milliseconds since the Unix epoch.
    pub modified_ms: i64,
    /// The packed manifest in base64, once the file was cut: the file that comes again is checked by it.
    pub manifest: Option<String>,
    pub is_paused: bool,
}

impl IndexedDbStore {
    pub async fn put_upload(&self, record: &UploadRecord) -> Result<(), StoreError> {
        let transaction = self.writing([UPLOADS])?;
        put(&transaction.object_store(UPLOADS)?, &record.staged, record)?;
        Ok(transaction.commit().await?)
    }

    /// Handles cannot be written in every browser: an upload without one asks for the file again.
    pub async fn put_handle(&self, staged: &str, handle: &JsValue) -> Result<(), StoreError> {
        let transaction = self.writing([HANDLES])?;
        transaction.object_store(HANDLES)?.put(handle.clone()).with_key(staged.to_owned()).primitive()?;
        Ok(transaction.commit().await?)
    }

    pub async fn handle(&self, staged: &str) -> Result<Option<JsValue>, StoreError> {
        let transaction = self.reading(HANDLES)?;
        Ok(transaction.object_store(HANDLES)?.get(staged.to_owned()).primitive()?.await?)
    }

    pub async fn upload(&self, staged: &str) -> Result<Option<UploadRecord>, StoreError> {
        get(&self.reading(UPLOADS)?.object_store(UPLOADS)?, staged).await
    }

    pub async fn forget_upload(&self, staged: &str) -> Result<(), StoreError> {
        let transaction = self.writing([UPLOADS, HANDLES])?;
        transaction.object_store(UPLOADS)?.delete(staged.to_owned()).primitive()?;
        transaction.object_store(HANDLES)?.delete(staged.to_owned()).primitive()?;
        Ok(transaction.commit().await?)
    }
}
