use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{AlbumsPage, DuplicatesPage, NotFound};
use crate::components::gallery::GalleryOf;
use crate::components::gallery::search::SearchStart;
use crate::ports::{PhotoList, Sought};
use crate::shell::in_tree;
use crate::ui::{Dialog, Place, Ui, use_ui};

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

/// `/photos`, `/photos?q=`, `/photos/favorites`, `/photos/archive`, `/photos/hidden`, `/photos/deleted`, `/photos/albums`
/// and `/photos/duplicates`.
#[component]
pub fn PhotosPage() -> impl IntoView {
    let ui = use_ui();
    use_handed(ui);
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
        Shows::Photos(PhotoList::Found(sought)) if sought.is_empty() => in_tree(SearchStart).into_any(),
        Shows::Photos(list) if list.is_served() => view! { <GalleryOf list=list /> }.into_any(),
        Shows::Photos(list) => in_tree(move || view! { <GalleryOf list=list /> }).into_any(),
        Shows::Albums => in_tree(AlbumsPage).into_any(),
        Shows::Duplicates => in_tree(DuplicatesPage).into_any(),
        Shows::Nothing => view! { <NotFound /> }.into_any(),
    }
}

/// Asks about what other apps handed over, once there is a library to put it into.
fn use_handed(ui: Ui) {
    Effect::new(move |was_asked: Option<bool>| {
        let cloud = ui.cloud();
        cloud.revision().track();
        let is_due = was_asked != Some(true) && cloud.photo_library().is_some();
        if is_due {
            spawn_local(async move {
                let count = cloud.handed().await;
                if count > 0 && ui.dialog.with_untracked(Option::is_none) {
                    ui.dialog.set(Some(Dialog::TakeInHanded(count)));
                }
            });
        }
        is_due || was_asked == Some(true)
    });
}
