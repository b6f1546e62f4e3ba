use leptos::prelude::*;

use super::drawing::{Drawing, Scene};

/// What belongs here and how to put it here.
#[component]
pub fn EmptyState(
    scene: Scene,
    #[prop(into)] title: Signal<String>,
    #[prop(into)] hint: Signal<String>,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="empty">
            <Drawing scene=scene />
            <h2>{title}</h2>
            <p>{hint}</p>
            {children.map(|children| view! { <div class="empty-actions">{children()}</div> })}
        </div>
    }
    .into_any()
}
