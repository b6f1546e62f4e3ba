//! What the server tells: pages of present states, until the tree is whole.

use std::collections::{BTreeMap, BTreeSet};

use shared::item::ItemState;
use shared::sync::{PullResponse, TokenExpiry, TrashPage, ZoneInfo, ZoneState};
use shared::{ErrorCode, ItemId, Problem, ZoneId};

use super::answers::Refusal;
use super::network::{POLL_INTERVAL, Purpose};
use super::{Engine, Notice};
use crate::event::{CallError, CallId};
use crate::store::Operation;

/// Where a pull stands between two pages.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Page {
    pub(super) since: Option<String>,
    /// In a pull from the beginning that replaces what is here: what the server still has.
    pub(super) seen: Option<BTreeSet<ItemId>>,
    /// Where it came to its end, while the server is asked once more about the token that was too old.
    end: Option<String>,
}

impl Engine {
    /// The position that the next page starts from.
    pub(super) fn begin_page(&mut self) -> Option<String> {
        let resync = self.meta.resync.is_some();
        let token = &self.meta.sync_token;
        let page = self.net.page.get_or_insert_with(|| Page {
            since: if resync { None } else { token.clone() },
            seen: resync.then(BTreeSet::new),
            end: None,
        });
        page.since.clone()
    }

    pub(super) fn pull_answered(&mut self, call: CallId, result: Result<PullResponse, CallError>) {
        let Some(Purpose::Pull) = self.answered(call) else { return };
        let ended = self.net.page.as_ref().is_some_and(|page| page.end.is_some());
        match result {
            Ok(_) if ended => self.end_unrestored(),
            Ok(response) => self.take_page(response),
            Err(error) => match self.call_failed(error) {
                None => self.net.pull_wanted = true,
                Some(problem) if ended && expiry(&problem) == TokenExpiry::Expired => self.end_unrestored(),
                Some(problem)
                    if matches!(problem.code, ErrorCode::SyncTokenExpired | ErrorCode::InvalidSyncToken) =>
                {
                    self.token_refused(&problem);
                }
                // There is nothing to put right from here: ask again, slowly.
                Some(_) => {
                    self.want_pull();
                    self.back_off(POLL_INTERVAL);
                }
            },
        }
    }

    /// The token no longer counts: everything is pulled anew.
    pub(super) fn token_refused(&mut self, problem: &Problem) {
        if self.meta.resync != Some(TokenExpiry::Epoch) {
            self.meta.resync = Some(expiry(problem));
        }
        if self.meta.resync == Some(TokenExpiry::Epoch) {
            self.meta.sync_token = None;
        }
        self.meta.seen_token = None;
        self.meta.trash_known = false;
        self.net.absent_settled = false;
        self.net.trash_cursor = None;
        if self.net.page.take().is_some_and(|page| page.seen.is_some() && page.end.is_none()) {
            // Not even its own page counts: no haste.
            self.back_off(POLL_INTERVAL);
        }
        self.want_pull();
        self.lost.clear();
        self.purged.clear();
        self.disk.draft.meta = true;
    }

    fn take_page(&mut self, response: PullResponse) {
        let Some(mut page) = self.net.page.take() else { return };
        if response.has_more
            && response.changes.is_empty()
            && page.since.as_ref() == Some(&response.sync_token)
        {
            self.back_off(POLL_INTERVAL);
            self.want_pull();
            return;
        }
        self.call_succeeded();
        if !response.zones.iter().any(|zone| zone.root_id == self.meta.root_id) {
            // Every page names the person's own zones: this one is another account's.
            self.want_pull();
            self.sign_in_needed();
            return;
        }
        self.take_zones(response.zones);
        let afresh = page.seen.is_some();
        for state in response.changes {
            if let Some(seen) = &mut page.seen {
                seen.insert(state.id());
            }
            match state {
                // The counts of a server that may have been restored say nothing about the order of states.
                ItemState::Present(item) if afresh || !self.tree.is_stale(&item) => {
                    self.purged.remove(&item.id);
                    self.put_remote(item);
                }
                ItemState::Present(_) => {}
                ItemState::Purged(tombstone) => self.set_purged(tombstone.id),
            }
        }
        if !afresh && self.meta.sync_token.as_ref() != Some(&response.sync_token) {
            self.meta.sync_token = Some(response.sync_token.clone());
            self.disk.draft.meta = true;
        }
        page.since = Some(response.sync_token);
        if response.has_more && !shared::faults::Fault::PullStopsEarly.is_planted() {
            self.net.behind = true;
            self.net.page = Some(page);
        } else if let Some(expired) = self.meta.sync_token.clone().filter(|_| afresh) {
            // The server may have been restored after it refused the token for its age: asked again, it says so.
            page.end = page.since.replace(expired);
            self.net.behind = true;
            self.net.page = Some(page);
        } else {
            self.end_pull(page);
        }
    }

    /// The pull from the beginning was of the server that this device knew.
    fn end_unrestored(&mut self) {
        let Some(mut page) = self.net.page.take() else { return };
        self.call_succeeded();
        page.since = page.end.take();
        self.end_pull(page);
    }

    fn end_pull(&mut self, page: Page) {
        if let (Some(seen), Some(reason)) = (page.seen, self.meta.resync) {
            self.end_resync(seen, reason, page.since);
        }
        if !self.meta.complete {
            self.meta.complete = true;
            self.disk.draft.meta = true;
        }
        if self.meta.trash_known && !self.net.absent_settled {
            self.net.absent_settled = true;
            self.forget_the_gone();
        }
        if self.meta.seen_token != self.meta.sync_token {
            self.meta.seen_token.clone_from(&self.meta.sync_token);
            self.disk.draft.meta = true;
        }
        self.meta.last_synced_at = Some(self.now);
        self.net.behind = self.net.pull_wanted;
        self.net.poll_at = None;
    }

    /// The zones of the person. One that was taken away goes as a whole: nothing in it was deleted.
    fn take_zones(&mut self, zones: Vec<ZoneInfo>) {
        let mut known: BTreeMap<ZoneId, ZoneInfo> =
            self.meta.zones.iter().map(|zone| (zone.zone_id, zone.clone())).collect();
        for zone in zones {
            let before = known.insert(zone.zone_id, zone.clone());
            if before.as_ref() == Some(&zone) {
                continue;
            }
            self.disk.draft.meta = true;
            if zone.state == ZoneState::Active {
                self.tree.set_root(zone.root_id, zone.zone_id);
                self.tree.changes.everything = true;
                self.refold_all();
            } else if before.is_some_and(|before| before.state == ZoneState::Active) {
                self.remove_zone(&zone);
            }
        }
        if self.disk.draft.meta {
            self.meta.zones = known.into_values().collect();
        }
    }

    fn remove_zone(&mut self, zone: &ZoneInfo) {
        let inside = |engine: &Self, item: ItemId| {
            let node = engine.tree.local(item).or_else(|| engine.tree.remote(item));
            node.is_some_and(|node| engine.tree.zone_of(node) == zone.zone_id)
        };
        let orphaned: Vec<Operation> = self
            .outbox
            .iter()
            .filter(|queued| !queued.is_parked() && inside(self, self.resolve(queued.op.item_id)))
            .map(|queued| queued.op.clone())
            .collect();
        for op in orphaned {
            let item = self.resolve(op.item_id);
            self.park(&op, item, Refusal { code: ErrorCode::Gone, message: String::new(), retryable: false });
        }
        let items: Vec<ItemId> = self.tree.remote_ids().filter(|id| inside(self, *id)).collect();
        for id in items {
            self.set_remote_gone(id);
        }
        self.tree.remove_root(zone.root_id);
        self.tree.changes.everything = true;
        self.notify(Notice::ZoneRemoved);
    }

    /// What lay in purged folders goes with them, once all that the server has to tell is in: of a folder that
    /// was moved out in time the feed tells, not of what is in it.
    pub(super) fn sweep_purged(&mut self) {
        let told = !self.net.behind && self.net.page.is_none() && self.meta.resync.is_none();
        if self.unswept.is_empty() || !told {
            return;
        }
        let mut below: BTreeMap<ItemId, Vec<ItemId>> = BTreeMap::new();
        for id in self.tree.remote_ids() {
            if let Some(node) = self.tree.remote(id).filter(|node| node.deleted_at.is_none()) {
                below.entry(node.parent).or_default().push(id);
            }
        }
        let mut folders: Vec<ItemId> = std::mem::take(&mut self.unswept).into_iter().collect();
        // An answer may have told of what is in a folder before the feed told of that.
        folders.retain(|folder| self.tree.remote(*folder).is_none());
        while let Some(folder) = folders.pop() {
            for id in below.remove(&folder).unwrap_or_default() {
                self.set_remote_gone(id);
                folders.push(id);
            }
        }
    }

    pub(super) fn trash_answered(&mut self, call: CallId, result: Result<TrashPage, CallError>) {
        let Some(Purpose::Trash) = self.answered(call) else { return };
        match result {
            Ok(page) => {
                self.call_succeeded();
                for item in page.items {
                    self.take_state(ItemState::Present(item));
                }
                self.net.trash_cursor = page.next_cursor;
                if self.net.trash_cursor.is_none() {
                    self.meta.trash_known = true;
                    self.disk.draft.meta = true;
                    // Something may have left the trash before it was asked for.
                    self.want_pull();
                }
            }
            Err(error) => {
                if self.call_failed(error).is_some() {
                    // The cursor may be too old: from the beginning, later.
                    self.net.trash_cursor = None;
                    self.back_off(POLL_INTERVAL);
                }
            }
        }
    }
}

fn expiry(problem: &Problem) -> TokenExpiry {
    let reason = problem.more.get("reason").and_then(|reason| serde_json::from_value(reason.clone()).ok());
    match (problem.code, reason) {
        (ErrorCode::SyncTokenExpired, Some(TokenExpiry::Expired)) => TokenExpiry::Expired,
        // A token that this server never made: nothing here may be taken for its word.
        _ => TokenExpiry::Epoch,
    }
}
