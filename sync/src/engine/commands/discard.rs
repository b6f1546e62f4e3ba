//! Operations that a person gives up or wants tried again.

use shared::faults::Fault;
use shared::sync::Base;
use shared::{ItemId, OperationId};

use super::{Act, Effect, Engine};
use crate::outbox::Queued;
use crate::store::Operation;

impl Engine {
    pub(in crate::engine) fn discard(&mut self, id: OperationId) {
        let Some(queued) = self.outbox.get(id) else { return };
        if queued.op.act.is_upload() && !queued.is_parked() && queued.sent {
            self.out.push(Effect::CancelUpload { operation: id });
            // Nobody else knows of it unless it is under way.
            if queued.in_flight {
                return;
            }
        }
        if queued.is_parked() || queued.may_change() {
            self.drop_operation(id);
        }
    }

    /// Takes an operation out with its effect. What leans on a creation goes with it; what leans on an
    /// edit now leans on what that was made on.
    pub(in crate::engine) fn drop_operation(&mut self, id: OperationId) {
        if self.create_with_later_content(id).is_some() {
            return;
        }
        let Some(op) = self.dequeue(id) else { return };
        let item = self.resolve(op.item_id);
        // By their places: what is left of a chain may get other ids while it goes.
        let leaning: Vec<u64> = self
            .outbox
            .iter()
            .filter(|queued| {
                let names = queued.op.act.folder().is_some_and(|folder| self.resolve(folder) == item);
                op.act.is_create() && (names || self.resolve(queued.op.item_id) == item)
            })
            .map(|queued| queued.op.sequence)
            .collect();
        for sequence in leaning {
            if let Some(id) = self.outbox.at(sequence) {
                self.drop_operation(id);
            }
        }
        self.rebase_chained(item, id, &op.base);
        self.reblock();
        self.refold(item);
    }

    /// Where the creation that is given up was edited since, the file begins with that edit instead.
    fn create_with_later_content(&mut self, id: OperationId) -> Option<()> {
        let op = &self.outbox.get(id)?.op;
        let item = self.resolve(op.item_id);
        let Act::CreateFile { .. } = op.act else { return None };
        let sequence = op.sequence;
        let edits: Vec<&Queued> =
            self.outbox.of_item(item).filter(|q| matches!(q.op.act, Act::SetContent { .. })).collect();
        if edits.iter().any(|edit| edit.in_flight) {
            return None;
        }
        let last = edits.last()?;
        let (edit, Act::SetContent { content: later, modified_at: at }) =
            (last.op.sequence, last.op.act.clone())
        else {
            return None;
        };
        let all: Vec<u64> = edits.iter().map(|edit| edit.op.sequence).collect();
        self.reissue(id);
        let id = self.outbox.at(sequence)?;
        // With the creation those that lean on it may have got other ids.
        let edit = self.outbox.at(edit)?;
        if let Act::CreateFile { content, modified_at, .. } = &mut self.outbox.get_mut(id)?.op.act {
            (*content, *modified_at) = (later, at);
        }
        self.disk.draft.moved_contents.push((edit, id));
        // The last says all that the earlier ones did; one that stayed would take its place.
        for edit in all {
            let Some(edit) = self.outbox.at(edit) else { continue };
            self.dequeue(edit);
            self.rebase_chained(item, edit, &Base::operation(id));
        }
        self.refold(item);
        Some(())
    }

    /// What leaned on `gone` now leans on `base`.
    pub(in crate::engine) fn rebase_chained(&mut self, item: ItemId, gone: OperationId, base: &Base) {
        self.followers.insert(gone, base.clone());
        let chained: Vec<(Operation, bool)> = self
            .outbox
            .of_item(item)
            .filter(|queued| queued.op.base.base_operation_id == Some(gone))
            .map(|queued| (queued.op.clone(), queued.sent))
            .collect();
        for (other, sent) in chained {
            if sent && !Fault::SentIsRewritten.is_planted() {
                self.reissue(other.id);
            }
            self.rebase(&other, base);
        }
    }

    pub(in crate::engine) fn retry(&mut self, id: OperationId) {
        let Some(queued) = self.outbox.get(id) else { return };
        if queued.is_parked() {
            self.reissue(id);
        } else if let Some(queued) = self.outbox.get_mut(id) {
            queued.op.next_try = None;
            self.net.next_try = None;
        }
    }
}
