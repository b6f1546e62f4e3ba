use leptos::prelude::*;

use super::icon::IconButton;
use crate::ui::{Toast, use_ui};
use crate::words;

/// What just happened, with the way back; and the voice for screen readers.
#[component]
pub fn Toasts() -> impl IntoView {
    let ui = use_ui();
    let row = move |toast: Toast| {
        let Toast { id, text, step } = toast;
        view! {
            <div class="toast">
                <span>{text}</span>
                {step.map(|step| view! {
                    <button class="toast-undo" type="button" on:click=move |_| ui.undo_step(step)>{words::UNDO}</button>
                })}
                <IconButton
                    icon=icondata::LuX
                    label=words::CLOSE.to_owned()
                    on_press=move |_| ui.dismiss_toast(id)
                />
            </div>
        }
    };
    view! {
        <div class="toasts">
            <For each=move || ui.toasts.get() key=|toast| toast.id children=row />
        </div>
        <div class="visually-hidden" role="status" aria-live="polite">{move || ui.announcement.get()}</div>
    }
}
