//! Selecting by drag: a mouse draws a band over photos, a finger that rested goes from photo to photo. Near the edges
//! what is seen moves along, over whatever is not loaded yet.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget};

use super::pool::px;
use super::stage::Stage;
use super::{Gallery, Shown};
use crate::model::photos::{PhotoSelection, Ranges, Rect};

/// So near to an edge, in pixels, what is seen begins to move.
const EDGE: f64 = 56.0;
/// How fast it does at the edge and beyond, in pixels a second.
const SPEED_MAX: f64 = 2_400.0;
/// A frame that came late moves no further than one of this length, in seconds.
const FRAME_MAX: f64 = 0.05;

/// What is in a document only as long as a finger is on it hears no more of the finger: so it stays.
pub const HELD: &str = "data-held";

enum Hand {
    Mouse,
    /// From this photo on; and what it came down on.
    Finger(usize, Option<Element>),
}

pub struct Sweep {
    gallery: Gallery,
    stage: Rc<Stage>,
    hand: Hand,
    /// In pixels from the beginning of everything.
    from: (f64, f64),
    before: PhotoSelection,
    /// What was shown at the beginning: where everything stands elsewhere, no more is selected.
    shown: Rc<Shown>,
    pointer: Cell<(i32, i32)>,
    places: RefCell<Ranges>,
    is_over: Cell<bool>,
    /// The time of the frame before, in milliseconds.
    frame: Cell<Option<f64>>,
}

impl Sweep {
    pub fn by_mouse(gallery: Gallery, at: (i32, i32), pointer: i32) -> Option<Rc<Self>> {
        Self::begin(gallery, Hand::Mouse, at, pointer)
    }

    /// The photo under the finger is selected at once.
    pub fn by_finger(
        gallery: Gallery,
        place: usize,
        at: (i32, i32),
        pointer: i32,
        target: Option<EventTarget>,
    ) -> Option<Rc<Self>> {
        let element = target.and_then(|target| target.dyn_into::<Element>().ok());
        let tile = element.and_then(|element| element.closest("[data-place]").ok().flatten());
        if let Some(tile) = &tile {
            tile.set_attribute(HELD, "").ok();
        }
        let sweep = Self::begin(gallery, Hand::Finger(place, tile), at, pointer)?;
        sweep.select();
        Some(sweep)
    }

    fn begin(gallery: Gallery, hand: Hand, at: (i32, i32), pointer: i32) -> Option<Rc<Self>> {
        let stage = gallery.stage()?;
        stage.capture(pointer);
        let sweep = Rc::new(Self {
            gallery,
            hand,
            from: stage.point(at),
            stage,
            before: gallery.selection.get_untracked(),
            shown: gallery.shown.get_value(),
            pointer: Cell::new(at),
            places: RefCell::default(),
            is_over: Cell::new(false),
            frame: Cell::new(None),
        });
        sweep.go_on();
        Some(sweep)
    }

    pub fn follow(self: &Rc<Self>, at: (i32, i32)) {
        self.pointer.set(at);
        self.select();
    }

    pub fn end(&self) {
        self.is_over.set(true);
        self.gallery.band.set(None);
        if let Hand::Finger(_, Some(tile)) = &self.hand {
            tile.remove_attribute(HELD).ok();
        }
    }

    /// Moves along in each frame in which the pointer is near an edge.
    fn go_on(self: &Rc<Self>) {
        let sweep = self.clone();
        request_animation_frame(move || {
            if sweep.is_over.get() || !sweep.is_good() {
                sweep.gallery.band.try_set(None);
                return;
            }
            let now = js_sys::Date::now();
            let seconds =
                sweep.frame.replace(Some(now)).map_or(0.0, |before| (now - before).max(0.0) / 1_000.0);
            let (top, bottom) = sweep.stage.edges();
            let speed = speed(f64::from(sweep.pointer.get().1), top, bottom);
            if speed != 0.0 {
                sweep.stage.go_to(sweep.stage.position() + speed * seconds.min(FRAME_MAX));
                sweep.select();
            }
            sweep.go_on();
        });
    }

    fn is_good(&self) -> bool {
        self.gallery.shown.try_get_value().is_some_and(|shown| Rc::ptr_eq(&shown, &self.shown))
    }

    fn select(&self) {
        if !self.is_good() {
            return;
        }
        let shown = &self.shown;
        let to = self.stage.point(self.pointer.get());
        let aspects = shown.arrangement.aspects();
        let Some(active) = shown.layout.nearest(to.0.max(0.0) as u32, to.1.max(0.0) as u32, aspects) else {
            return;
        };
        let mut places = Ranges::default();
        match self.hand {
            Hand::Mouse => {
                let band = between(self.from, to);
                places = shown.layout.within(band, aspects);
                self.gallery.band.set(Some(band));
            }
            Hand::Finger(from, _) => places.insert(from.min(active), from.max(active) + 1),
        }
        if *self.places.borrow() == places {
            return;
        }
        self.gallery.selection.update(|selection| selection.sweep(&self.before, &places, active));
        self.places.replace(places);
        self.gallery.learn();
    }
}

fn between(a: (f64, f64), b: (f64, f64)) -> Rect {
    let (left, top) = (a.0.min(b.0).max(0.0) as u32, a.1.min(b.1).max(0.0) as u32);
    let (right, bottom) = (a.0.max(b.0).max(0.0) as u32, a.1.max(b.1).max(0.0) as u32);
    Rect { left, top, width: (right - left).max(1), height: (bottom - top).max(1) }
}

/// How fast what is seen moves while the pointer is at `y`, in pixels a second: down is positive.
fn speed(y: f64, top: f64, bottom: f64) -> f64 {
    // In a low window there is a middle too.
    let edge = EDGE.min((bottom - top) / 4.0).max(1.0);
    let up = ((top + edge - y) / edge).clamp(0.0, 1.0);
    let down = ((y - bottom + edge) / edge).clamp(0.0, 1.0);
    (down * down - up * up) * SPEED_MAX
}

/// The band that a mouse draws.
#[component]
pub fn Band(gallery: Gallery) -> impl IntoView {
    move || {
        gallery.drawn.track();
        let band = gallery.band.get()?;
        let stage = gallery.stage()?;
        let top = f64::from(band.top) - stage.position();
        let seen = f64::from(stage.size().1);
        // Far beyond what is seen an element would be too large.
        let (from, to) = (top.max(-10.0), (top + f64::from(band.height)).min(seen + 10.0));
        Some(view! {
            <div
                class="rubber-band"
                style:left=px(f64::from(band.left))
                style:top=px(from)
                style:width=px(f64::from(band.width))
                style:height=px((to - from).max(0.0))
            />
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_an_edge_what_is_seen_moves_the_nearer_the_faster() {
        let at = |y: f64| speed(y, 100.0, 900.0);
        assert!(at(500.0).abs() < 1e-9 && at(156.0).abs() < 1e-9 && at(844.0).abs() < 1e-9);
        assert!(at(150.0) < 0.0 && at(120.0) < at(150.0) && at(870.0) > 0.0);
        assert!((at(2_000.0) - SPEED_MAX).abs() < 1e-9 && (at(-50.0) + SPEED_MAX).abs() < 1e-9);
        assert!(speed(25.0, 0.0, 50.0).abs() < 1e-9);
    }

    #[test]
    fn a_band_is_drawn_in_any_direction_and_has_a_size() {
        let band = Rect { left: 10, top: 20, width: 30, height: 40 };
        assert_eq!(between((10.0, 20.0), (40.0, 60.0)), band);
        assert_eq!(between((40.0, 60.0), (10.0, 20.0)), band);
        assert_eq!(between((-5.0, 3.0), (0.0, 3.0)), Rect { left: 0, top: 3, width: 1, height: 1 });
    }
}
