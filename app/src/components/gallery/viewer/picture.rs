use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use leptos::ev::{MouseEvent, PointerEvent, WheelEvent};
use leptos::html::{Canvas, Div, Img, Video};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::ItemId;
use shared::photo::{DerivativeKind, Photo};

use super::again::failure;
use super::is_film;
use super::view::{Fit, View};
use crate::components::gallery::live::begin;
use crate::components::gallery::tile::draw_hash;
use crate::ports::is_shown_by_browsers;
use crate::ui::Ui;
use crate::words;

/// A swipe is at least so long, in pixels.
const SWIPE_PIXELS: f64 = 60.0;
/// Movement below this is none, in pixels.
const SLOP_PIXELS: f64 = 4.0;
/// A pointer that rests this long has a Live Photo move.
const HOLD: Duration = Duration::from_millis(350);
/// How near a double click comes.
const NEAR: f64 = 2.5;
/// How much a notch of the wheel does.
const WHEEL_PACE: f64 = 0.002;
/// Two fingers on a touchpad are told as small turns of a wheel, with Ctrl.
const PINCH_PACE: f64 = 0.01;
/// So high from below, what is pressed in a film are its controls, in pixels.
const FILM_CONTROLS_PIXELS: f64 = 96.0;
/// Enlarged more than this, a picture looks soft.
const ENLARGED_MAX: f64 = 1.15;

/// Asks for what a neighbour shows first, so that turning finds it here.
pub fn preload(photo: &Photo) {
    if let Some(address) = address(photo, screen_side())
        && let Ok(picture) = web_sys::HtmlImageElement::new()
    {
        picture.set_src(&address);
    }
}

/// The longer side of the window, in its own pixels.
fn screen_side() -> f64 {
    let side =
        |side: Result<wasm_bindgen::JsValue, _>| side.ok().and_then(|it| it.as_f64()).unwrap_or(1_024.0);
    side(window().inner_width()).max(side(window().inner_height())) * window().device_pixel_ratio()
}

/// The smallest derivative that is sharp at `side` pixels; the largest there is.
fn address(photo: &Photo, side: f64) -> Option<String> {
    let kinds = [DerivativeKind::Preview, DerivativeKind::Display];
    let made = kinds.into_iter().filter_map(|kind| photo.derivatives.get(kind).as_ref());
    let sharp = |width: u32, height: u32| f64::from(width.max(height)) * ENLARGED_MAX >= side;
    let mut best = None;
    for derivative in made {
        best = Some(derivative.url.clone());
        if sharp(derivative.width, derivative.height) {
            break;
        }
    }
    best
}

/// Whether the largest derivative shows less than the file.
fn needs_original(photo: &Photo, side: f64) -> bool {
    let display = photo.derivatives.display.as_ref();
    let shown = display.map_or(0, |display| display.width.max(display.height));
    let whole = photo.info.width.unwrap_or(0).max(photo.info.height.unwrap_or(0));
    whole > shown && side > f64::from(shown) * ENLARGED_MAX
}

/// The photo or film itself.
#[component]
pub fn Picture(
    ui: Ui,
    photo: Rc<Photo>,
    /// Whether a Live Photo moves.
    is_moving: RwSignal<bool>,
    /// To the photo so many places on.
    on_turn: Callback<isize>,
    on_close: Callback<()>,
) -> impl IntoView {
    if is_film(&photo) {
        return view! { <Film ui=ui photo=photo on_turn=on_turn on_close=on_close /> }.into_any();
    }
    let area = NodeRef::<Div>::new();
    let image = NodeRef::<Img>::new();
    let hash = NodeRef::<Canvas>::new();
    let at = RwSignal::new(View::default());
    let shown = StoredValue::new_local(photo.clone());
    let is_failed = RwSignal::new(false);
    // Then another word stands there already.
    let is_told = failure(&photo).is_some();
    let is_loaded = RwSignal::new(false);
    Effect::new(move || {
        if let (Some(canvas), Some(drawing)) =
            (hash.get(), shown.with_value(|photo| photo.info.thumbhash.clone()))
        {
            draw_hash(&canvas, &drawing);
        }
    });
    let source = RwSignal::new(address(&photo, screen_side()));
    let is_whole_file = StoredValue::new(false);
    // The last address that a picture came from.
    let loaded = StoredValue::new(None::<String>);
    // Whether no more than the thumbnail may be here.
    let is_small = StoredValue::new(false);
    // What is here of it stays or comes into sight, and if it is no more than the thumbnail that is said.
    let fall_back = move || {
        if let Some(loaded) = loaded.try_get_value().flatten() {
            source.try_set(Some(loaded));
            return;
        }
        let Some(is_tried) = is_small.try_get_value() else { return };
        let small = shown.with_value(|photo| photo.derivatives.thumbnail.as_ref().map(|it| it.url.clone()));
        is_small.set_value(true);
        is_failed.set(true);
        source.set(small.filter(|_| !is_tried));
    };
    let ask_for_file = move || {
        if is_whole_file.get_value() || !shown.with_value(|photo| is_shown_by_browsers(&photo.mime_type)) {
            return fall_back();
        }
        is_whole_file.set_value(true);
        let asked = ui.cloud().content_url(shown.with_value(|photo| photo.id));
        spawn_local(async move {
            match asked.await {
                Ok(address) => drop(source.try_set(Some(address))),
                Err(_) => fall_back(),
            }
        });
    };
    if source.with_untracked(Option::is_none) {
        ask_for_file();
    }
    // Once the server is there again, so may be the rest.
    let summary = ui.cloud().summary();
    let is_online = Memo::new(move |_| summary.with(|summary| summary.online));
    Effect::new(move |was_online: Option<bool>| {
        let is_online = is_online.get();
        if was_online == Some(false) && is_online && is_failed.get_untracked() {
            is_small.set_value(false);
            is_whole_file.set_value(false);
            loaded.set_value(None);
            match shown.with_value(|photo| address(photo, screen_side())) {
                Some(address) => source.set(Some(address)),
                None => ask_for_file(),
            }
        }
        is_online
    });
    Effect::new(move || {
        let side = screen_side() * at.get().scale;
        // Nothing sharper is to be had.
        if is_small.get_value() || is_whole_file.get_value() {
            return;
        }
        if shown.with_value(|photo| needs_original(photo, side)) && at.with(|at| !at.is_whole()) {
            ask_for_file();
        } else {
            let sharper = shown.with_value(|photo| address(photo, side));
            if source.with_untracked(|source| *source != sharper) && sharper.is_some() {
                source.set(sharper);
            }
        }
    });
    let gestures = Rc::new(RefCell::new(Gestures::default()));
    // While one finger is on the whole picture, it goes along.
    let pulled = RwSignal::new(None::<(f64, f64)>);
    let fit = move || {
        let window = area
            .get_untracked()
            .map_or((1.0, 1.0), |area| (f64::from(area.client_width()), f64::from(area.client_height())));
        let sides = image.get_untracked().map_or((0.0, 0.0), |image| {
            (f64::from(image.natural_width()), f64::from(image.natural_height()))
        });
        Fit::of(window, sides)
    };
    let transform = move || match pulled.get() {
        None => at.get().transform(),
        Some((x, y)) => format!("translate({x}px,{y}px)"),
    };
    let from_middle = move |x: i32, y: i32| {
        let rect = area.get_untracked().map(|area| area.get_bounding_client_rect());
        rect.map_or((0.0, 0.0), |rect| {
            (f64::from(x) - rect.left() - rect.width() / 2.0, f64::from(y) - rect.top() - rect.height() / 2.0)
        })
    };
    let (down, moved, up, cancelled) = (gestures.clone(), gestures.clone(), gestures.clone(), gestures);
    let name = photo.file_name.clone();
    let video = photo.info.live_photo_video.as_ref().map(|video| video.file_id);
    let hold = StoredValue::new(0_u64);
    let end_hold = move || {
        hold.update_value(|holds| *holds += 1);
        is_moving.set(false);
    };
    view! {
        <div
            node_ref=area
            class="viewer-picture"
            class:is-near=move || at.with(|at| !at.is_whole())
            on:wheel=move |event: WheelEvent| {
                event.prevent_default();
                let pace = if event.ctrl_key() { PINCH_PACE } else { WHEEL_PACE };
                let factor = (-event.delta_y() * pace).exp();
                at.update(|at| *at = at.zoom(factor, from_middle(event.client_x(), event.client_y()), fit()));
            }
            on:dblclick=move |event: MouseEvent| {
                let point = from_middle(event.client_x(), event.client_y());
                at.update(|at| *at = if at.is_whole() { at.zoom(NEAR, point, fit()) } else { View::default() });
            }
            on:pointerdown=move |event: PointerEvent| {
                if let Some(area) = area.get_untracked() {
                    area.set_pointer_capture(event.pointer_id()).ok();
                }
                down.borrow_mut().down(&event);
                if video.is_some() {
                    hold.update_value(|holds| *holds += 1);
                    let (number, held) = (hold.get_value(), down.clone());
                    set_timeout(
                        move || {
                            if hold.try_get_value() == Some(number) && held.borrow().is_resting() {
                                is_moving.set(true);
                            }
                        },
                        HOLD,
                    );
                }
            }
            on:pointermove=move |event: PointerEvent| {
                let Some(change) = moved.borrow_mut().moved(&event) else { return };
                let point = from_middle(change.at.0 as i32, change.at.1 as i32);
                at.update(|at| *at = at.zoom(change.factor, point, fit()).moved(change.by, fit()));
                let way = moved.borrow().way().filter(|_| at.with_untracked(View::is_whole));
                pulled.set(way.map(|(x, y)| if y > x.abs() { (0.0, y) } else { (x, 0.0) }));
            }
            on:pointerup=move |event: PointerEvent| {
                let swipe = up.borrow_mut().up(&event);
                pulled.set(None);
                if video.is_some() {
                    end_hold();
                }
                if let Some(swipe) = swipe.filter(|_| at.with_untracked(View::is_whole)) {
                    swiped(swipe, on_turn, on_close);
                }
            }
            on:pointercancel=move |event: PointerEvent| {
                cancelled.borrow_mut().up(&event);
                pulled.set(None);
                if video.is_some() {
                    end_hold();
                }
            }
            on:contextmenu=move |event: MouseEvent| {
                // The finger that has it move asks for no menu.
                if is_moving.get_untracked() {
                    event.prevent_default();
                }
            }
        >
            <div class="viewer-frame" class:is-loaded=move || is_loaded.get() style:transform=transform>
                <canvas node_ref=hash class="viewer-hash" width="1" height="1" aria-hidden="true"></canvas>
                <img
                    node_ref=image
                    src=move || source.get()
                    alt=name
                    draggable="false"
                    hidden=move || source.with(Option::is_none)
                    on:error=move |_| {
                        // What came once and does not come again is no way back.
                        if loaded.get_value() == source.get_untracked() {
                            loaded.set_value(None);
                        }
                        ask_for_file();
                    }
                    on:load=move |_| {
                        loaded.set_value(source.get_untracked());
                        is_failed.set(is_small.get_value());
                        is_loaded.set(true);
                    }
                />
                {video.map(|video| view! { <Moving ui=ui video=video is_moving=is_moving /> })}
            </div>
            <Show when=move || is_failed.get() && !is_told>
                <p class="viewer-word" role="status">{words::PHOTO_UNREACHABLE}</p>
            </Show>
        </div>
    }
    .into_any()
}

/// What moves of a Live Photo, over it; it comes when it is wanted.
#[component]
fn Moving(ui: Ui, video: ItemId, is_moving: RwSignal<bool>) -> impl IntoView {
    let element = NodeRef::<Video>::new();
    let source = RwSignal::new(None::<String>);
    Effect::new(move || {
        if is_moving.get() && source.with_untracked(Option::is_none) {
            let asked = ui.cloud().content_url(video);
            spawn_local(async move {
                if let Ok(address) = asked.await {
                    source.try_set(Some(address));
                }
            });
        }
    });
    Effect::new(move || {
        let (is_moving, is_here) = (is_moving.get(), source.with(Option::is_some));
        let Some(element) = element.get().filter(|_| is_here) else { return };
        if is_moving {
            element.set_current_time(0.0);
            begin(&element);
        } else {
            element.pause().ok();
        }
    });
    view! {
        <video
            node_ref=element
            class="viewer-moving"
            class:is-moving=move || is_moving.get() && source.with(Option::is_some)
            playsinline
            aria-hidden="true"
            src=move || source.get()
            on:ended=move |_| is_moving.set(false)
        ></video>
    }
    .into_any()
}

/// What a swipe over the whole picture means.
fn swiped((x, y): (f64, f64), on_turn: Callback<isize>, on_close: Callback<()>) {
    if y > SWIPE_PIXELS && y > x.abs() {
        on_close.run(());
    } else if x.abs() > SWIPE_PIXELS {
        on_turn.run(if x < 0.0 { 1 } else { -1 });
    }
}

/// A film, which a finger swipes past as any photo, but for its controls.
#[component]
fn Film(ui: Ui, photo: Rc<Photo>, on_turn: Callback<isize>, on_close: Callback<()>) -> impl IntoView {
    let area = NodeRef::<Div>::new();
    let gestures = Rc::new(RefCell::new(Gestures::default()));
    let (down, moved, up, cancelled) = (gestures.clone(), gestures.clone(), gestures.clone(), gestures);
    let is_on_controls = move |event: &PointerEvent| {
        let bottom = area.get_untracked().map_or(0.0, |area| area.get_bounding_client_rect().bottom());
        f64::from(event.client_y()) > bottom - FILM_CONTROLS_PIXELS
    };
    let source = RwSignal::new(None::<String>);
    let is_failed = RwSignal::new(false);
    let asked = ui.cloud().content_url(photo.id);
    spawn_local(async move {
        match asked.await {
            Ok(address) => drop(source.try_set(Some(address))),
            Err(_) => drop(is_failed.try_set(true)),
        }
    });
    let poster = photo.derivatives.preview.as_ref().map(|preview| preview.url.clone());
    view! {
        <div
            node_ref=area
            class="viewer-picture"
            on:pointerdown=move |event: PointerEvent| {
                if event.pointer_type() == "touch" && !is_on_controls(&event) {
                    down.borrow_mut().down(&event);
                }
            }
            on:pointermove=move |event: PointerEvent| { moved.borrow_mut().moved(&event); }
            on:pointerup=move |event: PointerEvent| {
                if let Some(swipe) = up.borrow_mut().up(&event) {
                    swiped(swipe, on_turn, on_close);
                }
            }
            on:pointercancel=move |event: PointerEvent| { cancelled.borrow_mut().up(&event); }
        >
            <video
                class="viewer-film"
                controls
                autoplay
                playsinline
                poster=poster
                src=move || source.get()
                aria-label=photo.file_name.clone()
                on:error=move |_| is_failed.set(true)
            ></video>
            <Show when=move || is_failed.get()>
                <p class="viewer-word" role="status">{words::FILM_UNREACHABLE}</p>
            </Show>
        </div>
    }
    .into_any()
}

/// Fingers, pens and the mouse, as they move.
#[derive(Default)]
struct Gestures {
    points: HashMap<i32, (f64, f64)>,
    began: (f64, f64),
    /// Two fingers were down: what follows is no swipe.
    was_pinch: bool,
}

/// What a movement did: nearer around a point, and along.
struct Change {
    factor: f64,
    at: (f64, f64),
    by: (f64, f64),
}

impl Gestures {
    /// One finger is down, and has not moved.
    fn is_resting(&self) -> bool {
        let mut points = self.points.values();
        let near = |at: &(f64, f64)| (at.0 - self.began.0).hypot(at.1 - self.began.1) <= SLOP_PIXELS;
        !self.was_pinch && points.next().is_some_and(near) && points.next().is_none()
    }

    /// How far the only finger went.
    fn way(&self) -> Option<(f64, f64)> {
        let mut points = self.points.values();
        let at = points.next().filter(|_| !self.was_pinch)?;
        points.next().is_none().then_some((at.0 - self.began.0, at.1 - self.began.1))
    }

    fn down(&mut self, event: &PointerEvent) {
        let point = (f64::from(event.client_x()), f64::from(event.client_y()));
        if self.points.is_empty() {
            self.began = point;
            self.was_pinch = false;
        }
        self.points.insert(event.pointer_id(), point);
        self.was_pinch |= self.points.len() > 1;
    }

    fn moved(&mut self, event: &PointerEvent) -> Option<Change> {
        let point = (f64::from(event.client_x()), f64::from(event.client_y()));
        let before = self.points.insert(event.pointer_id(), point);
        let Some(before) = before else {
            self.points.remove(&event.pointer_id());
            return None;
        };
        let others = self.points.iter().filter(|(id, _)| **id != event.pointer_id());
        let Some((_, other)) = others.last() else {
            return Some(Change { factor: 1.0, at: point, by: (point.0 - before.0, point.1 - before.1) });
        };
        let apart = |point: (f64, f64)| (point.0 - other.0).hypot(point.1 - other.1).max(1.0);
        Some(Change {
            factor: apart(point) / apart(before),
            at: (f64::midpoint(point.0, other.0), f64::midpoint(point.1, other.1)),
            by: ((point.0 - before.0) / 2.0, (point.1 - before.1) / 2.0),
        })
    }

    /// How far a single finger went since it came down, where it moved.
    fn up(&mut self, event: &PointerEvent) -> Option<(f64, f64)> {
        let point = self.points.remove(&event.pointer_id())?;
        if !self.points.is_empty() || self.was_pinch {
            return None;
        }
        let way = (point.0 - self.began.0, point.1 - self.began.1);
        (way.0.hypot(way.1) > SLOP_PIXELS).then_some(way)
    }
}
