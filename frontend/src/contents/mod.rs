//! Contents on this device, by their hash: what a person keeps here, and what was seen, edited or uploaded
//! here lately, within a budget.
//!
//! Every tab finds and adds contents; the records in the database are what counts, and the tabs tell each
//! other of changes. The leading tab alone brings in what is to be kept and makes room. Nothing is recorded
//! whose bytes do not hash to its name.

mod fetch;
mod pinned;
mod urls;

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::{Rc, Weak};
use std::sync::Arc;

use app::ports::{Amount, DeviceStorage, Kept, KeptNote, Progress};
use futures::FutureExt;
use futures::channel::mpsc::{Sender, UnboundedSender};
use futures::channel::oneshot;
use futures::future::{LocalBoxFuture, Shared};
use leptos::prelude::{ArcRwSignal, Update};
use serde::{Deserialize, Serialize};
use shared::limits::PUSH_DATA_BYTES_MAX;
use shared::{ContentHash, FileItem, ItemId};
use sync::StoreBatch;
use wasm_bindgen_futures::spawn_local;
use web_sys::{Blob, BlobPropertyBag};

pub use self::fetch::{NotFetched, Wanted};
pub use self::pinned::{Keeper, ToKeep, Wake, keep, look};
use self::urls::Urls;
use crate::browser;
use crate::hashing::Hasher;
use crate::opfs;
use crate::photos;
use crate::replica::Replica;
use crate::store::{HeldAt, HeldRecord, IndexedDbStore};
use crate::tabs::Tabs;
use crate::updates;

/// What is kept of what was seen lately, where the person chose nothing, in bytes.
const SEEN_BUDGET_DEFAULT: u64 = 1024 * 1024 * 1024;
/// A content that was used is noted again after this long, in milliseconds: order is what matters.
const USE_NOTED_AFTER_MS: i64 = 60_000;
/// The largest content that is kept only because it was seen, in bytes.
const SEEN_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Contents up to this size live in the database, larger ones in files, in bytes.
const IN_DATABASE_BYTES_MAX: u64 = PUSH_DATA_BYTES_MAX as u64;

/// What changed in what is kept, as one tab tells the others.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct KeptChange {
    /// Contents that came.
    added: Vec<HeldRecord>,
    /// Contents that went.
    removed: Vec<ContentHash>,
    pins: Vec<(ItemId, bool)>,
    budget: Option<u64>,
    /// What was only seen is to go.
    #[serde(default)]
    forgets_seen: bool,
}

pub struct Contents {
    me: Weak<Self>,
    store: Rc<IndexedDbStore>,
    tabs: Tabs,
    ready: Shared<LocalBoxFuture<'static, ()>>,
    hasher: OnceCell<Rc<Hasher>>,
    held: RefCell<HashMap<ContentHash, HeldRecord>>,
    pins: RefCell<BTreeSet<ItemId>>,
    budget: Cell<u64>,
    /// What the keeper of this tab found to be kept; None where this tab does not lead.
    pinned: RefCell<Option<BTreeMap<ContentHash, u64>>>,
    /// Whether the keeper is to take away all that was only seen.
    forgets_seen: Cell<bool>,
    /// Why the keeper cannot go on.
    note: Cell<Option<KeptNote>>,
    fetches: fetch::Fetches,
    urls: RefCell<Urls>,
    /// Counts what the keeper was woken to look at.
    looks: Cell<u64>,
    /// Wakes the keeper.
    keeper: RefCell<Option<UnboundedSender<Wake>>>,
    /// Wakes what fetches thumbnails ahead.
    ahead: RefCell<Option<Sender<()>>>,
    revision: ArcRwSignal<u64>,
}

impl Contents {
    /// Reads what the database holds of them beside whatever else the page does.
    pub fn open(store: Rc<IndexedDbStore>, tabs: Tabs, revision: ArcRwSignal<u64>) -> Rc<Self> {
        let (loaded, ready) = oneshot::channel();
        let contents = Rc::new_cyclic(|me| Self {
            me: me.clone(),
            store,
            tabs: tabs.clone(),
            ready: ready.map(drop).boxed_local().shared(),
            hasher: OnceCell::new(),
            held: RefCell::default(),
            pins: RefCell::default(),
            budget: Cell::new(SEEN_BUDGET_DEFAULT),
            pinned: RefCell::default(),
            forgets_seen: Cell::default(),
            note: Cell::default(),
            fetches: fetch::Fetches::default(),
            urls: RefCell::default(),
            looks: Cell::default(),
            keeper: RefCell::default(),
            ahead: RefCell::default(),
            revision,
        });
        let hearing = contents.me.clone();
        tabs.hear_kept(move |change| {
            if let Some(contents) = hearing.upgrade() {
                contents.hear(&change);
            }
        });
        let loading = contents.clone();
        spawn_local(async move {
            loading.load().await;
            // Everything else waits for it.
            let _ = loaded.send(());
        });
        contents
    }

    /// A database that cannot be read holds nothing.
    async fn load(&self) {
        let change = KeptChange {
            added: self.store.held().await.unwrap_or_default(),
            pins: self.store.pins().await.unwrap_or_default().into_iter().map(|id| (id, true)).collect(),
            budget: self.store.seen_budget().await.ok().flatten(),
            ..KeptChange::default()
        };
        self.hear(&change);
    }

    /// The files of one account's contents.
    pub fn folder(store: &IndexedDbStore) -> String {
        format!("{}-contents", store.name())
    }

    pub fn holds(&self, hash: ContentHash) -> bool {
        self.held.borrow().contains_key(&hash)
    }

    /// The bytes, if they are here.
    pub async fn find(&self, hash: ContentHash) -> Option<Blob> {
        self.ready.clone().await;
        let record = self.held.borrow().get(&hash).copied()?;
        let found = match record.at {
            HeldAt::Database => self
                .store
                .held_bytes(hash)
                .await
                .ok()?
                .and_then(|bytes| Blob::new_with_u8_array_sequence(&js_sys::Array::of1(&bytes)).ok()),
            HeldAt::File => {
                let file = opfs::open(&Self::folder(&self.store), &hash.to_string(), record.size).await;
                file.map(Into::into)
            }
        };
        if found.is_some() {
            self.note_use(record);
        } else {
            // The browser, or a person, cleared it away.
            self.forget(&[hash]).await;
        }
        found
    }

    /// An address of bytes for the page. `key` names them; the page shows them as what `item` is.
    pub fn url(&self, key: String, bytes: &Blob, item: &FileItem) -> Option<String> {
        let kind = shown_as(item.mime_type.as_deref(), &item.name);
        let typed = bytes.slice_with_f64_and_f64_and_content_type(0.0, bytes.size(), kind).ok()?;
        self.urls.borrow_mut().of(key, &typed)
    }

    /// Keeps what this device sent, as if it had been seen.
    pub async fn remember(&self, hash: ContentHash, bytes: Blob) {
        if self.takes_seen(bytes.size() as u64) && !self.holds(hash) {
            // It is on the server all the same.
            let _ = self.add(hash, fetch::Source::Blob(bytes)).await;
        }
    }

    /// Keeps the small contents that a batch brings to the outbox. The engine named them itself.
    pub fn remember_stored(&self, batch: Arc<StoreBatch>) {
        let Some(contents) = self.me.upgrade().filter(|_| !batch.put_contents.is_empty()) else { return };
        spawn_local(async move {
            let now = browser::now();
            let hashes: HashMap<_, _> = batch
                .put_operations
                .iter()
                .filter_map(|operation| match operation.act.content()? {
                    sync::Content::Stored { hash, .. } => Some((operation.id, *hash)),
                    sync::Content::Upload { .. } | sync::Content::Copy { .. } => None,
                })
                .collect();
            let records: Vec<(HeldRecord, Option<&[u8]>)> = batch
                .put_contents
                .iter()
                .filter(|(_, bytes)| contents.takes_seen(bytes.len() as u64))
                .filter_map(|(operation, bytes)| {
                    let (hash, size) = (*hashes.get(operation)?, bytes.len() as u64);
                    Some((HeldRecord { hash, size, used_at: now, at: HeldAt::Database }, Some(&bytes[..])))
                })
                .collect();
            if !records.is_empty() && contents.store.put_held(&records).await.is_ok() {
                let added = records.into_iter().map(|(record, _)| record).collect();
                contents.tell(KeptChange { added, ..KeptChange::default() });
            }
        });
    }

    fn note_use(&self, record: HeldRecord) {
        let now = browser::now();
        if (now.as_millis() - record.used_at.as_millis()).abs() < USE_NOTED_AFTER_MS {
            return;
        }
        let record = HeldRecord { used_at: now, ..record };
        self.held.borrow_mut().insert(record.hash, record);
        let store = self.store.clone();
        spawn_local(async move {
            // At worst it goes earlier.
            let _ = store.put_held(&[(record, None)]).await;
        });
    }

    /// Whether a person wants the item kept, by itself or with one of the folders `above` it.
    pub fn kept(&self, id: ItemId, above: impl IntoIterator<Item = ItemId>) -> Kept {
        let pins = self.pins.borrow();
        if pins.contains(&id) {
            Kept::Itself
        } else if !pins.is_empty() && above.into_iter().any(|folder| pins.contains(&folder)) {
            Kept::WithFolder
        } else {
            Kept::No
        }
    }

    /// The person's choice for some items.
    pub fn keep(&self, ids: &[ItemId], is_kept: bool) {
        let choices: Vec<_> = ids.iter().map(|id| (*id, is_kept)).collect();
        self.tell(KeptChange { pins: choices.clone(), ..KeptChange::default() });
        let store = self.store.clone();
        spawn_local(async move {
            // A choice that cannot be stored ends with the page.
            let _ = store.put_pins(&choices).await;
        });
    }

    /// An item turned out to be one with another.
    pub fn renumber(&self, old: ItemId, new: ItemId) {
        if self.pins.borrow().contains(&old) {
            self.keep(&[old], false);
            self.keep(&[new], true);
        }
    }

    pub fn budget(&self) -> u64 {
        self.budget.get()
    }

    pub fn set_budget(&self, bytes: u64) {
        self.tell(KeptChange { budget: Some(bytes), ..KeptChange::default() });
        let store = self.store.clone();
        spawn_local(async move {
            let _ = store.put_seen_budget(bytes).await;
        });
    }

    /// Has what was only seen leave this device; whichever tab leads sees to it.
    pub fn forget_seen(&self) {
        self.tell(KeptChange { forgets_seen: true, ..KeptChange::default() });
    }

    /// How much is here of what is to be kept, how much is to come, and how much else is here.
    fn amounts(&self, wanted: &[ToKeep]) -> Amounts {
        let mut amounts = Amounts::default();
        let mut pinned = BTreeSet::new();
        for ToKeep { content, is_photo } in wanted {
            pinned.insert(content.hash);
            let amount = match (self.holds(content.hash), is_photo) {
                (false, _) => &mut amounts.to_come,
                (true, false) => &mut amounts.files,
                (true, true) => &mut amounts.originals,
            };
            amount.add(content.size);
        }
        for record in self.held.borrow().values().filter(|record| !pinned.contains(&record.hash)) {
            amounts.lately.add(record.size);
        }
        amounts
    }

    /// How much is here of some contents.
    pub fn progress(&self, of: impl Iterator<Item = Wanted>) -> Progress {
        let mut progress = Progress::default();
        for content in of {
            progress.all.add(content.size);
            if self.holds(content.hash) {
                progress.here.add(content.size);
            }
        }
        progress
    }

    pub fn note(&self) -> Option<KeptNote> {
        self.note.get()
    }

    fn set_note(&self, note: Option<KeptNote>) {
        if self.note.replace(note) != note {
            self.tell_here();
        }
    }

    /// The tree changed, or the server is back: other contents may have to be kept, or thumbnails to be fetched.
    pub fn look_again(&self, replica: &Replica) {
        self.wake_ahead();
        if !self.pins.borrow().is_empty() || !replica.conflicts().is_empty() {
            self.wake(Wake::Look);
        }
    }

    fn wake(&self, why: Wake) {
        self.looks.set(self.looks.get() + u64::from(why == Wake::Look));
        if let Some(keeper) = &*self.keeper.borrow() {
            // One that ended needs no waking.
            let _ = keeper.unbounded_send(why);
        }
    }

    fn wake_ahead(&self) {
        if let Some(ahead) = &mut *self.ahead.borrow_mut() {
            // One that is woken already looks at this as well.
            let _ = ahead.try_send(());
        }
    }

    /// Whether a keeper is at work.
    pub fn has_keeper(&self) -> bool {
        self.ahead.borrow().is_some()
    }

    /// More, or less, is on this device.
    pub fn tell_here(&self) {
        self.revision.update(|revision| *revision += 1);
    }

    /// The person chose otherwise what is to be held of photos; whichever tab leads sees to it.
    pub fn forms_chosen(&self) {
        self.tell(KeptChange::default());
    }

    /// Takes in what another tab changed.
    pub fn hear(&self, change: &KeptChange) {
        let mut held = self.held.borrow_mut();
        held.extend(change.added.iter().map(|record| (record.hash, *record)));
        for hash in &change.removed {
            held.remove(hash);
        }
        drop(held);
        let mut pins = self.pins.borrow_mut();
        for (id, is_kept) in &change.pins {
            if *is_kept {
                pins.insert(*id)
            } else {
                pins.remove(id)
            };
        }
        drop(pins);
        if let Some(budget) = change.budget {
            self.budget.set(budget);
        }
        if change.forgets_seen {
            self.forgets_seen.set(true);
        }
        self.tell_here();
        self.wake(if change.pins.is_empty() { Wake::Room } else { Wake::Look });
        self.wake_ahead();
    }

    /// Takes in a change, and tells the other tabs.
    fn tell(&self, change: KeptChange) {
        self.hear(&change);
        self.tabs.kept_changed(change);
    }

    async fn forget(&self, hashes: &[ContentHash]) {
        self.urls.borrow_mut().forget(hashes);
        self.tell(KeptChange { removed: hashes.to_vec(), ..KeptChange::default() });
        // What stays recorded is found to be gone when it is looked for.
        let _ = self.store.forget_held(hashes).await;
    }

    fn hasher(&self) -> Rc<Hasher> {
        self.hasher.get_or_init(Hasher::start).clone()
    }
}

/// What is on this device, and what is to come.
#[derive(Default)]
struct Amounts {
    files: Amount,
    originals: Amount,
    to_come: Amount,
    lately: Amount,
}

/// What the app takes of this device.
pub async fn storage(contents: &Contents, replica: &Replica) -> DeviceStorage {
    let Amounts { files, originals, to_come, lately } = contents.amounts(&look(contents, replica).await);
    let mut waiting = Amount::default();
    for entry in replica.queue(usize::MAX) {
        if let Some((operation, content)) = replica.pending_content(entry.item_id)
            && operation == entry.operation_id
        {
            waiting.add(content.size());
        }
    }
    let offline = (!replica.summary().online).then_some(KeptNote::Offline);
    let (used, allowed) = opfs::estimate().await;
    DeviceStorage {
        kept: files,
        originals,
        to_come,
        note: contents.note().or(offline).filter(|_| to_come.count > 0),
        lately,
        budget: contents.budget(),
        forms: photos::forms_here().await,
        app: updates::held_bytes().await,
        waiting,
        used,
        allowed,
        is_persistent: opfs::is_persistent().await,
    }
}

/// Wipes one account's kept files from this device.
pub async fn forget_all(store: &IndexedDbStore) {
    opfs::remove_all(&Contents::folder(store)).await;
}

/// Bytes as a blob of the page.
pub fn blob(bytes: &[u8]) -> Option<Blob> {
    let parts = js_sys::Array::of1(&js_sys::Uint8Array::from(bytes));
    Blob::new_with_u8_array_sequence_and_options(&parts, &BlobPropertyBag::new()).ok()
}

const PDF: &str = "application/pdf";

/// What the page may show bytes as: an address of its own origin must never be a document that can act.
fn shown_as<'a>(mime_type: Option<&'a str>, name: &str) -> &'a str {
    let is_shown = |kind: &&str| {
        *kind == PDF || ["image/", "audio/", "video/"].iter().any(|sort| kind.starts_with(sort))
    };
    // Browsers find out by themselves what other pictures and films are.
    let by_name = || match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "pdf" => Some(PDF),
        "svg" => Some("image/svg+xml"),
        _ => None,
    };
    mime_type.filter(is_shown).or_else(by_name).unwrap_or("application/octet-stream")
}

#[cfg(test)]
mod tests {
    use super::shown_as;

    #[test]
    fn nothing_is_shown_as_a_page() {
        assert_eq!(shown_as(Some("image/png"), "a"), "image/png");
        assert_eq!(shown_as(Some("text/html"), "a.pdf"), "application/pdf");
        for kind in [Some("text/html"), Some("application/xhtml+xml"), Some("text/xml"), None] {
            assert_eq!(shown_as(kind, "a.html"), "application/octet-stream");
        }
    }
}
