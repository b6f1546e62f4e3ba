//! The engine: one device's state for one account, and what each event makes of it.

mod albums;
mod answers;
mod bases;
mod commands;
mod conflicts;
mod disk;
mod fold;
mod follow;
mod network;
mod opening;
mod pull;
mod push;
mod read;
mod reason;
mod reissue;
mod resync;
mod space;
mod uploads;

use std::collections::{BTreeMap, BTreeSet};

use shared::frames::ServerEvent;
use shared::sync::{Base, ConflictInfo};
use shared::{ConflictId, ItemId, OperationId, Timestamp, VersionVector};

use crate::chance::Chance;
use crate::effect::{Effect, Notice};
use crate::event::Event;
use crate::outbox::{Outbox, Queued};
use crate::store::{Act, BatchId, Meta, Operation, OperationState};
use crate::summary::SyncSummary;
use crate::tree::Tree;
pub use albums::AlbumView;
use disk::Disk;
use network::Network;
pub use opening::Opening;
pub use read::{ChildPlace, ItemView};
use space::Space;

/// One device's sync, pure. Everything that a caller does to it answers effects to perform, in order.
#[derive(Clone, Debug)]
pub struct Engine {
    now: Timestamp,
    meta: Meta,
    tree: Tree,
    outbox: Outbox,
    conflicts: BTreeMap<ConflictId, ConflictInfo>,
    /// Ids that turned out to be another item's: old, then new.
    aliases: BTreeMap<ItemId, ItemId>,
    /// Items that are known to be gone for good, so that a late answer cannot bring one back.
    purged: BTreeSet<ItemId>,
    /// What operations that went or got other ids come to, for editors that lean on them.
    followers: BTreeMap<OperationId, Base>,
    /// What answered operations were made on in the end, while others wait that were made on them.
    roots: BTreeMap<OperationId, VersionVector>,
    /// Purged folders whose contents are still in the tree.
    unswept: BTreeSet<ItemId>,
    /// What a restored server no longer has, until the driver says whether it holds the bytes.
    lost: BTreeSet<ItemId>,
    /// What a restored server did not name, while that is being put right.
    absent: BTreeSet<ItemId>,
    /// How many of the lost the driver did not hold.
    lost_for_good: usize,
    /// The server's tree changed under queued moves.
    recheck_cycles: bool,
    /// A queued move is left out of the local tree.
    suppressing: bool,
    chance: Chance,
    net: Network,
    space: Space,
    disk: Disk,
    told: SyncSummary,
    out: Vec<Effect>,
}

impl Engine {
    /// Takes in what happened at `now`.
    pub fn handle(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        self.now = now;
        match event {
            Event::Started => {
                self.net.started = true;
                self.want_pull();
                self.net.conflicts_wanted = true;
            }
            Event::Persisted(batch) => self.persisted(batch),
            Event::PersistFailed(_) => self.persist_failed(),
            Event::Online | Event::RetryNow => self.try_now(true),
            Event::Offline => self.network_gone(),
            Event::SocketOpened => {
                self.net.socket = true;
                self.try_now(true);
            }
            Event::SocketClosed => {
                self.net.socket = false;
                // Nobody tells of news now; asking once shows whether the server is there at all.
                self.want_pull();
                self.net.poll_at = Some(now + network::POLL_INTERVAL);
            }
            Event::Frame(frame) => self.frame(frame),
            Event::SignedIn => {
                self.net.signed_out = false;
                self.try_now(true);
            }
            // A timer that fired early is set again.
            Event::Tick => self.net.woken(),
            Event::PushAnswered { call, result } => self.push_answered(call, result),
            Event::PullAnswered { call, result } => self.pull_answered(call, result),
            Event::TrashAnswered { call, result } => self.trash_answered(call, result),
            Event::ConflictsAnswered { call, result } => self.conflicts_answered(call, result),
            Event::ResolveAnswered { call, conflict, result } => {
                self.resolve_answered(call, conflict, result);
            }
            Event::UploadFinished { operation, result } => self.upload_finished(operation, result),
            Event::ContentLost { operation } => self.content_lost(operation),
            Event::ContentFound { item, content } => self.content_found(item, content),
            Event::Discard { operation } => self.discard(operation),
            Event::Retry { operation } => self.retry(operation),
        }
        self.finish()
    }

    /// An id for what is about to be created.
    pub fn new_item_id(&mut self, now: Timestamp) -> ItemId {
        ItemId(self.chance.id(now))
    }

    /// What is the same after every event: settle the tree, store, send, tell.
    fn finish(&mut self) -> Vec<Effect> {
        self.sweep_purged();
        // What left a move out may itself be gone by now.
        if std::mem::take(&mut self.recheck_cycles) || self.suppressing {
            self.suppress_cycles();
        }
        let mut effects = Vec::new();
        std::mem::swap(&mut effects, &mut self.out);
        self.flush();
        self.send();
        self.wake();
        let summary = self.summary();
        if summary != self.told {
            self.tree.changes.queue = true;
            self.told = summary;
        }
        let changes = std::mem::take(&mut self.tree.changes);
        if !changes.is_empty() {
            effects.insert(0, Effect::Changed(changes));
        }
        effects.append(&mut self.out);
        effects
    }

    /// Frames are hints: none of them is applied, but each says when to ask.
    fn frame(&mut self, frame: ServerEvent) {
        match frame {
            ServerEvent::SyncComplete { sync_token }
            | ServerEvent::FileChanged { sync_token, .. }
            | ServerEvent::FileDeleted { sync_token, .. } => self.heard_of(sync_token.as_deref()),
            ServerEvent::PhotoReady { .. } => self.want_pull(),
            ServerEvent::PullNeeded { sync_token } => {
                // Frames were left out, of conflicts too.
                self.net.conflicts_wanted = true;
                self.heard_of(sync_token.as_deref());
            }
            ServerEvent::ConflictDetected { .. }
                if shared::faults::Fault::ConflictsAreNotHeard.is_planted() => {}
            ServerEvent::ConflictDetected { conflict } => self.heard_of_conflict(conflict),
            ServerEvent::ConflictResolved { conflict_id } => {
                self.drop_conflict(conflict_id);
                self.want_pull();
            }
            ServerEvent::Pong {} | ServerEvent::Unknown => {}
        }
    }

    /// The server stands at this token, or somewhere.
    fn heard_of(&mut self, token: Option<&str>) {
        if token.is_none() || token != self.meta.sync_token.as_deref() {
            self.want_pull();
        }
    }

    /// The item that counts, where `id` turned out to be another's.
    fn resolve(&self, id: ItemId) -> ItemId {
        self.aliases.get(&id).copied().unwrap_or(id)
    }

    fn notify(&mut self, notice: Notice) {
        self.out.push(Effect::Notify(notice));
    }

    /// Queues an operation and lets it take effect.
    fn enqueue(&mut self, item: ItemId, act: Act, base: Base) -> OperationId {
        self.withdraw_deletes(item, &act);
        let absent = self.outbox.of_item(item).any(|queued| queued.op.absent);
        // What is gone may come again under its id: then it is another.
        let gone = absent && base.base_operation_id.is_none() && self.is_gone(item);
        let base = if gone { Self::unknown_base() } else { base };
        let upload_to = self.upload_to(item, &act);
        let op = Operation {
            id: OperationId(self.chance.id(self.now)),
            sequence: self.outbox.next_sequence(),
            item_id: item,
            act,
            base,
            queued_at: self.now,
            state: OperationState::Queued,
            attempts: 0,
            next_try: None,
            absent,
            item_name: None,
            upload_to,
        };
        let id = op.id;
        let base = op.base.base_operation_id.and_then(|base| self.outbox.get(base));
        let on_refused = base.is_some_and(|base| base.is_parked() || base.blocked);
        self.outbox.insert(item, Queued::fresh(op));
        self.touch_operation(id);
        if on_refused {
            self.reblock();
        }
        self.refold(item);
        id
    }

    /// Takes an operation out, for good. What leans on it is the caller's concern.
    fn dequeue(&mut self, id: OperationId) -> Option<Operation> {
        let queued = self.outbox.get(id)?;
        let item = self.resolve(queued.op.item_id);
        if self.outbox.of_item(item).any(|other| other.op.base.base_operation_id == Some(id)) {
            let root = self.chain_root(queued).cloned();
            self.roots.extend(root.map(|root| (id, root)));
        }
        let queued = self.outbox.remove(item, id)?;
        self.touch_operation(id);
        self.disk.draft.contents.retain(|(of, _)| *of != id);
        self.disk.draft.copied_contents.retain(|(_, new)| *new != id);
        if queued.op.absent && !self.outbox.has_item(item) {
            // Kept for the sake of what waited; if the server has it after all, its answer says so.
            self.set_remote_gone(item);
        }
        if queued.is_parked() {
            self.reblock();
        }
        self.refold(item);
        if self.outbox.len() == 0 {
            self.roots.clear();
        }
        self.prune_aliases();
        Some(queued.op)
    }

    /// Finds anew what leans on refused operations, and shows it.
    fn reblock(&mut self) {
        let aliases = &self.aliases;
        let tree = &self.tree;
        let resolve = |id| aliases.get(&id).copied().unwrap_or(id);
        let changed = self.outbox.reblock(resolve, |id| tree.remote(id).is_some());
        self.recheck_cycles |= !changed.is_empty();
        for id in changed {
            if let Some(item) = self.outbox.get(id).map(|queued| self.resolve(queued.op.item_id)) {
                self.refold(item);
            }
        }
    }

    /// Aliases are only kept while an operation names one; in memory they stay for whoever still shows one.
    fn prune_aliases(&mut self) {
        if self.meta.aliases.is_empty() || self.outbox.len() > 0 {
            return;
        }
        self.meta.aliases.clear();
        self.disk.draft.meta = true;
    }

    fn put_conflict(&mut self, conflict: ConflictInfo) {
        let (id, file) = (conflict.id, self.resolve(conflict.file_id));
        if self.conflicts.get(&id) == Some(&conflict) {
            return;
        }
        self.conflicts.insert(id, conflict);
        self.touch_conflict(id, file);
    }

    fn drop_conflict(&mut self, id: ConflictId) {
        if let Some(conflict) = self.conflicts.remove(&id) {
            let file = self.resolve(conflict.file_id);
            self.touch_conflict(id, file);
        }
    }

    fn touch_conflict(&mut self, id: ConflictId, file: ItemId) {
        self.disk.draft.conflicts.insert(id);
        self.tree.changes.conflicts = true;
        self.tree.changes.items.insert(file);
    }

    fn touch_operation(&mut self, id: OperationId) {
        self.disk.draft.operations.insert(id);
        self.tree.changes.queue = true;
    }

    /// The vector that stands for "nothing is known of what was edited".
    fn unknown_base() -> Base {
        Base::version(VersionVector::new())
    }
}

impl Queued {
    fn fresh(op: Operation) -> Self {
        Self {
            op,
            sent: false,
            in_flight: false,
            blocked: false,
            suppressed: false,
            saved_in: BatchId(u64::MAX),
            problem: None,
        }
    }

    fn loaded(op: Operation) -> Self {
        let sent = !shared::faults::Fault::LoadedIsRewritten.is_planted();
        Self { sent, saved_in: BatchId(0), ..Self::fresh(op) }
    }
}
