use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::NotFound;
use crate::components::gallery::GalleryOf;
use crate::ports::PhotoList;
use crate::ui::{Place, use_ui};

/// `/photos`, `/photos/favorites`, `/photos/archive` and `/photos/hidden`.
#[component]
pub fn PhotosPage() -> impl IntoView {
    let ui = use_ui();
    let params = use_params_map();
    let list = Memo::new(move |_| {
        params.with(|params| PhotoList::named(params.get_str("list").unwrap_or_default()))
    });
    Effect::new(move || {
        if let Some(list) = list.get() {
            ui.enter(Place::Photos(list));
        }
    });
    move || match list.get() {
        Some(list) => view! { <GalleryOf list=list /> }.into_any(),
        None => view! { <NotFound /> }.into_any(),
    }
}
