use std::sync::Arc;

use leptos::prelude::*;

use crate::components::collection::{Collection, Columns};
use crate::components::drawing::Scene;
use crate::components::empty_state::EmptyState;
use crate::components::toolbar::Toolbar;
use crate::model::Entries;
use crate::ui::{Place, use_ui};
use crate::words;

/// `/trash`.
#[component]
pub fn TrashPage() -> impl IntoView {
    let ui = use_ui();
    ui.enter(Place::Trash);
    let entries = Memo::new(move |_| {
        let cloud = ui.cloud();
        cloud.revision().with(|_| ());
        Arc::new(Entries::in_order(cloud.trash()))
    });
    Effect::new(move || ui.show(entries.get()));
    let is_empty = Memo::new(move |_| entries.with(|entries| entries.is_empty()));
    view! {
        <Toolbar />
        <Show
            when=move || !is_empty.get()
            fallback=|| view! {
                <EmptyState
                    scene=Scene::Trash
                    title=words::EMPTY_TRASH_PLACE.to_owned()
                    hint=words::EMPTY_TRASH_HINT.to_owned()
                />
            }
        >
            <Collection columns=Columns::Trash />
        </Show>
    }
    .into_any()
}
