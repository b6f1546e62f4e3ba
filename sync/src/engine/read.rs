//! What the UI reads: from memory, at once.

use std::cmp::Reverse;

use shared::photo::PhotoInfo;
use shared::sync::{ConflictInfo, ZoneInfo, ZoneKind, ZoneState};
use shared::{
    ClientFileItem, ContentHash, FileItem, ItemId, ItemKind, ItemName, OperationId, SyncStatus, Timestamp,
    VersionVector, ZoneId,
};

use super::{Act, Engine, reason};
use crate::outbox::{Queued, Sort};
use crate::store::{Content, Meta, OperationState};
use crate::summary::{QueueEntry, QueueState, SyncSummary};
use crate::tree::Node;

/// Where a child stands among its siblings.
#[derive(Clone, Copy, Debug)]
pub struct ChildPlace((u64, ItemId));

/// One item of the local tree, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct ItemView<'a> {
    engine: &'a Engine,
    id: ItemId,
    node: &'a Node,
}

impl<'a> ItemView<'a> {
    pub fn id(&self) -> ItemId {
        self.id
    }

    pub fn zone_id(&self) -> ZoneId {
        self.engine.tree.zone_of(self.node)
    }

    pub fn parent_id(&self) -> ItemId {
        self.node.parent
    }

    pub fn name(&self) -> &'a str {
        &self.node.name
    }

    pub fn kind(&self) -> ItemKind {
        self.node.kind
    }

    /// In bytes.
    pub fn size(&self) -> u64 {
        self.node.size
    }

    pub fn mime_type(&self) -> Option<&'a str> {
        self.engine.tree.mime_of(self.node)
    }

    /// None for a folder, and for a content of this device that is still to be cut.
    pub fn content_hash(&self) -> Option<ContentHash> {
        self.node.content_hash
    }

    /// As the server last gave it; empty for what it does not know yet.
    pub fn version(&self) -> VersionVector {
        self.node.version()
    }

    pub fn created_at(&self) -> Timestamp {
        self.node.created_at
    }

    pub fn modified_at(&self) -> Timestamp {
        self.node.modified_at
    }

    /// Set on the topmost item of a delete.
    pub fn deleted_at(&self) -> Option<Timestamp> {
        self.node.deleted_at
    }

    /// Of a photo.
    pub fn photo(&self) -> Option<&'a PhotoInfo> {
        self.node.photo.as_deref()
    }

    /// Neither it nor a folder that it is in is in the trash.
    pub fn is_live(&self) -> bool {
        self.engine.tree.is_live(self.id)
    }

    pub fn status(&self) -> SyncStatus {
        self.engine.status(self.id)
    }

    /// The operation whose bytes are the item's present content, where the server does not have them yet.
    pub fn pending_content(&self) -> Option<(OperationId, &'a Content)> {
        let queued = self.engine.last_of_sort(self.id, Sort::Content)?;
        Some((queued.op.id, queued.op.act.content()?))
    }

    /// All of it, with its path.
    pub fn to_client_item(&self) -> ClientFileItem {
        let engine = self.engine;
        let above = engine.tree.ancestors(self.id).unwrap_or_default();
        let mut path = String::new();
        for folder in above.iter().rev().filter_map(|id| engine.tree.local(*id)) {
            path.push('/');
            path.push_str(&folder.name);
        }
        path.push('/');
        path.push_str(&self.node.name);
        let last = engine.outbox.of_item(self.id).next_back();
        ClientFileItem {
            item: FileItem {
                id: self.id,
                zone_id: self.zone_id(),
                parent_id: self.node.parent,
                name: self.node.name.to_string(),
                path,
                kind: self.node.kind,
                size: self.node.size,
                mime_type: self.mime_type().map(str::to_owned),
                content_hash: self.node.content_hash,
                version: self.node.version(),
                is_deleted: !engine.tree.is_live(self.id),
                created_at: self.node.created_at,
                modified_at: self.node.modified_at,
                deleted_at: self.node.deleted_at,
                photo: self.node.photo.clone(),
                encryption: None,
            },
            sync_status: self.status(),
            local_modified_at: last.map(|queued| queued.op.queued_at),
            pending_operation_id: last.map(|queued| queued.op.id),
        }
    }
}

impl Engine {
    fn view(&self, id: ItemId) -> Option<ItemView<'_>> {
        Some(ItemView { engine: self, id, node: self.tree.local(id)? })
    }

    /// The item as this device sees it, in the trash too. Top folders are no items.
    pub fn item(&self, id: ItemId) -> Option<ItemView<'_>> {
        self.view(self.resolve(id))
    }

    /// The id that counts, where an item turned out to be one with another.
    pub fn canonical_id(&self, id: ItemId) -> ItemId {
        self.resolve(id)
    }

    /// The person's root folder.
    pub fn root_id(&self) -> ItemId {
        self.meta.root_id
    }

    pub fn is_root(&self, id: ItemId) -> bool {
        self.tree.is_root(id)
    }

    /// What is known of the device, its zones and its position.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Items that the server told of.
    pub fn len(&self) -> usize {
        self.tree.remote_len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every item of the local tree, in the trash too, by id within those that wait and those that do not.
    pub fn items(&self) -> impl Iterator<Item = ItemView<'_>> {
        self.tree.locals().map(|(id, node)| ItemView { engine: self, id, node })
    }

    /// The live children of a folder, unsorted.
    pub fn children(&self, folder: ItemId) -> impl Iterator<Item = ItemView<'_>> {
        self.tree.children(self.resolve(folder)).filter_map(|id| self.view(id))
    }

    /// As [`Self::children`], from behind one of them on: whoever looks at a million takes a stretch at a time.
    pub fn children_after(
        &self,
        folder: ItemId,
        last: Option<ChildPlace>,
    ) -> impl Iterator<Item = (ChildPlace, ItemView<'_>)> {
        let places = self.tree.children_after(self.resolve(folder), last.map(|ChildPlace(place)| place));
        places.filter_map(|place| Some((ChildPlace(place), self.view(place.1)?)))
    }

    /// Live files that were made in a folder and that the server does not know yet, the latest first.
    pub fn created_in(&self, folder: ItemId) -> impl Iterator<Item = ItemView<'_>> {
        let folder = self.resolve(folder);
        let creates = self.outbox.iter().rev().filter(|queued| queued.takes_effect());
        let files = creates.filter(|queued| matches!(queued.op.act, Act::CreateFile { .. }));
        files
            .filter_map(|queued| self.view(self.resolve(queued.op.item_id)))
            .filter(move |view| view.node.parent == folder && view.is_live())
    }

    /// The top folder of a zone of this kind, the person's own one where there are several.
    pub fn root_of(&self, kind: ZoneKind) -> Option<ItemId> {
        let is_wanted = |zone: &&ZoneInfo| zone.kind == kind && zone.state == ZoneState::Active;
        let zones = self.meta.zones.iter().filter(is_wanted);
        zones.max_by_key(|zone| zone.role).map(|zone| zone.root_id)
    }

    /// The live folders in a folder, unsorted; costs nothing for the files beside them.
    pub fn folders(&self, folder: ItemId) -> impl Iterator<Item = ItemView<'_>> {
        self.tree.folders(self.resolve(folder)).filter_map(|id| self.view(id))
    }

    /// How many live children a folder has.
    pub fn children_len(&self, folder: ItemId) -> usize {
        self.tree.children_len(self.resolve(folder))
    }

    /// The live child that bears this name, or one that counts as equal.
    pub fn child_named(&self, folder: ItemId, name: &ItemName) -> Option<ItemId> {
        self.tree.child_named(self.resolve(folder), &name.folded())
    }

    /// The folders from the root's child down to the item's parent.
    pub fn ancestors(&self, id: ItemId) -> Vec<ItemId> {
        let mut above = self.tree.ancestors(self.resolve(id)).unwrap_or_default();
        above.reverse();
        above
    }

    /// Live items whose name contains `text`, both folded; at most `limit`.
    pub fn search(&self, text: &str, limit: usize) -> Vec<ItemView<'_>> {
        let Ok(wanted) = ItemName::parse(&text.replace('/', " ")) else { return Vec::new() };
        let wanted = wanted.folded();
        let matches = |node: &Node| {
            if node.name.is_ascii() {
                contains_ascii(node.name.as_bytes(), wanted.as_str().as_bytes())
            } else {
                node.folded().contains(wanted.as_str())
            }
        };
        self.items().filter(|view| matches(view.node) && self.tree.is_live(view.id)).take(limit).collect()
    }

    /// The topmost deleted items, the latest first.
    pub fn trash(&self) -> Vec<ItemView<'_>> {
        let views = self.tree.trashed().filter_map(|id| self.view(id));
        let mut trashed: Vec<_> = views.filter(|view| !self.goes_with_its_photo(view)).collect();
        trashed.sort_by_key(|view| (Reverse(view.node.deleted_at), view.id));
        trashed
    }

    /// Whether it is the film of a Live Photo that the same delete put into the trash: the server brings it back, or
    /// removes it for good, with its photo, which may be waiting here for just that.
    fn goes_with_its_photo(&self, film: &ItemView<'_>) -> bool {
        let photo = film.photo().and_then(|photo| self.tree.remote(photo.live_photo_of?));
        photo.is_some_and(|photo| photo.deleted_at.is_some() && photo.deleted_at == film.deleted_at())
    }

    /// Open conflicts that no decision of this device waits for, the oldest first.
    pub fn conflicts(&self) -> Vec<&ConflictInfo> {
        let mut open: Vec<_> = self.open_conflicts().collect();
        open.sort_by_key(|info| (info.created_at, info.id));
        open
    }

    fn open_conflicts(&self) -> impl Iterator<Item = &ConflictInfo> {
        self.conflicts.values().filter(|info| !self.is_settled(info.id))
    }

    fn status(&self, id: ItemId) -> SyncStatus {
        let mut status = SyncStatus::Synced;
        for queued in self.outbox.of_item(id) {
            let own = if queued.is_parked() {
                SyncStatus::Error
            } else if queued.in_flight {
                SyncStatus::Syncing
            } else {
                SyncStatus::Pending
            };
            status = status.max(own);
        }
        let in_conflict = || self.open_conflicts().any(|info| self.resolve(info.file_id) == id);
        if status < SyncStatus::Conflict && in_conflict() {
            status = SyncStatus::Conflict;
        }
        status
    }

    /// What waits or is stuck, in order.
    pub fn queue(&self) -> Vec<QueueEntry> {
        self.queue_head(usize::MAX)
    }

    /// The first `limit` of it.
    pub fn queue_head(&self, limit: usize) -> Vec<QueueEntry> {
        self.outbox.iter().take(limit).map(|queued| self.entry(queued)).collect()
    }

    /// How far one operation has come; None where it is done.
    pub fn queue_state(&self, operation: OperationId) -> Option<QueueState> {
        self.outbox.get(operation).map(|queued| self.state_of(queued))
    }

    fn entry(&self, queued: &Queued) -> QueueEntry {
        let op = &queued.op;
        let item = self.resolve(op.item_id);
        QueueEntry {
            operation_id: op.id,
            item_id: item,
            item_name: self.name_of(op, item),
            action: action(&op.act),
            state: self.state_of(queued),
        }
    }

    fn state_of(&self, queued: &Queued) -> QueueState {
        let op = &queued.op;
        match &op.state {
            OperationState::Parked { message, .. } => QueueState::Refused { reason: message.clone() },
            OperationState::Queued if queued.in_flight => QueueState::Sending,
            OperationState::Queued => {
                let for_space = self.space.holds(queued).and(self.space.next_try());
                let next_try = op.next_try.or(for_space).or(self.net.next_try);
                QueueState::Waiting { reason: self.waits_for(queued), next_try }
            }
        }
    }

    fn waits_for(&self, queued: &Queued) -> Option<String> {
        if queued.blocked {
            return Some("Waits for an earlier change that was refused".to_owned());
        }
        if self.net.signed_out {
            return Some("Sign in again to go on".to_owned());
        }
        if self.disk.failed() {
            return Some("This device cannot store changes right now".to_owned());
        }
        if let Some(code) = self.space.holds(queued) {
            return Some(reason::waiting(code).to_owned());
        }
        if let (Some(code), Some(_)) = (queued.problem, queued.op.next_try) {
            return Some(reason::waiting(code).to_owned());
        }
        (!self.net.online).then(|| "Waits for the server".to_owned())
    }

    /// How in step this device is.
    pub fn summary(&self) -> SyncSummary {
        let failed = self.outbox.parked_len();
        SyncSummary {
            online: self.net.online,
            waiting: self.outbox.len() - failed,
            active: self.outbox.iter().any(|queued| queued.in_flight)
                || self.net.page.is_some() && self.net.behind,
            failed,
            conflicts: self.open_conflicts().count(),
            first_sync: (!self.meta.complete).then(|| self.tree.remote_len()),
            behind: self.net.behind || self.meta.resync.is_some(),
            unstored: self.disk.is_storing(),
            signed_out: self.net.signed_out,
            storage_failed: self.disk.failed(),
            quota_full: self.space.is_full(),
            next_try: self.net.next_try,
            last_synced_at: self.meta.last_synced_at,
        }
    }
}

fn action(act: &Act) -> &'static str {
    match act {
        Act::CreateFolder { .. } => "New folder",
        Act::CreateFile { .. } => "Upload",
        Act::SetContent { .. } => "Edit",
        Act::Place { parent: Some(_), .. } => "Move",
        Act::Place { parent: None, .. } => "Rename",
        Act::Delete { .. } => "Delete",
        Act::Restore { .. } => "Restore",
        Act::Purge => "Delete for good",
        Act::Photo(_) => "Photo details",
        Act::Album { .. } => "Album",
        Act::Resolve { .. } => "Settle conflict",
    }
}

/// Whether `name`, in any case, contains the folded `wanted`.
fn contains_ascii(name: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || name.windows(wanted.len()).any(|part| part.eq_ignore_ascii_case(wanted))
}
