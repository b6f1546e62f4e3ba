//! Mouse, pen and finger in the list: clicks, the rubber band, long press, drags.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::ev::{self, MouseEvent, PointerEvent};
use leptos::prelude::*;
use shared::ItemId;
use wasm_bindgen::JsCast;
use web_sys::{DragEvent, Element};

use super::List;
use crate::hooks::drag::begin_drag;
use crate::model::{Entries, Selection};
use crate::ui::MenuAt;

/// A finger that rests this long selects.
const LONG_PRESS: Duration = Duration::from_millis(450);
/// Movement below this is no drag, in pixels.
const SLOP_PIXELS: f64 = 5.0;
/// Where a band near the edge begins to scroll, and how far a step goes, in pixels.
const EDGE_PIXELS: f64 = 36.0;
const EDGE_STEP_PIXELS: i32 = 14;

thread_local! {
    /// The click that ends a band or a long press is not a click.
    static SWALLOW_CLICK: Cell<bool> = const { Cell::new(false) };
    static BY_FINGER: Cell<bool> = const { Cell::new(false) };
}

/// The rubber band, in pixels of the scrolled content.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    from: (f64, f64),
    to: (f64, f64),
}

impl Band {
    fn edges(self) -> (f64, f64, f64, f64) {
        let ((ax, ay), (bx, by)) = (self.from, self.to);
        (ax.min(bx), ay.min(by), ax.max(bx), ay.max(by))
    }

    /// The items that it touches: arithmetic on the layout, since most of them are not in the document.
    fn touched(self, list: List, entries: &Entries) -> Vec<ItemId> {
        let metrics = list.metrics.get_untracked();
        let (left, top, right, bottom) = self.edges();
        if entries.is_empty() || bottom < 0.0 {
            return Vec::new();
        }
        let lines = (top.max(0.0) / metrics.line) as usize..=(bottom / metrics.line) as usize;
        let column = |x: f64| (x.max(0.0) / metrics.cell) as usize;
        let columns = column(left)..=column(right).min(metrics.per_line - 1);
        lines
            .take_while(|line| line * metrics.per_line < entries.len())
            .flat_map(|line| columns.clone().map(move |column| line * metrics.per_line + column))
            .filter_map(|place| entries.at(place).map(|item| item.item.id))
            .collect()
    }
}

#[component]
pub fn RubberBand(band: Band) -> impl IntoView {
    let (left, top, right, bottom) = band.edges();
    view! {
        <div
            class="rubber-band"
            style:left=format!("{left}px")
            style:top=format!("{top}px")
            style:width=format!("{}px", right - left)
            style:height=format!("{}px", bottom - top)
        />
    }
}

fn item_under(event: &web_sys::Event) -> Option<ItemId> {
    let element = event.target()?.dyn_into::<Element>().ok()?;
    element.closest("[data-id]").ok()??.get_attribute("data-id")?.parse().ok()
}

fn is_within(event: &web_sys::Event, selector: &str) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.closest(selector).ok().flatten().is_some())
}

pub(super) fn click(list: List, event: &MouseEvent) {
    if SWALLOW_CLICK.replace(false) || is_within(event, ".collection-head, button, input") {
        return;
    }
    let ui = list.ui;
    let Some(id) = item_under(event) else {
        ui.selection.update(Selection::clear);
        return;
    };
    if BY_FINGER.get() {
        if ui.selection.with_untracked(Selection::is_empty) {
            ui.selection.update(|selection| selection.stand_on(id));
            ui.open(id);
        } else {
            ui.selection.update(|selection| selection.toggle(id));
        }
    } else if event.shift_key() {
        let entries = ui.entries.get_untracked();
        let adding = event.ctrl_key() || event.meta_key();
        ui.selection.update(|selection| selection.extend_to(id, &entries, adding));
    } else if event.ctrl_key() || event.meta_key() {
        ui.selection.update(|selection| selection.toggle(id));
    } else {
        ui.selection.set(Selection::only(id));
    }
}

pub(super) fn double_click(list: List, event: &MouseEvent) {
    let plain = !(event.shift_key() || event.ctrl_key() || event.meta_key() || BY_FINGER.get());
    if plain
        && !is_within(event, "button, input")
        && let Some(id) = item_under(event)
    {
        list.ui.open(id);
    }
}

pub(super) fn context_menu(list: List, event: &MouseEvent) {
    if is_within(event, "input, .collection-head") {
        return;
    }
    event.prevent_default();
    // A finger's long press selects; the menu is behind the bar.
    if BY_FINGER.get() {
        return;
    }
    let ui = list.ui;
    match item_under(event) {
        Some(id) if !ui.selection.with_untracked(|selection| selection.contains(id)) => {
            ui.selection.set(Selection::only(id));
        }
        Some(_) => {}
        None => ui.selection.update(Selection::clear),
    }
    let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
    ui.menu.set(Some(MenuAt { x, y, by_keyboard: false, about: None }));
}

pub(super) fn drag_start(list: List, event: &DragEvent) {
    let Some(id) = item_under(event) else { return };
    // A finger's long press selects; it does not drag.
    if BY_FINGER.get() || list.ui.place.with_untracked(|place| *place == crate::ui::Place::Trash) {
        event.prevent_default();
        return;
    }
    if !list.ui.selection.with_untracked(|selection| selection.contains(id)) {
        list.ui.selection.set(Selection::only(id));
    }
    begin_drag(event, list.ui, list.ui.selected_ids());
}

pub(super) fn down(list: List, event: &PointerEvent) {
    SWALLOW_CLICK.set(false);
    BY_FINGER.set(event.pointer_type() == "touch");
    if event.pointer_type() == "touch" {
        wait_for_long_press(list, event);
    } else if event.button() == 0 && !is_within(event, ".handle, .collection-head, button, input") {
        begin_band(list, event);
    }
}

fn wait_for_long_press(list: List, event: &PointerEvent) {
    let Some(id) = item_under(event) else { return };
    let start = (f64::from(event.client_x()), f64::from(event.client_y()));
    let pressed = set_timeout_with_handle(
        move || {
            SWALLOW_CLICK.set(true);
            list.ui.selection.update(|selection| selection.toggle(id));
        },
        LONG_PRESS,
    );
    let Ok(pressed) = pressed else { return };
    let far = move |event: &PointerEvent| {
        let (x, y) = (f64::from(event.client_x()), f64::from(event.client_y()));
        (x - start.0).abs().max((y - start.1).abs()) > SLOP_PIXELS * 2.0
    };
    follow(move |event| far(event).then(|| pressed.clear()), move || pressed.clear());
}

/// Follows the pointer until it is let go. `moved` may say that enough was seen.
fn follow<T>(moved: impl FnMut(&PointerEvent) -> Option<T> + 'static, ended: impl Fn() + Copy + 'static) {
    let listeners = Rc::new(RefCell::new(Vec::<WindowListenerHandle>::new()));
    let stop = {
        let listeners = listeners.clone();
        move || listeners.take().into_iter().for_each(WindowListenerHandle::remove)
    };
    let end = {
        let stop = stop.clone();
        move |_: PointerEvent| {
            stop();
            ended();
        }
    };
    let moved = RefCell::new(moved);
    let on_move = move |event: PointerEvent| {
        if moved.borrow_mut()(&event).is_some() {
            stop();
        }
    };
    listeners.borrow_mut().extend([
        window_event_listener(ev::pointermove, on_move),
        window_event_listener(ev::pointerup, end.clone()),
        window_event_listener(ev::pointercancel, end),
    ]);
}

fn begin_band(list: List, event: &PointerEvent) {
    let Some(point) = content_point(list, event) else { return };
    let ui = list.ui;
    let adding = event.ctrl_key() || event.meta_key() || event.shift_key();
    let before: Vec<ItemId> = if adding { ui.selected_ids() } else { Vec::new() };
    let moved = move |event: &PointerEvent| {
        let Some(to) = content_point(list, event) else { return Some(()) };
        let far = (to.0 - point.0).abs().max((to.1 - point.1).abs()) > SLOP_PIXELS;
        if list.band.with_untracked(Option::is_none) && !far {
            return None;
        }
        SWALLOW_CLICK.set(true);
        let band = Band { from: point, to };
        list.band.set(Some(band));
        let entries = ui.entries.get_untracked();
        ui.selection.set(Selection::of(before.iter().copied().chain(band.touched(list, &entries))));
        scroll_at_edge(list, event);
        event.prevent_default();
        None
    };
    follow::<()>(moved, move || list.band.set(None));
}

/// The pointer, in pixels of the lines' own box: below the heading, inside the margin.
fn content_point(list: List, event: &PointerEvent) -> Option<(f64, f64)> {
    let scroller = list.scroller.try_get_untracked()??;
    let rect = scroller.get_bounding_client_rect();
    let metrics = list.metrics.get_untracked();
    Some((
        f64::from(event.client_x()) - rect.left() - metrics.margin,
        f64::from(event.client_y()) - rect.top() + f64::from(scroller.scroll_top()) - metrics.head,
    ))
}

fn scroll_at_edge(list: List, event: &PointerEvent) {
    let Some(scroller) = list.scroller.get_untracked() else { return };
    let rect = scroller.get_bounding_client_rect();
    let y = f64::from(event.client_y());
    if y < rect.top() + EDGE_PIXELS {
        scroller.set_scroll_top(scroller.scroll_top() - EDGE_STEP_PIXELS);
    } else if y > rect.bottom() - EDGE_PIXELS {
        scroller.set_scroll_top(scroller.scroll_top() + EDGE_STEP_PIXELS);
    }
}
