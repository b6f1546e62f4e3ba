//! Contents that came in: all are kept, none is written over by whoever had not seen it, and nobody is
//! asked to choose without need.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use server::db::conflicts::ConflictRow;
use server::ops::push::{Answer, PreparedChange, PreparedContent, PreparedKind, Resolve};
use shared::sync::{Outcome, Resolution};
use shared::{ContentHash, ItemId, VersionId};

use super::commits::{Changed, kind};
use super::{Invariant, Oracle};
use crate::world::Counts;

impl Oracle {
    pub(super) fn contents_in(
        &mut self,
        changed: &Changed<'_>,
        fresh: &[(&PreparedChange, &Answer)],
        library: &BTreeMap<ContentHash, Bytes>,
        counts: &mut Counts,
    ) {
        let mut edits: BTreeMap<ItemId, Vec<(&PreparedChange, &PreparedContent, &Answer)>> = BTreeMap::new();
        for (change, answer) in fresh {
            let content = match kind(change) {
                Some(PreparedKind::Content(content)) => content,
                Some(PreparedKind::Create(_, content)) => {
                    self.content_kept(changed, change, content, answer, library);
                    continue;
                }
                _ => continue,
            };
            self.content_kept(changed, change, content, answer, library);
            let item = changed.after.resolve(change.file_id);
            edits.entry(item).or_default().push((change, content, answer));
        }
        for (item, edits) in edits {
            self.merges(changed, item, &edits, library, counts);
            if let [(_, content, answer)] = edits[..] {
                self.edit_judged(changed, item, content, answer);
                self.merge_holds_both(changed, item, content, answer, library);
            }
        }
        counts.conflicts +=
            fresh.iter().filter(|(_, answer)| matches!(answer, Answer::Conflict(_))).count() as u64;
    }

    /// An accepted content is with the item, whatever became of it.
    fn content_kept(
        &mut self,
        changed: &Changed<'_>,
        change: &PreparedChange,
        content: &PreparedContent,
        answer: &Answer,
        library: &BTreeMap<ContentHash, Bytes>,
    ) {
        if matches!(answer, Answer::Failed(_)) {
            return;
        }
        let form = self.form(content.hash);
        self.ever_held.insert(form);
        let item = changed.after.resolve(change.file_id);
        let purged = changed.after.items.get(&item).is_none_or(|row| row.purged_at.is_some());
        // What the same batch removes for good is nothing to be kept, also where the id comes again.
        if !purged {
            self.memory.inputs.insert(change.operation_id, (item, content.hash));
        }
        let held = changed
            .after
            .versions
            .values()
            .any(|version| version.item_id == item && self.form(version.content_hash) == form);
        self.check(Invariant::Durable, held || purged, || {
            format!("{} was accepted and its content is not with {item}", change.operation_id)
        });
        let bytes = changed.after.account.bytes(content.hash);
        if let (Some(bytes), Some(written)) = (bytes, library.get(&content.hash)) {
            self.check(Invariant::ContentAddress, bytes == *written, || {
                format!("the bytes of {} are not those that were sent", content.hash)
            });
        }
    }

    /// A content that nobody sent is a merge of what was there and what came in.
    fn merges(
        &mut self,
        changed: &Changed<'_>,
        item: ItemId,
        edits: &[(&PreparedChange, &PreparedContent, &Answer)],
        library: &BTreeMap<ContentHash, Bytes>,
        counts: &mut Counts,
    ) {
        for version in changed.new_versions.iter().filter(|version| version.item_id == item) {
            let form = self.form(version.content_hash);
            if self.edits.contains_key(&form) {
                // A merge that comes out as what somebody once wrote: it is there once more.
                if !edits.iter().any(|(_, content, _)| self.form(content.hash) == form) {
                    self.ambiguous.insert(form);
                }
                continue;
            }
            counts.merges += 1;
            if let [(_, content, _)] = edits {
                self.both_in_merge(changed, item, content.hash, version.content_hash, library);
            }
            let before = changed.before.items.get(&item).and_then(|row| row.content_hash);
            let inputs = edits.iter().map(|(_, content, _)| content.hash).chain(before);
            let inputs: Vec<ContentHash> = inputs.map(|content| self.form(content)).collect();
            if self.parents.contains_key(&form) {
                self.ambiguous.insert(form);
            }
            self.parents.entry(form).or_default().extend(inputs.into_iter().filter(|input| *input != form));
        }
    }

    /// Whatever the file holds after a merge, made anew or not, has both sides.
    fn merge_holds_both(
        &mut self,
        changed: &Changed<'_>,
        item: ItemId,
        content: &PreparedContent,
        answer: &Answer,
        library: &BTreeMap<ContentHash, Bytes>,
    ) {
        let Answer::Applied(applied) = answer else { return };
        let (Some(before), Some(after)) = (changed.before.items.get(&item), changed.after.items.get(&item))
        else {
            return;
        };
        let placed =
            (before.parent_id, &before.name, before.deleted) == (after.parent_id, &after.name, after.deleted);
        if applied.outcome == Outcome::Merged
            && placed
            && let Some(then) = after.content_hash
            && self.form(then) != self.form(content.hash)
        {
            self.both_in_merge(changed, item, content.hash, then, library);
        }
    }

    /// Whoever takes a proposal has what the file held and what the local side holds, as they are by then.
    fn proposal_holds_both(
        &mut self,
        changed: &Changed<'_>,
        conflict: &ConflictRow,
        library: &BTreeMap<ContentHash, Bytes>,
    ) {
        let local = changed.before.versions.get(&conflict.local_version_id);
        let then = changed.after.items.get(&conflict.item_id).and_then(|row| row.content_hash);
        if let (Some(local), Some(then)) = (local, then) {
            self.both_in_merge(changed, conflict.item_id, local.content_hash, then, library);
        }
    }

    /// What either side wrote anew stands in the merge.
    fn both_in_merge(
        &mut self,
        changed: &Changed<'_>,
        item: ItemId,
        new: ContentHash,
        merged: ContentHash,
        library: &BTreeMap<ContentHash, Bytes>,
    ) {
        let present = changed.before.items.get(&item).and_then(|row| row.content_hash);
        let text = |content: Option<ContentHash>| {
            let content = content?;
            let bytes = library.get(&content).cloned().or_else(|| changed.after.account.bytes(content))?;
            String::from_utf8(bytes.to_vec()).ok()
        };
        let form = self.form(new);
        let (Some(new), Some(present), Some(merged)) = (text(Some(new)), text(present), text(Some(merged)))
        else {
            return;
        };
        // Whatever the writer had before them, in any state of theirs; what of it is gone they took out.
        let before: Vec<String> =
            self.all_seen(form).into_iter().filter_map(|seen| text(Some(seen))).collect();
        let fresh = |line: &&str| !before.iter().any(|text| text.contains(line));
        // Of a content that was written more than once, nobody can tell what of it is new this time.
        let new = if self.ambiguous.contains(&form) { "" } else { &new };
        let missing = new.lines().chain(present.lines()).filter(fresh).find(|line| !merged.contains(line));
        let missing = missing.map(str::to_owned);
        self.check(Invariant::NoLostUpdate, missing.is_none(), || {
            format!("{item}: {missing:?} was written and is not in the merge")
        });
    }

    /// One edit of one file: what it may have done depends on what its writer had seen.
    fn edit_judged(
        &mut self,
        changed: &Changed<'_>,
        item: ItemId,
        content: &PreparedContent,
        answer: &Answer,
    ) {
        let (Some(before), Some(after)) = (changed.before.items.get(&item), changed.after.items.get(&item))
        else {
            return;
        };
        let (Some(present), Some(then)) = (before.content_hash, after.content_hash) else { return };
        let (new, present, then) = (self.form(content.hash), self.form(present), self.form(then));
        let conflicted = matches!(answer, Answer::Conflict(_));
        if new == present {
            self.check(Invariant::NoFalseConflict, !conflicted, || {
                format!("equal contents of {item} conflict")
            });
            return;
        }
        if matches!(answer, Answer::Failed(_)) || self.restored || self.ambiguous.contains(&new) {
            return;
        }
        let seen: Vec<ContentHash> = self.parents.get(&new).into_iter().flatten().copied().collect();
        let had_seen = match seen[..] {
            [seen] => self.had_seen(seen, present),
            _ => None,
        };
        let merged = matches!(answer, Answer::Applied(applied) if applied.outcome == Outcome::Merged);
        match had_seen {
            Some(true) if self.aged || self.clock_lied => {}
            Some(true) if conflicted && self.writer_pulled_anew(new) => {}
            Some(true) => {
                self.check(Invariant::NoFalseConflict, !conflicted, || {
                    format!("{item}: {new} was made on {present} and conflicts with it")
                });
                self.check(Invariant::NoLostUpdate, conflicted || then == new || merged, || {
                    format!("{item}: {new} was made on {present} and did not take its place")
                });
            }
            Some(false) => {
                self.check(Invariant::NoLostUpdate, then != new, || {
                    format!("{item}: {new} was written over {present}, which its writer had not seen")
                });
                let kept = changed.after.versions.values().any(|v| self.form(v.content_hash) == present);
                self.check(Invariant::NoLostUpdate, kept, || format!("{item}: {present} is gone"));
            }
            None => {}
        }
    }

    /// What a file holds changes by what somebody wrote into it, not by what came in beside it.
    pub(super) fn contents_asked(&mut self, changed: &Changed<'_>, fresh: &[(&PreparedChange, &Answer)]) {
        let edited: BTreeSet<ItemId> = fresh
            .iter()
            .filter(|(change, _)| matches!(kind(change), Some(PreparedKind::Content(_))))
            .map(|(change, _)| changed.after.resolve(change.file_id))
            .collect();
        for (old, row) in &changed.items {
            let same = old.is_none_or(|old| old.content_hash == row.content_hash) || row.purged_at.is_some();
            self.check(Invariant::NoLostUpdate, same || edited.contains(&row.id), || {
                format!("{} holds something else, and nobody wrote into it", row.id)
            });
        }
    }

    /// An earlier content is the present one again, by somebody who saw what was there.
    pub(super) fn version_restored(
        &mut self,
        changed: &Changed<'_>,
        (item, version): (ItemId, VersionId),
        accepted: bool,
    ) {
        if !accepted {
            return;
        }
        let form = |content: Option<ContentHash>| content.map(|content| self.form(content));
        let content = |database: &crate::database::Database| {
            form(database.items.get(&item).and_then(|row| row.content_hash))
        };
        let chosen = form(changed.before.versions.get(&version).map(|version| version.content_hash));
        let (before, after) = (content(changed.before), content(changed.after));
        self.check(Invariant::NoLostUpdate, after == chosen, || {
            format!("{item}: {chosen:?} was to be there again, and {after:?} is")
        });
        let lives = changed.after.is_live(item);
        self.check(Invariant::NoLostUpdate, lives, || format!("{item} was restored and is not there"));
        if let (Some(before), Some(after)) = (before, after)
            && before != after
        {
            // It is there once more: whoever had seen it may not have seen what came in between.
            self.ambiguous.insert(after);
            self.parents.entry(after).or_default().insert(before);
        }
    }

    fn writer_pulled_anew(&self, content: ContentHash) -> bool {
        self.edits.get(&content).is_some_and(|edit| self.pulled_anew.contains(&edit.client))
    }

    /// A person chose: the sides of the conflict are seen by whoever sees the outcome.
    pub(super) fn resolved(
        &mut self,
        changed: &Changed<'_>,
        resolve: &Resolve,
        accepted: bool,
        library: &BTreeMap<ContentHash, Bytes>,
    ) {
        let Some(conflict) = changed.before.conflicts.get(&resolve.conflict_id) else { return };
        if !accepted || conflict.resolved_at.is_some() {
            return;
        }
        let (before, after) = (changed.before, changed.after);
        let side =
            before.versions.get(&conflict.local_version_id).map(|version| self.form(version.content_hash));
        let content = |database: &crate::database::Database| {
            database.items.get(&conflict.item_id).and_then(|row| row.content_hash)
        };
        let (present, then) = (content(before).map(|c| self.form(c)), content(after).map(|c| self.form(c)));
        let (Some(side), Some(present), Some(then)) = (side, present, then) else { return };
        let right = match resolve.resolution {
            Resolution::Local => then == side,
            Resolution::Server | Resolution::Both => then == present,
            Resolution::Proposal => {
                self.proposal_holds_both(changed, conflict, library);
                true
            }
        };
        self.check(Invariant::NoLostUpdate, right, || {
            format!("{:?} was chosen, {then} is there", resolve.resolution)
        });
        // It is there once more: whoever had seen it may not have seen what came in between.
        if then != present && self.all_seen(present).contains(&then) {
            self.ambiguous.insert(then);
        }
        for seen in [side, present] {
            if seen != then {
                self.parents.entry(then).or_default().insert(seen);
            }
        }
        if resolve.resolution == Resolution::Both {
            let beside = changed.items.iter().any(|(old, row)| {
                old.is_none() && row.content_hash.is_some_and(|content| self.form(content) == side)
            });
            self.check(Invariant::NoLostUpdate, beside, || "both were chosen, one is there".into());
        }
    }
}
