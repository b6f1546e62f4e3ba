//! What every [`LocalStore`] must do, as checks that any of them can run: the memory store in unit tests,
//! IndexedDB in a real browser.

use std::future::Future;
use std::pin::Pin;

use shared::photo::PhotoInfo;
use shared::sync::{Base, ConflictInfo};
use shared::{
    ConflictId, ContentHash, DeviceId, Dot, ItemId, ItemKind, ItemName, OperationId, Timestamp,
    VersionVector, ZoneId,
};
use uuid::Uuid;

use crate::store::{
    Act, BatchId, Content, LocalStore, Meta, Operation, OperationState, Snapshot, StoreBatch, StoredItem,
};

/// A future on one thread.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;
/// Opens the same store once more, as after a restart.
pub type Reopen<S> = Box<dyn Fn() -> Boxed<S>>;
/// One check: an empty store and the way to open it again. Panics where the contract is broken.
pub type Check<S> = fn(S, Reopen<S>) -> Boxed<()>;

/// All checks, by name. Each wants a store of its own, empty.
pub fn checks<S: LocalStore + 'static>() -> Vec<(&'static str, Check<S>)> {
    vec![
        ("an empty store holds nothing", |store, _| Box::pin(holds_nothing_at_first(store))),
        ("what is stored is there after a restart", |store, reopen| {
            Box::pin(survives_a_restart(store, reopen))
        }),
        ("puts replace and deletes forgive", |store, reopen| Box::pin(replaces_and_forgives(store, reopen))),
        ("bytes go with their operation", |store, _| Box::pin(bytes_go_with_their_operation(store))),
        ("bytes can be another operation's as well", |store, _| Box::pin(bytes_are_copied(store))),
        ("clearing forgets everything", |store, reopen| Box::pin(forgets_everything(store, reopen))),
        ("thousands of records in one batch", |store, reopen| Box::pin(takes_large_batches(store, reopen))),
    ]
}

fn uuid(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn item(n: u128, name: &str) -> StoredItem {
    StoredItem {
        id: ItemId(uuid(n)),
        zone_id: ZoneId(uuid(1)),
        parent_id: ItemId(uuid(2)),
        name: name.to_owned(),
        kind: ItemKind::File,
        size: u64::MAX >> 12,
        mime_type: Some("text/plain".to_owned()),
        content_hash: Some(ContentHash::of_chunks([])),
        version: VersionVector::from_iter([Dot { device: DeviceId(uuid(3)), count: 7 }]),
        created_at: Timestamp::from_millis(-1),
        modified_at: Timestamp::from_millis(1_700_000_000_123),
        deleted_at: n.is_multiple_of(2).then(|| Timestamp::from_millis(5)),
        photo: n.is_multiple_of(3).then(|| Box::new(PhotoInfo::unknown(Timestamp::from_millis(-7)))),
    }
}

fn operation(n: u128) -> Operation {
    Operation {
        id: OperationId(uuid(n)),
        sequence: n as u64,
        item_id: ItemId(uuid(n)),
        act: Act::CreateFile {
            parent: ItemId(uuid(2)),
            name: ItemName::parse("ünï \"quoted\".txt").expect("a valid name"),
            content: Content::Stored { size: 3, hash: ContentHash::of_chunks([]) },
            mime_type: None,
            created_at: None,
            modified_at: Some(Timestamp::from_millis(9)),
        },
        base: Base::version(VersionVector::new()),
        queued_at: Timestamp::from_millis(8),
        state: OperationState::Queued,
        attempts: 2,
        next_try: Some(Timestamp::from_millis(10)),
        absent: true,
        item_name: Some("ü".to_owned()),
        upload_to: Some((ItemId(uuid(2)), ItemName::parse("ü.txt").expect("a valid name"))),
    }
}

fn conflict(n: u128) -> ConflictInfo {
    ConflictInfo {
        id: ConflictId(uuid(n)),
        file_id: ItemId(uuid(n)),
        file_name: "a".to_owned(),
        local_version: VersionVector::new(),
        server_version: VersionVector::new(),
        local_modified_by: DeviceId(uuid(3)),
        server_modified_by: DeviceId(uuid(4)),
        local_content_hash: ContentHash::of_chunks([]),
        server_content_hash: ContentHash::of_chunks([]),
        local_side: None,
        server_side: None,
        proposal: None,
        created_at: Timestamp::from_millis(11),
        operation_id: None,
    }
}

fn meta(token: &str) -> Meta {
    Meta { sync_token: Some(token.to_owned()), ..Meta::new(DeviceId(uuid(3)), ItemId(uuid(2))) }
}

async fn apply<S: LocalStore>(store: &S, batch: StoreBatch) {
    store.apply(&batch).await.expect("the batch is stored");
}

async fn load<S: LocalStore>(store: &S) -> Snapshot {
    let mut snapshot = store.load().await.expect("the store loads").expect("it holds a meta");
    snapshot.items.sort_by_key(|item| item.id);
    snapshot.operations.sort_by_key(|op| op.sequence);
    snapshot.conflicts.sort_by_key(|conflict| conflict.id);
    snapshot
}

async fn holds_nothing_at_first<S: LocalStore>(store: S) {
    assert_eq!(store.load().await.expect("the store loads"), None);
    assert_eq!(store.content(OperationId(uuid(1))).await.expect("the store reads"), None);
}

async fn survives_a_restart<S: LocalStore>(store: S, reopen: Reopen<S>) {
    let batch = StoreBatch {
        id: BatchId(1),
        put_items: vec![item(10, "a"), item(11, "ß/ not a name, kept all the same")],
        put_operations: vec![operation(20), operation(21)],
        put_contents: vec![(OperationId(uuid(20)), vec![0, 255, 1])],
        put_conflicts: vec![conflict(30)],
        meta: Some(meta("t1")),
        ..StoreBatch::default()
    };
    apply(&store, batch.clone()).await;
    let again = reopen().await;
    let snapshot = load(&again).await;
    assert_eq!(snapshot.meta, meta("t1"));
    assert_eq!(snapshot.items, batch.put_items);
    assert_eq!(snapshot.operations, batch.put_operations);
    assert_eq!(snapshot.conflicts, batch.put_conflicts);
    let bytes = again.content(OperationId(uuid(20))).await.expect("the store reads");
    assert_eq!(bytes, Some(vec![0, 255, 1]));
}

async fn replaces_and_forgives<S: LocalStore>(store: S, reopen: Reopen<S>) {
    let first = StoreBatch {
        put_items: vec![item(10, "a"), item(11, "b")],
        put_operations: vec![operation(20)],
        put_conflicts: vec![conflict(30)],
        meta: Some(meta("t1")),
        ..StoreBatch::default()
    };
    apply(&store, first).await;
    let parked = Operation {
        state: OperationState::Parked { code: shared::ErrorCode::Gone, message: "gone".to_owned() },
        ..operation(20)
    };
    let second = StoreBatch {
        put_items: vec![item(10, "renamed")],
        delete_items: vec![ItemId(uuid(11)), ItemId(uuid(99))],
        put_operations: vec![parked.clone()],
        delete_operations: vec![OperationId(uuid(99))],
        delete_conflicts: vec![ConflictId(uuid(30)), ConflictId(uuid(99))],
        ..StoreBatch::default()
    };
    apply(&store, second).await;
    let snapshot = load(&reopen().await).await;
    assert_eq!(snapshot.items, [item(10, "renamed")]);
    assert_eq!(snapshot.operations, [parked]);
    assert_eq!(snapshot.conflicts, []);
    assert_eq!(snapshot.meta, meta("t1"), "a batch without a meta leaves it alone");
}

async fn bytes_are_copied<S: LocalStore>(store: S) {
    let (one, two, three) = (OperationId(uuid(20)), OperationId(uuid(21)), OperationId(uuid(22)));
    let put = StoreBatch {
        put_operations: vec![operation(20)],
        put_contents: vec![(one, vec![1])],
        meta: Some(meta("t1")),
        ..StoreBatch::default()
    };
    apply(&store, put).await;
    let copied = StoreBatch {
        copy_contents: vec![(one, two), (OperationId(uuid(99)), three)],
        put_contents: vec![(one, vec![2])],
        ..StoreBatch::default()
    };
    apply(&store, copied).await;
    apply(&store, StoreBatch { delete_operations: vec![one], ..StoreBatch::default() }).await;
    let mut held = Vec::new();
    for operation in [one, two, three] {
        held.push(store.content(operation).await.expect("the store reads"));
    }
    assert_eq!(held, [None, Some(vec![1]), None], "the copy is what was held before, and stays");
}

async fn bytes_go_with_their_operation<S: LocalStore>(store: S) {
    let (old, new) = (OperationId(uuid(20)), OperationId(uuid(21)));
    let put = StoreBatch {
        put_operations: vec![operation(20)],
        put_contents: vec![(old, vec![1])],
        meta: Some(meta("t1")),
        ..StoreBatch::default()
    };
    apply(&store, put).await;
    let over = StoreBatch { put_contents: vec![(old, vec![2, 3])], ..StoreBatch::default() };
    apply(&store, over).await;
    let moved = StoreBatch {
        put_operations: vec![operation(21)],
        delete_operations: vec![old],
        move_contents: vec![(old, new), (OperationId(uuid(98)), OperationId(uuid(99)))],
        ..StoreBatch::default()
    };
    apply(&store, moved).await;
    assert_eq!(store.content(old).await.expect("the store reads"), None);
    assert_eq!(store.content(new).await.expect("the store reads"), Some(vec![2, 3]));
    apply(&store, StoreBatch { delete_operations: vec![new], ..StoreBatch::default() }).await;
    assert_eq!(store.content(new).await.expect("the store reads"), None);
}

async fn forgets_everything<S: LocalStore>(store: S, reopen: Reopen<S>) {
    let batch = StoreBatch {
        put_items: vec![item(10, "a")],
        put_contents: vec![(OperationId(uuid(20)), vec![1])],
        meta: Some(meta("t1")),
        ..StoreBatch::default()
    };
    apply(&store, batch).await;
    store.clear().await.expect("the store clears");
    let again = reopen().await;
    assert_eq!(again.load().await.expect("the store loads"), None);
    assert_eq!(again.content(OperationId(uuid(20))).await.expect("the store reads"), None);
}

async fn takes_large_batches<S: LocalStore>(store: S, reopen: Reopen<S>) {
    let items: Vec<StoredItem> = (0..3_000).map(|n| item(1_000 + n, &format!("file {n}"))).collect();
    let batch = StoreBatch { put_items: items.clone(), meta: Some(meta("t1")), ..StoreBatch::default() };
    apply(&store, batch).await;
    assert_eq!(load(&reopen().await).await.items, items);
}
