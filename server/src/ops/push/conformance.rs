//! What every database below the judge and the feed has to do: SQLite and PostgreSQL, and the one in memory
//! that the simulation stands on. The checks know the ports only, so all three pass the same ones.

use bytes::Bytes;
use shared::content::Manifest;
use shared::photo::{PhotoEdit, Taken};
use shared::rules::Touched;
use shared::sync::{Outcome, Proposal};
use shared::{
    ChunkHash, ChunkRef, ContentHash, DeviceId, Dot, ItemId, ItemKind, OperationId, Timestamp, VersionId,
    VersionVector, ZoneId,
};
use uuid::Uuid;

use super::store::{Batch, ZoneStore};
use crate::blobs::{StagedChunk, Stored};
use crate::db::conflicts::ConflictRow;
use crate::db::items::{Deletion, ItemRow};
use crate::db::manifests::Refused;
use crate::db::operations::{Kept, OperationRow, Recorded};
use crate::db::photos::{Found, LOOK, OF_IDENTIFIER_MAX, OF_SIZE_MAX, PhotoRecord};
use crate::db::versions::VersionRow;
use crate::db::zones::Start;
use crate::ops::pull::Feeds;

/// The room that the account of a store under test has.
pub const QUOTA_BYTES: u64 = 100;

const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const LATER: Timestamp = Timestamp::from_millis(1_700_000_001_000);
const ANN: DeviceId = DeviceId(Uuid::from_u128(0xA1));
const BEN: DeviceId = DeviceId(Uuid::from_u128(0xB1));
const ROOT: ItemId = item_id(1);
const FOLDER: ItemId = item_id(10);
const FILE: ItemId = item_id(11);
const OTHER: ItemId = item_id(12);
const TRASHED: ItemId = item_id(13);
const PURGED: ItemId = item_id(14);

/// An id of this suite.
const fn item_id(n: u128) -> ItemId {
    ItemId(Uuid::from_u128(0x17E_0000 + n))
}

const fn version_id(n: u128) -> VersionId {
    VersionId(Uuid::from_u128(0x7E5_0000 + n))
}

const fn operation_id(n: u128) -> OperationId {
    OperationId(Uuid::from_u128(0x0BE_0000 + n))
}

/// Everything that a zone has to do within one write. The zone is new and empty, its account holds nothing
/// and has room for [`QUOTA_BYTES`].
pub async fn check_store<S: ZoneStore>(store: &mut S, zone: ZoneId) {
    let start = Start { counter: 0, count_floor: 0 };
    assert_eq!(store.lock().await.unwrap(), start, "a new zone begins at 0");
    items_are_found(store).await;
    names_are_swapped(store).await;
    answers_are_kept(store, zone).await;
    versions_are_kept(store).await;
    conflicts_are_kept(store).await;
    contents_are_counted(store).await;
    the_quota_holds(store).await;
}

/// However many photos are alike, a write looks at few of them. In an empty zone.
pub async fn check_alike<S: ZoneStore>(store: &mut S) {
    const SIZE: u64 = 77;
    let photo = |n: usize| {
        let of = content(&[&n.to_string()]).content_hash();
        let taken = Taken { content_identifier: Some("8D1C".to_owned()), ..Taken::default() };
        let found = Some(Found { of, look: LOOK, taken, picture: Ok(None) });
        let photo = Some(Box::new(PhotoRecord { found, ..PhotoRecord::default() }));
        let row = row(item_id(n as u128), ROOT, &format!("{n}.jpg"), n as u64);
        ItemRow { size: SIZE, content_hash: Some(of), photo, ..row }
    };
    let photos: Vec<ItemRow> = (2..2 * OF_SIZE_MAX.max(OF_IDENTIFIER_MAX)).map(photo).collect();
    store.save(Batch { now: NOW, items: photos.clone(), ..Batch::default() }).await.unwrap();
    assert_eq!(store.photos_of_identifier("8D1C").await.unwrap().len(), OF_IDENTIFIER_MAX);
    for photo in photos {
        let found = store.photos_of_size(SIZE, photo.content_hash.unwrap()).await.unwrap();
        assert!(found.contains(&photo), "what has the same content is found");
        assert!((OF_SIZE_MAX..=OF_SIZE_MAX + 1).contains(&found.len()), "{} are looked at", found.len());
    }
}

/// What a pull reads after the write of [`check_store`].
pub async fn check_feeds<F: Feeds>(feeds: &mut F, zone: ZoneId) {
    let stranger = ZoneId(Uuid::from_u128(0xBAD));
    let positions = feeds.positions(&[zone, stranger]).await.unwrap();
    let positions: Vec<_> = positions.into_iter().map(|(zone, at)| (zone, at.counter)).collect();
    assert_eq!(positions, [(zone, 7)], "a zone that nobody has is left out");
    let mut entries = async |after, alive_until, limit| -> Vec<u64> {
        let rows = feeds.entries(zone, after, alive_until, limit).await.unwrap();
        rows.iter().map(|row| row.feed).collect()
    };
    assert_eq!(entries(0, 0, 100).await, [1, 4, 5, 6, 7], "each item once, in the order of the feed");
    assert_eq!(entries(0, 0, 2).await, [1, 4], "a page ends where it should");
    assert_eq!(entries(4, 0, 100).await, [5, 6, 7], "what came up to a position is left out");
    assert_eq!(entries(0, 4, 100).await, [1, 5, 6, 7], "until then what is deleted is left out");
    assert_eq!(entries(0, 7, 100).await, [1, 6, 7]);
    assert!(entries(7, 0, 100).await.is_empty());
    let mut rows = feeds.with_ancestors(zone, &[FILE]).await.unwrap();
    rows.sort_by_key(|row| row.id);
    assert_eq!(ids(&rows), [FOLDER, FILE], "an item comes with its folders");
    assert_eq!(feeds.with_ancestors(zone, &[item_id(99)]).await.unwrap(), []);
}

fn ids(rows: &[ItemRow]) -> Vec<ItemId> {
    rows.iter().map(|row| row.id).collect()
}

fn sorted(mut rows: Vec<ItemRow>) -> Vec<ItemRow> {
    rows.sort_by_key(|row| row.id);
    rows
}

fn dot(device: DeviceId, count: u64) -> Dot {
    Dot { device, count }
}

fn row(id: ItemId, parent_id: ItemId, name: &str, feed: u64) -> ItemRow {
    ItemRow {
        id,
        parent_id,
        name: name.into(),
        kind: ItemKind::File,
        size: 3,
        mime_type: Some("text/plain".into()),
        content_hash: Some(content(&["abc"]).content_hash()),
        version_id: Some(version_id(1)),
        vector: [dot(ANN, 1), dot(BEN, 2)].into_iter().collect(),
        content_dot: dot(ANN, 1),
        place_dot: dot(BEN, 2),
        last_count: 2,
        created_at: NOW,
        modified_at: LATER,
        deleted: None,
        purged_at: None,
        feed,
        touched: Touched { by: ANN, feed, others_feed: 0 },
        fed_by: Some(BEN),
        photo: None,
    }
}

fn said() -> PhotoEdit {
    PhotoEdit { hidden: Some(true), taken_at: Some(None), ..PhotoEdit::default() }
}

fn folder(id: ItemId, parent_id: ItemId, name: &str, feed: u64) -> ItemRow {
    ItemRow {
        kind: ItemKind::Folder,
        size: 0,
        mime_type: None,
        content_hash: None,
        version_id: None,
        ..row(id, parent_id, name, feed)
    }
}

async fn items_are_found<S: ZoneStore>(store: &mut S) {
    let deletion = Deletion { at: NOW, by: operation_id(1) };
    let photo = Some(Box::default());
    let trashed = ItemRow { deleted: Some(deletion), photo, ..row(TRASHED, FOLDER, "gone", 4) };
    let purged = ItemRow { purged_at: Some(LATER), ..row(PURGED, FOLDER, "purged", 5) };
    let rows = [
        folder(FOLDER, ROOT, "Folder", 1),
        row(FILE, FOLDER, "Straße.txt", 2),
        ItemRow { touched: Touched { by: BEN, feed: 3, others_feed: 2 }, ..row(OTHER, FOLDER, "other", 3) },
        trashed.clone(),
        purged.clone(),
    ];
    let batch = Batch { now: NOW, counter: Some(5), items: rows.to_vec(), ..Batch::default() };
    store.save(batch).await.unwrap();

    assert_eq!(store.lock().await.unwrap().counter, 5, "the counter is written with its entries");
    let found = sorted(store.items_with_ancestors(&[FILE, PURGED, item_id(99)]).await.unwrap());
    assert_eq!(found, [rows[0].clone(), rows[1].clone(), purged], "rows come back as they were written");
    let found = sorted(store.children(&[FOLDER]).await.unwrap());
    assert_eq!(ids(&found), [FILE, OTHER, TRASHED], "tombstones are no children");
    let folded = |name: &str| crate::db::items::name_key(name);
    let keys = [folded("STRASSE.TXT"), folded("gone"), folded("purged"), folded("nobody")];
    let found = store.holders(FOLDER, &keys).await.unwrap();
    assert_eq!(ids(&found), [FILE], "live items hold names, in whatever case");
    assert_eq!(store.holders(ROOT, &keys).await.unwrap(), [], "names are taken in one folder");
    assert_eq!(store.deleted_by(deletion).await.unwrap(), [trashed]);
    let another = Deletion { by: operation_id(2), ..deletion };
    assert_eq!(store.deleted_by(another).await.unwrap(), []);

    assert_eq!(ids(&store.touched_after(BEN, 0).await.unwrap()), [FOLDER, FILE, OTHER]);
    assert_eq!(ids(&store.touched_after(BEN, 2).await.unwrap()), [], "a device's own touch does not count");
    assert_eq!(ids(&store.touched_after(ANN, 1).await.unwrap()), [OTHER], "another's does");
}

/// Two items exchange their names in one batch; one of them is a photo.
async fn names_are_swapped<S: ZoneStore>(store: &mut S) {
    let taken = Taken { content_identifier: Some("8D1C".to_owned()), ..Taken::default() };
    let of = content(&["abc"]).content_hash();
    let found = Some(Found { of, look: LOOK, taken, picture: Ok(None) });
    let photo = Some(Box::new(PhotoRecord { said: said(), found, ..PhotoRecord::default() }));
    let (one, two) = (row(FILE, FOLDER, "other", 6), row(OTHER, FOLDER, "Straße.txt", 7));
    let one = ItemRow { photo, ..one };
    let items = vec![one.clone(), two.clone()];
    let batch = Batch { now: NOW, counter: Some(7), items, moved: vec![FILE, OTHER], ..Batch::default() };
    store.save(batch).await.unwrap();
    let keys = [one.name_key(), two.name_key()];
    assert_eq!(sorted(store.holders(FOLDER, &keys).await.unwrap()), [one.clone(), two]);
    let photos = sorted(store.photos_of_size(one.size, of).await.unwrap());
    assert_eq!(ids(&photos), [FOLDER, FILE], "photos out of the trash, and their folders");
    assert_eq!(photos[1], one);
    assert_eq!(store.photos_of_size(one.size + 1, of).await.unwrap(), []);
    let photos = sorted(store.photos_of_identifier("8D1C").await.unwrap());
    assert_eq!(ids(&photos), [FOLDER, FILE], "by what a file says of itself");
    assert_eq!(store.photos_of_identifier("8D1").await.unwrap(), []);
}

async fn answers_are_kept<S: ZoneStore>(store: &mut S, zone: ZoneId) {
    let result = Recorded::Applied { file_id: FILE, item_id: OTHER, outcome: Outcome::Renamed };
    let kept = Kept { payload_hash: [7; 32], zone_id: zone, result, chain: None, by_upload: Some(true) };
    let answered = OperationRow { id: operation_id(3), recorded_at: NOW, kept: Some(kept) };
    let aliases = vec![(item_id(20), FILE), (item_id(21), OTHER)];
    let operations = vec![answered.clone()];
    store.save(Batch { now: NOW, aliases, operations, ..Batch::default() }).await.unwrap();
    let found = store.operations(&[operation_id(4), operation_id(3)]).await.unwrap();
    assert_eq!(found, [answered], "an answer is replayed as it was given");
    let found = store.aliases(&[item_id(21), FILE, item_id(22)]).await.unwrap();
    assert_eq!(found, [(item_id(21), OTHER)]);
}

fn version(n: u128, item_id: ItemId, count: u64) -> VersionRow {
    VersionRow {
        id: version_id(n),
        item_id,
        content_hash: content(&["abc"]).content_hash(),
        size: 3,
        dot: dot(ANN, count),
        modified_at: NOW,
        created_at: LATER,
        superseded_at: None,
        was_current: count > 1,
    }
}

async fn versions_are_kept<S: ZoneStore>(store: &mut S) {
    let rows = vec![version(1, FILE, 1), version(3, FILE, 3), version(2, FILE, 2), version(4, OTHER, 9)];
    store.save(Batch { now: NOW, versions: rows.clone(), ..Batch::default() }).await.unwrap();
    let found = store.versions_of(&[FILE]).await.unwrap();
    assert_eq!(found, [rows[1].clone(), rows[2].clone(), rows[0].clone()], "the newest first");
    let superseded = vec![version_id(1), version_id(2)];
    store.save(Batch { now: LATER, superseded, ..Batch::default() }).await.unwrap();
    let (pinned, dropped_versions) = (vec![version_id(2)], vec![version_id(3)]);
    store.save(Batch { now: LATER, pinned, dropped_versions, ..Batch::default() }).await.unwrap();
    let found = store.versions_of(&[FILE]).await.unwrap();
    let ends: Vec<_> = found.iter().map(|row| (row.id, row.superseded_at)).collect();
    assert_eq!(ends, [(version_id(2), None), (version_id(1), Some(LATER))]);
    assert_eq!(store.versions(&[version_id(3)]).await.unwrap(), [], "what is dropped is gone");
    assert_eq!(store.versions(&[version_id(4)]).await.unwrap(), [rows[3].clone()]);
}

async fn conflicts_are_kept<S: ZoneStore>(store: &mut S) {
    let id = |n: u128| shared::ConflictId(Uuid::from_u128(0xC0F_0000 + n));
    let conflict = |n: u128, created_at| ConflictRow {
        id: id(n),
        item_id: FILE,
        local_version_id: version_id(1),
        server_version_id: version_id(2),
        base_version_id: Some(version_id(4)),
        local_vector: [dot(ANN, 1)].into_iter().collect(),
        server_vector: [dot(BEN, 2)].into_iter().collect(),
        local_dot: dot(ANN, 1),
        server_device: BEN,
        proposal: Some(Proposal { text: "a\nb\n".into(), overlaps: 1 }),
        created_at,
        resolved_at: None,
        result: None,
    };
    let rows = vec![conflict(1, LATER), conflict(3, NOW), conflict(2, NOW)];
    store.save(Batch { now: NOW, conflicts: rows.clone(), ..Batch::default() }).await.unwrap();
    let open = store.open_conflicts(&[FILE, OTHER]).await.unwrap();
    assert_eq!(open, [rows[2].clone(), rows[1].clone(), rows[0].clone()], "the oldest first");
    assert_eq!(store.open_conflicts(&[OTHER]).await.unwrap(), []);

    // A later edit takes the local side's place; what the conflict arose from stays.
    let edited = ConflictRow {
        local_version_id: version_id(4),
        local_dot: dot(BEN, 9),
        server_version_id: version_id(1),
        base_version_id: None,
        server_vector: VersionVector::new(),
        server_device: ANN,
        created_at: LATER,
        proposal: None,
        resolved_at: Some(LATER),
        result: Some("[]".into()),
        ..rows[2].clone()
    };
    store.save(Batch { now: NOW, conflicts: vec![edited.clone()], ..Batch::default() }).await.unwrap();
    let first = &rows[2];
    let kept = ConflictRow {
        server_version_id: first.server_version_id,
        base_version_id: first.base_version_id,
        server_vector: first.server_vector.clone(),
        server_device: first.server_device,
        created_at: first.created_at,
        ..edited
    };
    assert_eq!(store.conflicts(&[id(2)]).await.unwrap(), [kept]);
    let open = store.open_conflicts(&[FILE]).await.unwrap();
    assert_eq!(open.iter().map(|row| row.id).collect::<Vec<_>>(), [id(3), id(1)], "a decided one is closed");
    let mut all = store.conflicts_of(FILE).await.unwrap();
    all.sort_by_key(|row| row.id);
    assert_eq!(all.iter().map(|row| row.id).collect::<Vec<_>>(), [id(1), id(2), id(3)], "and still known");
    assert_eq!(store.conflicts_of(OTHER).await.unwrap(), []);
}

fn chunk(text: &str) -> ChunkRef {
    ChunkRef { hash: ChunkHash::of(text.as_bytes()), size: text.len() as u32 }
}

fn content(texts: &[&str]) -> Manifest {
    Manifest::new(texts.iter().map(|text| chunk(text)).collect()).unwrap()
}

fn staged(text: &'static str) -> StagedChunk {
    StagedChunk { chunk: chunk(text), stored: Stored::Inline(Bytes::from_static(text.as_bytes())) }
}

/// Names contents with all their chunks, and brings some of these along.
async fn open<S: ZoneStore>(store: &mut S, contents: &[&Manifest], brought: Vec<StagedChunk>) {
    let hashes: Vec<ContentHash> = contents.iter().map(|content| content.content_hash()).collect();
    let chunks = contents.iter().flat_map(|content| content.chunks()).map(|chunk| chunk.hash).collect();
    store.open_contents(hashes, chunks, brought, LATER).await.unwrap();
}

async fn contents_are_counted<S: ZoneStore>(store: &mut S) {
    let twice = content(&["aa", "bbb", "aa"]);
    assert_eq!(store.check(&Manifest::default()), Ok(()), "nothing is held by everyone");
    open(store, &[&twice], vec![staged("aa")]).await;
    assert_eq!(store.check(&twice), Err(Refused::ChunksMissing(vec![1])));
    assert_eq!(store.reference(&twice), Err(Refused::ChunksMissing(vec![1])));
    store.save(Batch::default()).await.unwrap();

    open(store, &[&twice], vec![staged("bbb")]).await;
    let lies = ChunkRef { size: 4, ..chunk("bbb") };
    let lies = Manifest::new(vec![chunk("aa"), lies]).unwrap();
    assert_eq!(store.check(&lies), Err(Refused::ChunkSize { index: 1, size: 3 }));
    assert_eq!(store.check(&twice), Ok(()), "chunks of an earlier write are there");
    assert_eq!(store.reference(&twice), Ok(()));
    assert!(store.reference_held(twice.content_hash()).await.unwrap());
    assert!(!store.reference_held(content(&["nobody's"]).content_hash()).await.unwrap());
    store.save(Batch::default()).await.unwrap();

    let hash = twice.content_hash();
    store.release(vec![hash]).await.unwrap();
    store.save(Batch::default()).await.unwrap();
    assert!(store.reference_held(hash).await.unwrap(), "another version has it yet");
    store.release(vec![hash, hash]).await.unwrap();
    assert!(!store.reference_held(hash).await.unwrap(), "the last one gave it back");
    store.save(Batch::default()).await.unwrap();
    assert!(!store.reference_held(hash).await.unwrap());
    open(store, &[&twice], vec![]).await;
    assert_eq!(store.check(&twice), Ok(()), "its chunks stay for as long as they are leased");
    store.save(Batch::default()).await.unwrap();
}

/// 5 bytes of chunks without references are there from before.
async fn the_quota_holds<S: ZoneStore>(store: &mut S) {
    const SIXTY: &str = "sixty bytes, which is more than half of what there is room for";
    const FORTY: &str = "forty bytes or so, which do not fit beside";
    let quota = Refused::QuotaExceeded { quota_bytes: QUOTA_BYTES };
    let (large, other, small) = (content(&[SIXTY]), content(&[FORTY]), content(&["aa"]));
    open(store, &[&large, &other], vec![staged(SIXTY), staged(FORTY)]).await;
    assert_eq!(store.reference(&large), Ok(()));
    assert_eq!(store.check(&other).as_ref(), Err(&quota), "staged bytes take room too");
    assert_eq!(store.reference(&other), Err(quota));
    store.save(Batch::default()).await.unwrap();
    open(store, &[&small, &other], vec![]).await;
    assert_eq!(store.reference(&small), Ok(()), "what is held costs nothing more");
    assert_eq!(store.check(&other), Err(Refused::ChunksMissing(vec![0])), "refused bytes are not kept");
    store.save(Batch::default()).await.unwrap();
}
