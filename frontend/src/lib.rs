//! The browser's half of Cloudstead: the local store, the network, the workers and the tabs behind the
//! app's one port. The same WASM has two entries: the page, and the hashing worker.

#![cfg_attr(not(target_arch = "wasm32"), allow(dead_code, unused_imports, reason = "only browsers mount it"))]

mod api;
mod backoff;
mod browser;
mod cloud;
#[cfg(feature = "conformance")]
mod conformance;
mod contents;
mod editing;
mod handed;
mod handover;
mod hashing;
mod import;
mod intake;
mod later;
mod locks;
mod opfs;
mod photos;
mod replica;
mod runtime;
mod seat;
mod session;
mod socket;
mod store;
mod tabs;
mod updates;
mod uploader;

use std::rc::Rc;

use app::ports::provide_cloud;
use app::{PublicApp, PublicPage};
use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::cloud::BrowserCloud;

/// The page at the browser's address; `folder` is where the app's code is. The signed-in area is mounted into the static shell; a page of the public
/// over what the server rendered, or, while the server is away, into the shell as well.
#[cfg(target_arch = "wasm32")]
#[wasm_bindgen]
pub fn mount(folder: &str) {
    console_error_panic_hook::set_once();
    hashing::set_code_folder(folder);
    updates::watch();
    if let Some(page) = PublicPage::here() {
        handover::mount_over(|| {
            leptos::mount::mount_to_body(move || {
                provide_cloud(Rc::new(BrowserCloud::for_public_page()));
                view! { <PublicApp page=page /> }
            });
        });
    } else {
        leptos::mount::mount_to_body(|| {
            provide_cloud(Rc::new(BrowserCloud::for_shell()));
            app::App()
        });
    }
}

/// The hashing worker.
#[wasm_bindgen]
pub fn worker() {
    console_error_panic_hook::set_once();
    hashing::worker::serve();
}
