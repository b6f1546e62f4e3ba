use leptos::prelude::*;

use super::listener::on_target;

/// Phones: one column, sheets instead of menus.
pub const NARROW: &str = "(max-width: 640px)";

/// Devices that are touched, as a rule with a camera and a library of photos of their own.
pub const TOUCH: &str = "(pointer: coarse)";

/// Whether a media query holds, followed while the component lives.
pub fn use_media(query: &str) -> Signal<bool> {
    let matches = RwSignal::new(false);
    if let Ok(Some(list)) = window().match_media(query) {
        matches.set(list.matches());
        let held = list.clone();
        on_target(&list, "change", move |_| matches.set(held.matches()));
    }
    matches.into()
}

/// Whether a media query holds right now.
pub fn media_matches(query: &str) -> bool {
    window().match_media(query).ok().flatten().is_some_and(|list| list.matches())
}
