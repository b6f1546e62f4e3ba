//! Photos that other apps of this device handed over. The service worker holds them until they are taken in, or are not
//! wanted.

use app::ports::{Cloud, Described, PickedFile};
use app::words;
use js_sys::{Array, decode_uri_component};
use shared::Timestamp;
use shared::photo::PhotoEdit;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Blob, Cache, File, FilePropertyBag, Request, Response};

use crate::browser;
use crate::cloud::BrowserCloud;
use crate::intake;

const CACHE: &str = "handed";
/// Between two looks whether a photo stands in the store, in milliseconds, and how many there are at most.
const LOOK_AGAIN_MS: u64 = 100;
const LOOKS_MAX: usize = 300;

/// How many there are.
pub async fn count() -> usize {
    addresses().await.map_or(0, |(_, addresses)| addresses.len())
}

/// Puts them into the library, offline too. One that this device could not store stays where it is.
pub async fn take_in(cloud: BrowserCloud) {
    let Some((library, (cache, addresses))) = cloud.photo_library().zip(addresses().await) else { return };
    for address in addresses {
        let Some(file) = file(&cache, &address).await else { continue };
        let id = cloud.new_item_id();
        let described = Described {
            id,
            group: words::HANDED_GROUP.to_owned(),
            modified_at: Some(Timestamp::from_millis(file.last_modified() as i64)),
            edit: PhotoEdit::default(),
            albums: Vec::new(),
        };
        let described = Some(Box::new(described));
        let picked = PickedFile { file, folders: Vec::new(), handle: None, described };
        intake::take_in_one(&cloud, library, id, picked).await;
        for _ in 0..LOOKS_MAX {
            let is_stored =
                |replica: &crate::replica::Replica| replica.item(id).is_some() && !replica.summary().unstored;
            if cloud.read(is_stored) {
                // What is left behind is asked about again, and is the same photo.
                let _ = JsFuture::from(cache.delete_with_str(&address)).await;
                break;
            }
            browser::sleep(LOOK_AGAIN_MS).await;
        }
    }
}

/// They are not wanted.
pub async fn forget() {
    if let Some(caches) = web_sys::window().and_then(|window| window.caches().ok()) {
        let _ = JsFuture::from(caches.delete(CACHE)).await;
    }
}

/// Where they are, in the order in which they came; none where nothing ever did.
async fn addresses() -> Option<(Cache, Vec<String>)> {
    let caches = web_sys::window()?.caches().ok()?;
    if JsFuture::from(caches.has(CACHE)).await.ok() != Some(JsValue::TRUE) {
        return None;
    }
    let cache: Cache = JsFuture::from(caches.open(CACHE)).await.ok()?.unchecked_into();
    let requests: Array = JsFuture::from(cache.keys()).await.ok()?.unchecked_into();
    let addresses = requests.iter().map(|request| request.unchecked_into::<Request>().url()).collect();
    Some((cache, addresses))
}

/// As it was handed over: the end of its address tells its name and when it was changed.
async fn file(cache: &Cache, address: &str) -> Option<File> {
    let held: Response = JsFuture::from(cache.match_with_str(address)).await.ok()?.dyn_into().ok()?;
    let bytes: Blob = JsFuture::from(held.blob().ok()?).await.ok()?.unchecked_into();
    let mut parts = address.rsplit('/');
    let name: String = decode_uri_component(parts.next()?).ok()?.into();
    let options = FilePropertyBag::new();
    options.set_type(&bytes.type_());
    options.set_last_modified(parts.next()?.parse().ok()?);
    File::new_with_blob_sequence_and_options(&Array::of1(&bytes), &name, &options).ok()
}
