//! What the server made of operations. Each ends applied, as a conflict, or refused; or it goes again.

use std::collections::BTreeSet;

use shared::item::ItemState;
use shared::limits::PUSH_BODY_BYTES_MAX;
use shared::sync::{Applied, Outcome, PushResponse};
use shared::{ErrorCode, FileItem, ItemId, ItemKind, OperationId};

use super::network::{Purpose, backoff_max};
use super::reissue::leans_on;
use super::space::is_lack_of_space;
use super::{Act, Engine, Notice, reason};
use crate::event::{CallError, CallId};
use crate::outbox::Queued;
use crate::store::{Operation, OperationState};

/// The body that even the slowest line has to carry, in bytes: room for one small file.
const PUSH_BYTES_MIN: usize = 350 * 1024;

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
        if let Some((sequence, parent)) = moved_to {
            let parent = self.resolve(parent);
            let elsewhere = self.tree.remote(new).is_some_and(|node| node.parent != parent);
            // The folder that it was to go into turned out to be the one that it is in.
            let joined = || self.aliases.values().any(|joined| *joined == parent);
            if elsewhere || applied.outcome == Outcome::Unchanged && joined() {
                self.keep_what_stayed(sequence, new);
            }
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
        self.keep_the_joined(new);
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
            if let Some(folder) = queued.op.act.folder_mut().filter(|folder| **folder == old) {
                *folder = new;
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

    /// The file that was to be deleted as another's is their own as well by now: it stays, and they are told that
    /// both are one. Of a folder, the delete goes all the same where it tells that they had not seen theirs in it:
    /// the server keeps what they put into that.
    fn keep_the_joined(&mut self, item: ItemId) {
        let into_trash =
            |act: &Act| matches!(act, Act::Delete { .. } | Act::Restore { parent: None } | Act::Purge);
        let from =
            self.outbox.of_item(item).skip_while(|queued| !matches!(queued.op.act, Act::Delete { .. }));
        let meant: Vec<&Queued> = from.collect();
        let is_folder = self.tree.remote(item).is_some_and(|node| node.kind == ItemKind::Folder);
        if is_folder && meant.first().is_some_and(|delete| delete.op.base.base_version.is_some()) {
            return;
        }
        if !meant.iter().all(|queued| !queued.sent && into_trash(&queued.op.act)) {
            return;
        }
        let meant: Vec<OperationId> = meant.into_iter().map(|queued| queued.op.id).collect();
        for operation in meant {
            self.dequeue(operation);
        }
    }

    /// The server has it as an item of its own: it is no other any more. A restored server may have forgotten
    /// that the two were joined, and somebody have sent this one again.
    pub(super) fn part_joined(&mut self, id: ItemId) {
        let Some(other) = self.aliases.remove(&id) else { return };
        self.outbox.part(other, id);
        if self.meta.aliases.iter().any(|(old, _)| *old == id) {
            self.meta.aliases.retain(|(old, _)| *old != id);
            self.disk.draft.meta = true;
        }
        self.refold(other);
        self.refold(id);
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
        self.part_joined(id);
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
        if self.tree.remote(id).is_some_and(|node| node.kind == ItemKind::Folder) {
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
            // The server did it, and forgot how it went. Earlier ones said so of any id that told a time long
            // ago, perhaps because this device's clock is wrong: the next id tells none.
            ErrorCode::OperationExpired => {
                let new = OperationId(self.chance.timeless_id());
                self.reissue_as(id, new);
                self.forget_base(&op);
            }
            ErrorCode::NotFound
                if matches!(op.act, Act::Delete { .. } | Act::Purge)
                    && !op.absent
                    && self.tree.remote(item).is_some() =>
            {
                // It was not there when that was first answered, and came since: whoever brought it had not seen
                // this.
                let name = self.name_of(&op, item);
                self.drop_refused(&op, item);
                self.notify(Notice::CameBack { item, name });
                self.want_pull();
            }
            ErrorCode::NotFound
                if matches!(op.act, Act::Delete { .. } | Act::Purge) && self.awaits_creation(&op, item) => {}
            ErrorCode::NotFound | ErrorCode::Gone if matches!(op.act, Act::Delete { .. } | Act::Purge) => {
                // What should go is gone, unless only the id that it once had is.
                self.dequeue(id);
                if op.item_id == item {
                    self.set_purged(item);
                }
                self.want_pull();
            }
            ErrorCode::NotFound | ErrorCode::Gone if matches!(op.act, Act::Photo(_) | Act::Album { .. }) => {
                self.drop_refused(&op, item);
                self.want_pull();
            }
            ErrorCode::NotDeleted if matches!(op.act, Act::Restore { .. } | Act::Purge) => {
                self.drop_refused(&op, item);
                self.want_pull();
            }
            ErrorCode::NotFound if op.absent && self.recreate(item) => {}
            ErrorCode::AlreadyExists if op.act.is_create() => self.already_exists(&op, item),
            code if is_lack_of_space(code) && op.act.content().is_some() => self.no_space_for(id, code),
            code if refusal.retryable || code.retryable() => self.try_later(id, code),
            _ => self.park(&op, item, refusal),
        }
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
            self.part_from(&other, op);
        }
        self.touch_operation(op.id);
        self.reblock();
        self.refold(item);
        self.notify(Notice::Refused { operation: op.id, item, name, reason });
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
}
