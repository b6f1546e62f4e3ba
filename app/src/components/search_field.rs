use leptos::html::Input;
use leptos::prelude::*;

use super::icon::{Glyph, IconButton};
use crate::ui::{Place, use_ui};
use crate::words;

/// The id by which `/` finds the field.
pub const SEARCH_INPUT: &str = "search";

/// Searches as one types; the address follows, so that a search can be kept and shared.
#[component]
pub fn SearchField() -> impl IntoView {
    let ui = use_ui();
    let input = NodeRef::<Input>::new();
    let text = Memo::new(move |_| match ui.place.get() {
        Place::Search(text) => text,
        _ => String::new(),
    });
    Effect::new(move || {
        let text = text.get();
        if let Some(input) = input.get()
            && input.value().trim() != text
        {
            input.set_value(&text);
        }
    });
    let search = move |typed: String| {
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
        if ui.place.with_untracked(|place| matches!(place, Place::Search(_)))
            && let Ok(history) = window().history()
        {
            history.back().ok();
        }
        ui.take_focus();
    };
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
                placeholder=words::SEARCH_HINT
                aria-label=words::SEARCH_HINT
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
