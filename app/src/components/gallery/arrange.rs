//! An album put in order by hand: photos are carried to another place, or moved by keyboard.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::ItemId;
use shared::album_order::{Move, Sorted, arrange};
use shared::photo::AlbumChange;
use sync::Command;
use web_sys::EventTarget;

use super::drag::{Along, Drag, Held};
use super::pool::px;
use super::stage::Stage;
use super::{At, Gallery};
use crate::components::icon::Glyph;
use crate::model::photos::{PhotoSelection, Rect};
use crate::words;

/// How the photos of a list are put in order by hand.
#[derive(Clone, Copy)]
pub struct Order {
    /// Whether they are right now.
    pub arranging: RwSignal<bool>,
    /// Whether any stand where they were put.
    is_arranged: RwSignal<bool>,
    carry: StoredValue<Option<Rc<Carry>>, LocalStorage>,
    carried: RwSignal<Option<Carried>>,
}

impl Order {
    pub fn new() -> Self {
        Self {
            arranging: RwSignal::new(false),
            is_arranged: RwSignal::new(false),
            carry: StoredValue::new_local(None),
            carried: RwSignal::new(None),
        }
    }

    /// Whether photos follow each other whatever their days, followed.
    pub fn has_no_days(self) -> bool {
        self.is_arranged.get() || self.arranging.get()
    }
}

/// Where photos go.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Goal {
    Before(ItemId),
    Behind(ItemId),
    By(Move),
}

impl Goal {
    /// As a move in an album of which some photos move.
    fn within(self, album: &[Sorted], moving: &BTreeSet<ItemId>) -> Option<Move> {
        let mut others = album.iter().filter(|photo| !moving.contains(&photo.0));
        let mut place = |id: ItemId| others.position(|photo| photo.0 == id);
        match self {
            Self::Before(id) => Some(Move::After(place(id)?)),
            Self::Behind(id) => Some(Move::After(place(id)? + 1)),
            Self::By(to) => Some(to),
        }
    }
}

impl Gallery {
    pub fn order(self) -> Order {
        self.order.get_value()
    }

    /// Whether what is dragged is carried to another place.
    pub fn is_arranging(self) -> bool {
        self.order().arranging.get_untracked()
    }

    /// Whether any photos of the list stand where they were put.
    pub fn note_order(self, is_arranged: bool) {
        let known = self.order().is_arranged;
        if known.get_untracked() != is_arranged {
            known.set(is_arranged);
        }
    }

    pub fn arrange_by_hand(self, is_arranging: bool) {
        self.order().arranging.set(is_arranging);
        if is_arranging {
            self.ui.say(words::ARRANGE_HINT);
            self.ui.announce(words::ARRANGE_KEYS);
        }
    }

    /// Moves what is selected or, where nothing is, the photo that the keyboard stands on.
    pub fn move_chosen(self, to: Move, active: usize) {
        let active = self.id_at(active);
        if self.selection.with_untracked(PhotoSelection::is_empty) {
            return self.bring(active.into_iter().collect(), Goal::By(to), active);
        }
        self.with_selected(move |ids| self.bring(ids, Goal::By(to), active));
    }

    /// Brings photos of the album to another place, and stands on one of them.
    fn bring(self, photos: Vec<ItemId>, to: Goal, active: Option<ItemId>) {
        let Some(album) = self.list.album().filter(|_| !photos.is_empty()) else { return };
        let here = self.ui.cloud().photos_here(self.list);
        spawn_local(async move {
            let Some(here) = here.await else { return self.ui.say(words::ORDER_NOT_HERE) };
            let order: Vec<Sorted> = here.iter().map(|photo| (photo.id, photo.sorted_at)).collect();
            let moving: BTreeSet<ItemId> = photos.into_iter().collect();
            let to = to.within(&order, &moving);
            let Some(moved) = to.and_then(|to| arrange(&order, &moving, to)) else {
                return self.ui.say(words::ALBUM_CHANGED);
            };
            let said = words::moved_to_place(moving.len(), moved.place + 1, order.len());
            if moved.times.is_empty() {
                return self.ui.announce(said);
            }
            let place = |(photo, at)| {
                let change = AlbumChange::Place(Some(at));
                Command::ChangeAlbum { photo, album, change }
            };
            let commands = moved.times.into_iter().map(place).collect();
            self.ui.try_run(commands, said, move || self.stand_on_moved(active));
        });
    }

    fn stand_on_moved(self, active: Option<ItemId>) {
        // It may have been left meanwhile.
        let Some(stage) = self.stage() else { return };
        self.refresh();
        let Some((id, place)) = active.and_then(|id| Some((id, self.place_of(id)?))) else { return };
        self.selection.update(|selection| selection.stand_on_photo(place, id));
        stage.reveal(place);
    }

    /// Takes back where photos of the album were put.
    fn sort_by_date(self) {
        let Some(album) = self.list.album() else { return };
        let here = self.ui.cloud().photos_here(self.list);
        spawn_local(async move {
            let Some(here) = here.await else { return self.ui.say(words::ORDER_NOT_HERE) };
            let placed = here.into_iter().filter(|photo| photo.is_placed);
            let change = AlbumChange::Place(None);
            let commands = placed.map(|photo| Command::ChangeAlbum { photo: photo.id, album, change });
            let refresh = move || self.refresh();
            self.ui.try_run(commands.collect(), words::SORTED_BY_DATE.to_owned(), refresh);
        });
    }

    /// Whether a pointer carries what is at a place.
    pub fn is_carried(self, place: usize, id: Option<ItemId>, selection: &PhotoSelection) -> bool {
        self.order().carry.with_value(|carry| {
            carry.as_ref().is_some_and(|carry| match carry.what {
                What::Selected => selection.contains(place, id),
                What::Photo(carried) => id == Some(carried),
            })
        })
    }

    /// Answers whether something was carried.
    pub fn give_up_carrying(self) -> bool {
        let carry = self.order().carry.get_value();
        carry.inspect(|carry| carry.cancel()).is_some()
    }

    fn show_carried(self, carry: Option<Rc<Carry>>) {
        let Some(order) = self.order.try_get_value() else { return };
        order.carried.set(carry.as_ref().map(|carry| carry.view()));
        order.carry.set_value(carry);
        if let Some(stage) = self.stage() {
            stage.repaint();
        }
    }
}

#[derive(Clone, Copy)]
enum What {
    Photo(ItemId),
    Selected,
}

/// Photos on their way to another place of the album.
pub struct Carry {
    gallery: Gallery,
    stage: Rc<Stage>,
    what: What,
    /// Of the one that was pressed.
    id: ItemId,
    picture: Option<String>,
    count: usize,
    pointer: Cell<(i32, i32)>,
    /// The place before which they would come.
    target: Cell<Option<usize>>,
    is_over: Cell<bool>,
    along: Along,
    held: RefCell<Option<Held>>,
}

impl Carry {
    /// The photo at a place and, where it is selected, all that are. What is on its way to the server stays.
    pub fn begin(
        gallery: Gallery,
        place: usize,
        at: (i32, i32),
        pointer: i32,
        target: Option<EventTarget>,
    ) -> Option<Rc<Self>> {
        let stage = gallery.stage()?;
        let photo = gallery.photo_at(place)?;
        stage.capture(pointer);
        let (is_selected, selected) = gallery
            .selection
            .with_untracked(|selection| (selection.contains(place, Some(photo.id)), selection.len()));
        let (what, count) = if is_selected { (What::Selected, selected) } else { (What::Photo(photo.id), 1) };
        let carry = Rc::new(Self {
            gallery,
            stage,
            what,
            id: photo.id,
            picture: photo.derivatives.thumbnail.as_ref().map(|thumbnail| thumbnail.url.clone()),
            count,
            pointer: Cell::new(at),
            target: Cell::new(None),
            is_over: Cell::new(false),
            along: Along::default(),
            held: RefCell::new(Some(Held::photo(target))),
        });
        gallery.show_carried(Some(carry.clone()));
        carry.go_on();
        Some(carry)
    }

    fn view(&self) -> Carried {
        Carried { count: self.count, picture: self.picture.clone(), at: self.pointer.get(), gap: None }
    }

    /// In each frame: what is seen may move along, or be arranged otherwise.
    fn go_on(self: &Rc<Self>) {
        let carry = self.clone();
        request_animation_frame(move || {
            if carry.is_over.get() {
                return;
            }
            if carry.gallery.stage().is_none() {
                return carry.cancel();
            }
            carry.along.step(&carry.stage, carry.pointer.get().1);
            carry.aim();
            carry.go_on();
        });
    }

    /// Finds the gap that is nearest to the pointer.
    fn aim(&self) {
        let Some(shown) = self.gallery.shown.try_get_value() else { return };
        let (x, y) = self.stage.point(self.pointer.get());
        let gap = shown.layout.gap(x.max(0.0) as u32, y.max(0.0) as u32, shown.arrangement.aspects());
        self.target.set(gap.map(|(place, _)| place));
        let view = Carried { gap: gap.map(|(_, rect)| rect), ..self.view() };
        let carried = self.gallery.order().carried;
        if carried.with_untracked(|carried| carried.as_ref() != Some(&view)) {
            carried.set(Some(view));
        }
    }

    /// The photo that they would stand before or behind: the nearest that is known and stays.
    fn goal(&self) -> Option<Goal> {
        let target = self.target.get()?;
        let shown = self.gallery.shown.get_value();
        let selection = self.gallery.selection.read_untracked();
        let stays = |place: usize| match self.gallery.at(&shown, place) {
            At::Photo(photo) if self.gallery.is_carried(place, Some(photo.id), &selection) => None,
            At::Photo(photo) => Some(Some(photo.id)),
            At::Arriving(_) => None,
            At::Unknown => Some(None),
        };
        let behind = (target..shown.arrangement.len()).find_map(stays).flatten();
        let before = || (0..target).rev().find_map(stays).flatten();
        behind.map(Goal::Before).or_else(|| before().map(Goal::Behind))
    }
}

impl Drag for Carry {
    fn follow(&self, at: (i32, i32)) {
        self.pointer.set(at);
    }

    fn finish(&self) {
        if self.is_over.get() {
            return;
        }
        self.aim();
        let goal = self.goal();
        self.cancel();
        let Some(goal) = goal else { return };
        let (gallery, id) = (self.gallery, self.id);
        match self.what {
            What::Photo(id) => gallery.bring(vec![id], goal, Some(id)),
            What::Selected => gallery.with_selected(move |ids| gallery.bring(ids, goal, Some(id))),
        }
    }

    fn cancel(&self) {
        if !self.is_over.replace(true) {
            self.held.take();
            self.gallery.show_carried(None);
        }
    }
}

/// What is seen of photos that are carried.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    count: usize,
    picture: Option<String>,
    /// The pointer, in the window.
    at: (i32, i32),
    /// Where they would come, from the beginning of everything.
    gap: Option<Rect>,
}

/// The gap that photos would come into, and the photos under the pointer.
#[component]
pub fn CarriedPhotos(gallery: Gallery) -> impl IntoView {
    let carried = gallery.order().carried;
    let is_any = Memo::new(move |_| carried.with(Option::is_some));
    let gap = move || {
        gallery.drawn.track();
        let gap = carried.with(|carried| carried.as_ref()?.gap)?;
        let top = f64::from(gap.top) - gallery.stage()?.position();
        Some(view! {
            <div
                class="photo-gap"
                style:left=px(f64::from(gap.left))
                style:top=px(top)
                style:width=px(f64::from(gap.width))
                style:height=px(f64::from(gap.height))
            />
        })
    };
    let moved = move || {
        let (x, y) = carried.with(|carried| carried.as_ref().map_or((0, 0), |carried| carried.at));
        format!("translate({x}px, {y}px)")
    };
    let picture = move || {
        let picture = carried.with_untracked(|carried| carried.as_ref()?.picture.clone())?;
        Some(view! { <img src=picture alt="" /> })
    };
    let count = move || {
        let count = carried.with_untracked(|carried| carried.as_ref().map_or(0, |carried| carried.count));
        (count > 1).then(|| view! { <span class="carried-count">{count}</span> })
    };
    view! {
        {gap}
        <Show when=move || is_any.get()>
            <div class="carried" style:transform=moved aria-hidden="true">{picture()}{count()}</div>
        </Show>
    }
    .into_any()
}

/// Whether photos of an album are put in order by hand, and the way back to their dates.
#[component]
pub fn ArrangeTools(gallery: Gallery) -> impl IntoView {
    let Order { arranging, is_arranged, .. } = gallery.order();
    let is_offered = move || arranging.get() || gallery.count.get() > 1;
    let button = |label: &'static str, icon: icondata::Icon| {
        view! {
            <Glyph icon=icon />
            <span class="button-label">{label}</span>
        }
    };
    view! {
        <div class="arrange-tools">
            <Show when=move || arranging.get() && is_arranged.get()>
                <button
                    class="button plain"
                    type="button"
                    title=words::BY_DATE
                    aria-label=words::BY_DATE
                    on:click=move |_| gallery.sort_by_date()
                >
                    {button(words::BY_DATE, icondata::LuCalendarArrowDown)}
                </button>
            </Show>
            <Show when=is_offered>
                <button
                    class="button plain"
                    type="button"
                    title=words::ARRANGE_KEYS
                    aria-label=words::ARRANGE
                    aria-pressed=move || arranging.get().to_string()
                    on:click=move |_| gallery.arrange_by_hand(!arranging.get_untracked())
                >
                    {button(words::ARRANGE, icondata::LuMove)}
                </button>
            </Show>
        </div>
    }
    .into_any()
}
