use leptos::prelude::*;

use super::icon::Glyph;
use crate::ui::{Place, use_ui};
use crate::words;

/// The places of a phone, under the thumb.
#[component]
pub fn TabBar() -> impl IntoView {
    let ui = use_ui();
    let tab = move |href: &'static str, icon, label: &'static str, is_here: fn(&Place) -> bool| {
        let here = move || ui.place.with(is_here);
        view! {
            <a class="tab" class:here=here href=href aria-current=move || here().then_some("page")>
                <Glyph icon=icon />
                <span>{label}</span>
            </a>
        }
    };
    view! {
        <nav class="tab-bar" aria-label=words::MAIN_NAVIGATION>
            {tab("/files", icondata::LuFiles, words::FILES, |place| matches!(place, Place::Folder(_)))}
            {tab("/photos", icondata::LuImages, words::PHOTOS, Place::is_of_photos)}
            {tab("/search", icondata::LuSearch, words::SEARCH, |place| matches!(place, Place::Search(_)))}
            {tab("/trash", icondata::LuTrash2, words::TRASH, |place| *place == Place::Trash)}
            {tab("/settings", icondata::LuSettings, words::SETTINGS, |place| *place == Place::Settings)}
        </nav>
    }
}
