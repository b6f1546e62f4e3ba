use leptos::prelude::*;

use super::icon::Glyph;
use crate::ui::use_ui;
use crate::words;

/// Says where files from the desktop would go. The pointer goes through it.
#[component]
pub fn DropOverlay() -> impl IntoView {
    let ui = use_ui();
    let folder = move || ui.drop_target.get().unwrap_or_else(|| ui.upload_target());
    view! {
        <Show when=move || ui.desktop_drag.get()>
            <div class="drop-overlay">
                <p class="drop-label" role="status">
                    <Glyph icon=icondata::LuUpload />
                    {move || words::drop_into(&ui.folder_name(folder()))}
                </p>
            </div>
        </Show>
    }
}
