use leptos::ev;
use leptos::html::Div;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use crate::hooks::listener::on_window;

/// A panel that floats below what opened it; a sheet from below on a phone. Escape, a click elsewhere and
/// leaving by Tab close it, and the focus goes back.
#[component]
pub fn Popover(
    open: RwSignal<bool>,
    #[prop(into)] label: String,
    #[prop(default = "popover")] class: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    view! {
        <Show when=move || open.get()>
            <PopoverPanel open=open label=label.clone() class=class children=children.clone() />
        </Show>
    }
}

#[component]
fn PopoverPanel(
    open: RwSignal<bool>,
    label: String,
    class: &'static str,
    children: ChildrenFn,
) -> impl IntoView {
    let panel = NodeRef::<Div>::new();
    let opener = StoredValue::new_local(document().active_element());
    let close = move || {
        open.set(false);
        opener.with_value(|opener| {
            if let Some(element) = opener.as_ref().and_then(|it| it.dyn_ref::<web_sys::HtmlElement>()) {
                element.focus().ok();
            }
        });
    };
    Effect::new(move || {
        if let Some(panel) = panel.get() {
            panel.focus().ok();
        }
    });
    on_window(ev::pointerdown, move |event| {
        let target = event.target().and_then(|target| target.dyn_into::<web_sys::Node>().ok());
        let inside = |element: Option<&web_sys::Node>| element.is_some_and(|it| it.contains(target.as_ref()));
        let in_panel = panel.get_untracked().is_some_and(|panel| inside(Some(&panel)));
        let in_opener = opener.with_value(|opener| inside(opener.as_deref()));
        if !in_panel && !in_opener {
            open.set(false);
        }
    });
    view! {
        <div class="popover-backdrop" />
        <div
            node_ref=panel
            class=class
            role="dialog"
            aria-label=label
            tabindex="-1"
            on:keydown=move |event| {
                if event.key() == "Escape" {
                    // A dialog around it stays open.
                    event.prevent_default();
                    event.stop_propagation();
                    close();
                }
            }
        >
            {children()}
        </div>
    }
    .into_any()
}
