use leptos::prelude::*;
use shared::ItemId;

use super::folder_tree::FolderTree;
use super::icon::Glyph;
use super::logo::Logo;
use super::storage_bar::StorageBar;
use crate::ui::{Place, use_ui};
use crate::words;

/// Places on the left, and the storage at the foot.
#[component]
pub fn Sidebar() -> impl IntoView {
    let ui = use_ui();
    let at_root = move || ui.place.with(|place| *place == Place::Folder(ui.root));
    let at_photos = move || ui.place.with(Place::is_of_photos);
    let at_trash = move || ui.place.with(|place| *place == Place::Trash);
    let at_activity = move || ui.place.with(|place| *place == Place::Activity);
    view! {
        <aside class="sidebar">
            <a class="brand" href="/files"><Logo /><span>{words::APP}</span></a>
            <nav aria-label=words::MAIN_NAVIGATION class="places">
                <PlaceLink
                    href="/files"
                    icon=icondata::LuFiles
                    label=words::FILES
                    is_here=Signal::derive(at_root)
                    takes_drops=ui.root
                />
                <FolderTree />
                <PlaceLink
                    href="/photos"
                    icon=icondata::LuImages
                    label=words::PHOTOS
                    is_here=Signal::derive(at_photos)
                />
                <PlaceLink href="/trash" icon=icondata::LuTrash2 label=words::TRASH is_here=Signal::derive(at_trash) is_trash=true />
                <PlaceLink
                    href="/activity"
                    icon=icondata::LuHistory
                    label=words::ACTIVITY
                    is_here=Signal::derive(at_activity)
                />
            </nav>
            <StorageBar />
        </aside>
    }
    .into_any()
}

#[component]
fn PlaceLink(
    href: &'static str,
    icon: icondata::Icon,
    label: &'static str,
    is_here: Signal<bool>,
    #[prop(optional)] takes_drops: Option<ItemId>,
    /// What is dropped on it is deleted.
    #[prop(optional)]
    is_trash: bool,
) -> impl IntoView {
    let ui = use_ui();
    view! {
        <a
            class="place"
            class:here=move || is_here.get()
            class:drop-into=move || {
                let into_folder = takes_drops.is_some() && ui.drop_target.get() == takes_drops;
                (into_folder || is_trash && ui.over_trash.get()) && !is_here.get()
            }
            href=href
            aria-current=move || is_here.get().then_some("page")
            data-drop=takes_drops.map(|id| id.to_string())
            data-trash=is_trash.then_some("")
        >
            <Glyph icon=icon />
            <span>{label}</span>
        </a>
    }
}
