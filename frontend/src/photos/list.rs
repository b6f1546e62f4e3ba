use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use app::ports::{
    CallError, ListedPhoto, LocalFuture, Overlay, OwnPhotos, PhotoCache, PhotoIndex, PhotoList, PhotoSource,
    PhotosState, Stand,
};
use leptos::prelude::{ArcRwSignal, Signal, Update};
use shared::photo::Photo;
use shared::photo_index::PhotoSegment;
use shared::{ClientFileItem, ItemId};
use wasm_bindgen_futures::spawn_local;
use web_sys::AbortController;

use crate::api::{self, Answer};
use crate::browser;
use crate::later;
use crate::replica::{ChangedPhotos, Replica};
use crate::store::IndexedDbStore;

/// Segments that come at a time.
const FETCHES_MAX: usize = 3;
/// Hints come in crowds: the index is read once for all of them, in milliseconds.
const PACE_MS: u64 = 400;
/// Until a list is read again that changed while it was read, or whose server was away, and photos of it that did not
/// come, in milliseconds.
const AGAIN_MS: u64 = 5_000;

pub struct ListOfPhotos {
    me: Weak<Self>,
    list: PhotoList,
    store: Rc<IndexedDbStore>,
    replica: Rc<Replica>,
    revision: ArcRwSignal<u64>,
    is_told: Cell<bool>,
    state: Cell<PhotosState>,
    index: RefCell<Rc<PhotoIndex>>,
    /// What the index was made of, where this device made it: the server is away.
    here: RefCell<Option<Rc<[ListedPhoto]>>>,
    /// Counts indexes: what was asked for of another one is not of this.
    generation: Cell<u64>,
    cache: RefCell<PhotoCache>,
    own: RefCell<OwnPhotos>,
    wanted: RefCell<Vec<usize>>,
    fetches: RefCell<BTreeMap<usize, AbortController>>,
    /// Whether a reading of the index is due or under way, and whether another one is to follow.
    is_reading: Cell<bool>,
    is_outdated: Cell<bool>,
    /// Whether the photos that came last were not those of the index.
    was_misfit: Cell<bool>,
    /// Counts readings as they begin.
    readings: Cell<u64>,
    arriving: RefCell<BTreeSet<ItemId>>,
    /// What arrived, until a reading that began later has it: by the reading before.
    arrived: RefCell<BTreeMap<ItemId, u64>>,
}

impl ListOfPhotos {
    pub fn open(list: PhotoList, store: Rc<IndexedDbStore>, replica: Rc<Replica>) -> Rc<Self> {
        let opened = Rc::new_cyclic(|me| Self {
            me: me.clone(),
            list,
            store,
            replica,
            revision: ArcRwSignal::new(0),
            is_told: Cell::new(false),
            state: Cell::default(),
            index: RefCell::default(),
            here: RefCell::default(),
            generation: Cell::new(0),
            cache: RefCell::default(),
            own: RefCell::default(),
            wanted: RefCell::default(),
            fetches: RefCell::default(),
            is_reading: Cell::new(false),
            is_outdated: Cell::new(false),
            was_misfit: Cell::new(false),
            readings: Cell::new(0),
            arriving: RefCell::default(),
            arrived: RefCell::default(),
        });
        let opening = opened.clone();
        spawn_local(async move {
            opening.recall().await;
            opening.look_again();
        });
        opened
    }

    /// The name under which it is kept.
    fn name(&self) -> String {
        format!("{:?}", self.list)
    }

    fn tell(&self) {
        if self.is_told.replace(true) {
            return;
        }
        let Some(list) = self.me.upgrade() else { return };
        spawn_local(async move {
            browser::next_frame().await;
            list.is_told.set(false);
            list.revision.update(|revision| *revision += 1);
        });
    }

    /// Searches come and go.
    fn is_kept(&self) -> bool {
        self.list.sought().is_none()
    }

    /// What this device kept of the list.
    async fn recall(&self) {
        if !self.is_kept() {
            return;
        }
        let Ok(Some(segments)) = self.store.photo_index(&self.name()).await else { return };
        if self.index.borrow().is_empty() {
            self.take(whole(self.list, &segments), None);
            self.state.set(PhotosState::Here);
        }
    }

    /// Something changed: the index is read again, soon.
    pub fn look_again(&self) {
        if self.is_reading.replace(true) {
            self.is_outdated.set(true);
            return;
        }
        let Some(list) = self.me.upgrade() else { return };
        let pause = if list.readings.get() == 0 { 0 } else { PACE_MS };
        spawn_local(async move {
            browser::sleep(pause).await;
            list.is_outdated.set(false);
            let is_read = list.list.is_served() && list.read().await;
            list.is_reading.set(false);
            if !is_read {
                list.do_without_server().await;
            }
            if list.is_outdated.get() {
                list.look_again();
            } else if !is_read && list.list.is_served() && browser::is_online() {
                browser::sleep(AGAIN_MS).await;
                list.look_again();
            }
        });
    }

    /// What was read before is shown, with what this device did itself laid over it. An album that changed here, and
    /// what was never read, are listed by what this device knows of each photo.
    async fn do_without_server(&self) {
        let is_changed_here = self.list.album().is_some() && self.is_server_away();
        let is_due = self.index.borrow().is_empty() || self.here.borrow().is_some() || is_changed_here;
        if is_due && !self.list_here().await && self.index.borrow().is_empty() {
            self.state.set(PhotosState::Away);
            self.tell();
        }
    }

    fn is_server_away(&self) -> bool {
        let summary = self.replica.summary();
        !browser::is_online() || !summary.online && !summary.is_connecting()
    }

    /// Lists what this device knows by itself. Answers whether it knows all that the server had told.
    async fn list_here(&self) -> bool {
        let code = later::here().await;
        let Some(photos) = (code.listed_photos)(&self.replica, self.list) else { return false };
        let is_same = self.here.borrow().as_ref().is_some_and(|here| **here == photos[..]);
        if !is_same {
            self.take(PhotoIndex::of(self.list.album(), &photos), Some(photos.into()));
        }
        self.state.set(PhotosState::Here);
        self.tell();
        true
    }

    /// The list and the index do not fit: most likely something changed just now, and a hint is on its way.
    fn look_again_later(&self) {
        let list = self.me.clone();
        spawn_local(async move {
            browser::sleep(AGAIN_MS).await;
            if let Some(list) = list.upgrade() {
                list.look_again();
            }
        });
    }

    /// Reads the index from the server, a page after the other. Answers whether it came to its end.
    async fn read(&self) -> bool {
        let reading = self.readings.get() + 1;
        self.readings.set(reading);
        let (mut index, mut segments) = (PhotoIndex::of_list(self.list.album()), Vec::new());
        let (mut cursor, mut shown) = (None::<String>, 0);
        loop {
            let Ok(page) = api::photo_index(self.list, cursor.as_deref()).await else { return false };
            page.segments.iter().for_each(|segment| index.push(segment));
            segments.extend(page.segments);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
            // Somebody who waits sees what is here; not with each page, for it is laid out each time.
            let is_first = shown > 0 || self.index.borrow().is_empty();
            if is_first && index.len() >= 2 * shown {
                shown = index.len();
                self.take(index.clone(), None);
                self.state.set(PhotosState::Here);
            }
            browser::turn().await;
        }
        index.close();
        self.state.set(PhotosState::Here);
        self.arrived.borrow_mut().retain(|_, before| *before >= reading);
        self.cache.borrow_mut().age();
        let is_other = self.here.borrow().is_some() || **self.index.borrow() != index;
        if is_other {
            self.take(index, None);
            if self.is_kept() {
                // What cannot be kept is shown all the same.
                let _ = self.store.put_photo_index(&self.name(), &segments).await;
            }
        }
        self.tell();
        true
    }

    /// Another index: the server's, or what this device made of photos that are `here`.
    fn take(&self, index: PhotoIndex, here: Option<Rc<[ListedPhoto]>>) {
        self.here.replace(here);
        let former = self.index.replace(Rc::new(index));
        let index = self.index.borrow().clone();
        self.generation.set(self.generation.get() + 1);
        for fetch in std::mem::take(&mut *self.fetches.borrow_mut()).into_values() {
            fetch.abort();
        }
        self.wanted.borrow_mut().clear();
        let own = self.own.take();
        let carried = self.cache.borrow().carry(&former, &index, &own.moved(), |id| self.is_listed(id));
        self.cache.replace(carried);
        // Those that are in the index no more are not gone from it.
        self.judge_each(own.ids().into_iter());
        self.tell();
    }

    /// As far as this device knows.
    fn is_listed(&self, id: ItemId) -> bool {
        let in_album = |album| self.replica.photo_info(id).is_none_or(|photo| photo.is_in(album));
        // What is gone for good is not deleted any more; what other lists have may be known to the server alone.
        let unknown = self.list.is_served();
        self.replica.photo_marks(id).map_or(unknown, |marks| self.list.has(marks))
            && self.list.album().is_none_or(in_album)
    }

    /// Photos changed: which of those that are known here are still in the list?
    pub fn judge(&self, changed: &ChangedPhotos) {
        let known: Vec<ItemId>;
        let ids = match changed {
            ChangedPhotos::These(ids) => ids,
            ChangedPhotos::Any => {
                let (cache, index) = (self.cache.borrow(), self.index.borrow());
                known = cache.known(&index).map(|(_, photo)| photo.id).collect();
                &known
            }
        };
        // Whoever shows them follows the tree.
        self.judge_each(ids.iter().copied());
    }

    /// What was read until now knew nothing of what this device did itself.
    pub fn tree_is_here(&self) {
        self.judge(&ChangedPhotos::Any);
        if self.state.get() != PhotosState::Here {
            self.look_again();
        }
        self.tell();
    }

    fn judge_each(&self, ids: impl Iterator<Item = ItemId>) {
        let (cache, index, mut own) = (self.cache.borrow(), self.index.borrow(), self.own.borrow_mut());
        for id in ids {
            let ordinal = cache.find(&index, id);
            let listed = ordinal.and_then(|ordinal| cache.get(&index, ordinal));
            own.note(id, ordinal, self.stand(id, listed));
        }
    }

    /// How a photo stands as this device has it, which the index has as `listed`.
    fn stand(&self, id: ItemId, listed: Option<&Rc<Photo>>) -> Stand {
        if !self.is_listed(id) {
            return Stand::Gone;
        }
        let otherwise = |listed: &Rc<Photo>| self.replica.sorted_otherwise(listed, self.list.album());
        let moved = listed.and_then(|listed| Some((listed, otherwise(listed)?)));
        moved.map_or(Stand::Listed, |(listed, info)| {
            let mut photo = (**listed).clone();
            (photo.info.taken_at, photo.info.albums) = (info.taken_at, info.albums);
            Stand::Moved(Rc::new(photo))
        })
    }

    /// Takes in photos of a segment of the present index.
    fn put(&self, segment: usize, photos: &[Rc<Photo>], is_fresh: bool) {
        self.cache.borrow_mut().put(segment, photos.to_vec(), is_fresh);
        let index = self.index();
        self.own.borrow_mut().came(&index.segment(segment), &self.cache.borrow(), &index);
        self.judge_each(photos.iter().map(|photo| photo.id));
        self.tell();
    }

    pub fn known_photo(&self, id: ItemId) -> Option<Rc<Photo>> {
        let (cache, index) = (self.cache.borrow(), self.index.borrow());
        let ordinal = cache.find(&index, id)?;
        cache.get(&index, ordinal).cloned()
    }

    /// Begins what is wanted and does not come yet.
    fn go_on(&self) {
        let wanted = self.wanted.borrow().clone();
        for segment in wanted {
            let is_due =
                !self.cache.borrow().is_fresh(segment) && !self.fetches.borrow().contains_key(&segment);
            if !is_due || self.fetches.borrow().len() >= FETCHES_MAX {
                continue;
            }
            let (Some(list), Ok(controller)) = (self.me.upgrade(), AbortController::new()) else { return };
            self.fetches.borrow_mut().insert(segment, controller.clone());
            spawn_local(async move {
                let generation = list.generation.get();
                let answer = list.bring(segment, &controller).await;
                let is_wanted = list.fetches.borrow().get(&segment) == Some(&controller);
                if list.generation.get() != generation || !is_wanted {
                    return;
                }
                list.fetches.borrow_mut().remove(&segment);
                let is_missing = !list.cache.borrow().has(segment) && list.is_server_away();
                match answer {
                    Ok(_) => list.go_on(),
                    Err(CallError::Unreachable) if is_missing && list.list_here().await => {}
                    Err(_) => {
                        // Asked for again with a frame at rest, one of which comes in a while; without a line, when
                        // there is one.
                        list.wanted.borrow_mut().retain(|wanted| *wanted != segment);
                        list.go_on();
                        browser::sleep(AGAIN_MS).await;
                        list.tell();
                    }
                }
            });
        }
    }

    /// A segment's photos: those that this device kept at once, then those of the server.
    async fn bring(&self, segment: usize, controller: &AbortController) -> Answer<Vec<Rc<Photo>>> {
        let generation = self.generation.get();
        let index = self.index.borrow().clone();
        let here = self.here.borrow().clone();
        if let Some(here) = here {
            let photos = here[index.segment(segment)].iter();
            let photos: Vec<Rc<Photo>> =
                photos.filter_map(|photo| self.replica.photo(photo.id)).map(Rc::new).collect();
            if photos.len() != index.segment(segment).len() {
                // One of them is gone for good since.
                self.list_here().await;
                return Err(CallError::Unreachable);
            }
            self.put(segment, &photos, true);
            return Ok(photos);
        }
        let (cursor, count) = (index.cursor(segment).map(str::to_owned), index.segment(segment).len());
        let is_known = self.cache.borrow().has(segment);
        if !is_known
            && self.is_kept()
            && let Ok(Some(kept)) = self.store.photo_stretch(&self.name(), cursor.as_deref()).await
            && self.generation.get() == generation
            && index.fits(segment, kept.iter())
        {
            let kept: Vec<Rc<Photo>> = kept.into_iter().map(Rc::new).collect();
            self.put(segment, &kept, false);
        }
        let page = api::photos(self.list, cursor.as_deref(), count, controller).await?;
        let photos: Vec<Rc<Photo>> = page.photos.into_iter().map(Rc::new).collect();
        if self.generation.get() != generation {
            return Ok(photos);
        }
        if photos.len() != count {
            self.look_again_later();
            return Err(CallError::Unreachable);
        }
        // Something came or went between the two: what is looked at would move along. The index is read first. While
        // things change without end, every other answer is shown all the same.
        let is_misfit = !index.fits(segment, photos.iter().map(|photo| &**photo));
        if is_misfit && !self.was_misfit.replace(is_misfit) {
            self.look_again();
            return Err(CallError::Unreachable);
        }
        self.was_misfit.set(false);
        self.put(segment, &photos, true);
        if self.is_kept() {
            let borrowed: Vec<&Photo> = photos.iter().map(|photo| &**photo).collect();
            let _ = self.store.put_photo_stretch(&self.name(), cursor.as_deref(), &borrowed).await;
        }
        Ok(photos)
    }

    async fn segment_now(&self, segment: usize) -> Result<Vec<Rc<Photo>>, CallError> {
        let index = self.index.borrow().clone();
        let known = || {
            let cache = self.cache.borrow();
            index
                .segment(segment)
                .map(|ordinal| cache.get(&index, ordinal).cloned())
                .collect::<Option<Vec<_>>>()
        };
        if let Some(photos) = known().filter(|_| self.cache.borrow().is_fresh(segment)) {
            return Ok(photos);
        }
        let controller = AbortController::new().map_err(|_| CallError::Unreachable)?;
        match self.bring(segment, &controller).await {
            Ok(photos) => Ok(photos),
            Err(error) => known().ok_or(error),
        }
    }
}

fn whole(list: PhotoList, segments: &[PhotoSegment]) -> PhotoIndex {
    let mut index = PhotoIndex::of_list(list.album());
    for segment in segments {
        index.push(segment);
    }
    index.close();
    index
}

impl PhotoSource for ListOfPhotos {
    fn revision(&self) -> Signal<u64> {
        self.revision.clone().into()
    }

    fn state(&self) -> PhotosState {
        self.state.get()
    }

    fn index(&self) -> Rc<PhotoIndex> {
        self.index.borrow().clone()
    }

    fn photo(&self, ordinal: usize) -> Option<Rc<Photo>> {
        self.cache.borrow().get(&self.index.borrow(), ordinal).cloned()
    }

    fn known(&self, places: Range<usize>) -> Vec<(usize, ItemId)> {
        let (cache, index) = (self.cache.borrow(), self.index.borrow());
        cache.known_among(&index, places).map(|(ordinal, photo)| (ordinal, photo.id)).collect()
    }

    fn find(&self, id: ItemId) -> Option<usize> {
        self.cache.borrow().find(&self.index.borrow(), id)
    }

    fn overlay(&self) -> Rc<Overlay> {
        self.own.borrow_mut().overlay(&self.cache.borrow(), &self.index.borrow())
    }

    fn want(&self, segments: &[usize]) {
        self.cache.borrow_mut().touch(segments);
        self.wanted.replace(segments.to_vec());
        self.fetches.borrow_mut().retain(|segment, fetch| {
            let stays = segments.contains(segment);
            if !stays {
                fetch.abort();
            }
            stays
        });
        self.go_on();
    }

    fn segment(&self, number: usize) -> LocalFuture<Result<Vec<Rc<Photo>>, CallError>> {
        let list = self.me.upgrade();
        Box::pin(async move { list.ok_or(CallError::Unreachable)?.segment_now(number).await })
    }

    fn arriving(&self) -> Vec<Arc<ClientFileItem>> {
        let sending = self.replica.arriving_in(self.list);
        let ids: BTreeSet<ItemId> = sending.iter().map(|item| item.item.id).collect();
        let former = self.arriving.replace(ids.clone());
        let mut arrived = self.arrived.borrow_mut();
        arrived.extend(former.difference(&ids).map(|id| (*id, self.readings.get())));
        // What turned out to be a photo that was there already is shown as that one.
        arrived.retain(|id, _| {
            let item = self.replica.item(*id);
            item.is_some_and(|item| item.item.id == *id && !item.item.is_deleted)
        });
        let arrived = arrived
            .keys()
            .filter_map(|id| self.replica.item(*id))
            .filter(|it| self.find(it.item.id).is_none());
        sending.into_iter().chain(arrived).collect()
    }
}
