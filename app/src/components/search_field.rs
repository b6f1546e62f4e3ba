use std::time::Duration;

use leptos::html::Input;
use leptos::prelude::*;

use super::icon::{Glyph, IconButton};
use crate::ports::{PhotoList, Sought};
use crate::ui::{Place, use_ui};
use crate::words;

/// The id by which `/` finds the field.
pub const SEARCH_INPUT: &str = "search";

/// How long one pauses in typing until photos are searched.
const PAUSE: Duration = Duration::from_millis(250);

/// Searches as one types; the address follows, so that a search can be kept and shared.
#[component]
pub fn SearchField() -> impl IntoView {
    let ui = use_ui();
    let input = NodeRef::<Input>::new();
    let text = Memo::new(move |_| match ui.place.get() {
        Place::Search(text) => text,
        Place::Photos(PhotoList::Found(sought)) => sought.text().to_owned(),
        _ => String::new(),
    });
    let is_of_photos = Memo::new(move |_| ui.place.with(Place::is_of_photos));
    Effect::new(move || {
        let text = text.get();
        if let Some(input) = input.get()
            && input.value().trim() != text
        {
            input.set_value(&text);
        }
    });
    let waiting = StoredValue::new(None::<TimeoutHandle>);
    // The server is asked for photos: not with every letter.
    let search_photos = move |typed: String| {
        let go = move || {
            let sought = PhotoList::Found(Sought::of(&typed));
            match ui.place.get_untracked() {
                Place::Photos(PhotoList::Found(_)) => ui.replace_address(&sought.address()),
                _ => ui.go(&sought.address()),
            }
        };
        if let Some(before) = waiting.try_update_value(Option::take).flatten() {
            before.clear();
        }
        waiting.set_value(set_timeout_with_handle(go, PAUSE).ok());
    };
    let search = move |typed: String| {
        if is_of_photos.get_untracked() {
            return search_photos(typed);
        }
        let typed = typed.trim();
        let address = if typed.is_empty() {
            "/search".to_owned()
        } else {
            format!("/search?q={}", String::from(js_sys::encode_uri_component(typed)))
        };
        // The first letter is a step, the rest of the word is the same one.
        match ui.place.get_untracked() {
            Place::Search(_) => ui.replace_address(&address),
            _ => ui.go(&address),
        }
    };
    let leave = move || {
        if let Some(input) = input.get_untracked() {
            input.set_value("");
        }
        let is_search =
            |place: &Place| matches!(place, Place::Search(_) | Place::Photos(PhotoList::Found(_)));
        if ui.place.with_untracked(is_search)
            && let Ok(history) = window().history()
        {
            history.back().ok();
        }
        ui.take_focus();
    };
    let hint = move || if is_of_photos.get() { words::SEARCH_PHOTOS } else { words::SEARCH_HINT };
    view! {
        <div class="search" role="search">
            <Glyph icon=icondata::LuSearch />
            <input
                node_ref=input
                id=SEARCH_INPUT
                type="search"
                autocomplete="off"
                spellcheck="false"
                enterkeyhint="search"
                placeholder=hint
                aria-label=hint
                on:input=move |event| search(event_target_value(&event))
                on:keydown=move |event| match event.key().as_str() {
                    "Escape" => {
                        event.prevent_default();
                        leave();
                    }
                    "ArrowDown" | "Enter" => {
                        event.prevent_default();
                        ui.take_focus();
                    }
                    _ => {}
                }
            />
            <kbd aria-hidden="true">"/"</kbd>
            <Show when=move || !text.get().is_empty()>
                <IconButton icon=icondata::LuX label=words::CLOSE.to_owned() on_press=move |_| leave() />
            </Show>
        </div>
    }
    .into_any()
}
