use leptos::html::Nav;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::acts::PhotoAct;
use super::arrange::ArrangeTools;
use super::search::{FoundHead, SearchLink};
use super::{Gallery, GalleryGrid};
use crate::actions::{Action, ways_in};
use crate::components::albums::AlbumHead;
use crate::components::drawing::Scene;
use crate::components::empty_state::EmptyState;
use crate::components::icon::{Glyph, IconButton};
use crate::components::popover::Popover;
use crate::components::toolbar::Entries;
use crate::hooks::media::{TOUCH, media_matches, use_media};
use crate::model::photos::{PhotoSelection, Zoom};
use crate::ports::{PhotoList, PhotosState};
use crate::ui::{Dialog, Ui};
use crate::words;

/// Which photos, how near, and what can be done with those that are selected.
#[component]
pub fn GalleryBar(gallery: Gallery) -> impl IntoView {
    let any = Memo::new(move |_| gallery.selection.with(|selection| !selection.is_empty()));
    view! {
        <div class="toolbar gallery-bar">
            <Show when=move || any.get() fallback=move || no_selection(gallery)>
                <SelectionBar gallery=gallery />
            </Show>
            {gallery.list.album().map(|_| view! { <ArrangeTools gallery=gallery /> })}
            <span class="toolbar-gap" />
            <Show when=move || !gallery.order().has_no_days()>
                <Zooms gallery=gallery />
            </Show>
        </div>
    }
    .into_any()
}

fn no_selection(gallery: Gallery) -> AnyView {
    match gallery.list {
        PhotoList::Album(album) => {
            view! { <AlbumHead album=album is_arranging=gallery.order().arranging /> }.into_any()
        }
        PhotoList::Found(sought) => view! { <FoundHead gallery=gallery sought=sought /> }.into_any(),
        _ => view! { <Lists gallery=gallery /> }.into_any(),
    }
}

/// The lists of photos, and where albums and duplicates are. `here` is one of the lists, `at` another address.
#[component]
pub fn PhotoLinks(
    #[prop(optional_no_strip)] here: Option<PhotoList>,
    #[prop(optional)] at: &'static str,
) -> impl IntoView {
    let link = move |address: String, name: &'static str, is_here: bool| {
        view! {
            <a class="gallery-list" class:here=is_here href=address aria-current=is_here.then_some("page")>
                {name}
            </a>
        }
    };
    let list = move |list: PhotoList| link(list.address(), words::photo_list(list), here == Some(list));
    let other = move |address: &'static str, name| link(address.to_owned(), name, at == address);
    let [library, rest @ .., deleted] = PhotoList::ALL;
    let nav = NodeRef::<Nav>::new();
    // Where they do not all fit, the present one is in the middle.
    Effect::new(move || {
        let Some(nav) = nav.get() else { return };
        let here = nav.query_selector(".here").ok().flatten();
        if let Some(here) = here.and_then(|here| here.dyn_into::<web_sys::HtmlElement>().ok()) {
            let left = here.offset_left() - nav.offset_left();
            nav.set_scroll_left(left - (nav.client_width() - here.offset_width()) / 2);
        }
    });
    view! {
        <nav node_ref=nav class="gallery-lists" aria-label=words::PHOTO_LISTS>
            {list(library)}
            {other(PhotoList::ALBUMS, words::ALBUMS)}
            {rest.into_iter().map(list).collect_view()}
            {other(PhotoList::DUPLICATES, words::DUPLICATES)}
            {list(deleted)}
        </nav>
    }
    .into_any()
}

#[component]
fn Lists(gallery: Gallery) -> impl IntoView {
    view! {
        <AddPhotos ui=gallery.ui />
        <IconButton
            icon=icondata::LuImport
            label=words::IMPORT_PHOTOS.to_owned()
            on_press=move |_| gallery.ui.dialog.set(Some(Dialog::ImportPhotos))
        />
        <SearchLink />
        <PhotoLinks here=Some(gallery.list) />
    }
    .into_any()
}

/// From files or, on what is touched, from its camera or its own library.
#[component]
fn AddPhotos(ui: Ui) -> impl IntoView {
    let open = RwSignal::new(false);
    let is_touched = use_media(TOUCH);
    let press = move |_| {
        if is_touched.get_untracked() {
            open.update(|open| *open = !*open);
        } else {
            ui.perform(Action::UploadFiles, Vec::new());
        }
    };
    view! {
        <div class="anchor">
            <button
                class="button primary"
                type="button"
                aria-label=words::ADD_PHOTOS
                aria-haspopup=move || is_touched.get().then_some("dialog")
                aria-expanded=move || is_touched.get().then(|| open.get().to_string())
                on:click=press
            >
                <Glyph icon=icondata::LuUpload />
                <span class="button-label">{words::ADD_PHOTOS}</span>
            </button>
            <Popover open=open label=words::ADD_PHOTOS class="popover menu-popover">
                <Entries ui=ui open=open actions=ways_in(true, true) />
            </Popover>
        </div>
    }
    .into_any()
}

#[component]
fn Zooms(gallery: Gallery) -> impl IntoView {
    let button = move |zoom: Zoom| {
        view! {
            <button
                class="gallery-zoom"
                type="button"
                aria-pressed=move || (gallery.zoom.get() == zoom).to_string()
                on:click=move |_| gallery.zoom.set(zoom)
            >
                {words::zoom(zoom)}
            </button>
        }
    };
    view! {
        <Show when=move || gallery.count.get() != 0>
            <div class="segmented gallery-zooms" role="group" aria-label=words::ZOOM>
                {[Zoom::Years, Zoom::Months, Zoom::Days].into_iter().map(button).collect_view()}
            </div>
        </Show>
    }
    .into_any()
}

#[component]
fn SelectionBar(gallery: Gallery) -> impl IntoView {
    let count = Memo::new(move |_| gallery.selection.with(PhotoSelection::len));
    let button = move |act: PhotoAct| {
        view! {
            <button
                class="button plain"
                type="button"
                title=act.label()
                aria-label=act.label()
                on:click=move |_| gallery.act_on_selected(act)
            >
                <Glyph icon=act.icon() />
                <span class="button-label">{act.label()}</span>
            </button>
        }
    };
    view! {
        <div class="selection-bar" role="group" aria-label=words::FOR_SELECTION>
            <IconButton
                icon=icondata::LuX
                label=words::CLEAR_SELECTION.to_owned()
                on_press=move |_| gallery.selection.update(PhotoSelection::clear)
            />
            <span class="selection-count" role="status">{move || words::selected(count.get())}</span>
            {move || PhotoAct::offered(gallery.list, count.get()).into_iter().map(button).collect_view()}
        </div>
    }
    .into_any()
}

/// The photos or, where there are none, what belongs here.
#[component]
pub fn GalleryBody(gallery: Gallery) -> impl IntoView {
    let source = gallery.source();
    let revision = source.revision();
    let cloud = gallery.ui.cloud();
    let (own, uploads) = (cloud.revision(), cloud.uploads());
    let state = Memo::new(move |_| {
        revision.track();
        let source = gallery.source();
        let is_empty = gallery.count.get() == 0 && source.index().is_empty() && {
            own.track();
            uploads.track();
            source.arriving().is_empty()
        };
        is_empty.then(|| source.state())
    });
    move || match state.get() {
        None => view! { <GalleryGrid gallery=gallery /> }.into_any(),
        Some(PhotosState::Loading) => {
            view! { <div class="gallery-waiting" role="status" aria-label=words::LOADING></div> }.into_any()
        }
        Some(PhotosState::Away) => view! {
            <EmptyState
                scene=Scene::Lost
                title=words::PHOTOS_AWAY.to_owned()
                hint=words::PHOTOS_AWAY_HINT.to_owned()
            />
        }
        .into_any(),
        Some(PhotosState::Here) => {
            let (title, hint) = words::no_photos(gallery.list);
            let button = move |action: Action| {
                let label = match action {
                    Action::UploadFiles => words::ADD_PHOTOS,
                    Action::UploadFolder => words::ADD_PHOTO_FOLDER,
                    _ => action.label(),
                };
                view! {
                    <button
                        class="button"
                        class:primary=matches!(action, Action::UploadFiles | Action::ChoosePhotos)
                        type="button"
                        on:click=move |_| gallery.ui.perform(action, Vec::new())
                    >
                        <Glyph icon=action.icon() />
                        {label}
                    </button>
                }
            };
            let upload = (gallery.list == PhotoList::Library).then(|| {
                view! {
                    {ways_in(true, media_matches(TOUCH)).iter().copied().map(button).collect_view()}
                    <button
                        class="button"
                        type="button"
                        on:click=move |_| gallery.ui.dialog.set(Some(Dialog::ImportPhotos))
                    >
                        <Glyph icon=icondata::LuImport />
                        {words::IMPORT}
                    </button>
                }
            });
            view! {
                <EmptyState scene=Scene::Photos title=title.to_owned() hint=hint.to_owned()>{upload}</EmptyState>
            }
            .into_any()
        }
    }
}
