//! Into the trash, out of it, and out of it for good; and what else lives or stays behind because of it.

use std::collections::BTreeSet;

use shared::activity::ActivityKind;
use shared::faults::Fault;
use shared::frames::FileAction;
use shared::rules::{DeleteVerdict, judge_delete};
use shared::sync::Outcome;
use shared::{DeviceId, Dot, ErrorCode, ItemId, ItemKind, ItemName, OperationId};

use super::change::{Done, End, Judged, Refusal};
use super::judge::{Basis, Judge, News};
use super::overlay::Write;
use super::retire::NO_DEVICE;
use super::store::ZoneStore;
use crate::db::DbError;
use crate::db::items::{Deletion, ItemRow};

impl<S: ZoneStore> Judge<'_, '_, S> {
    /// `seen`: how far whoever deletes had looked; None where they know the item as another, which it joined.
    pub(super) async fn delete(
        &mut self,
        operation_id: OperationId,
        mut item: ItemRow,
        mut basis: Basis,
        seen: Option<u64>,
    ) -> Judged<Done> {
        let deleted = self.zone.is_deleted(item.id).await?;
        // With a file that theirs joined they meant their own: they had not seen where this one is.
        let place_meant = seen.is_some() || item.kind == ItemKind::Folder;
        let place_seen = place_meant && basis.place.covers(item.place_dot);
        let verdict = judge_delete(basis.content.covers(item.content_dot), place_seen, deleted);
        // They had made a folder that joined this one, and did not know it yet: it is theirs as well.
        let own_unseen = item.kind == ItemKind::Folder
            && !basis
                .place
                .covers(Dot { device: self.context.device, count: item.vector.get(self.context.device) });
        let dot = self.zone.issue(&mut item);
        basis.place.learn(dot);
        let id = item.id;
        let outcome = match verdict {
            DeleteVerdict::Same | DeleteVerdict::Loses => {
                if verdict == DeleteVerdict::Same {
                    basis.place.learn(item.place_dot);
                } else {
                    self.tell(&item, ActivityKind::DeleteLost);
                }
                self.zone.put(item, Write::Bump);
                Outcome::Unchanged
            }
            DeleteVerdict::Delete => {
                let survivors = match item.kind {
                    ItemKind::File => Vec::new(),
                    ItemKind::Folder => {
                        let deleter = if own_unseen { NO_DEVICE } else { self.context.device };
                        self.survivors(id, deleter, seen.unwrap_or(0)).await?
                    }
                };
                let deletion = Deletion { at: self.context.now, by: operation_id };
                // Of a folder that theirs joined, or that joined theirs, only what they meant goes.
                let whole = item.kind == ItemKind::File || (seen.is_some() && !own_unseen);
                if survivors.is_empty() && whole {
                    self.delete_pair(&mut item, deletion).await?;
                    item.deleted = Some(deletion);
                    item.place_dot = dot;
                    self.zone.put(item, Write::Touch);
                    self.news.push(News::Deleted(id));
                    Outcome::Applied
                } else {
                    self.tell(&item, ActivityKind::DeletePartly);
                    self.zone.put(item, Write::Bump);
                    self.leave_behind(id, &survivors, deletion).await?;
                    Outcome::Merged
                }
            }
        };
        Ok(Done { item_id: id, end: End::Applied(outcome), chain: basis.chain(id) })
    }

    /// What another device than the deleter's put or changed below the folder after the deleter had looked; the
    /// topmost of each branch.
    async fn survivors(
        &mut self,
        folder: ItemId,
        deleter: DeviceId,
        seen: u64,
    ) -> Result<Vec<ItemId>, DbError> {
        if Fault::SurvivorsAreForgotten.is_planted() {
            return Ok(Vec::new());
        }
        let touched = self.zone.store.touched_after(deleter, seen).await?;
        let mut ids: BTreeSet<ItemId> = touched.iter().map(|row| row.id).collect();
        if deleter != self.context.device {
            ids.extend(self.zone.touched());
        }
        // What this batch brought back was in the trash, where others may have touched it last.
        for id in self.zone.entered() {
            if self.zone.item(id).await?.is_some_and(|row| row.touched.outlives_delete(deleter, seen)) {
                ids.insert(id);
            }
        }
        self.zone.prefetch(ids.iter().copied()).await?;
        let mut below = Vec::new();
        for id in ids {
            let chain = self.zone.chain(id).await?;
            let Some(at) = chain.iter().position(|row| row.id == folder).filter(|&at| at > 0) else {
                continue;
            };
            if chain[..at].iter().all(|row| row.deleted.is_none() && row.purged_at.is_none()) {
                below.push(chain[..at].iter().map(|row| row.id).collect::<Vec<_>>());
            }
        }
        let all: BTreeSet<ItemId> = below.iter().map(|path| path[0]).collect();
        Ok(below
            .iter()
            .filter(|path| !path[1..].iter().any(|above| all.contains(above)))
            .map(|path| path[0])
            .collect())
    }

    /// The folder lives because of `keep`: what else is in it goes into the trash, in pieces that share the
    /// delete.
    pub(super) async fn leave_behind(
        &mut self,
        folder: ItemId,
        keep: &[ItemId],
        deletion: Deletion,
    ) -> Result<(), DbError> {
        let keep: BTreeSet<ItemId> = keep.iter().copied().collect();
        let mut needed = BTreeSet::from([folder]);
        for &id in &keep {
            let chain = self.zone.chain(id).await?;
            needed.extend(chain.iter().map(|row| row.id).skip(1).take_while(|&above| above != folder));
        }
        for child in self.zone.children(&needed.iter().copied().collect::<Vec<_>>()).await? {
            if child.deleted.is_none() && !needed.contains(&child.id) && !keep.contains(&child.id) {
                self.set_aside(child, deletion);
            }
        }
        Ok(())
    }

    /// Stays in the trash as a topmost item of the delete.
    pub(super) fn set_aside(&mut self, mut item: ItemRow, deletion: Deletion) {
        let dot = self.zone.issue(&mut item);
        item.place_dot = dot;
        item.deleted = Some(deletion);
        self.news.push(News::Deleted(item.id));
        self.zone.put(item, Write::Bump);
    }

    /// Takes the folder and those that it is in out of the trash, because `keep` is to live in it. The rest
    /// of what was deleted with them stays behind, as topmost items sharing the delete.
    pub(super) async fn bring_back(&mut self, folder: ItemId, keep: &[ItemId]) -> Result<bool, DbError> {
        let mut path = self.zone.chain(folder).await?;
        let Some(topmost) = path.iter().rposition(|row| row.deleted.is_some()) else { return Ok(false) };
        path.truncate(topmost + 1);
        let ids: BTreeSet<ItemId> = path.iter().map(|row| row.id).collect();
        let mut deletion = path[topmost].deleted;
        for mut item in path.into_iter().rev() {
            let id = item.id;
            deletion = item.deleted.or(deletion);
            if item.deleted.take().is_some() {
                self.name_anew(&mut item).await?;
                let dot = self.zone.issue(&mut item);
                item.place_dot = dot;
            }
            self.zone.put(item, Write::Bump);
            self.news.push(News::File(id, FileAction::Restored));
            for child in self.zone.children(&[id]).await? {
                if child.deleted.is_none()
                    && !ids.contains(&child.id)
                    && !keep.contains(&child.id)
                    && let Some(deletion) = deletion
                {
                    self.set_aside(child, deletion);
                }
            }
        }
        Ok(true)
    }

    /// Gives the item a name that is free where it is; whether it is another than before.
    async fn name_anew(&mut self, item: &mut ItemRow) -> Result<bool, DbError> {
        let Ok(name) = ItemName::parse(&item.name) else { return Ok(false) };
        if Fault::RestoredOntoTakenName.is_planted() {
            return Ok(false);
        }
        let free = self.zone.free_name(item.parent_id, &name, item.id).await?;
        let renamed = free != name;
        free.as_str().clone_into(&mut item.name);
        Ok(renamed)
    }

    /// What lives again with the item enters the feed with it, as something new to whoever did not see it return.
    pub(super) async fn touch_descendants(&mut self, id: ItemId) -> Result<(), DbError> {
        if Fault::DescendantsAreUntold.is_planted() {
            return Ok(());
        }
        for row in self.zone.descendants(id, |row| row.deleted.is_none()).await? {
            self.zone.put(row, Write::Touch);
        }
        Ok(())
    }

    /// Brings an edited item back, with the folders that it needs. `item` is not written yet: the caller's
    /// input, whose dot becomes the place's, does that. Answers whether it had to take another name.
    pub(super) async fn revive(&mut self, item: &mut ItemRow, dot: shared::Dot) -> Result<bool, DbError> {
        if !Fault::FoldersStayInTrash.is_planted() {
            self.bring_back(item.parent_id, &[item.id]).await?;
        }
        let renamed = item.deleted.take().is_some() && self.name_anew(item).await?;
        item.place_dot = dot;
        self.tell(item, ActivityKind::CameBack);
        self.news.push(News::File(item.id, FileAction::Restored));
        Ok(renamed)
    }

    /// `undone`: the delete that it takes back, where it was made before that was answered.
    pub(super) async fn restore(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        parent_id: Option<ItemId>,
        undone: Option<Deletion>,
    ) -> Judged<Done> {
        let id = item.id;
        if !self.zone.is_deleted(id).await? {
            let undone = match undone {
                Some(deletion) => Some(deletion),
                None => self.last_delete(&item, &basis).await?,
            };
            // It lives because only a part of it went, or came back: the rest comes back.
            let part = match undone {
                Some(deletion) => self.zone.deleted_by(deletion).await?,
                None => BTreeSet::new(),
            };
            let seen = basis.place.covers(item.place_dot);
            let target = match parent_id.filter(|_| undone.is_some() && seen) {
                Some(_) => self.restore_target(&item, parent_id).await?,
                None => item.parent_id,
            };
            let mut done = if target == item.parent_id {
                let dot = self.zone.issue(&mut item);
                basis.place.learn(dot);
                basis.place.learn(item.place_dot);
                self.zone.put(item, Write::Bump);
                Done { item_id: id, end: End::Applied(Outcome::Unchanged), chain: basis.chain(id) }
            } else {
                self.relocate(item, basis, Some(target), None).await?
            };
            if !part.is_empty() && matches!(done.end, End::Applied(Outcome::Unchanged)) {
                done.end = End::Applied(Outcome::Applied);
            }
            for piece in part {
                self.restore_along(piece, undone).await?;
            }
            return Ok(done);
        }
        let target = self.restore_target(&item, parent_id).await?;
        self.check_library(target)?;
        let deletion = item.deleted;
        self.bring_back(target, &[id]).await?;
        // What stayed behind just now may have gone with it.
        let together = match deletion {
            Some(deletion) => self.zone.deleted_by(deletion).await?,
            None => BTreeSet::new(),
        };
        item.parent_id = target;
        item.deleted = None;
        let renamed = self.name_anew(&mut item).await?;
        let dot = self.zone.issue(&mut item);
        basis.place.learn(dot);
        item.place_dot = dot;
        self.zone.put(item, Write::Touch);
        self.touch_descendants(id).await?;
        self.news.push(News::File(id, FileAction::Restored));
        for other in together {
            self.restore_along(other, deletion).await?;
        }
        self.pair(id).await?;
        let outcome = if renamed { Outcome::Renamed } else { Outcome::Applied };
        Ok(Done { item_id: id, end: End::Applied(outcome), chain: basis.chain(id) })
    }

    /// The last delete of the item, where it lives again without some of what is in it and whoever restores it has
    /// not seen that. Nor need they have seen the delete, as with what is still in the trash.
    async fn last_delete(&mut self, item: &ItemRow, basis: &Basis) -> Result<Option<Deletion>, DbError> {
        if basis.place.covers(item.place_dot) {
            return Ok(None);
        }
        // Something before it in the batch brought it back: of a larger delete it may have been a piece.
        if let Some(deletion) = self.zone.rose_from(item.id) {
            return Ok(Some(deletion));
        }
        let below = self.zone.descendants(item.id, |_| true).await?;
        let mut deletions: Vec<Deletion> = below.iter().filter_map(|row| row.deleted).collect();
        deletions.dedup();
        self.zone.prefetch_operations(deletions.iter().map(|deletion| deletion.by)).await?;
        let own_count = |deletion: Deletion| {
            let delete = self.zone.operation(deletion.by)?.kept.as_ref()?.chain.as_ref()?;
            let dot = delete.place.latest().filter(|_| delete.item_id == item.id)?;
            Some((dot.count, deletion))
        };
        let last = deletions.into_iter().filter_map(own_count).max_by_key(|(count, _)| *count);
        Ok(last.map(|(_, deletion)| deletion))
    }

    /// What went into the trash with the same delete comes back with it.
    async fn restore_along(&mut self, id: ItemId, deletion: Option<Deletion>) -> Result<(), DbError> {
        let Some(mut item) = self.zone.item(id).await? else { return Ok(()) };
        if item.deleted.is_none() || item.deleted != deletion || Fault::RestoredAlone.is_planted() {
            return Ok(());
        }
        item.deleted = None;
        self.name_anew(&mut item).await?;
        let dot = self.zone.issue(&mut item);
        item.place_dot = dot;
        self.zone.put(item, Write::Touch);
        if !self.zone.is_deleted(id).await? {
            self.touch_descendants(id).await?;
            self.news.push(News::File(id, FileAction::Restored));
        }
        Ok(())
    }

    async fn restore_target(&mut self, item: &ItemRow, parent_id: Option<ItemId>) -> Judged<ItemId> {
        let target = self.target(parent_id.unwrap_or(item.parent_id)).await?;
        if target.path.contains(&item.id) {
            return Err(Refusal::new(
                ErrorCode::WouldCycle,
                "A folder can't go into itself. Choose one outside it.",
            )
            .into());
        }
        self.check_subtree_depth(item, target.depth).await?;
        Ok(target.id)
    }

    pub(super) async fn purge(&mut self, mut item: ItemRow, mut basis: Basis) -> Judged<Done> {
        let id = item.id;
        if !self.zone.is_deleted(id).await? {
            if basis.place.covers(item.place_dot) {
                let message = "Only what is in the trash can be removed for good. Delete it first.";
                return Err(Refusal::new(ErrorCode::NotDeleted, message).into());
            }
            // Somebody took it out of the trash, unseen.
            let dot = self.zone.issue(&mut item);
            basis.place.learn(dot);
            self.zone.put(item, Write::Bump);
            return Ok(Done { item_id: id, end: End::Applied(Outcome::Unchanged), chain: basis.chain(id) });
        }
        let dot = self.zone.issue(&mut item);
        basis.place.learn(dot);
        item.place_dot = dot;
        self.bury(item).await?;
        Ok(Done { item_id: id, end: End::Applied(Outcome::Applied), chain: basis.chain(id) })
    }

    /// Whether a person still has to choose between contents of the item, of one below it, or of the other part of
    /// a Live Photo.
    pub(super) async fn holds_open_conflict(&mut self, item: &ItemRow) -> Result<bool, DbError> {
        let mut files: Vec<ItemId> =
            self.zone.descendants(item.id, |_| true).await?.iter().map(|row| row.id).collect();
        files.push(item.id);
        files.extend(self.gone_with(item).await?.map(|other| other.id));
        self.zone.prefetch_conflicts(files.iter().copied()).await?;
        for file in files {
            if !self.zone.open_conflicts(file).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Makes tombstones of the item and everything below it, and gives their contents back.
    pub async fn bury(&mut self, item: ItemRow) -> Result<(), DbError> {
        let id = item.id;
        let below = self.zone.descendants(id, |_| true).await?;
        let pair = self.bury_pair(&item).await?;
        let film = pair.as_ref().map(|film| film.id);
        let all: Vec<ItemRow> = std::iter::once(item).chain(pair).chain(below).collect();
        let files: Vec<ItemId> =
            all.iter().filter(|row| row.kind == ItemKind::File).map(|row| row.id).collect();
        self.zone.prefetch_conflicts(files.iter().copied()).await?;
        for &file in &files {
            for mut conflict in self.zone.open_conflicts(file).await? {
                conflict.resolved_at = Some(self.context.now);
                conflict.proposal = None;
                self.news.push(News::ConflictResolved(conflict.id));
                self.zone.put_conflict(conflict);
            }
        }
        if !Fault::PurgeKeepsVersions.is_planted() {
            self.zone.drop_versions(&files).await?;
        }
        for row in all {
            self.zone.put(
                ItemRow {
                    name: String::new(),
                    size: 0,
                    mime_type: None,
                    content_hash: None,
                    version_id: None,
                    deleted: None,
                    purged_at: Some(self.context.now),
                    photo: row.photo.as_ref().map(|_| Box::default()),
                    ..row
                },
                Write::Bump,
            );
        }
        self.news.extend([Some(id), film].into_iter().flatten().map(News::Deleted));
        Ok(())
    }
}
