//! The smaller forms of photos on this device. The service worker holds them, within what the person allows; over
//! plain HTTP there is none, and nothing is held.

use std::collections::{BTreeSet, HashSet};

use app::ports::{Amount, LibraryHere, PhotoForms, ThumbnailName, is_shown_by_browsers};
use futures::{StreamExt, stream};
use js_sys::{Array, Promise};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::photo::Photo;
use shared::{ContentHash, ItemId};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    CacheStorage, MessageChannel, ServiceWorker, ServiceWorkerContainer, ServiceWorkerRegistration,
};

use crate::{api, browser};

/// How long the service worker may take to answer, in milliseconds.
const ANSWER_MS: u64 = 10_000;
/// The same where it fetches some thumbnails first.
const BROUGHT_MS: u64 = 120_000;
/// Forms of kept photos that come at a time.
const FETCHES_AT_ONCE: usize = 3;

/// What the service worker holds.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormsHere {
    thumbnail: Amount,
    preview: Amount,
    display: Amount,
    /// In bytes.
    budget: u64,
    is_ahead: bool,
    library: Option<LibraryHere>,
}

#[derive(Serialize)]
#[serde(tag = "forms", rename_all = "kebab-case", rename_all_fields = "camelCase")]
enum Wish<'a> {
    Tell,
    Budget { bytes: u64 },
    Keep { ids: &'a BTreeSet<ItemId> },
    Ahead { is_ahead: bool },
    List { after: Option<String> },
    BringAhead { photos: &'a [Thumbnail], library: LibraryHere },
    ForgetLarger,
    ForgetAll,
}

/// A thumbnail that nobody looked at yet.
#[derive(Debug, Serialize)]
pub struct Thumbnail {
    pub url: String,
    pub id: ItemId,
    /// On the wall, in milliseconds.
    pub taken: i64,
}

/// What became of some thumbnails that were to come.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Brought {
    /// Whether any are to come at all.
    pub is_ahead: bool,
    /// How many thumbnails ever had to go: others are here when it rises.
    pub dropped: u64,
    /// Still to be had.
    pub left: Vec<String>,
    /// Not to be had.
    pub refused: Vec<String>,
    /// There is no room for those that are left.
    pub is_full: bool,
}

/// A page of the thumbnails that are here.
#[derive(Debug, Deserialize)]
struct ListedHere {
    thumbnails: Vec<String>,
    next: Option<String>,
}

pub async fn forms_here() -> Option<PhotoForms> {
    let here: FormsHere = ask(&Wish::Tell, ANSWER_MS).await?;
    let FormsHere { thumbnail, preview, display, budget, is_ahead, library } = here;
    let previews = Amount { count: preview.count + display.count, bytes: preview.bytes + display.bytes };
    Some(PhotoForms { thumbnails: thumbnail, previews, budget, is_ahead, library })
}

/// How many bytes of forms may stay.
pub async fn set_budget(bytes: u64) {
    tell(&Wish::Budget { bytes }).await;
}

/// Whether thumbnails come ahead.
pub async fn set_ahead(is_ahead: bool) {
    tell(&Wish::Ahead { is_ahead }).await;
}

/// Forgets what was seen of photos, but for thumbnails and what is kept.
pub async fn forget_seen() {
    tell(&Wish::ForgetLarger).await;
}

/// Forgets all forms on this device, for nobody is signed in any more.
pub async fn forget_all() {
    tell(&Wish::ForgetAll).await;
}

/// The thumbnails that are here; none where no service worker is at work.
pub async fn thumbnails_here() -> Option<HashSet<ThumbnailName>> {
    let (mut names, mut after) = (HashSet::new(), None);
    loop {
        let page: ListedHere = ask(&Wish::List { after }, ANSWER_MS).await?;
        names.extend(page.thumbnails.iter().filter_map(|address| ThumbnailName::read(address)));
        after = page.next;
        if after.is_none() {
            return Some(names);
        }
    }
}

/// Has thumbnails come that nobody looked at, and notes how far the whole library is.
pub async fn bring_ahead(photos: &[Thumbnail], library: LibraryHere) -> Option<Brought> {
    ask(&Wish::BringAhead { photos, library }, BROUGHT_MS).await
}

/// Whether the service worker did what it was told.
async fn tell(wish: &Wish<'_>) -> bool {
    ask::<FormsHere>(wish, ANSWER_MS).await.is_some()
}

/// None where no service worker is at work.
async fn ask<T: DeserializeOwned>(wish: &Wish<'_>, within_ms: u64) -> Option<T> {
    let wish = serde_json::to_string(wish).ok().and_then(|text| js_sys::JSON::parse(&text).ok())?;
    let channel = MessageChannel::new().ok()?;
    let (here, there) = (channel.port1(), channel.port2());
    let heard = Promise::new(&mut |resolve, _| here.set_onmessage(Some(&resolve)));
    worker().await?.post_message_with_transferable(&wish, &Array::of1(&there)).ok()?;
    let late = std::pin::pin!(browser::sleep(within_ms));
    let answer = futures::future::select(JsFuture::from(heard), late).await;
    here.close();
    match answer {
        futures::future::Either::Left((Ok(event), _)) => {
            serde_wasm_bindgen::from_value(browser::property(&event, "data")?).ok()
        }
        _ => None,
    }
}

fn workers() -> Option<ServiceWorkerContainer> {
    browser::property(&web_sys::window()?.navigator(), "serviceWorker").map(JsCast::unchecked_into)
}

fn controller() -> Option<ServiceWorker> {
    workers()?.controller()
}

/// The service worker, also where a page was loaded past it.
async fn worker() -> Option<ServiceWorker> {
    if let Some(worker) = controller() {
        return Some(worker);
    }
    let registration = JsFuture::from(workers()?.get_registration()).await.ok()?;
    registration.dyn_into::<ServiceWorkerRegistration>().ok()?.active()
}

/// What was seen to for the photos that are kept.
#[derive(Default)]
pub struct KeptForms {
    /// None until the service worker was told.
    told: Option<BTreeSet<ItemId>>,
    /// Contents all of whose forms are here.
    here: BTreeSet<ContentHash>,
}

impl KeptForms {
    /// Has the forms of these photos stay.
    pub async fn tell(&mut self, ids: BTreeSet<ItemId>) {
        if self.told.as_ref() != Some(&ids) && tell(&Wish::Keep { ids: &ids }).await {
            self.told = Some(ids);
        }
    }

    /// Brings in what is shown of kept photos, until `is_over`. What does not come is looked for the next time.
    pub async fn bring_in(
        &mut self,
        photos: impl Iterator<Item = (ContentHash, ItemId)>,
        photo: impl Fn(ItemId) -> Option<Photo>,
        is_over: impl Fn() -> bool,
    ) {
        let caches = web_sys::window().and_then(|window| window.caches().ok());
        let Some(caches) = caches.filter(|_| controller().is_some()) else { return };
        let missing: Vec<_> = photos.filter(|(content, _)| !self.here.contains(content)).collect();
        let mut coming = stream::iter(missing)
            .take_while(|_| std::future::ready(!is_over()))
            .map(|(content, id)| {
                let (caches, photo) = (caches.clone(), photo(id));
                async move {
                    let is_here = match photo {
                        Some(photo) => bring_in_one(&caches, &photo).await,
                        None => false,
                    };
                    (content, is_here)
                }
            })
            .buffer_unordered(FETCHES_AT_ONCE);
        while let Some((content, is_here)) = coming.next().await {
            if is_here {
                self.here.insert(content);
            }
        }
    }
}

/// Answers whether every form that is needed to show the photo is here.
async fn bring_in_one(caches: &CacheStorage, photo: &Photo) -> bool {
    let forms = &photo.derivatives;
    let largest = forms.display.as_ref().filter(|_| !is_shown_by_browsers(&photo.mime_type));
    for form in [forms.thumbnail.as_ref(), forms.preview.as_ref(), largest].into_iter().flatten() {
        let held = JsFuture::from(caches.match_with_str(&form.url)).await;
        if held.is_ok_and(|held| held.is_undefined()) && api::form(&form.url).await.is_err() {
            return false;
        }
    }
    true
}
