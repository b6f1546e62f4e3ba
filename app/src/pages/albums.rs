use leptos::prelude::*;
use leptos_router::hooks::use_params_map;
use shared::ItemId;
use sync::AlbumView;

use super::NotFound;
use crate::components::albums::{Cover, follow_albums};
use crate::components::drawing::Scene;
use crate::components::empty_state::EmptyState;
use crate::components::gallery::{GalleryOf, PhotoLinks};
use crate::components::icon::Glyph;
use crate::ports::PhotoList;
use crate::ui::{Dialog, Place, use_ui};
use crate::words;

/// `/photos/albums/:album`.
#[component]
pub fn AlbumPage() -> impl IntoView {
    let ui = use_ui();
    let params = use_params_map();
    let album = Memo::new(move |_| params.with(|params| params.get_str("album")?.parse::<ItemId>().ok()));
    // A deleted one is not there, and comes back with its delete undone.
    let is_there = Memo::new(move |_| {
        let cloud = ui.cloud();
        cloud.revision().track();
        let item = album.get().and_then(|album| cloud.item(album));
        item.is_some_and(|item| !item.item.is_deleted && Some(item.item.parent_id) == cloud.photo_library())
    });
    Effect::new(move || {
        if let Some(album) = album.get() {
            ui.enter(Place::Photos(PhotoList::Album(album)));
        }
    });
    move || match album.get().filter(|_| is_there.get()) {
        Some(album) => view! { <GalleryOf list=PhotoList::Album(album) /> }.into_any(),
        None => view! { <NotFound /> }.into_any(),
    }
}

/// `/photos/albums`.
#[component]
pub fn AlbumsPage() -> impl IntoView {
    let ui = use_ui();
    let albums = follow_albums(ui);
    Effect::new(move || ui.enter(Place::Albums));
    let new = move || ui.dialog.set(Some(Dialog::NameAlbum { album: None, photos: Vec::new() }));
    let new_button = move || {
        view! {
            <button class="button primary" type="button" aria-label=words::NEW_ALBUM on:click=move |_| new()>
                <Glyph icon=icondata::LuPlus />
                <span class="button-label">{words::NEW_ALBUM}</span>
            </button>
        }
    };
    let card = |album: AlbumView| {
        view! {
            <li>
                <a class="album-card" href=PhotoList::Album(album.id).address()>
                    <Cover photo=album.cover />
                    <span class="name">{album.name}</span>
                    <span class="quiet">{words::photos_in(album.count)}</span>
                </a>
            </li>
        }
    };
    view! {
        <div class="toolbar gallery-bar">{new_button()}<PhotoLinks at=PhotoList::ALBUMS /></div>
        {move || {
            let albums = albums.get();
            if albums.is_empty() {
                return view! {
                    <EmptyState
                        scene=Scene::Photos
                        title=words::NO_ALBUMS.to_owned()
                        hint=words::NO_ALBUMS_HINT.to_owned()
                    >
                        {new_button()}
                    </EmptyState>
                }
                .into_any();
            }
            let cards = albums.into_iter().map(card).collect_view();
            view! { <ul class="albums" aria-label=words::ALBUMS>{cards}</ul> }.into_any()
        }}
    }
    .into_any()
}
