//! The leading tab's keeper: brings in what a person keeps here, and makes room of what was only seen.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use app::ports::{KeptNote, Side};
use futures::channel::mpsc::{self, UnboundedReceiver};
use futures::future::{Either, select};
use futures::{StreamExt, stream};
use shared::{ClientFileItem, ConflictId, ContentHash, ItemId, ItemKind};
use std::pin::pin;

use super::fetch::Wanted;
use super::{Contents, NotFetched};
use crate::api;
use crate::backoff::Backoff;
use crate::browser;
use crate::later;
use crate::opfs;
use crate::photos::KeptForms;
use crate::replica::Replica;
use crate::store::HeldAt;

/// A content that a person keeps on this device.
#[derive(Clone, Copy)]
pub struct ToKeep {
    pub content: Wanted,
    pub is_photo: bool,
}

impl ToKeep {
    pub fn of(item: &ClientFileItem) -> Option<Self> {
        let item = &item.item;
        let content = Wanted { item: item.id, hash: item.content_hash?, size: item.size };
        Some(Self { content, is_photo: item.photo.is_some() })
    }
}

/// Contents fetched at a time.
const FETCHES_AT_ONCE: usize = 3;
/// Changes that come within this time are looked at together, in milliseconds.
const SETTLE_MS: u64 = 300;
/// How many times as long as one look at the pinned folders took, the next one waits.
const LOOK_SHARE: u64 = 4;
/// Items looked at before the page gets its turn.
const SLICE_ITEMS: usize = 2_000;
/// The largest side of a conflict that is fetched unasked: as much as is shown of pictures, in bytes.
const SIDE_BYTES_MAX: u64 = 32 * 1000 * 1000;
/// Between two tries while something cannot be fetched.
const RETRY: Backoff = Backoff::new(Duration::from_secs(5), Duration::from_mins(5));

/// Runs until it is dropped, and has thumbnails fetched ahead for as long.
pub struct Keeper(Rc<Contents>);

impl Keeper {
    pub fn start(contents: Rc<Contents>, replica: Rc<Replica>) -> Self {
        let (wake, woken) = mpsc::unbounded();
        *contents.keeper.borrow_mut() = Some(wake);
        let (kept, known) = (contents.clone(), replica.clone());
        later::spawn(move |code| (code.keep_contents)(kept, known, woken));
        let (wake, woken) = mpsc::channel(0);
        *contents.ahead.borrow_mut() = Some(wake);
        let told = contents.clone();
        later::spawn(move |code| (code.fetch_ahead)(told, replica, woken));
        contents.wake(Wake::Look);
        contents.wake_ahead();
        Self(contents)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.keeper.borrow_mut().take();
        self.0.ahead.borrow_mut().take();
    }
}

/// Why the keeper is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// Other contents may have to be kept, or can be fetched now.
    Look,
    /// Contents came: there may be too many.
    Room,
}

/// How a round of fetching ended.
enum Round {
    Done,
    /// Something changed: look again first.
    Interrupted,
    Stuck(KeptNote),
}

/// Keeps what is to be kept until the [`Keeper`] is dropped.
pub async fn keep(contents: Rc<Contents>, replica: Rc<Replica>, mut woken: UnboundedReceiver<Wake>) {
    contents.ready.clone().await;
    let mut unprovable = BTreeSet::new();
    let mut forms = KeptForms::default();
    let mut failures = 0;
    let mut wait_ms = None;
    loop {
        let next = pin!(woken.next());
        let is_over = match wait_ms {
            None => next.await.is_none(),
            Some(ms) => matches!(select(next, pin!(browser::sleep(ms))).await, Either::Left((None, _))),
        };
        if is_over {
            return;
        }
        browser::sleep(SETTLE_MS).await;
        while woken.try_recv().is_ok() {}

        let began = browser::clock_ms();
        let wanted = look(&contents, &replica).await;
        let took_ms = (browser::clock_ms() - began) as u64;
        let sides = sides(&replica);
        let mut sizes: BTreeMap<_, _> =
            wanted.iter().map(|ToKeep { content, .. }| (content.hash, content.size)).collect();
        sizes.extend(sides.iter().map(|side| (side.hash, side.size)));
        *contents.pinned.borrow_mut() = Some(sizes);
        contents.make_room(if contents.forgets_seen.take() { 0 } else { contents.budget() }).await;
        let photos: Vec<Wanted> = wanted.iter().filter(|it| it.is_photo).map(|it| it.content).collect();
        forms.tell(photos.iter().map(|photo| photo.item).collect()).await;
        if replica.summary().online {
            bring_in_sides(&contents, sides, &mut unprovable).await;
        }
        let missing: Vec<Wanted> = wanted
            .into_iter()
            .map(|wanted| wanted.content)
            .filter(|wanted| !contents.holds(wanted.hash) && !unprovable.contains(&wanted.hash))
            .collect();
        let round = if missing.is_empty() || replica.summary().online {
            bring_in(&contents, missing, &mut woken, &mut unprovable).await
        } else {
            Round::Stuck(KeptNote::Offline)
        };
        if matches!(round, Round::Done) && replica.summary().online {
            let photos = photos.iter().map(|photo| (photo.hash, photo.item));
            let looks = contents.looks.get();
            let is_over = || contents.looks.get() != looks || !replica.summary().online;
            forms.bring_in(photos, |id| replica.photo(id), is_over).await;
        }
        contents.make_room(contents.budget()).await;
        wait_ms = match round {
            Round::Done => None,
            Round::Interrupted => Some(took_ms * LOOK_SHARE),
            Round::Stuck(note) => {
                if note == KeptNote::Full {
                    // What is to be kept comes before what was only seen.
                    contents.make_room(contents.budget() / 2).await;
                }
                failures += 1;
                Some(RETRY.wait(failures, browser::chance()).as_millis() as u64)
            }
        };
        if !matches!(round, Round::Stuck(_)) {
            failures = 0;
        }
        contents.set_note(match round {
            Round::Stuck(note) => Some(note),
            Round::Done | Round::Interrupted => None,
        });
    }
}

/// Every content that is to be kept, each once.
pub async fn look(contents: &Contents, replica: &Replica) -> Vec<ToKeep> {
    let pins: Vec<ItemId> = contents.pins.borrow().iter().copied().collect();
    let mut found = BTreeMap::new();
    let mut take = |item: &ClientFileItem| {
        found.extend(ToKeep::of(item).map(|wanted| (wanted.content.hash, wanted)));
    };
    let mut folders = Vec::new();
    for id in pins {
        match replica.item(id) {
            Some(item) if item.item.is_deleted => {}
            Some(item) if item.item.kind == ItemKind::Folder => folders.push(id),
            Some(item) => take(&item),
            None if replica.is_root(id) => folders.push(id),
            // It may come back while the tree is being made whole.
            None if !replica.summary().is_synced() => {}
            None => contents.keep(&[id], false),
        }
    }
    let mut seen = BTreeSet::new();
    let mut looked_at = 0;
    while let Some(folder) = folders.pop() {
        if !seen.insert(folder) {
            continue;
        }
        for item in replica.within(folder) {
            match item.item.kind {
                ItemKind::Folder => folders.push(item.item.id),
                ItemKind::File => take(&item),
            }
            looked_at += 1;
        }
        if looked_at >= SLICE_ITEMS {
            looked_at = 0;
            browser::sleep(0).await;
        }
    }
    found.into_values().collect()
}

/// One content of an open conflict.
struct ConflictSide {
    conflict: ConflictId,
    side: Side,
    hash: ContentHash,
    /// In bytes.
    size: u64,
}

/// What is needed to decide about the open conflicts, also without a connection.
fn sides(replica: &Replica) -> Vec<ConflictSide> {
    let open = replica.conflicts();
    let both = open.iter().flat_map(|open| [(open, Side::Local), (open, Side::Server)]);
    both.filter_map(|(open, side)| {
        let hash = match side {
            Side::Local => open.local_content_hash,
            Side::Server => open.server_content_hash,
        };
        let size = side.of(open)?.size;
        (size <= SIDE_BYTES_MAX).then_some(ConflictSide { conflict: open.id, side, hash, size })
    })
    .collect()
}

/// One that does not come is asked for again by who looks at it.
async fn bring_in_sides(
    contents: &Contents,
    sides: Vec<ConflictSide>,
    unprovable: &mut BTreeSet<ContentHash>,
) {
    for ConflictSide { conflict, side, hash, .. } in sides {
        if contents.holds(hash) || unprovable.contains(&hash) {
            continue;
        }
        if let Ok(bytes) = api::conflict_content(conflict, side).await {
            contents.remember(hash, bytes).await;
            if !contents.holds(hash) {
                unprovable.insert(hash);
            }
        }
    }
}

async fn bring_in(
    contents: &Contents,
    missing: Vec<Wanted>,
    woken: &mut UnboundedReceiver<Wake>,
    unprovable: &mut BTreeSet<ContentHash>,
) -> Round {
    let mut fetching = stream::iter(missing)
        .map(|wanted| async move { (wanted, contents.fetch(wanted).await) })
        .buffer_unordered(FETCHES_AT_ONCE);
    while let Some((wanted, result)) = fetching.next().await {
        match result {
            Err(NotFetched::Full) => return Round::Stuck(KeptNote::Full),
            Err(NotFetched::NotKept) => return Round::Stuck(KeptNote::NoStorage),
            Err(NotFetched::Call(sync::CallError::Unreachable)) => return Round::Stuck(KeptNote::Offline),
            Err(NotFetched::Call(sync::CallError::Refused(problem))) if problem.code.retryable() => {
                return Round::Stuck(KeptNote::Offline);
            }
            // Of what was refused, the next pull says what became of it.
            Ok(()) | Err(NotFetched::Call(sync::CallError::Refused(_))) => {}
            Err(NotFetched::OtherBytes) => {
                unprovable.insert(wanted.hash);
            }
        }
        while let Ok(wake) = woken.try_recv() {
            if wake == Wake::Look {
                return Round::Interrupted;
            }
        }
    }
    Round::Done
}

impl Contents {
    /// Takes away what was used longest ago, until what was only seen fits into so many bytes.
    async fn make_room(&self, seen_bytes_max: u64) {
        let Some(pinned) = self.pinned.borrow().clone() else { return };
        let mut seen: Vec<_> = self
            .held
            .borrow()
            .values()
            .filter(|record| !pinned.contains_key(&record.hash))
            .copied()
            .collect();
        let mut total: u64 = seen.iter().map(|record| record.size).sum();
        if total <= seen_bytes_max {
            return;
        }
        seen.sort_by_key(|record| (record.used_at, record.hash));
        let mut gone = Vec::new();
        for record in seen {
            if total <= seen_bytes_max {
                break;
            }
            total -= record.size;
            gone.push(record);
        }
        let hashes: Vec<ContentHash> = gone.iter().map(|record| record.hash).collect();
        // First from the records: what is not recorded is not looked for.
        self.forget(&hashes).await;
        let folder = Self::folder(&self.store);
        for record in gone.iter().filter(|record| record.at == HeldAt::File) {
            opfs::remove(&folder, &record.hash.to_string()).await;
        }
    }
}
