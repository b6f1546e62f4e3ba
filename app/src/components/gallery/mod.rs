//! A library of photos on one page: every photo has its place from the beginning, and as many elements as a
//! screen needs show those that are looked at.

mod acts;
mod arrange;
mod bar;
mod drag;
mod keys;
mod live;
mod pointer;
mod pool;
mod scrubber;
pub mod search;
mod stage;
mod sweep;
mod tile;
pub mod viewer;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use leptos::html::Div;
use leptos::prelude::*;
use shared::photo::{Aspect, Photo};
use shared::{ClientFileItem, ItemId};
use wasm_bindgen::JsCast;

use crate::hooks::listener::{on_target, on_target_captured, on_window};
use crate::hooks::viewport::observe_size;
use crate::model::photos::{
    Arrangement, Layout, Metrics, Overlay, PhotoIndex, PhotoSelection, Ranges, Rect, Spot, Whereabouts, Zoom,
};
use crate::ports::{PhotoList, PhotoMarks, PhotoSource, UploadView};
use crate::ui::{Ui, use_ui};
use crate::words;
pub use acts::PhotoAct;
use arrange::{CarriedPhotos, Order};
use bar::GalleryBar;
pub use bar::PhotoLinks;
use scrubber::Scrubber;
use stage::{Drawn, Stage};

/// What this device did itself is looked up again at most so often.
const PACE: Duration = Duration::from_millis(150);

/// What is shown at a place.
pub enum At {
    /// A photo of which only the shape is known yet.
    Unknown,
    Photo(Rc<Photo>),
    /// On its way to the server.
    Arriving(Arc<ClientFileItem>),
}

impl At {
    pub fn id(&self) -> Option<ItemId> {
        match self {
            Self::Unknown => None,
            Self::Photo(photo) => Some(photo.id),
            Self::Arriving(item) => Some(item.item.id),
        }
    }
}

/// Everything that is shown, and where.
pub struct Shown {
    pub index: Rc<PhotoIndex>,
    pub arriving: Vec<Arc<ClientFileItem>>,
    own: Rc<Overlay>,
    /// None: photos follow each other as a person arranged them, whatever their days.
    zoom: Option<Zoom>,
    pub arrangement: Arrangement,
    pub layout: Layout,
}

impl Shown {
    /// What a group's heading says.
    pub fn heading(&self, group: usize) -> String {
        let group = self.arrangement.groups().get(group).zip(self.zoom);
        group.map(|(group, zoom)| words::photo_heading(group.day, zoom)).unwrap_or_default()
    }

    /// The segments of the index that have the photos at these places, each once.
    fn segments_of(&self, places: &Ranges) -> Vec<usize> {
        let ordinals = places.parts().filter_map(|part| self.arrangement.ordinals(part));
        let segments = ordinals.filter_map(|ordinals| {
            Some(self.index.segment_of(ordinals.start)?..=self.index.segment_of(ordinals.end - 1)?)
        });
        let mut segments: Vec<usize> = segments.flatten().collect();
        segments.dedup();
        segments
    }

    /// Where a photo is shown that stands elsewhere than the index has it.
    fn place_of_moved(&self, id: ItemId) -> Option<usize> {
        let number = self.own.photos.iter().position(|photo| photo.id == id)?;
        self.arrangement.place_of_moved(number)
    }
}

/// Handles that the parts of a gallery share.
#[derive(Clone, Copy)]
pub struct Gallery {
    pub ui: Ui,
    pub list: PhotoList,
    source: StoredValue<Rc<dyn PhotoSource>, LocalStorage>,
    shown: StoredValue<Rc<Shown>, LocalStorage>,
    stage: StoredValue<Option<Rc<Stage>>, LocalStorage>,
    pub selection: RwSignal<PhotoSelection>,
    pub zoom: RwSignal<Zoom>,
    /// Photos in the list.
    pub count: RwSignal<usize>,
    /// Rises with each other arrangement.
    arranged: RwSignal<u64>,
    /// While a pointer is down, everything stays where it is; what came meanwhile waits.
    is_held: StoredValue<bool>,
    is_overdue: StoredValue<bool>,
    is_focused: RwSignal<bool>,
    drawn: RwSignal<Drawn>,
    /// What a mouse draws over photos, in pixels of what is seen.
    band: RwSignal<Option<Rect>>,
    order: StoredValue<Order>,
}

impl Gallery {
    pub fn new(ui: Ui, list: PhotoList) -> Self {
        let source = ui.cloud().photos(list);
        let index = source.index();
        let arrangement = Arrangement::default();
        let layout = Layout::new(&arrangement, Metrics::of(Zoom::Days, 1, 1));
        let shown = Shown {
            index,
            arriving: Vec::new(),
            own: Rc::default(),
            zoom: Some(Zoom::Days),
            arrangement,
            layout,
        };
        Self {
            ui,
            list,
            source: StoredValue::new_local(source),
            shown: StoredValue::new_local(Rc::new(shown)),
            stage: StoredValue::new_local(None),
            selection: RwSignal::default(),
            zoom: RwSignal::default(),
            count: RwSignal::new(0),
            arranged: RwSignal::new(0),
            is_held: StoredValue::new(false),
            is_overdue: StoredValue::new(false),
            is_focused: RwSignal::new(false),
            drawn: RwSignal::default(),
            band: RwSignal::new(None),
            order: StoredValue::new(Order::new()),
        }
    }

    pub fn source(self) -> Rc<dyn PhotoSource> {
        self.source.get_value()
    }

    fn stage(self) -> Option<Rc<Stage>> {
        self.stage.try_get_value().flatten()
    }

    pub fn at(self, shown: &Shown, place: usize) -> At {
        match shown.arrangement.at(place) {
            Spot::Arriving(number) => shown.arriving.get(number).cloned().map_or(At::Unknown, At::Arriving),
            Spot::Moved(number) => shown.own.photos.get(number).cloned().map_or(At::Unknown, At::Photo),
            Spot::Listed(ordinal) => {
                let photo = self.source.with_value(|source| source.photo(ordinal));
                photo.map_or(At::Unknown, At::Photo)
            }
        }
    }

    pub fn photo_at(self, place: usize) -> Option<Rc<Photo>> {
        match self.at(&self.shown.get_value(), place) {
            At::Photo(photo) => Some(photo),
            At::Unknown | At::Arriving(_) => None,
        }
    }

    /// The id of the photo at a place; none for what is unknown, or on its way.
    fn id_at(self, place: usize) -> Option<ItemId> {
        self.photo_at(place).map(|photo| photo.id)
    }

    fn len(self) -> usize {
        self.shown.with_value(|shown| shown.arrangement.len())
    }

    /// As this device has it.
    pub fn marks(self, photo: &Photo) -> PhotoMarks {
        self.ui.cloud().photo_marks(photo.id).unwrap_or_else(|| PhotoMarks::of(&photo.info))
    }

    /// How much of what is on its way was sent.
    fn percent(self, item: &ClientFileItem) -> Option<u8> {
        let operation = item.pending_operation_id?;
        let sent = |upload: &UploadView| {
            let done = (upload.sent_bytes + upload.skipped_bytes).min(upload.total_bytes);
            (done * 100 / upload.total_bytes.max(1)) as u8
        };
        self.ui.cloud().uploads().with_untracked(|uploads| {
            uploads.iter().find(|upload| upload.operation_id == operation).map(sent)
        })
    }

    /// The place of a photo that is known here.
    pub fn place_of(self, id: ItemId) -> Option<usize> {
        let shown = self.shown.get_value();
        shown.place_of_moved(id).or_else(|| shown.arrangement.place(self.source().find(id)?))
    }

    /// Whether the list is another one than what is shown, which is about to be arranged.
    fn is_outdated(self) -> bool {
        let shown = self.shown.try_get_value();
        shown.is_some_and(|shown| !Rc::ptr_eq(&shown.index, &self.source().index()))
    }

    fn hold(self) {
        self.is_held.set_value(true);
    }

    fn let_go(self) {
        self.is_held.set_value(false);
        if self.is_overdue.try_get_value() == Some(true) || self.is_outdated() {
            self.refresh();
        }
    }

    /// Takes in what is another by now; what one looks at stays where it is.
    fn refresh(self) {
        let is_held = self.is_held.try_get_value() == Some(true);
        self.is_overdue.set_value(is_held);
        if is_held {
            return;
        }
        let Some(stage) = self.stage() else { return };
        let former = self.shown.get_value();
        let source = self.source();
        let index = source.index();
        let own = source.overlay();
        let arriving = source.arriving();
        let is_arranged = index.is_arranged() || own.is_arranged;
        self.note_order(is_arranged);
        let by_date = !is_arranged && !self.is_arranging();
        let zoom = by_date.then(|| self.zoom.get_untracked());
        let (width, height) = stage.size();
        let metrics = Metrics::of(zoom, width, height);
        let same_arriving = arriving.len() == former.arriving.len()
            && arriving.iter().zip(&former.arriving).all(|(a, b)| a.item.id == b.item.id);
        let is_same = Rc::ptr_eq(&index, &former.index)
            && own == former.own
            && same_arriving
            && (zoom, metrics) == (former.zoom, former.layout.metrics());
        if is_same {
            if arriving != former.arriving {
                let arrangement = former.arrangement.clone();
                let layout = former.layout.clone();
                self.shown.set_value(Rc::new(Shown { index, arriving, own, zoom, arrangement, layout }));
            }
            self.learn();
            // Which photos are at which places may have been told by now.
            let strayed =
                self.selection.try_with_untracked(|selection| selection.strayed(|id| self.place_of(id)));
            if let Some((place, id)) = strayed.flatten() {
                self.selection.update(|selection| selection.stand_on_photo(place, id));
            }
            return stage.repaint();
        }
        let shapes: Vec<Aspect> = arriving.iter().map(|item| shape(item)).collect();
        let arrangement = Arrangement::new(&index, &shapes, own.gone.clone(), own.moved.clone(), zoom);
        let layout = Layout::new(&arrangement, metrics);
        let shown = Rc::new(Shown { index, arriving, own, zoom, arrangement, layout });
        let position = anchored(&former, &shown, stage.position());
        if !Rc::ptr_eq(&shown.index, &former.index) || !same_arriving || shown.own != former.own {
            // Whoever stands on a photo stands on it wherever it is now. One that got another date is left to go.
            let find = |id: ItemId| match (source.find(id), shown.place_of_moved(id)) {
                (None, None) => Whereabouts::Unknown,
                (ordinal, moved) => ordinal
                    .and_then(|ordinal| shown.arrangement.place(ordinal))
                    .or_else(|| moved.filter(|_| is_arranged))
                    .map_or(Whereabouts::Left, Whereabouts::At),
            };
            let lost = self.selection.try_update(|selection| {
                selection.rearrange(
                    |place| stage.photo_seen(place),
                    find,
                    |place| followed(&former, &shown, place),
                )
            });
            if let Some(lost @ 1..) = lost {
                self.ui.say(words::selection_lost(lost));
            }
        }
        self.shown.set_value(shown.clone());
        self.count.set(shown.arrangement.len());
        stage.arrange(position);
        self.learn();
        self.arranged.update(|arranged| *arranged += 1);
    }

    /// What was selected by its place alone may be known by now.
    fn learn(self) {
        let unknown = self.selection.with_untracked(|selection| selection.unknown().clone());
        if unknown.is_empty() {
            return;
        }
        let (shown, source) = (self.shown.get_value(), self.source());
        let ordinals = unknown.parts().filter_map(|part| shown.arrangement.ordinals(part));
        let known = ordinals.flat_map(|ordinals| source.known(ordinals));
        let placed = known.filter_map(|(ordinal, id)| Some((shown.arrangement.place(ordinal)?, id)));
        let moved = shown.own.photos.iter().enumerate();
        let moved =
            moved.filter_map(|(number, photo)| Some((shown.arrangement.place_of_moved(number)?, photo.id)));
        let placed = placed.chain(moved);
        let placed: Vec<(usize, ItemId)> = placed.collect();
        if !placed.is_empty() {
            self.selection.update(|selection| selection.learn(placed));
        }
    }
}

/// The shape of what is on its way, where something was found of it already.
fn shape(item: &ClientFileItem) -> Aspect {
    let photo = item.item.photo.as_deref();
    let side = |side: fn(&shared::photo::PhotoInfo) -> Option<u32>| photo.and_then(side).unwrap_or(0);
    Aspect::of(side(|info| info.width), side(|info| info.height))
}

/// Where what was at a place is now.
fn followed(former: &Shown, shown: &Shown, place: usize) -> usize {
    let last = shown.arrangement.len().saturating_sub(1);
    let ordinal = match former.arrangement.at(place) {
        Spot::Listed(ordinal) => ordinal,
        Spot::Moved(number) => {
            let id = former.own.photos.get(number).map(|photo| photo.id);
            return id.and_then(|id| shown.place_of_moved(id)).unwrap_or(place).min(last);
        }
        // What was on its way arrived, or still is.
        Spot::Arriving(_) => return place.min(last),
    };
    let same = Rc::ptr_eq(&former.index, &shown.index);
    let ordinal = if same { ordinal } else { former.index.follow(&shown.index, ordinal) };
    (ordinal..shown.index.len()).find_map(|ordinal| shown.arrangement.place(ordinal)).unwrap_or(last)
}

/// The position at which the photo at the top of the window, below the heading that stays there, is where it was. At
/// the very top, the latest photos are what one looks at.
fn anchored(former: &Shown, shown: &Shown, position: f64) -> f64 {
    let heading = f64::from(former.layout.metrics().heading);
    let is_at_top = position < heading.max(1.0);
    if is_at_top || former.arrangement.is_empty() || shown.arrangement.is_empty() {
        return position;
    }
    let row = former.layout.row_at((position + heading) as u32);
    let place = former.layout.row(row).start;
    let within = position - f64::from(former.layout.row_top(row));
    let share = (within / f64::from(former.layout.row_height(row))).min(1.0);
    let row = shown.layout.row_of(followed(former, shown, place));
    let within = if within < 0.0 { within } else { share * f64::from(shown.layout.row_height(row)) };
    f64::from(shown.layout.row_top(row)) + within
}

/// The photos themselves.
#[component]
pub fn GalleryGrid(gallery: Gallery) -> impl IntoView {
    let scroller = NodeRef::<Div>::new();
    let space = NodeRef::<Div>::new();
    let sticky = NodeRef::<Div>::new();
    Effect::new(move || {
        let (Some(scroller), Some(space), Some(sticky)) = (scroller.get(), space.get(), sticky.get()) else {
            return;
        };
        let stage =
            Stage::new(gallery, (*scroller).clone(), (*space).clone(), (*sticky).clone(), gallery.drawn);
        gallery.stage.set_value(Some(stage.clone()));
        let scrolled = stage.clone();
        on_target(&scroller, "scroll", move |_| scrolled.ask());
        // Neither of them bubbles.
        on_target_captured(&scroller, "load", |event| picture_came(&event, true));
        on_target_captured(&scroller, "error", |event| picture_came(&event, false));
        pointer::listen(gallery, &scroller);
        live::listen(gallery, &scroller);
        observe_size(&scroller, move || gallery.refresh());
        let is_nowhere = document().active_element().is_none_or(|element| element.tag_name() == "BODY");
        if is_nowhere && gallery.ui.has_moved.get_value() {
            scroller.focus().ok();
        }
    });
    Effect::new(move |before: Option<u64>| {
        let asked = gallery.ui.focus_list.get();
        if before.is_some_and(|before| before != asked)
            && let Some(scroller) = scroller.get_untracked()
        {
            scroller.focus().ok();
        }
        asked
    });
    on_cleanup(move || gallery.stage.set_value(None));
    use_refreshes(gallery);
    let rows = move || {
        gallery.arranged.track();
        gallery.shown.with_value(|shown| shown.layout.rows_len()).to_string()
    };
    let focused = move |is_focused: bool| {
        move |_| {
            gallery.is_focused.set(is_focused);
            if let Some(stage) = gallery.stage() {
                stage.repaint();
            }
        }
    };
    view! {
        <div
            class="gallery"
            data-selecting=move || gallery.selection.with(|it| !it.is_empty()).to_string()
            data-arranging=move || gallery.order().arranging.get().to_string()
        >
            <div
                node_ref=scroller
                class="gallery-scroller"
                tabindex="0"
                role="grid"
                aria-label=words::photo_list(gallery.list)
                aria-multiselectable="true"
                aria-rowcount=rows
                on:keydown=move |event| keys::pressed(gallery, &event)
                on:focus=focused(true)
                on:blur=focused(false)
            >
                <div node_ref=space class="gallery-space" role="rowgroup"></div>
            </div>
            <div node_ref=sticky class="photo-heading gallery-sticky" aria-hidden="true"></div>
            <sweep::Band gallery=gallery />
            <CarriedPhotos gallery=gallery />
            <Scrubber gallery=gallery />
        </div>
    }
    .into_any()
}

/// Follows the list, this device's own acts, uploads, the zoom, and the selection.
fn use_refreshes(gallery: Gallery) {
    let revision = gallery.source.with_value(|source| source.revision());
    Effect::new(move || {
        revision.track();
        gallery.zoom.track();
        gallery.order().arranging.track();
        untrack(|| gallery.refresh());
    });
    let is_due = Rc::new(RefCell::new(false));
    let cloud = gallery.ui.cloud();
    let (own, uploads) = (cloud.revision(), cloud.uploads());
    Effect::new(move |before: Option<()>| {
        own.track();
        if before.is_none() || is_due.replace(true) {
            return;
        }
        let is_due = is_due.clone();
        set_timeout(
            move || {
                is_due.replace(false);
                gallery.refresh();
            },
            PACE,
        );
    });
    Effect::new(move || {
        gallery.selection.track();
        uploads.track();
        if let Some(stage) = gallery.stage() {
            stage.repaint();
        }
    });
    on_window(leptos::ev::online, move |_| {
        if let Some(stage) = gallery.stage() {
            stage.try_again();
        }
    });
}

fn picture_came(event: &web_sys::Event, is_here: bool) {
    let Some(picture) = event.target().and_then(|it| it.dyn_into::<web_sys::HtmlImageElement>().ok()) else {
        return;
    };
    if let Some(tile) = picture.parent_element() {
        let classes = tile.class_list();
        if is_here {
            classes.add_1("is-loaded").ok()
        } else {
            classes.remove_1("is-loaded").ok()
        };
    }
    if !is_here && let Some(small) = picture.get_attribute(tile::SMALLER) {
        picture.remove_attribute(tile::SMALLER).ok();
        picture.set_src(&small);
    }
}

/// The gallery of one list, with what can be done there.
#[component]
pub fn GalleryOf(list: PhotoList) -> impl IntoView {
    let gallery = Gallery::new(use_ui(), list);
    view! {
        <GalleryBar gallery=gallery />
        <bar::GalleryBody gallery=gallery />
        <viewer::Viewer gallery=gallery />
    }
    .into_any()
}
