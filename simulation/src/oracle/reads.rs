//! Whoever reads is told everything that was written: what the server acknowledged, and what others wrote.

use std::collections::BTreeMap;

use shared::ItemId;
use shared::item::ItemState;
use shared::sync::{PullResponse, PushResponse};

use super::commits::{Changed, visible};
use super::{Invariant, Oracle};
use crate::database::Database;
use crate::server::Reply;

/// Writes, in their order.
type Moment = u64;

/// What whoever holds a token was told.
#[derive(Clone, Default)]
struct Told {
    /// Everything that was written until then …
    until: Moment,
    /// … if it lives, for whoever began with nothing; as long as there are more pages.
    only_living: bool,
    /// And these, as they were at some moment later.
    items: BTreeMap<ItemId, Moment>,
}

#[derive(Default)]
pub(super) struct Reads {
    now: Moment,
    /// What was written, in order; an item stands here each time.
    log: Vec<(Moment, ItemId)>,
    written: BTreeMap<ItemId, Moment>,
    /// What the writer was told to be written.
    acknowledged: BTreeMap<ItemId, Moment>,
    tokens: BTreeMap<String, Told>,
}

impl Oracle {
    pub(super) fn note_changes(&mut self, changed: &Changed<'_>) {
        let reads = &mut self.reads;
        reads.now += 1;
        for (old, row) in &changed.items {
            if old.is_none_or(|old| old.feed != row.feed || visible(old) != visible(row)) {
                reads.log.push((reads.now, row.id));
                reads.written.insert(row.id, reads.now);
            }
        }
    }

    /// A device hears that this was written.
    pub(super) fn note_acknowledged(&mut self, reply: &Reply) {
        let ids: Vec<ItemId> = match reply {
            Reply::Pushed(response) => response.applied.iter().map(|applied| applied.item.id()).collect(),
            Reply::UploadCompleted(completed) => vec![completed.applied.item.id()],
            _ => return,
        };
        for id in ids {
            self.reads.acknowledged.insert(id, self.reads.now);
        }
    }

    /// A push was answered with a token that may be further on.
    pub fn pushed(&mut self, last: Option<&str>, response: &PushResponse) {
        let token = response.sync_token.as_deref().filter(|token| Some(*token) != last);
        let (Some(last), Some(token)) = (last, token) else { return };
        let Some(told) = self.reads.tokens.get(last) else { return };
        let mut told = told.clone();
        told.items.extend(response.applied.iter().map(|applied| (applied.item.id(), self.reads.now)));
        self.reads.tokens.insert(token.to_owned(), told);
    }

    /// A pull was answered: with its last page everything is told that the token does not stand for.
    pub fn pulled(&mut self, since: Option<&str>, page: &PullResponse, database: &Database) {
        let now = self.reads.now;
        let told = match since {
            None => Some(Told { until: now, only_living: true, ..Told::default() }),
            Some(token) => self.reads.tokens.get(token).cloned(),
        };
        let Some(mut told) = told else { return };
        for state in &page.changes {
            told.items.insert(state.id(), now);
            let stale = differs(state, database);
            self.check(Invariant::ReadYourWrites, !stale, || format!("a pull tells of {state:?}"));
        }
        if page.has_more {
            self.reads.tokens.insert(page.sync_token.clone(), told);
            return;
        }
        let later = self.reads.log.iter().rev().take_while(|(at, _)| *at > told.until).map(|(_, id)| *id);
        let living = database.items.keys().copied().filter(|id| told.only_living && database.is_live(*id));
        // What is forgotten altogether matters to whoever knows it.
        let known = |id: &ItemId| {
            let mut earlier = self.reads.log.iter().take_while(|(at, _)| *at <= told.until);
            database.items.contains_key(id) || earlier.any(|(_, known)| known == id)
        };
        let untold = |id: &ItemId| {
            let written = self.reads.written.get(id).copied().unwrap_or(0);
            told.items.get(id).is_none_or(|at| *at < written) && known(id)
        };
        let missed: Option<ItemId> = later.chain(living).find(untold);
        if let Some(id) = missed {
            let own = self.reads.acknowledged.get(&id).is_some_and(|at| *at >= told.until);
            let invariant = if own { Invariant::ReadYourWrites } else { Invariant::NoGap };
            self.fail(invariant, || format!("a pull does not tell of {id}"));
        }
        let told = Told { until: now, ..Told::default() };
        self.reads.tokens.insert(page.sync_token.clone(), told);
    }
}

/// Whether it is not as it stands in the database.
fn differs(state: &ItemState, database: &Database) -> bool {
    let Some(row) = database.items.get(&state.id()) else { return true };
    match state {
        ItemState::Purged(_) => row.purged_at.is_none(),
        ItemState::Present(item) => {
            let told = (item.parent_id, item.name.as_str(), item.content_hash, &item.version);
            let kept = (row.parent_id, row.name.as_str(), row.content_hash, &row.vector);
            told != kept || item.is_deleted == database.is_live(row.id)
        }
    }
}
