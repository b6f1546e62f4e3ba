//! What the server made of operations. Each ends applied, as a conflict, or refused; or it goes again.

use std::collections::BTreeSet;

use shared::item::ItemState;
use shared::limits::PUSH_BODY_BYTES_MAX;
use shared::sync::{Applied, Base, ConflictInfo, Outcome, PushResponse, ResolveResponse};
use shared::{ConflictId, ErrorCode, FileItem, ItemId, OperationId, VersionVector};

use super::network::{Purpose, backoff_max};
use super::space::is_lack_of_space;
use super::{Act, Engine, Notice, reason};
use crate::event::{CallError, CallId};
use crate::outbox::{Queued, Sort};
use crate::store::{Operation, OperationState};

/// The body that even the slowest line has to carry, in bytes: room for one small file.
const PUSH_BYTES_MIN: usize = 350 * 1024;

/// UUIDs of this version tell when they were made.
const TIMED_ID_VERSION: usize = 7;

/// A refusal of one operation.
pub(super) struct Refusal {
    pub(super) code: ErrorCode,
    pub(super) message: String,
    pub(super) retryable: bool,
}

impl Engine {
    pub(super) fn push_answered(&mut self, call: CallId, result: Result<PushResponse, CallError>) {
        let Some(Purpose::Push { operations, token }) = self.answered(call) else { return };
        for id in &operations {
            self.landed(*id);
        }
        match result {
            Ok(response) => {
                self.call_succeeded();
                self.net.push_changes_max =
                    (self.net.push_changes_max * 2).min(shared::limits::PUSH_CHANGES_MAX);
                self.net.push_bytes_max = (self.net.push_bytes_max * 2).min(PUSH_BODY_BYTES_MAX);
                self.take_push(operations, token, response);
            }
            Err(error) => {
                if error == CallError::Unreachable {
                    self.net.push_bytes_max = (self.net.push_bytes_max / 2).max(PUSH_BYTES_MIN);
                }
                self.push_failed(&operations, error);
            }
        }
    }

    fn take_push(&mut self, operations: Vec<OperationId>, token: Option<String>, response: PushResponse) {
        let advanced = response.sync_token.is_some() && response.sync_token != token;
        if advanced && self.meta.sync_token == token {
            if self.meta.seen_token == token {
                self.meta.seen_token.clone_from(&response.sync_token);
            }
            self.meta.sync_token = response.sync_token;
            self.disk.draft.meta = true;
        } else if !response.applied.is_empty() || !response.conflicts.is_empty() {
            self.want_pull();
        }
        let mut unanswered: BTreeSet<OperationId> = operations.into_iter().collect();
        for applied in response.applied {
            unanswered.remove(&applied.operation_id);
            self.applied(applied);
        }
        for conflict in response.conflicts {
            if let Some(id) = conflict.operation_id {
                unanswered.remove(&id);
            }
            self.conflicted(conflict.operation_id, conflict);
        }
        for error in response.errors {
            unanswered.remove(&error.operation_id);
            let refusal = Refusal { code: error.code, message: error.message, retryable: error.retryable };
            self.refused(error.operation_id, refusal);
        }
        for id in unanswered {
            self.try_later(id, ErrorCode::Internal);
        }
    }

    /// The push failed as a whole. Refused for good, it holds a change that spoils it: smaller ones find it.
    fn push_failed(&mut self, operations: &[OperationId], error: CallError) {
        let Some(problem) = self.call_failed(error) else { return };
        match (problem.code, operations) {
            (ErrorCode::SyncTokenExpired | ErrorCode::InvalidSyncToken, _) => self.token_refused(&problem),
            (code, [id]) => {
                let refusal = Refusal { code, message: problem.detail, retryable: false };
                self.refused(*id, refusal);
            }
            _ => self.net.push_changes_max = (operations.len() / 2).max(1),
        }
    }

    /// No longer on its way.
    pub(super) fn landed(&mut self, id: OperationId) {
        if shared::faults::Fault::LostCallsDangle.is_planted() {
            return;
        }
        if let Some(queued) = self.outbox.get_mut(id) {
            queued.in_flight = false;
            let item = queued.op.item_id;
            self.note_status(item);
        }
    }

    pub(super) fn applied(&mut self, applied: Applied) {
        self.space_for(applied.operation_id);
        let asked = self.dequeue(applied.operation_id);
        if asked.as_ref().is_some_and(|op| op.act == Act::Purge) {
            self.space.may_have_changed();
        }
        let (old, new) = (self.resolve(applied.file_id), applied.item.id());
        if old != new {
            self.adopt(old, new);
        }
        let asked_for = asked.as_ref().filter(|op| !op.act.is_create());
        let moved_to = asked_for.and_then(|op| Some((op.sequence, op.act.parent()?)));
        if let Some(op) = asked {
            self.tell_outcome(&op, &applied.item, applied.outcome);
        }
        self.take_state(applied.item);
        if let Some((sequence, parent)) = moved_to
            && self.tree.remote(new).is_some_and(|node| node.parent != self.resolve(parent))
        {
            self.keep_what_stayed(sequence, new);
        }
    }

    fn tell_outcome(&mut self, op: &Operation, state: &ItemState, outcome: Outcome) {
        let ItemState::Present(given) = state else { return };
        let (item, name) = (given.id, given.name.clone());
        let asked = match &op.act {
            Act::CreateFolder { name, .. } | Act::CreateFile { name, .. } => Some(name.to_string()),
            Act::Place { name, .. } => name.as_ref().map(ToString::to_string),
            _ => None,
        };
        match (outcome, &op.act) {
            (Outcome::Renamed, _) => {
                let asked = asked.unwrap_or_else(|| name.clone());
                self.notify(Notice::Renamed { item, asked, given: name });
            }
            (Outcome::Unchanged | Outcome::Merged, Act::Delete { .. }) if !given.is_deleted => {
                self.notify(Notice::CameBack { item, name });
            }
            (Outcome::Unchanged, Act::Place { parent, .. })
                if asked.as_ref().is_some_and(|asked| *asked != name)
                    || parent.is_some_and(|parent| self.resolve(parent) != given.parent_id) =>
            {
                self.notify(Notice::PlacedElsewhere {
                    item,
                    asked: asked.unwrap_or_else(|| name.clone()),
                    name,
                });
            }
            (Outcome::Merged, _) => self.notify(Notice::Merged { item, name }),
            _ => {}
        }
    }

    /// What was created here turned out to be `new`: everything here moves over to it.
    fn adopt(&mut self, old: ItemId, new: ItemId) {
        for target in self.aliases.values_mut().filter(|target| **target == old) {
            *target = new;
        }
        self.aliases.insert(old, new);
        if !shared::faults::Fault::JoinedIsNotRefiled.is_planted() {
            self.outbox.refile(old, new);
        }
        self.set_remote_gone(old);
        let items = self.concerned_by(old, new);
        let unsent: Vec<OperationId> = self
            .outbox
            .iter()
            .filter(|queued| queued.names(old) && !queued.sent)
            .map(|queued| queued.op.id)
            .collect();
        // What may have been sent keeps its words; the server knows the old id for long enough.
        for id in unsent {
            let Some(queued) = self.outbox.get_mut(id) else { continue };
            if queued.op.item_id == old {
                queued.op.item_id = new;
            }
            if let Some(parent) = queued.op.act.parent_mut().filter(|parent| **parent == old) {
                *parent = new;
            }
            // Whoever deleted the one had seen nothing of what the other holds.
            if let Act::Delete { seen_token } = &mut queued.op.act {
                *seen_token = None;
            }
            self.touch_operation(id);
        }
        for item in items {
            self.refold(item);
        }
        if self.outbox.len() > 0 {
            self.meta.aliases = self.aliases.iter().map(|(old, new)| (*old, *new)).collect();
            self.disk.draft.meta = true;
        }
        // A move into the one may have become a move into itself.
        self.recheck_cycles = true;
        self.tree.changes.renumbered.push((old, new));
        self.want_pull();
    }

    /// What is shown otherwise once `old` is known to be `new`.
    pub(super) fn concerned_by(&self, old: ItemId, new: ItemId) -> BTreeSet<ItemId> {
        let named = self.outbox.iter().filter(|queued| queued.names(old));
        let items = named.map(|queued| self.resolve(queued.op.item_id));
        items.chain([old, new]).collect()
    }

    /// Takes in a state that an answer carries, unless a later one is known.
    pub(super) fn take_state(&mut self, state: ItemState) {
        match state {
            ItemState::Present(item) if self.purged.contains(&item.id) || self.tree.is_stale(&item) => {}
            ItemState::Present(item) => self.put_remote(item),
            ItemState::Purged(tombstone) => self.set_purged(tombstone.id),
        }
    }

    pub(super) fn put_remote(&mut self, item: FileItem) {
        let id = item.id;
        let node = self.tree.node(item.into());
        self.set_absent(id, false);
        if self.tree.remote(id) == Some(&node) {
            return;
        }
        // A conflict tells what the file holds at present.
        self.net.conflicts_wanted |= self.conflicts.values().any(|conflict| {
            self.resolve(conflict.file_id) == id && Some(conflict.server_content_hash) != node.content_hash
        });
        self.recheck_cycles = true;
        self.tree.set_remote(id, Some(node));
        self.disk.draft.items.insert(id);
        self.refold(id);
        self.fulfil_refused(id);
    }

    /// The creation of a folder was refused, and yet the server has it by now: nothing waits for a decision.
    fn fulfil_refused(&mut self, id: ItemId) {
        let refused =
            |queued: &&Queued| queued.is_parked() && matches!(queued.op.act, Act::CreateFolder { .. });
        let operation = self.outbox.of_item(id).find(refused).map(|queued| queued.op.id);
        operation.map(|operation| self.dequeue(operation));
    }

    pub(super) fn set_purged(&mut self, id: ItemId) {
        let id = self.resolve(id);
        if self.tree.remote(id).is_some_and(|node| node.kind == shared::ItemKind::Folder) {
            self.unswept.insert(id);
        }
        self.purged.insert(id);
        self.set_remote_gone(id);
    }

    pub(super) fn set_remote_gone(&mut self, id: ItemId) {
        if self.tree.remote(id).is_some() {
            self.tree.set_remote(id, None);
            self.disk.draft.items.insert(id);
        }
        self.refold(id);
    }

    pub(super) fn conflicted(&mut self, operation: Option<OperationId>, conflict: ConflictInfo) {
        if let Some(id) = operation {
            self.space_for(id);
        }
        let op = operation.and_then(|id| self.dequeue(id));
        if op.is_some() {
            let item = self.resolve(conflict.file_id);
            self.notify(Notice::Conflict { conflict: conflict.id, item, name: conflict.file_name.clone() });
        }
        self.put_conflict(ConflictInfo { operation_id: None, ..conflict });
        self.want_pull();
    }

    /// One operation was refused. Whatever can be put right without a person is; the rest is parked.
    pub(super) fn refused(&mut self, id: OperationId, refusal: Refusal) {
        let Some(queued) = self.outbox.get(id) else { return };
        let op = queued.op.clone();
        let item = self.resolve(op.item_id);
        match refusal.code {
            ErrorCode::DependsOnFailed if refusal.retryable && self.awaits_earlier(&op) => {}
            ErrorCode::DependsOnFailed if self.reissue_dependent(&op, item) => {}
            ErrorCode::ParentNotFound if self.creates_parent(&op) => self.reissue(id),
            ErrorCode::InvalidBase if op.base != Self::unknown_base() => {
                self.reissue(id);
                self.rebase(&op, &Self::unknown_base());
            }
            // Its id tells a time that the server takes for long ago, perhaps because this device's clock is
            // wrong: the next one tells none.
            ErrorCode::OperationExpired => {
                let new = OperationId(self.chance.timeless_id());
                self.reissue_as(id, new);
                self.forget_base(&op);
            }
            ErrorCode::NotFound | ErrorCode::Gone if matches!(op.act, Act::Delete { .. } | Act::Purge) => {
                // What should go is gone, unless only the id that it once had is.
                self.dequeue(id);
                if op.item_id == item {
                    self.set_purged(item);
                }
                self.want_pull();
            }
            ErrorCode::NotDeleted if matches!(op.act, Act::Restore { .. } | Act::Purge) => {
                self.dequeue(id);
                self.want_pull();
            }
            ErrorCode::NotFound if op.absent && self.recreate(item) => {}
            ErrorCode::AlreadyExists if op.act.is_create() => self.already_exists(&op, item),
            code if is_lack_of_space(code) && op.act.content().is_some() => self.no_space_for(id, code),
            code if refusal.retryable || code.retryable() => self.try_later(id, code),
            _ => self.park(&op, item, refusal),
        }
    }

    /// What it builds on may be what the server forgot. A new id may be all that it takes, so this is believed
    /// once an id that tells no time was refused too, and without haste.
    fn forget_base(&mut self, op: &Operation) {
        let forgotten = op.base.base_operation_id.is_some_and(|base| !self.outbox.contains(base));
        if forgotten && op.id.0.get_version_num() != TIMED_ID_VERSION {
            self.rebase(op, &Self::unknown_base());
        }
        let Some(id) = self.outbox.at(op.sequence) else { return };
        if let Some(queued) = self.outbox.get_mut(id) {
            queued.op.attempts = op.attempts;
        }
        self.try_later(id, ErrorCode::OperationExpired);
    }

    /// Whether what it leans on goes again as it is, and it with that: its id stays, for a request that comes
    /// twice may have had it accepted.
    fn awaits_earlier(&self, op: &Operation) -> bool {
        match op.base.base_operation_id {
            Some(base) => self.outbox.get(base).is_some_and(|base| !base.is_parked()),
            None => self.creates_parent(op),
        }
    }

    /// An operation was refused because one that it leans on was, or was not judged yet.
    fn reissue_dependent(&mut self, op: &Operation, item: ItemId) -> bool {
        let Some(base) = op.base.base_operation_id else {
            return self.creates_parent(op) && {
                self.reissue(op.id);
                true
            };
        };
        let base = self.outbox.get(base).map(|queued| (queued.is_parked(), queued.op.clone()));
        match base {
            // It only stood in the same chain; what it changes is another matter.
            Some((true, base)) if !leans_on(&op.act, &base.act) => {
                self.reissue(op.id);
                self.rebase(op, &base.base);
            }
            Some(_) => self.reissue(op.id),
            None => {
                self.reissue(op.id);
                self.rebase(op, &Self::unknown_base());
            }
        }
        self.refold(item);
        true
    }

    fn creates_parent(&self, op: &Operation) -> bool {
        op.act.parent().is_some_and(|parent| {
            self.outbox.of_item(self.resolve(parent)).any(|queued| queued.op.act.is_create())
        })
    }

    /// Gives the operation in the place of `op` another base.
    pub(super) fn rebase(&mut self, op: &Operation, base: &Base) {
        let Some(id) = self.outbox.at(op.sequence) else { return };
        if let Some(queued) = self.outbox.get_mut(id) {
            queued.op.base = base.clone();
        }
        self.touch_operation(id);
        self.reblock();
    }

    /// Sends the same act again as another operation: the answer to the old one is final.
    pub(super) fn reissue(&mut self, old: OperationId) {
        let new = OperationId(self.chance.id(self.now));
        self.reissue_as(old, new);
    }

    fn reissue_as(&mut self, old: OperationId, new: OperationId) {
        let Some(item) = self.outbox.get(old).map(|queued| queued.op.item_id) else { return };
        // A move that comes back may close a circle by now.
        self.recheck_cycles = true;
        self.outbox.set_state(old, OperationState::Queued);
        let mut renamed = vec![(old, new)];
        while let Some((old, new)) = renamed.pop() {
            let Some(op) = self.outbox.get(old).map(|queued| queued.op.clone()) else { continue };
            let touched = self.outbox.reissue(old, new);
            self.name_anew(new);
            self.followers.insert(old, Base::operation(new));
            self.touch_operation(old);
            self.touch_operation(new);
            if matches!(op.act.content(), Some(crate::store::Content::Stored { .. })) {
                self.disk.draft.moved_contents.push((old, new));
            }
            for id in touched {
                self.touch_operation(id);
                // What may have been sent keeps its words, those of what it was made on included.
                if self.outbox.get(id).is_some_and(|queued| queued.sent) {
                    renamed.push((id, OperationId(self.chance.id(self.now))));
                }
            }
        }
        self.reblock();
        let item = self.resolve(item);
        self.refold(item);
    }

    /// An operation that has not been sent under its id names its items by what they are: the server knows what
    /// they once were for a time only.
    fn name_anew(&mut self, id: OperationId) {
        let Some(op) = self.outbox.get(id).map(|queued| &queued.op) else { return };
        let (item, parent) = (self.resolve(op.item_id), op.act.parent().map(|parent| self.resolve(parent)));
        let Some(queued) = self.outbox.get_mut(id) else { return };
        if queued.op.item_id != item {
            queued.op.item_id = item;
            if let Act::Delete { seen_token } = &mut queued.op.act {
                *seen_token = None;
            }
        }
        if let (Some(named), Some(parent)) = (queued.op.act.parent_mut(), parent) {
            *named = parent;
        }
    }

    /// The id is taken, by an earlier try of the same creation whose record is gone: what is left of it is
    /// its content.
    fn already_exists(&mut self, op: &Operation, item: ItemId) {
        self.want_pull();
        let Act::CreateFile { content, modified_at, .. } = op.act.clone() else {
            self.dequeue(op.id);
            return;
        };
        self.reissue(op.id);
        let Some(id) = self.outbox.at(op.sequence) else { return };
        if let Some(queued) = self.outbox.get_mut(id) {
            queued.op.act = Act::SetContent { content, modified_at };
            queued.op.base = Self::unknown_base();
        }
        self.refold(item);
    }

    pub(super) fn try_later(&mut self, id: OperationId, code: ErrorCode) {
        let Some(attempts) = self.outbox.get(id).map(|queued| queued.op.attempts + 1) else { return };
        let wait = self.chance.jittered(backoff_max(attempts));
        let at = self.now + wait;
        let Some(queued) = self.outbox.get_mut(id) else { return };
        queued.in_flight = false;
        queued.op.attempts = attempts;
        queued.op.next_try = Some(at);
        queued.problem = Some(code);
        let item = queued.op.item_id;
        self.touch_operation(id);
        self.note_status(item);
    }

    /// Takes an operation out of the way until a person decides, and its effect off the tree.
    pub(super) fn park(&mut self, op: &Operation, item: ItemId, refusal: Refusal) {
        if shared::faults::Fault::RefusedIsDropped.is_planted() {
            self.dequeue(op.id);
            return;
        }
        let name = self.name_of(op, item);
        let reason = reason::refused(refusal.code, &refusal.message);
        let state = OperationState::Parked { code: refusal.code, message: reason.clone() };
        self.outbox.set_state(op.id, state);
        if let Some(queued) = self.outbox.get_mut(op.id) {
            queued.in_flight = false;
            queued.op.next_try = None;
            queued.op.item_name = Some(name.clone());
        }
        // It may also be the target that is gone; of the item itself a tombstone tells, if one is left.
        if op.absent && matches!(refusal.code, ErrorCode::NotFound | ErrorCode::Gone) {
            self.set_remote_gone(item);
        }
        if op.act.parent().is_some() && !op.act.is_create() {
            self.keep_what_stayed(op.sequence, item);
        }
        // What merely came after it goes on without it.
        let beside: Vec<Operation> = self
            .outbox
            .of_item(item)
            .filter(|queued| queued.op.base.base_operation_id == Some(op.id) && !queued.sent)
            .filter(|queued| !leans_on(&queued.op.act, &op.act))
            .map(|queued| queued.op.clone())
            .collect();
        for other in beside {
            self.rebase(&other, &op.base);
        }
        self.touch_operation(op.id);
        self.reblock();
        self.refold(item);
        self.notify(Notice::Refused { operation: op.id, item, name, reason });
    }

    /// Somebody moved an item out of a folder, then deleted the folder; the item did not get out. What they saw
    /// of the folder says nothing of it.
    fn keep_what_stayed(&mut self, sequence: u64, item: ItemId) {
        let folders: BTreeSet<ItemId> = self.tree.remote_ancestors(item).collect();
        let deletes: Vec<Operation> = self
            .outbox
            .after(sequence)
            .filter(|queued| matches!(queued.op.act, Act::Delete { seen_token: Some(_) }))
            .filter(|queued| !queued.is_parked() && folders.contains(&self.resolve(queued.op.item_id)))
            .map(|queued| queued.op.clone())
            .collect();
        for delete in deletes {
            self.reissue(delete.id);
            let Some(id) = self.outbox.at(delete.sequence) else { continue };
            if let Some(queued) = self.outbox.get_mut(id) {
                queued.op.act = Act::Delete { seen_token: None };
            }
            self.touch_operation(id);
        }
    }

    pub(super) fn resolve_answered(
        &mut self,
        call: CallId,
        conflict: ConflictId,
        result: Result<ResolveResponse, CallError>,
    ) {
        let Some(Purpose::Resolve { operation }) = self.answered(call) else { return };
        self.landed(operation);
        let problem = match result {
            Ok(response) => {
                self.call_succeeded();
                self.dequeue(operation);
                self.drop_conflict(conflict);
                for item in response.items {
                    self.take_state(ItemState::Present(item));
                }
                self.want_pull();
                return;
            }
            Err(error) => match self.call_failed(error) {
                Some(problem) => problem,
                None => return,
            },
        };
        match problem.code {
            ErrorCode::ConflictResolved | ErrorCode::NotFound => {
                self.dequeue(operation);
                self.drop_conflict(conflict);
                self.want_pull();
            }
            ErrorCode::ConflictChanged => {
                self.dequeue(operation);
                let now = problem.more.get("conflict").cloned().and_then(|c| serde_json::from_value(c).ok());
                match now {
                    Some(now) => self.put_conflict(now),
                    None => self.net.conflicts_wanted = true,
                }
                if let Some(info) = self.conflicts.get(&conflict) {
                    let (item, name) = (info.file_id, info.file_name.clone());
                    self.notify(Notice::ConflictChanged { conflict, item, name });
                }
            }
            code => {
                let refusal = Refusal { code, message: problem.detail, retryable: false };
                self.refused(operation, refusal);
            }
        }
    }

    pub(super) fn conflicts_answered(&mut self, call: CallId, result: Result<Vec<ConflictInfo>, CallError>) {
        let Some(Purpose::Conflicts) = self.answered(call) else { return };
        match result {
            Ok(conflicts) => {
                self.call_succeeded();
                let open: BTreeSet<ConflictId> = conflicts.iter().map(|conflict| conflict.id).collect();
                let settled: Vec<ConflictId> =
                    self.conflicts.keys().copied().filter(|id| !open.contains(id)).collect();
                for id in settled {
                    self.drop_conflict(id);
                }
                for conflict in conflicts {
                    self.put_conflict(conflict);
                }
            }
            Err(error) => {
                self.net.conflicts_wanted = self.call_failed(error).is_none();
            }
        }
    }

    /// The local name of what an operation concerns, also where it is not in the tree.
    pub(super) fn name_of(&self, op: &Operation, item: ItemId) -> String {
        if let Some(node) = self.tree.local(item).or_else(|| self.tree.remote(item)) {
            return node.name.to_string();
        }
        if let Some(name) = &op.item_name {
            return name.clone();
        }
        match &op.act {
            Act::CreateFolder { name, .. }
            | Act::CreateFile { name, .. }
            | Act::Place { name: Some(name), .. } => name.to_string(),
            _ => self
                .outbox
                .of_item(item)
                .find_map(|queued| match &queued.op.act {
                    Act::CreateFolder { name, .. } | Act::CreateFile { name, .. } => Some(name.to_string()),
                    _ => None,
                })
                .unwrap_or_default(),
        }
    }

    /// What is edited now: the base of a further edit of this sort (contract, "Two edits in one outbox").
    ///
    /// An edit chained to the item's last unanswered operation has that chain's last input of either sort
    /// as its base. Chained only where the chain says all that the person saw: news of the other sort that
    /// came in since are better told by the version that came with them.
    pub(super) fn base_for(&self, item: ItemId, sorts: &[Sort]) -> Base {
        let present = || self.tree.remote(item).map_or_else(VersionVector::new, crate::tree::Node::version);
        let Some(last) = self.in_effect(item).find(|q| q.op.act.edits()) else {
            return Base::version(present());
        };
        let chained = || Base::operation(last.op.id);
        let [sort] = sorts else {
            let of_sorts = sorts.iter().filter_map(|sort| self.last_of_sort(item, *sort));
            let apart = of_sorts
                .filter(|of_sort| self.outbox.chain(last).all(|queued| queued.op.id != of_sort.op.id));
            // Of two chains the shorter says less, and nothing that the person did not see.
            return apart
                .min_by_key(|of_sort| of_sort.op.sequence)
                .map_or_else(chained, |of_sort| Base::operation(of_sort.op.id));
        };
        let Some(of_sort) = self.last_of_sort(item, *sort) else {
            let root = self.outbox.chain(last).last().and_then(|queued| queued.op.base.base_version.clone());
            return if root == Some(present()) { chained() } else { Base::version(present()) };
        };
        if self.outbox.chain(last).any(|queued| queued.op.id == of_sort.op.id) {
            chained()
        } else {
            Base::operation(of_sort.op.id)
        }
    }
}

impl Engine {
    /// The operations on which the item is shown as it is, the latest first. A creation that the server has
    /// taken in, though its answer is still to come, is in what the server told.
    fn in_effect(&self, item: ItemId) -> impl Iterator<Item = &Queued> {
        let is_there = self.tree.remote(item).is_some();
        let in_effect =
            move |queued: &&Queued| queued.takes_effect() && !(is_there && queued.op.act.is_create());
        self.outbox.of_item(item).rev().filter(in_effect)
    }

    /// The last operation of the item that is shown and decides this sort: what a further edit is made on.
    pub(super) fn last_of_sort(&self, item: ItemId, sort: Sort) -> Option<&Queued> {
        self.in_effect(item).find(|queued| queued.op.act.touches(sort))
    }
}

/// Whether the later act makes no sense without the earlier one on the same item.
pub(super) fn leans_on(later: &Act, earlier: &Act) -> bool {
    earlier.is_create()
        || [Sort::Content, Sort::Place].into_iter().any(|sort| later.touches(sort) && earlier.touches(sort))
}
