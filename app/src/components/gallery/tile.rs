use std::rc::Rc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::ItemId;
use shared::photo::{Photo, PhotoStatus, WallTime};
use wasm_bindgen::{Clamped, JsCast};
use web_sys::{
    CanvasRenderingContext2d, Element, HtmlCanvasElement, HtmlElement, HtmlImageElement, ImageData,
};

use super::drag::Held;
use super::pool::{element, px};
use super::stage::Stage;
use super::{At, Shown, live};
use crate::model::photos::{self, PhotoSelection};
use crate::words;

/// What a picture shows instead where it does not come, as it is without a connection: its thumbnail may be here.
pub const SMALLER: &str = "data-smaller";
/// Enlarged more than this, a picture looks soft.
const ENLARGED_MAX: f64 = 1.35;

/// How sharp pictures are to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sharpness {
    /// None are asked for yet.
    #[default]
    None,
    Small,
    /// As the screen can show.
    Sharp,
}

/// What a tile looks like: as long as it is the same, nothing is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    id: Option<ItemId>,
    /// It may get another date and stay in its place.
    taken_at: Option<WallTime>,
    status: Option<PhotoStatus>,
    has_hash: bool,
    sharpness: Sharpness,
    is_favorite: bool,
    is_film: bool,
    /// Of a film, where it is known, in milliseconds.
    length: Option<u64>,
    /// Of what is deleted.
    days_left: Option<u64>,
    is_live: bool,
    is_arriving: bool,
    percent: Option<u8>,
    is_selected: bool,
    is_active: bool,
    is_carried: bool,
}

/// One photo's elements.
pub struct Tile {
    element: HtmlElement,
    canvas: HtmlCanvasElement,
    picture: HtmlImageElement,
    /// How long a film is, that a photo moves, or how long one is there yet.
    length: Element,
    place: usize,
    width: u32,
    look: Look,
    /// Whether the placeholder is that of `look.id`.
    is_hash_drawn: bool,
    address: Option<String>,
}

const INSIDE: &str = "<canvas class=\"photo-hash\" width=\"1\" height=\"1\" aria-hidden=\"true\"></canvas>\
    <img class=\"photo-picture\" alt=\"\" decoding=\"async\" draggable=\"false\">\
    <span class=\"photo-marks\" aria-hidden=\"true\"></span>\
    <span class=\"photo-length\" aria-hidden=\"true\"></span>\
    <span class=\"photo-progress\" aria-hidden=\"true\"></span>\
    <span class=\"photo-tick\" aria-hidden=\"true\"><svg viewBox=\"0 0 24 24\"><circle cx=\"12\" cy=\"12\" r=\"10\"/>\
    <path d=\"m7.500 12.400 3.100 3.100 6-6.500\"/></svg></span>";

impl Tile {
    pub fn new() -> Self {
        let tile = element("div", "photo", Some("gridcell"));
        tile.set_inner_html(INSIDE);
        let child = |selector: &str| tile.query_selector(selector).ok().flatten();
        let (Some(canvas), Some(picture), Some(length)) =
            (child("canvas"), child("img"), child(".photo-length"))
        else {
            unreachable!("all stand in INSIDE")
        };
        Self {
            element: tile,
            canvas: canvas.unchecked_into(),
            picture: picture.unchecked_into(),
            length,
            place: usize::MAX,
            width: 0,
            look: Look::default(),
            is_hash_drawn: false,
            address: None,
        }
    }

    pub fn element(&self) -> &HtmlElement {
        &self.element
    }

    /// The photo that it shows.
    pub fn photo(&self) -> Option<ItemId> {
        self.look.id
    }

    pub fn place(&self) -> usize {
        self.place
    }

    /// Stands in a row.
    pub fn put(&mut self, row: &HtmlElement, at: photos::Tile, column: usize) {
        self.place = at.place;
        self.width = at.width;
        let style = self.element.style();
        style.set_property("left", &px(f64::from(at.left))).ok();
        style.set_property("width", &px(f64::from(at.width))).ok();
        if self.element.hidden() {
            self.element.set_hidden(false);
        }
        let place = at.place.to_string();
        self.element.set_id(&format!("photo-{place}"));
        self.element.set_attribute("data-place", &place).ok();
        self.element.set_attribute("aria-colindex", &(column + 1).to_string()).ok();
        if self.element.parent_element().is_none_or(|parent| parent != **row) {
            row.append_child(&self.element).ok();
        }
    }

    /// Leaves the screen: what was asked for is not wanted any more.
    pub fn empty(&mut self) {
        self.clear_picture();
        live::stop_in(&self.element);
        if self.look.length.is_some() || self.look.is_live || self.look.days_left.is_some() {
            self.length.set_text_content(None);
        }
        self.address = None;
        self.look = Look::default();
        self.is_hash_drawn = false;
        self.place = usize::MAX;
        self.element.set_class_name("photo");
        let is_held = self.element.has_attribute(Held::MARK);
        match self.element.closest(".gallery-scroller").ok().flatten().filter(|_| is_held) {
            Some(scroller) => {
                self.element.set_hidden(true);
                scroller.append_child(&self.element).ok();
            }
            None => self.element.remove(),
        }
    }

    fn clear_picture(&self) {
        for name in ["src", SMALLER] {
            self.picture.remove_attribute(name).ok();
        }
    }

    /// What it looks like may have failed to come.
    pub fn forget(&mut self) {
        self.look.sharpness = Sharpness::None;
        self.address = None;
    }

    pub fn fill(
        &mut self,
        stage: &Rc<Stage>,
        shown: &Shown,
        selection: &PhotoSelection,
        sharpness: Sharpness,
        hashes: &mut usize,
    ) {
        let gallery = stage.gallery();
        let at = gallery.at(shown, self.place);
        let id = at.id();
        let mut look = Look {
            id,
            sharpness: sharpness.max(if id == self.look.id { self.look.sharpness } else { Sharpness::None }),
            is_selected: selection.contains(self.place, id),
            is_active: gallery.is_focused.get_untracked() && selection.active() == self.place,
            is_carried: gallery.is_carried(self.place, id, selection),
            ..Look::default()
        };
        match &at {
            At::Unknown => {}
            At::Photo(photo) => {
                look.status = Some(photo.info.status);
                look.taken_at = Some(photo.info.taken_at);
                look.has_hash = photo.info.thumbhash.is_some();
                look.is_favorite = gallery.marks(photo).is_favorite;
                look.is_film = photo.mime_type.starts_with("video/");
                look.length = photo.info.duration.filter(|_| look.is_film);
                look.days_left = gallery.days_left(photo);
                // What is deleted does not move.
                look.is_live = photo.info.live_photo_video.is_some() && look.days_left.is_none();
            }
            At::Arriving(item) => {
                look.is_arriving = true;
                look.percent = gallery.percent(item);
                look.is_film = item.item.mime_type.as_deref().is_some_and(|kind| kind.starts_with("video/"));
            }
        }
        let is_other = look.id != self.look.id;
        if is_other {
            self.address = None;
            self.clear_picture();
        }
        self.is_hash_drawn &= !is_other && look.has_hash == self.look.has_hash;
        if let At::Photo(photo) = &at {
            self.draw_hash(photo, hashes);
        }
        if look == self.look {
            return;
        }
        let before = std::mem::replace(&mut self.look, look);
        self.write(&before, &at, is_other);
        if look.sharpness > Sharpness::None {
            self.ask_for_picture(stage, &at);
        }
    }

    fn write(&self, before: &Look, at: &At, is_other: bool) {
        let look = &self.look;
        let mut class = String::from("photo");
        let is_loaded = !is_other && self.element.class_list().contains("is-loaded");
        for (name, is_so) in [
            (" is-unknown", look.id.is_none()),
            (" is-loaded", is_loaded),
            (" is-selected", look.is_selected),
            (" is-active", look.is_active),
            (" is-carried", look.is_carried),
            (" is-favorite", look.is_favorite),
            (" is-film", look.is_film),
            (" is-live", look.is_live),
            (" is-deleted", look.days_left.is_some()),
            (" is-arriving", look.is_arriving),
            (" is-failed", look.status == Some(PhotoStatus::Failed)),
        ] {
            class.push_str(if is_so { name } else { "" });
        }
        self.element.set_class_name(&class);
        self.element.set_attribute("aria-selected", if look.is_selected { "true" } else { "false" }).ok();
        let short = |look: &Look| (look.length, look.is_live, look.days_left);
        if short(before) != short(look) {
            let length = look.days_left.map(words::days_left).or_else(|| look.length.map(words::film_length));
            let text = length.or_else(|| look.is_live.then(|| words::LIVE.to_owned()));
            self.length.set_text_content(text.as_deref());
        }
        if is_other {
            live::stop_in(&self.element);
        }
        let said = |look: &Look| {
            (look.id, look.is_favorite, look.is_arriving, look.percent, look.taken_at, look.days_left)
        };
        if said(before) != said(look) || look.id.is_none() {
            let label = match at {
                At::Unknown => words::PHOTO.to_owned(),
                At::Photo(photo) => {
                    let label = words::photo_label(photo, look.is_favorite);
                    look.days_left
                        .map_or(label.clone(), |days| format!("{label}, {}", words::days_left(days)))
                }
                At::Arriving(item) => words::arriving_label(&item.item.name, look.percent),
            };
            self.element.set_attribute("aria-label", &label).ok();
        }
        let share = look.percent.map_or(0.0, |percent| f64::from(percent) / 100.0);
        self.element.style().set_property("--sent", &share.to_string()).ok();
    }

    /// The placeholder, as long as this frame has time.
    fn draw_hash(&mut self, photo: &Photo, hashes: &mut usize) {
        if self.is_hash_drawn || *hashes == 0 {
            return;
        }
        let Some(hash) = &photo.info.thumbhash else { return };
        self.is_hash_drawn = true;
        *hashes -= 1;
        draw_hash(&self.canvas, hash);
    }

    fn ask_for_picture(&mut self, stage: &Rc<Stage>, at: &At) {
        let mut smaller = None;
        let address = match at {
            At::Unknown => return,
            At::Photo(photo) => {
                let small = photo.derivatives.thumbnail.as_ref();
                let pixels = f64::from(self.width) * window().device_pixel_ratio();
                let is_soft = small.is_some_and(|small| pixels > f64::from(small.width) * ENLARGED_MAX);
                let sharp = photo.derivatives.preview.as_ref().filter(|_| is_soft);
                let sharp = sharp.filter(|_| self.look.sharpness == Sharpness::Sharp);
                smaller = small.filter(|_| sharp.is_some()).map(|derivative| derivative.url.as_str());
                sharp.or(small).map(|derivative| derivative.url.clone())
            }
            At::Arriving(_) => None,
        };
        match address {
            Some(address) if self.address.as_deref() != Some(&address) => {
                match smaller {
                    Some(smaller) => self.picture.set_attribute(SMALLER, smaller).ok(),
                    None => self.picture.remove_attribute(SMALLER).ok(),
                };
                self.picture.set_src(&address);
                self.address = Some(address);
            }
            None if self.address.is_none() && !self.look.is_film => {
                self.address = Some(String::new());
                self.ask_for_own(stage, at);
            }
            Some(_) | None => {}
        }
    }

    /// The file itself, where it is on this device: nothing else is there yet.
    fn ask_for_own(&self, stage: &Rc<Stage>, at: &At) {
        let Some(id) = at.id() else { return };
        let cloud = stage.gallery().ui.cloud();
        if !cloud.keeping(id).is_here {
            return;
        }
        let (stage, place) = (stage.clone(), self.place);
        spawn_local(async move {
            if let Ok(address) = cloud.content_url(id).await {
                stage.show_own(place, id, &address);
            }
        });
    }

    pub fn show_own(&mut self, id: ItemId, address: &str) {
        if self.look.id == Some(id) {
            self.picture.set_src(address);
            self.address = Some(address.to_owned());
        }
    }
}

/// Draws a thumbhash, in base64, into a canvas of its own size.
pub fn draw_hash(canvas: &HtmlCanvasElement, hash: &str) {
    let Ok(hash) = BASE64_STANDARD.decode(hash) else { return };
    let Ok((width, height, pixels)) = thumbhash::thumb_hash_to_rgba(&hash) else { return };
    canvas.set_width(width as u32);
    canvas.set_height(height as u32);
    let context = canvas.get_context("2d").ok().flatten();
    let Some(context) = context.and_then(|it| it.dyn_into::<CanvasRenderingContext2d>().ok()) else { return };
    if let Ok(data) = ImageData::new_with_u8_clamped_array(Clamped(&pixels), width as u32) {
        context.put_image_data(&data, 0.0, 0.0).ok();
    }
}
