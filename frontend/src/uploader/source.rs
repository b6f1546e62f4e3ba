//! Where a file's bytes come from: what was dropped in this tab, or a handle that outlived a reload.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, File};

use crate::browser::call;
use crate::opfs;
use crate::store::{IndexedDbStore, UploadRecord};

pub struct Sources {
    store: Rc<IndexedDbStore>,
    /// Files that this tab holds, by the name that their operation gives the bytes.
    files: RefCell<HashMap<String, File>>,
}

/// Whether the browser may show its own question, which it does only in answer to a click.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Silently,
    Person,
}

impl Sources {
    pub fn new(store: Rc<IndexedDbStore>) -> Self {
        Self { store, files: RefCell::default() }
    }

    pub fn hold(&self, staged: &str, file: File) {
        self.files.borrow_mut().insert(staged.to_owned(), file);
    }

    pub fn release(&self, staged: &str) {
        self.files.borrow_mut().remove(staged);
    }

    /// Sees to it that a file that has to wait is there after the tab was closed.
    pub async fn stage(&self, staged: &str) {
        let is_held_elsewhere = matches!(self.store.handle(staged).await, Ok(Some(_)));
        if let Some(file) = self.held(staged).filter(|_| !is_held_elsewhere)
            && opfs::open(&self.store.name(), staged, file.size() as u64).await.is_none()
        {
            // Where there is no room, the person is asked for the file again.
            let _ = opfs::keep(&self.store.name(), staged, &file).await;
        }
    }

    /// Forgets all ways to the file.
    pub async fn forget(&self, staged: &str) {
        self.release(staged);
        // What stays behind is forgotten at sign-out at the latest.
        let _ = self.store.forget_upload(staged).await;
        opfs::remove(&self.store.name(), staged).await;
    }

    pub fn held(&self, staged: &str) -> Option<File> {
        self.files.borrow().get(staged).cloned()
    }

    /// The file of an upload, exactly as it was chosen; None if it has to be chosen again.
    pub async fn find(&self, record: &UploadRecord, ask: Ask) -> Option<File> {
        if let Some(file) = self.held(&record.staged) {
            return Some(file);
        }
        let kept = match self.store.handle(&record.staged).await.ok().flatten() {
            Some(handle) => open(&handle, ask).await.filter(|file| is_same(file, record)),
            None => None,
        };
        let file = match kept {
            Some(file) => file,
            None => opfs::open(&self.store.name(), &record.staged, record.size).await?,
        };
        self.hold(&record.staged, file.clone());
        Some(file)
    }
}

/// The bytes of an upload that another tab holds, where the browser keeps a way to them.
pub async fn staged_file(store: &Rc<IndexedDbStore>, staged: &str) -> Option<Blob> {
    let record = store.upload(staged).await.ok()??;
    let file = Sources::new(store.clone()).find(&record, Ask::Silently).await?;
    Some(file.into())
}

/// Whether `file` looks like the one that was chosen. Its hash is checked when it was cut.
pub fn is_same(file: &File, record: &UploadRecord) -> bool {
    file.size() as u64 == record.size && file.last_modified() as i64 == record.modified_ms
}

/// Whether the bytes are still to be had: a file that was changed or taken away cannot be read any more.
pub async fn is_readable(file: &File) -> bool {
    let Ok(start) = file.slice_with_f64_and_f64(0.0, 1.0) else { return false };
    JsFuture::from(start.array_buffer()).await.is_ok()
}

/// Opens a `FileSystemFileHandle`.
async fn open(handle: &JsValue, ask: Ask) -> Option<File> {
    let mode = Object::new();
    Reflect::set(&mode, &"mode".into(), &"read".into()).ok()?;
    let mut permission = call(handle, "queryPermission", &mode).await?;
    if ask == Ask::Person && permission.as_string().as_deref() == Some("prompt") {
        permission = call(handle, "requestPermission", &mode).await?;
    }
    if permission.as_string().as_deref() != Some("granted") {
        return None;
    }
    call(handle, "getFile", &JsValue::UNDEFINED).await?.dyn_into().ok()
}
