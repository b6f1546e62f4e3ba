//! Copies of files that have to wait, in the browser's own file system: an upload that was begun without
//! a network goes on after the tab was closed, where the browser kept no handle of the file.

use js_sys::{Object, Reflect};
use wasm_bindgen::prelude::*;
use web_sys::File;

use crate::browser::{self, call, call_with};

/// Keeps a copy of `file`, whole or not at all.
pub async fn keep(folder: &str, name: &str, file: &File) -> Option<()> {
    let folder = open_folder(folder, true).await?;
    let copy = call_with(&folder, "getFileHandle", &name.into(), &creating(true)).await?;
    let stream = call(&copy, "createWritable", &JsValue::UNDEFINED).await?;
    // Nothing stands under the name before the stream is closed.
    if call(&stream, "write", file).await.is_none() {
        call(&stream, "abort", &JsValue::UNDEFINED).await;
        return None;
    }
    call(&stream, "close", &JsValue::UNDEFINED).await.map(drop)
}

/// The copy, if it is whole.
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

/// Removes all copies of one account.
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
    let storage = browser::property(&web_sys::window()?.navigator(), "storage")?;
    call(&storage, "getDirectory", &JsValue::UNDEFINED).await
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
