use leptos::prelude::*;
use leptos::tachys::html::InertElement;

/// An icon of the set, 20 px, hidden from screen readers: the control around it carries the name. The browser
/// reads each icon once and copies it from then on: a list has hundreds.
#[component]
pub fn Glyph(icon: icondata::Icon) -> impl IntoView {
    let attributes: String = [
        ("viewBox", icon.view_box),
        ("style", icon.style),
        ("stroke-linecap", icon.stroke_linecap),
        ("stroke-linejoin", icon.stroke_linejoin),
        ("stroke-width", icon.stroke_width),
        ("stroke", icon.stroke),
        ("fill", icon.fill.or(Some("currentColor"))),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some(format!(" {name}=\"{}\"", value?)))
    .collect();
    let drawing = icon.data;
    InertElement::new(format!(
        "<span class=\"glyph\" aria-hidden=\"true\"><svg width=\"1em\" height=\"1em\"{attributes}>{drawing}</svg></span>"
    ))
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
