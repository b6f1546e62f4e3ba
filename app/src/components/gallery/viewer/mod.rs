//! One photo, as large as the window: named by the address, so that back closes it.

mod again;
mod controls;
mod details;
mod picture;
mod view;

use std::rc::Rc;
use std::time::Duration;

use leptos::ev::KeyboardEvent;
use leptos::html::Dialog as DialogElement;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos_router::hooks::use_query_map;
use shared::ItemId;
use shared::photo::Photo;
use wasm_bindgen::JsCast;

use super::acts::PhotoAct;
use super::{At, Gallery};
use crate::components::toasts::Toasts;
use crate::hooks::listener::{is_typing, on_window};
use crate::hooks::media::media_matches;
use crate::ports::PhotoList;
use crate::words;
use again::{LookAgain, SecondLook, failure};
use controls::Controls;
use details::PhotoDetails;
use picture::Picture;

/// Controls that are not used go after this.
const FADE_AFTER: Duration = Duration::from_secs(2);
/// How long a slideshow shows each photo; a film until its end.
const SLIDE: Duration = Duration::from_secs(4);
/// How long the picture takes back into its tile; the sheet's `--calm`.
const RETURN: Duration = Duration::from_millis(180);

thread_local! {
    /// Whether the photo was opened from here, so that back closes it.
    static IS_PUSHED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// The present address with another photo.
fn address(id: Option<ItemId>) -> String {
    let path = location().pathname().unwrap_or_default();
    let search = location().search().unwrap_or_default();
    let sought = search.trim_start_matches('?').split('&').find(|pair| pair.starts_with("q="));
    let pairs = sought.map(str::to_owned).into_iter().chain(id.map(|id| format!("photo={id}")));
    let pairs: Vec<String> = pairs.collect();
    if pairs.is_empty() { path } else { format!("{path}?{}", pairs.join("&")) }
}

fn is_film(photo: &Photo) -> bool {
    photo.mime_type.starts_with("video/")
}

/// The photo that the present address names.
fn named_photo() -> Option<ItemId> {
    let search = location().search().unwrap_or_default();
    search.trim_start_matches('?').split('&').find_map(|pair| pair.strip_prefix("photo=")?.parse().ok())
}

impl Gallery {
    /// Opens what is at a place.
    pub fn open(self, place: usize) {
        let id = self.at(&self.shown.get_value(), place).id();
        if let Some(id) = id {
            IS_PUSHED.set(true);
            self.ui.go(&address(Some(id)));
        }
    }
}

/// What is open, and the ways on.
#[derive(Clone, Copy)]
pub(super) struct Viewing {
    pub gallery: Gallery,
    pub photo: RwSignal<Option<Rc<Photo>>, LocalStorage>,
    /// Its place in the gallery; none while that is not known.
    pub place: RwSignal<Option<usize>>,
    is_failed: RwSignal<bool>,
    pub is_idle: RwSignal<bool>,
    has_details: RwSignal<bool>,
    is_playing: RwSignal<bool>,
    has_menu: RwSignal<bool>,
    is_closing: RwSignal<bool>,
    /// Whether a Live Photo moves.
    is_moving: RwSignal<bool>,
    /// Of the photo that was last looked at again.
    second_look: RwSignal<Option<(ItemId, SecondLook)>>,
    wakes: StoredValue<u64>,
    dialog: NodeRef<DialogElement>,
}

/// The photo that the address names, over the gallery.
#[component]
pub fn Viewer(gallery: Gallery) -> impl IntoView {
    let query = use_query_map();
    let named = Memo::new(move |_| {
        query.with(|query| query.get_str("photo").and_then(|id| id.parse::<ItemId>().ok()))
    });
    let is_open = Memo::new(move |_| named.get().is_some());
    Effect::new(move |was_open: Option<bool>| {
        let is_open = is_open.get();
        if was_open == Some(true) && !is_open {
            IS_PUSHED.set(false);
            focus_photos();
        }
        is_open
    });
    view! {
        <Show when=move || is_open.get()>
            <Open gallery=gallery named=named />
        </Show>
    }
    .into_any()
}

#[component]
fn Open(gallery: Gallery, named: Memo<Option<ItemId>>) -> impl IntoView {
    let viewing = Viewing {
        gallery,
        photo: RwSignal::new_local(None),
        place: RwSignal::new(None),
        is_failed: RwSignal::new(false),
        is_idle: RwSignal::new(false),
        has_details: RwSignal::new(false),
        is_playing: RwSignal::new(false),
        has_menu: RwSignal::new(false),
        is_closing: RwSignal::new(false),
        is_moving: RwSignal::new(false),
        second_look: RwSignal::new(None),
        wakes: StoredValue::new(0),
        dialog: NodeRef::new(),
    };
    // Nothing behind a modal dialog can be pressed, or is heard: what happens is said in it.
    gallery.ui.is_photo_open.set(true);
    on_cleanup(move || gallery.ui.is_photo_open.set(false));
    Effect::new(move || {
        if let Some(id) = named.get() {
            untrack(|| viewing.show(id));
        }
    });
    // Where it stands may change while it is looked at.
    Effect::new(move || {
        gallery.arranged.track();
        gallery.source().revision().track();
        if let Some(id) = named.get()
            && let Some(place) = gallery.place_of(id)
        {
            viewing.place.set(Some(place));
        }
    });
    Effect::new(move || {
        if let Some(dialog) = viewing.dialog.get()
            && !dialog.open()
        {
            dialog.show_modal().ok();
            viewing.take_focus();
            viewing.grow(&dialog);
            viewing.wake();
        }
    });
    // What came back, or is gone for good, is not deleted any more.
    Effect::new(move || {
        gallery.arranged.track();
        let Some(id) = named.get().filter(|_| gallery.list == PhotoList::Deleted) else { return };
        let is_shown = viewing.photo.with_untracked(|photo| photo.as_ref().is_some_and(|it| it.id == id));
        let is_deleted = gallery.ui.cloud().photo_marks(id).is_some_and(|marks| marks.is_deleted);
        if is_shown && !is_deleted {
            untrack(|| viewing.go_on(viewing.place.get()));
        }
    });
    viewing.use_slides();
    // Wherever the focus is: a button that was pressed may be gone.
    on_window(leptos::ev::keydown, move |event| {
        // The key that opened it means nothing more.
        if !event.default_prevented() && gallery.ui.dialog.with_untracked(Option::is_none) {
            viewing.key(&event);
        }
    });
    let on_turn = Callback::new(move |by| viewing.turn(by));
    let on_close = Callback::new(move |()| viewing.close());
    let name = move || {
        viewing.photo.with(|photo| photo.as_ref().map(|photo| photo.file_name.clone()).unwrap_or_default())
    };
    // A film plays whether or not there is a picture of it; its details say why there is none.
    let reason = Memo::new(move |_| {
        viewing.photo.with(|photo| failure(photo.as_ref().filter(|photo| !is_film(photo))?))
    });
    view! {
        <dialog
            node_ref=viewing.dialog
            class="viewer"
            class:is-idle=move || viewing.is_idle.get()
            class:is-closing=move || viewing.is_closing.get()
            class:with-facts=move || viewing.has_details.get()
            aria-label=move || format!("{}: {}", words::PHOTO, name())
            on:cancel=move |event: web_sys::Event| {
                event.prevent_default();
                if viewing.has_menu.get_untracked() {
                    viewing.has_menu.set(false);
                } else {
                    viewing.close();
                }
            }
            on:pointermove=move |_| viewing.wake()
            on:pointerdown=move |_| viewing.wake()
            on:focusin=move |_| viewing.wake()
        >
            <div class="viewer-stage">
                {move || viewing.photo.get().map(|photo| view! { <Picture ui=gallery.ui photo=photo is_moving=viewing.is_moving on_turn=on_turn on_close=on_close /> })}
                <Show when=move || viewing.is_failed.get()>
                    <p class="viewer-word" role="status">{words::PHOTO_UNREACHABLE}</p>
                </Show>
                {move || reason.get().map(|reason| view! {
                    <div class="viewer-word">
                        <p>{words::no_preview_because(&reason)}</p>
                        <LookAgain viewing=viewing />
                    </div>
                })}
            </div>
            <Controls viewing=viewing />
            <Show when=move || viewing.has_details.get()>
                {move || viewing.photo.get().map(|photo| view! { <PhotoDetails viewing=viewing photo=photo /> })}
            </Show>
            <Toasts />
        </dialog>
    }
    .into_any()
}

impl Viewing {
    fn is_live(self) -> bool {
        self.photo.with(|photo| photo.as_ref().is_some_and(|photo| photo.info.live_photo_video.is_some()))
    }

    fn offers(self, act: PhotoAct) -> bool {
        PhotoAct::offered(self.gallery.list, 1).contains(&act)
    }

    fn show(self, id: ItemId) {
        self.is_failed.set(false);
        let place = self.gallery.place_of(id);
        self.place.set(place);
        if let Some(photo) = place.and_then(|place| self.gallery.photo_at(place)) {
            return self.present(photo);
        }
        let asked = self.gallery.ui.cloud().photo(id);
        spawn_local(async move {
            if let Ok(photo) = asked.await {
                self.find(&photo).await;
                self.present(photo);
            } else {
                self.photo.set(None);
                self.is_failed.set(true);
            }
        });
    }

    fn present(self, photo: Rc<Photo>) {
        let is_same = self.photo.with_untracked(|shown| shown.as_ref().is_some_and(|shown| *shown == photo));
        if !is_same {
            self.is_moving.set(false);
            self.photo.set(Some(photo));
        }
        if let Some(place) = self.place.get_untracked() {
            self.gallery.selection.update(|selection| selection.stand_on(place));
            if let Some(stage) = self.gallery.stage() {
                stage.reveal(place);
            }
            for by in [1, -1] {
                if let Some(photo) = self.neighbour(by).and_then(|place| self.gallery.photo_at(place)) {
                    picture::preload(&photo);
                }
            }
        }
    }

    /// Brings in the photos of the day that it stands at, to know where.
    async fn find(self, photo: &Photo) {
        let source = self.gallery.source();
        let index = source.index();
        let Some(of_day) = index.day(index.day_of(photo)) else { return };
        let Some((first, last)) = index.segment_of(of_day.start).zip(index.segment_of(of_day.end - 1)) else {
            return;
        };
        for segment in first..=last {
            let Ok(photos) = source.segment(segment).await else { return };
            if photos.iter().any(|other| other.id == photo.id) {
                self.place.try_set(self.gallery.place_of(photo.id));
                return;
            }
        }
    }

    /// The place of the next photo, or of the one before.
    fn neighbour(self, by: isize) -> Option<usize> {
        let place = self.place.get()?.checked_add_signed(by)?;
        (place < self.gallery.count.get()).then_some(place)
    }

    pub fn turn(self, by: isize) {
        let Some(place) = untrack(|| self.neighbour(by)) else { return };
        let shown = self.gallery.shown.get_value();
        if let Some(id) = self.gallery.at(&shown, place).id() {
            return self.gallery.ui.replace_address(&address(Some(id)));
        }
        let source = self.gallery.source();
        let segment = shown.arrangement.ordinal(place).and_then(|ordinal| shown.index.segment_of(ordinal));
        spawn_local(async move {
            if let Some(segment) = segment
                && source.segment(segment).await.is_ok()
                && let Some(id) = self.gallery.id_at(place)
            {
                self.gallery.ui.replace_address(&address(Some(id)));
            }
        });
    }

    fn act(self, act: PhotoAct) {
        let Some(photo) = self.photo.get_untracked().filter(|_| self.offers(act)) else { return };
        if self.gallery.ui.is_still_opening() {
            return;
        }
        let place = self.place.get_untracked();
        self.gallery.act(act, vec![photo.id]);
        if act == PhotoAct::Delete {
            self.go_on(place);
        }
    }

    /// What came after a photo that left stands where it was.
    fn go_on(self, place: Option<usize>) {
        let shown = self.gallery.shown.get_value();
        let next = place.map(|place| place.min(shown.arrangement.len().saturating_sub(1)));
        match next.map(|next| self.gallery.at(&shown, next)).as_ref().and_then(At::id) {
            Some(id) => self.gallery.ui.replace_address(&address(Some(id))),
            None => self.close(),
        }
    }

    fn key(self, event: &KeyboardEvent) {
        self.wake();
        if is_typing(event) || event.ctrl_key() || event.meta_key() || event.alt_key() {
            return;
        }
        match event.key().as_str() {
            "ArrowRight" => self.turn(1),
            "ArrowLeft" => self.turn(-1),
            " " if untrack(|| self.is_live()) => self.is_moving.update(|is_moving| *is_moving = !*is_moving),
            "i" => self.has_details.update(|has| *has = !*has),
            "f" => self.act(PhotoAct::Favorite),
            "s" => self.toggle_slides(),
            "Delete" | "Backspace" => self.act(PhotoAct::deleting(self.gallery.list)),
            _ => return,
        }
        event.prevent_default();
    }

    /// Shows the controls, for a while.
    pub fn wake(self) {
        if self.is_idle.get_untracked() {
            self.is_idle.set(false);
        }
        let Some(number) = self.wakes.try_update_value(|wakes| {
            *wakes += 1;
            *wakes
        }) else {
            return;
        };
        set_timeout(
            move || {
                let is_last = self.wakes.try_get_value() == Some(number);
                if is_last && !self.has_details.get_untracked() && !self.has_menu.get_untracked() {
                    self.is_idle.set(true);
                }
            },
            FADE_AFTER,
        );
    }

    /// For when what had the keyboard is gone.
    fn take_focus(self) {
        if let Some(dialog) = self.dialog.get_untracked() {
            dialog.focus().ok();
        }
    }

    fn toggle_slides(self) {
        self.is_playing.update(|is_playing| *is_playing = !*is_playing);
    }

    fn use_slides(self) {
        Effect::new(move || {
            if !self.is_playing.get() {
                return;
            }
            if self.neighbour(1).is_none() {
                return self.is_playing.set(false);
            }
            let film = self.photo.with(|photo| photo.as_ref().and_then(|photo| photo.info.duration));
            let shown = SLIDE.max(Duration::from_millis(film.unwrap_or(0)));
            if let Ok(timer) = set_timeout_with_handle(move || self.turn(1), shown) {
                on_cleanup(move || timer.clear());
            }
        });
    }

    /// The picture grows out of its tile, and returns to it.
    fn grow(self, dialog: &web_sys::HtmlDialogElement) {
        let Some(place) = self.place.get_untracked() else { return };
        let Some(rect) = self.gallery.stage().and_then(|stage| stage.tile_rect(place)) else { return };
        let (width, height) =
            (f64::from(dialog.client_width().max(1)), f64::from(dialog.client_height().max(1)));
        let dialog: &web_sys::HtmlElement = dialog;
        let style = dialog.style();
        let from_x = rect.left() + rect.width() / 2.0 - width / 2.0;
        let from_y = rect.top() + rect.height() / 2.0 - height / 2.0;
        // As large as the tile where the picture touches two sides of the window.
        let scale = (rect.width() / width).max(rect.height() / height);
        style.set_property("--from-x", &format!("{from_x}px")).ok();
        style.set_property("--from-y", &format!("{from_y}px")).ok();
        style.set_property("--from-scale", &scale.to_string()).ok();
    }

    pub fn close(self) {
        if self.is_closing.get_untracked() {
            return;
        }
        if let Some(dialog) = self.dialog.get_untracked() {
            self.grow(&dialog);
        }
        self.is_closing.set(true);
        let is_calm = media_matches("(prefers-reduced-motion: reduce)");
        let leave = move || {
            // Who went somewhere else meanwhile is not taken back.
            if named_photo().is_none() {
                return;
            }
            match window().history() {
                Ok(history) if IS_PUSHED.get() => drop(history.back()),
                _ => self.gallery.ui.replace_address(&address(None)),
            }
        };
        set_timeout(leave, if is_calm { Duration::ZERO } else { RETURN });
    }
}

/// Gives the keyboard back to the photos.
fn focus_photos() {
    let scroller = document().query_selector(".gallery-scroller").ok().flatten();
    if let Some(scroller) = scroller.and_then(|it| it.dyn_into::<web_sys::HtmlElement>().ok()) {
        scroller.focus().ok();
    }
}
