use leptos::prelude::*;
use leptos_icons::Icon;

/// An icon of the set, 20 px, hidden from screen readers: the control around it carries the name.
#[component]
pub fn Glyph(icon: icondata::Icon) -> impl IntoView {
    view! { <span class="glyph" aria-hidden="true"><Icon icon=icon /></span> }
}

/// A button that is an icon, with its name for everyone.
#[component]
pub fn IconButton(
    icon: icondata::Icon,
    /// Read out, and shown on hover.
    #[prop(into)]
    label: Signal<String>,
    on_press: impl Fn(leptos::ev::MouseEvent) + 'static,
    /// For buttons that stay pressed.
    #[prop(optional, into)]
    pressed: MaybeProp<bool>,
    #[prop(optional, into)] disabled: MaybeProp<bool>,
    #[prop(default = "icon-button")] class: &'static str,
    /// Inside lists that have one tab stop of their own.
    #[prop(optional)]
    outside_tab_order: bool,
) -> impl IntoView {
    view! {
        <button
            class=class
            type="button"
            aria-label=label
            title=label
            aria-pressed=move || pressed.get().map(|pressed| pressed.to_string())
            disabled=move || disabled.get().unwrap_or(false)
            tabindex=outside_tab_order.then_some("-1")
            on:click=on_press
        >
            <Glyph icon=icon />
        </button>
    }
}
