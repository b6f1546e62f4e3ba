use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use super::{AlbumsPage, NotFound};
use crate::components::gallery::GalleryOf;
use crate::ports::PhotoList;
use crate::ui::{Place, use_ui};

/// What `/photos` and what is below it shows, a single album apart.
#[derive(Clone, Copy, PartialEq)]
enum Shows {
    Photos(PhotoList),
    Albums,
    Nothing,
}

impl Shows {
    fn of(name: &str) -> Self {
        match PhotoList::named(name) {
            Some(list) => Self::Photos(list),
            None if PhotoList::ALBUMS.ends_with(&format!("/{name}")) => Self::Albums,
            None => Self::Nothing,
        }
    }
}

/// `/photos`, `/photos/favorites`, `/photos/archive`, `/photos/hidden` and `/photos/albums`.
#[component]
pub fn PhotosPage() -> impl IntoView {
    let ui = use_ui();
    let params = use_params_map();
    let shows =
        Memo::new(move |_| params.with(|params| Shows::of(params.get_str("list").unwrap_or_default())));
    Effect::new(move || {
        if let Shows::Photos(list) = shows.get() {
            ui.enter(Place::Photos(list));
        }
    });
    move || match shows.get() {
        Shows::Photos(list) => view! { <GalleryOf list=list /> }.into_any(),
        Shows::Albums => view! { <AlbumsPage /> }.into_any(),
        Shows::Nothing => view! { <NotFound /> }.into_any(),
    }
}
