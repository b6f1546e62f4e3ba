//! Files and whole folders from the desktop: dropped, pasted or picked.
//!
//! Where the browser hands out file handles (Chromium), a folder is walked by them, because an upload with
//! a handle goes on after a reload. Elsewhere the older directory entries do.

use std::future::Future;

use js_sys::{Array, Function, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{DataTransfer, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry};

use super::later::turn;
use crate::ports::{Picked, PickedFile};

/// Files that are read before the page has its turn.
const FILES_A_TURN: usize = 500;

/// What was dropped, gathered at once (the browser empties a drop when its handler returns), read later.
pub fn dropped(transfer: &DataTransfer) -> impl Future<Output = Picked> + use<> {
    let items = transfer.items();
    let mut roots = Vec::new();
    for index in 0..items.length() {
        let Some(item) = items.get(index).filter(|item| item.kind() == "file") else { continue };
        let handle =
            call(&item, "getAsFileSystemHandle", &[]).ok().and_then(|it| it.dyn_into::<Promise>().ok());
        let entry = item.webkit_get_as_entry().ok().flatten();
        let file = item.get_as_file().ok().flatten();
        roots.push((handle, entry, file));
    }
    async move {
        let mut found = Picked::default();
        for (handle, entry, file) in roots {
            let handle = match handle {
                Some(handle) => JsFuture::from(handle).await.ok().filter(JsValue::is_object),
                None => None,
            };
            match (handle, entry, file) {
                (Some(handle), ..) => walk_handle(handle, &mut found).await,
                (None, Some(entry), _) => walk_entry(entry, &mut found).await,
                (None, None, Some(file)) => {
                    found.files.push(PickedFile { file, folders: Vec::new(), handle: None, described: None });
                }
                (None, None, None) => {}
            }
        }
        found
    }
}

/// What a file input holds, gathered at once and read later; a folder input tells each file's path.
pub fn from_input(files: &FileList) -> impl Future<Output = Picked> + use<> {
    let files = Array::from(files);
    async move {
        // An input tells of no folder but by a file in it.
        let mut picked = Picked::default();
        for file in files.iter() {
            let path = get(&file, "webkitRelativePath").as_string().unwrap_or_default();
            let mut folders: Vec<String> = path.split('/').map(str::to_owned).collect();
            folders.pop();
            picked.files.push(PickedFile {
                file: file.unchecked_into(),
                folders,
                handle: None,
                described: None,
            });
            if picked.files.len().is_multiple_of(FILES_A_TURN) {
                turn().await;
            }
        }
        picked
    }
}

/// What the browser's own picker asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pick {
    Files,
    Folder,
    /// What is taken just now.
    Camera,
    /// From the device's own library.
    Photos,
}

/// Opens the picker that gives handles. None where the browser has none and a file input has to do.
pub fn pick_with_handles(pick: Pick) -> Option<impl Future<Output = Picked>> {
    let window = leptos::prelude::window();
    let name = match pick {
        Pick::Files => "showOpenFilePicker",
        Pick::Folder => "showDirectoryPicker",
        // Only inputs lead there.
        Pick::Camera | Pick::Photos => return None,
    };
    // Only where a person's own click is behind it; the promise fails otherwise.
    get(&window, name).dyn_into::<Function>().ok()?;
    let options = js_sys::Object::new();
    Reflect::set(&options, &"multiple".into(), &JsValue::TRUE).ok();
    let asked = call(&window, name, &[options.into()]).ok()?.dyn_into::<Promise>().ok()?;
    Some(async move {
        let mut found = Picked::default();
        // A picker that was closed rejects; nothing was picked then.
        if let Ok(picked) = JsFuture::from(asked).await {
            let handles = if picked.is_array() { Array::from(&picked) } else { Array::of1(&picked) };
            for handle in handles.iter() {
                walk_handle(handle, &mut found).await;
            }
        }
        found
    })
}

/// Walks a file or directory handle, without recursion on the stack.
async fn walk_handle(root: JsValue, found: &mut Picked) {
    let mut open = vec![(root, Vec::<String>::new())];
    while let Some((handle, folders)) = open.pop() {
        if get(&handle, "kind").as_string().as_deref() == Some("directory") {
            let mut below = folders;
            below.push(get(&handle, "name").as_string().unwrap_or_default());
            let Ok(children) = call(&handle, "values", &[]) else { continue };
            let before = open.len();
            while let Some(child) = next_of(&children).await {
                open.push((child, below.clone()));
            }
            if open.len() == before {
                found.empty_folders.push(below);
            }
        } else if let Ok(file) = settled(call(&handle, "getFile", &[])).await
            && let Ok(file) = file.dyn_into::<File>()
        {
            found.files.push(PickedFile { file, folders, handle: Some(handle), described: None });
        }
    }
}

/// The next value of an async iterator.
async fn next_of(iterator: &JsValue) -> Option<JsValue> {
    let step = settled(call(iterator, "next", &[])).await.ok()?;
    (!get(&step, "done").is_truthy()).then(|| get(&step, "value"))
}

async fn walk_entry(root: FileSystemEntry, found: &mut Picked) {
    let mut open = vec![(root, Vec::<String>::new())];
    while let Some((entry, folders)) = open.pop() {
        if let Some(directory) = entry.dyn_ref::<FileSystemDirectoryEntry>() {
            let mut below = folders;
            below.push(entry.name());
            let reader = directory.create_reader();
            let before = open.len();
            // A reader answers in batches (100 in Chromium) until it answers with none.
            loop {
                let batch = Promise::new(&mut |resolve, reject| {
                    call(&reader, "readEntries", &[resolve.into(), reject.into()]).ok();
                });
                let Ok(batch) = JsFuture::from(batch).await.map(|batch| Array::from(&batch)) else { break };
                if batch.length() == 0 {
                    if open.len() == before {
                        found.empty_folders.push(below);
                    }
                    break;
                }
                open.extend(
                    batch.iter().map(|child| (child.unchecked_into::<FileSystemEntry>(), below.clone())),
                );
            }
        } else if let Some(entry) = entry.dyn_ref::<FileSystemFileEntry>() {
            let file = Promise::new(&mut |resolve, reject| {
                call(entry, "file", &[resolve.into(), reject.into()]).ok();
            });
            if let Ok(file) = JsFuture::from(file).await
                && let Ok(file) = file.dyn_into::<File>()
            {
                found.files.push(PickedFile { file, folders, handle: None, described: None });
            }
        }
    }
}

async fn settled(promise: Result<JsValue, JsValue>) -> Result<JsValue, JsValue> {
    JsFuture::from(promise?.dyn_into::<Promise>()?).await
}

fn get(object: &JsValue, name: &str) -> JsValue {
    Reflect::get(object, &JsValue::from_str(name)).unwrap_or_default()
}

fn call(object: &JsValue, name: &str, arguments: &[JsValue]) -> Result<JsValue, JsValue> {
    let method: Function = get(object, name).dyn_into()?;
    method.apply(object, &arguments.iter().collect::<Array>())
}
