//! Files in the browser's own file system: copies of what waits to be uploaded, and contents that are kept.

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::{Blob, File, ReadableStream};

use crate::browser::{self, attempt, call, call_with};

/// Why a file was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// The disk, or the browser's share of it.
    Full,
    /// There is no such file system here, or the bytes did not come.
    Failed,
}

impl From<JsValue> for NotKept {
    fn from(error: JsValue) -> Self {
        if browser::is_full(&error) { Self::Full } else { Self::Failed }
    }
}

/// Keeps a copy of `file`, whole or not at all.
pub async fn keep(folder: &str, name: &str, file: &Blob) -> Result<(), NotKept> {
    let stream = writable(folder, name).await.ok_or(NotKept::Failed)?;
    if let Err(error) = attempt(&stream, "write", file).await {
        call(&stream, "abort", &JsValue::UNDEFINED).await;
        return Err(error.into());
    }
    attempt(&stream, "close", &JsValue::UNDEFINED).await?;
    Ok(())
}

/// Keeps what a stream brings, whole or not at all.
pub async fn keep_stream(folder: &str, name: &str, bytes: &ReadableStream) -> Result<(), NotKept> {
    let stream = writable(folder, name).await.ok_or(NotKept::Failed)?;
    // The stream is closed with its source, and aborted where that fails.
    attempt(bytes, "pipeTo", &stream).await?;
    Ok(())
}

/// A stream into the file; nothing stands under the name before it is closed.
async fn writable(folder: &str, name: &str) -> Option<JsValue> {
    let folder = open_folder(folder, true).await?;
    let file = call_with(&folder, "getFileHandle", &name.into(), &creating(true)).await?;
    call(&file, "createWritable", &JsValue::UNDEFINED).await
}

/// The file, if it is whole.
pub async fn open(folder: &str, name: &str, size: u64) -> Option<File> {
    let folder = open_folder(folder, false).await?;
    let copy = call_with(&folder, "getFileHandle", &name.into(), &creating(false)).await?;
    let file: File = call(&copy, "getFile", &JsValue::UNDEFINED).await?.dyn_into().ok()?;
    (file.size() as u64 == size).then_some(file)
}

pub async fn remove(folder: &str, name: &str) {
    if let Some(folder) = open_folder(folder, false).await {
        call(&folder, "removeEntry", &name.into()).await;
    }
}

/// Removes a folder with all that is in it.
pub async fn remove_all(folder: &str) {
    let recursive = Object::new();
    let is_set = Reflect::set(&recursive, &"recursive".into(), &true.into());
    debug_assert!(is_set.is_ok(), "a plain object takes every property");
    if let Some(root) = root().await {
        call_with(&root, "removeEntry", &folder.into(), &recursive).await;
    }
}

/// None on origins that are not secure, and in private windows of some browsers.
async fn root() -> Option<JsValue> {
    call(&manager()?, "getDirectory", &JsValue::UNDEFINED).await
}

/// Whether there is such a file system here.
pub async fn is_available() -> bool {
    root().await.is_some()
}

async fn open_folder(name: &str, create: bool) -> Option<JsValue> {
    call_with(&root().await?, "getDirectoryHandle", &name.into(), &creating(create)).await
}

fn creating(create: bool) -> Object {
    let options = Object::new();
    let is_set = Reflect::set(&options, &"create".into(), &create.into());
    debug_assert!(is_set.is_ok(), "a plain object takes every property");
    options
}

/// Asks the browser not to drop the local data when the disk gets full. Answers whether it agreed.
pub async fn ask_to_persist() -> bool {
    said_yes("persist").await
}

pub async fn is_persistent() -> bool {
    said_yes("persisted").await
}

async fn said_yes(question: &str) -> bool {
    let Some(storage) = manager() else { return false };
    call(&storage, question, &JsValue::UNDEFINED).await.is_some_and(|answer| answer.is_truthy())
}

/// All that the browser stores for this app, and what it allows at most, in bytes.
pub async fn estimate() -> (Option<u64>, Option<u64>) {
    let Some(storage) = manager() else { return (None, None) };
    let Some(estimate) = call(&storage, "estimate", &JsValue::UNDEFINED).await else { return (None, None) };
    let number = |name| Some(browser::property(&estimate, name)?.as_f64()? as u64);
    (number("usage"), number("quota"))
}

fn manager() -> Option<JsValue> {
    browser::property(&web_sys::window()?.navigator(), "storage")
}
