//! Drag and drop, by delegation: a place that takes drops carries `data-drop` with its folder's id, and the
//! window's four events do the rest, for items of the page and for files of the desktop alike.

use std::time::Duration;

use leptos::ev;
use leptos::prelude::*;
use shared::ItemId;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Element};

use super::desktop_files;
use super::listener::on_window;
use crate::actions::Action;
use crate::ui::{Place, Ui};

/// How long one hovers over a folder until it springs open.
const SPRING: Duration = Duration::from_millis(900);

/// Listens for drags over the whole page.
pub fn use_page_drops(ui: Ui) {
    let spring = StoredValue::new(None::<TimeoutHandle>);
    let stop_spring = move || {
        if let Some(waiting) = spring.try_update_value(Option::take).flatten() {
            waiting.clear();
        }
    };
    let target = move |folder: Option<ItemId>| {
        if ui.drop_target.get_untracked() == folder {
            return;
        }
        ui.drop_target.set(folder);
        stop_spring();
        if let Some(folder) = folder
            && ui.place.get_untracked() != Place::Folder(folder)
        {
            let waiting = set_timeout_with_handle(move || ui.go(&ui.folder_address(folder)), SPRING);
            spring.set_value(waiting.ok());
        }
    };
    let end = move || {
        stop_spring();
        ui.drop_target.set(None);
        ui.over_trash.set(false);
        ui.desktop_drag.set(false);
        ui.dragged.set(Vec::new());
    };

    on_window(ev::dragover, move |event| {
        let Some(carried) = Carried::of(&event, ui) else { return };
        event.prevent_default();
        let under = folder_under(&event);
        let over_trash = matches!(carried, Carried::Items) && is_over(&event, "[data-trash]");
        if ui.over_trash.get_untracked() != over_trash {
            ui.over_trash.set(over_trash);
        }
        let folder = match carried {
            Carried::Items => under
                .or_else(|| shown_under(&event, ui))
                .filter(|folder| ui.dragged.with_untracked(|ids| ui.can_move(ids, *folder))),
            Carried::Desktop => {
                ui.desktop_drag.set(true);
                under.or_else(|| Some(ui.upload_target()))
            }
        };
        if let Some(transfer) = event.data_transfer() {
            transfer.set_drop_effect(match (carried, folder) {
                (Carried::Items, Some(_)) => "move",
                (Carried::Items, None) if over_trash => "move",
                (Carried::Desktop, _) => "copy",
                (Carried::Items, None) => "none",
            });
        }
        target(folder);
    });
    on_window(ev::dragleave, move |event| {
        // Leaving the window is the leave that enters nothing.
        if event.related_target().is_none() {
            stop_spring();
            ui.drop_target.set(None);
            ui.over_trash.set(false);
            ui.desktop_drag.set(false);
        }
    });
    on_window(ev::drop, move |event| {
        let Some(carried) = Carried::of(&event, ui) else { return };
        event.prevent_default();
        let folder = ui.drop_target.get_untracked();
        match (carried, folder) {
            (Carried::Items, Some(folder)) => ui.move_into(ui.dragged.get_untracked(), folder),
            (Carried::Desktop, folder) => {
                if let Some(transfer) = event.data_transfer() {
                    let folder = folder.unwrap_or_else(|| ui.upload_target());
                    let files = desktop_files::dropped(&transfer);
                    ui.upload_coming(folder, files);
                }
            }
            (Carried::Items, None) if ui.over_trash.get_untracked() => {
                ui.perform(Action::Delete, ui.dragged.get_untracked());
            }
            (Carried::Items, None) => {}
        }
        end();
    });
    on_window(ev::dragend, move |_| end());
    // A row that left the document while it was dragged hears no end; but pointers rest during a drag.
    on_window(ev::pointermove, move |_| {
        if !ui.dragged.with_untracked(Vec::is_empty) {
            end();
        }
    });
    on_cleanup(stop_spring);
}

/// What a drag carries.
#[derive(Clone, Copy)]
enum Carried {
    Items,
    Desktop,
}

impl Carried {
    fn of(event: &DragEvent, ui: Ui) -> Option<Self> {
        if !ui.dragged.with_untracked(Vec::is_empty) {
            return Some(Self::Items);
        }
        let types = event.data_transfer()?.types();
        types.iter().any(|kind| kind.as_string().as_deref() == Some("Files")).then_some(Self::Desktop)
    }
}

fn folder_under(event: &DragEvent) -> Option<ItemId> {
    let element = event.target()?.dyn_into::<Element>().ok()?;
    element.closest("[data-drop]").ok()??.get_attribute("data-drop")?.parse().ok()
}

/// The folder that is shown: what sprang open takes drops anywhere in its list.
fn shown_under(event: &DragEvent, ui: Ui) -> Option<ItemId> {
    match ui.place.get_untracked() {
        Place::Folder(folder) if is_over(event, "#content") => Some(folder),
        _ => None,
    }
}

fn is_over(event: &DragEvent, selector: &str) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.closest(selector).ok().flatten().is_some())
}

/// Begins to drag items of the page.
pub fn begin_drag(event: &DragEvent, ui: Ui, ids: Vec<ItemId>) {
    if let Some(transfer) = event.data_transfer() {
        transfer.set_effect_allowed("move");
        let text = ui.single_name(&ids).unwrap_or_else(|| crate::words::items(ids.len()));
        transfer.set_data("text/plain", &text).ok();
        drag_image(&transfer, &text);
    }
    ui.dragged.set(ids);
}

/// A small label under the pointer instead of a picture of the whole row.
fn drag_image(transfer: &web_sys::DataTransfer, text: &str) {
    let (Ok(label), Some(body)) = (document().create_element("div"), document().body()) else { return };
    label.set_class_name("drag-label");
    label.set_text_content(Some(text));
    body.append_child(&label).ok();
    transfer.set_drag_image(&label, -12, -8);
    set_timeout(move || label.remove(), Duration::ZERO);
}
