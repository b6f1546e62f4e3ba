//! What must hold on each device.

use std::collections::{BTreeMap, BTreeSet};

use shared::item::ItemState;
use shared::photo::PhotoInfo;
use shared::sync::{ChangeKind, ConflictInfo, PullResponse, PushRequest};
use shared::{ContentHash, ItemId, OperationId, VersionVector};
use sync::{Content, Engine, QueueState, StoreBatch};

use super::{DeleteView, Invariant, Oracle};
use crate::client::Client;
use crate::database::Database;
use crate::server::{Reply, Request, Server};

/// The contents that wait in a device's store, by operation.
pub type Waiting = BTreeMap<OperationId, ContentHash>;

/// The fields of an item on which devices and the server have to agree.
type Fields = (ItemId, String, Option<ContentHash>, VersionVector, Option<PhotoInfo>);

/// The content that a device shows of an item.
pub fn shown(client: &Client, id: ItemId) -> Option<ContentHash> {
    let view = client.engine.item(id)?;
    view.content_hash().or_else(|| match view.pending_content()? {
        (_, Content::Upload { staged, .. }) => {
            let bytes = client.staged.get(staged.as_ref()?)?;
            Some(content_of(bytes))
        }
        (_, Content::Stored { hash, .. }) => Some(*hash),
        (_, Content::Copy { .. }) => None,
    })
}

/// An item and all below it, as the device shows them.
pub(super) fn subtree(client: &Client, id: ItemId) -> DeleteView {
    let within = |item: ItemId| item == id || client.engine.ancestors(item).contains(&id);
    let ids: Vec<ItemId> = client.engine.items().map(|view| view.id()).filter(|item| within(*item)).collect();
    ids.into_iter().map(|item| (item, shown(client, item))).collect()
}

fn shown_live(engine: &Engine) -> BTreeMap<ItemId, Fields> {
    let live = engine.items().filter(sync::ItemView::is_live);
    live.map(|view| {
        let place = (view.parent_id(), view.name().to_owned());
        let photo = view.photo().cloned();
        (view.id(), (place.0, place.1, view.content_hash(), view.version(), photo))
    })
    .collect()
}

fn kept_live(database: &Database) -> BTreeMap<ItemId, Fields> {
    let live = database.items.values().filter(|row| database.is_live(row.id));
    live.map(|row| {
        let place = (row.parent_id, row.name.clone());
        (row.id, (place.0, place.1, row.content_hash, row.vector.clone(), row.photo_info()))
    })
    .collect()
}

/// What is on one side only, or differs, in words.
fn difference(device: &BTreeMap<ItemId, Fields>, server: &BTreeMap<ItemId, Fields>) -> Option<String> {
    let surplus: Vec<_> = device.iter().filter(|(id, item)| server.get(id) != Some(item)).collect();
    let missing: Vec<_> = server.iter().filter(|(id, item)| device.get(id) != Some(item)).collect();
    (!surplus.is_empty() || !missing.is_empty()).then(|| format!("has {surplus:?}, not {missing:?}"))
}

impl Oracle {
    /// What must hold on a device at any time.
    pub fn look(&mut self, client: &Client, server: &Server) {
        let summary = client.engine.summary();
        if summary.is_synced() {
            let queue = client.engine.queue();
            self.check(Invariant::HonestStatus, queue.is_empty(), || format!("\"synced\" with {queue:?}"));
            let token = client.engine.meta().sync_token.clone();
            if self.looked.get(&client.device) == Some(&token) {
                return;
            }
            if token.as_ref().is_some_and(|text| server.is_head(text)) {
                self.compare(client, server, Invariant::HonestStatus);
            }
            self.looked.insert(client.device, token);
            return;
        }
        self.looked.remove(&client.device);
        for entry in client.engine.queue() {
            let told = match &entry.state {
                QueueState::Refused { reason } => !reason.is_empty(),
                QueueState::Waiting { reason, .. } => summary.online || reason.is_some(),
                QueueState::Sending => true,
            };
            self.check(Invariant::HonestStatus, told, || format!("{entry:?} does not say why it waits"));
        }
    }

    fn compare(&mut self, client: &Client, server: &Server, invariant: Invariant) {
        let difference = difference(&shown_live(&client.engine), &kept_live(&server.database));
        if let Some(difference) = difference {
            self.fail(invariant, || format!("device {} {difference}", client.device));
        }
    }

    /// At rest a device shows exactly what the server has, has nothing to send, and would show the same
    /// after a restart.
    pub fn converged(&mut self, n: usize, client: &Client, server: &Server, now: shared::Timestamp) {
        self.compare(client, server, Invariant::Convergence);
        let queue = client.engine.queue();
        self.check(Invariant::Liveness, queue.is_empty(), || format!("device {n} still has {queue:?}"));
        let summary = client.engine.summary();
        self.check(Invariant::HonestStatus, summary.is_synced(), || {
            format!("device {n} at rest: {summary:?}")
        });
        let kept = client.store.contents_now();
        self.check(Invariant::Liveness, kept.is_empty(), || {
            format!("device {n} keeps the bytes of {kept:?}")
        });
        let trash: BTreeSet<ItemId> = client.engine.trash().iter().map(sync::ItemView::id).collect();
        let rows = server.database.items.values();
        let kept: BTreeSet<ItemId> =
            rows.filter(|row| row.deleted.is_some() && row.purged_at.is_none()).map(|row| row.id).collect();
        self.check(Invariant::Convergence, trash == kept, || {
            let surplus: Vec<_> = trash.difference(&kept).collect();
            let missing: Vec<_> = kept.difference(&trash).collect();
            format!("device {n} has {surplus:?} in the trash, not {missing:?}")
        });
        let conflicts: BTreeSet<_> = client.engine.conflicts().iter().map(|info| info.id).collect();
        let open: BTreeSet<_> = server.open_conflicts().iter().map(|info| info.id).collect();
        self.check(Invariant::Convergence, conflicts == open, || {
            format!("device {n} shows the conflicts {conflicts:?}, open are {open:?}")
        });
        self.reopens_alike(client, server.root(), now);
    }

    /// A page holds the folders that its items need and whoever asked does not have, each before what is in it.
    pub fn page_closes(&mut self, database: &Database, start: u64, page: &PullResponse) {
        let mut told: BTreeSet<ItemId> = database.zones().map(|zone| zone.root).into();
        for state in &page.changes {
            told.insert(state.id());
            let ItemState::Present(item) = state else { continue };
            let known = |id: &ItemId| database.items.get(id).is_some_and(|row| row.feed <= start);
            let held = item.is_deleted || told.contains(&item.parent_id) || known(&item.parent_id);
            self.check(Invariant::NoGap, held, || {
                format!("a page from {start} holds {} without the folder {}", item.id, item.parent_id)
            });
        }
    }

    /// A device that heard of a conflict shows it, unless its person has chosen.
    pub fn heard(&mut self, client: &Client, conflict: &ConflictInfo) {
        let file = client.engine.canonical_id(conflict.file_id);
        let shown = client.engine.conflicts().iter().any(|info| info.id == conflict.id)
            || client.engine.queue().iter().any(|entry| entry.item_id == file);
        self.check(Invariant::Convergence, shown, || {
            format!("device {} heard of {} and does not show it", client.device, conflict.id)
        });
    }

    /// A restart would show what is shown, what waits included.
    pub fn reopens_alike(&mut self, client: &Client, root: ItemId, now: shared::Timestamp) {
        let again = client.reopened(root, now);
        let difference = difference(&shown_live(&again), &shown_live(&client.engine));
        self.check(Invariant::Durable, difference.is_none(), || {
            format!("device {} after a restart {}", client.device, difference.unwrap_or_default())
        });
    }

    // What a device keeps until the server has it

    /// The bytes of a content that a device has promised to send are not there.
    pub fn content_missing(&mut self, n: usize, operation: OperationId) {
        self.fail(Invariant::Durable, || format!("device {n} has no bytes for {operation}"));
    }

    pub fn before_storing(client: &Client) -> Waiting {
        waiting(client)
    }

    /// A content leaves the device's store only once the server has it, or its person gave it up.
    pub fn stored(&mut self, n: usize, client: &Client, before: Waiting, batch: &StoreBatch) {
        if batch.delete_operations.is_empty() && batch.put_contents.is_empty() {
            return;
        }
        let after: BTreeSet<ContentHash> = waiting(client).into_values().collect();
        let gone: Vec<_> = before.into_iter().filter(|(_, content)| !after.contains(content)).collect();
        for (operation, content) in gone {
            let form = self.form(content);
            let known = self.ever_held.contains(&form) || self.given_up.contains(&(n, form));
            self.check(Invariant::Durable, known, || {
                format!("device {n} dropped the content of {operation}, which the server never had")
            });
        }
    }

    /// Contents that wait are the person's to replace or take back: those of an item, or of all.
    pub(super) fn give_up_pending(&mut self, n: usize, client: &Client, item: Option<ItemId>) {
        let pending: Vec<ContentHash> = match item {
            Some(item) => {
                let view = client.engine.item(item);
                view.and_then(|view| view.pending_content())
                    .and_then(|_| shown(client, item))
                    .into_iter()
                    .collect()
            }
            None => client
                .engine
                .items()
                .filter(|view| view.pending_content().is_some())
                .filter_map(|view| shown(client, view.id()))
                .chain(waiting(client).into_values())
                // What its store did not take yet is the person's as well.
                .chain(
                    client
                        .unstored
                        .iter()
                        .flat_map(|batch| &batch.put_contents)
                        .map(|(_, bytes)| content_of(bytes)),
                )
                .collect(),
        };
        for content in pending {
            let form = self.form(content);
            self.given_up.insert((n, form));
        }
    }

    /// Deletes come from people alone.
    pub fn pushes(&mut self, n: usize, engine: &Engine, request: &PushRequest) {
        self.devices.insert(request.device_id, n);
        self.pushes += request.changes.len() as u64;
        for change in &request.changes {
            if !matches!(change.kind, ChangeKind::Delete { .. } | ChangeKind::Purge {}) {
                continue;
            }
            let asked = |id: ItemId| self.deletes.contains_key(&(n, id));
            let aliases = || {
                self.deletes.keys().any(|(of, id)| {
                    *of == n && engine.canonical_id(*id) == engine.canonical_id(change.file_id)
                })
            };
            let by_person = asked(change.file_id) || aliases();
            self.check(Invariant::MassDelete, by_person, || {
                format!("device {n} sends a delete of {} that nobody asked for", change.file_id)
            });
        }
    }

    /// A device is told that its content is kept.
    pub fn acknowledged(&mut self, request: &Request, reply: &Reply) {
        let operations: Vec<OperationId> = match (request, reply) {
            (Request::Push(_), Reply::Pushed(response)) => {
                let applied = response.applied.iter().map(|applied| applied.operation_id);
                applied
                    .chain(response.conflicts.iter().filter_map(|conflict| conflict.operation_id))
                    .collect()
            }
            (_, Reply::UploadCompleted(completed)) => vec![completed.applied.operation_id],
            _ => return,
        };
        self.note_acknowledged(reply);
        for operation in operations {
            if let Some(&input) = self.memory.inputs.get(&operation) {
                self.memory.acknowledged.insert(operation, input);
            }
        }
    }
}

fn content_of(bytes: &[u8]) -> ContentHash {
    let chunk = (!bytes.is_empty()).then(|| shared::ChunkHash::of(bytes));
    ContentHash::of_chunks(chunk.as_ref())
}

fn waiting(client: &Client) -> Waiting {
    let operations = client.store.contents_now().into_iter();
    operations
        .filter_map(|operation| {
            let bytes = client.store.content_now(operation)?;
            Some((operation, content_of(&bytes)))
        })
        .collect()
}
