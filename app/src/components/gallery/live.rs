//! A Live Photo moves in its tile while a mouse rests on it.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::ItemId;
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use wasm_bindgen_futures::JsFuture;
use web_sys::{HtmlElement, HtmlMediaElement, PointerEvent};

use super::Gallery;
use super::pointer::place_under;
use super::pool::element;
use crate::hooks::listener::on_target;
use crate::hooks::media::media_matches;

/// A mouse that rests this long wants to see it move.
const REST: Duration = Duration::from_millis(250);

/// Listens on the photos, for as long as the component lives.
pub fn listen(gallery: Gallery, scroller: &HtmlElement) {
    let over = Rc::new(Cell::new(None::<ItemId>));
    let entered = over.clone();
    let photos = scroller.clone();
    on_target(scroller, "pointerover", move |event| {
        let is_mouse = event.dyn_ref::<PointerEvent>().is_some_and(|event| event.pointer_type() == "mouse");
        let place = place_under(&event).filter(|_| is_mouse);
        let photo = place.and_then(|place| Some((place, gallery.photo_at(place)?)));
        let id = photo.as_ref().map(|(_, photo)| photo.id);
        if entered.replace(id) == id {
            return;
        }
        stop_in(&photos);
        let Some((place, photo)) = photo else { return };
        let Some(video) = photo.info.live_photo_video.as_ref().map(|video| video.file_id) else { return };
        if media_matches("(prefers-reduced-motion: reduce)") {
            return;
        }
        let still_over = entered.clone();
        set_timeout(
            move || {
                if still_over.get() == id {
                    spawn_local(async move { play(gallery, place, photo.id, video, &still_over).await });
                }
            },
            REST,
        );
    });
    for end in ["pointerleave", "scroll"] {
        let (over, photos) = (over.clone(), scroller.clone());
        on_target(scroller, end, move |_| {
            if over.take().is_some() {
                stop_in(&photos);
            }
        });
    }
}

async fn play(gallery: Gallery, place: usize, id: ItemId, video: ItemId, over: &Cell<Option<ItemId>>) {
    let Ok(address) = gallery.ui.cloud().content_url(video).await else { return };
    let Some(stage) = gallery.stage().filter(|_| over.get() == Some(id)) else { return };
    let Some(tile) = stage.tile(place).filter(|_| stage.photo_seen(place) == Some(id)) else { return };
    let moving: HtmlMediaElement = element("video", "photo-moving", None).unchecked_into();
    moving.set_attribute("aria-hidden", "true").ok();
    moving.set_attribute("playsinline", "").ok();
    moving.set_muted(true);
    moving.set_src(&address);
    tile.append_child(&moving).ok();
    let ended = moving.clone();
    let remove = Closure::once_into_js(move || ended.remove());
    moving.set_onended(Some(remove.unchecked_ref()));
    begin(&moving);
}

/// Plays it, if the browser lets it.
pub fn begin(moving: &HtmlMediaElement) {
    if let Ok(began) = moving.play() {
        spawn_local(async move { drop(JsFuture::from(began).await) });
    }
}

/// Nothing moves in there any more.
pub fn stop_in(element: &HtmlElement) {
    while let Ok(Some(moving)) = element.query_selector(".photo-moving") {
        moving.remove();
    }
}
