//! Selecting by drag: a mouse draws a band over photos, a finger that rested goes from photo to photo. Near the edges
//! what is seen moves along, over whatever is not loaded yet.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use leptos::prelude::*;
use web_sys::EventTarget;

use super::drag::{Along, Drag, Held};
use super::pool::px;
use super::stage::Stage;
use super::{Gallery, Shown};
use crate::model::photos::{PhotoSelection, Ranges, Rect};

enum Hand {
    Mouse,
    /// From this photo on, which it came down on.
    Finger(usize),
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
    along: Along,
    held: RefCell<Option<Held>>,
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
        let sweep = Self::begin(gallery, Hand::Finger(place), at, pointer)?;
        sweep.held.replace(Some(Held::photo(target)));
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
            along: Along::default(),
            held: RefCell::default(),
        });
        sweep.go_on();
        Some(sweep)
    }

    /// Moves along in each frame in which the pointer is near an edge.
    fn go_on(self: &Rc<Self>) {
        let sweep = self.clone();
        request_animation_frame(move || {
            if sweep.is_over.get() || !sweep.is_good() {
                sweep.gallery.band.try_set(None);
                return;
            }
            if sweep.along.step(&sweep.stage, sweep.pointer.get().1) {
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
            Hand::Finger(from) => places.insert(from.min(active), from.max(active) + 1),
        }
        if *self.places.borrow() == places {
            return;
        }
        self.gallery.selection.update(|selection| selection.sweep(&self.before, &places, active));
        self.places.replace(places);
        self.gallery.learn();
    }
}

impl Drag for Sweep {
    fn follow(&self, at: (i32, i32)) {
        self.pointer.set(at);
        self.select();
    }

    fn finish(&self) {
        self.is_over.set(true);
        self.gallery.band.set(None);
        self.held.take();
    }

    fn cancel(&self) {
        self.finish();
    }
}

fn between(a: (f64, f64), b: (f64, f64)) -> Rect {
    let (left, top) = (a.0.min(b.0).max(0.0) as u32, a.1.min(b.1).max(0.0) as u32);
    let (right, bottom) = (a.0.max(b.0).max(0.0) as u32, a.1.max(b.1).max(0.0) as u32);
    Rect { left, top, width: (right - left).max(1), height: (bottom - top).max(1) }
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
    fn a_band_is_drawn_in_any_direction_and_has_a_size() {
        let band = Rect { left: 10, top: 20, width: 30, height: 40 };
        assert_eq!(between((10.0, 20.0), (40.0, 60.0)), band);
        assert_eq!(between((40.0, 60.0), (10.0, 20.0)), band);
        assert_eq!(between((-5.0, 3.0), (0.0, 3.0)), Rect { left: 0, top: 3, width: 1, height: 1 });
    }
}
