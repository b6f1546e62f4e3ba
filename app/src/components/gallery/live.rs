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

/// The Live Photo that a mouse is over.
#[derive(Clone, Copy)]
struct Live {
    place: usize,
    id: ItemId,
    video: ItemId,
}

#[derive(Default)]
struct Mouse {
    over: Cell<Option<Live>>,
    /// Counts what moved, the mouse or the photos under it.
    moves: Cell<u64>,
}

/// Listens on the photos, for as long as the component lives.
pub fn listen(gallery: Gallery, scroller: &HtmlElement) {
    let mouse = Rc::new(Mouse::default());
    let (entering, photos) = (mouse.clone(), scroller.clone());
    on_target(scroller, "pointerover", move |event| {
        let is_mouse = event.dyn_ref::<PointerEvent>().is_some_and(|event| event.pointer_type() == "mouse");
        let over = place_under(&event).filter(|_| is_mouse).and_then(|place| live_at(gallery, place));
        if entering.over.replace(over).map(|before| before.id) != over.map(|over| over.id) {
            stop_in(&photos);
            play_after_rest(gallery, &entering);
        }
    });
    let (scrolling, photos) = (mouse.clone(), scroller.clone());
    on_target(scroller, "scroll", move |_| {
        if scrolling.over.get().is_some() {
            stop_in(&photos);
            play_after_rest(gallery, &scrolling);
        }
    });
    let photos = scroller.clone();
    on_target(scroller, "pointerleave", move |_| {
        if mouse.over.take().is_some() {
            stop_in(&photos);
        }
    });
}

fn live_at(gallery: Gallery, place: usize) -> Option<Live> {
    let photo = gallery.photo_at(place)?;
    let video = photo.info.live_photo_video.as_ref()?.file_id;
    Some(Live { place, id: photo.id, video })
}

fn play_after_rest(gallery: Gallery, mouse: &Rc<Mouse>) {
    let moves = mouse.moves.get() + 1;
    mouse.moves.set(moves);
    if mouse.over.get().is_none() || media_matches("(prefers-reduced-motion: reduce)") {
        return;
    }
    let mouse = mouse.clone();
    let rests_on = move || mouse.over.get().filter(|_| mouse.moves.get() == moves);
    set_timeout(
        move || {
            if let Some(live) = rests_on() {
                spawn_local(play(gallery, live, rests_on));
            }
        },
        REST,
    );
}

async fn play(gallery: Gallery, Live { place, id, video }: Live, rests_on: impl Fn() -> Option<Live>) {
    let Ok(address) = gallery.ui.cloud().content_url(video).await else { return };
    if rests_on().is_none() {
        return;
    }
    let Some(stage) = gallery.stage() else { return };
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
