use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::model::Sort;

/// The key in the browser's local storage.
const STORAGE_KEY: &str = "cloudstead.preferences";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    const fn attribute(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Density {
    #[default]
    Comfortable,
    Compact,
}

impl Density {
    /// A row of the list, in pixels; the stylesheet's `--row` says the same.
    pub const fn row_pixels(self) -> f64 {
        match self {
            Self::Comfortable => 40.0,
            Self::Compact => 32.0,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Layout {
    #[default]
    List,
    Grid,
}

/// What is seen of a Markdown text that is edited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EditorView {
    Write,
    /// Side by side, where there is room.
    #[default]
    Both,
    Read,
}

impl EditorView {
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Both => "both",
            Self::Read => "read",
        }
    }
}

/// What a person chose for this browser.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub theme: Theme,
    pub density: Density,
    pub layout: Layout,
    pub sort: Sort,
    pub details_open: bool,
    pub editor_view: EditorView,
}

/// The preferences, read from the browser's storage and written back with every change.
pub fn use_preferences() -> RwSignal<Preferences> {
    let preferences = RwSignal::new(stored().unwrap_or_default());
    Effect::new(move || {
        preferences.with(|preferences| {
            apply(preferences);
            store(preferences);
        });
    });
    preferences
}

/// Puts the theme and density on the document, where the stylesheet looks for them.
fn apply(preferences: &Preferences) {
    if let Some(root) = document().document_element() {
        root.set_attribute("data-theme", preferences.theme.attribute()).ok();
        let compact = preferences.density == Density::Compact;
        root.set_attribute("data-density", if compact { "compact" } else { "comfortable" }).ok();
    }
}

/// Puts the stored theme on a page that has no settings of its own, as sign-in.
pub fn apply_stored_theme() {
    apply(&stored().unwrap_or_default());
}

fn stored() -> Option<Preferences> {
    let text = window().local_storage().ok()??.get_item(STORAGE_KEY).ok()??;
    serde_json::from_str(&text).ok()
}

fn store(preferences: &Preferences) {
    if let (Ok(Some(storage)), Ok(text)) = (window().local_storage(), serde_json::to_string(preferences)) {
        // A full or forbidden storage costs the choice at the next visit, nothing else.
        storage.set_item(STORAGE_KEY, &text).ok();
    }
}
