//! Waiting for space. While the account is full, contents wait together, and one of them is sent now and then
//! to find out whether there is room again: not each of them, with its bytes, again and again.

use shared::{ErrorCode, OperationId, Timestamp};

use super::Engine;
use super::network::backoff_max;
use crate::outbox::Queued;
use crate::store::Content;

/// What is known of the room that the server has.
#[derive(Clone, Debug, Default)]
pub(super) struct Space {
    full: Option<Full>,
}

#[derive(Clone, Debug)]
struct Full {
    code: ErrorCode,
    /// The smallest content that found no room, in bytes: smaller ones may still fit.
    refused_bytes: u64,
    failures: u32,
    next_try: Option<Timestamp>,
    /// The content that goes first.
    probe: Option<OperationId>,
}

/// Whether the server has no room for a content.
pub(super) fn is_lack_of_space(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::QuotaExceeded | ErrorCode::StorageFull)
}

/// Whether no refusal keeps it here.
fn goes_on(queued: &Queued) -> bool {
    !queued.is_parked() && !queued.blocked
}

impl Space {
    /// Why a content waits for room; None where it does not.
    pub(super) fn holds(&self, queued: &Queued) -> Option<ErrorCode> {
        let (full, content) = (self.full.as_ref()?, queued.op.act.content()?);
        let is_held = content.size() >= full.refused_bytes && full.probe != Some(queued.op.id);
        is_held.then_some(full.code)
    }

    pub(super) fn is_full(&self) -> bool {
        self.full.is_some()
    }

    pub(super) fn next_try(&self) -> Option<Timestamp> {
        self.full.as_ref()?.next_try
    }

    /// Room may have been made: the next try is due at once.
    pub(super) fn may_have_changed(&mut self) {
        if let Some(full) = &mut self.full {
            full.next_try = None;
        }
    }
}

impl Engine {
    pub(super) fn no_space_for(&mut self, id: OperationId, code: ErrorCode) {
        let Some(queued) = self.outbox.get_mut(id) else { return };
        queued.in_flight = false;
        queued.op.attempts += 1;
        queued.op.next_try = None;
        queued.problem = Some(code);
        let (item, bytes) = (queued.op.item_id, queued.op.act.content().map_or(0, Content::size));
        self.touch_operation(id);
        self.note_status(item);
        let before = self.space.full.take();
        let is_news = before.as_ref().is_none_or(|full| full.probe == Some(id));
        let failures = before.as_ref().map_or(0, |full| full.failures) + u32::from(is_news);
        let next_try = match &before {
            Some(full) if !is_news => full.next_try,
            _ => Some(self.now + self.chance.jittered(backoff_max(failures))),
        };
        let refused_bytes = before.as_ref().map_or(bytes, |full| full.refused_bytes.min(bytes));
        let probe = before.and_then(|full| full.probe).filter(|probe| *probe != id);
        self.space.full = Some(Full { code, refused_bytes, failures, next_try, probe });
    }

    /// A content found room.
    pub(super) fn space_for(&mut self, id: OperationId) {
        if self.space.full.as_ref().is_some_and(|full| full.probe == Some(id)) {
            self.space.full = None;
        }
    }

    /// Sends the smallest content that waits for room ahead, when the time has come.
    pub(super) fn probe_space(&mut self) {
        let Some(full) = &self.space.full else { return };
        let waits = |queued: &&Queued| {
            let bytes = queued.op.act.content().map(Content::size);
            goes_on(queued) && bytes.is_some_and(|bytes| bytes >= full.refused_bytes)
        };
        // A later content of a file waits for the earlier one.
        let is_first = |queued: &&Queued| {
            let of_item = self.outbox.of_item(self.resolve(queued.op.item_id));
            of_item.filter(waits).map(|first| first.op.id).next() == Some(queued.op.id)
        };
        let waiting = self.outbox.iter().filter(waits).filter(is_first);
        let Some(smallest) = waiting.min_by_key(|queued| queued.op.act.content().map(Content::size)) else {
            self.space.full = None;
            self.tree.changes.queue = true;
            return;
        };
        let smallest = smallest.op.id;
        // One that turned out to wait for an earlier content, itself too large by now, would hold up all.
        let probe = full.probe.and_then(|probe| self.outbox.get(probe));
        let has_probe = probe.is_some_and(|probe| goes_on(probe) && is_first(&probe));
        let is_due = self.is_due(full.next_try);
        if let Some(full) = self.space.full.as_mut().filter(|_| !has_probe) {
            full.probe = is_due.then_some(smallest);
        }
    }
}
