//! What is common to dragging over photos: it goes on beyond the edges of what is seen, and holds what it began on.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget};

use super::stage::Stage;

/// So near to an edge, in pixels, what is seen begins to move.
const EDGE: f64 = 56.0;
/// How fast it does at the edge and beyond, in pixels a second.
const SPEED_MAX: f64 = 2_400.0;
/// A frame that came late moves no further than one of this length, in seconds.
const FRAME_MAX: f64 = 0.05;

/// What follows a pointer that is down.
pub trait Drag {
    /// The pointer is there now, in the window.
    fn follow(&self, at: (i32, i32));
    /// The pointer is up.
    fn finish(&self);
    /// It is taken back.
    fn cancel(&self);
}

/// What is in a document only as long as a finger is on it hears no more of the finger: so it stays.
pub struct Held(Option<Element>);

impl Held {
    pub const MARK: &str = "data-held";

    /// The photo that this is a part of.
    pub fn photo(target: Option<EventTarget>) -> Self {
        let element = target.and_then(|target| target.dyn_into::<Element>().ok());
        let tile = element.and_then(|element| element.closest("[data-place]").ok().flatten());
        if let Some(tile) = &tile {
            tile.set_attribute(Self::MARK, "").ok();
        }
        Self(tile)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(tile) = &self.0 {
            tile.remove_attribute(Self::MARK).ok();
        }
    }
}

/// Moves what is seen along, frame by frame.
#[derive(Default)]
pub struct Along {
    /// The time of the frame before, in milliseconds.
    frame: Cell<Option<f64>>,
}

impl Along {
    /// One frame, for a pointer at this height of the window. Answers whether anything moved.
    pub fn step(&self, stage: &Rc<Stage>, y: i32) -> bool {
        let now = js_sys::Date::now();
        let seconds = self.frame.replace(Some(now)).map_or(0.0, |before| (now - before).max(0.0) / 1_000.0);
        let (top, bottom) = stage.edges();
        let speed = speed(f64::from(y), top, bottom);
        if speed != 0.0 {
            stage.go_to(stage.position() + speed * seconds.min(FRAME_MAX));
        }
        speed != 0.0
    }
}

/// How fast what is seen moves while the pointer is at `y`, in pixels a second: down is positive.
fn speed(y: f64, top: f64, bottom: f64) -> f64 {
    // In a low window there is a middle too.
    let edge = EDGE.min((bottom - top) / 4.0).max(1.0);
    let up = ((top + edge - y) / edge).clamp(0.0, 1.0);
    let down = ((y - bottom + edge) / edge).clamp(0.0, 1.0);
    (down * down - up * up) * SPEED_MAX
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
}
