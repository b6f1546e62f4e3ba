use leptos::prelude::*;

/// The mark: a roof over a cloud.
#[component]
pub fn Logo() -> impl IntoView {
    view! {
        <svg class="logo" viewBox="0 0 48 48" aria-hidden="true">
            <rect class="logo-ground" width="48" height="48" rx="12" />
            <path
                class="logo-cloud"
                d="M15.5 36a6.5 6.5 0 0 1-.9-12.94A9.5 9.5 0 0 1 33 22.1a7 7 0 0 1-.5 13.9z"
            />
            <path class="logo-roof" d="M9.5 20.5 24 9.5l14.5 11" />
        </svg>
    }
}
