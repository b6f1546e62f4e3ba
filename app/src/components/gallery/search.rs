//! A search: what stands over what it found, and what a search can begin with.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::Gallery;
use super::bar::PhotoLinks;
use crate::components::icon::{Glyph, IconButton};
use crate::ports::{PhotoHints, PhotoList, Sought};
use crate::ui::use_ui;
use crate::words;

/// What is sought, how much was found, and the way back.
#[component]
pub fn FoundHead(gallery: Gallery, sought: Sought) -> impl IntoView {
    view! {
        <h1 class="album-title">{words::found_for(sought.text())}</h1>
        <span class="quiet" role="status">{move || words::photos_in(gallery.count.get())}</span>
        <IconButton
            icon=icondata::LuX
            label=words::END_SEARCH.to_owned()
            on_press=move |_| gallery.ui.go(&PhotoList::Library.address())
        />
    }
    .into_any()
}

/// What the library can be searched by.
#[component]
pub fn SearchStart() -> impl IntoView {
    let hints = RwSignal::new(PhotoHints::default());
    let asked = use_ui().cloud().photo_hints();
    spawn_local(async move {
        let known = asked.await;
        hints.try_set(known);
    });
    let link = |text: String, name: String| {
        let address = PhotoList::Found(Sought::of(&text)).address();
        view! { <li><a class="hint" href=address>{name}</a></li> }
    };
    let row = move |title: &'static str, texts: Vec<(String, String)>| {
        (!texts.is_empty()).then(|| {
            let links = texts.into_iter().map(|(text, name)| link(text, name)).collect_view();
            view! {
                <h2>{title}</h2>
                <ul class="hints" aria-label=title>{links}</ul>
            }
        })
    };
    let same = |texts: Vec<String>| texts.into_iter().map(|text| (text.clone(), text)).collect::<Vec<_>>();
    let kinds = words::KINDS_OF_PHOTOS.map(|(text, name)| (text.to_owned(), name.to_owned())).to_vec();
    view! {
        <div class="toolbar gallery-bar"><PhotoLinks here=Some(PhotoList::Found(Sought::of(""))) /></div>
        <section class="search-start" aria-label=words::SEARCH_BY>
            {move || {
                let PhotoHints { years, places, cameras } = hints.get();
                view! {
                    {row(words::YEARS, same(years))}
                    {row(words::PLACES, same(places))}
                    {row(words::CAMERAS, same(cameras))}
                    {row(words::KINDS, kinds.clone())}
                }
            }}
        </section>
    }
    .into_any()
}

/// Where a search begins.
#[component]
pub fn SearchLink() -> impl IntoView {
    view! {
        <a
            class="icon-button"
            href=PhotoList::Found(Sought::of("")).address()
            aria-label=words::SEARCH_PHOTOS
            title=words::SEARCH_PHOTOS
        >
            <Glyph icon=icondata::LuSearch />
        </a>
    }
    .into_any()
}
