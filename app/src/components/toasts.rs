use leptos::prelude::*;

use super::icon::IconButton;
use crate::ui::{Toast, ToastAction, use_ui};
use crate::words;

/// What just happened, with the way back; and the voice for screen readers.
#[component]
pub fn Toasts() -> impl IntoView {
    let ui = use_ui();
    let row = move |toast: Toast| {
        let Toast { id, text, action } = toast;
        let act = move |action| match action {
            ToastAction::Undo(step) => ui.undo_step(step),
            ToastAction::Review(conflict) => {
                ui.dismiss_toast(id);
                ui.review(conflict);
            }
        };
        let label = |action: &ToastAction| match action {
            ToastAction::Undo(_) => words::UNDO,
            ToastAction::Review(_) => words::REVIEW,
        };
        view! {
            <div class="toast">
                <span>{text}</span>
                {action.map(|action| view! {
                    <button class="toast-undo" type="button" on:click=move |_| act(action)>{label(&action)}</button>
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
