use leptos::prelude::*;
use shared::Timestamp;

use crate::hooks::clock::use_now;
use crate::hooks::intl;

/// A date as people say it, with the exact one on hover.
#[component]
pub fn ItemDate(#[prop(into)] at: Signal<Timestamp>) -> impl IntoView {
    let now = use_now();
    view! {
        <time datetime=move || at.get().to_string() title=move || intl::exact_date(at.get())>
            {move || intl::relative_date(at.get(), now.get())}
        </time>
    }
}
