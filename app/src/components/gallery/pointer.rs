//! Mouse, pen and finger on photos: a click opens, a tick selects, a finger that rests selects, and what is dragged
//! selects more; while an album is arranged, what is dragged is carried to another place. What is meant is the photo that was pressed: what comes meanwhile is arranged when the pointer is up.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use shared::ItemId;
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, MouseEvent, PointerEvent};

use super::Gallery;
use super::arrange::Carry;
use super::drag::Drag;
use super::sweep::Sweep;
use crate::hooks::listener::on_target;

/// A finger that rests this long selects.
const LONG_PRESS: Duration = Duration::from_millis(450);
/// Movement below this is none, in pixels.
const SLOP_PIXELS: i32 = 8;
/// Nothing is arranged for this long at most: what a pointer's end is not told for holds nobody up.
const HOLD_MAX: Duration = Duration::from_secs(5);
/// The click follows the end of a press, that of a finger as an event of its own.
const CLICK_WITHIN: Duration = Duration::from_millis(50);

/// A photo that was pressed.
#[derive(Clone, Copy)]
struct Press {
    number: u64,
    place: usize,
    /// Where it is known.
    id: Option<ItemId>,
    is_on_tick: bool,
    x: i32,
    y: i32,
    /// A finger that has not moved, and is down.
    is_resting: bool,
    has_moved: bool,
}

pub fn place_under(event: &web_sys::Event) -> Option<usize> {
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
    let drag = Rc::new(RefCell::new(None));
    listen_to_presses(gallery, scroller, &press, &was_long, &drag);
    listen_to_drags(gallery, scroller, &press, &was_long, &drag);
    let (long, down) = (was_long.clone(), press.clone());
    on_target(scroller, "contextmenu", move |event| {
        // The end of a long press.
        if long.get() || down.get().is_some_and(|press| press.is_resting) {
            event.prevent_default();
        }
    });
    on_target(scroller, "click", move |event| {
        // The click that ends a long press or a drag is none.
        if was_long.replace(false) {
            return;
        }
        let Some(event) = event.dyn_ref::<MouseEvent>() else { return };
        let Some(pressed) = press.take() else {
            // Made by a program, such as one that reads the screen.
            if let Some(place) = place_under(event) {
                click(gallery, event, place, gallery.id_at(place));
            }
            return;
        };
        let is_meant = !pressed.has_moved || place_under(event) == Some(pressed.place);
        let place = match pressed.id {
            Some(id) => {
                gallery.let_go();
                gallery.place_now(id)
            }
            None => Some(pressed.place),
        };
        if let Some(place) = place.filter(|_| is_meant) {
            if pressed.is_on_tick && !event.shift_key() {
                gallery.toggle(place, pressed.id);
            } else {
                click(gallery, event, place, pressed.id);
            }
        }
        gallery.let_go();
    });
}

/// What is dragged, as long as a pointer is down.
type Dragged = Rc<RefCell<Option<Rc<dyn Drag>>>>;

/// Notes what is pressed, and has it stay where it is until the pointer is up.
fn listen_to_presses(
    gallery: Gallery,
    scroller: &HtmlElement,
    press: &Rc<Cell<Option<Press>>>,
    was_long: &Rc<Cell<bool>>,
    drag: &Dragged,
) {
    let presses = Rc::new(Cell::new(0_u64));
    let (down, long, dragged) = (press.clone(), was_long.clone(), drag.clone());
    on_target(scroller, "pointerdown", move |event| {
        let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
        long.set(false);
        if down.take().is_some() {
            gallery.let_go();
        }
        let Some(place) = place_under(event).filter(|_| event.button() == 0) else { return };
        let number = presses.get() + 1;
        presses.set(number);
        let pressed = Press {
            number,
            place,
            id: gallery.stage().and_then(|stage| stage.photo_seen(place)),
            is_on_tick: is_on_tick(event),
            x: event.client_x(),
            y: event.client_y(),
            is_resting: event.pointer_type() == "touch",
            has_moved: false,
        };
        down.set(Some(pressed));
        gallery.hold();
        after(&down, number, HOLD_MAX, move |_| gallery.let_go());
        let (ended, long, dragged) = (down.clone(), long.clone(), dragged.clone());
        let (pointer, target) = (event.pointer_id(), event.target());
        after(&down, number, LONG_PRESS, move |pressed| {
            if pressed.is_resting {
                long.set(true);
                ended.set(None);
                gallery.let_go();
                let place = gallery.place_pressed(pressed);
                let at = (pressed.x, pressed.y);
                dragged.replace(place.and_then(|place| -> Option<Rc<dyn Drag>> {
                    if gallery.is_arranging() {
                        return Some(Carry::begin(gallery, place, at, pointer, target)?);
                    }
                    Some(Sweep::by_finger(gallery, place, at, pointer, target)?)
                }));
            }
        });
    });
    let moved = press.clone();
    on_target(scroller, "pointermove", move |event| {
        let Some((event, at)) = event.dyn_ref::<PointerEvent>().zip(moved.get()) else { return };
        if is_far((at.x, at.y), event) {
            moved.set(Some(Press { is_resting: false, has_moved: true, ..at }));
        }
    });
    // It may be up elsewhere.
    for end in ["pointerup", "pointercancel"] {
        let press = press.clone();
        on_target(&window(), end, move |_| {
            let Some(pressed) = press.get() else { return };
            press.set(Some(Press { is_resting: false, ..pressed }));
            let ended = press.clone();
            after(&press, pressed.number, CLICK_WITHIN, move |_| {
                ended.set(None);
                gallery.let_go();
            });
        });
    }
}

/// A mouse that is pressed and moved draws a band, or carries what it was pressed on; what is dragged follows its
/// pointer, and ends with it.
fn listen_to_drags(
    gallery: Gallery,
    scroller: &HtmlElement,
    press: &Rc<Cell<Option<Press>>>,
    was_long: &Rc<Cell<bool>>,
    drag: &Dragged,
) {
    let start = Rc::new(Cell::new(None::<(i32, i32)>));
    let down = start.clone();
    on_target(scroller, "pointerdown", move |event| {
        let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
        let is_mouse = event.pointer_type() != "touch" && event.button() == 0;
        down.set(is_mouse.then(|| (event.client_x(), event.client_y())));
    });
    let (moved, press, long, dragged) = (start.clone(), press.clone(), was_long.clone(), drag.clone());
    on_target(scroller, "pointermove", move |event| {
        let Some(event) = event.dyn_ref::<PointerEvent>() else { return };
        let begun = moved.get().filter(|from| event.buttons() & 1 == 1 && is_far(*from, event));
        if let Some(from) = begun {
            moved.set(None);
            long.set(true);
            let pressed = press.take();
            gallery.let_go();
            dragged.replace(if gallery.is_arranging() {
                let place = pressed.and_then(|pressed| gallery.place_pressed(pressed));
                let carry = |place| Carry::begin(gallery, place, from, event.pointer_id(), event.target());
                place.and_then(carry).map(|carry| -> Rc<dyn Drag> { carry })
            } else {
                Sweep::by_mouse(gallery, from, event.pointer_id()).map(|sweep| -> Rc<dyn Drag> { sweep })
            });
        }
        if let Some(drag) = &*dragged.borrow() {
            drag.follow((event.client_x(), event.client_y()));
        }
    });
    let dragged = drag.clone();
    on_target(scroller, "touchmove", move |event| {
        // What is dragged does not scroll.
        if dragged.borrow().is_some() {
            event.prevent_default();
        }
    });
    for (end, is_taken_back) in [("pointerup", false), ("pointercancel", true)] {
        let (start, drag) = (start.clone(), drag.clone());
        on_target(&window(), end, move |_| {
            start.set(None);
            let ended = drag.take();
            match ended {
                Some(drag) if is_taken_back => drag.cancel(),
                Some(drag) => drag.finish(),
                None => {}
            }
        });
    }
}

fn is_far(from: (i32, i32), event: &PointerEvent) -> bool {
    (event.client_x() - from.0).abs().max((event.client_y() - from.1).abs()) > SLOP_PIXELS
}

/// Does it later, if nothing else was pressed by then and the click did not come.
fn after(press: &Rc<Cell<Option<Press>>>, number: u64, wait: Duration, act: impl FnOnce(Press) + 'static) {
    let press = press.clone();
    set_timeout(
        move || {
            if let Some(pressed) = press.get().filter(|press| press.number == number) {
                act(pressed);
            }
        },
        wait,
    );
}

fn click(gallery: Gallery, event: &MouseEvent, place: usize, id: Option<ItemId>) {
    if event.shift_key() {
        let adding = event.ctrl_key() || event.meta_key();
        gallery.selection.update(|selection| selection.extend_to(place, adding));
        return gallery.learn();
    }
    let is_selecting = gallery.selection.with_untracked(|selection| !selection.is_empty());
    if is_selecting || gallery.is_arranging() || event.ctrl_key() || event.meta_key() || is_on_tick(event) {
        gallery.toggle(place, id);
    } else {
        gallery.selection.update(|selection| selection.stand_on(place));
        gallery.open(place);
    }
}

impl Gallery {
    fn toggle(self, place: usize, id: Option<ItemId>) {
        self.selection.update(|selection| selection.toggle(place, id));
    }

    /// Where what was pressed is by now.
    fn place_pressed(self, pressed: Press) -> Option<usize> {
        pressed.id.map_or(Some(pressed.place), |id| self.place_now(id))
    }

    /// Where a photo is, one on its way included.
    fn place_now(self, id: ItemId) -> Option<usize> {
        let arriving =
            self.shown.with_value(|shown| shown.arriving.iter().position(|item| item.item.id == id));
        arriving.or_else(|| self.place_of(id))
    }
}
