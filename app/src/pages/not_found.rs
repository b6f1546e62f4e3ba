use leptos::prelude::*;

use crate::components::drawing::Scene;
use crate::components::empty_state::EmptyState;
use crate::ui::{Place, use_ui};
use crate::words;

/// An address that names nothing.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <EmptyState scene=Scene::Lost title=words::NOT_HERE.to_owned() hint=words::NOT_HERE_HINT.to_owned()>
            <a class="button primary" href="/files">{words::GO_TO_FILES}</a>
        </EmptyState>
    }
}

/// An address that no page has.
#[component]
pub fn NoPage() -> impl IntoView {
    use_ui().enter(Place::Elsewhere);
    view! { <NotFound /> }
}
