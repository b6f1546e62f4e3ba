//! Which operations go next, and in what form.

use std::collections::BTreeSet;

use shared::sync::{Change, ChangeKind, ContentInput, CopyOf};
use shared::{ItemId, OperationId};

use super::{Act, Engine, Queued};
use crate::store::Content;

/// Room in a body for what surrounds the changes, in bytes.
const PUSH_ENVELOPE_BYTES: usize = 4 * 1024;

/// The changes of one push.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) changes: Vec<Change>,
    pub(super) operations: Vec<OperationId>,
    /// Those whose bytes are in the store.
    pub(super) contents: Vec<OperationId>,
}

/// What an operation waits for, because something before it in the outbox does not go in this batch.
#[derive(Default)]
struct Held {
    items: BTreeSet<ItemId>,
    /// What this batch creates, so that more may go into it.
    created: BTreeSet<ItemId>,
    /// Files whose upload is under way or waits: what holds them is not deleted before.
    uploads: Vec<ItemId>,
    /// Folders that something is being moved out of: not deleted before it is known to be out.
    left: BTreeSet<ItemId>,
}

impl Engine {
    /// Whether nothing but its dependencies keeps an operation from being sent.
    pub(super) fn is_ready(&self, queued: &Queued) -> bool {
        !queued.in_flight
            && !queued.is_parked()
            && !queued.blocked
            && (queued.saved_in <= self.disk.persisted
                || shared::faults::Fault::SentBeforeStored.is_planted())
            && self.is_due(queued.op.next_try)
            // It may be in the trash, as it was edited, or be gone.
            && (!queued.op.absent || self.net.absent_settled)
            && self.space.holds(queued).is_none()
    }

    /// The next changes to push, in order, as many as fit. An operation goes only after, or together with,
    /// all that came before it on its item and the creation of the folder that it names.
    pub(super) fn next_batch(&mut self) -> Batch {
        let mut batch = Batch::default();
        let mut held = Held::default();
        let mut body_bytes = PUSH_ENVELOPE_BYTES;
        for queued in self.outbox.iter() {
            if batch.changes.len() >= self.net.push_changes_max {
                break;
            }
            let op = &queued.op;
            let item = self.resolve(op.item_id);
            if op.act.parent().is_some() && !queued.is_parked() && !queued.blocked {
                held.left.extend(self.left_by(queued, item));
            }
            if !self.is_ready(queued) || op.act.is_upload() || self.waits(&held, queued, item) {
                held.hold(queued, item);
                continue;
            }
            let Some(change) = change(queued) else {
                held.hold(queued, item);
                continue;
            };
            let bytes = change_bytes(&change, op.act.content());
            if body_bytes + bytes > self.net.push_bytes_max && !batch.changes.is_empty() {
                break;
            }
            body_bytes += bytes;
            if matches!(op.act.content(), Some(Content::Stored { .. })) {
                batch.contents.push(op.id);
            }
            if op.act.is_create() {
                held.created.insert(item);
            }
            batch.operations.push(op.id);
            batch.changes.push(change);
        }
        for id in &batch.operations {
            self.mark_in_flight(*id);
        }
        batch
    }

    fn waits(&self, held: &Held, queued: &Queued, item: ItemId) -> bool {
        let act = &queued.op.act;
        // What was queued after a refusal stands on the server's state, not on what was refused.
        held.items.contains(&item)
            || act.folder().is_some_and(|folder| self.is_to_be_created(self.resolve(folder), held))
            || matches!(act, Act::Delete { .. } | Act::Purge)
                && (held.left.contains(&item)
                    || held.uploads.iter().any(|upload| self.tree.is_within(*upload, item)))
    }

    /// The folders that the item is moved out of: those that it is in, and those that it was to go into before.
    fn left_by(&self, queued: &Queued, item: ItemId) -> BTreeSet<ItemId> {
        let before = self.outbox.of_item(item).take_while(|other| other.op.sequence < queued.op.sequence);
        let parents = before.filter_map(|other| Some(self.resolve(other.op.act.parent()?)));
        let between =
            parents.flat_map(|parent| std::iter::once(parent).chain(self.tree.remote_ancestors(parent)));
        self.tree.remote_ancestors(item).chain(between).collect()
    }

    /// Whether the server is still to be told of a folder, and not by what this batch holds so far.
    fn is_to_be_created(&self, folder: ItemId, held: &Held) -> bool {
        !held.created.contains(&folder) && self.is_unknown_there(folder)
    }

    /// Whether a folder is to be created yet. Where a creation that was asked for again was refused, it is there
    /// all the same if the server has told of it.
    pub(super) fn is_unknown_there(&self, folder: ItemId) -> bool {
        let is_told = self.tree.remote(folder).is_some();
        let waits = |queued: &Queued| !is_told || !queued.is_parked() && !queued.blocked;
        self.outbox.of_item(folder).any(|queued| queued.op.act.is_create() && waits(queued))
    }

    pub(super) fn mark_in_flight(&mut self, id: OperationId) {
        let Some(queued) = self.outbox.get_mut(id) else { return };
        queued.in_flight = true;
        queued.sent = true;
        let item = queued.op.item_id;
        self.note_status(item);
    }

    /// The item's status, not its fields, changed.
    pub(super) fn note_status(&mut self, item: ItemId) {
        let item = self.resolve(item);
        self.tree.changes.items.insert(item);
        self.tree.changes.queue = true;
    }
}

impl Held {
    fn hold(&mut self, queued: &Queued, item: ItemId) {
        let act = &queued.op.act;
        if queued.is_parked() || queued.blocked || !act.edits() {
            return;
        }
        self.items.insert(item);
        if act.is_upload() {
            self.uploads.push(item);
        }
    }
}

/// The operation as it travels; None for what goes another way.
fn change(queued: &Queued) -> Option<Change> {
    let op = &queued.op;
    let content = |content: &Content| {
        let input = ContentInput { size: content.size(), ..ContentInput::default() };
        match *content {
            Content::Copy { of, hash, .. } => {
                ContentInput { copy_of: Some(CopyOf { file_id: of, content_hash: hash }), ..input }
            }
            Content::Stored { .. } | Content::Upload { .. } => {
                ContentInput { data: Some(String::new()), ..input }
            }
        }
    };
    let kind = match &op.act {
        Act::CreateFolder { parent, name } => ChangeKind::CreateFolder {
            parent_id: *parent,
            name: name.to_string(),
            created_at: Some(op.queued_at),
            modified_at: Some(op.queued_at),
        },
        Act::CreateFile { parent, name, content: input, mime_type, created_at, modified_at } => {
            ChangeKind::Create {
                parent_id: *parent,
                name: name.to_string(),
                content: content(input),
                mime_type: mime_type.clone(),
                created_at: created_at.or(Some(op.queued_at)),
                modified_at: modified_at.or(Some(op.queued_at)),
            }
        }
        Act::SetContent { content: input, modified_at } => {
            ChangeKind::Content { content: content(input), modified_at: modified_at.or(Some(op.queued_at)) }
        }
        Act::Place { parent, name } => {
            ChangeKind::Move { parent_id: *parent, name: name.as_ref().map(ToString::to_string) }
        }
        Act::Delete { seen_token } => ChangeKind::Delete { seen_token: seen_token.clone() },
        Act::Restore { parent } => ChangeKind::Restore { parent_id: *parent },
        Act::Purge => ChangeKind::Purge {},
        Act::Photo(edit) => ChangeKind::Photo(*edit),
        Act::Album { album, change } => ChangeKind::of_album(*album, *change),
        Act::Resolve { .. } => return None,
    };
    Some(Change { operation_id: op.id, file_id: op.item_id, base: op.base.clone(), kind })
}

/// The length of a change in the body, its `data` included, in bytes.
fn change_bytes(change: &Change, content: Option<&Content>) -> usize {
    let json = serde_json::to_vec(change).map_or(0, |json| json.len());
    let data = match content {
        Some(Content::Stored { size, .. }) => (*size as usize).div_ceil(3) * 4,
        _ => 0,
    };
    json + data + 1
}
