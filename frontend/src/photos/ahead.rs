//! Fetches the thumbnails of the library that nobody looked at yet, the latest photos first, while nothing else goes
//! on. The service worker holds them, knows which are here and how many there is room for.

use std::cell::Cell;
use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use app::ports::{LibraryHere, Moment, PhotoList, PhotoMarks, Survey, ThumbnailName};
use futures::StreamExt;
use futures::channel::mpsc::Receiver;
use shared::ItemId;
use shared::photo::{Derivatives, WallTime};
use shared::sync::ZoneKind;
use sync::ItemView;

use super::forms::{self, Thumbnail};
use crate::backoff::Backoff;
use crate::browser;
use crate::contents::Contents;
use crate::opfs;
use crate::replica::Replica;

/// Changes that come within this time are looked at together, in milliseconds.
const SETTLE_MS: u64 = 2_000;
/// How often it is looked whether it is the time, at first and in the long run, in milliseconds.
const POLL_MS: u64 = 1_000;
const POLL_MAX_MS: u64 = 8_000;
/// Photos looked at before the page gets its turn.
const SLICE_PHOTOS: usize = 2_000;
/// Thumbnails that one look at the library finds.
const FOUND_MAX: usize = 4_096;
/// Thumbnails that are asked for before it is looked again whether it is the time.
const BROUGHT_AT_ONCE: usize = 32;
/// Between two tries where the server, or a service worker, is not to be had.
const RETRY: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_mins(5));

/// How a round of fetching ended.
enum Round {
    /// Nothing is to be fetched, there is no room for more, or no connection: it is woken when that changes.
    Over,
    Failed,
}

/// Fetches until the keeper of these contents is dropped.
pub async fn fetch_ahead(contents: Rc<Contents>, replica: Rc<Replica>, mut woken: Receiver<()>) {
    let mut ahead = Ahead::new(contents, replica);
    let mut failures = 0;
    loop {
        if failures > 0 {
            browser::sleep(RETRY.wait(failures, browser::chance()).as_millis() as u64).await;
        } else if woken.next().await.is_some() {
            browser::sleep(SETTLE_MS).await;
        } else {
            return;
        }
        while woken.try_recv().is_ok() {}
        let before = ahead.library;
        let round = ahead.round().await;
        if ahead.library != before {
            ahead.contents.tell_here();
        }
        failures = if matches!(round, Round::Failed) { failures + 1 } else { 0 };
    }
}

struct Ahead {
    contents: Rc<Contents>,
    replica: Rc<Replica>,
    person: Person,
    /// Thumbnails that are on this device; none until the service worker told.
    here: Option<HashSet<ThumbnailName>>,
    /// How many had to go before it told.
    dropped: u64,
    not_to_be_had: HashSet<ThumbnailName>,
    library: LibraryHere,
}

impl Ahead {
    fn new(contents: Rc<Contents>, replica: Rc<Replica>) -> Self {
        Self {
            contents,
            replica,
            person: Person::follow(),
            here: None,
            dropped: 0,
            not_to_be_had: HashSet::new(),
            library: LibraryHere::default(),
        }
    }

    async fn round(&mut self) -> Round {
        loop {
            if !self.is_time().await {
                return Round::Over;
            }
            if self.here.is_none() {
                self.here = forms::thumbnails_here().await;
            }
            let Some(missing) = self.look().await else { return Round::Failed };
            let Some(is_ahead) = self.bring(Vec::new()).await else { return Round::Failed };
            if missing.is_empty() || !is_ahead {
                return Round::Over;
            }
            let mut missing = missing.into_iter();
            // What had to go meanwhile makes another look necessary.
            while self.here.is_some() && missing.len() > 0 {
                if !self.is_time().await {
                    return Round::Over;
                }
                let some: Vec<ItemId> = missing.by_ref().take(BROUGHT_AT_ONCE).collect();
                let Some(is_ahead) = self.bring(some).await else { return Round::Failed };
                if self.library.is_full || !is_ahead {
                    return self.bring(Vec::new()).await.map_or(Round::Failed, |_| Round::Over);
                }
            }
        }
    }

    /// Waits until nothing else goes on; false where there is no connection, or nothing is to be fetched any more.
    async fn is_time(&self) -> bool {
        let mut wait_ms = POLL_MS;
        loop {
            let summary = self.replica.summary();
            if !summary.online || summary.signed_out || !self.contents.has_keeper() {
                return false;
            }
            browser::idle().await;
            let (used, allowed) = opfs::estimate().await;
            let moment = Moment {
                // What waits for room in the account waits for long.
                is_sending: summary.active || summary.waiting > 0 && !summary.quota_full,
                is_behind: summary.behind || summary.unstored || summary.first_sync.is_some(),
                used,
                allowed,
                ..self.person.moment()
            };
            if moment.is_idle() {
                return true;
            }
            browser::sleep(wait_ms).await;
            wait_ms = (2 * wait_ms).min(POLL_MAX_MS);
        }
    }

    /// Looks at the whole library, a stretch at a time, for thumbnails that are not here; none where that is not known.
    async fn look(&mut self) -> Option<Vec<ItemId>> {
        let here = self.here.as_ref()?;
        let mut survey = Survey::new(here, &self.not_to_be_had, FOUND_MAX);
        let mut last = None;
        loop {
            let seen = self.replica.read(|engine| {
                let library = engine.root_of(ZoneKind::Photos)?;
                let (mut count, before) = (0, last);
                for (place, item) in engine.children_after(library, before).take(SLICE_PHOTOS) {
                    (count, last) = (count + 1, Some(place));
                    if let Some((place, name)) = thumbnail(&item) {
                        survey.see(place, name);
                    }
                }
                Some(count)
            })?;
            if seen < SLICE_PHOTOS {
                break;
            }
            browser::idle().await;
        }
        self.library.here = survey.here_count();
        self.library.all = survey.all_count();
        let missing = survey.into_latest();
        self.library.is_full &= !missing.is_empty();
        Some(missing)
    }

    /// Has the thumbnails of some photos come, and tells how far the library is. Answers whether any are to come at
    /// all; none where that failed.
    async fn bring(&mut self, photos: Vec<ItemId>) -> Option<bool> {
        let asked: Vec<(ThumbnailName, Thumbnail)> = self.replica.read(|engine| {
            let found = photos.into_iter().filter_map(|id| {
                let item = engine.item(id)?;
                let ((taken_at, id), name) = thumbnail(&item)?;
                let forms = Derivatives::of(id, item.content_hash()?, item.photo()?);
                Some((name, Thumbnail { url: forms.thumbnail?.url, id, taken: taken_at.as_millis() }))
            });
            found.collect()
        });
        let (names, forms): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let brought = forms::bring_ahead(&forms, self.library).await?;
        let read = |addresses: &[String]| -> HashSet<ThumbnailName> {
            addresses.iter().filter_map(|address| ThumbnailName::read(address)).collect()
        };
        let (left, refused) = (read(&brought.left), read(&brought.refused));
        if let Some(here) = &mut self.here {
            let came = names.into_iter().filter(|name| !left.contains(name) && !refused.contains(name));
            let before = here.len();
            here.extend(came);
            self.library.here += here.len() - before;
        }
        self.not_to_be_had.extend(refused);
        if !forms.is_empty() {
            self.library.is_full = brought.is_full;
        }
        if std::mem::replace(&mut self.dropped, brought.dropped) != brought.dropped {
            self.here = None;
        }
        (left.is_empty() || brought.is_full).then_some(brought.is_ahead)
    }
}

/// Where a photo of the library stands in it, and what its thumbnail is named, where it has one.
fn thumbnail(item: &ItemView<'_>) -> Option<((WallTime, ItemId), ThumbnailName)> {
    let info = item.photo()?;
    let is_listed = info.live_photo_of.is_none() && PhotoList::Library.has(PhotoMarks::of(info));
    info.pictured().filter(|_| is_listed)?;
    Some(((info.taken_at, item.id()), ThumbnailName::of(item.id(), item.content_hash()?)))
}

/// What whoever is before the screen does.
struct Person {
    moved_ms: Rc<Cell<f64>>,
    left_ms: Rc<Cell<Option<f64>>>,
}

impl Person {
    fn follow() -> Self {
        let person = Self { moved_ms: Rc::new(Cell::new(browser::clock_ms())), left_ms: Rc::default() };
        let Some(page) = web_sys::window().and_then(|window| window.document()) else { return person };
        for event in ["scroll", "wheel", "touchmove", "pointerdown", "keydown"] {
            let moved = person.moved_ms.clone();
            browser::overhear(&page, event, move |_| moved.set(browser::clock_ms()));
        }
        let left = person.left_ms.clone();
        let look = {
            let page = page.clone();
            move || left.set(page.hidden().then(browser::clock_ms))
        };
        look();
        browser::listen(&page, "visibilitychange", move |_| look());
        person
    }

    fn moment(&self) -> Moment {
        let now = browser::clock_ms();
        Moment {
            still_ms: now - self.moved_ms.get(),
            hidden_ms: self.left_ms.get().map(|left| now - left),
            saves_data: saves_data(),
            ..Moment::default()
        }
    }
}

/// Whether the person asked sites to be sparing.
fn saves_data() -> bool {
    let connection =
        web_sys::window().and_then(|window| browser::property(&window.navigator(), "connection"));
    connection.and_then(|it| browser::property(&it, "saveData")?.as_bool()).unwrap_or(false)
}
