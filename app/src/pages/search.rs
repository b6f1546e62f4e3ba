use std::sync::Arc;

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::components::collection::{Collection, Columns};
use crate::components::drawing::Scene;
use crate::components::empty_state::EmptyState;
use crate::components::toolbar::Toolbar;
use crate::model::{Entries, Sort};
use crate::ui::{Place, use_ui};
use crate::words;

/// Results shown; a longer text finds fewer.
const RESULTS_MAX: usize = 1_000;

/// `/search?q=`.
#[component]
pub fn SearchPage() -> impl IntoView {
    let ui = use_ui();
    let query = use_query_map();
    let text =
        Memo::new(move |_| query.with(|query| query.get_str("q").unwrap_or_default().trim().to_owned()));
    Effect::new(move || ui.enter(Place::Search(text.get())));
    let entries = Memo::new(move |_| {
        let cloud = ui.cloud();
        cloud.revision().with(|_| ());
        let found =
            text.with(|text| if text.is_empty() { Vec::new() } else { cloud.search(text, RESULTS_MAX) });
        Arc::new(Entries::sorted(found, Sort::default()))
    });
    Effect::new(move || ui.show(entries.get()));
    let is_empty = Memo::new(move |_| entries.with(|entries| entries.is_empty()));
    let title = move || {
        if text.with(String::is_empty) { words::SEARCH_START } else { words::NOTHING_FOUND }.to_owned()
    };
    let hint = move || {
        text.with(|text| {
            if text.is_empty() {
                words::SEARCH_START_HINT.to_owned()
            } else {
                words::nothing_found_hint(text)
            }
        })
    };
    view! {
        <Toolbar />
        <Show
            when=move || !is_empty.get()
            fallback=move || view! {
                <EmptyState scene=Scene::Search title=Signal::derive(title) hint=Signal::derive(hint) />
            }
        >
            <Show when=move || entries.with(|entries| entries.len() >= RESULTS_MAX)>
                <p class="quiet note">{words::results_limited(RESULTS_MAX)}</p>
            </Show>
            <Collection columns=Columns::Found />
        </Show>
    }
    .into_any()
}
