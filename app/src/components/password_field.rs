use leptos::prelude::*;

use super::icon::Glyph;
use crate::words;

/// A password, which can be shown.
#[component]
pub fn PasswordField(
    #[prop(default = "password")] id: &'static str,
    #[prop(default = words::PASSWORD)] label: &'static str,
    value: RwSignal<String>,
    autocomplete: &'static str,
    #[prop(optional)] hint: Option<String>,
    #[prop(optional)] autofocus: bool,
) -> impl IntoView {
    let shown = RwSignal::new(false);
    let hint_id = hint.as_ref().map(|_| format!("{id}-hint"));
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <div class="field-with-button">
                <input
                    id=id
                    name=id
                    type=move || if shown.get() { "text" } else { "password" }
                    autocomplete=autocomplete
                    autofocus=autofocus
                    aria-describedby=hint_id.clone()
                    prop:value=value
                    on:input=move |event| value.set(event_target_value(&event))
                />
                <button
                    class="icon-button"
                    type="button"
                    aria-label=move || if shown.get() { words::HIDE_PASSWORD } else { words::SHOW_PASSWORD }
                    on:click=move |_| shown.update(|shown| *shown = !*shown)
                >
                    <Glyph icon=icondata::LuEye />
                </button>
            </div>
            {hint.map(|hint| view! { <p class="field-hint" id=hint_id>{hint}</p> })}
        </div>
    }
}
