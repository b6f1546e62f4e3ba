use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::hooks::desktop_files;
use crate::ui::use_ui;
use crate::words;

/// The ids by which the buttons find the inputs.
pub const FILES_INPUT: &str = "pick-files";
pub const FOLDER_INPUT: &str = "pick-folder";
pub const CAMERA_INPUT: &str = "pick-camera";
pub const PHOTOS_INPUT: &str = "pick-photos";

/// What photos and films are to a browser's picker.
const PICTURES: &str = "image/*,video/*";

/// Hidden inputs: for browsers whose pickers give no handles, and for what no picker but an input leads to.
#[component]
pub fn FileInputs() -> impl IntoView {
    let ui = use_ui();
    let picked = move |event: leptos::ev::Event| {
        let Some(input) = event.target().and_then(|it| it.dyn_into::<web_sys::HtmlInputElement>().ok())
        else {
            return;
        };
        if let Some(files) = input.files() {
            ui.upload_coming(ui.upload_target(), desktop_files::from_input(&files));
        }
        // The same file can be picked again.
        input.set_value("");
    };
    view! {
        <input id=FILES_INPUT type="file" multiple hidden aria-label=words::UPLOAD_FILES on:change=picked />
        <input
            id=FOLDER_INPUT
            type="file"
            multiple
            prop:webkitdirectory=true
            hidden
            aria-label=words::UPLOAD_FOLDER
            on:change=picked
        />
        <input
            id=CAMERA_INPUT
            type="file"
            accept=PICTURES
            capture="environment"
            hidden
            aria-label=words::TAKE_PHOTO
            on:change=picked
        />
        <input
            id=PHOTOS_INPUT
            type="file"
            accept=PICTURES
            multiple
            hidden
            aria-label=words::CHOOSE_PHOTOS
            on:change=picked
        />
    }
}
