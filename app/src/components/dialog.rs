use leptos::html::Dialog as DialogElement;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::icon::IconButton;
use crate::words;

/// How wide a modal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DialogSize {
    #[default]
    Small,
    Medium,
}

impl DialogSize {
    const fn class(self) -> &'static str {
        match self {
            Self::Small => "dialog dialog-small",
            Self::Medium => "dialog dialog-medium",
        }
    }
}

/// A modal. The browser keeps the focus inside, and gives it back to where it came from.
#[component]
pub fn Dialog(
    #[prop(into)] title: Signal<String>,
    /// Escape, the cross, a click beside it.
    on_close: impl Fn() + Copy + Send + Sync + 'static,
    #[prop(optional)] size: DialogSize,
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<DialogElement>::new();
    Effect::new(move || {
        if let Some(dialog) = dialog.get()
            && !dialog.open()
        {
            dialog.show_modal().ok();
        }
    });
    view! {
        <dialog
            node_ref=dialog
            class=size.class()
            aria-label=title
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                on_close();
            }
            on:pointerdown=move |event| {
                // The backdrop is the dialog's own box; what is in it lies in the panel.
                let on_backdrop = dialog.get_untracked().is_some_and(|dialog| {
                    event.target().is_some_and(|target| target == *dialog.unchecked_ref::<web_sys::EventTarget>())
                });
                if on_backdrop {
                    on_close();
                }
            }
        >
            <div class="dialog-panel">
                <header class="dialog-head">
                    <h2>{title}</h2>
                    <IconButton icon=icondata::LuX label=words::CLOSE.to_owned() on_press=move |_| on_close() />
                </header>
                {children()}
            </div>
        </dialog>
    }
    .into_any()
}
