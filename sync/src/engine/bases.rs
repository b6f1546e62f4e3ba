//! What an edit is made on (contract, "Two edits in one outbox").

use shared::sync::Base;
use shared::{ItemId, VersionVector};

use super::Engine;
use crate::outbox::{Queued, Sort};

impl Engine {
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

    /// The operations on which the item is shown as it is, the latest first. A creation that the server has
    /// taken in, though its answer is still to come, is in what the server told.
    fn in_effect(&self, item: ItemId) -> impl Iterator<Item = &Queued> {
        let is_there = self.tree.remote(item).is_some();
        let in_effect =
            move |queued: &&Queued| queued.takes_effect() && !(is_there && queued.op.act.is_create());
        self.outbox.of_item(item).rev().filter(in_effect)
    }

    /// The version that the first of an operation's chain was made on, answered ones included. Of what was
    /// answered before the program was started nobody can tell.
    pub(super) fn chain_root<'a>(&'a self, queued: &'a Queued) -> Option<&'a VersionVector> {
        let first = &self.outbox.chain(queued).last()?.op.base;
        let answered = || self.roots.get(&first.base_operation_id?);
        first.base_version.as_ref().or_else(answered)
    }

    /// The last operation of the item that is shown and decides this sort: what a further edit is made on.
    pub(super) fn last_of_sort(&self, item: ItemId, sort: Sort) -> Option<&Queued> {
        self.in_effect(item).find(|queued| queued.op.act.touches(sort))
    }
}
