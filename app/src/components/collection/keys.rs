//! The keyboard in the list.

use std::cell::RefCell;

use leptos::ev::KeyboardEvent;
use leptos::prelude::*;
use shared::ItemId;

use super::{List, element_id};
use crate::actions::Action;
use crate::hooks::listener::is_typing;
use crate::hooks::preferences::Layout;
use crate::model::Selection;
use crate::ui::{Clipboard, MenuAt, Place};

/// Letters that follow each other within this time are one word, in milliseconds.
const TYPE_AHEAD_MS: f64 = 800.0;

thread_local! {
    /// What was typed lately, and when.
    static TYPED: RefCell<(String, f64)> = const { RefCell::new((String::new(), 0.0)) };
}

pub(super) fn pressed(list: List, event: &KeyboardEvent) {
    if is_typing(event) || list.ui.preview.with_untracked(Option::is_some) {
        return;
    }
    let taken = if event.ctrl_key() || event.meta_key() {
        with_modifier(list, event)
    } else if event.alt_key() {
        return;
    } else {
        moved(list, event) || acted(list, event) || typed_ahead(list, event)
    };
    if taken {
        event.prevent_default();
        event.stop_propagation();
    }
}

fn with_modifier(list: List, event: &KeyboardEvent) -> bool {
    let ui = list.ui;
    let action = match event.key().to_lowercase().as_str() {
        "a" => Action::SelectAll,
        "c" => Action::Copy,
        "x" => Action::Cut,
        "i" => Action::Details,
        "arrowdown" => Action::Open,
        "arrowup" => {
            list.ui.go_up();
            return true;
        }
        "arrowleft" | "arrowright" | " " => {
            if let Some(active) = active(list) {
                ui.selection.update(|selection| selection.toggle(active));
            }
            return true;
        }
        _ => return false,
    };
    act(list, action);
    true
}

/// Does what is done to the selection, if the place offers it.
fn act(list: List, action: Action) {
    let ui = list.ui;
    let ids = ui.selected_ids();
    let offered = crate::actions::offered(ui, &ids).iter().any(|group| group.contains(&action));
    if offered || matches!(action, Action::SelectAll | Action::Details) {
        ui.perform(action, ids);
    }
}

fn acted(list: List, event: &KeyboardEvent) -> bool {
    let ui = list.ui;
    match event.key().as_str() {
        "Enter" => {
            if let Some(id) = active(list) {
                ui.open(id);
            }
        }
        " " if !continues_a_name(list, event) => {
            let Some(id) = active(list) else { return true };
            if !ui.selection.with_untracked(|selection| selection.contains(id)) {
                ui.selection.set(Selection::only(id));
            }
            act(list, Action::QuickLook);
        }
        "F2" => act(list, Action::Rename),
        "Delete" | "Backspace" => {
            let in_trash = ui.place.with_untracked(|place| *place == Place::Trash);
            act(list, if in_trash { Action::Purge } else { Action::Delete });
        }
        "Escape" if !ui.clipboard.with_untracked(Clipboard::is_empty) => {
            ui.clipboard.set(Clipboard::default());
        }
        "Escape" => ui.selection.update(Selection::clear),
        "ContextMenu" => open_menu(list),
        "F10" if event.shift_key() => open_menu(list),
        _ => return false,
    }
    true
}

/// At the active item, or at the list's corner.
fn open_menu(list: List) {
    let Some(scroller) = list.scroller.get_untracked() else { return };
    let item = active(list).and_then(|id| document().get_element_by_id(&element_id(id)));
    let rect =
        item.map_or_else(|| scroller.get_bounding_client_rect(), |item| item.get_bounding_client_rect());
    if let Some(id) = active(list)
        && list.ui.selection.with_untracked(Selection::is_empty)
    {
        list.ui.selection.set(Selection::only(id));
    }
    list.ui.menu.set(Some(MenuAt {
        x: rect.left() + 48.0,
        y: rect.top() + 32.0,
        by_keyboard: true,
        about: None,
    }));
}

fn active(list: List) -> Option<ItemId> {
    list.ui.selection.with_untracked(Selection::active)
}

/// Arrows, home, end and pages.
fn moved(list: List, event: &KeyboardEvent) -> bool {
    let ui = list.ui;
    let entries = ui.entries.get_untracked();
    let metrics = list.metrics.get_untracked();
    let is_grid = ui.preferences.with_untracked(|it| it.layout == Layout::Grid);
    let page = (list.viewport.get_untracked().height / metrics.line) as usize * metrics.per_line;
    let here = active(list).and_then(|id| entries.place(id));
    let last = entries.len().saturating_sub(1);
    let step = |forward: bool, by: usize| match here {
        Some(here) if forward && here + by <= last => here + by,
        Some(here) if forward && by == 1 => here,
        // The last line may be short: down goes to its end.
        Some(here) if forward => {
            if here / metrics.per_line < last / metrics.per_line {
                last
            } else {
                here
            }
        }
        Some(here) if here >= by => here - by,
        Some(here) if by <= metrics.per_line => here,
        _ => 0,
    };
    let target = match event.key().as_str() {
        "ArrowDown" => step(true, metrics.per_line),
        "ArrowUp" => step(false, metrics.per_line),
        "ArrowRight" if is_grid => step(true, 1),
        "ArrowLeft" if is_grid => step(false, 1),
        "PageDown" => step(true, page.max(1)),
        "PageUp" => step(false, page.max(1)),
        "Home" => 0,
        "End" => last,
        _ => return false,
    };
    if let Some(item) = entries.at(target) {
        stand(list, item.item.id, target, event.shift_key());
    }
    true
}

/// The keyboard goes to an item and selects it, or selects up to it.
fn stand(list: List, id: ItemId, place: usize, extending: bool) {
    if extending {
        let entries = list.ui.entries.get_untracked();
        list.ui.selection.update(|selection| selection.extend_to(id, &entries, false));
    } else {
        list.ui.selection.set(Selection::only(id));
    }
    list.reveal(place);
}

/// Whether the space belongs to a name that is being typed.
fn continues_a_name(list: List, event: &KeyboardEvent) -> bool {
    let typed = TYPED
        .with_borrow(|(text, at)| (event.time_stamp() - at <= TYPE_AHEAD_MS).then(|| format!("{text} ")));
    let entries = list.ui.entries.get_untracked();
    typed.is_some_and(|typed| entries.beginning_with(&typed, 0).is_some())
}

fn typed_ahead(list: List, event: &KeyboardEvent) -> bool {
    let key = event.key();
    let mut letters = key.chars();
    let (Some(letter), None) = (letters.next(), letters.next()) else { return false };
    if letter.is_control() || matches!(letter, '/' | '?') {
        return false;
    }
    let now = event.time_stamp();
    let typed = TYPED.with_borrow_mut(|(text, at)| {
        if now - *at > TYPE_AHEAD_MS {
            text.clear();
        }
        text.push(letter);
        *at = now;
        text.clone()
    });
    let entries = list.ui.entries.get_untracked();
    let here = active(list).and_then(|id| entries.place(id)).unwrap_or(0);
    // A new word begins after the active item, a longer one may still be it.
    let from = if typed.chars().count() == 1 { here + 1 } else { here };
    if let Some(place) = entries.beginning_with(&typed, from)
        && let Some(item) = entries.at(place)
    {
        stand(list, item.item.id, place, false);
    }
    true
}
