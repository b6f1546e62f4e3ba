use leptos::prelude::*;

use super::dialog::{Dialog, DialogSize};
use crate::ui::use_ui;
use crate::words;

/// The keys and what they do.
#[component]
pub fn ShortcutList(
    /// Whether it scrolls by itself, so that the keyboard has to get into it.
    #[prop(optional)]
    scrolls: bool,
) -> impl IntoView {
    let rows = words::SHORTCUT_LIST
        .iter()
        .map(|(what, keys)| {
            let keys = keys.iter().map(|key| view! { <kbd>{key_name(key)}</kbd> }).collect_view();
            view! { <div class="shortcut"><dt>{*what}</dt><dd>{keys}</dd></div> }
        })
        .collect_view();
    view! { <dl class="shortcuts" tabindex=scrolls.then_some("0")>{rows}</dl> }
}

/// The list as a sheet of its own: `?`.
#[component]
pub fn ShortcutSheet() -> impl IntoView {
    let ui = use_ui();
    let close = move || {
        ui.dialog.set(None);
        ui.take_focus();
    };
    view! {
        <Dialog title=words::SHORTCUTS.to_owned() on_close=close size=DialogSize::Medium>
            <ShortcutList scrolls=true />
        </Dialog>
    }
}

/// `Mod` as this machine writes it.
pub fn key_name(key: &str) -> String {
    key.replace("Mod", if is_mac() { "⌘" } else { "Ctrl" })
}

fn is_mac() -> bool {
    window()
        .navigator()
        .platform()
        .is_ok_and(|platform| platform.starts_with("Mac") || platform.starts_with("iP"))
}
