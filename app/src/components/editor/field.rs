//! The text field: what it holds, what is selected, and changes that the browser's undo knows of.

use js_sys::{Array, Function, Reflect};
use leptos::prelude::*;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::HtmlTextAreaElement;

use crate::model::text::{Match, Patch, carried};

/// Beyond this, the browser's own editing takes too long for one change: it is made without undo.
const UNDOABLE_UNITS_MAX: usize = 100_000;
/// Stretches that are changed one by one.
const PATCHES_MAX: usize = 50;

pub fn selected(field: &HtmlTextAreaElement) -> Match {
    let start = field.selection_start().ok().flatten().unwrap_or(0);
    Match { start, end: field.selection_end().ok().flatten().unwrap_or(start) }
}

pub fn select(field: &HtmlTextAreaElement, at: Match) {
    field.set_selection_range(at.start, at.end).ok();
}

/// Puts `text` in the place of a stretch, as if the person had typed it: undo takes it back. The field hears of
/// it as of any key.
pub fn replace(field: &HtmlTextAreaElement, at: Match, text: &str) {
    let has_focus = document().active_element().as_ref() == Some(field.as_ref());
    if !has_focus {
        field.focus().ok();
    }
    select(field, at);
    let is_short = text.len().max((at.end - at.start) as usize) <= UNDOABLE_UNITS_MAX;
    if !(is_short && typed(text)) {
        field.set_range_text_with_start_and_end(text, at.start, at.end).ok();
        if let Ok(event) = web_sys::Event::new("input") {
            field.dispatch_event(&event).ok();
        }
    }
}

/// Lets the browser type into what has the focus. It is the one way that undo knows of, and an old one, which
/// web-sys gives to other kinds of page only.
fn typed(text: &str) -> bool {
    let page = document();
    let Ok(command) = Reflect::get(&page, &"execCommand".into()).and_then(JsCast::dyn_into::<Function>)
    else {
        return false;
    };
    let name = if text.is_empty() { "delete" } else { "insertText" };
    let arguments = Array::of3(&name.into(), &JsValue::FALSE, &text.into());
    command.apply(&page, &arguments).is_ok_and(|done| done.is_truthy())
}

/// Brings in a text from elsewhere. Caret, selection and what is in view stay where the person has them.
pub fn bring_in(field: &HtmlTextAreaElement, text: &str, patches: &[Patch]) {
    let before = selected(field);
    let after = Match { start: carried(before.start, patches), end: carried(before.end, patches) };
    let backward = field.selection_direction().ok().flatten().as_deref() == Some("backward");
    let (top, height) = (field.scroll_top(), field.scroll_height());
    let grown_above = before.start <= after.start && patches.iter().all(|patch| patch.end <= before.start);
    let has_focus = document().active_element().as_ref() == Some(field.as_ref());
    let units: usize =
        patches.iter().map(|patch| patch.text.len().max((patch.end - patch.start) as usize)).sum();
    if has_focus && patches.len() <= PATCHES_MAX && units <= UNDOABLE_UNITS_MAX {
        for patch in patches.iter().rev() {
            select(field, Match { start: patch.start, end: patch.end });
            typed(&patch.text);
        }
    }
    if field.value() != text {
        field.set_value(text);
    }
    let direction = if backward { "backward" } else { "forward" };
    field.set_selection_range_with_direction(after.start, after.end, direction).ok();
    // What comes in above pushes the lines down: the eye stays on its own.
    let shift = if grown_above && top > 0 { field.scroll_height() - height } else { 0 };
    field.set_scroll_top(top + shift);
}
