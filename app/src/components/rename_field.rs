use leptos::ev::KeyboardEvent;
use leptos::html::Input;
use leptos::prelude::*;
use shared::{ItemId, ItemKind, ItemName};

use crate::ui::use_ui;
use crate::words;

/// The name of an item, being written in place. Enter and leaving keep it, Escape does not.
#[component]
pub fn RenameField(id: ItemId) -> impl IntoView {
    let ui = use_ui();
    let item = ui.item_now(id);
    let name = item.as_ref().map(|item| item.item.name.clone()).unwrap_or_default();
    let is_folder = item.is_some_and(|item| item.item.kind == ItemKind::Folder);
    let input = NodeRef::<Input>::new();
    let problem = RwSignal::new(None::<String>);
    let done = StoredValue::new(false);

    // The stem is selected, so that typing keeps the extension.
    let stem_end = match ItemName::parse(&name) {
        Ok(name) if !is_folder => name.stem_and_extension().0.encode_utf16().count(),
        _ => name.encode_utf16().count(),
    };
    Effect::new(move || {
        if let Some(input) = input.get() {
            input.focus().ok();
            input.set_selection_range(0, stem_end as u32).ok();
        }
    });

    let close = move |back_to_list: bool| {
        done.set_value(true);
        ui.renaming.set(None);
        if back_to_list {
            ui.take_focus();
        }
    };
    let keep = move |back_to_list: bool| {
        let Some(text) = input.get_untracked().map(|input| input.value()) else { return };
        match ui.rename(id, &text) {
            Ok(()) => close(back_to_list),
            Err(reason) if back_to_list => problem.set(Some(reason)),
            // Someone who went elsewhere is not held back: the old name stays, and they hear why.
            Err(reason) => {
                close(false);
                ui.say(reason);
            }
        }
    };
    let on_key = move |event: KeyboardEvent| {
        event.stop_propagation();
        match event.key().as_str() {
            "Enter" => keep(true),
            "Escape" => {
                event.prevent_default();
                close(true);
            }
            _ => {}
        }
    };
    view! {
        <span class="rename">
            <input
                node_ref=input
                class="rename-input"
                type="text"
                value=name.clone()
                spellcheck="false"
                autocomplete="off"
                aria-label=words::new_name_of(&name)
                aria-invalid=move || problem.with(Option::is_some).to_string()
                on:keydown=on_key
                on:input=move |_| problem.set(None)
                on:blur=move |_| {
                    if done.try_get_value() == Some(false) {
                        keep(false);
                    }
                }
                on:pointerdown=|event| event.stop_propagation()
                on:click=|event| event.stop_propagation()
                on:dblclick=|event| event.stop_propagation()
            />
            {move || problem.get().map(|reason| view! { <span class="rename-problem" role="alert">{reason}</span> })}
        </span>
    }
}
