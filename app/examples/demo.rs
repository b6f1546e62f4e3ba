//! The app over a cloud in memory: for looking at it without a server. `?demo=` in the first address names
//! the scene; see `app::demo::Scene`.

use leptos::prelude::*;
use wasm_bindgen::prelude::wasm_bindgen;

use app::demo::{DemoCloud, Scene};

/// The scene stays while the tab is open.
const STORAGE_KEY: &str = "demo";

#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
    let storage = window().session_storage().ok().flatten();
    let search = location().search().unwrap_or_default();
    let asked = search.split(['?', '&']).find_map(|pair| pair.strip_prefix("demo="));
    if let (Some(storage), Some(asked)) = (&storage, asked) {
        storage.set_item(STORAGE_KEY, asked).ok();
    }
    let name = storage.and_then(|storage| storage.get_item(STORAGE_KEY).ok().flatten()).unwrap_or_default();
    leptos::mount::mount_to_body(move || {
        app::ports::provide_cloud(DemoCloud::new(Scene::named(&name)));
        app::App()
    });
}
