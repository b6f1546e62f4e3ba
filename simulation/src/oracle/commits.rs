//! What must hold of every write: each is looked at as a step from one database to the next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use server::db::items::{Deletion, ItemRow};
use server::db::versions::VersionRow;
use server::ops::push::{Act, Answer, PreparedChange, PreparedKind};
use shared::limits::{
    CHUNK_LEASE, OPERATION_RETENTION, TOMBSTONE_RETENTION, TRASH_RETENTION, VERSION_RETENTION,
    VERSION_VECTOR_ENTRIES_MAX, VERSIONS_KEPT_MIN,
};
use shared::{ChunkRef, ContentHash, ItemId, OperationId, Timestamp};

use super::{Answered, Invariant, Oracle};
use crate::database::Database;
use crate::server::{Cause, Commit, operation_of};
use crate::world::Counts;

/// Changes of a batch of which it can be told from both sides what each did.
const TELLING_CHANGES_MAX: usize = 3;

/// Rows that are not the same on both sides of a write.
pub(super) struct Changed<'a> {
    pub before: &'a Database,
    pub after: &'a Database,
    pub items: Vec<(Option<&'a ItemRow>, &'a ItemRow)>,
    pub new_versions: Vec<&'a VersionRow>,
    pub lost_versions: Vec<&'a VersionRow>,
}

impl<'a> Changed<'a> {
    fn new(before: &'a Database, after: &'a Database) -> Self {
        let items = after.items.iter().filter_map(|(id, row)| match before.items.get(id) {
            Some(old) if Arc::ptr_eq(old, row) => None,
            old => Some((old.map(|old| &**old), &**row)),
        });
        let new = after.versions.iter().filter(|(id, _)| !before.versions.contains_key(id));
        let lost = before.versions.iter().filter(|(id, _)| !after.versions.contains_key(id));
        Self {
            before,
            after,
            items: items.collect(),
            new_versions: new.map(|(_, row)| &**row).collect(),
            lost_versions: lost.map(|(_, row)| &**row).collect(),
        }
    }

    fn became_purged(&self, id: ItemId) -> bool {
        let purged = |database: &Database| database.items.get(&id).is_some_and(|row| row.purged_at.is_some());
        purged(self.after) && !purged(self.before)
    }
}

impl Oracle {
    pub fn committed(
        &mut self,
        commit: &Commit,
        now: Timestamp,
        library: &BTreeMap<ContentHash, Bytes>,
        counts: &mut Counts,
    ) {
        if self.violation.is_some() {
            return;
        }
        self.look_at_clock(now);
        let changed = Changed::new(&commit.before, &commit.after);
        self.note_changes(&changed);
        self.nothing_vanishes(&changed, &commit.cause);
        self.feed_tells(&changed, commit.is_joined);
        self.vectors(&changed);
        self.quota(&changed);
        self.remember_times(&changed, now);
        self.remember_promises(&changed, now);
        match &commit.cause {
            Cause::Push { device, changes, answers } => {
                self.answers_stand(&changed, changes, answers);
                let fresh: Vec<(&PreparedChange, &Answer)> = fresh(&changed, changes, answers);
                let client = self.devices.get(device).copied();
                self.refusals(&changed, &fresh, answers, now);
                self.accepted_lives(&changed, &fresh);
                self.contents_in(&changed, &fresh, library, counts);
                self.contents_asked(&changed, &fresh);
                self.equal_photos_are_one(&changed, &fresh);
                self.said_of_photos(&changed, &fresh);
                self.deaths(&changed, client, *device, &fresh);
                self.forget_judged_deletes(client, &fresh);
                self.remember_risen(&changed, client);
                // In a long batch, things pass through places that neither side of it shows.
                if fresh.len() <= TELLING_CHANGES_MAX {
                    let named = folders_named(&fresh, &commit.after);
                    let meant = (&targets(&fresh, &commit.after), &named);
                    self.revivals(&changed, meant, &may_come_along(&fresh, &changed));
                }
                self.pieces_restored(&changed, &fresh);
                self.purges_asked(&changed, &fresh);
                self.first_move_stands(&changed, client, *device, &fresh);
            }
            Cause::Single { ask, accepted, .. } => {
                let item = match &ask.act {
                    Act::Resolve(resolve) => {
                        self.resolved(&changed, resolve, *accepted, library);
                        changed.before.conflicts.get(&resolve.conflict_id).map(|row| row.item_id)
                    }
                    Act::RestoreVersion { item_id, version_id } => {
                        let is_fresh = !changed.before.operations.contains_key(&ask.operation_id);
                        self.version_restored(&changed, (*item_id, *version_id), *accepted && is_fresh);
                        Some(*item_id)
                    }
                };
                let copies = changed.items.iter().filter(|(old, _)| old.is_none()).map(|(_, row)| row.id);
                let targets: BTreeSet<ItemId> = item.into_iter().chain(copies).collect();
                self.revivals(&changed, (&targets, &BTreeSet::new()), &BTreeSet::new());
            }
            Cause::Staging => {
                let same = changed.items.is_empty() && changed.lost_versions.is_empty();
                self.check(Invariant::Atomicity, same, || "staging a chunk changed items".into());
            }
            Cause::Jobs => self.nothing_early(&changed, now),
        }
        self.photos_as_said(&changed);
    }

    /// Rows go for a reason only; what a version holds never changes.
    fn nothing_vanishes(&mut self, changed: &Changed<'_>, cause: &Cause) {
        let jobs = matches!(cause, Cause::Jobs);
        for (id, row) in &changed.before.items {
            if !changed.after.items.contains_key(id) {
                let fine = jobs && row.purged_at.is_some();
                self.check(Invariant::Durable, fine, || format!("item {id} vanished"));
            }
        }
        for row in &changed.lost_versions {
            let fine = jobs || changed.became_purged(row.item_id);
            self.check(Invariant::Durable, fine, || {
                format!("the content {} of {} vanished", row.content_hash, row.item_id)
            });
        }
        for (id, row) in &changed.before.versions {
            let Some(now) = changed.after.versions.get(id).filter(|now| !Arc::ptr_eq(now, row)) else {
                continue;
            };
            let same = (row.item_id, row.content_hash, row.dot) == (now.item_id, now.content_hash, now.dot);
            self.check(Invariant::Durable, same, || format!("version {id} became another"));
        }
        for (old, row) in &changed.items {
            let kind = old.is_none_or(|old| old.kind == row.kind);
            self.check(Invariant::TreeShape, kind, || format!("{} became another kind", row.id));
            let Some(content) = row.content_hash else { continue };
            let version = row.version_id.and_then(|id| changed.after.versions.get(&id));
            let held =
                version.is_some_and(|version| version.content_hash == content && version.item_id == row.id);
            self.check(Invariant::Durable, held, || format!("no version holds the content of {}", row.id));
        }
        for (id, row) in &changed.before.operations {
            let Some(now) = changed.after.operations.get(id) else {
                self.fail(Invariant::Idempotence, || format!("the answer to {id} vanished"));
                return;
            };
            let kept = Arc::ptr_eq(now, row) || now.kept == row.kept || jobs && now.kept.is_none();
            self.check(Invariant::Idempotence, kept, || format!("{id} was answered anew"));
        }
    }

    /// Whatever a device could see of an item enters the feed when it changes, once and in order.
    fn feed_tells(&mut self, changed: &Changed<'_>, is_joined: bool) {
        let (before, after) = (changed.before, changed.after);
        let mut taken = BTreeSet::new();
        for (old, row) in &changed.items {
            if old.is_some_and(|old| old.feed == row.feed) {
                let same = old.is_some_and(|old| visible(old) == visible(row));
                self.check(Invariant::Atomicity, same, || {
                    format!("{} changed and no entry tells of it", row.id)
                });
                continue;
            }
            let (from, to) = (before.zone_of(row).counter, after.zone_of(row).counter);
            let fresh = row.feed > from && row.feed <= to && taken.insert((after.zone_of(row).id, row.feed));
            self.check(Invariant::Atomicity, fresh, || {
                format!("{} took the position {} of {from}..{to}", row.id, row.feed)
            });
        }
        self.risen_are_told(changed);
        for (before, after) in before.zones().into_iter().zip(after.zones()) {
            let forward = after.counter >= before.counter;
            self.check(Invariant::Atomicity, forward, || "the feed went back".into());
            let entries = taken.iter().filter(|(zone, _)| *zone == after.id).count() as u64;
            // Of several writes a later one may take an item further on.
            let positions = after.counter - before.counter.min(after.counter);
            let all = entries == positions || is_joined && entries < positions;
            self.check(Invariant::Atomicity, all, || "a position of the feed has no entry".into());
        }
    }

    /// What becomes alive again enters the feed with all that lives again in it.
    fn risen_are_told(&mut self, changed: &Changed<'_>) {
        let (before, after) = (changed.before, changed.after);
        let moved = |(old, row): &(Option<&ItemRow>, &ItemRow)| {
            old.is_some_and(|old| old.holds_name() != row.holds_name() || old.parent_id != row.parent_id)
        };
        if !changed.items.iter().any(moved) {
            return;
        }
        for row in after.items.values().filter(|row| row.feed <= before.zone_of(row).counter) {
            let rose = before.items.contains_key(&row.id) && !before.is_live(row.id) && after.is_live(row.id);
            self.check(Invariant::NoGap, !rose, || {
                format!("{} lives again and no entry tells of it", row.id)
            });
        }
    }

    fn remember_risen(&mut self, changed: &Changed<'_>, client: Option<usize>) {
        let Some(client) = client else { return };
        for (_, row) in changed.items.iter().filter(|(old, _)| old.is_some()) {
            if !changed.before.is_live(row.id) && changed.after.is_live(row.id) {
                self.risen.insert(row.id, (client, row.content_hash));
            }
        }
    }

    fn vectors(&mut self, changed: &Changed<'_>) {
        for (old, row) in &changed.items {
            let last = old.map_or(0, |old| old.last_count);
            self.check(Invariant::Vectors, row.last_count >= last, || {
                format!("the count of {} fell", row.id)
            });
            let dots = row.content_dot.count.max(row.place_dot.count) <= row.last_count
                && row.vector.iter().all(|dot| dot.count <= row.last_count);
            self.check(Invariant::Vectors, dots, || format!("{} has a dot that was never issued", row.id));
            let covered = row.vector.covers(row.content_dot) && row.vector.covers(row.place_dot);
            self.check(Invariant::Vectors, covered, || {
                format!("the vector of {} misses its own dot", row.id)
            });
            let bounded = row.vector.len() <= VERSION_VECTOR_ENTRIES_MAX;
            self.check(Invariant::Vectors, bounded, || {
                format!("{} has {} entries", row.id, row.vector.len())
            });
        }
        for version in &changed.new_versions {
            let other = self.memory.dots.insert((version.item_id, version.dot), version.content_hash);
            self.check(Invariant::Vectors, other.is_none(), || {
                format!("two contents of {} share {:?}", version.item_id, version.dot)
            });
        }
    }

    fn quota(&mut self, changed: &Changed<'_>) {
        let (before, after) = (&changed.before.account, &changed.after.account);
        let within = after.used_bytes <= before.used_bytes || after.used_bytes <= after.quota_bytes;
        self.check(Invariant::Quota, within, || {
            format!("{} bytes are used of {}", after.used_bytes, after.quota_bytes)
        });
    }

    fn remember_times(&mut self, changed: &Changed<'_>, now: Timestamp) {
        for (old, row) in &changed.items {
            let deleted = old.and_then(|old| old.deleted);
            // What goes into the trash in pieces later went with the same delete.
            if let Some(delete) = row.deleted.filter(|delete| Some(*delete) != deleted) {
                self.memory.deleted.entry(delete.by).or_insert(now);
            }
            if changed.became_purged(row.id) {
                self.memory.purged.insert(row.id, now);
                // The id may come again, for another file.
                self.memory.inputs.retain(|_, (item, _)| *item != row.id);
                self.memory.acknowledged.retain(|_, (item, _)| *item != row.id);
            }
        }
        for (id, row) in &changed.after.versions {
            let earlier = changed.before.versions.get(id).and_then(|row| row.superseded_at);
            if row.superseded_at.is_some() && row.superseded_at != earlier {
                self.memory.superseded.insert(*id, now);
            }
        }
        for id in changed.after.operations.keys().filter(|id| !changed.before.operations.contains_key(id)) {
            self.memory.recorded.insert(*id, now);
        }
    }

    /// The same operation is answered the same, and has its effect once.
    fn answers_stand(&mut self, changed: &Changed<'_>, changes: &[PreparedChange], answers: &[Answer]) {
        let known =
            |id: &OperationId| changed.before.operations.get(id).is_some_and(|row| row.kept.is_some());
        for answer in answers {
            let (id, answered) = match answer {
                Answer::Applied(applied) => {
                    (applied.operation_id, Answered::Applied(applied.file_id, applied.outcome))
                }
                Answer::Conflict(conflict) => {
                    (conflict.operation_id.unwrap_or_default_id(), Answered::Conflict(conflict.id))
                }
                Answer::Failed(error) if error.retryable || answer.is_of_another() => continue,
                Answer::Failed(error) => (error.operation_id, Answered::Failed(error.code)),
            };
            let gone = matches!(answered, Answered::Failed(shared::ErrorCode::Gone));
            // Too old by a clock that was wrong at the time.
            if matches!(answered, Answered::Failed(shared::ErrorCode::OperationExpired)) {
                continue;
            }
            match self.memory.answers.get(&id) {
                Some(first) if *first != answered && !gone => {
                    let first = first.clone();
                    self.fail(Invariant::Idempotence, || {
                        format!("{id} was {first:?}, now it is {answered:?}")
                    });
                }
                Some(_) => {}
                None => drop(self.memory.answers.insert(id, answered)),
            }
        }
        if changes.iter().all(|change| known(&change.operation_id)) {
            let same = changed.items.is_empty()
                && changed.new_versions.is_empty()
                && changed.lost_versions.is_empty()
                && changed.before.entries() == changed.after.entries()
                && changed.before.account.used_bytes == changed.after.account.used_bytes;
            self.check(Invariant::Idempotence, same, || "a repeated push had an effect".into());
        }
    }

    /// Nothing goes for good but what somebody removed for good, out of the trash.
    fn purges_asked(&mut self, changed: &Changed<'_>, fresh: &[(&PreparedChange, &Answer)]) {
        let purges: BTreeSet<ItemId> = fresh
            .iter()
            .filter(|(change, _)| matches!(kind(change), Some(PreparedKind::Purge)))
            .map(|(change, _)| changed.after.resolve(change.file_id))
            .collect();
        for (_, row) in &changed.items {
            if !changed.became_purged(row.id) {
                continue;
            }
            let asked = changed.after.chain(row.id).any(|above| purges.contains(&above.id));
            self.check(Invariant::Durable, asked, || format!("{} was removed for good, unasked", row.id));
        }
    }

    /// A chunk that an upload sent, or was told to be there.
    fn remember_promises(&mut self, changed: &Changed<'_>, now: Timestamp) {
        for (id, upload) in &changed.after.uploads {
            let held_before = |chunk: &ChunkRef| {
                let upload = changed.before.uploads.get(id);
                upload.is_some_and(|upload| upload.planned.contains(&(*chunk, true)))
            };
            let held = upload.planned.iter().filter(|(chunk, held)| *held && !held_before(chunk));
            self.memory.promised.extend(held.map(|(chunk, _)| (chunk.hash, now)));
        }
    }

    /// What goes by itself was old enough, by a clock that does not lie.
    fn nothing_early(&mut self, changed: &Changed<'_>, now: Timestamp) {
        let (before, after) = (changed.before, changed.after);
        for row in &changed.lost_versions {
            let form = self.form(row.content_hash);
            self.memory.expired.insert((row.item_id, form));
        }
        if self.clock_lied {
            return;
        }
        let age =
            |since: Option<&Timestamp>| since.map_or(std::time::Duration::MAX, |since| now.since(*since));
        for (_, row) in changed.items.iter().filter(|(_, row)| changed.became_purged(row.id)) {
            let deletes = before.chain(row.id).filter_map(|above| above.deleted);
            let oldest = deletes.map(|delete| age(self.memory.deleted.get(&delete.by))).max();
            let old = oldest.is_some_and(|age| age >= TRASH_RETENTION);
            self.check(Invariant::Time, old, || format!("{} left the trash after {oldest:?}", row.id));
        }
        for row in changed.lost_versions.iter().filter(|row| !changed.became_purged(row.item_id)) {
            let age = age(self.memory.superseded.get(&row.id));
            let later = before.versions.values().filter(|other| {
                other.item_id == row.item_id && other.id != row.id && other.superseded_at >= row.superseded_at
            });
            let fine = age >= VERSION_RETENTION && later.count() >= VERSIONS_KEPT_MIN;
            self.check(Invariant::Time, fine, || format!("a version of {} went after {age:?}", row.item_id));
        }
        for id in before.items.keys().filter(|id| !after.items.contains_key(id)) {
            let old = age(self.memory.purged.get(id)) >= TOMBSTONE_RETENTION;
            self.check(Invariant::Time, old, || format!("the tombstone {id} went early"));
        }
        for hash in before.account.chunks.keys().filter(|hash| !after.account.chunks.contains_key(hash)) {
            let old = age(self.memory.promised.get(hash)) >= CHUNK_LEASE;
            self.check(Invariant::Collection, old, || {
                format!("the chunk {hash} went before its lease ended")
            });
        }
        for (id, row) in before.operations.iter().filter(|(_, row)| row.kept.is_some()) {
            let forgotten = after.operations.get(id).is_none_or(|row| row.kept.is_none());
            let old = !forgotten || age(self.memory.recorded.get(id)) >= OPERATION_RETENTION;
            self.check(Invariant::Time, old, || {
                format!("the answer to {id} of {:?} went early", row.recorded_at)
            });
        }
    }
}

/// What a device can see of a row.
pub(super) fn visible(row: &ItemRow) -> impl PartialEq + use<> {
    (
        (row.parent_id, row.name.clone(), row.content_hash, row.size, row.mime_type.clone()),
        (row.vector.clone(), row.deleted, row.purged_at, row.modified_at, row.created_at),
        row.photo.clone(),
    )
}

pub(super) fn kind(change: &PreparedChange) -> Option<&PreparedKind> {
    change.body.as_ref().ok().map(|body| &body.kind)
}

/// Changes that were judged by this write, not before, with their answers.
fn fresh<'a>(
    changed: &Changed<'_>,
    changes: &'a [PreparedChange],
    answers: &'a [Answer],
) -> Vec<(&'a PreparedChange, &'a Answer)> {
    let answer_of = |id: OperationId| answers.iter().find(|answer| operation_of(answer) == Some(id));
    let mut met = BTreeSet::new();
    changes
        .iter()
        .filter(|change| !changed.before.operations.contains_key(&change.operation_id))
        .filter(|change| met.insert(change.operation_id))
        .filter_map(|change| Some((change, answer_of(change.operation_id)?)))
        .collect()
}

/// What accepted changes other than deletes were about, and the folders that they name.
pub(super) fn targets(fresh: &[(&PreparedChange, &Answer)], after: &Database) -> BTreeSet<ItemId> {
    let mut targets = BTreeSet::new();
    for (change, answer) in fresh {
        if matches!(answer, Answer::Failed(_)) {
            continue;
        }
        match kind(change) {
            Some(PreparedKind::Delete { .. } | PreparedKind::Purge) | None => {}
            Some(_) => drop(targets.insert(after.resolve(change.file_id))),
        }
    }
    targets
}

/// The folders that accepted changes put something into, if only for a moment.
fn folders_named(fresh: &[(&PreparedChange, &Answer)], after: &Database) -> BTreeSet<ItemId> {
    let accepted = fresh.iter().filter(|(_, answer)| !matches!(answer, Answer::Failed(_)));
    let named = accepted.filter_map(|(change, _)| match kind(change)? {
        PreparedKind::CreateFolder(new) | PreparedKind::Create(new, _) => Some(new.parent_id),
        PreparedKind::Move { parent_id, .. } | PreparedKind::Restore { parent_id } => *parent_id,
        PreparedKind::Content(_)
        | PreparedKind::Delete { .. }
        | PreparedKind::Purge
        | PreparedKind::Photo(_)
        | PreparedKind::Album(..) => None,
    });
    named.map(|folder| after.resolve(folder)).collect()
}

/// What a batch restores.
fn restored<'a>(
    fresh: &'a [(&'a PreparedChange, &'a Answer)],
) -> impl Iterator<Item = &'a PreparedChange> + 'a {
    let restores = |change: &&PreparedChange| matches!(kind(change), Some(PreparedKind::Restore { .. }));
    fresh.iter().map(|(change, _)| *change).filter(restores)
}

/// The deletes that put what was restored into the trash.
pub(super) fn undone(fresh: &[(&PreparedChange, &Answer)], before: &Database) -> Vec<Deletion> {
    restored(fresh).filter_map(|change| before.items.get(&before.resolve(change.file_id))?.deleted).collect()
}

/// What went into the trash with something that was restored, or by a delete of that; in a batch also what was there
/// because of the same folder: an earlier change may have left both behind as pieces of one delete.
fn may_come_along(fresh: &[(&PreparedChange, &Answer)], changed: &Changed<'_>) -> BTreeSet<ItemId> {
    let before = changed.before;
    let lay_by = |id: ItemId| match fresh {
        [_] => before.items.get(&id)?.deleted,
        _ => before.chain(id).find_map(|row| row.deleted),
    };
    let lay = restored(fresh).filter_map(|change| lay_by(before.resolve(change.file_id)));
    let item_of = |deletion: Deletion| {
        let delete = changed.after.operations.get(&deletion.by)?;
        Some(before.resolve(delete.kept.as_ref()?.chain.as_ref()?.item_id))
    };
    let of_restored = |deletion: &Deletion| {
        restored(fresh).any(|change| item_of(*deletion) == Some(before.resolve(change.file_id)))
    };
    let taken_back = before.items.values().filter_map(|row| row.deleted).filter(of_restored);
    let deletions: Vec<Deletion> = lay.chain(taken_back).collect();
    let along = |id: &ItemId| !deletions.is_empty() && lay_by(*id).is_some_and(|by| deletions.contains(&by));
    before.items.keys().copied().filter(along).collect()
}

/// An answer to a push always names its operation.
trait NamesOperation {
    fn unwrap_or_default_id(self) -> OperationId;
}

impl NamesOperation for Option<OperationId> {
    fn unwrap_or_default_id(self) -> OperationId {
        self.unwrap_or(OperationId(uuid::Uuid::nil()))
    }
}
