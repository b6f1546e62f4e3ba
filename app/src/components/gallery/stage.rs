//! The elements of a gallery: as many as a screen needs, moved along, filled again. All reading and writing of the
//! document is in one animation frame a scroll, and nothing here is reactive.

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use web_sys::HtmlElement;

use super::Gallery;
use super::pool::{Pool, px};
use super::tile::Sharpness;
use crate::model::photos::{PhotoSelection, Spacer};

/// Tiles in the document at most.
const TILES_MAX: usize = 380;
/// How far beyond what is seen there are tiles, in heights of what is seen.
const BEYOND: f64 = 0.6;
/// Faster than this, in heights a frame, pictures are not asked for: they would be gone before they came.
const FAST: f64 = 0.8;
/// How long one rests until pictures are as sharp as the screen.
const SETTLE: Duration = Duration::from_millis(180);

/// What was drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Drawn {
    /// Of all that can be scrolled, how much is above: 0 to 1.
    pub share: f64,
    /// The group at the top.
    pub group: usize,
}

pub struct Stage {
    gallery: Gallery,
    scroller: HtmlElement,
    space: HtmlElement,
    /// The date at the top, which stays while its photos pass.
    sticky: HtmlElement,
    inner: RefCell<Inner>,
    drawn: RwSignal<Drawn>,
}

#[derive(Default)]
struct Inner {
    spacer: Spacer,
    pool: Pool,
    is_asked: bool,
    /// Everything stands elsewhere, or may look otherwise.
    is_new: bool,
    is_dirty: bool,
    position: f64,
    is_settling: bool,
    is_settled: bool,
    /// Counts scrolls: only where none came since is one at rest.
    moves: u64,
    wanted: Vec<usize>,
    sticky_group: Option<usize>,
    /// The place that is named as the active one.
    active: Option<usize>,
}

impl Stage {
    pub fn new(
        gallery: Gallery,
        scroller: HtmlElement,
        space: HtmlElement,
        sticky: HtmlElement,
        drawn: RwSignal<Drawn>,
    ) -> Rc<Self> {
        Rc::new(Self { gallery, scroller, space, sticky, inner: RefCell::default(), drawn })
    }

    pub fn gallery(&self) -> Gallery {
        self.gallery
    }

    /// Shows a picture of this device in a tile, if that still shows the photo.
    pub fn show_own(&self, place: usize, id: shared::ItemId, address: &str) {
        self.inner.borrow_mut().pool.show_own(place, id, address);
    }

    /// What the tile of a place shows by now.
    pub fn photo_seen(&self, place: usize) -> Option<shared::ItemId> {
        self.inner.borrow().pool.photo_seen(place)
    }

    /// The size of what is seen, in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.scroller.client_width().max(0) as u32, self.scroller.client_height().max(0) as u32)
    }

    pub fn position(&self) -> f64 {
        self.inner.borrow().position
    }

    /// A point of the window, in pixels from the beginning of everything.
    pub fn point(&self, (x, y): (i32, i32)) -> (f64, f64) {
        let rect = self.scroller.get_bounding_client_rect();
        (f64::from(x) - rect.left(), f64::from(y) - rect.top() + self.position())
    }

    /// The upper and the lower end of what is seen, in the window.
    pub fn edges(&self) -> (f64, f64) {
        let rect = self.scroller.get_bounding_client_rect();
        (rect.top(), rect.bottom())
    }

    /// A pointer is listened to here, wherever it goes.
    pub fn capture(&self, pointer: i32) {
        self.scroller.set_pointer_capture(pointer).ok();
    }

    /// Everything may stand elsewhere: goes to `position` in the new layout.
    pub fn arrange(self: &Rc<Self>, position: f64) {
        let top = {
            let mut inner = self.inner.borrow_mut();
            let height = self.gallery.shown.with_value(|shown| shown.layout.height());
            inner.spacer.resize(f64::from(height), f64::from(self.size().1));
            let top = inner.spacer.go_to(position);
            self.space.style().set_property("height", &px(inner.spacer.height())).ok();
            inner.is_new = true;
            top
        };
        self.scroller.set_scroll_top(top.round() as i32);
        self.draw();
    }

    /// Goes to a position, in pixels from the beginning of everything.
    pub fn go_to(self: &Rc<Self>, position: f64) {
        let top = self.inner.borrow_mut().spacer.go_to(position);
        self.scroller.set_scroll_top(top.round() as i32);
        self.ask();
    }

    /// Scrolls as little as shows a photo.
    pub fn reveal(self: &Rc<Self>, place: usize) {
        let rect =
            self.gallery.shown.with_value(|shown| shown.layout.rect(place, shown.arrangement.aspects()));
        let Some(rect) = rect else { return };
        let heading = f64::from(self.gallery.shown.with_value(|shown| shown.layout.metrics().heading));
        let (top, bottom) =
            (f64::from(rect.top) - heading, f64::from(rect.top + rect.height) + heading / 2.0);
        let (position, seen) = {
            let inner = self.inner.borrow();
            (inner.position, inner.spacer.seen())
        };
        if top < position {
            self.go_to(top);
        } else if bottom > position + seen {
            self.go_to(bottom - seen);
        }
    }

    /// A photo's tile, if it is there.
    pub fn tile(&self, place: usize) -> Option<HtmlElement> {
        self.inner.borrow().pool.tile_element(place).cloned()
    }

    /// Where a photo's tile is on the screen, if it is there.
    pub fn tile_rect(&self, place: usize) -> Option<web_sys::DomRect> {
        self.inner.borrow().pool.tile_element(place).map(|tile| tile.get_bounding_client_rect())
    }

    /// Draws in the next frame.
    pub fn ask(self: &Rc<Self>) {
        if std::mem::replace(&mut self.inner.borrow_mut().is_asked, true) {
            return;
        }
        let stage = self.clone();
        request_animation_frame(move || {
            stage.inner.borrow_mut().is_asked = false;
            stage.draw();
        });
    }

    /// Some tiles may look otherwise.
    pub fn repaint(self: &Rc<Self>) {
        self.inner.borrow_mut().is_dirty = true;
        self.ask();
    }

    /// As [`Self::repaint`], where pictures failed for want of a network.
    pub fn try_again(self: &Rc<Self>) {
        self.inner.borrow_mut().pool.forget_failures();
        self.repaint();
    }

    fn draw(self: &Rc<Self>) {
        let Some(shown) = self.gallery.shown.try_get_value().filter(|_| !self.gallery.is_outdated()) else {
            return;
        };
        let mut inner = self.inner.borrow_mut();
        let inner = &mut *inner;
        let mut scroll_top = f64::from(self.scroller.scroll_top());
        if let Some(shifted) = inner.spacer.scrolled(scroll_top) {
            self.scroller.set_scroll_top(shifted.round() as i32);
            scroll_top = shifted;
        }
        let position = inner.spacer.position(scroll_top);
        let seen = inner.spacer.seen();
        let moved = (position - inner.position).abs();
        if moved > 0.5 {
            inner.moves += 1;
            inner.is_settled = false;
        }
        inner.position = position;
        let sharpness = match (inner.is_settled, moved > FAST * seen) {
            (true, _) => Sharpness::Sharp,
            (false, false) => Sharpness::Small,
            (false, true) => Sharpness::None,
        };
        if !inner.is_settled {
            self.settle_later(inner);
        }

        let layout = &shown.layout;
        let rows =
            near(position, seen, |top, bottom| layout.rows_between(top, bottom), |row| layout.row(row).len());
        let visible = layout.rows_between(position as u32, (position + seen) as u32);
        let base = inner.spacer.base();
        let is_new = std::mem::take(&mut inner.is_new);
        let is_dirty = std::mem::take(&mut inner.is_dirty) || inner.is_settled;
        inner.pool.place_rows(&self.gallery, &self.space, &shown, rows.clone(), base, is_new);
        let sight = super::pool::Sight { visible, sharpness, is_dirty };
        let has_more = inner.pool.fill(self, &shown, &sight);
        let headings = layout.headings_between(position as u32, (position + seen) as u32);
        inner.pool.place_headings(&self.space, &shown, headings, base, is_new);
        let group = layout.group_at(position as u32);
        self.stick(inner, &shown, group, is_new);
        self.want(inner, &shown, &rows);
        self.name_active(inner);
        if inner.is_settled {
            inner.pool.put_in_order(&self.space);
        }

        let share = if inner.spacer.end() > 0.0 { position / inner.spacer.end() } else { 0.0 };
        let drawn = Drawn { share, group };
        if has_more {
            inner.is_dirty = true;
            let stage = self.clone();
            if !std::mem::replace(&mut inner.is_asked, true) {
                request_animation_frame(move || {
                    stage.inner.borrow_mut().is_asked = false;
                    stage.draw();
                });
            }
        }
        if self.drawn.try_get_untracked().is_some_and(|before| before != drawn) {
            self.drawn.set(drawn);
        }
    }

    /// At rest pictures become as sharp as the screen.
    fn settle_later(self: &Rc<Self>, inner: &mut Inner) {
        if std::mem::replace(&mut inner.is_settling, true) {
            return;
        }
        let (stage, moves) = (self.clone(), inner.moves);
        set_timeout(
            move || {
                {
                    let mut inner = stage.inner.borrow_mut();
                    inner.is_settling = false;
                    inner.is_settled = inner.moves == moves;
                }
                stage.ask();
            },
            SETTLE,
        );
    }

    /// The heading of what is at the top stays there, and makes way for the next one.
    fn stick(&self, inner: &mut Inner, shown: &super::Shown, group: usize, is_new: bool) {
        let next = f64::from(shown.layout.heading(group + 1)) - inner.position;
        let height = f64::from(shown.layout.metrics().heading);
        let shift = (next - height).min(0.0);
        self.sticky.style().set_property("transform", &format!("translateY({shift}px)")).ok();
        if is_new || inner.sticky_group != Some(group) {
            inner.sticky_group = Some(group);
            self.sticky.set_text_content(Some(&shown.heading(group)));
        }
    }

    /// Only what is in the document can be named as active.
    fn name_active(&self, inner: &mut Inner) {
        let Some(active) = self.gallery.selection.try_with_untracked(PhotoSelection::active) else {
            return;
        };
        let active = inner.pool.tile_element(active).is_some().then_some(active);
        if std::mem::replace(&mut inner.active, active) == active {
            return;
        }
        match active {
            Some(place) => {
                self.scroller.set_attribute("aria-activedescendant", &format!("photo-{place}")).ok()
            }
            None => self.scroller.remove_attribute("aria-activedescendant").ok(),
        };
    }

    /// Asks for the photos of what is there and near, the nearest first.
    fn want(&self, inner: &mut Inner, shown: &super::Shown, rows: &Range<usize>) {
        let Some(last) = rows.end.checked_sub(1).filter(|last| *last >= rows.start) else { return };
        let places = shown.layout.row(rows.start).start..shown.layout.row(last).end;
        let Some(ordinals) = shown.arrangement.ordinals(places) else { return };
        let segment = |ordinal: usize| shown.index.segment_of(ordinal);
        let Some((first, last)) = segment(ordinals.start).zip(segment(ordinals.end - 1)) else { return };
        let middle = segment(ordinals.start.midpoint(ordinals.end)).unwrap_or(first);
        let mut wanted: Vec<usize> = (first..=last).collect();
        wanted.sort_by_key(|segment| segment.abs_diff(middle));
        if inner.wanted != wanted || inner.is_settled {
            self.gallery.source.with_value(|source| source.want(&wanted));
            inner.wanted = wanted;
        }
    }
}

/// Rows that are seen and, as far as there are tiles for them, those around.
fn near(
    position: f64,
    seen: f64,
    rows_between: impl Fn(u32, u32) -> Range<usize>,
    photos: impl Fn(usize) -> usize,
) -> Range<usize> {
    let visible = rows_between(position as u32, (position + seen) as u32);
    let beyond = BEYOND * seen;
    let all = rows_between((position - beyond).max(0.0) as u32, (position + seen + beyond) as u32);
    let mut count: usize = visible.clone().map(&photos).sum();
    let (mut start, mut end) = (visible.start, visible.end);
    while start > all.start || end < all.end {
        if end < all.end {
            count += photos(end);
            if count > TILES_MAX {
                break;
            }
            end += 1;
        }
        if start > all.start {
            count += photos(start - 1);
            if count > TILES_MAX {
                break;
            }
            start -= 1;
        }
    }
    start..end
}
