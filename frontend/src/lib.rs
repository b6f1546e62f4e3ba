//! The browser's half of Cloudstead: the local store, the network, the workers and the tabs behind the
//! app's one port. The same WASM has three entries: the signed-in shell, pages that the server rendered,
//! and the hashing worker.

mod api;
mod backoff;
mod browser;
mod cloud;
#[cfg(feature = "conformance")]
mod conformance;
mod contents;
mod editing;
mod hashing;
mod intake;
mod locks;
mod opfs;
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
use wasm_bindgen::prelude::wasm_bindgen;

use crate::cloud::BrowserCloud;

/// The signed-in area, mounted into the static shell. The service worker answers with the shell for pages of
/// the public too while the server is away: those are mounted as they are.
#[wasm_bindgen]
pub fn mount() {
    console_error_panic_hook::set_once();
    updates::watch();
    if cloud::is_public_page() {
        leptos::mount::mount_to_body(public_page);
    } else {
        leptos::mount::mount_to_body(|| {
            provide_cloud(Rc::new(BrowserCloud::for_shell()));
            app::App()
        });
    }
}

/// A page of the public, as the server rendered it.
#[cfg(feature = "hydrate")]
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(public_page);
}

fn public_page() -> impl leptos::IntoView {
    provide_cloud(Rc::new(BrowserCloud::for_public_page()));
    app::PublicApp()
}

/// The hashing worker.
#[wasm_bindgen]
pub fn worker() {
    console_error_panic_hook::set_once();
    hashing::worker::serve();
}
