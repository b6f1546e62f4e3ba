use std::time::Duration;

use leptos::prelude::*;

use super::Editing;
use crate::components::markdown::Markdown;
use crate::words;

/// How far the page follows behind the keys, for a text and for a long one.
const BEHIND: Duration = Duration::from_millis(120);
const BEHIND_LONG: Duration = Duration::from_millis(600);
/// In bytes.
const LONG_TEXT: usize = 128 * 1024;

/// The page that a Markdown text makes, while it is written.
#[component]
pub fn Preview(editing: Editing) -> impl IntoView {
    let shown = RwSignal::new(editing.session().text());
    let waiting = StoredValue::new(false);
    Effect::new(move || {
        let text = editing.text();
        if waiting.get_value() || shown.with_untracked(|shown| *shown == text) {
            return;
        }
        waiting.set_value(true);
        let behind = if text.len() > LONG_TEXT { BEHIND_LONG } else { BEHIND };
        set_timeout(
            move || {
                if waiting.try_set_value(false).is_none() {
                    shown.set(untrack(|| editing.text()));
                }
            },
            behind,
        );
    });
    view! {
        <section class="editor-preview" aria-label=words::PREVIEW tabindex="0">
            {move || view! { <Markdown text=shown.get() /> }}
        </section>
    }
    .into_any()
}
