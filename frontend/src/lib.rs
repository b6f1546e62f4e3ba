//! The browser's half of Cloudstead: the local store, the network, the workers and the tabs behind the
//! app's one port. The same WASM has three entries: the signed-in shell, pages that the server rendered,
//! and the hashing worker.

mod api;
mod backoff;
mod browser;
mod socket;
mod store;
mod uploader;

use wasm_bindgen::prelude::wasm_bindgen;

/// The hashing worker.
#[wasm_bindgen]
pub fn worker() {
    console_error_panic_hook::set_once();
    uploader::worker::serve();
}
