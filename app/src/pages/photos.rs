use leptos::prelude::*;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{AlbumsPage, DuplicatesPage, NotFound};
use crate::components::gallery::GalleryOf;
use crate::components::gallery::search::SearchStart;
use crate::ports::{PhotoList, Sought};
use crate::shell::in_tree;
use crate::ui::{Place, use_ui};

/// What `/photos` and what is below it shows, a single album apart.
#[derive(Clone, Copy, PartialEq)]
enum Shows {
    Photos(PhotoList),
    Albums,
    Duplicates,
    Nothing,
}

impl Shows {
    fn of(name: &str) -> Self {
        let is_at = |address: &str| address.ends_with(&format!("/{name}"));
        match PhotoList::named(name) {
            Some(list) => Self::Photos(list),
            None if is_at(PhotoList::ALBUMS) => Self::Albums,
            None if is_at(PhotoList::DUPLICATES) => Self::Duplicates,
            None => Self::Nothing,
        }
    }
}

/// `/photos`, `/photos?q=`, `/photos/favorites`, `/photos/archive`, `/photos/hidden`, `/photos/albums` and
/// `/photos/duplicates`.
#[component]
pub fn PhotosPage() -> impl IntoView {
    let ui = use_ui();
    let (params, query) = (use_params_map(), use_query_map());
    let sought = move || query.with(|query| query.get_str("q").map(Sought::of));
    let shows = Memo::new(move |_| {
        let shows = params.with(|params| Shows::of(params.get_str("list").unwrap_or_default()));
        match (shows, sought()) {
            (Shows::Photos(PhotoList::Library), Some(sought)) => Shows::Photos(PhotoList::Found(sought)),
            (shows, _) => shows,
        }
    });
    Effect::new(move || match shows.get() {
        Shows::Photos(list) => ui.enter(Place::Photos(list)),
        Shows::Duplicates => ui.enter(Place::Duplicates),
        Shows::Albums | Shows::Nothing => {}
    });
    move || match shows.get() {
        Shows::Photos(PhotoList::Found(sought)) if sought.is_empty() => view! { <SearchStart /> }.into_any(),
        Shows::Photos(list) => view! { <GalleryOf list=list /> }.into_any(),
        Shows::Albums => in_tree(AlbumsPage).into_any(),
        Shows::Duplicates => in_tree(DuplicatesPage).into_any(),
        Shows::Nothing => view! { <NotFound /> }.into_any(),
    }
}
