//! Mouse, pen and finger on photos: a click opens, a tick selects, a finger that rests selects.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent, PointerEvent};

use super::Gallery;
use crate::hooks::listener::on_target;

/// A finger that rests this long selects.
const LONG_PRESS: Duration = Duration::from_millis(450);
/// Movement below this is none, in pixels.
const SLOP_PIXELS: i32 = 8;

/// A finger that is down.
#[derive(Clone, Copy)]
struct Press {
    number: u64,
    x: i32,
    y: i32,
}

fn place_under(event: &web_sys::Event) -> Option<usize> {
    place_of(&event.target()?.dyn_into::<Element>().ok()?)
}

fn place_of(element: &Element) -> Option<usize> {
    element.closest("[data-place]").ok()??.get_attribute("data-place")?.parse().ok()
}

fn is_on_tick(event: &web_sys::Event) -> bool {
    let element = event.target().and_then(|target| target.dyn_into::<Element>().ok());
    element.is_some_and(|element| element.closest(".photo-tick").ok().flatten().is_some())
}

/// Listens on the photos, for as long as the component lives.
pub fn listen(gallery: Gallery, scroller: &HtmlElement) {
    let press = Rc::new(Cell::new(None::<Press>));
    let was_long = Rc::new(Cell::new(false));
    let presses = Rc::new(Cell::new(0_u64));

    let (down, long) = (press.clone(), was_long.clone());
    on_target(scroller, "pointerdown", move |event| {
        let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
        long.set(false);
        let Some(place) = place_under(event).filter(|_| event.pointer_type() == "touch") else { return };
        let number = presses.get() + 1;
        presses.set(number);
        down.set(Some(Press { number, x: event.client_x(), y: event.client_y() }));
        let (down, long) = (down.clone(), long.clone());
        set_timeout(
            move || {
                if down.get().is_some_and(|press| press.number == number) {
                    long.set(true);
                    gallery.toggle(place);
                }
            },
            LONG_PRESS,
        );
    });
    let moved = press.clone();
    on_target(scroller, "pointermove", move |event| {
        let Some((event, at)) = event.dyn_ref::<PointerEvent>().zip(moved.get()) else { return };
        if (event.client_x() - at.x).abs().max((event.client_y() - at.y).abs()) > SLOP_PIXELS {
            moved.set(None);
        }
    });
    for end in ["pointerup", "pointercancel"] {
        let press = press.clone();
        on_target(scroller, end, move |_| press.set(None));
    }
    let long = was_long.clone();
    on_target(scroller, "contextmenu", move |event| {
        // The end of a long press.
        if long.get() || press.get().is_some() {
            event.prevent_default();
        }
    });
    on_target(scroller, "click", move |event| {
        // The click that ends a long press is none.
        if was_long.replace(false) {
            return;
        }
        let Some(event) = event.dyn_ref::<MouseEvent>() else { return };
        // A tile that was moved between press and release hears of no click.
        let place = place_under(event).or_else(|| {
            let (x, y) = (event.client_x() as f32, event.client_y() as f32);
            place_of(&document().element_from_point(x, y)?)
        });
        if let Some(place) = place {
            click(gallery, event, place);
        }
    });
}

fn click(gallery: Gallery, event: &MouseEvent, place: usize) {
    if event.shift_key() {
        let adding = event.ctrl_key() || event.meta_key();
        gallery.selection.update(|selection| selection.extend_to(place, adding));
        return gallery.learn();
    }
    let is_selecting = gallery.selection.with_untracked(|selection| !selection.is_empty());
    if is_selecting || event.ctrl_key() || event.meta_key() || is_on_tick(event) {
        gallery.toggle(place);
    } else {
        gallery.selection.update(|selection| selection.stand_on(place));
        gallery.open(place);
    }
}

impl Gallery {
    fn toggle(self, place: usize) {
        let id = self.id_at(place);
        self.selection.update(|selection| selection.toggle(place, id));
    }
}
